/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices there are: a user's own, and all virtual ones of the account.
 */
#include "base/str.h"
#include "svc/iam/mfa.h"
#include "wire/pack.h"

/* ---- a user's ------------------------------------------------------------------------------ */

/* The serial numbers of a user's devices, or of root's own; *name is empty then. */
static struct status serials_of(struct req *rq, struct txn *t, struct str given, struct str *name,
				struct str_list *serials)
{
	struct iam_entity_row user;
	*name = S("");
	if (!given.p && rq->caller.kind == CALLER_ROOT) {
		size_t n;
		return iam_mfa_roots(rq, t, serials, &n);
	}
	TRY(iam_user_name(rq, given, &given));
	TRY(iam_entity_get(rq, t, IAM_USER, given, &user));
	*name = user.name;
	*serials = iam_sorted(rq->mem, user.mfa_devices);
	return OK;
}

struct status iam_list_mfa_devices(struct req *rq, const struct iam_list_mfa_devices_in *in,
				   struct iam_list_mfa_devices_out *out)
{
	struct txn *t;
	struct iam_page page;
	struct str name;
	struct str_list serials;
	size_t at, end;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	TRY(serials_of(rq, t, in->user_name, &name, &serials));
	out->marker = iam_page_cut(rq, &page, serials.v, serials.n, &at, &end);
	struct iam_mfa_device *v = NEWS(rq->mem, struct iam_mfa_device, end - at + 1);
	for (size_t i = at; i < end; i++) {
		struct iam_mfa_row row;
		TRY(iam_mfa_find(rq, t, rq->account, serials.v[i], &row));
		v[i - at] = (struct iam_mfa_device){ name, serials.v[i], row.enabled.v };
	}
	out->mfa_devices = (struct iam_mfa_device_list){ v, end - at };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}

struct status iam_get_mfa_device(struct req *rq, const struct iam_get_mfa_device_in *in,
				 struct iam_get_mfa_device_out *out)
{
	struct txn *t;
	struct str name;
	struct str_list serials;
	struct iam_mfa_row row;
	TRY(iam_read(rq, &t));
	TRY(serials_of(rq, t, in->user_name, &name, &serials));
	struct status st = iam_mfa_find(rq, t, rq->account, in->serial_number, &row);
	if (st.code == E_NOT_FOUND || (!failed(st) && (!row.enabled.set || !str_eq(row.user_name, name))))
		return iam_mfa_none(rq, in->serial_number);
	TRY(st);
	out->user_name = name.n ? name : (struct str){ 0 };
	out->serial_number = in->serial_number;
	out->enable_date = row.enabled;
	return OK;
}

/* ---- the account's ---------------------------------------------------------------------------- */

static bool is_wanted(enum iam_assignment_status_type status, const struct iam_mfa_row *row)
{
	if (status == IAM_ASSIGNMENT_STATUS_TYPE_ASSIGNED)
		return row->enabled.set;
	return status != IAM_ASSIGNMENT_STATUS_TYPE_UNASSIGNED || !row->enabled.set;
}

static struct status holder(struct req *rq, struct txn *t, const struct iam_mfa_row *row, const struct iam_user **out)
{
	struct iam_entity_row user;
	*out = NULL;
	if (!row->enabled.set)
		return OK;
	if (!row->user_name.n) {
		*out = iam_user_root(rq);
		return OK;
	}
	TRY(iam_entity_get(rq, t, IAM_USER, row->user_name, &user));
	struct iam_user *u = NEW(rq->mem, struct iam_user);
	*u = iam_user_out(rq, &user);
	*out = u;
	return OK;
}

static struct status virtual_out(struct req *rq, struct txn *t, const struct iam_mfa_row *row,
				 struct iam_virtual_mfa_device *out)
{
	*out = (struct iam_virtual_mfa_device){
		.serial_number = iam_mfa_arn(rq->mem, rq->app->partition, rq->account, row),
		.enable_date = row->enabled,
	};
	return holder(rq, t, row, &out->user);
}

/* The rows first, whole: looking up their users while the cursor stands would be a second walk in the same snapshot. */
static struct status rows_page(struct req *rq, struct txn *t, enum iam_assignment_status_type status,
			       const struct iam_page *page, struct iam_mfa_row *rows, size_t *n, struct str *marker)
{
	struct cursor c;
	struct buf prefix = buf_in(rq->mem);
	key_tag(&prefix, 'm');
	TRY(txn_range(t, &(struct range){ .prefix = buf_str(&prefix), .from = page->from }, &c));
	while (cursor_next(&c)) {
		struct iam_mfa_row row = { 0 };
		if (failed(unpack(rq->mem, &iam_mfa_row_shape, str_dup(rq->mem, c.val), &row)))
			return ERR(E_CORRUPT);
		if (!is_wanted(status, &row))
			continue;
		if (*n == page->max) {
			*marker = iam_page_marker(rq, c.key);
			break;
		}
		rows[(*n)++] = row;
	}
	return cursor_end(&c);
}

struct status iam_list_virtual_mfa_devices(struct req *rq, const struct iam_list_virtual_mfa_devices_in *in,
					   struct iam_list_virtual_mfa_devices_out *out)
{
	struct txn *t;
	struct iam_page page;
	size_t n = 0;
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_read(rq, &t));
	struct iam_mfa_row *rows = NEWS(rq->mem, struct iam_mfa_row, page.max);
	TRY(rows_page(rq, t, in->assignment_status, &page, rows, &n, &out->marker));
	struct iam_virtual_mfa_device *v = NEWS(rq->mem, struct iam_virtual_mfa_device, n + 1);
	for (size_t i = 0; i < n; i++)
		TRY(virtual_out(rq, t, &rows[i], &v[i]));
	out->virtual_mfa_devices = (struct iam_virtual_mfa_device_list){ v, n };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}

struct status iam_mfa_roots(struct req *rq, struct txn *t, struct str_list *serials, size_t *n)
{
	struct cursor c;
	struct buf prefix = buf_in(rq->mem);
	struct str *v = NEWS(rq->mem, struct str, IAM_MFA_PER_USER);
	*n = 0;
	key_tag(&prefix, 'm');
	key_str_prefix(&prefix, iam_join(rq->mem, S("/"), IAM_MFA_ROOT_PREFIX, S("")));
	TRY(txn_range(t, &(struct range){ .prefix = buf_str(&prefix) }, &c));
	while (cursor_next(&c) && *n < IAM_MFA_PER_USER) {
		struct iam_mfa_row row = { 0 };
		if (failed(unpack(rq->mem, &iam_mfa_row_shape, str_dup(rq->mem, c.val), &row)))
			return ERR(E_CORRUPT);
		if (row.enabled.set)
			v[(*n)++] = iam_mfa_arn(rq->mem, rq->app->partition, rq->account, &row);
	}
	if (serials)
		*serials = (struct str_list){ v, *n };
	return cursor_end(&c);
}
