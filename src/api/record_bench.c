/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What recording costs a call, what a record costs on the disk, and what looking up costs.
 * Figures count only from a release build.
 */
#include "api/fake_service.h"
#include "api/trail_int.h"
#include "api/world.h"
#include "base/str.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

enum { ROUNDS = 200000, STORED = 200000, ALONE = 5000 };

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void as_role(struct req *rq, struct arena *mem, int i)
{
	rq->mem = mem;
	rq->op = service_op(rq->svc, S("Get"));
	rq->now_ms += i / 10;
	rq->user_agent =
	    S("aws-cli/2.9.19 Python/3.11.2 Linux/6.1.0 source/x86_64.debian.12 prompt/off command/vault.get");
	rq->caller = (struct caller){
		.kind = CALLER_ROLE,
		.account = WORLD_ACCOUNT,
		.arn = S("arn:aws:sts::111122223333:assumed-role/securecart-app/web-1"),
		.principal_id = S("AROAQWERTYUIOPASDFGHJ:web-1"),
		.name = S("web-1"),
		.access_key_id = S("ASIAQWERTYUIOPASDFGH"),
		.role_arn = S("arn:aws:iam::111122223333:role/securecart-app"),
		.role_id = S("AROAQWERTYUIOPASDFGHJ"),
		.role_name = S("securecart-app"),
		.issued_ms = 1767225600000,
	};
	struct vault_in *in = NEW(mem, struct vault_in);
	in->name = arena_printf(mem, "invoices/2026/%06d.pdf", i);
	in->count = (struct opt_int)SET(i);
	rq->in = in;
	if (i % 97 == 0)
		rq->caller.access_key_id = arena_printf(mem, "ASIAQWERTYUIOP%06d", i);
}

static size_t bytes_under(struct str dir)
{
	char path[512];
	struct stat st;
	size_t sum = 0;
	snprintf(path, sizeof path, "%.*s", PR(dir));
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%.*s/%s", PR(dir), e->d_name);
		if (!stat(path, &st))
			sum += S_ISDIR(st.st_mode) ? bytes_under(str_of(path)) : (size_t)st.st_size;
	}
	if (d)
		closedir(d);
	return sum;
}

static void making(struct req *rq)
{
	struct arena *mem = arena_new();
	size_t bytes = 0;
	double start = now_us(), id;
	for (int i = 0; i < ROUNDS; i++) {
		struct req one = *rq;
		arena_reset(mem);
		as_role(&one, mem, i);
	}
	double idle = now_us() - start;
	start = now_us();
	for (int i = 0; i < ROUNDS; i++) {
		struct req one = *rq;
		arena_reset(mem);
		as_role(&one, mem, i);
		bytes += record_make(&one).n;
	}
	double all = now_us() - start - idle;
	start = now_us();
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t raw[16];
		world_random(rq->app->world, raw, sizeof raw);
	}
	id = now_us() - start;
	printf("record_make            %8.0f ns   (of which the event id's random bytes %.0f ns)\n", all / ROUNDS * 1e3,
	       id / ROUNDS * 1e3);
	printf("record, packed         %8.0f bytes\n", (double)bytes / ROUNDS);
	arena_free(mem);
}

static void storing(struct req *rq)
{
	struct arena *mem = arena_new();
	double append = 0, start = now_us(), cpu = cpu_us();
	for (int i = 0; i < STORED; i++) {
		struct req one = *rq;
		arena_reset(mem);
		as_role(&one, mem, i);
		struct str record = record_make(&one);
		double at = now_us();
		while (failed(trail_append(rq->app->trail, rq->account, record)))
			continue;
		append += now_us() - at;
	}
	struct status st = trail_flush(rq->app->trail);
	assert(!failed(st));
	double took = now_us() - start;
	printf("trail_append           %8.0f ns   (two clock readings included)\n", append / STORED * 1e3);
	printf("CPU, all of it         %8.0f ns   (make, append, sort, summarise, compress, seal)\n",
	       (cpu_us() - cpu) / STORED * 1e3);
	printf("recorded and durable   %8.0f calls/s\n", STORED / took * 1e6);
	printf("record, on disk        %8.1f bytes\n", (double)bytes_under(rq->app->trail->dir) / STORED);
	arena_free(mem);
}

static void rendering(struct req *rq)
{
	struct arena *mem = arena_new();
	struct record r;
	struct req one = *rq;
	struct arena *made = arena_new();
	as_role(&one, made, 1);
	struct status st = record_parse(record_make(&one), &r);
	assert(!failed(st));
	double start = now_us();
	for (int i = 0; i < ROUNDS; i++) {
		arena_reset(mem);
		(void)record_json(mem, &r);
	}
	printf("record_json            %8.0f ns\n", (now_us() - start) / ROUNDS * 1e3);
	arena_free(mem);
	arena_free(made);
}

static void looking(struct req *rq, const char *what, struct lookup l)
{
	struct arena *mem = arena_new();
	struct record *v;
	size_t n, found = 0, pages = 0;
	bool more = true;
	l.account = WORLD_ACCOUNT;
	l.region = S("us-east-1");
	l.max = 50;
	l.block = LOOKUP_START_BLOCK;
	l.index = LOOKUP_START_INDEX;
	double start = now_us();
	while (more && found < 50 && pages < 1000) {
		arena_reset(mem);
		struct status st = trail_lookup(rq->app->trail, mem, &l, &v, &n, &more);
		assert(!failed(st));
		found += n;
		pages++;
	}
	printf("lookup, %-14s %8.0f us   (%zu found in %zu pages of %d records)\n", what, now_us() - start, found,
	       pages, STORED);
	arena_free(mem);
}

/* The quiet server: a round finds a single record. */
static void storing_one_by_one(struct req *rq)
{
	struct arena *mem = arena_new();
	size_t before = bytes_under(rq->app->trail->dir);
	double start = now_us();
	for (int i = 0; i < ALONE; i++) {
		struct req one = *rq;
		arena_reset(mem);
		as_role(&one, mem, i);
		struct status st = trail_append(rq->app->trail, rq->account, record_make(&one));
		assert(!failed(st));
		st = trail_flush(rq->app->trail);
		assert(!failed(st));
	}
	printf("one record a block     %8.1f us, %.0f bytes on disk\n", (now_us() - start) / ALONE,
	       (double)(bytes_under(rq->app->trail->dir) - before) / ALONE);
	arena_free(mem);
}

static void run(struct req *rq, void *arg)
{
	(void)arg;
	making(rq);
	rendering(rq);
	storing_one_by_one(rq);
	looking(rq, "5000 blocks", (struct lookup){ .attribute = LOOKUP_USERNAME, .value = S("mallory") });
	storing(rq);
	looking(rq, "newest", (struct lookup){ 0 });
	looking(rq, "a rare key",
		(struct lookup){ .attribute = LOOKUP_ACCESS_KEY_ID, .value = S("ASIAQWERTYUIOP000097") });
	looking(rq, "nothing", (struct lookup){ .attribute = LOOKUP_USERNAME, .value = S("mallory") });
}

int main(void)
{
	struct test_world *w = world_begin(&(struct world_parts){ .services = fake_services, .now_ms = 1767225600000 });
	struct world real;
	world_real(&real);
	world_app(w)->world->random = real.random; /* what production pays */
	world_in_fiber(w, run, NULL);
	world_end(w);
	return 0;
}
