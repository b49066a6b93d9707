/* Generated from plain.api.toml by tools/apigen.py. Change the model, not this file. */

#ifndef PLAIN_API_H
#define PLAIN_API_H

#include "api/op.h"

struct plain_item_list {
	const struct plain_item *v;
	size_t n;
};

struct plain_item {
	struct str name;
	struct str body;
	struct opt_int when;
	int64_t size;
	struct opt_double rate;
	struct plain_item_list more;
};

struct plain_get_item_in {
	struct str name;
};

/* Read an item.
 * https://docs.example/API_GetItem.html */
struct status plain_get_item(struct req *, const struct plain_get_item_in *,
    struct plain_item *);

struct plain_put_item_out {
	bool empty_; /* C knows no empty struct */
};

/* Store an item.
 * https://docs.example/API_PutItem.html */
struct status plain_put_item(struct req *, const struct plain_item *,
    struct plain_put_item_out *);

extern const struct service plain_service;

#endif
