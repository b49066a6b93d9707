/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An intrusive doubly linked ring. The head is a link that belongs to nobody.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/base.h"

struct link {
	struct link *next, *prev;
};

#define ENTRY(link_, type, field) ((type *)(void *)((char *)(link_)-offsetof(type, field)))

static inline void list_init(struct link *head) { head->next = head->prev = head; }
static inline bool list_empty(const struct link *head) { return head->next == head; }
static inline void list_add_before(struct link *at, struct link *l)
{
	l->prev = at->prev;
	l->next = at;
	at->prev->next = l;
	at->prev = l;
}
static inline void list_push(struct link *head, struct link *l) { list_add_before(head, l); } /* at the end */
static inline void list_del(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	l->next = l->prev = l;
}

#endif
