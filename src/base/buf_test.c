/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is put into a buf is what rd reads back; reading past the end is remembered.
 */
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"

static void text_is_built_piece_by_piece(void)
{
	struct arena *a = arena_new();
	struct buf b = buf_in(a);
	EXPECT_STR(buf_str(&b), S(""));
	EXPECT(buf_str(&b).p);
	buf_put(&b, S("ab"));
	buf_put(&b, (struct str){ 0 });
	buf_byte(&b, '-');
	buf_z(&b, "z");
	buf_printf(&b, "[%d]", 42);
	EXPECT_STR(buf_str(&b), S("ab-z[42]"));
	arena_free(a);
}

static void decimal_numbers_are_right_at_the_ends(void)
{
	struct arena *a = arena_new();
	struct buf b = buf_in(a);
	buf_i64(&b, 0);
	buf_byte(&b, ' ');
	buf_i64(&b, INT64_MIN);
	buf_byte(&b, ' ');
	buf_i64(&b, INT64_MAX);
	EXPECT_STR(buf_str(&b), S("0 -9223372036854775808 9223372036854775807"));
	arena_free(a);
}

static void a_buf_grows_past_every_chunk_and_keeps_its_bytes(void)
{
	struct arena *a = arena_new();
	struct buf b = buf_in(a), other = buf_in(a);
	for (int i = 0; i < 300000; i++) {
		buf_byte(&b, (char)('a' + i % 26));
		if (i % 1000 == 0)
			buf_z(&other, "in between");
	}
	EXPECT(b.n == 300000 && other.n == 3000);
	for (int i = 0; i < 300000; i++)
		EXPECT(b.p[i] == 'a' + i % 26);
	arena_free(a);
}

static void printing_needs_no_room_beforehand(void)
{
	struct arena *a = arena_new();
	for (int width = 1; width < 400; width++) {
		struct buf b = buf_in(a);
		buf_printf(&b, "%*d", width, 7);
		EXPECT(b.n == (size_t)width && b.p[width - 1] == '7');
	}
	arena_free(a);
}

static void a_view_of_the_buf_itself_can_be_put(void)
{
	struct arena *a = arena_new();
	struct buf b = buf_in(a);
	buf_z(&b, "0123456789abcdef");
	for (int i = 0; i < 12; i++)
		buf_put(&b, buf_str(&b));
	EXPECT(b.n == 16 << 12);
	EXPECT_STR(str_sub(buf_str(&b), b.n - 16, 16), S("0123456789abcdef"));
	arena_free(a);
}

static void numbers_come_back(void)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, 1ull << 63, UINT64_MAX };
	struct arena *a = arena_new();
	struct buf b = buf_in(a);
	for (size_t i = 0; i < COUNT(values); i++) {
		buf_varint(&b, values[i]);
		buf_be16(&b, (uint16_t)values[i]);
		buf_be32(&b, (uint32_t)values[i]);
		buf_be64(&b, values[i]);
		buf_byte(&b, (char)(unsigned char)values[i]);
	}
	struct rd r = rd_of(buf_str(&b));
	for (size_t i = 0; i < COUNT(values); i++) {
		EXPECT(rd_varint(&r) == values[i]);
		EXPECT(rd_be16(&r) == (uint16_t)values[i]);
		EXPECT(rd_be32(&r) == (uint32_t)values[i]);
		EXPECT(rd_be64(&r) == values[i]);
		EXPECT(rd_u8(&r) == (uint8_t)values[i]);
	}
	EXPECT(rd_end(&r) && !r.bad);
	arena_free(a);
}

static void numbers_are_big_endian(void)
{
	struct arena *a = arena_new();
	struct buf b = buf_in(a);
	buf_be32(&b, 0x01020304);
	EXPECT_STR(buf_str(&b), S("\x01\x02\x03\x04"));
	arena_free(a);
}

static void reading_past_the_end_is_remembered_and_ends_loops(void)
{
	struct rd r = rd_of(S("abc"));
	EXPECT_STR(rd_bytes(&r, 2), S("ab"));
	EXPECT(rd_be16(&r) == 0 && r.bad && rd_end(&r));
	EXPECT(rd_u8(&r) == 0 && rd_bytes(&r, 0).n == 0 && r.bad);
	r = rd_of((struct str){ 0 });
	EXPECT(rd_end(&r) && rd_bytes(&r, 0).n == 0 && !r.bad);
	EXPECT(rd_varint(&r) == 0 && r.bad);
	r = rd_of(S("abc"));
	EXPECT(rd_bytes(&r, SIZE_MAX).n == 0 && r.bad);
}

static void varints_over_64_bits_or_cut_short_are_bad(void)
{
	static const struct str bad[] = { S("\x80"), S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
					  S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
					  S("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00") };
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct rd r = rd_of(bad[i]);
		EXPECT(rd_varint(&r) == 0 && r.bad);
	}
}

RUN_ALL(T(text_is_built_piece_by_piece), T(decimal_numbers_are_right_at_the_ends),
	T(a_buf_grows_past_every_chunk_and_keeps_its_bytes), T(printing_needs_no_room_beforehand),
	T(a_view_of_the_buf_itself_can_be_put), T(numbers_come_back), T(numbers_are_big_endian),
	T(reading_past_the_end_is_remembered_and_ends_loops), T(varints_over_64_bits_or_cut_short_are_bad))
