/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListObjectsV2, ListObjects and ListObjectVersions: the same walk, three ways of saying where to go on.
 */
#include "base/str.h"
#include "svc/s3/listing.h"
#include "svc/s3/settings.h"
#include "wire/pack.h"

struct page {
	struct s3_object *objects;
	struct s3_common_prefix *prefixes;
	size_t n_objects, n_prefixes;
	struct str last; /* key or common prefix, to go on behind */
	bool truncated;
};

/* Classes have the same words in both enums, at other places. */
static enum s3_object_storage_class class_of(enum s3_storage_class c)
{
	switch (c) {
	case S3_STORAGE_CLASS_REDUCED_REDUNDANCY:
		return S3_OBJECT_STORAGE_CLASS_REDUCED_REDUNDANCY;
	case S3_STORAGE_CLASS_STANDARD_IA:
		return S3_OBJECT_STORAGE_CLASS_STANDARD_IA;
	case S3_STORAGE_CLASS_ONEZONE_IA:
		return S3_OBJECT_STORAGE_CLASS_ONEZONE_IA;
	case S3_STORAGE_CLASS_INTELLIGENT_TIERING:
		return S3_OBJECT_STORAGE_CLASS_INTELLIGENT_TIERING;
	default:
		return S3_OBJECT_STORAGE_CLASS_STANDARD;
	}
}

static struct status object_of(struct req *rq, const struct s3_walk *w, enum s3_encoding_type e, struct s3_object *out)
{
	struct s3_object_row *row = NEW(rq->mem, struct s3_object_row);
	TRY(unpack(rq->mem, &s3_object_row_shape, str_dup(rq->mem, w->val), row));
	*out = (struct s3_object){
		.key = s3_key_shown(rq, e, w->key),
		.last_modified = s3_seconds(row->modified_at),
		.etag = s3_quoted(rq, row->etag),
		.size = SET(row->size),
		.storage_class = class_of(row->storage_class),
		.checksum_type = row->checksum_type,
	};
	if (row->checksum_algorithm)
		out->checksum_algorithm = (struct s3_checksum_algorithm_list){ &row->checksum_algorithm, 1 };
	return OK;
}

static struct status read_page(struct req *rq, struct s3_walk *w, enum s3_encoding_type e, struct page *page)
{
	struct shard *index;
	struct txn *t;
	TRY(s3_index(rq, s3_place_of(rq), &index));
	TRY(req_read(rq, index, &t));
	page->objects = NEWS(rq->mem, struct s3_object, w->max + 1);
	page->prefixes = NEWS(rq->mem, struct s3_common_prefix, w->max + 1);
	TRY(s3_walk_begin(rq, t, w));
	while (s3_walk_next(w)) {
		page->last = w->common.p ? w->common : w->key;
		if (w->common.p)
			page->prefixes[page->n_prefixes++].prefix = s3_key_shown(rq, e, w->common);
		else
			TRY(object_of(rq, w, e, &page->objects[page->n_objects++]));
	}
	page->truncated = w->truncated;
	return s3_walk_end(w);
}

static void add_owner(struct req *rq, struct page *page)
{
	struct s3_owner *owner = NEW(rq->mem, struct s3_owner);
	owner->id = s3_canonical_id(rq, s3_place_of(rq)->bucket->row.owner);
	for (size_t i = 0; i < page->n_objects; i++)
		page->objects[i].owner = owner;
}

struct status s3_list_objects_v2(struct req *rq, const struct s3_list_objects_v2_in *in,
				 struct s3_list_objects_v2_out *out)
{
	struct s3_walk w = { .tag = 'o', .prefix = in->prefix, .delimiter = in->delimiter, .after = in->start_after };
	struct page page = { 0 };
	enum s3_encoding_type e = in->encoding_type;
	TRY(s3_page_size(rq, in->max_keys, "max-keys", &w.max));
	if (in->continuation_token.p && failed(s3_token_read(rq->mem, in->continuation_token, &w.after)))
		return s3_fail_argument(rq, "The continuation token provided is incorrect", "continuation-token",
					in->continuation_token);
	if (!w.after.n)
		w.after = (struct str){ 0 };
	TRY(read_page(rq, &w, e, &page));
	if (in->fetch_owner.v)
		add_owner(rq, &page);
	*out = (struct s3_list_objects_v2_out){
		.is_truncated = SET(page.truncated),
		.contents = { page.objects, page.n_objects },
		.name = s3_place_of(rq)->bucket->name,
		.prefix = in->prefix.p ? s3_key_shown(rq, e, in->prefix) : S(""),
		.delimiter = s3_key_shown(rq, e, in->delimiter),
		.max_keys = SET((int64_t)w.max),
		.common_prefixes = { page.prefixes, page.n_prefixes },
		.encoding_type = e,
		.key_count = SET((int64_t)(page.n_objects + page.n_prefixes)),
		.continuation_token = in->continuation_token,
		.start_after = s3_key_shown(rq, e, in->start_after),
	};
	if (page.truncated)
		out->next_continuation_token = s3_token_make(rq->mem, page.last);
	return OK;
}

struct status s3_list_objects(struct req *rq, const struct s3_list_objects_in *in, struct s3_list_objects_out *out)
{
	struct s3_walk w = { .tag = 'o', .prefix = in->prefix, .delimiter = in->delimiter };
	struct page page = { 0 };
	enum s3_encoding_type e = in->encoding_type;
	TRY(s3_page_size(rq, in->max_keys, "max-keys", &w.max));
	if (in->marker.n)
		w.after = in->marker;
	TRY(read_page(rq, &w, e, &page));
	add_owner(rq, &page);
	*out = (struct s3_list_objects_out){
		.is_truncated = SET(page.truncated),
		.marker = in->marker.p ? s3_key_shown(rq, e, in->marker) : S(""),
		.contents = { page.objects, page.n_objects },
		.name = s3_place_of(rq)->bucket->name,
		.prefix = in->prefix.p ? s3_key_shown(rq, e, in->prefix) : S(""),
		.delimiter = s3_key_shown(rq, e, in->delimiter),
		.max_keys = SET((int64_t)w.max),
		.common_prefixes = { page.prefixes, page.n_prefixes },
		.encoding_type = e,
	};
	if (page.truncated && in->delimiter.n) /* without a delimiter the last key says it */
		out->next_marker = s3_key_shown(rq, e, page.last);
	return OK;
}

/* ---- versions -------------------------------------------------------------------------------- */

/* Every key has one version, the latest: "null" ("How S3 Versioning works", objects in unversioned buckets). */
static struct s3_object_version_list versions_of(struct req *rq, const struct page *page)
{
	struct s3_object_version *v = NEWS(rq->mem, struct s3_object_version, page->n_objects + 1);
	for (size_t i = 0; i < page->n_objects; i++) {
		const struct s3_object *o = &page->objects[i];
		v[i] = (struct s3_object_version){
			.key = o->key,
			.version_id = S("null"),
			.is_latest = SET(true),
			.last_modified = o->last_modified,
			.etag = o->etag,
			.checksum_algorithm = o->checksum_algorithm,
			.checksum_type = o->checksum_type,
			.size = o->size,
			.storage_class = o->storage_class,
			.owner = o->owner,
		};
	}
	return (struct s3_object_version_list){ v, page->n_objects };
}

static struct status check_markers(struct req *rq, const struct s3_list_object_versions_in *in)
{
	if (!in->version_id_marker.n)
		return OK;
	if (!in->key_marker.n)
		return s3_fail_argument(rq, "A version-id marker cannot be specified without a key marker.",
					"version-id-marker", in->version_id_marker);
	if (!str_eq(in->version_id_marker, S("null")))
		return s3_fail_argument(rq, "Invalid version id specified", "version-id-marker", in->version_id_marker);
	return OK;
}

struct status s3_list_object_versions(struct req *rq, const struct s3_list_object_versions_in *in,
				      struct s3_list_object_versions_out *out)
{
	struct s3_walk w = { .tag = 'o', .prefix = in->prefix, .delimiter = in->delimiter };
	struct page page = { 0 };
	enum s3_encoding_type e = in->encoding_type;
	TRY(s3_page_size(rq, in->max_keys, "max-keys", &w.max));
	TRY(check_markers(rq, in));
	if (in->key_marker.n)
		w.after = in->key_marker;
	TRY(read_page(rq, &w, e, &page));
	add_owner(rq, &page);
	*out = (struct s3_list_object_versions_out){
		.name = s3_place_of(rq)->bucket->name,
		.prefix = in->prefix.p ? s3_key_shown(rq, e, in->prefix) : S(""),
		.key_marker = in->key_marker.p ? s3_key_shown(rq, e, in->key_marker) : S(""),
		.version_id_marker = in->version_id_marker.p ? in->version_id_marker : S(""),
		.max_keys = SET((int64_t)w.max),
		.delimiter = s3_key_shown(rq, e, in->delimiter),
		.encoding_type = e,
		.is_truncated = SET(page.truncated),
		.versions = versions_of(rq, &page),
		.common_prefixes = { page.prefixes, page.n_prefixes },
	};
	if (page.truncated) {
		out->next_key_marker = s3_key_shown(rq, e, page.last);
		if (!w.common.p)
			out->next_version_id_marker = S("null");
	}
	return OK;
}
