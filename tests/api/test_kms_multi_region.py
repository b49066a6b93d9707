"""Multi-Region keys as stock clients use them: boto3 in two regions, the AWS CLI, and what the Encryption SDK's keyrings do."""
import collections
import concurrent.futures
import itertools
import json
import os
import random
import subprocess
import threading
import time

import pytest
from botocore.exceptions import ClientError

from conftest import PATIENCE_S, code
from kmsimport import import_into
from kmsraw import Kms

HERE, THERE = "us-east-1", "eu-west-1"


def client(server, region):
    return server.client("kms", region=region)


@pytest.fixture
def here(server):
    return client(server, HERE)


@pytest.fixture
def there(server):
    return client(server, THERE)


def primary(here, **more):
    return here.create_key(MultiRegion=True, **more)["KeyMetadata"]["KeyId"]


def test_what_is_encrypted_here_opens_there(here, there):
    key = primary(here)
    made = here.replicate_key(KeyId=key, ReplicaRegion=THERE, Description="over there", Tags=[{"TagKey": "a", "TagValue": "b"}])
    meta = made["ReplicaKeyMetadata"]
    assert (meta["KeyId"], meta["KeyState"], meta["Description"]) == (key, "Enabled", "over there")
    assert made["ReplicaTags"] == [{"TagKey": "a", "TagValue": "b"}] and json.loads(made["ReplicaPolicy"])["Statement"]
    context = {"order": "7"}
    blob = here.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    opened = there.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert opened["Plaintext"] == b"x" and opened["KeyId"] == meta["Arn"]
    data = there.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert here.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
    with pytest.raises(ClientError) as e:
        there.decrypt(CiphertextBlob=blob)
    assert code(e) == ("InvalidCiphertextException", 400)
    config = here.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert config == there.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"] | {"MultiRegionKeyType": "PRIMARY"}
    assert [k["Region"] for k in config["ReplicaKeys"]] == [THERE]


def test_a_discovery_keyring_finds_the_related_key(here, there):
    """It has a data key encrypted under one region's ARN, puts its own region into it and asks there."""
    key = primary(here)
    here.replicate_key(KeyId=key, ReplicaRegion=THERE)
    wrapped = here.generate_data_key(KeyId=key, NumberOfBytes=32, EncryptionContext={"aws-crypto-public-key": "x"})
    arn = wrapped["KeyId"].split(":")
    assert arn[5].startswith("key/mrk-")
    arn[3] = THERE
    back = there.decrypt(KeyId=":".join(arn), CiphertextBlob=wrapped["CiphertextBlob"],
                         EncryptionContext={"aws-crypto-public-key": "x"})
    assert back["Plaintext"] == wrapped["Plaintext"] and back["KeyId"] == ":".join(arn)


@pytest.mark.parametrize("spec, algorithm", [("ECC_NIST_P384", "ECDSA_SHA_384"), ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
                                             ("RSA_3072", "RSASSA_PSS_SHA_256")])
def test_signatures_verify_in_every_region(server, spec, algorithm):
    kms = Kms(server)
    key = kms("CreateKey", MultiRegion=True, KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms("ReplicateKey", KeyId=key, ReplicaRegion=THERE)
    said = {"KeyId": key, "Message": b"m", "SigningAlgorithm": algorithm}
    for signs, verifies in ((kms, kms.there(THERE)), (kms.there(THERE), kms)):
        assert verifies("Verify", **said, Signature=signs("Sign", **said)["Signature"])["SignatureValid"] is True
    assert kms("GetPublicKey", KeyId=key)["PublicKey"] == kms.there(THERE)("GetPublicKey", KeyId=key)["PublicKey"]


def test_imported_material_is_imported_in_each_region(here, there):
    key, material = primary(here, Origin="EXTERNAL"), os.urandom(32)
    import_into(here, key, material)
    here.replicate_key(KeyId=key, ReplicaRegion=THERE)
    assert there.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    with pytest.raises(ClientError) as e:
        import_into(there, key, os.urandom(32))
    assert code(e) == ("IncorrectKeyMaterialException", 400)
    import_into(there, key, material)
    blob = here.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    there.delete_imported_key_material(KeyId=key)
    assert here.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_the_stock_cli_replicates_rotates_and_moves(server):
    def aws(*args, region=HERE):
        out = subprocess.run(["/usr/bin/aws", "--endpoint-url", server.url, "--ca-bundle", server.ca, "--region", region,
                              "kms", *args], env={**server.env, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
                             text=True, capture_output=True, check=True)
        return json.loads(out.stdout) if out.stdout.strip() else None

    key = aws("create-key", "--multi-region")["KeyMetadata"]["KeyId"]
    aws("replicate-key", "--key-id", key, "--replica-region", THERE)
    aws("enable-key-rotation", "--key-id", key)
    assert aws("get-key-rotation-status", "--key-id", key, region=THERE)["KeyRotationEnabled"] is True
    aws("update-primary-region", "--key-id", key, "--primary-region", THERE)
    config = aws("describe-key", "--key-id", key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert (config["MultiRegionKeyType"], config["PrimaryKey"]["Region"]) == ("REPLICA", THERE)
    scheduled = aws("schedule-key-deletion", "--key-id", key, region=THERE)
    assert scheduled["KeyState"] == "PendingReplicaDeletion" and "DeletionDate" not in scheduled


def test_all_of_it_outlives_a_restart(fresh):
    here, there = client(fresh, HERE), client(fresh, THERE)
    key = primary(here)
    here.replicate_key(KeyId=key, ReplicaRegion=THERE)
    blob = here.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    fresh.stop()
    fresh.start()
    assert client(fresh, THERE).decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_calls_from_all_sides_leave_the_regions_agreed(server):
    """Replicating, moving, rotating and using one key from two regions at once: refusals are fine, disagreement is not."""
    regions = [HERE, THERE, "ap-south-1"]
    kms = {region: client(server, region) for region in regions}
    key = primary(kms[HERE])
    first = kms[HERE].encrypt(KeyId=key, Plaintext=b"first")["CiphertextBlob"]
    answers, blobs, counting = collections.Counter(), [first], threading.Lock()

    def attempt(operation, region, **members):
        got = None
        try:
            got = getattr(kms[region], operation)(KeyId=key, **members)
            said = operation
        except ClientError as e:
            said = e.response["Error"]["Code"]
        with counting:
            answers[said] += 1
        return got

    def enough():
        return answers["encrypt"] and answers["update_primary_region"] and answers["replicate_key"] == 2

    def meddle(seed):
        pick, deadline, turns = random.Random(seed), time.monotonic() + PATIENCE_S, itertools.count()
        while next(turns) < 25 or not (enough() or time.monotonic() > deadline):
            region, other = pick.choice(regions), pick.choice(regions)
            what = pick.randrange(5)
            if what == 0:
                attempt("replicate_key", region, ReplicaRegion=other)
            elif what == 1:
                attempt("update_primary_region", region, PrimaryRegion=other)
            elif what == 2:
                attempt("enable_key_rotation", region)
            else:
                got = attempt("encrypt", region, Plaintext=b"x")
                blobs.extend([got["CiphertextBlob"]] if got else [])

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(meddle, range(6)))
    assert enough(), answers
    assert not {"KMSInternalException", "InternalFailure", "ServiceUnavailable"} & set(answers), answers
    told = [kms[r].describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"] for r in regions]
    assert sorted(t.pop("MultiRegionKeyType") for t in told) == ["PRIMARY", "REPLICA", "REPLICA"]
    assert told[0] == told[1] == told[2]
    kms[told[0]["PrimaryKey"]["Region"]].enable_key_rotation(KeyId=key)
    for region in regions:
        assert kms[region].get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
        for blob in blobs:
            assert kms[region].decrypt(CiphertextBlob=blob)["Plaintext"] in (b"x", b"first")
