"""A change is in force for the next request. Many threads keep asking, so that every cache of every thread of the server is warm; then one
thing changes; and whoever asks after the change was answered is answered by what is so now. For each kind of change."""
import concurrent.futures
import itertools
import pathlib
import tempfile
import threading
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, deny, eventually, policy, running
from idp import Idp, reached, token

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
TRUST = policy(allow("sts:AssumeRole", None, Principal=ROOT))
THREADS, WARM, AFTER = 12, 36, 60
LIST = allow("s3:ListAllMyBuckets")


@pytest.fixture(scope="module")
def server():
    with running("--federation-allow-private") as made:
        yield made


@pytest.fixture(scope="module")
def iam(server):
    return server.client("iam")


class Hammer:
    """`ask` from many threads, each with a connection of its own; counts what is answered."""

    def __init__(self, make, ask):
        self.make, self.ask, self.local = make, ask, threading.local()
        self.pool = concurrent.futures.ThreadPoolExecutor(THREADS)

    def once(self, _):
        if not hasattr(self.local, "client"):
            self.local.client = self.make()
        try:
            self.ask(self.local.client)
            return None
        except ClientError as e:
            return e.response["Error"]["Code"]

    def all(self, n):
        return set(self.pool.map(self.once, range(n)))

    def through(self, change, before, after):
        """Asked on and on while it changes: all that begin after the change see it."""
        assert self.all(WARM) == {before}
        going = [self.pool.submit(self.once, i) for i in range(WARM)]
        change()
        seen = self.all(AFTER)
        assert {f.result() for f in going} <= {before, after}
        assert seen == {after}, f"after the change: {seen}"
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown()


def buckets(server, who):
    return Hammer(lambda: server.client("s3", who, plain=True), lambda s3: s3.list_buckets())


def test_an_inline_policy(server, iam):
    user = server.user(LIST)
    name = user["UserName"]
    with buckets(server, user) as h:
        h.through(lambda: iam.put_user_policy(UserName=name, PolicyName="q", PolicyDocument=policy(deny("s3:*"))), None, "AccessDenied")
        h.through(lambda: iam.delete_user_policy(UserName=name, PolicyName="q"), "AccessDenied", None)
        h.through(lambda: iam.delete_user_policy(UserName=name, PolicyName="p"), None, "AccessDenied")


def test_a_managed_policy_its_versions_and_its_default(server, iam):
    user = server.user()
    arn = iam.create_policy(PolicyName="m-" + uuid.uuid4().hex[:8], PolicyDocument=policy(LIST))["Policy"]["Arn"]
    name = user["UserName"]
    with buckets(server, user) as h:
        h.through(lambda: iam.attach_user_policy(UserName=name, PolicyArn=arn), "AccessDenied", None)
        h.through(lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(deny("s3:*")), SetAsDefault=True), None, "AccessDenied")
        h.through(lambda: iam.set_default_policy_version(PolicyArn=arn, VersionId="v1"), "AccessDenied", None)
        h.through(lambda: iam.detach_user_policy(UserName=name, PolicyArn=arn), None, "AccessDenied")


def test_a_boundary(server, iam):
    user = server.user(LIST)
    arn = iam.create_policy(PolicyName="b-" + uuid.uuid4().hex[:8], PolicyDocument=policy(allow("kms:*")))["Policy"]["Arn"]
    name = user["UserName"]
    with buckets(server, user) as h:
        h.through(lambda: iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=arn), None, "AccessDenied")
        h.through(lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("s3:*")), SetAsDefault=True), "AccessDenied", None)
        h.through(lambda: iam.set_default_policy_version(PolicyArn=arn, VersionId="v1"), None, "AccessDenied")
        h.through(lambda: iam.delete_user_permissions_boundary(UserName=name), "AccessDenied", None)


def test_membership_and_what_a_group_may(server, iam):
    user, group = server.user(), "g-" + uuid.uuid4().hex[:8]
    name = user["UserName"]
    iam.create_group(GroupName=group)
    with buckets(server, user) as h:
        iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=policy(LIST))
        h.through(lambda: iam.add_user_to_group(GroupName=group, UserName=name), "AccessDenied", None)
        h.through(lambda: iam.put_group_policy(GroupName=group, PolicyName="q", PolicyDocument=policy(deny("*"))), None, "AccessDenied")
        h.through(lambda: iam.delete_group_policy(GroupName=group, PolicyName="q"), "AccessDenied", None)
        h.through(lambda: iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll"), None, "AccessDenied")
        h.through(lambda: iam.detach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/AWSDenyAll"), "AccessDenied", None)
        h.through(lambda: iam.remove_user_from_group(GroupName=group, UserName=name), None, "AccessDenied")


def test_tags_of_who_asks(server, iam):
    user = server.user(allow("s3:ListAllMyBuckets", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    name = user["UserName"]
    with buckets(server, user) as h:
        h.through(lambda: iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "blue"}]), "AccessDenied", None)
        h.through(lambda: iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "red"}]), None, "AccessDenied")
        h.through(lambda: iam.tag_user(UserName=name, Tags=[{"Key": "Team", "Value": "blue"}]), "AccessDenied", None)
        h.through(lambda: iam.untag_user(UserName=name, TagKeys=["team"]), None, "AccessDenied")


def test_tags_of_what_is_asked_for(server, iam):
    victim, user = server.user()["UserName"], server.user(allow("iam:GetUser", Condition={"StringEquals": {"aws:ResourceTag/open": "yes"}}))
    key = server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    reader = server.user(allow("kms:DescribeKey", Condition={"StringEquals": {"aws:ResourceTag/open": "yes"}}))
    with Hammer(lambda: server.client("iam", user, plain=True), lambda c: c.get_user(UserName=victim)) as h:
        h.through(lambda: iam.tag_user(UserName=victim, Tags=[{"Key": "open", "Value": "yes"}]), "AccessDenied", None)
        h.through(lambda: iam.untag_user(UserName=victim, TagKeys=["open"]), None, "AccessDenied")
    kms = server.client("kms")
    with Hammer(lambda: server.client("kms", reader, plain=True), lambda c: c.describe_key(KeyId=key)) as h:
        h.through(lambda: kms.tag_resource(KeyId=key, Tags=[{"TagKey": "open", "TagValue": "yes"}]), "AccessDeniedException", None)
        h.through(lambda: kms.untag_resource(KeyId=key, TagKeys=["open"]), None, "AccessDeniedException")


def test_a_keys_status_and_end(server, iam):
    user = server.user(LIST)
    name, key = user["UserName"], user["AccessKeyId"]
    with buckets(server, user) as h:
        h.through(lambda: iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive"), None, "InvalidAccessKeyId")
        h.through(lambda: iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active"), "InvalidAccessKeyId", None)
        h.through(lambda: iam.delete_access_key(UserName=name, AccessKeyId=key), None, "InvalidAccessKeyId")


def test_a_users_end_ends_his_sessions(server, iam):
    user = server.user(LIST, allow("sts:*"))
    name, sts = user["UserName"], server.client("sts", user)
    session, lent = sts.get_session_token()["Credentials"], sts.get_federation_token(Name="bob", Policy=policy(LIST))["Credentials"]
    with buckets(server, session) as h, buckets(server, lent) as l:
        h.through(lambda: iam.put_user_policy(UserName=name, PolicyName="q", PolicyDocument=policy(deny("s3:*"))), None, "AccessDenied")
        assert l.all(WARM) == {"AccessDenied"}
        iam.delete_user_policy(UserName=name, PolicyName="q")
        assert h.all(WARM) == l.all(WARM) == {None}
        iam.delete_access_key(UserName=name, AccessKeyId=user["AccessKeyId"])
        assert h.all(WARM) == l.all(WARM) == {None}  # the key it was got with does not matter
        iam.delete_user_policy(UserName=name, PolicyName="p")
        h.through(lambda: iam.delete_user(UserName=name), "AccessDenied", "InvalidAccessKeyId")
        assert l.all(WARM) == {"InvalidAccessKeyId"}


def test_a_roles_policies_trust_and_end(server, iam):
    user = server.user(allow("sts:AssumeRole"))
    session = server.role(LIST, by=user)
    name, arn = session["RoleName"], session["RoleArn"]
    with buckets(server, session) as h:
        h.through(lambda: iam.put_role_policy(RoleName=name, PolicyName="revoke", PolicyDocument=policy(
            deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))}}))), None, "AccessDenied")
        h.through(lambda: iam.delete_role_policy(RoleName=name, PolicyName="revoke"), "AccessDenied", None)
        with Hammer(lambda: server.client("sts", user, plain=True), lambda c: c.assume_role(RoleArn=arn, RoleSessionName="night")) as a:
            a.through(lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy(deny("sts:AssumeRole", None, Principal=ROOT))), None, "AccessDenied")
            assert h.all(WARM) == {None}  # what was given out stays
            a.through(lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=TRUST), "AccessDenied", None)
            iam.delete_role_policy(RoleName=name, PolicyName="p")
            assert h.all(WARM) == {"AccessDenied"}
            a.through(lambda: iam.delete_role(RoleName=name), None, "AccessDenied")
        assert h.all(WARM) == {"InvalidAccessKeyId"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(LIST))
        assert h.all(WARM) == {"InvalidAccessKeyId"}  # another role of that name


def test_a_managed_session_policy(server, iam):
    arn = iam.create_policy(PolicyName="s-" + uuid.uuid4().hex[:8], PolicyDocument=policy(LIST))["Policy"]["Arn"]
    role = server.role(allow("*"))
    session = server.client("sts", server.user(allow("sts:AssumeRole"))).assume_role(
        RoleArn=role["RoleArn"], RoleSessionName="night", PolicyArns=[{"arn": arn}])["Credentials"]
    with buckets(server, session) as h:
        h.through(lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("kms:*")), SetAsDefault=True), None, "AccessDenied")
        h.through(lambda: iam.set_default_policy_version(PolicyArn=arn, VersionId="v1"), "AccessDenied", None)
        iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
        h.through(lambda: iam.delete_policy(PolicyArn=arn), None, "AccessDenied")


def test_policies_of_resources(server):
    user, s3, kms = server.user(), server.client("s3"), server.client("kms")
    arn, bucket = f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}", "f-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=bucket)
    with Hammer(lambda: server.client("s3", user, plain=True), lambda c: c.list_objects_v2(Bucket=bucket)) as h:
        h.through(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow("s3:*", f"arn:aws:s3:::{bucket}", Principal={"AWS": arn}))), "AccessDenied", None)
        h.through(lambda: s3.delete_bucket_policy(Bucket=bucket), None, "AccessDenied")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    roots = allow("kms:*", Principal=ROOT)
    with Hammer(lambda: server.client("kms", user, plain=True), lambda c: c.encrypt(KeyId=key, Plaintext=b"x")) as h:
        h.through(lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(roots, allow("kms:Encrypt", Principal={"AWS": arn}))), "AccessDeniedException", None)
        h.through(lambda: kms.disable_key(KeyId=key), None, "DisabledException")
        h.through(lambda: kms.enable_key(KeyId=key), "DisabledException", None)
        h.through(lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(roots)), None, "AccessDeniedException")


def test_a_provider_and_its_clients(server, iam):
    with tempfile.TemporaryDirectory() as base:
        idp = Idp(pathlib.Path(base))
        made = iam.create_open_id_connect_provider(Url=idp.url, ClientIDList=["one"], ThumbprintList=[idp.thumbprint])["OpenIDConnectProviderArn"]
        name = "w-" + uuid.uuid4().hex[:8]
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(
            allow("sts:AssumeRoleWithWebIdentity", None, Principal={"Federated": made})))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(LIST))
        now = int(time.time())
        text = token(idp.rsa, {"iss": idp.url, "aud": "two", "sub": "eve", "iat": now, "exp": now + 3600})
        ask = {"RoleArn": role, "RoleSessionName": "web", "WebIdentityToken": text}
        with Hammer(lambda: server.client("sts", plain=True), lambda c: reached(c.assume_role_with_web_identity, **ask)) as h:
            h.through(lambda: iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=made, ClientID="two"), "InvalidIdentityToken", None)
            h.through(lambda: iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=made, ClientID="two"), None, "InvalidIdentityToken")
            h.through(lambda: iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=made, ClientID="two"), "InvalidIdentityToken", None)
            h.through(lambda: iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=made), None, "InvalidIdentityToken")
        idp.stop()


def test_a_name_and_a_path(server, iam):
    """A policy that speaks of a name speaks of who has it now."""
    user = server.user(allow("iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/here/*"))
    victim = "n-" + uuid.uuid4().hex[:8]
    iam.create_user(UserName=victim, Path="/there/")
    with Hammer(lambda: server.client("iam", user, plain=True), lambda c: c.get_user(UserName=victim)) as h:
        h.through(lambda: iam.update_user(UserName=victim, NewPath="/here/"), "AccessDenied", None)
        h.through(lambda: iam.update_user(UserName=victim, NewUserName=victim + "x"), None, "AccessDenied")
    mine = server.user(allow("s3:ListAllMyBuckets", Condition={"StringLike": {"aws:username": "old-*"}}), name="old-" + uuid.uuid4().hex[:6])
    with buckets(server, mine) as h:
        h.through(lambda: iam.update_user(UserName=mine["UserName"], NewUserName="new-" + mine["UserName"]), None, "AccessDenied")


def test_many_changes_one_after_the_other(server, iam):
    """Ten threads ask all the time; what each answer began after is what it says. Each change stands until ten answers were judged by it."""
    user = server.user(LIST)
    name = user["UserName"]
    stop, changes, wrong, judged = threading.Event(), [None], [], []

    def ask():
        s3 = server.client("s3", user, plain=True)
        while not stop.is_set():
            known = len(changes)
            try:
                s3.list_buckets()
                got = None
            except ClientError as e:
                got = e.response["Error"]["Code"]
            if len(changes) == known and not busy.is_set():
                judged.append(known)
                if got != changes[known - 1]:
                    wrong.append((known, got, changes[known - 1]))
    busy = threading.Event()
    threads = [threading.Thread(target=ask) for _ in range(10)]
    for t in threads:
        t.start()
    flip = itertools.cycle([(deny("s3:*"), "AccessDenied"), (LIST, None)])
    for _ in range(60):
        statement, want = next(flip)
        busy.set()
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(statement))
        changes.append(want)
        enough = len(judged) + 10
        busy.clear()
        eventually(lambda: len(judged) >= enough)
    stop.set()
    for t in threads:
        t.join()
    assert not wrong, wrong[:5]
