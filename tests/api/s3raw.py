"""S3 requests byte by byte: for what boto3 would not send, or does not know yet.

    send(server, "PUT", "/bucket/key", body=b"x", headers={"If-None-Match": "*"})

signs like an SDK and gives a Reply; `path` goes onto the wire as it stands here.
"""
import base64
import dataclasses
import hashlib
import http.client
import re
import urllib.parse
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import harness
import pytest


@dataclasses.dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def code(self):
        return self.field("Code")

    def field(self, name):
        found = re.search(rf"<{name}>(.*?)</{name}>", self.body.decode(), re.S)
        return found and found[1]


def signed(server, method, path, *, body=b"", headers=None, creds=None, region="us-east-1", host=None, payload=None):
    """The headers of a signed request."""
    access, secret, token = creds or (*server.root, None)
    netloc = host or urllib.parse.urlsplit(server.http_url).netloc
    request = botocore.awsrequest.AWSRequest(method, "http://" + netloc + path, data=body, headers={"Host": netloc, **(headers or {})})
    request.headers["X-Amz-Content-SHA256"] = payload or hashlib.sha256(body).hexdigest()
    request.context["payload_signing_enabled"] = True

    class Auth(botocore.auth.S3SigV4Auth):
        def payload(self, request):
            return request.headers["X-Amz-Content-SHA256"]

        def _inject_signature_to_request(self, request, signature):
            return super()._inject_signature_to_request(request, signature)

        def _modify_request_before_signing(self, request):
            super()._modify_request_before_signing(request)
            del request.headers["X-Amz-Content-SHA256"]
            request.headers["X-Amz-Content-SHA256"] = payload or hashlib.sha256(body).hexdigest()

    Auth(botocore.credentials.Credentials(access, secret, token), "s3", region).add_auth(request)
    return dict(request.headers.items())


def exchange(server, method, path, headers, body=b""):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.http_url).netloc, timeout=harness.PATIENCE_S)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        lower = {k.lower() for k in headers}
        for k, v in headers.items():
            connection.putheader(k, v.encode("latin-1") if isinstance(v, str) else v)
        if "content-length" not in lower and "transfer-encoding" not in lower and (body or method in ("PUT", "POST")):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        reply = connection.getresponse()
        return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
    finally:
        connection.close()


def send(server, method, path, *, body=b"", headers=None, **kw):
    return exchange(server, method, path, signed(server, method, path, body=body, headers=headers, **kw), body)


def anonymous(server, method, path, *, body=b"", headers=None, host=None):
    netloc = host or urllib.parse.urlsplit(server.http_url).netloc
    return exchange(server, method, path, {"Host": netloc, **(headers or {})}, body)


def b64(data):
    return base64.b64encode(data).decode()


def crc32(data):
    return b64(zlib.crc32(data).to_bytes(4, "big"))


def _crc(data, poly, width):
    crc = mask = (1 << width) - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (poly if crc & 1 else 0)
    return b64((crc ^ mask).to_bytes(width // 8, "big"))


def crc32c(data):
    return _crc(data, 0x82F63B78, 32)


def crc64nvme(data):
    return _crc(data, 0x9A6C9329AC4BC9B5, 64)


def refused(call, want, http, **arguments):
    """The error that the call is answered with."""
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**arguments)
    assert harness.code(e) == (want, http), harness.message(e)
    return e.value.response["Error"]
