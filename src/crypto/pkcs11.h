/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token that speaks PKCS #11: a module is loaded, one session opened, its PIN given, and
 * keys on the token used by name. Keys made here never leave the token.
 *
 *     struct pkcs11 *token;
 *     TRY(pkcs11_open(w, &(struct pkcs11_where){ .module = "/usr/lib/...so", .token = S("hsm-1") }, pin, &token));
 *     TRY(pkcs11_find(token, S("holdfast"), &key));
 *     TRY(pkcs11_encrypt(token, &key, aad, plain, mem, &cipher));
 *     pkcs11_close(token);
 *
 * Every function may be called from any thread: a session does one thing at a time, so they take turns. A call may
 * take as long as the token does (a smart card: a second), and holds the thread meanwhile. A module stays loaded until
 * the process ends, and so does the login of a session that others of this process share.
 * Nothing here survives fork.
 */
#ifndef CRYPTO_PKCS11_H
#define CRYPTO_PKCS11_H

#include "base/base.h"
#include "base/world.h"

struct pkcs11;

struct pkcs11_where {
	const char *module; /* absolute path of the shared library */
	struct str token;   /* its label; empty: the only token there is */
	struct str serial;  /* its serial number; empty: any */
};

enum pkcs11_kind { PKCS11_AES = 1, PKCS11_RSA };

struct pkcs11_key {
	enum pkcs11_kind kind;
	size_t bits;
	unsigned long secret, open; /* the token's handles: the AES or private key; the public one of RSA */
};

enum { PKCS11_PLAIN_MAX = 4096, PKCS11_AES_OVERHEAD = 28 };

/*
 * E_NOT_FOUND: no such module or token. E_EXISTS: several tokens fit. E_NO_KEY: the PIN is wrong. E_BUSY: the PIN is
 * locked. E_IO: module or token fail. The log says which. `pin` is not kept.
 */
struct status pkcs11_open(struct world *w, const struct pkcs11_where *at, struct str pin, struct pkcs11 **out);
void pkcs11_close(struct pkcs11 *p); /* null is allowed */

/* A token's label, manufacturer, model and serial number, for people to read; lives as long as p. */
struct pkcs11_about {
	struct str label, manufacturer, model, serial;
};
const struct pkcs11_about *pkcs11_about(struct pkcs11 *p);
/* Is the token still there and the session logged in? E_IO: no; close it and open it anew. */
struct status pkcs11_check(struct pkcs11 *p);

/* By label: an AES key, or an RSA key pair. E_NOT_FOUND; E_EXISTS when several have that label. */
struct status pkcs11_find(struct pkcs11 *p, struct str label, struct pkcs11_key *out);
/* A new AES-256 key that stays on the token and cannot be taken out of it. E_EXISTS: the label is taken. */
struct status pkcs11_make_aes(struct pkcs11 *p, struct str label, struct pkcs11_key *out);
/* Destroys what pkcs11_find found. E_IO: the token does not do it. */
struct status pkcs11_destroy(struct pkcs11 *p, const struct pkcs11_key *key);

/* Random bytes of the token's. E_IO: it has none. */
struct status pkcs11_random(struct pkcs11 *p, void *out, size_t n);

/*
 * AES: nonce 12 | AES-GCM | tag 16, so at most PKCS11_PLAIN_MAX bytes, 28 longer, and no more than 2^32 times with one
 * key. RSA: OAEP with SHA-256, or SHA-1 where the token has no other; aad is its label where the token takes one, so
 * RSA is for an empty aad only (E_UNSUPPORTED). E_TOO_BIG; E_IO: the token refuses.
 */
struct status pkcs11_encrypt(struct pkcs11 *p, const struct pkcs11_key *key, struct str aad, struct str plain,
			     struct arena *mem, struct str *cipher);
/* E_CORRUPT: it does not authenticate, or was made with another key. *plain is in mem: the caller wipes it. */
struct status pkcs11_decrypt(struct pkcs11 *p, const struct pkcs11_key *key, struct str aad, struct str cipher,
			     struct arena *mem, struct str *plain);

#endif
