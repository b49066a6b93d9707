/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands' end of the admin socket: while a directory is being served the server is
 * asked, since only one process may have the store open.
 */
#include "base/buf.h"
#include "base/str.h"
#include "cli/server.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct status admin_connect(struct arena *mem, struct str dir, int *fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct str path = layout_path(mem, dir, "admin.sock");
	if (path.n >= sizeof at.sun_path)
		return ERR(E_TOO_BIG);
	memcpy(at.sun_path, path.p, path.n);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || connect(s, (struct sockaddr *)&at, sizeof at)) {
		if (s >= 0)
			close(s);
		return ERR(E_CLOSED);
	}
	*fd = s;
	return OK;
}

/* Controls but tab and newline, in UTF-8 the upper ones, too. */
static void defuse(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i], next = i + 1 < n ? (unsigned char)p[i + 1] : 0;
		if ((c < ' ' && c != '\n' && c != '\t') || c == 127 || (c == 0xc2 && next >= 0x80 && next < 0xa0))
			p[i] = '?';
	}
}

struct status admin_ask(struct arena *mem, struct str dir, const char *method, struct str target, int *status,
			struct str *body)
{
	int fd;
	struct str request =
	    arena_printf(mem, "%s %.*s HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			 method, PR(target));
	TRY(admin_connect(mem, dir, &fd));
	if (write(fd, request.p, request.n) != (ssize_t)request.n) {
		close(fd);
		return ERR(E_CLOSED);
	}
	struct buf all = buf_in(mem);
	ssize_t n;
	while ((n = read(fd, buf_room(&all, 4096), 4096)) > 0)
		buf_took(&all, (size_t)n);
	close(fd);
	struct str text = buf_str(&all);
	size_t head = str_find(text, S("\r\n\r\n"));
	int64_t code;
	if (text.n < 12 || head == SIZE_MAX || !str_to_i64(str_sub(text, 9, 3), &code))
		return ERR(E_IO);
	*status = (int)code;
	defuse(all.p + head + 4, all.n - head - 4);
	*body = str_from(text, head + 4);
	return OK;
}

bool admin_show_all(struct str body)
{
	printf("%.*s", PR(body));
	return true;
}

int admin_command(struct arena *mem, const char *command, struct str dir, const char *method, struct str target,
		  admin_show *show)
{
	int status = 0;
	struct str body = S("");
	struct status st = admin_ask(mem, dir, method, target, &status, &body);
	if (st.code == E_CLOSED) {
		fprintf(stderr, "holdfast %s: nobody serves %.*s\n", command, PR(dir));
		return 1;
	}
	if (failed(st) || status != 200) {
		struct str why = failed(st) ? str_of(status_name(st)) : body;
		fprintf(stderr, "holdfast %s: %.*s%s", command, PR(why), str_ends(why, S("\n")) ? "" : "\n");
		return 1;
	}
	if (!show || show(body))
		return 0;
	fprintf(stderr, "holdfast %s: the server's answer makes no sense\n", command);
	return 1;
}
