/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of all who have a turn or wait for one. The first of a name has it. The row is as
 * short as what is under way at one time, so it is searched.
 */
#include "base/turns.h"

#include "base/str.h"

#include <pthread.h>

struct turns {
	pthread_mutex_t lock;
	struct link row;
};

struct turns *turns_new(void)
{
	struct turns *all = HEAP(struct turns);
	pthread_mutex_init(&all->lock, NULL);
	list_init(&all->row);
	return all;
}

void turns_free(struct turns *all)
{
	if (!all)
		return;
	assert(list_empty(&all->row));
	pthread_mutex_destroy(&all->lock);
	heap_free(all);
}

/* With the lock held. */
static struct turn *first_of(struct turns *all, struct str name)
{
	for (struct link *l = all->row.next; l != &all->row; l = l->next) {
		struct turn *t = ENTRY(l, struct turn, in);
		if (str_eq(t->name, name))
			return t;
	}
	return NULL;
}

static void stand_in_row(void *arg)
{
	struct turn *t = arg;
	pthread_mutex_lock(&t->of->lock);
	list_push(&t->of->row, &t->in);
	bool at_once = first_of(t->of, t->name) == t;
	pthread_mutex_unlock(&t->of->lock);
	if (at_once)
		fiber_wait_end(&t->wait);
}

void turn_take(struct turns *all, struct turn *turn, struct str name)
{
	*turn = (struct turn){ .name = name, .of = all };
	fiber_wait(&turn->wait, true, stand_in_row, turn);
}

void turn_give(struct turn *turn)
{
	struct turns *all = turn->of;
	pthread_mutex_lock(&all->lock);
	list_del(&turn->in);
	struct turn *next = first_of(all, turn->name);
	pthread_mutex_unlock(&all->lock);
	if (next)
		fiber_wait_end(&next->wait);
}
