/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guardian: has the root key read once (by a child, which may ask a person), gives a copy to each keyholder it
 * starts, and starts another when one died. One thread, no request of anybody's, next to nothing to parse; so a root
 * key that a person typed in at the start outlives a keyholder that fell.
 *
 *     have root key read ──▶ fork keyholder ──▶ ready: say U ──▶ wait for its pipe or our socket
 *                             ▲                                │ pipe closed: it died
 *                             └─── hear G ◀── say D ◀──────────┤ (or we ended it: X)
 *                                                              └ socket closed: serve is gone; so are we
 */
#include "base/log.h"
#include "base/str.h"
#include "crypto/keyholder_serve.h"
#include "crypto/root_rotation.h"

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
enum { PAGE = 4096 };

/* What a child that reads the root key leaves for us, in memory that both have. */
struct reading {
	struct root_set roots;
	bool by_itself;
};

struct guardian {
	struct world *w;
	const char *root_path;
	struct asker *asker;
	struct rings *rings;
	int fd;
	struct root_set *roots;   /* in a locked page of its own, which children get a copy of */
	struct root_offer *offer; /* shared with the keyholder */
	struct reading *reading;  /* shared with the child that reads */
	bool by_itself;
	bool unwanted; /* the keyholder that is there */
};

bool keyholder_say(int fd, enum keyholder_word word, int number)
{
	struct keyholder_said said = { .word = (char)word, .number = number };
	return send(fd, &said, sizeof said, MSG_NOSIGNAL) == (ssize_t)sizeof said;
}

bool keyholder_say_bytes(int fd, enum keyholder_word word, const uint8_t bytes[ROOT_RETIRED_SIZE])
{
	struct keyholder_said said = { .word = (char)word, .has_bytes = true };
	memcpy(said.bytes, bytes, sizeof said.bytes);
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

static void *locked_page(int sharing)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
	assert(p != MAP_FAILED);
	if (mlock(p, PAGE) != 0)
		log_warn("the machine refuses to lock the root key's memory: it may reach swap; raise RLIMIT_MEMLOCK");
	(void)madvise(p, PAGE, MADV_DONTDUMP);
	return p;
}

static void end_child(pid_t pid, int with, int *how)
{
	kill(pid, with);
	while (waitpid(pid, how, 0) < 0 && errno == EINTR)
		;
}

/* ---- reading the root key ---- */

/*
 * Libraries of tokens and TPMs, a terminal, Argon2id's memory: all of that is in a child that ends, so that neither we
 * nor a keyholder ever has somebody else's code in it.
 */
static _Noreturn void be_reader(struct guardian *g, pid_t parent)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGHUP };
	struct arena *mem = arena_new();
	struct root_about about;
	sigset_t set;

	prctl(PR_SET_NAME, "hf-rootkey", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(ours); i++) {
		signal(ours[i], SIG_DFL);
		sigaddset(&set, ours[i]);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (getppid() != parent)
		_exit(E_CLOSED);
	close(g->fd); /* what is loaded here has no business with serve, nor with root keys to come */
	rings_free(g->rings);
	munmap(g->offer, PAGE);
	struct status st = root_about(g->w, mem, g->root_path, &about);
	if (!failed(st))
		st = root_set_open(g->w, g->root_path, g->asker, &g->reading->roots);
	if (!failed(st))
		g->reading->by_itself = about.by_itself;
	_exit(st.code);
}

static struct status how_it_ended(int how)
{
	if (WIFEXITED(how))
		return ERR(WEXITSTATUS(how) <= E_UNSUPPORTED ? WEXITSTATUS(how) : E_IO);
	return ERR(E_CLOSED); /* by a signal: somebody gave up */
}

/* Until the child has ended; E_CLOSED when serve is gone before. */
static struct status wait_for_reader(struct guardian *g, pid_t pid, int alive)
{
	struct pollfd fds[2] = { { alive, POLLIN, 0 }, { g->fd, 0, 0 } }; /* what it says can wait; its end cannot */
	int how = 0;

	while (poll(fds, 2, -1) < 0)
		;
	bool gone = fds[1].revents && !fds[0].revents;
	end_child(pid, gone ? SIGTERM : 0, &how);
	return gone ? ERR(E_CLOSED) : how_it_ended(how);
}

static struct status read_root(struct guardian *g)
{
	int pipe_fd[2];
	pid_t self = getpid();

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return ERR(E_IO);
	pid_t pid = fork();
	if (pid == 0)
		be_reader(g, self);
	close(pipe_fd[1]);
	struct status st = pid < 0 ? ERR(E_IO) : wait_for_reader(g, pid, pipe_fd[0]);
	close(pipe_fd[0]);
	if (!failed(st))
		*g->roots = g->reading->roots;
	g->by_itself = g->reading->by_itself;
	secret_wipe(g->reading, sizeof *g->reading);
	munmap(g->reading, PAGE); /* whatever the child left running does not share it with keyholders */
	g->reading = NULL;
	return st;
}

/* ---- other root keys ---- */

static bool is_known(const struct guardian *g, const uint8_t root[ROOT_KEY_SIZE])
{
	bool known = false;
	for (size_t i = 0; i < g->roots->n; i++)
		known |= secret_eq(str_make(g->roots->key[i], ROOT_KEY_SIZE), str_make(root, ROOT_KEY_SIZE));
	return known;
}

/* An older one goes before all others. */
static void take_retired(struct guardian *g, const uint8_t sealed[ROOT_RETIRED_SIZE])
{
	struct root_set *s = g->roots;
	uint8_t old[ROOT_KEY_SIZE];

	for (size_t i = 0; i < s->n; i++) {
		if (failed(root_unretire(sealed, s->key[i], old)))
			continue;
		if (!is_known(g, old) && s->n < ROOTS_MAX) {
			memmove(s->key[1], s->key[0], s->n * sizeof s->key[0]);
			memcpy(s->key[0], old, sizeof old);
			s->n++;
		}
		secret_wipe(old, sizeof old);
		return;
	}
}

static struct status next_root(struct guardian *g, uint8_t next[ROOT_KEY_SIZE])
{
	struct status st = ERR(E_NOT_FOUND);

	for (size_t i = g->roots->n; i-- > 0;) {
		st = root_rotation_next(g->w, g->root_path, g->roots->key[i], next);
		if (!failed(st))
			break;
	}
	return st;
}

/* How the root key is read from now on: as the rotation's new file says. */
static bool next_by_itself(struct guardian *g)
{
	struct arena *mem = arena_new();
	struct root_about about = { 0 };
	const char *path = str_z(mem, arena_printf(mem, "%s.new", g->root_path));
	bool is = !failed(root_about(g->w, mem, path, &about)) && about.by_itself;
	arena_free(mem);
	return is;
}

/* `retired`: what was not known before; NULL: it was. */
static bool say_adopted(struct guardian *g, const uint8_t *retired)
{
	g->by_itself = next_by_itself(g);
	struct keyholder_said said = { .word = KEYHOLDER_ADOPT, .by_itself = g->by_itself, .has_bytes = retired };
	if (retired)
		memcpy(said.bytes, retired, sizeof said.bytes);
	return send(g->fd, &said, sizeof said, MSG_NOSIGNAL) == (ssize_t)sizeof said;
}

/* A rotation began: its root key for this keyholder and those to come. */
static bool adopt(struct guardian *g)
{
	struct root_set *s = g->roots;
	uint8_t next[ROOT_KEY_SIZE], retired[ROOT_RETIRED_SIZE];
	struct status st = next_root(g, next);

	if (!failed(st) && is_known(g, next)) {
		secret_wipe(next, sizeof next);
		return say_adopted(g, NULL);
	}
	if (!failed(st) && s->n == ROOTS_MAX)
		st = ERR(E_FULL);
	if (failed(st))
		return keyholder_say(g->fd, KEYHOLDER_ADOPT, st.code);
	root_retire(g->w, s->key[s->n - 1], next, retired);
	memcpy(s->key[s->n++], next, sizeof next);
	memcpy(g->offer->key, next, sizeof next);
	atomic_store(&g->offer->full, 1);
	secret_wipe(next, sizeof next);
	return say_adopted(g, retired);
}

/* ---- keyholders ---- */

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
	keyholder_run(g->w, g->roots, g->offer, g->rings);
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

static bool say_up(struct guardian *g, pid_t pid)
{
	struct keyholder_said said = { .word = KEYHOLDER_UP, .number = pid, .by_itself = g->by_itself };
	return send(g->fd, &said, sizeof said, MSG_NOSIGNAL) == (ssize_t)sizeof said;
}

/* What is asked of us. False: serve is gone, or says what makes no sense now. */
static bool obey(struct guardian *g, const struct keyholder_said *said)
{
	g->unwanted |= said->word == KEYHOLDER_END;
	if (said->word == KEYHOLDER_END)
		return true;
	if (said->word == KEYHOLDER_ADOPT)
		return adopt(g);
	if (said->word == KEYHOLDER_UNDER_WAY)
		return keyholder_say(g->fd, KEYHOLDER_UNDER_WAY, root_rotation_under_way(g->w, g->root_path));
	return said->word == KEYHOLDER_FINISH &&
	       keyholder_say(g->fd, KEYHOLDER_FINISH, root_rotation_finish(g->w, g->root_path).code);
}

static bool listen_to_serve(struct guardian *g)
{
	struct keyholder_said said;
	return keyholder_hear(g->fd, &said) && obey(g, &said);
}

/* Until it has died, or is to. False: serve is gone. */
static bool watch(struct guardian *g, pid_t pid, int ready)
{
	struct pollfd fds[2] = { { ready, POLLIN, 0 }, { g->fd, POLLIN, 0 } };
	char byte;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents && !listen_to_serve(g))
			return false;
		if (g->unwanted)
			return true;
		if (fds[0].revents && read(ready, &byte, 1) <= 0)
			return true;
		if (fds[0].revents && !say_up(g, pid))
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

/* Serve has cleared the rings. It may have begun a rotation meanwhile. */
static bool hear_go(struct guardian *g)
{
	struct keyholder_said said;
	while (keyholder_hear(g->fd, &said)) {
		if (said.word == KEYHOLDER_GO)
			return true;
		if (!obey(g, &said))
			return false;
	}
	return false;
}

/* One keyholder's life. False: it was the last. */
static bool one_life(struct guardian *g)
{
	int64_t since = g->w->mono_us(g->w);
	int ready = -1, how = 0;
	g->unwanted = false;
	pid_t pid = start_keyholder(g, &ready);

	if (pid < 0) {
		keyholder_say(g->fd, KEYHOLDER_FAILED, E_IO);
		return false;
	}
	bool go_on = watch(g, pid, ready);
	close(ready);
	end_child(pid, SIGKILL, &how);
	if (!go_on)
		return false;
	if (failure_of(how)) {
		keyholder_say(g->fd, KEYHOLDER_FAILED, failure_of(how));
		return false;
	}
	pause_if_quick(g, since);
	return keyholder_say(g->fd, KEYHOLDER_DOWN, how) && hear_go(g);
}

/* ---- the guardian's life ---- */

static void begin(struct guardian *g)
{
	prctl(PR_SET_NAME, "hf-guardian", 0, 0, 0);
	signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C is for serve, which ends us when it is done */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	g->roots = locked_page(MAP_PRIVATE);
	g->offer = locked_page(MAP_SHARED);
	g->reading = locked_page(MAP_SHARED);
}

static _Noreturn void live(struct guardian *g, struct status st)
{
	if (failed(st))
		keyholder_say(g->fd, KEYHOLDER_FAILED, st.code);
	while (!failed(st) && one_life(g))
		;
	secret_wipe(g->roots, sizeof *g->roots);
	secret_wipe(g->offer, sizeof *g->offer);
	_exit(0);
}

_Noreturn void guardian_run(struct world *w, const char *root_path, struct asker *asker, struct rings *rings, int fd)
{
	struct guardian g = { .w = w, .root_path = root_path, .asker = asker, .rings = rings, .fd = fd };

	begin(&g);
	struct status st = read_root(&g);
	ask_end(asker);
	if (asker->fd > 2)
		close(asker->fd); /* what was read from it may be read again */
	live(&g, st);
}

_Noreturn void guardian_respawned(struct world *w, const char *root_path)
{
	struct asker nobody = ASK_NOBODY;
	struct guardian g = { .w = w, .root_path = root_path, .asker = &nobody, .fd = GUARDIAN_FD };
	struct keyholder_said said;

	begin(&g);
	g.rings = rings_of(GUARDIAN_RINGS_FD);
	close(GUARDIAN_RINGS_FD);
	struct status st = g.rings ? read_root(&g) : ERR(E_IO);
	while (!failed(st) && keyholder_hear(g.fd, &said) && said.word == KEYHOLDER_RETIRED)
		take_retired(&g, said.bytes);
	live(&g, st);
}
