"""The page of all scenarios: what follows from the scenarios, and figures that stay until newer ones come."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reports.catalogue import MARK, as_page, rows_from, rows_of, static_part, static_part_of
from scenarios.loader import LoadedScenario, catalogue, find_scenarios, load_scenario
from scenarios.places import DATA

PAGE = DATA.parent / "docs" / "catalogue.md"


@cache
def loaded() -> list[LoadedScenario]:
    return [load_scenario(path) for path in find_scenarios(catalogue())]


def line_of(name: str, page: str) -> str:
    """The row of a scenario in the first part."""
    [found] = [line for line in static_part_of(page).splitlines() if line.startswith(f"| [`{name}`]")]
    return found


def left(folder: Path, stamp: str, name: str, **changed: Any) -> None:
    """The folder of a drill, as far as the page looks at it."""
    result: dict[str, Any] = {
        "scenario": name, "status": "completed", "verdict": "pass", "speed": 20.0, "seed": 1, "rerun": f"gameday run {name} --seed 1 --speed 20",
        "measures": {
            "time_to_detect_s": 35.0, "time_to_acknowledge_s": 45.0, "time_to_recover_s": 125.0, "recovery_point_s": 0.0, "lost_writes": 0,
        },
        "verdicts": [{"name": "time_to_recover_s", "kind": "target", "verdict": "pass", "target": "service-failure-rto"}],
    }  # fmt: skip
    drill = folder / f"{stamp}-{name}-abc"
    drill.mkdir(parents=True)
    (drill / "result.json").write_text(json.dumps({**result, **changed}))


def test_the_page_says_of_each_scenario_what_its_file_says() -> None:
    """docs/catalogue.md: `gameday catalogue --out docs/catalogue.md` writes it anew. Figures are not compared."""
    assert static_part_of(PAGE.read_text(encoding="utf-8")) == static_part(loaded())


def test_a_scenario_is_described_by_source_faults_alert_procedure_and_targets() -> None:
    """One row, with its title and a link; limits as people read them."""
    row = line_of("redis-outage", static_part(loaded()))
    cells = [cell.strip() for cell in row.strip("|").split(" | ")]
    limits = [
        "`service-failure-rto` 5 min", "`service-failure-rpo` 0 s", "`service-failure-lost-writes` 0", "`acknowledge-p0` 5 min",
        "`first-update` 15 min", "`resolution-update` 15 min",
    ]  # fmt: skip
    assert cells == [
        "[`redis-outage`](../scenarios/catalogue/redis-outage.yaml)<br>Redis cannot be reached, then it can again",
        "002:465, 001:85-86, 000:137-141",
        "`link.down` \\* -> redis for 4m",
        "`service_down`",
        "[redis-outage](../scenarios/runbooks/incident-response.md#redis-outage)",
        "<br>".join(limits),
    ]


def test_every_scenario_stands_once_in_each_part() -> None:
    """Under its stack, the first one EAFIX; without drills every figure is a dash."""
    page = as_page(loaded(), {})
    names = [each.name for each in loaded()]
    assert sorted(names) == sorted(name for name in names if line_of(name, page))
    assert next(line for line in page.splitlines() if line.startswith("## ")) == "## EAFIX trading stack"
    figures = page.partition(MARK)[2]
    assert all(figures.count(f"| `{name}` | – | – |") == 1 for name in names)
    assert rows_of(page) == {}


def test_figures_come_from_the_newest_drill_of_the_scenario_itself(tmp_path: Path) -> None:
    """Not from an older one, one that was cut short, a what-if, nor a file elsewhere that has the same name."""
    left(tmp_path, "20261101T100000Z", "redis-outage", verdict="fail")
    unmet = [{"name": "time_to_recover_s", "kind": "target", "verdict": "unknown", "target": "service-failure-rto"}]
    left(tmp_path, "20261102T101500Z", "redis-outage", verdict="unknown", verdicts=unmet)
    left(tmp_path, "20261103T100000Z", "redis-outage", status="aborted")
    left(tmp_path, "20261104T100000Z", "redis-outage", rerun="gameday run redis-outage --seed 1 --set feed.stall_after_s=3")
    left(tmp_path, "20261105T100000Z", "redis-outage", rerun="gameday run mine/redis-outage.yaml --seed 1")
    left(tmp_path, "20261106T100000Z", "not-in-the-catalogue")
    assert rows_from(tmp_path, ["redis-outage", "bad-release"]) == {
        "redis-outage": "| `redis-outage` | 2026-11-02 10:15 | 20 | unknown | 35 s | 45 s | 2 min 5 s | 0 s | 0 | `service-failure-rto` |"
    }


def test_what_was_not_measured_is_a_dash(tmp_path: Path) -> None:
    """Never a zero."""
    left(tmp_path, "20261101T100000Z", "bad-release", measures={"time_to_detect_s": None})
    row = rows_from(tmp_path, ["bad-release"])["bad-release"]
    assert row == "| `bad-release` | 2026-11-01 10:00 | 20 | pass | – | – | – | – | – | – |"


def test_figures_of_a_page_are_found_again(tmp_path: Path) -> None:
    """So that writing the page anew keeps them; scenarios that are gone drop out."""
    left(tmp_path, "20261101T100000Z", "redis-outage")
    rows = rows_from(tmp_path, ["redis-outage"])
    page = as_page(loaded(), {**rows, "gone-since": "| `gone-since` | 2026-01-01 00:00 |"})
    assert rows_of(page) == rows
    assert static_part_of(page) == static_part(loaded())


@pytest.mark.parametrize("changed", ["`service_down`", "002:465", "5 min", "for 4m"])
def test_another_fact_in_a_row_is_noticed(changed: str) -> None:
    """The comparison with the page sees each column."""
    page = as_page(loaded(), {})
    row = line_of("redis-outage", page)
    assert static_part_of(page.replace(row, row.replace(changed, "other"))) != static_part(loaded())
