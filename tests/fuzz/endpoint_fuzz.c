/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any request to the credentials endpoint, a line for each part: nothing but loopback names
 * with the right port passes, nothing forwarded, and metadata only with some token.
 */
#include "base/str.h"
#include "base/test.h"
#include "svc/sts/endpoint.h"
#include "svc/sts/workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct str line(struct str *rest)
{
	struct str s = rest->p ? str_cut(rest, '\n') : (struct str){ 0 };
	return s.n == 1 && s.p[0] == '-' ? (struct str){ 0 } : s; /* "-": not given */
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = str_make(p, n);
	struct endpoint_request rq = { .port = 4570 };
	struct endpoint_ask ask;
	struct str *const parts[] = { &rq.method, &rq.path,          &rq.query, &rq.host, &rq.forwarded_for,
				      &rq.origin, &rq.authorization, &rq.ttl,   &rq.token };
	for (size_t i = 0; i < COUNT(parts); i++)
		*parts[i] = line(&rest);
	if (endpoint_read_container(&rq, &ask) == 0) {
		EXPECT(rq.host.p && !rq.forwarded_for.p && !rq.origin.p && str_eq(rq.method, S("GET")));
		EXPECT(ask.what == ENDPOINT_CONTAINER && ask.name.n <= WORKLOAD_NAME_MAX);
		EXPECT(str_ends(rq.path, ask.name));
	}
	if (endpoint_read_instance(&rq, &ask) == 0) {
		EXPECT(rq.host.p && !rq.forwarded_for.p && !rq.origin.p);
		EXPECT(ask.what == ENDPOINT_TOKEN ? ask.ttl_s >= 1 && ask.ttl_s <= WORKLOAD_METADATA_TTL_MAX_S
						  : rq.token.p && ask.what != ENDPOINT_NOTHING);
	}
	return 0;
}
