"""Every global condition key, for every kind of principal: the value AWS documents ("AWS global condition context keys"), or
none where it is documented to have none. A bucket's policy tells: for each key it denies one object to whom the key has another
value, one to whom has the key, one to whom lacks it."""
import json
import time
import uuid

import botocore
import pytest
import raw
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, code, deny, policy, running
from idp import Idp, reached, token
from test_iam_mfa import Phone

OTHER = "444455556666"
AGENT = "probe/1.0 (under test)"
ABSENT, PRESENT = object(), object()
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
REGION = "us-east-1"

# What no request here ever has: no VPC, no organization, no source of a service's, no sign-in.
NEVER = ["aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn", "aws:VpcSourceIp", "aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths",
         "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:ResourceOrgID", "aws:ResourceOrgPaths", "aws:SourceOrgID",
         "aws:SourceOrgPaths", "aws:SourceArn", "aws:SourceAccount", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList",
         "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:AssumedRoot", "aws:RequestTag/x", "aws:TagKeys",
         "aws:ResourceTag/x", "aws:Ec2InstanceSourceVpc", "aws:Ec2InstanceSourcePrivateIPv4", "ec2:SourceInstanceARN"]
# What every request has that came from a client.
ALWAYS = {"aws:SourceIp": "127.0.0.1", "aws:UserAgent": AGENT, "aws:Referer": "https://shop.example/", "aws:SecureTransport": "false",
          "aws:RequestedRegion": REGION, "aws:ResourceAccount": ACCOUNT, "aws:ViaAWSService": "false",
          "aws:CurrentTime": PRESENT, "aws:EpochTime": PRESENT}
SIGNED = {"aws:PrincipalIsAWSService": "false"}
LONG_TERM = {"aws:TokenIssueTime": ABSENT, "aws:MultiFactorAuthPresent": ABSENT, "aws:MultiFactorAuthAge": ABSENT,
             "aws:SourceIdentity": ABSENT, "aws:FederatedProvider": ABSENT}
SESSION = {**LONG_TERM, "aws:TokenIssueTime": PRESENT, "aws:MultiFactorAuthPresent": "false"}


@pytest.fixture(scope="module")
def world():
    with running("--test-clock", "--federation-allow-private") as server:
        idp = Idp(server.base)
        yield World(server, idp)
        idp.stop()


class World:
    """One principal of each kind: (credentials, the keys that tell who he is)."""

    def __init__(self, server, idp):
        self.server, self.idp, self.bucket = server, idp, "probe-" + uuid.uuid4().hex[:12]
        s3 = server.client("s3")
        s3.create_bucket(Bucket=self.bucket)
        s3.delete_public_access_block(Bucket=self.bucket)
        self.made, self.ahead_s = {}, 0

    def probe(self, who, keys):
        """Complaints: the keys that are not as `keys` says."""
        arn = f"arn:aws:s3:::{self.bucket}"
        statements = [allow(["s3:GetObject", "s3:ListBucket"], [arn, f"{arn}/*"], Principal="*")]  # so that what is not there is a 404
        asked = []
        for i, (key, want) in enumerate(keys.items()):
            for test, condition in self.conditions(key, want):
                name = f"{i}-{test}"
                statements.append(deny("s3:GetObject", f"{arn}/{name}", Principal="*", Condition=condition))
                asked.append((key, test, name))
        s3 = self.server.client("s3")
        s3.put_bucket_policy(Bucket=self.bucket, Policy=policy(*statements))
        complaints = []
        with raw.Wire(self.server) as wire:
            for key, test, name in asked:
                status = self.get(wire, who, name)
                if (status == 403) != (test == "denied"):
                    complaints.append(f"{key} should be {keys[key] if isinstance(keys[key], str) else test}: {status}")
        return complaints

    def conditions(self, key, want):
        """(name, condition) pairs: those named "denied" must refuse, others must not."""
        if want is ABSENT:
            return [("absent", {"Null": {key: "false"}})]
        if want is PRESENT:
            return [("present", {"Null": {key: "true"}})]
        return [("is", {"StringNotEquals": {key: want}}), ("denied", {"StringEquals": {key: want}})]

    def get(self, wire, who, name):
        key = (who["AccessKeyId"], who["SecretAccessKey"]) if who else None
        more = [] if who else [("X-Amz-Content-Sha256", raw.EMPTY)]
        wire.send(raw.request(wire.host, "s3" if who else "-", "GET", f"/{self.bucket}/{name}", more, who=key,
                              token=who and who.get("SessionToken"), region=REGION,
                              raw=[f"User-Agent: {AGENT}", "Referer: https://shop.example/"]))
        return wire.recv().status  # 404 when allowed: there is no such object

    def user(self, **more):
        made = self.server.user(allow("*"))
        row = self.server.client("iam").get_user(UserName=made["UserName"])["User"]
        return made, row

    def phone(self, user):
        """A device of his that shows a code not used yet."""
        phone = Phone(self.server)
        phone.ahead_s = self.ahead_s
        phone.enable(user).wait()
        self.ahead_s = phone.ahead_s
        return phone

    def kind(self, name):
        if name not in self.made:
            self.made[name] = getattr(self, "make_" + name)()
        return self.made[name]

    # ---- the kinds

    def make_anonymous(self):
        return None, {**LONG_TERM, "aws:PrincipalIsAWSService": ABSENT, "aws:PrincipalAccount": "anonymous", "aws:PrincipalArn": ABSENT,
                      "aws:PrincipalType": "Anonymous", "aws:userid": "anonymous", "aws:username": ABSENT,
                      "aws:PrincipalTag/team": ABSENT}

    def make_root(self):
        return ({"AccessKeyId": self.server.root[0], "SecretAccessKey": self.server.root[1]},
                {**LONG_TERM, **SIGNED, "aws:PrincipalAccount": ACCOUNT, "aws:PrincipalArn": ROOT_ARN, "aws:PrincipalType": "Account",
                 "aws:userid": ACCOUNT, "aws:username": ABSENT, "aws:PrincipalTag/team": ABSENT})

    def make_root_session(self):
        made = self.server.client("sts").get_session_token()["Credentials"]
        return made, {**self.kind("root")[1], **SESSION}

    def user_keys(self, row):
        return {**LONG_TERM, **SIGNED, "aws:PrincipalAccount": ACCOUNT, "aws:PrincipalArn": row["Arn"], "aws:PrincipalType": "User",
                "aws:userid": row["UserId"], "aws:username": row["UserName"]}

    def make_user(self):
        made, row = self.user()
        self.server.client("iam").tag_user(UserName=row["UserName"], Tags=[{"Key": "Team", "Value": "blue"}])
        return made, {**self.user_keys(row), "aws:PrincipalTag/team": "blue", "aws:PrincipalTag/tea": ABSENT}

    def make_user_session(self):
        by, keys = self.kind("user")
        return self.server.client("sts", by).get_session_token()["Credentials"], {**keys, **SESSION}

    def make_mfa_session(self):
        by, keys = self.kind("user")
        phone = self.phone(keys["aws:username"])
        made = self.server.client("sts", by).get_session_token(SerialNumber=phone.serial, TokenCode=phone.shows())["Credentials"]
        self.server.advance("90s")
        self.ahead_s += 90
        return made, {**keys, **SESSION, "aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": PRESENT}

    def make_other_user(self):
        """Another account's, whom the bucket's policy lets in."""
        root = self.server.new_account(OTHER)
        iam = self.server.client("iam", root)
        row = iam.create_user(UserName="guest")["User"]
        iam.put_user_policy(UserName="guest", PolicyName="p", PolicyDocument=policy(allow("*")))
        made = iam.create_access_key(UserName="guest")["AccessKey"]
        return made, {**self.user_keys(row), "aws:PrincipalAccount": OTHER, "aws:PrincipalTag/team": ABSENT}

    def role(self, *trust, name=None):
        iam, name = self.server.client("iam"), name or "r-" + uuid.uuid4().hex[:8]
        row = iam.create_role(RoleName=name, Path="/probe/", AssumeRolePolicyDocument=policy(*trust),
                              Tags=[{"Key": "team", "Value": "red"}, {"Key": "tier", "Value": "1"}])["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("*")))
        return row

    def role_keys(self, row, session):
        return {**SESSION, **SIGNED, "aws:PrincipalAccount": ACCOUNT, "aws:PrincipalArn": row["Arn"], "aws:PrincipalType": "AssumedRole",
                "aws:userid": f"{row['RoleId']}:{session}", "aws:username": ABSENT}

    def make_role(self):
        row = self.role(allow(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], None, Principal={"AWS": ROOT_ARN}))
        made = self.server.client("sts", self.kind("user")[0]).assume_role(
            RoleArn=row["Arn"], RoleSessionName="night", SourceIdentity="ann", Tags=[{"Key": "Team", "Value": "green"}])["Credentials"]
        self.chain = row
        return made, {**self.role_keys(row, "night"), "aws:SourceIdentity": "ann", "aws:PrincipalTag/team": "green",
                      "aws:PrincipalTag/tier": "1"}

    def make_chained(self):
        """A role's session got with a role's: the source identity goes down, tags that are not transitive do not."""
        made, keys = self.kind("role")
        made = self.server.client("sts", made).assume_role(RoleArn=self.chain["Arn"], RoleSessionName="deep")["Credentials"]
        return made, {**keys, "aws:userid": f"{self.chain['RoleId']}:deep", "aws:PrincipalTag/team": "red"}

    def make_mfa_role(self):
        """Shown when the role was assumed, MFA is not the session's."""
        by, row = self.user()
        phone = self.phone(row["UserName"])
        role = self.role(allow("sts:AssumeRole", None, Principal={"AWS": ROOT_ARN},
                               Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"},
                                          "NumericLessThan": {"aws:MultiFactorAuthAge": "1"}}))
        made = self.server.client("sts", by).assume_role(RoleArn=role["Arn"], RoleSessionName="mfa", SerialNumber=phone.serial,
                                                         TokenCode=phone.shows())["Credentials"]
        return made, {**self.role_keys(role, "mfa"), "aws:PrincipalTag/team": "red"}

    def make_federated(self):
        by, keys = self.kind("user")
        made = self.server.client("sts", by).get_federation_token(Name="bob", Policy=policy(allow("s3:*")),
                                                                  Tags=[{"Key": "team", "Value": "gold"}])["Credentials"]
        return made, {**LONG_TERM, **SIGNED, "aws:TokenIssueTime": PRESENT, "aws:PrincipalAccount": ACCOUNT,
                      "aws:PrincipalArn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob", "aws:PrincipalType": "FederatedUser",
                      "aws:userid": f"{ACCOUNT}:bob", "aws:username": ABSENT, "aws:PrincipalTag/team": "gold"}

    def make_web(self):
        iam, idp = self.server.client("iam"), self.idp
        iam.create_open_id_connect_provider(Url=idp.url, ClientIDList=["c"], ThumbprintList=[idp.thumbprint])
        provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{idp.name}"
        row = self.role(allow("sts:AssumeRoleWithWebIdentity", None, Principal={"Federated": provider},
                              Condition={"StringEquals": {"aws:FederatedProvider": provider, f"{idp.name}:sub": "eve"}}))
        now = int(time.time())
        text = token(idp.rsa, {"iss": idp.url, "aud": "c", "sub": "eve", "iat": now, "exp": now + 86400})
        made = reached(self.server.client("sts").assume_role_with_web_identity, RoleArn=row["Arn"], RoleSessionName="web",
                       WebIdentityToken=text)["Credentials"]
        return made, {**self.role_keys(row, "web"), "aws:MultiFactorAuthPresent": ABSENT, "aws:FederatedProvider": provider,
                      f"{idp.name}:sub": "eve", f"{idp.name}:aud": "c", "aws:PrincipalTag/team": "red"}


KINDS = ["anonymous", "root", "root_session", "user", "user_session", "mfa_session", "other_user", "role", "chained", "mfa_role", "federated",
         "web"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_keys_of(world, kind):
    who, keys = world.kind(kind)
    assert not world.probe(who, {**keys, **ALWAYS})
    assert not world.probe(who, {key: ABSENT for key in NEVER})


def test_over_tls_transport_is_secure(world):
    s3, user = world.server.client("s3"), world.kind("user")[0]
    s3.put_bucket_policy(Bucket=world.bucket, Policy=policy(
        deny("s3:*", [f"arn:aws:s3:::{world.bucket}", f"arn:aws:s3:::{world.bucket}/*"], Principal="*",
             Condition={"Bool": {"aws:SecureTransport": "false"}})))
    assert world.server.client("s3", user).list_objects_v2(Bucket=world.bucket)["KeyCount"] == 0
    with pytest.raises(ClientError) as e:
        world.server.client("s3", user, plain=True).list_objects_v2(Bucket=world.bucket)
    assert code(e) == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=world.bucket)


@pytest.mark.parametrize("condition, open", [
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, False), ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, True),
    ({"NumericGreaterThan": {"aws:EpochTime": "1500000000"}}, True), ({"DateLessThan": {"aws:EpochTime": "1500000000"}}, False),
    ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True), ({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, False),
    ({"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}, False), ({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}, True),
    ({"DateLessThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}}, False), ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, True),
    ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, False)])
def test_times_addresses_and_ages_are_compared_as_such(world, condition, open):
    who, keys = world.kind("mfa_session")
    name = keys["aws:username"]
    iam = world.server.client("iam")
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("kms:ListKeys", Condition=condition)))
    kms = world.server.client("kms", who)
    try:
        if open:
            kms.list_keys()
            return
        with pytest.raises(ClientError) as e:
            kms.list_keys()
        assert code(e) == ("AccessDeniedException", 400)
    finally:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("*")))


@pytest.mark.parametrize("service, region, seen", [("kms", "eu-west-3", "eu-west-3"), ("sts", "eu-west-3", "eu-west-3"),
                                                   ("iam", "us-east-1", "us-east-1"), ("cloudtrail", "ap-south-1", "ap-south-1")])
def test_the_requested_region_is_the_one_signed_for(world, service, region, seen):
    call = {"kms": lambda c: c.list_keys(), "sts": lambda c: c.get_access_key_info(AccessKeyId=world.server.root[0]),
            "iam": lambda c: c.list_users(), "cloudtrail": lambda c: c.lookup_events(MaxResults=1)}[service]
    for said, open in ((seen, True), ("eu-north-1", False)):
        user = world.server.user(allow("*", Condition={"StringEquals": {"aws:RequestedRegion": said}}))
        client = world.server.client(service, user, region=region)
        if open:
            call(client)
            continue
        with pytest.raises(ClientError) as e:
            call(client)
        assert code(e)[0].startswith("AccessDenied")


# What S3 asks of KMS on somebody's behalf says so, and says nothing of where he sits; MFA that was not shown is "false" then.
@pytest.mark.parametrize("key, want", [
    ("aws:ViaAWSService", "true"), ("aws:CalledViaFirst", "s3.amazonaws.com"), ("aws:CalledViaLast", "s3.amazonaws.com"),
    ("kms:ViaService", f"s3.{REGION}.amazonaws.com"), ("kms:CallerAccount", ACCOUNT), ("aws:SourceIp", ABSENT), ("aws:UserAgent", ABSENT),
    ("aws:Referer", ABSENT), ("aws:PrincipalIsAWSService", "false"), ("aws:PrincipalType", "User"), ("aws:MultiFactorAuthPresent", "false"),
    ("aws:MultiFactorAuthAge", ABSENT), ("aws:TokenIssueTime", ABSENT), ("aws:SourceArn", ABSENT), ("aws:SourceAccount", ABSENT),
    ("aws:CalledVia", PRESENT)])
def test_a_service_in_between(world, key, want):
    kms, user = world.server.client("kms"), world.kind("user")[0]
    [(_, condition), *_] = world.conditions(key, want)
    world.key = getattr(world, "key", None) or kms.create_key()["KeyMetadata"]["KeyId"]
    kms.put_key_policy(KeyId=world.key, PolicyName="default", Policy=policy(
        allow("kms:*", Principal={"AWS": ROOT_ARN}),
        deny("kms:GenerateDataKey", Principal={"AWS": world.kind("user")[1]["aws:PrincipalArn"]}, Condition=condition)))
    world.server.client("s3", user).put_object(Bucket=world.bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=world.key)


def test_a_key_cannot_be_sent_along(world):
    """Headers and parameters named like condition keys are nothing to the context."""
    user = world.server.user(allow("kms:ListKeys", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}))
    with raw.Wire(world.server) as wire:
        wire.send(raw.request(wire.host, "kms", "POST", "/?aws:SourceVpc=vpc-1", [
            ("X-Amz-Target", "TrentService.ListKeys"), ("Content-Type", "application/x-amz-json-1.1"), ("aws:SourceVpc", "vpc-1"),
            ("X-Amz-Source-Vpc", "vpc-1"), ("X-Forwarded-For", "10.0.0.1")][:2] + [("X-Amz-Source-Vpc", "vpc-1"), ("X-Amz-Vpc-Id", "vpc-1")],
            json.dumps({"aws:SourceVpc": "vpc-1"}).encode(), who=(user["AccessKeyId"], user["SecretAccessKey"])))
        assert wire.recv().status == 400
    near = world.server.user(allow("kms:ListKeys", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.1"}}))
    with raw.Wire(world.server) as wire:
        wire.send(raw.request(wire.host, "kms", "POST", "/", [
            ("X-Amz-Target", "TrentService.ListKeys"), ("Content-Type", "application/x-amz-json-1.1"), ("X-Forwarded-For", "10.0.0.1"),
            ("Forwarded", "for=10.0.0.1"), ("X-Real-Ip", "10.0.0.1"), ("X-Client-Ip", "10.0.0.1")], b"{}",
            who=(near["AccessKeyId"], near["SecretAccessKey"])))
        answer = wire.recv()
    assert (answer.status, answer.code) == (400, "AccessDeniedException")


def test_anonymous_is_nobody_of_any_account(world):
    """A policy that lets an account's principals in by their account does not let strangers in."""
    s3 = world.server.client("s3")
    s3.put_bucket_policy(Bucket=world.bucket, Policy=policy(allow("s3:GetObject", f"arn:aws:s3:::{world.bucket}/*", Principal="*",
                                                                  Condition={"StringEquals": {"aws:PrincipalAccount": [ACCOUNT, OTHER]}})))
    with pytest.raises(ClientError) as e:
        world.server.client("s3", signature_version=botocore.UNSIGNED).get_object(Bucket=world.bucket, Key="k")
    assert code(e) == ("AccessDenied", 403)
