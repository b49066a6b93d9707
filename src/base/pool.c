/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two levels of free lists, see pool.h.
 *
 * The thread's own list is only touched inside the functions below, which are never
 * inlined: a fiber may change threads between two calls, and a compiler that kept the
 * address of a thread-local across the change would hand one thread's list to another.
 *
 * A dying thread gives its blocks to the process's list, even past that list's bound:
 * threads are few and this is not the place to know how a block is freed.
 */
#include "base/pool.h"

#include <pthread.h>

struct block {
	struct block *next;
};

struct freelist {
	struct block *head;
	size_t n;
};

/* How many blocks a thread and the process keep. A thread moves half of its share at a time. */
static const struct {
	size_t thread, process;
} limits[POOL_COUNT] = {
	[POOL_CHUNK_8K] = { 32, 128 }, [POOL_CHUNK_16K] = { 16, 64 }, [POOL_CHUNK_32K] = { 4, 16 },
	[POOL_CHUNK_64K] = { 2, 16 },  [POOL_STACK] = { 32, 256 },
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct freelist shared[POOL_COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static _Thread_local struct {
	struct freelist list[POOL_COUNT];
	bool registered;
} mine;

/* Others may look at a shared list's count without the lock (refill). */
static void count(struct freelist *l, size_t n) { __atomic_store_n(&l->n, n, __ATOMIC_RELAXED); }

static void push(struct freelist *l, struct block *b)
{
	b->next = l->head;
	l->head = b;
	count(l, l->n + 1);
}

static struct block *pop(struct freelist *l)
{
	struct block *b = l->head;
	if (b) {
		l->head = b->next;
		count(l, l->n - 1);
	}
	return b;
}

static void give_back(void *lists)
{
	struct freelist *l = lists;
	pthread_mutex_lock(&lock);
	for (size_t id = 0; id < POOL_COUNT; id++)
		for (struct block *b; (b = pop(&l[id]));)
			push(&shared[id], b);
	pthread_mutex_unlock(&lock);
}

static void make_key(void)
{
	if (pthread_key_create(&at_thread_end, give_back) != 0)
		abort();
}

static void register_thread(void)
{
	pthread_once(&once, make_key);
	pthread_setspecific(at_thread_end, mine.list);
	mine.registered = true;
}

static void refill(enum pool_id id, struct freelist *own)
{
	if (__atomic_load_n(&shared[id].n, __ATOMIC_RELAXED) == 0)
		return;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < limits[id].thread / 2; i++) {
		struct block *b = pop(&shared[id]);
		if (!b)
			break;
		push(own, b);
	}
	pthread_mutex_unlock(&lock);
}

static void spill(enum pool_id id, struct freelist *own)
{
	pthread_mutex_lock(&lock);
	while (own->n > limits[id].thread / 2 && shared[id].n < limits[id].process)
		push(&shared[id], pop(own));
	pthread_mutex_unlock(&lock);
}

__attribute__((noinline)) void *pool_get(enum pool_id id)
{
	struct freelist *own = &mine.list[id];
	if (!own->head) {
		if (!mine.registered)
			register_thread();
		refill(id, own);
	}
	return pop(own);
}

__attribute__((noinline)) bool pool_put(enum pool_id id, void *block)
{
	struct freelist *own = &mine.list[id];
	if (!mine.registered)
		register_thread();
	if (own->n >= limits[id].thread)
		spill(id, own);
	if (own->n >= limits[id].thread)
		return false;
	push(own, block);
	return true;
}
