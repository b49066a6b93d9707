/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multi-Region keys when the disk gives up, or the power fails, at any point of what is done in several regions: after
 * a restart, and when the duty has been by, all regions agree; nothing is half there, and nothing that was encrypted is
 * lost. What is there has its records, and what is not has none.
 */
#include "base/disk_fault.h"
#include "svc/kms/mirror.h"
#include "svc/kms/multiregion.h"
#include "svc/kms/multiregion_testing.h"

#include <errno.h>

static const char *const regions[] = { HOME, ABROAD, THIRD };
enum { REGIONS = COUNT(regions), CALLS_MAX = 400 };

struct scene {
	struct test_world *w;
	struct str id;
	struct str blobs[REGIONS]; /* of those that have the key at the beginning */
	struct disk_fault df;
};

/* ---- what is always so ------------------------------------------------------------------ */

static size_t listed(struct scene *s, const char *in, const char *region)
{
	size_t n = 0;
	for (int i = 0; i < 4; i++) {
		struct str path = arena_printf(world_mem(s->w), "MultiRegionConfiguration.ReplicaKeys.%d.Region", i);
		n += str_eq(testing_about(s->w, in, s->id, str_z(world_mem(s->w), path)), str_of(region));
	}
	return n;
}

/* How many regions have the key. Each of them says the same of the others, and there is one primary. */
static size_t agreed(struct scene *s)
{
	struct test_world *w = s->w;
	struct str primary = { 0 }, material = { 0 };
	size_t n = 0, primaries = 0, there[REGIONS];
	for (size_t i = 0; i < REGIONS; i++) {
		there[i] = str_eq(testing_about(w, regions[i], s->id, "KeyId"), s->id);
		n += there[i];
		if (!there[i])
			continue;
		struct str says = testing_about(w, regions[i], s->id, "MultiRegionConfiguration.PrimaryKey.Region"),
			   current = testing_about(w, regions[i], s->id, "CurrentKeyMaterialId");
		EXPECT(!primary.p || str_eq(primary, says));
		EXPECT(!material.p || str_eq(material, current));
		primary = says;
		material = current;
		bool is = str_eq(testing_about(w, regions[i], s->id, "MultiRegionConfiguration.MultiRegionKeyType"),
				 S("PRIMARY"));
		EXPECT(is == str_eq(says, str_of(regions[i])));
		primaries += is;
		EXPECT(!str_eq(testing_about(w, regions[i], s->id, "KeyState"), S("Updating")));
	}
	EXPECT(primaries == (n > 0));
	for (size_t i = 0; i < REGIONS; i++)
		for (size_t k = 0; k < REGIONS; k++)
			if (there[i])
				EXPECT(listed(s, regions[i], regions[k]) ==
				       (there[k] && !str_eq(primary, str_of(regions[k]))));
	return n;
}

static bool usable(struct scene *s, const char *region)
{
	struct str state = testing_about(s->w, region, s->id, "KeyState");
	return str_eq(state, S("Enabled")) || str_eq(state, S("Updating"));
}

/* What each region encrypts all of them open, and what was encrypted before as well. */
static void opens_everywhere(struct scene *s)
{
	for (size_t i = 0; i < REGIONS; i++) {
		if (!usable(s, regions[i]))
			continue;
		struct str blob = testing_seal_in(s->w, regions[i], s->id);
		for (size_t k = 0; k < REGIONS; k++) {
			if (!usable(s, regions[k]))
				continue;
			EXPECT_STR(testing_open_in(s->w, regions[k], blob), S("aGk="));
			if (s->blobs[i].p)
				EXPECT_STR(testing_open_in(s->w, regions[k], s->blobs[i]), S("aGk="));
		}
	}
}

/* ---- trying it at every point --------------------------------------------------------------- */

struct drama {
	void (*before)(struct scene *s);
	bool (*act)(struct scene *s);              /* did the call succeed? */
	void (*after)(struct scene *s, bool done); /* when all is well again */
};

enum how { DISK_FAILS, POWER_FAILS };

static void mend(struct scene *s, enum how how)
{
	s->df.fail_at = 0;
	if (how == DISK_FAILS) {
		world_restart(s->w);
	} else {
		world_crash(s->w);
		disk_fault_power_loss(&s->df);
		disk_fault_power_on(&s->df);
		world_start(s->w);
	}
	opens_everywhere(s); /* nothing waits for the duty to be readable */
	testing_duty(s->w);
}

static bool once(const struct drama *d, enum how how, uint64_t at)
{
	struct scene *s = HEAP(struct scene);
	s->w = testing_begin();
	struct world *world = world_app(s->w)->world;
	disk_fault_init(&s->df, world->disk, NULL);
	world->disk = &s->df.disk;
	world_restart(s->w);
	s->id = testing_primary(s->w, "");
	s->blobs[0] = testing_seal_in(s->w, HOME, s->id);
	d->before(s);
	s->df.fail_count = UINT64_MAX;
	s->df.fail_errno = EIO;
	*(how == DISK_FAILS ? &s->df.fail_at : &s->df.power_loss_at) = s->df.calls + at;
	uint64_t end = s->df.calls + at;
	bool done = d->act(s);
	bool reached = s->df.calls >= end;
	mend(s, how);
	(void)agreed(s);
	opens_everywhere(s);
	d->after(s, done);
	world_end(s->w);
	disk_fault_end(&s->df);
	heap_free(s);
	return reached;
}

static void at_every_point(const struct drama *d)
{
	for (enum how how = DISK_FAILS; how <= POWER_FAILS; how++) {
		uint64_t n = 1;
		while (n < CALLS_MAX && once(d, how, n))
			n++;
		EXPECT(n > 3 && n < CALLS_MAX); /* the disk had a part in it, and in the end all of it worked */
	}
}

/* ---- the plays --------------------------------------------------------------------------------- */

/* How many of them the trail says were done. */
static size_t recorded(struct scene *s, const char *region, const char *event)
{
	size_t all, done = 0;
	struct str lines = testing_records(s->w, region, event, 50, &all);
	while (lines.n)
		done += str_find(str_cut(&lines, '\n'), S("\"errorCode\"")) == SIZE_MAX;
	return done;
}

static void nothing(struct scene *s) { (void)s; }
static void two_replicas(struct scene *s)
{
	testing_replicate(s->w, s->id, ABROAD);
	testing_replicate(s->w, s->id, THIRD);
	for (size_t i = 1; i < REGIONS; i++)
		s->blobs[i] = testing_seal_in(s->w, regions[i], s->id);
}

static bool replicate(struct scene *s)
{
	return !CALL(s->w, "ReplicateKey", "{'KeyId':'%.*s','ReplicaRegion':'" ABROAD "'}", PR(s->id)).code.n;
}

static void replicated(struct scene *s, bool done)
{
	size_t n = agreed(s);
	EXPECT(done ? n == 2 : n == 1 || n == 2);
	EXPECT(recorded(s, HOME, "ReplicateKey") == n - 1);
	EXPECT(recorded(s, ABROAD, "CreateKey") == n - 1);
	if (n == 1) { /* and it can be done now */
		EXPECT(replicate(s));
		EXPECT(agreed(s) == 2);
	}
}

static void a_replica_is_there_or_it_is_not(void)
{
	static const struct drama d = { nothing, replicate, replicated };
	at_every_point(&d);
}

static bool move(struct scene *s)
{
	return !CALL(s->w, "UpdatePrimaryRegion", "{'KeyId':'%.*s','PrimaryRegion':'" ABROAD "'}", PR(s->id)).code.n;
}

static void moved(struct scene *s, bool done)
{
	EXPECT(agreed(s) == 3);
	bool is = str_eq(testing_about(s->w, HOME, s->id, "MultiRegionConfiguration.PrimaryKey.Region"), S(ABROAD));
	EXPECT(is || !done);
	EXPECT(recorded(s, HOME, "UpdatePrimaryRegion") == is && recorded(s, ABROAD, "UpdatePrimaryRegion") == is);
}

static void there_is_always_one_primary(void)
{
	static const struct drama d = { two_replicas, move, moved };
	at_every_point(&d);
}

static bool rotate(struct scene *s) { return !CALL(s->w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(s->id)).code.n; }

static struct str rotations(struct scene *s, const char *region)
{
	return world_field(s->w, CALL_IN(s->w, region, "ListKeyRotations", "{'KeyId':'%.*s'}", PR(s->id)),
			   "Rotations.0.KeyMaterialId");
}

static void rotated(struct scene *s, bool done)
{
	EXPECT(agreed(s) == 3);
	for (size_t i = 0; i < REGIONS; i++) {
		EXPECT(!done || rotations(s, regions[i]).p);
		EXPECT_STR(rotations(s, regions[i]), rotations(s, HOME));
	}
	bool is = rotations(s, HOME).p;
	EXPECT(recorded(s, HOME, "RotateKeyOnDemand") == is && recorded(s, HOME, "RotateKey") == is);
	if (!is) {
		EXPECT(rotate(s));
		EXPECT(rotations(s, THIRD).p);
		opens_everywhere(s);
	}
}

static void material_is_everywhere_or_nowhere_in_use(void)
{
	static const struct drama d = { two_replicas, rotate, rotated };
	at_every_point(&d);
}

static void half_of_it_ends(struct scene *s)
{
	two_replicas(s);
	EXPECT_DONE(CALL(s->w, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(s->id)));
	EXPECT_DONE(
	    CALL_IN(s->w, ABROAD, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(s->id)));
	EXPECT_DONE(CALL_IN(s->w, THIRD, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(s->id)));
	world_later(s->w, 7 * (int64_t)DAY_MS);
}

static bool sweep(struct scene *s)
{
	testing_duty(s->w);
	return true;
}

static void swept(struct scene *s, bool done)
{
	(void)done;
	EXPECT(agreed(s) == 1);
	EXPECT(testing_rows_in(s->w, ABROAD) == 0 && testing_rows_in(s->w, THIRD) == 0);
	EXPECT(recorded(s, ABROAD, "DeleteKey") == 1 && recorded(s, THIRD, "DeleteKey") == 1);
	EXPECT_STR(testing_about(s->w, HOME, s->id, "KeyState"), S("PendingDeletion"));
	world_later(s->w, 7 * (int64_t)DAY_MS);
	testing_duty(s->w);
	EXPECT(testing_rows_in(s->w, HOME) == 0);
}

static void the_primary_waits_for_all_and_is_told_of_all(void)
{
	static const struct drama d = { half_of_it_ends, sweep, swept };
	at_every_point(&d);
}

/* ---- late copies ---------------------------------------------------------------------------- */

struct late {
	struct str id;
	int64_t by; /* versions */
};

/* What the primary had to say so many versions ago (or will have), said to its replica now: a period of 1000 days. */
static void copy_late(struct req *rq, void *arg)
{
	const struct late *l = arg;
	struct kms_original o;
	struct shard *shard;
	struct txn *t;
	struct req *in = kms_enter(rq, WORLD_ACCOUNT, S(ABROAD));
	EXPECT_OK(kms_original_read(rq, l->id, &o));
	o.row.version += l->by;
	o.row.rotate_days = 1000;
	o.backing.n--; /* before the last rotation */
	EXPECT_OK(kms_shard(in, WORLD_ACCOUNT, &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(kms_copy(in, t, &o, NULL));
	EXPECT_OK(txn_commit(t));
	kms_leave(in);
}

static void what_comes_late_changes_nothing(void)
{
	static const struct {
		int64_t by;
		const char *days;
	} cases[] = { { -2, "90" }, { -1, "90" }, { 0, "90" }, { 1, "1000" } };
	struct test_world *w = testing_begin();
	struct late l = { .id = testing_primary(w, "") };
	testing_replicate(w, l.id, ABROAD);
	EXPECT_DONE(CALL(w, "EnableKeyRotation", "{'KeyId':'%.*s','RotationPeriodInDays':90}", PR(l.id)));
	EXPECT_DONE(CALL(w, "RotateKeyOnDemand", "{'KeyId':'%.*s'}", PR(l.id)));
	struct str blob = testing_seal_in(w, HOME, l.id);
	for (size_t i = 0; i < COUNT(cases); i++) {
		l.by = cases[i].by;
		world_in_fiber(w, copy_late, &l);
		struct test_reply r = CALL_IN(w, ABROAD, "GetKeyRotationStatus", "{'KeyId':'%.*s'}", PR(l.id));
		EXPECT_STR(world_field(w, r, "RotationPeriodInDays"), str_of(cases[i].days));
		EXPECT_STR(testing_open_in(w, ABROAD, blob), S("aGk=")); /* a copy takes no material away */
	}
	world_end(w);
}

/* ---- a successor that is ending ------------------------------------------------------------- */

/* What UpdatePrimaryRegion commits, when the server stops right after it. */
static void hand_over(struct req *rq, void *arg)
{
	const struct str *id = arg;
	struct kms_replica_entry *v = NEW(rq->mem, struct kms_replica_entry);
	struct kms_key_row row;
	struct shard *shard;
	struct txn *t;
	EXPECT_OK(req_shard_own(rq, &shard));
	EXPECT_OK(txn_write(shard, &t));
	EXPECT_OK(kms_row_get(rq, t, *id, &row));
	EXPECT(row.replicas.n == 1);
	row.version++;
	*v = (struct kms_replica_entry){ S(HOME), row.version };
	row.replicas = (struct kms_replica_entry_list){ v, 1 };
	row.multi_region = KMS_MULTI_REGION_KEY_TYPE_REPLICA;
	row.primary_region = S(ABROAD);
	row.since = row.version;
	row.updating = true;
	EXPECT_OK(txn_put(t, kms_mark_key(rq->mem, *id), S("")));
	EXPECT_OK(kms_row_put(rq, t, *id, &row));
	EXPECT_OK(txn_commit(t));
}

static struct str ending_successor(struct test_world *w, int days)
{
	struct str id = testing_primary(w, "");
	testing_replicate(w, id, ABROAD);
	EXPECT_DONE(CALL_IN(w, ABROAD, "ScheduleKeyDeletion", "{'KeyId':'%.*s','PendingWindowInDays':7}", PR(id)));
	world_later(w, days * (int64_t)DAY_MS);
	world_in_fiber(w, hand_over, &id);
	EXPECT_STR(testing_about(w, HOME, id, "KeyState"), S("Updating"));
	EXPECT_STR(testing_about(w, HOME, id, "MultiRegionConfiguration.MultiRegionKeyType"), S("REPLICA"));
	world_restart(w);
	testing_duty(w);
	return id;
}

static void a_successor_with_a_date_waits_for_its_replicas_from_then_on(void)
{
	struct test_world *w = testing_begin();
	struct str id = ending_successor(w, 1);
	EXPECT_STR(testing_about(w, ABROAD, id, "MultiRegionConfiguration.MultiRegionKeyType"), S("PRIMARY"));
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyState"), S("PendingReplicaDeletion"));
	EXPECT_STR(testing_about(w, HOME, id, "KeyState"), S("Enabled"));
	world_later(w, 30 * (int64_t)DAY_MS);
	testing_duty(w);
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyState"), S("PendingReplicaDeletion"));
	EXPECT_STR(testing_open_in(w, HOME, testing_seal_in(w, HOME, id)), S("aGk="));
	world_end(w);
}

static void a_primary_whose_successor_is_gone_is_primary_again(void)
{
	struct test_world *w = testing_begin();
	struct str id = ending_successor(w, 7);
	EXPECT_STR(testing_about(w, ABROAD, id, "KeyId"), S("NotFoundException"));
	EXPECT(testing_rows_in(w, ABROAD) == 0);
	EXPECT_STR(testing_about(w, HOME, id, "MultiRegionConfiguration.MultiRegionKeyType"), S("PRIMARY"));
	EXPECT_STR(testing_about(w, HOME, id, "MultiRegionConfiguration.ReplicaKeys"), S("[]"));
	EXPECT_STR(testing_about(w, HOME, id, "KeyState"), S("Enabled"));
	testing_replicate(w, id, ABROAD);
	EXPECT_STR(testing_open_in(w, ABROAD, testing_seal_in(w, HOME, id)), S("aGk="));
	world_end(w);
}

RUN_ALL(T(a_replica_is_there_or_it_is_not), T(there_is_always_one_primary), T(material_is_everywhere_or_nowhere_in_use),
	T(the_primary_waits_for_all_and_is_told_of_all), T(what_comes_late_changes_nothing),
	T(a_successor_with_a_date_waits_for_its_replicas_from_then_on),
	T(a_primary_whose_successor_is_gone_is_primary_again))
