"""Ways around conditions: encryption contexts in another case, order or operation, tags put on to be let in and taken off to get out,
accounts that are not the caller's, principals by another name, and refusals that would tell what is there."""
import uuid

import pytest

from conftest import ACCOUNT, allow, deny, policy
from kms_attacked import OTHER, SECRET, server, witness  # noqa: F401
from witness import Witness

ROOT, THEM = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"AWS": f"arn:aws:iam::{OTHER}:root"}
DENIED = "AccessDeniedException"


def user_of(server, *statements):
    keys = server.user(*statements)
    return f"arn:aws:iam::{ACCOUNT}:user/{keys['UserName']}", server.client("kms", keys)


def put(kms, key, *statements):
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(allow("kms:*", Principal=ROOT), *statements))


# ---- encryption contexts -----------------------------------------------------------------------------------------------


def every_use(client, key, context):
    """The operations that have a context, each with it."""
    return [
        (client.encrypt, {"KeyId": key, "Plaintext": SECRET, "EncryptionContext": context}),
        (client.decrypt, {"CiphertextBlob": client.blobs[tuple(context.items())], "EncryptionContext": context}),
        (client.generate_data_key, {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context}),
        (client.generate_data_key_without_plaintext, {"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context}),
        (client.generate_data_key_pair, {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": context}),
        (client.generate_data_key_pair_without_plaintext, {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": context}),
        (client.re_encrypt, {"CiphertextBlob": client.blobs[tuple(context.items())], "SourceEncryptionContext": context, "DestinationKeyId": key,
                             "DestinationEncryptionContext": {"Stage": "Open"}}),
        (client.re_encrypt, {"CiphertextBlob": client.blobs[(("Stage", "Open"),)], "SourceEncryptionContext": {"Stage": "Open"},
                             "DestinationKeyId": key, "DestinationEncryptionContext": context}),
        (client.create_grant, {"KeyId": key, "GranteePrincipal": ROOT["AWS"], "Operations": ["Decrypt"],
                               "Constraints": {"EncryptionContextSubset": context}}),
    ]


FORBIDDEN = [{"Stage": "Restricted"}, {"STAGE": "Restricted"}, {"stage": "Restricted", "other": "x"}, {"other": "x", "sTaGe": "Restricted"},
             {"\u0000": "x", "Stage": "Restricted"}, {"Stage": "Restricted", "kms:EncryptionContext:Stage": "Open"}]
# no case but ASCII's is folded, nothing is trimmed, and of values the case counts
ALLOWED = [{"Stage": "Open"}, {"Stage ": "Restricted"}, {"\u017ftage": "Restricted"}, {"Stage": "restricted"}, {"Stage": "Restricted "}, {"Restricted": "Stage"}]


def test_a_forbidden_context_is_forbidden_in_any_case_and_operation(server, kms, key, witness):
    forbids = deny("kms:*", Condition={"StringEquals": {"kms:EncryptionContext:Stage": "Restricted"}})
    me, mine = user_of(server, allow("kms:*"), forbids)
    mine.blobs = {tuple(c.items()): kms.encrypt(KeyId=key, Plaintext=SECRET, EncryptionContext=c)["CiphertextBlob"] for c in FORBIDDEN + ALLOWED}
    for context in FORBIDDEN:
        for call, more in every_use(mine, key, context):
            witness.refuses(DENIED, 400, call, by=me, **more)
    for context in ALLOWED:
        for call, more in every_use(mine, key, context):
            call(**more)


def test_the_names_in_a_context_can_be_limited_in_their_case(server, kms, key, witness):
    """kms:EncryptionContextKeys has the names as values, so their case counts."""
    limited = {"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["App", "Stage"]}, "Null": {"kms:EncryptionContextKeys": "false"}}
    me, mine = user_of(server, allow("kms:*", Condition=limited))
    yes = [{"App": "x"}, {"Stage": "y", "App": "x"}, {"App": ""}]
    no = [{"app": "x"}, {"App": "x", "other": ""}, {"App": "x", "": ""}, {"App\u200b": "x"}, {"App": "x", "Stage ": "y"}]
    mine.blobs = {tuple(c.items()): kms.encrypt(KeyId=key, Plaintext=SECRET, EncryptionContext=c)["CiphertextBlob"] for c in yes + no + [{"Stage": "Open"}]}
    for context in yes:
        for call, more in every_use(mine, key, context):
            call(**more)
    for context in no:
        for call, more in every_use(mine, key, context):
            witness.refuses(DENIED, 400, call, by=me, **more)
    witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=key, Plaintext=SECRET)
    witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=key, Plaintext=SECRET, EncryptionContext={})


def test_a_context_that_names_the_caller_is_his(server, kms, key, witness):
    """${aws:username} in the policy is resolved; in a context it is text."""
    own = {"StringEquals": {"kms:EncryptionContext:user": "${aws:username}"}}
    put(kms, key, allow(["kms:Encrypt", "kms:Decrypt"], Principal={"AWS": "*"}, Condition={**own, "StringLike": {"aws:PrincipalArn": "*:user/*"}}))
    me, mine = user_of(server)
    name = me.rsplit("/", 1)[1]
    blob = mine.encrypt(KeyId=key, Plaintext=SECRET, EncryptionContext={"user": name})["CiphertextBlob"]
    for context in ({"user": "${aws:username}"}, {"user": "*"}, {"user": name.upper()}, {"user": name + "?"}, {"users": name}, {}):
        witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=key, Plaintext=SECRET, EncryptionContext=context)
    thief, theirs = user_of(server)
    witness.refuses(DENIED, 400, theirs.decrypt, by=thief, CiphertextBlob=blob, EncryptionContext={"user": name})
    witness.refuses("InvalidCiphertextException", 400, theirs.decrypt, by=thief, CiphertextBlob=blob, EncryptionContext={"user": thief.rsplit("/", 1)[1]})


# ---- whose account ------------------------------------------------------------------------------------------------------


def test_caller_account_is_the_caller_s_not_the_key_s(server, kms, key, witness):
    theirs_iam = server.client("iam", server.other)
    name = "cid-" + uuid.uuid4().hex[:6]
    theirs_iam.create_user(UserName=name)
    theirs_iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("*")))
    cid_keys = theirs_iam.create_access_key(UserName=name)["AccessKey"]
    cid, cid_arn = server.client("kms", cid_keys), f"arn:aws:iam::{OTHER}:user/{name}"
    seen = Witness(server, server.client("cloudtrail", server.other))
    put(kms, key, allow("kms:Encrypt", Principal={"AWS": "*"}, Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT}}))
    ask = {"KeyId": key, "Plaintext": SECRET}
    seen.refuses(DENIED, 400, cid.encrypt, by=cid_arn, **ask)
    _, ann = user_of(server)
    ann.encrypt(**ask)
    # a role of the key's account lends its account to whoever may take it on
    iam, role = server.client("iam"), "r-" + uuid.uuid4().hex[:6]
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy(allow("sts:AssumeRole", None, Principal={"AWS": cid_arn})))["Role"]["Arn"]
    session = server.client("kms", server.client("sts", cid_keys).assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"])
    session.encrypt(**ask)
    # an explicit deny of other accounts is stronger than a grant to one of their users, and than the key policy that names him
    grant = kms.create_grant(KeyId=key, GranteePrincipal=cid_arn, Operations=["Encrypt"])
    cid.encrypt(**ask)
    put(kms, key, allow("kms:*", Principal={"AWS": cid_arn}), deny("kms:*", Principal="*", Condition={"StringNotEquals": {"kms:CallerAccount": ACCOUNT}}))
    seen.refuses(DENIED, 400, cid.encrypt, by=cid_arn, **ask)
    seen.refuses(DENIED, 400, cid.encrypt, by=cid_arn, GrantTokens=[grant["GrantToken"]], **ask)
    witness.refuses(DENIED, 400, session.encrypt, KeyId=key, Plaintext=SECRET)
    seen.verify()


# ---- tags ---------------------------------------------------------------------------------------------------------------


def tagged(kms, **tags):
    return kms.create_key(Tags=[{"TagKey": k, "TagValue": v} for k, v in tags.items()])["KeyMetadata"]["Arn"]


def test_nobody_tags_himself_in_or_out(server, kms, witness):
    """Who is let in by a tag and may tag only what is his cannot put that tag on another key, nor take one off that keeps him out."""
    his, hers, closed = tagged(kms, team="a"), tagged(kms, team="b"), tagged(kms, team="a", sealed="yes")
    by_team = {"StringEquals": {"aws:ResourceTag/team": "a"}}
    me, mine = user_of(server, allow("kms:*", Condition=by_team), deny("kms:*", Condition={"StringEquals": {"aws:ResourceTag/sealed": "yes"}}),
                       deny("kms:TagResource", Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}),
                       deny("kms:TagResource", Condition={"Null": {"aws:RequestTag/sealed": "false"}}))
    mine.encrypt(KeyId=his, Plaintext=SECRET)
    mine.tag_resource(KeyId=his, Tags=[{"TagKey": "stage", "TagValue": "test"}])
    for key in (hers, closed):
        witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=key, Plaintext=SECRET)
        witness.refuses(DENIED, 400, mine.tag_resource, by=me, KeyId=key, Tags=[{"TagKey": "team", "TagValue": "a"}])
        witness.refuses(DENIED, 400, mine.tag_resource, by=me, KeyId=key, Tags=[{"TagKey": "Team", "TagValue": "a"}])
        witness.refuses(DENIED, 400, mine.untag_resource, by=me, KeyId=key, TagKeys=["sealed", "team"])
    for name in ("team", "sealed", "SEALED"):
        witness.refuses(DENIED, 400, mine.tag_resource, by=me, KeyId=his, Tags=[{"TagKey": "x", "TagValue": "y"}, {"TagKey": name, "TagValue": "b"}])
    assert kms.list_resource_tags(KeyId=closed)["Tags"] == [{"TagKey": "team", "TagValue": "a"}, {"TagKey": "sealed", "TagValue": "yes"}]
    # a key he makes must carry the tag that he may give, and making it is no way to tag
    witness.refuses(DENIED, 400, mine.create_key, by=me, Tags=[{"TagKey": "team", "TagValue": "a"}])
    maker, makes = user_of(server, allow("kms:CreateKey", Condition={"StringEquals": {"aws:RequestTag/team": "a"}}))
    for tags in ([], [{"TagKey": "team", "TagValue": "b"}], [{"TagKey": "team", "TagValue": "a"}]):  # the last: may not tag
        witness.refuses(DENIED, 400, makes.create_key, by=maker, Tags=tags)
    _, both = user_of(server, allow(["kms:CreateKey", "kms:TagResource"], Condition={"StringEquals": {"aws:RequestTag/team": "a"}}))
    both.create_key(Tags=[{"TagKey": "team", "TagValue": "a"}])


def test_a_tag_in_another_case_lets_nobody_in_twice(server, kms, witness):
    """A condition on a tag's name has no case, so a key with the name in two cases is never let in by the wrong one."""
    me, mine = user_of(server, allow("kms:Encrypt", Condition={"StringEquals": {"aws:ResourceTag/team": "a"}}),
                       deny("kms:Encrypt", Condition={"StringEquals": {"aws:ResourceTag/Sealed": "yes"}}))
    mine.encrypt(KeyId=tagged(kms, Team="a"), Plaintext=SECRET)
    for tags in ({"team": "A"}, {"team ": "a"}, {"team": "a", "sealed": "yes"}, {"TEAM": "b"}, {}):
        witness.refuses(DENIED, 400, mine.encrypt, by=me, KeyId=tagged(kms, **tags), Plaintext=SECRET)


# ---- grants -------------------------------------------------------------------------------------------------------------


def test_who_may_grant_to_one_grants_to_no_other_by_another_name(server, kms, key, witness):
    role = server.role(name="ops-" + uuid.uuid4().hex[:6])
    to, session = role["RoleArn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/{role['RoleName']}/session"
    only = {"StringEquals": {"kms:GranteePrincipal": to, "kms:RetiringPrincipal": to}, "ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt"]}}
    me, mine = user_of(server, allow("kms:CreateGrant", Condition=only))
    good = {"KeyId": key, "GranteePrincipal": to, "RetiringPrincipal": to, "Operations": ["Encrypt"]}
    mine.create_grant(**good)
    mine.create_grant(**{**good, "Operations": ["Encrypt", "Encrypt"]})
    for change in ({"GranteePrincipal": me}, {"GranteePrincipal": session}, {"GranteePrincipal": ROOT["AWS"]}, {"GranteePrincipal": to.replace("role/", "role//")},
                   {"RetiringPrincipal": me}, {"RetiringPrincipal": session}, {"Operations": ["Encrypt", "Decrypt"]}, {"Operations": ["Decrypt"]},
                   {"GranteePrincipal": to.upper()}):
        witness.refuses(DENIED, 400, mine.create_grant, by=me, **{**good, **change})
    witness.refuses(DENIED, 400, mine.create_grant, by=me, **{k: v for k, v in good.items() if k != "RetiringPrincipal"})
    assert {tuple(g["Operations"]) for g in kms.list_grants(KeyId=key)["Grants"]} == {("Encrypt",)}
    # what he was granted he uses with the one operation alone, whichever way it is asked for
    theirs = server.client("kms", role)
    blob = theirs.encrypt(KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    for call, more in ((theirs.decrypt, {"CiphertextBlob": blob}), (theirs.re_encrypt, {"CiphertextBlob": blob, "DestinationKeyId": key}),
                       (theirs.generate_data_key_pair, {"KeyId": key, "KeyPairSpec": "RSA_2048"})):
        witness.refuses(DENIED, 400, call, by=session, **more)


def test_who_may_not_end_a_grant_does_not_learn_of_it(server, kms, key, witness):
    """The refusal is the same for a grant that is there and for one that is not, in the account and out of it."""
    there = kms.create_grant(KeyId=key, GranteePrincipal=ROOT["AWS"], Operations=["Encrypt"])["GrantId"]
    me, mine = user_of(server)
    seen = Witness(server, server.client("cloudtrail", server.other))
    cid = server.client("kms", server.other)
    gone = key[:-36] + str(uuid.uuid4())
    for client, watch, by in ((mine, witness, me), (cid, seen, THEM["AWS"])):
        for call in (client.retire_grant, client.revoke_grant):
            told = {watch.refuses(DENIED, 400, call, by=by, KeyId=key, GrantId=g).replace(g, "") for g in (there, "a" * 64)}
            assert len(told) == 1, told
            if client is cid:  # nor whether the key is
                assert watch.refuses(DENIED, 400, call, by=by, KeyId=gone, GrantId=there).replace(gone, key) in told
        told = watch.refuses(DENIED, 400, client.list_grants, by=by, KeyId=key, GrantId=there)
        assert there not in told
    seen.verify()
    assert [g["GrantId"] for g in kms.list_grants(KeyId=key)["Grants"]] == [there]
