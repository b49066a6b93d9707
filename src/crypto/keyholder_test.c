/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring with a keyholder: the same answers as without one, through death and restart.
 */
#include "crypto/keyholder.h"

#include "base/fiber.h"
#include "base/log.h"
#include "base/str.h"
#include "crypto/harden.h"
#include "crypto/keyring_testing.h"
#include "crypto/rings.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void both_keyrings_open_what_the_other_sealed(void)
{
	struct place *p = place_new(true);
	struct key_ref account = p->account, key = new_key(p, &account, "kms/k");
	struct keyring *here;
	struct str a, b, plain;
	struct secret made, opened;
	uint8_t x[32], y[32];

	EXPECT_OK(keyring_open(&p->w, p->root, &here));
	EXPECT_OK(keyring_seal(p->kr, &key, S("aad"), S("text"), p->mem, &a));
	EXPECT_OK(keyring_unseal(here, &key, S("aad"), a, p->mem, &plain));
	EXPECT_STR(plain, S("text"));
	EXPECT_OK(keyring_seal(here, &key, S("aad"), S("back"), p->mem, &b));
	EXPECT_OK(keyring_unseal(p->kr, &key, S("aad"), b, p->mem, &plain));
	EXPECT_STR(plain, S("back"));
	EXPECT_OK(keyring_data_key(p->kr, &key, S("d"), 32, &made, p->mem, &a));
	EXPECT_OK(keyring_data_key_open(here, &key, S("d"), a, &opened));
	EXPECT(made.n == 32 && secret_eq(secret_str(&made), secret_str(&opened)));
	secret_free(&made);
	secret_free(&opened);
	EXPECT_OK(keyring_mac(p->kr, &key, S("m"), x));
	EXPECT_OK(keyring_mac(here, &key, S("m"), y));
	EXPECT(memcmp(x, y, 32) == 0);
	EXPECT_OK(keyring_check(p->kr, &key));
	keyring_forget(p->kr, &account);
	EXPECT_OK(keyring_check(p->kr, &key));
	keyring_close(here);
	place_end(p);
}

static void what_is_wrong_is_refused_the_same_way(void)
{
	struct place *p = place_new(true);
	struct key_ref account = p->account, key = new_key(p, &account, "kms/k"), other, bad;
	struct str cipher, plain, long_text = str_make(NEWS(p->mem, char, KEY_CALL_MAX), KEY_CALL_MAX);
	struct secret s = { 0 };

	other = new_key(p, &account, "kms/other");
	EXPECT_OK(keyring_seal(p->kr, &key, S("aad"), S("text"), p->mem, &cipher));
	EXPECT_ERR(keyring_unseal(p->kr, &key, S("AAD"), cipher, p->mem, &plain), E_CORRUPT);
	EXPECT_ERR(keyring_unseal(p->kr, &other, S("aad"), cipher, p->mem, &plain), E_CORRUPT);
	EXPECT_ERR(keyring_data_key_open(p->kr, &key, S("aad"), S("?"), &s), E_CORRUPT);
	bad = key_ref_of(NULL, S("account/1"), key.wrapped);
	EXPECT_ERR(keyring_check(p->kr, &bad), E_NO_KEY);
	EXPECT_ERR(keyring_seal(p->kr, &key, S("aad"), long_text, p->mem, &cipher), E_TOO_BIG);
	EXPECT_OK(keyring_seal(p->kr, &key, S("aad"), str_sub(long_text, 0, KEY_CALL_MAX - 2048), p->mem, &cipher));
	place_end(p);
}

/* An id that the asker made up finds no key, and unwraps none. */
static void a_forged_id_opens_nothing(void)
{
	struct place *p = place_new(true);
	struct key_ref a = new_key(p, NULL, "a"), b = new_key(p, NULL, "b"), forged = a;
	struct str cipher, plain;

	EXPECT_OK(keyring_seal(p->kr, &a, S(""), S("text"), p->mem, &cipher));
	forged.wrapped = b.wrapped;
	keyring_forget(p->kr, &a);
	EXPECT_ERR(keyring_check(p->kr, &forged), E_NO_KEY);
	memset(forged.id, 7, sizeof forged.id);
	forged.wrapped = a.wrapped;
	EXPECT_ERR(keyring_unseal(p->kr, &forged, S(""), cipher, p->mem, &plain), E_NO_KEY);
	EXPECT_OK(keyring_unseal(p->kr, &a, S(""), cipher, p->mem, &plain));
	place_end(p);
}

static void wait_for_restart(struct place *p, uint64_t restarts)
{
	struct keyring_health h = keyring_health(p->kr);
	while (!h.up || h.restarts < restarts) {
		usleep(2000);
		h = keyring_health(p->kr);
	}
}

static void a_keyholder_that_dies_is_followed_by_another(void)
{
	struct place *p = place_new(true);
	struct key_ref key = p->account;
	struct str cipher, plain;
	int pid = keyring_health(p->kr).pid;

	log_setup(-1, LOG_ERROR);
	EXPECT_OK(keyring_seal(p->kr, &key, S(""), S("text"), p->mem, &cipher));
	EXPECT(pid > 1 && kill(pid, SIGKILL) == 0);
	wait_for_restart(p, 1);
	EXPECT(keyring_health(p->kr).pid != pid);
	EXPECT_OK(keyring_unseal(p->kr, &key, S(""), cipher, p->mem, &plain));
	EXPECT_STR(plain, S("text"));
	place_end(p);
}

/* "12 (its name) S 11 ...": the fourth is its parent. */
static int parent_of(int pid)
{
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "r");
	EXPECT(f && fgets(text, sizeof text, f));
	fclose(f);
	const char *name_end = strrchr(text, ')');
	EXPECT(name_end && strlen(name_end) > 4);
	return (int)strtol(name_end + 4, NULL, 10);
}

static void without_a_guardian_all_fails_and_nothing_hangs(void)
{
	struct place *p = place_new(true);
	struct key_ref key = p->account;
	struct str cipher;
	int guardian = parent_of(keyring_health(p->kr).pid);

	log_setup(-1, LOG_ERROR);
	EXPECT(guardian > 1 && kill(guardian, SIGKILL) == 0);
	while (keyring_health(p->kr).up)
		usleep(2000);
	EXPECT_ERR(keyring_seal(p->kr, &key, S(""), S("text"), p->mem, &cipher), E_BUSY);
	place_end(p);
}

/* ---- many at once ---- */

enum { THREADS = 4, FIBERS = 64, ROUNDS = 60 };

struct crowd {
	struct place *p;
	struct key_ref key;
	_Atomic unsigned good, busy, bad;
};

static void use(struct crowd *c, struct keyring *kr)
{
	struct arena *mem = arena_new();
	for (size_t good = 0; good < ROUNDS;) {
		struct str cipher, plain;
		struct status st = keyring_seal(kr, &c->key, S("a"), S("some text"), mem, &cipher);
		if (!failed(st))
			st = keyring_unseal(kr, &c->key, S("a"), cipher, mem, &plain);
		bool done = !failed(st) && str_eq(plain, S("some text"));
		good += done;
		c->good += done;
		if (st.code == E_BUSY) {
			c->busy++;
			usleep(1000); /* it is down: asked again until it is back */
		} else if (!done) {
			c->bad++;
			break;
		}
		arena_reset(mem);
	}
	arena_free(mem);
}

static void *in_thread(void *arg)
{
	struct crowd *c = arg;
	use(c, c->p->kr);
	return NULL;
}

static void in_fiber(void *arg)
{
	struct crowd *c = arg;
	use(c, keyring_for_fibers(c->p->kr));
}

static void *fiber_thread(void *arg)
{
	fiber_block_on(in_fiber, arg);
	return NULL;
}

/* More at once than there are slots. */
static void run_crowd(struct crowd *c, void (*meanwhile)(struct crowd *))
{
	enum { N = RING_SLOTS + FIBERS };
	pthread_t t[N];
	for (size_t i = 0; i < N; i++)
		EXPECT(pthread_create(&t[i], NULL, i % 2 ? in_thread : fiber_thread, c) == 0);
	if (meanwhile)
		meanwhile(c);
	for (size_t i = 0; i < N; i++)
		EXPECT(pthread_join(t[i], NULL) == 0);
	EXPECT(c->bad == 0);
	EXPECT(c->good == N * ROUNDS);
}

static void threads_and_fibers_wait_their_turn(void)
{
	struct crowd c = { .p = place_new(true) };
	c.key = c.p->account;
	run_crowd(&c, NULL);
	EXPECT(c.busy == 0);
	EXPECT(keyring_health(c.p->kr).calls >= 2u * c.good);
	place_end(c.p);
}

static void kill_often(struct crowd *c)
{
	for (uint64_t i = 1; i <= 3; i++) {
		usleep(3000);
		kill(keyring_health(c->p->kr).pid, SIGKILL);
		wait_for_restart(c->p, i);
	}
}

static void under_load_a_death_fails_some_and_hangs_nobody(void)
{
	struct crowd c = { .p = place_new(true) };
	log_setup(-1, LOG_ERROR);
	c.key = c.p->account;
	run_crowd(&c, kill_often);
	struct str cipher;
	EXPECT_OK(keyring_seal(c.p->kr, &c.key, S("a"), S("x"), c.p->mem, &cipher));
	place_end(c.p);
}

/* ---- what stays behind ---- */

/* The memory that is shared with the keyholder, as this process has it. */
static struct str shared_memory(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	struct str found = { 0 };

	EXPECT(f);
	while (!found.p && fgets(line, sizeof line, f)) {
		char *dash;
		uintptr_t from = strtoull(line, &dash, 16);
		if (strstr(line, "holdfast-rings") && *dash == '-')
			found = str_make((const char *)from, strtoull(dash + 1, NULL, 16) - from);
	}
	fclose(f);
	EXPECT(found.n >= sizeof(struct rings));
	return found;
}

static void ended_for(void (*lie)(struct rings *r))
{
	struct place *p = place_new(true);
	struct key_ref key = p->account;
	struct str cipher, plain;
	int pid = keyring_health(p->kr).pid;
	struct rings *r = (struct rings *)(uintptr_t)shared_memory().p;

	log_setup(-1, LOG_ERROR);
	EXPECT_OK(keyring_seal(p->kr, &key, S(""), S("text"), p->mem, &cipher));
	lie(r);
	ring_wake(&r->to_client);
	wait_for_restart(p, 1);
	EXPECT(keyring_health(p->kr).pid != pid);
	EXPECT_OK(keyring_unseal(p->kr, &key, S(""), cipher, p->mem, &plain));
	EXPECT_STR(plain, S("text"));
	place_end(p);
}

static void answer_to_nobody(struct rings *r) { ring_push(&r->to_client, 7); }
static void no_such_slot(struct rings *r) { ring_push(&r->to_client, RING_SLOTS); }
static void more_than_there_is(struct rings *r) { atomic_fetch_add(&r->to_client.pushed, 2 * RING_SLOTS); }

static void a_keyholder_that_lies_is_ended(void)
{
	ended_for(answer_to_nobody);
	ended_for(no_such_slot);
	ended_for(more_than_there_is);
}

/* Of one that is not up yet nobody asked anything. */
static void what_lies_before_it_is_up_is_ended_as_well(void)
{
	struct place *p = place_new(true);
	struct key_ref key = p->account;
	struct str cipher;
	struct rings *r = (struct rings *)(uintptr_t)shared_memory().p;

	log_setup(-1, LOG_ERROR);
	EXPECT(kill(keyring_health(p->kr).pid, SIGKILL) == 0);
	while (keyring_health(p->kr).up)
		usleep(2000);
	while (!keyring_health(p->kr).up) { /* also after the rings were cleared for it */
		answer_to_nobody(r);
		ring_wake(&r->to_client);
		usleep(200);
	}
	while (failed(keyring_seal(p->kr, &key, S(""), S("text"), p->mem, &cipher)))
		usleep(2000);
	place_end(p);
}

static void of_a_call_nothing_stays_in_shared_memory(void)
{
	struct crowd c = { .p = place_new(true) };
	struct str cipher;

	log_setup(-1, LOG_ERROR);
	c.key = c.p->account;
	EXPECT_OK(keyring_seal(c.p->kr, &c.key, S("a"), S("some text"), c.p->mem, &cipher));
	run_crowd(&c, kill_often);
	const struct rings *r = (const struct rings *)(const void *)shared_memory().p;
	for (size_t i = 0; i < RING_SLOTS; i++)
		for (size_t at = 0; at < sizeof r->slots[i].bytes; at++)
			EXPECT(r->slots[i].bytes[at] == 0);
	place_end(c.p);
}

/* Who shares it cannot take it from under the other's feet. */
static void the_shared_memory_keeps_its_size(void)
{
	int fd = -1, loose = memfd_create("loose", MFD_CLOEXEC);
	int file = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	struct rings *r = rings_new(&fd);

	EXPECT(r && ftruncate(fd, 4096) != 0 && errno == EPERM);
	EXPECT(loose >= 0 && ftruncate(loose, sizeof *r) == 0 && !rings_of(loose));
	EXPECT(file < 0 || (ftruncate(file, sizeof *r) == 0 && !rings_of(file))); /* not every file system has such */
	struct rings *again = rings_of(fd);
	EXPECT(again);
	rings_free(again);
	rings_free(r);
	close(fd);
	close(loose);
	close(file);
}

/* ---- what it may do ---- */

static bool status_has(int pid, const char *line)
{
	char path[64], text[4096];
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return strstr(text, line) != NULL;
}

static int open_files(int pid)
{
	int n = 0;
	for (int i = 0; i < 256; i++) {
		char path[64];
		struct stat st;
		snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, i);
		n += lstat(path, &st) == 0;
	}
	return n;
}

static void the_keyholder_is_locked_in(void)
{
	struct place *p = place_new(true);
	int pid = keyring_health(p->kr).pid;
	EXPECT(status_has(pid, "Name:\thf-keyholder"));
	EXPECT(status_has(pid, "Seccomp:\t2"));
	EXPECT(status_has(pid, "NoNewPrivs:\t1"));
	EXPECT(open_files(pid) == 2);
	place_end(p);
}

static void a_root_key_that_is_not_there_is_said_so(void)
{
	struct world w;
	struct keyring *kr = NULL;
	struct asker nobody = ASK_NOBODY;
	world_real(&w);
	log_setup(-1, LOG_ERROR);
	EXPECT_ERR(keyring_open_apart(&w, "/tmp/holdfast-no-such-directory/root.key",
				      &(struct keyring_apart){ .asker = &nobody }, &kr),
		   E_NOT_FOUND);
	EXPECT(!kr);
}

RUN_ALL(T(both_keyrings_open_what_the_other_sealed), T(what_is_wrong_is_refused_the_same_way),
	T(a_forged_id_opens_nothing), T(a_keyholder_that_dies_is_followed_by_another),
	T(without_a_guardian_all_fails_and_nothing_hangs), T(threads_and_fibers_wait_their_turn),
	T(under_load_a_death_fails_some_and_hangs_nobody), T(a_keyholder_that_lies_is_ended),
	T(what_lies_before_it_is_up_is_ended_as_well), T(of_a_call_nothing_stays_in_shared_memory),
	T(the_shared_memory_keeps_its_size), T(the_keyholder_is_locked_in), T(a_root_key_that_is_not_there_is_said_so))
