/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libxml2 without entities, network or DTDs: a document type ends the reading. Text counts only
 * in one piece, so that no comment can cut a name short.
 */
#include "wire/saml_xml.h"

#include "base/str.h"
#include "base/time.h"
#include "wire/saml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <limits.h>

/* ---- reading ---------------------------------------------------------------------------------- */

/* libxml2's own handlers, but for these: a DTD ends the reading where it begins. */
static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxt *p = ctx;
	(void)name, (void)external, (void)system;
	p->wellFormed = 0;
	xmlStopParser(p);
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns,
		     const xmlChar **ns, int n_attrs, int n_defaulted, const xmlChar **attrs)
{
	xmlParserCtxt *p = ctx;
	if (p->nodeNr < SAML_DEPTH_MAX) {
		xmlSAX2StartElementNs(ctx, name, prefix, uri, n_ns, ns, n_attrs, n_defaulted, attrs);
		return;
	}
	p->wellFormed = 0;
	xmlStopParser(p);
}

xmlDoc *saml_xml_read(struct str text, bool huge)
{
	const int options =
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | (huge ? XML_PARSE_HUGE : 0);
	if (!text.n || text.n > INT_MAX || !str_is_utf8(text) || memchr(text.p, 0, text.n))
		return NULL;
	xmlInitParser();
	xmlParserCtxt *p = xmlCreateMemoryParserCtxt(text.p, (int)text.n);
	if (!p)
		return NULL;
	(void)xmlCtxtUseOptions(p, options);
	p->sax->internalSubset = on_doctype;
	p->sax->externalSubset = on_doctype;
	p->sax->startElementNs = on_start;
	(void)xmlParseDocument(p);
	xmlDoc *doc = p->myDoc;
	/* what claims to be in another encoding was read as that, and its text is not what was looked at */
	bool utf8 = doc && (!doc->encoding || !xmlStrcasecmp(doc->encoding, xml_of("UTF-8")));
	if (doc && (!p->wellFormed || !utf8 || doc->intSubset || doc->extSubset)) {
		xmlFreeDoc(doc);
		doc = NULL;
	}
	p->myDoc = NULL;
	xmlFreeParserCtxt(p);
	return doc;
}

/* ---- walking ------------------------------------------------------------------------------------- */

bool saml_xml_is(const xmlNode *n, const char *ns, const char *name)
{
	if (n->type != XML_ELEMENT_NODE)
		return false;
	return !name || (xmlStrEqual(n->name, xml_of(name)) && n->ns && xmlStrEqual(n->ns->href, xml_of(ns)));
}

static xmlNode *find(xmlNode *n, const char *ns, const char *name)
{
	while (n && !saml_xml_is(n, ns, name))
		n = n->next;
	return n;
}

xmlNode *saml_xml_first(const xmlNode *parent, const char *ns, const char *name)
{
	return find(parent->children, ns, name);
}

xmlNode *saml_xml_next(const xmlNode *sibling, const char *ns, const char *name)
{
	return find(sibling->next, ns, name);
}

xmlNode *saml_xml_only(const xmlNode *parent, const char *ns, const char *name, bool *bad)
{
	xmlNode *n = saml_xml_first(parent, ns, name);
	*bad |= n && saml_xml_next(n, ns, name);
	return n;
}

xmlNode *saml_xml_walk(const xmlNode *n, const xmlNode *root)
{
	xmlNode *next = saml_xml_first(n, NULL, NULL);
	if (next)
		return next;
	for (; n && n != root; n = n->parent)
		if ((next = saml_xml_next(n, NULL, NULL)))
			return next;
	return NULL;
}

/* ---- contents --------------------------------------------------------------------------------------- */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static struct str trim(struct str s)
{
	while (s.n && is_space(s.p[0]))
		s = str_from(s, 1);
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str saml_xml_text(struct arena *mem, const xmlNode *n)
{
	const xmlNode *t = n->children;
	if (!t)
		return S("");
	if (t->next || t->type != XML_TEXT_NODE || !t->content)
		return (struct str){ 0 };
	return trim(str_dup(mem, str_of((const char *)t->content)));
}

struct str saml_xml_attr(struct arena *mem, const xmlNode *n, const char *name)
{
	for (const xmlAttr *a = n->properties; a; a = a->next) {
		if (a->ns || !xmlStrEqual(a->name, xml_of(name)))
			continue;
		const xmlNode *t = a->children;
		if (!t)
			return S("");
		if (t->next || t->type != XML_TEXT_NODE || !t->content)
			return (struct str){ 0 };
		return str_dup(mem, str_of((const char *)t->content));
	}
	return (struct str){ 0 };
}

void saml_xml_time(struct arena *mem, const xmlNode *n, const char *name, int64_t *ms, bool *bad)
{
	struct str text = saml_xml_attr(mem, n, name);
	if (text.p)
		*bad |= failed(time_parse_iso8601(text, ms));
}
