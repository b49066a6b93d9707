/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the admin socket share. */
#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include "cli/server.h"
#include "wire/http.h"

void admin_answer(struct http_req *http, int status, const char *type, struct str body);
void admin_say(struct http_req *http, int status, const char *text);
struct str admin_parameter(struct http_req *http, const char *name); /* of the query; p == NULL: not given */
bool admin_workload(struct http_req *http, struct server *s);        /* false: not its to answer */
bool admin_keystore(struct http_req *http, struct server *s);        /* the same */
bool admin_explain(struct http_req *http, struct server *s);         /* the same */

#endif
