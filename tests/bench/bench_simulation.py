"""What simulated nights cost, beside plain SimPy: rate, scaling, memory, and what more steps cost.

    python tests/bench/bench_simulation.py [rate | scaling | memory | steps]... [--quick]

Rates are per second of processor time, measured in turns, so that a busy machine slows both sides alike.
"""

from __future__ import annotations

import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

import simpy  # noqa: E402

from scenarios.loader import find_scenarios, load_scenario  # noqa: E402
from sim.assumptions import load_assumptions  # noqa: E402
from sim.campaign import Wish, simulate  # noqa: E402
from sim.chunk import NIGHTS, Columns, run_chunk  # noqa: E402
from sim.engines import open_engine  # noqa: E402
from sim.night import Night  # noqa: E402
from sim.plan import Plan, make_plan  # noqa: E402
from sim.store import writing  # noqa: E402

SCENARIO = "primary-database-failure"
_TURNS = 7
Process = Generator[simpy.Event, Any, None]


def plan_of(path: Path | None = None) -> Plan:
    return make_plan(load_scenario(path or find_scenarios([SCENARIO])[0]), load_assumptions(), seed=7)


def bare(nights: int) -> None:
    """66 events a night, a random draw for each, one resource: no model at all."""

    def night(env: simpy.Environment, hands: simpy.Resource, rng: random.Random) -> Process:
        with hands.request() as hand:
            yield hand
            for _ in range(63):
                yield env.timeout(rng.lognormvariate(2.0, 0.4))

    for number in range(nights):
        env, rng = simpy.Environment(), random.Random(number)
        env.process(night(env, simpy.Resource(env, 1), rng))
        env.run()


class Naive:
    """The same night as one writes it first: the monitor and the clients tick, each event is a dict, draws are taken one by one."""

    def __init__(self, seed: int, steps: int) -> None:
        self.env, self.rng, self.steps, self.down = simpy.Environment(), random.Random(seed), steps, False
        self.log: list[dict[str, Any]] = []
        self.orders: list[tuple[float, bool]] = []
        self.fired, self.hands = self.env.event(), simpy.Resource(self.env, 1)

    def run(self) -> None:
        for process in (self.breaks(), self.monitor(), self.clients(), self.respond()):
            self.env.process(process)
        self.env.run()

    def breaks(self) -> Process:
        yield self.env.timeout(25.0)
        self.down = True

    def monitor(self) -> Process:
        pending: float | None = None
        while not self.fired.triggered:
            yield self.env.timeout(5.0)
            self.log.append({"at": self.env.now, "kind": "evaluation"})
            if self.down:
                pending = self.env.now if pending is None else pending
                if self.env.now - pending >= 30:
                    self.fired.succeed()

    def clients(self) -> Process:
        for _ in range(300):
            yield self.env.timeout(1.0)
            self.orders.append((self.env.now, not self.down))

    def respond(self) -> Process:
        env, draw = self.env, self.rng.lognormvariate
        yield self.fired
        yield env.timeout(draw(0.0, 0.5))
        yield env.timeout(draw(math.log(45), 0.4))
        with self.hands.request() as hand:
            yield hand
            for index in range(self.steps):
                yield env.timeout(draw(math.log(8), 0.4))
                self.log.append({"at": env.now, "kind": "step.started", "step": index})
                if self.rng.random() < 0.04:
                    yield env.timeout(draw(math.log(90), 0.9))
                yield env.timeout(draw(math.log(0.4), 0.6))
                self.log.append({"at": env.now, "kind": "command.finished", "step": index})
                self.down = self.down and index != 4


def naive(nights: int) -> None:
    """The same night written naively."""
    steps = len(plan_of().steps)
    for number in range(nights):
        Naive(number, steps).run()


def _rate(work: Callable[[int], object], nights: int) -> float:
    began = time.process_time()
    work(nights)
    return nights / (time.process_time() - began)


def rate() -> None:
    """Nights a second and core, in turns with plain SimPy."""
    plan = plan_of()
    events = _events(plan)
    kinds: dict[str, Callable[[int], object]] = {
        "gameday, all measures": lambda nights: [run_chunk(plan, first, NIGHTS) for first in range(0, nights, NIGHTS)],
        "gameday, the nights alone": lambda nights: [Night(plan, row).run() for row in plan.draws.rows(0, nights)] and None,
        "bare SimPy, 66 events, no model": bare,
        "the same night written naively": naive,
    }
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(_TURNS):
        for name, work in kinds.items():
            rates[name].append(_rate(work, 100 if work is naive else 2 * NIGHTS))
    base = statistics.median(rates["bare SimPy, 66 events, no model"])
    print(f"{SCENARIO}: {events:.0f} events of SimPy a night")
    for name, found in rates.items():
        middle = statistics.median(found)
        print(
            f"{name:<34}{middle:>9,.0f} a second and core ({min(found):,.0f} to {max(found):,.0f})  {middle / base:5.2f} of bare SimPy"
        )


def _events(plan: Plan) -> float:
    counted = []
    for row in plan.draws.rows(0, 200):
        night = Night(plan, row).run()
        counted.append(next(night.env._eid))
    return statistics.mean(counted)


def scaling() -> None:
    """What bounds two workers: the processor time of one process beside that of the workers, imports and all, and of who hands out."""
    plan, nights = plan_of(), 40_000
    spans = [(first, NIGHTS) for first in range(0, nights, NIGHTS)]
    with tempfile.TemporaryDirectory() as folder:
        ones, bounds, shares, walls = [], [], [], []
        for turn in range(3):
            began, wall = time.process_time(), time.perf_counter()
            simulate(plan, Wish(nights, 1), Path(folder) / f"{turn}-1.parquet")
            ones.append(time.process_time() - began)
            one_wall, began, wall = time.perf_counter() - wall, time.process_time(), time.perf_counter()
            with open_engine(2) as executor, writing(Path(folder) / f"{turn}-2.parquet", {}) as file:
                assert executor is not None
                spent: dict[int, float] = {}
                for chunk, pid, spent_s in executor.map(timed, [plan] * len(spans), *zip(*spans, strict=True)):
                    file.add(chunk)
                    spent[pid] = spent_s
            own, worked = time.process_time() - began, sum(spent.values())
            walls.append(one_wall / (time.perf_counter() - wall))
            shares.append(own / (own + worked))
            bounds.append(ones[-1] / max((own + worked) / 2, own))
    print(f"{nights:,} nights by one process: {statistics.median(ones):.1f} s of processor time")
    print(f"two workers on two cores of their own: {_span(bounds)} times as fast, by processor time, their start included")
    print(
        f"handing out, collecting and writing: {statistics.median(shares):.1%} of all processor time, so that {1 / statistics.median(shares):.0f} workers would be the end"
    )
    print(f"on the wall: {_span(walls)} times as fast (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")


def _span(found: list[float]) -> str:
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def timed(plan: Plan, first: int, count: int) -> tuple[Columns, int, float]:
    """A chunk, who computed it, and what processor time that process has used since it began."""
    return run_chunk(plan, first, count), os.getpid(), time.process_time()


def memory(*, million: bool = True) -> None:
    """Peak resident memory of a process of its own."""
    script = (
        "import resource, sys, tempfile; from pathlib import Path; from tests.bench.bench_simulation import plan_of; from sim.campaign import *\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    plan = plan_of(); summary(plan, simulate(plan, Wish(int(sys.argv[1])), Path(folder) / 'n.parquet'))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    for runs in (1_000, 100_000, *((1_000_000,) if million else ())):
        began = time.perf_counter()
        ended = subprocess.run([sys.executable, "-c", script, str(runs)], capture_output=True, text=True, check=True, cwd=PROJECT)
        print(f"{runs:>9,} nights: {int(ended.stdout) / 1024:6.0f} MB at most, {time.perf_counter() - began:6.1f} s, summed up")


def steps() -> None:
    """Scenarios of 10, 100 and 1,000 steps."""
    with tempfile.TemporaryDirectory() as folder:
        for count in (10, 100, 1000):
            blocks = "\n".join(
                f'```bash name="step {number}" budget=30s\ndocker compose ps --all\n```\n' for number in range(count - 1)
            )
            last = '```bash name="restart" budget=30s\ndocker compose restart risk-manager\n```\n'
            (Path(folder) / "long.md").write_text(f"# A runbook\n\n## Long\n\n{blocks}\n{last}")
            text = find_scenarios(["service-failure"])[0].read_text().split("\n")
            kept = "\n".join(line for line in text if not line.strip().startswith(("procedure:", "bindings:", "give-up")))
            path = Path(folder) / f"long-{count}.yaml"
            path.write_text(kept.replace("response:", "give-up-after: 24h\nresponse:\n  procedure: long.md#long"))
            plan = plan_of(path)
            nights = max(20_000 // count, 40)
            spent = 1 / _rate(lambda number, plan=plan: run_chunk(plan, 0, number), nights)  # type: ignore[misc]
            print(f"{count:>5} steps: {spent * 1e6:8.0f} us a night, {spent / count * 1e6:6.2f} us a step")


def main(names: list[str]) -> None:
    million = "--quick" not in names
    parts: dict[str, Callable[[], None]] = {
        "rate": rate,
        "scaling": scaling,
        "memory": lambda: memory(million=million),
        "steps": steps,
    }
    for name in [each for each in names if not each.startswith("--")] or parts:
        print(f"\n== simulation, {name}", flush=True)
        parts[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
