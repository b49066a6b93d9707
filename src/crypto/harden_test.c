/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What process_harden promises, seen from a child process that hardened itself.
 */
#include "crypto/harden.h"

#include "base/test.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void harden_and_look(void)
{
	struct harden_report r;
	struct rlimit core, lock;

	EXPECT_OK(process_harden(&r));
	EXPECT(r.no_core && getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
	EXPECT(getrlimit(RLIMIT_MEMLOCK, &lock) == 0 && lock.rlim_cur == lock.rlim_max);
	EXPECT(r.lockable_bytes == (lock.rlim_cur == RLIM_INFINITY ? UINT64_MAX : lock.rlim_cur));
	EXPECT(r.no_dump == (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
	EXPECT(r.no_dump); /* under the leak checker it stays dumpable, and says so */
#endif
}

static void a_hardened_process_dumps_nothing_and_may_lock_what_it_can(void)
{
	pid_t pid = fork();
	int how = 0;

	EXPECT(pid >= 0);
	if (pid == 0) {
		harden_and_look();
		_exit(0);
	}
	EXPECT(waitpid(pid, &how, 0) == pid && WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

RUN_ALL(T(a_hardened_process_dumps_nothing_and_may_lock_what_it_can))
