/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tokens twice over: as text a stranger sends (never opens), and as what lies under
 * a good seal (opens only as a whole session). The first byte chooses.
 */
#include "api/token.h"

#include "api/accounts.h"
#include "api/pipeline_testing.h"
#include "base/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void open_text(struct req *rq, struct str text)
{
	struct caller who;
	struct str secret;
	EXPECT(token_open(rq, text, &who, &secret).code == E_CORRUPT);
}

static void open_sealed(struct req *rq, struct str plain)
{
	const struct key_ref *key;
	struct str cipher, secret;
	struct caller who;
	EXPECT_OK(account_service_key(rq->app->accounts, WORLD_ACCOUNT, S("sts"), &key));
	EXPECT_OK(keyring_seal(rq->app->keyring, key, S("token/111122223333"), plain, rq->mem, &cipher));
	struct buf b = buf_in(rq->mem);
	buf_put(&b, WORLD_ACCOUNT);
	buf_put(&b, cipher);
	struct status st = token_open(rq, base64_encode(rq->mem, buf_str(&b)), &who, &secret);
	EXPECT(!failed(st) || st.code == E_CORRUPT);
	if (failed(st))
		return;
	EXPECT(str_eq(who.account, WORLD_ACCOUNT) && secret.n > 0);
	EXPECT(who.kind == CALLER_ROOT || who.kind == CALLER_USER || who.kind == CALLER_ROLE ||
	       who.kind == CALLER_FEDERATED);
}

static void one(struct req *rq, void *arg)
{
	struct str in = *(const struct str *)arg;
	if (in.n && in.p[0] & 1)
		open_sealed(rq, str_from(in, 1));
	else
		open_text(rq, str_from(in, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct test_world *w;
	struct str in = str_make(data, n);
	if (!w)
		w = pipeline_world();
	world_in_fiber(w, one, &in);
	return 0;
}
