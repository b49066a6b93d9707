"""Tools that know nothing of Holdfast, as Debian has them: rclone, s3cmd, restic, curl. Each is skipped where it is not installed."""
import filecmp
import os
import pathlib
import shutil
import subprocess

import pytest


@pytest.fixture
def tree(tmp_path):
    """A few files with awkward names, and one that goes up in parts."""
    root = tmp_path / "tree"
    (root / "a" / "b").mkdir(parents=True)
    for i in range(3):
        (root / "a" / f"f{i}").write_text(str(i))
        (root / "a" / "b" / f"g {i}+ü.txt").write_text(str(i) * 100)
    (root / "big").write_bytes(os.urandom(12_000_000))
    return root


def same(a, b):
    found = filecmp.dircmp(a, b)
    return not (found.left_only or found.right_only or found.diff_files) and all(same(a / d, b / d) for d in found.common_dirs)


class Tool:
    def __init__(self, name, server, tmp_path, *args, **env):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
        keys = {"AWS_ACCESS_KEY_ID": server.root[0], "AWS_SECRET_ACCESS_KEY": server.root[1], "AWS_DEFAULT_REGION": "us-east-1"}
        self.env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", **keys, **env}
        self.line = [name, *map(str, args)]

    def run(self, *args):
        return subprocess.run([*self.line, *map(str, args)], env=self.env, text=True, capture_output=True, timeout=120)

    def ok(self, *args):
        done = self.run(*args)
        assert done.returncode == 0 and "ERROR" not in done.stderr, done.stdout + done.stderr
        return done.stdout


def test_rclone(server, tree, tmp_path):
    config = tmp_path / "rclone.conf"
    config.write_text(f"[hf]\ntype = s3\nprovider = Other\nenv_auth = true\nendpoint = {server.url}\nregion = us-east-1\n")
    rclone = Tool("rclone", server, tmp_path, "--config", config, "--ca-cert", server.ca, "--retries", 1)
    rclone.ok("mkdir", "hf:rclone-tool")
    rclone.ok("copy", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", tree, "hf:rclone-tool/t")
    rclone.ok("check", tree, "hf:rclone-tool/t")
    rclone.ok("sync", tree / "a", "hf:rclone-tool/t")
    rclone.ok("moveto", "hf:rclone-tool/t/f1", "hf:rclone-tool/moved")
    assert rclone.ok("cat", "hf:rclone-tool/moved") == "1"
    rclone.ok("copy", "hf:rclone-tool/t", tmp_path / "back")
    (tree / "a" / "f1").unlink()
    assert same(tree / "a", tmp_path / "back")
    assert rclone.ok("backend", "versioning", "hf:rclone-tool").strip() == "Unversioned"
    assert "moved" in rclone.ok("lsf", "--s3-versions", "hf:rclone-tool")
    rclone.ok("backend", "cleanup", "hf:rclone-tool")
    rclone.ok("purge", "hf:rclone-tool")


def test_s3cmd(server, tree, tmp_path):
    address = server.url.removeprefix("https://")
    config = tmp_path / "s3cfg"
    config.write_text(f"[default]\naccess_key = {server.root[0]}\nsecret_key = {server.root[1]}\nhost_base = {address}\n"
                      f"host_bucket = {address}\nbucket_location = us-east-1\nca_certs_file = {server.ca}\nuse_https = True\n")
    s3cmd = Tool("s3cmd", server, tmp_path, "-c", config)
    s3cmd.ok("mb", "s3://s3cmd-tool")
    s3cmd.ok("sync", "--multipart-chunk-size-mb=5", f"{tree}/", "s3://s3cmd-tool/t/")
    s3cmd.ok("sync", "s3://s3cmd-tool/t/", f"{tmp_path}/back/")
    assert same(tree, tmp_path / "back")
    info = s3cmd.ok("info", "s3://s3cmd-tool")
    assert "BucketOwner" in info and "FULL_CONTROL" in info
    assert "FULL_CONTROL" in s3cmd.ok("info", "s3://s3cmd-tool/t/big")
    # It copies ACLs unless told not to, which no bucket with its owner enforced takes, here or at AWS.
    assert "AccessControlListNotSupported" in s3cmd.run("cp", "s3://s3cmd-tool/t/big", "s3://s3cmd-tool/copy").stderr
    s3cmd.ok("mv", "--acl-private", "s3://s3cmd-tool/t/big", "s3://s3cmd-tool/moved")
    s3cmd.ok("modify", "--acl-private", "--add-header=x-amz-meta-x:y", "s3://s3cmd-tool/moved")
    s3cmd.ok("del", "-r", "--force", "s3://s3cmd-tool")
    s3cmd.ok("rb", "s3://s3cmd-tool")


def test_restic(server, tree, tmp_path):
    restic = Tool("restic", server, tmp_path, "--cacert", server.ca, "--no-cache", "-r", f"s3:{server.url}/restic-tool", RESTIC_PASSWORD="x")
    restic.ok("init")
    restic.ok("backup", tree)
    (tree / "a" / "f0").write_text("changed")
    restic.ok("backup", tree)
    restic.ok("forget", "--keep-last", 1, "--prune")
    restic.ok("check", "--read-data")
    restic.ok("restore", "latest", "--target", tmp_path / "back")
    restored = next(p for p in pathlib.Path(tmp_path / "back").rglob("tree"))
    assert same(tree, restored)


def test_curl(server, tmp_path):
    """Debian 12's does not hash the payload for S3 by itself, so it is told to leave it unsigned; TLS guards it."""
    curl = Tool("curl", server, tmp_path, "-sS", "--fail", "--cacert", server.ca, "--user", ":".join(server.root))
    s3 = ["--aws-sigv4", "aws:amz:us-east-1:s3", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
    (tmp_path / "f").write_text("hello")
    curl.ok(*s3, "-X", "PUT", server.url + "/curl-tool")
    curl.ok(*s3, "-T", tmp_path / "f", server.url + "/curl-tool/k")
    assert curl.ok(*s3, server.url + "/curl-tool/k") == "hello"
    assert "<KeyCount>1</KeyCount>" in curl.ok(*s3, server.url + "/curl-tool?list-type=2")
    assert curl.run(*s3, server.url + "/curl-tool/none").returncode == 22
    said = curl.ok("--aws-sigv4", "aws:amz:us-east-1:sts", "-d", "Action=GetCallerIdentity&Version=2011-06-15", server.url)
    assert f"arn:aws:iam::{server.account}:root" in said
