/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looked at by kind of caller and name of operation, before any policy is.
 */
#include "api/session_limits.h"

#include "api/authenticate.h"
#include "api/faults.h"
#include "api/sigv4.h"
#include "base/str.h"

static bool among(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

static bool sts_refuses(const struct caller *who, const char *op)
{
	static const char *const users[] = { "AssumeRole", "GetCallerIdentity", NULL };
	static const char *const makers[] = { "GetFederationToken", "GetSessionToken", NULL };
	if (who->kind == CALLER_FEDERATED)
		return strcmp(op, "GetCallerIdentity") != 0;
	return who->kind == CALLER_ROLE ? among(op, makers) : !among(op, users);
}

static bool iam_refuses(const struct caller *who)
{
	return who->kind == CALLER_FEDERATED || (who->kind != CALLER_ROLE && !who->mfa);
}

/* The caller stays who he is, for the record; only the answer does as if the key were unknown. */
static struct status refuse_as_unknown(struct req *rq)
{
	rq->sig_fault = NEW(rq->mem, struct sigv4_fault);
	(void)sigv4_fail(rq->mem, rq->sig_fault, SIGV4_UNKNOWN_KEY,
			 "The security token included in the request is invalid");
	return req_fail_signature(rq, ERR(E_FAULT));
}

struct status req_limit_session(struct req *rq)
{
	const struct caller *who = &rq->caller;
	if (!who->issued_ms || rq->parent)
		return OK;
	if (!strcmp(rq->svc->name, "iam") && iam_refuses(who))
		return refuse_as_unknown(rq);
	if (!strcmp(rq->svc->name, "sts") && sts_refuses(who, rq->op->name))
		return FAIL(rq, api_AccessDeniedException, "Cannot call %s with session credentials", rq->op->name);
	return OK;
}
