"""Virtual MFA devices as boto3 sees them, and what a code opens."""
import base64
import hashlib
import hmac
import shutil
import struct
import subprocess
import time
import uuid
import zlib

import pytest
from botocore.exceptions import ClientError

from conftest import allow, deny, policy, refused

ACCOUNT = "111122223333"
STEP_S = 30


def totp(seed, now_s, steps=0):
    """The six digits of RFC 6238, written down anew."""
    mac = hmac.new(base64.b32decode(seed), struct.pack(">Q", int(now_s) // STEP_S + steps), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def two_codes(seed, now_s, first):
    """One after the other, whenever that is."""
    return {"AuthenticationCode1": totp(seed, now_s, first), "AuthenticationCode2": totp(seed, now_s, first + 1)}


class Phone:
    """A device in somebody's pocket, and the server's clock."""

    def __init__(self, server, name=None):
        self.server, self.ahead_s = server, 0
        made = server.client("iam").create_virtual_mfa_device(VirtualMFADeviceName=name or "d-" + uuid.uuid4().hex[:12])
        self.serial = made["VirtualMFADevice"]["SerialNumber"]
        self.seed = made["VirtualMFADevice"]["Base32StringSeed"]
        self.png = made["VirtualMFADevice"]["QRCodePNG"]

    def shows(self, steps=0):
        return totp(self.seed, time.time() + self.ahead_s, steps)

    def shows_two(self, first):
        return two_codes(self.seed, time.time() + self.ahead_s, first)

    def wait(self):
        self.server.advance(f"{STEP_S}s")
        self.ahead_s += STEP_S

    def enable(self, user, iam=None):
        (iam or self.server.client("iam")).enable_mfa_device(UserName=user, SerialNumber=self.serial, **self.shows_two(-1))
        return self


def test_a_device_from_making_to_deleting(server):
    iam, user = server.client("iam"), server.user()["UserName"]
    phone = Phone(server)
    assert len(phone.seed) == 64 and phone.seed == base64.b32encode(base64.b32decode(phone.seed))
    code = phone.shows()
    text = refused("InvalidAuthenticationCode", 403, iam.enable_mfa_device, UserName=user, SerialNumber=phone.serial,
                   AuthenticationCode1=code, AuthenticationCode2=code)
    assert text == "Authentication code for device is not valid."
    phone.enable(user)
    assert [d["SerialNumber"] for d in iam.list_mfa_devices(UserName=user)["MFADevices"]] == [phone.serial]
    mine = [d for d in iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] if d["SerialNumber"] == phone.serial]
    assert mine[0]["User"]["UserName"] == user and "Base32StringSeed" not in mine[0] and "QRCodePNG" not in mine[0]
    assert refused("DeleteConflict", 409, iam.delete_user, UserName=user) == "Cannot delete entity, must delete access keys first."
    assert refused("DeleteConflict", 409, iam.delete_virtual_mfa_device, SerialNumber=phone.serial) == \
        "MFA VirtualDevice in use. Must deactivate first"
    iam.resync_mfa_device(UserName=user, SerialNumber=phone.serial, **phone.shows_two(1))
    iam.tag_mfa_device(SerialNumber=phone.serial, Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_mfa_device_tags(SerialNumber=phone.serial)["Tags"] == [{"Key": "k", "Value": "v"}]
    iam.untag_mfa_device(SerialNumber=phone.serial, TagKeys=["k"])
    iam.deactivate_mfa_device(UserName=user, SerialNumber=phone.serial)
    iam.delete_virtual_mfa_device(SerialNumber=phone.serial)
    assert refused("NoSuchEntity", 404, iam.delete_virtual_mfa_device, SerialNumber=phone.serial) == \
        f"VirtualMFADevice with serial number {phone.serial} doesn't exist."


def png_size(png):
    """Checks a PNG's chunks and sums; its width and height."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, size, data = 8, None, b""
    while at < len(png):
        n, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + n]
        assert struct.unpack(">I", png[at + 8 + n:at + 12 + n])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        data += body if kind == b"IDAT" else b""
        at += 12 + n
    assert kind == b"IEND" and len(zlib.decompress(data)) >= size[1]
    return size


def test_the_picture_can_be_scanned(server, tmp_path):
    phone = Phone(server)
    width, height = png_size(phone.png)
    assert width == height and width % 4 == 0
    if not shutil.which("zbarimg"):
        pytest.skip("zbarimg is not installed")
    (tmp_path / "qr.png").write_bytes(phone.png)
    got = subprocess.run(["zbarimg", "-q", "--raw", str(tmp_path / "qr.png")], text=True, capture_output=True, check=True).stdout
    name = phone.serial.rpartition("/")[2]
    assert got.strip() == f"otpauth://totp/{name}@{ACCOUNT}?secret={phone.seed.decode()}"


def test_the_picture_names_the_account_by_its_alias(fresh, tmp_path):
    if not shutil.which("zbarimg"):
        pytest.skip("zbarimg is not installed")
    fresh.client("iam").create_account_alias(AccountAlias="our-shop")
    phone = Phone(fresh, "phone")
    (tmp_path / "qr.png").write_bytes(phone.png)
    got = subprocess.run(["zbarimg", "-q", "--raw", str(tmp_path / "qr.png")], text=True, capture_output=True, check=True).stdout
    assert got.strip() == f"otpauth://totp/phone@our-shop?secret={phone.seed.decode()}"


def test_neither_seeds_nor_codes_are_in_the_trail(server):
    user, phone = server.user()["UserName"], Phone(server)
    phone.enable(user)
    for name in ("CreateVirtualMFADevice", "EnableMFADevice"):
        events = [e["CloudTrailEvent"] for e in server.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]]
        assert any(phone.serial in e for e in events)
        for secret in (phone.seed.decode(), base64.b64encode(phone.seed).decode(), base64.b64encode(phone.png).decode()[:40],
                       f'"{phone.shows()}"', f'"{phone.shows(-1)}"'):
            assert not any(secret in e for e in events)


def test_a_role_that_asks_for_a_code(fresh):
    """"Secure API access with MFA": cross-account delegation."""
    who = fresh.user(allow("sts:AssumeRole"))
    phone = Phone(fresh).enable(who["UserName"])
    fresh.client("iam").create_role(RoleName="careful", AssumeRolePolicyDocument=policy(
        allow("sts:AssumeRole", None, Principal={"AWS": ACCOUNT}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})))
    sts = fresh.client("sts", who)
    role = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/careful", "RoleSessionName": "ss"}
    refused("AccessDenied", 403, sts.assume_role, **role)
    phone.wait()
    used = phone.shows()
    sts.assume_role(**role, SerialNumber=phone.serial, TokenCode=used)
    text = refused("AccessDenied", 403, sts.assume_role, **role, SerialNumber=phone.serial, TokenCode=used)
    assert text.strip() == "MultiFactorAuthentication failed with invalid MFA one time pass code."
    fresh.kill()
    fresh.start()  # the clock stands at the machine's again
    phone.ahead_s = 0
    refused("AccessDenied", 403, sts_of(fresh, who).assume_role, **role, SerialNumber=phone.serial, TokenCode=used)
    for _ in range(2):
        phone.wait()
    made = sts_of(fresh, who).assume_role(**role, SerialNumber=phone.serial, TokenCode=phone.shows())
    assert made["AssumedRoleUser"]["Arn"].endswith("careful/ss")


def sts_of(server, who):
    return server.client("sts", who)


def test_guessing_is_slowed_down(fresh):
    who = fresh.user(allow("sts:AssumeRole"))
    phone = Phone(fresh).enable(who["UserName"])
    fresh.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=policy(
        allow("sts:AssumeRole", None, Principal={"AWS": ACCOUNT})))
    sts = fresh.client("sts", who)
    role = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "ss", "SerialNumber": phone.serial}
    phone.wait()
    for i in range(5):
        refused("AccessDenied", 403, sts.assume_role, **role, TokenCode=phone.shows(100 + i))
    for wait_steps in (1, 2, 4):  # 30 seconds, twice as long for each further guess: at the end, two minutes
        for _ in range(wait_steps):
            phone.wait()
        if wait_steps < 4:
            refused("AccessDenied", 403, sts.assume_role, **role, TokenCode=phone.shows(100))
            refused("AccessDenied", 403, sts.assume_role, **role, TokenCode=phone.shows())
    sts.assume_role(**role, TokenCode=phone.shows())


# ---- who may ------------------------------------------------------------------------------------------------

SELF_SERVICE = [  # "AWS: Allows MFA-authenticated IAM users to manage their own MFA device", without the parts about MFA sessions
    allow("iam:ListVirtualMFADevices"),
    allow("iam:CreateVirtualMFADevice", "arn:aws:iam::*:mfa/*"),
    allow(["iam:EnableMFADevice", "iam:GetMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice"],
          "arn:aws:iam::*:user/${aws:username}"),
]


def test_users_manage_their_own_device_and_nobody_elses(server):
    who, other = server.user(*SELF_SERVICE), server.user()["UserName"]
    iam, me = server.client("iam", who), who["UserName"]
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=me)["VirtualMFADevice"]
    codes = two_codes(made["Base32StringSeed"], time.time(), -1)
    text = refused("AccessDenied", 403, iam.enable_mfa_device, UserName=other, SerialNumber=made["SerialNumber"], **codes)
    assert f"iam:EnableMFADevice on resource: user {other} " in text
    iam.enable_mfa_device(UserName=me, SerialNumber=made["SerialNumber"], **codes)
    assert iam.list_mfa_devices()["MFADevices"][0]["UserName"] == me
    iam.list_virtual_mfa_devices()
    refused("AccessDenied", 403, iam.list_mfa_devices, UserName=other)
    refused("AccessDenied", 403, iam.deactivate_mfa_device, UserName=me, SerialNumber=made["SerialNumber"])
    text = refused("AccessDenied", 403, iam.delete_virtual_mfa_device, SerialNumber=made["SerialNumber"])
    assert f"on resource: {made['SerialNumber']} " in text
    text = refused("AccessDenied", 403, iam.create_virtual_mfa_device, VirtualMFADeviceName="x", Tags=[{"Key": "k", "Value": "v"}])
    assert "iam:TagMFADevice" in text


def test_devices_are_told_apart_by_path_and_tags(server):
    root = server.client("iam")
    mine = root.create_virtual_mfa_device(VirtualMFADeviceName="d-" + uuid.uuid4().hex[:8], Path="/team/",
                                          Tags=[{"Key": "team", "Value": "red"}])["VirtualMFADevice"]["SerialNumber"]
    bare = Phone(server).serial
    by_path = server.client("iam", server.user(allow("iam:*", f"arn:aws:iam::{ACCOUNT}:mfa/team/*")))
    by_tag = server.client("iam", server.user(allow("iam:*", Condition={"StringEquals": {"aws:ResourceTag/team": "red"}})))
    for iam in (by_path, by_tag):
        iam.list_mfa_device_tags(SerialNumber=mine)
        refused("AccessDenied", 403, iam.delete_virtual_mfa_device, SerialNumber=bare)
    refused("AccessDenied", 403, by_path.create_virtual_mfa_device, VirtualMFADeviceName="x")
    by_tag.delete_virtual_mfa_device(SerialNumber=mine)


# ---- what policies make of it ---------------------------------------------------------------------------------

# "AWS: Allows MFA-authenticated IAM users to manage their own credentials on the Security credentials page"
DENY_WITHOUT_MFA = deny(None, NotAction=[
    "iam:CreateVirtualMFADevice", "iam:EnableMFADevice", "iam:GetUser", "iam:GetMFADevice", "iam:ListMFADevices",
    "iam:ListVirtualMFADevices", "iam:ResyncMFADevice", "sts:GetSessionToken"],
    Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
DENY_WITHOUT_MFA.pop("Action")


def sessions(server, who):
    """Clients for kms with a user's key, a session of it, and a session with a code; and his device."""
    phone = Phone(server).enable(who["UserName"])
    phone.wait()
    sts = server.client("sts", who)
    plain = sts.get_session_token()["Credentials"]
    shown = sts.get_session_token(SerialNumber=phone.serial, TokenCode=phone.shows())["Credentials"]
    return {"key": who, "session": plain, "mfa": shown}, phone


def may_list_keys(server, credentials):
    try:
        server.client("kms", credentials).list_keys()
    except ClientError as e:
        assert e.response["Error"]["Code"] == "AccessDeniedException", e
        return False
    return True


@pytest.mark.parametrize("statements, key, session, mfa", [
    ([allow("*"), DENY_WITHOUT_MFA], False, False, True),  # BoolIfExists: a key of long standing has no such key, and is denied
    ([allow("*"), deny("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})], True, False, True),  # Bool lets it pass
    ([allow("kms:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})], False, False, True),
    ([allow("kms:*", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}})], True, False, True),
    ([allow("kms:*", Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}})], False, False, True),
    ([allow("*"), deny("*", Condition={"Null": {"aws:MultiFactorAuthAge": "true"}})], False, False, True),
    ([allow("*"), deny("*", Condition={"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "3600"}})], False, False, True),  # the same of a deny
])
def test_policies_that_ask_for_mfa(fresh, statements, key, session, mfa):
    held, _ = sessions(fresh, fresh.user(*statements))
    assert {name: may_list_keys(fresh, c) for name, c in held.items()} == {"key": key, "session": session, "mfa": mfa}


def test_a_code_grows_old(fresh):
    held, phone = sessions(fresh, fresh.user(allow("kms:*", Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}})))
    assert may_list_keys(fresh, held["mfa"])
    phone.wait()
    assert may_list_keys(fresh, held["mfa"])
    fresh.advance("270s")
    assert not may_list_keys(fresh, held["mfa"])


def test_a_new_user_comes_to_mfa_by_himself(fresh):
    """The whole way of the policy above: make a device, enable it, show a code, work."""
    me = fresh.user(*SELF_SERVICE, allow(["kms:ListKeys", "iam:DeactivateMFADevice"]), DENY_WITHOUT_MFA)
    iam, name = fresh.client("iam", me), me["UserName"]
    assert not may_list_keys(fresh, me)
    phone = Phone.__new__(Phone)
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    phone.server, phone.ahead_s, phone.serial, phone.seed = fresh, 0, made["SerialNumber"], made["Base32StringSeed"]
    phone.enable(name, iam)
    refused("AccessDenied", 403, iam.deactivate_mfa_device, UserName=name, SerialNumber=phone.serial)
    phone.wait()
    shown = fresh.client("sts", me).get_session_token(SerialNumber=phone.serial, TokenCode=phone.shows())["Credentials"]
    assert may_list_keys(fresh, shown)
    fresh.client("iam", shown).deactivate_mfa_device(UserName=name, SerialNumber=phone.serial)
    text = refused("AccessDenied", 403, fresh.client("sts", me).get_session_token, SerialNumber=phone.serial,
                   TokenCode=phone.shows(1))
    assert "Please verify your MFA serial number is valid and associated with this user" in text


def test_the_trail_says_whether_mfa_was_shown(fresh):
    held, _ = sessions(fresh, fresh.user(allow("kms:*")))
    for credentials in (held["session"], held["mfa"]):
        fresh.client("kms", credentials).list_keys()
    events = fresh.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "ListKeys"}])["Events"]
    assert sorted('"mfaAuthenticated":"true"' in e["CloudTrailEvent"].replace(" ", "") for e in events) == [False, True]
