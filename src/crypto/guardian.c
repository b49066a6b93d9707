/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guardian: reads the root key once, gives a copy to each keyholder it starts, and
 * starts another when one died. One thread, no request of anybody's, nothing to parse; so
 * a root key that a person typed in at the start outlives a keyholder that fell.
 *
 *     read root key ──▶ fork keyholder ──▶ ready: say U ──▶ wait for its pipe or our socket
 *                             ▲                                │ pipe closed: it died
 *                             └─── hear G ◀── say D ◀──────────┤
 *                                                              └ socket closed: serve is gone; so are we
 */
#include "base/log.h"
#include "base/str.h"
#include "crypto/keyholder_serve.h"
#include "crypto/rootfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUICK_MS = 1000, PAUSE_MS = 250 }; /* one that died sooner than that is followed by a pause */

struct guardian {
	struct world *w;
	struct rings *rings;
	int fd;
	uint8_t *root; /* in a locked page of its own, which children inherit */
};

bool keyholder_say(int fd, enum keyholder_word word, int number)
{
	struct keyholder_said said = { (char)word, number };
	return send(fd, &said, sizeof said, MSG_NOSIGNAL) == (ssize_t)sizeof said;
}

bool keyholder_hear(int fd, struct keyholder_said *out)
{
	ssize_t n;
	do
		n = recv(fd, out, sizeof *out, 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *out;
}

static uint8_t *locked_page(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	(void)mlock(p, 4096);
	(void)madvise(p, 4096, MADV_DONTDUMP);
	return p;
}

/* Nothing is open in the keyholder but the log and the pipe that says it is ready. */
static void keep_only(int ready)
{
	if (ready != KEYHOLDER_READY_FD)
		dup2(ready, KEYHOLDER_READY_FD);
	close(0);
	close(1);
	close_range(KEYHOLDER_READY_FD + 1, ~0u, 0);
}

static _Noreturn void be_keyholder(struct guardian *g, pid_t parent, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(0);
	keep_only(ready);
	keyholder_run(g->w, g->root, g->rings);
}

/* *ready: the pipe's end to read from, which closes when the keyholder ends. */
static pid_t start_keyholder(struct guardian *g, int *ready)
{
	int pipe_fd[2];
	pid_t self = getpid(), pid;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0)
		be_keyholder(g, self, pipe_fd[1]);
	close(pipe_fd[1]);
	*ready = pipe_fd[0];
	return pid;
}

/* Until it has died. False: serve is gone. */
static bool watch(struct guardian *g, pid_t pid, int ready)
{
	struct pollfd fds[2] = { { ready, POLLIN, 0 }, { g->fd, POLLIN, 0 } };
	char byte;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return false; /* nothing is said to us now, so it is the end */
		if (fds[0].revents && read(ready, &byte, 1) <= 0)
			return true;
		if (fds[0].revents && !keyholder_say(g->fd, KEYHOLDER_UP, pid))
			return false;
	}
}

/* What is to be said of a keyholder that ended that way at its first start; 0: nothing, go on. */
static int failure_of(int how)
{
	return WIFEXITED(how) && WEXITSTATUS(how) == KEYHOLDER_NO_SANDBOX ? E_UNSUPPORTED : 0;
}

static void pause_if_quick(struct guardian *g, int64_t since_us)
{
	if (g->w->mono_us(g->w) - since_us < QUICK_MS * 1000)
		poll(NULL, 0, PAUSE_MS);
}

/* One keyholder's life. False: it was the last. */
static bool one_life(struct guardian *g)
{
	struct keyholder_said said;
	int64_t since = g->w->mono_us(g->w);
	int ready = -1, how = 0;
	pid_t pid = start_keyholder(g, &ready);

	if (pid < 0) {
		keyholder_say(g->fd, KEYHOLDER_FAILED, E_IO);
		return false;
	}
	bool go_on = watch(g, pid, ready);
	close(ready);
	kill(pid, SIGKILL);
	waitpid(pid, &how, 0);
	if (!go_on)
		return false;
	if (failure_of(how)) {
		keyholder_say(g->fd, KEYHOLDER_FAILED, failure_of(how));
		return false;
	}
	pause_if_quick(g, since);
	return keyholder_say(g->fd, KEYHOLDER_DOWN, how) && keyholder_hear(g->fd, &said) && said.word == KEYHOLDER_GO;
}

_Noreturn void guardian_run(struct world *w, const char *root_path, struct rings *rings, int fd)
{
	struct guardian g = { w, rings, fd, locked_page() };

	prctl(PR_SET_NAME, "hf-guardian", 0, 0, 0);
	signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is for serve, which ends us when it is done */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	struct status st = g.root ? rootfile_read(w, root_path, g.root) : ERR(E_IO);
	if (failed(st))
		keyholder_say(fd, KEYHOLDER_FAILED, st.code);
	while (!failed(st) && one_life(&g))
		;
	if (g.root)
		secret_wipe(g.root, ROOT_KEY_SIZE);
	_exit(0);
}
