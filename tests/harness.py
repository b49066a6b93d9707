"""Servers for tests, and clients for them. HOLDFAST_BIN names the binary. Fixtures:

  server   one running server for the whole session (account 111122223333)
  fresh    a server for one test alone: may be stopped, killed, restarted, given a moved clock
  iam      root's client of IAM

How fast the machine is decides nothing: what takes its time is waited for with eventually(), and only what hangs runs out of patience.
"""
import atexit
import contextlib
import datetime
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
import uuid

import boto3
import botocore
import botocore.config
import botocore.exceptions
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = os.environ.get("HOLDFAST_BIN", str(ROOT / "build" / "src" / "cli" / "holdfast"))
ACCOUNT = "111122223333"
PATIENCE_S = 120
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)  # we open a thousand connections
for name in [n for n in os.environ if n.startswith("AWS_") or n == "HOLDFAST_DATA"]:
    del os.environ[name]  # whoever runs the tests may have pointed his tools at a server of his own


class Server:
    pass_fds = ()  # more open files that the server is started with

    def __init__(self, base, *options, account=ACCOUNT, domain="s3.test"):
        self.base = pathlib.Path(base)
        self.data = self.base / "data"
        self.options = options
        self.account = account
        self.process = None
        self.log = self.base / "server.log"
        self.holdfast("init", "--data", self.data, "--account", account, *(["--domain", domain] if domain else []))
        self.ca = str(self.data / "tls" / "ca.pem")

    def holdfast(self, *args, check=True, **kw):
        return subprocess.run([BIN, *map(str, args)], check=check, text=True, capture_output=True, **kw)

    def start(self):
        ready = self.base / "ready"
        ready.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BIN, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
                 "--ready-file", str(ready), *self.options], stdout=log, stderr=log, pass_fds=self.pass_fds)
        atexit.register(lambda process=self.process: process.poll() is None and process.kill())  # a failed test leaves none behind
        deadline = time.monotonic() + PATIENCE_S
        while not (ready.exists() and ready.read_text().count("\n") >= 2):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the server did not start:\n" + self.log.read_text()[-4000:])
            time.sleep(0.01)
        self.url, self.http_url = ready.read_text().split()
        env = self.holdfast("env", "--data", self.data).stdout
        self.env = dict(re.findall(r"export (\w+)='([^']*)'", env))
        self.root = (self.env["AWS_ACCESS_KEY_ID"], self.env["AWS_SECRET_ACCESS_KEY"])
        return self

    def stop(self):
        """SIGTERM; the exit status. Sanitizers make it non-zero when something leaked or was overrun."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE_S)
        self.process = None
        if "does not declare" in self.log.read_text():
            return 99  # a fault was answered that the model does not list
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def client(self, service, key=None, secret=None, token=None, *, plain=False, region="us-east-1", **config):
        """A boto3 client; root's credentials unless others are given (credentials dict of STS works too)."""
        if isinstance(key, dict):
            key, secret, token = key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken")
        config.setdefault("retries", {"max_attempts": 0})
        config.setdefault("read_timeout", PATIENCE_S)
        return boto3.client(
            service, region_name=region, endpoint_url=self.http_url if plain else self.url,
            verify=None if plain else self.ca, aws_access_key_id=key or self.root[0],
            aws_secret_access_key=secret or self.root[1], aws_session_token=token,
            config=botocore.config.Config(**config))

    def user(self, *statements, name=None):
        """A new IAM user with one inline policy of those statements; its credentials."""
        iam = self.client("iam")
        name = name or fresh_name("u")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AccessKeyId": made["AccessKeyId"], "SecretAccessKey": made["SecretAccessKey"], "UserName": name}

    def unsigned(self, service):
        """A client without credentials, which lets anything pass."""
        return self.client(service, signature_version=botocore.UNSIGNED, parameter_validation=False)

    def make_role(self, principal, *statements, actions="sts:AssumeRole", condition=None, name=None, **more):
        """A new role that trusts the principal, with one inline policy of those statements; its ARN."""
        iam = self.client("iam")
        name = name or fresh_name("r")
        given = {"Condition": condition} if condition else {}
        trust = policy(allow(actions, None, Principal=principal, **given))
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
        return arn

    def role(self, *statements, name=None, by=None, **more):
        """A new role and a session of it; the session's credentials."""
        name = name or fresh_name("r")
        arn = self.make_role({"AWS": f"arn:aws:iam::{self.account}:root"}, *statements, name=name, **more)
        by = by or self.user(allow("sts:AssumeRole", "*"))
        made = self.client("sts", by).assume_role(RoleArn=arn, RoleSessionName="session")
        return {**made["Credentials"], "RoleName": name, "RoleArn": arn}

    def admin(self, method, path):
        """A request to the admin socket; (status, body)."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.data / "admin.sock"))
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            reply = b""
            while piece := s.recv(65536):
                reply += piece
        head, _, body = reply.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def advance(self, text):
        status, body = self.admin("POST", f"/clock?advance={text}")
        assert status == 200, body
        return json.loads(body)["now"]

    def new_account(self, account):
        """Another account; its root's credentials."""
        out = self.holdfast("account", "create", "--data", self.data, "--account", account).stdout.split()
        return {"AccessKeyId": out[1], "SecretAccessKey": out[2]}


def eventually(ask, seconds=PATIENCE_S):
    """What `ask` answers, asked until that is something."""
    end = time.monotonic() + seconds
    while not (got := ask()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)
    return got


def dead(pid):
    """Gone, or waiting for whoever inherited it to say so."""
    try:
        return "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def family(pid):
    kids = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():  # children are of the thread that made them
            kids += (task / "children").read_text().split()
    return [pid] + [p for kid in kids for p in family(int(kid))]


def named(server, name):
    for pid in family(server.process.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == name:
                return pid
    return None


def statement(effect, action, resource, **more):
    made = {"Effect": effect, "Action": action, **more}
    if resource is not None:
        made["Resource"] = resource
    return made


def allow(action, resource="*", **more):
    return statement("Allow", action, resource, **more)


def deny(action, resource="*", **more):
    return statement("Deny", action, resource, **more)


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def code(error):
    """(code, HTTP status) of a botocore ClientError (or of pytest's ExceptionInfo)."""
    response = getattr(error, "value", error).response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def message(error):
    return getattr(error, "value", error).response["Error"]["Message"]


def refused(want, status, call, *args, **params):
    """The message of the refusal that the call is answered with."""
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(*args, **params)
    assert code(e) == (want, status), message(e)
    return message(e)


def events(client, want, name):
    """CloudTrail's records of the resource of that name, newest first, which are `want` at least. What was answered is there:
    LookupEvents sees to it."""
    found = client.lookup_events(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": name}])["Events"]
    assert len(found) >= want, found
    return [json.loads(e["CloudTrailEvent"]) for e in found]


def move_clocks(server, monkeypatch, days):
    """The server's, and with it the one that botocore signs requests by."""
    class Moved(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.utcnow() + datetime.timedelta(days=days)
    server.advance(f"{days}d")
    for signer in ("botocore.auth", "botocore.crt.auth"):
        if signer in sys.modules:
            monkeypatch.setattr(sys.modules[signer], "datetime",
                                types.SimpleNamespace(datetime=Moved, timezone=datetime.timezone))


def fresh_name(kind="n"):
    return f"{kind}-{uuid.uuid4().hex[:12]}"


@contextlib.contextmanager
def running(*options, **more):
    """A server in a directory of its own, and that it stops without a complaint; it may have been stopped before."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        made = Server(base, *options, **more).start()
        yield made
        if made.process is not None:
            status = made.stop()
            assert status == 0, made.log.read_text()[-4000:]


@pytest.fixture(scope="session")
def server():
    with running() as made:
        yield made


@pytest.fixture
def fresh():
    with running("--test-clock") as made:
        yield made


@pytest.fixture
def iam(server):
    return server.client("iam")


@pytest.fixture(scope="module")
def kms(server):
    return server.client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]
