/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetAccountSummary: how much the account has and may have of everything; and the account's
 * preferences that it shows. Counts come from the counters that quotas are kept by, so the
 * answer costs the same in a large account; only MFA devices and policies in use are
 * counted one by one.
 */
#include "api/accounts.h"
#include "base/str.h"
#include "svc/iam/account.h"
#include "svc/iam/sign_in.h"

enum { FIGURES_MAX = 40, VERSIONS_IN_USE_MAX = 10000 };

struct summary {
	struct iam_int_map_entry *v;
	size_t n;
};

static void figure(struct summary *s, const char *name, int64_t value)
{
	assert(s->n < FIGURES_MAX);
	s->v[s->n++] = (struct iam_int_map_entry){ str_of(name), value };
}

/* ---- counting ------------------------------------------------------------------------------- */

static struct status counters(struct req *rq, struct txn *t, struct summary *s)
{
	static const struct {
		const char *name;
		char what;
	} all[] = {
		{ "Users", IAM_USER }, { "Groups", IAM_GROUP },     { "Roles", IAM_ROLE },
		{ "Policies", 'p' },   { "InstanceProfiles", 'x' }, { "ServerCertificates", 'c' },
	};
	int64_t n, saml;
	for (size_t i = 0; i < COUNT(all); i++) {
		TRY(iam_counted(rq, t, all[i].what, &n));
		figure(s, all[i].name, n);
	}
	TRY(iam_counted(rq, t, 'o', &n));
	TRY(iam_counted(rq, t, 'f', &saml));
	figure(s, "Providers", n + saml);
	return OK;
}

/* The ARNs that an index knows: each is stepped over as a whole, however often it is used. */
static struct status arns_in(struct req *rq, struct txn *t, enum iam_use use, struct str_list *out)
{
	struct cursor c;
	char tag = (char)use;
	struct str *v = NULL;
	size_t n = 0, cap = 0;
	TRY(txn_range(t, &(struct range){ .prefix = str_make(&tag, 1), .keys_only = true }, &c));
	for (bool any = cursor_next(&c); any; any = cursor_next(&c)) {
		struct rd r = rd_of(c.key);
		(void)key_take_tag(&r);
		struct str arn = str_dup(rq->mem, key_take_str(&r, rq->mem));
		if (n == cap) {
			struct str *more = NEWS(rq->mem, struct str, cap = cap ? cap * 2 : 16);
			if (n)
				memcpy(more, v, n * sizeof *v);
			v = more;
		}
		v[n++] = arn;
		cursor_seek(&c, key_after_prefix(rq->mem, iam_use_prefix(rq->mem, use, arn)));
	}
	*out = (struct str_list){ v, n };
	return cursor_end(&c);
}

/* Of each policy that is attached or bounds somewhere, one version is in use: the default one. */
static struct status versions_in_use(struct req *rq, struct txn *t, int64_t *out)
{
	struct str_list a, b;
	size_t i = 0, k = 0;
	TRY(arns_in(rq, t, IAM_ATTACHED, &a));
	TRY(arns_in(rq, t, IAM_BOUNDARY, &b));
	for (*out = 0; i < a.n || k < b.n; ++*out) {
		int order = i == a.n ? 1 : k == b.n ? -1 : str_cmp(a.v[i], b.v[k]);
		i += order <= 0;
		k += order >= 0;
	}
	return OK;
}

/* ---- figures -------------------------------------------------------------------------------- */

static void quotas(struct summary *s)
{
	static const struct {
		const char *name;
		int value;
	} all[] = {
		{ "UsersQuota", IAM_USERS_MAX },
		{ "GroupsQuota", IAM_GROUPS_MAX },
		{ "RolesQuota", IAM_ROLES_MAX },
		{ "PoliciesQuota", IAM_POLICIES_MAX },
		{ "InstanceProfilesQuota", IAM_PROFILES_MAX },
		{ "ServerCertificatesQuota", IAM_CERTIFICATES_MAX },
		{ "UserPolicySizeQuota", IAM_USER_INLINE_MAX },
		{ "GroupPolicySizeQuota", IAM_GROUP_INLINE_MAX },
		{ "RolePolicySizeQuota", IAM_ROLE_INLINE_MAX },
		{ "PolicySizeQuota", IAM_MANAGED_MAX },
		{ "AssumeRolePolicySizeQuota", IAM_TRUST_MAX },
		{ "AccessKeysPerUserQuota", IAM_KEYS_MAX },
		{ "GroupsPerUserQuota", IAM_GROUPS_PER_USER_MAX },
		{ "AttachedPoliciesPerUserQuota", IAM_ATTACHED_MAX },
		{ "AttachedPoliciesPerGroupQuota", IAM_ATTACHED_MAX },
		{ "AttachedPoliciesPerRoleQuota", IAM_ATTACHED_MAX },
		{ "VersionsPerPolicyQuota", IAM_VERSIONS_MAX },
		{ "PolicyVersionsInUseQuota", VERSIONS_IN_USE_MAX },
		{ "SigningCertificatesPerUserQuota", 0 }, /* nothing takes them */
		{ "AccountSigningCertificatesPresent", 0 },
	};
	for (size_t i = 0; i < COUNT(all); i++)
		figure(s, all[i].name, all[i].value);
}

static struct status present(struct req *rq, struct txn *t, struct summary *s)
{
	struct iam_account_row account;
	struct iam_devices devices;
	struct iam_sign_in root;
	int64_t versions;
	TRY(iam_account_get(rq->mem, t, &account));
	TRY(iam_devices(rq, t, &devices));
	TRY(iam_sign_in(rq, t, &devices, NULL, &root));
	TRY(versions_in_use(rq, t, &versions));
	figure(s, "PolicyVersionsInUse", versions);
	figure(s, "MFADevices", devices.n);
	figure(s, "MFADevicesInUse", devices.in_use);
	figure(s, "AccountMFAEnabled", root.mfa);
	figure(s, "AccountPasswordPresent", root.password);
	figure(s, "AccountAccessKeysPresent", account_root_of(rq->app->accounts, rq->account).access_key_id.n > 0);
	figure(s, "GlobalEndpointTokenVersion",
	       account.token_version == IAM_GLOBAL_ENDPOINT_TOKEN_VERSION_V2_TOKEN ? 2 : 1);
	return OK;
}

struct status iam_get_account_summary(struct req *rq, const struct iam_get_account_summary_in *in,
				      struct iam_get_account_summary_out *out)
{
	struct txn *t;
	struct summary s = { .v = NEWS(rq->mem, struct iam_int_map_entry, FIGURES_MAX) };
	(void)in;
	TRY(iam_read(rq, &t));
	TRY(counters(rq, t, &s));
	TRY(present(rq, t, &s));
	quotas(&s);
	out->summary_map = (struct iam_int_map){ s.v, s.n };
	return OK;
}

/* Tokens of both versions are alike here, where every region is served: the choice is kept and shown. */
struct status iam_set_security_token_service_preferences(struct req *rq,
							 const struct iam_set_security_token_service_preferences_in *in,
							 struct iam_set_security_token_service_preferences_out *out)
{
	struct txn *t;
	struct iam_account_row row;
	(void)out;
	TRY(iam_write(rq, &t));
	TRY(iam_account_get(rq->mem, t, &row));
	row.token_version = in->global_endpoint_token_version;
	return iam_account_put(rq, t, &row);
}
