/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One at a time, by name: who comes while another has the turn waits, a fiber parked
 * (fiber_wait.h); in the order of coming. For work in several steps that must not
 * meet its like, when no transaction is around all of it.
 *
 *     struct turn turn;
 *     turn_take(turns, &turn, name);
 *     ...
 *     turn_give(&turn);
 */
#ifndef BASE_TURNS_H
#define BASE_TURNS_H

#include "base/fiber_wait.h"
#include "base/list.h"

struct turns;

struct turn {
	struct link in; /* who has or waits for one, the oldest first */
	struct str name;
	struct turns *of;
	struct fiber_wait wait;
};

struct turns *turns_new(void);
void turns_free(struct turns *all); /* nobody has one any more; null is allowed */

/* `turn` and what `name` views stay where they are until turn_give, which may be on another thread. */
void turn_take(struct turns *all, struct turn *turn, struct str name);
void turn_give(struct turn *turn);

#endif
