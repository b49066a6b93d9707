/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose report: the users and roles whose uses count, and the policies that say which
 * services they could use at all ("it only applies permissions policy logic").
 *
 *     user, role     itself                       its policies, a user's groups' ones too
 *     group          the users in it              its policies
 *     policy         whoever has it attached,     the policy
 *                    users by their groups too
 */
#include "api/cache.h"
#include "base/str.h"
#include "base/time.h"
#include "store/io_pool.h"
#include "svc/iam/accessed.h"

#include <stdlib.h>

struct people { /* names to look up, each once */
	struct req *rq;
	struct txn *t;
	struct iam_report *to;
	bool people; /* are they wanted? */
	size_t cap;
};

static struct status add_entity(struct people *p, enum iam_kind kind, struct str name)
{
	struct iam_report *r = p->to;
	struct iam_entity_row row;
	TRY(iam_entity_get(p->rq, p->t, kind, name, &row));
	if (r->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 8;
		struct iam_entity_row *who = NEWS(p->rq->mem, struct iam_entity_row, p->cap);
		enum iam_kind *kinds = NEWS(p->rq->mem, enum iam_kind, p->cap);
		if (r->n) {
			memcpy(who, r->who, r->n * sizeof *who);
			memcpy(kinds, r->kinds, r->n * sizeof *kinds);
		}
		r->who = who;
		r->kinds = kinds;
	}
	r->who[r->n] = row;
	r->kinds[r->n++] = kind;
	return OK;
}

static struct status add_members(struct people *p, struct str group)
{
	struct str_list users;
	TRY(iam_users_of(p->rq, p->t, group, &users));
	for (size_t i = 0; i < users.n; i++)
		TRY(add_entity(p, IAM_USER, users.v[i]));
	return OK;
}

static int by_id(const void *a, const void *b)
{
	return str_cmp(((const struct iam_entity_row *)a)->id, ((const struct iam_entity_row *)b)->id);
}

/* Whoever has the policy by himself and by groups is one. The prefix of an id tells users from roles. */
static void each_once(struct iam_report *r)
{
	size_t n = 0;
	if (r->n)
		qsort(r->who, r->n, sizeof *r->who, by_id);
	for (size_t i = 0; i < r->n; i++)
		if (!n || !str_eq(r->who[n - 1].id, r->who[i].id))
			r->who[n++] = r->who[i];
	for (size_t i = 0; i < n; i++)
		r->kinds[i] = str_starts(r->who[i].id, S("AROA")) ? IAM_ROLE : IAM_USER;
	r->n = n;
}

/* Those whom the rows name where the policy is attached. */
static struct status add_users(struct people *p, struct str_list keys)
{
	struct arena *mem = p->rq->mem;
	for (size_t i = 0; i < keys.n; i++) {
		struct rd r = rd_of(keys.v[i]);
		(void)key_take_tag(&r);
		(void)key_take_str(&r, mem);
		enum iam_kind kind = (enum iam_kind)key_take_str(&r, mem).p[0];
		struct str name = key_take_str(&r, mem);
		TRY(kind == IAM_GROUP ? add_members(p, name) : add_entity(p, kind, name));
	}
	return OK;
}

static struct status of_policy(struct people *p, struct str arn)
{
	struct req *rq = p->rq;
	struct iam_managed m;
	struct str_list keys;
	struct str text;
	TRY(iam_managed_get(rq, p->t, arn, IAM_TO_READ, &m));
	TRY(iam_managed_document(rq->mem, p->t, &m, &text));
	struct iam_source *s = iam_sources_add(rq, &p->to->policies);
	*s = (struct iam_source){ .arn = arn, .name = str_after_last(arn, '/') };
	TRY(cached_policy(rq, POLICY_IDENTITY, text, &s->policy));
	if (!p->people)
		return OK;
	TRY(iam_keys(rq, p->t, iam_use_prefix(rq->mem, IAM_ATTACHED, arn), &keys));
	bool moved = io_pool_enter(store_io_pool(rq->app->store)); /* there may be thousands */
	struct status st = add_users(p, keys);
	io_pool_leave(moved);
	each_once(p->to);
	return st;
}

static struct status of_subject(struct people *p, struct str arn)
{
	struct iam_subject subject;
	TRY(iam_subject_get(p->rq, arn, &subject));
	p->to->policies = subject.policies;
	if (!p->people)
		return OK;
	if (subject.kind == IAM_GROUP)
		return add_members(p, subject.row.name);
	return add_entity(p, subject.kind, subject.row.name);
}

static int by_action(const void *a, const void *b)
{
	const struct iam_use_of *x = a, *y = b;
	int order = str_cmp(x->service, y->service);
	return order ? order : str_cmp(x->action, y->action);
}

static struct status gather_uses(struct req *rq, const struct iam_job_row *job, struct iam_report *r)
{
	struct shard *shard;
	struct txn *t;
	int64_t from_ms = job->created.v - (int64_t)IAM_TRACKED_DAYS * DAY_MS;
	TRY(iam_accessed_shard(rq, &shard));
	TRY(req_read(rq, shard, &t));
	struct status st = OK;
	bool moved = io_pool_enter(store_io_pool(rq->app->store));
	for (size_t i = 0; i < r->n && !failed(st); i++)
		st = iam_accessed_uses(rq, t, r->who[i].id, i, from_ms, &r->uses);
	if (r->uses.n)
		qsort(r->uses.v, r->uses.n, sizeof *r->uses.v, by_action);
	io_pool_leave(moved);
	return st;
}

static bool is_policy(struct str arn)
{
	struct arn a;
	return !failed(arn_parse(arn, &a)) && str_eq(a.service, S("iam")) && str_starts(a.resource, S("policy/"));
}

struct status iam_report_make(struct req *rq, struct str arn, const struct iam_job_row *job, struct iam_report *out)
{
	struct people p = { .rq = rq, .to = out, .people = job != NULL };
	*out = (struct iam_report){ 0 };
	TRY(iam_read(rq, &p.t));
	TRY(is_policy(arn) ? of_policy(&p, arn) : of_subject(&p, arn));
	return job ? gather_uses(rq, job, out) : OK;
}
