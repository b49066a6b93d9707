/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about OpenID Connect providers.
 */
#include "svc/identities_testing.h"

#define ARN(name)  "arn:aws:iam::111122223333:oidc-provider/" name
#define NAMED(arn) "{'OpenIDConnectProviderArn':'" arn "'}"
#define PRINT      "9999999999999999999999999999999999999999"

static struct str many(struct test_world *w, size_t n, const char *form)
{
	struct buf b = buf_in(world_mem(w));
	for (size_t i = 0; i < n; i++) {
		buf_put(&b, i ? S(",") : S(""));
		buf_printf(&b, "'%s%zu'", form, i);
	}
	return buf_str(&b);
}

static void a_provider_is_made_shown_listed_and_deleted(void)
{
	struct test_world *w = begin();
	struct test_reply r =
	    IAM(w, "CreateOpenIDConnectProvider",
		"{'Url':'https://idp.example.com/a','ClientIDList':['x','y','x'],'ThumbprintList':['" PRINT
		"'],'Tags':[{'Key':'k','Value':'v'}]}");
	EXPECT_STR(world_field(w, r, "OpenIDConnectProviderArn"), S(ARN("idp.example.com/a")));
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"Key\":\"k\",\"Value\":\"v\"}]"));
	r = IAM(w, "GetOpenIDConnectProvider", NAMED(ARN("idp.example.com/a")));
	EXPECT_STR(world_field(w, r, "Url"), S("idp.example.com/a"));
	EXPECT_STR(world_field(w, r, "ClientIDList"), S("[\"x\",\"y\"]"));
	EXPECT_STR(world_field(w, r, "ThumbprintList"), S("[\"" PRINT "\"]"));
	REFUSED(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://idp.example.com/a'}"), 409,
		"EntityAlreadyExists", "Provider with url https://idp.example.com/a already exists.");
	WORKS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://idp.example.com'}"));
	r = IAM(w, "ListOpenIDConnectProviders", "{}");
	EXPECT_STR(world_field(w, r, "OpenIDConnectProviderList"),
		   S("[{\"Arn\":\"" ARN("idp.example.com") "\"},{\"Arn\":\"" ARN("idp.example.com/a") "\"}]"));
	WORKS(IAM(w, "DeleteOpenIDConnectProvider", NAMED(ARN("idp.example.com/a"))));
	WORKS(IAM(w, "DeleteOpenIDConnectProvider", NAMED(ARN("idp.example.com/a"))));
	REFUSED(IAM(w, "GetOpenIDConnectProvider", NAMED(ARN("idp.example.com/a"))), 404, "NoSuchEntity",
		"OpenIDConnect Provider not found for arn " ARN("idp.example.com/a"));
	world_end(w);
}

static void a_url_is_https_a_host_and_a_path(void)
{
	static const char *const wrong[] = {
		"http://idp.example.com",    "https://",
		"https://idp.example.com?a", "https://idp.example.com/a#b",
		"https://u@idp.example.com", "https://idp.example.com:8443",
		"https://idp .example.com",  "https:///path",
		"HTTPS://idp.example.com",   "https://idp.example.com:443/x",
	};
	struct test_world *w = begin();
	for (size_t i = 0; i < COUNT(wrong); i++)
		REFUSED(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'%s'}", wrong[i]), 400, "ValidationError",
			"Invalid Open ID Connect Provider URL");
	world_app(w)->federation_private = true;
	WORKS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://127.0.0.1:8443/x'}"));
	FAILS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://127.0.0.1:70000/x'}"), "ValidationError");
	FAILS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://127.0.0.1:/x'}"), "ValidationError");
	world_end(w);
}

static void clients_are_added_and_removed_up_to_a_hundred(void)
{
	struct test_world *w = begin();
	FAILS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://i.example','ClientIDList':[%.*s]}",
		  PR(many(w, 101, "c"))),
	      "LimitExceeded");
	WORKS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://i.example','ClientIDList':[%.*s]}",
		  PR(many(w, 99, "c"))));
	WORKS(IAM(w, "AddClientIDToOpenIDConnectProvider",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ClientID':'more'}"));
	WORKS(IAM(w, "AddClientIDToOpenIDConnectProvider",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ClientID':'more'}"));
	REFUSED(IAM(w, "AddClientIDToOpenIDConnectProvider",
		    "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ClientID':'most'}"),
		409, "LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100");
	WORKS(IAM(w, "RemoveClientIDFromOpenIDConnectProvider",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ClientID':'c7'}"));
	WORKS(IAM(w, "RemoveClientIDFromOpenIDConnectProvider",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ClientID':'c7'}"));
	WORKS(IAM(w, "AddClientIDToOpenIDConnectProvider",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ClientID':'most'}"));
	FAILS(IAM(w, "AddClientIDToOpenIDConnectProvider",
		  "{'OpenIDConnectProviderArn':'" ARN("other.example") "','ClientID':'x'}"),
	      "NoSuchEntity");
	world_end(w);
}

static void thumbprints_are_forty_hex_digits_and_five_at_most(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://i.example'}"));
	WORKS(IAM(w, "UpdateOpenIDConnectProviderThumbprint",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ThumbprintList':"
								   "['ABCDEF0123ABCDEF0123ABCDEF0123ABCDEF0123']}"));
	struct test_reply r = IAM(w, "GetOpenIDConnectProvider", NAMED(ARN("i.example")));
	EXPECT_STR(world_field(w, r, "ThumbprintList"), S("[\"abcdef0123abcdef0123abcdef0123abcdef0123\"]"));
	FAILS(IAM(w, "UpdateOpenIDConnectProviderThumbprint",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ThumbprintList':"
								   "['gbcdef0123abcdef0123abcdef0123abcdef0123']}"),
	      "InvalidInput");
	FAILS(IAM(w, "UpdateOpenIDConnectProviderThumbprint",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ThumbprintList':['" PRINT "','" PRINT "','" PRINT
								   "','" PRINT "','" PRINT "','" PRINT "']}"),
	      "InvalidInput");
	FAILS(IAM(w, "UpdateOpenIDConnectProviderThumbprint",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','ThumbprintList':['99']}"),
	      "ValidationError");
	world_end(w);
}

static void an_account_has_a_hundred(void)
{
	struct test_world *w = begin();
	for (int i = 0; i < 100; i++)
		WORKS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://i%d.example'}", i));
	REFUSED(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://i.example'}"), 409, "LimitExceeded",
		"Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100");
	WORKS(IAM(w, "DeleteOpenIDConnectProvider", NAMED(ARN("i7.example"))));
	WORKS(IAM(w, "DeleteOpenIDConnectProvider", NAMED(ARN("i7.example")))); /* counts once */
	WORKS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://i.example'}"));
	FAILS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://j.example'}"), "LimitExceeded");
	world_end(w);
}

static void an_arn_must_be_of_the_kind_and_the_account(void)
{
	static const char *const wrong[] = {
		"arn:aws:iam::444455556666:oidc-provider/i.example",
		"arn:aws:iam::111122223333:saml-provider/i.example",
		"arn:aws:iam::111122223333:oidc-provider/",
		"not an arn at all, but long",
	};
	struct test_world *w = begin();
	for (size_t i = 0; i < COUNT(wrong); i++)
		FAILS(IAM(w, "GetOpenIDConnectProvider", "{'OpenIDConnectProviderArn':'%s'}", wrong[i]),
		      "InvalidInput");
	world_end(w);
}

static void a_provider_has_tags_and_policies_see_them(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "CreateOpenIDConnectProvider", "{'Url':'https://i.example'}"));
	WORKS(IAM(w, "TagOpenIDConnectProvider",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','Tags':[{'Key':'a','Value':'1'},{'Key':'b',"
								   "'Value':'2'}]}"));
	struct test_reply r =
	    IAM(w, "ListOpenIDConnectProviderTags", "{'OpenIDConnectProviderArn':'" ARN("i.example") "','MaxItems':1}");
	EXPECT_STR(world_field(w, r, "Tags"), S("[{\"Key\":\"a\",\"Value\":\"1\"}]"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'{\\\"Version\\\":\\\"2012-10-17\\\","
		  "\\\"Statement\\\":{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"iam:*\\\",\\\"Resource\\\":\\\"*"
		  "\\\",\\\"Condition\\\":{\\\"StringEquals\\\":{\\\"aws:ResourceTag/a\\\":\\\"1\\\"}}}}'}"));
	WORKS(AS(w, user_caller(w, "ann"), "iam", "GetOpenIDConnectProvider", NAMED(ARN("i.example"))));
	WORKS(IAM(w, "UntagOpenIDConnectProvider",
		  "{'OpenIDConnectProviderArn':'" ARN("i.example") "','TagKeys':['a']}"));
	FAILS(AS(w, user_caller(w, "ann"), "iam", "GetOpenIDConnectProvider", NAMED(ARN("i.example"))), "AccessDenied");
	world_end(w);
}

static void making_one_with_tags_needs_the_tagging_action(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT(
		      "Allow", "iam:CreateOpenIDConnectProvider", ARN("ok.example*")) "'}"));
	struct caller ann = user_caller(w, "ann");
	WORKS(AS(w, ann, "iam", "CreateOpenIDConnectProvider", "{'Url':'https://ok.example'}"));
	FAILS(AS(w, ann, "iam", "CreateOpenIDConnectProvider", "{'Url':'https://no.example'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "CreateOpenIDConnectProvider",
		 "{'Url':'https://ok.example/2','Tags':[{'Key':'a','Value':'1'}]}"),
	      "AccessDenied");
	world_end(w);
}

RUN_ALL(T(a_provider_is_made_shown_listed_and_deleted), T(a_url_is_https_a_host_and_a_path),
	T(clients_are_added_and_removed_up_to_a_hundred), T(thumbprints_are_forty_hex_digits_and_five_at_most),
	T(an_account_has_a_hundred), T(an_arn_must_be_of_the_kind_and_the_account),
	T(a_provider_has_tags_and_policies_see_them), T(making_one_with_tags_needs_the_tagging_action))
