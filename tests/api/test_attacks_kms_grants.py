"""Grants stretched, lent, passed on, used after their end and asked for under other names. What a grant does not say it does not give,
from the next request on, and each attempt is in the trail."""
import concurrent.futures
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, deny, policy
from kms_attacked import OTHER, SECRET, server, witness  # noqa: F401
from kmsraw import Kms
from witness import Witness

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
DENIED, NO_TOKEN, GONE = "AccessDeniedException", "InvalidGrantTokenException", "NotFoundException"


class Person:
    """A user with no policy of his own, and what he can ask for."""

    def __init__(self, server, *statements):
        keys = server.user(*statements)
        self.arn = f"arn:aws:iam::{ACCOUNT}:user/{keys['UserName']}"
        self.keys, self.kms = keys, server.client("kms", keys)


@pytest.fixture
def ann(server):
    return Person(server)


@pytest.fixture
def bob(server):
    return Person(server)


def granted(kms, key, who, *operations, **more):
    made = kms.create_grant(KeyId=key, GranteePrincipal=getattr(who, "arn", who), Operations=list(operations), **more)
    return made["GrantId"], made["GrantToken"]


# ---- more than it says -----------------------------------------------------------------------------------------------


USES = {
    "Encrypt": ("encrypt", {"Plaintext": SECRET}),
    "GenerateDataKey": ("generate_data_key", {"KeySpec": "AES_256"}),
    "GenerateDataKeyWithoutPlaintext": ("generate_data_key_without_plaintext", {"KeySpec": "AES_256"}),
    "GenerateDataKeyPair": ("generate_data_key_pair", {"KeyPairSpec": "ECC_NIST_P256"}),
    "GenerateDataKeyPairWithoutPlaintext": ("generate_data_key_pair_without_plaintext", {"KeyPairSpec": "ECC_NIST_P256"}),
    "DescribeKey": ("describe_key", {}),
}
NEVER = {
    "disable_key": {}, "enable_key": {}, "schedule_key_deletion": {"PendingWindowInDays": 7}, "cancel_key_deletion": {}, "list_grants": {},
    "put_key_policy": {"PolicyName": "default", "Policy": "{}"}, "get_key_policy": {"PolicyName": "default"}, "list_key_policies": {},
    "update_key_description": {"Description": "mine"}, "list_resource_tags": {}, "enable_key_rotation": {}, "get_key_rotation_status": {},
    "tag_resource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]}, "untag_resource": {"TagKeys": ["a"]}, "revoke_grant": {"GrantId": "a" * 64},
}


@pytest.mark.parametrize("operation", USES)
def test_one_operation_is_no_other(kms, key, ann, witness, operation):
    granted(kms, key, ann, operation)
    blob = kms.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    for name, (call, more) in USES.items():
        if name == operation:
            getattr(ann.kms, call)(KeyId=key, **more)
        else:
            text = witness.refuses(DENIED, 400, getattr(ann.kms, call), by=ann.arn, KeyId=key, **more)
            assert f"User: {ann.arn} is not authorized to perform: kms:{name} on resource: {key}" in text
    witness.refuses(DENIED, 400, ann.kms.decrypt, by=ann.arn, CiphertextBlob=blob)
    witness.refuses(DENIED, 400, ann.kms.re_encrypt, by=ann.arn, CiphertextBlob=blob, DestinationKeyId=key)


def test_all_operations_are_no_administration(kms, key, ann, witness):
    granted(kms, key, ann, "Encrypt", "Decrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo", "CreateGrant", "RetireGrant", "DescribeKey")
    for call, more in NEVER.items():
        witness.refuses(DENIED, 400, getattr(ann.kms, call), by=ann.arn, KeyId=key, **more)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_half_of_reencrypt_is_none_of_it(kms, key, ann, witness):
    other = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    ask = {"CiphertextBlob": blob, "DestinationKeyId": other}
    granted(kms, key, ann, "ReEncryptFrom")
    witness.refuses(DENIED, 400, ann.kms.re_encrypt, by=ann.arn, **ask)
    granted(kms, other, ann, "ReEncryptFrom")
    witness.refuses(DENIED, 400, ann.kms.re_encrypt, by=ann.arn, **ask)
    granted(kms, other, ann, "ReEncryptTo")
    moved = ann.kms.re_encrypt(**ask)["CiphertextBlob"]
    witness.refuses(DENIED, 400, ann.kms.decrypt, by=ann.arn, CiphertextBlob=moved)
    witness.refuses(DENIED, 400, ann.kms.re_encrypt, by=ann.arn, CiphertextBlob=moved, DestinationKeyId=key)


CONSTRAINED = {
    "EncryptionContextSubset": {"no": [{}, {"app": "other"}, {"app": "Shop"}, {"app": ""}, {"order": "7"}, {"app ": "shop"}, {"shop": "app"},
                                       {"order": "app=shop"}, {"app": "shop\0"}],
                                "yes": [{"app": "shop"}, {"app": "shop", "order": "7"}]},
    "EncryptionContextEquals": {"no": [{}, {"app": "other"}, {"app": "shop", "order": "7"}, {"app": "shop", "": ""}, {"app": "Shop"}],
                                "yes": [{"app": "shop"}]},
}


@pytest.mark.parametrize("kind", CONSTRAINED)
def test_a_constraint_holds_for_every_use(kms, key, ann, witness, kind):
    _, token = granted(kms, key, ann, "Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyPair", "ReEncryptFrom", "ReEncryptTo", "DescribeKey",
                       Constraints={kind: {"app": "shop"}})
    for context in CONSTRAINED[kind]["no"]:
        blob = kms.encrypt(KeyId=key, Plaintext=SECRET, EncryptionContext=context)["CiphertextBlob"]
        asks = [(ann.kms.encrypt, {"KeyId": key, "Plaintext": SECRET}), (ann.kms.decrypt, {"CiphertextBlob": blob}),
                (ann.kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
                (ann.kms.generate_data_key_pair, {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"})]
        for call, more in asks:
            witness.refuses(DENIED, 400, call, by=ann.arn, EncryptionContext=context, **more)
            witness.refuses(DENIED, 400, call, by=ann.arn, EncryptionContext=context, GrantTokens=[token], **more)
        witness.refuses(DENIED, 400, ann.kms.re_encrypt, by=ann.arn, CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=key,
                        DestinationEncryptionContext={"app": "shop"})
        good = kms.encrypt(KeyId=key, Plaintext=SECRET, EncryptionContext={"app": "shop"})["CiphertextBlob"]
        witness.refuses(DENIED, 400, ann.kms.re_encrypt, by=ann.arn, CiphertextBlob=good, SourceEncryptionContext={"app": "shop"},
                        DestinationKeyId=key, DestinationEncryptionContext=context)
        # the right context for the policy is the wrong one for the blob
        witness.refuses("InvalidCiphertextException", 400, ann.kms.decrypt, by=ann.arn, CiphertextBlob=blob, EncryptionContext={"app": "shop"})
    for context in CONSTRAINED[kind]["yes"]:
        blob = ann.kms.encrypt(KeyId=key, Plaintext=SECRET, EncryptionContext=context)["CiphertextBlob"]
        assert ann.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == SECRET


# ---- passed on --------------------------------------------------------------------------------------------------------


CHILDREN = {
    "an operation more": {"Operations": ["Encrypt", "Decrypt"]},
    "another operation": {"Operations": ["Decrypt"]},
    "no constraint": {"Constraints": {}},
    "no constraint at all": {"Constraints": None},
    "a constraint of another value": {"Constraints": {"EncryptionContextSubset": {"app": "other"}}},
    "a constraint beside it": {"Constraints": {"EncryptionContextSubset": {"order": "7"}}},
    "equals another": {"Constraints": {"EncryptionContextEquals": {"order": "7"}}},
    "in another case": {"Constraints": {"EncryptionContextSubset": {"app": "SHOP"}}},
}


@pytest.mark.parametrize("child", CHILDREN.values(), ids=CHILDREN.keys())
def test_nobody_passes_on_more_than_he_has(kms, key, ann, bob, witness, child):
    _, token = granted(kms, key, ann, "Encrypt", "CreateGrant", Constraints={"EncryptionContextSubset": {"app": "shop"}})
    ask = {"KeyId": key, "GranteePrincipal": bob.arn, "Operations": ["Encrypt"], "Constraints": {"EncryptionContextSubset": {"app": "shop"}}, **child}
    if ask["Constraints"] is None:
        del ask["Constraints"]
    witness.refuses(DENIED, 400, ann.kms.create_grant, by=ann.arn, **ask)
    witness.refuses(DENIED, 400, ann.kms.create_grant, by=ann.arn, GrantTokens=[token], **ask)
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1
    witness.refuses(DENIED, 400, bob.kms.encrypt, by=bob.arn, KeyId=key, Plaintext=SECRET, EncryptionContext={"app": "shop"})


def test_a_grantee_makes_grants_on_that_key_alone(kms, key, ann, bob, witness):
    other = kms.create_key()["KeyMetadata"]["Arn"]
    _, token = granted(kms, key, ann, "Encrypt", "CreateGrant")
    ask = {"GranteePrincipal": bob.arn, "Operations": ["Encrypt"]}
    witness.refuses(DENIED, 400, ann.kms.create_grant, by=ann.arn, KeyId=other, **ask)
    witness.refuses(DENIED, 400, ann.kms.create_grant, by=ann.arn, KeyId=other, GrantTokens=[token], **ask)
    passed = ann.kms.create_grant(KeyId=key, **ask)
    bob.kms.encrypt(KeyId=key, Plaintext=SECRET)
    witness.refuses(DENIED, 400, bob.kms.create_grant, by=bob.arn, KeyId=key, GranteePrincipal=ann.arn, Operations=["Encrypt"])
    witness.refuses(DENIED, 400, ann.kms.revoke_grant, by=ann.arn, KeyId=key, GrantId=passed["GrantId"])
    witness.refuses(DENIED, 400, ann.kms.list_grants, by=ann.arn, KeyId=key)


def test_two_grants_are_not_one(kms, key, ann, bob, witness):
    """The operations of the one with the freedom of the other: neither allows it."""
    granted(kms, key, ann, "Encrypt", Constraints={"EncryptionContextSubset": {"app": "shop"}})
    granted(kms, key, ann, "DescribeKey", "CreateGrant")
    witness.refuses(DENIED, 400, ann.kms.encrypt, by=ann.arn, KeyId=key, Plaintext=SECRET)
    witness.refuses(DENIED, 400, ann.kms.create_grant, by=ann.arn, KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"],
                    Constraints={"EncryptionContextSubset": {"app": "shop"}})


def test_who_may_make_grants_is_judged_by_what_they_say(server, kms, key, ann, witness):
    """kms:GrantOperations, kms:GrantConstraintType, kms:GranteePrincipal, kms:GrantIsForAWSResource: none has a way around it."""
    bounded = {"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "Decrypt"]}, "StringEquals": {
        "kms:GrantConstraintType": "EncryptionContextSubset", "kms:GranteePrincipal": ann.arn}}
    maker = Person(server, allow("kms:CreateGrant", key, Condition=bounded))
    service = Person(server, allow("kms:CreateGrant", key, Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}}))
    good = {"KeyId": key, "GranteePrincipal": ann.arn, "Operations": ["Encrypt"], "Constraints": {"EncryptionContextSubset": {"a": "b"}}}
    for change in ({"Operations": ["Encrypt", "CreateGrant"]}, {"Operations": ["DescribeKey"]}, {"GranteePrincipal": maker.arn},
                   {"Constraints": {"EncryptionContextEquals": {"a": "b"}}}, {"Constraints": {}}):
        witness.refuses(DENIED, 400, maker.kms.create_grant, by=maker.arn, **{**good, **change})
    witness.refuses(DENIED, 400, service.kms.create_grant, by=service.arn, **good)
    maker.kms.create_grant(**good)


# ---- ended ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["revoke", "retire by token", "retire by id"])
def test_an_ended_grant_is_gone_with_the_answer(kms, key, ann, bob, witness, end):
    for _ in range(5):
        grant, token = granted(kms, key, ann, "Encrypt", "Decrypt", "CreateGrant", "RetireGrant", RetiringPrincipal=bob.arn)
        blob = ann.kms.encrypt(KeyId=key, Plaintext=SECRET, GrantTokens=[token])["CiphertextBlob"]
        assert ann.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == SECRET
        if end == "revoke":
            kms.revoke_grant(KeyId=key, GrantId=grant)
        else:
            bob.kms.retire_grant(**({"GrantToken": token} if end == "retire by token" else {"KeyId": key, "GrantId": grant}))
        for tokens in ([], [token]):
            witness.refuses(DENIED, 400, ann.kms.decrypt, by=ann.arn, CiphertextBlob=blob, GrantTokens=tokens)
            witness.refuses(DENIED, 400, ann.kms.encrypt, by=ann.arn, KeyId=key, Plaintext=SECRET, GrantTokens=tokens)
            witness.refuses(DENIED, 400, ann.kms.create_grant, by=ann.arn, KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"], GrantTokens=tokens)
        assert witness.refuses(GONE, 400, kms.revoke_grant, KeyId=key, GrantId=grant) == f"Grant ID {grant} not found"
        witness.refuses(GONE, 400, bob.kms.retire_grant, by=bob.arn, GrantToken=token)


def test_revoking_under_load_ends_every_use(kms, key, ann):
    """Whoever asked after the answer to RevokeGrant was there is refused, on whichever thread and connection."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(6):
            grant, token = granted(kms, key, ann, "Encrypt")
            ended, after = [], []

            def use(_, ended=ended, after=after, token=token):
                for _ in range(12):
                    was_ended = bool(ended)
                    try:
                        ann.kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[token])
                        done = True
                    except ClientError as e:
                        assert e.response["Error"]["Code"] == DENIED
                        done = False
                    if was_ended:
                        after.append(done)
            running = [pool.submit(use, n) for n in range(7)]
            kms.revoke_grant(KeyId=key, GrantId=grant)
            ended.append(True)
            for r in running:
                r.result()
            use(0)
            assert after and not any(after)


# ---- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_gives_nothing_to_who_is_not_its_grantee(kms, key, ann, bob, witness):
    _, token = granted(kms, key, ann, "Encrypt", "Decrypt", "CreateGrant", "RetireGrant")
    blob = kms.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    for call, more in ((bob.kms.encrypt, {"KeyId": key, "Plaintext": SECRET}), (bob.kms.decrypt, {"CiphertextBlob": blob}),
                       (bob.kms.create_grant, {"KeyId": key, "GranteePrincipal": bob.arn, "Operations": ["Encrypt"]})):
        witness.refuses(DENIED, 400, call, by=bob.arn, GrantTokens=[token], **more)
    witness.refuses(DENIED, 400, bob.kms.retire_grant, by=bob.arn, GrantToken=token)
    assert kms.list_grants(KeyId=key)["Grants"], "and it was not retired"


def test_tokens_cut_changed_and_of_others_are_none(server, kms, key, witness):
    _, token = granted(kms, key, ROOT["AWS"], "Encrypt")
    theirs = server.client("kms", server.other)
    foreign_key = theirs.create_key()["KeyMetadata"]["Arn"]
    _, foreign = granted(theirs, foreign_key, f"arn:aws:iam::{OTHER}:root", "Encrypt")
    west = server.client("kms", region="us-west-2")
    _, far = granted(west, west.create_key()["KeyMetadata"]["Arn"], ROOT["AWS"], "Encrypt")
    swapped = foreign[:16] + token[16:]
    broken = [token[:-1], token[1:], token[:len(token) // 2], token + "A", token.swapcase(), token[::-1], swapped, foreign, far, "x", " ", "A" * 4096]
    broken += [token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1:] for i in range(0, len(token), 7)]
    for bad in broken:
        for tokens in ([bad], [token, bad], [bad, token]):
            if bad == token:
                continue
            witness.refuses(NO_TOKEN, 400, kms.encrypt, KeyId=key, Plaintext=SECRET, GrantTokens=tokens)
        witness.refuses(NO_TOKEN if bad not in (foreign,) else DENIED, 400, kms.retire_grant, GrantToken=bad)
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1 and len(theirs.list_grants(KeyId=foreign_key)["Grants"]) == 1


def test_an_explicit_deny_beats_a_grant_wherever_it_stands(server, kms, key, witness):
    denied = Person(server, deny("kms:Decrypt"))
    _, token = granted(kms, key, denied, "Encrypt", "Decrypt")
    blob = denied.kms.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    witness.refuses(DENIED, 400, denied.kms.decrypt, by=denied.arn, CiphertextBlob=blob)
    witness.refuses(DENIED, 400, denied.kms.decrypt, by=denied.arn, CiphertextBlob=blob, GrantTokens=[token])
    other = Person(server)
    _, token = granted(kms, key, other, "Encrypt", "Decrypt")
    other.kms.decrypt(CiphertextBlob=blob)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(
        allow("kms:*", Principal=ROOT), deny("kms:Decrypt", Principal={"AWS": other.arn})))
    witness.refuses(DENIED, 400, other.kms.decrypt, by=other.arn, CiphertextBlob=blob, GrantTokens=[token])
    other.kms.encrypt(KeyId=key, Plaintext=SECRET)


# ---- names ------------------------------------------------------------------------------------------------------------


def test_a_grant_is_for_whom_it_names_not_for_his_name(server, kms, key, ann, witness):
    """Made again under the same name, or asked for in another spelling: somebody else."""
    iam = server.client("iam")
    granted(kms, key, ann, "Encrypt")
    name = ann.keys["UserName"]
    iam.delete_access_key(UserName=name, AccessKeyId=ann.keys["AccessKeyId"])
    iam.delete_user(UserName=name)
    again = Person.__new__(Person)
    again.arn, again.keys = ann.arn, server.user(name=name)
    again.kms = server.client("kms", again.keys)
    witness.refuses(DENIED, 400, again.kms.encrypt, by=again.arn, KeyId=key, Plaintext=SECRET)
    for bad in (ann.arn.upper(), ann.arn.replace("user/", "role/"), ann.arn.replace(ACCOUNT, "000000000000"), "*", "arn:aws:iam::*:user/x",
                f"arn:aws:iam::{ACCOUNT}:user/*", f"arn:aws:iam::{ACCOUNT}:group/x", "AIDAEXAMPLE", name, ACCOUNT[:-1], "kms.amazonaws.com",
                ann.arn.replace("arn:aws:", "arn:aws-cn:"), ann.arn + "/", ann.arn + "\0", ann.arn + "\0x", ann.arn + " ", f"arn:aws:sts::{ACCOUNT}:assumed-role/x"):
        for member in ("GranteePrincipal", "RetiringPrincipal"):
            ask = {"GranteePrincipal": ROOT["AWS"], member: bad}
            with pytest.raises(ClientError) as e:
                kms.create_grant(KeyId=key, Operations=["Encrypt"], **ask)
            assert e.value.response["Error"]["Code"] in ("InvalidArnException", "ValidationException", "NotFoundException"), (bad, e.value)
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 1


def test_a_session_name_is_no_other_session(server, kms, key, witness):
    role = server.role(name="r-" + uuid.uuid4().hex[:8])
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role['RoleName']}/"
    granted(kms, key, arn + "another", "Encrypt")
    theirs = server.client("kms", role)
    witness.refuses(DENIED, 400, theirs.encrypt, by=arn + "session", KeyId=key, Plaintext=SECRET)
    granted(kms, key, arn + "session", "Encrypt")
    theirs.encrypt(KeyId=key, Plaintext=SECRET)


def test_grants_across_accounts_need_their_own_account_s_word(server, kms, key, witness):
    """A grant to an account leaves the rest to it; one to nobody's user of it gives nothing to another."""
    theirs_iam = server.client("iam", server.other)
    theirs_iam.create_user(UserName="cid")
    made = theirs_iam.create_access_key(UserName="cid")["AccessKey"]
    cid = server.client("kms", made)
    granted(kms, key, f"arn:aws:iam::{OTHER}:root", "Encrypt")
    seen = Witness(server, server.client("cloudtrail", server.other))
    seen.refuses(DENIED, 400, cid.encrypt, by=f"arn:aws:iam::{OTHER}:user/cid", KeyId=key, Plaintext=SECRET)
    theirs_iam.put_user_policy(UserName="cid", PolicyName="p", PolicyDocument=policy(allow("kms:Encrypt", key)))
    cid.encrypt(KeyId=key, Plaintext=SECRET)
    seen.refuses(DENIED, 400, cid.decrypt, by=f"arn:aws:iam::{OTHER}:user/cid", CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"])
    for call, more in ((cid.list_grants, {}), (cid.disable_key, {}), (cid.create_grant, {"GranteePrincipal": f"arn:aws:iam::{OTHER}:root", "Operations": ["Encrypt"]})):
        seen.refuses(DENIED, 400, call, KeyId=key, **more)
    seen.verify()


# ---- only tried --------------------------------------------------------------------------------------------------------


def test_a_dry_run_makes_and_ends_nothing_and_tells_no_more(server, kms, key, ann, bob, witness):
    ask = Kms(server)
    grant, token = granted(kms, key, ann, "Encrypt")
    before = kms.list_grants(KeyId=key)["Grants"]
    for operation, members in (("CreateGrant", {"GranteePrincipal": bob.arn, "Operations": ["Decrypt"]}), ("RevokeGrant", {"GrantId": grant}),
                               ("RetireGrant", {"GrantId": grant})):
        text = ask.refuses("DryRunOperationException", operation, KeyId=key, DryRun=True, **members)
        assert "would have succeeded" in text and grant not in text
    assert kms.list_grants(KeyId=key)["Grants"] == before
    ann.kms.encrypt(KeyId=key, Plaintext=SECRET)
    ask.server = type("As", (), {"root": (bob.keys["AccessKeyId"], bob.keys["SecretAccessKey"]), "http_url": server.http_url})
    for operation, members in (("CreateGrant", {"GranteePrincipal": bob.arn, "Operations": ["Decrypt"]}), ("RevokeGrant", {"GrantId": grant}),
                               ("RetireGrant", {"GrantId": grant}), ("Encrypt", {"Plaintext": SECRET})):
        said = {ask.refuses("AccessDeniedException", operation, KeyId=key, DryRun=dry, **members) for dry in (True, False)}
        assert len(said) == 1
