/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tags, policies and source identity, checked ("Pass session tags in AWS STS",
 * "Monitor and control actions taken with assumed roles").
 */
#include "svc/sts/session.h"

#include "api/cache.h"
#include "api/faults.h"
#include "base/str.h"

/* ---- tags -------------------------------------------------------------------------- */

static bool has_key(const struct str_entry *v, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_ci(v[i].key, key))
			return true;
	return false;
}

struct str_map sts_tags_of(struct arena *mem, struct sts_tag_list tags)
{
	struct str_entry *v = NEWS(mem, struct str_entry, tags.n + 1);
	for (size_t i = 0; i < tags.n; i++)
		v[i] = (struct str_entry){ tags.v[i].key, tags.v[i].value };
	return (struct str_map){ v, tags.n };
}

struct status sts_tags_check(struct req *rq, struct str_map tags)
{
	for (size_t i = 0; i < tags.n; i++) {
		if (str_starts_ci(tags.v[i].key, S("aws:")))
			return FAIL(rq, api_ValidationException,
				    "Tag keys beginning with aws: are reserved for system use.");
		if (has_key(tags.v, i, tags.v[i].key))
			return FAIL(rq, api_ValidationException,
				    "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
	}
	return OK;
}

static bool listed(struct str_list list, struct str key)
{
	for (size_t i = 0; i < list.n; i++)
		if (str_eq_ci(list.v[i], key))
			return true;
	return false;
}

/* Inherited tags cannot be changed: a key of theirs may not be passed again, transitive or not. */
static struct status join_tags(struct req *rq, struct str_map passed, struct sts_session *s)
{
	const struct caller *who = &rq->caller;
	struct str_entry *v = NEWS(rq->mem, struct str_entry, passed.n + who->session_tags.n + 1);
	size_t n = passed.n;
	if (n)
		memcpy(v, passed.v, n * sizeof *v);
	for (size_t i = 0; i < who->session_tags.n; i++) {
		struct str key = who->session_tags.v[i].key;
		if (!listed(who->transitive, key))
			continue;
		if (has_key(passed.v, passed.n, key))
			return FAIL(rq, api_ValidationException,
				    "One of the specified transitive tag keys can't be set because it conflicts "
				    "with a transitive tag key from the calling session.");
		v[n++] = who->session_tags.v[i];
	}
	if (n > STS_TAGS_MAX)
		return FAIL(rq, api_ValidationException, "A session cannot have more than %d tags.", STS_TAGS_MAX);
	s->tags = (struct str_map){ v, n };
	return OK;
}

static struct status join_transitive(struct req *rq, const struct sts_session_in *in, struct sts_session *s)
{
	const struct str_list before = rq->caller.transitive, given = in->transitive_tag_keys;
	struct str *v = NEWS(rq->mem, struct str, before.n + given.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < given.n; i++) {
		if (!has_key(in->tags.v, in->tags.n, given.v[i]))
			return FAIL(rq, api_ValidationException,
				    "The specified transitive tag key must be included in the requested tags.");
		if (!listed((struct str_list){ v, n }, given.v[i]))
			v[n++] = given.v[i];
	}
	for (size_t i = 0; i < before.n; i++)
		v[n++] = before.v[i];
	s->transitive = (struct str_list){ v, n };
	return OK;
}

/* ---- source identity ------------------------------------------------------------------- */

static struct status join_identity(struct req *rq, struct str given, struct sts_session *s)
{
	struct str before = rq->caller.source_identity;
	if (given.p && str_starts_ci(given, S("aws:")))
		return FAIL(rq, api_ValidationException, "SourceIdentity cannot begin with aws:");
	if (given.p && before.n && !str_eq(given, before))
		return FAIL(rq, api_ValidationException,
			    "SourceIdentity cannot be changed once it is set for a session.");
	s->source_identity = before.n ? before : given;
	return OK;
}

/* ---- policies ------------------------------------------------------------------------------ */

static struct status check_arn(struct req *rq, struct str arn, struct str account)
{
	struct arn parts;
	const struct policy *policy;
	bool fits = arn.p && !failed(arn_parse(arn, &parts)) && str_eq(parts.service, S("iam")) &&
		    (str_eq(parts.account, account) || str_eq(parts.account, S("aws")));
	struct status st = fits ? rq->app->identity->managed_policy(rq, arn, &policy) : ERR(E_NOT_FOUND);
	if (st.code == E_NOT_FOUND)
		return FAIL(rq, api_ValidationException, "Policy %.*s does not exist or is not attachable.", PR(arn));
	return st;
}

static struct status check_policies(struct req *rq, const struct sts_session_in *in, struct str account,
				    struct sts_session *s)
{
	const struct policy *compiled;
	size_t text = str_utf8_length(in->policy);
	struct str *v = NEWS(rq->mem, struct str, in->policy_arns.n + 1);
	if (in->policy_arns.n > STS_POLICY_ARNS_MAX)
		return FAIL(rq, api_ValidationException,
			    "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: "
			    "Member must have length less than or equal to %d",
			    STS_POLICY_ARNS_MAX);
	for (size_t i = 0; i < in->policy_arns.n; i++) {
		v[i] = in->policy_arns.v[i].arn;
		text += v[i].n;
		TRY(check_arn(rq, v[i], account));
	}
	if (text > STS_POLICY_TEXT_MAX)
		return FAIL(rq, api_ValidationException,
			    "The text of session policies and their ARNs cannot exceed %d characters.",
			    STS_POLICY_TEXT_MAX);
	if (in->policy.p && failed(cached_policy(rq, POLICY_SESSION, in->policy, &compiled))) {
		struct policy *never;
		struct policy_error err = { 0 };
		if (!failed(policy_compile(in->policy, POLICY_SESSION, &never, &err)))
			policy_unref(never);
		return FAIL(rq, sts_MalformedPolicyDocumentException, "%s", err.aws);
	}
	s->policy = in->policy;
	s->policy_arns = (struct str_list){ v, in->policy_arns.n };
	return OK;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static size_t packed_size(const struct sts_session *s)
{
	size_t n = s->policy.n;
	for (size_t i = 0; i < s->policy_arns.n; i++)
		n += s->policy_arns.v[i].n;
	for (size_t i = 0; i < s->tags.n; i++)
		n += s->tags.v[i].key.n + s->tags.v[i].value.n;
	return n;
}

struct status sts_session_make(struct req *rq, const struct sts_session_in *in, struct str account,
			       struct sts_session *out)
{
	struct sts_session s = { 0 };
	TRY(sts_tags_check(rq, in->tags));
	TRY(join_tags(rq, in->tags, &s));
	TRY(join_transitive(rq, in, &s));
	TRY(join_identity(rq, in->source_identity, &s));
	TRY(check_policies(rq, in, account, &s));
	size_t size = packed_size(&s);
	int64_t percent = (int64_t)((size * 100 + STS_PACKED_MAX - 1) / STS_PACKED_MAX);
	if (percent > 100)
		return FAIL(rq, sts_PackedPolicyTooLargeException,
			    "Packed policy consumes %lld%% of allotted space, please use smaller policy.",
			    (long long)percent);
	if (size)
		s.packed_percent = (struct opt_int)SET(percent);
	*out = s;
	return OK;
}
