/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root key under a passphrase. Argon2id makes the key that seals it, with a cost far above that of IAM's passwords:
 * it is paid once a start, and whoever has the file may guess for as long as he likes.
 *
 * RFC 9106's first choice is 2 GiB, more than small machines have; 128 MiB and four passes take some 0.4 s. The cost
 * stands in the file, so raising it needs no more than a rotation.
 */
#include "base/log.h"
#include "base/str.h"
#include "crypto/aead.h"
#include "crypto/password.h"
#include "crypto/root_source.h"

static const struct password_cost cost_now = { .memory_kib = 128 * 1024, .passes = 4, .lanes = 1 };
/* Of a file that somebody wrote: more than that is no honest cost. */
enum { MEMORY_KIB_MAX = 4 * 1024 * 1024, PASSES_MAX = 64, TRIES = 3 };

static size_t distinct(struct str s)
{
	bool seen[256] = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		n += !seen[(unsigned char)s.p[i]];
		seen[(unsigned char)s.p[i]] = true;
	}
	return n;
}

/* Against slips, not against cunning: length is what counts, and that one key held down is none. */
static struct status check_strength(struct str passphrase)
{
	if (str_utf8_length(passphrase) >= PASSPHRASE_MIN && distinct(passphrase) >= PASSPHRASE_DISTINCT_MIN)
		return OK;
	log_error("the passphrase is too weak: at least 12 characters, 6 of them different");
	return ERR(E_INVALID);
}

static struct status derive(struct str passphrase, struct password_cost cost, struct str salt, struct aead_key *out)
{
	uint8_t raw[PASSWORD_HASH_SIZE];
	struct status st = password_hash(cost, passphrase, salt, raw);
	if (failed(st))
		log_error("cannot compute the passphrase's key", "status", str_of(status_name(st)));
	else
		aead_key_init(out, raw);
	secret_wipe(raw, sizeof raw);
	return st;
}

static struct status check(const struct root_wish *wish)
{
	(void)wish;
	return OK;
}

static struct status seal(struct root_work *x, struct root_text *t, const uint8_t root[ROOT_KEY_SIZE])
{
	uint8_t salt[PASSWORD_SALT_SIZE], sealed[ROOT_KEY_SIZE + AEAD_OVERHEAD];
	struct aead_key key;
	struct str passphrase;

	TRY(ask_secret(x->asker, "new passphrase of the root key", true, &passphrase));
	TRY(check_strength(passphrase));
	world_random(x->w, salt, sizeof salt);
	root_text_put_number(t, "memory-kib", cost_now.memory_kib);
	root_text_put_number(t, "passes", cost_now.passes);
	root_text_put_bytes(t, "argon2id-salt", str_make(salt, sizeof salt));
	TRY(derive(passphrase, cost_now, str_make(salt, sizeof salt), &key));
	aead_seal(&key, x->w, root_text_above(t, "sealed"), str_make(root, ROOT_KEY_SIZE), sealed);
	aead_key_wipe(&key);
	root_text_put_bytes(t, "sealed", str_make(sealed, sizeof sealed));
	return OK;
}

/* E_CORRUPT: not that passphrase. */
static struct status try_one(struct root_work *x, const struct root_text *t, struct password_cost cost, struct str salt,
			     struct str sealed, uint8_t root[ROOT_KEY_SIZE])
{
	struct aead_key key;
	struct str passphrase;
	TRY(ask_secret(x->asker, "passphrase of the root key", false, &passphrase));
	TRY(derive(passphrase, cost, salt, &key));
	struct status st = aead_open(&key, root_text_above(t, "sealed"), sealed, root);
	aead_key_wipe(&key);
	return st;
}

static struct status open_it(struct root_work *x, const struct root_text *t, uint8_t root[ROOT_KEY_SIZE])
{
	uint64_t memory_kib, passes;
	struct str salt, sealed;

	TRY(root_text_get_number(t, "memory-kib", MEMORY_KIB_MAX, &memory_kib));
	TRY(root_text_get_number(t, "passes", PASSES_MAX, &passes));
	TRY(root_text_get_bytes(t, "argon2id-salt", &salt));
	TRY(root_text_get_bytes(t, "sealed", &sealed));
	if (sealed.n != ROOT_KEY_SIZE + AEAD_OVERHEAD)
		return ERR(E_INVALID);
	struct password_cost cost = { (uint32_t)memory_kib, (uint32_t)passes, 1 };
	for (unsigned i = 0;; i++) {
		struct status st = try_one(x, t, cost, salt, sealed, root);
		if (st.code != E_CORRUPT)
			return st;
		log_error("the passphrase is wrong");
		if (!ask_again(x->asker) || i + 1 >= TRIES)
			return ERR(E_NO_KEY);
	}
}

static bool by_itself(const struct root_text *t)
{
	(void)t;
	return false;
}

const struct root_source root_from_passphrase = { "passphrase", check, seal, open_it, by_itself };
