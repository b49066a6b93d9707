/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one does with str: compare, cut, search, convert. Nothing here allocates;
 * results are views of the input.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

int str_cmp(struct str a, struct str b);    /* bytewise, as memcmp: <0, 0, >0; a prefix sorts first */
bool str_eq_ci(struct str a, struct str b); /* ASCII case folded */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_starts_ci(struct str s, struct str prefix);
struct str str_from(struct str s, size_t i);          /* s[i..]; empty when i > n */
struct str str_sub(struct str s, size_t i, size_t n); /* clamped */
struct str str_trim(struct str s);                    /* spaces and tabs at both ends */
/* Index of the first c or of the first occurrence of `what`; SIZE_MAX when there is none. */
size_t str_find_char(struct str s, char c);
size_t str_find(struct str s, struct str what);
/* Cut at the first c: the part before it is returned, *rest becomes the part after (p == NULL when c was not found). */
struct str str_cut(struct str *rest, char c);
struct str str_after_last(struct str s, char c); /* all of it when there is none */
/* Whole string must be a decimal number in range; false otherwise (then *out is untouched). */
bool str_to_i64(struct str s, int64_t *out);
bool str_to_u64(struct str s, uint64_t *out);
bool str_is_utf8(struct str s);                 /* well-formed UTF-8, no surrogates, no overlongs */
size_t str_utf8_length(struct str s);           /* code points; malformed bytes count as one each */
uint64_t str_hash(struct str s, uint64_t seed); /* SipHash-1-3 for tables that hold what strangers send */

static inline char char_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static inline char char_upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 32) : c; }
static inline bool char_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool char_alpha(char c) { return char_lower(c) >= 'a' && char_lower(c) <= 'z'; }
static inline bool char_alnum(char c) { return char_digit(c) || char_alpha(c); }

/* True when both have the same bytes; the time taken depends on the lengths only. For secrets. */
bool secret_eq(struct str a, struct str b);
/* Overwrite in a way the compiler may not drop. */
void secret_wipe(void *p, size_t n);

#endif
