"""KMS with Debian's AWS CLI and openssl on the shell, as AWS's guides show it: a key's life, import, signatures, MACs, grants, refusals."""
import base64
import json
import os
import pathlib
import subprocess

import pytest

from conftest import ACCOUNT, allow, policy
from shell import Driver

SECRET = b"the text of the letter\n"


@pytest.fixture(scope="module")
def aws(server, tmp_path_factory):
    made = Driver(server, tmp_path_factory.mktemp("home"))
    yield made
    made.end()


@pytest.fixture
def at(tmp_path, monkeypatch):
    """A directory to work in, as one does on a shell."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def openssl(*args, given=None):
    done = subprocess.run(["openssl", *map(str, args)], input=given, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def put(name, data):
    pathlib.Path(name).write_bytes(data)


def unbase64(text):
    return base64.b64decode(text, validate=True)


def kms(aws, *args):
    return aws.ok("kms", *args)


def new_key(aws, *args):
    return kms(aws, "create-key", *args)["KeyMetadata"]["Arn"]


# ---- a key's life --------------------------------------------------------------------------------------------------


def test_a_life(aws, at):
    put("letter", SECRET)
    key = new_key(aws, "--description", "letters", "--tags", "TagKey=team,TagValue=post")
    kms(aws, "create-alias", "--alias-name", "alias/letters", "--target-key-id", key)
    assert kms(aws, "describe-key", "--key-id", "alias/letters")["KeyMetadata"]["Description"] == "letters"
    assert kms(aws, "list-resource-tags", "--key-id", key)["Tags"] == [{"TagKey": "team", "TagValue": "post"}]
    context = ["--encryption-context", "order=7,to=Ann"]
    sealed = aws.run("kms", "encrypt", "--key-id", "alias/letters", "--plaintext", "fileb://letter", *context, "--query", "CiphertextBlob", "--output", "text")
    put("sealed", unbase64(sealed.stdout.strip()))
    opened = kms(aws, "decrypt", "--ciphertext-blob", "fileb://sealed", *context)
    assert (unbase64(opened["Plaintext"]), opened["KeyId"]) == (SECRET, key)
    kms(aws, "enable-key-rotation", "--key-id", key)
    assert kms(aws, "get-key-rotation-status", "--key-id", key)["KeyRotationEnabled"] is True
    other = new_key(aws)
    moved = kms(aws, "re-encrypt", "--ciphertext-blob", "fileb://sealed", "--source-encryption-context", "order=7,to=Ann", "--destination-key-id", other)
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key, other)
    document = {"Version": "2012-10-17", "Statement": [{"Sid": "s", "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}]}
    put("policy.json", json.dumps(document).encode())
    kms(aws, "put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", "file://policy.json")
    assert json.loads(kms(aws, "get-key-policy", "--key-id", key, "--policy-name", "default")["Policy"]) == document
    kms(aws, "disable-key", "--key-id", key)
    said = aws.refused("kms", "decrypt", "--ciphertext-blob", "fileb://sealed", *context)
    assert said == f"An error occurred (DisabledException) when calling the Decrypt operation: {key} is disabled."
    kms(aws, "enable-key", "--key-id", key)
    gone = kms(aws, "schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    assert (gone["KeyId"], gone["KeyState"]) == (key, "PendingDeletion")
    said = aws.refused("kms", "encrypt", "--key-id", "alias/letters", "--plaintext", "fileb://letter")
    assert said == f"An error occurred (KMSInvalidStateException) when calling the Encrypt operation: {key} is pending deletion."
    kms(aws, "cancel-key-deletion", "--key-id", key)
    kms(aws, "delete-alias", "--alias-name", "alias/letters")
    said = aws.refused("kms", "describe-key", "--key-id", "alias/letters")
    assert said.endswith(f"(NotFoundException) when calling the DescribeKey operation: Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/letters is not found.")


def test_a_data_key_seals_a_file_with_openssl(aws, at):
    put("letter", SECRET * 100)
    key = new_key(aws)
    made = kms(aws, "generate-data-key", "--key-id", key, "--key-spec", "AES_256", "--encryption-context", "file=letter")
    how = ["-aes-256-ctr", "-iv", "0" * 32, "-K"]
    openssl("enc", *how, unbase64(made["Plaintext"]).hex(), "-in", "letter", "-out", "letter.enc")
    put("letter.key", unbase64(made["CiphertextBlob"]))
    again = kms(aws, "decrypt", "--ciphertext-blob", "fileb://letter.key", "--encryption-context", "file=letter")
    assert openssl("enc", "-d", *how, unbase64(again["Plaintext"]).hex(), "-in", "letter.enc") == SECRET * 100
    said = aws.refused("kms", "decrypt", "--ciphertext-blob", "fileb://letter.key")
    assert said == "An error occurred (InvalidCiphertextException) when calling the Decrypt operation:"


# ---- import ("Importing key material", steps 1 to 4) ------------------------------------------------------------------


def parameters(aws, key, algorithm):
    got = kms(aws, "get-parameters-for-import", "--key-id", key, "--wrapping-algorithm", algorithm, "--wrapping-key-spec", "RSA_2048")
    put("public.der", unbase64(got["PublicKey"]))
    put("token", unbase64(got["ImportToken"]))


OAEP = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256"]


def encrypt_to_public(name, into):
    openssl("pkeyutl", "-encrypt", "-in", name, "-out", into, "-inkey", "public.der", "-keyform", "DER", "-pubin", *OAEP)


def bring_in(aws, key, *more):
    more = more or ("--expiration-model", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    return aws.run("kms", "import-key-material", "--key-id", key, "--encrypted-key-material", "fileb://wrapped", "--import-token", "fileb://token", *more)


def test_importing_a_symmetric_key(aws, at):
    key = new_key(aws, "--origin", "EXTERNAL")
    put("material", os.urandom(32))
    parameters(aws, key, "RSAES_OAEP_SHA_256")
    encrypt_to_public("material", "wrapped")
    assert bring_in(aws, key, "--expiration-model", "KEY_MATERIAL_EXPIRES", "--valid-to", "2001-01-01T00:00:00Z").returncode != 0
    assert bring_in(aws, key).returncode == 0
    sealed = kms(aws, "encrypt", "--key-id", key, "--plaintext", "c2VjcmV0", "--cli-binary-format", "base64")["CiphertextBlob"]
    kms(aws, "delete-imported-key-material", "--key-id", key)
    assert "is pending import." in aws.refused("kms", "decrypt", "--ciphertext-blob", sealed)
    parameters(aws, key, "RSAES_OAEP_SHA_256")
    put("other", os.urandom(32))
    encrypt_to_public("other", "wrapped")
    assert "(IncorrectKeyMaterialException)" in bring_in(aws, key).stderr
    encrypt_to_public("material", "wrapped")
    assert bring_in(aws, key).returncode == 0
    assert kms(aws, "decrypt", "--ciphertext-blob", sealed)["Plaintext"] == "c2VjcmV0"


def wrap_with_aes(name, into):
    """RSA_AES_KEY_WRAP: an AES key for the material (RFC 5649), the public key for the AES key."""
    put("aes", os.urandom(32))
    openssl("enc", "-id-aes256-wrap-pad", "-K", pathlib.Path("aes").read_bytes().hex(), "-iv", "A65959A6", "-in", name, "-out", "material.wrapped")
    encrypt_to_public("aes", "aes.wrapped")
    put(into, pathlib.Path("aes.wrapped").read_bytes() + pathlib.Path("material.wrapped").read_bytes())


def test_importing_an_elliptic_curve_key_that_openssl_made(aws, at):
    key = new_key(aws, "--origin", "EXTERNAL", "--key-spec", "ECC_NIST_P256", "--key-usage", "SIGN_VERIFY")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-outform", "DER", "-out", "pair.der")
    openssl("pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-nocrypt", "-in", "pair.der", "-out", "private.der")
    parameters(aws, key, "RSA_AES_KEY_WRAP_SHA_256")
    wrap_with_aes("private.der", "wrapped")
    done = bring_in(aws, key)
    assert done.returncode == 0, done.stderr
    public = unbase64(kms(aws, "get-public-key", "--key-id", key)["PublicKey"])
    assert public == openssl("pkey", "-in", "private.der", "-inform", "DER", "-pubout", "-outform", "DER")
    put("letter", SECRET)
    signed = openssl("dgst", "-sha256", "-sign", "private.der", "-keyform", "DER", "letter")
    put("signature", signed)
    assert kms(aws, "verify", "--key-id", key, "--message", "fileb://letter", "--signing-algorithm", "ECDSA_SHA_256", "--signature", "fileb://signature")["SignatureValid"]


def test_an_imported_hmac_key_makes_openssl_s_macs(aws, at):
    key = new_key(aws, "--origin", "EXTERNAL", "--key-spec", "HMAC_256", "--key-usage", "GENERATE_VERIFY_MAC")
    material = os.urandom(32)
    put("material", material)
    parameters(aws, key, "RSAES_OAEP_SHA_256")
    encrypt_to_public("material", "wrapped")
    assert bring_in(aws, key).returncode == 0
    put("letter", SECRET)
    how = ["--key-id", key, "--message", "fileb://letter", "--mac-algorithm", "HMAC_SHA_256"]
    made = unbase64(kms(aws, "generate-mac", *how)["Mac"])
    assert made == openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + material.hex(), "-binary", "letter")
    put("mac", made)
    assert kms(aws, "verify-mac", *how, "--mac", "fileb://mac")["MacValid"] is True
    put("mac", made[:-1] + bytes([made[-1] ^ 1]))
    assert "(KMSInvalidMacException)" in aws.refused("kms", "verify-mac", *how, "--mac", "fileb://mac")


# ---- public keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec, algorithm, check", [
    ("RSA_2048", "RSASSA_PSS_SHA_256", ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]),
    ("ECC_NIST_P256", "ECDSA_SHA_256", []), ("ECC_SECG_P256K1", "ECDSA_SHA_256", [])])
def test_openssl_verifies_what_was_signed(aws, at, spec, algorithm, check):
    key = new_key(aws, "--key-spec", spec, "--key-usage", "SIGN_VERIFY")
    put("letter", SECRET)
    how = ["--key-id", key, "--message", "fileb://letter", "--message-type", "RAW", "--signing-algorithm", algorithm]
    put("signature", unbase64(kms(aws, "sign", *how)["Signature"]))
    put("public.der", unbase64(kms(aws, "get-public-key", "--key-id", key)["PublicKey"]))
    args = ["dgst", "-sha256", "-verify", "public.der", "-keyform", "DER", "-signature", "signature", *check]
    assert b"Verified OK" in openssl(*args, "letter")
    put("letter", SECRET + b"!")
    assert subprocess.run(["openssl", *args, "letter"], capture_output=True).returncode == 1
    assert "(KMSInvalidSignatureException)" in aws.refused("kms", "verify", *how, "--signature", "fileb://signature")


def test_what_openssl_encrypts_kms_decrypts(aws, at):
    key = new_key(aws, "--key-spec", "RSA_2048", "--key-usage", "ENCRYPT_DECRYPT")
    put("public.der", unbase64(kms(aws, "get-public-key", "--key-id", key)["PublicKey"]))
    put("letter", SECRET)
    encrypt_to_public("letter", "sealed")
    opened = kms(aws, "decrypt", "--key-id", key, "--ciphertext-blob", "fileb://sealed", "--encryption-algorithm", "RSAES_OAEP_SHA_256")
    assert unbase64(opened["Plaintext"]) == SECRET


# ---- grants, pages, refusals ---------------------------------------------------------------------------------------------


def test_a_grant_s_life(aws, server, at):
    key, user = new_key(aws), server.user()
    arn = f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}"
    him = {"AWS_ACCESS_KEY_ID": user["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": user["SecretAccessKey"]}
    encrypt = ["kms", "encrypt", "--key-id", key, "--plaintext", "c2VjcmV0", "--encryption-context", "app=shop"]
    denied = f"User: {arn} is not authorized to perform: kms:Encrypt on resource: {key}"
    assert denied in aws.refused(*encrypt, **him)
    made = kms(aws, "create-grant", "--key-id", key, "--grantee-principal", arn, "--operations", "Encrypt", "RetireGrant",
               "--constraints", "EncryptionContextSubset={app=shop}", "--name", "shop")
    assert aws.ok(*encrypt, "--grant-tokens", made["GrantToken"], **him)["KeyId"] == key
    assert [g["GrantId"] for g in kms(aws, "list-grants", "--key-id", key)["Grants"]] == [made["GrantId"]]
    aws.ok("kms", "retire-grant", "--key-id", key, "--grant-id", made["GrantId"], **him)
    assert denied in aws.refused(*encrypt, "--grant-tokens", made["GrantToken"], **him)
    said = aws.refused("kms", "revoke-grant", "--key-id", key, "--grant-id", made["GrantId"])
    assert said == f"An error occurred (NotFoundException) when calling the RevokeGrant operation: Grant ID {made['GrantId']} not found"


def test_pages_are_put_together(aws):
    mine = {new_key(aws).split("/")[1] for _ in range(3)}
    assert mine <= {k["KeyId"] for k in kms(aws, "list-keys", "--page-size", "1")["Keys"]}
    first = kms(aws, "list-keys", "--max-items", "2")
    assert len(first["Keys"]) == 2 and first["NextToken"]
    rest = kms(aws, "list-keys", "--starting-token", first["NextToken"])["Keys"]
    assert mine <= {k["KeyId"] for k in first["Keys"] + rest}


@pytest.mark.parametrize("args, said", [
    (["describe-key", "--key-id", "0a0a0a0a-0000-4000-8000-000000000000"],
     f"(NotFoundException) when calling the DescribeKey operation: Key 'arn:aws:kms:us-east-1:{ACCOUNT}:key/0a0a0a0a-0000-4000-8000-000000000000' does not exist"),
    (["create-alias", "--alias-name", "alias/aws/mine", "--target-key-id", "0a0a0a0a-0000-4000-8000-000000000000"], "(InvalidAliasNameException)"),
    (["create-key", "--policy", policy(allow("kms:Encrypt", Principal={"AWS": ACCOUNT}))], "(MalformedPolicyDocumentException) when calling the CreateKey "
     "operation: The new key policy will not allow you to update the key policy in the future."),
    (["create-key", "--key-spec", "ECC_NIST_P256"], "(ValidationException)"),
    (["generate-random", "--number-of-bytes", "1025"], "(ValidationException)"),
])
def test_refusals_word_by_word(aws, args, said):
    assert said in aws.refused("kms", *args)
