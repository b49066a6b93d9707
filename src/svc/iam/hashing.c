/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool of threads is the store's (io_pool.h); a request that finds too many before it is
 * sent away.
 */
#include "svc/iam/hashing.h"

#include "store/io_pool.h"

#include <stdatomic.h>

struct iam_hashing {
	struct io_pool *pool;
	atomic_uint waiting;
};

void iam_hashing_open(struct app *app)
{
	app->iam_hashing = HEAP(struct iam_hashing);
	app->iam_hashing->pool = io_pool_new(HASHING_THREADS);
}

void iam_hashing_close(struct app *app)
{
	if (!app->iam_hashing)
		return;
	io_pool_free(app->iam_hashing->pool);
	heap_free(app->iam_hashing);
	app->iam_hashing = NULL;
}

struct status iam_hash(struct req *rq, struct password_cost cost, struct str password, struct str salt,
		       uint8_t out[PASSWORD_HASH_SIZE])
{
	struct iam_hashing *h = rq->app->iam_hashing;
	struct status st = ERR(E_BUSY);
	assert(!rq->write);
	if (!h)
		return password_hash(cost, password, salt, out);
	if (atomic_fetch_add(&h->waiting, 1) < HASHING_WAIT_MAX) {
		bool moved = io_pool_enter(h->pool);
		st = password_hash(cost, password, salt, out);
		io_pool_leave(moved);
	}
	atomic_fetch_sub(&h->waiting, 1);
	return st;
}
