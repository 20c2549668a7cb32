"""Cases with a known answer: queues, repair and sums come out of the simulation within their confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simpy

from scenarios.loader import load_scenario
from sim.assumptions import load_assumptions
from sim.draws import Draws
from sim.night import Night
from sim.plan import make_plan
from sim.statistics import mean, percentile, share
from sim.tally import tally
from tests.sim.plans import plan_of

_SIGMAS = 3.3  # of 1,000 runs of a right simulation one would be further away


def erlang_c(servers: int, load: float) -> float:
    """The probability of having to wait in M/M/c, by Erlang."""
    top = load**servers / math.factorial(servers) * servers / (servers - load)
    return top / (sum(load**each / math.factorial(each) for each in range(servers)) + top)


@pytest.mark.parametrize(("servers", "arrivals"), [(1, 0.6), (2, 1.4), (3, 2.4)])
def test_limited_hands_wait_as_queueing_theory_says(servers: int, arrivals: float) -> None:
    """Incidents at random, exponential work, `servers` people as in sim/night.py: the mean wait is Erlang's, the share that waits too."""
    waits: list[float] = []
    batches = []
    drawn = np.array(Draws(1, f"queue-{servers}", (), (), 2).rows(0, 60_000))
    between, work = -np.log(drawn[:, 0]) / arrivals, -np.log(drawn[:, 1])
    env = simpy.Environment()
    hands = simpy.Resource(env, servers)

    def incident(takes_s: float) -> Generator[simpy.Event, Any, None]:
        came_s = env.now
        with hands.request() as hand:
            yield hand
            waits.append(env.now - came_s)
            yield env.timeout(takes_s)

    def arrive() -> Generator[simpy.Event, Any, None]:
        for gap_s, takes_s in zip(between, work, strict=True):
            yield env.timeout(gap_s)
            env.process(incident(takes_s))

    env.process(arrive())
    env.run()
    kept = np.array(waits[2000:])
    batches = [float(part.mean()) for part in np.array_split(kept, 30)]  # waits of neighbours are alike: means of batches are not
    expected = erlang_c(servers, arrivals) / (servers - arrivals)
    error = float(np.std(batches, ddof=1)) / math.sqrt(len(batches))
    assert abs(float(kept.mean()) - expected) < _SIGMAS * error
    assert (kept > 0).mean() == pytest.approx(erlang_c(servers, arrivals), rel=0.05)


def test_failures_and_repairs_come_to_the_known_availability() -> None:
    """Exponential with means of 1,000 h and 2 h: availability 1000/1002 within its interval, from the draws that nights use."""
    drawn = np.array(Draws(3, "repair", (), (), 2).rows(0, 40_000))
    up_h, down_h = -np.log(drawn[:, 0]) * 1000, -np.log(drawn[:, 1]) * 2
    cycles = mean(down_h - (up_h + down_h) * 2 / 1002)  # its expectation is 0, whatever the cycle's length
    assert cycles.low is not None
    assert cycles.high is not None
    assert cycles.low <= 0 <= cycles.high
    assert 1 - down_h.sum() / (up_h + down_h).sum() == pytest.approx(1000 / 1002, abs=5e-5)


def lognormal_sum(q: float, first: tuple[float, float], second: tuple[float, float]) -> float:
    """The quantile of the sum of two independent log-normal durations, by numerical convolution on a grid."""
    step = 0.02
    grid = np.arange(step / 2, 400, step)
    densities = []
    for mu, sigma in (first, second):
        found = np.exp(-((np.log(grid) - mu) ** 2) / (2 * sigma**2)) / (grid * sigma * math.sqrt(2 * math.pi))
        densities.append(found * step)
    width = 2 ** math.ceil(math.log2(2 * len(grid)))
    both = np.fft.irfft(np.fft.rfft(densities[0], width) * np.fft.rfft(densities[1], width), width)[: 2 * len(grid)]
    return float((np.searchsorted(np.cumsum(both), q) + 1) * step)


TWO_STEPS = """
title: Two steps
description: A service dies, somebody looks and then restarts it.
tags: [p0]
faults: [{fault: process.kill, process: risk-manager}]
detection: {alerts: [service_down]}
response:
  procedure: two-steps.md#two-steps
  step: {median: 20s, p95: 60s}
targets: [service-failure-rto]
"""
PROCEDURE = """# A runbook

## Two steps

```bash name="look" budget=30s on-failure=continue
docker compose ps --all
```

```bash name="restart it" budget=30s
docker compose restart risk-manager
```
"""


def test_two_steps_take_the_convolution_of_both(tmp_path: Path) -> None:
    """From acknowledgement to restart: two log-normal thinking times. Median and p95 are those of their convolution, within the intervals."""
    (tmp_path / "two-steps.yaml").write_text(TWO_STEPS)
    (tmp_path / "two-steps.md").write_text(PROCEDURE)
    assumptions = (
        load_assumptions().of("drill").changed({"procedures.look": 0.0, "procedures.restart": 0.0, "stack.settle-again": 0.0})
    )
    plan = make_plan(load_scenario(tmp_path / "two-steps.yaml"), assumptions, seed=5)
    took = np.sort(
        [
            (night.mended_s or math.nan) - (night.acknowledged_s or math.nan)
            for night in (Night(plan, row).run() for row in plan.draws.rows(0, 6000))
        ]
    )
    one = (math.log(20), math.log(3) / 1.6448536)
    for q in (0.5, 0.95):
        found = percentile(took, q)
        assert found.low is not None
        assert found.high is not None
        assert found.low <= lognormal_sum(q, one, one) <= found.high


def test_wilsons_interval_holds_the_truth_as_often_as_it_promises() -> None:
    """Of 2,000 campaigns of 50 nights with a probability of 0.9 about 95 % hold it; none and all have an end at 0 and at 1."""
    rng = np.random.Generator(np.random.Philox(1))
    held = [(each.low or 0) <= 0.9 <= (each.high or 0) for each in (share(int(met), 50) for met in rng.binomial(50, 0.9, 2000))]
    assert 0.93 <= sum(held) / len(held) <= 0.985
    assert (share(0, 10).low, share(10, 10).high) == (0.0, 1.0)
    assert share(0, 0).value is None


def test_the_median_of_a_nights_acknowledgement_is_the_scenarios() -> None:
    """With the people of live drills half of the acknowledgements are below the scenario's median, counted from the page."""
    plan = plan_of("service-failure", people="drill")
    found = [night for night in (Night(plan, row).run() for row in plan.draws.rows(0, 2000)) if tally(night).outages]
    delays = np.sort([(night.acknowledged_s or math.nan) - (night.paged_s or math.nan) for night in found])
    middle = percentile(delays, 0.5)
    assert middle.low is not None
    assert middle.high is not None
    assert middle.low <= 45 <= middle.high
