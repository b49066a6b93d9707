/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What case.c and case_read.c share.
 */
#ifndef POLICY_CASE_INT_H
#define POLICY_CASE_INT_H

#include "policy/case.h"

enum { CASE_PRINCIPAL_KEYS = 8, CASE_KEYS_MAX = 64 /* in one object */ };

void case_add_level(struct policy_cases *cs, const struct policy_set **levels, size_t *n);
void case_put(struct policy_cases *cs, struct policy_case *c, enum policy_kind kind, const struct policy *p);
/* The document text[base, base + n) of the file `name`, compiled once however often it is named. */
struct status case_compile(struct policy_cases *cs, enum policy_kind kind, struct str name, struct str text,
			   size_t base, size_t n, const struct policy **out, struct policy_case_error *err);

#endif
