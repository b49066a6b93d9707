/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another root key: whatever stood under the old one opens under the new one, at every moment in between, and the old
 * one alone opens nothing afterwards.
 */
#include "crypto/root_rotation.h"

#include "base/codec.h"
#include "base/disk_fault.h"
#include "base/log.h"
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "crypto/keyring.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEYS = 3 };
static const struct str purposes[KEYS] = { { "system", 6 }, { "account/1", 9 }, { "account/2", 9 } };

struct place {
	struct world w;
	struct arena *mem;
	char dir[TEST_DIR_MAX], scratch[48], path[64];
	struct str wrapped[KEYS], child, cipher[KEYS]; /* what a store would keep */
};

static struct keyring *open_it(struct place *p)
{
	struct keyring *kr;
	EXPECT_OK(keyring_open(&p->w, p->path, &kr));
	return kr;
}

static struct key_ref key_of_place(struct place *p, size_t i) { return key_ref_of(NULL, purposes[i], p->wrapped[i]); }

static struct place *place_new(void)
{
	struct place *p = HEAP(struct place);
	world_real(&p->w);
	log_setup(-1, LOG_ERROR);
	p->mem = arena_new();
	test_dir_new(p->dir);
	snprintf(p->path, sizeof p->path, "%s/root", p->dir);
	snprintf(p->scratch, sizeof p->scratch, "%s-s", p->dir);
	EXPECT(mkdir(p->scratch, 0700) == 0);
	EXPECT_OK(keyring_create_root(&p->w, p->path));
	struct keyring *kr = open_it(p);
	for (size_t i = 0; i < KEYS; i++) {
		EXPECT_OK(keyring_key_new(kr, NULL, purposes[i], p->mem, &p->wrapped[i]));
		struct key_ref key = key_of_place(p, i);
		EXPECT_OK(keyring_seal(kr, &key, S("aad"), purposes[i], p->mem, &p->cipher[i]));
	}
	struct key_ref parent = key_of_place(p, 1);
	EXPECT_OK(keyring_key_new(kr, &parent, S("child"), p->mem, &p->child));
	keyring_close(kr);
	return p;
}

static size_t files_in(const char *dir)
{
	DIR *d = opendir(dir);
	size_t n = 0;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void place_end(struct place *p)
{
	char line[160];
	snprintf(line, sizeof line, "rm -r %s %s", p->dir, p->scratch);
	EXPECT(system(line) == 0);
	arena_free(p->mem);
	heap_free(p);
}

static void all_opens(struct place *p, struct keyring *kr)
{
	struct str plain;
	for (size_t i = 0; i < KEYS; i++) {
		struct key_ref key = key_of_place(p, i);
		EXPECT_OK(keyring_unseal(kr, &key, S("aad"), p->cipher[i], p->mem, &plain));
		EXPECT_STR(plain, purposes[i]);
	}
	struct key_ref parent = key_of_place(p, 1), child = key_ref_of(&parent, S("child"), p->child);
	EXPECT_OK(keyring_check(kr, &child));
}

static void all_opens_after_a_start(struct place *p)
{
	struct keyring *kr = open_it(p);
	all_opens(p, kr);
	keyring_close(kr);
}

static struct status begin(struct place *p)
{
	struct asker nobody = ASK_NOBODY;
	struct root_wish wish = { 0 };
	uint8_t root[ROOT_KEY_SIZE];
	TRY(root_open(&p->w, p->path, &nobody, root));
	return root_rotation_begin(&p->w, p->path, &wish, &nobody, root);
}

static size_t rewrap_all(struct place *p, struct keyring *kr)
{
	size_t n = 0;
	for (size_t i = 0; i < KEYS; i++) {
		struct key_ref key = key_of_place(p, i);
		struct str wrapped;
		EXPECT_OK(keyring_rewrap(kr, &key, p->mem, &wrapped));
		if (!wrapped.p)
			continue;
		p->wrapped[i] = wrapped;
		struct key_ref now = key_of_place(p, i);
		EXPECT(memcmp(now.id, key.id, sizeof key.id) == 0);
		n++;
	}
	return n;
}

static void rotate(struct place *p, size_t keys)
{
	EXPECT_OK(begin(p));
	struct keyring *kr = open_it(p);
	EXPECT(rewrap_all(p, kr) == keys && rewrap_all(p, kr) == 0);
	all_opens(p, kr);
	keyring_close(kr);
	EXPECT_OK(root_rotation_finish(&p->w, p->path));
}

static void keys_open_under_the_new_root_alone(void)
{
	struct place *p = place_new();
	uint8_t before[ROOT_KEY_SIZE], after[ROOT_KEY_SIZE];
	struct str first[KEYS];
	memcpy(first, p->wrapped, sizeof first);
	EXPECT_OK(rootfile_read(&p->w, p->path, before));
	rotate(p, KEYS);
	EXPECT_OK(rootfile_read(&p->w, p->path, after));
	EXPECT(memcmp(before, after, sizeof after) != 0 && files_in(p->dir) == 1);
	all_opens_after_a_start(p);
	struct keyring *kr = open_it(p);
	for (size_t i = 0; i < KEYS; i++) {
		struct key_ref old = key_ref_of(NULL, purposes[i], first[i]);
		EXPECT_ERR(keyring_check(kr, &old), E_NO_KEY);
	}
	keyring_close(kr);
	place_end(p);
}

static void it_can_be_done_again_and_again(void)
{
	struct place *p = place_new();
	for (unsigned i = 0; i < 6; i++) {
		rotate(p, KEYS);
		all_opens_after_a_start(p);
	}
	place_end(p);
}

static void a_key_made_meanwhile_is_under_the_new_root(void)
{
	struct place *p = place_new();
	struct str wrapped, again;
	EXPECT_OK(begin(p));
	EXPECT_ERR(begin(p), E_BUSY);
	struct keyring *kr = open_it(p);
	EXPECT_OK(keyring_key_new(kr, NULL, S("account/3"), p->mem, &wrapped));
	struct key_ref key = key_ref_of(NULL, S("account/3"), wrapped);
	EXPECT_OK(keyring_rewrap(kr, &key, p->mem, &again));
	EXPECT(!again.p && rewrap_all(p, kr) == KEYS);
	keyring_close(kr);
	EXPECT_OK(root_rotation_finish(&p->w, p->path));
	kr = open_it(p);
	EXPECT_OK(keyring_check(kr, &key));
	keyring_close(kr);
	place_end(p);
}

static void a_rewrapped_key_opens_in_its_own_place_only(void)
{
	struct place *p = place_new();
	struct str bad, child;
	rotate(p, KEYS);
	struct keyring *kr = open_it(p);
	all_opens(p, kr); /* in the cache, too, a mix-up finds nothing */
	struct key_ref mixed = key_ref_of(NULL, purposes[1], p->wrapped[2]), parent = key_of_place(p, 2);
	EXPECT_ERR(keyring_check(kr, &mixed), E_NO_KEY);
	EXPECT_ERR(keyring_rewrap(kr, &mixed, p->mem, &bad), E_NO_KEY);
	struct key_ref below = key_ref_of(&parent, purposes[1], p->wrapped[1]);
	EXPECT_ERR(keyring_check(kr, &below), E_NO_KEY);
	keyring_close(kr);
	for (size_t at = 0; at < KEY_REWRAPPED_SIZE; at++) {
		kr = open_it(p);
		bad = str_dup(p->mem, p->wrapped[1]);
		((char *)(uintptr_t)bad.p)[at] ^= 1;
		struct key_ref key = key_ref_of(NULL, purposes[1], bad);
		EXPECT_ERR(keyring_check(kr, &key), E_NO_KEY);
		child = p->child;
		struct key_ref orphan = key_ref_of(&key, S("child"), child);
		EXPECT_ERR(keyring_check(kr, &orphan), E_NO_KEY);
		keyring_close(kr);
	}
	place_end(p);
}

/* The ids that formats 1 and 3 give are kept in AADs on disk: they never change. */
static void ids_are_as_they_always_were(void)
{
	struct arena *mem = arena_new();
	char v1[KEY_WRAPPED_SIZE] = { 1 }, v3[KEY_REWRAPPED_SIZE] = { 3 };
	struct key_ref a = key_ref_of(NULL, S("account/1"), str_make(v1, sizeof v1));
	struct key_ref b = key_ref_of(&a, S("child"), str_make(v1, sizeof v1));
	struct key_ref c = key_ref_of(NULL, S("account/1"), str_make(v3, sizeof v3));
	EXPECT_STR(hex_encode(mem, str_make(a.id, 32)),
		   S("38750d29a5ebfc9eac69e82eeb5a9b9bc868ea46be23287e0748a76abbb89041"));
	EXPECT_STR(hex_encode(mem, str_make(b.id, 32)),
		   S("605562f3f82060b29e5c2c33bc97f196a930383636bf056620d9f97f8a9ef7c0"));
	EXPECT_STR(hex_encode(mem, str_make(c.id, 32)),
		   S("672eab054f847cd012d33e4a087729d74e0ff93d3250d36155c70913b66ec837"));
	arena_free(mem);
}

/* Made by the release before rotation was there: root, account key, child, ciphertext. */
static void what_was_made_before_there_was_rotation_opens_after_one(void)
{
	struct place *p = place_new();
	struct str root, account, child, cipher, plain, wrapped;
	EXPECT_OK(hex_decode(p->mem, S("16db9be6ff356e01d5f15570d19d957973a10a6bdc1d28eb1f3e036956fcfe83"), &root));
	EXPECT_OK(hex_decode(p->mem,
			     S("01cc2c43a8c544fc0e51dc721b7fede72194bac7931303c83764843cac7bfcaf17bea72fbcfafa9f7c8705c"
			       "1522a4c0e3ba545b8139160803a45fd4a951d36bb83322cf70dfb73a7f3"),
			     &account));
	EXPECT_OK(hex_decode(p->mem,
			     S("01edb68ddc97510ff710af5fe8b3e22fd6c101fbd3007a36824e83fc436b8f25a2663b76c3114ac4e599233"
			       "1eca1cbec5e867bfa1b9e42ee40510ff4369a76022397d3142bd69946a3"),
			     &child));
	EXPECT_OK(hex_decode(p->mem,
			     S("0167176ac2b4ed8cfd036321fe97892856488070da51f3d2e937275e581a3f9c81a42eaacf21534481b2370"
			       "0c38c1a43b4f92655"),
			     &cipher));
	EXPECT(unlink(p->path) == 0);
	EXPECT_OK(rootfile_create(&p->w, p->path, (const uint8_t *)root.p));
	EXPECT_OK(begin(p));
	struct keyring *kr = open_it(p);
	struct key_ref key = key_ref_of(NULL, S("account/1"), account);
	EXPECT_OK(keyring_rewrap(kr, &key, p->mem, &wrapped));
	keyring_close(kr);
	EXPECT_OK(root_rotation_finish(&p->w, p->path));
	kr = open_it(p);
	key = key_ref_of(NULL, S("account/1"), wrapped);
	struct key_ref below = key_ref_of(&key, S("service/kms"), child);
	EXPECT_OK(keyring_unseal(kr, &below, S("aad"), cipher, p->mem, &plain));
	EXPECT_STR(plain, S("made before"));
	keyring_close(kr);
	place_end(p);
}

/* ---- interruptions ---- */

/* As a server does it: what is wrapped anew is kept at once. */
static struct status whole(struct place *p)
{
	struct keyring *kr;
	if (!root_rotation_under_way(&p->w, p->path))
		TRY(begin(p));
	TRY(keyring_open(&p->w, p->path, &kr));
	rewrap_all(p, kr);
	keyring_close(kr);
	return root_rotation_finish(&p->w, p->path);
}

/* However the disk stops: all opens with what is there, and the next try brings it to its end. */
static void interrupted_at(struct place *p, struct disk_fault *df, uint64_t at, uint64_t seed)
{
	struct disk *real = p->w.disk;
	disk_fault_init(df, real, p->scratch);
	df->power_loss_at = at;
	df->keep_seed = seed;
	p->w.disk = &df->disk;
	(void)whole(p).code;
	disk_fault_power_on(df);
	disk_fault_end(df);
	p->w.disk = real;
	all_opens_after_a_start(p);
	EXPECT_OK(whole(p));
	all_opens_after_a_start(p);
	EXPECT(files_in(p->dir) == 1);
}

static uint64_t calls_of_a_whole_one(void)
{
	struct place *p = place_new();
	struct disk_fault df;
	struct disk *real = p->w.disk;
	disk_fault_init(&df, real, p->scratch);
	p->w.disk = &df.disk;
	EXPECT_OK(whole(p));
	uint64_t n = df.calls;
	disk_fault_end(&df);
	p->w.disk = real;
	place_end(p);
	return n;
}

static void the_power_may_fail_at_any_step(void)
{
	uint64_t n = calls_of_a_whole_one();
	EXPECT(n > 10);
	for (uint64_t seed = 0; seed < 3; seed++)
		for (uint64_t at = 1; at <= n; at++) {
			struct place *p = place_new();
			struct disk_fault df;
			interrupted_at(p, &df, at, seed);
			place_end(p);
		}
}

static void any_failing_call_leaves_all_readable(void)
{
	uint64_t n = calls_of_a_whole_one();
	for (uint64_t at = 1; at <= n; at++) {
		struct place *p = place_new();
		struct disk_fault df;
		struct disk *real = p->w.disk;
		disk_fault_init(&df, real, p->scratch);
		df.fail_at = at;
		df.fail_errno = 28;
		p->w.disk = &df.disk;
		(void)whole(p).code;
		disk_fault_end(&df);
		p->w.disk = real;
		all_opens_after_a_start(p);
		EXPECT_OK(whole(p));
		all_opens_after_a_start(p);
		place_end(p);
	}
}

static void the_bytes_of_the_old_root_key_are_overwritten(void)
{
	struct place *p = place_new();
	char text[ROOTFILE_LOAD_MAX];
	EXPECT_OK(begin(p));
	int old = open(p->path, O_RDONLY), over;
	char path[80];
	snprintf(path, sizeof path, "%s.handover", p->path);
	over = open(path, O_RDONLY);
	EXPECT(old >= 0 && over >= 0);
	struct keyring *kr = open_it(p);
	rewrap_all(p, kr);
	keyring_close(kr);
	EXPECT_OK(root_rotation_finish(&p->w, p->path));
	int fds[] = { old, over };
	for (size_t i = 0; i < COUNT(fds); i++) {
		ssize_t n = pread(fds[i], text, sizeof text, 0);
		EXPECT(n > 100);
		for (ssize_t k = 0; k < n; k++)
			EXPECT(text[k] == 0);
		close(fds[i]);
	}
	place_end(p);
}

RUN_ALL(T(keys_open_under_the_new_root_alone), T(it_can_be_done_again_and_again),
	T(a_key_made_meanwhile_is_under_the_new_root), T(a_rewrapped_key_opens_in_its_own_place_only),
	T(ids_are_as_they_always_were), T(what_was_made_before_there_was_rotation_opens_after_one),
	T(the_power_may_fail_at_any_step), T(any_failing_call_leaves_all_readable),
	T(the_bytes_of_the_old_root_key_are_overwritten))
