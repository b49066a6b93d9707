# SPDX-License-Identifier: Apache-2.0
"""The policy simulators as boto3 and the CLI see them: AWS's own samples with their documented results, every refusal."""
import json
import random
import subprocess
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import allow, code, deny, message, policy

ACCOUNT = "111122223333"
OTHER = "999988887777"


def name_of(kind):
    return f"{kind}-{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="module")
def iam(server):
    return server.client("iam")


def refused(want, call, **params):
    with pytest.raises(ClientError) as e:
        call(**params)
    assert code(e) == (want, 500 if want == "PolicyEvaluation" else 404 if want == "NoSuchEntity" else 400), message(e)
    return message(e)


def key(name, value, kind="string"):
    return {"ContextKeyName": name, "ContextKeyValues": value if isinstance(value, list) else [value],
            "ContextKeyType": kind}


def custom(iam, documents, actions="s3:GetObject", **more):
    documents = [documents] if isinstance(documents, str) else documents
    actions = [actions] if isinstance(actions, str) else actions
    return iam.simulate_custom_policy(PolicyInputList=documents, ActionNames=actions, **more)["EvaluationResults"]


def decision(*args, **more):
    found = custom(*args, **more)
    assert len(found) == 1
    return found[0]["EvalDecision"]


# ---- AWS's samples ------------------------------------------------------------------------------------

DYNAMO = ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":'
          '{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}')


def test_sample_of_the_cli_reference(iam):
    (r,) = custom(iam, DYNAMO, "dynamodb:CreateBackup",
                  ContextEntries=[key("aws:CurrentTime", "2019-04-25T11:00:00Z", "date")])
    assert r == {"EvalActionName": "dynamodb:CreateBackup", "EvalResourceName": "*", "EvalDecision": "allowed",
                 "MatchedStatements": [{"SourcePolicyId": "PolicyInputList.1", "SourcePolicyType": "IAM Policy",
                                        "StartPosition": {"Line": 1, "Column": 38},
                                        "EndPosition": {"Line": 1, "Column": 167}}],
                 "MissingContextValues": []}
    (r,) = custom(iam, DYNAMO, "dynamodb:CreateBackup",
                  ContextEntries=[key("aws:CurrentTime", "2014-04-25T11:00:00Z", "date")])
    assert r == {"EvalActionName": "dynamodb:CreateBackup", "EvalResourceName": "*", "EvalDecision": "implicitDeny",
                 "MatchedStatements": [], "MissingContextValues": []}


def test_sample_of_simulate_custom_policy_with_a_context_key(iam):
    document = """{
  "Version":"2012-10-17",
  "Statement":{
    "Effect":"Allow",
    "Action":"s3:ListBucket",
    "Resource":"arn:aws:s3:::teambucket",
    "Condition":{
      "Bool":{"aws:MultiFactorAuthPresent":"true"}
    }
  }
}"""
    mfa = key("aws:MultiFactorAuthPresent", "true", "boolean")
    arn = "arn:aws:s3:::teambucket"
    (r,) = custom(iam, document, "s3:ListBucket", ResourceArns=[arn], ContextEntries=[mfa])
    assert (r["EvalDecision"], r["EvalResourceName"], r["EvalDecisionDetails"]) == ("allowed", arn, {})
    (s,) = r["MatchedStatements"]
    assert (s["StartPosition"], s["EndPosition"]) == ({"Line": 3, "Column": 16}, {"Line": 10, "Column": 4})
    (of,) = r["ResourceSpecificResults"]
    assert of == {"EvalResourceName": arn, "EvalResourceDecision": "allowed", "MatchedStatements": [s],
                  "MissingContextValues": []}
    # the sample's boundary only denies IAM actions: nothing in it allows
    bounded = custom(iam, document, "s3:ListBucket", ResourceArns=[arn], ContextEntries=[mfa],
                     PermissionsBoundaryPolicyInputList=[policy(deny(["iam:GetRole", "iam:CreateRole"]))])[0]
    assert bounded["EvalDecision"] == "implicitDeny"
    assert bounded["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_sample_of_a_same_account_simulation(iam):
    """Identity and boundary allow IAM only; the bucket's policy names the user himself, and that is enough."""
    only_iam = policy(allow("iam:*"))
    mateo = f"arn:aws:iam::{ACCOUNT}:user/mateo"
    (r,) = custom(iam, only_iam, "s3:PutObject", CallerArn=mateo, ResourceArns=["arn:aws:s3:::production/Test"],
                  ResourceOwner=f"arn:aws:iam::{ACCOUNT}:root", PermissionsBoundaryPolicyInputList=[only_iam],
                  ResourcePolicy=policy(allow(["s3:List*", "s3:Put*"], "arn:aws:s3:::production/*",
                                              Principal={"AWS": mateo})))
    assert r["EvalDecision"] == "allowed" and r["EvalDecisionDetails"] == {}
    assert r["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    (s,) = r["MatchedStatements"]
    assert (s["SourcePolicyId"], s["SourcePolicyType"]) == ("ResourcePolicy", "Resource Policy")
    (of,) = r["ResourceSpecificResults"]
    assert of["EvalResourceDecision"] == "allowed" and "EvalDecisionDetails" not in of
    assert of["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_sample_of_a_cross_account_simulation(iam):
    """The bucket's policy lets Arnav in, his own account does not."""
    name = name_of("arnav")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    more = {"ResourceArns": ["arn:aws:s3:::mary/Test"], "ResourceOwner": f"arn:aws:iam::{OTHER}:root",
            "PermissionsBoundaryPolicyInputList": [policy(allow("iam:*"))],
            "ResourcePolicy": policy(allow(["s3:List*", "s3:Put*"], "arn:aws:s3:::mary/*", Principal={"AWS": arn}))}
    (r,) = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:PutObject"],
                                         **more)["EvaluationResults"]
    said = {"IAM Policy": "implicitDeny", "Resource Policy": "allowed", "Permissions Boundary Policy": "implicitDeny"}
    assert r["EvalDecision"] == "implicitDeny" and r["EvalDecisionDetails"] == said
    assert r["MatchedStatements"] == [] and r["EvalResourceName"] == "arn:aws:s3:::mary/Test"
    (of,) = r["ResourceSpecificResults"]
    assert of["EvalDecisionDetails"] == said
    assert [s["SourcePolicyId"] for s in of["MatchedStatements"]] == ["ResourcePolicy"]
    # with both sides willing it is allowed
    more["PermissionsBoundaryPolicyInputList"] = [policy(allow("s3:*"))]
    (r,) = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:PutObject"],
                                         PolicyInputList=[policy(allow("s3:Put*"))], **more)["EvaluationResults"]
    assert r["EvalDecision"] == "allowed" and set(r["EvalDecisionDetails"].values()) == {"allowed"}
    assert [s["SourcePolicyId"] for s in r["MatchedStatements"]] == ["PolicyInputList.1", "ResourcePolicy"] or \
        [s["SourcePolicyId"] for s in r["MatchedStatements"]] == ["ResourcePolicy", "PolicyInputList.1"]


# "Example IAM identity-based policies" of the IAM User Guide: document, then cases of
# (action, resource, context, decision).
GUIDE = {
    "access during specific dates": (
        policy(allow("dynamodb:*", Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-04-01T00:00:00Z"},
                                              "DateLessThan": {"aws:CurrentTime": "2020-06-30T23:59:59Z"}})),
        [("dynamodb:GetItem", "*", [key("aws:CurrentTime", "2020-05-01T00:00:00Z", "date")], "allowed"),
         ("dynamodb:GetItem", "*", [key("aws:CurrentTime", "2020-07-01T00:00:00Z", "date")], "implicitDeny"),
         ("s3:GetObject", "*", [key("aws:CurrentTime", "2020-05-01T00:00:00Z", "date")], "implicitDeny")]),
    "deny access outside of the requested regions": (
        policy(deny(None, Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]}})
               | {"NotAction": ["cloudfront:*", "iam:*", "route53:*", "support:*"]}, allow("*")),
        [("ec2:RunInstances", "*", [key("aws:RequestedRegion", "eu-west-1")], "allowed"),
         ("ec2:RunInstances", "*", [key("aws:RequestedRegion", "us-east-1")], "explicitDeny"),
         ("iam:ListUsers", "*", [key("aws:RequestedRegion", "us-east-1")], "allowed")]),
    "deny access based on the source IP": (
        policy(deny("*", Condition={"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]},
                                    "Bool": {"aws:ViaAWSService": "false"}}), allow("*")),
        [("s3:GetObject", "*", [key("aws:SourceIp", "203.0.113.9", "ip"), key("aws:ViaAWSService", "false", "boolean")],
          "allowed"),
         ("s3:GetObject", "*", [key("aws:SourceIp", "198.51.100.9", "ip"), key("aws:ViaAWSService", "false", "boolean")],
          "explicitDeny"),
         ("s3:GetObject", "*", [key("aws:SourceIp", "198.51.100.9", "ip"), key("aws:ViaAWSService", "true", "boolean")],
          "allowed")]),
    "a user's own home directory": (
        policy(allow("s3:*", ["arn:aws:s3:::bucket-name/home/${aws:username}",
                              "arn:aws:s3:::bucket-name/home/${aws:username}/*"]),
               allow("s3:ListBucket", "arn:aws:s3:::bucket-name",
                     Condition={"StringLike": {"s3:prefix": ["", "home/", "home/${aws:username}/*"]}})),
        [("s3:GetObject", "arn:aws:s3:::bucket-name/home/ann/a.txt", [key("aws:username", "ann")], "allowed"),
         ("s3:GetObject", "arn:aws:s3:::bucket-name/home/bob/a.txt", [key("aws:username", "ann")], "implicitDeny"),
         ("s3:ListBucket", "arn:aws:s3:::bucket-name", [key("aws:username", "ann"), key("s3:prefix", "home/ann/x")],
          "allowed"),
         ("s3:ListBucket", "arn:aws:s3:::bucket-name", [key("aws:username", "ann"), key("s3:prefix", "home/bob/")],
          "implicitDeny")]),
    "MFA for self-management": (
        policy(allow("iam:*"), deny(None, Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
               | {"NotAction": ["iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "sts:GetSessionToken"]}),
        [("iam:CreateUser", "*", [key("aws:MultiFactorAuthPresent", "true", "boolean")], "allowed"),
         ("iam:CreateUser", "*", [key("aws:MultiFactorAuthPresent", "false", "boolean")], "explicitDeny"),
         ("iam:CreateUser", "*", [], "explicitDeny"),
         ("iam:EnableMFADevice", "*", [], "allowed")]),
    "tags that must match": (
        policy(allow(["ec2:StartInstances", "ec2:StopInstances"],
                     Condition={"StringEquals": {"aws:ResourceTag/Owner": "${aws:username}"}})),
        [("ec2:StartInstances", "arn:aws:ec2:us-east-1:111122223333:instance/i-1",
          [key("aws:ResourceTag/Owner", "ann"), key("aws:username", "ann")], "allowed"),
         ("ec2:StartInstances", "arn:aws:ec2:us-east-1:111122223333:instance/i-1",
          [key("aws:resourcetag/owner", "bob"), key("aws:username", "ann")], "implicitDeny")]),
    "tag keys that may be used": (
        policy(allow("ec2:CreateTags", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}})),
        [("ec2:CreateTags", "*", [key("aws:TagKeys", ["a", "b"], "stringList")], "allowed"),
         ("ec2:CreateTags", "*", [key("aws:TagKeys", ["a", "c"], "stringList")], "implicitDeny"),
         ("ec2:CreateTags", "*", [key("aws:TagKeys", "a")], "allowed")]),
    "numbers": (
        policy(allow("s3:ListBucket", Condition={"NumericLessThanEquals": {"s3:max-keys": "10"}})),
        [("s3:ListBucket", "*", [key("s3:max-keys", "10", "numeric")], "allowed"),
         ("s3:ListBucket", "*", [key("s3:max-keys", "10.5", "numeric")], "implicitDeny"),
         ("s3:ListBucket", "*", [key("s3:max-keys", ["11", "12"], "numericList")], "implicitDeny")]),
    "binary": (
        policy(allow("x:Y", Condition={"BinaryEquals": {"key:name": "QmluYXJ5VmFsdWU="}})),
        [("x:Y", "*", [key("key:name", "QmluYXJ5VmFsdWU=", "binary")], "allowed"),
         ("x:Y", "*", [key("key:name", "QmluYXJ5", "binary")], "implicitDeny")]),
}


@pytest.mark.parametrize("name", GUIDE)
def test_samples_of_the_user_guide(iam, name):
    document = json.loads(GUIDE[name][0])
    for s in document["Statement"]:
        if s.get("Action", 0) is None:
            del s["Action"]
    for action, resource, context, want in GUIDE[name][1]:
        more = {"ResourceArns": [resource]} if resource != "*" else {}
        assert decision(iam, json.dumps(document), action, ContextEntries=context, **more) == want, (action, context)


# ---- what is told ----------------------------------------------------------------------------------------


def test_positions_are_counted_as_aws_counts_them(iam):
    document = """{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "é",
            "Effect": "Allow",
            "Action": "s3:*",
            "Resource": "*"
        },
        {"Effect": "Allow", "Action": "*", "Resource": "*"}
    ]
}"""
    (r,) = custom(iam, document.replace('"Sid": "é",', ""))
    assert [(s["StartPosition"], s["EndPosition"]) for s in r["MatchedStatements"]] == [
        ({"Line": 3, "Column": 19}, {"Line": 9, "Column": 10}),
        ({"Line": 9, "Column": 11}, {"Line": 10, "Column": 60})]
    one_line = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
    (r,) = custom(iam, one_line)
    assert r["MatchedStatements"][0]["StartPosition"] == {"Line": 1, "Column": 41}
    assert r["MatchedStatements"][0]["EndPosition"] == {"Line": 1, "Column": len(one_line) - 1}


def test_a_deny_is_the_only_statement_told_of(iam):
    (r,) = custom(iam, [policy(allow("s3:*"), allow("*")), policy(deny("s3:Get*"))])
    assert r["EvalDecision"] == "explicitDeny"
    assert [s["SourcePolicyId"] for s in r["MatchedStatements"]] == ["PolicyInputList.2"]
    (r,) = custom(iam, policy(allow("s3:*")), PermissionsBoundaryPolicyInputList=[policy(allow("*"), deny("s3:Get*"))])
    assert r["EvalDecision"] == "explicitDeny"
    assert [(s["SourcePolicyId"], s["SourcePolicyType"]) for s in r["MatchedStatements"]] == [
        ("PermissionsBoundaryPolicyInputList.1", "Permissions Boundary Policy")]


def test_missing_values_are_told_of_whichever_statement_wants_them(iam):
    document = policy(allow("s3:ListBucket", Condition={"StringLike": {"aws:PrincipalTag/team": "x"}}),
                      allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}"),
                      deny("s3:*", Condition={"StringEquals": {"AWS:principaltag/TEAM": "y", "aws:SourceVpce": "z"}}))
    (r,) = custom(iam, document, "s3:ListBucket")
    assert r["MissingContextValues"] == ["aws:PrincipalTag/team", "aws:username", "aws:SourceVpce"]
    (r,) = custom(iam, document, "s3:ListBucket", ResourceArns=["arn:aws:s3:::b"],
                  ContextEntries=[key("aws:principalTag/Team", "x"), key("AWS:SourceVpce", "v")])
    assert r["MissingContextValues"] == []
    assert r["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:username"]


def test_the_strictest_resource_decides_above_them(iam):
    document = policy(allow("s3:*", "arn:aws:s3:::a/*"), deny("s3:Put*", "arn:aws:s3:::a/secret"))
    arns = ["arn:aws:s3:::a/x", "arn:aws:s3:::a/secret", "arn:aws:s3:::b/x"]
    get, put = custom(iam, document, ["s3:GetObject", "s3:PutObject"], ResourceArns=arns)
    assert get["EvalDecision"] == "implicitDeny" and get["MatchedStatements"] == []
    assert [(r["EvalResourceName"], r["EvalResourceDecision"]) for r in get["ResourceSpecificResults"]] == [
        (arns[0], "allowed"), (arns[1], "allowed"), (arns[2], "implicitDeny")]
    assert put["EvalDecision"] == "explicitDeny" and len(put["MatchedStatements"]) == 1
    assert get["EvalResourceName"] == "arn:${Partition}:s3:::${BucketName}/${ObjectName}"
    (r,) = custom(iam, document, "nope:Thing", ResourceArns=arns)
    assert r["EvalResourceName"] == "*"


def test_keys_and_trust_need_their_own_policy(iam):
    caller = f"arn:aws:iam::{ACCOUNT}:user/ann"
    kms = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"
    root = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    stranger = policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{OTHER}:root"}))
    for resource, own, want in ((root, "kms:*", "allowed"), (root, "s3:*", "implicitDeny"),
                                (stranger, "kms:*", "implicitDeny")):
        assert decision(iam, policy(allow(own)), "kms:Decrypt", CallerArn=caller, ResourceArns=[kms],
                        ResourcePolicy=resource) == want
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    for effect, want in ((allow, "allowed"), (deny, "explicitDeny")):
        trust = policy(effect("sts:AssumeRole", None, Principal={"AWS": caller}))
        assert decision(iam, policy(allow("sts:*")), "sts:AssumeRole", CallerArn=caller, ResourceArns=[role],
                        ResourcePolicy=trust) == want


def test_principal_policies(iam, server):
    """A user's inline and attached policies, its boundary; what is handed in comes on top."""
    name, mine = name_of("user"), name_of("own")
    arn = iam.create_user(UserName=name, Path="/team/")["User"]["Arn"]
    managed = iam.create_policy(PolicyName=mine, PolicyDocument=policy(allow("kms:Decrypt")))["Policy"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(
        allow("s3:*", "arn:aws:s3:::b/${aws:username}/*")))
    iam.attach_user_policy(UserName=name, PolicyArn=managed)
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")

    def simulate(*actions, **more):
        return iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=list(actions), **more)["EvaluationResults"]

    s3, = simulate("s3:GetObject", ResourceArns=[f"arn:aws:s3:::b/{name}/x"])
    assert s3["EvalDecision"] == "allowed"
    assert s3["MatchedStatements"][0]["SourcePolicyId"] == f"user_{name}_own"
    kms, users, make = simulate("kms:Decrypt", "iam:ListUsers", "iam:CreateUser")
    assert [s["SourcePolicyId"] for s in kms["MatchedStatements"]] == [mine]
    assert [s["SourcePolicyId"] for s in users["MatchedStatements"]] == ["IAMReadOnlyAccess"]
    assert make["EvalDecision"] == "implicitDeny" and "PermissionsBoundaryDecisionDetail" not in make
    assert simulate("iam:CreateUser", PolicyInputList=[policy(allow("iam:Create*"))])[0]["EvalDecision"] == "allowed"
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=managed)
    kms, users = simulate("kms:Decrypt", "iam:ListUsers")
    assert (kms["EvalDecision"], users["EvalDecision"]) == ("allowed", "implicitDeny")
    assert users["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    users, = simulate("iam:ListUsers", PermissionsBoundaryPolicyInputList=[policy(allow("*"))])
    assert users["EvalDecision"] == "allowed"
    # as if somebody else had these policies
    s3, = simulate("s3:GetObject", CallerArn=f"arn:aws:iam::{ACCOUNT}:user/bob", ResourceArns=["arn:aws:s3:::b/bob/x"],
                   PermissionsBoundaryPolicyInputList=[policy(allow("*"))])
    assert s3["EvalDecision"] == "allowed"


def test_roles(iam):
    name = name_of("role")
    trust = policy(allow("sts:AssumeRole", None, Principal={"AWS": ACCOUNT}))
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(
        allow("s3:*", Condition={"ArnEquals": {"aws:PrincipalArn": arn}})))
    r = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])["EvaluationResults"][0]
    assert r["EvalDecision"] == "allowed" and r["MatchedStatements"][0]["SourcePolicyId"] == f"role_{name}_p"
    text = refused("InvalidInput", iam.simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"],
                   ResourceArns=["arn:aws:s3:::b"], ResourcePolicy=policy(allow("s3:*", Principal="*")))
    assert text == "Invalid caller - Caller must be an IAM user in this context."


# ---- pages, the CLI -------------------------------------------------------------------------------------


def test_pages_count_actions(iam):
    actions = [f"s3:Action{i}" for i in range(7)]
    pages = list(iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[policy(allow("s3:Action3"))], ActionNames=actions, ResourceArns=["arn:aws:s3:::a", "arn:aws:s3:::b"],
        PaginationConfig={"PageSize": 3}))
    assert [[r["EvalActionName"] for r in p["EvaluationResults"]] for p in pages] == [
        actions[:3], actions[3:6], actions[6:]]
    assert [p["IsTruncated"] for p in pages] == [True, True, False]
    assert [r["EvalDecision"] for p in pages for r in p["EvaluationResults"]].count("allowed") == 1
    text = refused("ValidationError", iam.simulate_custom_policy, PolicyInputList=[policy(allow("s3:*"))],
                   ActionNames=actions, Marker="x!")
    assert text == "Invalid Marker."


def test_a_page_ends_early_when_there_is_much_to_tell(iam):
    found = iam.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[policy(*[allow("s3:*")] * 60)], ActionNames=[f"s3:A{i}" for i in range(6)],
        ResourceArns=[f"arn:aws:s3:::b/{i}" for i in range(150)])
    pages = [len(p["EvaluationResults"]) for p in found]
    assert sum(pages) == 6 and len(pages) > 1


def test_the_cli(server, iam):
    name = name_of("user")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("s3:Get*")))
    out = subprocess.run(
        ["/usr/bin/aws", "--endpoint-url", server.url, "--ca-bundle", server.ca, "--region", "us-east-1", "iam",
         "simulate-principal-policy", "--policy-source-arn", arn, "--action-names", "s3:GetObject", "s3:PutObject",
         "--max-items", "1", "--query", "EvaluationResults[].EvalDecision", "--output", "json"],
        env={**server.env, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}, text=True, capture_output=True, check=True)
    assert json.loads(out.stdout) == ["allowed"]


# ---- refusals ---------------------------------------------------------------------------------------------


def test_refusals(iam):
    good = {"PolicyInputList": [policy(allow("s3:*"))], "ActionNames": ["s3:GetObject"]}
    user = f"arn:aws:iam::{ACCOUNT}:user/ann"
    bucket = ["arn:aws:s3:::b"]
    resource = policy(allow("s3:*", "arn:aws:s3:::b", Principal={"AWS": user}))
    for more, want in (
            ({"ActionNames": ["GetObject"]}, "The action is invalid since it is missing names"),
            ({"ActionNames": ["s3:"]}, "The action is invalid since it is missing names"),
            ({"ActionNames": ["s3:*"]}, "Invalid action name: s3:*. Wildcards are not supported in action names."),
            ({"ResourceArns": ["b"]}, "ResourceNames are not in a valid ARN format: b."),
            ({"ResourceArns": ["arn:aws:s3:::b", "*"]}, "ResourceNames are not in a valid ARN format: *."),
            ({"ResourceArns": [f"arn:aws:s3:::{i}" for i in range(1001)]},
             "No more than 1000 resources can be simulated at once."),
            ({"PolicyInputList": [policy(allow("s3:*")), "{}"]}, "Policy input list item 2 has invalid content"),
            ({"PolicyInputList": [resource]}, "Policy input list item 1 has invalid content"),
            ({"PermissionsBoundaryPolicyInputList": ["{"]}, "Policy input list item 1 has invalid content"),
            ({"PermissionsBoundaryPolicyInputList": [policy(allow("*"))] * 2},
             "Only one permissions boundary policy can be provided in the simulation."),
            ({"ResourceOwner": ACCOUNT}, f"'{ACCOUNT}' is not a valid as a Resource Owner."),
            ({"CallerArn": f"arn:aws:iam::{ACCOUNT}:role/r"},
             "Invalid caller - Caller must be an IAM user in this context."),
            ({"CallerArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"},
             "Invalid caller - Caller must be an IAM user in this context."),
            ({"ResourcePolicy": resource, "ResourceArns": bucket}, "Invalid caller - Caller cannot be null or empty."),
            ({"ResourcePolicy": resource, "CallerArn": user},
             "Invalid Entity Arn: * does not clearly define entity type and name."),
            ({"ResourcePolicy": policy(allow("s3:*")), "CallerArn": user, "ResourceArns": bucket},
             "The resource policy has invalid content"),
            ({"ResourcePolicy": resource, "CallerArn": user, "ResourceArns": ["arn:aws:s3:::b", "arn:aws:s3:::c"]},
             "The resource policy is not applicable to the resource arn:aws:s3:::c."),
            ({"ResourceHandlingOption": "EC2-Moon"}, "Invalid input resource handling options: EC2-Moon."),
            ({"ResourceHandlingOption": "EC2-VPC-EBS", "ResourceArns": [
                "arn:aws:ec2:us-east-1:111122223333:instance/*", "arn:aws:ec2:us-east-1::image/*"]},
             "Invalid input resource handling options: EC2-VPC-EBS needs a resource of type :security-group/."),
    ):
        assert refused("InvalidInput", iam.simulate_custom_policy, **{**good, **more}) == want


def test_what_is_too_much_is_refused_and_what_is_much_is_done(iam):
    wanted = {f"aws:PrincipalTag/t{i}": "x" for i in range(400)}
    document = policy(allow("s3:*", Condition={"StringEquals": wanted}))
    arns = [f"arn:aws:s3:::{i}" for i in range(1000)]
    assert refused("InvalidInput", iam.simulate_custom_policy, PolicyInputList=[document], ActionNames=["s3:GetObject"],
                   ResourceArns=arns) == "Too many context values are missing for so many resources."
    given = [key(k, "x") for k in wanted]
    many = [policy(*[allow("s3:Get*", f"arn:aws:s3:::{i}*{k}") for i in range(60)]) for k in range(20)]
    (r,) = custom(iam, [document, *many], ResourceArns=arns, ContextEntries=given)
    assert r["EvalDecision"] == "allowed" and len(r["ResourceSpecificResults"]) == 1000
    assert len(r["MatchedStatements"]) == 100  # there are more, but that many are told of
    hostile = policy(allow("s3:*", "arn:aws:s3:::" + "a*" * 900 + "b"))
    assert decision(iam, hostile, ResourceArns=["arn:aws:s3:::" + "a" * 2000]) == "implicitDeny"


def test_context_entries_are_checked(iam):
    good = {"PolicyInputList": [policy(allow("s3:*"))], "ActionNames": ["s3:GetObject"]}
    for entry, want in (
            ({"ContextKeyValues": ["x"], "ContextKeyType": "string"}, "ContextKeyName cannot be null or empty."),
            ({"ContextKeyName": "aws:x", "ContextKeyValues": ["x"]}, "Context key aws:x has invalid type null."),
            ({"ContextKeyName": "aws:x", "ContextKeyType": "string"},
             "Context values for context key aws:x cannot be null or empty."),
            (key("aws:x", ["a", "b"], "string"), "Context key aws:x expected a single value, but received 2."),
            (key("aws:x", "ten", "numeric"), "Invalid context value for key aws:x: expected numeric format."),
            (key("aws:x", ["1", "x"], "numericList"), "Invalid context value for key aws:x: expected numeric format."),
            (key("aws:x", "yes", "boolean"), "Invalid context value for key aws:x: expected boolean format."),
            (key("aws:x", ["true", ""], "booleanList"), "Invalid context value for key aws:x: expected boolean format."),
            (key("aws:x", "10.0.0.0.1", "ip"), "Invalid context value for key aws:x: expected IP address."),
            (key("aws:x", ["::1", "x"], "ipList"), "Invalid context value for key aws:x: expected IP address."),
            (key("aws:x", "?", "binary"), "Invalid context value for key aws:x: expected base-64 encoded binary format."),
            (key("aws:x", ["QQ=", "QQ=="], "binaryList"),
             "Invalid context value for key aws:x: expected base-64 encoded binary format."),
            (key("aws:x", "yesterday", "date"), "Invalid context value for key aws:x: expected DateTime format."),
            (key("aws:x", ["2020-01-01", "2020-13-01"], "dateList"),
             "Invalid context value for key aws:x: expected DateTime format."),
    ):
        assert refused("InvalidInput", iam.simulate_custom_policy, **good, ContextEntries=[entry]) == want
    two = [key("aws:SourceIp", "10.0.0.1", "ip"), key("AWS:sourceip", "10.0.0.2", "ip")]
    assert refused("InvalidInput", iam.simulate_custom_policy, **good, ContextEntries=two) == \
        "Duplicate context key: aws:sourceip."


def test_principals_that_are_not_there(iam):
    for call, more in ((iam.simulate_principal_policy, {"ActionNames": ["s3:GetObject"]}),
                       (iam.get_context_keys_for_principal_policy, {})):
        assert refused("NoSuchEntity", call, PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/nobody", **more) == \
            "The user with name nobody cannot be found."
        for arn in (f"arn:aws:sts::{ACCOUNT}:assumed-role/r/session", f"arn:aws:iam::{ACCOUNT}:root:something",
                    f"arn:aws:iam::{ACCOUNT}:policy/team/x"):
            assert refused("InvalidInput", call, PolicySourceArn=arn, **more) == \
                f"Invalid Entity Arn: {arn} does not clearly define entity type and name."


def test_who_may_simulate(server, iam):
    name = name_of("boss")
    arn = iam.create_user(UserName=name, Path="/board/", Tags=[{"Key": "team", "Value": "red"}])["User"]["Arn"]
    stripped = arn.replace("/board", "")
    ann = server.client("iam", server.user(allow("iam:Simulate*", f"arn:aws:iam::{ACCOUNT}:user/{name}"),
                                           allow("iam:GetContextKeysFor*", Condition={
                                               "StringEquals": {"iam:ResourceTag/team": "red"}})))
    for given in (arn, stripped):  # the stored path counts
        with pytest.raises(ClientError) as e:
            ann.simulate_principal_policy(PolicySourceArn=given, ActionNames=["s3:GetObject"])
        assert code(e)[0] == "AccessDenied" and f"on resource: {arn} because" in message(e)
    assert ann.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"] == []
    with pytest.raises(ClientError) as e:
        ann.simulate_custom_policy(PolicyInputList=[policy(allow("*"))], ActionNames=["s3:GetObject"])
    assert "iam:SimulateCustomPolicy on resource: * because" in message(e) or "iam:SimulateCustomPolicy" in message(e)


# ---- context keys ---------------------------------------------------------------------------------------


def test_context_keys(iam):
    sample = ('{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":'
              '"arn:aws:dynamodb:us-west-2:123456789012:table/${aws:username}","Condition":{"DateGreaterThan":'
              '{"aws:CurrentTime":"2015-08-16T12:00:00Z"}}}}')
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[sample])["ContextKeyNames"] == [
        "aws:username", "aws:CurrentTime"]
    other = policy(deny("*", Condition={"StringEquals": {"AWS:USERNAME": "${aws:PrincipalTag/a}", "aws:SourceVpc": "v"}}))
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[sample, other])["ContextKeyNames"] == [
        "aws:username", "aws:CurrentTime", "aws:PrincipalTag/a", "aws:SourceVpc"]
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[policy(allow("*"))])["ContextKeyNames"] == []
    assert refused("InvalidInput", iam.get_context_keys_for_custom_policy, PolicyInputList=["{}"]) == \
        "Policy input list item 1 has invalid content"


def test_context_keys_of_a_principal(iam):
    name = name_of("user")
    arn = iam.create_user(UserName=name)["User"]["Arn"]

    def keys(**more):
        return iam.get_context_keys_for_principal_policy(PolicySourceArn=arn, **more)["ContextKeyNames"]

    assert keys() == []
    iam.put_user_policy(UserName=name, PolicyName="p",
                        PolicyDocument=policy(allow("*", Condition={"Bool": {"aws:SecureTransport": "true"}})))
    bound = iam.create_policy(PolicyName=name_of("b"), PolicyDocument=policy(
        allow("*", Condition={"Bool": {"aws:ViaAWSService": "true"}})))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=bound)
    assert sorted(keys()) == ["aws:SecureTransport", "aws:ViaAWSService"]
    assert "s3:prefix" in keys(PolicyInputList=[policy(allow("*", Condition={"StringLike": {"s3:prefix": "x"}}))])


# ---- which policies grant a service ----------------------------------------------------------------------


def test_policies_granting_service_access(iam):
    name = name_of("sofia")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    for policy_name, document in (
            ("commit", policy(allow("codecommit:GitPull"))), ("all", policy(allow("*"))),
            ("not-iam", policy({"Effect": "Allow", "NotAction": ["iam:*", "s3:Get*"], "Resource": "*"})),
            ("denies", policy(deny("*"))), ("wild", policy(allow("CODECOMMIT:Get*", Condition={"Bool": {"a:b": "true"}})))):
        iam.put_user_policy(UserName=name, PolicyName=policy_name, PolicyDocument=document)
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_user_policy(UserName=name, PolicyArn=admin)

    def granting(*services, **more):
        r = iam.list_policies_granting_service_access(Arn=arn, ServiceNamespaces=list(services), **more)
        return r, {e["ServiceNamespace"]: [p["PolicyName"] for p in e.get("Policies", [])]
                   for e in r["PoliciesGrantingServiceAccess"]}

    r, found = granting("codecommit", "iam", "s3", "sts")
    assert {k: sorted(v) for k, v in found.items()} == {
        "codecommit": ["AdministratorAccess", "all", "commit", "not-iam", "wild"],
        "iam": ["AdministratorAccess", "all"], "s3": ["AdministratorAccess", "all", "not-iam"],
        "sts": ["AdministratorAccess", "all", "not-iam"]}
    assert r["IsTruncated"] is False
    policies = r["PoliciesGrantingServiceAccess"][1]["Policies"]
    assert {"PolicyName": "AdministratorAccess", "PolicyType": "MANAGED", "PolicyArn": admin} in policies
    assert {"PolicyName": "all", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": name} in policies
    iam.detach_user_policy(UserName=name, PolicyArn=admin)
    for p in ("all", "not-iam", "wild", "commit"):
        iam.delete_user_policy(UserName=name, PolicyName=p)
    assert granting("s3", "iam")[1] == {"s3": [], "iam": []}
    assert refused("NoSuchEntity", iam.list_policies_granting_service_access, ServiceNamespaces=["s3"],
                   Arn=f"arn:aws:iam::{ACCOUNT}:role/nobody") == "The role with name nobody cannot be found."


def test_pages_of_policies_granting_service_access(iam):
    name = name_of("many")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    for i in range(6):
        iam.put_user_policy(UserName=name, PolicyName=f"p{i}", PolicyDocument=policy(allow("*")))
    services, found, marker = ["nope"] + [f"s{i}" for i in range(30)], {}, {}
    pages = 0
    while True:
        r = iam.list_policies_granting_service_access(Arn=arn, ServiceNamespaces=services, **marker)
        pages += 1
        for e in r["PoliciesGrantingServiceAccess"]:
            found.setdefault(e["ServiceNamespace"], []).extend(p["PolicyName"] for p in e["Policies"])
        if not r["IsTruncated"]:
            break
        marker = {"Marker": r["Marker"]}
    assert pages == 2 and list(found) == services
    assert all(v == [f"p{i}" for i in range(6)] for v in found.values())


# ---- simulate and enforce ---------------------------------------------------------------------------------


def test_bucket_policies_are_simulated_as_they_are_enforced(server, iam):
    """As simulate_test.c does for IAM, KMS and STS: random policies, one real request and one simulated."""
    rnd = random.Random(20260101)
    s3 = server.client("s3")
    bucket = "b-" + uuid.uuid4().hex
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    user = server.user()
    name, arn = user["UserName"], f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}"
    asking = server.client("s3", user)
    here = f"arn:aws:s3:::{bucket}"
    conditions = [{}, {}, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
                  {"Condition": {"StringNotLike": {"aws:username": "u-*"}}},
                  {"Condition": {"StringEquals": {"aws:PrincipalArn": arn}}},
                  {"Condition": {"NumericLessThan": {"s3:max-keys": "10"}}},
                  {"Condition": {"IpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}}}]

    def some(resources, **more):
        return rnd.choice([allow, allow, allow, deny])(
            rnd.choice(["s3:*", "s3:GetBucketTagging", "s3:Get*", "s3:ListBucket"]), rnd.choice(resources),
            **rnd.choice(conditions), **more)

    seen = []
    for _ in range(150):
        own = policy(*[some(["*", here, "arn:aws:s3:::b-*", here + "/*"]) for _ in range(rnd.choice([1, 2]))])
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=own)
        theirs = policy(*[some([here, here + "/*"], Principal=rnd.choice(
            ["*", {"AWS": arn}, {"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}])) for _ in range(2)],
            deny("s3:PutBucketAcl", here, Principal="*"))
        s3.put_bucket_policy(Bucket=bucket, Policy=theirs)
        try:
            asking.get_bucket_tagging(Bucket=bucket)
        except ClientError as e:
            text, what = e.response["Error"]["Message"], e.response["Error"]["Code"]
            assert what in ("NoSuchTagSet", "AccessDenied")
            is_so = "allowed" if what == "NoSuchTagSet" else \
                "explicitDeny" if "with an explicit deny" in text else "implicitDeny"
        (r,) = iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=["s3:GetBucketTagging"], ResourceArns=[here], ResourcePolicy=theirs,
            ContextEntries=[key("aws:SecureTransport", "true", "boolean"), key("aws:SourceIp", "127.0.0.1", "ip")],
        )["EvaluationResults"]
        assert r["EvalDecision"] == is_so, (own, theirs)
        seen.append(is_so)
    assert all(seen.count(d) >= 10 for d in ("allowed", "explicitDeny", "implicitDeny")), seen
    s3.delete_bucket_policy(Bucket=bucket)
