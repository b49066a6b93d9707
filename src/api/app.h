/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running server: everything that lives as long as the process, in one struct that
 * is handed around instead of globals. Made by cli/ (or by a test's world), immutable
 * afterwards but for what its parts guard themselves.
 */
#ifndef API_APP_H
#define API_APP_H

#include "api/op.h"
#include "base/world.h"
#include "crypto/keyring.h"
#include "store/blob.h"
#include "store/store.h"

struct accounts;
struct caches;
struct iam_reports;
struct iam_hashing;
struct iam_used;
struct kms_links;
struct issuer_keys;
struct kms_duty;
struct kms_usage;
struct identity_provider;
struct patterns;
struct router;
struct s3_state;
struct sigv4_caches;
struct trail;
struct turns;
struct workloads;

struct app {
	struct world *world;
	struct keyring *keyring;
	struct store *store;
	struct blobs *blobs;
	struct trail *trail;
	struct accounts *accounts;         /* api/accounts.h */
	struct caches *caches;             /* api/cache.h */
	struct router *router;             /* api/route.h */
	struct patterns *patterns;         /* wire/constraint.h */
	struct turns *turns;               /* base/turns.h: work in several transactions, one at a time */
	struct sigv4_caches *signing_keys; /* api/authenticate.h */
	const struct identity_provider *identity;
	struct iam_used *iam_used;       /* svc/iam/used.h: when keys and roles were last used; NULL: not kept */
	struct iam_reports *iam_reports; /* svc/iam/credential_report.h: what is being made */
	struct s3_state *s3;             /* svc/s3/reading.h: who reads what; NULL: nobody keeps count */
	struct iam_hashing *iam_hashing; /* svc/iam/hashing.h: threads that hash passwords; NULL: the caller's own */
	struct kms_duty *kms_duty;       /* svc/kms/duty.h: the thread that sees to dates; NULL: none runs */
	struct kms_usage *kms_usage;     /* svc/kms/usage.h: when keys were last used; NULL: not kept */
	struct kms_links *key_stores;    /* svc/kms/key_store_link.h: connections to tokens */
	struct workloads *workloads;     /* svc/sts/workload.h: programs with roles; NULL: not kept */
	struct issuer_keys *issuer_keys; /* svc/sts/issuer_keys.h: of OpenID Connect providers; NULL: none is asked */
	const struct service *const *services; /* null-terminated */
	struct str partition;                  /* "aws" */
	struct str region;                     /* where requests without a scope belong: "us-east-1" */
	struct str domain;       /* virtual hosts are <bucket>.<domain> or <bucket>.s3.<region>.<domain>; empty: none */
	bool federation_private; /* identity providers may stand on private addresses, with ports of their own */
};

static inline int64_t app_now_ms(const struct app *app) { return world_now_ms(app->world); }
static inline int64_t app_now_s(const struct app *app) { return world_now_ms(app->world) / 1000; }

const struct service *app_service(const struct app *app, struct str name); /* NULL: not built */

#endif
