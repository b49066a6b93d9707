/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/modules.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/layout.h"
#include "crypto/token_process.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct status modules_path(struct arena *mem, struct str dir, char **out)
{
	return layout_beside(mem, dir, "modules", out);
}

struct status modules_read(struct arena *mem, const char *path, struct str *out)
{
	struct stat st;
	*out = S("");
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? OK : ERR(E_IO);
	if (S_ISREG(st.st_mode) && !(st.st_mode & 022) && (st.st_uid == 0 || st.st_uid == geteuid()))
		return text_file_read(mem, str_of(path), out);
	log_error("the list of tokens' modules is not its owner's alone to write, or another user's", "file",
		  str_of(path));
	return ERR(E_INVALID);
}

static struct status add(struct world *w, struct arena *mem, const char *path, struct str module)
{
	struct buf b = buf_in(mem);
	struct str now;
	TRY(modules_read(mem, path, &now));
	if (token_module_is_listed(now, module))
		return OK;
	buf_put(&b, now);
	buf_put(&b, module);
	buf_byte(&b, '\n');
	return text_file_write(w, mem, str_of(path), 0644, buf_str(&b));
}

struct status modules_add(struct world *w, struct arena *mem, struct str dir, struct str module)
{
	char *path;
	TRY(modules_path(mem, dir, &path));
	struct status st = add(w, mem, path, module);
	if (failed(st))
		log_error("the module cannot be added to the list of those that may be loaded", "file", str_of(path),
			  "status", str_of(status_name(st)));
	return st;
}
