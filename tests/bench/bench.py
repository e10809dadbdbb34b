#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py - what "make bench" runs: mcpjail beside what else stands between two TLS ends.

All programs are measured in turn (A B C A B C …), since the machine's mood changes faster
than the programs; figures are medians over the rounds, and what is "added" is compared with
the direct call of the same round. mcpjail runs as it does for a user: policy, a limit that
each call is charged to, the record, all roles. ROUNDS, CALLS and PEERS ("nginx haproxy")
change how long it takes. The last line counts the aims that were judged.
"""
import datetime
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing is left in the checkout
import peers  # noqa: E402
import stages  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
BIN = os.path.join(BUILD, "tests/bench")
ROUNDS = int(os.environ.get("ROUNDS", "7"))
CALLS = int(os.environ.get("CALLS", "4000"))
WANTED = os.environ.get("PEERS", " ".join(p[0] for p in peers.PEERS)).split()
CONNECTIONS = 32
IDLE = (1, 100, 1000)
IDLE_SECONDS = 3  # before a connection counts as idle
POLICY = """{"version": "1", "default": "allow", "server": {"url": "https://promptfax.app/mcp"},
 "all_tools": {"limits": [{"counter": "calls", "window": "minute", "max": 100000000,
                           "scope": "grant"}]}}
"""


def die(text):
    sys.exit(f"bench: {text}")


def cpu_us(pids):
    """Time on a processor of all threads of some processes."""
    total = 0
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
                    total += int(f.read().split()[0])
        except OSError:
            pass
    return total / 1000


def wakeups(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            total += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", f.read(), re.M)[1])
    return total


def pss_mb(pids):
    """Memory, shared pages by their share; None where the system does not let us look."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                total += int(re.search(r"^Pss:\s*(\d+)", f.read(), re.M)[1])
        except OSError:
            return None
    return total / 1024


class Session:
    """A client that obeys commands (client.c); direct, through a peer, or in a jail."""

    def __init__(self, name, command, pids, cwd=None):
        self.name, self.pids = name, pids
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, cwd=cwd)

    def ask(self, command):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line.strip():
            self.process.kill()
            die(f"{self.name} failed at '{command}': {self.process.stderr.read()[-600:]}")
        return {k: float(v) for k, v in re.findall(r"(\w+)=(\d+)", line)}

    def client(self):
        """The client itself, somewhere below what was started."""
        for pid in peers.tree(self.process.pid):
            with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                if f.read().strip() == "client":
                    return pid
        return None

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stderr.read()
        return self.process.wait()


class Bench:
    def __init__(self, scratch):
        self.scratch = scratch
        subprocess.run(["sh", f"{ROOT}/tests/fake/certs.sh", scratch], check=True)
        with open(f"{scratch}/policy.json", "w", encoding="ascii") as f:
            f.write(POLICY)
        self.origin = subprocess.Popen(
            [f"{BIN}/origin", f"{scratch}/cert.pem", f"{scratch}/key.pem"],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.origin.stdout.readline().split()[1])
        self.jails = 0
        self.peers = {}
        self.missing = []

    # --- who is measured -----------------------------------------------------------

    def start_peers(self):
        for name, program, _, _ in peers.PEERS:
            if name in WANTED:
                peer = peers.start(name, self.scratch, self.port)
                if peer:
                    self.peers[name] = peer
                else:
                    self.missing.append(program)

    def jail(self, *command, quiet=True):
        """mcpjail as a user runs it; the client goes by name and trusts what the jail does."""
        self.jails += 1
        return [f"{BUILD}/mcpjail", *(["--quiet"] if quiet else []),
                "-p", f"{self.scratch}/policy.json", "-g", "bench",
                "--connect-to", f"promptfax.app:443:127.0.0.1:{self.port}",
                "--upstream-ca", f"{self.scratch}/ca.pem",
                "--run-dir", f"{self.scratch}/run{self.jails}", "--", *command]

    def direct_args(self):
        return ["--host", "127.0.0.1", "--port", str(self.port), "--ca", f"{self.scratch}/ca.pem"]

    def session(self, name):
        if name == "direct":
            return Session(name, [f"{BIN}/client", *self.direct_args()], lambda: [self.origin.pid])
        if name != "mcpjail":
            peer = self.peers[name]
            return Session(name, [f"{BIN}/client", *peer.client_args], peer.pids)
        # From its own directory: the jail's /tmp is private, should the checkout be there.
        session = Session(name, self.jail("./client"), None, cwd=BIN)

        def roles():
            found = []
            for pid in peers.tree(session.process.pid):
                try:
                    with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                        if f.read().strip() != "client":
                            found.append(pid)
                except OSError:
                    pass
            return found

        session.pids = roles
        return session

    def names(self):
        return ["direct", *self.peers, "mcpjail"]

    # --- what is measured ------------------------------------------------------------

    def memory(self):
        """PSS with so many connections open and idle, of programs that did nothing else."""
        found = {}
        for name in self.names()[1:]:
            session, have, found[name] = self.session(name), 0, []
            for count in IDLE:
                session.ask(f"idle {count - have}")
                have = count
                time.sleep(IDLE_SECONDS)
                found[name].append(pss_mb(session.pids()))
            session.close()
        return found

    def round(self, sessions, found):
        for name, session in sessions.items():
            slow = name in ("mitmproxy", "squid")
            figures = found.setdefault(name, [])
            session.ask("open 1")
            f = session.ask(f"latency {CALLS} 2000")
            session.ask(f"open {CONNECTIONS}")
            pids = session.pids()
            before = cpu_us(pids)
            load = session.ask(f"load {CONNECTIONS} {CALLS * 5} {1000 if slow else 2000}")
            f["rps"], f["cpu_us"] = load["rps"], (cpu_us(pids) - before) / load["calls"]
            f.update(session.ask("handshakes 500 1000"))
            session.ask("open 1")
            if name in ("direct", "nginx", "mcpjail"):
                f["big_us"] = session.ask(f"big {CALLS // 10}")["p50_us"]
            if name in ("direct", "mcpjail"):
                f.update(session.ask("stream"))
            if name == "mcpjail":
                f.update(session.ask("names 25"))
            figures.append(f)

    def launches(self):
        """Medians in ms of /bin/true: bare, in bubblewrap, in mcpjail."""
        bwrap = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc",
                 "/proc", "/bin/true"]
        # A state of its own: what was measured before has left a long day of charges in the other.
        env = {**os.environ, "XDG_STATE_HOME": f"{self.scratch}/launch-state"}
        out = subprocess.run([f"{BIN}/launch", "40", "/bin/true", "+", *bwrap, "+",
                              f"{BUILD}/mcpjail", "--quiet", "-p", f"{self.scratch}/policy.json",
                              "--", "/bin/true"], capture_output=True, text=True, env=env,
                             check=False)
        if out.returncode:
            die(f"a launch of /bin/true failed: {out.stderr}")
        return [int(us) / 1000 for us in out.stdout.split()]

    def first_byte(self):
        """From the client's start to its first answer: direct, and as the first in a jail."""
        found = {"direct": [], "mcpjail": []}
        for _ in range(15):
            for name in found:
                command = [f"{BIN}/client", *self.direct_args(), "--first"]
                if name == "mcpjail":
                    command = self.jail("./client", "--first")
                out = subprocess.run(command, capture_output=True, text=True, cwd=BIN, check=False)
                if out.returncode:
                    die(f"the first call of {name} failed: {out.stderr}")
                found[name].append(int(re.search(r"first_us=(\d+)", out.stdout)[1]) / 1000)
        return {name: statistics.median(ms) for name, ms in found.items()}

    def in_jail_and_bare(self, *command):
        """A program of ours that prints one number, three times on each side, in turn."""
        found = {"bare": [], "mcpjail": []}
        for _ in range(3):
            for where in found:
                line = [f"./{command[0]}", *command[1:]]
                out = subprocess.run(self.jail(*line) if where == "mcpjail" else line, text=True,
                                     capture_output=True, cwd=BIN, check=False)
                if out.returncode:
                    die(f"{command} failed {where}: {out.stderr}")
                found[where].append(int(out.stdout))
        return {where: statistics.median(n) for where, n in found.items()}

    def where_a_call_goes(self):
        """Per role and call: time on a processor, wake-ups, and, counted apart, system calls."""
        session = self.session("mcpjail")
        session.ask("open 1")
        found = []
        pids = {pid: role_of(pid) for pid in session.pids()}
        for pid, role in pids.items():
            cpu, wakes = cpu_us([pid]), wakeups([pid])
            calls = CALLS + CALLS // 10
            session.ask(f"latency {CALLS} 60000")
            found.append([role, (cpu_us([pid]) - cpu) / calls, (wakeups([pid]) - wakes) / calls, ""])
        if shutil.which("strace") and os.geteuid() == 0:
            for row, pid in zip(found, pids):
                row[3] = self.system_calls(session, pid)
        session.close()
        return [row for row in found if row[2] > 0.01 or row[0] in ("proxy", "keeper")]

    def stages_of_a_call(self):
        session = self.session("mcpjail")
        session.ask("open 1")
        session.ask("latency 200 1000")
        pids = {role_of(pid): pid for pid in session.pids()}
        chain = {"client": session.client(), "proxy": pids["proxy"], "keeper": pids["keeper"],
                 "origin": self.origin.pid}

        def busy():
            time.sleep(1)
            session.ask("latency 3000 3000")

        found = stages.measure(chain, busy, self.scratch)
        session.close()
        return found

    def system_calls(self, session, pid):
        calls = 1100
        out = f"{self.scratch}/strace"
        tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "calls,name", "-o", out, "-p",
                                   str(pid)], stderr=subprocess.PIPE)
        tracer.stderr.readline()
        session.ask("latency 1000 60000")
        tracer.terminate()
        tracer.wait()
        with open(out, encoding="ascii") as f:
            rows = re.findall(r"^\s*(\d+) (\w+)$", f.read(), re.M)
        return " ".join(f"{name}×{int(n) / calls:.1f}".replace(".0", "")
                        for n, name in sorted(((int(n), name) for n, name in rows), reverse=True)
                        if name != "total" and n > calls // 20)

    def close(self):
        for peer in self.peers.values():
            peer.stop()
        self.origin.kill()
        self.origin.wait()


def role_of(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        found = re.search(rb"--role=(\w+)", f.read())
    if found:
        return found[1].decode()
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        # The jail's first process has a pid of its own in there.
        return "init" if len(re.search(r"^NSpid:(.*)$", f.read(), re.M)[1].split()) > 1 \
            else "supervisor"


# --- what is printed ----------------------------------------------------------------------

def median(figures, key):
    return statistics.median(f[key] for f in figures)


def added(found, name, key):
    return statistics.median(a[key] - b[key] for a, b in zip(found[name], found["direct"]))


def number(value, digits=0):
    return "-" if value is None else f"{value:.{digits}f}"


def print_machine(bench):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"^model name\s*: (.*)$", f.read(), re.M)
    mcpjail = subprocess.run([f"{BUILD}/mcpjail", "--version"], capture_output=True, text=True,
                             check=False).stdout.split("\n")[0]
    versions = [mcpjail, "OpenSSL " + peers.version(("openssl", "version"))]
    versions += [f"{n} {peers.version(v)}" for n, _, _, v in peers.PEERS if n in bench.peers]
    versions.append("bubblewrap " + peers.version(("bwrap", "--version")))
    print(f"machine   {os.cpu_count()} × {model[1] if model else os.uname().machine}, "
          f"Linux {os.uname().release}")
    print(f"versions  {', '.join(versions)}")
    print(f"date      {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%MZ}, "
          f"load {os.getloadavg()[0]:.1f} before, {ROUNDS} rounds in turn, medians")
    if bench.missing:
        print(f"left out  {', '.join(bench.missing)}: not installed (make deps-peers)")
    print()


def print_peers(found, memory):
    row = "{:<10}{:>9}{:>9}{:>11}{:>11}{:>11}{:>9}{:>8}{:>13}{:>8}{:>18}"
    print(row.format("", "p50/us", "p99/us", "added p50", "added p99", f"rps at {CONNECTIONS}",
                     "ratio", "CPU/us", "handshakes/s", "ratio", "PSS/MB " + "/".join(map(str, IDLE))))
    for name, figures in found.items():
        mb = memory.get(name)
        print(row.format(
            name, number(median(figures, "p50_us")), number(median(figures, "p99_us")),
            "-" if name == "direct" else number(added(found, name, "p50_us")),
            "-" if name == "direct" else number(added(found, name, "p99_us")),
            number(median(figures, "rps")),
            number(median(figures, "rps") / median(found["direct"], "rps"), 2),
            number(median(figures, "cpu_us"), 1), number(median(figures, "handshakes_s")),
            number(median(figures, "handshakes_s") / median(found["direct"], "handshakes_s"), 2),
            "/".join(number(n, 1) for n in mb) if mb else "-"))
    print("CPU per request is of all processes of the peer (direct: of the origin alone).\n")


class Aims:
    """The rows of the table of aims; "must" is judged, "aim" is told."""

    ROW = "{:<44}{:>22}{:>10}{:>8}  {}"

    def __init__(self):
        self.passed = self.failed = 0
        print(self.ROW.format("", "measured", "must", "aim", ""))

    def at_most(self, what, text, value, must, aim):
        self.judge(what, text, value <= must, value <= aim, f"≤ {must}", f"≤ {aim}")

    def at_least(self, what, text, value, must, aim):
        self.judge(what, text, must is None or value >= must, value >= aim,
                   f"≥ {must}" if must else "-", f"≥ {aim}")

    def judge(self, what, text, meets_must, meets_aim, must, aim):
        self.passed += meets_must
        self.failed += not meets_must
        verdict = "aim" if meets_aim else "ok" if meets_must else "NOT OK"
        print(self.ROW.format(what, text, must, aim, verdict))


def judge_calls(aims, found):
    mine, nginx = found["mcpjail"], found["nginx"]

    def times_nginx(key):
        """What mcpjail adds, and how many times what nginx adds that is."""
        a, b = added(found, "mcpjail", key), max(added(found, "nginx", key), 1)
        return f"{a:.0f} us, {a / b:.2f}", a / b

    def ratio(key, other):
        a, b = median(mine, key), median(other, key)
        return f"{a:.0f}, {a / b:.2f}", a / b

    aims.at_most("added p50, × nginx's", *times_nginx("p50_us"), 2, 1.0)
    aims.at_most("added p99, × nginx's", *times_nginx("p99_us"), 2, 1.1)
    aims.at_least(f"rps at {CONNECTIONS}, × nginx's", *ratio("rps", nginx), 0.6, 1.0)
    if "mitmproxy" in found:
        aims.at_least(f"rps at {CONNECTIONS}, × mitmproxy's", *ratio("rps", found["mitmproxy"]),
                      None, 50)
    text, times = ratio("cpu_us", nginx)
    aims.at_most("CPU per request, all roles, × nginx's", text.replace(",", " us,"), times, 2, 1.0)
    aims.at_least("full handshakes/s, leaf cached, × nginx's", *ratio("handshakes_s", nginx),
                  0.9, 1.0)
    fresh = statistics.median(f["fresh_us"] - f["known_us"] for f in mine)
    aims.at_most("first connection to a new host name, added", f"{fresh:.0f} us", fresh, 500, 100)
    big, plain = (added(found, name, "big_us") - added(found, name, "p50_us")
                  for name in ("mcpjail", "nginx"))
    aims.at_most("50 KB result, added by its inspection", f"{big - plain:.0f} us", big - plain,
                 300, 50)
    early = median(mine, "first_us") - median(mine, "head_us")
    aims.judge("SSE: head before the first event", f"{early / 1000:.1f} ms before",
               early > 20000, early > 20000, "yes", "yes")
    delay = added(found, "mcpjail", "delay_us")
    aims.at_most("SSE: delay of an event, added", f"{delay:.0f} us", delay, 1000, 100)


def judge_rest(aims, bench, memory):
    if memory["mcpjail"][0] is not None:
        for count, mb, must, aim in zip(IDLE, memory["mcpjail"], (12, 16, 40), (6, 8, 25)):
            aims.at_most(f"PSS of all roles, {count} idle", f"{mb:.1f} MB", mb, must, aim)
    bare, bwrap, mine = bench.launches()
    aims.at_most("launch of /bin/true, × bubblewrap's", f"{mine:.1f} ms, {mine / bwrap:.2f}",
                 mine / bwrap, 2, 1.0)
    print(f"    (bare {bare:.1f} ms, bubblewrap {bwrap:.1f} ms)")
    first = bench.first_byte()
    aims.at_most("agent's start to the first proxied byte", f"{first['mcpjail']:.1f} ms",
                 first["mcpjail"], 15, 8)
    print(f"    (the same without a jail {first['direct']:.1f} ms)")
    dd = bench.in_jail_and_bare("launch", "3", "dd", "if=/dev/zero", "of=/dev/null", "bs=1",
                                "count=1000000")
    times = dd["mcpjail"] / dd["bare"]
    aims.at_most("dd bs=1 count=1000000, × bare", f"{dd['mcpjail'] / 1000:.0f} ms, {times:.2f}",
                 times, 1.25, 1.2)
    connect = bench.in_jail_and_bare("connects", "20000")
    times = connect["mcpjail"] / connect["bare"]
    aims.at_most("connect() to loopback, × bare", f"{connect['mcpjail'] / 1000:.1f} us, {times:.2f}",
                 times, 1.3, 1.1)


def main():
    for program in ("nginx", "bwrap", "openssl"):
        if not shutil.which(program, path=peers.PATH):
            die(f"{program} is missing; make deps-bench installs it")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    scratch = tempfile.mkdtemp(prefix="mcpjail-bench.")
    os.environ["XDG_STATE_HOME"] = f"{scratch}/state"
    bench = Bench(scratch)
    try:
        bench.start_peers()
        print_machine(bench)
        memory, found = bench.memory(), {}
        sessions = {name: bench.session(name) for name in bench.names()}
        for _ in range(ROUNDS):
            bench.round(sessions, found)
        for session in sessions.values():
            session.close()
        print_peers(found, memory)
        aims = Aims()
        judge_calls(aims, found)
        judge_rest(aims, bench, memory)
        print("\nwhere one call goes, of mcpjail's processes")
        row = "{:<12}{:>10}{:>12}   {}"
        print(row.format("", "CPU/us", "wake-ups", "system calls"))
        for role, cpu, wakes, calls in bench.where_a_call_goes():
            print(row.format(role, number(cpu, 1), number(wakes, 2), calls))
        print("\nwhat the parts cost by themselves, time on a processor")
        sys.stdout.flush()
        subprocess.run([f"{BIN}/parts", scratch], check=True)
        subprocess.run([f"{BIN}/policy", f"{ROOT}/tests/unit/policy_worked.json"], check=True)
        print("\nlimits charged in the log that runs share, time until they are")
        sys.stdout.flush()
        subprocess.run([f"{BIN}/limits", scratch], check=True)
        if stages.available():
            print("\nstages of one call (traced by perf)")
            total = 0
            for what, us in bench.stages_of_a_call():
                print(f"{us:>10.1f} us   {what}")
                total += us
            print(f"{total:>10.1f} us   together")
        print(f"\n{aims.passed} passed, {aims.failed} failed")
        return aims.failed != 0
    finally:
        bench.close()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
