/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root key sealed by this machine's TPM 2.0.
 *
 *     storage key of the owner hierarchy ──▶ sealed data object (the root key) ── public and private part ──▶ the file
 *     (ECC P-256, made anew each time
 *      from the TPM's own seed)
 *
 * The storage key has the template that TCG recommends for storage root keys, and nothing is kept in the TPM: it may be
 * shared with whatever else uses it, and a cleared TPM opens nothing any more. What crosses the bus is encrypted, in a
 * session salted with that key.
 *
 * Without PCRs the file opens on this machine whatever was booted. With PCRs (SHA-256 bank) it opens only while they
 * have the values they had when it was sealed: an update of the firmware then needs a rotation before, and a copy of
 * the root key elsewhere.
 *
 * tpm2-tss is loaded when it is needed: machines without a TPM need not have it.
 */
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/root_source.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

static const struct str tcti_default = { "device:/dev/tpmrm0", 18 };

enum { PCRS = 24 };

/* ---- the library ---- */

#define FUNCTIONS(X)                          \
	X(esys, Esys_Initialize)              \
	X(esys, Esys_Finalize)                \
	X(esys, Esys_Free)                    \
	X(esys, Esys_CreatePrimary)           \
	X(esys, Esys_Create)                  \
	X(esys, Esys_Load)                    \
	X(esys, Esys_Unseal)                  \
	X(esys, Esys_FlushContext)            \
	X(esys, Esys_StartAuthSession)        \
	X(esys, Esys_TRSess_SetAttributes)    \
	X(esys, Esys_PolicyPCR)               \
	X(esys, Esys_PolicyGetDigest)         \
	X(mu, Tss2_MU_TPM2B_PUBLIC_Marshal)   \
	X(mu, Tss2_MU_TPM2B_PUBLIC_Unmarshal) \
	X(tctildr, Tss2_TctiLdr_Initialize)   \
	X(tctildr, Tss2_TctiLdr_Finalize)

struct tss {
#define X(library, name) __typeof__(&name) name;
	FUNCTIONS(X)
#undef X
};

struct tpm {
	struct tss f;
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR storage; /* the storage key */
};

static bool load_one(const char *library, const char *name, void *out)
{
	char file[64];
	snprintf(file, sizeof file, "libtss2-%s.so.0", library);
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE), *symbol = NULL;
	if (handle) {
		symbol = dlsym(handle, name);
		dlclose(handle); /* stays, by RTLD_NODELETE */
	}
	memcpy(out, &symbol, sizeof symbol);
	return symbol;
}

static struct status load(struct tss *f)
{
	bool all = true;
	(void)setenv("TSS2_LOG", "all+NONE", 0); /* it would write to our log; what fails is in the codes */
#define X(library, name) all = load_one(#library, #name, &f->name) && all;
	FUNCTIONS(X)
#undef X
	if (all)
		return OK;
	log_error("a root key in the TPM needs tpm2-tss (libtss2-esys, libtss2-tctildr), which is not installed");
	return ERR(E_UNSUPPORTED);
}

/* What the TPM's answer means: the state or the object is not the right one, or it does not work. */
static struct status refused(const char *what, TSS2_RC rc)
{
	char code[24];
	TSS2_RC low = rc & (TPM2_RC_FMT1 | 0x3F);
	bool key = (rc & TSS2_RC_LAYER_MASK) == 0 && (rc & TPM2_RC_FMT1) &&
		   (low == TPM2_RC_POLICY_FAIL || low == TPM2_RC_INTEGRITY || low == TPM2_RC_VALUE ||
		    low == TPM2_RC_AUTH_FAIL || low == TPM2_RC_BAD_AUTH);
	snprintf(code, sizeof code, "0x%x", rc);
	log_error(low == TPM2_RC_POLICY_FAIL ? "the TPM's PCRs are not as they were when the root key was sealed"
		  : key                      ? "the TPM does not open this: another TPM, or it was cleared"
					     : "the TPM refuses",
		  "call", str_of(what), "code", str_of(code));
	return ERR(key ? E_NO_KEY : E_IO);
}

#define ASK_TPM(tpm, name, ...)                           \
	do {                                              \
		TSS2_RC rc_ = (tpm)->f.name(__VA_ARGS__); \
		if (rc_ != TSS2_RC_SUCCESS)               \
			return refused(#name, rc_);       \
	} while (0)

/* ---- the storage key ---- */

static const TPM2B_PUBLIC storage_template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
				    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
				    TPMA_OBJECT_DECRYPT,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB },
			.scheme = { .scheme = TPM2_ALG_NULL },
			.curveID = TPM2_ECC_NIST_P256,
			.kdf = { .scheme = TPM2_ALG_NULL },
		},
	},
};

static void tpm_close(struct tpm *t)
{
	if (t->esys && t->storage != ESYS_TR_NONE)
		(void)t->f.Esys_FlushContext(t->esys, t->storage);
	if (t->esys)
		t->f.Esys_Finalize(&t->esys);
	if (t->tcti)
		t->f.Tss2_TctiLdr_Finalize(&t->tcti);
}

static struct status make_storage_key(struct tpm *t)
{
	static const TPM2B_SENSITIVE_CREATE no_secret = { 0 };
	static const TPM2B_DATA no_data = { 0 };
	static const TPML_PCR_SELECTION no_pcrs = { 0 };
	ASK_TPM(t, Esys_CreatePrimary, t->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
		&no_secret, &storage_template, &no_data, &no_pcrs, &t->storage, NULL, NULL, NULL, NULL);
	return OK;
}

static struct status reach(struct tpm *t, const char *tcti)
{
	TRY(load(&t->f));
	if (t->f.Tss2_TctiLdr_Initialize(tcti, &t->tcti) != TSS2_RC_SUCCESS) {
		log_error("there is no TPM, or this user may not use it", "tcti", str_of(tcti));
		return ERR(E_NOT_FOUND);
	}
	ASK_TPM(t, Esys_Initialize, &t->esys, t->tcti, NULL);
	return make_storage_key(t);
}

static struct status tpm_open(struct tpm *t, const char *tcti)
{
	*t = (struct tpm){ .storage = ESYS_TR_NONE };
	struct status st = reach(t, tcti);
	if (failed(st))
		tpm_close(t);
	return st;
}

/* ---- sessions ---- */

/* Salted with the storage key; parameters are encrypted in the direction that `flags` say. */
static struct status session(struct tpm *t, TPM2_SE type, TPMA_SESSION flags, ESYS_TR *out)
{
	static const TPMT_SYM_DEF aes = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB };
	ASK_TPM(t, Esys_StartAuthSession, t->esys, t->storage, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		NULL, type, &aes, TPM2_ALG_SHA256, out);
	TSS2_RC rc = t->f.Esys_TRSess_SetAttributes(t->esys, *out, flags, 0xff);
	if (rc == TSS2_RC_SUCCESS)
		return OK;
	(void)t->f.Esys_FlushContext(t->esys, *out);
	return refused("Esys_TRSess_SetAttributes", rc);
}

static bool pcrs_of(struct str text, TPML_PCR_SELECTION *out)
{
	TPMS_PCR_SELECTION s = { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3 };
	while (text.p) {
		int64_t i;
		if (!str_to_i64(str_trim(str_cut(&text, ',')), &i) || i < 0 || i >= PCRS)
			return false;
		s.pcrSelect[i / 8] |= (BYTE)(1u << (i % 8));
	}
	*out = (TPML_PCR_SELECTION){ .count = 1, .pcrSelections = { s } };
	return true;
}

/* A session whose policy is that these PCRs are as they are. */
static struct status pcr_session(struct tpm *t, TPM2_SE type, TPMA_SESSION flags, struct str pcrs, ESYS_TR *out)
{
	static const TPM2B_DIGEST as_they_are = { 0 };
	TPML_PCR_SELECTION which;
	ESYS_TR s;
	if (!pcrs_of(pcrs, &which))
		return ERR(E_INVALID);
	TRY(session(t, type, flags, &s));
	TSS2_RC rc = t->f.Esys_PolicyPCR(t->esys, s, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &as_they_are, &which);
	if (rc == TSS2_RC_SUCCESS) {
		*out = s;
		return OK;
	}
	(void)t->f.Esys_FlushContext(t->esys, s);
	return refused("Esys_PolicyPCR", rc);
}

static struct status policy_of(struct tpm *t, struct str pcrs, TPM2B_DIGEST *out)
{
	TPM2B_DIGEST *digest = NULL;
	ESYS_TR s;
	TRY(pcr_session(t, TPM2_SE_TRIAL, TPMA_SESSION_CONTINUESESSION, pcrs, &s));
	TSS2_RC rc = t->f.Esys_PolicyGetDigest(t->esys, s, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &digest);
	if (rc == TSS2_RC_SUCCESS)
		*out = *digest;
	t->f.Esys_Free(digest);
	(void)t->f.Esys_FlushContext(t->esys, s);
	return rc == TSS2_RC_SUCCESS ? OK : refused("Esys_PolicyGetDigest", rc);
}

/* ---- sealing ---- */

static struct status check(const struct root_wish *w)
{
	TPML_PCR_SELECTION which;
	if ((!w->tpm.n || root_text_may(w->tpm)) && (!w->pcrs.n || pcrs_of(w->pcrs, &which)))
		return OK;
	log_error("PCRs are numbers from 0 to 23 with commas between them", "pcrs", w->pcrs);
	return ERR(E_INVALID);
}

static struct status put_object(struct tpm *t, struct root_text *text, const TPM2B_PUBLIC *public,
				const TPM2B_PRIVATE *private)
{
	uint8_t *bytes = NEWS(text->mem, uint8_t, sizeof *public);
	size_t n = 0;
	ASK_TPM(t, Tss2_MU_TPM2B_PUBLIC_Marshal, public, bytes, sizeof *public, &n);
	root_text_put_bytes(text, "public", str_make(bytes, n));
	root_text_put_bytes(text, "sealed", str_make(private->buffer, private->size));
	return OK;
}

static struct status create_object(struct tpm *t, struct root_text *text, const TPM2B_PUBLIC *template,
				   TPM2B_SENSITIVE_CREATE *secret)
{
	static const TPM2B_DATA no_data = { 0 };
	static const TPML_PCR_SELECTION no_pcrs = { 0 };
	TPM2B_PRIVATE *private = NULL;
	TPM2B_PUBLIC *public = NULL;
	ESYS_TR s;
	TRY(session(t, TPM2_SE_HMAC, TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT, &s));
	TSS2_RC rc = t->f.Esys_Create(t->esys, t->storage, s, ESYS_TR_NONE, ESYS_TR_NONE, secret, template, &no_data,
				      &no_pcrs, &private, &public, NULL, NULL, NULL);
	(void)t->f.Esys_FlushContext(t->esys, s);
	struct status st = rc == TSS2_RC_SUCCESS ? put_object(t, text, public, private) : refused("Esys_Create", rc);
	t->f.Esys_Free(private);
	t->f.Esys_Free(public);
	return st;
}

static struct status seal_in(struct tpm *t, struct root_work *x, struct root_text *text,
			     const uint8_t root[ROOT_KEY_SIZE])
{
	TPM2B_SENSITIVE_CREATE secret = { .sensitive.data.size = ROOT_KEY_SIZE };
	TPM2B_PUBLIC template = { .publicArea = {
				      .type = TPM2_ALG_KEYEDHASH,
				      .nameAlg = TPM2_ALG_SHA256,
				      .objectAttributes =
					  TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA,
				      .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
				  } };
	if (x->wish->pcrs.n)
		TRY(policy_of(t, x->wish->pcrs, &template.publicArea.authPolicy));
	else
		template.publicArea.objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	memcpy(secret.sensitive.data.buffer, root, ROOT_KEY_SIZE);
	struct status st = create_object(t, text, &template, &secret);
	secret_wipe(&secret, sizeof secret);
	return st;
}

static struct status seal(struct root_work *x, struct root_text *text, const uint8_t root[ROOT_KEY_SIZE])
{
	struct str tcti = x->wish->tpm.n ? x->wish->tpm : tcti_default;
	struct tpm t;
	root_text_put(text, "tcti", tcti);
	if (x->wish->pcrs.n)
		root_text_put(text, "pcrs", x->wish->pcrs);
	TRY(tpm_open(&t, str_z(x->mem, tcti)));
	struct status st = seal_in(&t, x, text, root);
	tpm_close(&t);
	return st;
}

/* ---- opening ---- */

static struct status take_object(struct tpm *t, const struct root_text *text, ESYS_TR *out)
{
	TPM2B_PUBLIC public = { 0 };
	TPM2B_PRIVATE private = { 0 };
	struct str a, b;
	size_t at = 0;
	ESYS_TR s;
	TRY(root_text_get_bytes(text, "public", &a));
	TRY(root_text_get_bytes(text, "sealed", &b));
	if (b.n > sizeof private.buffer || t->f.Tss2_MU_TPM2B_PUBLIC_Unmarshal((const uint8_t *)a.p, a.n, &at, &public))
		return ERR(E_INVALID);
	private.size = (UINT16)b.n;
	memcpy(private.buffer, b.p, b.n);
	TRY(session(t, TPM2_SE_HMAC, TPMA_SESSION_CONTINUESESSION, &s));
	TSS2_RC rc = t->f.Esys_Load(t->esys, t->storage, s, ESYS_TR_NONE, ESYS_TR_NONE, &private, &public, out);
	(void)t->f.Esys_FlushContext(t->esys, s);
	return rc == TSS2_RC_SUCCESS ? OK : refused("Esys_Load", rc);
}

static struct status unseal(struct tpm *t, struct str pcrs, ESYS_TR object, uint8_t root[ROOT_KEY_SIZE])
{
	static const TPMA_SESSION flags = TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_ENCRYPT;
	TPM2B_SENSITIVE_DATA *data = NULL;
	ESYS_TR s;
	TRY(pcrs.n ? pcr_session(t, TPM2_SE_POLICY, flags, pcrs, &s) : session(t, TPM2_SE_HMAC, flags, &s));
	TSS2_RC rc = t->f.Esys_Unseal(t->esys, object, s, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	(void)t->f.Esys_FlushContext(t->esys, s);
	if (rc != TSS2_RC_SUCCESS)
		return refused("Esys_Unseal", rc);
	struct status st = data->size == ROOT_KEY_SIZE ? OK : ERR(E_INVALID);
	if (!failed(st))
		memcpy(root, data->buffer, ROOT_KEY_SIZE);
	secret_wipe(data, sizeof *data);
	t->f.Esys_Free(data);
	return st;
}

static struct status open_in(struct tpm *t, const struct root_text *text, uint8_t root[ROOT_KEY_SIZE])
{
	ESYS_TR object;
	TRY(take_object(t, text, &object));
	struct status st = unseal(t, root_text_get(text, "pcrs"), object, root);
	(void)t->f.Esys_FlushContext(t->esys, object);
	return st;
}

static struct status open_it(struct root_work *x, const struct root_text *text, uint8_t root[ROOT_KEY_SIZE])
{
	struct str tcti = root_text_get(text, "tcti");
	struct tpm t;
	if (!tcti.n)
		return ERR(E_INVALID);
	TRY(tpm_open(&t, str_z(x->mem, tcti)));
	struct status st = open_in(&t, text, root);
	tpm_close(&t);
	return st;
}

static bool by_itself(const struct root_text *t)
{
	(void)t;
	return true;
}

const struct root_source root_from_tpm = { "tpm", check, seal, open_it, by_itself };
