/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from the client's side:
 *
 *     call ── take a slot ── write ── submit, wait ── read ── wipe, give back
 *               │ none free                 ▲ the reaper, or the monitor when it failed
 *               └ wait in line              │
 */
#include "crypto/keyholder_client.h"

#include "base/fiber_wait.h"
#include "base/log.h"
#include "base/str.h"

/* Somebody who waits, on his own stack. */
struct waiter {
	struct keyholder *h;
	struct fiber_wait wait;
	uint16_t slot;
	struct status st;
	struct waiter *next;
};

/* ---- waiting ---- */

static void enter_line(void *arg)
{
	struct waiter *w = arg;
	struct keyholder *h = w->h;

	pthread_mutex_lock(&h->lock);
	bool now = h->n_free > 0;
	if (now) {
		w->slot = h->free[--h->n_free];
	} else {
		w->next = NULL;
		*h->line_end = w;
		h->line_end = &w->next;
	}
	pthread_mutex_unlock(&h->lock);
	if (now)
		fiber_wait_end(&w->wait);
}

static void take_slot(struct waiter *w, bool parks)
{
	struct keyholder *h = w->h;

	pthread_mutex_lock(&h->lock);
	bool got = h->n_free > 0;
	if (got)
		w->slot = h->free[--h->n_free];
	pthread_mutex_unlock(&h->lock);
	if (!got)
		fiber_wait(&w->wait, parks, enter_line, w);
}

static void give_slot(struct keyholder *h, uint16_t slot)
{
	pthread_mutex_lock(&h->lock);
	struct waiter *first = h->line;
	if (first) {
		h->line = first->next;
		if (!h->line)
			h->line_end = &h->line;
		first->slot = slot;
	} else {
		h->free[h->n_free++] = slot;
	}
	pthread_mutex_unlock(&h->lock);
	if (first)
		fiber_wait_end(&first->wait);
}

static void submit(void *arg)
{
	struct waiter *w = arg;
	struct keyholder *h = w->h;
	struct ring *r = &h->rings->to_holder;

	pthread_mutex_lock(&h->lock);
	bool up = h->up;
	if (up) {
		h->answers[w->slot] = w;
		h->health.calls++;
		ring_push(r, w->slot);
	} else {
		w->st = ERR(E_BUSY);
	}
	pthread_mutex_unlock(&h->lock);
	if (!up)
		fiber_wait_end(&w->wait);
	else if (ring_should_wake(r)) /* else one is awake, and looks again before it sleeps */
		ring_wake(r);
}

/* ---- calls ---- */

static struct status take_answer(struct str bytes, struct secret_pool *secrets, struct arena *mem, struct key_answer *a)
{
	struct key_answer got;
	struct str secret;
	struct status st;

	if (failed(key_answer_read(bytes, &st, &got, &secret)))
		return ERR(E_CORRUPT);
	TRY(st);
	*a = (struct key_answer){ .out = str_dup(mem, got.out), .face = str_dup(mem, got.face) };
	if (secret.n) {
		a->secret = secret_new(secrets, secret.n);
		memcpy(a->secret.p, secret.p, secret.n);
	}
	return OK;
}

static struct status call_in_slot(struct waiter *w, bool parks, struct secret_pool *secrets, const struct key_call *c,
				  struct arena *mem, struct key_answer *out)
{
	struct ring_slot *slot = &w->h->rings->slots[w->slot];
	size_t n = key_call_write(c, slot->bytes, sizeof slot->bytes), used = n;

	if (!n)
		return ERR(E_TOO_BIG);
	atomic_store_explicit(&slot->n, (uint32_t)n, memory_order_release);
	fiber_wait(&w->wait, parks, submit, w);
	struct status st = w->st, gone = w->st;
	n = atomic_load_explicit(&slot->n, memory_order_acquire);
	if (!failed(st))
		st = n > sizeof slot->bytes ? ERR(E_CORRUPT) : take_answer(str_make(slot->bytes, n), secrets, mem, out);
	if (failed(gone)) /* whoever died may have written part of an answer, of any length, and not said so */
		used = sizeof slot->bytes;
	secret_wipe(slot->bytes, n > used && n <= sizeof slot->bytes ? n : used);
	return st;
}

struct status keyholder_call(struct keyholder *h, bool parks, struct secret_pool *secrets, const struct key_call *c,
			     struct arena *mem, struct key_answer *out)
{
	struct waiter w = { .h = h };

	take_slot(&w, parks);
	struct status st = call_in_slot(&w, parks, secrets, c, mem, out);
	give_slot(h, w.slot);
	return st;
}

/* ---- the reaper: wakes whose answer is there ---- */

void keyholder_distrust(struct keyholder *h)
{
	h->distrusted = true;
	if (!h->up)
		return;
	log_error("the keyholder answered what was not asked, and is ended");
	(void)keyholder_say(h->fd, KEYHOLDER_END, 0);
}

static struct waiter *next_answered(struct keyholder *h, uint32_t *seen)
{
	uint16_t slot = 0;
	struct waiter *w = NULL;

	pthread_mutex_lock(&h->lock);
	*seen = ring_pushed(&h->rings->to_client);
	if (!h->distrusted) {
		struct status st = ring_pop(&h->rings->to_client, &h->popped, &slot);
		if (!failed(st)) {
			w = h->answers[slot];
			h->answers[slot] = NULL;
		}
		*seen = h->popped;
		if (st.code == E_CORRUPT || (!failed(st) && !w))
			keyholder_distrust(h);
	}
	pthread_mutex_unlock(&h->lock);
	return w;
}

void *keyholder_reap(void *arg)
{
	struct keyholder *h = arg;

	for (;;) {
		uint32_t seen, bell = ring_bell(&h->rings->to_client);
		struct waiter *w;
		if (keyholder_is_stopping(h))
			break;
		while ((w = next_answered(h, &seen)))
			fiber_wait_end(&w->wait);
		ring_sleep(&h->rings->to_client, seen, bell);
	}
	return NULL;
}

/* ---- when there is none ---- */

/* All who wait for an answer get E_BUSY. Who waits for a slot gets one as these give theirs back. */
void keyholder_fail_calls(struct keyholder *h)
{
	struct waiter *failed_ones = NULL;

	pthread_mutex_lock(&h->lock);
	h->up = false;
	for (size_t i = 0; i < RING_SLOTS; i++) {
		struct waiter *w = h->answers[i];
		if (!w)
			continue;
		w->st = ERR(E_BUSY);
		w->next = failed_ones;
		failed_ones = w;
		h->answers[i] = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	while (failed_ones) {
		struct waiter *w = failed_ones;
		failed_ones = w->next;
		fiber_wait_end(&w->wait);
	}
}
