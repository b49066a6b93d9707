/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the store with anything done to them: what is read is what was written, or an
 * error; and keys from any bytes.
 *
 * Input: one byte picks the file, one how much of it is left (0: all), the rest are edits of
 * four bytes: offset (be16, scaled to the file), length of the run, value. Edits are XORed
 * in, so an edit of value 0 changes nothing. The files are made once a process, in memory.
 */
#include "base/log.h"
#include "base/str.h"
#include "base/test_dir.h"
#include "store/blob.h"
#include "store/block_log.h"
#include "store/keys.h"
#include "store/vault.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PAGES = 3, FRAMES = 4, BLOCKS = 3, FILE_MAX = 1 << 18 };
enum kind { DATABASE, LOG, BLOB, BLOCK_LOG, KEYS, KINDS };

struct lab {
	struct world w;
	struct arena *mem;
	struct keyring *kr;
	struct key_ref key;
	struct secret data_key;
	struct blobs *blobs;
	struct blob_id id;
	char dir[64], path[KINDS][128], log_dir[96], db[96];
	char *image[KINDS];
	size_t n[KINDS];
};

static void must(bool held)
{
	if (!held)
		abort();
}

static void well(struct status st) { must(!failed(st)); }

static void fill(uint8_t *page, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		page[i] = (uint8_t)(i * 31 + seed * 7 + (i >> 8));
}

static void page_n(uint8_t page[VAULT_PAGE], unsigned seed)
{
	fill(page, VAULT_USABLE, seed);
	memset(page + VAULT_USABLE, 0, VAULT_RESERVE);
}

static void make_vault(struct lab *l)
{
	struct vault *v;
	struct wal_pending pend = { 0 };
	uint8_t page[VAULT_PAGE], header[WAL_HEADER];
	well(vault_create(&l->w, l->kr, &l->key, S("fuzz"), l->db, &v));
	for (unsigned i = 0; i < PAGES; i++) {
		page_n(page, i);
		must(db_write(v, page, VAULT_PAGE, (int64_t)i * VAULT_PAGE) == 0);
	}
	must(db_sync(v) == 0);
	fill(header, sizeof header, 9);
	must(wal_write(v, &pend, header, WAL_HEADER, 0) == 0);
	for (unsigned i = 0; i < FRAMES; i++) {
		page_n(page, 10 + i);
		int64_t at = WAL_HEADER + (int64_t)i * WAL_FRAME;
		must(wal_write(v, &pend, page, WAL_FRAME_HEADER, at) == 0);
		must(wal_write(v, &pend, page, VAULT_PAGE, at + WAL_FRAME_HEADER) == 0);
		must(wal_sync(v, &pend) == 0);
	}
	vault_close(v);
}

static struct str text_n(struct arena *mem, uint64_t no)
{
	return arena_printf(mem, "text of block %llu", (unsigned long long)no);
}

static void make_blob_and_log(struct lab *l)
{
	struct blob_writer *w;
	struct block_log *log;
	static char big[BLOB_CHUNK + 999];
	fill((uint8_t *)big, sizeof big, 3);
	l->data_key = secret_new(keyring_secrets(l->kr), BLOB_KEY);
	char *dir = str_z(l->mem, arena_printf(l->mem, "%s/blobs", l->dir));
	well(blobs_open(&l->w, keyring_secrets(l->kr), NULL, dir, &l->blobs));
	well(blob_create(l->blobs, &l->data_key, S("fuzz"), &w));
	well(blob_write(w, str_make(big, sizeof big)));
	well(blob_finish(w, &l->id));
	well(block_log_open(&l->w, l->kr, &l->key, l->log_dir, S("fuzz"), NULL, &log));
	for (uint64_t i = 0; i < BLOCKS; i++) {
		uint64_t no;
		well(block_log_append(log, text_n(l->mem, i), text_n(l->mem, i), &no));
		well(block_log_sync(log));
	}
	block_log_close(log);
}

static void load(struct lab *l, enum kind kind)
{
	l->image[kind] = malloc(FILE_MAX);
	int fd = open(l->path[kind], O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, l->image[kind], FILE_MAX);
	must(got > 0);
	l->n[kind] = (size_t)got;
	close(fd);
}

static char directory[TEST_DIR_MAX];

static void remove_lab(void)
{
	char cmd[64];
	snprintf(cmd, sizeof cmd, "rm -r %s", directory);
	(void)!system(cmd);
}

static struct lab *lab_new(void)
{
	struct lab *l = calloc(1, sizeof *l);
	struct str wrapped;
	char hex[33] = "";
	log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR);
	world_real(&l->w);
	l->mem = arena_new();
	test_dir_new(directory); /* one that died left its own behind, and its number may be ours now */
	snprintf(l->dir, sizeof l->dir, "%s", directory);
	must(atexit(remove_lab) == 0);
	snprintf(l->db, sizeof l->db, "%s/db", l->dir);
	snprintf(l->log_dir, sizeof l->log_dir, "%s/log", l->dir);
	char *root = str_z(l->mem, arena_printf(l->mem, "%s/root.key", l->dir));
	well(keyring_create_root(&l->w, root));
	well(keyring_open(&l->w, root, &l->kr));
	well(keyring_key_new(l->kr, NULL, S("fuzz"), l->mem, &wrapped));
	l->key = key_ref_of(NULL, S("fuzz"), wrapped);
	make_vault(l);
	make_blob_and_log(l);
	for (int i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", l->id.b[i]);
	snprintf(l->path[DATABASE], sizeof l->path[0], "%s", l->db);
	snprintf(l->path[LOG], sizeof l->path[0], "%s-wal", l->db);
	snprintf(l->path[BLOB], sizeof l->path[0], "%s/blobs/%.2s/%s", l->dir, hex, hex);
	snprintf(l->path[BLOCK_LOG], sizeof l->path[0], "%s/%020d.seg", l->log_dir, 0);
	for (int k = DATABASE; k < KEYS; k++)
		load(l, (enum kind)k);
	return l;
}

static void spill(struct lab *l, enum kind kind, const char *bytes, size_t n)
{
	int fd = open(l->path[kind], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
}

static void damage(struct lab *l, enum kind kind, const uint8_t *data, size_t n)
{
	static char bytes[FILE_MAX];
	size_t size = l->n[kind];
	memcpy(bytes, l->image[kind], size);
	for (size_t i = 1; i + 4 <= n; i += 4) {
		size_t at = (size_t)(data[i] << 8 | data[i + 1]) * size / 65536;
		for (size_t k = 0; k <= data[i + 2] && at + k < size; k++)
			bytes[at + k] ^= (char)data[i + 3];
	}
	spill(l, kind, bytes, n && data[0] ? size * (256u - data[0]) / 256 : size);
}

static void read_vault(struct lab *l)
{
	struct vault *v;
	struct wal_pending pend = { 0 };
	uint8_t got[WAL_FRAME], want[VAULT_PAGE];
	if (failed(vault_open(&l->w, l->kr, &l->key, S("fuzz"), l->db, &v)))
		return;
	for (unsigned i = 0; i < PAGES; i++) {
		page_n(want, i);
		int rc = db_read(v, got, VAULT_PAGE, (int64_t)i * VAULT_PAGE);
		must(rc || memcmp(got, want, VAULT_PAGE) == 0);
	}
	for (unsigned i = 0; wal_size(v) > 0 && i < FRAMES; i++) {
		page_n(want, 10 + i);
		int rc = wal_read(v, &pend, got, WAL_FRAME, WAL_HEADER + (int64_t)i * WAL_FRAME);
		bool end = get_be64(got) == 0; /* a torn tail reads as zeros, which ends the log */
		must(rc || end || memcmp(got + WAL_FRAME_HEADER, want, VAULT_PAGE) == 0);
		if (rc || end)
			break;
	}
	vault_close(v);
}

static void read_blob(struct lab *l)
{
	static char got[BLOB_CHUNK + 999], want[BLOB_CHUNK + 999];
	struct blob_reader *r;
	size_t n;
	fill((uint8_t *)want, sizeof want, 3);
	if (failed(blob_open(l->blobs, l->id, &l->data_key, S("fuzz"), &r)))
		return;
	if (!failed(blob_read(r, 0, got, sizeof got, &n)))
		must(n == sizeof got && memcmp(got, want, n) == 0);
	blob_close(r);
}

static void read_log(struct lab *l)
{
	struct block_log *log;
	struct block_iter it;
	struct str s;
	struct arena *mem = arena_new();
	if (failed(block_log_open(&l->w, l->kr, &l->key, l->log_dir, S("fuzz"), NULL, &log))) {
		arena_free(mem);
		return;
	}
	struct status st = block_log_last(log, &it);
	while (!failed(st) && it.valid) {
		if (!failed(block_records(&it, mem, &s)))
			must(str_eq(s, text_n(mem, it.no)));
		st = block_prev(&it);
	}
	block_iter_end(&it);
	block_log_close(log);
	arena_free(mem);
}

static void take_keys(const uint8_t *data, size_t n)
{
	struct arena *mem = arena_new();
	struct rd r = rd_of(str_make(data, n));
	struct str s = key_take_str(&r, mem);
	if (!r.bad) { /* what comes apart goes together again */
		struct buf b = buf_in(mem);
		key_str(&b, s);
		must(str_eq(buf_str(&b), str_make(data, (size_t)(r.p - (const char *)data))));
	}
	key_take_u64(&r);
	key_after_prefix(mem, str_make(data, n));
	arena_free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct lab *l;
	if (!l)
		l = lab_new();
	if (n < 1)
		return 0;
	enum kind kind = (enum kind)(data[0] % KINDS);
	if (kind == KEYS) {
		take_keys(data + 1, n - 1);
		return 0;
	}
	damage(l, kind, data + 1, n - 1);
	if (kind == BLOB)
		read_blob(l);
	else if (kind == BLOCK_LOG)
		read_log(l);
	else
		read_vault(l);
	spill(l, kind, l->image[kind], l->n[kind]);
	return 0;
}
