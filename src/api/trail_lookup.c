/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the trail back, newest first.
 *
 * A summary costs a few microseconds, a block's records some hundred; so summaries decide
 * which blocks are opened, and one call looks at no more than SUMMARIES and opens no more
 * than BLOCKS. What was not reached is for the next page. The reading is done on the store's
 * I/O threads: an event thread never waits for the disk.
 */
#include "api/trail_int.h"

#include "base/str.h"
#include "store/io_pool.h"

enum { SUMMARIES = 20 * 1000, BLOCKS = 64 };

struct looking {
	struct lookup *l;
	struct arena *mem;
	struct record *out;
	size_t n;
	unsigned summaries, blocks;
	bool more;
};

/* ---- one record ---------------------------------------------------------------------- */

static bool names(const struct record *r, struct str value)
{
	struct str arn;
	for (size_t at = 0; record_resource(r, &at, &arn);)
		if (str_eq(arn, value) || str_eq(record_resource_name(arn), value))
			return true;
	return false;
}

static bool has_type(const struct record *r, struct str value)
{
	struct str arn;
	for (size_t at = 0; record_resource(r, &at, &arn);)
		if (str_eq(record_resource_type(arn), value))
			return true;
	return false;
}

static bool has_id(const struct record *r, struct str value)
{
	char id[36];
	record_event_id(r, id);
	return str_eq(value, str_make(id, sizeof id));
}

static bool wanted(const struct lookup *l, const struct record *r)
{
	if ((l->region.p && !str_eq(r->region, l->region)) || (l->from_ms && r->time_ms < l->from_ms) ||
	    (l->to_ms && r->time_ms > l->to_ms))
		return false;
	switch (l->attribute) {
	case LOOKUP_NONE:
		return true;
	case LOOKUP_EVENT_ID:
		return has_id(r, l->value);
	case LOOKUP_EVENT_NAME:
		return str_eq(r->event_name, l->value);
	case LOOKUP_READ_ONLY:
		return str_eq(r->read_only ? S("true") : S("false"), l->value);
	case LOOKUP_USERNAME:
		return str_eq(record_username(r), l->value);
	case LOOKUP_RESOURCE_TYPE:
		return has_type(r, l->value);
	case LOOKUP_RESOURCE_NAME:
		return names(r, l->value);
	case LOOKUP_EVENT_SOURCE:
		return str_eq(r->event_source, l->value);
	case LOOKUP_ACCESS_KEY_ID:
		return str_eq(r->access_key_id, l->value);
	}
	return false;
}

/* ---- one block -------------------------------------------------------------------------- */

struct status trail_split(struct arena *mem, struct str bytes, uint64_t count, struct str **out, uint32_t *n)
{
	struct rd r = rd_of(bytes);
	if (count > bytes.n)
		return ERR(E_CORRUPT);
	struct str *v = NEWS(mem, struct str, (size_t)count + 1);
	*n = 0;
	while (!r.bad && !rd_end(&r) && *n < count)
		v[(*n)++] = rd_bytes(&r, (size_t)rd_varint(&r));
	*out = v;
	return r.bad || !rd_end(&r) || *n != count ? ERR(E_CORRUPT) : OK;
}

static struct record *keep(struct looking *k, const struct record *r, struct str bytes)
{
	struct record *to = &k->out[k->n++];
	struct status st = record_parse(str_dup(k->mem, bytes), to);
	assert(!failed(st));
	record_seen_by(to, r->recipient);
	return to;
}

/* From below `index` down to the block's first. */
static struct status walk_block(struct looking *k, struct block_iter *it, const struct summary *s, struct arena *mem)
{
	struct str bytes, *v;
	uint32_t n;
	struct record r;
	TRY(block_records(it, mem, &bytes));
	TRY(trail_split(mem, bytes, s->count, &v, &n));
	for (uint32_t i = k->l->index < n ? k->l->index : n; i-- > 0;) {
		if (failed(record_parse(v[i], &r)))
			return ERR(E_CORRUPT);
		record_seen_by(&r, k->l->account);
		if (!wanted(k->l, &r))
			continue;
		if (k->n == k->l->max) {
			k->more = true;
			k->l->index = i + 1;
			return OK;
		}
		(void)keep(k, &r, v[i]);
	}
	return OK;
}

static bool may_match(const struct lookup *l, const struct summary *s)
{
	if ((l->from_ms && s->to_ms < l->from_ms) || (l->to_ms && s->from_ms > l->to_ms))
		return false;
	return summary_may_have(s, l->attribute, l->value);
}

/* One block; *end when nothing older can match. */
static struct status step(struct looking *k, struct block_iter *it, bool *end)
{
	struct arena *mem = arena_new();
	struct str bytes;
	struct summary s = { 0 };
	struct status st = block_summary(it, mem, &bytes);
	if (!failed(st))
		st = summary_parse(bytes, &s);
	*end = !failed(st) && k->l->from_ms && s.ceiling_ms < k->l->from_ms;
	k->summaries++;
	if (!failed(st) && !*end && may_match(k->l, &s)) {
		k->blocks++;
		st = walk_block(k, it, &s, mem);
	}
	arena_free(mem);
	return st;
}

/* ---- the walk ------------------------------------------------------------------------------ */

static struct status walk(struct looking *k, struct block_iter *it)
{
	bool end = false;
	while (it->valid && !end) {
		if (it->no != k->l->block) {
			k->l->block = it->no;
			k->l->index = LOOKUP_START_INDEX;
		}
		if (k->summaries >= SUMMARIES || k->blocks >= BLOCKS) {
			k->more = true;
			return OK;
		}
		TRY(step(k, it, &end));
		if (k->more)
			return OK;
		TRY(block_prev(it));
	}
	return OK;
}

static struct status look(struct looking *k, struct block_log *log)
{
	struct block_iter it;
	TRY(k->l->block == LOOKUP_START_BLOCK ? block_log_last(log, &it) : block_log_at(log, k->l->block, &it));
	struct status st = walk(k, &it);
	block_iter_end(&it);
	return st;
}

struct status trail_lookup(struct trail *t, struct arena *mem, struct lookup *l, struct record **out, size_t *n,
			   bool *more)
{
	if (l->block == LOOKUP_START_BLOCK)
		TRY(trail_flush(t));
	struct looking k = { .l = l, .mem = mem, .out = NEWS(mem, struct record, l->max + 1) };
	struct account_log *log = trail_log_find(t, l->account);
	struct status st = OK;
	if (log) {
		bool moved = io_pool_enter(store_io_pool(t->app->store));
		st = look(&k, log->log);
		io_pool_leave(moved);
	}
	TRY(st);
	*out = k.out;
	*n = k.n;
	*more = k.more;
	return OK;
}
