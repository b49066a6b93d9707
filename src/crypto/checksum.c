/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three reflected CRCs by one piece of code. The register is 64 bits wide; a 32-bit CRC
 * sits in its low half and every formula below stays the same. Three ways, best first:
 *
 *  fold     carry-less multiplication (PCLMULQDQ), 64 bytes a turn: over 10 GB/s. The
 *           method is Gopal et al., "Fast CRC Computation for Generic Polynomials Using
 *           PCLMULQDQ" (Intel, 2009), but the last 16 bytes go through the tables
 *           instead of a Barrett reduction: the folded state is a message with the same
 *           remainder.
 *  crc32q   SSE 4.2's instruction, which is CRC32C and nothing else.
 *  tables   eight lookups for eight bytes, anywhere: over 1 GB/s. Built at first use, then
 *           only read.
 */
#include "crypto/checksum.h"

#include <endian.h>
#include <pthread.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define X86 1
#else
#define X86 0
#endif

/*
 * Multiplying reflected numbers leaves the product one bit low, so "times x^n" takes
 * x^(n-1) mod P, bit-reversed. Moving a 128-bit state on by D bits: its first half stands
 * 64 bits higher and takes x^(64+D-1), its second half x^(D-1).
 */
struct polynomial {
	uint64_t reflected;
	uint64_t by512[2], by128[2];
};

enum which { P_CRC32, P_CRC32C, P_CRC64NVME, P_COUNT };

static const struct polynomial polynomials[P_COUNT] = {
	[P_CRC32] = { 0xedb88320,
		      { 0x653d982200000000, 0xcad38e8f00000000 },
		      { 0x65673b4600000000, 0x9ba54c6f00000000 } },
	[P_CRC32C] = { 0x82f63b78,
		       { 0x1c19243b00000000, 0x75bba45b00000000 },
		       { 0x3743f7bd00000000, 0x3171d43000000000 } },
	[P_CRC64NVME] = { 0x9a6c9329ac4bc9b5,
			  { 0x0c32cdb31e18a84a, 0x62242240ace5045a },
			  { 0xeadc41fd2ba3d420, 0x21e9761e252621ac } },
};

/* Derived constants, written once under `once`: a function of the table above and the machine. */
static struct {
	pthread_once_t once;
	bool pclmul, sse42;
	uint64_t table[P_COUNT][8][256];
} derived = { .once = PTHREAD_ONCE_INIT };

static void build(uint64_t t[8][256], uint64_t poly)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t v = i;
		for (int bit = 0; bit < 8; bit++)
			v = v >> 1 ^ (poly & (0 - (v & 1)));
		t[0][i] = v;
	}
	for (unsigned i = 0; i < 256; i++)
		for (unsigned k = 1; k < 8; k++)
			t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 255];
}

static void derive(void)
{
	for (int p = 0; p < P_COUNT; p++)
		build(derived.table[p], polynomials[p].reflected);
#if X86
	derived.pclmul = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
	derived.sse42 = __builtin_cpu_supports("sse4.2");
#endif
}

static uint64_t load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

static uint64_t by_tables(enum which which, uint64_t crc, const char *p, size_t n)
{
	const uint64_t(*t)[256] = (const uint64_t(*)[256])derived.table[which];

	for (; n >= 8; p += 8, n -= 8) {
		uint64_t w = crc ^ load64(p);
		crc = t[7][w & 255] ^ t[6][w >> 8 & 255] ^ t[5][w >> 16 & 255] ^ t[4][w >> 24 & 255] ^
		      t[3][w >> 32 & 255] ^ t[2][w >> 40 & 255] ^ t[1][w >> 48 & 255] ^ t[0][w >> 56];
	}
	for (; n > 0; p++, n--)
		crc = crc >> 8 ^ t[0][(crc ^ (unsigned char)*p) & 255];
	return crc;
}

#if X86
enum { FOLD_LEAST = 128 }; /* below, the set-up costs more than it gains; at least 64 */

__attribute__((target("sse4.1"))) static inline __m128i load128(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

__attribute__((target("pclmul,sse4.1"))) static inline __m128i fold(__m128i state, __m128i k, __m128i next)
{
	__m128i lo = _mm_clmulepi64_si128(state, k, 0x00), hi = _mm_clmulepi64_si128(state, k, 0x11);

	return _mm_xor_si128(_mm_xor_si128(lo, hi), next);
}

__attribute__((target("pclmul,sse4.1"))) static uint64_t by_folding(enum which which, uint64_t crc, const char *p,
								    size_t n)
{
	const struct polynomial *poly = &polynomials[which];
	__m128i far = _mm_set_epi64x((int64_t)poly->by512[1], (int64_t)poly->by512[0]);
	__m128i near = _mm_set_epi64x((int64_t)poly->by128[1], (int64_t)poly->by128[0]);
	__m128i a = _mm_xor_si128(load128(p), _mm_set_epi64x(0, (int64_t)crc));
	__m128i b = load128(p + 16), c = load128(p + 32), d = load128(p + 48);

	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		a = fold(a, far, load128(p));
		b = fold(b, far, load128(p + 16));
		c = fold(c, far, load128(p + 32));
		d = fold(d, far, load128(p + 48));
	}
	a = fold(fold(fold(a, near, b), near, c), near, d);
	for (; n >= 16; p += 16, n -= 16)
		a = fold(a, near, load128(p));

	char rest[16];
	_mm_storeu_si128((__m128i *)(void *)rest, a);
	return by_tables(which, by_tables(which, 0, rest, sizeof rest), p, n);
}

__attribute__((target("sse4.2"))) static uint64_t by_instruction(uint64_t crc, const char *p, size_t n)
{
	for (; n >= 8; p += 8, n -= 8)
		crc = _mm_crc32_u64(crc, load64(p));
	for (; n > 0; p++, n--)
		crc = _mm_crc32_u8((uint32_t)crc, (unsigned char)*p);
	return crc;
}
#endif

static uint64_t update(enum which which, uint64_t crc, struct str s)
{
	assert(pthread_once(&derived.once, derive) == 0);
#if X86
	if (s.n >= FOLD_LEAST && derived.pclmul)
		return by_folding(which, crc, s.p, s.n);
	if (which == P_CRC32C && derived.sse42)
		return by_instruction(crc, s.p, s.n);
#endif
	return by_tables(which, crc, s.p, s.n);
}

/* All three start from ones and end inverted; the inversions between two calls cancel out. */
uint32_t crc32_update(uint32_t crc, struct str s) { return ~(uint32_t)update(P_CRC32, ~crc, s); }
uint32_t crc32c_update(uint32_t crc, struct str s) { return ~(uint32_t)update(P_CRC32C, ~crc, s); }
uint64_t crc64nvme_update(uint64_t crc, struct str s) { return ~update(P_CRC64NVME, ~crc, s); }
