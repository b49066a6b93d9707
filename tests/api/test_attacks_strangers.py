"""Every operation of IAM, STS and KMS, tried by other accounts' root users and by a user who may do nothing, once with names that are
there and once with names that are not: the answers are the same but for the names, so nobody finds out what there is by trying.
(What nobody and nobody's policies get for an answer, and that it is recorded, is in test_enforcement.py.)"""
import json
import re
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, eventually, policy, running
from test_enforcement import MODELS, OPERATIONS, TOKENS, attempt, plainest

OWNER, THEY, OTHERS = "111122223333", "444455556666", "777788889999"
PATH = "/board/"
TRIED = [(s, o) for s, o in OPERATIONS if s in ("iam", "sts", "kms") and (s, o) not in TOKENS]
SECRET = re.compile(r"\b(?:A(?:KIA|SIA|IDA|ROA|GPA|NPA|IPA|SCA)[A-Z0-9]{12,}|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d[T ][\d:.+]+Z?)\b")


@pytest.fixture(scope="module")
def server():
    with running() as made:
        yield made


class Names:
    """What can be named, of `account`; absent ones have the same form."""

    def __init__(self, name, account, key, key_id, blob=None):
        def arn(kind, path=PATH):
            return f"arn:aws:iam::{account}:{kind}{path}{name}"
        self.name = name
        self.of = {
            "iam": {"UserName": name, "RoleName": name, "GroupName": name, "InstanceProfileName": name, "PolicyName": name,
                    "ServerCertificateName": name, "PolicyArn": arn("policy"), "SerialNumber": arn("mfa"), "AccessKeyId": key,
                    "VirtualMFADeviceName": name, "AccountAlias": name + "-alias", "RoleArn": arn("role"), "Arn": arn("user"),
                    "PolicySourceArn": arn("user"), "OpenIDConnectProviderArn": f"arn:aws:iam::{account}:oidc-provider/{name}.example",
                    "SAMLProviderArn": arn("saml-provider", "/"), "PermissionsBoundary": arn("policy"), "Status": "Inactive",
                    "PolicyDocument": policy(allow("*")), "VersionId": "v1", "Tags": [{"Key": "a", "Value": "b"}], "TagKeys": ["a"],
                    "AuthenticationCode1": "123456", "AuthenticationCode2": "654321", "Url": f"https://{name}.example",
                    "AssumeRolePolicyDocument": policy(allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{account}:root"})),
                    "DeletionTaskId": f"task/aws-service-role/x.amazonaws.com/{name}/{uuid.UUID(int=1)}", "ActionNames": ["iam:GetUser"]},
            "sts": {"RoleArn": arn("role"), "RoleSessionName": "session", "AccessKeyId": key, "Name": name},
            "kms": {"KeyId": f"arn:aws:kms:us-east-1:{account}:key/{key_id}", "AliasName": f"alias/{name}", "TargetKeyId": key_id,
                    "Plaintext": b"x", "CiphertextBlob": b"x", "PolicyName": "default", "Tags": [{"TagKey": "a", "TagValue": "b"}],
                    "Policy": policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{account}:root"})), "TagKeys": ["a"],
                    "ReplicaRegion": "us-west-2", "PrimaryRegion": "us-west-2"}}
        self.key, self.key_id = key, key_id

    def parameters(self, service, name):
        op = next(o for o in MODELS[service].ops if o.name == name)
        known = self.of[service]
        # every member that names something, required or not: the optional ones are what is asked about
        return {m.name: known.get(m.name, None) if m.name in known else plainest(m.type)
                for m in op.input.members if "required" in m.words or (m.name in ("UserName", "RoleName", "GroupName", "KeyId") and m.name in known)}

    def plain(self, text):
        """Without what was asked with, and what differs from one call to the next."""
        for mine, called in ((self.key_id, "KEY-ID"), (self.key, "KEY"), (self.name, "NAME")):
            text = text.replace(mine, called)
        return SECRET.sub("…", text)


@pytest.fixture(scope="module")
def names(server):
    iam, name = server.client("iam"), "hidden"
    iam.create_user(UserName=name, Path=PATH, Tags=[{"Key": "a", "Value": "b"}])
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy(allow("s3:*")))
    iam.create_login_profile(UserName=name, Password="Correct-Horse-7")
    iam.create_group(GroupName=name, Path=PATH)
    iam.put_group_policy(GroupName=name, PolicyName=name, PolicyDocument=policy(allow("s3:*")))
    trust = policy(allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{OWNER}:root"}))
    iam.create_role(RoleName=name, Path=PATH, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy(allow("s3:*")))
    arn = iam.create_policy(PolicyName=name, Path=PATH, PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    iam.create_instance_profile(InstanceProfileName=name, Path=PATH)
    iam.create_virtual_mfa_device(VirtualMFADeviceName=name, Path=PATH)
    iam.create_open_id_connect_provider(Url=f"https://{name}.example", ClientIDList=["c"], ThumbprintList=["a" * 40])
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    iam.create_account_alias(AccountAlias="owner-of-it")
    kms = server.client("kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    absent_key = key[:-4] + ("AAAA" if key[-4:] != "AAAA" else "BBBB")
    return Names(name, OWNER, key, key_id), Names("absent", OWNER, absent_key, str(uuid.uuid4()))


def answers(server, clients, who, service, operation, parameters, names):
    client = clients.get((service, who["AccessKeyId"]))
    if not client:
        client = clients[service, who["AccessKeyId"]] = server.client(service, who, plain=True, parameter_validation=False)

    def settled():
        """A credential report is asked for some calls before, and made beside them."""
        got = attempt(client, operation, parameters)
        return got[0] != "ReportInProgress" and got
    code, http, _, answer = eventually(settled)
    answer.pop("ResponseMetadata")
    for made in (answer, answer.get("Credentials", {}), answer.get("VirtualMFADevice", {})):
        for name in {"Base32StringSeed", "QRCodePNG", "SecretAccessKey", "SessionToken"} & set(made):
            made[name] = "…"
    return code, http, names.plain(json.dumps(answer, default=str, sort_keys=True))


def complaints(server, here, absent, names, meant):
    """Calls with names that are there and names that are not, and tells where the answers differ."""
    there, nowhere, clients = *names, {}
    for service, operation in TRIED:
        if not meant(service, operation):
            continue
        got = answers(server, clients, here, service, operation, there.parameters(service, operation), there)
        none = answers(server, clients, absent, service, operation, nowhere.parameters(service, operation), nowhere)
        if got != none:
            yield f"{service} {operation}:\n    {got}\n    {none}"


def test_who_may_do_nothing_learns_nothing(server, names):
    nobody = server.user()
    # that he may not is the answer, whatever he asks for; a key of his own account that is not there KMS says so of, as AWS's does
    found = list(complaints(server, nobody, nobody, names, lambda s, o: s != "kms" and o not in ("GetCallerIdentity", "GetSessionToken")))
    assert not found, f"{len(found)} of {len(TRIED)}:\n" + "\n".join(found)


@pytest.fixture(scope="module")
def they(server):
    return server.new_account(THEY)


def test_other_accounts_learn_nothing(server, they, names):
    """Two accounts that are alike: one asks for what the owner has, the other for what he has not."""
    others = server.new_account(OTHERS)
    before = state(server)
    found = [c.replace(THEY, OTHERS) for c in complaints(server, they, others, names, lambda s, o: True)]

    def differs(complaint):
        _, got, none = complaint.split("\n    ")
        return got.replace("…", "") != none.replace("…", "")
    found = [c for c in found if differs(c)]
    assert not found, f"{len(found)} of {len(TRIED)}:\n" + "\n".join(found)
    assert state(server) == before, "another account changed something"


def state(server):
    iam, kms = server.client("iam"), server.client("kms")
    made = iam.get_account_authorization_details(Filter=["User", "Role", "Group", "LocalManagedPolicy"])
    made.pop("ResponseMetadata")
    lists = [iam.list_instance_profiles()["InstanceProfiles"], iam.list_virtual_mfa_devices()["VirtualMFADevices"],
             iam.list_open_id_connect_providers()["OpenIDConnectProviderList"], iam.list_account_aliases()["AccountAliases"],
             kms.list_keys()["Keys"], kms.list_aliases()["Aliases"], iam.list_access_keys(UserName="hidden")["AccessKeyMetadata"],
             iam.get_login_profile(UserName="hidden")["LoginProfile"]]
    return json.dumps([made, lists], default=str, sort_keys=True)


@pytest.mark.parametrize("operation, parameters", [
    ("attach_user_policy", {"UserName": "mine", "PolicyArn": f"arn:aws:iam::{OWNER}:policy{PATH}hidden"}),
    ("put_user_permissions_boundary", {"UserName": "mine", "PermissionsBoundary": f"arn:aws:iam::{OWNER}:policy{PATH}hidden"}),
    ("get_policy", {"PolicyArn": f"arn:aws:iam::{OWNER}:policy{PATH}hidden"}),
    ("get_policy_version", {"PolicyArn": f"arn:aws:iam::{OWNER}:policy{PATH}hidden", "VersionId": "v1"}),
    ("create_policy_version", {"PolicyArn": f"arn:aws:iam::{OWNER}:policy{PATH}hidden", "PolicyDocument": policy(allow("*")), "SetAsDefault": True}),
    ("delete_policy", {"PolicyArn": f"arn:aws:iam::{OWNER}:policy{PATH}hidden"}),
    ("tag_policy", {"PolicyArn": f"arn:aws:iam::{OWNER}:policy{PATH}hidden", "Tags": [{"Key": "x", "Value": "y"}]}),
    ("list_entities_for_policy", {"PolicyArn": f"arn:aws:iam::{OWNER}:policy{PATH}hidden"}),
    ("enable_mfa_device", {"UserName": "mine", "SerialNumber": f"arn:aws:iam::{OWNER}:mfa{PATH}hidden", "AuthenticationCode1": "123456", "AuthenticationCode2": "123456"}),
    ("delete_virtual_mfa_device", {"SerialNumber": f"arn:aws:iam::{OWNER}:mfa{PATH}hidden"}),
    ("get_open_id_connect_provider", {"OpenIDConnectProviderArn": f"arn:aws:iam::{OWNER}:oidc-provider/hidden.example"}),
    ("delete_open_id_connect_provider", {"OpenIDConnectProviderArn": f"arn:aws:iam::{OWNER}:oidc-provider/hidden.example"}),
    ("add_client_id_to_open_id_connect_provider", {"OpenIDConnectProviderArn": f"arn:aws:iam::{OWNER}:oidc-provider/hidden.example", "ClientID": "evil"}),
    ("simulate_principal_policy", {"PolicySourceArn": f"arn:aws:iam::{OWNER}:user{PATH}hidden", "ActionNames": ["s3:GetObject"]}),
    ("get_context_keys_for_principal_policy", {"PolicySourceArn": f"arn:aws:iam::{OWNER}:user{PATH}hidden"}),
    ("generate_service_last_accessed_details", {"Arn": f"arn:aws:iam::{OWNER}:user{PATH}hidden"}),
    ("list_policies_granting_service_access", {"Arn": f"arn:aws:iam::{OWNER}:user{PATH}hidden", "ServiceNamespaces": ["s3"]})])
def test_arns_of_another_account_name_nothing_here(server, they, names, operation, parameters):
    """A root user, who may do everything in his own account, names things of another by their ARNs."""
    iam, before = server.client("iam", they), state(server)
    if not any(u["UserName"] == "mine" for u in iam.list_users()["Users"]):
        iam.create_user(UserName="mine")
    with pytest.raises(ClientError) as e:
        getattr(iam, operation)(**parameters)
    error = e.value.response["Error"]
    assert error["Code"] in ("NoSuchEntity", "AccessDenied", "InvalidInput", "ValidationError"), error
    assert state(server) == before
