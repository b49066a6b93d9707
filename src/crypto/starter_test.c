/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The starter's ready file, and its end. What it starts is tested with a whole server
 * (tests/fault/test_confined.py, test_keyholder.py).
 */
#include "crypto/starter.h"

#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	struct world w;
	char dir[TEST_DIR_MAX], ready[TEST_DIR_MAX + 8];
	struct starter *starter;
};

static void place_new(struct place *p, bool ready)
{
	world_real(&p->w);
	test_dir_new(p->dir);
	snprintf(p->ready, sizeof p->ready, "%s/ready", p->dir);
	struct starter_wish wish = { p->dir, p->dir, p->dir, ready ? p->ready : NULL };
	EXPECT_OK(starter_new(&p->w, &wish, &p->starter));
}

static void place_end(struct place *p)
{
	starter_free(p->starter);
	unlink(p->ready);
	EXPECT(rmdir(p->dir) == 0);
}

static bool holds(const char *path, const char *text)
{
	char room[64] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 && read(fd, room, sizeof room - 1) >= 0 && !strcmp(room, text);
	if (fd >= 0)
		close(fd);
	return is;
}

static void the_ready_file_is_for_all_to_read_whatever_the_umask(void)
{
	struct place p;
	struct stat st;
	mode_t was = umask(077);
	place_new(&p, true);
	umask(was);
	EXPECT_OK(starter_ready(p.starter, S("https://127.0.0.1:1\n")));
	EXPECT(holds(p.ready, "https://127.0.0.1:1\n"));
	EXPECT(stat(p.ready, &st) == 0 && (st.st_mode & 0777) == 0644);
	EXPECT_OK(starter_ready(p.starter, S("b\n")));
	EXPECT(holds(p.ready, "b\n"));
	place_end(&p);
}

static void none_is_written_that_was_not_wished_for(void)
{
	static char many[STARTER_TEXT_MAX + 1];
	struct place p;
	place_new(&p, false);
	EXPECT_ERR(starter_ready(p.starter, S("x")), E_INVALID);
	EXPECT_ERR(starter_ready(p.starter, str_make(many, sizeof many)), E_TOO_BIG);
	place_end(&p);
}

/* What forked with serve's files open and stayed (a token's module may do that). */
static void it_ends_although_another_process_has_its_socket(void)
{
	struct place p;
	place_new(&p, true);
	pid_t other = fork();
	if (other == 0) {
		alarm(300);
		pause();
		_exit(0);
	}
	alarm(120);
	place_end(&p);
	alarm(0);
	EXPECT(kill(other, SIGKILL) == 0 && waitpid(other, NULL, 0) == other);
}

static void none_starts_nothing_and_ends_well(void)
{
	starter_forget(NULL);
	starter_free(NULL);
}

RUN_ALL(T(the_ready_file_is_for_all_to_read_whatever_the_umask), T(none_is_written_that_was_not_wished_for),
	T(it_ends_although_another_process_has_its_socket), T(none_starts_nothing_and_ends_well))
