# SPDX-License-Identifier: Apache-2.0
"""document.py LIST DOCUMENT [--check] - put the table of probes between the marks of DOCUMENT

LIST is what `escape list` prints. With --check nothing is written: the status says whether the
document has the table as it is.
"""
import sys

BEGIN, END = "<!-- probes: make escape-docs -->\n", "<!-- /probes -->\n"
# What stands in the place of outcomes that belong together, so that a row can be read.
WORDS = {
    "EROFS EACCES EPERM EBUSY EXDEV": "refused",
    "ENOENT EACCES EPERM EMPTY": "not there, or refused",
    "answer:OTHER answer:CLOSED answer:ECONNRESET send:ECONNRESET": "the proxy answers, or resets it",
    "answer:ECONNREFUSED sendto:ECONNREFUSED sendmmsg:ECONNREFUSED": "refused at once",
    "answer:ECONNREFUSED sendto:ECONNREFUSED sendmmsg:ECONNREFUSED answer:TIMEOUT sendmmsg:EPIPE": "no answer, or refused",
}


def outcomes(text):
    return WORDS.get(text) or ", ".join("`%s`" % word for word in dict.fromkeys(text.split()))


def in_tier_b(text):
    if text == "-":
        return "the same"
    return "*not promised*: " + text[1:] if text.startswith("!") else outcomes(text)


def table(path):
    lines, section = [BEGIN], None
    for line in open(path):
        row = line.rstrip("\n").split("\t")
        if row[0] != section:
            section = row[0]
            lines += ["\n### %s\n\n" % section, "| probe | attempt | held | tier B |\n", "|---|---|---|---|\n"]
        lines.append("| `%s` | %s | %s | %s |\n" % (row[1], row[2].replace("|", "\\|"), outcomes(row[3]), in_tier_b(row[4])))
    return "".join(lines) + "\n" + END


def main():
    text = open(sys.argv[2]).read()
    begin, end = text.index(BEGIN), text.index(END) + len(END)
    new = text[:begin] + table(sys.argv[1]) + text[end:]
    if "--check" in sys.argv[3:]:
        sys.exit(new != text)
    with open(sys.argv[2], "w") as f:
        f.write(new)


main()
