"""Credentials that are not one's own: forged, cut, mixed, old, sent ahead of time, said twice. Each is refused, and each refusal is
in the trail."""
import base64
import datetime
import json
import urllib.parse
import uuid

import pytest
import raw

from conftest import allow, running
from witness import Witness

OTHER = "444455556666"
WHO = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
INVALID = ("InvalidClientTokenId", 403)
MISMATCH = ("SignatureDoesNotMatch", 403)
INCOMPLETE = ("IncompleteSignature", 403)


@pytest.fixture(scope="module")
def server():
    with running() as made:
        yield made


@pytest.fixture
def witness(server):
    made = Witness(server)
    yield made
    made.verify()


@pytest.fixture(scope="module")
def ann(server):
    return server.user(allow("*"))


@pytest.fixture(scope="module")
def session(server, ann):
    return server.role(allow("*"), by=ann)


def pair(credentials):
    return credentials["AccessKeyId"], credentials["SecretAccessKey"]


def identity(wire, who, token=None, body=WHO, headers=(), **more):
    wire.send(raw.request(wire.host, "sts", "POST", "/", [FORM, *headers], body, who=who, token=token, **more))
    return wire.recv()


def stamp(minutes=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")


# ---- tokens that are not what was given out ----------------------------------------------------------


def test_every_byte_of_a_token_counts(server, witness, session):
    token = session["SessionToken"]
    plain = base64.b64decode(token)
    with raw.Wire(server) as wire:
        assert identity(wire, pair(session), token).status == 200
        for i in range(len(plain)):
            spoiled = plain[:i] + bytes([plain[i] ^ (1 << i % 8)]) + plain[i + 1:]
            witness.refused(*INVALID, identity(wire, pair(session), base64.b64encode(spoiled).decode()), what=f"byte {i}")
        assert identity(wire, pair(session), token).status == 200


def test_no_part_of_a_token_will_do(server, witness, session):
    token = session["SessionToken"]
    plain = base64.b64decode(token)

    def b64(data):
        return base64.b64encode(data).decode()
    parts = [token[:n] for n in range(1, len(token), 7)] + [token[n:] for n in range(1, len(token), 7)] + [b64(plain[:n]) for n in range(0, len(plain), 5)]
    parts += [token + token, token + "AAAA", "AAAA" + token, token + "=", token.rstrip("=") + "!", token.lower(), token.swapcase(),
              token[::-1], b64(plain + b"\0"), b64(plain[:12]), b64(plain[:13]), b64(b"\0" * len(plain)), b64(plain[:12] + bytes(len(plain) - 12)),
              b64(OTHER.encode() + plain[12:]), b64(b"anonymous   " + plain[12:]), "x", "null", "A" * 15000, "'", "%00", "{}", "."]
    with raw.Wire(server) as wire:
        for part in parts:
            if part != token:
                witness.refused(*INVALID, identity(wire, pair(session), part), what=part[:40])
        # as long as may be; longer is refused before it is read
        assert identity(wire, pair(session), token).status == 200


def test_a_token_has_one_spelling(server, witness, session):
    """The bits that base64 leaves over say nothing, so they must be what they were."""
    token = session["SessionToken"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twins = [token.rstrip("=")] if token.endswith("=") else []
    if token.endswith("="):
        last = len(token.rstrip("=")) - 1
        twins += [token[:last] + c + token[last + 1:] for c in alphabet
                  if c != token[last] and base64.b64decode(token[:last] + c + token[last + 1:]) == base64.b64decode(token)]
    twins += [token[:20] + " " + token[20:], token[:20] + "%0A" + token[20:], token[:20] + "-" + token[21:]]
    with raw.Wire(server) as wire:
        for twin in twins:
            witness.refused(*INVALID, identity(wire, pair(session), twin), what=twin[-12:])


def test_a_token_is_for_its_own_key(server, witness, ann, session):
    sts = server.client("sts", ann)
    mine, federated = sts.get_session_token()["Credentials"], sts.get_federation_token(Name="bob")["Credentials"]
    other = server.role(allow("*"), by=ann)
    everybody = [session, other, mine, federated]
    with raw.Wire(server) as wire:
        for key in [*everybody, ann, dict(zip(("AccessKeyId", "SecretAccessKey"), server.root))]:
            for token in everybody:
                if key is not token:
                    witness.refused(*INVALID, identity(wire, pair(key), token["SessionToken"]))
        for key in everybody:  # the key alone
            witness.refused(*INVALID, identity(wire, pair(key)))
        for key in everybody:  # the id and the token of one, the secret of another
            for secret in [*everybody, ann]:
                if secret is not key:
                    witness.refused(*MISMATCH, identity(wire, (key["AccessKeyId"], secret["SecretAccessKey"]), key["SessionToken"]))


def test_another_accounts_key_opens_no_token(server, witness, session):
    root = server.new_account(OTHER)
    theirs = server.client("sts", root).get_session_token()["Credentials"]
    assert server.client("sts", theirs).get_caller_identity()["Account"] == OTHER
    plain, alien = base64.b64decode(session["SessionToken"]), base64.b64decode(theirs["SessionToken"])
    with raw.Wire(server) as wire:
        for token in (alien[:12] + plain[12:], plain[:12] + alien[12:], b"999999999999" + plain[12:]):
            for key in (session, theirs):
                witness.refused(*INVALID, identity(wire, pair(key), base64.b64encode(token).decode()))


def test_key_ids_that_look_like_others(server, witness, ann):
    key, secret = pair(ann)
    with raw.Wire(server) as wire:
        for spelt in (key.lower(), key.title(), key[:-1], key + "A", key[:4] + "\u0410" + key[5:], "\uff21" + key[1:], "ASIA" + key[4:], "AKIA" + "0" * 16,
                      "AROA" + key[4:], key + "%20", "%41" + key[1:]):
            with raw.Wire(server) as own:
                reply = identity(own, (spelt, secret))
            assert reply.status in (400, 403) and reply.code in ("InvalidClientTokenId", "IncompleteSignature", "SignatureDoesNotMatch"), (spelt, reply)
            witness.refused(reply.code, reply.status, reply, what=spelt)
        assert identity(wire, (key, secret)).status == 200


# ---- at another time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes, ok", [(-14, True), (-16, False), (14, True), (16, False), (-60 * 24, False), (60 * 24, False), (-60 * 24 * 365 * 20, False)])
def test_clocks_may_differ_by_a_quarter_of_an_hour(server, witness, ann, minutes, ok):
    with raw.Wire(server) as wire:
        reply = identity(wire, pair(ann), stamp=stamp(minutes))
        if ok:
            assert reply.status == 200
        else:
            witness.refused(*MISMATCH, reply)
            assert b"Signature expired" in reply.body or b"Signature not yet current" in reply.body


def test_a_request_can_be_said_again_for_a_quarter_of_an_hour_only(fresh):
    witness, user = Witness(fresh), fresh.user(allow("*"))
    session = fresh.client("sts", user).get_session_token(DurationSeconds=900)["Credentials"]
    with raw.Wire(fresh) as wire:
        said = [raw.request(wire.host, "sts", "POST", "/", [FORM], WHO, who=pair(c), token=c.get("SessionToken")) for c in (user, session)]
        for text in said:
            wire.send(text)
            assert wire.recv().status == 200
        fresh.advance("16m")
        for text, want in zip(said, (MISMATCH, MISMATCH)):
            wire.send(text)
            witness.refused(*want, wire.recv())
        fresh.advance("1h")
    with raw.Wire(fresh) as wire:  # the session is over, however well it is signed
        ahead = stamp(76)
        witness.refused("ExpiredToken", 403, identity(wire, pair(session), session["SessionToken"], stamp=ahead))
        assert identity(wire, pair(user), stamp=ahead).status == 200
    witness.since = datetime.datetime(2020, 1, 1)
    root = fresh.root
    with raw.Wire(fresh) as wire:  # boto3's clock is the machine's: the trail is read by hand
        found, token = [], None
        while token != "":
            body = json.dumps({"MaxResults": 50, **({"NextToken": token} if token else {})}).encode()
            wire.send(raw.request(wire.host, "cloudtrail", "POST", "/", [
                ("X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"),
                ("Content-Type", "application/x-amz-json-1.1")], body, who=root, stamp=ahead))
            page = json.loads(wire.recv().body)
            found += [json.loads(e["CloudTrailEvent"]) for e in page["Events"]]
            token = page.get("NextToken", "")
    by_id = {e["requestID"]: e for e in found}
    assert len(witness.seen) == 3 and {by_id[i]["errorCode"] for i in witness.seen} == {"SignatureDoesNotMatch", "ExpiredToken"}


@pytest.mark.parametrize("day, ok", [(0, True), (-1, False), (1, False)])
def test_the_scopes_day_is_the_dates(server, witness, ann, day, ok):
    now = datetime.datetime.now(datetime.timezone.utc)
    other = (now + datetime.timedelta(days=day)).strftime("%Y%m%d")
    with raw.Wire(server) as wire:
        text = raw.request(wire.host, "sts", "POST", "/", [FORM], WHO, who=pair(ann))
        wire.send(text.replace(b"/" + now.strftime("%Y%m%d").encode() + b"/", b"/" + other.encode() + b"/"))
        reply = wire.recv()
    if ok:
        assert reply.status == 200
    else:
        witness.refused(*MISMATCH, reply)


@pytest.mark.parametrize("date", ["", "x", "20260101", "20260101T000000", "2026-01-01T00:00:00Z", "99999999T999999Z", "20260230T000000Z", "-0260101T000000Z",
                                  "20260101T000000Z\t", "20260101T000000Z20260101T000000Z", "9" * 400, "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_dates_that_are_none(server, witness, ann, date):
    with raw.Wire(server) as wire:
        now = stamp()
        text = raw.request(wire.host, "sts", "POST", "/", [FORM], WHO, who=pair(ann), stamp=now)
        wire.send(text.replace(f"X-Amz-Date: {now}".encode(), f"X-Amz-Date: {date}".encode()))
        reply = wire.recv()
    assert reply.code in ("IncompleteSignature", "SignatureDoesNotMatch") and reply.status in (400, 403), reply
    witness.refused(reply.code, reply.status, reply)


# ---- said twice, in two ways, or not at all -------------------------------------------------------------------


def reply_to(server, text):
    with raw.Wire(server) as wire:
        wire.send(text)
        return wire.recv()


def test_two_authorizations(server, witness, ann):
    bob = server.user()
    host = raw.Wire(server).host
    now = stamp()
    texts = {c["AccessKeyId"]: raw.request(host, "sts", "POST", "/", [FORM], WHO, who=pair(c), stamp=now) for c in (ann, bob)}
    first, second = ([line for line in text.split(b"\r\n") if line.startswith(b"Authorization")][0] for text in texts.values())
    for lines in (first + b"\r\n" + second, second + b"\r\n" + first, first + b"\r\n" + first, b"Authorization: Basic eDp5\r\n" + first,
                  first + b"\r\nAuthorization: Basic eDp5", first + b"\r\nauthorization: x", first + b", " + second.split(b": ")[1]):
        reply = reply_to(server, texts[ann["AccessKeyId"]].replace(first, lines))
        assert reply.status in (400, 403) and reply.code in ("IncompleteSignature", "SignatureDoesNotMatch"), (lines, reply)
        witness.refused(reply.code, reply.status, reply)


def test_signed_in_header_and_query(server, witness, ann):
    bob = server.user()
    query = presigned(server, bob)
    with raw.Wire(server) as wire:
        wire.send(raw.request(wire.host, "sts", "POST", "/?" + query, [FORM], WHO, who=pair(ann)))
        witness.refused("IncompleteSignature", 400, wire.recv())


def presigned(server, who, action="GetCallerIdentity", expires=900, at=None, **more):
    host = urllib.parse.urlsplit(server.http_url).netloc
    now = at or stamp()
    scope = f"{now[:8]}/us-east-1/sts/aws4_request"
    pairs = {"Action": action, "Version": "2011-06-15", "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{who['AccessKeyId']}/{scope}",
             "X-Amz-Date": now, "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": "host", **more}
    if "SessionToken" in who:
        pairs["X-Amz-Security-Token"] = who["SessionToken"]
    query = urllib.parse.urlencode(sorted(pairs.items()), quote_via=urllib.parse.quote, safe="-_.~")
    auth = raw.signature(pair(who), "sts", "us-east-1", now, "GET", "/?" + query, [("host", host)], raw.EMPTY)
    return query + "&X-Amz-Signature=" + auth.rsplit("=", 1)[1]


def get(server, query, *headers):
    host = urllib.parse.urlsplit(server.http_url).netloc
    lines = "".join(f"{line}\r\n" for line in headers)
    return reply_to(server, f"GET /?{query} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode())


def test_a_token_in_header_and_query(server, witness, session, ann):
    """In a presigned request the query's token counts; in a signed one the header's."""
    other = server.role(allow("*"), by=ann)
    query = presigned(server, session)
    assert get(server, query).status == 200
    assert get(server, query, f"X-Amz-Security-Token: {other['SessionToken']}").status == 200  # as if it were not there
    bare = "&".join(p for p in query.split("&") if not p.startswith("X-Amz-Security-Token"))
    witness.refused(*INVALID, get(server, bare, f"X-Amz-Security-Token: {session['SessionToken']}"))
    for text in (query + "&X-Amz-Security-Token=" + urllib.parse.quote(other["SessionToken"], safe=""),
                 query.replace("X-Amz-Security-Token=", "X-Amz-Security-Token=x&X-Amz-Security-Token=")):
        reply = get(server, text)
        witness.refused(reply.code, 403, reply)
        assert reply.code in ("InvalidClientTokenId", "SignatureDoesNotMatch")
    with raw.Wire(server) as wire:
        wire.send(raw.request(wire.host, "sts", "POST", "/?X-Amz-Security-Token=" + urllib.parse.quote(session["SessionToken"], safe=""), [FORM], WHO,
                              who=pair(session)))
        witness.refused(*INVALID, wire.recv())
        witness.refused(*INVALID, identity(wire, pair(session), session["SessionToken"], headers=[("X-Amz-Security-Token", other["SessionToken"])]))
        witness.refused(*INVALID, identity(wire, pair(session), session["SessionToken"], raw=[f"X-Amz-Security-Token: {other['SessionToken']}"]))


@pytest.mark.parametrize("change", [
    ("GetCallerIdentity", "GetSessionToken"), ("X-Amz-Expires=900", "X-Amz-Expires=604800"), ("Version=2011-06-15", "Version=2011-06-15&Action=GetSessionToken"),
    ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="), ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=content-type"), ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none"), ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=AWS4-HMAC-SHA1"),
    ("X-Amz-Signature=", "X-Amz-Signature=0"), ("X-Amz-Signature=", "X-Amz-signature="), ("X-Amz-Date=2", "X-Amz-Date=3")])
def test_a_presigned_request_is_for_what_was_signed(server, witness, ann, change):
    query = presigned(server, ann)
    assert get(server, query).status == 200 and change[0] in query
    reply = get(server, query.replace(*change))
    assert reply.status in (400, 403) and reply.code in ("SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken"), reply
    witness.refused(reply.code, reply.status, reply)


def test_a_presigned_request_lives_a_quarter_of_an_hour(server, witness, ann):
    witness.refused(*MISMATCH, get(server, presigned(server, ann, expires=604800, at=stamp(-16))))
    assert get(server, presigned(server, ann, at=stamp(-14))).status == 200


def tampered(text, how):
    head, _, body = text.partition(b"\r\n\r\n")
    return how(head) + b"\r\n\r\n" + body


def dropped_from_signed(name):
    def how(head):
        return head.replace(f";{name}".encode(), b"").replace(f"{name};".encode(), b"")
    return how


SMUGGLED = {
    "the host is not signed": dropped_from_signed("host"),
    "another host": lambda h: h.replace(b"Host: ", b"Host: x."),
    "an upper-case host": lambda h: h.replace(b"Host: 127", b"Host: LOCALHOST").replace(b"LOCALHOST.0.0.1", b"LOCALHOST"),
    "no host": lambda h: b"\r\n".join(line for line in h.split(b"\r\n") if not line.startswith(b"Host")),
    "two hosts": lambda h: h.replace(b"Host: ", b"Host: evil\r\nHost: "),
    "another action in the target": lambda h: h.replace(b"POST / ", b"POST /?Action=ListUsers "),
    "another method": lambda h: h.replace(b"POST / ", b"PUT / "),
    "a path": lambda h: h.replace(b"POST / ", b"POST /x "),
    "dots": lambda h: h.replace(b"POST / ", b"POST /x/../y "),
    "an override of the method": lambda h: h + b"\r\nX-Amz-Http-Method-Override: DELETE",
    "a target header": lambda h: h + b"\r\nX-Amz-Target: TrentService.ListKeys",
    "an unsigned header of Amazon's": lambda h: h + b"\r\nX-Amz-Meta-Role: admin",
    "the date twice": lambda h: h + b"\r\nX-Amz-Date: 20300101T000000Z",
    "signed headers twice": lambda h: h.replace(b"SignedHeaders=", b"SignedHeaders=host, SignedHeaders="),
    "credentials twice": lambda h: h.replace(b"Credential=", b"Credential=AKIA/20260101/us-east-1/sts/aws4_request, Credential="),
    "an unknown component": lambda h: h.replace(b"SignedHeaders=", b"Account=444455556666, SignedHeaders="),
    "a folded header": lambda h: h.replace(b"SignedHeaders=", b"\r\n SignedHeaders="),
    "another service": lambda h: h.replace(b"/sts/", b"/iam/"),
    "the other terminator": lambda h: h.replace(b"aws4_request", b"aws4_Request"),
    "an upper-case signature": lambda h: h[:h.rindex(b"Signature=") + 10] + h[h.rindex(b"Signature=") + 10:].replace(b"a", b"A").replace(b"b", b"B").replace(b"c", b"C").replace(b"d", b"D").replace(b"e", b"E").replace(b"f", b"F", 1),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_was_not_signed_does_not_count(server, ann, name):
    witness = Witness(server)
    text = raw.request(raw.Wire(server).host, "sts", "POST", "/", [FORM], WHO, who=pair(ann))
    if name == "an upper-case signature":  # the content type and so on are not touched
        lines = text.split(b"\r\n")
        at = next(i for i, line in enumerate(lines) if line.startswith(b"Authorization"))
        before, _, made = lines[at].partition(b"Signature=")
        lines[at] = before + b"Signature=" + made.upper()
        spoiled = b"\r\n".join(lines)
    else:
        spoiled = tampered(text, SMUGGLED[name])
    assert spoiled != text
    reply = reply_to(server, spoiled)
    assert reply is None or 400 <= reply.status < 500, reply
    if reply is not None and reply.request_id and reply.code:
        if "not served here" in reply.body.decode("latin-1") or reply.code in ("UnknownOperation", "UnknownOperationException"):
            return
        witness.refused(reply.code, reply.status, reply)
        witness.verify()


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-2"])
def test_a_signature_is_for_one_region(server, ann, region):
    """The trail of the region that was claimed has it."""
    witness = Witness(server, server.client("cloudtrail", region=region))
    text = raw.request(raw.Wire(server).host, "sts", "POST", "/", [FORM], WHO, who=pair(ann))
    witness.refused(*MISMATCH, reply_to(server, text.replace(b"us-east-1", region.encode())))
    query = presigned(server, ann)
    witness.refused(*MISMATCH, get(server, query.replace("us-east-1", region)))
    witness.verify()


def test_a_date_header_beside_ours_counts_for_nothing(server, witness, ann):
    with raw.Wire(server) as wire:
        assert identity(wire, pair(ann), raw=["Date: Thu, 01 Jan 1970 00:00:00 GMT"]).status == 200
        now = stamp()
        text = raw.request(wire.host, "sts", "POST", "/", [FORM, ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")], WHO, who=pair(ann), stamp=now)
        wire.send(text)
        assert wire.recv().status == 200
        wire.send(text.replace(f"X-Amz-Date: {now}\r\n".encode(), b""))  # then the old one is all there is
        reply = wire.recv()
        witness.refused(*MISMATCH, reply)


@pytest.mark.parametrize("body", [b"Action=ListUsers&Version=2010-05-08", b"Action=GetCallerIdentity&Action=GetSessionToken&Version=2011-06-15",
                                  b"Action=GetCallerIdentity%00&Version=2011-06-15", b"action=GetCallerIdentity&Version=2011-06-15",
                                  b"Action=getcalleridentity&Version=2011-06-15", b"Action=GetCallerIdentity&Version=2010-05-08",
                                  "Action=GetC\u0430llerIdentity&Version=2011-06-15".encode(), b"Action=GetCallerIdentity/&Version=2011-06-15"])
def test_actions_spelt_otherwise_are_not_done(server, ann, body):
    nobody = server.user()
    with raw.Wire(server) as wire:
        reply = identity(wire, pair(nobody), body=body)
    if body.startswith(b"Action=GetCallerIdentity&Action="):  # the first one counts, everywhere
        assert reply.status in (200, 400), reply
        assert b"SecretAccessKey" not in reply.body
    else:
        assert 400 <= reply.status < 404 and b"<Arn>" not in reply.body, reply


def test_bodies_that_were_not_signed(server, witness, ann):
    with raw.Wire(server) as wire:
        text = raw.request(wire.host, "sts", "POST", "/", [FORM], WHO + b"&Note=a", who=pair(ann))
    assert reply_to(server, text).status == 200
    witness.refused(*MISMATCH, reply_to(server, text[:-1] + b"b"))
    # outside S3 nobody may say that the body is not signed
    with raw.Wire(server) as wire:
        reply = identity(wire, pair(ann), payload="UNSIGNED-PAYLOAD", headers=[("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")])
        witness.refused(*MISMATCH, reply)


# ---- after the end -----------------------------------------------------------------------------------------------


def test_what_is_gone_signs_no_more(server, witness):
    iam = server.client("iam")
    user = server.user(allow("*"))
    sts = server.client("sts", user)
    sessions = [sts.get_session_token()["Credentials"], sts.get_federation_token(Name="bob")["Credentials"], server.role(allow("*"), by=user)]
    role = sessions[2]["RoleName"]
    for made in (user, *sessions):
        server.client("sts", made).get_caller_identity()
    iam.update_access_key(UserName=user["UserName"], AccessKeyId=user["AccessKeyId"], Status="Inactive")
    witness.refuses(*INVALID, sts.get_caller_identity)
    iam.delete_role_policy(RoleName=role, PolicyName="p")
    iam.delete_role(RoleName=role)
    witness.refuses(*INVALID, server.client("sts", sessions[2]).get_caller_identity)
    iam.delete_access_key(UserName=user["UserName"], AccessKeyId=user["AccessKeyId"])
    iam.delete_user_policy(UserName=user["UserName"], PolicyName="p")
    iam.delete_user(UserName=user["UserName"])
    for made in sessions[:2]:
        witness.refuses(*INVALID, server.client("sts", made).get_caller_identity)
    # the same names again are other people
    again = server.user(allow("*"), name=user["UserName"])
    server.role(allow("*"), name=role, by=again)
    for made in (user, *sessions):
        witness.refuses(*INVALID, server.client("sts", made).get_caller_identity)


def test_guessing_secrets_tells_nothing(server, witness, ann):
    """A wrong secret for a key that is there, and any for one that is not: neither depends on how near the guess is."""
    key, secret = pair(ann)
    words = set()
    with raw.Wire(server) as wire:
        for guess in (secret[:-1] + ("a" if secret[-1] != "a" else "b"), secret[:-1], "x", secret.swapcase(), uuid.uuid4().hex):
            reply = witness.refused(*MISMATCH, identity(wire, (key, guess)))
            words.add(reply.body.replace(reply.request_id.encode(), b""))
    assert len(words) == 1 and secret.encode() not in words.pop()
