/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML signatures in SAML's profile (Core 5.4), with everything refused that the profile does
 * not need. What a signature says is judged here, piece by piece, before xmlsec is asked for
 * the cryptography; and xmlsec is told to allow nothing more.
 */
#include "wire/saml_signature.h"

#include "base/str.h"
#include "wire/saml.h"
#include "wire/saml_xml.h"

#include <pthread.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/errors.h> /* needs xmlsec.h before it */
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>

#define C14N           "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define EXCLUSIVE_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ENVELOPED      "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define DSIG_MORE      "http://www.w3.org/2001/04/xmldsig-more#"
#define XML_ENC        "http://www.w3.org/2001/04/xmlenc#"

static const char *const canonicalizations[] = { EXCLUSIVE_C14N, C14N, NULL };
static const char *const transforms[] = { ENVELOPED, EXCLUSIVE_C14N, C14N, NULL };
static const char *const digests[] = { XML_ENC "sha256", DSIG_MORE "sha384", XML_ENC "sha512", NULL };
static const char *const signatures[] = { DSIG_MORE "rsa-sha256",
					  DSIG_MORE "rsa-sha384",
					  DSIG_MORE "rsa-sha512",
					  DSIG_MORE "ecdsa-sha256",
					  DSIG_MORE "ecdsa-sha384",
					  DSIG_MORE "ecdsa-sha512",
					  NULL };

/* ---- the form ------------------------------------------------------------------------------------ */

static bool algorithm_is(struct arena *mem, const xmlNode *n, const char *const *allowed)
{
	struct str name = n ? saml_xml_attr(mem, n, "Algorithm") : (struct str){ 0 };
	for (; name.p && *allowed; allowed++)
		if (str_eq(name, str_of(*allowed)))
			return true;
	return false;
}

static xmlNode *only(const xmlNode *parent, const char *name, bool *bad)
{
	xmlNode *n = saml_xml_only(parent, XML_DSIG_NS, name, bad);
	*bad |= !n;
	return n;
}

/* Enveloped once, canonicalized at most once, in any order that xmlsec can follow. */
static bool transforms_fit(struct arena *mem, const xmlNode *list)
{
	int n = 0, enveloped = 0;
	for (xmlNode *t = saml_xml_first(list, NULL, NULL); t; t = saml_xml_next(t, NULL, NULL)) {
		if (!saml_xml_is(t, XML_DSIG_NS, "Transform") || !algorithm_is(mem, t, transforms))
			return false;
		enveloped += str_eq(saml_xml_attr(mem, t, "Algorithm"), S(ENVELOPED));
		n++;
	}
	return enveloped == 1 && n <= 2;
}

static bool reference_fits(struct arena *mem, const xmlNode *reference, struct str id)
{
	bool bad = false;
	xmlNode *list = only(reference, "Transforms", &bad), *digest = only(reference, "DigestMethod", &bad);
	(void)only(reference, "DigestValue", &bad);
	struct str uri = saml_xml_attr(mem, reference, "URI");
	return !bad && transforms_fit(mem, list) && algorithm_is(mem, digest, digests) && uri.n == id.n + 1 &&
	       uri.p[0] == '#' && str_eq(str_from(uri, 1), id);
}

/* Nothing but SignedInfo, SignatureValue and KeyInfo: an Object is where wrapped elements hide. */
static bool children_fit(const xmlNode *signature)
{
	for (xmlNode *n = saml_xml_first(signature, NULL, NULL); n; n = saml_xml_next(n, NULL, NULL))
		if (!saml_xml_is(n, XML_DSIG_NS, "SignedInfo") && !saml_xml_is(n, XML_DSIG_NS, "SignatureValue") &&
		    !saml_xml_is(n, XML_DSIG_NS, "KeyInfo"))
			return false;
	return true;
}

static bool signature_fits(struct arena *mem, const xmlNode *signature, struct str id)
{
	bool bad = false;
	xmlNode *info = only(signature, "SignedInfo", &bad);
	(void)only(signature, "SignatureValue", &bad);
	if (bad || !children_fit(signature))
		return false;
	xmlNode *c14n = only(info, "CanonicalizationMethod", &bad), *method = only(info, "SignatureMethod", &bad),
		*reference = only(info, "Reference", &bad);
	return !bad && algorithm_is(mem, c14n, canonicalizations) && algorithm_is(mem, method, signatures) &&
	       reference_fits(mem, reference, id);
}

/* ---- the ID: one element's alone ------------------------------------------------------------------------ */

static bool has_value(const xmlNode *n, struct str value)
{
	for (const xmlAttr *a = n->properties; a; a = a->next)
		if (a->children && a->children->content && str_eq(str_of((const char *)a->children->content), value) &&
		    (!xmlStrcasecmp(a->name, xml_of("ID")) || !xmlStrcasecmp(a->name, xml_of("AssertionID"))))
			return true;
	return false;
}

static bool id_is_unique(const xmlNode *element, struct str id)
{
	const xmlNode *root = xmlDocGetRootElement(element->doc);
	for (const xmlNode *n = root; n; n = saml_xml_walk(n, root))
		if (n != element && has_value(n, id))
			return false;
	return true;
}

/* NCName, and nothing that means something in a URI or an XPointer. */
static bool id_is(struct str id)
{
	for (size_t i = 0; i < id.n; i++)
		if (!char_alnum(id.p[i]) && id.p[i] != '_' && id.p[i] != '-' && id.p[i] != '.')
			return false;
	return id.n > 0 && id.n <= 256 && (char_alpha(id.p[0]) || id.p[0] == '_');
}

/* ---- the cryptography -------------------------------------------------------------------------------------- */

static void say_nothing(const char *file, int line, const char *func, const char *object, const char *subject,
			int reason, const char *msg)
{
	(void)file, (void)line, (void)func, (void)object, (void)subject, (void)reason, (void)msg;
}

static void start(void)
{
	int rc = xmlSecInit();
	assert(rc == 0);
	rc = xmlSecOpenSSLAppInit(NULL);
	assert(rc == 0);
	rc = xmlSecOpenSSLInit();
	assert(rc == 0);
	xmlSecErrorsSetCallback(
	    say_nothing); /* a stranger's broken signature is no news; after Init, which sets its own */
}

static bool allow(xmlSecDSigCtx *cx)
{
	static const struct {
		const char *name;
		bool reference, signature;
	} all[] = {
		{ ENVELOPED, true, false },
		{ EXCLUSIVE_C14N, true, true },
		{ C14N, true, true },
	};
	bool ok = true;
	cx->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
	for (size_t i = 0; i < COUNT(all); i++) {
		xmlSecTransformId id = xmlSecTransformIdListFindByHref(xmlSecTransformIdsGet(), xml_of(all[i].name),
								       xmlSecTransformUsageAny);
		if (all[i].reference)
			ok &= xmlSecDSigCtxEnableReferenceTransform(cx, id) == 0;
		if (all[i].signature)
			ok &= xmlSecDSigCtxEnableSignatureTransform(cx, id) == 0;
	}
	for (size_t i = 0; digests[i]; i++)
		ok &= xmlSecDSigCtxEnableReferenceTransform(
			  cx, xmlSecTransformIdListFindByHref(xmlSecTransformIdsGet(), xml_of(digests[i]),
							      xmlSecTransformUsageAny)) == 0;
	for (size_t i = 0; signatures[i]; i++)
		ok &= xmlSecDSigCtxEnableSignatureTransform(
			  cx, xmlSecTransformIdListFindByHref(xmlSecTransformIdsGet(), xml_of(signatures[i]),
							      xmlSecTransformUsageAny)) == 0;
	return ok;
}

/* With a key set beforehand, KeyInfo is not read. */
static bool verifies(xmlNode *signature, struct str der)
{
	bool ok = false;
	xmlSecDSigCtx *cx = xmlSecDSigCtxCreate(NULL);
	if (!cx)
		return false;
	cx->signKey = xmlSecOpenSSLAppKeyLoadMemory((const xmlSecByte *)der.p, (xmlSecSize)der.n,
						    xmlSecKeyDataFormatCertDer, NULL, NULL, NULL);
	if (cx->signKey && allow(cx) && xmlSecDSigCtxVerify(cx, signature) == 0)
		ok = cx->status == xmlSecDSigStatusSucceeded && xmlSecPtrListGetSize(&cx->signedInfoReferences) == 1;
	xmlSecDSigCtxDestroy(cx);
	return ok;
}

static bool any_verifies(xmlNode *signature, struct str_list certificates)
{
	for (size_t i = 0; i < certificates.n; i++)
		if (verifies(signature, certificates.v[i]))
			return true;
	return false;
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

bool saml_is_signed(const xmlNode *element) { return saml_xml_first(element, XML_DSIG_NS, "Signature") != NULL; }

struct status saml_signature_check(struct arena *mem, xmlNode *element, struct str_list certificates)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	bool bad = false;
	xmlNode *signature = only(element, "Signature", &bad);
	struct str id = saml_xml_attr(mem, element, "ID");
	if (bad || !id_is(id) || !id_is_unique(element, id) || !signature_fits(mem, signature, id))
		return ERR(E_CORRUPT);
	pthread_once(&once, start);
	xmlAttr *attr = xmlHasProp(element, xml_of("ID"));
	if (!attr || !xmlAddID(NULL, element->doc, xml_of(str_z(mem, id)), attr))
		return ERR(E_CORRUPT);
	bool ok = any_verifies(signature, certificates);
	(void)xmlRemoveID(element->doc, attr);
	return ok ? OK : ERR(E_CORRUPT);
}
