/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CreateAlias, UpdateAlias, DeleteAlias, ListAliases ("Using aliases").
 *
 *     CreateAlias ─▶ names a key ─ UpdateAlias ─▶ names another ─ DeleteAlias ─▶ gone
 * Names that begin with alias/aws/ are of AWS managed keys and nobody's to change.
 */
#include "svc/kms/alias.h"

#include "api/faults.h"
#include "base/str.h"
#include "svc/kms/deletion.h"
#include "svc/kms/page.h"
#include "svc/kms/used.h"
#include "wire/pack.h"

enum { ALIASES_PER_KEY = 50, PAGE_MAX = 100, PAGE_DEFAULT = 50 };

static const struct str none;

/* ---- names --------------------------------------------------------------------- */

bool kms_names_alias(struct str id)
{
	struct arn a;
	return str_starts(id, S("alias/")) || (!failed(arn_parse(id, &a)) && str_starts(a.resource, S("alias/")));
}

static struct status bad_alias(struct req *rq, const char *why)
{
	bool own = kms_declares(rq, kms_InvalidAliasNameException);
	return FAIL(rq, own ? kms_InvalidAliasNameException : api_ValidationException, "%s", why);
}

struct status kms_alias_check(struct req *rq, struct str name)
{
	if (!str_starts(name, S("alias/")) || name.n == strlen("alias/"))
		return FAIL(rq, api_ValidationException, "Invalid identifier");
	if (str_find_char(name, ':') != SIZE_MAX)
		return FAIL(rq, api_ValidationException, "%.*s contains invalid characters for an alias", PR(name));
	if (str_starts(name, S("alias/aws/")))
		return bad_alias(rq, "Alias names that begin with alias/aws/ are reserved for AWS managed keys.");
	return OK;
}

/* ---- rows ------------------------------------------------------------------------ */

struct status kms_alias_get(struct req *rq, struct txn *t, struct str alias, struct kms_alias_row *row)
{
	struct str bytes;
	*row = (struct kms_alias_row){ 0 };
	TRY(txn_get(t, kms_key_of(rq->mem, 'a', alias), rq->mem, &bytes));
	return unpack(rq->mem, &kms_alias_row_shape, bytes, row);
}

struct status kms_alias_put(struct req *rq, struct txn *t, struct str alias, struct str key_id, int64_t created_ms)
{
	struct kms_alias_row row = { key_id, created_ms, rq->now_ms };
	struct buf b = buf_in(rq->mem);
	pack(&b, &kms_alias_row_shape, &row);
	TRY(txn_put(t, key_of(rq->mem, 't', key_id, alias, none), S("")));
	return txn_put(t, kms_key_of(rq->mem, 'a', alias), buf_str(&b));
}

struct str kms_alias_in(struct req *rq, struct str row_key)
{
	struct rd r = rd_of(row_key);
	if (key_take_tag(&r) == 't')
		(void)key_take_str(&r, rq->mem);
	return str_dup(rq->mem, key_take_str(&r, rq->mem));
}

/* The key the alias shall name: there, not pending deletion, with room for one more alias. */
static struct status check_target(struct req *rq, struct txn *t, const struct kms_key *key)
{
	struct kms_key_row row;
	struct cursor c;
	size_t n = 0;
	struct status st = kms_row_get(rq, t, key->id, &row);
	if (st.code == E_NOT_FOUND || (!failed(st) && kms_row_due(&row, rq->now_ms)))
		return kms_no_key(rq, key->arn);
	TRY(st);
	TRY(kms_state_check(rq, key->arn, row.state, KMS_CHANGE));
	TRY(txn_range(t, &(struct range){ .prefix = kms_key_of(rq->mem, 't', key->id), .keys_only = true }, &c));
	while (cursor_next(&c))
		n++;
	TRY(cursor_end(&c));
	if (n >= ALIASES_PER_KEY)
		return FAIL(rq, kms_LimitExceededException, "The key %.*s has %d aliases, which is the limit.",
			    PR(key->arn), ALIASES_PER_KEY);
	return OK;
}

/* UpdateAlias: both symmetric, both asymmetric or both HMAC, and for the same usage, so that who goes by the name can
 * do what he did. (A usage has HMAC keys or others, never both.) */
static struct status check_alike(struct req *rq, const struct kms_key *from, const struct kms_key *to)
{
	bool symmetric = from->row.spec == KMS_KEY_SPEC_SYMMETRIC_DEFAULT;
	if (from->row.usage == to->row.usage && symmetric == (to->row.spec == KMS_KEY_SPEC_SYMMETRIC_DEFAULT))
		return OK;
	return FAIL(rq, api_ValidationException,
		    "The current KMS key and the new KMS key must be the same type and have the same key usage.");
}

/* ---- operations --------------------------------------------------------------------- */

struct status kms_create_alias(struct req *rq, const struct kms_create_alias_in *in, struct kms_create_alias_out *out)
{
	struct txn *t;
	bool has;
	(void)out;
	TRY(kms_write(rq, &t));
	const struct kms_key *target = kms_found(rq)->target;
	TRY(txn_has(t, kms_key_of(rq->mem, 'a', in->alias_name), &has));
	if (has) {
		struct str arn = kms_arn(rq, target->account, "", in->alias_name);
		return FAIL(rq, kms_AlreadyExistsException, "An alias with the name %.*s already exists", PR(arn));
	}
	TRY(check_target(rq, t, target));
	kms_record_key(rq, target->arn);
	return kms_alias_put(rq, t, in->alias_name, target->id, rq->now_ms);
}

/* In the transaction it names the key that was judged; if it named none when it was, or does not any more, it is not
 * there. */
static struct status write_present(struct req *rq, struct str alias, struct txn **t, struct kms_alias_row *row)
{
	if (kms_found(rq)->key)
		TRY(kms_write(rq, t));
	if (!kms_found(rq)->key)
		return kms_no_alias(rq, rq->caller.account, alias);
	return kms_alias_get(rq, *t, alias, row);
}

struct status kms_update_alias(struct req *rq, const struct kms_update_alias_in *in, struct kms_update_alias_out *out)
{
	struct kms_alias_row row;
	struct txn *t;
	(void)out;
	TRY(write_present(rq, in->alias_name, &t, &row));
	const struct kms_key *target = kms_found(rq)->target;
	TRY(check_alike(rq, kms_found(rq)->key, target));
	TRY(txn_del(t, key_of(rq->mem, 't', row.target_key_id, in->alias_name, none)));
	TRY(check_target(rq, t, target));
	kms_record_key(rq, target->arn);
	return kms_alias_put(rq, t, in->alias_name, target->id, row.created_at);
}

struct status kms_delete_alias(struct req *rq, const struct kms_delete_alias_in *in, struct kms_delete_alias_out *out)
{
	struct kms_alias_row row;
	struct txn *t;
	(void)out;
	TRY(write_present(rq, in->alias_name, &t, &row));
	kms_record_key(rq, kms_found(rq)->key->arn);
	TRY(txn_del(t, key_of(rq->mem, 't', row.target_key_id, in->alias_name, none)));
	return txn_del(t, kms_key_of(rq->mem, 'a', in->alias_name));
}

/* ---- listing ---------------------------------------------------------------------------- */

static struct kms_alias_list_entry entry_of(struct req *rq, struct str alias, const struct kms_alias_row *row)
{
	return (struct kms_alias_list_entry){
		.alias_name = alias,
		.alias_arn = kms_arn(rq, rq->caller.account, "", alias),
		.target_key_id = row->target_key_id,
		.creation_date = SET(row->created_at),
		.last_updated_date = SET(row->updated_at),
	};
}

/* Walks row t of a key, or row a; the alias is the last part of either. */
static struct status list_page(struct req *rq, struct txn *t, struct str prefix, struct kms_page *page,
			       struct kms_alias_list_entry *v, size_t *n)
{
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = prefix, .from = page->from, .keys_only = true }, &c));
	while (kms_page_next(page, &c)) {
		struct kms_alias_row row;
		struct str alias = kms_alias_in(rq, c.key);
		TRY(kms_alias_get(rq, t, alias, &row));
		v[(*n)++] = entry_of(rq, alias, &row);
	}
	return cursor_end(&c);
}

struct status kms_list_aliases(struct req *rq, const struct kms_list_aliases_in *in, struct kms_list_aliases_out *out)
{
	struct kms_found f = { 0 };
	struct kms_page page;
	struct txn *t;
	struct status st = in->key_id.p ? kms_find(rq, in->key_id, 0, &f) : kms_shard(rq, rq->caller.account, &f.shard);
	bool empty = st.code == E_NOT_FOUND;
	if (!empty)
		TRY(st);
	struct str prefix = f.key ? kms_key_of(rq->mem, 't', f.key->id) : S("a");
	TRY(kms_page_begin(rq, in->limit, in->marker, PAGE_DEFAULT, PAGE_MAX, prefix, &page));
	struct kms_alias_list_entry *v = NEWS(rq->mem, struct kms_alias_list_entry, page.limit);
	size_t n = 0;
	if (!empty) {
		TRY(kms_sweep_if_due(rq, rq->caller.account, f.shard));
		TRY(req_read(rq, f.shard, &t));
		TRY(list_page(rq, t, prefix, &page, v, &n));
	}
	out->aliases = (struct kms_alias_list_entry_list){ v, n };
	out->next_marker = kms_page_marker(rq, &page);
	out->truncated = (struct opt_bool)SET(page.more);
	return OK;
}
