/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each body has a ring of rooms. Its fiber fills them in turn; the lane takes the oldest full
 * one of two bodies at a time, since two MD5s in step take hardly longer than one. A body that
 * can still wait is left for a partner to come, unless it is alone.
 *
 *     rooms of one body    ... | full | full | being filled | free | ...
 *                                 ▲ first       ▲ room
 *                                 with the lane, or next
 */
#include "svc/s3/digest.h"

#include "base/fiber.h"
#include "base/list.h"
#include "base/str.h"

#include <pthread.h>

enum {
	ROOM = 128 * 1024, /* whole blocks of MD5: two bodies meet at a block's edge */
	ROOMS = 4,
	SERVED_MAX = 2, /* bodies with full rooms; who comes third helps himself */
};

struct s3_lane {
	pthread_mutex_t lock;
	pthread_cond_t change; /* for the thread: there may be something to do, or stop */
	pthread_t thread;
	struct link queue; /* struct s3_digest with full rooms, none of them in work */
	unsigned served;   /* bodies with full rooms */
	unsigned open;     /* bodies */
	bool stop;
};

struct s3_digest {
	struct s3_lane *lane;
	struct hasher hash; /* the lane's while `full` */
	char *rooms[ROOMS];
	unsigned room; /* being filled */
	size_t n;

	/* under the lane's lock */
	struct link link;
	unsigned first, full;
	unsigned enough; /* whoever waits does so until no more than so many are full */
	struct fiber *waiting;
};

/* ---- the lane ---------------------------------------------------------------------- */

static struct s3_digest *take(struct s3_lane *l)
{
	struct s3_digest *d = ENTRY(l->queue.next, struct s3_digest, link);
	list_del(&d->link);
	return d;
}

/* One to work on, and its partner or NULL. False: nothing is to be done yet. */
static bool take_work(struct s3_lane *l, struct s3_digest **one, struct s3_digest **two)
{
	if (list_empty(&l->queue))
		return false;
	*one = ENTRY(l->queue.next, struct s3_digest, link);
	*two = NULL;
	bool alone = (*one)->link.next == &l->queue;
	if (alone && l->open > 1 && (*one)->full < ROOMS - 1 && !(*one)->waiting)
		return false;
	*one = take(l);
	if (!alone)
		*two = take(l);
	return true;
}

static struct str oldest(const struct s3_digest *d) { return str_make(d->rooms[d->first], ROOM); }

/* The room is the fiber's again. Returns the fiber that is to be woken for it, or NULL. */
static struct fiber *give_back(struct s3_lane *l, struct s3_digest *d)
{
	struct fiber *f = NULL;
	d->first = (d->first + 1) % ROOMS;
	if (--d->full)
		list_push(&l->queue, &d->link);
	else
		l->served--;
	if (d->full <= d->enough) {
		f = d->waiting;
		d->waiting = NULL;
	}
	return f;
}

static void work(struct s3_lane *l, struct s3_digest *one, struct s3_digest *two)
{
	struct str bytes = oldest(one);
	pthread_mutex_unlock(&l->lock);
	if (two)
		hasher_update_two(&one->hash, bytes, &two->hash, oldest(two));
	else
		hasher_update(&one->hash, bytes);
	pthread_mutex_lock(&l->lock);
	struct fiber *f = give_back(l, one), *g = two ? give_back(l, two) : NULL;
	pthread_mutex_unlock(&l->lock);
	if (f)
		fiber_wake(f);
	if (g)
		fiber_wake(g);
	pthread_mutex_lock(&l->lock);
}

static void *run(void *arg)
{
	struct s3_lane *l = arg;
	struct s3_digest *one, *two;
	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		if (take_work(l, &one, &two))
			work(l, one, two);
		else
			pthread_cond_wait(&l->change, &l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

struct s3_lane *s3_lane_new(void)
{
	struct s3_lane *l = HEAP(struct s3_lane);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->change, NULL);
	list_init(&l->queue);
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
	assert(!l->open);
	l->stop = true;
	pthread_cond_signal(&l->change);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->change);
	pthread_mutex_destroy(&l->lock);
	heap_free(l);
}

/* ---- one body ---------------------------------------------------------------------- */

static void count_open(struct s3_lane *l, int by)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->open += (unsigned)by;
	pthread_cond_signal(&l->change); /* who waited for a partner may be alone now */
	pthread_mutex_unlock(&l->lock);
}

struct s3_digest *s3_digest_new(struct s3_lane *l)
{
	struct s3_digest *d = HEAP(struct s3_digest);
	d->lane = l;
	list_init(&d->link);
	for (unsigned i = 0; i < ROOMS; i++)
		d->rooms[i] = HEAPS(char, ROOM);
	hasher_init(&d->hash, HASH_MD5);
	count_open(l, 1);
	return d;
}

/* On the stepper's stack: the fiber is parked by now, and may be woken. */
static void wait_for_lane(void *arg, struct fiber *f)
{
	struct s3_digest *d = arg;
	struct s3_lane *l = d->lane;
	pthread_mutex_lock(&l->lock);
	bool wait = d->full > d->enough;
	if (wait) {
		d->waiting = f;
		pthread_cond_signal(&l->change);
	}
	pthread_mutex_unlock(&l->lock);
	if (!wait)
		fiber_wake(f);
}

/* Until the lane has no more than so many rooms. */
static void settle(struct s3_digest *d, unsigned enough)
{
	if (!d->lane)
		return;
	pthread_mutex_lock(&d->lane->lock);
	bool wait = d->full > enough;
	d->enough = enough;
	pthread_mutex_unlock(&d->lane->lock);
	if (wait)
		fiber_park(wait_for_lane, d);
}

static bool hand_over(struct s3_digest *d)
{
	struct s3_lane *l = d->lane;
	if (!l)
		return false;
	pthread_mutex_lock(&l->lock);
	bool taken = d->full || l->served < SERVED_MAX;
	if (taken && d->full++ == 0) {
		l->served++;
		list_push(&l->queue, &d->link);
	}
	if (taken)
		pthread_cond_signal(&l->change);
	pthread_mutex_unlock(&l->lock);
	return taken;
}

static void flush(struct s3_digest *d)
{
	d->n = 0;
	if (!hand_over(d)) {
		hasher_update(&d->hash, str_make(d->rooms[d->room], ROOM));
		return;
	}
	d->room = (d->room + 1) % ROOMS;
	settle(d, ROOMS - 1);
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
	settle(d, 0);
	hasher_update(&d->hash, str_make(d->rooms[d->room], d->n));
	hasher_final(&d->hash, out);
}

void s3_digest_free(struct s3_digest *d)
{
	if (!d)
		return;
	settle(d, 0);
	count_open(d->lane, -1);
	for (unsigned i = 0; i < ROOMS; i++)
		heap_free(d->rooms[i]);
	heap_free(d);
}
