/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MD5's compression (RFC 1321, section 3.4) of two messages in step.
 *
 * Each step of MD5 needs the one before, so one message leaves most of a core idle, however it
 * is written. A second one fits into the gaps: two take hardly longer than one. Everything but
 * whole blocks, padding and lengths included, is libcrypto's work (hash.c).
 */
#include "crypto/md5_two.h"

#include <endian.h>

enum { BLOCK = 64 };

/* The integer part of 2^32 |sin(i + 1)|. */
static const uint32_t sine[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

struct state {
	uint32_t a, b, c, d;
};

static inline uint32_t word(const unsigned char *block, unsigned i)
{
	uint32_t v;
	memcpy(&v, block + 4 * i, sizeof v);
	return le32toh(v);
}

static inline uint32_t mix(const struct state *s, unsigned round)
{
	switch (round) {
	case 0:
		return s->d ^ (s->b & (s->c ^ s->d));
	case 1: /* the two terms have no bit in common: a sum may be split where an "or" may not */
		return (s->b & s->d) + (s->c & ~s->d);
	case 2:
		return s->b ^ s->c ^ s->d;
	default:
		return s->c ^ (s->b | ~s->d);
	}
}

/* Step i of 64; once the loop around it is unrolled, round and word are constants. */
static inline void step(struct state *s, const unsigned char *block, unsigned i)
{
	static const unsigned char stride[4] = { 1, 5, 3, 7 }, first[4] = { 0, 1, 5, 0 };
	static const unsigned char turn[4][4] = {
		{ 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
	};
	unsigned round = i / 16, left = turn[round][i % 4];
	uint32_t v = s->a + word(block, (first[round] + stride[round] * i) % 16) + sine[i] + mix(s, round);
	s->a = s->d;
	s->d = s->c;
	s->c = s->b;
	s->b += v << left | v >> (32 - left);
}

static inline void add(struct state *to, const struct state *s)
{
	to->a += s->a;
	to->b += s->b;
	to->c += s->c;
	to->d += s->d;
}

void md5_blocks_two(uint32_t x[4], const unsigned char *p, uint32_t y[4], const unsigned char *q, size_t blocks)
{
	struct state s = { x[0], x[1], x[2], x[3] }, t = { y[0], y[1], y[2], y[3] };

	for (; blocks > 0; blocks--, p += BLOCK, q += BLOCK) {
		struct state s0 = s, t0 = t;
#pragma GCC unroll 64
		for (unsigned i = 0; i < 64; i++) {
			step(&s, p, i);
			step(&t, q, i);
		}
		add(&s, &s0);
		add(&t, &t0);
	}
	memcpy(x, &s, sizeof s);
	memcpy(y, &t, sizeof t);
}
