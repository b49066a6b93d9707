/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call of the keyring as a value, so that it can be answered here or in another process:
 *
 *     keyring.c ── struct key_call ──┬─ keyring_local_answer: the keys are in this process
 *                                    └─ keyholder_call: as bytes (key_call_write) to the keyholder,
 *                                       which reads them (key_call_read) and answers the same way
 *
 * For the files behind keyring.h alone. What crosses is bounded: KEY_CALL_MAX bytes either way.
 */
#ifndef CRYPTO_KEYRING_CALL_H
#define CRYPTO_KEYRING_CALL_H

#include "crypto/keyring.h"
#include "crypto/root_rotation.h"

#include <stdatomic.h>

enum { KEY_CALL_MAX = 128 * 1024 };

enum key_op {
	KEY_OP_NEW = 1,   /* key (NULL: the root), purpose                -> out: wrapped */
	KEY_OP_CHECK,     /* key */
	KEY_OP_FORGET,    /* key */
	KEY_OP_SEAL,      /* key, aad, input: plaintext                    -> out: ciphertext */
	KEY_OP_UNSEAL,    /* key, aad, input: ciphertext                   -> out: plaintext */
	KEY_OP_DATA,      /* key, aad, size, flag: no plaintext            -> out: ciphertext, secret */
	KEY_OP_DATA_OPEN, /* key, aad, input: ciphertext                   -> secret */
	KEY_OP_MAC,       /* key, input                                    -> out: 32 bytes */
	KEY_OP_RESEAL,    /* key, aad, input; other, other_aad             -> out: ciphertext */
	KEY_OP_MATERIAL,  /* other: the parent, purpose, kind              -> out: wrapped, face */
	KEY_OP_IMPORT,    /* key: RSA, algorithm, flag: aes, input; other, purpose, kind -> out: wrapped, face */
	KEY_OP_SIGN,      /* key, algorithm, input: digest                 -> out */
	KEY_OP_DECRYPT,   /* key, algorithm, input                         -> out */
	KEY_OP_AGREE,     /* key, input: the peer's public key             -> out */
	KEY_OP_HMAC,      /* key, input                                    -> out */
	KEY_OP_PAIR,      /* key, aad, kind, flag: no plaintext            -> out: ciphertext, face, secret */
	KEY_OP_REWRAP,    /* key: right under the root                     -> out: wrapped under the newest root, or
			     nothing */
	KEY_OP_ADOPT,     /* a new root key, which somebody we trust has left for us (key_local_offer) */
	KEY_OP_COUNT,
};

struct key_call {
	enum key_op op;
	const struct key_ref *key, *other;
	struct str purpose, aad, other_aad, input;
	uint32_t size;
	enum material kind;
	enum keypair_algorithm algorithm;
	bool flag;
};

struct key_answer {
	struct str out, face; /* in the answerer's arena */
	struct secret secret; /* freed by whoever has the answer */
};

/*
 * A key right under the root that was wrapped anew (keyring_wrap.c says why it has a name): key_ref_of and the
 * keyholder turn name into id and id into name.
 */
enum { KEY_REWRAPPED = 3, KEY_REWRAPPED_HEAD = 1 + ROOT_ID_SIZE + 32 };
static inline bool key_is_rewrapped(struct str wrapped)
{
	return wrapped.n == KEY_REWRAPPED_SIZE && wrapped.p[0] == KEY_REWRAPPED;
}
void key_rewrapped_name(struct str purpose, const uint8_t in[32], uint8_t out[32]);

/* ---- answered here ---- */

struct key_local;

/* `roots` is wiped. */
struct key_local *key_local_new(struct world *w, struct secret_pool *secrets, struct root_set *roots);
void key_local_free(struct key_local *k); /* null is allowed */

/* Where a further root key is left for KEY_OP_ADOPT; the page is shared with whoever leaves it. */
struct root_offer {
	_Atomic uint32_t full;
	uint8_t key[ROOT_KEY_SIZE];
};
void key_local_offer(struct key_local *k, struct root_offer *offer);
/* The call is believed in nothing but its form: refs may be forged, sizes wild. */
struct status key_local_answer(struct key_local *k, const struct key_call *c, struct arena *mem,
			       struct key_answer *out);

/* Takes long (some 0.1 ms and more), so that others should not wait behind it. */
bool key_call_is_slow(const struct key_call *c);

/* ---- as bytes ---- */

/*
 *     call   = op 1 | flag 1 | kind 1 | algorithm 1 | size 4 | purpose | aad | other aad | input | key | other
 *     key    = depth 1 | depth x (id 32 | purpose | wrapped), the leaf first; depth 0: the root, or none
 *     answer = status 4 | out | face | secret              (texts: length 4, then bytes)
 * Writing: how many bytes it took, 0 when `room` is too small. Reading: E_INVALID unless it is exactly one
 * well-formed call or answer; what is read are views of `bytes`, refs are in mem.
 */
size_t key_call_write(const struct key_call *c, char *room, size_t cap);
struct status key_call_read(struct str bytes, struct arena *mem, struct key_call *out);
size_t key_answer_write(struct status st, const struct key_answer *a, char *room, size_t cap);
struct status key_answer_read(struct str bytes, struct status *st, struct key_answer *a, struct str *secret);

#endif
