/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/usage_rows.h"

#include "api/accounts.h"
#include "api/trail.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "svc/kms/duty.h"
#include "wire/pack.h"

enum { PIECE = 65536 }; /* records looked at between two writings */

static const struct str none;

enum kms_key_last_usage_tracking_operation kms_usage_operation(struct str name)
{
	static const char *const names[] = {
		"Decrypt",
		"DeriveSharedSecret",
		"Encrypt",
		"GenerateDataKey",
		"GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext",
		"GenerateDataKeyWithoutPlaintext",
		"GenerateMac",
		"ReEncrypt",
		"Sign",
		"Verify",
		"VerifyMac",
	};
	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq(name, str_of(names[i])))
			return (enum kms_key_last_usage_tracking_operation)(i + 1);
	return 0;
}

/* ---- rows ------------------------------------------------------------------------- */

static struct status put_row(struct req *rq, struct txn *t, const struct kms_usage_entry *e)
{
	struct kms_usage_row old = { 0 };
	struct buf b = buf_in(rq->mem);
	struct str bytes, key = kms_key_of(rq->mem, 'u', e->id);
	bool has;
	TRY(txn_has(t, kms_key_of(rq->mem, 'k', e->id), &has));
	if (!has)
		return OK;
	struct status st = txn_get(t, key, rq->mem, &bytes);
	if (st.code != E_NOT_FOUND) {
		TRY(st);
		TRY(unpack(rq->mem, &kms_usage_row_shape, bytes, &old));
	}
	if (old.when > e->row.when)
		return OK;
	pack(&b, &kms_usage_row_shape, &e->row);
	return txn_put(t, key, buf_str(&b));
}

static struct status put_list(struct req *rq, void *arg)
{
	const struct kms_usage_list *list = arg;
	struct status st = OK;
	struct shard *shard;
	struct txn *t;
	TRY(kms_shard(rq, rq->account, &shard));
	TRY(txn_write(shard, &t));
	for (size_t i = 0; i < list->n && !failed(st); i++)
		st = put_row(rq, t, &list->v[i]);
	return txn_finish(t, st);
}

bool kms_usage_put(struct app *app, const struct kms_usage_list *list)
{
	struct kms_usage_list copy = *list;
	struct status st = kms_at_place(app, list->account, list->region, put_list, &copy);
	if (failed(st) && st.code != E_NOT_FOUND)
		log_warn("last uses of keys not written", "account", list->account, "region", list->region, "status",
			 str_of(status_name(st)));
	return !failed(st) || st.code == E_NOT_FOUND;
}

/* ---- marks -------------------------------------------------------------------------- */

static struct str since_key(struct arena *mem) { return kms_key_of(mem, 'S', none); }
static struct str mark_key(struct arena *mem, struct str account) { return kms_key_of(mem, 'w', account); }

static struct status get_number(struct req *rq, struct txn *t, struct str key, uint64_t *v)
{
	struct str bytes;
	TRY(txn_get(t, key, rq->mem, &bytes));
	struct rd r = rd_of(bytes);
	*v = rd_be64(&r);
	return r.bad ? ERR(E_CORRUPT) : OK;
}

static struct status put_number(struct req *rq, struct txn *t, struct str key, uint64_t v)
{
	struct buf b = buf_in(rq->mem);
	buf_be64(&b, v);
	return txn_put(t, key, buf_str(&b));
}

struct kms_trail_marks kms_usage_marks(const struct app *app, struct arena *mem)
{
	struct kms_trail_marks m = { 0 };
	const struct account *a;
	while (account_at(app->accounts, m.n))
		m.n++;
	m.v = NEWS(mem, struct kms_trail_mark, m.n + 1);
	for (size_t i = 0; i < m.n && (a = account_at(app->accounts, i)); i++)
		m.v[i] = (struct kms_trail_mark){ a->id, trail_end(app->trail, a->id) };
	return m;
}

static struct status unchanged(struct req *rq, struct shard *shard, const struct kms_trail_marks *m, bool *yes)
{
	struct txn *t;
	*yes = true;
	TRY(req_read(rq, shard, &t));
	for (size_t i = 0; i < m->n && *yes; i++) {
		uint64_t was = 0;
		struct status st = get_number(rq, t, mark_key(rq->mem, m->v[i].account), &was);
		*yes = !failed(st) && was == m->v[i].end;
		if (failed(st) && st.code != E_NOT_FOUND)
			return st;
	}
	req_read_end(rq);
	return OK;
}

static struct status put_marks(struct req *rq, void *arg)
{
	const struct kms_trail_marks *m = arg;
	struct status st = OK;
	struct shard *shard;
	struct txn *t;
	bool same;
	TRY(kms_regions_shard(rq, &shard));
	TRY(unchanged(rq, shard, m, &same));
	if (same)
		return OK;
	TRY(txn_write(shard, &t));
	for (size_t i = 0; i < m->n && !failed(st); i++)
		st = put_number(rq, t, mark_key(rq->mem, m->v[i].account), m->v[i].end);
	return txn_finish(t, st);
}

void kms_usage_marks_put(struct app *app, const struct kms_trail_marks *marks)
{
	struct kms_trail_marks copy = *marks;
	const struct account *first = account_at(app->accounts, 0);
	struct status st = first ? kms_at_place(app, first->id, app->region, put_marks, &copy) : OK;
	if (failed(st))
		log_warn("how far last uses of keys are written was not noted", "status", str_of(status_name(st)));
}

/* ---- from the trail -------------------------------------------------------------------- */

struct found {
	struct arena *mem;
	struct str account;
	struct map last; /* "<region>/<id>" to kms_usage_entry */
};

static void see_key(struct found *f, const struct record *r, struct str text)
{
	struct arn a;
	if (failed(arn_parse(text, &a)) || !str_eq(a.account, f->account) || !str_starts(a.resource, S("key/")))
		return;
	struct str id = str_from(a.resource, strlen("key/"));
	struct str key = arena_printf(f->mem, "%.*s/%.*s", PR(a.region), PR(id));
	struct kms_usage_entry *e = map_get(&f->last, key);
	if (!e) {
		e = NEW(f->mem, struct kms_usage_entry);
		e->id = str_from(key, a.region.n + 1);
		(void)map_put(&f->last, key, e);
	}
	if (r->time_ms < e->row.when)
		return;
	char *ids = NEWS(f->mem, char, 2 * KMS_UUID);
	record_event_id(r, ids);
	memcpy(ids + KMS_UUID, r->request_id.p, r->request_id.n < KMS_UUID ? r->request_id.n : KMS_UUID);
	e->row = (struct kms_usage_row){ r->time_ms, kms_usage_operation(r->event_name), str_make(ids, KMS_UUID),
					 str_make(ids + KMS_UUID, KMS_UUID) };
}

static void see(void *arg, const struct record *r)
{
	struct str text;
	size_t at = 0;
	if (r->error_code.n || r->service_event || !str_eq(r->event_source, S("kms.amazonaws.com")) ||
	    !kms_usage_operation(r->event_name))
		return;
	while (record_resource(r, &at, &text))
		see_key(arg, r, text);
}

/* A key at a time: there are as many as were used since the last writing. */
static bool put_found(struct app *app, const struct found *f)
{
	size_t it = 0;
	bool all = true;
	struct str key;
	void *value;
	while (map_next(&f->last, &it, &key, &value)) {
		struct str region = str_cut(&key, '/');
		const struct kms_usage_list one = { f->account, region, value, 1 };
		all &= kms_usage_put(app, &one);
	}
	return all;
}

static struct status recover_account(struct app *app, struct str account, uint64_t from)
{
	struct status st;
	uint64_t before;
	do {
		struct found f = { arena_new(), account, { 0 } };
		map_init(&f.last, 0);
		before = from;
		st = trail_scan(app->trail, account, &from, PIECE, see, &f);
		if (!failed(st) && !put_found(app, &f))
			st = ERR(E_IO);
		map_free(&f.last);
		arena_free(f.mem);
	} while (!failed(st) && from != before);
	return st;
}

struct start {
	struct kms_trail_marks marks; /* where the rows end */
	int64_t since;
	bool begins;
};

static struct status read_marks(struct req *rq, struct txn *t, struct start *s)
{
	for (size_t i = 0; i < s->marks.n; i++) {
		struct kms_trail_mark *m = &s->marks.v[i];
		struct status st = get_number(rq, t, mark_key(rq->mem, m->account), &m->end);
		if (st.code == E_NOT_FOUND)
			m->end = 0; /* an account made since */
		else
			TRY(st);
	}
	return OK;
}

static struct status read_start(struct req *rq, void *arg)
{
	struct start *s = arg;
	struct shard *shard;
	struct txn *t;
	uint64_t since = 0;
	TRY(kms_regions_shard(rq, &shard));
	TRY(req_read(rq, shard, &t));
	struct status st = get_number(rq, t, since_key(rq->mem), &since);
	if (st.code != E_NOT_FOUND) {
		TRY(st);
		s->since = (int64_t)since;
		return read_marks(rq, t, s);
	}
	req_read_end(rq);
	s->begins = true;
	s->since = rq->now_ms;
	TRY(txn_write(shard, &t));
	return txn_finish(t, put_number(rq, t, since_key(rq->mem), (uint64_t)s->since));
}

static void recover(struct app *app, const struct start *s, const struct kms_trail_marks *now)
{
	bool all = true;
	for (size_t i = 0; i < s->marks.n && !s->begins; i++) {
		struct status st = recover_account(app, s->marks.v[i].account, s->marks.v[i].end);
		if (failed(st))
			log_warn("last uses of keys were not made up from the trail", "account", s->marks.v[i].account,
				 "status", str_of(status_name(st)));
		all &= !failed(st);
	}
	if (all)
		kms_usage_marks_put(app, now);
}

int64_t kms_usage_recover(struct app *app)
{
	const struct account *first = account_at(app->accounts, 0);
	if (!first)
		return app_now_ms(app);
	struct arena *mem = arena_new();
	const struct kms_trail_marks now = kms_usage_marks(app, mem);
	struct start s = { .marks = kms_usage_marks(app, mem), .since = app_now_ms(app) };
	struct status st = kms_at_place(app, first->id, app->region, read_start, &s);
	if (!failed(st))
		recover(app, &s, &now);
	else
		log_warn("where last uses of keys stand is not known", "status", str_of(status_name(st)));
	arena_free(mem);
	return s.since;
}
