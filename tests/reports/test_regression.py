"""One drill against the last ones like it: what is worse beyond noise, and what cannot be said."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from click.testing import CliRunner

from gameday.cli import cli
from gameday.exits import FAILED, PASSED
from reports.regression import LEAST, MOST, compare, regression
from tests.gameday.drilled import DRILL, nothing_drawn, runner

__all__ = ["nothing_drawn"]
NEW = "new"


def frame(values: list[float], now: float, **changes: Any) -> pd.DataFrame:
    """Earlier drills with these times to recover, a day apart, and the new one; `changes` are of the earlier ones."""
    like = {"scenario": "redis-outage", "stack": "embedded", "engine": "live", "respond": "auto", "variant": ""}
    usual = {**like, "status": "completed", "bitten": True, "synthetic": False}
    others = {"time_to_detect_s": 35.0, "time_to_acknowledge_s": None, "recovery_point_s": 0.0}
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {
            **usual,
            **others,
            **changes,
            "drill": f"d{number}",
            "started": begin + timedelta(days=number),
            "time_to_recover_s": value,
        }
        for number, value in enumerate(values)
    ]
    rows.append({**usual, **others, "drill": NEW, "started": begin + timedelta(days=400), "time_to_recover_s": now})
    return pd.DataFrame(rows)


STEADY = [100.0, 104.0, 98.0, 101.0, 97.0, 103.0, 99.0, 102.0, 100.0]


def test_a_drill_far_beyond_the_last_ones_is_worse() -> None:
    """It is told by how much, and against how many."""
    (found,) = compare(frame(STEADY, 180.0), NEW).worse
    assert found.told == "3 min, worse than in the last 9 drills: median 1 min 40 s, at most 1 min 44 s"


@pytest.mark.parametrize("now", [100.0, 104.5, 124.0, 60.0])
def test_what_lies_within_noise_is_not(now: float) -> None:
    """A quarter more than the median is no news, and less is none either."""
    assert compare(frame(STEADY, now), NEW).worse == ()


def test_too_few_drills_say_nothing() -> None:
    """Neither that it is worse nor that it is not."""
    found = compare(frame(STEADY[: LEAST - 1], 900.0), NEW)
    assert (found.too_few, found.worse, found.earlier) == (True, (), LEAST - 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"scenario": "service-failure"},
        {"variant": "x=y"},
        {"respond": "human"},
        {"status": "aborted"},
        {"bitten": False},
        {"synthetic": True},
    ],
)
def test_only_like_is_compared_with_like(changes: dict[str, Any]) -> None:
    """Other drills are as if they were not there."""
    assert compare(frame(STEADY, 900.0, **changes), NEW).earlier == 0


def test_only_the_last_ones_count() -> None:
    """What was usual a year ago hides nothing."""
    found = compare(frame([900.0] * 5 + [100.0] * MOST, 200.0), NEW)
    assert found.earlier == MOST
    assert [each.measure for each in found.worse] == ["time_to_recover_s"]


def test_a_drill_that_the_store_does_not_have_is_too_few() -> None:
    """It was not kept, say."""
    assert compare(frame(STEADY, 900.0), "another").too_few


def test_what_was_not_measured_is_no_regression() -> None:
    """Its target tells of it."""
    assert compare(frame(STEADY, float("nan")), NEW).worse == ()


def test_false_alarms_are_rare() -> None:
    """With eight drills before: below 1 % for normal values, below 2 % for log-normal ones; and a doubled time is found."""
    rng = random.Random(1)
    draws: list[tuple[Callable[[], float], float]] = [
        (lambda: rng.gauss(100, 8), 0.01),
        (lambda: rng.lognormvariate(4.6, 0.3), 0.02),
    ]
    for draw, share in draws:
        alarms = sum(regression("x", draw(), [draw() for _ in range(LEAST)]) is not None for _ in range(4000))
        assert alarms / 4000 < share
    found = sum(
        regression("x", 2 * rng.gauss(100, 8), [rng.gauss(100, 8) for _ in range(LEAST)]) is not None for _ in range(1000)
    )
    assert found > 950


@pytest.mark.usefixtures("nothing_drawn")
@pytest.mark.parametrize(
    ("now", "options", "code"),
    [(180.0, ["--fail-on", "regression"], FAILED), (101.0, ["--fail-on", "regression"], PASSED), (180.0, [], PASSED)],
)
def test_a_run_fails_on_a_regression_where_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: float, options: list[str], code: int
) -> None:
    """Though every target was met; JUnit has a case of it."""

    class Kept:
        def drills(self) -> pd.DataFrame:
            return frame(STEADY, now).replace({"drill": {NEW: DRILL}})

    monkeypatch.setattr("reports.store.Store.open", lambda *_: Kept())
    monkeypatch.setattr("gameday.running.run_drill", runner())
    monkeypatch.setattr("gameday.running.after_drill", lambda *_, **__: None)
    ended = CliRunner().invoke(
        cli, ["run", "redis-outage", "--out", str(tmp_path), "--junit", str(tmp_path / "junit.xml"), *options]
    )
    assert ended.exit_code == code, ended.output
    failed = [case.get("name") for case in ET.parse(tmp_path / "junit.xml").iter("testcase") if case.find("failure") is not None]
    assert failed == (["regression: time_to_recover_s"] if code == FAILED else [])
    assert ("WORSE     redis-outage: time to recover (RTO) 3 min" in ended.output) == (code == FAILED)


def test_without_a_store_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    """It would never fail."""
    ended = CliRunner().invoke(cli, ["run", "redis-outage", "--out", str(tmp_path), "--fail-on", "regression", "--no-store"])
    assert "leave --no-store out" in str(ended.exception)
