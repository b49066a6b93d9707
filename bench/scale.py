"""An account of 10,000 roles and 10,000 policies, made through the API: what a request costs when everybody asks in
turn, when ten do, and while somebody changes IAM all the time; and what memory it takes.
"""
import concurrent.futures
import http.client
import json
import re
import threading
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

ACCOUNT, REGION = "111122223333", "us-east-1"
ROLES, THREADS = 10_000, 12
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}})


def policy(i):
    """What a role of an application has: three statements, some 700 bytes."""
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "Random", "Effect": "Allow", "Action": ["kms:GenerateRandom", "kms:DescribeKey"], "Resource": "*"},
        {"Sid": "Objects", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
         "Resource": [f"arn:aws:s3:::application-{i}", f"arn:aws:s3:::application-{i}/${{aws:PrincipalTag/team}}/*"],
         "Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}, "Bool": {"aws:SecureTransport": "true"}}},
        {"Sid": "NotTheLogs", "Effect": "Deny", "Action": "s3:*", "Resource": f"arn:aws:s3:::application-{i}/logs/*",
         "Condition": {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/auditor-*"}}}]})


def signed(port, credentials, service, body, headers):
    request = botocore.awsrequest.AWSRequest(method="POST", url=f"http://127.0.0.1:{port}/", data=body, headers=dict(headers))
    botocore.auth.SigV4Auth(credentials, service, REGION).add_auth(request)
    return {"method": "POST", "path": "/", "headers": {**dict(request.headers.items()), "Host": f"127.0.0.1:{port}"}, "body": body}


def query(port, credentials, service, action, **values):
    version = "2010-05-08" if service == "iam" else "2011-06-15"
    return signed(port, credentials, service, urllib.parse.urlencode({"Action": action, "Version": version, **values}), FORM)


def random_bytes(port, credentials):
    return signed(port, credentials, "kms", json.dumps({"NumberOfBytes": 16}),
                  {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.GenerateRandom"})


class Client:
    """One connection; a request must be answered with 200."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def send(self, q):
        self.connection.request(q["method"], q["path"], q["body"], q["headers"])
        answer = self.connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text


def each(n, port, work):
    """work(client, i) for all i < n, on THREADS connections; the results in order."""
    results = [None] * n

    def part(k):
        client = Client(port)
        for i in range(k, n, THREADS):
            results[i] = work(client, i)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(part, range(THREADS)))
    return results


def fill(port, root, n=ROLES):
    def make(client, i):
        client.send(query(port, root, "iam", "CreatePolicy", PolicyName=f"policy-{i}", PolicyDocument=policy(i)))
        client.send(query(port, root, "iam", "CreateRole", RoleName=f"role-{i}", AssumeRolePolicyDocument=TRUST))
        client.send(query(port, root, "iam", "AttachRolePolicy", RoleName=f"role-{i}",
                          PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/policy-{i}"))
    each(n, port, make)


def may_assume(port, root):
    """A user who may assume all of them: root cannot."""
    client = Client(port)
    client.send(query(port, root, "iam", "CreateUser", UserName="front"))
    client.send(query(port, root, "iam", "PutUserPolicy", UserName="front", PolicyName="all", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}})))
    text = client.send(query(port, root, "iam", "CreateAccessKey", UserName="front"))
    return botocore.credentials.Credentials(re.search("<AccessKeyId>(.*?)<", text)[1], re.search("<SecretAccessKey>(.*?)<", text)[1])


def sessions(port, user, n=ROLES):
    def assume(client, i):
        text = client.send(query(port, user, "sts", "AssumeRole", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/role-{i}", RoleSessionName="app"))
        part = [re.search(f"<{name}>(.*?)<", text)[1] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
        return botocore.credentials.Credentials(*part)
    return each(n, port, assume)


class Changes:
    """Somebody who changes a role's policies, so many times a second, while something else is measured."""

    def __init__(self, port, root, rate):
        self.stop, self.n = threading.Event(), 0
        self.thread = threading.Thread(target=self.run, args=(port, root, rate))
        self.thread.start()

    def run(self, port, root, rate):
        client, began = Client(port), time.monotonic()
        while not self.stop.is_set():
            document = policy(self.n)
            client.send(query(port, root, "iam", "PutRolePolicy", RoleName=f"role-{self.n * 7919 % ROLES}", PolicyName="more",
                              PolicyDocument=document))
            self.n += 1
            self.stop.wait(max(0, began + self.n / rate - time.monotonic()))

    def end(self):
        self.stop.set()
        self.thread.join()


def figures(holdfast, root, seconds, drive, memory_mib, show):
    """drive(server, requests, seconds) -> figure; show(what, figure, note)."""
    port, empty = holdfast.port, memory_mib(holdfast.process.pid)
    began = time.monotonic()
    fill(port, root)
    made = time.monotonic() - began
    asked = [random_bytes(port, c) for c in sessions(port, may_assume(port, root))]
    drive(holdfast, asked[:10], 1)
    few = drive(holdfast, asked[:10], seconds)
    show("GenerateRandom, 10 roles in turn", few, f"account of {ROLES:,} roles and policies, filled in {made:.0f} s")
    drive(holdfast, asked, seconds)  # every thread meets every role
    many = drive(holdfast, asked, seconds)
    memory = memory_mib(holdfast.process.pid)
    show(f"GenerateRandom, {ROLES:,} roles in turn", many,
         f"{many.cpu_us / few.cpu_us:.2f} times the CPU of 10 roles; {memory:.0f} MiB resident (<= 200), {empty:.0f} before")
    for rate in (10, 100):
        changes = Changes(port, root, rate)
        f = drive(holdfast, asked, seconds)
        changes.end()
        show(f"the same while IAM is changed {rate} times a second", f, f"{f.cpu_us / few.cpu_us:.2f} times the CPU of 10 roles")
