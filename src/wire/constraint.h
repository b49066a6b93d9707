/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's constraints, checked on a decoded struct: presence, length, range, pattern,
 * enum words, unions with exactly one member. All violations are reported together, in
 * AWS's own words:
 *
 *   2 validation errors detected: Value '' at 'keyId' failed to satisfy constraint: Member
 *   must have length greater than or equal to 1; Value null at ...
 *
 * At most ten are listed, and long values are cut, so that an answer stays bounded.
 * Sensitive values are not echoed ("Value at 'password' failed ...").
 */
#ifndef WIRE_CONSTRAINT_H
#define WIRE_CONSTRAINT_H

#include "wire/decode.h"

/*
 * The compiled regular expressions of a process, each compiled when first used. Any number
 * of threads may use one at the same time. Patterns are known by the address of their
 * text, which must be a table's constant.
 */
struct patterns;
struct patterns *patterns_new(void);
void patterns_free(struct patterns *p); /* null is allowed */
/*
 * Does the whole of `text` match? Bounded in time and memory: a text that would take too
 * long does not match. A pattern that does not compile matches nothing; patterns_compiles
 * lets the generator's tests find those.
 */
bool patterns_match(struct patterns *p, const char *pattern, struct str text);
bool patterns_compiles(const char *pattern);

/* E_INVALID, and *message in d->mem, when a constraint does not hold. */
struct status constraint_check(const struct decode *d, struct patterns *p, const struct shape *shape, const void *in,
			       struct str *message);

#endif
