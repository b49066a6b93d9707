/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite's door to the disk: a VFS that opens vaults and nothing else. Private to store/.
 *
 * A connection names a vault ("v17"); the VFS opens that vault's database and log. Any other
 * name, and any other kind of file (journals, temporary files), is refused: SQLite has no
 * other way to the disk, so nothing can get there in the clear.
 */
#ifndef STORE_VFS_H
#define STORE_VFS_H

#include "store/vault.h"

#include <sqlite3.h>

struct vfs;

/* Also sets SQLite up for the process (no shared connections, no memory statistics) when it is not yet running. */
struct vfs *vfs_new(struct world *w);
void vfs_free(struct vfs *f); /* all its connections must be closed; null is allowed */

/* Until removed, connections may open the vault. */
void vfs_add(struct vfs *f, struct vault *v);
void vfs_remove(struct vfs *f, struct vault *v); /* connections that are open stay so */
/* sqlite3_open_v2 on a vault. *db is NULL on failure. */
int vfs_connect(struct vfs *f, struct vault *v, sqlite3 **db);

#endif
