/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a resource policy public? S3's definition ("Blocking public access to your Amazon S3
 * storage", the meaning of "public"): a policy is taken for public until every allow in it
 * is bound to fixed values (no wildcard, no variable) of a principal or of one of the
 * condition keys listed there. Source addresses count as fixed when the range is not
 * broader than /8 (IPv4) or /32 (IPv6).
 */
#include "policy/impl.h"

static bool key_pins(const struct policy *p, const struct cond *c)
{
	static const struct str names[] = {
		{ "aws:SourceArn", 13 },
		{ "aws:SourceVpc", 13 },
		{ "aws:SourceVpce", 14 },
		{ "aws:SourceOwner", 15 },
		{ "aws:SourceAccount", 17 },
		{ "aws:userid", 10 },
		{ "aws:PrincipalOrgID", 18 },
		{ "aws:PrincipalArn", 16 },
		{ "aws:PrincipalAccount", 20 },
		{ "s3:DataAccessPointArn", 21 },
		{ "s3:DataAccessPointAccount", 25 },
		{ "s3:x-amz-server-side-encryption-aws-kms-key-id", 46 },
	};
	for (size_t i = 0; i < COUNT(names); i++) {
		if (str_eq_ci(names[i], at(p, c->key_text)))
			return true;
	}
	return false;
}

static bool ranges_narrow(const struct policy *p, const struct cond *c)
{
	for (uint32_t i = 0; i < c->val_n; i++) {
		const struct cidr *r = &p->vals[c->val0 + i].cidr;
		if (r->bits < (r->v4 ? 8 : 32))
			return false;
	}
	return true;
}

/* An access point's name may be a wildcard, as long as its account is fixed. */
static bool point_fixed(const struct policy *p, const struct cval *v)
{
	struct arn a;
	return !failed(arn_parse(at(p, v->text), &a)) && account_id_is(a.account) && v->pat.variables == 0;
}

static bool values_fixed(const struct policy *p, const struct cond *c)
{
	bool point = str_eq_ci(at(p, c->key_text), S("s3:DataAccessPointArn"));
	for (uint32_t i = 0; i < c->val_n; i++) {
		const struct cval *v = &p->vals[c->val0 + i];
		if (v->pat.form != PAT_EXACT && !(point && point_fixed(p, v)))
			return false;
	}
	return true;
}

static bool pins(const struct policy *p, const struct cond *c)
{
	if (c->negated || c->if_exists || c->set == SET_ALL)
		return false;
	if (c->op == OP_IP)
		return c->key == POLICY_KEY_AWS_SOURCE_IP && ranges_narrow(p, c);
	bool text = c->op == OP_STRING || c->op == OP_STRING_CI || c->op == OP_LIKE || c->op == OP_ARN;
	return text && key_pins(p, c) && values_fixed(p, c);
}

static bool for_everyone(const struct policy *p, const struct stmt *s)
{
	for (uint32_t i = 0; i < s->prin_n; i++) {
		if (p->prins[s->prin0 + i].type == POLICY_P_EVERYONE)
			return true;
	}
	return s->not_principal;
}

bool policy_is_public(const struct policy *p, size_t *statement)
{
	for (uint32_t i = 0; i < p->stmt_n; i++) {
		const struct stmt *s = &p->stmts[i];
		bool open = !s->deny && for_everyone(p, s);
		for (uint32_t k = 0; k < s->cond_n && open; k++)
			open = !pins(p, &p->conds[s->cond0 + k]);
		if (!open)
			continue;
		if (statement != NULL)
			*statement = i;
		return true;
	}
	return false;
}
