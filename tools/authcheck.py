#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hold our models' authorization facts against the catalogue (src/policy/catalogue.txt).

    authcheck.py [--allow FILE] MODEL ...      every difference, one a line; exit 1 if there are any

For each operation: its action exists and has that access level; its resource is of a type the action takes;
the condition keys it supplies are known, and known to that action. What differs on purpose stands in authcheck.allow
with its reason, in modelcheck.allow's form; a line there that excuses nothing any more is an error too.
"""
import fnmatch
import pathlib
import re
import sys

from catalogue import TEXT, Catalogue
from model import Bad, Model
from modelcheck import read_allow

LEVEL = {"LIST": "List", "READ": "Read", "WRITE": "Write", "TAGGING": "Tagging", "PERMISSIONS": "Permissions management"}


class Facts:
    def __init__(self, text):
        cat = Catalogue(text)
        self.keys = cat.keys
        self.types = {(s["prefix"], t[0]): t for s in cat.services for t in s["types"]}
        self.actions = {f"{s['prefix']}:{a[0]}": (s["prefix"], a) for s in cat.services for a in s["actions"]}

    def keys_of(self, action):
        """In lower case: of the action, of the types it takes, of every request."""
        prefix, (_, _, uses, keys) = self.actions[action]
        found = {k.lower() for k in keys} | {k for k, row in self.keys.items() if row[2]}
        for name, _, own in uses:
            found |= {k.lower() for k in own} | {k.lower() for k in self.types[prefix, name][2]}
        return found

    def arns_of(self, action):
        prefix, (_, _, uses, _) = self.actions[action]
        return [arn for name, _, _ in uses for arn in self.types[prefix, name][1].split()]


def fits(ours, arn, service):
    """Is our resource ("key/{KeyId}", or a whole ARN) of the form of this ARN?"""
    if not ours.startswith("arn:"):
        arn = arn.split(":", 5)[5]
        ours = ours if arn.startswith("/") is ours.startswith("/") else "/" + ours
    pattern = "".join(".*" if p.startswith("${") else re.escape(p) for p in re.split(r"(\$\{\w+\})", arn))
    return re.fullmatch(pattern, re.sub(r"\{\w+\}", "x", ours.replace("arn:aws:", "arn:x:"))) is not None


def differences(model, facts):
    for op in model.ops:
        path, action = f"{model.name} {op.name}", op.row["action"]
        if action not in facts.actions:
            yield f"{path}: action {action} is not in the catalogue"
            continue
        level = LEVEL[facts.actions[action][1][1]]
        if op.row["access"] != level:
            yield f"{path}: access: ours {op.row['access']}, of {action} {level}"
        arns, ours = facts.arns_of(action), op.row["resource"]
        if ours == "*" and arns and "authorize" not in op.row and not any(r == "*" for r in arns):
            yield f"{path}: resource: ours *, of {action} {arns[0]}"
        if ours != "*" and not re.fullmatch(r"\{\w+\}", ours) and not any(fits(ours, a, model.name) for a in arns):
            yield f"{path}: resource: ours {ours}, of {action} {' '.join(arns) or '*'}"
        known = facts.keys_of(action)
        for key in sorted({k for k, _ in op.conditions}):
            if key.lower() not in facts.keys:
                yield f"{path}: key {key} is not in the catalogue"
            elif facts.keys[key.lower()][0] != key:
                yield f"{path}: key {key} is spelt {facts.keys[key.lower()][0]}"
            elif key.lower() not in known:
                yield f"{path}: key {key} is not a key of {action}"


def check(models, facts, allow_path):
    allow, bad = read_allow(allow_path) if allow_path else [], []
    for line in (line for m in models for line in differences(m, facts)):
        hits = [a for a in allow if fnmatch.fnmatchcase(line, a[0].replace("[", "[[]"))]
        for a in hits:
            a[2] = True
        bad += [] if hits else [line]
    names = {m.name for m in models}
    return bad + [f"{allow_path.name}:{n}: excuses nothing: {pattern}" for pattern, n, used in allow
                  if not used and pattern.split()[0] in names]


def main(argv):
    allow = pathlib.Path(__file__).with_name("authcheck.allow")
    if argv[:1] == ["--allow"] and len(argv) > 1:
        allow, argv = pathlib.Path(argv[1]), argv[2:]
    if not argv or argv[0].startswith("-"):
        print("usage: authcheck.py [--allow FILE] MODEL ...", file=sys.stderr)
        return 2
    try:
        models = sorted((Model(p) for p in argv), key=lambda m: m.name)
        bad = check(models, Facts(TEXT.read_text()), allow if allow.exists() else None)
    except Bad as e:
        print(e, file=sys.stderr)
        return 1
    print("\n".join(bad) if bad else f"{len(models)} models agree with the catalogue")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
