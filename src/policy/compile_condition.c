/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: the operators, and values parsed once so that a decision need not.
 *
 * "IAM JSON policy elements: Condition operators" is the list. An operator is
 * [ForAllValues:|ForAnyValue:]name[IfExists]; IfExists does not go with Null.
 */
#include "policy/build.h"

enum { CONDITIONS_MAX = 1024 }; /* in one statement: bounds the search for repeated keys */

static const struct {
	struct str name;
	enum op op;
	bool negated;
} operators[] = {
	{ { "StringEquals", 12 }, OP_STRING, false },
	{ { "StringNotEquals", 15 }, OP_STRING, true },
	{ { "StringEqualsIgnoreCase", 22 }, OP_STRING_CI, false },
	{ { "StringNotEqualsIgnoreCase", 25 }, OP_STRING_CI, true },
	{ { "StringLike", 10 }, OP_LIKE, false },
	{ { "StringNotLike", 13 }, OP_LIKE, true },
	{ { "NumericEquals", 13 }, OP_NUM_EQ, false },
	{ { "NumericNotEquals", 16 }, OP_NUM_EQ, true },
	{ { "NumericLessThan", 15 }, OP_NUM_LT, false },
	{ { "NumericLessThanEquals", 21 }, OP_NUM_LE, false },
	{ { "NumericGreaterThan", 18 }, OP_NUM_GT, false },
	{ { "NumericGreaterThanEquals", 24 }, OP_NUM_GE, false },
	{ { "DateEquals", 10 }, OP_DATE_EQ, false },
	{ { "DateNotEquals", 13 }, OP_DATE_EQ, true },
	{ { "DateLessThan", 12 }, OP_DATE_LT, false },
	{ { "DateLessThanEquals", 18 }, OP_DATE_LE, false },
	{ { "DateGreaterThan", 15 }, OP_DATE_GT, false },
	{ { "DateGreaterThanEquals", 21 }, OP_DATE_GE, false },
	{ { "Bool", 4 }, OP_BOOL, false },
	{ { "BinaryEquals", 12 }, OP_BINARY, false },
	{ { "IpAddress", 9 }, OP_IP, false },
	{ { "NotIpAddress", 12 }, OP_IP, true },
	{ { "ArnEquals", 9 }, OP_ARN, false },
	{ { "ArnLike", 7 }, OP_ARN, false },
	{ { "ArnNotEquals", 12 }, OP_ARN, true },
	{ { "ArnNotLike", 10 }, OP_ARN, true },
	{ { "Null", 4 }, OP_NULL, false },
};

/* *which numbers the operator, so that its forms (set, IfExists) can be told apart by a bit each. */
static bool find_operator(struct str name, struct cond *c, size_t *which)
{
	static const struct str all = { "ForAllValues:", 13 }, any = { "ForAnyValue:", 12 }, exists = { "IfExists", 8 };
	c->set = str_starts(name, all) ? SET_ALL : str_starts(name, any) ? SET_ANY : SET_NONE;
	name = str_from(name, c->set == SET_ALL ? all.n : c->set == SET_ANY ? any.n : 0);
	c->if_exists = str_ends(name, exists);
	name.n -= c->if_exists ? exists.n : 0;
	for (size_t i = 0; i < COUNT(operators); i++) {
		if (!str_eq(operators[i].name, name))
			continue;
		c->op = (uint8_t)operators[i].op;
		c->negated = operators[i].negated;
		*which = i;
		return !(c->op == OP_NULL && c->if_exists);
	}
	return false;
}

static struct status bad_value(struct build *b, const struct value *v, const char *why)
{
	struct str s = pol_chars_of(b, v->s);
	return pol_refuse(b, v->at, POLICY_FAULT_CONDITION, SYNTAX, "\"%.*s\" %s", (int)(s.n < 200 ? s.n : 200), s.p,
			  why);
}

static bool is_bool(struct str s) { return str_eq_ci(s, S("true")) || str_eq_ci(s, S("false")); }

static struct status compile_bool(struct build *b, const struct value *v, struct cval *out)
{
	TRY(pol_compile_pattern(b, v, USE_EQUALS, &out->pat));
	if (out->pat.form == PAT_EXACT && !is_bool(pol_chars_of(b, v->s)))
		return bad_value(b, v, "is neither true nor false");
	return OK;
}

static struct status compile_bytes(struct build *b, const struct value *v, struct cval *out)
{
	struct str s = pol_chars_of(b, v->s);
	size_t n;
	if (!pol_base64_length(s, &n))
		return bad_value(b, v, "is not base64");
	char *room = NEWS(b->mem, char, n + 1);
	pol_base64_to(s, room);
	out->bytes = pol_chars_add(b, str_make(room, n));
	return OK;
}

static struct status compile_value(struct build *b, enum op op, const struct value *v, struct cval *out)
{
	struct str s = pol_chars_of(b, v->s);
	switch (op) {
	case OP_STRING:
	case OP_STRING_CI:
		return pol_compile_pattern(b, v, USE_EQUALS, &out->pat);
	case OP_LIKE:
		return pol_compile_pattern(b, v, USE_LIKE, &out->pat);
	case OP_ARN:
		return pol_compile_pattern(b, v, USE_ARN, &out->pat);
	case OP_BOOL:
		return compile_bool(b, v, out);
	case OP_BINARY:
		return compile_bytes(b, v, out);
	case OP_IP:
		return pol_cidr_parse(s, &out->cidr)
			   ? OK
			   : bad_value(b, v, "is neither an IP address nor a range such as 203.0.113.0/24");
	case OP_NULL:
		out->truth = str_eq_ci(s, S("true"));
		return is_bool(s) ? OK : bad_value(b, v, "is neither true nor false");
	case OP_DATE_EQ:
	case OP_DATE_LT:
	case OP_DATE_LE:
	case OP_DATE_GT:
	case OP_DATE_GE:
		return pol_date_parse(s, &out->ms) ? OK
						   : bad_value(b, v, "is neither an ISO 8601 date nor a Unix time");
	default:
		return pol_num_parse(s, &out->num) ? OK : bad_value(b, v, "is not a decimal number");
	}
}

static struct status check_key(struct build *b, const struct members *m)
{
	size_t colon = str_find_char(m->name, ':');
	if (colon == SIZE_MAX || colon == 0 || colon + 1 == m->name.n)
		return pol_refuse(b, m->key.at, POLICY_FAULT_CONDITION,
				  "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
				  "condition key \"%.*s\" is not of the form vendor:key", PR(m->name));
	return OK;
}

static struct status compile_key(struct build *b, struct cond c, const struct members *m, size_t first)
{
	struct values it = { .scalars = true };
	bool more;
	TRY(check_key(b, m));
	c.key_text = m->key.s;
	c.key = (uint16_t)policy_key_find(m->name);
	c.hash = hash_ci(m->name);
	c.val0 = (uint32_t)b->vals.n;
	for (size_t i = first; i < b->conds.n; i++) {
		const struct cond *have = &TABLE(b, conds, struct cond)[i];
		if (have->hash == c.hash && str_eq(pol_chars_of(b, have->key_text), m->name))
			return pol_refuse(b, m->key.at, POLICY_FAULT_SYNTAX, SYNTAX, "key \"%.*s\" comes twice",
					  PR(m->name));
	}
	for (;;) {
		TRY(pol_next_value(b, &it, &more));
		if (!more)
			break;
		struct cval v = { .text = it.v.s };
		TRY(compile_value(b, (enum op)c.op, &it.v, &v));
		*PUSH(b, vals, struct cval) = v;
	}
	c.val_n = (uint32_t)b->vals.n - c.val0;
	if (c.val_n == 0)
		return pol_refuse(b, it.at, POLICY_FAULT_CONDITION, SYNTAX, "key \"%.*s\" has no value to compare with",
				  PR(m->name));
	*PUSH(b, conds, struct cond) = c;
	return OK;
}

static struct status compile_operator(struct build *b, const struct members *op, const struct stmt *s, uint8_t *seen)
{
	struct members m = { 0 };
	struct cond c = { .op_text = op->key.s };
	size_t first = b->conds.n, which = 0;
	bool more;
	if (!find_operator(op->name, &c, &which))
		return pol_refuse(b, op->key.at, POLICY_FAULT_CONDITION, SYNTAX,
				  "there is no condition operator \"%.*s\"", PR(op->name));
	unsigned bit = 1u << (c.set * 2 + c.if_exists);
	if (seen[which] & bit)
		return pol_refuse(b, op->key.at, POLICY_FAULT_SYNTAX, SYNTAX, "operator %.*s comes twice",
				  PR(op->name));
	seen[which] = (uint8_t)(seen[which] | bit);
	for (;;) {
		TRY(pol_next_member(b, &m, &more));
		if (!more)
			return OK;
		if (b->conds.n - s->cond0 >= CONDITIONS_MAX)
			return pol_refuse(b, m.key.at, POLICY_FAULT_SIZE, SYNTAX,
					  "more than %d conditions in a statement", CONDITIONS_MAX);
		TRY(compile_key(b, c, &m, first));
	}
}

struct status pol_compile_conditions(struct build *b, struct stmt *s)
{
	struct members m = { 0 };
	uint8_t seen[COUNT(operators)] = { 0 };
	bool more;
	s->cond0 = (uint32_t)b->conds.n;
	for (;;) {
		TRY(pol_next_member(b, &m, &more));
		if (!more)
			break;
		TRY(compile_operator(b, &m, s, seen));
	}
	s->cond_n = (uint32_t)b->conds.n - s->cond0;
	return OK;
}
