/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process gives up: one that holds keys all but computing; one that serves, or runs somebody else's module,
 * what it will not need.
 *
 * seccomp with a list of the few system calls that computing, waiting on a futex and
 * writing the log need; everything else kills the process. Landlock, where the kernel has
 * it, forbids the file system a second time. For all threads of the process, for good.
 */
#ifndef CRYPTO_SANDBOX_H
#define CRYPTO_SANDBOX_H

#include "base/base.h"

enum { SANDBOX_FD = 3 }; /* may be written to, besides fd 2 */

struct sandbox_report {
	bool seccomp, landlock;
};

/*
 * To be called when all threads have started, with nothing open but fd 2 and SANDBOX_FD. E_UNSUPPORTED when seccomp
 * cannot be had (the log says why); without Landlock it goes on. Programs built with sanitizers need more system calls
 * than the list has: there what is not on it fails with EPERM instead.
 */
struct status sandbox_enter(struct sandbox_report *out);

/*
 * For processes that must keep files and network: what none of them needs is refused (EPERM). Before threads are
 * started. E_UNSUPPORTED: the log says so.
 */
struct status sandbox_refuse(void);
/*
 * Once all is open: no local sockets, behind which other programs of this machine do what they are asked to; no memory
 * and queues that programs share; no change of whose files are and who may reach them. For all threads.
 */
struct status sandbox_refuse_doors(void);

#endif
