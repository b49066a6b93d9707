/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AWS has: every service, its actions with their access levels, the types of
 * resources they take and the condition keys they know. From a public data set
 * (catalogue.txt, which names it), as constant tables: nothing is built at start, nothing is
 * allocated, any thread may read.
 *
 * Names are found in any case and given in AWS's own spelling. A number (`id`) is valid for one
 * build only: never store it.
 */
#ifndef POLICY_CATALOGUE_H
#define POLICY_CATALOGUE_H

#include "base/base.h"

struct str catalogue_version(void); /* of the data set */

/* ---- services ---- */

struct catalogue_service {
	uint32_t id;
	struct str prefix, title;    /* "s3", "Amazon S3" */
	bool rcp;                    /* resource control policies bind it */
	uint32_t actions, resources; /* how many */
	uint32_t action0, resource0; /* and the number of the first */
};
size_t catalogue_service_count(void);
struct catalogue_service catalogue_service_at(size_t id); /* in order of their prefixes */
bool catalogue_service_find(struct str prefix, struct catalogue_service *out);

/* ---- actions ---- */

enum catalogue_access {
	CATALOGUE_LIST,
	CATALOGUE_READ,
	CATALOGUE_WRITE,
	CATALOGUE_TAGGING,
	CATALOGUE_PERMISSIONS,
};
const char *catalogue_access_name(enum catalogue_access access); /* "Permissions management" */

struct catalogue_action {
	uint32_t id, service_id;
	struct str service, name; /* "s3", "GetObject" */
	enum catalogue_access access;
	uint32_t uses, keys; /* how many resource types and condition keys are listed for it */
};
size_t catalogue_action_count(void);
struct catalogue_action catalogue_action_at(size_t id); /* service by service, each in order of the names */
bool catalogue_action_find(struct str action, struct catalogue_action *out); /* "s3:GetObject" */

/* Every action a policy's pattern means ("s3:Get*", "*", "*:List*"), one after another. Start with {0}. */
struct catalogue_walk {
	bool started;
	uint32_t next, end;
};
bool catalogue_action_next(struct str pattern, struct catalogue_walk *it, struct catalogue_action *out);

/* ---- resource types ---- */

struct catalogue_resource {
	uint32_t id;
	struct str service, name; /* "s3", "bucket" */
	uint32_t arns, keys;
};
bool catalogue_resource_find(struct str service, struct str name, struct catalogue_resource *out);
size_t catalogue_resource_count(void);
struct catalogue_resource catalogue_resource_at(size_t id);
struct str catalogue_resource_arn(const struct catalogue_resource *r, size_t i); /* with ${...} where it varies */
/* Could this ARN, or pattern of a policy with its '*', '?' and ${...}, name a resource of the type? */
bool catalogue_resource_meets(const struct catalogue_resource *r, struct str arn);

/* A resource type an action takes. An action without any takes "*" alone. */
struct catalogue_use {
	struct catalogue_resource type;
	bool required;
};
struct catalogue_use catalogue_use_at(const struct catalogue_action *a, size_t i); /* i < a->uses */

/* ---- condition keys ---- */

enum catalogue_key_type {
	CATALOGUE_STRING,
	CATALOGUE_ARN,
	CATALOGUE_BOOL,
	CATALOGUE_NUMERIC,
	CATALOGUE_DATE,
	CATALOGUE_IP,
	CATALOGUE_BINARY,
};
const char *catalogue_key_type_name(enum catalogue_key_type type); /* "String" */

struct catalogue_key {
	uint32_t id;
	struct str name; /* "aws:RequestTag/${TagKey}" */
	enum catalogue_key_type type;
	bool multi;      /* has several values in one request */
	bool open;       /* a part of its name varies */
	bool everywhere; /* a key of every service */
};
/* Also "aws:RequestTag/team", and the placeholder itself. */
bool catalogue_key_find(struct str name, struct catalogue_key *out);
/* May a request for this action carry the key: of its own, of its resource types, or everywhere? */
bool catalogue_action_has_key(const struct catalogue_action *a, const struct catalogue_key *key);
/* The same, without those that are everywhere: is it listed for the action or a type it takes? */
bool catalogue_action_lists_key(const struct catalogue_action *a, const struct catalogue_key *key);
struct catalogue_key catalogue_action_key_at(const struct catalogue_action *a, size_t i); /* i < a->keys: its own */

/* ---- patterns ---- */

/* Is there a text that both patterns match? '*' and '?' as in policies, ${...} as '*'. */
bool catalogue_patterns_meet(struct str a, struct str b);

#endif
