"""Multipart uploads: parts, order, sizes, checksums, completing twice, listing, aborting, copying."""
import collections
import hashlib
import os
import threading
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, eventually
from s3raw import b64, crc32, crc64nvme, refused, send

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3", plain=True)


@pytest.fixture(scope="module")
def bucket(s3):
    name = "parts-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    return name


def upload(s3, bucket, key, parts, numbers=None, **arguments):
    """Uploads and completes; gives upload id, part list and the answer of complete."""
    uid = s3.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]
    listed = []
    for number, data in zip(numbers or range(1, len(parts) + 1), parts):
        etag = s3.upload_part(Bucket=bucket, Key=key, UploadId=uid, PartNumber=number, Body=data)["ETag"]
        listed.append({"PartNumber": number, "ETag": etag})
    return uid, listed, s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=uid, MultipartUpload={"Parts": listed})


def test_the_object_is_its_parts_in_order(s3, bucket):
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB + 17), os.urandom(100)]
    whole = b"".join(parts)
    uid, listed, done = upload(s3, bucket, "three", parts, numbers=(2, 7, 10000), ContentType="a/b", Metadata={"m": "1"}, Tagging="a=1")
    etag = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in parts)).hexdigest()
    assert done["ETag"] == f'"{etag}-3"' and done["Bucket"] == bucket and done["Key"] == "three" and done["Location"].endswith("/three")
    got = s3.get_object(Bucket=bucket, Key="three")
    assert got["Body"].read() == whole and got["ContentType"] == "a/b" and got["Metadata"] == {"m": "1"} and got["TagCount"] == 1
    for first, last in [(0, 0), (5 * MIB - 3, 5 * MIB + 3), (MIB, 10 * MIB + 16), (10 * MIB + 17, 10 * MIB + 116), (0, len(whole) - 1)]:
        assert s3.get_object(Bucket=bucket, Key="three", Range=f"bytes={first}-{last}")["Body"].read() == whole[first:last + 1]
    assert s3.get_object(Bucket=bucket, Key="three", Range="bytes=-100")["Body"].read() == parts[2]
    for number in (1, 2, 3):
        got = s3.get_object(Bucket=bucket, Key="three", PartNumber=number)
        assert got["Body"].read() == parts[number - 1] and got["PartsCount"] == 3
        assert s3.head_object(Bucket=bucket, Key="three", PartNumber=number)["ContentLength"] == len(parts[number - 1])
    refused(s3.get_object, "InvalidPartNumber", 416, Bucket=bucket, Key="three", PartNumber=4)
    # once more: the same answer, as long as the object is still that one
    again = s3.complete_multipart_upload(Bucket=bucket, Key="three", UploadId=uid, MultipartUpload={"Parts": listed})
    assert again["ETag"] == done["ETag"]
    s3.put_object(Bucket=bucket, Key="three", Body=b"other")
    refused(s3.complete_multipart_upload, "NoSuchUpload", 404, Bucket=bucket, Key="three", UploadId=uid, MultipartUpload={"Parts": listed})


def test_one_part_and_an_empty_one(s3, bucket):
    for data in (b"", b"x" * 10):
        upload(s3, bucket, "one", [data])
        assert s3.get_object(Bucket=bucket, Key="one")["Body"].read() == data
    upload(s3, bucket, "last-empty", [b"y" * 5 * MIB, b""])
    assert s3.get_object(Bucket=bucket, Key="last-empty")["Body"].read() == b"y" * 5 * MIB


def test_what_cannot_be_completed(s3, bucket):
    uid = s3.create_multipart_upload(Bucket=bucket, Key="bad")["UploadId"]
    small = s3.upload_part(Bucket=bucket, Key="bad", UploadId=uid, PartNumber=1, Body=b"small")["ETag"]
    last = s3.upload_part(Bucket=bucket, Key="bad", UploadId=uid, PartNumber=2, Body=b"last")["ETag"]
    def complete(*parts, upload=uid):
        return dict(Bucket=bucket, Key="bad", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": e} for n, e in parts]})
    error = refused(s3.complete_multipart_upload, "EntityTooSmall", 400, **complete((1, small), (2, last)))
    assert (error["ProposedSize"], error["MinSizeAllowed"], error["PartNumber"]) == ("5", "5242880", "1")
    refused(s3.complete_multipart_upload, "InvalidPartOrder", 400, **complete((2, last), (1, small)))
    refused(s3.complete_multipart_upload, "InvalidPartOrder", 400, **complete((1, small), (1, small)))
    refused(s3.complete_multipart_upload, "InvalidPart", 400, **complete((1, last)))
    refused(s3.complete_multipart_upload, "InvalidPart", 400, **complete((3, last)))
    refused(s3.complete_multipart_upload, "MalformedXML", 400, **complete())
    refused(s3.complete_multipart_upload, "NoSuchUpload", 404, **complete((1, small), upload="nope"))
    refused(s3.get_object, "NoSuchKey", 404, Bucket=bucket, Key="bad")
    s3.complete_multipart_upload(**complete((2, last)))       # part 1 was not named: it is not part of the object
    assert s3.get_object(Bucket=bucket, Key="bad")["Body"].read() == b"last"


def test_conditions_and_size_at_the_end(server, s3, bucket):
    uid = s3.create_multipart_upload(Bucket=bucket, Key="cond")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="cond", UploadId=uid, PartNumber=1, Body=b"x")["ETag"]
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>".encode()
    path = f"/{bucket}/cond?uploadId={uid}"
    s3.put_object(Bucket=bucket, Key="cond", Body=b"there")
    for headers, want in (({"If-None-Match": "*"}, (412, "PreconditionFailed")), ({"If-Match": '"y"'}, (412, "PreconditionFailed")),
                          ({"x-amz-mp-object-size": "2"}, (400, "InvalidRequest")), ({"x-amz-checksum-crc64nvme": crc64nvme(b"y")}, (400, "BadDigest")),
                          ({"x-amz-checksum-sha1": b64(b"y" * 20)}, (400, "InvalidRequest"))):
        reply = send(server, "POST", path, body=body, headers=headers)
        assert (reply.status, reply.code) == want, headers
    good = {"If-Match": s3.head_object(Bucket=bucket, Key="cond")["ETag"], "x-amz-mp-object-size": "1", "x-amz-checksum-crc64nvme": crc64nvme(b"x")}
    reply = send(server, "POST", path, body=body, headers=good)
    assert reply.status == 200 and reply.field("ChecksumCRC64NVME") == crc64nvme(b"x") and reply.field("ChecksumType") == "FULL_OBJECT"


def test_composite_checksums(s3, bucket):
    parts = [b"a" * 5 * MIB, b"b"]
    uid = s3.create_multipart_upload(Bucket=bucket, Key="sums", ChecksumAlgorithm="SHA256")["UploadId"]
    listed, sums = [], []
    for number, data in enumerate(parts, 1):
        got = s3.upload_part(Bucket=bucket, Key="sums", UploadId=uid, PartNumber=number, Body=data, ChecksumAlgorithm="SHA256")
        sums.append(hashlib.sha256(data).digest())
        assert got["ChecksumSHA256"] == b64(sums[-1])
        listed.append({"PartNumber": number, "ETag": got["ETag"], "ChecksumSHA256": got["ChecksumSHA256"]})
    refused(s3.upload_part, "InvalidRequest", 400, Bucket=bucket, Key="sums", UploadId=uid, PartNumber=3, Body=b"x", ChecksumAlgorithm="CRC32")
    wrong = [dict(listed[0], ChecksumSHA256=b64(sums[1])), listed[1]]
    refused(s3.complete_multipart_upload, "InvalidPart", 400, Bucket=bucket, Key="sums", UploadId=uid, MultipartUpload={"Parts": wrong})
    done = s3.complete_multipart_upload(Bucket=bucket, Key="sums", UploadId=uid, MultipartUpload={"Parts": listed})
    want = b64(hashlib.sha256(b"".join(sums)).digest()) + "-2"
    assert done["ChecksumSHA256"] == want
    assert s3.get_object(Bucket=bucket, Key="sums", ChecksumMode="ENABLED")["ChecksumSHA256"] == want
    got = s3.get_object_attributes(Bucket=bucket, Key="sums", ObjectAttributes=["ObjectParts", "Checksum"], MaxParts=1)["ObjectParts"]
    assert (got["TotalPartsCount"], got["IsTruncated"], [p["Size"] for p in got["Parts"]]) == (2, True, [5 * MIB])


def test_full_object_checksums(server, s3, bucket):
    parts = [os.urandom(5 * MIB), b"tail"]
    reply = send(server, "POST", f"/{bucket}/full?uploads", headers={"x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT"})
    uid = reply.field("UploadId")
    assert reply.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    listed = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="full", UploadId=uid, PartNumber=n, Body=d)["ETag"]}
              for n, d in enumerate(parts, 1)]
    done = s3.complete_multipart_upload(Bucket=bucket, Key="full", UploadId=uid, MultipartUpload={"Parts": listed})
    assert done["ChecksumCRC32"] == crc32(b"".join(parts))
    for headers in ({"x-amz-checksum-type": "COMPOSITE", "x-amz-checksum-algorithm": "CRC64NVME"},
                    {"x-amz-checksum-type": "FULL_OBJECT", "x-amz-checksum-algorithm": "SHA1"}, {"x-amz-checksum-type": "FULL_OBJECT"}):
        assert send(server, "POST", f"/{bucket}/full?uploads", headers=headers).code == "InvalidRequest"


def test_part_numbers_and_upload_ids(s3, bucket):
    uid = s3.create_multipart_upload(Bucket=bucket, Key="num")["UploadId"]
    for number in (0, -1, 10001):
        refused(s3.upload_part, "InvalidArgument", 400, Bucket=bucket, Key="num", UploadId=uid, PartNumber=number, Body=b"")
    for wrong in (dict(UploadId="x" * 3000), dict(UploadId="../" + uid), dict(UploadId=uid, Key="other")):
        arguments = dict(dict(Bucket=bucket, Key="num", PartNumber=1, Body=b"x" * 100), **wrong)
        refused(s3.upload_part, "NoSuchUpload", 404, **arguments)
    s3.abort_multipart_upload(Bucket=bucket, Key="num", UploadId=uid)
    refused(s3.abort_multipart_upload, "NoSuchUpload", 404, Bucket=bucket, Key="num", UploadId=uid)
    refused(s3.upload_part, "NoSuchUpload", 404, Bucket=bucket, Key="num", UploadId=uid, PartNumber=1, Body=b"")
    refused(s3.list_parts, "NoSuchUpload", 404, Bucket=bucket, Key="num", UploadId=uid)


def test_listing_parts_by_pages(s3, bucket):
    uid = s3.create_multipart_upload(Bucket=bucket, Key="pages", StorageClass="ONEZONE_IA")["UploadId"]
    for number in (3, 1, 2, 9, 5):
        s3.upload_part(Bucket=bucket, Key="pages", UploadId=uid, PartNumber=number, Body=b"x" * number)
    got = [p["PartNumber"] for page in s3.get_paginator("list_parts").paginate(Bucket=bucket, Key="pages", UploadId=uid, PaginationConfig={"PageSize": 2})
           for p in page["Parts"]]
    assert got == [1, 2, 3, 5, 9]
    reply = s3.list_parts(Bucket=bucket, Key="pages", UploadId=uid, PartNumberMarker=3)
    assert [(p["PartNumber"], p["Size"]) for p in reply["Parts"]] == [(5, 5), (9, 9)] and reply["StorageClass"] == "ONEZONE_IA"
    assert reply["Initiator"]["ID"].endswith(":root")
    refused(s3.list_parts, "InvalidArgument", 400, Bucket=bucket, Key="pages", UploadId=uid, MaxParts=-1)
    s3.abort_multipart_upload(Bucket=bucket, Key="pages", UploadId=uid)


def test_listing_uploads_by_pages(s3):
    name = "ups-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    made = [(key, s3.create_multipart_upload(Bucket=name, Key=key)["UploadId"]) for key in ("a/1", "b", "a/2", "b", "c", "b")]
    want = sorted(made, key=lambda u: u[0])                       # stable: by initiation within a key
    got = []
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=name, PaginationConfig={"PageSize": 2}):
        got += [(u["Key"], u["UploadId"]) for u in page.get("Uploads", [])]
    assert got == want or {k: sorted(u for kk, u in got if kk == k) for k, _ in got} == {k: sorted(u for kk, u in want if kk == k) for k, _ in want}
    reply = s3.list_multipart_uploads(Bucket=name, Delimiter="/")
    assert [p["Prefix"] for p in reply["CommonPrefixes"]] == ["a/"] and [u["Key"] for u in reply["Uploads"]] == ["b", "b", "b", "c"]
    assert len(s3.list_multipart_uploads(Bucket=name, Prefix="a/")["Uploads"]) == 2


def test_parts_copied_from_another_object(s3, bucket):
    data = os.urandom(6 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    uid = s3.create_multipart_upload(Bucket=bucket, Key="copied")["UploadId"]
    source = {"Bucket": bucket, "Key": "source"}
    arguments = dict(Bucket=bucket, Key="copied", UploadId=uid, CopySource=source)
    one = s3.upload_part_copy(PartNumber=1, CopySourceRange=f"bytes=0-{5 * MIB - 1}", **arguments)["CopyPartResult"]["ETag"]
    two = s3.upload_part_copy(PartNumber=2, **arguments)["CopyPartResult"]["ETag"]
    assert one == f'"{hashlib.md5(data[:5 * MIB]).hexdigest()}"'
    for bad in (f"bytes=0-{6 * MIB}", "bytes=5-", "bytes=-5", "bytes=9-3", "x"):
        refused(s3.upload_part_copy, "InvalidArgument", 400, PartNumber=3, CopySourceRange=bad, **arguments)
    s3.complete_multipart_upload(Bucket=bucket, Key="copied", UploadId=uid,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": one}, {"PartNumber": 2, "ETag": two}]})
    assert s3.get_object(Bucket=bucket, Key="copied")["Body"].read() == data[:5 * MIB] + data
    s3.copy_object(Bucket=bucket, Key="copy-of-parts", CopySource={"Bucket": bucket, "Key": "copied"})
    assert s3.get_object(Bucket=bucket, Key="copy-of-parts")["Body"].read() == data[:5 * MIB] + data


def test_a_reader_keeps_what_is_replaced_while_it_reads(s3, bucket):
    parts = [os.urandom(5 * MIB) for _ in range(4)]
    upload(s3, bucket, "replaced", parts)
    body = s3.get_object(Bucket=bucket, Key="replaced")["Body"]
    first = body.read(1000)
    s3.put_object(Bucket=bucket, Key="replaced", Body=b"new")
    assert first + body.read() == b"".join(parts)
    assert s3.get_object(Bucket=bucket, Key="replaced")["Body"].read() == b"new"


def test_readers_and_writers_at_once_see_whole_objects(s3, bucket):
    stop, wrong, read_back = threading.Event(), [], collections.Counter()
    def write(letter):
        while not stop.is_set():
            s3.put_object(Bucket=bucket, Key="busy", Body=letter * 300_000)
    def read():
        while not stop.is_set():
            data = s3.get_object(Bucket=bucket, Key="busy")["Body"].read()
            read_back[data[:1]] += 1
            if len(data) != 300_000 or len(set(data)) != 1:
                wrong.append(data[:10])
    s3.put_object(Bucket=bucket, Key="busy", Body=b"a" * 300_000)
    threads = [threading.Thread(target=write, args=(l,)) for l in (b"a", b"b")] + [threading.Thread(target=read) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        eventually(lambda: wrong or min(read_back[b"a"], read_back[b"b"]) >= 20)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not wrong


def test_a_copy_of_what_is_replaced_all_the_time_is_of_one_object(server, s3, bucket):
    stop, copied, refusals = threading.Event(), collections.Counter(), []
    source = {"Bucket": bucket, "Key": "source", "ServerSideEncryption": "aws:kms"}  # asking for its key takes a while
    whole = {"Bucket": bucket, "CopySource": f"{bucket}/source", "Key": "copy"}
    uid = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = {"Bucket": bucket, "CopySource": f"{bucket}/source", "Key": "parts", "UploadId": uid, "PartNumber": 1}

    def write(letter):
        while not stop.is_set():
            s3.put_object(**source, Body=letter * 30_000)

    def copy():
        client = server.client("s3", plain=True)
        while not stop.is_set():
            try:
                client.upload_part_copy(**part)
                client.copy_object(**whole)
            except ClientError as e:
                refusals.append(code(e))
                return
            data = client.get_object(Bucket=bucket, Key="copy")["Body"].read()
            copied[data[:1] if len(data) == 30_000 and len(set(data)) == 1 else "torn"] += 1
    s3.put_object(**source, Body=b"a" * 30_000)
    threads = [threading.Thread(target=write, args=(l,)) for l in (b"a", b"b") * 3] + [threading.Thread(target=copy)]
    for t in threads:
        t.start()
    try:
        eventually(lambda: refusals or copied["torn"] or min(copied[b"a"], copied[b"b"]) >= 20)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not refusals and not copied["torn"]


def test_only_who_may_put_may_upload(server, s3, bucket):
    uid = s3.create_multipart_upload(Bucket=bucket, Key="denied")["UploadId"]
    who = server.client("s3", server.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")), plain=True)
    refused(who.create_multipart_upload, "AccessDenied", 403, Bucket=bucket, Key="denied")
    refused(who.upload_part, "AccessDenied", 403, Bucket=bucket, Key="denied", UploadId=uid, PartNumber=1, Body=b"x")
    refused(who.abort_multipart_upload, "AccessDenied", 403, Bucket=bucket, Key="denied", UploadId=uid)
    refused(who.list_parts, "AccessDenied", 403, Bucket=bucket, Key="denied", UploadId=uid)
    refused(who.list_multipart_uploads, "AccessDenied", 403, Bucket=bucket)
