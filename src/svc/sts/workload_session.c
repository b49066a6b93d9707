/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a workload proves itself, and the session it then gets.
 */
#include "api/call.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/sts/workload_impl.h"

enum { STAMP_BYTES = 8, METADATA_TOKEN_BYTES = STAMP_BYTES + SHA256_SIZE };

/* ---- tokens ------------------------------------------------------------------------------ */

bool workload_token_is(const struct workload *w, struct str token)
{
	static const struct workload nobody;
	const struct workload *known = w ? w : &nobody;
	uint8_t hash[SHA256_SIZE];
	sha256(token, hash);
	bool same = secret_eq(str_make(hash, sizeof hash), str_make(known->token_hash, sizeof known->token_hash));
	return same && w && w->form == STS_WORKLOAD_FORM_CONTAINER;
}

/* Over the workload's id, so that a token is of no use to another, nor after it was removed and made again. */
static void metadata_mac(struct app *app, struct arena *mem, const struct workload *w, struct str stamp,
			 uint8_t out[SHA256_SIZE])
{
	struct str over = arena_printf(mem, "metadata/%.*s/", PR(w->id));
	struct buf b = buf_in(mem);
	buf_put(&b, over);
	buf_put(&b, stamp);
	hmac_sha256(str_make(app->workloads->metadata_key, SHA256_SIZE), buf_str(&b), out);
}

struct str workload_metadata_token(struct app *app, struct arena *mem, const struct workload *w, int64_t ttl_s)
{
	uint8_t mac[SHA256_SIZE];
	struct buf b = buf_in(mem);
	buf_be64(&b, (uint64_t)(app_now_ms(app) + ttl_s * 1000));
	metadata_mac(app, mem, w, buf_str(&b), mac);
	buf_put(&b, str_make(mac, sizeof mac));
	return base64url_encode(mem, buf_str(&b));
}

bool workload_metadata_token_is(struct app *app, struct arena *mem, const struct workload *w, struct str token)
{
	struct str bytes;
	uint8_t mac[SHA256_SIZE];
	if (token.n > 2 * METADATA_TOKEN_BYTES || failed(base64url_decode(mem, token, &bytes)) ||
	    bytes.n != METADATA_TOKEN_BYTES)
		return false;
	struct str stamp = str_sub(bytes, 0, STAMP_BYTES);
	struct rd r = rd_of(stamp);
	metadata_mac(app, mem, w, stamp, mac);
	return secret_eq(str_make(mac, sizeof mac), str_from(bytes, STAMP_BYTES)) &&
	       app_now_ms(app) < (int64_t)rd_be64(&r);
}

/* ---- the session that is handed out ---------------------------------------------------------- */

static void forget(struct str *s)
{
	if (s->p)
		secret_wipe((void *)(uintptr_t)s->p, s->n);
	heap_free(s->p);
	*s = (struct str){ 0 };
}

void workload_session_forget(struct workload_entry *e)
{
	forget(&e->session.access_key_id);
	forget(&e->session.secret_access_key);
	forget(&e->session.session_token);
	e->session.expires_ms = 0;
}

static struct workload_credentials copy_of(struct arena *mem, const struct workload_credentials *c)
{
	return (struct workload_credentials){
		.access_key_id = str_dup(mem, c->access_key_id),
		.secret_access_key = str_dup(mem, c->secret_access_key),
		.session_token = str_dup(mem, c->session_token),
		.issued_ms = c->issued_ms,
		.expires_ms = c->expires_ms,
	};
}

/* By id: one that was removed and added anew under its name is another. */
static struct workload_entry *same(const struct workloads *all, const struct workload *w)
{
	struct workload_entry *e = workload_find(all, w->name);
	return e && str_eq(e->w.id, w->id) ? e : NULL;
}

static struct status kept(struct req *rq, const struct workload *w, uint64_t version, struct workload_credentials *out)
{
	struct workloads *all = rq->app->workloads;
	struct status st = OK;
	out->expires_ms = 0;
	pthread_mutex_lock(&all->lock);
	const struct workload_entry *e = same(all, w);
	if (!e)
		st = ERR(E_NOT_FOUND);
	else if (e->iam_version == version && rq->now_ms < e->session.expires_ms - WORKLOAD_REFRESH_S * INT64_C(1000))
		*out = copy_of(rq->mem, &e->session);
	pthread_mutex_unlock(&all->lock);
	return st;
}

static struct status keep(struct req *rq, const struct workload *w, uint64_t version,
			  const struct workload_credentials *c)
{
	struct workloads *all = rq->app->workloads;
	pthread_mutex_lock(&all->lock);
	struct workload_entry *e = same(all, w);
	if (e) {
		workload_session_forget(e);
		e->session = (struct workload_credentials){
			.access_key_id = heap_dup(c->access_key_id),
			.secret_access_key = heap_dup(c->secret_access_key),
			.session_token = heap_dup(c->session_token),
			.issued_ms = c->issued_ms,
			.expires_ms = c->expires_ms,
		};
		e->iam_version = version;
	}
	pthread_mutex_unlock(&all->lock);
	return e ? OK : ERR(E_NOT_FOUND);
}

static struct status assume(struct req *rq, const struct workload *w, struct workload_credentials *out)
{
	const struct sts_assume_role_in in = { .role_arn = w->role_arn,
					       .role_session_name = w->id,
					       .duration_seconds = WORKLOAD_SESSION_S };
	const void *answer;
	TRY(call_service_as(rq,
			    w->form == STS_WORKLOAD_FORM_CONTAINER ? "ecs-tasks.amazonaws.com" : "ec2.amazonaws.com",
			    "sts", "AssumeRole", &in, &answer));
	const struct sts_credentials *c = ((const struct sts_assume_role_out *)answer)->credentials;
	*out = (struct workload_credentials){
		.access_key_id = c->access_key_id,
		.secret_access_key = c->secret_access_key,
		.session_token = c->session_token,
		.issued_ms = rq->now_ms / 1000 * 1000,
		.expires_ms = c->expiration,
	};
	return OK;
}

static struct status give(struct req *rq, const struct workload *w, struct workload_credentials *out)
{
	struct shard *iam;
	TRY(req_shard_of(rq, w->account, "iam", arena_printf(rq->mem, "iam/%.*s", PR(w->account)), &iam));
	uint64_t version = shard_version(iam); /* before what the decision rests on is read */
	TRY(kept(rq, w, version, out));
	if (out->expires_ms)
		return OK;
	TRY(assume(rq, w, out));
	return keep(rq, w, version, out);
}

struct status workload_credentials(struct app *app, struct arena *mem, const struct workload *w,
				   struct workload_credentials *out, struct str *why)
{
	struct req *rq = workload_request(app, mem, w->account);
	struct status st = give(rq, w, out);
	if (st.code == E_FAULT && why)
		*why = str_dup(mem, rq->fault.text);
	req_unpin_all(rq);
	return st;
}
