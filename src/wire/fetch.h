/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getting a small document from somebody else's HTTPS server: the one way out of this
 * server. A fiber asks and parks; a thread of the fetcher's own does the waiting.
 *
 * Whose server it is was said by an account's administrator, and when it is asked is
 * decided by strangers, so:
 * - https alone, GET alone, no redirects, no proxies, no cookies, no credentials;
 * - connecting takes two seconds, everything five, at most; the document has a size;
 * - only so many wait at a time, the next one is told so at once;
 * - addresses that are not public (loopback, private networks, link-local, metadata
 *   services) are refused when the connection is opened, whatever name led there; and so is
 *   every port but 443. The operator may allow both, for providers of his own network;
 * - the server proves its name by a certificate under a trusted authority, or under one
 *   whose SHA-1 the asker lists ("Obtain the thumbprint for an OpenID Connect identity
 *   provider"). The request is sent only after that.
 */
#ifndef WIRE_FETCH_H
#define WIRE_FETCH_H

#include "wire/shape.h"

struct fetch_ask {
	struct str url;
	struct str_list thumbprints; /* SHA-1 in lower-case hex */
	size_t max_bytes;
};

enum fetch_trouble {
	FETCH_OK = 0,
	FETCH_URL,         /* not a URL that is fetched */
	FETCH_ADDRESS,     /* leads to an address that is refused */
	FETCH_UNREACHABLE, /* no such name, nobody there, too slow, hung up */
	FETCH_CERTIFICATE, /* somebody is there who is not proven to be that server */
	FETCH_STATUS,      /* answered, but not with 200 */
	FETCH_TOO_BIG,
	FETCH_BUSY, /* too many are waiting already */
};
const char *fetch_trouble_name(enum fetch_trouble t);

/* Where documents come from: the network, or a test's table. Within a fiber; the body is in mem. */
struct fetch_source {
	enum fetch_trouble (*get)(struct fetch_source *, struct arena *mem, const struct fetch_ask *ask,
				  struct str *body);
};

struct fetch_options {
	bool private_addresses; /* and ports other than 443 */
	struct str ca_pem;      /* authorities to trust besides the machine's; empty: none */
};

/* The network. Its threads start with the first request. E_INVALID: ca_pem holds no certificate. */
struct fetcher;
struct status fetcher_new(const struct fetch_options *o, struct fetcher **out);
struct fetch_source *fetcher_source(struct fetcher *f);
void fetcher_free(struct fetcher *f); /* cuts short what is under way; null is allowed */

#endif
