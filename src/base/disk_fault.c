/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails on purpose. See disk_fault.h.
 *
 * Every change goes to the real files at once, so that the code under test reads what it
 * wrote. What it would take to take the change back is kept in a list; making a file or
 * a directory durable drops the entries that it covers; power loss applies those left,
 * newest first.
 */
#include "base/disk_fault.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum undo_kind {
	UNDO_DATA,   /* put old bytes and old size back into a file */
	UNDO_CREATE, /* remove path */
	UNDO_REMOVE, /* link `saved` back to path */
	UNDO_RENAME, /* move path back to `from` */
	UNDO_MKDIR,  /* remove path, and all that is in it */
};

struct undo {
	struct link link;
	enum undo_kind kind;
	/* UNDO_DATA */
	dev_t dev;
	ino_t ino;
	int fd; /* a handle of our own */
	int64_t at, old_size;
	size_t n; /* bytes written or cut off */
	bool cut; /* happened whole or not at all */
	struct str old;
	/* the others; heap strings */
	char *path, *from, *saved;
};

static struct disk_fault *df_of(struct disk *d) { return (struct disk_fault *)(void *)d; }

static char *heap_z(const char *z)
{
	size_t n = strlen(z) + 1;
	return memcpy(heap_alloc(1, n), z, n);
}

/* ---- the list of what could be undone ---- */

static struct undo *undo_add(struct disk_fault *df, enum undo_kind kind)
{
	struct undo *u = HEAP(struct undo);
	u->kind = kind;
	u->fd = -1;
	list_push(&df->undo, &u->link);
	return u;
}

static void undo_drop(struct undo *u)
{
	list_del(&u->link);
	if (u->fd != -1)
		close(u->fd);
	if (u->saved)
		unlink(u->saved);
	heap_free(u->old.p);
	heap_free(u->path);
	heap_free(u->from);
	heap_free(u->saved);
	heap_free(u);
}

/* Remember n bytes at `at` and the size of fd, before they change. NULL with errno when that fails. */
static struct undo *undo_data(struct disk_fault *df, int fd, int64_t at, size_t n)
{
	struct stat st;
	char name[64];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	int own = open(name, O_RDWR | O_CLOEXEC);
	if (own == -1 || fstat(own, &st) == -1)
		return NULL;
	struct undo *u = undo_add(df, UNDO_DATA);
	u->dev = st.st_dev;
	u->ino = st.st_ino;
	u->fd = own;
	u->at = at;
	u->old_size = st.st_size;
	u->n = n;
	char *old = heap_alloc(1, n);
	ssize_t got = df->under->pread(df->under, own, old, n, at);
	u->old = str_make(old, got > 0 ? (size_t)got : 0);
	return u;
}

/* The same for making fd n bytes long. */
static struct undo *undo_size(struct disk_fault *df, int fd, int64_t n)
{
	int64_t size = df->under->size(df->under, fd);
	struct undo *u = size < n ? undo_data(df, fd, n, 0) : undo_data(df, fd, n, (size_t)(size - n));
	if (u)
		u->cut = true;
	return u;
}

/* A second name in scratch for what path names now, so that it can come back; NULL when there is nothing. */
static char *save(struct disk_fault *df, const char *path)
{
	char name[4096];
	snprintf(name, sizeof(name), "%s/saved-%llu", df->scratch, (unsigned long long)++df->saved);
	return link(path, name) == 0 ? heap_z(name) : NULL;
}

static void undo_remove(struct disk_fault *df, const char *path, char *saved)
{
	struct undo *u = undo_add(df, UNDO_REMOVE);
	u->path = heap_z(path);
	u->saved = saved;
}

static bool in_directory(const char *path, struct str dir)
{
	const char *slash = strrchr(path, '/');
	struct str parent = !slash ? S(".") : slash == path ? S("/") : str_make(path, (size_t)(slash - path));
	while (dir.n > 1 && dir.p[dir.n - 1] == '/')
		dir.n--;
	return str_eq(parent, dir);
}

static void file_is_durable(struct disk_fault *df, const struct stat *st)
{
	for (struct link *l = df->undo.next, *next; l != &df->undo; l = next) {
		struct undo *u = ENTRY(l, struct undo, link);
		next = l->next;
		if (u->kind == UNDO_DATA && u->dev == st->st_dev && u->ino == st->st_ino)
			undo_drop(u);
	}
}

static void directory_is_durable(struct disk_fault *df, const char *path)
{
	for (struct link *l = df->undo.next, *next; l != &df->undo; l = next) {
		struct undo *u = ENTRY(l, struct undo, link);
		next = l->next;
		if (u->kind != UNDO_DATA && in_directory(u->path, str_of(path)))
			undo_drop(u);
	}
}

/* ---- power loss ---- */

static void must(bool done)
{
	if (!done) {
		perror("disk_fault: cannot undo");
		abort();
	}
}

/* How many bytes of an undurable write have reached the disk nevertheless. */
static size_t kept(struct disk_fault *df, const struct undo *u)
{
	if (!df->keep_seed)
		return 0;
	df->keep_seed = str_hash(S("kept"), df->keep_seed) | 1;
	switch (df->keep_seed >> 62) {
	case 0:
		return 0;
	case 1:
		return u->cut ? 0 : (size_t)((df->keep_seed >> 8) % (u->n + 1)) / 512 * 512;
	default:
		return u->n;
	}
}

static void take_back_data(struct disk_fault *df, struct undo *u)
{
	size_t keep = kept(df, u);
	struct stat st;
	if (u->n && keep == u->n)
		return;
	if (u->old.n > keep) {
		struct str lost = str_from(u->old, keep);
		ssize_t r = df->under->pwrite(df->under, u->fd, lost.p, lost.n, u->at + (int64_t)keep);
		must(r == (ssize_t)lost.n);
	}
	int64_t size = u->old_size;
	if (keep && u->at + (int64_t)keep > size)
		size = u->at + (int64_t)keep;
	must(fstat(u->fd, &st) == 0);
	if (u->n == 0 || st.st_size > size)
		must(ftruncate(u->fd, size) == 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static void take_back(struct disk_fault *df, struct undo *u)
{
	switch (u->kind) {
	case UNDO_DATA:
		take_back_data(df, u);
		break;
	case UNDO_CREATE:
		must(unlink(u->path) == 0 || errno == ENOENT);
		break;
	case UNDO_REMOVE:
		must(rename(u->saved, u->path) == 0);
		break;
	case UNDO_RENAME:
		must(rename(u->path, u->from) == 0);
		break;
	case UNDO_MKDIR:
		must(nftw(u->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT);
		break;
	}
}

static void power_loss(struct disk_fault *df)
{
	df->off = true;
	while (!list_empty(&df->undo)) {
		struct undo *u = ENTRY(df->undo.prev, struct undo, link);
		take_back(df, u);
		undo_drop(u);
	}
}

void disk_fault_power_loss(struct disk_fault *df)
{
	pthread_mutex_lock(&df->lock);
	if (!df->off)
		power_loss(df);
	pthread_mutex_unlock(&df->lock);
}

void disk_fault_power_on(struct disk_fault *df)
{
	pthread_mutex_lock(&df->lock);
	df->off = false;
	df->fail_at = df->power_loss_at = 0;
	pthread_mutex_unlock(&df->lock);
}

/* ---- the calls ---- */

/* Take the lock for a call that reads. False with errno when the power is off. */
static bool begin_reading(struct disk_fault *df)
{
	pthread_mutex_lock(&df->lock);
	if (df->off)
		errno = EIO;
	return !df->off;
}

/* The same for one that changes something: the place where faults happen. */
static bool begin(struct disk_fault *df)
{
	if (!begin_reading(df))
		return false;
	uint64_t call = ++df->calls;
	if (df->power_loss_at && call >= df->power_loss_at) {
		power_loss(df);
		errno = EIO;
		return false;
	}
	uint64_t count = df->fail_count ? df->fail_count : 1;
	if (df->fail_at && call >= df->fail_at && call - df->fail_at < count) {
		errno = df->fail_errno ? df->fail_errno : EIO;
		return false;
	}
	return true;
}

static void end(struct disk_fault *df)
{
	int why = errno;
	pthread_mutex_unlock(&df->lock);
	errno = why;
}

static int open_changing(struct disk_fault *df, const char *path, int flags, mode_t mode)
{
	struct stat st;
	bool exists = stat(path, &st) == 0;
	int fd = df->under->open(df->under, path, flags & ~O_TRUNC, mode);
	if (fd == -1)
		return -1;
	if (!exists && (flags & O_CREAT))
		undo_add(df, UNDO_CREATE)->path = heap_z(path);
	if ((flags & O_TRUNC) && exists && st.st_size > 0 &&
	    (!undo_size(df, fd, 0) || df->under->ftruncate(df->under, fd, 0) == -1)) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

static int fault_open(struct disk *d, const char *path, int flags, mode_t mode)
{
	struct disk_fault *df = df_of(d);
	int fd = -1;
	if (!(flags & (O_CREAT | O_TRUNC))) {
		if (begin_reading(df))
			fd = df->under->open(df->under, path, flags, mode);
	} else if (begin(df)) {
		fd = open_changing(df, path, flags, mode);
	}
	end(df);
	return fd;
}

static int fault_close(struct disk *d, int fd)
{
	struct disk_fault *df = df_of(d);
	return df->under->close(df->under, fd);
}

static ssize_t fault_pread(struct disk *d, int fd, void *p, size_t n, int64_t at)
{
	struct disk_fault *df = df_of(d);
	ssize_t r = begin_reading(df) ? df->under->pread(df->under, fd, p, n, at) : -1;
	end(df);
	return r;
}

static ssize_t fault_pwrite(struct disk *d, int fd, const void *p, size_t n, int64_t at)
{
	struct disk_fault *df = df_of(d);
	ssize_t r = -1;
	if (begin(df) && undo_data(df, fd, at, n))
		r = df->under->pwrite(df->under, fd, p, n, at);
	end(df);
	return r;
}

static int fault_fdatasync(struct disk *d, int fd)
{
	struct disk_fault *df = df_of(d);
	struct stat st;
	int r = begin(df) ? fstat(fd, &st) : -1;
	if (r == 0) {
		df->syncs++;
		r = df->under->fdatasync(df->under, fd);
	}
	if (r == 0)
		file_is_durable(df, &st);
	end(df);
	return r;
}

/* Makes nothing durable, so it is no place for a fault. */
static void fault_start_sync(struct disk *d, int fd, int64_t at, int64_t n)
{
	struct disk_fault *df = df_of(d);
	df->under->start_sync(df->under, fd, at, n);
}

static int fault_ftruncate(struct disk *d, int fd, int64_t n)
{
	struct disk_fault *df = df_of(d);
	int r = -1;
	if (begin(df) && undo_size(df, fd, n))
		r = df->under->ftruncate(df->under, fd, n);
	end(df);
	return r;
}

static int64_t fault_size(struct disk *d, int fd)
{
	struct disk_fault *df = df_of(d);
	int64_t r = begin_reading(df) ? df->under->size(df->under, fd) : -1;
	end(df);
	return r;
}

static int rename_changing(struct disk_fault *df, const char *from, const char *to)
{
	char *saved = df->scratch ? save(df, to) : NULL;
	int r = df->under->rename(df->under, from, to);
	if (r == -1 || !df->scratch) {
		int why = errno;
		if (saved)
			unlink(saved);
		heap_free(saved);
		errno = why;
		return r;
	}
	if (saved)
		undo_remove(df, to, saved);
	struct undo *u = undo_add(df, UNDO_RENAME);
	u->path = heap_z(to);
	u->from = heap_z(from);
	return 0;
}

static int fault_rename(struct disk *d, const char *from, const char *to)
{
	struct disk_fault *df = df_of(d);
	int r = begin(df) ? rename_changing(df, from, to) : -1;
	end(df);
	return r;
}

static int fault_unlink(struct disk *d, const char *path)
{
	struct disk_fault *df = df_of(d);
	int r = -1;
	if (begin(df)) {
		char *saved = df->scratch ? save(df, path) : NULL;
		r = df->under->unlink(df->under, path);
		if (saved)
			undo_remove(df, path, saved);
	}
	end(df);
	return r;
}

static int fault_mkdir(struct disk *d, const char *path, mode_t mode)
{
	struct disk_fault *df = df_of(d);
	int r = begin(df) ? df->under->mkdir(df->under, path, mode) : -1;
	if (r == 0)
		undo_add(df, UNDO_MKDIR)->path = heap_z(path);
	end(df);
	return r;
}

static int fault_sync_dir(struct disk *d, const char *path)
{
	struct disk_fault *df = df_of(d);
	int r = begin(df) ? df->under->sync_dir(df->under, path) : -1;
	if (r == 0)
		directory_is_durable(df, path);
	end(df);
	return r;
}

void disk_fault_init(struct disk_fault *df, struct disk *under, const char *scratch)
{
	*df = (struct disk_fault){
		.disk = {
			.open = fault_open,
			.close = fault_close,
			.pread = fault_pread,
			.pwrite = fault_pwrite,
			.fdatasync = fault_fdatasync,
			.start_sync = fault_start_sync,
			.ftruncate = fault_ftruncate,
			.size = fault_size,
			.rename = fault_rename,
			.unlink = fault_unlink,
			.mkdir = fault_mkdir,
			.sync_dir = fault_sync_dir,
		},
		.under = under,
		.scratch = scratch,
	};
	pthread_mutex_init(&df->lock, NULL);
	list_init(&df->undo);
}

void disk_fault_end(struct disk_fault *df)
{
	while (!list_empty(&df->undo))
		undo_drop(ENTRY(df->undo.next, struct undo, link));
	pthread_mutex_destroy(&df->lock);
}
