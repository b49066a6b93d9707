/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and directories of the data directory: whole ranges or a failure, whatever pread and
 * pwrite make of it, and names that are still there after the power failed.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "base/world.h"

/* What errno means: E_FULL, E_NOT_FOUND, else E_IO. */
struct status file_status(void);
/* All n bytes at offset `at`. Does not sync. */
struct status file_write(struct disk *d, int fd, const void *p, size_t n, int64_t at);
/* E_CORRUPT when the file ends before. */
struct status file_read(struct disk *d, int fd, void *p, size_t n, int64_t at);

/* A directory for us alone (0700), durable when it returns; one that is there is fine. Its parent must be there. */
struct status dir_make(struct world *w, const char *path);
/* Makes durable which names stand in the directory that holds `path`. */
struct status dir_sync_of(struct world *w, const char *path);

#endif
