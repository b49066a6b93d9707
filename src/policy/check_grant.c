/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allows that are wider than anyone should need: everything, a whole service, permissions
 * themselves, any role passed to anyone.
 *
 * Asked of identity policies only. Boundaries, session policies and ceilings give nothing by
 * themselves; a resource policy ends at its resource.
 */
#include "base/str.h"
#include "policy/check_int.h"

enum breadth { B_NONE, B_EXACT, B_WILD, B_REST /* by NotAction or NotResource */ };

static bool has_wild(struct str s) { return str_find_char(s, '*') != SIZE_MAX || str_find_char(s, '?') != SIZE_MAX; }

static const struct tree *value_is(const struct tree *list, struct str what)
{
	for (const struct tree *v = chk_first(list); v != NULL; v = chk_next(list, v)) {
		if (str_eq(v->text, what))
			return v;
	}
	return NULL;
}

/* How the statement comes to speak of that action; *at is the value. */
static enum breadth reaches(const struct check_stmt *s, struct str action, const struct tree **at)
{
	enum breadth found = B_NONE;
	*at = s->action;
	for (const struct tree *v = chk_first(s->action); v != NULL; v = chk_next(s->action, v)) {
		if (!policy_wildcard_match_ci(v->text, action))
			continue;
		found = has_wild(v->text) ? B_WILD : B_EXACT;
		*at = v;
		break;
	}
	if (s->not_action)
		return found == B_NONE ? B_REST : B_NONE;
	return found;
}

/* Is the role's name left open, as in "*" or in a role ARN whose name begins with a star? */
static enum breadth role_breadth(const struct check_stmt *s)
{
	if (s->not_resource)
		return B_REST;
	for (const struct tree *v = chk_first(s->resource); v != NULL; v = chk_next(s->resource, v)) {
		size_t role = str_find(v->text, S(":role/"));
		struct str name = role == SIZE_MAX ? v->text : str_from(v->text, role + 6);
		bool open = str_eq(v->text, S("*")) || (role != SIZE_MAX && str_starts(name, S("*"))) ||
			    (role == SIZE_MAX && str_starts(v->text, S("arn:")) && str_ends(v->text, S("*")) &&
			     str_find(v->text, S(":iam:")) != SIZE_MAX);
		if (open)
			return B_WILD;
	}
	return B_EXACT;
}

struct danger {
	struct str action, key; /* a condition on the key makes it harmless */
	enum policy_finding_type type;
	const char *what;
	const char *codes[4][4]; /* by breadth of action and of resource; NULL: harmless */
};

static const struct danger dangers[] = {
	{
	    .action = { "iam:PassRole", 12 },
	    .key = { "iam:PassedToService", 19 },
	    .type = FINDING_SECURITY_WARNING,
	    .what = "This lets any role be passed to any service: name the roles, or ask for iam:PassedToService.",
	    .codes = { [B_EXACT] = { [B_WILD] = "PASS_ROLE_WITH_STAR_IN_RESOURCE",
				     [B_REST] = "PASS_ROLE_WITH_NOT_RESOURCE" },
		       [B_WILD] = { [B_WILD] = "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE",
				    [B_REST] = "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE" },
		       [B_REST] = { [B_WILD] = "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
				    [B_REST] = "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE" } },
	},
	{
	    .action = { "iam:CreateServiceLinkedRole", 27 },
	    .key = { "iam:AWSServiceName", 18 },
	    .type = FINDING_WARNING,
	    .what = "This lets a service-linked role be made for any service: name the roles, or ask for "
		    "iam:AWSServiceName.",
	    .codes = { [B_EXACT] = { [B_REST] = "CREATE_SLR_WITH_NOT_RESOURCE" },
		       [B_WILD] = { [B_WILD] = "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE",
				    [B_REST] = "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE" },
		       [B_REST] = { [B_WILD] = "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
				    [B_REST] = "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE" } },
	},
};

static void known_dangers(struct check *c, const struct check_stmt *s)
{
	for (size_t i = 0; i < COUNT(dangers); i++) {
		const struct danger *d = &dangers[i];
		const struct tree *at;
		const char *code = d->codes[reaches(s, d->action, &at)][role_breadth(s)];
		if (code != NULL && !chk_has_key(s, d->key))
			chk_add(c, at, d->type, code, "%s", d->what);
	}
}

/* "s3:*": the whole of a service; p == NULL when the value is not that. */
static struct str whole_service(struct str action)
{
	struct str name = action, prefix = str_cut(&name, ':');
	return name.p != NULL && str_eq(name, S("*")) && !has_wild(prefix) ? prefix : (struct str){ 0 };
}

static size_t count_permissions(struct check *c, struct str pattern, struct str *first)
{
	struct catalogue_walk it = { 0 };
	struct catalogue_action a;
	size_t n = 0;
	while (chk_action_next(c, pattern, &it, &a)) {
		if (a.access == CATALOGUE_PERMISSIONS && n++ == 0)
			*first = a.name;
	}
	return n;
}

static void on_everything(struct check *c, const struct check_stmt *s)
{
	for (const struct tree *v = chk_first(s->action); v != NULL; v = chk_next(s->action, v)) {
		struct str service = whole_service(v->text), first = S("");
		if (str_eq(v->text, S("*")) || str_eq(v->text, S("*:*"))) {
			chk_add(c, v, FINDING_SECURITY_WARNING, "FULL_ADMIN_ACCESS",
				"This allows everything on everything.");
			continue;
		}
		size_t n = count_permissions(c, v->text, &first);
		if (n > 0)
			chk_add(c, v, FINDING_SECURITY_WARNING, "PERMISSIONS_MANAGEMENT_ON_ALL_RESOURCES",
				"This lets permissions be changed on every resource (%.*s%s).", PR(first),
				n > 1 ? " and more" : "");
		else if (service.p != NULL)
			chk_add(c, v, FINDING_WARNING, "FULL_SERVICE_ACCESS",
				"This allows all of %.*s on every resource.", PR(service));
	}
}

void chk_grant(struct check *c, const struct check_stmt *s)
{
	if (!s->allow || s->action == NULL || s->resource == NULL || c->kind != POLICY_IDENTITY)
		return;
	known_dangers(c, s);
	if (s->not_action)
		chk_add_key(c, s->action, FINDING_WARNING, "ALLOW_WITH_NOT_ACTION",
			    "This allows every action but these, those of tomorrow's services included.");
	else if (!s->not_resource && value_is(s->resource, S("*")) != NULL && s->condition == NULL)
		on_everything(c, s);
}
