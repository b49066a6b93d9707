/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fetcher, and the issuers' keys that come through it; opened before the first request and
 * closed after the last.
 */
#include "cli/federation.h"

#include "svc/sts/issuer_keys.h"
#include "wire/fetch.h"

#include <stdio.h>

struct status federation_open(struct server *s, const struct federation_options *o)
{
	struct fetch_options f = { .private_addresses = o->allow_private };
	if (o->ca_file.n && failed(text_file_read(s->mem, o->ca_file, &f.ca_pem))) {
		fprintf(stderr, "holdfast serve: cannot read %.*s\n", PR(o->ca_file));
		return ERR(E_IO);
	}
	struct status st = fetcher_new(&f, &s->fetcher);
	if (failed(st)) {
		fprintf(stderr, "holdfast serve: %.*s holds no certificate\n", PR(o->ca_file));
		return st;
	}
	s->app.federation_private = o->allow_private;
	s->app.issuer_keys = issuer_keys_new(fetcher_source(s->fetcher));
	return OK;
}

void federation_close(struct server *s)
{
	issuer_keys_free(s->app.issuer_keys);
	fetcher_free(s->fetcher);
	s->app.issuer_keys = NULL;
	s->fetcher = NULL;
}
