/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges as RFC 7233 and S3 read them.
 */
#include "svc/s3/range.h"

#include "base/test.h"

struct range_case {
	const char *header;
	int64_t size;
	enum s3_range_kind kind;
	int64_t from, n;
};

static void check(const struct range_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t from = -1, len = -1;
		EXPECT(s3_range_read(str_of(c[i].header), c[i].size, &from, &len) == c[i].kind);
		if (c[i].kind == S3_RANGE_PART)
			EXPECT(from == c[i].from && len == c[i].n);
	}
}

static void a_range_within_the_object_is_cut_to_it(void)
{
	static const struct range_case cases[] = {
		{ "bytes=0-0", 10, S3_RANGE_PART, 0, 1 },
		{ "bytes=0-9", 10, S3_RANGE_PART, 0, 10 },
		{ "bytes=3-", 10, S3_RANGE_PART, 3, 7 },
		{ "bytes=3-5", 10, S3_RANGE_PART, 3, 3 },
		{ "bytes=9-99", 10, S3_RANGE_PART, 9, 1 },
		{ "bytes=-4", 10, S3_RANGE_PART, 6, 4 },
		{ "bytes=-40", 10, S3_RANGE_PART, 0, 10 },
		{ " bytes=1-2 ", 10, S3_RANGE_PART, 1, 2 },
		{ "Bytes=1-2", 10, S3_RANGE_PART, 1, 2 },
		{ "bytes=0-99999999999999999999999", 10, S3_RANGE_PART, 0, 10 },
		{ "bytes=-99999999999999999999", 3, S3_RANGE_PART, 0, 3 },
	};
	check(cases, COUNT(cases));
}

static void a_range_behind_the_end_cannot_be_satisfied(void)
{
	static const struct range_case cases[] = {
		{ "bytes=10-", 10, S3_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=10-12", 10, S3_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-0", 10, S3_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=0-", 0, S3_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-1", 0, S3_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=99999999999999999999-", 10, S3_RANGE_UNSATISFIABLE, 0, 0 },
	};
	check(cases, COUNT(cases));
}

static void what_is_no_single_range_is_as_if_it_were_not_there(void)
{
	static const struct range_case cases[] = {
		{ "", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=-", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=5-3", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=0-1,3-4", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=a-b", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=1-2-3", 10, S3_RANGE_NONE, 0, 0 },
		{ "lines=0-1", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=+1-2", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=0x1-2", 10, S3_RANGE_NONE, 0, 0 },
		{ "bytes=--1", 10, S3_RANGE_NONE, 0, 0 },
	};
	check(cases, COUNT(cases));
}

RUN_ALL(T(a_range_within_the_object_is_cut_to_it), T(a_range_behind_the_end_cannot_be_satisfied),
	T(what_is_no_single_range_is_as_if_it_were_not_there))
