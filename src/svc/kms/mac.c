/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GenerateMac and VerifyMac, both the keyring's: whoever could verify by himself could make
 * them, too.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/kms/spec.h"
#include "svc/kms/use.h"
#include "svc/kms/used.h"

static struct status begin(struct req *rq, const struct kms_key *key, enum kms_mac_algorithm_spec algorithm,
			   const struct kms_backing **with)
{
	const struct kms_spec *spec = kms_spec_of(key->row.spec);
	TRY(kms_use(rq, key, KMS_KEY_USAGE_TYPE_GENERATE_VERIFY_MAC, with));
	for (size_t i = 0; i < spec->macs.n; i++)
		if (spec->macs.v[i] == algorithm)
			return OK;
	return kms_wrong_algorithm(rq, key, kms_word(rq, "MacAlgorithm", (int)algorithm));
}

static struct status compute(struct req *rq, const struct kms_key *key, const struct kms_backing *with,
			     struct str message, struct str *mac)
{
	struct status st = keyring_hmac(rq->app->keyring, &with->ref, message, rq->mem, mac);
	return failed(st) ? kms_keyring_failed(rq, key, st) : OK;
}

struct status kms_generate_mac(struct req *rq, const struct kms_generate_mac_in *in, struct kms_generate_mac_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	const struct kms_backing *with;
	TRY(begin(rq, key, in->mac_algorithm, &with));
	TRY(kms_dry_run(rq, in->dry_run.v));
	TRY(compute(rq, key, with, in->message, &out->mac));
	out->key_id = kms_text(rq, key->arn);
	out->mac_algorithm = in->mac_algorithm;
	(void)kms_used(rq, key, with);
	return OK;
}

struct status kms_verify_mac(struct req *rq, const struct kms_verify_mac_in *in, struct kms_verify_mac_out *out)
{
	const struct kms_key *key = kms_found(rq)->key;
	const struct kms_backing *with;
	struct str mac;
	TRY(begin(rq, key, in->mac_algorithm, &with));
	TRY(compute(rq, key, with, in->message, &mac));
	if (!secret_eq(mac, in->mac))
		return FAIL(rq, kms_KMSInvalidMacException, "%s", "");
	TRY(kms_dry_run(rq, in->dry_run.v));
	(void)kms_used(rq, key, with);
	*out = (struct kms_verify_mac_out){
		.key_id = kms_text(rq, key->arn),
		.mac_valid = SET(true),
		.mac_algorithm = in->mac_algorithm,
	};
	return OK;
}
