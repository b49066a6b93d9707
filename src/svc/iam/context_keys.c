/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetContextKeysFor...Policy: the condition keys and variables policies name, each once,
 * in the order in which they name them. What a simulation of them wants to be told.
 */
#include "svc/iam/simulate.h"

static struct str_list keys_of(struct req *rq, const struct iam_sources *all, const struct iam_source *boundary)
{
	static const struct str none = { "", 0 };
	struct iam_key_names names = { 0 };
	for (size_t i = 0; i < all->n; i++)
		iam_key_names_add(rq, &names, all->v[i].policy);
	if (boundary && boundary->policy)
		iam_key_names_add(rq, &names, boundary->policy);
	return (struct str_list){ names.n ? names.v : &none, names.n };
}

struct status iam_get_context_keys_for_custom_policy(struct req *rq,
						     const struct iam_get_context_keys_for_custom_policy_in *in,
						     struct iam_get_context_keys_for_custom_policy_out *out)
{
	struct iam_sources all = { 0 };
	TRY(iam_sources_given(rq, "PolicyInputList", in->policy_input_list, POLICY_IDENTITY, &all));
	out->context_key_names = keys_of(rq, &all, NULL);
	return OK;
}

struct status iam_get_context_keys_for_principal_policy(struct req *rq,
							const struct iam_get_context_keys_for_principal_policy_in *in,
							struct iam_get_context_keys_for_principal_policy_out *out)
{
	struct iam_subject subject;
	TRY(iam_subject_get(rq, in->policy_source_arn, &subject));
	TRY(iam_sources_given(rq, "PolicyInputList", in->policy_input_list, POLICY_IDENTITY, &subject.policies));
	out->context_key_names = keys_of(rq, &subject.policies, &subject.boundary);
	return OK;
}
