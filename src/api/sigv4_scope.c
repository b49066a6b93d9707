/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credential and its scope, and the dates: is this signature meant for this endpoint,
 * and for now?
 *
 * A service outside S3 names everything that is wrong with a scope in one message, S3
 * only the first (IAM User Guide, "Troubleshoot signed requests for AWS APIs").
 */
#include "api/sigv4_int.h"

#include "api/sigv4_parse.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

bool sigv4_credential(struct str text, struct credential *c)
{
	struct str rest = text, part[5];
	for (size_t i = 0; i < COUNT(part); i++) {
		part[i] = str_cut(&rest, '/');
		if (part[i].n == 0)
			return false;
	}
	if (rest.p)
		return false;
	*c = (struct credential){ part[0], part[1], part[2], part[3], part[4], str_from(text, part[0].n + 1) };
	return true;
}

/* A name that may stand in a scope: what is no region's name anywhere is refused before it becomes a shard's. */
static bool scope_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(char_digit(s.p[i]) || (s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '-'))
			return false;
	return s.n > 0 && s.n <= 64;
}

static bool date_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!char_digit(s.p[i]))
			return false;
	return s.n == 8;
}

static bool region_right(const struct parse *p, const struct credential *c)
{
	return p->rules->region.p ? str_eq(c->region, p->rules->region) : scope_name(c->region);
}

static bool service_right(const struct parse *p, const struct credential *c)
{
	return p->rules->service.p ? str_eq(c->service, p->rules->service) : scope_name(c->service);
}

static struct status s3_scope(struct parse *p, const struct credential *c)
{
	struct str day = str_sub(p->auth->amz_date, 0, 8);
	if (!date_text(c->date))
		return sigv4_s3_malformed(p,
					  "incorrect date format \"%.*s\". This date in the credential must be in the "
					  "format \"yyyyMMdd\".",
					  PR(c->date));
	if (!str_eq(c->terminal, S("aws4_request")))
		return sigv4_s3_malformed(p, "incorrect terminal \"%.*s\". This endpoint uses \"aws4_request\".",
					  PR(c->terminal));
	if (!service_right(p, c))
		return sigv4_s3_malformed(p, "incorrect service \"%.*s\". This endpoint belongs to \"%.*s\".",
					  PR(c->service), PR(p->rules->service.p ? p->rules->service : S("s3")));
	if (!region_right(p, c)) {
		struct str want = p->rules->region.p ? p->rules->region : S("us-east-1");
		struct status st =
		    sigv4_s3_malformed(p, "the region '%.*s' is wrong; expecting '%.*s'", PR(c->region), PR(want));
		sigv4_fault_add(p->fault, "Region", want);
		return st;
	}
	if (!str_eq(c->date, day))
		return sigv4_s3_malformed(p,
					  "Invalid credential date \"%.*s\". This date is not the same as X-Amz-Date: "
					  "\"%.*s\".",
					  PR(c->date), PR(day));
	return OK;
}

static struct status other_scope(struct parse *p, const struct credential *c)
{
	struct str day = str_sub(p->auth->amz_date, 0, 8);
	struct buf b = buf_in(p->mem);
	if (!region_right(p, c))
		buf_printf(&b, "Credential should be scoped to a valid region. ");
	if (!service_right(p, c))
		buf_printf(&b, "Credential should be scoped to correct service: '%.*s'. ", PR(p->rules->service));
	if (!str_eq(c->terminal, S("aws4_request")))
		buf_printf(&b, "Credential should be scoped with a valid terminator: 'aws4_request'. ");
	if (!str_eq(c->date, day))
		buf_printf(&b,
			   "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
			   "'%.*s' != '%.*s', from '%.*s'. ",
			   PR(c->date), PR(day), PR(p->auth->amz_date));
	if (b.n == 0)
		return OK;
	return sigv4_fail(p->mem, p->fault, SIGV4_BAD_SCOPE, "%.*s", PR(str_trim(buf_str(&b))));
}

static struct status no_credential(struct parse *p, struct str text)
{
	if (p->s3)
		return sigv4_s3_malformed(
		    p, "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
	return sigv4_fail(
	    p->mem, p->fault, SIGV4_INCOMPLETE,
	    "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
	    "got '%.*s'",
	    PR(str_sub(text, 0, 256)));
}

struct status sigv4_parse_scope(struct parse *p, struct str text)
{
	struct sigv4_auth *a = p->auth;
	struct credential c;
	if (!sigv4_credential(text, &c))
		return no_credential(p, text);
	TRY(p->s3 ? s3_scope(p, &c) : other_scope(p, &c));
	a->credential = text;
	a->access_key = c.access_key;
	a->date = c.date;
	a->region = c.region;
	a->service = c.service;
	a->scope = c.scope;
	return OK;
}

static struct status bad_date(struct parse *p, struct str got)
{
	if (p->s3 && p->auth->form == SIGV4_PRESIGNED)
		return sigv4_fail(p->mem, p->fault, SIGV4_QUERY_MALFORMED,
				  "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
	if (p->s3)
		return sigv4_fail(p->mem, p->fault, SIGV4_DENIED,
				  "AWS authentication requires a valid Date or x-amz-date header");
	return sigv4_fail(p->mem, p->fault, SIGV4_INCOMPLETE,
			  "Date must be in ISO-8601 'basic format'. Got '%.*s'. See "
			  "http://en.wikipedia.org/wiki/ISO_8601",
			  PR(str_sub(got, 0, 64)));
}

/* RFC 5322's way to say GMT, which some clients use in Date. */
static struct str as_gmt(struct arena *mem, struct str date)
{
	if (!str_ends(date, S(" -0000")) && !str_ends(date, S(" +0000")))
		return date;
	return arena_printf(mem, "%.*s GMT", PR(str_sub(date, 0, date.n - 6)));
}

struct status sigv4_parse_date(struct parse *p, struct str amz_date, struct str http_date)
{
	struct sigv4_auth *a = p->auth;
	struct str text = amz_date.p ? amz_date : http_date;
	if (!failed(time_parse_basic(text, &a->time_ms))) {
		a->amz_date = text;
		return OK;
	}
	if (amz_date.p || failed(time_parse_http(as_gmt(p->mem, text), &a->time_ms)))
		return bad_date(p, text);
	a->amz_date = time_basic(p->mem, a->time_ms);
	return OK;
}

static struct status skewed(struct parse *p)
{
	int64_t now = p->rules->now_ms, t = p->auth->time_ms;
	struct str said = p->auth->amz_date, current = time_basic(p->mem, now);
	if (p->s3) {
		struct status st =
		    sigv4_fail(p->mem, p->fault, SIGV4_SKEWED,
			       "The difference between the request time and the current time is too large.");
		sigv4_fault_add(p->fault, "RequestTime", said);
		sigv4_fault_add(p->fault, "ServerTime", time_iso8601(p->mem, now));
		sigv4_fault_add(p->fault, "MaxAllowedSkewMilliseconds", S("900000"));
		return st;
	}
	if (t < now)
		return sigv4_fail(p->mem, p->fault, SIGV4_EXPIRED_SIGNATURE,
				  "Signature expired: %.*s is now earlier than %.*s (%.*s - 15 min.)", PR(said),
				  PR(time_basic(p->mem, now - SIGV4_SKEW_MS)), PR(current));
	return sigv4_fail(p->mem, p->fault, SIGV4_EXPIRED_SIGNATURE,
			  "Signature not yet current: %.*s is still later than %.*s (%.*s + 15 min.)", PR(said),
			  PR(time_basic(p->mem, now + SIGV4_SKEW_MS)), PR(current));
}

/* A presigned URL of S3 lives as long as it says, from the moment it names. */
static struct status check_expiry(struct parse *p)
{
	const struct sigv4_auth *a = p->auth;
	int64_t now = p->rules->now_ms, end = a->time_ms + a->expires_s * 1000;
	struct status st;
	if (a->time_ms - now > SIGV4_SKEW_MS) {
		st = sigv4_fail(p->mem, p->fault, SIGV4_DENIED, "Request is not valid yet");
		sigv4_fault_add(p->fault, "X-Amz-Date", a->amz_date);
	} else if (now > end) {
		st = sigv4_fail(p->mem, p->fault, SIGV4_DENIED, "Request has expired");
		sigv4_fault_add(p->fault, "X-Amz-Expires", arena_printf(p->mem, "%lld", (long long)a->expires_s));
		sigv4_fault_add(p->fault, "Expires", time_iso8601(p->mem, end));
	} else {
		return OK;
	}
	sigv4_fault_add(p->fault, "ServerTime", time_iso8601(p->mem, now));
	return st;
}

/* Other services give a presigned URL the same 15 minutes as a header, whatever it says: STS's are used so. */
struct status sigv4_check_time(struct parse *p)
{
	if (p->s3 && p->auth->form == SIGV4_PRESIGNED)
		return check_expiry(p);
	int64_t off = p->auth->time_ms - p->rules->now_ms;
	return off > SIGV4_SKEW_MS || off < -SIGV4_SKEW_MS ? skewed(p) : OK;
}
