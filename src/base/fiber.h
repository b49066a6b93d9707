/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers: code that reads straight down and waits without holding a thread.
 *
 * A fiber runs on whichever thread steps it. It parks itself, naming what should be
 * done with it once it is off its stack (the handover); whoever completes the wait
 * wakes it through its host. A fiber may be stepped by different threads in turn
 * (event thread -> a shard's writer -> event thread), never by two at once.
 *
 *          fiber_new                  fiber_step                fiber_park
 *     ○ ───────────▶ ready ───────────────────────▶ running ───────────────▶ parked
 *                      ▲                              │ run() returns          │
 *                      └──────── fiber_wake (host) ───┼────────────────────────┘
 *                                                     ▼
 *                                                   done
 *
 * In fiber code do not keep addresses of thread-local variables across a park: the thread
 * may have changed. The compiler keeps some by itself: in a function that parks, use
 * neither errno nor pthread_self on both sides of the park (glibc declares what is behind
 * them "const"); read errno in a function that does not park.
 */
#ifndef BASE_FIBER_H
#define BASE_FIBER_H

#include "base/base.h"

struct fiber;

/* Who steps the fiber at home. wake may be called from any thread, once per park. */
struct fiber_host {
	void (*wake)(struct fiber_host *, struct fiber *);
};

/* What is to be done with a parked fiber, on the stepper's stack, once it is safe to wake it. fn may be NULL. */
struct handover {
	void (*fn)(void *arg, struct fiber *);
	void *arg;
};

enum fiber_state { FIBER_PARKED, FIBER_DONE };

/* Stacks are pooled per process (64 KiB and a guard page; 256 KiB under sanitizers). */
struct fiber *fiber_new(struct fiber_host *host, void (*run)(void *arg), void *arg);
/* Run until it parks (then *out is its handover, which the caller must perform) or is done (then it is gone). */
enum fiber_state fiber_step(struct fiber *f, struct handover *out);
void fiber_park(void (*fn)(void *arg, struct fiber *), void *arg); /* only from within a fiber */
void fiber_wake(struct fiber *f);
struct fiber *fiber_current(void); /* NULL outside */

/*
 * May the running code park for a wait of its own? Not outside a fiber, and not on threads that lend themselves to
 * fibers for something else (a shard's writer, the pool for disk work): they say so for themselves.
 */
bool fiber_may_park(void);
void fiber_forbid_parking(void); /* on this thread, for good */

/*
 * Run fn as a fiber on this thread, sleeping while it is parked; returns when it is done.
 * For jobs, the command line and tests: everything that takes a fiber works here too.
 */
void fiber_block_on(void (*fn)(void *arg), void *arg);

#endif
