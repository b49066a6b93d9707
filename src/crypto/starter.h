/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The starter: does for serve what serve gave up before it read its first request. A process
 * of its own, forked before that, with one thread; it can be asked for three things, and
 * nothing that it is sent says which program or which file.
 *
 *      serve ──── "a guardian", "a token's process": with their sockets ───▶ starter ──▶ this program again
 *            ──── "serving, at these addresses" ──────────────────────────▶         ──▶ the ready file
 *
 * It ends with serve, and what it started for tokens with it. Without one (tests) processes are started by whoever
 * asks.
 */
#ifndef CRYPTO_STARTER_H
#define CRYPTO_STARTER_H

#include "base/base.h"
#include "base/world.h"

#define GUARDIAN_COMMAND "guardian" /* of this program; followed by the root key file */

enum { STARTER_TEXT_MAX = 2048 };

struct starter;

/* What it will start processes with, and where it will write; all of them outlive nothing but the call. */
struct starter_wish {
	const char *root_path; /* a guardian's; what tokens' processes cannot reach */
	const char *data;      /* nor this */
	const char *modules;   /* they are told this one's name, first of all */
	const char *ready;     /* NULL: no ready file */
};

/* Before threads are started. E_IO. */
struct status starter_new(struct world *w, const struct starter_wish *wish, struct starter **out);
void starter_free(struct starter *s);   /* null is allowed */
void starter_forget(struct starter *s); /* in a process forked by serve: it asks for nothing; null is allowed */

/* A process: not always a child of ours. */
struct started {
	int pid, fd; /* 0: none; a pidfd, -1: none */
	bool ours;   /* our child */
};
struct started started_of(int pid); /* a child of ours */
void started_kill(const struct started *p);
void started_wait(struct started *p); /* until it is gone; then *p is none */

/* Any thread. E_IO: it could not be started; E_CLOSED: there is no starter any more. The files stay the caller's. */
struct status starter_guardian(struct starter *s, int socket, int rings, struct started *out);
/* s may be NULL: then `program` is started by this process. */
struct status starter_token(struct starter *s, const char *program, int socket, struct started *out);
/* Durable, all at once, mode 0644. E_INVALID: no ready file is wished for. E_TOO_BIG, E_CLOSED. */
struct status starter_ready(struct starter *s, struct str text);

#endif
