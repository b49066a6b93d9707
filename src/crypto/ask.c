/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ask.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3, CTRL_D = 4, CTRL_H = 8, CTRL_U = 21, DEL = 127, LOOK_MS = 200 };

/* ---- a file descriptor ---- */

static struct status refuse_told(const char *why)
{
	log_error("what the file descriptor tells is not usable", "why", str_of(why));
	return ERR(E_INVALID);
}

static struct status read_fd(struct asker *a)
{
	a->n = 0;
	for (;;) {
		char c;
		ssize_t r = read(a->fd, &c, 1);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return refuse_told(strerrorname_np(errno));
		if (r == 0 || c == '\n')
			return a->n ? OK : refuse_told("it is empty");
		if (a->n == ASK_MAX)
			return refuse_told("it is too long");
		a->answer[a->n++] = c;
	}
}

/* ---- the terminal ---- */

/* Signals that would end us with the echo off wait until it is on again. */
static void ending_signals(sigset_t *set)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

	sigemptyset(set);
	for (size_t i = 0; i < COUNT(ends); i++)
		sigaddset(set, ends[i]);
}

bool ask_interrupted(void)
{
	sigset_t pending, ends;

	ending_signals(&ends);
	sigpending(&pending);
	for (int i = 1; i < SIGRTMIN; i++)
		if (sigismember(&ends, i) > 0 && sigismember(&pending, i) > 0)
			return true;
	return false;
}

/* One key; -1: no more. */
static int read_key(int tty)
{
	struct pollfd p = { tty, POLLIN, 0 };
	unsigned char c;

	for (;;) {
		int n = poll(&p, 1, LOOK_MS);
		if (ask_interrupted())
			return -1;
		if (n > 0)
			return read(tty, &c, 1) == 1 ? c : -1;
	}
}

static struct status read_line(int tty, char *room, size_t *n)
{
	*n = 0;
	for (;;) {
		int c = read_key(tty);
		if (c < 0 || c == CTRL_C || c == CTRL_D)
			return ERR(E_CLOSED);
		if (c == '\n' || c == '\r')
			return OK;
		if (c == DEL || c == CTRL_H)
			*n -= *n > 0;
		else if (c == CTRL_U)
			*n = 0;
		else if (*n < ASK_MAX)
			room[(*n)++] = (char)c;
		else
			return ERR(E_INVALID);
	}
}

static void say(int tty, const char *text) { (void)!write(tty, text, strlen(text)); }

static struct status read_twice(int tty, struct asker *a, const char *what, bool twice)
{
	char again[ASK_MAX];
	size_t n = 0;

	say(tty, what);
	say(tty, ": ");
	struct status st = read_line(tty, a->answer, &a->n);
	say(tty, "\n");
	TRY(st);
	if (!twice)
		return a->n ? OK : ERR(E_INVALID);
	say(tty, "the same again: ");
	st = read_line(tty, again, &n);
	say(tty, "\n");
	if (!failed(st) && !secret_eq(str_make(a->answer, a->n), str_make(again, n))) {
		say(tty, "these two are not the same\n");
		st = ERR(E_INVALID);
	}
	secret_wipe(again, sizeof again);
	return st;
}

static struct status read_terminal(struct asker *a, const char *what, bool twice)
{
	struct termios was, quiet;
	sigset_t ends, mask;
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (tty < 0 || tcgetattr(tty, &was) != 0) {
		if (tty >= 0)
			close(tty);
		return ERR(E_UNSUPPORTED);
	}
	ending_signals(&ends);
	sigprocmask(SIG_BLOCK, &ends, &mask);
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	tcsetattr(tty, TCSAFLUSH, &quiet);
	struct status st = read_twice(tty, a, what, twice);
	tcsetattr(tty, TCSAFLUSH, &was);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	close(tty);
	return st;
}

/* ---- */

struct status ask_secret(struct asker *a, const char *what, bool twice, struct str *out)
{
	struct status st = ERR(E_UNSUPPORTED);

	if (!a->told) {
		if (a->fd >= 0)
			st = read_fd(a);
		else if (a->terminal)
			st = read_terminal(a, what, twice);
		if (st.code == E_UNSUPPORTED)
			log_error("nobody is there to be asked: give a file descriptor or start from a terminal", "for",
				  str_of(what));
		if (failed(st)) {
			secret_wipe(a->answer, sizeof a->answer);
			return st;
		}
		a->told = true;
	}
	*out = str_make(a->answer, a->n);
	return OK;
}

bool ask_again(struct asker *a)
{
	bool person = a->fd < 0 && a->terminal;

	ask_end(a);
	return person;
}

void ask_end(struct asker *a)
{
	secret_wipe(a->answer, sizeof a->answer);
	a->told = false;
	a->n = 0;
}
