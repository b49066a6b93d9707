/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What S3 reads from headers and queries: ranges, copy sources, continuation tokens, entity
 * tags, bucket names. Whatever is taken lies within what was given.
 */
#include "base/str.h"
#include "base/test.h"
#include "svc/s3/condition.h"
#include "svc/s3/copy_source.h"
#include "svc/s3/listing.h"
#include "svc/s3/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void a_range_lies_within_the_object(struct str text, int64_t size)
{
	int64_t from = -1, len = -1;
	if (s3_range_read(text, size, &from, &len) == S3_RANGE_PART)
		EXPECT(from >= 0 && len >= 1 && from < size && len <= size - from);
}

static void a_source_names_bucket_and_key(struct arena *mem, struct str text)
{
	struct s3_copy_source s;
	if (failed(s3_copy_source_split(mem, text, &s)))
		return;
	EXPECT(s.bucket.n && s.key.n && s.bucket.n + s.key.n < text.n + 1);
	EXPECT(str_find_char(s.bucket, '/') == SIZE_MAX && str_is_utf8(s.key));
}

static void a_token_comes_back_as_it_was_made(struct arena *mem, struct str text)
{
	struct str after;
	if (!failed(s3_token_read(mem, text, &after)))
		EXPECT_STR(s3_token_make(mem, after), text);
	if (text.n <= S3_KEY_MAX) {
		EXPECT_OK(s3_token_read(mem, s3_token_make(mem, text), &after));
		EXPECT_STR(after, text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *mem = arena_new();
	struct str text = str_make(p, n);
	for (int64_t size = 0; size < 3; size++)
		a_range_lies_within_the_object(text, size * size * 1000003);
	a_source_names_bucket_and_key(mem, text);
	a_token_comes_back_as_it_was_made(mem, text);
	(void)s3_etag_in(text, S("abc"));
	if (s3_bucket_name_ok(text))
		EXPECT(n >= 3 && n <= 63 && str_is_utf8(text));
	arena_free(mem);
	return 0;
}
