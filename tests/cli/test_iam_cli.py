"""IAM and STS with Debian's AWS CLI, as people and tools use them: profiles, providers of credentials, paging, reports, flows."""
import base64
import csv
import hashlib
import hmac
import io
import json
import pathlib
import struct
import subprocess
import sys
import time

import pytest

from conftest import ACCOUNT, Server, allow, eventually, policy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))

from idp import Idp, token  # noqa: E402
from shell import Shell  # noqa: E402

TRUST = policy(allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("cli"), "--federation-allow-private", "--credentials", "127.0.0.1:0").start()
    yield server
    assert server.stop() == 0, server.log.read_text()[-4000:]


@pytest.fixture
def aws(served, tmp_path):
    return Shell(served, tmp_path)


def code_of(seed, step):
    digest = hmac.new(base64.b32decode(seed), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[19] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 10**6:06}"


def keys_of(profile, user):
    return f"[{profile}]\naws_access_key_id = {user['AccessKeyId']}\naws_secret_access_key = {user['SecretAccessKey']}\n"


# -- who one is


def test_a_profile_with_a_role(aws, served):
    user = served.user(allow("sts:AssumeRole"))
    role = "cli-" + user["UserName"]
    served.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=TRUST)
    aws.configure(f"[profile base]\n[profile deep]\nrole_arn = {ROLE}{role}\nsource_profile = base\n"
                  "role_session_name = deep\nregion = us-east-1\n", keys_of("base", user))
    assert aws.who("--profile", "base").endswith(":user/" + user["UserName"])
    assert aws.who("--profile", "deep") == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/deep"
    assert aws.who(AWS_PROFILE="deep") == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/deep"
    served.client("iam").delete_role(RoleName=role)
    assert "(InvalidClientTokenId)" in aws.refused("--profile", "deep", "sts", "get-caller-identity")


def test_a_profile_with_a_role_that_asks_for_mfa(aws, served):
    user = served.user(allow("sts:AssumeRole"))
    role = "mfa-" + user["UserName"]
    png = aws.home / "qr.png"
    made = aws.ok("iam", "create-virtual-mfa-device", "--virtual-mfa-device-name", role, "--outfile", str(png),
                  "--bootstrap-method", "QRCodePNG")
    assert list(made["VirtualMFADevice"]) == ["SerialNumber"] and png.read_bytes().startswith(b"\x89PNG")
    uri = subprocess.run(["zbarimg", "-q", "--raw", str(png)], text=True, capture_output=True).stdout
    seed, serial = uri.split("secret=")[1].split("&")[0].strip(), made["VirtualMFADevice"]["SerialNumber"]
    step = int(time.time()) // 30
    served.client("iam").enable_mfa_device(UserName=user["UserName"], SerialNumber=serial, AuthenticationCode1=code_of(seed, step - 1),
                                           AuthenticationCode2=code_of(seed, step))
    trust = json.loads(TRUST)
    trust["Statement"][0]["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    served.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    aws.configure(f"[profile base]\n[profile plain]\nrole_arn = {ROLE}{role}\nsource_profile = base\n"
                  f"[profile mfa]\nrole_arn = {ROLE}{role}\nsource_profile = base\nmfa_serial = {serial}\n", keys_of("base", user))
    assert "(AccessDenied) when calling the AssumeRole operation" in aws.refused("--profile", "plain", "sts", "get-caller-identity")
    asked = aws.asked("MFA code", lambda: code_of(seed, max(step + 1, int(time.time()) // 30)), "--profile", "mfa", "sts", "get-caller-identity")
    assert f"assumed-role/{role}/" in asked, asked


def test_a_profile_with_a_process(aws, served):
    user = served.user()
    given = {"Version": 1, **{k: user[k] for k in ("AccessKeyId", "SecretAccessKey")}}
    (aws.home / "given.json").write_text(json.dumps(given))
    aws.configure(f"[profile process]\ncredential_process = /bin/cat {aws.home}/given.json\n")
    assert aws.who("--profile", "process").endswith(":user/" + user["UserName"])


def test_a_web_identity(aws, served, tmp_path_factory):
    idp = Idp(tmp_path_factory.mktemp("idp"), "/realm")
    try:
        iam = served.client("iam")
        arn = iam.create_open_id_connect_provider(Url=idp.url, ClientIDList=["app"],
                                                  ThumbprintList=[idp.thumbprint])["OpenIDConnectProviderArn"]
        iam.create_role(RoleName="web", AssumeRolePolicyDocument=policy(
            allow("sts:AssumeRoleWithWebIdentity", None, Principal={"Federated": arn})))
        now = int(time.time())
        jwt = aws.home / "token"
        jwt.write_text(token(idp.rsa, {"iss": idp.url, "sub": "me", "aud": "app", "iat": now, "exp": now + 600}))
        env = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(jwt), "AWS_ROLE_ARN": ROLE + "web", "AWS_ROLE_SESSION_NAME": "pod"}
        assert aws.who(**env) == f"arn:aws:sts::{ACCOUNT}:assumed-role/web/pod"
        aws.configure(f"[profile web]\nrole_arn = {ROLE}web\nweb_identity_token_file = {jwt}\nrole_session_name = other\n")
        assert aws.who("--profile", "web") == f"arn:aws:sts::{ACCOUNT}:assumed-role/web/other"
        jwt.write_text("not.a.token")
        assert "(InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation" in aws.refused(
            "sts", "get-caller-identity", **env | {"AWS_ROLE_SESSION_NAME": "again"})
    finally:
        idp.stop()


@pytest.mark.parametrize("service, more", [("ecs-tasks", []), ("ec2", ["--imds"])])
def test_a_role_of_a_program(aws, served, service, more):
    trust = policy(allow("sts:AssumeRole", None, Principal={"Service": service + ".amazonaws.com"}))
    served.client("iam").create_role(RoleName=service, AssumeRolePolicyDocument=trust)
    out = served.holdfast("workload", "add", service, "--role", ROLE + service, *more, "--data", served.data).stdout
    env = dict(line.removeprefix("export ").replace("'", "").split("=", 1) for line in out.splitlines() if line.startswith("export "))
    assert aws.who(**env).startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/{service}/")


# -- lists, documents, reports


def test_pages(aws, served):
    for i in range(5):
        served.client("iam").create_group(GroupName=f"page{i}", Path="/pages/")
    listing = ("iam", "list-groups", "--path-prefix", "/pages/")
    whole = aws.ok(*listing, "--page-size", "2")
    assert [g["GroupName"] for g in whole["Groups"]] == [f"page{i}" for i in range(5)] and "NextToken" not in whole
    odd = aws.ok(*listing, "--max-items", "3", "--page-size", "2")
    assert [g["GroupName"] for g in odd["Groups"]] == ["page0", "page1", "page2"]
    rest = aws.ok(*listing, "--starting-token", odd["NextToken"])
    assert [g["GroupName"] for g in rest["Groups"]] == ["page3", "page4"]
    assert aws.refused(*listing, "--no-paginate", "--marker", "***") == (
        "An error occurred (ValidationError) when calling the ListGroups operation: Invalid Marker.")


def test_documents_come_back_as_objects(aws, served):
    document = json.loads(policy(allow("s3:GetObject", "arn:aws:s3:::b/ü%20+&x")))
    path = aws.home / "policy.json"
    path.write_text(json.dumps(document, ensure_ascii=False))
    served.client("iam").create_role(RoleName="docs", AssumeRolePolicyDocument=TRUST)
    aws.ok("iam", "put-role-policy", "--role-name", "docs", "--policy-name", "p", "--policy-document", f"file://{path}")
    assert aws.ok("iam", "get-role-policy", "--role-name", "docs", "--policy-name", "p")["PolicyDocument"] == document
    assert aws.ok("iam", "get-role", "--role-name", "docs")["Role"]["AssumeRolePolicyDocument"] == json.loads(TRUST)
    details = aws.ok("iam", "get-account-authorization-details", "--filter", "Role")["RoleDetailList"]
    role = next(r for r in details if r["RoleName"] == "docs")
    assert role["RolePolicyList"] == [{"PolicyName": "p", "PolicyDocument": document}]
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST) and role["InstanceProfileList"] == []


def test_the_credential_report(aws, served):
    assert "(ReportNotPresent)" in aws.refused("iam", "get-credential-report")
    assert aws.ok("iam", "generate-credential-report")["State"] == "STARTED"
    eventually(lambda: served.client("iam").generate_credential_report()["State"] == "COMPLETE")
    report = aws.ok("iam", "get-credential-report")
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(report["Content"]).decode())))
    assert report["ReportFormat"] == "text/csv" and rows[0]["user"] == "<root_account>"


def test_what_would_be_allowed(aws, served):
    served.client("iam").create_user(UserName="simulated")
    served.client("iam").attach_user_policy(UserName="simulated", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    simulate = ("iam", "simulate-principal-policy", "--policy-source-arn", f"arn:aws:iam::{ACCOUNT}:user/simulated")
    results = aws.ok(*simulate, "--action-names", "s3:GetObject", "s3:PutObject")["EvaluationResults"]
    assert [(r["EvalActionName"], r["EvalDecision"]) for r in results] == [("s3:GetObject", "allowed"), ("s3:PutObject", "implicitDeny")]
    assert results[0]["MatchedStatements"][0]["SourcePolicyId"] == "AmazonS3ReadOnlyAccess"
    waiting = aws.ok(*simulate, "--action-names", "s3:GetObject", "s3:PutObject", "--max-items", "1")
    assert len(waiting["EvaluationResults"]) == 1 and waiting["NextToken"]


def test_refusals_word_by_word(aws):
    def says(operation, code, text):
        return f"An error occurred ({code}) when calling the {operation} operation: {text}"

    assert aws.refused("iam", "create-user", "--user-name", "a b") == says(
        "CreateUser", "ValidationError", "The specified value for userName is invalid. It must contain only alphanumeric characters "
        "and/or the following: +=,.@_-")
    assert aws.refused("iam", "create-role", "--role-name", "x", "--assume-role-policy-document", '{"statement":[]}') == says(
        "CreateRole", "MalformedPolicyDocument", "Unknown field statement")
    assert aws.refused("iam", "get-role", "--role-name", "nobody") == says(
        "GetRole", "NoSuchEntity", "The role with name nobody cannot be found.")
