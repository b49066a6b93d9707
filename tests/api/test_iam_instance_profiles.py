"""Instance profiles as boto3 sees them: one role, passed by who may pass it, in the way of deleting both."""

import pytest

from conftest import allow, fresh_name, policy, refused

ACCOUNT = "111122223333"
TRUST = policy(allow("sts:AssumeRole", None, Principal={"Service": "ec2.amazonaws.com"}))


@pytest.fixture
def role(iam):
    name = fresh_name()
    iam.create_role(RoleName=name, Path="/app/", AssumeRolePolicyDocument=TRUST)
    return name


def test_a_profile_from_its_making_to_its_end(iam, role):
    name = fresh_name()
    made = iam.create_instance_profile(InstanceProfileName=name, Path="/web/", Tags=[{"Key": "a", "Value": "b"}])["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/web/{name}"
    assert made["InstanceProfileId"].startswith("AIPA") and len(made["InstanceProfileId"]) == 21 and made["Roles"] == []
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=name)
    assert refused("EntityAlreadyExists", 409, iam.create_instance_profile, InstanceProfileName=name) == \
        f"Instance Profile {name} already exists."
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    got = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert got["Tags"] == [{"Key": "a", "Value": "b"}] and got["CreateDate"] == made["CreateDate"]
    assert got["Roles"][0]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/app/{role}"
    assert got["Roles"][0]["AssumeRolePolicyDocument"]["Version"] == "2012-10-17"
    refused("LimitExceeded", 409, iam.add_role_to_instance_profile, InstanceProfileName=name, RoleName=role)
    refused("DeleteConflict", 409, iam.delete_instance_profile, InstanceProfileName=name)
    refused("DeleteConflict", 409, iam.delete_role, RoleName=role)
    assert [p["InstanceProfileName"] for p in iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]] == [name]
    iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    iam.delete_role(RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=name)
    refused("NoSuchEntity", 404, iam.get_instance_profile, InstanceProfileName=name)


def test_pages_and_paths(iam, role):
    path = f"/{fresh_name()}/"
    names = [fresh_name() for _ in range(5)]
    for name in names:
        iam.create_instance_profile(InstanceProfileName=name, Path=path)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    for pages in (iam.get_paginator("list_instance_profiles").paginate(PathPrefix=path, PaginationConfig={"PageSize": 2}),
                  iam.get_paginator("list_instance_profiles_for_role").paginate(RoleName=role, PaginationConfig={"PageSize": 2})):
        pages = list(pages)
        assert [len(p["InstanceProfiles"]) for p in pages] == [2, 2, 1]
        assert sorted(names) == [i["InstanceProfileName"] for p in pages for i in p["InstanceProfiles"]]


def test_tags(iam):
    name = fresh_name()
    iam.create_instance_profile(InstanceProfileName=name)
    iam.tag_instance_profile(InstanceProfileName=name, Tags=[{"Key": "team", "Value": "red"}])
    iam.tag_instance_profile(InstanceProfileName=name, Tags=[{"Key": "Team", "Value": "blue"}])
    assert iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"] == [{"Key": "Team", "Value": "blue"}]
    iam.untag_instance_profile(InstanceProfileName=name, TagKeys=["team"])
    assert iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"] == []


def test_nobody_becomes_more_by_a_profile(server, iam, role):
    name = fresh_name()
    iam.create_instance_profile(InstanceProfileName=name)
    builder = server.client("iam", server.user(allow(["iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile"])))
    text = refused("AccessDenied", 403, builder.add_role_to_instance_profile, InstanceProfileName=name, RoleName=role)
    assert f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/app/{role} because" in text
    passer = server.user(allow("iam:AddRoleToInstanceProfile"),
                         allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/app/*",
                               Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}))
    server.client("iam", passer).add_role_to_instance_profile(InstanceProfileName=name, RoleName=role.upper())
    builder.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
