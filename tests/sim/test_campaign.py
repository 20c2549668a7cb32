"""sim/campaign.py: many nights, the same whoever computes them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from scenarios.loader import find_scenarios, load_scenario
from sim.assumptions import load_assumptions
from sim.campaign import Wish, missing_states, simulate, summary
from sim.plan import make_plan
from sim.sensitivity import tornado
from sim.store import Nights
from sim.whatif import compared
from sim.year import YEAR_S, Kind, year
from tests.sim.plans import plan_of


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    return simulate(plan_of("primary-database-failure"), Wish(1200), tmp_path_factory.mktemp("campaign") / "nights.parquet")


def test_the_same_bytes_whatever_the_number_of_workers(nights: Nights, tmp_path: Path) -> None:
    """One process and three leave the same file, bit for bit."""
    simulate(plan_of("primary-database-failure"), Wish(1200, workers=3), tmp_path / "nights.parquet")
    assert (tmp_path / "nights.parquet").read_bytes() == nights.path.read_bytes()


def test_another_seed_gives_other_nights(nights: Nights, tmp_path: Path) -> None:
    """The seed decides everything: another one, another file."""
    other = simulate(plan_of("primary-database-failure", seed=8), Wish(100), tmp_path / "nights.parquet")
    assert not np.array_equal(other.column("recover_s"), nights.column("recover_s")[:100])


def test_a_longer_campaign_begins_with_the_shorter_one(nights: Nights, tmp_path: Path) -> None:
    """Night 70 is night 70, whether 100 are simulated or 1,200."""
    short = simulate(plan_of("primary-database-failure"), Wish(100), tmp_path / "nights.parquet")
    assert np.array_equal(short.column("recover_s"), nights.column("recover_s")[:100], equal_nan=True)


def test_it_stops_once_the_interval_is_narrow_enough(tmp_path: Path) -> None:
    """With a width of 0.08 some hundred nights are enough, with 0.02 they are not; the number of workers changes nothing."""
    plan = plan_of("primary-database-failure")
    counts = [
        simulate(plan, Wish(4000, workers=workers, until_width=width), tmp_path / f"{width}-{workers}.parquet").count
        for width, workers in ((0.08, 1), (0.08, 2), (0.05, 1))
    ]
    assert counts[0] == counts[1]
    assert 500 <= counts[0] < counts[2] < 4000


def test_a_state_that_no_night_reached_is_told(nights: Nights) -> None:
    """The plan's own states and those asked for: what occurred is not named, what never did is."""
    plan = plan_of("primary-database-failure")
    assert plan.states == ("recovered", "failover-under-load")
    assert missing_states(plan, nights, ("page-missed", "restored")) == ["restored"]


def test_the_summary_tells_what_the_nights_hold(nights: Nights) -> None:
    """Percentiles lie in their intervals, targets add up to the nights, the critical path to the mean recovery of its nights."""
    found = summary(plan_of("primary-database-failure"), nights)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for measure in found["measures"].values():
        for row in measure["percentiles"].values():
            assert row["value"] is None or row["low"] <= row["value"] <= (row["high"] or np.inf)
    assert all(row["met"] + row["missed"] + row["unknown"] == nights.count for row in found["targets"])
    assert sum(row["median_s"] for row in found["critical_path"]) == pytest.approx(
        found["measures"]["recover_s"]["percentiles"]["0.5"]["value"], rel=0.05
    )


def test_a_what_if_changes_only_what_it_names(nights: Nights, tmp_path: Path) -> None:
    """Common random numbers: another group-wait moves each night by its seconds and leaves losses alone; the same again moves nothing."""
    plan, path = plan_of("primary-database-failure", detection__group_wait=30), tmp_path / "nights.parquet"
    later = simulate(plan, Wish(1200), path)
    found = compared("detection.group-wait=30s", plan, nights, later)
    assert 20 < found["measures"]["recover_s"]["mean_difference"]["value"] < 40
    assert abs(found["measures"]["lost"]["mean_difference"]["value"]) < 0.05
    same = compared("nothing", plan, nights, nights)
    assert same["measures"]["recover_s"]["mean_difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_the_tornado_finds_what_matters() -> None:
    """Figures that this scenario does not use have no bar; acknowledging asleep has one, and more of it takes longer."""
    loaded = load_scenario(find_scenarios(["service-failure"])[0])
    bars = {bar.figure: bar for bar in tornado(lambda figures: make_plan(loaded, figures, seed=7), load_assumptions(), 200)}
    assert not bars.keys() & {"procedures.restore", "detection.rise-feed", "market.loss-per-minute"}
    assert bars["people.slower-night"].recover_high_s > bars["people.slower-night"].recover_low_s
    assert bars["people.slower-night"].per_unit_s > 0


def test_a_year_is_incidents_times_outages(nights: Nights) -> None:
    """Four incidents a year of which each has the mean outage: availability is what a pocket calculator gives."""
    found = year([Kind("a", nights, 4.0, 1800.0)], seed=7, success_ratio=0.99, loss_per_minute=1000)
    outage_s = np.nan_to_num(nights.column("outage_s"), nan=1800.0).mean()
    assert 1 - found["availability"]["value"] == pytest.approx(4 * outage_s / YEAR_S, rel=0.03)
    assert found["error_budget"]["burn"]["value"] == pytest.approx(4 * outage_s / (0.01 * YEAR_S), rel=0.03)
    assert found["loss"]["mean"]["value"] < 4 * outage_s / 60 * 1000


def test_memory_does_not_grow_with_the_nights(tmp_path: Path) -> None:
    """Three times the nights: the peak memory of a process of its own grows by less than 15 MB."""
    import subprocess
    import sys

    script = (
        "import resource, sys; from pathlib import Path; from tests.sim.plans import plan_of; from sim.campaign import Wish, simulate;"
        "simulate(plan_of('service-failure'), Wish(int(sys.argv[1])), Path(sys.argv[2]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = [
        int(subprocess.run([sys.executable, "-c", script, str(runs), str(tmp_path / f"{runs}.parquet")], capture_output=True, text=True, check=True,
                           cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": "."}).stdout)
        for runs in (2000, 6000)
    ]  # fmt: skip
    assert peaks[1] - peaks[0] < 15_000
