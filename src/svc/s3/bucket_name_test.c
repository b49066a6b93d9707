/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "General purpose bucket naming rules": which names are taken, and which are not.
 */
#include "base/test.h"
#include "svc/s3/bucket.h"

static void names_by_the_rules_are_taken(void)
{
	static const char *const ok[] = {
		"abc",          "a.b",       "securecart-invoices",
		"1bucket",      "a--b",      "my.bucket.name-1",
		"192.168.1.1a", "1.2.3.4.5", "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0",
	};
	for (size_t i = 0; i < COUNT(ok); i++)
		EXPECT(s3_bucket_name_ok(str_of(ok[i])));
}

static void all_others_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"ab",
		"Abc",
		"abC",
		"-abc",
		"abc-",
		".abc",
		"abc.",
		"a..b",
		"a_b",
		"a b",
		"a/b",
		"192.168.5.4",
		"999.1.1.1",
		"xn--abc",
		"sthree-abc",
		"amzn-s3-demo-x",
		"abc-s3alias",
		"abc--ol-s3",
		"abc.mrap",
		"abc--x-s3",
		"abc--table-s3",
		"\303\244bc",
		"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01",
	};
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT(!s3_bucket_name_ok(str_of(bad[i])));
}

RUN_ALL(T(names_by_the_rules_are_taken), T(all_others_are_refused))
