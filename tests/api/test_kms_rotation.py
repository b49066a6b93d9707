"""Rotation of KMS keys over the wire, with the server's clock moved."""
import base64
import json

import pytest

import raw
from conftest import eventually
from kmsraw import Kms


@pytest.fixture
def kms(fresh):
    return Kms(fresh)


def new_key(kms):
    return kms("CreateKey")["KeyMetadata"]["KeyId"]


def events(server, kms, name):
    """What the trail has of an event, newest first; the reader is as far in the future as the server."""
    body = json.dumps({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]}).encode()
    with raw.Wire(server) as wire:
        wire.send(raw.request(wire.host, "cloudtrail", "POST", "/",
                              [("X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"),
                               ("Content-Type", "application/x-amz-json-1.1")],
                              body, who=server.root, stamp=kms.now().strftime("%Y%m%dT%H%M%SZ")))
        return [json.loads(e["CloudTrailEvent"]) for e in json.loads(wire.recv().body)["Events"]]


def test_a_botocore_client_turns_rotation_on_and_off(server):
    kms = server.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    kms.disable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


def test_years_of_rotation_and_everything_still_opens(fresh, kms):
    key, blobs = new_key(kms), []
    kms("EnableKeyRotation", KeyId=key, RotationPeriodInDays=200)
    for year in range(4):
        blobs.append(kms("Encrypt", KeyId=key, Plaintext=f"year {year}".encode())["CiphertextBlob"])
        kms.later(365)
    kms("RotateKeyOnDemand", KeyId=key)
    assert len({blob[:36] for blob in blobs}) == 4  # each header names a backing key of its own
    fresh.stop()
    fresh.start()
    for year, blob in enumerate(blobs):
        kms.clock[0] *= 0  # a new process stands at the machine's time
        assert base64.b64decode(kms("Decrypt", CiphertextBlob=blob)["Plaintext"]) == f"year {year}".encode()
    rotations = kms("ListKeyRotations", KeyId=key)["Rotations"]
    assert [r["RotationType"] for r in rotations] == ["AUTOMATIC"] * 4 + ["ON_DEMAND"]


def test_the_servers_duty_rotates_a_key_nobody_uses(fresh, kms):
    key = new_key(kms)
    kms("EnableKeyRotation", KeyId=key)
    kms.later(366)
    found = eventually(lambda: events(fresh, kms, "RotateKey"))
    assert [e["eventType"] for e in found] == ["AwsServiceEvent"]
    details = found[0]["serviceEventDetails"]
    assert details["rotationType"] == "AUTOMATIC" and details["keyId"] == key
    assert details["currentKeyMaterialId"] == kms("DescribeKey", KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert found[0]["resources"][0]["ARN"].endswith(key)
    assert found[0]["requestParameters"] is None and found[0]["readOnly"] is False


def test_what_does_not_rotate_says_so(kms):
    signing = kms("CreateKey", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    for operation in ("EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus", "RotateKeyOnDemand", "ListKeyRotations"):
        kms.refuses("UnsupportedOperationException", operation, KeyId=signing)
    key = new_key(kms)
    for days in (0, 89, 2561):
        kms.refuses("ValidationException", "EnableKeyRotation", KeyId=key, RotationPeriodInDays=days)
    kms("DisableKey", KeyId=key)
    assert "is disabled" in kms.refuses("DisabledException", "EnableKeyRotation", KeyId=key)
