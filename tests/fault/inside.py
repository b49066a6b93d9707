"""Code in somebody else's process: system calls made by a running server's own thread, as whoever took it over would.

Linux on x86-64, as root. The thread is stopped in the system call it waits in; its registers are put back afterwards.
"""
import ctypes
import errno
import os
import platform

from harness import eventually

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
GETREGS, SETREGS, CONT, SINGLESTEP, SEIZE, INTERRUPT, DETACH = 12, 13, 7, 9, 0x4206, 0x4207, 17
REGISTERS = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs".split()
NUMBERS = {"read": 0, "open": 2, "close": 3, "socket": 41, "connect": 42, "execve": 59, "rename": 82, "unlink": 87, "link": 86,
           "ptrace": 101, "process_vm_readv": 310, "mkdir": 83, "io_uring_setup": 425, "pidfd_getfd": 438, "ioctl": 16, "clone": 56,
           "socketpair": 53, "shmget": 29, "shmat": 30, "semget": 64, "msgget": 68, "mq_open": 240, "truncate": 76, "chmod": 90, "fchmod": 91, "chown": 92, "setxattr": 188, "fchmodat": 268, "clone3": 435, "fchmodat2": 452,
           "setxattrat": 463}

possible = platform.machine() == "x86_64" and os.geteuid() == 0


def landlock():
    """The kernel's version of it; 0: none."""
    return max(0, libc.syscall(444, None, 0, 1))


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]


class Inside:
    """with Inside(pid) as it: it("open", b"/etc/passwd", 0) -- a result, or the name of an error."""

    def __init__(self, pid):
        self.pid = int(pid)

    def _ptrace(self, what, addr=None, data=None):
        if libc.ptrace(what, self.pid, addr, data) < 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def _wait(self):
        os.waitpid(self.pid, 0x40000000)  # __WALL

    def __enter__(self):
        self._ptrace(SEIZE)
        self.saved = Registers()
        self.memory = open(f"/proc/{self.pid}/mem", "r+b", 0)
        eventually(self._stop_in_call)
        self.room = (self.saved.rsp - 8192) & ~15  # below its stack's red zone
        self.kept = self._peek(self.room, 4096)
        return self

    def _stop_in_call(self):
        """It waits in a system call nearly all the time; else it goes on until it does."""
        self._ptrace(INTERRUPT)
        self._wait()
        self._ptrace(GETREGS, None, ctypes.byref(self.saved))
        if self._peek(self.saved.rip - 2, 2) == b"\x0f\x05":
            return True
        self._ptrace(CONT)
        return False

    def __exit__(self, *_):
        self._poke(self.room, self.kept)
        self._ptrace(SETREGS, None, ctypes.byref(self.saved))
        self.memory.close()
        self._ptrace(DETACH)

    def _peek(self, at, n):
        self.memory.seek(at)
        return self.memory.read(n)

    def _poke(self, at, data):
        self.memory.seek(at)
        self.memory.write(data)

    def __call__(self, name, *args):
        regs = Registers.from_buffer_copy(self.saved)
        at, values = self.room, []
        for arg in args:
            if isinstance(arg, bytes):
                self._poke(at, arg + b"\0")
                values.append(at)
                at += len(arg) + 16 & ~15
            else:
                values.append(arg)
        for register, value in zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values + [0] * (6 - len(values))):
            setattr(regs, register, value & (1 << 64) - 1)
        regs.rax, regs.rip, regs.orig_rax = NUMBERS[name], self.saved.rip - 2, (1 << 64) - 1
        self._ptrace(SETREGS, None, ctypes.byref(regs))
        self._ptrace(SINGLESTEP)
        self._wait()
        self._ptrace(GETREGS, None, ctypes.byref(regs))
        result = ctypes.c_longlong(regs.rax).value
        return errno.errorcode[-result] if -4096 < result < 0 else result
