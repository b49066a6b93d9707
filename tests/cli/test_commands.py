"""The commands as people use them: what they print, what they refuse, how they end."""
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import threading
import urllib.parse

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import raw
from conftest import BIN, PATIENCE_S, Server, eventually

COMMANDS = ["init", "serve", "env", "aws", "account", "doctor", "explain", "policy", "version", "help"]
DEBIAN = {**{k: v for k, v in os.environ.items() if not k.startswith("AWS_")}, "PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true"}


def run(*args, **more):
    return subprocess.run([BIN, *map(str, args)], text=True, capture_output=True, timeout=PATIENCE_S, **more)


@pytest.fixture
def stopped(tmp_path):
    """An initialised directory that nobody serves yet."""
    server = Server(tmp_path)
    yield server
    if server.process:
        assert server.stop() == 0, server.log.read_text()[-3000:]


# ---- words and exit codes -----------------------------------------------------------------------

def test_help_names_every_command():
    for args in (["help"], ["--help"], ["-h"]):
        done = run(*args)
        assert done.returncode == 0 and done.stderr == ""
        for command in COMMANDS:
            assert re.search(rf"^  {command} ", done.stdout, re.M), command


@pytest.mark.parametrize("command", ["init", "serve", "env", "aws", "account", "doctor"])
def test_each_command_has_help(command):
    done = run(command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"usage: holdfast {command} ") and "--data DIR" in done.stdout


def test_version():
    assert re.fullmatch(r"holdfast \d+\.\d+\.\d+\n", run("version").stdout)
    assert run("--version").stdout == run("version").stdout


@pytest.mark.parametrize("args", [
    [], ["frobnicate"], ["init"], ["serve"], ["init", "--data"], ["init", "--data", "d", "--account", "12"], ["init", "--data", "d", "--colour"],
    ["init", "--data", "d", "--root-access-key-id", "AKIAAAAAAAAAAAAAAAAA"], ["serve", "--data", "d", "--listen", "127.0.0.1:99999"],
    ["serve", "--data", "d", "--listen", ":1"], ["serve", "--data", "d", "--http", "0.0.0.0:0"], ["serve", "--data", "d", "--http", "192.0.2.1:80"],
    ["serve", "--data", "d", "--http", "[::]:80"], ["serve", "--data", "d", "--http", "localhost.example.com:80"], ["account"],
    ["account", "destroy"], ["account", "create", "--data", "d"], ["account", "create", "--data", "d", "--account", "x"], ["env", "--what"],
    ["doctor", "--what"], ["aws", "--data"]])
def test_wrong_usage_is_2_and_says_why(args, tmp_path):
    done = run(*args, cwd=tmp_path)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stderr or "usage: " in done.stdout
    assert not list(tmp_path.iterdir()), "and nothing was made"


@pytest.mark.parametrize("args", [["serve"], ["env"], ["aws", "s3", "ls"], ["doctor"], ["account", "list"],
                                  ["account", "create", "--account", "222233334444"]])
def test_a_directory_that_is_none_is_1_and_says_so(args, tmp_path):
    args = [*args[:1], "--data", tmp_path / "none", *args[1:]] if args[0] == "aws" else [*args, "--data", tmp_path / "none"]
    done = run(*args)
    assert done.returncode == 1 and (done.stderr or done.stdout), done
    assert not list(tmp_path.iterdir())


# ---- init ---------------------------------------------------------------------------------------

def test_init_makes_a_directory_and_says_what(tmp_path):
    done = run("init", "--data", tmp_path / "d", "--account", "123456789012", "--region", "eu-central-1")
    assert done.returncode == 0 and "123456789012" in done.stdout and str(tmp_path / "d.rootkey") in done.stdout
    assert stat.S_IMODE((tmp_path / "d.rootkey").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o700
    assert "eu-central-1" in (tmp_path / "d" / "config").read_text()


def test_init_does_nothing_twice(tmp_path):
    assert run("init", "--data", tmp_path / "d").returncode == 0
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    done = run("init", "--data", tmp_path / "d")
    assert done.returncode == 1 and "already" in done.stderr
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_init_never_overwrites_a_root_key(tmp_path):
    (tmp_path / "d.rootkey").write_text("precious")
    done = run("init", "--data", tmp_path / "d")
    assert done.returncode == 1 and "root key" in done.stderr
    assert (tmp_path / "d.rootkey").read_text() == "precious"


def test_init_where_it_cannot(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("init", "--data", tmp_path / "file" / "d")
    assert done.returncode == 1 and done.stderr


def test_init_with_credentials_and_a_root_key_elsewhere(tmp_path):
    (tmp_path / "safe").mkdir()
    server = Server.__new__(Server)
    server.base, server.data, server.options, server.account, server.process = tmp_path, tmp_path / "d", (), "000000000000", None
    server.log, server.ca = tmp_path / "server.log", str(tmp_path / "d" / "tls" / "ca.pem")
    server.holdfast("init", "--data=" + str(server.data), "--root-key", tmp_path / "safe" / "key", "--root-access-key-id", "AKIAROOTROOTROOTROOT",
                    "--root-secret-access-key", "s" * 40)
    assert (tmp_path / "safe" / "key").exists() and (tmp_path / "d.rootkey").readlink() == tmp_path / "safe" / "key"
    before = (tmp_path / "safe" / "key").read_bytes()
    server.holdfast("rootkey", "rotate", "--data", server.data)
    assert (tmp_path / "d.rootkey").is_symlink() and (tmp_path / "safe" / "key").read_bytes() != before
    assert [p.name for p in (tmp_path / "safe").iterdir()] == ["key"], "a rotation is where the file is"
    server.start()
    try:
        assert server.root == ("AKIAROOTROOTROOTROOT", "s" * 40)
        assert server.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    finally:
        assert server.stop() == 0


def test_a_root_key_in_the_data_directory_is_refused(tmp_path):
    """The serving process may write there, and what opens a root key may be a library that is loaded."""
    done = run("init", "--data", tmp_path / "d", "--root-key", tmp_path / "d" / "key")
    assert done.returncode == 1 and "may not lie in the data directory" in done.stderr and not (tmp_path / "d" / "key").exists()
    assert not os.path.lexists(tmp_path / "d.rootkey")
    assert run("init", "--data", tmp_path / "d").returncode == 0
    mine = tmp_path / "d" / "keys" / "mine"
    (tmp_path / "d.rootkey").rename(mine)
    (tmp_path / "d.rootkey").symlink_to(mine)
    for command in (["serve"], ["account", "list"], ["rootkey", "status"], ["rootkey", "rotate"], ["doctor"]):
        done = run(*command, "--data", tmp_path / "d")
        assert done.returncode and "may not lie in the data directory" in done.stderr, command


def test_the_settings_do_not_say_where_the_root_key_is(tmp_path):
    """Who took the serving process over can write them; a file of his making would name a library of his choice."""
    assert run("init", "--data", tmp_path / "d").returncode == 0
    config, key = tmp_path / "d" / "config", tmp_path / "d.rootkey"
    assert "root_key" not in config.read_text()
    config.write_text(config.read_text() + f"root_key = {tmp_path / 'elsewhere'}\n")
    (tmp_path / "elsewhere").write_text("not a root key")
    assert str(key) in run("rootkey", "status", "--data", tmp_path / "d").stdout
    assert run("account", "list", "--data", tmp_path / "d").returncode == 0
    key.rename(tmp_path / "elsewhere")  # as a directory may be that is older than this rule
    for command in (["serve"], ["account", "list"], ["rootkey", "status"], ["doctor"]):
        done = run(*command, "--data", tmp_path / "d")
        assert done.returncode == 1 and "make a link" in done.stderr and str(tmp_path / "elsewhere") in done.stderr, command
    key.symlink_to(tmp_path / "elsewhere")
    assert run("account", "list", "--data", tmp_path / "d").returncode == 0
    key.unlink()
    config.write_text(config.read_text().replace(str(tmp_path / "elsewhere"), str(key)))
    done = run("account", "list", "--data", tmp_path / "d")
    assert done.returncode == 1 and "make a link" not in done.stderr and "ENOENT" in done.stderr, "it is but missing"


def test_a_directory_is_the_same_by_any_name(tmp_path):
    assert run("init", "--data", tmp_path / "d").returncode == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "name").symlink_to(tmp_path / "d")
    for name, cwd in ((tmp_path / "other" / "name", None), (str(tmp_path / "d") + "//", None), ("d", tmp_path), (".", tmp_path / "d")):
        done = run("rootkey", "status", "--data", name, cwd=cwd)
        assert done.returncode == 0 and str(tmp_path / "d.rootkey") in done.stdout, name


@pytest.mark.parametrize("link", ["nowhere", "there"])
def test_init_takes_no_link_for_free(tmp_path, link):
    (tmp_path / "there").write_text("precious")
    (tmp_path / "d.rootkey").symlink_to(tmp_path / link)
    for more in ([], ["--root-key", tmp_path / "key"]):
        done = run("init", "--data", tmp_path / "d", *more)
        assert done.returncode == 1 and "never overwritten" in done.stderr
    assert (tmp_path / "there").read_text() == "precious" and not (tmp_path / "nowhere").exists() and not (tmp_path / "key").exists()


# ---- a server that is somebody else's by now ------------------------------------------------------

def answering(directory, body, *command):
    """What a command makes of that answer."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "admin.sock"))
        listener.listen()

        def serve():
            with listener.accept()[0] as peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        done = subprocess.run([BIN, *command, "--data", directory], capture_output=True, timeout=60)
        thread.join(60)
    (directory / "admin.sock").unlink()
    return done


def test_no_answer_steers_the_terminal(tmp_path):
    done = answering(tmp_path, "ä\x1b]0;x\x07 \x9b31m\r\0\tb\x7f\n".encode(), "keystore", "list")
    assert done.returncode == 0 and done.stdout.decode(errors="replace") == "ä?]0;x? ?\ufffd31m??\tb?\n"


@pytest.mark.parametrize("line", [
    "touch gotcha", "export AWS_CONTAINER_X='a'; touch gotcha", "export AWS_CONTAINER_X='a''b'", "export AWS_CONTAINER_X='", "export AWS_CONTAINER_X=$(touch gotcha)",
    "export AWS_CONTAINER_$(touch gotcha)='x'", "export AWS_CONTAINER_X[0]='x'", "export AWS_CONFIG_FILE='x'", "export PATH='x'", " export AWS_CONTAINER_X='x'",
    "export AWS_CONTAINER_X", "",
])
def test_no_answer_is_a_program_for_the_shell(tmp_path, line):
    good = "export AWS_CONTAINER_CREDENTIALS_FULL_URI='http://127.0.0.1/$(x)'\n"
    add = ["workload", "add", "shop", "--role", "arn:aws:iam::000000000000:role/shop"]
    assert answering(tmp_path, good.encode(), *add).stdout.decode() == good
    done = answering(tmp_path, (good + line + "\n").encode(), *add)
    assert done.returncode == 1 and not done.stdout and b"makes no sense" in done.stderr


# ---- systemd ------------------------------------------------------------------------------------

@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_unit_is_sound_and_gives_little_away(tmp_path):
    unit = tmp_path / "holdfast.service"
    text = (pathlib.Path(__file__).resolve().parents[2] / "deploy" / "holdfast.service").read_text()
    unit.write_text(text.replace("/usr/bin/holdfast", str(BIN)))
    verify = subprocess.run(["systemd-analyze", "verify", unit], text=True, capture_output=True, timeout=120)
    assert verify.returncode == 0 and not verify.stderr, verify.stderr
    security = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=25", "--no-pager", unit],
                              text=True, capture_output=True, timeout=120)
    if "unrecognized option" in security.stderr:
        pytest.skip("systemd-analyze knows no offline check")
    assert security.returncode == 0, security.stdout.splitlines()[-1:] + [security.stderr]


# ---- serve --------------------------------------------------------------------------------------

def test_what_a_shell_is_told_is_quoted(stopped):
    """What stands in the data directory is not all the administrator's own."""
    stopped.start()
    urls = stopped.data / "urls"
    urls.write_text(f"https://'; touch {stopped.base}/gotcha; echo '\n")
    told = stopped.holdfast("env", "--data", stopped.data).stdout
    out = subprocess.run(["sh", "-c", told + 'printf %s "$AWS_ENDPOINT_URL"'], text=True, capture_output=True, check=True).stdout
    assert out == f"https://'; touch {stopped.base}/gotcha; echo '" and not (stopped.base / "gotcha").exists()


def test_the_ready_file_holds_the_addresses_once_requests_are_served(stopped):
    stopped.start()
    urls = (stopped.base / "ready").read_text().splitlines()
    assert re.fullmatch(r"https://127\.0\.0\.1:\d+", urls[0]) and re.fullmatch(r"http://127\.0\.0\.1:\d+", urls[1]) and len(urls) == 2
    assert all(int(u.rsplit(":")[-1]) for u in urls), "port 0 means any, not 0"
    assert "enforced" in stopped.log.read_text()


def test_several_addresses_and_ipv6(stopped):
    if not socket.has_ipv6 or not pathlib.Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 on this machine")
    stopped.options = ("--listen", "[::1]:0", "--http", "[::1]:0")
    ready = stopped.base / "ready"
    log = open(stopped.log, "ab")
    stopped.process = subprocess.Popen([BIN, "serve", "--data", str(stopped.data), "--listen", "[::1]:0", "--listen", "127.0.0.1:0", "--http",
                                        "[::1]:0", "--ready-file", str(ready)], stdout=log, stderr=log)
    eventually(lambda: stopped.process.poll() is not None or ready.exists() and ready.read_text().count("\n") == 3)
    assert stopped.process.poll() is None, stopped.log.read_text()
    urls = [urllib.parse.urlsplit(u) for u in ready.read_text().split()]
    assert [(u.scheme, u.hostname) for u in urls] == [("https", "::1"), ("https", "127.0.0.1"), ("http", "::1")]
    context = ssl.create_default_context(cafile=stopped.ca)
    with socket.create_connection(("::1", urls[0].port)) as s, context.wrap_socket(s, server_hostname="::1") as made:
        made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert made.recv(20).startswith(b"HTTP/1.1 ")


def test_an_address_in_use_is_1_and_named(stopped, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--data", stopped.data, "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1 and str(port) in done.stderr, done.stderr


def metric(server, name):
    return int(re.search(rf"^holdfast_{name} (\d+)$", server.admin("GET", "/metrics")[1], re.M)[1])


def welcome(server):
    """Whether another client gets a connection that stays."""
    try:
        with raw.Wire(server, timeout=0.2) as wire:
            return wire.socket.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:  # refused, or reset before anything was said
        return False


def test_it_opens_as_many_files_as_it_may(stopped):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        stopped.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    limits = pathlib.Path(f"/proc/{stopped.process.pid}/limits").read_text()
    assert re.search(r"Max open files +(\d+) +(\d+)", limits).groups() == (str(hard), str(hard))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_request_under_way_end(stopped, number):
    stopped.start()
    body = os.urandom(400_000)
    stopped.client("s3").create_bucket(Bucket="slow")
    with raw.Wire(stopped) as wire:
        sent = raw.request(wire.host, "s3", "PUT", "/slow/k", body=body, who=stopped.root)
        wire.send(sent[:200_000])
        eventually(lambda: metric(stopped, "requests") == 1)
        stopped.process.send_signal(number)
        eventually(lambda: not welcome(stopped))
        assert stopped.process.poll() is None, "it waits for the request"
        assert wire.send(sent[200_000:])
        answer = wire.recv()
    assert answer and answer.status == 200, answer
    assert stopped.process.wait(timeout=PATIENCE_S) == 0, stopped.log.read_text()[-3000:]
    stopped.process = None
    assert not (stopped.data / "admin.sock").exists() and not (stopped.data / "urls").exists()
    stopped.start()
    assert stopped.client("s3").get_object(Bucket="slow", Key="k")["Body"].read() == body


def test_a_request_that_never_ends_does_not_hold_up_the_stop_for_ever(stopped):
    stopped.start()
    stopped.client("s3").create_bucket(Bucket="slow")
    with raw.Wire(stopped) as wire:
        wire.send(raw.request(wire.host, "s3", "PUT", "/slow/k", body=b"x" * 1000, who=stopped.root)[:-500])
        eventually(lambda: metric(stopped, "requests") == 1)
        stopped.process.send_signal(signal.SIGTERM)
        assert stopped.process.wait(timeout=PATIENCE_S) == 0, stopped.log.read_text()[-3000:]
    stopped.process = None


def test_idle_connections_do_not_hold_up_the_stop(stopped):
    """They are cut off at once, while a request under way is still waited for."""
    stopped.start()
    stopped.client("s3").create_bucket(Bucket="slow")
    wires = [raw.Wire(stopped) for _ in range(5)] + [raw.Wire(stopped, tls=True) for _ in range(5)]
    with raw.Wire(stopped) as busy:
        sent = raw.request(busy.host, "s3", "PUT", "/slow/k", body=b"x" * 1000, who=stopped.root)
        busy.send(sent[:-500])
        eventually(lambda: metric(stopped, "requests") == 1)
        stopped.process.send_signal(signal.SIGTERM)
        for wire in wires:
            assert wire.recv() is None
            wire.socket.close()
        busy.send(sent[-500:])
        assert busy.recv().status == 200
    assert stopped.process.wait(timeout=PATIENCE_S) == 0, stopped.log.read_text()[-3000:]
    stopped.process = None


def test_the_admin_socket_is_for_its_owner_and_without_a_clock_unless_asked(stopped):
    stopped.start()
    assert stat.S_IMODE((stopped.data / "admin.sock").stat().st_mode) == 0o600
    assert stopped.admin("GET", "/health")[0] == 200
    metrics = stopped.admin("GET", "/metrics")[1]
    assert re.search(r"^holdfast_requests_total \d+$", metrics, re.M) and metrics.count("# TYPE") == metrics.count("# HELP")
    assert stopped.admin("POST", "/clock?advance=1d")[0] == 403
    assert stopped.admin("GET", "/nothing")[0] == 404


def test_the_test_clock_moves_forward_only(stopped):
    stopped.options = ("--test-clock",)
    stopped.start()
    before = stopped.admin("GET", "/clock")[1]
    assert stopped.admin("POST", "/clock?advance=400d")[0] == 200
    assert stopped.admin("GET", "/clock")[1] > before
    for wrong in ("", "advance=", "advance=-1d", "advance=1y", "advance=d", "advance=99999999999999999999d", "retreat=1d"):
        assert stopped.admin("POST", "/clock?" + wrong)[0] == 400, wrong


def test_a_certificate_that_ends_soon_is_renewed_at_the_start(stopped):
    pem = stopped.data / "tls" / "server.pem"
    stopped.start()
    assert stopped.stop() == 0
    kept = pem.read_bytes()
    stopped.start()
    assert stopped.stop() == 0
    assert pem.read_bytes() == kept, "a good one stays"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-out", str(pem), "-subj", "/CN=old", "-days",
                    "10"], check=True, capture_output=True)
    stopped.start()
    assert pem.read_bytes() != kept and b"CERT" in pem.read_bytes()
    assert stopped.client("sts").get_caller_identity()["Account"] == stopped.account, "clients that trust the CA need nothing new"


# ---- env and aws --------------------------------------------------------------------------------

def test_env_is_for_a_shell_to_read(stopped):
    done = run("env", "--data", stopped.data)
    assert done.returncode == 1 and "serving" in done.stderr and not done.stdout
    stopped.start()
    script = f'set -eu; eval "$({BIN} env --data {stopped.data})"; env'
    seen = subprocess.run(["sh", "-c", script], env={**DEBIAN, "AWS_SESSION_TOKEN": "stale"}, text=True, capture_output=True)
    assert seen.returncode == 0, seen.stderr
    values = dict(line.split("=", 1) for line in seen.stdout.splitlines() if "=" in line)
    assert values["AWS_ENDPOINT_URL"] == stopped.url and values["AWS_DEFAULT_REGION"] == "us-east-1"
    assert pathlib.Path(values["AWS_CA_BUNDLE"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert (values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]) == stopped.root and "AWS_SESSION_TOKEN" not in values
    relative = subprocess.run(["sh", "-c", f'eval "$({BIN} env --data data)"; echo "$AWS_CA_BUNDLE"'], cwd=stopped.base, env=DEBIAN, text=True,
                              capture_output=True)
    assert relative.stdout.startswith("/"), "good in every working directory"
    assert run("env", "--data", stopped.data, "--account", "999988887777").returncode == 1


def test_holdfast_aws_runs_debians_aws(stopped):
    if not pathlib.Path("/usr/bin/aws").exists():
        pytest.skip("Debian's awscli is not installed")
    stopped.start()

    def aws(*args, **env):
        return run("aws", "--data", stopped.data, *args, env={**DEBIAN, "HOME": str(stopped.base), **env})
    done = aws("sts", "get-caller-identity", "--query", "Arn", "--output", "text")
    assert done.returncode == 0 and done.stdout.strip() == f"arn:aws:iam::{stopped.account}:root", done.stderr
    body = stopped.base / "a file"
    body.write_bytes(os.urandom(9_000_000))
    assert aws("s3", "mb", "s3://cli").returncode == 0
    assert aws("s3", "cp", "--quiet", str(body), "s3://cli/a file").returncode == 0
    assert aws("s3", "cp", "--quiet", "s3://cli/a file", str(stopped.base / "back")).returncode == 0
    assert (stopped.base / "back").read_bytes() == body.read_bytes()
    assert aws("iam", "get-user", "--user-name", "nobody").returncode == 254, "aws's own exit status comes through"
    user = stopped.user()
    done = aws("s3", "ls", AWS_ACCESS_KEY_ID=user["AccessKeyId"], AWS_SECRET_ACCESS_KEY=user["SecretAccessKey"])
    assert done.returncode == 254 and "AccessDenied" in done.stderr, "credentials that are in the environment are used"
    viaenv = run("aws", "sts", "get-caller-identity", env={**DEBIAN, "HOLDFAST_DATA": str(stopped.data)})
    assert viaenv.returncode == 0, viaenv.stderr
    elsewhere = subprocess.run(["/usr/bin/aws", "--endpoint-url", "http://127.0.0.1:9", "sts", "get-caller-identity"], text=True,
                               capture_output=True, env={**DEBIAN, **stopped.env, "HOME": str(stopped.base), "AWS_MAX_ATTEMPTS": "1"})
    assert 'connect to the endpoint URL: "http://127.0.0.1:9/"' in elsewhere.stderr, "who names an endpoint means it"
    none = run("aws", "--data", stopped.data, "s3", "ls", env={**DEBIAN, "PATH": str(stopped.base)})
    assert none.returncode == 127 and "aws" in none.stderr


# ---- accounts -----------------------------------------------------------------------------------

def identity(server, credentials):
    return server.client("sts", credentials).get_caller_identity()["Arn"]


def test_accounts_are_made_while_serving_and_while_not(stopped):
    one = stopped.new_account("222233334444")
    done = run("account", "create", "--data", stopped.data, "--account", "222233334444")
    assert done.returncode == 1 and "exists" in done.stderr
    stopped.start()
    two = stopped.new_account("333344445555")
    done = run("account", "create", "--data", stopped.data, "--account", "333344445555")
    assert done.returncode == 1 and "exists" in done.stderr
    assert identity(stopped, one) == "arn:aws:iam::222233334444:root"
    assert identity(stopped, two) == "arn:aws:iam::333344445555:root"
    listed = run("account", "list", "--data", stopped.data)
    assert listed.returncode == 0 and [line.split()[0] for line in listed.stdout.splitlines()] == [stopped.account, "222233334444", "333344445555"]
    assert not any(c["SecretAccessKey"] in listed.stdout for c in (one, two)), "secrets are shown once"
    stopped.kill()
    stopped.start()
    assert identity(stopped, two) == "arn:aws:iam::333344445555:root"
    env = run("env", "--data", stopped.data, "--account", "333344445555").stdout
    assert two["SecretAccessKey"] in env
    stopped.client("s3").create_bucket(Bucket="mine")
    with pytest.raises(Exception, match="AccessDenied"):
        stopped.client("s3", two).list_objects_v2(Bucket="mine")


def test_two_accounts_at_once_are_both_there(stopped):
    stopped.start()
    made = {}

    def make(account):
        made[account] = stopped.new_account(account)
    wanted = [f"44445555{i:04}" for i in range(6)]
    threads = [threading.Thread(target=make, args=(a,)) for a in wanted]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    listed = run("account", "list", "--data", stopped.data).stdout
    for account in wanted:
        assert identity(stopped, made[account]) == f"arn:aws:iam::{account}:root"
        assert account in listed, "its credentials were kept"


# ---- doctor -------------------------------------------------------------------------------------

def test_doctor_finds_a_good_directory_good_and_says_what_is_not(stopped):
    watched = b"__asan_init" in pathlib.Path(BIN).read_bytes()  # the leak checker needs a process that can be traced

    def seen(expect):
        done = run("doctor", "--data", stopped.data)
        text = done.stdout
        if watched:
            text = re.sub(r"^FAIL  no memory dumps.*\n", "", text, flags=re.M)
        assert done.returncode == (1 if watched else expect) and ("FAIL" in text) == expect, done.stdout + done.stderr
        return text
    assert "FAIL" not in seen(0)
    stopped.start()
    assert stopped.url in seen(0)
    stopped.kill()
    assert "being served" not in seen(0), "what a kill left behind is nobody serving"
    key = stopped.base / "data.rootkey"
    key.chmod(0o644)
    assert re.search(r"FAIL +root key ", seen(1))
    key.chmod(0o600)
    key.rename(stopped.base / "elsewhere")
    assert re.search(r"FAIL +root key ", seen(1)) and "FAIL" in seen(1)
    (stopped.base / "elsewhere").rename(key)
    (stopped.data / "tls" / "server.pem").write_text("nonsense")
    assert re.search(r"FAIL +server certificate", seen(1))
