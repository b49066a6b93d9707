/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An identity provider's metadata: one EntityDescriptor with an IDPSSODescriptor that names
 * certificates to sign with ("Metadata for the OASIS SAML V2.0", 2.3, 2.4).
 */
#include "wire/saml.h"

#include "base/codec.h"
#include "base/str.h"
#include "crypto/cert.h"
#include "wire/saml_xml.h"

/* Base64 as people paste it: with line breaks. */
static struct str without_space(struct arena *mem, struct str s)
{
	char *p = NEWS(mem, char, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(" \t\r\n", s.p[i]))
			p[n++] = s.p[i];
	return str_make(p, n);
}

static struct status add_certificate(struct arena *mem, const xmlNode *n, struct str *v, size_t *count)
{
	struct str der;
	if (*count == SAML_CERTIFICATES_MAX)
		return ERR(E_INVALID);
	TRY(base64_decode(mem, without_space(mem, saml_xml_text(mem, n)), &der));
	TRY(cert_check(der));
	v[(*count)++] = der;
	return OK;
}

/* KeyDescriptor without a use is for both. */
static struct status add_keys(struct arena *mem, const xmlNode *descriptor, struct str *v, size_t *count)
{
	for (xmlNode *k = saml_xml_first(descriptor, SAML_MD_NS, "KeyDescriptor"); k;
	     k = saml_xml_next(k, SAML_MD_NS, "KeyDescriptor")) {
		struct str use = saml_xml_attr(mem, k, "use");
		if (use.p && !str_eq(use, S("signing")))
			continue;
		for (xmlNode *n = saml_xml_walk(k, k); n; n = saml_xml_walk(n, k))
			if (saml_xml_is(n, XML_DSIG_NS, "X509Certificate"))
				TRY(add_certificate(mem, n, v, count));
	}
	return OK;
}

static struct status read(struct arena *mem, const xmlNode *root, struct saml_metadata *out)
{
	struct saml_metadata m = { 0 };
	struct str *v = NEWS(mem, struct str, SAML_CERTIFICATES_MAX);
	size_t n = 0;
	bool bad = false;
	if (!root || !saml_xml_is(root, SAML_MD_NS, "EntityDescriptor"))
		return ERR(E_INVALID);
	m.issuer = saml_xml_attr(mem, root, "entityID");
	saml_xml_time(mem, root, "validUntil", &m.valid_until_ms, &bad);
	xmlNode *idp = saml_xml_only(root, SAML_MD_NS, "IDPSSODescriptor", &bad);
	if (!m.issuer.n || !idp || bad)
		return ERR(E_INVALID);
	TRY(add_keys(mem, idp, v, &n));
	m.certificates = (struct str_list){ v, n };
	*out = m;
	return n ? OK : ERR(E_INVALID);
}

struct status saml_metadata_read(struct arena *mem, struct str text, struct saml_metadata *out)
{
	xmlDoc *doc = text.n <= SAML_METADATA_MAX ? saml_xml_read(text, true) : NULL;
	if (!doc)
		return ERR(E_INVALID);
	struct status st = read(mem, xmlDocGetRootElement(doc), out);
	xmlFreeDoc(doc);
	return st;
}
