/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may make, see and end grants ("Controlling access to grants").
 *
 *     CreateGrant              key policy and IAM; or a grant with CreateGrant, for what is within it
 *     ListGrants, RevokeGrant  key policy and IAM
 *     RetireGrant              the grant itself: its retiring principal, or its grantee where RetireGrant is among
 *                              the operations; and, by IAM alone, the account of the key and the one that made it.
 *                              A key policy has no say.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/kms/authorize.h"
#include "svc/kms/context.h"
#include "svc/kms/grant.h"

/* ---- condition keys -------------------------------------------------------------------- */

static bool declares(const struct req *rq, const char *key)
{
	for (const struct condition *c = rq->op->conditions; c->key; c++)
		if (!strcmp(c->key, key))
			return true;
	return false;
}

/* Services of AWS that use grants ask for them on behalf of who uses the service. */
static void put_for_aws(struct authz *az, struct authz_item *item)
{
	if (declares(az->rq, "kms:GrantIsForAWSResource"))
		authz_key_bool(az, item, "kms:GrantIsForAWSResource", az->rq->caller.invoked_by.n > 0);
}

/* Of a grant that is made or retired: its constraint, with the pairs as an encryption context. */
static void put_constraint(struct authz *az, struct authz_item *item, struct str_map subset, struct str_map equals)
{
	if (equals.n)
		authz_key(az, item, "kms:GrantConstraintType", S("EncryptionContextEquals"));
	else if (subset.n)
		authz_key(az, item, "kms:GrantConstraintType", S("EncryptionContextSubset"));
	struct str_map *pairs = NEW(az->rq->mem, struct str_map);
	*pairs = equals.n ? equals : subset;
	kms_put_context(az, item, pairs);
}

/* ---- CreateGrant, ListGrants, RevokeGrant -------------------------------------------------- */

static struct str key_name(const struct req *rq, const void *in)
{
	if (!strcmp(rq->op->name, "CreateGrant"))
		return ((const struct kms_create_grant_in *)in)->key_id;
	if (!strcmp(rq->op->name, "ListGrants"))
		return ((const struct kms_list_grants_in *)in)->key_id;
	return ((const struct kms_revoke_grant_in *)in)->key_id;
}

static struct status put_new_grant(struct authz *az, struct authz_item *item, const struct kms_found *f,
				   const struct kms_create_grant_in *in)
{
	struct req *rq = az->rq;
	struct kms_grant_row child = { .operations = in->operations };
	if (in->constraints) {
		child.subset = in->constraints->encryption_context_subset;
		child.equals = in->constraints->encryption_context_equals;
		child.source_arn = in->constraints->source_arn;
		authz_key(az, item, "kms:GrantConstraintSourceArn", child.source_arn);
		TRY(kms_context_check(rq, child.subset));
		TRY(kms_context_check(rq, child.equals));
	}
	put_constraint(az, item, child.subset, child.equals);
	return kms_granted(rq, f, item->action, NULL, &child, &item->granted);
}

struct status kms_authorize_grant(struct req *rq, const void *in, struct authz *az)
{
	struct kms_found *f = NEW(rq->mem, struct kms_found);
	TRY(kms_find(rq, key_name(rq, in), KMS_FOREIGN, f));
	rq->found = f;
	kms_remember(rq, f->key);
	struct authz_item *item = kms_put_key(az, f->key);
	put_for_aws(az, item);
	if (strcmp(rq->op->name, "CreateGrant") != 0)
		return kms_judge_foreign(rq, in, item);
	const struct kms_create_grant_in *create = in;
	TRY(put_new_grant(az, item, f, create));
	TRY(kms_judge_foreign(rq, in, item)); /* first: a token must not tell a stranger whether the key is there */
	return kms_tokens_check(rq, create->grant_tokens, f->key);
}

/* ---- RetireGrant ------------------------------------------------------------------------------ */

static struct status find_by_token(struct req *rq, struct str text, struct kms_retiring *r)
{
	struct kms_token token;
	TRY(kms_token_open(rq, text, &token));
	r->grant_id = token.grant_id;
	struct status st = kms_find_id(rq, token.account, token.key_id, &r->found);
	return st.code == E_NOT_FOUND ? kms_no_key(rq, kms_arn(rq, token.account, "key/", token.key_id)) : st;
}

static struct status find_grant(struct req *rq, const struct kms_retire_grant_in *in, struct kms_retiring *r)
{
	if (!in->grant_token.p == (!in->key_id.p && !in->grant_id.p) || !in->key_id.p != !in->grant_id.p)
		return FAIL(rq, api_ValidationException,
			    "Either a grant token, or both a key ID and a grant ID, must be specified.");
	if (in->grant_token.p)
		return find_by_token(rq, in->grant_token, r);
	TRY(kms_grant_id_check(rq, in->grant_id));
	r->grant_id = in->grant_id;
	return kms_find(rq, in->key_id, KMS_FOREIGN, &r->found);
}

/* As whom the grant lets the caller retire it. */
static enum policy_granted may_retire(const struct req *rq, const struct kms_grant_row *g)
{
	struct kms_names names = kms_names_of(&rq->caller);
	bool grantee = kms_grant_bits(g->operations) & kms_grant_bit(KMS_GRANT_OPERATION_RETIRE_GRANT);
	for (size_t i = 0; i < names.n; i++)
		if (str_eq(names.v[i].id, g->retiring_id) || (grantee && str_eq(names.v[i].id, g->grantee_id)))
			return names.v[i].as;
	return str_eq(rq->caller.account, g->issuer) ? POLICY_GRANTED_ACCOUNT : POLICY_GRANTED_NOBODY;
}

/*
 * In the key's own account IAM alone may allow it: the standard mode, with no policy of the resource. From another one
 * nothing does but the grant.
 */
static struct authz_item *put_retiring(struct authz *az, const struct kms_found *f)
{
	struct authz_item *item = kms_put_key(az, f->key);
	item->resource_policy = NULL;
	if (str_eq(f->key->account, az->rq->caller.account))
		item->mode = POLICY_STANDARD;
	return item;
}

/* What the trail has besides: AWS records the grant, not the token. */
static void note_grant(struct req *rq, struct str grant_id)
{
	rq->record_extra = arena_printf(rq->mem, "{\"grantId\":\"%.*s\"}", PR(grant_id));
}

struct status kms_authorize_retire(struct req *rq, const void *in_, struct authz *az)
{
	const struct kms_retire_grant_in *in = in_;
	struct kms_retiring *r = NEW(rq->mem, struct kms_retiring);
	struct kms_grant_row *g = NEW(rq->mem, struct kms_grant_row);
	struct txn *t;
	TRY(find_grant(rq, in, r));
	rq->found = r;
	kms_remember(rq, r->found.key);
	note_grant(rq, r->grant_id);
	struct authz_item *item = put_retiring(az, &r->found);
	TRY(req_read(rq, r->found.shard, &t));
	struct status st = kms_grant_get(t, rq->mem, r->found.key->id, r->grant_id, g);
	if (st.code == E_NOT_FOUND && in->grant_token.p)
		return kms_no_grant(rq, r->grant_id); /* who has its token knows that it was there */
	if (st.code != E_NOT_FOUND) {
		TRY(st);
		put_constraint(az, item, g->subset, g->equals);
		item->granted = may_retire(rq, g);
	}
	return kms_judge_foreign(rq, in, item);
}
