/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for secrets: locked (never in swap), left out of core dumps, not inherited by
 * children, wiped when given back. A pool cuts it from slabs in a few sizes. Thread-safe.
 *
 *     struct secret key = secret_new(pool, 32);
 *     ... key.p, key.n ...
 *     secret_free(&key);
 *
 * When the machine refuses to lock more (RLIMIT_MEMLOCK), the memory is given unlocked
 * and the log says so once: serving goes on, and secret_pool_stats tells how much is not.
 * To compare secrets: secret_eq in base/str.h.
 */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "base/base.h"

enum { SECRET_MAX = 4096 };

struct secret {
	uint8_t *p; /* NULL: none. Aligned to 16 bytes. */
	size_t n;
};

struct secret_pool;

struct secret_pool *secret_pool_new(void);
void secret_pool_free(struct secret_pool *pool); /* every secret of it must have been freed: asserted */

struct secret secret_new(struct secret_pool *pool, size_t n); /* zeroed; 1 <= n <= SECRET_MAX */
void secret_free(struct secret *s);                           /* wipes; s->p == NULL is allowed; *s becomes {0} */
static inline struct str secret_str(const struct secret *s) { return str_make(s->p, s->n); }

struct secret_pool_stats {
	size_t live, bytes, locked_bytes; /* secrets handed out; memory mapped; of it locked */
};
struct secret_pool_stats secret_pool_stats(struct secret_pool *pool);

#endif
