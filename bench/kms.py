"""KMS beside nginx and moto: what each operation costs, and what it costs when an account has as many keys as it may.

CPU is that of all of Holdfast's processes together. What counts is the least of some rounds, nginx, Holdfast and the bare
operation in turn: whatever else the machine does only adds to it, for each of them.
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import random
import re
import subprocess
import time

from load import REGION, drive, signed
from servers import KEY, SECRET, Holdfast, memory_mib

ROUNDS = 4
TEXT = base64.b64encode(b"x" * 64).decode()
DIGEST = base64.b64encode(hashlib.sha256(b"x" * 64).digest()).decode()
CONTENT_TYPE = "application/x-amz-json-1.1"


def ask(port, operation, **members):
    return signed("kms", port, "POST", "/", json.dumps(members).encode(), {"Content-Type": CONTENT_TYPE, "X-Amz-Target": f"TrentService.{operation}"})


def send(port, q):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(q["method"], q["path"], q["body"], q["headers"])
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(text.decode())
    return json.loads(text)


def create(port, **members):
    return send(port, ask(port, "CreateKey", **members))["KeyMetadata"]["KeyId"]


class Keys:
    """A server's keys, one of each kind, and the requests that use them."""

    def __init__(self, port):
        self.plain = create(port)
        self.hmac = create(port, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        self.ecdsa = create(port, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
        self.rsa = create(port, KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
        self.blob = send(port, ask(port, "Encrypt", KeyId=self.plain, Plaintext=TEXT))["CiphertextBlob"]

    def requests(self, port):
        def sign(key, algorithm):
            return ask(port, "Sign", KeyId=key, Message=DIGEST, MessageType="DIGEST", SigningAlgorithm=algorithm)
        return {"Encrypt 64 B": ask(port, "Encrypt", KeyId=self.plain, Plaintext=TEXT),
                "Decrypt 64 B": ask(port, "Decrypt", CiphertextBlob=self.blob),
                "GenerateDataKey AES_256": ask(port, "GenerateDataKey", KeyId=self.plain, KeySpec="AES_256"),
                "GenerateMac HMAC_256": ask(port, "GenerateMac", KeyId=self.hmac, Message=TEXT, MacAlgorithm="HMAC_SHA_256"),
                "Sign ECDSA P-256": sign(self.ecdsa, "ECDSA_SHA_256"),
                "Sign RSA-2048 PKCS #1": sign(self.rsa, "RSASSA_PKCS1_V1_5_SHA_256")}


SPEED = {"Sign ECDSA P-256": ("ecdsap256", r"^\+F4:\d+:256:([\d.]+)"), "Sign RSA-2048 PKCS #1": ("rsa2048", r"^\+F2:\d+:2048:([\d.]+)")}


def openssl_us(what):
    """CPU of the bare operation, by openssl speed, which counts its own."""
    algorithm, line = SPEED[what]
    out = subprocess.run(["openssl", "speed", "-seconds", "1", "-mr", algorithm], capture_output=True, text=True).stdout
    return 1e6 / float(re.search(line, out, re.M)[1])


def least(figures):
    best = min(figures, key=lambda f: f.cpu_us)
    best.bad = max(f.bad for f in figures)
    best.p50 = min(f.p50 for f in figures)
    return best


def in_turn(pairs, seconds, beside=lambda: None):
    """[(server, requests)] -> the best figure of each, all of them measured in each round, and what `beside` gave."""
    rounds, besides = [], []
    for _ in range(ROUNDS):
        besides.append(beside())
        rounds.append([drive(server, requests, seconds) for server, requests in pairs])
    return [least(figures) for figures in zip(*rounds)], besides


def operations(holdfast, nginx, moto, ours, seconds, show):
    theirs = Keys(moto.port).requests(moto.port) if moto else {}
    for what, request in ours.requests(holdfast.port).items():
        signs = what in SPEED
        (floor, f), bare = in_turn([(nginx, [ours.requests(nginx.port)[what]]), (holdfast, [request])], seconds,
                                   lambda: openssl_us(what) if what in SPEED else 0)
        limit = 7.5 * floor.cpu_us + 1.2 * min(bare)
        note = f"openssl speed: {min(bare):.1f} us; may take {limit:.1f}, takes {f.cpu_us / limit:.2f} of that" if signs else ""
        show(f"KMS {what}", nginx.name, floor, floor.cpu_us, "", "")
        show(f"KMS {what}", holdfast.name, f, floor.cpu_us, "<= 7.5 and 1.2 x openssl" if signs else "<= 7.5", note)
        if moto:
            m = drive(moto, [theirs[what]], seconds)
            show(f"KMS {what}", moto.name, m, floor.cpu_us, "", f"Holdfast answers {f.rate / m.rate:.0f} times as many (>= 50)")


# ---- 100,000 keys -----------------------------------------------------------------------------------------


class Signer:
    """What load.signed makes, for one kind of request, forty times as fast."""

    def __init__(self, port, operation):
        self.host, self.target = f"127.0.0.1:{port}", f"TrentService.{operation}"
        self.stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{self.stamp[:8]}/{REGION}/kms/aws4_request"
        self.key = ("AWS4" + SECRET).encode()
        for part in self.scope.split("/"):
            self.key = hmac.digest(self.key, part.encode(), "sha256")

    def __call__(self, body):
        names = "content-type;host;x-amz-date;x-amz-target"
        canonical = (f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{self.host}\nx-amz-date:{self.stamp}\nx-amz-target:{self.target}\n\n"
                     f"{names}\n{hashlib.sha256(body).hexdigest()}")
        to_sign = f"AWS4-HMAC-SHA256\n{self.stamp}\n{self.scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self.key, to_sign.encode(), "sha256").hex()
        return {"method": "POST", "path": "/", "body": body, "headers": {
            "Host": self.host, "Content-Type": CONTENT_TYPE, "X-Amz-Date": self.stamp, "X-Amz-Target": self.target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/{self.scope}, SignedHeaders={names}, Signature={signature}"}}


def fill(holdfast):
    """CreateKey until the quota says no."""
    began = time.monotonic()
    while not drive(holdfast, [ask(holdfast.port, "CreateKey")], 2, connections=32).bad:
        pass
    return time.monotonic() - began


def key_ids(port):
    ids, more = [], {}
    while True:
        page = send(port, ask(port, "ListKeys", Limit=1000, **more))
        ids += [k["KeyId"] for k in page["Keys"]]
        if not page["Truncated"]:
            return ids
        more = {"Marker": page["NextMarker"]}


def memory(holdfast):
    return sum(memory_mib(p, "Pss", "smaps_rollup") for p in holdfast.pids())


def first_answer_ms(holdfast, request):
    """From starting the server to its answer to a signed request that needs a key."""
    holdfast.stop()
    began = time.monotonic()
    holdfast.spawn()
    while True:
        try:
            send(holdfast.port, request)
            return (time.monotonic() - began) * 1000
        except OSError:
            time.sleep(0.0005)


def many_keys(holdfast, nginx, ours, seconds, show):
    few_mib, port = memory(holdfast), holdfast.port
    made_s = fill(holdfast)
    ids = [i for i in key_ids(port) if i not in (ours.hmac, ours.ecdsa, ours.rsa)]
    random.Random(1).shuffle(ids)
    starts = sorted(first_answer_ms(holdfast, ask(port, "Encrypt", KeyId=ids[i], Plaintext=TEXT)) for i in range(5))
    sign, floor_request = Signer(port, "Encrypt"), ask(nginx.port, "Encrypt", KeyId=ids[0], Plaintext=TEXT)
    every = [sign(json.dumps({"KeyId": i, "Plaintext": TEXT}).encode()) for i in ids]
    cold = drive(holdfast, every, seconds)
    show(f"KMS Encrypt, {len(ids):,} keys, from the start on", holdfast.name, cold, 0, "", f"made in {made_s:.0f} s")
    while cold.n < 2 * len(ids):  # each thread of the server meets most of them
        cold.n += drive(holdfast, every, seconds).n
    (floor, one, many), _ = in_turn([(nginx, [floor_request]), (holdfast, every[:1]), (holdfast, every)], seconds)
    show(f"KMS Encrypt, one of {len(ids):,} keys", holdfast.name, one, floor.cpu_us, "<= 7.5", "")
    show(f"KMS Encrypt, {len(ids):,} keys in turn", holdfast.name, many, floor.cpu_us, "the same latency",
         f"{many.p50 / one.p50:.2f} times the p50 of one key, {many.cpu_us / one.cpu_us:.2f} times the CPU; start to first answer {starts[0]:.0f} ms "
         f"best, {starts[2]:.0f} ms median of 5 (< 200); {memory(holdfast):.0f} MiB, {few_mib:.0f} before the keys were made")


def figures(base, nginx, moto, seconds, show):
    """In a server of its own. show(what, who, figure, floor, target, note)."""
    base = base / "kms"
    base.mkdir()
    holdfast = Holdfast(base)
    try:
        ours = Keys(holdfast.port)
        operations(holdfast, nginx, moto, ours, seconds, show)
        many_keys(holdfast, nginx, ours, seconds, show)
    finally:
        holdfast.stop()
