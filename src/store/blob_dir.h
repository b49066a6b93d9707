/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where blobs lie. Private to store/.
 *
 *     dir/start        touched at each start: what is older belongs to an earlier run
 *     dir/tmp/<id>     being written
 *     dir/<2>/<id>     complete; <2> are the id's first two hex digits
 */
#ifndef STORE_BLOB_DIR_H
#define STORE_BLOB_DIR_H

#include "store/blob.h"

struct blobs {
	struct world *w;
	struct secret_pool *secrets;
	struct io_pool *io;
	char *dir;
	int64_t start_ns; /* by the file system's clock */
};

/* `sub` NULL: where it lies when it is complete. The caller frees it. */
char *blob_path(const struct blobs *b, const char *sub, struct blob_id id);
/* Durable when it answers; one that is there already is fine. */
struct status blob_make_dir(struct blobs *b, const char *sub);

#endif
