/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ListGrants and ListRetirableGrants.
 *
 * A principal is shown by the ARN it was named with while that is still the same user or
 * role, else by its unique id, as AWS shows who is gone.
 */
#include "api/accounts.h"
#include "api/faults.h"
#include "base/codec.h"
#include "base/str.h"
#include "svc/kms/deletion.h"
#include "svc/kms/grant.h"
#include "svc/kms/page.h"
#include "wire/pack.h"

enum { PAGE_DEFAULT = 50, PAGE_MAX = 100 };

struct listed { /* what was read of a grant: entries are made when no snapshot is needed any more */
	struct str account, key_id, id;
	struct kms_grant_row row;
};

/* ---- entries ------------------------------------------------------------------------ */

static const struct kms_grant_constraints *constraints_of(struct req *rq, const struct kms_grant_row *g)
{
	if (!g->subset.n && !g->equals.n && !g->source_arn.n)
		return NULL;
	struct kms_grant_constraints *c = NEW(rq->mem, struct kms_grant_constraints);
	*c = (struct kms_grant_constraints){ g->subset, g->equals, g->source_arn };
	return c;
}

static struct status entry_of(struct req *rq, const struct listed *l, struct kms_grant_list_entry *out)
{
	const struct kms_grant_row *g = &l->row;
	*out = (struct kms_grant_list_entry){
		.key_id = kms_arn(rq, l->account, "key/", l->key_id),
		.grant_id = l->id,
		.name = g->name.p ? g->name : S(""),
		.creation_date = SET(g->created_at),
		.issuing_account =
		    arena_printf(rq->mem, "arn:%.*s:iam::%.*s:root", PR(rq->app->partition), PR(g->issuer)),
		.operations = g->operations,
		.constraints = constraints_of(rq, g),
	};
	if (g->for_service)
		out->grantee_service_principal = g->grantee;
	else
		TRY(kms_principal_shown(rq, g->grantee, g->grantee_id, &out->grantee_principal));
	if (g->by_service)
		out->retiring_service_principal = g->retiring;
	else if (g->retiring_id.n)
		TRY(kms_principal_shown(rq, g->retiring, g->retiring_id, &out->retiring_principal));
	return OK;
}

static struct status entries_of(struct req *rq, const struct listed *v, size_t n, struct kms_grant_list_entry_list *out)
{
	struct kms_grant_list_entry *entries = NEWS(rq->mem, struct kms_grant_list_entry, n + 1);
	for (size_t i = 0; i < n; i++)
		TRY(entry_of(rq, &v[i], &entries[i]));
	*out = (struct kms_grant_list_entry_list){ entries, n };
	return OK;
}

/* ---- ListGrants ------------------------------------------------------------------------ */

static struct status list_one(struct req *rq, struct str grant_id, struct str grantee, struct listed *v, size_t *n)
{
	const struct kms_found *f = kms_found(rq);
	struct txn *t;
	struct kms_grant_row row;
	TRY(req_read(rq, f->shard, &t));
	struct status st = kms_grant_get(t, rq->mem, f->key->id, grant_id, &row);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	if (!grantee.p || str_eq(grantee, row.grantee_id))
		v[(*n)++] = (struct listed){ f->key->account, f->key->id, grant_id, row };
	return OK;
}

static struct status list_page(struct req *rq, struct str prefix, struct kms_page *page, struct listed *v, size_t *n)
{
	const struct kms_found *f = kms_found(rq);
	struct txn *t;
	struct cursor c;
	TRY(req_read(rq, f->shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = prefix, .from = page->from, .keys_only = true }, &c));
	while (kms_page_next(page, &c)) {
		struct listed *l = &v[*n];
		l->account = f->key->account;
		l->key_id = f->key->id;
		l->id = str_dup(rq->mem, kms_grant_id_in(c.key));
		TRY(kms_grant_get(t, rq->mem, l->key_id, l->id, &l->row));
		++*n;
	}
	return cursor_end(&c);
}

/* "This filter is only usable by callers in a service principal", of the two kinds of principals one. */
static struct status check_service(struct req *rq, struct str principal, struct str service)
{
	if (principal.p && service.p)
		return FAIL(rq, api_ValidationException,
			    "You can specify either a principal or a service principal, but not both.");
	if (service.p && (rq->caller.kind != CALLER_SERVICE || !str_eq(rq->caller.name, service)))
		return FAIL(rq, api_ValidationException, "Only %.*s itself can ask for its grants.", PR(service));
	return OK;
}

/* By ARN, or by the id that is shown for one who is gone; a service principal is its own id. */
static struct status grantee_of(struct req *rq, struct str asked, struct str *id)
{
	*id = asked;
	return !asked.p || !str_starts(asked, S("arn:")) ? OK : kms_principal_id(rq, asked, id);
}

struct status kms_list_grants(struct req *rq, const struct kms_list_grants_in *in, struct kms_list_grants_out *out)
{
	struct str key_id = kms_found(rq)->key->id, grantee;
	struct kms_page page;
	size_t n = 0;
	if (in->grant_id.p)
		TRY(kms_grant_id_check(rq, in->grant_id));
	TRY(check_service(rq, in->grantee_principal, in->grantee_service_principal));
	TRY(grantee_of(rq, in->grantee_principal.p ? in->grantee_principal : in->grantee_service_principal, &grantee));
	struct str prefix = grantee.p ? kms_grantee_prefix(rq->mem, key_id, grantee) : kms_key_of(rq->mem, 'g', key_id);
	TRY(kms_page_begin(rq, in->limit, in->marker, PAGE_DEFAULT, PAGE_MAX, prefix, &page));
	struct listed *v = NEWS(rq->mem, struct listed, page.limit);
	TRY(in->grant_id.p ? list_one(rq, in->grant_id, grantee, v, &n) : list_page(rq, prefix, &page, v, &n));
	TRY(entries_of(rq, v, n, &out->grants));
	out->next_marker = kms_page_marker(rq, &page);
	out->truncated = (struct opt_bool)SET(page.more);
	return OK;
}

/* ---- ListRetirableGrants ------------------------------------------------------------------ */

/*
 * Grants on keys of every account: one account's shard after another. A marker is the account and the row to go on
 * with; rows end when an account's do, so a page may go over several.
 */
struct walk {
	struct req *rq;
	struct str prefix;
	struct listed *v;
	size_t n, limit;
	struct str account, from; /* where to begin */
	struct str next;          /* the marker for what is left; p == NULL: nothing is */
};

static struct status walk_row(struct walk *w, struct txn *t, struct str account, struct str row_key)
{
	struct req *rq = w->rq;
	struct listed *l = &w->v[w->n];
	struct rd r = rd_of(str_dup(rq->mem, row_key));
	(void)key_take_tag(&r);
	(void)key_take_str(&r, rq->mem);
	l->account = account;
	l->key_id = key_take_str(&r, rq->mem);
	l->id = key_take_str(&r, rq->mem);
	TRY(kms_grant_get(t, rq->mem, l->key_id, l->id, &l->row));
	w->n++;
	return OK;
}

static struct status walk_account(struct walk *w, struct str account, struct str from)
{
	struct shard *shard;
	struct txn *t;
	struct cursor c;
	struct req *rq = w->rq;
	struct status st = kms_shard(rq, account, &shard);
	if (st.code == E_NOT_FOUND)
		return OK;
	TRY(st);
	TRY(kms_sweep_if_due(rq, account, shard));
	TRY(req_read(rq, shard, &t));
	TRY(txn_range(t, &(struct range){ .prefix = w->prefix, .from = from, .keys_only = true }, &c));
	while (!w->next.p && cursor_next(&c)) {
		if (w->n < w->limit)
			TRY(walk_row(w, t, account, c.key));
		else
			w->next = arena_printf(rq->mem, "%.*s%.*s", PR(account), PR(base64_encode(rq->mem, c.key)));
	}
	TRY(cursor_end(&c));
	req_read_end(rq); /* a request has room for few snapshots */
	return OK;
}

static struct status walk_all(struct walk *w)
{
	bool begun = !w->account.p;
	const struct account *a;
	for (size_t i = 0; !w->next.p && (a = account_at(w->rq->app->accounts, i)) != NULL; i++) {
		bool here = w->account.p && str_eq(a->id, w->account);
		begun |= here;
		if (begun)
			TRY(walk_account(w, a->id, here ? w->from : (struct str){ 0 }));
	}
	return begun ? OK : ERR(E_INVALID);
}

static struct status bad_marker(struct req *rq)
{
	return FAIL(rq, kms_InvalidMarkerException, "The marker is not valid.");
}

static struct status walk_begin(struct walk *w, struct str marker)
{
	enum { DIGITS = 12 };
	if (!marker.p)
		return OK;
	w->account = str_sub(marker, 0, DIGITS);
	if (failed(base64_decode(w->rq->mem, str_from(marker, DIGITS), &w->from)) || !str_starts(w->from, w->prefix) ||
	    w->from.n > KEY_MAX)
		return bad_marker(w->rq);
	return OK;
}

/* "The principal must be in your AWS account." */
static struct status own_principal(struct req *rq, struct str arn, struct str *id)
{
	struct arn a;
	if (failed(arn_parse(arn, &a)) || !str_eq(a.account, rq->caller.account))
		return FAIL(rq, kms_InvalidArnException, "ARN does not refer to a valid principal: %.*s", PR(arn));
	return kms_principal_id(rq, arn, id);
}

static struct status retiring_of(struct req *rq, const struct kms_list_retirable_grants_in *in, struct str *id)
{
	*id = in->retiring_service_principal;
	if (id->p)
		return OK;
	if (!in->retiring_principal.p)
		return FAIL(rq, api_ValidationException,
			    "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.");
	return own_principal(rq, in->retiring_principal, id);
}

struct status kms_list_retirable_grants(struct req *rq, const struct kms_list_retirable_grants_in *in,
					struct kms_list_retirable_grants_out *out)
{
	struct kms_page page; /* for its limits */
	struct str id;
	TRY(check_service(rq, in->retiring_principal, in->retiring_service_principal));
	TRY(retiring_of(rq, in, &id));
	TRY(kms_page_begin(rq, in->limit, (struct str){ 0 }, PAGE_DEFAULT, PAGE_MAX, S(""), &page));
	struct walk w = {
		.rq = rq,
		.prefix = kms_key_of(rq->mem, 'r', id),
		.limit = page.limit,
		.v = NEWS(rq->mem, struct listed, page.limit),
	};
	TRY(walk_begin(&w, in->marker));
	struct status st = walk_all(&w);
	if (st.code == E_INVALID)
		return bad_marker(rq);
	TRY(st);
	TRY(entries_of(rq, w.v, w.n, &out->grants));
	out->next_marker = w.next;
	out->truncated = (struct opt_bool)SET(w.next.p != NULL);
	return OK;
}
