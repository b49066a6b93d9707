/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words every file uses: status, str, arena.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef NDEBUG
#error "asserts stay on in production: a broken invariant must stop the server, not corrupt data"
#endif

/*
 * The outcome of a call that can fail; 0 is success. A struct, so that it can be
 * neither ignored nor mistaken for a number. Below api/ the code says all there is
 * to say; in a request, E_FAULT says that `rq->fault` holds AWS's code and sentence.
 */
struct [[nodiscard]] status {
	int code;
};

enum status_code {
	E_NONE = 0,
	E_FAULT,     /* a fault stands in the request */
	E_NOT_FOUND, /* no such key, file, entry */
	E_EXISTS,
	E_INVALID, /* the bytes do not parse, or an argument is out of its range */
	E_TOO_BIG, /* past a limit checked at the door */
	E_CORRUPT, /* authenticated bytes did not authenticate: damage or forgery */
	E_IO,      /* the disk or the network refused */
	E_FULL,    /* no space, or a quota of the machine */
	E_BUSY,    /* try again later */
	E_CLOSED,  /* the client is gone, or the server is stopping */
	E_NO_KEY,  /* the key that would open this is not there */
	E_UNSUPPORTED,
};

#define OK     ((struct status){ 0 })
#define ERR(c) ((struct status){ (c) })
#define TRY(call)                           \
	do {                                \
		struct status st_ = (call); \
		if (st_.code)               \
			return st_;         \
	} while (0)

static inline bool failed(struct status st) { return st.code != 0; }
/* The name of a status code ("E_CORRUPT"), for logs and tests. */
const char *status_name(struct status st);

/* Bytes owned by someone else. Passed by value, never NUL-terminated. p == NULL means "not given". */
struct str {
	const char *p;
	size_t n;
};

#define S(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define PR(s)  (int)(s).n, (s).p /* for "%.*s" */

/* The number of elements of an array. */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline struct str str_of(const char *z) { return (struct str){ z, strlen(z) }; }
static inline struct str str_make(const void *p, size_t n) { return (struct str){ p, n }; }
static inline bool str_eq(struct str a, struct str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }

/*
 * Memory that is freed all at once. Grows in chunks; what it gives is zeroed. Never
 * returns null: every size a client can choose is bounded where it enters, so running
 * out is a bug and aborts. Not for sharing between threads at the same time.
 */
struct arena;

#define NEW(a, type)     ((type *)arena_alloc(a, sizeof(type), _Alignof(type), 1))
#define NEWS(a, type, n) ((type *)arena_alloc(a, sizeof(type), _Alignof(type), n))

struct arena *arena_new(void);               /* owned by the caller until arena_free; chunks are pooled per process */
struct arena *arena_new_small(void);         /* the same for a little that lives long: begins with 1 KiB, not with 8 */
struct arena *arena_new_sized(size_t bytes); /* the same, with room for so much to begin with */
void arena_free(struct arena *a);            /* null is allowed */
void arena_reset(struct arena *a);           /* forget everything, keep the first chunk */
size_t arena_used(const struct arena *a);    /* bytes handed out since new or reset */
void *arena_alloc(struct arena *a, size_t size, size_t align, size_t n);
void arena_wipe(struct arena *a); /* overwrite all that was ever handed out, then reset: for arenas that saw secrets */

struct str str_dup(struct arena *a, struct str s); /* a copy that lives as long as the arena */
char *str_z(struct arena *a, struct str s);        /* a NUL-terminated copy, for the edge of the system */
struct str arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *a, const char *fmt, __builtin_va_list ap) __attribute__((format(printf, 2, 0)));

/* Memory that lives as long as the process or a long-lived object; zeroed; aborts when there is none. */
void *heap_alloc(size_t size, size_t n);
void *heap_grow(void *p, size_t old_n, size_t new_n, size_t size); /* new elements are zeroed */
void heap_free(const void *p);                                     /* null is allowed */
struct str heap_dup(struct str s);                                 /* heap_free(s.p) */
#define HEAP(type)     ((type *)heap_alloc(sizeof(type), 1))
#define HEAPS(type, n) ((type *)heap_alloc(sizeof(type), n))

#include "base/banned.h"

#endif
