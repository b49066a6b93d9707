/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Condition values as what they mean: decimal numbers, points in time, addresses, bytes.
 *
 * Policies are read when they change, contexts on every request, and both must mean
 * the same, so both come through here. Nothing allocates; a text that is not of the
 * form is refused, never guessed at.
 */
#include "policy/impl.h"
#include "base/time.h"

static bool digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!char_digit(s.p[i]))
			return false;
	}
	return s.n > 0;
}

/* At most nine digits, as a number; false otherwise. */
static bool small(struct str s, size_t min, size_t max, int *out)
{
	if (s.n < min || s.n > max || !digits(s))
		return false;
	int v = 0;
	for (size_t i = 0; i < s.n; i++)
		v = v * 10 + (s.p[i] - '0');
	*out = v;
	return true;
}

/* Billionths: "5" is 500,000,000. Digits past the ninth must be zero, so that no two different numbers look equal. */
static bool fraction(struct str s, int32_t *nano)
{
	int32_t v = 0;
	for (size_t i = 0; i < 9; i++)
		v = v * 10 + (i < s.n ? s.p[i] - '0' : 0);
	for (size_t i = 9; i < s.n; i++) {
		if (s.p[i] != '0')
			return false;
	}
	*nano = v;
	return true;
}

bool pol_num_parse(struct str s, struct num *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+'))
		s = str_from(s, 1);
	struct str rest = s, whole = str_cut(&rest, '.');
	struct num v = { 0 };
	if (!digits(whole) || (rest.p != NULL && !digits(rest)) || !str_to_i64(whole, &v.whole))
		return false;
	if (rest.p != NULL && !fraction(rest, &v.nano))
		return false;
	if (minus) {
		v.whole = -v.whole - (v.nano > 0);
		v.nano = v.nano > 0 ? 1000000000 - v.nano : 0;
	}
	*out = v;
	return true;
}

int pol_num_cmp(struct num a, struct num b)
{
	if (a.whole != b.whole)
		return a.whole < b.whole ? -1 : 1;
	return (a.nano > b.nano) - (a.nano < b.nano);
}

/* hh:mm[:ss[.fraction]] and then Z or +hh:mm, into milliseconds since midnight UTC. */
static bool clock_parse(struct str s, int64_t *ms)
{
	int h, m, sec = 0;
	if (s.n < 6 || !small(str_sub(s, 0, 2), 2, 2, &h) || s.p[2] != ':' || !small(str_sub(s, 3, 2), 2, 2, &m))
		return false;
	size_t i = 5;
	int32_t nano = 0;
	if (s.p[i] == ':') {
		if (!small(str_sub(s, 6, 2), 2, 2, &sec))
			return false;
		i = 8;
		if (i < s.n && s.p[i] == '.') {
			size_t from = ++i;
			while (i < s.n && char_digit(s.p[i]))
				i++;
			if (i == from || i - from > 9 || !fraction(str_sub(s, from, i - from), &nano))
				return false;
		}
	}
	if (h > 23 || m > 59 || sec > 60)
		return false;
	int64_t at = ((int64_t)h * 60 + m) * MINUTE_MS + (int64_t)sec * SECOND_MS + nano / 1000000;
	struct str zone = str_from(s, i);
	int zh, zm;
	if (zone.n == 1 && char_lower(zone.p[0]) == 'z') {
		*ms = at;
		return true;
	}
	if (zone.n != 6 || (zone.p[0] != '+' && zone.p[0] != '-') || zone.p[3] != ':' ||
	    !small(str_sub(zone, 1, 2), 2, 2, &zh) || !small(str_sub(zone, 4, 2), 2, 2, &zm) || zh > 23 || zm > 59)
		return false;
	int64_t shift = ((int64_t)zh * 60 + zm) * MINUTE_MS;
	*ms = zone.p[0] == '+' ? at - shift : at + shift;
	return true;
}

/*
 * The forms AWS documents ("Date condition operators"): the W3C profile of ISO 8601 (year; year and month; day; day
 * and time with zone) and Unix time in seconds. Four digits are a year.
 */
bool pol_date_parse(struct str s, int64_t *ms)
{
	static const int length[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct civil c = { .month = 1, .day = 1 };
	int64_t clock = 0;
	struct num epoch;
	if (s.n != 4 && pol_num_parse(s, &epoch)) {
		if (epoch.whole > 253402300799 || epoch.whole < -62135596800)
			return false;
		*ms = epoch.whole * 1000 + epoch.nano / 1000000;
		return true;
	}
	if (!small(str_sub(s, 0, 4), 4, 4, &c.year) || c.year == 0)
		return false;
	if (s.n > 4 && (s.p[4] != '-' || !small(str_sub(s, 5, 2), 2, 2, &c.month)))
		return false;
	if (s.n > 7 && (s.p[7] != '-' || !small(str_sub(s, 8, 2), 2, 2, &c.day)))
		return false;
	if (s.n > 10 && (char_lower(s.p[10]) != 't' || !clock_parse(str_from(s, 11), &clock)))
		return false;
	bool leap = (c.year % 4 == 0 && c.year % 100 != 0) || c.year % 400 == 0;
	if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > length[c.month - 1] ||
	    (c.month == 2 && c.day == 29 && !leap))
		return false;
	*ms = time_of_civil(&c) + clock;
	return true;
}

static bool ipv4_parse(struct str s, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		int v;
		struct str part = i < 3 ? str_cut(&s, '.') : s;
		if (s.p == NULL || !small(part, 1, 3, &v) || v > 255 || (part.n > 1 && part.p[0] == '0'))
			return false;
		out[i] = (uint8_t)v;
	}
	return true;
}

static bool hex16(struct str s, uint8_t out[2])
{
	if (s.n < 1 || s.n > 4)
		return false;
	unsigned v = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = char_lower(s.p[i]);
		if (!char_digit(c) && !(c >= 'a' && c <= 'f'))
			return false;
		v = v * 16 + (unsigned)(char_digit(c) ? c - '0' : c - 'a' + 10);
	}
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	return true;
}

/* Groups of hex separated by colons, the last perhaps an IPv4 address, into out; false or the number of bytes. */
static bool ipv6_groups(struct str s, uint8_t *out, size_t *n)
{
	*n = 0;
	while (s.p != NULL && s.n > 0) {
		struct str rest = s, group = str_cut(&rest, ':');
		if (rest.p == NULL && str_find_char(group, '.') != SIZE_MAX) {
			if (*n > 12 || !ipv4_parse(group, out + *n))
				return false;
			*n += 4;
			return true;
		}
		if (*n > 14 || !hex16(group, out + *n) || (rest.p != NULL && rest.n == 0))
			return false;
		*n += 2;
		s = rest;
	}
	return true;
}

static bool ipv6_parse(struct str s, uint8_t out[16])
{
	uint8_t head[16] = { 0 }, tail[16] = { 0 };
	size_t head_n, tail_n = 0, gap = str_find(s, S("::"));
	struct str left = gap == SIZE_MAX ? s : str_sub(s, 0, gap);
	if (!ipv6_groups(left, head, &head_n))
		return false;
	if (gap != SIZE_MAX && (!ipv6_groups(str_from(s, gap + 2), tail, &tail_n) || head_n + tail_n > 14))
		return false;
	if (gap == SIZE_MAX && head_n != 16)
		return false;
	memset(out, 0, 16);
	memcpy(out, head, head_n);
	memcpy(out + 16 - tail_n, tail, tail_n);
	return true;
}

bool pol_ip_parse(struct str s, struct cidr *out)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	struct cidr c = { 0 };
	if (str_find_char(s, ':') == SIZE_MAX) {
		if (!ipv4_parse(s, c.addr))
			return false;
		c.v4 = true;
	} else {
		if (!ipv6_parse(s, c.addr))
			return false;
		if (memcmp(c.addr, mapped, sizeof mapped) == 0) { /* ::ffff:192.0.2.1 is 192.0.2.1 */
			c.v4 = true;
			memmove(c.addr, c.addr + 12, 4);
			memset(c.addr + 4, 0, 12);
		}
	}
	c.bits = c.v4 ? 32 : 128;
	*out = c;
	return true;
}

bool pol_cidr_parse(struct str s, struct cidr *out)
{
	struct str rest = s, addr = str_cut(&rest, '/');
	struct cidr c;
	int bits;
	if (!pol_ip_parse(addr, &c))
		return false;
	if (rest.p != NULL) {
		bool mapped = c.v4 && str_find_char(addr, ':') != SIZE_MAX;
		if (!small(rest, 1, 3, &bits) || (mapped && bits < 96))
			return false;
		bits -= mapped ? 96 : 0;
		if (bits > c.bits)
			return false;
		c.bits = (uint8_t)bits;
	}
	*out = c;
	return true;
}

bool pol_cidr_holds(const struct cidr *range, const struct cidr *ip)
{
	if (range->v4 != ip->v4)
		return false;
	size_t whole = range->bits / 8, rest = range->bits % 8;
	if (memcmp(range->addr, ip->addr, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((range->addr[whole] ^ ip->addr[whole]) >> (8 - rest)) == 0;
}

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (char_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool pol_base64_length(struct str s, size_t *n)
{
	size_t pad = 0;
	if (s.n % 4 != 0)
		return false;
	while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < s.n - pad; i++) {
		if (sextet(s.p[i]) < 0)
			return false;
	}
	*n = s.n / 4 * 3 - pad;
	return true;
}

void pol_base64_to(struct str s, char *out)
{
	size_t n, made = 0;
	if (!pol_base64_length(s, &n))
		return;
	for (size_t i = 0; i < s.n; i += 4) {
		uint32_t v = 0;
		for (size_t k = 0; k < 4; k++)
			v = v << 6 | (s.p[i + k] == '=' ? 0u : (uint32_t)sextet(s.p[i + k]));
		for (int k = 16; k >= 0 && made < n; k -= 8)
			out[made++] = (char)(uint8_t)(v >> k);
	}
}

bool policy_is_number(struct str value)
{
	struct num n;
	return pol_num_parse(value, &n);
}

bool policy_is_date(struct str value)
{
	int64_t ms;
	return pol_date_parse(value, &ms);
}

bool policy_is_address(struct str value)
{
	struct cidr ip;
	return pol_ip_parse(value, &ip);
}
