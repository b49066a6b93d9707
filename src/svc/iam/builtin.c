/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS managed policies: a small set, read-only, the same in every account. Written from
 * the published purpose of each, over the services that are served here; so a document
 * may be shorter than AWS's, never wider.
 */
#include "base/str.h"
#include "svc/iam/iam.h"

#define ALLOW(actions)                                                                          \
	"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[" actions \
	"],\"Resource\":\"*\"}]}"
#define FEB_2015 INT64_C(1423161600000)

static const struct iam_builtin builtins[] = {
	{ "AWSCloudTrail_ReadOnlyAccess", "/", "ANPAHOLDFASTTRAILREAD", "Read-only access to CloudTrail.",
	  ALLOW("\"cloudtrail:Get*\",\"cloudtrail:Describe*\",\"cloudtrail:List*\",\"cloudtrail:LookupEvents\""),
	  FEB_2015 },
	{ "AWSKeyManagementServicePowerUser", "/", "ANPAHOLDFASTKMSPOWERU",
	  "Use of KMS without the power over what exists.",
	  ALLOW("\"kms:CreateAlias\",\"kms:CreateKey\",\"kms:DeleteAlias\",\"kms:Describe*\",\"kms:GenerateRandom\","
		"\"kms:Get*\","
		"\"kms:List*\",\"kms:TagResource\",\"kms:UntagResource\",\"iam:ListGroups\",\"iam:ListRoles\",\"iam:"
		"ListUsers\""),
	  FEB_2015 },
	{ "AdministratorAccess", "/", "ANPAHOLDFASTADMINACCS", "Full access to all services and resources.",
	  ALLOW("\"*\""), FEB_2015 },
	{ "AmazonS3FullAccess", "/", "ANPAHOLDFASTS3FULLACC", "Full access to all buckets.",
	  ALLOW("\"s3:*\",\"s3-object-lambda:*\""), FEB_2015 },
	{ "AmazonS3ReadOnlyAccess", "/", "ANPAHOLDFASTS3READONL", "Read-only access to all buckets.",
	  ALLOW("\"s3:Get*\",\"s3:List*\",\"s3:Describe*\",\"s3-object-lambda:Get*\",\"s3-object-lambda:List*\""),
	  FEB_2015 },
	{ "IAMReadOnlyAccess", "/", "ANPAHOLDFASTIAMREADON", "Read-only access to IAM.",
	  ALLOW(
	      "\"iam:GenerateCredentialReport\",\"iam:GenerateServiceLastAccessedDetails\",\"iam:Get*\",\"iam:List*\","
	      "\"iam:SimulateCustomPolicy\",\"iam:SimulatePrincipalPolicy\""),
	  FEB_2015 },
	{ "PowerUserAccess", "/", "ANPAHOLDFASTPOWERUSER",
	  "Full access to everything but users, roles and their permissions.",
	  "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"NotAction\":[\"iam:*\",\"organizations:*"
	  "\",\"account:*\"],"
	  "\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":[\"iam:CreateServiceLinkedRole\",\"iam:"
	  "DeleteServiceLinkedRole\","
	  "\"iam:ListRoles\",\"organizations:DescribeOrganization\",\"account:ListRegions\",\"account:"
	  "GetAccountInformation\"],"
	  "\"Resource\":\"*\"}]}",
	  FEB_2015 },
	{ "ReadOnlyAccess", "/", "ANPAHOLDFASTREADONLYA", "Read-only access to all services and resources.",
	  ALLOW(
	      "\"cloudtrail:Describe*\",\"cloudtrail:Get*\",\"cloudtrail:List*\",\"cloudtrail:LookupEvents\","
	      "\"cloudwatch:Describe*\",\"cloudwatch:Get*\",\"cloudwatch:List*\",\"dynamodb:BatchGet*\",\"dynamodb:"
	      "Describe*\","
	      "\"dynamodb:Get*\",\"dynamodb:List*\",\"dynamodb:Query\",\"dynamodb:Scan\",\"ec2:Describe*\",\"ec2:Get*"
	      "\","
	      "\"guardduty:Describe*\",\"guardduty:Get*\",\"guardduty:List*\",\"iam:Generate*\",\"iam:Get*\",\"iam:"
	      "List*\","
	      "\"iam:Simulate*\",\"kms:Describe*\",\"kms:Get*\",\"kms:List*\",\"logs:Describe*\",\"logs:"
	      "FilterLogEvents\","
	      "\"logs:Get*\",\"logs:List*\",\"rds:Describe*\",\"rds:List*\",\"s3:Describe*\",\"s3:Get*\",\"s3:List*\","
	      "\"secretsmanager:Describe*\",\"secretsmanager:GetResourcePolicy\",\"secretsmanager:List*\",\"sns:Get*\","
	      "\"sns:List*\","
	      "\"sqs:Get*\",\"sqs:List*\",\"ssm:Describe*\",\"ssm:Get*\",\"ssm:List*\",\"sts:GetAccessKeyInfo\","
	      "\"sts:GetCallerIdentity\",\"sts:GetSessionToken\""),
	  FEB_2015 },
};

const struct iam_builtin *iam_builtin_at(size_t i) { return i < COUNT(builtins) ? &builtins[i] : NULL; }

const struct iam_builtin *iam_builtin_find(struct str arn)
{
	static const struct str root = { "arn:aws:iam::aws:policy", 23 };
	if (!str_starts(arn, root))
		return NULL;
	struct str rest = str_from(arn, root.n);
	for (size_t i = 0; i < COUNT(builtins); i++) {
		struct str path = str_of(builtins[i].path);
		if (str_starts(rest, path) && str_eq(str_from(rest, path.n), str_of(builtins[i].name)))
			return &builtins[i];
	}
	return NULL;
}
