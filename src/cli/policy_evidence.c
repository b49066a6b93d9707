/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast policy generate and unused: least privilege from the trail (api/evidence.h), asked of
 * the running server.
 */
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/time.h"
#include "base/world.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "cli/server.h"

#include <stdio.h>

struct wish {
	struct str data, role, user, since, until, most;
	bool help;
};

/* A point in time, or how long ago: "30d". */
static bool time_of(struct str text, int64_t now_ms, int64_t *ms)
{
	static const char units[] = "mhd";
	static const int64_t unit_ms[] = { MINUTE_MS, HOUR_MS, DAY_MS };
	int64_t n;
	if (!failed(time_parse_iso8601(text, ms)))
		return true;
	const char *unit = text.n > 1 ? memchr(units, text.p[text.n - 1], 3) : NULL;
	if (!unit || !str_to_i64(str_sub(text, 0, text.n - 1), &n) || n < 0 || n > 100000)
		return false;
	*ms = now_ms - n * unit_ms[unit - units];
	return true;
}

static bool put_time(const char *command, struct buf *q, const char *name, struct str text)
{
	struct world w;
	int64_t ms;
	world_real(&w);
	if (!text.n)
		return true;
	if (!time_of(text, world_now_ms(&w), &ms)) {
		fprintf(stderr, "holdfast %s: --%s takes a date such as 2026-01-31 or a time ago such as 30d\n",
			command, name);
		return false;
	}
	buf_printf(q, "&%s=%lld", name, (long long)ms);
	return true;
}

static int ask(const char *command, const char *path, struct arena *mem, const struct wish *w)
{
	struct buf q = buf_in(mem);
	buf_printf(&q, "%s?%s=", path, w->role.n ? "role" : "user");
	uri_put(&q, w->role.n ? w->role : w->user, false);
	if (!put_time(command, &q, "since", w->since) || !put_time(command, &q, "until", w->until))
		return 2;
	if (w->most.n) {
		buf_z(&q, "&max=");
		uri_put(&q, w->most, false);
	}
	return admin_command(mem, command, w->data, "GET", buf_str(&q), admin_show_all);
}

static int run(const char *command, const char *path, const char *about, int argc, char **argv)
{
	struct str others[OPTION_REPEAT_MAX];
	struct str_list rest = { others, 0 };
	struct wish w = { .data = S("data"), .since = S("90d") };
	const struct option_row rows[] = {
		{ "role", "ROLE", "a role, by its ARN, or its name in the server's first account", .text = &w.role },
		{ "user", "USER", "or a user", .text = &w.user },
		{ "since", "TIME", "from when: 2026-01-31, 2026-01-31T12:00:00Z, or 30d, 12h ago [90d]",
		  .text = &w.since },
		{ "until", "TIME", "until when [now]", .text = &w.until },
		{ "max-resources", "N", "so many of a kind are listed; more become a pattern [10]", .text = &w.most },
		{ "data", "DIR", "the data directory of the server to ask [data]", .text = &w.data },
		{ "help", NULL, "print this", .flag = &w.help },
		{ 0 },
	};
	if (!options_parse(command, rows, argc, argv, &rest))
		return 2;
	if (w.help) {
		printf("usage: holdfast %s --role ROLE [--since TIME] [--until TIME] [--data DIR]\n\n%s\n\n", command,
		       about);
		options_help(rows);
		return 0;
	}
	if (!w.role.n == !w.user.n || rest.n) {
		fprintf(stderr, "holdfast %s: give either --role or --user\n", command);
		return 2;
	}
	struct arena *mem = arena_new();
	int status = ask(command, path, mem, &w);
	arena_free(mem);
	return status;
}

int policy_command_generate(int argc, char **argv)
{
	return run(
	    "policy generate", "/evidence/policy",
	    "Propose the smallest policy that would have allowed what the trail shows, for review. Conditions are\n"
	    "left out; what was refused is not in it.",
	    argc, argv);
}

int policy_command_unused(int argc, char **argv)
{
	return run("policy unused", "/evidence/unused",
		   "List what the policies of a user or role allow, on whatever resource, and the trail does not show.",
		   argc, argv);
}
