/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bucket may be called ("General purpose bucket naming rules"): 3 to 63 characters,
 * lower-case letters, digits, dots and hyphens, letters or digits at both ends, no dot
 * beside a dot, not an IP address, and none of the reserved beginnings and ends.
 */
#include "base/str.h"
#include "svc/s3/bucket.h"

enum { NAME_MIN = 3, NAME_MAX_ = 63, OCTETS = 4 };

static bool is_edge(char c) { return char_digit(c) || (c >= 'a' && c <= 'z'); }

static bool characters_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!is_edge(c) && c != '.' && c != '-')
			return false;
		if (c == '.' && i > 0 && s.p[i - 1] == '.')
			return false;
	}
	return is_edge(s.p[0]) && is_edge(s.p[s.n - 1]);
}

/* Four numbers with dots between them look like an address, whatever the numbers are. */
static bool looks_like_ip(struct str s)
{
	int n = 0;
	while (s.p) {
		struct str part = str_cut(&s, '.');
		if (!part.n || part.n > 3)
			return false;
		for (size_t i = 0; i < part.n; i++)
			if (!char_digit(part.p[i]))
				return false;
		n++;
	}
	return n == OCTETS;
}

static bool reserved(struct str s)
{
	static const char *const begins[] = { "xn--", "sthree-", "amzn-s3-demo-" };
	static const char *const ends[] = { "-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3" };
	for (size_t i = 0; i < COUNT(begins); i++)
		if (str_starts(s, str_of(begins[i])))
			return true;
	for (size_t i = 0; i < COUNT(ends); i++)
		if (str_ends(s, str_of(ends[i])))
			return true;
	return false;
}

bool s3_bucket_name_ok(struct str s)
{
	return s.n >= NAME_MIN && s.n <= NAME_MAX_ && characters_ok(s) && !looks_like_ip(s) && !reserved(s);
}
