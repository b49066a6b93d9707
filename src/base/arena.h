/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What buf.c needs of arenas beyond base.h: bytes that are not zeroed, and growing what
 * was handed out last without moving it. Private to base/.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/base.h"

char *arena_bytes(struct arena *a, size_t n); /* not zeroed, not aligned */
/* True when p, the latest old_n bytes handed out, now has new_n bytes. new_n may be smaller. */
bool arena_resize(struct arena *a, const char *p, size_t old_n, size_t new_n);

#endif
