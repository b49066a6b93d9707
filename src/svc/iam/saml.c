/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAML providers: whose responses AssumeRoleWithSAML takes.
 *
 * The metadata document is kept as it came. What responses are checked with (the issuer's
 * name, its certificates) is read from it once, when it is given, and stands in a row of its
 * own, so that a long document costs nothing later.
 */
#include "api/faults.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/iam/provider.h"
#include "wire/saml.h"

/* "ValidUntil": of a document that does not say, in a hundred years. */
enum { VALID_DAYS = 36525 };

static struct str document_key(struct req *rq, struct str name)
{
	return key_of(rq->mem, 'F', name, (struct str){ 0 }, (struct str){ 0 });
}

static struct status find(struct req *rq, struct txn *t, struct str name, struct iam_saml_row *out)
{
	return iam_row_get(rq->mem, t, iam_provider_key(rq->mem, IAM_SAML, name), &iam_saml_row_shape, out);
}

static struct status put(struct req *rq, struct txn *t, const struct iam_saml_row *row)
{
	return iam_row_put(rq, t, iam_provider_key(rq->mem, IAM_SAML, row->name), &iam_saml_row_shape, row);
}

static struct status get(struct req *rq, struct txn *t, struct str arn, struct iam_saml_row *out)
{
	struct str name;
	TRY(iam_provider_name(rq, IAM_SAML, arn, &name));
	struct status st = find(rq, t, name, out);
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, iam_NoSuchEntityException, "Manifest not found for arn %.*s", PR(arn));
}

static struct status to_change(struct req *rq, struct str arn, struct txn **t, struct iam_saml_row *row)
{
	TRY(iam_write(rq, t));
	return get(rq, *t, arn, row);
}

/* ---- the document ------------------------------------------------------------------------------ */

static struct status read_document(struct req *rq, struct str document, struct iam_saml_row *row)
{
	struct saml_metadata m;
	int64_t until = rq->now_ms + (int64_t)VALID_DAYS * DAY_MS;
	if (failed(saml_metadata_read(rq->mem, document, &m)))
		return FAIL(rq, iam_InvalidInputException, "Could not parse metadata");
	row->issuer = m.issuer;
	row->certificates = m.certificates;
	row->valid_until = (struct opt_int)SET(m.valid_until_ms ? m.valid_until_ms : until);
	return OK;
}

/* Keys to decrypt assertions with are not kept here, so no encrypted assertion could be read. */
static struct status refuse_encryption(struct req *rq, bool asked)
{
	if (!asked)
		return OK;
	return FAIL(rq, api_NotImplemented,
		    "Encrypted SAML assertions are not supported here: AssertionEncryptionMode, AddPrivateKey and "
		    "RemovePrivateKey must be left out.");
}

/* ---- creating, getting, changing, deleting ----------------------------------------------------------- */

struct status iam_create_saml_provider(struct req *rq, const struct iam_create_saml_provider_in *in,
				       struct iam_create_saml_provider_out *out)
{
	struct txn *t;
	struct iam_saml_row row = { .name = in->name, .created = SET(rq->now_ms) }, taken;
	TRY(refuse_encryption(rq, in->assertion_encryption_mode || in->add_private_key.p));
	TRY(read_document(rq, in->saml_metadata_document, &row));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	TRY(iam_write(rq, &t));
	struct status st = find(rq, t, row.name, &taken);
	if (!failed(st))
		return FAIL(rq, iam_EntityAlreadyExistsException, "Provider with name %.*s already exists.",
			    PR(in->name));
	if (st.code != E_NOT_FOUND)
		return st;
	TRY(iam_count(rq, t, IAM_SAML, 1));
	TRY(put(rq, t, &row));
	TRY(txn_put(t, document_key(rq, row.name), in->saml_metadata_document));
	out->saml_provider_arn = iam_provider_arn(rq->mem, rq->app->partition, rq->account, IAM_SAML, row.name);
	if (row.tags.n)
		out->tags = row.tags;
	return OK;
}

struct status iam_get_saml_provider(struct req *rq, const struct iam_get_saml_provider_in *in,
				    struct iam_get_saml_provider_out *out)
{
	struct txn *t;
	struct iam_saml_row row;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, in->saml_provider_arn, &row));
	TRY(txn_get(t, document_key(rq, row.name), rq->mem, &out->saml_metadata_document));
	out->create_date = row.created;
	out->valid_until = row.valid_until;
	out->tags = row.tags;
	return OK;
}

struct status iam_update_saml_provider(struct req *rq, const struct iam_update_saml_provider_in *in,
				       struct iam_update_saml_provider_out *out)
{
	struct txn *t;
	struct iam_saml_row row, read = { 0 };
	TRY(refuse_encryption(rq, in->assertion_encryption_mode || in->add_private_key.p || in->remove_private_key.p));
	if (!in->saml_metadata_document.p)
		return FAIL(rq, iam_InvalidInputException,
			    "Unable to update identity provider. No updates are defined for metadata or encryption "
			    "assertion.");
	TRY(read_document(rq, in->saml_metadata_document, &read));
	TRY(to_change(rq, in->saml_provider_arn, &t, &row));
	row.issuer = read.issuer;
	row.certificates = read.certificates;
	row.valid_until = read.valid_until;
	TRY(put(rq, t, &row));
	TRY(txn_put(t, document_key(rq, row.name), in->saml_metadata_document));
	out->saml_provider_arn = in->saml_provider_arn;
	return OK;
}

struct status iam_delete_saml_provider(struct req *rq, const struct iam_delete_saml_provider_in *in,
				       struct iam_delete_saml_provider_out *out)
{
	struct txn *t;
	struct iam_saml_row row;
	(void)out;
	TRY(to_change(rq, in->saml_provider_arn, &t, &row));
	TRY(iam_count(rq, t, IAM_SAML, -1));
	TRY(txn_del(t, document_key(rq, row.name)));
	return txn_del(t, iam_provider_key(rq->mem, IAM_SAML, row.name));
}

struct status iam_list_saml_providers(struct req *rq, const struct iam_list_saml_providers_in *in,
				      struct iam_list_saml_providers_out *out)
{
	struct txn *t;
	struct str_list names;
	(void)in;
	TRY(iam_read(rq, &t));
	TRY(iam_provider_names(rq, t, IAM_SAML, &names));
	struct iam_saml_provider_list_entry *v = NEWS(rq->mem, struct iam_saml_provider_list_entry, names.n + 1);
	for (size_t i = 0; i < names.n; i++) {
		struct iam_saml_row row;
		TRY(find(rq, t, names.v[i], &row));
		v[i].arn = iam_provider_arn(rq->mem, rq->app->partition, rq->account, IAM_SAML, row.name);
		v[i].create_date = row.created;
		v[i].valid_until = row.valid_until;
	}
	out->saml_provider_list = (struct iam_saml_provider_list_entry_list){ v, names.n };
	return OK;
}

/* ---- tags ------------------------------------------------------------------------------------------------ */

struct status iam_tag_saml_provider(struct req *rq, const struct iam_tag_saml_provider_in *in,
				    struct iam_tag_saml_provider_out *out)
{
	struct txn *t;
	struct iam_saml_row row;
	(void)out;
	TRY(to_change(rq, in->saml_provider_arn, &t, &row));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	return put(rq, t, &row);
}

struct status iam_untag_saml_provider(struct req *rq, const struct iam_untag_saml_provider_in *in,
				      struct iam_untag_saml_provider_out *out)
{
	struct txn *t;
	struct iam_saml_row row;
	(void)out;
	TRY(to_change(rq, in->saml_provider_arn, &t, &row));
	row.tags = iam_tags_remove(rq, row.tags, in->tag_keys);
	return put(rq, t, &row);
}

struct status iam_list_saml_provider_tags(struct req *rq, const struct iam_list_saml_provider_tags_in *in,
					  struct iam_list_saml_provider_tags_out *out)
{
	struct txn *t;
	struct iam_saml_row row;
	struct iam_tag_page page;
	TRY(iam_read(rq, &t));
	TRY(get(rq, t, in->saml_provider_arn, &row));
	TRY(iam_tag_page_of(rq, row.tags, in->marker, in->max_items, &page));
	out->tags = page.tags;
	out->is_truncated = (struct opt_bool)SET(page.marker.p != NULL);
	out->marker = page.marker;
	return OK;
}

/* ---- for STS ------------------------------------------------------------------------------------------------- */

struct status iam_identity_saml(struct req *rq, struct str account, struct str name, struct identity_saml *out)
{
	struct shard *shard;
	struct txn *t;
	struct iam_saml_row row;
	TRY(iam_shard(rq, account, &shard));
	TRY(req_read(rq, shard, &t));
	TRY(find(rq, t, name, &row));
	*out = (struct identity_saml){
		.arn = iam_provider_arn(rq->mem, rq->app->partition, account, IAM_SAML, row.name),
		.name = row.name,
		.issuer = row.issuer,
		.certificates = row.certificates,
		.valid_until_ms = row.valid_until.v,
	};
	return OK;
}
