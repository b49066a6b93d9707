"""Requests written byte by byte: what no well-behaved client would send, signed all the same where that is wanted.

  request(...)   the bytes of a signed (or anonymous) request
  Wire(server)   one connection: send bytes, read one answer after another
  ask(server, bytes)  both, on a connection of its own
"""
import datetime
import hashlib
import hmac
import re
import socket
import ssl
import urllib.parse

PATIENCE_S = 120  # for what hangs
EMPTY = hashlib.sha256(b"").hexdigest()
LOST = (ConnectionResetError, BrokenPipeError, ssl.SSLError)


class Reply:
    def __init__(self, status, headers, body, interim):
        self.status, self.headers, self.body = status, headers, body
        self.interim = interim  # the 1xx answers before it

    @property
    def request_id(self):
        return self.headers.get("x-amzn-requestid") or self.headers.get("x-amz-request-id")

    @property
    def code(self):
        """AWS's error code, whichever protocol said it."""
        text = self.body.decode("utf-8", "replace")
        if found := re.search(r"<Code>([^<]*)</Code>", text):
            return found[1]
        if found := re.search(r'"__type"\s*:\s*"(?:[^"]*#)?([^"]*)"', text):
            return found[1]
        return self.headers.get("x-amzn-errortype", "").split(":")[0] or None

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:400]!r}>"


class Wire:
    """A connection. `recv` gives the next answer, or None when the server closed instead."""

    def __init__(self, server, tls=False, timeout=PATIENCE_S):
        address = urllib.parse.urlsplit(server.url if tls else server.http_url)
        self.host = f"{address.hostname}:{address.port}"
        self.socket = socket.create_connection((address.hostname, address.port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context(cafile=server.ca)
            self.socket = context.wrap_socket(self.socket, server_hostname=address.hostname)
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """All of it, or as much as the server takes before it hangs up; whether it was all."""
        try:
            self.socket.sendall(data)
            return True
        except LOST:
            return False

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except LOST:
            piece = b""
        self.held += piece
        return bool(piece)

    def until(self, mark):
        while mark not in self.held:
            if not self.more():
                return None
        head, _, self.held = self.held.partition(mark)
        return head

    def exactly(self, n):
        while len(self.held) < n:
            if not self.more():
                raise EOFError(f"{len(self.held)} of {n} bytes: {self.held[:200]!r}")
        body, self.held = self.held[:n], self.held[n:]
        return body

    def chunks(self):
        body = b""
        while True:
            n = int(self.until(b"\r\n").split(b";")[0], 16)
            body += self.exactly(n)
            self.until(b"\r\n")
            if n == 0:
                return body

    def recv(self, head_only=False):
        interim = []
        while True:
            head = self.until(b"\r\n\r\n")
            if head is None:
                return None
            first, *lines = head.decode("latin-1").split("\r\n")
            assert re.fullmatch(r"HTTP/1\.[01] \d{3}( .*)?", first), first
            status = int(first.split()[1])
            if status >= 200:
                break
            interim.append(status)
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = b""
        if not head_only and status not in (204, 304):
            if headers.get("transfer-encoding", "").lower() == "chunked":
                body = self.chunks()
            elif "content-length" in headers:
                body = self.exactly(int(headers["content-length"]))
            else:
                while self.more():
                    pass
                body, self.held = self.held, b""
        return Reply(status, headers, body, interim)


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(secret, day, region, service):
    key = _hmac(("AWS4" + secret).encode(), day)
    for part in (region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def signature(who, service, region, stamp, method, target, headers, payload_hash):
    """The Authorization header's value over exactly these headers. The target is taken as it is, S3's way."""
    path, _, query = target.partition("?")
    pairs = sorted(tuple((p + "=").split("=")[:2]) for p in query.split("&") if p) if query else []
    if service != "s3":
        path = urllib.parse.quote(path, safe="/-_.~")
    low = sorted((k.lower(), " ".join(v.split())) for k, v in headers)
    names = ";".join(k for k, _ in low)
    canonical = "\n".join([method, path, "&".join(f"{k}={v}" for k, v in pairs), *(f"{k}:{v}" for k, v in low), "", names,
                           payload_hash])
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()])
    made = hmac.new(signing_key(who[1], stamp[:8], region, service), text.encode(), hashlib.sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={who[0]}/{scope}, SignedHeaders={names}, Signature={made}"


def request(host, service, method="GET", target="/", headers=(), body=b"", who=None, token=None, payload=None, region="us-east-1",
            length=True, raw=(), stamp=None):
    """The bytes of a request. `who` (key, secret) signs; None leaves it anonymous. `raw` are header lines sent unsigned."""
    stamp = stamp or datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    payload = payload or (hashlib.sha256(body).hexdigest() if body else EMPTY)
    signed = [("Host", host), ("X-Amz-Date", stamp), *headers]
    if service == "s3":
        signed.append(("X-Amz-Content-Sha256", payload))
    if token:
        signed.append(("X-Amz-Security-Token", token))
    lines = [f"{k}: {v}" for k, v in signed]
    if who:
        lines.append("Authorization: " + signature(who, service, region, stamp, method, target, signed, payload))
    if length and (body or method in ("PUT", "POST")):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, *raw, "", ""])
    return head.encode("utf-8", "surrogateescape") + body


def ask(server, data, tls=False, head_only=False, timeout=PATIENCE_S):
    with Wire(server, tls, timeout) as wire:
        wire.send(data)
        return wire.recv(head_only)
