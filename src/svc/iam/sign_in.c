/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords and MFA devices, gathered for whoever shows them.
 */
#include "svc/iam/sign_in.h"

#include "base/str.h"
#include "svc/iam/login.h"
#include "svc/iam/mfa.h"
#include "wire/pack.h"

struct status iam_devices(struct req *rq, struct txn *t, struct iam_devices *out)
{
	struct cursor c;
	*out = (struct iam_devices){ 0 };
	TRY(txn_range(t, &(struct range){ .prefix = S("m") }, &c));
	while (cursor_next(&c)) {
		struct iam_mfa_row row = { 0 };
		if (failed(unpack(rq->mem, &iam_mfa_row_shape, str_dup(rq->mem, c.val), &row)))
			return ERR(E_CORRUPT);
		out->n++;
		out->in_use += row.enabled.set;
		out->root |= row.enabled.set && iam_mfa_is_roots(&row);
	}
	return cursor_end(&c);
}

struct status iam_sign_in(struct req *rq, struct txn *t, const struct iam_devices *devices,
			  const struct iam_entity_row *user, struct iam_sign_in *out)
{
	struct iam_password_facts facts;
	*out = (struct iam_sign_in){ .mfa = devices->root };
	if (!user)
		return OK; /* root has no password: there is no console to sign in to */
	TRY(iam_password_facts(rq, t, user, &facts));
	*out = (struct iam_sign_in){
		.password = facts.enabled,
		.mfa = facts.mfa_active,
		.used = facts.last_used,
		.changed = facts.last_changed,
		.expires = facts.next_rotation,
	};
	return OK;
}
