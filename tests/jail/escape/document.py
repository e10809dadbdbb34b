# SPDX-License-Identifier: Apache-2.0
"""document.py LIST DOCUMENT [--check] - put the table of probes between the marks of DOCUMENT

LIST is what `escape list` prints. With --check nothing is written: the status says whether the
document has the table as it is. A word that the legend does not know fails.
"""
import errno
import sys

BEGIN, END = "<!-- probes: make escape-docs -->\n", "<!-- /probes -->\n"
# What stands in the place of outcomes that belong together, so that a row can be read.
WORDS = {
    "refused": "EROFS EACCES EPERM EBUSY EXDEV",
    "refused, or cannot be made": "EROFS EACCES EPERM EBUSY EXDEV EEXIST ENOENT",
    "not there, or refused": "ENOENT EACCES EPERM EMPTY",
    "not there, or not to be written": "ENOENT EACCES EPERM EMPTY EROFS EBUSY EXDEV",
    "not to be opened": "open:ENOENT open:EACCES open:EPERM open:EROFS",
    "nothing to be read": "open:ENOENT open:EACCES open:EPERM read:EMPTY",
    "not connected": "connect:EACCES connect:EPERM connect:EISCONN",
    "not connected, or not there": "connect:EACCES connect:EPERM connect:EISCONN connect:ENOENT",
    "the proxy answers, or resets it": "answer:OTHER answer:CLOSED answer:ECONNRESET send:ECONNRESET",
    "refused at once": "answer:ECONNREFUSED sendto:ECONNREFUSED sendmmsg:ECONNREFUSED",
    "no answer, or refused": "answer:ECONNREFUSED sendto:ECONNREFUSED sendmmsg:ECONNREFUSED answer:TIMEOUT sendmmsg:EPIPE",
}
PHRASES = {frozenset(text.split()): phrase for phrase, text in WORDS.items()}
# What no errno says.
OUTCOMES = {
    "answer:OTHER": "somebody answered, but not who was called: the proxy, or the jail's DNS",
    "answer:CLOSED": "the connection was made and closed without an answer",
    "answer:TIMEOUT": "nothing came back while the probe waited; witnesses outside saw nothing either",
    "read:EMPTY": "it can be opened, and nothing is in it; without a step, the same of a file",
    "rights:NONE": "nothing was gained, or nothing is there to be used",
    "descriptors:NONE": "no descriptor but those that every run has",
    "listeners:NONE": "there was none to ask",
    "listeners:REFUSED": "each that was asked answered with a refusal",
    "sendto:PAIR": "it went to the agent's own other end of the pair, whatever address it had",
    "flip:HELD": "every one of the attempts was held",
    "connect:HELD": "every one of the attempts was held",
    "limit:HELD": "the limit cannot be raised",
    "daemon:GONE": "when the run was over the process was, too",
}
HOW = """
How to read a row: `step:OUTCOME` is the call that did not do what the attempt wanted, and the errno that it
failed with; an errno alone may come from any step. Where several stand in a row each counts as held: which
one it is depends on the user, the kernel and which of two walls is met first. A word in the table stands
for such a set:

"""


def outcomes(text, used):
    words = frozenset(text.split())
    if words in PHRASES:
        used.add(PHRASES[words])
        return PHRASES[words]
    for word in words:
        if word != "EMPTY" and not hasattr(errno, word.rsplit(":", 1)[-1]):
            used.add(word)
    return ", ".join("`%s`" % word for word in dict.fromkeys(text.split()))


class Reasons:
    """Why something is not promised, by a letter: the same reason stands in many rows."""

    def __init__(self):
        self.known = []

    def letter(self, reason):
        if reason not in self.known:
            self.known.append(reason)
        return chr(ord("a") + self.known.index(reason))


def in_tier_b(text, used, reasons):
    if text == "-":
        return "the same"
    return "*not promised* (%s)" % reasons.letter(text[1:]) if text.startswith("!") else outcomes(text, used)


def legend(used, reasons):
    lines = [HOW, "| in the table | stands for |\n|---|---|\n"]
    for phrase, text in WORDS.items():
        if phrase in used:
            lines.append("| %s | %s |\n" % (phrase, ", ".join("`%s`" % word for word in text.split())))
    lines.append("\n| outcome without an errno | means |\n|---|---|\n")
    lines += ["| `%s` | %s |\n" % (word, OUTCOMES[word]) for word in OUTCOMES if word in used]
    lines.append("\nWhy tier B does not promise something:\n\n")
    lines += ["- (%s) %s\n" % (reasons.letter(reason), reason) for reason in reasons.known]
    unknown = used - set(OUTCOMES) - set(WORDS)
    if unknown:
        sys.exit("no legend has: " + ", ".join(sorted(unknown)))
    return lines


def table(path):
    rows, section, used, reasons = [], None, {"read:EMPTY"}, Reasons()
    used |= {word for phrase in ("the proxy answers, or resets it", "no answer, or refused")
             for word in WORDS[phrase].split() if word in OUTCOMES}
    for line in open(path):
        row = line.rstrip("\n").split("\t")
        if row[0] != section:
            section = row[0]
            rows += ["\n### %s\n\n" % section, "| probe | attempt | held | tier B |\n", "|---|---|---|---|\n"]
        rows.append("| `%s` | %s | %s | %s |\n" % (row[1], row[2].replace("|", "\\|"), outcomes(row[3], used),
                                               in_tier_b(row[4], used, reasons)))
    return "".join([BEGIN] + legend(used, reasons) + rows) + "\n" + END


def main():
    text = open(sys.argv[2]).read()
    begin, end = text.index(BEGIN), text.index(END) + len(END)
    new = text[:begin] + table(sys.argv[1]) + text[end:]
    if "--check" in sys.argv[3:]:
        sys.exit(new != text)
    with open(sys.argv[2], "w") as f:
        f.write(new)


main()
