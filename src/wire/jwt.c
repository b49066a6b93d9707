/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token's text is signed as it came, so the parts are cut before anything is decoded. Sets of
 * keys are counted, for requests use them while newer ones are fetched.
 */
#include "wire/jwt.h"

#include "base/codec.h"
#include "base/str.h"

static const struct {
	const char *name;
	enum verify_alg alg;
} algs[] = {
	{ "RS256", VERIFY_RS256 },
	{ "ES256", VERIFY_ES256 },
	{ "EdDSA", VERIFY_EDDSA },
};

static enum verify_alg alg_of(struct str name)
{
	for (size_t i = 0; i < COUNT(algs); i++)
		if (str_eq(name, str_of(algs[i].name)))
			return algs[i].alg;
	return 0;
}

/* ---- tokens --------------------------------------------------------------------------- */

/* A string member that may be there once. */
static void take_once(struct json *j, struct str *to)
{
	if (to->p || json_peek(j) != '"')
		j->bad = true;
	else
		*to = json_string(j);
}

static struct status read_header(struct arena *mem, struct str text, struct jwt *t)
{
	struct json j = json_open(mem, text);
	struct str name, alg = { 0 };
	bool critical = false;
	if (json_object(&j))
		while (json_member(&j, &name)) {
			if (str_eq(name, S("alg"))) {
				take_once(&j, &alg);
			} else if (str_eq(name, S("kid"))) {
				take_once(&j, &t->kid);
			} else {
				critical |= str_eq(name, S("crit"));
				json_skip(&j);
			}
		}
	TRY(json_close(&j));
	if (!alg.p || t->kid.n > JWT_KID_MAX)
		return ERR(E_INVALID);
	t->alg = alg_of(alg);
	return t->alg && !critical ? OK : ERR(E_UNSUPPORTED);
}

static struct status is_object(struct arena *mem, struct str text)
{
	struct json j = json_open(mem, text);
	if (json_peek(&j) != '{')
		return ERR(E_INVALID);
	json_skip(&j);
	return json_close(&j);
}

struct status jwt_read(struct arena *mem, struct str token, struct jwt *out)
{
	struct jwt t = { 0 };
	struct str rest = token, header, claims;
	struct str header64 = str_cut(&rest, '.'), claims64 = str_cut(&rest, '.'), signature64 = rest;
	if (!rest.p || str_find_char(rest, '.') != SIZE_MAX)
		return ERR(E_INVALID);
	TRY(base64url_decode(mem, header64, &header));
	TRY(base64url_decode(mem, claims64, &claims));
	TRY(base64url_decode(mem, signature64, &t.signature));
	if (!str_is_utf8(header) || !str_is_utf8(claims))
		return ERR(E_INVALID);
	TRY(is_object(mem, claims));
	TRY(read_header(mem, header, &t));
	t.signed_ = str_make(token.p, header64.n + 1 + claims64.n);
	t.claims = claims;
	*out = t;
	return OK;
}

struct status jwt_verify(const struct jwt *t, const struct verify_key *key)
{
	return verify_signature(key, t->alg, t->signed_, t->signature);
}

/* ---- sets of keys ------------------------------------------------------------------------ */

struct jwks {
	int refs;
	size_t n;
	struct {
		struct str kid;
		struct verify_key *key;
	} keys[JWKS_MAX];
};

/* The members of a JWK that matter; p == NULL: not given. */
struct jwk {
	struct str kty, kid, use, alg, crv, n, e, x, y;
};

static struct str *member_of(struct jwk *k, struct str name)
{
	const struct {
		const char *name;
		struct str *to;
	} members[] = {
		{ "kty", &k->kty }, { "kid", &k->kid }, { "use", &k->use }, { "alg", &k->alg }, { "crv", &k->crv },
		{ "n", &k->n },     { "e", &k->e },     { "x", &k->x },     { "y", &k->y },
	};
	for (size_t i = 0; i < COUNT(members); i++)
		if (str_eq(name, str_of(members[i].name)))
			return members[i].to;
	return NULL;
}

/* A member that is twice there or of another type makes the key none, not the set. */
static bool read_jwk(struct json *j, struct jwk *k)
{
	struct str name;
	bool sound = true;
	if (json_peek(j) != '{') {
		json_skip(j);
		return false;
	}
	(void)json_object(j);
	while (json_member(j, &name)) {
		struct str *to = member_of(k, name);
		if (!to) {
			json_skip(j);
		} else if (json_peek(j) != '"' || to->p) {
			json_skip(j);
			sound = false;
		} else {
			*to = json_string(j);
		}
	}
	return sound;
}

static struct str bytes_of(struct arena *mem, struct str text)
{
	struct str out = { 0 };
	return failed(base64url_decode(mem, text, &out)) ? S("") : out;
}

static struct status make_key(struct arena *mem, const struct jwk *k, struct verify_key **out)
{
	if (str_eq(k->kty, S("RSA")))
		return verify_key_rsa(bytes_of(mem, k->n), bytes_of(mem, k->e), out);
	if (str_eq(k->kty, S("EC")) && str_eq(k->crv, S("P-256")))
		return verify_key_p256(bytes_of(mem, k->x), bytes_of(mem, k->y), out);
	if (str_eq(k->kty, S("OKP")) && str_eq(k->crv, S("Ed25519")))
		return verify_key_ed25519(bytes_of(mem, k->x), out);
	return ERR(E_UNSUPPORTED);
}

static void add_key(struct arena *mem, struct jwks *set, const struct jwk *k)
{
	struct verify_key *key;
	if (set->n == JWKS_MAX || !k->kid.n || k->kid.n > JWT_KID_MAX || (k->use.p && !str_eq(k->use, S("sig"))) ||
	    failed(make_key(mem, k, &key)))
		return;
	if (k->alg.p && alg_of(k->alg) != verify_key_alg(key)) { /* meant for something else */
		verify_key_free(key);
		return;
	}
	set->keys[set->n].kid = heap_dup(k->kid);
	set->keys[set->n++].key = key;
}

static struct status read_set(struct arena *mem, struct str text, struct jwks *set)
{
	struct json j = json_open(mem, text);
	struct str name;
	bool found = false;
	if (json_object(&j))
		while (json_member(&j, &name)) {
			if (!str_eq(name, S("keys"))) {
				json_skip(&j);
				continue;
			}
			if (found)
				return ERR(E_INVALID);
			found = json_array(&j);
			while (found && json_elem(&j)) {
				struct jwk k = { 0 };
				if (read_jwk(&j, &k) && !j.bad)
					add_key(mem, set, &k);
			}
		}
	TRY(json_close(&j));
	return found ? OK : ERR(E_INVALID);
}

struct status jwks_read(struct str text, struct jwks **out)
{
	struct jwks *set = HEAP(struct jwks);
	struct arena *mem = arena_new();
	set->refs = 1;
	struct status st = read_set(mem, text, set);
	arena_free(mem);
	if (failed(st))
		jwks_unref(set);
	else
		*out = set;
	return st;
}

struct jwks *jwks_ref(struct jwks *set)
{
	__atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
	return set;
}

void jwks_unref(struct jwks *set)
{
	if (!set || __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < set->n; i++) {
		heap_free(set->keys[i].kid.p);
		verify_key_free(set->keys[i].key);
	}
	heap_free(set);
}

size_t jwks_count(const struct jwks *set) { return set->n; }

const struct verify_key *jwks_find(const struct jwks *set, struct str kid, enum verify_alg alg)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_eq(set->keys[i].kid, kid) && verify_key_alg(set->keys[i].key) == alg)
			return set->keys[i].key;
	return NULL;
}
