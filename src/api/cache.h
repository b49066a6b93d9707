/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read from a shard and made ready for use (a principal with compiled policies,
 * a bucket's settings, a key's metadata), kept while the shard does not change.
 *
 * Every thread has tables of its own, so a hit takes no lock; behind them is one that all
 * share. An entry remembers the shard's version (store.h: it moves with every commit, before
 * the answer is sent) as it was before the entry's data were read, and which rows were read.
 * Once the version has moved, the entry is good only if no commit since has written one of
 * those rows or put one under a prefix that was walked; else it is loaded anew. So a change
 * is in force for every request that starts after its answer, with no message sent, and one
 * change among ten thousand roles does not load the others again.
 *
 * A cached value is immutable and is held by the request until it ends.
 */
#ifndef API_CACHE_H
#define API_CACHE_H

#include "api/req.h"

struct caches;

struct cache_kind {
	const char *name;
	unsigned slot; /* distinct for each kind: enum cache_slot */
	unsigned max;  /* entries a thread keeps, and all together */
	/* Make the value from the shard (through req_read) and from nothing else that changes. Heap memory, owned by
	 * the cache, for several threads at once. E_NOT_FOUND is not kept. */
	struct status (*load)(struct req *rq, struct shard *shard, struct str key, void **value);
	void (*free)(void *value);
	/* Where values are of very different sizes: how much memory one takes, and how much all of a table may. NULL:
	 * they are only counted. One that is bigger than a whole table is kept alone. */
	size_t (*bytes)(const void *value);
	size_t max_bytes;
};

enum cache_slot {
	CACHE_IAM_KEY,
	CACHE_IAM_PRINCIPAL,
	CACHE_IAM_POLICY,
	CACHE_KMS_KEY,
	CACHE_KMS_ALIAS,
	CACHE_KMS_GRANTS,
	CACHE_S3_BUCKET,
	CACHE_DOCUMENT,
	CACHE_SLOTS
};

struct caches *caches_new(struct world *w);
void caches_free(struct caches *c); /* no request may be under way */

/* shard == NULL: the value depends on the key alone and never goes stale. *value lives until the request ends. */
struct status cached(struct req *rq, const struct cache_kind *kind, struct shard *shard, struct str key,
		     const void **value);

/*
 * Is all that this request was given, and what it had from the one it is made for, still so after what has been
 * committed by now? Values of the kind `but` from `shard` are not looked at (CACHE_SLOTS: all are). Reads and waits for
 * nothing, so it can be asked on a writer.
 */
bool cached_stands(const struct req *rq, enum cache_slot but, const struct shard *shard);

/* A policy compiled from its text, by content; E_INVALID when it does not parse. */
struct status cached_policy(struct req *rq, enum policy_kind kind, struct str document, const struct policy **out);

#endif
