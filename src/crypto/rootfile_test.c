/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root key file: what is accepted, what is refused, and that a failing disk leaves
 * nothing behind.
 */
#include "crypto/rootfile.h"

#include "base/disk_fault.h"
#include "base/log.h"
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t key[ROOT_KEY_SIZE] = { 1, 2, 3, 250 };

struct place {
	struct world w;
	char dir[TEST_DIR_MAX];
	char path[64];
};

static struct place place_new(void)
{
	struct place p = { 0 };

	log_setup(-1, LOG_ERROR); /* refusals are logged, and here there are many */
	world_fake(&p.w, 0, 1);
	test_dir_new(p.dir);
	snprintf(p.path, sizeof p.path, "%s/root.key", p.dir);
	return p;
}

static void place_end(struct place *p)
{
	(void)unlink(p->path);
	EXPECT(rmdir(p->dir) == 0); /* nothing else was left there */
}

static void write_file(const char *path, struct str text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	EXPECT(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
	EXPECT(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void a_key_comes_back_from_its_file(void)
{
	struct place p = place_new();
	uint8_t back[ROOT_KEY_SIZE];
	struct stat st;

	EXPECT_OK(rootfile_create(&p.w, p.path, key));
	EXPECT(stat(p.path, &st) == 0 && (st.st_mode & 07777) == 0600);
	EXPECT_OK(rootfile_read(&p.w, p.path, back));
	EXPECT(memcmp(back, key, sizeof key) == 0);
	place_end(&p);
}

static void an_existing_file_is_never_overwritten(void)
{
	struct place p = place_new();
	uint8_t back[ROOT_KEY_SIZE], other[ROOT_KEY_SIZE] = { 9 };

	EXPECT_OK(rootfile_create(&p.w, p.path, key));
	EXPECT_ERR(rootfile_create(&p.w, p.path, other), E_EXISTS);
	EXPECT_OK(rootfile_read(&p.w, p.path, back));
	EXPECT(memcmp(back, key, sizeof key) == 0);
	place_end(&p);
}

static void a_file_open_to_others_is_refused(void)
{
	static const mode_t bad[] = { 0640, 0620, 0610, 0604, 0602, 0601, 0644, 0666 }, good[] = { 0600, 0400 };
	struct place p = place_new();
	uint8_t back[ROOT_KEY_SIZE];

	EXPECT_OK(rootfile_create(&p.w, p.path, key));
	for (size_t i = 0; i < COUNT(bad); i++) {
		EXPECT(chmod(p.path, bad[i]) == 0);
		EXPECT_ERR(rootfile_read(&p.w, p.path, back), E_INVALID);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		EXPECT(chmod(p.path, good[i]) == 0);
		EXPECT_OK(rootfile_read(&p.w, p.path, back));
	}
	place_end(&p);
}

static void what_is_not_a_plain_file_is_refused(void)
{
	struct place p = place_new();
	uint8_t back[ROOT_KEY_SIZE];

	EXPECT_ERR(rootfile_read(&p.w, p.path, back), E_NOT_FOUND);
	EXPECT(mkdir(p.path, 0700) == 0);
	EXPECT_ERR(rootfile_read(&p.w, p.path, back), E_INVALID);
	EXPECT(rmdir(p.path) == 0 && mkfifo(p.path, 0600) == 0);
	EXPECT_ERR(rootfile_read(&p.w, p.path, back), E_INVALID);
	place_end(&p);
	EXPECT_ERR(rootfile_create(&p.w, p.path, key), E_NOT_FOUND); /* the directory is gone by now */
}

static void any_changed_cut_or_added_byte_is_refused(void)
{
	char text[ROOTFILE_MAX + 1];
	size_t n = rootfile_text(key, text);
	uint8_t back[ROOT_KEY_SIZE];

	EXPECT_OK(rootfile_parse(str_make(text, n), back));
	for (size_t i = 0; i < n; i++) {
		text[i] ^= 1;
		EXPECT_ERR(rootfile_parse(str_make(text, n), back), E_INVALID);
		text[i] ^= 1;
		EXPECT_ERR(rootfile_parse(str_make(text, i), back), E_INVALID);
	}
	text[n] = '\n';
	EXPECT_ERR(rootfile_parse(str_make(text, n + 1), back), E_INVALID);
	EXPECT(memcmp(back, key, sizeof key) == 0); /* refusals wrote nothing */
}

static void a_damaged_file_is_refused(void)
{
	struct place p = place_new();
	uint8_t back[ROOT_KEY_SIZE];
	char big[4096];

	memset(big, 'x', sizeof big);
	write_file(p.path, S(""), 0600);
	EXPECT_ERR(rootfile_read(&p.w, p.path, back), E_INVALID);
	write_file(p.path, str_make(big, sizeof big), 0600);
	EXPECT_ERR(rootfile_read(&p.w, p.path, back), E_INVALID);
	place_end(&p);
}

static struct world world_of(const struct place *p, struct disk_fault *df)
{
	struct world w = p->w;

	disk_fault_init(df, p->w.disk, NULL);
	w.disk = &df->disk;
	return w;
}

static void whichever_disk_call_fails_no_half_file_stays(void)
{
	struct place p = place_new();
	uint8_t back[ROOT_KEY_SIZE];
	struct disk_fault df;
	struct world w = world_of(&p, &df);
	uint64_t nth = 1;

	for (; df.fail_at = df.calls + nth, df.fail_errno = EIO, failed(rootfile_create(&w, p.path, key)); nth++)
		EXPECT(access(p.path, F_OK) != 0);
	EXPECT(nth == 5); /* open, write, sync, directory: each was tried */
	EXPECT_OK(rootfile_read(&p.w, p.path, back));
	EXPECT(unlink(p.path) == 0);
	df.fail_at = df.calls + 2;
	df.fail_errno = ENOSPC;
	EXPECT_ERR(rootfile_create(&w, p.path, key), E_FULL);
	disk_fault_end(&df);
	place_end(&p);
}

static void a_created_file_survives_the_loss_of_power(void)
{
	struct place p = place_new();
	uint8_t back[ROOT_KEY_SIZE];
	struct disk_fault df;
	struct world w = world_of(&p, &df);

	EXPECT_OK(rootfile_create(&w, p.path, key));
	disk_fault_power_loss(&df);
	disk_fault_power_on(&df);
	EXPECT_OK(rootfile_read(&w, p.path, back));
	EXPECT(memcmp(back, key, sizeof key) == 0);
	disk_fault_end(&df);
	place_end(&p);
}

static void the_loss_of_power_meanwhile_leaves_the_right_key_or_none(void)
{
	for (uint64_t nth = 1; nth <= 4; nth++) {
		for (uint64_t seed = 0; seed < 20; seed++) {
			struct place p = place_new();
			uint8_t back[ROOT_KEY_SIZE];
			struct disk_fault df;
			struct world w = world_of(&p, &df);

			df.power_loss_at = nth;
			df.keep_seed = seed;
			EXPECT(failed(rootfile_create(&w, p.path, key)));
			disk_fault_power_on(&df);
			if (!failed(rootfile_read(&w, p.path, back)))
				EXPECT(memcmp(back, key, sizeof key) == 0);
			disk_fault_end(&df);
			place_end(&p);
		}
	}
}

RUN_ALL(T(a_key_comes_back_from_its_file), T(an_existing_file_is_never_overwritten),
	T(a_file_open_to_others_is_refused), T(what_is_not_a_plain_file_is_refused),
	T(any_changed_cut_or_added_byte_is_refused), T(a_damaged_file_is_refused),
	T(whichever_disk_call_fails_no_half_file_stays), T(a_created_file_survives_the_loss_of_power),
	T(the_loss_of_power_meanwhile_leaves_the_right_key_or_none))
