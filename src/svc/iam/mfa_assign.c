/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a device is: enabled for a user with two codes that follow each other, synchronised
 * anew with two further ones, taken from him again. A user has at most eight.
 *
 * A user's row names the serial numbers of his devices, a device's row the name of its user;
 * both change in one transaction. The root user's devices are found by their names.
 */
#include "api/faults.h"
#include "base/str.h"
#include "svc/iam/mfa.h"

/* How root is named where a UserName is required. */
#define ROOT_NAME S("root")

struct assigned {
	struct txn *t;
	struct iam_mfa_seed seed;
	struct iam_mfa_row device;
	struct iam_entity_row user; /* name.n == 0: root */
};

static struct status for_root(struct req *rq, struct str user_name)
{
	if (rq->caller.kind != CALLER_ROOT)
		return FAIL(rq, api_AccessDeniedException,
			    "The root user's devices can be changed by the root user only.");
	if (!str_eq(user_name, ROOT_NAME))
		return FAIL(rq, iam_NoSuchEntityException, "MFA Device invalid for user.");
	return OK;
}

/* Into the write transaction, with the device and the user it is, or is to be, for. */
static struct status enter(struct req *rq, struct str user_name, struct str serial, struct assigned *a)
{
	*a = (struct assigned){ 0 };
	struct status st = iam_mfa_seed_open(rq, rq->account, serial, &a->seed);
	if (failed(st) && st.code != E_NOT_FOUND)
		return st;
	TRY(iam_write(rq, &a->t));
	st = iam_mfa_find(rq, a->t, rq->account, serial, &a->device);
	if (!failed(st) && iam_mfa_is_roots(&a->device))
		return for_root(rq, user_name);
	TRY(iam_entity_get(rq, a->t, IAM_USER, user_name, &a->user));
	return st.code == E_NOT_FOUND ? iam_mfa_none(rq, serial) : st;
}

static struct status must_be_his(struct req *rq, const struct assigned *a)
{
	if (a->device.enabled.set && str_eq(a->device.user_name, a->user.name))
		return OK;
	return FAIL(rq, iam_NoSuchEntityException, "MFA Device invalid for user.");
}

static struct status two_codes(struct req *rq, struct assigned *a, struct str first, struct str second)
{
	struct status st = iam_mfa_two_codes(rq, &a->seed, &a->device, first, second);
	if (st.code != E_INVALID)
		return st;
	return FAIL(rq, iam_InvalidAuthenticationCodeException, "Authentication code for device is not valid.");
}

/* ---- the user's list --------------------------------------------------------------------- */

static struct status note(struct req *rq, struct assigned *a, struct str serial)
{
	struct str_list had = a->user.mfa_devices;
	struct str *v = NEWS(rq->mem, struct str, had.n + 1);
	if (had.n)
		memcpy(v, had.v, had.n * sizeof *v);
	v[had.n] = serial;
	a->user.mfa_devices = (struct str_list){ v, had.n + 1 };
	return iam_entity_put(rq, a->t, IAM_USER, &a->user);
}

static struct status forget(struct req *rq, struct assigned *a, struct str serial)
{
	struct str_list had = a->user.mfa_devices;
	struct str *v = NEWS(rq->mem, struct str, had.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < had.n; i++)
		if (!str_eq(had.v[i], serial))
			v[n++] = had.v[i];
	a->user.mfa_devices = (struct str_list){ v, n };
	return iam_entity_put(rq, a->t, IAM_USER, &a->user);
}

static struct status check_quota(struct req *rq, struct assigned *a)
{
	size_t n = a->user.mfa_devices.n;
	if (!a->user.name.n)
		TRY(iam_mfa_roots(rq, a->t, NULL, &n));
	if (n < IAM_MFA_PER_USER)
		return OK;
	return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for MFADevicesPerUser: %d", IAM_MFA_PER_USER);
}

/* ---- operations ----------------------------------------------------------------------------- */

struct status iam_enable_mfa_device(struct req *rq, const struct iam_enable_mfa_device_in *in,
				    struct iam_enable_mfa_device_out *out)
{
	struct assigned a;
	(void)out;
	TRY(enter(rq, in->user_name, in->serial_number, &a));
	if (a.device.enabled.set)
		return FAIL(rq, iam_EntityAlreadyExistsException, "MFA Device is already in use.");
	TRY(check_quota(rq, &a));
	TRY(two_codes(rq, &a, in->authentication_code1, in->authentication_code2));
	a.device.enabled = (struct opt_int)SET(rq->now_ms);
	a.device.user_name = a.user.name;
	TRY(iam_mfa_put(rq, a.t, &a.device));
	return a.user.name.n ? note(rq, &a, in->serial_number) : OK;
}

struct status iam_resync_mfa_device(struct req *rq, const struct iam_resync_mfa_device_in *in,
				    struct iam_resync_mfa_device_out *out)
{
	struct assigned a;
	(void)out;
	TRY(enter(rq, in->user_name, in->serial_number, &a));
	TRY(must_be_his(rq, &a));
	TRY(two_codes(rq, &a, in->authentication_code1, in->authentication_code2));
	return iam_mfa_put(rq, a.t, &a.device);
}

/* The last code used stays known, so that deactivating and enabling again does not make old codes good. */
struct status iam_deactivate_mfa_device(struct req *rq, const struct iam_deactivate_mfa_device_in *in,
					struct iam_deactivate_mfa_device_out *out)
{
	struct assigned a;
	(void)out;
	TRY(enter(rq, in->user_name, in->serial_number, &a));
	TRY(must_be_his(rq, &a));
	a.device.enabled = (struct opt_int){ 0 };
	a.device.user_name = (struct str){ 0 };
	TRY(iam_mfa_put(rq, a.t, &a.device));
	return a.user.name.n ? forget(rq, &a, in->serial_number) : OK;
}

struct status iam_mfa_follow(struct req *rq, struct txn *t, const struct iam_entity_row *user)
{
	for (size_t i = 0; i < user->mfa_devices.n; i++) {
		struct iam_mfa_row row;
		TRY(iam_mfa_find(rq, t, rq->account, user->mfa_devices.v[i], &row));
		row.user_name = user->name;
		TRY(iam_mfa_put(rq, t, &row));
	}
	return OK;
}
