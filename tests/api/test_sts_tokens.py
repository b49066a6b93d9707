"""GetSessionToken, GetFederationToken, GetAccessKeyInfo as boto3 sees them, and what their credentials can do."""
import datetime
import json
import sys
import time
import types
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, deny, policy, refused

ACCOUNT = "111122223333"
INVALID = "The security token included in the request is invalid"


def lasting(seconds, call, **members):
    """What the call answers, whose credentials last that long."""
    before = time.time()
    made = call(**members)
    assert before - 1 < made["Credentials"]["Expiration"].timestamp() - seconds < time.time() + 1
    return made


def events(server, name, key):
    found = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "AccessKeyId", "AttributeValue": key}])["Events"]
    return [json.loads(e["CloudTrailEvent"]) for e in found if e["EventName"] == name]


@pytest.fixture
def bucket(server):
    name = "b-" + uuid.uuid4().hex
    server.client("s3").create_bucket(Bucket=name)
    server.client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    return name


def test_session_token(server, bucket):
    ann = server.user(allow("*"))
    made = lasting(43200, server.client("sts", ann).get_session_token)
    session = made["Credentials"]
    me = server.client("sts", session).get_caller_identity()
    assert me["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{ann['UserName']}"
    server.client("s3", session).get_object(Bucket=bucket, Key="k")
    assert refused("InvalidClientTokenId", 403, server.client("iam", session).list_users) == INVALID
    text = refused("AccessDenied", 403, server.client("sts", session).get_session_token)
    assert text == "Cannot call GetSessionToken with session credentials"
    lasting(3600, server.client("sts").get_session_token)

    event = events(server, "GetSessionToken", ann["AccessKeyId"])[0]
    assert event["responseElements"]["credentials"]["accessKeyId"] == session["AccessKeyId"]
    assert session["SecretAccessKey"] not in json.dumps(event)
    event = events(server, "ListUsers", session["AccessKeyId"])[0]
    assert event["errorCode"] == "InvalidClientTokenId" and event["userIdentity"]["type"] == "IAMUser"
    assert event["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"


def test_federation_token(server, bucket):
    objects = f"arn:aws:s3:::{bucket}/*"
    ann = server.user(allow("sts:GetFederationToken"), allow("s3:GetObject", objects))
    sts = server.client("sts", ann)
    made = lasting(900, sts.get_federation_token, Name="bob", DurationSeconds=900, Policy=policy(allow("s3:*")))
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    assert made["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:bob", "Arn": arn}
    assert made["PackedPolicySize"] > 0
    bob = made["Credentials"]
    assert server.client("sts", bob).get_caller_identity()["Arn"] == arn
    s3 = server.client("s3", bob)
    s3.get_object(Bucket=bucket, Key="k")
    text = refused("AccessDenied", 403, s3.put_object, Bucket=bucket, Key="k", Body=b"y")
    assert text.startswith(f"User: {arn} is not authorized to perform: s3:PutObject") and "identity-based" in text
    assert refused("InvalidClientTokenId", 403, server.client("iam", bob).list_users) == INVALID
    refused("AccessDenied", 403, server.client("sts", bob).get_federation_token, Name="carl")

    nothing = server.client("s3", sts.get_federation_token(Name="bob")["Credentials"])
    text = refused("AccessDenied", 403, nothing.get_object, Bucket=bucket, Key="k")
    assert "because no session policy allows the s3:GetObject action" in text
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(
        allow("s3:PutObject", objects, Principal={"AWS": arn})))
    nothing.put_object(Bucket=bucket, Key="k", Body=b"y")
    server.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(
        deny("s3:*", objects, Principal={"AWS": arn})))
    refused("AccessDenied", 403, s3.get_object, Bucket=bucket, Key="k")

    identity = events(server, "GetCallerIdentity", bob["AccessKeyId"])[0]["userIdentity"]
    assert (identity["type"], identity["principalId"], identity["arn"]) == ("FederatedUser", f"{ACCOUNT}:bob", arn)
    issuer = identity["sessionContext"]["sessionIssuer"]
    assert (issuer["type"], issuer["userName"]) == ("IAMUser", ann["UserName"])


def test_sessions_outlive_the_key_not_the_user(server, bucket):
    ann = server.user(allow("s3:*"))
    session = server.client("sts", ann).get_session_token()["Credentials"]
    iam, s3 = server.client("iam"), server.client("s3", session)
    iam.delete_access_key(UserName=ann["UserName"], AccessKeyId=ann["AccessKeyId"])
    refused("InvalidClientTokenId", 403, server.client("sts", ann).get_caller_identity)
    s3.get_object(Bucket=bucket, Key="k")
    iam.delete_user_policy(UserName=ann["UserName"], PolicyName="p")
    refused("AccessDenied", 403, s3.get_object, Bucket=bucket, Key="k")
    iam.delete_user(UserName=ann["UserName"])
    refused("InvalidAccessKeyId", 403, s3.get_object, Bucket=bucket, Key="k")


def test_parts_of_sessions_do_not_mix(server):
    one, two = (server.client("sts", server.user()).get_session_token()["Credentials"] for _ in range(2))
    for changed in ({"SessionToken": two["SessionToken"]}, {"SecretAccessKey": two["SecretAccessKey"]},
                    {"AccessKeyId": two["AccessKeyId"]}, {"SessionToken": one["SessionToken"][:-8]}):
        with pytest.raises(ClientError) as e:
            server.client("sts", {**one, **changed}).get_caller_identity()
        assert code(e)[0] in ("InvalidClientTokenId", "SignatureDoesNotMatch")


def test_sessions_expire_to_the_second(fresh, monkeypatch):
    ann = fresh.user(allow("sts:GetFederationToken"))
    role = fresh.role()
    made = [fresh.client("sts", ann).get_session_token(DurationSeconds=900)["Credentials"],
            fresh.client("sts", ann).get_federation_token(Name="bob", DurationSeconds=900)["Credentials"],
            fresh.client("sts").get_session_token(DurationSeconds=900)["Credentials"]]

    real = datetime.datetime

    def clients_clock(seconds):  # what signs reads the server's clock, so that nothing but the session is too old
        class Later(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return real.utcnow() + datetime.timedelta(seconds=seconds)
        for module in ("botocore.auth", "botocore.crt.auth"):
            if module in sys.modules:
                monkeypatch.setattr(sys.modules[module], "datetime",
                                    types.SimpleNamespace(datetime=Later, timezone=datetime.timezone))

    fresh.advance("600s")
    clients_clock(600)
    for who in [*made, role]:
        fresh.client("sts", who).get_caller_identity()
    fresh.advance("301s")
    clients_clock(901)
    for who in made:
        assert "expired" in refused("ExpiredToken", 403, fresh.client("sts", who).get_caller_identity)
        refused("ExpiredToken", 400, fresh.client("s3", who).list_buckets)
    fresh.client("sts", role).get_caller_identity()  # an hour's


def test_access_key_info(server):
    ann = server.user(allow("sts:GetAccessKeyInfo"))
    sts = server.client("sts", ann)
    assert sts.get_access_key_info(AccessKeyId=ann["AccessKeyId"])["Account"] == ACCOUNT
    assert sts.get_access_key_info(AccessKeyId=server.root[0])["Account"] == ACCOUNT
    refused("ValidationError", 400, sts.get_access_key_info, AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    refused("AccessDenied", 403, server.client("sts", server.user()).get_access_key_info,
            AccessKeyId=ann["AccessKeyId"])


def revoke(moment):
    return policy(deny("*", "*", Condition={"DateLessThan": {"aws:TokenIssueTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}}))


def test_older_sessions_are_revoked_at_once(server, bucket):
    ann = server.user(allow("*"))
    role = server.role(allow("s3:*"), by=server.user(allow("sts:AssumeRole")))
    own = server.client("sts", ann).get_session_token()["Credentials"]
    bob = server.client("sts", ann).get_federation_token(Name="bob", Policy=policy(allow("s3:*")))["Credentials"]
    for who in (role, own, bob):
        server.client("s3", who).get_object(Bucket=bucket, Key="k")
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    iam = server.client("iam")
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="AWSRevokeOlderSessions", PolicyDocument=revoke(soon))
    iam.put_user_policy(UserName=ann["UserName"], PolicyName="AWSRevokeOlderSessions", PolicyDocument=revoke(soon))
    for who in (role, own, bob):
        text = refused("AccessDenied", 403, server.client("s3", who).get_object, Bucket=bucket, Key="k")
        assert "with an explicit deny in an identity-based policy" in text
    server.client("s3", ann).get_object(Bucket=bucket, Key="k")
