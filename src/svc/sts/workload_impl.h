/* SPDX-License-Identifier: Apache-2.0 */
/* What workload.c and workload_session.c share. */
#ifndef SVC_STS_WORKLOAD_IMPL_H
#define SVC_STS_WORKLOAD_IMPL_H

#include "api/req.h"
#include "svc/sts/workload.h"

#include <pthread.h>

/* Of one workload: all on the heap, in order of names. */
struct workload_entry {
	struct workload w;
	bool stored;                         /* else it is being added, and not to be had yet */
	struct workload_credentials session; /* expires_ms == 0: none */
	uint64_t iam_version;                /* of the account, before the session was asked for */
};

struct workloads {
	pthread_mutex_t lock; /* over all of it; never held across a park */
	struct workload_entry **v;
	size_t n, cap;
	uint8_t metadata_key[SHA256_SIZE];
};

/* Under the lock. */
struct workload_entry *workload_find(const struct workloads *all, struct str name);
void workload_session_forget(struct workload_entry *e);
/* A request of nobody's, for the functions that want one; it ends with req_unpin_all. */
struct req *workload_request(struct app *app, struct arena *mem, struct str account);

#endif
