/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refusal in full, for those who may read it: which statement denied, and what every
 * condition key had for a value ("DecodeAuthorizationMessage"). That can tell more than
 * whoever was refused may know, so it travels sealed in the error's text: opaque to him,
 * and opened by sts:DecodeAuthorizationMessage for callers of his account who have that
 * permission. Only services whose model says encoded_denials give it.
 */
#ifndef API_DENIAL_H
#define API_DENIAL_H

#include "api/authz.h"

enum {
	DENIAL_TEXT_MAX = 10240, /* characters of a sealed message: what DecodeAuthorizationMessage takes */
	DENIAL_JSON_MAX = 7400,
};

/* What was asked and refused, as AWS's JSON. Never longer than DENIAL_JSON_MAX: what does not fit is left out. */
struct str denial_json(struct arena *mem, const struct authz_item *item, const struct policy_request *asked,
		       const struct policy_decision *d);
/* Sealed under the caller's account; text in rq->mem. Asks the keyring, so it may park: not on a writer. */
struct status denial_seal(struct req *rq, struct str json, struct str *text);
/* In rq->mem. E_CORRUPT: forged, damaged, or not of rq->caller's account. */
struct status denial_open(struct req *rq, struct str text, struct str *json);

#endif
