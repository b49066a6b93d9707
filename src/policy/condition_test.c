/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every condition operator, against values that match, that do not, that are missing and
 * that have the wrong form. In the conditions ' stands for ".
 */
#include "policy/policy.h"
#include "base/str.h"
#include "base/test.h"

struct row {
	const char *condition;
	const char *values; /* of the key k:k, separated by '|'; NULL: the key is missing */
	bool holds;
};

static bool holds(struct arena *mem, const struct row *row)
{
	struct policy_entry room[8];
	struct policy_context cx;
	struct str values[8], text, rest;
	struct policy_principal who = { .kind = POLICY_USER, .account = S("111122223333"), .name = S("alice") };
	struct policy *p = NULL;
	struct policy_error err;
	size_t n = 0;
	text = arena_printf(
	    mem,
	    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\","
	    "\"Condition\":%s}}",
	    row->condition);
	char *z = str_z(mem, text);
	for (size_t i = 0; i < text.n; i++)
		z[i] = z[i] == '\'' ? '"' : z[i];
	if (failed(policy_compile(str_make(z, text.n), POLICY_IDENTITY, &p, &err)))
		printf("# %s: %s\n", row->condition, err.why);
	EXPECT(p != NULL);
	policy_context_init(&cx, room, COUNT(room));
	policy_context_principal(&cx, &who);
	if (row->values != NULL) {
		for (rest = str_of(row->values); rest.p != NULL; n++)
			values[n] = str_cut(&rest, '|');
		policy_context_put_named(&cx, S("k:k"), values, n, n > 1);
	}
	struct policy_request rq = { .principal = &who, .action = S("a:b"), .resource = S("*"), .context = &cx };
	bool yes = policy_allows(p, &rq, NULL);
	policy_unref(p);
	return yes;
}

static void table(const struct row *rows, size_t n)
{
	struct arena *mem = arena_new();
	for (size_t i = 0; i < n; i++) {
		bool yes = holds(mem, &rows[i]);
		if (yes != rows[i].holds)
			printf("# %s with %s\n", rows[i].condition, rows[i].values ? rows[i].values : "no value");
		EXPECT(yes == rows[i].holds);
	}
	arena_free(mem);
}

static void strings(void)
{
	static const struct row rows[] = {
		{ "{'StringEquals':{'K:K':'a'}}", "a", true },
		{ "{'StringEquals':{'k:k':'a'}}", "A", false },
		{ "{'StringEquals':{'k:k':'a'}}", NULL, false },
		{ "{'StringEquals':{'k:k':''}}", "", true },
		{ "{'StringEquals':{'k:k':'a*'}}", "a*", true },
		{ "{'StringNotEquals':{'k:k':'a'}}", "b", true },
		{ "{'StringNotEquals':{'k:k':['a','b']}}", "b", false },
		{ "{'StringNotEquals':{'k:k':'a'}}", NULL, true },
		{ "{'StringEqualsIgnoreCase':{'k:k':'aBc'}}", "AbC", true },
		{ "{'StringNotEqualsIgnoreCase':{'k:k':'aBc'}}", "AbC", false },
		{ "{'StringLike':{'k:k':'a?c*'}}", "abcd", true },
		{ "{'StringLike':{'k:k':'a?c*'}}", "Abcd", false },
		{ "{'StringLike':{'k:k':'*'}}", "", true },
		{ "{'StringLike':{'k:k':'*'}}", NULL, false },
		{ "{'StringNotLike':{'k:k':'a*'}}", "b", true },
		{ "{'StringEqualsIfExists':{'k:k':'a'}}", NULL, true },
		{ "{'StringEqualsIfExists':{'k:k':'a'}}", "b", false },
		{ "{'StringNotEqualsIfExists':{'k:k':'a'}}", "a", false },
		{ "{'StringEquals':{'k:k':'${aws:nothing}'}}", "a", false },
		{ "{'StringNotEquals':{'k:k':'${aws:nothing}'}}", "a", false },
		{ "{'StringEquals':{'k:k':['${aws:nothing}','a']}}", "a", true },
		{ "{'StringEqualsIgnoreCase':{'k:k':'x-${aws:username}'}}", "X-ALICE", true },
		{ "{'StringEquals':{'k:k':'${k:k}'}}", "a|b", false },
	};
	table(rows, COUNT(rows));
}

static void numbers_dates_booleans(void)
{
	static const struct row rows[] = {
		{ "{'NumericEquals':{'k:k':'10'}}", "10.0", true },
		{ "{'NumericNotEquals':{'k:k':'10'}}", "10.0", false },
		{ "{'NumericNotEquals':{'k:k':'10'}}", NULL, true },
		{ "{'NumericLessThan':{'k:k':'10'}}", "10", false },
		{ "{'NumericLessThan':{'k:k':'10'}}", "9", true },
		{ "{'NumericLessThan':{'k:k':'10'}}", "nine", false },
		{ "{'NumericLessThanEquals':{'k:k':'10'}}", "10", true },
		{ "{'NumericGreaterThan':{'k:k':'-1'}}", "0", true },
		{ "{'NumericGreaterThanEquals':{'k:k':'10'}}", "9.999", false },
		{ "{'NumericGreaterThan':{'k:k':['5','50']}}", "10", true },
		{ "{'DateEquals':{'k:k':'2026-01-01T00:00:00Z'}}", "1767225600", true },
		{ "{'DateNotEquals':{'k:k':'2026-01-01T00:00:00Z'}}", "1767225600", false },
		{ "{'DateLessThan':{'k:k':'2026-01-01'}}", "2025-12-31T23:59:59Z", true },
		{ "{'DateLessThanEquals':{'k:k':'2026-01-01'}}", "2026-01-01T00:00:00Z", true },
		{ "{'DateGreaterThan':{'k:k':'2026-01-01'}}", "2026-01-01T00:00:00Z", false },
		{ "{'DateGreaterThanEquals':{'k:k':'2026-01-01'}}", "2026-01-01T00:00:00Z", true },
		{ "{'DateGreaterThan':{'k:k':'2026-01-01'}}", "tomorrow", false },
		{ "{'Bool':{'k:k':'true'}}", "True", true },
		{ "{'Bool':{'k:k':true}}", "false", false },
		{ "{'Bool':{'k:k':'false'}}", NULL, false },
		{ "{'BoolIfExists':{'k:k':'true'}}", NULL, true },
		{ "{'BinaryEquals':{'k:k':'aGk='}}", "hi", true },
		{ "{'BinaryEquals':{'k:k':'aGk='}}", "aGk=", false },
	};
	table(rows, COUNT(rows));
}

static void addresses_and_arns(void)
{
	static const struct row rows[] = {
		{ "{'IpAddress':{'k:k':'10.0.0.0/8'}}", "10.255.255.255", true },
		{ "{'IpAddress':{'k:k':'10.0.0.0/8'}}", "11.0.0.0", false },
		{ "{'IpAddress':{'k:k':'10.0.0.0/8'}}", "here", false },
		{ "{'IpAddress':{'k:k':['10.0.0.0/8','2001:db8::/32']}}", "2001:DB8::5", true },
		{ "{'NotIpAddress':{'k:k':['10.0.0.0/8','11.0.0.0/8']}}", "11.0.0.1", false },
		{ "{'NotIpAddress':{'k:k':'10.0.0.0/8'}}", NULL, true },
		{ "{'ArnEquals':{'k:k':'arn:aws:sns:*:*:t'}}", "arn:aws:sns:r:1:t", true },
		{ "{'ArnLike':{'k:k':'arn:aws:sns:*:t'}}", "arn:aws:sns:r:1:t", false },
		{ "{'ArnLike':{'k:k':'arn:aws:sns:r:1:*'}}", "arn:aws:sns:r:1:t:u/v", true },
		{ "{'ArnLike':{'k:k':'arn:aws:sns:r:1:${aws:username}-*'}}", "arn:aws:sns:r:1:alice-topic", true },
		{ "{'ArnLike':{'k:k':'arn:aws:sns:r:1:${aws:nothing}'}}", "arn:aws:sns:r:1:", false },
		{ "{'ArnNotEquals':{'k:k':'arn:aws:sns:r:1:t'}}", "arn:aws:sns:r:1:u", true },
		{ "{'ArnNotLike':{'k:k':'arn:aws:sns:r:1:*'}}", "arn:aws:sns:r:1:u", false },
		{ "{'ArnNotLike':{'k:k':'arn:aws:sns:r:1:*'}}", NULL, true },
		{ "{'ArnEquals':{'k:k':'arn:aws:sns:r:1:t'}}", "not an arn", false },
	};
	table(rows, COUNT(rows));
}

static void sets_and_missing_keys(void)
{
	static const struct row rows[] = {
		{ "{'ForAllValues:StringEquals':{'k:k':['a','b']}}", "a|b", true },
		{ "{'ForAllValues:StringEquals':{'k:k':['a','b']}}", "a|c", false },
		{ "{'ForAllValues:StringEquals':{'k:k':'a'}}", NULL, true },
		{ "{'ForAllValues:StringEquals':{'k:k':'a'}}", "", true },
		{ "{'ForAllValues:StringEquals':{'k:k':'a'}}", "|", true },
		{ "{'ForAllValues:StringEquals':{'k:k':'a'}}", "a|", false },
		{ "{'ForAllValues:StringEquals':{'k:k':['a','']}}", "|a", true },
		{ "{'ForAllValues:StringNotEquals':{'k:k':'a'}}", "b|c", true },
		{ "{'ForAllValues:StringNotEquals':{'k:k':'a'}}", "b|a", false },
		{ "{'ForAnyValue:StringEquals':{'k:k':['a','b']}}", "x|b", true },
		{ "{'ForAnyValue:StringEquals':{'k:k':['a','b']}}", "x|y", false },
		{ "{'ForAnyValue:StringEquals':{'k:k':'a'}}", NULL, false },
		{ "{'ForAnyValue:StringNotEquals':{'k:k':'a'}}", NULL, false },
		{ "{'ForAnyValue:StringNotEquals':{'k:k':'a'}}", "a|b", true },
		{ "{'ForAnyValue:StringNotEquals':{'k:k':['a','b']}}", "a|b", false },
		{ "{'ForAnyValue:StringEqualsIfExists':{'k:k':'a'}}", NULL, true },
		{ "{'StringEquals':{'k:k':'a'}}", "a|b", true },
		{ "{'StringNotEquals':{'k:k':'a'}}", "a|b", false },
		{ "{'StringNotEquals':{'k:k':'a'}}", "b|c", true },
		{ "{'Null':{'k:k':'true'}}", NULL, true },
		{ "{'Null':{'k:k':'true'}}", "", false },
		{ "{'Null':{'k:k':false}}", "x", true },
		{ "{'Null':{'k:k':'false'}}", NULL, false },
		{ "{'StringEquals':{'k:k':'a'},'StringLike':{'k:k':'b*'}}", "a", false },
		{ "{'StringEquals':{},'Null':{'k:k':'false'}}", "x", true },
	};
	table(rows, COUNT(rows));
}

RUN_ALL(T(strings), T(numbers_dates_booleans), T(addresses_and_arns), T(sets_and_missing_keys))
