/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside wire/: matching with scratch memory that one check keeps for all its matches.
 */
#ifndef WIRE_PATTERNS_H
#define WIRE_PATTERNS_H

#include "wire/constraint.h"

bool patterns_match_with(struct patterns *p, const char *pattern, struct str text, void **scratch);
void patterns_scratch_free(void *scratch); /* null is allowed */

#endif
