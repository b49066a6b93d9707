/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is missing is made from what stands above it: the server's certificate from the
 * CA's key, which is sealed under the system key.
 */
#include "cli/tls_files.h"

#include "base/log.h"
#include "base/str.h"
#include "base/time.h"

#include <unistd.h>

enum { RENEW_DAYS = 30, FIXED_NAMES = 8 };

/*
 * localhost, *.localhost, loopback addresses, the host's name, the domain and what is under it, configured names.
 * OpenSSL and GnuTLS take no wildcard right below a top-level name, so virtual hosts on this machine are under
 * s3.localhost, which is named whatever the domain is.
 */
static struct str_list names_of(struct arena *mem, const struct config *c)
{
	struct str *v = NEWS(mem, struct str, FIXED_NAMES + 2 + c->names.n);
	char host[256] = { 0 };
	size_t n = 0;
	v[n++] = S("localhost");
	v[n++] = S("*.localhost");
	v[n++] = S("s3.localhost");
	v[n++] = S("*.s3.localhost");
	v[n++] = S("127.0.0.1");
	v[n++] = S("::1");
	if (!gethostname(host, sizeof host - 1) && host[0] && strcmp(host, "localhost"))
		v[n++] = str_dup(mem, str_of(host));
	if (c->domain.n && !str_eq(c->domain, S("localhost")) && !str_eq(c->domain, S("s3.localhost"))) {
		v[n++] = c->domain;
		v[n++] = arena_printf(mem, "*.%.*s", PR(c->domain));
	}
	for (size_t i = 0; i < c->names.n; i++)
		v[n++] = c->names.v[i];
	return (struct str_list){ v, n };
}

static struct status issue(struct world *w, struct arena *mem, struct vault_keys *k, struct str dir,
			   const struct config *c, const struct x509_pair *ca)
{
	struct str_list names = names_of(mem, c);
	struct x509_pair server;
	TRY(x509_server_new(w, mem, ca, names.v, names.n, &server));
	TRY(sealed_write(w, k, mem, dir, "tls", server.key_pem));
	return text_file_write(w, mem, layout_path(mem, dir, "tls/server.pem"), 0644,
			       arena_printf(mem, "%.*s%.*s", PR(server.cert_pem), PR(ca->cert_pem)));
}

struct status tls_files_create(struct world *w, struct arena *mem, struct vault_keys *k, struct str dir,
			       const struct config *c)
{
	struct x509_pair ca;
	TRY(x509_ca_new(w, mem, S("Holdfast local CA"), &ca));
	TRY(sealed_write(w, k, mem, dir, "ca", ca.key_pem));
	TRY(text_file_write(w, mem, layout_path(mem, dir, "tls/ca.pem"), 0644, ca.cert_pem));
	return issue(w, mem, k, dir, c, &ca);
}

static struct status renew(struct world *w, struct arena *mem, struct vault_keys *k, struct str dir,
			   const struct config *c)
{
	struct x509_pair ca;
	TRY(text_file_read(mem, layout_path(mem, dir, "tls/ca.pem"), &ca.cert_pem));
	TRY(sealed_read(k, mem, dir, "ca", &ca.key_pem));
	log_info("renewing the server certificate");
	return issue(w, mem, k, dir, c, &ca);
}

struct status tls_files_load(struct world *w, struct arena *mem, struct vault_keys *k, struct str dir,
			     const struct config *c, struct x509_pair *out)
{
	int64_t ends_ms;
	struct str path = layout_path(mem, dir, "tls/server.pem");
	TRY(layout_failed(text_file_read(mem, path, &out->cert_pem), path));
	TRY(layout_failed(x509_not_after(out->cert_pem, &ends_ms), path));
	if (ends_ms - world_now_ms(w) < (int64_t)RENEW_DAYS * DAY_MS) {
		TRY(renew(w, mem, k, dir, c));
		TRY(layout_failed(text_file_read(mem, path, &out->cert_pem), path));
	}
	return sealed_read(k, mem, dir, "tls", &out->key_pem);
}
