/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services for the pipeline's own tests, one for each family of protocols, written as the
 * generator writes them: Shop (JSON), S3's rows as far as routing needs them (REST), STS
 * (query). Beside them an identity provider whose users and policies a test writes down.
 */
#ifndef API_PIPELINE_TESTING_H
#define API_PIPELINE_TESTING_H

#include "api/authz.h"
#include "api/cache.h"
#include "api/faults.h"
#include "api/ids.h"
#include "api/world.h"
#include "base/str.h"

#define FAKE_NOW (INT64_C(1767225600) * 1000) /* 2026-01-01T00:00:00Z */

/* ---- shapes --------------------------------------------------------------------------- */

static const struct shape fk_string = { .name = "String", .kind = K_STRING, .size = sizeof(struct str) };
static const struct shape fk_int = { .name = "Integer", .kind = K_INT, .size = sizeof(int64_t) };
static const struct shape fk_time = { .name = "Time", .kind = K_TIME, .size = sizeof(int64_t) };
static const struct shape fk_name = {
	.name = "Name", .kind = K_STRING, .size = sizeof(struct str), .flags = SH_MIN | SH_MAX, .min = 1, .max = 20
};
static const struct shape fk_list = {
	.name = "List", .kind = K_LIST, .size = sizeof(struct str_list), .elem = &fk_string, .elem_name = "member"
};
static const char *const fk_words[] = { "RED", "GREEN", NULL };
static const struct shape fk_word = { .name = "Word", .kind = K_ENUM, .size = sizeof(int), .names = fk_words };
static const struct shape fk_word_list = {
	.name = "Words", .kind = K_LIST, .size = sizeof(struct str_list), .elem = &fk_word, .elem_name = "member"
};
struct fk_words_list {
	const int *v;
	size_t n;
};

/* ---- Shop --------------------------------------------------------------------------------- */

struct shop_in {
	struct str name;
	struct opt_int count, since;
	struct str_list parts;
	struct fk_words_list words;
	int word;
	struct str role;
};
struct shop_out {
	struct str name, value;
};
static const struct member shop_in_members[] = {
	{ "Name", "Name", &fk_name, offsetof(struct shop_in, name), .flags = M_REQUIRED },
	{ "Count", "Count", &fk_int, offsetof(struct shop_in, count), .flags = M_OPT },
	{ "Since", "Since", &fk_time, offsetof(struct shop_in, since), .flags = M_OPT },
	{ "Parts", "Parts", &fk_list, offsetof(struct shop_in, parts) },
	{ "Words", "Words", &fk_word_list, offsetof(struct shop_in, words) },
	{ "Word", "Word", &fk_word, offsetof(struct shop_in, word) },
	{ "Role", "Role", &fk_string, offsetof(struct shop_in, role) },
};
static const struct member shop_out_members[] = {
	{ "Name", "Name", &fk_string, offsetof(struct shop_out, name) },
	{ "Value", "Value", &fk_string, offsetof(struct shop_out, value) },
};
static const struct shape shop_in_shape = { .name = "In",
					    .kind = K_STRUCT,
					    .size = sizeof(struct shop_in),
					    .members = shop_in_members,
					    .n_members = COUNT(shop_in_members) };
static const struct shape shop_out_shape = { .name = "Out",
					     .kind = K_STRUCT,
					     .size = sizeof(struct shop_out),
					     .members = shop_out_members,
					     .n_members = COUNT(shop_out_members) };

static const struct fault_kind shop_SoldOut[1] = { { "SoldOutException", NULL, 409, false } };
static const struct fault_kind shop_Secret[1] = { { "SecretFault", NULL, 400, false } };
static const struct fault_kind *const shop_faults[] = { shop_SoldOut, NULL };

static const struct member *const shop_path_count[] = { &shop_in_members[1], NULL };
static const struct member *const shop_path_since[] = { &shop_in_members[2], NULL };
static const struct member *const shop_path_parts[] = { &shop_in_members[3], NULL };
static const struct member *const shop_path_words[] = { &shop_in_members[4], NULL };
static const struct member *const shop_path_word[] = { &shop_in_members[5], NULL };
static const struct condition shop_conditions[] = {
	{ "shop:Count", shop_path_count },
	{ "shop:Since", shop_path_since },
	{ "shop:Parts", shop_path_parts },
	{ "shop:Words", shop_path_words },
	{ "shop:Word", shop_path_word },
	{ "shop:Computed", NULL },
	{ NULL, NULL },
};

static inline struct status shop_get(struct req *rq, const void *input, void *output)
{
	const struct shop_in *in = input;
	struct shop_out *out = output;
	struct shard *shard;
	struct txn *t;
	TRY(req_shard_own(rq, &shard));
	TRY(req_read(rq, shard, &t));
	struct status st = txn_get(t, in->name, rq->mem, &out->value);
	if (st.code == E_NOT_FOUND)
		return FAIL(rq, shop_SoldOut, "There is no %.*s.", PR(in->name));
	out->name = in->name;
	return st;
}

/* "broken" fails after it has written, "corrupt" as a store does, "wrong" with a fault that is not declared. */
static inline struct status shop_put(struct req *rq, const void *input, void *output)
{
	const struct shop_in *in = input;
	struct shop_out *out = output;
	struct shard *shard;
	struct txn *t;
	TRY(req_shard_own(rq, &shard));
	TRY(req_write(rq, shard, &t));
	TRY(txn_put(t, in->name, S("yes")));
	if (str_eq(in->name, S("broken")))
		return FAIL(rq, shop_SoldOut, "It broke.");
	if (str_eq(in->name, S("corrupt")))
		return ERR(E_CORRUPT);
	if (str_eq(in->name, S("full")))
		return ERR(E_FULL);
	if (str_eq(in->name, S("wrong")))
		return FAIL(rq, shop_Secret, "Nobody declared this.");
	out->name = in->name;
	return OK;
}

static inline struct status shop_list_two(struct req *rq, const void *input, struct authz *az)
{
	const struct shop_in *in = input;
	if (str_eq(in->name, S("nowhere")))
		return FAIL(rq, shop_SoldOut, "There is no nowhere.");
	authz_key(az, authz_add(az, NULL, req_arn(rq, "item/%.*s", PR(in->name))), "shop:Computed", S("yes"));
	authz_add(az, "shop:Second", req_arn(rq, "item/%.*s", PR(in->name)))->denied = shop_SoldOut;
	return OK;
}

#define SHOP_ROW \
	.http = 200, .conditions = shop_conditions, .faults = shop_faults, .in = &shop_in_shape, .out = &shop_out_shape
/* Run hands Role to the shop. */
static inline struct status shop_run(struct req *rq, const void *input, struct authz *az)
{
	const struct shop_in *in = input;
	authz_add(az, NULL, S("*"));
	return authz_pass_role(az, in->role, "shop.amazonaws.com", req_arn(rq, "item/run"));
}
static inline struct status shop_nothing(struct req *rq, const void *input, void *output)
{
	(void)rq;
	(void)input;
	(void)output;
	return OK;
}
static const struct op shop_ops[] = {
	{ .name = "Free",
	  .action = "shop:Free",
	  .resource = "*",
	  .flags = OP_READ_ONLY | OP_NO_AUTHZ,
	  .call = shop_get,
	  SHOP_ROW },
	{ .name = "Get",
	  .action = "shop:Get",
	  .resource = "item/{Name}",
	  .flags = OP_READ_ONLY,
	  .call = shop_get,
	  SHOP_ROW },
	{ .name = "GetByArn",
	  .action = "shop:Get",
	  .resource = "{Name}",
	  .flags = OP_READ_ONLY,
	  .call = shop_get,
	  SHOP_ROW },
	{ .name = "Put",
	  .action = "shop:Put",
	  .resource = "item/{Name}",
	  .access = ACCESS_WRITE,
	  .call = shop_put,
	  SHOP_ROW },
	{ .name = "Run",
	  .action = "shop:Run",
	  .resource = "*",
	  .access = ACCESS_WRITE,
	  .authorize = shop_run,
	  .call = shop_nothing,
	  SHOP_ROW },
	{ .name = "Two",
	  .action = "shop:First",
	  .resource = "*",
	  .flags = OP_READ_ONLY,
	  .authorize = shop_list_two,
	  .call = shop_get,
	  SHOP_ROW },
	{ .name = "Undo",
	  .action = "shop:Undo",
	  .resource = "*",
	  .flags = OP_NO_AUTHZ,
	  .http = 200,
	  .conditions = shop_conditions,
	  .faults = shop_faults,
	  .in = &op_nothing_shape,
	  .out = &op_nothing_shape,
	  .call = op_unsupported,
	  .unsupported = "what is done is done" },
};
static const struct service shop_service = {
	.name = "shop",
	.signing = "shop",
	.endpoint = "shop",
	.source = "shop.amazonaws.com",
	.target = "ShopService",
	.version = "2026-01-01",
	.protocol = PROTO_JSON_1_1,
	.ops = shop_ops,
	.n_ops = COUNT(shop_ops),
};

/* ---- STS ------------------------------------------------------------------------------------ */

static inline struct status sts_who(struct req *rq, const void *in, void *output)
{
	(void)in;
	((struct shop_out *)output)->name = rq->caller.arn;
	return OK;
}
static const struct shape nothing_shape = { .name = "Nothing", .kind = K_STRUCT, .size = 1 };
static const struct condition no_conditions[1];
static const struct fault_kind *const no_faults[1];
static const struct op sts_ops[] = {
	{ .name = "Leave",
	  .action = "sts:Leave",
	  .resource = "*",
	  .flags = OP_NO_AUTHZ,
	  .http = 200,
	  .conditions = no_conditions,
	  .faults = no_faults,
	  .in = &op_nothing_shape,
	  .out = &op_nothing_shape,
	  .call = op_unsupported,
	  .unsupported = "nobody leaves" },
	{ .name = "Who",
	  .action = "sts:Who",
	  .resource = "*",
	  .flags = OP_READ_ONLY | OP_NO_AUTHZ,
	  .http = 200,
	  .conditions = no_conditions,
	  .faults = no_faults,
	  .in = &nothing_shape,
	  .out = &shop_out_shape,
	  .out_wrapper = "WhoResult",
	  .call = sts_who },
};
static const struct service sts_fake = {
	.name = "sts",
	.signing = "sts",
	.endpoint = "sts",
	.source = "sts.amazonaws.com",
	.version = "2011-06-15",
	.xmlns = "https://sts.amazonaws.com/doc/2011-06-15/",
	.protocol = PROTO_QUERY,
	.ops = sts_ops,
	.n_ops = COUNT(sts_ops),
};

/* ---- S3 --------------------------------------------------------------------------------------- */

struct store_in {
	struct str bucket, key, source, upload, version;
	struct opt_int part, max;
	struct str document;
};
#define LABEL_BUCKET                                                                                    \
	{                                                                                               \
		"Bucket", "Bucket", &fk_string, offsetof(struct store_in, bucket), .flags = M_REQUIRED, \
										   .where = W_LABEL     \
	}
#define LABEL_KEY                                                                                             \
	{                                                                                                     \
		"Key", "Key", &fk_string, offsetof(struct store_in, key), .flags = M_REQUIRED | M_LABEL_REST, \
									  .where = W_LABEL                    \
	}
#define QUERY_VERSION                                                                                      \
	{                                                                                                  \
		"VersionId", "versionId", &fk_string, offsetof(struct store_in, version), .where = W_QUERY \
	}
static const struct member m_bucket[] = { LABEL_BUCKET,
					  { "MaxKeys", "max-keys", &fk_int, offsetof(struct store_in, max),
					    .flags = M_OPT, .where = W_QUERY } };
static const struct member m_object[] = { LABEL_BUCKET, LABEL_KEY, QUERY_VERSION };
static const struct member m_put[] = { LABEL_BUCKET, LABEL_KEY };
static const struct member m_copy[] = { LABEL_BUCKET,
					LABEL_KEY,
					{ "CopySource", "x-amz-copy-source", &fk_string,
					  offsetof(struct store_in, source), .flags = M_REQUIRED, .where = W_HEADER } };
static const struct member m_part[] = { LABEL_BUCKET,
					LABEL_KEY,
					{ "PartNumber", "partNumber", &fk_int, offsetof(struct store_in, part),
					  .flags = M_OPT | M_REQUIRED, .where = W_QUERY },
					{ "UploadId", "uploadId", &fk_string, offsetof(struct store_in, upload),
					  .flags = M_REQUIRED, .where = W_QUERY } };
static const struct member m_policy[] = { LABEL_BUCKET,
					  { "Policy", "Policy", &fk_string, offsetof(struct store_in, document),
					    .flags = M_REQUIRED, .where = W_PAYLOAD } };
#define STORE_SHAPE(members_)                                                                         \
	{                                                                                             \
		.name = "In", .kind = K_STRUCT, .size = sizeof(struct store_in), .members = members_, \
		.n_members = COUNT(members_)                                                          \
	}
static const struct shape s_bucket = STORE_SHAPE(m_bucket), s_object = STORE_SHAPE(m_object),
			  s_put = STORE_SHAPE(m_put);
static const struct shape s_copy = STORE_SHAPE(m_copy), s_part = STORE_SHAPE(m_part), s_policy = STORE_SHAPE(m_policy);

static inline struct status store_nothing(struct req *rq, const void *in, void *out)
{
	(void)in;
	(void)out;
	req_header(rq, "x-fake", S("here"));
	if (str_eq(rq->http->method, S("HEAD")))
		rq->head_length = 1000;
	return OK;
}
static inline struct status store_absent(struct req *rq, const void *in, void *out)
{
	(void)out;
	(void)FAIL(rq, shop_SoldOut, "No <such> thing.");
	return req_fail_with(rq, "Key", ((const struct store_in *)in)->key);
}

#define STORE_ROW(name_, method_, uri_, shape_, call_)                                                        \
	{                                                                                                     \
		.name = name_, .action = "s3:" name_, .resource = "arn:aws:s3:::{Bucket}",                    \
		.flags = OP_READ_ONLY | OP_NO_AUTHZ | OP_ANONYMOUS, .http = 200, .conditions = no_conditions, \
		.faults = shop_faults, .in = shape_, .out = &nothing_shape, .method = method_, .uri = uri_,   \
		.call = call_                                                                                 \
	}
static const struct op store_ops[] = {
	STORE_ROW("CopyObject", "PUT", "/{Bucket}/{Key+}?x-id=CopyObject", &s_copy, store_nothing),
	STORE_ROW("CreateMultipartUpload", "POST", "/{Bucket}/{Key+}?uploads", &s_put, store_nothing),
	STORE_ROW("DeleteObjects", "POST", "/{Bucket}?delete", &s_bucket, store_nothing),
	STORE_ROW("GetBucketLocation", "GET", "/{Bucket}?location", &s_bucket, store_nothing),
	STORE_ROW("GetObject", "GET", "/{Bucket}/{Key+}?x-id=GetObject", &s_object, store_absent),
	STORE_ROW("HeadObject", "HEAD", "/{Bucket}/{Key+}", &s_object, store_nothing),
	STORE_ROW("ListBuckets", "GET", "/", &nothing_shape, store_nothing),
	STORE_ROW("ListObjects", "GET", "/{Bucket}", &s_bucket, store_nothing),
	STORE_ROW("ListObjectsV2", "GET", "/{Bucket}?list-type=2", &s_bucket, store_nothing),
	STORE_ROW("PutBucketPolicy", "PUT", "/{Bucket}?policy", &s_policy, store_nothing),
	STORE_ROW("PutObject", "PUT", "/{Bucket}/{Key+}?x-id=PutObject", &s_put, store_nothing),
	STORE_ROW("UploadPart", "PUT", "/{Bucket}/{Key+}?x-id=UploadPart", &s_part, store_nothing),
};
static const struct service store_service = {
	.name = "s3",
	.signing = "s3",
	.endpoint = "s3",
	.source = "s3.amazonaws.com",
	.version = "2006-03-01",
	.xmlns = "http://s3.amazonaws.com/doc/2006-03-01/",
	.protocol = PROTO_REST_XML,
	.ops = store_ops,
	.n_ops = COUNT(store_ops),
};
static const struct service *const pipeline_services[] = { &shop_service, &sts_fake, &store_service, &world_trail,
							   NULL };

/* ---- identities ------------------------------------------------------------------------------------ */

/*
 * One user, Alice, in WORLD_ACCOUNT; any access key of that account is hers, and the policy in force
 * is what her session policy says. What WORLD_OTHER holds of identities is damaged.
 */
static inline struct status fake_access_key(struct req *rq, struct str account, struct str id, struct caller *who,
					    struct str *secret)
{
	if (str_eq(account, WORLD_OTHER))
		return ERR(E_CORRUPT);
	if (!str_starts(id, S("AKIA")))
		return ERR(E_NOT_FOUND);
	*who = (struct caller){ .kind = CALLER_USER,
				.account = account,
				.access_key_id = id,
				.name = S("alice"),
				.principal_id = S("AIDAALICE"),
				.arn = arena_printf(rq->mem, "arn:aws:iam::%.*s:user/alice", PR(account)) };
	*secret = S("alice's secret");
	return OK;
}

static inline struct status fake_policies(struct req *rq, struct caller *who, struct caller_policies *out)
{
	if (str_eq(who->name, S("gone")))
		return ERR(E_NOT_FOUND);
	if (str_eq(who->name, S("damaged")))
		return ERR(E_CORRUPT);
	const struct policy **all = NEWS(rq->mem, const struct policy *, 1);
	if (!who->session_policy.p)
		return OK;
	TRY(cached_policy(rq, POLICY_IDENTITY, who->session_policy, &all[0]));
	out->identity = (struct policy_set){ all, 1 };
	return OK;
}
static inline struct status fake_managed(struct req *rq, struct str arn, const struct policy **out)
{
	(void)rq;
	(void)arn;
	(void)out;
	return ERR(E_NOT_FOUND);
}
static inline struct status fake_role(struct req *rq, struct str account, struct str name, struct identity_role *out)
{
	(void)rq;
	(void)account;
	(void)name;
	(void)out;
	return ERR(E_NOT_FOUND);
}
static inline struct status fake_principal(struct req *rq, struct str account, struct str resource, struct str *id)
{
	(void)rq;
	(void)account;
	(void)resource;
	(void)id;
	return ERR(E_NOT_FOUND);
}
static inline void fake_key_used(struct req *rq, const struct caller *who)
{
	(void)rq;
	(void)who;
}
static const struct identity_provider pipeline_identity = { fake_access_key, fake_policies,  fake_managed,
							    fake_role,       fake_principal, fake_key_used };

static inline struct test_world *pipeline_world(void)
{
	return world_begin(
	    &(struct world_parts){ .services = pipeline_services, .identity = &pipeline_identity, .now_ms = FAKE_NOW });
}

#endif
