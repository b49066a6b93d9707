/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the account's shard: where they stand, reading and writing them.
 *
 * A row that does not read back is damage, never "not there": an entity whose policies
 * cannot be read must not pass for one without policies.
 */
#include "svc/iam/iam.h"

#include "api/authz.h"
#include "api/faults.h"
#include "base/str.h"
#include "wire/pack.h"

const char *iam_kind_word(enum iam_kind kind)
{
	return kind == IAM_USER ? "user" : kind == IAM_GROUP ? "group" : "role";
}

const char *iam_kind_name(enum iam_kind kind)
{
	return kind == IAM_USER ? "User" : kind == IAM_GROUP ? "Group" : "Role";
}

struct str iam_kind_key(enum iam_kind kind) { return kind == IAM_USER ? S("u") : kind == IAM_GROUP ? S("g") : S("r"); }

struct str iam_lower(struct arena *mem, struct str name)
{
	char *p = NEWS(mem, char, name.n + 1);
	for (size_t i = 0; i < name.n; i++)
		p[i] = char_lower(name.p[i]);
	return str_make(p, name.n);
}

struct str iam_path(struct str given) { return given.n ? given : S("/"); }

struct str iam_join(struct arena *mem, struct str a, struct str b, struct str c)
{
	char *p = NEWS(mem, char, a.n + b.n + c.n + 1), *at = p;
	const struct str parts[] = { a, b, c };
	for (size_t i = 0; i < COUNT(parts); i++) {
		if (parts[i].n)
			memcpy(at, parts[i].p, parts[i].n);
		at += parts[i].n;
	}
	return str_make(p, (size_t)(at - p));
}

struct status iam_shard(struct req *rq, struct str account, struct shard **out)
{
	return req_shard_of(rq, account, "iam", iam_join(rq->mem, S("iam/"), account, S("")), out);
}

struct status iam_read(struct req *rq, struct txn **out)
{
	struct shard *shard;
	if (rq->write) {
		*out = rq->write;
		return OK;
	}
	TRY(iam_shard(rq, rq->account, &shard));
	return req_read(rq, shard, out);
}

/* Who leaves a name out means himself: his own must still be his. */
static struct status caller_stands(struct req *rq, struct txn *t, bool *same)
{
	struct iam_entity_row row;
	*same = true;
	if (rq->caller.kind != CALLER_USER || !str_eq(rq->caller.account, rq->account))
		return OK;
	struct status st = iam_entity_find(rq->mem, t, IAM_USER, rq->caller.name, &row);
	if (st.code != E_NOT_FOUND)
		TRY(st);
	*same = !failed(st) && str_eq(row.id, rq->caller.principal_id);
	return OK;
}

struct status iam_rows_stand(struct req *rq, struct txn *t, bool *same)
{
	TRY(caller_stands(rq, t, same));
	return *same ? authz_rows_allow(rq, t, same) : OK;
}

struct status iam_write(struct req *rq, struct txn **out)
{
	struct shard *shard;
	TRY(iam_shard(rq, rq->account, &shard));
	return req_write_as_judged(rq, shard, CACHE_SLOTS, iam_rows_stand, out);
}

struct status iam_row_get(struct arena *mem, struct txn *t, struct str key, const struct shape *shape, void *row)
{
	struct str bytes;
	memset(row, 0, shape->size);
	TRY(txn_get(t, key, mem, &bytes));
	return failed(unpack(mem, shape, bytes, row)) ? ERR(E_CORRUPT) : OK;
}

struct status iam_row_put(struct req *rq, struct txn *t, struct str key, const struct shape *shape, const void *row)
{
	struct buf b = buf_in(rq->mem);
	pack(&b, shape, row);
	return txn_put(t, key, buf_str(&b));
}

static struct str count_key(struct arena *mem, char what)
{
	return key_of(mem, 'n', str_make(&what, 1), (struct str){ 0 }, (struct str){ 0 });
}

struct status iam_counted(struct req *rq, struct txn *t, char what, int64_t *n)
{
	struct str value;
	struct status st = txn_get(t, count_key(rq->mem, what), rq->mem, &value);
	*n = 0;
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	return str_to_i64(value, n) ? OK : ERR(E_CORRUPT);
}

struct status iam_count(struct req *rq, struct txn *t, char what, int by)
{
	static const struct {
		char what;
		const char *quota;
		int max;
	} kinds[] = {
		{ IAM_USER, "UsersPerAccount", IAM_USERS_MAX },
		{ IAM_GROUP, "GroupsPerAccount", IAM_GROUPS_MAX },
		{ IAM_ROLE, "RolesPerAccount", IAM_ROLES_MAX },
		{ 'p', "PoliciesPerAccount", IAM_POLICIES_MAX },
		{ 'x', "InstanceProfilesPerAccount", IAM_PROFILES_MAX },
		{ 'c', "ServerCertificatesPerAccount", IAM_CERTIFICATES_MAX },
		{ 'm', "VirtualMFADevicesPerAccount", IAM_USERS_MAX }, /* "equal to the user quota" */
		{ 'o', "OpenIdConnectProvidersPerAccount", IAM_PROVIDERS_MAX },
		{ 'f', "SAMLProvidersPerAccount", IAM_PROVIDERS_MAX },
	};
	int64_t n;
	TRY(iam_counted(rq, t, what, &n));
	n += by;
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (kinds[i].what == what && by > 0 && n > kinds[i].max)
			return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for %s: %d", kinds[i].quota,
				    kinds[i].max);
	return txn_put(t, count_key(rq->mem, what), arena_printf(rq->mem, "%lld", (long long)n));
}

/* ---- users, groups and roles ---------------------------------------------------------- */

static struct str entity_key(struct arena *mem, enum iam_kind kind, struct str name)
{
	return key_of(mem, (char)kind, iam_lower(mem, name), (struct str){ 0 }, (struct str){ 0 });
}

struct str iam_renamed_key(struct arena *mem, struct str user_id)
{
	return key_of(mem, 'w', user_id, (struct str){ 0 }, (struct str){ 0 });
}

struct status iam_entity_find(struct arena *mem, struct txn *t, enum iam_kind kind, struct str name,
			      struct iam_entity_row *out)
{
	return iam_row_get(mem, t, entity_key(mem, kind, name), &iam_entity_row_shape, out);
}

struct status iam_entity_get(struct req *rq, struct txn *t, enum iam_kind kind, struct str name,
			     struct iam_entity_row *out)
{
	struct status st = iam_entity_find(rq->mem, t, kind, name, out);
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, iam_NoSuchEntityException, "The %s with name %.*s cannot be found.", iam_kind_word(kind),
		    PR(name));
}

struct status iam_entity_put(struct req *rq, struct txn *t, enum iam_kind kind, const struct iam_entity_row *row)
{
	return iam_row_put(rq, t, entity_key(rq->mem, kind, row->name), &iam_entity_row_shape, row);
}

struct status iam_entity_del(struct req *rq, struct txn *t, enum iam_kind kind, struct str name)
{
	return txn_del(t, entity_key(rq->mem, kind, name));
}

struct status iam_entity_new_name(struct req *rq, struct txn *t, enum iam_kind kind, struct str name)
{
	bool taken;
	TRY(txn_has(t, entity_key(rq->mem, kind, name), &taken));
	if (!taken)
		return OK;
	return FAIL(rq, iam_EntityAlreadyExistsException, "%s with name %.*s already exists.", iam_kind_name(kind),
		    PR(name));
}

struct str iam_entity_arn(struct arena *mem, struct str partition, struct str account, enum iam_kind kind,
			  const struct iam_entity_row *row)
{
	return arena_printf(mem, "arn:%.*s:iam::%.*s:%s%.*s%.*s", PR(partition), PR(account), iam_kind_word(kind),
			    PR(row->path), PR(row->name));
}

struct status iam_entity_rename(struct req *rq, struct txn *t, enum iam_kind kind, struct iam_entity_row *row,
				struct str to)
{
	struct str from = row->name;
	if (!str_eq_ci(from, to))
		TRY(iam_entity_new_name(rq, t, kind, to));
	TRY(iam_use_all(rq, t, kind, row, false));
	TRY(iam_entity_del(rq, t, kind, from));
	row->name = to;
	TRY(iam_use_all(rq, t, kind, row, true));
	if (str_eq_ci(from, to))
		return OK;
	if (kind != IAM_ROLE)
		TRY(iam_member_move(rq, t, kind, from, to));
	return iam_inline_move(rq, t, kind, from, to);
}

struct status iam_entity_bare(struct req *rq, struct txn *t, enum iam_kind kind, const struct iam_entity_row *row)
{
	bool inlined;
	if (row->attached.n)
		return FAIL(rq, iam_DeleteConflictException, "Cannot delete entity, must detach all policies first.");
	TRY(iam_inline_any(rq, t, kind, row->name, &inlined));
	if (inlined)
		return FAIL(rq, iam_DeleteConflictException, "Cannot delete entity, must delete policies first.");
	return OK;
}

/* "If the UserName is not specified, the user name is determined implicitly based on the access key ID." */
struct status iam_user_name(struct req *rq, struct str given, struct str *out)
{
	if (given.p) {
		*out = given;
		return OK;
	}
	if (rq->caller.kind != CALLER_USER)
		return FAIL(rq, api_ValidationException,
			    "Must specify userName when calling with non-User credentials");
	*out = rq->caller.name;
	return OK;
}

/* ---- where policies are used ------------------------------------------------------------- */

struct str iam_use_prefix(struct arena *mem, enum iam_use use, struct str arn)
{
	return key_of(mem, (char)use, arn, (struct str){ 0 }, (struct str){ 0 });
}

struct str iam_use_key(struct arena *mem, enum iam_use use, struct str arn, enum iam_kind kind, struct str entity)
{
	return key_of(mem, (char)use, arn, iam_kind_key(kind), iam_lower(mem, entity));
}

struct status iam_use_count(struct req *rq, struct txn *t, enum iam_use use, struct str arn, int64_t *n)
{
	struct cursor c;
	int64_t count = 0;
	TRY(txn_range(t, &(struct range){ .prefix = iam_use_prefix(rq->mem, use, arn), .keys_only = true }, &c));
	while (cursor_next(&c))
		count++;
	TRY(cursor_end(&c));
	*n = count;
	return OK;
}

static struct status note(struct txn *t, struct str key, bool used)
{
	return used ? txn_put(t, key, S("")) : txn_del(t, key);
}

struct status iam_use_all(struct req *rq, struct txn *t, enum iam_kind kind, const struct iam_entity_row *row,
			  bool used)
{
	for (size_t i = 0; i < row->attached.n; i++)
		TRY(note(t, iam_use_key(rq->mem, IAM_ATTACHED, row->attached.v[i], kind, row->name), used));
	if (row->boundary.n)
		TRY(note(t, iam_use_key(rq->mem, IAM_BOUNDARY, row->boundary, kind, row->name), used));
	return OK;
}

/* ---- inline policies ------------------------------------------------------------------------ */

struct str iam_inline_key(struct arena *mem, enum iam_kind kind, struct str entity, struct str policy)
{
	return key_of(mem, 'i', iam_kind_key(kind), iam_lower(mem, entity), policy);
}

struct status iam_inline_any(struct req *rq, struct txn *t, enum iam_kind kind, struct str entity, bool *any)
{
	struct cursor c;
	struct str prefix = iam_inline_key(rq->mem, kind, entity, (struct str){ 0 });
	TRY(txn_range(t, &(struct range){ .prefix = prefix, .keys_only = true }, &c));
	*any = cursor_next(&c);
	return cursor_end(&c);
}

struct status iam_keys(struct req *rq, struct txn *t, struct str prefix, struct str_list *out)
{
	struct cursor c;
	struct str *keys = NULL;
	size_t n = 0, cap = 0;
	TRY(txn_range(t, &(struct range){ .prefix = prefix, .keys_only = true }, &c));
	while (cursor_next(&c)) {
		if (n == cap) {
			struct str *more = NEWS(rq->mem, struct str, cap = cap ? cap * 2 : 8);
			if (n)
				memcpy(more, keys, n * sizeof *keys);
			keys = more;
		}
		keys[n++] = str_dup(rq->mem, c.key);
	}
	*out = (struct str_list){ keys, n };
	return cursor_end(&c);
}

struct status iam_inline_move(struct req *rq, struct txn *t, enum iam_kind kind, struct str from, struct str to)
{
	struct str_list keys;
	TRY(iam_keys(rq, t, iam_inline_key(rq->mem, kind, from, (struct str){ 0 }), &keys));
	for (size_t i = 0; i < keys.n; i++) {
		struct iam_inline_row row;
		TRY(iam_row_get(rq->mem, t, keys.v[i], &iam_inline_row_shape, &row));
		TRY(txn_del(t, keys.v[i]));
		TRY(iam_row_put(rq, t, iam_inline_key(rq->mem, kind, to, row.name), &iam_inline_row_shape, &row));
	}
	return OK;
}
