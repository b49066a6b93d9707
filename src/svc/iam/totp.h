/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time passwords: HOTP (RFC 4226) with SHA-1, and TOTP (RFC 6238) over it, with steps
 * of 30 seconds from the epoch and six digits, as virtual MFA devices do it.
 *
 * Looking for a code always tries every step it may belong to and compares in constant
 * time, so how long it takes says nothing about the code.
 */
#ifndef SVC_IAM_TOTP_H
#define SVC_IAM_TOTP_H

#include "base/base.h"

enum {
	TOTP_STEP_MS = 30 * 1000,
	TOTP_DIGITS = 6,
	TOTP_SEED_SIZE = 40, /* 64 characters in base32: as AWS's */
	HOTP_DIGITS_MAX = 9,
};

static inline int64_t totp_step(int64_t now_ms) { return now_ms / TOTP_STEP_MS; }

/* `digits` characters, no NUL. */
void hotp(struct str seed, uint64_t counter, unsigned digits, char *out);

/* Six digits, nothing else: what may be looked for. */
bool totp_is_code(struct str code);
/* The latest step from `from` to `to` whose code that is; false: none. */
bool totp_find(struct str seed, int64_t from, int64_t to, struct str code, int64_t *step);
/* Two codes that follow each other: the step of the second; the first is looked for from `from` to `to`. */
bool totp_find_two(struct str seed, int64_t from, int64_t to, struct str first, struct str second, int64_t *step);

#endif
