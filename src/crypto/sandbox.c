/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock first, since seccomp's list does not have its calls.
 */
#include "crypto/sandbox.h"

#include "base/log.h"
#include "crypto/harden.h"
#include "crypto/landlock.h"

#include <errno.h>
#include <seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

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
	if (failed(landlock_enter(&(struct landlock_wish){ 0 }, &r.landlock)))
		return ERR(E_UNSUPPORTED);
	r.seccomp = seccomp_few();
	*out = r;
	if (r.seccomp)
		return OK;
	log_error("the kernel does not let this process restrict its system calls");
	return ERR(E_UNSUPPORTED);
}

/* ---- seccomp: not these ------------------------------------------------------------------- */

/* What no process of ours needs once it runs, and whoever took one over would like: new programs, other processes'
 * memory, the kernel's many ways in. They get EPERM for an answer. */
static const int refused[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(bpf),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(sethostname),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(personality),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(open_tree),
	SCMP_SYS(move_mount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(process_madvise),
	SCMP_SYS(syslog),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
};

static bool load(scmp_filter_ctx f, int wrong)
{
	bool done = !wrong && seccomp_load(f) == 0;
	seccomp_release(f);
	if (!done)
		log_error("the kernel does not let this process restrict its system calls");
	return done;
}

/* Namespaces, in which anybody has root's powers over much of the kernel. Of clone3 a filter does not see the flags:
 * who is told that there is none takes clone. */
static int refuse_namespaces(scmp_filter_ctx f)
{
	static const unsigned kinds[] = { CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
					  CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP };
	int wrong = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; i < COUNT(kinds); i++)
		wrong |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, kinds[i], kinds[i]));
	return wrong;
}

/* What puts keystrokes into the terminal that we were started from, for the shell that reads it after us. */
static int refuse_typing(scmp_filter_ctx f)
{
	static const unsigned types[] = { TIOCSTI, TIOCLINUX };
	int wrong = 0;

	for (size_t i = 0; i < COUNT(types); i++) /* the kernel looks at 32 bits of it */
		wrong |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
					  SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, types[i]));
	return wrong;
}

static int refuse_all(scmp_filter_ctx f)
{
	int wrong = refuse_namespaces(f) | refuse_typing(f);

	for (size_t i = 0; i < COUNT(refused); i++)
		if (refused[i] != SCMP_SYS(ptrace) || !process_is_sanitized()) /* the leak checker's */
			wrong |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	return wrong;
}

struct status sandbox_refuse(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int wrong = f ? refuse_all(f) : 1;

	if (f && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && load(f, wrong))
		return OK;
	return ERR(E_UNSUPPORTED);
}

/* Memory, counters and queues that other programs may have left open for their user's others. */
static const int shared[] = {
	SCMP_SYS(shmget), SCMP_SYS(shmat),  SCMP_SYS(semget), SCMP_SYS(semop),  SCMP_SYS(semtimedop),
	SCMP_SYS(semctl), SCMP_SYS(msgget), SCMP_SYS(msgsnd), SCMP_SYS(msgrcv), SCMP_SYS(mq_open),
};

static int refuse_shared(scmp_filter_ctx f)
{
	int wrong = 0;

	for (size_t i = 0; i < COUNT(shared); i++)
		wrong |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), shared[i], 0);
	return wrong;
}

/* A pair of stream sockets is connected for good; one of datagrams can be pointed at others. Of a family the kernel
 * looks at 32 bits, a filter at 64. */
static int refuse_local_sockets(scmp_filter_ctx f)
{
	enum { TYPE = 0xf };
	int wrong = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, AF_UNIX));

	wrong |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketpair), 1,
				  SCMP_A1(SCMP_CMP_MASKED_EQ, TYPE, SOCK_DGRAM));
	wrong |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketpair), 1,
				  SCMP_A1(SCMP_CMP_MASKED_EQ, TYPE, SOCK_RAW));
	return wrong;
}

/* By a file's name, which Landlock does not judge: whose a file is, who else may reach it, and (before its third
 * version) that it is emptied. */
static const int changes_by_name[] = {
	SCMP_SYS(chmod),     SCMP_SYS(fchmodat),  452 /* fchmodat2 */,  SCMP_SYS(chown),
	SCMP_SYS(lchown),    SCMP_SYS(fchown),    SCMP_SYS(fchownat),   SCMP_SYS(setxattr),
	SCMP_SYS(lsetxattr), SCMP_SYS(fsetxattr), 463 /* setxattrat */, SCMP_SYS(truncate),
};

/* Of a file that is open the mode may be what ours have, and no more. */
static int refuse_changed_files(scmp_filter_ctx f)
{
	enum { OURS = 0644, OTHER_BITS = 07777 & ~OURS };
	int wrong = 0;

	for (size_t i = 0; i < COUNT(changes_by_name); i++)
		wrong |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), changes_by_name[i], 0);
	for (unsigned bit = 1; bit <= OTHER_BITS; bit <<= 1)
		if (bit & OTHER_BITS)
			wrong |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fchmod), 1,
						  SCMP_A1(SCMP_CMP_MASKED_EQ, bit, bit));
	return wrong;
}

struct status sandbox_refuse_doors(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int wrong = f ? refuse_local_sockets(f) | refuse_shared(f) | refuse_changed_files(f) : 1;

	if (f)
		wrong |= seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	return f && load(f, wrong) ? OK : ERR(E_UNSUPPORTED);
}
