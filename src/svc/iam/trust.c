/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beside binding the document (api/principals.h) it remembers whom it bound, so that the write
 * can look once more: between the check and the commit somebody may have been deleted.
 */
#include "svc/iam/trust.h"

#include "api/accounts.h"
#include "api/principals.h"
#include "base/str.h"

enum { NAMES_MAX = 256 };

struct binding {
	struct req *rq;
	struct iam_trust_name *names;
	size_t n;
};

static struct status invalid(struct req *rq, struct str arn)
{
	return FAIL(rq, iam_MalformedPolicyDocumentException, "Invalid principal in policy: \"AWS\":\"%.*s\"", PR(arn));
}

/* ---- who is named -------------------------------------------------------------------------- */

static struct status look_up(struct req *rq, struct iam_trust_name *name)
{
	struct shard *shard;
	struct txn *t;
	struct iam_entity_row row;
	req_read_end(rq); /* a request has room for few snapshots, a document for many accounts */
	TRY(iam_shard(rq, name->account, &shard));
	TRY(req_read(rq, shard, &t));
	struct status st = iam_entity_find(rq->mem, t, name->kind, name->name, &row);
	if (st.code == E_NOT_FOUND)
		return invalid(rq, name->arn);
	TRY(st);
	name->id = row.id;
	name->name = row.name;
	struct str arn = iam_entity_arn(rq->mem, rq->app->partition, name->account, name->kind, &row);
	return str_eq(arn, name->arn) ? OK : invalid(rq, name->arn);
}

/* A user or role of an account held here. Others (accounts, sessions, strangers) are taken as they are written. */
static bool ours(struct req *rq, struct str arn, struct iam_trust_name *out)
{
	struct arn parts;
	if (failed(arn_parse(arn, &parts)) || !str_eq(parts.service, S("iam")) ||
	    !account_find(rq->app->accounts, parts.account))
		return false;
	bool user = str_starts(parts.resource, S("user/")), role = str_starts(parts.resource, S("role/"));
	*out = (struct iam_trust_name){
		.arn = arn,
		.account = parts.account,
		.name = str_after_last(parts.resource, '/'),
		.kind = user ? IAM_USER : IAM_ROLE,
	};
	return user || role;
}

static const struct iam_trust_name *known(const struct binding *b, struct str arn)
{
	for (size_t i = 0; i < b->n; i++)
		if (str_eq(b->names[i].arn, arn))
			return &b->names[i];
	return NULL;
}

static struct status name_of(struct binding *b, struct str arn, const struct iam_trust_name **out)
{
	struct iam_trust_name name;
	*out = known(b, arn);
	if (*out || !ours(b->rq, arn, &name))
		return OK;
	if (b->n == NAMES_MAX)
		return invalid(b->rq, arn);
	TRY(look_up(b->rq, &name));
	b->names[b->n] = name;
	*out = &b->names[b->n++];
	return OK;
}

/* ---- the document ------------------------------------------------------------------------- */

static struct status bind_one(void *arg, struct str text, struct str *instead)
{
	const struct iam_trust_name *name;
	TRY(name_of(arg, text, &name));
	if (name)
		*instead = name->id;
	return OK;
}

struct status iam_trust_bind(struct req *rq, struct str document, struct iam_trust *out)
{
	TRY(iam_document_check(rq, document, POLICY_TRUST));
	if (iam_policy_size(document) > IAM_TRUST_MAX)
		return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for ACLSizePerRole: %d",
			    IAM_TRUST_MAX);
	struct binding b = { .rq = rq, .names = NEWS(rq->mem, struct iam_trust_name, NAMES_MAX) };
	*out = (struct iam_trust){ .document = document };
	TRY(principals_rewrite(rq->mem, document, bind_one, &b, &out->bound));
	out->names = b.names;
	out->n = b.n;
	return OK;
}

struct status iam_trust_recheck(struct req *rq, struct txn *t, const struct iam_trust *trust)
{
	for (size_t i = 0; i < trust->n; i++) {
		const struct iam_trust_name *name = &trust->names[i];
		struct iam_entity_row row;
		if (!str_eq(name->account, rq->account))
			continue;
		struct status st = iam_entity_find(rq->mem, t, name->kind, name->name, &row);
		if (st.code == E_NOT_FOUND || (!failed(st) && !str_eq(row.id, name->id)))
			return invalid(rq, name->arn);
		TRY(st);
	}
	return OK;
}
