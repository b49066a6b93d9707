/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SimulateCustomPolicy and SimulatePrincipalPolicy: what would be decided, without doing it.
 *
 * Nothing is looked up but the policies of the entity that was named: the context is what
 * the caller gives, resources need not exist, and their policies are not fetched.
 *
 * Results come one an action ("EvaluationResult": one per action, however many resources),
 * and pages count actions. A page ends early when it has grown long, as the reference allows.
 */
#include "svc/iam/simulate.h"

#include "api/faults.h"
#include "base/str.h"
#include "store/io_pool.h"

enum {
	RESOURCES_MAX = 1000,
	MISSING_MAX = 100 * 1000, /* missing keys times resources: they are told of for each */
	STEPS_MAX = 1000 * 1000,  /* statements looked at, before a page ends */
	LISTED_MAX = 10 * 1000,   /* statements and resources told of, before a page ends */
};

/* What both operations take. */
struct asked {
	struct str_list policies, boundaries, actions, arns;
	struct str resource_policy, resource_owner, caller_arn, handling, marker;
	struct iam_context_entry_list entries;
	struct opt_int max_items;
};

/* ---- actions and resources ---------------------------------------------------------------- */

static struct status check_action(struct req *rq, struct str action)
{
	struct str name = action, service = str_cut(&name, ':');
	if (!name.p || !service.n || !name.n)
		return FAIL(rq, iam_InvalidInputException, "The action is invalid since it is missing names");
	for (size_t i = 0; i < action.n; i++)
		if (action.p[i] == '*' || action.p[i] == '?')
			return FAIL(rq, iam_InvalidInputException,
				    "Invalid action name: %.*s. Wildcards are not supported in action names.",
				    PR(action));
	return OK;
}

static struct status take_actions(struct req *rq, struct iam_sim *sim, struct str_list actions)
{
	for (size_t i = 0; i < actions.n; i++)
		TRY(check_action(rq, actions.v[i]));
	sim->actions = actions;
	return OK;
}

static struct status take_resources(struct req *rq, struct iam_sim *sim, struct str_list arns)
{
	struct arn a;
	sim->arns = arns;
	sim->all_resources = arns.n == 0 || (arns.n == 1 && str_eq(arns.v[0], S("*")));
	for (size_t i = 0; i < arns.n && !sim->all_resources; i++)
		if (failed(arn_parse(arns.v[i], &a)))
			return FAIL(rq, iam_InvalidInputException, "ResourceNames are not in a valid ARN format: %.*s.",
				    PR(arns.v[i]));
	if (arns.n > RESOURCES_MAX)
		return FAIL(rq, iam_InvalidInputException, "No more than %d resources can be simulated at once.",
			    RESOURCES_MAX);
	return OK;
}

/*
 * "ResourceHandlingOption": a scenario wants resources of certain types to be there. All of EC2's; no other service
 * has one.
 */
static struct status check_handling(struct req *rq, const struct iam_sim *sim, struct str option)
{
	static const struct {
		struct str name;
		const char *types[8];
	} scenarios[] = {
		{ { "EC2-VPC-InstanceStore", 21 },
		  { ":instance/", "::image/", ":security-group/", ":network-interface/" } },
		{ { "EC2-VPC-InstanceStore-Subnet", 28 },
		  { ":instance/", "::image/", ":security-group/", ":network-interface/", ":subnet/" } },
		{ { "EC2-VPC-EBS", 11 },
		  { ":instance/", "::image/", ":security-group/", ":network-interface/", ":volume/" } },
		{ { "EC2-VPC-EBS-Subnet", 18 },
		  { ":instance/", "::image/", ":security-group/", ":network-interface/", ":subnet/", ":volume/" } },
	};
	size_t at = 0;
	if (!option.p)
		return OK;
	while (at < COUNT(scenarios) && !str_eq(scenarios[at].name, option))
		at++;
	if (at == COUNT(scenarios))
		return FAIL(rq, iam_InvalidInputException, "Invalid input resource handling options: %.*s.",
			    PR(option));
	for (size_t t = 0; scenarios[at].types[t]; t++) {
		bool there = false;
		for (size_t i = 0; i < sim->arns.n && !there; i++)
			there = str_find(sim->arns.v[i], str_of(scenarios[at].types[t])) != SIZE_MAX;
		if (!there)
			return FAIL(rq, iam_InvalidInputException,
				    "Invalid input resource handling options: %.*s needs a resource of type %s.",
				    PR(option), scenarios[at].types[t]);
	}
	return OK;
}

/* ---- who and whose -------------------------------------------------------------------------- */

static struct status take_owner(struct req *rq, struct iam_sim *sim, struct str given)
{
	struct arn a;
	sim->owner = sim->who.account;
	if (!given.p)
		return OK;
	if (failed(arn_parse(given, &a)) || !str_eq(a.service, S("iam")) || !account_id_is(a.account))
		return FAIL(rq, iam_InvalidInputException, "'%.*s' is not a valid as a Resource Owner.", PR(given));
	sim->owner = a.account;
	return OK;
}

/* "You can specify only the ARN of an IAM user." Without one it is the user whose policies are simulated. */
static struct status take_caller(struct req *rq, struct iam_sim *sim, struct str arn)
{
	enum iam_kind kind;
	struct str account, name;
	if (!arn.p)
		return OK;
	if (failed(iam_subject_name(arn, &kind, &account, &name)) || kind != IAM_USER)
		return FAIL(rq, iam_InvalidInputException,
			    "Invalid caller - Caller must be an IAM user in this context.");
	if (str_eq(arn, sim->who.arn))
		return OK;
	sim->who = (struct policy_principal){ .kind = POLICY_USER, .account = account, .arn = arn, .name = name };
	return OK;
}

/* A role's policies are used by its sessions, of which only the role is known here. */
static void act_as(struct iam_sim *sim, const struct iam_subject *subject, struct str account)
{
	sim->who = (struct policy_principal){ .kind = POLICY_USER, .account = account };
	if (subject->kind == IAM_USER) {
		sim->who.arn = subject->arn;
		sim->who.id = subject->row.id;
		sim->who.name = subject->row.name;
	}
	if (subject->kind == IAM_ROLE) {
		sim->who.kind = POLICY_ROLE_SESSION;
		sim->who.issuer = subject->arn;
	}
}

/* ---- policies ----------------------------------------------------------------------------------- */

static struct status take_boundary(struct req *rq, struct iam_sim *sim, struct str_list given)
{
	struct iam_sources all = { 0 };
	if (given.n > 1)
		return FAIL(rq, iam_InvalidInputException,
			    "Only one permissions boundary policy can be provided in the simulation.");
	TRY(iam_sources_given(rq, "PermissionsBoundaryPolicyInputList", given, POLICY_BOUNDARY, &all));
	if (all.n)
		sim->boundary = all.v[0];
	return OK;
}

static bool matches(const struct policy *p, size_t statement, struct str arn)
{
	struct policy_statement s = policy_statement_at(p, statement);
	if (s.not_resource || !s.resources)
		return true;
	for (size_t i = 0; i < s.resources; i++) {
		struct str pattern = policy_resource_at(p, statement, i);
		if (str_find(pattern, S("${")) != SIZE_MAX || policy_wildcard_match(pattern, arn))
			return true;
	}
	return false;
}

/* "ResourceArns": a resource policy must be applicable to all of them. */
static struct status check_applicable(struct req *rq, const struct iam_sim *sim)
{
	const struct policy *p = sim->resource.policy;
	for (size_t i = 0; i < sim->arns.n; i++) {
		size_t n = policy_statement_count(p), k = 0;
		while (k < n && !matches(p, k, sim->arns.v[i]))
			k++;
		if (k == n)
			return FAIL(rq, iam_InvalidInputException,
				    "The resource policy is not applicable to the resource %.*s.", PR(sim->arns.v[i]));
	}
	return OK;
}

/* The policy of a resource; for a role that is its trust policy, which has no Resource. */
static struct status take_resource_policy(struct req *rq, struct iam_sim *sim, struct str document)
{
	if (!document.p)
		return OK;
	if (!sim->who.arn.n)
		return sim->who.issuer.n
			   ? FAIL(rq, iam_InvalidInputException,
				  "Invalid caller - Caller must be an IAM user in this context.")
			   : FAIL(rq, iam_InvalidInputException, "Invalid caller - Caller cannot be null or empty.");
	if (sim->all_resources)
		return FAIL(rq, iam_InvalidInputException,
			    "Invalid Entity Arn: * does not clearly define entity type and name.");
	sim->resource = (struct iam_source){ .id = S("ResourcePolicy") };
	if (failed(iam_source_given(rq, document, POLICY_RESOURCE, &sim->resource.policy, NULL))) {
		if (failed(iam_source_given(rq, document, POLICY_TRUST, &sim->resource.policy, NULL)))
			return FAIL(rq, iam_InvalidInputException, "The resource policy has invalid content");
		sim->trust = POLICY_ASSUME;
	}
	return check_applicable(rq, sim);
}

/* ---- a page ------------------------------------------------------------------------------------------- */

static struct status start_of(struct req *rq, const struct iam_page *page, size_t *at)
{
	uint64_t n = 0;
	if (page->from.p && !str_to_u64(page->from, &n))
		return FAIL(rq, api_ValidationException, "Invalid Marker.");
	*at = (size_t)n;
	return OK;
}

static size_t statements_in(const struct iam_sim *sim)
{
	size_t n = 1;
	for (size_t i = 0; i < sim->identity.n; i++)
		n += policy_statement_count(sim->identity.v[i].policy);
	n += sim->boundary.policy ? policy_statement_count(sim->boundary.policy) : 0;
	return n + (sim->resource.policy ? policy_statement_count(sim->resource.policy) : 0);
}

/* Many statements on many resources are work for a while, which is not an event thread's. */
static struct iam_evaluation_result_list run(struct req *rq, struct iam_sim *sim, size_t at, size_t max)
{
	size_t last = sim->actions.n - at > max ? at + max : sim->actions.n, n = 0, steps = 0;
	size_t each = statements_in(sim) * (sim->all_resources ? 1 : sim->arns.n);
	struct iam_evaluation_result *v = NEWS(rq->mem, struct iam_evaluation_result, last - at + 1);
	bool moved = io_pool_enter(store_io_pool(rq->app->store));
	for (; at + n < last && steps < STEPS_MAX && sim->listed < LISTED_MAX; steps += each)
		iam_sim_decide(rq, sim, sim->actions.v[at + n], &v[n]), n++;
	io_pool_leave(moved);
	return (struct iam_evaluation_result_list){ v, n };
}

struct results {
	struct iam_evaluation_result_list list;
	struct str marker;
};

static struct status simulate(struct req *rq, struct iam_sim *sim, const struct asked *ask, struct results *out)
{
	struct iam_page page;
	size_t at = 0;
	TRY(iam_page_of(rq, ask->marker, ask->max_items, &page));
	TRY(start_of(rq, &page, &at));
	TRY(take_actions(rq, sim, ask->actions));
	TRY(take_resources(rq, sim, ask->arns));
	TRY(check_handling(rq, sim, ask->handling));
	TRY(take_caller(rq, sim, ask->caller_arn));
	TRY(take_owner(rq, sim, ask->resource_owner));
	TRY(iam_sources_given(rq, "PolicyInputList", ask->policies, POLICY_IDENTITY, &sim->identity));
	TRY(take_boundary(rq, sim, ask->boundaries));
	TRY(take_resource_policy(rq, sim, ask->resource_policy));
	const struct policy **set = NEWS(rq->mem, const struct policy *, sim->identity.n + 1);
	for (size_t i = 0; i < sim->identity.n; i++)
		set[i] = sim->identity.v[i].policy;
	sim->set = (struct policy_set){ set, sim->identity.n };
	TRY(iam_sim_context(rq, sim, ask->entries));
	iam_sim_missing(rq, sim);
	if (sim->missing.n * sim->arns.n > MISSING_MAX)
		return FAIL(rq, iam_InvalidInputException,
			    "Too many context values are missing for so many resources.");
	if (at > sim->actions.n)
		at = sim->actions.n;
	out->list = run(rq, sim, at, page.max);
	at += out->list.n;
	out->marker = (struct str){ 0 };
	if (at < sim->actions.n)
		out->marker = iam_page_marker(rq, arena_printf(rq->mem, "%zu", at));
	return OK;
}

/* Both ask the same, in structs of their own. */
#define ASKED(in)                                                                                          \
	{                                                                                                  \
		(in)->policy_input_list, (in)->permissions_boundary_policy_input_list, (in)->action_names, \
		    (in)->resource_arns, (in)->resource_policy, (in)->resource_owner, (in)->caller_arn,    \
		    (in)->resource_handling_option, (in)->marker, (in)->context_entries, (in)->max_items   \
	}

struct status iam_simulate_custom_policy(struct req *rq, const struct iam_simulate_custom_policy_in *in,
					 struct iam_simulate_custom_policy_out *out)
{
	struct iam_sim *sim = NEW(rq->mem, struct iam_sim);
	struct results r;
	sim->who = (struct policy_principal){ .kind = POLICY_USER, .account = rq->account };
	const struct asked ask = ASKED(in);
	TRY(simulate(rq, sim, &ask, &r));
	out->evaluation_results = r.list;
	out->is_truncated = (struct opt_bool)SET(r.marker.p != NULL);
	out->marker = r.marker;
	return OK;
}

struct status iam_simulate_principal_policy(struct req *rq, const struct iam_simulate_principal_policy_in *in,
					    struct iam_simulate_principal_policy_out *out)
{
	struct iam_sim *sim = NEW(rq->mem, struct iam_sim);
	struct iam_subject subject;
	struct results r;
	struct status st = iam_subject_get(rq, in->policy_source_arn, &subject);
	if (st.code == E_CORRUPT)
		return FAIL(rq, iam_PolicyEvaluationException, "A policy of %.*s could not be evaluated.",
			    PR(in->policy_source_arn));
	TRY(st);
	sim->identity = subject.policies;
	sim->boundary = subject.boundary;
	act_as(sim, &subject, rq->account);
	const struct asked ask = ASKED(in);
	TRY(simulate(rq, sim, &ask, &r));
	out->evaluation_results = r.list;
	out->is_truncated = (struct opt_bool)SET(r.marker.p != NULL);
	out->marker = r.marker;
	return OK;
}
