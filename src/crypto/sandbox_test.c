/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process in the keyholder's sandbox can no longer do. Each attempt is made in a
 * child that entered it: the kernel ends such a child, or, in builds with sanitizers,
 * refuses the call.
 */
#include "crypto/sandbox.h"

#include "base/log.h"
#include "base/test.h"
#include "crypto/harden.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WENT_WELL = 10, REFUSED, NO_SANDBOX };

static void opens_a_file(void) { (void)!open("/etc/hostname", O_RDONLY | O_CLOEXEC); }
static void makes_a_socket(void) { (void)!socket(AF_INET, SOCK_STREAM, 0); }
static void starts_a_program(void) { (void)!syscall(SYS_execve, "/bin/true", NULL, NULL); }
static void forks(void) { (void)!syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static void traces_its_parent(void) { (void)!syscall(SYS_ptrace, 16, getppid(), 0, 0); }
static void signals_its_parent(void) { (void)!syscall(SYS_tgkill, getppid(), getppid(), 0); }
static void writes_elsewhere(void) { (void)!syscall(SYS_write, 1, "", 0); }
static void reads(void)
{
	char c;
	(void)!syscall(SYS_read, 0, &c, 0);
}
static void makes_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void computes(void) { (void)!syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0); }

static int in_sandbox(void (*what)(void))
{
	struct sandbox_report r;
	int how = 0;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		if (failed(sandbox_enter(&r)))
			_exit(NO_SANDBOX);
		errno = 0;
		what();
		_exit(errno == EPERM ? REFUSED : WENT_WELL);
	}
	EXPECT(pid > 0 && waitpid(pid, &how, 0) == pid);
	return how;
}

static void all_but_computing_is_refused(void)
{
	static void (*const tries[])(void) = { opens_a_file,      makes_a_socket,     starts_a_program, forks,
					       traces_its_parent, signals_its_parent, writes_elsewhere, reads,
					       makes_code };

	for (size_t i = 0; i < COUNT(tries); i++) {
		int how = in_sandbox(tries[i]);
		EXPECT(process_is_sanitized() ? WIFEXITED(how) && WEXITSTATUS(how) == REFUSED
					      : WIFSIGNALED(how) && WTERMSIG(how) == SIGSYS);
	}
}

static void what_it_needs_is_allowed(void)
{
	int how = in_sandbox(computes);
	EXPECT(WIFEXITED(how) && WEXITSTATUS(how) == WENT_WELL);
}

RUN_ALL(T(all_but_computing_is_refused), T(what_it_needs_is_allowed))
