"""What a step of a runbook expects of its command, and whether that came true.

    expect="exit 0"                        the default
    expect="exit nonzero"                  also: exit 3, exit any
    expect="output ~ ^PONG$"               a regular expression that is found in the output; ^ and $ are a line's ends
    expect="output !~ ERROR"               one that is not
    expect="exit any and output ~ backup"  all of several

A clause about the exit code that is left out means `exit 0`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_AND = re.compile(r"\s+and\s+(?=(?:exit|output)\b)")  # a regular expression may hold the word too
_EXIT = re.compile(r"exit\s+(\d{1,3}|nonzero|any)")
_OUTPUT = re.compile(r"output\s+(!?~)\s+(\S.*)", re.DOTALL)
_WORDS: dict[str, Literal["nonzero", "any"]] = {"nonzero": "nonzero", "any": "any"}
_TROUBLE = re.compile(r"\b(?:FAIL|ERROR|FATAL|CRITICAL|[Ee]rror|failed|cannot|refused)\b")
_SHOWN = 200  # characters of the output in a message


@dataclass(frozen=True, slots=True)
class Match:
    """A regular expression that must, or must not, be found in the output."""

    pattern: str
    found: bool


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be true of a command that has ended."""

    exit: int | Literal["nonzero", "any"] = 0
    matches: tuple[Match, ...] = ()

    @classmethod
    def of(cls, text: str) -> Expectation:
        """Raises ValueError, which says what is wrong with the text."""
        exits: list[int | Literal["nonzero", "any"]] = []
        matches: list[Match] = []
        for clause in _AND.split(text.strip()):
            if found := _EXIT.fullmatch(clause):
                exits.append(_exit_code(found[1]))
            elif found := _OUTPUT.fullmatch(clause):
                matches.append(Match(_compiled(found[2].strip()), found=found[1] == "~"))
            else:
                raise ValueError(
                    f"'{clause}' is no expectation; write exit 0, exit nonzero, exit any, output ~ REGEX or output !~ REGEX"
                )
        if len(exits) > 1:
            raise ValueError("there is only one exit code to expect")
        return cls(exits[0] if exits else 0, tuple(matches))

    def judge(self, exit_code: int, output: str) -> str | None:
        """None when the expectation is met, else what was missed. `output` is what the command wrote, errors too."""
        if self.exit != "any" and (exit_code == 0 if self.exit == "nonzero" else exit_code != self.exit):
            return f"exit code {exit_code}, expected {self.exit}{_telling(output)}"
        for match in self.matches:
            if bool(re.search(match.pattern, output, re.MULTILINE)) != match.found:
                return f"the output {'does not match' if match.found else 'matches'} {match.pattern}{_telling(output)}"
        return None

    def __str__(self) -> str:
        clauses = [] if self.exit == 0 and self.matches else [f"exit {self.exit}"]
        return " and ".join([*clauses, *(f"output {'~' if each.found else '!~'} {each.pattern}" for each in self.matches)])


def _exit_code(word: str) -> int | Literal["nonzero", "any"]:
    if word in _WORDS:
        return _WORDS[word]
    if int(word) > 255:
        raise ValueError(f"an exit code is at most 255, found {word}")
    return int(word)


def _compiled(pattern: str) -> str:
    try:
        re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise ValueError(f"{pattern} is no regular expression: {error}") from error
    return pattern


def _telling(output: str) -> str:
    """The line of the output that tells most, for a message: the first that speaks of trouble, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    line = next((each for each in lines if _TROUBLE.search(each)), lines[-1] if lines else "")
    return f": {line[:_SHOWN]}" if line else ""
