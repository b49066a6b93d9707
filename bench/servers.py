"""The servers that are measured, as processes: Holdfast and its peers."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOLDFAST = ROOT / "build" / "src" / "cli" / "holdfast"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def port_free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def memory_mib(pid, what="VmRSS", file="status"):
    text = pathlib.Path(f"/proc/{pid}/{file}").read_text()
    return int(re.search(rf"{what}:\s+(\d+)", text)[1]) / 1024


def family(pid):
    kids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [p for kid in kids for p in family(int(kid))]


def wait_port(port, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nothing listens on {port}")


class Holdfast:
    name = "Holdfast"

    def __init__(self, base):
        self.data, self.port = base / "data", port_free()
        self.base = base
        subprocess.run([HOLDFAST, "init", "--data", self.data, "--account", "111122223333", "--root-access-key-id", KEY,
                        "--root-secret-access-key", SECRET], check=True, stdout=subprocess.DEVNULL)
        self.start()

    def spawn(self):
        self.process = subprocess.Popen(
            [HOLDFAST, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--http", f"127.0.0.1:{self.port}"],
            stdout=subprocess.DEVNULL, stderr=open(self.base / "holdfast.log", "ab"))

    def start(self):
        self.spawn()
        wait_port(self.port)

    def pids(self):
        """The server, its keyholder, the guardian between them, and the starter."""
        return family(self.process.pid)

    def metrics(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.data / "admin.sock"))
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            text = b""
            while piece := s.recv(65536):
                text += piece
        return {m[1]: int(m[2]) for m in re.finditer(r"^holdfast_(\w+) (\d+)", text.decode(), re.M)}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Nginx:
    name = "nginx, constant"

    def __init__(self, base):
        self.port = port_free()
        conf = base / "nginx.conf"
        conf.write_text(f"""
daemon off; worker_processes 1; pid {base}/nginx.pid; error_log {base}/nginx.err;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_buffer_size 128k; client_max_body_size 0; keepalive_requests 1000000000;
  client_body_temp_path {base}/a; proxy_temp_path {base}/b; fastcgi_temp_path {base}/c; uwsgi_temp_path {base}/d; scgi_temp_path {base}/e;
  server {{ listen 127.0.0.1:{self.port} backlog=512;
    location / {{ default_type application/json; return 200 '{{"constant":"0123456789012345678901234567890123456789"}}'; }} }} }}
""")
        self.process = subprocess.Popen(["nginx", "-c", str(conf), "-p", str(base)], stderr=subprocess.DEVNULL)
        wait_port(self.port)

    def pids(self):
        return family(self.process.pid)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Moto:
    name = "moto server"

    def __init__(self, base, peers):
        self.port = port_free()
        self.process = subprocess.Popen([peers / "moto" / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(self.port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_port(self.port)

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
