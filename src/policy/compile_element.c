/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Principals, actions and resources: checked as AWS checks them, and brought into the
 * form in which they match fast.
 *
 * The sentences are those IAM answers with (MalformedPolicyDocument).
 */
#include "policy/build.h"

/* ---- Principal ---- */

static struct status bad_principal(struct build *b, const struct value *v, const char *type, const char *why)
{
	char aws[256];
	struct str s = pol_chars_of(b, v->s);
	snprintf(aws, sizeof aws, "Invalid principal in policy: \"%s\":\"%.*s\"", type, (int)(s.n < 200 ? s.n : 200),
		 s.p);
	return pol_refuse(b, v->at, POLICY_FAULT_PRINCIPAL,
			  b->kind == POLICY_TRUST ? aws
						  : "Policy contains a statement with one or more invalid principals.",
			  "\"%.*s\" %s", (int)(s.n < 200 ? s.n : 200), s.p, why);
}

static bool has_any(struct str s, const char *set, size_t n)
{
	for (size_t i = 0; i < s.n; i++) {
		if (memchr(set, s.p[i], n) != NULL)
			return true;
	}
	return false;
}

/* AIDA..., AROA..., perhaps with a session's name behind a colon. */
static bool is_unique_id(struct str s)
{
	struct str rest = s, id = str_cut(&rest, ':');
	if (id.n < 16 || id.n > 128 || id.p[0] != 'A')
		return false;
	for (size_t i = 0; i < id.n; i++) {
		if (!char_digit(id.p[i]) && !(id.p[i] >= 'A' && id.p[i] <= 'Z'))
			return false;
	}
	return rest.p == NULL || rest.n > 0;
}

static bool is_principal_arn(const struct arn *a)
{
	static const struct str kinds[] = {
		{ "user/", 5 }, { "role/", 5 }, { "assumed-role/", 13 }, { "federated-user/", 15 }
	};
	bool sts = str_eq(a->service, S("sts"));
	if (!(sts || str_eq(a->service, S("iam"))) || a->region.n > 0 || !account_id_is(a->account))
		return false;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (str_starts(a->resource, kinds[i]) && a->resource.n > kinds[i].n)
			return sts == (i >= 2);
	}
	return false;
}

static struct status aws_principal(struct build *b, const struct value *v)
{
	struct str s = pol_chars_of(b, v->s);
	struct arn a;
	struct prin out = { POLICY_P_ARN, v->s };
	if (str_eq(s, S("*")))
		out.type = POLICY_P_EVERYONE;
	else if (account_id_is(s))
		out.type = POLICY_P_ACCOUNT;
	else if (is_unique_id(s))
		out.type = POLICY_P_UNIQUE_ID;
	else if (has_any(s, "*?", 2))
		return bad_principal(b, v, "AWS", "has a wildcard: a principal is named in full, or is \"*\"");
	else if (failed(arn_parse(s, &a)))
		return bad_principal(b, v, "AWS", "is neither an account, an ARN, a unique id nor \"*\"");
	else if (str_eq(a.service, S("iam")) && str_eq(a.resource, S("root")) && account_id_is(a.account) &&
		 a.region.n == 0)
		out = (struct prin){ POLICY_P_ACCOUNT, { v->s.off + (uint32_t)(a.account.p - s.p), 12 } };
	else if (!is_principal_arn(&a))
		return bad_principal(b, v, "AWS", "is not the ARN of an account, user, role or session");
	*PUSH(b, prins, struct prin) = out;
	return OK;
}

static struct status service_principal(struct build *b, const struct value *v)
{
	struct str s = pol_chars_of(b, v->s);
	for (size_t i = 0; i < s.n; i++) {
		if (!char_alnum(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
			return bad_principal(b, v, "Service", "is not a service's name such as ec2.amazonaws.com");
	}
	if (str_find_char(s, '.') == SIZE_MAX)
		return bad_principal(b, v, "Service", "is not a service's name such as ec2.amazonaws.com");
	*PUSH(b, prins, struct prin) = (struct prin){ POLICY_P_SERVICE, v->s };
	return OK;
}

static struct status federated_principal(struct build *b, const struct value *v)
{
	struct str s = pol_chars_of(b, v->s);
	if (s.n == 0 || has_any(s, "*? \t\n", 5))
		return bad_principal(b, v, "Federated", "is not the name or ARN of an identity provider");
	*PUSH(b, prins, struct prin) = (struct prin){ POLICY_P_FEDERATED, v->s };
	return OK;
}

static struct status canonical_principal(struct build *b, const struct value *v)
{
	struct str s = pol_chars_of(b, v->s);
	bool good = s.n == 64 && b->kind != POLICY_TRUST;
	for (size_t i = 0; i < s.n && good; i++)
		good = char_digit(s.p[i]) || (char_lower(s.p[i]) >= 'a' && char_lower(s.p[i]) <= 'f');
	if (!good)
		return bad_principal(b, v, "CanonicalUser",
				     "is not a canonical user id of 64 hex digits, or cannot be used here");
	*PUSH(b, prins, struct prin) = (struct prin){ POLICY_P_CANONICAL, v->s };
	return OK;
}

static const struct {
	struct str name;
	struct status (*add)(struct build *, const struct value *);
} principal_types[] = {
	{ { "AWS", 3 }, aws_principal },
	{ { "Service", 7 }, service_principal },
	{ { "Federated", 9 }, federated_principal },
	{ { "CanonicalUser", 13 }, canonical_principal },
};

static struct status principal_list(struct build *b, size_t type)
{
	struct values it = { 0 };
	size_t before = b->prins.n;
	bool more;
	for (;;) {
		TRY(pol_next_value(b, &it, &more));
		if (!more)
			break;
		TRY(principal_types[type].add(b, &it.v));
	}
	if (b->prins.n == before)
		return pol_refuse(b, it.at, POLICY_FAULT_PRINCIPAL, SYNTAX, "this list of principals is empty");
	return OK;
}

static struct status principal_map(struct build *b)
{
	struct members m = { 0 };
	unsigned seen = 0;
	bool more;
	for (;;) {
		TRY(pol_next_member(b, &m, &more));
		if (!more)
			break;
		unsigned t = 0;
		while (t < COUNT(principal_types) && !str_eq(principal_types[t].name, m.name))
			t++;
		if (t == COUNT(principal_types) || (seen & (1u << t)))
			return pol_refuse(
			    b, m.key.at, POLICY_FAULT_PRINCIPAL, SYNTAX,
			    "principals are AWS, Service, Federated, CanonicalUser, each once, not \"%.*s\"",
			    PR(m.name));
		seen |= 1u << t;
		TRY(principal_list(b, t));
	}
	if (seen == 0)
		return pol_refuse(b, b->j.i, POLICY_FAULT_PRINCIPAL, SYNTAX, "the principal names nobody");
	return OK;
}

struct status pol_compile_principal(struct build *b, struct stmt *s)
{
	s->prin0 = (uint32_t)b->prins.n;
	if (pol_json_peek(&b->j) == '"') {
		struct value v;
		TRY(pol_read_string(b, &v));
		if (!str_eq(pol_chars_of(b, v.s), S("*")))
			return bad_principal(b, &v, "AWS", "must be \"*\" or an object such as {\"AWS\": ...}");
		*PUSH(b, prins, struct prin) = (struct prin){ POLICY_P_EVERYONE, v.s };
	} else {
		TRY(principal_map(b));
	}
	s->prin_n = (uint32_t)b->prins.n - s->prin0;
	return OK;
}

/* ---- Action ---- */

static struct status bad_action(struct build *b, const struct value *v, const char *aws, const char *why)
{
	struct str s = pol_chars_of(b, v->s);
	return pol_refuse(b, v->at, POLICY_FAULT_ACTION, aws, "action \"%.*s\" %s", (int)(s.n < 200 ? s.n : 200), s.p,
			  why);
}

static struct status check_action(struct build *b, const struct value *v, struct str vendor, struct str name)
{
	if (vendor.n == 0 || name.p == NULL || name.n == 0)
		return bad_action(b, v, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
				  "is not of the form vendor:action");
	if (str_find_char(name, ':') != SIZE_MAX)
		return bad_action(b, v, "Actions/Condition can contain only one colon.", "has more than one colon");
	for (size_t i = 0; i < vendor.n; i++) {
		if (!char_alnum(vendor.p[i]) && vendor.p[i] != '-' && vendor.p[i] != '.' && !str_eq(vendor, S("*"))) {
			char aws[160];
			snprintf(aws, sizeof aws, "Vendor %.*s is not valid", (int)(vendor.n < 100 ? vendor.n : 100),
				 vendor.p);
			return bad_action(b, v, aws, "has a vendor that is not letters, digits, '-' and '.'");
		}
	}
	for (size_t i = 0; i < name.n; i++) {
		if (!char_alnum(name.p[i]) && memchr("*?-_.", name.p[i], 5) == NULL)
			return bad_action(b, v, SYNTAX, "has a character no action's name has");
	}
	return OK;
}

static struct span lowered(struct build *b, struct str s)
{
	struct span low = pol_chars_add(b, s);
	char *p = (char *)b->chars.p + (low.off - b->j.text.n);
	for (size_t i = 0; i < low.len; i++)
		p[i] = char_lower(p[i]);
	return low;
}

static struct status add_action(struct build *b, const struct value *v)
{
	struct str s = pol_chars_of(b, v->s), name = s, vendor = str_cut(&name, ':');
	if (str_eq(s, S("*"))) {
		*PUSH(b, acts, struct act) =
		    (struct act){ .text = v->s, .low = v->s, .form = ACT_ALL, .any_vendor = true };
		return OK;
	}
	TRY(check_action(b, v, vendor, name));
	struct act a = { .text = v->s, .any_vendor = vendor.p[0] == '*' };
	size_t wild = 0, first = s.n;
	for (size_t i = s.n; i-- > 0;) {
		if (s.p[i] != '*' && s.p[i] != '?')
			continue;
		wild++;
		first = i;
	}
	a.form = wild == 0 ? ACT_EXACT : wild == 1 && s.p[s.n - 1] == '*' ? ACT_PREFIX : ACT_GLOB;
	a.prefix_n = (uint8_t)(first < PREFIX_MAX ? first : PREFIX_MAX);
	a.hash = wild == 0 ? hash_ci(s) : hash_prefix(hash_ci(str_sub(s, 0, a.prefix_n)));
	a.low = lowered(b, a.form == ACT_PREFIX ? str_sub(s, 0, s.n - 1) : s);
	*PUSH(b, acts, struct act) = a;
	return OK;
}

struct status pol_compile_actions(struct build *b, struct stmt *s)
{
	struct values it = { 0 };
	bool more;
	s->act0 = (uint32_t)b->acts.n;
	for (;;) {
		TRY(pol_next_value(b, &it, &more));
		if (!more)
			break;
		if (it.v.s.len > UINT8_MAX)
			return bad_action(b, &it.v, SYNTAX, "is too long");
		TRY(add_action(b, &it.v));
	}
	s->act_n = (uint32_t)b->acts.n - s->act0;
	if (s->act_n == 0)
		return pol_refuse(b, it.at, POLICY_FAULT_NO_ACTION, "Policy statement must contain actions.",
				  "the list is empty");
	return OK;
}

/* ---- Resource ---- */

static struct status bad_resource(struct build *b, const struct value *v, const char *aws, const char *why)
{
	struct str s = pol_chars_of(b, v->s);
	return pol_refuse(b, v->at, POLICY_FAULT_RESOURCE, aws, "resource \"%.*s\" %s", (int)(s.n < 200 ? s.n : 200),
			  s.p, why);
}

static bool partition_known(const struct build *b, struct str p)
{
	bool ceiling =
	    b->kind == POLICY_SCP || b->kind == POLICY_RCP; /* these are written for all partitions at once */
	return str_eq(p, S("aws")) || str_eq(p, S("aws-cn")) || str_eq(p, S("aws-us-gov")) ||
	       (ceiling && str_eq(p, S("*")));
}

static struct status bad_partition(struct build *b, const struct value *v, struct str partition, struct str rest)
{
	char aws[320];
	struct str part[3];
	for (int i = 0; i < 3; i++) {
		part[i] = rest.p != NULL ? str_cut(&rest, ':') : S("*");
		part[i].n = part[i].n < 40 ? part[i].n : 40;
	}
	if (rest.p == NULL)
		rest = S("*");
	partition.n = partition.n < 40 ? partition.n : 40;
	rest.n = rest.n < 80 ? rest.n : 80;
	snprintf(aws, sizeof aws, "Partition \"%.*s\" is not valid for resource \"arn:%.*s:%.*s:%.*s:%.*s:%.*s\".",
		 PR(partition), PR(partition), PR(part[0]), PR(part[1]), PR(part[2]), PR(rest));
	return bad_resource(b, v, aws, "names no partition there is");
}

/* IAM's own resources begin with their type. */
static bool iam_path_known(struct str path)
{
	static const char *const types[] = { "user/",
					     "federated-user/",
					     "role/",
					     "group/",
					     "instance-profile/",
					     "mfa/",
					     "server-certificate/",
					     "policy/",
					     "sms-mfa/",
					     "saml-provider/",
					     "oidc-provider/",
					     "report/",
					     "access-report/" };
	if (str_eq(path, S("*")) || str_eq(path, S("root")) || str_starts(path, S("${")))
		return true;
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_starts(path, str_of(types[i])))
			return true;
	return false;
}

/* Buckets and objects have no region; these have. */
static bool s3_path_regional(struct str path)
{
	static const char *const types[] = { "accesspoint/",        "job/",           "storage-lens/",
					     "storage-lens-group/", "async-request/", "access-grants/" };
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_starts(path, str_of(types[i])))
			return true;
	return has_any(path, "*?", 2) && str_find_char(path, '/') == SIZE_MAX;
}

/* What IAM looks at in its own policies alone: the parts behind the service. */
static struct status check_parts(struct build *b, const struct value *v, struct str service, struct str rest)
{
	char aws[320];
	struct str s = pol_chars_of(b, v->s);
	int shown = (int)(s.n < 200 ? s.n : 200);
	struct str region = str_cut(&rest, ':');
	if (rest.p != NULL)
		str_cut(&rest, ':');
	if (rest.p == NULL && region.n == 0)
		return bad_resource(b, v, LEGACY, "has too few colons for an ARN");
	if (rest.p == NULL)
		return OK;
	if (str_eq(service, S("s3")) && region.n > 0 && !s3_path_regional(rest)) {
		snprintf(aws, sizeof aws, "Resource %.*s can not contain region information.", shown, s.p);
		return bad_resource(b, v, aws, "has a region, which buckets and objects have not");
	}
	if (str_eq(service, S("iam")) && !iam_path_known(rest))
		return bad_resource(
		    b, v,
		    "IAM resource path must either be \"*\", root, or start with user/, federated-user/, "
		    "role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, "
		    "saml-provider/, oidc-provider/, report/, access-report/.",
		    "does not begin with a type of IAM's resources");
	return OK;
}

static struct status check_resource(struct build *b, const struct value *v)
{
	char aws[320];
	struct str s = pol_chars_of(b, v->s), rest = s, arn = str_cut(&rest, ':');
	int shown = (int)(s.n < 200 ? s.n : 200);
	if (rest.p == NULL || !str_eq(arn, S("arn"))) {
		snprintf(aws, sizeof aws, "Resource %.*s must be in ARN format or \"*\".", shown, s.p);
		return bad_resource(b, v, aws, "is neither an ARN nor \"*\"");
	}
	struct str partition = str_cut(&rest, ':');
	if (!partition_known(b, partition))
		return bad_partition(b, v, partition, rest);
	struct str service = rest.p != NULL ? str_cut(&rest, ':') : (struct str){ 0 };
	if (service.n == 0 || has_any(service, "*?", 2) || rest.p == NULL)
		return bad_resource(b, v, "Resource vendor must be fully qualified and cannot contain regexes.",
				    "does not name its service");
	struct str behind = rest, region = str_cut(&rest, ':');
	if (str_eq(service, S("iam")) && region.n > 0 && !str_eq(region, S("*"))) {
		snprintf(aws, sizeof aws, "IAM resource %.*s cannot contain region information.", shown, s.p);
		return bad_resource(b, v, aws, "has a region, which IAM has not");
	}
	return b->kind == POLICY_IDENTITY ? check_parts(b, v, service, behind) : OK;
}

struct status pol_compile_resources(struct build *b, struct stmt *s)
{
	struct values it = { 0 };
	bool more;
	s->res0 = (uint32_t)b->ress.n;
	s->heads = s->not_resource ? UINT32_MAX : 0;
	for (;;) {
		TRY(pol_next_value(b, &it, &more));
		if (!more)
			break;
		if (!str_eq(pol_chars_of(b, it.v.s), S("*")))
			TRY(check_resource(b, &it.v));
		struct pat p;
		TRY(pol_compile_pattern(b, &it.v, USE_RESOURCE, &p));
		*PUSH(b, ress, struct pat) = p;
		s->heads |= pol_pattern_heads(b, pol_chars_of(b, it.v.s));
	}
	s->res_n = (uint32_t)b->ress.n - s->res0;
	if (s->res_n == 0)
		return pol_refuse(b, it.at, POLICY_FAULT_NO_RESOURCE, "Policy statement must contain resources.",
				  "the list is empty");
	return OK;
}
