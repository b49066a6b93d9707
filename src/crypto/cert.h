/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other people's certificates, looked at only as far as this server must.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include "base/base.h"

/* Is it an X.509 certificate with a public key that signatures may be checked by: RSA of 2048 to 8192 bits, or EC on
 * P-256, P-384 or P-521? E_INVALID. */
struct status cert_check(struct str der);

#endif
