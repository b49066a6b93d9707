/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens that the operator told this server of (holdfast keystore add): where a module lies
 * and which of its tokens is meant. To the account in whose region it is added a token is
 * an AWS CloudHSM cluster: it has an id (CloudHsmClusterId), and a certificate that names
 * it (TrustAnchorCertificate), made here, whose private key nobody has. Replicas, tokens
 * with copies of the same keys, share that certificate.
 *
 * Paths of code to be loaded come from the operator alone, never through the API.
 */
#ifndef KMS_HSM_H
#define KMS_HSM_H

#include "api/app.h"

enum { KMS_HSM_NAME_MAX = 64 };

struct kms_hsm {
	struct str name, cluster, module, label, trust_anchor;
	struct str store; /* the custom key store that has it, or empty */
};

/*
 * Within a fiber; strings are in `mem`. E_INVALID: a name, path (absolute), label (1 to 32 bytes), account or region
 * that cannot be. E_EXISTS: the name is taken. E_NOT_FOUND: no account of that id, no token to be a replica of.
 * E_FULL: too many.
 */
struct status kms_hsm_add(struct app *app, struct arena *mem, struct str account, struct str region,
			  const struct kms_hsm *what, struct str replica_of, struct kms_hsm *out);
/* E_NOT_FOUND; E_BUSY: a custom key store has it. */
struct status kms_hsm_remove(struct app *app, struct arena *mem, struct str account, struct str region,
			     struct str name);
struct status kms_hsm_list(struct app *app, struct arena *mem, struct str account, struct str region,
			   struct kms_hsm **out, size_t *n);

#endif
