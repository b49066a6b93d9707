/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the trail on from where one was, oldest first: for indexes over it that are
 * brought up to date now and then. The work is done on the store's I/O threads.
 */
#include "api/trail_int.h"

#include "store/io_pool.h"

static struct status show_block(struct block_iter *it, struct str account, trail_see *see, void *arg, uint64_t *shown)
{
	struct arena *mem = arena_new();
	struct str bytes, *v;
	uint32_t n = 0;
	struct summary s;
	struct record r;
	struct status st = block_summary(it, mem, &bytes);
	if (!failed(st))
		st = summary_parse(bytes, &s);
	if (!failed(st))
		st = block_records(it, mem, &bytes);
	if (!failed(st))
		st = trail_split(mem, bytes, s.count, &v, &n);
	for (uint32_t i = 0; i < n && !failed(st); i++) {
		st = failed(record_parse(v[i], &r)) ? ERR(E_CORRUPT) : OK;
		if (failed(st))
			break;
		record_seen_by(&r, account);
		see(arg, &r);
	}
	*shown += n;
	arena_free(mem);
	return st;
}

static struct status scan(struct block_log *log, struct str account, uint64_t *block, uint64_t max, trail_see *see,
			  void *arg)
{
	struct block_iter it;
	uint64_t shown = 0;
	if (*block < block_log_begin(log)) /* what was forgotten since */
		*block = block_log_begin(log);
	TRY(block_log_at(log, *block, &it));
	struct status st = OK;
	while (it.valid && shown < max && !failed(st)) {
		st = show_block(&it, account, see, arg, &shown);
		if (!failed(st))
			*block = it.no + 1;
		if (!failed(st))
			st = block_next(&it);
	}
	block_iter_end(&it);
	return st;
}

struct status trail_scan(struct trail *t, struct str account, uint64_t *block, uint64_t max, trail_see *see, void *arg)
{
	struct account_log *log = trail_log_find(t, account);
	if (!log)
		return OK;
	bool moved = io_pool_enter(store_io_pool(t->app->store));
	struct status st = scan(log->log, account, block, max, see, arg);
	io_pool_leave(moved);
	return st;
}

uint64_t trail_end(const struct trail *t, struct str account)
{
	const struct account_log *log = trail_log_find(t, account);
	return log ? block_log_end(log->log) : 0;
}
