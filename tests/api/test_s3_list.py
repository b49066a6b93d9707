"""Listing keys: order, prefixes, delimiters, pages, encodings, both versions; against a model of what S3 does."""
import random
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import code
from s3raw import send

KEYS = sorted(["a", "a/", "a/b", "a/b/c", "a/b/d", "a/c", "a0", "b", "b//", "b//c", "c d", "c+d", "d/e/f/g", "ä", "ä/x", "z\U0001f600", "~", "é/%2F",
               "x/../y", "x/./y", "/lead", "//lead", "q?r=s&t", "l<t>&'\"", "."], key=lambda k: k.encode())


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3", plain=True)


@pytest.fixture(scope="module")
def bucket(s3):
    name = "list-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    for key in KEYS:
        s3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def rolled(prefix, delimiter, after=""):
    """Keys and common prefixes in the order in which they come."""
    out = []
    for key in KEYS:
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        name = (key[:at + len(delimiter)], True) if at >= 0 else (key, False)
        if name not in out:
            out.append(name)
    return out


def page(reply):
    return [(o["Key"], False) for o in reply.get("Contents", [])] + [(p["Prefix"], True) for p in reply.get("CommonPrefixes", [])]


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", "a/b/", "b/", "none", "ä", "x/", "d/e"])
@pytest.mark.parametrize("delimiter", ["", "/", "b", "//", "/b", "ä"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_all_pages_together_are_everything_once(s3, bucket, prefix, delimiter, size):
    want = rolled(prefix, delimiter)
    arguments = dict(Bucket=bucket, Prefix=prefix, MaxKeys=size, **({"Delimiter": delimiter} if delimiter else {}))
    got, token = [], {}
    while True:
        reply = s3.list_objects_v2(**arguments, **token)
        names = page(reply)
        assert len(names) == reply["KeyCount"] <= size
        got += sorted(names, key=lambda n: n[0].encode())
        if not reply["IsTruncated"]:
            break
        token = {"ContinuationToken": reply["NextContinuationToken"]}
    assert got == want
    got, marker = [], {}
    while True:
        reply = s3.list_objects(**arguments, **marker)
        names = sorted(page(reply), key=lambda n: n[0].encode())
        got += names
        if not reply["IsTruncated"]:
            break
        marker = {"Marker": reply.get("NextMarker", names[-1][0])}
        assert ("NextMarker" in reply) == bool(delimiter)
    assert got == want


def test_start_after_any_place(s3, bucket):
    for after in [*KEYS, "0", "a/a", "zzz", "~~"]:
        got = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, StartAfter=after).get("Contents", [])]
        assert got == [k for k in KEYS if k.encode() > after.encode()]


def test_what_a_page_says_of_an_object(s3, bucket):
    reply = s3.list_objects_v2(Bucket=bucket, Prefix="a/b/c", FetchOwner=True)
    entry = reply["Contents"][0]
    assert entry["Size"] == 5 and entry["StorageClass"] == "STANDARD" and len(entry["Owner"]["ID"]) == 64
    head = s3.head_object(Bucket=bucket, Key="a/b/c")
    assert entry["ETag"] == head["ETag"] and entry["LastModified"] == head["LastModified"]
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket, Prefix="a/b/c")["Contents"][0]
    assert (reply["Name"], reply["Prefix"], reply["MaxKeys"], reply["KeyCount"]) == (bucket, "a/b/c", 1000, 1)


def test_no_keys_asked_for_none_given(s3, bucket):
    reply = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert reply["KeyCount"] == 0 and not reply["IsTruncated"] and "Contents" not in reply
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)["MaxKeys"] == 1000


def test_raw_xml_is_escaped_or_encoded(server, bucket):
    reply = send(server, "GET", f"/{bucket}?list-type=2&prefix=l")
    assert b"<Key>l&lt;t&gt;&amp;" in reply.body and b"EncodingType" not in reply.body
    reply = send(server, "GET", f"/{bucket}?list-type=2&prefix=l&encoding-type=url")
    assert b"<Key>l%3Ct%3E%26%27%22</Key>" in reply.body and b"<EncodingType>url</EncodingType>" in reply.body


@pytest.mark.parametrize("query, want", [
    ("max-keys=-1", "InvalidArgument"), ("max-keys=x", "InvalidArgument"), ("max-keys=99999999999", "InvalidArgument"),
    ("continuation-token=%21%21", "InvalidArgument"), ("continuation-token=", None), ("encoding-type=base64", "InvalidArgument"),
    ("list-type=3", None),
])
def test_wrong_questions(server, bucket, query, want):
    reply = send(server, "GET", f"/{bucket}?list-type=2&{query}" if "list-type" not in query else f"/{bucket}?{query}")
    assert (reply.status, reply.code) == ((400, want) if want else (reply.status, reply.code))


def test_many_keys_under_one_prefix_are_one_step(s3, server):
    name = "steps-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    rng = random.Random(3)
    keys = sorted({f"{rng.choice('abc')}/{rng.randrange(10**6)}" for _ in range(300)})
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"")
    reply = s3.list_objects_v2(Bucket=name, Delimiter="/")
    assert [p["Prefix"] for p in reply["CommonPrefixes"]] == ["a/", "b/", "c/"] and reply["KeyCount"] == 3
    got = [o["Key"] for p in s3.get_paginator("list_objects_v2").paginate(Bucket=name, PaginationConfig={"PageSize": 7}) for o in p["Contents"]]
    assert got == keys


def test_of_no_bucket(s3):
    with pytest.raises(ClientError) as error:
        s3.list_objects_v2(Bucket="no-such-bucket-at-all")
    assert code(error) == ("NoSuchBucket", 404)
