"""KMS's asymmetric and HMAC keys as boto3 sees them, checked by another crypto library."""
import base64
import hashlib
import hmac
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from conftest import allow, policy, refused

SHA = {256: hashes.SHA256, 384: hashes.SHA384, 512: hashes.SHA512}
RSA = [f"{how}_SHA_{bits}" for how in ("RSASSA_PSS", "RSASSA_PKCS1_V1_5") for bits in SHA]
CURVES = {"ECC_NIST_P256": (ec.SECP256R1, 256), "ECC_NIST_P384": (ec.SECP384R1, 384), "ECC_NIST_P521": (ec.SECP521R1, 512),
          "ECC_SECG_P256K1": (ec.SECP256K1, 256)}
SIGNING = [("RSA_2048", a) for a in RSA] + [("RSA_3072", RSA[0]), ("RSA_4096", RSA[5])]
SIGNING += [(spec, f"ECDSA_SHA_{bits}") for spec, (_, bits) in CURVES.items()]


def made(kms, spec, usage):
    return kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]


def public(kms, key):
    return serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])


def verify(key, algorithm, signature, message, *, digest=False):
    """With the library: raises InvalidSignature."""
    sha = SHA[int(algorithm[-3:])]()
    how = utils.Prehashed(sha) if digest else sha
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(how))
    elif "PSS" in algorithm:
        key.verify(signature, message, padding.PSS(mgf=padding.MGF1(sha), salt_length=sha.digest_size), how)
    else:
        key.verify(signature, message, padding.PKCS1v15(), how)


@pytest.mark.parametrize("spec, algorithm", SIGNING)
def test_signatures_verify_here_and_elsewhere(kms, spec, algorithm):
    key = made(kms, spec, "SIGN_VERIFY")
    outside = public(kms, key)
    message = b"pay the bearer" * 200
    digest = hashlib.new(f"sha{algorithm[-3:]}", message).digest()
    for content, kind in ((message, "RAW"), (digest, "DIGEST")):
        signed = kms.sign(KeyId=key, Message=content, MessageType=kind, SigningAlgorithm=algorithm)
        assert (signed["KeyId"], signed["SigningAlgorithm"]) == (key, algorithm)
        verify(outside, algorithm, signed["Signature"], message)
        verify(outside, algorithm, signed["Signature"], digest, digest=True)
        with pytest.raises(InvalidSignature):
            verify(outside, algorithm, signed["Signature"], message + b"!")
        for again, form in ((message, "RAW"), (digest, "DIGEST")):
            answer = kms.verify(KeyId=key, Message=again, MessageType=form, SigningAlgorithm=algorithm, Signature=signed["Signature"])
            assert (answer["SignatureValid"], answer["KeyId"], answer["SigningAlgorithm"]) == (True, key, algorithm)
        refused("KMSInvalidSignatureException", 400, kms.verify, KeyId=key, Message=message + b"!", SigningAlgorithm=algorithm,
                Signature=signed["Signature"])


@pytest.mark.parametrize("spec", CURVES)
def test_a_signature_made_elsewhere_with_a_data_key_pair_is_its_own(kms, spec):
    """The private half of a data key pair is PKCS #8, the public one SubjectPublicKeyInfo; Decrypt gives it back."""
    key = kms.create_key()["KeyMetadata"]["Arn"]
    context = {"for": "Alice"}
    pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec, EncryptionContext=context)
    private = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
    outside = serialization.load_der_public_key(pair["PublicKey"])
    curve, bits = CURVES[spec]
    assert isinstance(private.curve, curve) and private.public_key().public_numbers() == outside.public_numbers()
    verify(outside, f"ECDSA_SHA_{bits}", private.sign(b"m", ec.ECDSA(SHA[bits]())), b"m")
    opened = kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == pair["PrivateKeyPlaintext"]
    refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=pair["PrivateKeyCiphertextBlob"])


@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096"])
def test_rsa_data_key_pairs_without_plaintext(kms, spec):
    key = kms.create_key()["KeyMetadata"]["Arn"]
    pair = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in pair and (pair["KeyId"], pair["KeyPairSpec"]) == (key, spec)
    private = serialization.load_der_private_key(kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"], None)
    outside = serialization.load_der_public_key(pair["PublicKey"])
    assert private.key_size == int(spec[4:]) and private.public_key().public_numbers() == outside.public_numbers()
    assert private.public_key().public_numbers().e == 65537


def test_ed25519(kms):
    key = made(kms, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    signed = kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ED25519_SHA_512")["Signature"]
    outside = public(kms, key)
    assert isinstance(outside, ed25519.Ed25519PublicKey)
    outside.verify(signed, b"m")
    assert kms.verify(KeyId=key, Message=b"m", SigningAlgorithm="ED25519_SHA_512", Signature=signed)["SignatureValid"]
    refused("ValidationException", 400, kms.sign, KeyId=key, Message=b"m" * 64, MessageType="DIGEST", SigningAlgorithm="ED25519_SHA_512")
    refused("UnsupportedOperationException", 400, kms.sign, KeyId=key, Message=b"m" * 64, MessageType="DIGEST",
            SigningAlgorithm="ED25519_PH_SHA_512")


@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", "RSA_4096"])
@pytest.mark.parametrize("algorithm, sha", [("RSAES_OAEP_SHA_1", hashes.SHA1), ("RSAES_OAEP_SHA_256", hashes.SHA256)])
def test_what_is_encrypted_elsewhere_is_decrypted_here(kms, spec, algorithm, sha):
    key = made(kms, spec, "ENCRYPT_DECRYPT")
    outside = public(kms, key)
    assert isinstance(outside, rsa.RSAPublicKey) and outside.key_size == int(spec[4:])
    sealed = outside.encrypt(b"a secret", padding.OAEP(padding.MGF1(sha()), sha(), None))
    assert kms.decrypt(KeyId=key, CiphertextBlob=sealed, EncryptionAlgorithm=algorithm)["Plaintext"] == b"a secret"
    here = kms.encrypt(KeyId=key, Plaintext=b"a secret", EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    assert len(here) == outside.key_size // 8
    assert kms.decrypt(KeyId=key, CiphertextBlob=here, EncryptionAlgorithm=algorithm)["Plaintext"] == b"a secret"
    labelled = outside.encrypt(b"a secret", padding.OAEP(padding.MGF1(sha()), sha(), b"label"))
    refused("InvalidCiphertextException", 400, kms.decrypt, KeyId=key, CiphertextBlob=labelled, EncryptionAlgorithm=algorithm)


def test_macs(kms):
    for bits in (224, 256, 384, 512):
        key = made(kms, f"HMAC_{bits}", "GENERATE_VERIFY_MAC")
        algorithm = f"HMAC_SHA_{bits}"
        answer = kms.generate_mac(KeyId=key, Message=b"m", MacAlgorithm=algorithm)
        assert len(answer["Mac"]) * 8 == bits and answer["KeyId"] == key
        assert kms.verify_mac(KeyId=key, Message=b"m", MacAlgorithm=algorithm, Mac=answer["Mac"])["MacValid"] is True
        refused("KMSInvalidMacException", 400, kms.verify_mac, KeyId=key, Message=b"n", MacAlgorithm=algorithm, Mac=answer["Mac"])
        wrong = hmac.new(b"", b"m", f"sha{bits}").digest()
        refused("KMSInvalidMacException", 400, kms.verify_mac, KeyId=key, Message=b"m", MacAlgorithm=algorithm, Mac=wrong)
        refused("UnsupportedOperationException", 400, kms.get_public_key, KeyId=key)


def test_another_account_verifies_when_both_sides_allow(fresh):
    kms, theirs = fresh.client("kms"), fresh.new_account("444455556666")
    there = fresh.client("kms", theirs)
    key = made(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    asked = {"KeyId": key, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(**asked)["Signature"]
    refused("AccessDeniedException", 400, there.verify, Signature=signature, **asked)
    ours, other = ({"AWS": f"arn:aws:iam::{a}:root"} for a in (fresh.account, "444455556666"))
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(allow("kms:*", Principal=ours), allow("kms:Verify", Principal=other)))
    assert there.verify(Signature=signature, **asked)["SignatureValid"]
    refused("AccessDeniedException", 400, there.sign, **asked)
    refused("AccessDeniedException", 400, there.get_public_key, KeyId=key)


def test_the_trail_has_the_algorithm_and_nothing_secret(fresh):
    kms = fresh.client("kms")
    key, symmetric = made(kms, "ECC_NIST_P256", "SIGN_VERIFY"), kms.create_key()["KeyMetadata"]["Arn"]
    signature = kms.sign(KeyId=key, Message=b"a message nobody may read", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    pair = kms.generate_data_key_pair(KeyId=symmetric, KeyPairSpec="ECC_NIST_P256")
    records = {e["EventName"]: json.loads(e["CloudTrailEvent"]) for e in fresh.client("cloudtrail").lookup_events()["Events"]}
    assert records["Sign"]["requestParameters"] == {"keyId": key, "signingAlgorithm": "ECDSA_SHA_256", "messageType": "RAW"}
    assert records["GenerateDataKeyPair"]["requestParameters"]["keyPairSpec"] == "ECC_NIST_P256"
    assert records["Sign"]["responseElements"] is None and records["Sign"]["readOnly"] is True
    text = json.dumps(records)
    for secret in (b"a message nobody may read", signature, pair["PrivateKeyPlaintext"], pair["PrivateKeyCiphertextBlob"]):
        assert base64.b64encode(secret).decode()[:20] not in text


def test_a_signer_may_sign_and_no_more(server, kms):
    key = made(kms, "ECC_NIST_P256", "SIGN_VERIFY")
    signer = server.client("kms", server.user(allow("kms:Sign", key, Condition={"StringEquals": {"kms:MessageType": "DIGEST"}})))
    digest = hashlib.sha256(b"m").digest()
    asked = {"KeyId": key, "Message": digest, "SigningAlgorithm": "ECDSA_SHA_256"}
    signed = signer.sign(MessageType="DIGEST", **asked)["Signature"]
    verify(public(kms, key), "ECDSA_SHA_256", signed, b"m")
    refused("AccessDeniedException", 400, signer.sign, **asked)
    refused("AccessDeniedException", 400, signer.verify, MessageType="DIGEST", Signature=signed, **asked)
    refused("AccessDeniedException", 400, signer.get_public_key, KeyId=key)


def test_reencrypt_moves_between_keys_and_kinds(kms):
    first, second = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    key = made(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    data = kms.generate_data_key(KeyId=first, KeySpec="AES_256", EncryptionContext={"a": "1"})
    moved = kms.re_encrypt(CiphertextBlob=data["CiphertextBlob"], SourceEncryptionContext={"a": "1"}, DestinationKeyId=second,
                           DestinationEncryptionContext={"b": "2"})
    assert (moved["SourceKeyId"], moved["KeyId"]) == (first, second)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})["Plaintext"] == data["Plaintext"]
    refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"a": "1"})
    sealed = public(kms, key).encrypt(b"from outside", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    inside = kms.re_encrypt(CiphertextBlob=sealed, SourceKeyId=key, SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
                            DestinationKeyId=first, DestinationEncryptionContext={"c": "3"})
    assert kms.decrypt(CiphertextBlob=inside["CiphertextBlob"], EncryptionContext={"c": "3"})["Plaintext"] == b"from outside"


def test_asymmetric_keys_survive_a_crash(fresh):
    kms = fresh.client("kms")
    keys = {spec: made(kms, spec, "SIGN_VERIFY") for spec in ("RSA_2048", "ECC_NIST_P256", "ECC_NIST_EDWARDS25519")}
    algorithms = {"RSA_2048": RSA[0], "ECC_NIST_P256": "ECDSA_SHA_256", "ECC_NIST_EDWARDS25519": "ED25519_SHA_512"}
    signed = {s: kms.sign(KeyId=k, Message=b"m", SigningAlgorithm=algorithms[s])["Signature"] for s, k in keys.items()}
    fresh.kill()
    fresh.start()
    kms = fresh.client("kms")
    for spec, key in keys.items():
        asked = {"KeyId": key, "Message": b"m", "SigningAlgorithm": algorithms[spec]}
        assert kms.verify(Signature=signed[spec], **asked)["SignatureValid"]
        assert kms.verify(Signature=kms.sign(**asked)["Signature"], **asked)["SignatureValid"]
