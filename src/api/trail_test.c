/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trail holds every call exactly once, in order, whatever happens between.
 */
#include "api/trail.h"

#include "api/accounts.h"
#include "api/fake_service.h"
#include "api/trail_int.h"
#include "api/world.h"
#include "base/buf.h"
#include "base/fiber.h"
#include "base/str.h"
#include "base/time.h"

#include <errno.h>
#include <stdatomic.h>

static const int64_t JAN_1 = 1767225600000; /* 2026, UTC */

static struct test_world *begin(void)
{
	return world_begin(&(struct world_parts){ .services = fake_services, .now_ms = JAN_1 });
}

static void call(struct test_world *w, const char *op, const char *name)
{
	struct test_reply r =
	    world_call(w, world_root(w), "vault", op, "{'Name':'%s','Secret':'hush','Count':3}", name);
	EXPECT(r.status == (strcmp(name, "sealed") ? 200 : 400));
}

/* ---- looking up ------------------------------------------------------------------- */

struct asking {
	struct lookup l;
	struct record *v;
	size_t n;
	bool more;
};

struct asked {
	struct test_world *w;
	struct asking *a;
};

static void ask_with(struct req *rq, void *arg)
{
	struct asked *k = arg;
	struct asking *a = k->a;
	EXPECT_OK(trail_lookup(rq->app->trail, world_mem(k->w), &a->l, &a->v, &a->n, &a->more));
}

static struct asking ask(struct test_world *w, struct lookup l)
{
	if (!l.account.p)
		l.account = WORLD_ACCOUNT;
	if (!l.region.p)
		l.region = S("us-east-1");
	if (!l.max)
		l.max = 5000;
	if (!l.block && !l.index) {
		l.block = LOOKUP_START_BLOCK;
		l.index = LOOKUP_START_INDEX;
	}
	struct asking a = { .l = l };
	world_in_fiber(w, ask_with, &(struct asked){ w, &a });
	return a;
}

static size_t count(struct test_world *w, struct lookup l) { return ask(w, l).n; }

/* ---- promises ----------------------------------------------------------------------- */

static void reads_refusals_and_effects_are_all_there_newest_first(void)
{
	struct test_world *w = begin();
	call(w, "Get", "a");
	world_later(w, 1000);
	call(w, "Put", "b");
	world_later(w, 1000);
	call(w, "Get", "sealed");
	struct asking a = ask(w, (struct lookup){ 0 });
	EXPECT(a.n == 3 && !a.more);
	EXPECT_STR(a.v[0].error_code, S("SealedException"));
	EXPECT_STR(a.v[1].event_name, S("Put"));
	EXPECT_STR(a.v[2].event_name, S("Get"));
	EXPECT(a.v[2].time_ms == JAN_1 && a.v[0].time_ms == JAN_1 + 2000);
	EXPECT_STR(a.v[1].owner, WORLD_ACCOUNT);
	world_end(w);
}

static void a_failed_effect_is_recorded_as_failed_and_nothing_is_left(void)
{
	struct test_world *w = begin();
	call(w, "Put", "sealed"); /* fails after it wrote */
	struct asking a = ask(w, (struct lookup){ 0 });
	EXPECT(a.n == 1);
	EXPECT_STR(a.v[0].error_code, S("SealedException"));
	EXPECT(!a.v[0].response.n);
	world_end(w);
}

static void nothing_secret_is_in_a_record(void)
{
	struct test_world *w = begin();
	call(w, "Put", "a");
	call(w, "Get", "a");
	struct asking a = ask(w, (struct lookup){ 0 });
	EXPECT(a.n == 2);
	for (size_t i = 0; i < a.n; i++) {
		struct str json = record_json(world_mem(w), &a.v[i]);
		EXPECT(str_find(json, S("hush")) == SIZE_MAX && str_find(json, S("top secret")) == SIZE_MAX);
		EXPECT(str_find(json, S("HIDDEN_DUE_TO_SECURITY_REASONS")) != SIZE_MAX);
	}
	world_end(w);
}

/* ---- scanning ---------------------------------------------------------------------------- */

struct scanning {
	uint64_t block, max, end;
	int64_t times[8];
	size_t n;
};

static void note_time(void *arg, const struct record *r)
{
	struct scanning *s = arg;
	EXPECT(s->n < COUNT(s->times));
	EXPECT_STR(r->recipient, WORLD_ACCOUNT);
	s->times[s->n++] = r->time_ms - JAN_1;
}

static void scan_with(struct req *rq, void *arg)
{
	struct scanning *s = arg;
	EXPECT_OK(trail_flush(rq->app->trail));
	s->n = 0;
	EXPECT_OK(trail_scan(rq->app->trail, WORLD_ACCOUNT, &s->block, s->max, note_time, s));
	s->end = trail_end(rq->app->trail, WORLD_ACCOUNT);
}

static void scanning_goes_on_where_it_was_oldest_first(void)
{
	struct test_world *w = begin();
	struct scanning s = { .max = 1000 };
	world_in_fiber(w, scan_with, &s);
	EXPECT(s.n == 0 && s.block == 0 && s.end == 0);
	for (int i = 0; i < 5; i++) {
		call(w, i % 2 ? "Put" : "Get", "a");
		(void)count(w, (struct lookup){ 0 }); /* flushes: a block of its own */
		world_later(w, 1000);
	}
	s.max = 2;
	world_in_fiber(w, scan_with, &s);
	EXPECT(s.n == 2 && s.times[0] == 0 && s.times[1] == 1000 && s.block < s.end);
	world_in_fiber(w, scan_with, &s);
	EXPECT(s.n == 2 && s.times[0] == 2000 && s.times[1] == 3000);
	world_in_fiber(w, scan_with, &s);
	EXPECT(s.n == 1 && s.times[0] == 4000 && s.block == s.end);
	world_restart(w);
	world_in_fiber(w, scan_with, &s);
	EXPECT(s.n == 0 && s.block == s.end);
	call(w, "Get", "a");
	world_in_fiber(w, scan_with, &s);
	EXPECT(s.n == 1 && s.times[0] == 5000);
	world_end(w);
}

static void a_restart_forgets_nothing_and_repeats_nothing(void)
{
	struct test_world *w = begin();
	for (int round = 0; round < 5; round++) {
		call(w, "Put", "a");
		call(w, "Get", "a");
		world_restart(w);
	}
	EXPECT(count(w, (struct lookup){ 0 }) == 10);
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_EVENT_NAME, .value = S("Put") }) == 5);
	world_end(w);
}

/* ---- strangers ---------------------------------------------------------------------------- */

static struct caller nobody(void)
{
	return (struct caller){ .kind = CALLER_ANONYMOUS, .account = S("anonymous"), .principal_id = S("anonymous") };
}

struct knocking {
	const char *from;
	size_t times, admitted;
};

static void knock(struct req *rq, void *arg)
{
	struct knocking *k = arg;
	for (size_t i = 0; i < k->times; i++)
		k->admitted += trail_admits_stranger(rq->app->trail, str_of(k->from));
}

static size_t admitted(struct test_world *w, const char *from, size_t times)
{
	struct knocking k = { from, times, 0 };
	world_in_fiber(w, knock, &k);
	return k.admitted;
}

static void strangers_are_recorded_at_a_rate_of_each_and_of_all(void)
{
	struct test_world *w = begin();
	EXPECT(admitted(w, "192.0.2.1", STRANGERS_PER_SOURCE_BURST + 100) == STRANGERS_PER_SOURCE_BURST);
	EXPECT(admitted(w, "192.0.2.2", 10) == 10);
	world_later(w, 1000);
	EXPECT(admitted(w, "192.0.2.1", 2 * STRANGERS_PER_SOURCE_S) == STRANGERS_PER_SOURCE_S);
	world_later(w, 60 * 1000);
	size_t all = 0;
	for (int i = 0; i < 40; i++)
		all += admitted(w, str_z(world_mem(w), arena_printf(world_mem(w), "198.51.100.%d", i)), 1000);
	EXPECT(all == STRANGERS_BURST);
	world_end(w);
}

static void what_was_left_out_is_said_so_and_callers_who_proved_themselves_are_never_left_out(void)
{
	struct test_world *w = begin();
	struct lookup told = { .attribute = LOOKUP_EVENT_NAME, .value = S("UnauthenticatedCallsLeftOut") };
	EXPECT(admitted(w, "192.0.2.1", STRANGERS_PER_SOURCE_BURST + 98) == STRANGERS_PER_SOURCE_BURST);
	for (int i = 0; i < 3; i++)
		call(w, "Get", "sealed");
	EXPECT(count(w, (struct lookup){ 0 }) == 3);
	EXPECT(count(w, told) == 0); /* not yet */
	world_later(w, MINUTE_MS);
	struct asking a = ask(w, told);
	EXPECT(a.n == 1);
	struct str json = record_json(world_mem(w), &a.v[0]);
	EXPECT(str_find(json, S("\"refusedCallsLeftOut\":98")) != SIZE_MAX);
	EXPECT(str_find(json, S("2026-01-01T00:00:00Z")) != SIZE_MAX);
	EXPECT(count(w, told) == 1);
	EXPECT(admitted(w, "192.0.2.1", 100000) < 100000);
	world_restart(w); /* stopping tells the rest */
	EXPECT(count(w, told) == 2);
	world_end(w);
}

static void a_refused_call_of_nobody_is_recorded_while_there_is_room(void)
{
	struct test_world *w = begin();
	EXPECT(world_call(w, nobody(), "vault", "Get", "{'Name':'sealed'}").status == 400);
	EXPECT(count(w, (struct lookup){ 0 }) == 1);
	(void)admitted(w, "192.0.2.1", 100000);
	EXPECT(world_call(w, nobody(), "vault", "Get", "{'Name':'sealed'}").status == 400);
	EXPECT(count(w, (struct lookup){ 0 }) == 1);
	call(w, "Get", "a");
	EXPECT(count(w, (struct lookup){ 0 }) == 2);
	world_end(w);
}

/* ---- a crash at the worst moment ------------------------------------------------------- */

static void leave_effect(struct req *rq, void *arg)
{
	struct shard *shard;
	struct txn *t;
	(void)arg;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(txn_write(shard, &t));
	rq->op = service_op(rq->svc, S("Put"));
	EXPECT_OK(txn_outbox(t, record_make(rq)));
	EXPECT_OK(txn_commit(t));
}

/* Effects of which the collector has not heard when the crash comes. */
static void unheard_effects(struct test_world *w, int n)
{
	struct app *app = world_app(w);
	struct trail *t = app->trail;
	app->trail = NULL;
	while (n-- > 0)
		world_in_fiber(w, leave_effect, NULL);
	app->trail = t;
}

static void what_was_logged_but_not_confirmed_is_not_logged_twice(void)
{
	struct test_world *w = begin();
	atomic_store(&world_app(w)->trail->untold, true);
	call(w, "Put", "a");
	call(w, "Put", "a");
	EXPECT(count(w, (struct lookup){ 0 }) == 2);
	unheard_effects(w, 1);
	world_restart(w); /* the outbox still holds all three */
	EXPECT(count(w, (struct lookup){ 0 }) == 3);
	world_restart(w);
	EXPECT(count(w, (struct lookup){ 0 }) == 3);
	call(w, "Put", "a");
	EXPECT(count(w, (struct lookup){ 0 }) == 4);
	world_end(w);
}

static void an_outbox_left_by_a_crash_is_delivered_at_start(void)
{
	struct test_world *w = begin();
	unheard_effects(w, 3);
	EXPECT(count(w, (struct lookup){ 0 }) == 0);
	world_restart(w);
	EXPECT(count(w, (struct lookup){ 0 }) == 3);
	world_end(w);
}

/* Marks must survive many blocks that do not name the shard. */
static void watermarks_survive_many_blocks(void)
{
	struct test_world *w = begin();
	atomic_store(&world_app(w)->trail->untold, true);
	call(w, "Put", "a");
	for (int i = 0; i < 150; i++) {
		call(w, "Get", "a");
		(void)count(w, (struct lookup){ .max = 1 }); /* flushes: a block each */
	}
	world_restart(w);
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_EVENT_NAME, .value = S("Put") }) == 1);
	world_end(w);
}

/* ---- two accounts -------------------------------------------------------------------------- */

struct foreign {
	struct str caller;
};

static void make_foreign(struct req *rq, void *arg)
{
	struct foreign *f = arg;
	rq->op = service_op(rq->svc, S("Get"));
	rq->caller.kind = CALLER_USER;
	rq->caller.account = f->caller;
	rq->caller.principal_id = S("AIDAFOREIGN");
	rq->caller.name = S("alice");
	EXPECT_OK(trail_append(rq->app->trail, rq->account, record_make(rq)));
}

static void a_call_across_accounts_is_in_both_logs(void)
{
	struct test_world *w = begin();
	char a_id[36], b_id[36];
	world_in_fiber(w, make_foreign, &(struct foreign){ WORLD_OTHER });
	struct asking a = ask(w, (struct lookup){ 0 }), b = ask(w, (struct lookup){ .account = WORLD_OTHER });
	EXPECT(a.n == 1 && b.n == 1);
	record_event_id(&a.v[0], a_id);
	record_event_id(&b.v[0], b_id);
	EXPECT(memcmp(a_id, b_id, sizeof a_id) != 0);
	EXPECT(a.v[0].shared_event_id.n && str_eq(a.v[0].shared_event_id, b.v[0].shared_event_id));
	EXPECT_STR(record_username(&a.v[0]), S("")); /* the owner learns whose it was, not who */
	EXPECT_STR(record_username(&b.v[0]), S("alice"));
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_USERNAME, .value = S("alice") }) == 0);
	EXPECT(count(w, (struct lookup){ .account = WORLD_OTHER, .attribute = LOOKUP_USERNAME, .value = S("alice") }) ==
	       1);
	EXPECT(count(w, (struct lookup){
			    .account = WORLD_OTHER, .attribute = LOOKUP_EVENT_ID, .value = str_make(b_id, 36) }) == 1);
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_EVENT_ID, .value = str_make(b_id, 36) }) == 0);
	world_end(w);
}

static void a_foreign_account_that_is_not_here_is_in_the_owners_log_only(void)
{
	struct test_world *w = begin();
	world_in_fiber(w, make_foreign, &(struct foreign){ S("999999999999") });
	EXPECT(count(w, (struct lookup){ 0 }) == 1);
	EXPECT(count(w, (struct lookup){ .account = WORLD_OTHER }) == 0);
	world_end(w);
}

static void create_account(struct req *rq, void *arg)
{
	const struct account *made;
	(void)arg;
	EXPECT_OK(
	    account_create(rq->app->accounts, S("777788889999"), (struct account_root){ S("AKIA7"), S("s") }, &made));
}

static void an_account_made_while_running_has_its_log(void)
{
	struct test_world *w = begin();
	world_in_fiber(w, create_account, NULL);
	struct caller root = world_root_of(w, S("777788889999"));
	EXPECT(world_call(w, root, "vault", "Put", "{'Name':'a'}").status == 200);
	EXPECT(count(w, (struct lookup){ .account = S("777788889999") }) == 1);
	world_restart(w);
	EXPECT(count(w, (struct lookup){ .account = S("777788889999") }) == 1);
	world_end(w);
}

/* ---- many ------------------------------------------------------------------------------------ */

enum { MANY = 6000 };

struct burst {
	int n;
	int64_t step_ms;
};

static void append_many(struct req *rq, void *arg)
{
	const struct burst *b = arg;
	for (int i = 0; i < b->n; i++) {
		struct arena *mem = arena_new();
		struct req one = *rq;
		one.mem = mem;
		one.op = service_op(rq->svc, i % 3 ? S("Get") : S("Fetch"));
		one.now_ms = rq->now_ms + i * b->step_ms;
		one.caller.access_key_id = arena_printf(mem, "AKIA%d", i);
		one.in = &(struct vault_in){ .name = arena_printf(mem, "name-%d", i) };
		struct status st = trail_append(rq->app->trail, rq->account, record_make(&one));
		EXPECT_OK(st);
		arena_free(mem);
	}
}

static void blocks_are_skipped_and_pages_cover_everything_once(void)
{
	struct test_world *w = begin();
	world_in_fiber(w, append_many, &(struct burst){ MANY, 10 });
	EXPECT(count(w, (struct lookup){ .max = MANY + 1 }) == MANY);
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_ACCESS_KEY_ID, .value = S("AKIA17") }) == 1);
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_EVENT_NAME, .value = S("Fetch") }) == MANY / 3);
	EXPECT(count(w, (struct lookup){ .region = S("eu-west-1") }) == 0);
	struct lookup l = { .account = WORLD_ACCOUNT,
			    .region = S("us-east-1"),
			    .max = 700,
			    .block = LOOKUP_START_BLOCK,
			    .index = LOOKUP_START_INDEX };
	size_t total = 0;
	int64_t last = INT64_MAX;
	for (bool more = true; more;) {
		struct asking a = ask(w, l);
		for (size_t i = 0; i < a.n; i++) {
			EXPECT(a.v[i].time_ms < last);
			last = a.v[i].time_ms;
		}
		total += a.n;
		more = a.more;
		l = a.l;
	}
	EXPECT(total == MANY);
	world_end(w);
}

enum { THREADS = 4, EACH = 3000 };

struct appending {
	struct trail *trail;
	struct str record;
};

static void *append_often(void *arg)
{
	const struct appending *a = arg;
	for (int i = 0; i < EACH; i++)
		EXPECT_OK(trail_append(a->trail, WORLD_ACCOUNT, a->record));
	return NULL;
}

static void make_one(struct req *rq, void *arg)
{
	rq->op = service_op(rq->svc, S("Get"));
	*(struct str *)arg = heap_dup(record_make(rq));
}

static void many_threads_append_while_effects_commit(void)
{
	struct test_world *w = begin();
	struct appending a = { .trail = world_app(w)->trail };
	pthread_t threads[THREADS];
	world_in_fiber(w, make_one, &a.record);
	for (int i = 0; i < THREADS; i++)
		EXPECT(pthread_create(&threads[i], NULL, append_often, &a) == 0);
	for (int i = 0; i < 50; i++)
		call(w, "Put", "a");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT(count(w, (struct lookup){ .max = THREADS * EACH + 100 }) == THREADS * EACH + 50);
	heap_free(a.record.p);
	world_end(w);
}

static void times_narrow(void)
{
	struct test_world *w = begin();
	world_in_fiber(w, append_many, &(struct burst){ 100, 1000 });
	EXPECT(count(w, (struct lookup){ .from_ms = JAN_1 + 10000, .to_ms = JAN_1 + 19000 }) == 10);
	EXPECT(count(w, (struct lookup){ .from_ms = JAN_1 + 100000 }) == 0);
	EXPECT(count(w, (struct lookup){ .to_ms = JAN_1 - 1 }) == 0);
	world_end(w);
}

static void resources_are_found_by_name_arn_and_type(void)
{
	struct test_world *w = begin();
	call(w, "Get", "a");
	struct str arn = S("arn:aws:vault:us-east-1:111122223333:secret/a");
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_RESOURCE_NAME, .value = arn }) == 1);
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_RESOURCE_NAME, .value = S("b") }) == 0);
	EXPECT(count(w, (struct lookup){ .attribute = LOOKUP_RESOURCE_TYPE, .value = S("AWS::KMS::Key") }) == 0);
	world_end(w);
}

/* ---- when it cannot be written ------------------------------------------------------------------ */

/* In front of the world's disk; there before the collector has anything to write. */
struct filling_disk {
	struct disk disk, *real;
	atomic_bool full;
};

static bool no_space(struct disk *d)
{
	bool full = atomic_load(&((struct filling_disk *)(void *)d)->full);
	if (full)
		errno = ENOSPC;
	return full;
}

static struct disk *behind(struct disk *d) { return ((struct filling_disk *)(void *)d)->real; }

static int sync_file(struct disk *d, int fd) { return no_space(d) ? -1 : behind(d)->fdatasync(behind(d), fd); }

static int make_dir(struct disk *d, const char *path, mode_t mode)
{
	return no_space(d) ? -1 : behind(d)->mkdir(behind(d), path, mode);
}

static void filling_disk(struct test_world *w, struct filling_disk *out)
{
	out->real = world_app(w)->world->disk;
	out->disk = *out->real;
	out->disk.fdatasync = sync_file;
	out->disk.mkdir = make_dir;
	atomic_init(&out->full, false);
	world_app(w)->world->disk = &out->disk;
}

static void flush_in_fiber(struct req *rq, void *arg) { *(struct status *)arg = trail_flush(rq->app->trail); }

static void a_full_disk_fails_the_flush_and_loses_nothing(void)
{
	struct test_world *w = begin();
	struct filling_disk disk;
	struct status st;
	filling_disk(w, &disk);
	atomic_store(&disk.full, true); /* before the collector, which comes by itself, has anything to write */
	world_in_fiber(w, append_many, &(struct burst){ 10, 1 });
	world_in_fiber(w, flush_in_fiber, &st);
	EXPECT(failed(st));
	atomic_store(&disk.full, false);
	world_in_fiber(w, append_many, &(struct burst){ 5, 1 });
	EXPECT(count(w, (struct lookup){ 0 }) == 15);
	world_end(w);
}

static void append_for_new_account(struct req *rq, void *arg)
{
	struct req one = *rq;
	(void)arg;
	one.account = S("777788889999");
	one.op = service_op(rq->svc, S("Get"));
	one.in = &(struct vault_in){ .name = S("early") };
	EXPECT_OK(trail_append(rq->app->trail, one.account, record_make(&one)));
}

static void a_log_that_cannot_be_opened_yet_is_waited_for(void)
{
	struct test_world *w = begin();
	struct filling_disk disk;
	struct status st;
	filling_disk(w, &disk);
	world_in_fiber(w, create_account, NULL);
	atomic_store(&disk.full, true);
	world_in_fiber(w, append_for_new_account, NULL);
	world_in_fiber(w, append_many, &(struct burst){ 5, 1 });
	world_in_fiber(w, flush_in_fiber, &st);
	EXPECT(failed(st));
	atomic_store(&disk.full, false);
	EXPECT(count(w, (struct lookup){ .account = S("777788889999") }) == 1);
	EXPECT(count(w, (struct lookup){ 0 }) == 6); /* the caller is of this account */
	world_end(w);
}

static void append_until_busy(struct req *rq, void *arg)
{
	struct arena *mem = arena_new();
	struct req one = *rq;
	char *big = NEWS(mem, char, 60000);
	memset(big, 'x', 60000);
	one.mem = mem;
	one.op = service_op(rq->svc, S("Get"));
	one.in = &(struct vault_in){ .name = str_make(big, 60000) };
	struct str record = record_make(&one);
	int *n = arg;
	while (*n < 100000 && !failed(trail_append(rq->app->trail, rq->account, record)))
		++*n;
	EXPECT(trail_append(rq->app->trail, rq->account, record).code == E_BUSY);
	arena_free(mem);
}

static void a_backlog_is_bounded_and_then_calls_are_refused(void)
{
	struct test_world *w = begin();
	struct filling_disk disk;
	int n = 0;
	filling_disk(w, &disk);
	atomic_store(&disk.full, true);
	world_in_fiber(w, append_until_busy, &n);
	EXPECT(n > 10 && n < TRAIL_BACKLOG_MAX / 60000 + 1);
	atomic_store(&disk.full, false);
	EXPECT(count(w, (struct lookup){ .max = 1 }) == 1);
	world_end(w);
}

/* ---- summaries --------------------------------------------------------------------------------------- */

static void a_summary_denies_what_is_not_there(void)
{
	struct arena *mem = arena_new();
	struct summing s;
	struct summary sum;
	summing_begin(&s, mem, 0);
	uint8_t id[16] = { 0 };
	for (int i = 0; i < 1000; i++) {
		struct record r = { .event_id = str_make(id, 16),
				    .time_ms = 1000 + i,
				    .event_name = S("Get"),
				    .read_only = true,
				    .access_key_id = arena_printf(mem, "AKIA%d", i) };
		summing_add(&s, &r);
	}
	summing_mark(&s, 77, 12);
	struct str bytes = summing_end(&s);
	EXPECT_OK(summary_parse(bytes, &sum));
	EXPECT(sum.from_ms == 1000 && sum.to_ms == 1999 && sum.ceiling_ms == 1999 && sum.count == 1000);
	int wrong = 0;
	for (int i = 0; i < 1000; i++) {
		EXPECT(summary_may_have(&sum, LOOKUP_ACCESS_KEY_ID, arena_printf(mem, "AKIA%d", i)));
		wrong += summary_may_have(&sum, LOOKUP_ACCESS_KEY_ID, arena_printf(mem, "ASIA%d", i));
	}
	EXPECT(wrong < 40);
	EXPECT(!summary_may_have(&sum, LOOKUP_READ_ONLY, S("false")));
	for (size_t n = 0; n < 20; n++)
		EXPECT(summary_parse(str_sub(bytes, 0, n), &sum).code == E_CORRUPT);
	arena_free(mem);
}

RUN_ALL(T(reads_refusals_and_effects_are_all_there_newest_first),
	T(a_failed_effect_is_recorded_as_failed_and_nothing_is_left), T(nothing_secret_is_in_a_record),
	T(scanning_goes_on_where_it_was_oldest_first), T(a_restart_forgets_nothing_and_repeats_nothing),
	T(strangers_are_recorded_at_a_rate_of_each_and_of_all),
	T(what_was_left_out_is_said_so_and_callers_who_proved_themselves_are_never_left_out),
	T(a_refused_call_of_nobody_is_recorded_while_there_is_room),
	T(what_was_logged_but_not_confirmed_is_not_logged_twice), T(an_outbox_left_by_a_crash_is_delivered_at_start),
	T(watermarks_survive_many_blocks), T(a_call_across_accounts_is_in_both_logs),
	T(a_foreign_account_that_is_not_here_is_in_the_owners_log_only), T(an_account_made_while_running_has_its_log),
	T(blocks_are_skipped_and_pages_cover_everything_once), T(many_threads_append_while_effects_commit),
	T(times_narrow), T(resources_are_found_by_name_arn_and_type), T(a_full_disk_fails_the_flush_and_loses_nothing),
	T(a_log_that_cannot_be_opened_yet_is_waited_for), T(a_backlog_is_bounded_and_then_calls_are_refused),
	T(a_summary_denies_what_is_not_there))
