/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests: one program a file, each test named as the promise it keeps, TAP on
 * standard output. An EXPECT that does not hold prints where and ends the program.
 */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPECT(cond)                                                                                       \
	do {                                                                                               \
		if (!(cond)) {                                                                             \
			printf("not ok - %s\n# %s:%d: not so: %s\n", __func__, __FILE__, __LINE__, #cond); \
			fflush(stdout);                                                                    \
			_Exit(1);                                                                          \
		}                                                                                          \
	} while (0)

#define EXPECT_OK(call)        EXPECT(!failed(call))
#define EXPECT_ERR(call, want) EXPECT((call).code == (want))
#define EXPECT_STR(got, want)                                                                                   \
	do {                                                                                                    \
		struct str got_ = (got), want_ = (want);                                                        \
		if (!str_eq(got_, want_)) {                                                                     \
			printf("not ok - %s\n# %s:%d: want %.*s\n#   got %.*s\n", __func__, __FILE__, __LINE__, \
			       PR(want_), PR(got_));                                                            \
			fflush(stdout);                                                                         \
			_Exit(1);                                                                               \
		}                                                                                               \
	} while (0)

struct test_case {
	const char *name;
	void (*run)(void);
};
#define T(fn)           \
	{               \
#fn, fn \
	}

/* RUN_ALL(T(a_promise), T(another)) */
#define RUN_ALL(...)                                                    \
	int main(void)                                                  \
	{                                                               \
		static const struct test_case all_[] = { __VA_ARGS__ }; \
		printf("1..%zu\n", COUNT(all_));                        \
		for (size_t i_ = 0; i_ < COUNT(all_); i_++) {           \
			all_[i_].run();                                 \
			printf("ok %zu - %s\n", i_ + 1, all_[i_].name); \
			fflush(stdout);                                 \
		}                                                       \
		return 0;                                               \
	}

#endif
