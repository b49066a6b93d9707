/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetServiceLastAccessedDetails and ...WithEntities: reports as they are read.
 *
 * Every service the policies allow is listed, used or not, in the order of the namespaces.
 * Tracked are all actions of the services that are served here: those the policies allow are
 * listed, used or not. A report is made from the index whenever a page of it is read, so
 * what was used since it began shows, too.
 */
#include "base/str.h"
#include "policy/catalogue.h"
#include "svc/iam/accessed.h"

#include <stdlib.h>

/* Done, or still going on; FAILED when what it is about is gone. */
static struct status look(struct req *rq, struct str id, struct iam_job_row *job, struct iam_report *report,
			  enum iam_job_status_type *status, const struct iam_error_details **error)
{
	TRY(iam_job_look(rq, id, job));
	*status = IAM_JOB_STATUS_TYPE_IN_PROGRESS;
	if (!job->completed.set)
		return OK;
	*status = IAM_JOB_STATUS_TYPE_COMPLETED;
	struct status st = iam_report_make(rq, job->arn, job, report);
	if (!req_failed_with(rq, st, iam_NoSuchEntityException))
		return st;
	struct iam_error_details *e = NEW(rq->mem, struct iam_error_details);
	*e = (struct iam_error_details){ .message = rq->fault.text, .code = S("NoSuchEntity") };
	rq->fault = (struct fault){ 0 };
	*error = e;
	*status = IAM_JOB_STATUS_TYPE_FAILED;
	return OK;
}

static struct str arn_of(struct req *rq, const struct iam_report *r, size_t who)
{
	return iam_entity_arn(rq->mem, rq->app->partition, rq->account, r->kinds[who], &r->who[who]);
}

static bool granted(const struct iam_report *r, struct str service)
{
	for (size_t i = 0; i < r->policies.n; i++)
		if (iam_policy_grants(r->policies.v[i].policy, service))
			return true;
	return false;
}

static bool action_granted(const struct iam_report *r, struct str action)
{
	for (size_t i = 0; i < r->policies.n; i++)
		if (iam_policy_grants_action(r->policies.v[i].policy, action))
			return true;
	return false;
}

/* Where in a sorted list those of the service begin, or of the action; `behind`: where they end. */
static size_t place(const struct iam_uses *all, struct str service, struct str action, bool behind)
{
	size_t from = 0, to = all->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int order = str_cmp(all->v[mid].service, service);
		if (!order && action.p)
			order = str_cmp(all->v[mid].action, action);
		if (order < 0 || (behind && order == 0))
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* The uses of a service, or of one action of it (action.p == NULL: of all). */
static struct iam_uses uses_of(const struct iam_uses *all, struct str service, struct str action)
{
	size_t from = place(all, service, action, false), n = place(all, service, action, true) - from;
	return (struct iam_uses){ n ? all->v + from : NULL, n, n };
}

static const struct iam_use_of *latest(const struct iam_uses *uses)
{
	const struct iam_use_of *last = NULL;
	for (size_t i = 0; i < uses->n; i++)
		if (!last || uses->v[i].when_ms > last->when_ms)
			last = &uses->v[i];
	return last;
}

/* ---- actions ------------------------------------------------------------------------------------- */

static struct iam_tracked_action_last_accessed tracked(struct req *rq, const struct iam_report *r, struct str service,
						       struct str name)
{
	struct iam_uses uses = uses_of(&r->uses, service, name);
	const struct iam_use_of *last = latest(&uses);
	struct iam_tracked_action_last_accessed a = { .action_name = name };
	if (last) {
		a.last_accessed_entity = arn_of(rq, r, last->who);
		a.last_accessed_time = (struct opt_int)SET(last->when_ms);
		a.last_accessed_region = last->region;
	}
	return a;
}

static int by_name(const void *a, const void *b) { return str_cmp(*(const struct str *)a, *(const struct str *)b); }

/* The names of a service's actions, each once: several operations may need the same. */
static struct str_list action_names(struct req *rq, const struct service *svc)
{
	struct str *v = NEWS(rq->mem, struct str, svc->n_ops + 1);
	size_t n = 0, kept = 0;
	for (uint32_t i = 0; i < svc->n_ops; i++) {
		struct str name = str_of(svc->ops[i].action), vendor = str_cut(&name, ':');
		if (!svc->ops[i].unsupported && name.p && str_eq(vendor, str_of(svc->name)))
			v[n++] = name;
	}
	qsort(v, n, sizeof *v, by_name);
	for (size_t i = 0; i < n; i++)
		if (!kept || !str_eq(v[kept - 1], v[i]))
			v[kept++] = v[i];
	return (struct str_list){ v, kept };
}

static struct iam_tracked_action_last_accessed_list actions_of(struct req *rq, const struct iam_report *r,
							       struct str service)
{
	const struct service *svc = app_service(rq->app, service);
	if (!svc)
		return (struct iam_tracked_action_last_accessed_list){ 0 };
	struct str_list names = action_names(rq, svc);
	struct iam_tracked_action_last_accessed *v =
	    NEWS(rq->mem, struct iam_tracked_action_last_accessed, names.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < names.n; i++)
		if (action_granted(r, iam_join(rq->mem, service, S(":"), names.v[i])))
			v[n++] = tracked(rq, r, service, names.v[i]);
	return (struct iam_tracked_action_last_accessed_list){ v, n };
}

/* ---- services --------------------------------------------------------------------------------------- */

static struct iam_service_last_accessed service_of(struct req *rq, const struct iam_report *r,
						   const struct catalogue_service *s, bool actions)
{
	struct iam_uses uses = uses_of(&r->uses, s->prefix, (struct str){ 0 });
	const struct iam_use_of *last = latest(&uses);
	bool *met = NEWS(rq->mem, bool, r->n + 1);
	int64_t total = 0;
	for (size_t i = 0; i < uses.n; i++) {
		total += !met[uses.v[i].who];
		met[uses.v[i].who] = true;
	}
	struct iam_service_last_accessed out = {
		.service_name = s->title,
		.service_namespace = s->prefix,
		.total_authenticated_entities = SET(total),
	};
	if (last) {
		out.last_authenticated = (struct opt_int)SET(last->when_ms);
		out.last_authenticated_entity = arn_of(rq, r, last->who);
		out.last_authenticated_region = last->region;
	}
	if (actions)
		out.tracked_actions_last_accessed = actions_of(rq, r, s->prefix);
	return out;
}

static struct status services(struct req *rq, const struct iam_report *r, bool actions, const struct iam_page *page,
			      struct iam_get_service_last_accessed_details_out *out)
{
	size_t all = catalogue_service_count(), n = 0, at, end;
	struct str *prefixes = NEWS(rq->mem, struct str, all + 1);
	size_t *ids = NEWS(rq->mem, size_t, all + 1);
	for (size_t i = 0; i < all; i++) {
		struct catalogue_service s = catalogue_service_at(i);
		if (!granted(r, s.prefix))
			continue;
		prefixes[n] = s.prefix;
		ids[n++] = i;
	}
	out->marker = iam_page_cut(rq, page, prefixes, n, &at, &end);
	struct iam_service_last_accessed *v = NEWS(rq->mem, struct iam_service_last_accessed, end - at + 1);
	for (size_t i = at; i < end; i++) {
		struct catalogue_service s = catalogue_service_at(ids[i]);
		v[i - at] = service_of(rq, r, &s, actions);
	}
	out->services_last_accessed = (struct iam_service_last_accessed_list){ v, end - at };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}

struct status iam_get_service_last_accessed_details(struct req *rq,
						    const struct iam_get_service_last_accessed_details_in *in,
						    struct iam_get_service_last_accessed_details_out *out)
{
	static const struct iam_service_last_accessed none = { 0 };
	struct iam_job_row job;
	struct iam_report report = { 0 };
	struct iam_page page;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(look(rq, in->job_id, &job, &report, &out->job_status, &out->error));
	out->job_type = job.granularity;
	out->job_creation_date = job.created.v;
	out->job_completion_date = job.completed;
	out->services_last_accessed = (struct iam_service_last_accessed_list){ &none, 0 };
	out->is_truncated = (struct opt_bool)SET(false);
	if (out->job_status != IAM_JOB_STATUS_TYPE_COMPLETED)
		return OK;
	return services(rq, &report, job.granularity == IAM_ACCESS_ADVISOR_USAGE_GRANULARITY_TYPE_ACTION_LEVEL, &page,
			out);
}

/* ---- entities ------------------------------------------------------------------------------------------ */

struct user_of {
	int64_t when_ms; /* 0: never */
	struct str arn;
	size_t who;
};

static int latest_first(const void *a, const void *b)
{
	const struct user_of *x = a, *y = b;
	if (x->when_ms != y->when_ms)
		return x->when_ms > y->when_ms ? -1 : 1;
	return str_cmp(x->arn, y->arn);
}

static struct user_of *users_of(struct req *rq, const struct iam_report *r, struct str service)
{
	struct iam_uses uses = uses_of(&r->uses, service, (struct str){ 0 });
	struct user_of *v = NEWS(rq->mem, struct user_of, r->n + 1);
	for (size_t i = 0; i < r->n; i++)
		v[i] = (struct user_of){ 0, arn_of(rq, r, i), i };
	for (size_t i = 0; i < uses.n; i++) {
		struct user_of *u = &v[uses.v[i].who];
		u->when_ms = uses.v[i].when_ms > u->when_ms ? uses.v[i].when_ms : u->when_ms;
	}
	if (r->n)
		qsort(v, r->n, sizeof *v, latest_first);
	return v;
}

static struct iam_entity_details details(struct req *rq, const struct iam_report *r, const struct user_of *u)
{
	const struct iam_entity_row *row = &r->who[u->who];
	struct iam_entity_info *info = NEW(rq->mem, struct iam_entity_info);
	*info = (struct iam_entity_info){
		.arn = u->arn,
		.name = row->name,
		.type = iam_owner_type(r->kinds[u->who]),
		.id = row->id,
		.path = row->path,
	};
	struct iam_entity_details d = { .entity_info = info };
	if (u->when_ms)
		d.last_authenticated = (struct opt_int)SET(u->when_ms);
	return d;
}

static void entities(struct req *rq, const struct iam_report *r, struct str service, const struct iam_page *page,
		     struct iam_get_service_last_accessed_details_with_entities_out *out)
{
	size_t n = granted(r, service) ? r->n : 0, at, end;
	const struct user_of *all = users_of(rq, r, service);
	struct str *positions = NEWS(rq->mem, struct str, n + 1);
	for (size_t i = 0; i < n; i++)
		positions[i] = arena_printf(rq->mem, "%08zu", i);
	out->marker = iam_page_cut(rq, page, positions, n, &at, &end);
	struct iam_entity_details *v = NEWS(rq->mem, struct iam_entity_details, end - at + 1);
	for (size_t i = at; i < end; i++)
		v[i - at] = details(rq, r, &all[i]);
	out->entity_details_list = (struct iam_entity_details_list){ v, end - at };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
}

struct status iam_get_service_last_accessed_details_with_entities(
    struct req *rq, const struct iam_get_service_last_accessed_details_with_entities_in *in,
    struct iam_get_service_last_accessed_details_with_entities_out *out)
{
	static const struct iam_entity_details none = { 0 };
	struct iam_job_row job;
	struct iam_report report = { 0 };
	struct iam_page page;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(look(rq, in->job_id, &job, &report, &out->job_status, &out->error));
	out->job_creation_date = job.created.v;
	out->job_completion_date = job.completed;
	out->entity_details_list = (struct iam_entity_details_list){ &none, 0 };
	out->is_truncated = (struct opt_bool)SET(false);
	if (out->job_status == IAM_JOB_STATUS_TYPE_COMPLETED)
		entities(rq, &report, in->service_namespace, &page, out);
	return OK;
}
