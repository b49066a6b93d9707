/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS managed policies: read-only, the same in every account. They are written in managed/,
 * from the published action lists and over the services that matter here, and made into a
 * table by tools/policygen.py. A document may be shorter than AWS's.
 */
#include "base/str.h"
#include "svc/iam/iam.h"

const struct iam_builtin *iam_builtin_at(size_t i) { return i < iam_builtins_n ? &iam_builtins[i] : NULL; }

static const struct iam_builtin *named(struct str name)
{
	size_t lo = 0, hi = iam_builtins_n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = str_cmp(name, str_of(iam_builtins[mid].name));
		if (c == 0)
			return &iam_builtins[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct iam_builtin *iam_builtin_find(struct str arn)
{
	static const struct str root = { "arn:aws:iam::aws:policy", 23 };
	if (!str_starts(arn, root))
		return NULL;
	struct str rest = str_from(arn, root.n), name = str_after_last(rest, '/');
	const struct iam_builtin *b = named(name);
	return b && str_eq(str_sub(rest, 0, rest.n - name.n), str_of(b->path)) ? b : NULL;
}

bool iam_builtin_linked(const struct iam_builtin *b) { return !strcmp(b->path, "/aws-service-role/"); }
