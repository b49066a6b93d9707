/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options by table: "--name VALUE", "--name=VALUE" or a switch.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "wire/shape.h"

enum { OPTION_REPEAT_MAX = 512 };

struct option_row {
	const char *name;  /* "data" for --data */
	const char *value; /* what help calls its value, "DIR"; NULL: a switch */
	const char *help;
	struct str *text;      /* where the value goes; */
	bool *flag;            /* or that the switch was given; */
	struct str_list *many; /* or each value of a repeatable option, room for OPTION_REPEAT_MAX */
};

/* Ends at the table's row without name. What is not an option goes to *rest. False: a message was printed, exit with 2.
 */
bool options_parse(const char *command, const struct option_row *rows, int argc, char **argv, struct str_list *rest);
void options_help(const struct option_row *rows);

#endif
