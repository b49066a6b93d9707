/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argon2id against the vectors of its reference implementation (those that need neither secret nor data).
 */
#include "crypto/password.h"

#include "crypto/vector.h"

static void the_published_vectors_hold(void)
{
	static const struct {
		struct password_cost cost;
		const char *password, *salt, *hex;
	} want[] = {
		{ { 65536, 2, 1 },
		  "password",
		  "somesalt",
		  "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7" },
		{ { 256, 2, 1 },
		  "password",
		  "somesalt",
		  "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe" },
		{ { 256, 2, 2 },
		  "password",
		  "somesalt",
		  "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037" },
		{ { 65536, 2, 1 },
		  "differentpassword",
		  "somesalt",
		  "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde" },
		{ { 65536, 2, 1 },
		  "password",
		  "diffsalt",
		  "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c" },
	};
	uint8_t out[PASSWORD_HASH_SIZE];
	for (size_t i = 0; i < COUNT(want); i++) {
		EXPECT_OK(password_hash(want[i].cost, str_of(want[i].password), str_of(want[i].salt), out));
		EXPECT(is_hex(out, sizeof out, want[i].hex));
	}
}

static void what_is_no_cost_is_refused(void)
{
	uint8_t out[PASSWORD_HASH_SIZE];
	EXPECT_ERR(password_hash((struct password_cost){ 0, 1, 1 }, S("p"), S("somesalt"), out), E_INVALID);
	EXPECT_ERR(password_hash((struct password_cost){ 64, 0, 1 }, S("p"), S("somesalt"), out), E_INVALID);
	EXPECT_ERR(password_hash((struct password_cost){ 64, 1, 0 }, S("p"), S("somesalt"), out), E_INVALID);
	EXPECT_ERR(password_hash((struct password_cost){ 64, 1, 1 }, S("p"), S("short"), out), E_INVALID);
}

static void our_own_cost_works(void)
{
	uint8_t a[PASSWORD_HASH_SIZE], b[PASSWORD_HASH_SIZE];
	EXPECT_OK(password_hash(PASSWORD_COST, S("correct horse"), S("0123456789abcdef"), a));
	EXPECT_OK(password_hash(PASSWORD_COST, S("correct horse."), S("0123456789abcdef"), b));
	EXPECT(memcmp(a, b, sizeof a) != 0);
}

RUN_ALL(T(the_published_vectors_hold), T(what_is_no_cost_is_refused), T(our_own_cost_works))
