/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of strings, short ones: looked through from the front.
 */
#ifndef WIRE_STR_LIST_H
#define WIRE_STR_LIST_H

#include "base/str.h"
#include "wire/shape.h"

static inline bool str_list_has(struct str_list list, struct str s)
{
	for (size_t i = 0; i < list.n; i++)
		if (str_eq(list.v[i], s))
			return true;
	return false;
}

/* The same strings in the same order. */
static inline bool str_list_eq(struct str_list a, struct str_list b)
{
	for (size_t i = 0; a.n == b.n && i < a.n; i++)
		if (!str_eq(a.v[i], b.v[i]))
			return false;
	return a.n == b.n;
}

#endif
