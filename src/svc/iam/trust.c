/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/iam/trust.h"

#include "api/accounts.h"
#include "base/str.h"
#include "wire/json_text.h"

enum { NAMES_MAX = 256 };

struct binding {
	struct req *rq;
	struct json j;
	struct buf out;
	const char *copied; /* up to here the document stands in out */
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

/* ---- rewriting the document: it has been compiled, so its shape is known --------------------------- */

static struct status bind_string(struct binding *b)
{
	const struct iam_trust_name *name;
	(void)json_peek(&b->j);
	const char *begin = b->j.p;
	struct str text = json_string(&b->j);
	TRY(name_of(b, text, &name));
	if (!name)
		return OK;
	buf_put(&b->out, str_make(b->copied, (size_t)(begin - b->copied)));
	buf_printf(&b->out, "\"%.*s\"", PR(name->id));
	b->copied = b->j.p;
	return OK;
}

static struct status bind_aws(struct binding *b)
{
	if (json_peek(&b->j) == '"')
		return bind_string(b);
	if (json_array(&b->j))
		while (json_elem(&b->j))
			TRY(bind_string(b));
	return OK;
}

static struct status bind_principal(struct binding *b)
{
	struct str type;
	if (json_peek(&b->j) != '{') {
		json_skip(&b->j);
		return OK;
	}
	json_object(&b->j);
	while (json_member(&b->j, &type)) {
		if (str_eq(type, S("AWS")))
			TRY(bind_aws(b));
		else
			json_skip(&b->j);
	}
	return OK;
}

static struct status bind_statement(struct binding *b)
{
	struct str name;
	json_object(&b->j);
	while (json_member(&b->j, &name)) {
		if (str_eq(name, S("Principal")) || str_eq(name, S("NotPrincipal")))
			TRY(bind_principal(b));
		else
			json_skip(&b->j);
	}
	return OK;
}

static struct status bind_document(struct binding *b)
{
	struct str name;
	json_object(&b->j);
	while (json_member(&b->j, &name)) {
		if (!str_eq(name, S("Statement"))) {
			json_skip(&b->j);
		} else if (json_peek(&b->j) == '{') {
			TRY(bind_statement(b));
		} else if (json_array(&b->j)) {
			while (json_elem(&b->j))
				TRY(bind_statement(b));
		}
	}
	return json_close(&b->j);
}

struct status iam_trust_bind(struct req *rq, struct str document, struct iam_trust *out)
{
	TRY(iam_document_check(rq, document, POLICY_TRUST));
	if (iam_policy_size(document) > IAM_TRUST_MAX)
		return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for ACLSizePerRole: %d",
			    IAM_TRUST_MAX);
	struct binding b = {
		.rq = rq,
		.j = json_open(rq->mem, document),
		.out = buf_in(rq->mem),
		.copied = document.p,
		.names = NEWS(rq->mem, struct iam_trust_name, NAMES_MAX),
	};
	TRY(bind_document(&b));
	*out = (struct iam_trust){ .document = document, .names = b.names, .n = b.n };
	if (!b.n)
		return OK;
	buf_put(&b.out, str_make(b.copied, (size_t)(document.p + document.n - b.copied)));
	out->bound = buf_str(&b.out);
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
