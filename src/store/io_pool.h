/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads for work that waits for the disk, so that event threads never do.
 *
 * A fiber goes there, does its writing and syncing on the pool's thread, and comes home. On
 * the pool it may block but not park. Outside a fiber, without a pool, and on the pool
 * already, nothing moves: the caller's own thread does the work. So calls nest.
 *
 *     bool moved = io_pool_enter(pool);
 *     ... pwrite, fdatasync, rename ...
 *     io_pool_leave(moved);
 */
#ifndef STORE_IO_POOL_H
#define STORE_IO_POOL_H

#include "base/base.h"

struct io_pool;

struct io_pool *io_pool_new(unsigned threads);
void io_pool_free(struct io_pool *pool);  /* finishes what is queued; null is allowed */
bool io_pool_enter(struct io_pool *pool); /* pool may be NULL */
void io_pool_leave(bool moved);
/*
 * For work nobody waits for: fn runs on the pool, not in a fiber, before io_pool_free returns. False, and nothing
 * happens, without a pool or when so much is queued that the caller had better do it and thus be slowed down.
 */
bool io_pool_run(struct io_pool *pool, void (*fn)(void *arg), void *arg);

#endif
