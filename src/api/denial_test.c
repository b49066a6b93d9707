/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded refusals: a service that says so gives them, they open in the account they were
 * made for and nowhere else, and they say what AWS's say.
 */
#include "api/denial.h"

#include "api/pipeline_testing.h"
#include "base/codec.h"
#include "wire/json_text.h"

#define ITEM "arn:aws:shop:us-east-1:111122223333:item/a"
#define DENY_BLUE                                                                                                \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}," \
	"{\"Sid\":\"NotThis\",\"Effect\":\"Deny\",\"Action\":[\"shop:Get*\",\"shop:Put\"],\"Resource\":\"*\","   \
	"\"Condition\":{\"StringLike\":{\"aws:PrincipalArn\":[\"*:user/a*\",\"*:user/b*\"]}}}]}"

/* Shop, but as EC2 refuses. */
static struct test_world *begin(void)
{
	static struct service shop;
	static const struct service *const all[] = { &shop, &sts_fake, &world_trail, NULL };
	shop = shop_service;
	shop.encoded_denials = true;
	return world_begin(
	    &(struct world_parts){ .services = all, .identity = &pipeline_identity, .now_ms = FAKE_NOW });
}

static struct caller alice(const char *policy)
{
	return (struct caller){ .kind = CALLER_USER,
				.account = WORLD_ACCOUNT,
				.arn = S("arn:aws:iam::111122223333:user/alice"),
				.principal_id = S("AIDAALICE"),
				.name = S("alice"),
				.access_key_id = S("AKIAX"),
				.session_policy = policy ? str_of(policy) : (struct str){ 0 } };
}

static struct str encoded(struct test_reply r)
{
	static const char before[] = ". Encoded authorization failure message: ";
	size_t at = str_find(r.text, str_of(before));
	EXPECT(at != SIZE_MAX);
	return str_from(r.text, at + sizeof before - 1);
}

struct opening {
	struct str text, account, json;
	struct status st;
	struct arena *mem;
};

static void open_in_fiber(struct req *rq, void *arg)
{
	struct opening *o = arg;
	rq->caller.account = o->account;
	o->st = denial_open(rq, o->text, &o->json);
	if (!failed(o->st))
		o->json = str_dup(o->mem, o->json);
}

static struct opening opened(struct test_world *w, struct str text, struct str account)
{
	struct opening o = { .text = text, .account = account, .mem = world_mem(w) };
	world_in_fiber(w, open_in_fiber, &o);
	return o;
}

static struct str part(struct test_world *w, struct str json, const char *path)
{
	return json_lookup(world_mem(w), json, path);
}

static void a_missing_allow_is_told_in_full(void)
{
	struct test_world *w = begin();
	struct test_reply r = world_call(w, alice(NULL), "shop", "Get", "{'Name':'a','Count':5}");
	EXPECT_STR(r.code, S("AccessDeniedException"));
	EXPECT(str_starts(r.text, S("User: arn:aws:iam::111122223333:user/alice is not authorized to perform: shop:Get "
				    "on resource: " ITEM " because no identity-based policy allows the shop:Get "
				    "action. Encoded authorization failure message: ")));
	struct opening o = opened(w, encoded(r), WORLD_ACCOUNT);
	EXPECT_OK(o.st);
	EXPECT_STR(part(w, o.json, "allowed"), S("false"));
	EXPECT_STR(part(w, o.json, "explicitDeny"), S("false"));
	EXPECT_STR(part(w, o.json, "matchedStatements"), S("{\"items\":[]}"));
	EXPECT_STR(part(w, o.json, "failures"), S("{\"items\":[]}"));
	EXPECT_STR(part(w, o.json, "context.principal"),
		   S("{\"id\":\"AIDAALICE\",\"name\":\"alice\",\"arn\":\"arn:aws:iam::111122223333:user/alice\"}"));
	EXPECT_STR(part(w, o.json, "context.action"), S("\"shop:Get\""));
	EXPECT_STR(part(w, o.json, "context.resource"), S("\"" ITEM "\""));
	struct str keys = part(w, o.json, "context.conditions.items");
	EXPECT(str_find(keys, S("{\"key\":\"shop:Count\",\"values\":{\"items\":[{\"value\":\"5\"}]}}")) != SIZE_MAX);
	EXPECT(str_find(keys, S("{\"key\":\"aws:SourceIp\",\"values\":{\"items\":[{\"value\":\"192.0.2.1\"}]}}")) !=
	       SIZE_MAX);
	world_end(w);
}

static void an_explicit_deny_names_its_statement(void)
{
	struct test_world *w = begin();
	struct test_reply r = world_call(w, alice(DENY_BLUE), "shop", "Get", "{'Name':'a'}");
	struct opening o = opened(w, encoded(r), WORLD_ACCOUNT);
	EXPECT_OK(o.st);
	EXPECT_STR(part(w, o.json, "explicitDeny"), S("true"));
	EXPECT_STR(part(w, o.json, "matchedStatements"),
		   S("{\"items\":[{\"statementId\":\"NotThis\",\"effect\":\"DENY\","
		     "\"principals\":{\"items\":[{\"value\":\"AIDAALICE\"}]},\"principalGroups\":{\"items\":[]},"
		     "\"actions\":{\"items\":[{\"value\":\"shop:Get*\"},{\"value\":\"shop:Put\"}]},"
		     "\"resources\":{\"items\":[{\"value\":\"*\"}]},"
		     "\"conditions\":{\"items\":[{\"key\":\"aws:PrincipalArn\",\"values\":{\"items\":["
		     "{\"value\":\"*:user/a*\"},{\"value\":\"*:user/b*\"}]}}]}}]}"));
	world_end(w);
}

static void it_opens_only_where_it_was_made_and_whole(void)
{
	struct test_world *w = begin();
	struct str text = encoded(world_call(w, alice(NULL), "shop", "Get", "{'Name':'a'}"));
	EXPECT_OK(opened(w, text, WORLD_ACCOUNT).st);
	EXPECT_ERR(opened(w, text, WORLD_OTHER).st, E_CORRUPT);
	EXPECT_ERR(opened(w, S(""), WORLD_ACCOUNT).st, E_CORRUPT);
	EXPECT_ERR(opened(w, S("not base64url!"), WORLD_ACCOUNT).st, E_CORRUPT);
	for (size_t n = 0; n < text.n; n += 37)
		EXPECT(failed(opened(w, str_sub(text, 0, n), WORLD_ACCOUNT).st));
	for (size_t i = 0; i < text.n; i += 11) {
		char *changed = str_z(world_mem(w), text);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		EXPECT(failed(opened(w, str_make(changed, text.n), WORLD_ACCOUNT).st));
	}
	world_end(w);
}

/* Its account in front says whose it is; the seal knows better. */
static void it_cannot_be_relabelled(void)
{
	struct test_world *w = begin();
	struct str text = encoded(world_call(w, alice(NULL), "shop", "Get", "{'Name':'a'}")), whole;
	EXPECT_OK(base64url_decode(world_mem(w), text, &whole));
	char *bytes = str_z(world_mem(w), whole);
	memcpy(bytes, WORLD_OTHER.p, WORLD_OTHER.n);
	struct str made = base64url_encode(world_mem(w), str_make(bytes, whole.n));
	EXPECT(failed(opened(w, made, WORLD_OTHER).st));
	world_end(w);
}

static void it_always_fits(void)
{
	struct test_world *w = begin();
	struct buf b = buf_in(world_mem(w));
	buf_z(&b,
	      "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Resource\":\"*\",\"Action\":[\"*\"");
	for (int i = 0; i < 3000; i++)
		buf_printf(&b, ",\"shop:Action%d\"", i);
	buf_z(&b, "],\"Condition\":{\"StringLike\":{\"aws:PrincipalArn\":[\"*\"");
	for (int i = 0; i < 100; i++)
		buf_printf(&b, ",\"\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001%d\"", i);
	buf_z(&b, "]}}}}");
	char *policy = str_z(world_mem(w), buf_str(&b));
	struct test_reply r = world_call(w, alice(policy), "shop", "Get", "{'Name':'a'}");
	EXPECT(encoded(r).n <= DENIAL_TEXT_MAX);
	struct opening o = opened(w, encoded(r), WORLD_ACCOUNT);
	EXPECT_OK(o.st);
	EXPECT(o.json.n <= DENIAL_JSON_MAX);
	EXPECT_STR(part(w, o.json, "explicitDeny"), S("true"));
	EXPECT_STR(part(w, o.json, "context.action"), S("\"shop:Get\""));
	world_end(w);
}

static void others_do_not_give_it(void)
{
	struct test_world *w = pipeline_world();
	struct test_reply r = world_call(w, alice(NULL), "shop", "Get", "{'Name':'a'}");
	EXPECT(str_find(r.text, S("Encoded")) == SIZE_MAX);
	EXPECT(str_ends(r.text, S("because no identity-based policy allows the shop:Get action")));
	world_end(w);
}

RUN_ALL(T(a_missing_allow_is_told_in_full), T(an_explicit_deny_names_its_statement),
	T(it_opens_only_where_it_was_made_and_whole), T(it_cannot_be_relabelled), T(it_always_fits),
	T(others_do_not_give_it))
