"""Every operation of every service, tried by somebody without any permission and by nobody at all: refused, recorded, without effect.

The operations come from the models, so that one added tomorrow is tried without a word here.
"""
import json
import pathlib
import sys
import time

import boto3
import botocore
import pytest
from botocore.exceptions import ClientError

from conftest import ROOT, allow, policy, running

sys.path.insert(0, str(ROOT / "tools"))

import model  # noqa: E402

MODELS = {m.name: m for m in (model.Model(p) for p in sorted(pathlib.Path(ROOT / "src" / "svc").glob("*/*.api.toml")))}
KNOWN = {s: set(boto3.Session().client(s, region_name="us-east-1").meta.service_model.operation_names) for s in MODELS}
OPERATIONS = [(s, op.name) for s, m in MODELS.items() for op in m.ops if op.name in KNOWN[s]]  # some are newer than this botocore
ALLOWED = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}  # AWS: no permissions are required to perform this operation
TOKENS = {("sts", "AssumeRoleWithWebIdentity"), ("sts", "AssumeRoleWithSAML")}  # a provider's word counts there, not a signature's
DENIED = {"AccessDenied", "AccessDeniedException"}
UNSIGNED = {"rest-xml": ("AccessDenied", 403), "query": ("MissingAuthenticationToken", 403),
            "json-1.1": ("MissingAuthenticationTokenException", 400), "json-1.0": ("MissingAuthenticationTokenException", 400)}


class Scene:
    """One of everything, so that a call that were let through would find what it asks for."""

    def __init__(self, server):
        self.server = server
        s3, iam, kms = (server.client(s) for s in ("s3", "iam", "kms"))
        s3.create_bucket(Bucket="sweep")
        s3.put_object(Bucket="sweep", Key="k", Body=b"x")
        s3.put_bucket_tagging(Bucket="sweep", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
        upload = s3.create_multipart_upload(Bucket="sweep", Key="m")["UploadId"]
        etag = s3.upload_part(Bucket="sweep", Key="m", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
        iam.create_user(UserName="victim")
        key = iam.create_access_key(UserName="victim")["AccessKey"]["AccessKeyId"]
        iam.put_user_policy(UserName="victim", PolicyName="p", PolicyDocument=policy(allow("s3:*")))
        trust = policy(allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{server.account}:root"}))
        iam.create_role(RoleName="victim", AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName="victim", PolicyName="p", PolicyDocument=policy(allow("s3:*")))
        arn = iam.create_policy(PolicyName="victim", PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="victim", PolicyArn=arn)
        iam.attach_role_policy(RoleName="victim", PolicyArn=arn)
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/victim", TargetKeyId=key_id)
        sealed = kms.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
        everyone = {"AWS": f"arn:aws:iam::{server.account}:root"}
        self.values = {
            "s3": {"Bucket": "sweep", "Key": "k", "UploadId": upload, "CopySource": "sweep/k", "Delete": {"Objects": [{"Key": "k"}]},
                   "Policy": policy(allow("s3:*", "arn:aws:s3:::sweep/*", Principal=everyone)), "PartNumber": 1,
                   "Tagging": {"TagSet": [{"Key": "a", "Value": "changed"}]},
                   "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]},
                   "PublicAccessBlockConfiguration": {"BlockPublicAcls": False}, "ObjectAttributes": ["ETag"],
                   "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
            "iam": {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321", "UserName": "victim", "RoleName": "victim", "PolicyName": "p", "PolicyArn": arn, "AccessKeyId": key, "Status": "Inactive",
                    "PolicyDocument": policy(allow("*")), "AssumeRolePolicyDocument": trust, "PermissionsBoundary": arn, "VersionId": "v1",
                    "Tags": [{"Key": "a", "Value": "b"}], "TagKeys": ["a"], "Description": "changed"},
            "kms": {"KeyId": key_id, "DestinationKeyId": key_id, "AliasName": "alias/victim", "TargetKeyId": key_id, "Plaintext": b"x", "CiphertextBlob": sealed,
                    "PolicyName": "default", "Policy": policy(allow("kms:*", Principal={"AWS": "*"})), "Tags": [{"TagKey": "a", "TagValue": "b"}],
                    "TagKeys": ["a"], "Description": "changed", "ReplicaRegion": "us-west-2", "PrimaryRegion": "us-west-2"},
            "sts": {"RoleArn": f"arn:aws:iam::{server.account}:role/victim", "RoleSessionName": "session",
                    "PrincipalArn": f"arn:aws:iam::{server.account}:saml-provider/nobody", "SAMLAssertion": "bm90IFhNTA=="},
            "cloudtrail": {}}
        self.special = {("iam", "CreateUser"): {"UserName": "new"}, ("iam", "CreateRole"): {"RoleName": "new"},
                        ("iam", "CreatePolicy"): {"PolicyName": "new"}, ("kms", "CreateAlias"): {"AliasName": "alias/new"},
                        ("s3", "CreateBucket"): {"Bucket": "sweep-new"}, ("s3", "UploadPart"): {"Key": "m"},
                        ("s3", "UploadPartCopy"): {"Key": "m"}, ("s3", "AbortMultipartUpload"): {"Key": "m"},
                        ("s3", "ListParts"): {"Key": "m"},
                        ("s3", "CompleteMultipartUpload"): {"Key": "m", "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}},
                        ("kms", "EnableKey"): {}, ("kms", "RetireGrant"): {"KeyId": key_id, "GrantId": "0" * 64},
                        ("kms", "GenerateDataKey"): {"KeySpec": "AES_256"}, ("kms", "Decrypt"): {"CiphertextBlob": sealed},
                        ("kms", "ReEncrypt"): {"CiphertextBlob": sealed},
                        ("kms", "GenerateDataKeyWithoutPlaintext"): {"KeySpec": "AES_256"}, ("kms", "GenerateRandom"): {"NumberOfBytes": 8}}
        self.nobody = server.user()

    def parameters(self, service, name):
        """The least a valid call needs."""
        op = next(o for o in MODELS[service].ops if o.name == name)
        made = {m.name: self.value(service, m) for m in op.input.members if "required" in m.words}
        return {**made, **self.special.get((service, name), {})}

    def value(self, service, member):
        known = self.values.get(service, {})
        return known[member.name] if member.name in known else plainest(member.type)

    def state(self):
        """What the calls could have changed."""
        s3, iam, kms = (self.server.client(s) for s in ("s3", "iam", "kms"))

        def plain(answer):
            answer.pop("ResponseMetadata")
            return json.loads(json.dumps(answer, default=str))
        seen = [plain(c(**p)) for c, p in (
            (s3.list_buckets, {}), (s3.list_objects_v2, {"Bucket": "sweep"}), (s3.get_bucket_tagging, {"Bucket": "sweep"}),
            (s3.get_bucket_encryption, {"Bucket": "sweep"}), (s3.list_multipart_uploads, {"Bucket": "sweep"}),
            (iam.list_users, {}), (iam.list_roles, {}), (iam.list_policies, {"Scope": "Local"}), (iam.list_access_keys, {"UserName": "victim"}),
            (iam.list_user_policies, {"UserName": "victim"}), (iam.list_attached_role_policies, {"RoleName": "victim"}),
            (iam.get_role_policy, {"RoleName": "victim", "PolicyName": "p"}), (iam.list_user_tags, {"UserName": "victim"}),
            (kms.list_keys, {}), (kms.list_aliases, {}), (kms.describe_key, {"KeyId": self.values["kms"]["KeyId"]}),
            (kms.get_key_policy, {"KeyId": self.values["kms"]["KeyId"], "PolicyName": "default"}))]
        for role in seen[6]["Roles"]:
            role.pop("RoleLastUsed", None)
        return seen


def plainest(t):
    """A value that the model takes, for a member nobody thought of here."""
    if t.kind == "ENUM":
        return t.values[0]
    if t.kind in ("INT", "LONG", "FLOAT", "DOUBLE"):
        return t.lo or 1
    if t.kind == "BOOL":
        return True
    if t.kind == "TIME":
        return time.time()
    if t.kind == "LIST":
        return [plainest(t.elem)] * (t.lo or 1)
    if t.kind == "MAP":
        return {"a": plainest(t.elem)}
    if t.kind in ("STRUCT", "UNION"):
        return {m.name: plainest(m.type) for m in t.members if "required" in m.words}
    return "a" * max(t.lo or 1, 1) if t.kind != "BLOB" else b"x"


@pytest.fixture(scope="module")
def scene():
    with running() as server:
        yield Scene(server)


def attempt(client, name, parameters):
    """(code, HTTP status, request id, answer); code None when it went through."""
    try:
        answer, code = client._make_api_call(name, parameters), None
        if "Body" in answer:
            answer["Body"].close()
    except ClientError as e:
        answer, code = e.response, e.response["Error"]["Code"]
    meta = answer["ResponseMetadata"]
    headers = meta["HTTPHeaders"]
    return code, meta["HTTPStatusCode"], headers.get("x-amzn-requestid") or headers.get("x-amz-request-id"), answer


def sweep(scene, who, expected):
    """Calls everything; expected(service, name, code, http, answer) gives a complaint or None. Then the trail is read."""
    before, complaints, made = scene.state(), [], {}
    clients = {s: scene.server.client(s, plain=True, parameter_validation=False, **who) for s in MODELS}
    for service, name in OPERATIONS:
        code, http, request_id, answer = attempt(clients[service], name, scene.parameters(service, name))
        if complaint := expected(service, name, code, http, answer):
            complaints.append(f"{service} {name}: {complaint}: {code} {http} {answer.get('Error')}")
        if not request_id:
            complaints.append(f"{service} {name}: no request id: {answer}")
        made[request_id] = (service, name, code)
    assert len(made) == len(OPERATIONS), "request ids repeat"
    complaints += compare(scene, made)
    assert not complaints, f"{len(complaints)} of {len(OPERATIONS)}:\n" + "\n".join(complaints)
    assert scene.state() == before, "a refused call changed something"


def compare(scene, made):
    """Each call made has its one record, which says what was refused."""
    found = {}
    for page in scene.server.client("cloudtrail").get_paginator("lookup_events").paginate():
        for event in page["Events"]:
            event = json.loads(event["CloudTrailEvent"])
            found.setdefault(event["requestID"], []).append(event)
    for request_id, (service, name, code) in made.items():
        events = found.get(request_id, [])
        op = next(o for o in MODELS[service].ops if o.name == name)
        if len(events) != 1:
            yield f"{service} {name}: {len(events)} records of request {request_id}"
            continue
        event = events[0]
        if event["eventName"] != op.row.get("event", name) or event["eventSource"] != MODELS[service].service["source"]:
            yield f"{service} {name}: recorded as {event['eventSource']} {event['eventName']}"
        want = "AccessDenied" if code in DENIED else code
        if code and not code.isdigit() and event.get("errorCode") != want:
            yield f"{service} {name}: answered {code}, recorded {event.get('errorCode')}"
        if code and not event.get("errorCode"):
            yield f"{service} {name}: refused with {code}, but recorded as a success"


def test_someone_without_permissions_can_do_nothing(scene):
    def expected(service, name, code, http, answer):
        if (service, name) in ALLOWED:
            return None if code is None else "must be allowed"
        if (service, name) in TOKENS:
            return None if code == "InvalidIdentityToken" else "must not take that token"
        if (service, name) == ("s3", "DeleteObjects") and code is None:  # S3 answers for each key
            errors = {e["Key"]: e["Code"] for e in answer.get("Errors", [])}
            return None if errors == {"k": "AccessDenied"} and not answer.get("Deleted") else f"deleted: {answer}"
        if service == "s3" and code == "403" and not answer["Error"].get("Message", "").strip("Forbidden"):
            return None  # HEAD has no body to say it in
        status = 400 if MODELS[service].protocol.startswith("json") else 403
        if code not in DENIED or http != status:
            return f"expected AccessDenied and {status}"
        action = next(o for o in MODELS[service].ops if o.name == name).row["action"]
        text = answer["Error"]["Message"]
        if f"user/{scene.nobody['UserName']} is not authorized to perform: {action.split(':')[0]}:" not in text:
            return f"the words do not say who and what: {text}"
        return None
    sweep(scene, {"key": scene.nobody}, expected)


def test_nobody_can_do_nothing(scene):
    def expected(service, name, code, http, answer):
        if service == "s3" and code == "403":
            return None
        if (service, name) in TOKENS:
            return None if code == "InvalidIdentityToken" else "must not take that token"
        wanted = UNSIGNED[MODELS[service].protocol]
        if (service, name) == ("s3", "DeleteObjects") and code is None:
            return None if {e["Code"] for e in answer.get("Errors", [])} == {"AccessDenied"} and not answer.get("Deleted") else "deleted"
        return None if (code, http) == wanted else f"expected {wanted}"
    sweep(scene, {"signature_version": botocore.UNSIGNED}, expected)


def test_every_operation_of_the_models_is_tried():
    assert len(OPERATIONS) > 100 and {s for s, _ in OPERATIONS} >= {"s3", "iam", "kms", "sts", "cloudtrail"}
