/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of virtual MFA devices.
 */
#include "svc/iam/mfa.h"

#include "api/ids.h"
#include "base/str.h"

struct str iam_mfa_arn(struct arena *mem, struct str partition, struct str account, const struct iam_mfa_row *row)
{
	return arena_printf(mem, "arn:%.*s:iam::%.*s:mfa%.*s%.*s", PR(partition), PR(account), PR(row->path),
			    PR(row->name));
}

bool iam_mfa_is_roots(const struct iam_mfa_row *row)
{
	return str_eq(row->path, S("/")) && str_starts_ci(row->name, IAM_MFA_ROOT_PREFIX);
}

/* By path and name, whatever their case: two devices that differ in nothing else would be mistaken for each other. */
static struct str row_key(struct arena *mem, struct str path_and_name)
{
	return key_of(mem, 'm', iam_lower(mem, path_and_name), (struct str){ 0 }, (struct str){ 0 });
}

struct status iam_mfa_find(struct req *rq, struct txn *t, struct str account, struct str serial,
			   struct iam_mfa_row *out)
{
	struct arn arn;
	if (failed(arn_parse(serial, &arn)) || !str_starts(arn.resource, S("mfa/")))
		return ERR(E_NOT_FOUND);
	TRY(iam_row_get(rq->mem, t, row_key(rq->mem, str_from(arn.resource, 3)), &iam_mfa_row_shape, out));
	return str_eq(serial, iam_mfa_arn(rq->mem, rq->app->partition, account, out)) ? OK : ERR(E_NOT_FOUND);
}

static struct str key_of_row(struct req *rq, const struct iam_mfa_row *row)
{
	return row_key(rq->mem, iam_join(rq->mem, row->path, row->name, S("")));
}

struct status iam_mfa_get(struct req *rq, struct txn *t, const struct iam_mfa_row *named, struct iam_mfa_row *out)
{
	return iam_row_get(rq->mem, t, key_of_row(rq, named), &iam_mfa_row_shape, out);
}

struct status iam_mfa_none(struct req *rq, struct str serial)
{
	return FAIL(rq, iam_NoSuchEntityException, "VirtualMFADevice with serial number %.*s doesn't exist.",
		    PR(serial));
}

struct status iam_mfa_named(struct req *rq, struct txn *t, struct str serial, struct iam_mfa_row *out)
{
	struct status st = iam_mfa_find(rq, t, rq->account, serial, out);
	return st.code == E_NOT_FOUND ? iam_mfa_none(rq, serial) : st;
}

struct status iam_mfa_put(struct req *rq, struct txn *t, const struct iam_mfa_row *row)
{
	return iam_row_put(rq, t, key_of_row(rq, row), &iam_mfa_row_shape, row);
}

struct status iam_mfa_del(struct req *rq, struct txn *t, const struct iam_mfa_row *row)
{
	return txn_del(t, key_of_row(rq, row));
}
