/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/s3/digest.h"

#include "base/fiber.h"
#include "base/str.h"

#include <pthread.h>

enum { ROOM = 256 * 1024 };

struct s3_lane {
	pthread_mutex_t lock;
	pthread_cond_t change; /* a job came, a job is done, or stop */
	pthread_t thread;
	struct s3_digest *job; /* at most one: who comes second helps himself */
	bool stop;
};

struct s3_digest {
	struct s3_lane *lane;
	struct hasher hash; /* the lane's while `busy` */
	bool busy;          /* under the lane's lock, as are the next two */
	struct fiber *waiting;
	struct str handed;
	char *rooms[2];
	unsigned room; /* being filled */
	size_t n;
};

static void done(struct s3_lane *l, struct s3_digest *d)
{
	l->job = NULL;
	d->busy = false;
	struct fiber *f = d->waiting;
	d->waiting = NULL;
	pthread_cond_broadcast(&l->change);
	pthread_mutex_unlock(&l->lock);
	if (f)
		fiber_wake(f);
	pthread_mutex_lock(&l->lock);
}

static void *run(void *arg)
{
	struct s3_lane *l = arg;
	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		struct s3_digest *d = l->job;
		if (!d) {
			pthread_cond_wait(&l->change, &l->lock);
			continue;
		}
		pthread_mutex_unlock(&l->lock);
		hasher_update(&d->hash, d->handed);
		pthread_mutex_lock(&l->lock);
		done(l, d);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

struct s3_lane *s3_lane_new(void)
{
	struct s3_lane *l = HEAP(struct s3_lane);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->change, NULL);
	if (pthread_create(&l->thread, NULL, run, l) == 0)
		return l;
	heap_free(l);
	return NULL;
}

void s3_lane_free(struct s3_lane *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_broadcast(&l->change);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->change);
	pthread_mutex_destroy(&l->lock);
	heap_free(l);
}

/* ---- one body ---------------------------------------------------------------------- */

struct s3_digest *s3_digest_new(struct s3_lane *l)
{
	struct s3_digest *d = HEAP(struct s3_digest);
	d->lane = l;
	d->rooms[0] = HEAPS(char, ROOM);
	d->rooms[1] = HEAPS(char, ROOM);
	hasher_init(&d->hash, HASH_MD5);
	return d;
}

/* On the stepper's stack: the fiber is parked by now, and may be woken. */
static void wait_for_lane(void *arg, struct fiber *f)
{
	struct s3_digest *d = arg;
	pthread_mutex_lock(&d->lane->lock);
	bool busy = d->busy;
	if (busy)
		d->waiting = f;
	pthread_mutex_unlock(&d->lane->lock);
	if (!busy)
		fiber_wake(f);
}

static bool is_busy(struct s3_digest *d)
{
	pthread_mutex_lock(&d->lane->lock);
	bool busy = d->busy;
	pthread_mutex_unlock(&d->lane->lock);
	return busy;
}

/* Until the lane has given back what it was handed. */
static void settle(struct s3_digest *d)
{
	if (d->lane && is_busy(d))
		fiber_park(wait_for_lane, d);
}

static bool hand_over(struct s3_digest *d, struct str bytes)
{
	struct s3_lane *l = d->lane;
	if (!l)
		return false;
	pthread_mutex_lock(&l->lock);
	bool taken = !l->job;
	if (taken) {
		d->handed = bytes;
		d->busy = true;
		l->job = d;
		pthread_cond_broadcast(&l->change);
	}
	pthread_mutex_unlock(&l->lock);
	return taken;
}

static void flush(struct s3_digest *d)
{
	struct str bytes = str_make(d->rooms[d->room], d->n);
	settle(d);
	if (!hand_over(d, bytes))
		hasher_update(&d->hash, bytes);
	d->room ^= 1;
	d->n = 0;
}

void s3_digest_add(struct s3_digest *d, struct str piece)
{
	while (piece.n) {
		size_t n = piece.n < ROOM - d->n ? piece.n : ROOM - d->n;
		memcpy(d->rooms[d->room] + d->n, piece.p, n);
		d->n += n;
		piece = str_from(piece, n);
		if (d->n == ROOM)
			flush(d);
	}
}

void s3_digest_finish(struct s3_digest *d, uint8_t out[MD5_SIZE])
{
	settle(d);
	hasher_update(&d->hash, str_make(d->rooms[d->room], d->n));
	hasher_final(&d->hash, out);
}

void s3_digest_free(struct s3_digest *d)
{
	if (!d)
		return;
	settle(d);
	heap_free(d->rooms[0]);
	heap_free(d->rooms[1]);
	heap_free(d);
}
