/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which condition counts, and before which other.
 */
#include "svc/s3/condition.h"

#include "base/test.h"

enum { T0 = 1000000 };

static enum s3_verdict judge(const char *match, const char *none, int64_t modified_since, int64_t unmodified_since)
{
	struct s3_condition c = { 0 };
	const char *which;
	if (match)
		c.if_match = str_of(match);
	if (none)
		c.if_none_match = str_of(none);
	if (modified_since)
		c.if_modified_since = (struct opt_int)SET(modified_since);
	if (unmodified_since)
		c.if_unmodified_since = (struct opt_int)SET(unmodified_since);
	return s3_condition_judge(&c, S("abc"), T0, &which);
}

static void without_conditions_everything_goes_on(void) { EXPECT(judge(NULL, NULL, 0, 0) == S3_GO_ON); }

static void tags_match_quoted_or_not_weak_or_not_or_any(void)
{
	static const char *const yes[] = { "abc", "\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\"", " \"abc\" " };
	static const char *const no[] = { "\"ab\"", "", "\"ABC\"", "x", "\"abc", "abc\"" };
	for (size_t i = 0; i < COUNT(yes); i++) {
		EXPECT(judge(yes[i], NULL, 0, 0) == S3_GO_ON);
		EXPECT(judge(NULL, yes[i], 0, 0) == S3_NOT_MODIFIED);
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		EXPECT(judge(no[i], NULL, 0, 0) == S3_FAILED);
		EXPECT(judge(NULL, no[i], 0, 0) == S3_GO_ON);
	}
}

static void times_count_in_whole_seconds(void)
{
	EXPECT(judge(NULL, NULL, T0, 0) == S3_NOT_MODIFIED);
	EXPECT(judge(NULL, NULL, T0 - 1000, 0) == S3_GO_ON);
	EXPECT(judge(NULL, NULL, 0, T0) == S3_GO_ON);
	EXPECT(judge(NULL, NULL, 0, T0 - 1000) == S3_FAILED);
}

static void tags_count_before_times(void)
{
	EXPECT(judge("abc", NULL, 0, T0 - 1000) == S3_GO_ON); /* If-Match holds: If-Unmodified-Since is not looked at */
	EXPECT(judge(NULL, "abc", T0 - 1000, 0) == S3_NOT_MODIFIED); /* If-None-Match fails although modified since */
	EXPECT(judge(NULL, "other", T0, 0) == S3_GO_ON);
	EXPECT(judge("other", "abc", 0, 0) == S3_FAILED); /* 412 comes before 304 */
}

RUN_ALL(T(without_conditions_everything_goes_on), T(tags_match_quoted_or_not_weak_or_not_or_any),
	T(times_count_in_whole_seconds), T(tags_count_before_times))
