/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a request calls a key to the key: "Key identifiers (KeyId)" in the KMS
 * Developer Guide.
 *
 *     1234abcd-12ab-...          arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-...
 *     alias/name                 arn:aws:kms:us-east-1:111122223333:alias/name
 *
 * Ids and names alone are the caller's account's. Whoever asks for another account's key
 * learns nothing from the refusal, not even whether the key is there.
 */
#include "svc/kms/key.h"

#include "api/accounts.h"
#include "api/cache.h"
#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/kms/managed.h"
#include "wire/pack.h"

enum { ALIASES_CACHED = 512, MRK_DIGITS = 32 };

/* ---- refusing --------------------------------------------------------------------- */

bool kms_declares(const struct req *rq, const struct fault_kind *kind)
{
	for (const struct fault_kind *const *k = rq->op->faults; *k; k++)
		if (*k == kind)
			return true;
	return false;
}

struct str kms_arn_in(struct req *rq, struct str region, struct str account, const char *kind, struct str rest)
{
	return arena_printf(rq->mem, "arn:%.*s:kms:%.*s:%.*s:%s%.*s", PR(rq->app->partition), PR(region), PR(account),
			    kind, PR(rest));
}

struct str kms_arn(struct req *rq, struct str account, const char *kind, struct str rest)
{
	return kms_arn_in(rq, rq->region, account, kind, rest);
}

struct status kms_no_key(struct req *rq, struct str arn)
{
	return FAIL(rq, kms_NotFoundException, "Key '%.*s' does not exist", PR(arn));
}

struct status kms_no_alias(struct req *rq, struct str account, struct str alias)
{
	struct str arn = kms_arn(rq, account, "", alias);
	return FAIL(rq, kms_NotFoundException, "Alias %.*s is not found.", PR(arn));
}

struct status kms_not_yours(struct req *rq, struct str action, struct str arn)
{
	return FAIL(
	    rq, api_AccessDeniedException,
	    "User: %.*s is not authorized to perform: %.*s on resource: %.*s because the resource does not exist in "
	    "this "
	    "Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
	    PR(rq->caller.arn.n ? rq->caller.arn : rq->caller.name), PR(action), PR(arn));
}

static struct status bad_name(struct req *rq, struct str name)
{
	return FAIL(rq, kms_NotFoundException, "Invalid keyId '%.*s'", PR(name));
}

static struct status bad_arn(struct req *rq, struct str name)
{
	if (kms_declares(rq, kms_InvalidArnException))
		return FAIL(rq, kms_InvalidArnException, "Invalid ARN '%.*s'", PR(name));
	return bad_name(rq, name);
}

/* ---- names --------------------------------------------------------------------------- */

struct name {
	struct str account, id, alias; /* alias with its prefix; one of id and alias has p == NULL */
};

static const struct str alias_prefix = { "alias/", 6 }, key_prefix = { "key/", 4 };

bool kms_id_is_multi_region(struct str s)
{
	if (!str_starts(s, S("mrk-")) || s.n != S("mrk-").n + MRK_DIGITS)
		return false;
	for (size_t i = S("mrk-").n; i < s.n; i++)
		if (!char_digit(s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

static bool id_is(struct str s) { return uuid_is(s) || kms_id_is_multi_region(s); }

static struct status parse_arn(struct req *rq, struct str text, struct name *out)
{
	struct arn a;
	if (failed(arn_parse(text, &a)) || !str_eq(a.service, S("kms")) || !str_eq(a.partition, rq->app->partition) ||
	    !account_id_is(a.account))
		return bad_arn(rq, text);
	if (!str_eq(a.region, rq->region))
		return FAIL(rq, kms_NotFoundException, "Invalid arn %.*s", PR(a.region));
	out->account = a.account;
	if (str_starts(a.resource, key_prefix) && id_is(str_from(a.resource, key_prefix.n)))
		out->id = str_from(a.resource, key_prefix.n);
	else if (str_starts(a.resource, alias_prefix))
		out->alias = a.resource;
	else
		return bad_arn(rq, text);
	return OK;
}

static struct status parse(struct req *rq, struct str text, unsigned flags, struct name *out)
{
	*out = (struct name){ .account = rq->caller.account };
	if (str_starts(text, S("arn:")))
		TRY(parse_arn(rq, text, out));
	else if (str_starts(text, alias_prefix))
		out->alias = text;
	else if (id_is(text))
		out->id = text;
	else
		return bad_name(rq, text);
	if (out->alias.p && !(flags & KMS_BY_ALIAS))
		return bad_name(rq, text);
	return OK;
}

/* ---- aliases ---------------------------------------------------------------------------- */

static struct status load_alias(struct req *rq, struct shard *shard, struct str name, void **value)
{
	struct txn *t;
	struct str bytes;
	struct kms_alias_row row = { 0 };
	TRY(req_read(rq, shard, &t));
	TRY(txn_get(t, kms_key_of(rq->mem, 'a', name), rq->mem, &bytes));
	TRY(unpack(rq->mem, &kms_alias_row_shape, bytes, &row));
	struct str *id = HEAP(struct str);
	*id = heap_dup(row.target_key_id);
	*value = id;
	return OK;
}

static void free_alias(void *value)
{
	heap_free(((struct str *)value)->p);
	heap_free(value);
}

static const struct cache_kind aliases = {
	"kms alias", CACHE_KMS_ALIAS, ALIASES_CACHED, load_alias, free_alias, NULL, 0
};

struct status kms_alias_target(struct req *rq, struct shard *shard, struct str alias, struct str *id)
{
	const void *value;
	TRY(cached(rq, &aliases, shard, alias, &value));
	*id = *(const struct str *)value;
	return OK;
}

static struct status find_alias(struct req *rq, struct name *name, struct kms_found *out)
{
	struct status st = kms_shard(rq, name->account, &out->shard);
	if (!failed(st))
		st = kms_alias_target(rq, out->shard, name->alias, &name->id);
	if (st.code == E_NOT_FOUND && str_eq(name->account, rq->caller.account) && kms_managed_wanted(rq, name->alias))
		return kms_managed_make(rq, name->alias, &name->id);
	return st;
}

/* ---- finding ------------------------------------------------------------------------------ */

static struct status find_named(struct req *rq, struct name *name, struct kms_found *out)
{
	if (!account_find(rq->app->accounts, name->account))
		return ERR(E_NOT_FOUND);
	if (name->alias.p)
		TRY(find_alias(rq, name, out));
	return kms_find_id(rq, name->account, name->id, out);
}

struct status kms_find_for(struct req *rq, const char *action, struct str text, unsigned flags, struct kms_found *out)
{
	struct name name;
	TRY(parse(rq, text, flags, &name));
	bool own = str_eq(name.account, rq->caller.account);
	struct str arn =
	    name.alias.p ? kms_arn(rq, name.account, "", name.alias) : kms_arn(rq, name.account, "key/", name.id);
	if (!own && !(flags & KMS_FOREIGN))
		return kms_not_yours(rq, str_of(action), arn);
	struct kms_found found = { .alias = name.alias };
	struct status st = find_named(rq, &name, &found);
	if (st.code == E_NOT_FOUND && !own)
		return kms_not_yours(rq, str_of(action), arn);
	if (st.code == E_NOT_FOUND)
		return name.alias.p ? kms_no_alias(rq, name.account, name.alias) : kms_no_key(rq, arn);
	TRY(st);
	*out = found;
	return OK;
}

struct status kms_find(struct req *rq, struct str text, unsigned flags, struct kms_found *out)
{
	return kms_find_for(rq, rq->op->action, text, flags, out);
}
