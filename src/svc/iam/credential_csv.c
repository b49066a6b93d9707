/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a credential report ("Getting credential reports", Understanding the report
 * format): a line of names, root, then every user by name; lines end with LF, all but the
 * last. Signing certificates are not served, so nobody has one.
 */
#include "api/accounts.h"
#include "base/str.h"
#include "base/time.h"
#include "svc/iam/credential_report.h"
#include "svc/iam/sign_in.h"
#include "svc/iam/used.h"
#include "wire/pack.h"

#define COLUMNS                                                                                                       \
	"user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_"        \
	"rotation,"                                                                                                   \
	"mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"                       \
	"access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated," \
	"access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"     \
	"cert_1_last_rotated,cert_2_active,cert_2_last_rotated"

/* ---- fields: each but the first of a line with its comma in front ------------------------------- */

/* Names and paths may hold commas and quotes (RFC 4180). */
static void quoted(struct buf *b, struct str s)
{
	if (str_find_char(s, ',') == SIZE_MAX && str_find_char(s, '"') == SIZE_MAX) {
		buf_put(b, s);
		return;
	}
	buf_byte(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_byte(b, '"');
		buf_byte(b, s.p[i]);
	}
	buf_byte(b, '"');
}

static void field(struct buf *b, struct str s)
{
	buf_byte(b, ',');
	quoted(b, s);
}

static void flag(struct buf *b, bool yes) { buf_z(b, yes ? ",true" : ",false"); }

static void date(struct buf *b, struct opt_int when, const char *otherwise)
{
	field(b, when.set ? time_iso8601(b->mem, when.v) : str_of(otherwise));
}

/* ---- parts of a line ------------------------------------------------------------------------------ */

static void who(struct buf *b, struct str name, struct str arn, int64_t created_ms)
{
	buf_byte(b, '\n');
	quoted(b, name);
	field(b, arn);
	date(b, (struct opt_int)SET(created_ms), "");
}

static void sign_in(struct buf *b, const struct iam_sign_in *s, bool root)
{
	const char *none = root ? "not_supported" : "N/A";
	if (root)
		buf_z(b, s->password ? ",true" : ",not_supported");
	else
		flag(b, s->password);
	date(b, s->used, s->password ? "no_information" : "N/A");
	date(b, s->changed, none);
	date(b, s->expires, none);
	flag(b, s->mfa);
}

static struct status key(struct req *rq, struct buf *b, struct str id, bool active, struct opt_int made)
{
	struct iam_used_row used;
	TRY(iam_used_get(rq, IAM_USED_KEY, id, &used));
	flag(b, active);
	date(b, made, "N/A");
	date(b, used.when, "N/A");
	field(b, used.when.set ? used.region : S("N/A"));
	field(b, used.when.set ? used.service : S("N/A"));
	return OK;
}

static void no_key(struct buf *b) { buf_z(b, ",false,N/A,N/A,N/A,N/A"); }
static void no_certificates(struct buf *b) { buf_z(b, ",false,N/A,false,N/A"); }

/* ---- lines ------------------------------------------------------------------------------------------- */

static struct status root(struct req *rq, struct txn *t, struct buf *b, const struct iam_devices *devices)
{
	const struct account *account = account_find(rq->app->accounts, rq->account);
	struct account_root creds = account_root_of(rq->app->accounts, rq->account);
	struct iam_sign_in s;
	TRY(iam_sign_in(rq, t, devices, NULL, &s));
	who(b, S("<root_account>"), req_arn(rq, "root"), account->created_ms);
	sign_in(b, &s, true);
	TRY(key(rq, b, creds.access_key_id, true, (struct opt_int)SET(account->created_ms)));
	no_key(b);
	no_certificates(b);
	return OK;
}

static struct status user(struct req *rq, struct txn *t, struct buf *b, const struct iam_devices *devices,
			  const struct iam_entity_row *row)
{
	struct iam_sign_in s;
	TRY(iam_sign_in(rq, t, devices, row, &s));
	who(b, row->name, iam_entity_arn(rq->mem, rq->app->partition, rq->account, IAM_USER, row), row->created.v);
	sign_in(b, &s, false);
	for (size_t i = 0; i < IAM_KEYS_MAX; i++) {
		struct iam_key_row k;
		if (i >= row->access_keys.n) {
			no_key(b);
			continue;
		}
		struct str id = row->access_keys.v[i];
		TRY(iam_row_get(rq->mem, t, key_of(rq->mem, 'k', id, (struct str){ 0 }, (struct str){ 0 }),
				&iam_key_row_shape, &k));
		TRY(key(rq, b, id, k.status == IAM_STATUS_TYPE_ACTIVE, k.created));
	}
	no_certificates(b);
	return OK;
}

struct status iam_credential_csv(struct req *rq, struct str *out)
{
	struct txn *t;
	struct cursor c;
	struct iam_devices devices;
	struct buf b = buf_in(rq->mem);
	TRY(iam_read(rq, &t));
	TRY(iam_devices(rq, t, &devices));
	buf_z(&b, COLUMNS);
	TRY(root(rq, t, &b, &devices));
	TRY(txn_range(t, &(struct range){ .prefix = S("u") }, &c));
	while (cursor_next(&c)) {
		struct iam_entity_row row = { 0 };
		if (failed(unpack(rq->mem, &iam_entity_row_shape, str_dup(rq->mem, c.val), &row)))
			return ERR(E_CORRUPT);
		TRY(user(rq, t, &b, &devices, &row));
	}
	TRY(cursor_end(&c));
	*out = buf_str(&b);
	return OK;
}
