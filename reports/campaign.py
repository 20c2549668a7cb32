"""The report of a campaign, from its `campaign.json` and its nights: how likely, what costs the time, what would help most."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.campaign_pictures import (
    draw_cumulative,
    draw_distribution,
    draw_path,
    draw_tornado,
    end_text,
    interval_text,
    met_text,
    share_text,
)
from reports.words import duration_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REPORT_FILE, CAMPAIGN_FILE, NIGHTS_FILE = "report.md", "campaign.json", "nights.parquet"
_PERCENTILES = ("0.5", "0.9", "0.95", "0.99")
_STEPS = 8


def write_campaign(folder: Path) -> None:
    """Write `report.md` and the pictures into a campaign's folder. Raises OSError, ValueError for a folder that holds none."""
    found = json.loads((folder / CAMPAIGN_FILE).read_text(encoding="utf-8"))
    target = next((row for row in found["targets"] if row["measure"] == "time_to_recover_s" and not found.get("unjudged")), None)
    recover = _column(folder / NIGHTS_FILE, "recover_s")
    title = f"{found['title']}: {found['nights']:,} simulated nights"
    draw_distribution(recover, target, title, folder / "distribution.png")
    draw_cumulative([("as it is", recover)], target, title, folder / "cumulative.png")
    draw_path(found["critical_path"], f"{found['title']}: where the time goes", folder / "critical-path.png")
    pictures = ["distribution.png", "cumulative.png", "critical-path.png"]
    if found.get("tornado"):
        draw_tornado(found["tornado"], f"{found['title']}: what one figure changes", folder / "tornado.png")
        pictures.append("tornado.png")
    if found["what_if"]:
        curves = [(_named("as it is", found["targets"], target, "probability"), recover)]
        curves += [
            (
                _named(change["change"], change["targets"], target, "after"),
                _column(folder / f"what-if-{number}.parquet", "recover_s"),
            )
            for number, change in enumerate(found["what_if"], start=1)
        ]
        draw_cumulative(curves, target, f"{found['title']}: what if", folder / "what-if.png")
        pictures.append("what-if.png")
    (folder / REPORT_FILE).write_text("\n".join(_lines(found, target, pictures)) + "\n", encoding="utf-8")


def _named(name: str, rows: Sequence[Mapping[str, Any]], target: Mapping[str, Any] | None, key: str) -> str:
    """A curve's name, with the share of nights that met the target."""
    met = next((row[key] for row in rows if target is not None and row["name"] == target["name"]), None)
    if met is None:
        return name
    return f"{name}: met in {share_text(met['value'] if isinstance(met, dict) else met)}"


def _column(path: Path, name: str) -> NDArray[np.float64]:
    import numpy as np
    import pyarrow.parquet as pq

    return np.asarray(pq.read_table(path, columns=[name]).column(0).to_numpy(), dtype=np.float64)


def _lines(found: Mapping[str, Any], target: Mapping[str, Any] | None, pictures: Sequence[str]) -> Iterator[str]:
    yield f"# {found['title']}: {found['nights']:,} simulated nights"
    yield ""
    yield _answer(found, target)
    yield ""
    yield f"Simulated by `gameday simulate {found['scenario']} --runs {found['nights']} --seed {found['seed']}`, people: {found['people']}. Nothing"
    yield "here was measured live; docs/simulation.md says what the model leaves out, sim/assumptions.yaml what it supposes."
    yield from ("", *(f"- {note}" for note in found["notes"]), "")
    if found["never_reached"] and not found.get("unjudged"):
        yield f"**This campaign has not tried what it should: no night reached {', '.join(found['never_reached'])}.**"
        yield ""
    yield from _targets(found["targets"])
    yield from _measures(found["measures"])
    yield from _path(found["critical_path"])
    if found.get("tornado"):
        yield from _tornado(found["tornado"])
    for change in found["what_if"]:
        yield from _change(change)
    if not found.get("unjudged"):
        yield from _year(found["year"])
    yield from (f"![{name.removesuffix('.png')}]({name})" for name in pictures)


def _answer(found: Mapping[str, Any], target: Mapping[str, Any] | None) -> str:
    """Will we make it, and what matters most: two sentences. Of what the model can't judge, why."""
    if found.get("unjudged"):
        return " ".join(f"**Unknown: {why}.**" for why in found["unjudged"])
    worst = max(found["critical_path"], key=lambda row: row["worst_s"], default=None)
    middle = max(found["critical_path"], key=lambda row: row["median_s"], default=None)
    about = ""
    if worst is not None and middle is not None:
        about = f" On a median night most of it goes into “{middle['segment']}” ({duration_text(middle['median_s'])}); in the worst 5 % into “{worst['segment']}” ({duration_text(worst['worst_s'])})."
    if target is None:
        return f"No target on recovery is named by this scenario.{about}"
    p = target["probability"]
    return f"**The target of {duration_text(target['limit'])} is met in {share_text(p['value'])} of nights (95 % interval {share_text(p['low'])} to {share_text(p['high'])}).**{about}"


def _targets(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from (
        "## Targets",
        "",
        "| target | limit | met | 95 % interval | could not be judged | source |",
        "|---|---|---|---|---|---|",
    )
    for row in rows:
        limit = duration_text(row["limit"]) if row["unit"] == "s" else f"{row['limit']:g} {row['unit']}"
        yield f"| {row['name']} | {limit} | {met_text(row)} | {interval_text(row)} | {row['unknown'] or ''} | {row['source']} |"
    yield ""


def _measures(rows: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Distributions", "", "In brackets the 95 % interval of each percentile.", "")
    yield "| measure | " + " | ".join(f"p{float(q) * 100:g}" for q in _PERCENTILES) + " | never |"
    yield "|---|" + "---|" * (len(_PERCENTILES) + 1)
    for name, row in rows.items():
        cells = [_cell(row["percentiles"][q], plain=name == "lost") for q in _PERCENTILES]
        yield f"| {row['title']} | " + " | ".join(cells) + f" | {row['never'] or ''} |"
    yield ""


def _path(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("## Critical path", "", "| step or wait | median nights | worst 5 % |", "|---|---|---|")
    for row in sorted(rows, key=lambda each: -each["worst_s"])[:_STEPS]:
        yield f"| {row['segment']} | {duration_text(row['median_s'])} | {duration_text(row['worst_s'])} |"
    yield ""


def _tornado(bars: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from (
        "## What matters most",
        "",
        "| figure | from | to | mean time to recover | one unit more | target met | source |",
        "|---|---|---|---|---|---|---|",
    )
    for bar in bars[:_STEPS]:
        times = f"{duration_text(bar['recover_low_s'])} to {duration_text(bar['recover_high_s'])}"
        met = f"{share_text(bar['met_low'])} to {share_text(bar['met_high'])}"
        yield f"| {bar['figure']} | {end_text(bar, 'low')} | {end_text(bar, 'high')} | {times} | {bar['per_unit_s']:+.3g} s | {met} | {bar['source']} |"
    yield ""


def _change(change: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"## What if {change['change']}", "", "The same nights, with the same draws.", "")
    yield from ("| measure | before | after |", "|---|---|---|")
    for name, row in change["measures"].items():
        for q in ("0.5", "0.95"):
            before, after = (_value(row[when][q]["value"], plain=name == "lost") for when in ("before", "after"))
            yield f"| {name.removesuffix('_s')} p{float(q) * 100:g} | {before} | {after} |"
    for row in change["targets"]:
        p = row["difference"]
        yield f"| {row['name']} met | {share_text(row['before'])} | {share_text(row['after'])} ({p['low']:+.2%} to {p['high']:+.2%}) |"
    yield ""


def _year(found: Mapping[str, Any]) -> Iterator[str]:
    burn = found["error_budget"]["burn"]
    yield from ("## A year of operation", "")
    yield f"{found['incidents_a_year']:g} such incidents a year, as assumed: availability {found['availability']['value']:.4%}, in the worst year of a"
    yield f"hundred {found['worst_year_availability']:.4%}; {found['outage_minutes']['mean']['value']:.0f} minutes of outage, {burn['value'] if burn else 0:.2%} of the error budget;"
    yield f"{found['loss']['mean']['value']:,.0f} {found['loss']['unit']}."
    yield ""


def _cell(row: Mapping[str, float | None], *, plain: bool) -> str:
    return f"{_value(row['value'], plain=plain)} ({_value(row['low'], plain=plain)} to {_value(row['high'], plain=plain)})"


def _value(value: float | None, *, plain: bool) -> str:
    if value is None:
        return "never"
    return f"{value:g}" if plain else duration_text(value)
