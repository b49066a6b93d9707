"""One client thread of the load of kills.py, and what it believes about its own resources."""
import random
import time

from botocore.exceptions import BotoCoreError, ClientError

from harness import code


HOME = "us-east-1"


class Lost(Exception):
    """The server died before it answered."""


class WithoutKeys(Exception):
    """Refused because the keyholder was killed: fails closed, without effect."""


class Call:
    __slots__ = ("name", "operation", "mutates", "region", "to", "end", "request_id", "code", "answered_s", "lost_s", "effect")

    def __init__(self, name, operation, mutates, region=HOME, to=None):
        """region: where it is made, and recorded; to: another one that it is about."""
        self.name, self.operation, self.mutates, self.region, self.to = name, operation, mutates, region, to
        self.end, self.request_id, self.code, self.answered_s, self.lost_s, self.effect = "sent", None, None, None, None, None

    def __repr__(self):
        return f"{self.name} {self.operation}: {self.end} {self.code or ''} effect={self.effect} request={self.request_id}"


class Worker:
    """One client thread and what it believes about its own resources."""
    services = ()

    def __init__(self, run, name, seed):
        self.run, self.name, self.random = run, name, random.Random(seed)
        self.number, self.calls, self.current, self.in_doubt = 0, [], None, None
        self.connect()
        self.prepare()

    def connect(self):
        plain = self.random.random() < 0.7
        for service in self.services:
            made = self.run.server.client(service, plain=plain)
            made.meta.events.register("before-send", self.put_name)
            setattr(self, service, made)

    def put_name(self, request, **_):
        request.headers["User-Agent"] = self.current.name

    def region_of(self, client):  # noqa: ARG002: who works in several knows which client is for which
        return HOME

    def prepare(self):
        """Makes what must be there before the load; not under fire."""

    def call(self, client, operation, mutates, doubt=None, **parameters):
        """doubt(): called after a restart when this call's end is unknown; says whether its effect is there."""
        self.number += 1
        c = self.current = Call(f"{self.run.tag}-{self.name}-{self.number}", operation, mutates, self.region_of(client),
                                parameters.get("ReplicaRegion") or parameters.get("PrimaryRegion"))
        self.calls.append(c)
        self.in_doubt = (c, doubt) if mutates else None
        try:
            got = getattr(client, operation)(**parameters)
            if "Body" in got:
                got["Body"] = got["Body"].read()
        except ClientError as e:
            c.end, c.code, answer, got = "refused", e.response["Error"]["Code"], e.response, e
        except (BotoCoreError, OSError) as e:
            c.end, c.lost_s = "lost", time.monotonic()
            raise Lost(str(e)) from None
        else:
            c.end, answer = "ok", got
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        c.request_id = headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
        c.answered_s = time.monotonic()
        self.in_doubt = None
        if c.end == "refused":
            if answer["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                if self.run.holder_killed.is_set():
                    raise WithoutKeys(c.code)
                self.run.wrong(f"{c!r}: {answer['Error']}")
            raise got
        return got

    def either(self, client, operation, find, effect, know, **parameters):
        """One call; `find()` says after a crash what is there, `effect` is what shows that it happened."""
        def doubt():
            happened = bool(effect(find()))
            if happened:
                know(None)
            return happened
        know(self.call(client, operation, True, doubt, **parameters))

    def look(self, client, operation, **parameters):
        """A read for checking; outside of the accounts."""
        self.current = Call(f"look-{self.name}", operation, False)
        got = getattr(client, operation)(**parameters)
        if "Body" in got:
            got["Body"] = got["Body"].read()
        return got

    def there(self, client, operation, gone, **parameters):
        try:
            return self.look(client, operation, **parameters)
        except ClientError as e:
            assert code(e)[0] in gone, f"{self.name}: {operation} {parameters}: {e}"
            return None

    def work(self):
        try:
            while not self.run.over.is_set():
                try:
                    self.step()
                except WithoutKeys:
                    self.run.total["refused while the keyholder was gone"] += 1
        except Lost:
            pass  # audit() looks whether the server was dead by then
        except Exception as e:  # noqa: BLE001: what a worker meets is the finding
            self.run.wrong(f"{self.name}: {self.calls and self.calls[-1]!r}: {type(e).__name__}: {e}")

    def settle(self):
        """After the restart: what became of the call in doubt, then whether all the rest is as it was acknowledged."""
        self.connect()
        if self.in_doubt:
            c, doubt = self.in_doubt
            c.effect = doubt()
            self.in_doubt = None
        self.check()

    def step(self):
        raise NotImplementedError

    def check(self):
        raise NotImplementedError

    def expect(self, fine, text):
        if not fine:
            self.run.wrong(f"{self.name}: {text}")
