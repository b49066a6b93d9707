/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grant tokens ("Grant token"): with them a grant can be used before all of AWS knows it.
 * Here every grant is in force at once, so a token adds nothing to a request; but one that
 * was not made here is refused, and RetireGrant takes one for the name of a grant.
 *
 *     base64( account 12 | sealed: version, region, key id, grant id )
 *
 * Sealed under the account's own key for KMS, bound to the account. Whose grant it is, and
 * whether it is still there, the grant's row says: a token is no credential.
 */
#include "api/accounts.h"
#include "api/faults.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "crypto/aead.h"
#include "svc/kms/grant.h"

enum { VERSION = 1, ACCOUNT_DIGITS = 12, TOKEN_MAX = 1024 };

static struct status invalid(struct req *rq)
{
	return FAIL(rq, kms_InvalidGrantTokenException, "Invalid grant token.");
}

static struct str bound_to(struct req *rq, struct str account)
{
	return arena_printf(rq->mem, "kms grant token/%.*s", PR(account));
}

static struct status key_of_account(struct req *rq, struct str account, const struct aead_key **key)
{
	return account_data_key(rq->app->accounts, account, S("kms"), key);
}

struct status kms_token_prepare(struct req *rq, struct str account)
{
	const struct aead_key *key;
	return key_of_account(rq, account, &key);
}

static void put(struct buf *b, struct str s)
{
	buf_byte(b, (char)s.n);
	buf_put(b, s);
}

struct status kms_token_seal(struct req *rq, const struct kms_token *token, struct str *text)
{
	const struct aead_key *key;
	struct buf plain = buf_in(rq->mem), whole = buf_in(rq->mem);
	assert(token->account.n == ACCOUNT_DIGITS && rq->region.n <= UINT8_MAX);
	TRY(key_of_account(rq, token->account, &key));
	buf_byte(&plain, VERSION);
	put(&plain, rq->region);
	put(&plain, token->key_id);
	put(&plain, token->grant_id);
	buf_put(&whole, token->account);
	buf_put(&whole, aead_seal_new(key, rq->app->world, bound_to(rq, token->account), buf_str(&plain), rq->mem));
	*text = base64_encode(rq->mem, buf_str(&whole));
	return OK;
}

static struct str take(struct rd *r) { return rd_bytes(r, rd_u8(r)); }

/* E_CORRUPT: nothing that was sealed here for this region. */
static struct status open_sealed(struct req *rq, struct str text, struct kms_token *out)
{
	const struct aead_key *key;
	struct str whole, plain;
	if (text.n > TOKEN_MAX || failed(base64_decode(rq->mem, text, &whole)) || whole.n <= ACCOUNT_DIGITS)
		return ERR(E_CORRUPT);
	out->account = str_sub(whole, 0, ACCOUNT_DIGITS);
	if (!account_find(rq->app->accounts, out->account))
		return ERR(E_CORRUPT);
	TRY(key_of_account(rq, out->account, &key));
	TRY(aead_open_new(key, bound_to(rq, out->account), str_from(whole, ACCOUNT_DIGITS), rq->mem, &plain));
	struct rd r = rd_of(plain);
	bool ours = rd_u8(&r) == VERSION;
	ours &= str_eq(take(&r), rq->region);
	out->key_id = take(&r);
	out->grant_id = take(&r);
	return ours && !r.bad && rd_end(&r) ? OK : ERR(E_CORRUPT);
}

struct status kms_token_open(struct req *rq, struct str text, struct kms_token *out)
{
	struct kms_token token;
	struct status st = open_sealed(rq, text, &token);
	if (st.code == E_CORRUPT)
		return invalid(rq);
	if (failed(st))
		return FAIL(rq, kms_KMSInternalException, "The grant token could not be read. Please try again.");
	*out = token;
	return OK;
}

struct status kms_tokens_check(struct req *rq, struct str_list tokens, const struct kms_key *key)
{
	for (size_t i = 0; i < tokens.n; i++) {
		struct kms_token token;
		TRY(kms_token_open(rq, tokens.v[i], &token));
		if (!str_eq(token.account, key->account))
			return invalid(rq);
	}
	return OK;
}
