/* Generated from toy.api.toml by tools/apigen.py. Change the model, not this file. */

#ifndef TOY_API_H
#define TOY_API_H

#include "api/op.h"

enum toy_shade {
	TOY_SHADE_DARK = 1,
	TOY_SHADE_LIGHT,
};

enum toy_kind {
	TOY_KIND_BALL = 1,
	TOY_KIND_AWS_DOLL,
	TOY_KIND_2_WHEELER,
	TOY_KIND_KITE,
	TOY_KIND_ALL_ANY,
};

struct toy_value_list {
	const struct toy_value *v;
	size_t n;
};

struct toy_value_map {
	const struct toy_value_map_entry *v;
	size_t n;
};

struct toy_part_list {
	const struct toy_part *v;
	size_t n;
};

struct toy_bool_list {
	const bool *v;
	size_t n;
};

struct toy_shade_list {
	const enum toy_shade *v;
	size_t n;
};

struct toy_int_list_list {
	const struct int_list *v;
	size_t n;
};

struct toy_value {
	struct str s;
	struct opt_int n;
	struct toy_value_list l;
	struct toy_value_map m;
};

struct toy_part {
	struct str part_name;
	struct opt_double weight;
	struct toy_part_list parts;
	bool default_;
};

struct toy_owner {
	struct str id;
	struct str type;
	struct opt_int born;
};

struct toy_toy_record {
	struct str toy_name;
	enum toy_kind kind;
	int64_t made;
	const struct toy_part *main;
	struct str_map labels;
	int64_t wheels;
};

struct toy_value_map_entry {
	struct str key;
	struct toy_value value;
};

struct toy_get_toy_in {
	struct str box;
	struct opt_int if_modified_since;
};

struct toy_get_toy_out {
	struct opt_int last_modified;
};

/* Take a toy out.
 * https://docs.example/API_GetToy.html */
struct status toy_get_toy(struct req *, const struct toy_get_toy_in *,
    struct toy_get_toy_out *);

struct toy_list_toys_in {
	bool empty_; /* C knows no empty struct */
};

struct toy_list_toys_out {
	struct toy_value_list values;
	struct toy_part_list parts;
	struct str_map labels;
	struct int_list dates;
	struct toy_bool_list flags;
	struct toy_shade_list shades;
	struct str hidden;
	struct toy_int_list_list matrix;
};

/* All toys.
 * https://docs.example/API_ListToys.html */
struct status toy_list_toys(struct req *, const struct toy_list_toys_in *,
    struct toy_list_toys_out *);

struct toy_put_toy_in {
	struct str box;
	struct str path;
	enum toy_kind kind;
	struct str sse_kms_key_id;
	struct str_map tags;
	struct str_map filter;
	struct str client_token;
	struct str_list names;
};

struct toy_put_toy_out {
	struct str etag;
	struct opt_int status;
};

/* Put a toy into the box.
 * https://docs.example/API_PutToy.html */
struct status toy_put_toy(struct req *, const struct toy_put_toy_in *,
    struct toy_put_toy_out *);

struct toy_set_owner_in {
	const struct toy_owner *new_owner;
};

struct toy_set_owner_out {
	bool empty_; /* C knows no empty struct */
};

/* Say whose toys they are.
 * https://docs.example/API_SetOwner.html */
struct status toy_set_owner(struct req *, const struct toy_set_owner_in *,
    struct toy_set_owner_out *);

struct toy_where_is_it_in {
	struct str box;
};

struct toy_where_is_it_out {
	struct str place;
};

/* The place of a box, as the text of a document's root.
 * https://docs.example/API_WhereIsIt.html */
struct status toy_where_is_it(struct req *, const struct toy_where_is_it_in *,
    struct toy_where_is_it_out *);

/* What must be allowed, where a row cannot say it: written beside the handlers. */
struct status toy_authorize_toy(struct req *, const void *in, struct authz *);

extern const struct fault_kind toy_NoSuchToy[1];
extern const struct fault_kind toy_ToyIsBusy[1];
extern const struct fault_kind toy_ToyShopIsOut[1];
extern const struct shape toy_toy_record_shape;
extern const struct service toy_service;

#endif
