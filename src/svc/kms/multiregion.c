/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is peculiar to multi-Region keys where they are made, refused and shown.
 */
#include "svc/kms/multiregion.h"

#include "api/accounts.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/pack.h"

struct str kms_multi_region_id(struct req *rq)
{
	char raw[16];
	world_random(rq->app->world, raw, sizeof raw);
	return arena_printf(rq->mem, "mrk-%.*s", PR(hex_encode(rq->mem, str_make(raw, sizeof raw))));
}

struct str kms_partition_of(struct str region)
{
	static const struct {
		const char *starts, *partition;
	} known[] = {
		{ "cn-", "aws-cn" },         { "us-gov-", "aws-us-gov" }, { "us-iso-", "aws-iso" },
		{ "us-isob-", "aws-iso-b" }, { "us-isof-", "aws-iso-f" }, { "eu-isoe-", "aws-iso-e" },
		{ "eusc-", "aws-eusc" },
	};
	for (size_t i = 0; i < COUNT(known); i++)
		if (str_starts(region, str_of(known[i].starts)))
			return str_of(known[i].partition);
	return S("aws");
}

/* ---- refusing ------------------------------------------------------------------ */

static struct status no_primary(struct req *rq, struct str arn)
{
	return FAIL(rq, kms_UnsupportedOperationException, "%.*s is not a multi-Region primary key.", PR(arn));
}

struct status kms_not_replica(struct req *rq, struct str arn, const struct kms_key_row *row)
{
	return kms_is_replica(row) ? no_primary(rq, arn) : OK;
}

struct status kms_only_primary(struct req *rq, struct str arn, const struct kms_key_row *row)
{
	return kms_is_primary(row) ? OK : no_primary(rq, arn);
}

struct status kms_not_updating(struct req *rq, struct str arn, const struct kms_key_row *row)
{
	if (row->updating)
		return FAIL(rq, kms_KMSInvalidStateException, "%.*s is updating.", PR(arn));
	return OK;
}

/* ---- showing --------------------------------------------------------------------- */

static struct kms_multi_region_key place(struct req *rq, struct str account, struct str id, struct str region)
{
	return (struct kms_multi_region_key){ kms_arn_in(rq, region, account, "key/", id), str_dup(rq->mem, region) };
}

void kms_multi_region_describe(struct req *rq, struct str account, struct str id, const struct kms_key_row *row,
			       struct kms_key_metadata *m)
{
	m->multi_region = (struct opt_bool)SET(row->multi_region != 0);
	if (!row->multi_region)
		return;
	struct kms_multi_region_configuration *c = NEW(rq->mem, struct kms_multi_region_configuration);
	struct kms_multi_region_key *primary = NEW(rq->mem, struct kms_multi_region_key);
	struct kms_multi_region_key *v = NEWS(rq->mem, struct kms_multi_region_key, row->replicas.n + 1);
	*primary = place(rq, account, id, row->primary_region);
	for (size_t i = 0; i < row->replicas.n; i++)
		v[i] = place(rq, account, id, row->replicas.v[i].region);
	c->multi_region_key_type = row->multi_region;
	c->primary_key = primary;
	c->replica_keys = (struct kms_multi_region_key_list){ v, row->replicas.n };
	m->multi_region_configuration = c;
}

static struct status lacks(struct req *in, struct str id, uint32_t generation, bool *lack)
{
	struct kms_backing_row row = { 0 };
	struct shard *shard;
	struct str bytes;
	struct txn *t;
	TRY(kms_shard(in, in->account, &shard));
	TRY(req_read(in, shard, &t));
	struct status st = txn_get(t, kms_backing_key(in->mem, id, generation), in->mem, &bytes);
	if (!failed(st))
		st = unpack(in->mem, &kms_backing_row_shape, bytes, &row);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	*lack |= !row.wrapped.n;
	return OK;
}

struct status kms_replicas_lack(struct req *rq, const struct kms_key *key, uint32_t generation, bool *lack)
{
	*lack = false;
	if (!kms_is_primary(&key->row))
		return OK;
	for (size_t i = 0; i < key->row.replicas.n && !*lack; i++) {
		struct req *in = kms_enter(rq, key->account, key->row.replicas.v[i].region);
		struct status st = lacks(in, key->id, generation, lack);
		kms_leave(in);
		TRY(st);
	}
	return OK;
}

/* ---- other regions ----------------------------------------------------------------- */

struct req *kms_enter(struct req *rq, struct str account, struct str region)
{
	struct req *in = NEW(rq->mem, struct req);
	assert(!rq->write);
	*in = (struct req){
		.app = rq->app,
		.mem = rq->mem,
		.parent = rq,
		.id = rq->id,
		.now_ms = rq->now_ms,
		.svc = &kms_service,
		.op = rq->op,
		.region = region,
		.account = account,
		.host = rq->host,
		.source_ip = rq->source_ip,
		.user_agent = rq->user_agent,
		.secure = rq->secure,
		.caller = rq->caller,
		.policies = rq->policies,
		.in = rq->in,
		.found = rq->found,
	};
	return in;
}

void kms_leave(struct req *in)
{
	req_unpin_into_parent(in);
	if (in->fault.kind)
		in->parent->fault = in->fault;
}
