"""Data directories that older servers left (tests/fixtures/make says how they came to be): today's reads everything in them."""
import base64
import datetime
import json
import pathlib
import re
import tarfile
import tempfile

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, Server, code
from kmsimport import import_into
from kmsraw import Kms

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
DAYS_IN_THE_TRAIL = 90


class Old(Server):
    """A server on a copy of what was left."""

    def __init__(self, base, name):
        self.base = pathlib.Path(base)
        with tarfile.open(FIXTURES / f"{name}.tar.xz") as archive:
            archive.extractall(self.base)
            self.made = archive.getmember("data.rootkey").mtime
        self.data, self.options, self.account, self.process = self.base / "data", (), ACCOUNT, None
        self.log = self.base / "server.log"
        self.ca = str(self.data / "tls" / "ca.pem")
        self.facts = json.loads((self.base / "facts.json").read_text())


@pytest.fixture(scope="module", params=["foundation", "kms"])
def old(request):
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        running = Old(base, request.param).start()
        running.name = request.param
        yield running
        status = running.stop()
        assert status == 0, running.log.read_text()[-4000:]


def bytes_of(text):
    return base64.b64decode(text)


def client_for(old, arn):
    """Of the account and region the key is in."""
    region, account = arn.split(":")[3:5]
    return old.client("kms", old.facts["theirs"] if account != old.account else None, region=region)


def refused(want, call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    assert code(e)[0] == want


def test_every_ciphertext_opens_with_its_context_alone(old):
    assert len(old.facts["blobs"]) >= 12
    for b in old.facts["blobs"]:
        kms, blob = client_for(old, b["key"]), bytes_of(b["blob"])
        enabled = b["key"] not in old.facts["disabled"]
        if not enabled:
            refused("DisabledException", kms.decrypt, CiphertextBlob=blob, EncryptionContext=b["context"])
            kms.enable_key(KeyId=b["key"])
        opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=b["context"])
        assert (opened["Plaintext"], opened["KeyId"]) == (bytes_of(b["plain"]), b["key"])
        refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob, EncryptionContext={**b["context"], "more": "1"})
        if not enabled:
            kms.disable_key(KeyId=b["key"])


def test_keys_are_as_they_were(old):
    kms, facts = old.client("kms"), old.facts
    plain = kms.describe_key(KeyId="alias/kept")["KeyMetadata"]
    assert (plain["Arn"], plain["Description"], plain["KeyState"]) == (facts["plain"], "plain", "Enabled")
    assert kms.list_resource_tags(KeyId=facts["plain"])["Tags"] == [{"TagKey": "a", "TagValue": "b"}]
    assert kms.get_key_policy(KeyId=facts["plain"], PolicyName="default")["Policy"] == facts["policy"]
    for key in facts["disabled"]:
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyManager"] == "AWS"
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    assert {facts["plain"], *facts["disabled"]} <= {k["KeyArn"] for page in pages for k in page["Keys"]}


def test_old_keys_do_what_new_ones_do(old):
    """Rotation, grants and the rest work on a key that was made before there were any."""
    kms, ask, key = old.client("kms"), Kms(old), old.facts["plain"]
    before = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    count = len(ask("ListKeyRotations", KeyId=key)["Rotations"])
    ask("EnableKeyRotation", KeyId=key, RotationPeriodInDays=90)
    ask("RotateKeyOnDemand", KeyId=key)
    assert len(ask("ListKeyRotations", KeyId=key)["Rotations"]) == count + 1
    after = kms.encrypt(KeyId=key, Plaintext=b"after")["CiphertextBlob"]
    assert [kms.decrypt(CiphertextBlob=b)["Plaintext"] for b in (before, after)] == [b"before", b"after"]
    pair = ask("GenerateDataKeyPair", KeyId=key, KeyPairSpec="ECC_NIST_P256")
    assert ask("Decrypt", CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"] == pair["PrivateKeyPlaintext"]
    grant = kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{old.account}:role/reader", Operations=["Decrypt"])
    reader = old.client("kms", session(old))
    assert reader.decrypt(CiphertextBlob=before)["Plaintext"] == b"before"
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    refused("AccessDeniedException", reader.decrypt, CiphertextBlob=before)


def session(old):
    role = f"arn:aws:iam::{old.account}:role/reader"
    return old.client("sts", old.facts["user"]).assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]


def test_people_have_their_keys_and_policies(old):
    user, plain = old.facts["user"], old.facts["plain"]
    assert old.client("sts", user).get_caller_identity()["Arn"] == f"arn:aws:iam::{old.account}:user/ann"
    ann = old.client("kms", user)
    blob = ann.encrypt(KeyId=plain, Plaintext=b"x")["CiphertextBlob"]  # by the key policy, which names her
    assert ann.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x" and ann.list_keys()["Keys"]
    refused("AccessDeniedException", ann.disable_key, KeyId=plain)
    assert old.client("kms", session(old)).describe_key(KeyId=plain)
    assert old.client("iam").list_attached_user_policies(UserName="ann")["AttachedPolicies"][0]["PolicyName"] == "lists"
    wrong = {**user, "SecretAccessKey": "x" * 40}
    refused("SignatureDoesNotMatch", old.client("sts", wrong).get_caller_identity)


def test_objects_read_as_they_were_written(old):
    s3 = old.client("s3")
    listed = {o["Key"]: o["Size"] for o in s3.list_objects_v2(Bucket="kept")["Contents"]}
    for name, (piece, times) in old.facts["objects"].items():
        want = piece.encode() * times
        got = s3.get_object(Bucket="kept", Key=name)
        assert got["Body"].read() == want and listed.pop(name) == len(want)
        if name == "parts":
            assert got["ETag"].endswith('-1"') and got["SSEKMSKeyId"] == old.facts["plain"]
            continue
        assert got["Metadata"] == {"a": "b"} and got["TagCount"] == 1
        assert got["ServerSideEncryption"] == ("AES256" if name.startswith("aes/") else "aws:kms")
        assert got.get("BucketKeyEnabled", False) == name.startswith("bucketkey/")
    assert not listed
    refused("AccessDenied", s3.delete_object, Bucket="kept", Key="aes/small")  # by the bucket's policy, for everyone


def test_the_trail_goes_back_to_before(old):
    made = datetime.datetime.fromtimestamp(old.made, datetime.timezone.utc)
    if datetime.datetime.now(datetime.timezone.utc) - made > datetime.timedelta(days=DAYS_IN_THE_TRAIL - 1):
        pytest.skip("LookupEvents goes back 90 days, and this is older")
    trail = old.client("cloudtrail")
    found = trail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": old.facts["plain"]}], EndTime=made + datetime.timedelta(hours=1))
    names = {e["EventName"] for page in found for e in page["Events"]}
    assert {"CreateKey", "Encrypt", "GenerateDataKey", "CreateAlias", "PutKeyPolicy"} <= names


def test_a_restart_changes_nothing(old):
    """What was written by the newer server is there for the next start, beside the old."""
    assert old.stop() == 0
    old.start()
    test_every_ciphertext_opens_with_its_context_alone(old)
    test_objects_read_as_they_were_written(old)
    found = re.findall("(?m)^FAIL  (.*)$", old.holdfast("doctor", "--data", old.data, check=False).stdout)
    assert [f for f in found if not f.startswith("no memory dumps")] == []  # sanitizers' processes can be traced


# ---- what the later one had besides -------------------------------------------------------------------------------------


kms_alone = pytest.mark.parametrize("old", ["kms"], indirect=True)


@kms_alone
def test_rotated_keys_keep_their_schedule_and_materials(old):
    ask, key = Kms(old), old.facts["rotated"]
    status = ask("GetKeyRotationStatus", KeyId=key)
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 2560
    assert len(ask("ListKeyRotations", KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]) == 3


@kms_alone
def test_imported_material_comes_back_and_no_other(old):
    kms, facts = old.client("kms"), old.facts
    key, blob = facts["deleted"], bytes_of(facts["back"])
    refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob)
    with pytest.raises(ClientError) as e:
        import_into(kms, key, bytes(32))
    assert code(e)[0] == "IncorrectKeyMaterialException"
    import_into(kms, key, bytes_of(facts["material"]))
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"back"


@kms_alone
def test_asymmetric_and_hmac_keys_work(old):
    ask, facts = Kms(old), old.facts
    opened = ask("Decrypt", KeyId=facts["rsa"], CiphertextBlob=facts["oaep"], EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert bytes_of(opened["Plaintext"]) == b"rsa"
    for key, (algorithm, signature, public) in facts["signs"].items():
        assert ask("Verify", KeyId=key, Message=b"m", SigningAlgorithm=algorithm, Signature=signature)["SignatureValid"]
        assert ask("GetPublicKey", KeyId=key)["PublicKey"] == public
        again = ask("Sign", KeyId=key, Message=b"m", SigningAlgorithm=algorithm)["Signature"]
        assert ask("Verify", KeyId=key, Message=b"m", SigningAlgorithm=algorithm, Signature=again)["SignatureValid"]
    assert ask("VerifyMac", KeyId=facts["mac"], Message=b"m", MacAlgorithm="HMAC_SHA_256", Mac=facts["tag"])["MacValid"]


@kms_alone
def test_grants_hold_and_revoked_ones_do_not(old):
    kms, facts = old.client("kms"), old.facts
    assert [g["Name"] for g in kms.list_grants(KeyId=facts["imported"])["Grants"]] == ["kept"]
    reader = old.client("kms", session(old))
    blob = reader.encrypt(KeyId=facts["imported"], Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    assert reader.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"x"
    refused("AccessDeniedException", reader.encrypt, KeyId=facts["imported"], Plaintext=b"x")
    refused("AccessDeniedException", reader.encrypt, KeyId=facts["imported"], Plaintext=b"x", GrantTokens=[facts["revoked"]])
