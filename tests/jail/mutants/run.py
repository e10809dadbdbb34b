# SPDX-License-Identifier: Apache-2.0
"""run.py [MUTANT…] - switch each defence off and see that the probes aimed at it turn red

Each mutant of table.py is applied to a copy of the tree, which is built, and with which its
probes are made in the small internet, without controls. A failure is: a text that is not found
exactly once, a build that fails, a probe that is stopped as it was before. Where the jail's own
self-test sees the change, nothing starts, and the mutant says so: `refused`, the words that the
person reads. A defence that no probe is aimed at, because it does not hold the agent but one of
our own processes, names a `test` in place of probes: it passes without the mutant and fails with
it. Without root the mutants of root's columns are skipped.
"""
import atexit
import concurrent.futures
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from table import MUTANTS  # noqa: E402 - beside this file

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PARTS = ["Makefile", "include", "launcher", "policy", "bpf", "tests", "build"]
TARGETS = ["build/mcpjail", "build/tests/jail/escape/escape", "build/tests/jail/like_a_container",
           "build/tests/jail/take_over", "build/tests/fake/promptfax"]
WORKERS = 2


def make(tree):
    return subprocess.run(["make", "-s", "WARN=-w", *TARGETS], cwd=tree, capture_output=True, text=True)


def copy_of_tree():
    # Not below /tmp, which is private in the jail.
    tree = tempfile.mkdtemp(prefix="mcpjail-mutants.", dir=os.path.expanduser("~"))
    atexit.register(shutil.rmtree, tree, True)
    skipped = shutil.ignore_patterns("node_modules", "bench", "e2e", "unit", "fuzz", "san")
    for part in PARTS:
        source = os.path.join(ROOT, part)
        if os.path.isdir(source):
            shutil.copytree(source, os.path.join(tree, part), ignore=skipped, symlinks=True)
        elif os.path.exists(source):
            shutil.copy2(source, tree)
    built = make(tree)
    if built.returncode:
        sys.exit("run.py: the tree does not build:\n" + built.stderr[-2000:])
    return tree


class Edits:
    """The mutant's changes, for as long as the block lasts."""

    def __init__(self, tree, mutant):
        self.tree, self.mutant, self.before = tree, mutant, {}

    def __enter__(self):
        for name, old, new in self.mutant["edits"]:
            path = os.path.join(self.tree, name)
            text = open(path).read()
            self.before.setdefault(path, text)
            if text.count(old) != 1:
                self.restore()
                raise ValueError("%s has %d times: %s" % (name, text.count(old), old.strip()))
            with open(path, "w") as f:
                f.write(text.replace(old, new))
        return self

    def restore(self):
        for path, text in self.before.items():
            with open(path, "w") as f:
                f.write(text)

    def __exit__(self, *_):
        self.restore()


def held_of_probes(tree):
    out = subprocess.run([os.path.join(tree, TARGETS[1]), "list"], capture_output=True, text=True)
    held = {}
    for line in out.stdout.splitlines():
        _, name, _, in_a, in_b, _ = line.split("\t")
        held[name] = {"a": in_a.split(), "b": (in_a if in_b == "-" else in_b).split()}
    for name in ("small-internet", "packets", "host", "files"):
        held[name] = {"a": [name + ":NOTHING"], "b": [name + ":NOTHING"]}
    return held


def is_red(outcome, held):
    if outcome.startswith("reached"):
        return True
    step = outcome.partition(" ")[2]
    return step not in held and step.rpartition(":")[2] not in held


def attempts(tree, mutant):
    """Outcomes by probe; under "err" what was said on standard error."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as results:
        subprocess.run(["tests/jail/mutants/attempt.sh", "build", mutant["who"], mutant["tier"],
                        results.name, *mutant["red"]], cwd=tree, capture_output=True)
        lines = [line.rstrip("\n").split("\t", 1) for line in results if "\t" in line]
    found = {}
    for name, outcome in lines:
        found[name] = found[name] + "\n" + outcome if name in found else outcome
    return found


def test_passes(tree, test):
    out = subprocess.run([os.path.join(tree, test)], cwd=tree, capture_output=True, text=True,
                         env={**os.environ, "BUILD": os.path.join(tree, "build")}, timeout=300)
    return "\nok " in "\n" + out.stdout and "not ok " not in out.stdout


def judge(tree, held, mutant):
    """What is wrong with it; nothing if all is as it should be."""
    test = mutant.get("test")
    try:
        if test and not (make(tree).returncode == 0 and test_passes(tree, test)):
            return [test + " fails without the mutant, too"]
        with Edits(tree, mutant):
            built = make(tree)
            if built.returncode:
                return ["does not build: " + built.stderr[-600:]]
            if test:
                return [test + " passes"] if test_passes(tree, test) else []
            found = attempts(tree, mutant)
    except (ValueError, OSError) as err:
        return [str(err)]
    said = found.get("err", "")
    if "refused" in mutant:
        return [] if mutant["refused"] in said else ["started, or for another reason not: " + said]
    wrong = []
    for name in mutant["red"]:
        if name not in found:
            wrong.append("%s: no outcome: %s" % (name, said[-400:]))
        elif not is_red(found[name], held[name][mutant["tier"]]):
            wrong.append("%s stayed green: %s" % (name, found[name]))
    return wrong


def with_defaults(mutant):
    return {"who": "user", "tier": "a", **mutant, "red": mutant.get("red", "tcp-v4").split()}


def main():
    wanted = sys.argv[1:]
    unknown = set(wanted) - {m["name"] for m in MUTANTS}
    if unknown:
        sys.exit("run.py: no such mutant: " + " ".join(sorted(unknown)))
    mutants = [with_defaults(m) for m in MUTANTS if not wanted or m["name"] in wanted]
    skipped = [m for m in mutants if m["who"] == "root" and os.geteuid()]
    mutants = [m for m in mutants if m not in skipped]
    trees = queue.Queue()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    trees.put(copy_of_tree())
    held = held_of_probes(trees.queue[0])
    while trees.qsize() < WORKERS:
        trees.put(copy_of_tree())

    def work(mutant):
        tree = trees.get()
        try:
            return judge(tree, held, mutant)
        finally:
            trees.put(tree)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for mutant, wrong in zip(mutants, pool.map(work, mutants)):
            print("%-5s %-28s %s" % ("FAIL" if wrong else "ok", mutant["name"],
                                     mutant.get("refused") or mutant.get("test") or " ".join(mutant["red"])), flush=True)
            for text in wrong:
                print("      " + text.replace("\n", "\n      "), flush=True)
            failed += bool(wrong)
    for mutant in skipped:
        print("skip  %-28s needs root" % mutant["name"])
    print("%d passed, %d failed, %d skipped" % (len(mutants) - failed, failed, len(skipped)))
    sys.exit(failed > 0)


main()
