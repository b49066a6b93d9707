/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What connections to one vault share: the wal-index and the locks.
 *
 * SQLite keeps these in a -shm file and in file locks, for other processes. The store holds
 * its directory under a lock, so there are none: memory and a mutex do, and no -shm file ever
 * exists. The semantics are those of xShmLock and xLock in SQLite's documentation.
 */
#include "store/vault.h"

#include <sqlite3.h>

enum { REGION = 32 * 1024 };

int shm_map(struct vault *v, int region, int size, bool extend, void volatile **out)
{
	*out = NULL;
	if (size != REGION || region < 0 || region >= VAULT_SHM_REGIONS)
		return SQLITE_IOERR_SHMSIZE;
	pthread_mutex_lock(&v->lock);
	if (!v->regions[region] && extend)
		v->regions[region] = heap_alloc(REGION, 1);
	*out = v->regions[region];
	pthread_mutex_unlock(&v->lock);
	return SQLITE_OK;
}

static bool all_free(const struct vault *v, int offset, int n, int at_most)
{
	for (int i = offset; i < offset + n; i++)
		if (v->shm_locks[i] < 0 || v->shm_locks[i] > at_most)
			return false;
	return true;
}

static void drop(struct vault *v, struct shm_held *held, int offset, int n)
{
	for (int i = offset; i < offset + n; i++) {
		unsigned bit = 1u << i;
		if (held->excluded & bit)
			v->shm_locks[i] = 0;
		else if (held->shared & bit)
			v->shm_locks[i]--;
		held->excluded &= ~bit;
		held->shared &= ~bit;
	}
}

static int take_shared(struct vault *v, struct shm_held *held, int i)
{
	unsigned bit = 1u << i;
	if (held->shared & bit)
		return SQLITE_OK;
	if (!all_free(v, i, 1, INT32_MAX))
		return SQLITE_BUSY;
	v->shm_locks[i]++;
	held->shared |= bit;
	return SQLITE_OK;
}

static int take_excluded(struct vault *v, struct shm_held *held, int offset, int n)
{
	if (!all_free(v, offset, n, 0))
		return SQLITE_BUSY;
	for (int i = offset; i < offset + n; i++) {
		v->shm_locks[i] = -1;
		held->excluded |= 1u << i;
	}
	return SQLITE_OK;
}

int shm_lock(struct vault *v, struct shm_held *held, int offset, int n, int flags)
{
	int rc = SQLITE_OK;
	assert(offset >= 0 && n >= 1 && offset + n <= VAULT_LOCKS);
	pthread_mutex_lock(&v->lock);
	if (flags & SQLITE_SHM_UNLOCK)
		drop(v, held, offset, n);
	else if (flags & SQLITE_SHM_SHARED)
		rc = take_shared(v, held, offset);
	else
		rc = take_excluded(v, held, offset, n);
	pthread_mutex_unlock(&v->lock);
	return rc;
}

void shm_release(struct vault *v, struct shm_held *held)
{
	pthread_mutex_lock(&v->lock);
	drop(v, held, 0, VAULT_LOCKS);
	pthread_mutex_unlock(&v->lock);
}

/* In WAL mode a connection holds SHARED for as long as it lives; more is taken only while a shard is being made. */
int db_lock(struct vault *v, int *level, int want)
{
	int rc = SQLITE_OK;
	pthread_mutex_lock(&v->lock);
	if (want > *level && want == SQLITE_LOCK_SHARED) {
		if (v->exclusive)
			rc = SQLITE_BUSY;
		else
			v->shared++;
	} else if (want > *level) {
		bool mine = *level >= SQLITE_LOCK_RESERVED;
		if ((!mine && v->reserved) || (want == SQLITE_LOCK_EXCLUSIVE && v->shared > 1))
			rc = SQLITE_BUSY;
		else
			v->reserved = true;
		if (!rc && want == SQLITE_LOCK_EXCLUSIVE)
			v->exclusive = true;
	}
	if (!rc && want > *level)
		*level = want;
	pthread_mutex_unlock(&v->lock);
	return rc;
}

void db_unlock(struct vault *v, int *level, int to)
{
	pthread_mutex_lock(&v->lock);
	if (*level > SQLITE_LOCK_SHARED && to <= SQLITE_LOCK_SHARED) {
		v->reserved = false;
		v->exclusive = false;
	}
	if (*level >= SQLITE_LOCK_SHARED && to == SQLITE_LOCK_NONE)
		v->shared--;
	if (to < *level)
		*level = to;
	pthread_mutex_unlock(&v->lock);
}
