/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_TAGS_H
#define KMS_TAGS_H

#include "svc/kms/key.h"

struct str_map kms_tag_map(struct arena *mem, struct kms_tag_list tags);
/* TagException for tags that a key may not have. */
struct status kms_tags_check(struct req *rq, struct kms_tag_list tags);

#endif
