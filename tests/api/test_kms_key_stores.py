"""Custom key stores, whose keys are in a token of SoftHSM (Debian: softhsm2)."""
import contextlib
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import Server, allow, code, dead, eventually, move_clocks, refused

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fault"))

from inside import Inside, landlock, possible  # noqa: E402

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "24681357"

pytestmark = pytest.mark.skipif(not (pathlib.Path(MODULE).exists() and shutil.which("softhsm2-util")),
                                reason="SoftHSM (softhsm2) is not installed")


def init_token(label, pin=PIN):
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "12345678"],
                   check=True, capture_output=True)


@pytest.fixture(scope="module")
def tokens():
    """A place for tokens, which the servers started from now on know of."""
    with tempfile.TemporaryDirectory(prefix="holdfast-hsm-") as base:
        place = pathlib.Path(base) / "tokens"
        place.mkdir()
        conf = pathlib.Path(base) / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {place}\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(conf)
        yield place
        os.environ.pop("SOFTHSM2_CONF")


def serving(*options):
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        running = Server(base, *options).start()
        yield running
        status = running.stop()
        assert status == 0, running.log.read_text()[-4000:]


@pytest.fixture(scope="module")
def hsm(tokens):
    yield from serving()


@pytest.fixture
def later(tokens, monkeypatch):
    """A server whose clock is moved by later.move(days), and with it the one that requests are signed by."""
    for server in serving("--test-clock"):
        server.move = functools.partial(move_clocks, server, monkeypatch)
        yield server


def add_token(server, label=None, *options, make=True):
    """A new token, added; (name, cluster id, certificate)."""
    label = label or "t-" + uuid.uuid4().hex[:10]
    if make:
        init_token(label)
    out = server.holdfast("keystore", "add", label, "--data", server.data, "--module", MODULE, "--token", label,
                          *options).stdout
    cluster, _, pem = out.partition("\n")
    return label, cluster, pem


def create(kms, cluster, pem, pin=PIN, name=None):
    return kms.create_custom_key_store(CustomKeyStoreName=name or "s-" + uuid.uuid4().hex[:8], CloudHsmClusterId=cluster,
                                       TrustAnchorCertificate=pem, KeyStorePassword=pin)["CustomKeyStoreId"]


def entry(kms, store):
    return kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"][0]


def wait_for(kms, store, *states):
    return eventually(lambda: (now := entry(kms, store))["ConnectionState"] in states and now)


def connected(server, kms):
    """A connected store with a token of its own; (store, token's name, cluster id)."""
    name, cluster, pem = add_token(server)
    store = create(kms, cluster, pem)
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    wait_for(kms, store, "CONNECTED")
    return store, name, cluster


def let_go_of_all(kms):
    """No store is connected, and none is connected again by itself: there are no token processes."""
    for store in kms.describe_custom_key_stores()["CustomKeyStores"]:
        if store["ConnectionState"] != "DISCONNECTED":
            kms.disconnect_custom_key_store(CustomKeyStoreId=store["CustomKeyStoreId"])
            wait_for(kms, store["CustomKeyStoreId"], "DISCONNECTED")


def parent(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return int(text[text.rindex(")") + 2:].split()[1])


def token_processes(server):
    """Pids of the server's token processes."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it, or who started it, ended meanwhile: other servers have such processes, too
            text = stat.read_text()
            name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
            if name == "hf-token" and parent(rest[1]) == server.process.pid:  # the starter's child
                found.append(int(text.split()[0]))
    return found


def objects(place):
    """How many keys are in SoftHSM's tokens: each has a file (and each token one)."""
    return sum(1 for f in place.glob("*/*.object") if f.name != "token.object")


def test_a_key_in_a_token_does_what_other_keys_do(hsm):
    kms = hsm.client("kms")
    store, _, cluster = connected(hsm, kms)
    made = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]
    assert made["Origin"] == "AWS_CLOUDHSM" and made["CustomKeyStoreId"] == store
    assert made["CloudHsmClusterId"] == cluster and made["KeyState"] == "Enabled"
    key, context = made["KeyId"], {"a": "b"}
    blob = kms.encrypt(KeyId=key, Plaintext=b"text", EncryptionContext=context)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"text"
    refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=blob, EncryptionContext={"a": "c"})
    for at in (27, len(blob) - 1):
        bad = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1:]
        refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=bad, EncryptionContext=context)
    for n in (0, 20, 28):
        refused("InvalidCiphertextException", 400, kms.decrypt, CiphertextBlob=blob[:26 + n], EncryptionContext=context)
    data = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
    alone = kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=1024)
    assert len(kms.decrypt(CiphertextBlob=alone["CiphertextBlob"])["Plaintext"]) == 1024
    biggest = bytes(range(256)) * 16
    blob = kms.encrypt(KeyId=key, Plaintext=biggest)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == biggest
    assert len(kms.generate_random(NumberOfBytes=100, CustomKeyStoreId=store)["Plaintext"]) == 100


def test_the_key_is_in_the_token_and_ends_there_with_the_key(later, tokens):
    before = objects(tokens)
    kms = later.client("kms")
    store, _, _ = connected(later, kms)
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]["KeyId"]
    stays = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=stays, Plaintext=b"x")["CiphertextBlob"]
    assert objects(tokens) == before + 2
    refused("CustomKeyStoreHasCMKsException", 400, kms.delete_custom_key_store, CustomKeyStoreId=store)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    later.move(8)
    refused("NotFoundException", 400, kms.describe_key, KeyId=key)
    assert objects(tokens) == before + 1
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_key_that_ended_while_its_store_was_disconnected_ends_in_the_token_later(later, tokens):
    before = objects(tokens)
    kms = later.client("kms")
    store, _, _ = connected(later, kms)
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    later.move(8)
    refused("NotFoundException", 400, kms.describe_key, KeyId=key)
    assert objects(tokens) == before + 1
    wait_for(kms, store, "DISCONNECTED")
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    wait_for(kms, store, "CONNECTED")
    eventually(lambda: objects(tokens) <= before)
    assert objects(tokens) == before


def test_without_its_store_a_key_is_unavailable(hsm):
    kms = hsm.client("kms")
    store, _, _ = connected(hsm, kms)
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]["KeyId"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    found = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert found["KeyState"] == "Unavailable" and not found["Enabled"]
    refused("KMSInvalidStateException", 400, kms.encrypt, KeyId=key, Plaintext=b"x")
    refused("KMSInvalidStateException", 400, kms.decrypt, CiphertextBlob=blob)
    refused("KMSInvalidStateException", 400, kms.generate_data_key, KeyId=key, KeySpec="AES_256")
    refused("CustomKeyStoreInvalidStateException", 400, kms.create_key, Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)
    refused("CustomKeyStoreInvalidStateException", 400, kms.generate_random, NumberOfBytes=1, CustomKeyStoreId=store)
    kms.disable_key(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Unavailable"
    assert kms.encrypt(KeyId=other, Plaintext=b"x")["CiphertextBlob"]
    wait_for(kms, store, "DISCONNECTED")
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    wait_for(kms, store, "CONNECTED")
    refused("DisabledException", 400, kms.encrypt, KeyId=key, Plaintext=b"x")
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"


def test_a_wrong_pin_and_a_missing_token_are_told_apart(hsm):
    kms = hsm.client("kms")
    name, cluster, pem = add_token(hsm)
    store = create(kms, cluster, pem, "00000000")
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    assert wait_for(kms, store, "FAILED")["ConnectionErrorCode"] == "INVALID_CREDENTIALS"
    refused("CustomKeyStoreInvalidStateException", 400, kms.connect_custom_key_store, CustomKeyStoreId=store)
    refused("CustomKeyStoreInvalidStateException", 400, kms.update_custom_key_store, CustomKeyStoreId=store, KeyStorePassword=PIN)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    wait_for(kms, store, "DISCONNECTED")
    kms.update_custom_key_store(CustomKeyStoreId=store, KeyStorePassword=PIN)
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    wait_for(kms, store, "CONNECTED")

    name, cluster, pem = add_token(hsm, make=False)
    store = create(kms, cluster, pem)
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    assert wait_for(kms, store, "FAILED")["ConnectionErrorCode"] == "CLUSTER_NOT_FOUND"


def test_a_token_process_that_dies_is_followed_by_another(hsm):
    kms = hsm.client("kms")
    store, _, _ = connected(hsm, kms)
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    before = token_processes(hsm)
    assert before
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    def opens():
        """Meanwhile: refused, in AWS's words."""
        try:
            return kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"
        except ClientError as error:
            assert code(error)[0] == "KMSInvalidStateException"
            return False
    eventually(opens)
    assert not set(before) & set(token_processes(hsm))


def test_a_token_process_is_locked_in_and_ends_with_its_store(hsm):
    kms = hsm.client("kms")
    let_go_of_all(kms)
    store, _, _ = connected(hsm, kms)
    pid, = token_processes(hsm)
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    assert PIN.encode() not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    if possible and landlock():
        with Inside(pid) as it:  # what serve may write, and what opens the root key, no module is loaded from
            assert it("open", str(hsm.data / "config").encode(), os.O_RDONLY) == "EACCES"
            assert it("open", str(hsm.base / "data.rootkey").encode(), os.O_RDONLY) == "EACCES"
            assert isinstance(it("open", os.environ["SOFTHSM2_CONF"].encode(), os.O_RDONLY), int)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    wait_for(kms, store, "DISCONNECTED")
    assert pid not in token_processes(hsm)


def test_no_module_is_loaded_that_the_operator_has_not_listed(hsm):
    """serve says which module a store has, and bytes of its making lie outside of its directory: its log, copies of the directory."""
    kms = hsm.client("kms")
    let_go_of_all(kms)
    store, name, _ = connected(hsm, kms)
    listed = hsm.base / "data.modules"
    assert listed.read_text().splitlines() == [os.path.realpath(MODULE)] and listed.stat().st_mode & 0o777 == 0o644

    def answer(text, mode=0o644):
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)
        wait_for(kms, store, "DISCONNECTED")
        if text is None:
            listed.unlink()
        else:
            listed.write_text(text)
            listed.chmod(mode)
        kms.connect_custom_key_store(CustomKeyStoreId=store)
        now = wait_for(kms, store, "CONNECTED", "FAILED")
        return now.get("ConnectionErrorCode", now["ConnectionState"])
    right = listed.read_text()
    for wrong in (None, "", "\n", MODULE + ".so\n", MODULE[:-1] + "\n", "/\n" + MODULE + " \n"):
        assert answer(wrong) == "CLUSTER_NOT_FOUND", wrong
    assert "not on the list" in hsm.log.read_text() and not token_processes(hsm)
    assert answer(right, 0o666) == "INTERNAL_ERROR"
    assert "not its owner's alone" in hsm.log.read_text()
    assert answer("/usr/lib/other.so\n" + right) == "CONNECTED"
    assert answer("/usr/lib/other.so\n") == "CLUSTER_NOT_FOUND"
    again = hsm.holdfast("keystore", "add", name, "--data", hsm.data, "--module", MODULE, "--token", name, check=False)
    assert again.returncode == 1 and "there is a token of that name" in again.stderr
    assert listed.read_text() == "/usr/lib/other.so\n" + right, "but its module is listed now"
    assert answer(listed.read_text()) == "CONNECTED"


def test_what_was_connected_is_connected_after_a_restart(hsm):
    kms = hsm.client("kms")
    store, _, _ = connected(hsm, kms)
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    processes = token_processes(hsm)
    hsm.kill()
    eventually(lambda: all(map(dead, processes)))
    hsm.start()
    kms = hsm.client("kms")
    wait_for(kms, store, "CONNECTED")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"


def test_the_pin_is_nowhere_to_be_read(hsm):
    kms = hsm.client("kms")
    pin = "7315926048"
    _, cluster, pem = add_token(hsm)
    create(kms, cluster, pem, pin)
    trail = hsm.client("cloudtrail")
    events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName",
                                                    "AttributeValue": "CreateCustomKeyStore"}])["Events"]
    for path in hsm.data.rglob("*"):  # the trail is written out by now
        if path.is_file():
            assert pin.encode() not in path.read_bytes(), path
    assert events and all(pin not in e["CloudTrailEvent"] for e in events)
    assert any(cluster in e["CloudTrailEvent"] for e in events)


def test_stores_are_listed_by_id_by_name_and_in_pages(hsm):
    kms = hsm.client("kms", region="eu-west-1")
    stores = []
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
    for name in ("one", "two", "three"):
        _, cluster, pem = add_token(hsm, None, "--region", "eu-west-1", make=False)
        stores.append(create(kms, cluster, pem, name=name))
    found = kms.describe_custom_key_stores(CustomKeyStoreName="two")["CustomKeyStores"]
    assert [s["CustomKeyStoreId"] for s in found] == [stores[1]]
    assert found[0]["CustomKeyStoreType"] == "AWS_CLOUDHSM" and found[0]["ConnectionState"] == "DISCONNECTED"
    pages = [p["CustomKeyStores"] for p in kms.get_paginator("describe_custom_key_stores").paginate(PaginationConfig={
        "PageSize": 2})]
    assert [len(p) for p in pages] == [2, 1] and sorted(s["CustomKeyStoreId"] for p in pages for s in p) == sorted(stores)


def test_who_may(hsm):
    may = hsm.user(allow("kms:DescribeCustomKeyStores"))
    kms = hsm.client("kms", may)
    assert "CustomKeyStores" in kms.describe_custom_key_stores()
    refused("AccessDeniedException", 400, kms.connect_custom_key_store, CustomKeyStoreId="cks-0")
    refused("AccessDeniedException", 400, kms.delete_custom_key_store, CustomKeyStoreId="cks-0")


def test_the_operator_adds_lists_and_removes_tokens(hsm):
    kms = hsm.client("kms")
    name, cluster, pem = add_token(hsm, make=False)
    assert cluster.startswith("cluster-") and len(cluster) == 19 and "BEGIN CERTIFICATE" in pem
    line, = [l for l in hsm.holdfast("keystore", "list", "--data", hsm.data).stdout.splitlines() if l.startswith(name + " ")]
    assert line.split()[1:] == [cluster, "-", name, MODULE] or line.split()[1:4] == [cluster, "-", name]
    assert hsm.holdfast("keystore", "certificate", name, "--data", hsm.data).stdout == pem
    again = hsm.holdfast("keystore", "add", name, "--data", hsm.data, "--module", MODULE, "--token", "x", check=False)
    assert again.returncode == 1 and "of that name" in again.stderr
    store = create(kms, cluster, pem)
    assert hsm.holdfast("keystore", "remove", name, "--data", hsm.data, check=False).returncode == 1
    kms.delete_custom_key_store(CustomKeyStoreId=store)
    hsm.holdfast("keystore", "remove", name, "--data", hsm.data)
    refused("CloudHsmClusterNotFoundException", 400, create, kms, cluster, pem)
    missing = hsm.holdfast("keystore", "add", "m", "--data", hsm.data, "--module", "/no/such.so", "--token", "x", check=False)
    assert missing.returncode == 1
