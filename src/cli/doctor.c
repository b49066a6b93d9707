/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast doctor: looks at a data directory and the machine under it, one line a check.
 * Reads only. Exit status 1 when something must be mended.
 */
#include "base/str.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/root_options.h"
#include "cli/server.h"
#include "crypto/harden.h"
#include "crypto/root_rotation.h"
#include "crypto/x509.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { SPACE_LOW_MIB = 512, CERT_LOW_DAYS = 7 };

struct patient {
	struct arena *mem;
	struct world world;
	struct str dir;
	struct config config;
	struct asker asker;
	bool ill;
};

static void report(struct patient *p, bool good, const char *what, struct str detail)
{
	printf("%s  %-22s %.*s\n", good ? "ok  " : "FAIL", what, PR(detail));
	p->ill = p->ill || !good;
}

static bool check_config(struct patient *p)
{
	struct status st = config_load(p->mem, p->dir, &p->config);
	report(p, !failed(st), "settings",
	       failed(st) ? str_of(status_name(st)) : layout_path(p->mem, p->dir, "config"));
	return !failed(st);
}

static void check_root_key(struct patient *p)
{
	struct stat s;
	bool there = !stat(str_z(p->mem, p->config.root_key), &s);
	report(p, there && !(s.st_mode & 077), "root key",
	       !there            ? S("not there")
	       : s.st_mode & 077 ? S("group or others may read it: chmod 600")
				 : p->config.root_key);
}

static void check_source(struct patient *p)
{
	struct root_about about;
	const char *path = str_z(p->mem, p->config.root_key);
	struct status st = root_about(&p->world, p->mem, path, &about);
	report(p, !failed(st), "root key source",
	       failed(st) ? str_of(status_name(st))
			  : arena_printf(p->mem, "%s, opens %s", about.source,
					 about.by_itself ? "by itself" : "when a passphrase or PIN is told"));
	if (root_rotation_under_way(&p->world, path))
		report(p, true, "root key rotation",
		       S("under way: 'holdfast rootkey rotate' or the next start finishes it"));
}

static void check_keys(struct patient *p)
{
	struct vault_keys keys;
	struct status st = keys_open(&p->world, p->mem, p->dir, &p->config, &p->asker, &keys);
	report(p, !failed(st), "key hierarchy",
	       failed(st) ? str_of(status_name(st)) : S("the root key opens the system key"));
	if (!failed(st))
		keyring_close(keys.keyring);
}

static void check_certificate(struct patient *p)
{
	struct str pem;
	int64_t ends = 0;
	struct status st = text_file_read(p->mem, layout_path(p->mem, p->dir, "tls/server.pem"), &pem);
	if (!failed(st))
		st = x509_not_after(pem, &ends);
	int64_t days = (ends - world_now_ms(&p->world)) / DAY_MS;
	report(p, !failed(st) && days > CERT_LOW_DAYS, "server certificate",
	       failed(st) ? str_of(status_name(st)) : arena_printf(p->mem, "%lld days left", (long long)days));
}

static void check_space(struct patient *p)
{
	struct statvfs v;
	bool known = !statvfs(str_z(p->mem, p->dir), &v);
	uint64_t mib = known ? (uint64_t)v.f_bavail * v.f_frsize >> 20 : 0;
	report(p, known && mib > SPACE_LOW_MIB, "disk space",
	       arena_printf(p->mem, "%llu MiB free", (unsigned long long)mib));
}

static void check_memory(struct patient *p)
{
	struct harden_report h;
	struct status st = process_harden(&h);
	report(p, !failed(st) && h.no_dump && h.no_core, "no memory dumps",
	       S("this process cannot be dumped or traced"));
	report(p, h.lockable_bytes >= 1024 * 1024, "lockable memory",
	       h.lockable_bytes == UINT64_MAX
		   ? S("unlimited")
		   : arena_printf(p->mem, "%llu KiB", (unsigned long long)h.lockable_bytes >> 10));
}

static void check_store(struct patient *p)
{
	struct server s;
	struct str urls;
	int fd;
	if (!failed(admin_connect(p->mem, p->dir, &fd))) {
		close(fd);
		struct status known = text_file_read(p->mem, layout_path(p->mem, p->dir, "urls"), &urls);
		struct str url = failed(known) ? S("an address not known yet") : str_cut(&urls, '\n');
		report(p, true, "store", arena_printf(p->mem, "being served at %.*s", PR(url)));
		return;
	}
	struct status st = server_open(&s, &p->world, p->dir, &p->asker);
	report(p, !failed(st), "store", failed(st) ? S("does not open; the log above says why") : S("opens"));
	if (!failed(st))
		server_close(&s);
}

int command_doctor(int argc, char **argv)
{
	struct str dir = S("data"), fd = { 0 }, others[OPTION_REPEAT_MAX];
	struct str_list rest = { others, 0 };
	bool help = false;
	const struct option_row rows[] = {
		{ "data", "DIR", "the data directory [data]", .text = &dir },
		ROOT_ASK_ROW(&fd),
		{ "help", NULL, "print this", .flag = &help },
		{ 0 },
	};
	if (!options_parse("doctor", rows, argc, argv, &rest))
		return 2;
	if (help) {
		printf("usage: holdfast doctor --data DIR\n\n");
		options_help(rows);
		return 0;
	}
	struct patient p = { .mem = arena_new(), .dir = dir };
	world_real(&p.world);
	if (!asker_of("doctor", fd, &p.asker))
		return 2;
	if (check_config(&p)) {
		check_root_key(&p);
		check_source(&p);
		check_keys(&p);
		check_certificate(&p);
		check_space(&p);
		check_memory(&p);
		check_store(&p);
	}
	asker_end(&p.asker);
	arena_wipe(p.mem);
	arena_free(p.mem);
	return p.ill;
}
