/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message a request, one an answer, one request at a time. Files travel with the request
 * (SCM_RIGHTS), and a pidfd of what was started with the answer, since serve cannot wait for
 * another's children.
 */
#include "crypto/starter.h"

#include "base/log.h"
#include "base/str.h"
#include "crypto/keyholder_serve.h"
#include "crypto/token_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { FILES_MAX = 2, STARTER_FD = 3, ARGS_MAX = 7, CLEAR_OF = 16, READY_MODE = 0644 };

enum what { START_GUARDIAN = 'G', START_TOKEN = 'T', WRITE_READY = 'R' };

struct request {
	char what;
	uint32_t n; /* bytes of text */
	char text[STARTER_TEXT_MAX];
};

struct reply {
	int32_t code, pid;
};

struct starter {
	pthread_mutex_t lock;
	int fd;
	pid_t pid;
};

/* ---- processes ---- */

struct started started_of(int pid) { return (struct started){ pid, (int)syscall(SYS_pidfd_open, pid, 0), true }; }

void started_kill(const struct started *p)
{
	if (p->fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, p->fd, SIGKILL, NULL, 0);
	else if (p->pid > 0)
		(void)kill(p->pid, SIGKILL);
}

void started_wait(struct started *p)
{
	struct pollfd at = { p->fd, POLLIN, 0 };

	while (p->pid > 0 && p->fd >= 0 && poll(&at, 1, -1) < 0)
		;
	while (p->pid > 0 && p->ours && waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct started){ .fd = -1 };
}

/* A program with the log and `files`, which become 3 and so on: out of the way of each other's numbers first. */
static int spawn(const char *program, char *const argv[], const int *files, int n)
{
	static const int fresh[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE };
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	sigset_t set;
	int clear[FILES_MAX] = { -1, -1 }, wrong = 0;
	pid_t pid = 0;

	posix_spawn_file_actions_init(&acts);
	posix_spawnattr_init(&attr);
	for (int i = 0; i < n; i++) {
		clear[i] = fcntl(files[i], F_DUPFD_CLOEXEC, CLEAR_OF);
		wrong |= clear[i] < 0 || posix_spawn_file_actions_adddup2(&acts, clear[i], STARTER_FD + i);
	}
	wrong |= posix_spawn_file_actions_addopen(&acts, 0, "/dev/null", 0, 0);
	wrong |= posix_spawn_file_actions_adddup2(&acts, 2, 1);
	wrong |= posix_spawn_file_actions_addclosefrom_np(&acts, STARTER_FD + n);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	for (size_t i = 0; i < COUNT(fresh); i++)
		sigaddset(&set, fresh[i]);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!wrong && posix_spawn(&pid, program, &acts, &attr, argv, environ) != 0)
		pid = 0;
	for (int i = 0; i < n; i++)
		if (clear[i] >= 0)
			close(clear[i]);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&acts);
	return wrong ? 0 : (int)pid;
}

static int spawn_with(const char *program, const char *const *args, const int *files, int n)
{
	return spawn(program, (char *const *)(uintptr_t)args, files, n);
}

static int spawn_guardian(const struct starter_wish *w, const int *files)
{
	const char *args[] = { "holdfast", GUARDIAN_COMMAND, w->root_path, NULL };
	return spawn_with("/proc/self/exe", args, files, 2);
}

/* w may be NULL: nothing is hidden from it, and no module may be loaded. */
static int spawn_token(const struct starter_wish *w, const char *program, int socket)
{
	char parent[16];
	const char *args[ARGS_MAX] = { "holdfast", TOKEN_PROCESS_COMMAND, parent };

	snprintf(parent, sizeof parent, "%d", (int)getpid());
	if (w) {
		args[3] = w->modules;
		args[4] = w->data;
		args[5] = w->root_path;
	}
	return spawn_with(program, args, &socket, 1);
}

/* ---- messages, with files ---- */

static bool send_with(int fd, const void *bytes, size_t n, const int *files, size_t n_files)
{
	struct iovec v = { (void *)(uintptr_t)bytes, n };
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * FILES_MAX)] = { 0 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (n_files) {
		m.msg_control = room;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_files);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(int) * n_files), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), files, sizeof(int) * n_files);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)n;
}

static size_t take_files(struct msghdr *m, int files[FILES_MAX])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t n = 0;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (n > FILES_MAX)
		n = FILES_MAX; /* there was room for no more */
	if (n)
		memcpy(files, CMSG_DATA(c), n * sizeof(int));
	return n;
}

static bool hear_with(int fd, void *bytes, size_t n, int files[FILES_MAX], size_t *n_files)
{
	struct iovec v = { bytes, n };
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * FILES_MAX)];
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
	ssize_t got;

	do
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	*n_files = got > 0 ? take_files(&m, files) : 0;
	return got == (ssize_t)n && !(m.msg_flags & MSG_CTRUNC);
}

/* ---- the starter ---- */

/* Readable by all, whatever the umask, since it is for whoever waits for it. */
static bool write_whole(struct disk *d, const char *path, struct str text)
{
	int fd = d->open(d, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, READY_MODE);
	bool done = fd >= 0 && fchmod(fd, READY_MODE) == 0 && d->pwrite(d, fd, text.p, text.n, 0) == (ssize_t)text.n &&
		    d->fdatasync(d, fd) == 0;
	if (fd >= 0)
		done = d->close(d, fd) == 0 && done;
	return done;
}

static int write_ready(struct world *w, const char *path, struct str text)
{
	struct arena *mem = arena_new();
	char *temp = str_z(mem, arena_printf(mem, "%s.new", path));
	bool done = write_whole(w->disk, temp, text) && w->disk->rename(w->disk, temp, path) == 0;

	arena_free(mem);
	return done ? E_NONE : E_IO;
}

static struct reply answer(struct world *w, const struct starter_wish *wish, const struct request *rq,
			   const int files[FILES_MAX], size_t n_files)
{
	struct reply r = { E_INVALID, 0 };

	if (rq->what == WRITE_READY && wish->ready && rq->n <= sizeof rq->text)
		r.code = write_ready(w, wish->ready, str_make(rq->text, rq->n));
	else if (rq->what == START_GUARDIAN && n_files == 2)
		r.pid = spawn_guardian(wish, files);
	else if (rq->what == START_TOKEN && n_files == 1)
		r.pid = spawn_token(wish, "/proc/self/exe", files[0]);
	if (rq->what != WRITE_READY && n_files)
		r.code = r.pid ? E_NONE : E_IO;
	return r;
}

static bool take_request(struct world *w, const struct starter_wish *wish, struct request *rq)
{
	int files[FILES_MAX];
	size_t n_files;
	bool heard = hear_with(STARTER_FD, rq, sizeof *rq, files, &n_files);
	struct reply r = heard ? answer(w, wish, rq, files, n_files) : (struct reply){ 0 };
	int child = r.pid ? (int)syscall(SYS_pidfd_open, r.pid, 0) : -1;

	for (size_t i = 0; i < n_files; i++)
		close(files[i]);
	if (r.pid && child < 0) /* it has ended already */
		r = (struct reply){ E_IO, 0 };
	bool said = heard && send_with(STARTER_FD, &r, sizeof r, &child, child >= 0);
	if (child >= 0)
		close(child);
	return said;
}

static _Noreturn void starter_run(struct world *w, const struct starter_wish *wish, int fd, pid_t parent)
{
	static const int quiet[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD }; /* SIGCHLD: nobody waits for what we start */
	struct request *rq = HEAP(struct request);

	prctl(PR_SET_NAME, "hf-starter", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (size_t i = 0; i < COUNT(quiet); i++)
		signal(quiet[i], SIG_IGN);
	if (getppid() != parent || (fd != STARTER_FD && dup3(fd, STARTER_FD, O_CLOEXEC) < 0))
		_exit(1);
	close_range(STARTER_FD + 1, ~0u, 0);
	while (take_request(w, wish, rq))
		;
	_exit(0);
}

/* ---- serve's side ---- */

struct status starter_new(struct world *w, const struct starter_wish *wish, struct starter **out)
{
	int pair[2];
	pid_t self = getpid();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR(E_IO);
	pid_t pid = fork();
	if (pid == 0)
		starter_run(w, wish, pair[1], self);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return ERR(E_IO);
	}
	struct starter *s = HEAP(struct starter);
	*s = (struct starter){ .fd = pair[0], .pid = pid };
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return OK;
}

void starter_free(struct starter *s)
{
	if (!s)
		return;
	shutdown(s->fd, SHUT_RDWR); /* whoever else has got hold of our end */
	close(s->fd);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	pthread_mutex_destroy(&s->lock);
	heap_free(s);
}

void starter_forget(struct starter *s)
{
	if (s)
		close(s->fd);
}

static struct status ask(struct starter *s, const struct request *rq, const int *files, size_t n_files,
			 struct started *out)
{
	struct reply r = { 0 };
	int got[FILES_MAX] = { -1, -1 };
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	bool heard = send_with(s->fd, rq, sizeof *rq, files, n_files) && hear_with(s->fd, &r, sizeof r, got, &n);
	pthread_mutex_unlock(&s->lock);
	if (heard && !r.code && out && n == 1) {
		*out = (struct started){ r.pid, got[0], false };
		return OK;
	}
	for (size_t i = 0; i < n; i++)
		close(got[i]);
	if (heard)
		return out ? ERR(E_IO) : ERR(r.code);
	log_error("the process that starts others is gone: what dies stays dead until this server is started anew");
	return ERR(E_CLOSED);
}

struct status starter_guardian(struct starter *s, int socket, int rings, struct started *out)
{
	struct request rq = { .what = START_GUARDIAN };
	return ask(s, &rq, (int[]){ socket, rings }, 2, out);
}

struct status starter_token(struct starter *s, const char *program, int socket, struct started *out)
{
	struct request rq = { .what = START_TOKEN };

	if (s)
		return ask(s, &rq, &socket, 1, out);
	int pid = spawn_token(NULL, program, socket);
	if (!pid)
		return ERR(E_IO);
	*out = started_of(pid);
	return OK;
}

struct status starter_ready(struct starter *s, struct str text)
{
	struct request rq = { .what = WRITE_READY, .n = (uint32_t)text.n };

	if (text.n > sizeof rq.text)
		return ERR(E_TOO_BIG);
	memcpy(rq.text, text.p, text.n);
	return ask(s, &rq, NULL, 0, NULL);
}
