/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locked memory: what it promises about wiping, reuse, limits and neighbours.
 */
#include "crypto/secret.h"

#include "base/test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_filled(const uint8_t *p, size_t n, uint8_t with)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != with)
			return false;
	return true;
}

static void a_secret_is_zeroed_aligned_and_writable_throughout(void)
{
	static const size_t sizes[] = { 1, 16, 32, 64, 65, 192, 193, 512, 513, 1024, SECRET_MAX };
	struct secret_pool *pool = secret_pool_new();

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct secret s = secret_new(pool, sizes[i]);
		EXPECT(s.n == sizes[i] && (uintptr_t)s.p % 16 == 0);
		EXPECT(is_filled(s.p, s.n, 0));
		memset(s.p, 0xee, s.n);
		secret_free(&s);
		EXPECT(!s.p && s.n == 0);
	}
	secret_pool_free(pool);
}

static void a_freed_secret_is_wiped(void)
{
	struct secret_pool *pool = secret_pool_new();
	struct secret keep = secret_new(pool, 40), s = secret_new(pool, 40);
	uint8_t *p = s.p;

	memset(s.p, 0xee, s.n);
	secret_free(&s);
	EXPECT(is_filled(p + 4, 36, 0)); /* the first four bytes link free slots */
	secret_free(&keep);
	secret_pool_free(pool);
}

static void secrets_do_not_overlap_and_slots_are_used_again(void)
{
	enum { N = 2000 };
	struct secret_pool *pool = secret_pool_new();
	struct secret *all = HEAPS(struct secret, N);

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < N; i++) {
			all[i] = secret_new(pool, 1 + i % 600);
			memset(all[i].p, (int)(i % 251), all[i].n);
		}
		for (size_t i = 0; i < N; i++)
			EXPECT(is_filled(all[i].p, all[i].n, (uint8_t)(i % 251)));
		size_t bytes = secret_pool_stats(pool).bytes;
		for (size_t i = 0; i < N; i++)
			secret_free(&all[(i * 7) % N]);
		EXPECT(secret_pool_stats(pool).live == 0 && secret_pool_stats(pool).bytes == bytes);
		EXPECT(bytes < 3 * 1024 * 1024);
	}
	heap_free(all);
	secret_pool_free(pool);
}

static void freeing_nothing_is_allowed(void)
{
	struct secret none = { 0 };

	secret_free(&none);
	EXPECT(!none.p);
}

static void in_child(void (*fn)(void), int want_signal)
{
	pid_t pid = fork();
	int how = 0;

	EXPECT(pid >= 0);
	if (pid == 0) {
		struct rlimit none = { 0, 0 };
		(void)setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL); /* not the sanitizer's report */
		signal(SIGABRT, SIG_DFL);
		if (want_signal)
			(void)!freopen("/dev/null", "w", stderr);
		fn();
		_exit(0);
	}
	EXPECT(waitpid(pid, &how, 0) == pid);
	EXPECT(want_signal ? WIFSIGNALED(how) && WTERMSIG(how) == want_signal
			   : WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void run_off_the_end(void)
{
	struct secret s = secret_new(secret_pool_new(), SECRET_MAX);
	volatile uint8_t *p = s.p;

	for (size_t i = 0; i < 64 * 1024; i++)
		p[i] = 1;
}

static void running_off_the_end_of_a_slab_is_a_fault(void) { in_child(run_off_the_end, SIGSEGV); }

static void leak_one(void)
{
	struct secret_pool *pool = secret_pool_new();
	struct secret s = secret_new(pool, 8);

	assert(s.p);
	secret_pool_free(pool);
}

static void free_inside(void)
{
	struct secret s = secret_new(secret_pool_new(), 100);

	s.p += 16;
	secret_free(&s);
}

static void a_forgotten_or_foreign_secret_stops_the_program(void)
{
	in_child(leak_one, SIGABRT);
	in_child(free_inside, SIGABRT);
}

static void use_with_no_lockable_memory(void)
{
	struct rlimit none = { 0, 0 };

	assert(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
	struct secret_pool *pool = secret_pool_new();
	struct secret s = secret_new(pool, 32);
	memset(s.p, 1, s.n);
	struct secret_pool_stats st = secret_pool_stats(pool);
	assert(st.live == 1 && st.bytes > 0);
	assert(geteuid() == 0 || st.locked_bytes == 0);
	secret_free(&s);
	secret_pool_free(pool);
}

static void without_lockable_memory_it_still_serves_and_says_so(void) { in_child(use_with_no_lockable_memory, 0); }

static void *take_and_give(void *arg)
{
	for (size_t i = 0; i < 2000; i++) {
		struct secret a = secret_new(arg, 32), b = secret_new(arg, 100);
		memset(a.p, 1, a.n);
		memset(b.p, 2, b.n);
		EXPECT(is_filled(a.p, a.n, 1));
		secret_free(&a);
		EXPECT(is_filled(b.p, b.n, 2));
		secret_free(&b);
	}
	return NULL;
}

static void threads_share_a_pool(void)
{
	struct secret_pool *pool = secret_pool_new();
	pthread_t t[4];

	for (size_t i = 0; i < COUNT(t); i++)
		EXPECT(pthread_create(&t[i], NULL, take_and_give, pool) == 0);
	for (size_t i = 0; i < COUNT(t); i++)
		EXPECT(pthread_join(t[i], NULL) == 0);
	secret_pool_free(pool);
}

RUN_ALL(T(a_secret_is_zeroed_aligned_and_writable_throughout), T(a_freed_secret_is_wiped),
	T(secrets_do_not_overlap_and_slots_are_used_again), T(freeing_nothing_is_allowed),
	T(running_off_the_end_of_a_slab_is_a_fault), T(a_forgotten_or_foreign_secret_stops_the_program),
	T(without_lockable_memory_it_still_serves_and_says_so), T(threads_share_a_pool))
