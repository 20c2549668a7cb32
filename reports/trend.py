"""The line over the months: every series of past drills with its figures, and what the tests say of it. Pure functions of a store's frames.

A series holds completed drills whose fault had bitten, of one scenario on one stack with one engine, responder and variant: only
like is compared with like. Everything else is counted, and enters no median.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from reports.trend_judgement import Finding, judge_series

if TYPE_CHECKING:
    from pandas import DataFrame

MEASURES = ("time_to_detect_s", "time_to_acknowledge_s", "time_to_recover_s", "recovery_point_s")
_LIKE = ["scenario", "stack", "engine", "respond", "variant"]


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What is compared with its like: a scenario, and how it was drilled."""

    scenario: str
    stack: str = "embedded"
    engine: str = "live"
    respond: str = "auto"
    variant: str = ""

    @property
    def name(self) -> str:
        """The scenario's name; what is unusual stands behind it."""
        usual = Subject(self.scenario)
        odd = [getattr(self, key) for key in ("stack", "engine", "respond") if getattr(self, key) != getattr(usual, key)]
        odd += [self.variant] if self.variant else []
        return f"{self.scenario} ({', '.join(odd)})" if odd else self.scenario


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of a subject over time, in documented seconds. `limit` is that of the newest drill; `met` one word a drill.

    `median`, `lower` and `upper` are over all drills: the middle half lies between the latter two. `margin` is the share of the
    limit that the median leaves, negative beyond it; None without a limit, or with one of 0.
    """

    measure: str
    at: tuple[datetime, ...]
    values: tuple[float, ...]
    drills: tuple[str, ...]
    missed: tuple[bool, ...]
    limit: float | None
    median: float
    lower: float
    upper: float
    margin: float | None
    finding: Finding

    @property
    def since(self) -> datetime | None:
        """From when on it is worse; None where no test says so."""
        return self.at[self.finding.since] if self.finding.word == "worse" and self.finding.since is not None else None


@dataclass(frozen=True, slots=True)
class Line:
    """All of a subject: its drills in numbers, and its series.

    `streak` counts the newest drills with the same verdict, which is `streak_of`. `unfinished`: aborted or errored; they are in
    neither the pass rate nor the streak.
    """

    subject: Subject
    title: str
    disaster_class: str
    runbook: str
    drills: int
    passed: int
    failed: int
    unknown: int
    unfinished: int
    streak: int
    streak_of: str
    last: datetime | None
    series: tuple[Series, ...]

    @property
    def pass_rate(self) -> float | None:
        """Of the completed drills, from 0 to 1."""
        done = self.passed + self.failed + self.unknown
        return self.passed / done if done else None


@dataclass(frozen=True, slots=True)
class Worse:
    """A claim: this series is worse than before."""

    line: Line
    series: Series


def lines(drills: DataFrame, targets: DataFrame) -> list[Line]:
    """A line for each subject, in the order of names. The tests are one family over all of them."""
    limits = _limits(targets)
    groups = [(Subject(*key), group) for key, group in drills.groupby(_LIKE, sort=True)]
    raw = {(subject, measure): found for subject, group in groups for measure, found in _measured(group)}
    findings = judge_series({key: [value for _, _, value in found] for key, found in raw.items()})
    series: dict[Subject, list[Series]] = {}
    for (subject, measure), found in raw.items():
        series.setdefault(subject, []).append(_series(measure, found, limits, findings[subject, measure]))
    return [_line(subject, group, tuple(series.get(subject, ()))) for subject, group in groups]


def worse(found: Sequence[Line]) -> list[Worse]:
    """Every claim, the clearest first."""
    claims = [Worse(line, each) for line in found for each in line.series if each.finding.word == "worse"]
    return sorted(claims, key=lambda claim: (claim.series.finding.p or 0.0, -(claim.series.finding.delta or 0.0)))


def _limits(targets: DataFrame) -> dict[tuple[str, str], tuple[float, bool]]:
    """The strictest limit by drill and measure, and whether any target of the measure was missed."""
    known = targets.dropna(subset=["limit"])
    found: dict[tuple[str, str], tuple[float, bool]] = {}
    for drill, name, limit, verdict in zip(known["drill"], known["name"], known["limit"], known["verdict"], strict=True):
        strictest, missed = found.get((drill, name), (float(limit), False))
        found[drill, name] = min(strictest, float(limit)), missed or verdict == "fail"
    return found


def _measured(group: DataFrame) -> Iterator[tuple[str, list[tuple[str, datetime, float]]]]:
    """Drill, time and value of comparable drills, in the order of time; measures that nobody measured are left out."""
    comparable = group[(group["status"] == "completed") & group["bitten"].astype(bool) & group["started"].notna()]
    comparable = comparable.sort_values(["started", "drill"])
    names, times = comparable["drill"].tolist(), [each.to_pydatetime() for each in comparable["started"]]
    for measure in MEASURES:
        values = comparable[measure].astype(float).tolist()
        if found := [row for row in zip(names, times, values, strict=True) if not math.isnan(row[2])]:
            yield measure, found


def _series(
    measure: str,
    found: Sequence[tuple[str, datetime, float]],
    limits: Mapping[tuple[str, str], tuple[float, bool]],
    finding: Finding,
) -> Series:
    drills, at, values = zip(*found, strict=True)
    lower, middle, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    judged = [limits.get((drill, measure)) for drill in drills]
    limit = next((each[0] for each in reversed(judged) if each is not None), None)
    return Series(
        measure=measure, at=at, values=values, drills=drills, missed=tuple(each is not None and each[1] for each in judged), limit=limit,
        median=middle, lower=lower, upper=upper, margin=(limit - middle) / limit if limit else None, finding=finding,
    )  # fmt: skip


def _line(subject: Subject, group: DataFrame, series: tuple[Series, ...]) -> Line:
    done = group[group["status"] == "completed"]
    verdicts = done["verdict"].tolist()
    newest = verdicts[-1] if verdicts else ""
    streak = next((number for number, each in enumerate(reversed(verdicts)) if each != newest), len(verdicts))
    last: Any = group["started"].max()
    final: Mapping[str, Any] = group.iloc[-1].to_dict()
    return Line(
        subject=subject, title=str(final["title"]), disaster_class=str(final["disaster_class"]), runbook=str(final["runbook"]),
        drills=len(group), passed=verdicts.count("pass"), failed=verdicts.count("fail"), unknown=verdicts.count("unknown"),
        unfinished=len(group) - len(done), streak=streak, streak_of=newest,
        last=last.to_pydatetime() if last == last else None, series=series,  # noqa: PLR0124 -- a missing time differs from itself
    )  # fmt: skip
