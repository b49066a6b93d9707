/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lock over the list of issuers, never held while one is asked. Who asks wakes who waited;
 * a set of keys is counted, since a request may still use the one that was replaced.
 */
#include "svc/sts/issuer_keys.h"

#include "base/fiber.h"
#include "base/log.h"
#include "base/map.h"
#include "base/str.h"

#include <pthread.h>

struct waiter {
	struct waiter *next;
	struct fiber *fiber;
};

/* An issuer under certain thumbprints. While it is busy, one fiber fetches for it, and it stays where it is. */
struct issuer {
	struct str key;
	struct jwks *keys; /* NULL: none came yet */
	int64_t fetched_ms, tried_ms;
	bool tried, busy;
	enum issuer_trouble trouble; /* of the last try */
	struct waiter *waiters;
	uint64_t used; /* by the cache's count: the least is given up first */
};

struct issuer_keys {
	struct fetch_source *source;
	pthread_mutex_t lock;
	struct map issuers;
	uint64_t count;
};

struct issuer_keys *issuer_keys_new(struct fetch_source *source)
{
	struct issuer_keys *k = HEAP(struct issuer_keys);
	k->source = source;
	map_init(&k->issuers, (uint64_t)(uintptr_t)k); /* whose keys these are is said by administrators */
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

static void issuer_free(struct issuer *i)
{
	assert(!i->busy && !i->waiters);
	jwks_unref(i->keys);
	heap_free(i->key.p);
	heap_free(i);
}

void issuer_keys_free(struct issuer_keys *k)
{
	struct str key;
	void *value;
	if (!k)
		return;
	for (size_t it = 0; map_next(&k->issuers, &it, &key, &value);)
		issuer_free(value);
	map_free(&k->issuers);
	pthread_mutex_destroy(&k->lock);
	heap_free(k);
}

/* ---- asking the issuer ----------------------------------------------------------------------------- */

struct asking {
	struct issuer_keys *k;
	struct arena *mem;
	struct str url;
	struct str_list thumbprints;
};

static enum issuer_trouble fetch(const struct asking *a, struct str url, size_t max_bytes, struct str *body)
{
	const struct fetch_ask ask = { url, a->thumbprints, max_bytes };
	enum fetch_trouble t = a->k->source->get(a->k->source, a->mem, &ask, body);
	if (t == FETCH_OK)
		return ISSUER_OK;
	log_warn("an identity provider's keys could not be fetched", "url", url, "trouble",
		 str_of(fetch_trouble_name(t)));
	if (t == FETCH_CERTIFICATE)
		return ISSUER_CERTIFICATE;
	return t == FETCH_UNREACHABLE || t == FETCH_BUSY || t == FETCH_STATUS ? ISSUER_UNREACHABLE : ISSUER_NO_KEYS;
}

static enum issuer_trouble no_keys(const struct asking *a, const char *why)
{
	log_warn("an identity provider's keys could not be read", "issuer", a->url, "why", str_of(why));
	return ISSUER_NO_KEYS;
}

static enum issuer_trouble ask(const struct asking *a, struct jwks **out)
{
	struct str config, keys;
	struct str issuer = arena_printf(a->mem, "https://%.*s", PR(a->url)), base = issuer;
	if (str_ends(base, S("/")))
		base.n--;
	enum issuer_trouble t = fetch(a, arena_printf(a->mem, "%.*s/.well-known/openid-configuration", PR(base)),
				      ISSUER_CONFIG_MAX, &config);
	if (t != ISSUER_OK)
		return t;
	if (!str_is_utf8(config) || !str_eq(json_lookup_string(a->mem, config, "issuer"), issuer))
		return no_keys(a, "its configuration is not this issuer's");
	struct str at = json_lookup_string(a->mem, config, "jwks_uri");
	if (!at.n)
		return no_keys(a, "its configuration has no jwks_uri");
	t = fetch(a, at, ISSUER_JWKS_MAX, &keys);
	if (t == ISSUER_OK && (!str_is_utf8(keys) || failed(jwks_read(keys, out))))
		return no_keys(a, "what stands at its jwks_uri is not a JWK set");
	return t;
}

/* ---- keeping what it said --------------------------------------------------------------------------- */

/* Under the lock, as all below. NULL: everything is busy. */
static struct issuer *make_room(struct issuer_keys *k)
{
	struct str key;
	void *value;
	struct issuer *least = NULL;
	if (k->issuers.n < ISSUERS_MAX)
		return HEAP(struct issuer);
	for (size_t it = 0; map_next(&k->issuers, &it, &key, &value);) {
		struct issuer *i = value;
		if (!i->busy && (!least || i->used < least->used))
			least = i;
	}
	if (!least)
		return NULL;
	(void)map_del(&k->issuers, least->key);
	issuer_free(least);
	return HEAP(struct issuer);
}

static struct issuer *find_or_make(struct issuer_keys *k, struct str key)
{
	struct issuer *i = map_get(&k->issuers, key);
	if (!i && (i = make_room(k))) {
		i->key = heap_dup(key);
		(void)map_put(&k->issuers, i->key, i);
	}
	if (i)
		i->used = ++k->count;
	return i;
}

/* A clock that was set back makes everything old. */
static bool within(int64_t since_ms, int64_t now_ms, int64_t span_ms)
{
	return now_ms >= since_ms && now_ms - since_ms < span_ms;
}

static bool must_ask(const struct issuer *i, const struct jwt *token, int64_t now_ms)
{
	if (!i->tried)
		return true;
	if (within(i->tried_ms, now_ms, ISSUER_RETRY_MS))
		return false;
	return !i->keys || !within(i->fetched_ms, now_ms, ISSUER_FRESH_MS) ||
	       !jwks_find(i->keys, token->kid, token->alg);
}

static void keep(struct issuer *i, enum issuer_trouble t, struct jwks *keys, int64_t now_ms)
{
	i->tried = true;
	i->tried_ms = now_ms;
	i->trouble = t;
	if (t != ISSUER_OK)
		return;
	jwks_unref(i->keys);
	i->keys = keys;
	i->fetched_ms = now_ms;
}

static enum issuer_trouble give(const struct issuer *i, int64_t now_ms, struct jwks **out)
{
	if (!i->keys || !within(i->fetched_ms, now_ms, ISSUER_STALE_MS))
		return i->trouble == ISSUER_OK ? ISSUER_UNREACHABLE : i->trouble;
	*out = jwks_ref(i->keys);
	return ISSUER_OK;
}

/* ---- one asks, the others wait ------------------------------------------------------------------------ */

struct parking {
	struct issuer_keys *k;
	struct str key;
	struct waiter w;
};

/* The one who asks may be done by now, and the issuer even be gone. */
static void wait_for(void *arg, struct fiber *f)
{
	struct parking *p = arg;
	p->w.fiber = f;
	pthread_mutex_lock(&p->k->lock);
	struct issuer *i = map_get(&p->k->issuers, p->key);
	bool waits = i && i->busy;
	if (waits) {
		p->w.next = i->waiters;
		i->waiters = &p->w;
	}
	pthread_mutex_unlock(&p->k->lock);
	if (!waits)
		fiber_wake(f);
}

static void wake_all(struct waiter *w)
{
	while (w) {
		struct waiter *next = w->next; /* w is on the stack of the fiber that is woken */
		fiber_wake(w->fiber);
		w = next;
	}
}

static void ask_for_all(struct issuer *i, const struct asking *a, int64_t now_ms)
{
	struct jwks *keys = NULL;
	enum issuer_trouble t = ask(a, &keys);
	pthread_mutex_lock(&a->k->lock);
	keep(i, t, keys, now_ms);
	struct waiter *w = i->waiters;
	i->waiters = NULL;
	i->busy = false;
	pthread_mutex_unlock(&a->k->lock);
	wake_all(w);
}

static struct str key_of_issuer(struct arena *mem, struct str url, struct str_list thumbprints)
{
	struct buf b = buf_in(mem);
	buf_put(&b, url);
	for (size_t i = 0; i < thumbprints.n; i++) {
		buf_byte(&b, ' ');
		buf_put(&b, thumbprints.v[i]);
	}
	return buf_str(&b);
}

enum step { ASK, WAIT, DONE };

static enum step next_step(struct issuer_keys *k, struct str key, const struct jwt *token, int64_t now_ms,
			   struct issuer **i, enum issuer_trouble *t, struct jwks **out)
{
	enum step step = DONE;
	pthread_mutex_lock(&k->lock);
	*i = find_or_make(k, key);
	if (!*i) {
		*t = ISSUER_UNREACHABLE;
	} else if (!must_ask(*i, token, now_ms)) {
		*t = give(*i, now_ms, out);
	} else {
		step = (*i)->busy ? WAIT : ASK;
		(*i)->busy = true;
	}
	pthread_mutex_unlock(&k->lock);
	return step;
}

enum issuer_trouble issuer_keys_get(struct issuer_keys *k, struct arena *mem, int64_t now_ms, struct str url,
				    struct str_list thumbprints, const struct jwt *token, struct jwks **out)
{
	const struct asking a = { k, mem, url, thumbprints };
	struct str key = key_of_issuer(mem, url, thumbprints);
	struct issuer *i;
	enum issuer_trouble t = ISSUER_OK;
	for (enum step step; (step = next_step(k, key, token, now_ms, &i, &t, out)) != DONE;) {
		if (step == ASK) {
			ask_for_all(i, &a, now_ms);
			continue;
		}
		struct parking p = { .k = k, .key = key };
		fiber_park(wait_for, &p);
	}
	return t;
}
