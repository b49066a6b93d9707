/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The step that says yes or no: gathers what must be allowed, builds the context each
 * decision is made in, asks the policy library, and words the refusal as AWS does.
 *
 * The context holds the global keys ("AWS global condition context keys"), the row's and
 * the service's own keys put into the table, and, looked up only when a policy asks, the
 * tags of principal, resource and request.
 */
#include "api/authz.h"

#include "api/faults.h"
#include "base/str.h"
#include "base/time.h"

enum { CONTEXT_ROOM = 96 };

/* ---- listing -------------------------------------------------------------------- */

static const void *member_at(const struct member *m, const void *in) { return (const char *)in + m->offset; }

static struct str int_text(struct req *rq, int64_t v) { return arena_printf(rq->mem, "%lld", (long long)v); }

/* A scalar as condition text; p == NULL when it was not given. */
static struct str scalar_text(struct req *rq, const struct member *m, const void *at)
{
	switch (m->shape->kind) {
	case K_STRING:
	case K_BLOB: return *(const struct str *)at;
	case K_ENUM: {
		int v = *(const int *)at;
		return v > 0 ? str_of(m->shape->names[v - 1]) : (struct str){ 0 };
	}
	case K_BOOL: {
		bool set = !(m->flags & M_OPT) || ((const struct opt_bool *)at)->set;
		bool v = m->flags & M_OPT ? ((const struct opt_bool *)at)->v : *(const bool *)at;
		return !set ? (struct str){ 0 } : v ? S("true") : S("false");
	}
	case K_INT:
	case K_LONG:
	case K_TIME:
		if (m->flags & M_OPT && !((const struct opt_int *)at)->set)
			return (struct str){ 0 };
		return int_text(rq, m->flags & M_OPT ? ((const struct opt_int *)at)->v : *(const int64_t *)at);
	default: return (struct str){ 0 };
	}
}

/* Follow a path of members; NULL when something on the way is absent. *last is the final member. */
static const void *follow(const struct member *const *path, const void *in, const struct member **last)
{
	for (;; path++) {
		const void *at = member_at(*path, in);
		*last = *path;
		if (!path[1])
			return at;
		in = *(const void *const *)at;
		if (!in)
			return NULL;
	}
}

static void row_condition(struct authz *az, struct authz_item *item, const struct condition *c, const void *in)
{
	const struct member *m;
	const void *at = c->path ? follow(c->path, in, &m) : NULL;
	if (!at)
		return;
	if (m->shape->kind == K_LIST && m->shape->elem->kind == K_STRING) {
		const struct str_list *list = at;
		if (list->v)
			authz_key_list(az, item, c->key, list->v, list->n);
		return;
	}
	authz_key(az, item, c->key, scalar_text(az->rq, m, at));
}

struct authz_item *authz_add(struct authz *az, const char *action, struct str resource)
{
	struct authz_item *item = NEW(az->rq->mem, struct authz_item);
	item->action = str_of(action ? action : az->rq->op->action);
	item->resource = resource;
	for (const struct condition *c = az->rq->op->conditions; c->key; c++)
		row_condition(az, item, c, az->rq->in);
	*az->last = item;
	az->last = &item->next;
	return item;
}

static void add_key(struct authz *az, struct authz_item *item, const char *name, const struct str *v, size_t n, bool multi)
{
	struct authz_key *k = NEW(az->rq->mem, struct authz_key);
	*k = (struct authz_key){ str_of(name), v, n, multi, item->keys };
	item->keys = k;
}

void authz_key(struct authz *az, struct authz_item *item, const char *name, struct str value)
{
	if (!value.p)
		return;
	struct str *v = NEW(az->rq->mem, struct str);
	*v = value;
	add_key(az, item, name, v, 1, false);
}

void authz_key_list(struct authz *az, struct authz_item *item, const char *name, const struct str *values, size_t n)
{
	add_key(az, item, name, values, n, true);
}

void authz_key_bool(struct authz *az, struct authz_item *item, const char *name, bool value)
{
	authz_key(az, item, name, value ? S("true") : S("false"));
}

void authz_key_int(struct authz *az, struct authz_item *item, const char *name, int64_t value)
{
	authz_key(az, item, name, int_text(az->rq, value));
}

void authz_request_tags(struct authz *az, struct authz_item *item, struct str_map tags)
{
	struct str *keys = NEWS(az->rq->mem, struct str, tags.n + 1);
	for (size_t i = 0; i < tags.n; i++) {
		keys[i] = tags.v[i].key;
		char *name = str_z(az->rq->mem, arena_printf(az->rq->mem, "aws:RequestTag/%.*s", PR(keys[i])));
		authz_key(az, item, name, tags.v[i].value);
	}
	if (tags.n)
		authz_key_list(az, item, "aws:TagKeys", keys, tags.n);
}

static const struct member *member_named(const struct shape *shape, struct str name)
{
	for (uint32_t i = 0; i < shape->n_members; i++)
		if (str_eq(name, str_of(shape->members[i].name)))
			return &shape->members[i];
	return NULL;
}

struct str authz_row_resource(struct req *rq, const void *in)
{
	struct str rest = str_of(rq->op->resource);
	if (str_eq(rest, S("*")))
		return rest;
	struct buf b = buf_in(rq->mem);
	while (rest.p) {
		buf_put(&b, str_cut(&rest, '{'));
		if (!rest.p)
			break;
		const struct member *m = member_named(rq->op->in, str_cut(&rest, '}'));
		assert(m);
		buf_put(&b, scalar_text(rq, m, member_at(m, in)));
	}
	struct str text = buf_str(&b);
	return str_starts(text, S("arn:")) ? text : req_arn(rq, "%.*s", PR(text));
}

/* ---- the context ------------------------------------------------------------------ */

struct asked {
	struct req *rq;
	const struct authz_item *item;
};

static bool tag_of(struct str_map tags, struct str name, size_t prefix, struct policy_entry *out)
{
	struct str key = str_from(name, prefix);
	for (size_t i = 0; i < tags.n; i++)
		if (str_eq_ci(tags.v[i].key, key)) { /* "aws:ResourceTag/tag-key": key names are not case-sensitive */
			*out = (struct policy_entry){ .one = tags.v[i].value, .n = 1 };
			return true;
		}
	return false;
}

static bool look_up(void *arg, enum policy_key key, struct str name, struct policy_entry *out)
{
	struct asked *a = arg;
	(void)key;
	static const struct str principal_tag = { "aws:PrincipalTag/", 17 }, resource_tag = { "aws:ResourceTag/", 16 };
	if (str_starts_ci(name, principal_tag))
		return tag_of(a->rq->caller.tags, name, principal_tag.n, out);
	if (str_starts_ci(name, resource_tag))
		return tag_of(a->item->resource_tags, name, resource_tag.n, out);
	for (const struct authz_key *k = a->item->keys; k; k = k->next)
		if (str_eq_ci(k->name, name)) {
			*out = (struct policy_entry){ .values = k->values, .n = (uint32_t)k->n, .multi = k->multi };
			return true;
		}
	return false;
}

static struct str bool_text(bool b) { return b ? S("true") : S("false"); }

static void put_session(struct req *rq, struct policy_context *cx)
{
	const struct caller *who = &rq->caller;
	if (!who->issued_ms)
		return; /* long-term keys have none of these, not even as "false" */
	policy_context_put(cx, POLICY_KEY_AWS_TOKEN_ISSUE_TIME, time_iso8601(rq->mem, who->issued_ms));
	policy_context_put(cx, POLICY_KEY_AWS_MFA_PRESENT, bool_text(who->mfa));
	if (who->mfa)
		policy_context_put(cx, POLICY_KEY_AWS_MFA_AGE, int_text(rq, (rq->now_ms - who->mfa_ms) / 1000));
	if (who->source_identity.n)
		policy_context_put(cx, POLICY_KEY_AWS_SOURCE_IDENTITY, who->source_identity);
}

static void put_request(struct req *rq, struct policy_context *cx)
{
	struct str via = rq->caller.invoked_by;
	policy_context_put(cx, POLICY_KEY_AWS_CURRENT_TIME, time_iso8601(rq->mem, rq->now_ms));
	policy_context_put(cx, POLICY_KEY_AWS_EPOCH_TIME, int_text(rq, rq->now_ms / 1000));
	policy_context_put(cx, POLICY_KEY_AWS_SECURE_TRANSPORT, bool_text(rq->secure));
	policy_context_put(cx, POLICY_KEY_AWS_REQUESTED_REGION, rq->svc->global ? S("us-east-1") : rq->region);
	policy_context_put(cx, POLICY_KEY_AWS_VIA_AWS_SERVICE, bool_text(via.n > 0));
	if (via.n) {
		policy_context_put(cx, POLICY_KEY_AWS_CALLED_VIA_FIRST, via);
		policy_context_put(cx, POLICY_KEY_AWS_CALLED_VIA_LAST, via);
		policy_context_put_many(cx, POLICY_KEY_AWS_CALLED_VIA, &rq->caller.invoked_by, 1);
		return;
	}
	policy_context_put(cx, POLICY_KEY_AWS_SOURCE_IP, rq->source_ip.n ? rq->source_ip : (struct str){ 0 });
	policy_context_put(cx, POLICY_KEY_AWS_USER_AGENT, rq->user_agent);
	policy_context_put(cx, POLICY_KEY_AWS_REFERER, req_in_header(rq, "referer"));
}

static struct policy_principal principal_of(struct req *rq)
{
	static const enum policy_principal_kind kinds[] = {
		[CALLER_ANONYMOUS] = POLICY_ANONYMOUS, [CALLER_ROOT] = POLICY_ROOT,
		[CALLER_USER] = POLICY_USER,           [CALLER_ROLE] = POLICY_ROLE_SESSION,
		[CALLER_FEDERATED] = POLICY_FEDERATED_USER, [CALLER_SERVICE] = POLICY_SERVICE,
	};
	const struct caller *who = &rq->caller;
	bool named = who->kind != CALLER_ANONYMOUS && who->kind != CALLER_SERVICE;
	return (struct policy_principal){
		.kind = kinds[who->kind],
		.account = named ? who->account : (struct str){ 0 },
		.arn = named ? who->arn : (struct str){ 0 },
		.issuer = who->role_arn,
		.id = who->principal_id,
		.name = who->name,
		.services = who->kind == CALLER_SERVICE ? &who->name : NULL,
		.services_n = who->kind == CALLER_SERVICE,
	};
}

/* ---- deciding ------------------------------------------------------------------------ */

static struct policy_decision decide(struct req *rq, const struct authz_item *item, struct str *sentence)
{
	struct policy_entry room[CONTEXT_ROOM];
	struct policy_context cx;
	struct policy_principal who = principal_of(rq);
	struct asked asked = { rq, item };

	policy_context_init(&cx, room, COUNT(room));
	cx.lookup = look_up;
	cx.lookup_arg = &asked;
	policy_context_principal(&cx, &who);
	put_session(rq, &cx);
	put_request(rq, &cx);
	policy_context_put(&cx, POLICY_KEY_AWS_RESOURCE_ACCOUNT, item->resource_account.p ? item->resource_account : rq->account);

	struct policy_request ask = {
		.principal = &who,
		.action = item->action,
		.resource = item->resource,
		.resource_account = item->resource_account.p ? item->resource_account : rq->account,
		.context = &cx,
		.mode = item->mode,
		.identity = rq->policies.identity,
		.boundary = rq->policies.boundary,
		.session = rq->policies.session,
		.resource_policy = item->resource_policy,
	};
	struct policy_decision d = policy_decide(&ask);
	if (d.verdict != POLICY_ALLOW && sentence) {
		char *text = NEWS(rq->mem, char, 2048);
		*sentence = policy_denial(&ask, &d, rq->svc->protocol == PROTO_REST_XML, text, 2048);
	}
	return d;
}

bool authz_evaluate(struct req *rq, const struct authz_item *item, struct policy_decision *out)
{
	*out = decide(rq, item, NULL);
	return out->verdict == POLICY_ALLOW;
}

bool req_allowed(struct req *rq, const char *action, struct str resource, const struct policy *resource_policy)
{
	struct authz_item item = { .action = str_of(action), .resource = resource, .resource_policy = resource_policy };
	struct policy_decision d;
	return authz_evaluate(rq, &item, &d);
}

static struct status refuse(struct req *rq, const struct authz_item *item, struct policy_decision d, struct str sentence)
{
	struct authz_denial *why = NEW(rq->mem, struct authz_denial);
	*why = (struct authz_denial){ item->action, item->resource, sentence, d };
	rq->denial = why;
	return FAIL(rq, item->denied ? item->denied : api_AccessDeniedException, "%.*s", PR(sentence));
}

static struct status list_items(struct req *rq, struct authz *az)
{
	if (rq->op->authorize)
		return rq->op->authorize(rq, rq->in, az);
	authz_add(az, NULL, authz_row_resource(rq, rq->in));
	return OK;
}

struct status req_authorize(struct req *rq)
{
	if (rq->op->flags & OP_NO_AUTHZ)
		return OK;
	struct authz az = { .rq = rq };
	az.last = &az.first;
	TRY(list_items(rq, &az));
	assert(az.first); /* closed by omission: an empty list would allow everything */
	for (const struct authz_item *item = az.first; item; item = item->next) {
		struct str sentence = { 0 };
		struct policy_decision d = decide(rq, item, &sentence);
		if (d.verdict != POLICY_ALLOW)
			return refuse(rq, item, d, sentence);
	}
	return OK;
}
