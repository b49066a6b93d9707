/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grants to services ("Grantee service principal") and the constraint SourceArn: who may be
 * named with whom, and on whose behalf the service must ask.
 */
#include "svc/kms/grant_testing.h"

#define TABLE       "arn:aws:dynamodb:us-east-1:111122223333:table/orders"
#define OTHER_TABLE "arn:aws:dynamodb:us-east-1:111122223333:table/others"
#define DYNAMO      "dynamodb.amazonaws.com"
#define SOURCE      ",'Constraints':{'SourceArn':'" TABLE "'}"
#define RETIRED     ",'RetiringServicePrincipal':'" DYNAMO "'"

/* A service of ours that acts for itself, for the sake of a resource of that account. */
static struct caller service(const char *name, const char *source)
{
	return (struct caller){
		.kind = CALLER_SERVICE,
		.account = WORLD_ACCOUNT,
		.principal_id = str_of(name),
		.name = str_of(name),
		.invoked_by = str_of(name),
		.source_arn = source ? str_of(source) : (struct str){ 0 },
	};
}

static struct test_reply ask(struct test_world *w, struct caller who, struct str key, const char *members)
{
	return AS(w, who, "CreateGrant", "{'KeyId':'%.*s','Operations':['Encrypt','DescribeKey']%s}", PR(key), members);
}

static struct made dynamo_grant(struct test_world *w, struct str key, const char *more)
{
	return made_of(w, CALL(w, "CreateGrant",
			       "{'KeyId':'%.*s','GranteeServicePrincipal':'" DYNAMO "'" RETIRED
			       ",'Operations':['Encrypt','Decrypt','DescribeKey','RetireGrant','CreateGrant']%s}",
			       PR(key), more));
}

static void one_of_each_kind_is_named(void)
{
	static const struct {
		const char *members, *text; /* NULL: fine */
	} cases[] = {
		{ "", "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both." },
		{ ",'GranteePrincipal':'" ANN "','GranteeServicePrincipal':'" DYNAMO "'" SOURCE RETIRED,
		  "You must specify either GranteePrincipal or GranteeServicePrincipal, but not both." },
		{ ",'GranteePrincipal':'" ANN "','RetiringPrincipal':'" ANN "'" RETIRED,
		  "You can specify either RetiringPrincipal or RetiringServicePrincipal, but not both." },
		{ ",'GranteeServicePrincipal':'" DYNAMO "'" RETIRED,
		  "When you specify a GranteeServicePrincipal, you must also specify a SourceArn grant constraint." },
		{ ",'GranteeServicePrincipal':'" DYNAMO "','Constraints':{'EncryptionContextSubset':{'a':'b'}}" RETIRED,
		  "When you specify a GranteeServicePrincipal, you must also specify a SourceArn grant constraint." },
		{ ",'GranteeServicePrincipal':'" DYNAMO "'" SOURCE,
		  "When you specify a GranteeServicePrincipal, you must also specify a RetiringPrincipal or a "
		  "RetiringServicePrincipal." },
		{ ",'GranteeServicePrincipal':'" DYNAMO "'" SOURCE RETIRED, NULL },
		{ ",'GranteeServicePrincipal':'" DYNAMO "','RetiringPrincipal':'" ANN "'" SOURCE, NULL },
		{ ",'GranteePrincipal':'" ANN "'" SOURCE RETIRED, NULL },
		{ ",'GranteePrincipal':'" ANN "','Constraints':{'SourceArn':'" TABLE
		  "','EncryptionContextEquals':{'a':'b'}}",
		  NULL },
	};
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct test_reply r = ask(w, world_root(w), key, cases[i].members);
		EXPECT_STR(r.code, cases[i].text ? S("ValidationException") : S(""));
		if (cases[i].text)
			EXPECT_STR(r.text, str_of(cases[i].text));
	}
	EXPECT_STR(ask(w, world_root(w), key, ",'GranteeServicePrincipal':'dynamodb'" SOURCE RETIRED).code,
		   S("ValidationException"));
	EXPECT_STR(ask(w, world_root(w), key,
		       ",'GranteePrincipal':'" ANN "','Constraints':{'SourceArn':'arn:aws:s3:::bucket'}")
		       .code,
		   S("ValidationException"));
	EXPECT_STR(ask(w, world_root(w), key,
		       ",'GranteePrincipal':'" ANN "','Constraints':{'SourceArn':'" TABLE
		       "','EncryptionContextEquals':{'a':'b'},'EncryptionContextSubset':{'a':'b'}}")
		       .code,
		   S("ValidationException"));
	world_end(w);
}

static void a_service_uses_it_for_the_resource_it_names(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct caller self = service(DYNAMO, TABLE);
	EXPECT_DENIED(encrypt(w, self, key, ""));
	struct made g = dynamo_grant(w, key, SOURCE);
	EXPECT_DONE(encrypt(w, self, key, ""));
	EXPECT_DONE(describe(w, self, key));
	EXPECT_DENIED(encrypt(w, service(DYNAMO, OTHER_TABLE), key, ""));
	EXPECT_DENIED(describe(w, service(DYNAMO, OTHER_TABLE), key));
	EXPECT_DENIED(encrypt(w, service(DYNAMO, NULL), key, ""));
	EXPECT_DENIED(encrypt(w, service("sqs.amazonaws.com", TABLE), key, ""));
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	EXPECT_DENIED(
	    AS(w, self, "GenerateMac", "{'KeyId':'%.*s','Message':'aGk=','MacAlgorithm':'HMAC_SHA_256'}", PR(key)));
	EXPECT_DONE(CALL(w, "RevokeGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g.id)));
	EXPECT_DENIED(encrypt(w, self, key, ""));
	world_end(w);
}

static void both_constraints_bind(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct caller self = service(DYNAMO, TABLE);
	(void)dynamo_grant(w, key, ",'Constraints':{'SourceArn':'" TABLE "','EncryptionContextSubset':{'app':'shop'}}");
	EXPECT_DONE(encrypt(w, self, key, SHOP));
	EXPECT_DENIED(encrypt(w, self, key, ""));
	EXPECT_DENIED(encrypt(w, service(DYNAMO, OTHER_TABLE), key, SHOP));
	EXPECT_DONE(describe(w, self, key)); /* has no context, but a source */
	EXPECT_DENIED(describe(w, service(DYNAMO, NULL), key));
	world_end(w);
}

static void a_user_is_no_service_that_asks_for_a_resource(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	(void)grant(w, key, ANN, "'Encrypt','DescribeKey'", SOURCE);
	EXPECT_DENIED(encrypt(w, ann(w), key, ""));
	EXPECT_DENIED(describe(w, ann(w), key));
	world_end(w);
}

/* More than a thread keeps of a grantee: they are looked up. */
static void among_many_it_is_found(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w), mac = testing_key_of(w, "HMAC_256", "GENERATE_VERIFY_MAC");
	for (int i = 0; i < 40; i++)
		(void)made_of(w,
			      CALL(w, "CreateGrant",
				   "{'KeyId':'%.*s','GranteeServicePrincipal':'" DYNAMO "'" RETIRED
				   ",'Operations':['Encrypt','DescribeKey'],'Constraints':{'SourceArn':'" TABLE "%d'}}",
				   PR(key), i));
	EXPECT_DONE(encrypt(w, service(DYNAMO, TABLE "7"), key, ""));
	EXPECT_DONE(encrypt(w, service(DYNAMO, TABLE "39"), key, SHOP));
	EXPECT_DONE(describe(w, service(DYNAMO, TABLE "0"), key));
	EXPECT_DENIED(encrypt(w, service(DYNAMO, TABLE "40"), key, ""));
	EXPECT_DENIED(describe(w, service(DYNAMO, TABLE "40"), key));
	EXPECT_DENIED(describe(w, service(DYNAMO, NULL), key));
	EXPECT_DONE(CALL(w, "CreateGrant",
			 "{'KeyId':'%.*s','GranteeServicePrincipal':'" DYNAMO "'" RETIRED
			 ",'Operations':['GenerateMac']" SOURCE "}",
			 PR(mac))); /* for keys of every kind */
	EXPECT_DONE(AS(w, service(DYNAMO, TABLE), "GenerateMac",
		       "{'KeyId':'%.*s','Message':'aGk=','MacAlgorithm':'HMAC_SHA_256'}", PR(mac)));
	world_end(w);
}

static void what_it_passes_on_is_bound_as_it_is(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct caller self = service(DYNAMO, TABLE);
	(void)dynamo_grant(w, key, SOURCE);
	EXPECT_DONE(ask(w, self, key, ",'GranteePrincipal':'" ANN "'" SOURCE));
	EXPECT_DENIED(ask(w, self, key, ",'GranteePrincipal':'" ANN "'"));
	EXPECT_DENIED(ask(w, self, key, ",'GranteePrincipal':'" ANN "','Constraints':{'SourceArn':'" OTHER_TABLE "'}"));
	EXPECT_DENIED(ask(w, service(DYNAMO, OTHER_TABLE), key, ",'GranteePrincipal':'" ANN "'" SOURCE));
	world_end(w);
}

static void a_service_retires_what_names_it(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = dynamo_grant(w, key, SOURCE);
#define RETIRE(who) AS(w, who, "RetireGrant", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(testing_arn(w, key)), PR(g.id))
	EXPECT_DENIED(RETIRE(service("sqs.amazonaws.com", TABLE)));
	EXPECT_DENIED(RETIRE(ann(w)));
	EXPECT_DONE(RETIRE(service(DYNAMO, NULL))); /* SourceArn does not bind this one */
	EXPECT_DENIED(encrypt(w, service(DYNAMO, TABLE), key, ""));
	world_end(w);
}

static void lists_show_services_in_members_of_their_own(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made g = dynamo_grant(w, key, SOURCE);
	(void)grant(w, key, ANN, "'Encrypt'", "");
	struct test_reply r = CALL(w, "ListGrants", "{'KeyId':'%.*s','GrantId':'%.*s'}", PR(key), PR(g.id));
	struct str all = world_field(w, r, "Grants");
	EXPECT(str_find(all, S("\"GranteeServicePrincipal\":\"" DYNAMO "\"")) != SIZE_MAX);
	EXPECT(str_find(all, S("\"RetiringServicePrincipal\":\"" DYNAMO "\"")) != SIZE_MAX);
	EXPECT(str_find(all, S("\"Constraints\":{\"SourceArn\":\"" TABLE "\"}")) != SIZE_MAX);
	EXPECT(str_find(all, S("\"GranteePrincipal\"")) == SIZE_MAX);
	EXPECT(str_find(all, S("\"RetiringPrincipal\"")) == SIZE_MAX);
#define LIST(who, member, name) AS(w, who, "ListGrants", "{'KeyId':'%.*s','" member "':'" name "'}", PR(key))
	struct caller self = service(DYNAMO, TABLE);
	EXPECT_STR(LIST(world_root(w), "GranteeServicePrincipal", DYNAMO).code, S("ValidationException"));
	EXPECT_DENIED(LIST(self, "GranteeServicePrincipal", DYNAMO)); /* no policy lets it list */
	EXPECT_STR(CALL(w, "ListGrants",
			"{'KeyId':'%.*s','GranteeServicePrincipal':'" DYNAMO "','GranteePrincipal':'" ANN "'}", PR(key))
		       .code,
		   S("ValidationException"));
	EXPECT_STR(CALL(w, "ListRetirableGrants", "{}").code, S("ValidationException"));
	EXPECT_STR(CALL(w, "ListRetirableGrants", "{'RetiringServicePrincipal':'" DYNAMO "'}").code,
		   S("ValidationException"));
	world_end(w);
}

static void a_name_makes_no_second_one(void)
{
	struct test_world *w = testing_begin();
	struct str key = testing_key(w);
	struct made a = dynamo_grant(w, key, SOURCE ",'Name':'n'"), b = dynamo_grant(w, key, SOURCE ",'Name':'n'");
	struct made c = dynamo_grant(w, key, ",'Constraints':{'SourceArn':'" OTHER_TABLE "'},'Name':'n'");
	EXPECT_STR(a.id, b.id);
	EXPECT(!str_eq(a.id, c.id));
	world_end(w);
}

RUN_ALL(T(one_of_each_kind_is_named), T(a_service_uses_it_for_the_resource_it_names), T(both_constraints_bind),
	T(a_user_is_no_service_that_asks_for_a_resource), T(among_many_it_is_found),
	T(what_it_passes_on_is_bound_as_it_is), T(a_service_retires_what_names_it),
	T(lists_show_services_in_members_of_their_own), T(a_name_makes_no_second_one))
