/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting guardian, keyholder and the client's two threads, and stopping them all.
 */
#include "crypto/keyholder_client.h"

#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 200 };

static struct status start_guardian(struct keyholder *h, struct asker *asker)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR(E_IO);
	h->guardian = fork();
	if (h->guardian == 0) {
		close(pair[0]);
		close(h->rings_fd);
		guardian_run(h->w, h->root_path, asker, h->rings, pair[1]);
	}
	close(pair[1]);
	h->fd = pair[0];
	return h->guardian < 0 ? ERR(E_IO) : OK;
}

/* It may take as long as a person does. */
static struct status wait_until_up(struct keyholder *h)
{
	struct pollfd p = { h->fd, POLLIN, 0 };
	struct keyholder_said said;

	while (poll(&p, 1, LOOK_MS) <= 0)
		if (ask_interrupted())
			return ERR(E_CLOSED);
	if (!keyholder_hear(h->fd, &said))
		return ERR(E_IO);
	if (said.word == KEYHOLDER_FAILED)
		return ERR(said.number);
	if (said.word != KEYHOLDER_UP)
		return ERR(E_IO);
	keyholder_went_up(h, &said);
	return OK;
}

static struct status start(struct keyholder *h, struct asker *asker)
{
	h->rings = rings_new(&h->rings_fd);
	if (!h->rings)
		return ERR(E_IO);
	atomic_store(&h->rings->to_client.consumers, 1);
	TRY(start_guardian(h, asker));
	TRY(wait_until_up(h));
	if (pthread_create(&h->reaper, NULL, keyholder_reap, h) != 0)
		return ERR(E_IO);
	if (pthread_create(&h->monitor, NULL, keyholder_watch, h) == 0)
		return OK;
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_mutex_unlock(&h->lock);
	ring_wake(&h->rings->to_client);
	pthread_join(h->reaper, NULL);
	return ERR(E_IO);
}

/* The guardian ends when the socket does, and the keyholder with it. */
static void let_go(struct keyholder *h)
{
	if (h->fd >= 0)
		close(h->fd);
	if (h->guardian > 0)
		while (waitpid(h->guardian, NULL, 0) < 0 && errno == EINTR)
			;
	if (h->holder_fd >= 0)
		close(h->holder_fd);
	if (h->rings_fd >= 0)
		close(h->rings_fd);
	rings_free(h->rings);
	pthread_cond_destroy(&h->heard);
	pthread_mutex_destroy(&h->lock);
	heap_free(h->root_path);
	heap_free(h);
}

struct status keyholder_start(struct world *w, const char *root_path, struct asker *asker, const char *respawn,
			      struct keyholder **out)
{
	struct keyholder *h = HEAP(struct keyholder);
	size_t n = strlen(root_path) + 1;

	h->w = w;
	h->root_path = heap_dup(str_make(root_path, n)).p;
	h->respawn = respawn;
	h->fd = h->rings_fd = h->holder_fd = -1;
	pthread_cond_init(&h->heard, NULL);
	h->line_end = &h->line;
	pthread_mutex_init(&h->lock, NULL);
	for (uint16_t i = 0; i < RING_SLOTS; i++)
		h->free[h->n_free++] =
		    (uint16_t)(RING_SLOTS - 1 - i); /* the first ones first: their pages stay in use */
	struct status st = start(h, asker);
	if (failed(st)) {
		let_go(h);
		return st;
	}
	*out = h;
	return OK;
}

void keyholder_stop(struct keyholder *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	assert(h->n_free == RING_SLOTS);
	shutdown(h->fd, SHUT_RDWR);
	pthread_cond_broadcast(&h->heard);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->monitor, NULL);
	ring_wake(&h->rings->to_client);
	pthread_join(h->reaper, NULL);
	let_go(h);
}

struct status keyholder_adopt(struct keyholder *h)
{
	pthread_mutex_lock(&h->lock);
	while (h->adopting)
		pthread_cond_wait(&h->heard, &h->lock);
	bool said = h->up && keyholder_say(h->fd, KEYHOLDER_ADOPT, 0);
	h->adopting = said;
	while (h->adopting)
		pthread_cond_wait(&h->heard, &h->lock);
	struct status st = said ? h->adopted : ERR(E_BUSY);
	pthread_mutex_unlock(&h->lock);
	return st;
}

struct keyring_health keyholder_health(struct keyholder *h)
{
	if (!h)
		return (struct keyring_health){ .up = true };
	pthread_mutex_lock(&h->lock);
	struct keyring_health out = h->health;
	out.up = h->up;
	pthread_mutex_unlock(&h->lock);
	return out;
}
