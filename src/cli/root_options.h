/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that concern the root key: how its passphrase or PIN is told, and what a new one is to come from.
 */
#ifndef CLI_ROOT_OPTIONS_H
#define CLI_ROOT_OPTIONS_H

#include "cli/options.h"
#include "crypto/root_source.h"

/* A row for every command that opens a data directory. */
#define ROOT_ASK_ROW(where)                                                                                      \
	{                                                                                                        \
		"passphrase-fd", "N", "read the root key's passphrase or token's PIN from this file descriptor", \
		    .text = (where)                                                                              \
	}

/* Rows for those that make a root key. */
#define ROOT_WISH_ROWS(wish)                                                                                      \
	{ "root-key-source", "SOURCE", "file, passphrase, tpm or pkcs11", .text = &(wish)->source },              \
	    { "pkcs11-module", "FILE", "the token's PKCS #11 library", .text = &(wish)->module },                 \
	    { "pkcs11-token", "LABEL", "the token [the only one]", .text = &(wish)->token },                      \
	    { "pkcs11-serial", "NUMBER", "the token, by serial number", .text = &(wish)->serial },                \
	    { "pkcs11-key", "LABEL", "an AES or RSA key of the token; AES is made if it is not there [holdfast]", \
	      .text = &(wish)->token_key },                                                                       \
	    { "pkcs11-pin-file", "FILE", "where the PIN stands, mode 0600, so that serve starts by itself",       \
	      .text = &(wish)->pin_file },                                                                        \
	    { "tpm", "TCTI", "how the TPM is reached [device:/dev/tpmrm0]", .text = &(wish)->tpm },               \
	{                                                                                                         \
		"tpm-pcrs", "LIST", "opens only while these PCRs are as they are now: 0,7 [none]",                \
		    .text = &(wish)->pcrs                                                                         \
	}

/* `fd`: the option's text, empty when it was not given: then the terminal is asked. False: a message was printed. */
bool asker_of(const char *command, struct str fd, struct asker *out);
/* Wipes, and closes the descriptor. */
void asker_end(struct asker *a);
/* Do the options go together? False: a message was printed. */
bool root_wish_fits(const char *command, const struct root_wish *wish);

#endif
