/* SPDX-License-Identifier: Apache-2.0 */
#include "svc/kms/wipe.h"

#include "base/str.h"

static struct req *outermost(struct req *rq)
{
	while (rq->parent)
		rq = rq->parent;
	return rq;
}

static void wipe(void *arg)
{
	const struct str *s = arg;
	secret_wipe((void *)(uintptr_t)s->p, s->n);
}

static void free_secret(void *arg) { secret_free(arg); }

void kms_wipe_later(struct req *rq, struct str plain)
{
	struct str *kept = NEW(rq->mem, struct str);
	*kept = plain;
	req_pin(outermost(rq), wipe, kept);
}

void kms_free_later(struct req *rq, struct secret *plain) { req_pin(outermost(rq), free_secret, plain); }
