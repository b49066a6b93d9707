/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to and from a token's process; and a process that is none. What a real one does
 * is tested over the wire (tests/api/test_kms_key_stores.py).
 */
#include "crypto/token.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "crypto/token_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_call_crosses_as_it_is(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	struct token_call c = { TOKEN_SEAL, 12, S("/m"), S("label"), S("pin"), S("key"), S("aad"), S("input") }, got;
	uint32_t number = 0;
	token_call_write(&b, 0xfffffffe, &c);
	EXPECT_OK(token_call_read(buf_str(&b), &number, &got));
	EXPECT(number == 0xfffffffe && got.op == TOKEN_SEAL && got.size == 12);
	EXPECT_STR(got.module, S("/m"));
	EXPECT_STR(got.label, S("label"));
	EXPECT_STR(got.pin, S("pin"));
	EXPECT_STR(got.key, S("key"));
	EXPECT_STR(got.aad, S("aad"));
	EXPECT_STR(got.input, S("input"));
	for (size_t n = 0; n < b.n; n++)
		EXPECT_ERR(token_call_read(str_sub(buf_str(&b), 0, n), &number, &got), E_INVALID);
	buf_byte(&b, 0);
	EXPECT_ERR(token_call_read(buf_str(&b), &number, &got), E_INVALID);
	arena_free(mem);
}

static struct status read_back(const struct token_call *c)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	struct token_call got;
	uint32_t number;
	token_call_write(&b, 1, c);
	struct status st = token_call_read(buf_str(&b), &number, &got);
	arena_free(mem);
	return st;
}

static void no_text_is_longer_than_it_may_be(void)
{
	static char many[TOKEN_MESSAGE_MAX];
	struct str key = str_make(many, TOKEN_KEY_MAX), input = str_make(many, TOKEN_TEXT_MAX + TOKEN_SEAL_OVERHEAD);
	EXPECT_OK(read_back(&(struct token_call){ .op = TOKEN_UNSEAL, .key = key, .input = input }));
	key.n++;
	EXPECT_ERR(read_back(&(struct token_call){ .op = TOKEN_UNSEAL, .key = key }), E_INVALID);
	input.n++;
	EXPECT_ERR(read_back(&(struct token_call){ .op = TOKEN_UNSEAL, .input = input }), E_INVALID);
	EXPECT_ERR(read_back(&(struct token_call){ .op = TOKEN_RANDOM, .size = TOKEN_TEXT_MAX + 1 }), E_INVALID);
	EXPECT_ERR(read_back(&(struct token_call){ .op = TOKEN_OPEN, .pin = str_make(many, TOKEN_PIN_MAX + 1) }),
		   E_INVALID);
	EXPECT_ERR(read_back(&(struct token_call){ .op = (enum token_op)0 }), E_INVALID);
	EXPECT_ERR(read_back(&(struct token_call){ .op = TOKEN_OPS }), E_INVALID);
}

static void an_answer_crosses_as_it_is(void)
{
	struct arena *mem = arena_new();
	struct buf b = buf_in(mem);
	struct token_answer a = { TOKEN_BAD_INPUT, S("out"), S("plain") }, got;
	uint32_t number = 0;
	token_answer_write(&b, 9, &a);
	EXPECT_OK(token_answer_read(buf_str(&b), &number, &got));
	EXPECT(number == 9 && got.result == TOKEN_BAD_INPUT);
	EXPECT_STR(got.out, S("out"));
	EXPECT_STR(got.plain, S("plain"));
	for (size_t n = 0; n < b.n; n++)
		EXPECT_ERR(token_answer_read(str_sub(buf_str(&b), 0, n), &number, &got), E_INVALID);
	b.p[4] = TOKEN_RESULTS;
	EXPECT_ERR(token_answer_read(buf_str(&b), &number, &got), E_INVALID);
	arena_free(mem);
}

/* Of a program that is not there, or that ends at once, or answers nonsense, nothing hangs. */
static void a_process_that_is_none_fails_calls(void)
{
	static const char *const programs[] = { "/no/such/program", "/bin/true", "/bin/sh" };
	struct world w;
	log_setup(-1, LOG_ERROR);
	world_real(&w);
	for (size_t i = 0; i < COUNT(programs); i++) {
		struct token_process_driver d = token_processes;
		struct arena *mem = arena_new();
		struct token_answer a;
		struct token *t;
		d.program = programs[i];
		EXPECT_OK(d.driver.start(&d.driver, &w, &t));
		EXPECT_ERR(d.driver.call(t, &(struct token_call){ .op = TOKEN_OPEN }, mem, &a), E_BUSY);
		d.driver.wait(t);
		EXPECT_ERR(d.driver.call(t, &(struct token_call){ .op = TOKEN_OPEN }, mem, &a), E_BUSY);
		EXPECT(token_process_pid(t) == 0);
		d.driver.close(t);
		arena_free(mem);
	}
}

/* It writes to its socket what is no answer, and stays. */
static void one_that_answers_nonsense_is_killed(void)
{
	static const char script[] = "#!/bin/sh\nprintf nonsense >&3\nexec sleep 100\n";
	char dir[TEST_DIR_MAX], path[64];
	struct token_process_driver d = token_processes;
	struct arena *mem = arena_new();
	struct token_answer a;
	struct token *t;
	struct world w;
	test_dir_new_in(dir, sizeof dir, "/tmp"); /* what lies in memory may not be run everywhere */
	snprintf(path, sizeof path, "%s/nonsense", dir);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
	EXPECT(fd >= 0 && write(fd, script, sizeof script - 1) == (ssize_t)sizeof script - 1);
	EXPECT(close(fd) == 0);
	log_setup(-1, LOG_ERROR);
	world_real(&w);
	d.program = path;
	EXPECT_OK(d.driver.start(&d.driver, &w, &t));
	EXPECT_ERR(d.driver.call(t, &(struct token_call){ .op = TOKEN_OPEN }, mem, &a), E_BUSY);
	d.driver.wait(t);
	EXPECT(token_process_pid(t) == 0);
	d.driver.close(t);
	unlink(path);
	rmdir(dir);
	arena_free(mem);
}

RUN_ALL(T(a_call_crosses_as_it_is), T(no_text_is_longer_than_it_may_be), T(an_answer_crosses_as_it_is),
	T(a_process_that_is_none_fails_calls), T(one_that_answers_nonsense_is_killed))
