/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy documents as IAM takes and gives them: checked when stored, measured without
 * white space ("IAM and STS quotas": white space does not count), percent-encoded when
 * given back.
 */
#include "base/codec.h"
#include "svc/iam/iam.h"

size_t iam_policy_size(struct str document)
{
	size_t n = 0;
	for (size_t i = 0; i < document.n; i++) {
		char c = document.p[i];
		bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
		bool inside = ((unsigned char)c & 0xc0) == 0x80; /* quotas count characters, not bytes */
		n += !space && !inside;
	}
	return n;
}

static struct status check(struct req *rq, struct str document, enum policy_kind kind, bool must_be_2012)
{
	struct policy *p;
	struct policy_error err = { 0 };
	if (failed(policy_compile(document, kind, &p, &err)))
		return FAIL(rq, iam_MalformedPolicyDocumentException, "%s", err.aws);
	bool old = must_be_2012 && !policy_is_2012(p);
	policy_unref(p);
	return old ? FAIL(rq, iam_MalformedPolicyDocumentException, "%s", POLICY_OLD_VERSION) : OK;
}

struct status iam_document_check(struct req *rq, struct str document, enum policy_kind kind)
{
	return check(rq, document, kind, false);
}

struct status iam_document_check_2012(struct req *rq, struct str document)
{
	return check(rq, document, POLICY_IDENTITY, true);
}

struct str iam_document_out(struct req *rq, struct str document) { return uri_encode(rq->mem, document, false); }
