/* Generated from toy.api.toml by tools/apigen.py. Change the model, not this file. */

#include "toy_api.h"

const struct fault_kind toy_NoSuchToy[1] = { { .name = "NoSuchToy", .http = 404 } };
const struct fault_kind toy_ToyIsBusy[1] = { { .name = "ToyIsBusy", .http = 400, .code = "Toy.Busy" } };
const struct fault_kind toy_ToyShopIsOut[1] = { { .name = "ToyShopIsOut", .http = 503, .server = true } };

static const char *const shade_names[] = {
	"Dark",
	"Light",
	NULL
};

static const char *const kind_names[] = {
	"ball",
	"aws:doll",
	"2-wheeler",
	"KITE",
	"all:*",
	NULL
};

static const struct shape get_toy_in_shape;
static const struct shape string_shape;
static const struct shape timestamp_shape;
static const struct shape get_toy_out_shape;
static const struct shape blob_shape;
static const struct shape list_toys_in_shape;
static const struct shape list_toys_out_shape;
static const struct shape value_shape;
static const struct shape value_list_shape;
static const struct shape string_shape_2;
static const struct shape long_shape;
static const struct shape value_list_shape_2;
static const struct shape value_map_shape;
static const struct shape part_shape;
static const struct shape part_list_shape;
static const struct shape name_shape;
static const struct shape double_shape;
static const struct shape boolean_shape;
static const struct shape string_shape_3;
static const struct shape labels_shape;
static const struct shape int_list_shape;
static const struct shape bool_list_shape;
static const struct shape shade_shape;
static const struct shape shade_list_shape;
static const struct shape secret_shape;
static const struct shape integer_shape;
static const struct shape int_list_shape_2;
static const struct shape int_list_list_shape;
static const struct shape put_toy_in_shape;
static const struct shape kind_shape;
static const struct shape str_map_shape;
static const struct shape names_shape;
static const struct shape put_toy_out_shape;
static const struct shape set_owner_in_shape;
static const struct shape owner_shape;
static const struct shape set_owner_out_shape;
static const struct shape where_is_it_in_shape;
static const struct shape where_is_it_out_shape;
static const struct shape string_shape_4;
static const struct shape integer_shape_2;

static const struct member get_toy_in_members[] = {
	{ "Box", "Box", &string_shape, .offset = offsetof(struct toy_get_toy_in, box), .flags = M_REQUIRED, .where = W_LABEL },
	{ "IfModifiedSince", "If-Modified-Since", &timestamp_shape, .offset = offsetof(struct toy_get_toy_in, if_modified_since), .flags = M_OPT, .where = W_HEADER, .time = TF_HTTP },
};

static const struct member get_toy_out_members[] = {
	{ "Body", "Body", &blob_shape, .where = W_STREAM },
	{ "LastModified", "Last-Modified", &timestamp_shape, .offset = offsetof(struct toy_get_toy_out, last_modified), .flags = M_OPT, .where = W_HEADER },
};

static const struct member list_toys_out_members[] = {
	{ "Values", "Value", &value_list_shape, .offset = offsetof(struct toy_list_toys_out, values), .flags = M_FLAT },
	{ "Parts", "Parts", &part_list_shape, .offset = offsetof(struct toy_list_toys_out, parts), .flags = M_REQUIRED },
	{ "Labels", "Labels", &labels_shape, .offset = offsetof(struct toy_list_toys_out, labels) },
	{ "Dates", "Dates", &int_list_shape, .offset = offsetof(struct toy_list_toys_out, dates) },
	{ "Flags", "Flags", &bool_list_shape, .offset = offsetof(struct toy_list_toys_out, flags) },
	{ "Shades", "Shades", &shade_list_shape, .offset = offsetof(struct toy_list_toys_out, shades), .flags = M_UNRECORDED },
	{ "Hidden", "Hidden", &secret_shape, .offset = offsetof(struct toy_list_toys_out, hidden), .flags = M_SENSITIVE },
	{ "Matrix", "Matrix", &int_list_list_shape, .offset = offsetof(struct toy_list_toys_out, matrix) },
};

static const struct member value_members[] = {
	{ "S", "S", &string_shape_2, .offset = offsetof(struct toy_value, s) },
	{ "N", "N", &long_shape, .offset = offsetof(struct toy_value, n), .flags = M_OPT },
	{ "L", "L", &value_list_shape_2, .offset = offsetof(struct toy_value, l) },
	{ "M", "M", &value_map_shape, .offset = offsetof(struct toy_value, m) },
};

static const struct member part_members[] = {
	{ "PartName", "PartName", &name_shape, .offset = offsetof(struct toy_part, part_name), .flags = M_REQUIRED, .id = 1, .says = "It must be a \"name\"." },
	{ "Weight", "Weight", &double_shape, .offset = offsetof(struct toy_part, weight), .flags = M_OPT, .id = 2 },
	{ "Parts", "Parts", &part_list_shape, .offset = offsetof(struct toy_part, parts), .id = 3 },
	{ "default", "default", &boolean_shape, .offset = offsetof(struct toy_part, default_), .flags = M_DEFAULT, .id = 4, .dflt = 1 },
};

static const struct member put_toy_in_members[] = {
	{ "Box", "Box", &string_shape, .offset = offsetof(struct toy_put_toy_in, box), .flags = M_REQUIRED, .where = W_LABEL },
	{ "Path", "Path", &string_shape_2, .offset = offsetof(struct toy_put_toy_in, path), .flags = M_REQUIRED | M_LABEL_REST, .where = W_LABEL },
	{ "Body", "Body", &blob_shape, .where = W_STREAM },
	{ "Kind", "x-toy-kind", &kind_shape, .offset = offsetof(struct toy_put_toy_in, kind), .flags = M_DEFAULT, .where = W_HEADER, .dflt = TOY_KIND_KITE },
	{ "SSEKMSKeyId", "x-toy-kms", &string_shape_2, .offset = offsetof(struct toy_put_toy_in, sse_kms_key_id), .flags = M_SENSITIVE, .where = W_HEADER },
	{ "Tags", "x-toy-meta-", &str_map_shape, .offset = offsetof(struct toy_put_toy_in, tags), .where = W_HEADERS },
	{ "Filter", "filter", &str_map_shape, .offset = offsetof(struct toy_put_toy_in, filter), .where = W_QUERY },
	{ "ClientToken", "token", &string_shape_2, .offset = offsetof(struct toy_put_toy_in, client_token), .flags = M_TOKEN, .where = W_QUERY },
	{ "Names", "name", &names_shape, .offset = offsetof(struct toy_put_toy_in, names), .where = W_QUERY },
};

static const struct member put_toy_out_members[] = {
	{ "ETag", "ETag", &string_shape_2, .offset = offsetof(struct toy_put_toy_out, etag), .where = W_HEADER },
	{ "Status", "Status", &integer_shape, .offset = offsetof(struct toy_put_toy_out, status), .flags = M_OPT, .where = W_STATUS },
};

static const struct member set_owner_in_members[] = {
	{ "NewOwner", "Owner", &owner_shape, .offset = offsetof(struct toy_set_owner_in, new_owner), .flags = M_REQUIRED, .where = W_PAYLOAD },
};

static const struct member owner_members[] = {
	{ "Id", "ID", &string_shape_2, .offset = offsetof(struct toy_owner, id) },
	{ "type", "type", &string_shape_2, .offset = offsetof(struct toy_owner, type), .flags = M_ATTRIBUTE, .xmlns = "xsi=http://www.w3.org/2001/XMLSchema-instance" },
	{ "Born", "Born", &timestamp_shape, .offset = offsetof(struct toy_owner, born), .flags = M_OPT, .time = TF_ISO8601 },
};

static const struct member where_is_it_in_members[] = {
	{ "Box", "Box", &string_shape, .offset = offsetof(struct toy_where_is_it_in, box), .flags = M_REQUIRED, .where = W_LABEL },
};

static const struct member where_is_it_out_members[] = {
	{ "Place", "Place", &string_shape_4, .offset = offsetof(struct toy_where_is_it_out, place), .where = W_PAYLOAD },
};

static const struct member toy_record_members[] = {
	{ "ToyName", "ToyName", &name_shape, .offset = offsetof(struct toy_toy_record, toy_name), .flags = M_REQUIRED, .id = 1 },
	{ "Kind", "Kind", &kind_shape, .offset = offsetof(struct toy_toy_record, kind), .flags = M_REQUIRED, .id = 2 },
	{ "Made", "Made", &timestamp_shape, .offset = offsetof(struct toy_toy_record, made), .flags = M_REQUIRED, .id = 3 },
	{ "Main", "Main", &part_shape, .offset = offsetof(struct toy_toy_record, main), .id = 4 },
	{ "Labels", "Labels", &str_map_shape, .offset = offsetof(struct toy_toy_record, labels), .id = 6 },
	{ "Wheels", "Wheels", &integer_shape_2, .offset = offsetof(struct toy_toy_record, wheels), .flags = M_DEFAULT, .id = 7, .dflt = -1 },
};

static const struct shape get_toy_in_shape = { .name = "GetToyInput", .kind = K_STRUCT, .size = sizeof(struct toy_get_toy_in), .members = get_toy_in_members, .n_members = 2 };
static const struct shape string_shape = { .name = "string", .kind = K_STRING, .size = sizeof(struct str), .flags = SH_MIN | SH_MAX, .min = 3, .max = 63 };
static const struct shape timestamp_shape = { .name = "timestamp", .kind = K_TIME, .size = sizeof(int64_t) };
static const struct shape get_toy_out_shape = { .name = "GetToyOutput", .kind = K_STRUCT, .size = sizeof(struct toy_get_toy_out), .members = get_toy_out_members, .n_members = 2 };
static const struct shape blob_shape = { .name = "blob", .kind = K_BLOB, .size = sizeof(struct str) };
static const struct shape list_toys_in_shape = { .name = "ListToysInput", .kind = K_STRUCT, .size = sizeof(struct toy_list_toys_in) };
static const struct shape list_toys_out_shape = { .name = "ListToysOutput", .kind = K_STRUCT, .size = sizeof(struct toy_list_toys_out), .members = list_toys_out_members, .n_members = 8, .root = "ToyList", .xmlns = "http://toy.example/doc/" };
static const struct shape value_shape = { .name = "Value", .kind = K_UNION, .size = sizeof(struct toy_value), .members = value_members, .n_members = 4 };
static const struct shape value_list_shape = { .name = "list", .kind = K_LIST, .size = sizeof(struct toy_value_list), .flags = SH_MAX, .max = 100, .elem = &value_shape, .elem_name = "member" };
static const struct shape string_shape_2 = { .name = "string", .kind = K_STRING, .size = sizeof(struct str) };
static const struct shape long_shape = { .name = "long", .kind = K_LONG, .size = sizeof(int64_t) };
static const struct shape value_list_shape_2 = { .name = "list", .kind = K_LIST, .size = sizeof(struct toy_value_list), .elem = &value_shape, .elem_name = "member" };
static const struct shape value_map_shape = { .name = "map", .kind = K_MAP, .size = sizeof(struct toy_value_map), .elem = &value_shape, .key = &string_shape_2, .elem_name = "value", .key_name = "key" };
static const struct shape part_shape = { .name = "Part", .kind = K_STRUCT, .size = sizeof(struct toy_part), .members = part_members, .n_members = 4 };
static const struct shape part_list_shape = { .name = "list", .kind = K_LIST, .size = sizeof(struct toy_part_list), .elem = &part_shape, .elem_name = "member" };
static const struct shape name_shape = { .name = "Name", .kind = K_STRING, .size = sizeof(struct str), .flags = SH_MIN | SH_MAX, .min = 1, .max = 64, .pattern = "[a-z\"\\\\?]+" };
static const struct shape double_shape = { .name = "double", .kind = K_DOUBLE, .size = sizeof(double) };
static const struct shape boolean_shape = { .name = "boolean", .kind = K_BOOL, .size = sizeof(bool) };
static const struct shape string_shape_3 = { .name = "string", .kind = K_STRING, .size = sizeof(struct str), .flags = SH_MIN | SH_MAX, .min = 0, .max = 9 };
static const struct shape labels_shape = { .name = "Labels", .kind = K_MAP, .size = sizeof(struct str_map), .flags = SH_MAX, .max = 50, .elem = &string_shape_3, .key = &name_shape, .elem_name = "Text", .key_name = "Label" };
static const struct shape int_list_shape = { .name = "list", .kind = K_LIST, .size = sizeof(struct int_list), .elem = &timestamp_shape, .elem_name = "member" };
static const struct shape bool_list_shape = { .name = "list", .kind = K_LIST, .size = sizeof(struct toy_bool_list), .elem = &boolean_shape, .elem_name = "member" };
static const struct shape shade_shape = { .name = "Shade", .kind = K_ENUM, .size = sizeof(enum toy_shade), .names = shade_names };
static const struct shape shade_list_shape = { .name = "list", .kind = K_LIST, .size = sizeof(struct toy_shade_list), .elem = &shade_shape, .elem_name = "member" };
static const struct shape secret_shape = { .name = "Secret", .kind = K_STRING, .size = sizeof(struct str), .flags = SH_SENSITIVE };
static const struct shape integer_shape = { .name = "integer", .kind = K_INT, .size = sizeof(int64_t) };
static const struct shape int_list_shape_2 = { .name = "list", .kind = K_LIST, .size = sizeof(struct int_list), .elem = &integer_shape, .elem_name = "member" };
static const struct shape int_list_list_shape = { .name = "list", .kind = K_LIST, .size = sizeof(struct toy_int_list_list), .elem = &int_list_shape_2, .elem_name = "member" };
static const struct shape put_toy_in_shape = { .name = "PutToyInput", .kind = K_STRUCT, .size = sizeof(struct toy_put_toy_in), .members = put_toy_in_members, .n_members = 9 };
static const struct shape kind_shape = { .name = "Kind", .kind = K_ENUM, .size = sizeof(enum toy_kind), .names = kind_names };
static const struct shape str_map_shape = { .name = "map", .kind = K_MAP, .size = sizeof(struct str_map), .elem = &string_shape_2, .key = &string_shape_2, .elem_name = "value", .key_name = "key" };
static const struct shape names_shape = { .name = "Names", .kind = K_LIST, .size = sizeof(struct str_list), .flags = SH_MIN | SH_MAX, .min = 1, .max = 5, .elem = &name_shape, .elem_name = "Name" };
static const struct shape put_toy_out_shape = { .name = "PutToyOutput", .kind = K_STRUCT, .size = sizeof(struct toy_put_toy_out), .members = put_toy_out_members, .n_members = 2 };
static const struct shape set_owner_in_shape = { .name = "SetOwnerInput", .kind = K_STRUCT, .size = sizeof(struct toy_set_owner_in), .members = set_owner_in_members, .n_members = 1 };
static const struct shape owner_shape = { .name = "Owner", .kind = K_STRUCT, .size = sizeof(struct toy_owner), .members = owner_members, .n_members = 3, .root = "Owner", .xmlns = "http://toy.example/doc/" };
static const struct shape set_owner_out_shape = { .name = "SetOwnerOutput", .kind = K_STRUCT, .size = sizeof(struct toy_set_owner_out) };
static const struct shape where_is_it_in_shape = { .name = "WhereIsItInput", .kind = K_STRUCT, .size = sizeof(struct toy_where_is_it_in), .members = where_is_it_in_members, .n_members = 1 };
static const struct shape where_is_it_out_shape = { .name = "WhereIsItOutput", .kind = K_STRUCT, .size = sizeof(struct toy_where_is_it_out), .members = where_is_it_out_members, .n_members = 1 };
static const struct shape string_shape_4 = { .name = "string", .kind = K_STRING, .size = sizeof(struct str), .root = "Place", .xmlns = "http://toy.example/doc/" };
const struct shape toy_toy_record_shape = { .name = "ToyRecord", .kind = K_STRUCT, .size = sizeof(struct toy_toy_record), .members = toy_record_members, .n_members = 6 };
static const struct shape integer_shape_2 = { .name = "integer", .kind = K_INT, .size = sizeof(int64_t), .flags = SH_MIN | SH_MAX, .min = -1, .max = 4 };

static const struct fault_kind *const get_toy_faults[] = {
	toy_NoSuchToy,
	NULL
};
static struct status get_toy_call(struct req *rq, const void *in, void *out)
{
	return toy_get_toy(rq, in, out);
}

static struct status list_toys_call(struct req *rq, const void *in, void *out)
{
	return toy_list_toys(rq, in, out);
}

static const struct fault_kind *const put_toy_faults[] = {
	toy_ToyIsBusy,
	toy_ToyShopIsOut,
	NULL
};
static const struct member *const put_toy_path_0[] = { &put_toy_in_members[3], NULL };
static const struct condition put_toy_conditions[] = {
	{ "toy:Kind", put_toy_path_0 },
	{ "toy:Hour", NULL },
	{ "toy:Owner", NULL },
	{ NULL, NULL }
};
static struct status put_toy_call(struct req *rq, const void *in, void *out)
{
	return toy_put_toy(rq, in, out);
}

static const struct member *const set_owner_path_0[] = { &set_owner_in_members[0], &owner_members[0], NULL };
static const struct condition set_owner_conditions[] = {
	{ "toy:OwnerId", set_owner_path_0 },
	{ NULL, NULL }
};
static struct status set_owner_call(struct req *rq, const void *in, void *out)
{
	return toy_set_owner(rq, in, out);
}

static struct status where_is_it_call(struct req *rq, const void *in, void *out)
{
	return toy_where_is_it(rq, in, out);
}

static const struct op ops[] = {
	{ .name = "GetToy", .action = "toy:GetToy", .resource = "toy/{Box}",
	  .event = NULL, .access = ACCESS_READ, .flags = OP_READ_ONLY | OP_ANONYMOUS | OP_STREAM_OUT,
	  .method = "GET", .uri = "/{Box}", .http = 200,
	  .conditions = (const struct condition[]){ { NULL, NULL } }, .faults = get_toy_faults,
	  .in = &get_toy_in_shape, .out = &get_toy_out_shape, .out_wrapper = NULL,
	  .authorize = NULL, .call = get_toy_call },
	{ .name = "ListToys", .action = "toy:ListToys", .resource = "*",
	  .event = NULL, .access = ACCESS_LIST, .flags = OP_READ_ONLY | OP_NO_AUTHZ | OP_SENSITIVE,
	  .method = "GET", .uri = "/", .http = 200,
	  .conditions = (const struct condition[]){ { NULL, NULL } }, .faults = (const struct fault_kind *const[]){ NULL },
	  .in = &list_toys_in_shape, .out = &list_toys_out_shape, .out_wrapper = NULL,
	  .authorize = NULL, .call = list_toys_call },
	{ .name = "PutToy", .action = "toy:Put", .resource = "toy/{Box}/{Path}",
	  .event = "StoreToy", .access = ACCESS_WRITE, .flags = OP_DATA | OP_STREAM_IN | OP_SENSITIVE,
	  .method = "PUT", .uri = "/{Box}/{Path+}?toy", .http = 200,
	  .conditions = put_toy_conditions, .faults = put_toy_faults,
	  .in = &put_toy_in_shape, .out = &put_toy_out_shape, .out_wrapper = NULL,
	  .authorize = toy_authorize_toy, .call = put_toy_call },
	{ .name = "SetOwner", .action = "toy:SetOwner", .resource = "*",
	  .event = NULL, .access = ACCESS_PERMISSIONS, .flags = 0,
	  .method = "PUT", .uri = "/?owner", .http = 204,
	  .conditions = set_owner_conditions, .faults = (const struct fault_kind *const[]){ NULL },
	  .in = &set_owner_in_shape, .out = &set_owner_out_shape, .out_wrapper = NULL,
	  .authorize = NULL, .call = set_owner_call },
	{ .name = "WhereIsIt", .action = "toy:WhereIsIt", .resource = "toy/{Box}",
	  .event = NULL, .access = ACCESS_READ, .flags = OP_READ_ONLY,
	  .method = "GET", .uri = "/{Box}?place", .http = 200,
	  .conditions = (const struct condition[]){ { NULL, NULL } }, .faults = (const struct fault_kind *const[]){ NULL },
	  .in = &where_is_it_in_shape, .out = &where_is_it_out_shape, .out_wrapper = NULL,
	  .authorize = NULL, .call = where_is_it_call },
};

const struct service toy_service = { .name = "toy", .signing = "toys", .endpoint = "toy", .source = "toy.amazonaws.com", .target = NULL, .version = "2020-01-02", .xmlns = "http://toy.example/doc/",
	.protocol = PROTO_REST_XML, .global = true, .ops = ops, .n_ops = 5 };
