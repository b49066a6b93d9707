/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every case under tests/vectors/sigv4: what was signed is accepted, stage by stage as
 * written there; what is wrong is refused with AWS's code, status and sentence. Bodies of
 * S3 go through payload_check in pieces of several sizes. make.py there makes the cases.
 */
#include "api/payload_check.h"
#include "api/sigv4_int.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"
#include "base/time.h"

#include <dirent.h>

struct vector {
	struct arena *mem;
	const char *name;
	struct str context;
	struct sigv4_request rq;
	struct sigv4_rules rules;
	struct sigv4_fault fault;
};

static struct str read_file(struct arena *mem, const char *name, const char *file)
{
	struct str path = arena_printf(mem, VECTORS "/sigv4/%s/%s", name, file);
	FILE *f = fopen(str_z(mem, path), "rb");
	if (!f)
		return (struct str){ 0 };
	struct buf b = buf_in(mem);
	for (size_t n = 1; n;) {
		n = fread(buf_room(&b, 65536), 1, 65536, f);
		buf_took(&b, n);
	}
	fclose(f);
	return buf_str(&b);
}

/* A member of the flat object in context.json; p == NULL: not there. Only \" is ever escaped in them. */
static struct str member(const struct vector *v, const char *name)
{
	size_t at = str_find(v->context, arena_printf(v->mem, "\n \"%s\": \"", name));
	if (at == SIZE_MAX)
		return (struct str){ 0 };
	struct str rest = str_from(v->context, at + strlen(name) + 7);
	struct buf b = buf_in(v->mem);
	for (size_t i = 0; rest.p[i] != '"'; i++) {
		i += rest.p[i] == '\\';
		buf_byte(&b, rest.p[i]);
	}
	return buf_str(&b);
}

static enum sigv4_family family(struct str s)
{
	static const char *const names[SIGV4_FAMILIES] = { [SIGV4_JSON] = "json",
							   [SIGV4_REST_JSON] = "rest-json",
							   [SIGV4_QUERY] = "query",
							   [SIGV4_EC2] = "ec2",
							   [SIGV4_S3] = "s3" };
	for (size_t i = 0; i < SIGV4_FAMILIES; i++)
		if (str_eq(s, str_of(names[i])))
			return (enum sigv4_family)i;
	EXPECT(false);
	return SIGV4_JSON;
}

static struct str line_of(struct str *rest)
{
	size_t at = str_find(*rest, S("\r\n"));
	EXPECT(at != SIZE_MAX);
	struct str line = str_sub(*rest, 0, at);
	*rest = str_from(*rest, at + 2);
	return line;
}

static void parse_request(struct vector *v, struct str raw)
{
	struct str rest = raw, first = line_of(&rest);
	v->rq.method = str_cut(&first, ' ');
	struct str target = str_cut(&first, ' ');
	v->rq.path = str_cut(&target, '?');
	v->rq.query = target.p ? target : S("");
	struct http_pair *h = NEWS(v->mem, struct http_pair, 64);
	for (struct str line = line_of(&rest); line.n; line = line_of(&rest)) {
		EXPECT(v->rq.headers.n < 64);
		h[v->rq.headers.n].name = str_cut(&line, ':');
		h[v->rq.headers.n++].value = line;
	}
	v->rq.headers.v = h;
	v->rq.body = rest;
}

static enum sigv4_found find_secret(void *ctx, struct str access_key, struct str token, struct sigv4_secret *secret)
{
	const struct vector *v = ctx;
	struct str text = member(v, "secret"), own = member(v, "token");
	if (str_eq(token, S("expired")))
		return SIGV4_TOKEN_EXPIRED;
	if (!str_eq(access_key, member(v, "access_key")))
		return SIGV4_NO_SUCH_KEY;
	if (!str_eq(token, own))
		return SIGV4_TOKEN_INVALID;
	memcpy(secret->p, text.p, text.n);
	secret->n = text.n;
	return SIGV4_FOUND;
}

static struct status check_body(struct vector *v, const struct sigv4_auth *auth, size_t piece,
				struct payload_sums *sums)
{
	struct payload_check pc;
	struct str text = sigv4_header(v->mem, &v->rq.headers, S("content-length")), rest = v->rq.body;
	struct payload_rules rules = { .headers = &v->rq.headers, .auth = auth, .compute = SUM_SHA256, .length = -1 };
	if (text.p)
		EXPECT(str_to_i64(text, &rules.length));
	TRY(payload_check_init(&pc, v->mem, &rules, &v->fault));
	while (rest.n) {
		struct str in = str_sub(rest, 0, piece), out;
		rest = str_from(rest, in.n);
		while (in.n)
			TRY(payload_check_feed(&pc, &in, &out));
	}
	TRY(payload_check_finish(&pc));
	*sums = pc.sums;
	return OK;
}

static struct status run(struct vector *v, struct sigv4_cache *cache, size_t piece, struct sigv4_auth *auth)
{
	struct payload_sums sums = { 0 };
	struct sigv4_lookup lookup = { find_secret, v };
	TRY(sigv4_verify(v->mem, &v->rq, &v->rules, &lookup, cache, auth, &v->fault));
	if (v->rules.family != SIGV4_S3)
		return OK;
	TRY(check_body(v, auth, piece, &sums));
	EXPECT_STR(hex_encode(v->mem, str_make(sums.sha256, 32)), member(v, "payload_sha256"));
	return OK;
}

static void expect_stages(struct vector *v, const struct sigv4_auth *auth)
{
	struct str canonical = sigv4_canonical(v->mem, &v->rq, auth, v->rules.family);
	EXPECT_STR(canonical, read_file(v->mem, v->name, "canonical.txt"));
	EXPECT_STR(sigv4_to_sign(v->mem, auth, canonical), read_file(v->mem, v->name, "string_to_sign.txt"));
	EXPECT_STR(auth->signature, read_file(v->mem, v->name, "signature.txt"));
	struct sigv4_hint hint = sigv4_peek(v->mem, &v->rq);
	EXPECT(hint.form == auth->form);
	EXPECT_STR(hint.access_key, auth->access_key);
	EXPECT_STR(hint.region, auth->region);
	EXPECT_STR(hint.service, auth->service);
}

static void expect_refusal(const struct vector *v, struct status st)
{
	EXPECT(st.code == E_FAULT);
	const struct sigv4_wire *wire = sigv4_wire(v->fault.code, v->rules.family);
	EXPECT_STR(str_of(wire->code), member(v, "code"));
	EXPECT_STR(arena_printf(v->mem, "%d", wire->http), member(v, "http"));
	EXPECT_STR(v->fault.message, member(v, "message"));
}

static bool load(struct vector *v, struct arena *mem, const char *name)
{
	struct str raw = read_file(mem, name, "request.txt");
	*v = (struct vector){ .mem = mem, .name = name, .context = read_file(mem, name, "context.json") };
	if (!raw.p || !v->context.p)
		return false;
	parse_request(v, raw);
	v->rules = (struct sigv4_rules){ family(member(v, "family")), member(v, "service"), member(v, "region"), 0 };
	if (str_eq(v->rules.region, S("*")))
		v->rules.region = (struct str){ 0 };
	EXPECT_OK(time_parse_iso8601(member(v, "now"), &v->rules.now_ms));
	return true;
}

/* Both without a cache and twice with one, with the body in pieces of three sizes. */
static bool run_case(struct sigv4_cache *cache, const char *name)
{
	static const size_t pieces[] = { 1, 1000, 1 << 20 };
	struct vector v;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct arena *mem = arena_new();
		struct sigv4_auth auth;
		bool is_case = load(&v, mem, name);
		if (!is_case) {
			arena_free(mem);
			return false;
		}
		struct status st = run(&v, i ? cache : NULL, pieces[i], &auth);
		bool refused = member(&v, "code").p != NULL;
		if (failed(st) != refused)
			printf("# %s: %.*s\n", name, PR(v.fault.message));
		else if (refused && !str_eq(v.fault.message, member(&v, "message")))
			printf("# %s\n", name);
		EXPECT(failed(st) == refused);
		if (refused)
			expect_refusal(&v, st);
		else
			expect_stages(&v, &auth);
		sigv4_auth_wipe(&auth);
		arena_free(mem);
	}
	return true;
}

static void walk(bool refusals, size_t at_least)
{
	struct sigv4_cache *cache = sigv4_cache_new((uint64_t[2]){ 1, 2 });
	DIR *d = opendir(VECTORS "/sigv4");
	EXPECT(d != NULL);
	size_t n = 0;
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (e->d_name[0] != '.' && (strncmp(e->d_name, "no-", 3) == 0) == refusals)
			n += run_case(cache, e->d_name);
	closedir(d);
	sigv4_cache_free(cache);
	printf("# %zu cases\n", n);
	EXPECT(n >= at_least);
}

static void what_was_signed_is_accepted(void) { walk(false, 80); }

static void what_is_wrong_is_refused_as_aws_refuses_it(void) { walk(true, 130); }

RUN_ALL(T(what_was_signed_is_accepted), T(what_is_wrong_is_refused_as_aws_refuses_it))
