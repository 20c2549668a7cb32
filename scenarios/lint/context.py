"""What a rule may know beside the document it judges. There is no other way: rules read no clock, no file and no environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from scenarios.model import Stack
from scenarios.reading import Bindings, Runbook

UNKNOWN_TOOL = "unknown"

Grammar = Callable[[Sequence[str]], str | None]
"""Given the words of a simple command: why the tool would refuse it, None when it is fine, UNKNOWN_TOOL when the tool is not known."""


@dataclass(frozen=True, slots=True)
class Context:
    """`runbooks` are all documents that are judged together; `stack` is the one they are about, where that is known."""

    today: date
    runbooks: tuple[Runbook, ...] = ()
    bindings: Bindings = field(default_factory=Bindings)
    stack: Stack | None = None
    postgres_version: int = 16
    grammar: Grammar | None = None
