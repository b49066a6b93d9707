/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call as the trail remembers it, and as CloudTrail shows it.
 *
 * record_make runs once a call, on the request path: compact bytes, parameters already
 * redacted by the model. record_json renders CloudTrail's event ("CloudTrail record
 * contents for management, data, and network activity events") when somebody reads.
 *
 * A call that crosses accounts is one record in several logs: the caller's and the owner's, or
 * the owners' (ReEncrypt from one account's key to another's). Each sees it with its own
 * eventID and recipientAccountId and the same sharedEventID, and an owner sees of a foreign
 * caller only whose it is. So a parsed record is always seen from one account: record_seen_by.
 */
#ifndef API_RECORD_H
#define API_RECORD_H

#include "api/req.h"

enum {
	RECORD_TEXT_MAX = 1024,         /* userAgent, errorMessage and every other text: cut here */
	RECORD_OBJECT_MAX = 100 * 1024, /* requestParameters, responseElements: left out when longer */
	RECORD_MAX = 512 * 1024,        /* no record is longer */
	RECORD_OWNERS_MAX = REQ_OWNERS_MAX,
};

/* What a reader filters by, and what rendering needs. Views of the packed bytes. */
struct record {
	struct str event_id; /* 16 bytes; record_event_id has the text */
	int64_t time_ms;
	struct str region, event_name, event_source;
	struct str request_id, source_ip, user_agent;
	struct str error_code, error_message;
	uint8_t caller_kind; /* enum caller_kind */
	struct str account;  /* the caller's; empty: nobody's */
	struct str principal_id, principal_arn, access_key_id, user_name;
	struct str role_arn, role_id, role_name, invoked_by, source_identity;
	struct str provider; /* identity provider, of who came by one and of his role session */
	int64_t session_ms;  /* when the temporary credentials were issued; 0: none */
	bool mfa, read_only, data_event, secure;
	bool refused_identity;           /* signed with an access key, but it did not prove anything */
	bool from_inside;                /* one service of ours asked another */
	bool service_event;              /* no call: done by the service itself */
	struct str parameters, response; /* JSON text, redacted; empty: null */
	struct str resources;            /* ARNs, packed: record_resource */
	struct str extra;                /* additionalEventData JSON or empty */
	struct str host, tls_version, tls_cipher;
	struct str shared_event_id; /* 16 bytes, or empty */
	struct str owner;           /* the account whose data it was about */
	struct str more_owners;     /* and others, their ids in a row */
	struct str recipient;       /* who looks: owner, unless record_seen_by said otherwise */
};

/* What this request's record will be called in the log of `account`, before it is made: for whoever notes it. */
void record_event_id_for(struct req *rq, struct str account, char out[36]);
/* The bytes of this request's record, in rq->mem. */
struct str record_make(struct req *rq);
/* E_INVALID for anything record_make did not write. Never reads past the bytes. */
struct status record_parse(struct str bytes, struct record *out);
void record_pack(struct buf *out, const struct record *r);

/* From here on as `account` sees it: the string must live as long as r. */
void record_seen_by(struct record *r, struct str account);
/* The i-th account whose data it was about; false: there are fewer. */
bool record_owner(const struct record *r, size_t i, struct str *account);
/* The next ARN in r->resources. Start with *at = 0; false at the end. */
bool record_resource(const struct record *r, size_t *at, struct str *arn);

/* CloudTrailEvent: the whole event as JSON text. */
struct str record_json(struct arena *mem, const struct record *r);
void record_event_id(const struct record *r, char out[36]);
/* The Username that LookupEvents shows and filters by; empty: none. */
struct str record_username(const struct record *r);

/* CloudFormation's type of what an ARN names ("AWS::KMS::Key"); p == NULL: not known. */
struct str record_resource_type(struct str arn);
/* What LookupEvents calls it: the bare name for S3 and IAM, the ARN for others. */
struct str record_resource_name(struct str arn);

#endif
