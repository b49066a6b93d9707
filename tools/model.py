# SPDX-License-Identifier: Apache-2.0
"""The language of the service models: reads an .api.toml into checked Python objects.

docs/models.md describes the language. The reader is strict: a word it does not know is an
error that names file, line, table and member, because a limit that is misspelt and ignored
is a hole. apigen.py and modelcheck.py both stand on it.
"""
import dataclasses
import pathlib
import re
import sys
import tomllib

SCALARS = {"string": "STRING", "blob": "BLOB", "document": "DOCUMENT", "boolean": "BOOL", "integer": "INT",
           "long": "LONG", "float": "FLOAT", "double": "DOUBLE", "timestamp": "TIME"}
TEXT, NUMBERS = {"STRING", "BLOB", "DOCUMENT"}, {"INT", "LONG", "FLOAT", "DOUBLE"}
OPTIONAL = {"BOOL": "struct opt_bool", "INT": "struct opt_int", "LONG": "struct opt_int", "TIME": "struct opt_int",
            "FLOAT": "struct opt_double", "DOUBLE": "struct opt_double"}
PROTOCOLS = {"json-1.0": "PROTO_JSON_1_0", "json-1.1": "PROTO_JSON_1_1", "query": "PROTO_QUERY", "ec2": "PROTO_EC2",
             "rest-xml": "PROTO_REST_XML", "rest-json": "PROTO_REST_JSON", "cbor": "PROTO_CBOR"}
ACCESS = {"List": "ACCESS_LIST", "Read": "ACCESS_READ", "Write": "ACCESS_WRITE", "Tagging": "ACCESS_TAGGING",
          "Permissions management": "ACCESS_PERMISSIONS"}
TABLES = {"service", "fault", "authorize", "enum", "string", "list", "map", "struct", "union", "record", "op",
          "unsupported", "says"}
SERVICE = {"name": str, "signing": str, "endpoint": str, "source": str, "version": str, "protocol": str, "docs": str,
           "target": str, "xmlns": str, "global": bool, "encoded_denials": bool,
           "parts": list}
SERVICE_REQUIRED = ("name", "signing", "endpoint", "source", "version", "protocol", "docs")
OP = {"doc": str, "access": str, "action": str, "resource": str, "authorize": str, "conditions": dict, "faults": list,
      "data": bool, "read_only": bool, "anonymous": bool, "no_authz": bool, "event": str, "version_action": str, "method": str, "uri": str,
      "http": int, "result": str, "out_root": str, "in": (dict, str), "out": (dict, str)}
# Words after a member's type: name -> whether it takes a value.
WORDS = {"required": 0, "default": 1, "sensitive": 0, "unrecorded": 0, "header": 1, "headers": 1, "query": 1,
         "label": 0, "payload": 0, "stream": 0, "status": 0, "name": 1, "flattened": 0, "attribute": 0, "token": 0,
         "time": 1, "item": 1, "key": 1, "xmlns": 1}
TYPE_WORDS = {"sensitive", "item", "key"}   # those that a reusable type may carry
TIMES = {"unix": "TF_UNIX", "iso8601": "TF_ISO8601", "http": "TF_HTTP"}
PLACES = ("header", "headers", "query", "label", "payload", "stream", "status")
KEYWORDS = set("""alignas alignof auto bool break case char const constexpr continue default do double else enum extern
    false float for goto if inline int long nullptr register restrict return short signed sizeof static static_assert
    struct switch thread_local true typedef typeof union unsigned void volatile while asm unix linux errno stdin stdout
    stderr assert""".split())


class Bad(Exception):
    """The model is wrong; the text says where and what was expected."""


def snake(name):
    """AWS's CamelCase as C writes it: SSEKMSKeyId -> sse_kms_key_id, ETag -> etag, CRC32C -> crc32c."""
    name = name.replace("ETag", "Etag").replace("SSEKMS", "SSE_KMS").replace("SSES3", "SSE_S3")
    name = re.sub(r"([A-Z]{2,})s(?![a-z])", lambda m: m[1].capitalize() + "s", name)     # IDs, ARNs
    name = re.sub(r"([A-Z])([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z])([A-Z])|([0-9])([A-Z][a-z])", lambda m: "_".join(g for g in m.groups() if g), name)
    name = name.replace("*", "ANY")
    return re.sub(r"_+", "_", re.sub(r"\W", "_", name)).strip("_").lower() or "empty"


def ident(name):
    name = snake(name)
    return name + "_" if name in KEYWORDS or name[0].isdigit() else name


def enum_value(service, t, value):
    return f"{service}_{snake(t.name)}_{snake(value)}".upper()


@dataclasses.dataclass(eq=False)
class Type:
    kind: str
    name: str                      # AWS's name, or the built-in's
    c: str = None                  # STRUCT, UNION, ENUM: its C name behind the service's prefix
    lo: int = None
    hi: int = None
    pattern: str = None
    sensitive: bool = False
    values: list = None            # ENUM
    members: list = None           # STRUCT, UNION
    elem: "Type" = None            # LIST, MAP
    key: "Type" = None             # MAP
    elem_name: str = None
    key_name: str = None
    root: str = None               # XML element when this is a document
    record: bool = False


@dataclasses.dataclass(eq=False)
class Member:
    name: str
    type: Type
    words: dict
    id: int = 0

    @property
    def where(self):
        return next((p for p in PLACES if p in self.words), "body")

    @property
    def wire(self):
        return next((self.words[p] for p in ("header", "headers", "query", "name") if p in self.words), self.name)

    @property
    def plain(self):
        return "required" in self.words or "default" in self.words


@dataclasses.dataclass(eq=False)
class Op:
    name: str
    row: dict
    input: Type
    output: Type
    conditions: list               # (key, None or [Member, ...])


class Model:
    """A service as its .api.toml says it, checked. Raises Bad at the first thing that is wrong."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.files = []                # (path, text): the model's own file, then its parts
        self.doc = self.read_file(self.path)
        self.only(self.doc, TABLES, "the file", "tables")
        self.service = self.read_service(self.doc.get("service"))
        for part in self.service.get("parts", []):
            self.join(self.path.with_name(part))
        self.name, self.protocol = self.service["name"], self.service["protocol"]
        self.rest = self.protocol.startswith("rest-")
        self.xml = self.protocol in ("rest-xml", "query", "ec2")
        self.faults = {n: self.read_fault(n, f) for n, f in self.doc.get("fault", {}).items()}
        self.authorize = self.doc.get("authorize", {})
        for name, keys in self.authorize.items():
            if not re.fullmatch(rf"{self.name}_[a-z0-9_]+", name):
                self.bad(f"authorize.{name}", f"expected a function's name that begins with {self.name}_")
            if not isinstance(keys, list) or not all(isinstance(k, str) and ":" in k for k in keys):
                self.bad(f"authorize.{name}", "expected a list of the condition keys that it supplies")
        self.types, self.used = {}, set()
        self.declare()
        for kind in ("string", "list", "map"):                      # lines; structs come after, so these are lazy
            for name in self.doc.get(kind, {}):
                self.named(name, f"{kind}.{name}")
        for kind in ("struct", "union", "record"):
            for name, table in self.doc.get(kind, {}).items():
                self.types[name].members = self.read_members(f"{kind}.{name}", table, self.types[name])
        self.records = [self.types[n] for n in self.doc.get("record", {})]
        self.says = self.doc.get("says", {})
        for name, text in self.says.items():
            if not isinstance(text, str) or not text.startswith("It must "):
                self.bad(f"says.{name}", 'expected a sentence that begins with "It must "')
        self.ops = [self.read_op(n, row) for n, row in sorted(self.doc.get("op", {}).items())]
        self.unsupported = {n: self.read_reason(n, r) for n, r in sorted(self.doc.get("unsupported", {}).items())}
        self.check_reach()

    # -- files

    def read_file(self, path):
        try:
            text = path.read_text(encoding="utf-8")
            self.files.append((path, text))
            return tomllib.loads(text)
        except OSError as e:
            raise Bad(f"{path.name}: {e.strerror}") from None
        except tomllib.TOMLDecodeError as e:
            raise Bad(f"{path.name}: not TOML: {e}") from None

    def join(self, path):
        """A part holds tables like the model's own, but no [service]; nothing is said twice."""
        for kind, table in self.read_file(path).items():
            if kind not in TABLES or kind == "service":
                raise Bad(f"{path.name}: unknown table {kind!r}; a part has none")
            have = self.doc.setdefault(kind, {})
            for name, value in table.items():
                if name in have:
                    raise Bad(f"{path.name}: {kind}.{name}: said before, in another file of this model")
                have[name] = value

    # -- errors

    def bad(self, where, text):
        path, line = self.line_of(where)
        raise Bad(f"{path.name}:{line}: {where}: {text}" if line else f"{path.name}: {where}: {text}")

    def line_of(self, where):
        """File and line of `op.X.in.Y`: the longest table header that begins it, then the key below that header."""
        best, table = (self.path, 0), ""
        for path, text in self.files:
            for n, line in enumerate(text.splitlines(), 1):
                if m := re.match(r"\s*\[([^\[\]]+)\]", line):
                    table = m[1]
                    best = (path, n) if where == table or where.startswith(table + ".") else best
                elif m := re.match(r"\s*([\w.\"-]+)\s*=", line):
                    key = f"{table}.{m[1]}".replace('"', "")
                    if where == key or where.startswith(key + "."):
                        return path, n
        return best

    def only(self, table, known, where, what="keys"):
        for key in table:
            if key not in known:
                self.bad(where, f"unknown {what[:-1]} {key!r}; expected one of {', '.join(sorted(known))}")

    # -- tables

    def read_service(self, row):
        if not isinstance(row, dict):
            self.bad("service", "missing; expected a table with " + ", ".join(SERVICE_REQUIRED))
        self.only(row, SERVICE, "service")
        for key in SERVICE_REQUIRED:
            if not row.get(key):
                self.bad("service", f"{key} is missing")
        for key, value in row.items():
            if not isinstance(value, SERVICE[key]):
                self.bad(f"service.{key}", f"expected a {SERVICE[key].__name__}")
        if row["protocol"] not in PROTOCOLS:
            self.bad("service.protocol", f"unknown protocol {row['protocol']!r}; expected {', '.join(PROTOCOLS)}")
        if row["protocol"].startswith("json-") and not row.get("target"):
            self.bad("service", "target is missing: a JSON protocol needs its X-Amz-Target prefix")
        return row

    def read_fault(self, name, fault):
        where = f"fault.{name}"
        fault = {"http": fault} if isinstance(fault, int) else fault
        if not isinstance(fault, dict) or not isinstance(fault.get("http"), int) or not 300 <= fault["http"] <= 599:
            self.bad(where, "expected an HTTP status (300..599) or { http = N, code = \"...\", server = true }")
        self.only(fault, ("http", "code", "server"), where)
        return {"code": None, "server": fault["http"] >= 500, **fault}

    def declare(self):
        """Every name once, whatever its kind; C names apart as well."""
        seen, c_names = {}, {}
        for kind in ("enum", "string", "list", "map", "struct", "union", "record"):
            for name, value in self.doc.get(kind, {}).items():
                where = f"{kind}.{name}"
                if name in SCALARS or name in ("list", "map", "to"):
                    self.bad(where, "the name of a built-in type")
                if name in seen:
                    self.bad(where, f"the name is taken by {seen[name]}")
                seen[name] = where
                if kind in ("enum", "struct", "union", "record") and c_names.setdefault(snake(name), where) != where:
                    self.bad(where, f"has the same C name as {c_names[snake(name)]}")
                if kind == "enum":
                    self.types[name] = self.read_enum(where, name, value)
                elif kind in ("struct", "union", "record"):
                    if not isinstance(value, dict):
                        self.bad(where, "expected a table of members")
                    self.types[name] = Type("UNION" if kind == "union" else "STRUCT", name, snake(name),
                                            record=kind == "record")

    def read_enum(self, where, name, values):
        if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
            self.bad(where, "expected a list of strings")
        taken = {}
        for v in values:
            if taken.setdefault(snake(v), v) != v or values.count(v) > 1:
                self.bad(where, f"{v!r} and {taken[snake(v)]!r} have the same C name")
        return Type("ENUM", name, snake(name), values=values)

    def named(self, name, where):
        """A type by its name; [string], [list] and [map] lines are read when first asked for."""
        if name in self.types:
            if self.types[name] is None:
                self.bad(where, f"{name} is defined by itself")
            return self.types[name]
        for kind in ("string", "list", "map"):
            if name in self.doc.get(kind, {}):
                self.types[name] = None
                m = self.read_line(f"{kind}.{name}", name, self.doc[kind][name], TYPE_WORDS, kind)
                if m.type.kind != kind.upper() and (kind != "string" or m.type.kind not in TEXT):
                    self.bad(f"{kind}.{name}", f"expected a {kind}")
                t = dataclasses.replace(m.type, name=name, sensitive="sensitive" in m.words)
                self.types[name] = t
                return t
        self.bad(where, f"unknown type {name!r}; expected {', '.join(SCALARS)} or a name defined in this model")

    # -- members

    def read_members(self, where, table, owner):
        members, taken = [], {}
        for name, text in table.items():
            at = f"{where}.{name}"
            if not re.fullmatch(r"[A-Za-z][\w-]*", name):
                self.bad(at, "not a member's name")
            m = self.read_line(at, name, text, set(WORDS), None)
            if taken.setdefault(ident(name), name) != name:
                self.bad(at, f"has the same C name as {taken[ident(name)]}")
            if owner.kind == "UNION" and m.plain:
                self.bad(at, "a union's members are neither required nor defaulted: exactly one is given")
            members.append(m)
        ids = [m.id for m in members if m.id]
        if ids and len(ids) != len(members):
            self.bad(f"{where}.{next(m.name for m in members if not m.id)}",
                     "has no field number, while other members of it have")
        if twice := {i for i in ids if ids.count(i) > 1}:
            self.bad(where, f"field number {min(twice)} is used twice")
        if owner.record and not ids:
            self.bad(where, "a record's members begin with a field number, as in \"1 string, required\"")
        return members

    def read_line(self, where, name, text, allowed, table):
        if not isinstance(text, str):
            self.bad(where, "expected a line of words in quotes, as in \"string 1..64, required\"")
        body, pattern = re.fullmatch(r"(.*?)(?:,\s*pattern /(.*)/\s*)?", text, re.S).groups()
        first, *rest = (w.strip() for w in body.split(","))
        tokens = first.split()
        number = int(tokens.pop(0)) if tokens and tokens[0].isdigit() else 0
        if number > 0xffff or (number and not re.match("(struct|union|record)", where)):
            self.bad(where, f"{number} is no field number, or not needed here")
        words = {}
        for w in rest:
            word, _, value = w.partition(" ")
            if word not in allowed or bool(value) != bool(WORDS[word]):
                known = ", ".join(k + " ..." * WORDS[k] for k in WORDS if k in allowed)
                self.bad(where, f"unknown word {w!r}; expected one of {known}, pattern /.../ (last)")
            if word in words:
                self.bad(where, f"{word!r} is said twice")
            words[word] = value.strip()
        if table == "string" and (not tokens or ".." in tokens[0]):
            tokens.insert(0, "string")
        t = self.read_type(where, tokens, words)
        if pattern is not None:
            if t.kind != "STRING" or t.name != "string":
                self.bad(where, "pattern stands only after a plain string; name the elements' string in [string]")
            t = dataclasses.replace(t, pattern=pattern)
        m = Member(name, t, words, number)
        self.check_words(where, m)
        return m

    def read_type(self, where, tokens, words):
        """NAME [bounds], then any of: list [bounds] | to TYPE map [bounds]."""
        def bounds(t):
            if tokens and (b := re.fullmatch(r"(-?\d+)?\.\.(-?\d+)?", tokens[0])):
                tokens.pop(0)
                lo, hi = (int(g) if g else None for g in b.groups())
                if (lo is None and hi is None) or (lo is not None and hi is not None and lo > hi):
                    self.bad(where, f"{b[0]} is no range")
                if t.kind not in TEXT | NUMBERS | {"LIST", "MAP"} or t.name in self.types:
                    self.bad(where, f"{t.name} takes no range here")
                return dataclasses.replace(t, lo=lo, hi=hi)
            return t

        def atom():
            if not tokens:
                self.bad(where, "expected a type")
            name = tokens.pop(0)
            t = Type(SCALARS[name], name) if name in SCALARS else self.named(name, where)
            self.used.add(name)
            if t.kind == "STRUCT" and t.record and not where.startswith("record."):
                self.bad(where, f"{name} is a record: it is stored, it does not travel")
            t = bounds(t)
            while tokens and tokens[0] == "list":
                tokens.pop(0)
                t = bounds(Type("LIST", "list", elem=t, elem_name=words.get("item")))
            return t

        t = atom()
        while tokens and tokens[0] == "to":
            tokens.pop(0)
            value = atom()
            if not tokens or tokens.pop(0) != "map":
                self.bad(where, "expected 'map' after 'KEY to VALUE'")
            if t.kind not in ("STRING", "ENUM"):
                self.bad(where, "a map's key is a string or an enum")
            if t.kind == "ENUM":                                     # travels and lies as a string
                t = Type("STRING", t.name)
            t = bounds(Type("MAP", "map", elem=value, key=t, elem_name=words.get("item"), key_name=words.get("key")))
        if tokens:
            self.bad(where, f"cannot read {tokens[0]!r}; expected a range, 'list', 'to TYPE map' or a comma")
        return t

    def check_words(self, where, m):
        kind, w = m.type.kind, m.words
        flat = kind not in ("STRUCT", "UNION", "MAP") and not (
            kind == "LIST" and m.type.elem.kind in ("STRUCT", "UNION", "MAP", "LIST"))
        places = [p for p in PLACES if p in w]
        if len(places) > 1:
            self.bad(where, f"lies in one place only, not in {' and '.join(places)}")
        if places and not self.rest:
            self.bad(where, f"{places[0]!r} is for the rest protocols")
        if places and not re.match(r"op\.\w+\.(in|out)\.", where):
            self.bad(where, f"{places[0]!r} stands only directly in an operation's in or out")
        rules = [("flattened", kind in ("LIST", "MAP"), "a list or map"), ("attribute", self.xml, "XML"),
                 ("item", kind in ("LIST", "MAP"), "a list or map"), ("key", kind == "MAP", "a map"),
                 ("token", kind == "STRING", "a string"), ("headers", kind == "MAP", "a map"),
                 ("time", kind == "TIME", "a timestamp"), ("stream", kind == "BLOB", "a blob"),
                 ("status", kind == "INT", "an integer"), ("header", flat, "scalars and lists of them"),
                 ("query", flat or kind == "MAP", "scalars, lists of them and maps"),
                 ("label", flat and kind != "LIST", "scalars"), ("label", "required" in w, "what is required")]
        for word, fine, what in rules:
            if word in w and not fine:
                self.bad(where, f"{word!r} is for {what}")
        if "time" in w and w["time"] not in TIMES:
            self.bad(where, f"unknown time {w['time']!r}; expected {', '.join(TIMES)}")
        if "default" in w and "required" in w:
            self.bad(where, "required and default exclude each other")
        if "default" in w:
            self.default(where, m)

    def default(self, where, m):
        """The default as a C constant, within the member's own bounds."""
        t, v = m.type, m.words["default"]
        if t.kind == "BOOL" and v in ("true", "false"):
            return str(int(v == "true"))
        if t.kind in ("INT", "LONG") and re.fullmatch(r"-?\d+", v):
            if (t.lo is not None and int(v) < t.lo) or (t.hi is not None and int(v) > t.hi):
                self.bad(where, f"default {v} is outside its own range")
            return v
        if t.kind == "ENUM" and v in t.values:
            return enum_value(self.name, t, v)
        self.bad(where, f"default {v!r} is no value of {t.name}; booleans, integers and enums may have one")

    # -- operations

    def read_op(self, name, row):
        where = f"op.{name}"
        self.only(row, OP, where)
        for key, value in row.items():
            if not isinstance(value, OP[key]):
                self.bad(f"{where}.{key}", f"wrong type of value: {value!r}")
        if row.get("access") not in ACCESS:
            self.bad(where, f"access must be stated: one of {', '.join(ACCESS)}; not {row.get('access')!r}")
        if not row.get("resource") or "?" in row["resource"]:
            self.bad(where, "resource must be stated: \"*\", an ARN, or what follows the account in the ARN")
        if not row.get("doc") or row["doc"] == "?" or "\n" in row["doc"]:
            self.bad(where, "doc must be stated, in one line")
        row = {"action": f"{self.name}:{name}", "faults": [], "conditions": {}, "http": 200, **row}
        if not re.fullmatch(r"[a-z0-9-]+:\w+", row["action"]):
            self.bad(f"{where}.action", f"{row['action']!r} is no action; expected \"service:Name\"")
        if "authorize" in row and row["authorize"] not in self.authorize:
            self.bad(f"{where}.authorize", f"{row['authorize']!r} is not in [authorize]")
        self.used.add(row.get("authorize"))
        for f in row["faults"]:
            if f not in self.faults:
                self.bad(f"{where}.faults", f"{f!r} is not in [fault]")
            if row["faults"].count(f) > 1:
                self.bad(f"{where}.faults", f"{f!r} is listed twice")
        op = Op(name, row, self.side(where, name, row, "in"), self.side(where, name, row, "out"), [])
        members = {m.name: m for m in op.input.members}
        for label in re.findall(r"\{(\w+)\}", row["resource"]):
            if label not in members or members[label].type.kind not in ("STRING", "ENUM"):
                self.bad(f"{where}.resource", f"{{{label}}} names no string of the input")
        at = f"{where}.conditions"
        op.conditions = [(k, self.path_of(at, op.input, v, row)) for k, v in row["conditions"].items()]
        op.conditions += [(k, None) for k in self.authorize.get(row.get("authorize"), ()) if k not in row["conditions"]]
        self.check_http(where, op)
        return op

    def read_reason(self, name, reason):
        """An operation of AWS's that is not served, and the rest of the sentence that says why."""
        where = f"unsupported.{name}"
        if self.rest:
            self.bad(where, "is for protocols that name the operation; in REST a path that no operation has is refused")
        if not re.fullmatch(r"[A-Z]\w+", name):
            self.bad(where, "not an operation's name")
        if name in self.doc.get("op", {}):
            self.bad(where, "is served: there is an op of that name")
        if not isinstance(reason, str) or not re.fullmatch(r"[ -~]+[^. ]", reason):
            self.bad(where, "expected the reason as one line of ASCII without a full stop: it ends the error's sentence")
        return reason

    def side(self, where, name, row, side):
        table = row.get(side, {})
        if isinstance(table, str):
            if self.rest:
                self.bad(f"{where}.{side}", "must list its members: the protocol is REST and they are bound one by one")
            if table not in self.types or self.types[table].kind != "STRUCT" or self.types[table].record:
                self.bad(f"{where}.{side}", f"unknown struct {table!r}")
            self.used.add(table)
            return self.types[table]
        t = Type("STRUCT", f"{name}{'Input' if side == 'in' else 'Output'}", f"{snake(name)}_{side}")
        t.members = self.read_members(f"{where}.{side}", table, t)
        body = [m for m in t.members if m.where in ("payload", "stream")]
        if len(body) > 1 or (body and any(m.where == "body" for m in t.members)):
            self.bad(f"{where}.{side}.{body[0].name}", "is the body, so no other member can lie there")
        if self.protocol == "rest-xml":
            bodies = [m for m in t.members if m.where in ("body", "payload")]
            for m in bodies:
                if m.where == "payload" and m.type.kind in ("STRUCT", "UNION"):
                    if m.type.root not in (None, m.wire):
                        self.bad(f"{where}.{side}.{m.name}", f"{m.type.name} is also the document {m.type.root!r}")
                    m.type.root = m.wire
            if side == "out" and any(m.where == "body" for m in bodies) and "out_root" not in row:
                self.bad(where, "out_root must be stated: the XML element around the members of the output")
            if side == "out" and bodies and bodies[0].where == "payload":
                self.scalar_root(bodies[0], row.get("out_root"))
            elif side == "out":
                t.root = row.get("out_root")
        return t

    @staticmethod
    def scalar_root(m, root):
        """A scalar that is the whole XML document: the text of its root (S3's GetBucketLocation)."""
        if root and m.type.kind not in ("STRUCT", "UNION"):
            m.type = dataclasses.replace(m.type, root=root)

    def path_of(self, where, t, text, row):
        if text == "":
            if "authorize" not in row:
                self.bad(where, "an empty path means that authorize supplies it, but there is no authorize")
            return None
        path = []
        for part in text.split("."):
            m = next((m for m in t.members or () if m.name == part), None) if t.kind in ("STRUCT", "UNION") else None
            if not m or m.where == "stream":
                self.bad(where, f"{text!r} names no input member (at {part!r})")
            path.append(m)
            t = m.type
        return path

    def check_http(self, where, op):
        row = op.row
        if not self.rest:
            for key in ("method", "uri", "out_root"):
                if key in row:
                    self.bad(f"{where}.{key}", "is for the rest protocols")
            row.update(method="POST", uri="/")
        if not row.get("method") or not row.get("uri", "").startswith("/"):
            self.bad(where, "method and uri must be stated: the protocol is REST")
        if "result" in row and self.protocol != "query":
            self.bad(f"{where}.result", "is for the query protocol")
        labels = dict(re.findall(r"\{(\w+)(\+?)\}", row["uri"].partition("?")[0]))
        bound = {m.wire for m in op.input.members if m.where == "label"}
        for name in bound ^ labels.keys():
            self.bad(f"{where}.uri", f"{{{name}}} must stand in the uri and be a label of the input, both")
        op.rest_labels = {n for n, plus in labels.items() if plus}

    def check_reach(self):
        """What nothing uses is a mistake; what is stored needs field numbers all the way down."""
        reached = set()

        def walk(t, stored):
            if (t, stored) in reached:
                return
            reached.add((t, stored))
            for m in t.members or ():
                if stored and not m.id:
                    self.bad(f"struct.{t.name}.{m.name}", "needs a field number: a record holds this struct")
                walk(m.type, stored)
            for u in (t.elem, t.key):
                if u:
                    walk(u, stored)

        for op in self.ops:
            walk(op.input, False)
            walk(op.output, False)
        for t in self.records:
            walk(t, True)
        named = {m.name for t, _ in reached for m in t.members or () if m.type.pattern}
        for name in self.says:
            if name not in named:
                self.bad(f"says.{name}", "no member of that name has a pattern")
        kinds = {n: k for k in ("authorize", "enum", "string", "list", "map", "struct", "union")
                 for n in self.doc.get(k, {})}
        for name, kind in kinds.items():
            if name not in self.used:
                self.bad(f"{kind}.{name}", "is used by nothing")
