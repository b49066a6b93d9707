/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/root_rotation.h"

#include "base/log.h"
#include "base/str.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert((int)ROOT_RETIRED_SIZE == (int)ROOT_KEY_SIZE + (int)AEAD_OVERHEAD, "a root key, sealed");

static char *beside(struct arena *mem, const char *path, const char *what)
{
	return str_z(mem, arena_printf(mem, "%s.%s", path, what));
}

static bool is_there(struct disk *d, const char *path)
{
	int fd = d->open(d, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	if (fd >= 0)
		(void)d->close(d, fd);
	return fd >= 0;
}

/* ---- one root key under another ---- */

/* A key of its own for each direction: what is sealed for one use opens in no other. */
static void sealing_key(const uint8_t root[ROOT_KEY_SIZE], struct str use, struct aead_key *out)
{
	uint8_t raw[AEAD_KEY_SIZE];
	hkdf_sha256(str_make(root, ROOT_KEY_SIZE), S("holdfast root key"), use, raw, sizeof raw);
	aead_key_init(out, raw);
	secret_wipe(raw, sizeof raw);
}

static void seal_root(struct world *w, struct str use, const uint8_t under[ROOT_KEY_SIZE],
		      const uint8_t root[ROOT_KEY_SIZE], uint8_t out[ROOT_RETIRED_SIZE])
{
	struct aead_key key;
	sealing_key(under, use, &key);
	aead_seal(&key, w, use, str_make(root, ROOT_KEY_SIZE), out);
	aead_key_wipe(&key);
}

static struct status open_root(struct str use, const uint8_t under[ROOT_KEY_SIZE], struct str sealed,
			       uint8_t root[ROOT_KEY_SIZE])
{
	struct aead_key key;
	if (sealed.n != ROOT_RETIRED_SIZE)
		return ERR(E_INVALID);
	sealing_key(under, use, &key);
	struct status st = aead_open(&key, use, sealed, root);
	aead_key_wipe(&key);
	return failed(st) ? ERR(E_NO_KEY) : OK;
}

void root_retire(struct world *w, const uint8_t old[ROOT_KEY_SIZE], const uint8_t next[ROOT_KEY_SIZE],
		 uint8_t out[ROOT_RETIRED_SIZE])
{
	seal_root(w, S("retired 1"), next, old, out);
}

struct status root_unretire(const uint8_t sealed[ROOT_RETIRED_SIZE], const uint8_t next[ROOT_KEY_SIZE],
			    uint8_t old[ROOT_KEY_SIZE])
{
	return open_root(S("retired 1"), next, str_make(sealed, ROOT_RETIRED_SIZE), old);
}

/* ---- the handover ---- */

static struct status write_handover(struct world *w, struct arena *mem, const char *path,
				    const uint8_t root[ROOT_KEY_SIZE], const uint8_t next[ROOT_KEY_SIZE])
{
	uint8_t sealed[ROOT_RETIRED_SIZE];
	struct root_text t = { .mem = mem };
	seal_root(w, S("handover 1"), root, next, sealed);
	root_text_put(&t, "source", S("the root key before"));
	root_text_put_bytes(&t, "sealed", str_make(sealed, sizeof sealed));
	return rootfile_store(w, path, root_text_write(&t));
}

static struct status read_handover(struct world *w, struct arena *mem, const char *path,
				   const uint8_t root[ROOT_KEY_SIZE], uint8_t next[ROOT_KEY_SIZE])
{
	struct str text, sealed;
	struct root_text t;
	TRY(rootfile_load(w, path, mem, &text));
	TRY(root_text_parse(mem, text, &t));
	TRY(root_text_get_bytes(&t, "sealed", &sealed));
	return open_root(S("handover 1"), root, sealed, next);
}

/* ---- steps ---- */

static bool under_way(struct world *w, struct arena *mem, const char *path)
{
	return is_there(w->disk, beside(mem, path, "new")) && is_there(w->disk, beside(mem, path, "handover"));
}

bool root_rotation_under_way(struct world *w, const char *path)
{
	struct arena *mem = arena_new();
	bool is = under_way(w, mem, path);
	arena_free(mem);
	return is;
}

static struct status next_in(struct world *w, struct arena *mem, const char *path, const uint8_t root[ROOT_KEY_SIZE],
			     uint8_t next[ROOT_KEY_SIZE])
{
	if (!under_way(w, mem, path))
		return ERR(E_NOT_FOUND);
	return read_handover(w, mem, beside(mem, path, "handover"), root, next);
}

struct status root_rotation_next(struct world *w, const char *path, const uint8_t root[ROOT_KEY_SIZE],
				 uint8_t next[ROOT_KEY_SIZE])
{
	struct arena *mem = arena_new();
	struct status st = next_in(w, mem, path, root, next);
	arena_wipe(mem);
	arena_free(mem);
	return st;
}

struct status root_set_open(struct world *w, const char *path, struct asker *asker, struct root_set *out)
{
	struct root_set set = { .n = 1 };
	struct status st = root_open(w, path, asker, set.key[0]);
	if (!failed(st)) {
		st = root_rotation_next(w, path, set.key[0], set.key[1]);
		set.n += !failed(st);
		if (st.code == E_NO_KEY)
			log_error("the root key does not open the one that is to follow it", "root_key", str_of(path));
		st = st.code == E_NOT_FOUND ? OK : st;
	}
	if (!failed(st))
		*out = set;
	secret_wipe(&set, sizeof set);
	return st;
}

/* What no longer counts: overwritten, then removed. Nothing there is fine. */
static struct status shred(struct disk *d, const char *path)
{
	static const char nothing[ROOTFILE_LOAD_MAX];
	int fd = d->open(d, path, O_WRONLY | O_NOFOLLOW, 0);
	if (fd < 0)
		return errno == ENOENT ? OK : ERR(E_IO);
	int64_t n = d->size(d, fd);
	bool done = n >= 0 && n <= ROOTFILE_LOAD_MAX && d->pwrite(d, fd, nothing, (size_t)n, 0) == n &&
		    d->fdatasync(d, fd) == 0;
	done = d->close(d, fd) == 0 && done;
	return done && d->unlink(d, path) == 0 ? OK : ERR(E_IO);
}

/* Not the file in force itself, which PATH.old is until the rename. */
static bool is_another(const char *one, const char *other)
{
	struct stat a, b;
	return stat(one, &a) == 0 && stat(other, &b) == 0 && (a.st_ino != b.st_ino || a.st_dev != b.st_dev);
}

static struct status sweep(struct world *w, struct arena *mem, const char *path)
{
	struct disk *d = w->disk;
	const char *old = beside(mem, path, "old");
	if (is_another(old, path))
		TRY(shred(d, old));
	else
		(void)d->unlink(d, old);
	TRY(shred(d, beside(mem, path, "handover")));
	return rootfile_sync_dir(d, path);
}

static struct status begin_in(struct world *w, struct arena *mem, const char *path, const struct root_wish *wish,
			      struct asker *asker, const uint8_t root[ROOT_KEY_SIZE], const uint8_t next[ROOT_KEY_SIZE])
{
	if (is_there(w->disk, beside(mem, path, "new")))
		return ERR(E_BUSY);
	TRY(root_wish_check(wish));
	TRY(sweep(w, mem, path));
	TRY(write_handover(w, mem, beside(mem, path, "handover"), root, next));
	struct status st = root_create(w, beside(mem, path, "new"), wish, asker, next);
	if (failed(st))
		(void)shred(w->disk, beside(mem, path, "handover")).code; /* else the next beginning sweeps it */
	return st;
}

struct status root_rotation_begin(struct world *w, const char *path, const struct root_wish *wish, struct asker *asker,
				  const uint8_t root[ROOT_KEY_SIZE])
{
	struct arena *mem = arena_new();
	uint8_t next[ROOT_KEY_SIZE];
	world_random(w, next, sizeof next);
	struct status st = begin_in(w, mem, path, wish, asker, root, next);
	secret_wipe(next, sizeof next);
	arena_wipe(mem);
	arena_free(mem);
	return st;
}

static struct status put_in_force(struct world *w, struct arena *mem, const char *path)
{
	struct disk *d = w->disk;
	const char *old = beside(mem, path, "old");
	if (!under_way(w, mem, path))
		return OK;
	(void)d->unlink(d, old);
	if (link(path, old) != 0)
		log_warn("the old root key file cannot be kept to be overwritten; its bytes stay on the disk until the "
			 "place is used anew",
			 "file", str_of(path), "error", str_of(strerrorname_np(errno)));
	if (d->rename(d, beside(mem, path, "new"), path) != 0)
		return ERR(E_IO);
	return rootfile_sync_dir(d, path);
}

struct status root_rotation_finish(struct world *w, const char *path)
{
	struct arena *mem = arena_new();
	struct status st = put_in_force(w, mem, path);
	if (!failed(st))
		st = sweep(w, mem, path);
	arena_free(mem);
	return st;
}
