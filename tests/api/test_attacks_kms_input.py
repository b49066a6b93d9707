"""Requests that no SDK would write: names of keys in every wrong form, values of every wrong kind, contexts at and beyond their limits, members given
twice. Each gets AWS's refusal, never an internal error, and what is taken is taken whole: the same context opens again, and no other."""
import base64
import json
import uuid

import pytest
import raw

from conftest import ACCOUNT

REGION = "us-east-1"
EMOJI = "\U0001f600"


class Asks:
    """Over one connection: raw bodies in, (status, code, answer) out."""

    def __init__(self, server):
        self.server, self.wire = server, raw.Wire(server)

    def __call__(self, operation, body):
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        self.wire.send(raw.request(self.wire.host, "kms", "POST", "/", [
            ("X-Amz-Target", f"TrentService.{operation}"), ("Content-Type", "application/x-amz-json-1.1")],
            body if isinstance(body, bytes) else body.encode(), who=self.server.root))
        reply = self.wire.recv()
        assert reply.status in (200, 400, 412), (operation, body, reply)
        return reply.status, reply.code, json.loads(reply.body or "{}")


@pytest.fixture(scope="module")
def asks(server):
    return Asks(server)


@pytest.fixture(scope="module")
def key(asks):
    arn = asks("CreateKey", {})[2]["KeyMetadata"]["Arn"]
    asks("CreateAlias", {"AliasName": f"alias/{arn[-36:]}", "TargetKeyId": arn})
    return arn


def names(arn):
    """Almost names of the key: which code Encrypt has for each."""
    kid, alias = arn[-36:], "alias/" + arn[-36:]
    alias_arn = arn.replace("key/" + kid, alias)
    missing = [arn.upper(), kid.upper(), arn.replace("arn:aws:", "arn:aws-cn:"), arn.replace("arn:", "ARN:"), arn.replace(REGION, REGION.upper()),
               arn.replace(REGION, ""), arn.replace(REGION, "us-west-2"), arn.replace(ACCOUNT, ""), arn.replace(ACCOUNT, "1111-2222-3333"),
               arn.replace("key/", "Key/"), arn + "/", arn + " ", " " + arn, arn + "\0", kid + "\n", kid.replace("-", ""), "mrk-" + kid.replace("-", ""),
               "key/" + kid, alias + "/", alias.upper(), alias + "\0", alias.replace("alias/", "alias//"), alias_arn.replace("alias/", "key/alias/"),
               alias_arn + "\0", alias_arn.replace(REGION, "us-west-2"), "alias", "alias/", "alias/aws/none", "alias/\u00e4", "alias/" + "x" * 500, "arn:",
               "arn:aws:kms", "arn:aws:kms:::", f"arn:aws:kms:{REGION}:{ACCOUNT}:", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*", "*", "x" * 2048, EMOJI * 500]
    made = {name: "NotFoundException" for name in missing}
    made |= {arn.replace(ACCOUNT, "9" * 12): "AccessDeniedException", alias_arn.replace(ACCOUNT, "9" * 12): "AccessDeniedException",
             "": "ValidationException", "x" * 2049: "ValidationException"}
    return made


def test_a_name_that_is_almost_the_key_s_names_nothing(asks, key):
    for name in (key, key[-36:], "alias/" + key[-36:], key.replace("key/", "alias/")):
        assert asks("Encrypt", {"KeyId": name, "Plaintext": "eA=="})[2]["KeyId"] == key
    for name, want in names(key).items():
        status, said, answer = asks("Encrypt", {"KeyId": name, "Plaintext": "eA=="})
        assert (status, said) == (400, want), (name, answer)
        for operation in ("DescribeKey", "DisableKey", "ScheduleKeyDeletion", "EnableKeyRotation", "GetKeyPolicy", "ListGrants", "GenerateDataKey"):
            status, said, answer = asks(operation, {"KeyId": name, "KeySpec": "AES_256"})
            assert status == 400 and said in (want, "InvalidArnException", "NotFoundException"), (operation, name, answer)
    assert asks("DescribeKey", {"KeyId": key})[2]["KeyMetadata"]["KeyState"] == "Enabled"


@pytest.mark.parametrize("member", ["KeyId", "Plaintext", "EncryptionContext", "GrantTokens", "EncryptionAlgorithm", "DryRun"])
def test_a_member_has_one_type(asks, key, member):
    good = {"KeyId": [str], "Plaintext": [str], "EncryptionContext": [dict], "GrantTokens": [list], "EncryptionAlgorithm": [str], "DryRun": [bool]}[member]
    for value in (1, 1.5, -1, True, [], {}, ["x"], {"a": 1}, {"a": []}, "9" * 30, [[]], [None]):
        status, said, answer = asks("Encrypt", {"KeyId": key, "Plaintext": "eA==", member: value})
        if type(value) not in good:
            assert (status, said) == (400, "SerializationException"), (value, answer)


@pytest.mark.parametrize("body", ["{", "}", "[]", "null", "1", '"x"', '{"KeyId":"K","Plaintext":"eA==",}', '{"KeyId":"K" "Plaintext":"eA=="}', "{'KeyId':'K'}",
                                  '{"KeyId":"K","Plaintext":"eA=="}x', '{"KeyId":"K","Plaintext":"eA=="}\0', '\ufeff{"KeyId":"K","Plaintext":"eA=="}',
                                  '{"KeyId":"K","Plaintext":"eA"}', '{"KeyId":"K","Plaintext":"e A=="}', '{"KeyId":"K","Plaintext":"eB=="}',
                                  '{"KeyId":"K","Plaintext":"-_=="}', '{"KeyId":"K","Plaintext":"eA==","x":%s}' % ("[" * 200 + "]" * 200),
                                  b'{"KeyId":"K\xff","Plaintext":"eA=="}', b'{"KeyId":"K","Plaintext":"eA==","EncryptionContext":{"\xc0\x80":"x"}}',
                                  b'{"KeyId":"K","Plaintext":"eA==","EncryptionContext":{"a":"\xed\xa0\x80"}}',
                                  '{"KeyId":"K","Plaintext":"eA==","EncryptionContext":{"\\ud800":"x"}}', '{"KeyId":1e999}'], ids=repr)
def test_what_is_not_quite_json_is_none(asks, key, body):
    body = body.replace(b"K", key.encode()) if isinstance(body, bytes) else body.replace('"K"', f'"{key}"')
    assert asks("Encrypt", body)[:2] == (400, "SerializationException")


def test_a_member_given_twice_has_its_last_value(asks, key):
    other = asks("CreateKey", {})[2]["KeyMetadata"]["Arn"]
    for first, last in ((key, other), (other, key)):
        body = '{"KeyId":"%s","Plaintext":"eA==","KeyId":"%s"}' % (first, last)
        assert asks("Encrypt", body)[2]["KeyId"] == last
    body = '{"K\\u0065yId":"%s","KeyId":"%s","Plaintext":"eA=="}' % (key, other)  # spelt with an escape it is the same member
    assert asks("Encrypt", body)[2]["KeyId"] == other
    assert asks("Encrypt", '{"keyid":"%s","Plaintext":"eA=="}' % key)[:2] == (400, "ValidationException")  # and case counts


CONTEXTS = {
    "empty": {"": ""}, "an empty value": {"a": ""}, "an empty name": {"": "a"}, "NULs": {"\0": "\0", "\0\0": ""}, "control characters": {"\x01\n\t": "\x7f"},
    "a service's names": {"aws:s3:arn": "arn:aws:s3:::b/k", "aws:x": "1", "kms:ViaService": "s3.us-east-1.amazonaws.com"},
    "two forms of one letter": {"a\u0301": "1", "\u00e1": "2"}, "letters whose case is odd": {"\u0130": "1", "i": "2", "\u0131": "3", "\u212a": "4"},
    "emoji": {EMOJI: EMOJI * 100}, "the longest": {"k": "x" * 8191}, "a long name": {"k" * 8191: "x"}, "many": {f"k{i}": "" for i in range(1500)},
    "patterns and variables": {"*": "?", "${aws:username}": "${*}"}, "quotes": {'"\\': "'/</&"},
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
def test_a_context_is_taken_whole(asks, key, context):
    blob = asks("Encrypt", {"KeyId": key, "Plaintext": "eA==", "EncryptionContext": context})[2]["CiphertextBlob"]
    assert asks("Decrypt", {"CiphertextBlob": blob, "EncryptionContext": context})[2]["Plaintext"] == "eA=="
    backwards = dict(reversed(context.items()))
    assert asks("Decrypt", {"CiphertextBlob": blob, "EncryptionContext": backwards})[2]["Plaintext"] == "eA=="
    name, value = next(iter(context.items()))
    rest = {k: v for k, v in context.items() if k != name}
    for other in (rest, {**rest, name: value[:-1] if value else "x"}, {**rest, name[:-1] + "~": value}):
        assert asks("Decrypt", {"CiphertextBlob": blob, "EncryptionContext": other})[1] == "InvalidCiphertextException"


def test_a_context_that_is_too_large_or_has_a_name_twice_is_none(asks, key):
    for context in ({"k": "x" * 8192}, {f"k{i}": "" for i in range(3000)}, {"A": "1", "a": "2"}, {"a" * 4097: "b" * 4096}):
        for operation, more in (("Encrypt", {"Plaintext": "eA=="}), ("GenerateDataKey", {"KeySpec": "AES_256"}), ("GenerateDataKeyPair", {"KeyPairSpec": "ECC_NIST_P256"}),
                                ("Decrypt", {"CiphertextBlob": base64.b64encode(bytes(100)).decode()})):
            status, said, answer = asks(operation, {"KeyId": key, "EncryptionContext": context, **more})
            assert (status, said) == (400, "ValidationException"), (operation, answer)


@pytest.mark.parametrize("operation, member, low, high", [
    ("GenerateRandom", "NumberOfBytes", 1, 1024), ("GenerateDataKey", "NumberOfBytes", 1, 1024), ("EnableKeyRotation", "RotationPeriodInDays", 90, 2560),
    ("ListKeys", "Limit", 1, 1000), ("ListAliases", "Limit", 1, 100), ("ListGrants", "Limit", 1, 100)])
def test_numbers_have_bounds_and_are_numbers(asks, key, operation, member, low, high):
    base = {} if operation in ("GenerateRandom", "ListKeys", "ListAliases") else {"KeyId": key}
    for value in (low - 1, high + 1, -1, 2**31, 2**63, 2**64, 1e300, -2**63, low + 0.5, str(low), True, [low]):
        status, said, answer = asks(operation, {**base, member: value})
        assert status == 400 and said in ("ValidationException", "SerializationException"), (value, answer)
    for value in (low, high):
        assert asks(operation, {**base, member: value})[0] == 200


def test_lists_have_bounds(asks, key):
    to = {"KeyId": key, "GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:root"}
    for operation, members, want in (
            ("Encrypt", {"KeyId": key, "Plaintext": "eA==", "GrantTokens": ["x"] * 11}, "ValidationException"),
            ("TagResource", {"KeyId": key, "Tags": [{"TagKey": str(i), "TagValue": ""} for i in range(51)]}, "TagException"),
            ("TagResource", {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}]}, "TagException"),
            ("TagResource", {"KeyId": key, "Tags": [{"TagKey": "AWS:x", "TagValue": "1"}]}, "TagException"),
            ("CreateGrant", {**to, "Operations": []}, "ValidationException"), ("CreateGrant", {**to, "Operations": ["Everything"]}, "ValidationException"),
            ("PutKeyPolicy", {"KeyId": key, "Policy": "{" + " " * 32768 + "}"}, "LimitExceededException"),
            ("CreateAlias", {"AliasName": "alias/\u212a", "TargetKeyId": key}, "ValidationException"),
            ("CreateAlias", {"AliasName": "alias/" + "x" * 251, "TargetKeyId": key}, "ValidationException"),
            ("UpdateKeyDescription", {"KeyId": key, "Description": EMOJI * 8193}, "ValidationException")):
        status, said, answer = asks(operation, members)
        assert (status, said) == (400, want), (operation, answer)
    assert asks("ListGrants", {"KeyId": key})[2]["Grants"] == []


def test_operations_are_spelt_as_they_are(server):
    for name in ("encrypt", "ENCRYPT", "Encrypt ", "TrentService.Encrypt", "Decrypt/Encrypt", "", uuid.uuid4().hex, "\u0045ncrypt\u200b".encode().decode("latin-1")):
        with raw.Wire(server) as wire:
            wire.send(raw.request(wire.host, "kms", "POST", "/", [("X-Amz-Target", f"TrentService.{name}".strip()), ("Content-Type", "application/x-amz-json-1.1")],
                                  b"{}", who=server.root))
            reply = wire.recv()
            if name.strip() != "Encrypt":
                assert reply.status in (400, 403, 404) and reply.code != "ValidationException", (name, reply)
