/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenID Connect providers: whose tokens AssumeRoleWithWebIdentity takes, made for which
 * clients, and by which certificates the issuer's server may be known.
 *
 * Nothing is fetched here: the issuer's keys are looked up when the first token comes
 * (svc/sts/web_identity.c).
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/iam/provider.h"
#include "wire/str_list.h"

/* ---- what may be given ----------------------------------------------------------------------- */

static bool host_is(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (!char_alnum(host.p[i]) && host.p[i] != '-' && host.p[i] != '.')
			return false;
	return host.n > 0 && host.p[0] != '.' && host.p[0] != '-';
}

static bool path_is(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] <= ' ' || path.p[i] >= 0x7f || strchr("?#\"<>\\^`{|}", path.p[i]))
			return false;
	return true;
}

static bool port_is(struct str port)
{
	int64_t n;
	return !port.p || (str_to_i64(port, &n) && n > 0 && n < 65536);
}

/*
 * "CreateOpenIDConnectProvider", Url: begins with https://, may have a path, has no query. A port of its own only an
 * issuer on a private network can have, and only where the server's operator lets tokens come from there.
 */
static struct status check_url(struct req *rq, struct str url, struct str *name)
{
	struct str rest = str_from(url, 8), path = rest;
	struct str host = str_cut(&path, '/'), port = host;
	host = str_cut(&port, ':');
	if (!str_starts(url, S("https://")) || !host_is(host) || !port_is(port) || !path_is(rest) ||
	    (port.p && !rq->app->federation_private))
		return FAIL(rq, api_ValidationException, "Invalid Open ID Connect Provider URL");
	*name = rest;
	return OK;
}

static struct status too_many_clients(struct req *rq)
{
	return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d",
		    IAM_CLIENT_IDS_MAX);
}

static struct status check_clients(struct req *rq, struct str_list given, struct str_list *out)
{
	if (given.n > IAM_CLIENT_IDS_MAX)
		return too_many_clients(rq);
	struct str *v = NEWS(rq->mem, struct str, given.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < given.n; i++)
		if (!str_list_has((struct str_list){ v, n }, given.v[i]))
			v[n++] = given.v[i];
	*out = (struct str_list){ v, n };
	return OK;
}

static bool hex_is(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!char_digit(s.p[i]) && !(char_lower(s.p[i]) >= 'a' && char_lower(s.p[i]) <= 'f'))
			return false;
	return true;
}

static struct status check_thumbprints(struct req *rq, struct str_list given, struct str_list *out)
{
	if (given.n > IAM_THUMBPRINTS_MAX)
		return FAIL(rq, iam_InvalidInputException, "Thumbprint list must contain no more than %d entries.",
			    IAM_THUMBPRINTS_MAX);
	struct str *v = NEWS(rq->mem, struct str, given.n + 1);
	for (size_t i = 0; i < given.n; i++) {
		if (!hex_is(given.v[i]))
			return FAIL(rq, iam_InvalidInputException, "Invalid thumbprint: %.*s", PR(given.v[i]));
		v[i] = iam_lower(rq->mem, given.v[i]);
	}
	*out = (struct str_list){ v, given.n };
	return OK;
}

/* ---- rows --------------------------------------------------------------------------------------- */

static struct status find(struct req *rq, struct txn *t, struct str name, struct iam_oidc_row *out)
{
	return iam_row_get(rq->mem, t, iam_provider_key(rq->mem, IAM_OIDC, name), &iam_oidc_row_shape, out);
}

static struct status put(struct req *rq, struct txn *t, const struct iam_oidc_row *row)
{
	return iam_row_put(rq, t, iam_provider_key(rq->mem, IAM_OIDC, row->url), &iam_oidc_row_shape, row);
}

struct status iam_oidc_get(struct req *rq, struct txn *t, struct str arn, struct iam_oidc_row *out)
{
	struct str name;
	TRY(iam_provider_name(rq, IAM_OIDC, arn, &name));
	struct status st = find(rq, t, name, out);
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, iam_NoSuchEntityException, "OpenIDConnect Provider not found for arn %.*s", PR(arn));
}

static struct status to_change(struct req *rq, struct str arn, struct txn **t, struct iam_oidc_row *row)
{
	TRY(iam_write(rq, t));
	return iam_oidc_get(rq, *t, arn, row);
}

/* ---- creating, getting, deleting ---------------------------------------------------------------------- */

struct status iam_create_open_id_connect_provider(struct req *rq,
						  const struct iam_create_open_id_connect_provider_in *in,
						  struct iam_create_open_id_connect_provider_out *out)
{
	struct txn *t;
	struct iam_oidc_row row = { .created = SET(rq->now_ms) }, taken;
	TRY(check_url(rq, in->url, &row.url));
	TRY(check_clients(rq, in->client_id_list, &row.client_ids));
	TRY(check_thumbprints(rq, in->thumbprint_list, &row.thumbprints));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	TRY(iam_write(rq, &t));
	struct status st = find(rq, t, row.url, &taken);
	if (!failed(st))
		return FAIL(rq, iam_EntityAlreadyExistsException, "Provider with url %.*s already exists.",
			    PR(in->url));
	if (st.code != E_NOT_FOUND)
		return st;
	TRY(iam_count(rq, t, IAM_OIDC, 1));
	TRY(put(rq, t, &row));
	out->open_id_connect_provider_arn =
	    iam_provider_arn(rq->mem, rq->app->partition, rq->account, IAM_OIDC, row.url);
	if (row.tags.n)
		out->tags = row.tags;
	return OK;
}

struct status iam_get_open_id_connect_provider(struct req *rq, const struct iam_get_open_id_connect_provider_in *in,
					       struct iam_get_open_id_connect_provider_out *out)
{
	struct txn *t;
	struct iam_oidc_row row;
	TRY(iam_read(rq, &t));
	TRY(iam_oidc_get(rq, t, in->open_id_connect_provider_arn, &row));
	*out = (struct iam_get_open_id_connect_provider_out){
		.url = row.url,
		.client_id_list = row.client_ids,
		.thumbprint_list = row.thumbprints,
		.create_date = row.created,
		.tags = row.tags,
	};
	return OK;
}

struct status iam_delete_open_id_connect_provider(struct req *rq,
						  const struct iam_delete_open_id_connect_provider_in *in,
						  struct iam_delete_open_id_connect_provider_out *out)
{
	struct txn *t;
	struct iam_oidc_row row;
	struct str name;
	(void)out;
	TRY(iam_provider_name(rq, IAM_OIDC, in->open_id_connect_provider_arn, &name));
	TRY(iam_write(rq, &t));
	struct status st = find(rq, t, name, &row);
	if (failed(st)) /* deleting what is not there is no error */
		return st.code == E_NOT_FOUND ? OK : st;
	TRY(iam_count(rq, t, IAM_OIDC, -1));
	return txn_del(t, iam_provider_key(rq->mem, IAM_OIDC, name));
}

struct status iam_list_open_id_connect_providers(struct req *rq, const struct iam_list_open_id_connect_providers_in *in,
						 struct iam_list_open_id_connect_providers_out *out)
{
	struct txn *t;
	struct str_list names;
	(void)in;
	TRY(iam_read(rq, &t));
	TRY(iam_provider_names(rq, t, IAM_OIDC, &names));
	struct iam_open_id_connect_provider_list_entry *v =
	    NEWS(rq->mem, struct iam_open_id_connect_provider_list_entry, names.n + 1);
	for (size_t i = 0; i < names.n; i++)
		v[i].arn = iam_provider_arn(rq->mem, rq->app->partition, rq->account, IAM_OIDC, names.v[i]);
	out->open_id_connect_provider_list = (struct iam_open_id_connect_provider_list_entry_list){ v, names.n };
	return OK;
}

/* ---- clients and thumbprints ------------------------------------------------------------------------------- */

struct status iam_add_client_id_to_open_id_connect_provider(
    struct req *rq, const struct iam_add_client_id_to_open_id_connect_provider_in *in,
    struct iam_add_client_id_to_open_id_connect_provider_out *out)
{
	struct txn *t;
	struct iam_oidc_row row;
	(void)out;
	TRY(to_change(rq, in->open_id_connect_provider_arn, &t, &row));
	if (str_list_has(row.client_ids, in->client_id))
		return OK;
	if (row.client_ids.n >= IAM_CLIENT_IDS_MAX)
		return too_many_clients(rq);
	struct str *v = NEWS(rq->mem, struct str, row.client_ids.n + 1);
	size_t n = row.client_ids.n;
	if (n)
		memcpy(v, row.client_ids.v, n * sizeof *v);
	v[n++] = in->client_id;
	row.client_ids = (struct str_list){ v, n };
	return put(rq, t, &row);
}

struct status iam_remove_client_id_from_open_id_connect_provider(
    struct req *rq, const struct iam_remove_client_id_from_open_id_connect_provider_in *in,
    struct iam_remove_client_id_from_open_id_connect_provider_out *out)
{
	struct txn *t;
	struct iam_oidc_row row;
	(void)out;
	TRY(to_change(rq, in->open_id_connect_provider_arn, &t, &row));
	struct str *v = NEWS(rq->mem, struct str, row.client_ids.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < row.client_ids.n; i++)
		if (!str_eq(row.client_ids.v[i], in->client_id))
			v[n++] = row.client_ids.v[i];
	row.client_ids = (struct str_list){ v, n };
	return put(rq, t, &row);
}

struct status iam_update_open_id_connect_provider_thumbprint(
    struct req *rq, const struct iam_update_open_id_connect_provider_thumbprint_in *in,
    struct iam_update_open_id_connect_provider_thumbprint_out *out)
{
	struct txn *t;
	struct iam_oidc_row row;
	struct str_list thumbprints;
	(void)out;
	TRY(check_thumbprints(rq, in->thumbprint_list, &thumbprints));
	TRY(to_change(rq, in->open_id_connect_provider_arn, &t, &row));
	row.thumbprints = thumbprints;
	return put(rq, t, &row);
}

/* ---- tags ------------------------------------------------------------------------------------------------------ */

struct status iam_tag_open_id_connect_provider(struct req *rq, const struct iam_tag_open_id_connect_provider_in *in,
					       struct iam_tag_open_id_connect_provider_out *out)
{
	struct txn *t;
	struct iam_oidc_row row;
	(void)out;
	TRY(to_change(rq, in->open_id_connect_provider_arn, &t, &row));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	return put(rq, t, &row);
}

struct status iam_untag_open_id_connect_provider(struct req *rq, const struct iam_untag_open_id_connect_provider_in *in,
						 struct iam_untag_open_id_connect_provider_out *out)
{
	struct txn *t;
	struct iam_oidc_row row;
	(void)out;
	TRY(to_change(rq, in->open_id_connect_provider_arn, &t, &row));
	row.tags = iam_tags_remove(rq, row.tags, in->tag_keys);
	return put(rq, t, &row);
}

struct status iam_list_open_id_connect_provider_tags(struct req *rq,
						     const struct iam_list_open_id_connect_provider_tags_in *in,
						     struct iam_list_open_id_connect_provider_tags_out *out)
{
	struct txn *t;
	struct iam_oidc_row row;
	struct iam_tag_page page;
	TRY(iam_read(rq, &t));
	TRY(iam_oidc_get(rq, t, in->open_id_connect_provider_arn, &row));
	TRY(iam_tag_page_of(rq, row.tags, in->marker, in->max_items, &page));
	out->tags = page.tags;
	out->is_truncated = (struct opt_bool)SET(page.marker.p != NULL);
	out->marker = page.marker;
	return OK;
}

/* ---- for STS ------------------------------------------------------------------------------------------------------
 */

struct status iam_identity_oidc(struct req *rq, struct str account, struct str url, struct identity_oidc *out)
{
	struct shard *shard;
	struct txn *t;
	struct iam_oidc_row row;
	TRY(iam_shard(rq, account, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(find(rq, t, url, &row));
	*out = (struct identity_oidc){
		.arn = iam_provider_arn(rq->mem, rq->app->partition, account, IAM_OIDC, row.url),
		.url = row.url,
		.client_ids = row.client_ids,
		.thumbprints = row.thumbprints,
	};
	return OK;
}
