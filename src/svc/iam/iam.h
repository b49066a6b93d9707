/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IAM as its own files see it: the rows of an account's shard, and the checks they share.
 *
 * Users, groups and roles are one kind of thing here, an entity: name, path, inline and
 * attached policies. What only some of them have (tags, a boundary, a trust policy, access
 * keys) are fields of the same row. README.md beside this file lists the shard's keys.
 *
 * Names are unique whatever their case, so rows stand under the name in lower case; what
 * is shown and what goes into an ARN is always the name as it was given at creation.
 */
#ifndef SVC_IAM_IAM_H
#define SVC_IAM_IAM_H

#include "api/req.h"
#include "iam_api.h"
#include "store/store.h"

enum iam_kind { IAM_USER = 'u', IAM_ROLE = 'r', IAM_GROUP = 'g' };

enum {
	IAM_TAGS_MAX = 50,
	IAM_KEYS_MAX = 2,
	IAM_ATTACHED_MAX = 10,
	IAM_VERSIONS_MAX = 5,
	IAM_USER_INLINE_MAX = 2048,
	IAM_ROLE_INLINE_MAX = 10240,
	IAM_GROUP_INLINE_MAX = 5120,
	IAM_GROUPS_PER_USER_MAX = 10,
	IAM_MANAGED_MAX = 6144,
	IAM_TRUST_MAX = 2048,
	IAM_USERS_MAX = 5000,
	IAM_GROUPS_MAX = 300,
	IAM_ROLES_MAX = 10000,    /* AWS: 1000, raised on request; here as if it had been */
	IAM_POLICIES_MAX = 10000, /* AWS: 1500, the same */
	IAM_PROFILES_MAX = 1000,
	IAM_CERTIFICATES_MAX = 20,
	IAM_PROVIDERS_MAX = 100, /* of each kind, OpenID Connect and SAML */
};

struct iam_page;

const char *iam_kind_word(enum iam_kind kind); /* "user", "group", "role" */
const char *iam_kind_name(enum iam_kind kind); /* "User", "Group", "Role" */
struct str iam_kind_key(enum iam_kind kind);   /* as a part of keys: "u", "g", "r" */
struct str iam_lower(struct arena *mem, struct str name);
struct str iam_join(struct arena *mem, struct str a, struct str b, struct str c); /* where printf would be too slow */

/* ---- the shard ---------------------------------------------------------------------- */

struct status iam_shard(struct req *rq, struct str account, struct shard **out);
/* Of rq->account. Within a write: the write itself. */
struct status iam_read(struct req *rq, struct txn **out);
/* As judged (req_write_as_judged): who asks and what it is about are looked at once more, as they stand there then. */
struct status iam_write(struct req *rq, struct txn **out);
struct status iam_rows_stand(struct req *rq, struct txn *t, bool *same); /* that look: an authz_rows_check */

/* A row of that shape; E_NOT_FOUND, or E_CORRUPT when it does not read back. Strings live in mem. */
struct status iam_row_get(struct arena *mem, struct txn *t, struct str key, const struct shape *shape, void *row);
struct status iam_row_put(struct req *rq, struct txn *t, struct str key, const struct shape *shape, const void *row);

/* The keys under a prefix, copied, so that they can be changed. */
struct status iam_keys(struct req *rq, struct txn *t, struct str prefix, struct str_list *out);

/* One more or less of the users ('u'), groups ('g'), roles ('r'), managed policies ('p'), instance profiles ('x'),
 * server certificates ('c') or providers ('o', 'f') there are. LimitExceeded. */
struct status iam_count(struct req *rq, struct txn *t, char what, int by);
struct status iam_counted(struct req *rq, struct txn *t, char what, int64_t *n); /* 0 for what was never counted */

/* ---- users, groups and roles ---------------------------------------------------------- */

struct status iam_entity_find(struct arena *mem, struct txn *t, enum iam_kind kind, struct str name,
			      struct iam_entity_row *out); /* E_NOT_FOUND */
struct status iam_entity_get(struct req *rq, struct txn *t, enum iam_kind kind, struct str name,
			     struct iam_entity_row *out); /* NoSuchEntity */
struct status iam_entity_put(struct req *rq, struct txn *t, enum iam_kind kind, const struct iam_entity_row *row);
struct status iam_entity_del(struct req *rq, struct txn *t, enum iam_kind kind, struct str name);
/* NoSuchEntity or EntityAlreadyExists when the name is taken. */
struct status iam_entity_new_name(struct req *rq, struct txn *t, enum iam_kind kind, struct str name);
struct str iam_entity_arn(struct arena *mem, struct str partition, struct str account, enum iam_kind kind,
			  const struct iam_entity_row *row);
/* A page of users, groups or roles under a path. marker.p == NULL: the last page. */
struct iam_entity_list {
	struct iam_entity_row *v;
	size_t n;
	struct str marker;
};
struct status iam_entity_page(struct req *rq, struct txn *t, enum iam_kind kind, struct str path_prefix,
			      const struct iam_page *page, struct iam_entity_list *out);
/*
 * The row gets another name: everything that is kept under the old one goes along, but the row itself, which is left
 * for the caller to put. EntityAlreadyExists when the name is another's.
 */
struct status iam_entity_rename(struct req *rq, struct txn *t, enum iam_kind kind, struct iam_entity_row *row,
				struct str to);
/* Nothing hangs on it any more but what goes with it: no policies, attached or inline. DeleteConflict. */
struct status iam_entity_bare(struct req *rq, struct txn *t, enum iam_kind kind, const struct iam_entity_row *row);
struct str iam_path(struct str given); /* "/" when none was given */

/* As lists show a role: without tags, boundary and last use. */
struct iam_role iam_role_out(struct req *rq, const struct iam_entity_row *row);
const struct iam_user *iam_user_root(struct req *rq);

/*
 * UserName where AWS lets it be left out: then the calling user. ValidationError when there is none. Of a write it is
 * asked inside: judged anew (iam_write) the caller may have another name, and somebody else his.
 */
struct status iam_user_name(struct req *rq, struct str given, struct str *out);

/* As lists show a user: without tags and boundary. */
struct iam_user iam_user_out(struct req *rq, const struct iam_entity_row *row);

/* ---- who is in which group ------------------------------------------------------------------ */

/* Names in lower case, sorted: the groups of a user (at most ten), the users of a group. */
struct status iam_groups_of(struct req *rq, struct txn *t, struct str user, struct str_list *out);
struct status iam_users_of(struct req *rq, struct txn *t, struct str group, struct str_list *out);
/* Is there anybody in the group (IAM_GROUP), is the user in any (IAM_USER)? */
struct status iam_member_any(struct req *rq, struct txn *t, enum iam_kind kind, struct str name, bool *any);
/* Let the memberships follow a user or group to another name. */
struct status iam_member_move(struct req *rq, struct txn *t, enum iam_kind kind, struct str from, struct str to);

/* ---- inline policies ---------------------------------------------------------------------- */

struct str iam_renamed_key(struct arena *mem, struct str user_id); /* what a user who was renamed is called now */
struct str iam_inline_key(struct arena *mem, enum iam_kind kind, struct str entity,
			  struct str policy); /* policy p == NULL: the prefix of all */
struct status iam_inline_any(struct req *rq, struct txn *t, enum iam_kind kind, struct str entity, bool *any);
/* Let the inline policies follow an entity to another name. */
struct status iam_inline_move(struct req *rq, struct txn *t, enum iam_kind kind, struct str from, struct str to);

/* ---- managed policies ----------------------------------------------------------------------- */

struct iam_builtin {
	const char *name, *path, *id, *description, *document;
	int64_t created_ms;
};
extern const struct iam_builtin iam_builtins[]; /* by name; managed/ */
extern const size_t iam_builtins_n;
bool iam_builtin_linked(const struct iam_builtin *b);       /* for service-linked roles only */
const struct iam_builtin *iam_builtin_at(size_t i);         /* by name; NULL past the end */
const struct iam_builtin *iam_builtin_find(struct str arn); /* NULL: AWS has no such policy, or we do not */

/* One managed policy, the account's own or AWS's. */
struct iam_managed {
	const struct iam_builtin *builtin; /* NULL: an own one, in row */
	struct iam_policy_row row;
	struct str arn;
};
/* As lists show it: without description and tags. */
struct status iam_policy_out(struct req *rq, struct txn *t, const struct iam_managed *m, struct iam_policy *out);
/* E_NOT_FOUND: none of that ARN in `account`'s shard t. */
struct status iam_managed_find(struct arena *mem, struct txn *t, struct str partition, struct str account,
			       struct str arn, struct iam_managed *out);
struct status iam_managed_document(struct arena *mem, struct txn *t, const struct iam_managed *p, struct str *out);
struct str iam_managed_arn(struct arena *mem, struct str partition, struct str account,
			   const struct iam_policy_row *row);
struct str iam_version_key(struct arena *mem, struct str policy, uint64_t version);
struct str iam_policy_key(struct arena *mem, struct str name);
/* The same for a handler: InvalidInput, AccessDenied (not the account's own, or AWS's and to be changed), NoSuchEntity.
 */
enum iam_purpose { IAM_TO_READ, IAM_TO_ATTACH, IAM_TO_CHANGE };
struct status iam_managed_get(struct req *rq, struct txn *t, struct str arn, enum iam_purpose purpose,
			      struct iam_managed *out);
struct status iam_managed_document_check(struct req *rq, struct str document);

/* Where a managed policy is used: 'a' attached, 'b' as a boundary. */
enum iam_use { IAM_ATTACHED = 'a', IAM_BOUNDARY = 'b' };
struct str iam_use_key(struct arena *mem, enum iam_use use, struct str arn, enum iam_kind kind, struct str entity);
struct str iam_use_prefix(struct arena *mem, enum iam_use use, struct str arn);
struct status iam_use_count(struct req *rq, struct txn *t, enum iam_use use, struct str arn, int64_t *n);
/* Note the entity's boundary and attachments in the index, or take them out. */
struct status iam_use_all(struct req *rq, struct txn *t, enum iam_kind kind, const struct iam_entity_row *row,
			  bool used);
/* The policy that is to be a boundary must exist; then *arn is noted for the entity. */
struct status iam_boundary_check(struct req *rq, struct txn *t, struct str arn);
const struct iam_attached_permissions_boundary *iam_boundary_out(struct req *rq, struct str arn); /* NULL: none */

/* ---- documents --------------------------------------------------------------------------------- */

size_t iam_policy_size(struct str document); /* without white space, as quotas count */
/* MalformedPolicyDocument in AWS's words. */
struct status iam_document_check(struct req *rq, struct str document, enum policy_kind kind);
struct status iam_document_check_2012(struct req *rq, struct str document);
struct str iam_document_out(struct req *rq, struct str document); /* percent-encoded, as documents travel */

/* ---- tags ----------------------------------------------------------------------------------------- */

/* Checks what was given and merges it over `have`: sorted, unique whatever the case of keys. */
struct status iam_tags_add(struct req *rq, struct iam_tag_list have, struct iam_tag_list given,
			   struct iam_tag_list *out);
struct iam_tag_list iam_tags_remove(struct req *rq, struct iam_tag_list have, struct str_list keys);
/* What ListXTags gives. */
struct iam_tag_page {
	struct iam_tag_list tags;
	struct str marker; /* p == NULL: the last page */
};
struct status iam_tag_page_of(struct req *rq, struct iam_tag_list tags, struct str marker, struct opt_int max,
			      struct iam_tag_page *out);
struct str_map iam_tags_map(struct arena *mem, struct iam_tag_list tags);

/* ---- pages ------------------------------------------------------------------------------------------- */

/*
 * Which part of a list is asked for. A marker is the position of the first element not yet
 * given, in base64, so that a page neither repeats nor skips what stands still meanwhile.
 */
struct iam_page {
	struct str from; /* p == NULL: the beginning */
	size_t max;
};
struct status iam_page_of(struct req *rq, struct str marker, struct opt_int max_items, struct iam_page *out);
struct str iam_page_marker(struct req *rq, struct str position);
/* Of a list held in memory, by sorted position strings: [*at, *end), and the marker of the next page or p == NULL. */
struct str iam_page_cut(struct req *rq, const struct iam_page *page, const struct str *positions, size_t n, size_t *at,
			size_t *end);

/* A page of rows under a path, of any table whose rows have one. */
struct iam_pathed {
	char tag;
	const struct shape *shape;
	size_t path_at; /* offsetof the path */
};
struct iam_rows {
	void *v; /* an array of the shape's structs */
	size_t n;
	struct str marker; /* p == NULL: the last page */
};
struct status iam_rows_page(struct req *rq, struct txn *t, const struct iam_pathed *what, struct str path_prefix,
			    const struct iam_page *page, struct iam_rows *out);

struct str_list iam_sorted(struct arena *mem, struct str_list list);

#endif
