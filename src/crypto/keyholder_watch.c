/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: learns of the deaths of keyholder and guardian, fails the calls under way,
 * and has another one started.
 */
#include "crypto/keyholder_client.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RESPAWN_MS = 50, RESPAWN_MAX_MS = 5000 };

bool keyholder_is_stopping(struct keyholder *h)
{
	pthread_mutex_lock(&h->lock);
	bool stopping = h->stopping;
	pthread_mutex_unlock(&h->lock);
	return stopping;
}

/* For the next one. The one before is dead: nobody else looks at the rings now. */
static void clear(struct keyholder *h)
{
	pthread_mutex_lock(&h->lock);
	rings_clear(h->rings);
	h->popped = 0;
	h->distrusted = false;
	pthread_mutex_unlock(&h->lock);
	ring_wake(&h->rings->to_client); /* who is about to sleep has counted in what was there */
}

void keyholder_went_up(struct keyholder *h, const struct keyholder_said *said)
{
	pthread_mutex_lock(&h->lock);
	h->health.restarts += h->health.pid != 0;
	h->health.pid = said->number;
	h->by_itself = said->by_itself;
	if (h->holder_fd >= 0)
		close(h->holder_fd);
	h->holder_fd = (int)syscall(SYS_pidfd_open, said->number, 0);
	h->up = true;
	if (h->distrusted) /* it answered before */
		keyholder_distrust(h);
	pthread_mutex_unlock(&h->lock);
}

/* It answered, to whoever asked. */
static void answered(struct keyholder *h, const struct keyholder_said *said)
{
	pthread_mutex_lock(&h->lock);
	if (!h->answered)
		h->said = said->number;
	h->answered = true;
	if (said->word == KEYHOLDER_ADOPT && !said->number)
		h->by_itself = said->by_itself;
	if (said->has_bytes && h->n_retired < ROOTS_MAX)
		memcpy(h->retired[h->n_retired++], said->bytes, sizeof said->bytes);
	pthread_cond_broadcast(&h->heard);
	pthread_mutex_unlock(&h->lock);
}

static bool is_answer(char word)
{
	return word == KEYHOLDER_ADOPT || word == KEYHOLDER_UNDER_WAY || word == KEYHOLDER_FINISH;
}

/* While a guardian is there. */
static void listen_to_guardian(struct keyholder *h)
{
	struct keyholder_said said;

	while (keyholder_hear(h->fd, &said)) {
		if (said.word == KEYHOLDER_FAILED) {
			h->by_itself = h->by_itself && said.number != E_UNSUPPORTED; /* what lacks will not come */
			break;
		}
		if (said.word == KEYHOLDER_UP) {
			keyholder_went_up(h, &said);
			log_info("the keyholder serves again");
		} else if (is_answer(said.word)) {
			answered(h, &said);
		} else {
			log_error("the keyholder died; what needs keys fails until it is there again");
			keyholder_fail_calls(h);
			clear(h);
			keyholder_say(h->fd, KEYHOLDER_GO, 0);
		}
	}
}

/* False: we are to end. */
static bool pause_before(struct keyholder *h, unsigned tries)
{
	unsigned ms = tries > 6 ? RESPAWN_MAX_MS : (unsigned)RESPAWN_MS << tries;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&h->lock);
	while (!h->stopping && pthread_cond_clockwait(&h->heard, &h->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
		;
	bool stopping = h->stopping;
	pthread_mutex_unlock(&h->lock);
	return !stopping;
}

/* No new ones, and nobody asks the guardian any more, which will not answer who did. */
static void stop_calls(struct keyholder *h)
{
	pthread_mutex_lock(&h->lock);
	h->up = false;
	pthread_mutex_unlock(&h->lock);
	answered(h, &(struct keyholder_said){ .number = -E_BUSY });
}

/* No other keyholder before this one is dead: it ends with its guardian, but has the rings until then. */
static void wait_for_death(struct keyholder *h)
{
	struct pollfd p = { h->holder_fd, POLLIN, 0 };

	started_kill(&h->guardian);
	started_wait(&h->guardian);
	while (h->holder_fd >= 0 && poll(&p, 1, -1) < 0)
		;
}

/* E_CLOSED: nobody starts one any more. After any other failure it may be tried again. */
static struct status respawn(struct keyholder *h)
{
	struct started guardian = { .fd = -1 };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR(E_IO);
	struct status st = starter_guardian(h->starter, pair[1], h->rings_fd, &guardian);
	close(pair[1]);
	pthread_mutex_lock(&h->lock);
	close(h->fd);
	h->fd = pair[0];
	h->guardian = guardian;
	h->health.guardians += !failed(st);
	if (h->stopping)
		shutdown(h->fd, SHUT_RDWR);
	pthread_mutex_unlock(&h->lock);
	TRY(st);
	for (size_t i = h->n_retired; i-- > 0;)
		keyholder_say_bytes(h->fd, KEYHOLDER_RETIRED, h->retired[i]);
	keyholder_say(h->fd, KEYHOLDER_GO, 0);
	return OK;
}

static bool may_respawn(struct keyholder *h)
{
	if (keyholder_is_stopping(h))
		return false;
	if (h->starter && h->by_itself) {
		log_error("the keyholder's guardian is gone; another one is started");
		return true;
	}
	log_error(
	    "the keyholder's guardian is gone, and its root key cannot be read again without a person: what needs "
	    "keys fails until this server is started anew");
	return false;
}

void *keyholder_watch(void *arg)
{
	struct keyholder *h = arg;
	unsigned tries = 0;

	for (;;) {
		int64_t since = h->w->mono_us(h->w);
		listen_to_guardian(h);
		stop_calls(h);
		wait_for_death(h); /* it may be writing an answer; who waits for it wipes that when he is woken */
		keyholder_fail_calls(h);
		if (!may_respawn(h))
			break;
		tries = h->w->mono_us(h->w) - since > RESPAWN_MAX_MS * 1000LL ? 0 : tries + 1;
		clear(h);
		if (!pause_before(h, tries) || respawn(h).code == E_CLOSED)
			break;
	}
	return NULL;
}
