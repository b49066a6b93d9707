"""The main job, as the README tells it: SecureCart's first corner with the stock AWS CLI, over TLS."""
import base64
import hashlib
import json
import os
import pathlib
import subprocess

import pytest

from conftest import BIN, ROOT, Server, allow, policy

ACCOUNT = "111122223333"
SIZE = 100_000_000


class Shell:
    """Runs the AWS CLI against a server as somebody."""

    def __init__(self, server, base):
        self.server, self.base = server, pathlib.Path(base)
        self.clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.clean |= {"HOLDFAST_BIN": BIN, "SECURECART_OPERATOR": str(self.base / "operator"), "AWS_EC2_METADATA_DISABLED": "true",
                       "HOME": str(self.base), "AWS_MAX_ATTEMPTS": "1",
                       "PATH": "/usr/bin:" + os.environ["PATH"]}  # Debian's own aws

    def aws(self, *args, who=None, **more):
        env = {**self.clean, **(who or {}), **more}
        return subprocess.run([BIN, "aws", "--data", str(self.server.data), *args], env=env, text=True, capture_output=True)

    def ok(self, *args, who=None, **more):
        done = self.aws(*args, who=who, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *args, who=None, **more):
        done = self.aws(*args, who=who, **more)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def script(self, *args):
        done = subprocess.run(args, env=self.clean, text=True, capture_output=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def be(self, role):
        out = self.script("securecart/as", role)
        return dict(part.split("=", 1) for part in out.replace("export ", "").replace("'", "").split())


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    base = tmp_path_factory.mktemp("shop")
    server = Server(base, "--test-clock").start()
    shell = Shell(server, base)
    shell.script("securecart/setup", str(server.data))
    shell.invoice = base / "invoice.bin"
    block = os.urandom(1_000_000)
    with open(shell.invoice, "wb") as f:
        for i in range(SIZE // len(block)):
            f.write(block[i:] + block[:i])
    yield shell
    if server.process:
        assert server.stop() == 0, server.log.read_text()[-4000:]


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def test_setting_up_twice_changes_nothing_but_the_operators_key(shop):
    before = shop.ok("iam", "list-roles", "--query", "Roles[].RoleId")
    shop.script("securecart/setup", str(shop.server.data))
    assert shop.ok("iam", "list-roles", "--query", "Roles[].RoleId") == before
    assert shop.ok("kms", "list-keys", "--query", "length(Keys)").strip() == "1"


def findings(shop):
    done = subprocess.run(["securecart/check", str(shop.server.data)], env=shop.clean, text=True, capture_output=True, cwd=ROOT)
    said = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith(("ok ", "FAIL "))]
    assert done.returncode == any(how == "FAIL" for how, _ in said), done.stdout + done.stderr
    return said, done.stdout


def test_its_data_is_protected_as_the_second_phase_asks(shop):
    said, text = findings(shop)
    assert len(said) == 13 and not [what for how, what in said if how != "ok"], text


def test_what_is_no_longer_so_is_found_and_mended(shop):
    key = shop.ok("kms", "describe-key", "--key-id", "alias/securecart-invoices", "--query", "KeyMetadata.KeyId", "--output", "text").strip()
    shop.ok("kms", "disable-key-rotation", "--key-id", key)
    shop.ok("s3api", "delete-bucket-encryption", "--bucket", "securecart-invoices")
    shop.ok("s3api", "delete-bucket-policy", "--bucket", "securecart-invoices")
    everybody = policy(allow("kms:*", "*", Principal={"AWS": "*"}))
    shop.ok("kms", "put-key-policy", "--key-id", key, "--policy-name", "default", "--policy", everybody)
    said, text = findings(shop)
    assert [what for how, what in said if how == "ok"] == [
        "a customer managed key for customers' data", "the AWS managed key for the rest", "that way is closed without an MFA code",
        "securecart-logs is encrypted"], text
    shop.script("securecart/setup", str(shop.server.data))
    assert shop.ok("kms", "get-key-rotation-status", "--key-id", key, "--query", "KeyRotationEnabled").strip() == "true"


def test_the_application_stores_and_reads_100_mb(shop, tmp_path):
    app = shop.be("securecart-app")
    shop.ok("s3", "cp", "--quiet", str(shop.invoice), "s3://securecart-invoices/2026/invoice.bin", who=app)
    shop.ok("s3", "cp", "--quiet", "s3://securecart-invoices/2026/invoice.bin", str(tmp_path / "back"), who=app)
    assert sha256(tmp_path / "back") == sha256(shop.invoice)
    head = json.loads(shop.ok("s3api", "head-object", "--bucket", "securecart-invoices", "--key", "2026/invoice.bin", who=app))
    assert head["ServerSideEncryption"] == "aws:kms" and head["BucketKeyEnabled"] and head["ETag"].endswith('-12"')
    assert "2026/" in shop.ok("s3", "ls", "s3://securecart-invoices/", who=app)
    assert f"{SIZE} invoice.bin" in shop.ok("s3", "ls", "s3://securecart-invoices/2026/", who=app)


def test_a_range_is_exactly_that_range(shop, tmp_path):
    app = shop.be("securecart-app")
    out = shop.ok("s3api", "get-object", "--bucket", "securecart-invoices", "--key", "2026/invoice.bin",
                  "--range", "bytes=8388600-16777300", str(tmp_path / "part"), who=app)
    assert json.loads(out)["ContentRange"] == f"bytes 8388600-16777300/{SIZE}"
    with open(shop.invoice, "rb") as f:
        f.seek(8388600)
        assert (tmp_path / "part").read_bytes() == f.read(16777300 - 8388600 + 1)


def test_the_developer_is_refused_in_aws_words(shop, tmp_path):
    dev = shop.be("securecart-developer")
    said = shop.refused("s3api", "get-object", "--bucket", "securecart-invoices", "--key", "2026/invoice.bin", "/dev/null", who=dev)
    assert "An error occurred (AccessDenied) when calling the GetObject operation" in said
    assert f"User: arn:aws:sts::{ACCOUNT}:assumed-role/securecart-developer/" in said
    assert ('is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::securecart-invoices/2026/invoice.bin" '
            "because no identity-based policy allows the s3:GetObject action") in said
    blob = shop.ok("kms", "encrypt", "--key-id", "alias/securecart-invoices", "--plaintext", "aGVsbG8=", "--query", "CiphertextBlob",
                   "--output", "text").strip()
    (tmp_path / "blob").write_bytes(base64.b64decode(blob))
    said = shop.refused("kms", "decrypt", "--ciphertext-blob", f"fileb://{tmp_path}/blob", who=dev)
    assert "AccessDeniedException" in said and "kms:Decrypt" in said and "because no identity-based policy allows" in said


def test_bad_credentials_get_aws_codes(shop):
    root = {k: shop.server.env[k] for k in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    unknown = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "x" * 40}
    wrong = {**root, "AWS_SECRET_ACCESS_KEY": "y" * 40}
    listing = ("s3api", "list-buckets")
    assert "(InvalidAccessKeyId)" in shop.refused(*listing, who=unknown)
    assert "(SignatureDoesNotMatch)" in shop.refused(*listing, who=wrong)
    assert "(UnrecognizedClientException)" in shop.refused("kms", "list-keys", who=unknown)
    assert "(InvalidSignatureException)" in shop.refused("kms", "list-keys", who=wrong)
    assert "(InvalidClientTokenId)" in shop.refused("sts", "get-caller-identity", who=unknown)
    assert "(SignatureDoesNotMatch)" in shop.refused("sts", "get-caller-identity", who=wrong)
    assert "(AccessDenied)" in shop.refused("s3api", "get-object", "--no-sign-request", "--bucket", "securecart-invoices", "--key",
                                            "2026/invoice.bin", "/dev/null")
    assert "MissingAuthenticationToken" in shop.refused("kms", "list-keys", "--no-sign-request")


def test_plain_transport_is_refused_by_the_bucket(shop):
    s3 = shop.server.client("s3", plain=True)
    with pytest.raises(s3.exceptions.ClientError) as e:
        s3.get_object(Bucket="securecart-invoices", Key="2026/invoice.bin")
    assert e.value.response["Error"]["Code"] == "AccessDenied"
    assert "with an explicit deny in a resource-based policy" in e.value.response["Error"]["Message"]


def test_any_principal_but_securecarts_roles_is_refused_by_the_bucket(shop):
    stranger = shop.server.user(allow(["s3:*", "kms:*"]))
    s3 = shop.server.client("s3", stranger)
    with pytest.raises(s3.exceptions.ClientError) as e:
        s3.get_object(Bucket="securecart-invoices", Key="2026/invoice.bin")
    assert "with an explicit deny in a resource-based policy" in e.value.response["Error"]["Message"]


def test_a_disabled_key_makes_the_object_unreadable_for_everyone(shop, tmp_path):
    app = shop.be("securecart-app")
    get = ("s3api", "get-object", "--bucket", "securecart-invoices", "--key", "2026/invoice.bin", "--range", "bytes=0-99", str(tmp_path / "x"))
    key = shop.ok("kms", "describe-key", "--key-id", "alias/securecart-invoices", "--query", "KeyMetadata.KeyId", "--output", "text").strip()
    shop.ok(*get, who=app)
    shop.ok("kms", "disable-key", "--key-id", key)
    assert "(KMS.DisabledException)" in shop.refused(*get, who=app)
    assert "(KMS.DisabledException)" in shop.refused(*get)
    shop.ok("kms", "enable-key", "--key-id", key)
    shop.ok(*get, who=app)


def events(shop, **attribute):
    args = ["cloudtrail", "lookup-events", "--max-items", "1000", "--query", "Events[].CloudTrailEvent", "--output", "json"]
    for name, value in attribute.items():
        args += ["--lookup-attributes", f"AttributeKey={name},AttributeValue={value}"]
    return [json.loads(e) for e in json.loads(shop.ok(*args))]


def test_the_trail_has_every_one_of_these_calls(shop):
    gets = events(shop, EventName="GetObject")
    codes = {e.get("errorCode") for e in gets}
    assert {None, "AccessDenied", "KMS.DisabledException"} <= codes
    refused = next(e for e in gets if e.get("errorCode") == "AccessDenied" and "developer" in e["userIdentity"].get("arn", ""))
    assert refused["userIdentity"]["type"] == "AssumedRole" and refused["sourceIPAddress"] == "127.0.0.1"
    assert refused["requestParameters"]["key"] == "2026/invoice.bin"
    assert {"InvalidAccessKeyId", "SignatureDoesNotMatch"} <= {e.get("errorCode") for e in events(shop, EventName="ListBuckets")}
    assert {"UnrecognizedClientException", "InvalidSignatureException"} <= {e.get("errorCode") for e in events(shop, EventName="ListKeys")}
    assert {"DisableKey", "EnableKey"} <= {e["eventName"] for e in events(shop, EventSource="kms.amazonaws.com")}
    assert [e for e in events(shop, EventName="UploadPart")] and [e for e in events(shop, EventName="CompleteMultipartUpload")]


def test_secrets_are_not_in_the_trail(shop):
    text = json.dumps(events(shop))
    assert shop.server.env["AWS_SECRET_ACCESS_KEY"] not in text
    secret = pathlib.Path(shop.clean["SECURECART_OPERATOR"]).read_text().split()[1]
    assert secret not in text
    app = shop.be("securecart-app")
    text = json.dumps(events(shop))
    assert app["AWS_SECRET_ACCESS_KEY"] not in text and app["AWS_SESSION_TOKEN"] not in text


def test_everything_survives_kill_9(shop, tmp_path):
    before = len(events(shop, EventName="GetObject"))
    shop.server.kill()
    shop.server.start()
    app = shop.be("securecart-app")
    shop.ok("s3", "cp", "--quiet", "s3://securecart-invoices/2026/invoice.bin", str(tmp_path / "back"), who=app)
    assert sha256(tmp_path / "back") == sha256(shop.invoice)
    assert len(events(shop, EventName="GetObject")) >= before


def test_nothing_readable_is_on_the_disk(shop):
    probe = b"PLAINTEXT-PROBE-" + os.urandom(8).hex().encode()
    root = shop.server.client("s3")
    root.put_object(Bucket="securecart-invoices", Key=f"secret-name-{probe.decode()}", Body=probe * 10)
    root.put_object(Bucket="securecart-invoices", Key="large-probe", Body=probe * 20000)
    needles = {
        "object": probe, "key name": b"secret-name-", "invoice": shop.invoice.read_bytes()[5000:5032],
        "policy": b"InvoiceKeyThroughS3Only", "bucket policy": b"RefusePlainTransport", "role": b"securecart-developer",
        "operator's secret": pathlib.Path(shop.clean["SECURECART_OPERATOR"]).read_text().split()[1].encode(),
        "root's secret": shop.server.env["AWS_SECRET_ACCESS_KEY"].encode(),
    }
    shop.server.kill()  # whatever lies in the WAL stays there
    files = [p for p in shop.server.data.rglob("*") if p.is_file()]
    assert files
    for path in files:
        data = path.read_bytes()
        for what, needle in needles.items():
            assert needle not in data, f"{what} in {path}"
    shop.server.start()


def test_a_20_minute_old_signature_is_refused(shop):
    app = shop.be("securecart-app")
    shop.server.advance("20m")  # the server's clock, so that the CLI's fresh signature is old
    assert "(RequestTimeTooSkewed)" in shop.refused("s3api", "list-buckets")
    said = shop.refused("kms", "list-keys")
    assert "(InvalidSignatureException)" in said and "Signature expired" in said
    assert "(SignatureDoesNotMatch)" in shop.refused("sts", "get-caller-identity", who=app)
