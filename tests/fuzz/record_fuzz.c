/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a record of the trail, or as a block's summary: refused, or understood, packed
 * to a stable form and rendered as UTF-8 without end.
 */
#include "api/trail_int.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void as_record(struct arena *mem, struct str bytes)
{
	struct record r, again;
	struct str arn;
	struct summing s;
	if (failed(record_parse(bytes, &r)))
		return;
	struct buf one = buf_in(mem), two = buf_in(mem);
	record_pack(&one, &r);
	EXPECT_OK(record_parse(buf_str(&one), &again));
	record_pack(&two, &again);
	EXPECT_STR(buf_str(&two), buf_str(&one));
	for (size_t at = 0; record_resource(&r, &at, &arn);) {
		(void)record_resource_type(arn);
		(void)record_resource_name(arn);
	}
	(void)record_username(&r);
	summing_begin(&s, mem, 0);
	summing_add(&s, &r);
	struct summary sum;
	EXPECT_OK(summary_parse(summing_end(&s), &sum));
	EXPECT(summary_may_have(&sum, LOOKUP_EVENT_NAME, r.event_name) || !r.event_name.n);
	r.parameters = r.response = r.extra = (struct str){ 0 }; /* are JSON by whoever wrote them */
	EXPECT(str_is_utf8(record_json(mem, &r)));
}

static void as_summary(struct str bytes)
{
	struct summary s;
	struct mark m;
	if (failed(summary_parse(bytes, &s)))
		return;
	(void)summary_may_have(&s, LOOKUP_USERNAME, S("alice"));
	struct rd marks = rd_of(s.marks);
	while (summary_next_mark(&marks, &m))
		continue;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *mem = arena_new();
	as_record(mem, str_make(p, n));
	as_summary(str_make(p, n));
	arena_free(mem);
	return 0;
}
