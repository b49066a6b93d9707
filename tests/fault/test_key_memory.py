"""Key material is in the keyholder and nowhere else: known keys are imported, used under load, and looked for."""
import contextlib
import os
import pathlib
import struct
import sys
import threading

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))

from harness import eventually, named  # noqa: E402
from kmsimport import import_into, pkcs8  # noqa: E402

PAGE, PIECE, SHADOW = 4096, 16 << 20, 64 << 30  # a sanitizer's shadow is larger than any server


def present(pagemap, start, end):
    """Runs of pages of a mapping that are there at all."""
    run = None
    for at in range(start, end, PIECE):
        n = min(PIECE, end - at) // PAGE
        pagemap.seek(at // PAGE * 8)
        for i, entry in enumerate(struct.unpack(f"<{n}Q", pagemap.read(n * 8))):
            here = at + i * PAGE
            if entry >> 62 and run is None:
                run = here
            elif not entry >> 62 and run is not None:
                yield run, here
                run = None
    if run is not None:
        yield run, end


def memory(pid):
    """All of a process's memory that it could read itself, a run of pages at a time."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem, open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:
        for line in maps:
            span, mode, *rest = line.split()
            start, end = (int(x, 16) for x in span.split("-"))
            if "r" not in mode or end - start > SHADOW or rest[-1] in ("[vvar]", "[vsyscall]"):
                continue
            for first, last in present(pagemap, start, end):
                try:
                    mem.seek(first)
                    yield mem.read(last - first)
                except OSError:
                    continue  # unmapped meanwhile


def files(root):
    for path in pathlib.Path(root).rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile
            if path.is_file():
                yield path.read_bytes()


def spellings(secret):
    """As bytes, and as the words of a big number; a piece will do, because nothing this long occurs by chance."""
    piece = secret[4:28]
    return {piece, secret[::-1][4:28], piece.hex().encode(), secret.hex().upper().encode()[8:40]}


def found(places, secrets):
    wanted = {s: name for name, secret in secrets.items() for s in spellings(secret)}
    return {name for place in places for s, name in wanted.items() if s in place}


@pytest.fixture
def planted(fresh):
    """A server that is using imported keys all the time, and what they are: {name: bytes}; end() ends the use."""
    kms = fresh.client("kms")
    aes, own = os.urandom(32), rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sym = kms.create_key(Origin="EXTERNAL", Description="marker-" + os.urandom(12).hex())["KeyMetadata"]
    rsa_key = kms.create_key(Origin="EXTERNAL", KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    import_into(kms, sym["KeyId"], aes)
    import_into(kms, rsa_key, pkcs8(own), algorithm="RSA_AES_KEY_WRAP_SHA_256", spec="RSA_4096")
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    theirs = own.public_key().encrypt(b"x", oaep)
    rounds, stop = [], threading.Event()

    def load():
        client = fresh.client("kms", plain=True)
        while not stop.is_set():
            blob = client.encrypt(KeyId=sym["KeyId"], Plaintext=b"x" * 100)["CiphertextBlob"]
            client.decrypt(CiphertextBlob=blob)
            client.generate_data_key_without_plaintext(KeyId=sym["KeyId"], KeySpec="AES_256")
            client.decrypt(KeyId=rsa_key, CiphertextBlob=theirs, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
            rounds.append(1)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for t in threads:
        t.start()
    n = own.private_numbers()
    size = lambda x: x.to_bytes((x.bit_length() + 7) // 8, "big")  # noqa: E731
    secrets = {"aes": aes, "d": size(n.d), "p": size(n.p), "q": size(n.q), "dmp1": size(n.dmp1), "iqmp": size(n.iqmp)}

    def end():
        stop.set()
        for t in threads:
            t.join()
    try:
        eventually(lambda: len(rounds) >= 240)
        yield fresh, sym["Description"], secrets, end
        assert stop.is_set() or all(t.is_alive() for t in threads), "it was not under load all the time"
    finally:
        end()


@pytest.mark.skipif(os.geteuid() != 0, reason="another process's memory is root's to read")
def test_the_process_that_reads_requests_has_no_key_material(planted):
    server, marker, secrets, _ = planted
    pid = server.process.pid
    assert any(marker.encode() in place for place in memory(pid))  # it is looked for in the right place
    assert {"p", "q"} <= found(memory(named(server, "hf-keyholder")), secrets)  # and would be found
    assert found(memory(pid), secrets) == set()


def test_the_data_directory_has_no_key_material(planted):
    server, _, secrets, end = planted
    assert found(files(server.base), secrets) == set()
    end()
    server.stop()
    assert found(files(server.base), secrets) == set()
    assert found([b"...." + secrets["aes"] + b"...."], secrets) == {"aes"}
