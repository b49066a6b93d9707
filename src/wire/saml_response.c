/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A response: its shape, its signatures, then what its assertion says.
 */
#include "wire/saml.h"

#include "base/str.h"
#include "wire/saml_signature.h"
#include "wire/saml_xml.h"

#define SUCCESS "urn:oasis:names:tc:SAML:2.0:status:Success"
#define BEARER  "urn:oasis:names:tc:SAML:2.0:cm:bearer"

struct reading {
	struct arena *mem;
	bool bad;
	struct saml_assertion a;
};

/* ---- what the assertion says -------------------------------------------------------------------- */

static xmlNode *only(struct reading *r, const xmlNode *parent, const char *name)
{
	return parent ? saml_xml_only(parent, SAML_NS, name, &r->bad) : NULL;
}

static xmlNode *needed(struct reading *r, const xmlNode *parent, const char *name)
{
	xmlNode *n = only(r, parent, name);
	r->bad |= !n;
	return n;
}

static struct str text_of(struct reading *r, const xmlNode *n)
{
	struct str text = n ? saml_xml_text(r->mem, n) : (struct str){ 0 };
	r->bad |= !text.n;
	return text;
}

static void read_confirmation(struct reading *r, const xmlNode *subject)
{
	const xmlNode *c = needed(r, subject, "SubjectConfirmation"), *data = needed(r, c, "SubjectConfirmationData");
	if (r->bad)
		return;
	r->bad |= !str_eq(saml_xml_attr(r->mem, c, "Method"), S(BEARER));
	r->a.recipient = saml_xml_attr(r->mem, data, "Recipient");
	saml_xml_time(r->mem, data, "NotOnOrAfter", &r->a.confirm_until_ms, &r->bad);
	saml_xml_time(r->mem, data, "NotBefore", &r->a.confirm_from_ms, &r->bad);
	r->bad |= !r->a.recipient.n || !r->a.confirm_until_ms;
}

static void read_subject(struct reading *r, const xmlNode *assertion)
{
	const xmlNode *subject = needed(r, assertion, "Subject"), *id = needed(r, subject, "NameID");
	if (r->bad)
		return;
	r->a.name_id = text_of(r, id);
	r->a.name_format = saml_xml_attr(r->mem, id, "Format");
	read_confirmation(r, subject);
}

static void read_audiences(struct reading *r, const xmlNode *conditions)
{
	const xmlNode *restriction = needed(r, conditions, "AudienceRestriction");
	struct str *v = NEWS(r->mem, struct str, SAML_VALUES_MAX);
	size_t n = 0;
	for (const xmlNode *a = restriction ? saml_xml_first(restriction, SAML_NS, "Audience") : NULL; a && !r->bad;
	     a = saml_xml_next(a, SAML_NS, "Audience")) {
		r->bad |= n == SAML_VALUES_MAX;
		if (!r->bad)
			v[n++] = text_of(r, a);
	}
	r->a.audiences = (struct str_list){ v, n };
}

static void read_conditions(struct reading *r, const xmlNode *assertion)
{
	const xmlNode *conditions = needed(r, assertion, "Conditions");
	if (!conditions)
		return;
	saml_xml_time(r->mem, conditions, "NotBefore", &r->a.not_before_ms, &r->bad);
	saml_xml_time(r->mem, conditions, "NotOnOrAfter", &r->a.not_after_ms, &r->bad);
	read_audiences(r, conditions);
}

static void read_sessions(struct reading *r, const xmlNode *assertion)
{
	for (const xmlNode *s = saml_xml_first(assertion, SAML_NS, "AuthnStatement"); s;
	     s = saml_xml_next(s, SAML_NS, "AuthnStatement")) {
		int64_t until = 0;
		saml_xml_time(r->mem, s, "SessionNotOnOrAfter", &until, &r->bad);
		if (until && (!r->a.session_until_ms || until < r->a.session_until_ms))
			r->a.session_until_ms = until;
	}
}

static struct str_list values_of(struct reading *r, const xmlNode *attribute, size_t *left, bool *odd)
{
	struct str *v = NEWS(r->mem, struct str, *left + 1);
	size_t n = 0;
	for (const xmlNode *a = saml_xml_first(attribute, SAML_NS, "AttributeValue"); a;
	     a = saml_xml_next(a, SAML_NS, "AttributeValue")) {
		struct str text = saml_xml_text(r->mem, a);
		r->bad |= *left == 0;
		*odd |= !text.p;
		if (r->bad || !text.p)
			continue;
		v[n++] = text;
		--*left;
	}
	return (struct str_list){ v, n };
}

static void read_attributes(struct reading *r, const xmlNode *assertion)
{
	struct saml_attribute *v = NEWS(r->mem, struct saml_attribute, SAML_ATTRIBUTES_MAX);
	size_t n = 0, left = SAML_VALUES_MAX;
	for (const xmlNode *s = saml_xml_first(assertion, SAML_NS, "AttributeStatement"); s;
	     s = saml_xml_next(s, SAML_NS, "AttributeStatement"))
		for (const xmlNode *a = saml_xml_first(s, SAML_NS, "Attribute"); a;
		     a = saml_xml_next(a, SAML_NS, "Attribute")) {
			r->bad |= n == SAML_ATTRIBUTES_MAX;
			if (r->bad)
				return;
			v[n].name = saml_xml_attr(r->mem, a, "Name");
			v[n].values = values_of(r, a, &left, &v[n].odd);
			r->bad |= !v[n++].name.n;
		}
	r->a.attributes = v;
	r->a.n_attributes = n;
}

static bool read_assertion(struct arena *mem, const xmlNode *assertion, struct saml_assertion *out)
{
	struct reading r = { .mem = mem };
	r.bad = !str_eq(saml_xml_attr(mem, assertion, "Version"), S("2.0"));
	r.a.id = saml_xml_attr(mem, assertion, "ID");
	saml_xml_time(mem, assertion, "IssueInstant", &r.a.issued_ms, &r.bad);
	r.a.issuer = text_of(&r, needed(&r, assertion, "Issuer"));
	read_subject(&r, assertion);
	read_conditions(&r, assertion);
	read_sessions(&r, assertion);
	read_attributes(&r, assertion);
	if (!r.bad)
		*out = r.a;
	return !r.bad;
}

/* ---- the response -------------------------------------------------------------------------------------- */

/* Assertions wherever they stand, encrypted ones as well: wrapping puts a second one somewhere. */
static void count(const xmlNode *root, int *plain, int *encrypted)
{
	*plain = *encrypted = 0;
	for (const xmlNode *n = root; n; n = saml_xml_walk(n, root)) {
		*plain += xmlStrEqual(n->name, xml_of("Assertion"));
		*encrypted += xmlStrEqual(n->name, xml_of("EncryptedAssertion"));
	}
}

static enum saml_trouble check_status(struct arena *mem, const xmlNode *response)
{
	bool bad = false;
	const xmlNode *status = saml_xml_only(response, SAMLP_NS, "Status", &bad);
	const xmlNode *code = status ? saml_xml_only(status, SAMLP_NS, "StatusCode", &bad) : NULL;
	if (!code || bad)
		return SAML_MALFORMED;
	return str_eq(saml_xml_attr(mem, code, "Value"), S(SUCCESS)) ? SAML_OK : SAML_REJECTED;
}

static enum saml_trouble find_assertion(struct arena *mem, xmlNode *response, xmlNode **out)
{
	int plain, encrypted;
	if (!response || !saml_xml_is(response, SAMLP_NS, "Response") ||
	    !str_eq(saml_xml_attr(mem, response, "Version"), S("2.0")))
		return SAML_MALFORMED;
	enum saml_trouble t = check_status(mem, response);
	if (t != SAML_OK)
		return t;
	count(response, &plain, &encrypted);
	if (encrypted)
		return SAML_ENCRYPTED;
	*out = saml_xml_first(response, SAML_NS, "Assertion");
	return plain == 1 && *out ? SAML_OK : SAML_MALFORMED;
}

/* Whatever is signed must be so rightly; and the assertion is, or the response around it. */
static bool is_signed(struct arena *mem, xmlNode *response, xmlNode *assertion, struct str_list certificates)
{
	bool outer = saml_is_signed(response), inner = saml_is_signed(assertion);
	if (outer && failed(saml_signature_check(mem, response, certificates)))
		return false;
	if (inner && failed(saml_signature_check(mem, assertion, certificates)))
		return false;
	return outer || inner;
}

enum saml_trouble saml_response_read(struct arena *mem, struct str xml, struct str_list certificates,
				     struct saml_assertion *out)
{
	xmlNode *response, *assertion;
	xmlDoc *doc = xml.n <= SAML_RESPONSE_MAX ? saml_xml_read(xml, false) : NULL;
	if (!doc)
		return SAML_MALFORMED;
	response = xmlDocGetRootElement(doc);
	enum saml_trouble t = find_assertion(mem, response, &assertion);
	if (t == SAML_OK && !is_signed(mem, response, assertion, certificates))
		t = SAML_UNSIGNED;
	if (t == SAML_OK && !read_assertion(mem, assertion, out))
		t = SAML_MALFORMED;
	xmlFreeDoc(doc);
	return t;
}
