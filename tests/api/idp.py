"""An OpenID Connect provider on loopback for tests: its own authority, its keys, tokens it signs and forges."""
import base64
import datetime
import hashlib
import hmac
import http.server
import ipaddress
import json
import ssl
import threading

from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness import code, eventually


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64_int(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class Key:
    """A signing key; `jwk` is its public half."""

    def __init__(self, alg, kid):
        self.alg, self.kid = alg, kid
        if alg == "RS256":
            self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            n = self.key.public_key().public_numbers()
            jwk = {"kty": "RSA", "n": b64_int(n.n), "e": b64_int(n.e)}
        elif alg == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
            n = self.key.public_key().public_numbers()
            jwk = {"kty": "EC", "crv": "P-256", "x": b64_int(n.x, 32), "y": b64_int(n.y, 32)}
        else:
            self.key = ed25519.Ed25519PrivateKey.generate()
            raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
        self.jwk = {**jwk, "kid": kid, "alg": alg, "use": "sig"}

    def sign(self, message):
        if self.alg == "RS256":
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        if self.alg == "ES256":
            r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self.key.sign(message)

    def public_pem(self):
        return self.key.public_key().public_bytes(serialization.Encoding.PEM,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)


def token(key, claims, header=None, signature=None):
    """Header members of None are left out; claims may be JSON text."""
    head = {"typ": "JWT", "alg": key.alg, "kid": key.kid, **(header or {})}
    head = json.dumps({k: v for k, v in head.items() if v is not None})
    body = claims if isinstance(claims, str) else json.dumps(claims)
    signed = b64(head.encode()) + "." + b64(body.encode())
    return signed + "." + b64(key.sign(signed.encode()) if signature is None else signature(signed.encode()))


def hmac_with(secret):
    return lambda message: hmac.new(secret, message, hashlib.sha256).digest()


def reached(call, **members):
    """What the call answers that needs a provider, which on a busy machine may take longer than the server waits: then asked again."""
    def answer():
        try:
            return call(**members)
        except ClientError as e:
            if code(e)[0] != "IDPCommunicationError":
                raise
            return None
    return eventually(answer)


def authority(name="Test IdP CA"):
    key = ec.generate_private_key(ec.SECP256R1())
    return key, certificate(name, key, name, key, ca=True)


def certificate(name, key, issuer_name, issuer_key, ca=False, host=None):
    now = datetime.datetime.utcnow()
    build = (x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
             .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer_name)]))
             .public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
             .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    if host:
        build = build.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        build = build.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return build.sign(issuer_key, hashes.SHA256())


class Idp:
    """Serves https://127.0.0.1:PORT/PATH, and no other of this run had that port. What it serves may be changed while it runs."""

    ports = set()

    @classmethod
    def listen(cls, handler):
        while True:
            made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            port = made.server_address[1]
            if port not in cls.ports:
                cls.ports.add(port)
                return made
            made.server_close()

    def __init__(self, base, path=""):
        ca_key, self.ca = authority()
        leaf_key = ec.generate_private_key(ec.SECP256R1())
        leaf = certificate("idp", leaf_key, "Test IdP CA", ca_key, host="127.0.0.1")
        chain = base / "idp.pem"
        chain.write_bytes(pem(leaf_key) + leaf.public_bytes(serialization.Encoding.PEM) +
                          self.ca.public_bytes(serialization.Encoding.PEM))
        self.thumbprint = self.ca.fingerprint(hashes.SHA1()).hex()
        self.ca_pem = self.ca.public_bytes(serialization.Encoding.PEM)
        self.rsa, self.ec, self.ed = Key("RS256", "rsa"), Key("ES256", "ec"), Key("EdDSA", "ed")
        self.keys = [self.rsa, self.ec, self.ed]
        self.asked, self.answers, self.config = [], {}, {}
        idp = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                idp.asked.append(self.path)
                status, body = idp.answer(self.path)
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", body)
                    body = b""
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = self.listen(Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.path = path
        self.name = self.host + path
        self.url = "https://" + self.name
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        if path in self.answers:
            status, body = self.answers[path]
            return status, body if isinstance(body, (bytes, str)) else json.dumps(body).encode()
        if path == self.path + "/.well-known/openid-configuration":
            return 200, json.dumps({"issuer": self.url, "jwks_uri": self.url + "/jwks", **self.config}).encode()
        if path == self.path + "/jwks":
            return 200, json.dumps({"keys": [k.jwk for k in self.keys]}).encode()
        return 404, b""

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
