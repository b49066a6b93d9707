/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tokens: temporary credentials that carry everything about their session.
 *
 * A token is the session sealed under a key derived from the account's: whoever holds
 * the keyring can open it, nobody else can read or make one, and checking it needs no
 * lookup. The access key id it was issued with is inside, so a token cannot be moved to
 * another key.
 */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include "api/req.h"

/* The text to hand out as SessionToken. `who` has kind, account, ARNs, policies, tags, issued_ms, expires_ms set. */
struct status token_seal(struct req *rq, const struct caller *who, struct str secret_key, struct str *token);
/* E_CORRUPT: forged, damaged, or of another server. Expiry is not judged here. */
struct status token_open(struct req *rq, struct str token, struct caller *who, struct str *secret_key);

#endif
