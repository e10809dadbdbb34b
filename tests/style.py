#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""style.py - what of our C style can be told from the text: sizes, names, words

Usage: style.py FILE…, from the top of the tree: C as clang-format leaves it, and Markdown. Prints a line
for each fault; exit status 1 if there are any. That functions begin and end in the first column is what
makes this so short.
"""

import re
import sys
from pathlib import Path

COLUMNS_MAX = 100
DOCUMENT_COLUMNS_MAX = 140
# What programs write, and tables that they measured for.
WIDE = ("docs/THREATS.md", "docs/PERFORMANCE.md")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5
REASON = "Longer than"  # how the reason for a longer file or function begins

# Wrong on any line of code, comments and strings aside.
WORDS = (
    (r"\bgoto\b", "goto: there are cleanup attributes"),
    (r"\btypedef\s+(struct|union|enum)\b", "a typedef hides that it is a struct"),
    (r"(?<!\w)(gets|v?sprintf|system|tmpnam|mktemp|strtok|alloca)\(", "a call without bound or state of its own"),
)
# A signature that is not ours: a callback of a library's, or what stands in for one of libc's.
ELSEWHERE = ("lib/noproxy.c",)  # of other projects
FOREIGN = ("on_alpn", "__wrap_getservbyport_r")
# Longer than they should be; no others.
KNOWN_LONG = ("finding_add", "mcp_response_filter", "edit_append", "edit_put", "spawn", "spawn_role_after")
# Inherited on purpose: become_role() puts it where the role looks for it.
INHERITED = ("launcher/roles/spawn.c",)
TOPS = (".", "include", "launcher", "tests")  # what a path may be relative to
SOURCES = ("include/", "launcher/", "policy/", "bpf/")
MARKS = r"\b(TODO|FIXME|HACK|XXX)\b"  # for later
# May print: what talks to a person or is a program of its own.
PRINTERS = ("launcher/commands/", "launcher/roles/", "launcher/main.c", "launcher/base/log.c", "tests/")
PRINTS = r"(?<![\w.>])(v?printf|puts|putchar|perror)\s*\(|\bfprintf\s*\(\s*std(out|err)\b"


def without_comments(text):
    """The same lines, with comments and what is in quotes made blank."""
    def blank(match):
        got = match.group(0)
        if got[0] in "\"'":
            return got[0] + " " * (len(got) - 2) + got[-1]
        return re.sub(r"[^\n]", " ", got)
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', blank, text, flags=re.S)


def split_parameters(text):
    depth, count = 0, 1
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        count += char == "," and depth == 0
    return count


class File:
    def __init__(self, path):
        self.path = path
        self.text = Path(path).read_text(encoding="utf-8")
        self.code = without_comments(self.text)
        self.lines = self.text.split("\n")
        self.code_lines = self.code.split("\n")
        self.is_source = path.startswith(SOURCES)

    def say(self, line, what):
        return f"{self.path}:{line}: {what}"

    def line_at(self, offset):
        return self.code.count("\n", 0, offset) + 1

    def end_of_call(self, offset):
        """Of the parenthesis that was opened before @offset."""
        depth = 1
        while depth and offset < len(self.code):
            depth += (self.code[offset] == "(") - (self.code[offset] == ")")
            offset += 1
        return offset - 1

    def columns(self):
        is_layout_ours = False
        for i, line in enumerate(self.lines, 1):
            is_layout_ours = "clang-format off" in line or (is_layout_ours and "clang-format on" not in line)
            n = 0 if is_layout_ours else len(line.expandtabs(8))
            # A string is not broken for its length: who looks for it finds it whole.
            if n > COLUMNS_MAX and '"' not in line:
                yield self.say(i, f"{n} columns")

    def words(self):
        for i, line in enumerate(self.code_lines, 1):
            for pattern, what in WORDS:
                if self.is_source and re.search(pattern, line):
                    yield self.say(i, what)
            if not self.path.startswith(PRINTERS) and re.search(PRINTS, line):
                yield self.say(i, "library code prints")
        for i, line in enumerate(self.lines, 1):
            if re.search(MARKS, line):
                yield self.say(i, "a mark for later")

    def descriptors(self):
        """Every descriptor is closed at exec."""
        calls = r"\b(open|openat|socket|socketpair|accept|accept4|pipe|pipe2|memfd_create|dup|epoll_create|epoll_create1)\s*\("
        if not self.is_source or self.path.endswith(".h") or self.path in INHERITED:
            return
        # Flags that have a name have it on the line that says what they are.
        named = re.findall(r"(?:#define (?=\w)|\b(?=\w+ = ))(\w+)[^\n]*CLOEXEC", self.code)
        for match in re.finditer(calls, self.code):
            if self.code[match.start() - 1] in "_.>":
                continue
            arguments = self.code[match.end():self.end_of_call(match.end())]
            if "CLOEXEC" not in arguments and not set(named) & set(re.findall(r"\w+", arguments)):
                yield self.say(self.line_at(match.start()), f"{match.group(1)}() without CLOEXEC")

    def size(self):
        n = len(self.lines) - 1
        if self.is_source and n > FILE_LINES_MAX and REASON not in self.text:
            yield self.say(n, f"{n} lines and no reason given ({REASON} …)")

    def parameters(self):
        """Of functions that are declared or defined: names in the first column and after."""
        for match in re.finditer(r"^(?!typedef)[a-z_][\w\s*]*?[\s*](\w+)\(", self.code, flags=re.M):
            n = split_parameters(self.code[match.end():self.end_of_call(match.end())])
            if self.is_source and n > PARAMETERS_MAX and match.group(1) not in FOREIGN + KNOWN_LONG:
                yield self.say(self.line_at(match.start()), f"{match.group(1)}() has {n} parameters")

    def functions(self):
        start = None
        for i, line in enumerate(self.code_lines):
            if line == "{":
                start = i
            elif line == "}" and start is not None:
                head = "\n".join(self.lines[max(0, start - 12):i])
                if self.is_source and i - start - 1 > FUNCTION_LINES_MAX and REASON not in head:
                    yield self.say(start, f"a function of {i - start - 1} lines and no reason given")
                start = None

    def header(self):
        """A header begins with what it is, by the name that others include it by."""
        if not self.is_source or not self.path.endswith(".h"):
            return
        name = re.sub(r"^(include|launcher)/", "", self.path)
        told = re.search(r"^ \* ([\w./]+\.h) - ", self.text, flags=re.M)
        if told and told.group(1) not in (name, Path(name).name):
            yield self.say(self.text[:told.start()].count("\n") + 1, f"calls itself {told.group(1)}")
        if not re.match(r"[^\n]*\n/\*", self.text):
            yield self.say(2, "does not begin with what it is")
        if not self.guard():
            yield self.say(1, "no guard MCPJAIL_…_H")

    def guard(self):
        got = re.search(r"^#ifndef (MCPJAIL_\w+_H)\n#define \1$", self.text, flags=re.M)
        return got and got.group(1)

    def paths(self):
        """Files that comments name are there."""
        for i, (line, code) in enumerate(zip(self.lines, self.code_lines), 1):
            for match in re.finditer(r"(?<![\w/.<\"-])((?:\w+/)+\w+\.[ch])\b", line):
                if match.group(1) in code:
                    continue
                if match.group(1) in ELSEWHERE:
                    continue
                if not any((Path(top) / match.group(1)).exists() for top in TOPS):
                    yield self.say(i, f"names {match.group(1)}, which does not exist")

    def faults(self):
        checks = (self.columns, self.words, self.descriptors, self.size, self.parameters,
                  self.functions, self.header, self.paths)
        return (fault for check in checks for fault in check())


def document_faults(path):
    """Lines that fit a window, and files that are there."""
    for i, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1):
        if len(line) > DOCUMENT_COLUMNS_MAX and path not in WIDE:
            yield f"{path}:{i}: {len(line)} columns"
        for name in re.findall(r"`((?:\w+/)+\w+\.(?:[cht]|py|sh|json|md))`", line):
            if not any((Path(top) / name).exists() for top in TOPS):
                yield f"{path}:{i}: names {name}, which does not exist"


def main(paths):
    files = [File(path) for path in paths if path.endswith((".c", ".h"))]
    found = [fault for file in files for fault in file.faults()]
    found += [fault for path in paths if path.endswith(".md") for fault in document_faults(path)]
    guards = [file.guard() for file in files if file.path.endswith(".h")]
    found += [f"{guard}: the guard of two headers" for guard in set(guards) if guards.count(guard) > 1 and guard]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
