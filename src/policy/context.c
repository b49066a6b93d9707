/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context of a request: which keys it has, and with what values.
 *
 * Names are compared without regard to case, tails such as the tag key in
 * aws:PrincipalTag/x included ("IAM JSON policy elements: Condition": key names are
 * not case-sensitive, and the page on tags says the same of tag keys in key names).
 */
#include "policy/impl.h"

static const struct {
	struct str name;
	bool multi;
} keys[] = {
#define POLICY_KEY_ROW(id, text, many) [POLICY_KEY_##id] = { { "" text, sizeof(text) - 1 }, many },
	POLICY_KEYS(POLICY_KEY_ROW)
#undef POLICY_KEY_ROW
};

/* Their lengths side by side, so that memchr finds the few that are worth a comparison. */
static const uint8_t lengths[] = {
#define POLICY_KEY_LENGTH(id, text, many) [POLICY_KEY_##id] = sizeof(text) - 1,
	POLICY_KEYS(POLICY_KEY_LENGTH)
#undef POLICY_KEY_LENGTH
};

enum policy_key policy_key_find(struct str name)
{
	if (name.n == 0 || name.n > UINT8_MAX)
		return POLICY_KEY_NONE;
	for (size_t i = 1; i < COUNT(keys); i++) {
		const uint8_t *hit = memchr(lengths + i, (int)name.n, COUNT(lengths) - i);
		if (hit == NULL)
			return POLICY_KEY_NONE;
		i = (size_t)(hit - lengths);
		/* names differ most at their ends */
		if (char_lower(keys[i].name.p[name.n - 1]) == char_lower(name.p[name.n - 1]) &&
		    str_eq_ci(keys[i].name, name))
			return (enum policy_key)i;
	}
	return POLICY_KEY_NONE;
}

struct str policy_key_name(enum policy_key key) { return keys[key].name; }

bool policy_key_multi(enum policy_key key) { return keys[key].multi; }

void policy_context_init(struct policy_context *cx, struct policy_entry *room, size_t cap)
{
	assert(cap <= UINT8_MAX);
	*cx = (struct policy_context){ .entries = room, .cap = (uint16_t)cap };
}

static struct policy_entry *named_entry(const struct policy_context *cx, uint32_t hash, struct str name)
{
	for (size_t i = 0; i < cx->n; i++) {
		struct policy_entry *e = &cx->entries[i];
		if (e->hash == hash && e->key == POLICY_KEY_NONE && str_eq_ci(e->name, name))
			return e;
	}
	return NULL;
}

static struct policy_entry *fresh(struct policy_context *cx)
{
	assert(cx->n < cx->cap);
	return &cx->entries[cx->n++];
}

static struct policy_entry *known_entry(struct policy_context *cx, enum policy_key key)
{
	assert(key > POLICY_KEY_NONE && key < POLICY_KEY_COUNT);
	if (cx->slot[key] == 0) {
		fresh(cx);
		cx->slot[key] = (uint8_t)cx->n;
	}
	return &cx->entries[cx->slot[key] - 1];
}

void policy_context_put(struct policy_context *cx, enum policy_key key, struct str value)
{
	if (value.p == NULL)
		return;
	*known_entry(cx, key) =
	    (struct policy_entry){ .one = value, .n = 1, .key = (uint16_t)key, .multi = keys[key].multi };
}

void policy_context_put_many(struct policy_context *cx, enum policy_key key, const struct str *values, size_t n)
{
	*known_entry(cx, key) = (struct policy_entry){
		.values = values, .n = (uint32_t)n, .key = (uint16_t)key, .multi = keys[key].multi || n != 1
	};
}

void policy_context_put_named(struct policy_context *cx, struct str name, const struct str *values, size_t n,
			      bool multi)
{
	enum policy_key key = policy_key_find(name);
	if (key != POLICY_KEY_NONE) {
		policy_context_put_many(cx, key, values, n);
		return;
	}
	uint32_t hash = hash_ci(name);
	struct policy_entry *e = named_entry(cx, hash, name);
	if (e == NULL)
		e = fresh(cx);
	*e = (struct policy_entry){
		.name = name, .values = values, .n = (uint32_t)n, .hash = hash, .multi = multi || n != 1
	};
}

const struct policy_entry *pol_context_find(const struct policy_context *cx, enum policy_key key, uint32_t hash,
					    struct str name, struct policy_entry *room)
{
	if (cx == NULL)
		return NULL;
	if (key != POLICY_KEY_NONE && cx->slot[key] != 0)
		return &cx->entries[cx->slot[key] - 1];
	if (key == POLICY_KEY_NONE) {
		const struct policy_entry *e = named_entry(cx, hash, name);
		if (e != NULL)
			return e;
	}
	if (cx->lookup == NULL)
		return NULL;
	*room = (struct policy_entry){ 0 };
	return cx->lookup(cx->lookup_arg, key, name, room) ? room : NULL;
}

bool policy_context_get(const struct policy_context *cx, struct str name, struct policy_entry *out)
{
	struct policy_entry room;
	const struct policy_entry *e = pol_context_find(cx, policy_key_find(name), hash_ci(name), name, &room);
	if (e == NULL)
		return false;
	*out = *e;
	return true;
}

static struct str principal_type(const struct policy_principal *who)
{
	switch (who->kind) {
	case POLICY_ROOT:
		return S("Account");
	case POLICY_USER:
		return S("User");
	case POLICY_ROLE_SESSION:
		return S("AssumedRole");
	case POLICY_FEDERATED_USER:
		return S("FederatedUser");
	case POLICY_ANONYMOUS:
	case POLICY_WEB_IDENTITY:
		return S("Anonymous");
	case POLICY_SERVICE:
		break;
	}
	return (struct str){ 0 };
}

static struct str given(struct str s) { return s.n > 0 ? s : (struct str){ 0 }; }

/*
 * "AWS global condition context keys" and the table "Principal key values" of "IAM policy elements: Variables and
 * tags". aws:PrincipalArn of a role session is the role's ARN. aws:username is there for IAM users only. A request that
 * nobody signed has an account, "anonymous", and does not say whether a service made it.
 */
void policy_context_principal(struct policy_context *cx, const struct policy_principal *who)
{
	bool role = who->kind == POLICY_ROLE_SESSION, service = who->kind == POLICY_SERVICE;
	bool nobody = who->kind == POLICY_ANONYMOUS;
	policy_context_put(cx, POLICY_KEY_AWS_PRINCIPAL_TYPE, principal_type(who));
	policy_context_put(cx, POLICY_KEY_AWS_PRINCIPAL_ACCOUNT, nobody ? S("anonymous") : given(who->account));
	policy_context_put(cx, POLICY_KEY_AWS_PRINCIPAL_ARN, given(role ? who->issuer : who->arn));
	if (!nobody)
		policy_context_put(cx, POLICY_KEY_AWS_PRINCIPAL_IS_SERVICE, service ? S("true") : S("false"));
	policy_context_put(cx, POLICY_KEY_AWS_USERID, given(who->id));
	if (who->kind == POLICY_USER)
		policy_context_put(cx, POLICY_KEY_AWS_USERNAME, given(who->name));
	if (service && who->services_n > 0) {
		policy_context_put(cx, POLICY_KEY_AWS_PRINCIPAL_SERVICE_NAME, who->services[0]);
		policy_context_put_many(cx, POLICY_KEY_AWS_PRINCIPAL_SERVICE_NAMES, who->services, who->services_n);
	}
}
