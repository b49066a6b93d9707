"""Service-linked roles as boto3 sees them: made for a service, protected, deleted by a task."""

from conftest import allow, policy, refused

ACCOUNT = "111122223333"
BACKUP = "arn:aws:iam::aws:policy/aws-service-role/AWSBackupServiceLinkedRolePolicyForBackup"


def test_a_role_from_its_making_to_its_end(server, iam):
    made = iam.create_service_linked_role(AWSServiceName="backup.amazonaws.com", Description="for backups")["Role"]
    name = made["RoleName"]
    assert name == "AWSServiceRoleForBackup"
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/backup.amazonaws.com/{name}"
    assert made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "backup.amazonaws.com"}
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == [
        {"PolicyName": BACKUP.rpartition("/")[2], "PolicyArn": BACKUP}]
    assert iam.get_policy_version(PolicyArn=BACKUP, VersionId="v1")["PolicyVersion"]["Document"]["Statement"]
    text = refused("InvalidInput", 400, iam.create_service_linked_role, AWSServiceName="backup.amazonaws.com")
    assert text == f"Service role name {name} has been taken in this account, please try a different suffix."
    for call, params in ((iam.detach_role_policy, {"PolicyArn": BACKUP}), (iam.delete_role, {}),
                         (iam.put_role_policy, {"PolicyName": "p", "PolicyDocument": policy(allow("s3:*"))})):
        text = refused("UnmodifiableEntity", 400, call, RoleName=name, **params)
        assert text == f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    session = server.user(allow("sts:AssumeRole"))
    refused("AccessDenied", 403, server.client("sts", session).assume_role, RoleArn=made["Arn"], RoleSessionName="me")
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    refused("NoSuchEntity", 404, iam.get_role, RoleName=name)
    refused("NoSuchEntity", 404, iam.get_service_linked_role_deletion_status, DeletionTaskId=task + "x")
    refused("NoSuchEntity", 404, iam.delete_service_linked_role, RoleName=name)


def test_suffixes(iam):
    made = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix="blue")["Role"]
    assert made["RoleName"] == "AWSServiceRoleForAutoScaling_blue"
    iam.delete_service_linked_role(RoleName=made["RoleName"])
    text = refused("InvalidInput", 400, iam.create_service_linked_role, AWSServiceName="es.amazonaws.com", CustomSuffix="x")
    assert "es.amazonaws.com" in text
    text = refused("InvalidInput", 400, iam.create_service_linked_role, AWSServiceName="rds.amazonaws.com", CustomSuffix="x")
    assert text == "Custom suffix is not allowed for rds.amazonaws.com"


def test_a_user_may_be_bound_to_one_service(server, iam):
    bound = server.client("iam", server.user(allow("iam:CreateServiceLinkedRole", Condition={
        "StringEquals": {"iam:AWSServiceName": "support.amazonaws.com"}})))
    refused("AccessDenied", 403, bound.create_service_linked_role, AWSServiceName="config.amazonaws.com")
    made = bound.create_service_linked_role(AWSServiceName="support.amazonaws.com")["Role"]
    iam.delete_service_linked_role(RoleName=made["RoleName"])


def test_policies_of_services_are_for_their_roles_alone(server, iam):
    user = server.user()["UserName"]
    text = refused("PolicyNotAttachable", 400, iam.attach_user_policy, UserName=user, PolicyArn=BACKUP)
    assert text == "Cannot attach a Service Role Policy to a Customer Role."


def test_job_functions(server, iam):
    auditor, ghost = server.user(), server.user(allow("*"))
    iam.attach_user_policy(UserName=auditor["UserName"], PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")
    server.client("iam", auditor).list_roles()
    refused("AccessDenied", 403, server.client("iam", auditor).create_user, UserName="x")
    iam.attach_user_policy(UserName=ghost["UserName"], PolicyArn="arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2")
    refused("AccessDenied", 403, server.client("iam", ghost).create_user, UserName="x")
    server.client("iam", ghost).list_users()
    names = [p["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS", PathPrefix="/job-function/")
             for p in page["Policies"]]
    assert names == ["Billing", "DataScientist", "DatabaseAdministrator", "NetworkAdministrator", "SupportUser",
                     "SystemAdministrator", "ViewOnlyAccess"]
