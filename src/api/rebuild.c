/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rebuild.h. Inputs are filled as far as single strings go: names, ids and ARNs, by which the
 * functions that list what must be allowed find the rest. Bytes are there, and none: whoever
 * asks has none to show, and the call would have some.
 */
#include "api/rebuild.h"

#include "api/accounts.h"
#include "api/ids.h"
#include "base/str.h"
#include "wire/json_text.h"

static struct status refuse(struct str *why, int code, struct str text)
{
	*why = text;
	return ERR(code);
}

struct req *rebuild_request(struct app *app, struct arena *mem)
{
	struct req *rq = NEW(mem, struct req);
	*rq = (struct req){
		.app = app,
		.mem = mem,
		.id = id_uuid(app->world, mem),
		.now_ms = app_now_ms(app),
		.region = app->region,
		.account = account_at(app->accounts, 0)->id,
		.host = S("internal"),
		.secure = true,
		.no_record = true,
		.svc = app->services[0], /* until it is known which */
		.op = app->services[0]->ops,
	};
	rq->caller.account = S("anonymous");
	return rq;
}

/* The operation of that name, else the first whose row has the action. */
const struct op *rebuild_op_of_action(const struct service *svc, struct str action)
{
	const struct op *found = NULL;
	struct str name = action;
	(void)str_cut(&name, ':');
	for (uint32_t i = 0; i < svc->n_ops; i++) {
		const struct op *op = &svc->ops[i];
		if (op->unsupported || !str_eq_ci(str_of(op->action), action))
			continue;
		if (str_eq_ci(str_of(op->name), name))
			return op;
		found = found ? found : op;
	}
	return found;
}

const struct service *rebuild_service(const struct app *app, struct str source)
{
	for (const struct service *const *s = app->services; *s; s++)
		if (str_eq(str_of((*s)->source), source))
			return *s;
	return NULL;
}

/* ---- its input ---- */

static void *new_input(struct req *rq)
{
	const struct shape *shape = rq->op->in;
	char *in = arena_alloc(rq->mem, shape->size ? shape->size : 1, 16, 1);
	for (uint32_t i = 0; i < shape->n_members; i++) {
		const struct member *m = &shape->members[i];
		if (m->shape->kind == K_BLOB && m->where != W_STREAM) /* a streamed body is not in the struct */
			*(struct str *)(void *)(in + m->offset) = S("");
	}
	rq->in = in;
	return in;
}

static void set_string(const struct op *op, void *in, struct str name, struct str value)
{
	for (uint32_t i = 0; i < op->in->n_members; i++) {
		const struct member *m = &op->in->members[i];
		if (m->shape->kind == K_STRING && str_eq(str_of(m->name), name))
			*(struct str *)(void *)((char *)in + m->offset) = value;
	}
}

/* Fill the row's {Member}s from an ARN of its form: "arn:aws:s3:::{Bucket}/{Key}", "key/{KeyId}". */
void rebuild_input_of_arn(struct req *rq, struct str arn)
{
	void *in = new_input(rq);
	struct str form = str_of(rq->op->resource);
	struct arn a;
	if (str_starts(form, S("{")) || failed(arn_parse(arn, &a))) {
		struct str name = str_from(form, 1);
		set_string(rq->op, in, str_cut(&name, '}'), arn);
		return;
	}
	struct str rest = str_starts(form, S("arn:")) ? arn : a.resource;
	while (form.n && rest.p) {
		struct str literal = str_cut(&form, '{');
		rest = str_starts(rest, literal) ? str_from(rest, literal.n) : (struct str){ 0 };
		if (!form.p || !rest.p)
			return;
		struct str name = str_cut(&form, '}'), value = rest;
		size_t end = form.n ? str_find_char(rest, form.p[0]) : rest.n;
		value.n = end == SIZE_MAX ? rest.n : end;
		rest = str_from(rest, value.n);
		while (rq->svc->global &&
		       str_find_char(value, '/') != SIZE_MAX) /* IAM's names stand behind their path */
			(void)str_cut(&value, '/');
		set_string(rq->op, in, name, value);
	}
}

static struct str recorded_name(struct arena *mem, const struct service *svc, struct str name)
{
	if (svc->protocol == PROTO_REST_XML && str_eq(name, S("Bucket")))
		return S("bucketName");
	char *z = str_z(mem, name);
	z[0] = char_lower(z[0]);
	return str_make(z, name.n);
}

void rebuild_input_of_record(struct req *rq, struct str parameters)
{
	void *in = new_input(rq);
	for (uint32_t i = 0; i < rq->op->in->n_members; i++) {
		const struct member *m = &rq->op->in->members[i];
		if (m->shape->kind != K_STRING || m->flags & (M_SENSITIVE | M_UNRECORDED))
			continue;
		struct str name = recorded_name(rq->mem, rq->svc, str_of(m->name));
		struct str value = json_lookup_string(rq->mem, parameters, str_z(rq->mem, name));
		if (value.p)
			*(struct str *)(void *)((char *)in + m->offset) = value;
	}
}

const struct op *rebuild_op_of_event(const struct service *svc, struct str event)
{
	for (uint32_t i = 0; i < svc->n_ops; i++) {
		const char *name = svc->ops[i].event ? svc->ops[i].event : svc->ops[i].name;
		if (!svc->ops[i].unsupported && str_eq(str_of(name), event))
			return &svc->ops[i];
	}
	return NULL;
}

struct status rebuild_caller(struct req *rq, struct str arn, struct str *why)
{
	struct arn a;
	if (str_eq(arn, S("anonymous"))) {
		rq->caller.principal_id = S("anonymous");
		return OK;
	}
	if (failed(arn_parse(arn, &a)) || !account_find(rq->app->accounts, a.account))
		return refuse(why, E_INVALID,
			      S("the principal is not the ARN of a user, role, session or root of an account here"));
	rq->account = a.account;
	if (str_eq(a.service, S("iam")) && str_eq(a.resource, S("root"))) {
		rq->caller =
		    (struct caller){ .kind = CALLER_ROOT, .account = a.account, .arn = arn, .principal_id = a.account };
		return OK;
	}
	struct str session = str_from(a.resource, 13), role = arn;
	bool assumed = str_eq(a.service, S("sts")) && str_starts(a.resource, S("assumed-role/"));
	if (assumed) {
		struct str name = str_cut(&session, '/');
		role = arena_printf(rq->mem, "arn:%.*s:iam::%.*s:role/%.*s", PR(a.partition), PR(a.account), PR(name));
	}
	struct status st = rq->app->identity->find(rq, role, &rq->caller);
	if (st.code == E_NOT_FOUND)
		return refuse(why, E_NOT_FOUND, S("there is no such user or role"));
	TRY(st);
	if (assumed && session.n) {
		rq->caller.name = session;
		rq->caller.arn = arn;
		rq->caller.principal_id = arena_printf(rq->mem, "%.*s:%.*s", PR(rq->caller.role_id), PR(session));
	}
	return rq->app->identity->policies(rq, &rq->caller, &rq->policies);
}
