/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the root key comes from. Whatever it is, a file stands for it (the root key file, DIR.rootkey), which says what
 * opens it; a directory's settings say nothing of it.
 *
 *     file         the key itself stands there (rootfile.h): whoever has the file has the key
 *     passphrase   sealed under a key that Argon2id makes of it: asked for at each start
 *     tpm          sealed by this machine's TPM 2.0, if asked for bound to PCRs: opens on this machine alone
 *     pkcs11       encrypted with a key of a token: opens with the token and its PIN
 *
 * Modules and libraries of sources are loaded into the process that calls root_open or root_create and stay there:
 * the guardian does so in a child that ends (guardian.c).
 */
#ifndef CRYPTO_ROOT_SOURCE_H
#define CRYPTO_ROOT_SOURCE_H

#include "base/base.h"
#include "base/world.h"
#include "crypto/ask.h"
#include "crypto/root_text.h"
#include "crypto/rootfile.h"

enum { ROOT_ID_SIZE = 16, PASSPHRASE_MIN = 12, PASSPHRASE_DISTINCT_MIN = 6 };

/* What a new root key is to come from; empty strings are defaults. */
struct root_wish {
	struct str source;                                     /* a name of the table; empty: file */
	struct str module, token, serial, token_key, pin_file; /* pkcs11 */
	struct str tpm, pcrs;                                  /* tpm: how it is reached (TCTI), "7,11" */
};

/* A root key's name: tells roots apart, and nothing about the key. */
void root_id(const uint8_t root[ROOT_KEY_SIZE], uint8_t out[ROOT_ID_SIZE]);

/* The source's name as the table has it; NULL: there is none of that name. */
const char *root_source_name(struct str name);
/* Is the wish complete and sane? E_INVALID: the log says what is missing. Nothing is touched. */
struct status root_wish_check(const struct root_wish *wish);

/*
 * Seals `root` and writes the file at `path`. Never overwrites (E_EXISTS); durable when it returns. The rest is the
 * source's word; the log says what is wrong: E_INVALID (a weak passphrase), E_NO_KEY (a wrong PIN), E_NOT_FOUND (no
 * such token, no TPM), E_UNSUPPORTED (nobody to ask; library not there), E_CLOSED (gave up).
 */
struct status root_create(struct world *w, const char *path, const struct root_wish *wish, struct asker *asker,
			  const uint8_t root[ROOT_KEY_SIZE]);
/* E_NO_KEY: passphrase or PIN is wrong, or the TPM is not in the state. The rest as above, and as rootfile_read. */
struct status root_open(struct world *w, const char *path, struct asker *asker, uint8_t root[ROOT_KEY_SIZE]);

/* What the file says of itself, without opening it. */
struct root_about {
	const char *source;
	bool by_itself;      /* opens without a person */
	struct str id;       /* in hex; empty for a plain file */
	struct str settings; /* ", "-separated, for people */
};
struct status root_about(struct world *w, struct arena *mem, const char *path, struct root_about *out);

/* The wish that would make one like it; lives in mem. */
struct status root_wish_like(struct world *w, struct arena *mem, const char *path, struct root_wish *out);

/* ---- for the sources' own files ---- */

struct root_work {
	struct world *w;
	struct arena *mem; /* wiped afterwards */
	struct asker *asker;
	const struct root_wish *wish; /* NULL when opening */
};
/* seal adds the source's fields to t, "sealed" the last of them. Both log why they fail. */
struct root_source {
	const char *name;
	struct status (*check)(const struct root_wish *wish);
	struct status (*seal)(struct root_work *x, struct root_text *t, const uint8_t root[ROOT_KEY_SIZE]);
	struct status (*open)(struct root_work *x, const struct root_text *t, uint8_t root[ROOT_KEY_SIZE]);
	bool (*by_itself)(const struct root_text *t);
};
extern const struct root_source root_from_passphrase, root_from_tpm, root_from_pkcs11;

#endif
