/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyholder: the process that holds the root key and every key under it, so that the
 * process that reads strangers' requests holds none of them.
 *
 *      serve ────────────── rings in shared memory ─────────────▶ keyholder
 *        │  clients' slots, a reaper that wakes who waits,           ▲  two threads; no files, no sockets,
 *        │  a monitor that learns of deaths                          │  no system calls but a few (sandbox.h)
 *        │                                                           │ fork, again after a death
 *        └──────── a socket pair: up, down, go ──────────────── guardian
 *                                                                 reads the root key once, keeps it in locked
 *                                                                 memory, reads no request, waits for deaths
 *
 * States of the client:
 *
 *     starting ── 'U' ──▶ up ── 'D': the keyholder died ──▶ down: all calls under way and new ones fail with E_BUSY
 *                         ▲                                   │ rings cleared, 'G' sent
 *                         └────────────── 'U' ────────────────┘
 *     guardian gone: down; if the root key can be read without a person, a new guardian is started (starter.h: this
 *     process may not, and has threads, which fork would not copy), else it stays down and the log says so
 *
 * When serve ends, however it ends, the socket closes and both others end.
 * For keyring.c; other folders have keyring.h.
 */
#ifndef CRYPTO_KEYHOLDER_H
#define CRYPTO_KEYHOLDER_H

#include "crypto/keyring_call.h"

struct keyholder;

/*
 * Starts guardian and keyholder (fork: call it before this process has threads) and waits until they serve. What
 * keyring_open says about the root key; E_IO when there is no memory or no process to be had; E_CLOSED when a signal
 * is to end this process meanwhile (a person is asked).
 */
struct status keyholder_start(struct world *w, const char *root_path, const struct keyring_apart *apart,
			      struct keyholder **out);
void keyholder_stop(struct keyholder *h); /* null is allowed; no call may be under way */

/*
 * Has a call answered over there. `parks`: a calling fiber is parked meanwhile, else the thread waits. out->out is in
 * mem, out->secret from `secrets`. What key_local_answer says; E_BUSY when the keyholder is or goes down, E_TOO_BIG for
 * what no slot holds.
 */
struct status keyholder_call(struct keyholder *h, bool parks, struct secret_pool *secrets, const struct key_call *c,
			     struct arena *mem, struct key_answer *out);

/* Guardian and keyholder get the root key of a rotation that has begun; then KEY_OP_ADOPT takes it. */
struct status keyholder_adopt(struct keyholder *h);
struct status keyholder_rotation_under_way(struct keyholder *h, bool *is);
struct status keyholder_rotation_finish(struct keyholder *h);

struct keyring_health keyholder_health(struct keyholder *h); /* null: keys in this process */

#endif
