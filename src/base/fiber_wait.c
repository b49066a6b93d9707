/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handover of a park is the moment from which a fiber may be woken, so that is when its
 * wait starts.
 */
#include "base/fiber_wait.h"

struct starting {
	void (*start)(void *arg);
	void *arg;
};

static void hand_over(void *arg, struct fiber *f)
{
	const struct starting *s = arg; /* on the fiber's stack: not to be looked at any more once it was started */
	(void)f;
	s->start(s->arg);
}

void fiber_wait(struct fiber_wait *w, bool parks, void (*start)(void *arg), void *arg)
{
	struct starting s = { start, arg };

	w->fiber = parks && fiber_may_park() ? fiber_current() : NULL;
	if (w->fiber) {
		fiber_park(hand_over, &s);
		return;
	}
	sem_init(&w->ended, 0, 0);
	start(arg);
	while (sem_wait(&w->ended) != 0) /* a signal came */
		;
	sem_destroy(&w->ended);
}

void fiber_wait_end(struct fiber_wait *w)
{
	if (w->fiber)
		fiber_wake(w->fiber);
	else
		sem_post(&w->ended);
}
