/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the holdfast program. Each takes what follows its name and gives the
 * exit status: 0 done, 1 it did not work (and the reason was printed), 2 wrong usage.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int command_init(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_env(int argc, char **argv);
int command_aws(int argc, char **argv);
int command_account(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_policy(int argc, char **argv);
int command_rootkey(int argc, char **argv);
int command_guardian(int argc, char **argv); /* hidden: serve starts it (crypto/keyholder.h) */
int command_workload(int argc, char **argv);
int command_keystore(int argc, char **argv);
int command_token_process(int argc, char **argv); /* started by serve, not by people */

#endif
