/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom key stores: a token (PKCS #11) that the operator told of, given a name and a PIN
 * by an account, and the keys that are in it.
 *
 *     DISCONNECTED ── Connect ──▶ CONNECTING ──▶ CONNECTED        DISCONNECTING ──▶ DISCONNECTED
 *          ▲                        │    ▲           │ it died         ▲ Disconnect
 *          │                        ▼    └───────────┘                 │
 *          └────── Disconnect ── FAILED        (from CONNECTED, CONNECTING and FAILED)
 *
 * The row says what is wanted (CONNECTED, DISCONNECTED) or what came of it (FAILED); the
 * rest is what the connection of the moment does (key_store_link.h). So a store that was
 * connected is connected again after a restart, and one whose PIN was wrong is not tried
 * until somebody says so: tokens lock themselves after a few wrong ones.
 */
#ifndef KMS_KEY_STORE_H
#define KMS_KEY_STORE_H

#include "svc/kms/key.h"

enum { KMS_STORES_MAX = 10, KMS_HSMS_MAX = 100 };

/* ---- rows -------------------------------------------------------------------------
 *     V <store id>           KeyStoreRow        N <name>              the id of the store of that name
 *     T <cluster id>         HsmRow           U <store id> <key>    "" : the keys in a store
 *     X <store id> <key>     "" : keys that are gone, but perhaps not yet from the token; a life (kms_links_life): keys
 *                            that were to be made then, and are not in a store (yet)
 */
struct str kms_store_key(struct arena *mem, char tag, struct str a, struct str b);
struct status kms_store_get(struct req *rq, struct txn *t, struct str id,
			    struct kms_key_store_row *row); /* E_NOT_FOUND */
struct status kms_store_put(struct req *rq, struct txn *t, struct str id, const struct kms_key_store_row *row);
struct status kms_hsm_get(struct req *rq, struct txn *t, struct str cluster, struct kms_hsm_row *row);
struct status kms_hsm_put(struct req *rq, struct txn *t, struct str cluster, const struct kms_hsm_row *row);

/* Of the caller's account in the request's region, in a snapshot; CustomKeyStoreNotFoundException. */
struct status kms_store_load(struct req *rq, struct str id, struct shard **shard, struct kms_key_store_row *row);
struct status kms_no_store(struct req *rq, struct str id_or_name);
/* CustomKeyStoreInvalidStateException: it is that state that is in the way. */
struct status kms_store_wrong_state(struct req *rq, struct str id, enum kms_connection_state_type state);

/* The PIN as it is stored. Waits: not after req_write. */
struct status kms_pin_seal(struct req *rq, struct str account, struct str store, struct str pin, struct str *sealed);
struct status kms_pin_open(struct req *rq, struct str account, struct str store, struct str sealed, struct str *pin);

/* ---- keys in stores -------------------------------------------------------------------- */

static inline bool kms_in_store(const struct kms_key_row *row) { return row->custom_key_store_id.n > 0; }
/* What a key that is made in that store must be like, and is the store connected? For CreateKey. */
struct status kms_store_check_new(struct req *rq, const struct kms_create_key_in *in);
/* The key itself, in the token. Writes down first that it is to come, so that a crash leaves none there that nobody
 * knows of: the next life destroys it. Waits; a transaction of its own. KMSInternalException. */
struct status kms_store_generate(struct req *rq, struct str store, struct str id);
/* In the key's own transaction: the store is there still, connected, and has it now. */
struct status kms_store_adopt(struct req *rq, struct txn *t, struct str store, struct str id, struct str *cluster);
/* In the transaction that shreds the key: what is in the token is to follow. */
struct status kms_store_orphan(struct req *rq, struct txn *t, struct str store, struct str id);
/* Destroys in the token what was orphaned, and what an earlier life began to make, if the store is connected. Waits;
 * opens transactions of its own. */
void kms_store_bury(struct req *rq, struct shard *shard, struct str store);
/* KMSInvalidStateException unless the key's store is connected. Of any other key: OK. */
struct status kms_store_ready(struct req *rq, struct str arn, const struct kms_key_row *row);
/* Adds what is to be said of a key in a store beyond its own row: CloudHsmClusterId, and Unavailable while it is not
 * connected. */
struct status kms_store_describe(struct req *rq, const struct kms_key_row *row, struct shard *shard,
				 struct kms_key_metadata *m);

#endif
