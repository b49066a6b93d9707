/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aliases: names for keys, and who may move them.
 */
#include "svc/kms/testing.h"

#define ALIAS_ARN "arn:aws:kms:us-east-1:111122223333:alias/"

static struct str alias_target(struct test_world *w, const char *alias)
{
	return world_field(w, CALL(w, "DescribeKey", "{'KeyId':'%s'}", alias), "KeyMetadata.KeyId");
}

static void an_alias_names_a_key_until_it_is_deleted(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w), b = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(a)));
	EXPECT_STR(alias_target(w, "alias/x"), a);
	EXPECT_DONE(CALL(w, "UpdateAlias", "{'AliasName':'alias/x','TargetKeyId':'" KEY_ARN "%.*s'}", PR(b)));
	EXPECT_STR(alias_target(w, "alias/x"), b);
	EXPECT_DONE(CALL(w, "UpdateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(b)));
	EXPECT_STR(alias_target(w, ALIAS_ARN "x"), b);
	EXPECT_DONE(CALL(w, "DeleteAlias", "{'AliasName':'alias/x'}"));
	EXPECT_FAULT(CALL(w, "DescribeKey", "{'KeyId':'alias/x'}"), "NotFoundException",
		     S("Alias " ALIAS_ARN "x is not found."));
	world_end(w);
}

static void names_must_be_names(void)
{
	static const struct {
		const char *name, *code, *text;
	} cases[] = {
		{ "x", "ValidationException", "Invalid identifier" },
		{ "alias/", "ValidationException", "Invalid identifier" },
		{ "alias/a:b", "ValidationException", "alias/a:b contains invalid characters for an alias" },
		{ "alias/aws/s3", "InvalidAliasNameException",
		  "Alias names that begin with alias/aws/ are reserved for AWS managed keys." },
	};
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (size_t i = 0; i < COUNT(cases); i++)
		EXPECT_FAULT(CALL(w, "CreateAlias", "{'AliasName':'%s','TargetKeyId':'%.*s'}", cases[i].name, PR(id)),
			     cases[i].code, str_of(cases[i].text));
	EXPECT_STR(CALL(w, "CreateAlias", "{'AliasName':'alias/a b','TargetKeyId':'%.*s'}", PR(id)).code,
		   S("ValidationException"));
	EXPECT_STR(CALL(w, "DeleteAlias", "{'AliasName':'alias/aws/s3'}").code, S("ValidationException"));
	EXPECT_STR(world_field(w, CALL(w, "ListAliases", "{}"), "Aliases"), S("[]"));
	world_end(w);
}

static void a_name_is_given_once(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w), b = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(a)));
	EXPECT_FAULT(CALL(w, "CreateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(b)),
		     "AlreadyExistsException", S("An alias with the name " ALIAS_ARN "x already exists"));
	EXPECT_STR(alias_target(w, "alias/x"), a);
	world_end(w);
}

static void aliases_refer_to_keys_that_are_there(void)
{
	static const struct {
		const char *target, *code, *text;
	} cases[] = {
		{ "alias/x", "ValidationException", "Aliases must refer to keys. Not aliases" },
		{ ALIAS_ARN "x", "ValidationException", "Aliases must refer to keys. Not aliases" },
		{ "0a0a0a0a-0000-4000-8000-000000000000", "NotFoundException",
		  "Key '" KEY_ARN "0a0a0a0a-0000-4000-8000-000000000000' does not exist" },
	};
	struct test_world *w = testing_begin();
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(testing_key(w))));
	for (size_t i = 0; i < COUNT(cases); i++) {
		EXPECT_FAULT(CALL(w, "CreateAlias", "{'AliasName':'alias/y','TargetKeyId':'%s'}", cases[i].target),
			     cases[i].code, str_of(cases[i].text));
		EXPECT_FAULT(CALL(w, "UpdateAlias", "{'AliasName':'alias/x','TargetKeyId':'%s'}", cases[i].target),
			     cases[i].code, str_of(cases[i].text));
	}
	world_end(w);
}

static void an_alias_moves_between_keys_of_one_kind(void)
{
	static const char *const kinds[][2] = {
		{ "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT" }, { "HMAC_256", "GENERATE_VERIFY_MAC" },
		{ "RSA_2048", "ENCRYPT_DECRYPT" },          { "RSA_2048", "SIGN_VERIFY" },
		{ "ECC_NIST_P256", "SIGN_VERIFY" },         { "ECC_NIST_P256", "KEY_AGREEMENT" },
	};
	struct test_world *w = testing_begin();
	struct str keys[COUNT(kinds)];
	for (size_t i = 0; i < COUNT(kinds); i++)
		keys[i] = testing_key_of(w, kinds[i][0], kinds[i][1]);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(keys[i])));
		for (size_t k = 0; k < COUNT(kinds); k++) {
			bool alike = i == k || (i == 3 && k == 4) || (i == 4 && k == 3); /* RSA or a curve: both sign */
			struct test_reply r =
			    CALL(w, "UpdateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(keys[k]));
			EXPECT_STR(r.code, alike ? S("") : S("ValidationException"));
			EXPECT_STR(alias_target(w, "alias/x"), alike ? keys[k] : keys[i]);
			EXPECT_DONE(
			    CALL(w, "UpdateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(keys[i])));
		}
		EXPECT_DONE(CALL(w, "DeleteAlias", "{'AliasName':'alias/x'}"));
	}
	world_end(w);
}

static void what_is_not_there_is_not_found(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), text = S("Alias " ALIAS_ARN "none is not found.");
	EXPECT_FAULT(CALL(w, "DeleteAlias", "{'AliasName':'alias/none'}"), "NotFoundException", text);
	EXPECT_FAULT(CALL(w, "UpdateAlias", "{'AliasName':'alias/none','TargetKeyId':'%.*s'}", PR(id)),
		     "NotFoundException", text);
	world_end(w);
}

static void a_key_has_50_aliases_at_most(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w);
	for (int i = 0; i < 50; i++)
		EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/%d','TargetKeyId':'%.*s'}", i, PR(id)));
	EXPECT_STR(CALL(w, "CreateAlias", "{'AliasName':'alias/50','TargetKeyId':'%.*s'}", PR(id)).code,
		   S("LimitExceededException"));
	EXPECT_DONE(CALL(w, "UpdateAlias", "{'AliasName':'alias/1','TargetKeyId':'%.*s'}", PR(id)));
	world_end(w);
}

static size_t count_entries(struct test_world *w, struct test_reply r)
{
	size_t n = 0;
	while (n < 1000 &&
	       world_field(w, r, str_z(world_mem(w), arena_printf(world_mem(w), "Aliases.%zu.AliasName", n))).p)
		n++;
	return n;
}

static void aliases_are_listed_for_the_account_or_for_a_key(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w), b = testing_key(w);
	for (int i = 0; i < 3; i++)
		EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/a%d','TargetKeyId':'%.*s'}", i, PR(a)));
	world_later(w, 5000);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/b','TargetKeyId':'%.*s'}", PR(b)));
	EXPECT(count_entries(w, CALL(w, "ListAliases", "{}")) == 4);
	EXPECT(count_entries(w, CALL(w, "ListAliases", "{'KeyId':'%.*s'}", PR(a))) == 3);
	struct test_reply r = CALL(w, "ListAliases", "{'KeyId':'%.*s'}", PR(b));
	EXPECT_STR(world_field(w, r, "Aliases.0.AliasName"), S("alias/b"));
	EXPECT_STR(world_field(w, r, "Aliases.0.AliasArn"), S(ALIAS_ARN "b"));
	EXPECT_STR(world_field(w, r, "Aliases.0.TargetKeyId"), b);
	EXPECT_STR(world_field(w, r, "Aliases.0.CreationDate"), S("1767225605"));
	EXPECT_FAULT(CALL(w, "ListAliases", "{'KeyId':'alias/b'}"), "NotFoundException", S("Invalid keyId 'alias/b'"));
	world_end(w);
}

static void aliases_are_listed_in_pages(void)
{
	struct test_world *w = testing_begin();
	struct str id = testing_key(w), marker = { 0 };
	size_t seen = 0, pages = 0;
	for (int i = 0; i < 5; i++)
		EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/%d','TargetKeyId':'%.*s'}", i, PR(id)));
	do {
		struct test_reply r =
		    marker.p ? CALL(w, "ListAliases", "{'Limit':2,'KeyId':'%.*s','Marker':'%.*s'}", PR(id), PR(marker))
			     : CALL(w, "ListAliases", "{'Limit':2,'KeyId':'%.*s'}", PR(id));
		EXPECT_DONE(r);
		seen += count_entries(w, r);
		marker = world_field(w, r, "NextMarker");
		pages++;
	} while (marker.p);
	EXPECT(seen == 5 && pages == 3);
	EXPECT_STR(CALL(w, "ListAliases", "{'Limit':101}").code, S("ValidationException"));
	struct test_reply all = CALL(w, "ListAliases", "{'Limit':1}");
	EXPECT_STR(
	    CALL(w, "ListAliases", "{'KeyId':'%.*s','Marker':'%.*s'}", PR(id), PR(world_field(w, all, "NextMarker")))
		.code,
	    S("InvalidMarkerException"));
	world_end(w);
}

static void moving_an_alias_needs_permission_on_alias_and_both_keys(void)
{
	struct test_world *w = testing_begin();
	struct str a = testing_key(w), b = testing_key(w);
	EXPECT_DONE(CALL(w, "CreateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(a)));
	const struct str all[] = { S(ALIAS_ARN "x"), testing_arn(w, a), testing_arn(w, b) };
	for (size_t left_out = 0; left_out <= COUNT(all); left_out++) {
		struct buf b2 = buf_in(world_mem(w));
		buf_put(&b2, S("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\","
			       "\"Resource\":["));
		for (size_t i = 0, n = 0; i < COUNT(all); i++)
			if (i != left_out)
				buf_printf(&b2, "%s\"%.*s\"", n++ ? "," : "", PR(all[i]));
		buf_put(&b2, S("]}]}"));
		struct caller who = testing_user(w, str_z(world_mem(w), buf_str(&b2)));
		struct test_reply r = AS(w, who, "UpdateAlias", "{'AliasName':'alias/x','TargetKeyId':'%.*s'}", PR(b));
		EXPECT_STR(r.code, left_out < COUNT(all) ? S("AccessDeniedException") : S(""));
	}
	world_end(w);
}

RUN_ALL(T(an_alias_names_a_key_until_it_is_deleted), T(names_must_be_names), T(a_name_is_given_once),
	T(aliases_refer_to_keys_that_are_there), T(an_alias_moves_between_keys_of_one_kind),
	T(what_is_not_there_is_not_found), T(a_key_has_50_aliases_at_most),
	T(aliases_are_listed_for_the_account_or_for_a_key), T(aliases_are_listed_in_pages),
	T(moving_an_alias_needs_permission_on_alias_and_both_keys))
