"""Runs a command with a server: where it is and who root is stand in the environment.

The exit status is the command's; 1 when the server did not end well.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import BIN, Server  # noqa: E402


def main():
    with tempfile.TemporaryDirectory(prefix="holdfast-") as base:
        server = Server(base, "--credentials", "127.0.0.1:0").start()
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env |= {"HOLDFAST_URL": server.url, "HOLDFAST_HTTP_URL": server.http_url, "HOLDFAST_ACCOUNT": server.account,
                "HOLDFAST_BIN": BIN, "HOLDFAST_DATA": str(server.data),
                "AWS_ACCESS_KEY_ID": server.root[0], "AWS_SECRET_ACCESS_KEY": server.root[1], "AWS_REGION": "us-east-1",
                "NODE_EXTRA_CA_CERTS": server.ca, "HOME": base, "AWS_EC2_METADATA_DISABLED": "true"}
        status = subprocess.run(sys.argv[1:], env=env).returncode
        ended = server.stop()
        said = server.log.read_text()
        good = ended == 0 and "does not declare" not in said
        if not good:
            print(f"not ok - the server ended with {ended}\n" + said[-6000:])
        return status or (0 if good else 1)


if __name__ == "__main__":
    sys.exit(main())
