/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the moment a request was allowed and its turn with the writer another one changes
 * what it was allowed by: what counts is what stands there when it writes.
 */
#include "svc/kms/testing.h"

#include "api/late_testing.h"
#include "base/fiber.h"
#include "svc/kms/key.h"

#define ALICE "arn:aws:iam::111122223333:user/alice"
#define ROOT  "arn:aws:iam::111122223333:root"
#define STATEMENT(effect, who, action) \
	"{\"Effect\":\"" effect "\",\"Principal\":{\"AWS\":\"" who "\"},\"Action\":\"" action "\",\"Resource\":\"*\"}"
#define DOCUMENT(statements) "{\"Version\":\"2012-10-17\",\"Statement\":[" statements "]}"
#define DELEGATED            STATEMENT("Allow", ROOT, "kms:*")
#define TEAM_A               ",\"Condition\":{\"StringEquals\":{\"aws:ResourceTag/team\":\"a\"}}"
#define MAY(more)            "{\"Effect\":\"Allow\",\"Action\":\"kms:*\",\"Resource\":\"*\"" more "}"
#define ALIASES              "{\"Effect\":\"Allow\",\"Action\":\"kms:*Alias\",\"Resource\":\"arn:aws:kms:*:*:alias/*\"}"
#define CREATES              "{\"Effect\":\"Allow\",\"Action\":\"kms:CreateKey\",\"Resource\":\"*\"}"
#define NOT_IF_ALIAS                                                    \
	"{\"Effect\":\"Deny\",\"Action\":\"kms:*\",\"Resource\":\"*\"," \
	"\"Condition\":{\"ForAnyValue:StringEquals\":{\"kms:ResourceAliases\":\"alias/prod\"}}}"

/* ---- users whose policies are rows, as svc/iam has them --------------------------------- */

static struct status users(struct req *rq, struct shard **out)
{
	return req_shard_of(rq, rq->account, "cloudtrail", S("users"), out);
}

static struct status load(struct req *rq, struct shard *shard, struct str key, void **value)
{
	struct txn *t;
	struct str text;
	TRY(req_read(rq, shard, &t));
	TRY(txn_get(t, key, rq->mem, &text));
	struct str *kept = HEAP(struct str);
	*kept = heap_dup(text);
	*value = kept;
	return OK;
}

static void unload(void *value)
{
	heap_free(((struct str *)value)->p);
	heap_free(value);
}

static const struct cache_kind documents = { "user", CACHE_IAM_PRINCIPAL, 16, load, unload, NULL, 0 };

static struct status policies(struct req *rq, struct caller *who, struct caller_policies *out)
{
	const struct policy **one = NEW(rq->mem, const struct policy *);
	struct shard *shard;
	const void *text;
	TRY(users(rq, &shard));
	TRY(cached(rq, &documents, shard, who->name, &text));
	TRY(cached_policy(rq, POLICY_IDENTITY, *(const struct str *)text, one));
	*out = (struct caller_policies){ .identity = { one, 1 } };
	return OK;
}

static const struct identity_provider identity = { .policies = policies,
						   .role = testing_role,
						   .principal = testing_principal };

/* document NULL: the user is gone. */
static void put_user(struct req *rq, const char *document)
{
	struct shard *shard;
	struct txn *t;
	req_read_end(rq);
	EXPECT_OK(users(rq, &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(document ? txn_put(t, S("alice"), str_of(document)) : txn_del(t, S("alice")));
	EXPECT_OK(txn_commit(t));
}

struct scene {
	struct str key, other; /* ids; both have the tag team = a */
	struct caller alice;
};

typedef void change(struct req *rq, const struct scene *s);

struct between {
	change *change;
	const struct scene *s;
};

static void change_scene(struct req *rq, const void *arg)
{
	const struct between *b = arg;
	b->change(rq, b->s);
}

/* Alice asks and is allowed; then comes the change, then her turn. */
static void try_late(struct req *like, const struct scene *s, const char *op, const void *in, change *then,
		     const char *code)
{
	late_try(like, s->alice, op, in, change_scene, &(struct between){ then, s }, code);
}

/* ---- changes ------------------------------------------------------------------------------- */

static void put_policy(struct req *rq, const struct scene *s, const char *document)
{
	late_meanwhile(rq, "PutKeyPolicy",
		       &(struct kms_put_key_policy_in){ .key_id = s->key, .policy = str_of(document) });
}

static void her_denied(struct req *rq, const struct scene *s)
{
	put_policy(rq, s, DOCUMENT(DELEGATED "," STATEMENT("Deny", ALICE, "kms:*")));
}

static void her_denied_what_she_does_not_ask(struct req *rq, const struct scene *s)
{
	put_policy(rq, s, DOCUMENT(DELEGATED "," STATEMENT("Deny", ALICE, "kms:Encrypt")));
}

static void other_tag(struct req *rq, const struct scene *s)
{
	static const struct kms_tag tag = { { "team", 4 }, { "b", 1 } };
	late_meanwhile(rq, "TagResource", &(struct kms_tag_resource_in){ s->key, { &tag, 1 } });
}

static void alias_that_forbids(struct req *rq, const struct scene *s)
{
	late_meanwhile(rq, "CreateAlias", &(struct kms_create_alias_in){ S("alias/prod"), s->key });
}

static void described(struct req *rq, const struct scene *s)
{
	late_meanwhile(rq, "UpdateKeyDescription", &(struct kms_update_key_description_in){ s->key, S("sooner") });
}

static void her_policy_gone(struct req *rq, const struct scene *s)
{
	(void)s;
	put_user(rq, DOCUMENT("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"));
}

static void her_policy_another(struct req *rq, const struct scene *s)
{
	(void)s;
	put_user(rq, DOCUMENT(MAY("")));
}

static void she_is_gone(struct req *rq, const struct scene *s)
{
	(void)s;
	put_user(rq, NULL);
}

/* ---- what is made of it -------------------------------------------------------------------- */

static void begin_scene(struct req *rq, const struct scene *s)
{
	static const struct kms_tag tag = { { "team", 4 }, { "a", 1 } };
	static const struct kms_tag_list tags = { &tag, 1 };
	put_user(rq, DOCUMENT(MAY(TEAM_A) "," ALIASES "," NOT_IF_ALIAS));
	put_policy(rq, s, DOCUMENT(DELEGATED));
	late_meanwhile(rq, "TagResource", &(struct kms_tag_resource_in){ s->key, tags });
	late_meanwhile(rq, "TagResource", &(struct kms_tag_resource_in){ s->other, tags });
}

static void describe_late(struct req *rq, void *arg)
{
	static const struct {
		change *change;
		const char *code;
	} cases[] = {
		{ her_denied, "AccessDeniedException" },
		{ her_denied_what_she_does_not_ask, NULL },
		{ other_tag, "AccessDeniedException" },
		{ her_policy_gone, "AccessDeniedException" },
		{ her_policy_another, NULL },
		{ she_is_gone, "UnrecognizedClientException" },
		{ described, NULL },
		{ alias_that_forbids, "AccessDeniedException" }, /* last: it stays */
	};
	const struct scene *s = arg;
	const struct kms_update_key_description_in in = { s->key, S("late") };
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin_scene(rq, s);
		try_late(rq, s, "UpdateKeyDescription", &in, cases[i].change, cases[i].code);
	}
}

static void in_scene(void (*play)(struct req *rq, void *arg))
{
	struct test_world *w =
	    world_begin(&(struct world_parts){ .services = testing_services, .identity = &identity, .now_ms = JAN_1 });
	struct scene s = { testing_key(w), testing_key(w), testing_user(w, NULL) };
	world_in_fiber(w, play, &s);
	world_end(w);
}

static void a_change_is_judged_by_what_it_meets(void) { in_scene(describe_late); }

/* ---- aliases ----------------------------------------------------------------------------------- */

static void point(struct req *rq, struct str key)
{
	late_meanwhile(rq, "UpdateAlias", &(struct kms_update_alias_in){ S("alias/x"), key });
}

static void moved(struct req *rq, const struct scene *s) { point(rq, s->other); }

static void moved_to_what_is_not_hers(struct req *rq, const struct scene *s)
{
	static const struct kms_tag tag = { { "team", 4 }, { "b", 1 } };
	late_meanwhile(rq, "TagResource", &(struct kms_tag_resource_in){ s->other, { &tag, 1 } });
	point(rq, s->other);
}

static void other_not_hers(struct req *rq, const struct scene *s)
{
	moved_to_what_is_not_hers(rq, s);
	point(rq, s->key);
}

static void deleted(struct req *rq, const struct scene *s)
{
	(void)s;
	late_meanwhile(rq, "DeleteAlias", &(struct kms_delete_alias_in){ S("alias/x") });
}

static void aliases_late(struct req *rq, void *arg)
{
	const struct scene *s = arg;
	const struct kms_delete_alias_in gone = { S("alias/x") };
	const struct kms_update_alias_in moves = { S("alias/x"), s->other };
	const struct kms_create_alias_in made = { S("alias/y"), s->key };
	const struct {
		const char *op;
		const void *in;
		change *change;
		const char *code;
	} cases[] = {
		{ "DeleteAlias", &gone, moved, NULL },
		{ "DeleteAlias", &gone, moved_to_what_is_not_hers, "AccessDeniedException" },
		{ "DeleteAlias", &gone, deleted, "NotFoundException" },
		{ "DeleteAlias", &gone, other_tag, "AccessDeniedException" },
		{ "DeleteAlias", &gone, her_policy_gone, "AccessDeniedException" },
		{ "UpdateAlias", &moves, other_not_hers, "AccessDeniedException" },
		{ "UpdateAlias", &moves, her_denied, "AccessDeniedException" },
		{ "UpdateAlias", &moves, moved, NULL },
		{ "CreateAlias", &made, her_denied, "AccessDeniedException" },
		{ "CreateAlias", &made, her_policy_gone, "AccessDeniedException" },
		{ "CreateAlias", &made, described, NULL },
	};
	bool there = false;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin_scene(rq, s);
		if (!there)
			late_meanwhile(rq, "CreateAlias", &(struct kms_create_alias_in){ S("alias/x"), s->key });
		point(rq, s->key);
		try_late(rq, s, cases[i].op, cases[i].in, cases[i].change, cases[i].code);
		there = strcmp(cases[i].op, "DeleteAlias") != 0 ||
			(cases[i].code && strcmp(cases[i].code, "NotFoundException") != 0);
	}
}

static void an_alias_is_judged_by_the_keys_that_it_meets(void) { in_scene(aliases_late); }

/* ---- grants, and no key at all ------------------------------------------------------------------ */

static struct str given; /* the id of alice's grant */

static void revoked(struct req *rq, const struct scene *s)
{
	late_meanwhile(rq, "RevokeGrant", &(struct kms_revoke_grant_in){ .key_id = s->key, .grant_id = given });
}

static void give(struct req *like, const struct scene *s)
{
	static const enum kms_grant_operation ops[] = { KMS_GRANT_OPERATION_CREATE_GRANT, KMS_GRANT_OPERATION_DECRYPT };
	const struct kms_create_grant_in in = { .key_id = s->key,
						.grantee_principal = S(ALICE),
						.operations = { ops, COUNT(ops) } };
	given = ((const struct kms_create_grant_out *)late_meanwhile(like, "CreateGrant", &in))->grant_id;
}

static void grants_late(struct req *rq, void *arg)
{
	const struct scene *s = arg;
	static const enum kms_grant_operation decrypt = KMS_GRANT_OPERATION_DECRYPT;
	const struct kms_create_grant_in in = { .key_id = s->key,
						.grantee_principal = S(ROOT),
						.operations = { &decrypt, 1 } };
	put_user(rq, DOCUMENT("{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"*\"}"));
	give(rq, s);
	try_late(rq, s, "CreateGrant", &in, described, NULL);
	try_late(rq, s, "CreateGrant", &in, revoked, "AccessDeniedException");
}

static void a_grant_is_passed_on_while_it_is_there(void) { in_scene(grants_late); }

static void create_late(struct req *rq, void *arg)
{
	const struct scene *s = arg;
	const struct kms_create_key_in in = { .origin = KMS_ORIGIN_TYPE_AWS_KMS };
	put_user(rq, DOCUMENT(MAY("")));
	try_late(rq, s, "CreateKey", &in, her_policy_another, NULL);
	try_late(rq, s, "CreateKey", &in, her_policy_gone, "AccessDeniedException");
}

static void a_key_is_made_by_who_may_when_it_is(void) { in_scene(create_late); }

/* ---- several regions ------------------------------------------------------------------------------ */

static struct str primary(struct req *like)
{
	const struct kms_create_key_in in = { .origin = KMS_ORIGIN_TYPE_AWS_KMS, .multi_region = true };
	const struct kms_create_key_out *out = late_meanwhile(like, "CreateKey", &in);
	return str_dup(like->mem, out->key_metadata->key_id);
}

static void replicate_late(struct req *rq, void *arg)
{
	change *const changes[] = { her_denied, other_tag, her_policy_gone };
	const struct scene s = { primary(rq), ((const struct scene *)arg)->other, ((const struct scene *)arg)->alice };
	const struct kms_replicate_key_in in = { .key_id = s.key, .replica_region = S("eu-west-1") };
	for (size_t i = 0; i < COUNT(changes); i++) {
		begin_scene(rq, &s);
		put_user(rq, DOCUMENT(MAY(TEAM_A) "," CREATES));
		try_late(rq, &s, "ReplicateKey", &in, changes[i], "AccessDeniedException");
	}
	struct req *root = late_request(rq, rq->caller, "ReplicateKey", &in); /* nothing of hers was left */
	EXPECT_OK(req_authorize(root));
	EXPECT_OK(late_run(root));
	req_unpin_all(root);
}

static void a_key_is_replicated_by_who_may_when_it_is(void) { in_scene(replicate_late); }

static void abroad(struct req *rq, change *then, const struct scene *s)
{
	struct str home = rq->region;
	rq->region = S("eu-west-1");
	then(rq, s);
	rq->region = home;
}

static void her_denied_abroad(struct req *rq, const struct scene *s) { abroad(rq, her_denied, s); }
static void described_abroad(struct req *rq, const struct scene *s) { abroad(rq, described, s); }

/* Both keys must let her, and one of them is not in the shard that is written. */
static void move_late(struct req *rq, void *arg)
{
	const struct scene *like = arg;
	const struct scene s = { primary(rq), like->other, like->alice };
	const struct kms_replicate_key_in copy = { .key_id = s.key, .replica_region = S("eu-west-1") };
	const struct kms_update_primary_region_in in = { s.key, S("eu-west-1") };
	put_user(rq, DOCUMENT(MAY("")));
	struct req *root = late_request(rq, rq->caller, "ReplicateKey", &copy);
	EXPECT_OK(req_authorize(root));
	EXPECT_OK(late_run(root));
	req_unpin_all(root);
	try_late(rq, &s, "UpdatePrimaryRegion", &in, her_denied, "AccessDeniedException");
	put_policy(rq, &s, DOCUMENT(DELEGATED));
	try_late(rq, &s, "UpdatePrimaryRegion", &in, her_denied_abroad, "AccessDeniedException");
	abroad(rq, her_denied_what_she_does_not_ask, &s);
	try_late(rq, &s, "UpdatePrimaryRegion", &in, described_abroad, NULL);
}

static void a_primary_is_moved_by_who_may_in_both_regions_when_it_is(void) { in_scene(move_late); }

RUN_ALL(T(a_change_is_judged_by_what_it_meets), T(an_alias_is_judged_by_the_keys_that_it_meets),
	T(a_grant_is_passed_on_while_it_is_there), T(a_key_is_made_by_who_may_when_it_is),
	T(a_key_is_replicated_by_who_may_when_it_is), T(a_primary_is_moved_by_who_may_in_both_regions_when_it_is))
