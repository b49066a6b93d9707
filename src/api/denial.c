/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url( account(12) || keyring ciphertext ): as session tokens are (api/token.c), with
 * what is bound keeping the two apart.
 */
#include "api/denial.h"

#include "api/accounts.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/json_text.h"

/* Lists end where the text has grown beyond these; the texts at the end always fit. */
enum { ACCOUNT_DIGITS = 12, TEXT_KEPT = 512, STATEMENT_ROOM = 3 * 1024, CONDITIONS_ROOM = 5 * 1024 };

/* ---- what happened ---------------------------------------------------------------------- */

struct writer {
	struct json_out out;
	struct buf *b;
	size_t room;
};

static void text(struct writer *w, const char *name, struct str value)
{
	json_name(&w->out, str_of(name));
	json_put_str(&w->out, str_sub(value, 0, TEXT_KEPT));
}

/* AWS's JSON wraps every list: {"items":[ ... ]}. */
static void items_begin(struct writer *w, const char *name)
{
	json_name(&w->out, str_of(name));
	json_begin(&w->out, '{');
	json_name(&w->out, S("items"));
	json_begin(&w->out, '[');
}

static void items_end(struct writer *w)
{
	json_end(&w->out, ']');
	json_end(&w->out, '}');
}

/* Room for one more, at its longest: escapes take six bytes a byte, rarely. */
static bool has_room(const struct writer *w) { return w->b->n < w->room; }

static void value(struct writer *w, struct str v)
{
	if (!has_room(w))
		return;
	json_begin(&w->out, '{');
	text(w, "value", v);
	json_end(&w->out, '}');
}

static void statement_conditions(struct writer *w, const struct policy *p, const struct policy_statement *s)
{
	items_begin(w, "conditions");
	for (uint32_t i = 0; i < s->conditions && has_room(w); i++) {
		struct policy_condition_view c = policy_condition_at(p, s->index, i);
		json_begin(&w->out, '{');
		text(w, "key", c.key);
		items_begin(w, "values");
		for (uint32_t k = 0; k < c.values; k++)
			value(w, policy_condition_value(p, s->index, i, k));
		items_end(w);
		json_end(&w->out, '}');
	}
	items_end(w);
}

static void statement(struct writer *w, const struct policy_request *asked, const struct policy_decision *d)
{
	const struct policy *p = d->policy;
	const struct policy_statement *s = &d->statement;
	json_begin(&w->out, '{');
	text(w, "statementId", s->sid.p ? s->sid : S(""));
	text(w, "effect", S("DENY"));
	items_begin(w, "principals");
	if (s->principals == 0)
		value(w, asked->principal->id);
	for (uint32_t i = 0; i < s->principals; i++)
		value(w, policy_principal_at(p, s->index, i).value);
	items_end(w);
	items_begin(w, "principalGroups");
	items_end(w);
	items_begin(w, "actions");
	for (uint32_t i = 0; i < s->actions; i++)
		value(w, policy_action_at(p, s->index, i));
	items_end(w);
	items_begin(w, "resources");
	for (uint32_t i = 0; i < s->resources; i++)
		value(w, policy_resource_at(p, s->index, i));
	items_end(w);
	statement_conditions(w, p, s);
	json_end(&w->out, '}');
}

static void context_key(struct writer *w, struct str name, const struct policy_entry *e)
{
	json_begin(&w->out, '{');
	text(w, "key", name);
	items_begin(w, "values");
	for (uint32_t i = 0; i < e->n; i++)
		value(w, e->values ? e->values[i] : e->one);
	items_end(w);
	json_end(&w->out, '}');
}

static void item_keys(struct writer *w, const struct authz_item *item)
{
	for (const struct authz_key *k = item->keys; k && has_room(w); k = k->next) {
		struct policy_entry e = { .values = k->values, .n = (uint32_t)k->n };
		if (policy_key_find(k->name) == POLICY_KEY_NONE)
			context_key(w, k->name, &e);
	}
	for (size_t i = 0; i < item->resource_tags.n && has_room(w); i++) {
		struct policy_entry e = { .one = item->resource_tags.v[i].value, .n = 1 };
		context_key(w, arena_printf(w->b->mem, "aws:ResourceTag/%.*s", PR(item->resource_tags.v[i].key)), &e);
	}
}

/* What the request was about, then the keys of the table that it has. */
static void context_keys(struct writer *w, const struct authz_item *item, const struct policy_context *cx)
{
	items_begin(w, "conditions");
	item_keys(w, item);
	for (int key = POLICY_KEY_NONE + 1; key < POLICY_KEY_COUNT && has_room(w); key++) {
		struct policy_entry e = { 0 };
		struct str name = policy_key_name((enum policy_key)key);
		if (policy_context_get(cx, name, &e))
			context_key(w, name, &e);
	}
	items_end(w);
}

static void context(struct writer *w, const struct authz_item *item, const struct policy_request *asked)
{
	const struct policy_principal *who = asked->principal;
	json_name(&w->out, S("context"));
	json_begin(&w->out, '{');
	json_name(&w->out, S("principal"));
	json_begin(&w->out, '{');
	text(w, "id", who->id);
	if (who->kind == POLICY_USER)
		text(w, "name", who->name);
	text(w, "arn", who->arn);
	json_end(&w->out, '}');
	text(w, "action", asked->action);
	text(w, "resource", asked->resource);
	context_keys(w, item, asked->context);
	json_end(&w->out, '}');
}

static struct str json_of(struct arena *mem, const struct authz_item *item, const struct policy_request *asked,
			  const struct policy_decision *d, bool whole)
{
	struct buf b = buf_in(mem);
	struct writer w = { .out = { .to = &b }, .b = &b, .room = whole ? STATEMENT_ROOM : 0 };
	json_begin(&w.out, '{');
	json_name(&w.out, S("allowed"));
	json_put_bool(&w.out, false);
	json_name(&w.out, S("explicitDeny"));
	json_put_bool(&w.out, d->verdict == POLICY_EXPLICIT_DENY);
	items_begin(&w, "matchedStatements");
	if (whole && d->policy)
		statement(&w, asked, d);
	items_end(&w);
	items_begin(&w, "failures");
	items_end(&w);
	w.room = whole ? CONDITIONS_ROOM : 0;
	context(&w, item, asked);
	json_end(&w.out, '}');
	return buf_str(&b);
}

struct str denial_json(struct arena *mem, const struct authz_item *item, const struct policy_request *asked,
		       const struct policy_decision *d)
{
	struct str json = json_of(mem, item, asked, d, true);
	return json.n <= DENIAL_JSON_MAX ? json : json_of(mem, item, asked, d, false);
}

/* ---- sealed ------------------------------------------------------------------------------- */

static struct str bound_to(struct req *rq, struct str account)
{
	return arena_printf(rq->mem, "denial/%.*s", PR(account));
}

struct status denial_seal(struct req *rq, struct str json, struct str *text_out)
{
	const struct key_ref *key;
	struct str cipher, account = rq->caller.account;
	struct buf whole = buf_in(rq->mem);
	TRY(account_service_key(rq->app->accounts, account, S("sts"), &key));
	TRY(keyring_seal(rq->app->keyring, key, bound_to(rq, account), json, rq->mem, &cipher));
	buf_put(&whole, account);
	buf_put(&whole, cipher);
	struct str made = base64url_encode(rq->mem, buf_str(&whole));
	if (made.n > DENIAL_TEXT_MAX)
		return ERR(E_TOO_BIG);
	*text_out = made;
	return OK;
}

struct status denial_open(struct req *rq, struct str sealed, struct str *json)
{
	struct str whole, account = rq->caller.account;
	const struct key_ref *key;
	if (sealed.n > DENIAL_TEXT_MAX || failed(base64url_decode(rq->mem, sealed, &whole)) ||
	    whole.n <= ACCOUNT_DIGITS || !str_eq(str_sub(whole, 0, ACCOUNT_DIGITS), account))
		return ERR(E_CORRUPT);
	TRY(account_service_key(rq->app->accounts, account, S("sts"), &key));
	return keyring_unseal(rq->app->keyring, key, bound_to(rq, account), str_from(whole, ACCOUNT_DIGITS), rq->mem,
			      json);
}
