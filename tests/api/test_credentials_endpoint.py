"""Roles of running programs: stock boto3 finds credentials by itself, in a container's form and in an instance's."""
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.parse
import uuid

import pytest

from conftest import PATIENCE_S, Server, allow, policy, running

ACCOUNT = "111122223333"

# A program that knows nothing but its environment.
PROGRAM = """
import boto3, json, sys
session = boto3.Session(region_name="us-east-1")
who = session.client("sts", endpoint_url=sys.argv[1], verify=sys.argv[2]).get_caller_identity()
c = session.get_credentials()
print(json.dumps({"arn": who["Arn"], "method": c.method, "key": c.access_key}))
"""


def running_server():
    with running("--test-clock", "--credentials", "127.0.0.1:0") as made:
        yield made


machine = pytest.fixture(running_server, scope="module")  # a server with the endpoint
later = pytest.fixture(running_server)  # one whose clock may be moved


def make_role(server, principal, **more):
    return server.make_role({"Service": principal}, **more)


def workload(server, *args, check=True):
    return server.holdfast("workload", *args, "--data", server.data, check=check)


def add(server, role, *more):
    name = "w-" + uuid.uuid4().hex[:8]
    out = workload(server, "add", name, "--role", role, *more).stdout
    return name, dict(re.findall(r"export (\w+)='([^']*)'", out))


def run(server, env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_") and k != "ASAN_OPTIONS"}
    done = subprocess.run([sys.executable, "-c", PROGRAM, server.url, server.ca], text=True, capture_output=True,
                          env={**clean, "HOME": str(server.base), **env})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask(url, method="GET", path=None, **headers):
    at = urllib.parse.urlsplit(url)
    to = http.client.HTTPConnection(at.hostname, at.port, timeout=PATIENCE_S)
    to.request(method, path or at.path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = to.getresponse()
    return answer.status, answer.read().decode()


def trail(server, name, **want):
    found = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]
    return [json.loads(e["CloudTrailEvent"]) for e in found]


def test_a_container_finds_its_credentials(machine):
    role = make_role(machine, "ecs-tasks.amazonaws.com")
    name, env = add(machine, role)
    got = run(machine, env)
    assert got["method"] == "container-role" and got["key"].startswith("ASIA")
    task = re.fullmatch(rf"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/')[-1]}/([0-9a-f]{{32}})", got["arn"]).group(1)
    status, body = ask(env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], Authorization=env["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
    made = json.loads(body)
    assert status == 200 and set(made) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert made["RoleArn"] == role and made["AccessKeyId"] == got["key"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["Expiration"])

    event = next(e for e in trail(machine, "AssumeRole") if e["requestParameters"]["roleArn"] == role)
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "ecs-tasks.amazonaws.com"}
    assert event["sourceIPAddress"] == event["userAgent"] == "ecs-tasks.amazonaws.com"
    assert event["requestParameters"]["roleSessionName"] == task
    assert event["responseElements"]["credentials"]["accessKeyId"] == got["key"]
    assert made["SecretAccessKey"] not in json.dumps(event)
    lines = workload(machine, "list").stdout.splitlines()
    assert f"{name} container {role} {task} {env['AWS_CONTAINER_CREDENTIALS_FULL_URI']}" in lines


def test_an_instance_finds_its_credentials(machine):
    role = make_role(machine, "ec2.amazonaws.com")
    name, env = add(machine, role, "--imds")
    got = run(machine, env)
    assert got["method"] == "iam-role"
    assert re.fullmatch(rf"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/')[-1]}/i-[0-9a-f]{{17}}", got["arn"])
    event = next(e for e in trail(machine, "AssumeRole") if e["requestParameters"]["roleArn"] == role)
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}

    url = env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
    base = "/latest/meta-data/iam/security-credentials/"
    assert ask(url, path=base)[0] == 401  # no IMDSv1
    assert ask(url, "PUT", "/latest/api/token")[0] == 400
    assert ask(url, "PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="21601")[0] == 400
    assert ask(url, "PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="60", X_Forwarded_For="10.0.0.1")[0] == 403
    assert ask(url, "PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="60", Host="evil.example")[0] == 403
    status, token = ask(url, "PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="60")
    assert status == 200
    assert ask(url, path=base, X_aws_ec2_metadata_token=token) == (200, role.rsplit("/")[-1])
    made = json.loads(ask(url, path=base + role.rsplit("/")[-1], X_aws_ec2_metadata_token=token)[1])
    assert set(made) == {"Code", "LastUpdated", "Type", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert (made["Code"], made["Type"], made["AccessKeyId"]) == ("Success", "AWS-HMAC", got["key"])
    machine.advance("61s")
    assert ask(url, path=base, X_aws_ec2_metadata_token=token)[0] == 401


def test_the_token_and_the_name_belong_together(machine):
    role = make_role(machine, "ecs-tasks.amazonaws.com")
    (_, one), (_, two) = add(machine, role), add(machine, role)
    url, token = one["AWS_CONTAINER_CREDENTIALS_FULL_URI"], one["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    assert ask(url, Authorization=token)[0] == 200
    absent = ask(url.rsplit("/", 1)[0] + "/none", Authorization=token)
    for wrong in ({}, {"Authorization": two["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}, {"Authorization": token[:-1]},
                  {"Authorization": "Bearer " + token}, {"Authorization": token + "x" * 4000}):
        assert ask(url, **wrong) == absent and absent[0] == 401
    for bad in ({"Host": "evil.example"}, {"X_Forwarded_For": "127.0.0.1"}, {"Origin": "http://127.0.0.1"}):
        assert ask(url, Authorization=token, **bad)[0] == 403
    assert ask(url, "POST", Authorization=token)[0] == 405
    assert ask(url, "OPTIONS", Origin="http://evil.example")[0] == 403
    assert token not in (machine.data / "config").read_text() + machine.log.read_text()


def test_what_is_taken_away_is_gone_at_once(machine):
    role = make_role(machine, "ecs-tasks.amazonaws.com")
    iam, name = machine.client("iam"), role.rsplit("/")[-1]
    workload_name, env = add(machine, role)
    url, token = env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], {"Authorization": env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
    first = ask(url, **token)
    assert first[0] == 200 and ask(url, **token) == first
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy(
        allow("sts:AssumeRole", None, Principal={"Service": "ec2.amazonaws.com"})))
    status, body = ask(url, **token)
    assert status == 403 and "ecs-tasks.amazonaws.com is not authorized to perform: sts:AssumeRole" in json.loads(body)["Message"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy(
        allow("sts:AssumeRole", None, Principal={"Service": "ecs-tasks.amazonaws.com"},
              Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})))
    assert ask(url, **token)[0] == 200
    workload(machine, "remove", workload_name)
    assert ask(url, **token)[0] == 401
    assert workload_name not in workload(machine, "list").stdout

    role = make_role(machine, "ec2.amazonaws.com")
    instance, env = add(machine, role, "--imds")
    url = env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
    assert ask(url, "PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="60")[0] == 200
    workload(machine, "remove", instance)
    with pytest.raises(OSError):
        ask(url, "PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="60")


def test_credentials_are_renewed_well_before_they_end(later):
    role = make_role(later, "ecs-tasks.amazonaws.com")
    _, env = add(later, role)
    url, token = env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], {"Authorization": env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]}
    first = json.loads(ask(url, **token)[1])
    later.advance("5h")
    assert json.loads(ask(url, **token)[1]) == first
    later.advance("31m")
    assert json.loads(ask(url, **token)[1])["AccessKeyId"] != first["AccessKeyId"]


def test_workloads_come_back_after_a_restart(machine):
    role = make_role(machine, "ec2.amazonaws.com")
    name, env = add(machine, role, "--imds")
    assert machine.stop() == 0
    machine.start()
    assert f" {env['AWS_EC2_METADATA_SERVICE_ENDPOINT']}\n" in workload(machine, "list").stdout
    assert ask(env["AWS_EC2_METADATA_SERVICE_ENDPOINT"], "PUT", "/latest/api/token",
               X_aws_ec2_metadata_token_ttl_seconds="60")[0] == 200


def test_a_port_that_is_taken_keeps_nothing_else_from_starting(later):
    role = make_role(later, "ec2.amazonaws.com")
    name, env = add(later, role, "--imds")
    port = urllib.parse.urlsplit(env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]).port
    with socket.socket() as taken:
        assert later.stop() == 0
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        later.start()
        assert '"a workload\'s port cannot be listened at"' in later.log.read_text()
        assert "that port cannot be listened at" in workload(
            later, "add", "x", "--role", role, "--imds", "--port", str(port), check=False).stderr
    later.client("sts").get_caller_identity()
    workload(later, "remove", name)
    _, env = add(later, role, "--imds", "--port", str(port))
    assert env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == f"http://127.0.0.1:{port}/"


def test_the_command_says_what_is_wrong(machine, server):
    role = make_role(machine, "ec2.amazonaws.com")
    name, _ = add(machine, role)

    def fails(*args, on=machine):
        done = workload(on, *args, check=False)
        assert done.returncode != 0 and not done.stdout
        return done.stderr

    assert "there is a workload of that name" in fails("add", name, "--role", role)
    assert "there is none of that name" in fails("add", "x", "--role", role + "x")
    assert "name takes" in fails("add", "a/b", "--role", role)
    assert "name takes" in fails("add", "x", "--role", f"arn:aws:iam::{ACCOUNT}:user/x")
    assert "--port goes with --imds" in fails("add", "x", "--role", role, "--port", "1")
    assert "form is instance" in fails("add", "x", "--role", role, "--imds", "--port", "70000")
    assert "there is none of that name" in fails("remove", "absent")
    assert "needs --role" in fails("add", "x")
    assert "--credentials" in fails("add", "x", "--role", role, on=server)
    with tempfile.TemporaryDirectory() as empty:
        done = machine.holdfast("workload", "list", "--data", empty, check=False)
        assert done.returncode == 1 and "nobody serves" in done.stderr


def test_it_listens_on_loopback_only():
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        here = Server(base)
        done = here.holdfast("serve", "--data", here.data, "--listen", "127.0.0.1:0", "--credentials", "0.0.0.0:0", check=False)
        assert done.returncode == 1 and "loopback only" in done.stderr
        (here.data / "config").open("a").write("credentials = 127.0.0.1:0\n")
        here.start()
        assert here.holdfast("workload", "list", "--data", here.data).stdout == ""
        assert here.stop() == 0
