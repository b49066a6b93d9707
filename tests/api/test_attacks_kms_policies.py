"""Ways around a key's policy, and ways to lock oneself out of it: policies without a way back, half of what another account needs, services
that are none, aliases that move, and what a dry run might tell."""
import collections
import concurrent.futures
import json
import threading
import uuid

import pytest
import raw
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, code, deny, eventually, policy
from kms_attacked import OTHER, SECRET, server, witness  # noqa: F401
from kmsraw import Kms, Refused
from witness import Witness

ROOT, THEM = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"AWS": f"arn:aws:iam::{OTHER}:root"}
DENIED = "AccessDeniedException"
LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."
NOBODY = {"AWS": "arn:aws:iam::999999999999:root"}  # an account that is not here


def user_of(server, *statements):
    keys = server.user(*statements)
    return f"arn:aws:iam::{ACCOUNT}:user/{keys['UserName']}", server.client("kms", keys)


def default_policy(client, key):
    return client.get_key_policy(KeyId=key, PolicyName="default")["Policy"]


# ---- locked out ------------------------------------------------------------------------------------------------------


def lockouts(me):
    """Key policies under which `me`, who puts them, could not put another one."""
    mine = {"AWS": me}
    every = allow("kms:*", Principal=mine)
    return {
        "all but that": policy(allow(["kms:Encrypt", "kms:Decrypt", "kms:Describe*"], Principal=mine)),
        "all but that by NotAction": policy({"Effect": "Allow", "Principal": mine, "NotAction": "kms:PutKeyPolicy", "Resource": "*"}),
        "another account's": policy(allow("kms:*", Principal=THEM)),
        "an account's that is not here": policy(allow("kms:*", Principal=NOBODY)),
        "another user's": policy(allow("kms:*", Principal={"AWS": "BOSS"})),
        "allowed and denied": policy(every, deny("kms:PutKeyPolicy", Principal=mine)),
        "allowed and denied to all": policy(every, deny("kms:*", Principal="*")),
        "allowed, denied to all but another": policy(every, {"Effect": "Deny", "NotPrincipal": THEM, "Action": "kms:PutKeyPolicy", "Resource": "*"}),
        "denied by case": policy(every, deny("KMS:putkeypolicy", Principal=mine)),
        "denied by wildcard": policy(every, deny("kms:Put*", Principal=mine)),
        "denied by all but reading": policy(every, {"Effect": "Deny", "Principal": "*", "NotAction": ["kms:Get*", "kms:Describe*"], "Resource": "*"}),
        "allowed with MFA": policy(allow("kms:*", Principal=mine, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
        "allowed elsewhere": policy(allow("kms:*", Principal=mine, Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
        "allowed once": policy(allow("kms:*", Principal=mine, Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})),
        "allowed to another account's callers": policy(allow("kms:*", Principal=mine, Condition={"StringEquals": {"kms:CallerAccount": OTHER}})),
        "allowed through a service": policy(allow("kms:*", Principal=mine, Condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}})),
        "on another key": policy(allow("kms:*", "arn:aws:kms:us-east-1:111122223333:key/0a0a0a0a-0000-4000-8000-000000000000", Principal=mine)),
        "denied when bypassed or not": policy(every, deny("kms:PutKeyPolicy", Principal="*", Condition={"BoolIfExists": {"kms:BypassPolicyLockoutSafetyCheck": "false"}})),
        "a service's": policy(allow("kms:*", Principal={"Service": "s3.amazonaws.com"})),
    }


KINDS = list(lockouts("x"))


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_locks_himself_out_by_accident(server, kms, key, witness, kind):
    boss, _ = user_of(server)
    me, mine = user_of(server, allow("kms:*"))
    written = lockouts(me)[kind].replace("BOSS", boss)
    before = default_policy(kms, key)
    assert witness.refuses("MalformedPolicyDocumentException", 400, mine.put_key_policy, by=me, KeyId=key, PolicyName="default", Policy=written) == LOCKED_OUT
    assert witness.refuses("MalformedPolicyDocumentException", 400, mine.create_key, by=me, Policy=written) == LOCKED_OUT
    assert default_policy(kms, key) == before
    if "bypassed" in kind:
        return
    mine.put_key_policy(KeyId=key, PolicyName="default", Policy=written, BypassPolicyLockoutSafetyCheck=True)  # who says so may
    witness.refuses(DENIED, 400, mine.put_key_policy, by=me, KeyId=key, PolicyName="default", Policy=before)
    with pytest.raises(ClientError) as e:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=before)  # and nobody is above it, not even root
    assert code(e)[0] == DENIED


def test_delegation_is_a_way_back(server, kms, key):
    """Where the account decides, its administrators can: that locks nobody out."""
    me, mine = user_of(server, allow("kms:*"))
    for good in (policy(allow("kms:*", Principal=ROOT)), policy(allow("kms:*", Principal={"AWS": ACCOUNT})),
                 policy(allow("kms:PutKeyPolicy", Principal=ROOT)), policy(allow("kms:*", Principal={"AWS": [me, THEM["AWS"]]})),
                 policy(allow("kms:*", Principal="*"), deny("kms:PutKeyPolicy", Principal=THEM))):
        mine.put_key_policy(KeyId=key, PolicyName="default", Policy=good)
        mine.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(allow("kms:*", Principal=ROOT)))


def test_the_bypass_can_be_forbidden(server, kms, key, witness):
    forbids = deny(["kms:PutKeyPolicy", "kms:CreateKey"], Condition={"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}})
    me, mine = user_of(server, allow("kms:*"), forbids)
    locking = policy(allow("kms:*", Principal=THEM))
    good = policy(allow("kms:*", Principal=ROOT))
    put = {"KeyId": key, "PolicyName": "default"}
    for written in (locking, good):
        witness.refuses(DENIED, 400, mine.put_key_policy, by=me, Policy=written, BypassPolicyLockoutSafetyCheck=True, **put)
        witness.refuses(DENIED, 400, mine.create_key, by=me, Policy=written, BypassPolicyLockoutSafetyCheck=True)
    witness.refuses("MalformedPolicyDocumentException", 400, mine.put_key_policy, by=me, Policy=locking, **put)
    mine.put_key_policy(Policy=good, BypassPolicyLockoutSafetyCheck=False, **put)
    mine.put_key_policy(Policy=good, **put)
    mine.create_key(Policy=good)
    needs, only = user_of(server, allow("kms:*", Condition={"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "false"}}))
    only.put_key_policy(Policy=good, BypassPolicyLockoutSafetyCheck=False, **put)
    silent, without = user_of(server, allow("kms:*", Condition={"Null": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}))
    without.put_key_policy(Policy=good, **put)
    witness.refuses(DENIED, 400, without.put_key_policy, by=silent, Policy=good, BypassPolicyLockoutSafetyCheck=True, **put)
    witness.refuses(DENIED, 400, only.put_key_policy, by=needs, Policy=good, BypassPolicyLockoutSafetyCheck=True, **put)


# ---- who the key policy does not know --------------------------------------------------------------------------------


def test_without_delegation_iam_is_nothing_not_even_root_s(server, kms, key, witness):
    admin, everything = user_of(server, allow("*"))
    me, _ = user_of(server)
    blob = kms.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    kms.put_key_policy(KeyId=key, PolicyName="default", BypassPolicyLockoutSafetyCheck=True, Policy=policy(allow("kms:*", Principal={"AWS": me})))
    for client, arn in ((everything, admin), (kms, ROOT["AWS"])):
        for call, more in ((client.encrypt, {"KeyId": key, "Plaintext": SECRET}), (client.decrypt, {"CiphertextBlob": blob}),
                           (client.describe_key, {"KeyId": key}), (client.get_key_policy, {"KeyId": key, "PolicyName": "default"}),
                           (client.put_key_policy, {"KeyId": key, "PolicyName": "default", "Policy": policy(allow("kms:*", Principal=ROOT))}),
                           (client.schedule_key_deletion, {"KeyId": key}), (client.disable_key, {"KeyId": key}),
                           (client.create_grant, {"KeyId": key, "GranteePrincipal": admin, "Operations": ["Decrypt"]}),
                           (client.create_alias, {"AliasName": "alias/a" + uuid.uuid4().hex, "TargetKeyId": key}),
                           (client.tag_resource, {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "b"}]})):
            text = witness.refuses(DENIED, 400, call, by=arn, **more)
            assert "no resource-based policy allows" in text, text


# ---- another account -------------------------------------------------------------------------------------------------


def test_another_account_needs_both_halves(server, kms, key):
    theirs_iam = server.client("iam", server.other)
    name = "cid-" + uuid.uuid4().hex[:6]
    theirs_iam.create_user(UserName=name)
    arn = f"arn:aws:iam::{OTHER}:user/{name}"
    cid = server.client("kms", theirs_iam.create_access_key(UserName=name)["AccessKey"])
    blob = kms.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    seen = Witness(server, server.client("cloudtrail", server.other))
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    alias = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/{name}"
    asks = [(cid.encrypt, {"KeyId": key, "Plaintext": SECRET}), (cid.encrypt, {"KeyId": alias, "Plaintext": SECRET}), (cid.decrypt, {"CiphertextBlob": blob}),
            (cid.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}), (cid.describe_key, {"KeyId": key}), (cid.describe_key, {"KeyId": alias})]

    def put(*statements):
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(allow("kms:*", Principal=ROOT), *statements))

    def all_refused():
        for call, more in asks:
            seen.refuses(DENIED, 400, call, by=arn, **more)

    all_refused()  # neither half
    theirs_iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("kms:*")))
    all_refused()  # his account's
    for principal in ({"AWS": arn}, THEM):
        theirs_iam.delete_user_policy(UserName=name, PolicyName="p")
        put(allow("kms:*", Principal=principal))
        all_refused()  # the key's
        theirs_iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("kms:*", "arn:aws:kms:us-east-1:*:key/" + key[-36:])))
        for call, more in asks:  # both
            call(**more)
        put(allow("kms:*", Principal=principal), deny("kms:*", Principal=principal))
        all_refused()
        put()
        all_refused()  # and from the next request on
    put(allow("kms:*", Principal=THEM))
    for call, more in ((cid.disable_key, {}), (cid.put_key_policy, {"PolicyName": "default", "Policy": policy(allow("kms:*", Principal=THEM))}),
                       (cid.get_key_policy, {"PolicyName": "default"}), (cid.schedule_key_deletion, {}), (cid.update_key_description, {"Description": "x"}),
                       (cid.tag_resource, {"Tags": [{"TagKey": "a", "TagValue": "b"}]}), (cid.enable_key_rotation, {}), (cid.list_key_policies, {})):
        seen.refuses(DENIED, 400, call, by=arn, KeyId=key, **more)  # never, whatever the policies say
    told = json.dumps(seen.verify())
    assert SECRET.decode() not in told


# ---- services that are none ------------------------------------------------------------------------------------------


def test_nobody_says_he_is_a_service(server, kms, key, witness):
    """kms:ViaService comes from who asks inside, not from anything a client sends."""
    me, mine = user_of(server, allow("kms:*", key, Condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}), allow("s3:*"))
    witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=key, Plaintext=SECRET)
    keys = mine._request_signer._credentials
    body = json.dumps({"KeyId": key, "Plaintext": "eA==", "ViaService": "s3.us-east-1.amazonaws.com", "kms:ViaService": "s3.us-east-1.amazonaws.com"})
    with raw.Wire(server) as wire:
        for name in ("X-Amz-Source-Service", "X-Amz-Via-Service", "Via", "X-Amz-Invoked-By", "X-Forwarded-For", "X-Amz-Via-AWS-Service", "X-Amz-Source-Arn",
                     "X-Amz-Kms-ViaService", "User-Agent", "X-Amzn-Principal"):
            wire.send(raw.request(wire.host, "kms", "POST", "/", [
                ("X-Amz-Target", "TrentService.Encrypt"), ("Content-Type", "application/x-amz-json-1.1"), (name, "s3.us-east-1.amazonaws.com")],
                body.encode(), who=(keys.access_key, keys.secret_key)))
            witness.refused(DENIED, 400, wire.recv(), by=me, what=name)
    s3 = server.client("s3", dict(AccessKeyId=keys.access_key, SecretAccessKey=keys.secret_key))
    bucket = "b-" + uuid.uuid4().hex[:10]
    server.client("s3").create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    managed = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]
    for name in ("alias/aws/s3", managed):
        witness.refuses(DENIED, 400, kms.encrypt, KeyId=name, Plaintext=SECRET)
        witness.refuses(DENIED, 400, kms.generate_data_key, KeyId=name, KeySpec="AES_256", EncryptionContext={"aws:s3:arn": f"arn:aws:s3:::{bucket}/k"})
    for call, more in ((kms.put_key_policy, {"PolicyName": "default", "Policy": policy(allow("kms:*", Principal=ROOT))}), (kms.disable_key, {}),
                       (kms.schedule_key_deletion, {}), (kms.create_grant, {"GranteePrincipal": ROOT["AWS"], "Operations": ["Decrypt"]}),
                       (kms.update_key_description, {"Description": "x"}), (kms.tag_resource, {"Tags": [{"TagKey": "a", "TagValue": "b"}]})):
        with pytest.raises(ClientError) as e:
            call(KeyId=managed, **more)
        assert code(e)[0] in (DENIED, "UnsupportedOperationException"), call


# ---- aliases ---------------------------------------------------------------------------------------------------------


def test_an_alias_condition_is_about_the_name_that_was_used(server, kms, key, witness):
    alias, own = (f"alias/{n}-{uuid.uuid4().hex[:6]}" for n in ("blessed", "own"))
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    me, mine = user_of(server, allow(["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], Condition={"StringEquals": {"kms:RequestAlias": alias}}))
    blob = mine.encrypt(KeyId=alias, Plaintext=SECRET)["CiphertextBlob"]
    assert mine.decrypt(CiphertextBlob=blob, KeyId=f"arn:aws:kms:us-east-1:{ACCOUNT}:{alias}")["Plaintext"] == SECRET
    kms.create_alias(AliasName=own, TargetKeyId=key)
    for name in (key, key[-36:], own, own.replace("alias/", f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/")):
        witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=name, Plaintext=SECRET)
    witness.refuses(DENIED, 400, mine.decrypt, by=me, CiphertextBlob=blob)
    for name in (alias.upper(), alias.replace("alias/", "Alias/"), alias + " ", alias + "/", "alias//" + alias[6:]):
        with pytest.raises(ClientError) as e:
            mine.encrypt(KeyId=name, Plaintext=SECRET)
        assert code(e)[0] in ("NotFoundException", "ValidationException", "InvalidArnException"), name
    # an alias that points to another key takes its name along, and the key it left is out of reach
    other = kms.create_key()["KeyMetadata"]["Arn"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    witness.refuses("IncorrectKeyException", 400, mine.decrypt, by=me, CiphertextBlob=blob, KeyId=alias)
    assert mine.encrypt(KeyId=alias, Plaintext=SECRET)["KeyId"] == other
    kms.delete_alias(AliasName=alias)
    assert witness.refuses("NotFoundException", 400, mine.encrypt, by=me, KeyId=alias, Plaintext=SECRET).endswith(f":{alias} is not found.")


def test_who_may_move_aliases_gains_no_key_by_it(server, kms, key, witness):
    """kms:ResourceAliases follows the key's aliases as they are now; moving one takes the right to both keys."""
    alias = f"alias/project-{uuid.uuid4().hex[:6]}"
    mine_key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=alias, TargetKeyId=mine_key)
    by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    me, mine = user_of(server, allow("kms:*", Condition=by_alias), allow("kms:*Alias", [f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/*", mine_key]))
    mine.encrypt(KeyId=mine_key, Plaintext=SECRET)
    witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=key, Plaintext=SECRET)
    witness.refuses(DENIED, 400, mine.update_alias, by=me, AliasName=alias, TargetKeyId=key)
    witness.refuses(DENIED, 400, mine.create_alias, by=me, AliasName=alias + "2", TargetKeyId=key)
    mine.delete_alias(AliasName=alias)
    witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=mine_key, Plaintext=SECRET)
    witness.refuses(DENIED, 400, mine.create_alias, by=me, AliasName=alias, TargetKeyId=key)
    mine.create_alias(AliasName=alias, TargetKeyId=mine_key)  # that alias and that key were his
    mine.encrypt(KeyId=mine_key, Plaintext=SECRET)


def test_an_alias_that_moves_during_a_request_moves_no_right(server, kms):
    """Who may use one key and not the other, asking by an alias that goes back and forth: what is used is what was allowed."""
    allowed, forbidden = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    alias = f"alias/moves-{uuid.uuid4().hex[:6]}"
    kms.create_alias(AliasName=alias, TargetKeyId=allowed)
    _, mine = user_of(server, allow("kms:Encrypt", allowed))
    seen, stop = collections.Counter(), threading.Event()

    def use(_):
        while not stop.is_set():
            try:
                seen[mine.encrypt(KeyId=alias, Plaintext=b"x")["KeyId"]] += 1
            except ClientError as e:
                assert code(e)[0] == DENIED and forbidden in str(e)
                seen["refused"] += 1

    def move():
        for target in (forbidden, allowed):
            kms.update_alias(AliasName=alias, TargetKeyId=target)
        return min(seen[allowed], seen["refused"]) >= 20 or any(r.done() for r in running)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(use, n) for n in range(4)]
        try:
            eventually(move)
        finally:
            stop.set()
        for r in running:
            r.result()
    assert set(seen) == {allowed, "refused"}


# ---- a dry run tells no more -----------------------------------------------------------------------------------------


DRY = {"Encrypt": {"Plaintext": "eA=="}, "GenerateDataKey": {"KeySpec": "AES_256"}, "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
       "GenerateDataKeyPair": {"KeyPairSpec": "ECC_NIST_P256"}, "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "ECC_NIST_P256"}}


def test_a_dry_run_answers_with_nothing_but_whether(server, kms, key):
    ask = Kms(server)
    blob = kms.encrypt(KeyId=key, Plaintext=SECRET, EncryptionContext={"a": "b"})["CiphertextBlob"]
    for operation, members in DRY.items():
        assert "DryRun" in ask.refuses("DryRunOperationException", operation, KeyId=key, DryRun=True, **members)
    ask.refuses("DryRunOperationException", "Decrypt", CiphertextBlob=blob, EncryptionContext={"a": "b"}, DryRun=True)
    ask.refuses("DryRunOperationException", "ReEncrypt", CiphertextBlob=blob, SourceEncryptionContext={"a": "b"}, DestinationKeyId=key, DryRun=True)
    sign = ask("CreateKey", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    mac = ask("CreateKey", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    how = {"KeyId": sign, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    made = ask("Sign", **how)["Signature"]
    ask.refuses("DryRunOperationException", "Sign", DryRun=True, **how)
    ask.refuses("DryRunOperationException", "Verify", DryRun=True, Signature=made, **how)
    how = {"KeyId": mac, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
    made = ask("GenerateMac", **how)["Mac"]
    ask.refuses("DryRunOperationException", "GenerateMac", DryRun=True, **how)
    ask.refuses("DryRunOperationException", "VerifyMac", DryRun=True, Mac=made, **how)


def test_a_dry_run_is_refused_like_the_call(server, kms, key):
    """Without permission, and in each state: the same words as without it."""
    keys = server.user()
    stranger = Kms(type("As", (), {"root": (keys["AccessKeyId"], keys["SecretAccessKey"]), "http_url": server.http_url}))
    root = Kms(server)
    blob = kms.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]

    def same(ask, operation, **members):
        words = set()
        for dry in (True, False):
            with pytest.raises(Refused) as e:
                ask(operation, DryRun=dry, **members)
            words.add((e.value.code, e.value.text))
        assert len(words) == 1 and "DryRun" not in str(words)
    asks = [(o, {"KeyId": key, **m}) for o, m in DRY.items()] + [("Decrypt", {"CiphertextBlob": blob}), ("ReEncrypt", {"CiphertextBlob": blob, "DestinationKeyId": key})]
    for operation, members in asks:
        same(stranger, operation, **members)
    for change in (kms.disable_key, kms.schedule_key_deletion):
        change(KeyId=key)
        for operation, members in asks:
            same(root, operation, **members)
    same(root, "Encrypt", KeyId="alias/none", Plaintext="eA==")
    same(root, "Decrypt", CiphertextBlob=blob[:-1])
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=other, Plaintext=SECRET)["CiphertextBlob"]
    same(root, "Decrypt", CiphertextBlob=sealed, EncryptionContext={"a": "b"})
    same(root, "ReEncrypt", CiphertextBlob=sealed, SourceEncryptionContext={"a": "b"}, DestinationKeyId=other)
