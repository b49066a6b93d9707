/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of users, roles and policies ("Tagging IAM resources"): at most 50, keys unique
 * whatever their case though the case is kept, and none that begins with "aws:". They are
 * kept sorted by key, as they are listed.
 */
#include "base/str.h"
#include "svc/iam/iam.h"

static int order(const struct iam_tag *a, const struct iam_tag *b) { return str_cmp(a->key, b->key); }

static struct status check_key(struct req *rq, struct iam_tag_list given, size_t i)
{
	if (str_starts_ci(given.v[i].key, S("aws:")))
		return FAIL(rq, iam_InvalidInputException, "Tag keys beginning with aws: are reserved for system use.");
	for (size_t k = 0; k < i; k++)
		if (str_eq_ci(given.v[k].key, given.v[i].key))
			return FAIL(rq, iam_InvalidInputException,
				    "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
	return OK;
}

/* Insertion: there are few. */
static void insert(struct iam_tag *v, size_t *n, struct iam_tag tag)
{
	size_t at = *n;
	for (; at > 0 && order(&tag, &v[at - 1]) < 0; at--)
		v[at] = v[at - 1];
	v[at] = tag;
	++*n;
}

static bool named(const struct iam_tag *v, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_ci(v[i].key, key))
			return true;
	return false;
}

struct status iam_tags_add(struct req *rq, struct iam_tag_list have, struct iam_tag_list given,
			   struct iam_tag_list *out)
{
	struct iam_tag *v = NEWS(rq->mem, struct iam_tag, have.n + given.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < given.n; i++) {
		TRY(check_key(rq, given, i));
		insert(v, &n, given.v[i]);
	}
	for (size_t i = 0; i < have.n; i++)
		if (!named(given.v, given.n, have.v[i].key))
			insert(v, &n, have.v[i]);
	if (n > IAM_TAGS_MAX)
		return FAIL(rq, iam_LimitExceededException, "The number of tags has reached the maximum limit.");
	*out = (struct iam_tag_list){ v, n };
	return OK;
}

struct iam_tag_list iam_tags_remove(struct req *rq, struct iam_tag_list have, struct str_list keys)
{
	struct iam_tag *v = NEWS(rq->mem, struct iam_tag, have.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < have.n; i++) {
		bool gone = false;
		for (size_t k = 0; k < keys.n && !gone; k++)
			gone = str_eq_ci(keys.v[k], have.v[i].key);
		if (!gone)
			v[n++] = have.v[i];
	}
	return (struct iam_tag_list){ v, n };
}

struct str_map iam_tags_map(struct arena *mem, struct iam_tag_list tags)
{
	struct str_entry *v = NEWS(mem, struct str_entry, tags.n + 1);
	for (size_t i = 0; i < tags.n; i++)
		v[i] = (struct str_entry){ tags.v[i].key, tags.v[i].value };
	return (struct str_map){ v, tags.n };
}
