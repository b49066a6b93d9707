"""Calls of the AWS CLI, one after another in one process: [arguments, environment] a line in, [status, stdout, stderr] a line out.

Each call has a driver of its own, as in /usr/bin/aws; what is saved is starting Python and reading models again.
"""
import contextlib
import io
import json
import os
import sys

from awscli.clidriver import create_clidriver

MODELS = {k: v for k, v in os.environ.items() if k == "AWS_DATA_PATH"}  # the package said where they are when it was imported


def call(arguments, environment):
    said, wrong = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    os.environ.clear()
    os.environ.update({**environment, **MODELS})
    os.chdir(environment["PWD"])
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
        try:
            status = create_clidriver().main(arguments)
        except SystemExit as e:
            status = e.code
    said.flush()
    return [status, said.buffer.getvalue().decode(), wrong.getvalue()]


for line in sys.stdin:
    print(json.dumps(call(*json.loads(line))), flush=True)
