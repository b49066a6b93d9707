"""A SAML identity provider for tests: its metadata, responses it signs, and the means to forge them. Canonicalization is
lxml's, the signatures are python3-cryptography's: nothing of what the server verifies with."""
import base64
import datetime
import hashlib
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from lxml import etree

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
AWS = "https://aws.amazon.com/SAML/Attributes/"
SIGN_IN = "https://signin.aws.amazon.com/saml"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
DIGESTS = {"sha1": DS + "sha1", "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
           "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384", "sha512": "http://www.w3.org/2001/04/xmlenc#sha512"}


def at(seconds=0):
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def c14n(element, exclusive=True):
    return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False)


class Idp:
    def __init__(self, entity="https://idp.example.com/saml", kind="rsa"):
        self.entity = entity
        self.key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        now = datetime.datetime.utcnow()
        self.cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
                     .serial_number(1).not_valid_before(now - datetime.timedelta(days=9))
                     .not_valid_after(now - datetime.timedelta(days=1))  # over, which is not looked at
                     .sign(self.key, hashes.SHA256()))
        self.der = self.cert.public_bytes(serialization.Encoding.DER)

    def metadata(self, certs=None, pad=0, root="", use=' use="signing"'):
        certs = [self.der] if certs is None else certs
        keys = "".join(f"<KeyDescriptor{use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n"
                       + base64.encodebytes(c).decode() + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
                       for c in certs)
        text = (f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{DS}" entityID="{self.entity}" {root}>'
                f'<IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">{keys}'
                '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
                'Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>')
        return text + " " * max(pad, 1000 - len(text))

    def signature(self, data, hash_name="sha256"):
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), HASHES[hash_name]())
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(HASHES[hash_name]())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def sign(self, element, hash_name="sha256", digest_name="sha256", transforms=(ENVELOPED, EXC), uri=None, c14n_method=EXC,
             key_info=True):
        """Adds an enveloped signature behind the Issuer; computed over the element as it is now."""
        algorithm = ("ecdsa-" if not isinstance(self.key, rsa.RSAPrivateKey) else "rsa-") + hash_name
        method = DS + algorithm if algorithm == "rsa-sha1" else "http://www.w3.org/2001/04/xmldsig-more#" + algorithm
        value = hashlib.new(digest_name, c14n(element)).digest()
        signature = etree.fromstring(
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{c14n_method}"/>'
            f'<ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="{"#" + element.get("ID") if uri is None else uri}">'
            "<ds:Transforms>" + "".join(f'<ds:Transform Algorithm="{t}"/>' for t in transforms) + "</ds:Transforms>"
            f'<ds:DigestMethod Algorithm="{DIGESTS[digest_name]}"/><ds:DigestValue>{base64.b64encode(value).decode()}'
            "</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue/>"
            + (f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{base64.b64encode(self.der).decode()}</ds:X509Certificate>"
               "</ds:X509Data></ds:KeyInfo>" if key_info else "") + "</ds:Signature>")
        element.insert(1, signature)
        signed = self.signature(c14n(signature.find(f"{{{DS}}}SignedInfo"), c14n_method == EXC), hash_name)
        signature.find(f"{{{DS}}}SignatureValue").text = base64.b64encode(signed).decode()
        return signature


def attribute(name, values):
    return f'<saml:Attribute Name="{name}">' + "".join(
        f"<saml:AttributeValue>{v}</saml:AttributeValue>" for v in values) + "</saml:Attribute>"


def response(idp, roles, *, name="ann", subject="ann@example.com", attributes=None, audience=SIGN_IN, recipient=SIGN_IN, issued=0,
             until=300, confirm=300, before=-10, issuer=None, status=SUCCESS, form="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
             session="", extra="", confirmations=1, more=""):
    """An unsigned response as an element tree. roles: texts of the Role attribute."""
    issuer = idp.entity if issuer is None else issuer
    given = {AWS + "Role": roles, AWS + "RoleSessionName": [name] if name is not None else None, **(attributes or {})}
    confirmation = ('<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData '
                    f'NotOnOrAfter="{at(confirm)}" Recipient="{recipient}"/></saml:SubjectConfirmation>') * confirmations
    return etree.fromstring(
        f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_r{uuid.uuid4().hex}" Version="2.0" '
        f'IssueInstant="{at(issued)}"><saml:Issuer>{issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{status}"/>'
        f'</samlp:Status>{extra}<saml:Assertion ID="_a{uuid.uuid4().hex}" Version="2.0" IssueInstant="{at(issued)}">'
        f'<saml:Issuer>{issuer}</saml:Issuer><saml:Subject><saml:NameID Format="{form}">{subject}</saml:NameID>{confirmation}'
        f'</saml:Subject><saml:Conditions NotBefore="{at(before)}" NotOnOrAfter="{at(until)}"><saml:AudienceRestriction>'
        + "".join(f"<saml:Audience>{a}</saml:Audience>" for a in ([audience] if isinstance(audience, str) else audience))
        + f'</saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{at()}" {session}><saml:AuthnContext>'
        "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>"
        "</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>"
        + "".join(attribute(k, v) for k, v in given.items() if v is not None) + more
        + "</saml:AttributeStatement></saml:Assertion></samlp:Response>")


def assertion(tree):
    return tree.find(f"{{{SAML}}}Assertion")


def encode(tree):
    return base64.b64encode(tree if isinstance(tree, bytes) else etree.tostring(tree)).decode()
