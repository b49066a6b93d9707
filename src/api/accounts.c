/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the system shard:
 *     a <id>            order, created_ms, canonical id, wrapped account key, root access key id, root secret
 *     k <id> <service>  wrapped service key
 *
 * In memory accounts form a list that only grows: a reader follows it without a lock, and
 * whoever adds one publishes it whole (release), under the lock that keeps adders apart.
 */
#include "api/accounts.h"

#include "api/ids.h"
#include "api/sigv4.h"
#include "base/codec.h"
#include "base/str.h"
#include "policy/policy.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	SERVICES_MAX = 64,
	CANONICAL_BYTES = 32,
	ACCESS_KEY_MAX = 128,
	ROOT_SECRET_MAX = sizeof(((struct sigv4_secret *)0)->p)
};

struct entry {
	struct account pub;
	uint64_t order;
	struct account_root root;
	struct str wrapped;
	struct key_ref key;
	struct key_ref services[SERVICES_MAX];              /* in the order of app->services */
	_Atomic(struct aead_key *) data_keys[SERVICES_MAX]; /* in secrets; NULL: not asked for yet */
	_Atomic(struct entry *) next;
};

struct accounts {
	struct app *app;
	struct shard *shard;
	struct arena *mem; /* of all entries; under the lock */
	pthread_mutex_t lock;
	_Atomic(struct entry *) first;
};

/* ---- rows --------------------------------------------------------------------------- */

static void put(struct buf *b, struct str s)
{
	buf_varint(b, s.n);
	buf_put(b, s);
}

static struct str take(struct rd *r) { return rd_bytes(r, (size_t)rd_varint(r)); }

static struct str row_of(struct arena *mem, const struct entry *e)
{
	struct buf b = buf_in(mem);
	buf_be64(&b, e->order);
	buf_be64(&b, (uint64_t)e->pub.created_ms);
	put(&b, e->pub.canonical_id);
	put(&b, e->wrapped);
	put(&b, e->root.access_key_id);
	put(&b, e->root.secret_key);
	return buf_str(&b);
}

static struct status row_read(struct arena *mem, struct str id, struct str row, struct entry *e)
{
	struct rd r = rd_of(str_dup(mem, row));
	e->pub.id = str_dup(mem, id);
	e->order = rd_be64(&r);
	e->pub.created_ms = (int64_t)rd_be64(&r);
	e->pub.canonical_id = take(&r);
	e->wrapped = take(&r);
	e->root.access_key_id = take(&r);
	e->root.secret_key = take(&r);
	return r.bad ? ERR(E_CORRUPT) : OK;
}

/* ---- keys ------------------------------------------------------------------------------ */

static void make_ref(struct arena *mem, struct entry *e)
{
	e->key = key_ref_of(NULL, arena_printf(mem, "account/%.*s", PR(e->pub.id)), e->wrapped);
}

/* The service's key from its row, or a new one put there. */
static struct status service_key(struct accounts *a, struct txn *t, struct entry *e, size_t i)
{
	struct str name = str_of(a->app->services[i]->name), wrapped;
	struct str purpose = arena_printf(a->mem, "service/%.*s", PR(name));
	struct str row = key_of(a->mem, 'k', e->pub.id, name, (struct str){ 0 });
	struct status st = txn_get(t, row, a->mem, &wrapped);
	if (st.code == E_NOT_FOUND) {
		TRY(keyring_key_new(a->app->keyring, &e->key, purpose, a->mem, &wrapped));
		st = txn_put(t, row, wrapped);
	}
	TRY(st);
	e->services[i] = key_ref_of(&e->key, purpose, wrapped);
	return OK;
}

static struct status service_keys(struct accounts *a, struct txn *t, struct entry *e)
{
	make_ref(a->mem, e);
	for (size_t i = 0; a->app->services[i]; i++) {
		assert(i < SERVICES_MAX);
		TRY(service_key(a, t, e, i));
	}
	return OK;
}

/* ---- the list ---------------------------------------------------------------------------- */

static void publish(struct accounts *a, struct entry *e)
{
	_Atomic(struct entry *) *at = &a->first;
	struct entry *have;
	while ((have = atomic_load_explicit(at, memory_order_relaxed)) && have->order < e->order)
		at = &have->next;
	atomic_store_explicit(&e->next, have, memory_order_relaxed);
	atomic_store_explicit(at, e, memory_order_release);
}

static const struct entry *find(const struct accounts *a, struct str id)
{
	const struct entry *e = atomic_load_explicit(&a->first, memory_order_acquire);
	while (e && !str_eq(e->pub.id, id))
		e = atomic_load_explicit(&e->next, memory_order_acquire);
	return e;
}

const struct account *account_find(const struct accounts *a, struct str id)
{
	const struct entry *e = find(a, id);
	return e ? &e->pub : NULL;
}

const struct account *account_at(const struct accounts *a, size_t i)
{
	const struct entry *e = atomic_load_explicit(&a->first, memory_order_acquire);
	while (e && i-- > 0)
		e = atomic_load_explicit(&e->next, memory_order_acquire);
	return e ? &e->pub : NULL;
}

const struct account *account_by_root_key(const struct accounts *a, struct str access_key_id, struct str *secret)
{
	const struct entry *e = atomic_load_explicit(&a->first, memory_order_acquire);
	while (e && !str_eq(e->root.access_key_id, access_key_id))
		e = atomic_load_explicit(&e->next, memory_order_acquire);
	if (!e)
		return NULL;
	*secret = e->root.secret_key;
	return &e->pub;
}

struct account_root account_root_of(const struct accounts *a, struct str id)
{
	const struct entry *e = find(a, id);
	return e ? e->root : (struct account_root){ 0 };
}

struct status account_service_key(struct accounts *a, struct str account, struct str service,
				  const struct key_ref **out)
{
	const struct entry *e = find(a, account);
	for (size_t i = 0; e && a->app->services[i]; i++)
		if (str_eq(service, str_of(a->app->services[i]->name))) {
			*out = &e->services[i];
			return OK;
		}
	return ERR(E_NO_KEY);
}

static size_t place_of(const struct accounts *a, struct str service)
{
	size_t i = 0;
	while (a->app->services[i] && !str_eq(service, str_of(a->app->services[i]->name)))
		i++;
	return i;
}

static struct status make_data_key(struct accounts *a, const struct key_ref *service, struct secret *out)
{
	uint8_t raw[AEAD_KEY_SIZE];
	TRY(keyring_mac(a->app->keyring, service, S("data key of the server process 1"), raw));
	*out = secret_new(keyring_secrets(a->app->keyring), sizeof(struct aead_key));
	aead_key_init((struct aead_key *)(void *)out->p, raw);
	secret_wipe(raw, sizeof raw);
	return OK;
}

struct status account_data_key(struct accounts *a, struct str account, struct str service, const struct aead_key **out)
{
	struct entry *e = (struct entry *)(uintptr_t)find(a, account);
	size_t i = place_of(a, service);
	if (!e || !a->app->services[i])
		return ERR(E_NO_KEY);
	struct aead_key *have = atomic_load_explicit(&e->data_keys[i], memory_order_acquire);
	if (!have) {
		struct secret made;
		TRY(make_data_key(a, &e->services[i], &made));
		struct aead_key *mine = (struct aead_key *)(void *)made.p;
		if (atomic_compare_exchange_strong(&e->data_keys[i], &have, mine))
			have = mine;
		else
			secret_free(&made);
	}
	*out = have;
	return OK;
}

/* ---- opening and creating -------------------------------------------------------------------- */

static struct status entry_read(struct arena *mem, const struct cursor *c, struct entry *e)
{
	struct rd r = rd_of(c->key);
	key_take_tag(&r);
	return row_read(mem, key_take_str(&r, mem), c->val, e);
}

static struct status load_all(struct accounts *a, struct txn *t)
{
	struct cursor c;
	struct str prefix = S("a");
	TRY(txn_range(t, &(struct range){ .prefix = prefix }, &c));
	while (cursor_next(&c)) {
		struct entry *e = NEW(a->mem, struct entry);
		TRY(entry_read(a->mem, &c, e));
		publish(a, e);
	}
	TRY(cursor_end(&c));
	for (struct entry *e = a->first; e; e = e->next)
		TRY(service_keys(a, t, e));
	return OK;
}

static struct status open_in(struct accounts *a)
{
	struct txn *t;
	TRY(txn_write(a->shard, &t));
	return txn_finish(t, load_all(a, t));
}

struct status accounts_open(struct app *app, const struct key_ref *system, struct accounts **out)
{
	struct shard *shard;
	TRY(shard_open(app->store, S("system"), system, &shard));
	struct accounts *a = HEAP(struct accounts);
	a->app = app;
	a->shard = shard;
	a->mem = arena_new();
	pthread_mutex_init(&a->lock, NULL);
	struct status st = open_in(a);
	if (failed(st)) {
		accounts_close(a);
		return st;
	}
	*out = a;
	return OK;
}

void accounts_close(struct accounts *a)
{
	if (!a)
		return;
	for (struct entry *e = a->first; e; e = e->next) {
		for (size_t i = 0; i < SERVICES_MAX; i++) {
			struct secret key = { (uint8_t *)e->data_keys[i], sizeof(struct aead_key) };
			secret_free(&key);
		}
	}
	arena_wipe(a->mem);
	arena_free(a->mem);
	shard_close(a->shard);
	pthread_mutex_destroy(&a->lock);
	heap_free(a);
}

static struct entry *new_entry(struct accounts *a, struct str id, struct account_root root)
{
	struct entry *e = NEW(a->mem, struct entry);
	uint8_t canonical[CANONICAL_BYTES];
	world_random(a->app->world, canonical, sizeof canonical);
	e->pub = (struct account){ str_dup(a->mem, id), hex_encode(a->mem, str_make(canonical, sizeof canonical)),
				   app_now_ms(a->app) };
	e->root = (struct account_root){ str_dup(a->mem, root.access_key_id), str_dup(a->mem, root.secret_key) };
	return e;
}

/*
 * The rows know more than the list: an account of this same batch is in them, but not yet
 * published. Neither its id nor its root's key may be taken, and its place comes before.
 */
static struct status take_place(struct accounts *a, struct txn *t, struct entry *e)
{
	struct cursor c;
	bool taken = false;
	TRY(txn_range(t, &(struct range){ .prefix = S("a") }, &c));
	while (!taken && cursor_next(&c)) {
		struct entry *have = NEW(a->mem, struct entry);
		TRY(entry_read(a->mem, &c, have));
		taken = str_eq(have->pub.id, e->pub.id) || str_eq(have->root.access_key_id, e->root.access_key_id);
		if (have->order >= e->order)
			e->order = have->order + 1;
	}
	TRY(cursor_end(&c));
	return taken ? ERR(E_EXISTS) : OK;
}

static struct status create_in(struct accounts *a, struct txn *t, struct entry *e)
{
	struct str purpose = arena_printf(a->mem, "account/%.*s", PR(e->pub.id));
	struct str row = key_of(a->mem, 'a', e->pub.id, (struct str){ 0 }, (struct str){ 0 });
	TRY(take_place(a, t, e));
	TRY(keyring_key_new(a->app->keyring, NULL, purpose, a->mem, &e->wrapped));
	TRY(txn_put(t, row, row_of(a->mem, e)));
	return service_keys(a, t, e);
}

/*
 * A key that could never sign anything is refused here rather than by every request: scopes
 * are cut at slashes, "ASIA" promises a session token, and secrets have ROOT_SECRET_MAX bytes of room.
 */
static bool root_is_usable(struct account_root root)
{
	struct str id = root.access_key_id;
	for (size_t i = 0; i < id.n; i++)
		if (!char_alnum(id.p[i]) && id.p[i] != '_' && id.p[i] != '-' && id.p[i] != '.')
			return false;
	return id.n >= 3 && id.n <= ACCESS_KEY_MAX && !str_starts(id, S("ASIA")) && root.secret_key.n >= 1 &&
	       root.secret_key.n <= ROOT_SECRET_MAX;
}

struct status account_create(struct accounts *a, struct str id, struct account_root root, const struct account **out)
{
	struct txn *t;
	if (!account_id_is(id) || !root_is_usable(root))
		return ERR(E_INVALID);
	TRY(txn_write(a->shard, &t)); /* one at a time from here: the shard's writer is the lock of a->mem, too */
	struct entry *e = new_entry(a, id, root);
	TRY(txn_finish(t, create_in(a, t, e)));
	pthread_mutex_lock(&a->lock);
	publish(a, e);
	pthread_mutex_unlock(&a->lock);
	*out = &e->pub;
	return OK;
}

/* ---- another root key ---------------------------------------------------------------------- */

static struct status rewrap_one(struct accounts *a, struct txn *t, struct arena *mem, struct entry *e, size_t *n)
{
	struct str wrapped;
	make_ref(mem, e);
	TRY(keyring_rewrap(a->app->keyring, &e->key, mem, &wrapped));
	if (!wrapped.p)
		return OK;
	e->wrapped = wrapped;
	++*n;
	struct str row = key_of(mem, 'a', e->pub.id, (struct str){ 0 }, (struct str){ 0 });
	return txn_put(t, row, row_of(mem, e));
}

static struct status rewrap_in(struct accounts *a, struct txn *t, struct arena *mem, size_t *n)
{
	struct entry *first = NULL;
	struct cursor c;
	TRY(txn_range(t, &(struct range){ .prefix = S("a") }, &c));
	while (cursor_next(&c)) {
		struct entry *e = NEW(mem, struct entry);
		TRY(entry_read(mem, &c, e));
		e->next = first;
		first = e;
	}
	TRY(cursor_end(&c));
	for (struct entry *e = first; e; e = e->next)
		TRY(rewrap_one(a, t, mem, e, n));
	return OK;
}

struct status accounts_rewrap(struct accounts *a, size_t *n)
{
	struct arena *mem = arena_new();
	struct txn *t;
	size_t done = 0;
	struct status st = txn_write(a->shard, &t);
	if (!failed(st))
		st = txn_finish(t, rewrap_in(a, t, mem, &done));
	arena_wipe(mem);
	arena_free(mem);
	if (!failed(st))
		*n = done;
	return st;
}
