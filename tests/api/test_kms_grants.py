"""Grants as boto3 sees them: made and ended by administrators, used by roles, refused and recorded."""
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, events, policy, refused


class People:
    """A role without a single permission, and a user who may become it and nothing else."""

    def __init__(self, server):
        self.server, self.iam, self.role_name = server, server.client("iam"), "r-" + uuid.uuid4().hex[:12]
        self.keys = server.user(allow("sts:AssumeRole"))
        self.user_arn = self.iam.get_user(UserName=self.keys["UserName"])["User"]["Arn"]
        self.make_role()

    def make_role(self):
        trust = policy(allow("sts:AssumeRole", None, Principal={"AWS": self.user_arn}))
        self.role_arn = self.iam.create_role(RoleName=self.role_name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def delete_role(self):
        self.iam.delete_role(RoleName=self.role_name)

    def user_kms(self):
        return self.server.client("kms", self.keys)

    def role_kms(self, session="one", **more):
        made = self.server.client("sts", self.keys).assume_role(RoleArn=self.role_arn, RoleSessionName=session, **more)
        return self.server.client("kms", made["Credentials"])


@pytest.fixture
def people(server):
    return People(server)


def test_a_role_s_grant_from_making_to_revoking(kms, key, people):
    ops = people.role_kms()
    refused("AccessDeniedException", 400, ops.encrypt, KeyId=key, Plaintext=b"x")
    grant = kms.create_grant(KeyId=key, GranteePrincipal=people.role_arn, Operations=["Encrypt", "Decrypt"],
                             Constraints={"EncryptionContextSubset": {"app": "shop"}}, Name="n")
    context = {"app": "shop", "order": "7"}
    blob = ops.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context, GrantTokens=[grant["GrantToken"]])["CiphertextBlob"]
    assert people.role_kms("other").decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
    refused("AccessDeniedException", 400, ops.encrypt, KeyId=key, Plaintext=b"x")
    refused("AccessDeniedException", 400, ops.describe_key, KeyId=key)
    refused("AccessDeniedException", 400, people.user_kms().encrypt, KeyId=key, Plaintext=b"x", EncryptionContext=context)
    listed = kms.list_grants(KeyId=key)["Grants"]
    assert [(g["GrantId"], g["GranteePrincipal"], g["Operations"], g["Name"]) for g in listed] == [
        (grant["GrantId"], people.role_arn, ["Encrypt", "Decrypt"], "n")]
    assert listed[0]["Constraints"] == {"EncryptionContextSubset": {"app": "shop"}}
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    refused("AccessDeniedException", 400, ops.decrypt, CiphertextBlob=blob, EncryptionContext=context)
    refused("NotFoundException", 400, kms.revoke_grant, KeyId=key, GrantId=grant["GrantId"])


def test_a_role_made_again_inherits_nothing_and_its_grant_shows_the_old_id(kms, key, people):
    kms.create_grant(KeyId=key, GranteePrincipal=people.role_arn, Operations=["Encrypt"])
    people.role_kms().encrypt(KeyId=key, Plaintext=b"x")
    people.delete_role()
    assert kms.list_grants(KeyId=key)["Grants"][0]["GranteePrincipal"].startswith("AROA")
    people.make_role()
    refused("AccessDeniedException", 400, people.role_kms().encrypt, KeyId=key, Plaintext=b"x")
    shown = kms.list_grants(KeyId=key)["Grants"][0]["GranteePrincipal"]
    assert shown.startswith("AROA")
    assert len(kms.list_grants(KeyId=key, GranteePrincipal=shown)["Grants"]) == 1
    assert kms.list_grants(KeyId=key, GranteePrincipal=people.role_arn)["Grants"] == []


def test_a_retiring_principal_retires_by_token(kms, key, people):
    grant = kms.create_grant(KeyId=key, GranteePrincipal=people.user_arn, Operations=["Encrypt"],
                             RetiringPrincipal=people.role_arn)
    mine = kms.list_retirable_grants(RetiringPrincipal=people.role_arn)["Grants"]
    assert [g["GrantId"] for g in mine] == [grant["GrantId"]]
    refused("AccessDeniedException", 400, people.user_kms().retire_grant, GrantToken=grant["GrantToken"])
    forged = grant["GrantToken"][:-8] + ("AAAAAAA=" if grant["GrantToken"].endswith("=") else "AAAAAAAA")
    refused("InvalidGrantTokenException", 400, people.role_kms().retire_grant, GrantToken=forged)
    people.role_kms().retire_grant(GrantToken=grant["GrantToken"])
    refused("AccessDeniedException", 400, people.user_kms().encrypt, KeyId=key, Plaintext=b"x")


def test_a_session_policy_limits_a_role_s_grant(kms, key, people):
    kms.create_grant(KeyId=key, GranteePrincipal=people.role_arn, Operations=["Encrypt", "Decrypt"])
    within = people.role_kms(Policy=policy(allow("kms:Encrypt")))
    within.encrypt(KeyId=key, Plaintext=b"x")
    blob = people.role_kms().encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    refused("AccessDeniedException", 400, within.decrypt, CiphertextBlob=blob)


def test_s3_uses_a_key_by_its_caller_s_grant(server, kms, key):
    s3, bucket = server.client("s3"), "b-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=bucket)
    user = server.user(allow(["s3:PutObject", "s3:GetObject"]))
    arn = server.client("iam").get_user(UserName=user["UserName"])["User"]["Arn"]
    theirs = server.client("s3", user)
    put = {"Bucket": bucket, "Key": "k", "Body": b"x", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    with pytest.raises(ClientError):
        theirs.put_object(**put)
    grant = kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["GenerateDataKey", "Decrypt"],
                             Constraints={"EncryptionContextSubset": {"aws:s3:arn": f"arn:aws:s3:::{bucket}/k"}})
    theirs.put_object(**put)
    assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    with pytest.raises(ClientError):
        theirs.put_object(**{**put, "Key": "other"})
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    with pytest.raises(ClientError):
        theirs.get_object(Bucket=bucket, Key="k")


def test_asymmetric_and_hmac_keys_have_their_own_operations(kms, people):
    rsa = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
    mac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    to = {"GranteePrincipal": people.role_arn}
    refused("ValidationException", 400, kms.create_grant, KeyId=rsa, Operations=["GenerateDataKey"], **to)
    refused("ValidationException", 400, kms.create_grant, KeyId=rsa, Operations=["Sign"], **to)
    refused("ValidationException", 400, kms.create_grant, KeyId=mac, Operations=["Encrypt"], **to)
    refused("ValidationException", 400, kms.create_grant, KeyId=rsa, Operations=["Encrypt"],
            Constraints={"EncryptionContextEquals": {"a": "b"}}, **to)
    kms.create_grant(KeyId=mac, Operations=["GenerateMac", "VerifyMac"], **to)
    ops = people.role_kms()
    refused("AccessDeniedException", 400, ops.get_public_key, KeyId=rsa)
    kms.create_grant(KeyId=rsa, Operations=["GetPublicKey", "Encrypt"], **to)
    ops.get_public_key(KeyId=rsa)
    ops.encrypt(KeyId=rsa, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    refused("AccessDeniedException", 400, ops.decrypt, KeyId=rsa, CiphertextBlob=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")


def test_the_trail_has_grants_and_no_tokens(server, kms, key, people):
    grant = kms.create_grant(KeyId=key, GranteePrincipal=people.role_arn, Operations=["Encrypt"])
    refused("AccessDeniedException", 400, people.user_kms().create_grant, KeyId=key, GranteePrincipal=people.user_arn,
            Operations=["Decrypt"])
    kms.retire_grant(GrantToken=grant["GrantToken"])
    found = events(server.client("cloudtrail"), 4, key)
    made = [e for e in found if e["eventName"] == "CreateGrant" and "errorCode" not in e][0]
    assert made["requestParameters"]["granteePrincipal"] == people.role_arn
    assert made["responseElements"]["grantId"] == grant["GrantId"]
    assert [e["errorCode"] for e in found if e["eventName"] == "CreateGrant" and "errorCode" in e] == ["AccessDenied"]
    retired = [e for e in found if e["eventName"] == "RetireGrant"][0]
    assert retired["additionalEventData"]["grantId"] == grant["GrantId"]
    assert grant["GrantToken"] not in json.dumps(found)
