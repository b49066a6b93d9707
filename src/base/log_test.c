/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one valid JSON object a line, whatever is said.
 */
#include "base/log.h"
#include "base/str.h"
#include "base/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static int ends[2];
static char text[64 * 1024];

/* What was logged since the last call. */
static struct str said(void)
{
	ssize_t n = read(ends[0], text, sizeof(text));
	return str_make(text, n > 0 ? (size_t)n : 0);
}

static void listen_from(enum log_level least)
{
	if (!ends[1]) {
		EXPECT(pipe(ends) == 0);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
	}
	log_setup(ends[1], least);
}

/* The part of a line after "what". */
static struct str after_what(struct str line)
{
	size_t at = str_find(line, S(",\"what\""));
	EXPECT(at != SIZE_MAX);
	return str_from(line, at);
}

static void a_line_names_time_level_what_place_and_pairs(void)
{
	listen_from(LOG_INFO);
	log_line(LOG_WARN, "../src/store/shard.c", 88, "slow commit", "file", S("a"), "us", S("1200"), NULL);
	struct str line = said();
	EXPECT(str_starts(line, S("{\"time\":\"20")) && line.p[32] == 'Z' && line.p[33] == '"');
	EXPECT(str_find(line, S(",\"level\":\"warn\",")) == 34);
	EXPECT_STR(after_what(line),
		   S(",\"what\":\"slow commit\",\"at\":\"store/shard.c:88\",\"file\":\"a\",\"us\":\"1200\"}\n"));
}

static void lines_below_the_least_level_are_dropped(void)
{
	listen_from(LOG_WARN);
	log_debug("no");
	log_info("no", "k", S("v"));
	EXPECT(said().n == 0);
	log_warn("yes");
	EXPECT(said().n > 0);
	log_error("yes");
	EXPECT(said().n > 0);
	listen_from(LOG_DEBUG);
	log_debug("yes");
	EXPECT(said().n > 0);
}

static void values_are_escaped(void)
{
	static const struct {
		struct str value, json;
	} cases[] = {
		{ S("a\"b\\c"), S("a\\\"b\\\\c") },
		{ S("line\nnext\t\x01\x7f"), S("line\\nnext\\u0009\\u0001\\u007f") },
		{ S("caf\xc3\xa9 \xf0\x9f\x98\x80"), S("caf\xc3\xa9 \xf0\x9f\x98\x80") },
		{ S("\xff"
		    "a\xc3"),
		  S("\\ufffda\\ufffd") },
		{ S("\0"), S("\\u0000") },
		{ { 0 }, S("") },
	};
	listen_from(LOG_INFO);
	for (size_t i = 0; i < COUNT(cases); i++) {
		log_line(LOG_INFO, "x.c", 1, "w", "k", cases[i].value, NULL);
		struct str line = after_what(said()), head = S(",\"what\":\"w\",\"at\":\"x.c:1\",\"k\":\"");
		EXPECT(str_starts(line, head) && str_ends(line, S("\"}\n")));
		EXPECT_STR(str_sub(line, head.n, line.n - head.n - 3), cases[i].json);
	}
}

static void long_lines_are_cut_and_say_so(void)
{
	static char big[20000];
	memset(big, 'x', sizeof(big));
	listen_from(LOG_INFO);
	for (size_t n = 7900; n < 8400; n++) {
		log_info("w", "k", str_make(big, n), "next", S("\n\n"));
		struct str line = said();
		EXPECT(line.n <= 8192 && line.p[line.n - 1] == '\n' && str_find_char(line, '\n') == line.n - 1);
		bool whole = str_ends(line, S("xx\",\"next\":\"\\n\\n\"}\n"));
		EXPECT(whole != str_ends(line, S(",\"cut\":true}\n")));
		EXPECT(whole || line.n > 8150);
	}
	log_info("w", "k", str_make(big, sizeof(big)));
	EXPECT(str_ends(said(), S("xxx\",\"cut\":true}\n")));
	memset(big, '\n', sizeof(big));
	log_info("w", "k", str_make(big, sizeof(big)), "more", S("y"));
	EXPECT(str_ends(said(), S("\\n\\n\",\"cut\":true}\n")));
}

static void *chatter(void *arg)
{
	for (int i = 0; i < 50; i++)
		log_info("chatter", "k", S("0123456789"));
	return arg;
}

static void lines_of_threads_do_not_mix(void)
{
	pthread_t t[3];
	size_t lines = 0;
	listen_from(LOG_INFO);
	for (size_t i = 0; i < COUNT(t); i++)
		EXPECT(pthread_create(&t[i], NULL, chatter, NULL) == 0);
	for (size_t i = 0; i < COUNT(t); i++)
		pthread_join(t[i], NULL);
	for (struct str rest = said(); rest.n; lines++) {
		struct str line = str_cut(&rest, '\n');
		EXPECT(str_starts(line, S("{\"time\":")) && str_ends(line, S("\"k\":\"0123456789\"}")));
	}
	EXPECT(lines == 150);
}

static void a_log_that_cannot_be_written_stops_nothing(void)
{
	log_setup(-1, LOG_INFO);
	log_error("lost");
}

RUN_ALL(T(a_line_names_time_level_what_place_and_pairs), T(lines_below_the_least_level_are_dropped),
	T(values_are_escaped), T(long_lines_are_cut_and_say_so), T(lines_of_threads_do_not_mix),
	T(a_log_that_cannot_be_written_stops_nothing))
