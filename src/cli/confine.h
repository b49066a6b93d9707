/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process that serves strangers gives up before it has threads, and what after it has
 * begun to listen: docs/decisions/0010-confinement.md.
 */
#ifndef CLI_CONFINE_H
#define CLI_CONFINE_H

#include "cli/server.h"

/* The starter, before anything else of the server: what it may do for us later. */
struct status confine_starter(struct server *s);
/* When guardian and starter are there. arg: the struct server. */
struct status confine_settle(void *arg);
/* When all listeners are open. */
struct status confine_doors(void);

#endif
