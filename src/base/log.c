/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's log. See log.h.
 *
 *     {"time":"2026-01-01T00:00:00.000Z","level":"warn","what":"...","at":"store/shard.c:88","key":"value"}
 *
 * A line is built on the stack, at most LINE bytes, and leaves in one write(2), so lines of
 * different threads do not mix. What does not fit is cut where it stands and the line ends
 * in "cut":true; it is valid JSON in any case. Bytes that are not UTF-8 become U+FFFD.
 * A line that cannot be written is dropped: the log must never stop the server.
 */
#include "base/log.h"

#include "base/str.h"
#include "base/time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LINE = 8 * 1024 };

static atomic_int log_fd = 2;
static _Atomic enum log_level log_least = LOG_INFO;

/* A line under way. Once something did not fit, nothing more goes in. */
struct line {
	size_t n;
	bool in_string, cut;
	char text[LINE];
};

/* What a line may need at its end: "\",\"cut\":true}\n" */
enum { TAIL = 16 };

void log_setup(int fd, enum log_level least)
{
	log_fd = fd;
	log_least = least;
}

static bool fits(struct line *l, size_t n)
{
	if (n > sizeof(l->text) - TAIL - l->n)
		l->cut = true;
	return !l->cut;
}

/* For the parts whose room was asked for. */
static void put(struct line *l, struct str s)
{
	memcpy(l->text + l->n, s.p, s.n);
	l->n += s.n;
}

/* All of s or nothing. */
static void put_whole(struct line *l, struct str s)
{
	if (fits(l, s.n))
		put(l, s);
}

static bool plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

/* Length of the well-formed multi-byte character that s begins with, or 0. */
static size_t utf8_character(struct str s)
{
	for (size_t n = 2; n <= 4 && n <= s.n; n++)
		if (str_is_utf8(str_sub(s, 0, n)))
			return n;
	return 0;
}

/* The first character of s, escaped as JSON wants it. Returns how many bytes of s that was. */
static size_t put_escaped(struct line *l, struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	char escape[8];
	if (c >= 0x80) {
		size_t n = utf8_character(s);
		put_whole(l, n ? str_sub(s, 0, n) : S("\\ufffd"));
		return n ? n : 1;
	}
	if (c == '"' || c == '\\')
		snprintf(escape, sizeof(escape), "\\%c", c);
	else if (c == '\n')
		snprintf(escape, sizeof(escape), "\\n");
	else
		snprintf(escape, sizeof(escape), "\\u%04x", c);
	put_whole(l, str_of(escape));
	return 1;
}

static void put_text(struct line *l, struct str s)
{
	while (s.n && !l->cut) {
		size_t run = 0, room = sizeof(l->text) - TAIL - l->n;
		while (run < s.n && run < room && plain(s.p[run]))
			run++;
		if (run)
			put(l, str_sub(s, 0, run));
		s = str_from(s, run);
		if (s.n)
			s = str_from(s, put_escaped(l, s));
	}
}

/* "key":"value" with a comma before it; the key is a word of ours and needs no escape. */
static void put_pair(struct line *l, const char *key, struct str value)
{
	size_t n = strlen(key);
	if (!fits(l, n + 5))
		return;
	put(l, l->n ? S(",\"") : S("{\""));
	put(l, str_make(key, n));
	put(l, S("\":\""));
	l->in_string = true;
	put_text(l, value);
	if (!l->cut) {
		put_whole(l, S("\""));
		l->in_string = l->cut;
	}
}

static void put_tail(struct line *l)
{
	if (l->in_string)
		put(l, S("\""));
	if (l->cut)
		put(l, S(",\"cut\":true"));
	put(l, S("}\n"));
}

static void put_time(struct line *l)
{
	struct timespec t;
	char text[40];
	clock_gettime(CLOCK_REALTIME, &t);
	struct civil c = time_civil((int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
	int n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day, c.hour,
			 c.minute, c.second, c.ms);
	put_pair(l, "time", str_make(text, (size_t)n));
}

/* Where in the source, from the folder under src/ on. */
static void put_place(struct line *l, const char *file, int line)
{
	char text[128];
	struct str path = str_of(file);
	size_t src = str_find(path, S("src/"));
	if (src != SIZE_MAX)
		path = str_from(path, src + 4);
	snprintf(text, sizeof(text), "%.*s:%d", PR(path), line);
	put_pair(l, "at", str_of(text));
}

void log_line(enum log_level level, const char *file, int line, const char *what, ...)
{
	static const struct str names[] = { S("debug"), S("info"), S("warn"), S("error") };
	struct line l;
	va_list ap;
	if (level < atomic_load_explicit(&log_least, memory_order_relaxed))
		return;
	l.n = 0;
	l.in_string = l.cut = false;
	put_time(&l);
	put_pair(&l, "level", names[level]);
	put_pair(&l, "what", str_of(what));
	put_place(&l, file, line);
	va_start(ap, what);
	for (const char *key; (key = va_arg(ap, const char *));)
		put_pair(&l, key, va_arg(ap, struct str));
	va_end(ap);
	put_tail(&l);
	int fd = log_fd;
	while (write(fd, l.text, l.n) == -1 && errno == EINTR)
		continue;
}
