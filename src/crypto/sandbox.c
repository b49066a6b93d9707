/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock first, since seccomp's list does not have its calls.
 */
#include "crypto/sandbox.h"

#include "base/log.h"
#include "base/str.h"
#include "crypto/harden.h"

#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Landlock: no file system ------------------------------------------------------- */

static bool landlock_all(void)
{
	/* All rights of its first version; which is enough to open nothing. */
	struct landlock_ruleset_attr none = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	long fd = syscall(SYS_landlock_create_ruleset, &none, sizeof none, 0);

	if (fd < 0)
		return false;
	bool done = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close((int)fd);
	return done;
}

/* ---- seccomp: few system calls ------------------------------------------------------- */

static const int allowed[] = {
	SCMP_SYS(futex),          SCMP_SYS(getrandom),    SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(sched_yield),    SCMP_SYS(brk),          SCMP_SYS(munmap),        SCMP_SYS(mremap),
	SCMP_SYS(madvise),        SCMP_SYS(mlock),        SCMP_SYS(mlock2),        SCMP_SYS(munlock),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction),  SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid),         SCMP_SYS(gettid),       SCMP_SYS(exit),          SCMP_SYS(exit_group),
};

/* Memory, but none that could be run. */
static int allow_memory(scmp_filter_ctx f, int call)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* To what is open already, of which there is the log and one more. */
static int allow_writing(scmp_filter_ctx f, unsigned fd)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, fd));
}

/* Signals (abort's) to this process itself: others of the same user would have to take them. */
static int allow_own_signals(scmp_filter_ctx f)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
}

static int fill(scmp_filter_ctx f)
{
	int refused = 0;

	for (size_t i = 0; i < COUNT(allowed); i++)
		refused |= seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
	if (process_is_sanitized())
		refused |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack), 0);
	refused |= allow_own_signals(f);
	refused |= allow_memory(f, SCMP_SYS(mmap));
	refused |= allow_memory(f, SCMP_SYS(mprotect));
	refused |= allow_writing(f, 2);
	refused |= allow_writing(f, SANDBOX_FD);
	refused |= seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	return refused;
}

static bool seccomp_few(void)
{
	scmp_filter_ctx f = seccomp_init(process_is_sanitized() ? SCMP_ACT_ERRNO(1) : SCMP_ACT_KILL_PROCESS);

	if (!f)
		return false;
	bool done = fill(f) == 0 && seccomp_load(f) == 0;
	seccomp_release(f);
	return done;
}

struct status sandbox_enter(struct sandbox_report *out)
{
	struct sandbox_report r = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		log_warn("cannot give up new privileges");
	r.landlock = landlock_all();
	r.seccomp = seccomp_few();
	*out = r;
	if (r.seccomp)
		return OK;
	log_error("the kernel does not let this process restrict its system calls");
	return ERR(E_UNSUPPORTED);
}
