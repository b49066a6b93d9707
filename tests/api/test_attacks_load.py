"""Who takes and gives nothing back: connections that only wait, and what everybody else gets meanwhile."""
import socket
import time
import urllib.parse

import pytest
import raw

CONNECTIONS = 1000  # as many as a listener takes
PATIENCE = 45  # seconds; a crowded listener waits 5 for a header or a small body, one with room 60

BEGUN = {
    "nothing": b"",
    "half a header": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
    "a piece of a body": b"POST / HTTP/1.1\r\nHost: sts.x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                         b"Content-Length: 1000000\r\n\r\nAction=x",
}


@pytest.mark.parametrize("begun", BEGUN)
def test_connections_that_wait_keep_nobody_out(fresh, begun):
    address = urllib.parse.urlsplit(fresh.http_url)
    held = []
    try:
        for _ in range(CONNECTIONS):
            held.append(s := socket.create_connection((address.hostname, address.port), timeout=raw.PATIENCE_S))
            s.sendall(BEGUN[begun])
        reply = raw.ask(fresh, raw.request(address.netloc, "s3", "GET", "/", who=fresh.root), timeout=PATIENCE)
        assert reply.status == 200
    finally:
        for s in held:
            s.close()


# A byte now and then does not make a body that is wanted whole last for ever: it has the time of a header.
def test_a_body_that_trickles_does_not_hold_a_full_house(fresh):
    address = urllib.parse.urlsplit(fresh.http_url)
    held = []
    try:
        for _ in range(CONNECTIONS):
            held.append(s := socket.create_connection((address.hostname, address.port), timeout=raw.PATIENCE_S))
            s.sendall(BEGUN["a piece of a body"])
        end, wire = time.monotonic() + PATIENCE, raw.Wire(fresh, timeout=PATIENCE)
        with wire:
            wire.send(raw.request(wire.host, "s3", "GET", "/", who=fresh.root))
            wire.socket.settimeout(0.5)
            while time.monotonic() < end:
                for s in held:
                    try:
                        s.sendall(b"x")
                    except OSError:
                        pass
                try:
                    if wire.socket.recv(12) == b"HTTP/1.1 200":
                        return
                except TimeoutError:
                    pass
        raise AssertionError("kept out")
    finally:
        for s in held:
            s.close()
