/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principal and NotPrincipal: their form, who is let in unconditionally, and whether a trust
 * policy's action fits those it names.
 */
#include "policy/check_int.h"
#include "base/str.h"

static bool has_wild(struct str s) { return str_find_char(s, '*') != SIZE_MAX || str_find_char(s, '?') != SIZE_MAX; }

static void bad_format(struct check *c, const struct tree *v)
{
	chk_add(c, v, FINDING_ERROR, "INVALID_PRINCIPAL_FORMAT",
		"\"%.*s\" is neither \"*\", an account, nor the ARN of a user, role or session.",
		PR(chk_brief(v->text)));
}

/* Unique ids: what is left of a principal that was deleted. */
static bool unique_id(struct check *c, const struct tree *v)
{
	bool user = str_starts(v->text, S("AIDA")), role = str_starts(v->text, S("AROA"));
	if ((!user && !role) || str_find_char(v->text, '/') != SIZE_MAX)
		return false;
	chk_add(c, v, FINDING_WARNING, user ? "INVALID_USER_REFERENCE" : "INVALID_ROLE_REFERENCE",
		"An id is of one %s that was; name it by its ARN.", user ? "user" : "role");
	return true;
}

static void aws_value(struct check *c, const struct check_stmt *s, const struct tree *v)
{
	struct arn a;
	if (str_eq(v->text, S("*")) || account_id_is(v->text) || unique_id(c, v))
		return;
	if (has_wild(v->text))
		chk_add(
		    c, v, FINDING_ERROR, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
		    "A principal is named in full, or is \"*\"; narrow \"*\" with a condition on aws:PrincipalArn.");
	else if (failed(arn_parse(v->text, &a)) || !account_id_is(a.account) ||
		 !(str_eq(a.service, S("iam")) || str_eq(a.service, S("sts"))))
		bad_format(c, v);
	(void)s;
}

static void service_value(struct check *c, const struct tree *v)
{
	if (has_wild(v->text))
		chk_add(c, v, FINDING_ERROR, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "A service is named in full.");
	else if (str_find_char(v->text, '.') == SIZE_MAX || str_find_char(v->text, ':') != SIZE_MAX)
		chk_add(c, v, FINDING_ERROR, "INVALID_SERVICE_PRINCIPAL_FORMAT",
			"\"%.*s\" is not a service's name such as ec2.amazonaws.com.", PR(chk_brief(v->text)));
}

static void federated_value(struct check *c, const struct tree *v)
{
	if (v->text.n > 0 && !has_wild(v->text))
		return;
	chk_add(c, v, FINDING_ERROR,
		c->kind == POLICY_TRUST ? "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY"
					: "INVALID_PRINCIPAL_FORMAT",
		"An identity provider is named by its domain or its ARN.");
}

static bool has_source_key(const struct check_stmt *s)
{
	static const struct str keys[] = { { "aws:SourceArn", 13 },
					   { "aws:SourceAccount", 17 },
					   { "aws:SourceOrgID", 15 },
					   { "aws:SourceOrgPaths", 18 } };
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (chk_has_key(s, keys[i]))
			return true;
	}
	return false;
}

/* An action of a trust policy that cannot be of the principals it names. */
static void mismatched(struct check *c, const struct check_stmt *s, const struct tree *type)
{
	bool federated = str_eq(type->key, S("Federated"));
	if (c->kind != POLICY_TRUST || s->not_action || chk_first(type) == NULL)
		return;
	for (const struct tree *v = chk_first(s->action); v != NULL; v = chk_next(s->action, v)) {
		bool plain = str_eq_ci(v->text, S("sts:AssumeRole"));
		bool web = str_eq_ci(v->text, S("sts:AssumeRoleWithWebIdentity")) ||
			   str_eq_ci(v->text, S("sts:AssumeRoleWithSAML"));
		if ((plain && federated) || (web && !federated))
			chk_add(c, v, FINDING_ERROR, "MISMATCHED_ACTION_FOR_PRINCIPAL",
				"%.*s is not for %s: federated principals use sts:AssumeRoleWithWebIdentity or "
				"sts:AssumeRoleWithSAML, all others sts:AssumeRole.",
				PR(v->text), federated ? "federated principals" : "users, roles and services");
	}
}

static void type_values(struct check *c, const struct check_stmt *s, const struct tree *type)
{
	bool service = str_eq(type->key, S("Service"));
	if (type->kind == TREE_ARRAY && type->n == 0)
		chk_add(c, type, FINDING_SUGGESTION, "EMPTY_ARRAY_PRINCIPAL",
			"The list is empty, so the statement does nothing.");
	for (const struct tree *v = chk_first(type); v != NULL; v = chk_next(type, v)) {
		if (v->kind != TREE_STRING) {
			chk_add(c, v, FINDING_ERROR, "DATA_TYPE_MISMATCH", "A principal is a string, not %s.",
				tree_kind_name(v->kind));
			continue;
		}
		chk_variables(c, v, false);
		if (str_eq(type->key, S("AWS")))
			aws_value(c, s, v);
		else if (service)
			service_value(c, v);
		else if (str_eq(type->key, S("Federated")))
			federated_value(c, v);
	}
	if (service && s->allow && c->kind == POLICY_RESOURCE && !has_source_key(s))
		chk_add_key(c, type, FINDING_SECURITY_WARNING, "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL",
			    "The service may be acting for anyone: say for whom with a condition on aws:SourceArn or "
			    "aws:SourceAccount.");
}

static void map(struct check *c, const struct check_stmt *s)
{
	static const struct str types[] = {
		{ "AWS", 3 }, { "Service", 7 }, { "Federated", 9 }, { "CanonicalUser", 13 }
	};
	if (s->principal->n == 0)
		chk_add(c, s->principal, FINDING_SUGGESTION, "EMPTY_OBJECT_PRINCIPAL",
			"No principal is named, so the statement does nothing.");
	for (const struct tree *t = s->principal->first; t != NULL; t = t->next) {
		size_t i = 0;
		while (i < COUNT(types) && !str_eq(types[i], t->key))
			i++;
		if (i == COUNT(types)) {
			chk_add_key(c, t, FINDING_ERROR, "INVALID_PRINCIPAL_KEY",
				    "Principals are AWS, Service, Federated or CanonicalUser, not \"%.*s\".",
				    PR(chk_brief(t->key)));
			continue;
		}
		type_values(c, s, t);
		mismatched(c, s, t);
	}
}

static bool names_everyone(const struct check_stmt *s)
{
	const struct tree *aws = s->principal->kind == TREE_OBJECT ? tree_member(s->principal, S("AWS")) : s->principal;
	for (const struct tree *v = chk_first(aws); v != NULL; v = chk_next(aws, v)) {
		if (v->kind == TREE_STRING && str_eq(v->text, S("*")))
			return true;
	}
	return false;
}

static void everyone(struct check *c, const struct check_stmt *s)
{
	bool bare = s->principal->kind == TREE_STRING;
	if (!s->allow || s->not_principal || !names_everyone(s))
		return;
	if (c->kind == POLICY_TRUST && bare)
		chk_add(c, s->principal, FINDING_ERROR, "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
			"Not everyone can assume a role: name the principals.");
	else if ((c->kind == POLICY_TRUST || c->kind == POLICY_RESOURCE) &&
		 (s->condition == NULL || s->condition->n == 0))
		chk_add(c, s->principal, FINDING_SECURITY_WARNING, "PUBLIC_ACCESS",
			"This lets everyone in, whoever they are, without a condition.");
}

void chk_principal(struct check *c, const struct check_stmt *s)
{
	const struct tree *p = s->principal;
	if (p == NULL)
		return;
	if (s->not_principal && c->kind == POLICY_TRUST)
		chk_add_key(c, p, FINDING_ERROR, "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL",
			    "NotPrincipal cannot stand in a trust policy.");
	else if (s->not_principal && s->allow)
		chk_add_key(c, p, FINDING_SECURITY_WARNING, "ALLOW_WITH_NOT_PRINCIPAL",
			    "This allows everyone else, strangers included; it is refused: name whom to allow.");
	if (p->kind == TREE_OBJECT)
		map(c, s);
	else if (p->kind != TREE_STRING)
		chk_add(c, p, FINDING_ERROR, "DATA_TYPE_MISMATCH", "A principal is \"*\" or an object, not %s.",
			tree_kind_name(p->kind));
	else if (!str_eq(p->text, S("*")))
		chk_add(c, p, FINDING_ERROR, "INVALID_PRINCIPAL_FORMAT",
			"Write {\"AWS\": ...}; only \"*\" may stand by itself.");
	everyone(c, s);
}
