/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions and resources against the catalogue: do they exist, do they have the form they must,
 * do they fit each other.
 */
#include "policy/check_int.h"
#include "base/str.h"

enum { ACTION_NAME_MAX = 100 };

static bool has_wild(struct str s) { return str_find_char(s, '*') != SIZE_MAX || str_find_char(s, '?') != SIZE_MAX; }

/* ---- actions ---- */

/* How many letters must change to make one of the other, case apart; more than 3 is 4. */
static unsigned distance(struct str a, struct str b)
{
	unsigned row[ACTION_NAME_MAX + 1];
	if (a.n > ACTION_NAME_MAX || b.n > ACTION_NAME_MAX || a.n > b.n + 3 || b.n > a.n + 3)
		return 4;
	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 0; i < a.n; i++) {
		unsigned corner = row[0], best = row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < b.n; j++) {
			unsigned same = corner + (char_lower(a.p[i]) != char_lower(b.p[j]));
			unsigned other = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
			corner = row[j + 1];
			row[j + 1] = same < other ? same : other;
			best = row[j + 1] < best ? row[j + 1] : best;
		}
		if (best > 3)
			return 4;
	}
	return row[b.n] > 3 ? 4 : row[b.n];
}

/* " Did you mean ...?", or nothing. */
static struct str guess(struct check *c, const struct catalogue_service *s, struct str name)
{
	unsigned best = 4;
	struct catalogue_action found = { 0 };
	if (!chk_spend(c, (size_t)s->actions * 1000))
		return S("");
	for (uint32_t i = 0; i < s->actions; i++) {
		struct catalogue_action a = catalogue_action_at(s->action0 + i);
		unsigned d = distance(name, a.name);
		if (d < best) {
			best = d;
			found = a;
		}
	}
	return best == 4 ? S("") : arena_printf(c->mem, " Did you mean %.*s:%.*s?", PR(found.service), PR(found.name));
}

static bool matches_any(struct check *c, struct str pattern)
{
	struct catalogue_walk it = { 0 };
	struct catalogue_action a;
	return chk_action_next(c, pattern, &it, &a) || c->steps <= 0;
}

static void known_action(struct check *c, const struct tree *v, struct str prefix, struct str name)
{
	struct catalogue_service s;
	struct catalogue_action a;
	if (has_wild(prefix))
		return;
	if (!catalogue_service_find(prefix, &s))
		chk_add(c, v, FINDING_ERROR, "INVALID_SERVICE_IN_ACTION", "There is no service \"%.*s\".",
			PR(chk_brief(prefix)));
	else if (has_wild(name) && !matches_any(c, v->text))
		chk_add(c, v, FINDING_ERROR, "INVALID_ACTION", "No action of %.*s has a name like \"%.*s\".",
			PR(s.prefix), PR(chk_brief(name)));
	else if (!has_wild(name) && !catalogue_action_find(v->text, &a)) {
		struct str hint = guess(c, &s, name);
		chk_add(c, v, FINDING_ERROR, "INVALID_ACTION", "%.*s has no action \"%.*s\".%.*s", PR(s.title),
			PR(chk_brief(name)), PR(hint));
	} else if (c->kind == POLICY_RCP && !s.rcp)
		chk_add(c, v, FINDING_WARNING, "RCP_UNSUPPORTED_SERVICE", "Resource control policies do not bind %.*s.",
			PR(s.title));
}

static void one_action(struct check *c, const struct tree *v)
{
	struct str name = v->text, prefix = str_cut(&name, ':');
	chk_variables(c, v, false);
	if (str_eq(v->text, S("*")) || chk_has_variable(v->text))
		return;
	if (name.p == NULL || name.n == 0 || prefix.n == 0) {
		chk_add(c, v, FINDING_ERROR, "INVALID_ACTION", "An action is of the form service:Name, not \"%.*s\".",
			PR(chk_brief(v->text)));
		return;
	}
	if (c->kind == POLICY_TRUST && !str_eq_ci(prefix, S("sts")))
		chk_add(c, v, FINDING_ERROR, "UNSUPPORTED_ACTION_IN_POLICY",
			"A trust policy has actions of sts alone, not \"%.*s\".", PR(chk_brief(v->text)));
	else
		known_action(c, v, prefix, name);
}

/* Values of one list that another of the list says already. */
static void redundant(struct check *c, const struct tree *list, bool fold, const char *code, const char *what)
{
	for (const struct tree *v = chk_first(list); v != NULL && c->steps > 0; v = chk_next(list, v)) {
		for (const struct tree *w = list->first; list->kind == TREE_ARRAY && w != NULL; w = w->next) {
			if (w == v || !chk_pattern_covers(c, w->text, v->text, fold))
				continue;
			if (w->begin > v->begin && chk_pattern_covers(c, v->text, w->text, fold))
				continue; /* the same said twice: the later one is too much */
			chk_add(c, v, FINDING_SUGGESTION, code,
				"\"%.*s\" is covered by the %s \"%.*s\" of the same list.", PR(chk_brief(v->text)),
				what, PR(chk_brief(w->text)));
			break;
		}
	}
}

void chk_actions(struct check *c, const struct check_stmt *s)
{
	for (const struct tree *v = chk_first(s->action); v != NULL; v = chk_next(s->action, v))
		one_action(c, v);
	if (s->action != NULL)
		redundant(c, s->action, true, "REDUNDANT_ACTION", "action");
}

/* ---- resources ---- */

static bool region_like(struct str s)
{
	size_t dashes = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !char_digit(s.p[i]) && s.p[i] != '-')
			return false;
		dashes += s.p[i] == '-';
	}
	return dashes >= 2 && char_digit(s.p[s.n - 1]);
}

/* The resource types whose ARNs name this service, which need not be the one that lists them. Start with {0}. */
struct type_walk {
	uint32_t type, arn;
};

static bool next_type(struct str service, struct type_walk *it, struct str *arn, struct arn *parts)
{
	for (; it->type < catalogue_resource_count(); it->type++, it->arn = 0) {
		struct catalogue_resource r = catalogue_resource_at(it->type);
		while (it->arn < r.arns) {
			*arn = catalogue_resource_arn(&r, it->arn++);
			if (!failed(arn_parse(*arn, parts)) && str_eq_ci(parts->service, service))
				return true;
		}
	}
	return false;
}

struct known {              /* what the catalogue knows of a service's ARNs */
	struct str service; /* as it is spelt; p == NULL when there is none */
	bool any, region, always_region, account, form;
};

static struct known known_of(struct str service, struct str arn)
{
	struct known k = { .always_region = true };
	struct type_walk it = { 0 };
	struct catalogue_service s;
	struct arn parts;
	struct str type;
	while (next_type(service, &it, &type, &parts)) {
		k.any = true;
		k.service = parts.service;
		k.region |= parts.region.n > 0;
		k.always_region &= parts.region.n > 0;
		k.account |= parts.account.n > 0;
		k.form = k.form || catalogue_patterns_meet(arn, type);
	}
	if (!k.any && catalogue_service_find(service, &s))
		k.service = s.prefix;
	return k;
}

static bool check_region(struct check *c, const struct tree *v, const struct known *k, struct str region)
{
	if (chk_has_variable(region))
		return true;
	if (region.n > 0 && !k->region && !str_eq(region, S("*")))
		chk_add(c, v, FINDING_ERROR, "ARN_REGION_NOT_ALLOWED", "ARNs of %.*s have no region.", PR(k->service));
	else if (region.n == 0 && k->always_region)
		chk_add(c, v, FINDING_ERROR, "MISSING_ARN_REGION", "ARNs of %.*s have a region.", PR(k->service));
	else if (region.n > 0 && !has_wild(region) && !region_like(region))
		chk_add(c, v, FINDING_ERROR, "INVALID_REGION", "\"%.*s\" is not the name of a region.",
			PR(chk_brief(region)));
	else
		return true;
	return false;
}

static bool check_account(struct check *c, const struct tree *v, const struct known *k, struct str account)
{
	bool aws =
	    str_eq(account, S("aws")) || str_eq(account, S("aws-marketplace")) || str_eq(account, S("cloudfront"));
	if (account.n == 0 || aws || has_wild(account) || chk_has_variable(account))
		return true;
	if (!k->account)
		chk_add(c, v, FINDING_ERROR, "ARN_ACCOUNT_NOT_ALLOWED", "ARNs of %.*s have no account.",
			PR(k->service));
	else if (!account_id_is(account))
		chk_add(c, v, FINDING_ERROR, "INVALID_ARN_ACCOUNT", "\"%.*s\" is not an account of 12 digits.",
			PR(chk_brief(account)));
	else
		return true;
	return false;
}

static void check_service_arn(struct check *c, const struct tree *v, const struct arn *a)
{
	if (!chk_spend(c, 5000 + v->text.n * 200))
		return;
	struct known k = known_of(a->service, v->text);
	if (k.service.p == NULL)
		chk_add(c, v, FINDING_ERROR, "INVALID_SERVICE", "There is no service \"%.*s\".",
			PR(chk_brief(a->service)));
	else if (!str_eq(k.service, a->service))
		chk_add(c, v, FINDING_ERROR, "INVALID_ARN_SERVICE_CASE", "The service is written \"%.*s\".",
			PR(k.service));
	else if (k.any && check_region(c, v, &k, a->region) && check_account(c, v, &k, a->account) && !k.form)
		chk_add(c, v, FINDING_ERROR, "INVALID_ARN_RESOURCE", "%.*s has no type of resource with such an ARN.",
			PR(k.service));
}

/* The six parts; colons inside ${...} separate nothing. */
static bool split(struct str s, struct arn *out)
{
	struct str *part[] = { &out->partition, &out->service, &out->region, &out->account };
	size_t from = 4, n = 0;
	bool inside = false;
	for (size_t i = 4; i < s.n && n < COUNT(part); i++) {
		inside = (inside || (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{')) && s.p[i] != '}';
		if (s.p[i] != ':' || inside)
			continue;
		*part[n++] = str_sub(s, from, i - from);
		from = i + 1;
	}
	out->resource = str_from(s, from);
	return n == COUNT(part) && out->resource.n > 0;
}

static void one_resource(struct check *c, const struct tree *v)
{
	struct arn a = { 0 };
	bool ceiling = c->kind == POLICY_SCP || c->kind == POLICY_RCP;
	chk_variables(c, v, true);
	if (str_eq(v->text, S("*")))
		return;
	if (!str_starts(v->text, S("arn:")))
		chk_add(c, v, FINDING_ERROR, "INVALID_ARN_PREFIX",
			"A resource is \"*\" or an ARN: it begins with \"arn:\".");
	else if (!split(v->text, &a))
		chk_add(c, v, FINDING_ERROR, "MISSING_ARN_FIELD",
			"An ARN has six parts: arn:partition:service:region:account:resource.");
	else if (!str_eq(a.partition, S("aws")) && !str_eq(a.partition, S("aws-cn")) &&
		 !str_eq(a.partition, S("aws-us-gov")) && !(ceiling && str_eq(a.partition, S("*"))))
		chk_add(c, v, FINDING_ERROR, "INVALID_PARTITION",
			"\"%.*s\" is not a partition: aws, aws-cn, aws-us-gov.", PR(chk_brief(a.partition)));
	else if (!has_wild(a.service) && !chk_has_variable(a.service))
		check_service_arn(c, v, &a);
}

/* Could an action take this resource? Those without types take "*" alone. */
static bool takes(const struct catalogue_action *a, struct str arn)
{
	for (uint32_t i = 0; i < a->uses; i++) {
		struct catalogue_use u = catalogue_use_at(a, i);
		if (catalogue_resource_meets(&u.type, arn))
			return true;
	}
	return false;
}

static bool taken_by_any(struct check *c, const struct check_stmt *s, struct str arn)
{
	for (const struct tree *v = chk_first(s->action); v != NULL; v = chk_next(s->action, v)) {
		struct catalogue_walk it = { 0 };
		struct catalogue_action a;
		while (chk_action_next(c, v->text, &it, &a)) {
			if (!chk_spend(c, arn.n * 50 + 1000) || takes(&a, arn))
				return true;
		}
	}
	return c->steps <= 0;
}

/* An action of an exact name that none of the resources can be of. */
static void action_without_resource(struct check *c, const struct check_stmt *s, const struct tree *v)
{
	struct catalogue_action a;
	if (has_wild(v->text) || !catalogue_action_find(v->text, &a))
		return;
	for (const struct tree *r = chk_first(s->resource); r != NULL; r = chk_next(s->resource, r)) {
		if (str_eq(r->text, S("*")) || !chk_spend(c, r->text.n * 50 + 1000) || takes(&a, r->text))
			return;
	}
	chk_add(c, v, FINDING_WARNING, "RESOURCE_MISMATCH",
		a.uses == 0 ? "%.*s:%.*s is not about a single resource: it needs Resource \"*\"."
			    : "%.*s:%.*s takes none of the resources of this statement.",
		PR(a.service), PR(a.name));
}

static void mismatches(struct check *c, const struct check_stmt *s)
{
	if (s->action == NULL || s->resource == NULL || s->not_action || s->not_resource || c->errors)
		return;
	for (const struct tree *r = chk_first(s->resource); r != NULL; r = chk_next(s->resource, r)) {
		if (!str_eq(r->text, S("*")) && !taken_by_any(c, s, r->text))
			chk_add(c, r, FINDING_WARNING, "RESOURCE_MISMATCH",
				"No action of this statement takes \"%.*s\".", PR(chk_brief(r->text)));
	}
	for (const struct tree *v = chk_first(s->action); v != NULL; v = chk_next(s->action, v))
		action_without_resource(c, s, v);
}

void chk_resources(struct check *c, const struct check_stmt *s)
{
	for (const struct tree *v = chk_first(s->resource); v != NULL; v = chk_next(s->resource, v))
		one_resource(c, v);
	if (s->resource != NULL)
		redundant(c, s->resource, false, "REDUNDANT_RESOURCE", "resource");
	mismatches(c, s);
}
