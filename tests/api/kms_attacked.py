"""What the attacks on KMS share: a server with a second account, and a witness who finds each refusal in the trail, and SECRET nowhere.
Tests say `from kms_attacked import server, witness`."""
import pytest

from conftest import running
from witness import watching

OTHER = "444455556666"
SECRET = b"plaintext that no record may hold"


@pytest.fixture(scope="module")
def server():
    with running() as made:
        made.other = made.new_account(OTHER)
        yield made


@pytest.fixture
def witness(server):
    with watching(server, SECRET) as made:
        yield made
