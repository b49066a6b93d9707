/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nouns with files of their own need to say what must be allowed (authorize.c).
 */
#ifndef SVC_IAM_AUTHORIZE_H
#define SVC_IAM_AUTHORIZE_H

#include "api/authz.h"
#include "svc/iam/iam.h"

/* A member of the input, whatever the operation; p == NULL when it has none of that name, or none was given. */
struct str iam_input(struct req *rq, const void *in, const char *name);

/*
 * The operation's action on `arn`, which has `tags` now. What is created with tags needs the tagging action too.
 */
void iam_authorize_on(struct authz *az, const void *in, struct str arn, struct iam_tag_list tags, const char *tagging);
/* Where the ARN says more than the name that was asked with: a refusal names it by `told`. Nothing is created. */
void iam_authorize_named(struct authz *az, const void *in, struct str arn, struct str told, struct iam_tag_list tags);
struct str iam_told(struct req *rq, const char *kind, struct str name); /* "user ann" */

#endif
