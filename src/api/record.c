/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call -> a struct record -> bytes, and back.
 *
 * The bytes: version, flags, caller kind, two times, then every text that is not empty as
 * { number, length, bytes }. A text's number is its place in the table below; places are
 * never used again, and unknown numbers are skipped, so old records stay readable.
 *
 * What a text may hold comes from strangers: each is cut at RECORD_TEXT_MAX, and the two
 * objects are left out when they are too long, as CloudTrail does.
 */
#include "api/record.h"

#include "api/accounts.h"
#include "api/authz.h"
#include "api/faults.h"
#include "api/sigv4.h"
#include "base/codec.h"
#include "base/str.h"
#include "wire/decode.h"
#include "wire/json.h"
#include "wire/json_text.h"
#include "wire/uri.h"

enum { VERSION = 1, ID_BYTES = 16, RESOURCES_MAX = 32, ACCOUNT_DIGITS = 12, ARN_KEPT = 2048, EXTRA_MAX = 8 * 1024 };

enum {
	F_MFA = 1,
	F_READ_ONLY = 2,
	F_DATA = 4,
	F_SECURE = 8,
	F_REFUSED_IDENTITY = 16,
	F_FROM_INSIDE = 32,
	F_SERVICE = 64
};

/* ---- bytes ------------------------------------------------------------------------- */

static const uint16_t texts[] = {
	offsetof(struct record, event_id),        offsetof(struct record, region),
	offsetof(struct record, event_name),      offsetof(struct record, event_source),
	offsetof(struct record, request_id),      offsetof(struct record, source_ip),
	offsetof(struct record, user_agent),      offsetof(struct record, error_code),
	offsetof(struct record, error_message),   offsetof(struct record, account),
	offsetof(struct record, principal_id),    offsetof(struct record, principal_arn),
	offsetof(struct record, access_key_id),   offsetof(struct record, user_name),
	offsetof(struct record, role_arn),        offsetof(struct record, role_id),
	offsetof(struct record, role_name),       offsetof(struct record, invoked_by),
	offsetof(struct record, source_identity), offsetof(struct record, parameters),
	offsetof(struct record, response),        offsetof(struct record, resources),
	offsetof(struct record, extra),           offsetof(struct record, host),
	offsetof(struct record, tls_version),     offsetof(struct record, tls_cipher),
	offsetof(struct record, shared_event_id), offsetof(struct record, owner),
	offsetof(struct record, provider),        offsetof(struct record, more_owners),
};

static struct str text_get(const struct record *r, size_t i)
{
	return *(const struct str *)(const void *)((const char *)r + texts[i]);
}

static void text_set(struct record *r, size_t i, struct str s) { *(struct str *)(void *)((char *)r + texts[i]) = s; }

static size_t packed_size(const struct record *r)
{
	size_t n = 32;
	for (size_t i = 0; i < COUNT(texts); i++)
		n += text_get(r, i).n + 11;
	return n;
}

static char *put_varint(char *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(unsigned char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

/* Written straight into room that is large enough: this is on every call's path. */
void record_pack(struct buf *out, const struct record *r)
{
	unsigned flags = (r->mfa ? F_MFA : 0) | (r->read_only ? F_READ_ONLY : 0) | (r->data_event ? F_DATA : 0) |
			 (r->secure ? F_SECURE : 0) | (r->refused_identity ? F_REFUSED_IDENTITY : 0) |
			 (r->from_inside ? F_FROM_INSIDE : 0) | (r->service_event ? F_SERVICE : 0);
	char *start = buf_room(out, packed_size(r)), *p = start;
	*p++ = VERSION;
	p = put_varint(p, flags);
	*p++ = (char)r->caller_kind;
	p = put_varint(p, (uint64_t)r->time_ms);
	p = put_varint(p, (uint64_t)r->session_ms);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct str s = text_get(r, i);
		if (!s.n)
			continue;
		*p++ = (char)(i + 1);
		p = put_varint(p, s.n);
		memcpy(p, s.p, s.n);
		p += s.n;
	}
	buf_took(out, (size_t)(p - start));
}

static bool sound(const struct record *r)
{
	return r->event_id.n == ID_BYTES && (r->shared_event_id.n == 0 || r->shared_event_id.n == ID_BYTES) &&
	       r->more_owners.n % ACCOUNT_DIGITS == 0 && r->more_owners.n / ACCOUNT_DIGITS < RECORD_OWNERS_MAX &&
	       r->caller_kind <= CALLER_SAML && r->time_ms >= 0 && r->session_ms >= 0;
}

struct status record_parse(struct str bytes, struct record *out)
{
	struct record r = { 0 };
	struct rd in = rd_of(bytes);
	if (rd_u8(&in) != VERSION)
		return ERR(E_INVALID);
	uint64_t flags = rd_varint(&in);
	r.caller_kind = rd_u8(&in);
	r.time_ms = (int64_t)rd_varint(&in);
	r.session_ms = (int64_t)rd_varint(&in);
	while (!in.bad && !rd_end(&in)) {
		size_t number = rd_u8(&in);
		uint64_t n = rd_varint(&in);
		struct str s = rd_bytes(&in, (size_t)n);
		if (number - 1 < COUNT(texts))
			text_set(&r, number - 1, s);
	}
	r.mfa = flags & F_MFA;
	r.read_only = flags & F_READ_ONLY;
	r.data_event = flags & F_DATA;
	r.secure = flags & F_SECURE;
	r.refused_identity = flags & F_REFUSED_IDENTITY;
	r.from_inside = flags & F_FROM_INSIDE;
	r.service_event = flags & F_SERVICE;
	r.recipient = r.owner;
	if (in.bad || !sound(&r))
		return ERR(E_INVALID);
	*out = r;
	return OK;
}

/* ---- who ------------------------------------------------------------------------------ */

static struct str cut(struct str s) { return str_sub(s, 0, RECORD_TEXT_MAX); }

static bool proven(const struct req *rq) { return rq->caller.kind != CALLER_ANONYMOUS; }

static void who(struct record *r, const struct req *rq)
{
	const struct caller *c = &rq->caller;
	r->caller_kind = (uint8_t)c->kind;
	r->access_key_id = cut(c->access_key_id);
	r->refused_identity = !proven(rq) && c->access_key_id.n;
	if (!proven(rq))
		return; /* what it claimed to be is worth nothing but the key it used */
	r->account = c->account;
	r->principal_id = c->principal_id;
	r->principal_arn = c->arn;
	r->user_name = c->name;
	r->session_ms = c->issued_ms;
	r->mfa = c->mfa;
	r->source_identity = c->source_identity;
	r->provider = c->provider;
	if (c->kind == CALLER_ROLE || c->kind == CALLER_FEDERATED) {
		r->role_arn = c->role_arn;
		r->role_id = c->role_id;
		r->role_name = c->role_name;
	}
}

/*
 * S3's calls to KMS on somebody's behalf appear as made by "AWS Internal"; other services
 * sign with their names.
 */
static void from_where(struct record *r, const struct req *rq)
{
	if (rq->parent) {
		bool internal =
		    rq->caller.kind != CALLER_SERVICE && str_eq(rq->caller.invoked_by, S("s3.amazonaws.com"));
		r->from_inside = true;
		r->invoked_by = internal ? S("AWS Internal") : rq->caller.invoked_by;
		r->source_ip = r->user_agent = r->invoked_by;
		return;
	}
	r->invoked_by = rq->caller.invoked_by;
	r->source_ip = rq->source_ip;
	r->user_agent = cut(rq->user_agent);
	r->secure = rq->secure;
	r->host = cut(rq->host);
	if (rq->http) {
		r->tls_version = rq->http->tls_version;
		r->tls_cipher = rq->http->tls_cipher;
	}
}

/* ---- what ------------------------------------------------------------------------------ */

/* What a client called the operation, when that is a name at all. */
static struct str said_name(const struct req *rq)
{
	struct str said = uri_find(&rq->query, S("Action"));
	if (rq->http && req_in_header(rq, "x-amz-target").n) {
		said = req_in_header(rq, "x-amz-target");
		for (size_t dot; (dot = str_find_char(said, '.')) != SIZE_MAX;)
			said = str_from(said, dot + 1);
	}
	bool name = said.n > 0 && said.n <= 128;
	for (size_t i = 0; name && i < said.n; i++)
		name = char_alnum(said.p[i]);
	return name ? said : S("Unknown");
}

/* What is not allowed is AccessDenied in AWS's events, whatever the service's protocol calls it. */
static struct str error_code(const struct req *rq)
{
	if (rq->fault.kind == api_AccessDeniedException)
		return S("AccessDenied");
	return str_of(fault_wire(rq->fault.kind, rq->svc->protocol).code);
}

static void what(struct record *r, const struct req *rq)
{
	const struct op *op = rq->op;
	r->event_source = str_of(rq->svc->source);
	r->event_name = !op ? said_name(rq) : str_of(op->event ? op->event : op->name);
	r->region = rq->svc->global ? S("us-east-1") : str_sub(rq->region, 0, 64);
	r->service_event = rq->service_event;
	r->read_only = op && op->flags & OP_READ_ONLY;
	r->data_event = op && op->flags & OP_DATA;
	r->request_id = rq->id;
	r->time_ms = rq->now_ms > 0 ? rq->now_ms : 0;
	if (!rq->fault.kind)
		return;
	r->error_code = error_code(rq);
	/* An encoded refusal is for whoever got it, and the trail has all that it says. */
	struct str rest = rq->denial && rq->denial->encoded.n ? rq->denial->sentence : rq->fault.text;
	r->error_message = cut(str_cut(&rest, '\n')); /* what follows may quote the request, tokens included */
}

/* ---- parameters and response -------------------------------------------------------------- */

/*
 * S3's members appear under the names they travel by (x-amz-acl, list-type), but for the
 * bucket and the key ("CloudTrail log file entries for Amazon S3").
 */
static struct str s3_name(const struct member *m)
{
	if (m->where == W_LABEL)
		return str_eq(str_of(m->name), S("Bucket")) ? S("bucketName") : S("key");
	if (m->where == W_BODY || m->where == W_PAYLOAD)
		return str_eq(str_of(m->name), S("Policy")) ? S("bucketPolicy") : str_of(m->name);
	return str_of(m->wire);
}

static bool is_s3(const struct req *rq) { return rq->svc->protocol == PROTO_REST_XML; }

static void add_member(struct buf *b, size_t start, struct str name, struct str value)
{
	b->n--; /* the closing brace */
	if (b->n > start + 1)
		buf_byte(b, ',');
	json_string_put(b, name);
	buf_byte(b, ':');
	json_string_put(b, value);
	buf_byte(b, '}');
}

/* ?policy and the like are parameters too, without a value. */
static void s3_extras(struct buf *b, size_t start, const struct req *rq)
{
	struct str query = str_of(rq->op->uri);
	(void)str_cut(&query, '?');
	while (query.p && query.n) {
		struct str value = str_cut(&query, '&'), name = str_cut(&value, '=');
		if (!str_eq(name, S("x-id")))
			add_member(b, start, name, value.p ? value : S(""));
	}
	add_member(b, start, S("Host"), cut(rq->host));
}

static struct str object(struct req *rq, const struct shape *shape, const void *of, const struct decode *d,
			 bool request)
{
	struct buf b = buf_in(rq->mem);
	struct record_style style = { .limit = RECORD_OBJECT_MAX, .d = d, .rename = is_s3(rq) ? s3_name : NULL };
	if (!json_encode_record(&b, shape, of, &style))
		return S("{\"omitted\":true}");
	if (request && is_s3(rq))
		s3_extras(&b, 0, rq);
	struct str s = buf_str(&b);
	return s.n > 2 ? s : (struct str){ 0 };
}

/* Input that could not even be read is no parameter. */
static bool readable(const struct req *rq)
{
	return rq->op && rq->in && rq->fault.kind != api_SerializationException && rq->fault.kind != api_MalformedXML;
}

/* The path was read before anything was verified: it says which bucket a bad signature was for. */
static struct str path_parameters(struct req *rq)
{
	struct buf b = buf_in(rq->mem);
	buf_z(&b, "{}");
	for (size_t i = 0; i < rq->labels.n; i++)
		add_member(&b, 0, str_eq(rq->labels.v[i].name, S("Bucket")) ? S("bucketName") : S("key"),
			   cut(rq->labels.v[i].value));
	s3_extras(&b, 0, rq);
	return buf_str(&b);
}

static struct str parameters(struct req *rq)
{
	if (readable(rq))
		return object(rq, rq->op->in, rq->in, rq->decode, true);
	return rq->op && is_s3(rq) ? path_parameters(rq) : (struct str){ 0 };
}

/* ---- what it was about ------------------------------------------------------------------------ */

static const struct member *member_named(const struct shape *shape, struct str name)
{
	for (uint32_t i = 0; i < shape->n_members; i++)
		if (!strncmp(shape->members[i].name, name.p, name.n) && !shape->members[i].name[name.n])
			return &shape->members[i];
	return NULL;
}

/* Read-only calls have no responseElements; those that hand out credentials do, whatever they are called. */
static bool answers(const struct req *rq)
{
	if (rq->fault.kind || !rq->op || !rq->out)
		return false;
	return !(rq->op->flags & OP_READ_ONLY) || member_named(rq->op->out, S("Credentials"));
}

/* What the answer says, and what the service has the record say besides. */
static struct str response(struct req *rq)
{
	if (!answers(rq))
		return (struct str){ 0 };
	struct str said = object(rq, rq->op->out, rq->out, NULL, false), more = rq->record_answer;
	if (!said.n || !more.n)
		return said.n ? said : more;
	return arena_printf(rq->mem, "%.*s,%.*s", (int)said.n - 1, said.p, (int)more.n - 1, more.p + 1);
}

static struct str named_value(struct req *rq, struct str name)
{
	if (!readable(rq))
		return uri_find(&rq->labels, name);
	const struct member *m = member_named(rq->op->in, name);
	if (!m || m->shape->kind != K_STRING)
		return (struct str){ 0 };
	return *(const struct str *)(const void *)((const char *)rq->in + m->offset);
}

/* "key/{KeyId}" with the members put in; p == NULL when one is not given, or names no single thing. */
static struct str row_resource(struct req *rq)
{
	struct str rest = str_of(rq->op->resource), none = { 0 };
	struct buf b = buf_in(rq->mem);
	if (str_find_char(rest, '{') == SIZE_MAX)
		return none;
	while (rest.p) {
		buf_put(&b, str_cut(&rest, '{'));
		if (!rest.p)
			break;
		struct str value = named_value(rq, str_cut(&rest, '}'));
		if (!value.n || str_starts(value, S("alias/")))
			return none;
		if (str_starts(value, S("arn:")))
			return value;
		buf_put(&b, value);
	}
	struct str named = buf_str(&b);
	return str_starts(named, S("arn:")) ? named : req_arn(rq, "%.*s", PR(named));
}

static void put_arn(struct buf *b, struct str arn)
{
	arn = str_sub(arn, 0, ARN_KEPT);
	buf_varint(b, arn.n);
	buf_put(b, arn);
}

/* An object is named together with its bucket. */
static void put_bucket_of(struct buf *b, struct str arn)
{
	size_t slash = str_find_char(arn, '/');
	if (str_find(arn, S(":s3:::")) != SIZE_MAX && slash != SIZE_MAX)
		put_arn(b, str_sub(arn, 0, slash));
}

static struct str resources(struct req *rq)
{
	struct buf b = buf_in(rq->mem);
	for (size_t i = 0; i < rq->resources.n && i < RESOURCES_MAX; i++)
		put_arn(&b, rq->resources.v[i]);
	if (!rq->resources.n && rq->op) {
		struct str arn = row_resource(rq);
		if (arn.n) {
			put_arn(&b, arn);
			put_bucket_of(&b, arn);
		}
	}
	return buf_str(&b);
}

bool record_resource(const struct record *r, size_t *at, struct str *arn)
{
	struct rd in = rd_of(str_from(r->resources, *at));
	*arn = rd_bytes(&in, (size_t)rd_varint(&in));
	if (in.bad || !arn->n)
		return false;
	*at = r->resources.n - (size_t)(in.end - in.p);
	return true;
}

static struct str extra(struct req *rq)
{
	struct str own = rq->record_extra.n <= EXTRA_MAX ? rq->record_extra : S("");
	if (!is_s3(rq) || !rq->auth || rq->parent)
		return own;
	bool presigned = rq->auth->form == SIGV4_PRESIGNED, more = own.n > 2 && own.p[0] == '{';
	return arena_printf(rq->mem, "{\"SignatureVersion\":\"SigV4\",\"AuthenticationMethod\":\"%s\"%s%.*s",
			    presigned ? "QueryString" : "AuthHeader", more ? "," : "", more ? (int)own.n - 1 : 1,
			    more ? own.p + 1 : "}");
}

/* ---- whose log --------------------------------------------------------------------------------- */

static struct str owner_of(const struct req *rq)
{
	const struct accounts *all = rq->app->accounts;
	struct str account = rq->n_owners ? rq->owners[0] : rq->account;
	if (!proven(rq) && rq->caller.account.n && account_find(all, rq->caller.account))
		account = rq->caller.account; /* somebody tried this account's key: its owner should see it */
	if (account_find(all, account))
		return account;
	const struct account *first = account_at(all, 0);
	return first ? first->id : account;
}

/* The ids of accounts have one length: they are put in a row. */
static void put_owners(struct record *r, struct req *rq)
{
	r->owner = owner_of(rq);
	if (rq->n_owners < 2 || !str_eq(r->owner, rq->owners[0]))
		return;
	struct buf b = buf_in(rq->mem);
	for (unsigned i = 1; i < rq->n_owners; i++)
		if (account_find(rq->app->accounts, rq->owners[i]))
			buf_put(&b, rq->owners[i]);
	r->more_owners = buf_str(&b);
}

bool record_owner(const struct record *r, size_t i, struct str *account)
{
	*account = i ? str_sub(r->more_owners, (i - 1) * ACCOUNT_DIGITS, ACCOUNT_DIGITS) : r->owner;
	return account->n > 0;
}

static struct str shared_id(struct req *rq, const struct record *r)
{
	if (rq->shared_event_id.n == ID_BYTES)
		return rq->shared_event_id;
	if (!r->account.n || str_eq(r->account, r->owner) || !account_find(rq->app->accounts, r->account))
		return (struct str){ 0 };
	uint8_t *id = NEWS(rq->mem, uint8_t, ID_BYTES);
	world_random(rq->app->world, id, ID_BYTES);
	return str_make(id, ID_BYTES);
}

static struct str event_id(struct req *rq)
{
	if (rq->event_id.n == ID_BYTES)
		return rq->event_id;
	uint8_t *id = NEWS(rq->mem, uint8_t, ID_BYTES);
	world_random(rq->app->world, id, ID_BYTES);
	rq->event_id = str_make(id, ID_BYTES);
	return rq->event_id;
}

void record_event_id_for(struct req *rq, struct str account, char out[36])
{
	struct record r = { .event_id = event_id(rq), .recipient = account };
	put_owners(&r, rq);
	record_event_id(&r, out);
}

struct str record_make(struct req *rq)
{
	struct record r = { 0 };
	struct buf b = buf_in(rq->mem);
	r.event_id = event_id(rq);
	who(&r, rq);
	from_where(&r, rq);
	what(&r, rq);
	r.parameters = parameters(rq);
	r.response = response(rq);
	r.resources = resources(rq);
	r.extra = extra(rq);
	put_owners(&r, rq);
	r.shared_event_id = shared_id(rq, &r);
	record_pack(&b, &r);
	return buf_str(&b);
}
