/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a compiled policy. Only files of this folder include it.
 *
 * A policy is one heap block: the header, its tables one after another, then the
 * characters: first the document as given, behind it whatever had to be rewritten
 * (escapes decoded, actions in lower case). Tables refer to each other and to the
 * characters by number, never by pointer, so building is appending and finishing
 * is copying.
 *
 * What one file of this folder offers to another starts with pol_, so that the library
 * can be linked with anything.
 */
#ifndef POLICY_IMPL_H
#define POLICY_IMPL_H

#include "policy/policy.h"
#include "base/str.h"

struct span {
	uint32_t off, len; /* into policy.chars; NO_SPAN: absent */
};
#define NO_SPAN ((struct span){ UINT32_MAX, 0 })
static inline bool span_given(struct span s) { return s.off != UINT32_MAX; }

/* ---- Patterns ---- */

enum tok_kind { TOK_LITERAL, TOK_ONE, TOK_STAR, TOK_VARIABLE, TOK_COLON /* between the six parts of an ARN */ };

struct tok {
	uint8_t kind;
	bool has_default;
	uint16_t key;  /* TOK_VARIABLE: enum policy_key */
	uint32_t hash; /* TOK_VARIABLE: of the key's name */
	struct span s; /* the literal, or the key's name */
	struct span dflt;
};

enum pat_form {
	PAT_ALL,      /* "*" */
	PAT_EXACT,    /* no wildcard, no variable: `lit` is all */
	PAT_PREFIX,   /* `lit` and then anything */
	PAT_GLOB,     /* `lit` with its wildcards, no variable */
	PAT_GLOB_ARN, /* the same, matched part by part */
	PAT_TOKENS,   /* tok0, tok_n: there are variables */
	PAT_ARN,      /* tok0, tok_n, matched part by part */
};

struct pat {
	uint8_t form;
	uint8_t variables; /* how many */
	uint16_t tok_n;
	uint32_t tok0;
	struct span lit;
};

/* ---- Values of conditions ---- */

struct num { /* whole + nano / 10^9, nano >= 0: the decimal numbers a policy may name, exactly */
	int64_t whole;
	int32_t nano;
};
struct cidr {
	uint8_t addr[16]; /* IPv4 in the first four */
	uint8_t bits;
	bool v4;
};

struct cval {
	struct span text;
	union {
		struct pat pat;
		struct num num;
		int64_t ms;
		struct cidr cidr;
		struct span bytes;
		bool truth;
	};
};

enum op {
	OP_STRING, /* equals: pattern without wildcards */
	OP_STRING_CI,
	OP_LIKE,
	OP_NUM_EQ,
	OP_NUM_LT,
	OP_NUM_LE,
	OP_NUM_GT,
	OP_NUM_GE,
	OP_DATE_EQ,
	OP_DATE_LT,
	OP_DATE_LE,
	OP_DATE_GT,
	OP_DATE_GE,
	OP_BOOL,
	OP_BINARY,
	OP_IP,
	OP_ARN,
	OP_NULL,
};
enum op_set { SET_NONE, SET_ALL, SET_ANY };

struct cond {
	uint8_t op, set;
	bool negated, if_exists;
	uint16_t key;
	uint32_t hash; /* of the key's name */
	struct span key_text, op_text;
	uint32_t val0, val_n;
};

/* ---- Statements ---- */

enum act_form { ACT_ALL, ACT_EXACT, ACT_PREFIX, ACT_GLOB };

struct act {
	struct span text, low; /* as written; in lower case (ACT_PREFIX: without the star) */
	uint8_t form;
	bool any_vendor;  /* the vendor has a wildcard: cannot be indexed */
	uint8_t prefix_n; /* not ACT_EXACT: characters before the first wildcard, at most PREFIX_MAX */
	uint32_t hash;    /* ACT_EXACT: of `low`; else hash_prefix of those characters */
};

struct prin {
	uint8_t type; /* enum policy_principal_type */
	struct span value;
};

struct stmt {
	uint32_t begin, end;
	struct span sid;
	bool deny, not_principal, not_action, not_resource;
	uint32_t prin0, prin_n, act0, act_n, res0, res_n, cond0, cond_n;
	uint32_t heads; /* a bit for each head its resources can have: pol_head_bit */
};

/* ---- The index: which statements can match at all; index.c ---- */

enum { PREFIX_MAX = 63, REF_POLICY_SHIFT = 12 };
static_assert(POLICY_STATEMENTS_MAX <= 1 << REF_POLICY_SHIFT);
#define REF_DENY UINT32_C(0x80000000)

struct ref {         /* to a statement */
	uint32_t at; /* REF_DENY, the policy's number in its set, the statement's number in it */
	uint32_t heads;
};

/* Statements that may match an action, by hash of the action or of how it begins. */
struct slot {
	uint32_t hash, start, n; /* n == 0: free */
};

struct index {
	uint64_t sieve[4];        /* a bit for each hash in `slots`: most look-ups end here */
	uint64_t prefixes;        /* bit n: some action has n characters before its first wildcard */
	const struct slot *slots; /* open addressing, slot_mask + 1 of them */
	const struct ref *refs;   /* the first any_n are those no action rules out */
	uint32_t slot_mask, any_n;
};

struct policy { /* what every decision reads comes first */
	struct index ix;
	const struct stmt *stmts;

	uint32_t refs; /* atomic */
	uint8_t kind;
	bool v2012; /* variables are expanded */
	uint32_t text_n;
	struct span id;
	size_t bytes;

	const char *chars;
	const struct prin *prins;
	const struct act *acts;
	const struct pat *ress;
	const struct tok *toks;
	const struct cond *conds;
	const struct cval *vals;
	uint32_t stmt_n, cond_n, tok_n;
};

/* The head of an ARN: what stands before the first '/' or ':' behind the fifth colon; all of it when there is none. */
struct str pol_head(struct str arn);
uint32_t pol_head_bit(struct str head);
const struct index *pol_index_of(const struct policy_index *x);

static inline void sieve_add(uint64_t *sieve, uint32_t spread)
{
	sieve[spread >> 30] |= UINT64_C(1) << (spread >> 24 & 63);
}
static inline bool sieve_has(const uint64_t *sieve, uint32_t spread)
{
	return (sieve[spread >> 30] >> (spread >> 24 & 63) & 1) != 0;
}

static inline struct str at(const struct policy *p, struct span s)
{
	return span_given(s) ? str_make(p->chars + s.off, s.len) : (struct str){ 0 };
}

/* A hash for tables that are rebuilt from the text itself: collisions cost time, never a wrong answer. */
static inline uint32_t hash_ci_more(uint32_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)char_lower(s.p[i])) * 0x01000193u;
	return h;
}
static inline uint32_t hash_ci(struct str s) { return hash_ci_more(0x811c9dc5u, s); }
/* Of the beginning of an action: set apart, lest "s3:Get*" stand in the way of an action called "s3:Get". */
static inline uint32_t hash_prefix(uint32_t h) { return h ^ 0x85ebca6bu; }
static inline uint32_t hash_spread(uint32_t h) { return (h ^ (h >> 15)) * 0x9e3779b1u; }

/* ---- value.c: text of conditions as values; false when it has not the form ---- */
bool pol_num_parse(struct str s, struct num *out);
int pol_num_cmp(struct num a, struct num b);
bool pol_date_parse(struct str s, int64_t *ms);
bool pol_ip_parse(struct str s, struct cidr *out);   /* an address; bits is the full length */
bool pol_cidr_parse(struct str s, struct cidr *out); /* an address or a range */
bool pol_cidr_holds(const struct cidr *range, const struct cidr *ip);
bool pol_base64_length(struct str s, size_t *n); /* of the decoded bytes */
void pol_base64_to(struct str s, char *out);     /* after pol_base64_length said yes */

/* ---- glob.c ---- */
bool pol_glob(struct str pat, struct str text, char star, char one);

/* ---- pattern.c ---- */

/* The tokens [t, t + n) against the whole text; vars are the values of the variables in order. */
bool pol_tokens_match(const char *chars, const struct tok *t, size_t n, const struct str *vars, bool fold,
		      struct str text);
bool pol_tokens_match_arn(const char *chars, const struct tok *t, size_t n, const struct str *vars, struct str text);

/* ---- context.c ---- */
/* The entry of a key, from the context or its lookup (then in *room); NULL when the request does not have it. */
const struct policy_entry *pol_context_find(const struct policy_context *cx, enum policy_key key, uint32_t hash,
					    struct str name, struct policy_entry *room);
static inline struct str entry_value(const struct policy_entry *e, size_t i)
{
	return e->values ? e->values[i] : e->one;
}

/* ---- match.c ---- */

/* How a resource policy's Principal names the one who asks: it decides what else must allow. */
enum grant {
	GRANT_NONE = 0,
	GRANT_ACCOUNT, /* his account: delegates, so his identity policies must allow as well */
	GRANT_ROLE,    /* his role, or the user behind a federated session: boundary and session policies still limit */
	GRANT_FULL,    /* himself, or everyone: nothing but an explicit deny limits */
};

struct asked { /* a request, prepared once for all policies */
	const struct policy_request *rq;
	struct str action; /* lower case */
	uint32_t action_hash, head_bit;
	uint64_t lengths;                /* bit n: it has n characters or more */
	uint32_t prefix[PREFIX_MAX + 1]; /* hash of its first n characters */
	char room[256];
};
bool pol_asked_prepare(struct asked *q, const struct policy_request *rq); /* false: no action has such a name */

struct matched {
	enum policy_element failed;
	size_t condition;
	enum grant grant;
};
struct matched pol_statement_match(const struct asked *q, const struct policy *p, const struct stmt *s);

/* ---- condition.c ---- */
bool pol_condition_holds(const struct asked *q, const struct policy *p, const struct cond *c);
/* 1 matches, 0 does not, -1 a variable has no value. */
int pol_pattern_match(const struct policy_context *cx, const struct policy *p, const struct pat *t, bool fold,
		      struct str text);

#endif
