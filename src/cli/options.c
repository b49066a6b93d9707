/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A word that no row names is an error, never a file name by chance.
 */
#include "cli/options.h"

#include "base/str.h"

#include <stdio.h>

static const struct option_row *find(const struct option_row *rows, struct str name)
{
	for (; rows->name; rows++)
		if (str_eq(name, str_of(rows->name)))
			return rows;
	return NULL;
}

static bool take(const char *command, const struct option_row *row, struct str value)
{
	if (row->text) {
		*row->text = value;
		return true;
	}
	if (row->many->n == OPTION_REPEAT_MAX) {
		fprintf(stderr, "holdfast %s: --%s is given too often\n", command, row->name);
		return false;
	}
	((struct str *)(uintptr_t)row->many->v)[row->many->n++] = value;
	return true;
}

bool options_parse(const char *command, const struct option_row *rows, int argc, char **argv, struct str_list *rest)
{
	struct str *others = (struct str *)(uintptr_t)rest->v;
	rest->n = 0;
	for (int i = 0; i < argc; i++) {
		struct str value = str_of(argv[i]);
		if (!str_starts(value, S("--"))) {
			if (rest->n == OPTION_REPEAT_MAX) {
				fprintf(stderr, "holdfast %s: more than %d names are given\n", command,
					OPTION_REPEAT_MAX);
				return false;
			}
			others[rest->n++] = value;
			continue;
		}
		struct str name = str_from(str_cut(&value, '='), 2);
		const struct option_row *row = find(rows, name);
		if (!row) {
			fprintf(stderr, "holdfast %s: unknown option --%.*s; see 'holdfast %s --help'\n", command,
				PR(name), command);
			return false;
		}
		if (row->flag) {
			*row->flag = true;
			continue;
		}
		if (!value.p && i + 1 < argc)
			value = str_of(argv[++i]);
		if (!value.p) {
			fprintf(stderr, "holdfast %s: --%s needs a value: %s\n", command, row->name, row->value);
			return false;
		}
		if (!take(command, row, value))
			return false;
	}
	return true;
}

void options_help(const struct option_row *rows)
{
	for (; rows->name; rows++) {
		char left[64];
		snprintf(left, sizeof left, "--%s %s", rows->name, rows->value ? rows->value : "");
		printf("  %-34s %s\n", left, rows->help);
	}
}
