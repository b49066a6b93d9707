#!/usr/bin/env python3
"""What the compiler cannot check of our habits (CONTRIBUTING.md). Prints each breach as file:line; exit 1 if any.

  layering    a folder under src/ includes only from folders before it; services never include each other
  licence     every source file opens with its SPDX line
  memory      malloc and its kin are called in base/ only
  libcrypto   is included in crypto/ only; SQLite in store/ only; libmicrohttpd and GnuTLS in wire/ only
  marks       no unfinished marks
  format      clang-format agrees (when it is installed)
"""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
ORDER = ["base", "crypto", "wire", "store", "policy", "api", "svc", "cli"]
ONLY_IN = {"openssl/": "crypto", "sqlite3.h": "store", "microhttpd.h": "wire", "gnutls/": "wire", "expat.h": "wire",
           "zstd.h": "store", "pcre2.h": "wire", "argon2.h": "crypto", "p11-kit/": "crypto", "tss2/": "crypto", "png.h": "svc", "qrencode.h": "svc"}
ALLOC = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|strdup|strndup|asprintf)\s*\(")
MARKS = re.compile(r"\b(TODO|FIXME|HACK)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

breaches = []


def breach(path, line, text):
    breaches.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def folder_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def service_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[2] if parts[:2] == ("src", "svc") and len(parts) > 3 else None


def check_include(path, number, kind, name):
    here = folder_of(path)
    test = path.name.endswith("_test.c") or path.name in ("testing.h", "vector.h", "fixture.h") or path.name.endswith("_bench.c")
    if kind == "<":
        for prefix, folder in ONLY_IN.items():
            if name.startswith(prefix) and here != folder and not test:
                breach(path, number, f"<{name}> belongs to {folder}/")
        return
    there = name.split("/")[0]
    if here in ORDER and there in ORDER and ORDER.index(there) > ORDER.index(here):
        breach(path, number, f"{here}/ may not include from {there}/")
    mine, other = service_of(path), name.split("/")[1] if there == "svc" and name.count("/") > 1 else None
    if mine and other and other != mine:
        breach(path, number, f"{mine} may not include from {other}: services meet through api/call.h")


def check(path):
    text = path.read_text()
    if not text.startswith("/* SPDX-License-Identifier: Apache-2.0 */"):
        breach(path, 1, "no SPDX line")
    here = folder_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        if found := INCLUDE.match(line):
            check_include(path, number, *found.groups())
        if here and here != "base" and ALLOC.search(line) and not path.name.endswith("_test.c"):
            breach(path, number, "allocation outside base/")
        if MARKS.search(line):
            breach(path, number, "unfinished mark")


def check_format(files):
    tool = shutil.which("clang-format") or shutil.which("clang-format-14")
    if not tool:
        print("clang-format is not installed: format not checked")
        return
    done = subprocess.run([tool, "--dry-run", "-Werror", *map(str, files)], capture_output=True, text=True)
    for line in done.stderr.splitlines():
        if "error:" in line:
            breaches.append(line.replace(str(ROOT) + "/", ""))


def main():
    files = sorted(p for d in ("src", "tests/fuzz") for p in (ROOT / d).rglob("*.[ch]"))
    for path in files:
        check(path)
    if "--no-format" not in sys.argv:
        check_format(files)
    print(*breaches, sep="\n")
    print(f"{len(files)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


sys.exit(main())
