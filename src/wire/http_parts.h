/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of an HTTP message as other folders see them: lists of names and values, in
 * the order in which they came. Header names keep their case; compare with str_eq_ci.
 */
#ifndef WIRE_HTTP_PARTS_H
#define WIRE_HTTP_PARTS_H

#include "base/base.h"

struct http_pair {
	struct str name, value;
};

struct http_pairs {
	const struct http_pair *v;
	size_t n;
};

#endif
