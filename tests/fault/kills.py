"""Mixed load that knows what must be true after a kill -9 at any moment.

Every call carries a name of its own in the User-Agent header, which the trail records; so each call is matched with
its record even when its answer never came. A worker owns its resources and does one call at a time: when the server
dies, at most one of its calls is in doubt, and after the restart the worker looks whether that call's effect is there.

    call's end          effect after the restart     records with its name
    acknowledged        there, whole                 exactly one success, with the answer's request id
    refused             none                         no success; one refusal if answered before the trail was written out
    in doubt            there, whole, or not at all  exactly as many successes as effects
    read                -                            one if answered before the trail was written out, never two

Records are those of the call's own region; what a call leaves in other regions: kills_regions.py. Those of reads and refusals are
written with a delay: a lookup before the kill writes out what was answered until it was asked.
"""
import collections
import contextlib
import json
import os
import random
import signal
import threading
import time

from botocore.exceptions import ClientError

from harness import Server, allow, eventually, named, policy
from kills_kms import Keys, Materials, Rules
from kills_regions import REGIONS, Regions, judge_abroad
from kills_worker import Call, Worker

ENOUGH_EFFECTS, ENOUGH_REFUSED = 12, 3  # in a round, however slow the machine is
MEBIBYTE = 1 << 20
POLICY = policy(allow("s3:GetObject"))


class Objects(Worker):
    """Objects in a bucket of its own: small and large puts, overwrites, copies, deletes, reads."""
    services = ("s3",)
    kept = 12

    def prepare(self):
        self.current = Call("prepare", "create_bucket", True)
        self.bucket, self.objects = f"{self.run.tag}-{self.name}".lower(), {}
        self.s3.create_bucket(Bucket=self.bucket)

    def body(self):
        size = self.random.choice((0, 100, 1000, 1000, 5000, 70_000, 200_000, MEBIBYTE + 17))
        mark = f"{self.name} {self.number} ".encode()
        return (mark + self.random.randbytes(size))[:size]

    def get(self, key):
        got = self.there(self.s3, "get_object", ("NoSuchKey",), Bucket=self.bucket, Key=key)
        return got and got["Body"]

    def after(self, key, new):
        """Doubt about an object: is it `new` now, or still what it was?"""
        old = self.objects.get(key)

        def doubt():
            found = self.get(key)
            if found != new:
                self.expect(found == old, f"{key} is neither what it was nor what was put: {found and len(found)} bytes")
                return False
            self.know(key, new)
            return new != old
        return doubt

    def know(self, key, body):
        if body is None:
            self.objects.pop(key, None)
        else:
            self.objects[key] = body

    def put(self, key):
        body = self.body() or b"x" * (not self.objects.get(key, b"x"))
        extra = {"ServerSideEncryption": "aws:kms"} if self.random.random() < 0.2 else {}
        self.call(self.s3, "put_object", True, self.after(key, body), Bucket=self.bucket, Key=key, Body=body, **extra)
        self.know(key, body)

    def copy(self, key):
        source = self.random.choice(list(self.objects))
        body = self.objects[source]
        if source == key or body == self.objects.get(key):
            return
        self.call(self.s3, "copy_object", True, self.after(key, body), Bucket=self.bucket, Key=key,
                  CopySource={"Bucket": self.bucket, "Key": source})
        self.know(key, body)

    def delete(self, key):
        self.call(self.s3, "delete_object", True, self.after(key, None), Bucket=self.bucket, Key=key)
        self.know(key, None)

    def read(self, key):
        got = self.call(self.s3, "get_object", False, Bucket=self.bucket, Key=key)["Body"]
        self.expect(got == self.objects[key], f"{key} reads as {len(got)} bytes that were not put")

    def step(self):
        what = self.random.random()
        key = f"k/{self.random.randrange(self.kept)}"
        if what < 0.5 or not self.objects:
            self.put(key)
        elif what < 0.6:
            self.copy(key)
        elif what < 0.75:
            self.delete(self.random.choice(list(self.objects)))
        else:
            self.read(self.random.choice(list(self.objects)))

    def check(self):
        listed = self.look(self.s3, "list_objects_v2", Bucket=self.bucket).get("Contents", [])
        self.expect({o["Key"]: o["Size"] for o in listed} == {k: len(b) for k, b in self.objects.items()},
                    f"the listing is {listed}, the objects are {({k: len(b) for k, b in self.objects.items()})}")
        for key, body in self.objects.items():
            self.expect(self.get(key) == body, f"{key} is not what was acknowledged")


class Multipart(Objects):
    """Multipart uploads, begun, completed and given up."""

    def prepare(self):
        super().prepare()
        self.uploads = {}  # id -> (key, {part: (etag, body)})

    def listed(self):
        return {u["UploadId"]: u["Key"] for u in self.look(self.s3, "list_multipart_uploads", Bucket=self.bucket).get("Uploads", [])}

    def begin(self):
        key = f"m/{self.number}"

        def doubt():
            new = [i for i, k in self.listed().items() if i not in self.uploads and k == key]
            self.expect(len(new) <= 1, f"{len(new)} uploads of {key}")
            self.uploads.update((i, (key, {})) for i in new)
            return bool(new)
        made = self.call(self.s3, "create_multipart_upload", True, doubt, Bucket=self.bucket, Key=key)
        self.uploads[made["UploadId"]] = (key, {})

    def parts(self, upload):
        key, _ = self.uploads[upload]
        return {p["PartNumber"]: (p["ETag"], p["Size"])
                for p in self.look(self.s3, "list_parts", Bucket=self.bucket, Key=key, UploadId=upload).get("Parts", [])}

    def part(self, upload):
        key, parts = self.uploads[upload]
        number = len(parts) + 1
        body = self.random.randbytes(5 * MEBIBYTE if number == 1 else self.random.randrange(1, 300_000))

        def doubt():
            found = self.parts(upload).get(number)
            if found:
                self.expect(found[1] == len(body), f"part {number} of {key} has {found[1]} of {len(body)} bytes")
                parts[number] = (found[0], body)
            return found is not None
        got = self.call(self.s3, "upload_part", True, doubt, Bucket=self.bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)
        parts[number] = (got["ETag"], body)

    def complete(self, upload):
        key, parts = self.uploads[upload]
        body = b"".join(parts[n][1] for n in sorted(parts))

        def done():
            self.know(key, body)
            del self.uploads[upload]

        def doubt():
            found, open_still = self.get(key), upload in self.listed()
            self.expect((found is None) == open_still, f"{key} is half completed: object {found is not None}, upload {open_still}")
            if found is not None:
                self.expect(found == body, f"{key} was completed as something else")
                done()
            return found is not None
        self.call(self.s3, "complete_multipart_upload", True, doubt, Bucket=self.bucket, Key=key, UploadId=upload,
                  MultipartUpload={"Parts": [{"PartNumber": n, "ETag": parts[n][0]} for n in sorted(parts)]})
        done()

    def abort(self, upload):
        key, _ = self.uploads[upload]

        def doubt():
            gone = upload not in self.listed()
            if gone:
                del self.uploads[upload]
            return gone
        self.call(self.s3, "abort_multipart_upload", True, doubt, Bucket=self.bucket, Key=key, UploadId=upload)
        del self.uploads[upload]

    def step(self):
        if len(self.objects) > 3:
            self.delete(self.random.choice(list(self.objects)))
        if not self.uploads or (len(self.uploads) < 3 and self.random.random() < 0.2):
            return self.begin()
        upload = self.random.choice(list(self.uploads))
        parts = self.uploads[upload][1]
        if len(parts) < 2:
            return self.part(upload) if self.random.random() < 0.9 else self.abort(upload)
        return self.complete(upload) if self.random.random() < 0.8 else self.abort(upload)

    def check(self):
        super().check()
        self.expect(self.listed() == {i: key for i, (key, _) in self.uploads.items()}, "other uploads are under way than were begun")
        for upload, (_, parts) in self.uploads.items():
            self.expect(self.parts(upload) == {n: (tag, len(b)) for n, (tag, b) in parts.items()}, f"parts of {upload} differ")


class Buckets(Worker):
    """Buckets made and removed, their tags and policies changed: shards come and go."""
    services = ("s3",)

    def prepare(self):
        self.buckets = {}  # name -> (tag, policy's Sid)

    def names(self):
        prefix = f"{self.run.tag}-{self.name}-".lower()
        return {b["Name"] for b in self.look(self.s3, "list_buckets")["Buckets"] if b["Name"].startswith(prefix)}

    def create(self):
        name = f"{self.run.tag}-{self.name}-{self.number}".lower()

        def doubt():
            made = name in self.names()
            if made:
                self.buckets[name] = (None, None)
            return made
        self.call(self.s3, "create_bucket", True, doubt, Bucket=name)
        self.buckets[name] = (None, None)

    def delete(self, name):
        def doubt():
            gone = name not in self.names()
            if gone:
                del self.buckets[name]
            return gone
        self.call(self.s3, "delete_bucket", True, doubt, Bucket=name)
        del self.buckets[name]

    def tag_of(self, name):
        got = self.there(self.s3, "get_bucket_tagging", ("NoSuchTagSet",), Bucket=name)
        return got and got["TagSet"][0]["Value"]

    def policy_of(self, name):
        got = self.there(self.s3, "get_bucket_policy", ("NoSuchBucketPolicy",), Bucket=name)
        return got and json.loads(got["Policy"])["Statement"][0]["Sid"]

    def change(self, name, which, value, operation, find, **parameters):
        old = self.buckets[name][which]

        def know():
            self.buckets[name] = (value, self.buckets[name][1]) if which == 0 else (self.buckets[name][0], value)

        def doubt():
            found = find(name)
            self.expect(found in (old, value), f"{name}: {found!r} is neither {old!r} nor {value!r}")
            if found == value:
                know()
            return found == value
        self.call(self.s3, operation, True, doubt, Bucket=name, **parameters)
        know()

    def step(self):
        if len(self.buckets) < 2 or (len(self.buckets) < 5 and self.random.random() < 0.3):
            return self.create()
        name = self.random.choice(list(self.buckets))
        what = self.random.random()
        if what < 0.3:
            return self.delete(name)
        value = f"v{self.number}"
        if what < 0.7:
            return self.change(name, 0, value, "put_bucket_tagging", self.tag_of, Tagging={"TagSet": [{"Key": "k", "Value": value}]})
        document = policy(allow("s3:GetObject", f"arn:aws:s3:::{name}/*", Sid=value,
                                Principal={"AWS": f"arn:aws:iam::{self.run.server.account}:root"}))
        return self.change(name, 1, value, "put_bucket_policy", self.policy_of, Policy=document)

    def check(self):
        self.expect(self.names() == set(self.buckets), f"buckets {self.names()}, acknowledged {set(self.buckets)}")
        for name, (tag, sid) in self.buckets.items():
            self.expect((self.tag_of(name), self.policy_of(name)) == (tag, sid), f"{name} lost its tag or policy")


class Identities(Worker):
    """Roles with inline policies, users with keys, managed policies with versions."""
    services = ("iam",)
    gone = ("NoSuchEntity",)

    def prepare(self):
        self.roles, self.users, self.policies = {}, {}, {}  # role -> {policy: document}; user -> {key ids}; arn -> {versions}
        self.trust = policy(allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{self.run.server.account}:root"}))

    def role(self, name):
        return self.there(self.iam, "get_role", self.gone, RoleName=name)

    def document(self, role, name):
        got = self.there(self.iam, "get_role_policy", self.gone, RoleName=role, PolicyName=name)
        return got and got["PolicyDocument"]["Statement"][0]["Sid"]

    def step_role(self):
        if len(self.roles) < 3:
            name = f"{self.run.tag}-{self.name}-{self.number}"
            return self.either(self.iam, "create_role", lambda: self.role(name), bool, lambda _: self.roles.update({name: {}}), RoleName=name,
                               AssumeRolePolicyDocument=self.trust)
        name = self.random.choice(list(self.roles))
        inline = self.roles[name]
        if inline and self.random.random() < 0.4:
            which = self.random.choice(list(inline))
            return self.either(self.iam, "delete_role_policy", lambda: self.document(name, which), lambda d: d is None,
                               lambda _: inline.pop(which), RoleName=name, PolicyName=which)
        if not inline and self.random.random() < 0.5:
            return self.either(self.iam, "delete_role", lambda: self.role(name), lambda r: r is None, lambda _: self.roles.pop(name), RoleName=name)
        which, sid = f"p{self.random.randrange(3)}", f"s{self.number}"
        return self.either(self.iam, "put_role_policy", lambda: self.document(name, which), lambda d: d == sid,
                           lambda _: inline.update({which: sid}), RoleName=name, PolicyName=which,
                           PolicyDocument=policy(allow("s3:GetObject", Sid=sid)))

    def user(self, name):
        return self.there(self.iam, "get_user", self.gone, UserName=name)

    def keys(self, name):
        got = self.there(self.iam, "list_access_keys", self.gone, UserName=name)
        return {k["AccessKeyId"] for k in got["AccessKeyMetadata"]} if got else set()

    def step_user(self):
        if len(self.users) < 3:
            name = f"{self.run.tag}-{self.name}-{self.number}"
            return self.either(self.iam, "create_user", lambda: self.user(name), bool, lambda _: self.users.update({name: set()}), UserName=name)
        name = self.random.choice(list(self.users))
        keys = self.users[name]
        if not keys and self.random.random() < 0.5:
            return self.either(self.iam, "delete_user", lambda: self.user(name), lambda u: u is None, lambda _: self.users.pop(name), UserName=name)
        if len(keys) == 2 or (keys and self.random.random() < 0.5):
            key = self.random.choice(sorted(keys))
            return self.either(self.iam, "delete_access_key", lambda: self.keys(name), lambda found: key not in found,
                               lambda _: keys.discard(key), UserName=name, AccessKeyId=key)
        return self.either(self.iam, "create_access_key", lambda: self.keys(name), lambda found: found - keys,
                           lambda got: keys.update({got["AccessKey"]["AccessKeyId"]} if got else self.keys(name)), UserName=name)

    def versions(self, arn):
        got = self.there(self.iam, "list_policy_versions", self.gone, PolicyArn=arn)
        return {v["VersionId"] for v in got["Versions"]} if got else set()

    def step_policy(self):
        if len(self.policies) < 3:
            name = f"{self.run.tag}-{self.name}-{self.number}"
            arn = f"arn:aws:iam::{self.run.server.account}:policy/{name}"
            return self.either(self.iam, "create_policy", lambda: self.versions(arn), bool, lambda _: self.policies.update({arn: {"v1"}}),
                               PolicyName=name, PolicyDocument=POLICY)
        arn = self.random.choice(list(self.policies))
        versions = self.policies[arn]
        if len(versions) == 1 and self.random.random() < 0.4:
            return self.either(self.iam, "delete_policy", lambda: self.versions(arn), lambda found: not found,
                               lambda _: self.policies.pop(arn), PolicyArn=arn)
        if len(versions) > 1 and self.random.random() < 0.5:
            which = max(versions - {"v1"})
            return self.either(self.iam, "delete_policy_version", lambda: self.versions(arn), lambda found: which not in found,
                               lambda _: versions.discard(which), PolicyArn=arn, VersionId=which)
        if len(versions) == 5:
            return None
        return self.either(self.iam, "create_policy_version", lambda: self.versions(arn), lambda found: found - versions,
                           lambda got: versions.update({got["PolicyVersion"]["VersionId"]} if got else self.versions(arn)),
                           PolicyArn=arn, PolicyDocument=POLICY)

    def step(self):
        self.number += 1
        self.random.choice((self.step_role, self.step_user, self.step_policy))()

    def check(self):
        mine = f"{self.run.tag}-{self.name}-"
        pages = self.iam.get_paginator("list_roles").paginate
        self.current = Call(f"look-{self.name}", "list_roles", False)
        found = {r["RoleName"] for page in pages() for r in page["Roles"] if r["RoleName"].startswith(mine)}
        self.expect(found == set(self.roles), f"roles {found}, acknowledged {set(self.roles)}")
        for name, inline in self.roles.items():
            names = self.look(self.iam, "list_role_policies", RoleName=name)["PolicyNames"]
            self.expect({n: self.document(name, n) for n in names} == inline, f"policies of {name} differ")
        for name, keys in self.users.items():
            self.expect(self.user(name) and self.keys(name) == keys, f"user {name} or its keys differ")
        for arn, versions in self.policies.items():
            self.expect(self.versions(arn) == versions, f"versions of {arn} differ")


class Refused(Worker):
    """Somebody without any permission, who tries everything, and somebody unknown."""
    services = ("s3", "iam", "kms", "sts")

    def connect(self):
        key = self.run.nobody
        if self.random.random() < 0.2:
            key = {"AccessKeyId": "AKIAQQQQQQQQQQQQQQQQ", "SecretAccessKey": "x" * 40}
        for service in self.services:
            made = self.run.server.client(service, key, plain=True)
            made.meta.events.register("before-send", self.put_name)
            setattr(self, service, made)

    def step(self):
        what = self.random.choice((
            (self.s3, "put_object", dict(Bucket=self.run.bucket, Key="intruder", Body=b"x" * self.random.choice((10, 100_000)))),
            (self.s3, "get_object", dict(Bucket=self.run.bucket, Key="treasure")),
            (self.s3, "delete_object", dict(Bucket=self.run.bucket, Key="treasure")),
            (self.s3, "delete_bucket", dict(Bucket=self.run.bucket)),
            (self.iam, "create_user", dict(UserName="intruder")),
            (self.iam, "list_roles", {}),
            (self.kms, "create_key", {}),
            (self.kms, "disable_key", dict(KeyId=self.run.key)),
            (self.kms, "encrypt", dict(KeyId=self.run.key, Plaintext=b"x"))))
        try:
            self.call(what[0], what[1], False, **what[2])
        except ClientError:
            return
        self.expect(False, f"{what[1]} was allowed")

    def check(self):
        root = self.run.server.client("s3", plain=True)
        keys = [o["Key"] for o in root.list_objects_v2(Bucket=self.run.bucket)["Contents"]]
        self.expect(keys == ["treasure"], f"refused calls had an effect: {keys}")


WORKERS = (Objects, Objects, Multipart, Buckets, Identities, Identities, Keys, Materials, Regions, Rules, Refused)


def kill_keyholder(server):
    """False: there is none just now."""
    pid = named(server, "hf-keyholder")
    with contextlib.suppress(ProcessLookupError):
        if pid:
            os.kill(int(pid), signal.SIGKILL)
    return pid is not None


class Run:
    """A server, its workers, and round after round: load, kill, restart, check."""

    def __init__(self, base, seed, workers=WORKERS):
        self.seed, self.random, self.tag = seed, random.Random(seed), f"k{seed % 100000}"
        self.over, self.findings, self.lock = threading.Event(), [], threading.Lock()
        self.holder_killed = threading.Event()
        self.server = Server(base).start()
        self.nobody = self.server.user()
        self.nobody_arn = f"arn:aws:iam::{self.server.account}:user/{self.nobody['UserName']}"
        self.bucket, self.key = "guarded", self.server.client("kms").create_key()["KeyMetadata"]["KeyId"]
        root = self.server.client("s3")
        root.create_bucket(Bucket=self.bucket)
        root.put_object(Bucket=self.bucket, Key="treasure", Body=b"x")
        self.workers = [kind(self, f"{kind.__name__.lower()}{i}", self.random.random()) for i, kind in enumerate(workers)]
        self.total = collections.Counter()
        self.names = collections.Counter()
        self.event_ids = set()

    def wrong(self, text):
        with self.lock:
            self.findings.append(text)

    def each(self, what):
        """what(worker) for all of them at once."""
        def guarded(worker):
            try:
                what(worker)
            except Exception as e:  # noqa: BLE001
                self.wrong(f"{worker.name}: {type(e).__name__}: {e}")
        threads = [threading.Thread(target=guarded, args=(w,)) for w in self.workers]
        for t in threads:
            t.start()
        return threads

    def round(self, load_s):
        started = time.time()
        self.over.clear()
        self.holder_killed.clear()
        for worker in self.workers:
            worker.calls = []
        threads = self.each(lambda w: w.work())
        written_s = self.load_for(load_s)
        killed_s = time.monotonic()
        self.server.process.kill()
        self.over.set()
        self.server.kill()
        for t in threads:
            t.join()
        if self.random.random() < 0.3:
            self.kill_while_starting()
        self.server.start()
        for t in self.each(lambda w: w.settle()):
            t.join()
        self.audit(started, written_s, killed_s)

    def load_for(self, load_s):
        """In every other round the keyholder is killed, too, once or twice, before the server is. Until when all is written."""
        pieces = self.random.choice((1, 1, 2, 3))
        for i in range(pieces):
            time.sleep(load_s / pieces)
            if i + 1 < pieces:
                self.holder_killed.set()
                self.total["kills of the keyholder"] += kill_keyholder(self.server)
        eventually(self.had_enough)
        written_s = self.write_out()
        time.sleep(self.random.uniform(0, load_s / 2))
        return written_s

    def write_out(self):
        """When what had been answered by then was in the trail's files."""
        trail = self.server.client("cloudtrail")

        def asked_s():
            now_s = time.monotonic()
            with contextlib.suppress(ClientError):  # the keyholder may be gone
                return trail.lookup_events(MaxResults=1) and now_s
        return eventually(asked_s)

    def had_enough(self):
        calls = [c for w in self.workers for c in list(w.calls)]
        return (self.findings or sum(c.mutates and c.end == "ok" for c in calls) >= ENOUGH_EFFECTS
                and sum(c.end == "refused" for c in calls) >= ENOUGH_REFUSED)

    def kill_while_starting(self):
        """The start is as good a moment to die as any."""
        try:
            killer = threading.Timer(self.random.uniform(0.005, 0.25), lambda: self.server.process.kill())
            killer.start()
            self.server.start()
        except (RuntimeError, OSError):
            pass
        except Exception:  # noqa: BLE001: `env` finds no server when it is gone between
            pass
        killer.join()
        self.server.kill()
        self.total["kills while starting"] += 1

    def events(self, since):
        for region in REGIONS:
            trail = self.server.client("cloudtrail", region=region, plain=True)
            for page in trail.get_paginator("lookup_events").paginate(StartTime=int(since) - 1):
                for event in page["Events"]:
                    yield json.loads(event["CloudTrailEvent"])

    def audit(self, started, written_s, killed_s):
        """Every call against the records that carry its name."""
        named = collections.defaultdict(list)
        twice = set()
        for event in self.events(started):
            if event["eventID"] in twice:
                self.wrong(f"event {event['eventID']} is in the trail twice")
            twice.add(event["eventID"])
            named[(event.get("userAgent") or "").strip("[]")].append(event)
        known = set()
        for worker in self.workers:
            for c in worker.calls:
                known.add(c.name)
                self.judge(c, named.get(c.name, []), written_s)
                if c.lost_s is not None and c.lost_s < killed_s:
                    self.wrong(f"{c!r}: no answer from a living server")
        for name in named:
            if name.startswith(self.tag + "-") and name not in known and name not in self.names:
                self.wrong(f"a record of a call that was never made: {name}")
        self.names.update(known)

    def judge(self, c, all_events, written_s):
        events = [e for e in all_events if e["awsRegion"] == c.region]
        abroad = [e for e in all_events if e["awsRegion"] != c.region]
        good = [e for e in events if "errorCode" not in e]
        bad = [e for e in events if "errorCode" in e]
        shown = [(e["awsRegion"], e["eventName"], e.get("errorCode"), e["requestID"]) for e in all_events]
        early = c.answered_s is not None and c.answered_s < written_s
        self.total[c.end] += 1
        if c.mutates and c.end == "ok":
            self.total["acknowledged effects"] += 1
        wanted = None
        if c.end == "ok":
            wanted = (len(good) == 1 or (not c.mutates and not early and not good)) and not bad
        elif c.end == "refused":
            wanted = not good and (len(bad) == 1 or (not early and not bad))
        elif c.mutates:
            wanted = len(good) == bool(c.effect) and len(bad) <= 1
            self.total["in doubt, done" if c.effect else "in doubt, not done"] += 1
        else:
            wanted = len(events) <= 1
        if not wanted or not judge_abroad(c, len(good), abroad):
            self.wrong(f"{c!r} has the records {shown}")
        if c.request_id and any(e["requestID"] != c.request_id for e in all_events):
            self.wrong(f"{c!r}: another request id in {shown}")

    def blob_bytes(self):
        return sum(p.stat().st_size for p in (self.server.data / "blobs").rglob("*") if p.is_file())

    def sweep(self):
        """Blobs that no object names, because the server died between writing and indexing them, go away by themselves."""
        live = sum(len(b) for w in self.workers if isinstance(w, Objects) for b in w.objects.values())
        live += sum(len(b) for w in self.workers if isinstance(w, Multipart) for _, parts in w.uploads.values() for _, b in parts.values())
        try:
            eventually(lambda: self.blob_bytes() <= live * 1.01 + MEBIBYTE)
        except AssertionError:
            self.wrong(f"{self.blob_bytes()} bytes of blobs for {live} bytes of objects and parts")

    def finish(self):
        """No litter, the whole trail once more, and a clean stop."""
        self.sweep()
        seen, names = collections.Counter(), collections.Counter()
        for event in self.events(0):
            seen[event["eventID"]] += 1
            name = (event.get("userAgent") or "").strip("[]")
            if name in self.names:
                names[name, event["awsRegion"]] += 1
        for what, count in list(seen.items()) + list(names.items()):
            if count > 1:
                self.wrong(f"{what} has {count} records")
        status = self.server.stop()
        said = self.server.log.read_text()
        if status != 0 or "does not declare" in said:
            self.wrong(f"the server ended with {status}: {said[-3000:]}")
