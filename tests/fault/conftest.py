"""Faults from outside: kill -9, a full disk, flipped bits, a look at the raw files."""
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import *  # noqa: E402,F401,F403


@pytest.fixture
def base():
    """A short path: the admin socket's must fit into 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as made:
        yield pathlib.Path(made)
