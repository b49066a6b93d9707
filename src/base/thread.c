/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers are taken lowest first from a bitmap and given back by a thread-specific
 * destructor. noinline: fibers move between threads, and the compiler must not keep the
 * address of a thread-local variable across that.
 */
#include "base/thread.h"

#include "base/base.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool taken[THREADS_MAX];
static _Thread_local unsigned mine; /* index + 1 */

static void give_back(void *p)
{
	pthread_mutex_lock(&lock);
	taken[(uintptr_t)p - 1] = false;
	pthread_mutex_unlock(&lock);
}

static void make_key(void)
{
	if (pthread_key_create(&key, give_back))
		abort();
}

static unsigned take(void)
{
	pthread_once(&once, make_key);
	pthread_mutex_lock(&lock);
	unsigned i = 0;
	while (i < THREADS_MAX && taken[i])
		i++;
	if (i == THREADS_MAX)
		abort();
	taken[i] = true;
	pthread_mutex_unlock(&lock);
	pthread_setspecific(key, (void *)(uintptr_t)(i + 1));
	return i + 1;
}

__attribute__((noinline)) unsigned thread_index(void)
{
	if (!mine)
		mine = take();
	return mine - 1;
}
