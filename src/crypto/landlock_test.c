/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process can reach that confined itself to some files. Each attempt is made in a
 * child; where the kernel has no Landlock they are skipped.
 */
#include "crypto/landlock.h"

#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	struct arena *mem;
	char dir[TEST_DIR_MAX];
};

static char *at(struct place *p, const char *name)
{
	return str_z(p->mem, arena_printf(p->mem, "%s/%s", p->dir, name));
}

static void put(struct place *p, const char *name)
{
	int fd = open(at(p, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
}

static const char *const files[] = { "data/one", "data.rootkey", "data.rootkey.new", "database", "pin", "other" };

static struct place place_new(void)
{
	struct place p = { .mem = arena_new() };
	test_dir_new(p.dir);
	EXPECT(mkdir(at(&p, "data"), 0700) == 0 && mkdir(at(&p, "data/sub"), 0700) == 0);
	for (size_t i = 0; i < COUNT(files); i++)
		put(&p, files[i]);
	EXPECT(symlink("data.rootkey", at(&p, "link")) == 0);
	return p;
}

static void place_end(struct place *p)
{
	(void)unlink(at(p, "data/two"));
	for (size_t i = 0; i < COUNT(files); i++)
		unlink(at(p, files[i]));
	unlink(at(p, "link"));
	EXPECT(rmdir(at(p, "data/sub")) == 0 && rmdir(at(p, "data")) == 0 && rmdir(p->dir) == 0);
	arena_free(p->mem);
}

/* 0, or why not. */
static int tried(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* False: this kernel has none. */
static bool confined(struct place *p, const struct landlock_wish *wish, void (*attempts)(struct place *))
{
	enum { WELL = 10, NONE };
	int how = 0;
	bool has = false;
	pid_t pid = fork();
	if (pid == 0) {
		EXPECT_OK(landlock_enter(wish, &has));
		if (has)
			attempts(p);
		_exit(has ? WELL : NONE);
	}
	EXPECT(pid > 0 && waitpid(pid, &how, 0) == pid && WIFEXITED(how));
	EXPECT(WEXITSTATUS(how) == WELL || WEXITSTATUS(how) == NONE);
	if (WEXITSTATUS(how) == NONE)
		printf("# skipped: this kernel has no Landlock\n");
	return WEXITSTATUS(how) == WELL;
}

static void in_data_alone(struct place *p)
{
	EXPECT(tried(at(p, "data/one"), O_RDWR) == 0);
	EXPECT(tried(at(p, "data/two"), O_WRONLY | O_CREAT) == 0);
	EXPECT(rename(at(p, "data/two"), at(p, "data/three")) == 0 &&
	       rename(at(p, "data/three"), at(p, "data/sub/four")) == 0 && unlink(at(p, "data/sub/four")) == 0);
	EXPECT(tried(at(p, "data.rootkey"), O_RDONLY) == EACCES);
	EXPECT(tried(at(p, "data/../data.rootkey"), O_RDONLY) == EACCES);
	EXPECT(link(at(p, "data.rootkey"), at(p, "data/two")) != 0);
	EXPECT(rename(at(p, "data.rootkey"), at(p, "data/two")) != 0);
	EXPECT(tried(at(p, "other"), O_RDONLY) == EACCES);
	EXPECT(tried("/etc/passwd", O_RDONLY) == EACCES);
	EXPECT(tried("/proc/self/mem", O_RDONLY) == EACCES);
	EXPECT(execl("/bin/true", "true", NULL) != 0 && errno == EACCES);
}

static void what_is_not_named_cannot_be_reached(void)
{
	struct place p = place_new();
	struct landlock_path data = { at(&p, "data"), LANDLOCK_CHANGE };
	confined(&p, &(struct landlock_wish){ &data, 1, NULL, 0 }, in_data_alone);
	place_end(&p);
}

static void all_but_the_hidden(struct place *p)
{
	EXPECT(tried(at(p, "other"), O_RDWR) == 0);
	EXPECT(tried(at(p, "data/one"), O_RDONLY) == EACCES);
	EXPECT(tried(at(p, "data.rootkey"), O_RDONLY) == EACCES);
	EXPECT(tried(at(p, "data.rootkey.new"), O_RDONLY) == EACCES);
	EXPECT(tried(at(p, "link"), O_RDONLY) == EACCES);
	EXPECT(tried(at(p, "database"), O_RDONLY) == 0);
	EXPECT(tried(at(p, "data.rootkey.handover"), O_WRONLY | O_CREAT) == EACCES);
	EXPECT(tried("/etc/passwd", O_RDONLY) == 0);
}

static void what_is_hidden_is_left_out_of_what_it_lies_in(void)
{
	struct place p = place_new();
	static const struct landlock_path all = { "/", LANDLOCK_ALL };
	const char *hidden[] = { at(&p, "link"), at(&p, "data") };
	confined(&p, &(struct landlock_wish){ &all, 1, hidden, 2 }, all_but_the_hidden);
	place_end(&p);
}

static void reads_only(struct place *p)
{
	EXPECT(tried(at(p, "other"), O_RDONLY) == 0);
	EXPECT(tried(at(p, "other"), O_RDWR) == EACCES);
	EXPECT(tried(at(p, "new"), O_WRONLY | O_CREAT) == EACCES);
	EXPECT(unlink(at(p, "other")) != 0 && truncate(at(p, "other"), 0) != 0);
}

static void reading_is_not_writing(void)
{
	struct place p = place_new();
	struct landlock_path paths[] = { { p.dir, LANDLOCK_READ }, { "/no/such/directory", LANDLOCK_ALL } };
	confined(&p, &(struct landlock_wish){ paths, 2, NULL, 0 }, reads_only);
	place_end(&p);
}

static void where_the_link_leads(struct place *p)
{
	EXPECT(tried(at(p, "link"), O_RDONLY) == 0);
	EXPECT(tried(at(p, "data.rootkey"), O_RDWR) == EACCES);
	EXPECT(tried(at(p, "other"), O_RDONLY) == EACCES);
}

static void of_a_link_what_it_leads_to_is_allowed(void)
{
	struct place p = place_new();
	struct landlock_path link = { at(&p, "link"), LANDLOCK_READ };
	confined(&p, &(struct landlock_wish){ &link, 1, NULL, 0 }, where_the_link_leads);
	place_end(&p);
}

static void a_data_directory_needs_moving_which_the_first_version_forbids(void)
{
	struct landlock_path paths[] = { { "/usr", LANDLOCK_READ }, { "/data", LANDLOCK_CHANGE } };
	struct landlock_wish reading = { paths, 1, NULL, 0 }, changing = { paths, 2, NULL, 0 };
	EXPECT(!landlock_will_do(-1, &reading) && landlock_will_do(1, &reading));
	EXPECT(!landlock_will_do(1, &changing) && landlock_will_do(2, &changing));
}

static void what_hides_what(void)
{
	EXPECT(landlock_hides(S("/a/b"), S("/a/b")) && landlock_hides(S("/a/b/c"), S("/a/b")));
	EXPECT(landlock_hides(S("/a/b.new"), S("/a/b")));
	EXPECT(!landlock_hides(S("/a/bc"), S("/a/b")) && !landlock_hides(S("/a"), S("/a/b")));
}

RUN_ALL(T(what_is_not_named_cannot_be_reached), T(what_is_hidden_is_left_out_of_what_it_lies_in),
	T(reading_is_not_writing), T(of_a_link_what_it_leads_to_is_allowed),
	T(a_data_directory_needs_moving_which_the_first_version_forbids), T(what_hides_what))
