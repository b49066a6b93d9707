"""Login profiles, password policy and ChangePassword as boto3 sees them."""
import contextlib
import csv
import datetime
import threading
import uuid

from botocore.exceptions import ClientError

from conftest import allow, deny, eventually, refused

ACCOUNT = "111122223333"
FIRST, SECOND = "Correct-horse-1", "Battery-staple-2"


def test_a_profile_from_making_to_deleting(server):
    iam, user = server.client("iam"), server.user()["UserName"]
    assert refused("NoSuchEntity", 404, iam.get_login_profile, UserName=user) == f"Login Profile for User {user} cannot be found."
    made = iam.create_login_profile(UserName=user, Password=FIRST, PasswordResetRequired=True)["LoginProfile"]
    assert made["UserName"] == user and made["PasswordResetRequired"] is True
    assert iam.get_login_profile(UserName=user)["LoginProfile"] == made
    assert refused("EntityAlreadyExists", 409, iam.create_login_profile, UserName=user, Password=FIRST) == \
        f"Login Profile for user {user} already exists."
    iam.update_login_profile(UserName=user, PasswordResetRequired=False)
    assert iam.get_login_profile(UserName=user)["LoginProfile"]["PasswordResetRequired"] is False
    iam.update_login_profile(UserName=user, Password=SECOND)
    assert "PasswordLastUsed" not in iam.get_user(UserName=user)["User"]
    for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    assert refused("DeleteConflict", 409, iam.delete_user, UserName=user) == "Cannot delete entity, must delete login profile first."
    iam.delete_login_profile(UserName=user)
    iam.delete_user(UserName=user)


def test_the_password_policy(fresh):
    iam, user = fresh.client("iam"), fresh.user()["UserName"]
    text = refused("NoSuchEntity", 404, iam.get_account_password_policy)
    assert text == f"The Password Policy with domain name {ACCOUNT} cannot be found."
    text = refused("PasswordPolicyViolation", 400, iam.create_login_profile, UserName=user, Password="lowercase1")
    assert text == ("Password should meet 1 more of the following requirements: Password should have at least one uppercase letter, "
                    "Password should have at least one symbol")
    said = {"MinimumPasswordLength": 14, "RequireSymbols": True, "RequireNumbers": True, "RequireUppercaseCharacters": True,
            "RequireLowercaseCharacters": True, "AllowUsersToChangePassword": True, "MaxPasswordAge": 90,
            "PasswordReusePrevention": 24, "HardExpiry": False}
    iam.update_account_password_policy(**said)
    assert iam.get_account_password_policy()["PasswordPolicy"] == {**said, "ExpirePasswords": True}
    text = refused("PasswordPolicyViolation", 400, iam.create_login_profile, UserName=user, Password="Short-1")
    assert text == "Password should have a minimum length of 14"
    iam.create_login_profile(UserName=user, Password=FIRST)
    refused("PasswordPolicyViolation", 400, iam.update_login_profile, UserName=user, Password=FIRST)
    iam.update_account_password_policy()
    assert iam.get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] == 6
    iam.delete_account_password_policy()
    refused("NoSuchEntity", 404, iam.delete_account_password_policy)


def test_changing_ones_own(server):
    who = server.user(allow("iam:ChangePassword", "arn:aws:iam::*:user/${aws:username}"))
    iam, me = server.client("iam"), server.client("iam", who)
    assert refused("NoSuchEntity", 404, me.change_password, OldPassword=FIRST, NewPassword=SECOND) == \
        f"Login Profile for User {who['UserName']} cannot be found."
    iam.create_login_profile(UserName=who["UserName"], Password=FIRST)
    refused("AccessDenied", 403, me.change_password, OldPassword=SECOND, NewPassword=SECOND)
    me.change_password(OldPassword=FIRST, NewPassword=SECOND)
    refused("AccessDenied", 403, me.change_password, OldPassword=FIRST, NewPassword=SECOND)
    other = server.client("iam", server.user())
    text = refused("AccessDenied", 403, other.change_password, OldPassword=SECOND, NewPassword=FIRST)
    assert "because no identity-based policy allows the iam:ChangePassword action" in text
    refused("InvalidUserType", 400, iam.change_password, OldPassword=FIRST, NewPassword=SECOND)
    denied = server.client("iam", server.user(deny("iam:ChangePassword"), allow("*")))
    refused("AccessDenied", 403, denied.change_password, OldPassword=SECOND, NewPassword=FIRST)


def test_an_administrators_reset_is_not_undone_by_who_knew_the_old_one(server):
    """Both at once: whoever comes second, the password is not what somebody made it who knew only the one before the reset."""
    who = server.user(allow("iam:ChangePassword"))
    iam, me, user = server.client("iam"), server.client("iam", who), who["UserName"]
    iam.create_login_profile(UserName=user, Password=FIRST)

    def change():
        with contextlib.suppress(ClientError):
            me.change_password(OldPassword=FIRST, NewPassword="Stolen-again-3")

    def reset():
        def done():
            with contextlib.suppress(ClientError):  # the other was quicker: once more
                iam.update_login_profile(UserName=user, Password=SECOND)
                return True
            return False
        eventually(done)
    for _ in range(12):
        iam.update_login_profile(UserName=user, Password=FIRST)
        threads = [threading.Thread(target=t) for t in (change, reset)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        me.change_password(OldPassword=SECOND, NewPassword=FIRST)


def test_passwords_are_nowhere_to_be_read(fresh):
    """Not in the trail, not in the log, not in the data."""
    iam, user = fresh.client("iam"), fresh.user()["UserName"]
    secret = "Xy1-" + uuid.uuid4().hex
    iam.create_login_profile(UserName=user, Password=secret)
    refused("PasswordPolicyViolation", 400, iam.update_login_profile, UserName=user, Password="weakweakweak")
    for name in ("CreateLoginProfile", "UpdateLoginProfile"):
        events = [e["CloudTrailEvent"] for e in fresh.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"]]
        assert events and any(user in e for e in events)
        assert not any(secret in e or "weakweakweak" in e for e in events)
    assert fresh.stop() == 0
    for path in fresh.base.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_the_credential_report_has_passwords_and_devices(fresh):
    iam, user = fresh.client("iam"), fresh.user()["UserName"]
    iam.update_account_password_policy(MaxPasswordAge=90)
    iam.create_login_profile(UserName=user, Password=FIRST)
    eventually(lambda: iam.generate_credential_report()["State"] == "COMPLETE")
    head, *lines = csv.reader(iam.get_credential_report()["Content"].decode().splitlines())
    mine = next(dict(zip(head, line)) for line in lines if line[0] == user)
    changed = datetime.datetime.fromisoformat(mine["password_last_changed"])
    assert mine["password_enabled"] == "true" and mine["mfa_active"] == "false" and mine["password_last_used"] == "no_information"
    assert datetime.datetime.fromisoformat(mine["password_next_rotation"]) - changed == datetime.timedelta(days=90)


def test_hashing_holds_nobody_up(server):
    """While passwords are hashed, as many as the server takes at once, other requests are answered: four of them while one and the same
    call for a password waits, when each thread that answers requests would have been held up by two at least."""
    iam, alone = server.client("iam"), server.client("sts")
    answered, overtaken = [], []

    def make(user, client):
        before = len(answered)
        client.create_login_profile(UserName=user, Password=FIRST)
        overtaken.append(len(answered) - before)

    def turn():
        users = [server.user()["UserName"] for _ in range(8)]
        makers = [threading.Thread(target=make, args=(u, server.client("iam"))) for u in users]
        for m in makers:
            m.start()
        while any(m.is_alive() for m in makers):
            answered.append(alone.get_caller_identity())
        for m in makers:
            m.join()
        assert all(iam.get_login_profile(UserName=u) for u in users)
        return max(overtaken) >= 4
    eventually(turn)
