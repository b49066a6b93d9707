/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords and MFA devices, gathered for whoever shows them. Devices are read once for a
 * whole account, not once a user.
 */
#include "svc/iam/sign_in.h"

#include "base/str.h"
#include "svc/iam/mfa.h"
#include "wire/pack.h"

#include <stdlib.h>

static int by_name(const void *a, const void *b) { return str_cmp(*(const struct str *)a, *(const struct str *)b); }

struct names {
	struct str *v;
	size_t n, cap;
};

static void add(struct req *rq, struct names *l, struct str user)
{
	if (l->n == l->cap) {
		struct str *more = NEWS(rq->mem, struct str, l->cap = l->cap ? l->cap * 2 : 16);
		if (l->n)
			memcpy(more, l->v, l->n * sizeof *more);
		l->v = more;
	}
	l->v[l->n++] = iam_lower(rq->mem, user);
}

struct status iam_devices(struct req *rq, struct txn *t, struct iam_devices *out)
{
	struct cursor c;
	struct names users = { 0 };
	*out = (struct iam_devices){ 0 };
	TRY(txn_range(t, &(struct range){ .prefix = S("m") }, &c));
	while (cursor_next(&c)) {
		struct iam_mfa_row row = { 0 };
		if (failed(unpack(rq->mem, &iam_mfa_row_shape, str_dup(rq->mem, c.val), &row)))
			return ERR(E_CORRUPT);
		out->n++;
		if (!row.enabled.set)
			continue;
		out->in_use++;
		if (iam_mfa_is_roots(&row))
			out->root = true;
		else
			add(rq, &users, row.user_name);
	}
	if (users.n)
		qsort(users.v, users.n, sizeof *users.v, by_name);
	out->users = (struct str_list){ users.v, users.n };
	return cursor_end(&c);
}

static bool has_device(const struct iam_devices *d, struct str user)
{
	return d->users.n && bsearch(&user, d->users.v, d->users.n, sizeof(struct str), by_name);
}

/* Nobody has a password: there is no console to sign in to. */
struct status iam_sign_in(struct req *rq, struct txn *t, const struct iam_devices *devices,
			  const struct iam_entity_row *user, struct iam_sign_in *out)
{
	(void)t;
	*out =
	    (struct iam_sign_in){ .mfa = user ? has_device(devices, iam_lower(rq->mem, user->name)) : devices->root };
	return OK;
}
