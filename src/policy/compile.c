/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to policy: the document and its statements.
 *
 * The grammar is the one of "Grammar of the IAM JSON policy language": an object with
 * Version, Id and Statement; a statement with Sid, Effect, Principal, Action, Resource
 * and Condition, the Not... forms standing in for theirs. Anything else is refused, and
 * so is an element that comes twice. Which elements a kind of policy must and must not
 * have is checked when the statement is complete (statement_check).
 *
 * Nesting is bounded by the grammar itself: this reader never calls itself.
 */
#include "policy/build.h"
#include "base/buf.h"
#include "policy/tree.h"

#include <stdarg.h>

void *pol_vec_push(struct build *b, struct vec *v, size_t size)
{
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 16;
		void *p = arena_alloc(b->mem, size, 16, cap);
		if (v->n > 0)
			memcpy(p, v->p, v->n * size);
		v->p = p;
		v->cap = cap;
	}
	return (char *)v->p + size * v->n++;
}

struct status pol_refuse(struct build *b, size_t at, enum policy_fault fault, const char *aws, const char *why, ...)
{
	struct policy_error *err = b->err;
	va_list ap;
	va_start(ap, why);
	*err = (struct policy_error){ .fault = fault, .offset = at };
	tree_position(b->j.text, at, &err->line, &err->column);
	bool trust_json = b->kind == POLICY_TRUST && fault == POLICY_FAULT_JSON;
	snprintf(err->aws, sizeof err->aws, "%s", trust_json ? "This policy contains invalid Json" : aws);
	vsnprintf(err->why, sizeof err->why, why, ap);
	va_end(ap);
	return ERR(fault == POLICY_FAULT_SIZE ? E_TOO_BIG : E_INVALID);
}

/* An element that no policy has. Trust policies are read by another parser of AWS's, with words of its own. */
static struct status unknown_element(struct build *b, const struct members *m, const char *of)
{
	char aws[160] = SYNTAX;
	int n = (int)(m->name.n < 100 ? m->name.n : 100);
	if (b->kind == POLICY_TRUST)
		snprintf(aws, sizeof aws, "Unknown field %.*s", n, m->name.p);
	return pol_refuse(b, m->key.at, POLICY_FAULT_SYNTAX, aws, "a %s has no element \"%.*s\"", of, n, m->name.p);
}

static const char *missing(const struct build *b, const char *trust, const char *other)
{
	return b->kind == POLICY_TRUST ? trust : other;
}

struct status pol_refuse_json(struct build *b)
{
	const char *why = b->j.bad != NULL ? b->j.bad : "this is not JSON";
	return pol_refuse(b, b->j.i, POLICY_FAULT_JSON, SYNTAX, "%s", why);
}

struct span pol_chars_add(struct build *b, struct str s)
{
	size_t off = b->j.text.n + b->chars.n;
	for (size_t i = 0; i < s.n; i++)
		*PUSH(b, chars, char) = s.p[i];
	return (struct span){ (uint32_t)off, (uint32_t)s.n };
}

struct str pol_chars_of(const struct build *b, struct span s)
{
	size_t n = b->j.text.n;
	if (!span_given(s))
		return (struct str){ 0 };
	return s.off < n ? str_make(b->j.text.p + s.off, s.len) : str_make((char *)b->chars.p + (s.off - n), s.len);
}

/* ---- tokens into values ---- */

struct status pol_read_string(struct build *b, struct value *v)
{
	struct str raw;
	bool escaped;
	pol_json_peek(&b->j);
	size_t at = b->j.i;
	if (!pol_json_string(&b->j, &raw, &escaped))
		return pol_refuse_json(b);
	struct span s = { (uint32_t)(raw.p - b->j.text.p), (uint32_t)raw.n };
	if (escaped) {
		char *room = NEWS(b->mem, char, raw.n + 1);
		s = pol_chars_add(b, str_make(room, pol_json_unescape(raw, room)));
	}
	*v = (struct value){ s, at, VALUE_STRING };
	return OK;
}

static struct status read_scalar(struct build *b, struct value *v)
{
	struct str raw;
	char c = pol_json_peek(&b->j);
	size_t at = b->j.i;
	if (c != 't' && c != 'f' && c != '-' && !char_digit(c))
		return pol_read_string(b, v);
	if (c == 't' || c == 'f') {
		raw = c == 't' ? S("true") : S("false");
		if (!pol_json_word(&b->j, raw))
			return pol_refuse_json(b);
	} else if (!pol_json_number(&b->j, &raw)) {
		return pol_refuse_json(b);
	}
	*v = (struct value){ { (uint32_t)at, (uint32_t)raw.n }, at, char_alpha(c) ? VALUE_BOOL : VALUE_NUMBER };
	return OK;
}

struct status pol_next_member(struct build *b, struct members *m, bool *more)
{
	bool first = !m->inside;
	if (first && !pol_json_take(&b->j, '{'))
		return pol_refuse(b, b->j.i, POLICY_FAULT_SYNTAX, SYNTAX, "an object was expected");
	m->inside = true;
	*more = !pol_json_take(&b->j, '}');
	if (!*more)
		return OK;
	if (!first && !pol_json_take(&b->j, ','))
		return pol_refuse(b, b->j.i, POLICY_FAULT_JSON, SYNTAX, "',' or '}' was expected");
	TRY(pol_read_string(b, &m->key));
	m->name = pol_chars_of(b, m->key.s);
	if (!pol_json_take(&b->j, ':'))
		return pol_refuse(b, b->j.i, POLICY_FAULT_JSON, SYNTAX, "':' was expected");
	return OK;
}

struct status pol_next_value(struct build *b, struct values *it, bool *more)
{
	bool first = !it->started;
	it->started = true;
	*more = true;
	if (first) {
		pol_json_peek(&b->j);
		it->at = b->j.i;
		it->array = pol_json_take(&b->j, '[');
	} else if (!it->array) {
		*more = false;
		return OK;
	}
	if (it->array) {
		*more = !pol_json_take(&b->j, ']');
		if (!*more)
			return OK;
		if (!first && !pol_json_take(&b->j, ','))
			return pol_refuse(b, b->j.i, POLICY_FAULT_JSON, SYNTAX, "',' or ']' was expected");
	}
	char c = pol_json_peek(&b->j);
	if (c == '{' || c == '[' || c == 'n' || (!it->scalars && c != '"' && c != 0))
		return pol_refuse(b, b->j.i, POLICY_FAULT_SYNTAX, SYNTAX, "a string%s was expected",
				  it->scalars ? ", number or boolean" : "");
	return it->scalars ? read_scalar(b, &it->v) : pol_read_string(b, &it->v);
}

/* ---- a statement ---- */

enum element {
	EL_SID = 1 << 0,
	EL_EFFECT = 1 << 1,
	EL_PRINCIPAL = 1 << 2,
	EL_NOT_PRINCIPAL = 1 << 3,
	EL_ACTION = 1 << 4,
	EL_NOT_ACTION = 1 << 5,
	EL_RESOURCE = 1 << 6,
	EL_NOT_RESOURCE = 1 << 7,
	EL_CONDITION = 1 << 8,
};
static const struct {
	struct str name;
	unsigned bit, twin; /* twin: may not stand beside it */
} elements[] = {
	{ { "Sid", 3 }, EL_SID, 0 },
	{ { "Effect", 6 }, EL_EFFECT, 0 },
	{ { "Principal", 9 }, EL_PRINCIPAL, EL_NOT_PRINCIPAL },
	{ { "NotPrincipal", 12 }, EL_NOT_PRINCIPAL, EL_PRINCIPAL },
	{ { "Action", 6 }, EL_ACTION, EL_NOT_ACTION },
	{ { "NotAction", 9 }, EL_NOT_ACTION, EL_ACTION },
	{ { "Resource", 8 }, EL_RESOURCE, EL_NOT_RESOURCE },
	{ { "NotResource", 11 }, EL_NOT_RESOURCE, EL_RESOURCE },
	{ { "Condition", 9 }, EL_CONDITION, 0 },
};

static bool inside_account(enum policy_kind k) { return k != POLICY_RESOURCE && k != POLICY_ENDPOINT; }
static bool names_principals(enum policy_kind k)
{
	return k == POLICY_RESOURCE || k == POLICY_TRUST || k == POLICY_ENDPOINT || k == POLICY_RCP;
}

static struct status read_sid(struct build *b, struct stmt *s)
{
	struct value v;
	TRY(pol_read_string(b, &v));
	struct str sid = pol_chars_of(b, v.s);
	for (size_t i = 0; i < sid.n && inside_account(b->kind); i++) {
		if (!char_alnum(sid.p[i]))
			return pol_refuse(
			    b, v.at, POLICY_FAULT_SID,
			    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
			    "regular expression [0-9A-Za-z]*",
			    "Sid \"%.*s\" has a character other than A-Z, a-z, 0-9", PR(sid));
	}
	s->sid = v.s;
	return OK;
}

static struct status read_effect(struct build *b, struct stmt *s)
{
	struct value v;
	TRY(pol_read_string(b, &v));
	struct str effect = pol_chars_of(b, v.s);
	s->deny = str_eq(effect, S("Deny"));
	if (!s->deny && !str_eq(effect, S("Allow")))
		return pol_refuse(b, v.at, POLICY_FAULT_EFFECT, SYNTAX, "Effect must be Allow or Deny, not \"%.*s\"",
				  PR(effect));
	return OK;
}

static struct status read_element(struct build *b, struct stmt *s, unsigned bit)
{
	switch (bit) {
	case EL_SID:
		return read_sid(b, s);
	case EL_EFFECT:
		return read_effect(b, s);
	case EL_NOT_PRINCIPAL:
	case EL_PRINCIPAL:
		s->not_principal = bit == EL_NOT_PRINCIPAL;
		return pol_compile_principal(b, s);
	case EL_NOT_ACTION:
	case EL_ACTION:
		s->not_action = bit == EL_NOT_ACTION;
		return pol_compile_actions(b, s);
	case EL_NOT_RESOURCE:
	case EL_RESOURCE:
		s->not_resource = bit == EL_NOT_RESOURCE;
		return pol_compile_resources(b, s);
	default:
		return pol_compile_conditions(b, s);
	}
}

static struct status check_principal(struct build *b, const struct stmt *s, unsigned seen)
{
	bool has = (seen & (EL_PRINCIPAL | EL_NOT_PRINCIPAL)) != 0;
	if (has && !names_principals(b->kind))
		return pol_refuse(b, s->begin, POLICY_FAULT_PRINCIPAL,
				  "Policy document should not specify a principal.",
				  "a principal is who the policy is attached to: this kind of policy cannot name one");
	if (!has && names_principals(b->kind))
		return pol_refuse(b, s->begin, POLICY_FAULT_NO_PRINCIPAL, "Missing required field Principal",
				  "this kind of policy must say whom the statement is about");
	if (s->not_principal && (b->kind == POLICY_TRUST || b->kind == POLICY_RCP))
		return pol_refuse(b, s->begin, POLICY_FAULT_PRINCIPAL, "Has prohibited field NotPrincipal",
				  "NotPrincipal cannot be used in this kind of policy");
	if (s->not_principal && !s->deny)
		return pol_refuse(b, s->begin, POLICY_FAULT_PRINCIPAL, SYNTAX,
				  "NotPrincipal must be used with Effect Deny");
	if (b->kind == POLICY_RCP && TABLE(b, prins, struct prin)[s->prin0].type != POLICY_P_EVERYONE)
		return pol_refuse(b, s->begin, POLICY_FAULT_PRINCIPAL, SYNTAX,
				  "a resource control policy's Principal must be \"*\"");
	return OK;
}

/* Trust policies speak of sts alone: the resource is the role itself. */
static struct status check_trust(struct build *b, const struct stmt *s, unsigned seen)
{
	if (seen & (EL_RESOURCE | EL_NOT_RESOURCE))
		return pol_refuse(b, s->begin, POLICY_FAULT_RESOURCE, "Has prohibited field Resource",
				  "a trust policy's resource is the role it belongs to, and cannot be named");
	for (uint32_t i = 0; i < s->act_n; i++) {
		const struct act *a = &TABLE(b, acts, struct act)[s->act0 + i];
		if (s->not_action || !str_starts(pol_chars_of(b, a->low), S("sts:")))
			return pol_refuse(b, s->begin, POLICY_FAULT_ACTION,
					  "AssumeRole policy may only specify STS AssumeRole actions.",
					  "action \"%.*s\" cannot stand in a trust policy",
					  PR(pol_chars_of(b, a->text)));
	}
	return OK;
}

static struct status statement_check(struct build *b, const struct stmt *s, unsigned seen)
{
	if (!(seen & EL_EFFECT))
		return pol_refuse(b, s->begin, POLICY_FAULT_EFFECT, missing(b, "Missing required field Effect", SYNTAX),
				  "the statement has no Effect");
	TRY(check_principal(b, s, seen));
	if (!(seen & (EL_ACTION | EL_NOT_ACTION)))
		return pol_refuse(b, s->begin, POLICY_FAULT_NO_ACTION,
				  missing(b, "Missing required field Action", "Policy statement must contain actions."),
				  "the statement has neither Action nor NotAction");
	if (b->kind == POLICY_TRUST)
		return check_trust(b, s, seen);
	if (!(seen & (EL_RESOURCE | EL_NOT_RESOURCE)))
		return pol_refuse(b, s->begin, POLICY_FAULT_NO_RESOURCE, "Policy statement must contain resources.",
				  "the statement has neither Resource nor NotResource");
	return OK;
}

static struct status read_member(struct build *b, struct stmt *s, const struct members *m, unsigned *seen)
{
	for (size_t i = 0; i < COUNT(elements); i++) {
		if (!str_eq(elements[i].name, m->name))
			continue;
		if (*seen & elements[i].bit)
			return pol_refuse(b, m->key.at, POLICY_FAULT_SYNTAX, SYNTAX, "%.*s comes twice", PR(m->name));
		if (*seen & elements[i].twin)
			return pol_refuse(b, m->key.at, POLICY_FAULT_SYNTAX, SYNTAX,
					  "%.*s cannot stand beside its counterpart", PR(m->name));
		*seen |= elements[i].bit;
		return read_element(b, s, elements[i].bit);
	}
	return unknown_element(b, m, "statement");
}

static struct status check_sid_unique(struct build *b, const struct stmt *s)
{
	struct str sid = pol_chars_of(b, s->sid);
	const struct stmt *all = TABLE(b, stmts, struct stmt);
	for (size_t i = 0; i < b->stmts.n && sid.n > 0 && inside_account(b->kind); i++) {
		if (all[i].sid.len == sid.n && str_eq(pol_chars_of(b, all[i].sid), sid))
			return pol_refuse(b, s->begin, POLICY_FAULT_SID,
					  "Statement IDs (SID) in a single policy must be unique.",
					  "Sid \"%.*s\" is used twice", PR(sid));
	}
	return OK;
}

static struct status read_statement(struct build *b)
{
	struct stmt s = { .sid = NO_SPAN, .heads = UINT32_MAX };
	struct members m = { 0 };
	unsigned seen = 0;
	bool more;
	if (b->stmts.n >= POLICY_STATEMENTS_MAX)
		return pol_refuse(b, b->j.i, POLICY_FAULT_SIZE, SYNTAX, "more than %d statements",
				  POLICY_STATEMENTS_MAX);
	pol_json_peek(&b->j);
	s.begin = (uint32_t)b->j.i;
	for (;;) {
		TRY(pol_next_member(b, &m, &more));
		if (!more)
			break;
		TRY(read_member(b, &s, &m, &seen));
	}
	s.end = (uint32_t)b->j.i;
	TRY(statement_check(b, &s, seen));
	TRY(check_sid_unique(b, &s));
	*PUSH(b, stmts, struct stmt) = s;
	return OK;
}

/* ---- the document ---- */

static struct status read_statements(struct build *b)
{
	if (!pol_json_take(&b->j, '['))
		return read_statement(b);
	if (pol_json_take(&b->j, ']'))
		return pol_refuse(b, b->j.i, POLICY_FAULT_SYNTAX, SYNTAX, "the policy has no statement");
	do {
		TRY(read_statement(b));
	} while (pol_json_take(&b->j, ','));
	if (!pol_json_take(&b->j, ']'))
		return pol_refuse(b, b->j.i, POLICY_FAULT_JSON, SYNTAX, "',' or ']' was expected");
	return OK;
}

static struct status read_version(struct build *b, bool *v2012)
{
	struct value v;
	TRY(pol_read_string(b, &v));
	struct str version = pol_chars_of(b, v.s);
	*v2012 = str_eq(version, S("2012-10-17"));
	if (!*v2012 && !str_eq(version, S("2008-10-17")))
		return pol_refuse(b, v.at, POLICY_FAULT_VERSION, SYNTAX, "Version must be 2012-10-17 or 2008-10-17");
	return OK;
}

/* The whole document under the assumption that variables are (not) expanded; *v2012 is what its Version says. */
static struct status read_document(struct build *b, bool *v2012)
{
	static const struct str names[] = { { "Version", 7 }, { "Id", 2 }, { "Statement", 9 } };
	struct members m = { 0 };
	struct value id;
	unsigned seen = 0;
	bool more;
	*v2012 = false;
	for (;;) {
		TRY(pol_next_member(b, &m, &more));
		if (!more)
			break;
		unsigned i = 0;
		while (i < COUNT(names) && !str_eq(names[i], m.name))
			i++;
		if (i == COUNT(names))
			return unknown_element(b, &m, "policy");
		if (seen & (1u << i))
			return pol_refuse(b, m.key.at, POLICY_FAULT_SYNTAX, SYNTAX, "%.*s comes twice", PR(m.name));
		seen |= 1u << i;
		if (i == 1) {
			TRY(pol_read_string(b, &id));
			b->id = id.s;
		} else {
			TRY(i == 0 ? read_version(b, v2012) : read_statements(b));
		}
	}
	if (pol_json_peek(&b->j) != 0 || b->j.i < b->j.text.n)
		return pol_refuse(b, b->j.i, POLICY_FAULT_JSON, SYNTAX, "something follows the end of the document");
	if (!(seen & 4))
		return pol_refuse(b, 0, POLICY_FAULT_SYNTAX, missing(b, "Missing required field Statement", SYNTAX),
				  "the policy has no Statement");
	return OK;
}

static struct status check_text(struct build *b)
{
	struct str text = b->j.text;
	if (text.n > POLICY_TEXT_MAX)
		return pol_refuse(b, POLICY_TEXT_MAX, POLICY_FAULT_SIZE, SYNTAX, "a policy has at most %d bytes",
				  POLICY_TEXT_MAX);
	if (!str_is_utf8(text))
		return pol_refuse(b, 0, POLICY_FAULT_JSON, SYNTAX, "the document is not UTF-8");
	if (pol_json_peek(&b->j) != '{')
		return pol_refuse(b, b->j.i, POLICY_FAULT_JSON, SYNTAX,
				  "a policy is a JSON object and starts with '{'");
	return OK;
}

/* Copy a table behind the last one; 8 byte steps keep every type aligned. */
static const void *place(char *base, size_t *used, struct vec v, size_t size)
{
	void *to = base + *used;
	if (v.n > 0)
		memcpy(to, v.p, v.n * size);
	*used += (v.n * size + 7) & ~(size_t)7;
	return to;
}

static struct policy *finish(const struct build *b)
{
	const struct {
		struct vec v;
		size_t size;
	} all[] = {
		{ b->stmts, sizeof(struct stmt) }, { b->prins, sizeof(struct prin) }, { b->acts, sizeof(struct act) },
		{ b->ress, sizeof(struct pat) },   { b->toks, sizeof(struct tok) },   { b->conds, sizeof(struct cond) },
		{ b->vals, sizeof(struct cval) },  { b->slots, sizeof(struct slot) }, { b->refs, sizeof(struct ref) },
	};
	size_t total = sizeof(struct policy), used = (sizeof(struct policy) + 7) & ~(size_t)7;
	for (size_t i = 0; i < COUNT(all); i++)
		total += all[i].v.n * all[i].size + 8;
	total += b->j.text.n + b->chars.n + 8;
	char *base = heap_alloc(1, total);
	const void *put[COUNT(all)];
	for (size_t i = 0; i < COUNT(all); i++)
		put[i] = place(base, &used, all[i].v, all[i].size);
	char *chars = base + used;
	memcpy(chars, b->j.text.p, b->j.text.n);
	if (b->chars.n > 0)
		memcpy(chars + b->j.text.n, b->chars.p, b->chars.n);
	struct policy *p = (struct policy *)(void *)base;
	*p = (struct policy){
		.refs = 1,
		.kind = (uint8_t)b->kind,
		.v2012 = b->v2012,
		.text_n = (uint32_t)b->j.text.n,
		.id = b->id,
		.bytes = total,
		.chars = chars,
		.stmts = put[0],
		.prins = put[1],
		.acts = put[2],
		.ress = put[3],
		.toks = put[4],
		.conds = put[5],
		.vals = put[6],
		.stmt_n = (uint32_t)b->stmts.n,
		.cond_n = (uint32_t)b->conds.n,
		.tok_n = (uint32_t)b->toks.n,
	};
	pol_index_set(&p->ix, b, put[7], put[8]);
	return p;
}

static struct status compile_as(struct build *b, struct str text, enum policy_kind kind, bool v2012, bool *said)
{
	*b = (struct build){
		.mem = b->mem, .err = b->err, .kind = kind, .j = { .text = text }, .v2012 = v2012, .id = NO_SPAN
	};
	TRY(check_text(b));
	return read_document(b, said);
}

struct status policy_compile(struct str document, enum policy_kind kind, struct policy **out, struct policy_error *err)
{
	struct policy_error unwanted = { 0 };
	struct build b = { .mem = arena_new(), .err = err != NULL ? err : &unwanted };
	assert(kind > POLICY_NONE && kind < POLICY_KIND_COUNT);
	/* Version may follow the statements it governs: assume, read, and read again when the assumption was wrong. */
	bool assumed = str_find(document, S("2012-10-17")) != SIZE_MAX, said;
	struct status st = compile_as(&b, document, kind, assumed, &said);
	if (!failed(st) && said != assumed)
		st = compile_as(&b, document, kind, said, &said);
	if (!failed(st)) {
		pol_build_index(&b);
		*out = finish(&b);
	}
	arena_free(b.mem);
	return st;
}

struct policy *policy_ref(const struct policy *p)
{
	struct policy *mine = (struct policy *)(uintptr_t)p; /* the count is the one thing in it that changes */
	if (p != NULL)
		__atomic_fetch_add(&mine->refs, 1, __ATOMIC_RELAXED);
	return mine;
}

void policy_unref(const struct policy *p)
{
	struct policy *mine = (struct policy *)(uintptr_t)p;
	if (p != NULL && __atomic_sub_fetch(&mine->refs, 1, __ATOMIC_ACQ_REL) == 0)
		heap_free(mine);
}
