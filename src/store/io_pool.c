/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool: a queue of fibers and of work nobody waits for, and threads that step and do them.
 */
#include "store/io_pool.h"

#include "base/fiber.h"

#include <pthread.h>

enum { IO_THREADS_MAX = 16, JOBS_MAX = 64 };

struct waiting {
	struct waiting *next;
	struct fiber *fiber; /* NULL: a job, which is the queue's to free */
	void (*fn)(void *arg);
	void *arg;
};

struct io_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct waiting *head, **tail;
	bool stopping;
	unsigned n, jobs;
	pthread_t threads[IO_THREADS_MAX];
};

static struct waiting *next_waiting(struct io_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (!pool->head && !pool->stopping)
		pthread_cond_wait(&pool->work, &pool->lock);
	struct waiting *w = pool->head;
	if (w) {
		pool->head = w->next;
		pool->jobs -= !w->fiber;
		if (!pool->head)
			pool->tail = &pool->head;
	}
	pthread_mutex_unlock(&pool->lock);
	return w;
}

static void step(struct fiber *f)
{
	struct handover h;
	if (fiber_step(f, &h) == FIBER_PARKED && h.fn)
		h.fn(h.arg, f);
}

static void *io_thread(void *arg)
{
	struct io_pool *pool = arg;
	fiber_forbid_parking();
	for (struct waiting *w; (w = next_waiting(pool));) {
		if (w->fiber) {
			step(w->fiber); /* w was on its stack */
			continue;
		}
		w->fn(w->arg);
		heap_free(w);
	}
	return NULL;
}

struct io_pool *io_pool_new(unsigned threads)
{
	assert(threads > 0 && threads <= IO_THREADS_MAX);
	struct io_pool *pool = HEAP(struct io_pool);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->tail = &pool->head;
	for (; pool->n < threads; pool->n++) {
		int rc = pthread_create(&pool->threads[pool->n], NULL, io_thread, pool);
		assert(rc == 0);
	}
	return pool;
}

void io_pool_free(struct io_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n; i++)
		pthread_join(pool->threads[i], NULL);
	assert(!pool->head);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	heap_free(pool);
}

static bool on_pool(const struct io_pool *pool)
{
	for (unsigned i = 0; i < pool->n; i++)
		if (pthread_equal(pool->threads[i], pthread_self()))
			return true;
	return false;
}

/* The queue's entry lives on the parked fiber's own stack. */
struct move {
	struct io_pool *pool;
	struct waiting entry;
};

/* Under the lock. */
static void queue(struct io_pool *pool, struct waiting *w)
{
	assert(!pool->stopping);
	*pool->tail = w;
	pool->tail = &w->next;
	pthread_cond_signal(&pool->work);
}

static void move_in(void *arg, struct fiber *f)
{
	struct move *m = arg;
	struct io_pool *pool = m->pool;
	pthread_mutex_lock(&pool->lock);
	m->entry.fiber = f;
	queue(pool, &m->entry);
	pthread_mutex_unlock(&pool->lock);
}

static void move_home(void *arg, struct fiber *f)
{
	(void)arg;
	fiber_wake(f);
}

bool io_pool_enter(struct io_pool *pool)
{
	if (!pool || !fiber_current() || on_pool(pool))
		return false;
	struct move m = { .pool = pool };
	fiber_park(move_in, &m);
	return true;
}

void io_pool_leave(bool moved)
{
	if (moved)
		fiber_park(move_home, NULL);
}

bool io_pool_run(struct io_pool *pool, void (*fn)(void *arg), void *arg)
{
	if (!pool)
		return false;
	pthread_mutex_lock(&pool->lock);
	bool room = pool->jobs < JOBS_MAX;
	if (room) {
		struct waiting *w = HEAP(struct waiting);
		w->fn = fn;
		w->arg = arg;
		pool->jobs++;
		queue(pool, w);
	}
	pthread_mutex_unlock(&pool->lock);
	return room;
}
