/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS managed keys ("AWS managed keys"): alias/aws/s3 and its like. One comes into being
 * when its service first asks for it, or when somebody describes it, and may be used by
 * everyone in the account who may use the service, through that service alone: so says its
 * key policy, which nobody can change.
 */
#include "svc/kms/managed.h"

#include "base/str.h"
#include "api/ids.h"
#include "svc/kms/alias.h"
#include "svc/kms/duty.h"
#include "svc/kms/key.h"
#include "svc/kms/note.h"

struct managed {
	const char *service, *name; /* "s3", as it calls itself */
};
static const struct managed services[] = { { "s3", "S3" } };
static const struct str prefix = { "alias/aws/", 10 };

static const struct managed *managed_of(struct str alias)
{
	for (size_t i = 0; str_starts(alias, prefix) && i < COUNT(services); i++)
		if (str_eq(str_from(alias, prefix.n), str_of(services[i].service)))
			return &services[i];
	return NULL;
}

bool kms_managed_wanted(const struct req *rq, struct str alias)
{
	const struct managed *m = managed_of(alias);
	if (!m)
		return false;
	struct str rest = rq->caller.invoked_by;
	return str_eq(str_cut(&rest, '.'), str_of(m->service)) || !strcmp(rq->op->name, "DescribeKey");
}

static struct str policy_of(struct req *rq, const struct managed *m, struct str account)
{
	return arena_printf(
	    rq->mem,
	    "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"auto-%s-2\",\n  \"Statement\" : [ {\n"
	    "    \"Sid\" : \"Allow access through %s for all principals in the account that are authorized to use "
	    "%s\",\n"
	    "    \"Effect\" : \"Allow\",\n    \"Principal\" : {\n      \"AWS\" : \"*\"\n    },\n"
	    "    \"Action\" : [ \"kms:Encrypt\", \"kms:Decrypt\", \"kms:ReEncrypt*\", \"kms:GenerateDataKey*\", "
	    "\"kms:DescribeKey\" ],\n"
	    "    \"Resource\" : \"*\",\n    \"Condition\" : {\n      \"StringEquals\" : {\n"
	    "        \"kms:ViaService\" : \"%s.%.*s.amazonaws.com\",\n        \"kms:CallerAccount\" : \"%.*s\"\n      "
	    "}\n    }\n  }, {\n"
	    "    \"Sid\" : \"Allow direct access to key metadata to the account\",\n    \"Effect\" : \"Allow\",\n"
	    "    \"Principal\" : {\n      \"AWS\" : \"arn:%.*s:iam::%.*s:root\"\n    },\n"
	    "    \"Action\" : [ \"kms:Describe*\", \"kms:Get*\", \"kms:List*\", \"kms:RevokeGrant\" ],\n    "
	    "\"Resource\" : \"*\"\n  } ]\n}",
	    m->service, m->name, m->name, m->service, PR(rq->region), PR(account), PR(rq->app->partition), PR(account));
}

/* Another request may have been faster: then its key is the one. */
static struct status make(struct req *rq, struct txn *t, struct str account, struct str alias, const struct kms_new *k,
			  struct str *id)
{
	struct kms_alias_row have;
	struct kms_key_row row;
	struct status st = kms_alias_get(rq, t, alias, &have);
	if (st.code != E_NOT_FOUND) {
		*id = have.target_key_id;
		return st;
	}
	TRY(kms_key_put_new(rq, t, k, &row));
	TRY(kms_alias_put(rq, t, alias, k->id, rq->now_ms));
	*id = k->id;
	return kms_note_creation(rq, t, k, kms_metadata(rq, account, kms_arn(rq, account, "key/", k->id), k->id, &row));
}

/*
 * The operation is authorized once its key is found. By then this one would be there: so the question is asked before,
 * of IAM, to which the key's policy leaves direct calls. A service's own call was authorized as the caller's.
 */
static bool may_ask(struct req *rq, struct str arn)
{
	return rq->caller.invoked_by.n || req_allowed(rq, rq->op->action, arn, NULL);
}

struct status kms_managed_make(struct req *rq, struct str alias, struct str *id)
{
	const struct managed *m = managed_of(alias);
	struct str account = rq->caller.account;
	struct shard *shard;
	struct txn *t;
	struct kms_new k = {
		.id = id_uuid(rq->app->world, rq->mem),
		.description = arena_printf(
		    rq->mem, "Default key that protects my %s objects when no other key is defined", m->name),
		.policy = policy_of(rq, m, account),
		.spec = KMS_KEY_SPEC_SYMMETRIC_DEFAULT,
		.usage = KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT,
		.manager = KMS_KEY_MANAGER_TYPE_AWS,
	};
	assert(!rq->write);
	if (!may_ask(rq, kms_arn(rq, account, "key/", k.id)))
		return ERR(E_NOT_FOUND);
	TRY(kms_material_new(rq, account, k.id, KMS_FIRST_GENERATION, k.spec, &k.material));
	TRY(kms_region_note(rq, account));
	TRY(kms_shard_make(rq, account, &shard));
	req_read_end(rq);
	TRY(txn_write(shard, &t));
	return txn_finish(t, make(rq, t, account, alias, &k, id));
}
