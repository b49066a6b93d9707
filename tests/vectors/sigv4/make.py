#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the SigV4 vectors in this folder: `/usr/bin/python3 make.py` rewrites them all.

Every accepted case is signed twice: by botocore, and by the code below, which reads the
finished request as bytes and follows the specification ("Create a signed AWS API request",
IAM User Guide; "Authenticating requests", Amazon S3 API Reference) with hashlib and hmac
only. The two must agree on canonical request, string to sign and signature, or nothing is
written. botocore cannot sign chunks; there it lends its key derivation and HMAC, and the
code below is first held against the numbers published in the S3 API Reference.

    <case>/request.txt         the request as it comes over the wire
    <case>/context.json        flat: keys, rules of the endpoint, the clock, what must come out
    <case>/canonical.txt       accepted cases only, with the two below
    <case>/string_to_sign.txt
    <case>/signature.txt
"""
import base64
import datetime as real_datetime
import hashlib
import hmac
import json
import os
import shutil
import struct
import sys
import zlib

import botocore.auth
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HERE = os.path.dirname(os.path.abspath(__file__))
AKID = "AKIAHOLDFASTEXAMPLE1"
SECRET = "h0ldf4st/Secret+Key/Only/For/Tests/00000"
NOW = real_datetime.datetime(2026, 1, 1, 0, 30, 0)
EMPTY = hashlib.sha256(b"").hexdigest()
UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"


# ---------------------------------------------------------------- the specification, in bytes

def encode(data, keep=b""):
    return b"".join(bytes([c]) if c in UNRESERVED + keep else b"%%%02X" % c for c in data)


def decode(data, plus=False):
    if plus:
        data = data.replace(b"+", b" ")
    out, i = bytearray(), 0
    while i < len(data):
        if data[i:i + 1] == b"%":
            out.append(int(data[i + 1:i + 3], 16))
            i += 3
        else:
            out.append(data[i])
            i += 1
    return bytes(out)


def split_request(raw):
    head, body = raw.split(b"\r\n\r\n", 1)
    lines = head.split(b"\r\n")
    method, target, _ = lines[0].split(b" ")
    path, _, query = target.partition(b"?")
    headers = [tuple(line.split(b":", 1)) for line in lines[1:]]
    return method, path, query, headers, body


def spec_path(path, s3):
    if s3:
        return encode(decode(path), b"/")
    out = []
    for seg in path.split(b"/"):
        if seg == b"..":
            del out[-1:]
        elif seg not in (b"", b"."):
            out.append(seg)
    normal = b"/" + b"/".join(out) + (b"/" if out and path.endswith(b"/") else b"")
    return encode(normal, b"/")


def spec_query(query):
    pairs = []
    for part in query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((encode(decode(name, True)), encode(decode(value, True))))
    return b"&".join(n + b"=" + v for n, v in sorted(pairs) if n != b"X-Amz-Signature")


def spec_auth(query, headers):
    """Credential, signed headers, date and signature, from wherever they stand."""
    h = {k.lower(): v.strip() for k, v in headers}
    if b"authorization" in h:
        parts = dict(p.strip().split(b"=", 1) for p in h[b"authorization"].split(b" ", 1)[1].split(b","))
        if b"x-amz-date" in h:
            date = h[b"x-amz-date"]
        else:
            date = real_datetime.datetime.strptime(h[b"date"].decode()[:25], "%a, %d %b %Y %H:%M:%S")
            date = date.strftime("%Y%m%dT%H%M%SZ").encode()
        return parts[b"Credential"], parts[b"SignedHeaders"], date, parts.get(b"Signature", b"")
    q = {decode(p.partition(b"=")[0]): decode(p.partition(b"=")[2]) for p in query.split(b"&")}
    return (q[b"X-Amz-Credential"], q[b"X-Amz-SignedHeaders"], q[b"X-Amz-Date"], q.get(b"X-Amz-Signature", b""))


def spec_canonical(raw, s3):
    method, path, query, headers, body = split_request(raw)
    credential, signed, date, _ = spec_auth(query, headers)
    lines = [method, spec_path(path, s3), spec_query(query)]
    for name in signed.split(b";"):
        values = [b" ".join(v.split()) for k, v in headers if k.lower() == name]
        lines.append(name + b":" + b",".join(values))
    said = [v.strip() for k, v in headers if k.lower() == b"x-amz-content-sha256"]
    presigned = not any(k.lower() == b"authorization" for k, v in headers)
    payload = said[0] if s3 and said else b"UNSIGNED-PAYLOAD" if s3 and presigned else \
        hashlib.sha256(body).hexdigest().encode()
    return b"\n".join(lines + [b"", signed, payload]), credential, date


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def spec_key(secret, scope):
    key = b"AWS4" + secret.encode()
    for part in scope.split(b"/"):
        key = mac(key, part)
    return key


def spec_sign(raw, s3, secret=SECRET):
    canonical, credential, date = spec_canonical(raw, s3)
    scope = credential.split(b"/", 1)[1]
    to_sign = b"\n".join([b"AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical).hexdigest().encode()])
    return canonical, to_sign, mac(spec_key(secret, scope), to_sign).hex()


# ---------------------------------------------------------------- checksums and chunks

def table_crc(data, poly, bits):
    table = []
    for i in range(256):
        for _ in range(8):
            i = (i >> 1) ^ (poly if i & 1 else 0)
        table.append(i)
    mask = (1 << bits) - 1
    crc = mask
    for b in data:
        crc = (crc >> 8) ^ table[(crc ^ b) & 255]
    return crc ^ mask


SUMS = {
    "crc32": lambda d: struct.pack(">I", zlib.crc32(d)),
    "crc32c": lambda d: struct.pack(">I", table_crc(d, 0x82F63B78, 32)),
    "crc64nvme": lambda d: struct.pack(">Q", table_crc(d, 0x9A6C9329AC4BC9B5, 64)),
    "sha1": lambda d: hashlib.sha1(d).digest(),
    "sha256": lambda d: hashlib.sha256(d).digest(),
}
assert SUMS["crc32c"](b"123456789").hex() == "e3069283"
assert SUMS["crc64nvme"](b"123456789").hex() == "ae8b14860a799888"


def b64sum(name, data):
    return base64.b64encode(SUMS[name](data)).decode()


def chunk_to_sign(date, scope, previous, data):
    return "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, EMPTY, hashlib.sha256(data).hexdigest()])


def trailer_to_sign(date, scope, previous, trailers):
    text = "".join("%s:%s\n" % t for t in trailers)
    return "\n".join(["AWS4-HMAC-SHA256-TRAILER", date, scope, previous, hashlib.sha256(text.encode()).hexdigest()])


def published_example():
    """The chunked upload worked out in the S3 API Reference: 65 KiB of 'a'."""
    date, scope = "20130524T000000Z", "20130524/us-east-1/s3/aws4_request"
    key = spec_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope.encode())
    last = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    for data, want in ((b"a" * 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
                       (b"a" * 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
                       (b"", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")):
        last = mac(key, chunk_to_sign(date, scope, last, data).encode()).hex()
        assert last == want


def chunked(pieces, date, scope, seed, sign, trailers=(), signed=True, trailer_mode=False, header=None):
    """An aws-chunked body. sign: string to sign -> hex."""
    out, last = b"", seed
    for data in list(pieces) + [b""]:
        line = "%x" % len(data)
        if signed:
            last = sign(chunk_to_sign(date, scope, last, data))
            line += ";chunk-signature=" + last
        out += line.encode() + b"\r\n" + (data + b"\r\n" if data else b"")
    for name, value in trailers:
        out += ("%s:%s\r\n" % (name, value)).encode()
    if signed and trailer_mode:
        out += ("x-amz-trailer-signature:%s\r\n" % sign(trailer_to_sign(date, scope, last, trailers))).encode()
    return out + b"\r\n"


# ---------------------------------------------------------------- botocore, at a fixed moment

class Clock:
    """Stands in for the datetime module inside botocore.auth."""
    class datetime(real_datetime.datetime):
        at = NOW

        @classmethod
        def utcnow(cls):
            return cls.at


botocore.auth.datetime = Clock


def sign_with_botocore(method, url, headers, body, service, region, s3, presign, token, payload, expires, akid, secret):
    kind = {(False, False): SigV4Auth, (True, False): S3SigV4Auth, (False, True): SigV4QueryAuth,
            (True, True): S3SigV4QueryAuth}[s3, bool(presign)]
    seen = {}

    class Signer(kind):
        def canonical_request(self, request):
            seen["canonical"] = super().canonical_request(request)
            return seen["canonical"]

        def string_to_sign(self, request, canonical):
            seen["to_sign"] = super().string_to_sign(request, canonical)
            return seen["to_sign"]

        def signature(self, text, request):
            seen["signature"] = super().signature(text, request)
            return seen["signature"]

        def payload(self, request):
            return payload if payload else super().payload(request)

    credentials = Credentials(akid, secret, token)
    signer = Signer(credentials, service, region, expires=expires) if presign else Signer(credentials, service, region)
    request = AWSRequest(method=method, url=url, data=b"" if presign else body)
    for k, v in headers:
        request.headers.add_header(k, v)
    signer.add_auth(request)
    context = request.context
    return request, seen, lambda text: kind.signature(signer, text, request)


def wire(request, host, body):
    rest = request.url.split("://", 1)[1]
    target = rest[len(host):]
    lines = ["%s %s HTTP/1.1" % (request.method, target if target.startswith("/") else "/" + target), "Host: " + host]
    lines += ["%s: %s" % kv for kv in request.headers.items() if kv[0].lower() != "host"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# ---------------------------------------------------------------- cases

def build(method="POST", target="/", service="kms", region="us-east-1", headers=(), body=b"", presign=False, token=None,
          payload=None, expires=3600, host=None, at=NOW, akid=AKID, secret=SECRET, pieces=None, checksum=None,
          trailer_value=None, unsigned=(), family=None):
    """A signed request, with what botocore computed."""
    s3 = service == "s3"
    Clock.datetime.at = at
    host = host or ("s3.%s.amazonaws.com" % region if s3 else "%s.%s.amazonaws.com" % (service, region))
    headers = list(headers)
    if pieces is not None:
        headers.append(("X-Amz-Decoded-Content-Length", str(sum(map(len, pieces)))))
        headers.append(("Content-Encoding", "aws-chunked"))
        if checksum:
            headers.append(("X-Amz-Trailer", "x-amz-checksum-" + checksum))
    if checksum and pieces is None:
        headers.append(("X-Amz-Checksum-" + checksum.upper(), b64sum(checksum, body)))
    request, seen, sign = sign_with_botocore(method, "https://" + host + target, headers, body, service, region, s3,
                                             presign, token, payload, expires, akid, secret)
    for k, v in unsigned:
        request.headers.add_header(k, v)
    decoded = body
    if pieces is not None:
        decoded = b"".join(pieces)
        date, scope = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d") + "/%s/s3/aws4_request" % region
        key = spec_key(secret, scope.encode())

        def both(text):
            ours, theirs = mac(key, text.encode()).hex(), sign(text)
            assert ours == theirs
            return ours
        trailers = [("x-amz-checksum-" + checksum, trailer_value or b64sum(checksum, decoded))] if checksum else []
        is_signed = "HMAC" in payload
        body = chunked(pieces, date, scope, seen["signature"], both, trailers, is_signed, payload.endswith("TRAILER"))
    raw = wire(request, host, body)
    context = {"family": family or ("s3" if s3 else "query" if service in ("iam", "sts") else "json"),
               "access_key": AKID, "secret": SECRET, "service": service, "region": region,
               "now": NOW.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if token:
        context["token"] = token
    return raw, context, seen, decoded


CASES = {}


def accept(name, alter=None, now=None, **how):
    """alter: raw -> raw, a change that must not matter (another spelling of the same request)."""
    raw, context, seen, decoded = build(**how)
    if alter:
        changed = alter(raw)
        assert changed != raw, name
        raw = changed
    s3 = context["service"] == "s3"
    canonical, to_sign, signature = spec_sign(raw, s3)
    assert canonical == seen["canonical"].encode(), (name, canonical, seen["canonical"].encode())
    assert to_sign == seen["to_sign"].encode(), name
    assert signature == seen["signature"], name
    method, path, query, headers, _ = split_request(raw)
    assert spec_auth(query, headers)[3].decode() == signature, name
    if now:
        context["now"] = now
    context["payload_sha256"] = hashlib.sha256(decoded).hexdigest()
    assert name not in CASES
    CASES[name] = {"request.txt": raw, "context.json": context, "canonical.txt": canonical,
                   "string_to_sign.txt": to_sign, "signature.txt": signature.encode()}


def refuse(name, code, http, message, alter=None, resign=False, context=(), **how):
    """alter: what is wrong with the request. resign: sign again after it, by the specification."""
    raw, ctx, _, _ = build(**how)
    if alter:
        changed = alter(raw)
        assert changed != raw, name
        raw = changed
    if resign:
        old = spec_auth(*split_request(raw)[2:4])[3]
        raw = raw.replace(old, spec_sign(raw, ctx["service"] == "s3")[2].encode())
    ctx.update(dict(context))
    ctx.update({"code": code, "http": str(http), "message": message})
    assert name not in CASES
    CASES[name] = {"request.txt": raw, "context.json": ctx}


def swap(old, new, count=1):
    def change(raw):
        assert old.encode() in raw, old
        return raw.replace(old.encode(), new.encode(), count)
    return change


def drop(header):
    def change(raw):
        head, body = raw.split(b"\r\n\r\n", 1)
        lines = [l for l in head.split(b"\r\n") if not l.lower().startswith(header.lower().encode() + b":")]
        return b"\r\n".join(lines) + b"\r\n\r\n" + body
    return change


def add(line):
    return lambda raw: raw.replace(b"\r\n\r\n", b"\r\n" + line.encode() + b"\r\n\r\n", 1)


def then(*steps):
    def change(raw):
        for s in steps:
            raw = s(raw)
        return raw
    return change


def at(text):
    return real_datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ")


JSON = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "TrentService.Encrypt")]
FORM = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
KMS = {"headers": JSON, "body": b'{"KeyId":"alias/invoices","Plaintext":"aGVsbG8="}'}
STS = {"service": "sts", "headers": FORM, "body": b"Action=GetCallerIdentity&Version=2011-06-15"}
GET = {"method": "GET", "service": "s3", "target": "/invoices/2026/a.pdf"}
PUT = {"method": "PUT", "service": "s3", "target": "/invoices/2026/a.pdf", "body": b"one invoice"}
SIGNED, SIGNED_T = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
PLAIN_T = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
TEN_K = b"0123456789abcde\n" * 640
CHUNK_PUT = {"method": "PUT", "service": "s3", "target": "/invoices/big"}


def accepted():
    accept("kms-encrypt", **KMS)
    accept("kms-region", region="eu-central-1", **KMS)
    accept("kms-token", token="FwoGZXIvYXdzEXAMPLE//////////wEaDtoken==", **KMS)
    accept("kms-empty-body", headers=JSON)
    accept("kms-unicode-body", headers=JSON, body='{"Description":"Schlüssel für 日本 🔑"}'.encode())
    accept("kms-date-header", headers=JSON + [("Date", "x")], body=b"{}")
    accept("kms-unsigned-extras", unsigned=[("User-Agent", "aws-cli/2"), ("Expect", "100-continue")], **KMS)
    accept("kms-host-port", host="localhost:8443", **KMS)
    accept("kms-oldest-allowed", at=at("20260101T001500Z"), **KMS)
    accept("kms-newest-allowed", at=at("20260101T004500Z"), **KMS)
    accept("kms-header-case", alter=swap("X-Amz-Target:", "x-AMZ-tArGeT:"), **KMS)
    accept("kms-header-order", alter=lambda r: drop("x-amz-target")(r).replace(
        b"\r\n\r\n", b"\r\nX-Amz-Target: TrentService.Encrypt\r\n\r\n", 1), **KMS)
    accept("kms-authorization-spacing", alter=then(swap(", SignedHeaders", ",SignedHeaders"),
                                                   swap(", Signature", ",   Signature")), **KMS)
    accept("kms-no-space-after-colon", alter=swap("X-Amz-Target: ", "X-Amz-Target:"), **KMS)
    accept("sts-caller-identity", **STS)
    accept("iam-form-unicode", service="iam", headers=FORM,
           body="Action=CreateUser&UserName=J%C3%B6rg&Path=%2Feng%2F".encode())
    accept("sts-presigned", service="sts", method="GET", presign=True,
           target="/?Action=GetCallerIdentity&Version=2011-06-15")
    accept("sts-presigned-header", service="sts", method="GET", presign=True, headers=[("X-K8s-Aws-Id", "cluster-1")],
           target="/?Action=GetCallerIdentity&Version=2011-06-15", expires=60)
    accept("sts-presigned-outlives-its-expires", service="sts", method="GET", presign=True, expires=60,
           at=at("20260101T002000Z"), target="/?Action=GetCallerIdentity&Version=2011-06-15")
    accept("sts-presigned-token", service="sts", method="GET", presign=True, token="tok/en+with=signs",
           target="/?Action=GetCallerIdentity&Version=2011-06-15")
    rest = {"service": "backup", "method": "GET", "family": "rest-json"}
    accept("rest-plain-path", target="/backup-vaults/main/", **rest)
    accept("rest-encoded-path", target="/backup-vaults/my%20vault%2Fx", **rest)
    accept("rest-unicode-path", target="/tags/%E6%97%A5%E6%9C%AC", **rest)
    accept("rest-dot-segments", target="/a/./b/../c", **rest)
    accept("rest-double-slashes", target="//a///b//", **rest)
    accept("rest-only-dots", target="/../..", **rest)
    accept("rest-reserved-in-path", target="/a:b/c@d/e=f/(g)*!", **rest)
    accept("rest-arn-path", target="/tags/arn%3Aaws%3Abackup%3Aus-east-1%3A111122223333%3Aplan%2F1", **rest)
    accept("rest-query-order", target="/x?b=2&a=1&c=3", **rest)
    accept("rest-query-duplicates", target="/x?k=b&k=a&k=B&k=", **rest)
    accept("rest-query-empty-values", target="/x?uploads=&a=&b=1", **rest)
    accept("rest-query-no-equals", target="/x?uploads&a=1", **rest)
    accept("rest-query-encoded", target="/x?q=a%20b%2Fc%3D%26&%C3%A9=%E2%82%AC", **rest)
    accept("rest-query-prefix-names", target="/x?a-b=1&a=2&a%3D=3", **rest)
    accept("rest-query-case", target="/x?B=1&a=2&A=3&b=4", **rest)
    accept("rest-query-plus-is-space", target="/x?q=a%20b", alter=swap("q=a%20b", "q=a+b"), **rest)
    accept("rest-query-lower-hex", target="/x?q=a%2Fb", alter=swap("%2F", "%2f"), **rest)
    accept("rest-query-needless-escape", target="/x?q=abc", alter=swap("q=abc", "q=%61b%63"), **rest)
    accept("rest-query-many", target="/x?" + "&".join("k%02d=%d" % (i * 37 % 100, i) for i in range(100)), **rest)
    accept("rest-query-stray-ampersands", target="/x?a=1&b=2", alter=swap("a=1&b=2", "&a=1&&b=2&"), **rest)
    accept("header-duplicates", headers=JSON + [("X-Amz-Meta-A", "one"), ("X-Amz-Meta-A", "two")], body=b"{}")
    accept("header-spaces", headers=JSON + [("X-Amz-Meta-A", "  a   b  c ")], body=b"{}")
    accept("header-tabs", headers=JSON + [("X-Amz-Meta-A", "a \t b")], body=b"{}")
    accept("header-empty-value", headers=JSON + [("X-Amz-Meta-A", "")], body=b"{}")
    accept("header-quotes", headers=JSON + [("X-Amz-Meta-A", '"a   b"')], body=b"{}")
    accept("header-collapse-on-wire", headers=JSON + [("X-Amz-Meta-A", "a b")], body=b"{}",
           alter=swap("X-Amz-Meta-A: a b", "X-Amz-Meta-A:    a \t  b   "))

    accept("s3-get", **GET)
    accept("s3-get-range", headers=[("Range", "bytes=0-99")], **GET)
    accept("s3-get-token", token="session/token+==", **GET)
    accept("s3-virtual-host", **{**GET, "host": "invoices.s3.amazonaws.com", "target": "/a.pdf"})
    accept("s3-root", method="GET", service="s3")
    accept("s3-dot-segments-kept", **{**GET, "target": "/invoices/./a/../b"})
    accept("s3-double-slashes-kept", **{**GET, "target": "/invoices//a///b"})
    accept("s3-key-unicode", **{**GET, "target": "/invoices/%E6%97%A5%E6%9C%AC/%F0%9F%94%91.pdf"})
    accept("s3-key-spaces", **{**GET, "target": "/invoices/a%20b%20%20c"})
    accept("s3-key-reserved", **{**GET, "target": "/invoices/%3A%40%26%3D%2B%24%2C%3F%23%5B%5D%21%27%28%29%2A%3B"})
    accept("s3-key-percent", **{**GET, "target": "/invoices/100%25"})
    accept("s3-key-spelled-plainly", alter=swap("/invoices/%28a%29%21", "/invoices/(a)!"),
           **{**GET, "target": "/invoices/%28a%29%21"})
    accept("s3-list", **{**GET, "target": "/invoices?list-type=2&prefix=2026%2F&delimiter=%2F"})
    accept("s3-subresource", **{**GET, "method": "POST", "target": "/invoices/a?uploads"})
    accept("s3-put-hashed", **PUT)
    accept("s3-put-unsigned", payload="UNSIGNED-PAYLOAD", **PUT)
    accept("s3-put-md5", headers=[("Content-MD5", base64.b64encode(hashlib.md5(PUT["body"]).digest()).decode())], **PUT)
    for name in SUMS:
        accept("s3-put-" + name, checksum=name, headers=[("X-Amz-Sdk-Checksum-Algorithm", name.upper())], **PUT)
    accept("s3-put-metadata", headers=[("X-Amz-Meta-Note", "a   b"), ("X-Amz-Server-Side-Encryption", "aws:kms")], **PUT)
    accept("s3-presigned", presign=True, **GET)
    accept("s3-presigned-week", presign=True, expires=604800, at=at("20251226T000000Z"), **GET)
    accept("s3-presigned-query", presign=True, **{**GET, "target": "/invoices/a?versionId=3&response-content-type=text%2Fplain"})
    accept("s3-presigned-token", presign=True, token="session/token+==", **GET)
    accept("s3-presigned-put", presign=True, headers=[("Content-Type", "application/pdf")], **PUT)
    accept("s3-presigned-order", presign=True, alter=lambda r: r.replace(
        b"?X-Amz-Algorithm=AWS4-HMAC-SHA256&", b"?", 1).replace(b" HTTP/1.1", b"&X-Amz-Algorithm=AWS4-HMAC-SHA256 HTTP/1.1", 1),
        **GET)
    accept("s3-presigned-unsigned-user-agent", presign=True, unsigned=[("User-Agent", "x")], **GET)
    accept("s3-chunks", payload=SIGNED, pieces=[TEN_K, b"the end"], **CHUNK_PUT)
    accept("s3-chunks-one", payload=SIGNED, pieces=[b"small"], **CHUNK_PUT)
    accept("s3-chunks-empty", payload=SIGNED, pieces=[], **CHUNK_PUT)
    accept("s3-chunks-token", payload=SIGNED, pieces=[b"small"], token="session", **CHUNK_PUT)
    accept("s3-chunks-trailer-crc32c", payload=SIGNED_T, pieces=[TEN_K, TEN_K, b"!"], checksum="crc32c", **CHUNK_PUT)
    accept("s3-chunks-trailer-sha256", payload=SIGNED_T, pieces=[b"small"], checksum="sha256", **CHUNK_PUT)
    for name in SUMS:
        accept("s3-unsigned-trailer-" + name, payload=PLAIN_T, pieces=[TEN_K, b"rest"], checksum=name, **CHUNK_PUT)
    accept("s3-unsigned-trailer-empty", payload=PLAIN_T, pieces=[], checksum="crc64nvme", **CHUNK_PUT)


MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.")
S3_MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your key and "
               "signing method.")
BAD_TOKEN = "The security token included in the request is invalid."
MALFORMED = "The authorization header is malformed; "
QUERY_ERROR = "Error parsing the X-Amz-Credential parameter; "
TRAILER = "The request contained trailing data that was not well-formed or did not conform to our published schema."
CUT_SHORT = "The request body terminated unexpectedly"
NOT_SIGNED = "There were headers present in the request which were not signed"
PRESIGNED_PARTS = ("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
                   "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")


def hashed(raw):
    value = dict((k.lower(), v.strip()) for k, v in split_request(raw)[3])[b"authorization"]
    return base64.b64encode(hashlib.sha256(value).digest()).decode()


def refused_everywhere():
    J = "InvalidSignatureException"
    refuse("no-kms-wrong-secret", J, 400, MISMATCH, secret="another", **KMS)
    refuse("no-sts-wrong-secret", "SignatureDoesNotMatch", 403, MISMATCH, secret="another", **STS)
    refuse("no-kms-body-changed", J, 400, MISMATCH, alter=lambda r: r + b" ", **KMS)
    refuse("no-kms-method-changed", J, 400, MISMATCH, alter=swap("POST", "PUT"), **KMS)
    refuse("no-kms-path-changed", J, 400, MISMATCH, alter=swap("POST / ", "POST /x "), **KMS)
    refuse("no-kms-query-added", J, 400, MISMATCH, alter=swap("POST / ", "POST /?a=b "), **KMS)
    refuse("no-kms-signed-header-changed", J, 400, MISMATCH, alter=swap(".Encrypt", ".Decrypt"), **KMS)
    refuse("no-kms-signed-header-gone", J, 400, MISMATCH, alter=drop("content-type"), **KMS)
    refuse("no-kms-signed-header-twice", J, 400, MISMATCH, alter=add("Content-Type: text/plain"), **KMS)
    refuse("no-kms-host-changed", J, 400, MISMATCH, alter=swap("Host: kms.", "Host: evil."), **KMS)
    refuse("no-kms-signature-short", J, 400, MISMATCH, alter=lambda r: r.replace(b"\r\nX-Amz-Date", b"\r\nX-Amz-Date")
           .replace(b"Signature=", b"Signature=0", 1), **KMS)
    refuse("no-kms-unsigned-target", J, 400, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
           alter=add("X-Amz-Target: TrentService.Decrypt"), headers=JSON[:1], body=b"{}")
    refuse("no-kms-host-not-signed", J, 400,
           "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.", resign=True,
           alter=swap("content-type;host;", "content-type;"), **KMS)
    refuse("no-kms-unsigned", "MissingAuthenticationTokenException", 400, "Missing Authentication Token",
           alter=drop("authorization"), **KMS)
    refuse("no-rest-unsigned", "MissingAuthenticationTokenException", 403, "Missing Authentication Token",
           alter=drop("authorization"), service="backup", method="GET", family="rest-json")
    refuse("no-sts-unsigned", "MissingAuthenticationToken", 403, "Request is missing Authentication Token",
           alter=drop("authorization"), **STS)
    refuse("no-kms-unknown-key", "UnrecognizedClientException", 400, BAD_TOKEN, akid="AKIAUNKNOWNKEY000000", **KMS)
    refuse("no-sts-unknown-key", "InvalidClientTokenId", 403, BAD_TOKEN, akid="AKIAUNKNOWNKEY000000", **STS)
    refuse("no-kms-token-not-its-own", "UnrecognizedClientException", 400, BAD_TOKEN, token="a", context={"token": "b"},
           **KMS)
    refuse("no-sts-token-missing", "InvalidClientTokenId", 403, BAD_TOKEN, context={"token": "b"}, **STS)
    refuse("no-kms-token-expired", "ExpiredTokenException", 400, "The security token included in the request is expired",
           token="expired", **KMS)
    refuse("no-sts-token-expired", "ExpiredToken", 403, "The security token included in the request is expired",
           token="expired", **STS)
    refuse("no-kms-too-old", J, 400, "Signature expired: 20260101T001459Z is now earlier than 20260101T001500Z "
           "(20260101T003000Z - 15 min.)", at=at("20260101T001459Z"), **KMS)
    refuse("no-sts-too-old", "SignatureDoesNotMatch", 403, "Signature expired: 20260101T001000Z is now earlier than "
           "20260101T001500Z (20260101T003000Z - 15 min.)", at=at("20260101T001000Z"), **STS)
    refuse("no-kms-too-new", J, 400, "Signature not yet current: 20260101T004501Z is still later than "
           "20260101T004500Z (20260101T003000Z + 15 min.)", at=at("20260101T004501Z"), **KMS)
    refuse("no-sts-presigned-too-old", "SignatureDoesNotMatch", 403, "Signature expired: 20260101T001000Z is now earlier "
           "than 20260101T001500Z (20260101T003000Z - 15 min.)", at=at("20260101T001000Z"), service="sts", method="GET",
           presign=True, expires=604800, target="/?Action=GetCallerIdentity&Version=2011-06-15")
    refuse("no-kms-wrong-region", J, 400, "Credential should be scoped to a valid region.",
           context={"region": "eu-west-1"}, **KMS)
    refuse("no-kms-wrong-service", J, 400, "Credential should be scoped to correct service: 'kms'.",
           context={"service": "kms"}, **{**KMS, "service": "sqs"})
    refuse("no-sts-wrong-region-and-service", "SignatureDoesNotMatch", 403, "Credential should be scoped to a valid "
           "region. Credential should be scoped to correct service: 'sts'.", alter=swap("us-east-1/sts", "x/iam"), **STS)
    refuse("no-kms-wrong-terminal", J, 400, "Credential should be scoped with a valid terminator: 'aws4_request'.",
           alter=swap("aws4_request", "aws5_request"), **KMS)
    refuse("no-kms-wrong-day", J, 400, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
           "from HTTP: '20251231' != '20260101', from '20260101T003000Z'.", alter=swap("/20260101/", "/20251231/"), **KMS)
    refuse("no-kms-region-with-odd-letters", J, 400, "Credential should be scoped to a valid region.",
           alter=swap("/us-east-1/", "/US_EAST/"), context={"region": "*"}, **KMS)


def refused_forms():
    I = "IncompleteSignatureException"
    five = ("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'")
    refuse("no-kms-credential-short", I, 400, five % (AKID + "/us-east-1/kms/aws4_request"), alter=swap("/20260101/", "/"),
           **KMS)
    refuse("no-kms-credential-long", I, 400, five % (AKID + "/x/20260101/us-east-1/kms/aws4_request"),
           alter=swap(AKID, AKID + "/x"), **KMS)
    refuse("no-sts-credential-short", "IncompleteSignature", 400, five % (AKID + "/us-east-1/sts/aws4_request"),
           alter=swap("/20260101/", "/"), **STS)
    refuse("no-kms-bad-date", I, 400, "Date must be in ISO-8601 'basic format'. Got '2026-01-01T00:30:00Z'. See "
           "http://en.wikipedia.org/wiki/ISO_8601", alter=swap("X-Amz-Date: 20260101T003000Z",
                                                               "X-Amz-Date: 2026-01-01T00:30:00Z"), **KMS)
    refuse("no-kms-impossible-date", I, 400, "Date must be in ISO-8601 'basic format'. Got '20260231T003000Z'. See "
           "http://en.wikipedia.org/wiki/ISO_8601", alter=swap("X-Amz-Date: 20260101", "X-Amz-Date: 20260231"), **KMS)
    refuse("no-kms-two-dates", I, 400, "Date must be in ISO-8601 'basic format'. Got '20260101T003000Z,20260101T003000Z'. "
           "See http://en.wikipedia.org/wiki/ISO_8601", alter=add("X-Amz-Date: 20260101T003000Z"), **KMS)
    both = "A request may be signed in its Authorization header or in its query string, not in both."
    refuse("no-kms-both-forms", I, 400, both, alter=swap("POST / ", "POST /?X-Amz-Signature=0 "), **KMS)
    refuse("no-kms-signed-headers-odd", I, 400, "SignedHeaders must be header names separated by semicolons.",
           alter=swap("SignedHeaders=content-type;", "SignedHeaders=content type;"), **KMS)

    def header(name, message, change, parts=KMS, code=I, http=400):
        raw = change(build(**parts)[0])
        refuse(name, code, http, message % hashed(raw), alter=change, **parts)
    need = "Authorization header requires '%s' parameter. "
    tail = "(Hashed with SHA-256 and encoded with Base64) Authorization=%s"
    equal = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with " \
            "Base64): '%s'."
    all_three = (need * 3) % ("Credential", "Signature", "SignedHeaders")
    date = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
    header("no-kms-no-credential", need % "Credential" + tail, swap("Credential=%s/20260101/us-east-1/kms/aws4_request, "
                                                                    % AKID, ""))
    header("no-kms-no-signed-headers", need % "SignedHeaders" + tail,
           swap("SignedHeaders=content-type;host;x-amz-date;x-amz-target, ", ""))
    header("no-kms-no-signature", need % "Signature" + tail, swap(", Signature=", ", Signature=\r\nX-Old: "))
    header("no-kms-no-date", date + tail, drop("x-amz-date"))
    header("no-kms-bearer", all_three + tail, swap("AWS4-HMAC-SHA256 Credential", "Bearer Credential"))
    header("no-kms-bearer-no-date", all_three + date + tail,
           then(drop("x-amz-date"), swap("AWS4-HMAC-SHA256", "Bearer")))
    header("no-sts-basic", all_three + tail, swap("AWS4-HMAC-SHA256", "Basic"), STS, "IncompleteSignature")
    header("no-kms-other-algorithm", all_three + tail, swap("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"))
    header("no-kms-component-without-equals", equal, swap("SignedHeaders=", "SignedHeaders"))
    header("no-kms-component-unknown", equal, swap("SignedHeaders=", "Extra=1, SignedHeaders="))
    header("no-kms-component-twice", equal, swap("SignedHeaders=", "SignedHeaders=host, SignedHeaders="))
    header("no-kms-only-algorithm", all_three + tail, swap(" Credential=", "\r\nX-Old: "))
    sts_url = {"service": "sts", "method": "GET", "presign": True, "target": "/?Action=GetCallerIdentity"}
    refuse("no-sts-presigned-no-date", "IncompleteSignature", 400, "AWS query-string parameters must include "
           "'X-Amz-Date'. Re-examine the query-string parameters.", alter=swap("X-Amz-Date", "X-Amz-Dat"), **sts_url)
    refuse("no-sts-presigned-algorithm", "IncompleteSignature", 400, "Unsupported AWS 'algorithm': 'AWS4-HMAC-MD5' (only "
           "AWS4-HMAC-SHA256 for now). ", alter=swap("AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"), **sts_url)


def refused_by_s3():
    H, Q = "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError"
    refuse("no-s3-wrong-secret", "SignatureDoesNotMatch", 403, S3_MISMATCH, secret="another", **GET)
    refuse("no-s3-key-changed", "SignatureDoesNotMatch", 403, S3_MISMATCH, alter=swap("a.pdf", "b.pdf"), **GET)
    refuse("no-s3-slash-added", "SignatureDoesNotMatch", 403, S3_MISMATCH, alter=swap("/2026/", "/2026//"), **GET)
    refuse("no-s3-unknown-key", "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our "
           "records.", akid="AKIAUNKNOWNKEY000000", **GET)
    refuse("no-s3-token-wrong", "InvalidToken", 400, "The provided token is malformed or otherwise invalid.", token="a",
           context={"token": "b"}, **GET)
    refuse("no-s3-token-missing", "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our "
           "records.", context={"token": "b"}, **GET)
    refuse("no-s3-token-expired", "ExpiredToken", 400, "The provided token has expired.", token="expired", **GET)
    refuse("no-s3-unsigned", "AccessDenied", 403, "Access Denied", alter=drop("authorization"), **GET)
    refuse("no-s3-too-old", "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is "
           "too large.", at=at("20260101T001459Z"), **GET)
    refuse("no-s3-too-new", "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is "
           "too large.", at=at("20260101T004501Z"), **GET)
    refuse("no-s3-header-not-signed", "AccessDenied", 403, NOT_SIGNED, alter=add("x-amz-acl: public-read"), **PUT)
    refuse("no-s3-host-not-signed", "AccessDenied", 403, NOT_SIGNED, resign=True,
           alter=swap("SignedHeaders=host;", "SignedHeaders="), **GET)
    refuse("no-s3-presigned-header-not-signed", "AccessDenied", 403, NOT_SIGNED, presign=True,
           alter=add("x-amz-acl: public-read"), **PUT)
    refuse("no-s3-no-hash", "InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256",
           alter=drop("x-amz-content-sha256"), **GET)
    refuse("no-s3-odd-hash", "InvalidArgument", 400, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
           "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
           "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.", payload="SIGNED", **PUT)
    refuse("no-s3-no-date", "AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header",
           alter=drop("x-amz-date"), **GET)
    refuse("no-s3-wrong-region", H, 400, MALFORMED + "the region 'us-east-1' is wrong; expecting 'eu-west-1'",
           context={"region": "eu-west-1"}, **GET)
    refuse("no-s3-wrong-service", H, 400, MALFORMED + 'incorrect service "ec2". This endpoint belongs to "s3".',
           alter=swap("/s3/", "/ec2/"), **GET)
    refuse("no-s3-wrong-terminal", H, 400, MALFORMED + 'incorrect terminal "aws3_request". This endpoint uses '
           '"aws4_request".', alter=swap("aws4_request", "aws3_request"), **GET)
    refuse("no-s3-wrong-day", H, 400, MALFORMED + 'Invalid credential date "20251231". This date is not the same as '
           'X-Amz-Date: "20260101".', alter=swap("/20260101/", "/20251231/"), **GET)
    refuse("no-s3-odd-day", H, 400, MALFORMED + 'incorrect date format "2026-1-1". This date in the credential must be in '
           'the format "yyyyMMdd".', alter=swap("/20260101/", "/2026-1-1/"), **GET)
    refuse("no-s3-credential-short", H, 400, MALFORMED + 'the Credential is mal-formed; expecting '
           '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".', alter=swap("/20260101/", "/"), **GET)
    refuse("no-s3-three-components", H, 400, MALFORMED + "the authorization header requires three components: Credential, "
           "SignedHeaders, and Signature.", alter=swap(" Credential=", "\r\nX-Old: "), **GET)
    refuse("no-s3-no-signature", H, 400, MALFORMED + "missing Signature.", alter=swap(", Signature=", "\r\nX-Old: "), **GET)
    refuse("no-s3-component", H, 400, MALFORMED + 'the authorization component "Sig" is malformed.',
           alter=swap(", Signature=", ", Sig, Signature="), **GET)
    refuse("no-s3-version-2", "InvalidRequest", 400, "The authorization mechanism you have provided is not supported. "
           "Please use AWS4-HMAC-SHA256.", alter=swap("AWS4-HMAC-SHA256 Credential", "AWS Credential"), **GET)
    refuse("no-s3-bearer", "InvalidArgument", 400, "Unsupported Authorization Type",
           alter=swap("AWS4-HMAC-SHA256", "Bearer"), **GET)
    both = ("Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
            "or the Authorization header should be specified")
    refuse("no-s3-both-forms", "InvalidArgument", 400, both, alter=swap("a.pdf", "a.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256"),
           **GET)
    url = {**GET, "presign": True}
    refuse("no-s3-presigned-expired", "AccessDenied", 403, "Request has expired", expires=60, at=at("20260101T002859Z"),
           **url)
    refuse("no-s3-presigned-future", "AccessDenied", 403, "Request is not valid yet", at=at("20260101T004501Z"), **url)
    refuse("no-s3-presigned-expires-changed", "SignatureDoesNotMatch", 403, S3_MISMATCH,
           alter=swap("X-Amz-Expires=3600", "X-Amz-Expires=36000"), **url)
    refuse("no-s3-presigned-expires-long", Q, 400, "X-Amz-Expires must be less than a week (in seconds); that is, the given "
           "X-Amz-Expires must be less than 604800 seconds", expires=604801, **url)
    refuse("no-s3-presigned-expires-negative", Q, 400, "X-Amz-Expires must be non-negative", expires=-1, **url)
    refuse("no-s3-presigned-expires-odd", Q, 400, "X-Amz-Expires should be a number", expires="soon", **url)
    refuse("no-s3-presigned-expires-huge", Q, 400, "X-Amz-Expires should be a number", expires="9" * 30, **url)
    for part in ("Algorithm", "Credential", "Date", "SignedHeaders", "Expires"):
        refuse("no-s3-presigned-no-" + part.lower(), Q, 400, PRESIGNED_PARTS,
               alter=swap("X-Amz-%s=" % part, "X-Amz-Not%s=" % part), **url)
    refuse("no-s3-presigned-algorithm", Q, 400, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"',
           alter=swap("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), **url)
    refuse("no-s3-presigned-date", Q, 400, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
           alter=swap("X-Amz-Date=2026", "X-Amz-Date=x026"), **url)
    refuse("no-s3-presigned-service", Q, 400, QUERY_ERROR + 'incorrect service "ec2". This endpoint belongs to "s3".',
           alter=swap("%2Fs3%2F", "%2Fec2%2F"), **url)
    refuse("no-s3-presigned-twice", "SignatureDoesNotMatch", 403, S3_MISMATCH,
           alter=swap("?X-Amz-Algorithm", "?X-Amz-Signature=0&X-Amz-Algorithm"), **url)


def refused_payloads():
    def chunks(name, code, http, message, payload=SIGNED, pieces=(TEN_K, b"the end"), **how):
        refuse("no-s3-" + name, code, http, message, payload=payload, pieces=list(pieces), **CHUNK_PUT, **how)
    chunks("chunk-changed", "SignatureDoesNotMatch", 403, S3_MISMATCH, alter=swap("the end", "the END"))
    chunks("chunk-signature-changed", "SignatureDoesNotMatch", 403, S3_MISMATCH,
           alter=lambda r: r[:-68] + (b"0" if r[-68:-67] != b"0" else b"1") + r[-67:], pieces=[])
    chunks("chunk-first-changed", "SignatureDoesNotMatch", 403, S3_MISMATCH,
           alter=swap("\n0123", "\n1123"))
    chunks("chunks-cut", "IncompleteBody", 400, CUT_SHORT, alter=lambda r: r[:-2])
    chunks("chunks-last-missing", "IncompleteBody", 400, CUT_SHORT, alter=lambda r: r[:r.rindex(b"0;chunk-signature")])
    chunks("chunks-more-after", "IncompleteBody", 400, CUT_SHORT, alter=lambda r: r + b"x")
    chunks("chunks-bare-lf", "IncompleteBody", 400, CUT_SHORT, alter=lambda r: r[:-2] + b"\n")
    chunks("chunks-no-signature", "IncompleteBody", 400, CUT_SHORT,
           alter=lambda r: r.replace(b";chunk-signature=", b";chunk-sig=", 1))
    chunks("chunks-size-not-hex", "IncompleteBody", 400, CUT_SHORT, alter=swap("\r\n2800;", "\r\n28x0;"))
    chunks("chunks-size-huge", "IncompleteBody", 400, CUT_SHORT, alter=swap("\r\n2800;", "\r\nfffffffffffffffff;"))
    chunks("chunks-trailer-unasked", "IncompleteBody", 400, CUT_SHORT, alter=lambda r: r[:-2] + b"a:b\r\n\r\n")
    chunks("chunks-too-small", "InvalidChunkSizeError", 403,
           "Only the last chunk is allowed to have a size less than 8192 bytes", pieces=[b"a" * 8191, b"b"])
    chunks("chunks-no-decoded-length", "MissingContentLength", 411, "You must provide the Content-Length HTTP header.",
           alter=then(drop("x-amz-decoded-content-length"), swap(";x-amz-decoded-content-length", "")), resign=True)
    chunks("chunks-fewer-than-said", "IncompleteBody", 400, CUT_SHORT, resign=False, payload=PLAIN_T, pieces=[b"12345"],
           alter=then(swap("\r\n5\r\n12345", "\r\n4\r\n1234")))
    T = dict(payload=PLAIN_T, pieces=[b"hello"], checksum="crc32")
    good = b64sum("crc32", b"hello")
    chunks("trailer-wrong", "BadDigest", 400, "The CRC32 you specified did not match the calculated checksum.",
           trailer_value=b64sum("crc32", b"other"), **T)
    chunks("trailer-not-base64", "InvalidRequest", 400, "Value for x-amz-checksum-crc32 trailing header is invalid.",
           trailer_value="!!!", **T)
    chunks("trailer-wrong-size", "InvalidRequest", 400, "Value for x-amz-checksum-crc32 trailing header is invalid.",
           trailer_value="AAAA", **T)
    chunks("trailer-missing", "MalformedTrailerError", 400, TRAILER,
           alter=swap("x-amz-checksum-crc32:%s\r\n" % good, ""), **T)
    chunks("trailer-other", "MalformedTrailerError", 400, TRAILER,
           alter=swap("x-amz-checksum-crc32:", "x-amz-checksum-sha1:"), **T)
    chunks("trailer-no-name", "MalformedTrailerError", 400, TRAILER, alter=swap("x-amz-checksum-crc32:", ":"), **T)
    chunks("trailer-no-colon", "MalformedTrailerError", 400, TRAILER,
           alter=swap("x-amz-checksum-crc32:", "x-amz-checksum-crc32"), **T)
    chunks("trailer-twice", "MalformedTrailerError", 400, TRAILER,
           alter=swap("x-amz-checksum-crc32:", "x-amz-checksum-crc32:AAAAAA==\r\nx-amz-checksum-crc32:"), **T)
    chunks("trailer-undeclared", "MalformedTrailerError", 400, TRAILER, payload=PLAIN_T, pieces=[b"hello"],
           alter=swap("\r\n0\r\n", "\r\n0\r\nx-amz-checksum-crc32:%s\r\n" % good))
    chunks("trailer-unsupported", "InvalidRequest", 400, "The value specified in the x-amz-trailer header is not supported",
           payload=PLAIN_T, pieces=[b"hello"], headers=[("X-Amz-Trailer", "x-amz-checksum-sha10")])
    S = dict(payload=SIGNED_T, pieces=[b"hello"], checksum="crc32")
    other = b64sum("crc32", b"other")
    chunks("trailer-changed", "SignatureDoesNotMatch", 403, S3_MISMATCH, alter=swap(good, other), **S)
    chunks("trailer-unsigned", "MalformedTrailerError", 400, TRAILER,
           alter=lambda r: r[:r.index(b"x-amz-trailer-signature")] + b"\r\n", **S)

    refuse("no-s3-body-changed", "XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not "
           "match what was computed.", alter=swap("one invoice", "two invoice"), **PUT)
    refuse("no-s3-md5-wrong", "BadDigest", 400, "The Content-MD5 you specified did not match what we received.",
           headers=[("Content-MD5", base64.b64encode(bytes(16)).decode())], **PUT)
    refuse("no-s3-md5-odd", "InvalidDigest", 400, "The Content-MD5 you specified was invalid.",
           headers=[("Content-MD5", "notmd5")], **PUT)
    for name in SUMS:
        header = ("X-Amz-Checksum-" + name, b64sum(name, b"other"))
        refuse("no-s3-%s-wrong" % name, "BadDigest", 400, "The %s you specified did not match the calculated checksum." %
               name.upper(), headers=[header], **PUT)
    refuse("no-s3-crc32-odd", "InvalidRequest", 400, "Value for x-amz-checksum-crc32 header is invalid.",
           headers=[("X-Amz-Checksum-Crc32", "AAAA")], **PUT)
    refuse("no-s3-two-checksums", "InvalidRequest", 400, "Expecting a single x-amz-checksum- header. Multiple checksum "
           "Types are not allowed.", headers=[("X-Amz-Checksum-Sha1", b64sum("sha1", PUT["body"]))], checksum="crc32", **PUT)
    refuse("no-s3-checksum-unknown", "InvalidRequest", 400, "The algorithm type you specified in x-amz-checksum- header is "
           "invalid.", headers=[("X-Amz-Checksum-Crc16", "AAA=")], **PUT)
    refuse("no-s3-sdk-algorithm-other", "InvalidRequest", 400, "Value for x-amz-sdk-checksum-algorithm header is invalid.",
           headers=[("X-Amz-Sdk-Checksum-Algorithm", "SHA1")], checksum="crc32", **PUT)
    refuse("no-s3-sdk-algorithm-alone", "InvalidRequest", 400, "x-amz-sdk-checksum-algorithm specified, but no "
           "corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
           headers=[("X-Amz-Sdk-Checksum-Algorithm", "SHA1")], **PUT)
    refuse("no-s3-short-body", "IncompleteBody", 400, "You did not provide the number of bytes specified by the "
           "Content-Length HTTP header", headers=[("Content-Length", "12")], **PUT)


def main():
    published_example()
    accepted()
    refused_everywhere()
    refused_forms()
    refused_by_s3()
    refused_payloads()
    for entry in os.listdir(HERE):
        if os.path.isdir(os.path.join(HERE, entry)):
            shutil.rmtree(os.path.join(HERE, entry))
    for name, files in CASES.items():
        os.mkdir(os.path.join(HERE, name))
        for file, content in files.items():
            if file == "context.json":
                content = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
            with open(os.path.join(HERE, name, file), "wb") as f:
                f.write(content)
    bad = sum("code" in c["context.json"] for c in CASES.values())
    print("%d accepted, %d refused" % (len(CASES) - bad, bad))


if __name__ == "__main__":
    sys.exit(main())
