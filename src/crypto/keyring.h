/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key hierarchy:  root key > account key > service key or KMS key > data key.
 *
 * Root, account, service and KMS keys never leave the keyring in the clear. Callers keep
 * them wrapped (ciphertext, made under the parent key) wherever they like, and name them
 * by a key_ref. Only data keys come out, as secrets, because somebody must encrypt pages,
 * objects and customers' payloads with them. The interface is a narrow one so that it can
 * become another process: everything that goes in or out is a short run of bytes.
 *
 *     struct key_ref account = key_ref_of(NULL, S("account/111122223333"), wrapped_account);
 *     struct key_ref key = key_ref_of(&account, S("kms/us-east-1/1234abcd-..."), wrapped_key);
 *     TRY(keyring_seal(kr, &key, encryption_context, plaintext, mem, &ciphertext));
 *
 * What holds:
 *  1. A wrapped key opens only under the same root, the same chain of parents and the
 *     same purposes it was made with. All of them are authenticated; a mix-up is E_NO_KEY.
 *  2. keyring_unseal cannot open a wrapped key, whatever its caller says.
 *  3. Keys are unwrapped at first use and kept in a bounded cache in locked memory, least
 *     recently used out first. So any number of keys may exist, and nothing is registered
 *     or unregistered.
 *  4. To shred a key: delete every copy of its wrapped bytes, then keyring_forget. What
 *     stood under it is unreadable from then on.
 * Every function but open and close may be called from any thread at any time. With the keys
 * in this process none waits; with a keyholder each may (keyring_for_fibers says how).
 */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H

#include "base/base.h"
#include "base/world.h"
#include "crypto/mac.h"
#include "crypto/keypair.h"
#include "crypto/secret.h"

enum {
	KEY_WRAPPED_SIZE = 73, /* every wrapped hierarchy key: version, nonce, 32 bytes, tag */
	KEY_REWRAPPED_SIZE =
	    121, /* of one right under the root once the root key was rotated: form, root's id, name, sealed */
	KEY_DEPTH_MAX = 4, /* keys on a path below the root */
	KEY_PURPOSE_MAX = 256,
	KEYRING_SEAL_OVERHEAD = 41, /* ciphertext is this much longer than plaintext */
	KEYRING_DATA_KEY_MAX = 1024,
};

struct keyring;

/*
 * A hierarchy key as its users hold it: a value of views. What it points to (the wrapped
 * bytes, the purpose, the parent) must live as long as the ref is used. The id covers the
 * whole path, so it also serves as a name for logs and maps; it is not secret.
 */
struct key_ref {
	uint8_t id[32];
	struct str wrapped;
	struct str purpose;
	const struct key_ref *parent; /* NULL: directly under the root */
};
struct key_ref key_ref_of(const struct key_ref *parent, struct str purpose, struct str wrapped);

struct asker;
struct root_wish;
struct starter;

/*
 * The root key file, of a key that stands there itself; crypto/root_source.h has the other sources. Created with mode
 * 0600 and never overwritten (E_EXISTS); durable, file and directory, when this returns. Opening refuses (E_INVALID,
 * and the log says why) a file that its group or others may read or write, that belongs to somebody else, or whose text
 * is damaged; E_NOT_FOUND when there is none.
 */
struct status keyring_create_root(struct world *w, const char *path);
struct status keyring_open(struct world *w, const char *root_path, struct keyring **out);
/* From any source (NULL: a file); the asker is asked for what it needs. Further: what root_create and root_open say. */
struct status keyring_create_root_from(struct world *w, const char *path, const struct root_wish *wish,
				       struct asker *asker);
struct status keyring_open_asking(struct world *w, const char *root_path, struct asker *asker, struct keyring **out);
/*
 * The same, but the root key and all that stands under it live in a process of their own, the keyholder
 * (keyholder.h), and never in this one, nor is what the asker is told. To be called before threads are started. While
 * the keyholder is gone (it is started again by itself) every call below fails with E_BUSY.
 */
struct keyring_apart {
	struct asker *asker;
	struct starter *starter;            /* starts a guardian anew; NULL: nobody does. Must outlive the keyring */
	struct status (*settle)(void *arg); /* when the others are there, and before threads are: to give up what */
	void *arg;                          /* this process needs no more (NULL: nothing). A failure is the opening's */
};
struct status keyring_open_apart(struct world *w, const char *root_path, const struct keyring_apart *apart,
				 struct keyring **out);
/* What a guardian that was started that way is. Does not return. */
_Noreturn void keyring_guardian(struct world *w, const char *root_path);
/*
 * The same keyring for those who may be parked: a fiber that calls through this one waits for the keyholder without
 * holding its thread. Through the other one the thread itself waits: for whoever holds a lock, is on a writer, or is
 * no fiber. Lives as long as kr.
 */
struct keyring *keyring_for_fibers(struct keyring *kr);
/* How the keyholder is. Of a keyring without one: up, and nothing else. */
struct keyring_health {
	bool up;
	int pid;
	uint64_t restarts, guardians, calls; /* guardians: how many were started anew */
};
struct keyring_health keyring_health(struct keyring *kr);
void keyring_close(struct keyring *kr); /* wipes all; every secret it gave must have been freed; null is allowed */
struct secret_pool *keyring_secrets(struct keyring *kr); /* for secrets that callers make themselves */

/* A new random key under parent (NULL: the root). E_NO_KEY when the parent cannot be unwrapped. */
struct status keyring_key_new(struct keyring *kr, const struct key_ref *parent, struct str purpose, struct arena *mem,
			      struct str *wrapped);
/* Unwrap now rather than at first use: to find a damaged or foreign key early. */
struct status keyring_check(struct keyring *kr, const struct key_ref *key);
/* Drop a key and all keys below it from memory. Calls already under way may still finish. */
void keyring_forget(struct keyring *kr, const struct key_ref *key);

/*
 * ---- Another root key (root_rotation.h) ----
 *
 * Once a rotation has begun beside the root key file: have the new root key, too, and wrap new keys under it. Nothing
 * happens when it is known, as it is to who opened the file since. E_NOT_FOUND: none is under way. E_FULL: too many for
 * one life of the process.
 */
struct status keyring_adopt_root(struct keyring *kr);
/* root_rotation.h's of the same names, done by whoever may touch the root key file: this process, or the guardian.
 * E_BUSY: it is gone. */
struct status keyring_rotation_under_way(struct keyring *kr, bool *is);
struct status keyring_rotation_finish(struct keyring *kr);
/* A key right under the root, wrapped under the newest root. *wrapped has p == NULL when it is already. Its id stays.
 */
struct status keyring_rewrap(struct keyring *kr, const struct key_ref *key, struct arena *mem, struct str *wrapped);

/*
 * Below: E_NO_KEY when the key itself cannot be unwrapped (wrong root, parent, purpose, or
 * damaged), E_CORRUPT when the key is good but the ciphertext or its aad is not.
 * The aad keeps a key's ciphertexts apart: begin it with what the thing is ("shard", "token").
 */
struct status keyring_seal(struct keyring *kr, const struct key_ref *key, struct str aad, struct str plain,
			   struct arena *mem, struct str *cipher);
struct status keyring_unseal(struct keyring *kr, const struct key_ref *key, struct str aad, struct str cipher,
			     struct arena *mem, struct str *plain);
/*
 * n random bytes, in the clear and sealed; what keyring_seal would have made of them, so
 * keyring_unseal opens it too (KMS Decrypt opens what GenerateDataKey gave). plain may be
 * NULL (GenerateDataKeyWithoutPlaintext). The caller frees the secret.
 */
struct status keyring_data_key(struct keyring *kr, const struct key_ref *key, struct str aad, size_t n,
			       struct secret *plain, struct arena *mem, struct str *cipher);
struct status keyring_data_key_open(struct keyring *kr, const struct key_ref *key, struct str aad, struct str cipher,
				    struct secret *plain);
/* The same bytes under another key: opened and sealed again without coming out in between. */
struct status keyring_reseal(struct keyring *kr, const struct key_ref *from, struct str from_aad, struct str cipher,
			     const struct key_ref *to, struct str to_aad, struct arena *mem, struct str *out);
/* HMAC-SHA256 under a key derived for this use alone: file names, tokens, pseudonyms. Deterministic. */
struct status keyring_mac(struct keyring *kr, const struct key_ref *key, struct str msg, uint8_t out[32]);

/*
 * ---- Material: keys with a kind, which stand at the end of a path ----
 *
 * What KMS keys are made of beyond the 32 random bytes of keyring_key_new: asymmetric and HMAC keys, and whatever was
 * imported. A key_ref names one like any other key; its wrapped form holds the kind, authenticated. Nothing stands
 * under material. Imported AES-256 material seals, unseals and makes data keys as other keys do; a function that is
 * not for a key's kind is E_UNSUPPORTED.
 */
enum material {
	MATERIAL_NONE = 0,
	MATERIAL_AES_256, /* stored: new kinds are put behind */
	MATERIAL_RSA_2048,
	MATERIAL_RSA_3072,
	MATERIAL_RSA_4096,
	MATERIAL_P256,
	MATERIAL_P384,
	MATERIAL_P521,
	MATERIAL_SECP256K1,
	MATERIAL_ED25519,
	MATERIAL_HMAC_224,
	MATERIAL_HMAC_256,
	MATERIAL_HMAC_384,
	MATERIAL_HMAC_512,
	MATERIAL_COUNT,
};
enum { MATERIAL_WRAPPED_MAX = KEYPAIR_DER_MAX + 42, MATERIAL_CHECK_SIZE = 32 };
enum keypair_spec material_keypair(enum material kind); /* KEYPAIR_NONE: not an asymmetric one */
enum mac_algorithm material_mac(enum material kind);    /* 0: not an HMAC key */

/*
 * New material under parent. *face is what may be shown of it: SubjectPublicKeyInfo of an asymmetric key, else
 * MATERIAL_CHECK_SIZE bytes that are the same for the same bytes under the same parent and tell nothing else.
 */
struct status keyring_material_new(struct keyring *kr, const struct key_ref *parent, struct str purpose,
				   enum material kind, struct arena *mem, struct str *wrapped, struct str *face);
/*
 * The same with bytes that somebody encrypted to the public key of `with` (RSA): directly, or (`aes`) an AES key in
 * front that wraps the bytes (RFC 5649). AES and HMAC keys are bare bytes, asymmetric ones PKCS #8. E_CORRUPT: it does
 * not decrypt. E_INVALID: it is no key of that kind.
 */
struct material_import {
	const struct key_ref *with;
	enum keypair_algorithm algorithm; /* KEYPAIR_OAEP_... */
	bool aes;
	struct str encrypted;
};
struct status keyring_material_import(struct keyring *kr, const struct material_import *in,
				      const struct key_ref *parent, struct str purpose, enum material kind,
				      struct arena *mem, struct str *wrapped, struct str *face);
/* What keypair_sign, keypair_decrypt, keypair_agree say (keypair.h), with the private key of `key`. */
struct status keyring_sign(struct keyring *kr, const struct key_ref *key, enum keypair_algorithm a, struct str digest,
			   struct arena *mem, struct str *signature);
struct status keyring_decrypt(struct keyring *kr, const struct key_ref *key, enum keypair_algorithm a,
			      struct str cipher, struct arena *mem, struct str *plain);
struct status keyring_agree(struct keyring *kr, const struct key_ref *key, struct str peer_spki, struct arena *mem,
			    struct str *shared);
/* HMAC with material of the algorithm's size. */
struct status keyring_hmac(struct keyring *kr, const struct key_ref *key, struct str msg, struct arena *mem,
			   struct str *mac);
/* A new asymmetric pair for a caller: the private key (PKCS #8) sealed under `key`, and in the clear unless plain is
 * NULL; the caller frees the secret. */
struct status keyring_data_pair(struct keyring *kr, const struct key_ref *key, struct str aad, enum material kind,
				struct secret *plain, struct arena *mem, struct str *cipher, struct str *public_key);

#endif
