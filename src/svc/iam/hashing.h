/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where passwords are hashed: on two threads of their own, so that neither an event thread
 * nor one that waits for the disk is held up for a tenth of a second.
 *
 *     a request's fiber ── parks ──▶ queue ──▶ a hashing thread: Argon2id ──▶ home
 *
 * Two at a time bound the memory (2 x 32 MiB), however many ask; with more than HASHING_WAIT_MAX
 * waiting, further ones are turned away at once (E_BUSY: ServiceUnavailable).
 */
#ifndef SVC_IAM_HASHING_H
#define SVC_IAM_HASHING_H

#include "api/req.h"
#include "crypto/password.h"

enum { HASHING_THREADS = 2, HASHING_WAIT_MAX = 64 };

struct iam_hashing;

void iam_hashing_open(struct app *app);  /* sets app->iam_hashing */
void iam_hashing_close(struct app *app); /* when no request is under way; null is allowed */

/* May wait; not after req_write. Where nothing was opened (tests), on the caller's thread. */
struct status iam_hash(struct req *rq, struct password_cost cost, struct str password, struct str salt,
		       uint8_t out[PASSWORD_HASH_SIZE]);

#endif
