/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key policies: GetKeyPolicy, PutKeyPolicy, ListKeyPolicies. A key has exactly one, named
 * "default"; it is the first word on who may do what with the key, and IAM counts only
 * where it says so ("Key policies in AWS KMS").
 *
 * A policy is kept as it was written. It is compiled when it is put, so that one that does
 * not parse never gets in, and again when the key is loaded.
 */
#include "svc/kms/key_policy.h"

#include "api/faults.h"
#include "api/principals.h"
#include "base/str.h"
#include "svc/kms/authorize.h"
#include "svc/kms/key.h"

enum { POLICY_BYTES_MAX = 32 * 1024 };

struct str kms_default_policy(struct req *rq, struct str account)
{
	return arena_printf(rq->mem,
			    "{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"key-default-1\",\n  \"Statement\" : [ {\n"
			    "    \"Sid\" : \"Enable IAM User Permissions\",\n    \"Effect\" : \"Allow\",\n"
			    "    \"Principal\" : {\n      \"AWS\" : \"arn:%.*s:iam::%.*s:root\"\n    },\n"
			    "    \"Action\" : \"kms:*\",\n    \"Resource\" : \"*\"\n  } ]\n}",
			    PR(rq->app->partition), PR(account));
}

static void unref(void *policy) { policy_unref(policy); }

/*
 * "Using set operators with condition keys": ForAllValues with a key that has one value holds also of a request that
 * has no such key, so it lets through what it seems to forbid.
 */
static bool is_overly_permissive(struct policy_condition_view c)
{
	return str_starts(c.op, S("ForAllValues:")) &&
	       (str_starts_ci(c.key, S("kms:EncryptionContext:")) || str_starts_ci(c.key, S("aws:RequestTag/")));
}

static struct status check_set_operators(struct req *rq, const struct policy *policy)
{
	for (size_t i = 0; i < policy_statement_count(policy); i++)
		for (size_t k = 0; k < policy_statement_at(policy, i).conditions; k++)
			if (is_overly_permissive(policy_condition_at(policy, i, k)))
				return FAIL(rq, kms_MalformedPolicyDocumentException,
					    "OverlyPermissiveCondition: Using the ForAllValues set operator with a "
					    "single-valued condition key matches requests without the specified "
					    "[encryption context or tag] or with an unspecified [encryption context or "
					    "tag]. To fix, remove ForAllValues.");
	return OK;
}

struct status kms_policy_check(struct req *rq, struct str text, const struct kms_subject *key, bool bypass,
			       struct str *bound)
{
	struct policy *policy;
	struct policy_error err;
	struct str missing;
	if (text.n > POLICY_BYTES_MAX)
		return FAIL(rq, kms_LimitExceededException, "The key policy is larger than %d bytes.",
			    POLICY_BYTES_MAX);
	if (failed(policy_compile(text, POLICY_RESOURCE, &policy, &err)))
		return FAIL(rq, kms_MalformedPolicyDocumentException, "%s", err.aws);
	req_pin(rq, unref, policy);
	TRY(check_set_operators(rq, policy));
	TRY(principals_bind(rq, text, bound, &missing));
	if (missing.p)
		return FAIL(rq, kms_MalformedPolicyDocumentException,
			    "Policy contains a statement with one or more invalid principals.");
	if (!bypass && !kms_policy_keeps(rq, key, policy))
		return FAIL(rq, kms_MalformedPolicyDocumentException,
			    "The new key policy will not allow you to update the key policy in the future.");
	return OK;
}

static struct status check_name(struct req *rq, struct str name)
{
	if (name.p && !str_eq(name, S("default")))
		return FAIL(rq, kms_NotFoundException, "No such policy exists");
	return OK;
}

struct status kms_get_key_policy(struct req *rq, const struct kms_get_key_policy_in *in,
				 struct kms_get_key_policy_out *out)
{
	TRY(check_name(rq, in->policy_name));
	const struct kms_key *key = kms_found(rq)->key;
	out->policy_name = S("default");
	return principals_shown(rq, kms_text(rq, key->policy_written), policy_text(key->policy), &out->policy);
}

struct status kms_put_key_policy(struct req *rq, const struct kms_put_key_policy_in *in,
				 struct kms_put_key_policy_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	const struct kms_subject subject = { key->arn, key->account, key->tags, key->conditions };
	struct kms_edit e;
	struct str bound;
	(void)out;
	TRY(check_name(rq, in->policy_name));
	TRY(kms_policy_check(rq, in->policy, &subject, in->bypass_policy_lockout_safety_check.v, &bound));
	TRY(kms_edit(rq, &e));
	return kms_policy_put(rq, e.txn, e.id, in->policy, bound);
}

struct status kms_list_key_policies(struct req *rq, const struct kms_list_key_policies_in *in,
				    struct kms_list_key_policies_out *out)
{
	static const struct str names[] = { { "default", 7 } };
	(void)rq;
	(void)in; /* one name: Limit and Marker have nothing to cut */
	out->policy_names = (struct str_list){ names, 1 };
	out->truncated = (struct opt_bool)SET(false);
	return OK;
}
