/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wait ends once, by whoever ends it and whenever: before it really began, or from another
 * thread; for fibers and for threads.
 */
#include "base/fiber_wait.h"

#include "base/test.h"

#include <pthread.h>

struct errand {
	struct fiber_wait wait;
	pthread_t thread;
	bool parks, at_once, parked;
	int runs;
};

static void *end_it(void *arg)
{
	struct errand *e = arg;
	fiber_wait_end(&e->wait);
	return NULL;
}

static void start(void *arg)
{
	struct errand *e = arg;

	e->runs++;
	e->parked = e->wait.fiber && !fiber_current(); /* off the fiber's stack */
	if (e->at_once)
		fiber_wait_end(&e->wait);
	else
		EXPECT(pthread_create(&e->thread, NULL, end_it, e) == 0);
}

static void waits_often(void *arg)
{
	struct errand *e = arg;

	for (int i = 0; i < 100; i++) {
		e->at_once = i % 2;
		fiber_wait(&e->wait, e->parks, start, e);
		if (!e->at_once)
			pthread_join(e->thread, NULL);
	}
}

static void a_fiber_parks(void)
{
	struct errand e = { .parks = true };
	fiber_block_on(waits_often, &e);
	EXPECT(e.runs == 100 && e.parked);
}

static void a_fiber_that_shall_not_park_sleeps(void)
{
	struct errand e = { .parks = false };
	fiber_block_on(waits_often, &e);
	EXPECT(e.runs == 100 && !e.parked);
}

static void a_thread_sleeps(void)
{
	struct errand e = { .parks = true };
	waits_often(&e);
	EXPECT(e.runs == 100 && !e.parked);
}

static void *forbids(void *arg)
{
	fiber_forbid_parking();
	fiber_block_on(waits_often, arg);
	return NULL;
}

static void nobody_parks_where_that_is_forbidden(void)
{
	struct errand e = { .parks = true };
	pthread_t t;
	EXPECT(pthread_create(&t, NULL, forbids, &e) == 0);
	pthread_join(t, NULL);
	EXPECT(e.runs == 100 && !e.parked);
}

RUN_ALL(T(a_fiber_parks), T(a_fiber_that_shall_not_park_sleeps), T(a_thread_sleeps),
	T(nobody_parks_where_that_is_forbidden))
