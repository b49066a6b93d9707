/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holdfast serve: opens the data directory, listens, says what is enforced, and waits for
 * SIGTERM or SIGINT, which drain and stop.
 */
#include "api/serve.h"

#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/confine.h"
#include "cli/endpoint.h"
#include "cli/federation.h"
#include "cli/old_sdk.h"
#include "cli/options.h"
#include "cli/root_options.h"
#include "cli/server.h"
#include "cli/tls_files.h"
#include "crypto/starter.h"
#include "crypto/token_process.h"
#include "svc/kms/key_store_link.h"
#include "wire/http.h"

#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LISTEN_MAX = 8, DRAIN_MS = 10000, DEFAULT_PORT = 4566 };

struct serving {
	struct server server;
	struct http_server *front; /* TLS and loopback */
	struct http_server *admin;
	struct http_listen listen[LISTEN_MAX];
	size_t n_listen;
	struct str data, credentials, passphrase_fd;
	struct outside outside;
	struct token_process_driver tokens;
	struct str_list https, http;
	bool test_clock, help;
	struct federation_options federation;
};

static bool split_address(struct str text, struct http_listen *out)
{
	int64_t port = DEFAULT_PORT;
	size_t colon = text.n;
	while (colon > 0 && text.p[colon - 1] != ':' && text.p[colon - 1] != ']')
		colon--;
	if (colon > 0 && text.p[colon - 1] == ':') {
		if (!str_to_i64(str_from(text, colon), &port) || port < 0 || port > 65535)
			return false;
		text = str_sub(text, 0, colon - 1);
	}
	if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = str_sub(text, 1, text.n - 2);
	out->addr = text;
	out->port = (int)port;
	return text.n > 0;
}

static bool add_listeners(struct serving *s, const struct str_list *texts, bool tls)
{
	for (size_t i = 0; i < texts->n; i++) {
		struct http_listen *l = &s->listen[s->n_listen];
		if (s->n_listen == LISTEN_MAX || !split_address(texts->v[i], l)) {
			fprintf(stderr, "holdfast serve: not ADDR:PORT: %.*s\n", PR(texts->v[i]));
			return false;
		}
		if (!tls && !http_is_loopback(l->addr)) {
			fprintf(stderr, "holdfast serve: plain HTTP is for loopback only, not for %.*s\n", PR(l->addr));
			return false;
		}
		l->tls = tls;
		s->n_listen++;
	}
	return true;
}

/* ---- listening ------------------------------------------------------------------------ */

static struct str url_of(struct serving *s, struct arena *mem, size_t i)
{
	const struct http_listen *l = &s->listen[i];
	bool six = str_find_char(l->addr, ':') != SIZE_MAX;
	return arena_printf(mem, "%s://%s%.*s%s:%d", l->tls ? "https" : "http", six ? "[" : "", PR(l->addr),
			    six ? "]" : "", http_port(s->front, i));
}

static void on_admin(struct http_req *http, void *arg)
{
	struct serving *s = arg;
	admin_serve(http, &s->server, s->front);
}

static struct status start_front(struct serving *s, struct arena *mem)
{
	struct x509_pair tls;
	TRY(tls_files_load(s->server.world, mem, &s->server.keys, s->server.dir, &s->server.config, &tls));
	struct http_options o = {
		.listen = s->listen, .n_listen = s->n_listen, .cert_pem = tls.cert_pem, .key_pem = tls.key_pem
	};
	return http_start(&o, serve_http, &s->server.app, &s->front);
}

static struct status start_admin(struct serving *s, struct arena *mem)
{
	struct http_listen l = { .path = layout_path(mem, s->server.dir, "admin.sock") };
	struct http_options o = { .listen = &l, .n_listen = 1, .threads = 1 };
	unlink(str_z(mem, l.path));
	return http_start(&o, on_admin, s, &s->admin);
}

/* Only on loopback: its credentials are for programs of this machine. */
static struct status start_endpoint(struct serving *s)
{
	struct http_listen at = { 0 };
	struct str where = s->credentials.n ? s->credentials : s->server.config.credentials;
	if (!where.n)
		return OK;
	if (!split_address(where, &at) || !http_is_loopback(at.addr)) {
		fprintf(stderr, "holdfast serve: the credentials endpoint is for loopback only, not for %.*s\n",
			PR(where));
		return ERR(E_INVALID);
	}
	return endpoint_start(&s->server.app, &at, &s->server.endpoint);
}

static struct status announce(struct serving *s, struct arena *mem)
{
	struct buf urls = buf_in(mem);
	for (size_t i = 0; i < s->n_listen; i++) {
		buf_put(&urls, url_of(s, mem, i));
		buf_byte(&urls, '\n');
	}
	TRY(text_file_write(s->server.world, mem, layout_path(mem, s->server.dir, "urls"), 0644, buf_str(&urls)));
	TRY(old_sdk_write(s->server.world, mem, s->server.dir, url_of(s, mem, 0)));
	struct status st = s->outside.ready_file.n ? starter_ready(s->server.starter, buf_str(&urls)) : OK;
	if (failed(st)) {
		log_error("the ready file cannot be written", "file", s->outside.ready_file);
		return st;
	}
	printf("holdfast %s serves\n%.*s", HOLDFAST_VERSION, PR(buf_str(&urls)));
	printf("enforced, on every call: signature, policies (deny by default), encryption at rest, audit record\n");
	if (s->test_clock)
		printf("TEST CLOCK: time can be moved through the admin socket. Not for anything real.\n");
	fflush(stdout);
	return OK;
}

static struct status start(struct serving *s, struct arena *mem)
{
	TRY(start_front(s, mem));
	TRY(start_endpoint(s));
	TRY(start_admin(s, mem));
	TRY(confine_doors());
	return announce(s, mem);
}

/*
 * Starting touches much code once (libraries' tables, self-tests, certificates). Its pages are given back to the page
 * cache; what is needed again comes back by a minor fault. Only code: those mappings are never written.
 */
static int release_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size, (void)arg;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		if (h->p_type != PT_LOAD || !(h->p_flags & PF_X) || h->p_flags & PF_W)
			continue;
		uintptr_t from = (info->dlpi_addr + h->p_vaddr) & ~(page - 1),
			  to = info->dlpi_addr + h->p_vaddr + h->p_memsz;
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

/* ---- running ---------------------------------------------------------------------------- */

static void wait_for_signal(void)
{
	sigset_t set;
	int got = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	while (sigwait(&set, &got))
		;
	log_info("stopping", "signal", str_of(got == SIGTERM ? "SIGTERM" : "SIGINT"));
}

/* Before any thread starts, so that all of them leave these signals to us. */
static void block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* As many as we may have: logins are given 1024, which is what one listener alone may need. */
static void raise_open_files(void)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

/* A program that only opens the directory leaves the tokens alone. */
static void connect_key_stores(void *arg)
{
	struct serving *s = arg;
	s->tokens = token_processes;
	s->tokens.starter = s->server.starter;
	kms_links_open(&s->server.app, &s->tokens.driver);
}

static int serve(struct serving *s)
{
	struct world w;
	struct asker asker;
	struct rotated rotated;
	if (!asker_of("serve", s->passphrase_fd, &asker))
		return 2;
	world_real(&w);
	bool closed = failed(server_open_apart(&s->server, &w, s->data, &s->outside, &asker));
	asker_end(&asker);
	if (closed) {
		fprintf(stderr,
			"holdfast serve: cannot open %.*s (see above; is it initialised, or being served already?)\n",
			PR(s->data));
		return 1;
	}
	s->server.test_clock = s->test_clock;
	struct arena *mem = arena_new();
	fiber_block_on(connect_key_stores, s);
	(void)server_rotate_root(&s->server, &rotated).code; /* one that was interrupted; the log says how it went */
	s->federation.ca_file = s->outside.ca_file;
	struct status st = federation_open(&s->server, &s->federation);
	if (!failed(st))
		st = start(s, mem);
	if (failed(st)) {
		fprintf(stderr, "holdfast serve: cannot start: %s\n", status_name(st));
	} else {
		dl_iterate_phdr(release_code, NULL);
		wait_for_signal();
	}
	unlink(str_z(mem, layout_path(mem, s->server.dir, "urls")));
	if (s->front)
		http_stop(s->front, DRAIN_MS);
	if (s->admin)
		http_stop(s->admin, 0);
	endpoint_stop(s->server.endpoint);
	unlink(str_z(mem, layout_path(mem, s->server.dir, "admin.sock")));
	federation_close(&s->server);
	arena_wipe(mem);
	arena_free(mem);
	server_close(&s->server);
	return failed(st);
}

int command_serve(int argc, char **argv)
{
	static const struct str default_listen[] = { { "127.0.0.1:4566", 14 } };
	struct str https[OPTION_REPEAT_MAX], http[OPTION_REPEAT_MAX], others[OPTION_REPEAT_MAX];
	struct serving s = { .https = { https, 0 }, .http = { http, 0 } };
	struct str_list rest = { others, 0 };
	const struct option_row rows[] = {
		{ "data", "DIR", "the data directory", .text = &s.data },
		{ "listen", "ADDR:PORT", "HTTPS here; may be repeated; port 0: any [127.0.0.1:4566]",
		  .many = &s.https },
		{ "http", "ADDR:PORT", "plain HTTP here, loopback only", .many = &s.http },
		{ "credentials", "ADDR:PORT", "credentials of running programs here, loopback only [none]",
		  .text = &s.credentials },
		{ "ready-file", "FILE", "written once requests are served: a URL a line",
		  .text = &s.outside.ready_file },
		{ "federation-ca", "FILE", "more authorities whose word counts for identity providers' servers (PEM)",
		  .text = &s.outside.ca_file },
		{ "federation-allow-private", NULL,
		  "identity providers may be on private addresses and ports of their own",
		  .flag = &s.federation.allow_private },
		ROOT_ASK_ROW(&s.passphrase_fd),
		{ "test-clock", NULL, "let the admin socket move time; never for real data", .flag = &s.test_clock },
		{ "help", NULL, "print this", .flag = &s.help },
		{ 0 },
	};
	if (!options_parse("serve", rows, argc, argv, &rest))
		return 2;
	if (s.help) {
		printf("usage: holdfast serve --data DIR [OPTIONS]\n\n");
		options_help(rows);
		return 0;
	}
	if (!s.data.n) {
		fprintf(stderr, "holdfast serve: --data DIR is needed\n");
		return 2;
	}
	if (!s.https.n)
		s.https = (struct str_list){ default_listen, 1 };
	if (!add_listeners(&s, &s.https, true) || !add_listeners(&s, &s.http, false))
		return 2;
	log_setup(2, LOG_INFO);
	block_signals();
	raise_open_files();
	return serve(&s);
}
