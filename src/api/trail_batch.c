/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One round's records: to whose logs they go, in which order, and into blocks.
 *
 * A log takes a record of an outbox only when it is past the log's watermark for that shard:
 * the same record may come twice (a crash before the outbox learned of its delivery; a shard
 * that was closed before it was told). Within a shard records keep their order, so that one
 * number says what is there.
 *
 * An account's first record opens its log. While that fails for a reason that may pass (disk full, keys not to be had)
 * nothing of the batch is written: a later record of the same outbox would pass for all before it.
 *
 * Every block tells the marks that moved since the block before; every FULL_EVERY-th one
 * tells all, so that opening a log reads a bounded number of summaries.
 */
#include "api/trail_int.h"

#include "api/accounts.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"

enum { BLOCK_BYTES = 1024 * 1024, BLOCK_COUNT = 2048, FULL_EVERY = 64, MARKS_MAX = 40 * 1000 };

static void key_text(char out[8], uint64_t hash) { memcpy(out, &hash, 8); }

static uint64_t mark_get(const struct account_log *l, uint64_t hash)
{
	char key[8];
	key_text(key, hash);
	return (uint64_t)(uintptr_t)map_get(&l->marks, str_make(key, sizeof key));
}

static void mark_raise(struct account_log *l, uint64_t hash, uint64_t seq)
{
	char key[8];
	key_text(key, hash);
	if (seq > mark_get(l, hash))
		(void)map_put(&l->marks, str_make(key, sizeof key), (void *)(uintptr_t)seq);
}

/* ---- logs -------------------------------------------------------------------------- */

struct account_log *trail_log_find(const struct trail *t, struct str account)
{
	struct account_log *l = atomic_load_explicit(&t->logs, memory_order_acquire);
	while (l && !str_eq(l->account, account))
		l = atomic_load_explicit(&l->next, memory_order_acquire);
	return l;
}

/* From the newest block back to the latest with all marks. */
static struct status read_marks(struct account_log *l, struct arena *mem)
{
	struct block_iter it;
	struct status st = block_log_last(l->log, &it);
	for (bool first = true, done = false; !failed(st) && it.valid && !done; first = false) {
		struct str bytes;
		struct summary s = { 0 };
		struct mark m;
		st = block_summary(&it, mem, &bytes);
		if (!failed(st))
			st = summary_parse(bytes, &s);
		struct rd marks = rd_of(s.marks);
		while (!failed(st) && summary_next_mark(&marks, &m))
			mark_raise(l, m.hash, m.seq);
		l->newest_ms = first ? s.ceiling_ms : l->newest_ms;
		done = s.full_marks;
		if (!failed(st))
			st = block_prev(&it);
	}
	block_iter_end(&it);
	return st;
}

/* Which directory is whose can be told only by who holds the keys. */
static struct status log_path(struct trail *t, const struct key_ref *key, struct arena *mem, char **out)
{
	uint8_t mac[32];
	char name[32];
	TRY(keyring_mac(t->app->keyring, key, S("the directory of the trail"), mac));
	hex_to(name, mac, sizeof name / 2);
	*out = str_z(mem, arena_printf(mem, "%.*s/%.*s", PR(t->dir), (int)sizeof name, name));
	return OK;
}

static struct status log_open(struct trail *t, struct account_log *l, struct arena *mem)
{
	const struct key_ref *key;
	char *path;
	TRY(account_service_key(t->app->accounts, l->account, S("cloudtrail"), &key));
	TRY(log_path(t, key, mem, &path));
	struct str name = arena_printf(mem, "trail/%.*s", PR(l->account));
	TRY(block_log_open(t->app->world, t->app->keyring, key, path, name, NULL, &l->log));
	return read_marks(l, mem);
}

static void log_free(struct account_log *l)
{
	block_log_close(l->log);
	map_free(&l->marks);
	heap_free(l->account.p);
	heap_free(l);
}

struct status trail_log_of(struct trail *t, struct str account, struct account_log **out)
{
	uint64_t seed;
	*out = trail_log_find(t, account);
	if (*out)
		return OK;
	struct account_log *l = HEAP(struct account_log);
	struct arena *mem = arena_new();
	world_random(t->app->world, &seed, sizeof seed);
	map_init(&l->marks, seed);
	l->account = heap_dup(account);
	struct status st = log_open(t, l, mem);
	arena_free(mem);
	if (failed(st)) {
		if (!t->batch.waits) /* else it was said, and is tried again and again */
			log_error("cannot open the trail", "account", account, "status", str_of(status_name(st)));
		log_free(l);
		return st;
	}
	l->next = t->logs;
	atomic_store_explicit(&t->logs, l, memory_order_release);
	*out = l;
	return OK;
}

void trail_logs_close(struct trail *t)
{
	for (struct account_log *l = t->logs, *next; l; l = next) {
		next = l->next;
		log_free(l);
	}
	t->logs = NULL;
}

/* ---- routing ---------------------------------------------------------------------------- */

static struct item *new_item(struct batch *b)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;
		b->v = heap_grow(b->v, b->cap, cap, sizeof *b->v);
		b->cap = cap;
	}
	b->v[b->n] = (struct item){ .order = (uint32_t)b->n };
	return &b->v[b->n++];
}

static bool ours(struct trail *t, struct str account) { return account.n && account_find(t->app->accounts, account); }

static struct status add_target(struct trail *t, struct item *it, struct str account)
{
	struct account_log *l;
	unsigned i = 0;
	if (!ours(t, account))
		return OK;
	struct status st = trail_log_of(t, account, &l);
	if (failed(st))
		return trail_lost(st) ? OK : st;
	while (it->targets[i] && it->targets[i] != l)
		i++;
	it->targets[i] = l;
	return OK;
}

static struct status route(struct trail *t, struct item *it, const struct record *r)
{
	struct str owner = ours(t, r->owner) ? r->owner : it->fallback, account;
	TRY(add_target(t, it, owner));
	for (size_t i = 1; record_owner(r, i, &account); i++)
		TRY(add_target(t, it, account));
	TRY(add_target(t, it, r->account));
	it->routed = true;
	if (!it->targets[0])
		log_error("a record belongs to no account", "account", owner, "event", r->event_name);
	return OK;
}

/* Those whose log could not be opened. Nothing of the batch has been written since. */
static struct status route_rest(struct trail *t)
{
	struct batch *b = &t->batch;
	for (size_t i = 0; b->waits && i < b->n; i++) {
		struct item *it = &b->v[i];
		struct record r;
		if (it->routed)
			continue;
		TRY(record_parse(it->bytes, &r));
		memset(it->targets, 0, sizeof it->targets);
		TRY(route(t, it, &r));
	}
	b->waits = false;
	return OK;
}

void batch_add(struct trail *t, struct str fallback, struct str record, struct source *source, uint64_t seq)
{
	struct record r;
	if (failed(record_parse(record, &r))) {
		log_error("a record cannot be read", "account", fallback);
		return;
	}
	struct item *it = new_item(&t->batch);
	it->bytes = record;
	it->fallback = fallback;
	it->time_ms = r.time_ms;
	it->source = source;
	it->seq = seq;
	if (source)
		source->floor_ms = it->time_ms = r.time_ms > source->floor_ms ? r.time_ms : source->floor_ms;
	if (!t->batch.waits)
		t->batch.waits = failed(route(t, it, &r));
}

static int by_time(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

struct block {
	struct arena *mem;
	struct buf records;
	struct summing sum;
	size_t count;
};

static void block_begin(struct block *b, struct arena *mem, const struct account_log *l)
{
	*b = (struct block){ .mem = mem, .records = buf_in(mem) };
	summing_begin(&b->sum, mem, l->newest_ms);
}

static void block_add(struct block *b, struct account_log *l, struct item *it)
{
	struct record r;
	struct status st = record_parse(it->bytes, &r);
	assert(!failed(st)); /* it was parsed when it was routed */
	record_seen_by(&r, l->account);
	summing_add(&b->sum, &r);
	buf_varint(&b->records, it->bytes.n);
	buf_put(&b->records, it->bytes);
	b->count++;
	if (it->source)
		it->source->in_block = it->seq;
}

static void put_marks(struct trail *t, struct block *b, struct account_log *l)
{
	bool full = l->since_full + 1 >= FULL_EVERY && l->marks.n < MARKS_MAX;
	for (struct link *k = t->batch.sources.next; k != &t->batch.sources; k = k->next) {
		struct source *s = ENTRY(k, struct source, link);
		if (s->in_block)
			summing_mark(&b->sum, s->hash, s->in_block);
	}
	struct str key;
	void *seq;
	for (size_t at = 0; full && map_next(&l->marks, &at, &key, &seq);) {
		uint64_t hash;
		memcpy(&hash, key.p, sizeof hash);
		summing_mark(&b->sum, hash, (uint64_t)(uintptr_t)seq);
	}
	b->sum.sum.full_marks = full;
	l->since_full = full ? 0 : l->since_full + 1;
}

static struct status block_end(struct trail *t, struct block *b, struct account_log *l)
{
	uint64_t no;
	if (!b->count)
		return OK;
	put_marks(t, b, l);
	TRY(block_log_append(l->log, buf_str(&b->records), summing_end(&b->sum), &no));
	if (b->sum.sum.ceiling_ms > l->newest_ms)
		l->newest_ms = b->sum.sum.ceiling_ms;
	b->count = 0;
	return OK;
}

static unsigned target_bit(const struct item *it, const struct account_log *l)
{
	for (unsigned i = 0; i < TARGETS_MAX; i++)
		if (it->targets[i] == l && !(it->done & 1U << i))
			return 1U << i;
	return 0;
}

/* Up to `end` what was due in this log is durable. */
static void settle(struct trail *t, struct account_log *l, size_t end)
{
	for (size_t i = 0; i < end; i++) {
		struct item *it = &t->batch.v[i];
		unsigned bit = target_bit(it, l);
		it->done |= (uint8_t)bit;
		if (bit && it->source)
			mark_raise(l, it->source->hash, it->seq);
	}
}

static struct status append_all(struct trail *t, struct account_log *l, struct arena *mem, size_t *end, bool *any)
{
	struct block b;
	struct batch *batch = &t->batch;
	block_begin(&b, mem, l);
	for (size_t i = 0; i < batch->n; i++) {
		struct item *it = &batch->v[i];
		if (!target_bit(it, l) || (it->source && it->seq <= mark_get(l, it->source->hash)))
			continue;
		if (b.count >= BLOCK_COUNT || (b.count && b.records.n + it->bytes.n > BLOCK_BYTES)) {
			TRY(block_end(t, &b, l));
			*end = i;
			*any = true;
			arena_reset(mem);
			block_begin(&b, mem, l);
		}
		block_add(&b, l, it);
	}
	*any |= b.count > 0;
	TRY(block_end(t, &b, l));
	*end = batch->n;
	return OK;
}

static struct status write_log(struct trail *t, struct account_log *l)
{
	struct arena *mem = arena_new();
	size_t end = 0;
	bool any = false;
	for (struct link *k = t->batch.sources.next; k != &t->batch.sources; k = k->next)
		ENTRY(k, struct source, link)->in_block = 0;
	struct status st = append_all(t, l, mem, &end, &any);
	struct status synced = any || failed(st) ? block_log_sync(l->log) : OK;
	if (!failed(synced))
		settle(t, l, end);
	arena_free(mem);
	st = failed(st) ? st : synced;
	if (failed(st) && !l->failing)
		log_error("the trail cannot be written", "account", l->account, "status", str_of(status_name(st)));
	if (!failed(st) && l->failing)
		log_info("the trail is written again", "account", l->account);
	l->failing = failed(st);
	return st;
}

static bool has_due(const struct trail *t, const struct account_log *l)
{
	for (size_t i = 0; i < t->batch.n; i++)
		if (target_bit(&t->batch.v[i], l))
			return true;
	return false;
}

struct status batch_write(struct trail *t)
{
	struct status st = OK;
	if (!t->batch.n)
		return OK;
	TRY(route_rest(t));
	qsort(t->batch.v, t->batch.n, sizeof *t->batch.v, by_time);
	for (struct account_log *l = t->logs; l; l = l->next)
		if (has_due(t, l)) {
			struct status one = write_log(t, l);
			st = failed(one) ? one : st;
		}
	return st;
}
