/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of custom key stores to their tokens, as long as this server runs. Each
 * has a thread that reads the store's row, opens the token, waits until it is gone, and
 * opens it again if the row still wants it:
 *
 *     read row ──▶ wanted ──▶ start, open ──▶ up ──▶ gone ──┐
 *        ▲           │ no          │ refused                │ died: three times in a row
 *        │           ▼             ▼                        ▼
 *        │          end     row: FAILED, end       row: FAILED (INTERNAL_ERROR), end
 *        └───────── a pause ◀── died ──────────────────────┘
 *
 * The thread reads the row itself, so whoever changed it has but to call kms_link_look
 * (CONNECTED) or kms_link_stop (DISCONNECTED) once the change is durable, in any order.
 */
#ifndef KMS_KEY_STORE_LINK_H
#define KMS_KEY_STORE_LINK_H

#include "crypto/token.h"
#include "svc/kms/key_store.h"

struct kms_links;

/* Tokens are held through `driver`, which must live as long. Within a fiber: begins to connect what was connected. */
void kms_links_open(struct app *app, const struct token_driver *driver);
void kms_links_close(struct app *app); /* ends all connections and waits for it; null is allowed */

/* Another one each time that links are opened: what has an older one in its row was begun by a server that ended. */
struct str kms_links_life(struct app *app);

void kms_link_look(struct app *app, struct str account, struct str region, struct str store);
void kms_link_stop(struct app *app, struct str store); /* none of its keys can be used when this returns */

struct kms_connection {
	enum kms_connection_state_type state;
	enum kms_connection_error_code_type error;
};
/* How a store is, whose row is this one. */
struct kms_connection kms_connection_of(struct app *app, struct str store, const struct kms_key_store_row *row);
bool kms_link_up(struct app *app, struct str store);
/* Parks. E_BUSY: not connected, or the connection broke meanwhile. */
struct status kms_link_call(struct app *app, struct str store, const struct token_call *c, struct arena *mem,
			    struct token_answer *out);

#endif
