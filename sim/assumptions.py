"""The figures that nobody measured tonight: names, values, plausible ranges and sources, from `sim/assumptions.yaml`.

A figure is a plain number or a log-normal duration. `--what-if`, a calibration and a set such as `drill` change figures by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field, model_validator

from scenarios.errors import InvalidInput, Problem
from scenarios.fields import Duration, FileModel, Name, parse_duration
from scenarios.suggestions import hint
from scenarios.validation import read_model

FILE = Path(__file__).with_name("assumptions.yaml")
P95 = 1.6448536269514722  # standard deviations from the median to the 95th percentile of a normal distribution
Number = float | str


def _number(value: Number) -> float:
    return parse_duration(value) if isinstance(value, str) else float(value)


class FigureEntry(FileModel):
    """One figure of the file: `value`, or `median` with `p95`. Durations are documented seconds."""

    value: Number | None = Field(None, description="A number, or a duration such as 5m.")
    median_s: Duration | None = None
    p95_s: Duration | None = None
    low: Number | None = None
    high: Number | None = None
    samples: int | None = Field(None, ge=0, description="How many measurements it was fitted to.")
    fit: float | None = Field(None, ge=0, le=1, description="How well: p of a test of the fitted distribution.")
    source: str = Field(min_length=1, description="Who says so.")

    @model_validator(mode="after")
    def _one_kind(self) -> FigureEntry:
        if (self.value is None) == (self.median_s is None or self.p95_s is None):
            raise ValueError("a figure has either `value`, or `median` and `p95`")
        if self.median_s is not None and self.p95_s is not None and self.p95_s < self.median_s:
            raise ValueError("p95 is below the median")
        for text in (self.value, self.low, self.high):
            if isinstance(text, str):
                parse_duration(text)
        return self


class AssumptionFile(FileModel):
    """All figures by group and name, and named sets of changes."""

    assumptions: dict[Name, dict[Name, FigureEntry]]
    people: dict[Name, dict[str, Number]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is the number, or the median in seconds where `p95` is given. `low` and `high` bound it."""

    name: str
    value: float
    low: float
    high: float
    source: str
    p95: float | None = None
    samples: int | None = None
    fit: float | None = None
    seconds: bool = False  # it is a duration, and not a number of people, a factor or a share

    @property
    def mu(self) -> float:
        """Mean of the logarithm; minus infinity for a duration of 0."""
        return math.log(self.value) if self.value > 0 else -math.inf

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm; 0 for a fixed figure."""
        return math.log(self.p95 / self.value) / P95 if self.p95 and 0 < self.value < self.p95 else 0.0

    def at(self, value: float) -> Figure:
        """The same with another value; a spread keeps its shape."""
        return replace(
            self, value=value, p95=None if self.p95 is None else self.p95 * (value / self.value if self.value else 1.0)
        )


@dataclass(frozen=True)
class Assumptions:
    """Figures by their full name, such as `people.missed-page-night`; sets by theirs."""

    figures: Mapping[str, Figure]
    sets: Mapping[str, Mapping[str, float]]

    def __getitem__(self, name: str) -> float:
        """The number, or the median in seconds."""
        return self.figures[name].value

    def changed(self, changes: Mapping[str, float]) -> Assumptions:
        """With these values instead. Raises KeyError for a figure that is not there."""
        return Assumptions({**self.figures, **{name: self.figures[name].at(value) for name, value in changes.items()}}, self.sets)

    def replaced(self, figures: Iterable[Figure]) -> Assumptions:
        """With whole figures replaced, as a calibration does."""
        return Assumptions({**self.figures, **{each.name: each for each in figures}}, self.sets)

    def of(self, people: str) -> Assumptions:
        """With the named set; `rota` is the file as it stands. Raises InvalidInput."""
        if people == "rota":
            return self
        if people not in self.sets:
            known = ["rota", *self.sets]
            raise InvalidInput([Problem(Path("--people"), 0, 0, f"'{people}' is no set of people{hint(people, known)}")])
        return self.changed(self.sets[people])


def load_assumptions(path: Path = FILE) -> Assumptions:
    """All figures of a file. Raises InvalidInput, with file and line."""
    source, model = read_model(path, AssumptionFile)
    figures = {figure.name: figure for figure in _figures(model)}
    problems = [
        source.problem(f"'{name}' is no figure{hint(name, list(figures))}", ("people", chosen, name), key=True)
        for chosen, changes in model.people.items()
        for name in changes
        if name not in figures
    ]
    if problems:
        raise InvalidInput(problems)
    return Assumptions(figures, {each: {key: _number(value) for key, value in row.items()} for each, row in model.people.items()})


def load_calibration(path: Path, onto: Assumptions) -> Assumptions:
    """The same figures with those that `gameday calibrate` wrote. Raises InvalidInput."""
    source, model = read_model(path, AssumptionFile)
    found = list(_figures(model))
    problems = [
        source.problem(f"'{each.name}' is no figure of the simulation", ("assumptions", *each.name.split(".", 1)), key=True)
        for each in found
        if each.name not in onto.figures
    ]
    if problems:
        raise InvalidInput(problems)
    return onto.replaced(found)


def _figures(model: AssumptionFile) -> Iterable[Figure]:
    for group, entries in model.assumptions.items():
        for name, entry in entries.items():
            middle = _number(entry.value) if entry.value is not None else float(entry.median_s or 0.0)
            low = middle / 2 if entry.low is None else _number(entry.low)
            high = middle * 2 if entry.high is None else _number(entry.high)
            yield Figure(
                f"{group}.{name}",
                middle,
                low,
                high,
                entry.source,
                entry.p95_s,
                entry.samples,
                entry.fit,
                isinstance(entry.value, str | None),
            )


def read_change(text: str, assumptions: Assumptions) -> tuple[str, float]:
    """`people.hands=2` or `detection.group-wait=30s`. Raises InvalidInput, saying what would be right."""
    name, sign, value = (part.strip() for part in text.partition("="))
    at = Path("--what-if")
    if not sign:
        raise InvalidInput([Problem(at, 0, 0, f"'{text}' is not KEY=VALUE, such as people.hands=2")])
    if name not in assumptions.figures:
        raise InvalidInput([Problem(at, 0, 0, f"'{name}' is no figure of the simulation{hint(name, list(assumptions.figures))}")])
    try:
        number = float(value)
    except ValueError:
        try:
            number = parse_duration(value)
        except ValueError:
            raise InvalidInput([Problem(at, 0, 0, f"{name}: '{value}' is neither a number nor a duration such as 30s")]) from None
    if not math.isfinite(number) or (number < 0 and name != "people.hour"):
        raise InvalidInput([Problem(at, 0, 0, f"{name}: {value} is not 0 or more")])
    return name, number
