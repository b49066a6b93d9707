"""Whoever runs code in the process that serves: what opens the root key, other processes and other programs are out of his reach."""
import os
import pathlib
import struct

import pytest

from harness import eventually, named
from inside import Inside, landlock, possible
from test_keyholder import works

pytestmark = pytest.mark.skipif(not possible, reason="runs code in the server: Linux on x86-64, as root")
READ, WRITE, CREATE = os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT
PTRACE_ATTACH = 16


@pytest.fixture
def inside(fresh):
    with Inside(fresh.process.pid) as it:
        yield fresh, it


def path(p):
    return str(p).encode()


def test_what_is_refused_here_is_there_to_be_had(fresh):
    """The same from a process that is not confined: else the tests below would prove nothing."""
    assert (fresh.base / "data.rootkey").read_bytes().startswith(b"holdfast root key")
    for name in ("hf-guardian", "hf-keyholder"):
        with open(f"/proc/{named(fresh, name)}/mem", "rb"):
            pass


@pytest.mark.skipif(not landlock(), reason="this kernel has no Landlock")
def test_the_root_key_file_cannot_be_reached(inside):
    server, it = inside
    root = server.base / "data.rootkey"
    assert it("open", path(root), READ) == "EACCES"
    assert it("open", path(root), WRITE) == "EACCES"
    assert it("link", path(root), path(server.data / "mine")) in ("EACCES", "EXDEV")
    assert it("rename", path(root), path(server.data / "mine")) in ("EACCES", "EXDEV")
    assert it("rename", path(root), path(server.base / "moved")) == "EACCES"
    assert it("unlink", path(root)) == "EACCES"
    assert it("open", path(server.base / "data.rootkey.new"), CREATE, 0o600) == "EACCES"
    assert it("open", path(server.data / ".." / "data.rootkey"), READ) == "EACCES"
    assert it("open", path(f"/proc/self/root{root}"), READ) == "EACCES"


@pytest.mark.skipif(not landlock(), reason="this kernel has no Landlock")
def test_other_processes_cannot_be_looked_into(inside):
    server, it = inside
    for name in ("hf-guardian", "hf-keyholder", "hf-starter"):
        pid = named(server, name)
        assert it("open", path(f"/proc/{pid}/mem"), READ) == "EACCES"
        assert it("ptrace", PTRACE_ATTACH, pid, 0, 0) == "EPERM"
        local = struct.pack("<QQ", 0x1000, 8)
        assert it("process_vm_readv", pid, local, 1, local, 1, 0) == "EPERM"


@pytest.mark.skipif(not landlock(), reason="this kernel has no Landlock")
def test_other_files_are_not_there_for_it(inside):
    server, it = inside
    assert it("open", b"/root", READ | os.O_DIRECTORY) == "EACCES"
    assert it("open", path(server.log), READ) == "EACCES"
    assert it("open", path(server.base / "made"), CREATE, 0o600) == "EACCES"
    assert it("open", b"/etc/made", CREATE, 0o600) == "EACCES"
    assert it("mkdir", path(server.base / "made"), 0o700) == "EACCES"
    assert isinstance(it("open", b"/etc/passwd", READ), int)  # to resolve names
    assert isinstance(it("open", path(server.data / "config"), READ), int)


def test_no_program_can_be_started_nor_another_one_asked(inside):
    server, it = inside
    assert it("execve", b"/bin/true", 0, 0) in ("EPERM", "EACCES")
    for family in (1, 1 << 32 | 1):  # AF_UNIX, of which the kernel looks at 32 bits: buses, managers, daemons of containers
        assert it("socket", family, 1, 0) == "EPERM"
    for kind in (2, 3, 2 | 0o2000000, 1 << 32 | 2):  # SOCK_DGRAM, SOCK_RAW: can be pointed at others
        assert it("socketpair", 1, kind, 0, b"x" * 8) == "EPERM"
    assert isinstance(it("socket", 2, 1, 0), int)  # AF_INET: providers' keys are fetched
    assert it("io_uring_setup", 1, 0) == "EPERM"
    assert it("pidfd_getfd", 3, 0, 0) == "EPERM"
    for call in ("shmget", "semget", "msgget"):  # what other programs of this user may have in common
        assert it(call, 0x1234, 1, 0o1600) == "EPERM"
    assert it("shmat", 0, 0, 0) == "EPERM" and it("mq_open", b"queue", CREATE, 0o600, 0) == "EPERM"


def test_nobody_else_is_let_in(inside):
    """Landlock says nothing about modes and owners: an accomplice with another user of the machine would be let in by them."""
    server, it = inside
    for target in (server.base / "data.rootkey", server.data):
        before = target.stat()
        assert it("chmod", path(target), 0o644) == "EPERM"
        assert it("fchmodat", -100, path(target), 0o644) == "EPERM"
        assert it("fchmodat2", -100, path(target), 0o644, 0) == "EPERM"
        assert it("chown", path(target), 65534, 65534) == "EPERM"
        assert it("setxattr", path(target), b"system.posix_acl_access", b"x", 1, 0) == "EPERM"
        assert it("setxattrat", -100, path(target), 0, b"system.posix_acl_access", 0, 16) == "EPERM"
        assert it("truncate", path(target), 0) in ("EPERM", "EACCES")
        assert (target.stat().st_mode, target.stat().st_uid) == (before.st_mode, before.st_uid)
    made = it("open", path(server.data / "made"), CREATE, 0o600)
    assert it("fchmod", made, 0o644) == 0 and it("fchmod", made, 0o600) == 0
    for mode in (0o4755, 0o2600, 0o700, 0o660, 0o602):
        assert it("fchmod", made, mode) == "EPERM", oct(mode)
    assert it("close", made) == 0


def test_no_keystrokes_and_no_namespaces(inside):
    server, it = inside
    for request in (0x5412, 0x541C, 1 << 32 | 0x5412):  # TIOCSTI, TIOCLINUX
        assert it("ioctl", 2, request, b"x") == "EPERM"
    assert it("ioctl", 2, 0x5413, b"x" * 8) in ("ENOTTY", 0)  # TIOCGWINSZ: anything else is asked
    for flag in (0x10000000, 0x00020000, 0x40000000):  # NEWUSER, NEWNS, NEWNET
        assert it("clone", flag | 17, 0, 0, 0, 0) == "EPERM"
    assert it("clone3", b"\0" * 64, 64) == "ENOSYS"


def test_what_opens_the_root_key_works_on_all_the_same(fresh):
    """Confined, it has the root key replaced and dead processes started anew."""
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    before = (fresh.base / "data.rootkey").read_bytes()
    fresh.holdfast("rootkey", "rotate", "--data", fresh.data)
    assert (fresh.base / "data.rootkey").read_bytes() != before
    assert {p.name for p in fresh.base.glob("data.rootkey*")} == {"data.rootkey"}
    old = named(fresh, "hf-guardian")
    os.kill(old, 9)
    eventually(lambda: named(fresh, "hf-guardian") not in (None, old) and works(lambda: kms.decrypt(CiphertextBlob=blob)))
    if landlock():
        with Inside(fresh.process.pid) as it:
            assert it("open", path(fresh.base / "data.rootkey"), READ) == "EACCES"


def test_without_its_starter_it_serves_on(fresh):
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    os.kill(named(fresh, "hf-starter"), 9)
    assert kms.encrypt(KeyId=key, Plaintext=b"x")
    os.kill(named(fresh, "hf-keyholder"), 9)  # the guardian's matter
    eventually(lambda: works(lambda: kms.encrypt(KeyId=key, Plaintext=b"x")))
    os.kill(named(fresh, "hf-guardian"), 9)
    eventually(lambda: "the process that starts others is gone" in pathlib.Path(fresh.log).read_text())
    assert not works(lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))
    assert fresh.client("sts").get_caller_identity()
    assert fresh.stop() == 0
