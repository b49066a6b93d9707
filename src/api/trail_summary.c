/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block's summary: when its records are from, how far each outbox is delivered, and a
 * Bloom filter over every value a reader can ask for.
 *
 *     version, flags, from, to, ceiling, count, probes
 *     length, marks { hash, seq } in a row
 *     the filter
 *
 * The filter has BITS bits for each distinct value and seven probes: it says "maybe" of one
 * value in a hundred that is not there, and then the block is opened for nothing.
 */
#include "api/trail_int.h"

#include "base/buf.h"
#include "base/codec.h"
#include "base/str.h"

enum { VERSION = 1, BITS = 10, PROBES = 7, PROBES_MAX = 32 };
enum { F_READS = 1, F_WRITES = 2, F_FULL_MARKS = 4 };

uint64_t trail_shard_hash(struct str name) { return str_hash(name, 0x7368617264); }

static uint64_t value_hash(enum lookup_attribute what, struct str value)
{
	uint64_t h = str_hash(value, (uint64_t)what);
	return h ? h : 1;
}

/* ---- writing --------------------------------------------------------------------- */

void summing_begin(struct summing *s, struct arena *mem, int64_t ceiling_ms)
{
	*s = (struct summing){ .mem = mem, .cap = 64, .marks = buf_in(mem) };
	s->seen = NEWS(mem, uint64_t, s->cap);
	s->sum.from_ms = INT64_MAX;
	s->sum.ceiling_ms = ceiling_ms;
}

static bool insert(uint64_t *table, size_t cap, uint64_t h)
{
	size_t i = (size_t)h & (cap - 1);
	while (table[i] && table[i] != h)
		i = (i + 1) & (cap - 1);
	bool fresh = !table[i];
	table[i] = h;
	return fresh;
}

static void note(struct summing *s, enum lookup_attribute what, struct str value)
{
	if (!value.n)
		return;
	if (s->n * 2 >= s->cap) {
		uint64_t *more = NEWS(s->mem, uint64_t, s->cap * 2);
		for (size_t i = 0; i < s->cap; i++)
			if (s->seen[i])
				(void)insert(more, s->cap * 2, s->seen[i]);
		s->seen = more;
		s->cap *= 2;
	}
	s->n += insert(s->seen, s->cap, value_hash(what, value));
}

void summing_add(struct summing *s, const struct record *r)
{
	struct summary *sum = &s->sum;
	char id[36];
	struct str arn;
	sum->from_ms = r->time_ms < sum->from_ms ? r->time_ms : sum->from_ms;
	sum->to_ms = r->time_ms > sum->to_ms ? r->time_ms : sum->to_ms;
	sum->reads |= r->read_only;
	sum->writes |= !r->read_only;
	sum->count++;
	record_event_id(r, id);
	note(s, LOOKUP_EVENT_ID, str_make(id, sizeof id));
	note(s, LOOKUP_EVENT_NAME, r->event_name);
	note(s, LOOKUP_EVENT_SOURCE, r->event_source);
	note(s, LOOKUP_USERNAME, record_username(r));
	note(s, LOOKUP_ACCESS_KEY_ID, r->access_key_id);
	for (size_t at = 0; record_resource(r, &at, &arn);) {
		note(s, LOOKUP_RESOURCE_NAME, arn);
		note(s, LOOKUP_RESOURCE_NAME, record_resource_name(arn));
		note(s, LOOKUP_RESOURCE_TYPE, record_resource_type(arn));
	}
}

void summing_mark(struct summing *s, uint64_t hash, uint64_t seq)
{
	buf_be64(&s->marks, hash);
	buf_varint(&s->marks, seq);
	s->n_marks++;
}

static size_t bit_of(uint64_t h, unsigned probe, size_t bits)
{
	uint64_t step = (h >> 32) | 1;
	return (size_t)((h + probe * step * 0x9e3779b97f4a7c15) % bits);
}

static struct str filter(struct summing *s)
{
	size_t bytes = (s->n * BITS + 7) / 8 + 8;
	unsigned char *p = NEWS(s->mem, unsigned char, bytes);
	for (size_t i = 0; i < s->cap; i++)
		for (unsigned k = 0; s->seen[i] && k < PROBES; k++) {
			size_t bit = bit_of(s->seen[i], k, bytes * 8);
			p[bit / 8] |= (unsigned char)(1 << bit % 8);
		}
	return str_make(p, bytes);
}

struct str summing_end(struct summing *s)
{
	struct summary *sum = &s->sum;
	struct buf b = buf_in(s->mem);
	struct str bloom = filter(s), marks = buf_str(&s->marks);
	if (sum->ceiling_ms < sum->to_ms)
		sum->ceiling_ms = sum->to_ms;
	buf_byte(&b, VERSION);
	buf_byte(&b, (char)((sum->reads ? F_READS : 0) | (sum->writes ? F_WRITES : 0) |
			    (sum->full_marks ? F_FULL_MARKS : 0)));
	buf_varint(&b, (uint64_t)sum->from_ms);
	buf_varint(&b, (uint64_t)sum->to_ms);
	buf_varint(&b, (uint64_t)sum->ceiling_ms);
	buf_varint(&b, sum->count);
	buf_varint(&b, PROBES);
	buf_varint(&b, marks.n);
	buf_put(&b, marks);
	buf_put(&b, bloom);
	return buf_str(&b);
}

/* ---- reading ----------------------------------------------------------------------- */

struct status summary_parse(struct str bytes, struct summary *out)
{
	struct rd r = rd_of(bytes);
	if (rd_u8(&r) != VERSION)
		return ERR(E_CORRUPT);
	unsigned flags = rd_u8(&r);
	*out = (struct summary){ .reads = flags & F_READS,
				 .writes = flags & F_WRITES,
				 .full_marks = flags & F_FULL_MARKS };
	out->from_ms = (int64_t)rd_varint(&r);
	out->to_ms = (int64_t)rd_varint(&r);
	out->ceiling_ms = (int64_t)rd_varint(&r);
	out->count = rd_varint(&r);
	uint64_t probes = rd_varint(&r);
	out->marks = rd_bytes(&r, (size_t)rd_varint(&r));
	out->bloom = str_make(r.p, (size_t)(r.end - r.p));
	out->probes = (unsigned)probes;
	return r.bad || !out->bloom.n || probes > PROBES_MAX ? ERR(E_CORRUPT) : OK;
}

bool summary_next_mark(struct rd *marks, struct mark *out)
{
	if (marks->bad || rd_end(marks))
		return false;
	out->hash = rd_be64(marks);
	out->seq = rd_varint(marks);
	return !marks->bad;
}

bool summary_may_have(const struct summary *s, enum lookup_attribute what, struct str value)
{
	if (what == LOOKUP_NONE)
		return true;
	if (what == LOOKUP_READ_ONLY)
		return str_eq(value, S("true")) ? s->reads : s->writes;
	uint64_t h = value_hash(what, value);
	for (unsigned k = 0; k < s->probes; k++) {
		size_t bit = bit_of(h, k, s->bloom.n * 8);
		if (!((unsigned char)s->bloom.p[bit / 8] >> bit % 8 & 1))
			return false;
	}
	return true;
}
