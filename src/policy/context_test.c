/* SPDX-License-Identifier: Apache-2.0 */
/* The context of a request: keys by number and by name, in any case, put or looked up. */
#include "policy/policy.h"
#include "base/str.h"
#include "base/test.h"

static struct policy_entry room[16];

static struct str value_of(const struct policy_context *cx, const char *name)
{
	struct policy_entry e;
	if (!policy_context_get(cx, str_of(name), &e) || e.n == 0)
		return (struct str){ 0 };
	return e.values ? e.values[0] : e.one;
}

static void known_keys_have_numbers(void)
{
	EXPECT(policy_key_find(S("aws:sourceip")) == POLICY_KEY_AWS_SOURCE_IP);
	EXPECT(policy_key_find(S("S3:MAX-KEYS")) == POLICY_KEY_S3_MAX_KEYS);
	EXPECT(policy_key_find(S("aws:PrincipalTag/x")) == POLICY_KEY_NONE);
	EXPECT(policy_key_find(S("")) == POLICY_KEY_NONE);
	EXPECT_STR(policy_key_name(POLICY_KEY_AWS_TAG_KEYS), S("aws:TagKeys"));
	EXPECT(policy_key_multi(POLICY_KEY_AWS_TAG_KEYS) && !policy_key_multi(POLICY_KEY_AWS_USERID));
	for (int k = 1; k < POLICY_KEY_COUNT; k++)
		EXPECT(policy_key_find(policy_key_name((enum policy_key)k)) == (enum policy_key)k);
}

static void what_is_put_is_found_in_any_case(void)
{
	struct policy_context cx;
	struct str team = S("blue"), red = S("red");
	policy_context_init(&cx, room, COUNT(room));
	policy_context_put(&cx, POLICY_KEY_AWS_SOURCE_IP, S("10.0.0.1"));
	policy_context_put_named(&cx, S("aws:PrincipalTag/Team"), &team, 1, false);
	EXPECT_STR(value_of(&cx, "AWS:SOURCEIP"), S("10.0.0.1"));
	EXPECT_STR(value_of(&cx, "aws:principaltag/tEAM"), S("blue"));
	EXPECT(value_of(&cx, "aws:PrincipalTag/Teams").p == NULL);
	policy_context_put_named(&cx, S("AWS:principaltag/team"), &red, 1, false);
	policy_context_put(&cx, POLICY_KEY_AWS_SOURCE_IP, S("10.0.0.2"));
	EXPECT_STR(value_of(&cx, "aws:PrincipalTag/Team"), S("red"));
	EXPECT_STR(value_of(&cx, "aws:SourceIp"), S("10.0.0.2"));
	EXPECT(cx.n == 2);
}

static void an_absent_value_is_an_absent_key(void)
{
	struct policy_context cx;
	policy_context_init(&cx, room, COUNT(room));
	policy_context_put(&cx, POLICY_KEY_AWS_REFERER, (struct str){ 0 });
	EXPECT(cx.n == 0);
	policy_context_put(&cx, POLICY_KEY_AWS_REFERER, S(""));
	EXPECT(cx.n == 1 && value_of(&cx, "aws:referer").p != NULL);
}

static bool tags(void *arg, enum policy_key key, struct str name, struct policy_entry *out)
{
	++*(int *)arg;
	if (key != POLICY_KEY_NONE || !str_starts_ci(name, S("aws:ResourceTag/")))
		return false;
	*out = (struct policy_entry){ .one = str_from(name, 16), .n = 1 };
	return true;
}

static void what_was_not_put_is_looked_up(void)
{
	struct policy_context cx;
	int asked = 0;
	policy_context_init(&cx, room, COUNT(room));
	cx.lookup = tags;
	cx.lookup_arg = &asked;
	policy_context_put(&cx, POLICY_KEY_AWS_SOURCE_IP, S("10.0.0.1"));
	EXPECT_STR(value_of(&cx, "aws:resourcetag/colour"), S("colour"));
	EXPECT(value_of(&cx, "aws:userid").p == NULL && asked == 2);
	EXPECT(value_of(&cx, "aws:SourceIp").p != NULL && asked == 2);
}

static void the_principal_brings_his_keys(void)
{
	struct policy_context cx;
	struct policy_principal role = {
		.kind = POLICY_ROLE_SESSION,
		.account = S("111122223333"),
		.id = S("AROAX:s"),
		.arn = S("arn:aws:sts::111122223333:assumed-role/app/s"),
		.issuer = S("arn:aws:iam::111122223333:role/team/app"),
	};
	policy_context_init(&cx, room, COUNT(room));
	policy_context_principal(&cx, &role);
	EXPECT_STR(value_of(&cx, "aws:PrincipalArn"), S("arn:aws:iam::111122223333:role/team/app"));
	EXPECT_STR(value_of(&cx, "aws:PrincipalType"), S("AssumedRole"));
	EXPECT_STR(value_of(&cx, "aws:userid"), S("AROAX:s"));
	EXPECT(value_of(&cx, "aws:username").p == NULL);

	struct str names[] = { S("cloudtrail.amazonaws.com"), S("cloudtrail.us-east-1.amazonaws.com") };
	struct policy_principal service = { .kind = POLICY_SERVICE, .services = names, .services_n = 2 };
	policy_context_init(&cx, room, COUNT(room));
	policy_context_principal(&cx, &service);
	EXPECT_STR(value_of(&cx, "aws:PrincipalIsAWSService"), S("true"));
	EXPECT_STR(value_of(&cx, "aws:PrincipalServiceName"), names[0]);
	EXPECT(value_of(&cx, "aws:PrincipalArn").p == NULL && value_of(&cx, "aws:PrincipalType").p == NULL);

	struct policy_principal nobody = { .kind = POLICY_ANONYMOUS };
	policy_context_init(&cx, room, COUNT(room));
	policy_context_principal(&cx, &nobody);
	EXPECT_STR(value_of(&cx, "aws:PrincipalType"), S("Anonymous"));
	EXPECT_STR(value_of(&cx, "aws:PrincipalAccount"), S("anonymous"));
	EXPECT(value_of(&cx, "aws:userid").p == NULL && value_of(&cx, "aws:PrincipalIsAWSService").p == NULL);
}

RUN_ALL(T(known_keys_have_numbers), T(what_is_put_is_found_in_any_case), T(an_absent_value_is_an_absent_key),
	T(what_was_not_put_is_looked_up), T(the_principal_brings_his_keys))
