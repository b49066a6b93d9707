/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this element signed, and by whom? For saml_response.c.
 */
#ifndef WIRE_SAML_SIGNATURE_H
#define WIRE_SAML_SIGNATURE_H

#include "wire/shape.h"

#include <libxml/tree.h>

/* Does the element have a signature of its own? */
bool saml_is_signed(const xmlNode *element);
/* E_CORRUPT: it has none that covers this very element and was made with one of the certificates (DER). */
struct status saml_signature_check(struct arena *mem, xmlNode *element, struct str_list certificates);

#endif
