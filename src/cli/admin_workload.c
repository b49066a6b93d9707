/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workloads through the admin socket.
 *
 *     GET    /workload                                     a line each: name, form, role, id, URL
 *     POST   /workload?name=N&role=ARN[&form=instance&port=P]   shell exports for the program; a token is told once
 *     DELETE /workload?name=N
 */
#include "base/log.h"
#include "base/str.h"
#include "cli/admin.h"
#include "cli/endpoint.h"

static void list(struct http_req *http, struct server *s)
{
	const struct workload *all;
	struct buf b = buf_in(http->mem);
	size_t n = workload_list(&s->app, http->mem, &all);
	for (size_t i = 0; i < n; i++) {
		struct str url = endpoint_url(s->endpoint, http->mem, &all[i]);
		buf_printf(&b, "%.*s %s %.*s %.*s %.*s\n", PR(all[i].name),
			   all[i].form == STS_WORKLOAD_FORM_CONTAINER ? "container" : "instance", PR(all[i].role_arn),
			   PR(all[i].id), PR(url));
	}
	admin_answer(http, 200, "text/plain", buf_str(&b));
}

static void tell(struct http_req *http, struct server *s, const struct workload *w, struct str token)
{
	struct str url = endpoint_url(s->endpoint, http->mem, w);
	http->wipe = true;
	if (w->form == STS_WORKLOAD_FORM_CONTAINER)
		admin_answer(http, 200, "text/plain",
			     arena_printf(http->mem,
					  "export AWS_CONTAINER_CREDENTIALS_FULL_URI='%.*s'\n"
					  "export AWS_CONTAINER_AUTHORIZATION_TOKEN='%.*s'\n",
					  PR(url), PR(token)));
	else
		admin_answer(http, 200, "text/plain",
			     arena_printf(http->mem,
					  "export AWS_EC2_METADATA_SERVICE_ENDPOINT='%.*s'\n"
					  "export AWS_EC2_METADATA_V1_DISABLED='true'\n",
					  PR(url)));
}

static void refuse(struct http_req *http, struct status st)
{
	switch (st.code) {
	case E_INVALID:
		admin_say(
		    http, 400,
		    "name takes 1 to 64 of A-Z a-z 0-9 _ . -, role the ARN of a role of an account of this server");
		return;
	case E_NOT_FOUND:
		admin_say(http, 404, "there is none of that name");
		return;
	case E_EXISTS:
		admin_say(http, 409, "there is a workload of that name");
		return;
	case E_FULL:
		admin_say(http, 409, "there are too many workloads, or one has that port");
		return;
	case E_IO:
		admin_say(http, 409, "that port cannot be listened at");
		return;
	default:
		admin_say(http, 500, status_name(st));
	}
}

static void add(struct http_req *http, struct server *s)
{
	struct str form = admin_parameter(http, "form"), port_text = admin_parameter(http, "port"), token;
	struct workload w;
	int64_t port = 0;
	bool instance = str_eq(form, S("instance"));
	if ((form.p && !instance) ||
	    (port_text.p && (!instance || !str_to_i64(port_text, &port) || port < 0 || port > 65535))) {
		admin_say(http, 400, "form is instance or not given; port, for an instance, 0 to 65535");
		return;
	}
	struct str name = admin_given(http, "name", S("")), role = admin_given(http, "role", S(""));
	struct status st =
	    endpoint_add(s->endpoint, http->mem, name, role,
			 instance ? STS_WORKLOAD_FORM_INSTANCE : STS_WORKLOAD_FORM_CONTAINER, (int)port, &w, &token);
	if (failed(st)) {
		refuse(http, st);
		return;
	}
	log_info("workload added", "workload", w.name, "role", w.role_arn, "id", w.id);
	tell(http, s, &w, token);
}

static void drop(struct http_req *http, struct server *s)
{
	struct str name = admin_given(http, "name", S(""));
	struct status st = endpoint_remove(s->endpoint, http->mem, name);
	if (failed(st)) {
		refuse(http, st);
		return;
	}
	log_info("workload removed", "workload", name);
	admin_say(http, 200, "removed");
}

bool admin_workload(struct http_req *http, struct server *s)
{
	static const struct admin_verbs verbs = { .get = list, .post = add, .del = drop };
	if (!str_eq(http->path, S("/workload")))
		return false;
	if (s->endpoint)
		return admin_verb(http, s, &verbs);
	admin_say(http, 409, "this server was not started with --credentials ADDR:PORT");
	return true;
}
