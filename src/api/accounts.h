/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounts this server holds, and the keys under each: account key > service keys.
 *
 * Kept in the system shard, loaded at start, changed only by `holdfast init` and `holdfast
 * account create`. Root credentials live here too: a root access key may be any text the
 * operator chose and need not name its account.
 *
 * Every service's key is made together with the account (and for services that are new
 * to this data directory, at start), so on the request path everything is in memory.
 */
#ifndef API_ACCOUNTS_H
#define API_ACCOUNTS_H

#include "api/app.h"
#include "crypto/aead.h"

struct accounts;

struct account {
	struct str id;           /* 12 digits */
	struct str canonical_id; /* S3's 64 hex digits */
	int64_t created_ms;
};

struct account_root {
	struct str access_key_id, secret_key;
};

/*
 * Within a fiber. `system` is the key above the system shard; app's world, keyring, store and services must be set.
 * The accounts, and what these functions return, live until accounts_close.
 */
struct status accounts_open(struct app *app, const struct key_ref *system, struct accounts **out);
void accounts_close(struct accounts *a); /* wipes the secrets; null is allowed */

/*
 * Within a fiber. E_EXISTS: the id or the access key id is taken; E_INVALID: an id that is not 12 digits, an access
 * key id that is not 3 to 128 of A-Z a-z 0-9 _ - . or begins with ASIA, a secret that is not 1 to 128 bytes.
 */
struct status account_create(struct accounts *a, struct str id, struct account_root root, const struct account **out);

/*
 * Within a fiber. While the root key is rotated: wraps every account's key under the newest root key, in one commit;
 * *n is how many were not before. What is in memory stays as it was, which the keyring still opens.
 */
struct status accounts_rewrap(struct accounts *a, size_t *n);

const struct account *account_find(const struct accounts *a, struct str id); /* NULL: not ours */
const struct account *account_at(const struct accounts *a, size_t i); /* in order of creation; NULL past the end */
/* The account whose root has that access key id, and the key's secret, as long as `a`; NULL: none, *secret untouched.
 */
const struct account *account_by_root_key(const struct accounts *a, struct str access_key_id, struct str *secret);
struct account_root account_root_of(const struct accounts *a, struct str id); /* empty: not ours */

/* The key above the shards and objects of `service` in `account`. E_NO_KEY: no such account or service. */
struct status account_service_key(struct accounts *a, struct str account, struct str service,
				  const struct key_ref **out);
/*
 * A data key under the service's key, for what is sealed or opened on every request (session tokens, the keys of
 * objects that are not under a KMS key): derived once by the keyring and held in this process, as a shard's page key
 * is. Lives until accounts_close. E_NO_KEY: no such account or service; else what the keyring says.
 */
struct status account_data_key(struct accounts *a, struct str account, struct str service, const struct aead_key **out);

#endif
