/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recorded call, or one that was only thought of, would be decided by the policies of now.
 *
 * A request needs an input, for the service's function looks into it to find the resource's
 * policy, tags and keys. Of a question it is read from the ARN, by the row's resource; of a
 * record from the parameters. What neither holds is missing, and said to be.
 */
#include "api/explain.h"

#include "api/authz.h"
#include "api/faults.h"
#include "api/rebuild.h"
#include "api/trail.h"
#include "api/accounts.h"
#include "base/str.h"
#include "base/time.h"
#include "policy/catalogue.h"
#include "policy/tree.h"
#include "wire/json_text.h"

enum { LOOKUP_PAGES = 200, LOOKUP_PAGE = 50 };

struct explaining {
	struct req *rq;
	struct buf *out;
	struct str *why;
	struct authz_key *context;
};

static struct status refuse(struct explaining *x, int code, struct str why)
{
	*x->why = why;
	return ERR(code);
}

/* ---- names of policies ---- */

static struct policy_where where(void *arg, const struct policy *p, uint32_t offset)
{
	struct explaining *x = arg;
	struct policy_where w = { .name = S("the resource's policy") };
	tree_position(policy_text(p), offset, &w.line, &w.column);
	bool own = x->rq->caller.kind == CALLER_USER || x->rq->caller.kind == CALLER_ROLE;
	if (policy_kind_of(p) == POLICY_SESSION)
		w.name = S("session policy");
	else if (own && (policy_kind_of(p) == POLICY_IDENTITY || policy_kind_of(p) == POLICY_BOUNDARY) &&
		 failed(x->rq->app->identity->policy_name(x->rq, &x->rq->caller, p, &w.name)))
		w.name = S("a policy of the principal");
	return w;
}

/* ---- telling ---- */

static void tell_item(struct explaining *x, const struct authz_item *item)
{
	struct policy_names names = { where, x };
	buf_printf(x->out, "%.*s on %.*s\n", PR(item->action), PR(item->resource));
	(void)authz_explain(x->rq, item, x->context, &names, x->out);
}

/* Only those of the action, when there is one: a call may need several. */
static void tell(struct explaining *x, const struct authz_item *first, struct str action)
{
	bool any = false;
	for (const struct authz_item *i = first; i; i = i->next)
		any |= action.n && str_eq_ci(i->action, action);
	for (const struct authz_item *i = first; i; i = i->next)
		if (!any || str_eq_ci(i->action, action))
			tell_item(x, i);
}

static struct status tell_alone(struct explaining *x, struct str action, struct str resource)
{
	struct authz_item item = { .action = action, .resource = resource };
	struct arn a;
	if (!failed(arn_parse(resource, &a)) && account_id_is(a.account))
		item.resource_account = a.account;
	tell_item(x, &item);
	return OK;
}

static struct status tell_request(struct explaining *x, struct str action, struct str resource)
{
	struct authz az;
	if (failed(authz_list(x->rq, &az))) {
		buf_printf(
		    x->out,
		    "REFUSED  the service says, before policies are asked: %.*s\nwithout the resource's policy:\n",
		    PR(x->rq->fault.text));
		return tell_alone(x, action, resource);
	}
	tell(x, az.first, action);
	return OK;
}

/* ---- a question ---- */

static struct status read_context(struct explaining *x, struct str_list context)
{
	for (size_t i = 0; i < context.n && i < 100; i++) {
		struct str value = context.v[i], name = str_cut(&value, '=');
		struct catalogue_key known;
		if (!value.p || str_find_char(name, ':') == SIZE_MAX)
			return refuse(x, E_INVALID, S("context takes service:key=value"));
		bool multi = catalogue_key_find(name, &known) && known.multi;
		struct str *v = NEWS(x->rq->mem, struct str, value.n + 2);
		size_t n = 0;
		while (multi && value.p)
			v[n++] = str_cut(&value, ',');
		if (!multi)
			v[n++] = value;
		struct authz_key *k = NEW(x->rq->mem, struct authz_key);
		*k = (struct authz_key){ name, v, n, multi, x->context };
		x->context = k;
	}
	return OK;
}

static struct status question(struct explaining *x, const struct explain_ask *ask)
{
	struct req *rq = x->rq;
	struct str rest = ask->action, prefix = str_cut(&rest, ':');
	struct arn a;
	rq->svc = app_service(rq->app, prefix);
	TRY(rebuild_caller(rq, ask->principal, x->why));
	TRY(read_context(x, ask->context));
	if (!failed(arn_parse(ask->resource, &a)) && a.region.n)
		rq->region = a.region;
	if (!rq->svc)
		rq->svc = *rq->app->services; /* a service that is not here: its region and name do not matter */
	rq->op = rebuild_op_of_action(rq->svc, ask->action);
	if (!rq->op || !str_eq(str_of(rq->svc->name), prefix)) {
		rq->op = &rq->svc->ops[0];
		buf_printf(x->out, "%.*s is no operation of this server: only the principal's policies are asked\n",
			   PR(ask->action));
		return tell_alone(x, ask->action, ask->resource);
	}
	if (str_eq(ask->resource, S("*")))
		return tell_alone(x, ask->action, ask->resource);
	rebuild_input_of_arn(rq, ask->resource);
	return tell_request(x, ask->action, ask->resource);
}

static struct status finish(struct explaining *x, struct status st)
{
	if (failed(st) && !x->why->p)
		*x->why = x->rq->fault.kind ? x->rq->fault.text : str_of(status_name(st));
	req_unpin_all(x->rq);
	return st;
}

struct status explain_question(struct app *app, struct arena *mem, const struct explain_ask *ask, struct buf *out,
			       struct str *why)
{
	struct explaining x = { .rq = rebuild_request(app, mem), .out = out, .why = why };
	*why = (struct str){ 0 };
	return finish(&x, question(&x, ask));
}

/* ---- a recorded call ---- */

static struct status look_for(struct explaining *x, struct str account, struct str id, struct record **found)
{
	struct lookup l = { .account = account,
			    .attribute = LOOKUP_EVENT_ID,
			    .value = id,
			    .max = 1,
			    .block = LOOKUP_START_BLOCK,
			    .index = LOOKUP_START_INDEX };
	bool more = true;
	size_t n = 0;
	for (int page = 0; page < LOOKUP_PAGES && more && n == 0; page++)
		TRY(trail_lookup(x->rq->app->trail, x->rq->mem, &l, found, &n, &more));
	return n ? OK : ERR(E_NOT_FOUND);
}

static struct status find_event(struct explaining *x, struct str id, struct record **found)
{
	const struct app *app = x->rq->app;
	for (size_t i = 0; account_at(app->accounts, i); i++) {
		struct status st = look_for(x, account_at(app->accounts, i)->id, id, found);
		if (st.code != E_NOT_FOUND)
			return st;
	}
	return refuse(x, E_NOT_FOUND, S("no account's trail has such an event"));
}

static struct status caller_of_record(struct explaining *x, const struct record *r)
{
	struct req *rq = x->rq;
	rq->account = r->owner.n ? r->owner : rq->account;
	if (r->caller_kind == CALLER_ANONYMOUS || r->refused_identity)
		return r->refused_identity
			   ? refuse(x, E_INVALID, S("the call proved no identity: policies were not asked"))
			   : rebuild_caller(rq, S("anonymous"), x->why);
	if (r->caller_kind != CALLER_USER && r->caller_kind != CALLER_ROLE && r->caller_kind != CALLER_ROOT)
		return refuse(x, E_INVALID,
			      S("calls of services and federated users cannot be put together from their record"));
	TRY(rebuild_caller(rq, r->principal_arn, x->why));
	rq->account = r->owner.n ? r->owner : rq->account;
	rq->caller.issued_ms = r->session_ms;
	rq->caller.mfa = r->mfa;
	rq->caller.mfa_ms = r->session_ms;
	rq->caller.source_identity = r->source_identity;
	if (r->caller_kind == CALLER_ROLE && !str_eq(rq->caller.role_id, r->role_id))
		buf_printf(x->out, "note: the role was deleted and made again since\n");
	if (r->caller_kind == CALLER_ROLE)
		buf_printf(x->out,
			   "note: session policies and session tags are not in a record; they are not asked here\n");
	return OK;
}

/* Did anybody change permissions since? */
static struct status note_changes(struct explaining *x, const struct record *r)
{
	struct str sources[] = { S("iam.amazonaws.com"), r->event_source };
	struct record *all;
	size_t changes = 0, n;
	struct str last = { 0 };
	for (size_t i = 0; i < 2 && !(i == 1 && str_eq(sources[0], sources[1])); i++) {
		struct lookup l = { .account = r->owner,
				    .attribute = LOOKUP_EVENT_SOURCE,
				    .value = sources[i],
				    .from_ms = r->time_ms,
				    .max = LOOKUP_PAGE,
				    .block = LOOKUP_START_BLOCK,
				    .index = LOOKUP_START_INDEX };
		bool more = true;
		for (int page = 0; page < LOOKUP_PAGES && more; page++) {
			TRY(trail_lookup(x->rq->app->trail, x->rq->mem, &l, &all, &n, &more));
			for (size_t k = 0; k < n; k++) {
				bool policy = i == 0 || str_find(all[k].event_name, S("Policy")) != SIZE_MAX;
				if (all[k].read_only || all[k].error_code.n || !policy)
					continue;
				last = last.p ? last : all[k].event_name;
				changes++;
			}
		}
	}
	if (changes)
		buf_printf(x->out,
			   "note: %zu change%s of identities or policies since (the latest: %.*s); this is what they "
			   "say now\n",
			   changes, changes == 1 ? "" : "s", PR(last));
	return OK;
}

static struct status event(struct explaining *x, struct str id)
{
	struct req *rq = x->rq;
	struct record *r;
	TRY(find_event(x, id, &r));
	buf_printf(x->out, "%.*s of %.*s at %.*s: %.*s%s%.*s\n", PR(r->event_name), PR(r->event_source),
		   PR(time_iso8601(rq->mem, r->time_ms)), PR(r->error_code.n ? r->error_code : S("done")),
		   r->error_message.n ? ": " : "", PR(r->error_message));
	TRY(caller_of_record(x, r));
	rq->svc = rebuild_service(rq->app, r->event_source);
	rq->op = rq->svc ? rebuild_op_of_event(rq->svc, r->event_name) : NULL;
	if (!rq->op)
		return refuse(x, E_INVALID, S("the event is of no operation of this server"));
	TRY(note_changes(x, r));
	if (rq->op->flags & OP_NO_AUTHZ) {
		buf_printf(x->out, "no policy can refuse this operation\n");
		return OK;
	}
	rq->region = r->region;
	rq->now_ms = r->time_ms;
	rq->source_ip = r->source_ip;
	rq->user_agent = r->user_agent;
	rq->secure = r->secure;
	buf_printf(x->out,
		   "note: of the parameters, single strings are known again; condition keys of others are missing\n");
	rebuild_input_of_record(rq, r->parameters);
	size_t at = 0;
	struct str resource = S("*");
	(void)record_resource(r, &at, &resource);
	return tell_request(x, str_of(rq->op->action), resource);
}

struct status explain_event(struct app *app, struct arena *mem, struct str event_id, struct buf *out, struct str *why)
{
	struct explaining x = { .rq = rebuild_request(app, mem), .out = out, .why = why };
	*why = (struct str){ 0 };
	return finish(&x, event(&x, event_id));
}
