/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principals and their policies by name, for those who explain a decision instead of making it.
 */
#include "base/str.h"
#include "svc/iam/principal.h"
#include "svc/iam/source.h"

struct status iam_described(struct req *rq, struct str arn, struct caller *who)
{
	const struct iam_principal *p;
	struct str account, name;
	enum iam_kind kind;
	if (failed(iam_subject_name(arn, &kind, &account, &name)) || kind == IAM_GROUP)
		return ERR(E_NOT_FOUND);
	TRY(iam_principal(rq, account, kind, name, &p));
	*who = (struct caller){ .kind = CALLER_USER,
				.account = account,
				.arn = p->arn,
				.principal_id = p->row.id,
				.name = p->row.name,
				.user_path = p->row.path };
	if (kind == IAM_USER)
		return OK;
	who->kind = CALLER_ROLE;
	who->role_arn = p->arn;
	who->role_id = p->row.id;
	who->role_name = p->row.name;
	who->role_path = p->row.path;
	who->name = S("session");
	who->issued_ms = rq->now_ms;
	who->arn = arena_printf(rq->mem, "arn:%.*s:sts::%.*s:assumed-role/%.*s/session", PR(rq->app->partition),
				PR(account), PR(p->row.name));
	who->principal_id = arena_printf(rq->mem, "%.*s:session", PR(p->row.id));
	return OK;
}

static struct str source_name(struct arena *mem, const struct iam_source *s)
{
	if (s->arn.p)
		return s->arn;
	return arena_printf(mem, "%.*s (inline, of the %s %.*s)", PR(s->name), iam_kind_word(s->owner_kind),
			    PR(s->owner));
}

/* Policies are compiled once for each text, so the text says which it is. */
static bool is_it(const struct iam_source *s, const struct policy *p)
{
	return s->policy && (s->policy == p || str_eq(policy_text(s->policy), policy_text(p)));
}

struct status iam_policy_described(struct req *rq, const struct caller *who, const struct policy *p, struct str *name)
{
	struct iam_subject subject;
	struct str arn = who->kind == CALLER_ROLE ? who->role_arn : who->arn;
	TRY(iam_subject_get(rq, arn, &subject));
	for (size_t i = 0; i < subject.policies.n; i++) {
		if (!is_it(&subject.policies.v[i], p))
			continue;
		*name = source_name(rq->mem, &subject.policies.v[i]);
		return OK;
	}
	if (!is_it(&subject.boundary, p))
		return ERR(E_NOT_FOUND);
	*name = source_name(rq->mem, &subject.boundary);
	return OK;
}
