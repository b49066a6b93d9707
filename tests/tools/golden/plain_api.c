/* Generated from plain.api.toml by tools/apigen.py. Change the model, not this file. */

#include "plain_api.h"


static const struct shape get_item_in_shape;
static const struct shape string_shape;
static const struct shape item_shape;
static const struct shape document_shape;
static const struct shape timestamp_shape;
static const struct shape long_shape;
static const struct shape float_shape;
static const struct shape item_list_shape;
static const struct shape put_item_out_shape;

static const struct member get_item_in_members[] = {
	{ "Name", "Name", &string_shape, .offset = offsetof(struct plain_get_item_in, name), .flags = M_REQUIRED },
};

static const struct member item_members[] = {
	{ "Name", "Name", &string_shape, .offset = offsetof(struct plain_item, name), .flags = M_REQUIRED },
	{ "Body", "Body", &document_shape, .offset = offsetof(struct plain_item, body) },
	{ "When", "When", &timestamp_shape, .offset = offsetof(struct plain_item, when), .flags = M_OPT },
	{ "Size", "Size", &long_shape, .offset = offsetof(struct plain_item, size), .flags = M_DEFAULT, .dflt = 0 },
	{ "Rate", "Rate", &float_shape, .offset = offsetof(struct plain_item, rate), .flags = M_OPT },
	{ "More", "More", &item_list_shape, .offset = offsetof(struct plain_item, more) },
};

static const struct shape get_item_in_shape = { .name = "GetItemInput", .kind = K_STRUCT, .size = sizeof(struct plain_get_item_in), .members = get_item_in_members, .n_members = 1 };
static const struct shape string_shape = { .name = "string", .kind = K_STRING, .size = sizeof(struct str), .flags = SH_MIN | SH_MAX, .min = 1, .max = 64 };
static const struct shape item_shape = { .name = "Item", .kind = K_STRUCT, .size = sizeof(struct plain_item), .members = item_members, .n_members = 6 };
static const struct shape document_shape = { .name = "document", .kind = K_DOCUMENT, .size = sizeof(struct str) };
static const struct shape timestamp_shape = { .name = "timestamp", .kind = K_TIME, .size = sizeof(int64_t) };
static const struct shape long_shape = { .name = "long", .kind = K_LONG, .size = sizeof(int64_t), .flags = SH_MIN, .min = 0 };
static const struct shape float_shape = { .name = "float", .kind = K_FLOAT, .size = sizeof(double) };
static const struct shape item_list_shape = { .name = "list", .kind = K_LIST, .size = sizeof(struct plain_item_list), .elem = &item_shape, .elem_name = "member" };
static const struct shape put_item_out_shape = { .name = "PutItemOutput", .kind = K_STRUCT, .size = sizeof(struct plain_put_item_out) };

static struct status get_item_call(struct req *rq, const void *in, void *out)
{
	return plain_get_item(rq, in, out);
}

static struct status put_item_call(struct req *rq, const void *in, void *out)
{
	return plain_put_item(rq, in, out);
}

static const struct op ops[] = {
	{ .name = "GetItem", .action = "plain:GetItem", .resource = "item/{Name}",
	  .event = NULL, .access = ACCESS_READ, .flags = 0,
	  .method = "POST", .uri = "/", .http = 200,
	  .conditions = (const struct condition[]){ { NULL, NULL } }, .faults = (const struct fault_kind *const[]){ NULL },
	  .in = &get_item_in_shape, .out = &item_shape, .out_wrapper = NULL,
	  .authorize = NULL, .call = get_item_call },
	{ .name = "GetMoreItems", .action = "plain:GetMoreItems", .resource = "*",
	  .access = ACCESS_READ, .flags = OP_READ_ONLY | OP_NO_AUTHZ,
	  .method = "POST", .uri = "/", .http = 200,
	  .conditions = (const struct condition[]){ { NULL, NULL } }, .faults = (const struct fault_kind *const[]){ NULL },
	  .in = &op_nothing_shape, .out = &op_nothing_shape, .call = op_unsupported,
	  .unsupported = "items are few" },
	{ .name = "PutItem", .action = "plain:PutItem", .resource = "item/{Name}",
	  .event = NULL, .access = ACCESS_WRITE, .flags = 0,
	  .method = "POST", .uri = "/", .http = 200,
	  .conditions = (const struct condition[]){ { NULL, NULL } }, .faults = (const struct fault_kind *const[]){ NULL },
	  .in = &item_shape, .out = &put_item_out_shape, .out_wrapper = NULL,
	  .authorize = NULL, .call = put_item_call },
	{ .name = "ShareItem", .action = "plain:ShareItem", .resource = "*",
	  .access = ACCESS_WRITE, .flags = OP_NO_AUTHZ,
	  .method = "POST", .uri = "/", .http = 200,
	  .conditions = (const struct condition[]){ { NULL, NULL } }, .faults = (const struct fault_kind *const[]){ NULL },
	  .in = &op_nothing_shape, .out = &op_nothing_shape, .call = op_unsupported,
	  .unsupported = "there is nobody to share with" },
};

const struct service plain_service = { .name = "plain", .signing = "plain", .endpoint = "plain", .source = "plain.amazonaws.com", .target = "Plain_2020", .version = "2020-01-02", .xmlns = NULL,
	.protocol = PROTO_JSON_1_1, .global = false, .ops = ops, .n_ops = 4 };
