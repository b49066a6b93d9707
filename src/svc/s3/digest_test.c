/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever does the work, and however the body is cut: the digest is that of the body.
 */
#include "svc/s3/digest.h"

#include "base/fiber.h"
#include "base/str.h"
#include "base/test.h"

#include <pthread.h>

enum { BODY = 3 * 1024 * 1024 + 77, BODIES = 4 };

static char *body(void)
{
	char *p = HEAPS(char, BODY);
	for (size_t i = 0; i < BODY; i++)
		p[i] = (char)(i * 7 + (i >> 9));
	return p;
}

struct one {
	struct s3_lane *lane;
	struct str bytes;
	size_t cut;
	uint8_t got[MD5_SIZE];
	bool abandon;
};

static void digest_it(void *arg)
{
	struct one *o = arg;
	struct s3_digest *d = s3_digest_new(o->lane);
	for (size_t at = 0; at < o->bytes.n; at += o->cut)
		s3_digest_add(d, str_sub(o->bytes, at, o->cut));
	if (!o->abandon)
		s3_digest_finish(d, o->got);
	s3_digest_free(d);
}

static void *in_a_thread(void *arg)
{
	fiber_block_on(digest_it, arg);
	return NULL;
}

static void check(const struct one *o)
{
	uint8_t want[MD5_SIZE];
	md5(o->bytes, want);
	EXPECT(memcmp(want, o->got, sizeof want) == 0);
}

static void with_a_lane_and_without_whatever_the_pieces(void)
{
	static const size_t cuts[] = { 1000, 65536, 256 * 1024, 256 * 1024 + 1, BODY };
	char *p = body();
	struct s3_lane *lane = s3_lane_new();
	for (size_t i = 0; i < 2 * COUNT(cuts); i++) {
		struct one o = { .lane = i % 2 ? lane : NULL, .bytes = { p, BODY - i * 1000 }, .cut = cuts[i / 2] };
		fiber_block_on(digest_it, &o);
		check(&o);
	}
	struct one none = { .lane = lane, .bytes = { p, 0 }, .cut = 1 };
	fiber_block_on(digest_it, &none);
	check(&none);
	s3_lane_free(lane);
	heap_free(p);
}

static void many_bodies_share_one_lane(void)
{
	char *p = body();
	struct s3_lane *lane = s3_lane_new();
	struct one all[BODIES];
	pthread_t threads[BODIES];
	for (size_t i = 0; i < BODIES; i++) {
		all[i] =
		    (struct one){ .lane = lane, .bytes = { p + i, BODY - i }, .cut = 60000 + i, .abandon = i == 1 };
		EXPECT(pthread_create(&threads[i], NULL, in_a_thread, &all[i]) == 0);
	}
	for (size_t i = 0; i < BODIES; i++) {
		pthread_join(threads[i], NULL);
		if (!all[i].abandon)
			check(&all[i]);
	}
	s3_lane_free(lane);
	heap_free(p);
}

RUN_ALL(T(with_a_lane_and_without_whatever_the_pieces), T(many_bodies_share_one_lane))
