/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service for the pipeline's own tests: Vault keeps secrets by name. Put changes, Get reads,
 * Fetch is a data event.
 */
#ifndef API_FAKE_SERVICE_H
#define API_FAKE_SERVICE_H

#include "api/world.h"

struct vault_in {
	struct str name, secret, bulk;
	struct opt_int count;
};
struct vault_out {
	struct str name, secret;
};

static const struct shape vault_string = { .name = "String", .kind = K_STRING, .size = sizeof(struct str) };
static const struct shape vault_blob = { .name = "Blob", .kind = K_BLOB, .size = sizeof(struct str) };
static const struct shape vault_int = { .name = "Integer", .kind = K_INT, .size = sizeof(int64_t) };
static const struct member vault_in_members[] = {
	{ "Name", "Name", &vault_string, offsetof(struct vault_in, name) },
	{ "Secret", "Secret", &vault_string, offsetof(struct vault_in, secret), .flags = M_SENSITIVE },
	{ "Bulk", "Bulk", &vault_blob, offsetof(struct vault_in, bulk), .flags = M_UNRECORDED },
	{ "Count", "Count", &vault_int, offsetof(struct vault_in, count), .flags = M_OPT },
};
static const struct member vault_out_members[] = {
	{ "Name", "Name", &vault_string, offsetof(struct vault_out, name) },
	{ "Secret", "Secret", &vault_string, offsetof(struct vault_out, secret), .flags = M_SENSITIVE },
};
static const struct shape vault_in_shape = {
	.name = "In",
	.kind = K_STRUCT,
	.size = sizeof(struct vault_in),
	.members = vault_in_members,
	.n_members = 4,
};
static const struct shape vault_out_shape = {
	.name = "Out",
	.kind = K_STRUCT,
	.size = sizeof(struct vault_out),
	.members = vault_out_members,
	.n_members = 2,
};
static const struct fault_kind vault_Sealed[1] = { { "SealedException", NULL, 400, false } };
static const struct fault_kind *const vault_faults[] = { vault_Sealed, NULL };
static const struct condition vault_conditions[1];

static inline struct status vault_get(struct req *rq, const void *in, void *out)
{
	const struct vault_in *want = in;
	struct vault_out *got = out;
	if (str_eq(want->name, S("sealed")))
		return FAIL(rq, vault_Sealed, "%.*s is sealed.", PR(want->name));
	got->name = want->name;
	got->secret = S("top secret");
	return OK;
}

static inline struct status vault_put(struct req *rq, const void *in, void *out)
{
	const struct vault_in *what = in;
	struct shard *shard;
	struct txn *t;
	TRY(req_shard_own(rq, &shard));
	TRY(req_write(rq, shard, &t));
	TRY(txn_put(t, what->name, S("x")));
	return vault_get(rq, in, out);
}

static const struct op vault_ops[] = {
	{ .name = "Fetch",
	  .action = "vault:Fetch",
	  .resource = "*",
	  .flags = OP_READ_ONLY | OP_DATA | OP_NO_AUTHZ,
	  .http = 200,
	  .conditions = vault_conditions,
	  .faults = vault_faults,
	  .in = &vault_in_shape,
	  .out = &vault_out_shape,
	  .call = vault_get },
	{ .name = "Get",
	  .action = "vault:Get",
	  .resource = "secret/{Name}",
	  .flags = OP_READ_ONLY | OP_NO_AUTHZ,
	  .http = 200,
	  .conditions = vault_conditions,
	  .faults = vault_faults,
	  .in = &vault_in_shape,
	  .out = &vault_out_shape,
	  .call = vault_get },
	{ .name = "Put",
	  .action = "vault:Put",
	  .resource = "secret/{Name}",
	  .access = ACCESS_WRITE,
	  .flags = OP_NO_AUTHZ,
	  .http = 200,
	  .conditions = vault_conditions,
	  .faults = vault_faults,
	  .in = &vault_in_shape,
	  .out = &vault_out_shape,
	  .call = vault_put },
};
static const struct service vault_service = {
	.name = "vault",
	.signing = "vault",
	.endpoint = "vault",
	.source = "vault.amazonaws.com",
	.target = "Vault",
	.version = "2026-01-01",
	.protocol = PROTO_JSON_1_1,
	.ops = vault_ops,
	.n_ops = 3,
};
static const struct service *const fake_services[] = { &vault_service, &world_trail, NULL };

#endif
