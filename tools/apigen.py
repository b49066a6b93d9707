#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Turn a service model into C tables.

    apigen.py src/svc/kms/kms.api.toml OUTDIR [--docs DIR] [--depfile FILE]

writes kms_api.h (enums, structs, prototypes), kms_api.c (constant tables), kms.dict
(words for the fuzzers) and, with --docs, kms.md (a page for people). A file is touched
only when its text changes. No logic is generated: the codecs in wire/ walk the tables.

model.py reads the model, docs/models.md describes its language.
"""
import pathlib
import re
import sys

from model import ACCESS, OPTIONAL, PROTOCOLS, TEXT, TIMES, Bad, Model, enum_value, ident, snake

PLAIN = {"BOOL": "bool", "INT": "int64_t", "LONG": "int64_t", "TIME": "int64_t", "FLOAT": "double",
         "DOUBLE": "double", "STRING": "struct str", "BLOB": "struct str", "DOCUMENT": "struct str"}


def quote(text):
    """A C string literal; NULL for None."""
    if text is None:
        return "NULL"
    return '"' + "".join(f"\\{c}" if c in '"\\' else c if " " <= c <= "~" else
                         "".join(f"\\{b:03o}" for b in c.encode()) for c in text) + '"'


# -- C names

def elem_ctype(m, t):
    """The C type of a value lying inline."""
    if t.kind in PLAIN:
        return PLAIN[t.kind]
    if t.kind == "ENUM":
        return f"enum {m.name}_{snake(t.name)}"
    return f"struct {container(m, t)}" if t.kind in ("LIST", "MAP") else f"struct {struct_name(m, t)}"


def struct_name(m, t):
    return f"{m.name}_{t.c}"


def container(m, t):
    """struct kms_tag_list, struct str_map: named by what it holds, so that equal types are one type in C."""
    suffix = "list" if t.kind == "LIST" else "map"
    e = t.elem
    if e.kind in TEXT:
        return f"str_{suffix}"
    if t.kind == "LIST" and PLAIN.get(e.kind) == "int64_t":
        return "int_list"
    inner = {"bool": "bool", "int64_t": "int", "double": "double"}.get(PLAIN.get(e.kind)) or \
        re.sub(rf"^(struct|enum) ({m.name}_)?", "", elem_ctype(m, e))
    return f"{m.name}_{inner}_{suffix}"


def member_ctype(m, mem):
    t = mem.type
    if t.kind in ("STRUCT", "UNION"):
        return f"const struct {struct_name(m, t)} *"
    return (OPTIONAL[t.kind] if t.kind in OPTIONAL and not mem.plain else elem_ctype(m, t)) + " "


def within(types):
    """These types and all they are made of, in a stable order."""
    out = []

    def walk(t):
        if t in out:
            return
        out.append(t)
        for mem in t.members or ():
            walk(mem.type)
        for u in (t.elem, t.key):
            if u:
                walk(u)

    for t in types:
        walk(t)
    return out


def reachable(m):
    """Every type that travels or is stored."""
    return within([t for op in m.ops for t in (op.input, op.output)] + list(m.records))


def sensitive(op):
    """Does it take or give a secret, however deep?"""
    return any(t.sensitive or any("sensitive" in x.words for x in t.members or ()) for t in within([op.input, op.output]))


# -- the header

BANNER = "/* Generated from {path} by tools/apigen.py. Change the model, not this file. */\n"


def header(m):
    types = reachable(m)
    guard = f"{m.name.upper()}_API_H"
    out = [BANNER.format(path=m.path.name), f"#ifndef {guard}", f"#define {guard}", "", '#include "api/op.h"']
    for t in types:
        if t.kind == "ENUM":
            values = [f"\t{enum_value(m.name, t, v)}{' = 1' if i == 0 else ''}," for i, v in enumerate(t.values)]
            out += ["", f"enum {m.name}_{snake(t.name)} {{", *values, "};"]
    boxes = {container(m, t): t for t in types if t.kind in ("LIST", "MAP")}
    boxes = {c: t for c, t in boxes.items() if c not in ("str_list", "int_list", "str_map")}
    for c, t in boxes.items():
        out += ["", f"struct {c} {{",
                f"\tconst {elem_ctype(m, t.elem) if t.kind == 'LIST' else f'struct {c}_entry'} *v;",
                "\tsize_t n;", "};"]
    sides = {t for op in m.ops for t in (op.input, op.output)} - set(m.types.values())
    for t in types:
        if t.kind in ("STRUCT", "UNION") and t not in sides:
            out += c_struct(m, t)
    for c, t in boxes.items():
        if t.kind == "MAP":
            out += ["", f"struct {c}_entry {{", "\tstruct str key;", f"\t{elem_ctype(m, t.elem)} value;", "};"]
    for op in m.ops:
        doc = op.row["doc"].replace("*/", "* /")
        for t in (op.input, op.output):
            out += c_struct(m, t) if t in sides else []
        out += ["", f"/* {doc}", f" * {m.service['docs']}{op.name}.html */", prototype(m, op) + ";"]
    if m.authorize:
        out += ["", "/* What must be allowed, where a row cannot say it: written beside the handlers. */"]
        out += [f"struct status {f}(struct req *, const void *in, struct authz *);" for f in sorted(m.authorize)]
    out += [""] + [f"extern const struct fault_kind {m.name}_{f}[1];" for f in m.faults]
    out += [f"extern const struct shape {struct_name(m, t)}_shape;" for t in m.records]
    out += [f"extern const struct service {m.name}_service;", "", "#endif", ""]
    return "\n".join(out)


def c_struct(m, t):
    fields = [f"\t{member_ctype(m, x)}{ident(x.name)};" for x in t.members if x.where != "stream"]
    return ["", f"struct {struct_name(m, t)} {{", *(fields or ["\tbool empty_; /* C knows no empty struct */"]), "};"]


def prototype(m, op):
    fn = f"{m.name}_{snake(op.name)}"
    return f"struct status {fn}(struct req *, const struct {struct_name(m, op.input)} *,\n" \
           f"    struct {struct_name(m, op.output)} *)"


# -- the tables

class Tables:
    """Names and initialisers of the shapes. Equal inline shapes are written once."""

    def __init__(self, m):
        self.m, self.names, self.rows, self.by_text, self.taken = m, {}, {}, {}, set()
        for t in reachable(m):
            self.shape(t)

    def fresh(self, base):
        name, n = base, 2
        while name in self.taken:
            name, n = f"{base}_{n}", n + 1
        self.taken.add(name)
        return name

    def shape(self, t):
        """The C name of t's shape; writes its row the first time."""
        if t in self.names:
            return self.names[t]
        if t.kind in ("STRUCT", "UNION"):
            base = struct_name(self.m, t)
            name = self.names[t] = base + "_shape" if t.record else self.fresh(base[len(self.m.name) + 1:] + "_shape")
            self.rows[name] = (t, self.fields(t))
            return name
        text = self.fields(t)
        key = (t.kind, t.values and t.name, tuple(text))
        if key not in self.by_text:
            base = snake(t.name) if t.kind not in ("LIST", "MAP") or t.name not in ("list", "map") else \
                re.sub(rf"^{self.m.name}_", "", container(self.m, t))
            self.by_text[key] = self.fresh(base + "_shape")
            self.rows[self.by_text[key]] = (t, text)
        self.names[t] = self.by_text[key]
        return self.names[t]

    def fields(self, t):
        m = self.m
        flags = [f for f, on in (("SH_MIN", t.lo is not None), ("SH_MAX", t.hi is not None),
                                 ("SH_SENSITIVE", t.sensitive)) if on]
        out = [f".name = {quote(t.name)}", f".kind = K_{t.kind}", f".size = sizeof({elem_ctype(m, t)})"]
        out += [f".flags = {' | '.join(flags)}"] if flags else []
        out += [f".min = {t.lo}"] if t.lo is not None else []
        out += [f".max = {t.hi}"] if t.hi is not None else []
        out += [f".pattern = {quote(t.pattern)}"] if t.pattern else []
        if t.kind == "ENUM":
            out.append(f".names = {snake(t.name)}_names")
        if t.kind in ("STRUCT", "UNION") and t.members:
            out += [f".members = {self.members_name(t)}", f".n_members = {len(t.members)}"]
        if t.kind == "LIST":
            out += [f".elem = &{self.shape(t.elem)}", f'.elem_name = {quote(t.elem_name or "member")}']
        if t.kind == "MAP":
            out += [f".elem = &{self.shape(t.elem)}", f".key = &{self.shape(t.key)}",
                    f'.elem_name = {quote(t.elem_name or "value")}', f'.key_name = {quote(t.key_name or "key")}']
        if t.root:
            out.append(f".root = {quote(t.root)}")
            out += [f".xmlns = {quote(m.service['xmlns'])}"] if m.service.get("xmlns") else []
        return out

    def members_name(self, t):
        return struct_name(self.m, t)[len(self.m.name) + 1:] + "_members"

    def member(self, t, mem, rest_labels):
        m, w = self.m, mem.words
        flags = [f for f, on in (("M_REQUIRED", "required" in w), ("M_DEFAULT", "default" in w),
                                 ("M_OPT", mem.type.kind in OPTIONAL and not mem.plain),
                                 ("M_SENSITIVE", "sensitive" in w or mem.type.sensitive), ("M_FLAT", "flattened" in w),
                                 ("M_ATTRIBUTE", "attribute" in w), ("M_TOKEN", "token" in w),
                                 ("M_LABEL_REST", mem.where == "label" and mem.wire in rest_labels),
                                 ("M_UNRECORDED", "unrecorded" in w)) if on]
        out = [quote(mem.name), quote(mem.wire), f"&{self.shape(mem.type)}"]
        out += [f".offset = offsetof(struct {struct_name(m, t)}, {ident(mem.name)})"] if mem.where != "stream" else []
        out += [f".flags = {' | '.join(flags)}"] if flags else []
        out += [f".where = W_{mem.where.upper()}"] if mem.where != "body" else []
        out += [f".time = {TIMES[w['time']]}"] if "time" in w else []
        out += [f".id = {mem.id}"] if mem.id else []
        out += [f".dflt = {m.default('', mem)}"] if "default" in w else []
        out += [f".xmlns = {quote(w['xmlns'])}"] if "xmlns" in w else []
        out += [f".says = {quote(m.says[mem.name])}"] if mem.name in m.says and mem.type.pattern else []
        return "\t{ " + ", ".join(out) + " },"


def tables(m):
    t = Tables(m)
    out = [BANNER.format(path=m.path.name), f'#include "{m.name}_api.h"', ""]
    for name, f in m.faults.items():
        more = (f", .code = {quote(f['code'])}" if f["code"] else "") + (", .server = true" if f["server"] else "")
        row = f".name = {quote(name)}, .http = {f['http']}{more}"
        out.append(f"const struct fault_kind {m.name}_{name}[1] = {{ {{ {row} }} }};")
    for x in reachable(m):
        if x.kind == "ENUM":
            out += ["", f"static const char *const {snake(x.name)}_names[] = {{",
                    *(f"\t{quote(v)}," for v in x.values), "\tNULL", "};"]
    out += [""] + [f"static const struct shape {n};" for n, (x, _) in t.rows.items() if not x.record]
    labels = {op.input: op.rest_labels for op in m.ops}
    for _, (x, _) in t.rows.items():
        if x.members:
            out += ["", f"static const struct member {t.members_name(x)}[] = {{",
                    *(t.member(x, mem, labels.get(x, ())) for mem in x.members), "};"]
    out.append("")
    for n, (x, fields) in t.rows.items():
        out.append(f"{'' if x.record else 'static '}const struct shape {n} = {{ {', '.join(fields)} }};")
    for op in m.ops:
        out += op_tables(m, t, op)
    out += ["", "static const struct op ops[] = {", *rows(m, t), "};", ""]
    out += [service_row(m), ""]
    return "\n".join(out)


def op_tables(m, t, op):
    s, out = snake(op.name), [""]
    if op.row["faults"]:
        out += [f"static const struct fault_kind *const {s}_faults[] = {{",
                *(f"\t{m.name}_{f}," for f in op.row["faults"]), "\tNULL", "};"]
    if op.conditions:
        rows = []
        for i, (key, path) in enumerate(op.conditions):
            if path:
                steps, owner = [], op.input
                for mem in path:
                    steps.append(f"&{t.members_name(owner)}[{owner.members.index(mem)}]")
                    owner = mem.type
                out.append(f"static const struct member *const {s}_path_{i}[] = {{ {', '.join(steps)}, NULL }};")
            rows.append(f"\t{{ {quote(key)}, {f'{s}_path_{i}' if path else 'NULL'} }},")
        out += [f"static const struct condition {s}_conditions[] = {{", *rows, "\t{ NULL, NULL }", "};"]
    return out + [f"static struct status {s}_call(struct req *rq, const void *in, void *out)", "{",
                  f"\treturn {m.name}_{s}(rq, in, out);", "}"]


def rows(m, t):
    """Those that are served and those that are not, in one table: sorted by name, and taken through the same pipeline."""
    made = {op.name: op_row(m, t, op) for op in m.ops}
    made |= {name: unsupported_row(m, name, reason) for name, reason in m.unsupported.items()}
    return [row for _, row in sorted(made.items())]


def unsupported_row(m, name, reason):
    reads = name.startswith(("Get", "List", "Describe"))
    lines = [f".name = {quote(name)}, .action = {quote(f'{m.name}:{name}')}, .resource = \"*\"",
             f".access = {'ACCESS_READ' if reads else 'ACCESS_WRITE'}, "
             f".flags = {'OP_READ_ONLY | ' if reads else ''}OP_NO_AUTHZ",
             '.method = "POST", .uri = "/", .http = 200',
             ".conditions = (const struct condition[]){ { NULL, NULL } }, "
             ".faults = (const struct fault_kind *const[]){ NULL }",
             f".in = &op_nothing_shape, .out = &op_nothing_shape, .call = op_unsupported,\n"
             f"\t  .unsupported = {quote(reason)}"]
    return "\t{ " + ",\n\t  ".join(lines) + " },"


def op_row(m, t, op):
    s, r = snake(op.name), op.row
    stream = {side: any(x.where == "stream" for x in u.members) for side, u in (("IN", op.input), ("OUT", op.output))}
    flags = [f for f, on in (("OP_READ_ONLY", r.get("read_only", r["access"] in ("List", "Read"))),
                             ("OP_DATA", r.get("data")), ("OP_ANONYMOUS", r.get("anonymous")),
                             ("OP_STREAM_IN", stream["IN"]), ("OP_STREAM_OUT", stream["OUT"]),
                             ("OP_NO_AUTHZ", r.get("no_authz")), ("OP_SENSITIVE", sensitive(op))) if on]
    usual = f"{op.name}Result" if op.output.members else None  # no output, no element for it
    wrapper = r.get("result", usual) if m.protocol == "query" else None
    conditions = f"{s}_conditions" if op.conditions else "(const struct condition[]){ { NULL, NULL } }"
    faults = f"{s}_faults" if r["faults"] else "(const struct fault_kind *const[]){ NULL }"
    rows = [f".name = {quote(op.name)}, .action = {quote(r['action'])}, .resource = {quote(r['resource'])}",
            f".event = {quote(r.get('event'))}, " + (f".version_action = {quote(r['version_action'])}, " if 'version_action' in r else "") +
            f".access = {ACCESS[r['access']]}, .flags = {' | '.join(flags) or 0}",
            f".method = {quote(r['method'])}, .uri = {quote(r['uri'])}, .http = {r['http']}",
            f".conditions = {conditions}, .faults = {faults}",
            f".in = &{t.shape(op.input)}, .out = &{t.shape(op.output)}, .out_wrapper = {quote(wrapper)}",
            f".authorize = {r.get('authorize', 'NULL')}, .call = {s}_call"]
    return "\t{ " + ",\n\t  ".join(rows) + " },"


def service_row(m):
    v = m.service
    texts = ", ".join(f".{k} = {quote(v.get(k))}" for k in
                      ("name", "signing", "endpoint", "source", "target", "version", "xmlns"))
    return f"const struct service {m.name}_service = {{ {texts},\n\t.protocol = {PROTOCOLS[m.protocol]}, " \
           f".global = {'true' if v.get('global') else 'false'}, " \
           f"{'.encoded_denials = true, ' if v.get('encoded_denials') else ''}.ops = ops, " \
           f".n_ops = {len(m.ops) + len(m.unsupported)} }};"


# -- for people and fuzzers

def describe(t):
    if t.kind == "LIST":
        return f"list of {describe(t.elem)}{span(t)}"
    if t.kind == "MAP":
        return f"map of {describe(t.key)} to {describe(t.elem)}{span(t)}"
    return t.name + span(t)


def span(t):
    return "" if t.lo is None and t.hi is None else \
        f" {t.lo if t.lo is not None else ''}..{t.hi if t.hi is not None else ''}"


def page(m):
    out = [f"# {m.name}: {len(m.ops)} operations", ""]
    for op in m.ops:
        r = op.row
        out += [f"## {op.name}", "", f"{r['doc']} [AWS's page]({m.service['docs']}{op.name}.html)", "",
                f"- allowed by `{r['action']}` on `{r['resource']}` ({r['access']})"]
        out += [f"- condition keys: {', '.join(f'`{k}`' for k, _ in op.conditions)}"] if op.conditions else []
        faults = ", ".join(f"`{f}` ({m.faults[f]['http']})" for f in r["faults"])
        out += [f"- faults: {faults}"] if faults else []
        for side, t in (("in", op.input), ("out", op.output)):
            for x in t.members:
                words = [w for w in ("required", "sensitive") if w in x.words]
                words += [f"default {x.words['default']}"] if "default" in x.words else []
                out.append(f"- {side} `{x.name}`: {', '.join([describe(x.type), *words])}")
        out.append("")
    if m.unsupported:
        out += ["## Not supported", "", *(f"- {name}: {reason}" for name, reason in m.unsupported.items()), ""]
    return "\n".join(out)


def dictionary(m):
    words = {op.name for op in m.ops} | m.unsupported.keys()
    for t in reachable(m):
        words |= {x.wire for x in t.members or ()} | set(t.values or ())
    lines = [quote(w) for w in sorted(words) if w and re.fullmatch(r"[ -~]+", w)]
    return "\n".join([f"# Words of {m.name} for libFuzzer.", *lines, ""])


def write_if_changed(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def option(argv, name):
    if name not in argv:
        return None, argv
    i = argv.index(name)
    return (argv[i + 1] if i + 1 < len(argv) else None), argv[:i] + argv[i + 2:]


def main(argv):
    docs, argv = option(argv, "--docs")
    depfile, argv = option(argv, "--depfile")
    if len(argv) != 2 or any(a.startswith("-") for a in argv):
        print("usage: apigen.py MODEL OUTDIR [--docs DIR] [--depfile FILE]", file=sys.stderr)
        return 2
    try:
        m = Model(argv[0])
    except Bad as e:
        print(e, file=sys.stderr)
        return 1
    out = pathlib.Path(argv[1])
    out.mkdir(parents=True, exist_ok=True)
    write_if_changed(out / f"{m.name}_api.h", header(m))
    write_if_changed(out / f"{m.name}_api.c", tables(m))
    write_if_changed(out / f"{m.name}.dict", dictionary(m))
    if docs:
        pathlib.Path(docs).mkdir(parents=True, exist_ok=True)
        write_if_changed(pathlib.Path(docs) / f"{m.name}.md", page(m))
    if depfile:
        parts = " ".join(str(path).replace(" ", "\\ ") for path, _ in m.files)
        pathlib.Path(depfile).write_text(f"{m.name}_api.h: {parts}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
