"""Signed requests, and wrk that plays them."""
import pathlib
import re
import subprocess
import tempfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from servers import KEY, SECRET, cpu_seconds

REGION = "us-east-1"
CONNECTIONS = 16


class UnsignedPayload(botocore.auth.S3SigV4Auth):
    """What clients do with large bodies over TLS; botocore itself would hash the body over plain HTTP."""

    def payload(self, request):
        return "UNSIGNED-PAYLOAD"


def signed(service, port, method, path, body=b"", headers=None, unsigned_payload=False):
    url = f"http://127.0.0.1:{port}{path}"
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=body, headers=dict(headers or {}))
    credentials = botocore.credentials.Credentials(KEY, SECRET)
    kind = botocore.auth.SigV4Auth
    if service == "s3":
        kind = UnsignedPayload if unsigned_payload else botocore.auth.S3SigV4Auth
    kind(credentials, service, REGION).add_auth(request)
    kept = {k: v for k, v in request.headers.items()}
    kept["Host"] = f"127.0.0.1:{port}"
    return {"method": method, "path": path, "headers": kept, "body": body}


def raw(q, body_bytes=None):
    """A request's bytes; with body_bytes, without the body that is to follow."""
    length = len(q["body"]) if body_bytes is None else body_bytes
    headers = "".join(f"{k}: {v}\r\n" for k, v in q["headers"].items() if k.lower() != "content-length")
    head = f"{q['method']} {q['path']} HTTP/1.1\r\n{headers}" + (f"Content-Length: {length}\r\n" if length else "") + "\r\n"
    body = q["body"] if body_bytes is None else b""
    return head.encode() + (body.encode() if isinstance(body, str) else body)


# From a file: a program with a hundred thousand constants is more than Lua takes.
LUA = """local r, f, body = {}, io.open("REQUESTS", "rb"), string.rep("x", BODY)
while true do
  local n = f:read("*n")
  if not n then break end
  f:read(1)
  r[#r+1] = f:read(n) .. body
end
local i = 0
function request() i = i % #r + 1; return r[i] end
function done(s, l)
  io.write(string.format("RESULT %d %d %d %d %d %d\\n", s.requests, s.duration, l:percentile(50), l:percentile(99), s.errors.status,
    s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout))
end
"""


class Figure:
    pass


def write_script(base, requests, big_body):
    path = pathlib.Path(base) / "requests"
    with open(path, "wb") as f:
        for q in requests:
            text = raw(q, big_body)
            f.write(b"%d\n%s\n" % (len(text), text))
    script = pathlib.Path(base) / "play.lua"
    script.write_text(LUA.replace("REQUESTS", str(path)).replace("BODY", str(big_body or 0)))
    return script


def drive(server, requests, seconds, connections=CONNECTIONS, big_body=None):
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        script = write_script(base, requests, big_body)
        before = cpu_seconds(server.pids())
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", script,
                              f"http://127.0.0.1:{server.port}"], capture_output=True, text=True, check=True).stdout
        after = cpu_seconds(server.pids())
    n, us, p50, p99, bad, broken = map(int, re.search(r"RESULT (.*)", out)[1].split())
    f = Figure()
    f.n, f.rate, f.p50, f.p99, f.bad = n, n / (us / 1e6), p50, p99, bad + broken
    f.cpu_us = (after - before) * 1e6 / max(n, 1)
    return f
