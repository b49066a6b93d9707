/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which libraries of tokens (PKCS #11 modules) may be loaded for custom key stores: a file beside the data directory,
 * DIR.modules, a path a line. 'holdfast keystore add' writes there, on the operator's behalf; a token's process reads
 * it. The serving process, which says what module a store has, can write neither there nor at those paths: so who took
 * it over has no file of his loaded, be it its log or a backup of the directory.
 */
#ifndef CLI_MODULES_H
#define CLI_MODULES_H

#include "base/base.h"
#include "base/world.h"

struct status modules_path(struct arena *mem, struct str dir, char **out);
/* One that stands there is not added again. The log says what is wrong. */
struct status modules_add(struct world *w, struct arena *mem, struct str dir, struct str module);
/* Empty when there is no such file. E_INVALID, and the log says so, when others than its owner can write it, or its
 * owner is neither root nor this process's user. */
struct status modules_read(struct arena *mem, const char *path, struct str *out);

#endif
