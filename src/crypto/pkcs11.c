/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of PKCS #11 (OASIS, v2.40) only what holding a few keys needs. The module is somebody else's code in our process:
 * whoever opens one decides in which process that is.
 *
 * RSA ciphertexts begin with a byte that names OAEP's hash: many tokens know SHA-1 alone, whose weakness (collisions)
 * does not concern OAEP, and what was made must open after the token learnt more.
 */
#include "crypto/pkcs11.h"

#include "base/log.h"
#include "base/str.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdio.h>

enum { NONCE = 12, TAG = 16, SLOTS_MAX = 64, RSA_BYTES_MAX = 1024, LABEL_MAX = 255 };
static_assert((int)NONCE + (int)TAG == (int)PKCS11_AES_OVERHEAD, "what AES adds");

struct pkcs11 {
	struct world *world;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	pthread_mutex_t lock; /* the session is used by one thread at a time */
	struct pkcs11_about about;
	CK_TOKEN_INFO token;
};

static struct status refused(const char *what, CK_RV rv)
{
	char code[24];

	snprintf(code, sizeof code, "0x%lx", rv);
	log_error("a PKCS #11 module refuses", "call", str_of(what), "code", str_of(code));
	return ERR(E_IO);
}

/* ---- opening ---- */

static struct status load(const char *path, CK_FUNCTION_LIST **out)
{
	CK_C_GetFunctionList list;
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (!module) {
		log_error("cannot load the PKCS #11 module", "module", str_of(path), "error", str_of(dlerror()));
		return ERR(E_NOT_FOUND);
	}
	void *symbol = dlsym(module, "C_GetFunctionList");
	dlclose(module); /* it stays, by RTLD_NODELETE: what it holds is of the process */
	if (!symbol) {
		log_error("this library is no PKCS #11 module", "module", str_of(path));
		return ERR(E_NOT_FOUND);
	}
	memcpy(&list, &symbol, sizeof list);
	CK_RV rv = list(out);
	if (rv == CKR_OK)
		rv = (*out)->C_Initialize(&args);
	return rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? OK : refused("C_Initialize", rv);
}

static struct str padded(const unsigned char *text, size_t n)
{
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == 0))
		n--;
	return str_make(text, n);
}

static bool fits(const struct pkcs11_where *at, const CK_TOKEN_INFO *t)
{
	if (!(t->flags & CKF_TOKEN_INITIALIZED))
		return false;
	return (!at->token.n || str_eq(at->token, padded(t->label, sizeof t->label))) &&
	       (!at->serial.n || str_eq(at->serial, padded(t->serialNumber, sizeof t->serialNumber)));
}

static struct status find_token(struct pkcs11 *p, const struct pkcs11_where *at, CK_SLOT_ID *out)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_TOKEN_INFO info;
	size_t found = 0;
	CK_RV rv = p->f->C_GetSlotList(CK_TRUE, slots, &n);

	if (rv != CKR_OK)
		return refused("C_GetSlotList", rv);
	for (size_t i = 0; i < n; i++) {
		if (p->f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !fits(at, &info))
			continue;
		found++;
		*out = slots[i];
		p->token = info;
	}
	if (found == 1)
		return OK;
	log_error(found ? "several tokens fit: name one by label and serial number" : "no such PKCS #11 token", "token",
		  at->token, "module", str_of(at->module));
	return ERR(found ? E_EXISTS : E_NOT_FOUND);
}

static struct status log_in(struct pkcs11 *p, struct str pin)
{
	CK_RV rv = p->f->C_Login(p->session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin.p, pin.n);

	switch (rv) {
	case CKR_OK:
	case CKR_USER_ALREADY_LOGGED_IN:
		return OK;
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
		log_error("the token's PIN is wrong", "token", p->about.label);
		return ERR(E_NO_KEY);
	case CKR_PIN_LOCKED:
		log_error("the token's PIN is locked after too many wrong ones", "token", p->about.label);
		return ERR(E_BUSY);
	default:
		return refused("C_Login", rv);
	}
}

static struct status open_session(struct pkcs11 *p, const struct pkcs11_where *at, struct str pin)
{
	CK_SLOT_ID slot = 0;

	TRY(load(at->module, &p->f));
	TRY(find_token(p, at, &slot));
	CK_TOKEN_INFO *t = &p->token;
	p->about =
	    (struct pkcs11_about){ padded(t->label, sizeof t->label),
				   padded(t->manufacturerID, sizeof t->manufacturerID),
				   padded(t->model, sizeof t->model), padded(t->serialNumber, sizeof t->serialNumber) };
	CK_RV rv = p->f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &p->session);
	if (rv != CKR_OK)
		return refused("C_OpenSession", rv);
	return log_in(p, pin);
}

struct status pkcs11_open(struct world *w, const struct pkcs11_where *at, struct str pin, struct pkcs11 **out)
{
	struct pkcs11 *p = HEAP(struct pkcs11);

	p->world = w;
	p->session = CK_INVALID_HANDLE;
	pthread_mutex_init(&p->lock, NULL);
	struct status st = open_session(p, at, pin);
	if (failed(st)) {
		pkcs11_close(p);
		return st;
	}
	*out = p;
	return OK;
}

void pkcs11_close(struct pkcs11 *p)
{
	if (!p)
		return;
	if (p->session != CK_INVALID_HANDLE)
		(void)p->f->C_CloseSession(p->session);
	pthread_mutex_destroy(&p->lock);
	heap_free(p);
}

const struct pkcs11_about *pkcs11_about(struct pkcs11 *p) { return &p->about; }

struct status pkcs11_check(struct pkcs11 *p)
{
	CK_SESSION_INFO info;

	pthread_mutex_lock(&p->lock);
	CK_RV rv = p->f->C_GetSessionInfo(p->session, &info);
	pthread_mutex_unlock(&p->lock);
	return rv == CKR_OK && info.state == CKS_RW_USER_FUNCTIONS ? OK : ERR(E_IO);
}

/* ---- finding and making keys ---- */

static CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	return (CK_ATTRIBUTE){ type, (void *)(uintptr_t)p, n };
}

/* One object of that class with that label. */
static struct status find_one(struct pkcs11 *p, CK_OBJECT_CLASS class, CK_KEY_TYPE type, struct str label,
			      unsigned long *out)
{
	CK_ATTRIBUTE want[] = { attribute(CKA_CLASS, &class, sizeof class), attribute(CKA_KEY_TYPE, &type, sizeof type),
				attribute(CKA_LABEL, label.p, label.n) };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_RV rv = p->f->C_FindObjectsInit(p->session, want, COUNT(want));

	if (rv == CKR_OK)
		rv = p->f->C_FindObjects(p->session, found, COUNT(found), &n);
	(void)p->f->C_FindObjectsFinal(p->session);
	if (rv != CKR_OK)
		return refused("C_FindObjects", rv);
	if (n != 1)
		return ERR(n ? E_EXISTS : E_NOT_FOUND);
	*out = found[0];
	return OK;
}

static struct status number_of(struct pkcs11 *p, unsigned long object, CK_ATTRIBUTE_TYPE type, CK_ULONG *out)
{
	CK_ATTRIBUTE a = attribute(type, out, sizeof *out);
	CK_RV rv = p->f->C_GetAttributeValue(p->session, object, &a, 1);

	return rv == CKR_OK ? OK : refused("C_GetAttributeValue", rv);
}

static struct status find_rsa(struct pkcs11 *p, struct str label, struct pkcs11_key *out)
{
	struct pkcs11_key key = { .kind = PKCS11_RSA };
	CK_BYTE modulus[RSA_BYTES_MAX];
	CK_ATTRIBUTE a = attribute(CKA_MODULUS, modulus, sizeof modulus);

	TRY(find_one(p, CKO_PRIVATE_KEY, CKK_RSA, label, &key.secret));
	TRY(find_one(p, CKO_PUBLIC_KEY, CKK_RSA, label, &key.open));
	CK_RV rv = p->f->C_GetAttributeValue(p->session, key.open, &a, 1);
	if (rv != CKR_OK)
		return refused("C_GetAttributeValue", rv);
	key.bits = a.ulValueLen * 8;
	*out = key;
	return OK;
}

static struct status find(struct pkcs11 *p, struct str label, struct pkcs11_key *out)
{
	struct pkcs11_key key = { .kind = PKCS11_AES };
	CK_ULONG bytes = 0;
	struct status st = find_one(p, CKO_SECRET_KEY, CKK_AES, label, &key.secret);

	if (st.code == E_NOT_FOUND)
		return find_rsa(p, label, out);
	TRY(st);
	TRY(number_of(p, key.secret, CKA_VALUE_LEN, &bytes));
	key.bits = bytes * 8;
	*out = key;
	return OK;
}

struct status pkcs11_find(struct pkcs11 *p, struct str label, struct pkcs11_key *out)
{
	if (label.n < 1 || label.n > LABEL_MAX)
		return ERR(E_NOT_FOUND);
	pthread_mutex_lock(&p->lock);
	struct status st = find(p, label, out);
	pthread_mutex_unlock(&p->lock);
	return st;
}

static struct status make_aes(struct pkcs11 *p, struct str label, struct pkcs11_key *out)
{
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	static const CK_ULONG bytes = 32;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE type = CKK_AES;
	CK_MECHANISM how = { CKM_AES_KEY_GEN, NULL, 0 };
	CK_ATTRIBUTE as[] = {
		attribute(CKA_CLASS, &class, sizeof class), attribute(CKA_KEY_TYPE, &type, sizeof type),
		attribute(CKA_LABEL, label.p, label.n),     attribute(CKA_VALUE_LEN, &bytes, sizeof bytes),
		attribute(CKA_TOKEN, &yes, sizeof yes),     attribute(CKA_PRIVATE, &yes, sizeof yes),
		attribute(CKA_SENSITIVE, &yes, sizeof yes), attribute(CKA_EXTRACTABLE, &no, sizeof no),
		attribute(CKA_ENCRYPT, &yes, sizeof yes),   attribute(CKA_DECRYPT, &yes, sizeof yes),
	};
	struct pkcs11_key key = { .kind = PKCS11_AES, .bits = 256 };

	if (find(p, label, &key).code != E_NOT_FOUND)
		return ERR(E_EXISTS);
	CK_RV rv = p->f->C_GenerateKey(p->session, &how, as, COUNT(as), &key.secret);
	if (rv != CKR_OK)
		return refused("C_GenerateKey", rv);
	*out = key;
	return OK;
}

struct status pkcs11_make_aes(struct pkcs11 *p, struct str label, struct pkcs11_key *out)
{
	if (label.n < 1 || label.n > LABEL_MAX)
		return ERR(E_INVALID);
	pthread_mutex_lock(&p->lock);
	struct status st = make_aes(p, label, out);
	pthread_mutex_unlock(&p->lock);
	return st;
}

struct status pkcs11_destroy(struct pkcs11 *p, const struct pkcs11_key *key)
{
	pthread_mutex_lock(&p->lock);
	CK_RV rv = p->f->C_DestroyObject(p->session, key->secret);
	if (rv == CKR_OK && key->kind == PKCS11_RSA)
		rv = p->f->C_DestroyObject(p->session, key->open);
	pthread_mutex_unlock(&p->lock);
	return rv == CKR_OK ? OK : refused("C_DestroyObject", rv);
}

/* ---- AES-GCM ---- */

static CK_GCM_PARAMS gcm_of(struct str nonce, struct str aad)
{
	return (CK_GCM_PARAMS){
		.pIv = (unsigned char *)(uintptr_t)nonce.p,
		.ulIvLen = NONCE,
		.ulIvBits = NONCE * 8,
		.pAAD = (unsigned char *)(uintptr_t)aad.p,
		.ulAADLen = aad.n,
		.ulTagBits = TAG * 8,
	};
}

static struct status encrypt_aes(struct pkcs11 *p, const struct pkcs11_key *key, struct str aad, struct str plain,
				 struct arena *mem, struct str *cipher)
{
	uint8_t *out = NEWS(mem, uint8_t, plain.n + PKCS11_AES_OVERHEAD);
	CK_ULONG n = plain.n + TAG;

	world_random(p->world, out, NONCE);
	CK_GCM_PARAMS gcm = gcm_of(str_make(out, NONCE), aad);
	CK_MECHANISM how = { CKM_AES_GCM, &gcm, sizeof gcm };
	CK_RV rv = p->f->C_EncryptInit(p->session, &how, key->secret);
	if (rv == CKR_OK)
		rv = p->f->C_Encrypt(p->session, (CK_BYTE *)(uintptr_t)plain.p, plain.n, out + NONCE, &n);
	if (rv != CKR_OK || n != plain.n + TAG)
		return refused("C_Encrypt", rv);
	*cipher = str_make(out, NONCE + n);
	return OK;
}

static struct status decrypt_aes(struct pkcs11 *p, const struct pkcs11_key *key, struct str aad, struct str cipher,
				 struct arena *mem, struct str *plain)
{
	if (cipher.n < PKCS11_AES_OVERHEAD || cipher.n > PKCS11_PLAIN_MAX + PKCS11_AES_OVERHEAD)
		return ERR(E_CORRUPT);
	CK_GCM_PARAMS gcm = gcm_of(cipher, aad);
	CK_MECHANISM how = { CKM_AES_GCM, &gcm, sizeof gcm };
	CK_ULONG n = cipher.n; /* some modules want room for the tag, too */
	uint8_t *out = NEWS(mem, uint8_t, cipher.n);
	struct str sealed = str_from(cipher, NONCE);
	CK_RV rv = p->f->C_DecryptInit(p->session, &how, key->secret);
	if (rv != CKR_OK)
		return refused("C_DecryptInit", rv);
	rv = p->f->C_Decrypt(p->session, (CK_BYTE *)(uintptr_t)sealed.p, sealed.n, out, &n);
	if (rv != CKR_OK || n != sealed.n - TAG)
		return ERR(E_CORRUPT);
	*plain = str_make(out, n);
	return OK;
}

/* ---- RSA-OAEP ---- */

static const struct {
	char name;
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
} oaeps[] = { { 2, CKM_SHA256, CKG_MGF1_SHA256 }, { 1, CKM_SHA_1, CKG_MGF1_SHA1 } };

static CK_RSA_PKCS_OAEP_PARAMS oaep_of(size_t i)
{
	return (CK_RSA_PKCS_OAEP_PARAMS){ .hashAlg = oaeps[i].hash, .mgf = oaeps[i].mgf, .source = CKZ_DATA_SPECIFIED };
}

static struct status encrypt_rsa(struct pkcs11 *p, const struct pkcs11_key *key, struct str plain, struct arena *mem,
				 struct str *cipher)
{
	char *out = NEWS(mem, char, 1 + RSA_BYTES_MAX);
	CK_RV rv = CKR_OK;

	for (size_t i = 0; i < COUNT(oaeps); i++) {
		CK_RSA_PKCS_OAEP_PARAMS oaep = oaep_of(i);
		CK_MECHANISM how = { CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep };
		CK_ULONG n = RSA_BYTES_MAX;
		rv = p->f->C_EncryptInit(p->session, &how, key->open);
		if (rv != CKR_OK)
			continue; /* not with that hash */
		rv = p->f->C_Encrypt(p->session, (CK_BYTE *)(uintptr_t)plain.p, plain.n, (CK_BYTE *)out + 1, &n);
		if (rv != CKR_OK)
			break;
		out[0] = oaeps[i].name;
		*cipher = str_make(out, 1 + n);
		return OK;
	}
	return refused("C_Encrypt", rv);
}

static struct status decrypt_rsa(struct pkcs11 *p, const struct pkcs11_key *key, struct str cipher, struct arena *mem,
				 struct str *plain)
{
	size_t i = 0;

	while (i < COUNT(oaeps) && (!cipher.n || cipher.p[0] != oaeps[i].name))
		i++;
	if (i == COUNT(oaeps) || cipher.n > 1 + RSA_BYTES_MAX)
		return ERR(E_CORRUPT);
	CK_RSA_PKCS_OAEP_PARAMS oaep = oaep_of(i);
	CK_MECHANISM how = { CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep };
	CK_ULONG n = RSA_BYTES_MAX;
	uint8_t *out = NEWS(mem, uint8_t, RSA_BYTES_MAX);
	CK_RV rv = p->f->C_DecryptInit(p->session, &how, key->secret);
	if (rv != CKR_OK)
		return refused("C_DecryptInit", rv);
	rv = p->f->C_Decrypt(p->session, (CK_BYTE *)(uintptr_t)cipher.p + 1, cipher.n - 1, out, &n);
	if (rv != CKR_OK)
		return ERR(E_CORRUPT);
	*plain = str_make(out, n);
	return OK;
}

struct status pkcs11_encrypt(struct pkcs11 *p, const struct pkcs11_key *key, struct str aad, struct str plain,
			     struct arena *mem, struct str *cipher)
{
	if (plain.n > PKCS11_PLAIN_MAX)
		return ERR(E_TOO_BIG);
	if (key->kind == PKCS11_RSA && aad.n)
		return ERR(E_UNSUPPORTED);
	pthread_mutex_lock(&p->lock);
	struct status st = key->kind == PKCS11_RSA ? encrypt_rsa(p, key, plain, mem, cipher)
						   : encrypt_aes(p, key, aad, plain, mem, cipher);
	pthread_mutex_unlock(&p->lock);
	return st;
}

struct status pkcs11_decrypt(struct pkcs11 *p, const struct pkcs11_key *key, struct str aad, struct str cipher,
			     struct arena *mem, struct str *plain)
{
	if (key->kind == PKCS11_RSA && aad.n)
		return ERR(E_UNSUPPORTED);
	pthread_mutex_lock(&p->lock);
	struct status st = key->kind == PKCS11_RSA ? decrypt_rsa(p, key, cipher, mem, plain)
						   : decrypt_aes(p, key, aad, cipher, mem, plain);
	pthread_mutex_unlock(&p->lock);
	return st;
}

struct status pkcs11_random(struct pkcs11 *p, void *out, size_t n)
{
	pthread_mutex_lock(&p->lock);
	CK_RV rv = p->f->C_GenerateRandom(p->session, out, n);
	pthread_mutex_unlock(&p->lock);
	return rv == CKR_OK ? OK : refused("C_GenerateRandom", rv);
}
