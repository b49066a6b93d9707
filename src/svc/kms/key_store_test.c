/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom key stores over a token that this test plays: what each operation says in each
 * connection state, and what keys do while their store comes and goes. With a real module
 * and its process: tests/api/test_kms_key_stores.py.
 */
#include "base/log.h"
#include "base/time.h"
#include "crypto/token.h"
#include "svc/kms/duty.h"
#include "svc/kms/key_store_link.h"
#include "svc/kms/quota.h"
#include "svc/kms/testing.h"
#include "svc/kms/hsm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

/* ---- the token ------------------------------------------------------------------------ */

enum { KEYS_MAX = 8 };

/* "Encrypts" by putting the key's name, the aad and a tag in front: enough to tell right from wrong. */
struct fake {
	struct token_driver driver;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const char *pin;
	bool missing, slow; /* slow: opening waits until this is taken back */
	bool dies_of_generating;
	unsigned opened;
	atomic_uint lives; /* looked at while it works */
	struct fake_token *live;
	char keys[KEYS_MAX][TOKEN_KEY_MAX + 1];
};
struct fake_token {
	struct token token;
	struct fake *fake;
	bool gone;
};

static struct fake *fake_of(const struct token *t) { return ((const struct fake_token *)t)->fake; }

static struct status fake_start(const struct token_driver *d, struct world *w, struct token **out)
{
	struct fake *f = (struct fake *)(uintptr_t)d;
	struct fake_token *t = HEAP(struct fake_token);
	(void)w;
	*t = (struct fake_token){ .token.driver = d, .fake = f };
	pthread_mutex_lock(&f->lock);
	f->lives++;
	f->live = t;
	pthread_mutex_unlock(&f->lock);
	*out = &t->token;
	return OK;
}

static char *key_named(struct fake *f, struct str name)
{
	for (size_t i = 0; i < KEYS_MAX; i++)
		if (str_eq(str_of(f->keys[i]), name))
			return f->keys[i];
	return NULL;
}

static enum token_result open_fake(struct fake_token *t, const struct token_call *c)
{
	struct fake *f = t->fake;
	while (f->slow && !t->gone)
		pthread_cond_wait(&f->changed, &f->lock);
	f->opened++;
	if (f->missing || !str_eq(c->label, S("tok")) || !str_eq(c->module, S("/lib/module.so")))
		return TOKEN_NOT_THERE;
	return str_eq(c->pin, str_of(f->pin)) ? TOKEN_DONE : TOKEN_WRONG_PIN;
}

static enum token_result work(struct fake *f, const struct token_call *c, struct arena *mem, struct token_answer *out)
{
	char *key = c->key.n ? key_named(f, c->key) : NULL;
	struct buf front = buf_in(mem);
	buf_put(&front, c->key);
	buf_put(&front, c->aad);
	buf_z(&front, "at least 28 bytes of something");
	if (c->op == TOKEN_GENERATE) {
		key = key_named(f, S(""));
		memcpy(key, c->key.p, c->key.n);
		f->live->gone = f->dies_of_generating;
		pthread_cond_broadcast(&f->changed);
		return TOKEN_DONE;
	}
	if (c->op == TOKEN_RANDOM) {
		out->plain = str_make(memset(NEWS(mem, char, c->size), 'r', c->size), c->size);
		return TOKEN_DONE;
	}
	if (!key)
		return TOKEN_NO_KEY;
	if (c->op == TOKEN_DESTROY) {
		memset(key, 0, TOKEN_KEY_MAX);
		return TOKEN_DONE;
	}
	if (c->op == TOKEN_SEAL) {
		buf_put(&front, c->input);
		out->out = buf_str(&front);
		return TOKEN_DONE;
	}
	if (!str_starts(c->input, buf_str(&front)))
		return TOKEN_BAD_INPUT;
	out->plain = str_dup(mem, str_from(c->input, front.n));
	return TOKEN_DONE;
}

static struct status fake_call(struct token *t, const struct token_call *c, struct arena *mem, struct token_answer *out)
{
	struct fake *f = fake_of(t);
	struct fake_token *self = (struct fake_token *)t;
	pthread_mutex_lock(&f->lock);
	*out = (struct token_answer){ 0 };
	out->result = c->op == TOKEN_OPEN ? open_fake(self, c) : self->gone ? TOKEN_BROKEN : work(f, c, mem, out);
	bool gone = self->gone;
	pthread_mutex_unlock(&f->lock);
	return gone ? ERR(E_BUSY) : OK;
}

static void fake_wait(struct token *t)
{
	struct fake *f = fake_of(t);
	pthread_mutex_lock(&f->lock);
	while (!((struct fake_token *)t)->gone)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

static void fake_stop(struct token *t)
{
	struct fake *f = fake_of(t);
	pthread_mutex_lock(&f->lock);
	((struct fake_token *)t)->gone = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void fake_close(struct token *t)
{
	struct fake *f = fake_of(t);
	pthread_mutex_lock(&f->lock);
	if (f->live == (struct fake_token *)t)
		f->live = NULL;
	pthread_mutex_unlock(&f->lock);
	heap_free(t);
}

/* The process dies. */
static void fake_dies(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->live)
		f->live->gone = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void fake_hurry(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	f->slow = false;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static unsigned keys_in(struct fake *f)
{
	unsigned n = 0;
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < KEYS_MAX; i++)
		n += f->keys[i][0] != 0;
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* ---- the place ------------------------------------------------------------------------- */

struct place {
	struct test_world *w;
	struct fake fake;
	struct str cluster, anchor; /* of the last token added */
};

static void open_links(struct req *rq, void *arg) { kms_links_open(rq->app, arg); }

struct adding {
	const char *name, *region, *replica_of;
	struct kms_hsm token;
	struct status st;
};

static void add_in_fiber(struct req *rq, void *arg)
{
	struct adding *a = arg;
	struct kms_hsm what = { .name = str_of(a->name), .module = S("/lib/module.so"), .label = S("tok") };
	a->st = kms_hsm_add(rq->app, rq->mem, WORLD_ACCOUNT, str_of(a->region), &what,
			    a->replica_of ? str_of(a->replica_of) : S(""), &a->token);
	a->token.cluster = heap_dup(a->token.cluster);
	a->token.trust_anchor = heap_dup(a->token.trust_anchor);
}

static void add_token(struct place *p, const char *name, const char *replica_of)
{
	struct adding a = { .name = name, .region = "us-east-1", .replica_of = replica_of };
	world_in_fiber(p->w, add_in_fiber, &a);
	EXPECT_OK(a.st);
	p->cluster = str_dup(world_mem(p->w), a.token.cluster);
	struct buf b = buf_in(world_mem(p->w));
	for (size_t i = 0; i < a.token.trust_anchor.n; i++)
		a.token.trust_anchor.p[i] == '\n' ? buf_z(&b, "\\n") : buf_byte(&b, a.token.trust_anchor.p[i]);
	p->anchor = buf_str(&b);
	heap_free(a.token.cluster.p);
	heap_free(a.token.trust_anchor.p);
}

static struct place *place_new(void)
{
	struct place *p = HEAP(struct place);
	log_setup(-1, LOG_ERROR);
	p->w = testing_begin();
	p->fake = (struct fake){
		.driver = { fake_start, fake_call, fake_wait, fake_stop, fake_close },
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.pin = "12345678",
	};
	world_in_fiber(p->w, open_links, &p->fake.driver);
	add_token(p, "first", NULL);
	return p;
}

static void place_end(struct place *p)
{
	kms_links_close(world_app(p->w));
	world_end(p->w);
	heap_free(p);
}

static struct test_reply create_named(struct place *p, const char *name, const char *pin)
{
	return CALL(p->w, "CreateCustomKeyStore",
		    "{'CustomKeyStoreName':'%s','CloudHsmClusterId':'%.*s','TrustAnchorCertificate':'%.*s',"
		    "'KeyStorePassword':'%s'}",
		    name, PR(p->cluster), PR(p->anchor), pin);
}

static struct str create(struct place *p, const char *pin)
{
	struct test_reply r = create_named(p, "store", pin);
	EXPECT_DONE(r);
	return world_field(p->w, r, "CustomKeyStoreId");
}

static struct test_reply op(struct place *p, const char *name, struct str store)
{
	return CALL(p->w, name, "{'CustomKeyStoreId':'%.*s'}", PR(store));
}

static struct str state(struct place *p, struct str store)
{
	return world_field(p->w, op(p, "DescribeCustomKeyStores", store), "CustomKeyStores.0.ConnectionState");
}

/* Connecting goes on beside the calls: asked again until it is there. */
static void await(struct place *p, struct str store, const char *want)
{
	for (unsigned i = 0; i < 60000 && !str_eq(state(p, store), str_of(want)); i++)
		usleep(1000);
	EXPECT_STR(state(p, store), str_of(want));
}

static struct str connected(struct place *p)
{
	struct str store = create(p, "12345678");
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	await(p, store, "CONNECTED");
	return store;
}

static struct str new_key(struct place *p, struct str store)
{
	struct test_reply r = CALL(p->w, "CreateKey", "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'%.*s'}", PR(store));
	EXPECT_DONE(r);
	return world_field(p->w, r, "KeyMetadata.KeyId");
}

static struct str encrypted(struct place *p, struct str key)
{
	struct test_reply r = CALL(p->w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'dGV4dA=='}", PR(key));
	EXPECT_DONE(r);
	return world_field(p->w, r, "CiphertextBlob");
}

#define EXPECT_CODE(reply, want) EXPECT_STR((reply).code, S(want))
#define WRONG_STATE              "CustomKeyStoreInvalidStateException"

/* ---- making stores ------------------------------------------------------------------------ */

static void a_store_needs_a_token_and_its_certificate(void)
{
	struct place *p = place_new();
	struct str cluster = p->cluster, anchor = p->anchor;
	EXPECT_CODE(CALL(p->w, "CreateCustomKeyStore", "{'CustomKeyStoreName':'s'}"), "ValidationException");
	EXPECT_CODE(CALL(p->w, "CreateCustomKeyStore",
			 "{'CustomKeyStoreName':'s','CloudHsmClusterId':'%.*s',"
			 "'TrustAnchorCertificate':'%.*s'}",
			 PR(cluster), PR(anchor)),
		    "ValidationException");
	EXPECT_CODE(
	    CALL(p->w, "CreateCustomKeyStore", "{'CustomKeyStoreName':'s','CustomKeyStoreType':'EXTERNAL_KEY_STORE'}"),
	    "UnsupportedOperationException");
	p->cluster = S("cluster-1234567890a");
	EXPECT_CODE(create_named(p, "s", "12345678"), "CloudHsmClusterNotFoundException");
	p->cluster = cluster;
	p->anchor = S("-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n");
	EXPECT_CODE(create_named(p, "s", "12345678"), "IncorrectTrustAnchorException");
	p->anchor = anchor;
	EXPECT_CODE(create_named(p, "s", "123456"), "ValidationException"); /* 7 characters at least */
	EXPECT_DONE(create_named(p, "s", "1234567"));
	EXPECT_CODE(create_named(p, "t", "1234567"), "CloudHsmClusterInUseException");
	add_token(p, "second", NULL);
	EXPECT_CODE(create_named(p, "s", "1234567"), "CustomKeyStoreNameInUseException");
	EXPECT_CODE(world_call(p->w, world_root_of(p->w, WORLD_OTHER), "kms", "CreateCustomKeyStore",
			       "{'CustomKeyStoreName':'s','CloudHsmClusterId':'%.*s','TrustAnchorCertificate':'%.*s',"
			       "'KeyStorePassword':'12345678'}",
			       PR(p->cluster), PR(p->anchor)),
		    "CloudHsmClusterNotFoundException"); /* it is another account's */
	place_end(p);
}

static void an_account_has_ten_stores(void)
{
	struct place *p = place_new();
	char name[16];
	for (int i = 0; i < KMS_STORES_MAX; i++) {
		snprintf(name, sizeof name, "s%d", i);
		EXPECT_DONE(create_named(p, name, "12345678"));
		add_token(p, name, NULL);
	}
	EXPECT_CODE(create_named(p, "more", "12345678"), "LimitExceededException");
	place_end(p);
}

static void a_store_is_found_by_id_and_by_name(void)
{
	struct place *p = place_new();
	struct test_reply r = CALL(p->w, "DescribeCustomKeyStores", "{}");
	EXPECT_STR(world_field(p->w, r, "CustomKeyStores.0.CustomKeyStoreId"), S(""));
	struct str store = create(p, "12345678");
	r = CALL(p->w, "DescribeCustomKeyStores", "{'CustomKeyStoreName':'store'}");
	EXPECT_STR(world_field(p->w, r, "CustomKeyStores.0.CustomKeyStoreId"), store);
	EXPECT_STR(world_field(p->w, r, "CustomKeyStores.0.CloudHsmClusterId"), p->cluster);
	EXPECT_STR(world_field(p->w, r, "CustomKeyStores.0.ConnectionState"), S("DISCONNECTED"));
	EXPECT(str_starts(store, S("cks-")) && store.n == 21);
	EXPECT_CODE(CALL(p->w, "DescribeCustomKeyStores", "{'CustomKeyStoreName':'no'}"),
		    "CustomKeyStoreNotFoundException");
	(void)testing_key(p->w); /* keys and their count are other rows */
	r = CALL(p->w, "DescribeCustomKeyStores", "{}");
	EXPECT_STR(world_field(p->w, r, "CustomKeyStores.0.CustomKeyStoreId"), store);
	EXPECT_STR(world_field(p->w, r, "CustomKeyStores.1.CustomKeyStoreId"), S(""));
	EXPECT_CODE(op(p, "DescribeCustomKeyStores", S("cks-0")), "CustomKeyStoreNotFoundException");
	EXPECT_CODE(CALL(p->w, "DescribeCustomKeyStores", "{'CustomKeyStoreName':'a','CustomKeyStoreId':'b'}"),
		    "ValidationException");
	EXPECT_CODE(CALL(p->w, "DescribeCustomKeyStores", "{'Marker':'?'}"), "InvalidMarkerException");
	place_end(p);
}

/* ---- states --------------------------------------------------------------------------------- */

static void each_state_allows_what_it_allows(void)
{
	struct place *p = place_new();
	struct str store = create(p, "12345678");
	p->fake.slow = true;
	EXPECT_CODE(op(p, "DisconnectCustomKeyStore", store), WRONG_STATE);
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	EXPECT_STR(state(p, store), S("CONNECTING"));
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	EXPECT_CODE(op(p, "DeleteCustomKeyStore", store), WRONG_STATE);
	EXPECT_CODE(
	    CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','NewCustomKeyStoreName':'n'}", PR(store)),
	    WRONG_STATE);
	EXPECT_CODE(CALL(p->w, "CreateKey", "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'%.*s'}", PR(store)),
		    WRONG_STATE);
	fake_hurry(&p->fake);
	await(p, store, "CONNECTED");
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	EXPECT_CODE(op(p, "DeleteCustomKeyStore", store), WRONG_STATE);
	EXPECT_CODE(
	    CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','KeyStorePassword':'87654321'}", PR(store)),
	    WRONG_STATE);
	EXPECT_DONE(
	    CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','NewCustomKeyStoreName':'n'}", PR(store)));
	EXPECT(p->fake.lives == 1);
	EXPECT_DONE(op(p, "DisconnectCustomKeyStore", store));
	await(p, store, "DISCONNECTED");
	EXPECT(!p->fake.live);
	EXPECT_DONE(op(p, "DeleteCustomKeyStore", store));
	EXPECT_CODE(op(p, "DescribeCustomKeyStores", store), "CustomKeyStoreNotFoundException");
	EXPECT_DONE(create_named(p, "n", "12345678")); /* name and token are free again */
	place_end(p);
}

static void a_store_can_be_parted_while_it_connects(void)
{
	struct place *p = place_new();
	struct str store = create(p, "12345678");
	p->fake.slow = true;
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	EXPECT_DONE(op(p, "DisconnectCustomKeyStore", store));
	await(p, store, "DISCONNECTED");
	EXPECT(!p->fake.live);
	place_end(p);
}

static void a_wrong_pin_fails_once_and_is_not_tried_again(void)
{
	struct place *p = place_new();
	struct str store = create(p, "87654321");
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	await(p, store, "FAILED");
	EXPECT_STR(world_field(p->w, op(p, "DescribeCustomKeyStores", store), "CustomKeyStores.0.ConnectionErrorCode"),
		   S("INVALID_CREDENTIALS"));
	EXPECT(p->fake.opened == 1);
	EXPECT_CODE(op(p, "ConnectCustomKeyStore", store), WRONG_STATE);
	kms_links_close(world_app(p->w)); /* as at a restart */
	world_in_fiber(p->w, open_links, &p->fake.driver);
	EXPECT_STR(state(p, store), S("FAILED"));
	EXPECT(p->fake.opened == 1);
	EXPECT_DONE(op(p, "DisconnectCustomKeyStore", store));
	EXPECT_DONE(
	    CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','KeyStorePassword':'12345678'}", PR(store)));
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	await(p, store, "CONNECTED");
	place_end(p);
}

static void a_missing_token_is_a_cluster_not_found(void)
{
	struct place *p = place_new();
	struct str store = create(p, "12345678");
	p->fake.missing = true;
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	await(p, store, "FAILED");
	EXPECT_STR(world_field(p->w, op(p, "DescribeCustomKeyStores", store), "CustomKeyStores.0.ConnectionErrorCode"),
		   S("CLUSTER_NOT_FOUND"));
	place_end(p);
}

static void a_death_is_followed_by_a_new_connection(void)
{
	struct place *p = place_new();
	struct str store = connected(p), key = new_key(p, store), blob = encrypted(p, key);
	fake_dies(&p->fake);
	for (unsigned i = 0; i < 60000 && (p->fake.lives < 2 || !str_eq(state(p, store), S("CONNECTED"))); i++)
		usleep(1000);
	EXPECT(p->fake.lives == 2);
	EXPECT_DONE(CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)));
	place_end(p);
}

static void what_was_connected_is_so_after_a_restart(void)
{
	struct place *p = place_new();
	struct str store = connected(p);
	kms_links_close(world_app(p->w));
	world_in_fiber(p->w, open_links, &p->fake.driver);
	await(p, store, "CONNECTED");
	EXPECT(p->fake.lives == 2);
	place_end(p);
}

/* ---- another token -------------------------------------------------------------------------- */

static void only_a_replica_takes_a_tokens_place(void)
{
	struct place *p = place_new();
	struct str store = create(p, "12345678"), first = p->cluster;
	add_token(p, "stranger", NULL);
	EXPECT_CODE(CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','CloudHsmClusterId':'%.*s'}",
			 PR(store), PR(p->cluster)),
		    "CloudHsmClusterNotRelatedException");
	EXPECT_CODE(CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','CloudHsmClusterId':'%s'}",
			 PR(store), "cluster-1234567890a"),
		    "CloudHsmClusterNotFoundException");
	EXPECT_CODE(CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','XksProxyUriPath':'/kms/xks/v1'}",
			 PR(store)),
		    "UnsupportedOperationException");
	add_token(p, "copy", "first");
	EXPECT(!str_eq(first, p->cluster));
	EXPECT_DONE(CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','CloudHsmClusterId':'%.*s'}",
			 PR(store), PR(p->cluster)));
	EXPECT_STR(world_field(p->w, op(p, "DescribeCustomKeyStores", store), "CustomKeyStores.0.CloudHsmClusterId"),
		   p->cluster);
	p->cluster = first;
	EXPECT_DONE(create_named(p, "other", "12345678")); /* the first one is free */
	place_end(p);
}

/* ---- keys --------------------------------------------------------------------------------------- */

static void a_key_lives_in_its_token(void)
{
	struct place *p = place_new();
	struct str store = connected(p), key = new_key(p, store), blob = encrypted(p, key);
	struct test_reply r = CALL(p->w, "DescribeKey", "{'KeyId':'%.*s'}", PR(key));
	EXPECT_STR(world_field(p->w, r, "KeyMetadata.Origin"), S("AWS_CLOUDHSM"));
	EXPECT_STR(world_field(p->w, r, "KeyMetadata.CustomKeyStoreId"), store);
	EXPECT_STR(world_field(p->w, r, "KeyMetadata.CloudHsmClusterId"), p->cluster);
	EXPECT_STR(world_field(p->w, r, "KeyMetadata.KeyState"), S("Enabled"));
	r = CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob));
	EXPECT_STR(world_field(p->w, r, "Plaintext"), S("dGV4dA=="));
	EXPECT_CODE(CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s','EncryptionContext':{'a':'b'}}", PR(blob)),
		    "InvalidCiphertextException");
	r = CALL(p->w, "GenerateDataKey", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(key));
	EXPECT_STR(
	    world_field(p->w,
			CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(world_field(p->w, r, "CiphertextBlob"))),
			"Plaintext"),
	    world_field(p->w, r, "Plaintext"));
	r = CALL(p->w, "GenerateRandom", "{'NumberOfBytes':3,'CustomKeyStoreId':'%.*s'}", PR(store));
	EXPECT_STR(world_field(p->w, r, "Plaintext"), S("cnJy"));
	struct str other = testing_key(p->w);
	r = CALL(p->w, "ReEncrypt", "{'CiphertextBlob':'%.*s','DestinationKeyId':'%.*s'}", PR(blob), PR(other));
	EXPECT_DONE(r);
	r = CALL(p->w, "ReEncrypt", "{'CiphertextBlob':'%.*s','DestinationKeyId':'%.*s'}",
		 PR(world_field(p->w, r, "CiphertextBlob")), PR(key));
	EXPECT_DONE(r);
	r = CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(world_field(p->w, r, "CiphertextBlob")));
	EXPECT_STR(world_field(p->w, r, "Plaintext"), S("dGV4dA=="));
	EXPECT_CODE(CALL(p->w, "GenerateDataKeyPair", "{'KeyId':'%.*s','KeyPairSpec':'ECC_NIST_P256'}", PR(key)),
		    "UnsupportedOperationException");
	EXPECT_CODE(CALL(p->w, "GetParametersForImport",
			 "{'KeyId':'%.*s','WrappingAlgorithm':'RSAES_OAEP_SHA_256','WrappingKeySpec':'RSA_2048'}",
			 PR(key)),
		    "UnsupportedOperationException");
	EXPECT_CODE(CALL(p->w, "EnableKeyRotation", "{'KeyId':'%.*s'}", PR(key)), "UnsupportedOperationException");
	EXPECT_CODE(CALL(p->w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(key)), "UnsupportedOperationException");
	EXPECT_CODE(op(p, "DeleteCustomKeyStore", store), "CustomKeyStoreHasCMKsException");
	memset(p->fake.keys, 0, sizeof p->fake.keys); /* somebody deleted it over there */
	EXPECT_CODE(CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)), "KMSInvalidStateException");
	place_end(p);
}

/* "All log entries for cryptographic operations with a KMS key in a custom key store"; no material is named. */
static void records_of_uses_name_the_store(void)
{
	struct place *p = place_new();
	struct str store = connected(p), key = new_key(p, store);
	struct str named =
	    arena_printf(world_mem(p->w), "\"additionalEventData\":{\"customKeyStoreId\":\"%.*s\"}", PR(store));
	struct test_reply r = CALL(p->w, "GenerateDataKey", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(key));
	EXPECT_STR(world_field(p->w, r, "KeyMaterialId"), S(""));
	EXPECT(str_find(testing_record(p->w, "GenerateDataKey"), named) != SIZE_MAX);
	EXPECT_DONE(op(p, "DisconnectCustomKeyStore", store));
	EXPECT_CODE(CALL(p->w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'dGV4dA=='}", PR(key)),
		    "KMSInvalidStateException");
	EXPECT(str_find(testing_record(p->w, "Encrypt"), named) != SIZE_MAX);
	place_end(p);
}

/* "ConnectCustomKeyStore" and the others of "Examples of AWS KMS log entries"; refusals, too. */
static void records_of_changes_say_what_the_store_is_called(void)
{
	static const char *const changes[] = { "DisconnectCustomKeyStore", "DeleteCustomKeyStore" };
	struct place *p = place_new();
	struct test_reply r = create_named(p, "a\\'b", "12345678");
	EXPECT_DONE(r);
	struct str store = world_field(p->w, r, "CustomKeyStoreId"),
		   made = testing_record(p->w, "CreateCustomKeyStore");
	EXPECT(str_find(made, S("\"customKeyStoreName\":\"a\\\"b\"")) != SIZE_MAX);
	EXPECT(str_find(made, S("trustAnchorCertificate")) == SIZE_MAX && str_find(made, S("12345678")) == SIZE_MAX);
	struct str named = arena_printf(
	    world_mem(p->w), "\"additionalEventData\":{\"customKeyStoreName\":\"a\\\"b\",\"clusterId\":\"%.*s\"}",
	    PR(p->cluster));
	EXPECT_CODE(op(p, "DisconnectCustomKeyStore", store), WRONG_STATE);
	EXPECT_DONE(op(p, "DeleteCustomKeyStore", store));
	for (size_t i = 0; i < COUNT(changes); i++)
		EXPECT(str_find(testing_record(p->w, changes[i]), named) != SIZE_MAX);
	store = create(p, "12345678");
	EXPECT_DONE(
	    CALL(p->w, "UpdateCustomKeyStore", "{'CustomKeyStoreId':'%.*s','NewCustomKeyStoreName':'new'}", PR(store)));
	EXPECT(str_find(testing_record(p->w, "UpdateCustomKeyStore"),
			S("\"additionalEventData\":{\"customKeyStoreName\":\"new\",")) != SIZE_MAX);
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	EXPECT(str_find(testing_record(p->w, "ConnectCustomKeyStore"), S("\"customKeyStoreName\":\"new\"")) !=
	       SIZE_MAX);
	await(p, store, "CONNECTED");
	place_end(p);
}

static void a_store_holds_one_kind_of_key(void)
{
	struct place *p = place_new();
	struct str s = connected(p);
	EXPECT_CODE(CALL(p->w, "CreateKey", "{'Origin':'AWS_CLOUDHSM'}"), "ValidationException");
	EXPECT_CODE(CALL(p->w, "CreateKey", "{'CustomKeyStoreId':'%.*s'}", PR(s)), "ValidationException");
	EXPECT_CODE(CALL(p->w, "CreateKey", "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'cks-0'}"),
		    "CustomKeyStoreNotFoundException");
	EXPECT_CODE(CALL(p->w, "CreateKey",
			 "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'%.*s','KeySpec':'RSA_2048',"
			 "'KeyUsage':'SIGN_VERIFY'}",
			 PR(s)),
		    "UnsupportedOperationException");
	EXPECT_CODE(
	    CALL(p->w, "CreateKey", "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'%.*s','MultiRegion':true}", PR(s)),
	    "UnsupportedOperationException");
	EXPECT_CODE(CALL(p->w, "CreateKey", "{'Origin':'EXTERNAL_KEY_STORE','CustomKeyStoreId':'%.*s'}", PR(s)),
		    "UnsupportedOperationException");
	EXPECT_CODE(
	    CALL(p->w, "CreateKey", "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'%.*s','XksKeyId':'x'}", PR(s)),
	    "ValidationException");
	EXPECT(keys_in(&p->fake) == 0);
	place_end(p);
}

static void a_key_is_unavailable_without_its_store(void)
{
	struct place *p = place_new();
	struct str store = connected(p), key = new_key(p, store), blob = encrypted(p, key);
	EXPECT_DONE(op(p, "DisconnectCustomKeyStore", store));
	EXPECT_STR(testing_state(p->w, key), S("Unavailable"));
	EXPECT_CODE(CALL(p->w, "Encrypt", "{'KeyId':'%.*s','Plaintext':'dGV4dA=='}", PR(key)),
		    "KMSInvalidStateException");
	EXPECT_CODE(CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)), "KMSInvalidStateException");
	EXPECT_CODE(CALL(p->w, "GenerateDataKeyWithoutPlaintext", "{'KeyId':'%.*s','KeySpec':'AES_256'}", PR(key)),
		    "KMSInvalidStateException");
	EXPECT_CODE(CALL(p->w, "GenerateRandom", "{'NumberOfBytes':3,'CustomKeyStoreId':'%.*s'}", PR(store)),
		    WRONG_STATE);
	EXPECT_DONE(CALL(p->w, "DisableKey", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_STR(testing_state(p->w, key), S("Unavailable"));
	await(p, store, "DISCONNECTED");
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	await(p, store, "CONNECTED");
	EXPECT_STR(testing_state(p->w, key), S("Disabled"));
	EXPECT_DONE(CALL(p->w, "EnableKey", "{'KeyId':'%.*s'}", PR(key)));
	EXPECT_DONE(CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)));
	place_end(p);
}

static void a_deleted_key_leaves_its_token(void)
{
	struct place *p = place_new();
	struct str store = connected(p), now = new_key(p, store), later = new_key(p, store);
	EXPECT_DONE(CALL(p->w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(now)));
	EXPECT_DONE(CALL(p->w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':9}", PR(later)));
	world_later(p->w, 8 * DAY_MS);
	EXPECT_CODE(CALL(p->w, "DescribeKey", "{'KeyId':'%.*s'}", PR(now)), "NotFoundException");
	EXPECT(keys_in(&p->fake) == 1);
	EXPECT_DONE(op(p, "DisconnectCustomKeyStore", store));
	EXPECT_STR(testing_state(p->w, later), S("PendingDeletion"));
	await(p, store, "DISCONNECTED");
	world_later(p->w, 2 * DAY_MS);
	EXPECT_CODE(CALL(p->w, "DescribeKey", "{'KeyId':'%.*s'}", PR(later)), "NotFoundException");
	EXPECT(keys_in(&p->fake) == 1); /* out of reach */
	EXPECT_DONE(op(p, "ConnectCustomKeyStore", store));
	for (unsigned i = 0; i < 60000 && keys_in(&p->fake); i++)
		usleep(1000);
	EXPECT(keys_in(&p->fake) == 0);
	EXPECT_DONE(op(p, "DisconnectCustomKeyStore", store));
	await(p, store, "DISCONNECTED");
	EXPECT_DONE(op(p, "DeleteCustomKeyStore", store));
	place_end(p);
}

/* As a crash leaves it: the key is in the token, and no row names it. */
static void a_key_that_was_begun_before_a_crash_leaves_the_token(void)
{
	struct place *p = place_new();
	struct str store = connected(p), kept = new_key(p, store), blob = encrypted(p, kept);
	p->fake.dies_of_generating = true;
	EXPECT_CODE(CALL(p->w, "CreateKey", "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'%.*s'}", PR(store)),
		    "KMSInternalException");
	p->fake.dies_of_generating = false;
	EXPECT(keys_in(&p->fake) == 2);
	for (unsigned i = 0; i < 60000 && (p->fake.lives < 2 || !str_eq(state(p, store), S("CONNECTED"))); i++)
		usleep(1000);
	world_later(p->w, DAY_MS);
	CALL(p->w, "ListKeys", "{}");
	EXPECT(keys_in(&p->fake) == 2); /* this server may yet be at it */
	kms_links_close(world_app(p->w));
	world_in_fiber(p->w, open_links, &p->fake.driver);
	await(p, store, "CONNECTED");
	for (unsigned i = 0; i < 30000 && keys_in(&p->fake) > 1; i++)
		usleep(1000);
	EXPECT(keys_in(&p->fake) == 1);
	EXPECT_DONE(CALL(p->w, "Decrypt", "{'CiphertextBlob':'%.*s'}", PR(blob)));
	place_end(p);
}

static void fill_quota(struct req *rq, void *arg)
{
	struct shard *shard;
	struct txn *t;
	struct buf b = buf_in(rq->mem);
	(void)arg;
	buf_be64(&b, KMS_KEYS_PER_REGION);
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(txn_put(t, S("K"), buf_str(&b)));
	EXPECT_OK(txn_commit(t));
}

static void a_key_there_is_no_room_for_is_not_in_the_token(void)
{
	struct place *p = place_new();
	struct str store = connected(p);
	world_in_fiber(p->w, fill_quota, NULL);
	EXPECT_CODE(CALL(p->w, "CreateKey", "{'Origin':'AWS_CLOUDHSM','CustomKeyStoreId':'%.*s'}", PR(store)),
		    "LimitExceededException");
	EXPECT(keys_in(&p->fake) == 0);
	place_end(p);
}

RUN_ALL(T(a_store_needs_a_token_and_its_certificate), T(an_account_has_ten_stores),
	T(a_store_is_found_by_id_and_by_name), T(each_state_allows_what_it_allows),
	T(a_store_can_be_parted_while_it_connects), T(a_wrong_pin_fails_once_and_is_not_tried_again),
	T(a_missing_token_is_a_cluster_not_found), T(a_death_is_followed_by_a_new_connection),
	T(what_was_connected_is_so_after_a_restart), T(only_a_replica_takes_a_tokens_place),
	T(a_key_lives_in_its_token), T(records_of_uses_name_the_store),
	T(records_of_changes_say_what_the_store_is_called), T(a_store_holds_one_kind_of_key),
	T(a_key_is_unavailable_without_its_store), T(a_deleted_key_leaves_its_token),
	T(a_key_that_was_begun_before_a_crash_leaves_the_token), T(a_key_there_is_no_room_for_is_not_in_the_token))
