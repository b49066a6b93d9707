"""Names that a policy and the thing it guards could read differently: by case, by repetition, by escaping."""
import base64
import json
import uuid

import pytest
import raw
import s3raw
from botocore.exceptions import ClientError
from conftest import ACCOUNT, allow, code, message, policy

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


@pytest.fixture
def s3(server):
    return server.client("s3")


@pytest.fixture
def buckets(s3):
    made = ["a-" + uuid.uuid4().hex[:12] for _ in range(2)]
    for name in made:
        s3.create_bucket(Bucket=name)
    return made


@pytest.fixture
def guarded(server, kms, buckets):
    """A key that a user may use for the first bucket's objects only, and that user."""
    user = server.user(allow("s3:*", "*"))
    arn = f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}"
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(
        allow("kms:*", "*", Principal=ROOT),
        allow(["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"], "*", Principal={"AWS": arn},
              Condition={"StringLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{buckets[0]}*"}})))
    return key, user


def header(context):
    return base64.b64encode(context.encode()).decode()


# The case of a context key is no way around a condition on it, whatever order the pairs come in.
@pytest.mark.parametrize("other", ["AWS:S3:ARN", "Aws:s3:arn", "aws:s3:arN"])
def test_a_context_key_in_another_case_opens_nothing(server, kms, guarded, buckets, other):
    key, user = guarded
    mine, theirs = (f"arn:aws:s3:::{b}/k" for b in buckets)
    asks = server.client("kms", user)
    assert asks.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"aws:s3:arn": mine})["CiphertextBlob"]
    for context in ({"aws:s3:arn": theirs, other: mine}, {other: mine, "aws:s3:arn": theirs}):
        with pytest.raises(ClientError) as e:
            asks.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)
        assert code(e) == ("ValidationException", 400)


@pytest.mark.parametrize("other", ["AWS:S3:ARN", "Aws:s3:arn", "aws:s3:arN", "aws:s3:arn"])
def test_s3_alone_says_whose_key_is_used(server, guarded, buckets, other):
    key, user = guarded
    asks = server.client("s3", user)
    context = header(json.dumps({other: f"arn:aws:s3:::{buckets[0]}/k"}))
    kw = {"Key": "k", "Body": b"1", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, "SSEKMSEncryptionContext": context}
    with pytest.raises(ClientError) as e:
        asks.put_object(Bucket=buckets[1], **kw)
    assert code(e) == ("AccessDenied", 403)
    asks.put_object(Bucket=buckets[0], **kw)
    assert asks.get_object(Bucket=buckets[0], Key="k")["Body"].read() == b"1"


@pytest.mark.parametrize("text", ['{"a":"1"},"c":{"b":"2"}', '{"a":"1"},"x":1', '{"a":"1"}}', '{"a":"1"} {}', "[]", '"a"', "7"])
def test_a_context_is_one_object_and_nothing_behind_it(server, kms, s3, buckets, text):
    key = kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError) as e:
        s3.put_object(Bucket=buckets[0], Key="k", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId=key,
                      SSEKMSEncryptionContext=header(text))
    assert code(e) == ("InvalidArgument", 400)


# Of a key given twice the last value counts, for the policy and for the ciphertext alike.
def test_a_context_key_given_twice_has_one_value(server, kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    body = json.dumps({"KeyId": key, "Plaintext": "eA=="})[:-1] + ', "EncryptionContext": {"a": "1", "a": "2"}}'
    with raw.Wire(server) as wire:
        wire.send(raw.request(wire.host, "kms", "POST", "/",
                              [("X-Amz-Target", "TrentService.Encrypt"), ("Content-Type", "application/x-amz-json-1.1")],
                              body.encode(), who=server.root))
        blob = base64.b64decode(json.loads(wire.recv().body)["CiphertextBlob"])
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "2"})["Plaintext"] == b"x"
    with pytest.raises(ClientError) as e:
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1"})
    assert code(e) == ("InvalidCiphertextException", 400)


# Object tags have a case, condition keys have none: the tag that is spelled as in the policy is the one that counts.
@pytest.mark.parametrize("tags", ["Level=secret&level=public", "level=public&Level=secret", "LEVEL=public&Level=secret&level=public"])
def test_a_tag_in_another_case_does_not_stand_in_for_the_one_asked_for(server, s3, buckets, tags):
    reader = server.client("s3", server.user(allow("s3:GetObject", "*", Condition={"StringEquals": {"s3:ExistingObjectTag/Level": "public"}})))
    writer = server.client("s3", server.user(allow("s3:PutObject*", "*", Condition={"StringEquals": {"s3:RequestObjectTag/Level": "public"}})))
    s3.put_object(Bucket=buckets[0], Key="k", Body=b"1", Tagging=tags)
    for refused in (lambda: reader.get_object(Bucket=buckets[0], Key="k"),
                    lambda: writer.put_object(Bucket=buckets[0], Key="k", Body=b"2", Tagging=tags)):
        with pytest.raises(ClientError) as e:
            refused()
        assert code(e) == ("AccessDenied", 403)


# A blob names its key. Whether that key is there is nobody's to know who may not use it.
def test_a_foreign_blob_does_not_tell_whether_its_key_is_there(fresh):
    kms, other = fresh.client("kms"), fresh.client("kms", fresh.new_account("444455556666"))
    blob = kms.encrypt(KeyId=kms.create_key()["KeyMetadata"]["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    words = set()
    for bytes_ in (blob, blob[:6] + bytes(16) + blob[22:]):
        with pytest.raises(ClientError) as e:
            other.decrypt(CiphertextBlob=bytes_)
        words.add((*code(e), message(e)))
    assert len(words) == 1 and words.pop()[:2] == ("AccessDeniedException", 400)


# Tags handed on are counted once, however often their keys are named: nothing grows with the length of a chain.
def test_a_chain_may_name_a_transitive_tag_as_often_as_it_likes(server):
    name = "chain-" + uuid.uuid4().hex[:8]
    session = server.role(allow("sts:*", "*"), name=name, actions=["sts:AssumeRole", "sts:TagSession"])
    for tag in "abcde":
        session = server.client("sts", session).assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="next", Tags=[{"Key": tag, "Value": "1"}],
            TransitiveTagKeys=[tag] * 50)["Credentials"]
    with pytest.raises(ClientError) as e:
        server.client("sts", session).assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="next",
                                                  Tags=[{"Key": "A", "Value": "2"}])
    assert code(e) == ("ValidationError", 400)


# Somebody swaps his two lines of credentials: the secret is not written down for every reader of the trail.
def test_a_secret_in_place_of_a_key_id_is_not_recorded(server):
    secret = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
    assert s3raw.send(server, "GET", "/nobodys-bucket/k", creds=(secret, "AKIAIOSFODNN7EXAMPLE", None)).code == "InvalidAccessKeyId"
    assert s3raw.send(server, "GET", "/nobodys-bucket/k", creds=("AKIAUNKNOWN00000000", "x", None)).code == "InvalidAccessKeyId"
    events = [e["CloudTrailEvent"] for e in server.client("cloudtrail").lookup_events(MaxResults=50)["Events"]]
    assert not any(secret in e for e in events) and secret not in server.log.read_text()
    assert any("AKIAUNKNOWN00000000" in e for e in events)


# What has the name now may be gone when the new one is made: only the path given says where that will be.
def test_who_may_make_users_here_does_not_make_them_there(server):
    iam, name = server.client("iam"), "boss-" + uuid.uuid4().hex[:8]
    iam.create_user(UserName=name, Path="/here/")
    iam.create_role(RoleName=name, Path="/here/", AssumeRolePolicyDocument=policy(allow("sts:AssumeRole", None, Principal=ROOT)))
    arns = [f"arn:aws:iam::{ACCOUNT}:{kind}/here/*" for kind in ("user", "role")]
    asks = server.client("iam", server.user(allow(["iam:CreateUser", "iam:CreateRole"], arns)))
    trust = policy(allow("sts:AssumeRole", None, Principal=ROOT))
    for path, want in (("/there/", ("AccessDenied", 403)), ("/here/", ("EntityAlreadyExists", 409))):
        for make in (lambda: asks.create_user(UserName=name, Path=path),
                     lambda: asks.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)):
            with pytest.raises(ClientError) as e:
                make()
            assert code(e) == want
