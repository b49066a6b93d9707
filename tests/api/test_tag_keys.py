"""Tags in policies: on every operation that gives or takes tags aws:RequestTag and aws:TagKeys are there to be denied by, and on every one that
names something with tags its aws:ResourceTag. The operations come from the models."""

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, deny, running
from test_attacks_secrets import certificate
from test_attacks_strangers import names  # noqa: F401
from test_enforcement import MODELS, OPERATIONS, TOKENS, attempt

DENIED = ("AccessDenied", "AccessDeniedException")
TAKES = {(s, o.name): o.row.get("conditions") or {} for s in ("iam", "kms", "sts") for o in MODELS[s].ops
         if (s, o.name) in OPERATIONS and (s, o.name) not in TOKENS}
TAGGED = {"UserName": "user", "RoleName": "role", "PolicyArn": "policy", "InstanceProfileName": "instance-profile", "SerialNumber": "mfa",
          "OpenIDConnectProviderArn": "oidc-provider", "ServerCertificateName": "server-certificate", "KeyId": "key"}
# They name a user or policy beside the resource that is asked for: it is the group or device that counts there.
BESIDE = {"AddUserToGroup", "RemoveUserFromGroup", "AttachGroupPolicy", "DetachGroupPolicy"}
# They decide on the caller's own or on no resource, whatever else they are told.
NONE = {"ListAccessKeys", "ChangePassword", "GetAccessKeyLastUsed"}


@pytest.fixture(scope="module")
def server():
    with running() as made:
        yield made


@pytest.fixture(scope="module")
def there(server, names, tmp_path_factory):  # noqa: F811
    """All of it, tagged a=b."""
    iam, name = server.client("iam"), "hidden"
    private, public = certificate(tmp_path_factory.mktemp("certificate"))
    of = names[0].of["iam"]
    tags = of["Tags"]
    iam.upload_server_certificate(ServerCertificateName=name, CertificateBody=public, PrivateKey=private, Tags=tags)
    iam.tag_role(RoleName=name, Tags=tags)
    iam.tag_policy(PolicyArn=of["PolicyArn"], Tags=tags)
    iam.tag_instance_profile(InstanceProfileName=name, Tags=tags)
    iam.tag_mfa_device(SerialNumber=of["SerialNumber"], Tags=tags)
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=of["OpenIDConnectProviderArn"], Tags=tags)
    server.client("kms").tag_resource(KeyId=names[0].key_id, Tags=[{"TagKey": "a", "TagValue": "b"}])
    return names[0]


def asked(there, service, operation, **tags):
    made = there.parameters(service, operation)
    op = next(o for o in MODELS[service].ops if o.name == operation)
    members = {m.name for m in op.input.members}
    if "TagKeys" in members:
        made["TagKeys"] = list(tags)
    elif "Tags" in members:
        made["Tags"] = [{"TagKey": k, "TagValue": v} if service == "kms" else {"Key": k, "Value": v} for k, v in tags.items()]
    return made


def sweep(server, there, key_condition, meant, **tags):
    who = server.user(allow("*"), deny("*", Condition=key_condition))
    clients = {s: server.client(s, who, plain=True, parameter_validation=False) for s in ("iam", "kms", "sts")}
    tried, let_through = 0, []
    for service, operation in TAKES:
        if not meant(service, operation):
            continue
        got, _, _, answer = attempt(clients[service], operation, asked(there, service, operation, **tags))
        said = answer.get("Error", {}).get("Message", "")
        tried += 1
        if got not in DENIED or (service != "sts" and "with an explicit deny in an identity-based policy" not in said):
            let_through.append(f"{service} {operation}: {got} {said}")
    assert not let_through, "\n".join(let_through)
    return tried


def gives(service, operation):
    return "aws:RequestTag/${TagKey}" in TAKES[service, operation]


def names_tags(service, operation):
    return "aws:TagKeys" in TAKES[service, operation]


@pytest.mark.parametrize("key", ["aws:RequestTag/team", "AWS:requesttag/TEAM"])
def test_what_is_given(server, there, key):
    assert sweep(server, there, {"StringEquals": {key: "red"}}, gives, team="red", other="x") > 18


def test_what_is_named(server, there):
    assert sweep(server, there, {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}, names_tags, other="x", team="red") > 26
    assert sweep(server, there, {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "a"]}, "Null": {"aws:TagKeys": "false"}}, names_tags, team="red") > 26


def has_tags(service, operation):
    if operation.startswith(("Create", "Upload", "Simulate", "List", "Generate")) and operation not in (
            "CreateAccessKey", "CreateLoginProfile", "CreatePolicyVersion", "ListUserTags", "ListRoleTags", "ListPolicyTags", "ListUserPolicies",
            "ListAttachedUserPolicies", "ListRolePolicies", "ListAttachedRolePolicies", "ListGroupsForUser", "ListPolicyVersions"):
        return False
    if operation in BESIDE | NONE or service == "sts":
        return False
    op = next(o for o in MODELS[service].ops if o.name == operation)
    return "NotImplemented" not in str(op.row) and any(m.name in TAGGED for m in op.input.members if "required" in m.words)


@pytest.mark.parametrize("key", ["aws:ResourceTag/a", "aws:resourcetag/A"])
def test_what_it_is_about(server, there, key):
    assert sweep(server, there, {"StringEquals": {key: "b"}}, has_tags, team="red") > 60


def test_a_role_that_is_assumed(server, there):
    who = server.user(allow("*"), deny("*", Condition={"StringEquals": {"aws:ResourceTag/a": "b"}}))
    with pytest.raises(ClientError) as e:
        server.client("sts", who).assume_role(RoleArn=there.of["sts"]["RoleArn"], RoleSessionName="night")
    assert code(e) == ("AccessDenied", 403)
    assert server.client("sts", server.user(allow("*"))).assume_role(RoleArn=there.of["sts"]["RoleArn"], RoleSessionName="night")
