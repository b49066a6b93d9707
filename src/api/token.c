/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed form: base64( account(12) || XAES ciphertext under STS's data key ), the plaintext being a
 * version byte and the fields below, each length-prefixed. The account in front only
 * says which key to try; it is bound as additional data, so it cannot be changed.
 *
 * Sealing refuses what opening would: a token that was handed out always opens.
 */
#include "api/token.h"

#include "api/accounts.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"

enum { VERSION = 2, ACCOUNT_DIGITS = 12, TOKEN_MAX = 16 * 1024, LIST_MAX = 100 };

static void put(struct buf *b, struct str s)
{
	buf_varint(b, s.p ? s.n + 1 : 0);
	buf_put(b, s);
}

static struct str take(struct rd *r)
{
	uint64_t n = rd_varint(r);
	return n ? rd_bytes(r, (size_t)(n - 1)) : (struct str){ 0 };
}

static void put_list(struct buf *b, struct str_list l)
{
	buf_varint(b, l.n);
	for (size_t i = 0; i < l.n; i++)
		put(b, l.v[i]);
}

static void put_map(struct buf *b, struct str_map m)
{
	buf_varint(b, m.n);
	for (size_t i = 0; i < m.n; i++) {
		put(b, m.v[i].key);
		put(b, m.v[i].value);
	}
}

static size_t take_count(struct rd *r)
{
	uint64_t n = rd_varint(r);
	if (n > LIST_MAX)
		r->bad = true;
	return r->bad ? 0 : (size_t)n;
}

static struct str_list take_list(struct rd *r, struct arena *mem)
{
	size_t n = take_count(r);
	struct str *v = NEWS(mem, struct str, n + 1);
	for (size_t i = 0; i < n; i++)
		v[i] = take(r);
	return (struct str_list){ v, n };
}

static struct str_map take_map(struct rd *r, struct arena *mem)
{
	size_t n = take_count(r);
	struct str_entry *v = NEWS(mem, struct str_entry, n + 1);
	for (size_t i = 0; i < n; i++) {
		v[i].key = take(r);
		v[i].value = take(r);
	}
	return (struct str_map){ v, n };
}

/* The fields that are plain text, in their order in the token. */
static const size_t texts[] = {
	offsetof(struct caller, account),        offsetof(struct caller, arn),
	offsetof(struct caller, principal_id),   offsetof(struct caller, name),
	offsetof(struct caller, access_key_id),  offsetof(struct caller, role_arn),
	offsetof(struct caller, role_id),        offsetof(struct caller, role_name),
	offsetof(struct caller, role_path),      offsetof(struct caller, source_identity),
	offsetof(struct caller, session_policy), offsetof(struct caller, user_path),
};

static struct str *text_at(struct caller *who, size_t i) { return (struct str *)(void *)((char *)who + texts[i]); }

static struct str encode(struct req *rq, const struct caller *who, struct str secret)
{
	struct caller copy = *who;
	struct buf b = buf_in(rq->mem);
	buf_byte(&b, VERSION);
	buf_byte(&b, (char)who->kind);
	for (size_t i = 0; i < COUNT(texts); i++)
		put(&b, *text_at(&copy, i));
	buf_be64(&b, (uint64_t)who->issued_ms);
	buf_be64(&b, (uint64_t)who->expires_ms);
	buf_byte(&b, who->mfa);
	buf_be64(&b, (uint64_t)who->mfa_ms);
	buf_byte(&b, (char)who->chained);
	put_list(&b, who->session_policy_arns);
	put_map(&b, who->session_tags);
	put_list(&b, who->transitive);
	put(&b, who->provider);
	put_map(&b, who->claims);
	put(&b, secret);
	return buf_str(&b);
}

/* Nobody and our own services have none. */
static bool has_sessions(enum caller_kind kind)
{
	return kind == CALLER_ROOT || kind == CALLER_USER || kind == CALLER_ROLE || kind == CALLER_FEDERATED;
}

static struct status decode(struct arena *mem, struct str plain, struct caller *who, struct str *secret)
{
	struct rd r = rd_of(plain);
	struct caller got = { 0 };
	if (rd_u8(&r) != VERSION)
		return ERR(E_CORRUPT);
	got.kind = (enum caller_kind)rd_u8(&r);
	for (size_t i = 0; i < COUNT(texts); i++)
		*text_at(&got, i) = take(&r);
	got.issued_ms = (int64_t)rd_be64(&r);
	got.expires_ms = (int64_t)rd_be64(&r);
	got.mfa = rd_u8(&r) != 0;
	got.mfa_ms = (int64_t)rd_be64(&r);
	got.chained = rd_u8(&r);
	got.session_policy_arns = take_list(&r, mem);
	got.session_tags = take_map(&r, mem);
	got.transitive = take_list(&r, mem);
	got.provider = take(&r);
	got.claims = take_map(&r, mem);
	struct str s = take(&r);
	if (r.bad || !rd_end(&r) || !has_sessions(got.kind) || !s.n)
		return ERR(E_CORRUPT);
	*who = got;
	*secret = s;
	return OK;
}

/* What is bound keeps tokens apart from whatever else the key may come to seal. */
static struct str bound_to(struct req *rq, struct str account)
{
	return arena_printf(rq->mem, "token/%.*s", PR(account));
}

struct status token_seal(struct req *rq, const struct caller *who, struct str secret_key, struct str *token)
{
	const struct aead_key *key;
	assert(who->account.n == ACCOUNT_DIGITS && has_sessions(who->kind) && who->expires_ms > who->issued_ms);
	if (who->session_policy_arns.n > LIST_MAX || who->session_tags.n > LIST_MAX || who->transitive.n > LIST_MAX ||
	    who->claims.n > LIST_MAX || who->chained > UINT8_MAX)
		return ERR(E_TOO_BIG);
	struct str plain = encode(rq, who, secret_key);
	struct status st = account_data_key(rq->app->accounts, who->account, S("sts"), &key);
	struct str cipher =
	    failed(st) ? S("") : aead_seal_new(key, rq->app->world, bound_to(rq, who->account), plain, rq->mem);
	secret_wipe((void *)(uintptr_t)plain.p, plain.n);
	TRY(st);
	struct buf whole = buf_in(rq->mem);
	buf_put(&whole, who->account);
	buf_put(&whole, cipher);
	struct str text = base64_encode(rq->mem, buf_str(&whole));
	if (text.n > TOKEN_MAX)
		return ERR(E_TOO_BIG);
	*token = text;
	return OK;
}

struct status token_open(struct req *rq, struct str token, struct caller *who, struct str *secret_key)
{
	struct str whole, plain;
	const struct aead_key *key;
	if (token.n > TOKEN_MAX || failed(base64_decode(rq->mem, token, &whole)) || whole.n <= ACCOUNT_DIGITS)
		return ERR(E_CORRUPT);
	struct str account = str_sub(whole, 0, ACCOUNT_DIGITS);
	if (!account_find(rq->app->accounts, account))
		return ERR(E_CORRUPT);
	TRY(account_data_key(rq->app->accounts, account, S("sts"), &key));
	TRY(aead_open_new(key, bound_to(rq, account), str_from(whole, ACCOUNT_DIGITS), rq->mem, &plain));
	struct caller got;
	TRY(decode(rq->mem, plain, &got, secret_key));
	if (!str_eq(got.account, account))
		return ERR(E_CORRUPT);
	*who = got;
	return OK;
}
