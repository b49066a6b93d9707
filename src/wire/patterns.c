/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regular expressions of the models, which are Java's, on PCRE2.
 *
 * Expressions are compiled when first used and never forgotten: a table of pointers that
 * only ever go from NULL to a compiled expression, so looking one up takes no lock. Two
 * threads may compile the same one; one of the two results is thrown away.
 *
 * Most expressions are one class of ASCII characters repeated ([\w+=,.@-]+). Those are
 * kept as a bitmap and never reach PCRE2.
 *
 * Java differs from PCRE2 in a few spellings, which are rewritten: \p{Print} and its like
 * are POSIX classes, [\w-.] has a literal hyphen, and characters beyond the BMP are pairs
 * of surrogates. \u0020 is understood through PCRE2_ALT_BSUX.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "wire/patterns.h"

#include "base/str.h"

#include <pcre2.h>
#include <stdatomic.h>

enum {
	SLOTS = 1 << 13,
	PATTERN_MAX = 4096,
	MATCH_LIMIT = 200000, /* steps of one match: some milliseconds */
	HEAP_LIMIT_KIB = 2048,
};

/* [class]{min,max} over ASCII characters; text beyond ASCII does not match. */
struct simple {
	bool used;
	uint64_t set[2];
	size_t min, max;
};

struct compiled {
	const char *pattern;
	struct simple simple;
	pcre2_code *code; /* NULL: simple, or it does not compile */
};

struct patterns {
	pcre2_general_context *memory;
	pcre2_compile_context *compile;
	pcre2_match_context *match;
	_Atomic(struct compiled *) slots[SLOTS];
};

static void *give(PCRE2_SIZE n, void *data)
{
	(void)data;
	return heap_alloc(1, n);
}

static void take(void *p, void *data)
{
	(void)data;
	heap_free(p);
}

struct patterns *patterns_new(void)
{
	struct patterns *p = HEAP(struct patterns);
	p->memory = pcre2_general_context_create(give, take, NULL);
	p->compile = pcre2_compile_context_create(p->memory);
	p->match = pcre2_match_context_create(p->memory);
	pcre2_set_newline(p->compile, PCRE2_NEWLINE_ANY);
	pcre2_set_compile_extra_options(p->compile, PCRE2_EXTRA_ALT_BSUX); /* \u{10000} */
	pcre2_set_max_pattern_length(p->compile, PATTERN_MAX);
	pcre2_set_match_limit(p->match, MATCH_LIMIT);
	pcre2_set_heap_limit(p->match, HEAP_LIMIT_KIB);
	return p;
}

static void compiled_free(struct compiled *c)
{
	pcre2_code_free(c->code);
	heap_free(c);
}

void patterns_free(struct patterns *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < SLOTS; i++) {
		struct compiled *c = atomic_load_explicit(&p->slots[i], memory_order_relaxed);
		if (c)
			compiled_free(c);
	}
	pcre2_match_context_free(p->match);
	pcre2_compile_context_free(p->compile);
	pcre2_general_context_free(p->memory);
	heap_free(p);
}

static void set_add(struct simple *s, int lo, int hi)
{
	for (int c = lo; c <= hi; c++)
		s->set[c >> 6] |= 1ull << (c & 63);
}

/* One character or class escape of a class; false for anything that is not plain ASCII. *c < 0: it was a class. */
static bool class_item(const char **at, struct simple *s, int *c)
{
	const char *p = *at;
	*c = (uint8_t)*p++;
	if (*c == '\\') {
		char e = *p++;
		*c = (unsigned char)e;
		if (e == 'w' || e == 'd') {
			set_add(s, '0', '9');
			if (e == 'w') {
				set_add(s, 'a', 'z');
				set_add(s, 'A', 'Z');
				set_add(s, '_', '_');
			}
			*c = -1;
		} else if (char_alnum(e) || e == '\0') {
			return false;
		}
	}
	*at = p;
	return *c < 128 && *c != 0 && *c != '[' && *c != '&';
}

static bool class_body(const char **at, struct simple *s)
{
	const char *p = *at;
	if (*p == '^' || *p == ']')
		return false;
	while (*p != ']') {
		int lo, hi;
		if (!class_item(&p, s, &lo))
			return false;
		if (lo < 0)
			continue;
		hi = lo;
		if (p[0] == '-' && p[1] != ']') {
			p++;
			if (!class_item(&p, s, &hi) || hi < lo)
				return false;
		}
		set_add(s, lo, hi);
	}
	*at = p + 1;
	return true;
}

static bool number(const char **at, size_t *out)
{
	size_t v = 0;
	const char *p = *at;
	for (; char_digit(*p) && v < 100000; p++)
		v = v * 10 + (size_t)(*p - '0');
	bool any = p > *at;
	*at = p;
	*out = v;
	return any;
}

static bool repeat(const char **at, struct simple *s)
{
	const char *p = *at;
	s->min = s->max = 1;
	if (*p == '*' || *p == '+') {
		s->min = *p++ == '+';
		s->max = SIZE_MAX;
	} else if (*p == '{') {
		p++;
		if (!number(&p, &s->min))
			return false;
		s->max = s->min;
		if (*p == ',') {
			p++;
			if (!number(&p, &s->max))
				s->max = SIZE_MAX;
		}
		if (*p++ != '}')
			return false;
	}
	*at = p;
	return true;
}

/* True when the whole pattern is of the simple form. */
static bool simple_parse(const char *p, struct simple *s)
{
	*s = (struct simple){ 0 };
	if (*p == '^')
		p++;
	if (*p++ != '[' || !class_body(&p, s) || !repeat(&p, s))
		return false;
	if (*p == '$')
		p++;
	s->used = *p == '\0';
	return s->used;
}

static bool simple_match(const struct simple *s, struct str text)
{
	if (text.n < s->min || text.n > s->max)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = (uint8_t)text.p[i];
		if (c >= 128 || !(s->set[c >> 6] >> (c & 63) & 1))
			return false;
	}
	return true;
}

/* \p{Print} at p, in or outside of a class: writes the POSIX class; returns how many bytes it read, 0 for others. */
static size_t posix_class(const char *p, bool in_class, char *out, size_t *n)
{
	static const char *const names[] = { "Print", "Graph", "Alnum",  "Alpha", "Digit", "Upper", "Lower",
					     "Punct", "Space", "XDigit", "Cntrl", "Blank", "ASCII" };
	for (size_t i = 0; i < COUNT(names); i++) {
		size_t len = strlen(names[i]);
		if (strncmp(p, "\\p{", 3) != 0 || strncmp(p + 3, names[i], len) != 0 || p[3 + len] != '}')
			continue;
		char *o = out;
		if (!in_class)
			*o++ = '[';
		*o++ = '[';
		*o++ = ':';
		for (size_t k = 0; k < len; k++)
			*o++ = char_lower(names[i][k]);
		*o++ = ':';
		*o++ = ']';
		if (!in_class)
			*o++ = ']';
		*n = (size_t)(o - out);
		return len + 4;
	}
	return 0;
}

/* "All beyond the BMP", as Java's UTF-16 spells it. */
static const char astral_java[] = "\\uD800\\uDC00-\\uDBFF\\uDFFF", astral_pcre[] = "\\u{10000}-\\u{10FFFF}";

/* How long the escape at p is: \p{..} and \x.. are more than two characters. */
static size_t escape_length(const char *p)
{
	if ((p[1] == 'p' || p[1] == 'P') && p[2] == '{') {
		const char *end = strchr(p, '}');
		return end ? (size_t)(end - p) + 1 : 2;
	}
	return p[1] ? 2 : 1;
}

/* Java's spelling -> PCRE2's. out has room for twice the length and some. */
static size_t rewrite(const char *p, char *out)
{
	char *o = out;
	bool in_class = false, after_class_escape = false;
	while (*p) {
		size_t n, read = posix_class(p, in_class, o, &n);
		bool was = after_class_escape;
		after_class_escape = false;
		if (read) {
			o += n;
			p += read;
			after_class_escape = in_class;
			continue;
		}
		if (strncmp(p, astral_java, sizeof astral_java - 1) == 0) {
			memcpy(o, astral_pcre, sizeof astral_pcre - 1);
			o += sizeof astral_pcre - 1;
			p += sizeof astral_java - 1;
			continue;
		}
		if (*p == '\\') {
			read = escape_length(p);
			after_class_escape = in_class && p[1] && strchr("wWdDsSpP", p[1]);
			memcpy(o, p, read);
			o += read;
			p += read;
			continue;
		}
		if (*p == '[' && !in_class)
			in_class = true;
		else if (*p == ']')
			in_class = false;
		else if (*p == '-' && was && p[1] != ']')
			*o++ = '\\';
		*o++ = *p++;
	}
	return (size_t)(o - out);
}

static pcre2_code *compile(const char *pattern, pcre2_compile_context *context)
{
	size_t n = strlen(pattern);
	if (n > PATTERN_MAX / 2)
		return NULL;
	char *text = heap_alloc(1, 2 * n + 16);
	int error;
	PCRE2_SIZE at;
	size_t len = rewrite(pattern, text);
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, len,
					 PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_ALT_BSUX |
					     PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
					 &error, &at, context);
	heap_free(text);
	return code;
}

static struct compiled *compiled_new(const char *pattern, pcre2_compile_context *context)
{
	struct compiled *c = HEAP(struct compiled);
	c->pattern = pattern;
	if (!simple_parse(pattern, &c->simple))
		c->code = compile(pattern, context);
	return c;
}

/* NULL only when the table is full, which the models are far from. */
static const struct compiled *find(struct patterns *p, const char *pattern)
{
	size_t at = (size_t)(((uintptr_t)pattern * 0x9e3779b97f4a7c15u) >> 40);
	struct compiled *mine = NULL;
	for (size_t k = 0; k < SLOTS; k++) {
		_Atomic(struct compiled *) *slot = &p->slots[(at + k) % SLOTS];
		struct compiled *c = atomic_load_explicit(slot, memory_order_acquire);
		if (!c) {
			if (!mine)
				mine = compiled_new(pattern, p->compile);
			if (atomic_compare_exchange_strong(slot, &c, mine))
				return mine;
		}
		if (c->pattern == pattern) {
			if (mine)
				compiled_free(mine);
			return c;
		}
	}
	assert(false && "more patterns than slots");
	return NULL;
}

bool patterns_match_with(struct patterns *p, const char *pattern, struct str text, void **scratch)
{
	const struct compiled *c = find(p, pattern);
	if (c->simple.used)
		return simple_match(&c->simple, text);
	if (!c->code)
		return false;
	if (!*scratch)
		*scratch = pcre2_match_data_create(1, p->memory);
	return pcre2_match(c->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0, *scratch, p->match) >= 0;
}

void patterns_scratch_free(void *scratch) { pcre2_match_data_free(scratch); }

bool patterns_match(struct patterns *p, const char *pattern, struct str text)
{
	void *scratch = NULL;
	bool yes = patterns_match_with(p, pattern, text, &scratch);
	patterns_scratch_free(scratch);
	return yes;
}

bool patterns_compiles(const char *pattern)
{
	struct patterns *p = patterns_new();
	struct compiled *c = compiled_new(pattern, p->compile);
	bool yes = c->simple.used || c->code;
	compiled_free(c);
	patterns_free(p);
	return yes;
}
