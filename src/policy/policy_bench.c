/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long does a decision take? Prints nanoseconds per decision over 10 policies of 10
 * statements, 100 statements in 10 and 1,000 in 50, context building included; and how
 * long a policy of about 6 KiB takes to compile.
 *
 * The statements are of the kind people write: a handful of actions of one service, some
 * with wildcards, a prefix or two of resources, now and then a condition. The questions
 * go round 64 requests, of which about half are allowed.
 */
#include "policy/policy.h"
#include "base/buf.h"

enum { REQUESTS = 64, ROUNDS = 4000 };

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static const char *const services[] = { "s3", "kms", "dynamodb", "sqs", "iam", "ec2", "logs", "lambda", "sns", "sts" };
static const char *const verbs[] = { "Get", "Put", "List", "Describe", "Create", "Delete", "Update", "Tag" };

static struct str document(struct arena *mem, unsigned from, unsigned n)
{
	struct buf b = buf_in(mem);
	buf_z(&b, "{\"Version\":\"2012-10-17\",\"Statement\":[");
	for (unsigned i = from; i < from + n; i++) {
		const char *s = services[i % COUNT(services)];
		buf_printf(&b, "%s{\"Sid\":\"S%u\",\"Effect\":\"%s\",\"Action\":[", i > from ? "," : "", i,
			   i % 9 == 8 ? "Deny" : "Allow");
		buf_printf(&b, "\"%s:%sThing%u\",\"%s:%sItem\"", s, verbs[i % 8], i, s, verbs[(i + 3) % 8]);
		buf_printf(&b, i % 4 == 0 ? ",\"%s:%sAll*\"" : ",\"%s:%sOne\"", s, verbs[(i + 5) % 8]);
		buf_printf(&b, "],\"Resource\":[\"arn:aws:%s:::thing-%u/*\",\"arn:aws:%s:::other-%u\"]", s, i % 50, s,
			   i);
		if (i % 3 == 0)
			buf_z(&b, ",\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/team\":\"blue\"},"
				  "\"IpAddress\":{\"aws:SourceIp\":[\"203.0.113.0/24\",\"10.0.0.0/8\"]}}");
		buf_z(&b, "}");
	}
	buf_z(&b, "]}");
	return buf_str(&b);
}

struct question {
	struct str action, resource;
};

static void questions(struct arena *mem, struct question *q)
{
	for (unsigned i = 0; i < REQUESTS; i++) {
		const char *s = services[i % COUNT(services)];
		q[i].action = i % 2 ? arena_printf(mem, "%s:%sThing%u", s, verbs[i % 8], i)
				    : arena_printf(mem, "%s:%sItem", s, verbs[(i + 3) % 8]);
		q[i].resource = arena_printf(mem, "arn:aws:%s:::thing-%u/path/to/an/object-%u", s, i % 50, i);
	}
}

static void ask(const struct question *q, struct policy_set set, const struct policy_principal *who, unsigned *allowed)
{
	struct policy_entry room[24];
	struct policy_context cx;
	struct str team = S("blue");
	policy_context_init(&cx, room, COUNT(room));
	policy_context_principal(&cx, who);
	policy_context_put(&cx, POLICY_KEY_AWS_SOURCE_IP, S("10.1.2.3"));
	policy_context_put(&cx, POLICY_KEY_AWS_SECURE_TRANSPORT, S("true"));
	policy_context_put(&cx, POLICY_KEY_AWS_CURRENT_TIME, S("2026-01-01T00:00:00Z"));
	policy_context_put(&cx, POLICY_KEY_AWS_EPOCH_TIME, S("1767225600"));
	policy_context_put(&cx, POLICY_KEY_AWS_USER_AGENT, S("aws-cli/2.9.19"));
	policy_context_put(&cx, POLICY_KEY_AWS_REQUESTED_REGION, S("us-east-1"));
	policy_context_put_named(&cx, S("aws:PrincipalTag/team"), &team, 1, false);
	struct policy_request rq = {
		.principal = who,
		.action = q->action,
		.resource = q->resource,
		.resource_account = S("111122223333"),
		.context = &cx,
		.identity = set,
	};
	*allowed += policy_decide(&rq).verdict == POLICY_ALLOW;
}

static int order(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void measure(const char *name, unsigned policies, unsigned statements)
{
	static int64_t took[ROUNDS];
	struct arena *mem = arena_new();
	struct question q[REQUESTS];
	const struct policy *all[64];
	unsigned allowed = 0;
	size_t bytes = 0;
	struct policy_principal who = {
		.kind = POLICY_USER,
		.account = S("111122223333"),
		.arn = S("arn:aws:iam::111122223333:user/alice"),
		.id = S("AIDAJQABLZS4A3QDU576Q"),
		.name = S("alice"),
	};
	assert(policies <= COUNT(all));
	for (unsigned i = 0; i < policies; i++) {
		struct policy *p;
		struct status st = policy_compile(document(mem, i * statements, statements), POLICY_IDENTITY, &p, NULL);
		assert(!failed(st));
		all[i] = p;
		bytes += policy_bytes(p);
	}
	struct policy_set set = { all, policies, policies > 1 ? policy_index_build(all, policies) : NULL };
	bytes += policy_index_bytes(set.index);
	questions(mem, q);
	for (unsigned r = 0; r < ROUNDS; r++) {
		int64_t t = now_ns();
		for (unsigned i = 0; i < REQUESTS; i++)
			ask(&q[i], set, &who, &allowed);
		took[r] = now_ns() - t;
	}
	qsort(took, ROUNDS, sizeof *took, order);
	printf("%-28s p50 %6.0f ns  p99 %6.0f ns per decision; %.0f%% allowed; %zu bytes compiled\n", name,
	       (double)took[ROUNDS / 2] / REQUESTS, (double)took[ROUNDS * 99 / 100] / REQUESTS,
	       100.0 * allowed / ROUNDS / REQUESTS, bytes);
	policy_index_free(set.index);
	for (unsigned i = 0; i < policies; i++)
		policy_unref(all[i]);
	arena_free(mem);
}

static int64_t median(int64_t *took, size_t n)
{
	qsort(took, n, sizeof *took, order);
	return took[n / 2];
}

#ifdef WITH_JANSSON
#include <jansson.h>
static void parse_json(struct str text)
{
	json_t *j = json_loadb(text.p, text.n, 0, NULL);
	assert(j != NULL);
	json_decref(j);
}
#else
static void parse_json(struct str text) { (void)text; }
#endif

/* Turn and turn about, so that whatever else the machine does weighs on both. */
static void measure_compile(void)
{
	enum { TIMES = 2000 };
	static int64_t ours[TIMES], theirs[TIMES];
	struct arena *mem = arena_new();
	struct str text = document(mem, 0, 29);
	size_t bytes = 0;
	for (int i = 0; i < TIMES; i++) {
		struct policy *p;
		int64_t t = now_ns();
		struct status st = policy_compile(text, POLICY_IDENTITY, &p, NULL);
		assert(!failed(st));
		bytes = policy_bytes(p);
		policy_unref(p);
		ours[i] = now_ns() - t;
		t = now_ns();
		parse_json(text);
		theirs[i] = now_ns() - t;
	}
	double us = (double)median(ours, TIMES) / 1000, jansson = (double)median(theirs, TIMES) / 1000;
	printf("%-28s p50 %.1f us for %zu bytes of text (%zu compiled)", "compile", us, text.n, bytes);
	if (jansson > 1)
		printf("; jansson parses them in %.1f us: %.2f times that (must be under 10)", jansson, us / jansson);
	printf("\n");
	arena_free(mem);
}

/* Twenty kilobytes of resources that each fail at their last character, `run` characters and a wildcard in turns. */
static void measure_hostile(const char *name, const char *unit)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem), text = buf_in(mem);
	enum { TIMES = 200 };
	int64_t took[TIMES];
	buf_z(&b, "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":[");
	for (int i = 0; i < 40; i++) {
		buf_z(&b, i ? ",\"arn:aws:s3:::*" : "\"arn:aws:s3:::*");
		for (size_t n = 0; n < 490; n += strlen(unit))
			buf_z(&b, unit);
		buf_z(&b, "b*\"");
	}
	buf_z(&b, "]}}");
	buf_z(&text, "arn:aws:s3:::");
	for (int i = 0; i < 1024; i++)
		buf_z(&text, "a");
	struct policy *p;
	struct status st = policy_compile(buf_str(&b), POLICY_IDENTITY, &p, NULL);
	assert(!failed(st));
	struct policy_principal who = { .kind = POLICY_USER, .account = S("111122223333") };
	struct policy_request rq = { .principal = &who,
				     .action = S("s3:GetObject"),
				     .resource = buf_str(&text),
				     .identity = { &(const struct policy *){ p }, 1 } };
	for (int i = 0; i < TIMES; i++) {
		int64_t t = now_ns();
		assert(policy_decide(&rq).verdict == POLICY_IMPLICIT_DENY);
		took[i] = now_ns() - t;
	}
	printf("%-28s p50 %.0f us for one decision over %zu bytes of patterns\n", name,
	       (double)median(took, TIMES) / 1000, b.n);
	policy_unref(p);
	arena_free(mem);
}

int main(void)
{
	measure("10 policies x 10 statements", 10, 10);
	measure("1 policy x 100", 1, 100);
	measure("50 policies x 20 (1,000)", 50, 20);
	measure_compile();
	measure_hostile("hostile: *aaa...b*", "a");
	measure_hostile("hostile: *a?a?...b*", "a?");
	measure_hostile("hostile: *aaa*aaa*...b*", "aaa*");
	measure_hostile("hostile: with ${*} and ?", "aaaaaaaa${*}aaaaaaa?aaaaaaaaa");
	return 0;
}
