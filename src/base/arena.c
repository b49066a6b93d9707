/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arenas, and the heap's few words.
 *
 * An arena is a first chunk, which also holds the arena itself, and a list of further
 * ones. The newest chunk is carved from, front to back. A piece too big for a shared
 * chunk gets one of its own, and carving goes on where it was.
 *
 *     first [struct arena | data ...]
 *                │
 *                └─ more ──▶ big ──▶ newest ──▶ older ──▶ ...
 *                                    carve here
 *
 * Chunks double from 8 KiB to 64 KiB and come from pool.h, dirty: zeroing what is handed
 * out is cheaper than zeroing chunks, since most requests use little of theirs.
 *
 * Under AddressSanitizer all that is not handed out is poisoned, with a gap after each
 * piece, so running over one's piece is reported as it would be with malloc.
 */
#include "base/arena.h"
#include "base/pool.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define HIDE(p, n)   __asan_poison_memory_region(p, n)
#define REVEAL(p, n) __asan_unpoison_memory_region(p, n)
enum { GAP = 16 };
#else
#define HIDE(p, n)   ((void)(p), (void)(n))
#define REVEAL(p, n) ((void)(p), (void)(n))
enum { GAP = 0 };
#endif

enum { CHUNK_SMALL = 1024, CHUNK_LEAST = 8 * 1024, CHUNK_MOST = 64 * 1024 };

struct chunk {
	struct chunk *next; /* the older one; also the pool's word */
	size_t size;        /* with this header, which keeps the data 16-byte aligned */
};

struct arena {
	struct chunk *first, *more, *newest;
	char *at, *end; /* the room left in newest */
	size_t handed_out;
};

__attribute__((noreturn)) static void out_of_memory(void)
{
	static const char text[] = "out of memory\n";
	ssize_t ignored = write(2, text, sizeof(text) - 1);
	(void)ignored;
	abort();
}

static char *chunk_data(struct chunk *c) { return (char *)(c + 1); }

static enum pool_id pool_of(size_t size) { return (enum pool_id)(POOL_CHUNK_8K + __builtin_ctzll(size / CHUNK_LEAST)); }

/* A big piece's chunk has any size, and may not pass for one of the pools' sizes. */
static bool is_pooled(size_t size) { return size >= CHUNK_LEAST && size <= CHUNK_MOST && (size & (size - 1)) == 0; }

static struct chunk *chunk_new(size_t size)
{
	struct chunk *c = is_pooled(size) ? pool_get(pool_of(size)) : NULL;
	if (!c)
		c = malloc(size);
	if (!c)
		out_of_memory();
	*c = (struct chunk){ .size = size };
	HIDE(chunk_data(c), size - sizeof(*c));
	return c;
}

static void chunk_free(struct chunk *c)
{
	if (is_pooled(c->size) && pool_put(pool_of(c->size), c))
		return;
	REVEAL(c, c->size);
	free(c);
}

/* Carve from the data of c from now on. */
static void carve_from(struct arena *a, struct chunk *c, char *at)
{
	a->newest = c;
	a->at = at;
	a->end = (char *)c + c->size;
}

static struct arena *begin_with(size_t size)
{
	struct chunk *c = chunk_new(size);
	struct arena *a = (struct arena *)(void *)chunk_data(c);
	REVEAL(a, sizeof(*a));
	*a = (struct arena){ .first = c };
	carve_from(a, c, (char *)(a + 1));
	return a;
}

struct arena *arena_new(void) { return begin_with(CHUNK_LEAST); }

struct arena *arena_new_small(void) { return begin_with(CHUNK_SMALL); }

struct arena *arena_new_sized(size_t bytes) { return begin_with(sizeof(struct chunk) + sizeof(struct arena) + bytes); }

/* Give back every chunk but the first. */
static void drop_more(struct arena *a)
{
	for (struct chunk *c = a->more, *older; c; c = older) {
		older = c->next;
		chunk_free(c);
	}
	a->more = NULL;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	drop_more(a);
	chunk_free(a->first);
}

void arena_reset(struct arena *a)
{
	drop_more(a);
	a->handed_out = 0;
	carve_from(a, a->first, (char *)(a + 1));
	HIDE(a->at, (size_t)(a->end - a->at));
}

static void wipe(char *p, size_t n)
{
	REVEAL(p, n);
	explicit_bzero(p, n);
}

/* Whole chunks: pieces that were made smaller leave bytes behind where nothing is handed out now. */
void arena_wipe(struct arena *a)
{
	for (struct chunk *c = a->more; c; c = c->next)
		wipe(chunk_data(c), c->size - sizeof(*c));
	wipe((char *)(a + 1), a->first->size - sizeof(*a->first) - sizeof(*a));
	arena_reset(a);
}

size_t arena_used(const struct arena *a) { return a->handed_out; }

static struct chunk *add_chunk(struct arena *a, size_t size)
{
	struct chunk *c = chunk_new(size);
	c->next = a->more;
	a->more = c;
	return c;
}

static char *big_piece(struct arena *a, size_t n, size_t align)
{
	struct chunk *c = add_chunk(a, sizeof(*c) + n + align + GAP);
	return chunk_data(c) + (-(uintptr_t)chunk_data(c) & (align - 1));
}

static char *piece_of_next_chunk(struct arena *a, size_t n, size_t align)
{
	size_t size = a->newest->size < CHUNK_MOST ? a->newest->size * 2 : CHUNK_MOST;
	while (size - sizeof(struct chunk) < n + align + GAP)
		size *= 2;
	struct chunk *c = add_chunk(a, size);
	char *p = chunk_data(c) + (-(uintptr_t)chunk_data(c) & (align - 1));
	carve_from(a, c, p + n + GAP);
	return p;
}

static char *carve(struct arena *a, size_t n, size_t align)
{
	if (n > PTRDIFF_MAX / 2)
		out_of_memory();
	a->handed_out += n;
	size_t skip = -(uintptr_t)a->at & (align - 1);
	size_t room = (size_t)(a->end - a->at);
	char *p;
	if (n + skip + GAP <= room) {
		p = a->at + skip;
		a->at = p + n + GAP;
	} else {
		p = n + align > CHUNK_MOST / 4 ? big_piece(a, n, align) : piece_of_next_chunk(a, n, align);
	}
	REVEAL(p, n);
	return p;
}

void *arena_alloc(struct arena *a, size_t size, size_t align, size_t n)
{
	assert(align && (align & (align - 1)) == 0 && align <= 4096);
	size_t total;
	if (__builtin_mul_overflow(size, n, &total))
		out_of_memory();
	return memset(carve(a, total, align), 0, total);
}

char *arena_bytes(struct arena *a, size_t n) { return carve(a, n, 1); }

bool arena_resize(struct arena *a, const char *p, size_t old_n, size_t new_n)
{
	size_t after = old_n + GAP;
	assert(new_n <= PTRDIFF_MAX / 2);
	if ((size_t)(a->at - p) != after || p < chunk_data(a->newest) || p > a->end)
		return false;
	char *start = a->at - after;
	size_t room = (size_t)(a->end - start);
	if (new_n + GAP > room)
		return false;
	a->at = start + new_n + GAP;
	a->handed_out += new_n - old_n;
	HIDE(start, old_n);
	REVEAL(start, new_n);
	return true;
}

struct str str_dup(struct arena *a, struct str s)
{
	if (!s.p)
		return s;
	char *p = arena_bytes(a, s.n);
	memcpy(p, s.p, s.n);
	return str_make(p, s.n);
}

char *str_z(struct arena *a, struct str s)
{
	char *p = arena_bytes(a, s.n + 1);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return p;
}

struct str arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	assert(n >= 0);
	char *p = arena_bytes(a, (size_t)n + 1);
	if ((size_t)n < sizeof(small))
		memcpy(p, small, (size_t)n + 1);
	else
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return str_make(p, (size_t)n);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

const char *status_name(struct status st)
{
	static const char *const names[] = {
		[E_NONE] = "E_NONE",
		[E_FAULT] = "E_FAULT",
		[E_NOT_FOUND] = "E_NOT_FOUND",
		[E_EXISTS] = "E_EXISTS",
		[E_INVALID] = "E_INVALID",
		[E_TOO_BIG] = "E_TOO_BIG",
		[E_CORRUPT] = "E_CORRUPT",
		[E_IO] = "E_IO",
		[E_FULL] = "E_FULL",
		[E_BUSY] = "E_BUSY",
		[E_CLOSED] = "E_CLOSED",
		[E_NO_KEY] = "E_NO_KEY",
		[E_UNSUPPORTED] = "E_UNSUPPORTED",
	};
	return st.code >= 0 && (size_t)st.code < COUNT(names) ? names[st.code] : "E_?";
}

void *heap_alloc(size_t size, size_t n)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

void *heap_grow(void *p, size_t old_n, size_t new_n, size_t size)
{
	assert(new_n >= old_n);
	char *q = reallocarray(p, new_n ? new_n : 1, size ? size : 1);
	if (!q)
		out_of_memory();
	memset(q + old_n * size, 0, (new_n - old_n) * size);
	return q;
}

void heap_free(const void *p) { free((void *)(uintptr_t)p); }

struct str heap_dup(struct str s)
{
	char *p = heap_alloc(1, s.n);
	if (s.n)
		memcpy(p, s.p, s.n);
	return str_make(p, s.n);
}
