/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_DATA_KEY_H
#define KMS_DATA_KEY_H

#include "svc/kms/key.h"

/* May data keys and pairs be made under that key now? A symmetric encryption key alone can. */
struct status kms_data_key_check(struct req *rq, const struct kms_key *key);

#endif
