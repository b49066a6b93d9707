/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user or role really did, from its account's trail: the smallest policy that would have
 * allowed it, and what it may do but never did. The first completion criterion of least
 * privilege, made checkable.
 */
#ifndef API_EVIDENCE_H
#define API_EVIDENCE_H

#include "api/req.h"
#include "base/buf.h"

struct evidence_ask {
	struct str principal; /* the ARN of a user or role */
	int64_t from_ms, to_ms;
	size_t resources_max; /* of an action; more of one bucket (or other owner) become a pattern */
};

/* A policy document, appended to out. E_INVALID, E_NOT_FOUND; then *why is a sentence in mem. In a fiber. */
struct status evidence_policy(struct app *app, struct arena *mem, const struct evidence_ask *ask, struct buf *out,
			      struct str *why);
/* A list, a service a line. The same. */
struct status evidence_unused(struct app *app, struct arena *mem, const struct evidence_ask *ask, struct buf *out,
			      struct str *why);

#endif
