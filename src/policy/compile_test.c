/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy document may be, and what is said about one that is not. In these
 * texts ' stands for ".
 */
#include "policy/policy.h"
#include "base/str.h"
#include "base/test.h"

static struct str quoted(struct arena *mem, const char *text)
{
	struct str s = str_dup(mem, str_of(text));
	char *p = str_z(mem, s);
	for (size_t i = 0; i < s.n; i++)
		p[i] = p[i] == '\'' ? '"' : p[i] == '^' ? '\'' : p[i]; /* ^ stands for ' itself */
	return str_make(p, s.n);
}

static struct status compile(const char *text, enum policy_kind kind, struct policy **out, struct policy_error *err)
{
	struct arena *mem = arena_new();
	struct status st = policy_compile(quoted(mem, text), kind, out, err);
	arena_free(mem);
	return st;
}

static void accepted(const char *text, enum policy_kind kind)
{
	struct policy *p = NULL;
	struct policy_error err = { 0 };
	if (failed(compile(text, kind, &p, &err)))
		printf("# %s\n# %zu: %s\n", text, err.offset, err.why);
	EXPECT(p != NULL);
	policy_unref(p);
}

struct refusal {
	const char *text;
	enum policy_fault fault;
	const char *aws, *why; /* a part of the sentence */
};

static void refused(const struct refusal *all, size_t n, enum policy_kind kind)
{
	for (size_t i = 0; i < n; i++) {
		struct policy *p = NULL;
		struct policy_error err = { 0 };
		struct status st = compile(all[i].text, kind, &p, &err);
		bool good = failed(st) && p == NULL && err.fault == all[i].fault &&
			    str_find(str_of(err.aws), str_of(all[i].aws)) != SIZE_MAX &&
			    str_find(str_of(err.why), str_of(all[i].why)) != SIZE_MAX && err.line > 0 &&
			    err.column > 0 && policy_error_s3(&err)[0] != 0;
		if (!good)
			printf("# %s\n# fault %d: %s (%s)\n", all[i].text, (int)err.fault, err.aws, err.why);
		EXPECT(good);
	}
}

#define ST(inside) "{'Version':'2012-10-17','Statement':{" inside "}}"
#define OKA        "'Effect':'Allow','Action':'s3:GetObject'"
#define OKR        "'Resource':'*'"
#define SYN        "Syntax errors in policy."

static void documents_of_every_shape_are_accepted(void)
{
	accepted(ST(OKA "," OKR), POLICY_IDENTITY);
	accepted("{'Statement':[{" OKA "," OKR "},{" OKA "," OKR "}]}", POLICY_IDENTITY);
	accepted(" \n{ 'Id' : 'x y' , 'Statement' : { " OKA " ,\t" OKR " } , 'Version' : '2008-10-17' }\r\n",
		 POLICY_SESSION);
	accepted(ST("'Sid':'','Effect':'Deny','NotAction':['iam:*','*'],'NotResource':['arn:aws:s3:::b','*']"),
		 POLICY_BOUNDARY);
	accepted(ST(OKA "," OKR ",'Condition':{}"), POLICY_IDENTITY);
	accepted(ST(OKA
		    ",'Resource':['arn:aws:iam::*:*','arn:aws:iam::1:root','arn:aws:iam::aws:policy/x','arn:aws:sns:*',"
		    "'arn:aws:iam::1:${aws:username}','arn:aws:s3:us-east-1:1:accesspoint/a','arn:aws:s3:*:*:*']"),
		 POLICY_IDENTITY);
	accepted(ST(OKA ",'Resource':'arn:aws:iam::1:x','Principal':'*'"), POLICY_RESOURCE);
	accepted(ST(OKA
		    "," OKR
		    ",'Condition':{'Bool':{'aws:SecureTransport':true},'NumericEquals':{'s3:max-keys':[1,2.5,'3']}}"),
		 POLICY_IDENTITY);
	accepted(ST(OKA "," OKR ",'Sid':'\\u0041\\n','Principal':'*'"), POLICY_RESOURCE);
	accepted(ST("'Effect':'Allow','Action':'*:*','Resource':['arn:aws:s3:*','arn:aws-cn:logs:*:*:*','arn:aws:iam::*"
		    ":role/x']"),
		 POLICY_IDENTITY);
	accepted(ST("'Effect':'Allow','Action':'sts:AssumeRole','Principal':{'AWS':['111122223333','arn:aws:iam::"
		    "111122223333:root',"
		    "'arn:aws:iam::111122223333:role/a/b','arn:aws:sts::111122223333:assumed-role/r/"
		    "s','AIDAJQABLZS4A3QDU576Q'],"
		    "'Service':'ec2.amazonaws.com','Federated':['cognito-identity.amazonaws.com',"
		    "'arn:aws:iam::111122223333:saml-provider/p']}"),
		 POLICY_TRUST);
	accepted(
	    ST(OKA "," OKR
		   ",'Principal':{'CanonicalUser':'79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be'}"),
	    POLICY_RESOURCE);
	accepted(ST("'Effect':'Deny','Action':'*'," OKR ",'NotPrincipal':{'AWS':'111122223333'}"), POLICY_RESOURCE);
	accepted(ST("'Effect':'Deny','Action':'*','Resource':'arn:*:iam::*:role/x'"), POLICY_SCP);
	accepted(ST("'Effect':'Deny','Action':'*'," OKR ",'Principal':'*'"), POLICY_RCP);
	accepted(ST(OKA "," OKR ",'Principal':{'AWS':'*'}"), POLICY_ENDPOINT);
	accepted(ST(OKA ",'Resource':'arn:aws:s3:::b/${aws:username, ^any one^}/${*}${$}${?}/$x'"), POLICY_IDENTITY);
}

static void what_is_not_strict_json_is_refused(void)
{
	static const struct refusal all[] = {
		{ "", POLICY_FAULT_JSON, SYN, "starts with" },
		{ "[]", POLICY_FAULT_JSON, SYN, "starts with" },
		{ "{", POLICY_FAULT_JSON, SYN, "string was expected" },
		{ "{'Statement'}", POLICY_FAULT_JSON, SYN, "':' was expected" },
		{ ST(OKA "," OKR) "x", POLICY_FAULT_JSON, SYN, "follows" },
		{ "{'Version':'2012-10-17' 'Statement':[]}", POLICY_FAULT_JSON, SYN, "',' or '}'" },
		{ ST(OKA "," OKR ","), POLICY_FAULT_JSON, SYN, "string was expected" },
		{ "{'Statement':[{" OKA "," OKR "},]}", POLICY_FAULT_SYNTAX, SYN, "object was expected" },
		{ "{'Statement':[{" OKA "," OKR "}{}]}", POLICY_FAULT_JSON, SYN, "',' or ']'" },
		{ ST("'Effect':'All\\ow'"), POLICY_FAULT_JSON, SYN, "escape" },
		{ ST("'Effect':'\\ud800'"), POLICY_FAULT_JSON, SYN, "escape" },
		{ ST("'Effect':'\\udc00\\ud800'"), POLICY_FAULT_JSON, SYN, "escape" },
		{ ST("'Effect':'Al\nlow'"), POLICY_FAULT_JSON, SYN, "control character" },
		{ ST("'Effect':'Allow"), POLICY_FAULT_JSON, SYN, "not closed" },
		{ "{'Statement", POLICY_FAULT_JSON, SYN, "not closed" },
		{ "{'Statement':{'Sid':'\xff'}}", POLICY_FAULT_JSON, SYN, "UTF-8" },
		{ ST(OKA "," OKR ",'Condition':{'NumericEquals':{'a:b':01}}"), POLICY_FAULT_JSON, SYN, "number" },
		{ ST(OKA "," OKR ",'Condition':{'NumericEquals':{'a:b':1e3}}"), POLICY_FAULT_JSON, SYN, "exponent" },
		{ ST(OKA "," OKR ",'Condition':{'Bool':{'a:b':tru}}"), POLICY_FAULT_JSON, SYN, "not a JSON value" },
		{ ST(OKA "," OKR ",'Condition':{'Bool':{'a:b':null}}"), POLICY_FAULT_SYNTAX, SYN,
		  "string, number or boolean" },
	};
	refused(all, COUNT(all), POLICY_IDENTITY);
}

static void what_is_not_a_policy_is_refused(void)
{
	static const struct refusal all[] = {
		{ "{}", POLICY_FAULT_SYNTAX, SYN, "no Statement" },
		{ "{'Statement':[]}", POLICY_FAULT_SYNTAX, SYN, "no statement" },
		{ "{'Statement':'x'}", POLICY_FAULT_SYNTAX, SYN, "object was expected" },
		{ "{'Statements':[]}", POLICY_FAULT_SYNTAX, SYN, "no element \"Statements\"" },
		{ "{'Version':'2012-10-18','Statement':{}}", POLICY_FAULT_VERSION, SYN, "2012-10-17" },
		{ "{'Version':2012,'Statement':{}}", POLICY_FAULT_JSON, SYN, "string" },
		{ "{'Version':'2012-10-17','Version':'2012-10-17','Statement':{" OKA "," OKR "}}", POLICY_FAULT_SYNTAX,
		  SYN, "twice" },
		{ ST(OKA "," OKR ",'Effect':'Allow'"), POLICY_FAULT_SYNTAX, SYN, "Effect comes twice" },
		{ ST(OKA "," OKR ",'NotAction':'s3:*'"), POLICY_FAULT_SYNTAX, SYN, "counterpart" },
		{ ST(OKA "," OKR ",'NotResource':'*'"), POLICY_FAULT_SYNTAX, SYN, "counterpart" },
		{ ST(OKA "," OKR ",'Actions':'*'"), POLICY_FAULT_SYNTAX, SYN, "no element \"Actions\"" },
		{ ST(OKA "," OKR ",'effect':'Allow'"), POLICY_FAULT_SYNTAX, SYN, "no element" },
		{ ST("'Action':'s3:*'," OKR), POLICY_FAULT_EFFECT, SYN, "no Effect" },
		{ ST("'Effect':'allow','Action':'s3:*'," OKR), POLICY_FAULT_EFFECT, SYN, "Allow or Deny" },
		{ ST(OKA "," OKR ",'Sid':'a b'"), POLICY_FAULT_SID, "alpha-numeric", "Sid" },
		{ "{'Statement':[{'Sid':'A'," OKA "," OKR "},{'Sid':'A'," OKA "," OKR "}]}", POLICY_FAULT_SID,
		  "must be unique", "twice" },
		{ ST(OKA "," OKR ",'Principal':'*'"), POLICY_FAULT_PRINCIPAL, "should not specify a principal",
		  "principal" },
	};
	refused(all, COUNT(all), POLICY_IDENTITY);
}

static void actions_are_vendor_and_name(void)
{
	static const struct refusal all[] = {
		{ ST("'Effect':'Allow'," OKR), POLICY_FAULT_NO_ACTION, "Policy statement must contain actions.",
		  "neither" },
		{ ST("'Effect':'Allow','Action':[]," OKR), POLICY_FAULT_NO_ACTION,
		  "Policy statement must contain actions.", "empty" },
		{ ST("'Effect':'Allow','Action':'GetObject'," OKR), POLICY_FAULT_ACTION, "must be prefaced by a vendor",
		  "GetObject" },
		{ ST("'Effect':'Allow','Action':''," OKR), POLICY_FAULT_ACTION, "must be prefaced by a vendor",
		  "form" },
		{ ST("'Effect':'Allow','Action':'s3:'," OKR), POLICY_FAULT_ACTION, "must be prefaced by a vendor",
		  "form" },
		{ ST("'Effect':'Allow','Action':'**'," OKR), POLICY_FAULT_ACTION, "must be prefaced by a vendor",
		  "form" },
		{ ST("'Effect':'Allow','Action':'s3:Get:Object'," OKR), POLICY_FAULT_ACTION, "only one colon",
		  "colon" },
		{ ST("'Effect':'Allow','Action':'s_3:Get'," OKR), POLICY_FAULT_ACTION, "Vendor s_3 is not valid",
		  "vendor" },
		{ ST("'Effect':'Allow','Action':'s*:Get'," OKR), POLICY_FAULT_ACTION, "Vendor s* is not valid",
		  "vendor" },
		{ ST("'Effect':'Allow','Action':'s3:Get Object'," OKR), POLICY_FAULT_ACTION, SYN, "character" },
		{ ST("'Effect':'Allow','Action':{}," OKR), POLICY_FAULT_SYNTAX, SYN, "string was expected" },
		{ ST("'Effect':'Allow','Action':[1]," OKR), POLICY_FAULT_SYNTAX, SYN, "string was expected" },
		{ ST("'Effect':'Allow','Action':[['s3:*']]," OKR), POLICY_FAULT_SYNTAX, SYN, "string was expected" },
	};
	refused(all, COUNT(all), POLICY_IDENTITY);
}

static void resources_are_arns(void)
{
	static const struct refusal all[] = {
		{ ST(OKA), POLICY_FAULT_NO_RESOURCE, "Policy statement must contain resources.", "neither" },
		{ ST(OKA ",'Resource':[]"), POLICY_FAULT_NO_RESOURCE, "Policy statement must contain resources.",
		  "empty" },
		{ ST(OKA ",'Resource':'bucket'"), POLICY_FAULT_RESOURCE,
		  "Resource bucket must be in ARN format or \"*\".", "neither" },
		{ ST(OKA ",'Resource':''"), POLICY_FAULT_RESOURCE, "must be in ARN format", "neither" },
		{ ST(OKA ",'Resource':'a:b'"), POLICY_FAULT_RESOURCE, "must be in ARN format", "neither" },
		{ ST(OKA ",'Resource':'arn:x:s3:::b'"), POLICY_FAULT_RESOURCE,
		  "Partition \"x\" is not valid for resource \"arn:x:s3:::b\".", "partition" },
		{ ST(OKA ",'Resource':'arn:*:s3:::b'"), POLICY_FAULT_RESOURCE, "Partition \"*\"", "partition" },
		{ ST(OKA ",'Resource':'arn:aws'"), POLICY_FAULT_RESOURCE, "vendor must be fully qualified", "service" },
		{ ST(OKA ",'Resource':'arn:aws:s3'"), POLICY_FAULT_RESOURCE, "vendor must be fully qualified",
		  "service" },
		{ ST(OKA ",'Resource':'arn:aws:s*:::b'"), POLICY_FAULT_RESOURCE, "cannot contain regexes", "service" },
		{ ST(OKA ",'Resource':'arn:aws:iam:us-east-1:111122223333:role/x'"), POLICY_FAULT_RESOURCE,
		  "IAM resource arn:aws:iam:us-east-1:111122223333:role/x cannot contain region information.",
		  "region" },
		{ ST(OKA ",'Resource':'arn:aws:s3::bucket'"), POLICY_FAULT_RESOURCE, "The policy failed legacy parsing",
		  "too few colons" },
		{ ST(OKA ",'Resource':['*','arn:aws:s3:us-east-1::bucket']"), POLICY_FAULT_RESOURCE,
		  "Resource arn:aws:s3:us-east-1::bucket can not contain region information.", "region" },
		{ ST(OKA ",'NotResource':'arn:aws:iam::111122223333:bucket'"), POLICY_FAULT_RESOURCE,
		  "IAM resource path must either be \"*\", root, or start with user/, federated-user/, role/, group/, "
		  "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, "
		  "report/, access-report/.",
		  "type" },
		{ ST(OKA ",'Resource':'arn:aws:iam::111122223333:*/x'"), POLICY_FAULT_RESOURCE, "IAM resource path",
		  "type" },
		{ ST(OKA ",'Resource':'arn:aws:s3:::${aws:username'"), POLICY_FAULT_SYNTAX, SYN, "not closed" },
		{ ST(OKA ",'Resource':'arn:aws:s3:::${}'"), POLICY_FAULT_SYNTAX, SYN, "no name" },
		{ ST(OKA ",'Resource':'arn:aws:s3:::${a:b, c}'"), POLICY_FAULT_SYNTAX, SYN, "single quotes" },
		{ ST(OKA ",'Resource':'arn:aws:sqs:${aws:RequestedRegion}:1:q'"), POLICY_FAULT_RESOURCE,
		  "legacy parsing", "fifth colon" },
		{ ST(OKA ",'Resource':'arn:aws:s3:::${a:1}${a:1}${a:1}${a:1}${a:1}${a:1}${a:1}${a:1}${a:1}${a:1}${a:1}$"
			 "{a:1}${a:1}"
			 "${a:1}${a:1}${a:1}${a:1}'"),
		  POLICY_FAULT_SIZE, SYN, "too many" },
	};
	refused(all, COUNT(all), POLICY_IDENTITY);
}

static void conditions_are_known_and_well_formed(void)
{
#define C(inside) ST(OKA "," OKR ",'Condition':{" inside "}")
	static const struct refusal all[] = {
		{ C("'StringMatches':{'a:b':'x'}"), POLICY_FAULT_CONDITION, SYN, "no condition operator" },
		{ C("'stringequals':{'a:b':'x'}"), POLICY_FAULT_CONDITION, SYN, "no condition operator" },
		{ C("'NullIfExists':{'a:b':'true'}"), POLICY_FAULT_CONDITION, SYN, "no condition operator" },
		{ C("'ForSomeValues:StringEquals':{'a:b':'x'}"), POLICY_FAULT_CONDITION, SYN, "no condition operator" },
		{ C("'StringEquals':{'ab':'x'}"), POLICY_FAULT_CONDITION, "must be prefaced by a vendor",
		  "vendor:key" },
		{ C("'StringEquals':{'a:b':[]}"), POLICY_FAULT_CONDITION, SYN, "no value" },
		{ C("'StringEquals':{'a:b':'x','a:b':'y'}"), POLICY_FAULT_SYNTAX, SYN, "twice" },
		{ C("'StringEquals':{'a:b':'x'},'StringEquals':{'a:c':'y'}"), POLICY_FAULT_SYNTAX, SYN, "twice" },
		{ C("'StringEquals':{},'StringEquals':{'a:c':'y'}"), POLICY_FAULT_SYNTAX, SYN, "twice" },
		{ C("'StringEquals':'x'"), POLICY_FAULT_SYNTAX, SYN, "object was expected" },
		{ C("'StringEquals':{'a:b':{'c':'d'}}"), POLICY_FAULT_SYNTAX, SYN, "string, number or boolean" },
		{ C("'NumericEquals':{'a:b':'ten'}"), POLICY_FAULT_CONDITION, SYN, "decimal number" },
		{ C("'DateEquals':{'a:b':'today'}"), POLICY_FAULT_CONDITION, SYN, "ISO 8601" },
		{ C("'Bool':{'a:b':'yes'}"), POLICY_FAULT_CONDITION, SYN, "true nor false" },
		{ C("'Null':{'a:b':'maybe'}"), POLICY_FAULT_CONDITION, SYN, "true nor false" },
		{ C("'BinaryEquals':{'a:b':'***'}"), POLICY_FAULT_CONDITION, SYN, "base64" },
		{ C("'IpAddress':{'a:b':'10.0.0.0/33'}"), POLICY_FAULT_CONDITION, SYN, "IP address" },
		{ C("'StringLike':{'a:b':'${x'}"), POLICY_FAULT_SYNTAX, SYN, "not closed" },
	};
	refused(all, COUNT(all), POLICY_IDENTITY);
}

static void principals_are_named_in_full(void)
{
#define PR_(inside) ST(OKA "," OKR ",'Principal':" inside)
	static const struct refusal all[] = {
		{ ST(OKA "," OKR), POLICY_FAULT_NO_PRINCIPAL, "Missing required field Principal", "whom" },
		{ PR_("'alice'"), POLICY_FAULT_PRINCIPAL, "invalid principals", "must be" },
		{ PR_("{}"), POLICY_FAULT_PRINCIPAL, SYN, "nobody" },
		{ PR_("{'AWS':[]}"), POLICY_FAULT_PRINCIPAL, SYN, "empty" },
		{ PR_("{'aws':'*'}"), POLICY_FAULT_PRINCIPAL, SYN, "each once" },
		{ PR_("{'AWS':'*','AWS':'*'}"), POLICY_FAULT_PRINCIPAL, SYN, "each once" },
		{ PR_("{'AWS':'arn:aws:iam::111122223333:user/*'}"), POLICY_FAULT_PRINCIPAL, "invalid principals",
		  "wildcard" },
		{ PR_("{'AWS':'arn:aws:iam::111122223333:group/g'}"), POLICY_FAULT_PRINCIPAL, "invalid principals",
		  "not the ARN" },
		{ PR_("{'AWS':'arn:aws:iam::111122223333:user/'}"), POLICY_FAULT_PRINCIPAL, "invalid principals",
		  "not the ARN" },
		{ PR_("{'AWS':'arn:aws:iam::1:user/a'}"), POLICY_FAULT_PRINCIPAL, "invalid principals", "not the ARN" },
		{ PR_("{'AWS':'arn:aws:sts::111122223333:user/a'}"), POLICY_FAULT_PRINCIPAL, "invalid principals",
		  "not the ARN" },
		{ PR_("{'AWS':'1111'}"), POLICY_FAULT_PRINCIPAL, "invalid principals", "neither" },
		{ PR_("{'Service':'ec2'}"), POLICY_FAULT_PRINCIPAL, "invalid principals", "service" },
		{ PR_("{'Service':'*'}"), POLICY_FAULT_PRINCIPAL, "invalid principals", "service" },
		{ PR_("{'Federated':'*'}"), POLICY_FAULT_PRINCIPAL, "invalid principals", "provider" },
		{ PR_("{'CanonicalUser':'abc'}"), POLICY_FAULT_PRINCIPAL, "invalid principals", "64" },
		{ ST(OKA "," OKR ",'NotPrincipal':'*'"), POLICY_FAULT_PRINCIPAL, SYN, "must be used with Effect Deny" },
	};
	refused(all, COUNT(all), POLICY_RESOURCE);
}

static void trust_policies_speak_of_sts_alone(void)
{
#define TR "'Effect':'Allow','Principal':{'AWS':'111122223333'},"
	static const struct refusal all[] = {
		{ ST(TR "'Action':'sts:AssumeRole','Resource':'*'"), POLICY_FAULT_RESOURCE,
		  "Has prohibited field Resource", "role" },
		{ ST(TR "'Action':'s3:GetObject'"), POLICY_FAULT_ACTION, "may only specify STS AssumeRole actions",
		  "s3:GetObject" },
		{ ST(TR "'Action':'*'"), POLICY_FAULT_ACTION, "may only specify STS AssumeRole actions", "*" },
		{ ST(TR "'NotAction':'sts:TagSession'"), POLICY_FAULT_ACTION, "may only specify STS AssumeRole actions",
		  "TagSession" },
		{ ST("'Effect':'Allow','Action':'sts:AssumeRole'"), POLICY_FAULT_NO_PRINCIPAL,
		  "Missing required field Principal", "whom" },
		{ ST("'Effect':'Deny','Action':'sts:AssumeRole','NotPrincipal':{'AWS':'111122223333'}"),
		  POLICY_FAULT_PRINCIPAL, "NotPrincipal", "cannot be used" },
		{ ST("'Effect':'Allow','Action':'sts:AssumeRole','Principal':{'AWS':'bob'}"), POLICY_FAULT_PRINCIPAL,
		  "Invalid principal in policy: \"AWS\":\"bob\"", "neither" },
	};
	refused(all, COUNT(all), POLICY_TRUST);
	static const struct refusal form[] = {
		{ "{", POLICY_FAULT_JSON, "This policy contains invalid Json", "" },
		{ "{}", POLICY_FAULT_SYNTAX, "Missing required field Statement", "no Statement" },
		{ "{'statement':[]}", POLICY_FAULT_SYNTAX, "Unknown field statement", "no element" },
		{ ST(TR "'Action':'sts:AssumeRole','Foo':1"), POLICY_FAULT_SYNTAX, "Unknown field Foo", "no element" },
		{ ST("'Principal':'*','Action':'sts:AssumeRole'"), POLICY_FAULT_EFFECT, "Missing required field Effect",
		  "no Effect" },
		{ ST("'Principal':'*','Effect':'Allow'"), POLICY_FAULT_NO_ACTION, "Missing required field Action",
		  "neither" },
	};
	refused(form, COUNT(form), POLICY_TRUST);
	static const struct refusal rcp[] = {
		{ ST(OKA "," OKR ",'Principal':{'AWS':'111122223333'}"), POLICY_FAULT_PRINCIPAL, SYN, "must be \"*\"" },
	};
	refused(rcp, COUNT(rcp), POLICY_RCP);
}

static void an_error_says_where(void)
{
	struct policy *p = NULL;
	struct policy_error err;
	EXPECT_ERR(compile("{\n  'Version': '2012-10-17',\n  'Statement': {\n    'Effect': 'Maybe'\n  }\n}",
			   POLICY_IDENTITY, &p, &err),
		   E_INVALID);
	EXPECT(err.line == 4 && err.column == 15);
	EXPECT_ERR(compile("{", POLICY_IDENTITY, &p, NULL), E_INVALID);
}

static void a_document_may_not_be_too_large(void)
{
	struct policy *p = NULL;
	struct policy_error err;
	char *big = HEAPS(char, POLICY_TEXT_MAX + 1);
	memset(big, ' ', POLICY_TEXT_MAX + 1);
	EXPECT_ERR(policy_compile(str_make(big, POLICY_TEXT_MAX + 1), POLICY_IDENTITY, &p, &err), E_TOO_BIG);
	EXPECT(err.fault == POLICY_FAULT_SIZE);
	heap_free(big);
}

static void quotas_do_not_count_white_space(void)
{
	EXPECT(policy_quota_size(S("")) == 0);
	EXPECT(policy_quota_size(S("{ \"a\" :\t[\r\n]}")) == 8);
	EXPECT(policy_quota_size(S("\xc3\xa9 \xc3\xa9")) == 2);
}

static void a_compiled_document_can_be_walked(void)
{
	struct policy *p = NULL;
	struct str name;
	size_t it = 0;
	EXPECT_OK(compile(
	    "{'Id':'the "
	    "id','Statement':[{'Sid':'One','Effect':'Allow','Principal':{'AWS':['arn:aws:iam::111122223333:root','*']},"
	    "'Action':['S3:Get*','s3:Put\\u004fbject'],'NotResource':'arn:aws:s3:::b/${aws:username}/*',"
	    "'Condition':{'ForAnyValue:StringLikeIfExists':{'aws:TagKeys':['a','b']}}},"
	    "{'Effect':'Deny','Principal':'*','NotAction':'s3:*','Resource':['arn:aws:s3:::b/"
	    "*','*']}],'Version':'2012-10-17'}",
	    POLICY_RESOURCE, &p, NULL));
	EXPECT(policy_statement_count(p) == 2 && policy_is_2012(p) && policy_kind_of(p) == POLICY_RESOURCE);
	EXPECT_STR(policy_id(p), S("the id"));
	EXPECT(policy_bytes(p) > policy_text(p).n);
	struct policy_statement s = policy_statement_at(p, 0);
	EXPECT_STR(s.sid, S("One"));
	EXPECT(!s.deny && s.not_resource && !s.not_action && s.principals == 2 && s.actions == 2 && s.resources == 1 &&
	       s.conditions == 1);
	EXPECT(policy_text(p).p[s.begin] == '{' && policy_text(p).p[s.end - 1] == '}' &&
	       policy_text(p).p[s.end] == ',');
	EXPECT(policy_principal_at(p, 0, 0).type == POLICY_P_ACCOUNT &&
	       policy_principal_at(p, 0, 1).type == POLICY_P_EVERYONE);
	EXPECT_STR(policy_principal_at(p, 0, 0).value, S("111122223333"));
	EXPECT_STR(policy_action_at(p, 0, 0), S("S3:Get*"));
	EXPECT_STR(policy_action_at(p, 0, 1), S("s3:PutObject"));
	EXPECT_STR(policy_resource_at(p, 0, 0), S("arn:aws:s3:::b/${aws:username}/*"));
	EXPECT_STR(policy_resource_at(p, 1, 0), S("arn:aws:s3:::b/*"));
	EXPECT_STR(policy_resource_at(p, 1, 1), S("*"));
	EXPECT_STR(policy_condition_at(p, 0, 0).op, S("ForAnyValue:StringLikeIfExists"));
	EXPECT_STR(policy_condition_at(p, 0, 0).key, S("aws:TagKeys"));
	EXPECT_STR(policy_condition_value(p, 0, 0, 1), S("b"));
	EXPECT(policy_context_key_next(p, &it, &name) && str_eq(name, S("aws:TagKeys")));
	EXPECT(policy_context_key_next(p, &it, &name) && str_eq(name, S("aws:username")));
	EXPECT(!policy_context_key_next(p, &it, &name) && !policy_context_key_next(p, &it, &name));
	s = policy_statement_at(p, 1);
	EXPECT(s.sid.p == NULL && s.deny && s.not_action && s.index == 1);
	policy_unref(policy_ref(p));
	policy_unref(p);
	policy_unref(NULL);
}

RUN_ALL(T(documents_of_every_shape_are_accepted), T(what_is_not_strict_json_is_refused),
	T(what_is_not_a_policy_is_refused), T(actions_are_vendor_and_name), T(resources_are_arns),
	T(conditions_are_known_and_well_formed), T(principals_are_named_in_full), T(trust_policies_speak_of_sts_alone),
	T(an_error_says_where), T(a_document_may_not_be_too_large), T(quotas_do_not_count_white_space),
	T(a_compiled_document_can_be_walked))
