/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a policy document: the first byte chooses its kind and who asks, the rest
 * is the text. What compiles is walked from end to end and asked; with and without a
 * trace the answer must be the same, and what it points at must lie inside the text.
 */
#include "policy/policy.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void walk(const struct policy *p)
{
	struct str name, text = policy_text(p);
	size_t it = 0;
	for (size_t i = 0; i < policy_statement_count(p); i++) {
		struct policy_statement s = policy_statement_at(p, i);
		assert(s.begin < s.end && s.end <= text.n && text.p[s.begin] == '{' && text.p[s.end - 1] == '}');
		for (size_t k = 0; k < s.principals; k++)
			assert(policy_principal_at(p, i, k).type != 0);
		for (size_t k = 0; k < s.actions; k++)
			assert(policy_action_at(p, i, k).n > 0);
		for (size_t k = 0; k < s.resources; k++)
			assert(policy_resource_at(p, i, k).n > 0);
		for (size_t k = 0; k < s.conditions; k++) {
			struct policy_condition_view c = policy_condition_at(p, i, k);
			for (size_t v = 0; v < c.values; v++)
				(void)policy_condition_value(p, i, k, v);
		}
	}
	while (policy_context_key_next(p, &it, &name))
		assert(name.n > 0);
	(void)policy_is_public(p, NULL);
}

static void step(void *arg, const struct policy_step *s) { *(size_t *)arg += s->matched; }

static void ask(const struct policy *p, struct policy_request rq)
{
	size_t matched = 0;
	struct policy_trace trace = { step, &matched };
	char room[64];
	switch (policy_kind_of(p)) {
	case POLICY_BOUNDARY:
		rq.boundary = p;
		break;
	case POLICY_ENDPOINT:
		rq.endpoint = p;
		break;
	case POLICY_RESOURCE:
	case POLICY_TRUST:
		rq.resource_policy = p;
		break;
	default:
		rq.identity = (struct policy_set){ &p, 1 };
	}
	struct policy_decision d = policy_decide(&rq);
	rq.trace = &trace;
	struct policy_decision t = policy_decide(&rq);
	assert(d.verdict == t.verdict && d.by == t.by && d.policy == t.policy &&
	       d.statement.index == t.statement.index);
	assert(d.policy == NULL || matched > 0);
	(void)policy_denial(&rq, &d, true, room, sizeof room);
}

static void ask_all(const struct policy *p, uint8_t who_byte)
{
	struct policy_principal who = {
		.kind = (enum policy_principal_kind)(who_byte % 7),
		.account = S("111122223333"),
		.arn = S("arn:aws:iam::111122223333:user/a"),
		.id = S("AIDAJQABLZS4A3QDU576Q"),
		.name = S("a"),
	};
	struct str tags[] = { S("a"), S(""), S("b") };
	struct policy_entry room[16];
	struct policy_context cx;
	policy_context_init(&cx, room, COUNT(room));
	policy_context_principal(&cx, &who);
	policy_context_put(&cx, POLICY_KEY_AWS_SOURCE_IP, S("10.0.0.1"));
	policy_context_put(&cx, POLICY_KEY_AWS_CURRENT_TIME, S("2026-01-01T00:00:00Z"));
	policy_context_put(&cx, POLICY_KEY_S3_MAX_KEYS, S("10"));
	policy_context_put(&cx, POLICY_KEY_AWS_SECURE_TRANSPORT, S("true"));
	policy_context_put_many(&cx, POLICY_KEY_AWS_TAG_KEYS, tags, COUNT(tags));
	struct policy_request rq = {
		.principal = &who, .context = &cx, .action = S("s3:GetObject"), .resource = S("arn:aws:s3:::b/a/k")
	};
	ask(p, rq);
	rq.action = S("sts:AssumeRole");
	rq.resource = S("*");
	rq.resource_account = S("444455556666");
	rq.mode = POLICY_ASSUME;
	ask(p, rq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct policy *p = NULL;
	struct policy_error err = { 0 };
	if (n == 0)
		return 0;
	enum policy_kind kind = (enum policy_kind)(1 + data[0] % (POLICY_KIND_COUNT - 1));
	struct status st = policy_compile(str_make(data + 1, n - 1), kind, &p, &err);
	if (failed(st)) {
		assert(p == NULL && err.fault != POLICY_FAULT_NONE && err.aws[0] != 0 && err.why[0] != 0 &&
		       err.line > 0);
		return 0;
	}
	walk(p);
	ask_all(p, data[0] / 8);
	policy_unref(p);
	return 0;
}
