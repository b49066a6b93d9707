/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AssumeRoleWithSAML: a role's credentials for who comes with a SAML provider's response.
 *
 *     response ── of the provider named, signed by it ── meant for AWS, and now ──┐
 *        caller: provider, subject ◀── gives its subject this role ◀──────────────┘
 *        └──▶ the role's trust policy ──▶ session, no longer than the provider's own
 *
 * An assertion may be used as often as one likes while it is fresh, as in AWS: five minutes
 * from when it was issued, and no longer than it says itself.
 */
#include "api/accounts.h"
#include "api/faults.h"
#include "api/route.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "svc/sts/saml_attributes.h"

enum { SKEW_MS = 5 * MINUTE_MS, FRESH_MS = 5 * MINUTE_MS };

#define NAMEID_FORMAT "urn:oasis:names:tc:SAML:2.0:nameid-format:"

/* What authorize finds out, for the handler. */
struct saml_identity {
	struct sts_federated f;
	struct identity_saml provider;
	struct saml_assertion a;
	struct saml_attributes attributes;
	struct str subject_type, qualifier;
};

static struct status invalid(struct req *rq, const char *why)
{
	return FAIL(rq, sts_InvalidIdentityTokenException, "%s", why);
}

/* ---- is it the provider's word? ------------------------------------------------------------------- */

static struct status find_provider(struct req *rq, struct str arn, struct saml_identity *s)
{
	struct arn parts;
	struct status st = ERR(E_NOT_FOUND);
	if (failed(arn_parse(arn, &parts)) || !str_eq(parts.service, S("iam")) ||
	    !str_starts(parts.resource, S("saml-provider/")) || !account_id_is(parts.account))
		return FAIL(rq, api_ValidationException, "Principal ARN is invalid");
	if (str_eq(parts.account, s->f.want.account) && account_find(rq->app->accounts, parts.account))
		st = rq->app->identity->saml(rq, parts.account, str_from(parts.resource, 14), &s->provider);
	if (!failed(st) && !str_eq(s->provider.arn, arn))
		st = ERR(E_NOT_FOUND);
	return st.code == E_NOT_FOUND ? invalid(rq, "Specified provider doesn't exist.") : st;
}

/* As it comes in a form, or from a file: maybe broken into lines. */
static struct status decode(struct req *rq, struct str text, struct str *xml)
{
	char *p = NEWS(rq->mem, char, text.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' && text.p[i] != '\n')
			p[n++] = text.p[i];
	return failed(base64_decode(rq->mem, str_make(p, n), xml)) ? invalid(rq, "Invalid base64 SAMLResponse") : OK;
}

static struct status read_response(struct req *rq, struct str xml, struct saml_identity *s)
{
	switch (saml_response_read(rq->mem, xml, s->provider.certificates, &s->a)) {
	case SAML_OK:
		return OK;
	case SAML_REJECTED:
		return FAIL(rq, sts_IDPRejectedClaimException,
			    "The identity provider reported that authentication failed.");
	case SAML_UNSIGNED:
		return invalid(rq, "Response signature invalid");
	case SAML_ENCRYPTED:
		return invalid(rq, "Encrypted SAML assertions are not supported.");
	case SAML_MALFORMED:
		break;
	}
	return invalid(rq, "Your request included an invalid SAML response.");
}

/* ---- is it meant for us, and now? ------------------------------------------------------------------------ */

static bool for_aws(struct str_list audiences)
{
	for (size_t i = 0; i < audiences.n; i++)
		if (str_eq(audiences.v[i], S("https://signin.aws.amazon.com/saml")) ||
		    str_eq(audiences.v[i], S("urn:amazon:webservices")))
			return true;
	return false;
}

/* https://signin.aws.amazon.com/saml, or a region's. */
static bool is_sign_in(struct str url)
{
	struct str rest = str_from(url, 8), end = S("signin.aws.amazon.com/saml");
	if (!str_starts(url, S("https://")) || !str_ends(rest, end))
		return false;
	struct str region = str_sub(rest, 0, rest.n - end.n);
	return !region.n || (str_ends(region, S(".")) && region_name_is(str_sub(region, 0, region.n - 1)));
}

static struct status check_for_whom(struct req *rq, const struct saml_identity *s)
{
	if (!str_eq(s->a.issuer, s->provider.issuer))
		return invalid(rq, "Issuer not present in specified provider");
	if (!for_aws(s->a.audiences))
		return invalid(rq, "Response does not contain the required audience.");
	if (!is_sign_in(s->a.recipient))
		return invalid(rq, "Response does not contain the required recipient.");
	return OK;
}

static struct status expired(struct req *rq, const char *why) { return FAIL(rq, sts_ExpiredTokenException, "%s", why); }

static struct status check_times(struct req *rq, const struct saml_identity *s)
{
	const struct saml_assertion *a = &s->a;
	int64_t now = rq->now_ms;
	if (now >= s->provider.valid_until_ms)
		return invalid(rq, "The metadata of the specified provider is no longer valid.");
	if (now >= a->issued_ms + FRESH_MS)
		return expired(rq, "Token must be redeemed within 5 minutes of issuance");
	if (now >= a->confirm_until_ms || (a->not_after_ms && now >= a->not_after_ms) ||
	    (a->session_until_ms && now >= a->session_until_ms))
		return expired(rq, "The SAML assertion has expired.");
	if (a->issued_ms > now + SKEW_MS || a->not_before_ms > now + SKEW_MS || a->confirm_from_ms > now + SKEW_MS)
		return invalid(rq, "The SAML assertion is not valid yet.");
	return OK;
}

/* ---- who that is, and what he wants ------------------------------------------------------------------------ */

static bool session_name_is(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!char_alnum(s.p[i]) && !strchr("_+=,.@-", s.p[i]))
			return false;
	return s.n >= 2 && s.n <= 64;
}

static struct status check_attributes(struct req *rq, struct saml_identity *s)
{
	TRY(saml_attributes_read(rq, &s->a, &s->attributes));
	if (!s->attributes.roles.n)
		return invalid(rq, "Your request included an invalid SAML response.");
	if (!s->attributes.session_name.p)
		return invalid(rq, "RoleSessionName is required in AuthnResponse");
	if (!session_name_is(s->attributes.session_name))
		return invalid(rq, "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}");
	return OK;
}

/* ("AssumeRoleWithSAML", NameQualifier: BASE64(SHA1(issuer + account + "/" + name of the provider))) */
static struct str name_qualifier(struct req *rq, const struct saml_identity *s)
{
	uint8_t digest[SHA1_SIZE];
	sha1(arena_printf(rq->mem, "%.*s%.*s/%.*s", PR(s->a.issuer), PR(s->f.want.account), PR(s->provider.name)),
	     digest);
	return base64_encode(rq->mem, str_make(digest, sizeof digest));
}

static struct str subject_type(struct str format)
{
	if (str_eq(format, S(NAMEID_FORMAT "persistent")))
		return S("persistent");
	if (str_eq(format, S(NAMEID_FORMAT "transient")))
		return S("transient");
	return format.n ? format : S("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
}

static void take_claims(struct req *rq, struct saml_identity *s)
{
	const struct saml_attributes *at = &s->attributes;
	s->subject_type = subject_type(s->a.name_format);
	s->qualifier = name_qualifier(rq, s);
	const struct str_entry own[] = {
		{ S("saml:aud"), s->a.recipient },
		{ S("saml:iss"), s->a.issuer },
		{ S("saml:sub"), s->a.name_id },
		{ S("saml:sub_type"), s->subject_type },
		{ S("saml:namequalifier"), s->qualifier },
		{ S("saml:doc"), arena_printf(rq->mem, "%.*s/%.*s", PR(s->f.want.account), PR(s->provider.name)) },
	};
	struct str_entry *v = NEWS(rq->mem, struct str_entry, COUNT(own) + at->keys.n);
	memcpy(v, own, sizeof own);
	if (at->keys.n)
		memcpy(v + COUNT(own), at->keys.v, at->keys.n * sizeof *v);
	s->f.claims = (struct str_map){ v, COUNT(own) + at->keys.n };
	s->f.lists = at->lists;
	s->f.n_lists = at->n_lists;
	s->f.session_name = at->session_name;
	s->f.tags = at->tags;
	s->f.transitive = at->transitive;
	s->f.source_identity = at->source_identity;
}

static void become(struct req *rq, const struct saml_identity *s)
{
	rq->caller = (struct caller){
		.kind = CALLER_SAML,
		.account = S(""),
		.principal_id = arena_printf(rq->mem, "%.*s:%.*s", PR(s->qualifier), PR(s->a.name_id)),
		.name = s->a.name_id,
		.provider = s->provider.arn,
	};
}

/* ---- the operation --------------------------------------------------------------------------------------------- */

static struct status believe(struct req *rq, const struct sts_assume_role_with_saml_in *in, struct saml_identity *s)
{
	struct str xml;
	TRY(find_provider(rq, in->principal_arn, s));
	TRY(decode(rq, in->saml_assertion, &xml));
	TRY(read_response(rq, xml, s));
	TRY(check_for_whom(rq, s));
	TRY(check_times(rq, s));
	return check_attributes(rq, s);
}

struct status sts_authorize_saml(struct req *rq, const void *input, struct authz *az)
{
	const struct sts_assume_role_with_saml_in *in = input;
	struct saml_identity *s = NEW(rq->mem, struct saml_identity);
	s->f.action = "sts:AssumeRoleWithSAML";
	TRY(sts_federated_role(rq, in->role_arn, &s->f));
	TRY(believe(rq, in, s));
	take_claims(rq, s);
	TRY(sts_federated_check(rq, &s->f));
	become(rq, s);
	s->f.want.known = s->f.want.known && saml_gives_role(&s->attributes, in->role_arn, s->provider.arn);
	TRY(sts_federated_authorize(rq, az, &s->f));
	rq->found = s;
	return OK;
}

/* "until the time specified in the SAML authentication response's SessionNotOnOrAfter value, whichever is shorter" */
static int64_t seconds_of(const struct req *rq, int64_t asked, int64_t until_ms)
{
	int64_t left = (until_ms - rq->now_ms + SECOND_MS - 1) / SECOND_MS;
	return until_ms && left < asked ? left : asked;
}

struct status sts_assume_role_with_saml(struct req *rq, const struct sts_assume_role_with_saml_in *in,
					struct sts_assume_role_with_saml_out *out)
{
	const struct saml_identity *s = rq->found;
	const struct sts_federated_wish wish = { in->policy, in->policy_arns,
						 seconds_of(rq, in->duration_seconds, s->a.session_until_ms) };
	struct sts_federated_answer answer;
	TRY(sts_federated_session(rq, &s->f, &wish, &answer));
	*out = (struct sts_assume_role_with_saml_out){
		.credentials = answer.credentials,
		.assumed_role_user = answer.user,
		.packed_policy_size = answer.packed_percent,
		.subject = s->a.name_id,
		.subject_type = s->subject_type,
		.issuer = s->a.issuer,
		.audience = s->a.recipient,
		.name_qualifier = s->qualifier,
		.source_identity = answer.source_identity,
	};
	return OK;
}
