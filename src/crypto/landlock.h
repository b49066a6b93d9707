/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a process may reach from now on, by Landlock: what it has open stays, and what
 * it starts has no more than it. A process in such a place can also neither trace nor look
 * into one that is not in it, nor connect to abstract sockets outside.
 *
 *     paths ─── each a directory with all below it, or a file
 *       └── hidden: lies in one of them, and is left out. Landlock only knows "all below", so of a directory above
 *           something hidden each other entry is allowed by itself, as it stands now: what is made there later is not.
 *
 * To be entered before threads are started: it holds for the calling thread and what comes of it.
 */
#ifndef CRYPTO_LANDLOCK_H
#define CRYPTO_LANDLOCK_H

#include "base/base.h"

enum landlock_may {
	LANDLOCK_READ,
	LANDLOCK_USE,    /* read and write: devices */
	LANDLOCK_CHANGE, /* what a data directory needs: read, write, make, rename, remove; nothing is run */
	LANDLOCK_ALL,
};

struct landlock_path {
	const char *path; /* one that is not there is left out; of a link, what it leads to */
	enum landlock_may may;
};

struct landlock_wish {
	const struct landlock_path *paths;
	size_t n_paths;
	const char *const *hidden; /* files or directories; with a file what has its name and a dot in front, too */
	size_t n_hidden;
};

/* *has: the kernel has Landlock as this wish needs it, and it holds. E_IO: it has, but it did not work. */
struct status landlock_enter(const struct landlock_wish *wish, bool *has);

/* Is that version enough? The first one forbids all moving from one directory to another, which a data directory needs.
 */
bool landlock_will_do(long version, const struct landlock_wish *wish);

/* Would `path` be left out by that wish's `hidden`, or hold what is left out? */
bool landlock_hides(struct str path, struct str hidden);

#endif
