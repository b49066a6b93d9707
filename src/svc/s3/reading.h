/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is reading which multipart object, so that its parts stay until the reader is done,
 * and the work S3 does at the server's start and end.
 *
 *     reader   hold(upload) ── look at the row again: still this upload? ── read ── release
 *     writer   commit ── held? ── no: delete the parts
 *                              └─ yes: leave them to the last release
 *
 * A reader that saw the row after it held it is seen by every writer that commits later, so
 * no part is deleted under it.
 */
#ifndef S3_READING_H
#define S3_READING_H

#include "api/app.h"

struct s3_state;
struct s3_lane;

void s3_reading_hold(struct s3_state *s, struct str upload);
void s3_reading_release(struct app *app, struct str upload);
/* True: somebody reads these; they are deleted when the last one is done. s may be NULL: then nobody does. */
bool s3_reading_leave_to_reader(struct s3_state *s, struct str upload, const struct blob_id *blobs, size_t n);

struct s3_lane *s3_lane(struct s3_state *s); /* digest.h; NULL: none */

/* app->s3; finishes what a crash left. Within a fiber. */
struct status s3_open(struct app *app);
void s3_close(struct app *app);

#endif
