/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context of a simulation: what follows from the principal, and over it whatever the
 * caller makes up. A key that is neither is missing, and told of as such, whichever
 * statement asks for it.
 *
 * Values must be of the type that was said: a number that is none would silently match
 * nothing. Binary values come in base64 and are compared as bytes.
 */
#include "base/codec.h"
#include "base/str.h"
#include "svc/iam/simulate.h"

#include <stdlib.h>

static bool is_list(enum iam_context_key_type_enum type)
{
	/* the model names each type and then its list */
	return type % 2 == 0;
}

static bool is_bool(struct str v) { return str_eq_ci(v, S("true")) || str_eq_ci(v, S("false")); }

/* One value, as conditions compare it; NULL, or what it should have been. */
static const char *value_of(struct req *rq, enum iam_context_key_type_enum type, struct str given, struct str *out)
{
	*out = given;
	switch (type) {
	case IAM_CONTEXT_KEY_TYPE_ENUM_STRING:
	case IAM_CONTEXT_KEY_TYPE_ENUM_STRING_LIST:
		break;
	case IAM_CONTEXT_KEY_TYPE_ENUM_NUMERIC:
	case IAM_CONTEXT_KEY_TYPE_ENUM_NUMERIC_LIST:
		return policy_is_number(given) ? NULL : "numeric format";
	case IAM_CONTEXT_KEY_TYPE_ENUM_BOOLEAN:
	case IAM_CONTEXT_KEY_TYPE_ENUM_BOOLEAN_LIST:
		return is_bool(given) ? NULL : "boolean format";
	case IAM_CONTEXT_KEY_TYPE_ENUM_IP:
	case IAM_CONTEXT_KEY_TYPE_ENUM_IP_LIST:
		return policy_is_address(given) ? NULL : "IP address";
	case IAM_CONTEXT_KEY_TYPE_ENUM_BINARY:
	case IAM_CONTEXT_KEY_TYPE_ENUM_BINARY_LIST:
		return failed(base64_decode(rq->mem, given, out)) ? "base-64 encoded binary format" : NULL;
	case IAM_CONTEXT_KEY_TYPE_ENUM_DATE:
	case IAM_CONTEXT_KEY_TYPE_ENUM_DATE_LIST:
		return policy_is_date(given) ? NULL : "DateTime format";
	}
	return NULL;
}

static struct status check(struct req *rq, const struct iam_context_entry *e)
{
	if (!e->context_key_name.p)
		return FAIL(rq, iam_InvalidInputException, "ContextKeyName cannot be null or empty.");
	if (!e->context_key_type)
		return FAIL(rq, iam_InvalidInputException, "Context key %.*s has invalid type null.",
			    PR(e->context_key_name));
	if (!e->context_key_values.n)
		return FAIL(rq, iam_InvalidInputException,
			    "Context values for context key %.*s cannot be null or empty.", PR(e->context_key_name));
	if (!is_list(e->context_key_type) && e->context_key_values.n != 1)
		return FAIL(rq, iam_InvalidInputException,
			    "Context key %.*s expected a single value, but received %zu.", PR(e->context_key_name),
			    e->context_key_values.n);
	return OK;
}

static struct status key_of_entry(struct req *rq, const struct iam_context_entry *e, struct iam_sim_key *out)
{
	TRY(check(rq, e));
	struct str *v = NEWS(rq->mem, struct str, e->context_key_values.n);
	for (size_t i = 0; i < e->context_key_values.n; i++) {
		const char *expected = value_of(rq, e->context_key_type, e->context_key_values.v[i], &v[i]);
		if (expected)
			return FAIL(rq, iam_InvalidInputException, "Invalid context value for key %.*s: expected %s.",
				    PR(e->context_key_name), expected);
	}
	*out = (struct iam_sim_key){
		.lower = iam_lower(rq->mem, e->context_key_name),
		.values = v,
		.n = e->context_key_values.n,
		.list = is_list(e->context_key_type),
	};
	return OK;
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct iam_sim_key *)a)->lower, ((const struct iam_sim_key *)b)->lower);
}

/* Names of keys have few bytes of their own to compare; they are folded on the way. */
static int name_order(struct str lower, struct str name)
{
	for (size_t i = 0; i < lower.n && i < name.n; i++) {
		int d = (unsigned char)lower.p[i] - (unsigned char)char_lower(name.p[i]);
		if (d)
			return d;
	}
	return (lower.n > name.n) - (lower.n < name.n);
}

static bool look_up(void *arg, enum policy_key key, struct str name, struct policy_entry *out)
{
	const struct iam_sim *sim = arg;
	struct str wanted = key ? policy_key_name(key) : name;
	for (size_t from = 0, to = sim->n_keys; from < to;) {
		size_t mid = from + (to - from) / 2;
		const struct iam_sim_key *k = &sim->keys[mid];
		int order = name_order(k->lower, wanted);
		if (order == 0) {
			*out = (struct policy_entry){
				.values = k->values,
				.n = (uint32_t)k->n,
				.multi = k->list || policy_key_multi(key),
			};
			return true;
		}
		if (order < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return false;
}

/* What was made up for a key that follows from the principal takes its place. */
static void override(struct iam_sim *sim)
{
	for (size_t i = 0; i < sim->n_keys; i++) {
		const struct iam_sim_key *k = &sim->keys[i];
		enum policy_key key = policy_key_find(k->lower);
		if (key && sim->cx.slot[key])
			policy_context_put_many(&sim->cx, key, k->values, k->n);
	}
}

struct status iam_sim_context(struct req *rq, struct iam_sim *sim, struct iam_context_entry_list entries)
{
	enum { FROM_PRINCIPAL = 8 };
	sim->keys = NEWS(rq->mem, struct iam_sim_key, entries.n + 1);
	for (size_t i = 0; i < entries.n; i++)
		TRY(key_of_entry(rq, &entries.v[i], &sim->keys[sim->n_keys++]));
	qsort(sim->keys, sim->n_keys, sizeof *sim->keys, by_name);
	for (size_t i = 1; i < sim->n_keys; i++)
		if (str_eq(sim->keys[i - 1].lower, sim->keys[i].lower))
			return FAIL(rq, iam_InvalidInputException, "Duplicate context key: %.*s.",
				    PR(sim->keys[i].lower));
	policy_context_init(&sim->cx, NEWS(rq->mem, struct policy_entry, FROM_PRINCIPAL), FROM_PRINCIPAL);
	policy_context_principal(&sim->cx, &sim->who);
	override(sim);
	sim->cx.lookup = look_up;
	sim->cx.lookup_arg = sim;
	return OK;
}

/* ---- which keys policies ask for ----------------------------------------------------------- */

static void rehash(struct req *rq, struct iam_key_names *names)
{
	names->n_slots = names->n_slots ? names->n_slots * 2 : 64;
	names->slots = NEWS(rq->mem, size_t, names->n_slots);
	for (size_t i = 0; i < names->n; i++) {
		size_t at = str_hash(iam_lower(rq->mem, names->v[i]), 0) & (names->n_slots - 1);
		while (names->slots[at])
			at = (at + 1) & (names->n_slots - 1);
		names->slots[at] = i + 1;
	}
}

static void add_name(struct req *rq, struct iam_key_names *names, struct str name)
{
	if (names->n * 2 >= names->n_slots)
		rehash(rq, names);
	size_t at = str_hash(iam_lower(rq->mem, name), 0) & (names->n_slots - 1);
	for (; names->slots[at]; at = (at + 1) & (names->n_slots - 1))
		if (str_eq_ci(names->v[names->slots[at] - 1], name))
			return;
	if (names->n == names->cap) {
		struct str *more = NEWS(rq->mem, struct str, names->cap = names->cap ? names->cap * 2 : 16);
		if (names->n)
			memcpy(more, names->v, names->n * sizeof *more);
		names->v = more;
	}
	names->v[names->n++] = name;
	names->slots[at] = names->n;
}

static int by_place(const void *a, const void *b)
{
	const char *x = ((const struct str *)a)->p, *y = ((const struct str *)b)->p;
	return (x > y) - (x < y);
}

/* The names are views of the policy's text, so where they lie is the order in which they are written. */
void iam_key_names_add(struct req *rq, struct iam_key_names *names, const struct policy *p)
{
	size_t n = 0, it = 0;
	struct str name;
	while (policy_context_key_next(p, &it, &name))
		n++;
	struct str *all = NEWS(rq->mem, struct str, n + 1);
	n = it = 0;
	while (policy_context_key_next(p, &it, &name))
		all[n++] = name;
	qsort(all, n, sizeof *all, by_place);
	for (size_t i = 0; i < n; i++)
		add_name(rq, names, all[i]);
}

void iam_sim_missing(struct req *rq, struct iam_sim *sim)
{
	struct iam_key_names names = { 0 };
	struct policy_entry e;
	size_t n = 0;
	for (size_t i = 0; i < sim->identity.n; i++)
		iam_key_names_add(rq, &names, sim->identity.v[i].policy);
	if (sim->boundary.policy)
		iam_key_names_add(rq, &names, sim->boundary.policy);
	if (sim->resource.policy)
		iam_key_names_add(rq, &names, sim->resource.policy);
	struct str *missing = NEWS(rq->mem, struct str, names.n + 1);
	for (size_t i = 0; i < names.n; i++)
		if (!policy_context_get(&sim->cx, names.v[i], &e))
			missing[n++] = names.v[i];
	sim->missing = (struct str_list){ missing, n };
}
