/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting once, whoever waits: a fiber parks, anything else sleeps on its thread.
 *
 *     struct call { struct fiber_wait wait; ... } c;
 *     fiber_wait(&c.wait, true, send, &c);       send(&c) leaves &c with whoever will answer
 *                                                ... who ends it: fiber_wait_end(&c->wait)
 *
 * A fiber parks only where it may (fiber_may_park); elsewhere, as on a shard's writer, its thread sleeps.
 */
#ifndef BASE_FIBER_WAIT_H
#define BASE_FIBER_WAIT_H

#include "base/fiber.h"

#include <semaphore.h>

struct fiber_wait {
	struct fiber *fiber; /* NULL: a thread, on `ended` */
	sem_t ended;
};

/*
 * Runs start(arg), once what waits can be woken, and returns when the wait was ended. start, or whoever it leaves word
 * with, calls fiber_wait_end exactly once, maybe at once. It does not run as the fiber: it must not park. `parks`
 * false: the thread sleeps even where a fiber may park.
 */
void fiber_wait(struct fiber_wait *w, bool parks, void (*start)(void *arg), void *arg);
/* From any thread. w, and all that stands beside it, may be gone when this returns. */
void fiber_wait_end(struct fiber_wait *w);

#endif
