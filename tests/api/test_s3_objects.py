"""Objects: putting, getting, conditions, ranges, metadata, checksums, copies, deletes."""
import datetime
import hashlib
import os
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, message
from s3raw import anonymous, b64, crc32, crc32c, crc64nvme, refused, send


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3", plain=True)


@pytest.fixture(scope="module")
def bucket(s3):
    name = "objects-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    return name


# ---- bytes come back as they went -----------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 2049, 16384, 16385, 65535, 65536, 65537, 131072, 3_000_001])
def test_any_size_comes_back_and_ranges_of_it(s3, bucket, size):
    data, key = os.urandom(size), f"size-{size}"
    assert s3.put_object(Bucket=bucket, Key=key, Body=data)["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key=key)
    assert got["Body"].read() == data and got["ContentLength"] == size and got["AcceptRanges"] == "bytes"
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == size
    for first, last in [(0, 0), (0, size - 1), (size // 2, size), (size - 1, size + 5)]:
        if 0 <= first <= last and first < size:
            part = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={first}-{last}")
            assert part["Body"].read() == data[first:last + 1]
            assert part["ContentRange"] == f"bytes {first}-{min(last, size - 1)}/{size}"
            assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    if size:
        assert s3.get_object(Bucket=bucket, Key=key, Range="bytes=-7")["Body"].read() == data[-7:]


def test_overwriting_replaces_all_of_it(s3, bucket):
    for size in (100_000, 10, 10_000, 0, 70_000):
        data = os.urandom(size)
        s3.put_object(Bucket=bucket, Key="again", Body=data)
        assert s3.get_object(Bucket=bucket, Key="again")["Body"].read() == data


def test_a_range_past_the_end_is_416_with_the_size(s3, bucket):
    s3.put_object(Bucket=bucket, Key="ten", Body=b"0123456789")
    error = refused(s3.get_object, "InvalidRange", 416, Bucket=bucket, Key="ten", Range="bytes=10-")
    assert error["ActualObjectSize"] == "10" and error["RangeRequested"] == "bytes=10-"
    for whole in ("bytes=5-3", "bytes=0-1,3-4", "lines=1-2"):
        got = s3.get_object(Bucket=bucket, Key="ten", Range=whole)
        assert got["Body"].read() == b"0123456789" and got["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_part_one_of_a_plain_object_is_all_of_it(s3, bucket):
    s3.put_object(Bucket=bucket, Key="ten", Body=b"0123456789")
    assert s3.get_object(Bucket=bucket, Key="ten", PartNumber=1)["Body"].read() == b"0123456789"
    refused(s3.get_object, "InvalidPartNumber", 416, Bucket=bucket, Key="ten", PartNumber=2)
    refused(s3.get_object, "InvalidArgument", 400, Bucket=bucket, Key="ten", PartNumber=0)
    refused(s3.get_object, "InvalidRequest", 400, Bucket=bucket, Key="ten", PartNumber=1, Range="bytes=0-1")


# ---- what is said of it ------------------------------------------------------------------

def test_headers_are_kept_and_shown(s3, bucket):
    said = dict(CacheControl="max-age=1", ContentDisposition='attachment; filename="x"', ContentEncoding="gzip",
                ContentLanguage="de", ContentType="text/plain", WebsiteRedirectLocation="/other")
    expires = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    s3.put_object(Bucket=bucket, Key="said", Body=b"x", Expires=expires, Metadata={"One": "1", "umlaut": "=?UTF-8?B?w6Q=?="},
                  StorageClass="STANDARD_IA", Tagging="a=1&b=2%203", **said)
    for got in (s3.get_object(Bucket=bucket, Key="said"), s3.head_object(Bucket=bucket, Key="said")):
        assert {k: got[k] for k in said} == said
        assert got["Expires"] == expires and got["StorageClass"] == "STANDARD_IA" and got["Metadata"]["one"] == "1"
        assert got["ServerSideEncryption"] == "AES256"
    assert s3.get_object(Bucket=bucket, Key="said")["TagCount"] == 2
    s3.put_object(Bucket=bucket, Key="said", Body=b"x")
    got = s3.head_object(Bucket=bucket, Key="said")
    assert got["ContentType"] == "binary/octet-stream" and got["Metadata"] == {} and "StorageClass" not in got


def test_aws_chunked_is_not_part_of_the_encoding(server, s3, bucket):
    assert send(server, "PUT", f"/{bucket}/enc", body=b"x", headers={"Content-Encoding": "aws-chunked,gzip"}, payload="UNSIGNED-PAYLOAD").body == b""
    assert s3.head_object(Bucket=bucket, Key="enc")["ContentEncoding"] == "gzip"


def test_response_headers_can_be_asked_for_by_the_signed(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="resp", Body=b"x", ContentType="a/b")
    got = s3.get_object(Bucket=bucket, Key="resp", ResponseContentType="c/d", ResponseContentDisposition="inline",
                        ResponseExpires=datetime.datetime(2031, 1, 1), ResponseCacheControl="no-store",
                        ResponseContentLanguage="fr", ResponseContentEncoding="br")
    assert (got["ContentType"], got["ContentDisposition"], got["CacheControl"]) == ("c/d", "inline", "no-store")
    assert (got["ContentLanguage"], got["ContentEncoding"]) == ("fr", "br")
    assert send(server, "GET", f"/{bucket}/resp?response-content-type=x%0d%0aSet-Cookie:%20a=b").headers.get("set-cookie") is None


def test_too_much_metadata_and_too_long_a_key(s3, bucket):
    s3.put_object(Bucket=bucket, Key="meta", Body=b"", Metadata={"k": "v" * 2047})
    error = refused(s3.put_object, "MetadataTooLarge", 400, Bucket=bucket, Key="meta", Body=b"", Metadata={"k": "v" * 2048})
    assert error["MaxSizeAllowed"] == "2048"
    s3.put_object(Bucket=bucket, Key="k" * 1024, Body=b"long")
    assert s3.get_object(Bucket=bucket, Key="k" * 1024)["Body"].read() == b"long"
    error = refused(s3.put_object, "KeyTooLongError", 400, Bucket=bucket, Key="k" * 1025, Body=b"")
    assert error["MaxSizeAllowed"] == "1024"
    for call in (s3.get_object, s3.delete_object, s3.get_object_tagging, s3.create_multipart_upload):
        error = refused(call, "KeyTooLongError", 400, Bucket=bucket, Key="k" * 1025)
        assert (error["Size"], error["MaxSizeAllowed"]) == ("1025", "1024")
    with pytest.raises(ClientError) as e:
        s3.head_object(Bucket=bucket, Key="k" * 1025)
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("arguments, want, http", [
    (dict(StorageClass="GLACIER"), "InvalidStorageClass", 400),
    (dict(StorageClass="NEVER"), "InvalidStorageClass", 400),
    (dict(ACL="public-read"), "AccessControlListNotSupported", 400),
    (dict(GrantRead="id=abc"), "AccessControlListNotSupported", 400),
    (dict(ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=datetime.datetime(2040, 1, 1)), "InvalidRequest", 400),
    (dict(Tagging="a=1&a=2"), "InvalidArgument", 400),
    (dict(Tagging="&".join(f"k{i}=v" for i in range(11))), "BadRequest", 400),
    (dict(Tagging="aws:x=1"), "InvalidTag", 400),
    (dict(Tagging="k=" + "v" * 257), "InvalidTag", 400),
    (dict(WebsiteRedirectLocation="ftp://x"), "InvalidArgument", 400),
    (dict(ServerSideEncryption="rot13"), "InvalidArgument", 400),
    (dict(ServerSideEncryption="aws:kms:dsse"), "NotImplemented", 501),
    (dict(ServerSideEncryption="AES256", SSEKMSKeyId="alias/x"), "InvalidArgument", 400),
    (dict(SSEKMSKeyId="alias/x"), "InvalidArgument", 400),
])
def test_what_cannot_be_had_is_refused(s3, bucket, arguments, want, http):
    refused(s3.put_object, want, http, Bucket=bucket, Key="never", Body=b"x", **arguments)
    refused(s3.get_object, "NoSuchKey", 404, Bucket=bucket, Key="never")


def test_customer_keys_are_not_built(server, bucket):
    headers = {"x-amz-server-side-encryption-customer-algorithm": "AES256",
               "x-amz-server-side-encryption-customer-key": b64(b"k" * 32),
               "x-amz-server-side-encryption-customer-key-MD5": b64(hashlib.md5(b"k" * 32).digest())}
    for method in ("PUT", "GET"):
        reply = send(server, method, f"/{bucket}/ssec", headers=headers)
        assert (reply.status, reply.code) == (501, "NotImplemented")


def test_owner_full_control_and_private_are_no_news(s3, bucket):
    for acl in ("private", "bucket-owner-full-control"):
        s3.put_object(Bucket=bucket, Key="acl", Body=b"", ACL=acl)


def test_only_the_null_version_is_there(s3, bucket):
    s3.put_object(Bucket=bucket, Key="v", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="v", VersionId="null")["Body"].read() == b"x"
    refused(s3.get_object, "InvalidArgument", 400, Bucket=bucket, Key="v", VersionId="abc")


# ---- conditions ------------------------------------------------------------------------------

def test_reading_on_conditions(server, s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="cond", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="cond")["LastModified"]
    before, after = modified - datetime.timedelta(hours=1), modified + datetime.timedelta(hours=1)
    for call in (s3.get_object, s3.head_object):
        call(Bucket=bucket, Key="cond", IfMatch=etag)
        call(Bucket=bucket, Key="cond", IfNoneMatch='"other"')
        call(Bucket=bucket, Key="cond", IfModifiedSince=before)
        call(Bucket=bucket, Key="cond", IfUnmodifiedSince=after)
        call(Bucket=bucket, Key="cond", IfMatch=etag, IfUnmodifiedSince=before)
        for arguments in (dict(IfNoneMatch=etag), dict(IfModifiedSince=modified), dict(IfNoneMatch=etag, IfModifiedSince=before)):
            with pytest.raises(ClientError) as error:
                call(Bucket=bucket, Key="cond", **arguments)
            answer = error.value.response["ResponseMetadata"]
            assert answer["HTTPStatusCode"] == 304 and answer["HTTPHeaders"]["etag"] == etag
        for arguments in (dict(IfMatch='"other"'), dict(IfUnmodifiedSince=before)):
            with pytest.raises(ClientError) as error:
                call(Bucket=bucket, Key="cond", **arguments)
            assert code(error)[1] == 412
    error = refused(s3.get_object, "PreconditionFailed", 412, Bucket=bucket, Key="cond", IfMatch='"other"')
    assert error["Condition"] == "If-Match"
    reply = send(server, "GET", f"/{bucket}/cond", headers={"If-None-Match": etag})
    assert reply.status == 304 and reply.body == b""


def test_writing_on_conditions(server, s3, bucket):
    path = f"/{bucket}/write-cond"
    reply = send(server, "PUT", path, body=b"1", headers={"If-Match": '"x"'})
    assert (reply.status, reply.code) == (404, "NoSuchKey")
    assert send(server, "PUT", path, body=b"1", headers={"If-None-Match": "*"}).status == 200
    reply = send(server, "PUT", path, body=b"2", headers={"If-None-Match": "*"})
    assert (reply.status, reply.code, reply.field("Condition")) == (412, "PreconditionFailed", "If-None-Match")
    etag = s3.head_object(Bucket=bucket, Key="write-cond")["ETag"]
    assert send(server, "PUT", path, body=b"3", headers={"If-Match": etag}).status == 200
    reply = send(server, "PUT", path, body=b"4", headers={"If-Match": etag})
    assert (reply.status, reply.code) == (412, "PreconditionFailed")
    assert send(server, "PUT", path, body=b"5", headers={"If-None-Match": etag}).status == 501
    assert send(server, "DELETE", path, headers={"If-Match": etag}).status == 412
    assert s3.get_object(Bucket=bucket, Key="write-cond")["Body"].read() == b"3"
    etag = s3.head_object(Bucket=bucket, Key="write-cond")["ETag"]
    assert send(server, "DELETE", path, headers={"If-Match": etag}).status == 204
    refused(s3.get_object, "NoSuchKey", 404, Bucket=bucket, Key="write-cond")


# ---- checksums ----------------------------------------------------------------------------------

SUMS = {"crc32": crc32, "crc32c": crc32c, "crc64nvme": crc64nvme, "sha1": lambda d: b64(hashlib.sha1(d).digest()),
        "sha256": lambda d: b64(hashlib.sha256(d).digest())}


@pytest.mark.parametrize("name", SUMS)
def test_a_checksum_is_verified_kept_and_shown_when_asked_for(server, bucket, name):
    data, header, path = b"checked", f"x-amz-checksum-{name}", f"/{bucket}/sum-{name}"
    reply = send(server, "PUT", path, body=data, headers={header: SUMS[name](b"other")})
    assert (reply.status, reply.code) == (400, "BadDigest")
    assert send(server, "GET", path).status == 404
    reply = send(server, "PUT", path, body=data, headers={header: SUMS[name](data)})
    assert reply.status == 200 and reply.headers[header] == SUMS[name](data)
    assert reply.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    for method in ("GET", "HEAD"):
        assert header not in send(server, method, path).headers
        assert send(server, method, path, headers={"x-amz-checksum-mode": "ENABLED"}).headers[header] == SUMS[name](data)
    assert header not in send(server, "GET", path, headers={"x-amz-checksum-mode": "ENABLED", "Range": "bytes=0-1"}).headers


def test_without_a_word_it_is_crc64nvme(server, bucket):
    reply = send(server, "PUT", f"/{bucket}/default-sum", body=b"123456789")
    assert reply.headers["x-amz-checksum-crc64nvme"] == "rosUhgp5mIg="
    assert "x-amz-checksum-crc64nvme" not in send(server, "PUT", f"/{bucket}/d", body=b"x", headers={"x-amz-checksum-crc32": crc32(b"x")}).headers


def test_wrong_promises_about_the_body(server, s3, bucket):
    path = f"/{bucket}/promise"
    reply = send(server, "PUT", path, body=b"x", headers={"Content-MD5": b64(hashlib.md5(b"y").digest())})
    assert (reply.status, reply.code) == (400, "BadDigest")
    assert send(server, "PUT", path, body=b"x", headers={"Content-MD5": "AAAA"}).code == "InvalidDigest"
    assert send(server, "PUT", path, body=b"x", payload=hashlib.sha256(b"y").hexdigest()).code == "XAmzContentSHA256Mismatch"
    reply = send(server, "PUT", path, body=b"x", headers={"x-amz-sdk-checksum-algorithm": "CRC32"})
    assert (reply.status, reply.code) == (400, "InvalidRequest")
    reply = send(server, "PUT", path, body=b"x", headers={"x-amz-checksum-crc32": crc32(b"x"), "x-amz-checksum-sha1": SUMS["sha1"](b"x")})
    assert (reply.status, reply.code) == (400, "InvalidRequest")
    assert send(server, "GET", path).status == 404


def test_a_trailing_checksum(server, s3, bucket):
    data = b"t" * 70_000
    for name, value, want in (("crc32", crc32(data), 200), ("crc32", crc32(b"other"), 400)):
        body = b"%x\r\n%s\r\n0\r\nx-amz-checksum-%s:%s\r\n\r\n" % (len(data), data, name.encode(), value.encode())
        reply = send(server, "PUT", f"/{bucket}/trailer", body=body, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                     headers={"x-amz-trailer": f"x-amz-checksum-{name}", "x-amz-decoded-content-length": str(len(data)),
                              "Content-Encoding": "aws-chunked"})
        assert reply.status == want, reply.body
    got = s3.get_object(Bucket=bucket, Key="trailer", ChecksumMode="ENABLED")
    assert got["Body"].read() == data and got["ChecksumCRC32"] == crc32(data) and "ContentEncoding" not in got


# ---- deletes ------------------------------------------------------------------------------------

def test_deleting_is_idempotent(s3, bucket):
    s3.put_object(Bucket=bucket, Key="gone", Body=b"x" * 100_000)
    for _ in range(2):
        assert s3.delete_object(Bucket=bucket, Key="gone")["ResponseMetadata"]["HTTPStatusCode"] == 204
    refused(s3.get_object, "NoSuchKey", 404, Bucket=bucket, Key="gone")


def test_many_at_once_key_by_key(server, s3, bucket):
    for key in ("many/a", "many/b", "many/c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    some = server.user(allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/many/a"), allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/many/none"))
    keys = [{"Key": k} for k in ("many/a", "many/b", "many/none")]
    got = server.client("s3", some, plain=True).delete_objects(Bucket=bucket, Delete={"Objects": keys})
    assert {d["Key"] for d in got["Deleted"]} == {"many/a", "many/none"}
    assert [(e["Key"], e["Code"]) for e in got["Errors"]] == [("many/b", "AccessDenied")]
    got = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "many/b"}, {"Key": "many/c", "VersionId": "x"}], "Quiet": True})
    assert "Deleted" not in got and got["Errors"][0]["Code"] == "NoSuchVersion"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="many/")["Contents"]] == ["many/c"]


def test_many_at_once_need_a_digest_and_at_most_1000(server, s3, bucket):
    body = b"<Delete><Object><Key>x</Key></Object></Delete>"
    reply = send(server, "POST", f"/{bucket}?delete", body=body)
    assert (reply.status, reply.code) == (400, "InvalidRequest")
    keys = b"".join(b"<Object><Key>%d</Key></Object>" % i for i in range(1001))
    for bad in (b"<Delete>" + keys + b"</Delete>", b"<Delete></Delete>", b"<Delete>"):
        reply = send(server, "POST", f"/{bucket}?delete", body=bad, headers={"Content-MD5": b64(hashlib.md5(bad).digest())})
        assert (reply.status, reply.code) == (400, "MalformedXML"), bad[:30]


# ---- copies -----------------------------------------------------------------------------------------

def test_a_copy_brings_metadata_and_tags_along_unless_told_otherwise(s3, bucket):
    data = os.urandom(200_000)
    s3.put_object(Bucket=bucket, Key="from", Body=data, ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    got = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from"})
    assert got["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    head = s3.get_object(Bucket=bucket, Key="to")
    assert head["Body"].read() == data and head["ContentType"] == "a/b" and head["Metadata"] == {"m": "1"} and head["TagCount"] == 1
    s3.copy_object(Bucket=bucket, Key="to", CopySource=f"/{bucket}/from", MetadataDirective="REPLACE", Metadata={"n": "2"},
                   TaggingDirective="REPLACE", Tagging="u=2&v=3")
    head = s3.get_object(Bucket=bucket, Key="to")
    assert head["ContentType"] == "binary/octet-stream" and head["Metadata"] == {"n": "2"} and head["TagCount"] == 2


def test_onto_itself_something_must_change(s3, bucket):
    s3.put_object(Bucket=bucket, Key="self", Body=b"x" * 5000)
    refused(s3.copy_object, "InvalidRequest", 400, Bucket=bucket, Key="self", CopySource=f"{bucket}/self")
    s3.copy_object(Bucket=bucket, Key="self", CopySource=f"{bucket}/self", MetadataDirective="REPLACE", Metadata={"a": "b"})
    got = s3.get_object(Bucket=bucket, Key="self")
    assert got["Body"].read() == b"x" * 5000 and got["Metadata"] == {"a": "b"}


def test_copies_on_conditions_and_of_nothing(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="src", Body=b"x")["ETag"]
    s3.copy_object(Bucket=bucket, Key="dst", CopySource=f"{bucket}/src", CopySourceIfMatch=etag)
    refused(s3.copy_object, "PreconditionFailed", 412, Bucket=bucket, Key="dst", CopySource=f"{bucket}/src", CopySourceIfNoneMatch=etag)
    refused(s3.copy_object, "PreconditionFailed", 412, Bucket=bucket, Key="dst", CopySource=f"{bucket}/src", CopySourceIfMatch='"y"')
    refused(s3.copy_object, "NoSuchKey", 404, Bucket=bucket, Key="dst", CopySource=f"{bucket}/nothing")
    refused(s3.copy_object, "NoSuchBucket", 404, Bucket=bucket, Key="dst", CopySource="no-such-bucket-here/x")
    refused(s3.copy_object, "InvalidArgument", 400, Bucket=bucket, Key="dst", CopySource={"Bucket": bucket, "Key": "src", "VersionId": "v"})


def test_a_copy_needs_reading_there_and_writing_here(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="secret", Body=b"x", Tagging="a=b")
    arn = f"arn:aws:s3:::{bucket}"
    writer = server.client("s3", server.user(allow("s3:PutObject", arn + "/*")), plain=True)
    reader = server.client("s3", server.user(allow("s3:GetObject", arn + "/*")), plain=True)
    both = server.client("s3", server.user(allow(["s3:GetObject", "s3:PutObject"], arn + "/*")), plain=True)
    tags = server.client("s3", server.user(allow(["s3:GetObject*", "s3:PutObject*"], arn + "/*")), plain=True)
    for who in (writer, reader, both):
        refused(who.copy_object, "AccessDenied", 403, Bucket=bucket, Key="copy", CopySource=f"{bucket}/secret")
    both.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/secret", TaggingDirective="REPLACE")
    tags.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/secret")


# ---- tags and attributes -------------------------------------------------------------------------------

def test_tags_of_an_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="tags", Body=b"x")
    assert s3.get_object_tagging(Bucket=bucket, Key="tags")["TagSet"] == []
    etag = s3.head_object(Bucket=bucket, Key="tags")["ETag"]
    s3.put_object_tagging(Bucket=bucket, Key="tags", Tagging={"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="tags")["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    assert s3.head_object(Bucket=bucket, Key="tags")["ETag"] == etag
    refused(s3.put_object_tagging, "InvalidTag", 400, Bucket=bucket, Key="tags",
            Tagging={"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]})
    error = refused(s3.put_object_tagging, "BadRequest", 400, Bucket=bucket, Key="tags",
                    Tagging={"TagSet": [{"Key": str(i), "Value": ""} for i in range(11)]})
    assert error["Message"] == "Object tags cannot be greater than 10"
    s3.delete_object_tagging(Bucket=bucket, Key="tags")
    assert s3.get_object_tagging(Bucket=bucket, Key="tags")["TagSet"] == []
    for call in (s3.get_object_tagging, s3.delete_object_tagging):
        refused(call, "NoSuchKey", 404, Bucket=bucket, Key="no tags")


def test_policies_can_ask_for_tags(server, s3, bucket):
    arn = f"arn:aws:s3:::{bucket}/*"
    s3.put_object(Bucket=bucket, Key="green", Body=b"x", Tagging="colour=green")
    s3.put_object(Bucket=bucket, Key="red", Body=b"x", Tagging="colour=red")
    who = server.client("s3", server.user(
        allow("s3:GetObject", arn, Condition={"StringEquals": {"s3:ExistingObjectTag/colour": "green"}}),
        allow(["s3:PutObject", "s3:PutObjectTagging"], arn, Condition={"StringEquals": {"s3:RequestObjectTag/colour": "green"}})), plain=True)
    who.get_object(Bucket=bucket, Key="green")
    refused(who.get_object, "AccessDenied", 403, Bucket=bucket, Key="red")
    who.put_object(Bucket=bucket, Key="new", Body=b"", Tagging="colour=green")
    refused(who.put_object, "AccessDenied", 403, Bucket=bucket, Key="new", Body=b"", Tagging="colour=red")
    refused(who.put_object, "AccessDenied", 403, Bucket=bucket, Key="new", Body=b"")


def test_attributes(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="attr", Body=b"hello")
    got = s3.get_object_attributes(Bucket=bucket, Key="attr", ObjectAttributes=["ETag", "ObjectSize", "StorageClass", "Checksum", "ObjectParts"])
    assert (got["ETag"], got["ObjectSize"], got["StorageClass"]) == (hashlib.md5(b"hello").hexdigest(), 5, "STANDARD")
    assert "ObjectParts" not in got
    reply = send(server, "GET", f"/{bucket}/attr?attributes", headers={"x-amz-object-attributes": "Checksum"})
    assert reply.field("ChecksumCRC64NVME") == crc64nvme(b"hello") and reply.field("ChecksumType") == "FULL_OBJECT"
    assert send(server, "GET", f"/{bucket}/attr?attributes", headers={"x-amz-object-attributes": "Nonsense"}).status == 400


# ---- who may know what -------------------------------------------------------------------------------------

def test_a_missing_key_is_a_secret_to_who_may_not_list(server, s3, bucket):
    arn = f"arn:aws:s3:::{bucket}"
    reads = server.client("s3", server.user(allow("s3:GetObject", arn + "/*")), plain=True)
    lists = server.client("s3", server.user(allow("s3:GetObject", arn + "/*"), allow("s3:ListBucket", arn)), plain=True)
    refused(reads.get_object, "AccessDenied", 403, Bucket=bucket, Key="missing")
    error = refused(lists.get_object, "NoSuchKey", 404, Bucket=bucket, Key="missing")
    assert error["Key"] == "missing"
    refused(lists.head_object, "404", 404, Bucket=bucket, Key="missing")
    refused(reads.head_object, "403", 403, Bucket=bucket, Key="missing")


def test_the_refusal_names_who_what_and_why(server, s3, bucket):
    user = server.user()
    with pytest.raises(ClientError) as error:
        server.client("s3", user, plain=True).put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code(error) == ("AccessDenied", 403)
    assert message(error) == (
        f"User: arn:aws:iam::{server.account}:user/{user['UserName']} is not authorized to perform: s3:PutObject on resource: "
        f"\"arn:aws:s3:::{bucket}/k\" because no identity-based policy allows the s3:PutObject action")


def test_without_a_signature_nothing(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="private", Body=b"x")
    for method, path in (("GET", "/private"), ("PUT", "/x"), ("DELETE", "/private"), ("GET", ""), ("GET", "/?list-type=2")):
        assert anonymous(server, method, f"/{bucket}{path}").status == 403


def test_the_expected_owner_must_be_the_owner(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="own", Body=b"x", ExpectedBucketOwner=server.account)
    refused(s3.get_object, "AccessDenied", 403, Bucket=bucket, Key="own", ExpectedBucketOwner="999999999999")
    refused(s3.list_objects_v2, "AccessDenied", 403, Bucket=bucket, ExpectedBucketOwner="999999999999")
