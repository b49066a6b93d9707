/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a managed policy by its ARN, which holds its path: the account's own by the
 * last part of it, AWS's in the table that is built in.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/iam/iam.h"

struct str iam_policy_key(struct arena *mem, struct str name)
{
	return key_of(mem, 'p', iam_lower(mem, name), (struct str){ 0 }, (struct str){ 0 });
}

struct str iam_version_key(struct arena *mem, struct str policy, uint64_t version)
{
	struct buf b = buf_in(mem);
	key_tag(&b, 'v');
	key_str(&b, iam_lower(mem, policy));
	if (version)
		key_u64(&b, version);
	return buf_str(&b);
}

struct str iam_managed_arn(struct arena *mem, struct str partition, struct str account,
			   const struct iam_policy_row *row)
{
	return arena_printf(mem, "arn:%.*s:iam::%.*s:policy%.*s%.*s", PR(partition), PR(account), PR(row->path),
			    PR(row->name));
}

struct status iam_managed_find(struct arena *mem, struct txn *t, struct str partition, struct str account,
			       struct str arn, struct iam_managed *out)
{
	*out = (struct iam_managed){ .builtin = iam_builtin_find(arn), .arn = arn };
	if (out->builtin)
		return OK;
	struct arn parts;
	if (failed(arn_parse(arn, &parts)) || !str_eq(parts.account, account) ||
	    !str_starts(parts.resource, S("policy/")))
		return ERR(E_NOT_FOUND);
	struct str name = str_after_last(parts.resource, '/');
	if (!name.n)
		return ERR(E_NOT_FOUND);
	TRY(iam_row_get(mem, t, iam_policy_key(mem, name), &iam_policy_row_shape, &out->row));
	return str_eq(iam_managed_arn(mem, partition, account, &out->row), arn) ? OK : ERR(E_NOT_FOUND);
}

struct status iam_managed_document(struct arena *mem, struct txn *t, const struct iam_managed *p, struct str *out)
{
	struct iam_version_row version;
	if (p->builtin) {
		*out = str_of(p->builtin->document);
		return OK;
	}
	struct str key = iam_version_key(mem, p->row.name, (uint64_t)p->row.default_.v);
	TRY(iam_row_get(mem, t, key, &iam_version_row_shape, &version));
	*out = version.document;
	return OK;
}

static struct status outside(struct req *rq)
{
	return FAIL(rq, api_AccessDeniedException, "Policy is outside your own account.");
}

/* An ARN that some thing of IAM's in this partition could have; whether it is a policy's is another question. */
static bool plausible(const struct req *rq, struct str arn, struct arn *parts)
{
	return !failed(arn_parse(arn, parts)) && str_eq(parts->partition, rq->app->partition) &&
	       str_eq(parts->service, S("iam")) && parts->region.n == 0 &&
	       str_find_char(parts->resource, '/') != SIZE_MAX && str_find_char(parts->resource, ':') == SIZE_MAX;
}

struct status iam_managed_get(struct req *rq, struct txn *t, struct str arn, enum iam_purpose purpose,
			      struct iam_managed *out)
{
	struct arn parts;
	if (!plausible(rq, arn, &parts))
		return FAIL(rq, iam_InvalidInputException, "ARN %.*s is not valid.", PR(arn));
	bool builtin = str_eq(parts.account, S("aws"));
	if ((builtin && purpose == IAM_TO_CHANGE) || (!builtin && !str_eq(parts.account, rq->account)))
		return outside(rq);
	struct status st = iam_managed_find(rq->mem, t, rq->app->partition, rq->account, arn, out);
	if (!failed(st) && purpose == IAM_TO_ATTACH && out->builtin && iam_builtin_linked(out->builtin))
		return FAIL(rq, iam_PolicyNotAttachableException,
			    "Cannot attach a Service Role Policy to a Customer Role.");
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, iam_NoSuchEntityException, "Policy %.*s %s", PR(arn),
		    purpose == IAM_TO_ATTACH ? "does not exist or is not attachable." : "was not found.");
}

struct status iam_boundary_check(struct req *rq, struct txn *t, struct str arn)
{
	struct iam_managed m;
	struct arn parts;
	if (!plausible(rq, arn, &parts))
		return FAIL(rq, iam_InvalidInputException, "ARN %.*s is not valid.", PR(arn));
	struct status st = iam_managed_find(rq->mem, t, rq->app->partition, rq->account, arn, &m);
	if (!failed(st) && m.builtin && iam_builtin_linked(m.builtin))
		st = ERR(E_NOT_FOUND);
	if (st.code == E_NOT_FOUND)
		return FAIL(rq, iam_NoSuchEntityException, "Scope ARN: %.*s does not exist or is not attachable.",
			    PR(arn));
	return st;
}

const struct iam_attached_permissions_boundary *iam_boundary_out(struct req *rq, struct str arn)
{
	if (!arn.n)
		return NULL;
	struct iam_attached_permissions_boundary *b = NEW(rq->mem, struct iam_attached_permissions_boundary);
	*b = (struct iam_attached_permissions_boundary){
		.permissions_boundary_type = IAM_PERMISSIONS_BOUNDARY_ATTACHMENT_TYPE_PERMISSIONS_BOUNDARY_POLICY,
		.permissions_boundary_arn = arn,
	};
	return b;
}
