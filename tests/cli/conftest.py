"""The servers of tests/harness.py; tests say `from conftest import allow, policy`."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import *  # noqa: E402,F401,F403
