/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may reencrypt: kms:ReEncryptFrom on the source, kms:ReEncryptTo on the destination, each
 * with its own encryption context, algorithm, alias and grants.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/kms/authorize.h"
#include "svc/kms/context.h"
#include "svc/kms/grant.h"
#include "svc/kms/spec.h"
#include "svc/kms/use.h"

enum { ANY_NAME = KMS_BY_ALIAS | KMS_FOREIGN };

struct side {
	const char *action;
	const struct kms_found *found;
	const struct str_map *context;
	const char *algorithm;
	bool by_name;
};

static const char *word(const struct req *rq, const char *member, enum kms_encryption_algorithm_spec v)
{
	return v ? kms_word(rq, member, (int)v) : "SYMMETRIC_DEFAULT";
}

static struct status put_side(struct authz *az, const struct side *s, bool same_key)
{
	struct authz_item *item = kms_put_key_for(az, s->action, s->found->key);
	authz_key(az, item, "kms:RequestAlias", s->found->alias);
	authz_key(az, item, "kms:EncryptionAlgorithm", str_of(s->algorithm));
	authz_key_bool(az, item, "kms:ReEncryptOnSameKey", same_key);
	kms_put_context(az, item, s->context);
	TRY(kms_granted(az->rq, s->found, item->action, s->context, NULL, &item->granted));
	return kms_judge(az->rq, item, s->by_name);
}

static struct status find_source(struct req *rq, const struct kms_re_encrypt_in *in, struct kms_found *out)
{
	if (in->source_key_id.p)
		return kms_find_for(rq, "kms:ReEncryptFrom", in->source_key_id, ANY_NAME, out);
	return kms_find_by_blob(rq, in->ciphertext_blob, "SourceEncryptionAlgorithm", in->source_encryption_algorithm,
				out);
}

/*
 * Who may not use the source is told so whatever the destination is: or a destination that is not there would tell him
 * that another account's source is.
 */
static struct status find_destination(struct authz *az, const struct kms_re_encrypt_in *in, const struct side *source,
				      struct kms_found *out)
{
	struct status st = kms_find_for(az->rq, "kms:ReEncryptTo", in->destination_key_id, ANY_NAME, out);
	if (!failed(st))
		return OK;
	struct fault kept = az->rq->fault;
	TRY(put_side(az, source, false));
	az->rq->fault = kept;
	return st;
}

static void remember_both(struct req *rq, struct kms_found *f, const struct kms_found *to)
{
	struct str *arns = NEWS(rq->mem, struct str, 2);
	arns[0] = f->key->arn;
	arns[1] = to->key->arn;
	f->target = to->key;
	rq->found = f;
	rq->resources = (struct str_list){ arns, str_eq(arns[0], arns[1]) ? 1 : 2 };
}

/* A token is of a grant on the one key or on the other. */
static struct status check_tokens(struct req *rq, struct str_list tokens, const struct kms_found *f)
{
	for (size_t i = 0; i < tokens.n; i++) {
		struct kms_token token;
		TRY(kms_token_open(rq, tokens.v[i], &token));
		if (!str_eq(token.account, f->key->account) && !str_eq(token.account, f->target->account))
			return FAIL(rq, kms_InvalidGrantTokenException, "Invalid grant token.");
	}
	return OK;
}

struct status kms_authorize_reencrypt(struct req *rq, const void *in_, struct authz *az)
{
	const struct kms_re_encrypt_in *in = in_;
	struct kms_found *f = NEW(rq->mem, struct kms_found), to = { 0 };
	struct side from = { "kms:ReEncryptFrom", f, &in->source_encryption_context,
			     word(rq, "SourceEncryptionAlgorithm", in->source_encryption_algorithm),
			     in->source_key_id.p };
	struct side into = { "kms:ReEncryptTo", &to, &in->destination_encryption_context,
			     word(rq, "DestinationEncryptionAlgorithm", in->destination_encryption_algorithm), true };
	TRY(kms_check_ciphertext(rq, in->ciphertext_blob, kms_ignores_ciphertext(in->dry_run.v, in->dry_run_modifiers),
				 in->source_key_id, "SourceKeyId"));
	TRY(kms_context_check(rq, in->source_encryption_context));
	TRY(kms_context_check(rq, in->destination_encryption_context));
	TRY(find_source(rq, in, f));
	TRY(find_destination(az, in, &from, &to));
	remember_both(rq, f, &to);
	TRY(put_side(az, &from, rq->resources.n == 1));
	TRY(put_side(az, &into, rq->resources.n == 1));
	return check_tokens(rq, in->grant_tokens, f);
}
