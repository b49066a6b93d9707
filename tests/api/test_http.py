"""Hostile bytes at the door: whatever comes, one clear answer or a closed connection, nothing changed, and the server lives on."""
import base64
import json
import os
import pathlib
import re
import sys
import threading
import urllib.parse
import zlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from conftest import eventually, running
from raw import Wire, ask, request

CPU_MAX_S = 30  # what no handful of requests may cost the server; they take less than 1, sanitizers included


@pytest.fixture(scope="module")
def target():
    with running() as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket="door")
        s3.put_object(Bucket="door", Key="k", Body=b"content")
        server.key = server.client("kms").create_key()["KeyMetadata"]["KeyId"]
        yield server
        assert [o["Key"] for o in s3.list_objects_v2(Bucket="door")["Contents"]] == ["k"], "something got in"


def cpu_s(target):
    """Of the process that serves: how busy the machine is otherwise does not count."""
    text = pathlib.Path(f"/proc/{target.process.pid}/stat").read_text()
    return sum(map(int, text[text.rindex(")") + 2:].split()[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(autouse=True)
def alive(target):
    before = cpu_s(target)
    yield
    assert target.process.poll() is not None or cpu_s(target) - before < CPU_MAX_S, "it takes too much"
    if target.process.poll() is not None:
        said = target.log.read_text()[-6000:]
        target.log.write_text("")
        target.start()  # so that one death is one failure
        raise AssertionError("the server died: " + said)
    assert target.admin("GET", "/health") == (200, '{"status":"ok"}\n')
    assert ask(target, request(host(target), "sts", "POST", body=b"Action=GetCallerIdentity&Version=2011-06-15", headers=FORM,
                               who=target.root)).status == 200


FORM = [("Content-Type", "application/x-www-form-urlencoded")]


def host(server):
    return urllib.parse.urlsplit(server.http_url).netloc


def s3(server, method="GET", at="/door/k", **more):
    more.setdefault("who", server.root)
    return request(host(server), "s3", method, at, **more)


def kms(server, operation, body, **more):
    more.setdefault("who", server.root)
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", f"TrentService.{operation}")]
    return request(host(server), "kms", "POST", "/", headers=headers, body=body, **more)


def iam(server, body, **more):
    more.setdefault("who", server.root)
    return request(host(server), "iam", "POST", "/", headers=FORM, body=body, **more)


def kept(server):
    return server.client("s3").get_object(Bucket="door", Key="k")["Body"].read() == b"content"


# ---- requests that can be read in two ways --------------------------------------------------------

INNER = b"DELETE /door/k HTTP/1.1\r\nHost: h\r\n\r\n"
AMBIGUOUS = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(INNER),
    "two equal lengths": b"Content-Length: %d\r\nContent-Length: %d\r\n" % (len(INNER), len(INNER)),
    "length and chunked": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(INNER),
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunked and identity": b"Transfer-Encoding: chunked, identity\r\n",
    "another coding": b"Transfer-Encoding: gzip, chunked\r\n",
    "a misspelt coding": b"Transfer-Encoding: xchunked\r\n",
    "a quoted coding": b'Transfer-Encoding: "chunked"\r\n',
    "a vertical tab before the coding": b"Transfer-Encoding: \x0bchunked\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n",
    "a space before the length's colon": b"Content-Length : %d\r\n" % len(INNER),
    "a folded header": b"X-A: b\r\n Content-Length: %d\r\n" % len(INNER),
    "a folded coding": b"Transfer-Encoding:\r\n chunked\r\n",
    "a negative length": b"Content-Length: -1\r\n",
    "a signed length": b"Content-Length: +5\r\n",
    "a hexadecimal length": b"Content-Length: 0x5\r\n",
    "a list of lengths": b"Content-Length: 5, 5\r\n",
    "a length with words": b"Content-Length: 5 bytes\r\n",
    "an empty length": b"Content-Length:\r\n",
    "an endless length": b"Content-Length: 99999999999999999999999\r\n",
    "a length that wraps": b"Content-Length: 18446744073709551617\r\n",
    "a bare line feed": b"X-A: b\nContent-Length: %d\r\n" % len(INNER),
    "a bare carriage return": b"X-A: b\rContent-Length: %d\r\n" % len(INNER),
    "a zero byte in a value": b"X-A: b\x00c\r\n",
    "a zero byte in a name": b"X-\x00A: b\r\n",
    "a control character in a name": b"X-\x01A: b\r\n",
    "a header without a colon": b"Transfer-Encoding chunked\r\n",
    "a header without a name": b": chunked\r\n",
    "two hosts": b"Host: other\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed(target, name):
    with Wire(target) as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + AMBIGUOUS[name] + b"\r\n" + INNER + INNER)
        first = wire.recv()
        assert first is None or first.status in (400, 411, 413, 501), first
        assert wire.recv() is None, "what follows must not be taken for a request"
    assert kept(target)


START_LINES = {
    "no version": (b"GET /\r\n", (400, 505)), "version 0.9": (b"GET / HTTP/0.9\r\n", (400, 505)), "version 1.2": (b"GET / HTTP/1.2\r\n", (400, 505)),
    "version 2.0": (b"GET / HTTP/2.0\r\n", (400, 505)), "version 11.1": (b"GET / HTTP/11.1\r\n", (400, 505)),
    "no target": (b"GET HTTP/1.1\r\n", (400,)), "two spaces": (b"GET  / HTTP/1.1\r\n", (400,)), "a tab": (b"GET\t/ HTTP/1.1\r\n", (400,)),
    "words behind": (b"GET / HTTP/1.1 x\r\n", (400, 505)), "a zero byte": (b"GET /\x00 HTTP/1.1\r\n", (400,)),
    "no slash": (b"GET door/k HTTP/1.1\r\n", (400, 403, 404)), "a star": (b"GET * HTTP/1.1\r\n", (400, 403, 404, 405)),
    "a port": (b"CONNECT h:80 HTTP/1.1\r\n", (400, 403, 405, 501)), "a fragment": (b"GET /#x HTTP/1.1\r\n", (400, 403)),
    "an unknown method": (b"BREW / HTTP/1.1\r\n", (400, 403, 405, 501)), "a lower-case method": (b"get / HTTP/1.1\r\n", (400, 403, 405, 501)),
    "raw bytes": (b"GET /\xff\xfe\x80 HTTP/1.1\r\n", (400, 403)), "bad escapes": (b"GET /door/%zz%0 HTTP/1.1\r\n", (400, 403)),
    "a zero escape": (b"GET /door/%00 HTTP/1.1\r\n", (400, 403)), "overlong UTF-8": (b"GET /door/%c0%af HTTP/1.1\r\n", (400, 403)),
    "steps up": (b"GET /door/../../etc/passwd HTTP/1.1\r\n", (400, 403)), "escaped steps up": (b"GET /door/%2e%2e%2f%2e%2e HTTP/1.1\r\n", (400, 403)),
    "trace": (b"TRACE / HTTP/1.1\r\n", (400, 403, 405, 501)), "options": (b"OPTIONS / HTTP/1.1\r\n", (200, 400, 403, 405, 501)),
}


@pytest.mark.parametrize("name", START_LINES)
def test_odd_start_lines(target, name):
    line, statuses = START_LINES[name]
    answer = ask(target, line + b"Host: h\r\nConnection: close\r\n\r\n")
    assert answer is None or answer.status in statuses, answer
    assert answer is None or b"root:" not in answer.body


def test_signed_requests_for_odd_keys_are_keys_not_paths(target):
    for at, status in (("/door/../k", (200, 400, 404)), ("/door//k", (404,)), ("/door/k/", (404,)), ("/door/./k", (200, 400, 404)),
                       ("/door/%2e%2e/%2e%2e/etc/passwd", (400, 403, 404)), ("/door/a%00b", (400, 404)), ("/door/%ff%fe", (400, 404)),
                       ("/door/" + "k" * 1025, (400,)), ("/door/" + "%C3%BC" * 512, (404,)), ("/door/" + "%C3%BC" * 513, (400,))):
        answer = ask(target, s3(target, at=at))
        assert answer.status in status, (at, answer)
        assert answer.status == 200 or b"<Code>" in answer.body, (at, answer)
    for key in ("k" * 1025, "%C3%BC" * 513):
        assert ask(target, s3(target, "PUT", "/door/" + key, body=b"x")).code == "KeyTooLongError"


def test_the_absolute_form_names_the_same_thing(target):
    """RFC 9112 3.2.2: a server must accept it; what is signed is the path."""
    data = s3(target)
    absolute = data.replace(b"GET /door/k ", b"GET http://" + host(target).encode() + b"/door/k ")
    answer = ask(target, absolute)
    assert answer.status in (200, 400, 403), answer
    other = ask(target, data.replace(b"GET /door/k ", b"GET http://evil.example.com/door/other "))
    assert other.status in (400, 403, 404), other


def test_no_host_or_an_odd_one(target):
    assert ask(target, b"GET / HTTP/1.1\r\n\r\n").status == 400
    for name in (b"", b"a b", b"x" * 3000, b"h:99999999", b"[::1", b"../..", b"\xff\xff", b"k.s3.test", b".s3.test", b"s3.test.", b"a..b.s3.test"):
        answer = ask(target, b"GET / HTTP/1.1\r\nHost: " + name + b"\r\nConnection: close\r\n\r\n")
        assert answer is None or 400 <= answer.status < 500, (name, answer)


# ---- sizes -----------------------------------------------------------------------------------------

def test_long_headers_are_431(target):
    for header in (b"X-Long: " + b"x" * 20_000, b"X-Long: " + b"x" * 200_000, b"X-" + b"y" * 30_000 + b": 1",
                   b"\r\n".join(b"X-%d: %s" % (i, b"z" * 300) for i in range(90))):
        answer = ask(target, b"GET / HTTP/1.1\r\nHost: h\r\n" + header + b"\r\n\r\n")
        assert answer is None or answer.status in (400, 431), answer
    answer = ask(target, b"GET / HTTP/1.1\r\nHost: h\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n")
    assert answer and answer.status == 431


def test_many_headers_are_431(target):
    answer = ask(target, b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(150)) + b"\r\n")
    assert answer.status == 431
    answer = ask(target, s3(target, raw=[f"X-{i}: 1" for i in range(80)]))
    assert answer.status == 200, "80 are fine"


def test_a_long_target_is_refused(target):
    for at in (b"/" + b"a" * 9_000, b"/" + b"a" * 100_000, b"/?" + b"&" * 9_000, b"/door?" + b"a=b&" * 3_000):
        answer = ask(target, b"GET " + at + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert answer is None or answer.status in (400, 403, 414, 431), answer


def test_header_bytes_without_an_end_are_cut_off(target):
    with Wire(target) as wire:
        sent = 0
        wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n")
        while sent < 4_000_000 and wire.send(b"X-A: " + b"b" * 10_000 + b"\r\n"):
            sent += 10_000
        assert sent < 4_000_000, "it goes on taking headers"


def test_bodies_beyond_the_limit(target):
    big = b'{"KeyId":"' + b"x" * (2 << 20) + b'"}'
    answer = ask(target, kms(target, "DescribeKey", big))
    assert answer.status == 413 and answer.code, answer
    answer = ask(target, iam(target, b"Action=ListUsers&Version=2010-05-08&Marker=" + b"x" * (2 << 20)))
    assert answer.status == 413, answer
    for length in (8 << 30, 1 << 62):
        with Wire(target) as wire:
            wire.send(s3(target, "PUT", "/door/big", payload="UNSIGNED-PAYLOAD", length=False, raw=[f"Content-Length: {length}"]))
            answer = wire.recv()
            assert answer.status in (400, 413), answer


# ---- connections -----------------------------------------------------------------------------------

def waits(wire):
    """It has neither an answer nor an end."""
    wire.socket.setblocking(False)
    try:
        wire.socket.recv(1)
        return False
    except BlockingIOError:
        return True


def test_slow_clients_hold_up_nobody(target):
    """They have a minute each: all are still waited for when the others were answered."""
    slow = [Wire(target) for _ in range(150)]
    for i, wire in enumerate(slow):
        wire.send((b"GET / HTTP/1.1\r\nHost: h\r\nX-Sl", s3(target, "PUT", "/door/slow", body=b"x" * 5000)[:-2500], b"G", b"")[i % 4])
    for _ in range(20):
        assert ask(target, s3(target)).body == b"content"
    assert all(waits(wire) for wire in slow)
    for wire in slow:
        wire.socket.close()


def test_clients_that_leave_in_the_middle_leave_nothing(target):
    for cut in range(0, 1500, 60):
        data = s3(target, "PUT", "/door/partial", body=b"y" * 1000)
        with Wire(target) as wire:
            wire.send(data[:min(cut, len(data) - 1)])
    for _ in range(20):
        with Wire(target) as wire:
            wire.send(s3(target) * 5)
    answer = ask(target, s3(target, at="/door/partial"))
    assert answer.status == 404, "half a body is no object"


def test_pipelined_requests_are_answered_in_order(target):
    with Wire(target) as wire:
        ranges = [f"bytes={i}-{i}" for i in range(7)]
        wire.send(b"".join(s3(target, headers=[("Range", r)]) for r in ranges))
        answers = [wire.recv() for _ in ranges]
        assert [a.body for a in answers] == [bytes([c]) for c in b"content"]
        assert len({a.request_id for a in answers}) == len(ranges)
        wire.send(s3(target, at="/door/none") + kms(target, "ListKeys", b"{}") + iam(target, b"Action=Nonsense&Version=2010-05-08") + s3(target))
        assert [wire.recv().status for _ in range(4)] == [404, 200, 400, 200]
        bodies = [kms(target, "Encrypt", json.dumps({"KeyId": target.key, "Plaintext": "eA=="}).encode()) for _ in range(20)]
        wire.send(b"".join(bodies))
        assert [wire.recv().status for _ in bodies] == [200] * 20


def test_head_has_no_body(target):
    with Wire(target) as wire:
        for at, status in (("/door/k", 200), ("/door/none", 404), ("/door", 200), ("/nobucket", 404)):
            wire.send(s3(target, "HEAD", at) + s3(target))
            assert wire.recv(head_only=True).status == status
            assert wire.recv().body == b"content", "the next answer begins where it should"
        wire.send(s3(target, "HEAD", who=None) + s3(target))
        assert wire.recv(head_only=True).status == 403
        assert wire.recv().body == b"content"


def test_an_expectation_is_met_only_when_the_request_is_welcome(target):
    expect = [("Expect", "100-continue")]
    body = b"continued"
    with Wire(target) as wire:
        data = s3(target, "PUT", "/door/expected", body=body, raw=["Expect: 100-continue"])
        wire.send(data[:-len(body)])
        assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        wire.send(body)
        assert wire.recv().status == 200
    ask(target, s3(target, "DELETE", "/door/expected"))
    for who, at in (((target.root[0], "wrong"), "/door/expected"), (None, "/door/expected"), (("AKIAQQQQQQQQQQQQQQQQ", "x"), "/door/expected"),
                    (target.root, "/nobucket/expected")):
        with Wire(target) as wire:
            wire.send(s3(target, "PUT", at, body=body, who=who, raw=["Expect: 100-continue"])[:-len(body)])
            answer = wire.recv()
            assert answer.status in (403, 404) and not answer.interim, (at, answer)
    answer = ask(target, s3(target, raw=["Expect: a-miracle"]))
    assert answer is None or answer.status in (200, 417), answer
    assert expect


def chunked(body, *sizes):
    out, at = b"", 0
    for size in sizes:
        out += b"%x\r\n" % size + body[at:at + size] + b"\r\n"
        at += size
    return out + b"0\r\n\r\n"


def test_chunked_bodies(target):
    text = json.dumps({"KeyId": target.key}).encode()
    head = kms(target, "DescribeKey", text, length=False, raw=["Transfer-Encoding: chunked"])[:-len(text)]
    for sizes in ((len(text),), (1,) * len(text), (10, len(text) - 10)):
        assert ask(target, head + chunked(text, *sizes)).status == 200
    answer = ask(target, s3(target, "PUT", "/door/chunked", body=b"chunky", length=False, raw=["Transfer-Encoding: chunked"])[:-6] + chunked(b"chunky", 2, 4))
    assert answer.status in (200, 411, 501), answer
    ask(target, s3(target, "DELETE", "/door/chunked"))


@pytest.mark.parametrize("body", [b"zz\r\nab\r\n0\r\n\r\n", b"-1\r\na\r\n0\r\n\r\n", b"ffffffffffffffffff\r\na\r\n0\r\n\r\n", b"2\r\nabc\r\n0\r\n\r\n",
                                  b"+2\r\nab\r\n0\r\n\r\n", b"0x2\r\nab\r\n0\r\n\r\n", b"2;" + b"x" * 70_000 + b"\r\nab\r\n0\r\n\r\n", b"\r\n\r\n", b"2 \x00\r\nab\r\n0\r\n\r\n"])
def test_malformed_chunks_are_refused_and_the_connection_closed(target, body):
    with Wire(target) as wire:
        wire.send(kms(target, "ListKeys", b"ab", length=False, raw=["Transfer-Encoding: chunked"])[:-2] + body + INNER)
        answer = wire.recv()
        assert answer is None or answer.status >= 400, answer
        if answer is not None and wire.recv() is not None:
            raise AssertionError("what follows broken chunks must not be taken for a request")
    assert kept(target)


def test_chunks_with_bare_line_feeds_let_nobody_in(target):
    """libmicrohttpd takes a bare line feed for the end of a chunk's line; what then passes for a request needs its own signature."""
    with Wire(target) as wire:
        wire.send(kms(target, "ListKeys", b"ab", length=False, raw=["Transfer-Encoding: chunked"])[:-2] + b"2\nab\n0\n\n" + INNER)
        answers = [wire.recv(), wire.recv()]
        assert all(a is None or 400 <= a.status < 500 for a in answers), answers
    assert kept(target)


# ---- aws-chunked -------------------------------------------------------------------------------------

CRC = base64.b64encode(zlib.crc32(b"hello").to_bytes(4, "big"))
PIECE = b"5\r\nhello\r\n"
TRAILER = b"x-amz-checksum-crc32:" + CRC + b"\r\n\r\n"
BAD_STREAMS = {
    "a wrong size": b"6\r\nhello\r\n0\r\n" + TRAILER,
    "no size": b"hello\r\n0\r\n" + TRAILER,
    "a negative size": b"-5\r\nhello\r\n0\r\n" + TRAILER,
    "an endless size": b"F" * 30 + b"\r\nhello\r\n0\r\n" + TRAILER,
    "no line end behind the data": b"5\r\nhello0\r\n" + TRAILER,
    "bare line feeds": b"5\nhello\n0\n" + TRAILER,
    "no last chunk": PIECE,
    "nothing": b"",
    "only half of the data": b"5\r\nhel",
    "no trailer": PIECE + b"0\r\n\r\n",
    "a wrong checksum": PIECE + b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
    "a checksum that is none": PIECE + b"0\r\nx-amz-checksum-crc32:hello\r\n\r\n",
    "another checksum than announced": PIECE + b"0\r\nx-amz-checksum-sha1:qvTGHdzF6KLavt4PO0gs2a6pQ00=\r\n\r\n",
    "two trailers": PIECE + b"0\r\nx-amz-checksum-crc32:" + CRC + b"\r\nx-amz-checksum-crc32:" + CRC + b"\r\n\r\n",
    "a long trailer": PIECE + b"0\r\nx-amz-checksum-crc32:" + b"A" * 100_000 + b"\r\n\r\n",
    "more than was announced": PIECE + PIECE + b"0\r\n" + TRAILER,
    "less than was announced": b"4\r\nhell\r\n0\r\n" + TRAILER,
    "words behind the end": PIECE + b"0\r\n" + TRAILER + b"GET / HTTP/1.1\r\n\r\n",
    "a long chunk extension": b"5;" + b"x" * 100_000 + b"\r\nhello\r\n0\r\n" + TRAILER,
}


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_malformed_streams_of_an_upload_store_nothing(target, name):
    body = BAD_STREAMS[name]
    headers = [("Content-Encoding", "aws-chunked"), ("X-Amz-Decoded-Content-Length", "5"), ("X-Amz-Trailer", "x-amz-checksum-crc32")]
    with Wire(target, tls=True) as wire:
        data = request(wire.host, "s3", "PUT", "/door/stream", headers=headers, who=target.root, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER", body=body)
        wire.send(data if body else data + b"")
        answer = wire.recv()
    assert answer is None or (400 <= answer.status < 500 and answer.code), answer
    assert ask(target, s3(target, at="/door/stream")).status == 404


def test_a_good_stream_of_an_upload_is_stored(target):
    headers = [("Content-Encoding", "aws-chunked"), ("X-Amz-Decoded-Content-Length", "5"), ("X-Amz-Trailer", "x-amz-checksum-crc32")]
    with Wire(target, tls=True) as wire:
        wire.send(request(wire.host, "s3", "PUT", "/door/stream", headers=headers, who=target.root, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                          body=PIECE + b"0\r\n" + TRAILER))
        assert wire.recv().status == 200
    assert ask(target, s3(target, at="/door/stream")).body == b"hello"
    assert ask(target, s3(target, "DELETE", "/door/stream")).status == 204


def test_a_body_that_is_not_what_was_signed(target):
    data = s3(target, "PUT", "/door/other", body=b"signed words")
    answer = ask(target, data[:-12] + b"forged words")
    assert answer.status == 400 and answer.code == "XAmzContentSHA256Mismatch", answer
    data = kms(target, "CreateKey", b'{"Description":"a"}')
    answer = ask(target, data[:-3] + b'b"}')
    assert answer.status == 400 and answer.code == "InvalidSignatureException", answer
    assert ask(target, s3(target, at="/door/other")).status == 404


# ---- JSON, XML, queries --------------------------------------------------------------------------------

BAD_JSON = {
    "nothing": b"", "half": b'{"KeyId":', "a list": b"[]", "a string": b'"x"', "null": b"null", "two values": b"{} {}", "a comment": b"{/**/}",
    "single quotes": b"{'KeyId':'x'}", "a trailing comma": b'{"KeyId":"x",}', "a bad escape": b'{"KeyId":"\\x41"}', "a lone surrogate": b'{"KeyId":"\\ud800"}',
    "a zero byte": b'{"KeyId":"a\x00b"}', "bad UTF-8": b'{"KeyId":"\xff\xfe"}', "overlong UTF-8": b'{"KeyId":"\xc0\xaf"}', "a surrogate in UTF-8": b'{"KeyId":"\xed\xa0\x80"}',
    "a control character": b'{"KeyId":"a\nb"}', "UTF-16": '{"KeyId":"x"}'.encode("utf-16"), "a number for a string": b'{"KeyId":5}',
    "an object for a string": b'{"KeyId":{}}', "a string for a list": b'{"KeyId":"x","GrantTokens":"y"}', "a leading zero": b'{"KeyId":"x","Limit":01}',
    "deep objects": b'{"a":' * 120_000 + b"1" + b"}" * 120_000, "deep lists": b'{"GrantTokens":' + b"[" * 400_000, "a long number": b'{"Limit":' + b"9" * 500_000 + b"}",
    "an endless string": b'{"KeyId":"' + b"a" * 500_000,
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_bad_json_is_a_serialization_error(target, name):
    answer = ask(target, kms(target, "DescribeKey", BAD_JSON[name]))
    assert answer.status == 400, answer
    assert answer.code in ("SerializationException", "ValidationException"), answer
    assert answer.headers["content-type"].startswith("application/x-amz-json-1.1") and answer.request_id
    json.loads(answer.body)


def test_json_that_is_odd_but_good(target):
    key = json.dumps(target.key)[1:-1]
    for body in (f'{{"KeyId":"{key}","Unknown":{{"deep":[1,2,{{"x":null}}]}}}}', f' \r\n\t{{ "KeyId" : "{key}" }} ', f'{{"KeyId":"\\u{ord(key[0]):04x}{key[1:]}"}}'):
        assert ask(target, kms(target, "DescribeKey", body.encode())).status == 200, body
    flood = "{" + "".join(f'"x{i}":{i},' for i in range(40_000)) + f'"KeyId":"{key}"}}'
    assert ask(target, kms(target, "DescribeKey", flood.encode())).status in (200, 400)


PARTS = b"<CompleteMultipartUpload>%s</CompleteMultipartUpload>"
BAD_XML = {
    "nothing": b"", "half": b"<CompleteMultipartUpload>", "words": b"hello", "another root": b"<Delete></Delete>", "two roots": (PARTS % b"") * 2,
    "deep": b"<CompleteMultipartUpload>" + b"<Part>" * 100_000, "bad UTF-8": PARTS % b"<Part><ETag>\xff\xfe</ETag></Part>", "a zero byte": PARTS % b"\x00",
    "an entity bomb": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">'
                      b'<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">]>' + PARTS % b"<Part><ETag>&e;&e;&e;</ETag></Part>",
    "a file": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + PARTS % b"<Part><ETag>&f;</ETag></Part>",
    "a parameter entity": b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x">%p;]>' + PARTS % b"", "an unknown entity": PARTS % b"<Part><ETag>&nope;</ETag></Part>",
    "words for a number": PARTS % b"<Part><PartNumber>one</PartNumber><ETag>x</ETag></Part>", "crossed tags": PARTS % b"<Part><ETag></Part></ETag>",
    "many attributes": b"<CompleteMultipartUpload " + b" ".join(b'a%d="1"' % i for i in range(20_000)) + b"></CompleteMultipartUpload>",
    "an encoding that is not there": b'<?xml version="1.0" encoding="EBCDIC-XX"?>' + PARTS % b"",
}


@pytest.mark.parametrize("name", BAD_XML)
def test_bad_xml_is_malformed_xml(target, name):
    made = target.client("s3").create_multipart_upload(Bucket="door", Key="m")["UploadId"]
    answer = ask(target, s3(target, "POST", f"/door/m?uploadId={urllib.parse.quote(made, safe='')}", body=BAD_XML[name]))
    assert answer.status == 400 and answer.code in ("MalformedXML", "InvalidRequest"), answer
    assert b"root:" not in answer.body and b"hahaha" not in answer.body
    assert re.search(rb"<RequestId>[^<]+</RequestId>", answer.body)
    target.client("s3").abort_multipart_upload(Bucket="door", Key="m", UploadId=made)


QUERIES = {
    "no action": (b"Version=2010-05-08", 400), "an unknown action": (b"Action=DropTables&Version=2010-05-08", 400), "two actions": (b"Action=ListUsers&Action=DeleteUser&Version=2010-05-08", None),
    "many parameters": (b"Action=ListUsers&Version=2010-05-08" + b"".join(b"&p%d=x" % i for i in range(60_000)), None),
    "many empty ones": (b"Action=ListUsers&Version=2010-05-08" + b"&" * 500_000, None),
    "many of a list": (b"Action=TagUser&Version=2010-05-08&UserName=x" + b"".join(b"&Tags.member.%d.Key=k%d" % (i, i) for i in range(1, 20_000)), 400),
    "a far member": (b"Action=TagUser&Version=2010-05-08&UserName=x&Tags.member.4294967295.Key=k&Tags.member.4294967295.Value=v", 404),
    "a member's number that is none": (b"Action=TagUser&Version=2010-05-08&UserName=x&Tags.member.x.Key=k", 400),
    "deep names": (b"Action=TagUser&Version=2010-05-08&UserName=x&" + b"Tags.member.1." * 30_000 + b"Key=k", 400),
    "bad escapes": (b"Action=GetUser&Version=2010-05-08&UserName=%zz", 400), "bad UTF-8": (b"Action=GetUser&Version=2010-05-08&UserName=%ff%fe", 400),
    "a zero byte": (b"Action=GetUser&Version=2010-05-08&UserName=a%00b", 400), "markup": (b"Action=GetUser&Version=2010-05-08&UserName=%3Cscript%3E%26", 400),
    "words for a number": (b"Action=ListUsers&Version=2010-05-08&MaxItems=many", 400), "a number too large": (b"Action=ListUsers&Version=2010-05-08&MaxItems=99999999999999999999", 400),
}


@pytest.mark.parametrize("name", QUERIES)
def test_bad_queries(target, name):
    body, status = QUERIES[name]
    answer = ask(target, iam(target, body))
    assert answer.status == status or (status is None and answer.status in (200, 400, 403)), answer
    if answer.status != 200:
        assert answer.code and b"<ErrorResponse" in answer.body and answer.request_id, answer
        assert b"<script>" not in answer.body


def test_a_flood_of_query_parameters_in_the_target(target):
    for query in ("list-type=2&" + "&".join(f"a{i}=b" for i in range(1000)), "&" * 5000, "x" * 8000, "list-type=2&" + "prefix=a&" * 500, "%" * 3000, "=" * 3000):
        answer = ask(target, b"GET /door?" + query.encode() + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert answer is None or answer.status in (400, 403, 414, 431), answer


def test_headers_that_are_wrong_in_value(target):
    for header in (("X-Amz-Target", "Nonsense"), ("X-Amz-Target", "TrentService."), ("X-Amz-Target", "TrentService.\xff"), ("X-Amz-Target", "x" * 8000)):
        answer = ask(target, request(host(target), "kms", "POST", "/", headers=[("Content-Type", "application/x-amz-json-1.1"), header], body=b"{}", who=target.root))
        assert 400 <= answer.status < 500 and answer.code, (header, answer)
    for headers in ([("Range", "bytes=" + ",".join(f"{i}-{i}" for i in range(1500)))], [("Range", "bytes=5-2")], [("Range", "x")], [("Range", "bytes=-99999999999999999999")],
                    [("If-Modified-Since", "yesterday")], [("If-Match", "x" * 7000)]):
        answer = ask(target, s3(target, headers=headers))
        assert answer.status in (200, 206, 400, 412, 416), (headers, answer)
    for headers in ([("Content-MD5", "x")], [("X-Amz-Checksum-Crc32", "x")], [("X-Amz-Meta-A", "x" * 3000)], [("X-Amz-Tagging", "a=b&a=c")],
                    [("X-Amz-Server-Side-Encryption", "rot13")], [("X-Amz-Storage-Class", "ATTIC")], [("X-Amz-Acl", "everyone")]):
        answer = ask(target, s3(target, "PUT", "/door/header", headers=headers, body=b"x"))
        assert answer.status == 400 and answer.code, (headers, answer)
    assert ask(target, s3(target, at="/door/header")).status == 404


def test_credentials_that_are_wrong_in_form(target):
    good = s3(target)
    line = re.search(rb"Authorization: [^\r]*", good)[0]
    for bad in (b"Authorization: ", b"Authorization: AWS4-HMAC-SHA256", b"Authorization: AWS4-HMAC-SHA256 " + b"," * 5000, b"Authorization: Basic eDp4", b"Authorization: Bearer x",
                b"Authorization: AWS AKIAQQQQ:x", line + b"0", line[:-1], line.replace(b"SignedHeaders=host;", b"SignedHeaders="), line.replace(b"aws4_request", b"aws5_request"),
                line.replace(b"us-east-1", b"us\xffeast"), line.replace(b"/s3/", b"/kms/"), line + b"\r\n" + line, line.replace(b"Signature=", b"Signature=" + b"0" * 7000),
                line.replace(b"Credential=", b"Credential=\xf0\x9f\x92\xa9")):
        answer = ask(target, good.replace(line, bad))
        assert answer is None or 400 <= answer.status < 500, (bad[:80], answer)
        assert answer is None or answer.status == 431 or answer.code or answer.status == 400, (bad[:80], answer)


def test_many_at_once_of_everything(target):
    """Good and bad side by side: the good ones are answered well."""
    bad = [b"POST / HTTP/1.1\r\nHost: h\r\n" + h + b"\r\n" + INNER for h in AMBIGUOUS.values()] + [line + b"Host: h\r\n\r\n" for line, _ in START_LINES.values()]
    stop, wrong, attacked, used = threading.Event(), [], [], []

    def attack():
        i = 0
        while not stop.is_set():
            i += 1
            try:
                with Wire(target) as wire:
                    wire.send(bad[i % len(bad)])
                    if i % 3:
                        wire.recv()
            except (OSError, EOFError, AssertionError, AttributeError, ValueError):
                pass
            attacked.append(i)

    def use():
        while not stop.is_set():
            answer = ask(target, s3(target))
            used.append(answer)
            if answer is None or answer.body != b"content":
                wrong.append(answer)
    threads = [threading.Thread(target=attack) for _ in range(4)] + [threading.Thread(target=use) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        eventually(lambda: min(attacked.count(i + 1) for i in range(len(bad))) >= 4 and len(used) >= 200)
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert not wrong, wrong[:3]
    assert os.path.exists(target.data / "admin.sock")
