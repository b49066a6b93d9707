/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions about this server's own data, told in full. A request is put together as if it had
 * come, its service lists what it needs, and the same code that enforces decides; nothing is
 * executed or recorded.
 */
#ifndef API_EXPLAIN_H
#define API_EXPLAIN_H

#include "api/req.h"
#include "base/buf.h"

struct explain_ask {
	struct str principal, action, resource;
	struct str_list context; /* "service:key=value" */
};

/* Text into *out. E_INVALID or E_NOT_FOUND; then *why is a sentence. In a fiber. */
struct status explain_question(struct app *app, struct arena *mem, const struct explain_ask *ask, struct buf *out,
			       struct str *why);
/* A recorded call, by its event id, by the policies of now. */
struct status explain_event(struct app *app, struct arena *mem, struct str event_id, struct buf *out, struct str *why);

#endif
