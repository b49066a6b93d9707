"""Servers for the tests of this folder.

  server   one running server for the whole session (account 111122223333)
  fresh    a server for one test alone: may be stopped, killed, restarted, given a moved clock
"""
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import *  # noqa: E402,F401,F403: tests say `from conftest import allow, policy`


@pytest.fixture(scope="session")
def server():
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        running = Server(base).start()
        yield running
        status = running.stop()
        assert status == 0, running.log.read_text()[-4000:]


@pytest.fixture
def fresh():
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        running = Server(base, "--test-clock").start()
        yield running
        if running.process is not None:
            status = running.stop()
            assert status == 0, running.log.read_text()[-4000:]
