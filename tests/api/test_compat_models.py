"""Every answer held against botocore's own model, more strictly than its parser does: no element or member that the model
does not know, none missing that it requires, numbers, booleans, dates and enums in the form it states."""
import base64
import json
import re
import xml.etree.ElementTree as xml

import pytest

from conftest import allow, policy

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$")
HTTP_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$")
# What AWS answers and this botocore does not know yet; tools/modelcheck.allow has the reasons.
NEWER = {"ChecksumCRC64NVME", "ChecksumType", "BucketRegion", "x-amz-checksum-crc64nvme", "x-amz-checksum-type", "x-amz-bucket-region",
         "CurrentKeyMaterialId", "KeyMaterialId", "PolicyName"}
NEWER_VALUES = {"CRC64NVME"}


class Checker:
    """Hangs on clients; collects what is wrong and which operations were seen."""

    def __init__(self):
        self.wrong, self.seen = [], set()

    def watch(self, client):
        client.meta.events.register("response-received", lambda response_dict, context, **kw: self.check(client, response_dict))
        client.meta.events.register("before-call", lambda model, **kw: setattr(self, "op", model))
        return client

    def bad(self, path, text):
        self.wrong.append(f"{path}: {text}")

    def check(self, client, response):
        if response is None or response["status_code"] >= 300:
            return
        op = self.op
        self.seen.add(op.service_model.service_name + ":" + op.name)
        {"json": self.check_json, "query": self.check_query, "rest-xml": self.check_rest}[op.service_model.protocol](op, response)

    # -- JSON

    def check_json(self, op, response):
        if op.output_shape is not None and response["body"]:
            self.json(op.name, op.output_shape, json.loads(response["body"]))
        elif op.output_shape is None and response["body"] not in (b"", b"{}"):
            self.bad(op.name, f"a body: {response['body']!r}")

    def json(self, path, shape, value):
        kind = shape.type_name
        if kind == "structure":
            self.members(path, shape, set(value))
            for name, v in value.items():
                if name in shape.members:
                    self.json(f"{path}.{name}", shape.members[name], v)
        elif kind == "list":
            for v in value:
                self.json(path + "[]", shape.member, v)
        elif kind == "map":
            for v in value.values():
                self.json(path + "{}", shape.value, v)
        else:
            want = {"string": str, "blob": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "double": (int, float),
                    "timestamp": (int, float)}[kind]
            if not isinstance(value, want) or isinstance(value, bool) != (kind == "boolean"):
                self.bad(path, f"{value!r} is no {kind}")
            elif kind == "blob":
                base64.b64decode(value, validate=True)
            elif kind == "string":
                self.enum(path, shape, value)

    def members(self, path, shape, names):
        for name in names - set(shape.members) - NEWER:
            self.bad(path, f"{name} is not in the model")
        for name in set(shape.required_members) - names:
            self.bad(path, f"{name} is required")

    def enum(self, path, shape, value):
        if getattr(shape, "enum", None) and value not in shape.enum and value not in NEWER_VALUES:
            self.bad(path, f"{value!r} is none of {shape.enum}")

    # -- XML

    def check_query(self, op, response):
        root = xml.fromstring(response["body"])
        ns = "{" + op.metadata["xmlNamespace"] + "}"
        names = [c.tag for c in root]
        if root.tag != ns + op.name + "Response":
            self.bad(op.name, f"root {root.tag}")
        if op.output_shape is None:
            if names != [ns + "ResponseMetadata"]:
                self.bad(op.name, f"children {names}")
            return
        wrapper = op.output_shape.serialization["resultWrapper"]  # there even when it is empty
        if names != [ns + wrapper, ns + "ResponseMetadata"]:
            self.bad(op.name, f"children {names}")
        self.struct(op.name, op.output_shape, root.find(ns + wrapper), ns)

    def check_rest(self, op, response):
        shape, headers = op.output_shape, response["headers"]
        for header in ("x-amz-request-id", "x-amz-id-2", "Date", "Server"):
            if not headers.get(header):
                self.bad(op.name, f"no {header}")
        if shape is None:
            return
        self.check_headers(op, shape, headers)
        payload = shape.serialization.get("payload")
        body = {n: m for n, m in shape.members.items() if not m.serialization.get("location")}
        if payload and shape.members[payload].type_name != "structure":
            return
        if payload:
            shape = shape.members[payload]
        elif not body:
            if response["body"] and op.name != "GetBucketLocation":
                self.bad(op.name, f"a body: {response['body']!r}")
            return
        if headers.get("Content-Type") != "application/xml":
            self.bad(op.name, f"Content-Type {headers.get('Content-Type')}")
        if op.name == "GetBucketLocation":
            return
        root = xml.fromstring(response["body"])
        self.struct(op.name, shape, root, "{http://s3.amazonaws.com/doc/2006-03-01/}")

    def check_headers(self, op, shape, headers):
        known = {m.serialization.get("name", n).lower(): (n, m) for n, m in shape.members.items() if m.serialization.get("location") == "header"}
        for name, value in headers.items():
            if name.lower() in known:
                member, s = known[name.lower()]
                self.scalar(f"{op.name}.{member}", s, value, s.serialization.get("timestampFormat", "rfc822"))
            elif name.lower().startswith("x-amz-") and not name.lower().startswith("x-amz-meta-"):
                if name.lower() not in ("x-amz-request-id", "x-amz-id-2") and name.lower() not in NEWER:
                    self.bad(op.name, f"header {name} is not in the model")

    def struct(self, path, shape, element, ns):
        names = {}
        for n, m in shape.members.items():
            s = m.serialization
            if s.get("location"):
                continue
            flat = m.type_name == "list" and s.get("flattened")
            wire = (flat and not s.get("name") and m.member.serialization.get("name")) or s.get("name", n)
            names[wire] = (n, m, flat)
        children = {c.tag.removeprefix(ns) for c in element}
        attributes = {n for n, (_, m, _) in names.items() if m.serialization.get("xmlAttribute")}
        for tag in children - set(names) - NEWER:
            self.bad(path, f"element {tag} is not in the model")
        for wire, (n, m, flat) in names.items():
            found = element.findall(ns + wire)
            if wire not in attributes and not found and n in shape.required_members and m.type_name != "list":
                self.bad(path, f"{n} is required")
            if len(found) > 1 and not flat:
                self.bad(path, f"{len(found)} times {wire}")
            for f in found:
                self.element(f"{path}.{n}", m.member if flat else m, f, ns)

    def element(self, path, shape, element, ns):
        kind = shape.type_name
        if kind == "structure":
            self.struct(path, shape, element, ns)
        elif kind == "list":
            item = shape.member.serialization.get("name", "member")
            for c in element:
                if c.tag != ns + item:
                    self.bad(path, f"item {c.tag}")
                self.element(path + "[]", shape.member, c, ns)
        elif kind == "map":
            for c in element:
                if c.tag != ns + "entry":
                    self.bad(path, f"entry {c.tag}")
        else:
            self.scalar(path, shape, element.text or "", shape.serialization.get("timestampFormat", "iso8601"))

    def scalar(self, path, shape, text, time):
        kind = shape.type_name
        fits = {"boolean": lambda: text in ("true", "false"), "integer": lambda: re.fullmatch(r"-?\d+", text),
                "long": lambda: re.fullmatch(r"-?\d+", text),
                "timestamp": lambda: (HTTP_DATE if time == "rfc822" else ISO).match(text)}.get(kind, lambda: True)
        if not fits():
            self.bad(path, f"{text!r} is no {kind}")
        self.enum(path, shape, text)


@pytest.fixture
def checker():
    made = Checker()
    yield made
    assert not made.wrong, "\n".join(made.wrong)
    assert made.seen


def test_s3(server, checker):
    s3 = checker.watch(server.client("s3"))
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    b = "compat-models"
    s3.create_bucket(Bucket=b)
    s3.list_buckets(), s3.head_bucket(Bucket=b), s3.get_bucket_location(Bucket=b)
    for get in ("versioning", "accelerate_configuration", "request_payment", "logging", "notification_configuration", "acl", "encryption",
                "ownership_controls"):
        getattr(s3, "get_bucket_" + get)(Bucket=b)
    s3.get_public_access_block(Bucket=b)
    s3.put_bucket_tagging(Bucket=b, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.get_bucket_tagging(Bucket=b)
    s3.put_bucket_policy(Bucket=b, Policy=policy(allow("s3:GetObject", f"arn:aws:s3:::{b}/*", Principal={"AWS": server.account})))
    s3.get_bucket_policy(Bucket=b), s3.get_bucket_policy_status(Bucket=b)
    s3.put_object(Bucket=b, Key="a/ü &<>", Body=b"abc", Metadata={"m": "1"}, Tagging="a=b", ContentType="text/plain", CacheControl="no-store")
    s3.put_object(Bucket=b, Key="kms", Body=b"abc", ServerSideEncryption="aws:kms", SSEKMSKeyId=key, ChecksumAlgorithm="SHA256")
    s3.head_object(Bucket=b, Key="kms", ChecksumMode="ENABLED"), s3.get_object(Bucket=b, Key="kms", Range="bytes=1-")
    s3.get_object_acl(Bucket=b, Key="kms"), s3.get_object_tagging(Bucket=b, Key="a/ü &<>")
    s3.put_object_tagging(Bucket=b, Key="kms", Tagging={"TagSet": []})
    s3.get_object_attributes(Bucket=b, Key="kms", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"])
    s3.copy_object(Bucket=b, Key="copy", CopySource={"Bucket": b, "Key": "kms"})
    up = s3.create_multipart_upload(Bucket=b, Key="mp", ChecksumAlgorithm="SHA256")["UploadId"]
    part = s3.upload_part(Bucket=b, Key="mp", UploadId=up, PartNumber=1, Body=b"x" * (5 << 20), ChecksumAlgorithm="SHA256")
    s3.list_parts(Bucket=b, Key="mp", UploadId=up), s3.list_multipart_uploads(Bucket=b)
    s3.complete_multipart_upload(Bucket=b, Key="mp", UploadId=up, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]})
    s3.get_object_attributes(Bucket=b, Key="mp", ObjectAttributes=["ObjectParts", "Checksum"])
    up = s3.create_multipart_upload(Bucket=b, Key="gone")["UploadId"]
    s3.upload_part_copy(Bucket=b, Key="gone", UploadId=up, PartNumber=1, CopySource={"Bucket": b, "Key": "mp"})
    s3.abort_multipart_upload(Bucket=b, Key="gone", UploadId=up)
    s3.list_objects(Bucket=b, MaxKeys=1), s3.list_objects(Bucket=b, Delimiter="/", MaxKeys=1)
    s3.list_objects_v2(Bucket=b, FetchOwner=True), s3.list_objects_v2(Bucket=b, Delimiter="/", MaxKeys=1)
    s3.list_object_versions(Bucket=b), s3.list_object_versions(Bucket=b, Delimiter="/", MaxKeys=1)
    s3.delete_object(Bucket=b, Key="copy"), s3.delete_object_tagging(Bucket=b, Key="kms")
    s3.delete_objects(Bucket=b, Delete={"Objects": [{"Key": k} for k in ("a/ü &<>", "kms", "mp")]})
    s3.delete_bucket_policy(Bucket=b), s3.delete_bucket_tagging(Bucket=b), s3.delete_bucket(Bucket=b)


def test_kms(server, checker):
    kms = checker.watch(server.client("kms"))
    made = kms.create_key(Description="d", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]
    key = made["KeyId"]
    kms.create_alias(AliasName="alias/compat-models", TargetKeyId=key)
    kms.update_alias(AliasName="alias/compat-models", TargetKeyId=key)
    kms.describe_key(KeyId="alias/compat-models"), kms.list_keys(), kms.list_aliases(), kms.list_aliases(KeyId=key)
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})
    kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"a": "b"})
    kms.generate_data_key(KeyId=key, KeySpec="AES_256"), kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=64)
    kms.generate_random(NumberOfBytes=8)
    kms.get_key_policy(KeyId=key, PolicyName="default"), kms.list_key_policies(KeyId=key)
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "c", "TagValue": "d"}]), kms.list_resource_tags(KeyId=key)
    kms.untag_resource(KeyId=key, TagKeys=["c"]), kms.update_key_description(KeyId=key, Description="e")
    kms.disable_key(KeyId=key), kms.enable_key(KeyId=key), kms.delete_alias(AliasName="alias/compat-models")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7), kms.describe_key(KeyId=key), kms.cancel_key_deletion(KeyId=key)


def test_iam_and_sts(server, checker):
    iam, sts = checker.watch(server.client("iam")), checker.watch(server.client("sts"))
    doc = policy(allow("s3:GetObject"))
    trust = policy(allow(["sts:AssumeRole", "sts:TagSession"], None, Principal={"AWS": f"arn:aws:iam::{server.account}:root"}))
    user, role = "compat-models-u", "compat-models-r"
    tags = [{"Key": "a", "Value": "b"}]
    arn = iam.create_policy(PolicyName="compat-models-p", PolicyDocument=doc, Description="d", Tags=tags)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=doc), iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    iam.create_user(UserName=user, Path="/p/", Tags=tags, PermissionsBoundary=arn)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust, Description="d", Tags=tags, PermissionsBoundary=arn, MaxSessionDuration=7200)
    for kind, name in (("user", {"UserName": user}), ("role", {"RoleName": role})):
        do = lambda verb, **kw: getattr(iam, verb.replace("X", kind))(**name, **kw)  # noqa: E731
        do("put_X_policy", PolicyName="in", PolicyDocument=doc), do("get_X_policy", PolicyName="in"), do("list_X_policies")
        do("attach_X_policy", PolicyArn=arn), do("list_attached_X_policies"), do("get_X")
        do("tag_X", Tags=[{"Key": "c", "Value": "d"}]), do("list_X_tags"), do("untag_X", TagKeys=["c"])
        do("put_X_permissions_boundary", PermissionsBoundary=arn), do("delete_X_permissions_boundary")
    iam.get_policy(PolicyArn=arn), iam.get_policy_version(PolicyArn=arn, VersionId="v1"), iam.list_policies(Scope="Local")
    iam.list_policy_versions(PolicyArn=arn), iam.list_policy_tags(PolicyArn=arn), iam.list_entities_for_policy(PolicyArn=arn)
    iam.tag_policy(PolicyArn=arn, Tags=tags), iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    iam.list_users(), iam.list_roles(), iam.list_users(PathPrefix="/p/"), iam.get_user()
    iam.update_role(RoleName=role, Description="e"), iam.update_role_description(RoleName=role, Description="f")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust), iam.update_user(UserName=user, NewPath="/q/")
    key = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    iam.list_access_keys(UserName=user), iam.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
    iam.get_access_key_last_used(AccessKeyId=key), iam.delete_access_key(UserName=user, AccessKeyId=key)
    checker.wrong = [w for w in checker.wrong if "LastUsedDate is required" not in w  # IAM leaves it out of a key never used
                     and w != "GetUser.User: UserName is required"]  # and root has no name
    sts.get_caller_identity()
    by = server.user(allow(["sts:AssumeRole", "sts:TagSession"]))
    checker.watch(server.client("sts", by)).assume_role(RoleArn=f"arn:aws:iam::{server.account}:role/{role}", RoleSessionName="session", Policy=doc,
                                                        Tags=[{"Key": "t", "Value": "u"}])
    for kind, name in (("user", {"UserName": user}), ("role", {"RoleName": role})):
        do = lambda verb, **kw: getattr(iam, verb.replace("X", kind))(**name, **kw)  # noqa: E731
        do("detach_X_policy", PolicyArn=arn), do("delete_X_policy", PolicyName="in"), do("delete_X")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1"), iam.delete_policy(PolicyArn=arn)


def test_cloudtrail(server, checker):
    trail = checker.watch(server.client("cloudtrail"))
    server.client("sts").get_caller_identity()
    assert trail.lookup_events(MaxResults=5)["Events"]
