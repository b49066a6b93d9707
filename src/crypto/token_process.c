/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve's side: who waits for which answer, and what happens when the process ends.
 *
 *     call ── number, in the list ── send ── wait ◀── reader: recv, find the number, wake
 *                                             ▲
 *                                             └────── the end: all who wait get E_BUSY
 *
 * One mutex guards the list. It is held for a few instructions and for sending, which does
 * not wait: no more calls are let in than the socket's buffer holds.
 */
#include "crypto/token_process.h"

#include "base/buf.h"
#include "base/fiber_wait.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/starter.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_MS = 1000 };

/* Somebody who waits, on his own stack. */
struct waiter {
	struct process *p;
	struct str message;
	uint32_t number;
	int64_t since_us;
	struct fiber_wait wait;
	struct arena *mem;
	struct token_answer *out;
	struct status st;
	struct waiter *next;
};

struct process {
	struct token token;
	struct world *world;
	const char *program;
	struct starter *starter;
	int fd;
	pid_t pid;
	pthread_t reader;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool started, gone, stopping;
	struct waiter *waiting;
	size_t n_waiting;
	uint32_t numbers;
};

static struct process *of(struct token *t) { return (struct process *)t; }

/* ---- calls ---- */

static bool sent(struct process *p, struct str message)
{
	return send(p->fd, message.p, message.n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)message.n;
}

static void submit(void *arg)
{
	struct waiter *w = arg;
	struct process *p = w->p;

	pthread_mutex_lock(&p->lock);
	bool in = !p->gone && !p->stopping && p->n_waiting < TOKEN_PROCESS_CALLS && sent(p, w->message);
	if (in) {
		w->next = p->waiting;
		p->waiting = w;
		p->n_waiting++;
	}
	pthread_mutex_unlock(&p->lock);
	if (!in)
		fiber_wait_end(&w->wait); /* w->st is E_BUSY */
}

static uint32_t next_number(struct process *p)
{
	pthread_mutex_lock(&p->lock);
	uint32_t n = p->numbers++;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static struct status call(struct token *t, const struct token_call *c, struct arena *mem, struct token_answer *out)
{
	struct process *p = of(t);
	struct arena *scratch = arena_new();
	struct buf b = buf_in(scratch);
	struct waiter w = { .p = p, .number = next_number(p), .mem = mem, .out = out, .st = ERR(E_BUSY) };

	w.since_us = p->world->mono_us(p->world);
	token_call_write(&b, w.number, c);
	w.message = buf_str(&b);
	assert(w.message.n <= TOKEN_MESSAGE_MAX);
	fiber_wait(&w.wait, true, submit, &w);
	arena_wipe(scratch);
	arena_free(scratch);
	return w.st;
}

/* ---- the reader ---- */

static struct waiter *take(struct process *p, uint32_t number)
{
	struct waiter **at = &p->waiting;
	while (*at && (*at)->number != number)
		at = &(*at)->next;
	struct waiter *w = *at;
	if (w) {
		*at = w->next;
		p->n_waiting--;
	}
	return w;
}

/* False: it answered what was not asked, or what is no answer. */
static bool deliver(struct process *p, struct str bytes)
{
	struct token_answer a;
	uint32_t number;
	if (failed(token_answer_read(bytes, &number, &a)))
		return false;
	pthread_mutex_lock(&p->lock);
	struct waiter *w = take(p, number);
	pthread_mutex_unlock(&p->lock);
	if (!w)
		return false;
	*w->out = (struct token_answer){ a.result, str_dup(w->mem, a.out), str_dup(w->mem, a.plain) };
	w->st = OK;
	fiber_wait_end(&w->wait);
	return true;
}

static bool somebody_waits_too_long(struct process *p)
{
	int64_t now = p->world->mono_us(p->world);
	bool late = false;
	pthread_mutex_lock(&p->lock);
	for (const struct waiter *w = p->waiting; w; w = w->next)
		late |= now - w->since_us > (int64_t)TOKEN_PROCESS_PATIENCE_S * 1000000;
	pthread_mutex_unlock(&p->lock);
	return late;
}

static const char *read_answers(struct process *p, char *room)
{
	for (;;) {
		struct pollfd at = { p->fd, POLLIN, 0 };
		if (poll(&at, 1, TICK_MS) <= 0 || !at.revents) {
			if (somebody_waits_too_long(p))
				return "it did not answer in time";
			continue;
		}
		ssize_t n = recv(p->fd, room, TOKEN_MESSAGE_MAX, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return "it ended";
		bool good = deliver(p, str_make(room, (size_t)n));
		secret_wipe(room, (size_t)n);
		if (!good)
			return "it answered what makes no sense";
	}
}

static void fail_all(struct process *p)
{
	pthread_mutex_lock(&p->lock);
	p->gone = true;
	struct waiter *w = p->waiting;
	p->waiting = NULL;
	p->n_waiting = 0;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	while (w) {
		struct waiter *next = w->next;
		fiber_wait_end(&w->wait); /* w->st is E_BUSY */
		w = next;
	}
}

/* Nothing is open in it but the log and its socket. Its environment is ours: modules are configured there. */
static bool spawn(struct process *p, int theirs, struct started *out)
{
	bool done = !failed(starter_token(p->starter, p->program, theirs, out));
	pthread_mutex_lock(&p->lock);
	p->pid = done ? out->pid : 0;
	pthread_mutex_unlock(&p->lock);
	return done;
}

static void reap(struct process *p, struct started *it)
{
	started_kill(it);
	started_wait(it);
	pthread_mutex_lock(&p->lock);
	p->pid = 0;
	pthread_mutex_unlock(&p->lock);
}

/* The thread that starts the process is the one that sees it out: when a thread ends, so do the processes it started.
 */
static void *run(void *arg)
{
	struct process *p = arg;
	int theirs = p->pid; /* start's only word to us */
	char *room = heap_alloc(1, TOKEN_MESSAGE_MAX);

	struct started it;
	bool spawned = spawn(p, theirs, &it);
	close(theirs);
	const char *why = spawned ? read_answers(p, room) : "it could not be started";
	pthread_mutex_lock(&p->lock);
	bool wanted = p->stopping;
	pthread_mutex_unlock(&p->lock);
	if (!wanted)
		log_error("a token's process is gone", "why", str_of(why));
	if (spawned)
		reap(p, &it);
	fail_all(p);
	heap_free(room);
	return NULL;
}

/* ---- starting and stopping ---- */

static void let_go(struct process *p)
{
	close(p->fd);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	heap_free(p);
}

static struct status start(const struct token_driver *d, struct world *w, struct token **out)
{
	const struct token_process_driver *mine = (const struct token_process_driver *)d;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR(E_IO);
	struct process *p = HEAP(struct process);
	p->token.driver = d;
	p->world = w;
	p->program = mine->program;
	p->starter = mine->starter;
	p->fd = pair[0];
	p->pid = pair[1];
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	if (pthread_create(&p->reader, NULL, run, p) != 0) {
		close(pair[1]);
		let_go(p);
		return ERR(E_IO);
	}
	*out = &p->token;
	return OK;
}

static void wait_until_gone(struct token *t)
{
	struct process *p = of(t);
	pthread_mutex_lock(&p->lock);
	while (!p->gone)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

static void stop(struct token *t)
{
	struct process *p = of(t);
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	shutdown(p->fd, SHUT_RDWR);
	pthread_mutex_unlock(&p->lock);
}

static void close_process(struct token *t)
{
	struct process *p = of(t);
	stop(t);
	pthread_join(p->reader, NULL);
	assert(!p->n_waiting);
	let_go(p);
}

int token_process_pid(struct token *t)
{
	struct process *p = of(t);
	pthread_mutex_lock(&p->lock);
	int pid = p->pid;
	pthread_mutex_unlock(&p->lock);
	return pid;
}

const struct token_process_driver token_processes = {
	{ .start = start, .call = call, .wait = wait_until_gone, .stop = stop, .close = close_process },
	"/proc/self/exe",
	NULL,
};
