/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the policy commands share: reading files, naming kinds of policy.
 */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include "policy/policy.h"

int policy_command_check(int argc, char **argv);
int policy_command_test(int argc, char **argv);
int policy_command_generate(int argc, char **argv);
int policy_command_unused(int argc, char **argv);

/* A file, or standard input for "-". On failure a message was printed. */
struct status policy_file_read(struct arena *mem, const char *command, struct str path, struct str *out);
/* "identity", "resource", ...; POLICY_NONE when it is no kind. */
enum policy_kind policy_kind_find(struct str name);
const char *policy_kind_word(enum policy_kind kind);
#define POLICY_KIND_WORDS "identity|resource|trust|boundary|session|scp|rcp|endpoint"

#endif
