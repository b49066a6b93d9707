/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListPoliciesGrantingServiceAccess: which permissions policies of a user, group or role
 * let it use a service at all: those with an allow for any of the service's actions. Denies,
 * resources, conditions and other types of policy do not count ("it only applies
 * permissions policy logic").
 *
 * Pages count policies: a marker says how many were given before.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/iam/source.h"

/* Could the pattern match an action of the service? Both in lower case. */
static bool reaches(struct str pattern, struct str service)
{
	struct str vendor = str_cut(&pattern, ':');
	return pattern.p ? policy_wildcard_match_ci(vendor, service) : str_eq(vendor, S("*"));
}

/* NotAction leaves a service out only when it leaves all of it out. */
static bool leaves_out(struct str pattern, struct str service)
{
	struct str vendor = str_cut(&pattern, ':');
	if (!pattern.p)
		return str_eq(vendor, S("*"));
	return str_eq(pattern, S("*")) && policy_wildcard_match_ci(vendor, service);
}

static bool statement_grants(const struct policy *p, const struct policy_statement *s, struct str service)
{
	for (size_t i = 0; i < s->actions; i++) {
		struct str pattern = policy_action_at(p, s->index, i);
		if (s->not_action ? leaves_out(pattern, service) : reaches(pattern, service))
			return !s->not_action;
	}
	return s->not_action;
}

bool iam_policy_grants(const struct policy *p, struct str service)
{
	for (size_t i = 0; i < policy_statement_count(p); i++) {
		struct policy_statement s = policy_statement_at(p, i);
		if (!s.deny && statement_grants(p, &s, service))
			return true;
	}
	return false;
}

static bool statement_allows(const struct policy *p, const struct policy_statement *s, struct str action)
{
	for (size_t i = 0; i < s->actions; i++)
		if (policy_wildcard_match_ci(policy_action_at(p, s->index, i), action))
			return !s->not_action;
	return s->not_action;
}

bool iam_policy_grants_action(const struct policy *p, struct str action)
{
	for (size_t i = 0; i < policy_statement_count(p); i++) {
		struct policy_statement s = policy_statement_at(p, i);
		if (!s.deny && statement_allows(p, &s, action))
			return true;
	}
	return false;
}

enum iam_policy_owner_entity_type iam_owner_type(enum iam_kind kind)
{
	switch (kind) {
	case IAM_USER:
		return IAM_POLICY_OWNER_ENTITY_TYPE_USER;
	case IAM_GROUP:
		return IAM_POLICY_OWNER_ENTITY_TYPE_GROUP;
	case IAM_ROLE:
		break;
	}
	return IAM_POLICY_OWNER_ENTITY_TYPE_ROLE;
}

static struct iam_policy_granting_service_access entry_of(const struct iam_source *s)
{
	struct iam_policy_granting_service_access e = { .policy_name = s->name };
	if (s->arn.p) {
		e.policy_type = IAM_POLICY_TYPE_MANAGED;
		e.policy_arn = s->arn;
		return e;
	}
	e.policy_type = IAM_POLICY_TYPE_INLINE;
	e.entity_type = iam_owner_type(s->owner_kind);
	e.entity_name = s->owner;
	return e;
}

/* What is left of this page, and where it begins: both count down over all services. */
struct window {
	size_t skip, room;
	bool more;
};

static struct iam_list_policies_granting_service_access_entry of_service(struct req *rq, const struct iam_sources *all,
									 struct str service, struct window *w)
{
	struct iam_policy_granting_service_access *v =
	    NEWS(rq->mem, struct iam_policy_granting_service_access, all->n + 1);
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++) {
		if (!iam_policy_grants(all->v[i].policy, service))
			continue;
		if (w->skip) {
			w->skip--;
			continue;
		}
		w->more |= w->room == 0;
		if (w->room) {
			v[n++] = entry_of(&all->v[i]);
			w->room--;
		}
	}
	return (struct iam_list_policies_granting_service_access_entry){ service, { v, n } };
}

struct status iam_list_policies_granting_service_access(struct req *rq,
							const struct iam_list_policies_granting_service_access_in *in,
							struct iam_list_policies_granting_service_access_out *out)
{
	struct iam_subject subject;
	struct iam_page page;
	uint64_t given = 0;
	TRY(iam_page_of(rq, in->marker, (struct opt_int){ 0 }, &page));
	if (page.from.p && !str_to_u64(page.from, &given))
		return FAIL(rq, api_ValidationException, "Invalid Marker.");
	TRY(iam_subject_get(rq, in->arn, &subject));
	size_t n = in->service_namespaces.n, kept = 0;
	struct iam_list_policies_granting_service_access_entry *v =
	    NEWS(rq->mem, struct iam_list_policies_granting_service_access_entry, n + 1);
	struct window w = { (size_t)given, page.max, false };
	for (size_t i = 0; i < n; i++) {
		bool before = w.skip > 0, full = w.room == 0;
		v[kept] = of_service(rq, &subject.policies, in->service_namespaces.v[i], &w);
		bool none = !v[kept].policies.n;
		kept += !none || (!before && !full); /* a service without policies is told of once */
		w.more |= none && full;
	}
	out->policies_granting_service_access =
	    (struct iam_list_policies_granting_service_access_entry_list){ v, kept };
	out->is_truncated = (struct opt_bool)SET(w.more);
	if (w.more)
		out->marker = iam_page_marker(rq, arena_printf(rq->mem, "%zu", (size_t)given + page.max));
	return OK;
}
