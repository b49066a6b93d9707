/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens through the admin socket, for custom key stores. Each has an account and a region, by default the server's.
 *
 *     GET    /keystore[?name=N]                              a line each: name, cluster, store, label, module; or the
 *                                                            certificate of the one
 *     POST   /keystore?name=N&module=PATH&token=LABEL[&replica=N]    its cluster id and its certificate
 *     DELETE /keystore?name=N
 */
#include "base/log.h"
#include "base/str.h"
#include "cli/admin.h"
#include "svc/kms/hsm.h"

struct place {
	struct str account, region;
};

static struct place place_of(struct http_req *http, struct server *s)
{
	return (struct place){ admin_given(http, "account", s->config.account),
			       admin_given(http, "region", s->config.region) };
}

static void refuse(struct http_req *http, struct status st)
{
	switch (st.code) {
	case E_INVALID:
		admin_say(http, 400,
			  "name takes 1 to 64 of A-Z a-z 0-9 _ . -, module an absolute path, token a label of 1 to 32 "
			  "characters");
		return;
	case E_NOT_FOUND:
		admin_say(http, 404, "there is no such account, or no token of that name in it");
		return;
	case E_EXISTS:
		admin_say(http, 409, "there is a token of that name");
		return;
	case E_BUSY:
		admin_say(http, 409, "a custom key store has it: delete that first");
		return;
	case E_FULL:
		admin_say(http, 409, "there are too many tokens");
		return;
	default:
		admin_say(http, 500, status_name(st));
	}
}

static void list(struct http_req *http, struct server *s)
{
	struct place at = place_of(http, s);
	struct str name = admin_parameter(http, "name");
	struct kms_hsm *v;
	struct buf b = buf_in(http->mem);
	size_t n;
	struct status st = kms_hsm_list(&s->app, http->mem, at.account, at.region, &v, &n);
	for (size_t i = 0; !failed(st) && i < n; i++)
		if (!name.p)
			buf_printf(&b, "%.*s %.*s %.*s %.*s %.*s\n", PR(v[i].name), PR(v[i].cluster),
				   PR(v[i].store.n ? v[i].store : S("-")), PR(v[i].label), PR(v[i].module));
		else if (str_eq(v[i].name, name))
			buf_put(&b, v[i].trust_anchor);
	if (failed(st) || (name.p && !b.n))
		refuse(http, failed(st) ? st : ERR(E_NOT_FOUND));
	else
		admin_answer(http, 200, "text/plain", buf_str(&b));
}

static void add(struct http_req *http, struct server *s)
{
	struct place at = place_of(http, s);
	const struct kms_hsm what = { .name = admin_given(http, "name", S("")),
				      .module = admin_given(http, "module", S("")),
				      .label = admin_given(http, "token", S("")) };
	struct kms_hsm made;
	struct status st =
	    kms_hsm_add(&s->app, http->mem, at.account, at.region, &what, admin_given(http, "replica", S("")), &made);
	if (failed(st)) {
		refuse(http, st);
		return;
	}
	log_info("token added", "name", made.name, "cluster", made.cluster, "module", made.module, "label", made.label);
	admin_answer(http, 200, "text/plain",
		     arena_printf(http->mem, "%.*s\n%.*s", PR(made.cluster), PR(made.trust_anchor)));
}

static void drop(struct http_req *http, struct server *s)
{
	struct place at = place_of(http, s);
	struct str name = admin_given(http, "name", S(""));
	struct status st = kms_hsm_remove(&s->app, http->mem, at.account, at.region, name);
	if (failed(st)) {
		refuse(http, st);
		return;
	}
	log_info("token removed", "name", name);
	admin_say(http, 200, "removed");
}

bool admin_keystore(struct http_req *http, struct server *s)
{
	static const struct admin_verbs verbs = { .get = list, .post = add, .del = drop };
	return str_eq(http->path, S("/keystore")) && admin_verb(http, s, &verbs);
}
