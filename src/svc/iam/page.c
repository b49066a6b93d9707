/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of lists: MaxItems from 1 to 1000, 100 when unsaid; a marker goes on where the
 * page before ended.
 */
#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/iam/iam.h"
#include "wire/pack.h"

enum { PAGE_DEFAULT = 100 };

struct status iam_page_of(struct req *rq, struct str marker, struct opt_int max_items, struct iam_page *out)
{
	struct str from = { 0 };
	if (marker.p && (failed(base64url_decode(rq->mem, marker, &from)) || !from.n))
		return FAIL(rq, api_ValidationException, "Invalid Marker.");
	*out = (struct iam_page){ .from = from, .max = max_items.set ? (size_t)max_items.v : PAGE_DEFAULT };
	return OK;
}

struct str iam_page_marker(struct req *rq, struct str position) { return base64url_encode(rq->mem, position); }

struct str iam_page_cut(struct req *rq, const struct iam_page *page, const struct str *positions, size_t n, size_t *at,
			size_t *end)
{
	size_t i = 0;
	while (i < n && page->from.p && str_cmp(positions[i], page->from) < 0)
		i++;
	*at = i;
	*end = n - i > page->max ? i + page->max : n;
	return *end < n ? iam_page_marker(rq, positions[*end]) : (struct str){ 0 };
}

struct str_list iam_sorted(struct arena *mem, struct str_list list)
{
	struct str *v = NEWS(mem, struct str, list.n + 1);
	for (size_t i = 0; i < list.n; i++) { /* insertion: there are few */
		size_t at = i;
		for (; at > 0 && str_cmp(list.v[i], v[at - 1]) < 0; at--)
			v[at] = v[at - 1];
		v[at] = list.v[i];
	}
	return (struct str_list){ v, list.n };
}

struct status iam_rows_page(struct req *rq, struct txn *t, const struct iam_pathed *what, struct str path_prefix,
			    const struct iam_page *page, struct iam_rows *out)
{
	struct cursor c;
	struct buf prefix = buf_in(rq->mem);
	size_t size = what->shape->size, n = 0;
	char *v = arena_alloc(rq->mem, size, _Alignof(max_align_t), page->max);
	*out = (struct iam_rows){ .v = v };
	key_tag(&prefix, what->tag);
	TRY(txn_range(t, &(struct range){ .prefix = buf_str(&prefix), .from = page->from }, &c));
	while (cursor_next(&c)) {
		char *row = arena_alloc(rq->mem, size, _Alignof(max_align_t), 1);
		if (failed(unpack(rq->mem, what->shape, str_dup(rq->mem, c.val), row)))
			return ERR(E_CORRUPT);
		struct str path;
		memcpy(&path, row + what->path_at, sizeof path);
		if (path_prefix.p && !str_starts(path, path_prefix))
			continue;
		if (n == page->max) {
			out->marker = iam_page_marker(rq, c.key);
			break;
		}
		memcpy(v + n++ * size, row, size);
	}
	out->n = n;
	return cursor_end(&c);
}

struct status iam_entity_page(struct req *rq, struct txn *t, enum iam_kind kind, struct str path_prefix,
			      const struct iam_page *page, struct iam_entity_list *out)
{
	struct iam_rows rows;
	struct iam_pathed what = { (char)kind, &iam_entity_row_shape, offsetof(struct iam_entity_row, path) };
	TRY(iam_rows_page(rq, t, &what, path_prefix, page, &rows));
	*out = (struct iam_entity_list){ rows.v, rows.n, rows.marker };
	return OK;
}
