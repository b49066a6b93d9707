/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAML 2.0, as far as assuming a role needs it: an identity provider's metadata (who it is,
 * which certificates it signs with) and its responses (Core 3.3.3, Web Browser SSO Profile).
 *
 *     response ── read, no DTD ── exactly one assertion ── signature over it or over the response,
 *                 by a certificate of the metadata ──▶ what that very element says
 *
 * Rules:
 * - A document type declaration is refused where it begins, so there are no entities but the
 *   five. Depth and size are bounded.
 * - The key is one of the caller's certificates. What a response says about keys is not
 *   looked at.
 * - Against signature wrapping: one assertion in the whole document, where it belongs; a
 *   signature is its element's own child, has one reference, to that element, whose ID no
 *   other element has. What is read afterwards is read from the element that was verified.
 * - Only exclusive and inclusive canonicalization without comments and the enveloped-signature
 *   transform, SHA-2 digests, RSA and ECDSA with SHA-2.
 * - A text that counts is one run of text: with a comment or anything else inside, it is refused.
 *
 * This folder's files saml_*.c alone include libxml2 and xmlsec.
 */
#ifndef WIRE_SAML_H
#define WIRE_SAML_H

#include "wire/shape.h"

enum {
	SAML_METADATA_MAX = 10 * 1000 * 1000,
	SAML_RESPONSE_MAX = 100 * 1000,
	SAML_DEPTH_MAX = 32, /* canonicalization recurses, on a fiber's stack; real documents have ten levels */
	SAML_CERTIFICATES_MAX = 20,
	SAML_ATTRIBUTES_MAX = 200,
	SAML_VALUES_MAX = 400, /* of all attributes */
};

struct saml_metadata {
	struct str issuer;            /* entityID */
	struct str_list certificates; /* DER, those for signing */
	int64_t valid_until_ms;       /* 0: not said */
};

/* E_INVALID: not an identity provider's metadata. */
struct status saml_metadata_read(struct arena *mem, struct str text, struct saml_metadata *out);

struct saml_attribute {
	struct str name;
	struct str_list values;
	bool odd; /* some value is not plain text, and left out */
};

/* Times are 0 where the assertion does not say. Texts are p == NULL where it does not. */
struct saml_assertion {
	struct str id, issuer;
	int64_t issued_ms;
	struct str name_id, name_format;
	struct str recipient; /* of the one subject confirmation (bearer) */
	int64_t confirm_until_ms, confirm_from_ms;
	int64_t not_before_ms, not_after_ms; /* Conditions */
	struct str_list audiences;           /* of its AudienceRestriction; two of them are refused */
	int64_t session_until_ms;            /* AuthnStatement's SessionNotOnOrAfter, the earliest */
	const struct saml_attribute *attributes;
	size_t n_attributes;
};

enum saml_trouble {
	SAML_OK = 0,
	SAML_MALFORMED, /* not a response with one assertion of that form */
	SAML_REJECTED,  /* the provider says that it did not authenticate anybody */
	SAML_ENCRYPTED, /* the assertion is */
	SAML_UNSIGNED,  /* no signature, or not one that counts, or not by these certificates */
};

/* Everything in *out was signed. Nothing of it is judged: not times, issuer, audience, recipient. */
enum saml_trouble saml_response_read(struct arena *mem, struct str xml, struct str_list certificates,
				     struct saml_assertion *out);

#endif
