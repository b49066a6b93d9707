/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this the server it should be? For fetch.c; addresses and certificates.
 */
#ifndef WIRE_FETCH_TRUST_H
#define WIRE_FETCH_TRUST_H

#include "wire/shape.h"

#include <sys/socket.h>

/* Reachable from everywhere (IANA's special-purpose registries): none that leads into this machine or its networks. */
bool address_is_public(const struct sockaddr *a);

/* Certificate authorities: the machine's (read when they are first needed) and those of the PEM text. */
struct trust;
struct status trust_new(struct str ca_pem, struct trust **out); /* E_INVALID */
void trust_free(struct trust *t);                               /* null is allowed */

/* Does the peer of this TLS session (gnutls_session_t) prove to be `host`? E_CORRUPT: it does not. */
struct status trust_check(struct trust *t, void *session, const char *host, struct str_list thumbprints);

#endif
