/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token (PKCS#11) that somebody else holds, as its users see it: started, opened with a
 * PIN, asked, gone.
 *
 *      start ──▶ TOKEN_OPEN ──▶ GENERATE, SEAL, ... ──▶ stop, or it dies ──▶ close
 *
 * Modules of tokens are other people's code: they open files and sockets, start threads,
 * and crash. So they are loaded neither in serve nor in the keyholder but in a process of
 * their own, one for each connection (token_process.h). Keys made in a token stay there:
 * what crosses is plaintext of at most 4 KiB, ciphertext, and at the start the PIN.
 */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "base/base.h"
#include "base/world.h"

enum {
	TOKEN_TEXT_MAX = 4096,    /* plaintext */
	TOKEN_SEAL_OVERHEAD = 28, /* ciphertext is this much longer: nonce 12, tag 16 */
	TOKEN_PIN_MAX = 64,
	TOKEN_PATH_MAX = 1024,
	TOKEN_LABEL_MAX = 32,
	TOKEN_KEY_MAX = 64,
	TOKEN_MESSAGE_MAX = 16 * 1024,
};

enum token_op {
	TOKEN_OPEN = 1, /* module, label, pin; once, first */
	TOKEN_GENERATE, /* key: a new AES-256 key of that name, which never leaves the token */
	TOKEN_SEAL,     /* key, aad, input: plaintext         -> out: ciphertext */
	TOKEN_UNSEAL,   /* key, aad, input: ciphertext        -> out: plaintext */
	TOKEN_RANDOM,   /* size                               -> plain: random bytes of the token's */
	TOKEN_DESTROY,  /* key */
	TOKEN_OPS,
};

struct token_call {
	enum token_op op;
	uint32_t size;
	struct str module, label, pin; /* where the module lies, the token's label, its user's PIN */
	struct str key, aad, input;
};

/* What became of a call that was answered. */
enum token_result {
	TOKEN_DONE,
	TOKEN_NOT_THERE, /* no such module, or no token of that label */
	TOKEN_WRONG_PIN,
	TOKEN_PIN_LOCKED, /* too many wrong ones */
	TOKEN_CANNOT,     /* it is no AES key, or the token has no AES-GCM */
	TOKEN_NO_KEY,     /* no key of that name */
	TOKEN_BAD_INPUT,  /* not a ciphertext of that key with that aad */
	TOKEN_BROKEN,     /* the token, or its module, failed */
	TOKEN_RESULTS,
};
const char *token_result_name(enum token_result r);

struct token_answer {
	enum token_result result;
	struct str out, plain; /* in the caller's arena, which is to be wiped */
};

/* ---- whoever holds tokens: a process, or a test's fake ---- */

struct token {
	const struct token_driver *driver;
};
struct token_driver {
	struct status (*start)(const struct token_driver *d, struct world *w, struct token **out);
	/* Any thread; a calling fiber is parked. E_BUSY: it is gone, or going. */
	struct status (*call)(struct token *t, const struct token_call *c, struct arena *mem, struct token_answer *out);
	void (*wait)(struct token *t);  /* until it is gone */
	void (*stop)(struct token *t);  /* any thread, any time before close: it is gone soon */
	void (*close)(struct token *t); /* no call may be under way */
};

/* ---- as bytes ----
 *     call   = number 4 | op 1 | size 4 | module | label | pin | key | aad | input
 *     answer = number 4 | result 1 | out | plain            (texts: length 4, then bytes)
 * Written at the end of *b. Reading: E_INVALID unless it is exactly one well-formed message; views of `bytes`.
 */
struct buf;
void token_call_write(struct buf *b, uint32_t number, const struct token_call *c);
struct status token_call_read(struct str bytes, uint32_t *number, struct token_call *out);
void token_answer_write(struct buf *b, uint32_t number, const struct token_answer *a);
struct status token_answer_read(struct str bytes, uint32_t *number, struct token_answer *out);

#endif
