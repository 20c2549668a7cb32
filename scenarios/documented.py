"""Figures of the documents that no measure speaks of: what is due how soon, what is watched, and when alerts fire.

They stand in `targets.yaml` beside the targets, so that each figure has one place with its source. Where documents disagree both
figures are there, and the one that is not in force names the one that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from scenarios.errors import Problem
from scenarios.fields import Duration, FileModel, Name
from scenarios.suggestions import hint
from scenarios.yaml_source import Source

_SOURCE = re.compile(r"[\w.-]+:\d+(-\d+)? \S.*")  # `002:465 words`, `002:173-176 words`


class Stated(FileModel):
    """What every figure has: where it stands, and which other one holds where the documents disagree."""

    source: str = Field(description="document:line, and the words it stands in.")
    in_force: Name | None = Field(None, description="The one that holds in place of this; none: this one does.")
    why: str = Field("", description="Why that one holds.")


class Documented(Stated):
    """A figure that is not judged by a measure."""

    about: str = Field(min_length=1, description="What it speaks of.")

    @field_validator("source")
    @classmethod
    def _has_a_line(cls, source: str) -> str:
        if not _SOURCE.fullmatch(source):
            raise ValueError(
                f"'{source}' names no line; write document:line and the words that stand there: 002:465 RTO 5 minutes"
            )
        return source


class Due(Documented):
    """What is due how soon, or how often."""

    within_s: Duration | None = Field(None, description="0: at once.")
    every_s: Duration | None = None
    words: str | None = Field(None, description="What the document says where that is no duration: `next business day`.")

    @model_validator(mode="after")
    def _one_figure(self) -> Self:
        given = [self.within_s, self.every_s, self.words]
        if sum(each is not None for each in given) != 1:
            raise ValueError("write one of within, every and words")
        return self


class Indicator(Documented):
    """What is watched: where it should be, and from where on it is a warning, or critical."""

    stack: Name
    unit: Literal["ms", "s", "%", "% of max", "count"]
    target: float | None = None
    warning: float | None = None
    critical: float | None = None

    @model_validator(mode="after")
    def _rising(self) -> Self:
        given = [each for each in (self.target, self.warning, self.critical) if each is not None]
        if not given:
            raise ValueError("write at least one of target, warning and critical")
        if given != sorted(given):
            raise ValueError("target, warning and critical must rise")
        return self


class Alarm(Documented):
    """When an alert fires, as its document says. The rule files of the stacks are held against this."""

    stack: Name
    rule: str = Field(description="The alert's name in the stack's rule file.")
    threshold: float | None = Field(None, description="None: the condition compares with no figure.")
    unit: Literal["ms", "s", "%", "% of max", "1/s", "count"] = "count"
    in_rule: float | None = Field(None, description="The same figure as the rule writes it, in its own unit, where that differs.")
    for_s: Duration | None = Field(None, description="How long it must be so. None: the document doesn't say.")


def link_problems(source: Source, sections: Mapping[str, Mapping[str, Stated]]) -> Iterator[Problem]:
    """What is wrong with names and `in-force`: a name stands once, and what it is replaced by is in force itself, for a reason."""
    known: dict[str, tuple[str, Stated]] = {}
    for section, figures in sections.items():
        for name, figure in figures.items():
            if name in known:
                yield source.problem(f"'{name}' stands in {known[name][0]} already", (section, name), key=True)
            known.setdefault(name, (section, figure))
    for name, (section, figure) in known.items():
        if figure.in_force is None:
            if figure.why:
                yield source.problem("'why' tells why another figure holds; name it: in-force", (section, name, "why"), key=True)
            continue
        at = (section, name, "in-force")
        _, other = known.get(figure.in_force, ("", None))
        if other is None:
            yield source.problem(f"there is no figure '{figure.in_force}'{hint(figure.in_force, known)}", at)
        elif figure.in_force == name:
            yield source.problem("a figure that holds names no other; leave in-force out", at)
        elif other.in_force is not None:
            yield source.problem(f"'{figure.in_force}' is not in force itself: '{other.in_force}' is", at)
        if not figure.why.strip():
            yield source.problem(f"write down why '{figure.in_force}' holds: why", at, key=True)
