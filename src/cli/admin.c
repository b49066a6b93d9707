/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the admin socket serves. The socket is in the data directory with mode 0600: whoever
 * can open it can read the root key's directory anyway. Nothing here touches customers' data.
 *
 *     GET  /health               200 while serving
 *     GET  /metrics              Prometheus text
 *     GET  /clock                the server's time
 *     POST /clock?advance=30d    with --test-clock only: move time forward (s, m, h, d)
 *     POST /account?id=ID        make an account; answers its root credentials
 *     GET, POST, DELETE /keystore    tokens for custom key stores: admin_keystore.c
 *     POST /rootkey/rotate       finish a rotation of the root key that 'holdfast rootkey rotate' has begun
 *     GET, POST, DELETE /workload    programs with roles: admin_workload.c
 *     GET  /explain?...          one decision told in full: admin_explain.c
 */
#include "api/accounts.h"
#include "api/trail.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/admin.h"
#include "wire/http.h"
#include "wire/json.h"
#include "wire/uri.h"

void admin_answer(struct http_req *http, int status, const char *type, struct str body)
{
	struct http_pair *h = NEW(http->mem, struct http_pair);
	*h = (struct http_pair){ S("Content-Type"), str_of(type) };
	http_respond(http, status, (struct http_pairs){ h, 1 }, body);
}

void admin_say(struct http_req *http, int status, const char *text)
{
	admin_answer(http, status, "application/json", arena_printf(http->mem, "{\"message\":\"%s\"}\n", text));
}

struct str admin_parameter(struct http_req *http, const char *name)
{
	struct http_pairs pairs = { 0 };
	if (!http->query.n || failed(uri_pairs(http->mem, http->query, true, 16, &pairs)))
		return (struct str){ 0 };
	return uri_find(&pairs, str_of(name));
}

struct str admin_given(struct http_req *http, const char *name, struct str otherwise)
{
	struct str s = admin_parameter(http, name);
	return s.p ? s : otherwise;
}

bool admin_verb(struct http_req *http, struct server *s, const struct admin_verbs *verbs)
{
	if (str_eq(http->method, S("GET")))
		verbs->get(http, s);
	else if (str_eq(http->method, S("POST")))
		verbs->post(http, s);
	else if (str_eq(http->method, S("DELETE")))
		verbs->del(http, s);
	else
		return false;
	return true;
}

/* ---- metrics ------------------------------------------------------------------------ */

static void metric(struct buf *b, const char *name, const char *kind, const char *help, uint64_t v)
{
	buf_printf(b, "# HELP holdfast_%s %s\n# TYPE holdfast_%s %s\nholdfast_%s %llu\n", name, help, name, kind, name,
		   (unsigned long long)v);
}

static void metrics(struct http_req *http, struct server *s, struct http_server *front)
{
	struct buf b = buf_in(http->mem);
	struct http_stats h = http_stats_get(front);
	struct store_stats st;
	store_stats(s->app.store, &st);
	metric(&b, "connections_total", "counter", "Connections accepted.", h.connections);
	metric(&b, "connections", "gauge", "Connections open.", h.connections_open);
	metric(&b, "requests_total", "counter", "Requests handed to the pipeline.", h.requests);
	metric(&b, "requests", "gauge", "Requests under way.", h.requests_open);
	metric(&b, "http_refused_total", "counter", "Refused before the pipeline: malformed, too big, too slow.",
	       h.refused);
	metric(&b, "body_bytes_in_total", "counter", "Bytes of request bodies.", h.bytes_in);
	metric(&b, "body_bytes_out_total", "counter", "Bytes of answers' bodies.", h.bytes_out);
	struct keyring_health k = keyring_health(s->keys.keyring);
	metric(&b, "keyholder_up", "gauge", "Whether the keyholder serves.", k.up);
	metric(&b, "keyholder_restarts_total", "counter", "Times the keyholder was started again.", k.restarts);
	metric(&b, "guardian_restarts_total", "counter", "Times the keyholder's guardian was started again.",
	       k.guardians);
	metric(&b, "keyholder_calls_total", "counter", "Calls made to the keyholder.", k.calls);
	metric(&b, "store_commits_total", "counter", "Write transactions made durable.", st.commits);
	metric(&b, "store_batches_total", "counter", "Group commits: one fdatasync each.", st.batches);
	metric(&b, "store_aborts_total", "counter", "Write transactions undone.", st.aborts);
	metric(&b, "store_reads_total", "counter", "Snapshots opened.", st.reads);
	metric(&b, "store_shards", "gauge", "Shards open.", st.shards_open);
	admin_answer(http, 200, "text/plain; version=0.0.4", buf_str(&b));
}

/* ---- the clock ------------------------------------------------------------------------- */

static bool duration_ms(struct str text, int64_t *ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', SECOND_MS }, { 'm', MINUTE_MS }, { 'h', HOUR_MS }, { 'd', DAY_MS } };
	int64_t n;
	if (text.n < 2 || !str_to_i64(str_sub(text, 0, text.n - 1), &n) || n < 0 || n > 100 * 366)
		return false;
	for (size_t i = 0; i < COUNT(units); i++)
		if (text.p[text.n - 1] == units[i].unit) {
			*ms = n * units[i].ms;
			return true;
		}
	return false;
}

static void clock_read(struct http_req *http, struct server *s)
{
	struct str now = time_iso8601_ms(http->mem, world_now_ms(s->world));
	admin_answer(http, 200, "application/json", arena_printf(http->mem, "{\"now\":\"%.*s\"}\n", PR(now)));
}

static void clock_move(struct http_req *http, struct server *s)
{
	int64_t ms;
	if (!s->test_clock) {
		admin_say(http, 403, "this server was not started with --test-clock");
		return;
	}
	if (!duration_ms(admin_parameter(http, "advance"), &ms)) {
		admin_say(http, 400, "advance takes a number and s, m, h or d, at most 36600 of them");
		return;
	}
	world_advance(s->world, ms);
	clock_read(http, s);
}

/* ---- accounts -------------------------------------------------------------------------- */

static void account_make(struct http_req *http, struct server *s)
{
	struct credentials c;
	struct status st = server_account_create(s, admin_parameter(http, "id"), &c);
	if (st.code == E_INVALID)
		admin_say(http, 400, "an account id has 12 digits");
	else if (st.code == E_EXISTS)
		admin_say(http, 409, "that account exists");
	else if (failed(st))
		admin_say(http, 500, status_name(st));
	else
		admin_answer(
		    http, 200, "text/plain",
		    arena_printf(http->mem, "%.*s %.*s %.*s\n", PR(c.account), PR(c.access_key_id), PR(c.secret_key)));
}

/* ---- the root key ---------------------------------------------------------------------- */

static void rootkey_rotate(struct http_req *http, struct server *s)
{
	struct rotated done;
	struct status st = server_rotate_root(s, &done);
	if (st.code == E_FULL)
		admin_answer(http, 409, "text/plain",
			     S("this process has rotated often enough: restart the server, which finishes it\n"));
	else if (failed(st))
		admin_answer(http, 500, "text/plain",
			     arena_printf(http->mem, "not finished (%s); say it again\n", status_name(st)));
	else
		admin_answer(http, 200, "text/plain",
			     arena_printf(http->mem, "rotated: %zu keys wrapped anew\n", done.keys));
}

/* ---- the table ------------------------------------------------------------------------- */

static void health(struct http_req *http) { admin_answer(http, 200, "application/json", S("{\"status\":\"ok\"}\n")); }

void admin_serve(struct http_req *http, struct server *s, struct http_server *front)
{
	bool get = str_eq(http->method, S("GET")), post = str_eq(http->method, S("POST"));
	if (get && str_eq(http->path, S("/health")))
		health(http);
	else if (get && str_eq(http->path, S("/metrics")))
		metrics(http, s, front);
	else if (get && str_eq(http->path, S("/clock")))
		clock_read(http, s);
	else if (post && str_eq(http->path, S("/clock")))
		clock_move(http, s);
	else if (post && str_eq(http->path, S("/account")))
		account_make(http, s);
	else if (post && str_eq(http->path, S("/rootkey/rotate")))
		rootkey_rotate(http, s);
	else if (!admin_explain(http, s) && !admin_workload(http, s) && !admin_keystore(http, s))
		admin_say(http, 404, "no such thing here");
}
