/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two rings of slot numbers, and the slots, in memory that two processes share:
 *
 *     client ── call in slot 7 ──▶ to_holder:  .. 3 7 ──▶ keyholder: copies the slot, answers in it
 *     client ◀── answer in slot 7 ── to_client: .. 7 ◀──┘
 *
 * The slot is its taker's until the answer was read; a number stands in a ring only between
 * being pushed and being popped, so a ring with room for all numbers is never full.
 *
 * A wake-up (a system call) is paid only when the other side sleeps. Who is about to sleep
 * says so, looks once more, and sleeps unless something came (a futex):
 *
 *     consumer: sleepers++ ── ring still empty? ── futex wait on `bell` ── sleepers--
 *     producer: push ── (full barrier) ── sleepers > 0? ── bell++, futex wake
 *
 * Each side keeps its own count of where it is and takes from the other nothing but a
 * count and numbers, which it checks: the keyholder trusts nothing that it reads here.
 */
#ifndef CRYPTO_RINGS_H
#define CRYPTO_RINGS_H

#include "base/base.h"
#include "crypto/keyring_call.h"

#include <stdatomic.h>

enum { RING_SLOTS = 128 };

struct ring {
	_Alignas(64) _Atomic uint32_t pushed; /* how many ever; wraps */
	_Alignas(64) _Atomic uint32_t sleepers;
	_Atomic uint32_t bell;
	_Atomic uint32_t busy; /* consumers that are at something that takes long */
	_Atomic uint32_t consumers;
	_Atomic uint16_t at[RING_SLOTS];
};

struct ring_slot {
	_Alignas(64) _Atomic uint32_t n;
	char bytes[KEY_CALL_MAX];
};

struct rings {
	struct ring to_holder, to_client;
	struct ring_slot slots[RING_SLOTS];
};

/* Shared with children made by fork from now on, left out of core dumps, locked where that is allowed. NULL: no
 * memory. *fd: the memory as a file without a name, close-on-exec, of a size that nobody can change any more, for
 * rings_of in another program (NULL: it is not that); fd == NULL: not wanted. */
struct rings *rings_new(int *fd);
struct rings *rings_of(int fd);
void rings_free(struct rings *r); /* null is allowed */
/* For a new keyholder, while there is none. Only the client's own threads may be using them, to sleep. */
void rings_clear(struct rings *r);

/* One producer at a time: callers hold a lock of their own. */
void ring_push(struct ring *r, uint16_t slot);
/* To be asked after pushing: does a consumer sleep, and none is awake that is about to look again? */
bool ring_should_wake(struct ring *r);
void ring_wake(struct ring *r);
/* A consumer begins (or ends) something long: when more is waiting another one is woken for it. */
void ring_busy(struct ring *r, bool begins);

uint32_t ring_pushed(const struct ring *r); /* how many ever, as the other side says */
/*
 * One consumer at a time. *mine is the consumers' own count of what they popped. E_NOT_FOUND: empty. E_CORRUPT: the
 * other side wrote nonsense.
 */
struct status ring_pop(struct ring *r, uint32_t *mine, uint16_t *slot);
/*
 * Sleep until something is pushed beyond `mine`, as it was when a pop found nothing, or the bell rings after it was
 * at `bell`: so who has more than the ring to look at takes the bell first, looks, and then sleeps. May return for
 * no reason.
 */
uint32_t ring_bell(struct ring *r);
void ring_sleep(struct ring *r, uint32_t mine, uint32_t bell);

/*
 * The bytes of a slot, copied out (the other side may change them meanwhile) to `room` of KEY_CALL_MAX bytes.
 * E_INVALID: a length that cannot be.
 */
struct status ring_slot_read(struct ring_slot *s, char *room, struct str *out);

#endif
