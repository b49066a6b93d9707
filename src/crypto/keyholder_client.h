/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of the keyholder from inside; for its own three files alone.
 *
 *     keyholder.c        starting and stopping
 *     keyholder_calls.c  who has which slot, who waits for what; the reaper, which wakes them
 *     keyholder_watch.c  the monitor: deaths, and what follows them
 *
 * One mutex guards the free slots, the list of those that wait for one, and the table of
 * who waits for an answer. It is held for a few instructions, never across a wait.
 */
#ifndef CRYPTO_KEYHOLDER_CLIENT_H
#define CRYPTO_KEYHOLDER_CLIENT_H

#include "crypto/keyholder_serve.h"
#include "crypto/starter.h"

#include <pthread.h>
#include <sys/types.h>

struct waiter;

struct keyholder {
	struct rings *rings;
	int fd; /* to the guardian */
	struct started guardian;
	pthread_t reaper, monitor;

	pthread_mutex_t lock;
	bool up, stopping;
	uint16_t free[RING_SLOTS];
	size_t n_free;
	struct waiter *line, **line_end;    /* for a slot */
	struct waiter *answers[RING_SLOTS]; /* for an answer, by slot */
	uint32_t popped;                    /* of to_client */
	bool distrusted;                    /* it answered what was not asked, and is being ended */
	struct keyring_health health;

	/* Of guardian and root keys. */
	struct world *w;
	const char *root_path;
	struct starter *starter; /* NULL: no other guardian */
	bool by_itself;          /* the root key can be read without a person */
	int rings_fd;
	int holder_fd; /* a pidfd of the keyholder; -1: none */
	pthread_cond_t heard;
	bool asking;   /* one at a time: until he who asked the guardian has taken its answer */
	bool answered; /* it has */
	int said;      /* what */
	uint8_t retired[ROOTS_MAX]
		       [ROOT_RETIRED_SIZE]; /* root keys that were, sealed, in the order in which they went */
	size_t n_retired;
};

/* ---- calls ---- */

void *keyholder_reap(void *arg);                /* a thread's life; arg: the keyholder */
void keyholder_fail_calls(struct keyholder *h); /* down: all who wait for an answer get E_BUSY */
/*
 * Nothing more is taken from the keyholder, and it is ended, unless that is its last word: once it is up, when it is
 * not yet. With the lock held.
 */
void keyholder_distrust(struct keyholder *h);

/* ---- deaths ---- */

void *keyholder_watch(void *arg); /* a thread's life */
void keyholder_went_up(struct keyholder *h, const struct keyholder_said *said);
bool keyholder_is_stopping(struct keyholder *h);

#endif
