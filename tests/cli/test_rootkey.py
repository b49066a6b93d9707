"""Where the root key comes from, and another one: every source through init, serve, doctor, env and account; rotation."""
import contextlib
import ctypes
import os
import pathlib
import platform
import pty
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import pytest
from conftest import BIN, PATIENCE_S, ROOT, Server, eventually

PASSPHRASE = "correct horse battery"
PIN = "24681357"


class Sealed(Server):
    """A server whose root key is told something on a file descriptor, by every command that opens it."""

    def __init__(self, base, *init, told=None, env=None):
        self.told, self.init, self.extra = told, init, env or {}
        os.environ.update(self.extra)
        super().__init__(base)

    def telling(self, text=None):
        read, write = os.pipe()
        os.write(write, ((text or self.told) + "\n").encode())
        os.close(write)
        return read

    def holdfast(self, *args, check=True, told=None, new=None, **kw):
        args, fds = list(args), []
        if args[0] == "init":
            args += self.init
        if (told or self.told) and args[0] in ("init", "env", "doctor", "account", "rootkey"):
            fds.append(self.telling(told))
            args += ["--passphrase-fd", fds[-1]]
        if new:
            fds.append(self.telling(new))
            args += ["--new-passphrase-fd", fds[-1]]
        try:
            return super().holdfast(*args, check=check, pass_fds=fds, **kw)
        finally:
            for fd in fds:
                os.close(fd)

    def start(self):
        self.options, self.pass_fds = (), ()
        if not self.told:
            return super().start()
        fd = self.telling()
        self.options, self.pass_fds = ("--passphrase-fd", str(fd)), (fd,)
        try:
            return super().start()
        finally:
            os.close(fd)


@pytest.fixture
def base():
    with tempfile.TemporaryDirectory(prefix="holdfast-") as path:
        yield pathlib.Path(path)


def used(server):
    """Everything opens it: the server, and each command while it serves and while it does not."""
    kms = server.start().client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    assert "key hierarchy" in (out := server.holdfast("doctor", "--data", server.data, check=False).stdout)
    assert "FAIL  key" not in out and "FAIL  root" not in out, out
    assert server.stop() == 0
    assert "opens" in server.holdfast("doctor", "--data", server.data, check=False).stdout
    server.holdfast("account", "create", "--data", server.data, "--account", "999988887777")
    assert "999988887777" in server.holdfast("account", "list", "--data", server.data).stdout
    assert server.start().client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    assert server.stop() == 0
    return blob


# ---- passphrase


def test_a_passphrase_is_the_source(base):
    server = Sealed(base, "--root-key-source", "passphrase", told=PASSPHRASE)
    used(server)
    assert PASSPHRASE not in (base / "data.rootkey").read_text()
    told = server.holdfast("rootkey", "status", "--data", server.data).stdout
    assert "passphrase" in told and "when a passphrase or PIN is told" in told
    wrong = server.holdfast("account", "list", "--data", server.data, told="wrong horse battery", check=False)
    assert wrong.returncode == 1 and "the passphrase is wrong" in wrong.stderr
    out = subprocess.run([BIN, "serve", "--data", server.data], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         start_new_session=True, timeout=PATIENCE_S)
    assert out.returncode == 1 and "nobody is there to be asked" in out.stderr


def test_a_weak_passphrase_makes_no_directory(base):
    read, write = os.pipe()
    os.write(write, b"password1\n")
    os.close(write)
    out = subprocess.run([BIN, "init", "--data", base / "data", "--root-key-source", "passphrase", "--passphrase-fd", str(read)],
                         pass_fds=[read], capture_output=True, text=True)
    os.close(read)
    assert out.returncode == 1 and "too weak" in out.stderr and not (base / "data.rootkey").exists()


def terminal(args, *lines):
    """Run at a terminal of its own, typing those lines one prompt after the other; (exit status, all that was shown)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(BIN, [BIN, *map(str, args)])
    shown, waiting = b"", list(lines)
    while True:
        try:
            piece = os.read(fd, 1024)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if waiting and piece.rstrip(b"\r\n").endswith(b": "):
            os.write(fd, waiting.pop(0))
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_a_person_is_asked_at_the_terminal(base):
    data = base / "data"
    init = ["init", "--data", data, "--root-key-source", "passphrase"]
    code, shown = terminal(init, b"correct horse battery\r", b"correct horse batterx\r")
    assert code == 1 and "not the same" in shown
    code, shown = terminal(init, b"corrx\x7fect horse battery\r", PASSPHRASE.encode() + b"\r")
    assert code == 0 and "horse" not in shown, shown  # no echo, and a backspace is one
    code, shown = terminal(["account", "list", "--data", data], b"wrong horse batt\r", PASSPHRASE.encode() + b"\r")
    assert code == 0 and "the passphrase is wrong" in shown and "000000000000" in shown
    code, shown = terminal(["account", "list", "--data", data], b"correct\x03")
    assert code == 1 and "000000000000" not in shown


def test_a_person_may_give_up_at_the_start_of_the_server(base):
    data = base / "data"
    serve = ["serve", "--data", data, "--listen", "127.0.0.1:0"]
    terminal(["init", "--data", data, "--root-key-source", "passphrase"], *[PASSPHRASE.encode() + b"\r"] * 2)
    code, shown = terminal(serve, b"\x03")
    assert code == 1 and "serves" not in shown
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(BIN, [BIN, *map(str, serve)])
    assert b"passphrase" in os.read(fd, 1024)
    os.kill(pid, signal.SIGTERM)
    _, status = eventually(lambda: (done := os.waitpid(pid, os.WNOHANG))[0] and done)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 1


# ---- tokens


@pytest.fixture
def token(base):
    module = next((p for p in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so") if os.path.exists(p)), None)
    if not module or not shutil.which("softhsm2-util"):
        pytest.skip("SoftHSM (softhsm2) is not installed")
    (base / "tokens").mkdir()
    (base / "softhsm.conf").write_text(f"directories.tokendir = {base}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    env = {"SOFTHSM2_CONF": str(base / "softhsm.conf")}
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "hsm", "--pin", PIN, "--so-pin", "12345678"],
                   env={**os.environ, **env}, check=True, capture_output=True)
    yield module, env
    os.environ.pop("SOFTHSM2_CONF", None)


def test_a_token_is_the_source(base, token):
    module, env = token
    server = Sealed(base, "--root-key-source", "pkcs11", "--pkcs11-module", module, "--pkcs11-token", "hsm", told=PIN, env=env)
    used(server)
    wrong = server.holdfast("account", "list", "--data", server.data, told="99999999", check=False)
    assert wrong.returncode == 1 and "PIN is wrong" in wrong.stderr


def test_a_pin_file_lets_a_token_open_by_itself_and_its_module_is_in_no_process_that_stays(base, token):
    module, env = token
    pin = base / "pin"
    pin.write_text(PIN + "\n")
    pin.chmod(0o600)
    server = Sealed(base, "--root-key-source", "pkcs11", "--pkcs11-module", module, "--pkcs11-pin-file", pin, env=env)
    used(server)
    server.start()
    pids = [server.process.pid]
    for pid in pids:
        pids += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        assert "softhsm" not in pathlib.Path(f"/proc/{pid}/maps").read_text()
    assert len(pids) == 4
    assert server.stop() == 0
    pin.chmod(0o644)
    assert server.holdfast("account", "list", "--data", server.data, check=False).returncode == 1


# ---- the TPM


def two_ports():
    """Free ones beside each other, as they were when this looked."""
    for _ in range(100):
        with socket.socket() as one, socket.socket() as two, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.1", one.getsockname()[1] + 1))
            return one.getsockname()[1]
    raise RuntimeError("no two free ports beside each other")


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True


def swtpm(base):
    """A TPM that answers, and its port. Others take ports, too: so it is tried with others until it could bind them."""
    for _ in range(20):
        port = two_ports()
        process = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={base}/tpm", "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
                                    "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1", "--flags", "not-need-init,startup-clear"])
        eventually(lambda: process.poll() is not None or listens(port + 1))
        if process.poll() is None:
            return process, port
    raise RuntimeError("swtpm does not start")


@pytest.fixture
def tpm(base):
    if not shutil.which("swtpm"):
        pytest.skip("swtpm is not installed")
    (base / "tpm").mkdir()
    process, port = swtpm(base)
    yield f"swtpm:host=127.0.0.1,port={port}"
    process.kill()
    process.wait()


def test_a_tpm_is_the_source(base, tpm):
    server = Sealed(base, "--root-key-source", "tpm", "--tpm", tpm, "--tpm-pcrs", "7")
    used(server)
    assert "pcrs 7" in server.holdfast("rootkey", "status", "--data", server.data).stdout


# ---- what is away


def refused(server, told=None, **more):
    """Server and commands end, and say what is wrong; nothing waits for a person who is not there."""
    said = []
    for command in (["serve", "--listen", "127.0.0.1:0"], ["account", "list"], ["rootkey", "rotate"]):
        fds = [server.telling(told)] if told or server.told else []
        options = ["--passphrase-fd", str(fds[0])] if fds else []
        done = subprocess.run([BIN, *command, "--data", server.data, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              start_new_session=True, timeout=120, pass_fds=fds, **more)
        for fd in fds:
            os.close(fd)
        assert done.returncode == 1 and "serves" not in done.stdout and '"level":"error"' in done.stderr, (command, done)
        said.append(done.stderr)
    assert "nothing is changed" in said[-1]
    assert sorted(p.name for p in server.base.glob("data.*")) == ["data.rootkey"], "nothing is left of a rotation that did not begin"
    return said


def test_a_token_that_is_away(base, token):
    module, env = token
    pin = base / "pin"
    pin.write_text(PIN)
    pin.chmod(0o600)
    server = Sealed(base, "--root-key-source", "pkcs11", "--pkcs11-module", module, "--pkcs11-token", "hsm", "--pkcs11-pin-file", pin, env=env)
    pin.rename(base / "elsewhere")
    assert all("PIN cannot be read" in said and str(pin) in said for said in refused(server))
    (base / "elsewhere").rename(pin)
    (base / "tokens").rename(base / "drawer")
    (base / "tokens").mkdir()
    assert all("no such PKCS #11 token" in said and "hsm" in said for said in refused(server))
    (base / "tokens").rmdir()
    (base / "drawer").rename(base / "tokens")
    pin.write_text("99999999")
    # one try each: tokens lock themselves
    assert all(said.count("PIN is wrong") == 1 for said in refused(server))
    pin.write_text(PIN)
    server.start()
    assert server.stop() == 0


def test_a_tpm_that_is_away(base, tpm):
    server = Sealed(base, "--root-key-source", "tpm", "--tpm", tpm)
    key = base / "data.rootkey"
    port = tpm.rsplit("=", 1)[1]
    text = key.read_text()
    key.write_text(text.replace(port, "1"))
    assert all("damaged" in said for said in refused(server)), "where it is reached is not to be edited"
    key.write_text(text)
    with socket.create_connection(("127.0.0.1", int(port) + 1)) as control:
        control.sendall(b"\0\0\0\x03")  # CMD_SHUTDOWN
        control.recv(4)
    eventually(lambda: not listens(int(port) + 1))
    assert all("there is no TPM" in said and tpm in said for said in refused(server))


def test_a_wrong_or_empty_passphrase(base):
    server = Sealed(base, "--root-key-source", "passphrase", told=PASSPHRASE)
    assert all(said.count("the passphrase is wrong") == 1 for said in refused(server, "wrong horse battery"))
    assert all("it is empty" in said for said in refused(server, "\n"))
    assert all("it is too long" in said for said in refused(server, "x" * 2000))


# ---- kernels


def without(*calls):
    """For preexec_fn: those system calls are not there (x86-64)."""
    def enter():
        code = [(0x20, 0, 0, 0), *((0x15, len(calls) - i, 0, call) for i, call in enumerate(calls)), (6, 0, 0, 0x7FFF0000), (6, 0, 0, 0x50026)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
        libc = ctypes.CDLL(None)
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, struct.pack("HxxxxxxP", len(calls) + 3, ctypes.addressof(code)), 0, 0) == 0
    return enter


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of system calls")
def test_a_kernel_without_landlock_is_warned_of(base):
    server = Sealed(base)
    with open(server.log, "wb") as log:
        process = subprocess.Popen([BIN, "serve", "--data", server.data, "--listen", "127.0.0.1:0"], stdout=log, stderr=log,
                                   preexec_fn=without(444))
    eventually(lambda: "serves" in server.log.read_text() or process.poll() is not None)
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    assert "has no Landlock" in server.log.read_text() and "serves" in server.log.read_text()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of system calls")
def test_a_kernel_without_seccomp_is_not_served_on(base):
    server = Sealed(base)
    done = subprocess.run([BIN, "serve", "--data", server.data, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=120,
                          preexec_fn=without(317))
    assert done.returncode == 1 and "restrict its system calls" in done.stderr and "serves" not in done.stdout


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="becomes another user")
def test_another_users_directory(base):
    """Not root's to serve, nor anybody else's; and its own user needs nobody's help."""
    base.chmod(0o777)
    program = base / "holdfast"
    shutil.copy(BIN, program)
    program.chmod(0o755)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", program]
    data = base / "data"

    def run(*command):
        return subprocess.run([*command, "--data", data], capture_output=True, text=True, timeout=120)
    assert run(*nobody, "init").returncode == 0
    assert "000000000000" in run(*nobody, "account", "list").stdout
    assert run(*nobody, "rootkey", "rotate").returncode == 0
    done = run(BIN, "serve", "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "belongs to another user" in done.stderr
    (base / "data.rootkey").rename(base / "mine")
    os.chown(base / "mine", 0, 0)
    (base / "mine").rename(base / "data.rootkey")
    done = run(*nobody, "serve", "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "EACCES" in done.stderr and "data.rootkey" in done.stderr


# ---- options


@pytest.mark.parametrize("options", [
    ["--root-key-source", "cloud"],
    ["--pkcs11-module", "/usr/lib/x.so"],
    ["--root-key-source", "pkcs11"],
    ["--root-key-source", "pkcs11", "--pkcs11-module", "x.so"],
    ["--root-key-source", "tpm", "--tpm-pcrs", "7,99"],
    ["--root-key-source", "passphrase", "--passphrase-fd", "77"],
])
def test_options_that_make_no_sense_are_refused_before_anything_is_made(base, options):
    out = subprocess.run([BIN, "init", "--data", base / "data", *options], capture_output=True, text=True)
    assert out.returncode == 2 and out.stderr and not (base / "data").exists()


# ---- rotation


def test_rotation_while_serving_keeps_everything_in_use(base):
    server = Sealed(base)
    kms = server.start().client("kms")
    s3 = server.client("s3")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="a", Body=b"body")
    old = (base / "data.rootkey").read_text()
    out = server.holdfast("rootkey", "rotate", "--data", server.data).stdout
    assert out == "rotated: 2 keys wrapped anew\n"
    assert (base / "data.rootkey").read_text() != old and sorted(p.name for p in base.glob("data.*")) == ["data.rootkey"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    other = server.new_account("444455556666")
    assert server.client("kms", other).create_key()
    for n in (2, 3):  # as often as a life of the server allows
        assert server.holdfast("rootkey", "rotate", "--data", server.data).stdout == "rotated: 3 keys wrapped anew\n"
    full = server.holdfast("rootkey", "rotate", "--data", server.data, check=False)
    assert full.returncode == 1 and "restart the server" in full.stderr
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    assert server.stop() == 0
    server.start()  # which finishes it
    assert "none under way" in server.holdfast("rootkey", "status", "--data", server.data).stdout
    assert server.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    assert server.client("s3").get_object(Bucket="shop", Key="a")["Body"].read() == b"body"
    assert server.client("kms", other).create_key()
    assert server.stop() == 0
    (base / "data.rootkey").write_text(old)
    refused = server.holdfast("account", "list", "--data", server.data, check=False)
    assert refused.returncode == 1 and "does not open the system key" in refused.stderr


def test_rotation_moves_from_source_to_source(base, token):
    module, env = token
    server = Sealed(base, env=env)
    kms = server.start().client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    server.holdfast("rootkey", "rotate", "--data", server.data, "--root-key-source", "passphrase", new=PASSPHRASE)
    server.told = PASSPHRASE
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    wrong = server.holdfast("rootkey", "rotate", "--data", server.data, told="wrong horse battery", new=PASSPHRASE, check=False)
    assert wrong.returncode == 1 and "under way" not in server.holdfast("rootkey", "status", "--data", server.data).stdout.replace("none under way", "")
    assert server.stop() == 0
    server.holdfast("rootkey", "rotate", "--data", server.data, "--root-key-source", "pkcs11", "--pkcs11-module", module, new=PIN)
    server.told = PIN
    assert server.start().client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    server.holdfast("rootkey", "rotate", "--data", server.data, "--root-key-source", "file", told=PIN)
    server.told = None
    assert server.stop() == 0
    assert server.start().client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    assert server.stop() == 0


def test_a_rotation_killed_at_any_moment_goes_on(base):
    """The command and the server are killed after ever more time; whatever was reached, all opens and the next try ends it."""
    server = Sealed(base)
    kms = server.start().client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    began = time.monotonic()
    server.holdfast("rootkey", "rotate", "--data", server.data)
    whole = time.monotonic() - began
    for i in range(14):
        command = subprocess.Popen([BIN, "rootkey", "rotate", "--data", server.data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * i / 10)
        if i % 2:
            server.kill()
        command.kill()
        command.wait()
        if i % 4 == 2:
            server.kill()
        if server.process is None:
            server.start()
        kms = server.client("kms")
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before", i
        if i % 4 == 0:  # else a life of the server has seen enough of them
            assert server.stop() == 0
            server.holdfast("rootkey", "rotate", "--data", server.data)
            server.start()
    server.kill()
    server.holdfast("rootkey", "rotate", "--data", server.data)
    assert sorted(p.name for p in base.glob("data.*")) == ["data.rootkey"]
    assert server.start().client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    assert server.stop() == 0


def test_a_parent_that_ignores_its_children_hides_no_failure(base):
    """An ignored SIGCHLD is inherited: then nobody would hear how the process that reads the root key ended."""
    server = Server(base)
    (base / "data.rootkey").rename(base / "away")
    done = subprocess.run([BIN, "serve", "--data", server.data, "--listen", "127.0.0.1:0"], text=True, capture_output=True,
                          timeout=PATIENCE_S, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert done.returncode == 1 and '"status":"E_NOT_FOUND"' in done.stderr and "Assertion" not in done.stderr
