/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token as a stranger sends it, and its claims as an issuer writes them. What is read has
 * the form it should have; nothing that is read verifies under a key nobody signed with.
 */
#include "base/codec.h"
#include "base/str.h"
#include "base/test.h"
#include "svc/sts/claims.h"
#include "wire/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct verify_key *key(struct arena *mem)
{
	struct verify_key *k;
	struct str x;
	EXPECT_OK(base64url_decode(mem, S("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), &x));
	EXPECT_OK(verify_key_ed25519(x, &k));
	return k;
}

static void try_token(struct arena *mem, struct str text)
{
	struct jwt t;
	if (failed(jwt_read(mem, text, &t)))
		return;
	EXPECT(t.alg >= VERIFY_RS256 && t.alg <= VERIFY_EDDSA);
	EXPECT(str_starts(text, t.signed_) && text.p[t.signed_.n] == '.');
	EXPECT(str_is_utf8(t.claims) && t.claims.p[0] && t.kid.n <= JWT_KID_MAX);
	struct verify_key *k = key(mem);
	EXPECT_ERR(jwt_verify(&t, k), E_CORRUPT);
	verify_key_free(k);
}

static void try_claims(struct arena *mem, struct str json)
{
	struct claims c;
	if (failed(claims_read(mem, json, &c)))
		return;
	EXPECT(c.aud.n <= CLAIM_AUDIENCES_MAX && c.amr.n <= CLAIM_METHODS_MAX && c.tags.n <= CLAIM_TAGS_MAX);
	EXPECT(!c.exp.set || c.exp.v >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *mem = arena_new();
	struct str in = str_make(data, n);
	try_token(mem, in);
	try_claims(mem, in);
	try_token(mem,
		  arena_printf(mem, "%.*s.%.*s.AAAA", PR(base64url_encode(mem, in)), PR(base64url_encode(mem, in))));
	arena_free(mem);
	return 0;
}
