"""A full disk, flipped bits, missing and wrong files: an error that says so, never wrong data, never a crash."""
import ctypes
import json
import os
import pathlib
import shutil
import stat
import subprocess

import botocore.exceptions
import pytest

from conftest import BIN, PATIENCE_S, Server, code, eventually, fresh_name

UNAVAILABLE = {"InternalError", "InternalFailure", "ServiceUnavailable", "ServiceUnavailableException", "KMSInternalException",
               "DependencyTimeoutException"}
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
MEBIBYTE = 1 << 20


# ---- a full disk ------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def own_mounts():
    """This process gets mounts of its own, so that a small file system troubles nobody else."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        os.close(before)
        pytest.skip("mounting a small file system is not permitted here (needs root)")
    yield libc
    libc.setns(before, CLONE_NEWNS)
    os.close(before)


class SmallDisk:
    def __init__(self, libc, base, mib):
        self.libc, self.path = libc, base / "disk"
        self.path.mkdir()
        if libc.mount(b"none", str(self.path).encode(), b"tmpfs", 0, f"size={mib}m,mode=700".encode()):
            pytest.skip("mounting a tmpfs is not permitted here")
        self.filler = self.path / "filler"

    def free(self):
        v = os.statvfs(self.path)
        return v.f_bavail * v.f_frsize

    def fill(self, leave):
        n = self.free() - leave
        if n > 0:
            with open(self.filler, "ab") as f:
                f.write(b"\xff" * n)

    def empty(self):
        self.filler.unlink(missing_ok=True)

    def unmount(self):
        self.libc.umount2(str(self.path).encode(), 2)


@pytest.fixture
def disk(own_mounts, base):
    made = SmallDisk(own_mounts, base, 64)
    yield made
    made.unmount()


class Shop:
    """A little of everything, and the means to say whether it is still as it was acknowledged."""

    def __init__(self, server):
        self.server, self.objects, self.users, self.states = server, {}, set(), {}
        self.connect()

    def connect(self):
        self.s3, self.kms, self.iam = (self.server.client(s, plain=True) for s in ("s3", "kms", "iam"))

    def open(self):
        self.s3.create_bucket(Bucket="shop")
        self.key = self.kms.create_key(Description="the shop's")["KeyMetadata"]["KeyId"]
        self.states[self.key] = "Enabled"
        self.sealed = self.kms.encrypt(KeyId=self.key, Plaintext=b"sealed words")["CiphertextBlob"]
        self.put("small", b"s" * 900)
        self.put("large", os.urandom(700_000))
        self.user("first")
        return self

    def put(self, key, body):
        self.s3.put_object(Bucket="shop", Key=key, Body=body)
        self.objects[key] = body

    def user(self, name):
        self.iam.create_user(UserName=name)
        self.users.add(name)

    def toggle(self):
        if self.states[self.key] == "Enabled":
            self.kms.disable_key(KeyId=self.key)
            self.states[self.key] = "Disabled"
        self.kms.enable_key(KeyId=self.key)
        self.states[self.key] = "Enabled"

    def check(self):
        """Everything acknowledged reads as it was."""
        for key, body in self.objects.items():
            assert self.s3.get_object(Bucket="shop", Key=key)["Body"].read() == body, key
        listed = {o["Key"]: o["Size"] for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="shop")
                  for o in page.get("Contents", [])}
        assert listed == {k: len(b) for k, b in self.objects.items()}
        users = {u["UserName"] for page in self.iam.get_paginator("list_users").paginate() for u in page["Users"]}
        assert users == self.users
        assert self.kms.describe_key(KeyId=self.key)["KeyMetadata"]["KeyState"] == self.states[self.key]
        if self.states[self.key] == "Enabled":
            assert self.kms.decrypt(CiphertextBlob=self.sealed)["Plaintext"] == b"sealed words"


def refused_for_want_of_room(call, *args):
    """True when it failed as it must; False when it went through after all."""
    try:
        call(*args)
    except botocore.exceptions.ClientError as e:
        name, http = code(e)
        assert name in UNAVAILABLE and http in (500, 503), e
        return True
    return False


def fill_until_refused(disk, shop):
    """Fill the rest through the API, until object, user and key writes have all been refused."""
    disk.fill(leave=600_000)
    n = 0
    for what in (lambda: shop.put(f"fill-{n}", os.urandom(300_000)), lambda: shop.put(f"fill-{n}", os.urandom(3000)),
                 lambda: shop.user(f"fill-{n}"), shop.toggle):
        for _ in range(600):
            n += 1
            if refused_for_want_of_room(what):
                break
            disk.fill(leave=4096)
        else:
            raise AssertionError("writing goes on for ever on a full disk")


def test_a_full_disk_refuses_writes_and_goes_on_reading(disk):
    server = Server(disk.path, "--test-clock").start()
    shop = Shop(server).open()
    fill_until_refused(disk, shop)
    shop.states[shop.key] = shop.kms.describe_key(KeyId=shop.key)["KeyMetadata"]["KeyState"]
    for _ in range(3):
        shop.check()
    assert server.admin("GET", "/health")[0] == 200
    disk.empty()
    eventually(lambda: not refused_for_want_of_room(shop.put, "after", b"room again"))
    shop.user("after")
    shop.toggle()
    shop.check()
    server.kill()
    server.start()
    shop.connect()
    shop.check()
    events = [json.loads(e["CloudTrailEvent"])
              for page in server.client("cloudtrail", plain=True).get_paginator("lookup_events").paginate(
                  LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]) for e in page["Events"]]
    made = sorted(e["requestParameters"]["userName"] for e in events if "errorCode" not in e)
    assert made == sorted(shop.users), "every user that was made has one record"
    assert server.stop() == 0, server.log.read_text()[-3000:]


def test_a_server_killed_on_a_full_disk_starts_on_it_and_reads(disk):
    server = Server(disk.path).start()
    shop = Shop(server).open()
    fill_until_refused(disk, shop)
    shop.states[shop.key] = shop.kms.describe_key(KeyId=shop.key)["KeyMetadata"]["KeyState"]
    server.kill()
    disk.fill(leave=16384)
    server.base = disk.path.parent  # where the ready file goes
    server.start()
    shop.connect()
    shop.check()
    disk.empty()
    shop.put("after", b"room again")
    shop.check()
    assert server.stop() == 0, server.log.read_text()[-3000:]


# ---- damage -----------------------------------------------------------------------------------

class Damaged:
    """Data directories in the state of a kill -9 and of a clean stop; each case damages a copy."""

    def __init__(self, base):
        self.base = base
        self.server = Server(base)
        self.server.start()
        self.shop = Shop(self.server).open()
        for i in range(30):
            self.shop.put(f"inline-{i}", bytes([65 + i]) * 2000)
        self.shop.events = events_of(self.server)
        self.server.kill()
        self.killed = self.keep("killed")
        self.server.start()
        assert self.server.stop() == 0, self.server.log.read_text()[-3000:]
        self.stopped = self.keep("stopped")

    def keep(self, name):
        kept = self.base / name
        shutil.copytree(self.server.data, kept, ignore=lambda d, names: [n for n in names if n.endswith(".sock")])
        return kept

    def restore(self, state):
        shutil.rmtree(self.server.data)
        shutil.copytree(state, self.server.data)
        self.server.log.write_text("")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    import tempfile
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        yield Damaged(pathlib.Path(base))


def flip(path, at, n=1):
    with open(path, "r+b") as f:
        f.seek(at)
        old = f.read(n)
        f.seek(at)
        f.write(bytes(b ^ 0x40 for b in old))


def answers(server, shop, calls):
    """Each call gives what is right or an error of the server's; how many errors."""
    errors = 0
    for call in calls:
        try:
            call()
        except botocore.exceptions.ClientError as e:
            assert code(e)[0] in UNAVAILABLE and code(e)[1] in (500, 503), e
            errors += 1
        except (botocore.exceptions.IncompleteReadError, botocore.exceptions.ResponseStreamingError):
            errors += 1  # it was found in the middle of an answer that had begun
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError) as e:
            assert server.process.poll() is None, f"the server died: {server.log.read_text()[-4000:]}"
            errors += 1
            assert "Connection" in type(e).__name__ or "Read" in type(e).__name__, e
    return errors


def events_of(server):
    trail = server.client("cloudtrail", plain=True)
    return {e["EventId"] for page in trail.get_paginator("lookup_events").paginate() for e in page["Events"]}


def look_at_everything(server, shop):
    def get(key, body):
        assert shop.s3.get_object(Bucket="shop", Key=key)["Body"].read() == body, f"{key}: wrong data"

    def same(what, is_, was):
        assert is_ == was, f"{what}: {is_} and not {was}"
    def the_trail():
        missing = shop.events - events_of(server)
        assert not missing, f"{len(missing)} events are gone"
    return answers(server, shop, [
        *(lambda k=k, b=b: get(k, b) for k, b in shop.objects.items()),
        lambda: same("the listing", {o["Key"] for o in shop.s3.list_objects_v2(Bucket="shop")["Contents"]}, set(shop.objects)),
        lambda: same("buckets", [b["Name"] for b in shop.s3.list_buckets()["Buckets"]], ["shop"]),
        lambda: same("users", {u["UserName"] for u in shop.iam.list_users()["Users"]}, shop.users),
        lambda: same("the key", shop.kms.decrypt(CiphertextBlob=shop.sealed)["Plaintext"], b"sealed words"),
        the_trail])


def meet(case, state, change, strict=True, name=None):
    """Damage a copy, start, read all. Found means: an error somewhere, and a line in the log that names the file."""
    server, shop = case.server, case.shop
    case.restore(state)
    path = change(server.data)
    if path is None:
        return None
    try:
        server.start()
    except RuntimeError:
        status = server.process.wait(timeout=PATIENCE_S)
        text = server.log.read_text()
        assert status == 1, f"exit status {status}: {text[-4000:]}"
        assert (name or path.name) in text, f"the log does not name {path}: {text}"
        return True
    except subprocess.CalledProcessError as e:  # env, of a damaged credentials file
        server.kill()
        assert (name or path.name) in e.stderr + server.log.read_text(), e.stderr
        return True
    shop.connect()
    try:
        errors = look_at_everything(server, shop)
        assert server.process.poll() is None, server.log.read_text()[-4000:]
    finally:
        status = server.stop()
    text = server.log.read_text()
    assert status in (0, 1), f"exit status {status}: {text[-4000:]}"
    if errors:
        assert (name or path.name) in text, f"{errors} errors, and the log does not name {path}: {text}"
    assert errors or not strict, f"damage in {path} went unnoticed"
    return errors > 0


def biggest(files):
    return max(files, key=lambda p: p.stat().st_size)


def files_of(state, folder, *endings):
    return sorted(p for p in (state / folder).rglob("*") if p.is_file() and (not endings or p.name.endswith(endings)))


def databases(state):
    """Database files with their log, as pairs; the log may be missing."""
    logs = {p.name[:-4]: p for p in files_of(state, "store") if p.name.endswith("-wal")}
    return [(p, logs.get(p.name)) for p in files_of(state, "store") if not p.name.endswith(("-wal", "-shm", "lock"))
            and p.stat().st_size > 4096]


def at(data, state, path, *places):
    """The copy of that file in the data directory, flipped at those places (fractions of its length, or byte numbers)."""
    copy = data / path.relative_to(state)
    size = copy.stat().st_size
    for place in places:
        flip(copy, int(place * (size - 1)) if isinstance(place, float) else place)
    return copy


def test_the_undamaged_copies_read_well(damaged):
    for state in (damaged.killed, damaged.stopped):
        assert meet(damaged, state, lambda data: data / "config", strict=False) is False


@pytest.mark.parametrize("place", [3, 0.1, 0.5, 0.97, 1.0])
def test_a_flipped_bit_in_a_blob(damaged, place):
    path = biggest(files_of(damaged.stopped, "blobs"))
    meet(damaged, damaged.stopped, lambda data: at(data, damaged.stopped, path, place))


def test_a_blob_cut_short_and_a_missing_blob(damaged):
    path = biggest(files_of(damaged.stopped, "blobs"))

    def cut(data):
        copy = data / path.relative_to(damaged.stopped)
        os.truncate(copy, copy.stat().st_size - 70_000)
        return copy

    def lose(data):
        copy = data / path.relative_to(damaged.stopped)
        copy.unlink()
        return copy
    meet(damaged, damaged.stopped, cut)
    meet(damaged, damaged.stopped, lose)


def test_flipped_bits_in_database_pages(damaged):
    """Some page of every database, and every page of the largest."""
    pairs = databases(damaged.stopped)
    assert len(pairs) >= 3, f"expected the databases of S3, IAM and KMS: {files_of(damaged.stopped, 'store')}"
    found = [meet(damaged, damaged.stopped, lambda data, p=path: at(data, damaged.stopped, p, 5000, 0.99), strict=False)
             for path, _ in pairs]
    assert sum(found) >= 3, found
    path = biggest([p for p, _ in pairs])
    everywhere = range(4096 + 100, path.stat().st_size, 4096)
    assert meet(damaged, damaged.stopped, lambda data: at(data, damaged.stopped, path, *everywhere))


def test_flipped_bits_in_the_write_ahead_log(damaged):
    logs = [log for _, log in databases(damaged.killed) if log and log.stat().st_size > 40_000]
    logs += [p for p in files_of(damaged.killed, "store", "-wal") if p.stat().st_size > 40_000 and p not in logs]
    assert logs, "a killed server leaves a write-ahead log"
    path = biggest(logs)
    for place in (0.05, 0.3, 0.6):
        meet(damaged, damaged.killed, lambda data: at(data, damaged.killed, path, place), strict=False)
    assert meet(damaged, damaged.killed, lambda data: at(data, damaged.killed, path, *range(5000, path.stat().st_size, 4096)))


def test_flipped_bits_in_the_trail(damaged):
    segments = files_of(damaged.stopped, "trail", ".seg")
    assert segments
    path = biggest(segments)
    found = [meet(damaged, damaged.stopped, lambda data, p=place: at(data, damaged.stopped, path, p), strict=False)
             for place in (2, 0.2, 0.4, 0.6)]
    assert sum(found) >= 2, found
    assert meet(damaged, damaged.stopped, lambda data: at(data, damaged.stopped, path, *range(100, path.stat().st_size, 64)))


@pytest.mark.parametrize("name", ["keys/system", "keys/credentials", "keys/tls", "tls/server.pem", "config"])
def test_a_damaged_file_of_keys_or_settings(damaged, name):
    def harm(data):
        path = data / name
        if name == "config":
            path.write_text("account =\n")
        else:
            flip(path, path.stat().st_size // 3, 8)
        return path
    meet(damaged, damaged.stopped, harm)


@pytest.mark.parametrize("name", ["keys/system", "keys/credentials", "keys/tls", "tls/server.pem", "config"])
def test_a_missing_file_of_keys_or_settings(damaged, name):
    def lose(data):
        (data / name).unlink()
        return data / name
    meet(damaged, damaged.stopped, lose)


# ---- one damaged shard --------------------------------------------------------------------------

class Neighbours:
    """Two buckets and keys in two regions, each in a file of its own that is known by name."""

    def __init__(self, server):
        self.server = server
        self.connect()
        self.files = {}
        for bucket in ("harmed", "whole"):
            self.make(bucket, lambda: (self.s3.create_bucket(Bucket=bucket),
                                       [self.s3.put_object(Bucket=bucket, Key=f"k{i}", Body=bucket.encode() * 100) for i in range(20)]))
        for region in ("eu-harmed-1", "eu-whole-1"):
            self.make(region, lambda: [self.kms(region).create_key() for _ in range(5)])
        self.s3.put_object(Bucket="whole", Key="large", Body=os.urandom(300_000))

    def connect(self):
        self.s3, self.iam = self.server.client("s3", plain=True), self.server.client("iam", plain=True)
        self.trail = self.server.client("cloudtrail", plain=True)

    def kms(self, region):
        return self.server.client("kms", plain=True, region=region)

    def make(self, name, what):
        before = set((self.server.data / "store").glob("*.db"))
        what()
        new = set((self.server.data / "store").glob("*.db")) - before
        self.files[name] = max(new, key=lambda p: p.stat().st_mtime_ns)  # "names" and "regions" are made first, and once

    def all_but(self, harmed):
        """Everything that does not need the harmed file works; what needs it is an internal error."""
        refused = []
        for bucket in ("harmed", "whole"):
            calls = [lambda: self.s3.list_objects_v2(Bucket=bucket)["KeyCount"],
                     lambda: self.s3.get_object(Bucket=bucket, Key="k7")["Body"].read(),
                     lambda: self.s3.put_object(Bucket=bucket, Key="new", Body=b"x")]
            refused += self.meet(calls, bucket in harmed, "InternalError")
        for region in ("eu-harmed-1", "eu-whole-1"):
            calls = [lambda: self.kms(region).list_keys()["Keys"], lambda: self.kms(region).create_key()]
            refused += self.meet(calls, region in harmed, "InternalFailure")
        assert {b["Name"] for b in self.s3.list_buckets()["Buckets"]} == {"harmed", "whole"}
        name = fresh_name("u")
        self.iam.create_user(UserName=name)
        events = [e["CloudTrailEvent"] for page in self.trail.get_paginator("lookup_events").paginate() for e in page["Events"]]
        assert any(f'"{name}"' in e for e in events)
        return refused

    @staticmethod
    def meet(calls, harmed, want):
        for call in calls:
            if not harmed:
                call()
                continue
            with pytest.raises(botocore.exceptions.ClientError) as e:
                call()
            assert code(e) == (want, 500)
        return calls if harmed else []


@pytest.mark.parametrize("state", ["killed", "stopped"])
@pytest.mark.parametrize("harmed", ["harmed", "eu-harmed-1"])
def test_one_damaged_shard_harms_nobody_else(base, state, harmed):
    server = Server(base).start()
    near = Neighbours(server)
    near.all_but([])
    if state == "killed":
        server.kill()
    else:
        assert server.stop() == 0
    path = near.files[harmed]
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > 8192:
        path = log
    for place in range(4096 + 1000, path.stat().st_size, 2048):
        flip(path, place)
    server.log.write_text("")
    server.start()
    near.connect()
    assert near.all_but([harmed])
    assert path.name in server.log.read_text(), server.log.read_text()[-3000:]
    status = server.stop()
    assert status in (0, 1), server.log.read_text()[-3000:]
    server.start()  # and it is no worse the next time
    near.connect()
    near.all_but([harmed])
    assert server.stop() in (0, 1)


def test_the_start_stops_at_the_catalog_and_the_accounts_only(damaged):
    """Any other database may be damaged from end to end: the server starts, answers what it still can, and names the file."""
    server, stopped, errors = damaged.server, 0, []
    for path, _ in databases(damaged.stopped):
        damaged.restore(damaged.stopped)
        copy = at(server.data, damaged.stopped, path, *range(4096 + 100, path.stat().st_size, 1024))
        try:
            server.start()
            damaged.shop.connect()
            errors.append(look_at_everything(server, damaged.shop))
            assert server.stop() in (0, 1)
        except RuntimeError:
            assert server.process.wait(timeout=PATIENCE_S) == 1
            stopped += 1
        assert copy.name in server.log.read_text(), copy.name
    assert stopped <= 2 and len([n for n in errors if n]) >= 3, (stopped, errors)  # KMS lists its regions in one: only the start reads it


def test_an_object_whose_file_is_gone_is_an_internal_error(base):
    server = Server(base).start()
    s3 = server.client("s3", plain=True)
    s3.create_bucket(Bucket="box")
    s3.put_object(Bucket="box", Key="one", Body=os.urandom(300_000))
    upload = s3.create_multipart_upload(Bucket="box", Key="parts")["UploadId"]
    etag = s3.upload_part(Bucket="box", Key="parts", UploadId=upload, PartNumber=1, Body=os.urandom(300_000))["ETag"]
    s3.complete_multipart_upload(Bucket="box", Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    gone = [p for p in (server.data / "blobs").rglob("*") if p.is_file() and p.stat().st_size > 300_000]
    assert len(gone) == 2
    for path in gone:
        path.unlink()
    for key in ("one", "parts"):
        with pytest.raises(botocore.exceptions.ClientError) as e:
            s3.get_object(Bucket="box", Key=key)
        assert code(e) == ("InternalError", 500)
        with pytest.raises(botocore.exceptions.ClientError) as e:
            s3.copy_object(Bucket="box", Key="copy", CopySource=f"box/{key}")
        assert code(e) == ("InternalError", 500)
    for path in gone:
        assert path.name in server.log.read_text()
    s3.delete_object(Bucket="box", Key="one")
    assert server.stop() == 0, server.log.read_text()[-3000:]


# ---- the root key, two servers, modes ----------------------------------------------------------

def serve(server, **more):
    """A server that is expected to give up; (exit status, what it said)."""
    done = subprocess.run([BIN, "serve", "--data", str(server.data), "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                          timeout=PATIENCE_S, **more)
    return done.returncode, done.stdout + done.stderr


def root_key(server):
    return pathlib.Path(f"{server.data}.rootkey")


def test_a_wrong_or_missing_root_key_opens_nothing(base):
    server = Server(base)
    (base / "other").mkdir()
    other = Server(base / "other")
    path = root_key(server)
    right = path.read_bytes()
    path.write_bytes(root_key(other).read_bytes())
    status, said = serve(server)
    assert status == 1 and "keys" in said, said
    assert server.holdfast("doctor", "--data", server.data, check=False).returncode == 1
    path.unlink()
    status, said = serve(server)
    assert status == 1 and path.name in said, said
    assert "root key" in server.holdfast("doctor", "--data", server.data, check=False).stdout
    path.write_bytes(right[:-3])
    path.chmod(0o600)
    status, said = serve(server)
    assert status == 1 and path.name in said, said
    path.write_bytes(right)
    path.chmod(0o644)
    status, said = serve(server)
    assert status == 1 and path.name in said, "a root key that others may read is not used: " + said
    path.chmod(0o600)
    server.start()
    server.client("kms").create_key()
    assert server.stop() == 0


def test_a_second_server_on_the_same_directory_is_refused(base):
    server = Server(base).start()
    status, said = serve(server)
    assert status == 1 and "served already" in said, said
    server.client("kms").create_key()
    assert server.admin("GET", "/health")[0] == 200, "the first one's admin socket is still there"
    assert server.holdfast("env", "--data", server.data).returncode == 0, "and so is its address"
    assert server.stop() == 0


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_nobody_else_may_read_what_is_stored(base, mask):
    before = os.umask(mask)
    try:
        server = Server(base).start()
        Shop(server).open()
    finally:
        os.umask(before)
    public = {"config", "urls", "ca.pem", "server.pem"}
    for path in [server.data, root_key(server), *server.data.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_dir():
            assert mode == 0o700, f"{path}: {mode:o}"
        elif path.name in public:
            assert mode == 0o644, f"{path}: {mode:o}"
        else:
            assert mode == 0o600, f"{path}: {mode:o}"
    assert server.stop() == 0
