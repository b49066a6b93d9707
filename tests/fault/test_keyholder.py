"""The keyholder: a process of its own, locked in; when it dies, what needs keys fails closed and the rest goes on."""
import os
import pathlib
import resource
import signal
import threading

import botocore.exceptions
import pytest

from harness import dead, eventually, family, named


def kill(pid):
    os.kill(pid, signal.SIGKILL)


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
        old = eventually(lambda: named(fresh, "hf-keyholder"))
        kill(old)
        assert s3.get_object(Bucket="shop", Key="a")["Body"].read() == b"x" * 1000  # under no KMS key: not concerned
        eventually(lambda: (new := named(fresh, "hf-keyholder")) and new != old and works(lambda: kms.encrypt(KeyId=key, Plaintext=b"y")))
        fine = seen.get("fine", 0)
        eventually(lambda: seen.get("fine", 0) > fine + 4 * len(threads))
    stop.set()
    for t in threads:
        t.join()
    assert set(seen) <= {"fine", "KMSInternalException"}, seen
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"


def metric(server, name):
    return int(next(l for l in server.admin("GET", "/metrics")[1].splitlines() if l.startswith(f"holdfast_{name} ")).split()[1])


def test_a_dead_guardian_is_replaced_where_the_root_key_can_be_read_again(fresh):
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    for i in range(3):
        old = eventually(lambda: named(fresh, "hf-guardian") if named(fresh, "hf-keyholder") else None), named(fresh, "hf-keyholder")
        kill(old[0])
        eventually(lambda: (new := named(fresh, "hf-keyholder")) and new != old[1] and works(lambda: kms.decrypt(CiphertextBlob=blob)))
        assert named(fresh, "hf-guardian") != old[0]
        eventually(lambda: dead(old[1]))
    assert metric(fresh, "guardian_restarts_total") == 3
    eventually(lambda: len(family(fresh.process.pid)) == 4)
    pid = named(fresh, "hf-keyholder")  # as locked in as the first one
    assert "Seccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text()
    assert sorted(p.name for p in pathlib.Path(f"/proc/{pid}/fd").iterdir()) == ["2", "3"]
    kill(pid)
    eventually(lambda: works(lambda: kms.decrypt(CiphertextBlob=blob)))


def test_a_guardian_that_could_not_be_started_is_started_later(fresh):
    """While the server is at its limit of open files there is no socket for another one."""
    kms, pid = fresh.client("kms"), fresh.process.pid
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, usual[1]))
    kill(named(fresh, "hf-guardian"))
    eventually(lambda: pathlib.Path(fresh.log).read_text().count("another one is started") >= 3)
    assert not named(fresh, "hf-guardian")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
    eventually(lambda: works(lambda: kms.encrypt(KeyId=key, Plaintext=b"x")))


def test_a_guardian_started_anew_knows_the_root_keys_that_were(fresh):
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    for _ in range(2):
        fresh.holdfast("rootkey", "rotate", "--data", fresh.data)
        old = named(fresh, "hf-keyholder")
        kill(named(fresh, "hf-guardian"))
        eventually(lambda: (new := named(fresh, "hf-keyholder")) and new != old and works(lambda: kms.decrypt(CiphertextBlob=blob)))
    assert kms.create_key()
    fresh.new_account("444455556666")


def test_without_its_guardian_it_fails_closed_where_a_person_must_be_asked(fresh):
    kms = fresh.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    read, write = os.pipe()
    os.write(write, b"correct horse battery\n")
    fresh.holdfast("rootkey", "rotate", "--data", fresh.data, "--root-key-source", "passphrase", "--new-passphrase-fd", read, pass_fds=[read])
    kill(named(fresh, "hf-keyholder"))  # for this one the guardian has the key
    eventually(lambda: works(lambda: kms.decrypt(CiphertextBlob=blob)))
    kill(named(fresh, "hf-guardian"))
    eventually(lambda: not works(lambda: kms.decrypt(CiphertextBlob=blob)))
    eventually(lambda: "cannot be read again without a person" in fresh.log.read_text())
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        kms.decrypt(CiphertextBlob=blob)
    assert refused.value.response["Error"]["Code"] == "KMSInternalException"
    assert fresh.client("sts").get_caller_identity()
    os.write(write, b"correct horse battery\n")
    fresh.holdfast("rootkey", "rotate", "--data", fresh.data, "--root-key-source", "file", "--passphrase-fd", read, pass_fds=[read], check=False)
    fresh.stop()
    os.write(write, b"correct horse battery\n")
    fresh.holdfast("rootkey", "rotate", "--data", fresh.data, "--root-key-source", "file", "--passphrase-fd", read, pass_fds=[read])
    fresh.start()
    assert fresh.client("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    os.close(read)
    os.close(write)


def test_the_guardian_has_none_of_the_servers_files_but_its_own(fresh):
    """Above all not the socket by which the server asks the starter: a token's module may run below the guardian."""
    sockets = {pid: {os.readlink(p) for p in pathlib.Path(f"/proc/{pid}/fd").iterdir()} for pid in
               (fresh.process.pid, named(fresh, "hf-guardian"))}
    theirs, ours = sockets.values()
    assert not [f for f in theirs & ours if f.startswith("socket:")]


def test_both_end_with_the_server_however_it_ends(fresh):
    pids = family(fresh.process.pid)
    assert len(pids) == 4
    fresh.kill()
    eventually(lambda: all(map(dead, pids)))
    fresh.start()
    pids = family(fresh.process.pid)
    assert fresh.stop() == 0
    eventually(lambda: all(map(dead, pids)))
