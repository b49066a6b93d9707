"""Ciphertexts, contexts and keys that do not belong together: nothing opens, the words are AWS's, and the trail tells of each attempt
without what was inside."""
import base64
import json
import unicodedata

import pytest
import raw

from conftest import ACCOUNT
from kms_attacked import OTHER, SECRET, server, witness  # noqa: F401
from kmsraw import Kms
from witness import Witness

CONTEXT = {"order": "7", "Shop": "north", "name": "Jose\u0301"}
SEAL = 28  # bytes that a sealed part has at least
HEADER = 26  # version 1, account 5, key id 16, generation 4
NOT_YOURS = ("The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed "
             "to access.")
INCORRECT = "The key ID in the request does not identify a CMK that can perform this operation."
INVALID = "InvalidCiphertextException"


@pytest.fixture(scope="module")
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def blob(kms, key):
    return kms.encrypt(KeyId=key, Plaintext=SECRET, EncryptionContext=CONTEXT)["CiphertextBlob"]


@pytest.fixture(scope="module")
def target(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


def b64(data):
    return base64.b64encode(data).decode()


# ---- contexts --------------------------------------------------------------------------------------------------------


def without(name):
    return {k: v for k, v in CONTEXT.items() if k != name}


CONTEXTS = {
    "none": {},
    "one missing": without("order"),
    "another missing": without("Shop"),
    "one more": {**CONTEXT, "more": "1"},
    "an empty one more": {**CONTEXT, "": ""},
    "values swapped": {**CONTEXT, "order": "north", "Shop": "7"},
    "names and values swapped": {v: k for k, v in CONTEXT.items()},
    "two merged into one": {**without("Shop"), "order": "7Shopnorth"},
    "two merged in the name": {**{k: CONTEXT[k] for k in ("Shop", "name")}, "order7": ""},
    "the border moved": {**without("order"), "orde": "r7"},
    "the border moved on": {**without("order"), "order7": ""},
    "the name in small letters": {**without("Shop"), "shop": "north"},
    "the value in capitals": {**CONTEXT, "Shop": "NORTH"},
    "a blank behind": {**CONTEXT, "Shop": "north "},
    "a blank before": {**without("order"), " order": "7"},
    "composed letters": {k: unicodedata.normalize("NFC", v) for k, v in CONTEXT.items()},
    "a NUL behind": {**CONTEXT, "order": "7\0"},
    "a NUL and more": {**without("order"), "order\0": "7"},
    "a number's other spelling": {**CONTEXT, "order": "07"},
    "a value gone": {**CONTEXT, "order": ""},
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_another_context_opens_nothing(kms, witness, key, blob, target, context):
    assert context != CONTEXT
    for more in ({}, {"KeyId": key}):
        assert witness.refuses(INVALID, 400, kms.decrypt, CiphertextBlob=blob, EncryptionContext=context, **more) == ""
    witness.refuses(INVALID, 400, kms.re_encrypt, CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=target,
                    DestinationEncryptionContext=CONTEXT)


def test_the_same_context_in_any_order_opens(kms, blob, target):
    for context in (CONTEXT, dict(reversed(CONTEXT.items()))):
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == SECRET
    moved = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=target)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=moved)["Plaintext"] == SECRET


def test_a_reencrypted_blob_has_left_its_context_behind(kms, witness, blob, target):
    moved = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=target,
                           DestinationEncryptionContext={"order": "8"})["CiphertextBlob"]
    witness.refuses(INVALID, 400, kms.decrypt, CiphertextBlob=moved, EncryptionContext=CONTEXT)
    assert kms.decrypt(CiphertextBlob=moved, EncryptionContext={"order": "8"})["Plaintext"] == SECRET


# ---- blobs -----------------------------------------------------------------------------------------------------------


def ask(wire, server, witness, members, want):
    """Over one connection, since there are many; the text."""
    wire.send(raw.request(wire.host, "kms", "POST", "/", [("X-Amz-Target", "TrentService.Decrypt"), ("Content-Type", "application/x-amz-json-1.1")],
                          json.dumps(members).encode(), who=server.root))
    return json.loads(witness.refused(want, 400, wire.recv()).body).get("message", "")


def test_every_bit_of_a_blob_counts(server, witness, key, blob):
    with raw.Wire(server) as wire:
        for i in range(len(blob)):
            for bit in (1, 16, 128) if i >= HEADER else [1 << n for n in range(8)]:
                broken = blob[:i] + bytes([blob[i] ^ bit]) + blob[i + 1:]
                members = {"CiphertextBlob": b64(broken), "EncryptionContext": CONTEXT}
                elsewhere = 1 <= i < 22  # it names another account, or another key
                assert ask(wire, server, witness, members, "AccessDeniedException" if elsewhere else INVALID) == (NOT_YOURS if elsewhere else "")
                want = "IncorrectKeyException" if elsewhere else INVALID
                assert ask(wire, server, witness, {**members, "KeyId": key}, want) == (INCORRECT if elsewhere else "")


def test_no_part_of_a_blob_will_do(server, witness, key, blob):
    with raw.Wire(server) as wire:
        for n in range(1, len(blob)):
            for part in (blob[:n], blob[n:]):
                broken = {"CiphertextBlob": b64(part), "EncryptionContext": CONTEXT}
                ask(wire, server, witness, {**broken, "KeyId": key}, named_by(part, blob))
        for more in (blob + b"\0", blob + blob, b"\0" + blob, blob[:HEADER] + b"\0" + blob[HEADER:]):
            ask(wire, server, witness, {"CiphertextBlob": b64(more), "EncryptionContext": CONTEXT}, INVALID)


def named_by(part, blob):
    """What starts with a version (2: a multi-Region key's), has a number of an account behind it and is long enough names some key, but
    not this one."""
    names_one = part[0] in (1, 2) and int.from_bytes(part[1:6], "big") < 10**12 and len(part) > HEADER + SEAL
    return "IncorrectKeyException" if names_one and part[:22] != blob[:22] else INVALID


def test_base64_that_is_none(server, witness, blob):
    with raw.Wire(server) as wire:
        for text in ("!" + b64(blob), b64(blob)[:-1], b64(blob) + "=", b64(blob) + "A", "", "=", "\u00e4"):
            wire.send(raw.request(wire.host, "kms", "POST", "/", [("X-Amz-Target", "TrentService.Decrypt"), ("Content-Type", "application/x-amz-json-1.1")],
                                  json.dumps({"CiphertextBlob": text}).encode(), who=server.root))
            reply = wire.recv()
            assert reply.status == 400 and reply.code in ("SerializationException", "ValidationException", INVALID), (text, reply)


def test_a_blob_is_of_its_key_account_and_region(server, kms, witness, key, blob, target):
    """Each header in front of each body."""
    west = server.client("kms", region="us-west-2")
    theirs = server.client("kms", server.other)
    far = west.create_key()["KeyMetadata"]["KeyId"]
    foreign = theirs.create_key()["KeyMetadata"]["KeyId"]
    blobs = {"here": blob}
    for name, client, k in (("target", kms, target), ("far", west, far), ("foreign", theirs, foreign)):
        blobs[name] = client.encrypt(KeyId=k, Plaintext=SECRET, EncryptionContext=CONTEXT)["CiphertextBlob"]
    want = {"here": INVALID, "target": INVALID, "far": "AccessDeniedException", "foreign": "AccessDeniedException"}
    for head in blobs:
        for body in blobs:
            spliced = blobs[head][:HEADER] + blobs[body][HEADER:]
            if head != body or want[head] != INVALID:
                witness.refuses(want[head], 400, kms.decrypt, CiphertextBlob=spliced, EncryptionContext=CONTEXT)
    for name in ("target", "far", "foreign"):
        text = witness.refuses("IncorrectKeyException", 400, kms.decrypt, CiphertextBlob=blobs[name], EncryptionContext=CONTEXT, KeyId=key)
        assert text == INCORRECT
    theirs_witness = Witness(server, server.client("cloudtrail", server.other))
    assert theirs_witness.refuses("AccessDeniedException", 400, theirs.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT) == NOT_YOURS
    theirs_witness.verify()


def test_a_blob_is_of_its_generation(server, kms, witness):
    ask_kms = Kms(server)
    k = ask_kms("CreateKey")["KeyMetadata"]["KeyId"]
    old = kms.encrypt(KeyId=k, Plaintext=SECRET)["CiphertextBlob"]
    ask_kms("RotateKeyOnDemand", KeyId=k)
    new = kms.encrypt(KeyId=k, Plaintext=SECRET)["CiphertextBlob"]
    assert old[:22] == new[:22] and old[22:26] == b"\0\0\0\1" and new[22:26] == b"\0\0\0\2"
    for generation in (0, 1, 2, 3, 2**31, 2**32 - 1):
        for b in (old, new):
            spliced = b[:22] + generation.to_bytes(4, "big") + b[26:]
            if spliced not in (old, new):
                witness.refuses(INVALID, 400, kms.decrypt, CiphertextBlob=spliced)
    assert {kms.decrypt(CiphertextBlob=b)["Plaintext"] for b in (old, new)} == {SECRET}


def test_rsa_and_symmetric_ciphertexts_do_not_mix(server, kms, witness, key, blob):
    rsa = {bits: kms.create_key(KeySpec=f"RSA_{bits}", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"] for bits in (2048, 3072)}
    oaep = "RSAES_OAEP_SHA_256"
    made = kms.encrypt(KeyId=rsa[2048], Plaintext=SECRET, EncryptionAlgorithm=oaep)["CiphertextBlob"]
    refuses = witness.refuses
    refuses(INVALID, 400, kms.decrypt, CiphertextBlob=made)
    refuses(INVALID, 400, kms.decrypt, CiphertextBlob=made, KeyId=key)
    refuses("ValidationException", 400, kms.decrypt, CiphertextBlob=made, EncryptionAlgorithm=oaep)
    refuses(INVALID, 400, kms.decrypt, CiphertextBlob=made, KeyId=rsa[3072], EncryptionAlgorithm=oaep)
    refuses(INVALID, 400, kms.decrypt, CiphertextBlob=made, KeyId=rsa[2048], EncryptionAlgorithm="RSAES_OAEP_SHA_1")
    refuses("InvalidKeyUsageException", 400, kms.decrypt, CiphertextBlob=made, KeyId=key, EncryptionAlgorithm=oaep)
    refuses("IncorrectKeyException", 400, kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=rsa[2048],
            EncryptionAlgorithm="SYMMETRIC_DEFAULT")
    refuses(INVALID, 400, kms.decrypt, CiphertextBlob=blob, KeyId=rsa[2048], EncryptionAlgorithm=oaep)
    refuses("ValidationException", 400, kms.decrypt, CiphertextBlob=made, KeyId=rsa[2048], EncryptionAlgorithm=oaep, EncryptionContext=CONTEXT)
    with raw.Wire(server) as wire:
        for i in range(len(made)):
            members = {"CiphertextBlob": b64(made[:i] + bytes([made[i] ^ 1]) + made[i + 1:]), "KeyId": rsa[2048], "EncryptionAlgorithm": oaep}
            assert ask(wire, server, witness, members, INVALID) == ""
        for n in (1, 128, 255):
            ask(wire, server, witness, {"CiphertextBlob": b64(made[:n]), "KeyId": rsa[2048], "EncryptionAlgorithm": oaep}, INVALID)
        ask(wire, server, witness, {"CiphertextBlob": b64(made + b"\0"), "KeyId": rsa[2048], "EncryptionAlgorithm": oaep}, INVALID)
    assert kms.decrypt(CiphertextBlob=made, KeyId=rsa[2048], EncryptionAlgorithm=oaep)["Plaintext"] == SECRET


def test_what_else_the_server_sealed_is_no_ciphertext(server, kms, witness, key, blob):
    """Tokens of imports and grants are sealed, too; none passes for another."""
    waiting = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    token = kms.get_parameters_for_import(KeyId=waiting, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")["ImportToken"]
    grant = kms.create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:root", Operations=["Decrypt"])["GrantToken"]
    for sealed in (token, base64.b64decode(grant), blob[:HEADER] + token, blob[:HEADER] + base64.b64decode(grant)[12:]):
        witness.refuses(named_by(sealed, blob), 400, kms.decrypt, CiphertextBlob=sealed, KeyId=key)
    for other in (blob, base64.b64decode(grant), blob[HEADER:]):
        witness.refuses("InvalidImportTokenException", 400, kms.import_key_material, KeyId=waiting, ImportToken=other,
                        EncryptedKeyMaterial=bytes(256), ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    for other in (b64(blob), b64(ACCOUNT.encode() + blob), b64(ACCOUNT.encode() + token)):
        witness.refuses("InvalidGrantTokenException", 400, kms.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT, GrantTokens=[other])


def test_data_keys_and_pairs_are_bound_like_everything_else(kms, witness, key, target):
    for made, name in ((kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT), "CiphertextBlob"),
                       (kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=9, EncryptionContext=CONTEXT), "CiphertextBlob"),
                       (kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256", EncryptionContext=CONTEXT), "PrivateKeyCiphertextBlob")):
        sealed = made[name]
        witness.refuses(INVALID, 400, kms.decrypt, CiphertextBlob=sealed)
        witness.refuses(INVALID, 400, kms.decrypt, CiphertextBlob=sealed, EncryptionContext=without("Shop"))
        witness.refuses("IncorrectKeyException", 400, kms.decrypt, CiphertextBlob=sealed, EncryptionContext=CONTEXT, KeyId=target)
        witness.refuses(INVALID, 400, kms.decrypt, CiphertextBlob=sealed[:-1] + bytes([sealed[-1] ^ 1]), EncryptionContext=CONTEXT)
        assert kms.decrypt(CiphertextBlob=sealed, EncryptionContext=CONTEXT)["KeyId"] == key
