"""Every operation of KMS through today's boto3, which checks each answer against its model; the last test looks that none was left out."""
import datetime
import unittest

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from common import ACCOUNT, client, code

# Replicas have tests of their own, a key store needs a token, and the crypto library has no ML-KEM.
ELSEWHERE = {"ReplicateKey", "UpdatePrimaryRegion", "CreateCustomKeyStore", "ConnectCustomKeyStore", "DisconnectCustomKeyStore",
             "DeleteCustomKeyStore", "UpdateCustomKeyStore", "Encapsulate", "Decapsulate"}
CALLED = set()


def wrap(public, material):
    how = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    return serialization.load_der_public_key(public).encrypt(material, how)


class Kms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kms = client("kms")
        cls.kms.meta.events.register("after-call.kms", lambda model, **_: CALLED.add(model.name))

    def key(self, **more):
        return self.kms.create_key(**more)["KeyMetadata"]["Arn"]

    def refused(self, want, call, **members):
        with self.assertRaises(ClientError) as e:
            call(**members)
        self.assertEqual(code(e.exception), want)

    def test_a_key_and_its_names(self):
        kms, key = self.kms, self.key(Description="d", Tags=[{"TagKey": "a", "TagValue": "b"}])
        alias = "alias/" + key[-36:]
        kms.create_alias(AliasName=alias, TargetKeyId=key)
        kms.update_alias(AliasName=alias, TargetKeyId=self.key())
        kms.update_alias(AliasName=alias, TargetKeyId=key)
        self.assertEqual(kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"], key)
        self.assertIn(alias, [a["AliasName"] for a in kms.list_aliases(KeyId=key)["Aliases"]])
        kms.delete_alias(AliasName=alias)
        kms.update_key_description(KeyId=key, Description="other")
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "c", "TagValue": "d"}])
        kms.untag_resource(KeyId=key, TagKeys=["a"])
        self.assertEqual(kms.list_resource_tags(KeyId=key)["Tags"], [{"TagKey": "c", "TagValue": "d"}])
        self.assertEqual(kms.list_key_policies(KeyId=key)["PolicyNames"], ["default"])
        written = kms.get_key_policy(KeyId=key)
        self.assertEqual(written["PolicyName"], "default")
        kms.put_key_policy(KeyId=key, Policy=written["Policy"])
        kms.disable_key(KeyId=key)
        kms.enable_key(KeyId=key)
        gone = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        self.assertEqual((gone["KeyState"], gone["PendingWindowInDays"]), ("PendingDeletion", 7))
        self.assertGreater(gone["DeletionDate"], datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=6))
        self.assertEqual(kms.cancel_key_deletion(KeyId=key)["KeyId"], key)

    def test_pages(self):
        mine = {self.key() for _ in range(3)}
        for name, member, more in (("list_keys", "Keys", {}), ("list_aliases", "Aliases", {}), ("list_grants", "Grants", {"KeyId": next(iter(mine))}),
                                   ("list_key_policies", "PolicyNames", {"KeyId": next(iter(mine))}),
                                   ("list_resource_tags", "Tags", {"KeyId": next(iter(mine))}),
                                   ("list_key_rotations", "Rotations", {"KeyId": next(iter(mine))}),
                                   ("list_retirable_grants", "Grants", {"RetiringPrincipal": f"arn:aws:iam::{ACCOUNT}:root"}),
                                   ("describe_custom_key_stores", "CustomKeyStores", {})):
            pages = list(self.kms.get_paginator(name).paginate(PaginationConfig={"PageSize": 1}, **more))
            self.assertTrue(all(len(p[member]) <= 1 for p in pages), name)
            if name == "list_keys":
                self.assertLessEqual(mine, {k["KeyArn"] for p in pages for k in p["Keys"]})

    def test_encryption_and_data_keys(self):
        kms, key, context = self.kms, self.key(), {"order": "7"}
        sealed = kms.encrypt(KeyId=key, Plaintext=b"text", EncryptionContext=context)
        opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
        self.assertEqual((opened["Plaintext"], opened["KeyId"], opened["EncryptionAlgorithm"]), (b"text", key, "SYMMETRIC_DEFAULT"))
        moved = kms.re_encrypt(CiphertextBlob=sealed["CiphertextBlob"], SourceEncryptionContext=context, DestinationKeyId=self.key())
        self.assertEqual(moved["SourceKeyId"], key)
        self.assertEqual(kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"], b"text")
        made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
        self.assertEqual(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"], made["Plaintext"])
        self.assertNotIn("Plaintext", kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=64))
        pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256")
        self.assertEqual(kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"], pair["PrivateKeyPlaintext"])
        self.assertIn("PublicKey", kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_EDWARDS25519"))
        self.assertIn(kms.get_key_last_usage(KeyId=key)["KeyId"], key)
        self.assertEqual(len(kms.generate_random(NumberOfBytes=32)["Plaintext"]), 32)
        self.refused("DryRunOperationException", kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True)
        self.refused("DryRunOperationException", kms.decrypt, KeyId=key, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"])

    def test_rotation(self):
        kms, key = self.kms, self.key()
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
        status = kms.get_key_rotation_status(KeyId=key)
        self.assertEqual((status["KeyRotationEnabled"], status["RotationPeriodInDays"]), (True, 180))
        blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
        kms.rotate_key_on_demand(KeyId=key)
        rotations = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
        self.assertEqual([r["KeyMaterialState"] for r in rotations], ["NON_CURRENT", "CURRENT"])
        self.assertEqual(kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"], rotations[1]["KeyMaterialId"])
        self.assertEqual(kms.decrypt(CiphertextBlob=blob)["Plaintext"], b"before")
        kms.disable_key_rotation(KeyId=key)

    def test_imported_material(self):
        kms, key = self.kms, self.key(Origin="EXTERNAL")
        params = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_3072")
        made = kms.import_key_material(KeyId=key, ImportToken=params["ImportToken"], EncryptedKeyMaterial=wrap(params["PublicKey"], b"m" * 32),
                                       ExpirationModel="KEY_MATERIAL_EXPIRES", KeyMaterialDescription="first",
                                       ValidTo=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2))
        self.assertEqual(kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"], made["KeyMaterialId"])
        kms.encrypt(KeyId=key, Plaintext=b"x")
        kms.delete_imported_key_material(KeyId=key, KeyMaterialId=made["KeyMaterialId"])
        self.refused("KMSInvalidStateException", kms.encrypt, KeyId=key, Plaintext=b"x")

    def test_signatures_macs_and_secrets(self):
        kms = self.kms
        key = self.key(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")
        how = {"KeyId": key, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_384"}
        signed = kms.sign(**how)["Signature"]
        self.assertTrue(kms.verify(Signature=signed, **how)["SignatureValid"])
        self.refused("KMSInvalidSignatureException", kms.verify, Signature=signed, **{**how, "Message": b"n"})
        public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
        public.verify(signed, b"m", ec.ECDSA(hashes.SHA384()))
        mac = {"KeyId": self.key(KeySpec="HMAC_512", KeyUsage="GENERATE_VERIFY_MAC"), "Message": b"m", "MacAlgorithm": "HMAC_SHA_512"}
        self.assertTrue(kms.verify_mac(Mac=kms.generate_mac(**mac)["Mac"], **mac)["MacValid"])
        agree, mine = self.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT"), ec.generate_private_key(ec.SECP256R1())
        der = mine.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        secret = kms.derive_shared_secret(KeyId=agree, KeyAgreementAlgorithm="ECDH", PublicKey=der)["SharedSecret"]
        theirs = serialization.load_der_public_key(kms.get_public_key(KeyId=agree)["PublicKey"])
        self.assertEqual(mine.exchange(ec.ECDH(), theirs), secret)

    def test_grants(self):
        kms, key = self.kms, self.key()
        iam = client("iam")
        name = "u-" + key[-12:]
        arn = iam.create_user(UserName=name)["User"]["Arn"]
        keys = iam.create_access_key(UserName=name)["AccessKey"]
        user = client("kms", aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"])
        grant = kms.create_grant(KeyId=key, GranteePrincipal=arn, RetiringPrincipal=arn, Operations=["Encrypt", "Decrypt"], Name="n")
        blob = user.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[grant["GrantToken"]])["CiphertextBlob"]
        self.assertEqual([g["GrantId"] for g in kms.list_grants(KeyId=key)["Grants"]], [grant["GrantId"]])
        self.assertEqual([g["GrantId"] for g in kms.list_retirable_grants(RetiringPrincipal=arn)["Grants"]], [grant["GrantId"]])
        user.retire_grant(GrantToken=grant["GrantToken"])
        self.refused("AccessDeniedException", user.decrypt, CiphertextBlob=blob)
        again = kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Decrypt"])
        user.decrypt(CiphertextBlob=blob)
        kms.revoke_grant(KeyId=key, GrantId=again["GrantId"])
        self.refused("AccessDeniedException", user.decrypt, CiphertextBlob=blob)
        CALLED.add("RetireGrant")

    def test_z_no_operation_was_left_out(self):
        self.assertEqual(set(self.kms.meta.service_model.operation_names) - CALLED - ELSEWHERE, set())
