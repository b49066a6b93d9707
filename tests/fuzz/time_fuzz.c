/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time texts: whatever a parser takes, the writer of that form writes as something the
 * parser reads as the same moment.
 */
#include "base/str.h"
#include "base/time.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new();
	struct str s = str_make(data, n);
	int64_t ms, again;
	if (!failed(time_parse_iso8601(s, &ms)))
		must(!failed(time_parse_iso8601(time_iso8601_ms(a, ms), &again)) && again == ms);
	if (!failed(time_parse_basic(s, &ms)))
		must(str_eq(time_basic(a, ms), s));
	if (!failed(time_parse_http(s, &ms)))
		must(!failed(time_parse_http(time_http(a, ms), &again)) && again == ms);
	if (n >= sizeof(ms)) {
		memcpy(&ms, data, sizeof(ms));
		struct civil c = time_civil(ms);
		struct civil back = time_civil(time_of_civil(&c));
		must(memcmp(&c, &back, sizeof(c)) == 0);
	}
	arena_free(a);
	return 0;
}
