/* SPDX-License-Identifier: Apache-2.0 */
/* When a bucket policy is public. In the texts ' stands for ". */
#include "policy/policy.h"
#include "base/test.h"

static bool is_public(const char *principal, const char *condition, const char *effect)
{
	struct arena *mem = arena_new();
	struct policy *p = NULL;
	size_t which = 9;
	struct str text = arena_printf(
	    mem,
	    "{'Version':'2012-10-17','Statement':[{'Effect':'Deny','Principal':'*','Action':'*','Resource':'*'},"
	    "{'Effect':'%s','Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*','Principal':%s%s%s}]}",
	    effect, principal, condition ? ",'Condition':" : "", condition ? condition : "");
	char *z = str_z(mem, text);
	for (size_t i = 0; i < text.n; i++)
		z[i] = z[i] == '\'' ? '"' : z[i];
	EXPECT_OK(policy_compile(str_make(z, text.n), POLICY_RESOURCE, &p, NULL));
	bool yes = policy_is_public(p, &which);
	EXPECT(!yes || which == 1);
	policy_unref(p);
	arena_free(mem);
	return yes;
}

static void everyone_is_public_and_the_named_are_not(void)
{
	EXPECT(is_public("'*'", NULL, "Allow"));
	EXPECT(is_public("{'AWS':'*'}", NULL, "Allow"));
	EXPECT(is_public("{'AWS':['111122223333','*']}", NULL, "Allow"));
	EXPECT(!is_public("{'AWS':'111122223333'}", NULL, "Allow"));
	EXPECT(!is_public("{'Service':'cloudtrail.amazonaws.com'}", NULL, "Allow"));
	EXPECT(!is_public("'*'", NULL, "Deny"));
}

static void a_fixed_value_of_a_listed_key_closes_it(void)
{
	EXPECT(!is_public("'*'", "{'StringEquals':{'aws:SourceVpc':'vpc-1'}}", "Allow"));
	EXPECT(!is_public("'*'", "{'StringLike':{'AWS:sourcevpce':'vpce-1'}}", "Allow"));
	EXPECT(!is_public("'*'", "{'ArnLike':{'aws:SourceArn':'arn:aws:sns:us-east-1:111122223333:t'}}", "Allow"));
	EXPECT(!is_public("'*'", "{'IpAddress':{'aws:SourceIp':'203.0.113.0/24'}}", "Allow"));
	EXPECT(!is_public("'*'",
			  "{'StringLike':{'s3:DataAccessPointArn':'arn:aws:s3:us-east-1:111122223333:accesspoint/*'}}",
			  "Allow"));
}

static void anything_else_leaves_it_open(void)
{
	EXPECT(is_public("'*'", "{'StringLike':{'aws:SourceVpc':'vpc-*'}}", "Allow"));
	EXPECT(is_public("'*'", "{'StringLike':{'aws:userid':'AROAX:*'}}", "Allow"));
	EXPECT(is_public("'*'", "{'StringEquals':{'aws:SourceVpc':'${aws:SourceVpc}'}}", "Allow"));
	EXPECT(is_public("'*'", "{'StringEquals':{'aws:SourceVpc':['vpc-1','${x:y}']}}", "Allow"));
	EXPECT(is_public("'*'", "{'StringNotEquals':{'aws:SourceVpc':'vpc-1'}}", "Allow"));
	EXPECT(is_public("'*'", "{'StringEqualsIfExists':{'aws:SourceVpc':'vpc-1'}}", "Allow"));
	EXPECT(is_public("'*'", "{'ForAllValues:StringEquals':{'aws:SourceVpc':'vpc-1'}}", "Allow"));
	EXPECT(is_public("'*'", "{'StringEquals':{'aws:Referer':'https://example.com'}}", "Allow"));
	EXPECT(is_public("'*'", "{'IpAddress':{'aws:SourceIp':'0.0.0.0/1'}}", "Allow"));
	EXPECT(is_public("'*'", "{'IpAddress':{'aws:SourceIp':['203.0.113.0/24','2001::/16']}}", "Allow"));
	EXPECT(is_public("'*'", "{'NotIpAddress':{'aws:SourceIp':'203.0.113.0/24'}}", "Allow"));
	EXPECT(is_public("'*'", "{'Bool':{'aws:SecureTransport':'true'}}", "Allow"));
}

RUN_ALL(T(everyone_is_public_and_the_named_are_not), T(a_fixed_value_of_a_listed_key_closes_it),
	T(anything_else_leaves_it_open))
