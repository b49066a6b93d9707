/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: tokens of SoftHSM in a directory of their own. False from softhsm_start: SoftHSM (Debian: softhsm2) is
 * not installed, and the test is to be skipped by name.
 */
#ifndef CRYPTO_SOFTHSM_H
#define CRYPTO_SOFTHSM_H

#include "base/base.h"
#include "base/test.h"
#include "base/test_dir.h"

#include <unistd.h>

#define SOFTHSM_PIN "24681357"

struct softhsm {
	const char *module;
	char dir[TEST_DIR_MAX];
};

static inline void softhsm_run(const char *command)
{
	char line[600];
	EXPECT((size_t)snprintf(line, sizeof line, "(%s) >/dev/null 2>&1", command) < sizeof line);
	EXPECT(system(line) == 0);
}

/* `tokens` ends with NULL. Sets SOFTHSM2_CONF in this process: once, before threads start. */
static inline bool softhsm_start(struct softhsm *h, const char *const *tokens)
{
	static const char *const modules[] = { "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so" };
	char path[96], line[256];

	*h = (struct softhsm){ 0 };
	for (size_t i = 0; i < COUNT(modules); i++)
		if (access(modules[i], R_OK) == 0)
			h->module = modules[i];
	if (!h->module || system("command -v softhsm2-util >/dev/null"))
		return false;
	test_dir_new(h->dir);
	snprintf(path, sizeof path, "%s/conf", h->dir);
	FILE *f = fopen(path, "w");
	EXPECT(f &&
	       fprintf(f, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", h->dir) > 0);
	EXPECT(fclose(f) == 0 && setenv("SOFTHSM2_CONF", path, 1) == 0);
	for (; *tokens; tokens++) {
		snprintf(line, sizeof line, "softhsm2-util --init-token --free --label %s --pin %s --so-pin 1234567890",
			 *tokens, SOFTHSM_PIN);
		softhsm_run(line);
	}
	return true;
}

/* A pair of RSA-2048. */
static inline void softhsm_make_rsa(const struct softhsm *h, const char *token, const char *label)
{
	char line[512];
	snprintf(line, sizeof line,
		 "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out %s/k && "
		 "softhsm2-util --import %s/k --token %s --label %s --id a1 --pin %s",
		 h->dir, h->dir, token, label, SOFTHSM_PIN);
	softhsm_run(line);
}

static inline void softhsm_end(const struct softhsm *h)
{
	char line[128];
	snprintf(line, sizeof line, "rm -r %s", h->dir);
	softhsm_run(line);
}

#endif
