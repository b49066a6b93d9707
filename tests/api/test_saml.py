"""SAML providers and AssumeRoleWithSAML as boto3 sees them: who gets a role's credentials with an assertion, and every way
we know to come by them with a forged one."""
import base64
import copy
import hashlib
import json
import time
import uuid

import harness
import pytest
from botocore.exceptions import ClientError
from lxml import etree

from conftest import ACCOUNT, allow, code, message
from saml_idp import AWS, DS, ENVELOPED, EXC, SAML, SAMLP, SIGN_IN, Idp, assertion, at, encode, response

SAML_ACTION = "sts:AssumeRoleWithSAML"
INVALID = "Your request included an invalid SAML response."
UNSIGNED = "Response signature invalid"


class Provider:
    def __init__(self, server, kind="rsa", **more):
        self.idp = Idp(kind=kind)
        self.name = "idp-" + uuid.uuid4().hex[:8]
        self.arn = server.client("iam").create_saml_provider(
            Name=self.name, SAMLMetadataDocument=self.idp.metadata(**more))["SAMLProviderArn"]


@pytest.fixture(scope="module")
def provider(server):
    return Provider(server)


def make_role(server, provider, condition=None, actions=SAML_ACTION, statements=(), **more):
    return server.make_role({"Federated": provider.arn}, *statements, actions=actions, condition=condition, **more)


def assume(server, provider, role, text, **more):
    text = text if isinstance(text, str) else encode(text)
    return server.unsigned("sts").assume_role_with_saml(RoleArn=role, PrincipalArn=provider.arn, SAMLAssertion=text, **more)


def refused(server, provider, role, text, want="InvalidIdentityToken", status=400, **more):
    return harness.refused(want, status, assume, server, provider, role, text, **more)


def unsigned(provider, role, **more):
    return response(provider.idp, [f"{role},{provider.arn}"], **more)


def signed(provider, role, **more):
    tree = unsigned(provider, role, **more)
    provider.idp.sign(assertion(tree))
    return tree


# ---- providers -----------------------------------------------------------------------------------------------------------

def test_a_provider_is_made_shown_changed_and_deleted(server):
    iam, idp = server.client("iam"), Idp()
    name = "p." + uuid.uuid4().hex[:8]
    made = iam.create_saml_provider(Name=name, SAMLMetadataDocument=idp.metadata(), Tags=[{"Key": "a", "Value": "1"}])
    arn = made["SAMLProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:saml-provider/{name}" and made["Tags"] == [{"Key": "a", "Value": "1"}]
    got = iam.get_saml_provider(SAMLProviderArn=arn)
    assert got["SAMLMetadataDocument"] == idp.metadata() and got["Tags"] == made["Tags"]
    assert 99 < (got["ValidUntil"] - got["CreateDate"]).days / 365 < 101
    with pytest.raises(ClientError) as e:
        iam.create_saml_provider(Name=name, SAMLMetadataDocument=idp.metadata())
    assert code(e) == ("EntityAlreadyExists", 409)
    until = idp.metadata(root='validUntil="2040-01-02T03:04:05Z"')
    assert iam.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=until)["SAMLProviderArn"] == arn
    assert str(iam.get_saml_provider(SAMLProviderArn=arn)["ValidUntil"]) == "2040-01-02 03:04:05+00:00"
    assert arn in [p["Arn"] for p in iam.list_saml_providers()["SAMLProviderList"]]
    iam.tag_saml_provider(SAMLProviderArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["a"])
    assert iam.list_saml_provider_tags(SAMLProviderArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    user = server.client("iam", server.user(allow("iam:GetSAMLProvider", Condition={"StringEquals": {"aws:ResourceTag/b": "2"}})))
    user.get_saml_provider(SAMLProviderArn=arn)
    iam.untag_saml_provider(SAMLProviderArn=arn, TagKeys=["b"])
    with pytest.raises(ClientError) as e:
        user.get_saml_provider(SAMLProviderArn=arn)
    assert code(e) == ("AccessDenied", 403)
    iam.delete_saml_provider(SAMLProviderArn=arn)
    for call in (iam.get_saml_provider, iam.delete_saml_provider):
        with pytest.raises(ClientError) as e:
            call(SAMLProviderArn=arn)
        assert code(e) == ("NoSuchEntity", 404) and message(e) == "Manifest not found for arn " + arn


BOMB = "<!DOCTYPE x [" + "".join(f'<!ENTITY e{i} "{("&e%d;" % (i - 1)) * 10 if i else "x" * 100}">' for i in range(9)) + "]>"


@pytest.mark.parametrize("spoil", [
    lambda t: "x" * 2000,
    lambda t: BOMB + t,
    lambda t: '<!DOCTYPE x SYSTEM "file:///etc/passwd">' + t,
    lambda t: t.replace("EntityDescriptor", "EntitiesDescriptor"),
    lambda t: t.replace("IDPSSODescriptor", "SPSSODescriptor"),
    lambda t: t.replace('entityID="https://idp.example.com/saml"', ""),
    lambda t: t.replace('use="signing"', 'use="encryption"'),
    lambda t: t.replace("urn:oasis:names:tc:SAML:2.0:metadata", "urn:other"),
    lambda t: t.replace("<ds:X509Certificate>\nMI", "<ds:X509Certificate>\nAA"),
    lambda t: t.replace("entityID=", 'validUntil="tomorrow" entityID='),
    lambda t: t.rstrip() + "x" * 1000,
    lambda t: "<a>" * 40 + t + "</a>" * 40,
    lambda t: t.replace("<IDPSSO", "<x>" * 500 + "</x>" * 500 + "<IDPSSO"),
])
def test_what_is_no_metadata(server, spoil):
    iam = server.client("iam")
    with pytest.raises(ClientError) as e:
        iam.create_saml_provider(Name="bad", SAMLMetadataDocument=spoil(Idp().metadata(pad=300)))
    assert code(e) == ("InvalidInput", 400) and message(e) == "Could not parse metadata"


def test_what_cannot_be_given(server, provider):
    iam = server.client("iam", parameter_validation=False)
    for params in ({"Name": "a b"}, {"Name": ""}, {"SAMLMetadataDocument": "short"}, {"Name": "x" * 129}):
        with pytest.raises(ClientError) as e:
            iam.create_saml_provider(**{"Name": "ok", "SAMLMetadataDocument": provider.idp.metadata(), **params})
        assert code(e) == ("ValidationError", 400)
    for arn in ("arn:aws:iam::444455556666:saml-provider/x", f"arn:aws:iam::{ACCOUNT}:oidc-provider/x", "x" * 30):
        with pytest.raises(ClientError) as e:
            iam.get_saml_provider(SAMLProviderArn=arn)
        assert code(e) == ("InvalidInput", 400)


def test_an_account_has_a_hundred(fresh):
    iam, text = fresh.client("iam"), Idp().metadata()
    for i in range(100):
        iam.create_saml_provider(Name=f"p{i}", SAMLMetadataDocument=text)
    with pytest.raises(ClientError) as e:
        iam.create_saml_provider(Name="more", SAMLMetadataDocument=text)
    assert code(e) == ("LimitExceeded", 409) and message(e) == "Cannot exceed quota for SAMLProvidersPerAccount: 100"
    iam.delete_saml_provider(SAMLProviderArn=f"arn:aws:iam::{ACCOUNT}:saml-provider/p7")
    iam.create_saml_provider(Name="more", SAMLMetadataDocument=text)
    assert len(iam.list_saml_providers()["SAMLProviderList"]) == 100


# ---- who gets credentials ------------------------------------------------------------------------------------------------------

def test_documents_as_deep_as_they_may_be(server, provider):
    role = make_role(server, provider)
    for depth, good in ((20, True), (40, False)):
        deep = "<x a='1'>" * depth + "</x>" * depth
        tree = signed(provider, role, attributes={"urn:x": [deep]})
        if good:
            assume(server, provider, role, tree)
        else:
            assert refused(server, provider, role, tree) == INVALID


@pytest.mark.parametrize("where", ["assertion", "response", "both"])
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_response_gives_the_roles_credentials(server, where, kind):
    provider = Provider(server, kind)
    role = make_role(server, provider, statements=[allow("s3:ListAllMyBuckets")])
    tree = unsigned(provider, role)
    if where != "response":
        provider.idp.sign(assertion(tree))
    if where != "assertion":
        provider.idp.sign(tree)
    made = assume(server, provider, role, tree)
    assert made["Subject"] == "ann@example.com" and made["SubjectType"] == "persistent"
    assert made["Issuer"] == provider.idp.entity and made["Audience"] == SIGN_IN
    assert made["NameQualifier"] == base64.b64encode(
        hashlib.sha1(f"{provider.idp.entity}{ACCOUNT}/{provider.name}".encode()).digest()).decode()
    assert made["AssumedRoleUser"]["Arn"].endswith("/ann")
    server.client("s3", made["Credentials"]).list_buckets()


@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
def test_sha_2_in_all_sizes(server, provider, hash_name):
    role = make_role(server, provider)
    tree = unsigned(provider, role)
    provider.idp.sign(assertion(tree), hash_name, hash_name)
    assume(server, provider, role, tree)


def test_spelled_otherwise(server, provider):
    role = make_role(server, provider)
    tree = response(provider.idp, ["arn:aws:iam::1:role/x,arn:aws:iam::1:saml-provider/x", f" {provider.arn} , {role} "],
                    audience=["other", "urn:amazon:webservices"], recipient="https://eu-central-1.signin.aws.amazon.com/saml",
                    form="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")
    provider.idp.sign(assertion(tree), key_info=False)
    text = encode(tree)
    made = assume(server, provider, role, "\n".join(text[i:i + 76] for i in range(0, len(text), 76)) + "\n")
    assert made["SubjectType"] == "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    assert made["Audience"] == "https://eu-central-1.signin.aws.amazon.com/saml"


def test_one_of_several_certificates(server):
    one, two = Idp(), Idp()
    provider = Provider(server)
    server.client("iam").update_saml_provider(SAMLProviderArn=provider.arn, SAMLMetadataDocument=one.metadata([one.der, two.der]))
    role = make_role(server, provider)
    refused(server, provider, role, signed(provider, role))  # its own is no longer listed
    for idp in (one, two):
        provider.idp = idp
        assume(server, provider, role, signed(provider, role))


def test_it_may_be_shown_again_while_it_is_fresh(server, provider):
    role = make_role(server, provider)
    text = encode(signed(provider, role))
    for _ in range(3):
        assume(server, provider, role, text)


def test_conditions_see_the_assertion(server, provider):
    edu = {"urn:oid:1.3.6.1.4.1.5923.1.1.1.1": ["staff", "member"], "urn:oid:0.9.2342.19200300.100.1.3": ["ann@example.com"]}
    role = make_role(server, provider, {
        "StringEquals": {"saml:aud": SIGN_IN, "saml:iss": provider.idp.entity, "saml:sub": "ann@example.com",
                         "saml:sub_type": "persistent", "saml:doc": f"{ACCOUNT}/{provider.name}", "saml:mail": "ann@example.com",
                         "sts:RoleSessionName": "ann", "aws:FederatedProvider": provider.arn},
        "ForAnyValue:StringEquals": {"saml:edupersonaffiliation": "staff"}},
        statements=[allow("s3:ListAllMyBuckets", Condition={"StringEquals": {"saml:sub": "ann@example.com"}})])
    made = assume(server, provider, role, signed(provider, role, attributes=edu))
    server.client("s3", made["Credentials"]).list_buckets()
    for more in ({"subject": "eve@example.com", "attributes": edu}, {"attributes": None}, {"name": "eve", "attributes": edu},
                 {"attributes": edu, "form": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}):
        assert refused(server, provider, role, signed(provider, role, **more), "AccessDenied", 403) == \
            "Not authorized to perform " + SAML_ACTION


def test_tags_and_source_identity(server, provider):
    carried = {AWS + "PrincipalTag:team": ["red"], AWS + "TransitiveTagKeys": ["team"], AWS + "SourceIdentity": ["ann"]}
    tree = lambda role: signed(provider, role, attributes=carried)
    for actions in (SAML_ACTION, [SAML_ACTION, "sts:TagSession"], [SAML_ACTION, "sts:SetSourceIdentity"]):
        role = make_role(server, provider, actions=actions)
        refused(server, provider, role, tree(role), "AccessDenied", 403)
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "red", "aws:SourceIdentity": "ann"}}
    role = make_role(server, provider, actions=[SAML_ACTION, "sts:TagSession", "sts:SetSourceIdentity"],
                     statements=[allow("s3:ListAllMyBuckets", Condition=tagged)])
    made = assume(server, provider, role, tree(role))
    assert made["SourceIdentity"] == "ann" and made["PackedPolicySize"] > 0
    server.client("s3", made["Credentials"]).list_buckets()


def test_how_long_it_lasts(server, provider):
    role = make_role(server, provider)
    refused(server, provider, role, signed(provider, role), "ValidationError", DurationSeconds=7200)
    for session_s, want_s, more in ((600, 600, {}), (7200, 900, {"DurationSeconds": 900})):
        before = time.time()
        made = assume(server, provider, role, signed(provider, role, session=f'SessionNotOnOrAfter="{at(session_s)}"'), **more)
        assert before - 1 < made["Credentials"]["Expiration"].timestamp() - want_s < time.time() + 1


# ---- what is refused though it is signed ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("more, want, said", [
    ({"audience": "https://example.com"}, "InvalidIdentityToken", "Response does not contain the required audience."),
    ({"audience": []}, "InvalidIdentityToken", "Response does not contain the required audience."),
    ({"issuer": "https://other.example.com"}, "InvalidIdentityToken", "Issuer not present in specified provider"),
    ({"recipient": "https://signin.aws.amazon.com.evil.com/saml"}, "InvalidIdentityToken", None),
    ({"recipient": "https://evil.com/signin.aws.amazon.com/saml"}, "InvalidIdentityToken", None),
    ({"recipient": "https://evil.com?.signin.aws.amazon.com/saml"}, "InvalidIdentityToken", None),
    ({"recipient": "http://signin.aws.amazon.com/saml"}, "InvalidIdentityToken", None),
    ({"recipient": ""}, "InvalidIdentityToken", INVALID),
    ({"confirmations": 0}, "InvalidIdentityToken", INVALID),
    ({"confirmations": 2}, "InvalidIdentityToken", INVALID),
    ({"issued": -301, "before": -400}, "ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance"),
    ({"until": -1}, "ExpiredTokenException", None),
    ({"confirm": -1}, "ExpiredTokenException", None),
    ({"session": 'SessionNotOnOrAfter="2020-01-01T00:00:00Z"'}, "ExpiredTokenException", None),
    ({"before": 3600, "until": 7200}, "InvalidIdentityToken", None),
    ({"issued": 3600}, "InvalidIdentityToken", None),
    ({"session": 'SessionNotOnOrAfter="soon"'}, "InvalidIdentityToken", INVALID),
    ({"name": None}, "InvalidIdentityToken", "RoleSessionName is required in AuthnResponse"),
    ({"name": "a b"}, "InvalidIdentityToken", "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"),
    ({"name": "a"}, "InvalidIdentityToken", None),
    ({"name": "x" * 65}, "InvalidIdentityToken", None),
    ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "IDPRejectedClaim", None),
    ({"attributes": {AWS + "SourceIdentity": ["aws:x"]}}, "InvalidIdentityToken",
     'Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"'),
    ({"attributes": {AWS + "PrincipalTag:a": ["1", "2"]}}, "InvalidIdentityToken", None),
    ({"attributes": {AWS + "PrincipalTag:": ["1"]}}, "InvalidIdentityToken", None),
    ({"more": f'<saml:Attribute Name="{AWS}Role"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute>'},
     "InvalidIdentityToken", None),
    ({"more": f'<saml:Attribute Name="{AWS}RoleSessionName"><saml:AttributeValue>root</saml:AttributeValue></saml:Attribute>'},
     "InvalidIdentityToken", None),
    ({"subject": ""}, "InvalidIdentityToken", INVALID),
    ({"subject": "a<x/>b"}, "InvalidIdentityToken", INVALID),
])
def test_signed_but_not_right(server, provider, more, want, said):
    role = make_role(server, provider)
    status = 403 if want == "IDPRejectedClaim" else 400
    got = refused(server, provider, role, signed(provider, role, **more), want, status)
    assert said is None or got == said


def test_roles_it_does_not_give(server, provider):
    role, other = make_role(server, provider), make_role(server, provider)
    no = "Not authorized to perform " + SAML_ACTION
    assert refused(server, provider, other, signed(provider, role), "AccessDenied", 403) == no
    for text in (role, f"{role},{provider.arn}x", f"{role}x,{provider.arn}", f"{role},{role}", f"{role},{provider.arn},{role}"):
        tree = response(provider.idp, [text])
        provider.idp.sign(assertion(tree))
        assert refused(server, provider, role, tree, "AccessDenied", 403) == no
    missing = role + "x"
    assert refused(server, provider, missing, signed(provider, missing), "AccessDenied", 403) == no
    untrusting = server.role()["RoleArn"]
    assert refused(server, provider, untrusting, signed(provider, untrusting), "AccessDenied", 403) == no


def test_providers_that_are_not_there(server, provider):
    role = make_role(server, provider)
    fake = copy.copy(provider)
    for arn, want, said in ((provider.arn + "x", "InvalidIdentityToken", "Specified provider doesn't exist."),
                            (provider.arn.replace(ACCOUNT, "999999999999"), "InvalidIdentityToken", "Specified provider doesn't exist."),
                            (role, "ValidationError", "Principal ARN is invalid")):
        fake.arn = arn
        assert refused(server, fake, role, signed(fake, role), want) == said
    assert refused(server, provider, provider.arn, signed(provider, role), "ValidationError") == "Request ARN is invalid"
    other = Provider(server)  # the same issuer, other keys
    assert refused(server, other, role, signed(provider, role)) == UNSIGNED


def test_metadata_that_is_no_longer_valid(server):
    provider = Provider(server, root=f'validUntil="{at(-1)}"')
    role = make_role(server, provider)
    refused(server, provider, role, signed(provider, role))


# ---- what is not signed, or not what is signed ------------------------------------------------------------------------------------

def test_nothing_signed(server, provider):
    role = make_role(server, provider)
    assert refused(server, provider, role, unsigned(provider, role)) == UNSIGNED
    tree = signed(provider, role)
    a = assertion(tree)
    a.remove(a.find(f"{{{DS}}}Signature"))
    assert refused(server, provider, role, tree) == UNSIGNED


def test_signed_by_somebody_else_with_his_certificate_along(server, provider):
    role = make_role(server, provider)
    for kind in ("rsa", "ec"):
        eve = Idp(kind=kind)
        tree = unsigned(provider, role)
        eve.sign(assertion(tree))
        assert refused(server, provider, role, tree) == UNSIGNED
        eve.der = provider.idp.der  # the right certificate, the wrong key
        tree = unsigned(provider, role)
        eve.sign(assertion(tree))
        assert refused(server, provider, role, tree) == UNSIGNED


@pytest.mark.parametrize("change", [
    lambda a: a.find(f".//{{{SAML}}}NameID").__setattr__("text", "root@example.com"),
    lambda a: a.set("IssueInstant", at(5)),
    lambda a: a.find(f".//{{{SAML}}}Audience").__setattr__("text", "urn:amazon:webservices"),
    lambda a: a.find(f".//{{{SAML}}}AttributeStatement").append(etree.fromstring(
        f'<saml:Attribute xmlns:saml="{SAML}" Name="{AWS}PrincipalTag:a"><saml:AttributeValue>1</saml:AttributeValue></saml:Attribute>')),
    lambda a: a.find(f".//{{{DS}}}DigestValue").__setattr__("text", base64.b64encode(b"x" * 32).decode()),
    lambda a: a.find(f".//{{{DS}}}SignatureValue").__setattr__("text", ""),
    lambda a: a.find(f".//{{{DS}}}SignatureMethod").set("Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
    lambda a: a.find(f".//{{{DS}}}SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
    lambda a: a.find(f".//{{{DS}}}Reference").set("URI", "#other"),
    lambda a: a.find(f".//{{{DS}}}Reference").set("URI", ""),
    lambda a: a.set("ID", "_other"),
])
def test_changed_after_signing(server, provider, change):
    role = make_role(server, provider)
    tree = signed(provider, role)
    change(assertion(tree))
    assert refused(server, provider, role, tree) == UNSIGNED


@pytest.mark.parametrize("how", [
    {"hash_name": "sha1"},
    {"digest_name": "sha1"},
    {"uri": ""},
    {"uri": "#xpointer(/)"},
    {"uri": "https://evil.com/"},
    {"uri": "file:///etc/passwd"},
    {"transforms": (EXC,)},
    {"transforms": ()},
    {"transforms": (ENVELOPED, EXC, EXC)},
    {"transforms": (ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116")},
    {"transforms": (ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116")},
    {"transforms": (ENVELOPED, DS + "base64")},
    {"transforms": (ENVELOPED, EXC + "WithComments")},
    {"c14n_method": EXC + "WithComments"},
])
def test_signed_in_ways_that_are_not_taken(server, provider, how):
    role = make_role(server, provider)
    tree = unsigned(provider, role)
    provider.idp.sign(assertion(tree), **how)
    assert refused(server, provider, role, tree) == UNSIGNED


def test_a_response_signed_wrongly_around_an_assertion_signed_rightly(server, provider):
    role = make_role(server, provider)
    tree = signed(provider, role)
    Idp().sign(tree)
    assert refused(server, provider, role, tree) == UNSIGNED


def evil_copy(original, strip=True, new_id=None):
    evil = copy.deepcopy(original)
    evil.find(f".//{{{SAML}}}NameID").text = "root@example.com"
    if strip:
        evil.remove(evil.find(f"{{{DS}}}Signature"))
    if new_id:
        evil.set("ID", new_id)
    return evil


# Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be", XSW 1 to 8, and some more.
def xsw1(tree, a):  # a response around the signed one
    evil = copy.deepcopy(tree)
    inner = assertion(evil)
    inner.find(f".//{{{SAML}}}NameID").text = "root@example.com"
    inner.remove(inner.find(f"{{{DS}}}Signature"))
    inner.set("ID", "_evil")
    evil.set("ID", "_evilr")
    signature = copy.deepcopy(a.find(f"{{{DS}}}Signature"))
    etree.SubElement(signature, f"{{{DS}}}Object").append(copy.deepcopy(tree))
    evil.insert(1, signature)
    return evil


def xsw2(tree, a):
    evil = copy.deepcopy(tree)
    assertion(evil).getparent().replace(assertion(evil), evil_copy(a, new_id="_evil"))
    evil.insert(1, copy.deepcopy(a.find(f"{{{DS}}}Signature")))
    evil.insert(1, copy.deepcopy(a))
    return evil


def xsw3(tree, a):  # an evil one before the signed one
    a.addprevious(evil_copy(a, new_id="_evil"))
    return tree


def xsw4(tree, a):  # an evil one around the signed one
    evil = evil_copy(a, new_id="_evil")
    tree.replace(a, evil)
    evil.append(a)
    return tree


def xsw5(tree, a):  # the signature in the evil one, the signed one behind it
    evil = evil_copy(a, strip=False, new_id="_evil")
    plain = copy.deepcopy(a)
    plain.remove(plain.find(f"{{{DS}}}Signature"))
    tree.replace(a, evil)
    tree.append(plain)
    return tree


def xsw6(tree, a):
    evil = evil_copy(a, strip=False, new_id="_evil")
    plain = copy.deepcopy(a)
    plain.remove(plain.find(f"{{{DS}}}Signature"))
    evil.find(f"{{{DS}}}Signature").append(plain)
    tree.replace(a, evil)
    return tree


def xsw7(tree, a):  # the signed one in Extensions
    evil = evil_copy(a, new_id="_evil")
    tree.replace(a, evil)
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(a)
    tree.insert(1, extensions)
    return tree


def xsw8(tree, a):  # the signed one in an Object of the evil one's signature
    evil = evil_copy(a, strip=False, new_id="_evil")
    plain = copy.deepcopy(a)
    plain.remove(plain.find(f"{{{DS}}}Signature"))
    etree.SubElement(evil.find(f"{{{DS}}}Signature"), f"{{{DS}}}Object").append(plain)
    tree.replace(a, evil)
    return tree


def same_id(tree, a):  # the same ID twice, the evil one first
    evil = evil_copy(a, strip=False)
    tree.replace(a, evil)
    hidden = etree.SubElement(tree, "hidden")
    plain = copy.deepcopy(a)
    plain.tag = "{urn:x}NotAnAssertion"
    hidden.append(plain)
    return tree


def xml_id(tree, a):  # another element that a verifier may find by that ID
    evil = evil_copy(a, strip=False)
    tree.replace(a, evil)
    other = etree.SubElement(tree, "other")
    other.set("{http://www.w3.org/XML/1998/namespace}id", a.get("ID"))
    return tree


def other_namespace(tree, a):
    evil = evil_copy(a, new_id="_evil")
    a.tag = "{urn:x}Assertion"
    a.addprevious(evil)
    return tree


def two_signatures(tree, a):
    evil = evil_copy(a, strip=False)
    evil.insert(1, copy.deepcopy(evil.find(f"{{{DS}}}Signature")))
    tree.replace(a, evil)
    return tree


def two_references(tree, a):
    evil = evil_copy(a, strip=False)
    info = evil.find(f".//{{{DS}}}SignedInfo")
    info.append(copy.deepcopy(info.find(f"{{{DS}}}Reference")))
    tree.replace(a, evil)
    return tree


@pytest.mark.parametrize("wrap", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8, same_id, xml_id, other_namespace, two_signatures,
                                  two_references])
def test_signature_wrapping(server, provider, wrap):
    role = make_role(server, provider)
    tree = signed(provider, role)
    assume(server, provider, role, tree)  # as it was, it is good
    assert refused(server, provider, role, wrap(tree, assertion(tree))) in (INVALID, UNSIGNED)


@pytest.mark.parametrize("inside", ["root@example.com<!-- -->.evil.com", "root@example.com<?x y?>.evil.com",
                                    "root@example.com<!---->"])
def test_comments_do_not_cut_texts(server, provider, inside):
    role = make_role(server, provider)
    tree = unsigned(provider, role, subject=inside)
    provider.idp.sign(assertion(tree))
    assert refused(server, provider, role, tree) == INVALID


def test_comments_put_in_afterwards(server, provider):
    """The signature still holds, for canonicalization drops them; the text is no longer one."""
    role = make_role(server, provider)
    text = etree.tostring(signed(provider, role)).replace(b"ann@example.com", b"ann<!-- -->@example.com")
    assert refused(server, provider, role, encode(text)) == INVALID


def test_what_is_no_xml(server, provider):
    role = make_role(server, provider)
    good = etree.tostring(signed(provider, role))
    for text in (b"", b"x" * 100, b"<a/>", good + b"x", good + good, good[:-1], b"\xff" + good, good.replace(b"ann@", b"\xff@"),
                 BOMB.encode() + good, b'<!DOCTYPE a SYSTEM "http://127.0.0.1/">' + good, b"<!DOCTYPE a []>" + good,
                 b"<x>" * 100 + good + b"</x>" * 100, good.replace(b"<saml:Subject>", b"<saml:Subject>" + b"<x>" * 3000 + b"</x>" * 3000),
                 b'<?xml version="1.0" encoding="UTF-7"?>' + good, good.decode().encode("utf-16"), good.decode().encode("utf-32"),
                 good.replace(b"samlp:Response", b"samlp:Request"), good.replace(b'Version="2.0"', b'Version="1.1"'),
                 b"\x00" + good, good.replace(b"<samlp:Status>", b"<samlp:Status/><samlp:Status>")):
        if text:
            assert refused(server, provider, role, encode(text)) in (INVALID, UNSIGNED)
    for text in ("not base64!", encode(good)[:-1], encode(good) + "=", encode(good) + "A", " " + encode(good)):
        assert refused(server, provider, role, text) == "Invalid base64 SAMLResponse"
    refused(server, provider, role, "A" * 100001, "ValidationError")
    refused(server, provider, role, "A" * 100000)


def test_encrypted_assertions(server, provider):
    role = make_role(server, provider)
    tree = unsigned(provider, role)
    tree.replace(assertion(tree), etree.Element(f"{{{SAML}}}EncryptedAssertion"))
    provider.idp.sign(tree)
    assert refused(server, provider, role, tree) == "Encrypted SAML assertions are not supported."


# ---- the record ---------------------------------------------------------------------------------------------------------------------

def test_the_record_names_the_bearer_and_not_the_assertion(server, provider):
    role = make_role(server, provider)
    subject = "s-" + uuid.uuid4().hex[:8]
    text = encode(signed(provider, role, subject=subject))
    made = assume(server, provider, role, text)
    found = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithSAML"}])["Events"]
    event = next(e for e in (json.loads(f["CloudTrailEvent"]) for f in found) if e["userIdentity"].get("userName") == subject)
    assert event["userIdentity"] == {"type": "SAMLUser", "principalId": f"{made['NameQualifier']}:{subject}", "userName": subject,
                                     "identityProvider": made["NameQualifier"]}
    assert event["requestParameters"]["principalArn"] == provider.arn
    assert event["responseElements"]["nameQualifier"] == made["NameQualifier"]
    assert text[:60] not in json.dumps(event) and made["Credentials"]["SecretAccessKey"] not in json.dumps(event)
