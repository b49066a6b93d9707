"""Nothing readable on disk: planted words are looked for in every file, in every spelling, at every moment."""
import base64
import itertools
import os
import pathlib
import re
import subprocess
import urllib.parse

from conftest import BIN, Server, allow, policy

WORDS = itertools.count()


def word(what):
    """Words that occur by no chance, and do not compress away."""
    return f"{what}{next(WORDS)}Zq{os.urandom(9).hex()}"


def spellings(text):
    raw = text if isinstance(text, bytes) else text.encode()
    made = {"raw": raw, "reversed": raw[::-1], "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(),
            "percent": urllib.parse.quote(raw, safe="").encode()}
    try:
        made["utf-16le"], made["utf-16be"] = raw.decode().encode("utf-16-le"), raw.decode().encode("utf-16-be")
    except UnicodeDecodeError:
        pass
    for shift in range(3):  # base64 of a longer text that holds it: the middle, whatever stands before
        inner = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0:]
        made[f"base64+{shift}"] = inner.rstrip(b"=")[:-1]
    return {spelling: found for spelling, found in made.items() if len(found) >= 12}


def plant(server):
    """Every kind of customer's words, put where they belong. {what: text}"""
    s3, kms, iam, sts = (server.client(s) for s in ("s3", "kms", "iam", "sts"))
    w = {name: word(name) for name in (
        "smallbody", "largebody", "partbody", "objectkey", "bucketkey", "metadata", "tagkey", "tagvalue", "bucketpolicy", "inlinepolicy",
        "managedpolicy", "trustpolicy", "roledescription", "rolename", "username", "kmsdescription", "alias", "plaintext", "contextkey",
        "contextvalue", "kmstag", "keypolicy", "session", "sessiontag", "gonebody", "refusedkey")}
    w["bucket"] = word("bucket").lower()
    bucket = w["bucket"]
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": w["tagkey"], "Value": w["tagvalue"]}]})
    s3.put_object(Bucket=bucket, Key=w["objectkey"], Body=w["smallbody"].encode(), Metadata={"said": w["metadata"]})
    s3.put_object(Bucket=bucket, Key="large", Body=w["largebody"].encode() * 20_000)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]  # stays under way
    s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=w["partbody"].encode() * 10_000)
    s3.put_object(Bucket=bucket, Key="gone", Body=w["gonebody"].encode() * 10_000)
    s3.delete_object(Bucket=bucket, Key="gone")
    root = {"AWS": f"arn:aws:iam::{server.account}:root"}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Sid=w["bucketpolicy"], Principal=root)))
    iam.create_role(RoleName=w["rolename"], Description=w["roledescription"],
                    AssumeRolePolicyDocument=policy(allow(["sts:AssumeRole", "sts:TagSession"], None, Principal=root, Sid=w["trustpolicy"])))
    iam.put_role_policy(RoleName=w["rolename"], PolicyName="p", PolicyDocument=policy(allow("s3:*", Sid=w["inlinepolicy"])))
    iam.create_policy(PolicyName="m", PolicyDocument=policy(allow("s3:*", Sid=w["managedpolicy"])))
    caller = server.user(allow(["sts:AssumeRole", "sts:TagSession"]), name=w["username"])
    w["secretkey"] = caller["SecretAccessKey"]
    made = server.client("sts", caller).assume_role(RoleArn=f"arn:aws:iam::{server.account}:role/{w['rolename']}",
                                                    RoleSessionName=w["session"], Tags=[{"Key": "t", "Value": w["sessiontag"]}])
    w["sessionsecret"], w["sessiontoken"] = made["Credentials"]["SecretAccessKey"], made["Credentials"]["SessionToken"][:60]
    w["rootsecret"] = server.root[1]
    key = kms.create_key(Description=w["kmsdescription"], Tags=[{"TagKey": "t", "TagValue": w["kmstag"]}],
                         Policy=policy(allow("kms:*", Principal=root, Sid=w["keypolicy"])))["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{w['alias']}", TargetKeyId=key)
    context = {w["contextkey"]: w["contextvalue"]}
    sealed = kms.encrypt(KeyId=key, Plaintext=w["plaintext"].encode(), EncryptionContext=context)["CiphertextBlob"]
    kms.decrypt(CiphertextBlob=sealed, EncryptionContext=context)
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    w["datakey"] = data_key["Plaintext"]
    stranger = server.client("s3", server.user())
    try:
        stranger.get_object(Bucket=bucket, Key=w["refusedkey"])
    except stranger.exceptions.ClientError:
        pass
    sts.get_caller_identity()
    server.client("cloudtrail").lookup_events()
    return w


SECRET = {"smallbody", "largebody", "partbody", "gonebody", "plaintext", "secretkey", "sessionsecret", "sessiontoken", "rootsecret", "datakey"}


def scan(paths, words):
    needles = [(what, how, needle) for what, text in words.items() for how, needle in spellings(text).items()]
    found, size = [], 0
    for path in paths:
        try:
            data = path.read_bytes()
        except (OSError, ValueError):
            continue  # gone meanwhile, or a socket
        size += len(data)
        found += [f"{what} ({how}) in {path}" for what, how, needle in needles if needle in data]
    return found, size


def files(folder):
    return [p for p in folder.rglob("*") if p.is_file()]


def open_files(process):
    """What it has open and is of ordinary kind: files without a name among them."""
    try:
        return [p for p in pathlib.Path(f"/proc/{process.pid}/fd").iterdir() if re.match(r"/(?!dev|proc)", os.readlink(p))]
    except PermissionError:
        return []


def known_marks(paths):
    """Marks of formats that would show that something lies in the open: SQLite's, JSON of a policy, PEM of a private key, zstd."""
    found = []
    for path in paths:
        data = path.read_bytes()
        found += [f"{mark} in {path}" for mark in (b"SQLite format 3", b'"Version"', b"2012-10-17", b"PRIVATE KEY", b"CREATE TABLE", b"arn:aws:")
                  if mark in data]
        if data.count(b"\x28\xb5\x2f\xfd") > 1 + (len(data) >> 28):  # one may be chance among so many bytes; the trail would have many
            found.append(f"zstd frames in {path}")
    return found


def test_no_planted_word_is_in_any_file(base):
    temporary = base / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"], before = str(temporary), os.environ.get("TMPDIR")
    try:
        server = Server(base).start()
        words = plant(server)
    finally:
        os.environ.pop("TMPDIR")
        if before:
            os.environ["TMPDIR"] = before
    assert "holdfast" in subprocess.run([BIN, "version"], capture_output=True, text=True).stdout

    found, size = scan(files(server.data) + open_files(server.process), words)
    assert size > 1_000_000, "the large objects are somewhere in there"
    assert not found, "while running: " + "; ".join(found)
    server.kill()
    found, _ = scan(files(server.data), words)
    assert not found, "after kill -9: " + "; ".join(found)
    assert any(p.name.endswith("-wal") and p.stat().st_size for p in files(server.data)), "a kill leaves a write-ahead log to look into"
    assert not known_marks(files(server.data)), known_marks(files(server.data))
    server.start()
    server.client("s3").put_object(Bucket=words["bucket"], Key="again", Body=words["smallbody"].encode())
    assert server.stop() == 0, server.log.read_text()[-3000:]
    found, _ = scan(files(server.data), words)
    assert not found, "after a clean stop: " + "; ".join(found)
    assert not known_marks(files(server.data)), known_marks(files(server.data))

    found, _ = scan([server.log], {what: words[what] for what in SECRET})
    assert not found, "in the log: " + "; ".join(found)
    assert not files(temporary), "temporary files outside of the data directory"


def test_the_scan_would_find_them(base):
    """A scan that finds nothing anywhere proves nothing."""
    for what, text in {"word": "PlantedWord12345", "bytes": os.urandom(32)}.items():
        for how, needle in spellings(text).items():
            (base / "file").write_bytes(os.urandom(1000) + needle + os.urandom(1000))
            assert scan([base / "file"], {what: text})[0], how
    (base / "file").write_bytes(base64.b64encode(b"x" + b"PlantedWord12345" + b"yz"))
    assert scan([base / "file"], {"word": "PlantedWord12345"})[0]
