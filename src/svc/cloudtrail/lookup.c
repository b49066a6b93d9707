/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LookupEvents: what happened in this account and region, newest first.
 *
 * It sees everything that was answered before it was asked. Events of global services are
 * in us-east-1. The token of the next page is sealed together with the query it belongs to:
 * it opens only for the same account, region, attribute and times.
 */
#include "api/accounts.h"
#include "api/trail.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"
#include "base/time.h"
#include "cloudtrail_api.h"

enum { DAYS_KEPT = 90, PAGE = 50, VALUE_MAX_CHARS = 2000, TOKEN_MAX = 1024 };

static const enum lookup_attribute attributes[] = {
	[CLOUDTRAIL_LOOKUP_ATTRIBUTE_KEY_EVENT_ID] = LOOKUP_EVENT_ID,
	[CLOUDTRAIL_LOOKUP_ATTRIBUTE_KEY_EVENT_NAME] = LOOKUP_EVENT_NAME,
	[CLOUDTRAIL_LOOKUP_ATTRIBUTE_KEY_READ_ONLY] = LOOKUP_READ_ONLY,
	[CLOUDTRAIL_LOOKUP_ATTRIBUTE_KEY_USERNAME] = LOOKUP_USERNAME,
	[CLOUDTRAIL_LOOKUP_ATTRIBUTE_KEY_RESOURCE_TYPE] = LOOKUP_RESOURCE_TYPE,
	[CLOUDTRAIL_LOOKUP_ATTRIBUTE_KEY_RESOURCE_NAME] = LOOKUP_RESOURCE_NAME,
	[CLOUDTRAIL_LOOKUP_ATTRIBUTE_KEY_EVENT_SOURCE] = LOOKUP_EVENT_SOURCE,
	[CLOUDTRAIL_LOOKUP_ATTRIBUTE_KEY_ACCESS_KEY_ID] = LOOKUP_ACCESS_KEY_ID,
};

/* ---- the query ---------------------------------------------------------------------- */

static bool insight_knows(enum lookup_attribute a)
{
	return a == LOOKUP_EVENT_ID || a == LOOKUP_EVENT_NAME || a == LOOKUP_EVENT_SOURCE;
}

static struct status read_attribute(struct req *rq, const struct cloudtrail_lookup_events_in *in, struct lookup *l)
{
	const struct cloudtrail_lookup_attribute *a = in->lookup_attributes.v;
	if (!in->lookup_attributes.n)
		return OK;
	if (in->lookup_attributes.n > 1)
		return FAIL(rq, cloudtrail_InvalidLookupAttributesException,
			    "The lookup attributes list can contain only one item.");
	l->attribute = attributes[a->attribute_key];
	l->value = a->attribute_value;
	if (!l->value.n || str_utf8_length(l->value) > VALUE_MAX_CHARS)
		return FAIL(rq, cloudtrail_InvalidLookupAttributesException,
			    "The value of a lookup attribute must have 1 to %d characters.", VALUE_MAX_CHARS);
	if (in->event_category && !insight_knows(l->attribute))
		return FAIL(rq, cloudtrail_InvalidLookupAttributesException,
			    "Insights events can be looked up by EventId, EventName and EventSource.");
	return OK;
}

/* Events carry whole seconds, and both ends are included. */
static int64_t second_of(int64_t ms) { return ms - (ms % SECOND_MS + SECOND_MS) % SECOND_MS; }

static struct status read_times(struct req *rq, const struct cloudtrail_lookup_events_in *in, struct lookup *l)
{
	int64_t oldest = second_of(rq->now_ms - (int64_t)DAYS_KEPT * DAY_MS);
	if (in->start_time.set && in->end_time.set && in->start_time.v > in->end_time.v)
		return FAIL(rq, cloudtrail_InvalidTimeRangeException, "The start time must not be after the end time.");
	l->from_ms = in->start_time.set && in->start_time.v > oldest ? second_of(in->start_time.v) : oldest;
	if (l->from_ms < 1)
		l->from_ms = 1;
	if (in->end_time.set && in->end_time.v < rq->now_ms)
		l->to_ms = in->end_time.v < SECOND_MS ? 1 : second_of(in->end_time.v) + SECOND_MS - 1;
	return OK;
}

/* ---- the token ------------------------------------------------------------------------ */

static void put(struct buf *b, struct str s)
{
	buf_varint(b, s.n);
	buf_put(b, s);
}

static struct str query_of(struct req *rq, const struct cloudtrail_lookup_events_in *in, const struct lookup *l)
{
	struct buf b = buf_in(rq->mem);
	buf_z(&b, "LookupEvents");
	put(&b, l->account);
	put(&b, l->region);
	put(&b, l->value);
	buf_byte(&b, (char)l->attribute);
	buf_be64(&b, in->start_time.set ? (uint64_t)in->start_time.v : UINT64_MAX);
	buf_be64(&b, in->end_time.set ? (uint64_t)in->end_time.v : UINT64_MAX);
	return buf_str(&b);
}

static struct status token_key(struct req *rq, const struct key_ref **out)
{
	return account_service_key(rq->app->accounts, rq->account, S("cloudtrail"), out);
}

static struct status token_make(struct req *rq, struct str query, const struct lookup *l, struct str *out)
{
	const struct key_ref *key;
	struct str sealed;
	struct buf b = buf_in(rq->mem);
	buf_be64(&b, l->block);
	buf_be32(&b, l->index);
	TRY(token_key(rq, &key));
	TRY(keyring_seal(rq->app->keyring, key, query, buf_str(&b), rq->mem, &sealed));
	*out = base64_encode(rq->mem, sealed);
	return OK;
}

static struct status token_read(struct req *rq, struct str query, struct str token, struct lookup *l)
{
	const struct key_ref *key;
	struct str sealed, plain;
	TRY(token_key(rq, &key));
	if (token.n > TOKEN_MAX || failed(base64_decode(rq->mem, token, &sealed)) ||
	    failed(keyring_unseal(rq->app->keyring, key, query, sealed, rq->mem, &plain)))
		return FAIL(rq, cloudtrail_InvalidNextTokenException,
			    "The token is not valid, or was returned for a request with other parameters.");
	struct rd r = rd_of(plain);
	l->block = rd_be64(&r);
	l->index = rd_be32(&r);
	return OK;
}

/* ---- the answer --------------------------------------------------------------------------- */

static struct cloudtrail_resource_list resources_of(struct arena *mem, const struct record *r)
{
	struct str arn;
	size_t n = 0, i = 0;
	for (size_t at = 0; record_resource(r, &at, &arn);)
		n++;
	struct cloudtrail_resource *v = NEWS(mem, struct cloudtrail_resource, n + 1);
	for (size_t at = 0; i < n && record_resource(r, &at, &arn);)
		v[i++] = (struct cloudtrail_resource){ record_resource_type(arn), record_resource_name(arn) };
	return (struct cloudtrail_resource_list){ v, n };
}

static struct str or_none(struct str s) { return s.n ? s : (struct str){ 0 }; }

static struct cloudtrail_event event_of(struct arena *mem, const struct record *r)
{
	char id[36];
	record_event_id(r, id);
	return (struct cloudtrail_event){
		.event_id = str_dup(mem, str_make(id, sizeof id)),
		.event_name = r->event_name,
		.read_only = r->read_only ? S("true") : S("false"),
		.access_key_id = or_none(r->access_key_id),
		.event_time = SET(second_of(r->time_ms)),
		.event_source = r->event_source,
		.username = or_none(record_username(r)),
		.resources = resources_of(mem, r),
		.cloud_trail_event = record_json(mem, r),
	};
}

struct status cloudtrail_lookup_events(struct req *rq, const struct cloudtrail_lookup_events_in *in,
				       struct cloudtrail_lookup_events_out *out)
{
	struct lookup l = {
		.account = rq->account,
		.region = rq->region,
		.max = in->max_results.set ? (size_t)in->max_results.v : PAGE,
		.block = LOOKUP_START_BLOCK,
		.index = LOOKUP_START_INDEX,
	};
	struct record *found;
	size_t n;
	bool more;
	TRY(read_attribute(rq, in, &l));
	TRY(read_times(rq, in, &l));
	struct str query = query_of(rq, in, &l);
	if (in->next_token.p)
		TRY(token_read(rq, query, in->next_token, &l));
	struct cloudtrail_event *events = NEWS(rq->mem, struct cloudtrail_event, l.max + 1);
	out->events = (struct cloudtrail_event_list){ events, 0 };
	if (in->event_category)
		return OK; /* no trail of ours computes insights, so there are none */
	TRY(trail_lookup(rq->app->trail, rq->mem, &l, &found, &n, &more));
	for (size_t i = 0; i < n; i++)
		events[i] = event_of(rq->mem, &found[i]);
	out->events.n = n;
	return more ? token_make(rq, query, &l, &out->next_token) : OK;
}
