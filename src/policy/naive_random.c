/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random policies and requests. Everything is drawn from small pools, and patterns are
 * made from what will be asked by blotting out parts of it, so that things often match
 * and often nearly do.
 */
#include "policy/naive.h"

uint64_t naive_rnd(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}
static int pick(uint64_t *seed, size_t n)
{
	assert(n > 0);
	return (int)(naive_rnd(seed) % n);
}
#define ONE_OF(seed, pool) (pool)[pick(seed, COUNT(pool))]
static bool chance(uint64_t *seed, int percent) { return pick(seed, 100) < percent; }

/* ---- what is asked ---- */

#define LONG_ACTION "ex-1:ALongNameForAnActionThatGoesOnAndOnUntilItIsLongerThanWhatAnIndexWouldEverLookAtInFull"
static const char *const actions_asked[] = { "s3:GetObject", "s3:GetObject", "s3:PutObject",
					     "kms:Decrypt",  "S3:GETOBJECT", LONG_ACTION };
static const char *const assuming[] = { "sts:AssumeRole", "sts:AssumeRole", "sts:TagSession", "STS:AssumeRole",
					"sts:AssumeRoleWithWebIdentity" };
static const char *const resources_asked[] = {
	"arn:aws:s3:::bucket/home/alice/a.txt",
	"arn:aws:s3:::bucket/home/ALICE/a.txt",
	"arn:aws:s3:::bucket/blue/x",
	"arn:aws:s3:::bucket",
	"arn:aws:s3:::bucket/*",
	"arn:aws:s3:::bucket/none/x",
	"arn:aws:s3:::bucket/gr\303\266\303\237e/\346\227\245\346\234\254/\360\237\224\221.txt",
	"arn:aws:s3:::bucket:odd:name/x",
	"arn:aws:kms:us-east-1:111122223333:key/k1",
	"arn:aws:kms:us-a:b-1:111122223333:key/k1",
	"*",
};

/* ---- what policies say ---- */

static const char *const action_patterns[] = {
	"*",     "*",   "s3:*",         "s3:Get*",    "s3:GetObject", "S3:getobject", "s3:PutObject", "kms:Decrypt",
	"kms:*", "*:*", "s3:?etObject", "s3:*Object", "s3:Get*t",     "kms:De*",      "*:GetObject",  "iam:PassRole",
};
static const char *const sts_patterns[] = { "sts:AssumeRole", "sts:*", "sts:Assume*", "sts:TagSession",
					    "STS:assumerole" };
static const char *const resource_patterns[] = {
	"*",
	"*",
	"*",
	"arn:aws:s3:::bucket/*",
	"arn:aws:s3:::bucket/home/${aws:username}/*",
	"arn:aws:s3:::bucket/home/alice/?.txt",
	"arn:aws:s3:::*/a.txt",
	"arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'none'}/x",
	"arn:aws:s3:::bucket",
	"arn:aws:s3:::bucket/${*}",
	"arn:aws:s3:::buck?t/*",
	"arn:aws:kms:*:111122223333:key/*",
	"arn:aws:kms:us-*-1:*:key/k1",
	"arn:aws:kms:us-east-1:*",
	"arn:aws:s3:::bucket/home/${aws:TagKeys}/*",
	"arn:aws:s3:::bucket/gr\xc3\xb6?e/\xe6\x97\xa5?/?.txt",
	"arn:aws:s3:::bucket/*/${aws:PrincipalTag/city, '\xe6\x97\xa5\xe6\x9c\xac'}/*",
};
#define CANONICAL_1 "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
static const char *const principals[] = {
	"*",
	"AWS:111122223333",
	"AWS:arn:aws:iam::111122223333:root",
	"AWS:arn:aws:iam::111122223333:user/alice",
	"AWS:arn:aws:iam::111122223333:user/Alice",
	"AWS:arn:aws:iam::111122223333:role/app",
	"AWS:arn:aws:sts::111122223333:assumed-role/app/s1",
	"AWS:arn:aws:sts::111122223333:federated-user/fed",
	"AWS:444455556666",
	"AWS:AROAAAAAAAAAAAAAAAAAA",
	"AWS:AROAAAAAAAAAAAAAAAAAA:s1",
	"AWS:AIDAAAAAAAAAAAAAAAAAA",
	"Service:cloudtrail.amazonaws.com",
	"Service:logs.us-east-1.amazonaws.com",
	"Federated:cognito-identity.amazonaws.com",
	"Federated:arn:aws:iam::111122223333:saml-provider/adfs",
	"CanonicalUser:79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
	"CanonicalUser:00a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
};

/* ---- conditions ---- */

enum family { STRING, NUMBER, DATE, BOOL, BINARY, IP, ARN, NULL_, FAMILIES };

static enum family family_of(const char *op)
{
	static const char *const starts[] = { "String", "Numeric", "Date", "Bool", "Binary", "", "Arn", "Null" };
	for (size_t i = 0; i < COUNT(starts); i++) {
		if (starts[i][0] && strncmp(op, starts[i], strlen(starts[i])) == 0)
			return (enum family)i;
	}
	return IP;
}

static const char *const values[FAMILIES][20] = {
	[STRING] = { "alice",
		     "ALICE",
		     "a*",
		     "bob",
		     "b?ue",
		     "*",
		     "",
		     "red",
		     "c*",
		     "a",
		     "b",
		     "${aws:username}",
		     "${aws:PrincipalTag/team}",
		     "${aws:PrincipalTag/none}",
		     "${aws:PrincipalTag/none, 'blue'}",
		     "${*}",
		     "gr\303\266\303\237e",
		     "gr?\xc3\x9f?",
		     "${aws:TagKeys}",
		     "al${?}ce" },
	[NUMBER] = { "10", "10.5", "-1", "1000", "0", "+10", "10.50", "007", "-0.25" },
	[DATE] = { "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-01", "1767225600", "1767225600.5",
		   "2025-12-31T23:00:00-01:00" },
	[BOOL] = { "true", "false", "True", "FALSE", "${aws:username}" },
	[BINARY] = { "YWJj", "YWI=", "YQ==", "4oKs", "" },
	[IP] = { "10.0.0.0/8", "10.0.0.0/9", "203.0.113.7", "203.0.113.0/31", "2001:db8::/32", "2001:db8::1",
		 "0.0.0.0/0", "::/0" },
	[ARN] = { "arn:aws:sns:*:111122223333:t*", "arn:aws:sns:us-east-1:111122223333:topic", "*",
		  "arn:aws:s3:::bucket", "arn:aws:sns:${aws:username}:111122223333:topic", "arn:aws:sns:*:*:to?ic",
		  "arn:*:s3:::*", "arn:aws:s3:::gr\xc3\xb6\xc3\x9f*" },
	[NULL_] = { "true", "false", "TRUE" },
};

static const struct {
	const char *name, *spelled, *values[6];
	enum family family;
	bool multi;
} keys[] = {
	{ "aws:username", "aws:UserName", { "alice", "bob", "*", "ALICE" }, STRING, false },
	{ "aws:PrincipalTag/team", "AWS:principaltag/TEAM", { "blue", "red", "", "a*" }, STRING, false },
	{ "aws:PrincipalTag/city",
	  "aws:PrincipalTag/city",
	  { "gr\303\266\303\237e", "\xe6\x97\xa5\xe6\x9c\xac" },
	  STRING,
	  false },
	{ "aws:TagKeys", "aws:TagKeys", { "a", "b", "cc", "" }, STRING, true },
	{ "aws:PrincipalOrgPaths", "aws:principalorgpaths", { "a", "red", "alice" }, STRING, true },
	{ "s3:max-keys", "s3:max-keys", { "10", "11", "-2", "10.50", "ten", "0" }, NUMBER, false },
	{ "ex:counts", "ex:Counts", { "10", "1000", "", "-0.25" }, NUMBER, true },
	{ "aws:CurrentTime",
	  "aws:currenttime",
	  { "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "never" },
	  DATE,
	  false },
	{ "ex:times", "ex:times", { "1767225600", "1767225600.5", "2026-03-01" }, DATE, true },
	{ "aws:SecureTransport", "aws:SecureTransport", { "true", "false" }, BOOL, false },
	{ "ex:flags", "ex:flags", { "true", "false" }, BOOL, true },
	{ "ex:blobs", "EX:blobs", { "abc", "ab", "\xe2\x82\xac", "" }, BINARY, true },
	{ "aws:SourceIp",
	  "aws:sourceIP",
	  { "10.1.2.3", "10.200.0.1", "203.0.113.7", "2001:db8::1", "here" },
	  IP,
	  false },
	{ "aws:VpcSourceIp", "aws:VpcSourceIp", { "10.1.2.3", "2001:db8::1", "203.0.113.6" }, IP, true },
	{ "aws:SourceArn",
	  "aws:SourceArn",
	  { "arn:aws:sns:us-east-1:111122223333:topic", "arn:aws:s3:::bucket", "nothing",
	    "arn:aws:s3:::gr\303\266\303\237e" },
	  ARN,
	  false },
	{ "ex:arns", "ex:arns", { "arn:aws:sns:us-east-1:111122223333:topic", "arn:aws:s3:::bucket" }, ARN, true },
};
static_assert(COUNT(keys) <= N_KEYS);

static size_t given(const char *const *list, size_t max)
{
	size_t n = 0;
	while (n < max && list[n])
		n++;
	return n;
}

static void make_condition(uint64_t *seed, struct arena *mem, struct n_cond *c)
{
	static const char *const sets[] = { "", "ForAllValues:", "ForAnyValue:" };
	const char *base = ONE_OF(seed, naive_operators);
	enum family family = family_of(base);
	const char *exists = family != NULL_ && chance(seed, 30) ? "IfExists" : "";
	struct str op = arena_printf(mem, "%s%s%s", ONE_OF(seed, sets), base, exists);
	c->op = str_z(mem, op);
	size_t k = (size_t)pick(seed, COUNT(keys));
	while (family != NULL_ && keys[k].family != family && !chance(seed, 4))
		k = (size_t)pick(seed, COUNT(keys));
	c->key = chance(seed, 50) ? keys[k].name : keys[k].spelled;
	c->n = 1 + pick(seed, 3);
	c->bare = (family == NUMBER || family == BOOL) && chance(seed, 20);
	for (int i = 0; i < c->n; i++)
		c->values[i] = values[family][c->bare ? pick(seed, 2) : pick(seed, given(values[family], 20))];
}

/* ---- patterns ---- */

/* A pattern that is `s` with some characters blotted out: it matches, or nearly. */
static const char *blotted(uint64_t *seed, struct arena *mem, const char *s, size_t from, bool variables)
{
	char out[N_TEXT];
	size_t n = 0, i = 0;
	int colons = 0;
	while (s[i] && n < 200) {
		size_t size = 1;
		while (((uint8_t)s[i + size] & 0xc0) == 0x80)
			size++;
		int what = i < from || s[i] == ':' ? 99 : pick(seed, 100);
		const char *put = NULL;
		if (what < 3)
			put = "?";
		else if (what < 5)
			put = "*";
		else if (what < 6 && variables && colons >= 5)
			put = chance(seed, 50) ? "${aws:username}" : "${aws:PrincipalTag/none, 'home'}";
		else if (what < 7 && variables && colons >= 5)
			put = "${*}";
		colons += s[i] == ':';
		if (what == 7 && ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z')) {
			out[n++] = (char)(s[i++] ^ 32);
		} else if (put) {
			memcpy(out + n, put, strlen(put));
			n += strlen(put);
			i += size;
			for (int skip = *put == '?' ? 0 : pick(seed, 6); skip > 0 && s[i] && s[i] != ':'; skip--)
				i++;
			while (((uint8_t)s[i] & 0xc0) == 0x80)
				i++;
		} else {
			memcpy(out + n, s + i, size);
			n += size;
			i += size;
		}
	}
	return str_z(mem, str_make(out, n));
}

static const char *resource_pattern(uint64_t *seed, struct arena *mem)
{
	if (chance(seed, 60))
		return ONE_OF(seed, resource_patterns);
	const char *s = ONE_OF(seed, resources_asked);
	return s[0] == '*' ? s : blotted(seed, mem, s, 12, true);
}

static const char *action_pattern(uint64_t *seed, struct arena *mem)
{
	if (chance(seed, 60))
		return ONE_OF(seed, action_patterns);
	const char *s = ONE_OF(seed, actions_asked);
	return blotted(seed, mem, s, (size_t)(strchr(s, ':') - s) + 1, false);
}

/* ---- policies ---- */

static bool same_operator_before(const struct n_stmt *s, int i)
{
	for (int k = 0; k < i; k++) {
		if (strcmp(s->conds[k].op, s->conds[i].op) == 0)
			return true;
	}
	return false;
}

static void make_statement(uint64_t *seed, struct arena *mem, enum policy_kind kind, struct n_stmt *s)
{
	bool trust = kind == POLICY_TRUST, named = trust || kind == POLICY_RESOURCE || kind == POLICY_ENDPOINT;
	*s = (struct n_stmt){ .deny = chance(seed, 15) };
	s->not_action = !trust && chance(seed, 10);
	s->not_resource = !trust && chance(seed, 10);
	s->action_n = 1 + pick(seed, N_LIST);
	for (int i = 0; i < s->action_n; i++)
		s->actions[i] = trust ? ONE_OF(seed, sts_patterns) : action_pattern(seed, mem);
	s->resource_n = trust ? 0 : 1 + pick(seed, N_LIST);
	for (int i = 0; i < s->resource_n; i++)
		s->resources[i] = resource_pattern(seed, mem);
	s->principal_n = named ? 1 + pick(seed, N_LIST) : 0;
	s->not_principal = named && !trust && s->deny && chance(seed, 40);
	for (int i = 0; i < s->principal_n; i++) {
		s->principals[i] = ONE_OF(seed, principals);
		if (trust && strncmp(s->principals[i], "Canon", 5) == 0) /* cannot be named there */
			s->principals[i] = "*";
	}
	if (kind == POLICY_RCP) {
		s->principal_n = 1;
		s->principals[0] = "*";
	}
	s->cond_n = chance(seed, 55) ? 0 : 1 + pick(seed, 2);
	for (int i = 0; i < s->cond_n; i++) {
		make_condition(seed, mem, &s->conds[i]);
		if (same_operator_before(s, i)) /* one operator comes once */
			s->cond_n = i;
	}
}

/* Under the old version a variable is plain text, and that is no boolean. */
static void no_variables(struct n_cond *c)
{
	for (int i = 0; i < c->n; i++) {
		if (strstr(c->op, "Bool") && c->values[i][0] == '$')
			c->values[i] = "true";
	}
}

static void make_policy(uint64_t *seed, struct arena *mem, enum policy_kind kind, struct n_policy *p)
{
	p->v2012 = chance(seed, 85);
	p->escapes = chance(seed, 30) ? 1 + (unsigned)pick(seed, 20) : 0;
	p->n = 1 + pick(seed, N_STATEMENTS);
	for (int i = 0; i < p->n; i++) {
		make_statement(seed, mem, kind, &p->stmts[i]);
		for (int k = 0; k < p->stmts[i].cond_n && !p->v2012; k++)
			no_variables(&p->stmts[i].conds[k]);
	}
}

static void make_set(uint64_t *seed, struct arena *mem, enum policy_kind kind, int percent, struct n_set *s)
{
	s->n = chance(seed, percent) ? 1 + pick(seed, N_POLICIES) : 0;
	for (int i = 0; i < s->n; i++)
		make_policy(seed, mem, kind, &s->all[i]);
}

static int make_levels(uint64_t *seed, struct arena *mem, enum policy_kind kind, int percent, struct n_set *levels)
{
	int n = chance(seed, percent) ? 1 + pick(seed, N_LEVELS) : 0;
	for (int i = 0; i < n; i++)
		make_set(seed, mem, kind, 95, &levels[i]); /* a level without a policy allows nothing */
	return n;
}

/* ---- requests ---- */

static const struct {
	enum policy_principal_kind kind;
	const char *account, *arn, *issuer, *id, *services[2], *provider, *canonical;
} askers[] = {
	{ POLICY_USER,
	  "111122223333",
	  "arn:aws:iam::111122223333:user/alice",
	  "",
	  "AIDAAAAAAAAAAAAAAAAAA",
	  { 0 },
	  "",
	  CANONICAL_1 },
	{ POLICY_USER,
	  "111122223333",
	  "arn:aws:iam::111122223333:user/alice",
	  "",
	  "AIDAAAAAAAAAAAAAAAAAA",
	  { 0 },
	  "",
	  CANONICAL_1 },
	{ POLICY_ROLE_SESSION,
	  "111122223333",
	  "arn:aws:sts::111122223333:assumed-role/app/s1",
	  "arn:aws:iam::111122223333:role/app",
	  "AROAAAAAAAAAAAAAAAAAA:s1",
	  { 0 },
	  "",
	  CANONICAL_1 },
	{ POLICY_ROLE_SESSION,
	  "111122223333",
	  "arn:aws:sts::111122223333:assumed-role/app/s2",
	  "arn:aws:iam::111122223333:role/app",
	  "AROAAAAAAAAAAAAAAAAAA:s2",
	  { 0 },
	  "",
	  CANONICAL_1 },
	{ POLICY_ROLE_SESSION,
	  "111122223333",
	  "arn:aws:sts::111122223333:assumed-role/app/web",
	  "arn:aws:iam::111122223333:role/app",
	  "AROAAAAAAAAAAAAAAAAAA:web",
	  { 0 },
	  "cognito-identity.amazonaws.com",
	  "" },
	{ POLICY_FEDERATED_USER,
	  "111122223333",
	  "arn:aws:sts::111122223333:federated-user/fed",
	  "arn:aws:iam::111122223333:user/alice",
	  "111122223333:fed",
	  { 0 },
	  "",
	  CANONICAL_1 },
	{ POLICY_ROOT, "111122223333", "arn:aws:iam::111122223333:root", "", "111122223333", { 0 }, "", CANONICAL_1 },
	{ POLICY_ANONYMOUS, "", "", "", "", { 0 }, "", "" },
	{ POLICY_SERVICE, "", "", "", "", { "cloudtrail.amazonaws.com" }, "", "" },
	{ POLICY_SERVICE, "", "", "", "", { "logs.amazonaws.com", "logs.us-east-1.amazonaws.com" }, "", "" },
	{ POLICY_WEB_IDENTITY, "", "", "", "", { 0 }, "cognito-identity.amazonaws.com", "" },
	{ POLICY_WEB_IDENTITY, "", "", "", "", { 0 }, "arn:aws:iam::111122223333:saml-provider/adfs", "" },
};

static void make_keys(uint64_t *seed, struct n_request *rq)
{
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (chance(seed, 35))
			continue;
		struct n_key *k = &rq->keys[rq->key_n++];
		*k = (struct n_key){ .name = keys[i].name, .multi = keys[i].multi };
		k->n = k->multi ? pick(seed, N_LIST) : chance(seed, 5) ? 2 : 1;
		for (int v = 0; v < k->n; v++)
			k->values[v] = keys[i].values[pick(seed, given(keys[i].values, 6))];
	}
}

static void make_policies(uint64_t *seed, struct arena *mem, struct n_request *rq)
{
	bool person = rq->kind != POLICY_ROOT && rq->account[0];
	bool session = rq->kind == POLICY_ROLE_SESSION || rq->kind == POLICY_FEDERATED_USER;
	make_set(seed, mem, POLICY_IDENTITY, person ? 85 : 0, &rq->identity);
	make_set(seed, mem, POLICY_SESSION, session ? 50 : 0, &rq->session);
	rq->scp_n = make_levels(seed, mem, POLICY_SCP, 15, rq->scp);
	rq->rcp_n = make_levels(seed, mem, POLICY_RCP, 15, rq->rcp);
	rq->has_boundary = person && chance(seed, 25);
	rq->has_resource_policy = chance(seed, 65);
	rq->has_endpoint = chance(seed, 15);
	if (rq->has_boundary)
		make_policy(seed, mem, POLICY_BOUNDARY, &rq->boundary);
	if (rq->has_resource_policy)
		make_policy(seed, mem, rq->mode == POLICY_ASSUME ? POLICY_TRUST : POLICY_RESOURCE,
			    &rq->resource_policy);
	if (rq->has_endpoint)
		make_policy(seed, mem, POLICY_ENDPOINT, &rq->endpoint);
}

void naive_random(uint64_t *seed, struct arena *mem, struct n_request *rq)
{
	size_t a = (size_t)pick(seed, COUNT(askers));
	struct n_seen *seen = rq->seen;
	*rq = (struct n_request){
		.kind = askers[a].kind,
		.account = askers[a].account,
		.arn = askers[a].arn,
		.issuer = askers[a].issuer,
		.id = askers[a].id,
		.services = { askers[a].services[0], askers[a].services[1] },
		.provider = askers[a].provider,
		.canonical = askers[a].canonical,
		.resource = ONE_OF(seed, resources_asked),
		.resource_account = chance(seed, 70)   ? "111122223333"
				    : chance(seed, 50) ? "444455556666"
						       : "",
		.mode = chance(seed, 60)   ? POLICY_STANDARD
			: chance(seed, 50) ? POLICY_KEY
					   : POLICY_ASSUME,
		.granted = chance(seed, 9) ? (enum policy_granted)pick(seed, 4) : POLICY_GRANTED_NOBODY,
		.seen = seen,
	};
	rq->action = rq->mode == POLICY_ASSUME ? ONE_OF(seed, assuming) : ONE_OF(seed, actions_asked);
	make_keys(seed, rq);
	make_policies(seed, mem, rq);
}
