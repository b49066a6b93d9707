/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue: everything in it is found again, what is not in it is not, patterns mean
 * what IAM means by them. The facts checked are of the Service Authorization Reference.
 */
#include "policy/catalogue.h"
#include "base/str.h"
#include "base/test.h"

static struct catalogue_action action(const char *name)
{
	struct catalogue_action a;
	EXPECT(catalogue_action_find(str_of(name), &a));
	return a;
}

static struct catalogue_key key(const char *name)
{
	struct catalogue_key k;
	EXPECT(catalogue_key_find(str_of(name), &k));
	return k;
}

static size_t count(const char *pattern)
{
	struct catalogue_walk it = { 0 };
	struct catalogue_action a;
	size_t n = 0;
	while (catalogue_action_next(str_of(pattern), &it, &a))
		n++;
	return n;
}

static void everything_listed_is_found_in_any_case(void)
{
	char name[300];
	for (size_t i = 0; i < catalogue_action_count(); i++) {
		struct catalogue_action a = catalogue_action_at(i), b;
		int n = snprintf(name, sizeof name, "%.*s:%.*s", PR(a.service), PR(a.name));
		for (int k = 0; k < n; k += 2)
			name[k] = char_upper(name[k]);
		EXPECT(catalogue_action_find(str_make(name, (size_t)n), &b) && b.id == i);
	}
	for (size_t i = 0; i < catalogue_service_count(); i++) {
		struct catalogue_service s = catalogue_service_at(i), t;
		EXPECT(catalogue_service_find(s.prefix, &t) && t.id == i && s.title.n > 0);
		for (size_t k = 0; k < s.resources; k++) {
			struct catalogue_resource r = catalogue_resource_at(s.resource0 + k), q;
			EXPECT(catalogue_resource_find(s.prefix, r.name, &q) && q.id == r.id);
			EXPECT(r.arns > 0);
			for (size_t m = 0; m < r.arns; m++)
				EXPECT(catalogue_resource_meets(&r, catalogue_resource_arn(&r, m)));
		}
	}
}

static void what_is_not_there_is_not_found(void)
{
	struct catalogue_action a;
	struct catalogue_service s;
	struct catalogue_resource r;
	struct catalogue_key k;
	static const char *const actions[] = { "",
					       ":",
					       "s3",
					       "s3:",
					       "s3:GetObjec",
					       "s3:GetObjectt",
					       "zzz:GetObject",
					       "s3:Get*",
					       "s3:GetObject:",
					       " s3:GetObject" };
	for (size_t i = 0; i < COUNT(actions); i++)
		EXPECT(!catalogue_action_find(str_of(actions[i]), &a));
	EXPECT(!catalogue_service_find(S(""), &s) && !catalogue_service_find(S("s33"), &s));
	EXPECT(!catalogue_resource_find(S("s3"), S("bucke"), &r) && !catalogue_resource_find(S("s0"), S("bucket"), &r));
	static const char *const keys[] = {
		"",           "aws:",   "aws:RequestTag",        "aws:RequestTag/", "aws:Nothing",
		"s3:prefixx", "prefix", "kms:EncryptionContext:"
	};
	for (size_t i = 0; i < COUNT(keys); i++)
		EXPECT(!catalogue_key_find(str_of(keys[i]), &k));
}

static void access_levels_are_those_of_the_reference(void)
{
	EXPECT(action("s3:GetObject").access == CATALOGUE_READ);
	EXPECT(action("s3:ListBucket").access == CATALOGUE_LIST);
	EXPECT(action("s3:PutObject").access == CATALOGUE_WRITE);
	EXPECT(action("iam:TagRole").access == CATALOGUE_TAGGING);
	EXPECT(action("s3:PutBucketPolicy").access == CATALOGUE_PERMISSIONS);
	EXPECT(!strcmp(catalogue_access_name(CATALOGUE_PERMISSIONS), "Permissions management"));
	EXPECT_STR(action("S3:GETOBJECT").name, S("GetObject"));
}

static void patterns_mean_what_iam_means(void)
{
	struct catalogue_service s3;
	EXPECT(catalogue_service_find(S("s3"), &s3));
	EXPECT(count("s3:*") == s3.actions);
	EXPECT(count("*") == catalogue_action_count());
	EXPECT(count("*:*") == catalogue_action_count());
	EXPECT(count("s3:getobject") == 1);
	EXPECT(count("s3:GetObject*") > 5 && count("s3:GetObject*") < s3.actions);
	EXPECT(count("s3:GetObjec?") == 1);
	EXPECT(count("s3:Nothing*") == 0 && count("nothing:*") == 0 && count("s3") == 0 && count("") == 0);
}

static void actions_know_their_resources_and_keys(void)
{
	struct catalogue_action pass = action("iam:PassRole"), get = action("s3:GetObject"),
				list = action("s3:ListBucket");
	struct catalogue_key to = key("iam:passedtoservice"), prefix = key("s3:prefix"), ip = key("aws:SourceIp"),
			     tag = key("s3:ExistingObjectTag/team");
	EXPECT(pass.uses == 1 && catalogue_use_at(&pass, 0).required);
	EXPECT_STR(catalogue_use_at(&pass, 0).type.name, S("role"));
	EXPECT(catalogue_action_has_key(&pass, &to) && !catalogue_action_has_key(&get, &to));
	EXPECT(catalogue_action_has_key(&list, &prefix) && !catalogue_action_has_key(&get, &prefix));
	EXPECT(catalogue_action_has_key(&get, &tag));
	EXPECT(ip.everywhere && catalogue_action_has_key(&get, &ip));
}

static void keys_have_types(void)
{
	EXPECT(key("aws:SourceIp").type == CATALOGUE_IP && key("aws:CurrentTime").type == CATALOGUE_DATE);
	EXPECT(key("aws:MultiFactorAuthAge").type == CATALOGUE_NUMERIC &&
	       key("aws:PrincipalArn").type == CATALOGUE_ARN);
	EXPECT(key("aws:SecureTransport").type == CATALOGUE_BOOL && key("aws:username").type == CATALOGUE_STRING);
	EXPECT(key("aws:TagKeys").multi && !key("aws:userid").multi);
	EXPECT(key("aws:requesttag/Team").open);
	EXPECT_STR(key("aws:requesttag/Team").name, S("aws:RequestTag/${TagKey}"));
	EXPECT_STR(key("kms:EncryptionContext:app").name, S("kms:EncryptionContext:${EncryptionContextKey}"));
	EXPECT_STR(key("events:Metadata/x/Matcher").name, S("events:Metadata/${MetadataKey}"));
}

static void patterns_meet(void)
{
	static const struct {
		const char *a, *b;
		bool meet;
	} cases[] = {
		{ "", "", true },
		{ "a", "", false },
		{ "*", "", true },
		{ "a*", "*b", true },
		{ "a*c", "b*c", false },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "a*b*c", "axbyd*", true },
		{ "a*b*c", "axbyd", false },
		{ "arn:aws:s3:::b/*", "arn:${Partition}:s3:::${BucketName}", false },
		{ "arn:aws:s3:::b*", "arn:${Partition}:s3:::${BucketName}", true },
		{ "arn:aws:s3:::b", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", false },
		{ "arn:aws:s3:::b/a/${aws:username}/x", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", true },
		{ "arn:aws:s3:::*", "arn:${Partition}:s3:::${BucketName}/${ObjectName}", true },
		{ "arn:aws:iam::*:role/x", "arn:${Partition}:iam::${Account}:user/${UserName}", false },
		{ "a${*}c", "abc", true }, /* said too often rather than too seldom */
		{ "${a", "${a", true },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		EXPECT(catalogue_patterns_meet(str_of(cases[i].a), str_of(cases[i].b)) == cases[i].meet);
		EXPECT(catalogue_patterns_meet(str_of(cases[i].b), str_of(cases[i].a)) == cases[i].meet);
	}
}

RUN_ALL(T(everything_listed_is_found_in_any_case), T(what_is_not_there_is_not_found),
	T(access_levels_are_those_of_the_reference), T(patterns_mean_what_iam_means),
	T(actions_know_their_resources_and_keys), T(keys_have_types), T(patterns_meet))
