/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local CA and the server's certificate in a data directory. Private keys are stored
 * sealed; the certificates are for everyone. A server certificate that ends within 30 days
 * is replaced when the server starts.
 */
#ifndef CLI_TLS_FILES_H
#define CLI_TLS_FILES_H

#include "cli/layout.h"
#include "crypto/x509.h"

struct status tls_files_create(struct world *w, struct arena *mem, struct vault_keys *k, struct str dir,
			       const struct config *c);
/* What to serve with: certificate chain and key. mem should be one that is wiped. */
struct status tls_files_load(struct world *w, struct arena *mem, struct vault_keys *k, struct str dir,
			     const struct config *c, struct x509_pair *out);

#endif
