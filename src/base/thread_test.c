/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thread numbers: small, one each, used again.
 */
#include "base/test.h"
#include "base/thread.h"

#include <pthread.h>

static pthread_barrier_t all_there;

static void *number(void *arg)
{
	unsigned mine = thread_index();
	*(unsigned *)arg = mine;
	pthread_barrier_wait(&all_there);
	return thread_index() == mine ? arg : NULL;
}

static void living_threads_have_different_numbers_and_dead_ones_give_theirs_back(void)
{
	enum { ROUNDS = 20, THREADS = 16 };
	unsigned mine = thread_index();
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t t[THREADS];
		unsigned numbers[THREADS];
		void *same;
		pthread_barrier_init(&all_there, NULL, THREADS);
		for (int i = 0; i < THREADS; i++)
			EXPECT(pthread_create(&t[i], NULL, number, &numbers[i]) == 0);
		for (int i = 0; i < THREADS; i++) {
			pthread_join(t[i], &same);
			EXPECT(same);
		}
		for (int i = 0; i < THREADS; i++) {
			EXPECT(numbers[i] < THREADS + 1 && numbers[i] != mine);
			for (int j = 0; j < i; j++)
				EXPECT(numbers[i] != numbers[j]);
		}
		pthread_barrier_destroy(&all_there);
	}
}

RUN_ALL(T(living_threads_have_different_numbers_and_dead_ones_give_theirs_back))
