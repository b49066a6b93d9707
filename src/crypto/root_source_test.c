/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each source: what was sealed opens, and with nothing but what it should. The TPM's tests need swtpm, the token's
 * SoftHSM; without them they are skipped by name.
 */
#include "crypto/root_source.h"

#include "base/log.h"
#include "base/str.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "crypto/softhsm.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static const uint8_t root[ROOT_KEY_SIZE] = { 7, 1, 250, 3 };

struct place {
	struct world w;
	struct arena *mem;
	char dir[TEST_DIR_MAX], path[64];
	struct asker asker;
};

static struct place *place_new(void)
{
	struct place *p = HEAP(struct place);
	world_fake(&p->w, 0, 1);
	p->mem = arena_new();
	test_dir_new(p->dir);
	snprintf(p->path, sizeof p->path, "%s/rootkey", p->dir);
	p->asker = ASK_NOBODY;
	return p;
}

static void place_end(struct place *p)
{
	(void)unlink(p->path);
	EXPECT(rmdir(p->dir) == 0);
	arena_free(p->mem);
	heap_free(p);
}

/* Whoever is asked says this. */
static struct asker says(const char *text)
{
	int pair[2];
	EXPECT(pipe(pair) == 0 && write(pair[1], text, strlen(text)) == (ssize_t)strlen(text) && close(pair[1]) == 0);
	return (struct asker){ .fd = pair[0] };
}

static void asker_end(struct asker *a)
{
	ask_end(a);
	close(a->fd);
}

static struct status create_saying(struct place *p, const struct root_wish *wish, const char *text)
{
	struct asker a = says(text);
	struct status st = root_create(&p->w, p->path, wish, &a, root);
	asker_end(&a);
	return st;
}

static struct status open_saying(struct place *p, const char *text)
{
	uint8_t back[ROOT_KEY_SIZE] = { 0 };
	struct asker a = says(text);
	struct status st = root_open(&p->w, p->path, &a, back);
	asker_end(&a);
	EXPECT(failed(st) || memcmp(back, root, sizeof root) == 0);
	return st;
}

static void change_byte(struct place *p, size_t at)
{
	char c;
	int fd = open(p->path, O_RDWR);
	EXPECT(fd >= 0 && pread(fd, &c, 1, (off_t)at) == 1);
	c ^= 1;
	EXPECT(pwrite(fd, &c, 1, (off_t)at) == 1 && close(fd) == 0);
}

static void a_plain_file_is_a_source(void)
{
	struct place *p = place_new();
	struct root_about about;
	struct root_wish wish = { 0 };
	EXPECT_OK(root_create(&p->w, p->path, &wish, &p->asker, root));
	EXPECT_ERR(root_create(&p->w, p->path, &wish, &p->asker, root), E_EXISTS);
	EXPECT_OK(open_saying(p, ""));
	EXPECT_OK(root_about(&p->w, p->mem, p->path, &about));
	EXPECT(!strcmp(about.source, "file") && about.by_itself && !about.id.n);
	change_byte(p, 150);
	EXPECT_ERR(open_saying(p, ""), E_INVALID);
	EXPECT_ERR(root_about(&p->w, p->mem, p->path, &about), E_INVALID);
	place_end(p);
}

static void an_unknown_source_is_refused(void)
{
	struct root_wish wish = { .source = S("cloud") };
	EXPECT_ERR(root_wish_check(&wish), E_INVALID);
	EXPECT(!root_source_name(S("cloud")) && !strcmp(root_source_name(S("")), "file"));
	wish = (struct root_wish){ .source = S("pkcs11") };
	EXPECT_ERR(root_wish_check(&wish), E_INVALID);
	wish.module = S("relative.so");
	EXPECT_ERR(root_wish_check(&wish), E_INVALID);
	wish.module = S("/x.so");
	EXPECT_OK(root_wish_check(&wish));
	wish.token = S("a\nb");
	EXPECT_ERR(root_wish_check(&wish), E_INVALID);
	wish = (struct root_wish){ .source = S("tpm"), .pcrs = S("7,24") };
	EXPECT_ERR(root_wish_check(&wish), E_INVALID);
	wish.pcrs = S("0,7");
	EXPECT_OK(root_wish_check(&wish));
}

static void a_passphrase_opens_and_another_does_not(void)
{
	struct place *p = place_new();
	struct root_about about;
	struct root_wish wish = { .source = S("passphrase") };
	EXPECT_OK(create_saying(p, &wish, "correct horse battery\n"));
	EXPECT_OK(open_saying(p, "correct horse battery"));
	EXPECT_OK(open_saying(p, "correct horse battery\nand more"));
	EXPECT_ERR(open_saying(p, "correct horse batterx\n"), E_NO_KEY);
	EXPECT_ERR(open_saying(p, "\n"), E_INVALID);
	EXPECT_OK(root_about(&p->w, p->mem, p->path, &about));
	EXPECT(!strcmp(about.source, "passphrase") && !about.by_itself && about.id.n == 2 * ROOT_ID_SIZE);
	place_end(p);
}

static void a_weak_passphrase_is_refused(void)
{
	struct place *p = place_new();
	struct root_wish wish = { .source = S("passphrase") };
	EXPECT_ERR(create_saying(p, &wish, "short one\n"), E_INVALID);
	EXPECT_ERR(create_saying(p, &wish, "aaaabbbbaaaabbbb\n"), E_INVALID);
	EXPECT_ERR(create_saying(p, &wish, "\n"), E_INVALID);
	EXPECT(access(p->path, F_OK) != 0);
	place_end(p);
}

static void nobody_to_ask_is_said_so(void)
{
	struct place *p = place_new();
	struct root_wish wish = { .source = S("passphrase") };
	uint8_t back[ROOT_KEY_SIZE];
	EXPECT_ERR(root_create(&p->w, p->path, &wish, &p->asker, root), E_UNSUPPORTED);
	EXPECT_OK(create_saying(p, &wish, "correct horse battery\n"));
	EXPECT_ERR(root_open(&p->w, p->path, &p->asker, back), E_UNSUPPORTED);
	place_end(p);
}

static void a_changed_file_opens_nothing(void)
{
	struct place *p = place_new();
	struct root_wish wish = { .source = S("passphrase") };
	struct stat st;
	EXPECT_OK(create_saying(p, &wish, "correct horse battery\n"));
	EXPECT(stat(p->path, &st) == 0 && (st.st_mode & 0777) == 0600);
	for (off_t at = 0; at < st.st_size; at += 7) {
		change_byte(p, (size_t)at);
		EXPECT_ERR(open_saying(p, "correct horse battery"), E_INVALID);
		change_byte(p, (size_t)at);
	}
	EXPECT_OK(open_saying(p, "correct horse battery"));
	EXPECT(chmod(p->path, 0640) == 0);
	EXPECT_ERR(open_saying(p, "correct horse battery"), E_INVALID);
	place_end(p);
}

/* The check is no secret: whoever rewrites the text whole still gets nothing past the seal. */
static void a_text_written_anew_opens_nothing(void)
{
	struct place *p = place_new();
	struct root_wish wish = { .source = S("passphrase") };
	struct root_text t, bad = { .mem = p->mem };
	struct str text;
	EXPECT_OK(create_saying(p, &wish, "correct horse battery\n"));
	EXPECT_OK(rootfile_load(&p->w, p->path, p->mem, &text));
	EXPECT_OK(root_text_parse(p->mem, text, &t));
	for (size_t i = 0; i < t.n; i++) {
		bool cost = str_eq(t.v[i].name, S("passes"));
		root_text_put(&bad, str_z(p->mem, t.v[i].name), cost ? S("3") : t.v[i].value);
	}
	EXPECT(unlink(p->path) == 0);
	EXPECT_OK(rootfile_store(&p->w, p->path, root_text_write(&bad)));
	EXPECT_ERR(open_saying(p, "correct horse battery"), E_NO_KEY);
	place_end(p);
}

/* ---- tokens ---- */

static struct softhsm hsm;

static void a_token_opens_with_its_pin(void)
{
	struct place *p = place_new();
	struct root_about about;
	struct root_wish wish = { .source = S("pkcs11"), .module = str_of(hsm.module), .token = S("root") };
	EXPECT_OK(create_saying(p, &wish, SOFTHSM_PIN));
	EXPECT_OK(open_saying(p, SOFTHSM_PIN));
	EXPECT_ERR(open_saying(p, "1111"), E_NO_KEY);
	EXPECT_OK(root_about(&p->w, p->mem, p->path, &about));
	EXPECT(!strcmp(about.source, "pkcs11") && !about.by_itself);
	place_end(p);
}

static void a_pin_file_makes_it_open_by_itself(void)
{
	struct place *p = place_new();
	struct root_about about;
	struct str pin = arena_printf(p->mem, "%s/pin", p->dir);
	uint8_t back[ROOT_KEY_SIZE];
	struct root_wish wish = { .source = S("pkcs11"),
				  .module = str_of(hsm.module),
				  .token = S("root"),
				  .token_key = S("mine"),
				  .pin_file = pin };
	EXPECT_OK(rootfile_store(&p->w, str_z(p->mem, pin), S(SOFTHSM_PIN "\n")));
	EXPECT_OK(root_create(&p->w, p->path, &wish, &p->asker, root));
	EXPECT_OK(root_open(&p->w, p->path, &p->asker, back));
	EXPECT(memcmp(back, root, sizeof root) == 0);
	EXPECT_OK(root_about(&p->w, p->mem, p->path, &about));
	EXPECT(about.by_itself);
	EXPECT(chmod(str_z(p->mem, pin), 0644) == 0);
	EXPECT_ERR(root_open(&p->w, p->path, &p->asker, back), E_INVALID);
	EXPECT(unlink(str_z(p->mem, pin)) == 0);
	place_end(p);
}

static void an_rsa_pair_of_a_token_opens(void)
{
	struct place *p = place_new();
	struct root_wish wish = {
		.source = S("pkcs11"), .module = str_of(hsm.module), .token = S("root"), .token_key = S("pair")
	};
	softhsm_make_rsa(&hsm, "root", "pair");
	EXPECT_OK(create_saying(p, &wish, SOFTHSM_PIN));
	EXPECT_OK(open_saying(p, SOFTHSM_PIN));
	place_end(p);
}

/* ---- the TPM ---- */

struct swtpm {
	pid_t pid;
	int port;
	char dir[TEST_DIR_MAX];
};

static bool is_free(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	bool done = bind(s, (struct sockaddr *)&at, sizeof at) == 0;
	close(s);
	return done;
}

/* The first of two beside each other, below those that connections are given. */
static int two_ports(void)
{
	int port = 20000 + (getpid() * 2) % 10000;
	while (!is_free(port) || !is_free(port + 1))
		port += 2;
	return port;
}

static bool swtpm_start(struct swtpm *t)
{
	char state[64], server[48], ctrl[48];
	char *argv[] = { (char[]){ "swtpm" },
			 (char[]){ "socket" },
			 (char[]){ "--tpm2" },
			 (char[]){ "--tpmstate" },
			 state,
			 (char[]){ "--server" },
			 server,
			 (char[]){ "--ctrl" },
			 ctrl,
			 (char[]){ "--flags" },
			 (char[]){ "not-need-init,startup-clear" },
			 NULL };
	if (!t->dir[0])
		test_dir_new(t->dir);
	if (!t->port)
		t->port = two_ports();
	snprintf(state, sizeof state, "dir=%s", t->dir);
	snprintf(server, sizeof server, "type=tcp,port=%d,bindaddr=127.0.0.1", t->port);
	snprintf(ctrl, sizeof ctrl, "type=tcp,port=%d,bindaddr=127.0.0.1", t->port + 1);
	return posix_spawnp(&t->pid, "swtpm", NULL, NULL, argv, environ) == 0;
}

static void swtpm_stop(struct swtpm *t)
{
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
}

static struct str tcti_of(struct place *p, const struct swtpm *t)
{
	return arena_printf(p->mem, "swtpm:host=127.0.0.1,port=%d", t->port);
}

/* It takes a moment until it listens. */
static struct status seal_in_tpm(struct place *p, const struct root_wish *wish)
{
	struct status st = ERR(E_NOT_FOUND);
	for (unsigned i = 0; i < 3000 && st.code == E_NOT_FOUND; i++) {
		usleep(20000);
		st = root_create(&p->w, p->path, wish, &p->asker, root);
	}
	return st;
}

/* After a start of the TPM, which resets its PCRs. */
static struct status open_in_tpm(struct place *p, struct swtpm *t)
{
	uint8_t back[ROOT_KEY_SIZE] = { 0 };
	struct status st = ERR(E_NOT_FOUND);
	swtpm_stop(t);
	EXPECT(swtpm_start(t));
	for (unsigned i = 0; i < 3000 && st.code == E_NOT_FOUND; i++) {
		usleep(20000);
		st = root_open(&p->w, p->path, &p->asker, back);
	}
	EXPECT(failed(st) || memcmp(back, root, sizeof root) == 0);
	return st;
}

static void tpm_end(struct swtpm *t)
{
	char line[64];
	swtpm_stop(t);
	snprintf(line, sizeof line, "rm -r %s", t->dir);
	softhsm_run(line);
}

static void a_tpm_opens_what_it_sealed_and_no_other_tpm_does(void)
{
	struct place *p = place_new();
	struct swtpm t = { 0 }, other = { 0 };
	struct root_about about;
	EXPECT(swtpm_start(&t));
	struct root_wish wish = { .source = S("tpm"), .tpm = tcti_of(p, &t) };
	EXPECT_OK(seal_in_tpm(p, &wish));
	EXPECT_OK(open_in_tpm(p, &t));
	EXPECT_OK(root_about(&p->w, p->mem, p->path, &about));
	EXPECT(!strcmp(about.source, "tpm") && about.by_itself);
	tpm_end(&t);
	other.port = t.port;
	EXPECT(swtpm_start(&other));
	EXPECT_ERR(open_in_tpm(p, &other), E_NO_KEY);
	tpm_end(&other);
	place_end(p);
}

/* TPM2_PCR_Extend of PCR 16 (debug), spoken to the simulator as it is. */
static void extend_pcr_16(const struct swtpm *t)
{
	static const uint8_t head[] = { 0x80, 0x02, 0, 0, 0, 65, 0, 0, 0x01, 0x82, 0, 0, 0, 16, 0, 0,   0,
					9,    0x40, 0, 0, 9, 0,  0, 0, 0,    0,    0, 0, 0, 1,  0, 0x0b };
	uint8_t command[65] = { 0 }, answer[64];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)t->port) };
	int s = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(command, head, sizeof head);
	EXPECT(connect(s, (struct sockaddr *)&at, sizeof at) == 0);
	EXPECT(write(s, command, sizeof command) == (ssize_t)sizeof command);
	EXPECT(read(s, answer, sizeof answer) >= 10 && !memcmp(answer + 6, (uint8_t[4]){ 0 }, 4) && close(s) == 0);
}

static void pcrs_that_changed_keep_it_shut(void)
{
	struct place *p = place_new();
	struct swtpm t = { 0 };
	uint8_t back[ROOT_KEY_SIZE];
	EXPECT(swtpm_start(&t));
	struct root_wish wish = { .source = S("tpm"), .tpm = tcti_of(p, &t), .pcrs = S("7,16") };
	EXPECT_OK(seal_in_tpm(p, &wish));
	EXPECT_OK(open_in_tpm(p, &t));
	extend_pcr_16(&t);
	EXPECT_ERR(root_open(&p->w, p->path, &p->asker, back), E_NO_KEY);
	EXPECT_OK(open_in_tpm(p, &t)); /* a start resets them */
	tpm_end(&t);
	place_end(p);
}

static void no_tpm_is_said_so(void)
{
	struct place *p = place_new();
	struct root_wish wish = { .source = S("tpm"), .tpm = S("device:/nowhere") };
	EXPECT_ERR(root_create(&p->w, p->path, &wish, &p->asker, root), E_NOT_FOUND);
	EXPECT(access(p->path, F_OK) != 0);
	place_end(p);
}

/* ---- */

enum need { NOTHING, TOKEN, TPM };

static const struct {
	struct test_case test;
	enum need need;
} all[] = {
	{ T(a_plain_file_is_a_source), NOTHING },
	{ T(an_unknown_source_is_refused), NOTHING },
	{ T(a_passphrase_opens_and_another_does_not), NOTHING },
	{ T(a_weak_passphrase_is_refused), NOTHING },
	{ T(nobody_to_ask_is_said_so), NOTHING },
	{ T(a_changed_file_opens_nothing), NOTHING },
	{ T(a_text_written_anew_opens_nothing), NOTHING },
	{ T(a_token_opens_with_its_pin), TOKEN },
	{ T(a_pin_file_makes_it_open_by_itself), TOKEN },
	{ T(an_rsa_pair_of_a_token_opens), TOKEN },
	{ T(a_tpm_opens_what_it_sealed_and_no_other_tpm_does), TPM },
	{ T(pcrs_that_changed_keep_it_shut), TPM },
	{ T(no_tpm_is_said_so), TPM },
};

int main(void)
{
	static const char *const tokens[] = { "root", NULL };
	log_setup(-1, LOG_ERROR);
	bool has[] = { true, softhsm_start(&hsm, tokens), system("command -v swtpm >/dev/null") == 0 };
	static const char *const lacks[] = { "", "SoftHSM (softhsm2) is not installed", "swtpm is not installed" };
	printf("1..%zu\n", COUNT(all));
	for (size_t i = 0; i < COUNT(all); i++) {
		bool run = has[all[i].need];
		if (run)
			all[i].test.run();
		printf("ok %zu - %s%s%s\n", i + 1, all[i].test.name, run ? "" : " # SKIP ",
		       run ? "" : lacks[all[i].need]);
		fflush(stdout);
	}
	if (has[TOKEN])
		softhsm_end(&hsm);
	return 0;
}
