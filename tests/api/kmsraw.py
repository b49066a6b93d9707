"""KMS without an SDK's model, which may be older than the operation: JSON in, JSON out, at any time of the server's clock.

  kms = Kms(server)
  kms("RotateKeyOnDemand", KeyId=key)         the answer, or Refused
  kms.later(90)                               90 days later, for the server and for what is signed
"""
import base64
import datetime
import json

import raw


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class Kms:
    def __init__(self, server, region="us-east-1", clock=None):
        self.server, self.region = server, region
        self.clock = clock or [datetime.timedelta()]

    def there(self, region):
        """The same in another region, by the same clock."""
        return Kms(self.server, region, self.clock)

    def later(self, days=0, **more):
        step = datetime.timedelta(days=days, **more)
        for number, unit in ((step.days, "d"), (step.seconds, "s")):
            if number:
                self.server.advance(f"{number}{unit}")
        self.clock[0] += step

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + self.clock[0]

    def __call__(self, operation, **members):
        body = json.dumps({k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in members.items()}).encode()
        with raw.Wire(self.server) as wire:
            wire.send(raw.request(wire.host, "kms", "POST", "/",
                                  [("X-Amz-Target", f"TrentService.{operation}"), ("Content-Type", "application/x-amz-json-1.1")],
                                  body, who=self.server.root, region=self.region, stamp=self.now().strftime("%Y%m%dT%H%M%SZ")))
            reply = wire.recv()
        answer = json.loads(reply.body) if reply.body else {}
        if reply.status != 200:
            raise Refused(reply.code, answer.get("message") or answer.get("Message") or "")
        return answer

    def refuses(self, code, operation, **members):
        """The text of the refusal the operation must answer with."""
        try:
            self(operation, **members)
        except Refused as e:
            assert e.code == code, e
            return e.text
        raise AssertionError(f"{operation} was not refused")
