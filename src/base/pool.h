/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Free lists behind the arenas and the fiber stacks: a small one in each thread, so that
 * the request path takes no lock, and one for the process that threads refill from and
 * spill to in batches. What is put by one thread may be got by another. Private to base/.
 *
 * A block is any memory whose first word the pool may use while it holds the block.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/base.h"

enum pool_id { POOL_CHUNK_8K, POOL_CHUNK_16K, POOL_CHUNK_32K, POOL_CHUNK_64K, POOL_STACK, POOL_COUNT };

void *pool_get(enum pool_id id); /* NULL when there is none: make one */
/* False when the pool holds enough: the block is still the caller's, to free. */
bool pool_put(enum pool_id id, void *block);

#endif
