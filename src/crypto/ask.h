/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking for a passphrase or a PIN: from a file descriptor that somebody gave us, else on the terminal, without echo.
 * What was told is remembered until ask_end, so that a command that opens a directory twice asks once.
 *
 * The terminal is /dev/tty, whatever standard input is. Ctrl-C and Ctrl-D give up (E_CLOSED) and leave the terminal as
 * it was; so does a signal that is to end the process.
 */
#ifndef CRYPTO_ASK_H
#define CRYPTO_ASK_H

#include "base/base.h"

enum { ASK_MAX = 1024 };

struct asker {
	int fd;        /* to read the answer from, up to its end or a newline; -1: none */
	bool terminal; /* may ask there */
	bool told;     /* `answer` holds what was told */
	size_t n;
	char answer[ASK_MAX];
};

/* Nobody to ask. */
#define ASK_NOBODY ((struct asker){ .fd = -1 })

/*
 * *out is a view of a->answer. `twice`: a new secret, which a person types twice. E_UNSUPPORTED: nobody is there to be
 * asked (the log says so). E_CLOSED: gave up. E_INVALID: empty, too long, or the two were not the same.
 */
struct status ask_secret(struct asker *a, const char *what, bool twice, struct str *out);
/* It was wrong. True: a person is there who may be asked anew. */
bool ask_again(struct asker *a);
void ask_end(struct asker *a); /* wipes */

/* Has a signal come, and is blocked, that is to end this process? */
bool ask_interrupted(void);

#endif
