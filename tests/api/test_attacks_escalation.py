"""Who may administer a little makes himself no administrator: by policies, keys, groups, boundaries, roles handed over, tags, MFA, and names
that look like others. Each attempt is refused, leaves everything as it was, and is in the trail."""
import concurrent.futures
import json
import uuid

import pytest
import raw
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, code, deny, policy, running
from test_iam_mfa import Phone
from witness import Witness

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ALL = policy(allow("*"))
TRUST = policy(allow("sts:AssumeRole", None, Principal=ROOT))
DENIED = ("AccessDenied", 403)


def arn(kind, name, account=ACCOUNT):
    return f"arn:aws:iam::{account}:{kind}/{name}"


@pytest.fixture(scope="module")
def server():
    with running("--test-clock") as made:
        yield made


@pytest.fixture(scope="module")
def iam(server):
    """The administrator's; with a boss, his group, his role, a policy everybody has, a boundary, a profile."""
    iam = server.client("iam")
    iam.create_user(UserName="boss", Path="/board/")
    iam.attach_user_policy(UserName="boss", PolicyArn=ADMIN)
    iam.create_group(GroupName="admins")
    iam.attach_group_policy(GroupName="admins", PolicyArn=ADMIN)
    iam.create_role(RoleName="admin", AssumeRolePolicyDocument=policy(allow("sts:AssumeRole", None, Principal={"AWS": arn("user/board", "boss")})))
    iam.attach_role_policy(RoleName="admin", PolicyArn=ADMIN)
    iam.create_role(RoleName="app", Path="/app/", AssumeRolePolicyDocument=TRUST)
    iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow(["s3:*", "iam:*"])))
    iam.create_policy(PolicyName="wide", PolicyDocument=ALL)
    iam.create_policy(PolicyName="shared", PolicyDocument=policy(allow("s3:ListAllMyBuckets")))
    iam.create_policy_version(PolicyArn=arn("policy", "shared"), PolicyDocument=policy(deny("*")), SetAsDefault=False)
    iam.create_instance_profile(InstanceProfileName="machine")
    return iam


@pytest.fixture
def witness(server):
    made = Witness(server)
    yield made
    made.verify()


def state(iam):
    made = iam.get_account_authorization_details()
    made.pop("ResponseMetadata")
    for role in made["RoleDetailList"]:
        role.pop("RoleLastUsed", None)
    more = [iam.list_access_keys(UserName="boss")["AccessKeyMetadata"], iam.list_instance_profiles()["InstanceProfiles"]]
    return json.dumps([made, more], default=str, sort_keys=True)


def self_service(name):
    """What a user is often let do with himself and with what he makes."""
    me = arn("user", name)
    return [allow(["iam:Get*", "iam:List*", "iam:Simulate*"]), allow(["iam:CreateAccessKey", "iam:ChangePassword", "iam:CreateLoginProfile"], me),
            allow("iam:PassRole", arn("role/app", "*"), Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
            allow("iam:AddRoleToInstanceProfile"), allow("iam:CreatePolicy", arn("policy/mine", "*"))]


# ---- what makes more of oneself -------------------------------------------------------------------------------------


ESCALATIONS = {
    "an inline policy for himself": lambda i, me: i.put_user_policy(UserName=me, PolicyName="x", PolicyDocument=ALL),
    "and in capitals": lambda i, me: i.put_user_policy(UserName=me.upper(), PolicyName="x", PolicyDocument=ALL),
    "a managed one": lambda i, me: i.attach_user_policy(UserName=me, PolicyArn=ADMIN),
    "the group of the mighty": lambda i, me: i.add_user_to_group(GroupName="admins", UserName=me),
    "the group in capitals": lambda i, me: i.add_user_to_group(GroupName="ADMINS", UserName=me),
    "a policy for a group": lambda i, me: i.put_group_policy(GroupName="admins", PolicyName="x", PolicyDocument=ALL),
    "a policy for a role": lambda i, me: i.put_role_policy(RoleName="app", PolicyName="x", PolicyDocument=ALL),
    "a managed one for a role": lambda i, me: i.attach_role_policy(RoleName="app", PolicyArn=ADMIN),
    "a new version": lambda i, me: i.create_policy_version(PolicyArn=arn("policy", "shared"), PolicyDocument=ALL, SetAsDefault=True),
    "a new version, kept for later": lambda i, me: i.create_policy_version(PolicyArn=arn("policy", "shared"), PolicyDocument=ALL),
    "another version": lambda i, me: i.set_default_policy_version(PolicyArn=arn("policy", "shared"), VersionId="v2"),
    "a version deleted": lambda i, me: i.delete_policy_version(PolicyArn=arn("policy", "shared"), VersionId="v2"),
    "the boss's keys": lambda i, me: i.create_access_key(UserName="boss"),
    "the boss's keys, in capitals": lambda i, me: i.create_access_key(UserName="BOSS"),
    "the boss's password": lambda i, me: i.create_login_profile(UserName="boss", Password="Correct-Horse-7"),
    "the boss's password, changed": lambda i, me: i.update_login_profile(UserName="boss", Password="Correct-Horse-7"),
    "who may be admin": lambda i, me: i.update_assume_role_policy(RoleName="admin", PolicyDocument=TRUST),
    "a role of his own": lambda i, me: i.create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST),
    "a user of his own": lambda i, me: i.create_user(UserName="puppet"),
    "the role handed to a machine": lambda i, me: i.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="admin"),
    "the role in capitals": lambda i, me: i.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="ADMIN"),
    "a service's role": lambda i, me: i.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com"),
    "his path": lambda i, me: i.update_user(UserName=me, NewPath="/board/"),
    "his name": lambda i, me: i.update_user(UserName=me, NewUserName="boss2"),
    "the boss's name": lambda i, me: i.update_user(UserName="boss", NewUserName="was-boss"),
    "his tags": lambda i, me: i.tag_user(UserName=me, Tags=[{"Key": "team", "Value": "admins"}]),
    "a role's tags": lambda i, me: i.tag_role(RoleName="admin", Tags=[{"Key": "team", "Value": "mine"}]),
    "a policy where it is not his": lambda i, me: i.create_policy(PolicyName="x", Path="/app/", PolicyDocument=ALL),
    "a policy beside his folder": lambda i, me: i.create_policy(PolicyName="x", Path="/min/", PolicyDocument=ALL),
    "a policy in another case": lambda i, me: i.create_policy(PolicyName="x", Path="/Mine/", PolicyDocument=ALL),
    "a longer session": lambda i, me: i.update_role(RoleName="admin", MaxSessionDuration=43200),
    "an identity provider": lambda i, me: i.create_open_id_connect_provider(Url="https://evil.example", ClientIDList=["x"], ThumbprintList=["a" * 40]),
    "the account's passwords": lambda i, me: i.update_account_password_policy(MinimumPasswordLength=6),
    "somebody's MFA": lambda i, me: i.deactivate_mfa_device(UserName="boss", SerialNumber=arn("mfa", "boss")),
    "a device for himself in the boss's name": lambda i, me: i.create_virtual_mfa_device(VirtualMFADeviceName="boss"),
}


@pytest.fixture(scope="module")
def helper(server, iam):
    name = "helper-" + uuid.uuid4().hex[:6]
    return server.user(*self_service(name), name=name)


@pytest.mark.parametrize("how", ESCALATIONS)
def test_nobody_makes_himself_more(server, iam, witness, helper, how):
    before, name = state(iam), helper["UserName"]
    witness.refuses(*DENIED, lambda: ESCALATIONS[how](server.client("iam", helper), name), by=arn("user", name))
    assert state(iam) == before


def test_what_he_may_he_can(server, iam, helper):
    """So that the refusals above are not those of somebody who may nothing at all."""
    mine = server.client("iam", helper)
    mine.list_users()
    made = mine.create_access_key()["AccessKey"]["AccessKeyId"]
    iam.delete_access_key(UserName=helper["UserName"], AccessKeyId=made)
    mine.create_policy(PolicyName="p", Path="/mine/", PolicyDocument=ALL)
    mine.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="app")
    iam.remove_role_from_instance_profile(InstanceProfileName="machine", RoleName="app")


# ---- boundaries ------------------------------------------------------------------------------------------------------


BOUND = arn("policy", "bound")
LEAD = [allow(["iam:CreateUser", "iam:CreateRole", "iam:PutUserPolicy", "iam:PutRolePolicy", "iam:AttachUserPolicy", "iam:AttachRolePolicy",
               "iam:DetachUserPolicy", "iam:DeleteUserPolicy", "iam:PutUserPermissionsBoundary", "iam:PutRolePermissionsBoundary",
               "iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary"],
              Condition={"StringEquals": {"iam:PermissionsBoundary": BOUND}}),
        deny(["iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary"]),
        deny(["iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy"], BOUND),
        allow(["iam:CreatePolicy*", "iam:CreateAccessKey", "iam:SetDefaultPolicyVersion", "iam:TagPolicy"], [arn("policy", "*"), arn("user", "dev-*")])]


@pytest.fixture(scope="module")
def lead(server, iam):
    """A delegated administrator: everybody he makes is bounded."""
    made = server.user(*LEAD, name="lead")
    mine = server.client("iam", made)
    mine.create_user(UserName="dev-1", PermissionsBoundary=BOUND)
    mine.put_user_policy(UserName="dev-1", PolicyName="p", PolicyDocument=ALL)
    mine.create_role(RoleName="dev-role", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=BOUND)
    iam.create_user(UserName="free")
    return made


UNBOUND = {
    "nobody bounded": lambda i: i.create_user(UserName="dev-2"),
    "a role not bounded": lambda i: i.create_role(RoleName="dev-2", AssumeRolePolicyDocument=TRUST),
    "another bound": lambda i: i.create_user(UserName="dev-2", PermissionsBoundary=arn("policy", "wide")),
    "AWS's": lambda i: i.create_user(UserName="dev-2", PermissionsBoundary=ADMIN),
    "in another case": lambda i: i.create_user(UserName="dev-2", PermissionsBoundary=arn("policy", "BOUND")),
    "with a path": lambda i: i.create_user(UserName="dev-2", PermissionsBoundary=arn("policy/x", "bound")),
    "of another account": lambda i: i.create_user(UserName="dev-2", PermissionsBoundary=arn("policy", "bound", "444455556666")),
    "a wildcard": lambda i: i.create_user(UserName="dev-2", PermissionsBoundary=arn("policy", "b*")),
    "replaced": lambda i: i.put_user_permissions_boundary(UserName="dev-1", PermissionsBoundary=ADMIN),
    "a role's replaced": lambda i: i.put_role_permissions_boundary(RoleName="dev-role", PermissionsBoundary=arn("policy", "wide")),
    "taken off": lambda i: i.delete_user_permissions_boundary(UserName="dev-1"),
    "a role's taken off": lambda i: i.delete_role_permissions_boundary(RoleName="dev-role"),
    "his own": lambda i: i.put_user_permissions_boundary(UserName="lead", PermissionsBoundary=arn("policy", "wide")),
    "a policy for the free": lambda i: i.put_user_policy(UserName="free", PolicyName="p", PolicyDocument=ALL),
    "and attached": lambda i: i.attach_user_policy(UserName="free", PolicyArn=ADMIN),
    "and for himself": lambda i: i.put_user_policy(UserName="lead", PolicyName="p", PolicyDocument=ALL),
    "and for a role": lambda i: i.attach_role_policy(RoleName="app", PolicyArn=ADMIN),
    "the free, in capitals": lambda i: i.put_user_policy(UserName="FREE", PolicyName="p", PolicyDocument=ALL),
    "a wider version of the bound": lambda i: i.create_policy_version(PolicyArn=BOUND, PolicyDocument=ALL, SetAsDefault=True),
    "another default": lambda i: i.set_default_policy_version(PolicyArn=BOUND, VersionId="v1"),
    "the bound deleted": lambda i: i.delete_policy(PolicyArn=BOUND),
    "a key of the free": lambda i: i.create_access_key(UserName="free"),
}


@pytest.mark.parametrize("how", UNBOUND)
def test_who_makes_the_bounded_makes_none_unbounded(server, iam, witness, lead, how):
    before = state(iam)
    with pytest.raises(ClientError) as e:
        UNBOUND[how](server.client("iam", lead))
    error, meta = e.value.response["Error"], e.value.response["ResponseMetadata"]
    assert error["Code"] == "AccessDenied", error
    witness.note(meta["HTTPHeaders"]["x-amzn-requestid"], error["Code"], arn("user", "lead"), how)
    assert state(iam) == before


def test_a_bound_holds_what_it_bounds(server, iam, witness, lead):
    key = server.client("iam", lead).create_access_key(UserName="dev-1")["AccessKey"]
    server.client("s3", key).list_buckets()
    said = witness.refuses("AccessDeniedException", 400, server.client("kms", key).list_keys, by=arn("user", "dev-1"))
    assert said.endswith("because no permissions boundary allows the kms:ListKeys action")
    # giving more to himself gives him no more
    server.client("iam", key).attach_user_policy(UserName="dev-1", PolicyArn=ADMIN)
    witness.refuses("AccessDeniedException", 400, server.client("kms", key).list_keys)
    session = server.client("sts", key).get_session_token()["Credentials"]
    witness.refuses("AccessDeniedException", 400, server.client("kms", session).list_keys)
    with pytest.raises(ClientError) as e:  # nor does what he lends; that he may not even lend is the bound's doing
        server.client("sts", key).get_federation_token(Name="bob", Policy=ALL)
    assert code(e) == DENIED


# ---- the deputy, and roles handed over ---------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "", "secret", "SECRET-42", "secret-42 ", "secret-4", "secret-422", "*", "secret*", "secret-??", "${sts:ExternalId}", "ｓecret-42"])
def test_a_deputy_without_the_right_external_id(server, iam, given):
    witness = Witness(server)
    name = "deputy-" + uuid.uuid4().hex[:8]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(
        allow("sts:AssumeRole", None, Principal=ROOT, Condition={"StringEquals": {"sts:ExternalId": "secret-42"}})))
    deputy = server.user(allow("sts:AssumeRole"))
    sts = server.client("sts", deputy, parameter_validation=False)
    ask = {"RoleArn": arn("role", name), "RoleSessionName": "deputy"}
    assert sts.assume_role(**ask, ExternalId="secret-42")["Credentials"]
    with pytest.raises(ClientError) as e:
        sts.assume_role(**ask, **({} if given is None else {"ExternalId": given}))
    assert code(e)[0] in ("AccessDenied", "ValidationError"), e.value
    if not given or set(given) <= set("secret-42SECRET"):
        assert code(e)[0] == ("ValidationError" if given == "" else "AccessDenied")
    witness.note(e.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"], code(e)[0], arn("user", deputy["UserName"]), str(given))
    witness.verify()


def test_a_role_is_found_by_its_whole_arn(server, iam, witness):
    name = "vault-" + uuid.uuid4().hex[:8]
    iam.create_role(RoleName=name, Path="/a/", AssumeRolePolicyDocument=TRUST)
    user = server.user(allow("sts:AssumeRole"))
    sts, by = server.client("sts", user, parameter_validation=False), arn("user", user["UserName"])
    assert sts.assume_role(RoleArn=arn("role/a", name), RoleSessionName="night")
    near = [arn("role", name), arn("role/a", name.upper()), arn("role/A", name), arn("role/a/b/..", name), arn("role/a/", name), arn("role/a/.", name),
            arn("role//a", name), arn("role/a", name + "/"), arn("role/a", name) + "%20", arn("role/%61", name), arn("role/a", "%76" + name[1:]),
            arn("role/a", "\u0475" + name[1:]), arn("ROLE/a", name), arn("user/a", name), f"arn:aws:iam:us-east-1:{ACCOUNT}:role/a/{name}",
            f"arn:aws-cn:iam::{ACCOUNT}:role/a/{name}", f"arn:aws:IAM::{ACCOUNT}:role/a/{name}", f"arn:aws:sts::{ACCOUNT}:role/a/{name}",
            f"ARN:aws:iam::{ACCOUNT}:role/a/{name}", f"arn:aws:iam:::role/a/{name}", f"arn:aws:iam::{ACCOUNT}:role/a/*", "*", f"arn:aws:iam::{ACCOUNT}:root"]
    for spelt in near:
        with pytest.raises(ClientError) as e:
            sts.assume_role(RoleArn=spelt, RoleSessionName="night")
        assert code(e)[0] in ("AccessDenied", "ValidationError"), (spelt, e.value)
        witness.note(e.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"], code(e)[0], by, spelt)


def test_a_role_is_handed_to_whom_it_may_be_handed(server, iam, witness):
    for statements in ([allow("iam:AddRoleToInstanceProfile")],
                       [allow("iam:AddRoleToInstanceProfile"), allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}})],
                       [allow("iam:AddRoleToInstanceProfile"), allow("iam:PassRole", arn("role", "app"))],  # without its path
                       [allow("iam:AddRoleToInstanceProfile"), allow("iam:PassRole", arn("role/APP", "app"))],
                       [allow("iam:AddRoleToInstanceProfile"), allow("iam:PassRole"), deny("IAM:passROLE", arn("role/app", "*"))],
                       [allow("iam:AddRoleToInstanceProfile"), allow("iam:PassRole", Condition={"StringEquals": {"iam:AssociatedResourceArn": "arn:aws:ec2:*:1:*"}})],
                       [allow("iam:PassRole")]):
        user = server.user(*statements)
        witness.refuses(*DENIED, server.client("iam", user).add_role_to_instance_profile, by=arn("user", user["UserName"]),
                        InstanceProfileName="machine", RoleName="app")


# ---- tags -----------------------------------------------------------------------------------------------------------------


def tags(**given):
    return [{"Key": k, "Value": v} for k, v in given.items()]


def test_tags_asked_for_cannot_be_had_in_another_case(server, iam, witness):
    user = server.user(allow(["iam:CreateUser", "iam:TagUser"], Condition={"StringEquals": {"aws:RequestTag/team": "blue"},
                                                                        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}))
    mine, by = server.client("iam", user), arn("user", user["UserName"])
    mine.create_user(UserName="t-" + uuid.uuid4().hex[:8], Tags=tags(team="blue"))
    for given in ([], tags(team="red"), tags(team="Blue"), tags(team=" blue"), tags(team="blue "), tags(team="blue", Owner="x"), tags(TEAM="red"),
                  tags(TEAM="blue"), tags(teаm="blue"), tags(team="*"), tags(**{"team ": "blue"}), tags(team="blue", TEAM="red"), tags(TEAM="red", team="blue")):
        with pytest.raises(ClientError) as e:
            mine.create_user(UserName="t-" + uuid.uuid4().hex[:8], Tags=given)
        assert code(e)[0] in ("AccessDenied", "InvalidInput", "ValidationError"), given
        witness.note(e.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"], code(e)[0], by, str(given))


def test_a_lock_that_is_a_tag_is_not_taken_off_in_another_case(server, iam, witness):
    """Tag keys have no case in IAM, and values of condition keys do: who must not name "lock" must not name "LOCK" either."""
    victim = "v-" + uuid.uuid4().hex[:8]
    iam.create_user(UserName=victim, Tags=tags(lock="on", team="blue"))
    user = server.user(allow(["iam:DeleteUser", "iam:TagUser", "iam:UntagUser"]),
                       deny("iam:DeleteUser", Condition={"StringEquals": {"aws:ResourceTag/lock": "on"}}),
                       deny(["iam:TagUser", "iam:UntagUser"], Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": ["lock"]}}))
    mine, by = server.client("iam", user), arn("user", user["UserName"])
    witness.refuses(*DENIED, mine.delete_user, UserName=victim, by=by)
    for key in ("lock", "LOCK", "Lock", "lOcK"):
        witness.refuses(*DENIED, mine.untag_user, UserName=victim, TagKeys=["team", key], by=by)
        witness.refuses(*DENIED, mine.tag_user, UserName=victim, Tags=tags(**{key: "off"}), by=by)
    for victim_name in (victim, victim.upper()):
        witness.refuses(*DENIED, mine.delete_user, UserName=victim_name, by=by)
    mine.untag_user(UserName=victim, TagKeys=["team"])
    assert iam.list_user_tags(UserName=victim)["Tags"] == tags(lock="on")


def test_a_session_does_not_dress_up(server, iam, witness):
    """A role that may pass no tags, or certain ones, is not handed others; what a caller's session must keep stays."""
    name = "dressed-" + uuid.uuid4().hex[:8]
    may = allow("sts:TagSession", None, Principal=ROOT, Condition={"StringEquals": {"aws:RequestTag/team": ["blue"]},
                                                                   "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(allow("sts:AssumeRole", None, Principal=ROOT), may), Tags=tags(team="grey", level="1"))
    user = server.user(allow("sts:*"))
    sts, by, ask = server.client("sts", user), arn("user", user["UserName"]), {"RoleArn": arn("role", name), "RoleSessionName": "night"}
    assert sts.assume_role(**ask, Tags=tags(team="blue"), TransitiveTagKeys=["team"])
    for given in (tags(team="red"), tags(TEAM="red"), tags(level="9"), tags(team="blue", level="9"), tags(Level="9", team="blue"), tags(team="BLUE")):
        witness.refuses(*DENIED, sts.assume_role, **ask, Tags=given, by=by)
    for given in (tags(team="blue", TEAM="red"), tags(**{"aws:team": "blue"}), tags(**{"AWS:team": "blue"})):
        witness.refuses("ValidationError", 400, sts.assume_role, **ask, Tags=given, by=by)
    # "level" by another name is the role's own level
    other = "plain-" + uuid.uuid4().hex[:8]
    iam.create_role(RoleName=other, Tags=tags(level="1"), AssumeRolePolicyDocument=policy(
        allow(["sts:AssumeRole", "sts:TagSession"], None, Principal=ROOT),
        deny("sts:TagSession", None, Principal=ROOT, Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": "level"}})))
    plain = {"RoleArn": arn("role", other), "RoleSessionName": "night"}
    assert sts.assume_role(**plain, Tags=tags(team="any"))
    for key in ("level", "LEVEL", "Level"):
        witness.refuses(*DENIED, sts.assume_role, **plain, Tags=tags(**{key: "9"}), by=by)
    session = sts.assume_role(**ask, Tags=tags(team="blue"), TransitiveTagKeys=["TEAM"])["Credentials"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("sts:*")))
    for given in (tags(team="blue"), tags(Team="blue"), tags(TEAM="blue")):
        with pytest.raises(ClientError) as e:
            server.client("sts", session).assume_role(**ask, Tags=given)
        assert code(e)[0] == "ValidationError" or (code(e)[0] == "AccessDenied" and given[0]["Key"] != "team")


# ---- names that look like others ------------------------------------------------------------------------------------------


def test_names_are_plain(server, iam):
    for name in ("bоss", "boss\u200b", "ｂoss", "boss\u0301", "b\u00f6ss", "boss ", " boss", "boss/x", "../boss", "boss\n", "boss%00", "boss*", "b?ss", "${aws:username}", "boss\u202e", ""):
        for make in (lambda: iam.create_user(UserName=name), lambda: iam.create_group(GroupName=name), lambda: iam.create_policy(PolicyName=name, PolicyDocument=ALL),
                     lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST), lambda: iam.create_instance_profile(InstanceProfileName=name)):
            raw_iam = iam
            with pytest.raises(Exception) as e:
                make()
            assert getattr(e.value, "response", {"Error": {"Code": "ValidationError"}})["Error"]["Code"] == "ValidationError", (name, e.value)
    for make in (lambda: iam.create_user(UserName="BOSS"), lambda: iam.create_user(UserName="Boss", Path="/other/"), lambda: iam.create_group(GroupName="Admins"),
                 lambda: iam.create_role(RoleName="ADMIN", AssumeRolePolicyDocument=TRUST), lambda: iam.create_policy(PolicyName="SHARED", PolicyDocument=ALL),
                 lambda: iam.create_instance_profile(InstanceProfileName="Machine")):
        with pytest.raises(ClientError) as e:
            make()
        assert code(e) == ("EntityAlreadyExists", 409)


@pytest.mark.parametrize("action", ["IAM:LISTUSERS", "iAm:lIsTuSeRs", "iam:List?sers", "iam:*users", "*", "iam:*", "iam:Lis*ers"])
def test_a_deny_has_no_case(server, witness, action):
    user = server.user(allow("iam:ListUsers"), deny(action))
    said = witness.refuses(*DENIED, server.client("iam", user).list_users, by=arn("user", user["UserName"]))
    assert said.endswith("with an explicit deny in an identity-based policy")


@pytest.mark.parametrize("resource", ["user/board/BOSS", "user/boss", "user/Board/boss", "user/board/b\u043ess", "user/board/%62oss", "user/board/boss/", "user//board/boss",
                                      "role/board/boss", "user/board/bos", "user/board/?boss", "user/x/../board/boss"])
def test_an_allow_is_for_what_it_names(server, iam, witness, resource):
    user = server.user(allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:{resource}"), allow("iam:GetUser", f"arn:aws:iam::444455556666:user/board/boss"))
    for name in ("boss", "BOSS"):
        witness.refuses(*DENIED, server.client("iam", user).get_user, UserName=name, by=arn("user", user["UserName"]))


def test_a_type_in_another_case_is_no_resource(server, iam):
    made = server.user()
    with pytest.raises(ClientError) as e:
        iam.put_user_policy(UserName=made["UserName"], PolicyName="p",
                            PolicyDocument=policy(allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:USER/board/boss")))
    assert code(e)[0] == "MalformedPolicyDocument"


@pytest.mark.parametrize("action", ["iаm:ListUsers", "iam :ListUsers", "iam:List Users", "iam::ListUsers", "iam", "", ":", "iam:ListUsers\u0000", "ｉam:ListUsers", "iam:Listusers:x", "i*m:ListUsers\n"])
def test_actions_that_are_none_are_refused_or_allow_nothing(server, iam, action):
    made = server.user()
    try:
        iam.put_user_policy(UserName=made["UserName"], PolicyName="p", PolicyDocument=policy(allow(action)))
    except ClientError as e:
        assert e.response["Error"]["Code"] in ("MalformedPolicyDocument", "ValidationError")
    with pytest.raises(ClientError) as e:
        server.client("iam", made).list_users()
    assert code(e) == DENIED


@pytest.mark.parametrize("agent", ["*", "?????", "a*", "ann*", "*/../*", "ann/../bob", "${aws:username}"])
def test_what_a_client_says_is_no_pattern(server, agent):
    """A policy variable stands for its value: stars in it are stars."""
    s3, bucket = server.client("s3"), "vars-" + uuid.uuid4().hex[:8]
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="bob/k", Body=b"x")
    user = server.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/${{aws:UserAgent}}/k"))
    with raw.Wire(server) as wire:
        for target, status in ((f"/{bucket}/bob/k", 403), (f"/{bucket}/bob/%6b", 403), (f"/{bucket}/{agent[0]}/../bob/k", 403)):
            wire.send(raw.request(wire.host, "s3", "GET", target.replace("?", "%3F").replace("$", "%24").replace("*", "%2A"),
                                  who=(user["AccessKeyId"], user["SecretAccessKey"]), raw=[f"User-Agent: {agent}"]))
            assert wire.recv().status == status
        wire.send(raw.request(wire.host, "s3", "GET", f"/{bucket}/bob/k", who=(user["AccessKeyId"], user["SecretAccessKey"]), raw=["User-Agent: bob"]))
        assert wire.recv().status == 200


@pytest.mark.parametrize("target", ["home/ann/../bob/k", "home/ann/%2e%2e/bob/k", "home/ann/..%2fbob/k", "home/ann%2f..%2fbob%2fk", "home%2Fbob%2Fk", "home/bob/k",
                                    "home//bob/k", "HOME/bob/k", "home/ann/./../bob/k", "home/%62ob/k", "home/ann\\..\\bob/k".replace("\\", "%5C")])
def test_paths_of_objects_are_names(server, target):
    s3, bucket = server.client("s3"), "paths-" + uuid.uuid4().hex[:8]
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="home/bob/k", Body=b"secret")
    ann = "ann-" + uuid.uuid4().hex[:6]
    user = server.user(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/home/ann/*"), name=ann)
    with raw.Wire(server) as wire:
        wire.send(raw.request(wire.host, "s3", "GET", f"/{bucket}/{target}", who=(user["AccessKeyId"], user["SecretAccessKey"])))
        reply = wire.recv()
    assert reply.status in (400, 403, 404) and b"secret" not in reply.body


# ---- MFA --------------------------------------------------------------------------------------------------------------------


def test_a_code_opens_once_however_many_try(server, iam):
    user = server.user(allow("sts:*"))
    phone = Phone(server)
    phone.ahead_s = server_ahead(server)
    phone.enable(user["UserName"]).wait()
    AHEAD[server] = phone.ahead_s
    ask, now = server.client("sts", user, max_pool_connections=16), phone.shows()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda _: outcome(lambda: ask.get_session_token(SerialNumber=phone.serial, TokenCode=now)), range(32)))
    assert done.count(None) == 1 and set(done) == {None, "AccessDenied"}


AHEAD = {}


def server_ahead(server):
    return AHEAD.get(server, 0)


def outcome(call):
    try:
        call()
        return None
    except ClientError as e:
        return e.response["Error"]["Code"]


def test_ways_around_mfa(server, iam, witness):
    """Everything but the right code of one's own enabled device leaves the door shut."""
    guard = deny("*", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
    user, other = server.user(allow("*"), deny("s3:*", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})), server.user(allow("*"))
    phones = []
    for who in (user, other):
        phone = Phone(server)
        phone.ahead_s = server_ahead(server)
        phones.append(phone.enable(who["UserName"]))
        phone.wait()
        AHEAD[server] = phone.ahead_s
    mine, theirs = phones
    mine.ahead_s = theirs.ahead_s
    sts, by = server.client("sts", user, parameter_validation=False), arn("user", user["UserName"])
    witness.refuses(*DENIED, server.client("s3", user).list_buckets, by=by)
    witness.refuses(*DENIED, server.client("s3", sts.get_session_token()["Credentials"]).list_buckets, by=by)
    right = mine.shows()
    wide = "".join(chr(ord(c) + 0xfee0) for c in right)
    for serial, given in ((theirs.serial, theirs.shows()), (mine.serial, theirs.shows()), (mine.serial, wide), (mine.serial, "+" + right[1:]), (mine.serial, " " + right[1:]),
                          (mine.serial, right[:5]), (mine.serial, right + "0"), (mine.serial, ""), (mine.serial.upper(), right), (mine.serial.replace(ACCOUNT, "444455556666"), right),
                          (mine.serial + "/", right), (mine.serial.replace(":mfa/", ":mfa//"), right), (None, right), (mine.serial, None), ("GAHT12345678", right)):
        kw = {k: v for k, v in (("SerialNumber", serial), ("TokenCode", given)) if v is not None}
        with pytest.raises(ClientError) as e:
            sts.get_session_token(**kw)
        assert code(e)[0] in ("AccessDenied", "ValidationError"), (kw, e.value)
        witness.note(e.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"], code(e)[0], by, str(kw))
    # a role's session has not the MFA of who assumed it
    name = "after-mfa-" + uuid.uuid4().hex[:6]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(allow("sts:AssumeRole", None, Principal=ROOT, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("*"), guard))
    role = {"RoleArn": arn("role", name), "RoleSessionName": "night"}
    witness.refuses(*DENIED, sts.assume_role, **role, by=by)
    theirs.wait()
    AHEAD[server] = mine.ahead_s = theirs.ahead_s
    shown = sts.get_session_token(SerialNumber=mine.serial, TokenCode=mine.shows())["Credentials"]
    server.client("s3", shown).list_buckets()
    session = server.client("sts", shown).assume_role(**role)["Credentials"]
    witness.refuses(*DENIED, server.client("s3", session).list_buckets)
    # taken off, a device opens nothing more
    iam.deactivate_mfa_device(UserName=user["UserName"], SerialNumber=mine.serial)
    theirs.wait()
    AHEAD[server] = mine.ahead_s = theirs.ahead_s
    witness.refuses(*DENIED, sts.get_session_token, SerialNumber=mine.serial, TokenCode=mine.shows(), by=by)


# ---- sessions that want more -------------------------------------------------------------------------------------------------


def test_a_borrowed_name_is_no_user(server, iam, witness):
    """What GetFederationToken lends calls no IAM and no STS, and has no more than its lender and its policies."""
    by = server.user(allow(["s3:ListAllMyBuckets", "kms:ListKeys", "iam:*", "sts:*"]))
    who = server.client("sts", by).get_federation_token(Name="root", Policy=policy(allow(["s3:*", "iam:*", "sts:*"])))["Credentials"]
    me = f"arn:aws:sts::{ACCOUNT}:federated-user/root"
    server.client("s3", who).list_buckets()
    witness.refuses("AccessDeniedException", 400, server.client("kms", who).list_keys, by=me)
    witness.refuses(*DENIED, server.client("s3", who).create_bucket, Bucket="borrowed-" + uuid.uuid4().hex[:8], by=me)
    for call, given in (("list_users", {}), ("create_access_key", {"UserName": by["UserName"]}), ("create_user", {"UserName": "x"})):
        witness.refuses("InvalidClientTokenId", 403, getattr(server.client("iam", who), call), **given, by=me)
    sts = server.client("sts", who)
    for call, given in (("get_session_token", {}), ("get_federation_token", {"Name": "again"}), ("assume_role", {"RoleArn": arn("role", "app"), "RoleSessionName": "night"}),
                        ("get_access_key_info", {"AccessKeyId": by["AccessKeyId"]}), ("decode_authorization_message", {"EncodedMessage": "x"})):
        witness.refuses(*DENIED, getattr(sts, call), **given, by=me)
    # named like a user in a policy of another kind he is not that user
    bucket = "lent-" + uuid.uuid4().hex[:8]
    s3 = server.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": arn("user/board", "boss")})))
    boss = server.client("sts", by).get_federation_token(Name="boss", Policy=policy(allow("s3:GetObject")))["Credentials"]
    witness.refuses(*DENIED, server.client("s3", boss).get_object, Bucket=bucket, Key="k", by=f"arn:aws:sts::{ACCOUNT}:federated-user/boss")


def test_session_names_are_no_roles(server, iam, witness):
    """A session called like another role is told apart from it wherever names are compared."""
    s3, bucket = server.client("s3"), "named-" + uuid.uuid4().hex[:8]
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Principal={"AWS": arn("role/app", "app")})))
    user = server.user(allow("sts:AssumeRole"))
    name = "pose-" + uuid.uuid4().hex[:6]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    sts = server.client("sts", user)
    for session in ("app", "AROAAPP", "admin", "root", "boss"):
        made = sts.assume_role(RoleArn=arn("role", name), RoleSessionName=session)["Credentials"]
        witness.refuses(*DENIED, server.client("s3", made).list_objects_v2, Bucket=bucket, by=f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}")
    assert server.client("s3", sts.assume_role(RoleArn=arn("role/app", "app"), RoleSessionName="x1")["Credentials"]).list_objects_v2(Bucket=bucket)["KeyCount"] == 0
