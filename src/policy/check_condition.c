/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: operators, keys by the catalogue, values by the operator, and what the set
 * operators mean for the key at hand.
 *
 * Not looked for: AWS's warnings about private addresses under aws:SourceIp. Here requests come
 * from private networks, and the key has those addresses.
 */
#include "policy/check_int.h"
#include "policy/impl.h"

enum class { CL_STRING, CL_NUMERIC, CL_DATE, CL_BOOL, CL_BINARY, CL_IP, CL_ARN, CL_NULL };

static const struct {
	struct str name;
	enum class class;
	bool like; /* wildcards mean something */
} operators[] = {
	{ { "StringEquals", 12 }, CL_STRING, false },
	{ { "StringNotEquals", 15 }, CL_STRING, false },
	{ { "StringEqualsIgnoreCase", 22 }, CL_STRING, false },
	{ { "StringNotEqualsIgnoreCase", 25 }, CL_STRING, false },
	{ { "StringLike", 10 }, CL_STRING, true },
	{ { "StringNotLike", 13 }, CL_STRING, true },
	{ { "NumericEquals", 13 }, CL_NUMERIC, false },
	{ { "NumericNotEquals", 16 }, CL_NUMERIC, false },
	{ { "NumericLessThan", 15 }, CL_NUMERIC, false },
	{ { "NumericLessThanEquals", 21 }, CL_NUMERIC, false },
	{ { "NumericGreaterThan", 18 }, CL_NUMERIC, false },
	{ { "NumericGreaterThanEquals", 24 }, CL_NUMERIC, false },
	{ { "DateEquals", 10 }, CL_DATE, false },
	{ { "DateNotEquals", 13 }, CL_DATE, false },
	{ { "DateLessThan", 12 }, CL_DATE, false },
	{ { "DateLessThanEquals", 18 }, CL_DATE, false },
	{ { "DateGreaterThan", 15 }, CL_DATE, false },
	{ { "DateGreaterThanEquals", 21 }, CL_DATE, false },
	{ { "Bool", 4 }, CL_BOOL, false },
	{ { "BinaryEquals", 12 }, CL_BINARY, false },
	{ { "IpAddress", 9 }, CL_IP, false },
	{ { "NotIpAddress", 12 }, CL_IP, false },
	{ { "ArnEquals", 9 }, CL_ARN, true },
	{ { "ArnLike", 7 }, CL_ARN, true },
	{ { "ArnNotEquals", 12 }, CL_ARN, true },
	{ { "ArnNotLike", 10 }, CL_ARN, true },
	{ { "Null", 4 }, CL_NULL, false },
};
static const char *const class_names[] = { "String", "Numeric", "Date", "Bool", "Binary", "IpAddress", "Arn", "Null" };

struct oper {
	enum class class;
	bool like, all, any, if_exists;
};

static bool operator_of(struct str name, struct oper *out)
{
	*out = (struct oper){ .all = str_starts(name, S("ForAllValues:")), .any = str_starts(name, S("ForAnyValue:")) };
	name = str_from(name, out->all ? 13 : out->any ? 12 : 0);
	out->if_exists = str_ends(name, S("IfExists"));
	name.n -= out->if_exists ? 8 : 0;
	for (size_t i = 0; i < COUNT(operators); i++) {
		if (!str_eq(operators[i].name, name))
			continue;
		out->class = operators[i].class;
		out->like = operators[i].like;
		return true;
	}
	return false;
}

/* ---- keys ---- */

static struct str tag_keys[] = {
	{ "aws:RequestTag", 14 }, { "aws:ResourceTag", 15 }, { "aws:PrincipalTag", 16 }, { "iam:ResourceTag", 15 }
};

static bool lacks_tag(struct str name)
{
	if (name.n > 0 && name.p[name.n - 1] == '/')
		name.n--;
	for (size_t i = 0; i < COUNT(tag_keys); i++) {
		if (str_eq_ci(name, tag_keys[i]))
			return true;
	}
	return false;
}

/* A provider's claims ("accounts.example.com:sub") are named by its domain, and those nobody can list. */
static bool is_claim(struct str prefix) { return str_find_char(prefix, '.') != SIZE_MAX; }

static void unknown_key(struct check *c, const struct tree *k, struct str prefix)
{
	struct catalogue_service s;
	if (lacks_tag(k->key))
		chk_add_key(c, k, FINDING_ERROR, "MISSING_TAG_KEY_IN_CONDITION", "Say which tag: %.*s/NAME.",
			    PR(chk_brief(k->key)));
	else if (str_eq_ci(k->key, S("aws:ARN")))
		chk_add_key(c, k, FINDING_ERROR, "UNSUPPORTED_GLOBAL_CONDITION_KEY",
			    "There is aws:PrincipalArn and aws:SourceArn.");
	else if (str_eq_ci(prefix, S("aws")))
		chk_add_key(c, k, FINDING_ERROR, "INVALID_GLOBAL_CONDITION_KEY", "There is no global key \"%.*s\".",
			    PR(chk_brief(k->key)));
	else if (catalogue_service_find(prefix, &s))
		chk_add_key(c, k, FINDING_ERROR, "INVALID_SERVICE_CONDITION_KEY", "%.*s has no condition key \"%.*s\".",
			    PR(s.title), PR(chk_brief(k->key)));
	else if (!is_claim(prefix))
		chk_add_key(c, k, FINDING_ERROR, "INVALID_SERVICE", "There is no service \"%.*s\".",
			    PR(chk_brief(prefix)));
}

static bool class_fits(const struct catalogue_key *key, enum class class)
{
	bool arn_by_name = key->name.n > 3 && str_eq_ci(str_from(key->name, key->name.n - 3), S("arn"));
	switch (key->type) {
	case CATALOGUE_STRING:
		return class == CL_STRING || (class == CL_ARN && arn_by_name);
	case CATALOGUE_ARN:
		return class == CL_ARN || class == CL_STRING;
	case CATALOGUE_BOOL:
		return class == CL_BOOL;
	case CATALOGUE_NUMERIC:
		return class == CL_NUMERIC;
	case CATALOGUE_DATE:
		return class == CL_DATE || (class == CL_NUMERIC && str_eq(key->name, S("aws:EpochTime")));
	case CATALOGUE_IP:
		return class == CL_IP;
	case CATALOGUE_BINARY:
		return class == CL_BINARY;
	}
	return true;
}

static void key_and_operator(struct check *c, const struct check_stmt *s, const struct tree *k, const struct oper *op,
			     const struct catalogue_key *key)
{
	static const char *const wanted[] = { "String", "Arn", "Bool", "Numeric", "Date", "IpAddress", "Binary" };
	if (op->class == CL_NULL)
		return;
	if (!class_fits(key, op->class))
		chk_add_key(c, k, FINDING_WARNING, "TYPE_MISMATCH", "%.*s wants an operator of type %s, not %s.",
			    PR(key->name), wanted[key->type], class_names[op->class]);
	if (key->multi && !op->all && !op->any)
		chk_add_key(c, k, FINDING_ERROR, "MISSING_QUALIFIER",
			    "%.*s has several values: say ForAllValues: or ForAnyValue: before the operator.",
			    PR(key->name));
	if (!key->multi && op->all && s->allow)
		chk_add_key(c, k, FINDING_SECURITY_WARNING, "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
			    "%.*s has one value; with ForAllValues: the condition also holds when the key is missing.",
			    PR(key->name));
}

/* ---- which actions have the key ---- */

struct share { /* of the statement's actions */
	size_t all, with;
	bool ended; /* not all were looked at */
	char lacking[200];
	size_t lacking_n;
};

static void note_service(struct share *sh, struct str service, bool lists)
{
	bool seen = lists || str_find(str_make(sh->lacking, sh->lacking_n), service) != SIZE_MAX;
	if (seen || sh->lacking_n + service.n + 2 > sizeof sh->lacking)
		return;
	int n = snprintf(sh->lacking + sh->lacking_n, sizeof sh->lacking - sh->lacking_n, "%s%.*s",
			 sh->lacking_n > 0 ? ", " : "", PR(service));
	sh->lacking_n += (size_t)n;
}

static struct share share_of(struct check *c, const struct check_stmt *s, const struct catalogue_key *key)
{
	struct share sh = { 0 };
	for (const struct tree *v = chk_first(s->action); v != NULL; v = chk_next(s->action, v)) {
		struct catalogue_walk it = { 0 };
		struct catalogue_action a;
		if (str_eq(v->text, S("*"))) {
			sh.ended = true;
			return sh;
		}
		bool lists = false;
		struct str service = v->text;
		service = str_cut(&service, ':');
		size_t before = sh.all;
		while (chk_action_next(c, v->text, &it, &a)) {
			if (!chk_spend(c, 100))
				break;
			bool has = catalogue_action_lists_key(&a, key);
			lists |= has;
			sh.with += has;
			sh.all++;
		}
		if (sh.all > before)
			note_service(&sh, service, lists);
	}
	sh.ended = c->steps <= 0;
	return sh;
}

static void tag_support(struct check *c, const struct check_stmt *s, const struct tree *k,
			const struct catalogue_key *key)
{
	if (s->not_action && s->deny) {
		chk_add_key(
		    c, k, FINDING_SECURITY_WARNING, "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
		    "Actions that do not know %.*s are not denied: list the actions to deny instead.", PR(key->name));
		return;
	}
	struct share sh = s->not_action || s->action == NULL ? (struct share){ .ended = true } : share_of(c, s, key);
	if (sh.ended || sh.lacking_n == 0)
		return;
	if (s->deny)
		chk_add_key(c, k, FINDING_SECURITY_WARNING, "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
			    "The actions listed of %.*s do not know %.*s, so this does not deny them.",
			    (int)sh.lacking_n, sh.lacking, PR(key->name));
	else
		chk_add_key(c, k, FINDING_SUGGESTION, "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
			    "The actions listed of %.*s do not know %.*s, so this does not allow them.",
			    (int)sh.lacking_n, sh.lacking, PR(key->name));
}

static void key_and_actions(struct check *c, const struct check_stmt *s, const struct tree *k, const struct oper *op,
			    const struct catalogue_key *key)
{
	bool resource_tag = str_eq(key->name, S("aws:ResourceTag/${TagKey}"));
	if (resource_tag && op->class != CL_NULL && !op->if_exists)
		tag_support(c, s, k, key);
	if (key->everywhere || s->not_action || s->action == NULL)
		return;
	struct share sh = share_of(c, s, key);
	if (!sh.ended && sh.all > 0 && sh.with == 0)
		chk_add_key(c, k, FINDING_WARNING, "CONDITION_KEY_MISMATCH",
			    "No action of this statement knows %.*s, so requests never have it.", PR(key->name));
}

/* ---- values ---- */

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!char_digit(s.p[i]))
			return false;
	}
	return s.n > 0;
}

static void ip_value(struct check *c, const struct tree *v)
{
	struct cidr r;
	if (!pol_cidr_parse(v->text, &r)) {
		chk_add(c, v, FINDING_ERROR, "TYPE_MISMATCH_IP_RANGE",
			"This is neither an address nor a range such as 203.0.113.0/24.");
		return;
	}
	size_t bits = r.v4 ? 32 : 128;
	for (size_t i = r.bits; i < bits; i++) {
		if (!(r.addr[i / 8] >> (7 - i % 8) & 1))
			continue;
		chk_add(c, v, FINDING_SUGGESTION, "IMPROVE_IP_RANGE",
			"The bits behind the first %u are ignored: write the range with them zero.", r.bits);
		return;
	}
}

static void date_value(struct check *c, const struct tree *v)
{
	int64_t ms;
	if (!pol_date_parse(v->text, &ms))
		chk_add(c, v, FINDING_ERROR, "TYPE_MISMATCH_DATE", "This is not a date such as 2026-07-16T00:00:00Z.");
	else if (all_digits(v->text))
		chk_add(c, v, FINDING_WARNING, "INVALID_DATE_VALUE", "Write the date as 2026-07-16T00:00:00Z.");
}

static void plain_value(struct check *c, const struct tree *v, const struct oper *op)
{
	bool wild = str_find_char(v->text, '*') != SIZE_MAX || str_find_char(v->text, '?') != SIZE_MAX;
	if (wild && !op->like && !chk_has_variable(v->text))
		chk_add(c, v, FINDING_WARNING, "WILDCARD_WITHOUT_LIKE_OPERATOR",
			"* and ? are plain characters here: for a pattern use StringLike or ArnLike.");
}

static void typed_value(struct check *c, const struct tree *v, const struct oper *op)
{
	struct num num;
	size_t n;
	bool truth = str_eq_ci(v->text, S("true")) || str_eq_ci(v->text, S("false"));
	switch (op->class) {
	case CL_NUMERIC:
		if (!pol_num_parse(v->text, &num))
			chk_add(c, v, FINDING_ERROR, "TYPE_MISMATCH_NUMBER", "This is not a decimal number.");
		break;
	case CL_DATE:
		date_value(c, v);
		break;
	case CL_BOOL:
	case CL_NULL:
		if (!truth && (op->class == CL_NULL || !chk_has_variable(v->text)))
			chk_add(c, v, FINDING_ERROR, "TYPE_MISMATCH_BOOLEAN", "This is neither true nor false.");
		break;
	case CL_BINARY:
		if (!pol_base64_length(v->text, &n))
			chk_add(c, v, FINDING_ERROR, "TYPE_MISMATCH_STRING", "This is not base64.");
		break;
	case CL_IP:
		ip_value(c, v);
		break;
	default:
		plain_value(c, v, op);
	}
}

static void one_value(struct check *c, const struct tree *v, const struct oper *op)
{
	bool expands = op->class == CL_STRING || op->class == CL_ARN || op->class == CL_BOOL;
	if (v->kind == TREE_OBJECT || v->kind == TREE_ARRAY || v->kind == TREE_NULL) {
		chk_add(c, v, FINDING_ERROR, "DATA_TYPE_MISMATCH",
			"A value is a string, a number or a boolean, not %s.", tree_kind_name(v->kind));
		return;
	}
	if (v->kind == TREE_STRING && chk_has_variable(v->text) && !expands) {
		chk_add(c, v, FINDING_ERROR, "INVALID_VARIABLE_FOR_OPERATOR",
			"Variables are for String, Arn and Bool operators.");
		return;
	}
	chk_variables(c, v, true);
	typed_value(c, v, op);
}

static void no_values(struct check *c, const struct tree *k, const struct oper *op)
{
	chk_add(c, k, FINDING_SUGGESTION,
		op->all         ? "EMPTY_ARRAY_CONDITION_FORALLVALUES"
		: op->any       ? "EMPTY_ARRAY_CONDITION_FORANYVALUE"
		: op->if_exists ? "EMPTY_ARRAY_CONDITION_IFEXISTS"
				: "EMPTY_ARRAY_CONDITION",
		"There is no value to compare with.");
}

static void values(struct check *c, const struct tree *k, const struct oper *op)
{
	size_t truths = 0;
	if (k->kind == TREE_ARRAY && k->n == 0)
		no_values(c, k, op);
	for (const struct tree *v = chk_first(k); v != NULL; v = chk_next(k, v)) {
		one_value(c, v, op);
		truths++;
	}
	if (op->class == CL_BOOL && truths > 1 && !op->all && !op->any)
		chk_add(c, k, FINDING_ERROR, "INVALID_CONDITION_MULTIPLE_BOOLEAN",
			"One boolean is compared with one value, true or false.");
}

/* ---- the block ---- */

static void one_key(struct check *c, const struct check_stmt *s, const struct tree *k, const struct oper *op)
{
	struct catalogue_key key;
	struct str name = k->key, prefix = str_cut(&name, ':');
	if (name.p == NULL || name.n == 0 || prefix.n == 0)
		chk_add_key(c, k, FINDING_ERROR, "INVALID_CONDITION_KEY_FORMAT", "A key is of the form service:name.");
	else if (lacks_tag(k->key) || !chk_spend(c, 3000) || !catalogue_key_find(k->key, &key))
		unknown_key(c, k, prefix);
	else {
		key_and_operator(c, s, k, op, &key);
		key_and_actions(c, s, k, op, &key);
	}
	values(c, k, op);
}

static void same_key_other_case(struct check *c, const struct tree *block)
{
	for (const struct tree *k = block->first; k != NULL; k = k->next) {
		for (const struct tree *m = block->first; m != k && chk_spend(c, 10); m = m->next) {
			if (str_eq_ci(m->key, k->key))
				chk_add_key(c, k, FINDING_ERROR, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
					    "The key stands in this block already; case does not tell keys apart.");
		}
	}
}

static void one_operator(struct check *c, const struct check_stmt *s, const struct tree *block)
{
	struct oper op;
	if (!operator_of(block->key, &op)) {
		chk_add_key(c, block, FINDING_ERROR, "INVALID_CONDITION_OPERATOR", "There is no operator \"%.*s\".",
			    PR(chk_brief(block->key)));
		return;
	}
	if (op.class == CL_NULL && op.if_exists)
		chk_add_key(c, block, FINDING_ERROR, "NULL_WITH_IF_EXISTS", "Null does not go with IfExists.");
	if (op.class == CL_NULL && (op.all || op.any))
		chk_add_key(c, block, FINDING_SUGGESTION, "NULL_WITH_QUALIFIER",
			    "Null asks whether the key is there; ForAllValues: and ForAnyValue: make it useless.");
	if (block->kind != TREE_OBJECT) {
		chk_add(c, block, FINDING_ERROR, "DATA_TYPE_MISMATCH", "An operator takes an object of keys, not %s.",
			tree_kind_name(block->kind));
		return;
	}
	if (block->n == 0)
		chk_add(c, block, FINDING_SUGGESTION, "EMPTY_OBJECT_CONDITION", "There is no key to look at.");
	same_key_other_case(c, block);
	for (const struct tree *k = block->first; k != NULL; k = k->next)
		one_key(c, s, k, &op);
}

void chk_conditions(struct check *c, const struct check_stmt *s)
{
	if (s->condition == NULL)
		return;
	if (s->condition->n == 0)
		chk_add(c, s->condition, FINDING_SUGGESTION, "EMPTY_OBJECT_CONDITION", "There is no condition in it.");
	for (const struct tree *block = s->condition->first; block != NULL; block = block->next)
		one_operator(c, s, block);
	if (chk_has_key(s, S("aws:VpcSourceIp")) && s->allow && !chk_has_key(s, S("aws:SourceVpc")) &&
	    !chk_has_key(s, S("aws:SourceVpce")))
		chk_add_key(
		    c, s->condition, FINDING_SECURITY_WARNING, "MISSING_PAIRED_CONDITION_KEYS",
		    "An address means something in one network only: ask for aws:SourceVpc or aws:SourceVpce too.");
}

bool chk_has_key(const struct check_stmt *s, struct str key)
{
	for (const struct tree *b = s->condition != NULL ? s->condition->first : NULL; b != NULL; b = b->next) {
		for (const struct tree *k = b->kind == TREE_OBJECT ? b->first : NULL; k != NULL; k = k->next) {
			if (str_eq_ci(k->key, key))
				return true;
		}
	}
	return false;
}
