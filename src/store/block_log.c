/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log over its segments: opening, appending, retention. Walking is in block_iter.c.
 *
 * Only the newest segment is written, and only its blocks behind the last mark can be torn.
 * A new segment is begun when the newest is long enough and all of it durable, under a
 * temporary name until its head is durable; then the old one's mark says "closed", so that a
 * newest segment that vanished is noticed. The mark's floor says the same of the oldest.
 */
#include "store/block_log_internal.h"

#include "base/log.h"
#include "base/str.h"
#include "store/file.h"

#include <dirent.h>
#include <errno.h>
#include <zstd.h>

static struct status sync_dir(struct block_log *log)
{
	struct disk *d = log->w->disk;
	return d->sync_dir(d, log->dir) < 0 ? ERR(E_IO) : OK;
}

static char *segment_path(const struct block_log *log, uint64_t first, const char *suffix)
{
	size_t n = strlen(log->dir) + 40;
	char *path = HEAPS(char, n);
	snprintf(path, n, "%s/%020llu.seg%s", log->dir, (unsigned long long)first, suffix);
	return path;
}

/* --- the table of segments ----------------------------------------------------------------------------------- */

static void table_add(struct block_log *log, uint64_t first)
{
	if (log->n_firsts == log->cap_firsts) {
		size_t cap = log->cap_firsts * 2 + 16;
		log->firsts = heap_grow(log->firsts, log->cap_firsts, cap, sizeof *log->firsts);
		log->cap_firsts = cap;
	}
	log->firsts[log->n_firsts++] = first;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static struct status table_load(struct block_log *log)
{
	DIR *dir = opendir(log->dir);
	if (!dir)
		return ERR(E_IO);
	for (struct dirent *e; (e = readdir(dir));) {
		struct str name = str_of(e->d_name);
		uint64_t first;
		if (name.n == 24 && str_ends(name, S(".seg")) && str_to_u64(str_sub(name, 0, 20), &first))
			table_add(log, first);
	}
	closedir(dir);
	if (log->n_firsts)
		qsort(log->firsts, log->n_firsts, sizeof *log->firsts, by_number);
	return OK;
}

struct status log_segment_ref(struct block_log *log, size_t index, struct segment **out)
{
	struct status st = OK;
	pthread_mutex_lock(&log->lock);
	struct segment *s = NULL;
	if (index >= log->n_firsts) {
		st = ERR(E_NOT_FOUND);
	} else {
		uint64_t first = log->firsts[index];
		for (s = log->open; s && s->first != first;)
			s = s->next;
		if (s) {
			s->refs++;
		} else {
			char *path = segment_path(log, first, "");
			st = segment_open(log->w, log->keyring, log->parent, log->name, path, first, &s);
			heap_free(path);
			if (!failed(st)) {
				s->next = log->open;
				log->open = s;
			}
		}
	}
	pthread_mutex_unlock(&log->lock);
	if (st.code == E_NOT_FOUND && index < log->n_firsts)
		return ERR(E_CORRUPT); /* it was there when the log was opened */
	if (!failed(st))
		*out = s;
	return st;
}

void log_segment_unref(struct block_log *log, struct segment *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&log->lock);
	bool gone = --s->refs == 0;
	for (struct segment **at = &log->open; gone && *at; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			break;
		}
	}
	pthread_mutex_unlock(&log->lock);
	if (gone)
		segment_free(s);
}

/* --- opening ------------------------------------------------------------------------------------------------- */

/* A new newest segment that follows what is durable now. */
static struct status begin_segment(struct block_log *log)
{
	struct disk *d = log->w->disk;
	struct segment *s;
	uint64_t first = log->tail.blocks;
	char *tmp = segment_path(log, first, ".new"), *path = segment_path(log, first, "");
	struct status st = segment_create(log->w, log->keyring, log->parent, log->name, tmp, first,
					  log->n_firsts ? log->tail.floor : first, log->tail.tag, &s);
	if (!failed(st)) {
		st = d->rename(d, tmp, path) < 0 ? ERR(E_IO) : sync_dir(log);
		heap_free(s->path);
		s->path = path;
		path = NULL;
		if (failed(st))
			segment_free(s);
	}
	heap_free(tmp);
	heap_free(path);
	TRY(st);
	if (log->newest) {
		log->tail.closed = true;
		(void)mark_put(log->newest, &log->tail, log->slot);
	}
	pthread_mutex_lock(&log->lock);
	struct segment *old = log->newest;
	s->next = log->open;
	log->open = s;
	log->newest = s;
	table_add(log, first);
	log->slot = 1;
	log->tail = (struct segment_mark){ .blocks = first, .end = SEGMENT_HEAD, .floor = s->floor };
	if (old)
		memcpy(log->tail.tag, s->before, BLOCK_TAG);
	log->written = log->tail;
	pthread_mutex_unlock(&log->lock);
	log_segment_unref(log, old);
	return OK;
}

/* Is the block at m's end whole and authentic? Then m moves behind it. */
static bool take_block(struct segment *s, uint64_t size, struct segment_mark *m, struct arena *mem, uint64_t *durable)
{
	struct block_head h;
	struct str summary, packed;
	uint8_t tag[BLOCK_TAG];
	if (failed(block_head_read(s, m->end, size, &h, tag)))
		return false;
	uint64_t len = block_length(&h), trailer;
	if (h.no != m->blocks || memcmp(h.prev_tag, m->tag, BLOCK_TAG) != 0 ||
	    failed(block_summary_read(s, m->end, len, mem, &summary, &h)) ||
	    failed(block_packed_read(s, m->end, &h, mem, &packed)) || failed(block_before(s, m->end + len, &trailer)) ||
	    trailer != len)
		return false;
	m->blocks++;
	m->end += len;
	memcpy(m->tag, tag, BLOCK_TAG);
	*durable = h.durable;
	return true;
}

/* Does a block behind the torn one say that the torn one was durable once? Then it is no torn tail but damage. */
static bool later_block_proves(struct segment *s, uint64_t size, const struct segment_mark *torn, struct arena *mem)
{
	struct block_head h;
	struct str summary;
	uint8_t tag[BLOCK_TAG];
	uint64_t at = torn->end;
	while (!failed(block_head_read(s, at, size, &h, tag))) {
		if (!failed(block_summary_read(s, at, block_length(&h), mem, &summary, &h)) && h.durable > torn->blocks)
			return true;
		at += block_length(&h);
	}
	return false;
}

/* Find the end of the newest segment, from its mark on, and cut off what a crash tore. */
static struct status find_tail(struct block_log *log, struct segment *s)
{
	struct disk *d = log->w->disk;
	TRY(mark_read(s, &log->tail, &log->slot));
	uint64_t size = (uint64_t)segment_size(s), durable;
	if (log->tail.closed || size < log->tail.end)
		return segment_damaged(s, "what follows is missing", log->tail.blocks);
	struct arena *mem = arena_new();
	while (take_block(s, size, &log->tail, mem, &durable))
		arena_reset(mem);
	bool damaged = size > log->tail.end && later_block_proves(s, size, &log->tail, mem);
	arena_free(mem);
	if (damaged)
		return segment_damaged(s, "block", log->tail.blocks);
	if (size > log->tail.end && d->ftruncate(d, s->fd, (int64_t)log->tail.end) < 0)
		return ERR(E_IO);
	if (d->fdatasync(d, s->fd) < 0) /* what survived a kill may still be in the machine's memory only */
		return ERR(E_IO);
	return OK;
}

static struct status open_newest(struct block_log *log)
{
	if (log->n_firsts == 0)
		return begin_segment(log);
	struct segment *s;
	TRY(log_segment_ref(log, log->n_firsts - 1, &s));
	log->newest = s;
	TRY(find_tail(log, s));
	log->written = log->tail;
	if (log->firsts[0] > log->tail.floor)
		return segment_damaged(s, "older segments are missing", log->tail.floor);
	return OK;
}

struct status block_log_open(struct world *w, struct keyring *k, const struct key_ref *parent, const char *dir,
			     struct str name, const struct block_log_options *o, struct block_log **out)
{
	struct block_log *log = HEAP(struct block_log);
	log->w = w;
	log->keyring = k;
	log->parent = parent;
	log->dir = HEAPS(char, strlen(dir) + 1);
	memcpy(log->dir, dir, strlen(dir));
	log->name = heap_dup(name);
	log->segment_bytes = o && o->segment_bytes ? o->segment_bytes : 64 * 1024 * 1024;
	log->zstd_level = o && o->zstd_level ? o->zstd_level : 1;
	pthread_mutex_init(&log->lock, NULL);
	struct status st = dir_make(w, dir);
	if (!failed(st))
		st = table_load(log);
	if (!failed(st))
		st = open_newest(log);
	if (failed(st)) {
		block_log_close(log);
		return st;
	}
	*out = log;
	return OK;
}

void block_log_close(struct block_log *log)
{
	if (!log)
		return;
	log_segment_unref(log, log->newest);
	assert(!log->open); /* an iterator still stands somewhere */
	pthread_mutex_destroy(&log->lock);
	ZSTD_freeCCtx(log->packer);
	heap_free((void *)(uintptr_t)log->name.p);
	heap_free(log->firsts);
	heap_free(log->dir);
	heap_free(log);
}

/* --- appending ----------------------------------------------------------------------------------------------- */

static struct str pack(struct block_log *log, struct str records, struct arena *mem)
{
	size_t room = ZSTD_compressBound(records.n);
	char *out = NEWS(mem, char, room);
	if (!log->packer)
		log->packer = ZSTD_createCCtx();
	assert(log->packer);
	size_t n = ZSTD_compressCCtx(log->packer, out, room, records.p, records.n, log->zstd_level);
	assert(!ZSTD_isError(n));
	return str_make(out, n);
}

struct status block_log_append(struct block_log *log, struct str records, struct str summary, uint64_t *no)
{
	if (records.n > BLOCK_RECORDS_MAX || summary.n > BLOCK_SUMMARY_MAX)
		return ERR(E_TOO_BIG);
	if (log->written.end >= log->segment_bytes && log->written.blocks == log->tail.blocks)
		TRY(begin_segment(log));
	struct arena *mem = arena_new();
	struct segment_mark *m = &log->written;
	struct block_head h = { .no = m->blocks, .durable = log->tail.blocks };
	uint8_t tag[BLOCK_TAG];
	memcpy(h.prev_tag, m->tag, BLOCK_TAG);
	struct str block = block_seal(log->newest, &h, summary, pack(log, records, mem), mem, tag);
	struct status st = file_write(log->w->disk, log->newest->fd, block.p, block.n, (int64_t)m->end);
	arena_free(mem);
	TRY(st);
	*no = m->blocks++;
	m->end += block.n;
	memcpy(m->tag, tag, BLOCK_TAG);
	return OK;
}

/* Forget what is not durable; so that it is not found later, the file is cut there too, if the disk lets us. */
static void take_back(struct block_log *log)
{
	struct disk *d = log->w->disk;
	log->written = log->tail;
	(void)d->ftruncate(d, log->newest->fd, (int64_t)log->tail.end);
}

struct status block_log_sync(struct block_log *log)
{
	struct disk *d = log->w->disk;
	if (log->written.blocks == log->tail.blocks)
		return OK;
	if (d->fdatasync(d, log->newest->fd) < 0) {
		struct status st = ERR(errno == ENOSPC ? E_FULL : E_IO);
		take_back(log);
		return st;
	}
	pthread_mutex_lock(&log->lock);
	log->tail = log->written;
	pthread_mutex_unlock(&log->lock);
	(void)mark_put(log->newest, &log->tail, log->slot++); /* unsynced: an older mark is only weaker */
	return OK;
}

uint64_t block_log_begin(const struct block_log *log)
{
	pthread_mutex_lock(&((struct block_log *)(uintptr_t)log)->lock);
	uint64_t first = log->firsts[0];
	pthread_mutex_unlock(&((struct block_log *)(uintptr_t)log)->lock);
	return first;
}

uint64_t block_log_end(const struct block_log *log)
{
	pthread_mutex_lock(&((struct block_log *)(uintptr_t)log)->lock);
	uint64_t end = log->tail.blocks;
	pthread_mutex_unlock(&((struct block_log *)(uintptr_t)log)->lock);
	return end;
}

/* --- retention ----------------------------------------------------------------------------------------------- */

/* The floor moves up, durably, before the files go: a segment missing below it is no damage. */
static struct status raise_floor(struct block_log *log, uint64_t floor)
{
	struct disk *d = log->w->disk;
	struct segment_mark m = log->tail;
	m.floor = floor;
	TRY(mark_put(log->newest, &m, log->slot));
	if (d->fdatasync(d, log->newest->fd) < 0)
		return ERR(E_IO);
	log->slot++;
	log->tail.floor = log->written.floor = floor;
	return OK;
}

struct status block_log_drop_before(struct block_log *log, uint64_t no)
{
	struct disk *d = log->w->disk;
	size_t n = 0;
	while (n + 1 < log->n_firsts && log->firsts[n + 1] <= no)
		n++;
	if (n == 0)
		return OK;
	TRY(raise_floor(log, log->firsts[n]));
	bool gone = true;
	for (size_t i = 0; i < n; i++) {
		char *path = segment_path(log, log->firsts[i], "");
		gone &= d->unlink(d, path) == 0 || errno == ENOENT;
		heap_free(path);
	}
	pthread_mutex_lock(&log->lock);
	memmove(log->firsts, log->firsts + n, (log->n_firsts - n) * sizeof *log->firsts);
	log->n_firsts -= n;
	pthread_mutex_unlock(&log->lock);
	return gone ? sync_dir(log) : ERR(E_IO);
}
