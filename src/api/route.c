/* SPDX-License-Identifier: Apache-2.0 */
#include "api/route.h"

#include "api/faults.h"
#include "api/sigv4.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/query.h"
#include "wire/uri.h"

/* ---- the table of REST patterns --------------------------------------------------- */

enum { PIECES_MAX = 4, LITERALS_MAX = 4, SUBRESOURCES = 48 };

/* "/{Bucket}/{Key+}?uploads": the path as pieces between slashes, and query names (with values) that must be there. */
struct pattern {
	const struct op *op;
	struct str pieces[PIECES_MAX];
	size_t n_pieces;
	struct http_pair literals[LITERALS_MAX];
	size_t n_literals;
};

struct routes {
	const struct service *svc;
	struct pattern *patterns;
	size_t n;
};

struct router {
	const struct service *const *services;
	struct routes *rest;
	size_t n_rest;
};

static bool is_rest(const struct service *s) { return s->protocol == PROTO_REST_XML || s->protocol == PROTO_REST_JSON; }

static void compile_literals(struct pattern *p, struct str query)
{
	while (query.p && query.n) {
		struct str piece = str_cut(&query, '&'), value = piece;
		struct str name = str_cut(&value, '=');
		if (str_eq(name, S("x-id")))
			continue; /* decoration of the SDKs, not demanded of clients */
		assert(p->n_literals < LITERALS_MAX);
		p->literals[p->n_literals++] = (struct http_pair){ name, value };
	}
}

static void compile(struct pattern *p, const struct op *op)
{
	struct str query = str_of(op->uri);
	struct str path = str_from(str_cut(&query, '?'), 1);
	p->op = op;
	while (path.p && path.n) {
		assert(p->n_pieces < PIECES_MAX);
		p->pieces[p->n_pieces++] = str_cut(&path, '/');
	}
	compile_literals(p, query);
}

struct router *router_new(const struct service *const *services)
{
	struct router *r = HEAP(struct router);
	r->services = services;
	for (size_t i = 0; services[i]; i++)
		r->n_rest += is_rest(services[i]);
	r->rest = HEAPS(struct routes, r->n_rest + 1);
	for (size_t i = 0, k = 0; services[i]; i++) {
		if (!is_rest(services[i]))
			continue;
		struct routes *t = &r->rest[k++];
		*t = (struct routes){ services[i], HEAPS(struct pattern, services[i]->n_ops), services[i]->n_ops };
		for (size_t j = 0; j < t->n; j++)
			compile(&t->patterns[j], &t->svc->ops[j]);
	}
	return r;
}

void router_free(struct router *r)
{
	for (size_t i = 0; r && i < r->n_rest; i++)
		heap_free(r->rest[i].patterns);
	if (r)
		heap_free(r->rest);
	heap_free(r);
}

/* ---- REST --------------------------------------------------------------------------- */

static bool is_label(struct str piece) { return piece.n > 2 && piece.p[0] == '{'; }
static bool is_rest_label(struct str piece) { return str_ends(piece, S("+}")); }
static struct str label_name(struct str piece) { return str_sub(piece, 1, piece.n - (is_rest_label(piece) ? 3 : 2)); }

/* Does the path fit, and what are its labels (still encoded)? A trailing slash after the last piece is ignored. */
static bool path_fits(const struct pattern *p, struct str path, struct http_pair *labels)
{
	struct str rest = str_from(path, 1);
	for (size_t i = 0; i < p->n_pieces; i++) {
		if (!rest.p || !rest.n)
			return false;
		struct str piece = p->pieces[i];
		struct str got = is_rest_label(piece) ? rest : str_cut(&rest, '/');
		if (is_rest_label(piece))
			rest = (struct str){ 0 };
		if (is_label(piece))
			labels[i] = (struct http_pair){ label_name(piece), got };
		else if (!str_eq(piece, got))
			return false;
	}
	return !rest.p || !rest.n;
}

static bool has_pair(const struct http_pairs *pairs, struct str name) { return uri_find(pairs, name).p != NULL; }

static bool literals_fit(const struct pattern *p, const struct http_pairs *query)
{
	for (size_t i = 0; i < p->n_literals; i++) {
		struct str got = uri_find(query, p->literals[i].name);
		if (!got.p || (p->literals[i].value.n && !str_eq(got, p->literals[i].value)))
			return false;
	}
	return true;
}

/* Required query and header members tell operations apart that share a path (UploadPart, PutObject, CopyObject). */
static bool required_fit(struct req *rq, const struct op *op, unsigned *n)
{
	for (uint32_t i = 0; i < op->in->n_members; i++) {
		const struct member *m = &op->in->members[i];
		if (!(m->flags & M_REQUIRED) || (m->where != W_QUERY && m->where != W_HEADER))
			continue;
		struct str name = str_of(m->wire);
		if (m->where == W_QUERY ? !has_pair(&rq->query, name) : !http_header(rq->http, name).p)
			return false;
		++*n;
	}
	return true;
}

/*
 * Query names that select something of a bucket or object. A request that carries one must
 * be routed by it; when no operation of ours has it the answer is "not implemented", never
 * some other operation.
 */
static const char *const subresources[] = {
	"accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
	"legal-hold", "lifecycle", "location", "logging", "metrics", "notification", "object-lock", "ownershipControls",
	"partNumber", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "restore", "retention",
	"select", "tagging", "torrent", "uploadId", "uploads", "versioning", "versions", "website", "metadataTable", "session",
	"metadataConfiguration", "abac", "renameObject",
};

static bool declares_query(const struct pattern *p, struct str name)
{
	for (size_t i = 0; i < p->n_literals; i++)
		if (str_eq(p->literals[i].name, name))
			return true;
	for (uint32_t i = 0; i < p->op->in->n_members; i++)
		if (p->op->in->members[i].where == W_QUERY && str_eq(str_of(p->op->in->members[i].wire), name))
			return true;
	return false;
}

static bool subresources_fit(struct req *rq, const struct pattern *p)
{
	for (size_t i = 0; i < COUNT(subresources); i++) {
		struct str name = str_of(subresources[i]);
		if (has_pair(&rq->query, name) && !declares_query(p, name))
			return false;
	}
	return true;
}

static struct status decode_labels(struct req *rq, const struct pattern *p, struct http_pair *labels)
{
	struct http_pair *v = NEWS(rq->mem, struct http_pair, PIECES_MAX);
	size_t n = 0;
	for (size_t i = 0; i < p->n_pieces; i++) {
		if (!is_label(p->pieces[i]))
			continue;
		v[n].name = labels[i].name;
		if (failed(uri_decode(rq->mem, labels[i].value, false, &v[n].value)) || !str_is_utf8(v[n].value) ||
		    str_find_char(v[n].value, 0) != SIZE_MAX)
			return FAIL(rq, api_ValidationException, "Couldn't parse the specified URI.");
		n++;
	}
	rq->labels = (struct http_pairs){ v, n };
	return OK;
}

static struct status no_route(struct req *rq, bool path_known)
{
	if (path_known)
		return FAIL(rq, api_NotImplemented, "A header or query you provided implies functionality that is not implemented.");
	return FAIL(rq, api_MethodNotAllowed, "The specified method is not allowed against this resource.");
}

static struct status route_rest(struct req *rq, const struct routes *t, struct str path)
{
	const struct pattern *best = NULL;
	struct http_pair best_labels[PIECES_MAX] = { 0 };
	unsigned best_score = 0;
	bool path_known = false;
	for (size_t i = 0; i < t->n; i++) {
		const struct pattern *p = &t->patterns[i];
		struct http_pair labels[PIECES_MAX] = { 0 };
		unsigned score = 1;
		if (!str_eq(rq->http->method, str_of(p->op->method)) || !path_fits(p, path, labels))
			continue;
		path_known = true;
		if (!literals_fit(p, &rq->query) || !subresources_fit(rq, p) || !required_fit(rq, p->op, &score))
			continue;
		score += 8 * (unsigned)p->n_literals;
		if (score <= best_score)
			continue;
		best = p;
		best_score = score;
		memcpy(best_labels, labels, sizeof labels);
	}
	if (!best)
		return no_route(rq, path_known);
	rq->op = best->op;
	return decode_labels(rq, best, best_labels);
}

/* ---- S3's addresses --------------------------------------------------------------------- */

static struct str host_name(struct str host)
{
	if (host.n && host.p[0] == '[')
		return host;
	struct str rest = host;
	return str_cut(&rest, ':');
}

/* The bucket in front of the domain; empty when the host is the endpoint itself. */
static struct str host_bucket(struct req *rq)
{
	struct str host = host_name(rq->host), domain = rq->app->domain;
	if (!domain.n || host.n <= domain.n + 1 || !str_eq_ci(str_from(host, host.n - domain.n), domain) ||
	    host.p[host.n - domain.n - 1] != '.')
		return (struct str){ 0 };
	struct str front = str_sub(host, 0, host.n - domain.n - 1);
	if (str_eq(front, S("s3")) || str_starts(front, S("s3.")))
		return (struct str){ 0 };
	size_t at = str_find(front, S(".s3."));
	if (at != SIZE_MAX)
		return str_sub(front, 0, at);
	return str_ends(front, S(".s3")) ? str_sub(front, 0, front.n - 3) : front;
}

static struct str s3_path(struct req *rq)
{
	struct str bucket = host_bucket(rq);
	return bucket.n ? arena_printf(rq->mem, "/%.*s%.*s", PR(bucket), PR(rq->path)) : rq->path;
}

/* ---- JSON and query ------------------------------------------------------------------------ */

static struct status read_bounded(struct req *rq)
{
	struct status st = http_body_all(rq->http, BODY_MAX, &rq->body);
	if (st.code == E_TOO_BIG)
		return FAIL(rq, api_RequestEntityTooLargeException, "Request is larger than %d bytes", BODY_MAX);
	return st;
}

static struct status route_target(struct req *rq, struct str target)
{
	struct str name = target, prefix = str_cut(&name, '.');
	for (const struct service *const *s = rq->app->router->services; *s; s++)
		if ((*s)->target && str_eq(prefix, str_of((*s)->target)))
			rq->svc = *s;
	if (!rq->svc)
		return ERR(E_NOT_FOUND);
	TRY(read_bounded(rq));
	rq->op = name.p ? service_op(rq->svc, name) : NULL;
	return rq->op ? OK : FAIL(rq, api_UnknownOperationException, "%s", "");
}

static const struct service *by_scope_or_host(struct req *rq, struct str scope_service)
{
	struct str rest = rq->host, first = str_cut(&rest, '.');
	for (const struct service *const *s = rq->app->router->services; *s; s++)
		if (scope_service.p ? str_eq(scope_service, str_of((*s)->signing)) : str_eq_ci(first, str_of((*s)->endpoint)))
			return *s;
	return NULL;
}

static const struct service *by_version(struct req *rq, struct str version)
{
	for (const struct service *const *s = rq->app->router->services; *s; s++)
		if ((*s)->protocol == PROTO_QUERY && version.p && str_eq(version, str_of((*s)->version)))
			return *s;
	return NULL;
}

static struct status route_query(struct req *rq)
{
	if (str_eq(rq->http->method, S("POST")) && failed(query_params(rq->mem, rq->body, &rq->query)))
		return FAIL(rq, api_SerializationException, "The query string is malformed.");
	struct str action = uri_find(&rq->query, S("Action")), version = uri_find(&rq->query, S("Version"));
	if (!action.p)
		return FAIL(rq, api_UnknownOperationException, "Could not find operation in request");
	rq->op = service_op(rq->svc, action);
	if (!rq->op || (version.p && !str_eq(version, str_of(rq->svc->version)))) {
		rq->op = NULL;
		return FAIL(rq, api_UnknownOperationException, "Could not find operation %.*s for version %.*s", PR(action),
			    version.p ? (int)version.n : 9, version.p ? version.p : "NO_VERSION");
	}
	return OK;
}

static bool is_form(struct req *rq)
{
	return str_starts_ci(req_in_header(rq, "content-type"), S("application/x-www-form-urlencoded"));
}

static const struct routes *routes_of(struct req *rq)
{
	for (size_t i = 0; i < rq->app->router->n_rest; i++)
		if (rq->app->router->rest[i].svc == rq->svc)
			return &rq->app->router->rest[i];
	return NULL;
}

/* ---- the step ---------------------------------------------------------------------------------- */

static bool is_query(const struct service *s) { return s->protocol == PROTO_QUERY || s->protocol == PROTO_EC2; }

/* Everything that is not a JSON target: by scope, host, form fields; what is left is S3's. */
static struct status find_service(struct req *rq, struct str scope_service)
{
	rq->svc = by_scope_or_host(rq, scope_service);
	if (scope_service.p && !rq->svc)
		return FAIL(rq, api_UnknownOperationException, "The service %.*s is not served here.", PR(scope_service));
	bool form = is_form(rq) && str_eq(rq->path, S("/"));
	if ((rq->svc && is_query(rq->svc)) || (form && !(rq->svc && is_rest(rq->svc)))) {
		TRY(read_bounded(rq));
		if (!rq->svc) {
			struct http_pairs pairs;
			if (!failed(query_params(rq->mem, rq->body, &pairs)))
				rq->svc = by_version(rq, uri_find(&pairs, S("Version")));
		}
	}
	if (!rq->svc)
		rq->svc = app_service(rq->app, S("s3"));
	return rq->svc ? OK : ERR(E_NOT_FOUND);
}

struct status req_route(struct req *rq)
{
	struct sigv4_request parts = { rq->http->method, rq->path, rq->raw_query, rq->http->headers, { 0 } };
	struct sigv4_hint hint = sigv4_peek(rq->mem, &parts);
	if (hint.region.n)
		rq->region = hint.region;
	if (rq->raw_query.n && failed(uri_pairs(rq->mem, rq->raw_query, true, QUERY_MAX_PARAMS, &rq->query)))
		return FAIL(rq, api_ValidationException, "Couldn't parse the specified URI.");
	struct str target = req_in_header(rq, "x-amz-target");
	if (target.n) {
		struct status st = route_target(rq, target);
		if (st.code != E_NOT_FOUND)
			return st;
	}
	TRY(find_service(rq, hint.service));
	if (is_query(rq->svc))
		return route_query(rq);
	const struct routes *t = routes_of(rq);
	if (!t) { /* a JSON service without a target */
		TRY(read_bounded(rq));
		return FAIL(rq, api_UnknownOperationException, "%s", "");
	}
	return route_rest(rq, t, rq->svc->protocol == PROTO_REST_XML ? s3_path(rq) : rq->path);
}
