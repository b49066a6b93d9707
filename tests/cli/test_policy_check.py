"""holdfast policy check, as people and their CI use it."""
import json
import subprocess

import pytest

from conftest import BIN, PATIENCE_S, allow, deny, policy

GOOD = policy(allow("s3:GetObject", "arn:aws:s3:::b/*"))
TYPO = policy(allow("s3:GetObjekt", "arn:aws:s3:::b/*"))
STAR = policy(allow("iam:PassRole", "*"))
EDITED = policy(allow(["s3:GetObject", "s3:getobject"], "arn:aws:s3:::b/*"))
OLD = json.dumps({"Statement": [allow("s3:GetObject", "arn:aws:s3:::b/*")]})


def check(*args, stdin=None):
    return subprocess.run([BIN, "policy", "check", *map(str, args)], text=True, capture_output=True, timeout=PATIENCE_S, input=stdin)


def write(tmp_path, text, name="p.json"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_good_policy_is_silent_but_for_the_count(tmp_path):
    done = check(write(tmp_path, GOOD))
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 file: 0 errors, 0 security warnings, 0 warnings, 0 suggestions\n", "")


def test_a_finding_is_a_line_that_editors_understand(tmp_path):
    path = write(tmp_path, json.dumps(json.loads(TYPO), indent=2))
    done = check(path)
    assert done.returncode == 1
    assert done.stdout.startswith(f'{path}:6:17: ERROR INVALID_ACTION: Amazon S3 has no action "GetObjekt". Did you mean s3:GetObject?\n')


@pytest.mark.parametrize("text, type", [(TYPO, "error"), (STAR, "security"), (OLD, "warning"), (EDITED, "suggestion")])
def test_the_exit_status_is_by_severity(text, type, tmp_path):
    order = ["error", "security", "warning", "suggestion"]
    for limit in order:
        done = check("--fail-on", limit, write(tmp_path, text))
        assert done.returncode == (order.index(type) <= order.index(limit)), (limit, done.stdout)
    assert check(write(tmp_path, text)).returncode == (type in ("error", "security"))


def test_several_files_and_standard_input(tmp_path):
    done = check(write(tmp_path, GOOD, "a"), "-", write(tmp_path, STAR, "b"), stdin=TYPO)
    assert done.returncode == 1 and "\n3 files: " not in done.stdout.splitlines()[0]
    assert [line.split(":")[0].split("/")[-1] for line in done.stdout.splitlines()] == ["-", "b", "3 files"]


def test_the_kind_decides(tmp_path):
    trust = write(tmp_path, policy(allow("sts:AssumeRole", None, Principal={"AWS": "111122223333"})))
    assert check(trust).returncode == 0
    assert "UNSUPPORTED_PRINCIPAL" in check("--kind", "identity", trust).stdout
    everything = write(tmp_path, policy(allow("*", "*")))
    assert "FULL_ADMIN_ACCESS" in check(everything).stdout
    for kind in ("scp", "boundary", "session"):
        assert check("--kind", kind, everything).returncode == 0, kind


def test_json_has_what_validate_policy_has(tmp_path):
    path = write(tmp_path, TYPO)
    (one,) = json.loads(check("--format", "json", path).stdout)
    assert (one["file"], one["kind"]) == (str(path), "identity")
    (finding,) = one["findings"]
    assert (finding["findingType"], finding["issueCode"], finding["path"]) == ("ERROR", "INVALID_ACTION", "Statement[0].Action")
    assert TYPO[finding["offset"]:][:finding["length"]] == '"s3:GetObjekt"' and finding["line"] == 1


def test_sarif_names_rule_level_and_place(tmp_path):
    path = write(tmp_path, STAR)
    done = check("--format=sarif", path)
    assert done.returncode == 1
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0" and log["runs"][0]["tool"]["driver"]["name"] == "holdfast policy check"
    (result,) = log["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("PASS_ROLE_WITH_STAR_IN_RESOURCE", "error")
    assert place["artifactLocation"]["uri"] == str(path) and place["region"]["startLine"] == 1


def test_unreachable_statements_are_found(tmp_path):
    done = check("--fail-on", "warning", write(tmp_path, policy(allow("s3:Get*", "arn:aws:s3:::b/*"), deny("s3:*", "*"))))
    assert done.returncode == 1 and "UNREACHABLE_STATEMENT" in done.stdout


@pytest.mark.parametrize("args", [[], ["--kind", "user", "x"], ["--format", "xml", "x"], ["--fail-on", "never", "x"], ["--what", "x"],
                                  ["/nonexistent"], ["/"]])
def test_wrong_usage_and_unreadable_files_are_2(args):
    done = check(*args)
    assert done.returncode == 2 and done.stderr.startswith("holdfast policy check: ") and done.stdout == ""


def test_help():
    done = check("--help")
    assert done.returncode == 0 and done.stdout.startswith("usage: holdfast policy check ")
    done = subprocess.run([BIN, "policy", "--help"], text=True, capture_output=True)
    assert done.returncode == 0 and "  check " in done.stdout
    for args in ([], ["frob"]):
        assert subprocess.run([BIN, "policy", *args], text=True, capture_output=True).returncode == 2
