/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every decoder shares: where its results live, and what it says when it refuses.
 *
 * Two kinds of wrong input are kept apart, as AWS keeps them apart. Text that is
 * malformed, or a value of the wrong type, ends decoding with E_INVALID: `why` is AWS's
 * sentence ("NUMBER_VALUE cannot be converted to String"), or not given when the text
 * itself does not parse. A value of the right type that the model forbids (too long,
 * not one of the enum's words, absent though required) does not: it is decoded, and
 * constraint.h reports all such values together. For that the struct must be able to
 * hold what the model forbids:
 *
 *   an enum with an unknown word is -k, and unknown[k - 1] is the word;
 *   a required scalar that was absent is INT64_MIN, a certain NaN, or a bool of 2.
 *
 * Handlers never see these marks: after constraint_check has passed there are none.
 *
 * Decoded strings may be views of the input text, so the text must live as long as the
 * struct does.
 */
#ifndef WIRE_DECODE_H
#define WIRE_DECODE_H

#include "wire/shape.h"

enum { WIRE_DEPTH = 64 }; /* how deep any document may nest, in every format */

struct decode {
	struct arena *mem;
	struct str why;              /* after E_INVALID; p == NULL: the text is malformed */
	size_t at;                   /* after E_INVALID: byte offset in the text, where the format knows it */
	const struct member *member; /* after E_INVALID from REST bindings and queries: whose value it was, or NULL */
	struct str *unknown;
	size_t n_unknown, cap_unknown;
};

static inline struct decode decode_in(struct arena *mem) { return (struct decode){ .mem = mem }; }

/* Notes why and returns E_INVALID. */
struct status decode_fail(struct decode *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The C value of an enum's word; a new negative number for a word that is not among them. */
int decode_enum(struct decode *d, const struct shape *shape, struct str word);
/* The word of a C value; for negative ones what the client sent. d may be NULL when v > 0. */
struct str decode_enum_word(const struct decode *d, const struct shape *shape, int v);

#endif
