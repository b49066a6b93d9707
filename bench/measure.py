#!/usr/bin/env python3
"""Start Holdfast and its peers, drive the same signed requests at each with wrk, print the table.

Machines are shared and noisy, so every figure that counts is a ratio within this run: the server's CPU
per request against nginx (one worker) answering a constant to the same request, and rates against what
the same disk and the same libcrypto do in the same minute.
"""
import argparse
import concurrent.futures
import http.client
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

import boto3
import botocore.config
import botocore.credentials

import kms
import scale
from load import REGION, drive, signed
from servers import KEY, ROOT, SECRET, Holdfast, Moto, Nginx, memory_mib

KIB, MIB = 1024, 1024 * 1024


# ---- what is asked ----------------------------------------------------------------------------------


def caller_identity(port):
    return signed("sts", port, "POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15",
                  {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})


def clients(port):
    def make(service):
        return boto3.client(service, region_name=REGION, endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id=KEY,
                            aws_secret_access_key=SECRET, config=botocore.config.Config(s3={"addressing_style": "path"}))
    return make


def prepare(server):
    s3 = clients(server.port)("s3")
    for bucket, algorithm in (("bench", "AES256"), ("bench-kms", "aws:kms")):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [
            {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}, "BucketKeyEnabled": algorithm == "aws:kms"}]})
    s3.put_object(Bucket="bench", Key="small", Body=b"x" * KIB)


# ---- floors -------------------------------------------------------------------------------------------


def fdatasync_rate(base, seconds, blocks=1 << 40):
    """Durable 4 KiB writes a second, one at a time: appended, or over and over into so many blocks."""
    fd = os.open(base / f"fdatasync-{blocks}", os.O_WRONLY | os.O_CREAT, 0o600)
    block, n, end = os.urandom(4096), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        os.pwrite(fd, block, (n % blocks) * 4096)
        os.fdatasync(fd)
        n += 1
    os.close(fd)
    return n / seconds


def aes_gcm_rate():
    out = subprocess.run(["openssl", "speed", "-elapsed", "-seconds", "2", "-bytes", "65536", "-evp", "aes-256-gcm", "-mr"],
                         capture_output=True, text=True).stdout
    return float(re.search(r"^\+F:.*:([\d.]+)$", out, re.M)[1])


# ---- the table ----------------------------------------------------------------------------------------

rows = []


def row(what, who, f, floor, target="", extra=""):
    ratio = f.cpu_us / floor if floor else 0
    rows.append((what, who, f"{f.rate:,.0f}", f"{f.p50 / 1000:.2f}", f"{f.p99 / 1000:.2f}", f"{f.cpu_us:.1f}", f"{ratio:.1f}", target,
                 extra + (f" {f.bad} ERRORS" if f.bad else "")))
    print("  ", *rows[-1], file=sys.stderr, flush=True)


def small_requests(args, holdfast, nginx, moto, base):
    ask = {"GetCallerIdentity": ("4.5", lambda p: [caller_identity(p)]),
           "S3 GET 1 KiB": ("7.5", lambda p: [signed("s3", p, "GET", "/bench/small")])}
    servers = [holdfast] + ([moto] if moto else [])
    for s in servers:
        prepare(s)
    for what, (target, make) in ask.items():
        floor = drive(nginx, make(nginx.port), args.seconds)
        row(what, nginx.name, floor, floor.cpu_us)
        for s in servers:
            f = drive(s, make(s.port), args.seconds)
            row(what, s.name, f, floor.cpu_us, f"<= {target}" if s is holdfast else "")



def durable_puts(args, holdfast, nginx, base):
    body = b"x" * KIB
    requests = [signed("s3", holdfast.port, "PUT", f"/bench/put/{i}", body) for i in range(512)]
    sync, again = fdatasync_rate(base, 2), fdatasync_rate(base, 2, 4096)
    before = holdfast.metrics()
    f = drive(holdfast, requests, args.seconds, 32)
    after = holdfast.metrics()
    batches = after["store_batches_total"] - before["store_batches_total"]
    row("S3 PUT 1 KiB, durable, 32 connections", holdfast.name, f, 0, "rate >= 1.5x fdatasync, < 0.25 syncs/request",
        f"{f.rate / sync:.1f}x of {sync:,.0f} appended and {f.rate / again:.1f}x of {again:,.0f} overwritten blocks/s, each with "
        f"its own fdatasync; {batches / max(f.n, 1):.3f} commits/request")


def big_objects(args, holdfast):
    gcm = aes_gcm_rate()
    target = gcm / 8
    puts = {b: signed("s3", holdfast.port, "PUT", f"/{b}/big", b"", {}, unsigned_payload=True) for b in ("bench", "bench-kms")}
    get = signed("s3", holdfast.port, "GET", "/bench/big")
    # An object's ETag under SSE-S3 is its MD5, the slowest of all that happens to a byte; under SSE-KMS it is not.
    for what, request, body in (("S3 PUT 64 MiB, SSE-S3", puts["bench"], 64 * MIB), ("S3 PUT 64 MiB, SSE-KMS", puts["bench-kms"], 64 * MIB),
                                ("S3 GET 64 MiB", get, None)):
        f = drive(holdfast, [request], max(args.seconds, 5), 2, body)
        rate = f.rate * 64 * MIB
        row(what, holdfast.name, f, 0, f">= {target / MIB:,.0f} MiB/s", f"{rate / MIB:,.0f} MiB/s, {rate / target:.2f} of the target; "
            f"memory peak {memory_mib(holdfast.process.pid, 'VmHWM'):.0f} MiB (<= 64)")


def start_time(holdfast):
    holdfast.stop()
    began = time.monotonic()
    holdfast.spawn()
    while True:
        try:
            with socket.create_connection(("127.0.0.1", holdfast.port), 1) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                if s.recv(12):
                    return (time.monotonic() - began) * 1000
        except OSError:
            time.sleep(0.0005)


MANY_BUCKETS, MANY_OBJECTS = 200, 10_000


def put_many(port, requests):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for q in requests:
        connection.request(q["method"], q["path"], q["body"], q["headers"])
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


def fill(holdfast):
    s3 = clients(holdfast.port)("s3")
    for i in range(MANY_BUCKETS):
        s3.create_bucket(Bucket=f"many-{i}")
    requests = [signed("s3", holdfast.port, "PUT", f"/many-{i % MANY_BUCKETS}/object-{i}", b"x" * KIB) for i in range(MANY_OBJECTS)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda k: put_many(holdfast.port, requests[k::16]), range(16)))


def policy_figures(args):
    bench = ROOT / "build" / "src" / "policy" / "policy_bench"
    if bench.exists():
        print("\n### Policy decisions\n\n```")
        print(subprocess.run([bench], capture_output=True, text=True).stdout.rstrip())
        native = args.peers / "cedar" / "release" / "cedar-bench"
        cedar = args.peers / "node_modules" / "@cedar-policy" / "cedar-wasm"
        if native.exists():
            print(subprocess.run([native], capture_output=True, text=True).stdout.rstrip())
        elif cedar.exists():
            print(subprocess.run(["node", ROOT / "bench" / "cedar.mjs", str(args.peers)], capture_output=True, text=True).stdout.rstrip())
        print("```")


def scale_figures(args, base):
    """In a server of its own: what a crowded account costs."""
    base = base / "scale"
    base.mkdir()
    holdfast = Holdfast(base)
    try:
        scale.figures(holdfast, botocore.credentials.Credentials(KEY, SECRET), args.seconds, drive, memory_mib,
                      lambda what, f, note: row(what, holdfast.name, f, 0, "", note))
    finally:
        holdfast.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--peers", type=pathlib.Path, required=True)
    parser.add_argument("--only-small", action="store_true", help="the small requests alone, for a quick look")
    parser.add_argument("--only-kms", action="store_true", help="KMS alone")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=ROOT / "build") as base:
        base = pathlib.Path(base)
        holdfast, nginx = Holdfast(base), Nginx(base)
        idle = sum(memory_mib(p, "Pss", "smaps_rollup") for p in holdfast.pids())
        moto = Moto(base, args.peers) if (args.peers / "moto" / "bin" / "moto_server").exists() else None
        try:
            if args.only_kms:
                return kms.figures(base, nginx, moto, args.seconds, row)
            small_requests(args, holdfast, nginx, moto, base)
            if args.only_small:
                return
            durable_puts(args, holdfast, nginx, base)
            big_objects(args, holdfast)
            starts = sorted(start_time(holdfast) for _ in range(5))
            fill(holdfast)
            full_starts = sorted(start_time(holdfast) for _ in range(5))
            scale_figures(args, base)
            kms.figures(base, nginx, moto, args.seconds, row)
        finally:
            for s in (holdfast, nginx, moto):
                if s:
                    s.stop()
    print(f"\n| what | server | requests/s | p50 ms | p99 ms | CPU us/request | against nginx | must reach | notes |\n|{'---|' * 9}")
    for r in rows:
        print("| " + " | ".join(r) + " |")
    print(f"\nIdle memory {idle:.1f} MiB (must be under 12). Start on existing data to first answer: "
          f"{starts[0]:.1f} ms best, {starts[2]:.1f} ms median of 5; with {MANY_BUCKETS} buckets and {MANY_OBJECTS:,} objects more "
          f"{full_starts[0]:.1f} and {full_starts[2]:.1f} ms (must be within 30).")
    policy_figures(args)


main()
