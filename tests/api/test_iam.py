"""IAM as boto3 sees it: every operation, every refusal, pages, and that what is said is enforced."""
import json

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, deny, fresh_name, policy, refused, statement

ACCOUNT = "111122223333"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
TRUST = policy(allow("sts:AssumeRole", None, Principal={"AWS": ACCOUNT}))


@pytest.fixture
def user(iam):
    name = fresh_name("user")
    iam.create_user(UserName=name)
    return name


@pytest.fixture
def role(iam):
    name = fresh_name("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    return name


@pytest.fixture
def managed(iam):
    return iam.create_policy(PolicyName=fresh_name("policy"), PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]


# ---- users and keys --------------------------------------------------------------------------------


def test_user(iam):
    name = fresh_name()
    made = iam.create_user(UserName=name, Path="/team/", Tags=[{"Key": "a", "Value": ""}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/{name}"
    assert made["UserId"].startswith("AIDA") and len(made["UserId"]) == 21
    got = iam.get_user(UserName=name)["User"]
    assert got["Tags"] == [{"Key": "a", "Value": ""}] and got["CreateDate"] == made["CreateDate"]
    assert refused("EntityAlreadyExists", 409, iam.create_user, UserName=name.upper()) == f"User with name {name.upper()} already exists."
    new = fresh_name()
    iam.update_user(UserName=name, NewUserName=new, NewPath="/")
    assert refused("NoSuchEntity", 404, iam.get_user, UserName=name) == f"The user with name {name} cannot be found."
    assert iam.get_user(UserName=new)["User"]["UserId"] == made["UserId"]
    iam.delete_user(UserName=new)
    refused("NoSuchEntity", 404, iam.delete_user, UserName=new)


def test_constraint_violations_are_validation_errors(iam):
    text = refused("ValidationError", 400, iam.create_user, UserName="a b")
    assert text == ("The specified value for userName is invalid. It must contain only alphanumeric characters and/or the "
                    "following: +=,.@_-")
    text = refused("ValidationError", 400, iam.create_user, UserName="x" * 65)
    assert text.startswith(f"1 validation error detected: Value '{'x' * 65}' at 'userName' failed to satisfy constraint")
    refused("ValidationError", 400, iam.create_user, UserName="x", Path="nope")
    refused("ValidationError", 400, iam.list_users, Marker="***")


def test_patterns_and_policies_are_refused_in_iams_words(iam):
    trust = policy(allow("sts:AssumeRole", None, Principal={"AWS": ACCOUNT}))
    path = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
    assert refused("ValidationError", 400, iam.create_role, RoleName="x", Path="no", AssumeRolePolicyDocument=trust) == (
        "The specified value for path is invalid. " + path)
    assert refused("ValidationError", 400, iam.update_user, UserName="x", NewPath="no") == (
        "The specified value for newPath is invalid. " + path)
    assert refused("ValidationError", 400, iam.list_roles, PathPrefix="no") == (
        "The specified value for pathPrefix is invalid. It must begin with the / character and contain only alphanumeric characters "
        "and/or / characters.")
    assert refused("ValidationError", 400, iam.put_user_policy, UserName="x", PolicyName="p", PolicyDocument="\U0001f600") == (
        "The specified value for policyDocument is invalid. It must contain only printable ASCII characters.")
    for document, text in (("{", "This policy contains invalid Json"), ('{"statement":[]}', "Unknown field statement"),
                           ("{}", "Missing required field Statement")):
        assert refused("MalformedPolicyDocument", 400, iam.create_role, RoleName="x", AssumeRolePolicyDocument=document) == text
    for resource, text in (
            ("arn:aws:s3::bucket", "The policy failed legacy parsing"),
            ("arn:aws:s3:us-east-1::bucket", "Resource arn:aws:s3:us-east-1::bucket can not contain region information."),
            (f"arn:aws:iam::{ACCOUNT}:x", 'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, '
             "group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, "
             "access-report/.")):
        document = policy(allow("s3:*", resource))
        assert refused("MalformedPolicyDocument", 400, iam.create_policy, PolicyName="x", PolicyDocument=document) == text
    bent = "arn:aws:iam::aws:policy/arn:aws:iam::aws:policy/X"
    assert refused("InvalidInput", 400, iam.get_policy, PolicyArn=bent) == f"ARN {bent} is not valid."


def test_access_keys(server, iam, user):
    made = iam.create_access_key(UserName=user)["AccessKey"]
    assert made["Status"] == "Active" and len(made["SecretAccessKey"]) == 40
    key = {"AccessKeyId": made["AccessKeyId"], "SecretAccessKey": made["SecretAccessKey"]}
    sts = server.client("sts", key)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{user}"
    used = iam.get_access_key_last_used(AccessKeyId=made["AccessKeyId"])
    assert used["UserName"] == user and used["AccessKeyLastUsed"]["ServiceName"] == "sts"
    iam.create_access_key(UserName=user)
    assert refused("LimitExceeded", 409, iam.create_access_key, UserName=user) == "Cannot exceed quota for AccessKeysPerUser: 2"
    assert len(iam.list_access_keys(UserName=user)["AccessKeyMetadata"]) == 2

    iam.update_access_key(UserName=user, AccessKeyId=made["AccessKeyId"], Status="Inactive")
    refused("InvalidClientTokenId", 403, sts.get_caller_identity)
    iam.update_access_key(UserName=user, AccessKeyId=made["AccessKeyId"], Status="Active")
    sts.get_caller_identity()
    refused("SignatureDoesNotMatch", 403, server.client("sts", made["AccessKeyId"], "x" * 40).get_caller_identity)
    iam.delete_access_key(UserName=user, AccessKeyId=made["AccessKeyId"])
    refused("InvalidClientTokenId", 403, sts.get_caller_identity)
    refused("NoSuchEntity", 404, iam.delete_access_key, UserName=user, AccessKeyId=made["AccessKeyId"])
    refused("NoSuchEntity", 404, iam.get_access_key_last_used, AccessKeyId=made["AccessKeyId"])


def test_secrets_are_not_in_the_trail(server, iam, user):
    made = iam.create_access_key(UserName=user)["AccessKey"]
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateAccessKey"}])["Events"]
    assert any(made["AccessKeyId"] in e["CloudTrailEvent"] for e in events)
    assert not any(made["SecretAccessKey"] in e["CloudTrailEvent"] for e in events)


def test_delete_conflicts(iam, user, role, managed):
    key = iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
    iam.attach_user_policy(UserName=user, PolicyArn=managed)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    assert refused("DeleteConflict", 409, iam.delete_user, UserName=user) == "Cannot delete entity, must delete access keys first."
    iam.delete_access_key(UserName=user, AccessKeyId=key)
    assert refused("DeleteConflict", 409, iam.delete_user, UserName=user) == "Cannot delete entity, must detach all policies first."
    assert refused("DeleteConflict", 409, iam.delete_policy, PolicyArn=managed) == "Cannot delete a policy attached to entities."
    iam.detach_user_policy(UserName=user, PolicyArn=managed)
    assert refused("DeleteConflict", 409, iam.delete_user, UserName=user) == "Cannot delete entity, must delete policies first."
    iam.delete_user_policy(UserName=user, PolicyName="p")
    iam.delete_user(UserName=user)
    iam.delete_policy(PolicyArn=managed)
    iam.attach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    refused("DeleteConflict", 409, iam.delete_role, RoleName=role)
    iam.detach_role_policy(RoleName=role, PolicyArn=READ_ONLY)
    iam.delete_role(RoleName=role)


# ---- roles --------------------------------------------------------------------------------------------


def test_role(iam):
    name = fresh_name()
    made = iam.create_role(RoleName=name, Path="/svc/", AssumeRolePolicyDocument=TRUST, Description="d", MaxSessionDuration=7200,
                           PermissionsBoundary=READ_ONLY, Tags=[{"Key": "k", "Value": "v"}])["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/svc/{name}"
    got = iam.get_role(RoleName=name)["Role"]
    assert got["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert got["PermissionsBoundary"] == {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": READ_ONLY} \
        or got["PermissionsBoundary"]["PermissionsBoundaryArn"] == READ_ONLY
    assert (got["Description"], got["MaxSessionDuration"], got["RoleLastUsed"]) == ("d", 7200, {})
    iam.update_role(RoleName=name, Description="e", MaxSessionDuration=3600)
    assert iam.update_role_description(RoleName=name, Description="f")["Role"]["MaxSessionDuration"] == 3600
    other = policy(allow("sts:AssumeRole", None, Principal={"Service": "lambda.amazonaws.com"}))
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=other)
    assert iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] == json.loads(other)
    refused("EntityAlreadyExists", 409, iam.create_role, RoleName=name, AssumeRolePolicyDocument=TRUST)
    refused("MalformedPolicyDocument", 400, iam.update_assume_role_policy, RoleName=name, PolicyDocument="{}")
    absent = f"arn:aws:iam::{ACCOUNT}:user/{fresh_name()}"
    text = refused("MalformedPolicyDocument", 400, iam.update_assume_role_policy, RoleName=name,
                   PolicyDocument=policy(allow("sts:AssumeRole", None, Principal={"AWS": absent})))
    assert text == f'Invalid principal in policy: "AWS":"{absent}"'


# ---- policies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["user", "role"])
def test_inline_policies(iam, kind, request):
    name = request.getfixturevalue(kind)
    who = {f"{kind.title()}Name": name}
    op = lambda verb, what="policy": getattr(iam, f"{verb}_{kind}_{what}")  # noqa: E731
    document = policy(allow("s3:GetObject", "arn:aws:s3:::b/*"))
    op("put")(**who, PolicyName="p", PolicyDocument=document)
    got = op("get")(**who, PolicyName="p")
    assert got["PolicyDocument"] == json.loads(document) and got["PolicyName"] == "p"
    assert op("list", "policies")(**who)["PolicyNames"] == ["p"]
    refused("MalformedPolicyDocument", 400, op("put"), **who, PolicyName="p", PolicyDocument="nonsense")
    big = policy(allow("s3:GetObject", ["arn:aws:s3:::b/" + "x" * 100 + str(i) for i in range(100)]))
    refused("LimitExceeded", 409, op("put"), **who, PolicyName="big", PolicyDocument=big)
    op("delete")(**who, PolicyName="p")
    assert refused("NoSuchEntity", 404, op("get"), **who, PolicyName="p") == f"The {kind} policy with name p cannot be found."
    refused("NoSuchEntity", 404, op("delete"), **who, PolicyName="p")


def test_managed_policies(iam, user, role):
    name = fresh_name()
    made = iam.create_policy(PolicyName=name, Path="/x/", PolicyDocument=policy(allow("s3:*")), Description="d")["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/x/{name}" and made["PolicyId"].startswith("ANPA")
    refused("EntityAlreadyExists", 409, iam.create_policy, PolicyName=name, PolicyDocument=policy(allow("s3:*")))
    iam.attach_user_policy(UserName=user, PolicyArn=arn)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 2
    assert iam.list_attached_user_policies(UserName=user)["AttachedPolicies"] == [{"PolicyName": name, "PolicyArn": arn}]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == [{"PolicyName": name, "PolicyArn": arn}]
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [u["UserName"] for u in entities["PolicyUsers"]] == [user] and [r["RoleName"] for r in entities["PolicyRoles"]] == [role]
    assert entities["PolicyGroups"] == []
    iam.detach_user_policy(UserName=user, PolicyArn=arn)
    assert refused("NoSuchEntity", 404, iam.detach_user_policy, UserName=user, PolicyArn=arn) == f"Policy {arn} was not found."
    text = refused("NoSuchEntity", 404, iam.attach_user_policy, UserName=user, PolicyArn=arn + "x")
    assert text == f"Policy {arn}x does not exist or is not attachable."


def test_versions(iam, managed):
    for _ in range(4):
        iam.create_policy_version(PolicyArn=managed, PolicyDocument=policy(allow("kms:*")))
    refused("LimitExceeded", 409, iam.create_policy_version, PolicyArn=managed, PolicyDocument=policy(allow("kms:*")))
    versions = iam.list_policy_versions(PolicyArn=managed)["Versions"]
    assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [
        ("v5", False), ("v4", False), ("v3", False), ("v2", False), ("v1", True)]
    refused("DeleteConflict", 409, iam.delete_policy_version, PolicyArn=managed, VersionId="v1")
    iam.set_default_policy_version(PolicyArn=managed, VersionId="v2")
    iam.delete_policy_version(PolicyArn=managed, VersionId="v1")
    refused("NoSuchEntity", 404, iam.get_policy_version, PolicyArn=managed, VersionId="v1")
    got = iam.get_policy_version(PolicyArn=managed, VersionId="v2")["PolicyVersion"]
    assert got["IsDefaultVersion"] and got["Document"]["Statement"][0]["Action"] == "kms:*"
    refused("DeleteConflict", 409, iam.delete_policy, PolicyArn=managed)


def test_quota_of_attached_policies(iam, user):
    arns = [iam.create_policy(PolicyName=fresh_name(), PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"] for _ in range(11)]
    for arn in arns[:10]:
        iam.attach_user_policy(UserName=user, PolicyArn=arn)
    assert refused("LimitExceeded", 409, iam.attach_user_policy, UserName=user, PolicyArn=arns[10]) == "Cannot exceed quota for PoliciesPerUser: 10"


def test_aws_policies(iam):
    names = {p["PolicyName"] for p in iam.list_policies(Scope="AWS")["Policies"]}
    assert {"AdministratorAccess", "ReadOnlyAccess", "PowerUserAccess", "IAMReadOnlyAccess", "AmazonS3ReadOnlyAccess",
            "AmazonS3FullAccess", "AWSKeyManagementServicePowerUser", "AWSCloudTrail_ReadOnlyAccess"} <= names
    refused("AccessDenied", 403, iam.delete_policy, PolicyArn=READ_ONLY)


def test_boundaries(iam, user, role, managed):
    iam.put_user_permissions_boundary(UserName=user, PermissionsBoundary=managed)
    assert iam.get_user(UserName=user)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == managed
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=managed)
    assert iam.get_policy(PolicyArn=managed)["Policy"]["PermissionsBoundaryUsageCount"] == 2
    iam.delete_user_permissions_boundary(UserName=user)
    iam.delete_role_permissions_boundary(RoleName=role)
    assert "PermissionsBoundary" not in iam.get_user(UserName=user)["User"]
    refused("NoSuchEntity", 404, iam.put_user_permissions_boundary, UserName=user, PermissionsBoundary=managed + "x")


def test_tags(iam, user, role, managed):
    for tag, untag, listing, who in [
            (iam.tag_user, iam.untag_user, iam.list_user_tags, {"UserName": user}),
            (iam.tag_role, iam.untag_role, iam.list_role_tags, {"RoleName": role}),
            (iam.tag_policy, iam.untag_policy, iam.list_policy_tags, {"PolicyArn": managed})]:
        tag(**who, Tags=[{"Key": "b", "Value": "1"}, {"Key": "a", "Value": "2"}])
        tag(**who, Tags=[{"Key": "B", "Value": "3"}])
        assert listing(**who)["Tags"] == [{"Key": "B", "Value": "3"}, {"Key": "a", "Value": "2"}]
        untag(**who, TagKeys=["A"])
        assert listing(**who)["Tags"] == [{"Key": "B", "Value": "3"}]
        refused("InvalidInput", 400, tag, **who, Tags=[{"Key": "x", "Value": ""}, {"Key": "X", "Value": ""}])


def test_pages(fresh):
    iam = fresh.client("iam")
    names = [f"u{i:03}" for i in range(105)]
    for name in names:
        iam.create_user(UserName=name, Path="/even/" if int(name[1:]) % 2 == 0 else "/odd/")
    first = iam.list_users()
    assert first["IsTruncated"] and len(first["Users"]) == 100
    got = [u["UserName"] for page in iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 7}) for u in page["Users"]]
    assert got == names
    odd = [u["UserName"] for page in iam.get_paginator("list_users").paginate(PathPrefix="/odd/", PaginationConfig={"PageSize": 10})
           for u in page["Users"]]
    assert odd == names[1::2]


# ---- enforcement --------------------------------------------------------------------------------------------


def test_a_user_without_policies_may_do_nothing(server):
    who = server.user()
    text = refused("AccessDenied", 403, server.client("iam", who).create_user, UserName="x")
    assert text == (f"User: arn:aws:iam::{ACCOUNT}:user/{who['UserName']} is not authorized to perform: iam:CreateUser on resource: "
                    f"arn:aws:iam::{ACCOUNT}:user/x because no identity-based policy allows the iam:CreateUser action")


def test_a_change_counts_for_the_next_request(server, iam):
    who = server.user()
    client = server.client("iam", who)
    for _ in range(20):
        refused("AccessDenied", 403, client.list_users)
        iam.attach_user_policy(UserName=who["UserName"], PolicyArn=READ_ONLY)
        client.list_users()
        iam.put_user_policy(UserName=who["UserName"], PolicyName="d", PolicyDocument=policy(deny("iam:ListUsers")))
        assert "with an explicit deny in an identity-based policy" in refused("AccessDenied", 403, client.list_users)
        iam.delete_user_policy(UserName=who["UserName"], PolicyName="d")
        iam.detach_user_policy(UserName=who["UserName"], PolicyArn=READ_ONLY)


def test_a_boundary_bounds(server, iam, managed):
    who = server.user(allow("*"))
    iam.put_user_permissions_boundary(UserName=who["UserName"], PermissionsBoundary=managed)
    text = refused("AccessDenied", 403, server.client("iam", who).list_users)
    assert text.endswith("because no permissions boundary allows the iam:ListUsers action")


@pytest.mark.parametrize("attempt", [
    lambda iam, me: iam.put_user_policy(UserName=me, PolicyName="x", PolicyDocument=policy(allow("*"))),
    lambda iam, me: iam.put_user_policy(UserName=me.upper(), PolicyName="x", PolicyDocument=policy(allow("*"))),
    lambda iam, me: iam.attach_user_policy(UserName=me, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
    lambda iam, me: iam.create_access_key(UserName="boss"),
    lambda iam, me: iam.update_access_key(UserName="boss", AccessKeyId="AKIAAAAAAAAAAAAAAAAA", Status="Active"),
    lambda iam, me: iam.create_policy_version(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/mine", PolicyDocument=policy(allow("*")), SetAsDefault=True),
    lambda iam, me: iam.set_default_policy_version(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/mine", VersionId="v1"),
    lambda iam, me: iam.update_assume_role_policy(RoleName="admin", PolicyDocument=TRUST),
    lambda iam, me: iam.delete_user_permissions_boundary(UserName=me),
    lambda iam, me: iam.tag_user(UserName=me, Tags=[{"Key": "team", "Value": "admins"}]),
    lambda iam, me: iam.update_user(UserName=me, NewPath="/admins/"),
    lambda iam, me: iam.create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST),
])
def test_nobody_makes_himself_more(server, attempt):
    who = server.user(allow("iam:Get*"), allow("iam:List*"))
    with pytest.raises(ClientError) as e:
        attempt(server.client("iam", who), who["UserName"])
    assert code(e) == ("AccessDenied", 403)


def test_a_path_given_does_not_open_what_is_stored_elsewhere(server, iam):
    boss = fresh_name("boss")
    iam.create_user(UserName=boss, Path="/board/")
    client = server.client("iam", server.user(allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/team/*")))
    refused("EntityAlreadyExists", 409, client.create_user, UserName=boss, Path="/team/x/../")
    refused("AccessDenied", 403, client.create_access_key, UserName=boss)
    refused("AccessDenied", 403, client.update_user, UserName=boss, NewPath="/team/")
    client.create_user(UserName=fresh_name(), Path="/team/")


def test_conditions(server, iam):
    only = allow("iam:AttachUserPolicy", "*", Condition={"ArnEquals": {"iam:PolicyARN": READ_ONLY}})
    who = server.user(only)
    client = server.client("iam", who)
    client.attach_user_policy(UserName=who["UserName"], PolicyArn=READ_ONLY)
    refused("AccessDenied", 403, client.attach_user_policy, UserName=who["UserName"], PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    tagged = server.user(statement("Allow", "iam:*", "*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}))
    red, blue = fresh_name(), fresh_name()
    iam.create_user(UserName=red, Tags=[{"Key": "team", "Value": "red"}])
    iam.create_user(UserName=blue, Tags=[{"Key": "team", "Value": "blue"}])
    client = server.client("iam", tagged)
    client.get_user(UserName=red)
    refused("AccessDenied", 403, client.get_user, UserName=blue)


def test_what_is_not_supported_says_so(server, iam):
    for operation, call, params in (
            ("ListSSHPublicKeys", iam.list_ssh_public_keys, {}),
            ("CreateServiceSpecificCredential", iam.create_service_specific_credential,
             {"UserName": "u", "ServiceName": "codecommit.amazonaws.com"}),
            ("ListSigningCertificates", iam.list_signing_certificates, {}),
            ("GenerateOrganizationsAccessReport", iam.generate_organizations_access_report, {"EntityPath": "o-" + "x" * 20})):
        text = refused("NotImplemented", 501, call, **params)
        assert text.startswith(f"{operation} is not supported here: ")
    nobody = server.client("iam", server.user())
    refused("NotImplemented", 501, nobody.list_ssh_public_keys)
    refused("SignatureDoesNotMatch", 403, server.client("iam", server.root[0], "x" * 40).list_ssh_public_keys)
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListSSHPublicKeys"}])["Events"]
    assert {json.loads(e["CloudTrailEvent"])["errorCode"] for e in events} == {"NotImplemented", "SignatureDoesNotMatch"}


def test_everything_outlives_a_crash(fresh):
    iam = fresh.client("iam")
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=TRUST)
    who = fresh.user(allow("iam:ListRoles"))
    fresh.kill()
    fresh.start()
    assert [r["RoleName"] for r in fresh.client("iam", who).list_roles()["Roles"]] == ["app"]
