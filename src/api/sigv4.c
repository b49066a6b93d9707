/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying: the stages one after the other, and the small things they share.
 */
#include "api/sigv4_int.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"

#include <stdarg.h>

struct status sigv4_fail(struct arena *mem, struct sigv4_fault *fault, enum sigv4_code code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	*fault = (struct sigv4_fault){ .code = code, .message = arena_vprintf(mem, fmt, ap) };
	va_end(ap);
	return ERR(E_FAULT);
}

void sigv4_fault_add(struct sigv4_fault *fault, const char *name, struct str value)
{
	if (fault->n_extra < COUNT(fault->extra))
		fault->extra[fault->n_extra++] = (struct http_pair){ str_of(name), value };
}

static struct str joined(struct arena *mem, struct str a, struct str b)
{
	return arena_printf(mem, "%.*s,%.*s", PR(a), PR(b));
}

struct str sigv4_header(struct arena *mem, const struct http_pairs *headers, struct str name)
{
	struct str found = { 0 };
	size_t times = 0;
	for (size_t i = 0; i < headers->n; i++) {
		if (!str_eq_ci(headers->v[i].name, name))
			continue;
		struct str value = str_trim(headers->v[i].value);
		if (!value.p)
			value = S("");
		found = times++ == 0 ? value
			: times == 2 ? joined(mem, found, value)
				     : found; /* two are wrong enough */
	}
	return found;
}

struct str sigv4_param(struct arena *mem, struct http_pairs query, struct str name)
{
	struct str found = { 0 };
	size_t times = 0;
	for (size_t i = 0; i < query.n; i++) {
		struct str value;
		if (!str_eq(query.v[i].name, name) || failed(uri_decode(mem, query.v[i].value, false, &value)))
			continue;
		found = times++ == 0 ? value : times == 2 ? joined(mem, found, value) : found;
	}
	return found;
}

bool sigv4_query_signed(struct str raw)
{
	for (struct str rest = raw; rest.p && rest.n;) {
		struct str value = str_cut(&rest, '&');
		struct str name = str_cut(&value, '=');
		if (str_eq(name, S("X-Amz-Algorithm")) || str_eq(name, S("X-Amz-Signature")) ||
		    str_eq(name, S("X-Amz-Credential")))
			return true;
	}
	return false;
}

/* AWSAccessKeyId with Signature: version 2, which is not served. */
static bool query_signed_v2(struct str raw)
{
	bool key = false, signature = false;
	for (struct str rest = raw; rest.p && rest.n;) {
		struct str part = str_cut(&rest, '&');
		key = key || str_starts(part, S("AWSAccessKeyId="));
		signature = signature || str_starts(part, S("Signature="));
	}
	return key && signature;
}

enum sigv4_form sigv4_form(const struct sigv4_request *rq)
{
	for (size_t i = 0; i < rq->headers.n; i++) {
		if (!str_eq_ci(rq->headers.v[i].name, S("authorization")))
			continue;
		struct str rest = str_trim(rq->headers.v[i].value);
		return str_eq(str_cut(&rest, ' '), S("AWS4-HMAC-SHA256")) ? SIGV4_HEADER : SIGV4_OTHER;
	}
	if (sigv4_query_signed(rq->query))
		return SIGV4_PRESIGNED;
	return query_signed_v2(rq->query) ? SIGV4_OTHER : SIGV4_NONE;
}

/* The text of the credential, wherever it stands; routing only, so nothing is checked. */
static struct str credential_text(struct arena *mem, const struct sigv4_request *rq, enum sigv4_form form)
{
	if (form == SIGV4_PRESIGNED) {
		struct http_pairs q;
		q.v = sigv4_query(mem, rq->query, &q.n);
		return sigv4_param(mem, q, S("X-Amz-Credential"));
	}
	struct str header = sigv4_header(mem, &rq->headers, S("authorization"));
	size_t at = str_find(header, S("Credential="));
	if (at == SIZE_MAX)
		return (struct str){ 0 };
	struct str rest = str_from(header, at + S("Credential=").n);
	return str_trim(str_cut(&rest, ','));
}

struct sigv4_hint sigv4_peek(struct arena *mem, const struct sigv4_request *rq)
{
	struct sigv4_hint hint = { .form = sigv4_form(rq) };
	struct credential c;
	if (hint.form != SIGV4_HEADER && hint.form != SIGV4_PRESIGNED)
		return hint;
	if (!sigv4_credential(credential_text(mem, rq, hint.form), &c))
		return hint;
	hint.access_key = c.access_key;
	hint.region = c.region;
	hint.service = c.service;
	return hint;
}

/* Outside S3 an unknown key and a token that is not its own look the same. */
static struct status invalid_credentials(struct arena *mem, enum sigv4_code code, enum sigv4_family family,
					 struct sigv4_fault *fault)
{
	return sigv4_fail(mem, fault, code, "%s",
			  family == SIGV4_EC2 ? "AWS was not able to validate the provided access credentials"
					      : "The security token included in the request is invalid.");
}

static struct status unknown_key(struct arena *mem, const struct sigv4_auth *auth, enum sigv4_family family,
				 struct sigv4_fault *fault)
{
	if (family != SIGV4_S3)
		return invalid_credentials(mem, SIGV4_UNKNOWN_KEY, family, fault);
	struct status st = sigv4_fail(mem, fault, SIGV4_UNKNOWN_KEY,
				      "The AWS Access Key Id you provided does not exist in our records.");
	sigv4_fault_add(fault, "AWSAccessKeyId", auth->access_key);
	return st;
}

static struct status bad_token(struct arena *mem, const struct sigv4_auth *auth, enum sigv4_family family,
			       struct sigv4_fault *fault)
{
	if (family != SIGV4_S3)
		return invalid_credentials(mem, SIGV4_BAD_TOKEN, family, fault);
	if (!auth->token.p) /* a temporary key by itself */
		return unknown_key(mem, auth, family, fault);
	struct status st =
	    sigv4_fail(mem, fault, SIGV4_BAD_TOKEN, "The provided token is malformed or otherwise invalid.");
	sigv4_fault_add(fault, "Token-0", auth->token);
	return st;
}

static struct status expired_token(struct arena *mem, const struct sigv4_auth *auth, enum sigv4_family family,
				   struct sigv4_fault *fault)
{
	if (family == SIGV4_EC2)
		return sigv4_fail(mem, fault, SIGV4_EXPIRED_TOKEN, "Request has expired.");
	if (family != SIGV4_S3)
		return sigv4_fail(mem, fault, SIGV4_EXPIRED_TOKEN,
				  "The security token included in the request is expired");
	struct status st = sigv4_fail(mem, fault, SIGV4_EXPIRED_TOKEN, "The provided token has expired.");
	sigv4_fault_add(fault, "Token-0", auth->token.p ? auth->token : S(""));
	return st;
}

static struct status not_found(struct arena *mem, enum sigv4_found found, const struct sigv4_auth *auth,
			       enum sigv4_family family, struct sigv4_fault *fault)
{
	if (found == SIGV4_TOKEN_EXPIRED)
		return expired_token(mem, auth, family, fault);
	if (found == SIGV4_TOKEN_INVALID)
		return bad_token(mem, auth, family, fault);
	return unknown_key(mem, auth, family, fault);
}

/* The bytes as S3 shows them: "41 57 53". */
static struct str spaced_hex(struct arena *mem, struct str s)
{
	char *p = NEWS(mem, char, 3 * s.n + 1);
	for (size_t i = 0; i < s.n; i++) {
		hex_to(p + 3 * i, s.p + i, 1);
		p[3 * i + 2] = ' ';
	}
	return str_make(p, s.n ? 3 * s.n - 1 : 0);
}

static struct status mismatch(struct arena *mem, const struct sigv4_auth *auth, enum sigv4_family family,
			      struct str canonical, struct str to_sign, struct sigv4_fault *fault)
{
	if (family == SIGV4_EC2)
		return sigv4_fail(mem, fault, SIGV4_BAD_SIGNATURE,
				  "AWS was not able to validate the provided access credentials");
	if (family != SIGV4_S3)
		return sigv4_fail(
		    mem, fault, SIGV4_BAD_SIGNATURE,
		    "The request signature we calculated does not match the signature you provided. Check "
		    "your AWS Secret Access Key and signing method. Consult the service documentation for "
		    "details.");
	struct status st = sigv4_fail(mem, fault, SIGV4_BAD_SIGNATURE,
				      "The request signature we calculated does not match the signature you provided. "
				      "Check your key and signing method.");
	sigv4_fault_add(fault, "AWSAccessKeyId", auth->access_key);
	sigv4_fault_add(fault, "StringToSign", to_sign);
	sigv4_fault_add(fault, "SignatureProvided", auth->signature);
	sigv4_fault_add(fault, "StringToSignBytes", spaced_hex(mem, to_sign));
	sigv4_fault_add(fault, "CanonicalRequest", canonical);
	sigv4_fault_add(fault, "CanonicalRequestBytes", spaced_hex(mem, canonical));
	return st;
}

struct status sigv4_verify(struct arena *mem, const struct sigv4_request *rq, const struct sigv4_rules *rules,
			   const struct sigv4_lookup *lookup, struct sigv4_cache *cache, struct sigv4_auth *auth,
			   struct sigv4_fault *fault)
{
	TRY(sigv4_parse(mem, rq, rules, auth, fault));

	struct sigv4_secret secret = { .n = 0 };
	enum sigv4_found found = lookup->find(lookup->ctx, auth->access_key, auth->token, &secret);
	if (found != SIGV4_FOUND || secret.n == 0 || secret.n > sizeof secret.p) {
		secret_wipe(&secret, sizeof secret);
		return not_found(mem, found, auth, rules->family, fault);
	}
	sigv4_key(cache, auth, str_make(secret.p, secret.n), &auth->key);
	secret_wipe(&secret, sizeof secret);

	char signature[64];
	struct str canonical = sigv4_canonical(mem, rq, auth, rules->family);
	struct str to_sign = sigv4_to_sign(mem, auth, canonical);
	sigv4_sign(&auth->key, to_sign, signature);
	if (secret_eq(str_make(signature, sizeof signature), auth->signature))
		return OK;
	/* The right signature is a valid credential for this request: it leaves no trace. */
	secret_wipe(signature, sizeof signature);
	sigv4_auth_wipe(auth);
	return mismatch(mem, auth, rules->family, canonical, to_sign, fault);
}

void sigv4_auth_wipe(struct sigv4_auth *auth) { hmac_key_wipe(&auth->key); }
