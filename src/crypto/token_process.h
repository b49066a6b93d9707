/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token held by a process of its own:
 *
 *      serve ──── a socket pair, a message a call (token.h) ──── token process
 *        │  reader: wakes who waits, reaps                          │  loads the module, logs in,
 *        │                                                          │  holds PIN and key handles
 *        └── starter (starter.h): this same program again ──────────┘
 *
 * A socket and not the keyholder's rings: what a token does takes longer than a message
 * does (a network HSM: milliseconds), a message cannot change while it is read, and a
 * module that runs wild shares no memory with anybody.
 *
 * The process ends with its socket, and with the thread that started it. One that answers
 * nonsense, or not at all for a minute, is killed. What it may do is in token_holder.c.
 */
#ifndef CRYPTO_TOKEN_PROCESS_H
#define CRYPTO_TOKEN_PROCESS_H

#include "crypto/token.h"

#define TOKEN_PROCESS_COMMAND "token-process"
struct starter;
enum { TOKEN_PROCESS_FD = 3, TOKEN_PROCESS_CALLS = 64, TOKEN_PROCESS_PATIENCE_S = 60 };

struct token_process_driver {
	struct token_driver driver;
	const char *program;     /* to be started with TOKEN_PROCESS_COMMAND: "/proc/self/exe" */
	struct starter *starter; /* who starts it; NULL: this process */
};
extern const struct token_process_driver token_processes; /* of this program itself */
int token_process_pid(struct token *t);                   /* 0: gone */

/* What a token's process may: load these modules, a path a line, and reach all files but the hidden ones (landlock.h).
 */
struct token_limits {
	struct str modules;
	const char *const *hidden;
	size_t n_hidden;
};
/* The process's whole life: what the command runs, started by `parent`. Gives the exit status. */
int token_holder_run(int parent, const struct token_limits *limits);
bool token_module_is_listed(struct str modules, struct str path);

#endif
