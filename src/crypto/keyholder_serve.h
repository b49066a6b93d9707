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
enum keyholder_word {
	KEYHOLDER_UP = 'U',
	KEYHOLDER_DOWN = 'D',
	KEYHOLDER_FAILED = 'F',
	KEYHOLDER_GO = 'G',
	KEYHOLDER_ADOPT = 'A', /* to the guardian: a rotation began; and its answer, with bytes when it had not known */
	KEYHOLDER_UNDER_WAY = 'W', /* to the guardian: does a rotation lie beside the root key file? number: 1, 0 */
	KEYHOLDER_FINISH = 'E',    /* and: all is wrapped anew, so it may end (root_rotation_finish) */
	KEYHOLDER_END = 'X',       /* to the guardian: end this keyholder, it cannot be trusted */
	KEYHOLDER_RETIRED = 'R',   /* to a guardian started anew: a root key that was (root_retire) */
};
struct keyholder_said {
	char word;
	bool has_bytes;
	bool by_itself; /* with UP and ADOPT: the root key can be read again without a person */
	int32_t number;
	uint8_t bytes[ROOT_RETIRED_SIZE];
};
bool keyholder_say(int fd, enum keyholder_word word, int number);
bool keyholder_say_bytes(int fd, enum keyholder_word word, const uint8_t bytes[ROOT_RETIRED_SIZE]);
bool keyholder_hear(int fd, struct keyholder_said *out); /* false: the other side is gone */

/* The guardian's whole life; does not return. `fd` is its end of the socket pair. */
_Noreturn void guardian_run(struct world *w, const char *root_path, struct asker *asker, struct rings *rings, int fd);
/* The same in a program of its own, which has the socket and the rings as these files. First it is told RETIRED as
 * often as there is something to tell, then GO. */
enum { GUARDIAN_FD = 3, GUARDIAN_RINGS_FD = 4 };
_Noreturn void guardian_respawned(struct world *w, const char *root_path);

enum { KEYHOLDER_THREADS_MAX = 8, KEYHOLDER_READY_FD = SANDBOX_FD, KEYHOLDER_NO_SANDBOX = 5 };
/* The keyholder's whole life; does not return. `roots` is wiped. Writes one byte to KEYHOLDER_READY_FD when it serves.
 */
_Noreturn void keyholder_run(struct world *w, struct root_set *roots, struct root_offer *offer, struct rings *rings);

#endif
