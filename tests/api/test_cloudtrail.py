"""CloudTrail LookupEvents as boto3 sees it: every call of the session is there, with who, what and how it ended."""
import datetime
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, policy


def lookup(client, key=None, value=None, **more):
    """All events, newest first, over all pages."""
    if key:
        more["LookupAttributes"] = [{"AttributeKey": key, "AttributeValue": value}]
    found = []
    for page in client.get_paginator("lookup_events").paginate(**more):
        found += page["Events"]
    return found


def details(event):
    return json.loads(event["CloudTrailEvent"])


def of_name(client, name):
    return lookup(client, "EventName", name)


def session_of(server):
    iam, name = server.client("iam"), "app-" + uuid.uuid4().hex[:8]
    trust = allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{server.account}:root"})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    by = server.user(allow("sts:AssumeRole"))
    made = server.client("sts", by).assume_role(RoleArn=arn, RoleSessionName="web-1")
    return {**made["Credentials"], "RoleName": name, "RoleArn": arn}


def test_calls_are_found_at_once_and_newest_first(server):
    trail = server.client("cloudtrail")
    server.client("sts").get_caller_identity()
    server.client("iam").list_roles()
    events = lookup(trail, MaxResults=50)[:2]
    assert [e["EventName"] for e in events] == ["ListRoles", "GetCallerIdentity"]
    assert events[0]["EventSource"] == "iam.amazonaws.com"
    assert events[0]["ReadOnly"] == "true"
    assert events[0]["Username"] == "root"
    assert events[0]["AccessKeyId"] == server.root[0]


def test_the_event_has_the_documented_members(server):
    user = server.user(allow("sts:*"))
    identity = server.client("sts", user["AccessKeyId"], user["SecretAccessKey"]).get_caller_identity()
    event, = lookup(server.client("cloudtrail"), "AccessKeyId", user["AccessKeyId"])
    assert event["Username"] == user["UserName"]
    d = details(event)
    assert d["eventID"] == event["EventId"]
    assert d["userIdentity"]["type"] == "IAMUser"
    assert d["userIdentity"]["arn"] == identity["Arn"]
    assert d["userIdentity"]["principalId"] == identity["UserId"]
    assert d["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in d["userAgent"]
    assert d["awsRegion"] == "us-east-1"
    assert d["recipientAccountId"] == server.account
    assert d["tlsDetails"]["tlsVersion"] in ("TLSv1.2", "TLSv1.3")
    assert d["tlsDetails"]["clientProvidedHostHeader"].startswith("127.0.0.1")
    assert d["requestID"] == identity["ResponseMetadata"]["RequestId"]
    assert d["eventTime"].endswith("Z") and d["eventType"] == "AwsApiCall" and d["managementEvent"] is True


def test_effects_are_recorded_with_parameters_and_response_but_no_secret(server):
    user = server.user()
    made, = [e for e in of_name(server.client("cloudtrail"), "CreateAccessKey")
             if details(e)["requestParameters"]["userName"] == user["UserName"]]
    d = details(made)
    assert d["readOnly"] is False
    assert d["responseElements"]["accessKey"]["accessKeyId"] == user["AccessKeyId"]
    assert user["SecretAccessKey"] not in made["CloudTrailEvent"]
    assert {"ResourceType": "AWS::IAM::User", "ResourceName": user["UserName"]} in made["Resources"]
    assert made["EventId"] in [e["EventId"] for e in lookup(server.client("cloudtrail"), "ResourceName", user["UserName"])]


def test_a_session_is_shown_with_its_issuer(server):
    session = session_of(server)
    server.client("sts", session).get_caller_identity()
    event, = lookup(server.client("cloudtrail"), "AccessKeyId", session["AccessKeyId"])
    who = details(event)["userIdentity"]
    assert event["Username"] == "web-1"
    assert who["type"] == "AssumedRole"
    assert who["sessionContext"]["sessionIssuer"]["arn"] == session["RoleArn"]
    assert who["sessionContext"]["sessionIssuer"]["userName"] == session["RoleName"]
    assert who["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    assumed = [e for e in of_name(server.client("cloudtrail"), "AssumeRole") if session["AccessKeyId"] in e["CloudTrailEvent"]]
    assert len(assumed) == 1
    assert session["SessionToken"] not in assumed[0]["CloudTrailEvent"]
    assert session["SecretAccessKey"] not in assumed[0]["CloudTrailEvent"]


def test_refused_calls_are_there(server):
    trail = server.client("cloudtrail")
    user = server.user()
    with pytest.raises(ClientError) as denied:
        server.client("iam", user["AccessKeyId"], user["SecretAccessKey"]).list_users()
    assert code(denied) == ("AccessDenied", 403)
    event, = lookup(trail, "AccessKeyId", user["AccessKeyId"])
    d = details(event)
    assert (d["eventName"], d["errorCode"]) == ("ListUsers", "AccessDenied")
    assert user["UserName"] in d["errorMessage"]

    with pytest.raises(ClientError):
        server.client("sts", user["AccessKeyId"], "wrong").get_caller_identity()
    event = lookup(trail, "AccessKeyId", user["AccessKeyId"])[0]
    d = details(event)
    assert d["errorCode"] == "SignatureDoesNotMatch"
    assert d["userIdentity"]["type"] == "Unknown"
    assert "Username" not in event

    with pytest.raises(ClientError):
        server.client("sts", "AKIANOSUCHKEY0000000", "wrong").get_caller_identity()
    event, = lookup(trail, "AccessKeyId", "AKIANOSUCHKEY0000000")
    assert details(event)["errorCode"] == "InvalidClientTokenId"


def test_an_unsigned_call_is_there(server):
    with pytest.raises(ClientError):
        server.unsigned("sts").get_caller_identity()
    event = of_name(server.client("cloudtrail"), "GetCallerIdentity")[0]
    assert details(event)["userIdentity"]["accountId"] == "ANONYMOUS_PRINCIPAL"


def test_times_and_pages(server):
    trail = server.client("cloudtrail")
    sts = server.client("sts")
    now = datetime.datetime.now(datetime.timezone.utc)
    for _ in range(7):
        sts.get_caller_identity()
    first = trail.lookup_events(MaxResults=3)
    assert len(first["Events"]) == 3 and first["NextToken"]
    second = trail.lookup_events(MaxResults=3, NextToken=first["NextToken"])
    ids = [e["EventId"] for e in first["Events"] + second["Events"]]
    assert len(set(ids)) == 6
    assert lookup(trail, StartTime=now + datetime.timedelta(hours=1)) == []
    assert lookup(trail, EndTime=now - datetime.timedelta(hours=1)) == []
    with pytest.raises(ClientError) as bad:
        trail.lookup_events(StartTime=now, EndTime=now - datetime.timedelta(hours=1))
    assert code(bad) == ("InvalidTimeRangeException", 400)
    with pytest.raises(ClientError) as bad:
        trail.lookup_events(MaxResults=3, NextToken=first["NextToken"],
                            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "X"}])
    assert code(bad) == ("InvalidNextTokenException", 400)
    with pytest.raises(ClientError) as bad:
        trail.lookup_events(LookupAttributes=[{"AttributeKey": k, "AttributeValue": "x"} for k in ("EventName", "Username")])
    assert code(bad) == ("InvalidLookupAttributesException", 400)


def test_regions_are_apart_and_global_services_are_in_us_east_1(server):
    trail = server.client("cloudtrail", region="eu-central-1")
    server.client("iam").list_users()
    before = {e["EventId"] for e in lookup(trail)}
    server.client("cloudtrail", region="eu-central-1").lookup_events(MaxResults=1)
    events = lookup(trail)
    assert {details(e)["awsRegion"] for e in events} == {"eu-central-1"}
    assert len(events) > len(before)
    assert not [e for e in events if e["EventSource"] == "iam.amazonaws.com"]


def test_lookup_events_is_itself_authorized(server):
    user = server.user()
    with pytest.raises(ClientError) as denied:
        server.client("cloudtrail", user["AccessKeyId"], user["SecretAccessKey"]).lookup_events()
    assert code(denied) == ("AccessDeniedException", 400)
    allowed = server.user(allow("cloudtrail:LookupEvents"))
    server.client("cloudtrail", allowed["AccessKeyId"], allowed["SecretAccessKey"]).lookup_events(MaxResults=1)


def test_a_killed_server_has_lost_no_effect_and_doubled_none(fresh):
    names = []
    iam = fresh.client("iam")
    for i in range(20):
        iam.create_user(UserName=f"u{i}")
        names.append(f"u{i}")
    fresh.kill()
    fresh.start()
    events = of_name(fresh.client("cloudtrail"), "CreateUser")
    assert sorted(details(e)["requestParameters"]["userName"] for e in events) == sorted(names)
    fresh.kill()
    fresh.start()
    assert len(of_name(fresh.client("cloudtrail"), "CreateUser")) == 20


def test_reads_outlive_a_kill_after_the_bounded_delay(fresh):
    """Written though nobody looks them up: within 50 ms, on a busy machine later."""
    for delay_s in (0.5, 2, 8, 32):
        fresh.client("sts").get_caller_identity()
        time.sleep(delay_s)
        fresh.kill()
        fresh.start()
        if of_name(fresh.client("cloudtrail"), "GetCallerIdentity"):
            return
    raise AssertionError("it was not written in all that time")
