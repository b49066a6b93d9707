"""Refusals, and the trail's word for each: who was refused what, and why.

  w = Witness(server)
  w.refuses("AccessDenied", 403, client.list_users, by=arn)    a boto3 call
  w.refused("SignatureDoesNotMatch", 403, reply)               an answer of raw.Wire
  w.verify()                                                   all of them are in the trail, under the code that was answered

Only AccessDeniedException, as JSON services answer, is AccessDenied in the trail.
"""
import base64
import contextlib
import datetime
import json

import pytest
from botocore.exceptions import ClientError


class Witness:
    def __init__(self, server, reader=None):
        self.server, self.reader = server, reader
        self.seen = {}
        self.since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)

    def note(self, request_id, code, by, what):
        assert request_id, f"{what}: no request id"
        assert request_id not in self.seen, "request ids repeat"
        self.seen[request_id] = (code, by, what)

    def refuses(self, want, status, call, by=None, **params):
        """The message."""
        with pytest.raises(ClientError) as e:
            call(**params)
        error, meta = e.value.response["Error"], e.value.response["ResponseMetadata"]
        assert (error["Code"], meta["HTTPStatusCode"]) == (want, status), error
        headers = meta["HTTPHeaders"]
        self.note(headers.get("x-amzn-requestid") or headers.get("x-amz-request-id"), want, by, getattr(call, "__name__", "call"))
        return error.get("Message", "")

    def refused(self, want, status, reply, by=None, what="request"):
        assert (reply.code, reply.status) == (want, status), (what, reply)
        self.note(reply.request_id, want, by, what)
        return reply

    def events(self):
        client = self.reader or self.server.client("cloudtrail")
        for page in client.get_paginator("lookup_events").paginate(StartTime=self.since):
            for event in page["Events"]:
                yield json.loads(event["CloudTrailEvent"])

    def verify(self):
        found, complaints = {}, []
        for event in self.events():
            found.setdefault(event["requestID"], []).append(event)
        for request_id, (code, by, what) in self.seen.items():
            code = "AccessDenied" if code == "AccessDeniedException" else code
            events = found.get(request_id, [])
            said = [(e.get("errorCode"), e["userIdentity"].get("arn")) for e in events]
            if len(events) != 1 or said[0][0] != code or (by and said[0][1] != by):
                complaints.append(f"{what}: wanted {code} by {by}, recorded {said}")
        assert not complaints, f"{len(complaints)} of {len(self.seen)}:\n" + "\n".join(complaints[:20])
        return [e for events in found.values() for e in events]


@contextlib.contextmanager
def watching(server, secret):
    """A Witness, who at the end finds all refusals in the trail, and the secret nowhere in it."""
    made = Witness(server)
    yield made
    told = json.dumps(made.verify())
    assert secret.decode() not in told and base64.b64encode(secret).decode()[:24] not in told
