"""The account as a whole over the wire: alias, summary, authorization details, credential report."""
import csv
import io
import json
import threading

from botocore.exceptions import ClientError

from conftest import allow, eventually, fresh_name, policy, refused

ACCOUNT = "111122223333"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
TRUST = policy(allow("sts:AssumeRole", None, Principal={"AWS": ACCOUNT}))


# ---- alias -------------------------------------------------------------------------------------------


def test_alias(iam):
    name = fresh_name("alias")
    iam.create_account_alias(AccountAlias=name)
    assert iam.list_account_aliases()["AccountAliases"] == [name]
    assert refused("EntityAlreadyExists", 409, iam.create_account_alias, AccountAlias=name) == f"The account alias {name} already exists."
    iam.create_account_alias(AccountAlias=name + "x")
    assert iam.list_account_aliases()["AccountAliases"] == [name + "x"]
    refused("NoSuchEntity", 404, iam.delete_account_alias, AccountAlias=name)
    refused("ValidationError", 400, iam.create_account_alias, AccountAlias="a--b")
    iam.delete_account_alias(AccountAlias=name + "x")
    assert iam.list_account_aliases()["AccountAliases"] == []


def test_one_account_wins(fresh):
    accounts = [fresh.client("iam")] + [fresh.client("iam", fresh.new_account(a)) for a in ("222233334444", "333344445555")]
    for i in range(10):
        name, outcomes = f"race-{i}", []
        barrier = threading.Barrier(len(accounts))

        def take(iam):
            barrier.wait()
            try:
                iam.create_account_alias(AccountAlias=name)
                outcomes.append("ok")
            except ClientError as e:
                outcomes.append(e.response["Error"]["Code"])

        threads = [threading.Thread(target=take, args=[iam]) for iam in accounts]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sorted(outcomes) == ["EntityAlreadyExists", "EntityAlreadyExists", "ok"]
        assert sum(iam.list_account_aliases()["AccountAliases"] == [name] for iam in accounts) == 1


# ---- summary -------------------------------------------------------------------------------------------


def test_summary(iam):
    before = iam.get_account_summary()["SummaryMap"]
    iam.create_group(GroupName=fresh_name())
    iam.create_user(UserName=fresh_name())
    after = iam.get_account_summary()["SummaryMap"]
    assert after["Groups"] == before["Groups"] + 1 and after["Users"] == before["Users"] + 1
    assert after["GroupsQuota"] == 300 and after["AccountAccessKeysPresent"] == 1 and len(after) == 34
    iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v2Token")
    assert iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"] == 2
    iam.set_security_token_service_preferences(GlobalEndpointTokenVersion="v1Token")
    assert iam.get_account_summary()["SummaryMap"]["GlobalEndpointTokenVersion"] == 1


# ---- details -------------------------------------------------------------------------------------------


def test_details(iam):
    user, group, role = (fresh_name(k) for k in ("user", "group", "role"))
    arn = iam.create_policy(PolicyName=fresh_name("policy"), PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    iam.create_user(UserName=user)
    iam.create_group(GroupName=group)
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
    iam.add_user_to_group(GroupName=group, UserName=user)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=policy(allow("kms:*")))
    iam.attach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    iam.attach_user_policy(UserName=user, PolicyArn=arn)
    whole = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    for page in iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 7}):
        assert sum(len(page[k]) for k in whole) <= 7
        for k, v in whole.items():
            v += page[k]
    u = next(u for u in whole["UserDetailList"] if u["UserName"] == user)
    assert u["GroupList"] == [group] and u["AttachedManagedPolicies"][0]["PolicyArn"] == arn
    g = next(g for g in whole["GroupDetailList"] if g["GroupName"] == group)
    assert g["GroupPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "kms:*"
    r = next(r for r in whole["RoleDetailList"] if r["RoleName"] == role)
    assert r["AttachedManagedPolicies"] == [{"PolicyName": "ReadOnlyAccess", "PolicyArn": READ_ONLY}]
    assert r["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole"
    p = next(p for p in whole["Policies"] if p["Arn"] == arn)
    assert p["PolicyVersionList"][0]["Document"]["Statement"][0]["Action"] == "s3:*"
    assert any(p["Arn"] == READ_ONLY for p in whole["Policies"])
    only = iam.get_account_authorization_details(Filter=["Group"], MaxItems=1000)
    assert only["GroupDetailList"] and not only["UserDetailList"] and not only["RoleDetailList"] and not only["Policies"]


# ---- credential report -----------------------------------------------------------------------------------


def report(iam):
    eventually(lambda: iam.generate_credential_report()["State"] == "COMPLETE")
    return iam.get_credential_report()


def test_credential_report(fresh):
    iam = fresh.client("iam")
    refused("ReportNotPresent", 410, iam.get_credential_report)
    user = fresh.user(allow("*"))
    fresh.client("sts", user).get_caller_identity()
    first = report(iam)
    assert first["ReportFormat"] == "text/csv" and not first["Content"].endswith(b"\n")
    rows = list(csv.DictReader(io.StringIO(first["Content"].decode())))
    assert [r["user"] for r in rows] == ["<root_account>", user["UserName"]]
    root, his = rows
    assert root["arn"] == f"arn:aws:iam::{ACCOUNT}:root" and root["password_enabled"] == "not_supported"
    assert root["access_key_1_active"] == "true" and root["access_key_1_last_used_service"] == "iam"
    assert his["password_enabled"] == "false" and his["mfa_active"] == "false"
    assert his["access_key_1_active"] == "true" and his["access_key_1_last_used_service"] == "sts"
    assert his["access_key_1_last_used_date"].endswith("Z") and his["access_key_2_active"] == "false"
    assert his["access_key_2_last_rotated"] == his["cert_1_last_rotated"] == "N/A" and len(his) == 22

    iam.delete_access_key(UserName=user["UserName"], AccessKeyId=user["AccessKeyId"])
    assert report(iam)["Content"] == first["Content"]
    fresh.stop()
    fresh.start()
    assert fresh.client("iam").get_credential_report()["Content"] == first["Content"]
    assert fresh.stop() == 0


# ---- the trail ---------------------------------------------------------------------------------------------


def event(server, name):
    found = server.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]
    return json.loads(found[0]["CloudTrailEvent"])


def test_records(fresh):
    iam = fresh.client("iam")
    iam.create_group(GroupName="g", Path="/x/")
    iam.create_account_alias(AccountAlias="shop")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    report(iam)
    made = event(fresh, "CreateGroup")
    assert made["requestParameters"] == {"groupName": "g", "path": "/x/"} and made["readOnly"] is False
    assert made["responseElements"]["group"]["arn"] == f"arn:aws:iam::{ACCOUNT}:group/x/g"
    assert event(fresh, "AddUserToGroup")["requestParameters"] == {"groupName": "g", "userName": "ann"}
    assert event(fresh, "CreateAccountAlias")["requestParameters"] == {"accountAlias": "shop"}
    got = event(fresh, "GetCredentialReport")
    assert got["readOnly"] is True and "root_account" not in json.dumps(got)
