/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding services and operations by name.
 */
#include "api/app.h"
#include "base/str.h"

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
