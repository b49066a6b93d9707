/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What IAM tells the pipeline about callers: whose key it is, and which policies bear on
 * him at this moment.
 *
 * Everything is held ready in per-thread caches that the next change of the account makes
 * stale, so these functions read no row on a hit, and a change counts for the request that
 * starts after its answer. They run for requests of every service.
 *
 * Names come and go; identity is the unique id. A session of a role that was deleted and
 * made again under the same name is a stranger's.
 */
#include "api/accounts.h"
#include "api/cache.h"
#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/mfa.h"
#include "svc/iam/principal.h"
#include "svc/iam/provider.h"
#include "svc/iam/source.h"
#include "svc/iam/used.h"
#include "svc/services.h"

/* ---- access keys -------------------------------------------------------------------------- */

struct key_value {
	struct arena *mem; /* holds the secret: wiped when freed */
	struct iam_key_row row;
	struct iam_entity_row user;
	struct str arn;
};

static void key_free(void *value)
{
	struct key_value *k = value;
	arena_wipe(k->mem);
	arena_free(k->mem);
	heap_free(k);
}

static struct status key_read(struct req *rq, struct shard *shard, struct str id, struct key_value *k)
{
	struct txn *t;
	struct str key = key_of(rq->mem, 'k', id, (struct str){ 0 }, (struct str){ 0 });
	TRY(req_read(rq, shard, &t));
	TRY(iam_row_get(k->mem, t, key, &iam_key_row_shape, &k->row));
	if (k->row.status != IAM_STATUS_TYPE_ACTIVE)
		return ERR(E_NOT_FOUND);
	return iam_entity_find(k->mem, t, IAM_USER, k->row.user_name, &k->user);
}

static struct status key_load(struct req *rq, struct shard *shard, struct str key, void **value)
{
	struct key_value *k = HEAP(struct key_value);
	k->mem = arena_new_small();
	struct str account = str_sub(key, 0, 12);
	struct status st = key_read(rq, shard, str_from(key, 12), k);
	if (failed(st)) {
		key_free(k);
		return st;
	}
	k->arn = iam_entity_arn(k->mem, rq->app->partition, account, IAM_USER, &k->user);
	*value = k;
	return OK;
}

static const struct cache_kind keys = { "iam access key", CACHE_IAM_KEY, 16384, key_load, key_free, NULL, 0 };

static struct status access_key(struct req *rq, struct str account, struct str id, struct caller *who,
				struct str *secret)
{
	struct shard *shard;
	const void *value;
	TRY(iam_shard(rq, account, &shard));
	TRY(cached(rq, &keys, shard, iam_join(rq->mem, account, id, S("")), &value));
	const struct key_value *k = value;
	*who = (struct caller){
		.kind = CALLER_USER,
		.account = account,
		.arn = k->arn,
		.principal_id = k->user.id,
		.name = k->user.name,
		.user_path = k->user.path,
		.access_key_id = id,
	};
	*secret = k->row.secret;
	return OK;
}

/* ---- managed policies by ARN ------------------------------------------------------------------ */

struct text_value {
	struct arena *mem;
	struct str text;
};

static void text_free(void *value)
{
	struct text_value *v = value;
	arena_free(v->mem);
	heap_free(v);
}

static struct status text_load(struct req *rq, struct shard *shard, struct str key, void **value)
{
	struct txn *t;
	struct iam_managed m;
	struct str text;
	TRY(req_read(rq, shard, &t));
	TRY(iam_managed_find(rq->mem, t, rq->app->partition, str_sub(key, 0, 12), str_from(key, 12), &m));
	TRY(iam_managed_document(rq->mem, t, &m, &text));
	struct text_value *v = HEAP(struct text_value);
	v->mem = arena_new_small();
	v->text = str_dup(v->mem, text);
	*value = v;
	return OK;
}

static const struct cache_kind texts = { "iam managed policy", CACHE_IAM_POLICY, 512, text_load, text_free, NULL, 0 };

static struct status managed_of(struct req *rq, struct str account, struct str arn, enum policy_kind kind,
				const struct policy **out)
{
	struct shard *shard;
	const void *value;
	TRY(iam_shard(rq, account, &shard));
	TRY(cached(rq, &texts, shard, iam_join(rq->mem, account, arn, S("")), &value));
	return cached_policy(rq, kind, ((const struct text_value *)value)->text, out);
}

static struct status managed_policy(struct req *rq, struct str arn, const struct policy **out)
{
	struct arn parts;
	if (failed(arn_parse(arn, &parts)))
		return ERR(E_NOT_FOUND);
	struct str account = str_eq(parts.account, S("aws")) ? rq->account : parts.account;
	if (!account_find(rq->app->accounts, account))
		return ERR(E_NOT_FOUND);
	return managed_of(rq, account, arn, POLICY_IDENTITY, out);
}

/* ---- policies in force ---------------------------------------------------------------------------- */

/* In place of a session policy that is gone: closed by omission, for fewer session policies would allow more. */
#define ALLOWS_NOTHING \
	S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}")

#define ALLOWS_EVERYTHING \
	S("{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}")

static struct status session_policies(struct req *rq, const struct caller *who, struct policy_set *out)
{
	size_t n = 0;
	const struct policy **all = NEWS(rq->mem, const struct policy *, who->session_policy_arns.n + 1);
	if (who->session_policy.p)
		TRY(cached_policy(rq, POLICY_SESSION, who->session_policy, &all[n++]));
	for (size_t i = 0; i < who->session_policy_arns.n; i++) {
		struct status st = managed_of(rq, who->account, who->session_policy_arns.v[i], POLICY_SESSION, &all[n]);
		if (st.code == E_NOT_FOUND)
			st = cached_policy(rq, POLICY_SESSION, ALLOWS_NOTHING, &all[n]);
		TRY(st);
		n++;
	}
	*out = (struct policy_set){ all, n };
	return OK;
}

static bool has_tag(struct str_map tags, struct str key)
{
	for (size_t i = 0; i < tags.n; i++)
		if (str_eq_ci(tags.v[i].key, key))
			return true;
	return false;
}

/* "Passing session tags": a session tag takes precedence over the role's tag with the same key, whatever its case. */
static struct str_map overlay(struct req *rq, struct str_map own, struct str_map session)
{
	if (!session.n)
		return own;
	struct str_entry *v = NEWS(rq->mem, struct str_entry, own.n + session.n);
	size_t n = session.n;
	memcpy(v, session.v, n * sizeof *v);
	for (size_t i = 0; i < own.n; i++)
		if (!has_tag(session, own.v[i].key))
			v[n++] = own.v[i];
	return (struct str_map){ v, n };
}

static struct status named_now(struct req *rq, struct str account, struct str id, struct str *name)
{
	struct shard *shard;
	struct txn *t;
	TRY(iam_shard(rq, account, &shard));
	TRY(req_read(rq, shard, &t));
	return txn_get(t, iam_renamed_key(rq->mem, id), rq->mem, name);
}

/* The user of that id, whose name was `name` when the session began: he may have been renamed since. */
static struct status user_of(struct req *rq, struct str account, struct str name, struct str id,
			     const struct iam_principal **out)
{
	const struct iam_principal *p;
	struct str now;
	struct status st = iam_principal(rq, account, IAM_USER, name, &p);
	if (st.code == E_NOT_FOUND || (!failed(st) && !str_eq(p->row.id, id))) {
		TRY(named_now(rq, account, id, &now));
		st = iam_principal(rq, account, IAM_USER, now, &p);
	}
	TRY(st);
	if (!str_eq(p->row.id, id))
		return ERR(E_NOT_FOUND);
	*out = p;
	return OK;
}

static struct status of_user(struct req *rq, struct caller *who, struct caller_policies *out)
{
	const struct iam_principal *p;
	TRY(user_of(rq, who->account, who->name, who->principal_id, &p));
	who->name = p->row.name;
	who->arn = p->arn;
	who->user_path = p->row.path;
	who->tags = p->tags;
	*out = (struct caller_policies){ .identity = p->identity, .boundary = p->boundary };
	return OK;
}

static struct status of_role(struct req *rq, struct caller *who, struct caller_policies *out)
{
	const struct iam_principal *p;
	struct policy_set session;
	TRY(iam_principal(rq, who->account, IAM_ROLE, who->role_name, &p));
	if (!str_eq(p->row.id, who->role_id))
		return ERR(E_NOT_FOUND);
	TRY(session_policies(rq, who, &session));
	who->role_path = p->row.path;
	who->tags = overlay(rq, p->tags, who->session_tags);
	*out = (struct caller_policies){ .identity = p->identity, .boundary = p->boundary, .session = session };
	if (!rq->no_record) /* an explanation is no use of it */
		iam_used_note(rq, who->account, IAM_USED_ROLE, p->row.id);
	return OK;
}

/*
 * "Permissions for GetFederationToken": what the user may do and the session policies allow. Root lends without
 * policies of its own: what it may do is everything.
 */
static struct status of_federated(struct req *rq, struct caller *who, struct caller_policies *out)
{
	const struct iam_principal *p;
	struct policy_set session;
	TRY(session_policies(rq, who, &session));
	who->tags = who->session_tags;
	if (str_eq(who->role_id, who->account)) {
		const struct policy **all = NEW(rq->mem, const struct policy *);
		TRY(cached_policy(rq, POLICY_IDENTITY, ALLOWS_EVERYTHING, &all[0]));
		*out = (struct caller_policies){ .identity = { all, 1 }, .session = session };
		return OK;
	}
	TRY(user_of(rq, who->account, who->role_name, who->role_id, &p));
	who->role_name = p->row.name;
	who->role_arn = p->arn;
	who->role_path = p->row.path;
	who->tags = overlay(rq, p->tags, who->session_tags);
	*out = (struct caller_policies){ .identity = p->identity, .boundary = p->boundary, .session = session };
	return OK;
}

static struct status policies(struct req *rq, struct caller *who, struct caller_policies *out)
{
	switch (who->kind) {
	case CALLER_USER:
		return of_user(rq, who, out);
	case CALLER_ROLE:
		return of_role(rq, who, out);
	case CALLER_ROOT:
		*out = (struct caller_policies){ 0 };
		return OK;
	case CALLER_FEDERATED:
		return of_federated(rq, who, out);
	case CALLER_ANONYMOUS:
	case CALLER_SERVICE:
	case CALLER_WEB_IDENTITY:
	case CALLER_SAML:
		break;
	}
	return ERR(E_NOT_FOUND);
}

/* ---- roles, for STS -------------------------------------------------------------------------------------- */

static struct status role(struct req *rq, struct str account, struct str name, struct identity_role *out)
{
	const struct iam_principal *p;
	TRY(iam_principal(rq, account, IAM_ROLE, name, &p));
	*out = (struct identity_role){
		.arn = p->arn,
		.id = p->row.id,
		.name = p->row.name,
		.path = p->row.path,
		.max_session_s = p->row.max_session.v,
		.trust = p->trust,
		.tags = p->tags,
	};
	return OK;
}

/* What is neither a user nor a role (groups, instance profiles, roots of other forms) cannot ask for anything. */
static struct status principal(struct req *rq, struct str account, struct str resource, struct str *id)
{
	const struct iam_principal *p;
	bool user = str_starts(resource, S("user/"));
	*id = (struct str){ 0 };
	if (str_eq(resource, S("root")))
		return OK;
	if (!user && !str_starts(resource, S("role/")))
		return ERR(E_NOT_FOUND);
	TRY(iam_principal(rq, account, user ? IAM_USER : IAM_ROLE, str_after_last(resource, '/'), &p));
	if (!str_ends(p->arn, resource) || p->arn.p[p->arn.n - resource.n - 1] != ':')
		return ERR(E_NOT_FOUND);
	*id = p->row.id;
	return OK;
}

static void key_used(struct req *rq, const struct caller *who)
{
	iam_used_note(rq, who->account, IAM_USED_KEY, who->access_key_id);
}

const struct identity_provider iam_identity = {
	.access_key = access_key,
	.policies = policies,
	.managed_policy = managed_policy,
	.role = role,
	.principal = principal,
	.find = iam_described,
	.policy_name = iam_policy_described,
	.mfa = iam_mfa_check,
	.oidc = iam_identity_oidc,
	.saml = iam_identity_saml,
	.key_used = key_used,
};
