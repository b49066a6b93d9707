/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KMS asks to be allowed: the operation on the key, decided by the key policy and, as
 * far as that delegates to the account, by IAM; for aliases on the alias and the key; for a
 * new key on no key at all. "Condition keys for AWS KMS" says which keys go with what.
 *
 * The operations that take aliases and other accounts' keys are those for which AWS has
 * kms:RequestAlias; the model's rows say which.
 */
#include "api/accounts.h"
#include "api/faults.h"
#include "api/ids.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/kms/alias.h"
#include "svc/kms/authorize.h"
#include "svc/kms/blob.h"
#include "svc/kms/context.h"
#include "svc/kms/grant.h"
#include "svc/kms/key.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/rotation.h"
#include "svc/kms/spec.h"
#include "svc/kms/tags.h"
#include "svc/kms/usage.h"
#include "svc/kms/use.h"

#include <inttypes.h>

/* ---- items --------------------------------------------------------------------- */

static void push(struct authz *az, struct authz_item *item, struct str name, const struct str *values, size_t n,
		 bool multi)
{
	struct authz_key *k = NEW(az->rq->mem, struct authz_key);
	*k = (struct authz_key){ name, values, n, multi, item->keys };
	item->keys = k;
}

/* "s3.amazonaws.com" asks as "s3.us-east-1.amazonaws.com". */
static struct str via_service(struct req *rq)
{
	struct str rest = rq->caller.invoked_by;
	struct str first = str_cut(&rest, '.');
	return rest.p ? arena_printf(rq->mem, "%.*s.%.*s.%.*s", PR(first), PR(rq->region), PR(rest)) : first;
}

static void put_account(struct authz *az, struct authz_item *item)
{
	const struct caller *who = &az->rq->caller;
	if (who->kind != CALLER_ANONYMOUS && who->kind != CALLER_SERVICE)
		authz_key(az, item, "kms:CallerAccount", who->account);
}

void kms_put_caller(struct authz *az, struct authz_item *item)
{
	const struct caller *who = &az->rq->caller;
	put_account(az, item);
	if (who->invoked_by.n && who->kind != CALLER_SERVICE)
		authz_key(az, item, "kms:ViaService", via_service(az->rq));
}

/* A key's own ones, shared by all requests: they come last, and are never written to. */
static void put_shared(struct authz_item *item, struct authz_key *conditions)
{
	struct authz_key **end = &item->keys;
	while (*end)
		end = &(*end)->next;
	*end = conditions;
}

struct authz_item *kms_put_key_for(struct authz *az, const char *action, const struct kms_key *key)
{
	struct authz_item *item = authz_add(az, action, key->arn);
	item->resource_account = key->account;
	item->resource_policy = key->policy;
	item->mode = POLICY_KEY;
	item->resource_tags = key->tags;
	kms_put_caller(az, item);
	put_shared(item, key->conditions);
	return item;
}

struct authz_item *kms_put_key(struct authz *az, const struct kms_key *key) { return kms_put_key_for(az, NULL, key); }

void kms_remember(struct req *rq, const struct kms_key *key)
{
	struct str *arn = NEW(rq->mem, struct str);
	*arn = key->arn;
	rq->resources = (struct str_list){ arn, 1 };
}

/* ---- members, by name, of whichever operation it is ------------------------------- */

static const void *member(const struct req *rq, const void *in, const char *name)
{
	const struct shape *s = rq->op->in;
	for (uint32_t i = 0; i < s->n_members; i++)
		if (!strcmp(s->members[i].name, name))
			return (const char *)in + s->members[i].offset;
	return NULL;
}

static struct str text_of(const struct req *rq, const void *in, const char *name)
{
	const struct str *at = member(rq, in, name);
	return at ? *at : (struct str){ 0 };
}

static bool has_condition(const struct req *rq, const char *name)
{
	for (const struct condition *c = rq->op->conditions; c->key; c++)
		if (!strcmp(c->key, name))
			return true;
	return false;
}

/* ---- keys -------------------------------------------------------------------------- */

static struct status check_grant_tokens(struct req *rq, const void *in, const struct kms_key *key)
{
	const struct str_list *tokens = member(rq, in, "GrantTokens");
	if (!tokens || !tokens->n || !kms_declares(rq, kms_InvalidGrantTokenException))
		return OK;
	return kms_tokens_check(rq, *tokens, key);
}

/* In the same words whether the key is there or not: whoever holds a blob learns nothing of its key. */
static struct status blob_not_yours(struct req *rq)
{
	return FAIL(rq, api_AccessDeniedException,
		    "The ciphertext refers to a customer master key that does not exist, "
		    "does not exist in this region, or you are not allowed to access.");
}

static struct status find_by_blob(struct req *rq, struct str bytes, struct kms_found *out)
{
	struct kms_blob blob;
	if (failed(kms_blob_parse(bytes, &blob)))
		return FAIL(rq, kms_InvalidCiphertextException, "%s", "");
	struct str account = str_make(blob.account, sizeof blob.account),
		   id = str_make(blob.key_id, sizeof blob.key_id);
	struct kms_found found = { 0 };
	struct status st = ERR(E_NOT_FOUND);
	if (account_find(rq->app->accounts, account))
		st = kms_find_id(rq, account, id, &found);
	if (st.code == E_NOT_FOUND)
		return blob_not_yours(rq);
	TRY(st);
	*out = found;
	return OK;
}

/* The ciphertext of an asymmetric key does not name it. */
struct status kms_find_by_blob(struct req *rq, struct str blob, const char *algorithm_member,
			       enum kms_encryption_algorithm_spec algorithm, struct kms_found *out)
{
	if (algorithm > KMS_ENCRYPTION_ALGORITHM_SPEC_SYMMETRIC_DEFAULT)
		return FAIL(rq, api_ValidationException, "KeyId is required with the algorithm %s.",
			    kms_word(rq, algorithm_member, (int)algorithm));
	return find_by_blob(rq, blob, out);
}

static struct status find_key(struct req *rq, const void *in, struct kms_found *out)
{
	struct str name = text_of(rq, in, "KeyId"), blob = text_of(rq, in, "CiphertextBlob");
	if (!name.p && blob.p) {
		const enum kms_encryption_algorithm_spec *algorithm = member(rq, in, "EncryptionAlgorithm");
		return kms_find_by_blob(rq, blob, "EncryptionAlgorithm", *algorithm, out);
	}
	unsigned flags = has_condition(rq, "kms:RequestAlias") ? KMS_BY_ALIAS | KMS_FOREIGN : 0;
	if (!strcmp(rq->op->name, "GetKeyRotationStatus"))
		flags = KMS_FOREIGN; /* the one that takes keys of other accounts, but no aliases */
	return kms_find(rq, name, flags, out);
}

/* Decrypt alone has it. */
static struct status check_ciphertext(struct req *rq, const void *in)
{
	const struct str *blob = member(rq, in, "CiphertextBlob");
	const struct kms_dry_run_modifier_type_list *modifiers = member(rq, in, "DryRunModifiers");
	const struct opt_bool *dry_run = member(rq, in, "DryRun");
	if (!blob)
		return OK;
	return kms_check_ciphertext(rq, *blob, kms_ignores_ciphertext(dry_run->v, *modifiers), text_of(rq, in, "KeyId"),
				    "KeyId");
}

void kms_put_context(struct authz *az, struct authz_item *item, const struct str_map *context)
{
	struct arena *mem = az->rq->mem;
	if (!context->n)
		return;
	struct str *keys = NEWS(mem, struct str, context->n);
	for (size_t i = 0; i < context->n; i++) {
		struct buf name = buf_in(mem);
		buf_put(&name, S("kms:EncryptionContext:"));
		buf_put(&name, context->v[i].key);
		push(az, item, buf_str(&name), &context->v[i].value, 1, false);
		keys[i] = context->v[i].key;
	}
	push(az, item, S("kms:EncryptionContextKeys"), keys, context->n, true);
}

/* A denial across accounts by the key's policy must not tell whether the key is there. */
struct status kms_judge(struct req *rq, const struct authz_item *item, bool by_name)
{
	struct policy_decision d;
	if (str_eq(item->resource_account, rq->caller.account))
		return OK;
	req_owner(rq, item->resource_account);
	if (authz_evaluate(rq, item, &d) || d.by != POLICY_RESOURCE)
		return OK; /* allowed, or refused in the caller's own account: the pipeline says so */
	struct status st = by_name ? kms_not_yours(rq, item->action, item->resource) : blob_not_yours(rq);
	struct authz_denial *why = NEW(rq->mem, struct authz_denial);
	*why = (struct authz_denial){ item->action, item->resource, rq->fault.text, d };
	rq->denial = why;
	return st;
}

struct status kms_judge_foreign(struct req *rq, const void *in, const struct authz_item *item)
{
	return kms_judge(rq, item, !text_of(rq, in, "CiphertextBlob").p || text_of(rq, in, "KeyId").p);
}

/* Where the operation has no such member, and where a service of ours leaves it to the default. */
static void put_default_algorithm(struct authz *az, struct authz_item *item, const void *in)
{
	const enum kms_encryption_algorithm_spec *said = member(az->rq, in, "EncryptionAlgorithm");
	if (!said || !*said)
		authz_key(az, item, "kms:EncryptionAlgorithm", S("SYMMETRIC_DEFAULT"));
}

static void put_default_period(struct authz *az, struct authz_item *item, const void *in)
{
	const struct opt_int *said = member(az->rq, in, "RotationPeriodInDays");
	if (said && !said->set)
		authz_key_int(az, item, "kms:RotationPeriodInDays", KMS_ROTATE_DAYS);
}

/* A date, but told in Unix time, as the policies of "kms:ValidTo" have it: with numeric operators. */
static void put_valid_to(struct authz *az, struct authz_item *item, const void *in)
{
	const struct opt_int *said = member(az->rq, in, "ValidTo");
	if (said && said->set)
		authz_key(
		    az, item, "kms:ValidTo",
		    arena_printf(az->rq->mem, "%" PRId64 ".%03d", said->v / SECOND_MS, (int)(said->v % SECOND_MS)));
}

/* What must be looked up, for the operations that have it. */
static struct status put_idle_days(struct authz *az, struct authz_item *item, const struct kms_found *f)
{
	int64_t days;
	if (!has_condition(az->rq, "kms:TrailingDaysWithoutKeyUsage"))
		return OK;
	TRY(kms_usage_idle_days(az->rq, f, &days));
	authz_key_int(az, item, "kms:TrailingDaysWithoutKeyUsage", days);
	return OK;
}

struct status kms_authorize_key(struct req *rq, const void *in, struct authz *az)
{
	struct kms_found *f = NEW(rq->mem, struct kms_found);
	const struct str_map *context = member(rq, in, "EncryptionContext");
	const struct kms_tag_list *tags = member(rq, in, "Tags");
	TRY(check_ciphertext(rq, in));
	if (context)
		TRY(kms_context_check(rq, *context));
	TRY(find_key(rq, in, f));
	rq->found = f;
	kms_remember(rq, f->key);
	struct authz_item *item = kms_put_key(az, f->key);
	authz_key(az, item, "kms:RequestAlias", f->alias);
	if (context) {
		kms_put_context(az, item, context);
		put_default_algorithm(az, item, in);
	}
	if (tags)
		authz_request_tags(az, item, kms_tag_map(rq->mem, *tags));
	put_default_period(az, item, in);
	put_valid_to(az, item, in);
	TRY(put_idle_days(az, item, f));
	TRY(kms_granted(rq, f, item->action, context, NULL, &item->granted));
	TRY(kms_judge_foreign(rq, in, item)); /* first: what a token is, a stranger learns of no key by it */
	return check_grant_tokens(rq, in, f->key);
}

/* ---- aliases --------------------------------------------------------------------------- */

static void put_alias(struct authz *az, struct str alias)
{
	struct authz_item *item = authz_add(az, NULL, kms_arn(az->rq, az->rq->caller.account, "", alias));
	kms_put_caller(az, item);
}

/* The key, if there is one, and the alias, in the order in which AWS names them. */
static void remember_both(struct req *rq, struct str alias, const struct kms_key *key, bool key_first)
{
	struct str *arns = NEWS(rq->mem, struct str, 2);
	size_t n = 0;
	if (key && key_first)
		arns[n++] = key->arn;
	arns[n++] = kms_arn(rq, rq->caller.account, "", alias);
	if (key && !key_first)
		arns[n++] = key->arn;
	rq->resources = (struct str_list){ arns, n };
}

/* The key an alias names now; none is fine: then the handler says what AWS says. */
static struct status present_target(struct req *rq, struct str alias, struct kms_found *f)
{
	struct str id;
	struct status st = kms_shard(rq, rq->caller.account, &f->shard);
	if (!failed(st))
		st = kms_alias_target(rq, f->shard, alias, &id);
	if (!failed(st))
		st = kms_find_id(rq, rq->caller.account, id, f);
	return st.code == E_NOT_FOUND ? OK : st;
}

static struct status find_target(struct req *rq, struct str name, struct kms_found *f)
{
	struct kms_found target = { 0 };
	if (kms_names_alias(name))
		return FAIL(rq, api_ValidationException, "Aliases must refer to keys. Not aliases");
	TRY(kms_find(rq, name, 0, &target));
	f->target = target.key;
	f->shard = target.shard;
	return OK;
}

struct status kms_authorize_alias(struct req *rq, const void *in, struct authz *az)
{
	struct kms_found *f = NEW(rq->mem, struct kms_found);
	struct str alias = text_of(rq, in, "AliasName"), target = text_of(rq, in, "TargetKeyId");
	struct kms_found before = { 0 };
	bool is_new = !strcmp(rq->op->name, "CreateAlias");
	TRY(kms_alias_check(rq, alias));
	f->alias = alias;
	TRY(present_target(rq, alias, is_new ? &before : f)); /* if it named a key whose day has come, it is gone now */
	if (target.p)
		TRY(find_target(rq, target, f));
	rq->found = f;
	remember_both(rq, alias, f->target ? f->target : f->key, is_new);
	put_alias(az, alias);
	if (f->key)
		kms_put_key(az, f->key);
	if (f->target && f->target != f->key)
		kms_put_key(az, f->target);
	return OK;
}

/* ---- custom key stores ------------------------------------------------------------------- */

struct status kms_authorize_store(struct req *rq, const void *in, struct authz *az)
{
	(void)rq, (void)in;
	put_account(az, authz_add(az, NULL, S("*"))); /* and no kms:ViaService */
	return OK;
}

/* ---- new keys ------------------------------------------------------------------------------ */

struct status kms_authorize_create(struct req *rq, const void *in_, struct authz *az)
{
	const struct kms_create_key_in *in = in_;
	struct str *id = NEW(rq->mem, struct str);
	struct str_map tags = kms_tag_map(rq->mem, in->tags);
	struct str spec = str_of(kms_word(rq, "KeySpec", (int)kms_asked_spec(in)));
	struct str usage = str_of(kms_usage_name(in->key_usage ? in->key_usage : KMS_KEY_USAGE_TYPE_ENCRYPT_DECRYPT));
	/* now, so that tagging is judged on the key that will be */
	*id = in->multi_region ? kms_multi_region_id(rq) : id_uuid(rq->app->world, rq->mem);
	rq->found = id;
	struct authz_item *item = authz_add(az, NULL, S("*"));
	kms_put_caller(az, item);
	authz_key(az, item, "kms:KeySpec", spec);
	authz_key(az, item, "kms:CustomerMasterKeySpec", spec);
	authz_key(az, item, "kms:KeyUsage", usage);
	authz_key(az, item, "kms:CustomerMasterKeyUsage", usage);
	if (in->multi_region)
		authz_key(az, item, "kms:MultiRegionKeyType", S("PRIMARY"));
	authz_request_tags(az, item, tags);
	if (!tags.n)
		return OK;
	item = authz_add(az, "kms:TagResource", kms_arn(rq, rq->caller.account, "key/", *id));
	kms_put_caller(az, item);
	authz_request_tags(az, item, tags);
	return OK;
}

/*
 * IAM is left out of it: a policy that hands the decision to the account locks nobody out,
 * because the account's administrators can still allow themselves.
 */
bool kms_policy_keeps(struct req *rq, const struct kms_subject *key, const struct policy *policy)
{
	struct authz az = { .rq = rq };
	struct caller_policies kept = rq->policies;
	struct policy_decision d;
	az.last = &az.first;
	struct authz_item *item = authz_add(&az, "kms:PutKeyPolicy", key->arn);
	item->resource_account = key->account;
	item->resource_policy = policy;
	item->resource_tags = key->tags;
	item->mode = POLICY_KEY;
	kms_put_caller(&az, item);
	put_shared(item, key->conditions);
	rq->policies = (struct caller_policies){ 0 };
	bool allowed = authz_evaluate(rq, item, &d);
	rq->policies = kept;
	return allowed || (d.verdict == POLICY_IMPLICIT_DENY && d.by == POLICY_IDENTITY);
}
