/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate authority of one's own, and server certificates under it: what
 * `holdfast init` makes so that TLS works from the first minute. ECDSA P-256 with
 * SHA-256, RFC 5280 profiles. Time comes from the world; keys from libcrypto's generator.
 *
 * Private keys are given as PKCS#8 PEM in the arena: use one that is arena_wipe'd.
 */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "base/base.h"
#include "base/world.h"

enum { X509_CA_DAYS = 3653, X509_SERVER_DAYS = 397, X509_NAMES_MAX = 100 };

struct x509_pair {
	struct str cert_pem, key_pem;
};

/* CA:TRUE, path length 0, may sign certificates and CRLs only. Valid from an hour ago. */
struct status x509_ca_new(struct world *w, struct arena *mem, struct str common_name, struct x509_pair *out);

/*
 * A server certificate for names: DNS names (a leading "*." allowed) and IP addresses as
 * text; the first is also the common name when it fits. E_INVALID for a name that is
 * neither, for none or too many, and for a CA pair that does not fit together. Its end is
 * never after the CA's.
 *
 * Clients do not accept a wildcard right under a top-level name: OpenSSL and GnuTLS both
 * refuse "*.localhost" for "bucket.localhost"; "*.s3.localhost" works.
 */
struct status x509_server_new(struct world *w, struct arena *mem, const struct x509_pair *ca, const struct str *names,
			      size_t n_names, struct x509_pair *out);

/* When the first certificate of a PEM text ends (Unix time, milliseconds): for doctor and renewal. */
struct status x509_not_after(struct str cert_pem, int64_t *ms);

#endif
