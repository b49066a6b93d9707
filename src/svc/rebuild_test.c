/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An input made up from an ARN, of every operation of every service: what the ARN does not say is
 * absent, bytes are there and none.
 */
#include "api/rebuild.h"

#include "base/str.h"
#include "base/test.h"
#include "kms_api.h"
#include "s3_api.h"
#include "svc/services.h"

static const void *made_up(struct arena *mem, const struct service *svc, const struct op *op, struct str arn)
{
	struct req *rq = NEW(mem, struct req);
	*rq = (struct req){ .mem = mem, .svc = svc, .op = op };
	rebuild_input_of_arn(rq, arn);
	return rq->in;
}

static void names_come_from_the_arn_and_bytes_are_none(void)
{
	struct arena *mem = arena_new();
	const struct s3_put_object_in *put =
	    made_up(mem, &s3_service, service_op(&s3_service, S("PutObject")), S("arn:aws:s3:::bucket/a/b"));
	EXPECT_STR(put->bucket, S("bucket"));
	EXPECT_STR(put->key, S("a/b"));
	const struct kms_decrypt_in *decrypt = made_up(mem, &kms_service, service_op(&kms_service, S("Decrypt")),
						       S("arn:aws:kms:us-east-1:111122223333:key/k"));
	EXPECT_STR(decrypt->key_id, S("k"));
	EXPECT(decrypt->ciphertext_blob.p && !decrypt->ciphertext_blob.n);
	arena_free(mem);
}

/* A streamed body has no place in the struct. Of everything else its first bytes tell whether it is there. */
static bool is_absent(const struct member *m, const void *in)
{
	static const char zeros[4];
	if (m->where == W_STREAM || m->shape->kind == K_BLOB)
		return true;
	return !memcmp((const char *)in + m->offset, zeros, m->shape->kind == K_BOOL ? 1 : sizeof zeros);
}

static void what_the_arn_does_not_say_is_absent(void)
{
	struct arena *mem = arena_new();
	for (const struct service *const *svc = services_all; *svc; svc++) {
		for (uint32_t i = 0; i < (*svc)->n_ops; i++) {
			const struct op *op = &(*svc)->ops[i];
			const void *in = made_up(mem, *svc, op, S("nothing"));
			for (uint32_t k = 0; k < op->in->n_members && op->resource && op->resource[0] != '{'; k++)
				EXPECT(is_absent(&op->in->members[k], in));
		}
	}
	arena_free(mem);
}

RUN_ALL(T(names_come_from_the_arn_and_bytes_are_none), T(what_the_arn_does_not_say_is_absent))
