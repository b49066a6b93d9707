/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answering at the credentials endpoint. The JSON is what SDKs read: of a container
 * ("Container credential provider"), of an instance ("Retrieve security credentials from
 * instance metadata"; a role that cannot be assumed is a 200 there, with a Code that says so).
 */
#include "svc/sts/endpoint.h"

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/sts/workload.h"
#include "wire/http.h"
#include "wire/json_text.h"

/* ---- in and out --------------------------------------------------------------------------- */

static struct endpoint_request request_of(const struct http_req *http)
{
	return (struct endpoint_request){
		.method = http->method,
		.path = http->path,
		.query = http->query,
		.host = http_header(http, S("host")),
		.forwarded_for = http_header(http, S("x-forwarded-for")),
		.origin = http_header(http, S("origin")),
		.authorization = http_header(http, S("authorization")),
		.ttl = http_header(http, S("x-aws-ec2-metadata-token-ttl-seconds")),
		.token = http_header(http, S("x-aws-ec2-metadata-token")),
		.port = http->server_port,
	};
}

static void answer(struct http_req *http, int status, const char *type, struct str body)
{
	struct http_pair *h = NEWS(http->mem, struct http_pair, 3);
	h[0] = (struct http_pair){ S("Content-Type"), str_of(type) };
	h[1] = (struct http_pair){ S("Cache-Control"), S("no-store") };
	h[2] = (struct http_pair){ S("X-Content-Type-Options"), S("nosniff") };
	http->wipe = true;
	http_respond(http, status, (struct http_pairs){ h, 3 }, body);
}

static const char *word(int status)
{
	switch (status) {
	case 400:
		return "BadRequest";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "NotFound";
	case 405:
		return "MethodNotAllowed";
	default:
		return "InternalServerError";
	}
}

static void refuse(struct http_req *http, int status, struct str message)
{
	struct buf b = buf_in(http->mem);
	struct json_out w = { .to = &b };
	json_begin(&w, '{');
	json_name(&w, S("Code"));
	json_put_str(&w, str_of(word(status)));
	json_name(&w, S("Message"));
	json_put_str(&w, message);
	json_end(&w, '}');
	answer(http, status, "application/json", buf_str(&b));
}

static void say(struct http_req *http, struct str text) { answer(http, 200, "text/plain", text); }

/* ---- credentials -------------------------------------------------------------------------- */

static void member(struct json_out *w, const char *name, struct str value)
{
	json_name(w, str_of(name));
	json_put_str(w, value);
}

static void credentials(struct json_out *w, struct arena *mem, const struct workload_credentials *c)
{
	member(w, "AccessKeyId", c->access_key_id);
	member(w, "SecretAccessKey", c->secret_access_key);
	member(w, "Token", c->session_token);
	member(w, "Expiration", time_iso8601(mem, c->expires_ms));
}

static struct status ask(struct http_req *http, struct app *app, const struct workload *w,
			 struct workload_credentials *out, struct str *why)
{
	struct status st = workload_credentials(app, http->mem, w, out, why);
	if (st.code == E_FAULT)
		log_warn("a workload's role cannot be assumed", "workload", w->name, "role", w->role_arn, "why", *why);
	else if (failed(st) && st.code != E_NOT_FOUND)
		log_error("no credentials for a workload", "workload", w->name, "status", str_of(status_name(st)));
	return st;
}

void endpoint_serve_container(struct http_req *http, void *arg)
{
	struct app *app = arg;
	struct endpoint_request rq = request_of(http);
	struct endpoint_ask want;
	struct workload w;
	struct workload_credentials c;
	struct str why = S("");
	int refused = endpoint_read_container(&rq, &want);
	if (refused) {
		refuse(http, refused, S("This is not to be had here."));
		return;
	}
	bool known = workload_named(app, http->mem, want.name, &w);
	if (!workload_token_is(known ? &w : NULL, rq.authorization.p ? rq.authorization : S(""))) {
		refuse(http, 401, S("The authorization token is not the workload's."));
		return;
	}
	struct status st = ask(http, app, &w, &c, &why);
	if (failed(st)) {
		bool gone = st.code == E_NOT_FOUND, denied = st.code == E_FAULT;
		refuse(http, gone ? 401 : denied ? 403 : 500, denied ? why : S("There are no credentials."));
		return;
	}
	struct buf b = buf_in(http->mem);
	struct json_out out = { .to = &b };
	json_begin(&out, '{');
	member(&out, "RoleArn", w.role_arn);
	credentials(&out, http->mem, &c);
	json_end(&out, '}');
	answer(http, 200, "application/json", buf_str(&b));
}

/* ---- instances ------------------------------------------------------------------------------ */

static struct str role_name(const struct workload *w)
{
	struct str name = w->role_arn;
	for (size_t slash; (slash = str_find_char(name, '/')) != SIZE_MAX;)
		name = str_from(name, slash + 1);
	return name;
}

static void give_token(struct http_req *http, struct app *app, const struct workload *w, int64_t ttl_s)
{
	struct http_pair *h = NEWS(http->mem, struct http_pair, 2);
	h[0] = (struct http_pair){ S("Content-Type"), S("text/plain") };
	h[1] = (struct http_pair){ S("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"),
				   arena_printf(http->mem, "%lld", (long long)ttl_s) };
	http->wipe = true;
	http_respond(http, 200, (struct http_pairs){ h, 2 }, workload_metadata_token(app, http->mem, w, ttl_s));
}

static void begin(struct json_out *out, struct http_req *http, struct app *app, const char *code, int64_t updated_ms)
{
	json_begin(out, '{');
	member(out, "Code", str_of(code));
	member(out, "LastUpdated", time_iso8601(http->mem, updated_ms ? updated_ms : app_now_ms(app)));
}

static void give_credentials(struct http_req *http, struct app *app, const struct workload *w)
{
	struct workload_credentials c;
	struct buf b = buf_in(http->mem);
	struct json_out out = { .to = &b };
	struct str why = S("");
	struct status st = ask(http, app, w, &c, &why);
	if (failed(st) && st.code != E_FAULT) {
		refuse(http, st.code == E_NOT_FOUND ? 404 : 500, S("There are no credentials."));
		return;
	}
	begin(&out, http, app, failed(st) ? "AssumeRoleUnauthorizedAccess" : "Success", failed(st) ? 0 : c.issued_ms);
	if (failed(st)) {
		member(&out, "Message",
		       arena_printf(http->mem, "EC2 cannot assume the role %.*s. %.*s", PR(role_name(w)), PR(why)));
	} else {
		member(&out, "Type", S("AWS-HMAC"));
		credentials(&out, http->mem, &c);
	}
	json_end(&out, '}');
	answer(http, 200, "text/plain", buf_str(&b));
}

/* Nothing but what is true: no instance profile, image or address is made up. */
static void give_info(struct http_req *http, struct app *app, const struct workload *w, bool document)
{
	struct buf b = buf_in(http->mem);
	struct json_out out = { .to = &b };
	if (document) {
		json_begin(&out, '{');
		member(&out, "accountId", w->account);
		member(&out, "instanceId", w->id);
		member(&out, "region", app->region);
		member(&out, "version", S("2017-09-30"));
	} else {
		begin(&out, http, app, "Success", 0);
	}
	json_end(&out, '}');
	answer(http, 200, "text/plain", buf_str(&b));
}

static void give(struct http_req *http, struct app *app, const struct workload *w, const struct endpoint_ask *want)
{
	switch (want->what) {
	case ENDPOINT_TOKEN:
		give_token(http, app, w, want->ttl_s);
		return;
	case ENDPOINT_ROLE:
		if (str_eq(want->name, role_name(w)))
			give_credentials(http, app, w);
		else
			refuse(http, 404, S("The instance has no such role."));
		return;
	case ENDPOINT_INDEX:
		say(http, want->name);
		return;
	case ENDPOINT_ROLE_NAME:
		say(http, role_name(w));
		return;
	case ENDPOINT_INSTANCE_ID:
		say(http, w->id);
		return;
	case ENDPOINT_REGION:
		say(http, app->region);
		return;
	case ENDPOINT_IAM_INFO:
	case ENDPOINT_DOCUMENT:
		give_info(http, app, w, want->what == ENDPOINT_DOCUMENT);
		return;
	case ENDPOINT_NOTHING:
	case ENDPOINT_CONTAINER:
		break;
	}
	refuse(http, 404, S("There is nothing here."));
}

void endpoint_serve_instance(struct http_req *http, void *arg)
{
	struct app *app = arg;
	struct endpoint_request rq = request_of(http);
	struct endpoint_ask want;
	struct workload w;
	int refused = endpoint_read_instance(&rq, &want);
	bool known = workload_at_port(app, http->mem, http->server_port, &w);
	if (!refused && !known)
		refused = 404;
	if (known && rq.token.p && want.what != ENDPOINT_TOKEN && refused != 403 &&
	    !workload_metadata_token_is(app, http->mem, &w, rq.token))
		refused = 401; /* before it is told what there is */
	if (refused)
		refuse(http, refused, S("This is not to be had here."));
	else
		give(http, app, &w, &want);
}
