/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs: the bytes of objects, in files of their own, as authenticated ciphertext.
 *
 * A blob is written once and never changed. Its data key is random, belongs to this blob
 * alone and is the caller's to wrap and keep: without it the file is noise, and forgetting
 * it shreds the blob.
 *
 *     file    head 32 | chunk 0 | chunk 1 | ... | last chunk
 *     chunk   up to 64 KiB sealed with AES-256-GCM, 16-byte tag behind it
 *     nonce   chunk index and a last-chunk mark (the STREAM construction), unique as the key is
 *     AAD     the blob's id, the chunk's index, and the caller's identity string
 *
 * so a chunk that was cut off, moved, swapped or taken from another object does not
 * authenticate. `identity` is any string that says whose bytes these are ("s3:bucket/key#version");
 * the reader must give the same one. Any chunk is read without the others.
 *
 * A blob exists from blob_finish on: written under a temporary name, fdatasync, rename, sync
 * of the directory. Index the id after that, in a transaction. What a crash leaves between is
 * removed by blobs_sweep.
 *
 * A writer or reader belongs to one fiber at a time. In a fiber, and with an io_pool, the
 * calls that wait for the disk (write, finish, abort, delete) do so on the pool.
 */
#ifndef STORE_BLOB_H
#define STORE_BLOB_H

#include "base/world.h"
#include "crypto/secret.h"
#include "store/io_pool.h"

enum { BLOB_CHUNK = 64 * 1024, BLOB_KEY = 32, BLOB_SMALL_OVERHEAD = 16 };

struct blob_id {
	uint8_t b[16]; /* random; as a string: hex */
};

struct blobs; /* a directory of blobs; thread-safe */
struct blob_writer;
struct blob_reader;

/* `dir` is made when it is not there. `pool` may be NULL: then callers wait themselves. `secrets` holds keys in use. */
struct status blobs_open(struct world *w, struct secret_pool *secrets, struct io_pool *pool, const char *dir,
			 struct blobs **out);
void blobs_close(struct blobs *b); /* null is allowed */

/*
 * `key` is copied and wiped with the writer. Wants BLOB_KEY random bytes used for no other blob. `identity`, at most 8
 * KiB, is copied. E_FULL, E_IO. The writer is the caller's until blob_finish or blob_abort.
 */
struct status blob_create(struct blobs *b, const struct secret *key, struct str identity, struct blob_writer **out);
/* Any size. E_FULL, E_IO: after a failure only abort is left. */
struct status blob_write(struct blob_writer *w, struct str piece);
struct blob_id blob_writer_id(const struct blob_writer *w);
uint64_t blob_written(const struct blob_writer *w);
/* Makes it durable. The writer is gone afterwards, whatever the outcome; on failure so is the file. */
struct status blob_finish(struct blob_writer *w, struct blob_id *id);
void blob_abort(struct blob_writer *w); /* null is allowed */

/* E_NOT_FOUND when there is no such file; E_CORRUPT when its size or header cannot be right. Until blob_close. */
struct status blob_open(struct blobs *b, struct blob_id id, const struct secret *key, struct str identity,
			struct blob_reader **out);
/* Of the plaintext, as the file's size says. A file cut short shows when its new end is read: compare with the index.
 */
uint64_t blob_length(const struct blob_reader *r);
/* E_CORRUPT, and a line in the log that names the file, when it is not as long as the index says. */
struct status blob_expect(const struct blob_reader *r, uint64_t length);
/*
 * Read up to n plaintext bytes at `at` into p. *got < n only at the blob's end. E_CORRUPT gives nothing: no byte
 * of a chunk that does not authenticate reaches p. Reading in order hints the kernel to read ahead.
 */
struct status blob_read(struct blob_reader *r, uint64_t at, void *p, size_t n, size_t *got);
void blob_close(struct blob_reader *r); /* null is allowed */

/* For whoever finds that an id which is still indexed has no file: E_CORRUPT, and a line in the log that names it. */
struct status blob_missing(struct blobs *b, struct blob_id id);

/* Gone is OK too: deleting is idempotent. Call after the commit that forgot the id. */
struct status blob_delete(struct blobs *b, struct blob_id id);
/*
 * The same for who need not know: freeing a large file takes the file system longer than a commit. A file that cannot
 * be removed, or is still there when the machine dies, is the sweep's.
 */
void blob_delete_soon(struct blobs *b, struct blob_id id);

/*
 * Remove what earlier runs left: their temporary files, and blobs for which `referenced` says false. Files of this
 * run are never touched, so it may run as a job while requests are served. *removed counts both.
 */
struct status blobs_sweep(struct blobs *b, bool (*referenced)(void *arg, struct blob_id id), void *arg,
			  uint64_t *removed);

/* Small objects, kept inline in the index: one sealed piece. The key must seal nothing else, as with blobs. */
struct status blob_seal_small(struct arena *mem, const struct secret *key, struct str identity, struct str plain,
			      struct str *sealed);
struct status blob_open_small(struct arena *mem, const struct secret *key, struct str identity, struct str sealed,
			      struct str *plain);

#endif
