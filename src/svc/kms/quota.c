/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row K holds the number, so that the 100,000th CreateKey is as fast as the first. Where
 * there is none yet the keys are counted once.
 */
#include "svc/kms/quota.h"

#include "base/buf.h"
#include "wire/pack.h"

static struct status count_keys(struct req *rq, struct txn *t, uint64_t *n)
{
	struct cursor c;
	*n = 0;
	TRY(txn_range(t, &(struct range){ .prefix = S("k") }, &c));
	while (cursor_next(&c)) {
		struct kms_key_row row = { 0 };
		TRY(unpack(rq->mem, &kms_key_row_shape, c.val, &row));
		*n += row.manager == KMS_KEY_MANAGER_TYPE_CUSTOMER;
	}
	return cursor_end(&c);
}

static struct status get(struct req *rq, struct txn *t, uint64_t *n)
{
	struct str bytes;
	struct status st = txn_get(t, S("K"), rq->mem, &bytes);
	if (st.code == E_NOT_FOUND)
		return count_keys(rq, t, n);
	TRY(st);
	struct rd r = rd_of(bytes);
	*n = rd_be64(&r);
	return r.bad ? ERR(E_CORRUPT) : OK;
}

static struct status put(struct req *rq, struct txn *t, uint64_t n)
{
	struct buf b = buf_in(rq->mem);
	buf_be64(&b, n);
	return n ? txn_put(t, S("K"), buf_str(&b)) : txn_del(t, S("K"));
}

static struct status get_room(struct req *rq, struct txn *t, uint64_t *n)
{
	TRY(get(rq, t, n));
	if (*n >= KMS_KEYS_PER_REGION)
		return FAIL(rq, kms_LimitExceededException,
			    "You have reached the quota of %d KMS keys in this account and Region.",
			    KMS_KEYS_PER_REGION);
	return OK;
}

struct status kms_quota_check(struct req *rq, struct txn *t)
{
	uint64_t n;
	return get_room(rq, t, &n);
}

struct status kms_quota_take(struct req *rq, struct txn *t)
{
	uint64_t n;
	TRY(get_room(rq, t, &n));
	return put(rq, t, n + 1);
}

struct status kms_quota_give_back(struct req *rq, struct txn *t)
{
	uint64_t n;
	TRY(get(rq, t, &n));
	return n ? put(rq, t, n - 1) : OK;
}
