/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this a server's certificate, with its key and its chain, that a server could use? For
 * certificates that others bring along ("Requirements for server certificates" of IAM).
 *
 * Texts are PEM and nothing but PEM: one certificate, one private key without a password, a
 * chain that begins with the issuer and goes on in order. Names and purposes are not looked at.
 */
#ifndef CRYPTO_X509_CHECK_H
#define CRYPTO_X509_CHECK_H

#include "base/base.h"

enum { X509_CHAIN_MAX = 16 };

enum x509_verdict {
	X509_FITS,
	X509_BAD_CERT,    /* not one certificate in PEM, version 3, of a kind of key that is taken */
	X509_BAD_KEY,     /* not a private key in PEM, of RSA 1024 to 4096 bits or of P-256, P-384, P-521 */
	X509_BAD_PAIR,    /* the key is another certificate's */
	X509_BAD_CHAIN,   /* does not parse, or is longer than X509_CHAIN_MAX */
	X509_WRONG_CHAIN, /* out->wrong says whose issuer does not follow: -1 the certificate itself, else the index */
	X509_TOO_EARLY,
	X509_TOO_LATE,
};

struct x509_checked {
	int64_t not_after_ms;
	int wrong;
};

/* chain.p == NULL: none was brought. *out is written but for X509_BAD_CERT. */
enum x509_verdict x509_check(struct str cert_pem, struct str key_pem, struct str chain_pem, int64_t now_ms,
			     struct x509_checked *out);

#endif
