"""Keys that are off, leaving, without material or past their time, asked for every use by everyone; import tokens in the wrong place; and changes
that race each other and the uses of a key."""
import base64
import concurrent.futures
import datetime
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, code, policy
from kms_attacked import OTHER, SECRET, server, witness  # noqa: F401
from kmsimport import import_into, wrapped
from kmsraw import Kms, Refused

OAEP = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
FOREVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


class Keys:
    """One key of every kind that can be used, with what each use needs, and a user, a role and a grantee who may use it besides root."""

    def __init__(self, server):
        kms = self.kms = server.client("kms")
        new = lambda **more: kms.create_key(Origin="EXTERNAL", **more)["KeyMetadata"]["Arn"]
        self.symmetric, self.mac = new(), new(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        self.all = [self.symmetric, self.mac]
        self.bring()
        self.signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        self.rsa = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]
        self.target = kms.create_key()["KeyMetadata"]["Arn"]
        grantee = server.user()
        kms.create_grant(KeyId=self.symmetric, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/{grantee['UserName']}",
                         Operations=["Encrypt", "Decrypt", "GenerateDataKey", "ReEncryptFrom"])
        self.callers = [kms, server.client("kms", server.user(allow("kms:*"))), server.client("kms", server.role(allow("kms:*")))]
        self.grantee = server.client("kms", grantee)
        self.alias = "alias/" + uuid.uuid4().hex
        kms.create_alias(AliasName=self.alias, TargetKeyId=self.symmetric)
        blob = kms.encrypt(KeyId=self.symmetric, Plaintext=SECRET)["CiphertextBlob"]
        other = kms.encrypt(KeyId=self.target, Plaintext=SECRET)["CiphertextBlob"]
        sealed = kms.encrypt(KeyId=self.rsa, Plaintext=SECRET, EncryptionAlgorithm="RSAES_OAEP_SHA_256")["CiphertextBlob"]
        sign = {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
        signature = kms.sign(KeyId=self.signing, **sign)["Signature"]
        mac = {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}
        tag = kms.generate_mac(KeyId=self.mac, **mac)["Mac"]
        key, pair = {"KeyId": self.symmetric}, {"KeyPairSpec": "ECC_NIST_P256"}
        self.uses = {
            self.symmetric: [
                ("encrypt", {**key, "Plaintext": SECRET}), ("encrypt", {"KeyId": self.alias, "Plaintext": SECRET}), ("decrypt", {"CiphertextBlob": blob}),
                ("decrypt", {"CiphertextBlob": blob, **key}), ("generate_data_key", {**key, "KeySpec": "AES_256"}),
                ("generate_data_key_without_plaintext", {**key, "KeySpec": "AES_256"}), ("generate_data_key_pair", {**key, **pair}),
                ("generate_data_key_pair_without_plaintext", {**key, **pair}), ("re_encrypt", {"CiphertextBlob": blob, "DestinationKeyId": self.target}),
                ("re_encrypt", {"CiphertextBlob": other, "DestinationKeyId": self.symmetric}),
                ("create_grant", {**key, "GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:root", "Operations": ["Encrypt"]})],
            self.mac: [("generate_mac", {"KeyId": self.mac, **mac}), ("verify_mac", {"KeyId": self.mac, "Mac": tag, **mac})],
            self.signing: [("sign", {"KeyId": self.signing, **sign}), ("verify", {"KeyId": self.signing, "Signature": signature, **sign}),
                           ("get_public_key", {"KeyId": self.signing})],
            self.rsa: [("encrypt", {"KeyId": self.rsa, "Plaintext": SECRET, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
                       ("decrypt", {"KeyId": self.rsa, "CiphertextBlob": sealed, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}),
                       ("get_public_key", {"KeyId": self.rsa})],
        }

    def bring(self):
        for n, key in enumerate(self.all):
            import_into(self.kms, key, bytes([n + 1]) * 32)

    def refused(self, witness, want, words, keys):
        """Every use, by everyone."""
        for key in keys:
            for name, members in self.uses[key]:
                for caller in self.callers + ([self.grantee] if key == self.symmetric and name in ("encrypt", "decrypt", "generate_data_key") else []):
                    assert witness.refuses(want, 400, getattr(caller, name), **members) == f"{key} {words}", name

    def work(self, keys):
        for key in keys:
            for name, members in self.uses[key]:
                getattr(self.kms, name)(**members)


@pytest.fixture(scope="module")
def keys(server):
    made = Keys(server)
    made.work(made.uses)
    return made


def test_disabled_keys_do_nothing_for_anyone(keys, witness):
    for key in keys.uses:
        keys.kms.disable_key(KeyId=key)
    keys.refused(witness, "DisabledException", "is disabled.", keys.uses)
    for key in keys.uses:
        keys.kms.enable_key(KeyId=key)
    keys.work(keys.uses)


def test_keys_pending_deletion_do_nothing_for_anyone(keys, witness):
    for key in keys.uses:
        keys.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    keys.refused(witness, "KMSInvalidStateException", "is pending deletion.", keys.uses)
    for key in keys.uses:
        keys.kms.cancel_key_deletion(KeyId=key)
    keys.refused(witness, "DisabledException", "is disabled.", keys.uses)  # saved, and still not to be used unasked
    for key in keys.uses:
        keys.kms.enable_key(KeyId=key)
    keys.work(keys.uses)


def test_keys_without_their_material_do_nothing_for_anyone(keys, witness):
    for key in keys.all:
        keys.kms.delete_imported_key_material(KeyId=key)
    keys.refused(witness, "KMSInvalidStateException", "is pending import.", keys.all)
    keys.bring()
    keys.work(keys.all)


def test_expired_material_does_nothing_for_anyone(fresh):
    """By the server's clock, from the very second on; the same bytes bring it back, and nothing else does."""
    kms = Kms(fresh)
    until = int((datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)).timestamp())

    def bring(key, material, **more):
        p = kms("GetParametersForImport", KeyId=key, **OAEP)
        sealed = wrapped(base64.b64decode(p["PublicKey"]), material, OAEP["WrappingAlgorithm"])
        return kms("ImportKeyMaterial", KeyId=key, ImportToken=p["ImportToken"], EncryptedKeyMaterial=sealed, **more)

    key = kms("CreateKey", Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    mac = kms("CreateKey", Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    for n, k in enumerate((key, mac)):
        bring(k, bytes([n]) * 32, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=until)
    blob = kms("Encrypt", KeyId=key, Plaintext=SECRET)["CiphertextBlob"]
    uses = [(key, "Encrypt", {"KeyId": key, "Plaintext": SECRET}), (key, "Decrypt", {"CiphertextBlob": blob}),
            (key, "GenerateDataKey", {"KeyId": key, "KeySpec": "AES_256"}), (key, "GenerateDataKeyWithoutPlaintext", {"KeyId": key, "KeySpec": "AES_256"}),
            (key, "GenerateDataKeyPair", {"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"}), (key, "ReEncrypt", {"CiphertextBlob": blob, "DestinationKeyId": key}),
            (mac, "GenerateMac", {"KeyId": mac, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}),
            (mac, "VerifyMac", {"KeyId": mac, "Message": b"m", "MacAlgorithm": "HMAC_SHA_256", "Mac": b"m"})]
    for k, operation, members in uses[:-1]:
        kms(operation, **members)
    kms.later(2)
    for k, operation, members in uses:
        assert kms.refuses("KMSInvalidStateException", operation, **members) == f"{k} is pending import."
    kms.refuses("IncorrectKeyMaterialException", "ImportKeyMaterial", **{
        "KeyId": key, **FOREVER, **(lambda p: {"ImportToken": p["ImportToken"], "EncryptedKeyMaterial": wrapped(
            base64.b64decode(p["PublicKey"]), bytes([9]) * 32, OAEP["WrappingAlgorithm"])})(kms("GetParametersForImport", KeyId=key, **OAEP))})
    bring(key, bytes(32), **FOREVER)
    assert base64.b64decode(kms("Decrypt", CiphertextBlob=blob)["Plaintext"]) == SECRET
    # a token outlives its day no more than material does
    p = kms("GetParametersForImport", KeyId=mac, **OAEP)
    kms.later(1, seconds=1)
    kms.refuses("ExpiredImportTokenException", "ImportKeyMaterial", KeyId=mac, ImportToken=p["ImportToken"], **FOREVER,
                EncryptedKeyMaterial=wrapped(base64.b64decode(p["PublicKey"]), bytes([1]) * 32, OAEP["WrappingAlgorithm"]))


# ---- import tokens ---------------------------------------------------------------------------------------------------


def test_an_import_token_is_for_its_key_its_wrapping_and_its_pair(server, kms, witness):
    first, second = (kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"] for _ in range(2))
    west, theirs = server.client("kms", region="us-west-2"), server.client("kms", server.other)
    far, foreign = (c.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"] for c in (west, theirs))
    mine, other, again = (kms.get_parameters_for_import(KeyId=k, **OAEP) for k in (first, second, first))
    material = bytes(range(32))

    def bring(token, data, key=first, client=kms):
        return client.import_key_material, {"KeyId": key, "ImportToken": token, "EncryptedKeyMaterial": data, **FOREVER}

    def refuses(want, call, members):
        return witness.refuses(want, 400, call, **members)

    good = wrapped(mine["PublicKey"], material, "RSAES_OAEP_SHA_256")
    elsewhere = [west.get_parameters_for_import(KeyId=far, **OAEP)["ImportToken"], theirs.get_parameters_for_import(KeyId=foreign, **OAEP)["ImportToken"]]
    token = mine["ImportToken"]
    for bad in [other["ImportToken"], *elsewhere, token[:-1], token[1:], token + b"\0", token[:40], b"x"]:
        refuses("InvalidImportTokenException", *bring(bad, good))
    for i in range(0, len(token), 41):
        refuses("InvalidImportTokenException", *bring(token[:i] + bytes([token[i] ^ 1]) + token[i + 1:], good))
    # a good token, and what was wrapped for another pair, in another way, or is of another size
    for data in (wrapped(again["PublicKey"], material, "RSAES_OAEP_SHA_256"), wrapped(mine["PublicKey"], material, "RSAES_OAEP_SHA_1"),
                 good[:-1], good + b"\0", bytes(256), b"\xff" * 256, good[::-1], material):
        refuses("InvalidCiphertextException", *bring(token, data))
    for n in (16, 31, 33, 64):
        refuses("IncorrectKeyMaterialException", *bring(token, wrapped(mine["PublicKey"], bytes(n), "RSAES_OAEP_SHA_256")))
    with pytest.raises(ClientError) as e:
        theirs.import_key_material(**bring(token, good)[1])
    assert code(e)[0] == "AccessDeniedException"
    assert kms.describe_key(KeyId=first)["KeyMetadata"]["KeyState"] == "PendingImport"
    kms.schedule_key_deletion(KeyId=first, PendingWindowInDays=7)
    assert refuses("KMSInvalidStateException", *bring(token, good)) == f"{first} is pending deletion."
    kms.cancel_key_deletion(KeyId=first)
    call, members = bring(token, good)
    call(**members)
    plain = kms.create_key()["KeyMetadata"]["Arn"]
    refuses("UnsupportedOperationException", *bring(token, good, key=plain))


# ---- races -------------------------------------------------------------------------------------------------------------


def race(*calls, times=1):
    """All at once, so many times; what each answered."""
    def one(call):
        try:
            return call() and "done"
        except ClientError as e:
            return code(e)[0]
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [list(pool.map(one, calls)) for _ in range(times)]


def test_deletion_and_import_at_once_leave_a_key_that_is_either(kms):
    """Material that arrives while the key is being scheduled does not enable it, and what was scheduled stays so."""
    for _ in range(4):
        key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
        p = kms.get_parameters_for_import(KeyId=key, **OAEP)
        data = wrapped(p["PublicKey"], bytes(32), "RSAES_OAEP_SHA_256")
        bring = lambda key=key, p=p, data=data: kms.import_key_material(KeyId=key, ImportToken=p["ImportToken"], EncryptedKeyMaterial=data, **FOREVER)
        said, = race(lambda key=key: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7), bring, bring)
        assert said[0] == "done" and set(said[1:]) <= {"done", "KMSInvalidStateException"}, said
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
        kms.cancel_key_deletion(KeyId=key)
        state = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
        assert state == ("Disabled" if "done" in said[1:] else "PendingImport")


def test_two_first_materials_at_once_are_one(kms):
    """Different bytes: the first in is the key's, the other is told that it is not."""
    for _ in range(4):
        key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
        p = kms.get_parameters_for_import(KeyId=key, **OAEP)
        calls = [lambda n=n, key=key, p=p: kms.import_key_material(
            KeyId=key, ImportToken=p["ImportToken"], EncryptedKeyMaterial=wrapped(p["PublicKey"], bytes([n]) * 32, "RSAES_OAEP_SHA_256"), **FOREVER)
            for n in range(3)]
        said, = race(*calls)
        assert sorted(said) == ["IncorrectKeyMaterialException", "IncorrectKeyMaterialException", "done"], said
        blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_what_ends_a_use_ends_it_amid_uses(kms):
    """Disable, schedule, an alias deleted: once it is answered, no use that begins then succeeds."""
    for change, want in (("disable_key", "DisabledException"), ("schedule_key_deletion", "KMSInvalidStateException"), ("delete_alias", "NotFoundException")):
        key, alias, ended, after = kms.create_key()["KeyMetadata"]["KeyId"], "alias/" + uuid.uuid4().hex, [], []
        kms.create_alias(AliasName=alias, TargetKeyId=key)

        def use(alias=alias, ended=ended, after=after):
            for _ in range(25):
                begun_after = bool(ended)
                try:
                    kms.encrypt(KeyId=alias, Plaintext=b"x")
                    said = "done"
                except ClientError as e:
                    said = code(e)[0]
                if begun_after:
                    after.append(said)

        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            running = [pool.submit(use) for _ in range(5)]
            getattr(kms, change)(**({"AliasName": alias} if change == "delete_alias" else {"KeyId": key}))
            ended.append(True)
            for r in running:
                r.result()
        use()
        assert set(after) == {want}


def test_the_same_name_given_twice_at_once_is_given_once(kms):
    for _ in range(3):
        keys, alias = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(4)], "alias/" + uuid.uuid4().hex
        said, = race(*(lambda k=k: kms.create_alias(AliasName=alias, TargetKeyId=k) for k in keys))
        assert sorted(said) == ["AlreadyExistsException"] * 3 + ["done"]
        named = [k for k in keys if kms.list_aliases(KeyId=k)["Aliases"]]
        assert named == [kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]]


def test_rotations_at_once_are_each_one_or_none(server, kms):
    ask = Kms(server)
    key = ask("CreateKey")["KeyMetadata"]["Arn"]
    blobs = [kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]]

    def rotate():
        try:
            ask("RotateKeyOnDemand", KeyId=key)
            return 1
        except Refused as e:
            assert e.code == "ConflictException", e
            return 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(lambda _: rotate(), range(8)))
    blobs.append(kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    listed = ask("ListKeyRotations", KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert done >= 1 and len(listed) == done + 1 and len({r["KeyMaterialId"] for r in listed}) == done + 1
    assert blobs[1][22:26] == (done + 1).to_bytes(4, "big")
    assert all(kms.decrypt(CiphertextBlob=b)["Plaintext"] == b"x" for b in blobs)


def test_a_key_policy_put_twice_at_once_is_one_of_the_two(kms, server):
    key = kms.create_key()["KeyMetadata"]["Arn"]
    texts = [policy(allow("kms:*", Principal={"AWS": ACCOUNT}), allow("kms:Encrypt", Principal={"AWS": f"arn:aws:iam::{OTHER}:root"}, Sid=f"s{n}"))
             for n in range(4)]
    for _ in range(3):
        said, = race(*(lambda t=t: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=t) for t in texts))
        assert said == ["done"] * 4
        assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] in texts
