/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identifiers have AWS's forms, differ, and access keys tell their account.
 */
#include "api/ids.h"

#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"

static bool all_of(struct str s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(set, s.p[i]))
			return false;
	return true;
}

static void forms_are_awss(void)
{
	struct world w;
	struct arena *mem = arena_new();
	world_fake(&w, 0, 1);
	struct str id = id_unique(&w, mem, "AIDA"), key = id_access_key(&w, mem, "AKIA", S("111122223333"));
	EXPECT(id.n == 21 && str_starts(id, S("AIDA")) && all_of(str_from(id, 4), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
	EXPECT(key.n == 20 && str_starts(key, S("AKIA")) &&
	       all_of(str_from(key, 4), "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
	EXPECT(id_secret_key(&w, mem).n == 40);
	EXPECT(uuid_is(id_uuid(&w, mem)));
	struct str request = id_s3_request(&w, mem);
	EXPECT(request.n == 16 && all_of(request, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
	arena_free(mem);
}

static void an_access_key_tells_its_account(void)
{
	static const char *const accounts[] = { "000000000000", "000000000001", "111122223333", "999999999999" };
	struct world w;
	struct arena *mem = arena_new();
	struct str got;
	world_fake(&w, 0, 1);
	for (size_t i = 0; i < COUNT(accounts); i++)
		for (size_t k = 0; k < 50; k++) {
			EXPECT_OK(
			    id_access_key_account(mem, id_access_key(&w, mem, "ASIA", str_of(accounts[i])), &got));
			EXPECT_STR(got, str_of(accounts[i]));
		}
	arena_free(mem);
}

static void what_is_no_access_key_of_ours_tells_none(void)
{
	static const char *const ids[] = { "",
					   "AKIA",
					   "AKIAIOSFODNN7EXAMPL",
					   "AKIAIOSFODNN7EXAMPLEE",
					   "AKIA0189AAAAAAAAAAAA",
					   "AKIAAAAAAAAAAAAAAAAA" /* first bit clear */,
					   "AKIA7777777777777777" /* past 999999999999 */,
					   "akiaqylpmn5haaaaaaaa" };
	struct arena *mem = arena_new();
	struct str got = S("untouched");
	for (size_t i = 0; i < COUNT(ids); i++)
		EXPECT_ERR(id_access_key_account(mem, str_of(ids[i]), &got), E_INVALID);
	EXPECT_STR(got, S("untouched"));
	arena_free(mem);
}

static void ids_differ(void)
{
	struct world w;
	struct arena *mem = arena_new();
	world_real(&w);
	struct str last = id_uuid(&w, mem);
	for (size_t i = 0; i < 1000; i++) {
		struct str next = id_uuid(&w, mem);
		EXPECT(!str_eq(last, next));
		last = next;
	}
	arena_free(mem);
}

RUN_ALL(T(forms_are_awss), T(an_access_key_tells_its_account), T(what_is_no_access_key_of_ours_tells_none),
	T(ids_differ))
