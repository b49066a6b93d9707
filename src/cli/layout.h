/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data directory: what lies where, and the settings that are not secret.
 *
 *     DIR/config            settings, as text: name = value
 *     DIR/keys/system       the system key, wrapped by the root key
 *     DIR/keys/credentials  the accounts' root credentials, sealed under the system key
 *     DIR/keys/tls          the CA's and the server's private keys, sealed the same way
 *     DIR/tls/ca.pem        for clients;  DIR/tls/server.pem  the chain we show
 *     DIR/store  DIR/blobs  DIR/trail
 *     DIR/admin.sock        while serving: health, metrics, accounts, workloads, the test clock
 *     DIR/urls              while serving: where, a URL a line
 *     DIR/aws               where old AWS CLIs find STS (old_sdk.h)
 *     DIR.rootkey           the root key or what opens it (crypto/root_source.h), or a link to where that is; beside
 *                           the file, while it is rotated, .new and .handover
 *
 *     DIR.modules           which libraries of tokens may be loaded (modules.h)
 *
 * Whoever serves the directory can write in it, strangers that took him over included; a root key file can name a
 * library that is loaded. So the root key file is found by the directory's name and never by what stands inside.
 */
#ifndef CLI_LAYOUT_H
#define CLI_LAYOUT_H

#include "base/base.h"
#include "base/world.h"
#include "crypto/keyring.h"
#include "crypto/root_source.h"
#include "wire/shape.h"

struct config {
	struct str root_key;    /* not a setting: DIR.rootkey, or the file that this link leads to */
	struct str account;     /* the first account */
	struct str region;      /* where requests without a scope belong */
	struct str domain;      /* for virtual-host addressing; empty: none */
	struct str credentials; /* where the credentials endpoint listens; empty: nowhere */
	struct str_list names;  /* of the server certificate, beyond localhost and the host's own */
};

struct str layout_path(struct arena *mem, struct str dir,
		       const char *rest); /* "<dir>/<rest>", NUL-terminated behind n */
/* DIR.what, by the directory's real name: the same from wherever and through whatever link DIR is named. E_NOT_FOUND.
 */
struct status layout_beside(struct arena *mem, struct str dir, const char *what, char **out);
/* What root_key_find says, too. E_INVALID: a setting that is needed is missing. */
struct status config_load(struct arena *mem, struct str dir, struct config *out);
/* DIR.rootkey, and where that is a link what it leads to; DIR must be there. E_INVALID, and the log says so, when the
 * file would lie in the directory. */
struct status root_key_find(struct arena *mem, struct str dir, struct str *out);
/* Makes DIR.rootkey a link to `path`, which need not be there. E_EXISTS; E_INVALID as above; E_IO: the log says why. */
struct status root_key_link(struct world *w, struct arena *mem, struct str dir, struct str path);
void root_key_unlink(struct arena *mem, struct str dir); /* if it is a link */
bool path_lies_in(struct arena *mem, struct str dir, struct str path);
struct status config_save(struct world *w, struct arena *mem, struct str dir, const struct config *c);

/* Whole small files (at most 1 MiB). Written under another name, made durable, renamed. */
/* E_NOT_FOUND is the caller's to judge. */
struct status text_file_read(struct arena *mem, struct str path, struct str *out);
struct status text_file_write(struct world *w, struct arena *mem, struct str path, unsigned mode, struct str bytes);

/* Says in the log which of the directory's files it was that could not be used; st itself. */
struct status layout_failed(struct status st, struct str path);

/* The root key opened, and the key above everything that is not an account's. Both live in *out. */
struct vault_keys {
	struct keyring *keyring;
	struct key_ref system;
};
struct status keys_create(struct world *w, struct arena *mem, struct str dir, const struct config *c,
			  const struct root_wish *wish, struct asker *asker, struct vault_keys *out);
struct status keys_open(struct world *w, struct arena *mem, struct str dir, const struct config *c, struct asker *asker,
			struct vault_keys *out);
/* The same, with the root key in a process of its own: for those who serve strangers. Before threads are started. */
struct status keys_open_apart(struct world *w, struct arena *mem, struct str dir, const struct config *c,
			      const struct keyring_apart *apart, struct vault_keys *out);
/* The system key under the newest root key; *done: it was not before. */
struct status keys_rewrap(struct world *w, struct vault_keys *k, struct arena *mem, struct str dir, bool *done);
/* A file under keys/, sealed; its name is bound to it. */
struct status sealed_read(struct vault_keys *k, struct arena *mem, struct str dir, const char *name, struct str *out);
struct status sealed_write(struct world *w, struct vault_keys *k, struct arena *mem, struct str dir, const char *name,
			   struct str plain);

struct credentials {
	struct str account, access_key_id, secret_key;
};
/* Root credentials of every account, in order of creation. */
struct status credentials_load(struct vault_keys *k, struct arena *mem, struct str dir, struct credentials **out,
			       size_t *n);
struct status credentials_save(struct world *w, struct vault_keys *k, struct arena *mem, struct str dir,
			       const struct credentials *c, size_t n);

#endif
