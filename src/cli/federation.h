/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the server reaches other people's identity providers.
 */
#ifndef CLI_FEDERATION_H
#define CLI_FEDERATION_H

#include "cli/server.h"

struct federation_options {
	bool allow_private; /* providers on private addresses and other ports than 443 */
	struct str ca_file; /* authorities to trust besides the machine's; empty: none */
};

/* After server_open, before requests are served; a message was printed on failure. */
struct status federation_open(struct server *s, const struct federation_options *o);
void federation_close(struct server *s); /* after the last request; also after a failure */

#endif
