"""What stock tools ask of S3 besides storing: settings that were never made, ACLs, versions; and headers as they write them."""
import uuid

import botocore.exceptions
import pytest

from conftest import allow, code, deny
from s3raw import refused, send

NS = b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.fixture(scope="module")
def s3(server):
    return server.client("s3")


@pytest.fixture
def bucket(s3):
    name = "compat-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name)
    return name


def last_event(server, name, find):
    for event in server.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]:
        if find in event["CloudTrailEvent"]:
            return event
    return None


# ---- settings that were never made --------------------------------------------------------------------------

@pytest.mark.parametrize("sub, root, inside", [
    ("versioning", b"VersioningConfiguration", b""), ("accelerate", b"AccelerateConfiguration", b""),
    ("logging", b"BucketLoggingStatus", b""), ("notification", b"NotificationConfiguration", b""),
    ("requestPayment", b"RequestPaymentConfiguration", b"<Payer>BucketOwner</Payer>")])
def test_settings_nobody_made_are_empty_documents(server, bucket, sub, root, inside):
    reply = send(server, "GET", f"/{bucket}?{sub}")
    assert reply.status == 200 and reply.headers["content-type"] == "application/xml"
    assert reply.body.split(b"?>", 1)[1].strip() == b"<" + root + NS + b">" + inside + b"</" + root + b">"


@pytest.mark.parametrize("get, want", [
    ("get_bucket_cors", "NoSuchCORSConfiguration"), ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
    ("get_bucket_replication", "ReplicationConfigurationNotFoundError"), ("get_bucket_website", "NoSuchWebsiteConfiguration"),
    ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError")])
def test_what_there_is_none_of_is_not_found(s3, bucket, get, want):
    assert refused(getattr(s3, get), want, 404, Bucket=bucket)["BucketName"] == bucket
    refused(getattr(s3, get), "NoSuchBucket", 404, Bucket=bucket + "-none")


@pytest.mark.parametrize("get, action, event", [
    ("get_bucket_versioning", "s3:GetBucketVersioning", "GetBucketVersioning"),
    ("get_bucket_accelerate_configuration", "s3:GetAccelerateConfiguration", "GetAccelerateConfiguration"),
    ("get_bucket_request_payment", "s3:GetBucketRequestPayment", "GetBucketRequestPayment"),
    ("get_bucket_logging", "s3:GetBucketLogging", "GetBucketLogging"),
    ("get_bucket_notification_configuration", "s3:GetBucketNotification", "GetBucketNotification"),
    ("get_bucket_cors", "s3:GetBucketCORS", "GetBucketCors"),
    ("get_bucket_lifecycle_configuration", "s3:GetLifecycleConfiguration", "GetBucketLifecycle"),
    ("get_bucket_replication", "s3:GetReplicationConfiguration", "GetBucketReplication"),
    ("get_bucket_website", "s3:GetBucketWebsite", "GetBucketWebsite"),
    ("get_object_lock_configuration", "s3:GetBucketObjectLockConfiguration", "GetBucketObjectLockConfiguration"),
    ("get_bucket_acl", "s3:GetBucketAcl", "GetBucketAcl")])
def test_each_has_its_action_and_its_record(server, bucket, get, action, event):
    few = server.client("s3", server.user(allow("s3:*"), deny(action)))
    one = server.client("s3", server.user(allow(action, f"arn:aws:s3:::{bucket}")))
    assert action in refused(getattr(few, get), "AccessDenied", 403, Bucket=bucket)["Message"]
    try:
        getattr(one, get)(Bucket=bucket)
    except botocore.exceptions.ClientError as e:
        assert code(e)[1] == 404
    assert last_event(server, event, bucket)


# ---- access control lists ------------------------------------------------------------------------------------

def test_the_owner_has_full_control(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    owner = s3.list_buckets()["Owner"]["ID"]
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert acl["Owner"]["ID"] == owner
        assert acl["Grants"] == [{"Grantee": {"ID": owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}]
    refused(s3.get_object_acl, "NoSuchKey", 404, Bucket=bucket, Key="none")
    refused(s3.get_object_acl, "InvalidArgument", 400, Bucket=bucket, Key="k", VersionId="no-such")
    assert s3.get_object_acl(Bucket=bucket, Key="k", VersionId="null")["Grants"]


@pytest.mark.parametrize("acl", [dict(ACL="private"), dict(ACL="public-read"), dict(GrantRead="id=abc"), "document"])
def test_where_the_owner_is_enforced_no_acl_can_be_put(s3, bucket, acl):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    if acl == "document":
        acl = {"AccessControlPolicy": {k: v for k, v in s3.get_bucket_acl(Bucket=bucket).items() if k in ("Owner", "Grants")}}
    refused(s3.put_bucket_acl, "AccessControlListNotSupported", 400, Bucket=bucket, **acl)
    refused(s3.put_object_acl, "AccessControlListNotSupported", 400, Bucket=bucket, Key="k", **acl)


def test_where_acls_are_allowed_only_the_one_there_is_can_be_put(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    same = {k: v for k, v in s3.get_bucket_acl(Bucket=bucket).items() if k in ("Owner", "Grants")}
    more = {**same, "Grants": same["Grants"] + [{"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
                                                 "Permission": "READ"}]}
    for put, name in ((s3.put_bucket_acl, {}), (s3.put_object_acl, {"Key": "k"})):
        put(Bucket=bucket, ACL="private", **name)
        put(Bucket=bucket, AccessControlPolicy=same, **name)
        refused(put, "NotImplemented", 501, Bucket=bucket, ACL="public-read", **name)
        refused(put, "NotImplemented", 501, Bucket=bucket, GrantRead="id=abc", **name)
        refused(put, "NotImplemented", 501, Bucket=bucket, AccessControlPolicy=more, **name)
    refused(s3.put_object_acl, "NoSuchKey", 404, Bucket=bucket, Key="none", ACL="private")


def test_acls_of_objects_are_authorized_by_key_version_and_tag(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="red", Body=b"", Tagging="c=red")
    s3.put_object(Bucket=bucket, Key="blue", Body=b"", Tagging="c=blue")
    red = server.client("s3", server.user(
        allow(["s3:GetObjectAcl", "s3:PutObjectAcl"], f"arn:aws:s3:::{bucket}/*", Condition={"StringEquals": {"s3:ExistingObjectTag/c": "red"}}),
        deny("s3:PutObjectAcl", Condition={"StringEquals": {"s3:x-amz-acl": "public-read"}})))
    red.get_object_acl(Bucket=bucket, Key="red")
    refused(red.get_object_acl, "AccessDenied", 403, Bucket=bucket, Key="blue")
    said = refused(red.get_object_acl, "AccessDenied", 403, Bucket=bucket, Key="red", VersionId="null")
    assert "s3:GetObjectVersionAcl" in said["Message"]
    refused(red.put_object_acl, "AccessControlListNotSupported", 400, Bucket=bucket, Key="red", ACL="private")
    assert "explicit deny" in refused(red.put_object_acl, "AccessDenied", 403, Bucket=bucket, Key="red", ACL="public-read")["Message"]
    refused(red.put_object_acl, "AccessDenied", 403, Bucket=bucket, Key="blue", ACL="private")
    refused(red.put_bucket_acl, "AccessDenied", 403, Bucket=bucket, ACL="private")


# ---- versions --------------------------------------------------------------------------------------------------

def test_every_object_has_the_null_version(s3, bucket):
    keys = sorted(f"{d}/{i} ü" for d in "abc" for i in range(3))
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}))
    versions = [v for page in pages for v in page["Versions"]]
    assert [v["Key"] for v in versions] == keys and len(pages) == 5
    assert all((v["VersionId"], v["IsLatest"], v["Size"], v["StorageClass"]) == ("null", True, 1, "STANDARD") for v in versions)
    assert pages[0]["NextVersionIdMarker"] == "null" and pages[0]["NextKeyMarker"] == keys[1]
    assert s3.get_object(Bucket=bucket, Key=keys[0], VersionId=versions[0]["VersionId"])["ETag"] == versions[0]["ETag"]


def test_versions_roll_up_and_go_on(s3, bucket):
    for key in ("a/1", "a/2", "b", "c/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    first = s3.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=1)
    assert first["CommonPrefixes"] == [{"Prefix": "a/"}] and first["IsTruncated"] and first["NextKeyMarker"] == "a/"
    assert "Versions" not in first and "NextVersionIdMarker" not in first
    rest = s3.list_object_versions(Bucket=bucket, Delimiter="/", KeyMarker="a/")
    assert [v["Key"] for v in rest["Versions"]] == ["b"] and rest["CommonPrefixes"] == [{"Prefix": "c/"}]
    assert [v["Key"] for v in s3.list_object_versions(Bucket=bucket, Prefix="a/", KeyMarker="a/1", VersionIdMarker="null")["Versions"]] == ["a/2"]
    refused(s3.list_object_versions, "InvalidArgument", 400, Bucket=bucket, VersionIdMarker="null")
    refused(s3.list_object_versions, "InvalidArgument", 400, Bucket=bucket, KeyMarker="a", VersionIdMarker="x")


def test_versions_are_deleted_by_their_name(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": v["Key"], "VersionId": v["VersionId"]}
                                                         for v in s3.list_object_versions(Bucket=bucket)["Versions"]]})
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_listing_versions_is_an_action_of_its_own(server, s3, bucket):
    lister = server.client("s3", server.user(allow("s3:ListBucket")))
    assert "s3:ListBucketVersions" in refused(lister.list_object_versions, "AccessDenied", 403, Bucket=bucket)["Message"]
    some = server.client("s3", server.user(allow("s3:ListBucketVersions", Condition={"StringEquals": {"s3:prefix": "a/"}})))
    some.list_object_versions(Bucket=bucket, Prefix="a/")
    refused(some.list_object_versions, "AccessDenied", 403, Bucket=bucket)


# ---- headers as tools write them ---------------------------------------------------------------------------------

def test_an_empty_header_is_none(server, bucket):
    """fsspec's s3fs sends x-amz-acl without a value unless it is told one."""
    assert send(server, "PUT", f"/{bucket}/k", body=b"x", headers={"x-amz-acl": ""}).status == 200
    assert send(server, "PUT", f"/{bucket}/k", body=b"x", headers={"x-amz-acl": "nonsense"}).code == "InvalidArgument"


@pytest.mark.parametrize("mode", ["ENABLED", "enabled"])
def test_the_checksum_mode_may_be_in_small_letters(server, bucket, mode):
    """As the AWS SDK for C++ has it, and pyarrow with it."""
    send(server, "PUT", f"/{bucket}/k", body=b"x")
    for method in ("GET", "HEAD"):
        reply = send(server, method, f"/{bucket}/k", headers={"x-amz-checksum-mode": mode})
        assert reply.status == 200 and reply.headers["x-amz-checksum-crc64nvme"]
    assert "x-amz-checksum-crc64nvme" not in send(server, "GET", f"/{bucket}/k").headers
