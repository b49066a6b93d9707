/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What S3 does when the server starts: finish what a crash left between two commits.
 */
#ifndef S3_START_H
#define S3_START_H

#include "api/app.h"

/*
 * Buckets that were closed but not deleted are opened; indexes of deleted ones are shredded. What cannot be done is
 * logged and left. Within a fiber.
 */
void s3_finish_deletes(struct app *app);

/* A thread that removes blobs no row names, once, while requests are served already. */
struct s3_sweeper;
struct status s3_sweeper_start(struct app *app, struct s3_sweeper **out);
void s3_sweeper_stop(struct s3_sweeper *s); /* breaks it off; null is allowed */
void s3_sweeper_wait(struct s3_sweeper *s); /* until it is through */

#endif
