/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual MFA devices as things: made, deleted, tagged. The seed and its QR code are shown
 * once, when the device is made; whoever loses them makes another.
 *
 * The names that begin with "root-account-mfa-device", at the path "/", are the root user's:
 * he alone makes them, and they can be enabled for him alone.
 */
#include "api/faults.h"
#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/account.h"
#include "svc/iam/authorize.h"
#include "svc/iam/mfa.h"
#include "svc/iam/qr.h"

enum { SERIAL_MAX = 256 };

/* A device's ARN is its serial number; of one that is to be made, what path and name make of it. */
struct status iam_authorize_mfa(struct req *rq, const void *in, struct authz *az)
{
	struct txn *t;
	struct iam_mfa_row row = { .name = iam_input(rq, in, "VirtualMFADeviceName"),
				   .path = iam_path(iam_input(rq, in, "Path")) };
	struct iam_tag_list tags = { 0 };
	struct str serial = iam_input(rq, in, "SerialNumber");
	struct str arn = str_starts(serial, S("arn:")) ? serial : req_arn(rq, "mfa/%.*s", PR(serial));
	if (!serial.p)
		arn = iam_mfa_arn(rq->mem, rq->app->partition, rq->account, &row);
	if (serial.p) {
		TRY(iam_read(rq, &t));
		struct status st = iam_mfa_find(rq, t, rq->account, serial, &row);
		if (failed(st) && st.code != E_NOT_FOUND)
			return st;
		tags = failed(st) ? tags : row.tags;
	}
	iam_authorize_on(az, in, arn, tags, "iam:TagMFADevice");
	return OK;
}

/* ---- making ------------------------------------------------------------------------------ */

/* "VirtualMFADevice", QRCodePNG: otpauth://totp/$virtualMFADeviceName@$AccountName?secret=$Base32String */
static struct status qr_code(struct req *rq, struct str name, struct str base32, struct str *png)
{
	struct txn *t;
	struct iam_account_row account;
	TRY(iam_read(rq, &t));
	TRY(iam_account_get(rq->mem, t, &account));
	struct str uri = arena_printf(rq->mem, "otpauth://totp/%.*s@%.*s?secret=%.*s", PR(name),
				      PR(account.alias.n ? account.alias : rq->account), PR(base32));
	return qr_png(rq->mem, uri, png);
}

static struct status check_name(struct req *rq, const struct iam_mfa_row *row)
{
	if (iam_mfa_arn(rq->mem, rq->app->partition, rq->account, row).n > SERIAL_MAX)
		return FAIL(rq, iam_InvalidInputException,
			    "The path and name are too long: a serial number has at most %d characters.", SERIAL_MAX);
	if (iam_mfa_is_roots(row) && rq->caller.kind != CALLER_ROOT)
		return FAIL(rq, api_AccessDeniedException,
			    "Names that begin with root-account-mfa-device are for devices of the root user.");
	return OK;
}

struct status iam_create_virtual_mfa_device(struct req *rq, const struct iam_create_virtual_mfa_device_in *in,
					    struct iam_create_virtual_mfa_device_out *out)
{
	struct txn *t;
	struct iam_mfa_row row = {
		.name = in->virtual_mfa_device_name,
		.path = iam_path(in->path),
		.id = id_unique(rq->app->world, rq->mem, "AMFA"),
		.created = SET(rq->now_ms),
	}, taken;
	struct iam_virtual_mfa_device *made = NEW(rq->mem, struct iam_virtual_mfa_device);
	TRY(check_name(rq, &row));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	TRY(iam_mfa_seed_new(rq, rq->account, &row, &made->base32_string_seed));
	TRY(qr_code(rq, row.name, made->base32_string_seed, &made->qr_code_png));
	TRY(iam_write(rq, &t));
	struct status st = iam_mfa_get(rq, t, &row, &taken);
	if (!failed(st))
		return FAIL(rq, iam_EntityAlreadyExistsException,
			    "MFADevice entity at the same path and name already exists.");
	if (st.code != E_NOT_FOUND)
		return st;
	TRY(iam_count(rq, t, 'm', 1));
	TRY(iam_mfa_put(rq, t, &row));
	made->serial_number = iam_mfa_arn(rq->mem, rq->app->partition, rq->account, &row);
	if (row.tags.n)
		made->tags = row.tags;
	out->virtual_mfa_device = made;
	return OK;
}

struct status iam_delete_virtual_mfa_device(struct req *rq, const struct iam_delete_virtual_mfa_device_in *in,
					    struct iam_delete_virtual_mfa_device_out *out)
{
	struct txn *t;
	struct iam_mfa_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_mfa_named(rq, t, in->serial_number, &row));
	if (row.enabled.set)
		return FAIL(rq, iam_DeleteConflictException, "MFA VirtualDevice in use. Must deactivate first");
	TRY(iam_count(rq, t, 'm', -1));
	return iam_mfa_del(rq, t, &row);
}

/* ---- tags ---------------------------------------------------------------------------------- */

struct status iam_tag_mfa_device(struct req *rq, const struct iam_tag_mfa_device_in *in,
				 struct iam_tag_mfa_device_out *out)
{
	struct txn *t;
	struct iam_mfa_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_mfa_named(rq, t, in->serial_number, &row));
	TRY(iam_tags_add(rq, row.tags, in->tags, &row.tags));
	return iam_mfa_put(rq, t, &row);
}

struct status iam_untag_mfa_device(struct req *rq, const struct iam_untag_mfa_device_in *in,
				   struct iam_untag_mfa_device_out *out)
{
	struct txn *t;
	struct iam_mfa_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_mfa_named(rq, t, in->serial_number, &row));
	row.tags = iam_tags_remove(rq, row.tags, in->tag_keys);
	return iam_mfa_put(rq, t, &row);
}

struct status iam_list_mfa_device_tags(struct req *rq, const struct iam_list_mfa_device_tags_in *in,
				       struct iam_list_mfa_device_tags_out *out)
{
	struct txn *t;
	struct iam_tag_page page;
	struct iam_mfa_row row;
	TRY(iam_read(rq, &t));
	TRY(iam_mfa_named(rq, t, in->serial_number, &row));
	TRY(iam_tag_page_of(rq, row.tags, in->marker, in->max_items, &page));
	out->tags = page.tags;
	out->marker = page.marker;
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}
