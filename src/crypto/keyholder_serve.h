/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of keyholder.h: what runs in the guardian and in the keyholder.
 */
#ifndef CRYPTO_KEYHOLDER_SERVE_H
#define CRYPTO_KEYHOLDER_SERVE_H

#include "crypto/keyholder.h"
#include "crypto/rings.h"
#include "crypto/sandbox.h"

/* What guardian and client say to each other, each with a number behind it (a pid, a status code). */
enum keyholder_word { KEYHOLDER_UP = 'U', KEYHOLDER_DOWN = 'D', KEYHOLDER_FAILED = 'F', KEYHOLDER_GO = 'G' };
struct keyholder_said {
	char word;
	int32_t number;
};
bool keyholder_say(int fd, enum keyholder_word word, int number);
bool keyholder_hear(int fd, struct keyholder_said *out); /* false: the other side is gone */

/* The guardian's whole life; does not return. `fd` is its end of the socket pair. */
_Noreturn void guardian_run(struct world *w, const char *root_path, struct rings *rings, int fd);

enum { KEYHOLDER_THREADS_MAX = 8, KEYHOLDER_READY_FD = SANDBOX_FD, KEYHOLDER_NO_SANDBOX = 5 };
/* The keyholder's whole life; does not return. `root` is wiped. Writes one byte to KEYHOLDER_READY_FD when it serves.
 */
_Noreturn void keyholder_run(struct world *w, uint8_t root[32], struct rings *rings);

#endif
