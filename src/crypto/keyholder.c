/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting guardian, keyholder and the client's two threads, and stopping them all.
 */
#include "crypto/keyholder_client.h"

#include "base/str.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_MS = 200 };

static struct status start_guardian(struct keyholder *h, struct asker *asker)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR(E_IO);
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		close(h->rings_fd);
		starter_forget(h->starter);
		guardian_run(h->w, h->root_path, asker, h->rings, pair[1]);
	}
	close(pair[1]);
	h->fd = pair[0];
	if (pid > 0)
		h->guardian = started_of(pid);
	return pid < 0 ? ERR(E_IO) : OK;
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

static struct status start(struct keyholder *h, const struct keyring_apart *apart)
{
	h->rings = rings_new(&h->rings_fd);
	if (!h->rings)
		return ERR(E_IO);
	atomic_store(&h->rings->to_client.consumers, 1);
	TRY(start_guardian(h, apart->asker));
	TRY(wait_until_up(h));
	if (apart->settle)
		TRY(apart->settle(apart->arg));
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
	started_wait(&h->guardian);
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

struct status keyholder_start(struct world *w, const char *root_path, const struct keyring_apart *apart,
			      struct keyholder **out)
{
	struct keyholder *h = HEAP(struct keyholder);
	size_t n = strlen(root_path) + 1;

	h->w = w;
	h->root_path = heap_dup(str_make(root_path, n)).p;
	h->starter = apart->starter;
	h->fd = h->rings_fd = h->holder_fd = h->guardian.fd = -1;
	pthread_cond_init(&h->heard, NULL);
	h->line_end = &h->line;
	pthread_mutex_init(&h->lock, NULL);
	for (uint16_t i = RING_SLOTS; i-- > 0;) /* the first ones are taken first: their pages stay in use */
		h->free[h->n_free++] = i;
	struct status st = start(h, apart);
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

/* The guardian's answer; negative: a status code of ours. */
static int ask_guardian(struct keyholder *h, enum keyholder_word word)
{
	pthread_mutex_lock(&h->lock);
	while (h->asking)
		pthread_cond_wait(&h->heard, &h->lock);
	h->asking = true;
	h->answered = !h->up || !keyholder_say(h->fd, word, 0);
	h->said = -E_BUSY;
	while (!h->answered)
		pthread_cond_wait(&h->heard, &h->lock);
	int answer = h->said;
	h->asking = false;
	pthread_cond_broadcast(&h->heard);
	pthread_mutex_unlock(&h->lock);
	return answer;
}

static struct status status_of(int answer) { return ERR(answer < 0 ? -answer : answer); }

struct status keyholder_adopt(struct keyholder *h) { return status_of(ask_guardian(h, KEYHOLDER_ADOPT)); }
struct status keyholder_rotation_finish(struct keyholder *h) { return status_of(ask_guardian(h, KEYHOLDER_FINISH)); }

struct status keyholder_rotation_under_way(struct keyholder *h, bool *is)
{
	int answer = ask_guardian(h, KEYHOLDER_UNDER_WAY);
	if (answer >= 0)
		*is = answer;
	return answer < 0 ? ERR(-answer) : OK;
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
