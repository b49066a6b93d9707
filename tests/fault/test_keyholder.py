"""The keyholder: a process of its own, locked in; when it dies, what needs keys fails closed and the rest goes on."""
import pathlib
import threading
import time

import botocore.exceptions


def family(pid):
    kids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [p for kid in kids for p in family(int(kid))]


def named(server, name):
    return next((p for p in family(server.process.pid) if pathlib.Path(f"/proc/{p}/comm").read_text().strip() == name), None)


def kill(pid):
    import os
    import signal
    os.kill(pid, signal.SIGKILL)


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if got := what():
            return got
        time.sleep(0.01)
    raise AssertionError("it did not come")


def works(call):
    try:
        return call() or True
    except botocore.exceptions.ClientError:
        return False


def test_a_server_has_a_keyholder_that_can_do_nothing_else(fresh):
    pid = named(fresh, "hf-keyholder")
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
    assert sorted(p.name for p in pathlib.Path(f"/proc/{pid}/fd").iterdir()) == ["2", "3"]


def test_a_dead_keyholder_fails_closed_and_is_replaced(fresh):
    kms, s3 = fresh.client("kms"), fresh.client("s3")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="a", Body=b"x" * 1000)
    seen, stop = {}, threading.Event()

    def load(client):
        while not stop.is_set():
            try:
                client.encrypt(KeyId=key, Plaintext=b"x")
                code = "fine"
            except botocore.exceptions.ClientError as e:
                code = e.response["Error"]["Code"]
            seen[code] = seen.get(code, 0) + 1

    threads = [threading.Thread(target=load, args=(fresh.client("kms"),)) for _ in range(4)]
    for t in threads:
        t.start()
    for _ in range(5):
        old = wait_for(lambda: named(fresh, "hf-keyholder"))
        kill(old)
        assert s3.get_object(Bucket="shop", Key="a")["Body"].read() == b"x" * 1000  # under no KMS key: not concerned
        wait_for(lambda: (new := named(fresh, "hf-keyholder")) and new != old and works(lambda: kms.encrypt(KeyId=key, Plaintext=b"y")))
    stop.set()
    for t in threads:
        t.join()
    assert set(seen) <= {"fine", "KMSInternalException"} and seen["fine"] > 5, seen
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"


def test_without_its_guardian_it_fails_closed_until_the_server_is_started_anew(fresh):
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    kill(named(fresh, "hf-guardian"))
    wait_for(lambda: not works(lambda: kms.decrypt(CiphertextBlob=blob)))
    try:
        kms.decrypt(CiphertextBlob=blob)
        raise AssertionError("it has no keys and decrypts")
    except botocore.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == "KMSInternalException"
    assert fresh.client("sts").get_caller_identity()
    fresh.stop()
    fresh.start()
    assert fresh.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"


def test_both_end_with_the_server_however_it_ends(fresh):
    pids = family(fresh.process.pid)
    assert len(pids) == 3
    fresh.kill()
    wait_for(lambda: not any(pathlib.Path(f"/proc/{p}").exists() for p in pids))
    fresh.start()
    pids = family(fresh.process.pid)
    assert fresh.stop() == 0
    wait_for(lambda: not any(pathlib.Path(f"/proc/{p}").exists() for p in pids))
