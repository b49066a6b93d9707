"""The Amazon S3 Encryption Client for Python, unchanged: it has its data keys from KMS and leaves only ciphertext in S3."""
import unittest

from botocore.exceptions import ClientError
from s3_encryption import S3EncryptionClient, S3EncryptionClientConfig
from s3_encryption.exceptions import S3EncryptionClientError
from s3_encryption.materials.kms_keyring import KmsKeyring
from s3_encryption.materials.materials import AlgorithmSuite, CommitmentPolicy

from common import client, new_bucket

BODY = b"what S3 must never see in the clear " * 3000


class S3Encryption(unittest.TestCase):
    def setUp(self):
        self.kms, self.s3 = client("kms"), client("s3")
        self.key, self.bucket = self.kms.create_key()["KeyMetadata"]["Arn"], new_bucket(self.s3)

    def sealing(self, key=None, **config):
        return S3EncryptionClient(client("s3"), S3EncryptionClientConfig(keyring=KmsKeyring(self.kms, key or self.key), **config))

    def stored(self, name):
        got = self.s3.get_object(Bucket=self.bucket, Key=name)
        return got["Body"].read(), got["Metadata"]

    def test_what_is_put_comes_back_and_lies_there_sealed(self):
        for n, body in enumerate((b"", b"x", BODY)):
            self.sealing().put_object(Bucket=self.bucket, Key=str(n), Body=body, EncryptionContext={"order": "7"})
            lying, metadata = self.stored(str(n))
            self.assertNotIn(body[:20] or b"none", lying)
            self.assertIn("order", str(metadata))
            got = self.sealing().get_object(Bucket=self.bucket, Key=str(n), EncryptionContext={"order": "7"})
            self.assertEqual(got["Body"].read(), body)
            with self.assertRaises(S3EncryptionClientError):
                self.sealing().get_object(Bucket=self.bucket, Key=str(n), EncryptionContext={"order": "8"})

    def test_the_format_of_before_is_kms_and_context(self):
        """x-amz-key-v2 and its companions, wrapped as kms+context with the algorithm in the encryption context."""
        old = {"encryption_algorithm": AlgorithmSuite.ALG_AES_256_GCM_IV12_TAG16_NO_KDF,
               "commitment_policy": CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT}
        self.sealing(**old).put_object(Bucket=self.bucket, Key="k", Body=BODY)
        _, metadata = self.stored("k")
        self.assertEqual((metadata["x-amz-wrap-alg"], metadata["x-amz-cek-alg"]), ("kms+context", "AES/GCM/NoPadding"))
        self.assertIn("aws:x-amz-cek-alg", metadata["x-amz-matdesc"])
        self.assertTrue(metadata["x-amz-key-v2"] and metadata["x-amz-iv"])
        self.assertEqual(self.sealing(**old).get_object(Bucket=self.bucket, Key="k")["Body"].read(), BODY)
        with self.assertRaises(S3EncryptionClientError):  # who asks for commitment is not given less
            self.sealing().get_object(Bucket=self.bucket, Key="k")

    def test_another_key_a_disabled_one_and_changed_bytes_open_nothing(self):
        self.sealing().put_object(Bucket=self.bucket, Key="k", Body=BODY)
        lying, metadata = self.stored("k")
        other = self.kms.create_key()["KeyMetadata"]["Arn"]
        with self.assertRaises(S3EncryptionClientError):
            self.sealing(other).get_object(Bucket=self.bucket, Key="k")
        self.s3.put_object(Bucket=self.bucket, Key="changed", Body=lying[:-1] + bytes([lying[-1] ^ 1]), Metadata=metadata)
        with self.assertRaises(S3EncryptionClientError):
            self.sealing().get_object(Bucket=self.bucket, Key="changed")["Body"].read()
        self.kms.disable_key(KeyId=self.key)
        with self.assertRaises(S3EncryptionClientError) as e:
            self.sealing().get_object(Bucket=self.bucket, Key="k")
        self.assertIn("is disabled", str(e.exception))
        with self.assertRaises((S3EncryptionClientError, ClientError)):
            self.sealing().put_object(Bucket=self.bucket, Key="new", Body=BODY)
        self.kms.enable_key(KeyId=self.key)
        self.assertEqual(self.sealing().get_object(Bucket=self.bucket, Key="k")["Body"].read(), BODY)
