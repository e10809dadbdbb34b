# SPDX-License-Identifier: Apache-2.0
"""Drives mcpjail through a pseudo-terminal, as a person at a shell would."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

MCPJAIL = os.environ["MCPJAIL"]


class Session:
    """A program on a terminal of its own."""

    def __init__(self, *argv, rows=30, cols=100):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
            os.execvp(argv[0], argv)
        self.seen = ""

    def expect(self, pattern, seconds=10):
        until = time.time() + seconds
        while time.time() < until:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    time.sleep(0.05)
        return None

    def send(self, text):
        os.write(self.fd, text.encode())

    def resize(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def wait(self, seconds=10):
        until = time.time() + seconds
        while time.time() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    pass
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


def check(truth, text):
    print("ok" if truth else "not-ok", text, flush=True)


def main():
    s = Session(MCPJAIL, "-q", "--", "sh", "-c", "tty; stty size; test -t 0 && test -t 1 && echo both")
    check(s.expect(r"/dev/pts/\d+"), "the agent has a terminal with a name")
    check(s.expect(r"30 100"), "of the person's size")
    check(s.expect("both"), "for input and output")
    check(s.wait() == 0, "and ends well")

    s = Session(MCPJAIL, "-q", "--", "sh", "-c",
                "trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.1; done")
    s.expect("ready")
    s.resize(40, 120)
    check(s.expect("40 120"), "a change of size arrives with SIGWINCH")
    check(s.wait() == 5, "in the command itself")

    s = Session(MCPJAIL, "-q", "--", "sh", "-c", "echo ready; exec sleep 30")
    s.expect("ready")
    time.sleep(0.2)
    s.send("\x03")
    check(s.wait() == 130, "Ctrl-C ends the command: 130")

    s = Session(MCPJAIL, "-q", "--", "sh", "-c", "trap 'echo trapped' INT; echo ready; read x; echo got $x")
    s.expect("ready")
    s.send("\x03")
    check(s.expect("trapped"), "or reaches its handler")
    s.send("word\r")
    check(s.expect("got"), "and typing goes on")
    s.wait()

    s = Session("bash", "--norc", "--noprofile", "-i")
    s.send("PS1='PROMPT> '\r")
    s.expect("PROMPT> ")
    s.send("%s -q -- sh -c 'echo started; sleep 0.3; cat'\r" % MCPJAIL)
    check(s.expect(r"[\r\n]started"), "started from a shell")
    time.sleep(0.6)
    s.send("\x1a")
    check(s.expect(r"Stopped"), "Ctrl-Z stops the job")
    check(s.expect(r"PROMPT> "), "the shell is back")
    s.send("stty -a | tr ' ' '\\n' | grep -cx -e echo -e icanon\r")
    check(s.expect(r"[\r\n]2\r"), "with its terminal as it was")
    s.send("fg\r")
    time.sleep(0.5)
    s.send("echoed-by-cat\r")
    check(s.expect(r"echoed-by-cat\r\n.*echoed-by-cat"), "fg brings it back")
    s.send("\x04")
    check(s.expect(r"PROMPT> "), "Ctrl-D ends it")
    s.send("echo status $?\r")
    check(s.expect("status 0"), "with its own status")
    s.send("exit\r")
    s.wait()

    s = Session(MCPJAIL, "-q", "--", "bash", "--norc", "-i")
    s.send("PS1='IN> '; set -m\r")
    s.expect("IN> ")
    s.send("sleep 30\r")
    time.sleep(0.5)
    s.send("\x1a")
    check(s.expect("Stopped"), "a shell in the jail has job control of its own")
    s.send("kill -9 %1\r")
    time.sleep(0.7)
    s.send("exit 3\r")
    time.sleep(0.5)
    try:
        s.send("exit 3\r")  # bash asks twice while it has not seen the job's end
    except OSError:
        pass
    check(s.wait() == 3, "and its own status")

    s = Session("sh", "-c", "%s -q -- sh -c 'test -t 1 || echo no-terminal; test -t 0 && echo has-input' | cat" % MCPJAIL)
    check(s.expect("no-terminal"), "output that is a pipe stays a pipe")
    check(s.expect("has-input"), "while input is a terminal")
    s.wait()

    s = Session(MCPJAIL, "-q", "--timeout", "1s", "--", "sh", "-c", "echo ready; kill -TSTP $$; sleep 9")
    s.expect("ready")
    check(s.wait(6) == 124, "a stop that nobody typed does not stop mcpjail")

    s = Session("sh", "-c", "%s -q -- sh -c 'printf prompt: >/dev/tty; read x; echo $x' >typed 2>/dev/null" % MCPJAIL)
    check(s.expect("prompt:"), "a prompt on /dev/tty appears when only input is a terminal")
    s.send("some-text\r")
    check(s.expect("some-text"), "and what is typed is echoed")
    s.wait()
    check(open("typed").read() == "some-text\n", "while output goes where it was sent")


main()
