/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access keys of users: at most two each, shown with their secret exactly once. A key that
 * is made inactive or deleted is refused from the next request on.
 *
 * The row of a key stands under its id, so that a signature leads to it with one lookup;
 * the user's row names his keys. The secret lies in the store as everything does, in pages
 * encrypted under the account's key.
 *
 *     create ──▶ Active ◀── update ──▶ Inactive
 *                   └──── delete ────────┘ ──▶ gone
 */
#include "api/accounts.h"
#include "api/faults.h"
#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/iam.h"
#include "svc/iam/used.h"

static struct str row_key(struct req *rq, struct str id)
{
	return key_of(rq->mem, 'k', id, (struct str){ 0 }, (struct str){ 0 });
}

static struct status no_such_key(struct req *rq, struct str id)
{
	return FAIL(rq, iam_NoSuchEntityException, "The Access Key with id %.*s cannot be found.", PR(id));
}

/* Root's keys are made with the account and changed by the operator's own tool only. */
static struct status not_for_root(struct req *rq, struct str user_name)
{
	if (user_name.p || rq->caller.kind != CALLER_ROOT)
		return OK;
	return FAIL(rq, api_NotImplemented,
		    "Access keys of the root user are made with the account and cannot be changed.");
}

struct status iam_create_access_key(struct req *rq, const struct iam_create_access_key_in *in,
				    struct iam_create_access_key_out *out)
{
	struct txn *t;
	struct str name;
	struct iam_entity_row user;
	TRY(not_for_root(rq, in->user_name));
	struct str id = id_access_key(rq->app->world, rq->mem, "AKIA", rq->account);
	struct iam_key_row row = {
		.status = IAM_STATUS_TYPE_ACTIVE,
		.secret = id_secret_key(rq->app->world, rq->mem),
		.created = SET(rq->now_ms),
	};
	TRY(iam_write(rq, &t));
	TRY(iam_user_name(rq, in->user_name, &name));
	TRY(iam_entity_get(rq, t, IAM_USER, name, &user));
	if (user.access_keys.n >= IAM_KEYS_MAX)
		return FAIL(rq, iam_LimitExceededException, "Cannot exceed quota for AccessKeysPerUser: %d",
			    IAM_KEYS_MAX);
	struct str *ids = NEWS(rq->mem, struct str, user.access_keys.n + 1);
	if (user.access_keys.n)
		memcpy(ids, user.access_keys.v, user.access_keys.n * sizeof *ids);
	ids[user.access_keys.n] = id;
	user.access_keys = (struct str_list){ ids, user.access_keys.n + 1 };
	row.user_name = user.name;
	TRY(iam_entity_put(rq, t, IAM_USER, &user));
	TRY(iam_row_put(rq, t, row_key(rq, id), &iam_key_row_shape, &row));

	struct iam_access_key *key = NEW(rq->mem, struct iam_access_key);
	*key = (struct iam_access_key){
		.user_name = user.name,
		.access_key_id = id,
		.status = row.status,
		.secret_access_key = row.secret,
		.create_date = row.created,
	};
	out->access_key = key;
	return OK;
}

/* The key must be this user's: another's is "not found", whoever asks. */
static struct status key_of_user(struct req *rq, struct txn *t, struct str user_name, struct str id,
				 struct iam_entity_row *user, struct iam_key_row *row)
{
	struct str name;
	TRY(iam_user_name(rq, user_name, &name));
	TRY(iam_entity_get(rq, t, IAM_USER, name, user));
	struct status st = iam_row_get(rq->mem, t, row_key(rq, id), &iam_key_row_shape, row);
	if (st.code == E_NOT_FOUND || (!failed(st) && !str_eq(row->user_name, user->name)))
		return no_such_key(rq, id);
	return st;
}

struct status iam_update_access_key(struct req *rq, const struct iam_update_access_key_in *in,
				    struct iam_update_access_key_out *out)
{
	struct txn *t;
	struct iam_entity_row user;
	struct iam_key_row row;
	(void)out;
	TRY(not_for_root(rq, in->user_name));
	TRY(iam_write(rq, &t));
	TRY(key_of_user(rq, t, in->user_name, in->access_key_id, &user, &row));
	row.status = in->status;
	return iam_row_put(rq, t, row_key(rq, in->access_key_id), &iam_key_row_shape, &row);
}

struct status iam_delete_access_key(struct req *rq, const struct iam_delete_access_key_in *in,
				    struct iam_delete_access_key_out *out)
{
	struct txn *t;
	struct iam_entity_row user;
	struct iam_key_row row;
	(void)out;
	TRY(not_for_root(rq, in->user_name));
	TRY(iam_write(rq, &t));
	TRY(key_of_user(rq, t, in->user_name, in->access_key_id, &user, &row));
	struct str *left = NEWS(rq->mem, struct str, user.access_keys.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < user.access_keys.n; i++)
		if (!str_eq(user.access_keys.v[i], in->access_key_id))
			left[n++] = user.access_keys.v[i];
	user.access_keys = (struct str_list){ left, n };
	TRY(iam_entity_put(rq, t, IAM_USER, &user));
	return txn_del(t, row_key(rq, in->access_key_id));
}

/* ---- listing ------------------------------------------------------------------------------ */

static struct status list_root(struct req *rq, struct iam_list_access_keys_out *out)
{
	const struct account *account = account_find(rq->app->accounts, rq->account);
	struct iam_access_key_metadata *v = NEW(rq->mem, struct iam_access_key_metadata);
	*v = (struct iam_access_key_metadata){
		.access_key_id = account_root_of(rq->app->accounts, rq->account).access_key_id,
		.status = IAM_STATUS_TYPE_ACTIVE,
		.create_date = SET(account->created_ms),
	};
	out->access_key_metadata = (struct iam_access_key_metadata_list){ v, 1 };
	out->is_truncated = (struct opt_bool)SET(false);
	return OK;
}

struct status iam_list_access_keys(struct req *rq, const struct iam_list_access_keys_in *in,
				   struct iam_list_access_keys_out *out)
{
	struct txn *t;
	struct str name;
	struct iam_page page;
	struct iam_entity_row user;
	size_t at, end;
	if (!in->user_name.p && rq->caller.kind == CALLER_ROOT)
		return list_root(rq, out);
	TRY(iam_page_of(rq, in->marker, in->max_items, &page));
	TRY(iam_user_name(rq, in->user_name, &name));
	TRY(iam_read(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_USER, name, &user));
	struct iam_access_key_metadata *v = NEWS(rq->mem, struct iam_access_key_metadata, user.access_keys.n + 1);
	struct str_list ids = iam_sorted(rq->mem, user.access_keys);
	out->marker = iam_page_cut(rq, &page, ids.v, ids.n, &at, &end);
	for (size_t i = at; i < end; i++) {
		struct iam_key_row row;
		TRY(iam_row_get(rq->mem, t, row_key(rq, ids.v[i]), &iam_key_row_shape, &row));
		v[i - at] = (struct iam_access_key_metadata){ row.user_name, ids.v[i], row.status, row.created };
	}
	out->access_key_metadata = (struct iam_access_key_metadata_list){ v, end - at };
	out->is_truncated = (struct opt_bool)SET(out->marker.p != NULL);
	return OK;
}

/* "GetAccessKeyLastUsed": a key that was never used has N/A for service and region, and no date. */
struct status iam_get_access_key_last_used(struct req *rq, const struct iam_get_access_key_last_used_in *in,
					   struct iam_get_access_key_last_used_out *out)
{
	struct txn *t;
	struct iam_key_row row;
	struct iam_used_row used;
	TRY(iam_read(rq, &t));
	struct status st = iam_row_get(rq->mem, t, row_key(rq, in->access_key_id), &iam_key_row_shape, &row);
	if (st.code == E_NOT_FOUND)
		return no_such_key(rq, in->access_key_id);
	TRY(st);
	TRY(iam_used_get(rq, IAM_USED_KEY, in->access_key_id, &used));
	struct iam_access_key_last_used *last = NEW(rq->mem, struct iam_access_key_last_used);
	*last = (struct iam_access_key_last_used){
		.last_used_date = used.when,
		.service_name = used.when.set ? used.service : S("N/A"),
		.region = used.when.set ? used.region : S("N/A"),
	};
	out->user_name = row.user_name;
	out->access_key_last_used = last;
	return OK;
}
