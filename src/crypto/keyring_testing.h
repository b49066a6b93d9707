/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: a keyring on a root key of its own, with the keys in this process or in a
 * keyholder, and a key right under the root.
 */
#ifndef CRYPTO_KEYRING_TESTING_H
#define CRYPTO_KEYRING_TESTING_H

#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "crypto/ask.h"
#include "crypto/keyring.h"

#include <stdio.h>
#include <unistd.h>

struct place {
	struct world w;
	struct arena *mem;
	char dir[TEST_DIR_MAX], root[96];
	struct keyring *kr;
	struct key_ref account;
};

static inline struct key_ref new_key(struct place *p, const struct key_ref *parent, const char *purpose)
{
	struct str wrapped;
	EXPECT_OK(keyring_key_new(p->kr, parent, str_of(purpose), p->mem, &wrapped));
	return key_ref_of(parent, str_of(purpose), wrapped);
}

static inline struct place *place_new(bool apart)
{
	struct place *p = HEAP(struct place);
	struct asker nobody = ASK_NOBODY;
	world_real(&p->w);
	p->mem = arena_new();
	test_dir_new(p->dir);
	snprintf(p->root, sizeof p->root, "%s/root.key", p->dir);
	EXPECT_OK(keyring_create_root(&p->w, p->root));
	EXPECT_OK(apart ? keyring_open_apart(&p->w, p->root, &(struct keyring_apart){ .asker = &nobody }, &p->kr)
			: keyring_open(&p->w, p->root, &p->kr));
	p->account = new_key(p, NULL, "account/1");
	return p;
}

static inline void place_end(struct place *p)
{
	keyring_close(p->kr);
	unlink(p->root);
	rmdir(p->dir);
	arena_free(p->mem);
	heap_free(p);
}

#endif
