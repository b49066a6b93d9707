"""SSE-S3 and SSE-KMS: who holds the key decides who reads."""
import base64
import json
import os
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, message, policy
from s3raw import anonymous, refused, send

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3", plain=True)


@pytest.fixture
def bucket(s3):
    name = "sse-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    return name


def default(s3, bucket, key, bucket_key=False):
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": bucket_key}]})


@pytest.mark.parametrize("bucket_key", [False, True])
@pytest.mark.parametrize("size", [0, 100, 10_000, 200_000])
def test_the_default_is_used_and_said(s3, bucket, key, size, bucket_key):
    default(s3, bucket, key, bucket_key)
    data = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=data)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data
    for said in (put, got, s3.head_object(Bucket=bucket, Key="k")):
        assert (said["ServerSideEncryption"], said["SSEKMSKeyId"], said.get("BucketKeyEnabled", False)) == ("aws:kms", key, bucket_key)
    plain = s3.put_object(Bucket=bucket, Key="k2", Body=data, ServerSideEncryption="AES256")
    assert plain["ServerSideEncryption"] == "AES256" and "SSEKMSKeyId" not in plain


@pytest.mark.parametrize("bucket_key", [False, True])
def test_a_disabled_key_closes_its_objects_for_everyone(s3, kms, bucket, key, bucket_key):
    default(s3, bucket, key, bucket_key)
    data = os.urandom(6 * MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    uid = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="parts", UploadId=uid, PartNumber=n, Body=d)["ETag"]}
             for n, d in ((1, data), (2, b"tail"))]
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=uid, MultipartUpload={"Parts": parts})
    other = s3.create_multipart_upload(Bucket=bucket, Key="other")["UploadId"]
    kms.disable_key(KeyId=key)
    for call, arguments in ((s3.get_object, dict(Key="k")), (s3.get_object, dict(Key="parts", Range="bytes=0-1")),
                            (s3.put_object, dict(Key="n", Body=b"")), (s3.copy_object, dict(Key="n", CopySource=f"{bucket}/k")),
                            (s3.create_multipart_upload, dict(Key="n")), (s3.head_object, dict(Key="k", ChecksumMode="ENABLED")),
                            (s3.upload_part, dict(Key="other", UploadId=other, PartNumber=1, Body=b"x"))):
        with pytest.raises(ClientError) as error:
            call(Bucket=bucket, **arguments)
        assert code(error) == (("KMS.DisabledException", 400) if call != s3.head_object else ("400", 400)), call
    assert message(error)
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 6 * MIB
    assert len(s3.list_objects_v2(Bucket=bucket)["Contents"]) == 2
    kms.enable_key(KeyId=key)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data
    assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == data + b"tail"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    refused(s3.get_object, "KMS.KMSInvalidStateException", 400, Bucket=bucket, Key="k")


def test_reading_needs_decrypt_and_writing_needs_a_data_key(server, s3, bucket, key):
    default(s3, bucket, key)
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret")
    objects = allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*")
    nothing = server.user(objects)
    error = refused(server.client("s3", nothing, plain=True).get_object, "AccessDenied", 403, Bucket=bucket, Key="k")
    assert f"user/{nothing['UserName']} is not authorized to perform: kms:Decrypt" in error["Message"] and key in error["Message"]
    error = refused(server.client("s3", nothing, plain=True).put_object, "AccessDenied", 403, Bucket=bucket, Key="k", Body=b"")
    assert "kms:GenerateDataKey" in error["Message"]
    reader = server.client("s3", server.user(objects, allow("kms:Decrypt", key)), plain=True)
    assert reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"secret"
    refused(reader.put_object, "AccessDenied", 403, Bucket=bucket, Key="k", Body=b"")
    writer = server.client("s3", server.user(objects, allow("kms:GenerateDataKey", key)), plain=True)
    writer.put_object(Bucket=bucket, Key="k", Body=b"new")
    refused(writer.get_object, "AccessDenied", 403, Bucket=bucket, Key="k")
    assert writer.head_object(Bucket=bucket, Key="k")["ContentLength"] == 3


@pytest.mark.parametrize("bucket_key", [False, True])
def test_the_context_is_the_objects_or_the_buckets_arn(server, s3, bucket, key, bucket_key):
    default(s3, bucket, key, bucket_key)
    arn = f"arn:aws:s3:::{bucket}" + ("" if bucket_key else "/right")
    who = server.client("s3", server.user(
        allow("s3:*", "*"), allow("kms:GenerateDataKey", key, Condition={"StringEquals": {
            "kms:EncryptionContext:aws:s3:arn": arn, "kms:ViaService": "s3.us-east-1.amazonaws.com"}})), plain=True)
    who.put_object(Bucket=bucket, Key="right", Body=b"")
    if not bucket_key:
        refused(who.put_object, "AccessDenied", 403, Bucket=bucket, Key="wrong", Body=b"")
    refused(server.client("kms", server.user(allow("kms:Decrypt", key, Condition={"StringEquals": {
        "kms:ViaService": "s3.us-east-1.amazonaws.com"}}))).generate_data_key, "AccessDeniedException", 400, KeyId=key, KeySpec="AES_256")


def test_a_context_of_ones_own(server, s3, bucket, key):
    given = base64.b64encode(json.dumps({"team": "a"}).encode()).decode()
    headers = {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": key,
               "x-amz-server-side-encryption-context": given}
    assert send(server, "PUT", f"/{bucket}/k", body=b"x", headers=headers).status == 200
    who = server.client("s3", server.user(allow("s3:*", "*"), allow("kms:Decrypt", key, Condition={"StringEquals": {
        "kms:EncryptionContext:team": "a"}})), plain=True)
    assert who.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    for bad in ("!", base64.b64encode(b"[]").decode(), base64.b64encode(b'{"a":1}').decode(), base64.b64encode(b'{"a":"b"').decode()):
        headers["x-amz-server-side-encryption-context"] = bad
        reply = send(server, "PUT", f"/{bucket}/k2", body=b"x", headers=headers)
        assert (reply.status, reply.code) == (400, "InvalidArgument"), bad
    del headers["x-amz-server-side-encryption"]
    assert send(server, "PUT", f"/{bucket}/k2", body=b"x", headers=headers).code == "InvalidArgument"


def test_without_a_key_it_is_the_aws_managed_one(s3, kms, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms")
    managed = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert put["SSEKMSKeyId"] == managed["Arn"] and managed["KeyManager"] == "AWS"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_policies_see_what_was_asked_for(server, s3, bucket, key):
    who = server.client("s3", server.user(allow("kms:*", key), allow("s3:PutObject", "*", Condition={"StringEquals": {
        "s3:x-amz-server-side-encryption": "aws:kms", "s3:x-amz-server-side-encryption-aws-kms-key-id": key}})), plain=True)
    who.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    refused(who.put_object, "AccessDenied", 403, Bucket=bucket, Key="k", Body=b"")
    refused(who.put_object, "AccessDenied", 403, Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="AES256")


def test_a_copy_can_change_the_key(s3, kms, bucket, key):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 50_000)
    done = s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/k", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert done["SSEKMSKeyId"] == key
    kms.disable_key(KeyId=key)
    refused(s3.get_object, "KMS.DisabledException", 400, Bucket=bucket, Key="k")
    refused(s3.copy_object, "KMS.DisabledException", 400, Bucket=bucket, Key="plain", CopySource=f"{bucket}/k", ServerSideEncryption="AES256")
    kms.enable_key(KeyId=key)
    s3.copy_object(Bucket=bucket, Key="plain", CopySource=f"{bucket}/k", ServerSideEncryption="AES256")
    kms.disable_key(KeyId=key)
    assert s3.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"x" * 50_000


def test_the_public_gets_nothing_under_a_kms_key(server, s3, bucket, key):
    default(s3, bucket, key)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal="*")))
    reply = anonymous(server, "GET", f"/{bucket}/k")
    assert (reply.status, reply.code) == (400, "InvalidArgument") and "Signature Version 4" in reply.field("Message")


def test_nothing_readable_is_on_disk(fresh):
    s3, mark = fresh.client("s3", plain=True), b"PLAINTEXT-" + uuid.uuid4().hex.encode()
    s3.create_bucket(Bucket="hidden-bucket-name")
    for size in (100, 10_000, 100_000):
        s3.put_object(Bucket="hidden-bucket-name", Key=f"secret-key-name-{size}", Body=(mark * (size // len(mark) + 1))[:size],
                      Metadata={"hidden-metadata": "hidden-value"})
    s3.put_bucket_policy(Bucket="hidden-bucket-name", Policy=policy(allow(
        "s3:GetObject", "arn:aws:s3:::hidden-bucket-name/*", Principal={"AWS": fresh.account}, Sid="hiddensid")))
    fresh.client("cloudtrail").lookup_events()  # after which all records are written
    for f in fresh.data.rglob("*"):
        if f.is_file():
            data = f.read_bytes()
            for word in (mark, b"hidden-bucket-name", b"secret-key-name", b"hidden-value", b"hiddensid"):
                assert word not in data, (f, word)
