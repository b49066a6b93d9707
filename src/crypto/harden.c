/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process hardening. Note for operators: an undumpable process's /proc/<pid> belongs to
 * root, so its open files and memory map can be looked at by root only.
 */
#include "crypto/harden.h"

#include "base/log.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/* The leak checker reads the process through ptrace, which an undumpable process refuses; both need system calls. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

bool process_is_sanitized(void) { return SANITIZED; }

static bool forbid_dumps(void) { return !SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0; }

static bool forbid_cores(void)
{
	static const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0;
}

/* As much as an unprivileged process may have. Locking itself is done where secrets live (secret.c). */
static uint64_t raise_memlock(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_MEMLOCK, &r) != 0)
		return 0;
	if (r.rlim_cur != r.rlim_max) {
		struct rlimit all = { r.rlim_max, r.rlim_max };
		if (setrlimit(RLIMIT_MEMLOCK, &all) == 0)
			r = all;
	}
	return r.rlim_cur == RLIM_INFINITY ? UINT64_MAX : (uint64_t)r.rlim_cur;
}

struct status process_harden(struct harden_report *out)
{
	struct harden_report r = { forbid_dumps(), forbid_cores(), raise_memlock() };

	*out = r;
	if (!r.no_core)
		log_warn("cannot turn core files off");
	if (!r.no_dump && !SANITIZED) {
		log_error("cannot make this process undumpable");
		return ERR(E_IO);
	}
	return OK;
}
