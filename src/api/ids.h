/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identifiers in AWS's forms ("IAM identifiers", unique identifiers): a four-letter prefix
 * that names the kind and base32 characters.
 *
 * Access key ids carry their account, as AWS's do: of the 80 bits after the prefix the
 * first is set, the next 40 are the account number, the rest is random. So whose key it is
 * is known without looking anything up.
 */
#ifndef API_IDS_H
#define API_IDS_H

#include "base/base.h"
#include "base/world.h"

struct str id_unique(struct world *w, struct arena *mem, const char *prefix); /* AIDA, AROA, ANPA: 21 characters */
struct str id_access_key(struct world *w, struct arena *mem, const char *prefix,
			 struct str account); /* 20 characters */
/* The 12 digits inside. E_INVALID when the id is not of that form (an operator's own root key id may not be). */
struct status id_access_key_account(struct arena *mem, struct str access_key_id, struct str *account);
struct str id_secret_key(struct world *w, struct arena *mem); /* 40 characters of base64 */
struct str id_uuid(struct world *w, struct arena *mem);
struct str id_s3_request(struct world *w, struct arena *mem); /* 16 characters 0-9A-Z */

#endif
