/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of blobs and segments: whole ranges or a failure, whatever pread and pwrite make of
 * it. Private to store/.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "base/world.h"

/* What errno means: E_FULL, E_NOT_FOUND, else E_IO. */
struct status file_status(void);
struct status file_write(struct disk *d, int fd, const void *p, size_t n, int64_t at);
struct status file_read(struct disk *d, int fd, void *p, size_t n,
			int64_t at); /* E_CORRUPT when the file ends before */

#endif
