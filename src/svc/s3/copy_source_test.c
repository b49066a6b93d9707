/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x-amz-copy-source, in all the ways clients write it.
 */
#include "svc/s3/copy_source.h"

#include "base/test.h"

static void bucket_key_and_version_are_taken_apart(void)
{
	struct arena *mem = arena_new();
	struct s3_copy_source s;
	EXPECT_OK(s3_copy_source_split(mem, S("/b/k"), &s));
	EXPECT_STR(s.bucket, S("b"));
	EXPECT_STR(s.key, S("k"));
	EXPECT(!s.version_id.p);
	EXPECT_OK(s3_copy_source_split(mem, S("b%2Fa%20%2Bb//c?versionId=x%3D"), &s));
	EXPECT_STR(s.bucket, S("b"));
	EXPECT_STR(s.key, S("a +b//c"));
	EXPECT_STR(s.version_id, S("x="));
	EXPECT_OK(s3_copy_source_split(mem, S("b/a+b"), &s)); /* a plus is a plus */
	EXPECT_STR(s.key, S("a+b"));
	EXPECT_OK(s3_copy_source_split(mem, S("b/../../etc"), &s)); /* a key like any other */
	EXPECT_STR(s.key, S("../../etc"));
	arena_free(mem);
}

static void what_names_no_object_is_refused(void)
{
	static const char *const bad[] = { "", "/", "b", "/b", "b/", "/b/", "//k", "b/%zz", "b/%ff", "b/%00", "b/k%0" };
	struct arena *mem = arena_new();
	struct s3_copy_source s;
	for (size_t i = 0; i < COUNT(bad); i++)
		EXPECT(failed(s3_copy_source_split(mem, str_of(bad[i]), &s)));
	arena_free(mem);
}

RUN_ALL(T(bucket_key_and_version_are_taken_apart), T(what_names_no_object_is_refused))
