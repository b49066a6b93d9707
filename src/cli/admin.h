/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the admin socket share. */
#ifndef CLI_ADMIN_H
#define CLI_ADMIN_H

#include "cli/server.h"
#include "wire/http.h"

void admin_answer(struct http_req *http, int status, const char *type, struct str body);
void admin_say(struct http_req *http, int status, const char *text);
struct str admin_parameter(struct http_req *http, const char *name); /* of the query; p == NULL: not given */
struct str admin_given(struct http_req *http, const char *name, struct str otherwise); /* the same, with a default */

/* What a path does: one function a method. */
struct admin_verbs {
	void (*get)(struct http_req *http, struct server *s);
	void (*post)(struct http_req *http, struct server *s);
	void (*del)(struct http_req *http, struct server *s);
};
bool admin_verb(struct http_req *http, struct server *s, const struct admin_verbs *verbs); /* false: none of them */

bool admin_workload(struct http_req *http, struct server *s); /* false: not its to answer */
bool admin_keystore(struct http_req *http, struct server *s); /* the same */
bool admin_explain(struct http_req *http, struct server *s);  /* the same */

#endif
