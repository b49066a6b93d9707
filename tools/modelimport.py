#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draft a service model from the installed botocore.

    modelimport.py SERVICE [OPERATION ...] [--as NAME]

prints a model with the chosen operations: names, types, limits, patterns, bindings, enums
and faults. Never prose. What botocore does not know (doc, access, resource) stands as "?",
which apigen refuses until someone has looked it up. --as names our service where that
differs from botocore's name.
"""
import sys

import botocore.loaders

HEAD_KEYS = ("name", "signing", "endpoint", "source", "target", "version", "xmlns", "protocol", "global", "docs")
TIME = {"unixTimestamp": "unix", "iso8601": "iso8601", "rfc822": "http"}
PLACE = {"header": "header", "headers": "headers", "querystring": "query"}


def quoted(text):
    """A TOML string; the literal form where a pattern's backslashes would have to be doubled."""
    if ("\\" in text or '"' in text) and "'" not in text and all(" " <= c != "\x7f" for c in text):
        return f"'{text}'"
    out = "".join(f"\\u{ord(c):04X}" if c < " " or c == "\x7f" else "\\" + c if c in '\\"' else c for c in text)
    return f'"{out}"'


class Draft:
    def __init__(self, service, name):
        self.api = botocore.loaders.Loader().load_service_model(service, "service-2")
        self.shapes, self.meta, self.name = self.api["shapes"], self.api["metadata"], name
        self.tables = {t: {} for t in ("fault", "enum", "string", "map", "list", "struct", "union")}
        self.busy = set()

    # -- types

    def span(self, s):
        lo, hi = s.get("min"), s.get("max")
        return "" if lo is None and hi is None else \
            f" {'' if lo is None else int(lo)}..{'' if hi is None else int(hi)}"

    def type(self, name, nested=False):
        """The type as it stands in a line. `nested`: inside another type, where only simple words fit."""
        s = self.shapes[name]
        kind = s["type"]
        if s.get("eventstream"):
            sys.exit(f"{name}: event streams cannot be said in a model")
        if kind == "character":
            kind = "string"
        if "enum" in s:
            self.tables["enum"][name] = s["enum"]
            return name
        if kind in ("string", "blob") and (s.get("pattern") or (s.get("sensitive") and nested)):
            words = [f"{kind}{self.span(s)}"] + (["sensitive"] if s.get("sensitive") else [])
            words += [f"pattern /{s['pattern']}/"] if s.get("pattern") else []
            self.tables["string"][name] = ", ".join(words)
            return name
        if kind == "structure":
            if s.get("document"):
                return "document"
            self.struct(name)
            return name
        if kind in ("list", "map") and nested and self.needs_name(s):
            if name not in self.tables[kind]:
                self.tables[kind][name] = ""
                self.tables[kind][name] = ", ".join([self.box(s), *self.names_of(s)])
            return name
        if kind in ("list", "map"):
            return self.box(s)
        return kind + self.span(s)

    def needs_name(self, s):
        return s["type"] == "map" or self.names_of(s) or s["type"] == "list"

    def box(self, s):
        if s["type"] == "list":
            return f"{self.type(s['member']['shape'], True)} list{self.span(s)}"
        return f"{self.type(s['key']['shape'], True)} to {self.type(s['value']['shape'], True)} map{self.span(s)}"

    def names_of(self, s):
        """Words that name the elements in XML and query documents."""
        if s["type"] == "list":
            n = s["member"].get("locationName")
            return [f"item {n}"] if n and n != "member" and not s.get("flattened") else []
        k, v = s["key"].get("locationName"), s["value"].get("locationName")
        return ([f"item {v}"] if v and v != "value" else []) + ([f"key {k}"] if k and k != "key" else [])

    def struct(self, name):
        if name in self.busy:
            return
        self.busy.add(name)
        s = self.shapes[name]
        kind = "union" if s.get("union") else "struct"
        self.tables[kind][name] = {}
        self.tables[kind][name].update(self.members(s))

    # -- members

    def members(self, s):
        return {n: self.line(s, n, m) for n, m in s.get("members", {}).items()}

    def line(self, owner, name, m):
        s = self.shapes[m["shape"]]
        words = [self.type(m["shape"])]
        words += ["required"] if name in owner.get("required", ()) else []
        words += ["token"] if m.get("idempotencyToken") else []
        named = words[0] in self.tables["string"]
        words += ["sensitive"] if s.get("sensitive") and not named else []
        words += self.binding(owner, name, m, s)
        if s["type"] in ("list", "map"):
            words += ["flattened"] if s.get("flattened") or m.get("flattened") else []
            words += self.names_of(s)
        words += ["attribute"] if m.get("xmlAttribute") else []
        form = m.get("timestampFormat") or s.get("timestampFormat")
        words += [f"time {TIME[form]}"] if form else []
        ns = m.get("xmlNamespace") or s.get("xmlNamespace") or {}
        words += [f"xmlns {ns['prefix']}={ns['uri']}"] if isinstance(ns, dict) and ns.get("prefix") else []
        return ", ".join(words)

    def binding(self, owner, name, m, s):
        wire, place = m.get("locationName", name), m.get("location")
        if owner.get("payload") == name:
            if m.get("streaming") or s.get("streaming"):
                return ["stream"]
            return ["payload"] + ([f"name {wire}"] if wire != name else [])
        if place == "uri":
            return ["label"] + ([f"name {wire}"] if wire != name else [])
        if place == "statusCode":
            return ["status"]
        if place:
            return [f"{PLACE[place]} {wire}"]
        flat = s["type"] == "list" and s.get("flattened") and s["member"].get("locationName")
        wire = m.get("locationName") or flat or name
        return [f"name {wire}"] if wire != name else []

    # -- the whole

    def operation(self, name):
        """The rows of one operation, in the order in which they are written."""
        op = self.api["operations"][name]
        http = op["http"]
        row = {"doc": "?", "access": "?", "resource": "?"}
        if self.meta["protocol"].startswith("rest-"):
            row |= {"method": http["method"], "uri": http["requestUri"]}
            if http.get("responseCode", 200) != 200:
                row["http"] = http["responseCode"]
        out = self.shapes[op["output"]["shape"]] if "output" in op else {}
        if self.meta["protocol"] == "query":
            wrapper = op.get("output", {}).get("resultWrapper", f"{name}Result")
            if wrapper != f"{name}Result":
                row["result"] = wrapper
        row["faults"] = [self.fault(e) for e in dict.fromkeys(e["shape"] for e in op.get("errors", []))]
        for side in ("input", "output"):
            members = self.members(self.shapes[op[side]["shape"]]) if side in op else {}
            row |= {f"{side[:-3]}.{n}": line for n, line in members.items()}
            if side == "output" and self.meta["protocol"] == "rest-xml" and "payload" not in out \
                    and any("location" not in m for m in out.get("members", {}).values()):
                row.setdefault("out_root", f"{name}Result")
        return row

    def fault(self, name):
        s = self.shapes[name]
        error = s.get("error", {})
        http = error.get("httpStatusCode", 500 if s.get("fault") else 400)
        code = error.get("code")
        fault = {"http": http} | ({"code": code} if code and code != name else {})
        if s.get("fault") and http < 500:
            fault["server"] = True
        self.tables["fault"][name] = fault
        return name

    def service(self):
        m, n = self.meta, self.name
        protocol = f"json-{m['jsonVersion']}" if m["protocol"] == "json" else m["protocol"]
        row = {"name": n, "signing": m.get("signingName", m["endpointPrefix"]), "endpoint": m["endpointPrefix"],
               "source": f"{n}.amazonaws.com", "target": m.get("targetPrefix"), "version": m["apiVersion"],
               "xmlns": m.get("xmlNamespace"), "protocol": protocol,
               "docs": f"https://docs.aws.amazon.com/{n}/latest/APIReference/API_"}
        return {k: v for k in HEAD_KEYS if (v := row.get(k))}


def value(v):
    if isinstance(v, str):
        return quoted(v)
    if isinstance(v, bool):
        return str(v).lower()
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{k if k.isidentifier() else quoted(k)} = {value(x)}" for k, x in v.items()) + " }"
    if isinstance(v, list):
        flat = "[" + ", ".join(map(value, v)) + "]"
        return flat if len(flat) <= 100 else "[\n" + "".join(f"  {value(x)},\n" for x in v) + "]"
    return str(v)


def table(head, rows):
    """A TOML table; a table inside it as dotted keys, one a line."""
    rows = {k: v for key, v in rows.items() for k, v in
            ({f"{key}.{quoted(x)}": y for x, y in v.items()} if head.startswith("[op.") and isinstance(v, dict)
             else {key: v}).items()}
    width = max((len(k) for k in rows if len(k) <= 32), default=0)
    return [head, *(f"{k:<{width}} = {value(v)}" for k, v in rows.items()), ""]


def render(draft, service, ops, authorize=None):
    """The model's text; `service` and `ops` are tables as Draft makes them."""
    out = [f"# {service['name']}: operations, members, limits, who may call, what may go wrong.", ""]
    out += table("[service]", service)
    faults = {n: f["http"] if len(f) == 1 else f for n, f in sorted(draft.tables["fault"].items())}
    types = [(k, draft.tables[k]) for k in ("enum", "string", "list", "map")]
    for kind, rows in (("fault", faults), ("authorize", authorize or {}), *types):
        if rows:
            out += table(f"[{kind}]", dict(sorted(rows.items())))
    for kind in ("struct", "union"):
        for name, rows in sorted(draft.tables[kind].items()):
            out += table(f"[{kind}.{name}]", rows)
    for name, rows in ops.items():
        out += table(f"[op.{name}]", rows)
    return "\n".join(out)


def main(argv):
    name = None
    if "--as" in argv:
        i = argv.index("--as")
        name, argv = argv[i + 1], argv[:i] + argv[i + 2:]
    if not argv or argv[0].startswith("-"):
        print("usage: modelimport.py SERVICE [OPERATION ...] [--as NAME]", file=sys.stderr)
        return 2
    draft = Draft(argv[0], name or argv[0])
    unknown = [o for o in argv[1:] if o not in draft.api["operations"]]
    if unknown:
        print(f"{argv[0]} has no operation {', '.join(unknown)}", file=sys.stderr)
        return 1
    ops = {o: draft.operation(o) for o in argv[1:] or sorted(draft.api["operations"])}
    print(render(draft, draft.service(), ops), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
