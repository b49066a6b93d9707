/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turning a decided session into credentials. Every operation that hands some out comes
 * through here, so that all of them look alike and are sealed the same way:
 *
 *     struct caller who = sts_role_caller(rq, account, &role, name, seconds, &session);
 *     ...what is special about this session (a provider, MFA) is set in who...
 *     TRY(sts_credentials_make(rq, &who, &out->credentials));
 */
#ifndef SVC_STS_CREDENTIALS_H
#define SVC_STS_CREDENTIALS_H

#include "svc/sts/session.h"

/*
 * The session of `role` that begins now. Its place in the chain is one behind rq->caller's when that is itself a role
 * session. Strings are views of the arguments'.
 */
struct caller sts_role_caller(struct req *rq, struct str account, const struct identity_role *role,
			      struct str session_name, int64_t seconds, const struct sts_session *session);
/* The caller's own session, and one of somebody he names: they begin now. The account's root gets an hour at most. */
struct caller sts_own_caller(struct req *rq, int64_t seconds);
struct caller sts_federated_caller(struct req *rq, struct str name, int64_t seconds, const struct sts_session *session);
/* `who` has kind, account, ARNs, access_key_id, issued_ms and expires_ms set. */
struct status sts_credentials_make(struct req *rq, const struct caller *who, const struct sts_credentials **out);
const struct sts_assumed_role_user *sts_assumed_role_user_of(struct req *rq, const struct caller *who);

#endif
