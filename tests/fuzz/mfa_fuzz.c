/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time passwords and QR codes: nothing but six digits is a code, a code that is found is
 * the code of the step it is found at, and what becomes a QR code is a PNG.
 */
#include "base/str.h"
#include "svc/iam/qr.h"
#include "svc/iam/totp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool held)
{
	if (!held)
		abort();
}

static bool shown_at(struct str seed, int64_t step, struct str code)
{
	char want[TOTP_DIGITS];
	hotp(seed, (uint64_t)step, TOTP_DIGITS, want);
	return str_eq(str_make(want, sizeof want), code);
}

static void look_for(struct str seed, struct str first, struct str second)
{
	int64_t step = -1;
	if (totp_find(seed, -2, 20, first, &step))
		must(totp_is_code(first) && step >= 0 && shown_at(seed, step, first));
	step = -1;
	if (totp_find_two(seed, -2, 20, first, second, &step))
		must(step >= 1 && shown_at(seed, step - 1, first) && shown_at(seed, step, second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = str_make(data, n), png;
	look_for(S("12345678901234567890"), str_sub(s, 0, 6), str_from(s, 6));
	look_for(s, S("755224"), S("287082"));
	if (n > 300 || memchr(data, 0, n))
		return 0;
	struct arena *mem = arena_new();
	if (!failed(qr_png(mem, s, &png)))
		must(png.n > 8 && !memcmp(png.p, "\x89PNG\r\n\x1a\n", 8));
	arena_free(mem);
	return 0;
}
