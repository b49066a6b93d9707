"""Imported key material, with python3-cryptography for the client's half."""
import base64
import datetime
import json
import os

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from conftest import code
from kmsimport import import_into, pkcs8, wrapped
from kmsraw import Kms


def external(kms, **more):
    return kms.create_key(Origin="EXTERNAL", **more)["KeyMetadata"]["KeyId"]


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096"])
def test_symmetric_material_comes_in_by_every_way_there_is(kms, algorithm, spec):
    key = external(kms)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    import_into(kms, key, os.urandom(32), algorithm=algorithm, spec=spec)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"x"


def test_material_deleted_and_imported_again_opens_what_it_closed(kms):
    key, material = external(kms), os.urandom(32)
    import_into(kms, key, material)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=key)
    for call in (lambda: kms.decrypt(CiphertextBlob=blob), lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256")):
        with pytest.raises(ClientError) as e:
            call()
        assert code(e) == ("KMSInvalidStateException", 400)
    with pytest.raises(ClientError) as e:
        import_into(kms, key, os.urandom(32))
    assert code(e) == ("IncorrectKeyMaterialException", 400)
    import_into(kms, key, material)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.parametrize("algorithm", ["RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"])
def test_an_rsa_key_of_ones_own_decrypts(kms, algorithm):
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = external(kms, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    import_into(kms, key, pkcs8(own), algorithm=algorithm, spec="RSA_4096")
    der = own.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert kms.get_public_key(KeyId=key)["PublicKey"] == der
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    blob = own.public_key().encrypt(b"x", oaep)
    assert kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")["Plaintext"] == b"x"
    with pytest.raises(ClientError) as e:
        import_into(kms, key, pkcs8(rsa.generate_private_key(public_exponent=65537, key_size=2048)), algorithm=algorithm)
    assert code(e) == ("IncorrectKeyMaterialException", 400)


@pytest.mark.parametrize("curve, spec, algorithm, wrapping", [
    (ec.SECP256R1(), "ECC_NIST_P256", "RSAES_OAEP_SHA_256", "RSA_2048"),
    (ec.SECP384R1(), "ECC_NIST_P384", "RSA_AES_KEY_WRAP_SHA_256", "RSA_2048"),
    (ec.SECP521R1(), "ECC_NIST_P521", "RSAES_OAEP_SHA_1", "RSA_3072"),
    (ec.SECP256K1(), "ECC_SECG_P256K1", "RSAES_OAEP_SHA_1", "RSA_2048"),
])
def test_an_elliptic_curve_key_of_ones_own_has_its_public_key(kms, curve, spec, algorithm, wrapping):
    own = ec.generate_private_key(curve)
    key = external(kms, KeySpec=spec, KeyUsage="SIGN_VERIFY")
    import_into(kms, key, pkcs8(own), algorithm=algorithm, spec=wrapping)
    der = own.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert kms.get_public_key(KeyId=key)["PublicKey"] == der


@pytest.mark.parametrize("material", [b"", b"x", os.urandom(31), os.urandom(33), os.urandom(64)])
def test_what_is_no_key_is_refused(kms, material):
    with pytest.raises(ClientError) as e:
        import_into(kms, external(kms), material)
    assert code(e)[0] in ("IncorrectKeyMaterialException", "InvalidCiphertextException")


def test_a_cut_or_bent_parcel_is_refused(kms):
    key = external(kms)
    p = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    good = wrapped(p["PublicKey"], os.urandom(32), "RSAES_OAEP_SHA_256")
    never = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    for token, parcel, want in [
            (p["ImportToken"], good[:-1], "InvalidCiphertextException"),
            (p["ImportToken"], bytes([good[0] ^ 1]) + good[1:], "InvalidCiphertextException"),
            (p["ImportToken"][:-1], good, "InvalidImportTokenException"),
            (p["ImportToken"][:40] + bytes([p["ImportToken"][40] ^ 1]) + p["ImportToken"][41:], good, "InvalidImportTokenException")]:
        with pytest.raises(ClientError) as e:
            kms.import_key_material(KeyId=key, ImportToken=token, EncryptedKeyMaterial=parcel, **never)
        assert code(e) == (want, 400)
    kms.import_key_material(KeyId=key, ImportToken=p["ImportToken"], EncryptedKeyMaterial=good, **never)


def test_material_expires_on_its_date_and_both_are_in_the_trail(fresh):
    client, kms = fresh.client("kms"), Kms(fresh)
    key = external(client)
    import_into(client, key, os.urandom(32), ValidTo=kms.now() + datetime.timedelta(days=3), ExpirationModel="KEY_MATERIAL_EXPIRES")
    blob = base64.b64decode(kms("Encrypt", KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    kms.later(4)
    assert "is pending import" in kms.refuses("KMSInvalidStateException", "Decrypt", CiphertextBlob=blob)
    kms.clock[0] *= 0
    fresh.stop()
    fresh.start()  # at the machine's time again: what expired does not come back
    assert "is pending import" in kms.refuses("KMSInvalidStateException", "Decrypt", CiphertextBlob=blob)
    trail = fresh.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ImportKeyMaterial"}])
    record = json.loads(trail["Events"][0]["CloudTrailEvent"])
    assert set(record["requestParameters"]) == {"keyId", "validTo", "expirationModel"}


def test_imported_material_is_rotated(server):
    client, kms = server.client("kms"), Kms(server)
    key = external(client)
    import_into(client, key, os.urandom(32))
    first = kms("Encrypt", KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    p = client.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    kms("ImportKeyMaterial", KeyId=key, ImportToken=p["ImportToken"], ImportType="NEW_KEY_MATERIAL", KeyMaterialDescription="second",
        EncryptedKeyMaterial=wrapped(p["PublicKey"], os.urandom(32), "RSAES_OAEP_SHA_256"), ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    kms("RotateKeyOnDemand", KeyId=key)
    kms("Decrypt", CiphertextBlob=base64.b64decode(first))
    listed = kms("ListKeyRotations", KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [(r["KeyMaterialState"], r["ImportState"]) for r in listed] == [("NON_CURRENT", "IMPORTED"), ("CURRENT", "IMPORTED")]
    assert listed[1]["KeyMaterialDescription"] == "second"
