/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords, kept so that who steals what is kept must pay for every guess: Argon2id
 * (RFC 9106), slow and hungry for memory on purpose. Alone includes libargon2.
 *
 * The cost is PASSWORD_COST: 3 passes over 32 MiB in one lane. RFC 9106's second choice
 * ("uniformly safe, memory-constrained") is 64 MiB in four lanes, meant for a machine that does
 * nothing else meanwhile; here several are computed beside everything else a server does, each
 * on one core. Half the memory keeps two of them under 64 MiB and each near 0.1 s, and is
 * more than OWASP's 19 MiB with two passes. A hash is kept together with its cost, so this
 * can be raised without anybody's password becoming invalid.
 */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/base.h"

enum { PASSWORD_SALT_SIZE = 16, PASSWORD_HASH_SIZE = 32 };

struct password_cost {
	uint32_t memory_kib, passes, lanes;
};
#define PASSWORD_COST ((struct password_cost){ .memory_kib = 32 * 1024, .passes = 3, .lanes = 1 })

/*
 * Takes the caller's thread for as long as it takes: not on an event thread, nor inside a write transaction. Its memory
 * is wiped. E_FULL: the machine has not so much to give. E_INVALID: no such cost, or a salt of under eight bytes.
 */
struct status password_hash(struct password_cost cost, struct str password, struct str salt,
			    uint8_t out[PASSWORD_HASH_SIZE]);

#endif
