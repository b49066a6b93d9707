"""holdfast explain, policy generate and policy unused, asked of a running server about its own data."""
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, deny, policy


def holdfast(server, *args):
    return server.holdfast(*args, "--data", server.data, check=False)


@pytest.fixture
def bucket(server):
    name = "explain-" + uuid.uuid4().hex[:12]
    server.client("s3").create_bucket(Bucket=name)
    return name


def event_of(server, name, access_key):
    found = server.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "AccessKeyId", "AttributeValue": access_key}])
    return next(event["EventId"] for event in found["Events"] if event["EventName"] == name)


def test_explain_tells_what_the_server_decides(server, bucket):
    me = server.role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/a/*", Sid="ReadA"))
    arn = f"arn:aws:s3:::{bucket}/b/x"
    done = holdfast(server, "explain", "--principal", me["RoleArn"], "--action", "s3:GetObject", "--resource", arn)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"s3:GetObject on {arn}\nDENIED  User: " in done.stdout and "because no identity-based policy allows" in done.stdout
    assert f"p (inline, of the role {me['RoleName']})" in done.stdout
    assert f'Allow "ReadA": not about this resource: arn:aws:s3:::{bucket}/a/*' in done.stdout
    done = holdfast(server, "explain", "--principal", me["RoleArn"], "--action", "s3:GetObject", "--resource", f"arn:aws:s3:::{bucket}/a/x")
    assert done.returncode == 0 and "ALLOWED  allowed by \"ReadA\"" in done.stdout


def test_explain_asks_the_bucket_policy_and_takes_context(server, bucket):
    me = server.user(allow("s3:*", "*"))
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(deny("s3:*", f"arn:aws:s3:::{bucket}/*", Sid="Net", Principal="*", Condition={
        "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}})))
    user = f"arn:aws:iam::{server.account}:user/{me['UserName']}"
    args = ["explain", "--principal", user, "--action", "s3:GetObject", "--resource", f"arn:aws:s3:::{bucket}/x", "--context"]
    done = holdfast(server, *args, "aws:SourceIp=192.0.2.1")
    assert done.returncode == 1 and "with an explicit deny in a resource-based policy" in done.stdout, done.stdout + done.stderr
    done = holdfast(server, *args, "aws:SourceIp=10.0.0.1")
    assert done.returncode == 0 and 'Deny "Net": its condition does not hold' in done.stdout and 'the request has "10.0.0.1"' in done.stdout


def test_explain_knows_key_policies_and_trust(server):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    me = server.role(allow("kms:Encrypt", key))
    done = holdfast(server, "explain", "--principal", me["RoleArn"], "--action", "kms:Decrypt", "--resource", key)
    assert done.returncode == 1 and "├─ resource-based policy\n" in done.stdout and "because no identity-based policy" in done.stdout, done.stdout
    done = holdfast(server, "explain", "--principal", me["RoleArn"], "--action", "kms:Encrypt", "--resource", key)
    assert done.returncode == 0, done.stdout
    who = server.user(allow("sts:AssumeRole", "*"))
    done = holdfast(server, "explain", "--principal", f"arn:aws:iam::{server.account}:user/{who['UserName']}", "--action", "sts:AssumeRole", "--resource", me["RoleArn"])
    assert done.returncode == 0 and "├─ role trust policy\n" in done.stdout, done.stdout + done.stderr
    done = holdfast(server, "explain", "--principal", f"arn:aws:iam::{server.account}:root", "--action", "sts:AssumeRole", "--resource", me["RoleArn"])
    assert done.returncode == 1 and done.stdout.startswith("REFUSED  "), done.stdout + done.stderr


def test_explain_says_why_a_recorded_call_was_refused(server, bucket):
    me = server.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/a/*", Sid="ReadA"))
    with pytest.raises(ClientError) as e:
        server.client("s3", me).get_object(Bucket=bucket, Key="b/x")
    assert code(e) == ("AccessDenied", 403)
    event = event_of(server, "GetObject", me["AccessKeyId"])
    done = holdfast(server, "explain", "--event", event)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("GetObject of s3.amazonaws.com at ") and f"s3:GetObject on arn:aws:s3:::{bucket}/b/x\nDENIED" in done.stdout
    assert "ReadA" in done.stdout and "since (the latest" not in done.stdout
    server.client("iam").put_user_policy(UserName=me["UserName"], PolicyName="more", PolicyDocument=policy(allow("s3:*", "*")))
    done = holdfast(server, "explain", "--event", event)
    assert done.returncode == 0 and "(the latest: PutUserPolicy)" in done.stdout, done.stdout


@pytest.mark.parametrize("args, says", [
    (["--event", "00000000-0000-4000-8000-000000000000"], "no account's trail has such an event"),
    (["--principal", "arn:aws:iam::111122223333:role/none", "--action", "s3:GetObject"], "there is no such user or role"),
    (["--principal", "arn:aws:iam::999999999999:role/none", "--action", "s3:GetObject"], "the principal is not the ARN of"),
])
def test_what_cannot_be_explained_is_said(server, args, says):
    done = holdfast(server, "explain", *args)
    assert done.returncode == 2 and says in done.stderr, done.stdout + done.stderr


# ---- least privilege from evidence --------------------------------------------------------------

def calls(server, who, bucket, key):
    s3, kms = server.client("s3", who), server.client("kms", who)
    s3.put_object(Bucket=bucket, Key="in/1", Body=b"x")
    s3.get_object(Bucket=bucket, Key="in/1")
    s3.list_objects_v2(Bucket=bucket)
    for i in range(12):
        s3.put_object(Bucket=bucket, Key=f"out/{i}", Body=b"x")
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.decrypt(KeyId=key, CiphertextBlob=blob)
    server.client("iam", who).list_users()


def test_the_generated_policy_allows_what_was_done_and_less_than_before(server, bucket):
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    me = server.role(allow(["s3:*", "kms:*", "iam:List*"], "*"))
    calls(server, me, bucket, key)
    with pytest.raises(ClientError):
        server.client("iam", me).create_user(UserName="never")
    event_of(server, "ListUsers", me["AccessKeyId"])
    done = holdfast(server, "policy", "generate", "--role", me["RoleName"], "--since", "1h")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    granted = {(a, r) for s in made["Statement"] for a in s["Action"] for r in s["Resource"]}
    assert {a for a, _ in granted} == {"s3:PutObject", "s3:GetObject", "s3:ListBucket", "kms:Encrypt", "kms:Decrypt", "iam:ListUsers"}
    assert ("s3:GetObject", f"arn:aws:s3:::{bucket}/in/1") in granted and ("s3:ListBucket", f"arn:aws:s3:::{bucket}") in granted
    assert ("s3:PutObject", f"arn:aws:s3:::{bucket}/*") in granted and ("kms:Decrypt", key) in granted
    iam = server.client("iam")
    iam.put_role_policy(RoleName=me["RoleName"], PolicyName="p", PolicyDocument=done.stdout)
    calls(server, me, bucket, key)
    with pytest.raises(ClientError) as e:
        server.client("s3", me).delete_object(Bucket=bucket, Key="in/1")
    assert code(e)[0] == "AccessDenied"


def test_unused_lists_what_was_never_done(server, bucket):
    me = server.user(allow(["s3:GetObject", "s3:PutObject", "kms:CreateKey"], "*"), deny("s3:PutObject", "*"))
    server.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    server.client("s3", me).get_object(Bucket=bucket, Key="k")
    event_of(server, "GetObject", me["AccessKeyId"])
    done = holdfast(server, "policy", "unused", "--user", me["UserName"])
    assert done.returncode == 0 and done.stdout == "1 calls, 1 pairs of action and resource\nkms: may 1, did 0; never: CreateKey\n", done.stdout


@pytest.mark.parametrize("args, status", [([], 2), (["--role", "a", "--user", "b"], 2), (["--role", "a", "--since", "yesterday"], 2), (["--role", "none"], 1)])
def test_evidence_asked_wrongly(server, args, status):
    for command in ("generate", "unused"):
        done = holdfast(server, "policy", command, *args)
        assert done.returncode == status and done.stderr.startswith(f"holdfast policy {command}: "), done


def test_nothing_done_is_said(server):
    me = server.user(allow("s3:*", "*"))
    done = holdfast(server, "policy", "generate", "--user", me["UserName"])
    assert done.returncode == 1 and "shows no allowed call" in done.stderr
