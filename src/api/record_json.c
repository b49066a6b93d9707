/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as CloudTrail writes it: members, their order and their words as in "CloudTrail
 * record contents for management, data, and network activity events" and "CloudTrail
 * userIdentity element".
 *
 * In the log of the account that owns the data, a caller of another account is no more than
 * { AWSAccount, principalId, accountId }; in the caller's own log it is whole.
 */
#include "api/record.h"

#include "api/caller.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/time.h"
#include "wire/json_text.h"

/* ---- seen from an account ----------------------------------------------------------- */

void record_seen_by(struct record *r, struct str account) { r->recipient = account; }

/* Which of its owners looks; SIZE_MAX: none of them, but the caller. */
static size_t seen_by_owner(const struct record *r)
{
	struct str account;
	for (size_t i = 0; record_owner(r, i, &account); i++)
		if (str_eq(r->recipient, account))
			return i;
	return SIZE_MAX;
}

/* Each account's event has its own id: the record's for the owner, others made from it for the others. */
void record_event_id(const struct record *r, char out[36])
{
	size_t owner = seen_by_owner(r);
	uint8_t raw[16];
	memcpy(raw, r->event_id.p, sizeof raw);
	if (owner) {
		uint64_t seed = owner == SIZE_MAX ? 0 : 2 * owner; /* the caller's: 1 and 2 */
		uint64_t a = str_hash(r->event_id, seed + 1), b = str_hash(r->event_id, seed + 2);
		memcpy(raw, &a, 8);
		memcpy(raw + 8, &b, 8);
	}
	uuid_text(out, raw);
}

static bool foreign(const struct record *r)
{
	return r->account.n && !str_eq(r->account, r->recipient) && seen_by_owner(r) != SIZE_MAX &&
	       r->caller_kind != CALLER_SERVICE;
}

struct str record_username(const struct record *r)
{
	if (foreign(r) || r->caller_kind == CALLER_ANONYMOUS || r->caller_kind == CALLER_SERVICE)
		return S("");
	return r->caller_kind == CALLER_ROOT ? S("root") : r->user_name;
}

/* ---- resources ------------------------------------------------------------------------ */

static struct str arn_part(struct str arn, int i)
{
	while (i-- > 0 && arn.p)
		(void)str_cut(&arn, ':');
	return arn.p ? str_cut(&arn, ':') : S("");
}

static struct str arn_rest(struct str arn)
{
	for (int i = 0; i < 5 && arn.p; i++)
		(void)str_cut(&arn, ':');
	return arn.p ? arn : S("");
}

static const struct {
	const char *service, *start, *type;
} types[] = {
	{ "kms", "key/", "AWS::KMS::Key" },
	{ "kms", "alias/", "AWS::KMS::Key" }, /* as "CreateAlias" of "Examples of AWS KMS log entries" has it */
	{ "iam", "user/", "AWS::IAM::User" },
	{ "iam", "role/", "AWS::IAM::Role" },
	{ "iam", "policy/", "AWS::IAM::Policy" },
	{ "iam", "group/", "AWS::IAM::Group" },
	{ "iam", "instance-profile/", "AWS::IAM::InstanceProfile" },
	{ "iam", "access-key/", "AWS::IAM::AccessKey" },
	{ "iam", "server-certificate/", "AWS::IAM::ServerCertificate" },
	{ "sts", "assumed-role/", "AWS::STS::AssumedRole" },
	{ "sts", "federated-user/", "AWS::STS::FederatedUser" },
};

struct str record_resource_type(struct str arn)
{
	struct str service = arn_part(arn, 2), rest = arn_rest(arn);
	if (str_eq(service, S("s3")))
		return str_find_char(rest, '/') == SIZE_MAX ? S("AWS::S3::Bucket") : S("AWS::S3::Object");
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_eq(service, str_of(types[i].service)) && str_starts(rest, str_of(types[i].start)))
			return str_of(types[i].type);
	return (struct str){ 0 };
}

struct str record_resource_name(struct str arn)
{
	struct str service = arn_part(arn, 2), rest = arn_rest(arn);
	if (str_eq(service, S("s3")) && rest.n && str_find_char(rest, '/') == SIZE_MAX)
		return rest;
	bool whole = !str_eq(service, S("iam")) || str_starts(rest, S("policy/"));
	for (size_t at; !whole && (at = str_find_char(rest, '/')) != SIZE_MAX;)
		rest = str_from(rest, at + 1);
	return whole || !rest.n ? arn : rest;
}

static void resources(struct json_out *w, const struct record *r)
{
	struct str arn;
	json_name(w, S("resources"));
	json_begin(w, '[');
	for (size_t at = 0; record_resource(r, &at, &arn);) {
		struct str type = record_resource_type(arn), account = arn_part(arn, 4);
		json_begin(w, '{');
		if (!str_eq(type, S("AWS::S3::Object"))) {
			json_name(w, S("accountId"));
			json_put_str(w, account.n ? account : r->owner);
		}
		if (type.p) {
			json_name(w, S("type"));
			json_put_str(w, type);
		}
		json_name(w, S("ARN"));
		json_put_str(w, arn);
		json_end(w, '}');
	}
	json_end(w, ']');
}

/* ---- who --------------------------------------------------------------------------------- */

static void text(struct json_out *w, const char *name, struct str value)
{
	json_name(w, str_of(name));
	json_put_str(w, value.p ? value : S(""));
}

static void given(struct json_out *w, const char *name, struct str value)
{
	if (value.n)
		text(w, name, value);
}

/* Of a role session the role; of a federated user the user, or root, who lends. */
static const char *issuer_type(const struct record *r)
{
	if (r->caller_kind == CALLER_ROLE)
		return "Role";
	return str_eq(r->role_id, r->account) ? "Root" : "IAMUser";
}

static void issuer(struct json_out *w, const struct record *r)
{
	json_name(w, S("sessionIssuer"));
	json_begin(w, '{');
	text(w, "type", str_of(issuer_type(r)));
	text(w, "principalId", r->role_id);
	text(w, "arn", r->role_arn);
	text(w, "accountId", r->account);
	if (!str_eq(r->role_id, r->account))
		text(w, "userName", r->role_name);
	json_end(w, '}');
	json_name(w, S("webIdFederationData"));
	json_begin(w, '{');
	given(w, "federatedProvider", r->provider);
	if (r->provider.n) {
		json_name(w, S("attributes"));
		json_put_raw(w, S("{}"));
	}
	json_end(w, '}');
}

static void session(struct json_out *w, struct arena *mem, const struct record *r)
{
	json_name(w, S("sessionContext"));
	json_begin(w, '{');
	if (r->caller_kind == CALLER_ROLE || r->caller_kind == CALLER_FEDERATED)
		issuer(w, r);
	json_name(w, S("attributes"));
	json_begin(w, '{');
	text(w, "creationDate", time_iso8601(mem, r->session_ms));
	text(w, "mfaAuthenticated", r->mfa ? S("true") : S("false"));
	json_end(w, '}');
	given(w, "sourceIdentity", r->source_identity);
	json_end(w, '}');
}

static void nobody(struct json_out *w, const struct record *r)
{
	if (!r->refused_identity) {
		text(w, "type", S("AWSAccount"));
		text(w, "principalId", S(""));
		text(w, "accountId", S("ANONYMOUS_PRINCIPAL"));
		return;
	}
	text(w, "type", S("Unknown"));
	text(w, "principalId", S(""));
	text(w, "accountId", S(""));
	text(w, "accessKeyId", r->access_key_id);
}

static const char *const kinds[] = {
	[CALLER_ROOT] = "Root",
	[CALLER_USER] = "IAMUser",
	[CALLER_ROLE] = "AssumedRole",
	[CALLER_FEDERATED] = "FederatedUser",
	[CALLER_WEB_IDENTITY] = "WebIdentityUser",
	[CALLER_SAML] = "SAMLUser",
};

/* "CloudTrail userIdentity element": a SAML user's provider is its name qualifier, which his id begins with. */
static void by_provider(struct json_out *w, const struct record *r)
{
	struct str rest = r->principal_id, qualifier = str_cut(&rest, ':');
	text(w, "type", str_of(kinds[r->caller_kind]));
	text(w, "principalId", r->principal_id);
	text(w, "userName", r->user_name);
	text(w, "identityProvider", r->caller_kind == CALLER_SAML ? qualifier : r->provider);
}

static void somebody(struct json_out *w, struct arena *mem, const struct record *r)
{
	text(w, "type", str_of(kinds[r->caller_kind]));
	text(w, "principalId", r->principal_id);
	text(w, "arn", r->principal_arn);
	text(w, "accountId", r->account);
	given(w, "accessKeyId", r->access_key_id);
	if (r->caller_kind == CALLER_USER)
		text(w, "userName", r->user_name);
	if (r->session_ms || r->caller_kind == CALLER_ROLE)
		session(w, mem, r);
	given(w, "invokedBy", r->invoked_by);
}

/* What KMS does to keys by itself has no type ("RotateKey", "DeleteKey" of "Examples of AWS KMS log entries"). */
static void service(struct json_out *w, const struct record *r)
{
	if (str_eq(r->invoked_by, S("AWS Internal")))
		text(w, "accountId", r->account);
	else
		text(w, "type", S("AWSService"));
	text(w, "invokedBy", r->invoked_by);
}

static void identity(struct json_out *w, struct arena *mem, const struct record *r)
{
	json_name(w, S("userIdentity"));
	json_begin(w, '{');
	if (r->caller_kind == CALLER_ANONYMOUS) {
		nobody(w, r);
	} else if (r->caller_kind == CALLER_SERVICE) {
		service(w, r);
	} else if (r->caller_kind == CALLER_WEB_IDENTITY || r->caller_kind == CALLER_SAML) {
		by_provider(w, r);
	} else if (foreign(r)) {
		text(w, "type", S("AWSAccount"));
		text(w, "principalId", r->principal_id);
		text(w, "accountId", r->account);
		given(w, "invokedBy", r->invoked_by);
	} else {
		somebody(w, mem, r);
	}
	json_end(w, '}');
}

/* ---- the event ------------------------------------------------------------------------------ */

static void object(struct json_out *w, const char *name, struct str json)
{
	json_name(w, str_of(name));
	json_put_raw(w, json.n ? json : S("null"));
}

static void tls(struct json_out *w, const struct record *r)
{
	if (!r->host.n && !r->tls_version.n)
		return;
	json_name(w, S("tlsDetails"));
	json_begin(w, '{');
	given(w, "tlsVersion", r->tls_version);
	given(w, "cipherSuite", r->tls_cipher);
	given(w, "clientProvidedHostHeader", r->host);
	json_end(w, '}');
}

static void shared(struct json_out *w, const struct record *r)
{
	char id[36];
	if (!r->shared_event_id.n)
		return;
	uuid_text(id, (const uint8_t *)r->shared_event_id.p);
	text(w, "sharedEventID", str_make(id, sizeof id));
}

static void outcome(struct json_out *w, const struct record *r)
{
	given(w, "errorCode", r->error_code);
	given(w, "errorMessage", r->error_message);
	object(w, "requestParameters", r->parameters);
	object(w, "responseElements", r->response);
	if (r->extra.n && !r->service_event)
		object(w, "additionalEventData", r->extra);
}

struct str record_json(struct arena *mem, const struct record *r)
{
	struct buf b = buf_in(mem);
	struct json_out w = { .to = &b };
	char id[36];
	record_event_id(r, id);
	(void)buf_room(&b, 2048 + r->parameters.n + r->response.n);
	json_begin(&w, '{');
	text(&w, "eventVersion", S("1.11"));
	identity(&w, mem, r);
	text(&w, "eventTime", time_iso8601(mem, r->time_ms));
	text(&w, "eventSource", r->event_source);
	text(&w, "eventName", r->event_name);
	text(&w, "awsRegion", r->region);
	text(&w, "sourceIPAddress", r->source_ip);
	text(&w, "userAgent", r->user_agent);
	outcome(&w, r);
	text(&w, "requestID", r->request_id);
	text(&w, "eventID", str_make(id, sizeof id));
	json_name(&w, S("readOnly"));
	json_put_bool(&w, r->read_only);
	if (r->resources.n)
		resources(&w, r);
	text(&w, "eventType", r->service_event ? S("AwsServiceEvent") : S("AwsApiCall"));
	json_name(&w, S("managementEvent"));
	json_put_bool(&w, !r->data_event);
	text(&w, "recipientAccountId", r->recipient);
	shared(&w, r);
	if (r->extra.n && r->service_event)
		object(&w, "serviceEventDetails", r->extra);
	text(&w, "eventCategory", r->data_event ? S("Data") : S("Management"));
	tls(&w, r);
	json_end(&w, '}');
	return buf_str(&b);
}
