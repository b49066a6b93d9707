#!/usr/bin/env python3
"""Count the TAP lines in meson's testlog.json: prints 'passed failed skipped', and on standard error what failed.

A program that died or printed no plan counts as one failure, whatever it printed before.
"""
import json
import re
import sys

passed = failed = skipped = 0
with open(sys.argv[1], encoding="utf-8") as log:
    for line in log:
        run = json.loads(line)
        lines = run.get("stdout", "").splitlines()
        ok = [x for x in lines if re.match(r"ok\b", x)]
        skipped += sum("# SKIP" in x for x in ok)
        passed += sum("# SKIP" not in x for x in ok)
        bad = [i for i, x in enumerate(lines) if re.match(r"not ok\b", x)]
        for i in bad:
            print(run["name"], *lines[i:i + 3], file=sys.stderr)
        if run["result"] not in ("OK", "SKIP") and not bad:
            bad = [0]
            print(run["name"], run["result"], *run.get("stderr", "").splitlines()[:3], file=sys.stderr)
        failed += len(bad)
print(passed, failed, skipped)
