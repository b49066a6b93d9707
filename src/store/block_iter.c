/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking a block log, both ways.
 *
 * An iterator holds the segment it stands in. Each step checks that the next block is the
 * next in number and names this one's tag (or the other way round), across segments too; so
 * a block that was removed or moved is noticed by whoever walks past, without opening it.
 */
#include "store/block_log_internal.h"

#include "base/str.h"

#include <zstd.h>

void block_iter_end(struct block_iter *it)
{
	if (it->log)
		log_segment_unref(it->log, it->seg);
	*it = (struct block_iter){ 0 };
}

/* What of the segment is durable: all of it, or up to the tail. */
static uint64_t end_of(struct block_log *log, struct segment *s)
{
	pthread_mutex_lock(&log->lock);
	bool newest = log->newest == s;
	uint64_t end = log->tail.end;
	pthread_mutex_unlock(&log->lock);
	return newest ? end : (uint64_t)segment_size(s);
}

static size_t index_of(struct block_log *log, uint64_t no)
{
	size_t lo = 0;
	pthread_mutex_lock(&log->lock);
	for (size_t hi = log->n_firsts; hi - lo > 1;) {
		size_t mid = lo + (hi - lo) / 2;
		if (log->firsts[mid] <= no)
			lo = mid;
		else
			hi = mid;
	}
	pthread_mutex_unlock(&log->lock);
	return lo;
}

/* Stand on the block at `at` of the segment held. On failure the iterator is ended. */
static struct status stand(struct block_iter *it, uint64_t at, uint64_t no)
{
	struct block_head h;
	uint8_t tag[BLOCK_TAG];
	struct status st = block_head_read(it->seg, at, end_of(it->log, it->seg), &h, tag);
	if (st.code == E_CORRUPT || (!failed(st) && h.no != no))
		st = segment_damaged(it->seg, "block", no);
	if (failed(st)) {
		block_iter_end(it);
		return st;
	}
	it->valid = true;
	it->no = no;
	it->at = at;
	it->len = block_length(&h);
	it->summary_n = h.summary_n;
	memcpy(it->prev_tag, h.prev_tag, BLOCK_TAG);
	memcpy(it->tag, tag, BLOCK_TAG);
	return OK;
}

static struct status hold(struct block_iter *it, size_t index)
{
	struct segment *s;
	struct status st = log_segment_ref(it->log, index, &s);
	if (failed(st)) {
		block_iter_end(it);
		return st;
	}
	log_segment_unref(it->log, it->seg);
	it->seg = s;
	return OK;
}

static struct status chain_broken(struct block_iter *it, uint64_t no)
{
	struct status st = segment_damaged(it->seg, "order of blocks", no);
	block_iter_end(it);
	return st;
}

/* Stand on block no, which ends at `end` of the segment held. */
static struct status stand_before(struct block_iter *it, uint64_t end, uint64_t no)
{
	uint64_t len;
	struct status st = block_before(it->seg, end, &len);
	if (failed(st)) {
		st = segment_damaged(it->seg, "block", no);
		block_iter_end(it);
		return st;
	}
	TRY(stand(it, end - len, no));
	return it->len == len ? OK : chain_broken(it, no);
}

struct status block_log_at(struct block_log *log, uint64_t no, struct block_iter *it)
{
	*it = (struct block_iter){ .log = log };
	uint64_t begin = block_log_begin(log), end = block_log_end(log);
	if (no < begin || no >= end)
		return OK;
	size_t index = index_of(log, no);
	pthread_mutex_lock(&log->lock);
	uint64_t first = log->firsts[index];
	uint64_t behind = index + 1 < log->n_firsts ? log->firsts[index + 1] : end;
	pthread_mutex_unlock(&log->lock);
	TRY(hold(it, index));
	if (no - first <= behind - no) {
		TRY(stand(it, SEGMENT_HEAD, first));
		while (it->no < no)
			TRY(block_next(it));
		return OK;
	}
	uint64_t at_end = end_of(log, it->seg);
	if (behind == end && block_log_end(log) != end) { /* it grew meanwhile: go the other way */
		TRY(stand(it, SEGMENT_HEAD, first));
		while (it->no < no)
			TRY(block_next(it));
		return OK;
	}
	TRY(stand_before(it, at_end, behind - 1));
	while (it->no > no)
		TRY(block_prev(it));
	return OK;
}

struct status block_log_first(struct block_log *log, struct block_iter *it)
{
	return block_log_at(log, block_log_begin(log), it);
}

struct status block_log_last(struct block_log *log, struct block_iter *it)
{
	uint64_t end = block_log_end(log);
	*it = (struct block_iter){ .log = log };
	return end > block_log_begin(log) ? block_log_at(log, end - 1, it) : OK;
}

struct status block_next(struct block_iter *it)
{
	uint8_t tag[BLOCK_TAG];
	uint64_t no = it->no + 1, at = it->at + it->len;
	assert(it->valid);
	if (no >= block_log_end(it->log)) {
		block_iter_end(it);
		return OK;
	}
	memcpy(tag, it->tag, BLOCK_TAG);
	if (at >= end_of(it->log, it->seg)) {
		TRY(hold(it, index_of(it->log, no)));
		at = SEGMENT_HEAD;
	}
	TRY(stand(it, at, no));
	return memcmp(it->prev_tag, tag, BLOCK_TAG) == 0 ? OK : chain_broken(it, no);
}

struct status block_prev(struct block_iter *it)
{
	uint8_t tag[BLOCK_TAG];
	uint64_t end = it->at;
	assert(it->valid);
	if (it->no <= block_log_begin(it->log)) {
		block_iter_end(it);
		return OK;
	}
	uint64_t no = it->no - 1;
	memcpy(tag, it->prev_tag, BLOCK_TAG);
	if (end == SEGMENT_HEAD) {
		TRY(hold(it, index_of(it->log, no)));
		end = (uint64_t)segment_size(it->seg);
	}
	TRY(stand_before(it, end, no));
	return memcmp(it->tag, tag, BLOCK_TAG) == 0 ? OK : chain_broken(it, no);
}

/* Authentic, and the block the iterator stands on. */
static struct status read_summary(struct block_iter *it, struct arena *mem, struct str *summary, struct block_head *h)
{
	struct status st = block_summary_read(it->seg, it->at, it->len, mem, summary, h);
	bool other = !failed(st) && (h->no != it->no || memcmp(h->prev_tag, it->prev_tag, BLOCK_TAG) != 0);
	return st.code == E_CORRUPT || other ? segment_damaged(it->seg, "summary", it->no) : st;
}

struct status block_summary(struct block_iter *it, struct arena *mem, struct str *summary)
{
	struct block_head h;
	assert(it->valid);
	return read_summary(it, mem, summary, &h);
}

struct status block_records(struct block_iter *it, struct arena *mem, struct str *records)
{
	struct block_head h;
	struct str summary, packed;
	assert(it->valid);
	TRY(read_summary(it, mem, &summary, &h)); /* it vouches for the records' tag */
	struct status st = block_packed_read(it->seg, it->at, &h, mem, &packed);
	if (st.code == E_CORRUPT)
		return segment_damaged(it->seg, "records", it->no);
	TRY(st);
	unsigned long long n = ZSTD_getFrameContentSize(packed.p, packed.n);
	if (n > BLOCK_RECORDS_MAX)
		return segment_damaged(it->seg, "records", it->no);
	char *out = NEWS(mem, char, n + 1);
	if (ZSTD_decompress(out, n, packed.p, packed.n) != n)
		return segment_damaged(it->seg, "records", it->no);
	*records = str_make(out, n);
	return OK;
}
