/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often an issuer is asked, and what counts of what it says. The network is a table; the
 * clock is in hand.
 */
#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "base/test.h"
#include "svc/sts/issuer_keys.h"

#include <pthread.h>
#include <sched.h>

#define KEY(id)                                                                          \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" id "\",\"x\":\"11qYAYKxCrfVS_" \
	"7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define CONFIG "{\"issuer\":\"https://idp.example.com/x\",\"jwks_uri\":\"https://keys.example.com/jwks\"}"

struct network {
	struct fetch_source source;
	const char *config, *keys;
	enum fetch_trouble trouble;
	int asked, fetched;
	struct str first; /* the URL asked for first */
	size_t thumbprints;
	bool slow;
};

static void come_back(void *arg, struct fiber *f)
{
	(void)arg;
	for (int i = 0; i < 1000; i++)
		sched_yield();
	fiber_wake(f);
}

static enum fetch_trouble get(struct fetch_source *s, struct arena *mem, const struct fetch_ask *ask, struct str *body)
{
	struct network *n = (struct network *)(void *)s;
	bool config = str_ends(ask->url, S("/.well-known/openid-configuration"));
	if (!n->first.p)
		n->first = heap_dup(ask->url);
	n->thumbprints = ask->thumbprints.n;
	__atomic_add_fetch(config ? &n->asked : &n->fetched, 1, __ATOMIC_RELAXED);
	if (n->slow)
		fiber_park(come_back, NULL);
	EXPECT(config || str_eq(ask->url, S("https://keys.example.com/jwks")));
	*body = str_dup(mem, str_of(config ? n->config : n->keys));
	return n->trouble;
}

static struct network net;
static struct issuer_keys *keys;

static void begin(void)
{
	log_setup(2, LOG_ERROR); /* troubles are logged, and here they are meant */
	net = (struct network){ .source = { get }, .config = CONFIG, .keys = "{\"keys\":[" KEY("a") "]}" };
	keys = issuer_keys_new(&net.source);
}

static void end(void)
{
	issuer_keys_free(keys);
	heap_free(net.first.p);
}

struct wanting {
	struct str url, kid;
	int64_t now_ms;
	enum issuer_trouble t;
	bool found;
};

static void want(void *arg)
{
	static const struct str print = { "00", 2 };
	struct wanting *w = arg;
	struct arena *mem = arena_new();
	struct jwks *set = NULL;
	const struct jwt token = { .alg = VERIFY_EDDSA, .kid = w->kid };
	w->t = issuer_keys_get(keys, mem, w->now_ms, w->url, (struct str_list){ &print, 1 }, &token, &set);
	w->found = w->t == ISSUER_OK && jwks_find(set, w->kid, VERIFY_EDDSA);
	jwks_unref(set);
	arena_free(mem);
}

static struct wanting key_of(struct str url, const char *kid, int64_t now_ms)
{
	struct wanting w = { .url = url, .kid = str_of(kid), .now_ms = now_ms };
	fiber_block_on(want, &w);
	return w;
}

#define URL S("idp.example.com/x")
enum { NOW = 1000 * 1000 };

static void keys_are_found_and_kept(void)
{
	begin();
	EXPECT(key_of(URL, "a", NOW).found);
	EXPECT_STR(net.first, S("https://idp.example.com/x/.well-known/openid-configuration"));
	EXPECT(net.thumbprints == 1);
	EXPECT(key_of(URL, "a", NOW + ISSUER_FRESH_MS - 1).found);
	EXPECT(net.asked == 1 && net.fetched == 1);
	EXPECT(key_of(URL, "a", NOW + ISSUER_FRESH_MS).found);
	EXPECT(net.asked == 2 && net.fetched == 2);
	EXPECT(key_of(URL, "a", NOW - 1).found); /* the clock was set back */
	EXPECT(net.asked == 3);
	end();
}

static void an_unknown_key_is_asked_for_but_not_again_and_again(void)
{
	begin();
	EXPECT(key_of(URL, "a", NOW).found);
	net.keys = "{\"keys\":[" KEY("a") "," KEY("b") "]}";
	for (int i = 0; i < 100; i++)
		EXPECT(!key_of(URL, "b", NOW + 1 + i).found);
	EXPECT(net.asked == 1);
	EXPECT(key_of(URL, "b", NOW + ISSUER_RETRY_MS).found);
	EXPECT(net.asked == 2);
	for (int i = 0; i < 100; i++)
		EXPECT(!key_of(URL, "c", NOW + ISSUER_RETRY_MS + i).found);
	EXPECT(net.asked == 2);
	end();
}

static void an_issuer_that_is_down_is_asked_seldom_and_believed_for_a_while(void)
{
	begin();
	net.trouble = FETCH_UNREACHABLE;
	for (int i = 0; i < 50; i++)
		EXPECT(key_of(URL, "a", NOW + i).t == ISSUER_UNREACHABLE);
	EXPECT(net.asked == 1);
	net.trouble = FETCH_OK;
	EXPECT(key_of(URL, "a", NOW + ISSUER_RETRY_MS).found);
	net.trouble = FETCH_UNREACHABLE;
	int64_t fetched = NOW + ISSUER_RETRY_MS;
	EXPECT(key_of(URL, "a", fetched + ISSUER_STALE_MS - 1).found);
	EXPECT(key_of(URL, "a", fetched + ISSUER_STALE_MS).t == ISSUER_UNREACHABLE);
	EXPECT(key_of(URL, "a", fetched + ISSUER_STALE_MS + ISSUER_RETRY_MS).t == ISSUER_UNREACHABLE);
	end();
}

static void what_no_issuer_says_is_not_believed(void)
{
	static const struct {
		const char *config, *keys;
		enum fetch_trouble trouble;
		enum issuer_trouble want;
	} cases[] = {
		{ "{\"issuer\":\"https://idp.example.com\",\"jwks_uri\":\"https://keys.example.com/jwks\"}", "", 0,
		  ISSUER_NO_KEYS },
		{ "{\"issuer\":\"https://idp.example.com/x\"}", "", 0, ISSUER_NO_KEYS },
		{ "{\"issuer\":\"https://idp.example.com/x\",\"jwks_uri\":7}", "", 0, ISSUER_NO_KEYS },
		{ "<html>", "", 0, ISSUER_NO_KEYS },
		{ CONFIG "x", "", 0, ISSUER_NO_KEYS },
		{ CONFIG, "{}", 0, ISSUER_NO_KEYS },
		{ CONFIG, "\xff", 0, ISSUER_NO_KEYS },
		{ CONFIG, "", FETCH_TOO_BIG, ISSUER_NO_KEYS },
		{ CONFIG, "", FETCH_ADDRESS, ISSUER_NO_KEYS },
		{ CONFIG, "", FETCH_URL, ISSUER_NO_KEYS },
		{ CONFIG, "", FETCH_STATUS, ISSUER_UNREACHABLE },
		{ CONFIG, "", FETCH_BUSY, ISSUER_UNREACHABLE },
		{ CONFIG, "", FETCH_CERTIFICATE, ISSUER_CERTIFICATE },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin();
		net.config = cases[i].config;
		net.keys = cases[i].keys;
		net.trouble = cases[i].trouble;
		EXPECT(key_of(URL, "a", NOW).t == cases[i].want);
		end();
	}
}

static void a_slash_at_the_end_is_the_issuers_but_not_the_paths(void)
{
	begin();
	net.config = "{\"issuer\":\"https://idp.example.com/x/\",\"jwks_uri\":\"https://keys.example.com/jwks\"}";
	EXPECT(key_of(S("idp.example.com/x/"), "a", NOW).found);
	EXPECT_STR(net.first, S("https://idp.example.com/x/.well-known/openid-configuration"));
	end();
}

static void only_so_many_issuers_are_kept(void)
{
	begin();
	struct arena *mem = arena_new();
	for (int i = 0; i < ISSUERS_MAX + 20; i++)
		(void)key_of(arena_printf(mem, "i%d.example.com", i), "a", NOW);
	int asked = net.asked;
	(void)key_of(S("i100.example.com"), "a", NOW); /* still there */
	EXPECT(net.asked == asked);
	(void)key_of(S("i0.example.com"), "a", NOW); /* given up */
	EXPECT(net.asked == asked + 1);
	arena_free(mem);
	end();
}

enum { TOGETHER = 8 };

static void *want_on_a_thread(void *arg)
{
	fiber_block_on(want, arg);
	return NULL;
}

static void one_asks_for_all(void)
{
	pthread_t threads[TOGETHER];
	struct wanting w[TOGETHER];
	begin();
	net.slow = true;
	for (size_t i = 0; i < TOGETHER; i++) {
		w[i] = (struct wanting){ .url = URL, .kid = S("a"), .now_ms = NOW };
		EXPECT(pthread_create(&threads[i], NULL, want_on_a_thread, &w[i]) == 0);
	}
	for (size_t i = 0; i < TOGETHER; i++) {
		pthread_join(threads[i], NULL);
		EXPECT(w[i].found);
	}
	EXPECT(net.asked == 1 && net.fetched == 1);
	end();
}

RUN_ALL(T(keys_are_found_and_kept), T(an_unknown_key_is_asked_for_but_not_again_and_again),
	T(an_issuer_that_is_down_is_asked_seldom_and_believed_for_a_while), T(what_no_issuer_says_is_not_believed),
	T(a_slash_at_the_end_is_the_issuers_but_not_the_paths), T(only_so_many_issuers_are_kept), T(one_asks_for_all))
