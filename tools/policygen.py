#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Turn the AWS managed policies we have (src/svc/iam/managed/*.toml) into a C table.

    policygen.py CATALOGUE OUT.c POLICIES.toml ...

A policy is a table of its name:

    [AmazonS3ReadOnlyAccess]
    doc   = "Read-only access to all buckets."    # in our own words
    since = 2015-02-06                            # when AWS made it
    path  = "/service-role/"                      # if not "/"
    allow = ["s3:Get*", "s3:List*"]               # on every resource; deny = [...] the same
    statement = [{ Effect = "Allow", Action = "s3:*", Resource = "...", Condition = { ... } }]     # whatever else it has

Every action must match one that the catalogue (src/policy/catalogue.txt) knows: a policy with a slip in it would allow
less than it says, or deny less. The table is sorted by name; a policy's unique id is made from its name.
"""
import base64
import datetime
import fnmatch
import hashlib
import json
import pathlib
import re
import sys
import tomllib

KEYS = {"doc": str, "since": datetime.date, "path": str, "allow": list, "deny": list, "statement": list}
STATEMENT = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class Bad(Exception):
    """A policy is wrong; the text says which and how."""


def known_actions(path):
    """Service prefix -> its actions in lower case."""
    found, service = {}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition("\t")
        name = rest.split("\t")[0]
        if kind == "s":
            service = found.setdefault(name, [])
        elif kind == "a":
            service.append(name.lower())
    return found


def check_actions(name, actions, known):
    for action in [actions] if isinstance(actions, str) else actions:
        service, colon, what = action.partition(":")
        if action != "*" and (not colon or not fnmatch.filter(known.get(service, ()), what.lower())):
            raise Bad(f"{name}: no action is called {action!r}")
    if isinstance(actions, list) and len(set(actions)) != len(actions):
        raise Bad(f"{name}: an action is listed twice")


def statements(name, row, known):
    made = []
    for effect in ("allow", "deny"):
        if row.get(effect):
            check_actions(name, row[effect], known)
            made.append({"Effect": effect.capitalize(), "Action": row[effect], "Resource": "*"})
    for s in row.get("statement", []):
        if set(s) - STATEMENT or s.get("Effect") not in ("Allow", "Deny") or not {"Resource", "NotResource"} & set(s):
            raise Bad(f"{name}: not a statement: {s!r}")
        check_actions(name, s.get("Action", s.get("NotAction", "")), known)
        made.append(s)
    if not made:
        raise Bad(f"{name}: has no statement")
    return made


def read(name, row, known):
    for key, value in row.items():
        if not isinstance(value, KEYS.get(key, ())):
            raise Bad(f"{name}.{key}: unknown, or not a {KEYS[key].__name__ if key in KEYS else 'key'}")
    if not row.get("doc") or "since" not in row:
        raise Bad(f"{name}: doc and since must be stated")
    path = row.get("path", "/")
    if not re.fullmatch(r"/([a-z-]+/)?", path) or not re.fullmatch(r"[\w+=,.@-]{1,128}", name):
        raise Bad(f"{name}: path {path!r} or the name is not of the form of one")
    document = {"Version": "2012-10-17", "Statement": statements(name, row, known)}
    day = datetime.datetime.combine(row["since"], datetime.time(), datetime.timezone.utc)
    unique = base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]
    return {"name": name, "path": path, "id": "ANPA" + unique, "description": row["doc"],
            "document": json.dumps(document, separators=(",", ":")), "created_ms": int(day.timestamp()) * 1000}


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def table(policies):
    out = ["/* Generated from src/svc/iam/managed/ by tools/policygen.py. Change those files, not this one. */",
           '#include "svc/iam/iam.h"', "", "const struct iam_builtin iam_builtins[] = {"]
    for p in policies:
        texts = ",\n".join(f"\t  .{k} = {c_string(p[k])}" for k in ("name", "path", "id", "description", "document"))
        out.append(f"\t{{\n{texts},\n\t  .created_ms = INT64_C({p['created_ms']}) }},")
    return "\n".join([*out, "};", f"const size_t iam_builtins_n = {len(policies)};", ""])


def main(argv):
    if len(argv) < 3:
        print("usage: policygen.py CATALOGUE OUT.c POLICIES.toml ...", file=sys.stderr)
        return 2
    known, policies = known_actions(pathlib.Path(argv[0])), {}
    try:
        for path in argv[2:]:
            for name, row in tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8")).items():
                if name in policies:
                    raise Bad(f"{name}: is there twice")
                policies[name] = read(name, row, known)
    except (Bad, tomllib.TOMLDecodeError) as e:
        print(f"policygen: {e}", file=sys.stderr)
        return 1
    pathlib.Path(argv[1]).write_text(table([p for _, p in sorted(policies.items())]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
