/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: order kept, any member leaves in one step.
 */
#include "base/list.h"
#include "base/test.h"

struct item {
	int number;
	struct link link;
};

static void members_stand_in_order_and_leave_from_anywhere(void)
{
	struct link head;
	struct item items[5];
	int sum = 0;
	list_init(&head);
	EXPECT(list_empty(&head));
	for (int i = 0; i < 5; i++) {
		items[i].number = i;
		list_push(&head, &items[i].link);
	}
	list_del(&items[2].link);
	list_del(&items[0].link);
	list_del(&items[4].link);
	list_del(&items[4].link); /* out already: no harm */
	for (struct link *l = head.next; l != &head; l = l->next)
		sum = sum * 10 + ENTRY(l, struct item, link)->number;
	EXPECT(sum == 13);
	list_add_before(&items[3].link, &items[0].link);
	EXPECT(items[1].link.next == &items[0].link && items[3].link.prev == &items[0].link);
	list_del(&items[0].link);
	list_del(&items[1].link);
	list_del(&items[3].link);
	EXPECT(list_empty(&head));
}

RUN_ALL(T(members_stand_in_order_and_leave_from_anywhere))
