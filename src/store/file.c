/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing go on until all is there: the system may do part of it, or be interrupted.
 * A directory is as durable as what its parent says of it.
 */
#include "store/file.h"

#include <errno.h>

struct status file_status(void)
{
	if (errno == ENOSPC || errno == EDQUOT)
		return ERR(E_FULL);
	return errno == ENOENT ? ERR(E_NOT_FOUND) : ERR(E_IO);
}

struct status file_write(struct disk *d, int fd, const void *p, size_t n, int64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = d->pwrite(d, fd, (const char *)p + done, n - done, at + (int64_t)done);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return file_status();
		done += (size_t)put;
	}
	return OK;
}

struct status file_read(struct disk *d, int fd, void *p, size_t n, int64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = d->pread(d, fd, (char *)p + done, n - done, at + (int64_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR(E_IO);
		if (got == 0)
			return ERR(E_CORRUPT);
		done += (size_t)got;
	}
	return OK;
}

struct status dir_sync_of(struct world *w, const char *path)
{
	char *dir = heap_alloc(strlen(path) + 2, 1);
	const char *slash = strrchr(path, '/');
	if (!slash)
		memcpy(dir, ".", 2);
	else
		memcpy(dir, path, slash == path ? 1 : (size_t)(slash - path));
	int rc = w->disk->sync_dir(w->disk, dir);
	heap_free(dir);
	return rc < 0 ? ERR(E_IO) : OK;
}

struct status dir_make(struct world *w, const char *path)
{
	if (w->disk->mkdir(w->disk, path, 0700) < 0 && errno != EEXIST)
		return file_status();
	return dir_sync_of(w, path); /* one that is there may be so only in the memory of the system */
}
