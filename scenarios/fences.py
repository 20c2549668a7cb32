"""The attributes of a step: what stands after ```bash in the first line of a fenced block of a runbook.

    ```bash name="promote the replica" expect="exit 0" budget=30s on-failure=stop

| attribute | meaning | default |
|---|---|---|
| `name` | what the report calls the step | must be there |
| `expect` | what must come true, see `scenarios/expectation.py` | `exit 0` |
| `budget` | documented time after which the step is ended as missed | `60s` |
| `retry` | repeat the command after this documented time until the expectation is met, within the budget | once |
| `on-failure` | `stop` or `continue` the procedure when the expectation is missed | `stop` |
| `verification` | a bare word: the step only looks whether the procedure has worked | |
| `interactive` | a bare word: a person decides or types | |
| `rollback` | what undoes the step, in words or as the name of a step | |
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from scenarios.expectation import Expectation
from scenarios.fields import parse_duration
from scenarios.suggestions import hint

FLAGS = ("verification", "interactive")
VALUES = ("name", "expect", "budget", "retry", "on-failure", "rollback")
_BUDGET_S = 60.0
_ON_FAILURE = ("stop", "continue")

T = TypeVar("T")


class BadAttribute(ValueError):
    """An attribute cannot be used. `word` is the text in the line at which that stands."""

    def __init__(self, word: str, message: str) -> None:
        self.word = word
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a step says of itself, beside its command."""

    name: str
    expect: Expectation
    budget_s: float
    retry_s: float | None
    on_failure: Literal["stop", "continue"]
    verification: bool
    interactive: bool
    rollback: str


def read_attributes(text: str) -> Attributes:
    """The attributes in the text after the language. Raises BadAttribute."""
    given = _split(text)
    if not given.get("name", "").strip():
        raise BadAttribute("name" if "name" in given else "", 'a step needs a name: ```bash name="promote the replica"')
    retry_s = _converted(given, "retry", _positive) if "retry" in given else None
    budget_s = _converted(given, "budget", _positive) if "budget" in given else _BUDGET_S
    if retry_s is not None and retry_s >= budget_s:
        raise BadAttribute("retry", f"retry: nothing is left of the budget of {budget_s:g} s for a second try")
    on_failure = given.get("on-failure", "stop")
    if on_failure not in _ON_FAILURE:
        raise BadAttribute("on-failure", f"on-failure: unknown value '{on_failure}'{hint(on_failure, _ON_FAILURE)}")
    return Attributes(
        name=given["name"].strip(), expect=_converted(given, "expect", Expectation.of) if "expect" in given else Expectation(),
        budget_s=budget_s, retry_s=retry_s, on_failure=cast('Literal["stop", "continue"]', on_failure), rollback=given.get("rollback", ""),
        verification="verification" in given, interactive="interactive" in given,
    )  # fmt: skip


def _split(text: str) -> dict[str, str]:
    """`a="b c" d` -> {"a": "b c", "d": ""}."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadAttribute("", f"the attributes of a step are key=value, texts in quotes: {error}") from error
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in (*FLAGS, *VALUES):
            raise BadAttribute(key, f"unknown attribute '{key}'{hint(key, (*FLAGS, *VALUES))}")
        if bool(equals) != (key in VALUES):
            raise BadAttribute(
                key, f"{key} needs a value: {key}=..." if key in VALUES else f"{key} stands alone, without a value"
            )
        if key in given:
            raise BadAttribute(key, f"{key} stands here twice")
        given[key] = value
    return given


def _converted(given: Mapping[str, str], key: str, convert: Callable[[str], T]) -> T:
    try:
        return convert(given[key])
    except ValueError as error:
        raise BadAttribute(key, f"{key}: {error}") from error


def _positive(text: str) -> float:
    seconds = parse_duration(text)
    if seconds <= 0:
        raise ValueError("must be more than 0")
    return seconds
