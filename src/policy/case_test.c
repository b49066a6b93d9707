/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases: what a file gives comes to the decision, what it misspells is an error in its place,
 * and a decision is explained statement by statement. ' stands for ".
 */
#include "policy/case.h"
#include "base/str.h"
#include "base/test.h"

#define READS                                                                                          \
	"{'Version':'2012-10-17','Statement':[{'Sid':'Read','Effect':'Allow','Action':'s3:GetObject'," \
	"'Resource':'arn:aws:s3:::b/${aws:PrincipalTag/team}/*'}]}"
#define ANN "'principal':{'arn':'arn:aws:iam::111122223333:user/team/ann','tags':{'team':'red'}}"

static struct str quoted(struct arena *mem, const char *text)
{
	char *z = str_z(mem, str_of(text));
	for (char *p = z; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return str_of(z);
}

static struct status load(void *arg, struct arena *mem, struct str path, struct str *text)
{
	(void)arg;
	if (!str_eq(path, S("reads.json")))
		return ERR(E_NOT_FOUND);
	*text = quoted(mem, READS);
	return OK;
}

static struct status read(struct policy_cases *cs, const char *text, struct policy_case_error *err)
{
	*cs = (struct policy_cases){ .mem = arena_new(), .load = load };
	return policy_cases_read(cs, S("t.json"), quoted(cs->mem, text), err);
}

static void done(struct policy_cases *cs)
{
	policy_cases_free(cs);
	arena_free(cs->mem);
}

static struct policy_decision decide(const struct policy_case *c)
{
	struct policy_request rq = policy_case_ask(c, c->actions.v[0], c->resources.v[0]);
	return policy_decide(&rq);
}

static void expect_verdict(const char *members, enum policy_verdict verdict, enum policy_kind by)
{
	char text[4000];
	struct policy_cases cs;
	struct policy_case_error err;
	snprintf(text, sizeof text, "[{%s,'expect':'deny'}]", members);
	struct status st = read(&cs, text, &err);
	if (failed(st))
		printf("# %u:%u %.*s\n", err.line, err.column, PR(err.why));
	EXPECT_OK(st);
	struct policy_decision d = decide(&cs.v[0]);
	if (d.verdict != verdict || d.by != by)
		printf("# %s: verdict %d by %d\n", members, d.verdict, d.by);
	EXPECT(d.verdict == verdict && d.by == by);
	done(&cs);
}

#define GET      "'action':'s3:GetObject','resource':'arn:aws:s3:::b/red/x'"
#define ALL      "{'Statement':{'Effect':'Allow','Action':'*','Resource':'*'}}"
#define NONE     "{'Statement':{'Effect':'Deny','Action':'*','Resource':'*'}}"
#define OPEN     "{'Statement':{'Effect':'Allow','Principal':'*','Action':'*','Resource':'*'}}"
#define TO(p)    "{'Statement':{'Effect':'Allow','Principal':" p ",'Action':'*','Resource':'*'}}"
#define TRUST(p) "{'Statement':{'Effect':'Allow','Principal':" p ",'Action':'sts:AssumeRole'}}"

static void policies_of_every_kind_take_part(void)
{
	expect_verdict(ANN "," GET ",'policies':{'identity':" READS "}", POLICY_ALLOW, POLICY_IDENTITY);
	expect_verdict(ANN "," GET ",'policies':{'identity':['reads.json'," READS "]}", POLICY_ALLOW, POLICY_IDENTITY);
	expect_verdict(ANN "," GET ",'policies':{}", POLICY_IMPLICIT_DENY, POLICY_IDENTITY);
	expect_verdict(ANN "," GET, POLICY_IMPLICIT_DENY, POLICY_IDENTITY);
	expect_verdict(ANN "," GET ",'policies':{'identity':" ALL ",'boundary':" NONE "}", POLICY_EXPLICIT_DENY,
		       POLICY_BOUNDARY);
	expect_verdict(ANN "," GET ",'policies':{'identity':" ALL ",'session':[" NONE "]}", POLICY_EXPLICIT_DENY,
		       POLICY_SESSION);
	expect_verdict(ANN "," GET ",'policies':{'resource':" OPEN "}", POLICY_ALLOW, POLICY_RESOURCE);
	expect_verdict(ANN "," GET ",'policies':{'identity':" ALL ",'endpoint':" TO("'*'") "}", POLICY_ALLOW,
		       POLICY_IDENTITY);
	expect_verdict(ANN "," GET ",'policies':{'identity':" ALL ",'scp':[" ALL ",[" READS "]]}", POLICY_ALLOW,
		       POLICY_IDENTITY);
	expect_verdict(ANN "," GET ",'policies':{'identity':" ALL ",'scp':[" ALL ",[]]}", POLICY_IMPLICIT_DENY,
		       POLICY_SCP);
	expect_verdict(ANN "," GET ",'policies':{'identity':" ALL ",'rcp':[[" OPEN "],[]]}", POLICY_IMPLICIT_DENY,
		       POLICY_RCP);
	expect_verdict(
	    ANN
	    ",'action':'kms:Decrypt','resource':'arn:aws:kms:us-east-1:111122223333:key/k','policies':{'identity':" ALL
	    ",'key':" TO("{'AWS':'444455556666'}") "}",
	    POLICY_IMPLICIT_DENY, POLICY_RESOURCE);
	expect_verdict(
	    ANN ",'action':'sts:AssumeRole','resource':'arn:aws:iam::111122223333:role/r','policies':{'trust':" TRUST(
		"{'AWS':'arn:aws:iam::111122223333:user/team/ann'}") "}",
	    POLICY_ALLOW, POLICY_TRUST);
}

static void principals_of_every_kind_ask(void)
{
	expect_verdict("'principal':'anonymous'," GET ",'policies':{'resource':" OPEN "}", POLICY_ALLOW,
		       POLICY_RESOURCE);
	expect_verdict("'principal':'arn:aws:iam::111122223333:root'," GET, POLICY_ALLOW, POLICY_NONE);
	expect_verdict("'principal':'arn:aws:iam::111122223333:role/p/r'," GET
		       ",'policies':{'resource':" TO("{'AWS':'arn:aws:iam::111122223333:role/p/r'}") "}",
		       POLICY_ALLOW, POLICY_RESOURCE);
	expect_verdict("'principal':{'arn':'arn:aws:iam::111122223333:role/p/r','session':'s'}," GET
		       ",'policies':{'resource':" TO("{'AWS':'arn:aws:sts::111122223333:assumed-role/r/s'}") "}",
		       POLICY_ALLOW, POLICY_RESOURCE);
	expect_verdict("'principal':'arn:aws:sts::111122223333:assumed-role/r/s'," GET
		       ",'policies':{'resource':" TO("{'AWS':'arn:aws:iam::111122223333:role/r'}") "}",
		       POLICY_ALLOW, POLICY_RESOURCE);
	expect_verdict("'principal':'ec2.amazonaws.com'," GET
		       ",'policies':{'resource':" TO("{'Service':'ec2.amazonaws.com'}") "}",
		       POLICY_ALLOW, POLICY_RESOURCE);
	expect_verdict("'principal':{'provider':'accounts.google.com'}," GET
		       ",'policies':{'resource':" TO("{'Federated':'accounts.google.com'}") "}",
		       POLICY_ALLOW, POLICY_RESOURCE);
	expect_verdict("'principal':{'arn':'arn:aws:sts::111122223333:federated-user/"
		       "f','user':'arn:aws:iam::111122223333:user/u'}," GET ",'policies':{'identity':" ALL "}",
		       POLICY_IMPLICIT_DENY, POLICY_SESSION);
	expect_verdict(ANN "," GET ",'resource-account':'444455556666','policies':{'identity':" ALL "}",
		       POLICY_IMPLICIT_DENY, POLICY_RESOURCE);
	expect_verdict(ANN "," GET ",'granted':true,'resource-account':'444455556666'", POLICY_ALLOW, POLICY_NONE);
}

static void the_context_is_what_is_given(void)
{
#define IF(c) "'policies':{'identity':{'Statement':{'Effect':'Allow','Action':'*','Resource':'*','Condition':{" c "}}}}"
	expect_verdict(ANN "," GET
			   ",'context':{'aws:SourceIp':'10.1.2.3'}," IF("'IpAddress':{'aws:SourceIp':'10.0.0.0/8'}"),
		       POLICY_ALLOW, POLICY_IDENTITY);
	expect_verdict(ANN "," GET
			   ",'context':{'aws:SecureTransport':true}," IF("'Bool':{'aws:SecureTransport':'true'}"),
		       POLICY_ALLOW, POLICY_IDENTITY);
	expect_verdict(
	    ANN "," GET ",'context':{'aws:TagKeys':['a','b']}," IF("'ForAllValues:StringEquals':{'aws:TagKeys':'a'}"),
	    POLICY_IMPLICIT_DENY, POLICY_IDENTITY);
	expect_verdict(ANN "," GET "," IF("'StringEquals':{'aws:username':'ann'}"), POLICY_ALLOW, POLICY_IDENTITY);
}

static void defaults_fill_in_what_a_case_leaves_out(void)
{
	struct policy_cases cs;
	struct policy_case_error err;
	EXPECT_OK(read(&cs,
		       "{'defaults':{" ANN ",'action':'s3:GetObject','policies':{'identity':'reads.json'},'context':"
		       "{'aws:SourceIp':'1.2.3.4'}},'cases':[{'resource':'arn:aws:s3:::b/red/x','expect':'allow'},"
		       "{'name':'blue','resource':['arn:aws:s3:::b/blue/x','*'],'policies':{'boundary':" ALL "},"
		       "'expect':'implicit-deny','by':'identity'}]}",
		       &err));
	EXPECT(cs.n == 2 && cs.v[0].allow && decide(&cs.v[0]).verdict == POLICY_ALLOW);
	EXPECT_STR(cs.v[0].name, S("line 1"));
	EXPECT_STR(cs.v[1].name, S("blue"));
	EXPECT(cs.v[1].resources.n == 2 && cs.v[1].implicit_deny && !cs.v[1].explicit_deny &&
	       cs.v[1].by == POLICY_IDENTITY);
	EXPECT(cs.v[1].rq.boundary != NULL && decide(&cs.v[1]).verdict == POLICY_IMPLICIT_DENY);
	done(&cs);
}

static void what_is_wrong_is_an_error_in_its_place(void)
{
#define X "'expect':'allow'"
	static const struct {
		const char *text, *why;
		uint32_t line, column;
	} cases[] = {
		{ "", "the text ends where a value was expected", 1, 1 },
		{ "[]", "there is no case in it", 1, 1 },
		{ "{'case':[]}", "a file of cases has no member \"case\"", 1, 2 },
		{ "{'cases':{}}", "\"cases\" is a list of cases", 1, 10 },
		{ "[{\n" ANN "," GET ",'expcet':'allow'}]", "a case has no member \"expcet\"", 2, 143 },
		{ "[{" ANN "," GET "}]", "the case does not say what it expects", 1, 2 },
		{ "[{" ANN "," GET ",'expect':'yes'}]", "\"expect\" is allow, deny, implicit-deny or explicit-deny", 1,
		  154 },
		{ "[{" GET "," X "}]", "the case has no principal", 1, 2 },
		{ "[{'principal':'ann'," GET "," X "}]",
		  "\"ann\" is not the ARN of a user, role, session, root or federated user, a service's name, or "
		  "anonymous",
		  1, 15 },
		{ "[{'principal':{'session':'s'}," GET "," X "}]", "a principal has an arn, a service or a provider", 1,
		  15 },
		{ "[{" ANN "," X "}]", "the case names no action", 1, 2 },
		{ "[{'action':'s3:Get*'," ANN "," X "}]", "an action is of the form service:Name, without wildcards", 1,
		  12 },
		{ "[{'context':{'SourceIp':1}," ANN "," GET "," X "}]", "a condition key is of the form service:name",
		  1, 14 },
		{ "[{'context':{'aws:SourceIp':null}," ANN "," GET "," X "}]",
		  "a value is a string, a number or a boolean, not null", 1, 29 },
		{ "[{'policies':{'identities':[]}," ANN "," GET "," X "}]", "\"policies\" has no member \"identities\"",
		  1, 15 },
		{ "[{'policies':{'identity':'gone.json'}," ANN "," GET "," X "}]", "gone.json cannot be read", 1, 26 },
		{ "[{'policies':{'scp':" ALL "}," ANN "," GET "," X "}]",
		  "a list of levels was expected, not an object", 1, 21 },
		{ "[{'policies':{'identity':{'Statement':\n{'Effect':'Permit'}}}," ANN "," GET "," X "}]",
		  "Effect must be Allow or Deny, not \"Permit\"", 2, 11 },
		{ "[{" ANN "," GET ",'by':'luck'," X "}]",
		  "\"by\" is a kind of policy: identity, boundary, session, resource, trust, endpoint, scp or rcp", 1,
		  150 },
		{ "{'defaults':{'name':'x'},'cases':[{}]}", "\"defaults\" has no member \"name\"", 1, 14 },
		{ "[{'action':'a:B','action':'a:C'," ANN "," X "}]", "\"action\" comes twice", 1, 18 },
	};
	size_t bad = 0;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct policy_cases cs;
		struct policy_case_error err = { 0 };
		EXPECT_ERR(read(&cs, cases[i].text, &err), E_INVALID);
		bool good =
		    str_eq(err.why, str_of(cases[i].why)) && err.line == cases[i].line && err.column == cases[i].column;
		if (!good)
			printf("# %s\n# %u:%u %.*s\n", cases[i].text, err.line, err.column, PR(err.why));
		bad += !good;
		done(&cs);
	}
	EXPECT(bad == 0);
}

static void a_decision_is_told_in_full(void)
{
	static const char want[] = "DENIED  User: arn:aws:iam::111122223333:user/team/ann is not authorized to "
				   "perform: s3:PutObject on resource: "
				   "arn:aws:s3:::b/red/x with an explicit deny in an identity-based policy\n"
				   "├─ service control policy\n"
				   "│  ├─ level 1: t.json\n"
				   "│  │  └─ 4:23 Allow: matches\n"
				   "│  └─ level 2: t.json\n"
				   "│     └─ 4:85 Allow: matches\n"
				   "├─ resource-based policy: none\n"
				   "├─ identity-based policy\n"
				   "│  ├─ reads.json\n"
				   "│  │  └─ 1:38 Allow \"Read\": not about this action: s3:GetObject\n"
				   "│  └─ t.json\n"
				   "│     ├─ 3:54 Deny \"Net\": its condition does not hold: NotIpAddress aws:SourceIp "
				   "\"10.0.0.0/8\"; the request has "
				   "\"10.1.1.1\"\n"
				   "│     ├─ 3:171 Deny \"Mfa\": its condition does not hold: Bool "
				   "aws:MultiFactorAuthPresent \"false\"; the request does "
				   "not have it\n"
				   "│     └─ 3:289 Deny \"All\": matches\n"
				   "├─ permissions boundary: none\n"
				   "└─ session policy: none\n";
	struct policy_cases cs;
	struct policy_case_error err;
	EXPECT_OK(read(
	    &cs,
	    "[{" ANN ",'expect':'deny','action':'s3:PutObject','resource':'arn:aws:s3:::b/red/x',\n"
	    "'context':{'aws:SourceIp':'10.1.1.1'},\n"
	    "'policies':{'identity':['reads.json', {'Statement': "
	    "[{'Sid':'Net','Effect':'Deny','Action':'*','Resource':'*',"
	    "'Condition':{'NotIpAddress':{'aws:SourceIp':'10.0.0.0/8'}}},{'Sid':'Mfa','Effect':'Deny','Action':'*',"
	    "'Resource':'*','Condition':{'Bool':{'aws:MultiFactorAuthPresent':'false'}}},{'Sid':'All','Effect':'Deny',"
	    "'Action':'*','Resource':'*'}]}],\n"
	    "  'scp':[" ALL ",[" ALL "]]}}]",
	    &err));
	const struct policy_case *c = &cs.v[0];
	struct policy_request rq = policy_case_ask(c, c->actions.v[0], c->resources.v[0]);
	struct policy_names names = policy_cases_names(&cs);
	struct buf out = buf_in(cs.mem);
	struct policy_decision d = policy_explain(cs.mem, &rq, &names, &out);
	EXPECT(d.verdict == POLICY_EXPLICIT_DENY);
	EXPECT_STR(buf_str(&out), str_of(want));
	EXPECT_STR(policy_verdict_line(cs.mem, &d, &names),
		   S("denied by \"All\" of the identity-based policy (t.json:3:289)"));
	done(&cs);
}

RUN_ALL(T(policies_of_every_kind_take_part), T(principals_of_every_kind_ask), T(the_context_is_what_is_given),
	T(defaults_fill_in_what_a_case_leaves_out), T(what_is_wrong_is_an_error_in_its_place),
	T(a_decision_is_told_in_full))
