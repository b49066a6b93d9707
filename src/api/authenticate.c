/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a secret comes from:
 *
 *     session token given ── opened ── its access key id is this one ── not expired ──▶ the secret inside
 *     no token ──┬─ an account's root access key ─────────────────────────────────────▶ the account's
 *                └─ account taken from the key id ── identity provider ── active ─────▶ the user's
 *
 * After the signature holds, the policies in force are fetched; a principal that is gone
 * by now is treated as an unknown key, as AWS does.
 */
#include "api/authenticate.h"

#include "api/accounts.h"
#include "api/faults.h"
#include "api/ids.h"
#include "api/route.h"
#include "api/token.h"
#include "base/str.h"
#include "base/thread.h"

struct sigv4_caches {
	uint64_t seed[2];
	struct sigv4_cache *threads[THREADS_MAX]; /* an element belongs to its thread */
};

struct sigv4_caches *sigv4_caches_new(struct world *w)
{
	struct sigv4_caches *c = HEAP(struct sigv4_caches);
	world_random(w, c->seed, sizeof c->seed);
	return c;
}

void sigv4_caches_free(struct sigv4_caches *c)
{
	for (size_t i = 0; c && i < THREADS_MAX; i++)
		sigv4_cache_free(c->threads[i]);
	heap_free(c);
}

static struct sigv4_cache *cache_here(struct req *rq)
{
	struct sigv4_cache **c = &rq->app->signing_keys->threads[thread_index()];
	if (!*c)
		*c = sigv4_cache_new(rq->app->signing_keys->seed);
	return *c;
}

static enum sigv4_family family_of(enum protocol p)
{
	switch (p) {
	case PROTO_QUERY:
		return SIGV4_QUERY;
	case PROTO_EC2:
		return SIGV4_EC2;
	case PROTO_REST_XML:
		return SIGV4_S3;
	case PROTO_REST_JSON:
		return SIGV4_REST_JSON;
	default:
		return SIGV4_JSON;
	}
}

struct status req_fail_signature(struct req *rq, struct status st)
{
	if (st.code != E_FAULT)
		return st;
	const struct sigv4_fault *f = rq->sig_fault;
	const struct sigv4_wire *wire = sigv4_wire(f->code, family_of(rq->svc->protocol));
	struct fault_kind *kind = NEW(rq->mem, struct fault_kind);
	*kind = (struct fault_kind){ wire->code, NULL, wire->http, wire->http >= 500 };
	st = FAIL(rq, kind, "%.*s", PR(f->message));
	rq->fault.common = true;
	for (size_t i = 0; i < f->n_extra; i++)
		st = req_fail_with(rq, str_z(rq->mem, f->extra[i].name), f->extra[i].value);
	return st;
}

/* ---- secrets ---------------------------------------------------------------------- */

static bool keep_secret(struct sigv4_secret *to, struct str secret)
{
	if (secret.n > sizeof to->p)
		return false;
	memcpy(to->p, secret.p, secret.n);
	to->n = secret.n;
	return true;
}

/* The looking up, and what kept it from an answer: a damaged store is not an unknown key. */
struct finding {
	struct req *rq;
	struct status st;
};

static enum sigv4_found find_session(struct finding *f, struct str access_key, struct str token,
				     struct sigv4_secret *out)
{
	struct req *rq = f->rq;
	struct caller who;
	struct str secret;
	struct status st = token_open(rq, token, &who, &secret);
	if (failed(st)) {
		f->st = st.code == E_CORRUPT ? OK : st;
		return SIGV4_TOKEN_INVALID;
	}
	bool kept = str_eq(who.access_key_id, access_key) && keep_secret(out, secret);
	secret_wipe((void *)(uintptr_t)secret.p, secret.n); /* opened into rq->mem, for us alone */
	if (!kept)
		return SIGV4_TOKEN_INVALID;
	rq->caller = who;
	return rq->now_ms < who.expires_ms ? SIGV4_FOUND : SIGV4_TOKEN_EXPIRED;
}

static void be_root(struct req *rq, const struct account *account, struct str access_key)
{
	rq->caller = (struct caller){
		.kind = CALLER_ROOT,
		.account = account->id,
		.arn = arena_printf(rq->mem, "arn:%.*s:iam::%.*s:root", PR(rq->app->partition), PR(account->id)),
		.principal_id = account->id,
		.name = S("root"),
		.access_key_id = str_dup(rq->mem, access_key),
	};
}

static enum sigv4_found find_long_term(struct finding *f, struct str access_key, struct sigv4_secret *out)
{
	struct req *rq = f->rq;
	struct str secret, account;
	const struct account *root_of = account_by_root_key(rq->app->accounts, access_key, &secret);
	if (root_of) {
		be_root(rq, root_of, access_key);
		return keep_secret(out, secret) ? SIGV4_FOUND : SIGV4_NO_SUCH_KEY;
	}
	if (failed(id_access_key_account(rq->mem, access_key, &account)) || !account_find(rq->app->accounts, account))
		return SIGV4_NO_SUCH_KEY;
	rq->caller.account = account; /* whose key was tried, for the record */
	struct status st = rq->app->identity->access_key(rq, account, access_key, &rq->caller, &secret);
	if (failed(st)) {
		f->st = st.code == E_NOT_FOUND ? OK : st;
		return SIGV4_NO_SUCH_KEY;
	}
	return keep_secret(out, secret) ? SIGV4_FOUND : SIGV4_NO_SUCH_KEY;
}

/*
 * As it may stand in the record of a call that nobody made: what has not the form of a key's id may be anything,
 * a secret in the wrong place included.
 */
static struct str claimed_id(struct str access_key)
{
	for (size_t i = 0; i < access_key.n; i++)
		if (!char_digit(access_key.p[i]) && !(access_key.p[i] >= 'A' && access_key.p[i] <= 'Z'))
			return S("");
	return access_key;
}

static enum sigv4_found find_secret(void *ctx, struct str access_key, struct str token, struct sigv4_secret *secret)
{
	struct finding *f = ctx;
	f->rq->caller = (struct caller){ .access_key_id = claimed_id(access_key) };
	if (token.p)
		return find_session(f, access_key, token, secret);
	return str_starts(access_key, S("ASIA")) ? SIGV4_TOKEN_INVALID : find_long_term(f, access_key, secret);
}

/* ---- the step --------------------------------------------------------------------- */

static struct status be_anonymous(struct req *rq)
{
	rq->caller =
	    (struct caller){ .kind = CALLER_ANONYMOUS, .account = S("anonymous"), .principal_id = S("anonymous") };
	rq->auth = NULL;
	return OK;
}

struct status req_fetch_policies(struct req *rq)
{
	if (rq->caller.kind == CALLER_ROOT)
		return OK;
	struct status st = rq->app->identity->policies(rq, &rq->caller, &rq->policies);
	if (st.code != E_NOT_FOUND)
		return st;
	if (!rq->sig_fault) /* a call from inside */
		rq->sig_fault = NEW(rq->mem, struct sigv4_fault);
	(void)sigv4_fail(rq->mem, rq->sig_fault, SIGV4_UNKNOWN_KEY, "%s",
			 rq->svc->protocol == PROTO_REST_XML
			     ? "The AWS Access Key Id you provided does not exist in our records."
			     : "The security token included in the request is invalid.");
	return req_fail_signature(rq, ERR(E_FAULT));
}

/* Whose data, and where. Any region is served, but its name must be one: it names shards. */
static struct status take_scope(struct req *rq)
{
	rq->account = rq->caller.account;
	if (!region_name_is(rq->auth->region)) {
		(void)sigv4_fail(rq->mem, rq->sig_fault, SIGV4_BAD_SCOPE,
				 "Credential should be scoped to a valid region.");
		return req_fail_signature(rq, ERR(E_FAULT));
	}
	if (!rq->svc->global)
		rq->region = rq->auth->region;
	return OK;
}

static void wipe_auth(void *auth) { sigv4_auth_wipe(auth); }

struct status req_authenticate(struct req *rq)
{
	struct sigv4_request parts = {
		.method = rq->http->method,
		.path = rq->path,
		.query = rq->raw_query,
		.headers = rq->http->headers,
		.body = rq->body,
	};
	struct sigv4_rules rules = {
		.family = family_of(rq->svc->protocol),
		.service = str_of(rq->svc->signing),
		.now_ms = rq->now_ms,
	};
	struct finding finding = { .rq = rq };
	struct sigv4_lookup lookup = { find_secret, &finding };

	rq->sig_fault = NEW(rq->mem, struct sigv4_fault);
	rq->auth = NEW(rq->mem, struct sigv4_auth);
	if (rq->op && rq->op->flags & OP_ANONYMOUS && sigv4_peek(rq->mem, &parts).form == SIGV4_NONE)
		return be_anonymous(rq);
	req_pin(rq, wipe_auth, rq->auth);
	struct status st = sigv4_verify(rq->mem, &parts, &rules, &lookup, cache_here(rq), rq->auth, rq->sig_fault);
	if (failed(st)) {
		rq->caller.kind = CALLER_ANONYMOUS; /* what it claimed stays for the record, and proves nothing */
		return failed(finding.st) ? finding.st : req_fail_signature(rq, st);
	}
	TRY(take_scope(rq));
	TRY(req_fetch_policies(rq));
	if (!rq->caller.issued_ms && (rq->caller.kind == CALLER_USER || rq->caller.kind == CALLER_ROOT))
		rq->app->identity->key_used(rq, &rq->caller);
	return OK;
}
