/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KMS key as the other files of this service see it, and how it is found and changed.
 *
 * To use a key: kms_find, or for a handler kms_found, which is what its authorize function
 * found. The key is a cached value: immutable, alive until the request ends.
 * To change one: kms_edit, which carries the request to the shard's writer and reads the
 * key's row again there; then kms_row_put.
 */
#ifndef KMS_KEY_H
#define KMS_KEY_H

#include "api/authz.h"
#include "api/req.h"
#include "kms_api.h"

struct kms_backing {
	uint32_t generation;
	struct key_ref ref;
	int64_t created_at;
	enum kms_rotation_type rotation;           /* how it came to be the current one; 0: it was the first */
	struct str material_id;                    /* KeyMaterialId: 64 hex digits */
	enum kms_expiration_model_type expiration; /* of imported material; its ref has no bytes when it is gone */
	int64_t valid_to;
	struct str description;
	struct str face; /* of an asymmetric key: its public key, SubjectPublicKeyInfo */
};

struct kms_key {
	struct arena *mem; /* owns all below */
	struct str id, arn, account, region;
	struct str sealed_as; /* what its ciphertexts are bound to: the ARN, without a region where it has several */
	struct kms_key_row row;
	const struct policy *policy; /* the one that decides: users and roles by their unique ids */
	struct str policy_written;
	struct kms_backing *backing; /* oldest first; the last one encrypts */
	size_t n_backing;
	const struct keypair
	    *public; /* of an asymmetric key: the current one's, ready for use; NULL: none is here yet */
	struct str_list aliases;
	struct str_map tags;
	bool has_grants;
	struct kms_last *last;        /* where its uses are noted (svc/kms/usage.h); NULL: nowhere */
	struct authz_key *conditions; /* the condition keys that depend on the key alone, chained */
};

struct kms_found {
	const struct kms_key *key;
	const struct kms_key *target; /* UpdateAlias: where the alias shall point; key is where it does now.
				       * ReEncrypt: the key to encrypt with; key is the one to decrypt with. */
	struct shard *shard;          /* of the key's account */
	struct str alias;             /* the alias by which the key was named; p == NULL: by none */
};

/* ---- finding ---------------------------------------------------------------- */

enum kms_find_flag {
	KMS_BY_ALIAS = 1, /* alias names and alias ARNs are allowed, too */
	KMS_FOREIGN = 2,  /* keys of other accounts are allowed */
};

/*
 * The shard of an account's keys in the request's region. The account must exist. E_NOT_FOUND: it never had a key
 * there. Only who is about to put a key there makes one, so that asking about regions costs no files.
 */
struct status kms_shard(struct req *rq, struct str account, struct shard **out);
struct status kms_shard_make(struct req *rq, struct str account, struct shard **out);
/*
 * By key id, key ARN, alias name or alias ARN. NotFoundException, InvalidArnException where the operation has it, and
 * for other accounts AccessDeniedException, which does not tell whether the key is there.
 */
struct status kms_find(struct req *rq, struct str name, unsigned flags, struct kms_found *out);
/* The same for an action that is not the operation's own: refusals name it. */
struct status kms_find_for(struct req *rq, const char *action, struct str name, unsigned flags, struct kms_found *out);
/* By account and id; E_NOT_FOUND for a key that is not there or whose deletion is due. */
struct status kms_find_id(struct req *rq, struct str account, struct str id, struct kms_found *out);
/* The key an alias of that account names; E_NOT_FOUND. *id lives as long as the request. */
struct status kms_alias_target(struct req *rq, struct shard *shard, struct str alias, struct str *id);
/* What the operation's authorize function found. */
static inline const struct kms_found *kms_found(const struct req *rq) { return rq->found; }
struct status kms_no_key(struct req *rq, struct str arn); /* NotFoundException */
struct status kms_no_alias(struct req *rq, struct str account, struct str alias);
/* AccessDeniedException in the words KMS has for other accounts' resources. */
struct status kms_not_yours(struct req *rq, struct str action, struct str arn);
struct str kms_arn(struct req *rq, struct str account, const char *kind, struct str rest); /* kind: "key/" or "" */
struct str kms_arn_in(struct req *rq, struct str region, struct str account, const char *kind, struct str rest);
/* An id that could be a multi-Region key's: mrk-, 32 hex digits. */
bool kms_id_is_multi_region(struct str id);
/* Is that fault among the operation's own? */
bool kms_declares(const struct req *rq, const struct fault_kind *kind);
/* The key's policy, and with unique ids in place of ARNs (empty: it names none). */
struct status kms_policy_put(struct req *rq, struct txn *t, struct str id, struct str written, struct str bound);

/*
 * A key's text for an answer. The key is held by the request that found it; who asked from inside reads the answer
 * after that request has ended.
 */
struct str kms_text(struct req *rq, struct str of_key);

/* ---- states ------------------------------------------------------------------- */

enum kms_need {
	KMS_USE,    /* cryptography: Enabled alone will do */
	KMS_SWITCH, /* on and off: neither PendingDeletion nor PendingImport */
	KMS_CHANGE, /* anything but PendingDeletion */
};
struct status kms_state_check(struct req *rq, struct str arn, enum kms_key_state state, enum kms_need need);
const char *kms_origin_name(enum kms_origin_type origin);
bool kms_row_due(const struct kms_key_row *row, int64_t now_ms); /* its deletion date has come */
/* Deletion was asked for, whether or not it has a date. */
static inline bool kms_row_ends(const struct kms_key_row *row)
{
	return row->state == KMS_KEY_STATE_PENDING_DELETION || row->state == KMS_KEY_STATE_PENDING_REPLICA_DELETION;
}

#define KMS_NO_ENCLAVES "This server has no attested enclaves: Recipient is not supported."

/* ---- changing ------------------------------------------------------------------- */

struct kms_edit {
	struct txn *txn;
	struct str id, arn;
	struct kms_key_row row;
};
/*
 * Opens the write transaction on the found key's shard, and reads the row in it. If what the request was allowed by is
 * no longer so, it is judged anew first: kms_found is then another one, or it fails (edit.c).
 */
struct status kms_edit(struct req *rq, struct kms_edit *out);
/* The same for what is not about the key's row: the transaction alone. */
struct status kms_write(struct req *rq, struct txn **out);
/* E_NOT_FOUND. Views of rq->mem. */
struct status kms_row_get(struct req *rq, struct txn *t, struct str id, struct kms_key_row *row);
struct status kms_row_put(struct req *rq, struct txn *t, struct str id, const struct kms_key_row *row);

/* New material as it is stored: wrapped, and what may be shown of it. */
struct kms_material {
	struct str wrapped, face, id; /* id: KeyMaterialId */
	enum kms_rotation_type rotation;
};
/* Everything a new key is made of. */
struct kms_new {
	struct str id, description, policy, policy_bound;
	enum kms_key_spec spec;
	enum kms_key_usage_type usage;
	enum kms_key_manager_type manager;
	enum kms_origin_type origin; /* EXTERNAL: without material; 0: AWS_KMS */
	struct str store;            /* AWS_CLOUDHSM: the custom key store it is in */
	bool multi_region;           /* a primary key */
	struct kms_tag_list tags;
	struct kms_material material;
};
enum { KMS_FIRST_GENERATION = 1 };
struct str kms_purpose(struct arena *mem, struct str region, struct str id, uint32_t generation);
/* Made in the keyring: waits, so not after req_write. */
struct status kms_material_new(struct req *rq, struct str account, struct str id, uint32_t generation,
			       enum kms_key_spec spec, struct kms_material *out);
/* The same without a fault: the status says what is wrong. */
struct status kms_material_try(struct req *rq, struct str account, struct str id, uint32_t generation,
			       enum kms_key_spec spec, struct kms_material *out);
/* When the request ends the keyring drops what it has of material that its transaction shreds; wrapped empty: none. */
struct status kms_forget_at_end(struct req *rq, struct str account, struct str id, uint32_t generation,
				struct str wrapped);
struct status kms_backing_put(struct req *rq, struct txn *t, struct str id, uint32_t generation,
			      const struct kms_material *material);
struct status kms_key_put_new(struct req *rq, struct txn *t, const struct kms_new *k, struct kms_key_row *row);
struct kms_key_metadata *kms_metadata(struct req *rq, struct str account, struct str arn, struct str id,
				      const struct kms_key_row *row);

/* ---- rows -------------------------------------------------------------------------
 *     k <id>            KeyRow                 p <id>              the key policy's text; P <id>: bound to unique ids
 *     b <id> <gen>      BackingRow             a <alias name>      AliasRow
 *     t <id> <alias>    "" : aliases of a key  d <when> <id>       "" : deletions by date
 *                                              n <when> <id>       "" : rotations by date
 *     u <id>            UsageRow               x <when> <id>       "" : expiries by date
 *     c g h q r s G     grants: svc/kms/grant.h
 *     K                 how many keys: svc/kms/quota.h
 *     N T U V X         custom key stores: svc/kms/key_store.h
 *     m w               multi-Region keys: svc/kms/multiregion.h
 */
struct str kms_key_of(struct arena *mem, char tag, struct str id);
struct str kms_backing_key(struct arena *mem, struct str id, uint32_t generation);
struct str kms_date_key(struct arena *mem, char tag, int64_t when_ms, struct str id);

#endif
