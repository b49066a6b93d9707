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

#include "api/authenticate.h"
#include "api/cache.h"
#include "api/denial.h"
#include "api/faults.h"
#include "base/str.h"
#include "base/time.h"
#include "base/turns.h"

enum { CONTEXT_ROOM = 16, SENTENCE_MAX = 4096 };

/* ---- listing -------------------------------------------------------------------- */

static const void *member_at(const struct member *m, const void *in) { return (const char *)in + m->offset; }

static struct str int_text(const struct req *rq, int64_t v) { return arena_printf(rq->mem, "%lld", (long long)v); }

/* A scalar as condition text; p == NULL when it was not given. */
static struct str scalar_text(struct req *rq, const struct member *m, const void *at)
{
	switch (m->shape->kind) {
	case K_STRING:
	case K_BLOB:
		return *(const struct str *)at;
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
	case K_TIME: {
		if (m->flags & M_OPT && !((const struct opt_int *)at)->set)
			return (struct str){ 0 };
		int64_t v = m->flags & M_OPT ? ((const struct opt_int *)at)->v : *(const int64_t *)at;
		return m->shape->kind == K_TIME ? time_iso8601(rq->mem, v) : int_text(rq, v);
	}
	default:
		return (struct str){ 0 };
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

/* A list of words, as a multi-valued key. An empty list is a key without values, as AWS has it: not there. */
static void list_condition(struct authz *az, struct authz_item *item, const char *key, const struct shape *elem,
			   const void *at)
{
	if (elem->kind == K_STRING) {
		const struct str_list *list = at;
		if (list->n)
			authz_key_list(az, item, key, list->v, list->n);
		return;
	}
	const struct {
		const int *v;
		size_t n;
	} *words = at;
	if (elem->kind != K_ENUM || !words->n)
		return;
	struct str *v = NEWS(az->rq->mem, struct str, words->n);
	for (size_t i = 0; i < words->n; i++)
		v[i] = str_of(elem->names[words->v[i] - 1]);
	authz_key_list(az, item, key, v, words->n);
}

static void row_condition(struct authz *az, struct authz_item *item, const struct condition *c, const void *in)
{
	const struct member *m;
	const void *at = c->path ? follow(c->path, in, &m) : NULL;
	if (!at)
		return;
	if (m->shape->kind == K_LIST)
		list_condition(az, item, c->key, m->shape->elem, at);
	else
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

static void add_key(struct authz *az, struct authz_item *item, const char *name, const struct str *v, size_t n,
		    bool multi)
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

void authz_tag_keys(struct authz *az, struct authz_item *item, const char *prefix, struct str_map tags)
{
	struct arena *mem = az->rq->mem;
	for (size_t i = 0; i < tags.n; i++) {
		char *name = str_z(mem, arena_printf(mem, "%s%.*s", prefix, PR(tags.v[i].key)));
		authz_key(az, item, name, tags.v[i].value);
	}
}

void authz_request_tags(struct authz *az, struct authz_item *item, struct str_map tags)
{
	struct str *keys = NEWS(az->rq->mem, struct str, tags.n + 1);
	for (size_t i = 0; i < tags.n; i++)
		keys[i] = tags.v[i].key;
	authz_tag_keys(az, item, "aws:RequestTag/", tags);
	if (tags.n)
		authz_key_list(az, item, "aws:TagKeys", keys, tags.n);
}

static const struct authz_key *key_named(const struct authz_item *item, struct str name)
{
	const struct authz_key *found = NULL;
	for (const struct authz_key *k = item->keys; k; k = k->next) {
		if (str_eq(k->name, name))
			return k;
		if (!found && str_eq_ci(k->name, name))
			found = k;
	}
	return found;
}

static bool among(const struct str *v, size_t n, struct str s, bool (*same)(struct str a, struct str b))
{
	for (size_t i = 0; i < n; i++)
		if (same(v[i], s))
			return true;
	return false;
}

void authz_tag_spellings(struct authz *az, struct authz_item *item, struct str_map have)
{
	const struct authz_key *given = key_named(item, S("aws:TagKeys"));
	if (!given || !have.n)
		return;
	struct str *v = NEWS(az->rq->mem, struct str, given->n + have.n);
	size_t n = given->n;
	memcpy(v, given->values, n * sizeof *v);
	for (size_t i = 0; i < have.n; i++)
		if (among(v, given->n, have.v[i].key, str_eq_ci) && !among(v, given->n, have.v[i].key, str_eq))
			v[n++] = have.v[i].key;
	if (n > given->n)
		authz_key_list(az, item, "aws:TagKeys", v, n);
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

/*
 * Nothing but the principal is put into the context beforehand: what a key's value is, is
 * found out when a policy asks for it. Most policies ask for little or nothing.
 */
struct asked {
	struct req *rq;
	const struct authz_item *item;
};

static struct str bool_text(bool b) { return b ? S("true") : S("false"); }

static bool give(struct policy_entry *out, struct str value)
{
	*out = (struct policy_entry){ .one = value, .n = 1 };
	return value.p != NULL;
}

/*
 * "aws:ResourceTag/tag-key": names of keys are not case-sensitive. Tags are: where two differ in nothing but case, the
 * one spelled as the policy spells it counts, not the one that somebody put beside it.
 */
static bool tag_of(struct str_map tags, struct str key, struct policy_entry *out)
{
	const struct str_entry *found = NULL;
	for (size_t i = 0; i < tags.n; i++)
		if (str_eq(tags.v[i].key, key) || (!found && str_eq_ci(tags.v[i].key, key)))
			found = &tags.v[i];
	return found && give(out, found->value);
}

/* A key by its own name: what the row or the service's function gave, else a tag. */
static bool look_up_named(const struct asked *a, struct str name, struct policy_entry *out)
{
	static const struct str principal_tag = { "aws:PrincipalTag/", 17 }, resource_tag = { "aws:ResourceTag/", 16 };
	if (str_starts_ci(name, principal_tag))
		return tag_of(a->rq->caller.tags, str_from(name, principal_tag.n), out);
	if (str_starts_ci(name, resource_tag))
		return tag_of(a->item->resource_tags, str_from(name, resource_tag.n), out);
	const struct authz_key *k = key_named(a->item, name);
	if (k)
		*out = (struct policy_entry){ .values = k->values, .n = (uint32_t)k->n, .multi = k->multi };
	return k || tag_of(a->rq->caller.claims, name, out);
}

/* On somebody's behalf, which is what the Via keys are about; a service that acts for itself is its own principal. */
static bool is_forwarded(const struct req *rq) { return rq->caller.invoked_by.n && rq->caller.kind != CALLER_SERVICE; }

/*
 * Whether MFA was shown is not known of federated identities: neither key is there, not even as "false". Nor with
 * long-term keys, unless a code is given along with the request or a service of ours uses them for their owner
 * ("aws:MultiFactorAuthPresent": it is false then).
 */
static bool look_up_mfa(const struct req *rq, enum policy_key key, struct policy_entry *out)
{
	const struct caller *who = &rq->caller;
	bool federated = who->kind == CALLER_FEDERATED || who->provider.n;
	if (federated || who->kind == CALLER_ANONYMOUS || who->kind == CALLER_SERVICE)
		return false;
	if (key == POLICY_KEY_AWS_MFA_AGE)
		return who->mfa && give(out, int_text(rq, (rq->now_ms - who->mfa_ms) / 1000));
	return (who->issued_ms || who->mfa || is_forwarded(rq)) && give(out, bool_text(who->mfa));
}

/* The services the request came through, first to last. */
static bool called_via(const struct req *rq, enum policy_key key, struct policy_entry *out)
{
	size_t n = 0, i;
	for (const struct req *r = rq; r && is_forwarded(r); r = r->parent)
		n++;
	if (!n)
		return false;
	struct str *all = NEWS(rq->mem, struct str, n);
	i = n;
	for (const struct req *r = rq; i > 0; r = r->parent)
		all[--i] = r->caller.invoked_by;
	if (key != POLICY_KEY_AWS_CALLED_VIA)
		return give(out, key == POLICY_KEY_AWS_CALLED_VIA_FIRST ? all[0] : all[n - 1]);
	*out = (struct policy_entry){ .values = all, .n = (uint32_t)n, .multi = true };
	return true;
}

static struct str owner_of(const struct asked *a)
{
	return a->item->resource_account.p ? a->item->resource_account : a->rq->account;
}

static bool look_up(void *arg, enum policy_key key, struct str name, struct policy_entry *out)
{
	const struct asked *a = arg;
	const struct req *rq = a->rq;
	struct str none = { 0 };
	bool outside = !rq->caller.invoked_by.n; /* came from a client: has an address and so on */
	switch (key) {
	case POLICY_KEY_AWS_TOKEN_ISSUE_TIME:
		return give(out, rq->caller.issued_ms ? time_iso8601(rq->mem, rq->caller.issued_ms) : none);
	case POLICY_KEY_AWS_SOURCE_IDENTITY:
		return give(out, rq->caller.source_identity.n ? rq->caller.source_identity : none);
	case POLICY_KEY_AWS_MFA_PRESENT:
	case POLICY_KEY_AWS_MFA_AGE:
		return look_up_mfa(rq, key, out);
	case POLICY_KEY_AWS_CALLED_VIA:
	case POLICY_KEY_AWS_CALLED_VIA_FIRST:
	case POLICY_KEY_AWS_CALLED_VIA_LAST:
		return called_via(rq, key, out);
	case POLICY_KEY_AWS_VIA_AWS_SERVICE:
		return give(out, bool_text(is_forwarded(rq)));
	case POLICY_KEY_AWS_CURRENT_TIME:
		return give(out, time_iso8601(rq->mem, rq->now_ms));
	case POLICY_KEY_AWS_EPOCH_TIME:
		return give(out, int_text(rq, rq->now_ms / 1000));
	case POLICY_KEY_AWS_SECURE_TRANSPORT:
		return give(out, bool_text(rq->secure));
	case POLICY_KEY_AWS_REQUESTED_REGION:
		if (a->item->region.p)
			return give(out, a->item->region);
		return give(out, rq->svc->global ? S("us-east-1") : rq->region);
	case POLICY_KEY_AWS_RESOURCE_ACCOUNT:
		return give(out, owner_of(a));
	case POLICY_KEY_AWS_SOURCE_ACCOUNT: /* for whom a service of ours does it: the confused deputy's key */
		return give(out, rq->caller.kind == CALLER_SERVICE && rq->caller.account.n ? rq->caller.account : none);
	case POLICY_KEY_AWS_SOURCE_ARN:
		return give(out, rq->caller.source_arn.n ? rq->caller.source_arn : none);
	case POLICY_KEY_AWS_SOURCE_IP:
		return give(out, outside && rq->source_ip.n ? rq->source_ip : none);
	case POLICY_KEY_AWS_USER_AGENT:
		return give(out, outside ? rq->user_agent : none);
	case POLICY_KEY_AWS_FEDERATED_PROVIDER:
		return give(out, rq->caller.provider.n ? rq->caller.provider : none);
	case POLICY_KEY_AWS_REFERER:
		return give(out, outside ? req_in_header(rq, "referer") : none);
	default:
		return look_up_named(a, name, out);
	}
}

static struct policy_principal principal_of(struct req *rq)
{
	static const enum policy_principal_kind kinds[] = {
		[CALLER_ANONYMOUS] = POLICY_ANONYMOUS,
		[CALLER_ROOT] = POLICY_ROOT,
		[CALLER_USER] = POLICY_USER,
		[CALLER_ROLE] = POLICY_ROLE_SESSION,
		[CALLER_FEDERATED] = POLICY_FEDERATED_USER,
		[CALLER_SERVICE] = POLICY_SERVICE,
		[CALLER_WEB_IDENTITY] = POLICY_WEB_IDENTITY,
		[CALLER_SAML] = POLICY_WEB_IDENTITY,
	};
	const struct caller *who = &rq->caller;
	bool named = who->kind != CALLER_ANONYMOUS && who->kind < CALLER_SERVICE;
	return (struct policy_principal){
		.kind = kinds[who->kind],
		.account = named ? who->account : (struct str){ 0 },
		.arn = named ? who->arn : (struct str){ 0 },
		.issuer = who->role_arn,
		.id = who->principal_id,
		.name = who->name,
		.services = who->kind == CALLER_SERVICE ? &who->name : NULL,
		.services_n = who->kind == CALLER_SERVICE,
		.provider = who->provider,
	};
}

/* ---- deciding ------------------------------------------------------------------------ */

/* A refusal in words; for a principal of an account, and a service that says so, also sealed in full. */
static void explain(struct req *rq, const struct authz_item *item, const struct policy_request *ask,
		    const struct policy_decision *d, struct authz_denial *why)
{
	char *text = NEWS(rq->mem, char, SENTENCE_MAX);
	struct policy_request told = *ask;
	if (item->told.p)
		told.resource = item->told;
	why->decision = *d;
	why->sentence = policy_denial(&told, d, rq->svc->protocol == PROTO_REST_XML, text, SENTENCE_MAX);
	if (!rq->svc->encoded_denials || !ask->principal->account.n)
		return;
	if (failed(denial_seal(rq, denial_json(rq->mem, item, ask, d), &why->encoded)))
		why->encoded = S(""); /* the refusal stands without */
}

struct question {
	struct policy_principal who;
	struct asked asked;
	struct policy_context cx;
	struct policy_request ask;
};

/* q must not move afterwards: its parts point at each other. */
static void put_question(struct req *rq, const struct authz_item *item, struct policy_entry *room, size_t cap,
			 struct question *q)
{
	q->who = principal_of(rq);
	q->asked = (struct asked){ rq, item };
	policy_context_init(&q->cx, room, cap);
	q->cx.lookup = look_up;
	q->cx.lookup_arg = &q->asked;
	policy_context_principal(&q->cx, &q->who);
	q->ask = (struct policy_request){
		.principal = &q->who,
		.action = item->action,
		.resource = item->resource,
		.resource_account = owner_of(&q->asked),
		.context = &q->cx,
		.mode = item->mode,
		.granted = item->granted,
		.identity = rq->policies.identity,
		.boundary = rq->policies.boundary,
		.session = rq->policies.session,
		.resource_policy = item->resource_policy,
	};
}

/* `why` may be NULL; it is filled when the decision is no. */
static struct policy_decision decide(struct req *rq, const struct authz_item *item, struct authz_denial *why)
{
	struct policy_entry room[CONTEXT_ROOM];
	struct question q;
	put_question(rq, item, room, COUNT(room), &q);
	struct policy_decision d = policy_decide(&q.ask);
	if (d.verdict != POLICY_ALLOW && why)
		explain(rq, item, &q.ask, &d, why);
	return d;
}

struct policy_decision authz_explain(struct req *rq, const struct authz_item *item, const struct authz_key *context,
				     const struct policy_names *names, struct buf *out)
{
	size_t n = CONTEXT_ROOM;
	for (const struct authz_key *k = context; k; k = k->next)
		n++;
	struct question *q = NEW(rq->mem, struct question);
	put_question(rq, item, NEWS(rq->mem, struct policy_entry, n), n, q);
	for (const struct authz_key *k = context; k; k = k->next)
		policy_context_put_named(&q->cx, k->name, k->values, k->n, k->multi);
	return policy_explain(rq->mem, &q->ask, names, out);
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

/*
 * S3 explains itself only within an account ("Troubleshoot access denied (403 Forbidden) errors
 * in Amazon S3"): strangers must not learn from it what a bucket's policy says.
 */
static bool tells_why(const struct req *rq, const struct authz_item *item)
{
	struct str owner = item->resource_account.p ? item->resource_account : rq->account;
	if (rq->svc->protocol != PROTO_REST_XML)
		return true;
	return rq->caller.kind != CALLER_ANONYMOUS && str_eq(rq->caller.account, owner);
}

static struct status refuse(struct req *rq, const struct authz_item *item, struct authz_denial *why)
{
	why->action = item->action;
	why->resource = item->resource;
	rq->denial = why;
	return FAIL(rq, item->denied ? item->denied : api_AccessDeniedException, "%.*s%s%.*s",
		    PR(tells_why(rq, item) ? why->sentence : S("Access Denied")),
		    why->encoded.n ? ". Encoded authorization failure message: " : "", PR(why->encoded));
}

struct status authz_list(struct req *rq, struct authz *az)
{
	*az = (struct authz){ .rq = rq };
	az->last = &az->first;
	if (rq->op->authorize)
		return rq->op->authorize(rq, rq->in, az);
	struct authz_item *item = authz_add(az, NULL, authz_row_resource(rq, rq->in));
	struct arn arn;
	/* A member may hold a whole ARN, of whatever account its sender likes: it is that account's resource then. */
	if (!failed(arn_parse(item->resource, &arn)) && arn.account.n)
		item->resource_account = arn.account;
	return OK;
}

/* What must be allowed, at least one item: closed by omission, for an empty list would allow everything. */
static struct status list(struct req *rq, const struct authz_item **first)
{
	struct authz az;
	TRY(authz_list(rq, &az));
	assert(az.first);
	*first = az.first;
	return OK;
}

struct status req_authorize(struct req *rq)
{
	const struct authz_item *first;
	if (rq->op->flags & OP_NO_AUTHZ)
		return OK;
	TRY(list(rq, &first));
	for (const struct authz_item *item = first; item; item = item->next) {
		struct authz_denial why = { 0 };
		if (decide(rq, item, &why).verdict == POLICY_ALLOW)
			continue;
		struct authz_denial *kept = NEW(rq->mem, struct authz_denial);
		*kept = why;
		return refuse(rq, item, kept);
	}
	return OK;
}

struct status authz_rows_allow(struct req *rq, struct txn *t, bool *yes)
{
	const struct authz_item *first;
	struct policy_decision d;
	assert(rq->write == t);
	*yes = true;
	if (rq->op->flags & OP_NO_AUTHZ)
		return OK;
	TRY(list(rq, &first));
	for (const struct authz_item *item = first; item && *yes; item = item->next)
		*yes = authz_evaluate(rq, item, &d);
	return OK;
}

static bool has_policies(const struct caller *who)
{
	return who->kind == CALLER_USER || who->kind == CALLER_ROLE || who->kind == CALLER_FEDERATED;
}

static struct status authorize_anew(struct req *rq)
{
	req_read_end(rq);
	rq->handed = NULL; /* what it was judged by does not count any more */
	if (has_policies(&rq->caller))
		TRY(req_fetch_policies(rq));
	return req_authorize(rq);
}

/* The write, given up again when something does not stand: *same is false then. */
static struct status enter_as_judged(struct req *rq, struct shard *shard, enum cache_slot but, authz_rows_check *check,
				     struct txn **out, bool *same)
{
	TRY(req_write(rq, shard, out));
	*same = cached_stands(rq, but, shard);
	if (*same && check)
		TRY(check(rq, *out, same));
	if (!*same)
		req_write_step_back(rq);
	return OK;
}

/*
 * Of many who change one thing at once the first is right and all others were judged by what is gone. Those stand in a
 * row: else each would be judged again for each that gets through.
 */
struct status req_write_as_judged(struct req *rq, struct shard *shard, enum cache_slot but, authz_rows_check *check,
				  struct txn **out)
{
	enum { LOOKS_MAX = 256 }; /* only others' commits make one more necessary */
	struct turn turn;
	bool same;
	TRY(enter_as_judged(rq, shard, but, check, out, &same));
	if (same)
		return OK;
	turn_take(rq->app->turns, &turn, shard_name(shard));
	struct status st = OK;
	for (int i = 0; !failed(st) && !same && i < LOOKS_MAX; i++) {
		st = authorize_anew(rq);
		if (!failed(st))
			st = enter_as_judged(rq, shard, but, check, out, &same);
	}
	turn_give(&turn);
	return failed(st) || same ? st : ERR(E_BUSY);
}
