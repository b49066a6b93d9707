"""What a client does to import key material: ask for a wrapping key, encrypt with it, send it in."""
import os

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding


def pkcs8(private):
    return private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def wrapped(public, material, algorithm):
    """The material, encrypted as the wrapping algorithm says; `public` is DER."""
    sha = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(mgf=padding.MGF1(sha), algorithm=sha, label=None)
    key = serialization.load_der_public_key(public)
    if not algorithm.startswith("RSA_AES"):
        return key.encrypt(material, oaep)
    aes = os.urandom(32)
    return key.encrypt(aes, oaep) + keywrap.aes_key_wrap_with_padding(aes, material)


def import_into(kms, key, material, *, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048", **more):
    """Through a boto3 client; expires never, unless told otherwise."""
    p = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
    if "ValidTo" not in more:
        more.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    return kms.import_key_material(KeyId=key, ImportToken=p["ImportToken"],
                                   EncryptedKeyMaterial=wrapped(p["PublicKey"], material, algorithm), **more)
