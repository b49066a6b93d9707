/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root key as a file: a text a person can recognise, copy, print and type back in.
 *
 *     holdfast root key, version 1
 *     Whoever has this can read everything; without it nothing can be read. Keep a copy.
 *     key <32 bytes in base64>
 *     check <first 16 bytes of SHA-256 over all that stands above this line, in hex>
 *
 * For keyring.c; other folders hold a keyring, never the key.
 */
#ifndef CRYPTO_ROOTFILE_H
#define CRYPTO_ROOTFILE_H

#include "base/base.h"
#include "base/world.h"

enum { ROOT_KEY_SIZE = 32, ROOTFILE_MAX = 256 };

/*
 * Any text that guards or is a root key: mode 0600, never overwriting (E_EXISTS), durable when it returns, gone again
 * when it fails. Loading refuses (E_INVALID, the log says why) what its group or others may access and what belongs
 * to somebody else; *text is in mem, to be wiped.
 */
struct status rootfile_store(struct world *w, const char *path, struct str text);
struct status rootfile_load(struct world *w, const char *path, struct arena *mem, struct str *text);
enum { ROOTFILE_LOAD_MAX = 16 * 1024 };
struct status rootfile_sync_dir(struct disk *d,
				const char *path); /* the directory that has it: its names are durable */

struct status rootfile_create(struct world *w, const char *path, const uint8_t key[ROOT_KEY_SIZE]);
/* E_NOT_FOUND, E_INVALID (damaged, or open to others: the log says which), E_IO. */
struct status rootfile_read(struct world *w, const char *path, uint8_t key[ROOT_KEY_SIZE]);

/* The text alone. Strict: E_INVALID for anything but what rootfile_text writes. */
size_t rootfile_text(const uint8_t key[ROOT_KEY_SIZE], char out[ROOTFILE_MAX]);
struct status rootfile_parse(struct str text, uint8_t key[ROOT_KEY_SIZE]);

#endif
