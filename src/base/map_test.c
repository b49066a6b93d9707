/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map against a plain array, through many puts and deletions.
 */
#include "base/map.h"
#include "base/str.h"
#include "base/test.h"
#include "base/world.h"

static void values_are_found_replaced_and_removed(void)
{
	struct map m;
	int one = 1, two = 2;
	map_init(&m, 42);
	EXPECT(map_get(&m, S("a")) == NULL && map_del(&m, S("a")) == NULL);
	EXPECT(map_put(&m, S("a"), &one) == NULL && map_get(&m, S("a")) == &one);
	EXPECT(map_put(&m, S("a"), &two) == &one && map_get(&m, S("a")) == &two && m.n == 1);
	EXPECT(map_get(&m, S("b")) == NULL && map_get(&m, S("")) == NULL);
	EXPECT(map_put(&m, S(""), &one) == NULL && map_get(&m, S("")) == &one);
	EXPECT(map_del(&m, S("a")) == &two && map_get(&m, S("a")) == NULL && m.n == 1);
	map_free(&m);
	EXPECT(m.n == 0 && map_get(&m, S("")) == NULL);
}

static void keys_are_copied(void)
{
	struct map m;
	char key[] = "key";
	int v;
	map_init(&m, 1);
	map_put(&m, str_of(key), &v);
	key[0] = 'x';
	EXPECT(map_get(&m, S("key")) == &v && map_get(&m, S("xey")) == NULL);
	map_free(&m);
}

static struct str key_of(char text[16], unsigned i) { return str_make(text, (size_t)snprintf(text, 16, "k%u", i)); }

static void it_agrees_with_an_array_through_many_changes(void)
{
	enum { KEYS = 500, CHANGES = 50000 };
	static char there[KEYS], values[KEYS];
	struct world w;
	struct map m;
	char text[16];
	size_t n = 0;
	world_fake(&w, 0, 7);
	map_init(&m, 9);
	for (int c = 0; c < CHANGES; c++) {
		uint32_t r;
		world_random(&w, &r, sizeof(r));
		unsigned k = (r >> 8) % KEYS;
		void *was = there[k] ? &values[k] : NULL;
		EXPECT(map_get(&m, key_of(text, k)) == was);
		bool put = (r & 255) < (c / 10000 % 2 ? 90 : 160);
		EXPECT((put ? map_put(&m, key_of(text, k), &values[k]) : map_del(&m, key_of(text, k))) == was);
		n = n + (put && !was) - (!put && was);
		there[k] = put;
		EXPECT(m.n == n);
	}
	for (unsigned k = 0; k < KEYS; k++)
		EXPECT(map_get(&m, key_of(text, k)) == (there[k] ? &values[k] : NULL));
	map_free(&m);
}

static void a_walk_sees_every_pair_once(void)
{
	static int seen[1000];
	struct map m;
	char text[16];
	struct str key;
	void *value;
	size_t it = 0, n = 0;
	map_init(&m, 3);
	EXPECT(!map_next(&m, &it, &key, &value));
	for (unsigned i = 0; i < 1000; i++)
		map_put(&m, key_of(text, i), &seen[i]);
	for (it = 0; map_next(&m, &it, &key, &value); n++) {
		++*(int *)value;
		EXPECT(map_get(&m, key) == value);
	}
	EXPECT(n == 1000);
	for (int i = 0; i < 1000; i++)
		EXPECT(seen[i] == 1);
	map_free(&m);
}

RUN_ALL(T(values_are_found_replaced_and_removed), T(keys_are_copied), T(it_agrees_with_an_array_through_many_changes),
	T(a_walk_sees_every_pair_once))
