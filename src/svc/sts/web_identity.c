/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AssumeRoleWithWebIdentity: a role's credentials for who comes with an OpenID Connect
 * provider's token, and nothing else.
 *
 *     token ── issuer is a provider of the role's account ── signed with the issuer's key ──┐
 *           ┌── made for one of the provider's clients, not over, not too early ◀──────────┘
 *           └──▶ caller: provider, audience, subject ── the role's trust policy ──▶ session
 *
 * Nothing a token says counts before its signature holds, but the issuer, which says whose
 * signature it must be. Only issuers that an account trusts are ever asked for keys.
 */
#include "api/accounts.h"
#include "api/faults.h"
#include "base/str.h"
#include "svc/sts/claims.h"
#include "svc/sts/federated.h"
#include "svc/sts/issuer_keys.h"
#include "wire/str_list.h"

enum { SKEW_S = 300, SUBJECT_MAX = 255 };

/* What authorize finds out, for the handler. */
struct web_identity {
	struct sts_federated f;
	struct identity_oidc provider;
	struct claims claims;
	struct str audience;
};

/* ---- is it the provider's word? ------------------------------------------------------------------- */

static struct status no_jwt(struct req *rq)
{
	return FAIL(rq, sts_InvalidIdentityTokenException,
		    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)");
}

static struct status missing(struct req *rq, const char *claim)
{
	return FAIL(rq, sts_InvalidIdentityTokenException, "Missing a required claim: %s", claim);
}

static struct status read_token(struct req *rq, struct str text, struct jwt *token, struct claims *claims)
{
	struct status st = jwt_read(rq->mem, text, token);
	if (st.code == E_UNSUPPORTED)
		return FAIL(rq, sts_InvalidIdentityTokenException,
			    "The ID Token provided is signed with an algorithm that is not supported.");
	if (failed(st) || failed(claims_read(rq->mem, token->claims, claims)))
		return no_jwt(rq);
	return claims->iss.n ? OK : missing(rq, "iss");
}

static struct status find_provider(struct req *rq, struct str account, struct str iss, struct identity_oidc *out)
{
	bool https = str_starts(iss, S("https://"));
	struct status st = ERR(E_NOT_FOUND);
	if (https && account_find(rq->app->accounts, account))
		st = rq->app->identity->oidc(rq, account, str_from(iss, 8), out);
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, sts_InvalidIdentityTokenException, "No OpenIDConnect provider found in your account for %.*s",
		    PR(str_sub(iss, 0, 512)));
}

static struct status no_key(struct req *rq)
{
	return FAIL(rq, sts_InvalidIdentityTokenException,
		    "Couldn't retrieve verification key from your identity provider,  please reference "
		    "AssumeRoleWithWebIdentity documentation for requirements");
}

static struct status word_trouble(struct req *rq, enum issuer_trouble t)
{
	if (t == ISSUER_CERTIFICATE)
		return FAIL(rq, sts_InvalidIdentityTokenException,
			    "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint");
	if (t == ISSUER_UNREACHABLE)
		return FAIL(rq, sts_IDPCommunicationErrorException,
			    "The identity provider could not be reached to verify the incoming identity token.");
	return no_key(rq);
}

static void let_go(void *set) { jwks_unref(set); }

static struct status verify(struct req *rq, const struct jwt *token, const struct identity_oidc *provider)
{
	struct jwks *keys;
	if (!rq->app->issuer_keys || !token->kid.n)
		return no_key(rq);
	req_read_end(rq); /* nothing is held while somebody else's server takes its time */
	enum issuer_trouble t = issuer_keys_get(rq->app->issuer_keys, rq->mem, rq->now_ms, provider->url,
						provider->thumbprints, token, &keys);
	if (t != ISSUER_OK)
		return word_trouble(rq, t);
	req_pin(rq, let_go, keys);
	const struct verify_key *key = jwks_find(keys, token->kid, token->alg);
	if (!key)
		return no_key(rq);
	if (failed(jwt_verify(token, key)))
		return FAIL(rq, sts_InvalidIdentityTokenException, "The ID Token's signature is not valid.");
	return OK;
}

/* ---- is it meant for us, and now? --------------------------------------------------------------------- */

/*
 * Who the token was made for: the authorized party if it names one, else the audience, of which one at least must be
 * a client of the provider's ("aud", "oaud": IAM and STS condition context keys).
 */
static struct status find_audience(struct req *rq, const struct identity_oidc *provider, const struct claims *c,
				   struct str *out)
{
	if (!c->aud.n)
		return missing(rq, "aud");
	if (c->azp.p && str_list_has(provider->client_ids, c->azp)) {
		*out = c->azp;
		return OK;
	}
	for (size_t i = 0; !c->azp.p && i < c->aud.n; i++)
		if (str_list_has(provider->client_ids, c->aud.v[i])) {
			*out = c->aud.v[i];
			return OK;
		}
	return FAIL(rq, sts_InvalidIdentityTokenException, "Incorrect token audience");
}

static struct status check_times(struct req *rq, const struct claims *c)
{
	int64_t now_s = rq->now_ms / 1000;
	if (!c->exp.set)
		return missing(rq, "exp");
	if (!c->iat.set)
		return missing(rq, "iat");
	if (now_s >= c->exp.v)
		return FAIL(rq, sts_ExpiredTokenException,
			    "Token expired: current date/time %lld must be before the expiration date/time %lld",
			    (long long)now_s, (long long)c->exp.v);
	if (c->iat.v > now_s + SKEW_S || (c->nbf.set && c->nbf.v > now_s + SKEW_S))
		return FAIL(rq, sts_InvalidIdentityTokenException, "The ID Token is not valid yet.");
	return OK;
}

static struct status check_subject(struct req *rq, const struct claims *c)
{
	if (!c->sub.n)
		return missing(rq, "sub");
	if (str_utf8_length(c->sub) > SUBJECT_MAX)
		return FAIL(rq, sts_InvalidIdentityTokenException, "The claim sub is longer than %d characters.",
			    SUBJECT_MAX);
	return OK;
}

/* ---- who that is -------------------------------------------------------------------------------------------- */

static struct str key_named(struct req *rq, const struct identity_oidc *provider, const char *claim)
{
	return arena_printf(rq->mem, "%.*s:%s", PR(provider->url), claim);
}

/* HOST/PATH:aud and its kin ("Available keys for AWS OIDC federation"). */
static void take_claims(struct req *rq, struct web_identity *w)
{
	const struct claims *c = &w->claims;
	struct str_entry *v = NEWS(rq->mem, struct str_entry, 5);
	struct sts_claim_list *lists = NEWS(rq->mem, struct sts_claim_list, 2);
	size_t n = 0, n_lists = 0;
	v[n++] = (struct str_entry){ key_named(rq, &w->provider, "sub"), c->sub };
	v[n++] = (struct str_entry){ key_named(rq, &w->provider, "aud"), w->audience };
	if (c->azp.p)
		v[n++] = (struct str_entry){ key_named(rq, &w->provider, "azp"), c->azp };
	if (c->email.p)
		v[n++] = (struct str_entry){ key_named(rq, &w->provider, "email"), c->email };
	if (c->aud.n == 1)
		v[n++] = (struct str_entry){ key_named(rq, &w->provider, "oaud"), c->aud.v[0] };
	else
		lists[n_lists++] =
		    (struct sts_claim_list){ str_z(rq->mem, key_named(rq, &w->provider, "oaud")), c->aud };
	if (c->amr.n)
		lists[n_lists++] =
		    (struct sts_claim_list){ str_z(rq->mem, key_named(rq, &w->provider, "amr")), c->amr };
	w->f.claims = (struct str_map){ v, n };
	w->f.lists = lists;
	w->f.n_lists = n_lists;
	w->f.tags = c->tags;
	w->f.transitive = c->transitive;
	w->f.source_identity = c->source_identity;
}

static void become(struct req *rq, const struct web_identity *w)
{
	rq->caller = (struct caller){
		.kind = CALLER_WEB_IDENTITY,
		.account = S(""),
		.principal_id =
		    arena_printf(rq->mem, "%.*s:%.*s:%.*s", PR(w->provider.arn), PR(w->audience), PR(w->claims.sub)),
		.name = w->claims.sub,
		.provider = w->provider.arn,
	};
}

/* The issuer may have taken its time: the provider must still be one, and its keys from where they are to come now. */
static struct status find_again(struct req *rq, struct web_identity *w)
{
	const struct str_list asked = w->provider.thumbprints;
	TRY(find_provider(rq, w->f.want.account, w->claims.iss, &w->provider));
	return str_list_eq(asked, w->provider.thumbprints) ? OK : no_key(rq);
}

static struct status believe(struct req *rq, struct str text, struct web_identity *w)
{
	struct jwt token;
	TRY(read_token(rq, text, &token, &w->claims));
	TRY(find_provider(rq, w->f.want.account, w->claims.iss, &w->provider));
	TRY(verify(rq, &token, &w->provider));
	TRY(find_again(rq, w));
	TRY(find_audience(rq, &w->provider, &w->claims, &w->audience));
	TRY(check_times(rq, &w->claims));
	return check_subject(rq, &w->claims);
}

/* ---- the operation --------------------------------------------------------------------------------------------- */

struct status sts_authorize_web_identity(struct req *rq, const void *input, struct authz *az)
{
	const struct sts_assume_role_with_web_identity_in *in = input;
	struct web_identity *w = NEW(rq->mem, struct web_identity);
	w->f.action = "sts:AssumeRoleWithWebIdentity";
	w->f.session_name = in->role_session_name;
	if (in->provider_id.p)
		return FAIL(rq, api_NotImplemented,
			    "ProviderId is for OAuth 2.0 access tokens, which are not taken here; leave it out for "
			    "OpenID Connect ID tokens.");
	TRY(sts_federated_role(rq, in->role_arn, &w->f));
	TRY(believe(rq, in->web_identity_token, w));
	TRY(sts_federated_role(rq, in->role_arn, &w->f)); /* as it is now, too */
	take_claims(rq, w);
	TRY(sts_federated_check(rq, &w->f));
	become(rq, w);
	TRY(sts_federated_authorize(rq, az, &w->f));
	rq->found = w;
	return OK;
}

struct status sts_assume_role_with_web_identity(struct req *rq, const struct sts_assume_role_with_web_identity_in *in,
						struct sts_assume_role_with_web_identity_out *out)
{
	const struct web_identity *w = rq->found;
	const struct sts_federated_wish wish = { in->policy, in->policy_arns, in->duration_seconds };
	struct sts_federated_answer answer;
	TRY(sts_federated_session(rq, &w->f, &wish, &answer));
	*out = (struct sts_assume_role_with_web_identity_out){
		.credentials = answer.credentials,
		.subject_from_web_identity_token = w->claims.sub,
		.assumed_role_user = answer.user,
		.packed_policy_size = answer.packed_percent,
		.provider = w->provider.arn,
		.audience = w->audience,
		.source_identity = answer.source_identity,
	};
	return OK;
}
