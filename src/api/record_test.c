/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record says of who, what, when and from where: one caller's kind a test, in the
 * words of "CloudTrail userIdentity element" and "CloudTrail record contents".
 */
#include "api/record.h"

#include "api/faults.h"
#include "api/fake_service.h"
#include "api/sigv4.h"
#include "api/world.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "wire/json_text.h"

static const int64_t JAN_1 = 1767225600000; /* 2026, UTC */

static struct test_world *begin(void)
{
	return world_begin(&(struct world_parts){ .services = fake_services, .now_ms = JAN_1 });
}

/* A request that stands before its recording, changed by `change`, and the event it becomes. */
struct making {
	struct test_world *w;
	void (*change)(struct req *rq);
	const char *op;
	struct str viewer;
	struct record r;
	struct str json;
};

static const struct vault_in input = {
	.name = { "a", 1 }, .secret = { "hush", 4 }, .bulk = { "bytes", 5 }, .count = SET(3)
};
static const struct vault_out output = { .name = { "a", 1 }, .secret = { "top secret", 10 } };

static void make(struct req *rq, void *arg)
{
	struct making *m = arg;
	struct vault_out *out = NEW(rq->mem, struct vault_out);
	*out = output;
	rq->op = m->op ? service_op(rq->svc, str_of(m->op)) : NULL;
	rq->in = &input;
	rq->out = out;
	rq->id = S("0b9b1b1e-0000-4000-8000-000000000001");
	if (m->change)
		m->change(rq);
	struct str bytes = str_dup(world_mem(m->w), record_make(rq));
	EXPECT_OK(record_parse(bytes, &m->r));
	if (m->viewer.p)
		record_seen_by(&m->r, m->viewer);
	m->json = record_json(world_mem(m->w), &m->r);
	EXPECT(str_is_utf8(m->json));
	struct json j = json_open(world_mem(m->w), m->json);
	(void)json_skip(&j);
	EXPECT_OK(json_close(&j));
}

static struct making made(struct test_world *w, const char *op, void (*change)(struct req *rq))
{
	struct making m = { .w = w, .op = op, .change = change };
	world_in_fiber(w, make, &m);
	return m;
}

static struct str member(struct making *m, const char *path) { return json_lookup(world_mem(m->w), m->json, path); }

/* ---- the whole ---------------------------------------------------------------------------- */

static void the_event_has_aws_members_in_aws_order(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Put", NULL);
	char id[36];
	record_event_id(&m.r, id);
	struct str want = arena_printf(
	    world_mem(w),
	    "{\"eventVersion\":\"1.11\",\"userIdentity\":{\"type\":\"Root\",\"principalId\":\"111122223333\","
	    "\"arn\":\"arn:aws:iam::111122223333:root\",\"accountId\":\"111122223333\",\"accessKeyId\":"
	    "\"AKIAROOT111122223333\"},"
	    "\"eventTime\":\"2026-01-01T00:00:00Z\",\"eventSource\":\"vault.amazonaws.com\",\"eventName\":\"Put\","
	    "\"awsRegion\":\"us-east-1\",\"sourceIPAddress\":\"192.0.2.1\",\"userAgent\":\"test\","
	    "\"requestParameters\":{\"name\":\"a\",\"secret\":\"HIDDEN_DUE_TO_SECURITY_REASONS\",\"count\":3},"
	    "\"responseElements\":{\"name\":\"a\",\"secret\":\"HIDDEN_DUE_TO_SECURITY_REASONS\"},"
	    "\"requestID\":\"0b9b1b1e-0000-4000-8000-000000000001\",\"eventID\":\"%.36s\",\"readOnly\":false,"
	    "\"resources\":[{\"accountId\":\"111122223333\",\"ARN\":\"arn:aws:vault:us-east-1:111122223333:secret/"
	    "a\"}],"
	    "\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"111122223333\","
	    "\"eventCategory\":\"Management\",\"tlsDetails\":{\"clientProvidedHostHeader\":\"test\"}}",
	    id);
	EXPECT_STR(m.json, want);
	world_end(w);
}

static void reads_have_no_response_and_data_events_say_so(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", NULL);
	EXPECT_STR(member(&m, "responseElements"), S("null"));
	EXPECT_STR(member(&m, "readOnly"), S("true"));
	EXPECT_STR(member(&m, "managementEvent"), S("true"));
	m = made(w, "Fetch", NULL);
	EXPECT_STR(member(&m, "managementEvent"), S("false"));
	EXPECT_STR(member(&m, "eventCategory"), S("\"Data\""));
	world_end(w);
}

/* ---- who ------------------------------------------------------------------------------------ */

static void as_user(struct req *rq)
{
	rq->caller = (struct caller){ .kind = CALLER_USER,
				      .account = WORLD_ACCOUNT,
				      .arn = S("arn:aws:iam::111122223333:user/alice"),
				      .principal_id = S("AIDAALICE"),
				      .name = S("alice"),
				      .access_key_id = S("AKIAALICE") };
}

static void a_user(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", as_user);
	EXPECT_STR(
	    member(&m, "userIdentity"),
	    S("{\"type\":\"IAMUser\",\"principalId\":\"AIDAALICE\",\"arn\":\"arn:aws:iam::111122223333:user/alice\","
	      "\"accountId\":\"111122223333\",\"accessKeyId\":\"AKIAALICE\",\"userName\":\"alice\"}"));
	EXPECT_STR(record_username(&m.r), S("alice"));
	world_end(w);
}

static void as_role(struct req *rq)
{
	rq->caller = (struct caller){
		.kind = CALLER_ROLE,
		.account = WORLD_ACCOUNT,
		.arn = S("arn:aws:sts::111122223333:assumed-role/app/web"),
		.principal_id = S("AROAAPP:web"),
		.name = S("web"),
		.access_key_id = S("ASIAWEB"),
		.role_arn = S("arn:aws:iam::111122223333:role/app"),
		.role_id = S("AROAAPP"),
		.role_name = S("app"),
		.issued_ms = JAN_1 - 5000,
		.mfa = true,
		.source_identity = S("bob"),
	};
}

static void an_assumed_role(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", as_role);
	EXPECT_STR(
	    member(&m, "userIdentity"),
	    S("{\"type\":\"AssumedRole\",\"principalId\":\"AROAAPP:web\","
	      "\"arn\":\"arn:aws:sts::111122223333:assumed-role/app/web\",\"accountId\":\"111122223333\","
	      "\"accessKeyId\":\"ASIAWEB\",\"sessionContext\":{\"sessionIssuer\":{\"type\":\"Role\",\"principalId\":"
	      "\"AROAAPP\","
	      "\"arn\":\"arn:aws:iam::111122223333:role/app\",\"accountId\":\"111122223333\",\"userName\":\"app\"},"
	      "\"webIdFederationData\":{},\"attributes\":{\"creationDate\":\"2025-12-31T23:59:55Z\","
	      "\"mfaAuthenticated\":\"true\"},\"sourceIdentity\":\"bob\"}}"));
	EXPECT_STR(record_username(&m.r), S("web"));
	world_end(w);
}

static void as_federated(struct req *rq)
{
	rq->caller = (struct caller){ .kind = CALLER_FEDERATED,
				      .account = WORLD_ACCOUNT,
				      .name = S("carol"),
				      .arn = S("arn:aws:sts::111122223333:federated-user/carol"),
				      .principal_id = S("111122223333:carol"),
				      .access_key_id = S("ASIACAROL"),
				      .role_arn = S("arn:aws:iam::111122223333:user/ann"),
				      .role_id = S("AIDAANN"),
				      .role_name = S("ann"),
				      .issued_ms = JAN_1 };
}

static void as_federated_by_root(struct req *rq)
{
	as_federated(rq);
	rq->caller.role_arn = S("arn:aws:iam::111122223333:root");
	rq->caller.role_id = WORLD_ACCOUNT;
	rq->caller.role_name = S("root");
}

static void a_federated_user(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", as_federated);
	EXPECT_STR(member(&m, "userIdentity.type"), S("\"FederatedUser\""));
	EXPECT_STR(member(&m, "userIdentity.sessionContext"),
		   S("{\"sessionIssuer\":{\"type\":\"IAMUser\",\"principalId\":\"AIDAANN\",\"arn\":"
		     "\"arn:aws:iam::111122223333:user/ann\",\"accountId\":\"111122223333\",\"userName\":\"ann\"},"
		     "\"webIdFederationData\":{},\"attributes\":{\"creationDate\":\"2026-01-01T00:00:00Z\","
		     "\"mfaAuthenticated\":\"false\"}}"));
	m = made(w, "Get", as_federated_by_root);
	EXPECT_STR(member(&m, "userIdentity.sessionContext.sessionIssuer"),
		   S("{\"type\":\"Root\",\"principalId\":\"111122223333\",\"arn\":"
		     "\"arn:aws:iam::111122223333:root\",\"accountId\":\"111122223333\"}"));
	world_end(w);
}

static void as_service(struct req *rq)
{
	static struct req parent;
	rq->parent = &parent;
	rq->caller = (struct caller){ .kind = CALLER_SERVICE,
				      .account = WORLD_ACCOUNT,
				      .principal_id = S("s3.amazonaws.com"),
				      .name = S("s3.amazonaws.com"),
				      .invoked_by = S("s3.amazonaws.com") };
}

static void a_service_for_itself(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", as_service);
	EXPECT_STR(member(&m, "userIdentity"), S("{\"type\":\"AWSService\",\"invokedBy\":\"s3.amazonaws.com\"}"));
	EXPECT_STR(member(&m, "sourceIPAddress"), S("\"s3.amazonaws.com\""));
	EXPECT_STR(member(&m, "userAgent"), S("\"s3.amazonaws.com\""));
	EXPECT(!member(&m, "tlsDetails").p);
	EXPECT_STR(record_username(&m.r), S(""));
	world_end(w);
}

static void as_kms_by_itself(struct req *rq)
{
	rq->caller = (struct caller){ .kind = CALLER_SERVICE,
				      .account = WORLD_ACCOUNT,
				      .principal_id = S("kms.amazonaws.com"),
				      .name = S("kms.amazonaws.com"),
				      .invoked_by = S("AWS Internal") };
}

static void what_happens_inside_aws_has_an_account_and_no_type(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Put", as_kms_by_itself);
	EXPECT_STR(member(&m, "userIdentity"), S("{\"accountId\":\"111122223333\",\"invokedBy\":\"AWS Internal\"}"));
	EXPECT_STR(record_username(&m.r), S(""));
	world_end(w);
}

static void as_user_through_s3(struct req *rq)
{
	as_service(rq);
	as_user(rq);
	rq->caller.invoked_by = S("s3.amazonaws.com");
}

static void as_user_through_dynamodb(struct req *rq)
{
	as_user_through_s3(rq);
	rq->caller.invoked_by = S("dynamodb.amazonaws.com");
}

static void a_service_on_somebodys_behalf(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", as_user_through_s3);
	EXPECT_STR(member(&m, "userIdentity.userName"), S("\"alice\""));
	EXPECT_STR(member(&m, "userIdentity.invokedBy"), S("\"AWS Internal\""));
	EXPECT_STR(member(&m, "sourceIPAddress"), S("\"AWS Internal\""));
	m = made(w, "Get", as_user_through_dynamodb);
	EXPECT_STR(member(&m, "userIdentity.invokedBy"), S("\"dynamodb.amazonaws.com\""));
	EXPECT_STR(member(&m, "userAgent"), S("\"dynamodb.amazonaws.com\""));
	world_end(w);
}

static void as_nobody(struct req *rq)
{
	rq->caller =
	    (struct caller){ .kind = CALLER_ANONYMOUS, .account = S("anonymous"), .principal_id = S("anonymous") };
}

static void as_impostor(struct req *rq)
{
	as_user(rq);
	rq->caller.kind = CALLER_ANONYMOUS; /* the key is alice's, the signature is not */
}

static void an_identity_that_proved_nothing(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", as_nobody);
	EXPECT_STR(member(&m, "userIdentity"),
		   S("{\"type\":\"AWSAccount\",\"principalId\":\"\",\"accountId\":\"ANONYMOUS_PRINCIPAL\"}"));
	m = made(w, "Get", as_impostor);
	EXPECT_STR(member(&m, "userIdentity"),
		   S("{\"type\":\"Unknown\",\"principalId\":\"\",\"accountId\":\"\",\"accessKeyId\":\"AKIAALICE\"}"));
	EXPECT_STR(record_username(&m.r), S(""));
	world_end(w);
}

static void as_impostor_of_another_account(struct req *rq)
{
	as_impostor(rq);
	rq->caller.account = WORLD_OTHER;
}

static void a_tried_key_is_its_owners_business(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", as_impostor_of_another_account);
	EXPECT_STR(m.r.owner, WORLD_OTHER);
	world_end(w);
}

static void as_neighbour(struct req *rq)
{
	as_user(rq);
	rq->caller.account = WORLD_OTHER;
}

static void across_accounts_the_owner_sees_only_whose_it_was(void)
{
	struct test_world *w = begin();
	struct making m = { .w = w, .op = "Get", .change = as_neighbour, .viewer = WORLD_ACCOUNT };
	world_in_fiber(w, make, &m);
	EXPECT_STR(member(&m, "userIdentity"),
		   S("{\"type\":\"AWSAccount\",\"principalId\":\"AIDAALICE\",\"accountId\":\"444455556666\"}"));
	EXPECT_STR(member(&m, "recipientAccountId"), S("\"111122223333\""));
	EXPECT(member(&m, "sharedEventID").n == 38);
	m.viewer = WORLD_OTHER;
	world_in_fiber(w, make, &m);
	EXPECT_STR(member(&m, "userIdentity.userName"), S("\"alice\""));
	EXPECT_STR(member(&m, "recipientAccountId"), S("\"444455556666\""));
	world_end(w);
}

static void about_two_others(struct req *rq)
{
	as_user(rq);
	rq->caller.account = S("777788889999");
	req_owner(rq, WORLD_ACCOUNT);
	req_owner(rq, WORLD_OTHER);
	req_owner(rq, WORLD_ACCOUNT);
	req_owner(rq, rq->caller.account);
}

static void a_call_may_have_several_owners_who_see_the_same_of_it(void)
{
	struct test_world *w = begin();
	struct str viewers[] = { WORLD_ACCOUNT, WORLD_OTHER, S("777788889999") }, account;
	char ids[3][36];
	for (size_t i = 0; i < COUNT(viewers); i++) {
		struct making m = { .w = w, .op = "Get", .change = about_two_others, .viewer = viewers[i] };
		world_in_fiber(w, make, &m);
		EXPECT(record_owner(&m.r, 1, &account) && str_eq(account, WORLD_OTHER) &&
		       !record_owner(&m.r, 2, &account));
		EXPECT(member(&m, "userIdentity.userName").n == (i == 2 ? S("\"alice\"").n : 0));
		m.r.event_id = S("0123456789abcdef");
		record_event_id(&m.r, ids[i]);
	}
	EXPECT(memcmp(ids[0], ids[1], 36) && memcmp(ids[0], ids[2], 36) && memcmp(ids[1], ids[2], 36));
	world_end(w);
}

/* ---- what ---------------------------------------------------------------------------------------- */

static void with_fault(struct req *rq)
{
	(void)FAIL(rq, api_AccessDeniedException, "User: %s is not authorized", "alice");
}
static void says_more(struct req *rq) { rq->record_answer = S("{\"keyId\":\"k\"}"); }

static void says_that_alone(struct req *rq)
{
	says_more(rq);
	*(struct vault_out *)rq->out = (struct vault_out){ 0 };
}

static void says_more_and_fails(struct req *rq)
{
	says_more(rq);
	with_fault(rq);
}

static void a_service_has_the_record_answer_more_than_the_call(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Put", says_more);
	EXPECT_STR(member(&m, "responseElements"),
		   S("{\"name\":\"a\",\"secret\":\"HIDDEN_DUE_TO_SECURITY_REASONS\",\"keyId\":\"k\"}"));
	m = made(w, "Put", says_that_alone);
	EXPECT_STR(member(&m, "responseElements"), S("{\"keyId\":\"k\"}"));
	m = made(w, "Get", says_more);
	EXPECT_STR(member(&m, "responseElements"), S("null"));
	m = made(w, "Put", says_more_and_fails);
	EXPECT_STR(member(&m, "responseElements"), S("null"));
	world_end(w);
}

static void unreadable(struct req *rq)
{
	(void)FAIL(rq, api_SerializationException, "STRING_VALUE cannot be converted");
}

static void a_refusal_has_code_and_message_and_no_response(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Put", with_fault);
	EXPECT_STR(member(&m, "errorCode"), S("\"AccessDenied\""));
	EXPECT_STR(member(&m, "errorMessage"), S("\"User: alice is not authorized\""));
	EXPECT_STR(member(&m, "requestParameters.name"), S("\"a\""));
	EXPECT_STR(member(&m, "responseElements"), S("null"));
	m = made(w, "Put", unreadable);
	EXPECT_STR(member(&m, "requestParameters"), S("null"));
	world_end(w);
}

static void said_action(struct req *rq)
{
	static const struct http_pair pair = { { "Action", 6 }, { "MakeCoffee", 10 } };
	rq->query = (struct http_pairs){ &pair, 1 };
	rq->in = rq->out = NULL;
}

static void said_nonsense(struct req *rq)
{
	static const struct http_pair pair = { { "Action", 6 }, { "<script>", 8 } };
	said_action(rq);
	rq->query = (struct http_pairs){ &pair, 1 };
}

static void an_unknown_operation_has_the_name_it_was_called_by(void)
{
	struct test_world *w = begin();
	struct making m = made(w, NULL, said_action);
	EXPECT_STR(m.r.event_name, S("MakeCoffee"));
	EXPECT_STR(member(&m, "requestParameters"), S("null"));
	EXPECT(!member(&m, "resources").p);
	m = made(w, NULL, said_nonsense);
	EXPECT_STR(m.r.event_name, S("Unknown"));
	world_end(w);
}

static void hostile(struct req *rq)
{
	char *p = NEWS(rq->mem, char, 300 * 1024);
	memset(p, 0xff, 300 * 1024);
	rq->user_agent = rq->host = str_make(p, 300 * 1024);
	struct vault_in *in = NEW(rq->mem, struct vault_in);
	in->name = str_make(p, 300 * 1024);
	rq->in = in;
	(void)FAIL(rq, api_ValidationException, "%.*s", 5000, "x");
}

static void no_input_makes_a_record_long_or_malformed(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Get", hostile);
	EXPECT(m.r.user_agent.n == RECORD_TEXT_MAX);
	EXPECT_STR(m.r.parameters, S("{\"omitted\":true}"));
	EXPECT(m.json.n < 16 * 1024);
	world_end(w);
}

/* ---- S3 ------------------------------------------------------------------------------------------ */

struct file_in {
	struct str bucket, key, acl, policy, customer_key;
};

static const struct member file_members[] = {
	{ "Bucket", "Bucket", &vault_string, offsetof(struct file_in, bucket), .where = W_LABEL },
	{ "Key", "Key", &vault_string, offsetof(struct file_in, key), .where = W_LABEL },
	{ "ACL", "x-amz-acl", &vault_string, offsetof(struct file_in, acl), .where = W_HEADER },
	{ "Policy", "Policy", &vault_string, offsetof(struct file_in, policy), .where = W_PAYLOAD },
	{ "SSECustomerKey", "x-amz-server-side-encryption-customer-key", &vault_string,
	  offsetof(struct file_in, customer_key), .where = W_HEADER, .flags = M_SENSITIVE },
};
static const struct shape file_shape = {
	.name = "In",
	.kind = K_STRUCT,
	.size = sizeof(struct file_in),
	.members = file_members,
	.n_members = 5,
};
static const struct op file_op = {
	.name = "PutObject",
	.resource = "arn:aws:s3:::{Bucket}/{Key}",
	.access = ACCESS_WRITE,
	.flags = OP_DATA,
	.uri = "/{Bucket}/{Key+}?tagging&x-id=PutObject",
	.in = &file_shape,
	.out = &vault_out_shape,
};
static const struct service file_service = {
	.name = "s3",
	.source = "s3.amazonaws.com",
	.protocol = PROTO_REST_XML,
	.ops = &file_op,
	.n_ops = 1,
};

static void put_file(struct req *rq)
{
	static const struct file_in in = {
		{ "invoices", 8 }, { "2026/\"1\".pdf", 12 }, { "private", 7 }, { "{}", 2 }, { "key!", 4 },
	};
	static struct sigv4_auth auth = { .form = SIGV4_HEADER };
	rq->svc = &file_service;
	rq->op = &file_op;
	rq->in = &in;
	rq->auth = &auth;
	rq->record_extra = S("{\"SSEApplied\":\"SSE_KMS\"}");
}

static void s3_members_have_the_names_they_travel_by(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Put", put_file);
	EXPECT_STR(member(&m, "requestParameters"),
		   S("{\"bucketName\":\"invoices\",\"key\":\"2026/"
		     "\\\"1\\\".pdf\",\"x-amz-acl\":\"private\",\"bucketPolicy\":\"{}\","
		     "\"x-amz-server-side-encryption-customer-key\":\"HIDDEN_DUE_TO_SECURITY_REASONS\","
		     "\"tagging\":\"\",\"Host\":\"test\"}"));
	EXPECT_STR(
	    member(&m, "additionalEventData"),
	    S("{\"SignatureVersion\":\"SigV4\",\"AuthenticationMethod\":\"AuthHeader\",\"SSEApplied\":\"SSE_KMS\"}"));
	EXPECT_STR(
	    member(&m, "resources"),
	    S("[{\"type\":\"AWS::S3::Object\",\"ARN\":\"arn:aws:s3:::invoices/2026/\\\"1\\\".pdf\"},"
	      "{\"accountId\":\"111122223333\",\"type\":\"AWS::S3::Bucket\",\"ARN\":\"arn:aws:s3:::invoices\"}]"));
	EXPECT_STR(member(&m, "managementEvent"), S("false"));
	world_end(w);
}

static void try_file(struct req *rq)
{
	static const struct http_pair labels[] = { { { "Bucket", 6 }, { "invoices", 8 } },
						   { { "Key", 3 }, { "a", 1 } } };
	as_impostor(rq);
	rq->svc = &file_service;
	rq->op = &file_op;
	rq->in = rq->out = NULL;
	rq->labels = (struct http_pairs){ labels, 2 };
	(void)FAIL(rq, api_AccessDeniedException, "no\nCanonicalRequest: token");
}

static void a_bad_signature_for_an_object_names_the_object(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Put", try_file);
	EXPECT_STR(member(&m, "requestParameters"),
		   S("{\"bucketName\":\"invoices\",\"key\":\"a\",\"tagging\":\"\",\"Host\":\"test\"}"));
	EXPECT(str_find(member(&m, "resources"), S("arn:aws:s3:::invoices/a")) != SIZE_MAX);
	EXPECT_STR(member(&m, "errorMessage"), S("\"no\"")); /* what follows the first line quotes the request */
	world_end(w);
}

/* ---- names of things ------------------------------------------------------------------------------- */

static void arns_have_types_and_short_names(void)
{
	static const struct {
		const char *arn, *type, *name;
	} cases[] = {
		{ "arn:aws:kms:us-east-1:111122223333:key/1", "AWS::KMS::Key",
		  "arn:aws:kms:us-east-1:111122223333:key/1" },
		{ "arn:aws:s3:::invoices", "AWS::S3::Bucket", "invoices" },
		{ "arn:aws:s3:::invoices/a/b", "AWS::S3::Object", "arn:aws:s3:::invoices/a/b" },
		{ "arn:aws:iam::111122223333:user/dev/alice", "AWS::IAM::User", "alice" },
		{ "arn:aws:iam::111122223333:role/app", "AWS::IAM::Role", "app" },
		{ "arn:aws:iam::111122223333:policy/p", "AWS::IAM::Policy", "arn:aws:iam::111122223333:policy/p" },
		{ "arn:aws:vault:us-east-1:1:secret/a", "", "arn:aws:vault:us-east-1:1:secret/a" },
		{ "nothing", "", "nothing" },
		{ "", "", "" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		EXPECT_STR(record_resource_type(str_of(cases[i].arn)), str_of(cases[i].type));
		EXPECT_STR(record_resource_name(str_of(cases[i].arn)), str_of(cases[i].name));
	}
}

static void what_was_cut_off_does_not_parse(void)
{
	struct test_world *w = begin();
	struct making m = made(w, "Put", as_role);
	struct buf b = buf_in(world_mem(w));
	struct record r;
	record_pack(&b, &m.r);
	EXPECT_OK(record_parse(buf_str(&b), &r));
	EXPECT_STR(record_json(world_mem(w), &r), m.json);
	size_t refused = 0;
	for (size_t n = 0; n < b.n; n++)
		refused += failed(record_parse(str_sub(buf_str(&b), 0, n), &r));
	EXPECT(refused >
	       b.n * 9 / 10); /* only a cut between two texts goes unseen: the block's seal is what notices it */
	world_end(w);
}

RUN_ALL(T(the_event_has_aws_members_in_aws_order), T(reads_have_no_response_and_data_events_say_so), T(a_user),
	T(an_assumed_role), T(a_federated_user), T(a_service_for_itself),
	T(what_happens_inside_aws_has_an_account_and_no_type), T(a_service_on_somebodys_behalf),
	T(an_identity_that_proved_nothing), T(a_tried_key_is_its_owners_business),
	T(across_accounts_the_owner_sees_only_whose_it_was), T(a_call_may_have_several_owners_who_see_the_same_of_it),
	T(a_refusal_has_code_and_message_and_no_response), T(a_service_has_the_record_answer_more_than_the_call),
	T(an_unknown_operation_has_the_name_it_was_called_by), T(no_input_makes_a_record_long_or_malformed),
	T(s3_members_have_the_names_they_travel_by), T(a_bad_signature_for_an_object_names_the_object),
	T(arns_have_types_and_short_names), T(what_was_cut_off_does_not_parse))
