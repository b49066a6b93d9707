/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of one name there is one at a time, in the order of coming; names do not wait for each
 * other; threads and fibers alike.
 */
#include "base/turns.h"

#include "base/str.h"
#include "base/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct hall {
	struct turns *turns;
	atomic_int inside, most, done;
};

static void come_often(void *arg)
{
	struct hall *h = arg;
	for (int i = 0; i < 200; i++) {
		struct turn turn;
		turn_take(h->turns, &turn, S("a"));
		int now = atomic_fetch_add(&h->inside, 1) + 1;
		if (now > atomic_load(&h->most))
			atomic_store(&h->most, now);
		if (i % 10 == 0)
			usleep(100);
		atomic_fetch_sub(&h->inside, 1);
		turn_give(&turn);
	}
	atomic_fetch_add(&h->done, 1);
}

static void *as_fiber(void *arg)
{
	fiber_block_on(come_often, arg);
	return NULL;
}

static void *as_thread(void *arg)
{
	come_often(arg);
	return NULL;
}

static void of_one_name_there_is_one_at_a_time(void)
{
	enum { N = 8 };
	struct hall h = { .turns = turns_new() };
	pthread_t t[N];
	for (size_t i = 0; i < N; i++)
		EXPECT(pthread_create(&t[i], NULL, i % 2 ? as_fiber : as_thread, &h) == 0);
	for (size_t i = 0; i < N; i++)
		pthread_join(t[i], NULL);
	EXPECT(atomic_load(&h.most) == 1 && atomic_load(&h.done) == N);
	turns_free(h.turns);
}

static void names_do_not_wait_for_each_other(void)
{
	struct turns *turns = turns_new();
	struct turn a, b;
	turn_take(turns, &a, S("a"));
	turn_take(turns, &b, S("b"));
	turn_give(&a);
	turn_take(turns, &a, S("a"));
	turn_give(&b);
	turn_give(&a);
	turns_free(turns);
}

enum { COMERS = 5 };

/* Steps its fibers itself, on this thread. */
struct order {
	struct fiber_host host;
	struct turns *turns;
	struct fiber *woken;
	size_t woken_n, came[COMERS], n;
};

struct comer {
	struct order *order;
	size_t number;
};

static void wake(struct fiber_host *host, struct fiber *f)
{
	struct order *o = ENTRY(host, struct order, host);
	o->woken = f;
	o->woken_n++;
}

static void come_once(void *arg)
{
	struct comer *c = arg;
	struct turn turn;
	turn_take(c->order->turns, &turn, S("a"));
	c->order->came[c->order->n++] = c->number;
	turn_give(&turn);
}

static bool parks(struct fiber *f)
{
	struct handover h;
	if (fiber_step(f, &h) == FIBER_DONE)
		return false;
	h.fn(h.arg, f);
	return true;
}

static void who_came_first_has_it_first(void)
{
	struct order o = { .host = { wake }, .turns = turns_new() };
	struct comer c[COMERS];
	struct turn mine;
	turn_take(o.turns, &mine, S("a"));
	for (size_t i = 0; i < COMERS; i++) {
		c[i] = (struct comer){ &o, i };
		EXPECT(parks(fiber_new(&o.host, come_once, &c[i])));
	}
	EXPECT(o.woken_n == 0);
	turn_give(&mine);
	for (size_t i = 0; i < COMERS; i++) {
		EXPECT(o.woken_n == i + 1 && o.n == i);
		EXPECT(!parks(o.woken));
		EXPECT(o.n == i + 1 && o.came[i] == i);
	}
	turns_free(o.turns);
}

RUN_ALL(T(of_one_name_there_is_one_at_a_time), T(names_do_not_wait_for_each_other), T(who_came_first_has_it_first))
