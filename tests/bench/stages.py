# SPDX-License-Identifier: Apache-2.0
"""The stages of one call, from the system calls of all who take part, as perf saw them.

A call is a chain: the client writes, the proxy wakes, asks the keeper, … Each link is the
first system call of that kind after the link before it; a stage is the time from one link to
the next. Needs root and perf; tracing adds a microsecond or so to each stage.
"""
import os
import re
import shutil
import statistics
import subprocess

# Of the few calls that are links, by architecture.
NUMBERS = {
    "x86_64": {0: "read", 1: "write", 7: "poll", 44: "sendto", 45: "recvfrom", 46: "sendmsg",
               47: "recvmsg", 232: "epoll_wait", 271: "poll", 281: "epoll_wait"},
    "aarch64": {63: "read", 64: "write", 73: "poll", 206: "sendto", 207: "recvfrom",
                211: "sendmsg", 212: "recvmsg", 22: "epoll_wait"},
}

# Who, does what, begins or ends it; and what the time since the link before was spent on.
CHAIN = (
    ("client", "write", "enter", None),
    ("proxy", "epoll_wait", "exit", "to the proxy: loopback and a wake-up"),
    ("proxy", "sendmsg", "enter", "proxy: decrypt, read HTTP and JSON-RPC, judge, rewrite"),
    ("keeper", "poll", "exit", "to the keeper: a wake-up"),
    ("keeper", "sendmsg", "enter", "keeper: limits, charge, record"),
    ("proxy", "epoll_wait", "exit", "to the proxy: a wake-up"),
    ("proxy", "sendto", "enter", "proxy: encrypt"),
    ("origin", "epoll_wait", "exit", "to the origin: loopback and a wake-up"),
    ("origin", "write", "enter", "origin: its work"),
    ("proxy", "epoll_wait", "exit", "to the proxy: loopback and a wake-up"),
    ("proxy", "sendto", "enter", "proxy: decrypt, inspect the result, encrypt"),
    ("client", "read", "exit", "to the client: loopback and a wake-up"),
)


def available():
    return os.geteuid() == 0 and shutil.which("perf") and os.uname().machine in NUMBERS


def events(data):
    """(ns, pid, name, enter or exit), in order of time."""
    names = NUMBERS[os.uname().machine]
    out = subprocess.run(["perf", "script", "-i", data, "--ns", "-F", "pid,time,event,trace"],
                         capture_output=True, text=True, check=True).stdout
    line = re.compile(r"^\s*(\d+)\s+(\d+)\.(\d+):\s+raw_syscalls:sys_(enter|exit):\s+NR (\d+)")
    for found in map(line.match, out.splitlines()):
        if found and int(found[5]) in names:
            yield (int(found[2]) * 10**9 + int(found[3]), int(found[1]), names[int(found[5])],
                   found[4])


def measure(pids, busy, scratch):
    """pids: {role: pid}; busy: makes calls for a while. Return: [(what, median µs)]"""
    data, role_of = f"{scratch}/perf.data", {pid: role for role, pid in pids.items()}
    recorder = subprocess.Popen(
        ["perf", "record", "-q", "-m", "4096", "-e", "raw_syscalls:sys_enter,raw_syscalls:sys_exit",
         "-p", ",".join(map(str, role_of)), "-o", data], stderr=subprocess.DEVNULL)
    busy()
    recorder.terminate()
    recorder.wait()
    stages, at, times = [[] for _ in CHAIN[1:]], 0, []
    for ns, pid, name, edge in events(data):
        link = (role_of.get(pid), name, edge)
        if at and link == CHAIN[0][:3]:
            at = 0  # a call whose chain was broken; here begins the next
        if link != CHAIN[at][:3]:
            continue
        times = times + [ns] if at else [ns]
        at += 1
        if at == len(CHAIN):
            for stage, (begun, ended) in zip(stages, zip(times, times[1:])):
                stage.append((ended - begun) / 1000)
            at = 0
    return [(link[3], statistics.median(us)) for link, us in zip(CHAIN[1:], stages) if us]
