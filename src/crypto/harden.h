/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process that holds keys does first: no core dumps, no ptrace by its own user's
 * other processes, no /proc/self/mem for them, and as much lockable memory as allowed.
 */
#ifndef CRYPTO_HARDEN_H
#define CRYPTO_HARDEN_H

#include "base/base.h"

struct harden_report {
	bool no_dump;            /* PR_SET_DUMPABLE is 0 */
	bool no_core;            /* RLIMIT_CORE is 0, soft and hard */
	uint64_t lockable_bytes; /* RLIMIT_MEMLOCK after raising soft to hard; UINT64_MAX: no limit */
};

/*
 * Called once by main before any key is read and before threads start. What the kernel
 * refuses is reported and logged, not fatal: E_IO only when dumps could not be turned off.
 */
struct status process_harden(struct harden_report *out);

/* Built with AddressSanitizer, whose leak checker needs what hardening takes away. */
bool process_is_sanitized(void);

#endif
