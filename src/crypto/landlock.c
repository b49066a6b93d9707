/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The constants that older headers lack are named here; rights that the kernel does not know
 * are left out, which it tells by a version.
 */
#include "crypto/landlock.h"

#include "base/log.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HIDDEN_MAX = 8, DEPTH_MAX = 64 };

/* linux/landlock.h of 6.12; the kernel takes as much of it as its version has. */
struct ruleset {
	uint64_t fs, net, scoped;
};
#define FS_FIRST       ((UINT64_C(1) << 13) - 1) /* version 1 */
#define FS_REFER       (UINT64_C(1) << 13)       /* 2 */
#define FS_TRUNCATE    (UINT64_C(1) << 14)       /* 3 */
#define FS_IOCTL_DEV   (UINT64_C(1) << 15)       /* 5 */
#define SCOPE_ABSTRACT (UINT64_C(1) << 0)        /* 6 */
#define FS_OF_FILES                                                                                                \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | \
	 FS_IOCTL_DEV)

static uint64_t known_rights(long version)
{
	return FS_FIRST | (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) |
	       (version >= 5 ? FS_IOCTL_DEV : 0);
}

static uint64_t rights_of(enum landlock_may may)
{
	static const uint64_t read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	switch (may) {
	case LANDLOCK_READ:
		return read;
	case LANDLOCK_USE:
		return read | LANDLOCK_ACCESS_FS_WRITE_FILE;
	case LANDLOCK_CHANGE:
		return read | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
		       LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		       LANDLOCK_ACCESS_FS_REMOVE_DIR | FS_REFER | FS_TRUNCATE;
	case LANDLOCK_ALL:
		return FS_FIRST | FS_REFER | FS_TRUNCATE | FS_IOCTL_DEV;
	}
	return 0;
}

/* ---- what is hidden ---- */

bool landlock_hides(struct str path, struct str hidden)
{
	if (!str_starts(path, hidden))
		return false;
	return path.n == hidden.n || path.p[hidden.n] == '/' || path.p[hidden.n] == '.';
}

static bool is_above(struct str path, struct str hidden)
{
	return path.n == 1 || (str_starts(hidden, path) && hidden.n > path.n && hidden.p[path.n] == '/');
}

struct granting {
	struct arena *mem;
	int rules;
	uint64_t known;
	struct str hidden[HIDDEN_MAX];
	size_t n_hidden;
	struct status st;
};

static void hide(struct granting *g, const char *real, const char *name)
{
	assert(g->n_hidden < HIDDEN_MAX);
	g->hidden[g->n_hidden++] = arena_printf(g->mem, "%s%s%s", real, name[0] ? "/" : "", name);
}

/* Where its name stands, and what it leads to: it need not be there, and may be a link. */
static void hide_path(struct granting *g, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dir = !slash ? "." : slash == path ? "/" : str_z(g->mem, str_make(path, (size_t)(slash - path)));
	char *real = realpath(dir, NULL), *target = realpath(path, NULL);

	if (real)
		hide(g, strcmp(real, "/") != 0 ? real : "", slash ? slash + 1 : path);
	if (target)
		hide(g, target, "");
	free(real);
	free(target);
}

/* ---- rules ---- */

static void add_rule(struct granting *g, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW) };
	struct stat st;

	if (rule.parent_fd < 0)
		return;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISLNK(st.st_mode)) {
		rule.allowed_access = rights & g->known & (S_ISDIR(st.st_mode) ? ~UINT64_C(0) : FS_OF_FILES);
		if (syscall(SYS_landlock_add_rule, g->rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
			g->st = ERR(E_IO);
	}
	close(rule.parent_fd);
}

static void grant(struct granting *g, struct str path, uint64_t rights, unsigned depth);

static void grant_entries(struct granting *g, struct str dir, uint64_t rights, unsigned depth)
{
	DIR *d = opendir(str_z(g->mem, dir));
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && e->d_type != DT_LNK)
			grant(g, arena_printf(g->mem, "%.*s/%s", PR(dir.n > 1 ? dir : S("")), e->d_name), rights,
			      depth + 1);
	if (d)
		closedir(d);
}

static void grant(struct granting *g, struct str path, uint64_t rights, unsigned depth)
{
	bool above = false;

	if (depth > DEPTH_MAX)
		return;
	for (size_t i = 0; i < g->n_hidden; i++) {
		if (landlock_hides(path, g->hidden[i]))
			return;
		above |= is_above(path, g->hidden[i]);
	}
	if (above)
		grant_entries(g, path, rights, depth);
	else
		add_rule(g, str_z(g->mem, path), rights);
}

static struct status grant_all(struct granting *g, const struct landlock_wish *wish)
{
	for (size_t i = 0; i < wish->n_hidden; i++)
		hide_path(g, wish->hidden[i]);
	for (size_t i = 0; i < wish->n_paths; i++) {
		char *real = realpath(wish->paths[i].path, NULL);
		if (real)
			grant(g, str_of(real), rights_of(wish->paths[i].may), 0);
		free(real);
	}
	return g->st;
}

/* ---- entering ---- */

static struct status restrict_to(const struct landlock_wish *wish, int rules, uint64_t known)
{
	struct granting g = { .mem = arena_new(), .rules = rules, .known = known };
	struct status st = grant_all(&g, wish);

	arena_free(g.mem);
	TRY(st);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		return ERR(E_IO);
	return OK;
}

bool landlock_will_do(long version, const struct landlock_wish *wish)
{
	bool moves = false;

	for (size_t i = 0; i < wish->n_paths; i++)
		moves |= wish->paths[i].may == LANDLOCK_CHANGE;
	return version >= (moves ? 2 : 1);
}

struct status landlock_enter(const struct landlock_wish *wish, bool *has)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset r = { .fs = known_rights(version), .scoped = version >= 6 ? SCOPE_ABSTRACT : 0 };
	size_t size = version >= 6 ? sizeof r : sizeof r.fs;

	*has = false;
	if (!landlock_will_do(version, wish))
		return OK;
	int rules = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	struct status st = rules >= 0 ? restrict_to(wish, rules, r.fs) : ERR(E_IO);
	if (rules >= 0)
		close(rules);
	if (failed(st))
		log_error("Landlock does not do what this process asks of it", "error", str_of(strerrorname_np(errno)));
	*has = !failed(st);
	return st;
}
