/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS CLIs and botocores from before AWS_ENDPOINT_URL (Debian 12 has such) take the endpoint
 * as an option. But a profile with role_arn, or a web identity, makes them call STS on their
 * own, and that client knows no option: it would go to AWS, signed. What it does read is
 * AWS_DATA_PATH: the rules by which it finds STS. So a serving directory holds such rules,
 *
 *     DIR/aws/sts/2011-06-15/endpoint-rule-set-1.json
 *
 * which say: here, unless an endpoint is given. Newer ones read both and find the same.
 */
#ifndef CLI_OLD_SDK_H
#define CLI_OLD_SDK_H

#include "base/base.h"
#include "base/world.h"

struct str old_sdk_path(struct arena *mem, struct str dir); /* for AWS_DATA_PATH */
struct status old_sdk_write(struct world *w, struct arena *mem, struct str dir, struct str url);

#endif
