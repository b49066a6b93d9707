/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side: who has which slot, who waits for what, and what happens when the
 * keyholder dies.
 *
 * One mutex guards the free slots, the list of those that wait for one, and the table of
 * who waits for an answer. It is held for a few instructions, never across a wait.
 *
 *     call ── take a slot ── write ── submit, wait ── read ── wipe, give back
 *               │ none free                 ▲ the reaper, or the monitor when it failed
 *               └ wait in line              │
 */
#include "crypto/keyholder.h"

#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/keyholder_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { RESPAWN_MS = 50, RESPAWN_MAX_MS = 5000, LOOK_MS = 200 };

/* Somebody who waits, on his own stack. */
struct waiter {
	struct keyholder *h;
	struct fiber *fiber; /* NULL: a thread, on `done` */
	sem_t done;
	uint16_t slot;
	struct status st;
	struct waiter *next;
};

struct keyholder {
	struct rings *rings;
	int fd; /* to the guardian */
	pid_t guardian;
	pthread_t reaper, monitor;

	pthread_mutex_t lock;
	bool up, stopping;
	uint16_t free[RING_SLOTS];
	size_t n_free;
	struct waiter *line, **line_end;    /* for a slot */
	struct waiter *answers[RING_SLOTS]; /* for an answer, by slot */
	uint32_t popped;                    /* of to_client */
	struct keyring_health health;

	/* Of guardian and root keys. */
	struct world *w;
	const char *root_path;
	const char *respawn; /* NULL: no other guardian */
	bool by_itself;      /* the root key can be read without a person */
	int rings_fd;
	int holder_fd; /* a pidfd of the keyholder; -1: none */
	pthread_cond_t heard;
	bool adopting; /* until the guardian has answered */
	struct status adopted;
	uint8_t retired[ROOTS_MAX]
		       [ROOT_RETIRED_SIZE]; /* root keys that were, sealed, in the order in which they went */
	size_t n_retired;
};

/* ---- waiting ---- */

/* w may be gone when this returns. */
static void wake(struct waiter *w)
{
	if (w->fiber)
		fiber_wake(w->fiber);
	else
		sem_post(&w->done);
}

/* Do `start`, which arranges for a wake-up (or wakes at once), and wait for it. */
static void wait_for(struct waiter *w, bool parks, void (*start)(void *arg, struct fiber *f))
{
	if (parks && fiber_may_park()) {
		fiber_park(start, w);
		return;
	}
	start(w, NULL);
	while (sem_wait(&w->done) != 0)
		;
}

static void enter_line(void *arg, struct fiber *f)
{
	struct waiter *w = arg;
	struct keyholder *h = w->h;

	pthread_mutex_lock(&h->lock);
	w->fiber = f;
	bool now = h->n_free > 0;
	if (now) {
		w->slot = h->free[--h->n_free];
	} else {
		w->next = NULL;
		*h->line_end = w;
		h->line_end = &w->next;
	}
	pthread_mutex_unlock(&h->lock);
	if (now)
		wake(w);
}

static void take_slot(struct waiter *w, bool parks)
{
	struct keyholder *h = w->h;

	pthread_mutex_lock(&h->lock);
	bool got = h->n_free > 0;
	if (got)
		w->slot = h->free[--h->n_free];
	pthread_mutex_unlock(&h->lock);
	if (!got)
		wait_for(w, parks, enter_line);
}

static void give_slot(struct keyholder *h, uint16_t slot)
{
	pthread_mutex_lock(&h->lock);
	struct waiter *first = h->line;
	if (first) {
		h->line = first->next;
		if (!h->line)
			h->line_end = &h->line;
		first->slot = slot;
	} else {
		h->free[h->n_free++] = slot;
	}
	pthread_mutex_unlock(&h->lock);
	if (first)
		wake(first);
}

static void submit(void *arg, struct fiber *f)
{
	struct waiter *w = arg;
	struct keyholder *h = w->h;
	struct ring *r = &h->rings->to_holder;

	pthread_mutex_lock(&h->lock);
	w->fiber = f;
	bool up = h->up;
	if (up) {
		h->answers[w->slot] = w;
		h->health.calls++;
		ring_push(r, w->slot);
	} else {
		w->st = ERR(E_BUSY);
	}
	pthread_mutex_unlock(&h->lock);
	if (!up)
		wake(w);
	else if (ring_should_wake(r)) /* else one is awake, and looks again before it sleeps */
		ring_wake(r);
}

/* ---- calls ---- */

static struct status take_answer(struct str bytes, struct secret_pool *secrets, struct arena *mem, struct key_answer *a)
{
	struct key_answer got;
	struct str secret;
	struct status st;

	if (failed(key_answer_read(bytes, &st, &got, &secret)))
		return ERR(E_CORRUPT);
	TRY(st);
	*a = (struct key_answer){ .out = str_dup(mem, got.out), .face = str_dup(mem, got.face) };
	if (secret.n) {
		a->secret = secret_new(secrets, secret.n);
		memcpy(a->secret.p, secret.p, secret.n);
	}
	return OK;
}

static struct status call_in_slot(struct waiter *w, bool parks, struct secret_pool *secrets, const struct key_call *c,
				  struct arena *mem, struct key_answer *out)
{
	struct ring_slot *slot = &w->h->rings->slots[w->slot];
	size_t n = key_call_write(c, slot->bytes, sizeof slot->bytes), used = n;

	if (!n)
		return ERR(E_TOO_BIG);
	atomic_store_explicit(&slot->n, (uint32_t)n, memory_order_release);
	wait_for(w, parks, submit);
	struct status st = w->st;
	n = atomic_load_explicit(&slot->n, memory_order_acquire);
	if (!failed(st))
		st = n > sizeof slot->bytes ? ERR(E_CORRUPT) : take_answer(str_make(slot->bytes, n), secrets, mem, out);
	secret_wipe(slot->bytes, n > used && n <= sizeof slot->bytes ? n : used);
	return st;
}

struct status keyholder_call(struct keyholder *h, bool parks, struct secret_pool *secrets, const struct key_call *c,
			     struct arena *mem, struct key_answer *out)
{
	struct waiter w = { .h = h };

	sem_init(&w.done, 0, 0);
	take_slot(&w, parks);
	struct status st = call_in_slot(&w, parks, secrets, c, mem, out);
	give_slot(h, w.slot);
	sem_destroy(&w.done);
	return st;
}

/* ---- the reaper: wakes whose answer is there ---- */

static struct waiter *next_answered(struct keyholder *h, uint32_t *seen)
{
	uint16_t slot = 0;
	struct waiter *w = NULL;

	pthread_mutex_lock(&h->lock);
	struct status st = ring_pop(&h->rings->to_client, &h->popped, &slot);
	if (!failed(st)) {
		w = h->answers[slot];
		h->answers[slot] = NULL;
	}
	*seen = h->popped;
	pthread_mutex_unlock(&h->lock);
	if (st.code == E_CORRUPT || (!failed(st) && !w))
		log_error("the keyholder answered what was not asked");
	return w;
}

static bool is_stopping(struct keyholder *h)
{
	pthread_mutex_lock(&h->lock);
	bool stopping = h->stopping;
	pthread_mutex_unlock(&h->lock);
	return stopping;
}

static void *reap(void *arg)
{
	struct keyholder *h = arg;

	for (;;) {
		uint32_t seen, bell = ring_bell(&h->rings->to_client);
		struct waiter *w;
		if (is_stopping(h))
			break;
		while ((w = next_answered(h, &seen)))
			wake(w);
		ring_sleep(&h->rings->to_client, seen, bell);
	}
	return NULL;
}

/* ---- the monitor: learns of deaths ---- */

/* All who wait for an answer get E_BUSY. Who waits for a slot gets one as these give theirs back. */
static void went_down(struct keyholder *h)
{
	struct waiter *failed_ones = NULL;

	pthread_mutex_lock(&h->lock);
	h->up = false;
	for (size_t i = 0; i < RING_SLOTS; i++) {
		struct waiter *w = h->answers[i];
		if (!w)
			continue;
		w->st = ERR(E_BUSY);
		w->next = failed_ones;
		failed_ones = w;
		h->answers[i] = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	while (failed_ones) {
		struct waiter *w = failed_ones;
		failed_ones = w->next;
		wake(w);
	}
}

/* For the next one. The one before is dead: nobody else looks at the rings now. */
static void clear(struct keyholder *h)
{
	pthread_mutex_lock(&h->lock);
	rings_clear(h->rings);
	h->popped = 0;
	pthread_mutex_unlock(&h->lock);
}

static void went_up(struct keyholder *h, const struct keyholder_said *said)
{
	pthread_mutex_lock(&h->lock);
	h->health.restarts += h->health.pid != 0;
	h->health.pid = said->number;
	h->by_itself = said->by_itself;
	if (h->holder_fd >= 0)
		close(h->holder_fd);
	h->holder_fd = (int)syscall(SYS_pidfd_open, said->number, 0);
	h->up = true;
	pthread_mutex_unlock(&h->lock);
}

static void adopted(struct keyholder *h, const struct keyholder_said *said)
{
	pthread_mutex_lock(&h->lock);
	h->adopting = false;
	h->adopted = ERR(said->number);
	if (!said->number)
		h->by_itself = said->by_itself;
	if (said->has_bytes && h->n_retired < ROOTS_MAX)
		memcpy(h->retired[h->n_retired++], said->bytes, sizeof said->bytes);
	pthread_cond_broadcast(&h->heard);
	pthread_mutex_unlock(&h->lock);
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
			went_up(h, &said);
			log_info("the keyholder serves again");
		} else if (said.word == KEYHOLDER_ADOPT) {
			adopted(h, &said);
		} else {
			log_error("the keyholder died; what needs keys fails until it is there again");
			went_down(h);
			clear(h);
			keyholder_say(h->fd, KEYHOLDER_GO, 0);
		}
	}
	went_down(h);
	adopted(h, &(struct keyholder_said){ .number = E_BUSY });
}

/* False: we are to end. */
static bool pause_before(struct keyholder *h, unsigned tries)
{
	unsigned ms = tries > 6 ? RESPAWN_MAX_MS : (unsigned)RESPAWN_MS << tries;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&h->lock);
	while (!h->stopping && pthread_cond_timedwait(&h->heard, &h->lock, &until) != ETIMEDOUT)
		;
	bool stopping = h->stopping;
	pthread_mutex_unlock(&h->lock);
	return !stopping;
}

/* No other keyholder before this one is dead: it ends with its guardian, but has the rings until then. */
static void wait_for_death(struct keyholder *h)
{
	struct pollfd p = { h->holder_fd, POLLIN, 0 };

	kill(h->guardian, SIGKILL);
	while (waitpid(h->guardian, NULL, 0) < 0 && errno == EINTR)
		;
	h->guardian = 0;
	while (h->holder_fd >= 0 && poll(&p, 1, -1) < 0)
		;
}

/* This very program again, with two files open: out of the way of each other's numbers first. */
static int guardian_spawn(struct keyholder *h, int fd)
{
	const char *argv[] = { "holdfast", h->respawn, h->root_path, NULL };
	posix_spawn_file_actions_t files;
	int from = fcntl(fd, F_DUPFD_CLOEXEC, 16), rings = fcntl(h->rings_fd, F_DUPFD_CLOEXEC, 16);

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, from, GUARDIAN_FD);
	posix_spawn_file_actions_adddup2(&files, rings, GUARDIAN_RINGS_FD);
	posix_spawn_file_actions_addclosefrom_np(&files, GUARDIAN_RINGS_FD + 1);
	int error = posix_spawn(&h->guardian, "/proc/self/exe", &files, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	if (error)
		h->guardian = 0;
	close(from);
	close(rings);
	return error;
}

static struct status respawn(struct keyholder *h)
{
	int pair[2], status = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR(E_IO);
	status = guardian_spawn(h, pair[1]);
	close(pair[1]);
	pthread_mutex_lock(&h->lock);
	close(h->fd);
	h->fd = pair[0];
	h->health.guardians += status == 0;
	if (h->stopping)
		shutdown(h->fd, SHUT_RDWR);
	pthread_mutex_unlock(&h->lock);
	if (status)
		return ERR(E_IO);
	for (size_t i = h->n_retired; i-- > 0;)
		keyholder_say_bytes(h->fd, KEYHOLDER_RETIRED, h->retired[i]);
	keyholder_say(h->fd, KEYHOLDER_GO, 0);
	return OK;
}

static bool may_respawn(struct keyholder *h)
{
	if (is_stopping(h))
		return false;
	if (h->respawn && h->by_itself) {
		log_error("the keyholder's guardian is gone; another one is started");
		return true;
	}
	log_error(
	    "the keyholder's guardian is gone, and its root key cannot be read again without a person: what needs "
	    "keys fails until this server is started anew");
	return false;
}

static void *watch(void *arg)
{
	struct keyholder *h = arg;
	unsigned tries = 0;

	for (;;) {
		int64_t since = h->w->mono_us(h->w);
		listen_to_guardian(h);
		if (!may_respawn(h))
			break;
		tries = h->w->mono_us(h->w) - since > RESPAWN_MAX_MS * 1000LL ? 0 : tries + 1;
		wait_for_death(h);
		clear(h);
		if (!pause_before(h, tries) || failed(respawn(h)))
			break;
	}
	return NULL;
}

/* ---- starting and stopping ---- */

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
	went_up(h, &said);
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
	if (pthread_create(&h->reaper, NULL, reap, h) != 0)
		return ERR(E_IO);
	if (pthread_create(&h->monitor, NULL, watch, h) == 0)
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
