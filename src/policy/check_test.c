/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One document for each finding, with the place it is found at; documents without findings; and
 * the promise that a document without errors can be stored. ' stands for ".
 */
#include "policy/check.h"
#include "base/str.h"
#include "base/test.h"

struct one {
	struct arena *mem;
	struct policy_findings found;
};

static struct str quoted(struct arena *mem, const char *text)
{
	char *z = str_z(mem, str_of(text));
	for (char *p = z; *p; p++)
		*p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
	return str_of(z);
}

static struct one check(enum policy_kind kind, const char *text)
{
	struct one o = { .mem = arena_new() };
	policy_check(o.mem, quoted(o.mem, text), kind, &o.found);
	return o;
}

static const struct policy_finding *find(const struct policy_findings *f, const char *code)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!strcmp(f->v[i].code, code))
			return &f->v[i];
	}
	return NULL;
}

static void show(const char *text, const struct policy_findings *f)
{
	printf("# %s\n", text);
	for (size_t i = 0; i < f->n; i++)
		printf("#   %u:%u %.*s %s: %.*s\n", f->v[i].line, f->v[i].column, PR(f->v[i].path), f->v[i].code,
		       PR(f->v[i].text));
}

struct example {
	enum policy_kind kind;
	const char *code, *path, *text;
};

static void expect_all(const struct example *all, size_t n, enum policy_finding_type type)
{
	for (size_t i = 0; i < n; i++) {
		struct one o = check(all[i].kind, all[i].text);
		const struct policy_finding *f = find(&o.found, all[i].code);
		bool good = f != NULL && f->type == type && str_eq(f->path, str_of(all[i].path)) && f->text.n > 10 &&
			    f->text.p[f->text.n - 1] != '\n' && f->line > 0 && f->column > 0;
		if (!good) {
			printf("# want %s at %s\n", all[i].code, all[i].path);
			show(all[i].text, &o.found);
		}
		EXPECT(good);
		arena_free(o.mem);
	}
}

#define V           "{'Version':'2012-10-17','Statement':"
#define ONE(x)      V "{" x "}}"
#define DO(a)       ONE("'Effect':'Allow','Action':" a ",'Resource':'*'")
#define RES(r)      ONE("'Effect':'Allow','Action':'s3:GetObject','Resource':" r)
#define COND(c)     ONE("'Effect':'Allow','Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*','Condition':" c)
#define WHO(p)      ONE("'Effect':'Allow','Principal':" p ",'Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*'")
#define TRUST(p, a) ONE("'Effect':'Allow','Principal':" p ",'Action':'" a "'")
#define ID          POLICY_IDENTITY

static void errors_of_the_document(void)
{
	static const struct example all[] = {
		{ ID, "JSON_SYNTAX_ERROR", "", "{" },
		{ ID, "JSON_SYNTAX_ERROR", "", "" },
		{ ID, "JSON_SYNTAX_ERROR", "Version",
		  "{'Version':'2012-10-17','Version':'2012-10-17','Statement':[]}" },
		{ ID, "DATA_TYPE_MISMATCH", "", "[]" },
		{ ID, "DATA_TYPE_MISMATCH", "Version", "{'Version':2012,'Statement':[]}" },
		{ ID, "DATA_TYPE_MISMATCH", "Statement[0]", V "['x']}" },
		{ ID, "DATA_TYPE_MISMATCH", "Statement.Action[0]", DO("[1]") },
		{ ID, "INVALID_POLICY_ELEMENT", "Foo", "{'Version':'2012-10-17','Foo':1,'Statement':[]}" },
		{ ID, "INVALID_POLICY_ELEMENT", "Statement.action", ONE("'action':'s3:GetObject'") },
		{ ID, "MISSING_STATEMENT", "", "{'Version':'2012-10-17'}" },
		{ ID, "MISSING_STATEMENT", "Statement", V "[]}" },
		{ ID, "INVALID_VERSION", "Version", "{'Version':'2012-10-18','Statement':[]}" },
		{ ID, "MISSING_EFFECT", "Statement", ONE("'Action':'s3:GetObject','Resource':'*'") },
		{ ID, "INVALID_EFFECT", "Statement.Effect",
		  ONE("'Effect':'allow','Action':'s3:GetObject','Resource':'*'") },
		{ ID, "MISSING_ACTION", "Statement", ONE("'Effect':'Allow','Resource':'*'") },
		{ ID, "MISSING_ACTION", "", DO("[]") },
		{ ID, "MISSING_RESOURCE", "Statement", ONE("'Effect':'Allow','Action':'s3:GetObject'") },
		{ ID, "UNSUPPORTED_PRINCIPAL", "Statement.Principal", WHO("'*'") },
		{ POLICY_SCP, "SCP_SYNTAX_ERROR_PRINCIPAL", "Statement.Principal", WHO("'*'") },
		{ POLICY_RESOURCE, "MISSING_PRINCIPAL", "Statement", DO("'s3:GetObject'") },
		{ ID, "UNSUPPORTED_ELEMENT_COMBINATION", "Statement.NotAction",
		  ONE("'Effect':'Allow','Action':'s3:GetObject','NotAction':'s3:PutObject','Resource':'*'") },
		{ ID, "UNSUPPORTED_SID", "Statement.Sid",
		  ONE("'Sid':'a b','Effect':'Allow','Action':'s3:GetObject','Resource':'*'") },
		{ ID, "UNIQUE_SIDS_REQUIRED", "Statement[1].Sid",
		  V "[{'Sid':'A','Effect':'Allow','Action':'s3:GetObject','Resource':'*'},{'Sid':'A','Effect':'Allow',"
		    "'Action':'s3:PutObject','Resource':'*'}]}" },
		{ POLICY_TRUST, "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", "Statement.Resource",
		  ONE("'Effect':'Allow','Principal':{'AWS':'111122223333'},'Action':'sts:AssumeRole','Resource':'*'") },
		{ POLICY_TRUST, "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTRESOURCE", "Statement.NotResource",
		  ONE("'Effect':'Allow','Principal':{'AWS':'111122223333'},'Action':'sts:AssumeRole','NotResource':'*"
		      "'") },
		{ POLICY_TRUST, "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", "Statement.NotPrincipal",
		  ONE("'Effect':'Deny','NotPrincipal':{'AWS':'111122223333'},'Action':'sts:AssumeRole'") },
	};
	expect_all(all, COUNT(all), FINDING_ERROR);
}

static void errors_of_principals(void)
{
	enum policy_kind res = POLICY_RESOURCE, trust = POLICY_TRUST;
	const struct example all[] = {
		{ res, "INVALID_PRINCIPAL_KEY", "Statement.Principal.Aws", WHO("{'Aws':'*'}") },
		{ res, "INVALID_PRINCIPAL_FORMAT", "Statement.Principal", WHO("'bob'") },
		{ res, "INVALID_PRINCIPAL_FORMAT", "Statement.Principal.AWS", WHO("{'AWS':'bob'}") },
		{ res, "INVALID_PRINCIPAL_FORMAT", "Statement.Principal.AWS", WHO("{'AWS':'arn:aws:s3:::b'}") },
		{ res, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "Statement.Principal.AWS[0]",
		  WHO("{'AWS':['arn:aws:iam::111122223333:role/*']}") },
		{ res, "UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "Statement.Principal.Service", WHO("{'Service':'*'}") },
		{ res, "INVALID_SERVICE_PRINCIPAL_FORMAT", "Statement.Principal.Service", WHO("{'Service':'ec2'}") },
		{ res, "DATA_TYPE_MISMATCH", "Statement.Principal.AWS", WHO("{'AWS':5}") },
		{ res, "DATA_TYPE_MISMATCH", "Statement.Principal", WHO("[]") },
		{ res, "VARIABLE_UNSUPPORTED_IN_ELEMENT", "Statement.Principal.AWS", WHO("{'AWS':'${aws:userid}'}") },
		{ trust, "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "Statement.Principal",
		  TRUST("'*'", "sts:AssumeRole") },
		{ trust, "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", "Statement.Principal.Federated",
		  TRUST("{'Federated':'*'}", "sts:AssumeRoleWithSAML") },
		{ trust, "MISMATCHED_ACTION_FOR_PRINCIPAL", "Statement.Action",
		  TRUST("{'Federated':'accounts.google.com'}", "sts:AssumeRole") },
		{ trust, "MISMATCHED_ACTION_FOR_PRINCIPAL", "Statement.Action",
		  TRUST("{'AWS':'111122223333'}", "sts:AssumeRoleWithSAML") },
		{ trust, "UNSUPPORTED_ACTION_IN_POLICY", "Statement.Action",
		  TRUST("{'AWS':'111122223333'}", "s3:GetObject") },
	};
	expect_all(all, COUNT(all), FINDING_ERROR);
}

static void errors_of_actions_and_resources(void)
{
	static const struct example all[] = {
		{ ID, "INVALID_ACTION", "Statement.Action", DO("'s3:GetObjekt'") },
		{ ID, "INVALID_ACTION", "Statement.Action[1]", DO("['s3:GetObject','s3:Fetch*']") },
		{ ID, "INVALID_ACTION", "Statement.Action", DO("'GetObject'") },
		{ ID, "INVALID_SERVICE_IN_ACTION", "Statement.Action", DO("'s4:GetObject'") },
		{ ID, "VARIABLE_UNSUPPORTED_IN_ELEMENT", "Statement.Action", DO("'s3:${aws:username}'") },
		{ ID, "INVALID_ARN_PREFIX", "Statement.Resource", RES("'b/*'") },
		{ ID, "MISSING_ARN_FIELD", "Statement.Resource[0]", RES("['arn:aws:s3:b']") },
		{ ID, "INVALID_PARTITION", "Statement.Resource", RES("'arn:amazon:s3:::b/*'") },
		{ ID, "INVALID_SERVICE", "Statement.Resource", RES("'arn:aws:s4:::b/*'") },
		{ ID, "INVALID_ARN_SERVICE_CASE", "Statement.Resource", RES("'arn:aws:S3:::b/*'") },
		{ ID, "ARN_REGION_NOT_ALLOWED", "Statement.Resource",
		  RES("'arn:aws:iam:us-east-1:111122223333:role/r'") },
		{ ID, "MISSING_ARN_REGION", "Statement.Resource", RES("'arn:aws:kms::111122223333:key/k'") },
		{ ID, "INVALID_REGION", "Statement.Resource", RES("'arn:aws:kms:virginia:111122223333:key/k'") },
		{ ID, "INVALID_ARN_ACCOUNT", "Statement.Resource", RES("'arn:aws:kms:us-east-1:11:key/k'") },
		{ ID, "INVALID_ARN_RESOURCE", "Statement.Resource",
		  RES("'arn:aws:kms:us-east-1:111122223333:lock/k'") },
		{ ID, "EMPTY_VARIABLE", "Statement.Resource", RES("'arn:aws:s3:::b/${}'") },
		{ ID, "MISSING_BRACE_IN_VARIABLE", "Statement.Resource", RES("'arn:aws:s3:::b/${aws:userid'") },
		{ ID, "UNSUPPORTED_SPACE_IN_VARIABLE", "Statement.Resource", RES("'arn:aws:s3:::b/${aws: userid}'") },
		{ ID, "MISSING_QUOTE_IN_VARIABLE", "Statement.Resource", RES("'arn:aws:s3:::b/${aws:userid, x}'") },
		{ ID, "VARIABLE_UNSUPPORTED_IN_VERSION", "Statement.Resource",
		  "{'Version':'2008-10-17','Statement':{'Effect':'Allow','Action':'s3:GetObject','Resource':"
		  "'arn:aws:s3:::b/${aws:userid}'}}" },
	};
	expect_all(all, COUNT(all), FINDING_ERROR);
}

static void errors_of_conditions(void)
{
	static const struct example all[] = {
		{ ID, "INVALID_CONDITION_OPERATOR", "Statement.Condition.StringIs",
		  COND("{'StringIs':{'aws:userid':'x'}}") },
		{ ID, "DATA_TYPE_MISMATCH", "Statement.Condition.Bool", COND("{'Bool':'true'}") },
		{ ID, "DATA_TYPE_MISMATCH", "Statement.Condition", COND("[]") },
		{ ID, "DATA_TYPE_MISMATCH", "Statement.Condition.StringLike.aws:userid[0]",
		  COND("{'StringLike':{'aws:userid':[null]}}") },
		{ ID, "INVALID_CONDITION_KEY_FORMAT", "Statement.Condition.StringLike.userid",
		  COND("{'StringLike':{'userid':'x'}}") },
		{ ID, "INVALID_GLOBAL_CONDITION_KEY", "Statement.Condition.StringLike.aws:user",
		  COND("{'StringLike':{'aws:user':'x'}}") },
		{ ID, "UNSUPPORTED_GLOBAL_CONDITION_KEY", "Statement.Condition.StringLike.aws:Arn",
		  COND("{'StringLike':{'aws:Arn':'x'}}") },
		{ ID, "INVALID_SERVICE_CONDITION_KEY", "Statement.Condition.StringLike.s3:prefixes",
		  COND("{'StringLike':{'s3:prefixes':'x'}}") },
		{ ID, "INVALID_SERVICE", "Statement.Condition.StringLike.s4:prefix",
		  COND("{'StringLike':{'s4:prefix':'x'}}") },
		{ ID, "MISSING_TAG_KEY_IN_CONDITION", "Statement.Condition.StringLike.aws:PrincipalTag/",
		  COND("{'StringLike':{'aws:PrincipalTag/':'x'}}") },
		{ ID, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", "Statement.Condition.StringLike.aws:USERID",
		  COND("{'StringLike':{'aws:userid':'x','aws:USERID':'y'}}") },
		{ ID, "MISSING_QUALIFIER", "Statement.Condition.StringLike.aws:TagKeys",
		  COND("{'StringLike':{'aws:TagKeys':'x'}}") },
		{ ID, "NULL_WITH_IF_EXISTS", "Statement.Condition.NullIfExists",
		  COND("{'NullIfExists':{'aws:userid':'true'}}") },
		{ ID, "TYPE_MISMATCH_BOOLEAN", "Statement.Condition.Bool.aws:SecureTransport",
		  COND("{'Bool':{'aws:SecureTransport':'yes'}}") },
		{ ID, "TYPE_MISMATCH_NUMBER", "Statement.Condition.NumericLessThan.aws:MultiFactorAuthAge",
		  COND("{'NumericLessThan':{'aws:MultiFactorAuthAge':'1h'}}") },
		{ ID, "TYPE_MISMATCH_DATE", "Statement.Condition.DateLessThan.aws:CurrentTime",
		  COND("{'DateLessThan':{'aws:CurrentTime':'soon'}}") },
		{ ID, "TYPE_MISMATCH_IP_RANGE", "Statement.Condition.IpAddress.aws:SourceIp",
		  COND("{'IpAddress':{'aws:SourceIp':'10.0.0.300'}}") },
		{ ID, "TYPE_MISMATCH_STRING", "Statement.Condition.BinaryEquals.aws:userid",
		  COND("{'BinaryEquals':{'aws:userid':'!'}}") },
		{ ID, "INVALID_VARIABLE_FOR_OPERATOR", "Statement.Condition.NumericLessThan.aws:MultiFactorAuthAge",
		  COND("{'NumericLessThan':{'aws:MultiFactorAuthAge':'${aws:userid}'}}") },
		{ ID, "INVALID_CONDITION_MULTIPLE_BOOLEAN", "Statement.Condition.Bool.aws:SecureTransport",
		  COND("{'Bool':{'aws:SecureTransport':['true','false']}}") },
	};
	expect_all(all, COUNT(all), FINDING_ERROR);
}

static void security_warnings(void)
{
	enum policy_kind res = POLICY_RESOURCE;
	const struct example all[] = {
		{ ID, "FULL_ADMIN_ACCESS", "Statement.Action", DO("'*'") },
		{ ID, "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", "Statement.Action", DO("'*'") },
		{ ID, "PASS_ROLE_WITH_STAR_IN_RESOURCE", "Statement.Action[1]", DO("['s3:GetObject','iam:PassRole']") },
		{ ID, "PASS_ROLE_WITH_STAR_IN_RESOURCE", "Statement.Action",
		  ONE("'Effect':'Allow','Action':'iam:PassRole','Resource':'arn:aws:iam::111122223333:role/*'") },
		{ ID, "PASS_ROLE_WITH_NOT_RESOURCE", "Statement.Action",
		  ONE("'Effect':'Allow','Action':'iam:PassRole','NotResource':'arn:aws:iam::111122223333:role/a'") },
		{ ID, "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", "Statement.Action",
		  ONE("'Effect':'Allow','Action':'iam:*','NotResource':'arn:aws:iam::111122223333:role/a'") },
		{ ID, "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", "Statement.NotAction",
		  ONE("'Effect':'Allow','NotAction':'s3:*','Resource':'*'") },
		{ ID, "PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE", "Statement.NotAction",
		  ONE("'Effect':'Allow','NotAction':'s3:*','NotResource':'arn:aws:s3:::b'") },
		{ ID, "PERMISSIONS_MANAGEMENT_ON_ALL_RESOURCES", "Statement.Action", DO("'s3:PutBucketPolicy'") },
		{ res, "PUBLIC_ACCESS", "Statement.Principal", WHO("'*'") },
		{ res, "PUBLIC_ACCESS", "Statement.Principal", WHO("{'AWS':['111122223333','*']}") },
		{ POLICY_TRUST, "PUBLIC_ACCESS", "Statement.Principal", TRUST("{'AWS':'*'}", "sts:AssumeRole") },
		{ res, "RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL", "Statement.Principal.Service",
		  WHO("{'Service':'cloudtrail.amazonaws.com'}") },
		{ res, "ALLOW_WITH_NOT_PRINCIPAL", "Statement.NotPrincipal",
		  ONE("'Effect':'Allow','NotPrincipal':{'AWS':'111122223333'},'Action':'s3:GetObject','Resource':'*"
		      "'") },
		{ ID, "FORALLVALUES_WITH_SINGLE_VALUED_KEY", "Statement.Condition.ForAllValues:StringLike.aws:userid",
		  COND("{'ForAllValues:StringLike':{'aws:userid':'x'}}") },
		{ ID, "MISSING_PAIRED_CONDITION_KEYS", "Statement.Condition",
		  COND("{'IpAddress':{'aws:VpcSourceIp':'10.0.0.0/8'}}") },
		{ ID, "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
		  "Statement.Condition.StringEquals.aws:ResourceTag/a",
		  ONE("'Effect':'Deny','NotAction':'s3:GetObject','Resource':'*','Condition':{'StringEquals':"
		      "{'aws:ResourceTag/a':'x'}}") },
		{ ID, "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
		  "Statement.Condition.StringEquals.aws:ResourceTag/a",
		  ONE("'Effect':'Deny','Action':['cloudtrail:LookupEvents','kms:Decrypt'],'Resource':'*','Condition':"
		      "{'StringEquals':{'aws:ResourceTag/a':'x'}}") },
	};
	expect_all(all, COUNT(all), FINDING_SECURITY_WARNING);
}

#define TWO(a, b) V "[{" a "},{" b "}]}"

static void warnings(void)
{
	static const struct example all[] = {
		{ ID, "MISSING_VERSION", "",
		  "{'Statement':{'Effect':'Allow','Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*'}}" },
		{ ID, "TYPE_MISMATCH", "Statement.Condition.StringEquals.aws:SecureTransport",
		  COND("{'StringEquals':{'aws:SecureTransport':'true'}}") },
		{ ID, "INVALID_DATE_VALUE", "Statement.Condition.DateLessThan.aws:CurrentTime",
		  COND("{'DateLessThan':{'aws:CurrentTime':'1800000000'}}") },
		{ ID, "WILDCARD_WITHOUT_LIKE_OPERATOR", "Statement.Condition.StringEquals.aws:userid",
		  COND("{'StringEquals':{'aws:userid':'AIDA*'}}") },
		{ ID, "CONDITION_KEY_MISMATCH", "Statement.Condition.StringEquals.s3:prefix",
		  COND("{'StringEquals':{'s3:prefix':'a'}}") },
		{ ID, "RESOURCE_MISMATCH", "Statement.Resource[1]", RES("['arn:aws:s3:::b/*','arn:aws:s3:::b']") },
		{ ID, "RESOURCE_MISMATCH", "Statement.Action[1]",
		  ONE("'Effect':'Allow','Action':['s3:GetObject','s3:ListBucket'],'Resource':'arn:aws:s3:::b/*'") },
		{ ID, "ALLOW_WITH_NOT_ACTION", "Statement.NotAction",
		  ONE("'Effect':'Allow','NotAction':'iam:*','Resource':'*'") },
		{ ID, "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE", "Statement.Action", DO("'iam:Create*'") },
		{ ID, "FULL_SERVICE_ACCESS", "Statement.Action", DO("'athena:*'") },
		{ ID, "UNREACHABLE_STATEMENT", "Statement[0]",
		  TWO("'Effect':'Allow','Action':'s3:Get*','Resource':'arn:aws:s3:::b/*'",
		      "'Effect':'Deny','Action':'s3:*','Resource':'arn:aws:s3:::*'") },
		{ POLICY_RESOURCE, "INVALID_USER_REFERENCE", "Statement.Principal.AWS",
		  WHO("{'AWS':'AIDAJQABLZS4A3QDU576Q'}") },
		{ POLICY_RESOURCE, "INVALID_ROLE_REFERENCE", "Statement.Principal.AWS",
		  WHO("{'AWS':'AROAJQABLZS4A3QDU576Q'}") },
		{ POLICY_RESOURCE, "UNIQUE_SIDS_RECOMMENDED", "Statement[1].Sid",
		  TWO("'Sid':'a','Effect':'Deny','Principal':'*','Action':'s3:GetObject','Resource':'*'",
		      "'Sid':'a','Effect':'Deny','Principal':'*','Action':'s3:PutObject','Resource':'*'") },
	};
	expect_all(all, COUNT(all), FINDING_WARNING);
}

static void suggestions(void)
{
	static const struct example all[] = {
		{ ID, "REDUNDANT_ACTION", "Statement.Action[1]", DO("['s3:Get*','s3:getobject']") },
		{ ID, "REDUNDANT_ACTION", "Statement.Action[1]", DO("['s3:GetObject','s3:GetObject']") },
		{ ID, "REDUNDANT_RESOURCE", "Statement.Resource[0]", RES("['arn:aws:s3:::b/a','arn:aws:s3:::b/*']") },
		{ ID, "EMPTY_ARRAY_ACTION", "Statement.Action", DO("[]") },
		{ ID, "EMPTY_ARRAY_RESOURCE", "Statement.Resource", RES("[]") },
		{ ID, "EMPTY_OBJECT_CONDITION", "Statement.Condition", COND("{}") },
		{ ID, "EMPTY_ARRAY_CONDITION", "Statement.Condition.StringLike.aws:userid",
		  COND("{'StringLike':{'aws:userid':[]}}") },
		{ ID, "EMPTY_SID_VALUE", "Statement.Sid",
		  ONE("'Sid':'','Effect':'Allow','Action':'s3:GetObject','Resource':'*'") },
		{ POLICY_RESOURCE, "EMPTY_OBJECT_PRINCIPAL", "Statement.Principal", WHO("{}") },
		{ POLICY_RESOURCE, "EMPTY_ARRAY_PRINCIPAL", "Statement.Principal.AWS", WHO("{'AWS':[]}") },
		{ ID, "NULL_WITH_QUALIFIER", "Statement.Condition.ForAnyValue:Null",
		  COND("{'ForAnyValue:Null':{'aws:TagKeys':'true'}}") },
		{ ID, "IMPROVE_IP_RANGE", "Statement.Condition.IpAddress.aws:SourceIp",
		  COND("{'IpAddress':{'aws:SourceIp':'203.0.113.5/24'}}") },
		{ ID, "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
		  "Statement.Condition.StringEquals.aws:ResourceTag/a",
		  ONE("'Effect':'Allow','Action':'cloudtrail:LookupEvents','Resource':'*','Condition':{'StringEquals':"
		      "{'aws:ResourceTag/a':'x'}}") },
		{ ID, "REDUNDANT_STATEMENT", "Statement[1]",
		  TWO("'Effect':'Allow','Action':'s3:Get*','Resource':'*'",
		      "'Effect':'Allow','Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*'") },
	};
	expect_all(all, COUNT(all), FINDING_SUGGESTION);
}

static void good_policies_have_no_findings(void)
{
	static const struct {
		enum policy_kind kind;
		const char *text;
	} all[] = {
		{ ID, RES("'arn:aws:s3:::b/${aws:PrincipalTag/team, `none`}/*'") },
		{ ID, COND("{'StringEquals':{'s3:ExistingObjectTag/a':'b'},'Bool':{'aws:SecureTransport':true}}") },
		{ ID,
		  COND("{'IpAddress':{'aws:SourceIp':['10.0.0.0/8','203.0.113.7']},'Null':{'aws:userid':'false'}}") },
		{ ID, COND("{'DateLessThan':{'aws:CurrentTime':'2030-01-01T00:00:00Z'},'NumericLessThan':"
			   "{'aws:MultiFactorAuthAge':3600}}") },
		{ ID, COND("{'ArnLike':{'aws:SourceVpcArn':'arn:aws:ec2:*:111122223333:vpc/*'}}") },
		{ ID, ONE("'Effect':'Allow','Action':'iam:PassRole','Resource':'*','Condition':{'StringEquals':"
			  "{'iam:PassedToService':'ec2.amazonaws.com'}}") },
		{ ID, ONE("'Effect':'Allow','Action':'iam:PassRole','Resource':'arn:aws:iam::*:role/app-*'") },
		{ ID, DO("['s3:ListAllMyBuckets','sts:GetCallerIdentity']") },
		{ ID, TWO("'Effect':'Allow','Action':'s3:GetObject','Resource':'arn:aws:s3:::b/*'",
			  "'Effect':'Deny','Action':'s3:*','Resource':'*','Condition':{'Bool':{'aws:SecureTransport':"
			  "false}}") },
		{ ID,
		  ONE("'Effect':'Allow','Action':['kms:Decrypt'],'Resource':'arn:aws:kms:us-east-1:111122223333:key/*',"
		      "'Condition':{'StringEquals':{'kms:EncryptionContext:a':'b','aws:ResourceTag/t':'x'}}") },
		{ POLICY_RESOURCE, WHO("{'AWS':'arn:aws:iam::111122223333:root'}") },
		{ POLICY_TRUST, TRUST("{'Service':'ec2.amazonaws.com'}", "sts:AssumeRole") },
		{ POLICY_TRUST,
		  ONE("'Effect':'Allow','Principal':{'Federated':"
		      "'arn:aws:iam::111122223333:oidc-provider/idp.example.com'},'Action':"
		      "'sts:AssumeRoleWithWebIdentity','Condition':{'StringEquals':{'idp.example.com:sub':'x'}}") },
		{ POLICY_SCP, ONE("'Effect':'Allow','Action':'*','Resource':'*'") },
		{ POLICY_BOUNDARY, ONE("'Effect':'Allow','Action':'*','Resource':'*'") },
		{ POLICY_ENDPOINT, ONE("'Effect':'Allow','Principal':'*','Action':'*','Resource':'*'") },
	};
	for (size_t i = 0; i < COUNT(all); i++) {
		struct one o = check(all[i].kind, all[i].text);
		if (o.found.n > 0)
			show(all[i].text, &o.found);
		EXPECT(o.found.n == 0);
		arena_free(o.mem);
	}
}

static void places_are_lines_and_columns(void)
{
	struct one o = check(ID, "{\n  'Version': '2012-10-17',\n  'Statement': [{\n    'Effect': 'Allow',\n"
				 "    'Action': ['s3:GetObject', 's3:GetObjekt'],\n    'Resource': '*'\n  }]\n}\n");
	const struct policy_finding *f = find(&o.found, "INVALID_ACTION");
	EXPECT(f != NULL && f->line == 5 && f->column == 32 && f->end - f->begin == 14);
	EXPECT(str_find(f->text, S("Did you mean s3:GetObject?")) != SIZE_MAX);
	arena_free(o.mem);
}

static void without_errors_a_document_can_be_stored(void)
{
	/* refused by the compiler alone: an identity policy's Sid twice is told here, an action too long is not */
	char text[700], name[301];
	memset(name, 'a', 300);
	name[300] = 0;
	snprintf(text, sizeof text, DO("'s3:%s*'"), name);
	struct one o = check(ID, text);
	EXPECT(o.found.n > 0 && o.found.v[0].type == FINDING_ERROR);
	arena_free(o.mem);
}

static void hostile_documents_end(void)
{
	struct arena *mem = arena_new();
	struct policy_findings found;
	struct {
		const char *head, *unit, *tail;
	} shapes[] = {
		{ "{\"Statement\":{\"Effect\":\"Allow\",\"Resource\":\"*\",\"Action\":[\"x\"", ",\"*:*a*b*c*\"",
		  "]}}" },
		{ "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":[\"x\"",
		  ",\"arn:aws:s3:::*a*b*/*\"", "]}}" },
		{ "{\"Statement\":[{}", ",{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}", "]}" },
		{ "{\"Statement\":{\"Condition\":{\"StringLike\":{\"a\":1", ",\"aws:x/y\":\"${\"", "}}}}" },
		{ "{\"Statement\":[", "[", "" },
		{ "{\"x\":1", ",\"y\":1", "}" },
		{ "{\"Statement\":{\"Effect\":\"Allow\",\"Resource\":\"*\",\"Action\":[\"x\"", ",\"ec2:Q\"", "]}}" },
	};
	char *text = (char *)arena_alloc(mem, 1, 1, POLICY_TEXT_MAX + 100);
	for (size_t i = 0; i < COUNT(shapes); i++) {
		size_t n = strlen(shapes[i].head), unit = strlen(shapes[i].unit);
		memcpy(text, shapes[i].head, n);
		for (; n + unit + 10 < POLICY_TEXT_MAX; n += unit)
			memcpy(text + n, shapes[i].unit, unit);
		memcpy(text + n, shapes[i].tail, strlen(shapes[i].tail));
		policy_check(mem, str_make(text, n + strlen(shapes[i].tail)), ID, &found);
		EXPECT(found.n > 0 && found.n <= POLICY_FINDINGS_MAX);
	}
	memset(text, ' ', POLICY_TEXT_MAX + 1);
	policy_check(mem, str_make(text, POLICY_TEXT_MAX + 1), ID, &found);
	EXPECT(found.n == 1 && !strcmp(found.v[0].code, "POLICY_TOO_BIG"));
	arena_free(mem);
}

static void kinds_are_guessed(void)
{
	struct arena *mem = arena_new();
	EXPECT(policy_kind_guess(mem, quoted(mem, DO("'s3:GetObject'"))) == POLICY_IDENTITY);
	EXPECT(policy_kind_guess(mem, quoted(mem, WHO("'*'"))) == POLICY_RESOURCE);
	EXPECT(policy_kind_guess(mem, quoted(mem, TRUST("'*'", "sts:AssumeRole"))) == POLICY_TRUST);
	EXPECT(policy_kind_guess(mem, S("nonsense")) == POLICY_IDENTITY);
	arena_free(mem);
}

RUN_ALL(T(errors_of_the_document), T(errors_of_principals), T(errors_of_actions_and_resources), T(errors_of_conditions),
	T(security_warnings), T(warnings), T(suggestions), T(good_policies_have_no_findings),
	T(places_are_lines_and_columns), T(without_errors_a_document_can_be_stored), T(hostile_documents_end),
	T(kinds_are_guessed))
