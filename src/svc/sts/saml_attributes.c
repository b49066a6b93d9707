/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS's own attributes are told apart by what follows their common prefix; the mapped ones have a
 * row in a table. What may stand once and stands twice is refused.
 */
#include "svc/sts/saml_attributes.h"

#include "base/str.h"

#define AWS        "https://aws.amazon.com/SAML/Attributes/"
#define AWS_TAG    AWS "PrincipalTag:"
#define EDU_PERSON "urn:oid:1.3.6.1.4.1.5923.1.1.1."
#define EDU_ORG    "urn:oid:1.3.6.1.4.1.5923.1.2.1."
#define PILOT      "urn:oid:0.9.2342.19200300.100.1."
#define CLAIMS     "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

/* "Mapping SAML attributes to AWS trust policy context keys". */
static const struct {
	const char *attribute, *key;
	bool multi;
} mapped[] = {
	{ EDU_PERSON "1", "saml:edupersonaffiliation", true },
	{ EDU_PERSON "2", "saml:edupersonnickname", true },
	{ EDU_PERSON "3", "saml:edupersonorgdn", false },
	{ EDU_PERSON "4", "saml:edupersonorgunitdn", true },
	{ EDU_PERSON "5", "saml:edupersonprimaryaffiliation", false },
	{ EDU_PERSON "6", "saml:edupersonprincipalname", false },
	{ EDU_PERSON "7", "saml:edupersonentitlement", true },
	{ EDU_PERSON "8", "saml:edupersonprimaryorgunitdn", false },
	{ EDU_PERSON "9", "saml:edupersonscopedaffiliation", true },
	{ EDU_PERSON "10", "saml:edupersontargetedid", true },
	{ EDU_PERSON "11", "saml:edupersonassurance", true },
	{ EDU_ORG "2", "saml:eduorghomepageuri", true },
	{ EDU_ORG "3", "saml:eduorgidentityauthnpolicyuri", true },
	{ EDU_ORG "4", "saml:eduorglegalname", true },
	{ EDU_ORG "5", "saml:eduorgsuperioruri", true },
	{ EDU_ORG "6", "saml:eduorgwhitepagesuri", true },
	{ "urn:oid:2.5.4.3", "saml:cn", true },
	{ "urn:oid:2.5.4.4", "saml:surname", false },
	{ "urn:oid:2.5.4.42", "saml:givenName", false },
	{ "urn:oid:2.5.4.45", "saml:x500UniqueIdentifier", false },
	{ PILOT "1", "saml:uid", false },
	{ PILOT "3", "saml:mail", false },
	{ PILOT "45", "saml:organizationStatus", false },
	{ "http://schemas.xmlsoap.org/claims/CommonName", "saml:commonName", false },
	{ CLAIMS "name", "saml:name", false },
	{ CLAIMS "givenname", "saml:givenName", false },
	{ CLAIMS "surname", "saml:surname", false },
	{ CLAIMS "emailaddress", "saml:mail", false },
	{ "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "saml:primaryGroupSID", false },
};

struct reading {
	struct req *rq;
	const struct saml_assertion *a;
	struct saml_attributes out;
	struct str_entry *tags, *keys;
	struct sts_claim_list *lists;
};

static struct status twice(struct req *rq, struct str name)
{
	return FAIL(rq, sts_InvalidIdentityTokenException, "The attribute %.*s is not valid in AuthnResponse",
		    PR(str_sub(name, 0, 256)));
}

static struct status take_one(struct reading *r, const struct saml_attribute *a, struct str *to)
{
	if (to->p || a->values.n != 1)
		return twice(r->rq, a->name);
	*to = a->values.v[0];
	return OK;
}

static struct status take_list(struct reading *r, const struct saml_attribute *a, struct str_list *to)
{
	if (to->v)
		return twice(r->rq, a->name);
	*to = a->values;
	return OK;
}

static struct status take_tag(struct reading *r, const struct saml_attribute *a, struct str key)
{
	struct str value = { 0 };
	if (r->out.tags.n == STS_TAGS_MAX)
		return FAIL(r->rq, sts_InvalidIdentityTokenException, "A session cannot have more than %d tags.",
			    STS_TAGS_MAX);
	TRY(take_one(r, a, &value));
	r->tags[r->out.tags.n++] = (struct str_entry){ key, value };
	return OK;
}

/* What AWS does not know is nothing to us. */
static struct status take_aws(struct reading *r, const struct saml_attribute *a)
{
	struct str name = str_from(a->name, S(AWS).n);
	if (a->odd)
		return twice(r->rq, a->name);
	if (str_eq(name, S("Role")))
		return take_list(r, a, &r->out.roles);
	if (str_eq(name, S("RoleSessionName")))
		return take_one(r, a, &r->out.session_name);
	if (str_eq(name, S("SourceIdentity")))
		return take_one(r, a, &r->out.source_identity);
	if (str_eq(name, S("TransitiveTagKeys")))
		return take_list(r, a, &r->out.transitive);
	if (str_starts(a->name, S(AWS_TAG)))
		return take_tag(r, a, str_from(a->name, S(AWS_TAG).n));
	return OK;
}

static bool has_key(const struct reading *r, const char *key)
{
	for (size_t i = 0; i < r->out.keys.n; i++)
		if (str_eq(r->keys[i].key, str_of(key)))
			return true;
	for (size_t i = 0; i < r->out.n_lists; i++)
		if (!strcmp(r->lists[i].key, key))
			return true;
	return false;
}

/* The first attribute that gives a key gives it; of a key of one value, the first. */
static void take_mapped(struct reading *r, const struct saml_attribute *a)
{
	for (size_t i = 0; i < COUNT(mapped); i++) {
		if (!str_eq(a->name, str_of(mapped[i].attribute)) || !a->values.n || has_key(r, mapped[i].key))
			continue;
		if (mapped[i].multi)
			r->lists[r->out.n_lists++] = (struct sts_claim_list){ mapped[i].key, a->values };
		else
			r->keys[r->out.keys.n++] = (struct str_entry){ str_of(mapped[i].key), a->values.v[0] };
	}
}

struct status saml_attributes_read(struct req *rq, const struct saml_assertion *a, struct saml_attributes *out)
{
	struct reading r = { .rq = rq,
			     .a = a,
			     .tags = NEWS(rq->mem, struct str_entry, STS_TAGS_MAX),
			     .keys = NEWS(rq->mem, struct str_entry, COUNT(mapped)),
			     .lists = NEWS(rq->mem, struct sts_claim_list, COUNT(mapped)) };
	for (size_t i = 0; i < a->n_attributes; i++) {
		if (str_starts(a->attributes[i].name, S(AWS)))
			TRY(take_aws(&r, &a->attributes[i]));
		else
			take_mapped(&r, &a->attributes[i]);
	}
	r.out.tags.v = r.tags;
	r.out.keys.v = r.keys;
	r.out.lists = r.lists;
	*out = r.out;
	return OK;
}

bool saml_gives_role(const struct saml_attributes *a, struct str role_arn, struct str provider_arn)
{
	for (size_t i = 0; i < a->roles.n; i++) {
		struct str second = a->roles.v[i], first = str_trim(str_cut(&second, ','));
		second = str_trim(second);
		if ((str_eq(first, role_arn) && str_eq(second, provider_arn)) ||
		    (str_eq(first, provider_arn) && str_eq(second, role_arn)))
			return true;
	}
	return false;
}
