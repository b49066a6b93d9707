/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map from upload id to how many hold it, under one lock; whoever lets go last deletes what
 * was left to him, outside the lock.
 */
#include "svc/s3/reading.h"

#include "base/map.h"
#include "svc/s3/digest.h"
#include "svc/s3/start.h"

#include <pthread.h>

struct held {
	unsigned readers;
	struct blob_id *blobs; /* to delete when nobody reads any more */
	size_t n;
};

struct s3_state {
	pthread_mutex_t lock;
	struct map held; /* by upload id */
	struct s3_sweeper *sweeper;
	struct s3_lane *lane;
};

struct s3_lane *s3_lane(struct s3_state *s) { return s ? s->lane : NULL; }

void s3_reading_hold(struct s3_state *s, struct str upload)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	struct held *h = map_get(&s->held, upload);
	if (!h) {
		h = HEAP(struct held);
		map_put(&s->held, upload, h);
	}
	h->readers++;
	pthread_mutex_unlock(&s->lock);
}

void s3_reading_release(struct app *app, struct str upload)
{
	struct s3_state *s = app->s3;
	struct held *last = NULL;
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	struct held *h = map_get(&s->held, upload);
	assert(h && h->readers);
	if (--h->readers == 0) {
		map_del(&s->held, upload);
		last = h;
	}
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; last && i < last->n; i++)
		blob_delete_soon(app->blobs, last->blobs[i]);
	if (last)
		heap_free(last->blobs);
	heap_free(last);
}

bool s3_reading_leave_to_reader(struct s3_state *s, struct str upload, const struct blob_id *blobs, size_t n)
{
	if (!s)
		return false;
	pthread_mutex_lock(&s->lock);
	struct held *h = map_get(&s->held, upload);
	if (h && !h->blobs) {
		h->blobs = HEAPS(struct blob_id, n + 1);
		memcpy(h->blobs, blobs, n * sizeof *blobs);
		h->n = n;
	}
	pthread_mutex_unlock(&s->lock);
	return h != NULL;
}

struct status s3_open(struct app *app)
{
	struct s3_state *s = HEAP(struct s3_state);
	uint64_t seed;
	pthread_mutex_init(&s->lock, NULL);
	world_random(app->world, &seed, sizeof seed);
	map_init(&s->held, seed);
	s->lane = s3_lane_new();
	app->s3 = s;
	s3_finish_deletes(app);
	return s3_sweeper_start(app, &s->sweeper);
}

void s3_close(struct app *app)
{
	struct s3_state *s = app->s3;
	if (!s)
		return;
	s3_sweeper_stop(s->sweeper);
	s3_lane_free(s->lane);
	assert(s->held.n == 0);
	map_free(&s->held);
	pthread_mutex_destroy(&s->lock);
	heap_free(s);
	app->s3 = NULL;
}
