/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server certificates: a certificate, its chain and its private key under a name ("Manage
 * server certificates in IAM"). What is uploaded is checked as a whole: it parses, the key is
 * the certificate's, the chain is in order, and today is within its time.
 *
 * The key is sealed under the account's IAM key, bound to the certificate's unique id, before
 * it is stored, and nothing in the API gives it back.
 */
#include "api/accounts.h"
#include "api/ids.h"
#include "base/str.h"
#include "crypto/keyring.h"
#include "crypto/x509_check.h"
#include "svc/iam/authorize.h"

enum { TAG = 'c' };

static struct str cert_key(struct arena *mem, struct str name)
{
	return key_of(mem, TAG, iam_lower(mem, name), (struct str){ 0 }, (struct str){ 0 });
}

static struct str cert_arn(struct req *rq, struct str path, struct str name)
{
	return arena_printf(rq->mem, "arn:%.*s:iam::%.*s:server-certificate%.*s%.*s", PR(rq->app->partition),
			    PR(rq->account), PR(path), PR(name));
}

static struct status get(struct req *rq, struct txn *t, struct str name, struct iam_certificate_row *out)
{
	struct status st = iam_row_get(rq->mem, t, cert_key(rq->mem, name), &iam_certificate_row_shape, out);
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, iam_NoSuchEntityException, "The Server Certificate with name %.*s cannot be found.", PR(name));
}

static struct status put(struct req *rq, struct txn *t, const struct iam_certificate_row *row)
{
	return iam_row_put(rq, t, cert_key(rq->mem, row->name), &iam_certificate_row_shape, row);
}

static struct status name_is_free(struct req *rq, struct txn *t, struct str name)
{
	bool taken;
	TRY(txn_has(t, cert_key(rq->mem, name), &taken));
	if (!taken)
		return OK;
	return FAIL(rq, iam_EntityAlreadyExistsException, "The Server Certificate with name %.*s already exists.",
		    PR(name));
}

/* ---- what is uploaded --------------------------------------------------------------------------- */

static struct str trim(struct str s)
{
	static const char space[] = " \t\r\n";
	while (s.n && strchr(space, s.p[0]))
		s = str_from(s, 1);
	while (s.n && strchr(space, s.p[s.n - 1]))
		s.n--;
	return s;
}

static struct status check(struct req *rq, const struct iam_upload_server_certificate_in *in, int64_t *expires_ms)
{
	struct x509_checked found;
	switch (x509_check(in->certificate_body, in->private_key, in->certificate_chain, rq->now_ms, &found)) {
	case X509_FITS:
		*expires_ms = found.not_after_ms;
		return OK;
	case X509_BAD_CERT:
		return FAIL(rq, iam_MalformedCertificateException,
			    "Unable to parse certificate. Please ensure the certificate is in PEM format.");
	case X509_BAD_KEY:
		return FAIL(rq, iam_MalformedCertificateException, "Invalid Private Key.");
	case X509_BAD_PAIR:
		return FAIL(rq, iam_KeyPairMismatchException,
			    "The public key certificate and the private key do not match.");
	case X509_BAD_CHAIN:
		return FAIL(rq, iam_MalformedCertificateException,
			    "Unable to parse certificate chain. Please ensure the certificates are in PEM format.");
	case X509_WRONG_CHAIN:
		return FAIL(
		    rq, iam_MalformedCertificateException,
		    "Unable to validate certificate chain. The certificate chain must start with the immediate "
		    "signing certificate, followed by any intermediaries in order. The index within the chain of "
		    "the invalid certificate is: %d",
		    found.wrong);
	case X509_TOO_EARLY:
		return FAIL(rq, iam_MalformedCertificateException, "The certificate is not yet valid.");
	case X509_TOO_LATE:
		return FAIL(rq, iam_MalformedCertificateException, "The certificate has expired.");
	}
	return ERR(E_INVALID);
}

/* The keyholder may be waited for, so this is done before the write. */
static struct status seal(struct req *rq, struct str key_pem, struct iam_certificate_row *row)
{
	const struct key_ref *key;
	TRY(account_service_key(rq->app->accounts, rq->account, S("iam"), &key));
	struct str aad = iam_join(rq->mem, S("server-certificate/"), row->id, S(""));
	return keyring_seal(rq->app->keyring, key, aad, key_pem, rq->mem, &row->key);
}

/* ---- showing --------------------------------------------------------------------------------------- */

static struct iam_server_certificate_metadata metadata(struct req *rq, const struct iam_certificate_row *row)
{
	return (struct iam_server_certificate_metadata){
		.path = row->path,
		.server_certificate_name = row->name,
		.server_certificate_id = row->id,
		.arn = cert_arn(rq, row->path, row->name),
		.upload_date = row->uploaded,
		.expiration = row->expires,
	};
}

static const struct iam_server_certificate_metadata *metadata_of(struct req *rq, const struct iam_certificate_row *row)
{
	struct iam_server_certificate_metadata *m = NEW(rq->mem, struct iam_server_certificate_metadata);
	*m = metadata(rq, row);
	return m;
}

struct status iam_get_server_certificate(struct req *rq, const struct iam_get_server_certificate_in *in,
					 struct iam_get_server_certificate_out *out)
{
	struct txn *t;
	struct iam_certificate_row row;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, in->server_certificate_name, &row));
	struct iam_server_certificate *c = NEW(rq->mem, struct iam_server_certificate);
	*c = (struct iam_server_certificate){
		.server_certificate_metadata = metadata_of(rq, &row),
		.certificate_body = row.body,
		.certificate_chain = row.chain,
	};
	if (row.tags.n)
		c->tags = row.tags;
	out->server_certificate = c;
	return OK;
}

struct status iam_list_server_certificates(struct req *rq, const struct iam_list_server_certificates_in *in,
					   struct iam_list_server_certificates_out *out)
{
	static const struct iam_pathed what = { TAG, &iam_certificate_row_shape,
						offsetof(struct iam_certificate_row, path) };
	struct txn *t;
	struct iam_page page;
	struct iam_rows rows;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_rows_page(rq, t, &what, in->path_prefix, &page, &rows));
	const struct iam_certificate_row *have = rows.v;
	struct iam_server_certificate_metadata *v = NEWS(rq->mem, struct iam_server_certificate_metadata, rows.n + 1);
	for (size_t i = 0; i < rows.n; i++)
		v[i] = metadata(rq, &have[i]);
	out->server_certificate_metadata_list = (struct iam_server_certificate_metadata_list){ v, rows.n };
	out->is_truncated = (struct opt_bool)SET(rows.marker.p != NULL);
	out->marker = rows.marker;
	return OK;
}

/* ---- keeping and changing ---------------------------------------------------------------------------- */

struct status iam_upload_server_certificate(struct req *rq, const struct iam_upload_server_certificate_in *in,
					    struct iam_upload_server_certificate_out *out)
{
	struct txn *t;
	int64_t expires_ms;
	TRY(check(rq, in, &expires_ms));
	struct iam_certificate_row row = {
		.name = in->server_certificate_name,
		.path = iam_path(in->path),
		.id = id_unique(rq->app->world, rq->mem, "ASCA"),
		.uploaded = SET(rq->now_ms),
		.expires = SET(expires_ms),
		.body = trim(in->certificate_body),
		.chain = trim(in->certificate_chain),
	};
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	TRY(seal(rq, trim(in->private_key), &row));
	TRY(iam_write(rq, &t));
	TRY(name_is_free(rq, t, row.name));
	TRY(iam_count(rq, t, TAG, 1));
	TRY(put(rq, t, &row));
	out->server_certificate_metadata = metadata_of(rq, &row);
	if (row.tags.n)
		out->tags = row.tags;
	return OK;
}

struct status iam_update_server_certificate(struct req *rq, const struct iam_update_server_certificate_in *in,
					    struct iam_update_server_certificate_out *out)
{
	struct txn *t;
	struct iam_certificate_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, in->server_certificate_name, &row));
	if (in->new_path.p)
		row.path = in->new_path;
	if (in->new_server_certificate_name.p) {
		if (!str_eq_ci(row.name, in->new_server_certificate_name))
			TRY(name_is_free(rq, t, in->new_server_certificate_name));
		TRY(txn_del(t, cert_key(rq->mem, row.name)));
		row.name = in->new_server_certificate_name;
	}
	return put(rq, t, &row);
}

struct status iam_delete_server_certificate(struct req *rq, const struct iam_delete_server_certificate_in *in,
					    struct iam_delete_server_certificate_out *out)
{
	struct txn *t;
	struct iam_certificate_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, in->server_certificate_name, &row));
	TRY(iam_count(rq, t, TAG, -1));
	return txn_del(t, cert_key(rq->mem, row.name));
}

/* ---- tags ----------------------------------------------------------------------------------------------- */

struct status iam_tag_server_certificate(struct req *rq, const struct iam_tag_server_certificate_in *in,
					 struct iam_tag_server_certificate_out *out)
{
	struct txn *t;
	struct iam_certificate_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, in->server_certificate_name, &row));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	return put(rq, t, &row);
}

struct status iam_untag_server_certificate(struct req *rq, const struct iam_untag_server_certificate_in *in,
					   struct iam_untag_server_certificate_out *out)
{
	struct txn *t;
	struct iam_certificate_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(get(rq, t, in->server_certificate_name, &row));
	row.tags = iam_tags_remove(rq, row.tags, in->tag_keys);
	return put(rq, t, &row);
}

struct status iam_list_server_certificate_tags(struct req *rq, const struct iam_list_server_certificate_tags_in *in,
					       struct iam_list_server_certificate_tags_out *out)
{
	struct txn *t;
	struct iam_certificate_row row;
	struct iam_tag_page page;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, in->server_certificate_name, &row));
	TRY(iam_tag_page_of(rq, row.tags, in->marker, in->max_items, &page));
	out->tags = page.tags;
	out->is_truncated = (struct opt_bool)SET(page.marker.p != NULL);
	out->marker = page.marker;
	return OK;
}

/* ---- what must be allowed ------------------------------------------------------------------------------------ */

/* One that is to be made has the path of the input; one that moves is needed at both places. */
struct status iam_authorize_server_certificate(struct req *rq, const void *in, struct authz *az)
{
	struct txn *t;
	struct str name = iam_input(rq, in, "ServerCertificateName");
	struct iam_certificate_row row = { .name = name, .path = iam_path(iam_input(rq, in, "Path")) };
	bool making = !strcmp(rq->op->name, "UploadServerCertificate");
	if (!making) {
		struct iam_certificate_row have;
		TRY(iam_read(rq, &t));
		struct status st = iam_row_get(rq->mem, t, cert_key(rq->mem, name), &iam_certificate_row_shape, &have);
		if (failed(st) && st.code != E_NOT_FOUND)
			return st;
		if (!failed(st))
			row = have;
	}
	struct str arn = cert_arn(rq, row.path, row.name);
	if (making)
		iam_authorize_on(az, in, arn, row.tags, "iam:TagServerCertificate");
	else
		iam_authorize_named(az, in, arn, iam_told(rq, "server certificate", name), row.tags);
	struct str new_name = iam_input(rq, in, "NewServerCertificateName"), new_path = iam_input(rq, in, "NewPath");
	if (new_name.p || new_path.p)
		iam_authorize_on(az, in,
				 cert_arn(rq, new_path.p ? new_path : row.path, new_name.p ? new_name : row.name),
				 row.tags, NULL);
	return OK;
}
