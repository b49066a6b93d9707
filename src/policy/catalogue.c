/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding things in the catalogue's tables: binary search in names sorted in lower case.
 * Condition keys with a part that varies ("aws:RequestTag/${TagKey}") are few enough to be tried
 * one after another.
 */
#include "policy/catalogue_rows.h"
#include "base/str.h"
#include "policy/policy.h"

static struct str text_of(uint32_t s) { return str_make(catalogue_chars + (s >> 8), s & 255); }

struct list {
	const uint16_t *p;
	uint32_t n;
};
static struct list list_of(uint32_t at) { return (struct list){ catalogue_lists + at + 1, catalogue_lists[at] }; }

static int cmp_ci(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		int d = (uint8_t)char_lower(a.p[i]) - (uint8_t)char_lower(b.p[i]);
		if (d != 0)
			return d;
	}
	return (a.n > b.n) - (a.n < b.n);
}

/* The row among [from, from + n) whose name is `want`; false when there is none. */
static bool find_row(uint32_t from, uint32_t n, uint32_t (*name_of)(uint32_t row), struct str want, uint32_t *row)
{
	uint32_t low = from, high = from + n;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int d = cmp_ci(want, text_of(name_of(mid)));
		if (d == 0) {
			*row = mid;
			return true;
		}
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

static uint32_t service_name(uint32_t row) { return catalogue_services[row].prefix; }
static uint32_t action_name(uint32_t row) { return catalogue_actions[row].name; }
static uint32_t type_name(uint32_t row) { return catalogue_types[row].name; }
static uint32_t key_name(uint32_t row) { return catalogue_keys[row].name; }

struct str catalogue_version(void) { return str_of(catalogue_data_version); }

/* ---- services ---- */

size_t catalogue_service_count(void) { return catalogue_services_n; }

struct catalogue_service catalogue_service_at(size_t id)
{
	assert(id < catalogue_services_n);
	const struct catalogue_service_row *s = &catalogue_services[id];
	return (struct catalogue_service){
		.id = (uint32_t)id,
		.prefix = text_of(s->prefix),
		.title = text_of(s->title),
		.rcp = s->rcp != 0,
		.actions = s->action_n,
		.resources = s->type_n,
		.action0 = s->action0,
		.resource0 = s->type0,
	};
}

bool catalogue_service_find(struct str prefix, struct catalogue_service *out)
{
	uint32_t row;
	if (!find_row(0, catalogue_services_n, service_name, prefix, &row))
		return false;
	*out = catalogue_service_at(row);
	return true;
}

/* ---- actions ---- */

const char *catalogue_access_name(enum catalogue_access access)
{
	static const char *const names[] = { "List", "Read", "Write", "Tagging", "Permissions management" };
	return names[access];
}

size_t catalogue_action_count(void) { return catalogue_actions_n; }

struct catalogue_action catalogue_action_at(size_t id)
{
	assert(id < catalogue_actions_n);
	const struct catalogue_action_row *a = &catalogue_actions[id];
	return (struct catalogue_action){
		.id = (uint32_t)id,
		.service_id = a->service,
		.service = text_of(catalogue_services[a->service].prefix),
		.name = text_of(a->name),
		.access = (enum catalogue_access)a->access,
		.uses = list_of(a->uses).n / 3,
		.keys = list_of(a->keys).n,
	};
}

bool catalogue_action_find(struct str action, struct catalogue_action *out)
{
	struct str name = action, prefix = str_cut(&name, ':');
	struct catalogue_service s;
	uint32_t row;
	if (name.p == NULL || !catalogue_service_find(prefix, &s) ||
	    !find_row(s.action0, s.actions, action_name, name, &row))
		return false;
	*out = catalogue_action_at(row);
	return true;
}

static void walk_start(struct str pattern, struct str prefix, struct catalogue_walk *it)
{
	struct catalogue_service s;
	it->started = true;
	it->end = catalogue_actions_n;
	if (str_eq(pattern, S("*")) || str_find_char(prefix, '*') != SIZE_MAX || str_find_char(prefix, '?') != SIZE_MAX)
		return;
	if (!catalogue_service_find(prefix, &s)) {
		it->end = 0;
		return;
	}
	it->next = s.action0;
	it->end = s.action0 + s.actions;
}

bool catalogue_action_next(struct str pattern, struct catalogue_walk *it, struct catalogue_action *out)
{
	struct str name = pattern, prefix = str_cut(&name, ':');
	if (!it->started)
		walk_start(pattern, prefix, it);
	for (; it->next < it->end; it->next++) {
		const struct catalogue_action_row *a = &catalogue_actions[it->next];
		bool all = name.p == NULL ? str_eq(pattern, S("*"))
					  : policy_wildcard_match_ci(name, text_of(a->name)) &&
						policy_wildcard_match_ci(prefix, text_of(service_name(a->service)));
		if (!all)
			continue;
		*out = catalogue_action_at(it->next++);
		return true;
	}
	return false;
}

/* ---- resource types ---- */

size_t catalogue_resource_count(void) { return catalogue_types_n; }

struct catalogue_resource catalogue_resource_at(size_t id)
{
	assert(id < catalogue_types_n);
	const struct catalogue_type_row *t = &catalogue_types[id];
	return (struct catalogue_resource){
		.id = (uint32_t)id,
		.service = text_of(catalogue_services[t->service].prefix),
		.name = text_of(t->name),
		.arns = list_of(t->arns).n / 2,
		.keys = list_of(t->keys).n,
	};
}

bool catalogue_resource_find(struct str service, struct str name, struct catalogue_resource *out)
{
	struct catalogue_service s;
	uint32_t row;
	if (!catalogue_service_find(service, &s) || !find_row(s.resource0, s.resources, type_name, name, &row))
		return false;
	*out = catalogue_resource_at(row);
	return true;
}

struct str catalogue_resource_arn(const struct catalogue_resource *r, size_t i)
{
	assert(i < r->arns);
	const uint16_t *half = list_of(catalogue_types[r->id].arns).p + 2 * i;
	return text_of((uint32_t)half[0] << 16 | half[1]);
}

bool catalogue_resource_meets(const struct catalogue_resource *r, struct str arn)
{
	for (size_t i = 0; i < r->arns; i++) {
		if (catalogue_patterns_meet(arn, catalogue_resource_arn(r, i)))
			return true;
	}
	return false;
}

struct catalogue_use catalogue_use_at(const struct catalogue_action *a, size_t i)
{
	assert(i < a->uses);
	const uint16_t *use = list_of(catalogue_actions[a->id].uses).p + 3 * i;
	return (struct catalogue_use){ catalogue_resource_at(use[0]), use[1] != 0 };
}

/* ---- condition keys ---- */

const char *catalogue_key_type_name(enum catalogue_key_type type)
{
	static const char *const names[] = { "String", "ARN", "Boolean", "Numeric", "Date", "IP address", "Binary" };
	return names[type];
}

static struct catalogue_key key_at(uint32_t row)
{
	const struct catalogue_key_row *k = &catalogue_keys[row];
	return (struct catalogue_key){
		.id = row,
		.name = text_of(k->name),
		.type = (enum catalogue_key_type)k->type,
		.multi = k->multi != 0,
		.open = k->open != 0,
		.everywhere = k->everywhere != 0,
	};
}

/* "prefix${X}suffix" or "prefix<x>suffix" against a name; the part that varies must be there. */
static bool open_key_matches(struct str key, struct str name)
{
	size_t from = 0;
	while (key.p[from] != '<' && !(key.p[from] == '$' && key.p[from + 1] == '{'))
		from++;
	size_t to = str_find_char(key, key.p[from] == '<' ? '>' : '}');
	struct str tail = str_from(key, to + 1);
	return name.n > from + tail.n && str_starts_ci(name, str_sub(key, 0, from)) &&
	       str_eq_ci(str_from(name, name.n - tail.n), tail);
}

bool catalogue_key_find(struct str name, struct catalogue_key *out)
{
	uint32_t row;
	if (find_row(0, catalogue_keys_n, key_name, name, &row)) {
		*out = key_at(row);
		return true;
	}
	for (row = 0; row < catalogue_keys_n; row++) {
		if (!catalogue_keys[row].open || !open_key_matches(text_of(key_name(row)), name))
			continue;
		*out = key_at(row);
		return true;
	}
	return false;
}

struct catalogue_key catalogue_action_key_at(const struct catalogue_action *a, size_t i)
{
	assert(i < a->keys);
	return key_at(list_of(catalogue_actions[a->id].keys).p[i]);
}

static bool listed(uint32_t at, uint32_t key)
{
	struct list l = list_of(at);
	for (uint32_t i = 0; i < l.n; i++) {
		if (l.p[i] == key)
			return true;
	}
	return false;
}

bool catalogue_action_has_key(const struct catalogue_action *a, const struct catalogue_key *key)
{
	return key->everywhere || catalogue_action_lists_key(a, key);
}

bool catalogue_action_lists_key(const struct catalogue_action *a, const struct catalogue_key *key)
{
	const struct catalogue_action_row *row = &catalogue_actions[a->id];
	if (listed(row->keys, key->id))
		return true;
	struct list uses = list_of(row->uses);
	for (uint32_t i = 0; i < uses.n; i += 3) {
		if (listed(uses.p[i + 2], key->id) || listed(catalogue_types[uses.p[i]].keys, key->id))
			return true;
	}
	return false;
}
