/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers beyond all sizes count as the largest, so nothing overflows.
 */
#include "svc/s3/range.h"

#include "base/str.h"

/* Digits only; numbers past all sizes are as good as the largest. */
static bool read_number(struct str s, int64_t *out)
{
	int64_t v = 0;
	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!char_digit(s.p[i]))
			return false;
		v = v > (INT64_MAX - 9) / 10 ? INT64_MAX - 9 : v * 10 + (s.p[i] - '0');
	}
	*out = v;
	return true;
}

static enum s3_range_kind suffix(struct str text, int64_t size, int64_t *from, int64_t *n)
{
	int64_t last;
	if (!read_number(text, &last))
		return S3_RANGE_NONE;
	if (last == 0 || size == 0)
		return S3_RANGE_UNSATISFIABLE;
	*n = last < size ? last : size;
	*from = size - *n;
	return S3_RANGE_PART;
}

enum s3_range_kind s3_range_read(struct str header, int64_t size, int64_t *from, int64_t *n)
{
	int64_t first, last = size - 1;
	header = str_trim(header);
	if (!str_starts_ci(header, S("bytes=")))
		return S3_RANGE_NONE;
	struct str rest = str_trim(str_from(header, 6));
	if (str_find_char(rest, '-') == SIZE_MAX || str_find_char(rest, ',') != SIZE_MAX)
		return S3_RANGE_NONE;
	struct str text = str_trim(str_cut(&rest, '-'));
	rest = str_trim(rest);
	if (!text.n)
		return suffix(rest, size, from, n);
	if (!read_number(text, &first) || (rest.n && !read_number(rest, &last)))
		return S3_RANGE_NONE;
	if (rest.n && last < first)
		return S3_RANGE_NONE;
	if (first >= size)
		return S3_RANGE_UNSATISFIABLE;
	*from = first;
	*n = (last < size - 1 ? last : size - 1) - first + 1;
	return S3_RANGE_PART;
}
