/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference implementation, in one thread of the caller's. It allocates its memory itself,
 * and gives it back.
 */
#include "crypto/password.h"

#include <argon2.h>

struct status password_hash(struct password_cost cost, struct str password, struct str salt,
			    uint8_t out[PASSWORD_HASH_SIZE])
{
	argon2_context c = {
		.out = out,
		.outlen = PASSWORD_HASH_SIZE,
		.pwd = (uint8_t *)(uintptr_t)password.p, /* read only, unless told to clear it, which it is not */
		.pwdlen = (uint32_t)password.n,
		.salt = (uint8_t *)(uintptr_t)salt.p,
		.saltlen = (uint32_t)salt.n,
		.t_cost = cost.passes,
		.m_cost = cost.memory_kib,
		.lanes = cost.lanes,
		.threads = 1,
		.version = ARGON2_VERSION_13,
	};
	int rc = argon2id_ctx(&c);
	if (rc == ARGON2_MEMORY_ALLOCATION_ERROR)
		return ERR(E_FULL);
	return rc == ARGON2_OK ? OK : ERR(E_INVALID);
}
