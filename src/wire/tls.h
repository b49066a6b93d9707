/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we speak over TLS, and how it is called in records.
 *
 * TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only; the server's
 * order of preference counts. Session tickets are sealed under a key that lives and is
 * rotated inside the process.
 */
#ifndef WIRE_TLS_H
#define WIRE_TLS_H

#include "base/base.h"

/* GnuTLS's priority string. */
extern const char tls_priorities[];

struct tls_tickets;
struct tls_tickets *tls_tickets_new(void);
void tls_tickets_free(struct tls_tickets *t); /* wipes the key; null is allowed */

/* `session` is GnuTLS's (gnutls_session_t); kept opaque so that only tls.c includes GnuTLS. */
void tls_use_tickets(void *session, const struct tls_tickets *t);
struct str tls_version_name(void *session); /* "TLSv1.3" */
struct str tls_cipher_name(void *session);  /* as OpenSSL and CloudTrail call it: "ECDHE-RSA-AES128-GCM-SHA256" */

/* E_INVALID when the certificate or the key does not load, or the key is not the certificate's. */
struct status tls_check_pair(struct str cert_pem, struct str key_pem);

#endif
