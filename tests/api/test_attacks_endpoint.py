"""The credentials endpoint, asked by those who are not the program: a page in a browser, a proxy, a neighbour, a guesser."""
import socket
import urllib.parse

import pytest

from conftest import ACCOUNT, PATIENCE_S, allow, policy
from test_credentials_endpoint import add, ask, machine, make_role, workload  # noqa: F401

HOSTS = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "evil.example@127.0.0.1", "127.0.0.1", "localhost:1", "127.1", "0x7f.0.0.1",
         "2130706433", "017700000001", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "169.254.169.254", "localhost.", "localhost%00", "[::1", "::1", "", ":", "127.0.0.1:", "LOCALHOST:99999999",
         "127.0.0.1:+1", "127.0.0.1 ", "127.0.0.1, evil.example"]


def send(url, lines, path=None, method="GET"):
    at = urllib.parse.urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout=PATIENCE_S) as s:
        s.sendall("\r\n".join([f"{method} {path or at.path} HTTP/1.1", *lines, "Connection: close", "", ""]).encode("latin-1"))
        reply = b""
        while piece := s.recv(65536):
            reply += piece
    return int(reply.split()[1]) if reply else 0, reply


@pytest.fixture(scope="module")
def container(machine):  # noqa: F811
    _, env = add(machine, make_role(machine, "ecs-tasks.amazonaws.com"))
    return env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]


@pytest.fixture(scope="module")
def instance(machine):  # noqa: F811
    _, env = add(machine, make_role(machine, "ec2.amazonaws.com"), "--imds")
    return env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_that_was_made_to_point_here(container, instance, host):
    url, token = container
    for at, lines, method, path in ((url, [f"Authorization: {token}"], "GET", None),
                                    (instance, ["X-aws-ec2-metadata-token-ttl-seconds: 60", "Content-Length: 0"], "PUT", "/latest/api/token")):
        given = f"{host}:{urllib.parse.urlsplit(at).port}" if host in HOSTS[:5] else host
        status, reply = send(at, [f"Host: {given}", *lines], path, method)
        assert status in (400, 403), (host, reply)
        assert b"SecretAccessKey" not in reply and len(reply) < 600


@pytest.mark.parametrize("line", ["X-Forwarded-For: 127.0.0.1", "x-forwarded-for:", "Origin: null", "Origin: http://127.0.0.1", "Host: localhost", "Transfer-Encoding: chunked\r\nContent-Length: 0"])
def test_a_request_that_came_through_somebody(container, line):
    url, token = container
    status, reply = send(url, [f"Host: {urllib.parse.urlsplit(url).netloc}", f"Authorization: {token}", line])
    assert status in (400, 403) and b"SecretAccessKey" not in reply, reply


def test_guessing(machine, container, instance):  # noqa: F811
    url, token = container
    name = url.rsplit("/", 1)[1]
    guesses = [token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1:] for i in range(len(token))] + [
        "", " ", token.lower(), token.upper(), token + " x", token[:-1], "Bearer " + token, "Basic " + token, "null", "A" * len(token)]
    refused = {ask(url, Authorization=g) for g in guesses if g.strip() != token}
    assert len(refused) == 1 and next(iter(refused))[0] == 401
    base = url.rsplit("/", 1)[0] + "/"
    for path in (name.upper(), name + "/", "/" + name, "../credentials/" + name, "%2e%2e/" + name, name + "%00", name + "?x", "%" + f"{ord(name[0]):02x}" + name[1:], "", "*", "x" * 5000):
        status, body = ask(url, path=urllib.parse.urlsplit(base).path + path, Authorization=token)
        assert status in (400, 401, 404, 414, 431) and "SecretAccessKey" not in body, path
    assert ask(url, Authorization=token)[0] == 200
    # an instance's token is its own, and made here
    _, env = add(machine, make_role(machine, "ec2.amazonaws.com"), "--imds")
    other = env["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
    mine, theirs = (ask(at, "PUT", "/latest/api/token", X_aws_ec2_metadata_token_ttl_seconds="60")[1] for at in (instance, other))
    path = "/latest/meta-data/iam/security-credentials/"
    assert ask(instance, path=path, X_aws_ec2_metadata_token=mine)[0] == 200
    for wrong in (theirs, mine[:-1], mine + "A", mine[:5] + ("A" if mine[5] != "A" else "B") + mine[6:], mine.swapcase(), "", token):
        for at in (path, "/latest/meta-data/", "/nothing/"):
            assert ask(instance, path=at, X_aws_ec2_metadata_token=wrong)[0] == 401
    for ttl in ("0", "-1", "+60", "60.0", "1e3", "21601", "99999999999999999999", "", "６０", "0x10", "60 60"):
        assert send(instance, [f"Host: {urllib.parse.urlsplit(instance).netloc}", "Content-Length: 0", "X-aws-ec2-metadata-token-ttl-seconds: " + ttl.encode().decode("latin-1")],
                    "/latest/api/token", "PUT")[0] == 400
    # and neither form opens the other
    assert ask(instance, path=urllib.parse.urlsplit(url).path, Authorization=token)[0] == 401
    assert ask(url, path=path, X_aws_ec2_metadata_token=mine)[0] in (401, 404)


def test_a_service_says_that_it_is_one(machine):  # noqa: F811
    """The keys a role's trust can tell a service of ours from a person by; nobody else has them."""
    iam = machine.client("iam")
    both = {"Service": "ecs-tasks.amazonaws.com", "AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    person = machine.client("sts", machine.user(allow("sts:AssumeRole")))
    for condition, service, human in (
            ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, True, False), ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, False, True),
            ({"StringEquals": {"aws:PrincipalServiceName": "ecs-tasks.amazonaws.com"}}, True, False),
            ({"ForAnyValue:StringEquals": {"aws:PrincipalServiceNamesList": "ecs-tasks.amazonaws.com"}}, True, False),
            ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True, False), ({"StringEquals": {"aws:SourceAccount": "444455556666"}}, False, False),
            ({"Null": {"aws:SourceAccount": "true"}}, False, True), ({"Bool": {"aws:ViaAWSService": "false"}}, True, True),
            ({"Null": {"aws:SourceIp": "false"}}, False, True), ({"Null": {"aws:username": "false"}}, False, True),
            ({"Null": {"aws:MultiFactorAuthPresent": "false"}}, False, False), ({"Null": {"aws:PrincipalArn": "false"}}, False, True)):
        role = make_role(machine, "ecs-tasks.amazonaws.com")
        iam.update_assume_role_policy(RoleName=role.rsplit("/")[-1], PolicyDocument=policy(allow("sts:AssumeRole", None, Principal=both, Condition=condition)))
        name, env = add(machine, role)
        got = ask(env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], Authorization=env["AWS_CONTAINER_AUTHORIZATION_TOKEN"])[0]
        assert got == (200 if service else 403), (condition, got)
        try:
            person.assume_role(RoleArn=role, RoleSessionName="night")
            let_in = True
        except person.exceptions.ClientError:
            let_in = False
        assert let_in == human, condition
        workload(machine, "remove", name)
