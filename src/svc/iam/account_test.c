/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account's alias, its summary, its preferences.
 */
#include "svc/identities_testing.h"
#include "svc/mfa_testing.h"

#define READ_ONLY "arn:aws:iam::aws:policy/ReadOnlyAccess"

static struct test_reply alias(struct test_world *w, struct str account, const char *op, const char *name)
{
	return world_call(w, world_root_of(w, account), "iam", op, "{'AccountAlias':'%s'}", name);
}

static struct str alias_of(struct test_world *w, struct str account)
{
	return world_field(w, world_call(w, world_root_of(w, account), "iam", "ListAccountAliases", "{}"),
			   "AccountAliases");
}

static void an_account_has_one_alias(void)
{
	struct test_world *w = begin();
	EXPECT_STR(alias_of(w, WORLD_ACCOUNT), S("[]"));
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "first"));
	EXPECT_STR(alias_of(w, WORLD_ACCOUNT), S("[\"first\"]"));
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "second-1"));
	EXPECT_STR(alias_of(w, WORLD_ACCOUNT), S("[\"second-1\"]"));
	REFUSED(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "second-1"), 409, "EntityAlreadyExists",
		"The account alias second-1 already exists.");
	REFUSED(alias(w, WORLD_ACCOUNT, "DeleteAccountAlias", "first"), 404, "NoSuchEntity",
		"The account alias first cannot be found.");
	world_restart(w);
	EXPECT_STR(alias_of(w, WORLD_ACCOUNT), S("[\"second-1\"]"));
	WORKS(alias(w, WORLD_ACCOUNT, "DeleteAccountAlias", "second-1"));
	EXPECT_STR(alias_of(w, WORLD_ACCOUNT), S("[]"));
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "second-1")); /* one's own comes back at once */
	world_end(w);
}

static void no_two_accounts_have_the_same(void)
{
	struct test_world *w = begin();
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "shop"));
	REFUSED(alias(w, WORLD_OTHER, "CreateAccountAlias", "shop"), 409, "EntityAlreadyExists",
		"The account alias shop already exists.");
	world_later(w, INT64_C(1000) * 3600 * 24 * 400);
	FAILS(alias(w, WORLD_OTHER, "CreateAccountAlias", "shop"), "EntityAlreadyExists");
	REFUSED(alias(w, WORLD_OTHER, "DeleteAccountAlias", "shop"), 404, "NoSuchEntity",
		"The account alias shop cannot be found.");
	world_restart(w);
	FAILS(alias(w, WORLD_OTHER, "CreateAccountAlias", "shop"), "EntityAlreadyExists");
	WORKS(alias(w, WORLD_ACCOUNT, "DeleteAccountAlias", "shop"));
	WORKS(alias(w, WORLD_OTHER, "CreateAccountAlias", "shop"));
	FAILS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "shop"), "EntityAlreadyExists");
	EXPECT_STR(alias_of(w, WORLD_ACCOUNT), S("[]"));
	EXPECT_STR(alias_of(w, WORLD_OTHER), S("[\"shop\"]"));
	world_end(w);
}

/* It might be a reservation whose put is still under way. */
static void what_was_given_up_at_once_is_free_after_a_minute(void)
{
	struct test_world *w = begin();
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "shop"));
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "store"));
	FAILS(alias(w, WORLD_OTHER, "CreateAccountAlias", "shop"), "EntityAlreadyExists");
	world_later(w, 60 * 1000);
	WORKS(alias(w, WORLD_OTHER, "CreateAccountAlias", "shop"));
	world_end(w);
}

static void aliases_are_names_for_hosts(void)
{
	static const char *const bad[] = { "ab", "Shop", "-shop", "shop-", "sh--op", "sh.op", "sh_op", "" };
	struct test_world *w = begin();
	for (size_t i = 0; i < COUNT(bad); i++) {
		FAILS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", bad[i]), "ValidationError");
		FAILS(alias(w, WORLD_ACCOUNT, "DeleteAccountAlias", bad[i]), "ValidationError");
	}
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "123"));
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias",
		    "a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23"));
	FAILS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias",
		    "a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g234"),
	      "ValidationError");
	world_end(w);
}

/* ---- summary --------------------------------------------------------------------------------- */

static int64_t figure(struct test_world *w, const char *name)
{
	int64_t value = -1;
	struct buf path = buf_in(world_mem(w));
	buf_printf(&path, "SummaryMap.%s", name);
	struct test_reply r = IAM(w, "GetAccountSummary", "{}");
	EXPECT(r.status == 200);
	EXPECT(str_to_i64(world_field(w, r, str_z(world_mem(w), buf_str(&path))), &value));
	return value;
}

static void the_summary_has_every_key(void)
{
	static const struct {
		const char *name;
		int64_t value;
	} all[] = {
		{ "Users", 0 },
		{ "UsersQuota", 5000 },
		{ "Groups", 0 },
		{ "GroupsQuota", 300 },
		{ "ServerCertificates", 0 },
		{ "ServerCertificatesQuota", 20 },
		{ "UserPolicySizeQuota", 2048 },
		{ "GroupPolicySizeQuota", 5120 },
		{ "GroupsPerUserQuota", 10 },
		{ "SigningCertificatesPerUserQuota", 0 },
		{ "AccessKeysPerUserQuota", 2 },
		{ "MFADevices", 0 },
		{ "MFADevicesInUse", 0 },
		{ "AccountMFAEnabled", 0 },
		{ "AccountAccessKeysPresent", 1 },
		{ "AccountPasswordPresent", 0 },
		{ "AccountSigningCertificatesPresent", 0 },
		{ "AttachedPoliciesPerGroupQuota", 10 },
		{ "AttachedPoliciesPerRoleQuota", 10 },
		{ "AttachedPoliciesPerUserQuota", 10 },
		{ "Policies", 0 },
		{ "PoliciesQuota", 10000 },
		{ "PolicySizeQuota", 6144 },
		{ "PolicyVersionsInUse", 0 },
		{ "PolicyVersionsInUseQuota", 10000 },
		{ "VersionsPerPolicyQuota", 5 },
		{ "GlobalEndpointTokenVersion", 1 },
		{ "AssumeRolePolicySizeQuota", 2048 },
		{ "InstanceProfiles", 0 },
		{ "InstanceProfilesQuota", 1000 },
		{ "Providers", 0 },
		{ "RolePolicySizeQuota", 10240 },
		{ "Roles", 0 },
		{ "RolesQuota", 10000 },
	};
	struct test_world *w = begin();
	struct test_reply r = IAM(w, "GetAccountSummary", "{}");
	size_t n = 0;
	for (struct str rest = r.body; rest.p; n++)
		(void)str_cut(&rest, ',');
	EXPECT(n == COUNT(all));
	for (size_t i = 0; i < COUNT(all); i++) {
		if (figure(w, all[i].name) != all[i].value)
			printf("# %s\n", all[i].name);
		EXPECT(figure(w, all[i].name) == all[i].value);
	}
	world_end(w);
}

static void the_summary_counts(void)
{
	struct test_world *w = begin();
	for (int i = 0; i < 3; i++)
		WORKS(IAM(w, "CreateUser", "{'UserName':'u%d'}", i));
	for (int i = 0; i < 2; i++) {
		WORKS(IAM(w, "CreateGroup", "{'GroupName':'g%d'}", i));
		WORKS(IAM(w, "CreatePolicy", "{'PolicyName':'P%d','PolicyDocument':'" ALLOW_ALL "'}", i));
	}
	WORKS(IAM(w, "CreateRole", "{'RoleName':'r','AssumeRolePolicyDocument':'" TRUST("*") "'}"));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'u1'}"));
	EXPECT(figure(w, "Users") == 2 && figure(w, "Groups") == 2 && figure(w, "Policies") == 2);
	WORKS(IAM(w, "CreateInstanceProfile", "{'InstanceProfileName':'i'}"));
	EXPECT(figure(w, "Roles") == 1 && figure(w, "InstanceProfiles") == 1);

	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'u0','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g0','PolicyArn':'" READ_ONLY "'}"));
	WORKS(IAM(w, "AttachGroupPolicy", "{'GroupName':'g0','PolicyArn':'" POLICY_ARN("P0") "'}"));
	EXPECT(figure(w, "PolicyVersionsInUse") == 2);
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'u0','PermissionsBoundary':'" READ_ONLY "'}"));
	WORKS(IAM(w, "PutUserPermissionsBoundary", "{'UserName':'u2','PermissionsBoundary':'" POLICY_ARN("P1") "'}"));
	EXPECT(figure(w, "PolicyVersionsInUse") == 3);
	WORKS(IAM(w, "DetachGroupPolicy", "{'GroupName':'g0','PolicyArn':'" POLICY_ARN("P0") "'}"));
	EXPECT(figure(w, "PolicyVersionsInUse") == 2);
	world_end(w);
}

static void mfa_devices_are_counted(void)
{
	struct test_world *w = begin();
	(void)make_user(w, "ann");
	(void)enabled_device(w, "ann", "one");
	(void)enabled_device(w, "ann", "two");
	EXPECT(figure(w, "MFADevices") == 2 && figure(w, "MFADevicesInUse") == 2 &&
	       figure(w, "AccountMFAEnabled") == 0);
	(void)enabled_device(w, "", "root-account-mfa-device");
	EXPECT(figure(w, "MFADevices") == 3 && figure(w, "MFADevicesInUse") == 3 &&
	       figure(w, "AccountMFAEnabled") == 1);
	world_end(w);
}

static void the_token_version_is_kept(void)
{
	struct test_world *w = begin();
	FAILS(IAM(w, "SetSecurityTokenServicePreferences", "{'GlobalEndpointTokenVersion':'v3Token'}"),
	      "ValidationError");
	FAILS(IAM(w, "SetSecurityTokenServicePreferences", "{}"), "ValidationError");
	WORKS(alias(w, WORLD_ACCOUNT, "CreateAccountAlias", "shop"));
	WORKS(IAM(w, "SetSecurityTokenServicePreferences", "{'GlobalEndpointTokenVersion':'v2Token'}"));
	EXPECT(figure(w, "GlobalEndpointTokenVersion") == 2);
	EXPECT_STR(alias_of(w, WORLD_ACCOUNT), S("[\"shop\"]"));
	WORKS(alias(w, WORLD_ACCOUNT, "DeleteAccountAlias", "shop"));
	EXPECT(figure(w, "GlobalEndpointTokenVersion") == 2);
	WORKS(IAM(w, "SetSecurityTokenServicePreferences", "{'GlobalEndpointTokenVersion':'v1Token'}"));
	EXPECT(figure(w, "GlobalEndpointTokenVersion") == 1);
	world_end(w);
}

static void these_need_permission_like_all(void)
{
	static const char *const calls[] = { "ListAccountAliases", "GetAccountSummary",
					     "GetAccountAuthorizationDetails" };
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	struct caller ann = user_caller(w, "ann");
	for (size_t i = 0; i < COUNT(calls); i++)
		FAILS(AS(w, ann, "iam", calls[i], "{}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "CreateAccountAlias", "{'AccountAlias':'shop'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "DeleteAccountAlias", "{'AccountAlias':'shop'}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "SetSecurityTokenServicePreferences", "{'GlobalEndpointTokenVersion':'v2Token'}"),
	      "AccessDenied");
	REFUSED(AS(w, ann, "iam", "GetAccountSummary", "{}"), 403, "AccessDenied",
		"User: arn:aws:iam::111122223333:user/ann is not authorized to perform: iam:GetAccountSummary "
		"because no identity-based policy allows the iam:GetAccountSummary action");
	WORKS(IAM(w, "PutUserPolicy",
		  "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" DOCUMENT("Allow", "iam:GetAccountSummary",
										   "*") "'}"));
	WORKS(AS(w, ann, "iam", "GetAccountSummary", "{}"));
	world_end(w);
}

RUN_ALL(T(an_account_has_one_alias), T(no_two_accounts_have_the_same),
	T(what_was_given_up_at_once_is_free_after_a_minute), T(aliases_are_names_for_hosts),
	T(the_summary_has_every_key), T(the_summary_counts), T(mfa_devices_are_counted), T(the_token_version_is_kept),
	T(these_need_permission_like_all))
