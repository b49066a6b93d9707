"""What a stranger, or a broken client, might send: nothing of it may reach what it should not, nor stop the server."""
import collections
import hashlib
import socket
import threading
import urllib.parse
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import PATIENCE_S, allow, code, eventually
from s3raw import anonymous, b64, exchange, send, signed

ODD = ["../x", "../../../etc/passwd", "./x", "a/../b", "a//b", "//", "/", "a/", "..", ".", " ", "%", "%2e%2e/x", "a\tb", "a\nb", "a\\b", "\u202e", "ä" * 500,
       "\U0001f600", "x" * 1024, "a?b#c", "a&b=c;d", "'\"<>", "\x7f", "con", "a\u0301", "\ufeff", "+", "a+b c", "~", "*?"]


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3", plain=True)


@pytest.fixture(scope="module")
def bucket(s3):
    name = "attack-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(autouse=True)
def still_there(s3, bucket):
    yield
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("key", ODD)
def test_any_key_is_a_name_and_not_a_path(server, s3, bucket, key):
    quoted, data = urllib.parse.quote(key, safe="/"), key.encode()
    assert send(server, "PUT", f"/{bucket}/{quoted}", body=data).status == 200
    reply = send(server, "GET", f"/{bucket}/{quoted}")
    assert (reply.status, reply.body) == (200, data)
    reply = send(server, "GET", f"/{bucket}?list-type=2&encoding-type=url&prefix={urllib.parse.quote(key, safe='')}")
    assert urllib.parse.unquote(reply.field("Key")) == key
    assert send(server, "DELETE", f"/{bucket}/{quoted}").status == 204
    assert send(server, "GET", f"/{bucket}/{quoted}").status == 404


def test_dots_do_not_lead_out_of_what_a_policy_allows(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="private/x", Body=b"secret")
    user = server.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/public/*"))
    creds = (user["AccessKeyId"], user["SecretAccessKey"], None)
    for path in ("/public/../private/x", "/public/%2e%2e/private/x", "/public/..%2fprivate/x", "/./private/x", "//private/x", "/private%2fx"):
        reply = send(server, "GET", f"/{bucket}{path}", creds=creds)
        assert reply.status == 403 and b"secret" not in reply.body, path


@pytest.mark.parametrize("path", ["/%00", "/a%00b", "/%ff", "/%c0%af", "/%ed%a0%80", "/%f5%80%80%80"])
def test_keys_that_are_no_text(server, bucket, path):
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        assert send(server, method, f"/{bucket}{path}").status == 400


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "a%2fb", "A", "%00", "a" * 300, "*", "bucket%20name"])
def test_buckets_that_cannot_be(server, name):
    for method, query in (("GET", "?list-type=2"), ("PUT", ""), ("DELETE", "")):
        assert send(server, method, f"/{name}{query}").status in (400, 403, 404, 405)


def hang_up(server, data):
    host = urllib.parse.urlsplit(server.http_url)
    with socket.create_connection((host.hostname, host.port), timeout=PATIENCE_S) as s:
        s.sendall(data)


def test_a_body_cut_short_leaves_nothing(server, s3, bucket):
    for size in (10, 200_000):
        headers = signed(server, "PUT", f"/{bucket}/cut", body=b"x" * size)
        head = f"PUT /{bucket}/cut HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + f"Content-Length: {size}\r\n\r\n"
        hang_up(server, head.encode() + b"x" * (size - 1))
        with pytest.raises(ClientError) as error:
            s3.get_object(Bucket=bucket, Key="cut")
        assert code(error) == ("NoSuchKey", 404)


def test_a_chunked_body_cut_short_leaves_nothing(server, s3, bucket):
    for body in (b"5\r\nhello\r\n", b"5\r\nhel", b"ffffffffffffffff\r\nx", b"5\r\nhello\r\n0\r\n\r\n" + b"more" * 100, b"-1\r\n", b"zz\r\n"):
        reply = send(server, "PUT", f"/{bucket}/cut", body=body, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                     headers={"x-amz-decoded-content-length": "5", "Content-Encoding": "aws-chunked"})
        assert reply.status in (400, 403), body
        assert send(server, "GET", f"/{bucket}/cut").status == 404


def test_more_than_can_be_put(server, bucket):
    for headers in ({"Content-Length": str((5 << 30) + 1)}, {"x-amz-decoded-content-length": str((5 << 30) + 1)}):
        all_headers = signed(server, "PUT", f"/{bucket}/huge", headers={k: v for k, v in headers.items() if k != "Content-Length"},
                             payload="UNSIGNED-PAYLOAD" if "Content-Length" in headers else "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        all_headers.update(headers)
        reply = exchange(server, "PUT", f"/{bucket}/huge", all_headers, b"" if "Content-Length" in headers else b"0\r\n\r\n")
        assert (reply.status, reply.code, reply.field("MaxSizeAllowed")) == (400, "EntityTooLarge", "5368709120")


def test_a_length_is_wanted(server, bucket):
    headers = signed(server, "PUT", f"/{bucket}/nolength", payload="UNSIGNED-PAYLOAD")
    reply = exchange(server, "PUT", f"/{bucket}/nolength", {**headers, "Transfer-Encoding": "chunked"}, b"1\r\nx\r\n0\r\n\r\n")
    assert (reply.status, reply.code) == (411, "MissingContentLength")


def test_headers_that_do_not_parse(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="h", Body=b"0123456789")
    for header, value, status in [("Range", "bytes=" + "9" * 400 + "-", 416), ("Range", "bytes=0-" + "1," * 2000, 200),                                   ("If-Modified-Since", "yesterday", 400), ("x-amz-expected-bucket-owner", "x", 400),
                                  ("x-amz-checksum-mode", "MAYBE", 400), ("If-Match", '"' * 3000, 412)]:
        assert send(server, "GET", f"/{bucket}/h", headers={header: value}).status == status, (header, value[:20])
    for header, value in [("x-amz-copy-source", ""), ("x-amz-copy-source", "%"), ("x-amz-copy-source", "a" * 5000), ("x-amz-copy-source", "/x/%00"),
                          ("x-amz-copy-source", "arn:aws:s3:::b/k"), ("x-amz-tagging", "%zz=1"), ("x-amz-tagging", "=" * 50),
                          ("x-amz-checksum-crc32", "AAAA"), ("x-amz-checksum-nonsense", "AAAA"), ("x-amz-acl", "everyone"),
                          ("x-amz-storage-class", "\x7f"), ("Content-MD5", "x")]:
        assert send(server, "PUT", f"/{bucket}/h2", headers={header: value}).status == 400, (header, value[:20])
    assert send(server, "PUT", f"/{bucket}/h2", headers={"x-amz-meta-x": "v" * 20_000}).status in (400, 431)
    assert send(server, "GET", f"/{bucket}/h2").status == 404


@pytest.mark.parametrize("body", [
    b"", b"x", b"<", b"<Delete>", b"<Delete/>", b"<Other><Object><Key>h</Key></Object></Other>", b"<Delete><Object/></Delete>",
    b"<Delete><Object><Key></Key></Object></Delete>", b"\xff\xfe", b"<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><Delete><Object><Key>&e;</Key></Object></Delete>",
    b"<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>]><Delete><Object><Key>&b;</Key></Object></Delete>",
    b"<Delete>" + b"<a>" * 10_000, b"<Delete>" + b"<Object><Key>k</Key></Object>" * 30_000 + b"</Delete>"])
def test_documents_that_are_none(server, bucket, body):
    digest = {"Content-MD5": b64(hashlib.md5(body).digest())}
    assert send(server, "POST", f"/{bucket}?delete", body=body, headers=digest).status == 400
    for path in ("?tagging", "?encryption", "?publicAccessBlock", "?ownershipControls", "?policy"):
        assert send(server, "PUT", f"/{bucket}{path}", body=body, headers=digest).status == 400, path


def test_answers_cannot_be_split(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="split", Body=b"x")
    for name in ("response-content-type", "response-content-disposition", "response-cache-control"):
        reply = send(server, "GET", f"/{bucket}/split?{name}=a%0D%0AInjected%3A%20yes%0D%0A%0D%0Abody")
        assert "injected" not in reply.headers and reply.body == b"x"


def test_one_bucket_is_not_another(server, s3, bucket):
    """The signature names one place; asking another with it is refused."""
    headers = signed(server, "GET", f"/{bucket}/a")
    assert exchange(server, "GET", f"/{bucket}/b", headers).status == 403
    assert exchange(server, "PUT", f"/{bucket}/a", headers).status == 403
    assert exchange(server, "GET", f"/{bucket}/a", {**headers, "Host": f"{bucket}.s3.test"}).status == 403
    assert exchange(server, "GET", f"/{bucket}/a", {**headers, "x-amz-expected-bucket-owner": "1" * 12}).status == 403


def test_no_body_where_one_is_needed_and_one_where_none_is(server, bucket):
    assert send(server, "GET", f"/{bucket}", body=b"x" * 1000).status == 200
    assert anonymous(server, "POST", f"/{bucket}").status in (400, 403, 405, 412, 501)
    assert anonymous(server, "POST", f"/{bucket}/k").status in (400, 403, 405, 501)


def test_an_object_that_is_replaced_while_it_is_read_is_judged_anew(server, s3, bucket):
    """Its tags decide who may read it, so what replaces it under other tags is not given out by leave for the old one."""
    key, stop, leaked, seen = "changing", threading.Event(), [], collections.Counter()
    mine = {"StringEquals": {"s3:ExistingObjectTag/for": "all"}}
    reader = server.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", Condition=mine))

    def write():
        while not stop.is_set():
            s3.put_object(Bucket=bucket, Key=key, Body=b"few", Tagging="for=few")
            put_for_all()

    def put_for_all():
        """In parts, and under KMS, so that reading it takes a while before the first byte is found."""
        new = {"Bucket": bucket, "Key": key}
        new["UploadId"] = s3.create_multipart_upload(**new, Tagging="for=all", ServerSideEncryption="aws:kms")["UploadId"]
        tag = s3.upload_part(**new, PartNumber=1, Body=b"all")["ETag"]
        s3.complete_multipart_upload(**new, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})

    def read():
        client = server.client("s3", reader, plain=True)
        while not stop.is_set():
            try:
                data = client.get_object(Bucket=bucket, Key=key)["Body"].read(3)
                seen["let in"] += 1
                if data != b"all":
                    leaked.append(data)
            except ClientError as e:
                seen[code(e)[0]] += 1
    put_for_all()
    threads = [threading.Thread(target=t) for t in (write, read, read, read)]
    for t in threads:
        t.start()
    try:
        eventually(lambda: leaked or min(seen["let in"], seen["AccessDenied"]) >= 20)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not leaked and set(seen) == {"let in", "AccessDenied"}


def test_only_what_has_the_tag_is_tagged_anew_however_quickly_it_changes(server, s3, bucket):
    key, stop, taken, seen = "retagged", threading.Event(), [], collections.Counter()
    mine = {"StringEquals": {"s3:ExistingObjectTag/for": "all"}}
    tagger = server.user(allow("s3:PutObjectTagging", f"arn:aws:s3:::{bucket}/{key}", Condition=mine))

    def tag():
        client = server.client("s3", tagger, plain=True)
        while not stop.is_set():
            try:
                client.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": [{"Key": "for", "Value": "all"}]})
                seen["let in"] += 1
            except ClientError as e:
                seen[code(e)[0]] += 1
    threads = [threading.Thread(target=tag) for _ in range(4)]
    s3.put_object(Bucket=bucket, Key=key, Body=b"x", Tagging="for=all")
    for t in threads:
        t.start()

    def turn():
        for tag in ("all", "few"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x", Tagging=f"for={tag}")
        taken.append(s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"][0]["Value"])
        return len(taken) >= 50 and min(seen["let in"], seen["AccessDenied"]) >= 20
    try:
        eventually(turn)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert set(taken) == {"few"} and set(seen) == {"let in", "AccessDenied"}
