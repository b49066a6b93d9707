/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When users and roles last used which action of which service: an index over the audit
 * trail, and the reports made from it.
 *
 *     trail ── blocks not yet seen, when a report is asked for ──▶ index ──▶ report
 *
 * Requests do not write the index: whoever asks for a report brings it up to date first, by
 * the blocks the trail has grown by, a bounded piece at a time. So it is exact, costs nobody
 * else anything, and the whole trail is read once. A report whose job has not reached the
 * block the trail ended with when it began is in progress; each look at it does a piece more.
 *
 * It stands in a shard of its own ("iam/<account>/accessed"), so that reports do not make the
 * caches of the account's identities stale:
 *
 *     `l` principal's id, service, action    UsedRow: when and where last
 *     `w`                                    the first block not yet seen
 *     `j` job id                             JobRow
 */
#ifndef SVC_IAM_ACCESSED_H
#define SVC_IAM_ACCESSED_H

#include "svc/iam/source.h"

enum { IAM_JOB_DAYS = 7, IAM_TRACKED_DAYS = 400 };

struct status iam_accessed_shard(struct req *rq, struct shard **out);

/* ---- accessed_index.c ---- */

/* See a piece of what is new in the trail. *seen: the first block not yet seen. Parks; ends the request's snapshots. */
struct status iam_accessed_advance(struct req *rq, struct shard *shard, uint64_t *seen);

struct iam_use_of { /* somebody's last use of an action */
	size_t who;
	struct str service, action, region;
	int64_t when_ms;
};
struct iam_uses {
	struct iam_use_of *v;
	size_t n, cap;
};
/* The uses of the principal with that id since `from_ms`, added as those of `who`. */
struct status iam_accessed_uses(struct req *rq, struct txn *t, struct str id, size_t who, int64_t from_ms,
				struct iam_uses *to);

/* ---- accessed_job.c ---- */

/*
 * The job of that id, if this caller began it, brought on by a piece; row->completed is set once it is done.
 * NoSuchEntity.
 */
struct status iam_job_look(struct req *rq, struct str id, struct iam_job_row *row);

/* ---- accessed_report.c ---- */

struct iam_report {
	struct iam_entity_row *who; /* users and roles whose uses count */
	enum iam_kind *kinds;
	size_t n;
	struct iam_sources policies; /* those that say which services are there */
	struct iam_uses uses;        /* sorted by service and action */
};
/* Of a user, group, role or managed policy. InvalidInput, NoSuchEntity. Without `job` only whether there is such. */
struct status iam_report_make(struct req *rq, struct str arn, const struct iam_job_row *job, struct iam_report *out);

#endif
