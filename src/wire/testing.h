/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model for the codecs' tests, written by hand as the generator writes it: every kind,
 * every way of lying in a struct, recursion (DynamoDB's AttributeValue), a union.
 */
#ifndef WIRE_TESTING_H
#define WIRE_TESTING_H

#include "base/test.h"
#include "wire/shape.h"

enum color { RED = 1, GREEN, BLUE };

struct tag {
	struct str key, value;
};
struct tag_list {
	const struct tag *v;
	size_t n;
};
struct color_list {
	const enum color *v;
	size_t n;
};
struct bool_list {
	const bool *v;
	size_t n;
};
struct int_list_list {
	const struct int_list *v;
	size_t n;
};
struct av;
struct av_list {
	const struct av *v;
	size_t n;
};
struct av_map {
	const struct av_entry *v;
	size_t n;
};
struct av {
	struct str s, n, b;
	struct str_list ss;
	struct av_map m;
	struct av_list l;
	struct opt_bool null, yes;
};
struct av_entry {
	struct str key;
	struct av value;
};
struct all {
	struct str name, data, doc, secret;
	enum color color;
	struct opt_bool flag;
	bool on;
	struct opt_int count;
	int64_t days, must;
	struct opt_double ratio;
	double weight;
	struct opt_int when;
	const struct tag *tag;
	const struct av *value;
	struct tag_list tags, flat;
	struct str_list names;
	struct int_list numbers;
	struct color_list colors;
	struct bool_list flags;
	struct int_list_list matrix;
	struct str_map attrs;
	struct av_map items;
	struct str kind;
};

#define IN_ALL(field) .offset = offsetof(struct all, field)
#define IN_AV(field)  .offset = offsetof(struct av, field)
#define IN_TAG(field) .offset = offsetof(struct tag, field)

static const struct shape t_string = { .name = "String", .kind = K_STRING, .size = sizeof(struct str) };
static const struct shape t_blob = {
	.name = "Blob", .kind = K_BLOB, .size = sizeof(struct str), .flags = SH_MAX, .max = 4096
};
static const struct shape t_doc = { .name = "Document", .kind = K_DOCUMENT, .size = sizeof(struct str) };
static const struct shape t_bool = { .name = "Boolean", .kind = K_BOOL, .size = sizeof(bool) };
static const struct shape t_int = { .name = "Integer", .kind = K_INT, .size = sizeof(int64_t) };
static const struct shape t_long = { .name = "Long", .kind = K_LONG, .size = sizeof(int64_t) };
static const struct shape t_double = { .name = "Double", .kind = K_DOUBLE, .size = sizeof(double) };
static const struct shape t_time = { .name = "Timestamp", .kind = K_TIME, .size = sizeof(int64_t) };
static const struct shape t_secret = {
	.name = "Secret", .kind = K_STRING, .size = sizeof(struct str), .flags = SH_SENSITIVE | SH_MIN, .min = 6
};
static const struct shape t_name = { .name = "Name",
				     .kind = K_STRING,
				     .size = sizeof(struct str),
				     .flags = SH_MIN | SH_MAX,
				     .min = 1,
				     .max = 8,
				     .pattern = "[\\w+=,.@-]+" };
static const struct shape t_days = {
	.name = "Days", .kind = K_INT, .size = sizeof(int64_t), .flags = SH_MIN | SH_MAX, .min = 7, .max = 30
};
static const char *const color_names[] = { "RED", "GREEN", "BLUE", NULL };
static const struct shape t_color = {
	.name = "Color", .kind = K_ENUM, .size = sizeof(enum color), .names = color_names
};

static const struct member tag_members[] = {
	{ .name = "TagKey", .wire = "Key", .shape = &t_name, IN_TAG(key), .flags = M_REQUIRED, .id = 1 },
	{ .name = "TagValue", .wire = "Value", .shape = &t_string, IN_TAG(value), .flags = M_REQUIRED, .id = 2 },
};
static const struct shape t_tag = { .name = "Tag",
				    .kind = K_STRUCT,
				    .size = sizeof(struct tag),
				    .members = tag_members,
				    .n_members = COUNT(tag_members) };
static const struct shape t_tags = { .name = "TagList",
				     .kind = K_LIST,
				     .size = sizeof(struct tag_list),
				     .elem = &t_tag,
				     .elem_name = "member",
				     .flags = SH_MAX,
				     .max = 50 };
static const struct shape t_names = {
	.name = "NameList", .kind = K_LIST, .size = sizeof(struct str_list), .elem = &t_name, .elem_name = "member"
};
static const struct shape t_strings = {
	.name = "Strings", .kind = K_LIST, .size = sizeof(struct str_list), .elem = &t_string, .elem_name = "member"
};
static const struct shape t_ints = {
	.name = "IntList", .kind = K_LIST, .size = sizeof(struct int_list), .elem = &t_long, .elem_name = "member"
};
static const struct shape t_matrix = {
	.name = "Matrix", .kind = K_LIST, .size = sizeof(struct int_list_list), .elem = &t_ints, .elem_name = "member"
};
static const struct shape t_colors = {
	.name = "Colors", .kind = K_LIST, .size = sizeof(struct color_list), .elem = &t_color, .elem_name = "member"
};
static const struct shape t_bools = {
	.name = "Bools", .kind = K_LIST, .size = sizeof(struct bool_list), .elem = &t_bool, .elem_name = "member"
};
static const struct shape t_attrs = { .name = "Attrs",
				      .kind = K_MAP,
				      .size = sizeof(struct str_map),
				      .key = &t_name,
				      .elem = &t_string,
				      .key_name = "key",
				      .elem_name = "value" };
static const struct shape t_av, t_items, t_avs;
static const struct member av_members[] = {
	{ .name = "S", .wire = "S", .shape = &t_string, IN_AV(s), .id = 1 },
	{ .name = "N", .wire = "N", .shape = &t_string, IN_AV(n), .id = 2 },
	{ .name = "B", .wire = "B", .shape = &t_blob, IN_AV(b), .id = 3 },
	{ .name = "SS", .wire = "SS", .shape = &t_strings, IN_AV(ss), .id = 4 },
	{ .name = "M", .wire = "M", .shape = &t_items, IN_AV(m), .id = 5 },
	{ .name = "L", .wire = "L", .shape = &t_avs, IN_AV(l), .id = 6 },
	{ .name = "NULL", .wire = "NULL", .shape = &t_bool, IN_AV(null), .flags = M_OPT, .id = 7 },
	{ .name = "BOOL", .wire = "BOOL", .shape = &t_bool, IN_AV(yes), .flags = M_OPT, .id = 8 },
};
static const struct shape t_av = { .name = "AttributeValue",
				   .kind = K_UNION,
				   .size = sizeof(struct av),
				   .members = av_members,
				   .n_members = COUNT(av_members) };
static const struct shape t_avs = {
	.name = "AttributeValues", .kind = K_LIST, .size = sizeof(struct av_list), .elem = &t_av, .elem_name = "member"
};
static const struct shape t_items = { .name = "Items",
				      .kind = K_MAP,
				      .size = sizeof(struct av_map),
				      .key = &t_string,
				      .elem = &t_av,
				      .key_name = "key",
				      .elem_name = "value" };

static const struct member all_members[] = {
	{ .name = "Name", .wire = "Name", .shape = &t_name, IN_ALL(name), .flags = M_REQUIRED, .id = 1 },
	{ .name = "Data", .wire = "Data", .shape = &t_blob, IN_ALL(data), .id = 2 },
	{ .name = "Doc", .wire = "Doc", .shape = &t_doc, IN_ALL(doc), .id = 3 },
	{ .name = "Secret", .wire = "Secret", .shape = &t_secret, IN_ALL(secret), .id = 4 },
	{ .name = "Color", .wire = "Color", .shape = &t_color, IN_ALL(color), .id = 5 },
	{ .name = "Flag", .wire = "Flag", .shape = &t_bool, IN_ALL(flag), .flags = M_OPT, .id = 6 },
	{ .name = "On", .wire = "On", .shape = &t_bool, IN_ALL(on), .flags = M_DEFAULT, .dflt = 1, .id = 7 },
	{ .name = "Count", .wire = "Count", .shape = &t_int, IN_ALL(count), .flags = M_OPT, .id = 8 },
	{ .name = "Days", .wire = "Days", .shape = &t_days, IN_ALL(days), .flags = M_DEFAULT, .dflt = 30, .id = 9 },
	{ .name = "Must", .wire = "Must", .shape = &t_long, IN_ALL(must), .flags = M_REQUIRED, .id = 10 },
	{ .name = "Ratio", .wire = "Ratio", .shape = &t_double, IN_ALL(ratio), .flags = M_OPT, .id = 11 },
	{ .name = "Weight", .wire = "Weight", .shape = &t_double, IN_ALL(weight), .flags = M_REQUIRED, .id = 12 },
	{ .name = "When", .wire = "When", .shape = &t_time, IN_ALL(when), .flags = M_OPT, .id = 13 },
	{ .name = "Tag", .wire = "Tag", .shape = &t_tag, IN_ALL(tag), .id = 14 },
	{ .name = "Value", .wire = "Value", .shape = &t_av, IN_ALL(value), .id = 15 },
	{ .name = "Tags", .wire = "Tags", .shape = &t_tags, IN_ALL(tags), .id = 16 },
	{ .name = "Flat", .wire = "Flat", .shape = &t_tags, IN_ALL(flat), .flags = M_FLAT, .id = 17 },
	{ .name = "Names", .wire = "Names", .shape = &t_names, IN_ALL(names), .id = 18 },
	{ .name = "Numbers", .wire = "Numbers", .shape = &t_ints, IN_ALL(numbers), .id = 19 },
	{ .name = "Colors", .wire = "Colors", .shape = &t_colors, IN_ALL(colors), .id = 20 },
	{ .name = "Flags", .wire = "Flags", .shape = &t_bools, IN_ALL(flags), .id = 21 },
	{ .name = "Matrix", .wire = "Matrix", .shape = &t_matrix, IN_ALL(matrix), .id = 22 },
	{ .name = "Attrs", .wire = "Attrs", .shape = &t_attrs, IN_ALL(attrs), .id = 23 },
	{ .name = "Items", .wire = "Items", .shape = &t_items, IN_ALL(items), .id = 24 },
	{ .name = "Kind", .wire = "xsi:type", .shape = &t_string, IN_ALL(kind), .flags = M_ATTRIBUTE, .id = 25 },
};
static const struct shape t_all = { .name = "All",
				    .kind = K_STRUCT,
				    .size = sizeof(struct all),
				    .members = all_members,
				    .n_members = COUNT(all_members),
				    .root = "All" };

#endif
