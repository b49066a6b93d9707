"""KMS as boto3 sees it: keys, aliases, states, contexts, policies, other accounts, pages, the trail."""
import base64
import concurrent.futures
import contextlib
import functools
import json
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, deny, events, move_clocks, policy, refused

MISSING = "0a0a0a0a-0000-4000-8000-000000000000"


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]


def delegated(account, *more):
    """A key policy that hands everything to the account's IAM, and more."""
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    return policy(allow("kms:*", Principal=root), *more)


@pytest.fixture
def later(fresh, monkeypatch):
    return functools.partial(move_clocks, fresh, monkeypatch)


# ---- keys ----------------------------------------------------------------------------


def test_a_new_key_is_described_in_full(server, kms):
    made = kms.create_key(Description="für Rechnungen", Tags=[{"TagKey": "team", "TagValue": "shop"}])["KeyMetadata"]
    assert made.pop("CreationDate")
    assert made == {
        "AWSAccountId": server.account, "KeyId": made["KeyId"], "Enabled": True, "Description": "für Rechnungen",
        "Arn": f"arn:aws:kms:us-east-1:{server.account}:key/{made['KeyId']}", "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled", "Origin": "AWS_KMS", "KeyManager": "CUSTOMER", "MultiRegion": False,
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
    }
    assert str(uuid.UUID(made["KeyId"])) == made["KeyId"]


@pytest.mark.parametrize("asked, want", [
    ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException"),
    ({"KeySpec": "HMAC_256"}, "ValidationException"),
    ({"Origin": "EXTERNAL_KEY_STORE"}, "UnsupportedOperationException"),
    ({"KeyUsage": "SIGN_VERIFY"}, "ValidationException"),
    ({"Policy": "{}"}, "MalformedPolicyDocumentException"),
    ({"Tags": [{"TagKey": "aws:x", "TagValue": ""}]}, "TagException"),
])
def test_other_keys_are_refused(kms, asked, want):
    refused(want, 400, kms.create_key, **asked)


def test_keys_and_aliases_are_listed_whatever_the_page_size(fresh):
    kms = fresh.client("kms")
    ids = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(7)}
    for i, key_id in enumerate(sorted(ids)):
        kms.create_alias(AliasName=f"alias/n{i}", TargetKeyId=key_id)
    for size in (1, 3, 7, 100):
        pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": size}))
        assert {k["KeyId"] for page in pages for k in page["Keys"]} == ids
        assert [page["Truncated"] for page in pages] == [True] * (len(pages) - 1) + [False]
        pages = list(kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": size}))
        assert {a["TargetKeyId"] for page in pages for a in page["Aliases"]} == ids
    refused("InvalidMarkerException", 400, kms.list_keys, Marker="nonsense")


@pytest.mark.parametrize("name, want, text", [
    (MISSING, "NotFoundException", "Key 'arn:aws:kms:us-east-1:{account}:key/" + MISSING + "' does not exist"),
    ("x", "NotFoundException", "Invalid keyId 'x'"),
    ("alias/none", "NotFoundException", "Alias arn:aws:kms:us-east-1:{account}:alias/none is not found."),
    ("arn:aws:kms:eu-west-1:{account}:key/" + MISSING, "NotFoundException", "Invalid arn eu-west-1"),
    ("arn:aws:kms", "InvalidArnException", "Invalid ARN 'arn:aws:kms'"),
])
def test_names_of_keys_that_are_not_there(server, kms, name, want, text):
    account = server.account
    assert refused(want, 400, kms.describe_key, KeyId=name.format(account=account)) == text.format(account=account)


def test_regions_keep_their_keys_apart(server, key):
    there = server.client("kms", region="eu-central-1")
    refused("NotFoundException", 400, there.describe_key, KeyId=key["KeyId"])
    made = there.create_key()["KeyMetadata"]
    assert made["Arn"].startswith("arn:aws:kms:eu-central-1:")
    blob = there.encrypt(KeyId=made["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    text = refused("AccessDeniedException", 400, server.client("kms").decrypt, CiphertextBlob=blob)
    assert text.startswith("The ciphertext refers to a customer master key that does not exist")


def test_aliases_move(kms, key):
    name, other = f"alias/{uuid.uuid4()}", kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName=name, TargetKeyId=key["Arn"])
    text = refused("AlreadyExistsException", 400, kms.create_alias, AliasName=name, TargetKeyId=other["KeyId"])
    assert text.endswith(f"{name} already exists")
    kms.update_alias(AliasName=name, TargetKeyId=other["KeyId"])
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == other["KeyId"]
    assert [a["AliasName"] for a in kms.list_aliases(KeyId=other["KeyId"])["Aliases"]] == [name]
    kms.delete_alias(AliasName=name)
    refused("NotFoundException", 400, kms.delete_alias, AliasName=name)
    refused("InvalidAliasNameException", 400, kms.create_alias, AliasName="alias/aws/x", TargetKeyId=key["KeyId"])


def test_tags(kms, key):
    kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": f"k{i:02}", "TagValue": str(i)} for i in range(50)])
    refused("TagException", 400, kms.tag_resource, KeyId=key["KeyId"], Tags=[{"TagKey": "one more", "TagValue": ""}])
    pages = kms.get_paginator("list_resource_tags").paginate(KeyId=key["KeyId"], PaginationConfig={"PageSize": 20})
    assert [t["TagKey"] for page in pages for t in page["Tags"]] == [f"k{i:02}" for i in range(50)]
    kms.untag_resource(KeyId=key["KeyId"], TagKeys=[f"k{i:02}" for i in range(1, 50)])
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "k00", "TagValue": "0"}]


def test_who_tags_one_key_at_once_is_heard(server, kms, key):
    """Each finds other tags than those it was judged by, and is judged anew: that must come to an end."""
    def tag(n):
        client = server.client("kms")
        for value in "01234":
            client.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": f"k{n:02}", "TagValue": value}])
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        list(pool.map(tag, range(24)))
    tags = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
    assert sorted((t["TagKey"], t["TagValue"]) for t in tags) == [(f"k{n:02}", "4") for n in range(24)]


# ---- cryptography -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 31, 4096])
def test_what_is_encrypted_decrypts(kms, key, size):
    plain = bytes(i % 251 for i in range(size))
    made = kms.encrypt(KeyId=key["KeyId"], Plaintext=plain, EncryptionContext={"a": "1", "b": "2"})
    assert made["KeyId"] == key["Arn"] and (size == 1 or plain not in made["CiphertextBlob"])
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"})
    assert opened["Plaintext"] == plain and opened["KeyId"] == key["Arn"]


@pytest.mark.parametrize("context", [{}, {"a": "1"}, {"a": "2", "b": "1"}, {"A": "1", "b": "2"}, {"a": "1", "b": "2", "c": ""}])
def test_another_context_does_not_open_it(kms, key, context):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"a": "1", "b": "2"})["CiphertextBlob"]
    refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)


def test_a_touched_blob_does_not_open(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    for at in (0, 25, 26, len(blob) // 2, len(blob) - 1):
        bad = blob[:at] + bytes([blob[at] ^ 0x80]) + blob[at + 1:]
        refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=bad)
    for bad in (blob[:-1], blob[:10], blob + b"\0", b"\0"):
        refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=bad)


def test_the_key_named_must_be_the_one(kms, key):
    other = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    refused("IncorrectKeyException", 400, kms.decrypt, CiphertextBlob=blob, KeyId=other["KeyId"])


@pytest.mark.parametrize("asked, size", [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1024}, 1024)])
def test_data_keys(kms, key, asked, size):
    made = kms.generate_data_key(KeyId=key["KeyId"], **asked)
    assert len(made["Plaintext"]) == size
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    blind = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], **asked)
    assert "Plaintext" not in blind and len(kms.decrypt(CiphertextBlob=blind["CiphertextBlob"])["Plaintext"]) == size


def test_a_data_key_has_one_size(kms, key):
    for asked in ({}, {"KeySpec": "AES_256", "NumberOfBytes": 32}):
        text = refused("ValidationException", 400, kms.generate_data_key, KeyId=key["KeyId"], **asked)
        assert text == "Please specify either number of bytes or key spec."


def test_random_bytes(kms):
    assert len(kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024


def test_grant_tokens_are_of_grants(kms, key):
    refused("InvalidGrantTokenException", 400, kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x", GrantTokens=["AQpA"])


# ---- states -----------------------------------------------------------------------------


CALLS = {
    "encrypt": {"Plaintext": b"x"}, "generate_data_key": {"KeySpec": "AES_256"},
    "generate_data_key_without_plaintext": {"KeySpec": "AES_256"}, "enable_key": {}, "disable_key": {},
    "schedule_key_deletion": {"PendingWindowInDays": 7}, "cancel_key_deletion": {}, "describe_key": {},
    "get_key_policy": {"PolicyName": "default"}, "list_key_policies": {}, "list_resource_tags": {}, "list_aliases": {},
    "tag_resource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]}, "untag_resource": {"TagKeys": ["a"]},
    "update_key_description": {"Description": "d"}, "decrypt": {},
}
USES = {"encrypt", "decrypt", "generate_data_key", "generate_data_key_without_plaintext"}
ALWAYS = {"describe_key", "get_key_policy", "list_key_policies", "list_resource_tags", "list_aliases"}


@pytest.mark.parametrize("state", ["Enabled", "Disabled", "PendingDeletion"])
@pytest.mark.parametrize("operation", CALLS)
def test_every_operation_in_every_state(kms, key, state, operation):
    arguments = {"KeyId": key["KeyId"], **CALLS[operation]}
    if operation == "decrypt":
        arguments["CiphertextBlob"] = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    if state == "Disabled":
        kms.disable_key(KeyId=key["KeyId"])
    if state == "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key["KeyId"])
    call = getattr(kms, operation)
    if operation == "cancel_key_deletion" and state != "PendingDeletion":
        assert refused("KMSInvalidStateException", 400, call, **arguments) == f"{key['Arn']} is not pending deletion."
    elif state == "PendingDeletion" and operation not in ALWAYS | {"cancel_key_deletion"}:
        assert refused("KMSInvalidStateException", 400, call, **arguments) == f"{key['Arn']} is pending deletion."
    elif state == "Disabled" and operation in USES:
        assert refused("DisabledException", 400, call, **arguments) == f"{key['Arn']} is disabled."
    else:
        call(**arguments)


def test_a_cancelled_key_is_disabled_until_enabled(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    refused("DisabledException", 400, kms.decrypt, CiphertextBlob=blob)
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_deleted_key_is_gone_over_restarts(fresh, later):
    kms = fresh.client("kms")
    gone, kept = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    blob, other = (kms.encrypt(KeyId=k, Plaintext=b"x")["CiphertextBlob"] for k in (gone, kept))
    kms.schedule_key_deletion(KeyId=gone, PendingWindowInDays=7)
    later(8)
    kms = fresh.client("kms")
    refused("NotFoundException", 400, kms.describe_key, KeyId=gone)
    refused("NotFoundException", 400, kms.cancel_key_deletion, KeyId=gone)
    refused("AccessDeniedException", 400, kms.decrypt, CiphertextBlob=blob)
    assert fresh.stop() == 0
    fresh.start()
    later(8)
    kms = fresh.client("kms")
    refused("AccessDeniedException", 400, kms.decrypt, CiphertextBlob=blob)
    assert kms.decrypt(CiphertextBlob=other)["Plaintext"] == b"x"


def test_what_was_acknowledged_survives_a_kill(fresh):
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/x", TargetKeyId=key)
    blob = kms.encrypt(KeyId="alias/x", Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    fresh.kill()
    fresh.start()
    kms = fresh.client("kms")
    refused("DisabledException", 400, kms.decrypt, CiphertextBlob=blob)
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


# ---- who may -------------------------------------------------------------------------------


def test_iam_allows_where_the_key_policy_delegates(server, kms, key):
    allowed = server.client("kms", server.user(allow("kms:Encrypt", key["Arn"])))
    allowed.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    text = refused("AccessDeniedException", 400, allowed.describe_key, KeyId=key["KeyId"])
    assert text.endswith(f"is not authorized to perform: kms:DescribeKey on resource: {key['Arn']} because no identity-based "
                         "policy allows the kms:DescribeKey action")


def test_the_key_policy_allows_and_denies_by_itself(server, kms, key):
    user = server.user(allow("kms:Decrypt"))
    me = {"AWS": f"arn:aws:iam::{server.account}:user/{user['UserName']}"}
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=delegated(
        server.account, allow("kms:Encrypt", Principal=me), deny("kms:Decrypt", Principal=me)))
    mine = server.client("kms", user)
    blob = mine.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert "explicit deny in a resource-based policy" in refused("AccessDeniedException", 400, mine.decrypt, CiphertextBlob=blob)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_iam_is_nothing_without_the_key_policy(server, kms, key):
    root = {"AWS": f"arn:aws:iam::{server.account}:root"}
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=policy(allow("kms:PutKeyPolicy", Principal=root)))
    refused("AccessDeniedException", 400, server.client("kms", server.user(allow("*"))).encrypt, KeyId=key["KeyId"], Plaintext=b"x")
    refused("AccessDeniedException", 400, kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")


def test_a_key_policy_names_only_who_is_there(server, kms, key):
    arn = f"arn:aws:iam::{server.account}:"
    user = server.user()["UserName"]
    want = "Policy contains a statement with one or more invalid principals."
    for who in ("user/nobody", "role/nobody", f"user/path/{user}", f"user/{user.upper()}", f"role/{user}", "group/x"):
        for effect in (allow, deny):
            bad = delegated(server.account, effect("kms:Decrypt", Principal={"AWS": [arn + "root", arn + who]}))
            for call, more in ((kms.put_key_policy, dict(KeyId=key["KeyId"], PolicyName="default")), (kms.create_key, {})):
                assert refused("MalformedPolicyDocumentException", 400, call, Policy=bad, **more) == want
    good = delegated(server.account, allow("kms:Decrypt", Principal={"AWS": [arn + "user/" + user, "999999999999", "*"]}),
                     allow("kms:Decrypt", Principal={"AWS": "arn:aws:iam::999999999999:user/unknown-here"}))
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=good)


def test_asking_about_regions_makes_no_files(server):
    """A region's file comes with its first key: lists, lookups and refused calls leave nothing behind."""
    user = server.user(allow(["kms:List*", "kms:Describe*"]))
    nobody = server.user()
    files = lambda: {p.name for p in (server.data / "store").iterdir()}
    for c in (server.client("kms", user), server.client("kms", nobody)):
        with contextlib.suppress(ClientError):
            c.list_keys()
    before = files()
    for i in range(5):
        kms = server.client("kms", user, region=f"never-seen-{i}")
        assert kms.list_keys()["Keys"] == [] and kms.list_aliases()["Aliases"] == []
        refused("NotFoundException", 400, kms.describe_key, KeyId=MISSING)
        refused("NotFoundException", 400, kms.describe_key, KeyId="alias/none")
        root = server.client("kms", region=f"never-seen-{i}")
        refused("NotFoundException", 400, root.delete_alias, AliasName="alias/none")
        refused("NotFoundException", 400, root.encrypt, KeyId="alias/none", Plaintext=b"x")
        refused("NotFoundException", 400, root.enable_key, KeyId=MISSING)
        stranger = server.client("kms", nobody, region=f"never-seen-{i}")
        refused("AccessDeniedException", 400, stranger.list_keys)
        refused("AccessDeniedException", 400, stranger.create_key)
        with pytest.raises(ClientError):
            stranger.describe_key(KeyId="alias/aws/s3")
        with pytest.raises(ClientError):
            server.client("kms", "AKIAUNKNOWN", "x", region=f"never-seen-{i}").list_keys()
    assert files() == before
    kms = server.client("kms", region="never-seen-0")
    made = kms.create_key()["KeyMetadata"]["KeyId"]
    assert [k["KeyId"] for k in server.client("kms", user, region="never-seen-0").list_keys()["Keys"]] == [made]
    assert len({n for n in files() if n.endswith(".db")} - before) == 1
    managed = server.client("kms", user, region="never-seen-1").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert managed["KeyManager"] == "AWS", "who may describe it brings it into being"


def test_nobody_locks_himself_out_unasked(server, kms, key):
    locked = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{server.account}:user/{server.user()['UserName']}"}))
    text = refused("MalformedPolicyDocumentException", 400, kms.put_key_policy, KeyId=key["KeyId"], PolicyName="default", Policy=locked)
    assert text == "The new key policy will not allow you to update the key policy in the future."
    assert json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])["Id"] == "key-default-1"


def test_an_encryption_context_can_be_demanded(server, kms, key):
    wanted = {"StringEquals": {"kms:EncryptionContext:bucket": "invoices"}}
    mine = server.client("kms", server.user(allow("kms:*", key["Arn"], Condition=wanted)))
    mine.encrypt(KeyId=key["Arn"], Plaintext=b"x", EncryptionContext={"bucket": "invoices"})
    refused("AccessDeniedException", 400, mine.encrypt, KeyId=key["Arn"], Plaintext=b"x", EncryptionContext={"bucket": "other"})
    refused("AccessDeniedException", 400, mine.encrypt, KeyId=key["Arn"], Plaintext=b"x")


def test_another_account_needs_both_sides(fresh):
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    other = fresh.client("kms", fresh.new_account("444455556666"))
    for name in (key, key[:-36] + MISSING):
        text = refused("AccessDeniedException", 400, other.encrypt, KeyId=name, Plaintext=b"x")
        assert text == ("User: arn:aws:iam::444455556666:root is not authorized to perform: kms:Encrypt on resource: " + name +
                        " because the resource does not exist in this Region, no resource-based policies allow access, or a "
                        "resource-based policy explicitly denies access")
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=delegated(
        fresh.account, allow("kms:Encrypt", Principal={"AWS": "arn:aws:iam::444455556666:root"})))
    blob = other.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    refused("AccessDeniedException", 400, other.decrypt, CiphertextBlob=blob)
    refused("AccessDeniedException", 400, other.disable_key, KeyId=key)


# ---- the trail -------------------------------------------------------------------------------


def test_the_trail_names_the_key_and_hides_the_secret(server, kms, key):
    secret = b"a secret nobody may read in a trail"
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=secret, EncryptionContext={"order": "7"})["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=blob, EncryptionContext={"order": "7"})
    records = {e["eventName"]: e for e in events(server.client("cloudtrail"), 3, key["Arn"])}
    assert set(records) == {"CreateKey", "Encrypt", "Decrypt"}
    assert records["Encrypt"]["requestParameters"]["encryptionContext"] == {"order": "7"}
    text = json.dumps(records)
    assert base64.b64encode(secret).decode()[:20] not in text and base64.b64encode(blob).decode()[:20] not in text


def test_both_accounts_trails_tell_of_a_use_across_accounts(fresh):
    kms, theirs = fresh.client("kms"), fresh.new_account("444455556666")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=delegated(
        fresh.account, allow("kms:Encrypt", Principal={"AWS": "arn:aws:iam::444455556666:root"})))
    fresh.client("kms", theirs).encrypt(KeyId=key, Plaintext=b"x")
    trails = [events(fresh.client("cloudtrail"), 3, key), events(fresh.client("cloudtrail", theirs), 1, key)]
    uses = [e for found in trails for e in found if e["eventName"] == "Encrypt"]
    assert [u["userIdentity"]["accountId"] for u in uses] == ["444455556666"] * 2
    assert len({u["sharedEventID"] for u in uses}) == 1
    assert {u["recipientAccountId"] for u in uses} == {fresh.account, "444455556666"}


def test_reencrypt_between_two_accounts_by_a_third_is_in_all_three_trails(fresh):
    """Each owner is told whose call it was, not who made it."""
    accounts = {a: fresh.new_account(a) for a in ("444455556666", "777788889999")} | {fresh.account: None}
    third = "777788889999"
    asks, keys = fresh.client("kms", accounts[third]), []
    for account in (fresh.account, "444455556666"):
        owner = fresh.client("kms", accounts[account])
        keys.append(owner.create_key()["KeyMetadata"]["Arn"])
        owner.put_key_policy(KeyId=keys[-1], PolicyName="default", Policy=delegated(
            account, allow(["kms:Encrypt", "kms:ReEncrypt*"], Principal={"AWS": f"arn:aws:iam::{third}:root"})))
    blob = asks.encrypt(KeyId=keys[0], Plaintext=b"x")["CiphertextBlob"]
    asks.re_encrypt(CiphertextBlob=blob, DestinationKeyId=keys[1])
    uses = {}
    for account, root in accounts.items():
        found = [e for e in events(fresh.client("cloudtrail", root), 1, keys[1]) if e["eventName"] == "ReEncrypt"]
        assert len(found) == 1, account
        uses[account] = found[0]
    assert {e["recipientAccountId"] for e in uses.values()} == set(uses)
    assert len({e["sharedEventID"] for e in uses.values()}) == 1 and len({e["eventID"] for e in uses.values()}) == 3
    assert {e["userIdentity"]["accountId"] for e in uses.values()} == {third}
    assert [a for a, e in uses.items() if e["userIdentity"]["type"] == "Root"] == [third]
    assert all([r["accountId"] for r in e["resources"]] == [fresh.account, "444455556666"] for e in uses.values())


def test_the_end_of_a_key_is_in_the_trail(fresh, later):
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    later(8)
    refused("NotFoundException", 400, fresh.client("kms").describe_key, KeyId=key)
    names = [e["eventName"] for e in events(fresh.client("cloudtrail"), 3, key)]
    assert "DeleteKey" in names and "ScheduleKeyDeletion" in names


def test_a_key_policy_means_the_user_who_was_there(server, kms):
    iam = server.client("iam")
    user = server.user()
    name, arn = user["UserName"], f"arn:aws:iam::{server.account}:user/{user['UserName']}"
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    written = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{server.account}:root"}), allow("kms:Encrypt", Principal={"AWS": arn}))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=written)
    def encrypt():
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return server.client("kms", made).encrypt(KeyId=key, Plaintext=b"x")
    encrypt()
    assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == written
    identity = iam.get_user(UserName=name)["User"]["UserId"]
    for old in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=old["AccessKeyId"])
    iam.delete_user(UserName=name)
    iam.create_user(UserName=name)
    with pytest.raises(ClientError) as error:
        encrypt()
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    shown = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    assert identity in shown and arn not in shown
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=written)
    encrypt()
