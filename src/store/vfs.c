/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VFS: SQLite's method tables, each method a line or two into the vault.
 */
#include "store/vfs.h"

#include "base/str.h"

#include <unistd.h>

enum { VAULT_NAME_MAX = 24 };

struct entry {
	struct entry *next;
	struct vault *vault;
	char name[VAULT_NAME_MAX]; /* what SQLite opens; the log is this and "-wal" */
};

struct vfs {
	sqlite3_vfs base;
	char name[40];
	struct world *w;
	pthread_mutex_t lock;
	struct entry *entries;
	uint64_t serial;
};

/* One connection's handle on the database or on the log. */
struct handle {
	sqlite3_file base;
	struct vault *v;
	int level;
	struct shm_held held;
	struct wal_pending pend;
};

static struct handle *handle_of(sqlite3_file *f) { return (struct handle *)(void *)f; }

static int h_close(sqlite3_file *f)
{
	struct handle *h = handle_of(f);
	shm_release(h->v, &h->held);
	db_unlock(h->v, &h->level, SQLITE_LOCK_NONE);
	return SQLITE_OK;
}

static int h_db_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return db_read(handle_of(f)->v, p, n, at); }
static int h_db_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return db_write(handle_of(f)->v, p, n, at);
}
static int h_db_truncate(sqlite3_file *f, sqlite3_int64 n) { return db_truncate(handle_of(f)->v, n); }
static int h_db_sync(sqlite3_file *f, int flags)
{
	(void)flags;
	return db_sync(handle_of(f)->v);
}
static int h_db_size(sqlite3_file *f, sqlite3_int64 *n)
{
	*n = db_size(handle_of(f)->v);
	return SQLITE_OK;
}

static int h_wal_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return wal_read(handle_of(f)->v, &handle_of(f)->pend, p, n, at);
}
static int h_wal_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return wal_write(handle_of(f)->v, &handle_of(f)->pend, p, n, at);
}
static int h_wal_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return wal_truncate(handle_of(f)->v, &handle_of(f)->pend, n);
}
static int h_wal_sync(sqlite3_file *f, int flags)
{
	(void)flags;
	return wal_sync(handle_of(f)->v, &handle_of(f)->pend);
}
static int h_wal_size(sqlite3_file *f, sqlite3_int64 *n)
{
	*n = wal_size(handle_of(f)->v);
	return *n < 0 ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int h_lock(sqlite3_file *f, int want) { return db_lock(handle_of(f)->v, &handle_of(f)->level, want); }
static int h_unlock(sqlite3_file *f, int to)
{
	db_unlock(handle_of(f)->v, &handle_of(f)->level, to);
	return SQLITE_OK;
}
static int h_check_reserved(sqlite3_file *f, int *reserved)
{
	struct vault *v = handle_of(f)->v;
	pthread_mutex_lock(&v->lock);
	*reserved = v->reserved;
	pthread_mutex_unlock(&v->lock);
	return SQLITE_OK;
}

static int h_control(sqlite3_file *f, int op, void *arg)
{
	(void)f;
	if (op == SQLITE_FCNTL_PERSIST_WAL) {
		*(int *)arg = 1;
		return SQLITE_OK;
	}
	return SQLITE_NOTFOUND;
}

static int h_sector(sqlite3_file *f)
{
	(void)f;
	return VAULT_PAGE;
}

/* Overwriting a page leaves its neighbours alone; an open file may not be taken away (nobody else is there). */
static int h_characteristics(sqlite3_file *f)
{
	(void)f;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}

static int h_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
	return shm_map(handle_of(f)->v, region, size, extend, out);
}
static int h_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return shm_lock(handle_of(f)->v, &handle_of(f)->held, offset, n, flags);
}
static void h_shm_barrier(sqlite3_file *f)
{
	struct vault *v = handle_of(f)->v;
	atomic_thread_fence(memory_order_seq_cst);
	pthread_mutex_lock(&v->lock);
	pthread_mutex_unlock(&v->lock);
}
static int h_shm_unmap(sqlite3_file *f, int delete)
{
	(void)delete; /* the regions live and die with the vault */
	shm_release(handle_of(f)->v, &handle_of(f)->held);
	return SQLITE_OK;
}

static const sqlite3_io_methods db_methods = {
	.iVersion = 2,
	.xClose = h_close,
	.xRead = h_db_read,
	.xWrite = h_db_write,
	.xTruncate = h_db_truncate,
	.xSync = h_db_sync,
	.xFileSize = h_db_size,
	.xLock = h_lock,
	.xUnlock = h_unlock,
	.xCheckReservedLock = h_check_reserved,
	.xFileControl = h_control,
	.xSectorSize = h_sector,
	.xDeviceCharacteristics = h_characteristics,
	.xShmMap = h_shm_map,
	.xShmLock = h_shm_lock,
	.xShmBarrier = h_shm_barrier,
	.xShmUnmap = h_shm_unmap,
};

static const sqlite3_io_methods wal_methods = {
	.iVersion = 1,
	.xClose = h_close,
	.xRead = h_wal_read,
	.xWrite = h_wal_write,
	.xTruncate = h_wal_truncate,
	.xSync = h_wal_sync,
	.xFileSize = h_wal_size,
	.xLock = h_lock,
	.xUnlock = h_unlock,
	.xCheckReservedLock = h_check_reserved,
	.xFileControl = h_control,
	.xSectorSize = h_sector,
	.xDeviceCharacteristics = h_characteristics,
};

static struct vfs *vfs_of(sqlite3_vfs *f) { return (struct vfs *)(void *)f; }

static struct vault *vault_named(struct vfs *f, struct str name)
{
	struct vault *found = NULL;
	pthread_mutex_lock(&f->lock);
	for (struct entry *e = f->entries; e && !found; e = e->next)
		if (str_eq(str_of(e->name), name))
			found = e->vault;
	pthread_mutex_unlock(&f->lock);
	return found;
}

static int v_open(sqlite3_vfs *f, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	struct handle *h = handle_of(file);
	*h = (struct handle){ 0 };
	if (!path || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
		return SQLITE_CANTOPEN;
	struct str name = str_of(path);
	bool log = flags & SQLITE_OPEN_WAL;
	if (log && str_ends(name, S("-wal")))
		name.n -= 4;
	h->v = vault_named(vfs_of(f), name);
	if (!h->v)
		return SQLITE_CANTOPEN;
	h->base.pMethods = log ? &wal_methods : &db_methods;
	if (out_flags)
		*out_flags = flags;
	return SQLITE_OK;
}

/* SQLite asks whether a hot journal or a log is there. There is never a journal; the log counts when it holds frames.
 */
static int v_access(sqlite3_vfs *f, const char *path, int flags, int *yes)
{
	(void)flags;
	struct str name = str_of(path);
	*yes = 0;
	if (str_ends(name, S("-wal"))) {
		struct vault *v = vault_named(vfs_of(f), str_sub(name, 0, name.n - 4));
		*yes = v && wal_size(v) > 0;
	}
	return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *f, const char *path, int sync_dir)
{
	(void)f, (void)path, (void)sync_dir;
	return SQLITE_IOERR_DELETE; /* files go with their shard, and only so */
}

static int v_full_path(sqlite3_vfs *f, const char *path, int n, char *out)
{
	(void)f;
	return snprintf(out, (size_t)n, "%s", path) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int v_random(sqlite3_vfs *f, int n, char *p)
{
	world_random(vfs_of(f)->w, p, (size_t)n);
	return n;
}

static int v_sleep(sqlite3_vfs *f, int us)
{
	(void)f;
	usleep((useconds_t)us);
	return us;
}

static int v_time64(sqlite3_vfs *f, sqlite3_int64 *t)
{
	*t = world_now_ms(vfs_of(f)->w) + 210866760000000; /* the Julian day's milliseconds of 1970-01-01 */
	return SQLITE_OK;
}

static int v_time(sqlite3_vfs *f, double *days)
{
	sqlite3_int64 t;
	v_time64(f, &t);
	*days = (double)t / 86400000.0;
	return SQLITE_OK;
}

static int v_last_error(sqlite3_vfs *f, int n, char *p)
{
	(void)f, (void)n, (void)p;
	return 0;
}

struct vfs *vfs_new(struct world *w)
{
	(void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD); /* all refused, harmlessly, once SQLite runs */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0); /* no 20 pages in advance for each connection */
	struct vfs *f = HEAP(struct vfs);
	uint64_t unique;
	f->w = w;
	pthread_mutex_init(&f->lock, NULL);
	world_random(w, &unique, sizeof unique);
	snprintf(f->name, sizeof f->name, "holdfast-%p-%llx", (void *)f, (unsigned long long)unique);
	f->base = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = sizeof(struct handle),
		.mxPathname = 64,
		.zName = f->name,
		.xOpen = v_open,
		.xDelete = v_delete,
		.xAccess = v_access,
		.xFullPathname = v_full_path,
		.xRandomness = v_random,
		.xSleep = v_sleep,
		.xCurrentTime = v_time,
		.xGetLastError = v_last_error,
		.xCurrentTimeInt64 = v_time64,
	};
	int rc = sqlite3_vfs_register(&f->base, 0);
	assert(rc == SQLITE_OK);
	return f;
}

void vfs_free(struct vfs *f)
{
	if (!f)
		return;
	assert(!f->entries);
	sqlite3_vfs_unregister(&f->base);
	pthread_mutex_destroy(&f->lock);
	heap_free(f);
}

void vfs_add(struct vfs *f, struct vault *v)
{
	struct entry *e = HEAP(struct entry);
	e->vault = v;
	pthread_mutex_lock(&f->lock);
	snprintf(e->name, sizeof e->name, "v%llu", (unsigned long long)f->serial++);
	e->next = f->entries;
	f->entries = e;
	pthread_mutex_unlock(&f->lock);
}

void vfs_remove(struct vfs *f, struct vault *v)
{
	pthread_mutex_lock(&f->lock);
	struct entry **at = &f->entries;
	while (*at && (*at)->vault != v)
		at = &(*at)->next;
	struct entry *e = *at;
	if (e)
		*at = e->next;
	pthread_mutex_unlock(&f->lock);
	heap_free(e);
}

int vfs_connect(struct vfs *f, struct vault *v, sqlite3 **db)
{
	char name[VAULT_NAME_MAX] = "";
	pthread_mutex_lock(&f->lock);
	for (struct entry *e = f->entries; e; e = e->next)
		if (e->vault == v)
			memcpy(name, e->name, sizeof name);
	pthread_mutex_unlock(&f->lock);
	int rc = sqlite3_open_v2(name, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, f->name);
	if (rc != SQLITE_OK) {
		sqlite3_close(*db);
		*db = NULL;
		return rc;
	}
	sqlite3_extended_result_codes(*db, 1);
	return SQLITE_OK;
}
