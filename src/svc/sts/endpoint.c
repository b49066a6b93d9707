/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a request to the credentials endpoint ("Retrieve instance metadata", "Container
 * credential provider"). Paths are compared as they came: nothing is decoded.
 */
#include "svc/sts/endpoint.h"

#include "base/str.h"
#include "svc/sts/workload.h"
#include "wire/http.h"

enum { DEFAULT_PORT = 80, TTL_DIGITS = 5 };

/* Only this machine's own names: a page that made its name point here sends that name. */
static bool is_our_host(struct str host, int port)
{
	int64_t given = DEFAULT_PORT;
	struct str name = host, rest = host;
	if (name.n && name.p[0] == '[') {
		size_t end = str_find_char(name, ']');
		if (end == SIZE_MAX)
			return false;
		rest = str_from(host, end + 1);
		name = str_sub(host, 1, end - 1);
		if (rest.n && rest.p[0] != ':')
			return false;
		rest = rest.n ? str_from(rest, 1) : (struct str){ 0 };
	} else {
		name = str_cut(&rest, ':');
	}
	if (rest.p && (rest.n > TTL_DIGITS || !str_to_i64(rest, &given)))
		return false;
	return given == port && (str_eq_ci(name, S("localhost")) || http_is_loopback(name));
}

static int vet(const struct endpoint_request *rq)
{
	if (!rq->host.p || !is_our_host(rq->host, rq->port) || rq->forwarded_for.p || rq->origin.p)
		return 403;
	return 0;
}

int endpoint_read_container(const struct endpoint_request *rq, struct endpoint_ask *out)
{
	static const struct str before = { "/v1/credentials/", 16 };
	int refused = vet(rq);
	*out = (struct endpoint_ask){ 0 };
	if (refused)
		return refused;
	if (!str_starts(rq->path, before) || rq->query.p)
		return 404;
	if (!str_eq(rq->method, S("GET")))
		return 405;
	*out = (struct endpoint_ask){ .what = ENDPOINT_CONTAINER, .name = str_from(rq->path, before.n) };
	return out->name.n <= WORKLOAD_NAME_MAX ? 0 : 404;
}

/* ---- metadata -------------------------------------------------------------------------- */

static const struct {
	const char *path;
	enum endpoint_what what;
	const char *text; /* an index's */
} rows[] = {
	{ "/latest/meta-data", ENDPOINT_INDEX, "iam/\ninstance-id\nplacement/" },
	{ "/latest/meta-data/iam", ENDPOINT_INDEX, "info\nsecurity-credentials/" },
	{ "/latest/meta-data/placement", ENDPOINT_INDEX, "region" },
	{ "/latest/meta-data/iam/info", ENDPOINT_IAM_INFO, NULL },
	{ "/latest/meta-data/iam/security-credentials", ENDPOINT_ROLE_NAME, NULL },
	{ "/latest/meta-data/instance-id", ENDPOINT_INSTANCE_ID, NULL },
	{ "/latest/meta-data/placement/region", ENDPOINT_REGION, NULL },
	{ "/latest/dynamic/instance-identity/document", ENDPOINT_DOCUMENT, NULL },
};

static bool is_ttl(struct str s, int64_t *ttl_s)
{
	int64_t v;
	if (!s.p || !s.n || s.n > TTL_DIGITS || !char_digit(s.p[0]) || !str_to_i64(s, &v))
		return false;
	*ttl_s = v;
	return v >= 1 && v <= WORKLOAD_METADATA_TTL_MAX_S;
}

static int read_token(const struct endpoint_request *rq, struct endpoint_ask *out)
{
	if (!str_eq(rq->method, S("PUT")))
		return 405;
	out->what = ENDPOINT_TOKEN;
	return is_ttl(rq->ttl, &out->ttl_s) ? 0 : 400;
}

static void find(struct str path, struct endpoint_ask *out)
{
	static const struct str roles = { "/latest/meta-data/iam/security-credentials/", 43 };
	if (str_starts(path, roles) && path.n > roles.n) {
		*out = (struct endpoint_ask){ .what = ENDPOINT_ROLE, .name = str_from(path, roles.n) };
		return;
	}
	if (path.n && path.p[path.n - 1] == '/')
		path.n--;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_eq(path, str_of(rows[i].path)))
			*out = (struct endpoint_ask){ .what = rows[i].what,
						      .name = rows[i].text ? str_of(rows[i].text) : S("") };
}

int endpoint_read_instance(const struct endpoint_request *rq, struct endpoint_ask *out)
{
	int refused = vet(rq);
	*out = (struct endpoint_ask){ 0 };
	if (refused)
		return refused;
	if (str_eq(rq->path, S("/latest/api/token")))
		return read_token(rq, out);
	if (!rq->token.p)
		return 401; /* also where there is nothing: without a token there is nothing to be found out */
	if (!str_eq(rq->method, S("GET")))
		return 405;
	if (!rq->query.p)
		find(rq->path, out);
	return out->what == ENDPOINT_NOTHING ? 404 : 0;
}
