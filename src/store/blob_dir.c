/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of the blobs: made, looked through at start, emptied of what nobody names.
 *
 * What is older than the directory's start file and is referenced by nothing was left by a
 * crash; what is younger may be somebody's who is about to name it.
 */
#include "store/blob_dir.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "store/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { ID_HEX = 32 };

static char *path_in(const char *dir, const char *sub, const char *name)
{
	size_t n = strlen(dir) + strlen(sub) + strlen(name) + 3;
	char *path = HEAPS(char, n);
	snprintf(path, n, "%s/%s%s%s", dir, sub, *name ? "/" : "", name);
	return path;
}

char *blob_path(const struct blobs *b, const char *sub, struct blob_id id)
{
	char hex[ID_HEX + 1] = "", two[3] = "";
	hex_to(hex, id.b, 16);
	memcpy(two, hex, 2);
	return path_in(b->dir, sub ? sub : two, hex);
}

struct status blob_make_dir(struct blobs *b, const char *sub)
{
	char *path = path_in(b->dir, sub, "");
	struct status st = dir_make(b->w, path);
	heap_free(path);
	return st;
}

static struct status touch_start(struct blobs *b)
{
	struct disk *d = b->w->disk;
	struct stat stat;
	char *path = path_in(b->dir, "start", "");
	int fd = d->open(d, path, O_RDWR | O_CREAT, 0600);
	heap_free(path);
	if (fd < 0)
		return file_status();
	struct status st = file_write(d, fd, "\n", 1, 0);
	if (!failed(st) && fstat(fd, &stat) < 0)
		st = ERR(E_IO);
	d->close(d, fd);
	TRY(st);
	b->start_ns = (int64_t)stat.st_mtim.tv_sec * 1000000000 + stat.st_mtim.tv_nsec;
	return OK;
}

struct status blobs_open(struct world *w, struct secret_pool *secrets, struct io_pool *pool, const char *dir,
			 struct blobs **out)
{
	struct blobs *b = HEAP(struct blobs);
	b->w = w;
	b->secrets = secrets;
	b->io = pool;
	b->dir = HEAPS(char, strlen(dir) + 1);
	memcpy(b->dir, dir, strlen(dir));
	struct status st = dir_make(w, dir);
	if (!failed(st))
		st = blob_make_dir(b, "tmp"); /* which makes durable those that an earlier life made, too */
	if (!failed(st))
		st = touch_start(b);
	if (failed(st)) {
		blobs_close(b);
		return st;
	}
	*out = b;
	return OK;
}

void blobs_close(struct blobs *b)
{
	if (!b)
		return;
	heap_free(b->dir);
	heap_free(b);
}

/* --- deleting ------------------------------------------------------------------------------------------------ */

/* Never inlined: errno may not be read in a function that parks. */
__attribute__((noinline)) static struct status delete_file(struct blobs *b, struct blob_id id)
{
	struct disk *d = b->w->disk;
	char *path = blob_path(b, NULL, id);
	struct status st = d->unlink(d, path) < 0 ? file_status() : OK;
	heap_free(path);
	return st.code == E_NOT_FOUND ? OK : st;
}

struct status blob_delete(struct blobs *b, struct blob_id id)
{
	bool moved = io_pool_enter(b->io);
	struct status st = delete_file(b, id);
	io_pool_leave(moved);
	return st;
}

struct removal {
	struct disk *disk;
	char *path;
};

static void remove_file(void *arg)
{
	struct removal *r = arg;
	r->disk->unlink(r->disk, r->path);
	heap_free(r->path);
	heap_free(r);
}

void blob_delete_soon(struct blobs *b, struct blob_id id)
{
	struct removal *r = HEAP(struct removal);
	*r = (struct removal){ .disk = b->w->disk, .path = blob_path(b, NULL, id) };
	if (io_pool_run(b->io, remove_file, r))
		return;
	bool moved = io_pool_enter(b->io);
	remove_file(r);
	io_pool_leave(moved);
}

struct sweep {
	struct blobs *b;
	bool (*referenced)(void *arg, struct blob_id id);
	void *arg;
	uint64_t removed;
};

static bool parse_id(const char *name, struct blob_id *id)
{
	if (strlen(name) != ID_HEX)
		return false;
	struct arena *mem = arena_new();
	struct str bytes;
	bool good = !failed(hex_decode(mem, str_of(name), &bytes));
	if (good)
		memcpy(id->b, bytes.p, sizeof id->b);
	arena_free(mem);
	return good;
}

static bool is_of_this_run(const struct blobs *b, int dir_fd, const char *name)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec >= b->start_ns;
}

static struct status sweep_file(struct sweep *s, const char *sub, int dir_fd, const char *name, bool temporary)
{
	struct disk *d = s->b->w->disk;
	struct blob_id id;
	if (!parse_id(name, &id) || is_of_this_run(s->b, dir_fd, name))
		return OK;
	if (!temporary && s->referenced(s->arg, id))
		return OK;
	char *path = path_in(s->b->dir, sub, name);
	int rc = d->unlink(d, path);
	struct status st = rc < 0 && errno != ENOENT ? file_status() : OK;
	heap_free(path);
	s->removed += !failed(st);
	return st;
}

static struct status sweep_dir(struct sweep *s, const char *sub, bool temporary)
{
	char *path = path_in(s->b->dir, sub, "");
	DIR *dir = opendir(path);
	struct status st = OK;
	heap_free(path);
	if (!dir)
		return errno == ENOENT ? OK : ERR(E_IO);
	for (struct dirent *e; !failed(st) && (e = readdir(dir));)
		st = sweep_file(s, sub, dirfd(dir), e->d_name, temporary);
	closedir(dir);
	return st;
}

struct status blobs_sweep(struct blobs *b, bool (*referenced)(void *arg, struct blob_id id), void *arg,
			  uint64_t *removed)
{
	struct sweep s = { .b = b, .referenced = referenced, .arg = arg };
	TRY(sweep_dir(&s, "tmp", true));
	for (unsigned i = 0; i < 256; i++) {
		uint8_t byte = (uint8_t)i;
		char two[3] = "";
		hex_to(two, &byte, 1);
		TRY(sweep_dir(&s, two, false));
	}
	*removed = s.removed;
	return OK;
}
