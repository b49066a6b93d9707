/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage on disk: a changed bit, a missing piece, a swapped file is an error or harmless,
 * never wrong data and never silently less data.
 */
#include "base/disk_fault.h"
#include "store/fixture.h"

#include <errno.h>

enum { KEYS = 12, COMMITS = 6 };

struct image {
	char *bytes;
	size_t n;
	char path[1024];
};

/* The shard's two files, in the state in which a kill -9 would leave them. */
struct copy {
	struct image db, log;
	struct fixture *f;
};

static struct image slurp(struct fixture *f, const char *path)
{
	struct image im = { 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT(fd >= 0 && fstat(fd, &st) == 0);
	im.n = (size_t)st.st_size;
	im.bytes = NEWS(f->mem, char, im.n + 1);
	EXPECT(read(fd, im.bytes, im.n) == (ssize_t)im.n);
	close(fd);
	snprintf(im.path, sizeof im.path, "%s", path);
	return im;
}

static void spill(const struct image *im, size_t n)
{
	int fd = open(im->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && write(fd, im->bytes, n) == (ssize_t)n);
	close(fd);
}

/* Some spill over onto pages of their own, which hold nothing but the value's bytes. */
static size_t value_length(int i) { return i % 6 ? 700 : 9000; }

static struct status put_keys(struct txn *t, void *arg)
{
	static char value[9000];
	memset(value, 'v', sizeof value);
	int from = *(int *)arg * KEYS;
	for (int i = from; i < from + KEYS; i++) {
		char key[16];
		snprintf(key, sizeof key, "key-%03d", i);
		snprintf(value, sizeof value - 1, "value of %d", i);
		TRY(txn_put(t, str_of(key), str_make(value, value_length(i))));
	}
	return OK;
}

/* All keys in one walk: OK only when all are there with their values. */
static struct status read_all(struct fixture *f, struct shard *sh)
{
	struct txn *t;
	struct cursor c;
	int n = 0;
	TRY(txn_read(sh, &t));
	struct status st = txn_range(t, &(struct range){ 0 }, &c);
	while (!failed(st) && cursor_next(&c)) {
		char key[16], value[32];
		snprintf(key, sizeof key, "key-%03d", n);
		snprintf(value, sizeof value, "value of %d", n);
		EXPECT_STR(c.key, str_of(key));
		EXPECT(c.val.n == value_length(n) && str_starts(c.val, str_of(value)));
		for (size_t i = 16; i < c.val.n; i++)
			EXPECT(c.val.p[i] == 'v');
		n++;
	}
	if (!failed(st))
		st = cursor_end(&c);
	txn_end(t);
	EXPECT(failed(st) || n == KEYS * COMMITS); /* never silently less */
	(void)f;
	return st;
}

static struct status open_and_read(struct fixture *f)
{
	struct shard *sh;
	TRY(shard_open(f->store, S("shard"), &f->key, &sh));
	struct status st = read_all(f, sh);
	shard_close(sh);
	return st;
}

static void find_files(void *arg, const char *path)
{
	struct copy *c = arg;
	struct str name = str_of(path);
	if (c->log.n || c->db.n)
		return;
	if (!str_ends(name, S(".db-wal")))
		return;
	struct image im = slurp(c->f, path);
	if (im.n <= 4096 || im.n < 4 * 4120)
		return; /* the catalog's */
	c->log = im;
	char *db = str_z(c->f->mem, str_sub(name, 0, name.n - 4));
	c->db = slurp(c->f, db);
}

/* A store whose shard was written and left as by a kill; reopened for each trial with one idle shard at most. */
static void prepare(struct fixture *f, struct copy *c, unsigned log_pages)
{
	fixture_new(f);
	*c = (struct copy){ .f = f };
	struct store_options o = { .log_pages = log_pages };
	fixture_store(f, &o);
	struct shard *sh = fixture_shard(f, "shard");
	for (int i = 0; i < COMMITS; i++)
		EXPECT_OK(fixture_write(sh, put_keys, &i));
	fixture_files(f->data, find_files, c);
	EXPECT(c->log.n && c->db.n);
	shard_close(sh);
	store_close(f->store);
}

static struct status trial(struct fixture *f)
{
	fixture_store(f, NULL);
	struct status st = open_and_read(f);
	store_close(f->store);
	f->store = NULL;
	return st;
}

static void flip_each(struct fixture *f, struct copy *c, struct image *im, size_t step, const char *what)
{
	size_t detected = 0, harmless = 0;
	for (size_t at = 0; at < im->n; at += step) {
		char bit = (char)(1 << (at % 8));
		im->bytes[at] ^= bit;
		spill(&c->db, c->db.n);
		spill(&c->log, c->log.n);
		im->bytes[at] ^= bit;
		struct status st = trial(f);
		EXPECT(!failed(st) || st.code == E_CORRUPT || st.code == E_NO_KEY);
		failed(st) ? detected++ : harmless++;
	}
	printf("# %s: %zu detected, %zu harmless\n", what, detected, harmless);
	EXPECT(detected > 0);
}

static void a_flipped_bit_in_the_log_is_noticed(void)
{
	struct fixture f;
	struct copy c;
	fixture_quiet();
	prepare(&f, &c, 1000);
	spill(&c.db, c.db.n);
	spill(&c.log, c.log.n);
	EXPECT_OK(trial(&f)); /* undamaged, everything is in the log and is found */
	flip_each(&f, &c, &c.log, 331, "log");
	fixture_end(&f);
}

static void a_flipped_bit_in_the_database_is_noticed(void)
{
	struct fixture f;
	struct copy c;
	fixture_quiet();
	prepare(&f, &c, 1000);
	spill(&c.db, c.db.n);
	spill(&c.log, c.log.n);
	EXPECT_OK(trial(&f)); /* moves all into the database */
	c.db = slurp(&f, c.db.path);
	c.log = slurp(&f, c.log.path);
	EXPECT(c.log.n == 0);
	flip_each(&f, &c, &c.db, 331, "database");
	fixture_end(&f);
}

static void a_cut_or_missing_log_is_noticed(void)
{
	struct fixture f;
	struct copy c;
	fixture_quiet();
	prepare(&f, &c, 1000);
	for (size_t n = 0; n < c.log.n; n += 1000) {
		spill(&c.db, c.db.n);
		spill(&c.log, n);
		EXPECT_ERR(trial(&f), E_CORRUPT);
	}
	spill(&c.db, c.db.n);
	EXPECT(unlink(c.log.path) == 0);
	EXPECT_ERR(trial(&f), E_CORRUPT);
	fixture_end(&f);
}

static void a_cut_database_is_noticed(void)
{
	struct fixture f;
	struct copy c;
	fixture_quiet();
	prepare(&f, &c, 1000);
	spill(&c.db, c.db.n);
	spill(&c.log, c.log.n);
	EXPECT_OK(trial(&f));
	c.db = slurp(&f, c.db.path);
	for (size_t n = 0; n < c.db.n; n += 1500) {
		spill(&c.db, n);
		EXPECT_ERR(trial(&f), E_CORRUPT);
	}
	fixture_end(&f);
}

static void swapped_and_blanked_pages_are_noticed(void)
{
	struct fixture f;
	struct copy c;
	char page[4096];
	fixture_quiet();
	prepare(&f, &c, 1000);
	spill(&c.db, c.db.n);
	spill(&c.log, c.log.n);
	EXPECT_OK(trial(&f));
	c.db = slurp(&f, c.db.path);
	size_t detected = 0, pages = c.db.n / 4096;
	for (size_t i = 2; i + 1 < pages; i++) {
		char *p = c.db.bytes + i * 4096;
		memcpy(page, p, 4096);
		memcpy(p, p + 4096, 4096);
		spill(&c.db, c.db.n);
		detected += failed(trial(&f));
		memset(p, 0, 4096);
		spill(&c.db, c.db.n);
		detected += failed(trial(&f));
		memcpy(p, page, 4096);
	}
	EXPECT(detected >= pages);
	fixture_end(&f);
}

/* A page torn in the midst of moving the log into the database: its content is still in the log. */
static void a_database_torn_while_the_log_was_moved_is_whole_again(void)
{
	struct fixture f;
	struct copy c;
	prepare(&f, &c, 1000);
	struct image torn = c.db;
	size_t grown = torn.n + 20 * 4096;
	torn.bytes = NEWS(f.mem, char, grown);
	memcpy(torn.bytes, c.db.bytes, c.db.n);
	torn.n = grown;
	memset(torn.bytes + 4096 + 2000, 'x', 2000);       /* page 1, half overwritten */
	memset(torn.bytes + c.db.n + 5000, 'y', 9 * 4096); /* new pages, in part and not at all */
	spill(&torn, torn.n);
	spill(&c.log, c.log.n);
	EXPECT_OK(trial(&f));
	EXPECT_OK(trial(&f));
	fixture_end(&f);
}

static void a_file_under_another_name_does_not_open(void)
{
	struct fixture f;
	struct copy c;
	struct shard *sh;
	fixture_quiet();
	prepare(&f, &c, 1000);
	fixture_store(&f, NULL);
	sh = fixture_shard(&f, "other");
	shard_close(sh);
	store_close(f.store);
	/* every file takes the shard's bytes, the catalog's included */
	DIR *d = opendir(f.data);
	for (struct dirent *e; (e = readdir(d));) {
		struct image im = c.db;
		if (!str_ends(str_of(e->d_name), S(".db")))
			continue;
		EXPECT(snprintf(im.path, sizeof im.path, "%s/%s", f.data, e->d_name) > 0);
		spill(&im, im.n);
	}
	closedir(d);
	struct status st = store_open(&f.w, f.kr, &f.key, f.data, NULL, &f.store);
	EXPECT(st.code == E_CORRUPT || st.code == E_NO_KEY);
	f.store = NULL;
	fixture_end(&f);
}

RUN_ALL(T(a_flipped_bit_in_the_log_is_noticed), T(a_flipped_bit_in_the_database_is_noticed),
	T(a_cut_or_missing_log_is_noticed), T(a_cut_database_is_noticed), T(swapped_and_blanked_pages_are_noticed),
	T(a_database_torn_while_the_log_was_moved_is_whole_again), T(a_file_under_another_name_does_not_open))
