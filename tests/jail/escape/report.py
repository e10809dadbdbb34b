# SPDX-License-Identifier: Apache-2.0
"""report.py [-q] LIST COLUMN=DIRECTORY[:REASON]… - what world.sh found, as a table

LIST is what `escape list` prints. A column is the name of a tier and of a kind of user ("A root"),
with the directory of world.sh's results; with a REASON it could not be made. A cell is

  held     stopped as it must be, while outside the same attempt was not stopped so
  none     this kernel has no such thing to try; outside it does not work either
  -        not promised in this tier: docs/THREATS.md says why
  ESCAPED  the attempt succeeded
  FAILED   it was stopped, but otherwise than it must be, or did not end
  NO CTRL  outside it is stopped in the same way: it proves nothing
  skipped  the column could not be made

and all but the first three fail the suite, or are skipped. -q leaves out what held or was skipped.
"""
import os
import sys

WITNESSES = [
    ("small-internet", "anything that reached the small internet, DNS queries too"),
    ("packets", "any packet on the wire to it"),
    ("host", "anything that reached a socket of the host's"),
    ("files", "anything changed of the files that were there"),
]
NOT_RUN = "not run"
GOOD = ("held", "none", "-")


def read_results(path):
    try:
        with open(path, errors="replace") as f:
            return dict(line.rstrip("\n").split("\t", 1) for line in f if "\t" in line)
    except FileNotFoundError:
        return {}


def is_held(outcome, held):
    if not outcome.startswith("stopped "):
        return False
    step = outcome[len("stopped "):]
    return step in held.split() or step.rsplit(":", 1)[1] in held.split()


class Column:
    def __init__(self, text):
        self.name, rest = text.split("=", 1)
        self.directory, _, self.reason = rest.partition(":")
        self.tier = self.name.split()[0].lower()
        self.inside = read_results(os.path.join(self.directory, self.tier + ".tsv"))
        self.not_run = 0
        self.outside = [read_results(os.path.join(self.directory, name))
                        for name in ("control.tsv", "control-ns.tsv")]


class Probe:
    def __init__(self, line):
        self.section, self.name, self.attempt, held, held_b, absent = line
        self.absent = absent
        self.held = {"a": held, "b": held if held_b == "-" else held_b}

    def control(self, column, columns):
        """The outcome outside that shows that the attempt can succeed, or why there is none."""
        held = self.held[column.tier]
        found = [o[self.name] for c in [column] + columns for o in c.outside if self.name in o]
        works = [o for o in found if not is_held(o, held)]
        if works:
            return "works", works[0]
        is_absent = self.absent != "-" and any(is_held(o, self.absent) for o in found)
        return ("none" if is_absent else "NO CTRL"), (found + ["not tried"])[0]

    def judge(self, column, columns):
        if column.reason:
            return "skipped", column.reason
        held = self.held[column.tier]
        if held.startswith("!"):
            return "-", held[1:]
        if self.name not in column.inside:
            return "FAILED", NOT_RUN
        outcome = column.inside[self.name]
        control, said = self.control(column, columns)
        if outcome.startswith("reached"):
            return "ESCAPED", outcome
        if control == "NO CTRL" and any(c.name.endswith("root") and c.reason for c in columns):
            return "skipped", "outside only root could: " + said
        if not is_held(outcome, held) and control != "none":
            return "FAILED", "%s, not %s" % (outcome, held)
        return ("held", outcome) if control == "works" else (control, "outside: " + said)


def read_probes(path, wanted):
    with open(path) as f:
        probes = [Probe(line.rstrip("\n").split("\t")) for line in f]
    for name, attempt in WITNESSES:
        probes.append(Probe(["Seen from outside", name, attempt, name + ":NOTHING", "-", "-"]))
    return [p for p in probes if not wanted or p.name in wanted]


def main():
    arguments = sys.argv[1:]
    is_quiet = "-q" in arguments
    arguments = [a for a in arguments if a != "-q"]
    columns = [Column(a) for a in arguments[1:]]
    wanted = os.environ.get("PROBES", "").split()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    remarks, section = [], None
    print("%-26s" % "" + "".join("%-9s" % c.name for c in columns))
    for probe in read_probes(arguments[0], wanted):
        cells = [(c, *probe.judge(c, columns)) for c in columns]
        for _, verdict, _ in cells:
            counts["passed" if verdict in GOOD else "skipped" if verdict == "skipped" else "failed"] += verdict != "-"
        for column, verdict, why in cells:
            if why == NOT_RUN:
                column.not_run += 1
            elif verdict not in ("held", "-", "skipped"):
                remarks.append("%s, %s: %s: %s" % (probe.name, column.name, verdict, why))
        if is_quiet and all(v in GOOD + ("skipped",) for _, v, _ in cells):
            continue
        if section != probe.section:
            section = probe.section
            print("\n" + section)
        print("  %-24s" % probe.name + "".join("%-9s" % v for _, v, _ in cells) + " " + probe.attempt)
    print()
    for remark in remarks:
        print("# " + remark)
    for column in columns:
        if column.not_run:
            print("# %s: %d probes were not made: the run ended before" % (column.name, column.not_run))
        if column.reason:
            print("# %s: skipped: %s" % (column.name, column.reason))
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    sys.exit(counts["failed"] > 0)


main()
