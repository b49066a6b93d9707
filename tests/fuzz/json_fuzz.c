/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a JSON request. What decodes must pass through the constraint check without
 * harm, and, re-encoded, decode again to the same bytes: the decoder and the encoder agree.
 */
#include "base/str.h"
#include "wire/constraint.h"
#include "wire/json.h"
#include "wire/json_text.h"
#include "wire/pack.h"
#include "wire/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void there_and_back(struct arena *mem, const struct all *a)
{
	struct buf one = buf_in(mem), two = buf_in(mem), stored = buf_in(mem);
	struct all b = { 0 }, c = { 0 };
	struct decode d = decode_in(mem);
	json_encode(&one, &t_all, a);
	EXPECT_OK(json_decode(&d, &t_all, buf_str(&one), &b));
	json_encode(&two, &t_all, &b);
	EXPECT_STR(buf_str(&two), buf_str(&one));
	pack(&stored, &t_all, a);
	EXPECT_OK(unpack(mem, &t_all, buf_str(&stored), &c));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *mem = arena_new();
	struct patterns *patterns = patterns_new();
	struct str text = str_make(p, n), message = { NULL, 0 };
	struct decode d = decode_in(mem);
	struct all a = { 0 };
	struct json j = json_open(mem, text);
	json_skip(&j);
	bool sound = !failed(json_close(&j));
	if (failed(json_decode(&d, &t_all, text, &a))) {
		EXPECT(d.at <= n);
		EXPECT(!sound || d.why.p); /* sound JSON is only refused with a reason */
	} else {
		EXPECT(sound);
		if (!failed(constraint_check(&d, patterns, &t_all, &a, &message)))
			there_and_back(mem, &a);
		else
			EXPECT(message.p && str_is_utf8(message) && message.n < 65536);
		struct buf record = buf_in(mem);
		const struct record_style style = { .d = &d };
		json_encode_record(&record, &t_all, &a, &style);
	}
	patterns_free(patterns);
	arena_free(mem);
	return 0;
}
