"""How failures of the pytest plugin read: the case's own words, without a traceback through pytest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scenarios.errors import shown


class CaseError(Exception):
    """A case that is no pass: one line, its details, and the place in a scenario or a runbook that it is about."""

    def __init__(self, message: str, detail: str, place: tuple[Path, int]) -> None:
        super().__init__(f"{message}\n{detail}".rstrip())
        self.message, self.place = message, place


class WentWrong(CaseError):
    """A target missed, an invariant broken, a step not as expected, a finding: a failure."""


class NotJudged(CaseError):
    """The harness broke, or something could not be judged: an error."""


def shown_failure(excinfo: pytest.ExceptionInfo[BaseException]) -> Any | None:
    """What pytest prints of it, and of which it makes its short summary; None for an exception of another kind."""
    error = excinfo.value
    if not isinstance(error, CaseError):
        return None
    found = excinfo.getrepr(style="value")
    if found.reprcrash is not None:  # pytest's summary and JUnit take the first line from there
        found.reprcrash.message = error.message
        found.reprcrash.path, found.reprcrash.lineno = shown(error.place[0]), error.place[1]
    return found
