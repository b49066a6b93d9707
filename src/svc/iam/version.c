/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions of managed policies ("Versioning IAM policies"): at most five, numbers never
 * used again, one of them the default, which is the one that counts and the one that
 * cannot be deleted.
 */
#include "base/str.h"
#include "svc/iam/iam.h"

struct status iam_managed_document_check(struct req *rq, struct str document)
{
	TRY(iam_document_check_2012(rq, document));
	if (iam_policy_size(document) > IAM_MANAGED_MAX)
		return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for PolicySize: %d", IAM_MANAGED_MAX);
	return OK;
}

static struct str id_of(struct req *rq, uint64_t n) { return arena_printf(rq->mem, "v%llu", (unsigned long long)n); }

static uint64_t number_of(struct str version_key)
{
	struct rd r = rd_of(str_from(version_key, version_key.n - 8));
	return key_take_u64(&r);
}

/* What follows a dot in an id is AWS's own and names nothing here. */
static struct status find(struct req *rq, struct txn *t, const struct iam_managed *m, struct str id, uint64_t *n,
			  struct iam_version_row *row)
{
	struct status st = ERR(E_NOT_FOUND);
	if (str_to_u64(str_from(id, 1), n)) {
		if (m->builtin && *n == 1) {
			*row = (struct iam_version_row){ str_of(m->builtin->document), SET(m->builtin->created_ms) };
			st = OK;
		} else if (!m->builtin && *n) {
			st = iam_row_get(rq->mem, t, iam_version_key(rq->mem, m->row.name, *n), &iam_version_row_shape,
					 row);
		}
	}
	if (st.code != E_NOT_FOUND)
		return st;
	return FAIL(rq, iam_NoSuchEntityException, "Policy %.*s version %.*s does not exist or is not attachable.",
		    PR(m->arn), PR(id));
}

static bool is_default(const struct iam_managed *m, uint64_t n)
{
	return m->builtin ? n == 1 : (int64_t)n == m->row.default_.v;
}

static struct status policy_put(struct req *rq, struct txn *t, struct iam_managed *m)
{
	m->row.updated = (struct opt_int)SET(rq->now_ms);
	return iam_row_put(rq, t, iam_policy_key(rq->mem, m->row.name), &iam_policy_row_shape, &m->row);
}

struct status iam_create_policy_version(struct req *rq, const struct iam_create_policy_version_in *in,
					struct iam_create_policy_version_out *out)
{
	struct txn *t;
	struct iam_managed m;
	struct str_list have;
	struct iam_version_row row = { in->policy_document, SET(rq->now_ms) };
	TRY(iam_managed_document_check(rq, in->policy_document));
	TRY(iam_write(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_CHANGE, &m));
	TRY(iam_keys(rq, t, iam_version_key(rq->mem, m.row.name, 0), &have));
	if (have.n >= IAM_VERSIONS_MAX)
		return FAIL(rq, iam_LimitExceededException,
			    "A managed policy can have up to %d versions. Before you create a new version, you must "
			    "delete an existing version.",
			    IAM_VERSIONS_MAX);
	uint64_t n = (uint64_t)++m.row.last.v;
	if (in->set_as_default)
		m.row.default_.v = m.row.last.v;
	TRY(iam_row_put(rq, t, iam_version_key(rq->mem, m.row.name, n), &iam_version_row_shape, &row));
	TRY(policy_put(rq, t, &m));
	struct iam_policy_version *v = NEW(rq->mem, struct iam_policy_version);
	*v = (struct iam_policy_version){
		.version_id = id_of(rq, n),
		.is_default_version = SET(in->set_as_default),
		.create_date = row.created,
	};
	out->policy_version = v;
	return OK;
}

struct status iam_get_policy_version(struct req *rq, const struct iam_get_policy_version_in *in,
				     struct iam_get_policy_version_out *out)
{
	struct txn *t;
	struct iam_managed m;
	struct iam_version_row row;
	uint64_t n;
	TRY(iam_read(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_READ, &m));
	TRY(find(rq, t, &m, in->version_id, &n, &row));
	struct iam_policy_version *v = NEW(rq->mem, struct iam_policy_version);
	*v = (struct iam_policy_version){
		.document = iam_document_out(rq, row.document),
		.version_id = id_of(rq, n),
		.is_default_version = SET(is_default(&m, n)),
		.create_date = row.created,
	};
	out->policy_version = v;
	return OK;
}

/* A write, with the policy and the version it is about. */
static struct status to_change(struct req *rq, struct str arn, struct str id, struct txn **t, struct iam_managed *m,
			       uint64_t *n)
{
	struct iam_version_row row;
	TRY(iam_write(rq, t));
	TRY(iam_managed_get(rq, *t, arn, IAM_TO_CHANGE, m));
	return find(rq, *t, m, id, n, &row);
}

struct status iam_delete_policy_version(struct req *rq, const struct iam_delete_policy_version_in *in,
					struct iam_delete_policy_version_out *out)
{
	struct txn *t;
	struct iam_managed m;
	uint64_t n;
	(void)out;
	TRY(to_change(rq, in->policy_arn, in->version_id, &t, &m, &n));
	if (is_default(&m, n))
		return FAIL(rq, iam_DeleteConflictException, "Cannot delete the default version of a policy.");
	TRY(txn_del(t, iam_version_key(rq->mem, m.row.name, n)));
	return policy_put(rq, t, &m);
}

struct status iam_set_default_policy_version(struct req *rq, const struct iam_set_default_policy_version_in *in,
					     struct iam_set_default_policy_version_out *out)
{
	struct txn *t;
	struct iam_managed m;
	uint64_t n;
	(void)out;
	TRY(to_change(rq, in->policy_arn, in->version_id, &t, &m, &n));
	m.row.default_.v = (int64_t)n;
	return policy_put(rq, t, &m);
}

/* ---- listing: newest first --------------------------------------------------------------- */

static struct status numbers(struct req *rq, struct txn *t, const struct iam_managed *m, uint64_t *out, size_t *n)
{
	struct str_list keys = { 0 };
	if (m->builtin) {
		out[0] = 1;
		*n = 1;
		return OK;
	}
	TRY(iam_keys(rq, t, iam_version_key(rq->mem, m->row.name, 0), &keys));
	assert(keys.n <= IAM_VERSIONS_MAX);
	for (size_t i = 0; i < keys.n; i++)
		out[i] = number_of(keys.v[keys.n - 1 - i]);
	*n = keys.n;
	return OK;
}

struct status iam_list_policy_versions(struct req *rq, const struct iam_list_policy_versions_in *in,
				       struct iam_list_policy_versions_out *out)
{
	struct txn *t;
	struct iam_managed m;
	struct iam_page page;
	uint64_t number[IAM_VERSIONS_MAX];
	struct str positions[IAM_VERSIONS_MAX];
	size_t n, at, end;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(iam_managed_get(rq, t, in->policy_arn, IAM_TO_READ, &m));
	TRY(numbers(rq, t, &m, number, &n));
	for (size_t i = 0; i < n; i++) {
		struct buf b = buf_in(rq->mem);
		key_desc(&b, number[i]);
		positions[i] = buf_str(&b);
	}
	out->marker = iam_page_cut(rq, &page, positions, n, &at, &end);
	struct iam_policy_version *v = NEWS(rq->mem, struct iam_policy_version, n + 1);
	for (size_t i = at; i < end; i++) {
		struct iam_version_row row;
		uint64_t again;
		TRY(find(rq, t, &m, id_of(rq, number[i]), &again, &row));
		v[i - at] = (struct iam_policy_version){
			.version_id = id_of(rq, number[i]),
			.is_default_version = SET(is_default(&m, number[i])),
			.create_date = row.created,
		};
	}
	out->versions = (struct iam_policy_version_list){ v, end - at };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}
