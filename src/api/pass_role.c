/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a role to a service ("Grant a user permissions to pass a role to an AWS service"):
 * whoever may make a service act with a role may do what that role may, so iam:PassRole is
 * asked for wherever a role is given away, and in one place, so that no service forgets a part.
 */
#include "api/authz.h"

#include "api/faults.h"
#include "base/str.h"

/* A role that is not there has no tags; whether it must be is the service's question. */
static struct status role_tags(struct req *rq, struct str arn, const struct arn *parts, struct str_map *out)
{
	struct identity_role role;
	*out = (struct str_map){ 0 };
	struct status st = rq->app->identity->role(rq, parts->account, str_after_last(parts->resource, '/'), &role);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	if (str_eq(role.arn, arn))
		*out = role.tags;
	return OK;
}

struct status authz_pass_role(struct authz *az, struct str role_arn, const char *service_principal,
			      struct str associated_resource)
{
	struct req *rq = az->rq;
	struct arn parts;
	if (failed(arn_parse(role_arn, &parts)) || !str_eq(parts.service, S("iam")) ||
	    !str_starts(parts.resource, S("role/")) || !str_after_last(parts.resource, '/').n)
		return FAIL(rq, api_ValidationException, "%.*s is not the ARN of a role.", PR(role_arn));
	if (!str_eq(parts.account, rq->caller.account) || !str_eq(parts.account, rq->account) ||
	    !str_eq(parts.partition, rq->app->partition))
		return FAIL(rq, api_AccessDeniedException, "Cross-account pass role is not allowed.");
	struct authz_item *item = authz_add(az, "iam:PassRole", role_arn);
	item->keys = NULL; /* the row's are about its own action */
	item->resource_account = parts.account;
	authz_key(az, item, "iam:PassedToService", str_of(service_principal));
	authz_key(az, item, "iam:AssociatedResourceArn", associated_resource);
	return role_tags(rq, role_arn, &parts, &item->resource_tags);
}
