/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Against guessing of codes and passwords (RFC 4226 7.3): after five wrong ones in a row
 * the next try counts only after a wait that doubles with each further wrong one, from 30
 * seconds to 15 minutes. What is tried before is refused unseen, as if it were wrong, and
 * neither counts nor prolongs the wait. A right one ends it.
 *
 * So a million six-digit codes, three of them right at any time, stand against a hundred
 * tries a day. The count is kept with what is guessed, so a restart does not forget it.
 */
#ifndef SVC_IAM_GUESS_H
#define SVC_IAM_GUESS_H

#include "base/base.h"

enum { GUESS_FREE = 5, GUESS_WAIT_MS = 30 * 1000, GUESS_WAIT_MAX_MS = 15 * 60 * 1000 };

static inline bool guess_must_wait(int64_t wrong, int64_t last_wrong_ms, int64_t now_ms)
{
	int64_t wait = GUESS_WAIT_MS;
	if (wrong < GUESS_FREE)
		return false;
	for (int64_t i = GUESS_FREE; i < wrong && wait < GUESS_WAIT_MAX_MS; i++)
		wait *= 2;
	return now_ms - last_wrong_ms < (wait < GUESS_WAIT_MAX_MS ? wait : GUESS_WAIT_MAX_MS);
}

#endif
