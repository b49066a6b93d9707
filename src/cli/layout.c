/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are replaced as a whole (written beside, synced, renamed), so that a crash leaves the
 * old one or the new one.
 */
#include "cli/layout.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024 };

struct str layout_path(struct arena *mem, struct str dir, const char *rest)
{
	return arena_printf(mem, "%.*s/%s", PR(dir), rest);
}

/* ---- files ------------------------------------------------------------------------- */

static struct status read_all(struct arena *mem, int fd, struct str *out)
{
	struct buf b = buf_in(mem);
	for (;;) {
		ssize_t n = read(fd, buf_room(&b, 4096), 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || b.n > FILE_MAX)
			return ERR(n < 0 ? E_IO : E_TOO_BIG);
		if (n == 0)
			break;
		buf_took(&b, (size_t)n);
	}
	*out = buf_str(&b);
	return OK;
}

struct status text_file_read(struct arena *mem, struct str path, struct str *out)
{
	int fd = open(str_z(mem, path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ERR(errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO);
	struct status st = read_all(mem, fd, out);
	close(fd);
	return st;
}

static struct str dir_of(struct str path)
{
	size_t n = path.n;
	while (n > 0 && path.p[n - 1] != '/')
		n--;
	return n ? str_sub(path, 0, n) : S(".");
}

struct status text_file_write(struct world *w, struct arena *mem, struct str path, unsigned mode, struct str bytes)
{
	struct disk *d = w->disk;
	char *temp = str_z(mem, arena_printf(mem, "%.*s.new", PR(path)));
	int fd = d->open(d, temp, O_WRONLY | O_CREAT | O_TRUNC, mode);
	if (fd < 0)
		return ERR(errno == ENOSPC ? E_FULL : E_IO);
	bool ok = d->pwrite(d, fd, bytes.p, bytes.n, 0) == (ssize_t)bytes.n && fchmod(fd, mode) == 0 &&
		  d->fdatasync(d, fd) == 0;
	ok = d->close(d, fd) == 0 && ok;
	ok = ok && d->rename(d, temp, str_z(mem, path)) == 0 && d->sync_dir(d, str_z(mem, dir_of(path))) == 0;
	if (!ok)
		d->unlink(d, temp);
	return ok ? OK : ERR(errno == ENOSPC ? E_FULL : E_IO);
}

struct status layout_failed(struct status st, struct str path)
{
	if (failed(st))
		log_error("a file of the data directory cannot be used", "file", path, "status",
			  str_of(status_name(st)));
	return st;
}

/* ---- config -------------------------------------------------------------------------- */

static struct str_list split_names(struct arena *mem, struct str text)
{
	struct str *v = NEWS(mem, struct str, text.n + 1);
	size_t n = 0;
	while (text.p && text.n) {
		struct str one = str_trim(str_cut(&text, ','));
		if (one.n)
			v[n++] = one;
	}
	return (struct str_list){ v, n };
}

bool path_lies_in(struct arena *mem, struct str dir, struct str path)
{
	size_t n = path.n;
	while (n > 0 && path.p[n - 1] != '/')
		n--;
	char *real = realpath(str_z(mem, dir), NULL);
	char *above = realpath(n ? str_z(mem, str_sub(path, 0, n)) : ".", NULL);
	struct str d = str_of(real ? real : ""), a = str_of(above ? above : "");
	bool is = d.n && str_starts(a, d) && (a.n == d.n || a.p[d.n] == '/');
	free(real);
	free(above);
	return is;
}

struct status layout_beside(struct arena *mem, struct str dir, const char *what, char **out)
{
	char *real = realpath(str_z(mem, dir), NULL);
	if (!real)
		return layout_failed(ERR(E_NOT_FOUND), dir);
	*out = str_z(mem, arena_printf(mem, "%s.%s", real, what));
	free(real);
	return OK;
}

/* ---- the root key file --------------------------------------------------------------- */

static struct status check_outside(struct arena *mem, struct str dir, struct str path)
{
	if (!path_lies_in(mem, dir, path))
		return OK;
	log_error("the root key file may not lie in the data directory, which the serving process can write: put it "
		  "elsewhere",
		  "root_key", path);
	return ERR(E_INVALID);
}

struct status root_key_find(struct arena *mem, struct str dir, struct str *out)
{
	char *name;
	TRY(layout_beside(mem, dir, "rootkey", &name));
	char *real = realpath(name, NULL);
	*out = str_dup(mem, str_of(real ? real : name)); /* not there: whoever opens it says so */
	free(real);
	return check_outside(mem, dir, *out);
}

struct status root_key_link(struct world *w, struct arena *mem, struct str dir, struct str path)
{
	char *name;
	TRY(layout_beside(mem, dir, "rootkey", &name));
	TRY(check_outside(mem, dir, path));
	if (symlink(str_z(mem, path), name) == 0)
		return rootfile_sync_dir(w->disk, name);
	if (errno == EEXIST)
		return ERR(E_EXISTS);
	log_error("cannot make the link to the root key file", "link", str_of(name), "error",
		  str_of(strerrorname_np(errno)));
	return ERR(E_IO);
}

void root_key_unlink(struct arena *mem, struct str dir)
{
	char *name;
	struct stat st;
	if (!failed(layout_beside(mem, dir, "rootkey", &name)) && lstat(name, &st) == 0 && S_ISLNK(st.st_mode))
		(void)unlink(name);
}

/* Directories that are older than this rule may have it elsewhere. */
static void hint_at_link(struct arena *mem, struct str said, struct str found)
{
	if (said.n && !str_eq(said, found) && access(str_z(mem, found), F_OK) != 0)
		log_error(
		    "the settings name a root key file, which no longer counts, since they can be changed by whoever "
		    "took the server over; if it is the right one, make a link to it",
		    "settings", said, "link", found);
}

/* ---- settings ------------------------------------------------------------------------ */

struct status config_load(struct arena *mem, struct str dir, struct config *out)
{
	struct str text, said = { 0 }, path = layout_path(mem, dir, "config");
	TRY(layout_failed(text_file_read(mem, path, &text), path));
	struct config c = { 0 };
	while (text.p && text.n) {
		struct str value = str_cut(&text, '\n');
		struct str name = str_trim(str_cut(&value, '='));
		if (!value.p || (name.n && name.p[0] == '#'))
			continue;
		value = str_trim(value);
		if (str_eq(name, S("root_key")))
			said = value;
		else if (str_eq(name, S("account")))
			c.account = value;
		else if (str_eq(name, S("region")))
			c.region = value;
		else if (str_eq(name, S("domain")))
			c.domain = value;
		else if (str_eq(name, S("credentials")))
			c.credentials = value;
		else if (str_eq(name, S("names")))
			c.names = split_names(mem, value);
		else
			log_warn("unknown setting ignored", "name", name);
	}
	if (!c.account.n || !c.region.n)
		return layout_failed(ERR(E_INVALID), path);
	TRY(root_key_find(mem, dir, &c.root_key));
	hint_at_link(mem, said, c.root_key);
	*out = c;
	return OK;
}

struct status config_save(struct world *w, struct arena *mem, struct str dir, const struct config *c)
{
	struct buf b = buf_in(mem);
	buf_printf(&b, "# Holdfast's settings for this data directory. No secrets stand here.\n");
	buf_printf(&b, "account = %.*s\nregion = %.*s\ndomain = %.*s\nnames = ", PR(c->account), PR(c->region),
		   PR(c->domain));
	for (size_t i = 0; i < c->names.n; i++)
		buf_printf(&b, "%s%.*s", i ? ", " : "", PR(c->names.v[i]));
	buf_byte(&b, '\n');
	if (c->credentials.n)
		buf_printf(&b, "credentials = %.*s\n", PR(c->credentials));
	return text_file_write(w, mem, layout_path(mem, dir, "config"), 0644, buf_str(&b));
}

/* ---- keys ------------------------------------------------------------------------------- */

static void system_ref(struct vault_keys *k, struct str wrapped) { k->system = key_ref_of(NULL, S("system"), wrapped); }

struct status keys_create(struct world *w, struct arena *mem, struct str dir, const struct config *c,
			  const struct root_wish *wish, struct asker *asker, struct vault_keys *out)
{
	struct str wrapped;
	TRY(keyring_create_root_from(w, str_z(mem, c->root_key), wish, asker));
	TRY(keyring_open_asking(w, str_z(mem, c->root_key), asker, &out->keyring));
	TRY(keyring_key_new(out->keyring, NULL, S("system"), mem, &wrapped));
	system_ref(out, wrapped);
	return text_file_write(w, mem, layout_path(mem, dir, "keys/system"), 0600, wrapped);
}

/* The keyring is open; the system key is under it. */
static struct status open_system(struct arena *mem, struct str dir, const struct config *c, struct keyring *keyring,
				 struct vault_keys *out)
{
	struct str wrapped, path = layout_path(mem, dir, "keys/system");
	TRY(layout_failed(text_file_read(mem, path, &wrapped), path));
	system_ref(out, wrapped);
	struct status st = keyring_check(keyring, &out->system);
	if (failed(st))
		log_error("the root key does not open the system key: it is another's, or a file is damaged",
			  "root_key", c->root_key, "file", path, "status", str_of(status_name(st)));
	else
		out->keyring = keyring;
	return st;
}

/* `keyring` is the caller's until all is well. */
static struct status close_unless(struct status st, struct keyring *keyring)
{
	if (failed(st))
		keyring_close(keyring);
	return st;
}

/* Nobody is asked for a passphrase where there is nothing to open. */
static struct status check_there(struct arena *mem, struct str dir)
{
	struct str wrapped, path = layout_path(mem, dir, "keys/system");
	return layout_failed(text_file_read(mem, path, &wrapped), path);
}

struct status keys_open(struct world *w, struct arena *mem, struct str dir, const struct config *c, struct asker *asker,
			struct vault_keys *out)
{
	struct keyring *keyring;
	TRY(check_there(mem, dir));
	TRY(keyring_open_asking(w, str_z(mem, c->root_key), asker, &keyring));
	return close_unless(open_system(mem, dir, c, keyring, out), keyring);
}

struct status keys_open_apart(struct world *w, struct arena *mem, struct str dir, const struct config *c,
			      const struct keyring_apart *apart, struct vault_keys *out)
{
	struct keyring *keyring;
	TRY(check_there(mem, dir));
	TRY(keyring_open_apart(w, str_z(mem, c->root_key), apart, &keyring));
	return close_unless(open_system(mem, dir, c, keyring, out), keyring);
}

struct status keys_rewrap(struct world *w, struct vault_keys *k, struct arena *mem, struct str dir, bool *done)
{
	struct str now, wrapped, path = layout_path(mem, dir, "keys/system");
	TRY(layout_failed(text_file_read(mem, path, &now), path)); /* not as it was when we started */
	struct key_ref system = key_ref_of(NULL, S("system"), now);
	TRY(keyring_rewrap(k->keyring, &system, mem, &wrapped));
	*done = wrapped.p;
	return wrapped.p ? text_file_write(w, mem, path, 0600, wrapped) : OK;
}

struct status sealed_read(struct vault_keys *k, struct arena *mem, struct str dir, const char *name, struct str *out)
{
	struct str cipher, path = arena_printf(mem, "%.*s/keys/%s", PR(dir), name);
	TRY(layout_failed(text_file_read(mem, path, &cipher), path));
	return layout_failed(keyring_unseal(k->keyring, &k->system, str_of(name), cipher, mem, out), path);
}

struct status sealed_write(struct world *w, struct vault_keys *k, struct arena *mem, struct str dir, const char *name,
			   struct str plain)
{
	struct str cipher;
	TRY(keyring_seal(k->keyring, &k->system, str_of(name), plain, mem, &cipher));
	return text_file_write(w, mem, arena_printf(mem, "%.*s/keys/%s", PR(dir), name), 0600, cipher);
}

/* ---- root credentials ---------------------------------------------------------------------- */

struct status credentials_load(struct vault_keys *k, struct arena *mem, struct str dir, struct credentials **out,
			       size_t *n)
{
	struct str text;
	TRY(sealed_read(k, mem, dir, "credentials", &text));
	struct credentials *v = NEWS(mem, struct credentials, text.n / 3 + 1);
	size_t count = 0;
	while (text.p && text.n) {
		struct str line = str_cut(&text, '\n');
		struct str account = str_cut(&line, ' ');
		struct str id = line.p ? str_cut(&line, ' ') : (struct str){ 0 };
		if (!line.p)
			return ERR(E_INVALID);
		v[count++] = (struct credentials){ account, id, line };
	}
	*out = v;
	*n = count;
	return OK;
}

struct status credentials_save(struct world *w, struct vault_keys *k, struct arena *mem, struct str dir,
			       const struct credentials *c, size_t n)
{
	struct buf b = buf_in(mem);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%.*s %.*s %.*s\n", PR(c[i].account), PR(c[i].access_key_id), PR(c[i].secret_key));
	return sealed_write(w, k, mem, dir, "credentials", buf_str(&b));
}
