/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be allowed before an S3 operation runs, and the condition keys S3 supplies
 * ("Service Authorization Reference: Amazon S3").
 *
 * A bucket's policy is the resource policy of the bucket and of all its objects. Two
 * things bend it: with RestrictPublicBuckets a public policy counts for nobody outside the
 * owner's account ("Blocking public access"), and the owner's root user can always read,
 * replace and delete it, so that nobody is locked out for good.
 */
#include "svc/s3/authorize.h"

#include "api/sigv4.h"
#include "base/str.h"
#include "svc/s3/copy_source.h"
#include "svc/s3/object.h"
#include "svc/s3/tags.h"

/* ---- condition keys --------------------------------------------------------------------- */

static struct str auth_type(const struct req *rq)
{
	if (!rq->auth)
		return (struct str){ 0 };
	return rq->auth->form == SIGV4_PRESIGNED ? S("REST-QUERY-STRING") : S("REST-HEADER");
}

static struct str tls_version(const struct req *rq)
{
	struct str v = rq->http ? rq->http->tls_version : (struct str){ 0 };
	return str_starts(v, S("TLSv")) ? str_from(v, 4) : (struct str){ 0 };
}

/* The keys every S3 request has, whatever it asks for. */
static void common_keys(struct authz *az, struct authz_item *item)
{
	struct req *rq = az->rq;
	if (rq->auth) {
		authz_key(az, item, "s3:authType", auth_type(rq));
		authz_key(az, item, "s3:signatureversion", S("AWS4-HMAC-SHA256"));
		authz_key_int(az, item, "s3:signatureAge", rq->now_ms - rq->auth->time_ms);
	}
	authz_key(az, item, "s3:x-amz-content-sha256", req_in_header(rq, "x-amz-content-sha256"));
	authz_key(az, item, "s3:TlsVersion", tls_version(rq));
	authz_key(az, item, "s3:ResourceAccount", item->resource_account.p ? item->resource_account : rq->account);
}

void s3_authz_existing_tags(struct authz *az, struct authz_item *item, const struct s3_object_row *row)
{
	for (size_t i = 0; row && i < row->tag_set.n; i++) {
		struct str name = arena_printf(az->rq->mem, "s3:ExistingObjectTag/%.*s", PR(row->tag_set.v[i].key));
		authz_key(az, item, str_z(az->rq->mem, name), row->tag_set.v[i].value);
	}
}

static void request_tags(struct authz *az, struct authz_item *item, const struct s3_tag_list *tags)
{
	struct str *keys = NEWS(az->rq->mem, struct str, tags->n + 1);
	for (size_t i = 0; i < tags->n; i++) {
		keys[i] = tags->v[i].key;
		struct str name = arena_printf(az->rq->mem, "s3:RequestObjectTag/%.*s", PR(keys[i]));
		authz_key(az, item, str_z(az->rq->mem, name), tags->v[i].value);
	}
	if (tags->n)
		authz_key_list(az, item, "s3:RequestObjectTagKeys", keys, tags->n);
}

/* ---- items -------------------------------------------------------------------------------- */

static bool public_policy_counts(const struct req *rq, const struct s3_bucket_info *b)
{
	if (!b->policy_public || !b->row.restrict_public_buckets || rq->caller.kind == CALLER_SERVICE)
		return true;
	return rq->caller.kind != CALLER_ANONYMOUS && str_eq(rq->caller.account, b->row.owner);
}

const struct policy *s3_policy_for(struct req *rq, const struct s3_bucket_info *b)
{
	return public_policy_counts(rq, b) ? b->policy : NULL;
}

struct authz_item *s3_authz_item(struct authz *az, const struct s3_bucket_info *b, const char *action,
				 struct str resource)
{
	struct authz_item *item = authz_add(az, action, resource);
	item->resource_account = b->row.owner;
	item->resource_policy = s3_policy_for(az->rq, b);
	common_keys(az, item);
	return item;
}

static bool is_policy_op(const struct op *op)
{
	return !strcmp(op->name, "PutBucketPolicy") || !strcmp(op->name, "GetBucketPolicy") ||
	       !strcmp(op->name, "DeleteBucketPolicy");
}

struct status s3_authorize_bucket(struct req *rq, const void *in, struct authz *az)
{
	struct s3_place *p;
	TRY(s3_enter(rq, in, &p));
	struct authz_item *item = s3_authz_item(az, p->bucket, NULL, s3_bucket_arn(rq, p->bucket->name));
	if (is_policy_op(rq->op) && rq->caller.kind == CALLER_ROOT && str_eq(rq->caller.account, p->bucket->row.owner))
		item->resource_policy = NULL;
	return OK;
}

struct status s3_authorize_create_bucket(struct req *rq, const void *arg, struct authz *az)
{
	const struct s3_create_bucket_in *in = arg;
	struct str arn = s3_bucket_arn(rq, in->bucket), *arns = NEW(rq->mem, struct str);
	*arns = arn;
	rq->resources = (struct str_list){ arns, 1 };
	common_keys(az, authz_add(az, NULL, arn));
	if (in->object_ownership)
		common_keys(az, authz_add(az, "s3:PutBucketOwnershipControls", arn));
	if (in->create_bucket_configuration && in->create_bucket_configuration->tags.n) {
		const struct s3_tag_list *tags = &in->create_bucket_configuration->tags;
		struct authz_item *item = authz_add(az, "s3:TagResource", arn);
		struct str_entry *v = NEWS(rq->mem, struct str_entry, tags->n);
		for (size_t i = 0; i < tags->n; i++)
			v[i] = (struct str_entry){ tags->v[i].key, tags->v[i].value };
		authz_request_tags(az, item, (struct str_map){ v, tags->n });
		common_keys(az, item);
	}
	return OK;
}

static struct status tagging_items(struct req *rq, const void *in, struct authz *az, struct s3_place *p,
				   struct authz_item *put)
{
	struct s3_tag_list tags;
	if (!strcmp(rq->op->name, "PutObjectTagging")) {
		const struct s3_put_object_tagging_in *tagging = in;
		request_tags(az, put, &tagging->tagging->tag_set);
		return OK;
	}
	struct str header = s3_member(rq, in, "Tagging");
	if (!header.p)
		return OK;
	TRY(s3_tags_of_header(rq, header, &tags));
	request_tags(az, put, &tags);
	if (tags.n)
		request_tags(az, s3_authz_item(az, p->bucket, "s3:PutObjectTagging", put->resource), &tags);
	return OK;
}

struct status s3_authorize_object(struct req *rq, const void *in, struct authz *az)
{
	struct s3_place *p;
	TRY(s3_enter(rq, in, &p));
	struct str version = s3_member(rq, in, "VersionId");
	struct authz_item *item =
	    s3_authz_item(az, p->bucket, version.p ? rq->op->version_action : NULL, rq->resources.v[0]);
	authz_key(az, item, "s3:VersionId", version);
	if (op_has_condition(rq->op, "s3:ExistingObjectTag/<key>")) { /* else there is no need to read the object */
		TRY(s3_object_look(rq, p));
		s3_authz_existing_tags(az, item, p->row);
	}
	return tagging_items(rq, in, az, p, item);
}

/* GetObjectAttributes wants to read the object as well as its attributes. */
struct status s3_authorize_object_attributes(struct req *rq, const void *in, struct authz *az)
{
	TRY(s3_authorize_object(rq, in, az));
	struct s3_place *p = s3_place_of(rq);
	struct str version = s3_member(rq, in, "VersionId");
	struct authz_item *item =
	    s3_authz_item(az, p->bucket, version.p ? "s3:GetObjectVersion" : "s3:GetObject", rq->resources.v[0]);
	s3_authz_existing_tags(az, item, p->row);
	return OK;
}

/* ---- copies ------------------------------------------------------------------------------------ */

static bool copies_tags(struct req *rq, const void *in)
{
	if (strcmp(rq->op->name, "CopyObject") != 0)
		return false;
	return ((const struct s3_copy_object_in *)in)->tagging_directive != S3_TAGGING_DIRECTIVE_REPLACE;
}

static struct status enter_source(struct req *rq, const void *in, struct s3_place **out)
{
	struct s3_copy_source from;
	struct s3_place *s = NEW(rq->mem, struct s3_place);
	TRY(s3_copy_source_parse(rq, s3_member(rq, in, "CopySource"), &from));
	s->key = from.key;
	TRY(s3_bucket_find(rq, from.bucket, &s->bucket));
	TRY(s3_expect_owner(rq, s->bucket, s3_member(rq, in, "ExpectedSourceBucketOwner")));
	TRY(s3_object_look(rq, s));
	*out = s;
	return OK;
}

/* Write here, read there; and the tags of both when there are any. */
struct status s3_authorize_copy(struct req *rq, const void *in, struct authz *az)
{
	struct s3_place *p, *s;
	TRY(s3_enter(rq, in, &p));
	TRY(enter_source(rq, in, &s));
	p->source = s;
	struct str source = s3_object_arn(rq, s->bucket->name, s->key);
	struct authz_item *put = s3_authz_item(az, p->bucket, NULL, rq->resources.v[0]);
	s3_authz_existing_tags(az, s3_authz_item(az, s->bucket, "s3:GetObject", source), s->row);
	if (copies_tags(rq, in) && s->row && s->row->tag_set.n) {
		s3_authz_existing_tags(az, s3_authz_item(az, s->bucket, "s3:GetObjectTagging", source), s->row);
		s3_authz_item(az, p->bucket, "s3:PutObjectTagging", rq->resources.v[0]);
		return OK;
	}
	return tagging_items(rq, in, az, p, put);
}
