/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KMS is asked like any other service asks it (api/call.h), and its refusals are told in S3's
 * form. The key above lies in locked memory until the request, or the stream that took it, ends.
 */
#include "svc/s3/seal.h"

#include "api/accounts.h"
#include "api/call.h"
#include "api/faults.h"
#include "base/str.h"
#include "crypto/aead.h"
#include "kms_api.h"
#include "svc/s3/object.h"

enum { KEK_BYTES = 32 };

/* ---- asking KMS ----------------------------------------------------------------------- */

/* KMS's refusals as S3 words them ("Error responses": KMS.*); who may not use the key is simply denied. */
static struct status kms_fault(struct req *rq, struct status st)
{
	static const struct {
		const char *kms;
		const struct fault_kind *s3;
	} rows[] = {
		{ "DisabledException", s3_KMS_DisabledException },
		{ "NotFoundException", s3_KMS_NotFoundException },
		{ "KMSInvalidStateException", s3_KMS_KMSInvalidStateException },
		{ "KeyUnavailableException", s3_KMS_KeyUnavailableException },
		{ "InvalidKeyUsageException", s3_InvalidArgument },
		{ "InvalidArnException", s3_KMS_NotFoundException },
	};
	if (st.code != E_FAULT)
		return st;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!strcmp(rq->fault.kind->name, rows[i].kms))
			return FAIL(rq, rows[i].s3, "%.*s", PR(rq->fault.text));
	rq->fault.forwarded = true;
	return st;
}

/* As the caller, in the caller's account: key ids and aliases without an account are its own. */
static struct status ask_kms(struct req *rq, const char *op, const void *in, const void **out)
{
	struct str owner = rq->account;
	if (rq->caller.kind == CALLER_ANONYMOUS)
		return FAIL(rq, s3_InvalidArgument,
			    "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS "
			    "Signature Version 4.");
	rq->account = rq->caller.account;
	struct status st = call_service(rq, "kms", op, in, out);
	rq->account = owner;
	return kms_fault(rq, st);
}

static struct str_map context_of(struct req *rq, const struct s3_place *p, const struct s3_object_row *row)
{
	struct str_entry *v = NEWS(rq->mem, struct str_entry, row->kms_context.n + 1);
	struct str name = p->bucket->name;
	v[0] = (struct str_entry){ S("aws:s3:arn"), row->bucket_key_enabled ? s3_bucket_arn(rq, name)
									    : s3_object_arn(rq, name, p->key) };
	if (row->kms_context.n)
		memcpy(v + 1, row->kms_context.v, row->kms_context.n * sizeof *v);
	return (struct str_map){ v, row->kms_context.n + 1 };
}

/* ---- the key above ----------------------------------------------------------------------- */

static void free_seal(void *seal) { s3_seal_free(seal); }

void s3_seal_free(struct s3_seal *s) { secret_free(&s->kek); }

struct s3_seal s3_seal_take(struct s3_seal *s)
{
	struct s3_seal taken = *s;
	s->kek = (struct secret){ 0 };
	return taken;
}

static struct s3_seal *new_seal(struct req *rq)
{
	struct s3_seal *s = NEW(rq->mem, struct s3_seal);
	req_pin(rq, free_seal, s);
	return s;
}

static struct status use_kek(struct req *rq, struct s3_seal *s, struct str key)
{
	if (key.n != KEK_BYTES)
		return ERR(E_CORRUPT);
	s->kms = true;
	s->kek = secret_new(keyring_secrets(rq->app->keyring), sizeof(struct aead_key));
	aead_key_init((struct aead_key *)(void *)s->kek.p, (const uint8_t *)key.p);
	secret_wipe((void *)(uintptr_t)key.p, key.n);
	return OK;
}

struct status s3_seal_new(struct req *rq, const struct s3_place *p, const struct s3_sse *sse, struct s3_object_row *row,
			  struct s3_seal **out)
{
	struct s3_seal *s = new_seal(rq);
	row->sse = sse->algorithm;
	*out = s;
	if (sse->algorithm != S3_SERVER_SIDE_ENCRYPTION_AWS_KMS)
		return OK;
	row->bucket_key_enabled = sse->bucket_key;
	row->kms_context = sse->context;
	struct kms_generate_data_key_in in = {
		.key_id = sse->kms_key,
		.key_spec = KMS_DATA_KEY_SPEC_AES_256,
		.encryption_context = context_of(rq, p, row),
	};
	const void *reply;
	TRY(ask_kms(rq, "GenerateDataKey", &in, &reply));
	const struct kms_generate_data_key_out *made = reply;
	row->kms_key_arn = made->key_id;
	row->kms_ciphertext = made->ciphertext_blob;
	return use_kek(rq, s, made->plaintext);
}

static struct status decrypt(struct req *rq, const struct s3_place *p, const struct s3_object_row *row,
			     struct str *plain)
{
	struct kms_decrypt_in in = {
		.ciphertext_blob = row->kms_ciphertext,
		.encryption_context = context_of(rq, p, row),
		.key_id = row->kms_key_arn,
		.encryption_algorithm = KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT,
	};
	const void *reply;
	TRY(ask_kms(rq, "Decrypt", &in, &reply));
	*plain = ((const struct kms_decrypt_out *)reply)->plaintext;
	return OK;
}

struct status s3_seal_open(struct req *rq, const struct s3_place *p, const struct s3_object_row *row,
			   struct s3_seal **out)
{
	struct s3_seal *s = new_seal(rq);
	struct str key;
	*out = s;
	if (row->sse != S3_SERVER_SIDE_ENCRYPTION_AWS_KMS)
		return OK;
	TRY(decrypt(rq, p, row, &key));
	return use_kek(rq, s, key);
}

struct status s3_seal_check(struct req *rq, const struct s3_place *p, const struct s3_object_row *row)
{
	struct str key;
	if (row->sse != S3_SERVER_SIDE_ENCRYPTION_AWS_KMS)
		return OK;
	TRY(decrypt(rq, p, row, &key));
	secret_wipe((void *)(uintptr_t)key.p, key.n);
	return OK;
}

/* ---- data keys ------------------------------------------------------------------------------ */

/* The key that wraps object keys: KMS's, or the one S3 has for the owner. */
static struct status wrapping_key(struct app *app, const struct s3_seal *s, struct str owner,
				  const struct aead_key **out)
{
	if (!s->kms)
		return account_data_key(app->accounts, owner, S("s3"), out);
	*out = (const struct aead_key *)(const void *)s->kek.p;
	return OK;
}

struct status s3_seal_data_key(struct req *rq, const struct s3_seal *s, struct str owner, struct str identity,
			       struct secret *plain, struct str *wrapped)
{
	struct app *app = rq->app;
	const struct aead_key *above;
	TRY(wrapping_key(app, s, owner, &above));
	struct secret key = secret_new(keyring_secrets(app->keyring), BLOB_KEY);
	world_random(app->world, key.p, key.n);
	*wrapped = aead_seal_new(above, app->world, identity, secret_str(&key), rq->mem);
	*plain = key;
	return OK;
}

/* Earlier versions had the keyring itself wrap the keys of SSE-S3 objects; its ciphertexts are a byte longer. */
static struct status unwrap_by_keyring(struct app *app, struct str owner, struct str identity, struct str wrapped,
				       struct secret *plain)
{
	const struct key_ref *service;
	TRY(account_service_key(app->accounts, owner, S("s3"), &service));
	return keyring_data_key_open(app->keyring, service, identity, wrapped, plain);
}

struct status s3_seal_unwrap(struct app *app, const struct s3_seal *s, struct str owner, struct str identity,
			     struct str wrapped, struct secret *plain)
{
	const struct aead_key *above;
	if (!s->kms && wrapped.n == BLOB_KEY + KEYRING_SEAL_OVERHEAD)
		return unwrap_by_keyring(app, owner, identity, wrapped, plain);
	if (wrapped.n != BLOB_KEY + AEAD_OVERHEAD)
		return ERR(E_CORRUPT);
	TRY(wrapping_key(app, s, owner, &above));
	struct secret key = secret_new(keyring_secrets(app->keyring), BLOB_KEY);
	struct status st = aead_open(above, identity, wrapped, key.p);
	if (failed(st)) {
		secret_free(&key);
		return st;
	}
	*plain = key;
	return OK;
}
