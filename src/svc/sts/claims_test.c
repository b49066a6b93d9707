/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token may say, and in which form.
 */
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"
#include "svc/sts/claims.h"

#define TAGS "'https://aws.amazon.com/tags"

/* ' stands for ". */
static struct status read(struct arena *mem, const char *json, struct claims *out)
{
	char *text = str_z(mem, str_of(json));
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return claims_read(mem, str_of(text), out);
}

static void claims_are_read(void)
{
	struct arena *mem = arena_new();
	struct claims c;
	EXPECT_OK(read(mem,
		       "{'iss':'https://i','sub':'s','aud':['a','b'],'azp':'p','email':'e','amr':['pwd','otp'],"
		       "'exp':100,'iat':90.5,'nbf':80,'other':{'iss':7},'https://aws.amazon.com/source_identity':'me'}",
		       &c));
	EXPECT_STR(c.iss, S("https://i"));
	EXPECT_STR(c.sub, S("s"));
	EXPECT(c.aud.n == 2 && str_eq(c.aud.v[1], S("b")));
	EXPECT(c.amr.n == 2 && str_eq(c.amr.v[0], S("pwd")));
	EXPECT(c.exp.v == 100 && c.iat.v == 90 && c.nbf.v == 80);
	EXPECT_STR(c.source_identity, S("me"));
	EXPECT_OK(read(mem, "{'aud':'a'}", &c));
	EXPECT(c.aud.n == 1 && !c.iss.p && !c.exp.set);
	arena_free(mem);
}

static void tags_are_read_nested_or_flat(void)
{
	struct arena *mem = arena_new();
	struct claims c;
	EXPECT_OK(read(
	    mem, "{" TAGS "':{'principal_tags':{'Team':['red'],'Cost':'7'},'transitive_tag_keys':['Team'],'x':[]}}",
	    &c));
	EXPECT(c.tags.n == 2 && str_eq(c.tags.v[0].key, S("Team")) && str_eq(c.tags.v[0].value, S("red")));
	EXPECT_STR(c.tags.v[1].value, S("7"));
	EXPECT(c.transitive.n == 1 && str_eq(c.transitive.v[0], S("Team")));
	EXPECT_OK(read(mem, "{" TAGS "/principal_tags/Team':'red'," TAGS "/transitive_tag_keys':['Team']}", &c));
	EXPECT(c.tags.n == 1 && str_eq(c.tags.v[0].key, S("Team")) && str_eq(c.tags.v[0].value, S("red")));
	EXPECT(c.transitive.n == 1);
	arena_free(mem);
}

static void a_claim_that_counts_has_its_type_and_stands_once(void)
{
	static const char *const wrong[] = {
		"{'iss':'a','iss':'b'}",
		"{'sub':'a','aud':'x','sub':'a'}",
		"{'aud':'x','aud':['y']}",
		"{'aud':['x'],'aud':'y'}",
		"{'exp':1,'exp':2}",
		"{'exp':'1'}",
		"{'exp':-1}",
		"{'exp':1e3}",
		"{'exp':1.5e3}",
		"{'exp':99999999999999}",
		"{'exp':null}",
		"{'iss':7}",
		"{'sub':['a']}",
		"{'aud':[7]}",
		"{'aud':{}}",
		"{'amr':'pwd'}",
		"{'azp':null}",
		"{" TAGS "':[]}",
		"{" TAGS "':{'principal_tags':{'a':['1','2']}}}",
		"{" TAGS "':{'principal_tags':{'a':[]}}}",
		"{" TAGS "':{'principal_tags':{'a':7}}}",
		"{" TAGS "':{'principal_tags':{}}," TAGS "':{'principal_tags':{'a':'1'}}}",
		"{" TAGS "':{'transitive_tag_keys':'a'}}",
		"{'iss':'a'",
		"{'iss':'a'}}",
		"[]",
		"",
	};
	struct arena *mem = arena_new();
	struct claims c;
	for (size_t i = 0; i < COUNT(wrong); i++)
		EXPECT_ERR(read(mem, wrong[i], &c), E_INVALID);
	arena_free(mem);
}

static void lists_and_texts_have_limits(void)
{
	struct arena *mem = arena_new();
	struct claims c;
	struct buf aud = buf_in(mem), tags = buf_in(mem), sub = buf_in(mem);
	buf_z(&aud, "{'aud':['a'");
	for (int i = 1; i < CLAIM_AUDIENCES_MAX; i++)
		buf_z(&aud, ",'a'");
	EXPECT_OK(read(mem, str_z(mem, arena_printf(mem, "%.*s]}", PR(buf_str(&aud)))), &c));
	EXPECT_ERR(read(mem, str_z(mem, arena_printf(mem, "%.*s,'a']}", PR(buf_str(&aud)))), &c), E_INVALID);
	buf_z(&tags, "{" TAGS "':{'principal_tags':{'a':'1'");
	for (int i = 0; i < CLAIM_TAGS_MAX; i++)
		buf_printf(&tags, ",'b%d':'1'", i);
	EXPECT_ERR(read(mem, str_z(mem, arena_printf(mem, "%.*s}}}", PR(buf_str(&tags)))), &c), E_INVALID);
	for (int i = 0; i < 2049; i++)
		buf_byte(&sub, 'x');
	EXPECT_ERR(read(mem, str_z(mem, arena_printf(mem, "{'sub':'%.*s'}", PR(buf_str(&sub)))), &c), E_INVALID);
	arena_free(mem);
}

RUN_ALL(T(claims_are_read), T(tags_are_read_nested_or_flat), T(a_claim_that_counts_has_its_type_and_stands_once),
	T(lists_and_texts_have_limits))
