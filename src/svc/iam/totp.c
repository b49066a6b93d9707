/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Truncation as RFC 4226 5.3 has it.
 */
#include "svc/iam/totp.h"

#include "base/str.h"
#include "crypto/hash.h"

/* RFC 4226 5.3: the last four bits say where in the MAC the 31 bits of the number are. */
void hotp(struct str seed, uint64_t counter, unsigned digits, char *out)
{
	uint8_t message[8], mac[SHA1_SIZE];
	assert(digits <= HOTP_DIGITS_MAX);
	for (size_t i = 0; i < sizeof message; i++)
		message[i] = (uint8_t)(counter >> (56 - 8 * i));
	hmac_sha1(seed, str_make(message, sizeof message), mac);
	const uint8_t *at = mac + (mac[SHA1_SIZE - 1] & 15);
	uint32_t number = (uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	for (unsigned i = digits; i > 0; number /= 10)
		out[--i] = (char)('0' + number % 10);
	secret_wipe(mac, sizeof mac);
}

bool totp_is_code(struct str code)
{
	for (size_t i = 0; i < code.n; i++)
		if (!char_digit(code.p[i]))
			return false;
	return code.n == TOTP_DIGITS;
}

static bool is_code_of(struct str seed, int64_t step, struct str code)
{
	char want[TOTP_DIGITS];
	if (step < 0)
		return false;
	hotp(seed, (uint64_t)step, TOTP_DIGITS, want);
	bool same = secret_eq(str_make(want, sizeof want), code);
	secret_wipe(want, sizeof want);
	return same;
}

bool totp_find(struct str seed, int64_t from, int64_t to, struct str code, int64_t *step)
{
	bool found = false;
	if (!totp_is_code(code))
		return false;
	for (int64_t s = from; s <= to; s++) {
		bool same = is_code_of(seed, s, code);
		*step = same ? s : *step;
		found |= same;
	}
	return found;
}

bool totp_find_two(struct str seed, int64_t from, int64_t to, struct str first, struct str second, int64_t *step)
{
	bool found = false;
	if (!totp_is_code(first) || !totp_is_code(second))
		return false;
	for (int64_t s = from; s <= to; s++) {
		bool one = is_code_of(seed, s, first), two = is_code_of(seed, s + 1, second), same = one && two;
		*step = same ? s + 1 : *step;
		found |= same;
	}
	return found;
}
