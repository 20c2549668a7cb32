"""The trend of a made-up year: the planted regression is found, and where none was planted none is claimed."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from reports.store import Store
from reports.trend import MEASURES, Line, lines, worse
from reports.trend_report import Trend, ago, as_html, as_markdown, gather, saying, share
from reports.trend_write import write_trend
from tests.drills.cli import THOROUGH
from tests.reports.synthetic import BEGIN, MONTH, SCENARIOS, Regression, year

NOW = datetime(2026, 12, 2)  # noqa: DTZ001 -- as the store's times
CATALOGUE = (*SCENARIOS, "data-centre-outage")


def frames(seed: int, regression: Regression | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a store would give of a year of weekly drills."""
    records = list(year(seed, regression=regression))
    targets = [{**row, "drill": each.drill["drill"]} for each in records for row in each.verdicts]
    drills = pd.DataFrame([each.drill for each in records])
    return drills.sort_values(["started", "drill"]), pd.DataFrame(targets)


@pytest.fixture(scope="module")
def trend(tmp_path_factory: pytest.TempPathFactory) -> Trend:
    """A year with the regression in month 9."""
    store = Store.open(tmp_path_factory.mktemp("year"))
    store.keep(year(3, regression=Regression()))
    return gather(store, CATALOGUE, NOW)


def test_finds_the_regression_of_month_9(trend: Trend) -> None:
    """That scenario and that measure and no other, within two weeks of when it began, with what changed then."""
    assert [(each.line.subject.scenario, each.series.measure) for each in trend.worse] == [
        ("primary-database-failure", "time_to_recover_s")
    ]
    series = trend.worse[0].series
    assert series.since is not None
    assert abs(series.since - (BEGIN + 8 * MONTH)) <= timedelta(days=14)
    assert series.finding.delta is not None
    assert series.finding.delta > 0.5
    _, changed = trend.changed[0]
    assert ("commit of scenarios and runbooks", "aaaaaaa", "bbbbbbb") in changed.facts
    assert ("version of postgres", "16.4", "17.2") in changed.facts
    assert changed.scenario is not None
    assert '+  "load": 20,' in changed.scenario


@pytest.mark.parametrize("measure", ["time_to_detect_s", "time_to_acknowledge_s"])
def test_finds_it_in_every_measure(measure: str) -> None:
    """Not only in the time to recover."""
    assert [each.series.measure for each in worse(lines(*frames(8, Regression(measure=measure, times=2))))] == [measure]


@pytest.mark.slow
@pytest.mark.timeout(1200)  # twenty seconds of a processor, of which a shared machine may give little
def test_false_alarms_are_under_five_in_a_hundred() -> None:
    """Of 200 years (80, if not asked for all) without any change fewer than 5 % have a claim among their 24 series; what doubles a measure is found in all."""
    years = 200 if THOROUGH else 80
    false = sum(bool(worse(lines(*frames(seed)))) for seed in range(years))
    assert false < 0.05 * years
    found = sum(bool(worse(lines(*frames(seed, Regression(times=2))))) for seed in range(20))
    assert found == 20


def line(trend: Trend, scenario: str) -> Line:
    return next(each for each in trend.lines if each.subject.scenario == scenario)


def test_a_line_tells_pass_rate_streak_and_margin(trend: Trend) -> None:
    """From the newest drill back; the margin is what the median leaves of the limit."""
    found = line(trend, "service-failure")
    assert found.drills == found.passed + found.failed + found.unknown + found.unfinished == 53
    assert found.streak_of == "pass"
    assert 1 <= found.streak <= 53
    assert [each.measure for each in found.series] == list(MEASURES)
    acknowledge = found.series[1]
    assert acknowledge.limit == 300
    assert acknowledge.margin == pytest.approx((300 - acknowledge.median) / 300)
    assert acknowledge.lower < acknowledge.median < acknowledge.upper
    assert found.last is not None
    assert ago(found.last, NOW) == "2 days ago"


def test_never_drilled_is_told(trend: Trend) -> None:
    """Scenarios of the catalogue that no completed drill rehearsed."""
    assert trend.never == ("data-centre-outage",)
    assert "data-centre-outage" in as_markdown(trend, NOW)


def test_only_like_is_compared_with_like() -> None:
    """A what-if by --set and people's own pace make series of their own; aborted drills and faults that never bit none."""
    drills, targets = frames(1)
    one = drills[drills["scenario"] == "redis-outage"].reset_index(drop=True)
    one.loc[40:45, "variant"] = "postgres.synchronous_commit=remote_apply"
    one.loc[46:48, "respond"] = "human"
    one.loc[49, "status"] = "aborted"
    one.loc[50, "bitten"] = False
    found = lines(one, targets)
    assert [each.subject.name for each in found] == [
        "redis-outage", "redis-outage (postgres.synchronous_commit=remote_apply)", "redis-outage (human)",
    ]  # fmt: skip
    assert [len(each.series[2].values) for each in found] == [42, 6, 3]
    assert [each.unfinished for each in found] == [1, 0, 0]
    assert {each.series[2].finding.word for each in found[1:]} == {"too few drills to say"}


def test_groups_coverage_and_steps(trend: Trend) -> None:
    """Every drill is in one group of each kind and in one cell; the league adds waiting and working up."""
    for groups in trend.groups.values():
        assert sum(each.drills for each in groups) == trend.drills == 318
    assert trend.coverage.months[0] == "2025-12"
    assert sum(count for _, counts, _ in trend.coverage.rows for count in counts) == 318
    slowest = trend.steps[0]
    assert slowest.times == 53
    assert slowest.total_s == pytest.approx((slowest.waited_s + slowest.took_s) * 53, rel=0.15)
    assert [each.total_s for each in trend.steps] == sorted((each.total_s for each in trend.steps), reverse=True)


def test_made_up_drills_are_marked_everywhere(trend: Trend, tmp_path: Path) -> None:
    """Page and Markdown say so before anything else."""
    page, text, picture = write_trend(trend, tmp_path / "trend", NOW)
    assert "318 of these drills are made up" in page.read_text()
    assert "**Synthetic:** 318" in text.read_text()
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert sorted(each.name for each in (tmp_path / "trend").iterdir()) == ["trend.html", "trend.md", "trend.png"]


def test_a_page_holds_all_it_needs(trend: Trend) -> None:
    """Nothing is loaded from anywhere, and its policy forbids it."""
    page = as_html(trend, NOW)
    assert "default-src 'none'" in page
    assert not any(f'{attribute}="http' in page for attribute in ("src", "href", "xlink:href"))
    assert page.count("<svg") == 1 + 4 * len(SCENARIOS)


def test_an_empty_store_is_a_report_too(tmp_path: Path) -> None:
    """It says that nothing was drilled."""
    found = gather(Store.open(tmp_path), CATALOGUE, NOW)
    write_trend(found, tmp_path / "trend", NOW)
    assert "Trend of no drills" in as_markdown(found, NOW)
    assert set(found.never) == set(CATALOGUE)


def test_words_never_say_more_than_is_known(trend: Trend) -> None:
    """A rate is 100 % only where it is; a series with few drills says how few."""
    assert [share(each) for each in (1.0, 0.997, 0.5, 0.001, 0.0, None)] == ["100 %", "99.7 %", "50 %", "0.1 %", "0 %", "–"]
    assert saying(line(trend, "redis-outage").series[0]).startswith("no change shown (53 drills, p ")
    few = lines(*(each.head(24) for each in frames(1)))
    assert saying(few[0].series[0]) == f"too few drills to say ({len(few[0].series[0].values)})"


@pytest.mark.slow
def test_ten_thousand_drills_take_under_five_seconds(tmp_path: Path) -> None:
    """Of processor time: how much of a shared machine one gets is no claim. Reading the store, page, Markdown and picture."""
    store = Store.open(tmp_path)
    kept = store.keep(year(3, regression=Regression(), every=timedelta(days=365.25 * len(SCENARIOS) / 10_000)))
    assert kept.added >= 10_000
    began = time.process_time()
    found = gather(store, CATALOGUE, NOW)
    write_trend(found, tmp_path / "trend", NOW)
    assert time.process_time() - began < 5
    assert [each.line.subject.scenario for each in found.worse] == ["primary-database-failure"]
