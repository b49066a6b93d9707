"""KMS's records, member by member as the KMS developer guide's "Examples of AWS KMS log entries" has them."""
import pytest
from conftest import ACCOUNT, allow, events, move_clocks, refused
from kmsraw import Kms

INTERNAL = {"accountId": ACCOUNT, "invokedBy": "AWS Internal"}
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


@pytest.fixture(scope="module")
def ask(server):
    return Kms(server)


def new_key(ask, **more):
    return ask("CreateKey", **more)["KeyMetadata"]["Arn"]


def records(server, name, arn, region="us-east-1"):
    """Of that event about that key."""
    return [e for e in events(server.client("cloudtrail", region=region), 0, arn) if e["eventName"] == name]


def record(server, name, arn, region="us-east-1"):
    found = records(server, name, arn, region)
    assert len(found) == 1, found
    return found[0]


# What answers nothing and names the key in the record all the same; and what does not.
CHANGES = {
    "DisableKey": {}, "EnableKey": {}, "EnableKeyRotation": {"RotationPeriodInDays": 180},
    "CreateGrant": {"GranteePrincipal": ROOT, "Operations": ["Encrypt"]},
    "DisableKeyRotation": {}, "UpdateKeyDescription": {"Description": "new"}, "UntagResource": {"TagKeys": ["a"]},
    "TagResource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
}
SILENT = {"DisableKeyRotation", "UpdateKeyDescription", "TagResource", "UntagResource"}


def test_the_record_of_a_change_names_the_key(server, ask):
    arn = new_key(ask)
    key = arn.split("/")[1]
    for operation, members in CHANGES.items():
        answer = ask(operation, KeyId=key, **members)
        said = record(server, operation, arn)
        if operation in SILENT:
            assert answer == {} and said["responseElements"] is None, operation
        elif operation == "CreateGrant":
            assert set(answer) == {"GrantId", "GrantToken"}
            assert said["responseElements"] == {"grantId": answer["GrantId"], "keyId": arn}
        else:
            assert answer == {} and said["responseElements"] == {"keyId": arn}, operation
        assert said["requestParameters"]["keyId"] == key


def test_a_change_that_was_refused_answers_nothing_in_the_record(server, ask):
    arn = new_key(ask)
    ask.refuses("DryRunOperationException", "CreateGrant", KeyId=arn, GranteePrincipal=ROOT, Operations=["Encrypt"], DryRun=True)
    ask("ScheduleKeyDeletion", KeyId=arn, PendingWindowInDays=7)
    ask.refuses("KMSInvalidStateException", "EnableKey", KeyId=arn)
    ask.refuses("KMSInvalidStateException", "CreateAlias", AliasName="alias/refused", TargetKeyId=arn)
    for name in ("CreateGrant", "EnableKey", "CreateAlias"):
        said = record(server, name, arn)
        assert said["errorCode"] and said["responseElements"] is None, name
        assert arn in [r["ARN"] for r in said["resources"]]


def test_a_dry_run_is_said_where_it_was_asked_for(server, ask):
    arn = new_key(ask)
    ask("Encrypt", KeyId=arn, Plaintext=b"x")
    ask("Encrypt", KeyId=arn, Plaintext=b"x", DryRun=False)
    ask.refuses("DryRunOperationException", "Encrypt", KeyId=arn, Plaintext=b"x", DryRun=True)
    plain = {"keyId": arn, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    said = [e["requestParameters"] for e in records(server, "Encrypt", arn)]  # within a moment in any order
    assert len(said) == 3 and all(p in said for p in (plain, {**plain, "dryRun": False}, {**plain, "dryRun": True}))
    grant = ask("CreateGrant", KeyId=arn, GranteePrincipal=ROOT, Operations=["Encrypt"])
    ask("RetireGrant", GrantToken=grant["GrantToken"])
    said = record(server, "RetireGrant", arn)
    assert said["requestParameters"] is None and said["additionalEventData"] == {"grantId": grant["GrantId"]}


def test_alias_records_are_about_the_alias_and_the_key(server, ask):
    one, other = new_key(ask), new_key(ask)
    alias = f"alias/{one[-12:]}"
    named = f"arn:aws:kms:us-east-1:{ACCOUNT}:{alias}"
    ask("CreateAlias", AliasName=alias, TargetKeyId=one)
    ask("UpdateAlias", AliasName=alias, TargetKeyId=other)
    ask("DeleteAlias", AliasName=alias)
    for name, key, arns in (("CreateAlias", one, [one, named]), ("UpdateAlias", other, [named, other]),
                            ("DeleteAlias", other, [named, other])):
        said = record(server, name, key)
        assert said["responseElements"] == {"keyId": key}, name
        assert said["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": a} for a in arns], name
        assert said["eventID"] in [e["eventID"] for e in events(server.client("cloudtrail"), 3, named)]


def test_what_an_alias_is_not_allowed_is_found_by_its_name(server):
    who = server.user(allow("kms:DescribeKey"))
    named = f"alias/{who['UserName']}"
    refused("AccessDeniedException", 400, server.client("kms", who).delete_alias, AliasName=named)
    said = record(server, "DeleteAlias", f"arn:aws:kms:us-east-1:{ACCOUNT}:{named}")
    assert said["errorCode"] == "AccessDenied" and len(said["resources"]) == 1


def test_both_records_of_a_new_primary_region_name_their_key(server, ask):
    here = new_key(ask, MultiRegion=True)
    there = here.replace("us-east-1", "eu-west-3")
    key = here.split("/")[1]
    ask("ReplicateKey", KeyId=key, ReplicaRegion="eu-west-3")
    ask("UpdatePrimaryRegion", KeyId=key, PrimaryRegion="eu-west-3")
    said = record(server, "UpdatePrimaryRegion", here)
    assert said["requestParameters"] == {"keyId": key, "primaryRegion": "eu-west-3"}
    assert said["responseElements"] == {"keyId": here} and "invokedBy" not in said["userIdentity"]
    said = record(server, "UpdatePrimaryRegion", there, "eu-west-3")
    assert said["requestParameters"] == {"keyId": there, "primaryRegion": "eu-west-3"}
    assert said["responseElements"] == {"keyId": there}
    assert said["userIdentity"]["arn"] == ROOT and said["userIdentity"]["invokedBy"] == "kms.amazonaws.com"


def by_itself(said):
    """KMS did it, whoever's request it was that it came with."""
    assert said["userIdentity"] == INTERNAL and "tlsDetails" not in said
    assert said["sourceIPAddress"] == said["userAgent"] == "AWS Internal" and said["requestParameters"] is None
    assert said["readOnly"] is False and said["managementEvent"] is True and said["eventCategory"] == "Management"
    return said


def test_a_rotation_tells_the_materials(server, ask):
    arn = new_key(ask)
    key, before = arn.split("/")[1], ask("DescribeKey", KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"]
    ask("RotateKeyOnDemand", KeyId=key)
    after = ask("DescribeKey", KeyId=arn)["KeyMetadata"]["CurrentKeyMaterialId"]
    said = by_itself(record(server, "RotateKey", arn))
    assert said["eventType"] == "AwsServiceEvent" and said["responseElements"] is None and before != after
    assert said["serviceEventDetails"] == {"rotationType": "ON_DEMAND", "keyOrigin": "AWS_KMS", "previousKeyMaterialId": before,
                                           "currentKeyMaterialId": after, "keyId": key}


def test_regions_in_step_are_an_event_of_kms_itself(server, ask):
    arn = new_key(ask, MultiRegion=True)
    ask("ReplicateKey", KeyId=arn, ReplicaRegion="eu-west-3")
    said = by_itself(record(server, "SynchronizeMultiRegionKey", arn))
    assert said["eventType"] == "AwsApiCall" and said["responseElements"] == {"keyId": arn}


def test_the_end_of_a_key_is_an_event_of_kms_itself(fresh, monkeypatch):
    kms = fresh.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    move_clocks(fresh, monkeypatch, 8)
    refused("NotFoundException", 400, fresh.client("kms").describe_key, KeyId=arn)
    said = by_itself(record(fresh, "DeleteKey", arn))
    assert said["eventType"] == "AwsServiceEvent" and said["responseElements"] == {"keyId": arn}
    assert "serviceEventDetails" not in said
