"""What in a command somebody must fill in before it means anything, and what only looks like it: redirections, tests, globs, indexes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from scenarios.reading.shell import Script, Simple, Variable, Word

PlaceholderKind = Literal["angle", "bracket", "variable", "date", "sample", "ellipsis"]
Where = Literal["command", "comment", "input"]
Placing = Callable[[int, int], tuple[int, int]]

_ANGLE = re.compile(
    r"(?<![<$\w])<(?P<name>[A-Za-z][A-Za-z0-9_]*(?:[-_ ][A-Za-z0-9_]+)*)>(?!\()|(?<=[\w])<(?P<glued>[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*)>"
)
_BRACKET = re.compile(r"(?<![\w$.\]\[)!^*\\])\[(?P<name>[A-Za-z][A-Za-z0-9_]*(?:[ _/-]+[A-Za-z0-9_]+)*)\](?![\w(\[{+*?]|\.\w)")
_DATE = re.compile(
    r"(?<![A-Za-z])YYYY(?:[-_/.]?MM(?:[-_/.]?DD)?)?(?:[-_T ]?HH(?:[:-]?MM(?:[:-]?SS)?)?)?(?![A-Za-z])|(?<![A-Za-z])HH:?MM(?::?SS)?(?![A-Za-z])"
)
_SAMPLES = re.compile(
    r"(?<![A-Za-z0-9_])(?:NEW|YOUR|MY|THE|SOME)_[A-Z][A-Z0-9_]*(?![a-z(=])"
    r"|(?i:\bchange[-_]?me\b|\breplace[-_]?(?:me|with[-_]\w+)\b|\btodo\b|\btbd\b)"
    r"|\b[A-Z]{2,}-X{2,}\b|\bX{3,}\b|\bx{3,}\b|\bv?\d+(?:\.\d+)*(?:\.x)+\b"
    r"|\b(?:user|username|admin|root)@(?:host|hostname|server|ip|machine|remote)(?:name)?\b|\b[\w.-]*\bexample\.(?:com|org|net)\b"
    r"|\b(?:your|my)-[a-z][a-z0-9-]*\b"
    r"|\b(?:[a-z]+-)?(?:service|pod|host|container|node|user|database|deployment|cluster|bucket|table|job|release)-name(?:-[a-z]+)*\b"
    r"|\b(?:[a-z]+-)?(?:affected|slow|failed|failing|faulty|problematic|broken|suspect)-(?:service|pod|node|host|user|container)\b"
    r"|\b[A-Z]?123456789\d*\b"
)  # fmt: skip
_ELLIPSIS = re.compile(r"\.\.\.|…")
_KNOWN = frozenset(
    [
        "HOME",
        "PATH",
        "USER",
        "LOGNAME",
        "PWD",
        "OLDPWD",
        "SHELL",
        "HOSTNAME",
        "HOSTTYPE",
        "OSTYPE",
        "MACHTYPE",
        "RANDOM",
        "SRANDOM",
        "SECONDS",
        "LINENO",
        "UID",
        "EUID",
        "PPID",
        "GROUPS",
        "IFS",
        "TMPDIR",
        "LANG",
        "LC_ALL",
        "TERM",
        "EDITOR",
        "COLUMNS",
        "LINES",
        "OPTARG",
        "OPTIND",
        "REPLY",
        "PIPESTATUS",
        "FUNCNAME",
        "DIRSTACK",
        "BASHPID",
        "BASH",
        "BASH_VERSION",
        "BASH_SOURCE",
        "BASH_LINENO",
        "BASH_REMATCH",
        "BASH_COMMAND",
        "SHLVL",
        "EPOCHSECONDS",
        "EPOCHREALTIME",
        "PS1",
        "PS4",
        "_",
    ]
)  # what a shell has anyway
_MATCHERS = {
    "grep",
    "egrep",
    "fgrep",
    "zgrep",
    "rg",
    "sed",
    "awk",
    "gawk",
    "perl",
    "jq",
    "yq",
    "tr",
    "find",
    "expr",
    "python",
    "python3",
    "pgrep",
    "pkill",
}
_TAGS = {
    "html",
    "head",
    "body",
    "div",
    "span",
    "table",
    "br",
    "hr",
    "li",
    "ul",
    "ol",
    "pre",
    "code",
    "script",
    "style",
    "title",
    "form",
    "img",
}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Something to fill in. `name` is what bindings call it, `text` how it is written, `offset` where in its command's text."""

    kind: PlaceholderKind
    name: str
    text: str
    line: int
    column: int
    offset: int
    where: Where = "command"


def mask(text: str) -> str:
    """The same text with `<service-name>` and `[two words]` made plain words of the same length, so that bash's grammar sees one word."""
    masked = text
    for found in [*_angles(text), *_BRACKET.finditer(text)]:
        if found[0].startswith("<") or " " in found[0]:
            masked = f"{masked[: found.start()]}{'x' * len(found[0])}{masked[found.end() :]}"
    return masked


def find_placeholders(text: str, script: Script | None, place: Placing, known: Collection[str] = ()) -> tuple[Placeholder, ...]:
    """All placeholders of a command. `known` are the variables that commands before it have given values."""
    rows = _Rows(text, place)
    found = [rows.placeholder("angle", _name(each), each[0], each.start()) for each in _angles(text)]
    taken = [(each.start(), each.end()) for each in _angles(text)]
    if script is None:
        found += _spelled(text, 0, rows, taken)
        return tuple(sorted(found, key=lambda each: each.offset))
    remarks = [rows.offset(each.line, each.column) for each in script.remarks]
    for simple in script.commands:
        for word in _words(simple):
            start = rows.offset(word.line, word.column)
            found += _in_word(simple, word, start, rows, taken)
        for redirection in simple.redirections:
            if redirection.body:
                start = rows.offset(redirection.body_line, 1)
                at = text.find(redirection.body, max(0, start - 200))
                found += _spelled(redirection.body, at, rows, taken) if at >= 0 else []
    found += [rows.variable(each) for each in script.unset if each.name not in known and each.name not in _KNOWN]
    unique = {(each.offset, each.text): each for each in found}
    lines = text.split("\n")
    commented = {offset for offset in remarks if offset >= 0}
    for start in sorted(commented):
        end = start + len(lines[text.count("\n", 0, start)]) - (start - (text.rfind("\n", 0, start) + 1))
        for each in _spelled(text[start:end], start, rows, taken):
            unique.setdefault((each.offset, each.text), _as_comment(each))
    marked = (_as_comment(each) if _behind(each.offset, commented, text) else each for each in unique.values())
    return tuple(sorted(marked, key=lambda each: each.offset))


def find_in_comment(text: str, line: int, column: int) -> tuple[Placeholder, ...]:
    """The placeholders of a comment that stands alone."""
    rows = _Rows(text, lambda row, at: (line + row, column + at))
    spelled = _spelled(text, 0, rows, [])
    angles = [rows.placeholder("angle", _name(each), each[0], each.start()) for each in _angles(text)]
    return tuple(_as_comment(each) for each in [*angles, *spelled])


def _as_comment(each: Placeholder) -> Placeholder:
    return Placeholder(each.kind, each.name, each.text, each.line, each.column, each.offset, "comment")


def _behind(offset: int, remarks: Collection[int], text: str) -> bool:
    return any(start <= offset and "\n" not in text[start:offset] for start in remarks)


def _angles(text: str) -> Iterator[re.Match[str]]:
    """`<service-name>`; neither `<in >out`, nor `<in>out`, nor markup that is closed again."""
    for found in _ANGLE.finditer(text):
        name, after = _name(found), text[found.end() : found.end() + 1]
        simple = re.fullmatch(r"[a-z0-9]+", name) is not None
        before = text[found.start() - 1 : found.start()]
        redirects = simple and bool(re.match(r"[\w/.\"'$]", after)) and before in (" ", "\t", "", "\n")
        markup = name.lower() in _TAGS or f"</{name}>" in text
        if not redirects and not markup:
            yield found


def _name(found: re.Match[str]) -> str:
    groups = found.groupdict()
    return groups.get("name") or groups.get("glued") or found[0]


def _words(simple: Simple) -> Iterator[Word]:
    if simple.name is not None:
        yield simple.name
    yield from simple.arguments
    yield from (each.value for each in simple.assignments if each.value is not None)
    yield from (each.target for each in simple.redirections if each.target is not None and not each.body)


def _in_word(simple: Simple, word: Word, start: int, rows: _Rows, taken: list[tuple[int, int]]) -> Iterator[Placeholder]:
    if start < 0:
        return
    said, skip = word.text, 0
    if said.startswith("--") or re.match(r"-\w", said):
        option, equals, value = said.partition("=")
        skip, said = (len(option) + 1, value) if equals else (len(said), "")
    matches = simple.program in _MATCHERS and word.quoting != "none"
    for each in _spelled(said, start + skip, rows, taken):
        if not (matches and each.kind in ("bracket", "ellipsis")) and not (each.kind == "ellipsis" and said != each.text):
            yield each


def _spelled(text: str, start: int, rows: _Rows, taken: list[tuple[int, int]]) -> list[Placeholder]:
    """The kinds that are told by their spelling alone."""
    found: list[Placeholder] = []
    kinds: tuple[tuple[PlaceholderKind, re.Pattern[str]], ...] = (
        ("bracket", _BRACKET), ("date", _DATE), ("sample", _SAMPLES), ("ellipsis", _ELLIPSIS),
    )  # fmt: skip
    spans = [(begin - start, end - start) for begin, end in taken]
    for kind, pattern in kinds:
        for each in pattern.finditer(text):
            if not any(begin < each.end() and each.start() < end for begin, end in spans):
                spans.append(each.span())
                found.append(rows.placeholder(kind, _name(each), each[0], start + each.start()))
    return found


@dataclass(slots=True)
class _Rows:
    """Places of a command's text in the file, and back."""

    text: str
    place: Placing

    def placeholder(self, kind: PlaceholderKind, name: str, text: str, offset: int) -> Placeholder:
        row = self.text.count("\n", 0, offset)
        line, column = self.place(row, offset - (self.text.rfind("\n", 0, offset) + 1))
        return Placeholder(kind, name, text, line, column, offset)

    def variable(self, use: Variable) -> Placeholder:
        offset = self.offset(use.line, use.column)
        text = re.match(r"\$\{[^}]*\}|\$?\w+", self.text[max(offset, 0) :])
        return Placeholder("variable", use.name, text[0] if text else f"${use.name}", use.line, use.column, offset)

    def offset(self, line: int, column: int) -> int:
        """Where in the text that is; -1 when it is not in it."""
        at = 0
        for row, said in enumerate(self.text.split("\n")):
            there, begins = self.place(row, 0)
            if there == line:
                return at + max(0, column - begins)
            at += len(said) + 1
        return -1
