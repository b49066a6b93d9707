/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/cipher.h"

#include "api/faults.h"
#include "base/str.h"
#include "svc/kms/blob.h"
#include "svc/kms/context.h"
#include "svc/kms/key_store_use.h"
#include "svc/kms/spec.h"
#include "svc/kms/wipe.h"

static struct status invalid(struct req *rq) { return FAIL(rq, kms_InvalidCiphertextException, "%s", ""); }

/* ---- may it ------------------------------------------------------------------------- */

struct status kms_cipher_check(struct req *rq, const struct kms_cipher *c)
{
	const struct kms_spec *spec = kms_spec_of(c->key->row.spec);
	const struct kms_backing *with;
	bool fits = false;
	TRY(kms_use(rq, c->key, KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT, &with));
	for (size_t i = 0; i < spec->encrypts.n; i++)
		fits |= spec->encrypts.v[i] == c->algorithm;
	if (!fits)
		return kms_wrong_algorithm(rq, c->key, kms_word(rq, c->member, (int)c->algorithm));
	if (c->context.n && !kms_is_symmetric(c))
		return FAIL(rq, api_ValidationException,
			    "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.");
	return OK;
}

static bool made_by(const struct kms_blob *blob, const struct kms_key *key)
{
	return str_eq(key->account, str_make(blob->account, sizeof blob->account)) &&
	       str_eq(key->id, str_make(blob->key_id, sizeof blob->key_id));
}

struct status kms_cipher_check_blob(struct req *rq, const struct kms_cipher *c, struct str bytes)
{
	struct kms_blob blob;
	TRY(kms_state_of_use(rq, c->key));
	if (!kms_is_symmetric(c))
		return kms_cipher_check(rq, c);
	if (failed(kms_blob_parse(bytes, &blob)))
		return invalid(rq);
	if (!made_by(&blob, c->key))
		return FAIL(rq, kms_IncorrectKeyException,
			    "The key ID in the request does not identify a CMK that can perform this operation.");
	return kms_cipher_check(rq, c);
}

/* ---- symmetric keys ----------------------------------------------------------------- */

struct status kms_sealing_begin(struct req *rq, const struct kms_key *key, struct str_map context,
				struct kms_sealing *out)
{
	TRY(kms_current(rq, key, &out->with));
	out->header = kms_blob_header(rq->mem, key->account, key->id, out->with->generation);
	out->aad = kms_aad(rq->mem, out->header, key->sealed_as, context);
	return OK;
}

struct str kms_sealing_blob(struct req *rq, const struct kms_sealing *s, struct str sealed)
{
	char *p = NEWS(rq->mem, char, s->header.n + sealed.n);
	memcpy(p, s->header.p, s->header.n);
	memcpy(p + s->header.n, sealed.p, sealed.n);
	return str_make(p, s->header.n + sealed.n);
}

static const struct kms_backing *backing_of(const struct kms_key *key, uint32_t generation)
{
	for (size_t i = key->n_backing; i > 0; i--)
		if (key->backing[i - 1].generation == generation)
			return &key->backing[i - 1];
	return NULL;
}

/* What a blob was sealed with; it was checked before. */
struct opening {
	const struct kms_backing *with;
	struct str sealed, aad;
};

static struct status opening_begin(struct req *rq, const struct kms_cipher *c, struct str bytes, struct opening *out)
{
	struct kms_blob blob;
	if (failed(kms_blob_parse(bytes, &blob)))
		return invalid(rq);
	out->with = backing_of(c->key, blob.generation);
	if (!out->with)
		return invalid(rq);
	out->sealed = blob.sealed;
	out->aad = kms_aad(rq->mem, blob.header, c->key->sealed_as, c->context);
	return OK;
}

static struct status opened(struct req *rq, const struct kms_key *key, struct status st)
{
	if (st.code == E_CORRUPT || st.code == E_INVALID)
		return invalid(rq);
	return failed(st) ? kms_keyring_failed(rq, key, st) : OK;
}

static struct status seal(struct req *rq, struct kms_cipher *c, struct str plain, struct str *blob)
{
	struct kms_sealing s;
	struct str sealed;
	TRY(kms_sealing_begin(rq, c->key, c->context, &s));
	struct status st = kms_in_store(&c->key->row)
			       ? kms_hsm_seal(rq, c->key, s.aad, plain, &sealed)
			       : keyring_seal(rq->app->keyring, &s.with->ref, s.aad, plain, rq->mem, &sealed);
	if (failed(st))
		return kms_keyring_failed(rq, c->key, st);
	c->with = s.with;
	*blob = kms_sealing_blob(rq, &s, sealed);
	return OK;
}

static struct status unseal(struct req *rq, struct kms_cipher *c, struct str blob, struct str *plain)
{
	struct opening o;
	TRY(opening_begin(rq, c, blob, &o));
	c->with = o.with;
	if (kms_in_store(&c->key->row))
		return opened(rq, c->key, kms_hsm_unseal(rq, c->key, o.aad, o.sealed, plain));
	return opened(rq, c->key, keyring_unseal(rq->app->keyring, &o.with->ref, o.aad, o.sealed, rq->mem, plain));
}

struct status kms_reencrypt_with(struct req *rq, struct kms_cipher *from, struct str blob, struct kms_cipher *to,
				 struct str *out)
{
	struct kms_sealing s;
	struct opening o;
	struct str sealed, plain;
	if (kms_in_store(&from->key->row) || kms_in_store(&to->key->row)) {
		TRY(kms_decrypt_with(rq, from, blob, &plain)); /* from one vault to another: it comes out in between */
		return kms_encrypt_with(rq, to, plain, out);
	}
	TRY(opening_begin(rq, from, blob, &o));
	TRY(kms_sealing_begin(rq, to->key, to->context, &s));
	TRY(opened(
	    rq, from->key,
	    keyring_reseal(rq->app->keyring, &o.with->ref, o.aad, o.sealed, &s.with->ref, s.aad, rq->mem, &sealed)));
	from->with = o.with;
	to->with = s.with;
	*out = kms_sealing_blob(rq, &s, sealed);
	return OK;
}

/* ---- RSA keys --------------------------------------------------------------------- */

static enum keypair_algorithm oaep_of(const struct kms_cipher *c)
{
	return c->algorithm == KMS_ENCRYPTION_ALGORITHM_SPEC_RSAES_OAEP_SHA_1 ? KEYPAIR_OAEP_SHA1 : KEYPAIR_OAEP_SHA256;
}

struct status kms_cipher_check_size(struct req *rq, const struct kms_cipher *c, size_t n)
{
	if (kms_is_symmetric(c))
		return OK; /* the model's 4096 bytes */
	size_t most = keypair_encrypt_max(c->key->public, oaep_of(c));
	if (n > most)
		return FAIL(rq, api_ValidationException,
			    "Algorithm %s and key spec %s cannot encrypt data larger than %zu bytes.",
			    kms_word(rq, c->member, (int)c->algorithm), kms_spec_of(c->key->row.spec)->name, most);
	return OK;
}

static struct status rsa_encrypt(struct req *rq, const struct kms_cipher *c, struct str plain, struct str *cipher)
{
	struct status st = keypair_encrypt(c->key->public, oaep_of(c), plain, rq->mem, cipher);
	return failed(st) ? kms_keyring_failed(rq, c->key, st) : OK;
}

static struct status rsa_decrypt(struct req *rq, const struct kms_cipher *c, struct str cipher, struct str *plain)
{
	const struct kms_backing *with;
	TRY(kms_current(rq, c->key, &with));
	if (cipher.n != keypair_cipher_size(c->key->public))
		return invalid(rq);
	return opened(rq, c->key, keyring_decrypt(rq->app->keyring, &with->ref, oaep_of(c), cipher, rq->mem, plain));
}

/* ---- either ------------------------------------------------------------------------- */

struct status kms_encrypt_with(struct req *rq, struct kms_cipher *c, struct str plain, struct str *blob)
{
	return kms_is_symmetric(c) ? seal(rq, c, plain, blob) : rsa_encrypt(rq, c, plain, blob);
}

struct status kms_decrypt_with(struct req *rq, struct kms_cipher *c, struct str blob, struct str *plain)
{
	TRY(kms_is_symmetric(c) ? unseal(rq, c, blob, plain) : rsa_decrypt(rq, c, blob, plain));
	kms_wipe_later(rq, *plain);
	return OK;
}
