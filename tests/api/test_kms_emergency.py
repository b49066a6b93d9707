"""The way in when every other is broken, with SecureCart's own documents: by MFA only, and never unseen."""
import json
import pathlib
import time

import pytest

from conftest import ROOT, allow, code, deny, events, policy, refused
from test_iam_mfa import Phone

ROLE = "securecart-break-glass"


def document(server, name):
    text = (pathlib.Path(ROOT) / "securecart" / "policies" / f"{name}.json").read_text()
    return text.replace("ACCOUNT", server.account)


@pytest.fixture
def scene(fresh):
    """A key with SecureCart's policy, something under it, the emergency role, and an operator with a phone."""
    iam, kms = fresh.client("iam"), fresh.client("kms")
    who = fresh.user(allow("sts:AssumeRole"), name="securecart-operator")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document(fresh, "break-glass-trust"), MaxSessionDuration=3600)
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document(fresh, "key"))
    blob = kms.encrypt(KeyId=key, Plaintext=b"an invoice")["CiphertextBlob"]
    phone = Phone(fresh, "securecart-operator").enable("securecart-operator")
    return fresh, who, phone, key, blob


def take_on(server, who, phone=None, **more):
    if phone:
        phone.wait()
        more |= {"SerialNumber": phone.serial, "TokenCode": phone.shows()}
    made = server.client("sts", who).assume_role(
        RoleArn=f"arn:aws:iam::{server.account}:role/{ROLE}", RoleSessionName="ann-incident-7", DurationSeconds=900, **more)
    return server.client("kms", made["Credentials"])


def test_it_works_while_all_else_is_broken(scene):
    server, who, phone, key, blob = scene
    kms = server.client("kms")
    broken = json.loads(document(server, "key"))
    broken["Statement"] = [s for s in broken["Statement"] if s["Sid"] == "BreakGlass"]  # the account decides nothing any more
    kms.disable_key(KeyId=key)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(broken), BypassPolicyLockoutSafetyCheck=True)
    refused("AccessDeniedException", 400, kms.describe_key, KeyId=key)  # not even root
    refused("AccessDeniedException", 400, kms.enable_key, KeyId=key)
    refused("AccessDenied", 403, server.client("sts", who).assume_role,
            RoleArn=f"arn:aws:iam::{server.account}:role/{ROLE}", RoleSessionName="ann")  # without a code
    glass = take_on(server, who, phone)
    glass.enable_key(KeyId=key)
    assert glass.decrypt(CiphertextBlob=blob)["Plaintext"] == b"an invoice"
    refused("AccessDeniedException", 400, glass.encrypt, KeyId=key, Plaintext=b"x")  # not what it is for
    refused("AccessDeniedException", 400, glass.schedule_key_deletion, KeyId=key)
    glass.put_key_policy(KeyId=key, PolicyName="default", Policy=document(server, "key"))
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"an invoice"


def test_its_session_is_short(scene):
    server, who, phone, _, _ = scene
    role = {"RoleArn": f"arn:aws:iam::{server.account}:role/{ROLE}", "RoleSessionName": "ann", "SerialNumber": phone.serial}
    sts = server.client("sts", who)
    phone.wait()
    refused("ValidationError", 400, sts.assume_role, **role, TokenCode=phone.shows(), DurationSeconds=3601)
    phone.wait()
    before = time.time() + phone.ahead_s
    made = sts.assume_role(**role, TokenCode=phone.shows(), DurationSeconds=900)["Credentials"]
    assert before - 1 < made["Expiration"].timestamp() - 900 < time.time() + phone.ahead_s + 1


def test_a_grant_is_the_other_way(scene):
    server, who, phone, key, blob = scene
    kms = server.client("kms")
    without = json.loads(document(server, "key"))
    without["Statement"] = [s for s in without["Statement"] if s["Sid"] != "BreakGlass"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(without))
    glass = take_on(server, who, phone)
    refused("AccessDeniedException", 400, glass.decrypt, CiphertextBlob=blob)
    kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{server.account}:role/{ROLE}", Operations=["Decrypt", "DescribeKey"])
    assert glass.decrypt(CiphertextBlob=blob)["Plaintext"] == b"an invoice"
    without["Statement"].append(deny("kms:Decrypt", Principal="*"))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(without))
    refused("AccessDeniedException", 400, glass.decrypt, CiphertextBlob=blob)


def test_no_use_of_it_is_unseen(scene):
    server, who, phone, key, blob = scene
    glass = take_on(server, who, phone)
    glass.decrypt(CiphertextBlob=blob)
    refused("AccessDeniedException", 400, glass.encrypt, KeyId=key, Plaintext=b"x")
    trail = server.client("cloudtrail")
    used = [e for e in events(trail, 5, key) if e["userIdentity"].get("sessionContext", {}).get("sessionIssuer", {}).get("userName") == ROLE]
    assert sorted((e["eventName"], e.get("errorCode")) for e in used) == [("Decrypt", None), ("Encrypt", "AccessDenied")]
    assert all(e["userIdentity"]["arn"].endswith(f"{ROLE}/ann-incident-7") for e in used)
    found = events(trail, 1, f"arn:aws:iam::{server.account}:role/{ROLE}")
    taken = [e for e in found if e["eventName"] == "AssumeRole"]
    assert len(taken) == 1 and taken[0]["requestParameters"]["serialNumber"] == phone.serial
    assert taken[0]["userIdentity"]["userName"] == "securecart-operator"
