/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refused calls of nobody that was authenticated: anyone can make as many as the wire
 * carries, and each becomes a record that is kept. So these records have a rate (generic
 * cell rate: one number that says when the next one would be due), per source address and
 * in all. What is beyond is counted, and one record a minute says how many were left out,
 * so the trail never keeps quiet about it. Calls of authenticated callers have no limit.
 *
 * Addresses share SOURCES places by a seeded hash: two in one place share its rate.
 */
#include "api/trail_int.h"

#include "api/accounts.h"
#include "api/ids.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

enum { SECOND_US = 1000 * 1000, SUMMARY_MS = MINUTE_MS };

struct rate {
	int64_t every_us, burst;
};
static const struct rate of_source = { SECOND_US / STRANGERS_PER_SOURCE_S, STRANGERS_PER_SOURCE_BURST };
static const struct rate of_all = { SECOND_US / STRANGERS_S, STRANGERS_BURST };

static bool take(_Atomic int64_t *due_us, const struct rate *r, int64_t now_us)
{
	int64_t due = atomic_load_explicit(due_us, memory_order_relaxed), next;
	do {
		next = (due > now_us ? due : now_us) + r->every_us;
		if (next - now_us > r->every_us * r->burst)
			return false;
	} while (
	    !atomic_compare_exchange_weak_explicit(due_us, &due, next, memory_order_relaxed, memory_order_relaxed));
	return true;
}

bool trail_admits_stranger(struct trail *t, struct str source_ip)
{
	struct strangers *s = &t->strangers;
	int64_t now_us = t->app->world->mono_us(t->app->world);
	if (take(&s->due_us[str_hash(source_ip, s->seed) % SOURCES], &of_source, now_us) &&
	    take(&s->all_due_us, &of_all, now_us))
		return true;
	if (atomic_fetch_add(&s->left_out, 1) == 0) {
		atomic_store(&s->since_ms, app_now_ms(t->app));
		trail_ring(t); /* the collector may sleep for good */
	}
	return false;
}

static int64_t summary_in_ms(const struct strangers *s, int64_t now_ms)
{
	int64_t left = atomic_load(&s->since_ms) + SUMMARY_MS - now_ms;
	return left < 0 ? 0 : left > SUMMARY_MS ? SUMMARY_MS : left;
}

int trail_left_out_wait_ms(struct trail *t)
{
	if (!atomic_load(&t->strangers.left_out))
		return -1;
	return (int)summary_in_ms(&t->strangers, app_now_ms(t->app)) + 1;
}

/* As other events that CloudTrail makes by itself. */
static struct str summary(struct trail *t, struct arena *mem, uint64_t n, int64_t since_ms, int64_t now_ms)
{
	uint8_t id[16];
	struct buf b = buf_in(mem);
	world_random(t->app->world, id, sizeof id);
	struct str me = S("cloudtrail.amazonaws.com"), first = account_at(t->app->accounts, 0)->id;
	struct record r = {
		.event_id = str_make(id, sizeof id),
		.time_ms = now_ms,
		.region = t->app->region,
		.event_name = S("UnauthenticatedCallsLeftOut"),
		.event_source = me,
		.request_id = id_uuid(t->app->world, mem),
		.source_ip = me,
		.user_agent = me,
		.caller_kind = CALLER_SERVICE,
		.account = first,
		.invoked_by = me,
		.read_only = true,
		.from_inside = true,
		.extra = arena_printf(mem, "{\"refusedCallsLeftOut\":%llu,\"since\":\"%.*s\"}", (unsigned long long)n,
				      PR(time_iso8601(mem, since_ms))),
		.owner = first,
	};
	record_pack(&b, &r);
	return buf_str(&b);
}

void trail_tell_left_out(struct trail *t)
{
	struct strangers *s = &t->strangers;
	int64_t now_ms = app_now_ms(t->app), since_ms = atomic_load(&s->since_ms);
	if (!atomic_load(&s->left_out) || (summary_in_ms(s, now_ms) > 0 && !atomic_load(&t->stopping)))
		return;
	uint64_t n = atomic_exchange(&s->left_out, 0);
	batch_add(t, account_at(t->app->accounts, 0)->id, summary(t, t->batch.mem, n, since_ms, now_ms), NULL, 0);
}
