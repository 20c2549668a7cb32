"""The trend report: everything that it says, gathered from a store; then as a page, as Markdown and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports import trend, trend_groups
from reports.html.page import render
from reports.trend import Line, Series, Worse
from reports.trend_changes import Changes, changes
from reports.trend_groups import Coverage, Group, SlowStep
from reports.verdicts import measure_name
from reports.words import counted, duration_text

if TYPE_CHECKING:
    from pandas import DataFrame

    from reports.store import Store

_MOST_CHANGES = 10
_BESIDE_LEAST, _BESIDE_SHARE = 2, 20  # drills: a change-point is an estimate


@dataclass(frozen=True)
class Trend:
    """A trend report. `never`: scenarios of the catalogue that were never drilled to the end. `span`: the first and the last drill."""

    drills: int
    completed: int
    synthetic: int
    pass_rate: float | None
    span: tuple[datetime, datetime] | None
    lines: tuple[Line, ...]
    worse: tuple[Worse, ...]
    changed: tuple[tuple[Worse, Changes], ...]
    groups: Mapping[str, Sequence[Group]]
    coverage: Coverage
    never: tuple[str, ...]
    steps: tuple[SlowStep, ...]

    @property
    def asked(self) -> int:
        """How many series the tests could say something of."""
        return sum(each.finding.word != "too few drills to say" for line in self.lines for each in line.series)


def gather(store: Store, catalogue: Sequence[str], now: datetime, scenarios: Sequence[str] = ()) -> Trend:
    """The report of a store, or of some of its scenarios. `now` is UTC without a zone. Raises StoreError."""
    drills = store.drills()
    if scenarios:
        drills, catalogue = drills[drills["scenario"].isin(scenarios)], [each for each in catalogue if each in scenarios]
    drills = trend_groups.with_month(drills)
    lines = trend.lines(drills, store.targets()) if len(drills) else []
    claims = trend.worse(lines)
    done = drills[drills["status"] == "completed"]
    times = drills["started"].dropna()
    ever = set(done["scenario"])
    return Trend(
        drills=len(drills), completed=len(done), synthetic=int(drills["synthetic"].astype(bool).sum()),
        pass_rate=float((done["verdict"] == "pass").mean()) if len(done) else None,
        span=(times.min().to_pydatetime(), times.max().to_pydatetime()) if len(times) else None, lines=tuple(lines), worse=tuple(claims),
        changed=tuple((claim, _changed(store, drills, claim)) for claim in claims[:_MOST_CHANGES]),
        groups={by: trend_groups.groups(drills, by) for by in trend_groups.GROUPS},
        coverage=trend_groups.coverage(drills, now), never=tuple(name for name in catalogue if name not in ever),
        steps=tuple(trend_groups.slowest_steps(drills, store.steps())),
    )  # fmt: skip


def _changed(store: Store, drills: DataFrame, claim: Worse) -> Changes:
    """Around the moment from which it is worse: that is known to some drills only, so a few are left out on both sides of it."""
    since, names = claim.series.finding.since or 0, claim.series.drills
    beside = max(_BESIDE_LEAST, len(names) // _BESIDE_SHARE)
    rows: list[Mapping[str, Any]] = [
        drills[drills["drill"] == name].iloc[0].to_dict()
        for name in (names[max(since - beside, 0)], names[min(since + beside, len(names) - 1)])
    ]
    return changes(store, rows[0], rows[1])


def as_html(found: Trend, now: datetime) -> str:
    """One self-contained page."""
    from markupsafe import Markup

    from reports.trend_charts import chart, heat_map

    span = found.span
    charts = {id(each): Markup(chart(each, span)) for line in found.lines for each in line.series if span}  # noqa: S704 -- drawn by us
    heat = Markup(heat_map(found.coverage))  # noqa: S704 -- drawn by us, its texts escaped
    return render(
        "trend.html.jinja", it=found, now=now, charts=charts, heat=heat, headings=trend_groups.GROUPS, saying=saying, measure=measure_name,
        share=share, ago=ago, key=id, heat_width=230 + 46 * len(found.coverage.months),
    )  # fmt: skip


def as_markdown(found: Trend, now: datetime) -> str:
    """For a chat or a ticket: what is worse, then a line for each scenario, then what was never drilled."""
    return render("trend.md.jinja", it=found, now=now, saying=saying, measure=measure_name, share=share, ago=ago, key=_key_series)


def saying(series: Series) -> str:
    """What the tests say of a series, with the number of drills, the effect and the error."""
    found = series.finding
    if found.word == "too few drills to say":
        return f"too few drills to say ({found.drills})"
    if series.since is None or found.before is None or found.after is None:
        return f"no change shown ({counted(found.drills, 'drill')}" + (f", p {found.p:.2g})" if found.p is not None else ")")
    times = f", {found.after / found.before:.1f} times" if found.before else ""
    return (
        f"worse since about {series.since:%Y-%m-%d}: median {duration_text(found.before)} → {duration_text(found.after)}{times}"
        f" ({counted(found.drills, 'drill')}, Cliff's delta {found.delta:.2f}, adjusted p {found.p:.2g})"
    )


def share(value: float | None) -> str:
    """A share as a percentage, which is 100 % or 0 % only where it is that."""
    if value is None:
        return "–"
    rounded = round(value * 100)
    if rounded in (0, 100) and value not in (0.0, 1.0):
        return f"{value:.1%}".replace("%", " %") if 0.001 <= value <= 0.999 else "under 0.1 %" if value < 0.5 else "over 99.9 %"
    return f"{rounded} %"


def ago(at: datetime | None, now: datetime) -> str:
    """`today`, `3 days ago`; `never` for None."""
    if at is None:
        return "never"
    days = (now.date() - at.date()).days
    return "today" if days <= 0 else f"{counted(days, 'day')} ago"


def _key_series(line: Line) -> Series | None:
    """What a short report says of a scenario: its time to recover, else its first measure."""
    return next((each for each in line.series if each.measure == "time_to_recover_s"), line.series[0] if line.series else None)
