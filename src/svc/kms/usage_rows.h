/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Last uses outside of memory: as rows beside their keys, and in the trail, from which those
 * are made that a crash kept from being written.
 *
 *     the key's shard    u <id>      KmsUsageRow
 *     kms/regions        S           when tracking began on this server
 *                        w <account> how far that account's trail is in the rows
 */
#ifndef KMS_USAGE_ROWS_H
#define KMS_USAGE_ROWS_H

#include "svc/kms/key.h"

enum { KMS_UUID = 36 };

/* 0: not a cryptographic operation that uses a key's material. */
enum kms_key_last_usage_tracking_operation kms_usage_operation(struct str name);

struct kms_usage_entry {
	struct str id;
	struct kms_usage_row row;
};
struct kms_usage_list { /* of one account and region */
	struct str account, region;
	struct kms_usage_entry *v;
	size_t n;
};
/* Writes them in one commit; keys that are gone are left out, rows that are newer stay. False: it failed, and is
 * logged. */
bool kms_usage_put(struct app *app, const struct kms_usage_list *list);

struct kms_trail_marks {
	struct kms_trail_mark {
		struct str account;
		uint64_t end;
	} * v;
	size_t n;
};
/* How far the trail of each account is now. */
struct kms_trail_marks kms_usage_marks(const struct app *app, struct arena *mem);
/* What is before the marks is in the rows. A failure is logged. */
void kms_usage_marks_put(struct app *app, const struct kms_trail_marks *marks);

/* Brings the rows up to the trail; on a server that begins to track, notes that it does. Returns when that was. */
int64_t kms_usage_recover(struct app *app);

#endif
