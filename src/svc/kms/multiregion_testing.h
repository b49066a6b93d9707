/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of multi-Region keys: calls in one region or another.
 */
#ifndef KMS_MULTIREGION_TESTING_H
#define KMS_MULTIREGION_TESTING_H

#include "svc/kms/testing.h"

#define HOME   "us-east-1"
#define ABROAD "eu-west-1"
#define THIRD  "ap-south-1"

static inline struct test_world *testing_in(struct test_world *w, const char *region)
{
	world_app(w)->region = str_of(region);
	return w;
}

/* A call by root in that region; afterwards the world is at home again. */
#define CALL_IN(w, region, op, ...)                                                   \
	({                                                                            \
		struct test_reply in_ = CALL(testing_in(w, region), op, __VA_ARGS__); \
		testing_in(w, HOME);                                                  \
		in_;                                                                  \
	})
#define AS_IN(w, who, region, op, ...)                                                   \
	({                                                                               \
		struct test_reply in_ = AS(testing_in(w, region), who, op, __VA_ARGS__); \
		testing_in(w, HOME);                                                     \
		in_;                                                                     \
	})

static inline struct str testing_primary(struct test_world *w, const char *more)
{
	struct test_reply r = CALL(w, "CreateKey", "{'MultiRegion':true%s}", more);
	EXPECT_DONE(r);
	return world_field(w, r, "KeyMetadata.KeyId");
}

static inline void testing_replicate(struct test_world *w, struct str id, const char *region)
{
	EXPECT_DONE(CALL(w, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'%s'}", PR(id), region));
}

static inline struct str testing_arn_in(struct test_world *w, const char *region, struct str id)
{
	return arena_printf(world_mem(w), "arn:aws:kms:%s:111122223333:key/%.*s", region, PR(id));
}

static inline struct str testing_about(struct test_world *w, const char *region, struct str id, const char *member)
{
	struct test_reply r = CALL_IN(w, region, "DescribeKey", "{'KeyId':'%.*s'}", PR(id));
	return r.code.n ? r.code
			: world_field(w, r, str_z(world_mem(w), arena_printf(world_mem(w), "KeyMetadata.%s", member)));
}

static inline struct str testing_seal_in(struct test_world *w, const char *region, struct str id)
{
	struct test_reply r =
	    CALL_IN(w, region, "Encrypt", "{'KeyId':'%.*s','Plaintext':'aGk=','EncryptionContext':{'a':'b'}}", PR(id));
	EXPECT_DONE(r);
	return world_field(w, r, "CiphertextBlob");
}

/* "aGk=", or the fault's code. */
static inline struct str testing_open_in(struct test_world *w, const char *region, struct str blob)
{
	struct test_reply r =
	    CALL_IN(w, region, "Decrypt", "{'CiphertextBlob':'%.*s','EncryptionContext':{'a':'b'}}", PR(blob));
	return r.code.n ? r.code : world_field(w, r, "Plaintext");
}

static inline size_t testing_rows_in(struct test_world *w, const char *region)
{
	size_t n = testing_rows(testing_in(w, region));
	testing_in(w, HOME);
	return n;
}

#endif
