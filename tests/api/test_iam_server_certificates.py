"""Server certificates as boto3 sees them: made by openssl, checked, kept; the key is never shown, on disk neither."""
import subprocess

import pytest

from conftest import allow, fresh_name, refused

ACCOUNT = "111122223333"


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    """root signs middle signs leaf, RSA keys; `other` is somebody else's."""
    folder = tmp_path_factory.mktemp("pems")
    (folder / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
    (folder / "leaf.ext").write_text("basicConstraints=CA:FALSE\nsubjectAltName=DNS:www.example.com\n")
    for name, issuer in (("root", None), ("middle", "root"), ("leaf", "middle"), ("other", None)):
        openssl(folder, "genrsa", "-out", f"{name}.key", "2048")
        openssl(folder, "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        sign = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial"] if issuer else ["-signkey", f"{name}.key"]
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *sign, "-days", "30", "-out", f"{name}.pem",
                "-extfile", "leaf.ext" if name == "leaf" else "ca.ext")
    return {p.name: p.read_text() for p in folder.iterdir() if p.suffix in (".pem", ".key")}


@pytest.fixture
def iam(server):
    client = server.client("iam")
    yield client
    for c in client.list_server_certificates()["ServerCertificateMetadataList"]:
        client.delete_server_certificate(ServerCertificateName=c["ServerCertificateName"])


def test_a_certificate_from_its_upload_to_its_end(server, iam, pems):
    name, chain = fresh_name(), pems["middle.pem"] + pems["root.pem"]
    made = iam.upload_server_certificate(ServerCertificateName=name, Path="/cloudfront/", CertificateBody=pems["leaf.pem"],
                                         PrivateKey=pems["leaf.key"], CertificateChain=chain, Tags=[{"Key": "a", "Value": "b"}])
    meta = made["ServerCertificateMetadata"]
    assert meta["Arn"] == f"arn:aws:iam::{ACCOUNT}:server-certificate/cloudfront/{name}"
    assert meta["ServerCertificateId"].startswith("ASCA") and len(meta["ServerCertificateId"]) == 21
    assert 29 <= (meta["Expiration"] - meta["UploadDate"]).days <= 30
    got = iam.get_server_certificate(ServerCertificateName=name)["ServerCertificate"]
    assert got["CertificateBody"] == pems["leaf.pem"].strip() and got["CertificateChain"] == chain.strip()
    assert got["ServerCertificateMetadata"] == meta and got["Tags"] == [{"Key": "a", "Value": "b"}]
    assert "PRIVATE KEY" not in str(got)
    iam.update_server_certificate(ServerCertificateName=name, NewPath="/x/", NewServerCertificateName=name + "-2")
    assert [c["Arn"].rpartition("/")[2] for c in iam.list_server_certificates(PathPrefix="/x/")["ServerCertificateMetadataList"]] \
        == [name + "-2"]
    iam.tag_server_certificate(ServerCertificateName=name + "-2", Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_server_certificate(ServerCertificateName=name + "-2", TagKeys=["a"])
    assert iam.list_server_certificate_tags(ServerCertificateName=name + "-2")["Tags"] == [{"Key": "c", "Value": "d"}]
    iam.delete_server_certificate(ServerCertificateName=name + "-2")
    refused("NoSuchEntity", 404, iam.get_server_certificate, ServerCertificateName=name + "-2")


def test_the_key_is_not_in_the_trail(server, iam, pems):
    name = fresh_name()
    iam.upload_server_certificate(ServerCertificateName=name, CertificateBody=pems["leaf.pem"], PrivateKey=pems["leaf.key"])
    refused("KeyPairMismatch", 400, iam.upload_server_certificate, ServerCertificateName=fresh_name(),
            CertificateBody=pems["leaf.pem"], PrivateKey=pems["other.key"])
    events = server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "UploadServerCertificate"}])["Events"]
    assert any(name in e["CloudTrailEvent"] for e in events)
    for e in events:
        assert "PRIVATE KEY" not in e["CloudTrailEvent"] and "HIDDEN_DUE_TO_SECURITY_REASONS" in e["CloudTrailEvent"]


def test_what_does_not_fit_is_refused(iam, pems):
    def upload(want, **params):
        text = refused(want, 400, iam.upload_server_certificate, **{
            "ServerCertificateName": "x", "CertificateBody": pems["leaf.pem"], "PrivateKey": pems["leaf.key"], **params})
        return text

    assert upload("MalformedCertificate", CertificateBody="x") == \
        "Unable to parse certificate. Please ensure the certificate is in PEM format."
    upload("MalformedCertificate", CertificateBody=pems["leaf.pem"] + pems["root.pem"])
    upload("MalformedCertificate", PrivateKey="x")
    upload("KeyPairMismatch", PrivateKey=pems["other.key"])
    for chain, wrong in ((pems["root.pem"], -1), (pems["leaf.pem"], -1), (pems["root.pem"] + pems["middle.pem"], -1),
                         (pems["middle.pem"] + pems["other.pem"], 0)):
        assert upload("MalformedCertificate", CertificateChain=chain).endswith(f"invalid certificate is: {wrong}")
    upload("MalformedCertificate", CertificateChain="Text\n" + pems["middle.pem"])


def test_who_may_upload(server, pems):
    may = server.client("iam", server.user(allow("iam:UploadServerCertificate", f"arn:aws:iam::{ACCOUNT}:server-certificate/mine/*")))
    own = {"CertificateBody": pems["leaf.pem"], "PrivateKey": pems["leaf.key"]}
    name = fresh_name()
    may.upload_server_certificate(ServerCertificateName=name, Path="/mine/", **own)
    refused("AccessDenied", 403, may.upload_server_certificate, ServerCertificateName=fresh_name(), **own)
    refused("AccessDenied", 403, may.upload_server_certificate, ServerCertificateName=fresh_name(), Path="/mine/",
            Tags=[{"Key": "a", "Value": "b"}], **own)
    refused("AccessDenied", 403, may.get_server_certificate, ServerCertificateName=name)
    server.client("iam").delete_server_certificate(ServerCertificateName=name)
