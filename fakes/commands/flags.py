"""Command lines in the grammar of kubectl, helm and docker (long and short flags anywhere, `--` ends them), with their error words."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_GO_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_GO_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_GO_TRUTH = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), "true"),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), "false"),
}
_BARE = {"dry-run": "unchanged", "cascade": "background", "validate": "strict"}  # what the flag alone means


class BadFlag(Exception):
    """A flag is unknown, lacks its value or has a wrong one; the message is that of the pflag library."""


class Flag(NamedTuple):
    """One flag. `kind`: switch, text, list (may be repeated), int, duration, or optional (its value only after `=`)."""

    name: str
    short: str = ""
    kind: str = "text"

    @property
    def shown(self) -> str:
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Parsed(NamedTuple):
    """What a command line said."""

    values: dict[str, list[str]]
    words: list[str]  # the positional arguments
    rest: list[str]  # what came after `--`
    dashed: bool  # whether `--` was there

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, [default])[-1]

    def texts(self, name: str) -> list[str]:
        return self.values.get(name, [])

    def on(self, name: str) -> bool:
        return self.text(name, "false") == "true"

    def number(self, name: str, default: int) -> int:
        return int(self.text(name, str(default)))

    def seconds(self, name: str, default: float) -> float:
        return go_duration(self.values[name][-1]) if name in self.values else default

    def has(self, name: str) -> bool:
        return name in self.values


class Entry(NamedTuple):
    """What a grammar says of one verb."""

    flags: tuple[Flag, ...]
    below: tuple[str, ...]  # its subcommands
    usage: str


class Grammar:
    """The verbs and flags of a real tool, read from the file of them: `VERB: -s,FLAG:KIND ... | SUBCOMMAND ... # USAGE`.

    The verb `-` is the tool itself, `*` the flags that every verb has.
    """

    def __init__(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            self._lines: Mapping[str, str] = dict(line.rstrip("\n").split(":", 1) for line in file if ":" in line)

    def __contains__(self, verb: str) -> bool:
        return verb in self._lines

    def entry(self, verb: str) -> Entry:
        line, _, usage = self._lines[verb].partition("#")
        flags, _, below = line.partition("|")
        return Entry(tuple(map(_flag, flags.split())), tuple(below.split()), usage.strip())

    def verbs(self) -> list[str]:
        return [verb for verb in self._lines if verb not in ("-", "*")]


def grammar_of(folder: str) -> Grammar:
    """The grammar in a folder beside this module."""
    return Grammar(os.path.join(os.path.dirname(__file__), folder, "grammar.txt"))


def _flag(text: str) -> Flag:
    names, _, kind = text.partition(":")
    short, _, name = names.rpartition(",")
    return Flag(name, short.removeprefix("-"), kind)


def go_duration(text: str) -> float:
    """`1h30m` in seconds, as Go's time.ParseDuration reads it. Raises ValueError with Go's words."""
    body = text.removeprefix("-")
    if body == "0":
        return 0.0
    parts = _GO_PART.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        problem = "missing unit in duration" if re.fullmatch(r"[\d.]+", body) else "invalid duration"
        raise ValueError(f'time: {problem} "{text}"')
    seconds = sum(float(number) * _GO_UNITS[unit] for number, unit in parts)
    return -seconds if text.startswith("-") else seconds


def parse(argv: Sequence[str], flags: Sequence[Flag], *, stop_at_word: bool = False) -> Parsed:
    """Split a command line. With `stop_at_word` everything from the first positional argument on is left in `words`.

    Raises BadFlag.
    """
    named = {f"--{flag.name}": flag for flag in flags} | {f"-{flag.short}": flag for flag in flags if flag.short}
    values: dict[str, list[str]] = {}
    words: list[str] = []
    queue = list(argv)
    while queue:
        item = queue.pop(0)
        if item == "--":
            return Parsed(values, words, queue, True)
        if not item.startswith("-") or item == "-":
            words.append(item)
            if stop_at_word:
                return Parsed(values, words + queue, [], False)
        elif item.startswith("--"):
            _take_long(item, queue, named, values)
        else:
            _take_short(item, queue, named, values)
    return Parsed(values, words, [], False)


def _take_long(item: str, queue: list[str], named: dict[str, Flag], values: dict[str, list[str]]) -> None:
    key, equals, value = item.partition("=")
    flag = named.get(key)
    if flag is None:
        raise BadFlag(f"unknown flag: {key}")
    if not equals:
        if flag.kind == "switch":
            value = "true"
        elif flag.kind == "optional":
            value = _BARE.get(flag.name, "")
        elif queue:
            value = queue.pop(0)
        else:
            raise BadFlag(f"flag needs an argument: {key}")
    _store(flag, value, values)


def _take_short(item: str, queue: list[str], named: dict[str, Flag], values: dict[str, list[str]]) -> None:
    letters = item[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = named.get(f"-{letter}")
        if flag is None:
            raise BadFlag(f"unknown shorthand flag: '{letter}' in {item}")
        if flag.kind == "switch" and not letters.startswith("="):
            _store(flag, "true", values)
            continue
        if not letters and not queue:
            raise BadFlag(f"flag needs an argument: '{letter}' in {item}")
        _store(flag, letters.removeprefix("=") if letters else queue.pop(0), values)
        return


def _store(flag: Flag, value: str, values: dict[str, list[str]]) -> None:
    try:
        if flag.kind == "int":
            _check_int(value)
        elif flag.kind == "duration":
            go_duration(value)
        elif flag.kind == "switch":
            if value not in _GO_TRUTH:
                raise ValueError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
            value = _GO_TRUTH[value]
    except ValueError as error:
        raise BadFlag(f'invalid argument "{value}" for "{flag.shown}" flag: {error}') from error
    values.setdefault(flag.name, []).append(value)


def _check_int(value: str) -> None:
    if not re.fullmatch(r"[+-]?\d+", value):
        raise ValueError(f'strconv.ParseInt: parsing "{value}": invalid syntax')


def suggestions(word: str, verbs: Sequence[str]) -> list[str]:
    """The verbs that cobra suggests for a wrong one: those that begin with it, or are two letters away at most."""
    return [verb for verb in verbs if _distance(word.lower(), verb.lower()) <= 2 or verb.lower().startswith(word.lower())]


def _distance(one: str, other: str) -> int:
    """Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for index, left in enumerate(one, 1):
        before, row[0] = row[0], index
        for place, right in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (left != right))
    return row[-1]
