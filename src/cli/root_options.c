/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/root_options.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool asker_of(const char *command, struct str fd, struct asker *out)
{
	int64_t n = -1;
	if (fd.n && (!str_to_i64(fd, &n) || n < 0 || n > 1023 || fcntl((int)n, F_GETFD) < 0)) {
		fprintf(stderr, "holdfast %s: not an open file descriptor: %.*s\n", command, PR(fd));
		return false;
	}
	if (n > 2)
		(void)fcntl((int)n, F_SETFD, FD_CLOEXEC);
	*out = (struct asker){ .fd = (int)n, .terminal = !fd.n };
	return true;
}

void asker_end(struct asker *a)
{
	ask_end(a);
	if (a->fd > 2)
		close(a->fd);
	a->fd = -1;
	a->terminal = false;
}

bool root_wish_fits(const char *command, const struct root_wish *w)
{
	const char *source = root_source_name(w->source);
	bool token = w->module.n || w->token.n || w->serial.n || w->token_key.n || w->pin_file.n,
	     tpm = w->tpm.n || w->pcrs.n;
	const char *wrong = NULL;
	if (!source)
		wrong = "--root-key-source takes file, passphrase, tpm or pkcs11";
	else if (token && strcmp(source, "pkcs11") != 0)
		wrong = "--pkcs11-... goes with --root-key-source pkcs11";
	else if (tpm && strcmp(source, "tpm") != 0)
		wrong = "--tpm... goes with --root-key-source tpm";
	if (wrong)
		fprintf(stderr, "holdfast %s: %s\n", command, wrong);
	return !wrong && !root_wish_check(w).code;
}
