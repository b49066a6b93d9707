/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeleteObject and DeleteObjects. Deleting what is not there succeeds.
 *
 * DeleteObjects is decided key by key: what is refused is an Error in the answer, the rest
 * is deleted, in one commit with one record.
 */
#include "api/faults.h"
#include "api/payload_check.h"
#include "base/str.h"
#include "svc/s3/authorize.h"
#include "svc/s3/condition.h"
#include "svc/s3/object.h"

enum { DELETE_MAX = 1000 };

static struct status delete_key(struct req *rq, struct txn *t, struct str key, const struct s3_object_row *row,
				struct s3_litter *litter)
{
	TRY(s3_litter_row(litter, t, key, row));
	return txn_del(t, s3_object_key(rq->mem, key));
}

struct status s3_delete_object(struct req *rq, const struct s3_delete_object_in *in, struct s3_delete_object_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	struct s3_object_row row;
	struct txn *t;
	(void)out;
	TRY(s3_check_version(rq, in->version_id));
	struct s3_litter *litter = s3_litter_new(rq);
	TRY(s3_index_write(rq, p, &t));
	struct status st = s3_object_get(t, rq->mem, p->key, &row);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	if (in->if_match.p && (failed(st) || !s3_etag_in(in->if_match, row.etag)))
		return s3_precondition_failed(rq, "If-Match");
	return failed(st) ? OK : delete_key(rq, t, p->key, &row, litter);
}

/* ---- DeleteObjects ------------------------------------------------------------------------ */

struct many {
	const struct s3_object_identifier *v;
	size_t n;
	struct str *refused; /* per key: why the policies say no; p == NULL: they do not */
	struct s3_deleted_object *deleted;
	struct s3_error *errors;
	size_t n_deleted, n_errors;
};

static void add_error(struct many *m, const struct s3_object_identifier *o, const char *code, struct str message)
{
	m->errors[m->n_errors++] = (struct s3_error){
		.key = o->key,
		.version_id = o->version_id,
		.code = str_of(code),
		.message = message,
	};
}

static void decide(struct req *rq, const struct s3_place *p, struct many *m)
{
	struct authz az = { .rq = rq };
	az.last = &az.first;
	struct authz_item *plain = s3_authz_item(&az, p->bucket, "s3:DeleteObject", S("*"));
	struct authz_item *versioned = s3_authz_item(&az, p->bucket, "s3:DeleteObjectVersion", S("*"));
	for (size_t i = 0; i < m->n; i++) {
		struct authz_item *item = m->v[i].version_id.p ? versioned : plain;
		struct policy_decision d;
		item->resource = s3_object_arn(rq, p->bucket->name, m->v[i].key);
		if (!authz_evaluate(rq, item, &d))
			m->refused[i] = S("Access Denied");
	}
}

static struct status delete_one(struct req *rq, struct txn *t, struct many *m, size_t i, struct s3_litter *litter)
{
	const struct s3_object_identifier *o = &m->v[i];
	struct s3_object_row row;
	if (m->refused[i].p) {
		add_error(m, o, "AccessDenied", m->refused[i]);
		return OK;
	}
	if (o->version_id.p && !str_eq(o->version_id, S("null"))) {
		add_error(m, o, "NoSuchVersion", S("The specified version does not exist."));
		return OK;
	}
	struct status st = o->key.n > S3_KEY_MAX ? ERR(E_NOT_FOUND) : s3_object_get(t, rq->mem, o->key, &row);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	if (o->etag.p && (failed(st) || !s3_etag_in(o->etag, row.etag))) {
		add_error(m, o, "PreconditionFailed",
			  S("At least one of the pre-conditions you specified did not hold"));
		return OK;
	}
	if (!failed(st))
		TRY(delete_key(rq, t, o->key, &row, litter));
	m->deleted[m->n_deleted++] = (struct s3_deleted_object){ .key = o->key, .version_id = o->version_id };
	return OK;
}

static struct status check_many(struct req *rq, const struct s3_delete *d)
{
	bool vouched = req_in_header(rq, "content-md5").p || rq->payload->claimed;
	if (!d->objects.n || d->objects.n > DELETE_MAX)
		return FAIL(
		    rq, api_MalformedXML,
		    "The XML you provided was not well-formed or did not validate against our published schema");
	return vouched ? OK
		       : FAIL(rq, s3_InvalidRequest,
			      "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

struct status s3_delete_objects(struct req *rq, const struct s3_delete_objects_in *in,
				struct s3_delete_objects_out *out)
{
	struct s3_place *p;
	struct txn *t;
	TRY(s3_enter(rq, in, &p));
	if (rq->http)
		TRY(check_many(rq, in->delete));
	struct many m = {
		.v = in->delete->objects.v,
		.n = in->delete->objects.n,
		.refused = NEWS(rq->mem, struct str, in->delete->objects.n + 1),
		.deleted = NEWS(rq->mem, struct s3_deleted_object, in->delete->objects.n + 1),
		.errors = NEWS(rq->mem, struct s3_error, in->delete->objects.n + 1),
	};
	decide(rq, p, &m);
	struct s3_litter *litter = s3_litter_new(rq);
	TRY(s3_index_write(rq, p, &t));
	for (size_t i = 0; i < m.n; i++)
		TRY(delete_one(rq, t, &m, i, litter));
	out->errors = (struct s3_error_list){ m.errors, m.n_errors };
	if (!in->delete->quiet.v)
		out->deleted = (struct s3_deleted_object_list){ m.deleted, m.n_deleted };
	return OK;
}
