/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One segment of a block log: its file, its key, its blocks as bytes. Private to store/.
 *
 *     segment  head 4096 | block | block | ...
 *     head     "HFBLOCK1" | first number, be64 | id 16 | floor, be64 | previous segment's last tag 16
 *              | wrapped key length, be32 | wrapped key;   marks at 1024 and 2048
 *     mark     [nonce 24][cipher of 48][tag 16]: blocks durable, offset behind them, last tag, closed, floor
 *     block    head 64 | summary, sealed | records, sealed | the block's length, be32
 *     head 64  "BLK1" | summary n, be32 | records n, be32 | 0, be32 | number, be64 | durable, be64
 *              | previous block's tag 16 | tag of the records 16
 *
 * A block's tag is that of its summary, whose additional data are the segment's id and the
 * block's whole head; the head names the records' tag and the previous block's tag. So one
 * tag vouches for the block, for its place, and for all blocks before it.
 */
#ifndef STORE_BLOCK_FILE_H
#define STORE_BLOCK_FILE_H

#include "base/world.h"
#include "crypto/aead.h"
#include "crypto/keyring.h"

enum {
	SEGMENT_HEAD = 4096,
	BLOCK_HEAD = 64,
	BLOCK_TRAILER = 4,
	BLOCK_TAG = 16,
	BLOCK_BYTES_MAX = 24 * 1024 * 1024,
};

struct segment {
	struct segment *next; /* among the log's open ones */
	unsigned refs;
	struct world *w;
	char *path;
	int fd;
	uint64_t first; /* number of its first block */
	uint64_t floor; /* the log's oldest block when it was made */
	uint8_t id[16];
	uint8_t before[BLOCK_TAG]; /* last tag of the segment before */
	struct secret key;         /* struct aead_key */
};

/* A block's head, taken apart. */
struct block_head {
	uint32_t summary_n, records_n; /* sealed */
	uint64_t no, durable;
	uint8_t prev_tag[BLOCK_TAG], records_tag[BLOCK_TAG];
};

struct segment_mark {
	uint64_t blocks; /* number behind the last durable block */
	uint64_t end;    /* its offset */
	uint8_t tag[BLOCK_TAG];
	bool closed; /* another segment follows */
	uint64_t floor;
};

/* Makes the file at path, durable but for its name. */
struct status segment_create(struct world *w, struct keyring *kr, const struct key_ref *parent, struct str log_name,
			     const char *path, uint64_t first, uint64_t floor, const uint8_t before[BLOCK_TAG],
			     struct segment **out);
struct status segment_open(struct world *w, struct keyring *kr, const struct key_ref *parent, struct str log_name,
			   const char *path, uint64_t first, struct segment **out);
void segment_free(struct segment *s); /* null is allowed */
int64_t segment_size(struct segment *s);
struct status segment_damaged(const struct segment *s, const char *what, uint64_t no); /* logs; E_CORRUPT */

/* E_CORRUPT when neither mark authenticates. *slot is the one to write next. */
struct status mark_read(struct segment *s, struct segment_mark *out, unsigned *slot);
struct status mark_put(struct segment *s, const struct segment_mark *m, unsigned slot);

/* Seal a whole block into mem. `tag` becomes the block's tag. */
struct str block_seal(struct segment *s, const struct block_head *place, struct str summary, struct str packed,
		      struct arena *mem, uint8_t tag[BLOCK_TAG]);
uint64_t block_length(const struct block_head *h);
/* Head of the block at `at`, which must end at or before `end`; checked for form only. tag: that of its summary. */
struct status block_head_read(struct segment *s, uint64_t at, uint64_t end, struct block_head *h,
			      uint8_t tag[BLOCK_TAG]);
/* Authentic or E_CORRUPT. */
struct status block_summary_read(struct segment *s, uint64_t at, uint64_t len, struct arena *mem, struct str *summary,
				 struct block_head *h);
struct status block_packed_read(struct segment *s, uint64_t at, const struct block_head *h, struct arena *mem,
				struct str *packed);
/* Length of the block that ends at `end`. */
struct status block_before(struct segment *s, uint64_t end, uint64_t *len);

#endif
