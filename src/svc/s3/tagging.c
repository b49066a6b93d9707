/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tags of buckets and objects. Changing an object's tags leaves the object as it was:
 * same ETag, same Last-Modified.
 */
#include "base/str.h"
#include "svc/s3/object.h"
#include "svc/s3/tags.h"

/* ---- buckets ----------------------------------------------------------------------------- */

struct status s3_get_bucket_tagging(struct req *rq, const struct s3_get_bucket_tagging_in *in,
				    struct s3_get_bucket_tagging_out *out)
{
	const struct s3_bucket_info *b = s3_place_of(rq)->bucket;
	(void)in;
	if (!b->row.tag_set.n)
		return s3_fail_bucket(rq, s3_NoSuchTagSet, b->name, "The TagSet does not exist");
	out->tag_set = b->row.tag_set;
	return OK;
}

static struct status set_bucket_tags(struct req *rq, struct s3_tag_list tags)
{
	struct s3_bucket_row row;
	struct txn *t;
	TRY(s3_bucket_change(rq, &t, &row));
	row.tag_set = tags;
	return s3_bucket_save(rq, t, s3_place_of(rq)->bucket->name, &row);
}

struct status s3_put_bucket_tagging(struct req *rq, const struct s3_put_bucket_tagging_in *in,
				    struct s3_put_bucket_tagging_out *out)
{
	(void)out;
	TRY(s3_tags_check(rq, &in->tagging->tag_set, S3_BUCKET_TAGS_MAX));
	return set_bucket_tags(rq, in->tagging->tag_set);
}

struct status s3_delete_bucket_tagging(struct req *rq, const struct s3_delete_bucket_tagging_in *in,
				       struct s3_delete_bucket_tagging_out *out)
{
	(void)in;
	(void)out;
	return set_bucket_tags(rq, (struct s3_tag_list){ 0 });
}

/* ---- objects ------------------------------------------------------------------------------- */

struct status s3_get_object_tagging(struct req *rq, const struct s3_get_object_tagging_in *in,
				    struct s3_get_object_tagging_out *out)
{
	struct s3_place *p = s3_place_of(rq);
	static const struct s3_tag nothing[1];
	TRY(s3_check_version(rq, in->version_id));
	TRY(s3_object_look(rq, p));
	if (!p->row)
		return s3_object_missing(rq, p);
	out->tag_set = p->row->tag_set.n ? p->row->tag_set : (struct s3_tag_list){ nothing, 0 };
	return OK;
}

static struct status set_object_tags(struct req *rq, struct str version, struct s3_tag_list tags)
{
	struct s3_object_row row;
	struct txn *t;
	TRY(s3_check_version(rq, version));
	TRY(s3_object_edit(rq, &t, &row));
	row.tag_set = tags;
	return s3_object_put(rq, t, s3_place_of(rq)->key, &row);
}

struct status s3_put_object_tagging(struct req *rq, const struct s3_put_object_tagging_in *in,
				    struct s3_put_object_tagging_out *out)
{
	(void)out;
	TRY(s3_tags_check(rq, &in->tagging->tag_set, S3_OBJECT_TAGS_MAX));
	return set_object_tags(rq, in->version_id, in->tagging->tag_set);
}

struct status s3_delete_object_tagging(struct req *rq, const struct s3_delete_object_tagging_in *in,
				       struct s3_delete_object_tagging_out *out)
{
	(void)out;
	return set_object_tags(rq, in->version_id, (struct s3_tag_list){ 0 });
}
