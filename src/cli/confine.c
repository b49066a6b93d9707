/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Left to it are the data directory, and of the machine what resolving names, trusting
 * certificates and loading the C library's own modules need. The root key's file is not
 * among that, wherever it lies; nor is a token's PIN file.
 */
#include "cli/confine.h"

#include "base/log.h"
#include "base/str.h"
#include "cli/modules.h"
#include "crypto/harden.h"
#include "crypto/landlock.h"
#include "crypto/sandbox.h"
#include "crypto/starter.h"

enum { PATHS_MAX = 24, HIDDEN_MAX = 2 };

/* Directories rather than the files in them that are read: resolv.conf and its like are replaced, not changed. */
static const struct landlock_path of_the_machine[] = {
	{ "/etc", LANDLOCK_READ },
	{ "/etc/resolv.conf", LANDLOCK_READ }, /* where it is a link that leads elsewhere, too */
	{ "/usr", LANDLOCK_READ },
	{ "/lib", LANDLOCK_READ },
	{ "/lib64", LANDLOCK_READ },
	{ "/run/systemd/resolve", LANDLOCK_READ },
	{ "/run/resolvconf", LANDLOCK_READ },
	{ "/run/NetworkManager", LANDLOCK_READ },
	{ "/sys/devices/system/cpu", LANDLOCK_READ },
	{ "/dev/null", LANDLOCK_USE },
	{ "/dev/random", LANDLOCK_READ },
	{ "/dev/urandom", LANDLOCK_READ },
};

struct status confine_starter(struct server *s)
{
	char *modules;

	TRY(modules_path(s->mem, s->dir, &modules));
	const struct starter_wish wish = {
		.root_path = str_z(s->mem, s->config.root_key),
		.data = str_z(s->mem, s->dir),
		.modules = modules,
		.ready = s->outside.ready_file.n ? str_z(s->mem, s->outside.ready_file) : NULL,
	};
	return starter_new(s->world, &wish, &s->starter);
}

/* What opens the root key. (root_key_find refuses one that lies in the data directory.) */
static size_t hidden(struct server *s, const char *out[HIDDEN_MAX])
{
	struct root_wish how;
	size_t n = 0;

	out[n++] = str_z(s->mem, s->config.root_key);
	if (failed(root_wish_like(s->world, s->mem, out[0], &how)) || !how.pin_file.n)
		return n;
	if (path_lies_in(s->mem, s->dir, how.pin_file))
		log_warn(
		    "the token's PIN file lies in the data directory, where the process that serves requests can read "
		    "it: put it elsewhere",
		    "file", how.pin_file);
	else
		out[n++] = str_z(s->mem, how.pin_file);
	return n;
}

struct status confine_settle(void *arg)
{
	struct server *s = arg;
	struct landlock_path paths[PATHS_MAX];
	const char *out[HIDDEN_MAX];
	size_t n = 0;
	bool has;

	for (; n < COUNT(of_the_machine); n++)
		paths[n] = of_the_machine[n];
	paths[n++] = (struct landlock_path){ str_z(s->mem, s->dir), LANDLOCK_CHANGE };
	if (s->outside.ca_file.n)
		paths[n++] = (struct landlock_path){ str_z(s->mem, s->outside.ca_file), LANDLOCK_READ };
	if (process_is_sanitized()) /* the leak checker reads there */
		paths[n++] = (struct landlock_path){ "/proc", LANDLOCK_READ };
	size_t n_out = hidden(s, out);
	TRY(landlock_enter(&(struct landlock_wish){ paths, n, out, n_out }, &has));
	if (!has)
		log_warn(
		    "this kernel has no Landlock, or not enough of it (5.19 and later have, unless it is turned off): "
		    "whoever took the serving process over could read the root key's file");
	return sandbox_refuse();
}

struct status confine_doors(void) { return sandbox_refuse_doors(); }
