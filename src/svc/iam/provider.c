/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both kinds of providers differ in a word of their ARN, the tag of their rows and their names;
 * here is what follows from that.
 */
#include "svc/iam/provider.h"

#include "base/str.h"
#include "svc/iam/authorize.h"

static struct str word(enum iam_provider kind) { return kind == IAM_OIDC ? S("oidc-provider/") : S("saml-provider/"); }

struct str iam_provider_key(struct arena *mem, enum iam_provider kind, struct str name)
{
	return key_of(mem, (char)kind, name, (struct str){ 0 }, (struct str){ 0 });
}

struct str iam_provider_arn(struct arena *mem, struct str partition, struct str account, enum iam_provider kind,
			    struct str name)
{
	return arena_printf(mem, "arn:%.*s:iam::%.*s:%.*s%.*s", PR(partition), PR(account), PR(word(kind)), PR(name));
}

static bool name_of(struct req *rq, enum iam_provider kind, struct str arn, struct str *name)
{
	struct arn parts;
	if (failed(arn_parse(arn, &parts)) || !str_eq(parts.partition, rq->app->partition) ||
	    !str_eq(parts.service, S("iam")) || parts.region.n || !str_eq(parts.account, rq->account) ||
	    !str_starts(parts.resource, word(kind)) || parts.resource.n == word(kind).n)
		return false;
	*name = str_from(parts.resource, word(kind).n);
	return true;
}

struct status iam_provider_name(struct req *rq, enum iam_provider kind, struct str arn, struct str *name)
{
	return name_of(rq, kind, arn, name) ? OK : FAIL(rq, iam_InvalidInputException, "Invalid ARN: %.*s", PR(arn));
}

struct status iam_provider_row(struct req *rq, struct txn *t, enum iam_provider kind, struct str arn,
			       const struct shape *shape, void *row)
{
	struct str name;
	if (!name_of(rq, kind, arn, &name))
		return ERR(E_NOT_FOUND);
	return iam_row_get(rq->mem, t, iam_provider_key(rq->mem, kind, name), shape, row);
}

struct status iam_provider_names(struct req *rq, struct txn *t, enum iam_provider kind, struct str_list *out)
{
	struct cursor c;
	struct str *v = NEWS(rq->mem, struct str, IAM_PROVIDERS_MAX);
	struct buf prefix = buf_in(rq->mem);
	size_t n = 0;
	key_tag(&prefix, (char)kind);
	TRY(txn_range(t, &(struct range){ .prefix = buf_str(&prefix), .keys_only = true }, &c));
	while (n < IAM_PROVIDERS_MAX && cursor_next(&c)) {
		struct rd r = rd_of(str_dup(rq->mem, c.key));
		(void)key_take_tag(&r);
		v[n++] = key_take_str(&r, rq->mem);
		if (r.bad)
			return ERR(E_CORRUPT);
	}
	*out = (struct str_list){ v, n };
	return cursor_end(&c);
}

/* ---- what must be allowed -------------------------------------------------------------------------- */

/* The provider to be made has the ARN its URL gives it; a URL that is none is refused by the handler. */
struct status iam_authorize_oidc_provider(struct req *rq, const void *in, struct authz *az)
{
	struct txn *t;
	struct iam_oidc_row row;
	struct iam_tag_list none = { 0 };
	struct str url = iam_input(rq, in, "Url"), arn = iam_input(rq, in, "OpenIDConnectProviderArn");
	if (url.p)
		arn = iam_provider_arn(rq->mem, rq->app->partition, rq->account, IAM_OIDC,
				       str_starts(url, S("https://")) ? str_from(url, 8) : url);
	TRY(iam_read(rq, &t));
	struct status st = iam_provider_row(rq, t, IAM_OIDC, arn, &iam_oidc_row_shape, &row);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	iam_authorize_on(az, in, arn, failed(st) || url.p ? none : row.tags, "iam:TagOpenIDConnectProvider");
	return OK;
}

struct status iam_authorize_saml_provider(struct req *rq, const void *in, struct authz *az)
{
	struct txn *t;
	struct iam_saml_row row;
	struct iam_tag_list none = { 0 };
	struct str name = iam_input(rq, in, "Name"), arn = iam_input(rq, in, "SAMLProviderArn");
	if (name.p)
		arn = iam_provider_arn(rq->mem, rq->app->partition, rq->account, IAM_SAML, name);
	TRY(iam_read(rq, &t));
	struct status st = iam_provider_row(rq, t, IAM_SAML, arn, &iam_saml_row_shape, &row);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	iam_authorize_on(az, in, arn, failed(st) || name.p ? none : row.tags, "iam:TagSAMLProvider");
	return OK;
}
