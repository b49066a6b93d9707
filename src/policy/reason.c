/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions and refused documents in AWS's words ("Troubleshooting access denied error
 * messages"): explicit denials name the type of policy that denies, implicit ones the
 * type that fails to allow. They never name the policy itself.
 */
#include "policy/impl.h"

static const struct {
	const char *name, *article;
} kinds[POLICY_KIND_COUNT] = {
	[POLICY_NONE] = { "policy", "a" },
	[POLICY_IDENTITY] = { "identity-based policy", "an" },
	[POLICY_BOUNDARY] = { "permissions boundary", "a" },
	[POLICY_SESSION] = { "session policy", "a" },
	[POLICY_RESOURCE] = { "resource-based policy", "a" },
	[POLICY_TRUST] = { "role trust policy", "the" },
	[POLICY_ENDPOINT] = { "VPC endpoint policy", "a" },
	[POLICY_SCP] = { "service control policy", "a" },
	[POLICY_RCP] = { "resource control policy", "a" },
};

const char *policy_kind_name(enum policy_kind kind) { return kinds[kind].name; }

static struct str written(const char *room, size_t cap, int n)
{
	if (cap == 0 || n < 0)
		return S("");
	return str_make(room, (size_t)n < cap ? (size_t)n : cap - 1);
}

struct str policy_reason(const struct policy_decision *d, struct str action, char *room, size_t cap)
{
	int n = 0;
	if (d->verdict == POLICY_EXPLICIT_DENY)
		n = snprintf(room, cap, "with an explicit deny in %s %s", kinds[d->by].article, kinds[d->by].name);
	if (d->verdict == POLICY_IMPLICIT_DENY)
		n = snprintf(room, cap, "because no %s allows the %.*s action", kinds[d->by].name, PR(action));
	return written(room, cap, n);
}

/* Whom the sentence is about: "User: ARN", "Service: name"; strangers are "Anonymous". */
static struct str who_name(const struct policy_principal *who)
{
	if (who->arn.n > 0)
		return who->arn;
	if (who->kind == POLICY_SERVICE && who->services_n > 0)
		return who->services[0];
	return who->provider.n > 0 ? who->provider : S("anonymous");
}

struct str policy_denial(const struct policy_request *rq, const struct policy_decision *d, bool quote_resource,
			 char *room, size_t cap)
{
	char clause[400];
	struct str why = policy_reason(d, rq->action, clause, sizeof clause), who = who_name(rq->principal);
	const char *quote = quote_resource ? "\"" : "";
	bool on = rq->resource.n > 0 && !str_eq(rq->resource, S("*"));
	int n = snprintf(room, cap, "User: %.*s is not authorized to perform: %.*s%s%s%.*s%s %.*s", PR(who),
			 PR(rq->action), on ? " on resource: " : "", on ? quote : "", on ? (int)rq->resource.n : 0,
			 on ? rq->resource.p : "", on ? quote : "", PR(why));
	return written(room, cap, n);
}

/* S3's wording was gathered from its answers; where none is known, the general one stands. */
const char *policy_error_s3(const struct policy_error *err)
{
	switch (err->fault) {
	case POLICY_FAULT_JSON:
		return "Policies must be valid JSON and the first byte must be '{'";
	case POLICY_FAULT_NO_PRINCIPAL:
		return "Missing required field Principal";
	case POLICY_FAULT_PRINCIPAL:
		return "Invalid principal in policy";
	case POLICY_FAULT_NO_ACTION:
		return "Missing required field Action";
	case POLICY_FAULT_ACTION:
		return "Policy has invalid action";
	case POLICY_FAULT_NO_RESOURCE:
		return "Missing required field Resource";
	case POLICY_FAULT_RESOURCE:
		return "Policy has invalid resource";
	case POLICY_FAULT_EFFECT:
		return "Missing required field Effect";
	case POLICY_FAULT_VERSION:
		return "The policy must contain a valid version string";
	case POLICY_FAULT_CONDITION:
		return "Policy has an invalid condition key";
	case POLICY_FAULT_SIZE:
		return "Policy document is too large";
	case POLICY_FAULT_NONE:
	case POLICY_FAULT_SYNTAX:
	case POLICY_FAULT_SID:
		break;
	}
	return "This policy contains invalid Json";
}
