/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arenas, the heap's words and the names of status codes.
 */
#include "base/arena.h"
#include "base/str.h"
#include "base/test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static void what_an_arena_gives_is_zeroed_even_after_a_reset(void)
{
	struct arena *a = arena_new();
	for (int round = 0; round < 3; round++) {
		for (size_t n = 1; n < 40000; n = n * 3 + 1) {
			unsigned char *p = NEWS(a, unsigned char, n);
			for (size_t i = 0; i < n; i++)
				EXPECT(p[i] == 0);
			memset(p, 0xa5, n);
		}
		arena_reset(a);
		EXPECT(arena_used(a) == 0);
	}
	arena_free(a);
	arena_free(NULL);
}

static void pieces_are_aligned_and_do_not_overlap(void)
{
	struct arena *a = arena_new();
	unsigned char *pieces[500];
	size_t sizes[500];
	for (size_t i = 0; i < 500; i++) {
		size_t align = (size_t)1 << i % 13;
		sizes[i] = i * 37 % 3000;
		pieces[i] = arena_alloc(a, 1, align, sizes[i]);
		EXPECT(((uintptr_t)pieces[i] & (align - 1)) == 0);
		memset(pieces[i], (int)(i & 0xff), sizes[i]);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t k = 0; k < sizes[i]; k++)
			EXPECT(pieces[i][k] == (i & 0xff));
	arena_free(a);
}

static void big_pieces_leave_the_current_chunk_in_use(void)
{
	struct arena *a = arena_new();
	char *before = arena_bytes(a, 8);
	char *big = NEWS(a, char, 1 << 20);
	char *after = arena_bytes(a, 8);
	big[(1 << 20) - 1] = 1;
	EXPECT(after > before && after - before < 64);
	EXPECT(arena_used(a) == (1 << 20) + 16);
	arena_free(a);
}

static void the_latest_piece_can_be_resized_in_place(void)
{
	struct arena *a = arena_new();
	char *p = arena_bytes(a, 10);
	EXPECT(arena_resize(a, p, 10, 100));
	p[99] = 1;
	EXPECT(arena_used(a) == 100);
	EXPECT(arena_resize(a, p, 100, 20));
	EXPECT(!arena_resize(a, p, 20, 1 << 20));
	arena_bytes(a, 1);
	EXPECT(!arena_resize(a, p, 20, 30));
	arena_free(a);
}

static void the_first_piece_of_a_later_chunk_can_be_resized_too(void)
{
	struct arena *a = arena_new();
	arena_bytes(a, 8000);
	char *p = arena_bytes(a, 4000);
	EXPECT(arena_resize(a, p, 4000, 5000));
	arena_free(a);
}

static void a_wiped_arena_holds_nothing_of_what_was_there(void)
{
	struct arena *a = arena_new();
	char *first = str_z(a, S("hunter2hunter2"));
	arena_bytes(a, 9000);
	arena_wipe(a);
	char *again = arena_bytes(a, 15);
	EXPECT(again == first);
	for (size_t i = 0; i < 15; i++)
		EXPECT(again[i] == 0);
	arena_free(a);
}

static void a_wiped_arena_holds_nothing_of_pieces_made_smaller_either(void)
{
	struct arena *a = arena_new();
	char *first = arena_bytes(a, 64);
	memset(first, 's', 64);
	EXPECT(arena_resize(a, first, 64, 1));
	arena_wipe(a);
	char *again = arena_bytes(a, 64);
	EXPECT(again == first);
	for (size_t i = 0; i < 64; i++)
		EXPECT(again[i] == 0);
	arena_free(a);
}

static void strings_are_copied_into_arenas(void)
{
	struct arena *a = arena_new();
	EXPECT_STR(str_dup(a, S("abc")), S("abc"));
	EXPECT(str_dup(a, (struct str){ 0 }).p == NULL);
	EXPECT(str_dup(a, S("")).p != NULL);
	EXPECT(strcmp(str_z(a, str_make("abcdef", 3)), "abc") == 0);
	EXPECT(strcmp(str_z(a, (struct str){ 0 }), "") == 0);
	EXPECT_STR(arena_printf(a, "%d-%s", 7, "x"), S("7-x"));
	struct str wide = arena_printf(a, "%1000d", 7);
	EXPECT(wide.n == 1000 && wide.p[999] == '7');
	EXPECT(arena_printf(a, "%255d", 7).n == 255 && arena_printf(a, "%256d", 7).n == 256);
	arena_free(a);
}

static void *churn(void *arg)
{
	struct arena **slot = arg;
	for (int i = 0; i < 2000; i++) {
		struct arena *a = arena_new();
		for (size_t n = 100; n < 30000; n *= 2)
			memset(arena_bytes(a, n), 1, n);
		arena_free(__atomic_exchange_n(slot, a, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void arenas_may_be_freed_by_another_thread(void)
{
	pthread_t t[3];
	struct arena *slot = NULL;
	for (size_t i = 0; i < COUNT(t); i++)
		EXPECT(pthread_create(&t[i], NULL, churn, &slot) == 0);
	for (size_t i = 0; i < COUNT(t); i++)
		pthread_join(t[i], NULL);
	arena_free(slot);
}

/* True when fn ends the process with SIGABRT. */
static bool aborts(void (*fn)(void))
{
	int st;
	pid_t pid = fork();
	if (pid == 0) {
		close(2);
		fn();
		_exit(0);
	}
	return waitpid(pid, &st, 0) == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGABRT;
}

static void ask_for_overflow(void) { NEWS(arena_new(), uint64_t, SIZE_MAX / 4); }

static void ask_for_too_much(void) { NEWS(arena_new(), char, SIZE_MAX / 2); }

static void sizes_past_reason_abort(void)
{
	EXPECT(aborts(ask_for_overflow));
	EXPECT(aborts(ask_for_too_much));
}

static void the_heap_gives_zeroed_memory_and_zeroes_what_it_adds(void)
{
	int *p = HEAPS(int, 4);
	for (int i = 0; i < 4; i++) {
		EXPECT(p[i] == 0);
		p[i] = i;
	}
	p = heap_grow(p, 4, 1000, sizeof(*p));
	EXPECT(p[3] == 3);
	for (int i = 4; i < 1000; i++)
		EXPECT(p[i] == 0);
	heap_free(p);
	heap_free(NULL);
	struct str s = heap_dup(S("key")), none = heap_dup((struct str){ 0 });
	EXPECT_STR(s, S("key"));
	EXPECT(none.p && none.n == 0);
	heap_free(s.p);
	heap_free(none.p);
}

static void every_status_code_has_its_name(void)
{
	for (int code = E_NONE; code <= E_UNSUPPORTED; code++)
		EXPECT(str_starts(str_of(status_name(ERR(code))), S("E_")) &&
		       strcmp(status_name(ERR(code)), "E_?") != 0);
	EXPECT(strcmp(status_name(ERR(E_CORRUPT)), "E_CORRUPT") == 0);
	EXPECT(strcmp(status_name(ERR(-1)), "E_?") == 0);
	EXPECT(strcmp(status_name(ERR(999)), "E_?") == 0);
}

RUN_ALL(T(what_an_arena_gives_is_zeroed_even_after_a_reset), T(pieces_are_aligned_and_do_not_overlap),
	T(big_pieces_leave_the_current_chunk_in_use), T(the_latest_piece_can_be_resized_in_place),
	T(the_first_piece_of_a_later_chunk_can_be_resized_too), T(a_wiped_arena_holds_nothing_of_what_was_there),
	T(a_wiped_arena_holds_nothing_of_pieces_made_smaller_either), T(strings_are_copied_into_arenas),
	T(arenas_may_be_freed_by_another_thread), T(sizes_past_reason_abort),
	T(the_heap_gives_zeroed_memory_and_zeroes_what_it_adds), T(every_status_code_has_its_name))
