"""Every kind of secret the server gives out or is given, in one run: none of them is in the trail afterwards, nor in the log, nor to be read in
the data directory. And the words of every kind of refusal."""
import base64
import json
import pathlib
import ssl
import subprocess
import time
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, code, deny, message, policy
from idp import Idp, token
from test_iam_mfa import Phone

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def certificate(base):
    out = base / "key.pem", base / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", out[0], "-out", out[1], "-subj", "/CN=shop.example", "-days", "30"],
                   check=True, capture_output=True)
    return (p.read_text() for p in out)


def try_all(*calls):
    for call in calls:
        try:
            call()
        except ClientError:
            pass


def test_no_secret_is_written_down(fresh, tmp_path):
    iam, sts, kms, s3 = (fresh.client(s) for s in ("iam", "sts", "kms", "s3"))
    secrets = {"root's key": fresh.root[1]}
    user = fresh.user(allow("*"))
    secrets["a user's key"] = user["SecretAccessKey"]
    name = user["UserName"]

    def keep(what, made):
        secrets[what + " secret"] = made["SecretAccessKey"]
        secrets[what + " token"] = made["SessionToken"]
        return made
    role = keep("role", fresh.role(allow("*"), by=user))
    session = keep("session", fresh.client("sts", user).get_session_token()["Credentials"])
    keep("federated", fresh.client("sts", user).get_federation_token(Name="bob", Policy=policy(allow("*")))["Credentials"])
    keep("chained", fresh.client("sts", role).assume_role(RoleArn=role["RoleArn"], RoleSessionName="deep")["Credentials"])
    # passwords, right and wrong, refused and taken
    words = [f"Horse-{i}-{uuid.uuid4().hex}" for i in range(6)]
    secrets.update({f"password {i}": w for i, w in enumerate(words)})
    iam.create_login_profile(UserName=name, Password=words[0])
    iam.update_login_profile(UserName=name, Password=words[1])
    fresh.client("iam", user).change_password(OldPassword=words[1], NewPassword=words[2])
    try_all(lambda: fresh.client("iam", user).change_password(OldPassword=words[3], NewPassword=words[4]),
            lambda: iam.create_login_profile(UserName=name, Password=words[5]), lambda: iam.create_login_profile(UserName="nobody", Password=words[5]),
            lambda: fresh.client("iam", fresh.user()).create_login_profile(UserName=name, Password=words[5]))
    # seeds and codes
    phone = Phone(fresh)
    secrets["seed"] = phone.seed.decode() if isinstance(phone.seed, bytes) else phone.seed
    secrets["seed's bytes"] = base64.b32decode(phone.seed)
    phone.enable(name)
    phone.wait()
    fresh.client("sts", user).get_session_token(SerialNumber=phone.serial, TokenCode=phone.shows())
    # somebody else's private key, good and bad
    private, public = certificate(tmp_path)
    secrets["private key"] = "".join(private.splitlines()[3:5])
    secrets["private key's line"] = private.splitlines()[5]
    try_all(lambda: iam.upload_server_certificate(ServerCertificateName="shop", CertificateBody=public, PrivateKey=private),
            lambda: iam.upload_server_certificate(ServerCertificateName="shop", CertificateBody=public, PrivateKey=private),
            lambda: iam.upload_server_certificate(ServerCertificateName="bad", CertificateBody="x", PrivateKey=private),
            lambda: fresh.client("iam", fresh.user()).upload_server_certificate(ServerCertificateName="bad", CertificateBody=public, PrivateKey=private))
    # tokens of providers, good form and bad
    idp = Idp(tmp_path)
    now = int(time.time())
    bearer = token(idp.rsa, {"iss": idp.url, "aud": "c", "sub": "eve", "iat": now, "exp": now + 60, "note": uuid.uuid4().hex})
    secrets["bearer's signature"] = bearer.rsplit(".")[-1]
    secrets["bearer's claims"] = bearer.split(".")[1]
    try_all(lambda: sts.assume_role_with_web_identity(RoleArn=role["RoleArn"], RoleSessionName="web", WebIdentityToken=bearer))
    assertion = base64.b64encode(f"<x>{uuid.uuid4().hex}</x>".encode()).decode()
    secrets["assertion"] = assertion
    try_all(lambda: sts.assume_role_with_saml(RoleArn=role["RoleArn"], PrincipalArn=f"arn:aws:iam::{ACCOUNT}:saml-provider/x", SAMLAssertion=assertion))
    idp.stop()
    # what KMS gives and takes
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    plain = uuid.uuid4().hex
    secrets["plaintext"] = plain
    secrets["plaintext in base64"] = base64.b64encode(plain.encode()).decode()
    blob = kms.encrypt(KeyId=key, Plaintext=plain.encode())["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plain.encode()
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    secrets["data key"], secrets["data key in base64"] = data_key, base64.b64encode(data_key).decode()
    # an object, and a link to it
    s3.create_bucket(Bucket="secrets")
    body = uuid.uuid4().hex
    secrets["object"] = body
    s3.put_object(Bucket="secrets", Key="k", Body=body.encode())
    link = fresh.client("s3", session, signature_version="s3v4").generate_presigned_url("get_object", Params={"Bucket": "secrets", "Key": "k"})
    secrets["link's signature"] = link.split("X-Amz-Signature=")[1].split("&")[0]
    urllib.request.urlopen(link, context=ssl.create_default_context(cafile=fresh.ca)).read()

    assert len(secrets) > 25 and all(len(s) >= 16 for s in secrets.values())
    client = fresh.client("cloudtrail")
    events = [e["CloudTrailEvent"] for page in client.get_paginator("lookup_events").paginate() for e in page["Events"]]
    names = {json.loads(e)["eventName"] for e in events}
    assert names >= {"CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "ChangePassword", "CreateVirtualMFADevice", "GetSessionToken", "GetFederationToken",
                     "AssumeRole", "UploadServerCertificate", "Encrypt", "Decrypt", "GenerateDataKey", "GetObject", "AssumeRoleWithWebIdentity"}
    trail = "\n".join(events)
    log = fresh.log.read_bytes()
    assert fresh.stop() == 0
    fresh.process = None
    written = [p.read_bytes() for p in pathlib.Path(fresh.data).rglob("*") if p.is_file()]
    for what, secret in secrets.items():
        raw = secret if isinstance(secret, bytes) else secret.encode()
        if not isinstance(secret, bytes):
            assert secret not in trail, f"{what} is in the trail"
            assert json.dumps(secret)[1:-1] not in trail and secret.replace("/", "\\/") not in trail, f"{what} is in the trail"
        assert raw not in log, f"{what} is in the log"
        assert what == "root's key" or not any(raw in w for w in written), f"{what} is on the disk"


# ---- the words -------------------------------------------------------------------------------------------------


NO, EXPLICIT = "because no {} allows the {} action", "with an explicit deny in {}"


def words(server, call):
    with pytest.raises(ClientError) as e:
        call()
    assert code(e)[0] in ("AccessDenied", "AccessDeniedException")
    return message(e)


@pytest.mark.parametrize("kind, allowed, denied", [("identity-based policy", [], "an"), ("permissions boundary", [allow("*")], "a"), ("session policy", [allow("*")], "a")])
def test_the_words_for_policies_of_who_asks(server, kind, allowed, denied):
    iam, user = server.client("iam"), server.user(*allowed)
    name, me = user["UserName"], f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}"

    def asker(document):
        if kind == "identity-based policy":
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
            return user, me
        if kind == "permissions boundary":
            arn = iam.create_policy(PolicyName="w-" + uuid.uuid4().hex[:8], PolicyDocument=document)["Policy"]["Arn"]
            iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=arn)
            return user, me
        role = server.role(allow("*"))
        made = server.client("sts", user).assume_role(RoleArn=role["RoleArn"], RoleSessionName="night", Policy=document)["Credentials"]
        return made, f"arn:aws:sts::{ACCOUNT}:assumed-role/{role['RoleName']}/night"
    for document, why in ((policy(allow("s3:GetObject")), NO.format(kind, "kms:ListKeys")), (policy(allow("*"), deny("kms:List*")), EXPLICIT.format(f"{denied} {kind}"))):
        who, arn = asker(document)
        said = words(server, lambda: server.client("kms", who).list_keys())
        assert said == f"User: {arn} is not authorized to perform: kms:ListKeys {why}"


def test_the_words_for_policies_of_what_is_asked_for(server):
    s3, kms, user = server.client("s3"), server.client("kms"), server.user(allow("*"))
    me, bucket = f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}", "w-" + uuid.uuid4().hex[:10]
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(deny("s3:ListBucket", f"arn:aws:s3:::{bucket}", Principal="*", Condition={"StringEquals": {"aws:PrincipalArn": me}})))
    said = words(server, lambda: server.client("s3", user).list_objects_v2(Bucket=bucket))
    assert said == f'User: {me} is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::{bucket}" {EXPLICIT.format("a resource-based policy")}'
    made = kms.create_key()["KeyMetadata"]
    kms.put_key_policy(KeyId=made["KeyId"], PolicyName="default", BypassPolicyLockoutSafetyCheck=True, Policy=policy(
        allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/{server.user()['UserName']}"})))
    said = words(server, lambda: server.client("kms", user).describe_key(KeyId=made["KeyId"]))
    assert said == f"User: {me} is not authorized to perform: kms:DescribeKey on resource: {made['Arn']} {NO.format('resource-based policy', 'kms:DescribeKey')}"


def test_the_words_for_trust_say_nothing(server):
    """Whether a role is there, and what its trust says, is nobody's to learn by asking."""
    iam, user = server.client("iam"), server.user(allow("sts:AssumeRole"))
    me, made = f"arn:aws:iam::{ACCOUNT}:user/{user['UserName']}", []
    for trust in (policy(deny("sts:AssumeRole", None, Principal="*")), policy(allow("sts:AssumeRole", None, Principal={"Service": "ec2.amazonaws.com"}))):
        made.append("w-" + uuid.uuid4().hex[:8])
        iam.create_role(RoleName=made[-1], AssumeRolePolicyDocument=trust)
    for name in (*made, "w-absent"):
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        said = words(server, lambda: server.client("sts", user).assume_role(RoleArn=arn, RoleSessionName="night"))
        assert said == f"User: {me} is not authorized to perform: sts:AssumeRole on resource: {arn}"
