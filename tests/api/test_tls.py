"""TLS as strangers see it: versions, ciphers, names, and what is sent in the clear."""
import re
import socket
import ssl
import subprocess
import urllib.parse

import pytest

from conftest import PATIENCE_S, Server

SOUND = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
SOUND_1_2 = re.compile(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)")


def port(server):
    return urllib.parse.urlsplit(server.url).port


def shake(server, name, **settings):
    """A handshake that asks for `name`; the connection's (version, cipher, certificate)."""
    context = ssl.create_default_context(cafile=server.ca)
    for setting, value in settings.items():
        setattr(context, setting, value)
    with socket.create_connection(("127.0.0.1", port(server)), timeout=PATIENCE_S) as raw, context.wrap_socket(raw, server_hostname=name) as made:
        return made.version(), made.cipher()[0], made.getpeercert()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(server, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", port(server)), timeout=PATIENCE_S) as raw:
        with pytest.raises((ssl.SSLError, ConnectionResetError)) as e:
            context.wrap_socket(raw)
    assert getattr(e.value, "reason", None) not in ("NO_PROTOCOLS_AVAILABLE", "UNSUPPORTED_PROTOCOL"), "our own side gave up"
    assert server.admin("GET", "/health")[0] == 200


@pytest.mark.parametrize("version,name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_new_versions_are_spoken(server, version, name):
    got, cipher, _ = shake(server, "localhost", minimum_version=version, maximum_version=version)
    assert got == name and (cipher in SOUND or SOUND_1_2.fullmatch(cipher))


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "ADH-AES256-GCM-SHA384",
                                    "ECDHE-ECDSA-NULL-SHA", "DHE-RSA-AES128-GCM-SHA256"])
def test_weak_ciphers_are_refused(server, cipher):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher + ":@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port(server)), timeout=PATIENCE_S) as raw, pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(raw)


def test_sslscan_finds_nothing_weak(server):
    done = subprocess.run(["sslscan", "--no-colour", "--show-certificate", f"127.0.0.1:{port(server)}"], capture_output=True, text=True,
                          timeout=PATIENCE_S)
    text = done.stdout
    assert done.returncode == 0, text + done.stderr
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        assert re.search(rf"{re.escape(version)}\s+disabled", text), text
    for version in ("TLSv1.2", "TLSv1.3"):
        assert re.search(rf"{re.escape(version)}\s+enabled", text), text
    offered = re.findall(r"^(?:Preferred|Accepted)\s+(\S+)\s+(\d+) bits\s+(\S+)", text, re.M)
    assert len(offered) >= 4, text
    for version, bits, cipher in offered:
        assert version in ("TLSv1.2", "TLSv1.3") and int(bits) >= 128, (version, bits, cipher)
        assert cipher in SOUND or SOUND_1_2.fullmatch(cipher), cipher
    assert "vulnerable to heartbleed" not in text.replace("not vulnerable to heartbleed", "")
    assert re.search(r"Compression disabled|does not support compression", text), text
    assert "Secure session renegotiation supported" in text or "Session renegotiation not supported" in text, text
    assert not re.search(r"Signature Algorithm: .*(md5|sha1)", text, re.I)


def test_the_certificate_is_good_for_the_local_names(server):
    *_, certificate = shake(server, "localhost")
    assert ("DNS", "*.localhost") in certificate["subjectAltName"], "though OpenSSL takes no wildcard right below a top-level name"
    for name in ("localhost", "127.0.0.1", "s3.test", "bucket.s3.test", socket.gethostname()):
        shake(server, name)
    for name in ("example.com", "s3.test.example.com", "a.b.s3.test", "127.0.0.2", "localhost.example.com"):
        with pytest.raises(ssl.SSLCertVerificationError):
            shake(server, name)


def test_an_unknown_name_in_the_handshake_troubles_nobody(server):
    """SNI for a name that is not ours: the certificate does not match, which is the client's to notice; requests are answered as ever."""
    context = ssl.create_default_context(cafile=server.ca)
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", port(server)), timeout=PATIENCE_S) as raw:
        with context.wrap_socket(raw, server_hostname="elsewhere.example.com") as made:
            made.sendall(b"GET / HTTP/1.1\r\nHost: elsewhere.example.com\r\nConnection: close\r\n\r\n")
            assert made.recv(100).startswith(b"HTTP/1.1 4")
    shake(server, "localhost")


def test_configured_names_are_in_the_certificate(tmp_path):
    server = Server.__new__(Server)
    server.base, server.data, server.options, server.account = tmp_path, tmp_path / "d", (), "111122223333"
    server.process, server.log, server.ca = None, tmp_path / "server.log", str(tmp_path / "d" / "tls" / "ca.pem")
    server.holdfast("init", "--data", server.data, "--name", "vault.example.com", "--name", "192.0.2.7", "--name=2001:db8::7",
                    "--domain", "objects.example.com")
    server.start()
    try:
        *_, certificate = shake(server, "vault.example.com")
        for name in ("192.0.2.7", "2001:db8::7", "objects.example.com", "b.objects.example.com", "localhost"):
            shake(server, name)
        assert ("DNS", "vault.example.com") in certificate["subjectAltName"]
        with pytest.raises(ssl.SSLCertVerificationError):
            shake(server, "b.s3.test")
    finally:
        assert server.stop() == 0


def test_virtual_hosts_of_the_default_domain_are_verified(tmp_path, monkeypatch):
    """No client takes *.localhost for bucket.localhost; *.s3.localhost is good for bucket.s3.localhost."""
    import boto3
    import botocore.config
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **kw: real(
        "127.0.0.1" if str(host).endswith(".localhost") else host, *more, **kw))
    server = Server(tmp_path, domain=None).start()
    try:
        s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=f"https://s3.localhost:{port(server)}", verify=server.ca,
                          aws_access_key_id=server.root[0], aws_secret_access_key=server.root[1],
                          config=botocore.config.Config(s3={"addressing_style": "virtual"}))
        sent = []
        s3.meta.events.register("before-send.s3", lambda request, **_: sent.append(urllib.parse.urlsplit(request.url).hostname))
        s3.create_bucket(Bucket="by-its-name")
        s3.put_object(Bucket="by-its-name", Key="k", Body=b"found")
        assert s3.get_object(Bucket="by-its-name", Key="k")["Body"].read() == b"found"
        assert sent[-1] == "by-its-name.s3.localhost"
        for name in ("localhost", "s3.localhost", "by-its-name.s3.localhost"):
            shake(server, name)
    finally:
        assert server.stop() == 0


def test_the_chain_is_whole_and_the_ca_is_a_ca(server):
    def text(pem):
        return subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, capture_output=True, text=True, check=True).stdout
    chain = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", (server.data / "tls" / "server.pem").read_text(), re.S)
    ca = text(open(server.ca).read())
    assert len(chain) == 2 and "CA:TRUE" in ca and "Certificate Sign" in ca
    assert "CA:FALSE" in text(chain[0]) and "TLS Web Server Authentication" in text(chain[0])
    done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", server.ca,
                           str(server.data / "tls" / "server.pem")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_plain_http_on_the_tls_port_gets_no_answer(server):
    with socket.create_connection(("127.0.0.1", port(server)), timeout=PATIENCE_S) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            got = raw.recv(1000)
        except ConnectionResetError:
            got = b""
    assert not got.startswith(b"HTTP/"), got
    shake(server, "localhost")


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\xff\xff" + b"\x00" * 200, b"\x80\x2e\x01\x00\x02" + b"A" * 50, b"\x16\x03\x03\x00\x05\x01\x00\xff\xff\xff",
                                   b"\x00" * 5000, b"\x15\x03\x03\x00\x02\x02\x28"])
def test_noise_instead_of_a_handshake_is_cut_off(server, noise):
    """And does not stay for the minute that a connection may be idle."""
    with socket.create_connection(("127.0.0.1", port(server)), timeout=45) as raw:
        try:
            raw.sendall(noise)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(1000):
                pass
        except OSError as e:
            assert not isinstance(e, TimeoutError)
    shake(server, "localhost")


def test_plain_http_is_served_where_it_was_asked_for_only(server):
    at = urllib.parse.urlsplit(server.http_url)
    context = ssl.create_default_context(cafile=server.ca)
    with socket.create_connection((at.hostname, at.port), timeout=PATIENCE_S) as raw, pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(raw, server_hostname="localhost")
