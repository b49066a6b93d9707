# SPDX-License-Identifier: Apache-2.0
"""Does policygen make the table it should, and refuse a policy with a slip in it?"""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "src" / "policy" / "catalogue.txt"
OURS = sorted((ROOT / "src" / "svc" / "iam" / "managed").glob("*.toml"))
GOOD = '[Alpha]\ndoc = "The first."\nsince = 2020-01-02\nallow = ["s3:Get*", "iam:passrole"]\n'


def run(*args):
    return subprocess.run([sys.executable, "-B", str(ROOT / "tools" / "policygen.py"), *map(str, args)],
                          capture_output=True, text=True, check=False)


def made(tmp_path, *texts):
    files = []
    for i, text in enumerate(texts):
        files.append(tmp_path / f"{i}.toml")
        files[-1].write_text(text)
    return run(CATALOGUE, tmp_path / "out.c", *files), tmp_path / "out.c"


def test_a_policy_becomes_a_row_in_order_of_names(tmp_path):
    more = '[AAA]\ndoc = "d"\nsince = 1970-01-02\npath = "/job-function/"\ndeny = ["*"]\n' \
           '[[AAA.statement]]\nEffect = "Allow"\nNotAction = "s3:*"\nResource = "*"\n'
    r, out = made(tmp_path, GOOD, more)
    assert r.returncode == 0, r.stderr
    text = out.read_text()
    assert text.index('"AAA"') < text.index('"Alpha"') and "iam_builtins_n = 2" in text
    assert r'{\"Effect\":\"Allow\",\"Action\":[\"s3:Get*\",\"iam:passrole\"],\"Resource\":\"*\"}' in text
    assert r'{\"Effect\":\"Deny\",\"Action\":[\"*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"NotAction\":\"s3:*\"' in text
    assert "INT64_C(86400000)" in text and '.path = "/job-function/"' in text


def test_our_own_are_fine(tmp_path):
    r = run(CATALOGUE, tmp_path / "out.c", *OURS)
    assert r.returncode == 0, r.stderr


@pytest.mark.parametrize("old, new, says", [
    ('"s3:Get*"', '"s3:Gett*"', "Alpha: no action is called 's3:Gett*'"),
    ('"s3:Get*"', '"s4:Get*"', "Alpha: no action is called 's4:Get*'"),
    ('"s3:Get*"', '"GetObject"', "Alpha: no action is called 'GetObject'"),
    ('"s3:Get*"', '"iam:passrole"', "Alpha: an action is listed twice"),
    ('allow = ["s3:Get*", "iam:passrole"]', "", "Alpha: has no statement"),
    ('doc = "The first."', "", "Alpha: doc and since must be stated"),
    ("since = 2020-01-02", 'since = "2020"', "Alpha.since"),
    ("since", 'colour = "red"\nsince', "Alpha.colour"),
    ("since", 'path = "job"\nsince', "Alpha: path 'job'"),
    ("[Alpha]", '["Al pha"]', "Al pha: path"),
    ("allow", 'statement = [{ Effect = "Allow", Action = "s3:*" }]\nallow', "Alpha: not a statement"),
    ("allow", 'statement = [{ Effect = "Maybe", Action = "s3:*", Resource = "*" }]\nallow', "Alpha: not a statement"),
    ("allow", 'statement = [{ Effect = "Deny", Action = "s3:Nope", Resource = "*" }]\nallow', "no action is called 's3:Nope'"),
    ("[Alpha]", "[Alpha", "policygen: "),
])
def test_a_slip_is_an_error(tmp_path, old, new, says):
    assert old in GOOD
    r, out = made(tmp_path, GOOD.replace(old, new, 1))
    assert r.returncode == 1 and says in r.stderr and not out.exists(), r.stderr


def test_a_policy_is_there_once(tmp_path):
    r, _ = made(tmp_path, GOOD, GOOD)
    assert r.returncode == 1 and "Alpha: is there twice" in r.stderr


def test_used_wrongly_it_shows_its_usage():
    assert run("x").returncode == 2
