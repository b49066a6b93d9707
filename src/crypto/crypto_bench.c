/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pieces cost: one line each, nanoseconds a call or gigabytes a second. Each is
 * run for a tenth of a second five times, and the best run counts (machines are noisy).
 */
#include "base/test_dir.h"
#include "base/world.h"
#include "crypto/aead.h"
#include "crypto/checksum.h"
#include "crypto/hash.h"
#include "crypto/keyring.h"

#include <stdio.h>
#include <unistd.h>

enum { BIG = 64 * 1024, PAGE = 4096, RUN_US = 100000, RUNS = 5 };

struct bench {
	struct world w;
	struct arena *mem;
	struct keyring *kr;
	struct key_ref account, key;
	struct aead_key aead;
	struct gcm_key gcm;
	struct hmac_key hmac;
	struct str cipher;
	uint8_t raw[32], nonce[24], tag[16], big[BIG], out[BIG + 64];
	uint64_t sink;
};

static struct str first(struct bench *b, size_t n) { return str_make(b->big, n); }

static void do_sha256_64(struct bench *b) { sha256(first(b, 64), b->out); }
static void do_sha256_64k(struct bench *b) { sha256(first(b, BIG), b->out); }
static void do_md5_64k(struct bench *b) { md5(first(b, BIG), b->out); }
static void do_hmac(struct bench *b) { hmac_sha256(str_make(b->raw, 32), first(b, 100), b->out); }
static void do_hmac_key(struct bench *b) { hmac_key_mac(&b->hmac, first(b, 100), b->out); }
static void do_seal_page(struct bench *b)
{
	b->nonce[0]++;
	aead_seal_parts(&b->aead, b->nonce, S("page"), first(b, PAGE), b->out, b->tag);
}
static void do_open_page(struct bench *b)
{
	assert(!failed(aead_open_parts(&b->aead, b->nonce, S("page"), str_make(b->out, PAGE), b->tag, b->out + PAGE)));
}
static void do_random(struct bench *b) { world_random(&b->w, b->nonce, 24); }
static void do_gcm_seal(struct bench *b) { gcm_chunk_seal(&b->gcm, b->nonce, S("object"), first(b, BIG), b->out); }
static void do_gcm_open(struct bench *b)
{
	assert(!failed(gcm_chunk_open(&b->gcm, b->nonce, S("object"), str_make(b->out, BIG + 16), b->big)));
}
static void do_crc32(struct bench *b) { b->sink += crc32_update(0, first(b, BIG)); }
static void do_crc32c(struct bench *b) { b->sink += crc32c_update(0, first(b, BIG)); }
static void do_crc64(struct bench *b) { b->sink += crc64nvme_update(0, first(b, BIG)); }
static void do_key_ref(struct bench *b) { b->key = key_ref_of(&b->account, b->key.purpose, b->key.wrapped); }
static void do_keyring_seal(struct bench *b)
{
	arena_reset(b->mem);
	assert(!failed(keyring_seal(b->kr, &b->key, S("context"), first(b, 64), b->mem, &b->cipher)));
}
static void do_keyring_unseal(struct bench *b)
{
	struct str plain;

	arena_reset(b->mem);
	b->cipher = str_make(b->out, 64 + KEYRING_SEAL_OVERHEAD);
	assert(!failed(keyring_unseal(b->kr, &b->key, S("context"), b->cipher, b->mem, &plain)));
}
static void do_keyring_mac(struct bench *b) { assert(!failed(keyring_mac(b->kr, &b->key, first(b, 64), b->out))); }
static void do_keyring_miss(struct bench *b)
{
	struct str wrapped;

	arena_reset(b->mem);
	assert(!failed(keyring_key_new(b->kr, &b->account, S("kms/k"), b->mem, &wrapped)));
	struct key_ref k = key_ref_of(&b->account, S("kms/k"), wrapped);
	assert(!failed(keyring_check(b->kr, &k)));
}

static double run_once(struct bench *b, void (*fn)(struct bench *))
{
	int64_t start = b->w.mono_us(&b->w), now = start;
	int64_t n = 0;

	for (; now - start < RUN_US; now = b->w.mono_us(&b->w))
		for (int i = 0; i < 16; i++, n++)
			fn(b);
	return 1000.0 * (double)(now - start) / (double)n;
}

static void line(struct bench *b, const char *what, void (*fn)(struct bench *), size_t bytes)
{
	double best = 1e18;

	for (int i = 0; i < RUNS; i++) {
		double ns = run_once(b, fn);
		best = ns < best ? ns : best;
	}
	printf("%-44s %9.0f ns", what, best);
	printf(bytes ? " %7.2f GB/s\n" : "\n", (double)bytes / best);
}

static void open_keyring(struct bench *b)
{
	char dir[TEST_DIR_MAX], path[64];
	struct arena *keep = arena_new(); /* as long as the program */
	struct str wrapped;

	test_dir_new(dir);
	snprintf(path, sizeof path, "%s/root.key", dir);
	assert(!failed(keyring_create_root(&b->w, path)) && !failed(keyring_open(&b->w, path, &b->kr)));
	assert(unlink(path) == 0 && rmdir(dir) == 0);
	assert(!failed(keyring_key_new(b->kr, NULL, S("account/1"), keep, &wrapped)));
	b->account = key_ref_of(NULL, S("account/1"), wrapped);
	assert(!failed(keyring_key_new(b->kr, &b->account, S("kms/k"), keep, &wrapped)));
	b->key = key_ref_of(&b->account, S("kms/k"), wrapped);
}

static void lines(struct bench *b)
{
	line(b, "sha256, 64 B", do_sha256_64, 0);
	line(b, "sha256, 64 KiB", do_sha256_64k, BIG);
	line(b, "md5, 64 KiB", do_md5_64k, BIG);
	line(b, "hmac_sha256, key 32 B, 100 B", do_hmac, 0);
	line(b, "hmac_key_mac, 100 B", do_hmac_key, 0);
	line(b, "XAES-256-GCM seal, page of 4 KiB", do_seal_page, PAGE);
	line(b, "XAES-256-GCM open, page of 4 KiB", do_open_page, PAGE);
	line(b, "world_random, 24 B", do_random, 0);
	line(b, "AES-256-GCM seal, chunk of 64 KiB", do_gcm_seal, BIG);
	line(b, "AES-256-GCM open, chunk of 64 KiB", do_gcm_open, BIG);
	line(b, "crc32, 64 KiB", do_crc32, BIG);
	line(b, "crc32c, 64 KiB", do_crc32c, BIG);
	line(b, "crc64nvme, 64 KiB", do_crc64, BIG);
	line(b, "key_ref_of", do_key_ref, 0);
	line(b, "keyring_seal, 64 B", do_keyring_seal, 0);
	memcpy(b->out, b->cipher.p, b->cipher.n);
	line(b, "keyring_unseal, 64 B", do_keyring_unseal, 0);
	line(b, "keyring_mac, 64 B", do_keyring_mac, 0);
	line(b, "keyring_key_new and its first use", do_keyring_miss, 0);
}

int main(void)
{
	struct bench *b = HEAP(struct bench);

	world_real(&b->w);
	b->mem = arena_new();
	aead_key_init(&b->aead, b->raw);
	gcm_key_init(&b->gcm, b->raw);
	hmac_key_init(&b->hmac, str_make(b->raw, 32));
	open_keyring(b);
	lines(b);
	keyring_close(b->kr);
	return b->sink == 42; /* the sums are used, so they are computed */
}
