/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workloads: programs on this machine that have a role, as a task of ECS or an instance of
 * EC2 has one. The operator says which (holdfast workload add); the program asks the
 * credentials endpoint (endpoint.h), and nothing long-lived lies in a file of its.
 *
 *     container   proves itself with a token, told once; ecs-tasks.amazonaws.com assumes the role
 *     instance    has a port of its own, and whoever reaches it is the program; ec2.amazonaws.com does
 *
 * The role must trust that service. Every session is got with sts:AssumeRole, authorized and
 * recorded like any other call. It is handed out until half an hour before it ends, and no
 * longer than nothing changed in the account's IAM: then a new one is asked for. So a role
 * that is gone, or trusts the service no more, gives none from the next request on.
 */
#ifndef SVC_STS_WORKLOAD_H
#define SVC_STS_WORKLOAD_H

#include "api/app.h"
#include "crypto/hash.h"
#include "sts_api.h"

enum {
	WORKLOAD_NAME_MAX = 64,
	WORKLOADS_MAX = 1000,
	WORKLOAD_INSTANCES_MAX = 32, /* each listens for itself */
	WORKLOAD_SESSION_S = 6 * 3600,
	WORKLOAD_REFRESH_S = 30 * 60,       /* what is handed out lasts at least this long */
	WORKLOAD_METADATA_TTL_MAX_S = 21600 /* of an instance's metadata token */
};

struct workload {
	struct str name, account, role_arn;
	struct str id; /* a task's or an instance's, new for each workload: the name of its sessions */
	enum sts_workload_form form;
	int port; /* instance */
	uint8_t token_hash[SHA256_SIZE];
};

struct workload_credentials {
	struct str access_key_id, secret_access_key, session_token;
	int64_t issued_ms, expires_ms;
};

/* At start, within a fiber: app->workloads. */
void workloads_open(struct app *app);
void workloads_close(struct app *app);

/*
 * What follows runs within a fiber and takes its strings' memory from `mem`.
 *
 * name: 1 to 64 of A-Z a-z 0-9 _ . -   E_INVALID: name, or not the ARN of a role of an account of this server.
 * E_NOT_FOUND: no such role. E_EXISTS: the name or the port is taken. E_FULL: too many. *token is told to a container.
 */
struct status workload_add(struct app *app, struct arena *mem, struct str name, struct str role_arn,
			   enum sts_workload_form form, int port, struct workload *out, struct str *token);
struct status workload_remove(struct app *app, struct arena *mem, struct str name); /* E_NOT_FOUND */
bool workload_named(struct app *app, struct arena *mem, struct str name, struct workload *out);
bool workload_at_port(struct app *app, struct arena *mem, int port, struct workload *out);
size_t workload_list(struct app *app, struct arena *mem, const struct workload **out); /* in order of names */

/* Is it the token that the container was told? Takes as long whether there is a workload (or NULL) or not. */
bool workload_token_is(const struct workload *w, struct str token);
/* An instance's metadata token: made of nothing but a key that this process made, so there is no list of them. */
struct str workload_metadata_token(struct app *app, struct arena *mem, const struct workload *w, int64_t ttl_s);
bool workload_metadata_token_is(struct app *app, struct arena *mem, const struct workload *w, struct str token);

/* E_NOT_FOUND: removed meanwhile. E_FAULT: the role cannot be assumed; *why says so (NULL allowed). */
struct status workload_credentials(struct app *app, struct arena *mem, const struct workload *w,
				   struct workload_credentials *out, struct str *why);

#endif
