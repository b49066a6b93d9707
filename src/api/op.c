/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding services and operations by name; and the operations that are known but not served.
 *
 * Those take the pipeline's steps like any other (an unsigned or badly signed request learns
 * nothing, the call is recorded) and end in 501. No SDK tries again after that: botocore, the
 * JavaScript and Java ones retry on 500, 502, 503, 504, the Go ones on 5xx except 501. A
 * service's own error of 400 could be taken for a mistake in the request.
 */
#include "api/app.h"
#include "api/faults.h"
#include "api/req.h"
#include "base/str.h"

const struct shape op_nothing_shape = { .name = "Nothing", .kind = K_STRUCT };

struct status op_unsupported(struct req *rq, const void *in, void *out)
{
	(void)in;
	(void)out;
	return FAIL(rq, api_NotImplemented, "%s is not supported here: %s.", rq->op->name, rq->op->unsupported);
}

const struct op *service_op(const struct service *svc, struct str name)
{
	size_t lo = 0, hi = svc->n_ops;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = str_cmp(name, str_of(svc->ops[mid].name));
		if (c == 0)
			return &svc->ops[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct service *app_service(const struct app *app, struct str name)
{
	for (const struct service *const *s = app->services; *s; s++)
		if (str_eq(name, str_of((*s)->name)))
			return *s;
	return NULL;
}

bool op_has_condition(const struct op *op, const char *key)
{
	for (const struct condition *c = op->conditions; c->key; c++)
		if (!strcmp(c->key, key))
			return true;
	return false;
}
