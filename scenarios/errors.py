"""Errors of input files. One tree: `InvalidInput` is what every face catches; it ends a command with exit code 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file: where (line and column from 1), what was found, what would be right.

    Line 0 means the file as a whole: it is missing, or cannot be read.
    """

    path: Path
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}:" if self.line else ""
        return f"{shown(self.path)}:{place} {self.message}"


class InvalidInput(Exception):
    """An input file cannot be used. `problems` lists all that was found, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    def __reduce__(self) -> tuple[type[InvalidInput], tuple[list[Problem]]]:
        return type(self), (self.problems,)  # an exception is pickled by its arguments, which here is only the text


def shown(path: Path) -> str:
    """The path as a person would type it: relative to the current folder where it lies below it."""
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else str(path)
