/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial ("Importing key material
 * for AWS KMS keys").
 *
 * The wrapping key pair is made in the keyring for one answer. Its private half, wrapped, travels
 * in the import token, sealed with what it was made for; nothing of it is kept here. The material
 * comes back encrypted and is opened in the keyring: this process never has it.
 *
 * What a material is known by is its face (crypto/keyring.h): the same bytes have the same one,
 * so they are known again after they were deleted.
 */
#include "api/accounts.h"
#include "api/faults.h"
#include "api/ids.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "svc/kms/imported.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/spec.h"
#include "wire/pack.h"

static const int64_t YEAR_MS = INT64_C(365) * DAY_MS;

static struct status broken(struct req *rq, const struct kms_key *key, struct status st)
{
	log_error("key material is not imported", "request", rq->id, "key", key->arn, "status",
		  str_of(status_name(st)));
	return FAIL(rq, kms_KMSInternalException, "The request failed because of an internal error. Please try again.");
}

static enum material kind_of(const struct kms_key *key)
{
	enum material m = kms_spec_of(key->row.spec)->material;
	return m == MATERIAL_NONE ? MATERIAL_AES_256 : m;
}

/* ---- how it travels ------------------------------------------------------------------ */

static bool wraps_a_key(enum kms_algorithm_spec a)
{
	return a == KMS_ALGORITHM_SPEC_RSA_AES_KEY_WRAP_SHA_1 || a == KMS_ALGORITHM_SPEC_RSA_AES_KEY_WRAP_SHA_256;
}

static enum keypair_algorithm oaep_of(enum kms_algorithm_spec a)
{
	bool sha1 = a == KMS_ALGORITHM_SPEC_RSAES_OAEP_SHA_1 || a == KMS_ALGORITHM_SPEC_RSA_AES_KEY_WRAP_SHA_1;
	return sha1 ? KEYPAIR_OAEP_SHA1 : KEYPAIR_OAEP_SHA256;
}

static bool is_rsa(enum material m) { return m >= MATERIAL_RSA_2048 && m <= MATERIAL_RSA_4096; }

/* "Select a wrapping public key spec and a wrapping algorithm". */
static struct status check_wrapping(struct req *rq, const struct kms_key *key,
				    const struct kms_get_parameters_for_import_in *in)
{
	enum material kind = kind_of(key);
	enum kms_algorithm_spec a = in->wrapping_algorithm;
	const char *said = kms_word(rq, "WrappingAlgorithm", (int)a);
	if (a == KMS_ALGORITHM_SPEC_RSAES_PKCS1_V1_5 || a == KMS_ALGORITHM_SPEC_SM2PKE)
		return FAIL(rq, kms_UnsupportedOperationException, "The wrapping algorithm %s is not supported.", said);
	if (in->wrapping_key_spec == KMS_WRAPPING_KEY_SPEC_SM2)
		return FAIL(rq, kms_UnsupportedOperationException, "The wrapping key spec SM2 is not supported.");
	bool fits = wraps_a_key(a) ? material_keypair(kind) != KEYPAIR_NONE : !is_rsa(kind);
	if (kind == MATERIAL_P521 && !wraps_a_key(a) && in->wrapping_key_spec == KMS_WRAPPING_KEY_SPEC_RSA_2048)
		fits = false;
	if (!fits)
		return FAIL(rq, kms_UnsupportedOperationException,
			    "The wrapping algorithm %s with the wrapping key spec %s is not valid for key spec %s.",
			    said, kms_word(rq, "WrappingKeySpec", (int)in->wrapping_key_spec),
			    kms_spec_of(key->row.spec)->name);
	return OK;
}

static struct str token_aad(void) { return S("kms import token"); }

static struct status make_parameters(struct req *rq, const struct kms_key *key,
				     const struct kms_get_parameters_for_import_in *in, int64_t until,
				     struct kms_get_parameters_for_import_out *out)
{
	static const enum material kinds[] = { MATERIAL_RSA_2048, MATERIAL_RSA_3072, MATERIAL_RSA_4096 };
	const struct key_ref *parent;
	struct buf b = buf_in(rq->mem);
	struct kms_import_token token = { .key_arn = key->arn,
					  .algorithm = in->wrapping_algorithm,
					  .expires_at = until };
	token.purpose = arena_printf(rq->mem, "kms-import/%.*s", PR(id_uuid(rq->app->world, rq->mem)));
	TRY(account_service_key(rq->app->accounts, key->account, S("kms"), &parent));
	TRY(keyring_material_new(rq->app->keyring, parent, token.purpose, kinds[in->wrapping_key_spec - 1], rq->mem,
				 &token.wrapped, &out->public_key));
	pack(&b, &kms_import_token_shape, &token);
	return keyring_seal(rq->app->keyring, parent, token_aad(), buf_str(&b), rq->mem, &out->import_token);
}

struct status kms_get_parameters_for_import(struct req *rq, const struct kms_get_parameters_for_import_in *in,
					    struct kms_get_parameters_for_import_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	int64_t until = rq->now_ms + DAY_MS;
	TRY(kms_imported_check(rq, key));
	TRY(kms_state_check(rq, key->arn, key->row.state, KMS_CHANGE));
	TRY(check_wrapping(rq, key, in));
	struct status st = make_parameters(rq, key, in, until, out);
	if (failed(st))
		return broken(rq, key, st);
	out->key_id = kms_text(rq, key->arn);
	out->parameters_valid_to = (struct opt_int)SET(until);
	return OK;
}

/* ---- the token comes back ------------------------------------------------------------- */

static struct status open_token(struct req *rq, const struct kms_key *key, struct str sealed,
				struct kms_import_token *token)
{
	const struct key_ref *parent;
	struct str bytes;
	*token = (struct kms_import_token){ 0 };
	struct status st = account_service_key(rq->app->accounts, key->account, S("kms"), &parent);
	if (!failed(st))
		st = keyring_unseal(rq->app->keyring, parent, token_aad(), sealed, rq->mem, &bytes);
	if (!failed(st))
		st = unpack(rq->mem, &kms_import_token_shape, bytes, token);
	if (failed(st) && st.code != E_CORRUPT && st.code != E_INVALID)
		return broken(rq, key, st);
	if (failed(st) || !str_eq(token->key_arn, key->arn))
		return FAIL(rq, kms_InvalidImportTokenException,
			    "The import token is not valid or was not made for this key.");
	if (token->expires_at <= rq->now_ms)
		return FAIL(rq, kms_ExpiredImportTokenException, "The import token has expired.");
	return OK;
}

/* Opened in the keyring, for one of the key's places; the wrapped form is good in that place alone. */
static struct status unwrap(struct req *rq, const struct kms_key *key, const struct kms_import_token *token,
			    struct str encrypted, uint32_t generation, struct kms_imported *m)
{
	const struct key_ref *parent;
	TRY(account_service_key(rq->app->accounts, key->account, S("kms"), &parent));
	struct key_ref with = key_ref_of(parent, token->purpose, token->wrapped);
	struct material_import in = { &with, oaep_of(token->algorithm), wraps_a_key(token->algorithm), encrypted };
	m->generation = generation;
	struct status st = keyring_material_import(rq->app->keyring, &in, parent,
						   kms_purpose(rq->mem, rq->region, key->id, generation), kind_of(key),
						   rq->mem, &m->row.wrapped, &m->row.face);
	if (st.code == E_CORRUPT)
		return FAIL(rq, kms_InvalidCiphertextException, "%s", "");
	if (st.code == E_INVALID)
		return FAIL(rq, kms_IncorrectKeyMaterialException, "The key material is not a key of the key spec %s.",
			    kms_spec_of(key->row.spec)->name);
	return failed(st) ? broken(rq, key, st) : OK;
}

/* From the key's id and the material, as AWS has it: the same material in two keys has two ids. */
static struct str material_id(struct req *rq, const struct kms_key *key, struct str face)
{
	char *hex = NEWS(rq->mem, char, 2 * SHA256_SIZE);
	sha256_hex(arena_printf(rq->mem, "%.*s/%.*s", PR(key->id), PR(hex_encode(rq->mem, face))), hex);
	return str_make(hex, 2 * SHA256_SIZE);
}

/* ---- what it is to be --------------------------------------------------------------------- */

static struct status check_expiry(struct req *rq, const struct kms_import_key_material_in *in)
{
	bool expires = in->expiration_model != KMS_EXPIRATION_MODEL_TYPE_KEY_MATERIAL_DOES_NOT_EXPIRE;
	if (expires != in->valid_to.set)
		return FAIL(rq, api_ValidationException,
			    expires ? "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
				    : "The parameter ValidTo cannot be specified for a key with an expiration model of "
				      "KEY_MATERIAL_DOES_NOT_EXPIRE");
	if (expires && (in->valid_to.v <= rq->now_ms || in->valid_to.v > rq->now_ms + YEAR_MS))
		return FAIL(rq, api_ValidationException,
			    "validTo must be a date in the future, no more than 365 days from now");
	return OK;
}

/* By its row: when the handler has found the key, and again in the transaction. */
static struct status check_role(struct req *rq, struct str arn, const struct kms_key_row *row,
				const struct kms_import_key_material_in *in)
{
	if (kms_is_replica(row) && in->import_type == KMS_IMPORT_TYPE_NEW_KEY_MATERIAL)
		return FAIL(
		    rq, kms_UnsupportedOperationException,
		    "%.*s is a multi-Region replica key: new key material is imported into its primary key first.",
		    PR(arn));
	return OK;
}

static struct status check_symmetric_only(struct req *rq, const struct kms_key *key,
					  const struct kms_import_key_material_in *in)
{
	bool given = in->import_type || in->key_material_id.p || in->key_material_description.p;
	if (given && key->row.spec != KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		return FAIL(rq, api_ValidationException,
			    "ImportType, KeyMaterialId and KeyMaterialDescription are for symmetric encryption keys "
			    "only.");
	if (in->key_material_id.p && in->import_type == KMS_IMPORT_TYPE_NEW_KEY_MATERIAL)
		return FAIL(rq, api_ValidationException,
			    "You cannot specify a KeyMaterialId with the ImportType NEW_KEY_MATERIAL.");
	return OK;
}

static struct status incorrect(struct req *rq, const char *why)
{
	return FAIL(rq, kms_IncorrectKeyMaterialException, "%s", why);
}

static struct kms_imported *same(const struct kms_imported_list *all, struct str face)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].row.face, face))
			return &all->v[i];
	return NULL;
}

/* Which of the key's places the material is for, by what the key has now. */
static struct status choose(struct req *rq, const struct kms_key_row *row, const struct kms_imported_list *all,
			    const struct kms_import_key_material_in *in, struct str face, struct str id,
			    uint32_t *generation)
{
	const struct kms_imported *known = same(all, face), *pending = kms_imported_pending(row, all);
	bool fresh =
	    in->import_type ? in->import_type == KMS_IMPORT_TYPE_NEW_KEY_MATERIAL : !all->n && !in->key_material_id.p;
	if (fresh && known)
		return incorrect(rq, "The key material was imported into this key before.");
	if (!fresh && !known)
		return incorrect(rq, "The key material is not the same as the one imported before.");
	if (in->key_material_id.p && !str_eq(in->key_material_id, id))
		return incorrect(rq, "The key material is not the one of the given key material id.");
	if (fresh && pending)
		return FAIL(rq, kms_KMSInvalidStateException,
			    "New key material (id: %.*s) cannot be imported into KMS key %.*s, because another key "
			    "material (id: %.*s) is pending rotation.",
			    PR(id), PR(kms_found(rq)->key->arn), PR(pending->row.material_id));
	*generation = known ? known->generation : (uint32_t)row->generation + 1;
	return OK;
}

/* The key's materials as they stand now, without a write transaction. */
static struct status look(struct req *rq, const struct kms_key *key, struct kms_imported_list *all)
{
	struct txn *t;
	TRY(req_read(rq, kms_found(rq)->shard, &t));
	TRY(kms_imported_read(rq, t, key->id, all));
	return OK;
}

static void keep_or_say(struct kms_imported *m, const struct kms_imported *before,
			const struct kms_import_key_material_in *in, int64_t now_ms)
{
	m->row.created_at = before ? before->row.created_at : now_ms;
	m->row.rotation_type = before ? before->row.rotation_type : 0;
	m->row.description = in->key_material_description.p ? in->key_material_description
			     : before                       ? before->row.description
							    : (struct str){ 0 };
	m->row.expiration_model = in->valid_to.set ? KMS_EXPIRATION_MODEL_TYPE_KEY_MATERIAL_EXPIRES
						   : KMS_EXPIRATION_MODEL_TYPE_KEY_MATERIAL_DOES_NOT_EXPIRE;
	m->row.valid_to = in->valid_to.set ? in->valid_to.v : 0;
}

static struct status put_material(struct req *rq, struct kms_edit *e, struct kms_imported_list *all,
				  const struct kms_imported *m)
{
	struct kms_imported *at = same(all, m->row.face);
	bool fresh = !at;
	if (fresh)
		at = &all->v[all->n++];
	*at = *m;
	if (e->row.generation == 0)
		e->row.generation = 1;
	if (m->generation == e->row.generation)
		e->row.material_id = m->row.material_id;
	kms_imported_settle(&e->row, all);
	TRY(kms_imported_put(rq, e->txn, e->id, m));
	if (fresh && kms_is_primary(&e->row)) /* its replicas shall know it when it comes to them */
		TRY(kms_shared(rq, e->txn, e->id, &e->row));
	return kms_row_put(rq, e->txn, e->id, &e->row);
}

static struct status open_material(struct req *rq, const struct kms_key *key,
				   const struct kms_import_key_material_in *in, struct kms_imported *m)
{
	struct kms_import_token token;
	struct kms_imported_list all;
	uint32_t generation;
	TRY(open_token(rq, key, in->import_token, &token));
	TRY(look(rq, key, &all));
	TRY(unwrap(rq, key, &token, in->encrypted_key_material, 1, m));
	m->row.material_id = material_id(rq, key, m->row.face);
	TRY(choose(rq, &key->row, &all, in, m->row.face, m->row.material_id, &generation));
	return generation == 1 ? OK : unwrap(rq, key, &token, in->encrypted_key_material, generation, m);
}

struct status kms_import_key_material(struct req *rq, const struct kms_import_key_material_in *in,
				      struct kms_import_key_material_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct kms_imported m = { 0 };
	struct kms_imported_list all;
	struct kms_edit e;
	uint32_t generation;
	TRY(kms_imported_check(rq, key));
	TRY(kms_state_check(rq, key->arn, key->row.state, KMS_CHANGE));
	TRY(check_symmetric_only(rq, key, in));
	TRY(check_role(rq, key->arn, &key->row, in));
	TRY(check_expiry(rq, in));
	TRY(open_material(rq, key, in, &m));
	TRY(kms_edit(rq, &e));
	TRY(kms_state_check(rq, e.arn, e.row.state, KMS_CHANGE));
	TRY(check_role(rq, e.arn, &e.row, in));
	TRY(kms_imported_read(rq, e.txn, e.id, &all));
	TRY(choose(rq, &e.row, &all, in, m.row.face, m.row.material_id, &generation));
	if (generation != m.generation)
		return broken(rq, key, ERR(E_BUSY)); /* another import came in between */
	keep_or_say(&m, same(&all, m.row.face), in, rq->now_ms);
	TRY(put_material(rq, &e, &all, &m));
	out->key_id = kms_text(rq, e.arn);
	if (key->row.spec == KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		out->key_material_id = m.row.material_id;
	return OK;
}

/* ---- and goes ------------------------------------------------------------------------------- */

static struct kms_imported *named(const struct kms_key_row *row, const struct kms_imported_list *all, struct str id)
{
	for (size_t i = 0; i < all->n; i++)
		if (id.p ? str_eq(all->v[i].row.material_id, id) : all->v[i].generation == row->generation)
			return &all->v[i];
	return NULL;
}

struct status kms_delete_imported_key_material(struct req *rq, const struct kms_delete_imported_key_material_in *in,
					       struct kms_delete_imported_key_material_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	struct kms_imported_list all;
	struct kms_edit e;
	TRY(kms_imported_check(rq, key));
	if (in->key_material_id.p && key->row.spec != KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		return FAIL(rq, api_ValidationException, "KeyMaterialId is for symmetric encryption keys only.");
	TRY(kms_edit(rq, &e));
	TRY(kms_imported_read(rq, e.txn, e.id, &all));
	struct kms_imported *m = named(&e.row, &all, in->key_material_id);
	if (!m && in->key_material_id.p)
		return FAIL(rq, kms_NotFoundException, "Key material '%.*s' does not exist", PR(in->key_material_id));
	out->key_id = kms_text(rq, e.arn);
	if (!m)
		return OK; /* nothing was ever imported */
	if (key->row.spec == KMS_KEY_SPEC_SYMMETRIC_DEFAULT)
		out->key_material_id = m->row.material_id;
	if (m->generation > e.row.generation && kms_is_primary(&e.row))
		TRY(kms_shared(rq, e.txn, e.id, &e.row)); /* its replicas' goes, too */
	TRY(kms_imported_drop(rq, e.txn, key, &e.row, m));
	kms_imported_settle(&e.row, &all);
	return kms_row_put(rq, e.txn, e.id, &e.row);
}
