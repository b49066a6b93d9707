#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hold our models against the installed botocore.

    modelcheck.py [--allow FILE] MODEL ...     every difference, one a line; exit 1 if there are any
    modelcheck.py --coverage OUT MODEL ...     write the page that says which operations are built

Both sides are turned into the same words and compared operation by operation, member by
member, down through structs, lists and maps. What AWS has added since that botocore, or
what we say differently on purpose, stands in modelcheck.allow with its reason. A line
there that excuses nothing any more is an error too.

Ours may say more where botocore says nothing: a default, a bound, `sensitive`,
`unrecorded`, further faults; and query names in the uri of members that are required.
"""
import fnmatch
import pathlib
import sys

import botocore.loaders

from model import Bad, Model

KINDS = {"structure": "STRUCT", "list": "LIST", "map": "MAP", "string": "STRING", "character": "STRING", "blob": "BLOB",
         "boolean": "BOOL", "integer": "INT", "long": "LONG", "float": "FLOAT", "double": "DOUBLE", "timestamp": "TIME"}
PROTOCOL = {"query": "query", "ec2": "ec2", "rest-xml": "rest-xml", "rest-json": "rest-json"}
TIMES = {"unixTimestamp": "unix", "iso8601": "iso8601", "rfc822": "http"}
PLACES = {"header": "header", "headers": "headers", "querystring": "query", "uri": "label", "statusCode": "status"}


class Check:
    def __init__(self, model):
        self.m = model
        self.api = load(model.name)
        self.shapes = self.api["shapes"]
        self.found = []
        self.seen = set()

    def differ(self, path, text):
        self.found.append((f"{self.m.name} {path}", text))

    def same(self, path, what, ours, theirs):
        if ours != theirs:
            self.differ(path, f"{what}: ours {ours!r}, botocore {theirs!r}")

    def run(self):
        self.check_service()
        for op in self.m.ops:
            theirs = self.api["operations"].get(op.name)
            if not theirs:
                self.differ(op.name, "no such operation")
                continue
            self.check_http(op, theirs)
            self.check_faults(op, theirs)
            for side, t, their in (("in", op.input, "input"), ("out", op.output, "output")):
                shape = self.shapes[theirs[their]["shape"]] if their in theirs else {"members": {}}
                self.check_members(f"{op.name}.{side}", t, shape)
        return self.found

    def check_service(self):
        meta, s = self.api["metadata"], self.m.service
        protocol = f"json-{meta['jsonVersion']}" if meta["protocol"] == "json" else PROTOCOL[meta["protocol"]]
        for key, theirs in (("protocol", protocol), ("version", meta["apiVersion"]),
                            ("endpoint", meta["endpointPrefix"]), ("target", meta.get("targetPrefix")),
                            ("signing", meta.get("signingName", meta["endpointPrefix"]))):
            self.same("service", key, s.get(key), theirs)
        if meta.get("xmlNamespace"):
            self.same("service", "xmlns", s.get("xmlns"), meta["xmlNamespace"])

    def check_http(self, op, theirs):
        if not self.m.rest:
            return
        http = theirs["http"]
        self.same(op.name, "method", op.row["method"], http["method"])
        self.same(op.name, "http", op.row["http"], http.get("responseCode", 200))
        path, _, query = op.row["uri"].partition("?")
        their_path, _, their_query = http["requestUri"].partition("?")
        self.same(op.name, "path", path, their_path)
        required = {m.wire for m in op.input.members if m.where == "query" and "required" in m.words}
        extra = set(filter(None, query.split("&"))) ^ set(filter(None, their_query.split("&")))
        if extra - required:
            self.differ(op.name, f"query: ours {query!r}, botocore {their_query!r}")

    def check_faults(self, op, theirs):
        for e in theirs.get("errors", []):
            name, shape = e["shape"], self.shapes[e["shape"]]
            if name not in op.row["faults"]:
                self.differ(op.name, f"fault {name} is missing")
                continue
            error, ours = shape.get("error", {}), self.m.faults[name]
            if "httpStatusCode" in error:
                self.same(f"fault.{name}", "http", ours["http"], error["httpStatusCode"])
            self.same(f"fault.{name}", "code", ours["code"] or name, error.get("code", name))

    def check_members(self, path, t, shape):
        ours, theirs = {m.name: m for m in t.members}, shape.get("members", {})
        for name in theirs.keys() - ours.keys():
            self.differ(f"{path}.{name}", "is missing")
        for name in ours.keys() - theirs.keys():
            self.differ(f"{path}.{name}", "is not in botocore")
        for name in (n for n in theirs if n in ours):
            self.check_member(f"{path}.{name}", ours[name], shape, theirs[name])

    def check_member(self, path, m, owner, theirs):
        shape, w = self.shapes[theirs["shape"]], m.words
        if m.name in owner.get("required", ()) and "required" not in w:
            self.differ(path, "is required in botocore")
        if "required" in w and m.name not in owner.get("required", ()) and ".in" in path:
            self.differ(path, "is not required in botocore")
        if owner.get("payload") == m.name:
            stream = theirs.get("streaming") or shape.get("streaming")
            where, wire = "stream" if stream else "payload", theirs.get("locationName", m.name)
        else:
            where = PLACES.get(theirs.get("location"), "body")
            wire = theirs.get("locationName", m.name)
            if shape["type"] == "list" and shape.get("flattened") and where == "body":
                wire = theirs.get("locationName") or shape["member"].get("locationName") or m.name
        self.same(path, "place", m.where, where)
        self.same(path, "wire", m.wire, wire)
        if shape.get("sensitive") and not ("sensitive" in w or m.type.sensitive or "unrecorded" in w):
            self.differ(path, "is sensitive in botocore")
        for word, there in (("flattened", shape.get("flattened") or theirs.get("flattened")),
                            ("attribute", theirs.get("xmlAttribute")), ("token", theirs.get("idempotencyToken"))):
            self.same(path, word, word in w, bool(there))
        form = theirs.get("timestampFormat") or shape.get("timestampFormat")
        self.same(path, "time", w.get("time"), TIMES.get(form))
        self.check_type(path, m.type, theirs["shape"])

    def check_type(self, path, t, name):
        """The same kind, bounds and parts. A pair of shapes is compared once: they may be recursive."""
        shape = self.shapes[name]
        kind = "ENUM" if "enum" in shape else "UNION" if shape.get("union") else KINDS[shape["type"]]
        if path.endswith("<>") and kind == "ENUM":     # a map's keys travel and lie as strings
            return
        if t.kind != kind:
            self.differ(path, f"type: ours {t.kind.lower()}, botocore {kind.lower()}")
            return
        for ours, word in ((t.lo, "min"), (t.hi, "max")):
            if shape.get(word) is not None and kind != "ENUM":
                self.same(path, word, ours, int(shape[word]))
        self.same(path, "pattern", t.pattern, shape.get("pattern"))
        if kind == "ENUM":
            self.check_enum(t, shape["enum"])
        elif kind in ("STRUCT", "UNION") and (t, name) not in self.seen:
            self.seen.add((t, name))
            self.check_members(t.name, t, shape)
        elif kind == "LIST":
            self.same(path, "item", t.elem_name or "member", "member" if shape.get("flattened") else
                      shape["member"].get("locationName", "member"))
            self.check_type(f"{path}[]", t.elem, shape["member"]["shape"])
        elif kind == "MAP":
            self.check_type(f"{path}<>", t.key, shape["key"]["shape"])
            self.check_type(f"{path}{{}}", t.elem, shape["value"]["shape"])

    def check_enum(self, t, values):
        for v in (v for v in values if v not in t.values):
            self.differ(t.name, f"value {v!r} is missing")
        for v in (v for v in t.values if v not in values):
            self.differ(t.name, f"value {v!r} is not in botocore")


def load(name):
    return botocore.loaders.Loader().load_service_model(name, "service-2")


def read_allow(path):
    """Lines of: pattern for 'service path: difference' | reason."""
    out = []
    for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        pattern, bar, reason = (p.strip() for p in line.partition("|"))
        if not bar or not pattern or not reason:
            raise Bad(f"{path.name}:{n}: expected 'PATTERN | reason'")
        out.append([pattern, n, False])
    return out


def check(models, allow_path):
    allow = read_allow(allow_path) if allow_path else []
    bad = []
    for m in models:
        for path, text in sorted(set(Check(m).run())):
            line = f"{path}: {text}"
            hits = [a for a in allow if fnmatch.fnmatchcase(line, a[0].replace("[", "[[]"))]
            for a in hits:
                a[2] = True
            if not hits:
                bad.append(line)
    names = {m.name for m in models}
    bad += [f"{allow_path.name}:{n}: excuses nothing: {pattern}" for pattern, n, used in allow
            if not used and pattern.split()[0] in names]
    return bad


def coverage(models):
    built = sum(len(m.ops) for m in models)
    out = ["# What is built", "",
           "Generated by `tools/modelcheck.py --coverage`. An operation that is not built answers with a clear error.",
           "", f"{built} operations of {len(models)} services.", ""]
    for m in models:
        ops = sorted(load(m.name)["operations"])
        have = {op.name for op in m.ops}
        out += [f"## {m.name}: {len(have)} of {len(ops)}", "", f"Built: {', '.join(sorted(have))}", ""]
        missing = [o for o in ops if o not in have and o not in m.unsupported]
        out += [f"Not built: {', '.join(missing)}", ""] if missing else []
        for reason in dict.fromkeys(m.unsupported.values()):
            names = [name for name, why in m.unsupported.items() if why == reason]
            out += [f"Not supported, {reason}: {', '.join(names)}", ""]
    return "\n".join(out)


def main(argv):
    here = pathlib.Path(__file__).parent
    allow, page = here / "modelcheck.allow", None
    while argv[:1] and argv[0] in ("--allow", "--coverage"):
        if len(argv) < 2:
            argv = []
            break
        if argv[0] == "--allow":
            allow = pathlib.Path(argv[1])
        else:
            page = pathlib.Path(argv[1])
        argv = argv[2:]
    if not argv or argv[0].startswith("-"):
        print("usage: modelcheck.py [--allow FILE] [--coverage OUT] MODEL ...", file=sys.stderr)
        return 2
    try:
        models = sorted((Model(p) for p in argv), key=lambda m: m.name)
        if page:
            page.write_text(coverage(models), encoding="utf-8")
            return 0
        bad = check(models, allow if allow.exists() else None)
    except Bad as e:
        print(e, file=sys.stderr)
        return 1
    print("\n".join(bad) if bad else f"{len(models)} models agree with botocore")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
