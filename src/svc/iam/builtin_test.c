/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS managed policies: found by ARN, well-formed, and saying what their names promise.
 */
#include "svc/iam/service_linked.h"
#include "svc/identities_testing.h"

static struct str arn_of(struct arena *mem, const struct iam_builtin *b)
{
	return arena_printf(mem, "arn:aws:iam::aws:policy%s%s", b->path, b->name);
}

static void every_policy_is_found_and_compiles(void)
{
	struct arena *mem = arena_new();
	const struct iam_builtin *b;
	size_t n = 0;
	for (; (b = iam_builtin_at(n)); n++) {
		const struct policy_error none = { 0 };
		struct policy_error err = none;
		struct policy *p;
		EXPECT(iam_builtin_find(arn_of(mem, b)) == b);
		EXPECT(!n || strcmp(iam_builtin_at(n - 1)->name, b->name) < 0);
		EXPECT(strlen(b->id) == 21 && str_starts(str_of(b->id), S("ANPA")) && *b->description);
		if (failed(policy_compile(str_of(b->document), POLICY_IDENTITY, &p, &err)))
			printf("# %s: %s\n", b->name, err.aws);
		EXPECT(!err.aws[0] && policy_is_2012(p));
		policy_unref(p);
		for (size_t i = 0; i < n; i++)
			EXPECT(strcmp(iam_builtin_at(i)->id, b->id) != 0);
	}
	EXPECT(n > 60);
	arena_free(mem);
}

static void other_arns_are_nobodys(void)
{
	static const char *const none[] = {
		"arn:aws:iam::aws:policy/None",
		"arn:aws:iam::aws:policy/",
		"arn:aws:iam::aws:policy",
		"arn:aws:iam::aws:policy/job-function/AdministratorAccess",
		"arn:aws:iam::aws:policy/ViewOnlyAccess",
		"arn:aws:iam::aws:policyAdministratorAccess",
		"arn:aws:iam::111122223333:policy/AdministratorAccess",
		"arn:aws:iam::aws:policy/administratoraccess",
	};
	for (size_t i = 0; i < COUNT(none); i++)
		EXPECT(!iam_builtin_find(str_of(none[i])));
	EXPECT(iam_builtin_find(S("arn:aws:iam::aws:policy/job-function/ViewOnlyAccess")));
	EXPECT(iam_builtin_find(S("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")));
}

static void every_service_linked_role_has_its_policy(void)
{
	struct arena *mem = arena_new();
	const struct iam_linked *l;
	for (size_t i = 0; (l = iam_linked_at(i)); i++) {
		const struct iam_builtin *b =
		    iam_builtin_find(arena_printf(mem, "arn:aws:iam::aws:policy/aws-service-role/%s", l->policy));
		if (!b)
			printf("# %s\n", l->policy);
		EXPECT(b && iam_builtin_linked(b));
		EXPECT(!i || strcmp(iam_linked_at(i - 1)->service, l->service) < 0);
		EXPECT(str_starts(str_of(l->role), S("AWSServiceRoleFor")) && strlen(l->role) <= 64);
	}
	arena_free(mem);
}

/* ---- what they allow ------------------------------------------------------------------------------ */

static bool allows(const char *name, const char *action, const char *resource, const char *key, const char *value)
{
	struct arena *mem = arena_new();
	const struct iam_builtin *b = NULL;
	for (size_t i = 0; (b = iam_builtin_at(i)) && strcmp(b->name, name);)
		i++;
	EXPECT(b);
	struct policy *p;
	struct policy_error err;
	EXPECT_OK(policy_compile(str_of(b->document), POLICY_IDENTITY, &p, &err));
	const struct policy *all[] = { p };
	struct policy_entry room[16];
	struct policy_context cx;
	struct policy_principal who = { .kind = POLICY_USER,
					.account = WORLD_ACCOUNT,
					.arn = S("arn:aws:iam::111122223333:user/ann"),
					.id = S("AIDA"),
					.name = S("ann") };
	policy_context_init(&cx, room, COUNT(room));
	policy_context_principal(&cx, &who);
	if (key) {
		struct str *v = NEW(mem, struct str);
		*v = str_of(value);
		policy_context_put_named(&cx, str_of(key), v, 1, false);
	}
	struct policy_request ask = {
		.principal = &who,
		.action = str_of(action),
		.resource = str_of(resource),
		.resource_account = WORLD_ACCOUNT,
		.context = &cx,
		.identity = { all, 1 },
	};
	bool yes = policy_decide(&ask).verdict == POLICY_ALLOW;
	policy_unref(p);
	arena_free(mem);
	return yes;
}

static void policies_allow_what_their_names_say(void)
{
	static const struct {
		const char *policy, *action, *resource, *key, *value;
		bool yes;
	} cases[] = {
		{ "AdministratorAccess", "iam:CreateUser", "*", NULL, NULL, true },
		{ "PowerUserAccess", "s3:DeleteBucket", "*", NULL, NULL, true },
		{ "PowerUserAccess", "iam:CreateUser", "*", NULL, NULL, false },
		{ "PowerUserAccess", "iam:CreateServiceLinkedRole", "*", NULL, NULL, true },
		{ "ReadOnlyAccess", "s3:GetObject", "*", NULL, NULL, true },
		{ "ReadOnlyAccess", "s3:PutObject", "*", NULL, NULL, false },
		{ "ReadOnlyAccess", "kms:Decrypt", "*", NULL, NULL, false },
		{ "ReadOnlyAccess", "secretsmanager:GetSecretValue", "*", NULL, NULL, false },
		{ "SecurityAudit", "iam:GetRole", "*", NULL, NULL, true },
		{ "SecurityAudit", "s3:GetBucketPolicy", "*", NULL, NULL, true },
		{ "SecurityAudit", "s3:GetObject", "*", NULL, NULL, false },
		{ "SecurityAudit", "dynamodb:GetItem", "*", NULL, NULL, false },
		{ "SecurityAudit", "ssm:GetParameter", "*", NULL, NULL, false },
		{ "ViewOnlyAccess", "s3:ListAllMyBuckets", "*", NULL, NULL, true },
		{ "ViewOnlyAccess", "s3:GetObject", "*", NULL, NULL, false },
		{ "ViewOnlyAccess", "dynamodb:Scan", "*", NULL, NULL, false },
		{ "Billing", "budgets:ViewBudget", "*", NULL, NULL, true },
		{ "Billing", "ec2:RunInstances", "*", NULL, NULL, false },
		{ "DatabaseAdministrator", "rds:DeleteDBInstance", "*", NULL, NULL, true },
		{ "DatabaseAdministrator", "iam:PassRole", "arn:aws:iam::111122223333:role/rds-monitoring-role", NULL,
		  NULL, true },
		{ "DatabaseAdministrator", "iam:PassRole", "arn:aws:iam::111122223333:role/admin", NULL, NULL, false },
		{ "DataScientist", "s3:GetObject", "*", NULL, NULL, true },
		{ "DataScientist", "iam:CreateUser", "*", NULL, NULL, false },
		{ "NetworkAdministrator", "ec2:CreateVpc", "*", NULL, NULL, true },
		{ "NetworkAdministrator", "s3:GetObject", "*", NULL, NULL, false },
		{ "SupportUser", "support:CreateCase", "*", NULL, NULL, true },
		{ "SupportUser", "s3:GetObject", "*", NULL, NULL, false },
		{ "SystemAdministrator", "ec2:RunInstances", "*", NULL, NULL, true },
		{ "SystemAdministrator", "iam:CreateUser", "*", NULL, NULL, false },
		{ "AWSDenyAll", "s3:GetObject", "*", NULL, NULL, false },
		{ "AWSCompromisedKeyQuarantineV2", "iam:CreateUser", "*", NULL, NULL, false },
		{ "IAMUserChangePassword", "iam:ChangePassword", "arn:aws:iam::111122223333:user/ann", NULL, NULL,
		  true },
		{ "IAMUserChangePassword", "iam:ChangePassword", "arn:aws:iam::111122223333:user/bob", NULL, NULL,
		  false },
		{ "IAMUserChangePassword", "iam:GetAccountPasswordPolicy", "*", NULL, NULL, true },
		{ "IAMFullAccess", "iam:DeleteRole", "*", NULL, NULL, true },
		{ "IAMFullAccess", "s3:GetObject", "*", NULL, NULL, false },
		{ "AWSLambda_FullAccess", "iam:PassRole", "arn:aws:iam::111122223333:role/f", "iam:PassedToService",
		  "lambda.amazonaws.com", true },
		{ "AWSLambda_FullAccess", "iam:PassRole", "arn:aws:iam::111122223333:role/f", "iam:PassedToService",
		  "ec2.amazonaws.com", false },
		{ "AmazonMacieFullAccess", "iam:CreateServiceLinkedRole",
		  "arn:aws:iam::111122223333:role/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie",
		  "iam:AWSServiceName", "macie.amazonaws.com", true },
		{ "AmazonMacieReadOnlyAccess", "macie2:EnableMacie", "*", NULL, NULL, false },
		{ "AWSKeyManagementServicePowerUser", "kms:Decrypt", "*", NULL, NULL, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		printf("# %s %s\n", cases[i].policy, cases[i].action);
		EXPECT(allows(cases[i].policy, cases[i].action, cases[i].resource, cases[i].key, cases[i].value) ==
		       cases[i].yes);
	}
}

static void policies_are_attached_and_shown_but_not_changed(void)
{
	struct test_world *w = begin();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	WORKS(IAM(w, "AttachUserPolicy",
		  "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/job-function/ViewOnlyAccess'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/SecurityAudit'}"));
	WORKS(AS(w, user_caller(w, "ann"), "iam", "ListUsers", "{}"));
	WORKS(IAM(w, "AttachUserPolicy",
		  "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2'}"));
	WORKS(IAM(w, "AttachUserPolicy", "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/IAMFullAccess'}"));
	WORKS(AS(w, user_caller(w, "ann"), "iam", "GetUser", "{}"));
	FAILS(AS(w, user_caller(w, "ann"), "iam", "CreateAccessKey", "{'UserName':'ann'}"), "AccessDenied");
	REFUSED(IAM(w, "AttachUserPolicy",
		    "{'UserName':'ann','PolicyArn':'arn:aws:iam::aws:policy/aws-service-role/"
		    "AmazonMacieServiceRolePolicy'}"),
		400, "PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role.");
	FAILS(IAM(w, "PutUserPermissionsBoundary",
		  "{'UserName':'ann','PermissionsBoundary':'arn:aws:iam::aws:policy/aws-service-role/"
		  "AmazonMacieServiceRolePolicy'}"),
	      "NoSuchEntity");
	struct test_reply r = IAM(w, "GetPolicy", "{'PolicyArn':'arn:aws:iam::aws:policy/job-function/Billing'}");
	EXPECT_STR(world_field(w, r, "Policy.Path"), S("/job-function/"));
	FAILS(IAM(w, "DeletePolicy", "{'PolicyArn':'arn:aws:iam::aws:policy/job-function/Billing'}"), "AccessDenied");
	r = IAM(w, "ListPolicies", "{'Scope':'AWS','PathPrefix':'/job-function/','MaxItems':2}");
	EXPECT_STR(world_field(w, r, "Policies.1.PolicyName"), S("DataScientist"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	world_end(w);
}

RUN_ALL(T(every_policy_is_found_and_compiles), T(other_arns_are_nobodys), T(every_service_linked_role_has_its_policy),
	T(policies_allow_what_their_names_say), T(policies_are_attached_and_shown_but_not_changed))
