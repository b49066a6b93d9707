"""The stock AWS CLI, Debian's, as people and scripts use it."""
import json
import os
import pathlib
import pty
import subprocess

from conftest import BIN, PATIENCE_S


class Shell:
    """The stock CLI with a home of its own. Nobody is named unless a test names somebody: then it is root."""

    def __init__(self, server, home):
        self.server, self.home = server, pathlib.Path(home)
        self.clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.clean |= {"HOME": str(home), "PATH": "/usr/bin:" + os.environ["PATH"],
                       "AWS_DEFAULT_OUTPUT": "json"}

    def run(self, *args, **env):
        return subprocess.run([BIN, "aws", "--data", str(self.server.data), *args], env={**self.clean, **env}, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)

    def ok(self, *args, **env):
        done = self.run(*args, **env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *args, **env):
        done = self.run(*args, **env)
        assert done.returncode != 0, done.stdout
        return done.stderr.strip()

    def asked(self, prompt, answer, *args):
        """What is said on a terminal, where the prompt is answered by what answer() then is."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(BIN, [BIN, "aws", "--data", str(self.server.data), *args], self.clean)
        said = b""
        try:
            while piece := os.read(terminal, 4096):
                said += piece
                if prompt.encode() in said and answer:
                    os.write(terminal, answer().encode() + b"\n")
                    answer = None
        except OSError:
            pass  # the end of a terminal
        os.close(terminal)
        os.waitpid(pid, 0)
        return said.decode()

    def who(self, *args, **env):
        return self.ok(*args, "sts", "get-caller-identity", **env)["Arn"]

    def configure(self, text, keys=""):
        (self.home / ".aws").mkdir(exist_ok=True)
        (self.home / ".aws" / "config").write_text(text)
        (self.home / ".aws" / "credentials").write_text(keys)
        return self


class Driver(Shell):
    """The same by driver.py: where many calls follow one another, starting Python for each takes most of the time."""

    def __init__(self, server, home):
        super().__init__(server, home)
        self.clean |= {**server.env, "AWS_PAGER": "", "AWS_CA_BUNDLE": server.ca}
        self.process = subprocess.Popen(["/usr/bin/python3", "-B", str(pathlib.Path(__file__).with_name("driver.py"))], env=self.clean, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, *args, **env):
        line = json.dumps([["--endpoint-url", self.server.url, *args], {**self.clean, "PWD": os.getcwd(), **env}])
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return subprocess.CompletedProcess(args, *json.loads(self.process.stdout.readline()))

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=PATIENCE_S) == 0
