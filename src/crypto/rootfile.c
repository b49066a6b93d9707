/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the root key file. Buffers that held the key are wiped on every way
 * out; what the file says is never logged.
 */
#include "crypto/rootfile.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char head[] = "holdfast root key, version 1\n"
			   "Whoever has this can read everything; without it nothing can be read. Keep a copy.\n"
			   "key ";

enum {
	HEAD = sizeof head - 1,
	KEY_TEXT = 44, /* 32 bytes in base64 */
	CHECK_AT = HEAD + KEY_TEXT + 1,
	CHECK_TEXT = 32,
	TEXT = CHECK_AT + 6 + CHECK_TEXT + 1,
};
static_assert((int)TEXT <= (int)ROOTFILE_MAX, "the whole text fits");

static void put_check(char *text)
{
	uint8_t sum[SHA256_SIZE];

	sha256(str_make(text, CHECK_AT), sum);
	memcpy(text + CHECK_AT, "check ", 6);
	hex_to(text + CHECK_AT + 6, sum, CHECK_TEXT / 2);
	text[TEXT - 1] = '\n';
}

size_t rootfile_text(const uint8_t key[ROOT_KEY_SIZE], char out[ROOTFILE_MAX])
{
	struct arena *mem = arena_new();
	struct str key_text = base64_encode(mem, str_make(key, ROOT_KEY_SIZE));

	assert(key_text.n == KEY_TEXT);
	memcpy(out, head, HEAD);
	memcpy(out + HEAD, key_text.p, KEY_TEXT);
	out[HEAD + KEY_TEXT] = '\n';
	put_check(out);
	arena_wipe(mem);
	arena_free(mem);
	return TEXT;
}

struct status rootfile_parse(struct str text, uint8_t key[ROOT_KEY_SIZE])
{
	char again[ROOTFILE_MAX];
	struct str bytes;

	if (text.n != TEXT || !str_starts(text, str_make(head, HEAD)))
		return ERR(E_INVALID);
	struct arena *mem = arena_new();
	struct status st = base64_decode(mem, str_sub(text, HEAD, KEY_TEXT), &bytes);
	if (!failed(st) && bytes.n == ROOT_KEY_SIZE) {
		/* The one right text for these bytes: check, line ends and padding bits at once. */
		rootfile_text((const uint8_t *)bytes.p, again);
		if (secret_eq(text, str_make(again, TEXT)))
			memcpy(key, bytes.p, ROOT_KEY_SIZE);
		else
			st = ERR(E_INVALID);
	} else {
		st = ERR(E_INVALID);
	}
	secret_wipe(again, sizeof again);
	arena_wipe(mem);
	arena_free(mem);
	return st;
}

static struct status write_all(struct disk *d, int fd, const char *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = d->pwrite(d, fd, p + done, n - done, (int64_t)done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return ERR(r < 0 && (errno == ENOSPC || errno == EDQUOT) ? E_FULL : E_IO);
		done += (size_t)r;
	}
	return d->fdatasync(d, fd) == 0 ? OK : ERR(E_IO);
}

struct status rootfile_sync_dir(struct disk *d, const char *path)
{
	struct arena *mem = arena_new();
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	const char *dir = !slash ? "." : n == 0 ? "/" : str_z(mem, str_make(path, n));
	int r = d->sync_dir(d, dir);

	arena_free(mem);
	return r == 0 ? OK : ERR(E_IO);
}

struct status rootfile_store(struct world *w, const char *path, struct str text)
{
	struct disk *d = w->disk;
	int fd = d->open(d, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

	if (fd < 0)
		return ERR(errno == EEXIST ? E_EXISTS : errno == ENOENT ? E_NOT_FOUND : E_IO);
	struct status st = write_all(d, fd, text.p, text.n);
	if (d->close(d, fd) != 0 && !failed(st))
		st = ERR(E_IO);
	if (!failed(st))
		st = rootfile_sync_dir(d, path);
	if (failed(st))
		(void)d->unlink(d, path); /* half a root key helps nobody and would block the next try */
	return st;
}

struct status rootfile_create(struct world *w, const char *path, const uint8_t key[ROOT_KEY_SIZE])
{
	char text[ROOTFILE_MAX];
	struct status st = rootfile_store(w, path, str_make(text, rootfile_text(key, text)));

	secret_wipe(text, sizeof text);
	return st;
}

/* A key that others can read is no key; one that others can replace is theirs. */
static struct status check_owner(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR(E_IO);
	if (!S_ISREG(st.st_mode)) {
		log_error("the root key is not a regular file", "path", str_of(path));
		return ERR(E_INVALID);
	}
	if (st.st_mode & 077) {
		log_error("group or others have access to the root key file; chmod 600 it", "path", str_of(path));
		return ERR(E_INVALID);
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		log_error("the root key file belongs to another user", "path", str_of(path));
		return ERR(E_INVALID);
	}
	return OK;
}

static struct status read_open(struct disk *d, int fd, const char *path, struct arena *mem, struct str *text)
{
	char *room = NEWS(mem, char, ROOTFILE_LOAD_MAX + 1);
	size_t n = 0;
	ssize_t r = 1;

	TRY(check_owner(fd, path));
	while (n <= ROOTFILE_LOAD_MAX && r > 0) {
		r = d->pread(d, fd, room + n, ROOTFILE_LOAD_MAX + 1 - n, (int64_t)n);
		if (r < 0 && errno != EINTR)
			return ERR(E_IO);
		n += r > 0 ? (size_t)r : 0;
		r = r < 0 ? 1 : r;
	}
	*text = str_make(room, n);
	return OK; /* what is too long is no root key: its parser says so */
}

struct status rootfile_load(struct world *w, const char *path, struct arena *mem, struct str *text)
{
	struct disk *d = w->disk;
	int fd = d->open(d, path, O_RDONLY | O_NONBLOCK, 0); /* a pipe there must not hang the start */

	if (fd < 0) {
		int why = errno;
		log_error("cannot open the root key file", "path", str_of(path), "error", str_of(strerrorname_np(why)));
		return ERR(why == ENOENT ? E_NOT_FOUND : E_IO);
	}
	struct status st = read_open(d, fd, path, mem, text);
	(void)d->close(d, fd);
	return st;
}

struct status rootfile_read(struct world *w, const char *path, uint8_t key[ROOT_KEY_SIZE])
{
	struct arena *mem = arena_new();
	struct str text;
	struct status st = rootfile_load(w, path, mem, &text);

	if (!failed(st)) {
		st = rootfile_parse(text, key);
		if (failed(st))
			log_error("the root key file is damaged or not a root key file", "path", str_of(path));
	}
	arena_wipe(mem);
	arena_free(mem);
	return st;
}
