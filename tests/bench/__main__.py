"""`make bench`: what a drill costs and how exact it is, measured on this machine in one run.

    python tests/bench [boot | catalogue | error | simulation | speeds | stacks | toxiproxy]...

Figures of a shared machine are noisy: ratios within one run say more than seconds across machines.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from harness.history import History  # noqa: E402
from harness.steady import outages  # noqa: E402
from harness.workload.ledger import Ledger  # noqa: E402
from scenarios.model import Scenario  # noqa: E402
from tests.drills.cli import Run, gameday  # noqa: E402

SCENARIOS = ("service-failure", "primary-database-failure", "market-data-feed-interruption", "redis-outage")
SCRATCH = tempfile.mkdtemp(prefix="gameday-bench-")
_BOOTS = 3
_CONTAINERS = ("--stack", "containers", "--monitor", "prometheus")


def _drill(scenario: str, *, speed: float, seed: int = 7, options: tuple[str, ...] = ()) -> tuple[Run, float]:
    """A finished drill and the wall seconds that the command took."""
    out = Path(tempfile.mkdtemp(dir=SCRATCH))
    began = time.monotonic()
    run = gameday(["run", scenario, "--speed", str(speed), "--seed", str(seed), *options], out)
    return run, time.monotonic() - began


def _median(values: list[float], form: str = ".2f") -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}}) [n={len(values)}]"


def boot() -> None:
    """From the first command to the steady state; memory; what a drill costs beside the rehearsal itself."""
    booted, memory, first, overhead = [], [], [], []
    for seed in range(_BOOTS):
        run, took_s = _drill("service-failure", speed=60, seed=seed)
        history = History.read(run.folder)
        stack = history.first("stack.booted")
        assert stack is not None, run.printed
        answered = next(event.wall_s for event in history.of_kind("op.ok"))
        booted.append(stack.data["boot_s"])
        memory.append(stack.data["memory_mb"])
        first.append(answered)
        overhead.append(took_s - (history.events[-1].wall_s - stack.wall_s))
    print(f"stack up                            {_median(booted)} s")
    print(f"drill's start to first order filled {_median(first)} s")
    print(f"resident memory (PSS), all in all   {_median(memory, '.0f')} MB")
    print(f"command's time beside the rehearsal {_median(overhead)} s   start, boot, judging, report and picture")


def error() -> None:
    """Outages of known length at a link, as measured by the observer."""
    run, _ = _drill(str(PROJECT / "tests/drills/known-outages.yaml"), speed=20)
    history = History.read(run.folder)
    started = history.first("drill.started")
    assert started is not None, run.printed
    cuts, mends = list(history.of_kind("fault.injected")), list(history.of_kind("fault.healed"))
    steady = Scenario.model_validate(started.data["scenario"]).steady_state
    found = outages(Ledger.of(history).operations, steady, after_s=cuts[0].at_s - 1)
    print("planted s   measured s   error ms")
    for outage, cut, mend in zip(found, cuts, mends, strict=True):
        true_s = mend.at_s - cut.at_s
        assert outage.duration_s is not None
        print(f"{true_s:9.3f}   {outage.duration_s:10.3f}   {(outage.duration_s - true_s) * 1000:8.0f}")


def speeds() -> None:
    """Each scenario at speed 1 and at speed 20: the same verdicts, and times within 10 % or 2 s of each other."""
    names = ("time_to_detect_s", "time_to_acknowledge_s", "time_to_mitigate_s", "time_to_recover_s", "recovery_point_s")
    print(f"{'scenario':<32}{'measure':<24}{'speed 1':>10}{'speed 20':>10}{'differ':>9}   agree")
    for scenario in SCENARIOS:
        slow, fast = (_drill(scenario, speed=speed)[0] for speed in (1, 20))
        for name in names:
            one, twenty = slow.result["measures"][name], fast.result["measures"][name]
            if one is None or twenty is None:
                print(f"{scenario:<32}{name:<24}{one!s:>10}{twenty!s:>10}")
                continue
            agree = abs(one - twenty) <= max(2.0, 0.1 * one)
            print(f"{scenario:<32}{name:<24}{one:>10.2f}{twenty:>10.2f}{twenty - one:>9.2f}   {'yes' if agree else 'NO'}")
        print(f"{scenario:<32}{'verdicts':<24}{'':>29}   {'yes' if slow.verdicts() == fast.verdicts() else 'NO'}")


def stacks() -> None:
    """Each scenario on the embedded stack and on containers with Prometheus: boot, measures, verdicts, and their ratios."""
    rows = (
        "boot_s",
        "command_s",
        "time_to_detect_s",
        "time_to_mitigate_s",
        "time_to_recover_s",
        "recovery_point_s",
        "lost_writes",
    )
    print(f"{'scenario':<32}{'figure':<24}{'embedded':>10}{'containers':>12}{'ratio':>8}")
    for scenario in SCENARIOS:
        figures = [_figures(*_drill(scenario, speed=20, options=options)) for options in (("--monitor", "embedded"), _CONTAINERS)]
        for name in rows:
            one, other = figures[0][name], figures[1][name]
            ratio = f"{other / one:.2f}" if one and other is not None else "-"
            print(f"{scenario:<32}{name:<24}{_short(one):>10}{_short(other):>12}{ratio:>8}")
        agree = "equal" if figures[0]["verdicts"] == figures[1]["verdicts"] else "NOT EQUAL"
        print(f"{scenario:<32}{'verdicts':<24}{agree:>30}", flush=True)


def _figures(run: Run, took_s: float) -> dict[str, Any]:
    booted = History.read(run.folder).first("stack.booted")
    assert booted is not None, run.printed
    return {**run.result["measures"], "boot_s": booted.data["boot_s"], "command_s": took_s, "verdicts": run.verdicts()}


def _short(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.2f}"


def toxiproxy() -> None:
    """The embedded Toxiproxy beside the real one (where it is installed) and no proxy at all."""
    subprocess.run([sys.executable, str(Path(__file__).with_name("bench_toxiproxy.py"))], check=True)


def simulation() -> None:
    """Simulated nights beside plain SimPy: rate, scaling, memory, and what more steps cost."""
    subprocess.run([sys.executable, str(Path(__file__).with_name("bench_simulation.py"))], check=True)


def catalogue() -> None:
    """The whole catalogue at speed 60, twice (GAMEDAY_BENCH_ROUNDS=10: ten times): its time, and which verdicts were not the same."""
    rounds = os.environ.get("GAMEDAY_BENCH_ROUNDS", "2")
    subprocess.run([sys.executable, str(Path(__file__).with_name("bench_catalogue.py")), rounds], check=True)


PARTS: dict[str, Callable[[], None]] = {
    "boot": boot,
    "error": error,
    "toxiproxy": toxiproxy,
    "simulation": simulation,
    "stacks": stacks,
    "speeds": speeds,
    "catalogue": catalogue,
}


def main(names: list[str]) -> None:
    try:
        for name in names or PARTS:
            print(f"\n== {name}: {(PARTS[name].__doc__ or '').splitlines()[0]}", flush=True)
            PARTS[name]()
    finally:
        shutil.rmtree(SCRATCH)


if __name__ == "__main__":
    main(sys.argv[1:])
