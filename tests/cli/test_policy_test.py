"""holdfast policy test, and holdfast explain from files: as in a user's CI."""
import json
import re
import subprocess
import xml.etree.ElementTree

import pytest

from conftest import BIN, PATIENCE_S, ROOT, allow, deny, policy

ANN = "arn:aws:iam::111122223333:user/ann"
KEY = "arn:aws:s3:::b/k"


def holdfast(*args, **more):
    return subprocess.run([BIN, *map(str, args)], text=True, capture_output=True, timeout=PATIENCE_S, **more)


def case(**more):
    return {"name": "it", "principal": ANN, "action": "s3:GetObject", "resource": KEY,
            "policies": {"identity": json.loads(policy(allow("s3:Get*", "arn:aws:s3:::b/*", Sid="Read")))}, "expect": "allow", **more}


@pytest.fixture
def test(tmp_path):
    def run(*cases, args=(), **files):
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        (tmp_path / "cases.json").write_text(json.dumps(list(cases), indent=1))
        return holdfast("policy", "test", *args, tmp_path / "cases.json")
    return run


def test_as_expected_is_tap_and_0(test):
    done = test(case(), case(action="s3:PutObject", expect="implicit-deny", by="identity"), case(sid="Read", by="identity"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "1..3\nok 1 - it\nok 2 - it\nok 3 - it\n", "")


@pytest.mark.parametrize("change, says", [
    (dict(expect="deny"), "expected deny, got allow; allowed by \"Read\" of the identity-based policy ("),
    (dict(action="s3:PutObject"), "s3:PutObject on arn:aws:s3:::b/k: expected allow, got implicit-deny; denied because no identity-based policy"),
    (dict(action="s3:PutObject", expect="explicit-deny"), "expected explicit-deny, got implicit-deny"),
    (dict(by="resource"), "expected it to be decided by the resource-based policy, but it was by the identity-based policy"),
    (dict(sid="Write"), "expected statement \"Write\" to decide, but it was \"Read\""),
    (dict(action="s3:PutObject", expect="deny", message="No."), "expected the message \"No.\", but it is \"User: "),
    (dict(resource=[KEY, "arn:aws:s3:::c/k"]), "s3:GetObject on arn:aws:s3:::c/k: expected allow"),
])
def test_a_failure_is_a_line_that_explains_it(change, says, test):
    done = test(case(), case(**change))
    assert done.returncode == 1 and "ok 1 - it\nnot ok 2 - it\n# " in done.stdout and says in done.stdout, done.stdout
    assert done.stdout.endswith("# 1 of 2 failed\n")


def test_files_are_named_from_the_file_of_cases(test):
    done = test(case(policies={"identity": ["mine.json"], "boundary": "mine.json"}, sid="X"), mine_json="")
    assert done.returncode == 2 and "mine.json cannot be read" in done.stderr
    done = test(case(policies={"identity": ["p"], "boundary": "p"}, sid="X"), p=policy(allow("s3:*", "*", Sid="X")))
    assert done.returncode == 0, done.stdout


def test_verbose_shows_the_tree_and_junit_is_xml(test, tmp_path):
    junit = tmp_path / "out.xml"
    done = test(case(name="a <b> & \"c\""), case(expect="deny"), args=["--verbose", "--junit", junit])
    assert done.returncode == 1 and "#   └─ session policy: none\n" in done.stdout
    suite = xml.etree.ElementTree.parse(junit).getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    first, second = suite.findall("testcase")
    assert first.get("name") == 'a <b> & "c"' and first.find("failure") is None
    assert "ALLOWED" in second.find("failure").text and "expected deny" in second.find("failure").get("message")


def test_a_wrong_file_is_2_and_says_where(test, tmp_path):
    done = test(case(expects="allow"))
    assert done.returncode == 2 and re.match(r".*cases\.json:\d+:\d+: a case has no member \"expects\"\n", done.stderr)
    assert holdfast("policy", "test").returncode == holdfast("policy", "test", tmp_path / "none").returncode == 2
    assert holdfast("policy", "test", "--help").stdout.startswith("usage: holdfast policy test ")


def test_the_example_of_the_page_is_a_file_of_cases(tmp_path):
    text = re.search(r"```json\n(.*?)```", (ROOT / "docs" / "policy-testing.md").read_text(), re.S)[1]
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "cases.json").write_text(text)
    write = allow(["s3:PutObject", "s3:GetObject", "iam:PassRole"], "*")
    for name, one in {"app": write, "boundary": write, "developer": allow("logs:*", "*")}.items():
        (tmp_path / f"{name}.json").write_text(policy(one))
    (tmp_path / "guard.json").write_text(policy(allow("*", "*"), deny("iam:PassRole", "*", Sid="PassToEc2Only", Condition={
        "StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})))
    done = holdfast("policy", "test", tmp_path / "t" / "cases.json")
    assert done.returncode == 0 and done.stdout.count("\nok ") == 3, done.stdout + done.stderr


# ---- explain, from files ------------------------------------------------------------------------

def test_explain_tells_the_decision_as_a_tree(tmp_path):
    (tmp_path / "id").write_text(policy(allow("s3:Get*", "arn:aws:s3:::b/*")))
    (tmp_path / "bucket").write_text(policy(deny("s3:*", "*", Sid="Tls", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})))
    args = ["explain", "--principal", ANN, "--action", "s3:GetObject", "--resource", KEY, "--identity", tmp_path / "id",
            "--resource-policy", tmp_path / "bucket"]
    done = holdfast(*args)
    assert done.returncode == 0 and done.stdout.startswith("ALLOWED  allowed by statement 1 of the identity-based policy (")
    assert 'Deny "Tls": its condition does not hold: Bool aws:SecureTransport "false"; the request does not have it\n' in done.stdout
    done = holdfast(*args, "--context", "aws:SecureTransport=false")
    assert done.returncode == 1 and "with an explicit deny in a resource-based policy\n" in done.stdout and 'Deny "Tls": matches' in done.stdout


@pytest.mark.parametrize("args", [[], ["--principal", ANN], ["--principal", ANN, "--action", "GetObject"], ["--principal", "ann", "--action", "a:B", "--identity", "x"],
                                  ["--event", "x", "--action", "a:B"], ["--principal", ANN, "--action", "a:B", "--identity", "/none"], ["what"],
                                  ["--principal", ANN, "--action", "a:B", "--data", "/none"]])
def test_explain_used_wrongly_is_2_and_says_why(args):
    done = holdfast("explain", *args)
    assert done.returncode == 2 and done.stderr.startswith("holdfast explain: ")
