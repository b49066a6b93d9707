/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credential reports: their states, their age, their text.
 */
#include "svc/iam/credential_report.h"
#include "svc/iam/used.h"
#include "svc/identities_testing.h"
#include "svc/mfa_testing.h"

#include <stdatomic.h>
#include <time.h>

enum { HOUR = 3600 * 1000 };

static void nap(void) { nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL); }

static void open_all(struct req *rq, void *arg)
{
	(void)arg;
	EXPECT_OK(iam_used_open(rq->app));
	iam_reports_open(rq->app);
}

static struct test_world *begin_reporting(void)
{
	struct test_world *w = begin();
	world_in_fiber(w, open_all, NULL);
	return w;
}

static void end(struct test_world *w)
{
	iam_reports_close(world_app(w));
	iam_used_close(world_app(w));
	world_end(w);
}

static struct str state(struct test_world *w)
{
	struct test_reply r = IAM(w, "GenerateCredentialReport", "{}");
	EXPECT(r.status == 200);
	return world_field(w, r, "State");
}

/* Ask as a client does, until it is there. */
static void generate(struct test_world *w)
{
	struct str s = state(w);
	EXPECT_STR(s, S("STARTED"));
	for (int i = 0; i < 60000 && !str_eq(s = state(w), S("COMPLETE")); i++) {
		EXPECT_STR(s, S("INPROGRESS"));
		nap();
	}
	EXPECT_STR(s, S("COMPLETE"));
}

static struct str report(struct test_world *w)
{
	struct str text;
	struct test_reply r = IAM(w, "GetCredentialReport", "{}");
	EXPECT(r.status == 200);
	EXPECT_STR(world_field(w, r, "ReportFormat"), S("text/csv"));
	EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "Content"), &text));
	return text;
}

static struct str line(struct str text, size_t i)
{
	struct str l = str_cut(&text, '\n');
	while (i-- > 0) {
		if (!text.p)
			return (struct str){ 0 };
		l = str_cut(&text, '\n');
	}
	return l;
}

/* ---- states ------------------------------------------------------------------------------- */

static void a_report_is_asked_for_made_and_had(void)
{
	struct test_world *w = begin_reporting();
	FAILS(IAM(w, "GetCredentialReport", "{}"), "ReportNotPresent");
	EXPECT(IAM(w, "GetCredentialReport", "{}").status == 410);
	struct test_reply r = IAM(w, "GenerateCredentialReport", "{}");
	EXPECT_STR(world_field(w, r, "State"), S("STARTED"));
	EXPECT_STR(world_field(w, r, "Description"), S("No report exists. Starting a new report generation task"));
	while (!str_eq(world_field(w, r = IAM(w, "GenerateCredentialReport", "{}"), "State"), S("COMPLETE")))
		nap();
	EXPECT(!world_field(w, r, "Description").p);
	r = IAM(w, "GetCredentialReport", "{}");
	EXPECT_STR(world_field(w, r, "GeneratedTime"), S("1767225600"));
	end(w);
}

static void it_is_good_for_four_hours(void)
{
	struct test_world *w = begin_reporting();
	generate(w);
	struct str first = report(w);
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	world_later(w, 4 * HOUR);
	EXPECT_STR(state(w), S("COMPLETE"));
	EXPECT_STR(report(w), first);
	world_later(w, 1);
	FAILS(IAM(w, "GetCredentialReport", "{}"), "ReportExpired");
	EXPECT(IAM(w, "GetCredentialReport", "{}").status == 410);
	generate(w);
	EXPECT(str_starts(line(report(w), 2), S("ann,")));
	end(w);
}

static void it_outlives_the_server(void)
{
	struct test_world *w = begin_reporting();
	generate(w);
	iam_reports_close(world_app(w));
	iam_used_close(world_app(w));
	world_restart(w);
	world_in_fiber(w, open_all, NULL);
	EXPECT_STR(state(w), S("COMPLETE"));
	EXPECT(report(w).n);
	end(w);
}

static void every_account_has_its_own(void)
{
	struct test_world *w = begin_reporting();
	WORKS(IAM(w, "CreateUser", "{'UserName':'ann'}"));
	generate(w);
	FAILS(AS(w, world_root_of(w, WORLD_OTHER), "iam", "GetCredentialReport", "{}"), "ReportNotPresent");
	EXPECT_STR(
	    world_field(w, AS(w, world_root_of(w, WORLD_OTHER), "iam", "GenerateCredentialReport", "{}"), "State"),
	    S("STARTED"));
	end(w); /* while it may be under way */
}

struct holding {
	struct test_world *w;
	atomic_bool held, done;
};

static void hold_shard(struct req *rq, void *arg)
{
	struct holding *h = arg;
	struct shard *shard;
	struct txn *t;
	EXPECT_OK(req_shard_of(rq, rq->account, "iam", S("iam/111122223333/report"), &shard));
	EXPECT_OK(txn_write(shard, &t));
	atomic_store(&h->held, true);
	while (!atomic_load(&h->done))
		nap();
	txn_abort(t);
}

static void *hold(void *arg)
{
	struct holding *h = arg;
	world_in_fiber(h->w, hold_shard, h);
	return NULL;
}

/* The report cannot be written while somebody else writes: what is asked meanwhile is told so. */
static void what_is_under_way_is_said(void)
{
	struct test_world *w = begin_reporting();
	struct holding h = { .w = w };
	pthread_t thread;
	EXPECT(pthread_create(&thread, NULL, hold, &h) == 0);
	while (!atomic_load(&h.held))
		nap();
	FAILS(IAM(w, "GetCredentialReport", "{}"), "ReportNotPresent");
	EXPECT_STR(state(w), S("STARTED"));
	for (int i = 0; i < 3; i++) {
		EXPECT_STR(state(w), S("INPROGRESS"));
		FAILS(IAM(w, "GetCredentialReport", "{}"), "ReportInProgress");
		EXPECT(IAM(w, "GetCredentialReport", "{}").status == 404);
	}
	atomic_store(&h.done, true);
	pthread_join(thread, NULL);
	while (str_eq(state(w), S("INPROGRESS")))
		nap();
	EXPECT_STR(state(w), S("COMPLETE"));
	EXPECT(report(w).n);
	end(w);
}

static void it_needs_permission(void)
{
	struct test_world *w = begin_reporting();
	struct caller ann = make_user(w, "ann");
	FAILS(AS(w, ann, "iam", "GenerateCredentialReport", "{}"), "AccessDenied");
	FAILS(AS(w, ann, "iam", "GetCredentialReport", "{}"), "AccessDenied");
	FAILS(IAM(w, "GetCredentialReport", "{}"), "ReportNotPresent");
	end(w);
}

/* ---- text ------------------------------------------------------------------------------------- */

static void use(struct req *rq, void *arg)
{
	rq->svc = &sts_service;
	iam_identity.key_used(rq, arg);
}

static void keys_are_shown_with_their_use(void)
{
	struct test_world *w = begin_reporting();
	WORKS(IAM(w, "CreateUser", "{'UserName':'bob'}"));
	world_later(w, HOUR);
	WORKS(IAM(w, "CreateUser", "{'UserName':'Ann','Path':'/team/'}"));
	struct str first = world_field(w, IAM(w, "CreateAccessKey", "{'UserName':'ann'}"), "AccessKey.AccessKeyId");
	world_later(w, HOUR);
	struct str second = world_field(w, IAM(w, "CreateAccessKey", "{'UserName':'ann'}"), "AccessKey.AccessKeyId");
	WORKS(IAM(w, "UpdateAccessKey", "{'UserName':'ann','AccessKeyId':'%.*s','Status':'Inactive'}", PR(second)));
	world_later(w, HOUR);
	struct caller ann = user_caller(w, "Ann"), root = world_root(w);
	ann.access_key_id = first;
	root.access_key_id = S("AKIAROOT111122223333");
	world_in_fiber(w, use, &ann);
	world_in_fiber(w, use, &root);
	generate(w);
	struct str text = report(w);
	EXPECT_STR(line(text, 0),
		   S("user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
		     "password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,"
		     "access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
		     "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
		     "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,"
		     "cert_2_active,cert_2_last_rotated"));
	EXPECT_STR(
	    line(text, 1),
	    S("<root_account>,arn:aws:iam::111122223333:root,2026-01-01T00:00:00Z,not_supported,N/A,not_supported,"
	      "not_supported,false,true,2026-01-01T00:00:00Z,2026-01-01T03:00:00Z,us-east-1,sts,false,N/A,N/A,N/A,"
	      "N/A,false,N/A,false,N/A"));
	EXPECT_STR(
	    line(text, 2),
	    S("Ann,arn:aws:iam::111122223333:user/team/Ann,2026-01-01T01:00:00Z,false,N/A,N/A,N/A,false,true,"
	      "2026-01-01T01:00:00Z,2026-01-01T03:00:00Z,us-east-1,sts,false,2026-01-01T02:00:00Z,N/A,N/A,N/A,false,"
	      "N/A,false,N/A"));
	EXPECT_STR(
	    line(text, 3),
	    S("bob,arn:aws:iam::111122223333:user/bob,2026-01-01T00:00:00Z,false,N/A,N/A,N/A,false,false,N/A,N/A,N/A,"
	      "N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"));
	EXPECT(!line(text, 4).p);
	end(w);
}

/* As he does it himself: made, and enabled with two codes. */
static void enable_device(struct test_world *w, const char *user)
{
	struct str base32, seed;
	struct test_reply r = IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'of-%s'}", user);
	EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "VirtualMFADevice.Base32StringSeed"), &base32));
	EXPECT_OK(base32_decode(world_mem(w), base32, &seed));
	WORKS(IAM(w, "EnableMFADevice",
		  "{'UserName':'%s','SerialNumber':'arn:aws:iam::111122223333:mfa/of-%s','AuthenticationCode1':'%.*s',"
		  "'AuthenticationCode2':'%.*s'}",
		  user, user, PR(code_at(w, seed, -1)), PR(code_at(w, seed, 0))));
}

static void who_has_a_device_is_shown(void)
{
	struct test_world *w = begin_reporting();
	static const char *const names[] = { "ann", "bob", "Cid" };
	for (size_t i = 0; i < COUNT(names); i++)
		(void)make_user(w, names[i]);
	enable_device(w, "Cid");
	enable_device(w, "ann");
	(void)enabled_device(w, "", "root-account-mfa-device");
	generate(w);
	struct str text = report(w);
	EXPECT(str_find(line(text, 1), S(",not_supported,true,true,")) != SIZE_MAX);
	EXPECT(str_find(line(text, 2), S(",false,N/A,N/A,N/A,true,false,")) != SIZE_MAX);
	EXPECT(str_find(line(text, 3), S(",false,N/A,N/A,N/A,false,false,")) != SIZE_MAX);
	EXPECT(str_find(line(text, 4), S(",false,N/A,N/A,N/A,true,false,")) != SIZE_MAX);
	end(w);
}

static void passwords_are_shown(void)
{
	struct test_world *w = begin_reporting();
	(void)make_user(w, "ann");
	WORKS(IAM(w, "UpdateAccountPasswordPolicy", "{'MaxPasswordAge':90}"));
	world_later(w, HOUR);
	WORKS(IAM(w, "CreateLoginProfile", "{'UserName':'ann','Password':'Correct-Horse-1'}"));
	generate(w);
	EXPECT(str_starts(line(report(w), 2),
			  S("ann,arn:aws:iam::111122223333:user/ann,2026-01-01T00:00:00Z,true,no_information,"
			    "2026-01-01T01:00:00Z,2026-04-01T01:00:00Z,false,")));
	end(w);
}

static void names_with_commas_are_quoted(void)
{
	struct test_world *w = begin_reporting();
	WORKS(IAM(w, "CreateUser", "{'UserName':'a,b','Path':'/x\\\"y/'}"));
	WORKS(IAM(w, "CreateUser", "{'UserName':'b','Path':'/\\\"/'}"));
	generate(w);
	EXPECT(str_starts(line(report(w), 3), S("b,\"arn:aws:iam::111122223333:user/\"\"/b\",2026-01-01T00:00:00Z,")));
	EXPECT(str_starts(line(report(w), 2),
			  S("\"a,b\",\"arn:aws:iam::111122223333:user/x\"\"y/a,b\",2026-01-01T00:00:00Z,false,")));
	end(w);
}

RUN_ALL(T(a_report_is_asked_for_made_and_had), T(it_is_good_for_four_hours), T(it_outlives_the_server),
	T(every_account_has_its_own), T(what_is_under_way_is_said), T(it_needs_permission),
	T(keys_are_shown_with_their_use), T(who_has_a_device_is_shown), T(passwords_are_shown),
	T(names_with_commas_are_quoted))
