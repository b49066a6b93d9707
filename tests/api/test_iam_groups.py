"""IAM groups as boto3 sees them: every operation, and that a group's policies count for who is in it, from the next request on."""

import pytest

from conftest import allow, deny, fresh_name, policy, refused

ACCOUNT = "111122223333"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture
def group(iam):
    name = fresh_name("group")
    iam.create_group(GroupName=name)
    return name


@pytest.fixture
def user(server):
    return server.user()


def test_group(iam):
    name = fresh_name()
    made = iam.create_group(GroupName=name, Path="/team/")["Group"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/team/{name}" and made["GroupId"].startswith("AGPA")
    got = iam.get_group(GroupName=name)
    assert got["Group"] == made and got["Users"] == [] and got["IsTruncated"] is False
    assert refused("EntityAlreadyExists", 409, iam.create_group, GroupName=name.upper()) == f"Group with name {name.upper()} already exists."
    assert [g["GroupName"] for g in iam.list_groups(PathPrefix="/team/")["Groups"]] == [name]
    iam.update_group(GroupName=name, NewGroupName=name + "x", NewPath="/")
    assert refused("NoSuchEntity", 404, iam.get_group, GroupName=name) == f"The group with name {name} cannot be found."
    iam.delete_group(GroupName=name + "x")
    refused("NoSuchEntity", 404, iam.delete_group, GroupName=name + "x")


def test_pages(server, iam, group):
    names = sorted(server.user()["UserName"] for _ in range(5))
    for name in names:
        iam.add_user_to_group(GroupName=group, UserName=name)
    pages = list(iam.get_paginator("get_group").paginate(GroupName=group, PaginationConfig={"PageSize": 2}))
    assert [len(p["Users"]) for p in pages] == [2, 2, 1]
    assert [u["UserName"] for p in pages for u in p["Users"]] == names
    more = [fresh_name("g") for _ in range(3)]
    for name in more:
        iam.create_group(GroupName=name)
        iam.add_user_to_group(GroupName=name, UserName=names[0])
    pages = iam.get_paginator("list_groups_for_user").paginate(UserName=names[0], PaginationConfig={"PageSize": 1})
    assert [g["GroupName"] for p in pages for g in p["Groups"]] == sorted([group, *more])


def test_inline_policies(iam, group):
    document = policy(allow("s3:*"))
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=document)
    got = iam.get_group_policy(GroupName=group, PolicyName="p")
    assert got["GroupName"] == group and got["PolicyDocument"]["Statement"][0]["Action"] == "s3:*"
    assert iam.list_group_policies(GroupName=group)["PolicyNames"] == ["p"]
    assert refused("DeleteConflict", 409, iam.delete_group, GroupName=group) == "Cannot delete entity, must delete policies first."
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    assert refused("NoSuchEntity", 404, iam.get_group_policy, GroupName=group, PolicyName="p") == \
        "The group policy with name p cannot be found."


def test_attached_policies(iam, group):
    arn = iam.create_policy(PolicyName=fresh_name("policy"), PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName=group, PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert [p["PolicyArn"] for p in iam.list_attached_group_policies(GroupName=group)["AttachedPolicies"]] == [arn]
    entities = iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="Group")
    assert [g["GroupName"] for g in entities["PolicyGroups"]] == [group]
    assert refused("DeleteConflict", 409, iam.delete_policy, PolicyArn=arn) == "Cannot delete a policy attached to entities."
    iam.detach_group_policy(GroupName=group, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def test_conflicts(iam, group, user):
    iam.add_user_to_group(GroupName=group, UserName=user["UserName"])
    iam.delete_access_key(UserName=user["UserName"], AccessKeyId=user["AccessKeyId"])
    for call, name in ((iam.delete_group, {"GroupName": group}), (iam.delete_user, {"UserName": user["UserName"]})):
        assert refused("DeleteConflict", 409, call, **name) == "Cannot delete entity, must remove users from group first."
    iam.remove_user_from_group(GroupName=group, UserName=user["UserName"])
    iam.remove_user_from_group(GroupName=group, UserName=user["UserName"])  # no matter
    iam.delete_user(UserName=user["UserName"])
    iam.delete_group(GroupName=group)


def test_allowed_only_through_a_group(server, iam, group, user):
    his = server.client("iam", user)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=policy(allow("iam:ListRoles")))
    for _ in range(20):  # every change is in force for the very next request, on whichever thread it lands
        refused("AccessDenied", 403, his.list_roles)
        iam.add_user_to_group(GroupName=group, UserName=user["UserName"])
        his.list_roles()
        iam.remove_user_from_group(GroupName=group, UserName=user["UserName"])


def test_denied_by_a_group(server, iam, group):
    user = server.user(allow("*"))
    his = server.client("iam", user)
    his.list_roles()
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=policy(deny("iam:ListRoles")))
    iam.add_user_to_group(GroupName=group, UserName=user["UserName"])
    assert refused("AccessDenied", 403, his.list_roles).endswith("with an explicit deny in an identity-based policy")
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    his.list_roles()


def test_renaming_changes_nothing(server, iam, group, user):
    iam.attach_group_policy(GroupName=group, PolicyArn=READ_ONLY)
    iam.add_user_to_group(GroupName=group, UserName=user["UserName"])
    iam.update_group(GroupName=group, NewGroupName=group + "x")
    iam.update_user(UserName=user["UserName"], NewUserName=user["UserName"] + "x")
    server.client("iam", user).list_roles()
    assert iam.get_group(GroupName=group + "x")["Users"][0]["UserName"] == user["UserName"] + "x"


def test_a_group_is_no_principal(iam, group):
    trust = policy(allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:group/{group}"}))
    refused("MalformedPolicyDocument", 400, iam.create_role, RoleName=fresh_name("role"), AssumeRolePolicyDocument=trust)
