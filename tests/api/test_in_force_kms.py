"""What ends a key's use ends it for everyone from the next request on. Sixteen connections use a key in every way there is, S3's objects
under it among them, with and without bucket keys, so that every cache is warm; then it is disabled, deleted, expired or closed to them;
and no request that begins after the answer succeeds. All go on until each of them has asked for everything before and after."""
import contextlib
import itertools
import os
import threading
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, eventually, policy
from kmsimport import import_into

CONNECTIONS = 16
EXPIRY_S = 600
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
OPERATIONS = ["Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "DescribeKey"]


class Uses:
    """A key, what is under it, and somebody who uses all of it."""

    def __init__(self, server, key, who):
        self.root, self.key = server.client("s3"), key
        self.kms, self.s3 = (server.client(s, who, plain=True, max_pool_connections=CONNECTIONS) for s in ("kms", "s3"))
        owner = server.client("kms")
        self.blob = owner.encrypt(KeyId=key, Plaintext=b"sealed")["CiphertextBlob"]
        self.buckets = [self.bucket(bucket_key) for bucket_key in (False, True)]
        plain, keyed = self.buckets
        self.asks = {
            "Encrypt": lambda: self.kms.encrypt(KeyId=key, Plaintext=b"x"),
            "Decrypt": lambda: self.kms.decrypt(CiphertextBlob=self.blob),
            "ReEncrypt": lambda: self.kms.re_encrypt(CiphertextBlob=self.blob, DestinationKeyId=key),
            "GenerateDataKey": lambda: self.kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
            "GetObject": lambda: self.s3.get_object(Bucket=plain, Key="o")["Body"].read(),
            "GetObject, bucket key": lambda: self.s3.get_object(Bucket=keyed, Key="o")["Body"].read(),
            "PutObject": lambda: self.s3.put_object(Bucket=plain, Key="p", Body=b"p"),
            "PutObject, bucket key": lambda: self.s3.put_object(Bucket=keyed, Key="p", Body=b"p"),
            "CopyObject, bucket key": lambda: self.s3.copy_object(Bucket=keyed, Key="q", CopySource=f"{keyed}/o"),
        }

    def bucket(self, bucket_key):
        name = "b-" + uuid.uuid4().hex[:12]
        self.root.create_bucket(Bucket=name)
        self.root.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}, "BucketKeyEnabled": bucket_key}]})
        self.root.put_object(Bucket=name, Key="o", Body=b"o" * 100)
        return name

    def ask_on(self, turn, stop, seen):
        """Appends (when it was asked, when it was answered, what, error's code or None)."""
        asks = itertools.cycle(list(self.asks.items())[turn % len(self.asks):] + list(self.asks.items())[:turn % len(self.asks)])
        while not stop.is_set():
            what, call = next(asks)
            began, code = time.monotonic(), None
            try:
                call()
            except ClientError as e:
                code = e.response["Error"]["Code"]
            except Exception as e:  # noqa: BLE001: an answer that is none is a finding
                code = f"{type(e).__name__}: {e}"
            seen.append((began, time.monotonic(), what, code))

    @contextlib.contextmanager
    def under_way(self):
        stop, seen = threading.Event(), [[] for _ in range(CONNECTIONS)]
        threads = [threading.Thread(target=self.ask_on, args=(i, stop, mine)) for i, mine in enumerate(seen)]
        for t in threads:
            t.start()
        try:
            yield seen
        finally:
            stop.set()
            for t in threads:
                t.join()

    def all_asked(self, seen):
        """By each connection, since there were so many answers on it."""
        had = [len(mine) for mine in seen]
        eventually(lambda: all(len(mine) >= n + len(self.asks) + 1 for mine, n in zip(seen, had)))  # the first may have begun before

    def ended_by(self, end, *, codes):
        with self.under_way() as seen:
            self.all_asked(seen)
            started = time.monotonic()
            end()
            ended = time.monotonic()
            self.all_asked(seen)
        seen = list(itertools.chain(*seen))
        early = {(what, code) for _, answered, what, code in seen if answered < started}
        assert early == {(what, None) for what in self.asks}, early
        late = [(what, code) for began, _, what, code in seen if began > ended]
        assert {what for what, _ in late} == set(self.asks), "not everything was asked after its end"
        assert {code for _, code in late} <= codes, [(what, code) for what, code in late if code not in codes][:10]


def new_key(server, **more):
    return server.client("kms").create_key(**more)["KeyMetadata"]["KeyId"]


def imported(server, material, **more):
    key, kms = new_key(server, Origin="EXTERNAL"), server.client("kms")
    import_into(kms, key, material, **more)
    return key


def everything(server):
    return server.user(allow(["s3:*", "kms:*"]))


def arn_of(user):
    return f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}"


def test_disable(server):
    key = new_key(server)
    uses = Uses(server, key, everything(server))
    uses.ended_by(lambda: server.client("kms").disable_key(KeyId=key), codes={"DisabledException", "KMS.DisabledException"})


def test_schedule_deletion(server):
    key = new_key(server)
    uses = Uses(server, key, everything(server))
    uses.ended_by(lambda: server.client("kms").schedule_key_deletion(KeyId=key),
                  codes={"KMSInvalidStateException", "KMS.KMSInvalidStateException"})


def test_delete_material(server):
    material = os.urandom(32)
    key = imported(server, material)
    uses = Uses(server, key, everything(server))
    uses.ended_by(lambda: server.client("kms").delete_imported_key_material(KeyId=key),
                  codes={"KMSInvalidStateException", "KMS.KMSInvalidStateException"})
    import_into(server.client("kms"), key, material)
    for ask in uses.asks.values():
        ask()


def test_expiry_of_material(fresh):
    """The server's clock goes past it; by less than a signature may be old."""
    key = imported(fresh, os.urandom(32), ValidTo=int(time.time()) + EXPIRY_S, ExpirationModel="KEY_MATERIAL_EXPIRES")
    Uses(fresh, key, everything(fresh)).ended_by(lambda: fresh.advance(f"{EXPIRY_S}s"), codes={"KMSInvalidStateException", "KMS.KMSInvalidStateException"})


def test_revoke_and_retire_grants(server):
    user, kms = server.user(allow("s3:*")), server.client("kms")
    for end in (kms.revoke_grant, kms.retire_grant):
        key = new_key(server)
        grant = kms.create_grant(KeyId=key, GranteePrincipal=arn_of(user), Operations=OPERATIONS)["GrantId"]
        key_arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
        Uses(server, key, user).ended_by(lambda: end(KeyId=key_arn, GrantId=grant), codes={"AccessDeniedException", "AccessDenied"})


@pytest.mark.parametrize("how", ["no longer named", "denied"])
def test_put_key_policy(server, how):
    user, kms = server.user(allow("s3:*")), server.client("kms")
    roots, his = allow("kms:*", Principal=ROOT), allow("kms:*", Principal={"AWS": arn_of(user)})
    key = new_key(server, Policy=policy(roots, his))
    after = policy(roots) if how == "no longer named" else policy(roots, his, {**his, "Effect": "Deny"})
    Uses(server, key, user).ended_by(lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=after),
                                     codes={"AccessDeniedException", "AccessDenied"})
