/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a signature's parts out of the Authorization header or the query, and refusing
 * what cannot be a sound signature before any secret is looked up.
 *
 * Strict on purpose: a part given twice, an unknown component, a name in SignedHeaders
 * that is no header name are refused rather than resolved, because two readers could
 * resolve them differently.
 */
#include "api/sigv4_int.h"

#include "api/sigv4_parse.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"

#include <stdarg.h>

struct status sigv4_s3_malformed(struct parse *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str detail = arena_vprintf(p->mem, fmt, ap);
	va_end(ap);
	if (p->auth->form == SIGV4_PRESIGNED)
		return sigv4_fail(p->mem, p->fault, SIGV4_QUERY_MALFORMED,
				  "Error parsing the X-Amz-Credential parameter; %.*s", PR(detail));
	return sigv4_fail(p->mem, p->fault, SIGV4_HEADER_MALFORMED, "The authorization header is malformed; %.*s",
			  PR(detail));
}

/* Messages name the header by its hash: it may hold a signature, or somebody's password. */
static struct str hashed(struct arena *mem, struct str s)
{
	uint8_t h[SHA256_SIZE];
	sha256(s, h);
	return base64_encode(mem, str_make(h, sizeof h));
}

/* What Authorization consists of; p == NULL: not given. */
struct parts {
	struct str credential, signed_headers, signature;
};

static struct status bad_component(struct parse *p, struct str header, struct str component)
{
	if (p->s3)
		return sigv4_s3_malformed(p, "the authorization component \"%.*s\" is malformed.",
					  PR(str_sub(component, 0, 64)));
	return sigv4_fail(
	    p->mem, p->fault, SIGV4_INCOMPLETE,
	    "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and "
	    "encoded with Base64): '%.*s'.",
	    PR(hashed(p->mem, header)));
}

static struct status split_header(struct parse *p, struct str header, struct parts *parts)
{
	struct str rest = str_trim(str_from(header, S("AWS4-HMAC-SHA256").n));
	while (rest.p) {
		struct str component = str_trim(str_cut(&rest, ','));
		struct str value = component, name = str_cut(&value, '=');
		struct str *to = str_eq(name, S("Credential"))      ? &parts->credential
				 : str_eq(name, S("SignedHeaders")) ? &parts->signed_headers
				 : str_eq(name, S("Signature"))     ? &parts->signature
								    : NULL;
		if (component.n == 0)
			continue; /* counted as missing parts below */
		if (!value.p || !to || to->p)
			return bad_component(p, header, component);
		*to = value;
	}
	return OK;
}

static struct status missing_parts(struct parse *p, const struct parts *parts, bool date, struct str header)
{
	if (p->s3 && !parts->credential.n && !parts->signature.n && !parts->signed_headers.n)
		return sigv4_s3_malformed(p, "the authorization header requires three components: Credential, "
					     "SignedHeaders, and Signature.");
	if (p->s3)
		return sigv4_s3_malformed(p, "missing %s.",
					  !parts->credential.n  ? "Credential"
					  : !parts->signature.n ? "Signature"
								: "SignedHeaders");
	return sigv4_fail(
	    p->mem, p->fault, SIGV4_INCOMPLETE,
	    "%s%s%s%s(Hashed with SHA-256 and encoded with Base64) Authorization=%.*s",
	    parts->credential.n ? "" : "Authorization header requires 'Credential' parameter. ",
	    parts->signature.n ? "" : "Authorization header requires 'Signature' parameter. ",
	    parts->signed_headers.n ? "" : "Authorization header requires 'SignedHeaders' parameter. ",
	    date ? "" : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
	    PR(hashed(p->mem, header)));
}

static bool token_char(char c)
{
	return char_digit(c) || (c >= 'a' && c <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool header_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!token_char(char_lower(s.p[i])))
			return false;
	return s.n > 0;
}

static bool is_lower(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != char_lower(s.p[i]))
			return false;
	return true;
}

static struct str lower(struct arena *mem, struct str s)
{
	char *p = NEWS(mem, char, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		p[i] = char_lower(s.p[i]);
	return str_make(p, s.n);
}

/* Lower case, in order, each once, joined again. */
static struct str tidy_names(struct arena *mem, const struct str_names *names)
{
	struct http_pair *v = NEWS(mem, struct http_pair, names->n);
	for (size_t i = 0; i < names->n; i++)
		v[i] = (struct http_pair){ lower(mem, names->v[i]), S("") };
	sigv4_sort(mem, v, names->n);
	struct buf b = buf_in(mem);
	for (size_t i = 0; i < names->n; i++) {
		if (i && str_eq(v[i].name, v[i - 1].name))
			continue;
		if (b.n)
			buf_byte(&b, ';');
		buf_put(&b, v[i].name);
	}
	return buf_str(&b);
}

static struct status parse_signed_headers(struct parse *p, struct str text)
{
	struct str_names names = sigv4_names(p->mem, text);
	bool tidy = true;
	for (size_t i = 0; i < names.n; i++) {
		if (!header_name(names.v[i]))
			return p->s3 ? sigv4_s3_malformed(p,
							  "the authorization component \"SignedHeaders\" is malformed.")
				     : sigv4_fail(p->mem, p->fault, SIGV4_INCOMPLETE,
						  "SignedHeaders must be header names separated by semicolons.");
		tidy = tidy && is_lower(names.v[i]) && (i == 0 || str_cmp(names.v[i - 1], names.v[i]) < 0);
	}
	p->auth->signed_headers = tidy ? text : tidy_names(p->mem, &names);
	return OK;
}

/* Outside S3 these three are covered otherwise: the date stands in the string to sign, the body's hash is computed,
 * and a token is only good together with its own key (some clients add it after signing). */
static bool may_stay_unsigned(struct str name)
{
	return str_eq_ci(name, S("x-amz-date")) || str_eq_ci(name, S("x-amz-security-token")) ||
	       str_eq_ci(name, S("x-amz-content-sha256"));
}

static struct status check_signed(struct parse *p)
{
	struct str_names names = sigv4_names(p->mem, p->auth->signed_headers);
	struct buf missing = buf_in(p->mem);
	if (sigv4_name_at(&names, S("host")) == SIZE_MAX) {
		if (!p->s3)
			return sigv4_fail(p->mem, p->fault, SIGV4_BAD_SIGNATURE,
					  "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
		buf_z(&missing, "host");
	}
	for (size_t i = 0; i < p->rq->headers.n; i++) {
		struct str name = p->rq->headers.v[i].name;
		if (!str_starts_ci(name, S("x-amz-")) || sigv4_name_at(&names, name) != SIZE_MAX)
			continue;
		if (!p->s3 && may_stay_unsigned(name))
			continue;
		if (!p->s3)
			return sigv4_fail(p->mem, p->fault, SIGV4_BAD_SIGNATURE,
					  "'%.*s' must be a 'SignedHeader' in the AWS Authorization.", PR(name));
		buf_z(&missing, missing.n ? ", " : "");
		buf_put(&missing, lower(p->mem, name));
	}
	if (missing.n == 0)
		return OK;
	struct status st = sigv4_fail(p->mem, p->fault, SIGV4_DENIED,
				      "There were headers present in the request which were not signed");
	sigv4_fault_add(p->fault, "HeadersNotSigned", buf_str(&missing));
	return st;
}

static struct status from_header(struct parse *p, struct str header)
{
	const struct http_pairs *h = &p->rq->headers;
	struct str amz_date = sigv4_header(p->mem, h, S("x-amz-date"));
	struct str date = amz_date.p ? (struct str){ 0 } : sigv4_header(p->mem, h, S("date"));
	struct parts parts = { 0 };
	TRY(split_header(p, header, &parts));
	bool dated = amz_date.p || date.p;
	if (!parts.credential.n || !parts.signature.n || !parts.signed_headers.n || (!dated && !p->s3))
		return missing_parts(p, &parts, dated, header);
	p->auth->signature = parts.signature;
	p->auth->token = sigv4_header(p->mem, h, S("x-amz-security-token"));
	TRY(sigv4_parse_date(p, amz_date, date));
	TRY(sigv4_parse_scope(p, parts.credential));
	return parse_signed_headers(p, parts.signed_headers);
}

static struct status missing_params(struct parse *p, const struct str *v, const char *const *names, size_t n)
{
	if (p->s3)
		return sigv4_fail(
		    p->mem, p->fault, SIGV4_QUERY_MALFORMED,
		    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
		    "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
	struct buf b = buf_in(p->mem);
	for (size_t i = 0; i < n; i++)
		if (v[i].n == 0)
			buf_printf(&b, "AWS query-string parameters must include '%s'. ", names[i]);
	return sigv4_fail(p->mem, p->fault, SIGV4_INCOMPLETE, "%.*sRe-examine the query-string parameters.",
			  PR(buf_str(&b)));
}

static struct status parse_expires(struct parse *p, struct str text)
{
	int64_t s;
	if (!str_to_i64(text, &s))
		return sigv4_fail(p->mem, p->fault, SIGV4_QUERY_MALFORMED, "X-Amz-Expires should be a number");
	if (s < 0)
		return sigv4_fail(p->mem, p->fault, SIGV4_QUERY_MALFORMED, "X-Amz-Expires must be non-negative");
	if (s > SIGV4_EXPIRES_MAX_S)
		return sigv4_fail(
		    p->mem, p->fault, SIGV4_QUERY_MALFORMED,
		    "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires "
		    "must be less than 604800 seconds");
	p->auth->expires_s = s;
	return OK;
}

static struct status bad_algorithm(struct parse *p, struct str got)
{
	if (p->s3)
		return sigv4_fail(p->mem, p->fault, SIGV4_QUERY_MALFORMED,
				  "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
	return sigv4_fail(p->mem, p->fault, SIGV4_INCOMPLETE,
			  "Unsupported AWS 'algorithm': '%.*s' (only AWS4-HMAC-SHA256 for now). ",
			  PR(str_sub(got, 0, 64)));
}

static struct status from_query(struct parse *p, struct http_pairs query)
{
	enum { ALGORITHM, CREDENTIAL, SIGNATURE, SIGNED, DATE, EXPIRES, N };
	static const char *const names[N] = { "X-Amz-Algorithm",     "X-Amz-Credential", "X-Amz-Signature",
					      "X-Amz-SignedHeaders", "X-Amz-Date",       "X-Amz-Expires" };
	struct str v[N];
	bool whole = true;
	for (size_t i = 0; i < N; i++) {
		v[i] = sigv4_param(p->mem, query, str_of(names[i]));
		whole = whole && (v[i].n || (i == EXPIRES && !p->s3));
	}
	if (!whole)
		return missing_params(p, v, names, EXPIRES);
	if (!str_eq(v[ALGORITHM], S("AWS4-HMAC-SHA256")))
		return bad_algorithm(p, v[ALGORITHM]);
	p->auth->signature = v[SIGNATURE];
	p->auth->token = sigv4_param(p->mem, query, S("X-Amz-Security-Token"));
	TRY(sigv4_parse_date(p, v[DATE], (struct str){ 0 }));
	if (p->s3)
		TRY(parse_expires(p, v[EXPIRES]));
	TRY(sigv4_parse_scope(p, v[CREDENTIAL]));
	return parse_signed_headers(p, v[SIGNED]);
}

bool sigv4_payload_of(struct str value, enum sigv4_payload *mode)
{
	static const struct {
		struct str text;
		enum sigv4_payload mode;
	} known[] = {
		{ { "UNSIGNED-PAYLOAD", 16 }, SIGV4_PAYLOAD_UNSIGNED },
		{ { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 34 }, SIGV4_PAYLOAD_CHUNKS },
		{ { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", 42 }, SIGV4_PAYLOAD_CHUNKS_TRAILER },
		{ { "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 34 }, SIGV4_PAYLOAD_UNSIGNED_TRAILER },
	};
	for (size_t i = 0; i < COUNT(known); i++)
		if (str_eq(value, known[i].text)) {
			*mode = known[i].mode;
			return true;
		}
	*mode = SIGV4_PAYLOAD_HASH;
	bool hex = value.n == 64;
	for (size_t i = 0; i < value.n && hex; i++)
		hex = char_digit(value.p[i]) || (char_lower(value.p[i]) >= 'a' && char_lower(value.p[i]) <= 'f');
	return hex;
}

static struct status s3_payload(struct parse *p, struct http_pairs query)
{
	struct sigv4_auth *a = p->auth;
	a->payload_hash = sigv4_header(p->mem, &p->rq->headers, S("x-amz-content-sha256"));
	if (!a->payload_hash.p && a->form == SIGV4_PRESIGNED) {
		a->payload_hash = sigv4_param(p->mem, query, S("X-Amz-Content-Sha256"));
		if (!a->payload_hash.p)
			a->payload_hash = S("UNSIGNED-PAYLOAD");
	}
	if (!a->payload_hash.p)
		return sigv4_fail(p->mem, p->fault, SIGV4_BAD_REQUEST,
				  "Missing required header for this request: x-amz-content-sha256");
	if (sigv4_payload_of(a->payload_hash, &a->payload))
		return OK;
	struct status st =
	    sigv4_fail(p->mem, p->fault, SIGV4_BAD_ARGUMENT,
		       "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
		       "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a "
		       "valid sha256 value.");
	sigv4_fault_add(p->fault, "ArgumentName", S("x-amz-content-sha256"));
	sigv4_fault_add(p->fault, "ArgumentValue", a->payload_hash);
	return st;
}

static struct status payload(struct parse *p, struct http_pairs query)
{
	if (p->s3)
		return s3_payload(p, query);
	char *hex = NEWS(p->mem, char, 2 * SHA256_SIZE);
	sha256_hex(p->rq->body, hex);
	p->auth->payload = SIGV4_PAYLOAD_HASH;
	p->auth->payload_hash = str_make(hex, 2 * SHA256_SIZE);
	return OK;
}

static struct status not_signed(struct parse *p)
{
	if (p->s3)
		return sigv4_fail(p->mem, p->fault, SIGV4_MISSING_TOKEN, "Access Denied");
	return sigv4_fail(p->mem, p->fault, SIGV4_MISSING_TOKEN,
			  p->rules->family == SIGV4_QUERY ? "Request is missing Authentication Token"
							  : "Missing Authentication Token");
}

static struct status not_sigv4(struct parse *p, struct str header)
{
	if (!p->s3)
		return missing_parts(p, &(struct parts){ 0 },
				     sigv4_header(p->mem, &p->rq->headers, S("x-amz-date")).p ||
					 sigv4_header(p->mem, &p->rq->headers, S("date")).p,
				     header);
	if (!header.p || str_starts(header, S("AWS")))
		return sigv4_fail(p->mem, p->fault, SIGV4_BAD_REQUEST,
				  "The authorization mechanism you have provided is not supported. Please use "
				  "AWS4-HMAC-SHA256.");
	struct status st = sigv4_fail(p->mem, p->fault, SIGV4_BAD_ARGUMENT, "Unsupported Authorization Type");
	sigv4_fault_add(p->fault, "ArgumentName", S("Authorization"));
	return st;
}

static struct status two_forms(struct parse *p)
{
	if (!p->s3)
		return sigv4_fail(
		    p->mem, p->fault, SIGV4_INCOMPLETE,
		    "A request may be signed in its Authorization header or in its query string, not in both.");
	struct status st =
	    sigv4_fail(p->mem, p->fault, SIGV4_BAD_ARGUMENT,
		       "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
		       "query string parameter or the Authorization header should be specified");
	sigv4_fault_add(p->fault, "ArgumentName", S("Authorization"));
	return st;
}

struct status sigv4_parse(struct arena *mem, const struct sigv4_request *rq, const struct sigv4_rules *rules,
			  struct sigv4_auth *auth, struct sigv4_fault *fault)
{
	struct parse p = { mem, rq, rules, auth, fault, rules->family == SIGV4_S3 };
	struct http_pairs query = { 0 };
	*auth = (struct sigv4_auth){ .form = sigv4_form(rq) };
	struct str header = sigv4_header(mem, &rq->headers, S("authorization"));
	if (auth->form == SIGV4_NONE)
		return not_signed(&p);
	if (header.p && sigv4_query_signed(rq->query))
		return two_forms(&p);
	if (auth->form == SIGV4_OTHER)
		return not_sigv4(&p, header);
	if (auth->form == SIGV4_PRESIGNED)
		query.v = sigv4_query(mem, rq->query, &query.n);
	TRY(auth->form == SIGV4_HEADER ? from_header(&p, header) : from_query(&p, query));
	TRY(sigv4_check_time(&p));
	TRY(payload(&p, query));
	return check_signed(&p);
}
