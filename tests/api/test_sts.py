"""STS as boto3 sees it: who may have a role's credentials, for how long, and what they carry."""
import datetime

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, deny, fresh_name, policy, refused

ACCOUNT = "111122223333"
OTHER = "444455556666"
EVERYTHING = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]


def arn_of(user):
    return f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}"


def make_role(server, principal, *statements, actions=EVERYTHING, **more):
    return server.make_role({"AWS": principal}, *statements, actions=actions, **more)


def assume(server, who, role, **more):
    return server.client("sts", who).assume_role(RoleArn=role, RoleSessionName="sess", **more)


@pytest.fixture
def ann(server):
    return server.user()


def test_caller_identity(server, ann):
    root = server.client("sts").get_caller_identity()
    assert (root["Account"], root["UserId"], root["Arn"]) == (ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    assert server.client("sts", ann).get_caller_identity()["Arn"] == arn_of(ann)
    server.client("iam").put_user_policy(UserName=ann["UserName"], PolicyName="d", PolicyDocument=policy(deny("*")))
    assert server.client("sts", ann).get_caller_identity()["UserId"].startswith("AIDA")


def test_assume_role(server, ann):
    role = make_role(server, arn_of(ann), allow("iam:ListUsers"))
    before = datetime.datetime.now(datetime.timezone.utc)
    made = assume(server, ann, role, DurationSeconds=900)
    name = role.rsplit("/", 1)[1]
    assert made["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/sess"
    begins, second = made["Credentials"]["Expiration"] - datetime.timedelta(seconds=900), datetime.timedelta(seconds=1)
    assert before - second < begins < datetime.datetime.now(datetime.timezone.utc) + second
    session = made["Credentials"]
    me = server.client("sts", session).get_caller_identity()
    assert me["Arn"] == made["AssumedRoleUser"]["Arn"] and me["UserId"] == made["AssumedRoleUser"]["AssumedRoleId"]
    server.client("iam", session).list_users()
    text = refused("AccessDenied", 403, server.client("iam", session).list_roles)
    assert text.startswith(f"User: {me['Arn']} is not authorized to perform: iam:ListRoles")
    assert "LastUsedDate" in server.client("iam").get_role(RoleName=name)["Role"]["RoleLastUsed"]


def test_the_untrusted_and_the_absent_are_refused_alike(server, ann):
    role = make_role(server, ACCOUNT)
    absent = f"arn:aws:iam::{ACCOUNT}:role/{fresh_name()}"
    for arn in [role, absent, f"arn:aws:iam::{OTHER}:role/x", role.upper().replace("ARN:AWS:IAM", "arn:aws:iam").replace("ROLE/", "role/")]:
        text = refused("AccessDenied", 403, assume, server, ann, arn)
        assert text == f"User: {arn_of(ann)} is not authorized to perform: sts:AssumeRole on resource: {arn}"
    refused("ValidationError", 400, assume, server, ann, f"arn:aws:iam::{ACCOUNT}:user/{ann['UserName']}")
    assert refused("AccessDenied", 403, assume, server, None, role) == "Roles may not be assumed by root accounts."


def test_duration(server, ann):
    role = make_role(server, arn_of(ann))
    text = refused("ValidationError", 400, assume, server, ann, role, DurationSeconds=3601)
    assert text == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    refused("ValidationError", 400, assume, server, ann, role, DurationSeconds=43201)


def test_sessions_expire(fresh):
    who = fresh.user()
    role = make_role(fresh, arn_of(who))
    session = assume(fresh, who, role, DurationSeconds=900)["Credentials"]
    sts = fresh.client("sts", session)
    sts.get_caller_identity()
    fresh.advance("20m")
    with pytest.raises(ClientError) as e:
        sts.get_caller_identity()
    assert code(e)[0] in ("ExpiredToken", "SignatureDoesNotMatch", "RequestExpired")


def test_chaining(server, ann):
    first = make_role(server, arn_of(ann), allow("*"), MaxSessionDuration=43200)
    second = make_role(server, first, MaxSessionDuration=43200)
    session = assume(server, ann, first, DurationSeconds=43200)["Credentials"]
    assume(server, session, second)
    text = refused("ValidationError", 400, assume, server, session, second, DurationSeconds=3601)
    assert text == "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."


def test_external_id(server, ann):
    role = make_role(server, arn_of(ann), condition={"StringEquals": {"sts:ExternalId": "x-7"}})
    refused("AccessDenied", 403, assume, server, ann, role)
    refused("AccessDenied", 403, assume, server, ann, role, ExternalId="x-8")
    assume(server, ann, role, ExternalId="x-7")


def test_session_policies(server, ann):
    role = make_role(server, arn_of(ann), allow("iam:List*"))
    made = assume(server, ann, role, Policy=policy(allow(["iam:ListUsers", "iam:CreateUser"])))
    assert made["PackedPolicySize"] > 0
    iam = server.client("iam", made["Credentials"])
    iam.list_users()
    assert refused("AccessDenied", 403, iam.list_roles).endswith("because no session policy allows the iam:ListRoles action")
    assert refused("AccessDenied", 403, iam.create_user, UserName="x").endswith(
        "because no identity-based policy allows the iam:CreateUser action")
    by_arn = assume(server, ann, role, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}])["Credentials"]
    refused("AccessDenied", 403, server.client("iam", by_arn).list_users)
    refused("MalformedPolicyDocument", 400, assume, server, ann, role, Policy="{}")
    refused("ValidationError", 400, assume, server, ann, role, Policy="x" * 2049)
    refused("ValidationError", 400, assume, server, ann, role, PolicyArns=[{"arn": f"arn:aws:iam::{ACCOUNT}:policy/{fresh_name()}"}])
    refused("ValidationError", 400, assume, server, ann, role,
            PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}] * 11)


def test_tags(server, ann):
    role = make_role(server, arn_of(ann), allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}))
    plain = make_role(server, arn_of(ann), actions=["sts:AssumeRole"])
    red = assume(server, ann, role, Tags=[{"Key": "team", "Value": "red"}], TransitiveTagKeys=["team"])["Credentials"]
    server.client("iam", red).list_users()
    blue = assume(server, ann, role, Tags=[{"Key": "team", "Value": "blue"}])["Credentials"]
    refused("AccessDenied", 403, server.client("iam", blue).list_users)
    assert "sts:TagSession" in refused("AccessDenied", 403, assume, server, ann, plain, Tags=[{"Key": "team", "Value": "red"}])
    refused("ValidationError", 400, assume, server, ann, role, Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}])
    refused("ValidationError", 400, assume, server, ann, role, Tags=[{"Key": "aws:a", "Value": ""}])
    refused("ValidationError", 400, assume, server, ann, role, TransitiveTagKeys=["a"])
    refused("PackedPolicyTooLarge", 400, assume, server, ann, role, Tags=[{"Key": f"k{i}", "Value": "v" * 250} for i in range(40)])


def test_source_identity(server, ann):
    first = make_role(server, arn_of(ann), allow("sts:*"))
    second = make_role(server, first)
    made = assume(server, ann, first, SourceIdentity="ann-1")
    assert made["SourceIdentity"] == "ann-1"
    assert assume(server, made["Credentials"], second)["SourceIdentity"] == "ann-1"
    refused("ValidationError", 400, assume, server, made["Credentials"], second, SourceIdentity="bob")


def test_mfa_is_refused(server, ann):
    role = make_role(server, arn_of(ann))
    refused("AccessDenied", 403, assume, server, ann, role, SerialNumber=f"arn:aws:iam::{ACCOUNT}:mfa/ann", TokenCode="123456")


def test_a_session_dies_with_its_role(server, ann):
    role = make_role(server, arn_of(ann))
    session = server.client("sts", assume(server, ann, role)["Credentials"])
    session.get_caller_identity()
    iam, name = server.client("iam"), role.rsplit("/", 1)[1]
    iam.delete_role(RoleName=name)
    refused("InvalidClientTokenId", 403, session.get_caller_identity)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(allow("sts:AssumeRole", None, Principal={"AWS": arn_of(ann)})))
    refused("InvalidClientTokenId", 403, session.get_caller_identity)


def test_trust_is_in_the_person_not_the_name(server, ann):
    role = make_role(server, arn_of(ann))
    assume(server, ann, role)
    iam = server.client("iam")
    iam.delete_access_key(UserName=ann["UserName"], AccessKeyId=ann["AccessKeyId"])
    iam.delete_user(UserName=ann["UserName"])
    refused("AccessDenied", 403, assume, server, server.user(name=ann["UserName"]), role)


@pytest.mark.parametrize("spoil", [
    lambda c: {**c, "SessionToken": c["SessionToken"][:-8] + "AAAAAAA="},
    lambda c: {**c, "SessionToken": c["SessionToken"][:100]},
    lambda c: {**c, "SessionToken": "x"},
    lambda c: {**c, "SessionToken": None},
    lambda c: {**c, "AccessKeyId": "ASIA" + c["AccessKeyId"][:3:-1]},
])
def test_spoiled_credentials(server, ann, spoil):
    session = assume(server, ann, make_role(server, arn_of(ann)))["Credentials"]
    refused("InvalidClientTokenId", 403, server.client("sts", spoil(session)).get_caller_identity)


def test_tokens_cannot_be_swapped(server, ann):
    role = make_role(server, arn_of(ann))
    one, two = assume(server, ann, role)["Credentials"], assume(server, ann, role)["Credentials"]
    swapped = {**one, "SessionToken": two["SessionToken"]}
    refused("InvalidClientTokenId", 403, server.client("sts", swapped).get_caller_identity)
    wrong = {**one, "SecretAccessKey": two["SecretAccessKey"]}
    refused("SignatureDoesNotMatch", 403, server.client("sts", wrong).get_caller_identity)


def test_across_accounts(fresh):
    other = fresh.new_account(OTHER) if fresh.process is None else None
    if other is None:
        fresh.stop()
        other = fresh.new_account(OTHER)
        fresh.start()
    theirs = fresh.client("iam", other)
    theirs.create_user(UserName="eve")
    made = theirs.create_access_key(UserName="eve")["AccessKey"]
    eve = {"AccessKeyId": made["AccessKeyId"], "SecretAccessKey": made["SecretAccessKey"]}
    role = make_role(fresh, f"arn:aws:iam::{OTHER}:user/eve", allow("iam:ListUsers"))
    refused("AccessDenied", 403, assume, fresh, eve, role)
    theirs.put_user_policy(UserName="eve", PolicyName="p", PolicyDocument=policy(allow("sts:AssumeRole")))
    session = assume(fresh, eve, role)["Credentials"]
    assert fresh.client("sts", session).get_caller_identity()["Account"] == ACCOUNT
    assert "eve" not in [u["UserName"] for u in fresh.client("iam", session).list_users()["Users"]]
    refused("AccessDenied", 403, assume, fresh, eve, make_role(fresh, ACCOUNT))
