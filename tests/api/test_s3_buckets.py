"""Buckets: making, naming, listing and deleting them; their policy, encryption, blocks, owners and tags."""
import json
import urllib.parse
import uuid

import pytest

from conftest import allow, deny, eventually, policy
from s3raw import anonymous, refused, send


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3", plain=True)


@pytest.fixture
def bucket(s3):
    name = "b-" + uuid.uuid4().hex[:16]
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def other(server):
    """The root of another account."""
    return server.new_account("444455556666")


# ---- making and deleting ------------------------------------------------------------------

def test_a_name_belongs_to_one_account(server, s3, bucket, other):
    s3.create_bucket(Bucket=bucket)                                # again, by its owner, in us-east-1
    foreign = server.client("s3", other, plain=True)
    assert refused(foreign.create_bucket, "BucketAlreadyExists", 409, Bucket=bucket)["BucketName"] == bucket
    assert bucket not in [b["Name"] for b in foreign.list_buckets()["Buckets"]]


@pytest.mark.parametrize("name", ["ab", "Upper", "under_score", "192.168.5.4", "a..b", "xn--x", "b-s3alias", "-abc", "abc-"])
def test_names_against_the_rules(server, name):
    reply = send(server, "PUT", "/" + name)
    assert (reply.status, reply.code) == (400, "InvalidBucketName")


def test_regions(server, s3):
    west = server.client("s3", plain=True, region="eu-west-1")
    name = "west-" + uuid.uuid4().hex[:12]
    refused(west.create_bucket, "IllegalLocationConstraintException", 400, Bucket=name)
    refused(west.create_bucket, "IllegalLocationConstraintException", 400, Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    refused(s3.create_bucket, "InvalidLocationConstraint", 400, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-east-1"})
    west.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    refused(west.create_bucket, "BucketAlreadyOwnedByYou", 409, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    west.put_object(Bucket=name, Key="k", Body=b"x")
    reply = send(server, "GET", f"/{name}/k")
    assert (reply.status, reply.code, reply.field("Region")) == (400, "AuthorizationHeaderMalformed", "eu-west-1")
    reply = send(server, "HEAD", f"/{name}")
    assert (reply.status, reply.headers["x-amz-bucket-region"]) == (400, "eu-west-1")
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert west.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"


def test_only_empty_buckets_go(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused(s3.delete_bucket, "BucketNotEmpty", 409, Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k2", Body=b"still open")
    for key in ("k", "k2"):
        s3.delete_object(Bucket=bucket, Key=key)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    refused(s3.delete_bucket, "BucketNotEmpty", 409, Bucket=bucket)
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert s3.delete_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    for call in (s3.delete_bucket, s3.list_objects_v2, s3.get_bucket_policy):
        assert refused(call, "NoSuchBucket", 404, Bucket=bucket)["BucketName"] == bucket
    s3.create_bucket(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_listing_buckets_by_pages(server, other):
    names = sorted("page-" + uuid.uuid4().hex[:12] for _ in range(5))
    for name in names:
        server.client("s3", other, plain=True).create_bucket(Bucket=name)
    creds = (other["AccessKeyId"], other["SecretAccessKey"], None)
    got, token = [], ""
    while True:
        reply = send(server, "GET", f"/?max-buckets=2&prefix=page-{token}", creds=creds)
        got += [p.split("</Name>")[0] for p in reply.body.decode().split("<Name>")[1:]]
        token = reply.field("ContinuationToken")
        if not token:
            break
        token = "&continuation-token=" + token
    assert got == names
    assert send(server, "GET", "/?continuation-token=%21", creds=creds).status == 400


def test_deleted_buckets_are_gone_after_a_restart(fresh):
    s3 = fresh.client("s3", plain=True)
    s3.create_bucket(Bucket="gone-soon")
    s3.create_bucket(Bucket="stays")
    s3.put_object(Bucket="stays", Key="k", Body=b"x" * 100_000)
    s3.delete_bucket(Bucket="gone-soon")
    fresh.kill()
    s3 = fresh.start().client("s3", plain=True)
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["stays"]
    assert s3.get_object(Bucket="stays", Key="k")["Body"].read() == b"x" * 100_000


def test_files_of_replaced_and_failed_uploads_do_not_stay(fresh):
    def blobs(wanted):
        """They go after the answer has gone out."""
        return eventually(lambda: sum(1 for f in (fresh.data / "blobs").rglob("*") if f.is_file() and f.name != "start") == wanted)
    s3 = fresh.client("s3", plain=True)
    s3.create_bucket(Bucket="litter")
    for _ in range(3):
        s3.put_object(Bucket="litter", Key="k", Body=b"x" * 100_000)
    assert blobs(1)
    assert send(fresh, "PUT", "/litter/k", body=b"y" * 100_000, headers={"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}).status == 400
    assert send(fresh, "PUT", "/litter/k", body=b"y" * 100_000, headers={"If-None-Match": "*"}).status == 412
    assert blobs(1)
    upload = s3.create_multipart_upload(Bucket="litter", Key="m")["UploadId"]
    for _ in range(2):
        s3.upload_part(Bucket="litter", Key="m", UploadId=upload, PartNumber=1, Body=b"p" * 100_000)
    assert blobs(2)
    s3.abort_multipart_upload(Bucket="litter", Key="m", UploadId=upload)
    s3.delete_object(Bucket="litter", Key="k")
    assert blobs(0)


# ---- policy ---------------------------------------------------------------------------------------

def grant(bucket, who, actions, keys="/*", **more):
    return policy({"Effect": "Allow", "Principal": who, "Action": actions, "Resource": f"arn:aws:s3:::{bucket}{keys}", **more})


def test_a_policy_comes_back_byte_for_byte(s3, bucket, server):
    refused(s3.get_bucket_policy, "NoSuchBucketPolicy", 404, Bucket=bucket)
    text = grant(bucket, {"AWS": f"arn:aws:iam::{server.account}:root"}, "s3:GetObject") + "\n "
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_bucket_policy(Bucket=bucket)
    refused(s3.get_bucket_policy, "NoSuchBucketPolicy", 404, Bucket=bucket)


@pytest.mark.parametrize("text, words", [
    ("", None), ("{", None), ("[]", None), ('{"Version":"2012-10-17"}', None),
    (policy(allow("s3:GetObject", "arn:aws:s3:::BUCKET/*")), None),
    (policy(allow("s3:GetObject", "arn:aws:s3:::elsewhere/*", Principal="*")), "Policy has invalid resource"),
    (policy(allow("s3:GetObject", "arn:aws:s3:::BUCKETmore/*", Principal="*")), "Policy has invalid resource"),
    (policy(allow("s3:GetObject", "*", Principal="*")), "Policy has invalid resource"),
    (policy(allow("iam:GetUser", "arn:aws:s3:::BUCKET/*", Principal="*")), "Policy has invalid action"),
    (policy(allow("s3:GetObject", "arn:aws:s3:::BUCKET/*", Principal="*", Condition={"Nonsense": {"a": "b"}})), None),
])
def test_what_is_no_policy_of_this_bucket_is_refused(server, bucket, text, words):
    reply = send(server, "PUT", f"/{bucket}?policy", body=text.replace("BUCKET", bucket).encode())
    assert reply.status == 400 and reply.code in ("MalformedPolicy", "MissingRequestBodyError"), reply.body
    assert not words or reply.field("Message") == words
    assert send(server, "GET", f"/{bucket}?policy").code == "NoSuchBucketPolicy"


def test_a_policy_names_only_who_is_there(server, s3, bucket):
    arn = f"arn:aws:iam::{server.account}:"
    user = server.user()["UserName"]
    for who in ("user/nobody", "role/nobody", f"role/{user}"):
        error = refused(s3.put_bucket_policy, "MalformedPolicy", 400, Bucket=bucket,
                        Policy=grant(bucket, {"AWS": [arn + "user/" + user, arn + who]}, "s3:GetObject"))
        assert error["Message"] == "Invalid principal in policy" and error["Detail"] == f'"AWS" : "{arn}{who}"'
    refused(s3.get_bucket_policy, "NoSuchBucketPolicy", 404, Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=grant(bucket, {"AWS": [arn + "user/" + user, arn + "root", "999999999999"]}, "s3:GetObject"))


def test_who_is_made_again_is_somebody_else(server, s3, bucket):
    iam = server.client("iam")
    user = server.user()
    name, arn = user["UserName"], f"arn:aws:iam::{server.account}:user/{user['UserName']}"
    def key():
        return iam.create_access_key(UserName=name)["AccessKey"]
    first = key()
    written = grant(bucket, {"AWS": [arn, f"arn:aws:iam::{server.account}:root"]}, "s3:PutObject")
    s3.put_bucket_policy(Bucket=bucket, Policy=written)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == written
    server.client("s3", first, plain=True).put_object(Bucket=bucket, Key="a", Body=b"a")
    identity = iam.get_user(UserName=name)["User"]["UserId"]
    for old in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=old["AccessKeyId"])
    iam.delete_user(UserName=name)
    shown = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert json.dumps(shown).count(identity) == 1 and arn not in json.dumps(shown)
    iam.create_user(UserName=name)
    assert arn not in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    refused(server.client("s3", key(), plain=True).put_object, "AccessDenied", 403, Bucket=bucket, Key="b", Body=b"b")
    s3.put_bucket_policy(Bucket=bucket, Policy=written)          # saved again, it means the one who is there now
    server.client("s3", key(), plain=True).put_object(Bucket=bucket, Key="b", Body=b"b")
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == written


def test_a_policy_has_20_kib(server, s3, bucket):
    root = {"AWS": f"arn:aws:iam::{server.account}:root"}
    def sized(n):
        text = grant(bucket, root, "s3:GetObject")
        return text[:-1] + " " * (n - len(text)) + text[-1]
    s3.put_bucket_policy(Bucket=bucket, Policy=sized(20 * 1024))
    refused(s3.put_bucket_policy, "MalformedPolicy", 400, Bucket=bucket, Policy=sized(20 * 1024 + 1))


def test_nobody_locks_root_out(s3, bucket):
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(deny("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"], Principal="*")))
    refused(s3.list_objects_v2, "AccessDenied", 403, Bucket=bucket)
    assert "explicit deny in a resource-based policy" in refused(s3.put_object, "AccessDenied", 403, Bucket=bucket, Key="k", Body=b"")["Message"]
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")


def test_across_accounts_both_must_allow(server, s3, bucket, other):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    foreign = server.client("s3", other, plain=True)
    refused(foreign.get_object, "AccessDenied", 403, Bucket=bucket, Key="k")
    s3.put_bucket_policy(Bucket=bucket, Policy=grant(bucket, {"AWS": "444455556666"}, ["s3:GetObject", "s3:PutObject"]))
    assert foreign.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    foreign.put_object(Bucket=bucket, Key="theirs", Body=b"y")
    assert s3.get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"y"        # BucketOwnerEnforced
    refused(foreign.delete_object, "AccessDenied", 403, Bucket=bucket, Key="k")
    refused(foreign.put_bucket_policy, "AccessDenied", 403, Bucket=bucket, Policy=grant(bucket, "*", "s3:*"))


def test_public_policies_are_blocked_until_the_block_is_lifted(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"for all")
    text = grant(bucket, "*", "s3:GetObject")
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == dict.fromkeys(
        ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True)
    refused(s3.put_bucket_policy, "AccessDenied", 403, Bucket=bucket, Policy=text)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": False, "RestrictPublicBuckets": True})
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    assert anonymous(server, "GET", f"/{bucket}/k").status == 403
    s3.delete_public_access_block(Bucket=bucket)
    refused(s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration", 404, Bucket=bucket)
    reply = anonymous(server, "GET", f"/{bucket}/k")
    assert (reply.status, reply.body) == (200, b"for all")
    reply = anonymous(server, "GET", f"/{bucket}/k?response-content-type=a/b")
    assert (reply.status, reply.code) == (400, "InvalidRequest")
    assert anonymous(server, "GET", f"/{bucket}/missing").status == 403
    assert anonymous(server, "PUT", f"/{bucket}/k", body=b"x").status == 403
    assert anonymous(server, "GET", "/").status == 403


def test_conditions_of_s3(server, s3, bucket):
    arn = f"arn:aws:s3:::{bucket}"
    for key in ("home/a", "away/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    user = server.user(
        allow("s3:ListBucket", arn, Condition={"StringEquals": {"s3:prefix": "home/"}, "NumericLessThanEquals": {"s3:max-keys": "10"}}),
        allow("s3:PutObject", arn + "/*", Condition={"StringEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}}),
        allow("s3:GetObject", arn + "/*", Condition={"StringEquals": {"s3:authType": "REST-HEADER", "s3:ResourceAccount": server.account,
                                                                       "s3:signatureversion": "AWS4-HMAC-SHA256"}}))
    who = server.client("s3", user, plain=True)
    assert who.list_objects_v2(Bucket=bucket, Prefix="home/", MaxKeys=10)["KeyCount"] == 1
    for wrong in (dict(MaxKeys=10), dict(Prefix="away/", MaxKeys=10), dict(Prefix="home/", MaxKeys=11), dict(Prefix="home/")):
        refused(who.list_objects_v2, "AccessDenied", 403, Bucket=bucket, **wrong)
    who.put_object(Bucket=bucket, Key="k", Body=b"", StorageClass="STANDARD_IA")
    refused(who.put_object, "AccessDenied", 403, Bucket=bucket, Key="k", Body=b"")
    assert who.get_object(Bucket=bucket, Key="home/a")["Body"].read() == b"x"
    for creds, want in ((user, 403), (None, 200)):
        signer = server.client("s3", creds, plain=True, signature_version="s3v4")
        url = urllib.parse.urlsplit(signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "home/a"}))
        assert anonymous(server, "GET", f"{url.path}?{url.query}").status == want


def test_plain_transport_can_be_refused(server, s3, bucket):
    arn = f"arn:aws:s3:::{bucket}"
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(deny("s3:*", [arn, arn + "/*"], Principal="*",
                                                           Condition={"Bool": {"aws:SecureTransport": "false"}})))
    refused(s3.put_object, "AccessDenied", 403, Bucket=bucket, Key="k", Body=b"")
    tls = server.client("s3")
    tls.put_object(Bucket=bucket, Key="k", Body=b"x")
    tls.put_bucket_policy(Bucket=bucket, Policy=policy(deny("s3:GetObject", arn + "/*", Principal="*",
                                                            Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}})))
    assert tls.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


# ---- the other settings -------------------------------------------------------------------------------

def test_default_encryption(s3, bucket):
    def rules():
        return s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    plain = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
    assert rules() == plain
    kms = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/x"}, "BucketKeyEnabled": True}]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": kms})
    assert rules() == kms
    refused(s3.put_object, "KMS.NotFoundException", 400, Bucket=bucket, Key="k", Body=b"")
    s3.delete_bucket_encryption(Bucket=bucket)
    assert rules() == plain
    for bad in ([], kms + kms, [{"BucketKeyEnabled": True}], [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}}]):
        refused(s3.put_bucket_encryption, "MalformedXML", 400, Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": bad})
    refused(s3.put_bucket_encryption, "InvalidArgument", 400, Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "x"}}]})


def test_ownership(s3, bucket):
    def owner():
        return s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
    assert owner() == "BucketOwnerEnforced"
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    assert owner() == "ObjectWriter"
    refused(s3.put_object, "NotImplemented", 501, Bucket=bucket, Key="k", Body=b"", ACL="public-read")
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    refused(s3.get_bucket_ownership_controls, "OwnershipControlsNotFoundError", 404, Bucket=bucket)
    refused(s3.create_bucket, "InvalidBucketAclWithObjectOwnership", 400, Bucket=bucket + "x", ACL="public-read")


def test_tags(s3, bucket):
    refused(s3.get_bucket_tagging, "NoSuchTagSet", 404, Bucket=bucket)
    tags = [{"Key": f"k{i}", "Value": str(i)} for i in range(50)]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    refused(s3.put_bucket_tagging, "BadRequest", 400, Bucket=bucket, Tagging={"TagSet": tags + [{"Key": "one", "Value": "more"}]})
    s3.delete_bucket_tagging(Bucket=bucket)
    refused(s3.get_bucket_tagging, "NoSuchTagSet", 404, Bucket=bucket)


@pytest.mark.parametrize("method, sub", [("PUT", "versioning"), ("PUT", "lifecycle"), ("PUT", "cors"), ("PUT", "replication"),
                                         ("PUT", "website"), ("PUT", "notification"), ("PUT", "logging"), ("PUT", "object-lock"),
                                         ("PUT", "accelerate"), ("PUT", "requestPayment"), ("GET", "inventory"), ("GET", "analytics")])
def test_what_is_not_built_says_so(server, bucket, method, sub):
    reply = send(server, method, f"/{bucket}?{sub}", body=b"<x/>" if method == "PUT" else b"")
    assert (reply.status, reply.code) == (501, "NotImplemented")


# ---- addressing ------------------------------------------------------------------------------------------

def test_virtual_hosts(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="dir/k", Body=b"x")
    for host in (f"{bucket}.s3.test", f"{bucket}.s3.us-east-1.s3.test", f"{bucket.upper()}.S3.TEST"):
        reply = send(server, "GET", "/dir/k", host=host)
        assert (reply.status, reply.body) == (200, b"x"), host
    assert send(server, "PUT", "/new", body=b"y", host=f"{bucket}.s3.test").status == 200
    assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"y"
    assert b"<Name>" in send(server, "GET", "/?list-type=2", host=f"{bucket}.s3.test").body
    assert send(server, "GET", f"/{bucket}/new", host="s3.test").body == b"y"


# ---- the trail ---------------------------------------------------------------------------------------------

def test_calls_are_in_the_trail_with_their_arns(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="traced", Body=b"x")
    refused(s3.get_object, "NoSuchKey", 404, Bucket=bucket, Key="untraced")
    trail = server.client("cloudtrail")
    events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": bucket}])["Events"]
    assert {"CreateBucket", "PutObject", "GetObject"} <= {e["EventName"] for e in events}
    event = json.loads(next(e for e in events if e["EventName"] == "GetObject")["CloudTrailEvent"])
    assert event["errorCode"] == "NoSuchKey" and event["eventSource"] == "s3.amazonaws.com"
    assert {r["ARN"] for r in event["resources"]} == {f"arn:aws:s3:::{bucket}/untraced", f"arn:aws:s3:::{bucket}"}
