/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyholder's side of the rings. Its threads take turns at the ring of calls: one pops,
 * and lets the next one look while it answers. A call is copied out of the shared memory
 * before it is looked at, since whoever wrote it may write on.
 *
 * What is not a call gets E_INVALID for an answer. A ring that makes no sense ends the
 * process: the guardian starts a new one, on clean rings.
 */
#include "crypto/keyholder_serve.h"

#include "base/log.h"
#include "base/str.h"
#include "crypto/harden.h"
#include "crypto/lib.h"
#include "crypto/sandbox.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

struct holder {
	struct rings *rings;
	struct key_local *keys;
	pthread_mutex_t pop, push;
	uint32_t popped; /* under pop */
	pthread_barrier_t started, sandboxed;
};

struct hand { /* of one thread */
	struct holder *h;
	struct arena *mem;
	char *room; /* where calls are copied to */
};

static uint16_t next_slot(struct holder *h)
{
	for (;;) {
		uint16_t slot = 0;
		uint32_t bell = ring_bell(&h->rings->to_holder);
		pthread_mutex_lock(&h->pop);
		struct status st = ring_pop(&h->rings->to_holder, &h->popped, &slot);
		uint32_t seen = h->popped;
		pthread_mutex_unlock(&h->pop);
		if (!failed(st))
			return slot;
		if (st.code == E_CORRUPT) {
			log_error("the ring of calls makes no sense");
			_exit(3);
		}
		ring_sleep(&h->rings->to_holder, seen, bell);
	}
}

static struct status answer(struct hand *me, struct ring_slot *slot, struct key_answer *a)
{
	struct str bytes;
	struct key_call call;

	TRY(ring_slot_read(slot, me->room, &bytes));
	struct status st = key_call_read(bytes, me->mem, &call);
	bool slow = !failed(st) && key_call_is_slow(&call);
	if (slow)
		ring_busy(&me->h->rings->to_holder, true);
	if (!failed(st))
		st = key_local_answer(me->h->keys, &call, me->mem, a);
	if (slow)
		ring_busy(&me->h->rings->to_holder, false);
	secret_wipe(me->room, bytes.n);
	return st;
}

static void answer_in(struct hand *me, struct ring_slot *slot)
{
	struct key_answer a = { 0 };
	struct status st = answer(me, slot, &a);
	size_t n = key_answer_write(st, &a, slot->bytes, sizeof slot->bytes);

	if (!n)
		n = key_answer_write(ERR(E_TOO_BIG), &(struct key_answer){ 0 }, slot->bytes, sizeof slot->bytes);
	atomic_store_explicit(&slot->n, (uint32_t)n, memory_order_release);
	secret_free(&a.secret);
	arena_wipe(me->mem);
}

static void hand_back(struct holder *h, uint16_t slot)
{
	struct ring *r = &h->rings->to_client;

	pthread_mutex_lock(&h->push);
	ring_push(r, slot);
	pthread_mutex_unlock(&h->push);
	if (ring_should_wake(r))
		ring_wake(r);
}

static _Noreturn void answer_forever(struct holder *h)
{
	struct hand me = { .h = h, .mem = arena_new(), .room = heap_alloc(1, KEY_CALL_MAX) };

	for (;;) {
		uint16_t slot = next_slot(h);
		answer_in(&me, &h->rings->slots[slot]);
		hand_back(h, slot);
	}
}

static void *thread_run(void *arg)
{
	struct holder *h = arg;

	(void)crypto_scratch();
	pthread_barrier_wait(&h->started);
	pthread_barrier_wait(&h->sandboxed);
	answer_forever(h);
}

/* All of this process's memory, where that much may be locked; else secrets' own pools lock what they can, and what
 * libcrypto has of asymmetric keys is not locked. */
static void lock_memory(void)
{
	struct rlimit r;

	if (process_is_sanitized())
		return;
	bool may = geteuid() == 0 || (getrlimit(RLIMIT_MEMLOCK, &r) == 0 && r.rlim_cur == RLIM_INFINITY);
	if (!may || mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
		log_warn(
		    "not all of the keyholder's memory is locked: asymmetric keys may reach swap; set RLIMIT_MEMLOCK "
		    "to unlimited");
}

/* One a core; never one alone, so that a long operation does not hold up the short ones. */
static unsigned threads_wanted(void)
{
	int64_t n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 2 ? 2 : n > KEYHOLDER_THREADS_MAX ? KEYHOLDER_THREADS_MAX : (unsigned)n;
}

static void start_threads(struct holder *h)
{
	unsigned n = threads_wanted();

	atomic_store(&h->rings->to_holder.consumers, n);
	pthread_barrier_init(&h->started, NULL, n);
	pthread_barrier_init(&h->sandboxed, NULL, n);
	for (unsigned i = 1; i < n; i++) {
		pthread_t t;
		if (pthread_create(&t, NULL, thread_run, h) != 0) {
			log_error("the keyholder cannot start its threads");
			_exit(4);
		}
		pthread_detach(t);
	}
	(void)crypto_scratch();
	pthread_barrier_wait(&h->started);
}

_Noreturn void keyholder_run(struct world *w, struct root_set *roots, struct root_offer *offer, struct rings *rings)
{
	struct holder h = { .rings = rings, .pop = PTHREAD_MUTEX_INITIALIZER, .push = PTHREAD_MUTEX_INITIALIZER };
	struct sandbox_report sandbox;

	prctl(PR_SET_NAME, "hf-keyholder", 0, 0, 0);
	crypto_start();
	lock_memory();
	h.keys = key_local_new(w, secret_pool_new(), roots);
	key_local_offer(h.keys, offer);
	start_threads(&h);
	if (failed(sandbox_enter(&sandbox)))
		_exit(KEYHOLDER_NO_SANDBOX);
	if (!sandbox.landlock)
		log_info("the keyholder runs without Landlock: this kernel does not have it");
	(void)!write(KEYHOLDER_READY_FD, "", 1);
	pthread_barrier_wait(&h.sandboxed);
	answer_forever(&h);
}
