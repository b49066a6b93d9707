/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of keys ("Tags in AWS KMS"): at most 50 a key, keys unique, aws: reserved.
 */
#include "svc/kms/tags.h"

#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/str_list.h"
#include "wire/value.h"

enum { TAGS_MAX = 50, PAGE_MAX = 50 };

struct str_map kms_tag_map(struct arena *mem, struct kms_tag_list tags)
{
	struct str_entry *v = NEWS(mem, struct str_entry, tags.n + 1);
	for (size_t i = 0; i < tags.n; i++)
		v[i] = (struct str_entry){ tags.v[i].tag_key, tags.v[i].tag_value };
	return (struct str_map){ v, tags.n };
}

static struct status check_unique(struct req *rq, struct kms_tag_list tags)
{
	if (tags.n < 2)
		return OK;
	const uint32_t *order = sorted_by_key(rq->mem, tags.v, sizeof *tags.v, tags.n);
	for (size_t i = 1; i < tags.n; i++)
		if (str_eq(tags.v[order[i - 1]].tag_key, tags.v[order[i]].tag_key))
			return FAIL(rq, kms_TagException, "Duplicate tag keys");
	return OK;
}

struct status kms_tags_check(struct req *rq, struct kms_tag_list tags)
{
	if (tags.n > TAGS_MAX)
		return FAIL(rq, kms_TagException, "Too many tags");
	for (size_t i = 0; i < tags.n; i++)
		if (str_starts_ci(tags.v[i].tag_key, S("aws:")))
			return FAIL(rq, kms_TagException, "Tags beginning with aws: are reserved");
	return check_unique(rq, tags);
}

static size_t tag_index(const struct kms_tag *v, size_t n, struct str key)
{
	size_t i = 0;
	while (i < n && !str_eq(v[i].tag_key, key))
		i++;
	return i;
}

struct status kms_tag_resource(struct req *rq, const struct kms_tag_resource_in *in, struct kms_tag_resource_out *out)
{
	struct kms_edit e;
	(void)out;
	TRY(kms_tags_check(rq, in->tags));
	TRY(kms_edit(rq, &e));
	TRY(kms_state_check(rq, e.arn, e.row.state, KMS_CHANGE));
	struct kms_tag *v = NEWS(rq->mem, struct kms_tag, e.row.tags.n + in->tags.n + 1);
	size_t n = e.row.tags.n;
	if (n)
		memcpy(v, e.row.tags.v, n * sizeof *v);
	for (size_t i = 0; i < in->tags.n; i++) {
		size_t at = tag_index(v, n, in->tags.v[i].tag_key);
		v[at] = in->tags.v[i];
		n += at == n;
	}
	if (n > TAGS_MAX)
		return FAIL(rq, kms_TagException, "Too many tags");
	e.row.tags = (struct kms_tag_list){ v, n };
	return kms_row_put(rq, e.txn, e.id, &e.row);
}

struct status kms_untag_resource(struct req *rq, const struct kms_untag_resource_in *in,
				 struct kms_untag_resource_out *out)
{
	struct kms_edit e;
	(void)out;
	if (in->tag_keys.n > TAGS_MAX)
		return FAIL(rq, kms_TagException, "Too many tags");
	TRY(kms_edit(rq, &e));
	TRY(kms_state_check(rq, e.arn, e.row.state, KMS_CHANGE));
	struct kms_tag *v = NEWS(rq->mem, struct kms_tag, e.row.tags.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < e.row.tags.n; i++)
		if (!str_list_has(in->tag_keys, e.row.tags.v[i].tag_key))
			v[n++] = e.row.tags.v[i];
	e.row.tags = (struct kms_tag_list){ v, n };
	return kms_row_put(rq, e.txn, e.id, &e.row);
}

/* The marker is the number of the tag to go on with, as text. */
static struct status begin_at(struct req *rq, struct str marker, size_t n, size_t *at)
{
	struct str text;
	uint64_t v = 0;
	*at = 0;
	if (!marker.p)
		return OK;
	if (failed(base64_decode(rq->mem, marker, &text)) || !str_starts(text, S("tag ")) ||
	    !str_to_u64(str_from(text, 4), &v))
		return FAIL(rq, kms_InvalidMarkerException, "The marker is not valid.");
	*at = v < n ? (size_t)v : n;
	return OK;
}

struct status kms_list_resource_tags(struct req *rq, const struct kms_list_resource_tags_in *in,
				     struct kms_list_resource_tags_out *out)
{
	struct kms_tag_list all = kms_found(rq)->key->row.tags;
	size_t at, limit = in->limit.set ? (size_t)in->limit.v : PAGE_MAX;
	if (limit > PAGE_MAX)
		return FAIL(rq, api_ValidationException,
			    "1 validation error detected: Value '%zu' at 'limit' failed to satisfy constraint: Member "
			    "must have value "
			    "less than or equal to %d",
			    limit, PAGE_MAX);
	TRY(begin_at(rq, in->marker, all.n, &at));
	size_t n = all.n - at < limit ? all.n - at : limit;
	bool more = at + n < all.n;
	static const struct kms_tag nothing;
	out->tags = (struct kms_tag_list){ all.n ? all.v + at : &nothing, n };
	out->truncated = (struct opt_bool)SET(more);
	if (more)
		out->next_marker = base64_encode(rq->mem, arena_printf(rq->mem, "tag %zu", at + n));
	return OK;
}
