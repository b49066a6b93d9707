/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First the service, then the operation, by the protocol it speaks. Nothing here is trusted:
 * whatever was guessed from a header, the signature is then held against the scope of the
 * service that was chosen.
 *
 * REST rows are compiled once into patterns. Of all patterns whose method and path fit, the
 * most specific one counts: literal query parts first, then required query and header members.
 * A request that names something no pattern has is refused, never given to another operation.
 */
#include "api/route.h"

#include "api/faults.h"
#include "api/ids.h"
#include "api/route_host.h"
#include "api/sigv4.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/query.h"
#include "wire/uri.h"

/* ---- the table of REST patterns --------------------------------------------------- */

enum { PIECES_MAX = 4, LITERALS_MAX = 4, REQUIRED_MAX = 4, LITERAL_SCORE = 8, REGION_MAX = 32, NAME_MAX_BYTES = 128 };

/*
 * Query names that select something of a bucket or object. A request that carries one must
 * be routed by it; when no operation of ours has it the answer is "not implemented", never
 * some other operation.
 */
static const char *const subresources[] = {
	"abac",
	"accelerate",
	"acl",
	"analytics",
	"append",
	"attributes",
	"cors",
	"delete",
	"encryption",
	"intelligent-tiering",
	"inventory",
	"legal-hold",
	"lifecycle",
	"location",
	"logging",
	"metadataConfiguration",
	"metadataInventoryTable",
	"metadataJournalTable",
	"metadataTable",
	"metrics",
	"notification",
	"object-lock",
	"ownershipControls",
	"partNumber",
	"policy",
	"policyStatus",
	"publicAccessBlock",
	"renameObject",
	"replication",
	"requestPayment",
	"restore",
	"retention",
	"select",
	"select-type",
	"session",
	"tagging",
	"torrent",
	"uploadId",
	"uploads",
	"versionId",
	"versioning",
	"versions",
	"website",
};
_Static_assert(COUNT(subresources) <= 64, "a set of them is a word");

/* "/{Bucket}/{Key+}?uploads": the path as pieces between slashes, and what else must be there. */
struct pattern {
	const struct op *op;
	struct str method;
	struct str pieces[PIECES_MAX];
	size_t n_pieces;
	struct http_pair literals[LITERALS_MAX]; /* query names, with values where the row has them */
	size_t n_literals;
	const struct member
	    *required[REQUIRED_MAX]; /* query and header members that tell operations on one path apart */
	size_t n_required;
	uint64_t declared; /* of subresources: those the operation knows */
	bool copies;       /* it knows x-amz-copy-source */
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
static bool is_query(const struct service *s) { return s->protocol == PROTO_QUERY || s->protocol == PROTO_EC2; }

static uint64_t subresource(struct str name)
{
	for (size_t i = 0; i < COUNT(subresources); i++)
		if (str_eq(name, str_of(subresources[i])))
			return UINT64_C(1) << i;
	return 0;
}

static void compile_literals(struct pattern *p, struct str query)
{
	while (query.p && query.n) {
		struct str value = str_cut(&query, '&');
		struct str name = str_cut(&value, '=');
		if (str_eq(name, S("x-id")))
			continue; /* decoration of the SDKs, not demanded of clients */
		assert(p->n_literals < LITERALS_MAX);
		p->literals[p->n_literals++] = (struct http_pair){ name, value };
		p->declared |= subresource(name);
	}
}

static void compile_member(struct pattern *p, const struct member *m)
{
	if (m->where == W_QUERY)
		p->declared |= subresource(str_of(m->wire));
	if (m->where == W_HEADER && str_eq_ci(str_of(m->wire), S("x-amz-copy-source")))
		p->copies = true;
	if (!(m->flags & M_REQUIRED) || (m->where != W_QUERY && m->where != W_HEADER))
		return;
	assert(p->n_required < REQUIRED_MAX);
	p->required[p->n_required++] = m;
}

static void compile(struct pattern *p, const struct op *op)
{
	struct str query = str_of(op->uri);
	struct str path = str_from(str_cut(&query, '?'), 1);
	p->op = op;
	p->method = str_of(op->method);
	while (path.p && path.n) {
		assert(p->n_pieces < PIECES_MAX);
		p->pieces[p->n_pieces++] = str_cut(&path, '/');
	}
	compile_literals(p, query);
	for (uint32_t i = 0; i < op->in->n_members; i++)
		compile_member(p, &op->in->members[i]);
}

static struct routes compile_all(const struct service *svc)
{
	struct routes t = { svc, HEAPS(struct pattern, svc->n_ops + 1), svc->n_ops };
	for (size_t i = 0; i < t.n; i++)
		compile(&t.patterns[i], &svc->ops[i]);
	return t;
}

struct router *router_new(const struct service *const *services)
{
	struct router *r = HEAP(struct router);
	size_t n = 0;
	r->services = services;
	for (size_t i = 0; services[i]; i++)
		n += is_rest(services[i]);
	r->rest = HEAPS(struct routes, n + 1);
	for (size_t i = 0; services[i]; i++)
		if (is_rest(services[i]))
			r->rest[r->n_rest++] = compile_all(services[i]);
	return r;
}

void router_free(struct router *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_rest; i++)
		heap_free(r->rest[i].patterns);
	heap_free(r->rest);
	heap_free(r);
}

static const struct routes *routes_of(const struct router *r, const struct service *svc)
{
	for (size_t i = 0; i < r->n_rest; i++)
		if (r->rest[i].svc == svc)
			return &r->rest[i];
	return NULL;
}

/* ---- REST --------------------------------------------------------------------------- */

static bool is_label(struct str piece) { return piece.n > 2 && piece.p[0] == '{'; }
static bool is_rest_label(struct str piece) { return str_ends(piece, S("+}")); }
static struct str label_name(struct str piece) { return str_sub(piece, 1, piece.n - (is_rest_label(piece) ? 3 : 2)); }

/*
 * Does the path fit, and what are its labels (still encoded)? One slash after the last piece
 * is ignored ("/bucket/"), but never one of a {Label+}: keys may begin and end with slashes.
 */
static bool path_fits(const struct pattern *p, struct str path, struct http_pair *labels)
{
	struct str rest = str_from(path, 1);
	for (size_t i = 0; i < p->n_pieces; i++) {
		struct str piece = p->pieces[i];
		bool all = is_rest_label(piece);
		struct str got = all || !rest.p ? rest : str_cut(&rest, '/');
		if (all)
			rest = (struct str){ 0 };
		if (!got.n || (!is_label(piece) && !str_eq(piece, got)))
			return false;
		if (is_label(piece))
			labels[i] = (struct http_pair){ label_name(piece), got };
	}
	return !rest.n;
}

static bool literals_fit(const struct pattern *p, const struct http_pairs *query)
{
	for (size_t i = 0; i < p->n_literals; i++) {
		struct str got = uri_find(query, p->literals[i].name);
		if (!got.p || (p->literals[i].value.n && !str_eq(got, p->literals[i].value)))
			return false;
	}
	return true;
}

static bool required_fit(const struct req *rq, const struct pattern *p)
{
	for (size_t i = 0; i < p->n_required; i++) {
		struct str name = str_of(p->required[i]->wire);
		bool given =
		    p->required[i]->where == W_QUERY ? uri_find(&rq->query, name).p : http_header(rq->http, name).p;
		if (!given)
			return false;
	}
	return true;
}

static uint64_t subresources_of(const struct http_pairs *query)
{
	uint64_t set = 0;
	for (size_t i = 0; i < query->n; i++)
		set |= subresource(query->v[i].name);
	return set;
}

struct choice {
	const struct pattern *best;
	struct http_pair labels[PIECES_MAX];
	size_t score;
	bool path_known; /* some operation has this method and path, whatever else it wants */
};

static struct choice choose(const struct req *rq, const struct routes *t, struct str path)
{
	struct choice c = { 0 };
	uint64_t named = subresources_of(&rq->query);
	bool copy = http_header(rq->http, S("x-amz-copy-source")).p != NULL;
	for (size_t i = 0; i < t->n; i++) {
		const struct pattern *p = &t->patterns[i];
		struct http_pair labels[PIECES_MAX]; /* those of labels are set when the path fits */
		size_t score = 1 + p->n_literals * LITERAL_SCORE + p->n_required;
		if (score <= c.score || !str_eq(rq->http->method, p->method) || !path_fits(p, path, labels))
			continue;
		c.path_known = true;
		if ((named & ~p->declared) || (copy && !p->copies) || !literals_fit(p, &rq->query) ||
		    !required_fit(rq, p))
			continue;
		c.best = p;
		c.score = score;
		memcpy(c.labels, labels, sizeof labels);
	}
	return c;
}

static struct status bad_uri(struct req *rq) { return FAIL(rq, api_InvalidURI, "Couldn't parse the specified URI."); }

/* One name of the path must stay one: a bucket "a%2Fb" would make an ARN that reads as an object's. */
static bool label_is_sound(struct str piece, struct str value)
{
	return str_is_utf8(value) && str_find_char(value, 0) == SIZE_MAX &&
	       (is_rest_label(piece) || str_find_char(value, '/') == SIZE_MAX);
}

static struct status decode_labels(struct req *rq, const struct pattern *p, const struct http_pair *labels)
{
	struct http_pair *v = NEWS(rq->mem, struct http_pair, PIECES_MAX);
	size_t n = 0;
	for (size_t i = 0; i < p->n_pieces; i++) {
		if (!is_label(p->pieces[i]))
			continue;
		v[n].name = labels[i].name;
		if (failed(uri_decode(rq->mem, labels[i].value, false, &v[n].value)) ||
		    !label_is_sound(p->pieces[i], v[n].value))
			return bad_uri(rq);
		n++;
	}
	rq->labels = (struct http_pairs){ v, n };
	return OK;
}

/* What S3 calls the kind of thing a path names. */
static struct str resource_type(struct str path)
{
	struct str rest = str_from(path, 1);
	(void)str_cut(&rest, '/');
	return path.n <= 1 ? S("SERVICE") : rest.n ? S("OBJECT") : S("BUCKET");
}

static struct status no_route(struct req *rq, struct str path, bool path_known)
{
	if (path_known)
		return FAIL(rq, api_NotImplemented,
			    "A header or query you provided implies functionality that is not implemented.");
	if (str_starts(path, S("//")))
		return bad_uri(rq);
	bool preflight = str_eq(rq->http->method, S("OPTIONS"));
	if (preflight)
		(void)FAIL(rq, api_AccessForbidden, "CORSResponse: CORS is not enabled for this bucket.");
	else
		(void)FAIL(rq, api_MethodNotAllowed, "The specified method is not allowed against this resource.");
	(void)req_fail_with(rq, "Method", rq->http->method);
	return req_fail_with(rq, "ResourceType", resource_type(path));
}

static struct status route_rest(struct req *rq, const struct routes *t, struct str path)
{
	struct choice c = choose(rq, t, path);
	if (!c.best)
		return no_route(rq, path, c.path_known);
	rq->op = c.best->op;
	return decode_labels(rq, c.best, c.labels);
}

/* ---- JSON and query ------------------------------------------------------------------------ */

static struct status read_bounded(struct req *rq)
{
	if (rq->body.p)
		return OK;
	rq->body = S("");
	if (rq->http->content_length == 0)
		return OK;
	struct status st = http_body_all(rq->http, BODY_MAX, &rq->body);
	if (st.code == E_TOO_BIG)
		return FAIL(rq, api_RequestEntityTooLargeException, "Request is larger than %d bytes", BODY_MAX);
	return st;
}

static struct status unknown_operation(struct req *rq) { return FAIL(rq, api_UnknownOperationException, "%s", ""); }

static struct str behind(struct str target, struct str prefix)
{
	if (!str_starts(target, prefix) || target.n <= prefix.n + 1 || target.p[prefix.n] != '.')
		return (struct str){ 0 };
	return str_from(target, prefix.n + 1);
}

/*
 * The operation a target names, when its first part is svc's. That may have dots of its own: botocore sends
 * CloudTrail's as a whole ("com.amazonaws...CloudTrail_20131101"), SDKs made from Smithy models send its last part.
 */
static struct str target_of(const struct service *svc, struct str target)
{
	struct str whole = str_of(svc->target), last = whole, name = behind(target, whole);
	for (size_t dot; (dot = str_find_char(last, '.')) != SIZE_MAX;)
		last = str_from(last, dot + 1);
	return name.p || last.n == whole.n ? name : behind(target, last);
}

static struct status route_target(struct req *rq)
{
	TRY(read_bounded(rq));
	struct str name = target_of(rq->svc, req_in_header(rq, "x-amz-target"));
	if (!name.p || !str_eq(rq->http->method, S("POST")))
		return unknown_operation(rq);
	rq->op = service_op(rq->svc, name);
	return rq->op ? OK : unknown_operation(rq);
}

/* POST has its parameters in the body, and only there unless there is none. */
static struct status query_parameters(struct req *rq)
{
	bool post = str_eq(rq->http->method, S("POST"));
	if (!post && !str_eq(rq->http->method, S("GET")))
		return FAIL(rq, api_MethodNotAllowed, "The request method %.*s is not supported.",
			    PR(str_sub(rq->http->method, 0, 16)));
	if (post && rq->body.n && failed(query_params(rq->mem, rq->body, &rq->query)))
		return FAIL(rq, api_SerializationException, "The request body is not a well-formed form.");
	return OK;
}

static struct status route_query(struct req *rq)
{
	TRY(read_bounded(rq));
	TRY(query_parameters(rq));
	struct str action = uri_find(&rq->query, S("Action")), version = uri_find(&rq->query, S("Version"));
	if (!action.n)
		return FAIL(rq, api_MissingAction, "The request is missing the parameter Action.");
	if (!version.p)
		version = S("NO_VERSION_SPECIFIED");
	else if (str_eq(version, str_of(rq->svc->version)))
		rq->op = service_op(rq->svc, action);
	if (rq->op)
		return OK;
	return FAIL(rq, api_UnknownOperationException, "Could not find operation %.*s for version %.*s",
		    PR(str_sub(action, 0, NAME_MAX_BYTES)), PR(str_sub(version, 0, NAME_MAX_BYTES)));
}

/* ---- the service ------------------------------------------------------------------------------- */

static const struct service *by_target(const struct req *rq, struct str target)
{
	for (const struct service *const *s = rq->app->router->services; *s; s++)
		if ((*s)->target && target_of(*s, target).p)
			return *s;
	return NULL;
}

static const struct service *by_scope(const struct req *rq, struct str name)
{
	for (const struct service *const *s = rq->app->router->services; *s; s++)
		if (str_eq(name, str_of((*s)->signing)))
			return *s;
	return NULL;
}

/* "kms.us-east-1.example.com"; but "kms.s3.example.com" is a bucket. */
static const struct service *by_host(const struct req *rq)
{
	struct str rest = rq->host, first = str_cut(&rest, '.'), second = rest.p ? str_cut(&rest, '.') : rest;
	if (str_eq_ci(second, S("s3")))
		return NULL;
	for (const struct service *const *s = rq->app->router->services; *s; s++)
		if (str_eq_ci(first, str_of((*s)->endpoint)))
			return *s;
	return NULL;
}

static const struct service *by_version(const struct req *rq, struct str version)
{
	for (const struct service *const *s = rq->app->router->services; version.p && *s; s++)
		if (is_query(*s) && str_eq(version, str_of((*s)->version)))
			return *s;
	return NULL;
}

static bool is_form(const struct req *rq)
{
	return str_starts_ci(req_in_header(rq, "content-type"), S("application/x-www-form-urlencoded"));
}

/* Unsigned and at no service's host name: a form, or a query, that names an action of a known version. */
static struct status by_form(struct req *rq, const struct service **out)
{
	struct http_pairs pairs = { 0 };
	bool post = is_form(rq) && str_eq(rq->http->method, S("POST"));
	*out = NULL;
	if (!str_eq(rq->path, S("/")) || (!post && !rq->raw_query.n))
		return OK;
	if (post)
		TRY(read_bounded(rq));
	struct str text = post ? rq->body : rq->raw_query;
	if (!failed(query_params(rq->mem, text, &pairs)) && uri_find(&pairs, S("Action")).n)
		*out = by_version(rq, uri_find(&pairs, S("Version")));
	return OK;
}

static struct status not_served(struct req *rq, struct str what)
{
	return FAIL(rq, api_UnknownOperationException, "%.*s is not served here.",
		    PR(str_sub(what, 0, NAME_MAX_BYTES)));
}

/* What is nobody else's is S3's. */
static struct status find_service(struct req *rq, struct str scope)
{
	struct str target = req_in_header(rq, "x-amz-target");
	const struct service *said = scope.p ? by_scope(rq, scope) : NULL;
	if (target.n && !(said && is_rest(said))) {
		const struct service *named = by_target(rq, target);
		rq->svc = named ? named : said;
		return rq->svc ? OK : not_served(rq, target);
	}
	rq->svc = scope.p ? said : by_host(rq);
	if (scope.p)
		return rq->svc ? OK : not_served(rq, scope);
	if (!rq->svc)
		TRY(by_form(rq, &rq->svc));
	if (!rq->svc)
		rq->svc = app_service(rq->app, S("s3"));
	return rq->svc ? OK : not_served(rq, rq->host);
}

/* ---- the step ---------------------------------------------------------------------------------- */

/* Regions become names of shards and stand in records: what cannot be one is not taken from a stranger. */
bool region_name_is(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!char_digit(s.p[i]) && !(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '-')
			return false;
	return s.n > 0 && s.n <= REGION_MAX;
}

struct status req_route(struct req *rq)
{
	struct sigv4_request parts = { rq->http->method, rq->path, rq->raw_query, rq->http->headers, { 0 } };
	struct sigv4_hint hint = sigv4_peek(rq->mem, &parts);
	if (region_name_is(hint.region))
		rq->region = hint.region;
	TRY(find_service(rq, hint.service));
	if (rq->raw_query.n && failed(uri_pairs(rq->mem, rq->raw_query, true, QUERY_MAX_PARAMS, &rq->query)))
		return bad_uri(rq);
	if (is_query(rq->svc))
		return route_query(rq);
	if (!is_rest(rq->svc))
		return route_target(rq);
	struct str path = rq->path;
	if (rq->svc->protocol == PROTO_REST_XML) {
		rq->id = id_s3_request(rq->app->world, rq->mem);
		TRY(route_s3_path(rq, &path));
	}
	return route_rest(rq, routes_of(rq->app->router, rq->svc), path);
}
