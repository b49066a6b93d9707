/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers park, are woken from anywhere, and go on where they were, on whatever thread.
 */
#include "base/fiber.h"
#include "base/str.h"
#include "base/test.h"
#include "base/world.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

/* A host that only counts: the test steps by hand. */
struct hand {
	struct fiber_host host;
	int wakes;
};

static void hand_wake(struct fiber_host *host, struct fiber *f)
{
	(void)f;
	((struct hand *)(void *)host)->wakes++;
}

struct note {
	int steps;
	struct fiber *seen;
};

static void parks_twice(void *arg)
{
	struct note *note = arg;
	note->seen = fiber_current();
	note->steps = 1;
	fiber_park(NULL, NULL);
	note->steps = 2;
	fiber_park(NULL, note);
	note->steps = 3;
}

static void a_fiber_goes_on_where_it_parked(void)
{
	struct hand hand = { .host.wake = hand_wake };
	struct note note = { 0 };
	struct handover h;
	struct fiber *f = fiber_new(&hand.host, parks_twice, &note);
	EXPECT(note.steps == 0);
	EXPECT(fiber_step(f, &h) == FIBER_PARKED && note.steps == 1 && h.fn == NULL && h.arg == NULL);
	EXPECT(note.seen == f && fiber_current() == NULL);
	fiber_wake(f);
	EXPECT(hand.wakes == 1);
	EXPECT(fiber_step(f, &h) == FIBER_PARKED && note.steps == 2 && h.arg == &note);
	EXPECT(fiber_step(f, &h) == FIBER_DONE && note.steps == 3);
}

static void hand_over(void *arg, struct fiber *f) { *(struct fiber **)arg = f; }

static void parks_with_handover(void *arg) { fiber_park(hand_over, arg); }

static void the_handover_names_what_the_stepper_must_do(void)
{
	struct hand hand = { .host.wake = hand_wake };
	struct fiber *given = NULL, *f = fiber_new(&hand.host, parks_with_handover, &given);
	struct handover h;
	EXPECT(fiber_step(f, &h) == FIBER_PARKED);
	EXPECT(given == NULL && h.fn == hand_over);
	h.fn(h.arg, f);
	EXPECT(given == f);
	EXPECT(fiber_step(f, &h) == FIBER_DONE);
}

static void returns_at_once(void *arg) { ++*(int *)arg; }

static void a_fiber_that_never_parks_is_done_in_one_step(void)
{
	struct hand hand = { .host.wake = hand_wake };
	struct handover h;
	int n = 0;
	EXPECT(fiber_step(fiber_new(&hand.host, returns_at_once, &n), &h) == FIBER_DONE);
	EXPECT(n == 1);
}

/* Fills some of its stack and checks it after each park. */
static void keeps_its_stack(void *arg)
{
	unsigned char mine[8000];
	double d = (double)*(int *)arg * 1.5;
	memset(mine, *(int *)arg & 0xff, sizeof(mine));
	for (int round = 0; round < 3; round++) {
		fiber_park(NULL, NULL);
		for (size_t i = 0; i < sizeof(mine); i++)
			EXPECT(mine[i] == (*(int *)arg & 0xff));
		EXPECT(d == (double)*(int *)arg * 1.5);
	}
}

static void thousands_of_fibers_keep_their_own_stacks(void)
{
	enum { MANY = 3000 };
	struct hand hand = { .host.wake = hand_wake };
	struct fiber **f = HEAPS(struct fiber *, MANY);
	int *number = HEAPS(int, MANY);
	struct handover h;
	for (int i = 0; i < MANY; i++) {
		number[i] = i;
		f[i] = fiber_new(&hand.host, keeps_its_stack, &number[i]);
	}
	for (int round = 0; round < 4; round++)
		for (int i = 0; i < MANY; i++)
			EXPECT(fiber_step(f[i], &h) == (round == 3 ? FIBER_DONE : FIBER_PARKED));
	heap_free(f);
	heap_free(number);
}

/* ---- several threads ---- */

static void *step_once(void *arg)
{
	struct handover h;
	return fiber_step(arg, &h) == FIBER_DONE ? arg : NULL;
}

static void notes_threads(void *arg)
{
	pid_t *ids = arg;
	for (int i = 0; i < 3; i++) {
		ids[i] = gettid();
		fiber_park(NULL, NULL);
	}
}

static void each_step_may_be_on_another_thread(void)
{
	struct hand hand = { .host.wake = hand_wake };
	pid_t ids[3] = { 0 };
	struct fiber *f = fiber_new(&hand.host, notes_threads, ids);
	void *done = NULL;
	EXPECT(step_once(f) == NULL);
	for (int i = 0; i < 3; i++) {
		pthread_t t;
		EXPECT(done == NULL);
		EXPECT(pthread_create(&t, NULL, step_once, f) == 0);
		pthread_join(t, &done);
	}
	EXPECT(done == f);
	EXPECT(ids[0] == gettid() && ids[1] != ids[0] && ids[2] != ids[0]);
}

/* A queue of fibers that any number of threads step. */
struct crew {
	struct fiber_host host;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct fiber *queue[256];
	size_t head, n, left;
};

static void crew_wake(struct fiber_host *host, struct fiber *f)
{
	struct crew *c = (struct crew *)(void *)host;
	pthread_mutex_lock(&c->lock);
	c->queue[(c->head + c->n++) % COUNT(c->queue)] = f;
	pthread_cond_signal(&c->some);
	pthread_mutex_unlock(&c->lock);
}

static struct fiber *crew_next(struct crew *c)
{
	struct fiber *f = NULL;
	pthread_mutex_lock(&c->lock);
	while (c->n == 0 && c->left)
		pthread_cond_wait(&c->some, &c->lock);
	if (c->n) {
		f = c->queue[c->head++ % COUNT(c->queue)];
		c->n--;
	}
	pthread_mutex_unlock(&c->lock);
	return f;
}

static void *crew_work(void *arg)
{
	struct crew *c = arg;
	struct handover h;
	for (struct fiber *f; (f = crew_next(c));) {
		if (fiber_step(f, &h) == FIBER_PARKED) {
			h.fn(h.arg, f);
			continue;
		}
		pthread_mutex_lock(&c->lock);
		if (--c->left == 0)
			pthread_cond_broadcast(&c->some);
		pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

static void wake_at_once(void *arg, struct fiber *f)
{
	(void)arg;
	fiber_wake(f);
}

struct traveller {
	int rounds;
	bool moved;
};

static void travels(void *arg)
{
	struct traveller *t = arg;
	pid_t start = gettid(); /* pthread_self is "const" to compilers, so they merge its calls */
	struct fiber *self = fiber_current();
	for (; t->rounds < 300; t->rounds++) {
		fiber_park(wake_at_once, NULL);
		EXPECT(fiber_current() == self);
		t->moved |= gettid() != start;
		if (t->rounds % 16 == 0)
			sched_yield();
	}
}

/* How many fibers were on more than one thread. */
static int a_journey(void)
{
	struct crew c = {
		.host.wake = crew_wake, .lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER, .left = 100
	};
	struct traveller t[100] = { 0 };
	pthread_t threads[4];
	int moved = 0;
	for (size_t i = 0; i < COUNT(t); i++)
		crew_wake(&c.host, fiber_new(&c.host, travels, &t[i]));
	for (size_t i = 0; i < COUNT(threads); i++)
		EXPECT(pthread_create(&threads[i], NULL, crew_work, &c) == 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < COUNT(t); i++) {
		EXPECT(t[i].rounds == 300);
		moved += t[i].moved;
	}
	return moved;
}

static void fibers_move_between_threads(void)
{
	int moved = 0;
	for (int i = 0; i < 1000 && !moved;
	     i++) /* again when one thread did it all before the others got a processor */
		moved = a_journey();
	EXPECT(moved > 0);
}

/* ---- fiber_block_on ---- */

struct errand {
	pthread_t thread;
	struct fiber *f;
	bool started;
	int runs;
};

static void *wake_from_a_thread(void *arg)
{
	struct errand *e = arg;
	sched_yield();
	fiber_wake(e->f);
	return NULL;
}

static void send(void *arg, struct fiber *f)
{
	struct errand *e = arg;
	e->f = f;
	e->started = pthread_create(&e->thread, NULL, wake_from_a_thread, e) == 0;
}

static void waits_for_errands(void *arg)
{
	struct errand *e = arg;
	for (; e->runs < 50; e->runs++) {
		fiber_park(send, e);
		EXPECT(e->started);
		pthread_join(e->thread, NULL);
	}
}

static void block_on_sleeps_until_another_thread_wakes_the_fiber(void)
{
	struct errand e = { 0 };
	fiber_block_on(waits_for_errands, &e);
	EXPECT(e.runs == 50);
	EXPECT(fiber_current() == NULL);
}

static void wakes_itself(void *arg)
{
	fiber_park(wake_at_once, NULL);
	++*(int *)arg;
}

static void blocks_inside(void *arg)
{
	struct fiber *self = fiber_current();
	fiber_block_on(wakes_itself, arg);
	EXPECT(fiber_current() == self);
	fiber_park(wake_at_once, NULL);
	++*(int *)arg;
}

static void block_on_works_inside_a_fiber_and_with_a_wake_before_the_wait(void)
{
	int n = 0;
	fiber_block_on(blocks_inside, &n);
	EXPECT(n == 2);
}

static void parks_forever(void *arg)
{
	while (!*(volatile bool *)arg)
		fiber_park(NULL, NULL);
}

/* Not a promise but a figure, printed for the curious. */
static void a_switch_there_and_back_is_cheap(void)
{
	struct hand hand = { .host.wake = hand_wake };
	struct handover h;
	struct world w;
	bool stop = false;
	world_real(&w);
	struct fiber *f = fiber_new(&hand.host, parks_forever, &stop);
	int64_t start = w.mono_us(&w);
	for (int i = 0; i < 200000; i++)
		EXPECT(fiber_step(f, &h) == FIBER_PARKED);
	int64_t step_us = w.mono_us(&w) - start;
	stop = true;
	EXPECT(fiber_step(f, &h) == FIBER_DONE);
	start = w.mono_us(&w);
	int n = 0;
	for (int i = 0; i < 20000; i++)
		EXPECT(fiber_step(fiber_new(&hand.host, returns_at_once, &n), &h) == FIBER_DONE);
	printf("# there and back: %.1f ns; a whole life: %.1f ns\n", (double)step_us / 200.0,
	       (double)(w.mono_us(&w) - start) / 20.0);
}

RUN_ALL(T(a_fiber_goes_on_where_it_parked), T(the_handover_names_what_the_stepper_must_do),
	T(a_fiber_that_never_parks_is_done_in_one_step), T(thousands_of_fibers_keep_their_own_stacks),
	T(each_step_may_be_on_another_thread), T(fibers_move_between_threads),
	T(block_on_sleeps_until_another_thread_wakes_the_fiber),
	T(block_on_works_inside_a_fiber_and_with_a_wake_before_the_wait), T(a_switch_there_and_back_is_cheap))
