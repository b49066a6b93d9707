/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keyholder reads from memory that somebody else writes: ring entries, slot
 * lengths, calls. It answers or refuses; a call that reads well, writes back as it was.
 */
#include "base/buf.h"
#include "base/str.h"
#include "base/world.h"
#include "crypto/keyring_call.h"
#include "crypto/rings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct {
	struct world w;
	struct secret_pool *secrets;
	struct key_local *keys;
	struct rings *rings;
	char *room;
} here;

static void begin(void)
{
	struct root_set roots = { .n = 2, .key = { { 1 }, { 2 } } };
	world_fake(&here.w, 0, 1);
	here.secrets = secret_pool_new();
	here.keys = key_local_new(&here.w, here.secrets, &roots);
	here.rings = rings_new(NULL);
	here.room = heap_alloc(1, KEY_CALL_MAX);
}

/* The first bytes as a ring's count and entries. */
static void read_ring(struct rd *r)
{
	struct ring *ring = &here.rings->to_holder;
	uint32_t mine = rd_be32(r), taken = 0;
	uint16_t slot;
	atomic_store(&ring->pushed, rd_be32(r));
	for (size_t i = 0; i < 4; i++)
		atomic_store(&ring->at[i], rd_be16(r));
	while (taken <= RING_SLOTS && !failed(ring_pop(ring, &mine, &slot))) {
		assert(slot < RING_SLOTS);
		taken++;
	}
	assert(taken <= RING_SLOTS);
}

static void answer(struct str bytes, struct arena *mem)
{
	struct key_call call;
	struct key_answer a = { 0 };
	if (failed(key_call_read(bytes, mem, &call)))
		return;
	size_t n = key_call_write(&call, here.room, KEY_CALL_MAX);
	assert(n == bytes.n);
	if (key_call_is_slow(&call))
		return; /* what takes long; imports have a target of their own (import_unwrap) */
	struct status st = key_local_answer(here.keys, &call, mem, &a), got;
	struct key_answer back;
	struct str secret;
	n = key_answer_write(st, &a, here.room, KEY_CALL_MAX);
	assert(n && !failed(key_answer_read(str_make(here.room, n), &got, &back, &secret)) && got.code == st.code);
	secret_free(&a.secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!here.keys)
		begin();
	struct rd r = rd_of(str_make(data, n));
	read_ring(&r);
	if (r.bad)
		return 0;
	struct arena *mem = arena_new();
	struct ring_slot *slot = &here.rings->slots[0];
	struct str rest = rd_bytes(&r, (size_t)(r.end - r.p)), got;
	size_t fits = rest.n < sizeof slot->bytes ? rest.n : sizeof slot->bytes;
	memcpy(slot->bytes, rest.p, fits);
	atomic_store(&slot->n, n % 7 ? (uint32_t)fits : UINT32_MAX - (uint32_t)n);
	if (!failed(ring_slot_read(slot, here.room, &got)))
		answer(str_dup(mem, got), mem);
	arena_free(mem);
	return 0;
}
