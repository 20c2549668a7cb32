"""Campaigns as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.history import History
from harness.measure import Measures
from reports.campaign_pictures import end_text, interval_text, met_text, share_text
from reports.words import duration_text
from sim.night import Night

_SHOWN = ("0.5", "0.9", "0.95", "0.99")
_ROWS = 10


def print_campaign(console: Console, found: Mapping[str, Any]) -> None:
    """Distributions, targets, the critical path, what-ifs, the tornado and a year."""
    console.print(
        f"\n[bold]{escape(found['scenario'])}[/]  {escape(found['title'])}  {found['nights']:,} nights, seed {found['seed']}, people: {found['people']}"
    )
    for note in found["notes"]:
        console.print(f"[yellow]note[/] {escape(note)}", soft_wrap=True)
    console.print(_measures(found["measures"]))
    console.print(_targets(found["targets"]))
    console.print(_path(found["critical_path"]))
    for change in found["what_if"]:
        console.print(_change(change))
    if found.get("tornado"):
        console.print(_tornado(found["tornado"]))
    reached = ", ".join(f"{name} {row['nights']:,}" for name, row in found["reached"].items() if row["nights"])
    console.print(f"reached  {reached}", soft_wrap=True)
    for why in found["unjudged"]:
        console.print(f"[bold yellow]UNKNOWN[/] {escape(why)}", soft_wrap=True)
    for name in () if found["unjudged"] else found["never_reached"]:
        console.print(f"[bold red]FAIL[/] no night reached '{name}': this campaign has not tried it")
    if not found["unjudged"]:
        print_year(console, found["year"])


def print_overview(console: Console, rows: Sequence[Mapping[str, Any]], left_out: Mapping[str, str]) -> None:
    """A line for each campaign: when half and 19 of 20 nights had recovered, and the target that is met least. Then what is unknown."""
    table = _table("scenario", "recovered p50", "p95", "met least", "")
    reasons: dict[str, str] = dict(left_out)
    for row in rows:
        if row["unjudged"]:
            reasons[row["scenario"]] = "; ".join(row["unjudged"])
            continue
        recover = row["measures"]["recover_s"]["percentiles"]
        least = min(row["targets"], key=lambda each: float(each["probability"]["value"]), default=None)
        about = "" if least is None else f"{share_text(least['probability']['value'])} {least['name']}"
        said = "[bold red]FAIL[/] never " + ", ".join(row["never_reached"]) if row["never_reached"] else ""
        table.add_row(row["scenario"], *(_text(recover[q]["value"]) for q in ("0.5", "0.95")), about, said)
    console.print(table)
    for name, why in sorted(reasons.items()):
        console.print(f"[bold yellow]UNKNOWN[/] {escape(name)}: {escape(why)}", soft_wrap=True)
    console.print(
        f"{len(rows) + len(left_out)} scenarios: {len(rows) + len(left_out) - len(reasons)} judged, {len(reasons)} unknown"
    )


def print_year(console: Console, found: Mapping[str, Any]) -> None:
    """What such incidents come to in a year."""
    budget = found["error_budget"]["burn"]
    console.print(
        f"year     {found['incidents_a_year']:g} incidents: availability {found['availability']['value']:.5%} "
        f"(worst year of 100: {found['worst_year_availability']:.5%}), outage {found['outage_minutes']['mean']['value']:.0f} min, "
        f"error budget burnt {budget['value'] if budget else 0:.1%}, loss {found['loss']['mean']['value']:,.0f} {found['loss']['unit']}",
        soft_wrap=True,
    )


def print_night(console: Console, night: Night, history: History, measures: Measures, *, trace: bool) -> None:
    """A night's measures; traced: its events, one a line."""
    if trace:
        for event in history.events:
            if not event.kind.startswith("op.") and event.kind != "drill.started":
                about = event.data.get("why") or event.data.get("by") or event.data.get("to") or ""
                console.print(
                    f"{event.at_s - night.injected_s:10.2f} s  {event.kind:<20} {escape(event.subject)}  {escape(str(about))}",
                    soft_wrap=True,
                )
    table = _table("measure", "")
    for name in (
        "time_to_detect_s",
        "time_to_acknowledge_s",
        "time_to_mitigate_s",
        "time_to_recover_s",
        "recovery_point_s",
        "outage_s",
    ):
        table.add_row(name.removesuffix("_s").replace("_", " "), _text(getattr(measures, name)))
    table.add_row("lost writes", str(measures.lost_writes))
    console.print(f"\n[bold]{escape(night.plan.name)}[/]  hour {night.hour:.1f} of the week")
    console.print(table)


def _measures(measures: Mapping[str, Any]) -> Table:
    table = _table("measure", *(f"p{float(q) * 100:g}" for q in _SHOWN), "never")
    for name, row in measures.items():
        cells = [_estimate(row["percentiles"][q], seconds=name != "lost") for q in _SHOWN]
        table.add_row(row["title"], *cells, str(row["never"] or ""))
    return table


def _targets(targets: list[dict[str, Any]]) -> Table:
    table = _table("target", "limit", "met", "95 % interval", "unknown", "source")
    for row in targets:
        limit = duration_text(row["limit"]) if row["unit"] == "s" else f"{row['limit']:g} {row['unit']}"
        table.add_row(
            row["name"],
            limit,
            met_text(row),
            interval_text(row),
            str(row["unknown"] or ""),
            row["source"],
        )
    return table


def _path(rows: list[dict[str, Any]]) -> Table:
    table = _table("critical path: where the time goes until recovery", "median nights", "worst 5 %")
    for row in sorted(rows, key=lambda each: -each["worst_s"])[:_ROWS]:
        table.add_row(row["segment"], duration_text(row["median_s"]), duration_text(row["worst_s"]))
    return table


def _change(change: Mapping[str, Any]) -> Table:
    table = _table(f"what if {change['change']}", "before", "after", "difference (95 %)")
    for name, row in change["measures"].items():
        seconds = name != "lost"
        for q in ("0.5", "0.95"):
            before, after = (_value(row[when][q]["value"], seconds=seconds) for when in ("before", "after"))
            table.add_row(f"{name.removesuffix('_s')} p{float(q) * 100:g}", before, after, "")
        mean = row["mean_difference"]
        table.add_row(
            f"{name.removesuffix('_s')} mean", "", "", f"{mean['value']:+.2f} ({_signed(mean['low'])} to {_signed(mean['high'])})"
        )
    for row in change["targets"]:
        mean = row["difference"]
        table.add_row(f"met {row['name']}", share_text(row["before"]), share_text(row["after"]), f"{mean['value']:+.2%}")
    return table


def _tornado(bars: list[dict[str, Any]]) -> Table:
    table = _table("tornado", "low", "high", "recover at low", "recover at high", "one unit more", "source")
    for bar in bars[:_ROWS]:
        table.add_row(
            bar["figure"], end_text(bar, "low"), end_text(bar, "high"), duration_text(bar["recover_low_s"]), duration_text(bar["recover_high_s"]),
            f"{bar['per_unit_s']:+.3g} s", bar["source"],
        )  # fmt: skip
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _estimate(row: Mapping[str, float | None], *, seconds: bool) -> str:
    return f"{_value(row['value'], seconds=seconds)} ({_value(row['low'], seconds=seconds)} to {_value(row['high'], seconds=seconds)})"


def _value(value: float | None, *, seconds: bool) -> str:
    if value is None:
        return "never"
    return duration_text(value) if seconds else f"{value:g}"


def _signed(value: float | None) -> str:
    return "?" if value is None else f"{value:+.2f}"


def _text(value: float | None) -> str:
    return "never" if value is None else duration_text(value)
