/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML for the saml_*.c files: reading it without its dangers, and walking it.
 */
#ifndef WIRE_SAML_XML_H
#define WIRE_SAML_XML_H

#include "base/base.h"

#include <libxml/tree.h>

static inline const xmlChar *xml_of(const char *z) { return (const xmlChar *)z; }

#define SAML_NS     "urn:oasis:names:tc:SAML:2.0:assertion"
#define SAMLP_NS    "urn:oasis:names:tc:SAML:2.0:protocol"
#define SAML_MD_NS  "urn:oasis:names:tc:SAML:2.0:metadata"
#define XML_DSIG_NS "http://www.w3.org/2000/09/xmldsig#"

/* NULL: not well-formed UTF-8 XML, with a DTD, or too deep. xmlFreeDoc. */
xmlDoc *saml_xml_read(struct str text, bool huge);

/* Element children, of any name when `name` is NULL. */
xmlNode *saml_xml_first(const xmlNode *parent, const char *ns, const char *name);
xmlNode *saml_xml_next(const xmlNode *sibling, const char *ns, const char *name);
bool saml_xml_is(const xmlNode *n, const char *ns, const char *name);
/* The child of that name if there is exactly one; NULL when there is none. *bad becomes true when there are more. */
xmlNode *saml_xml_only(const xmlNode *parent, const char *ns, const char *name, bool *bad);
/* The next element of the document in order, below or after n, within `root`; NULL at the end. */
xmlNode *saml_xml_walk(const xmlNode *n, const xmlNode *root);

/* The text of an element that has nothing but one run of text, white space around it left out; p == NULL otherwise. */
struct str saml_xml_text(struct arena *mem, const xmlNode *n);
/* An attribute without namespace; p == NULL when it is not there. */
struct str saml_xml_attr(struct arena *mem, const xmlNode *n, const char *name);
/* The same as a point in time: *ms stays when it is not there; *bad when it is not one. */
void saml_xml_time(struct arena *mem, const xmlNode *n, const char *name, int64_t *ms, bool *bad);

#endif
