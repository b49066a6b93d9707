"""AssumeRoleWithWebIdentity as boto3 sees it, against a provider on loopback: who gets a role's credentials with a token,
and every way we know to come by them without one."""
import base64
import json
import pathlib
import tempfile
import threading
import time
import uuid

import harness
import pytest
from botocore.exceptions import ClientError

from conftest import ACCOUNT, allow, code, deny, eventually, message, policy, running
from idp import Idp, Key, b64, hmac_with, reached, token

CLIENT = "client-1"
WEB = "sts:AssumeRoleWithWebIdentity"


@pytest.fixture(scope="module")
def server():
    with running("--federation-allow-private") as made:
        yield made


@pytest.fixture(scope="module")
def idp(server):
    made = Idp(server.base, "/realms/shop")
    server.client("iam").create_open_id_connect_provider(Url=made.url, ClientIDList=[CLIENT, "client-2"],
                                                         ThumbprintList=[made.thumbprint])
    yield made
    made.stop()


@pytest.fixture
def new_idp(server):
    """Another provider, for tests that make it misbehave; configured by the test."""
    with tempfile.TemporaryDirectory() as base:
        made = Idp(pathlib.Path(base))
        yield made
        made.stop()


def provider_arn(idp):
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{idp.name}"


def register(server, idp, **more):
    more.setdefault("ThumbprintList", [idp.thumbprint])
    server.client("iam").create_open_id_connect_provider(Url=idp.url, ClientIDList=[CLIENT], **more)


def make_role(server, idp, condition=None, actions=WEB, statements=(), **more):
    return server.make_role({"Federated": provider_arn(idp)}, *statements, actions=actions, condition=condition, **more)


def claims(idp, **more):
    now = int(time.time())
    made = {"iss": idp.url, "sub": "user-1", "aud": CLIENT, "iat": now, "exp": now + 600, **more}
    return {k: v for k, v in made.items() if v is not None}


def ask(server, role, text, **more):
    return server.unsigned("sts").assume_role_with_web_identity(RoleArn=role, RoleSessionName="sess", WebIdentityToken=text, **more)


def assume(server, role, text, **more):
    return reached(ask, server=server, role=role, text=text, **more)


def refused(server, role, text, want="InvalidIdentityToken", status=400, **more):
    return harness.refused(want, status, ask if want == "IDPCommunicationError" else assume, server, role, text, **more)


# ---- who gets credentials --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["rsa", "ec", "ed"])
def test_a_token_gives_the_roles_credentials(server, idp, kind):
    role = make_role(server, idp, statements=[allow("s3:ListAllMyBuckets")])
    made = assume(server, role, token(getattr(idp, kind), claims(idp)))
    assert made["SubjectFromWebIdentityToken"] == "user-1"
    assert made["Audience"] == CLIENT
    assert made["Provider"] == provider_arn(idp)
    assert made["AssumedRoleUser"]["Arn"] == role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/sess"
    assert "PackedPolicySize" not in made and "SourceIdentity" not in made
    server.client("s3", made["Credentials"]).list_buckets()
    with pytest.raises(ClientError) as e:
        server.client("iam", made["Credentials"]).list_users()
    assert code(e) == ("AccessDenied", 403)


def test_older_sessions_are_revoked_at_once(server, idp):
    role = make_role(server, idp, statements=[allow("s3:ListAllMyBuckets")])
    s3 = server.client("s3", assume(server, role, token(idp.ec, claims(idp)))["Credentials"])
    s3.list_buckets()
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    server.client("iam").put_role_policy(RoleName=role.rsplit("/")[-1], PolicyName="AWSRevokeOlderSessions", PolicyDocument=policy(
        deny("*", "*", Condition={"DateLessThan": {"aws:TokenIssueTime": soon}})))
    with pytest.raises(ClientError) as e:
        s3.list_buckets()
    assert code(e) == ("AccessDenied", 403) and "with an explicit deny in an identity-based policy" in message(e)


def test_the_sdk_finds_it_by_itself(server, idp, monkeypatch):
    role = make_role(server, idp)
    file = server.base / "token"
    file.write_text(token(idp.rsa, claims(idp)))
    for name, value in {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_SESSION_NAME": "auto",
                        "AWS_CA_BUNDLE": server.ca, "AWS_ENDPOINT_URL": server.url}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    # this botocore does not look at AWS_ENDPOINT_URL for the provider's own call, so that is made here
    made = assume(server, role, file.read_text())
    who = server.client("sts", made["Credentials"]).get_caller_identity()
    assert who["Arn"].endswith("/sess")


def test_keys_are_fetched_once(server, idp):
    role = make_role(server, idp)
    assume(server, role, token(idp.rsa, claims(idp)))
    before = len(idp.asked)
    for _ in range(5):
        assume(server, role, token(idp.ec, claims(idp)))
    assert len(idp.asked) == before


def test_conditions_see_the_claims(server, idp):
    right = {"StringEquals": {f"{idp.name}:aud": CLIENT, f"{idp.name}:sub": "user-1", f"{idp.name}:oaud": CLIENT,
                              "sts:RoleSessionName": "sess", "aws:FederatedProvider": provider_arn(idp)},
             "ForAnyValue:StringEquals": {f"{idp.name}:amr": "otp"}}
    role = make_role(server, idp, right)
    assume(server, role, token(idp.rsa, claims(idp, amr=["pwd", "otp"])))
    refused(server, role, token(idp.rsa, claims(idp, amr=["pwd"])), "AccessDenied", 403)
    refused(server, role, token(idp.rsa, claims(idp, sub="user-2", amr=["otp"])), "AccessDenied", 403)
    refused(server, role, token(idp.rsa, claims(idp, aud="client-2", amr=["otp"])), "AccessDenied", 403)


def test_subjects_are_matched_by_pattern_and_case(server, idp):
    role = make_role(server, idp, {"StringLike": {f"{idp.name}:sub": "repo:shop/*:ref:refs/heads/main"}})
    assume(server, role, token(idp.rsa, claims(idp, sub="repo:shop/app:ref:refs/heads/main")))
    for sub in ("repo:shop/app:ref:refs/heads/other", "repo:Shop/app:ref:refs/heads/main", "repo:shopx/app:ref:refs/heads/main"):
        refused(server, role, token(idp.rsa, claims(idp, sub=sub)), "AccessDenied", 403)


def test_the_audience_may_be_one_of_several(server, idp):
    role = make_role(server, idp)
    assert assume(server, role, token(idp.rsa, claims(idp, aud=["other", "client-2"])))["Audience"] == "client-2"
    assert refused(server, role, token(idp.rsa, claims(idp, aud=["other", "more"]))) == "Incorrect token audience"


def test_the_authorized_party_is_the_audience_if_there_is_one(server, idp):
    role = make_role(server, idp, {"StringEquals": {f"{idp.name}:aud": "client-2", f"{idp.name}:oaud": "other"}})
    assert assume(server, role, token(idp.rsa, claims(idp, aud="other", azp="client-2")))["Audience"] == "client-2"
    assert refused(server, role, token(idp.rsa, claims(idp, aud=CLIENT, azp="other"))) == "Incorrect token audience"


def test_session_policies_narrow(server, idp):
    role = make_role(server, idp, statements=[allow("*")])
    made = assume(server, role, token(idp.rsa, claims(idp)), Policy=policy(allow("s3:ListAllMyBuckets")),
                  DurationSeconds=900)
    assert made["PackedPolicySize"] > 0
    server.client("s3", made["Credentials"]).list_buckets()
    with pytest.raises(ClientError):
        server.client("iam", made["Credentials"]).list_users()
    refused(server, role, token(idp.rsa, claims(idp)), "MalformedPolicyDocument", Policy="{}")
    refused(server, role, token(idp.rsa, claims(idp)), "ValidationError", DurationSeconds=7200)
    refused(server, role, token(idp.rsa, claims(idp)), "ValidationError", DurationSeconds=899)
    longer = make_role(server, idp, MaxSessionDuration=7200)
    assume(server, longer, token(idp.rsa, claims(idp)), DurationSeconds=7200)


def test_tags_and_source_identity_come_from_the_token(server, idp):
    carried = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["team"]},
               "https://aws.amazon.com/source_identity": "ann"}
    text = token(idp.rsa, claims(idp, **carried))
    refused(server, make_role(server, idp), text, "AccessDenied", 403)
    refused(server, make_role(server, idp, actions=[WEB, "sts:TagSession"]), text, "AccessDenied", 403)
    refused(server, make_role(server, idp, actions=[WEB, "sts:SetSourceIdentity"]), text, "AccessDenied", 403)
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "red", "aws:SourceIdentity": "ann"}}
    role = make_role(server, idp, {"StringEquals": {"aws:RequestTag/team": "red", "sts:SourceIdentity": "ann"},
                                   "ForAllValues:StringEquals": {"sts:TransitiveTagKeys": "team"}},
                     actions=[WEB, "sts:TagSession", "sts:SetSourceIdentity"],
                     statements=[allow("s3:ListAllMyBuckets", Condition=tagged)])
    made = assume(server, role, text)
    assert made["SourceIdentity"] == "ann"
    server.client("s3", made["Credentials"]).list_buckets()


@pytest.mark.parametrize("carried", [
    {"https://aws.amazon.com/tags": {"principal_tags": {"aws:x": "1"}}},
    {"https://aws.amazon.com/tags": {"principal_tags": {"a": "1", "A": "2"}}},
    {"https://aws.amazon.com/tags": {"principal_tags": {"a": "1"}, "transitive_tag_keys": ["b"]}},
    {"https://aws.amazon.com/tags": {"principal_tags": {"a<b": "1"}}},
    {"https://aws.amazon.com/tags": {"principal_tags": {"": "1"}}},
    {"https://aws.amazon.com/tags": {"principal_tags": {"a": "x" * 257}}},
    {"https://aws.amazon.com/source_identity": "aws:me"},
    {"https://aws.amazon.com/source_identity": "a b"},
    {"https://aws.amazon.com/source_identity": "x"},
])
def test_what_a_provider_may_not_say(server, idp, carried):
    role = make_role(server, idp, actions=[WEB, "sts:TagSession", "sts:SetSourceIdentity"])
    with pytest.raises(ClientError) as e:
        assume(server, role, token(idp.rsa, claims(idp, **carried)))
    assert code(e) in [("InvalidIdentityToken", 400), ("ValidationError", 400)]


def test_the_claims_hold_for_the_session(server, idp):
    known = {"StringEquals": {f"{idp.name}:sub": "user-1", "aws:FederatedProvider": provider_arn(idp)}}
    role = make_role(server, idp, statements=[allow("s3:ListAllMyBuckets", Condition=known)])
    server.client("s3", assume(server, role, token(idp.rsa, claims(idp)))["Credentials"]).list_buckets()
    other = assume(server, role, token(idp.rsa, claims(idp, sub="user-2")))["Credentials"]
    with pytest.raises(ClientError):
        server.client("s3", other).list_buckets()


# ---- who does not -------------------------------------------------------------------------------------------------------

def test_a_role_that_does_not_trust_the_provider(server, idp):
    text = token(idp.rsa, claims(idp))
    iam = server.client("iam")
    name = "no-" + uuid.uuid4().hex[:8]
    wrong = [allow("sts:AssumeRole", None, Principal={"Federated": provider_arn(idp)}),
             allow(WEB, None, Principal={"Federated": provider_arn(idp) + "x"}),
             allow(WEB, None, Principal={"Federated": "accounts.google.com"}),
             allow(WEB, None, Principal={"AWS": ACCOUNT})]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(wrong[0]))["Role"]["Arn"]
    for s in wrong:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy(s))
        assert refused(server, arn, text, "AccessDenied", 403) == "Not authorized to perform " + WEB
    assert refused(server, arn + "x", text, "AccessDenied", 403) == "Not authorized to perform " + WEB
    assert refused(server, arn.replace(":role/", ":role/path/"), text, "AccessDenied", 403)
    assert refused(server, arn.replace("no-", "NO-"), text, "AccessDenied", 403)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy(
        allow(WEB, None, Principal={"Federated": provider_arn(idp)}), deny(WEB, None, Principal="*")))
    refused(server, arn, text, "AccessDenied", 403)
    assert refused(server, "arn:aws:iam::111122223333:user/somebody", text, "ValidationError") == "Request ARN is invalid"


def test_a_provider_counts_in_its_own_account_only(server, idp):
    other = server.new_account("444455556666")
    iam = server.client("iam", other)
    trust = policy(allow(WEB, None, Principal={"Federated": provider_arn(idp)}))
    arn = iam.create_role(RoleName="web", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    text = token(idp.rsa, claims(idp))
    want = "No OpenIDConnect provider found in your account for " + idp.url
    assert refused(server, arn, text) == want
    assert refused(server, "arn:aws:iam::999999999999:role/web", text) == want


def test_a_deleted_provider_and_a_removed_client_count_no_more(server, new_idp):
    register(server, new_idp)
    iam = server.client("iam")
    role = make_role(server, new_idp)
    text = token(new_idp.rsa, claims(new_idp))
    assume(server, role, text)
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(new_idp), ClientID=CLIENT)
    assert refused(server, role, text) == "Incorrect token audience"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(new_idp), ClientID=CLIENT)
    assume(server, role, text)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(new_idp))
    assert refused(server, role, text).startswith("No OpenIDConnect provider found")


def test_algorithms_that_are_no_signature(server, idp):
    role = make_role(server, idp)
    for alg in ("none", "None", "NONE", ""):
        refused(server, role, token(idp.rsa, claims(idp), {"alg": alg}, lambda m: b""))
        refused(server, role, token(idp.rsa, claims(idp), {"alg": alg}))
    # the public key taken for a secret, in each form it may have been kept
    for secret in (idp.rsa.public_pem(), idp.rsa.public_pem().strip(), json.dumps(idp.rsa.jwk).encode(), b""):
        for alg in ("HS256", "HS384", "HS512", "RS256"):
            refused(server, role, token(idp.rsa, claims(idp), {"alg": alg}, hmac_with(secret)))
    for alg in ("RS384", "RS512", "PS256", "ES384", "ES512", "ES256K"):
        refused(server, role, token(idp.rsa, claims(idp), {"alg": alg}))


def test_keys_of_the_forgers_own(server, idp):
    role = make_role(server, idp)
    for alg, kid in (("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")):
        mine = Key(alg, kid)
        refused(server, role, token(mine, claims(idp)))
        refused(server, role, token(mine, claims(idp), {"jwk": mine.jwk}))
        refused(server, role, token(mine, claims(idp), {"jwk": mine.jwk, "kid": None}))
        refused(server, role, token(mine, claims(idp), {"jku": "https://127.0.0.1:1/jwks", "x5u": "https://127.0.0.1:1/x"}))
        refused(server, role, token(mine, claims(idp), {"x5c": [base64.b64encode(idp.ca_pem).decode()]}))


@pytest.mark.parametrize("kid", ["", "none", "RSA", "rsa ", "rsa\u0000", "../../../../dev/null", "' OR 1=1 --", "x" * 300, 7, None,
                                 ["rsa"], {"rsa": 1}, True])
def test_key_ids_that_are_none(server, idp, kid):
    refused(server, make_role(server, idp), token(idp.rsa, claims(idp), {"kid": kid}))


def test_keys_used_for_another_algorithm(server, idp):
    role = make_role(server, idp)
    for key in idp.keys:
        for other in idp.keys:
            if key is not other:
                refused(server, role, token(key, claims(idp), {"kid": other.kid}))
                refused(server, role, token(key, claims(idp), {"alg": other.alg}))
                refused(server, role, token(key, claims(idp), {"alg": other.alg, "kid": other.kid}))


def test_headers_that_ask_for_more(server, idp):
    role = make_role(server, idp)
    refused(server, role, token(idp.rsa, claims(idp), {"crit": ["exp"]}))
    refused(server, role, token(idp.rsa, claims(idp), {"crit": ["b64"], "b64": False}))


def test_signatures_that_are_another_tokens(server, idp):
    role = make_role(server, idp)
    a, b = token(idp.rsa, claims(idp)).split("."), token(idp.rsa, claims(idp, sub="admin")).split(".")
    refused(server, role, ".".join([b[0], b[1], a[2]]))
    refused(server, role, ".".join([a[0], b[1], a[2]]))
    refused(server, role, ".".join([a[0], a[1], ""]))


def test_tokens_with_something_around_them(server, idp):
    role = make_role(server, idp)
    good = token(idp.rsa, claims(idp))
    for text in (good + ".", good + ".x", "." + good, good + "=", good + " ", " " + good, good + "\n", good + "A", good[:-1],
                 good.replace(".", "..", 1), good + "." + good, "Bearer " + good, good + "\u0000"):
        refused(server, role, text)
    head, body, tail = good.split(".")
    assert refused(server, role, "x" * 20).startswith("The ID Token provided is not a valid JWT.")
    refused(server, role, f"{head}.{body}=.{tail}")
    for size in (20000, 19999):
        refused(server, role, "a" * size)
    refused(server, role, "a" * 20001, "ValidationError")
    refused(server, role, head + "." + b64(b"[" * 9000) + "." + tail)
    assume(server, role, good)


def test_claims_that_stand_twice_or_are_of_another_type(server, idp):
    role = make_role(server, idp)
    base = json.dumps(claims(idp))
    for extra in ('"sub":"admin"', '"aud":"client-2"', f'"iss":"{idp.url}"', '"exp":9999999999', '"azp":7', '"amr":"x"'):
        refused(server, role, token(idp.rsa, base[:-1] + "," + extra + "}"))
    for name in ("iss", "sub", "aud"):
        for value in (7, None, True, {}, ["a", 7], ""):
            if not (name == "aud" and value == ""):
                refused(server, role, token(idp.rsa, {**claims(idp), name: value}))
    for value in ("1", -1, 1e30, None, "9999999999"):
        refused(server, role, token(idp.rsa, {**claims(idp), "exp": value}))


def test_missing_claims(server, idp):
    role = make_role(server, idp)
    for name in ("iss", "sub", "aud", "exp", "iat"):
        assert refused(server, role, token(idp.rsa, claims(idp, **{name: None}))) == "Missing a required claim: " + name


def test_times(server, idp):
    role = make_role(server, idp)
    now = int(time.time())
    said = refused(server, role, token(idp.rsa, claims(idp, exp=now - 1, iat=now - 600)), "ExpiredTokenException")
    assert said.startswith("Token expired: current date/time ") and said.endswith(f"expiration date/time {now - 1}")
    refused(server, role, token(idp.rsa, claims(idp, iat=now + 3600, exp=now + 7200)))
    refused(server, role, token(idp.rsa, claims(idp, nbf=now + 3600, exp=now + 7200)))
    assume(server, role, token(idp.rsa, claims(idp, iat=now + 60, nbf=now + 60)))
    # expired, and not by him: says nothing of the time
    refused(server, role, token(Key("RS256", "rsa"), claims(idp, exp=now - 1)))


def test_issuers_that_are_spelled_otherwise(server, idp):
    role = make_role(server, idp)
    for iss in (idp.url + "/", idp.url.upper(), idp.name, "http://" + idp.name, idp.url + "?", idp.url + "#",
                idp.url.replace("/realms", "//realms"), idp.url.replace("127.0.0.1", "127.0.0.1."), "https://", "x"):
        said = refused(server, role, token(idp.rsa, claims(idp, iss=iss)))
        assert said.startswith("No OpenIDConnect provider found in your account for ")


def test_subjects_have_a_length(server, idp):
    role = make_role(server, idp)
    assume(server, role, token(idp.rsa, claims(idp, sub="x" * 255)))
    refused(server, role, token(idp.rsa, claims(idp, sub="x" * 256)))


def test_access_tokens_of_other_kinds(server, idp):
    role = make_role(server, idp)
    refused(server, role, token(idp.rsa, claims(idp)), "NotImplemented", 501, ProviderId="www.amazon.com")


def test_a_signed_call_has_the_roles_rights_only(server, idp):
    role = make_role(server, idp)
    user = server.user(deny("*"))
    made = reached(server.client("sts", user).assume_role_with_web_identity,
                   RoleArn=role, RoleSessionName="sess", WebIdentityToken=token(idp.rsa, claims(idp)))
    assert made["Provider"] == provider_arn(idp)


# ---- the provider's server ------------------------------------------------------------------------------------------------

COULD_NOT = "Couldn't retrieve verification key from your identity provider"


def trouble(server, idp, want="InvalidIdentityToken"):
    return refused(server, make_role(server, idp), token(idp.rsa, claims(idp)), want)


def test_a_certificate_that_is_not_known(server, new_idp):
    register(server, new_idp, ThumbprintList=["9" * 40])
    want = "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
    assert trouble(server, new_idp) == want
    assert not new_idp.asked  # the request itself was never sent
    server.client("iam").update_open_id_connect_provider_thumbprint(
        OpenIDConnectProviderArn=provider_arn(new_idp), ThumbprintList=[new_idp.thumbprint])
    assume(server, make_role(server, new_idp), token(new_idp.rsa, claims(new_idp)))


def test_a_configuration_of_another_issuer(server, new_idp):
    register(server, new_idp)
    new_idp.config = {"issuer": "https://somebody.example.com"}
    assert trouble(server, new_idp).startswith(COULD_NOT)


@pytest.mark.parametrize("uri", ["http://127.0.0.1/jwks", "file:///etc/passwd", "https://user:pw@127.0.0.1/", "", 7, "ftp://x/"])
def test_keys_that_lie_elsewhere(server, new_idp, uri):
    register(server, new_idp)
    new_idp.config = {"jwks_uri": uri}
    assert trouble(server, new_idp).startswith(COULD_NOT)


@pytest.mark.parametrize("status, body", [(302, "https://127.0.0.1/jwks"), (500, b""), (404, b"{}")])
def test_answers_that_are_no_answers(server, new_idp, status, body):
    register(server, new_idp)
    new_idp.answers["/jwks"] = (status, body)
    trouble(server, new_idp, "IDPCommunicationError")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"x" * 300000, b'{"keys":[', b'{"keys":[]}', b"\xff"])
def test_keys_that_are_none(server, new_idp, body):
    register(server, new_idp)
    new_idp.answers["/jwks"] = (200, body)
    assert trouble(server, new_idp).startswith(COULD_NOT)


def test_a_provider_that_is_gone(server, new_idp):
    register(server, new_idp)
    new_idp.stop()
    trouble(server, new_idp, "IDPCommunicationError")


def test_a_new_key_is_found_when_it_is_time_to_look(server):
    with running("--test-clock", "--federation-allow-private") as clocked:
        idp = Idp(clocked.base)
        register(clocked, idp)
        role = make_role(clocked, idp)
        assume(clocked, role, token(idp.rsa, claims(idp)))
        new = Key("ES256", "new")
        idp.keys, before = [new], len(idp.asked)
        try:
            assume(clocked, role, token(new, claims(idp)))
            assert len(idp.asked) > before  # ten seconds had gone by on a busy machine
        except ClientError as e:
            assert code(e)[0] == "InvalidIdentityToken" and len(idp.asked) == before
        clocked.advance("11s")
        assume(clocked, role, token(new, claims(idp)))
        refused(clocked, role, token(idp.rsa, claims(idp)))  # withdrawn
        idp.stop()


def test_private_addresses_are_not_asked_unless_the_operator_says_so(fresh):
    iam = fresh.client("iam")
    with pytest.raises(ClientError) as e:
        iam.create_open_id_connect_provider(Url="https://127.0.0.1:8443", ThumbprintList=["9" * 40])
    assert code(e) == ("ValidationError", 400)
    for host in ("127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "2130706433"):
        iam.create_open_id_connect_provider(Url="https://" + host, ClientIDList=[CLIENT], ThumbprintList=["9" * 40])
        idp = type("Named", (), {"name": host, "url": "https://" + host})
        role = make_role(fresh, idp)
        assert refused(fresh, role, token(Key("EdDSA", "ed"), claims(idp))).startswith(COULD_NOT)


def test_other_work_goes_on_while_a_provider_is_slow(server, new_idp):
    register(server, new_idp)
    role = make_role(server, new_idp)
    answer, go_on, done = new_idp.answer, threading.Event(), []
    new_idp.answer = lambda path: (go_on.wait(), answer(path))[1]
    asking = threading.Thread(target=lambda: done.append(assume(server, role, token(new_idp.rsa, claims(new_idp)))))
    client = server.client("sts")
    asking.start()
    eventually(lambda: new_idp.asked)
    for _ in range(8):
        client.get_caller_identity()
    assert not done
    go_on.set()
    asking.join()
    assert done


@pytest.mark.parametrize("change,text", [
    ("delete_open_id_connect_provider", "No OpenIDConnect provider found in your account for "),
    ("remove_client_id_from_open_id_connect_provider", "Incorrect token audience"),
    ("update_open_id_connect_provider_thumbprint", COULD_NOT)])
def test_what_is_changed_while_the_provider_is_asked_counts(server, new_idp, change, text):
    register(server, new_idp)
    role, iam, answer = make_role(server, new_idp), server.client("iam"), new_idp.answer
    more = {"remove": {"ClientID": CLIENT}, "update": {"ThumbprintList": ["9" * 40]}}.get(change.partition("_")[0], {})

    def late(path):
        if path.endswith("/jwks"):
            getattr(iam, change)(OpenIDConnectProviderArn=provider_arn(new_idp), **more)
        return answer(path)
    new_idp.answer = late
    assert refused(server, role, token(new_idp.rsa, claims(new_idp))).startswith(text)


# ---- the record ------------------------------------------------------------------------------------------------------------

def events(server, name):
    found = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]
    return [json.loads(e["CloudTrailEvent"]) for e in found]


def test_the_record_names_the_bearer_and_not_the_token(server, idp):
    role = make_role(server, idp)
    sub = "sub-" + uuid.uuid4().hex[:8]
    text = token(idp.rsa, claims(idp, sub=sub))
    made = assume(server, role, text)
    server.client("sts", made["Credentials"]).get_caller_identity()
    found = next(e for e in events(server, "AssumeRoleWithWebIdentity") if e["userIdentity"].get("userName") == sub)
    assert found["userIdentity"] == {"type": "WebIdentityUser", "principalId": f"{provider_arn(idp)}:{CLIENT}:{sub}",
                                     "userName": sub, "identityProvider": provider_arn(idp)}
    assert found["requestParameters"]["roleArn"] == role and found["recipientAccountId"] == ACCOUNT
    assert found["responseElements"]["provider"] == provider_arn(idp)
    whole = json.dumps(found)
    assert text.split(".")[1] not in whole and made["Credentials"]["SecretAccessKey"] not in whole
    later = next(e for e in events(server, "GetCallerIdentity")
                 if e["userIdentity"].get("accessKeyId") == made["Credentials"]["AccessKeyId"])
    assert later["userIdentity"]["sessionContext"]["webIdFederationData"] == {"federatedProvider": provider_arn(idp),
                                                                             "attributes": {}}


def test_refusals_are_recorded_too(server, idp):
    sub = "sub-" + uuid.uuid4().hex[:8]
    role = make_role(server, idp, {"StringEquals": {f"{idp.name}:sub": "nobody"}})
    refused(server, role, token(idp.rsa, claims(idp, sub=sub)), "AccessDenied", 403)
    forged = make_role(server, idp)
    refused(server, forged, token(Key("RS256", "rsa"), claims(idp)))
    found = events(server, "AssumeRoleWithWebIdentity")
    denied = next(e for e in found if e["userIdentity"].get("userName") == sub)
    assert denied["errorCode"] == "AccessDenied"
    unknown = next(e for e in found if (e["requestParameters"] or {}).get("roleArn") == forged)
    assert unknown["errorCode"] == "InvalidIdentityToken"
    assert unknown["userIdentity"]["type"] == "AWSAccount" and "userName" not in unknown["userIdentity"]
