# SPDX-License-Identifier: Apache-2.0
"""Reports on last uses over the wire: what the trail has of each service is what the report says."""
import datetime
import json
import subprocess
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, eventually, policy

ACCOUNT = "111122223333"


def read(iam, job, **more):
    def ended():
        r = iam.get_service_last_accessed_details(JobId=job, **more)
        return r["JobStatus"] != "IN_PROGRESS" and r
    return eventually(ended)


def services(iam, arn, **more):
    found, marker = {}, {}
    job = iam.generate_service_last_accessed_details(Arn=arn, **more)["JobId"]
    while True:
        r = read(iam, job, **marker)
        assert r["JobStatus"] == "COMPLETED" and r["JobCompletionDate"] >= r["JobCreationDate"]
        found.update((s["ServiceNamespace"], s) for s in r["ServicesLastAccessed"])
        if not r["IsTruncated"]:
            return found, job
        marker = {"Marker": r["Marker"], "MaxItems": 40}


def test_a_report_says_what_was_used(server):
    iam = server.client("iam")
    bucket = "b-" + uuid.uuid4().hex
    server.client("s3").create_bucket(Bucket=bucket)
    user = server.user(allow(["s3:*", "kms:*", "iam:Get*", "sqs:*"]))
    arn = f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}"
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    server.client("s3", user).list_objects_v2(Bucket=bucket)
    server.client("kms", user, region="eu-west-1").list_keys()
    with pytest.raises(ClientError) as e:
        server.client("sts", user).assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/none", RoleSessionName="session")
    assert code(e)[0] == "AccessDenied"
    found, job = services(iam, arn, Granularity="ACTION_LEVEL")
    assert {"s3", "kms", "iam", "sqs"} == set(found)
    assert found["s3"]["LastAuthenticated"] >= before.replace(microsecond=0)
    assert found["s3"]["LastAuthenticatedEntity"] == arn and found["s3"]["ServiceName"] == "Amazon S3"
    assert found["s3"]["TotalAuthenticatedEntities"] == 1 and found["iam"]["TotalAuthenticatedEntities"] == 0
    assert found["kms"]["LastAuthenticatedRegion"] == "eu-west-1" and "LastAuthenticated" not in found["sqs"]
    actions = {a["ActionName"]: a for a in found["s3"]["TrackedActionsLastAccessed"]}
    assert actions["ListBucket"]["LastAccessedEntity"] == arn and "LastAccessedTime" not in actions["PutObject"]
    assert "LastAccessedTime" in {a["ActionName"]: a for a in found["kms"]["TrackedActionsLastAccessed"]}["ListKeys"]
    who = iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="s3")["EntityDetailsList"]
    assert [w["EntityInfo"]["Arn"] for w in who] == [arn] and who[0]["LastAuthenticated"] == found["s3"]["LastAuthenticated"]


def test_pages(server):
    found, job = services(server.client("iam"), "arn:aws:iam::aws:policy/AdministratorAccess")
    assert len(found) > 300 and list(found) == sorted(found) and "s3" in found
    iam = server.client("iam")
    user = server.user(name="u-" + uuid.uuid4().hex)
    iam.attach_user_policy(UserName=user["UserName"], PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    server.client("iam", user).list_users()
    marker, names = {}, []
    while True:
        r = iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="iam", MaxItems=1, **marker)
        names += [e["EntityInfo"]["Name"] for e in r["EntityDetailsList"]]
        if not r["IsTruncated"]:
            break
        marker = {"Marker": r["Marker"]}
    assert user["UserName"] in names and len(set(names)) == len(names)


def test_the_cli(server):
    def aws(*args):
        out = subprocess.run(["/usr/bin/aws", "--endpoint-url", server.url, "--ca-bundle", server.ca, "--region", "us-east-1",
                              "iam", *args], env={**server.env, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
                             text=True, capture_output=True, check=True)
        return json.loads(out.stdout)

    job = aws("generate-service-last-accessed-details", "--arn", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")["JobId"]
    r = aws("get-service-last-accessed-details", "--job-id", job)
    assert r["JobStatus"] == "COMPLETED"
    assert [s["ServiceNamespace"] for s in r["ServicesLastAccessed"]] == ["s3", "s3-object-lambda"]


def test_who_may_ask(server):
    iam = server.client("iam")
    made = iam.create_policy(PolicyName="p-" + uuid.uuid4().hex, PolicyDocument=policy(allow("s3:*")),
                             Tags=[{"Key": "team", "Value": "red"}])["Policy"]["Arn"]
    ann = server.client("iam", server.user(
        allow("iam:GenerateServiceLastAccessedDetails", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}),
        allow("iam:GetServiceLastAccessedDetails")))
    job = ann.generate_service_last_accessed_details(Arn=made)["JobId"]
    assert read(ann, job)["JobStatus"] == "COMPLETED"
    for call, more in ((ann.generate_service_last_accessed_details, {"Arn": f"arn:aws:iam::{ACCOUNT}:user/nobody"}),
                       (ann.get_service_last_accessed_details_with_entities, {"JobId": job, "ServiceNamespace": "s3"})):
        with pytest.raises(ClientError) as e:
            call(**more)
        assert code(e)[0] == "AccessDenied"
