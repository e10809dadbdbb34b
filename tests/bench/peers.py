# SPDX-License-Identifier: Apache-2.0
"""The programs that mcpjail is measured beside, and how each is started.

A peer takes the agent's connection, ends its TLS, and speaks TLS to the origin, as mcpjail
does. Configurations are in peers/, with @NAMES@ that are filled in here.
"""
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def tree(pid):
    """A process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                children.setdefault(int(fields[1]), []).append(int(entry))
            except OSError:
                pass
    found, queue = [], [pid]
    while queue:
        at = queue.pop()
        found.append(at)
        queue += children.get(at, [])
    return found


class Peer:
    """One that listens on a port; client_args tell the client where and whom to trust."""

    def __init__(self, name, scratch, origin_port):
        self.name, self.scratch, self.origin = name, scratch, origin_port
        self.port, self.second = free_port(), free_port()
        self.processes = []
        self.client_args = ["--host", "127.0.0.1", "--port", str(self.port),
                            "--ca", f"{scratch}/ca.pem"]

    def configure(self, template):
        with open(f"{HERE}/peers/{template}", encoding="utf-8") as f:
            text = f.read()
        who = pwd.getpwuid(os.geteuid()).pw_name
        squid_user = "nobody" if os.geteuid() == 0 else who
        values = {"SCRATCH": self.scratch, "PORT": self.port, "SECOND": self.second,
                  "ORIGIN": self.origin, "WHO": squid_user,
                  "USER": f"user: {who}" if os.geteuid() == 0 else ""}
        text = re.sub(r"@([A-Z]+)@", lambda m: str(values[m[1]]), text)
        path = f"{self.scratch}/{template}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def run(self, *command):
        with open(f"{self.scratch}/{self.name}.out", "ab") as out:
            self.processes.append(subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, "PATH": PATH, "HOME": self.scratch}))

    def pids(self):
        return [p for process in self.processes for p in tree(process.pid)]

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def start_nginx(p):
    p.run("nginx", "-p", p.scratch, "-e", f"{p.scratch}/nginx.err", "-c", p.configure("nginx.conf"))


def start_haproxy(p):
    with open(f"{p.scratch}/both.pem", "w", encoding="ascii") as both:
        for part in ("cert.pem", "key.pem"):
            with open(f"{p.scratch}/{part}", encoding="ascii") as f:
                both.write(f.read())
    p.run("haproxy", "-db", "-f", p.configure("haproxy.conf"))


def start_h2o(p):
    p.run("h2o", "-c", p.configure("h2o.conf"))


def start_stunnel(p):
    p.run("stunnel", p.configure("stunnel-out.conf"))
    p.run("stunnel", p.configure("stunnel-in.conf"))


def start_squid(p):
    """Squid wants a user and files of its own when root starts it."""
    home = f"{p.scratch}/squid"
    os.mkdir(home)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bump",
                    "-addext", "basicConstraints=critical,CA:TRUE",
                    "-addext", "keyUsage=critical,keyCertSign",
                    "-keyout", f"{home}/bump.pem", "-out", f"{home}/bump.crt"],
                   check=True, stderr=subprocess.DEVNULL)
    with open(f"{home}/bump.crt", encoding="ascii") as f, \
            open(f"{home}/bump.pem", "a", encoding="ascii") as both:
        both.write(f.read())
    shutil.copy(f"{p.scratch}/ca.pem", home)
    subprocess.run(["/usr/lib/squid/security_file_certgen", "-c", "-s", f"{home}/certs",
                    "-M", "4MB"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    if os.geteuid() == 0:
        os.chmod(p.scratch, 0o711)
        subprocess.run(["chown", "-R", "nobody:", home], check=True)
    p.run("squid", "-N", "-n", f"bench{os.getpid()}", "-f", p.configure("squid.conf"))
    p.client_args = ["--host", "promptfax.app", "--port", "443",
                     "--via", f"127.0.0.1:{p.port}", "--ca", f"{home}/bump.crt"]


def start_mitmproxy(p):
    p.run("mitmdump", "-q", "--listen-host", "127.0.0.1", "-p", str(p.port),
          "--mode", f"reverse:https://127.0.0.1:{p.origin}/",
          "--set", f"confdir={p.scratch}/mitmproxy", "--set", "keep_host_header=true",
          "--set", f"ssl_verify_upstream_trusted_ca={p.scratch}/ca.pem",
          "--set", "http2=false", "--set", "flow_detail=0")
    p.client_args[-1] = f"{p.scratch}/mitmproxy/mitmproxy-ca-cert.pem"


# Name, the program that must be there, how it starts, how it tells its version.
PEERS = (
    ("nginx", "nginx", start_nginx, ("nginx", "-v")),
    ("haproxy", "haproxy", start_haproxy, ("haproxy", "-v")),
    ("h2o", "h2o", start_h2o, ("h2o", "--version")),
    ("stunnel", "stunnel", start_stunnel, ("stunnel", "-version")),
    ("mitmproxy", "mitmdump", start_mitmproxy, ("mitmdump", "--version")),
    ("squid", "squid", start_squid, ("squid", "-v")),
)


def version(command):
    out = subprocess.run(command, capture_output=True, text=True, check=False,
                         env={**os.environ, "PATH": PATH})
    found = re.search(r"\d+\.\d+(\.\d+)?", out.stdout + out.stderr)
    return found[0] if found else "?"


def start(name, scratch, origin_port):
    """Return: a running peer; None if its program is not installed."""
    _, program, begin, _ = next(p for p in PEERS if p[0] == name)
    if not shutil.which(program, path=PATH):
        return None
    peer = Peer(name, scratch, origin_port)
    begin(peer)
    wait_for(peer.port)
    return peer
