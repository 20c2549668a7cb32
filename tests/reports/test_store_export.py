"""Exports of the store, read back by other tools: pandas, the parser of OpenMetrics, promtool."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC
from pathlib import Path
from typing import Any

import pandas as pd
import promql_parser
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from reports.store import Store
from reports.store_export import FAMILIES, export_tables, openmetrics
from reports.store_record import Record
from tests.reports.synthetic import SCENARIOS, year

DASHBOARD = Path(__file__).parents[2] / "docs/grafana/gameday.json"


def parsed(text: str) -> list[Any]:
    """The metric families of an OpenMetrics text."""
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    found = Store.open(tmp_path_factory.mktemp("store"))
    found.keep(year(4))
    return found


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_are_read_back_whole(store: Store, tmp_path: Path, form: str) -> None:
    """Every row and column; nothing else is left in the folder."""
    if form == "parquet":
        pytest.importorskip("pyarrow")
    paths = export_tables(store, tmp_path, form)
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    read = {
        path.stem: pd.read_csv(path, parse_dates=["started"] if path.stem == "drills" else None)
        if form == "csv"
        else pd.read_parquet(path)
        for path in paths
    }
    assert {name: len(frame) for name, frame in read.items()} == {"drills": 318, "verdicts": 954, "steps": 954, "campaigns": 0}
    ours = store.drills()
    assert list(read["drills"].columns) == list(ours.columns)
    assert read["drills"]["time_to_recover_s"].tolist() == pytest.approx(ours["time_to_recover_s"].tolist())
    assert (read["drills"]["started"] == ours["started"].dt.tz_localize("UTC")).all()


def test_each_drill_is_a_sample_at_its_time(store: Store) -> None:
    """The text is OpenMetrics; values and times are the store's."""
    families = {each.name: each for each in parsed(openmetrics(store))}
    assert set(families) <= set(FAMILIES)
    samples = families["gameday_drill_time_to_recover_seconds"].samples
    assert len(samples) == 318
    ours = store.drills().set_index("drill")
    first = ours[ours["scenario"] == "redis-outage"].iloc[0]
    found = next(each for each in samples if each.labels["scenario"] == "redis-outage")
    assert found.value == pytest.approx(first["time_to_recover_s"])
    assert float(found.timestamp) == pytest.approx(first["started"].replace(tzinfo=UTC).timestamp())
    assert {each.labels["synthetic"] for each in samples} == {"true"}
    limits = {each.labels["measure"]: each.value for each in families["gameday_target_seconds"].samples}
    assert limits == {"time_to_acknowledge_s": 300, "time_to_recover_s": 300, "recovery_point_s": 0}


def test_latest_is_one_sample_a_series_without_a_time(store: Store) -> None:
    """For a scrape; when it took place is a metric of its own."""
    families = {each.name: each for each in parsed(openmetrics(store, latest=True))}
    samples = families["gameday_drill_verdict"].samples
    assert sorted(each.labels["scenario"] for each in samples) == sorted(SCENARIOS)
    assert all(each.timestamp is None for each in samples)
    newest = store.drills()["started"].max().replace(tzinfo=UTC).timestamp()
    assert max(each.value for each in families["gameday_drill_last_timestamp_seconds"].samples) == pytest.approx(newest)


def test_drills_of_one_instant_and_odd_names_stay_apart(tmp_path: Path) -> None:
    """A series holds one sample at a time; quotes, newlines and backslashes in labels are escaped."""
    found = Store.open(tmp_path)
    [one, two, *_] = year(1, months=1)
    rows = [{**each.drill, "scenario": 'a"b\\c\nd', "started": one.drill["started"]} for each in (one, two)]
    found.keep(Record(row, (), ()) for row in rows)
    samples = {each.name: each for each in parsed(openmetrics(found))}["gameday_drill_verdict"].samples
    assert {each.labels["scenario"] for each in samples} == {'a"b\\c\nd'}
    assert len({float(each.timestamp) for each in samples}) == 2


def test_an_empty_store_exports_nothing(tmp_path: Path) -> None:
    """Which is well-formed."""
    assert openmetrics(Store.open(tmp_path)) == "# EOF\n"
    assert len(export_tables(Store.open(tmp_path), tmp_path / "to", "csv")) == 4


@pytest.mark.prometheus
def test_prometheus_takes_it(store: Store, tmp_path: Path) -> None:
    """A real promtool makes blocks of it."""
    (tmp_path / "drills.txt").write_text(openmetrics(store))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "drills.txt"), str(tmp_path / "tsdb")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "tsdb").glob("*/meta.json"))


def test_the_dashboard_asks_for_what_is_exported() -> None:
    """Every metric and label in an expression of the Grafana dashboard is one that an export has, and each is PromQL."""
    dashboard = json.loads(DASHBOARD.read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(expressions) >= 8
    known = {*FAMILIES, "gameday_drill_last_timestamp_seconds"}
    asked = {name for each in expressions for name in re.findall(r"gameday_[a-z_]+", each)}
    assert asked <= known
    labels = {"scenario", "stack", "disaster_class", "engine", "respond", "variant", "synthetic", "measure"}
    for each in expressions:
        promql_parser.parse(each.replace("$__range", "1d"))
    assert {name for each in expressions for name in re.findall(r"(\w+)\s*=~?\"", each)} <= labels
    assert {
        name for each in expressions for group in re.findall(r"by \(([^)]*)\)", each) for name in re.split(r",\s*", group)
    } <= labels
