/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's tests share: a scratch directory, a keyring, and a shard key under it.
 * Each test makes its own and removes it.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "crypto/keyring.h"
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct world w;
	struct arena *mem;
	char dir[TEST_DIR_MAX]; /* scratch; the store's is dir/data */
	char data[80];
	struct keyring *kr;
	struct key_ref key;
	struct store *store;
};

static inline void fixture_quiet(void) { log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR); }

/* The keyring and the store keep a pointer into it: a fixture does not move. */
static inline void fixture_new(struct fixture *f)
{
	*f = (struct fixture){ .mem = arena_new() };
	world_real(&f->w);
	test_dir_new(f->dir);
	snprintf(f->data, sizeof f->data, "%s/data", f->dir);
	char *root = str_z(f->mem, arena_printf(f->mem, "%s/root.key", f->dir));
	struct str wrapped;
	EXPECT_OK(keyring_create_root(&f->w, root));
	EXPECT_OK(keyring_open(&f->w, root, &f->kr));
	EXPECT_OK(keyring_key_new(f->kr, NULL, S("store"), f->mem, &wrapped));
	f->key = key_ref_of(NULL, S("store"), wrapped);
}

static inline void fixture_store(struct fixture *f, const struct store_options *o)
{
	EXPECT_OK(store_open(&f->w, f->kr, &f->key, f->data, o, &f->store));
}

static inline struct shard *fixture_shard(struct fixture *f, const char *name)
{
	struct shard *sh;
	EXPECT_OK(shard_open(f->store, str_of(name), &f->key, &sh));
	return sh;
}

static inline void fixture_remove(const char *dir)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[1024];
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		EXPECT(snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path);
		if (unlink(path) < 0)
			fixture_remove(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static inline void fixture_end(struct fixture *f)
{
	if (f->store)
		store_close(f->store);
	keyring_close(f->kr);
	fixture_remove(f->dir);
	arena_free(f->mem);
}

/* One write transaction from outside any fiber. */
struct fixture_write {
	struct shard *sh;
	struct status (*run)(struct txn *, void *);
	void *arg;
	struct status st;
};

static inline void fixture_write_fiber(void *arg)
{
	struct fixture_write *fw = arg;
	struct txn *t;
	fw->st = txn_write(fw->sh, &t);
	if (failed(fw->st))
		return;
	fw->st = txn_finish(t, fw->run(t, fw->arg));
}

static inline struct status fixture_write(struct shard *sh, struct status (*run)(struct txn *, void *), void *arg)
{
	struct fixture_write fw = { .sh = sh, .run = run, .arg = arg };
	fiber_block_on(fixture_write_fiber, &fw);
	return fw.st;
}

struct fixture_pair {
	struct str key, val;
};

static inline struct status fixture_put_one(struct txn *t, void *arg)
{
	struct fixture_pair *p = arg;
	return txn_put(t, p->key, p->val);
}

static inline struct status fixture_put(struct shard *sh, struct str key, struct str val)
{
	return fixture_write(sh, fixture_put_one, &(struct fixture_pair){ key, val });
}

/* The value of a key in a snapshot of its own. */
static inline struct status fixture_get(struct shard *sh, struct str key, struct arena *mem, struct str *val)
{
	struct txn *t;
	TRY(txn_read(sh, &t));
	struct status st = txn_get(t, key, mem, val);
	txn_end(t);
	return st;
}

/* Calls fn for every regular file below dir. */
static inline void fixture_files(const char *dir, void (*fn)(void *arg, const char *path), void *arg)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[1024];
		struct stat st;
		EXPECT(snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path);
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || stat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			fixture_files(path, fn, arg);
		else
			fn(arg, path);
	}
	if (d)
		closedir(d);
}

#endif
