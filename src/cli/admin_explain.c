/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explanations over the admin socket (api/explain.h). Whoever can open it is the operator, and may
 * see every policy anyway.
 *
 *     GET /explain?principal=ARN&action=A&resource=ARN&context=key%3Dvalue&context=...
 *     GET /explain?event=EVENT-ID
 *     GET /evidence/policy?role=R&since=MS&until=MS&max=N     (or user=U)
 *     GET /evidence/unused?...
 */
#include "api/accounts.h"
#include "api/evidence.h"
#include "api/explain.h"
#include "base/str.h"
#include "cli/admin.h"
#include "wire/http.h"
#include "wire/uri.h"

enum { PAIRS_MAX = 200 };

static struct status explain(struct http_req *http, struct server *s, const struct http_pairs *pairs, struct buf *out,
			     struct str *why)
{
	struct str id = uri_find(pairs, S("event")), resource = uri_find(pairs, S("resource"));
	struct str *context = NEWS(http->mem, struct str, pairs->n + 1);
	struct explain_ask ask = { .principal = uri_find(pairs, S("principal")),
				   .action = uri_find(pairs, S("action")),
				   .resource = resource.p ? resource : S("*"),
				   .context = { context, 0 } };
	for (size_t i = 0; i < pairs->n; i++)
		if (str_eq(pairs->v[i].name, S("context")))
			context[ask.context.n++] = pairs->v[i].value;
	if (id.p)
		return explain_event(&s->app, http->mem, id, out, why);
	return explain_question(&s->app, http->mem, &ask, out, why);
}

static int64_t number(const struct http_pairs *pairs, const char *name, int64_t otherwise)
{
	int64_t n;
	return str_to_i64(uri_find(pairs, str_of(name)), &n) && n > 0 ? n : otherwise;
}

/* A name without an ARN is one of the first account's. */
static struct status evidence(struct http_req *http, struct server *s, const struct http_pairs *pairs, struct buf *out,
			      struct str *why)
{
	enum { RESOURCES_MAX = 10 };
	struct str role = uri_find(pairs, S("role")), name = role.n ? role : uri_find(pairs, S("user"));
	struct evidence_ask ask = { .principal = name,
				    .from_ms = number(pairs, "since", 0),
				    .to_ms = number(pairs, "until", 0),
				    .resources_max = (size_t)number(pairs, "max", RESOURCES_MAX) };
	if (!str_starts(name, S("arn:")))
		ask.principal =
		    arena_printf(http->mem, "arn:%.*s:iam::%.*s:%s/%.*s", PR(s->app.partition),
				 PR(account_at(s->app.accounts, 0)->id), role.n ? "role" : "user", PR(name));
	if (str_eq(http->path, S("/evidence/unused")))
		return evidence_unused(&s->app, http->mem, &ask, out, why);
	return evidence_policy(&s->app, http->mem, &ask, out, why);
}

bool admin_explain(struct http_req *http, struct server *s)
{
	struct http_pairs pairs = { 0 };
	struct buf out = buf_in(http->mem);
	struct str why = { 0 };
	bool decision = str_eq(http->path, S("/explain"));
	bool trail = str_eq(http->path, S("/evidence/policy")) || str_eq(http->path, S("/evidence/unused"));
	if (!str_eq(http->method, S("GET")) || (!decision && !trail))
		return false;
	if (failed(uri_pairs(http->mem, http->query, true, PAIRS_MAX, &pairs))) {
		admin_answer(http, 400, "text/plain", S("what is asked cannot be read\n"));
		return true;
	}
	struct status st = decision ? explain(http, s, &pairs, &out, &why) : evidence(http, s, &pairs, &out, &why);
	if (failed(st))
		admin_answer(http, st.code == E_NOT_FOUND ? 404 : 400, "text/plain",
			     arena_printf(http->mem, "%.*s\n", PR(why)));
	else
		admin_answer(http, 200, "text/plain", buf_str(&out));
	return true;
}
