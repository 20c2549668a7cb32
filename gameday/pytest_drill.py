"""How the pytest plugin carries drills out: by its options, once for each question."""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from harness.history import Event, History
from harness.result import Result
from harness.run import DrillOptions, Outcome, run_drill
from scenarios.errors import InvalidInput
from scenarios.loader import LoadedScenario, find_scenarios, load_scenario
from scenarios.model import MonitorWish

_LARGEST_SEED = 2**31
_SLOWEST, _FASTEST = 1, 100  # as `gameday run --speed`
Run = Callable[[LoadedScenario, DrillOptions, Callable[[Event], None]], Outcome]


@dataclass(frozen=True)
class DrillWishes:
    """What pytest's options ask of every drill."""

    speed: float = 20.0
    seed: int | None = None
    stack: str = "embedded"
    monitor: MonitorWish | None = None
    out: Path = Path("drills")
    settings: Mapping[str, str] = field(default_factory=dict)
    bindings: Path | None = None
    keep: bool = True  # in the store of past drills

    def options(self) -> DrillOptions:
        """Those of one drill; without a wished seed it has a new one."""
        seed = secrets.randbelow(_LARGEST_SEED) if self.seed is None else self.seed
        return DrillOptions(
            seed=seed, speed=self.speed, out=self.out, stack=self.stack, overrides=self.settings, monitor=self.monitor, tell=print
        )  # fmt: skip


def wishes_of(config: pytest.Config) -> DrillWishes:
    """Raises pytest.UsageError for an option that cannot be used."""
    given = config.getoption
    speed, seed = given("gameday_speed"), given("gameday_seed")
    if not _SLOWEST <= speed <= _FASTEST:
        raise pytest.UsageError(f"--gameday-speed {speed:g}: from {_SLOWEST} to {_FASTEST} times")
    if seed is not None and seed < 0:
        raise pytest.UsageError(f"--gameday-seed {seed}: 0 or more")
    bindings = Path(given("gameday_bindings")) if given("gameday_bindings") else None
    if bindings is not None and not bindings.is_file():
        raise pytest.UsageError(f"--gameday-bindings {bindings}: there is no such file")
    settings: dict[str, str] = {}
    for each in given("gameday_set"):
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise pytest.UsageError(f"--gameday-set {each}: not KEY=VALUE, such as postgres.synchronous_commit=remote_apply")
        settings[key] = value
    return DrillWishes(
        speed, seed, given("gameday_stack"), given("gameday_monitor"), config.invocation_params.dir / given("gameday_out"), settings, bindings,
        keep=not given("gameday_no_store"),
    )  # fmt: skip


def carry_out(loaded: LoadedScenario, wishes: DrillWishes, run: Run | None = None) -> Outcome:
    """One drill, its progress on standard output, its reports in its folder, and itself in the store.

    Raises HarnessError when it could not even start, KeyboardInterrupt when somebody stopped it.
    """
    from rich.console import Console

    from gameday.progress import Progress
    from gameday.reporting import after_drill
    from reports.write import write_reports

    console = Console(file=sys.stdout, highlight=False, width=140, force_terminal=False)
    outcome = (run or run_drill)(loaded, wishes.options(), Progress(console))
    write_reports(outcome.folder, outcome.result)
    after_drill(console, outcome.folder, outcome.result, keep=wishes.keep)
    if outcome.signal == signal.SIGINT:
        raise KeyboardInterrupt
    return outcome


@dataclass(frozen=True)
class Drilled:
    """A finished drill, as the fixture `drill` gives it."""

    folder: Path
    result: Result

    @cached_property
    def history(self) -> History:
        return History.read(self.folder)

    @property
    def verdicts(self) -> dict[str, str]:
        """`pass`, `fail` or `unknown`, by the target's name or the invariant's."""
        return {each.target or each.name: each.verdict.value for each in self.result.judgements}


class Drills:
    """The fixture `drill`."""

    def __init__(self, wishes: DrillWishes, run: Run | None = None) -> None:
        self._wishes, self._run = wishes, run
        self._done: dict[tuple[Any, ...], Drilled] = {}

    def __call__(
        self, scenario: str | Path, *, seed: int | None = None, speed: float | None = None, settings: Mapping[str, str] | None = None
    ) -> Drilled:  # fmt: skip
        """Carry out a scenario of the catalogue, or of a file; what is not given is as pytest's options say.

        A scenario that cannot be used, and a setting that its stack has not, fail the test that asked.
        """
        merged = {**self._wishes.settings, **(settings or {})}
        question = (str(scenario), seed, speed, tuple(sorted(merged.items())))
        if question not in self._done:
            try:
                (path,) = find_scenarios([str(scenario)])
                loaded = load_scenario(path, overrides=merged)
            except InvalidInput as error:
                pytest.fail(str(error), pytrace=False)
            except ValueError:
                pytest.fail(f"{scenario}: more than one scenario; a drill carries out one", pytrace=False)
            wishes = replace(
                self._wishes, settings=merged, seed=self._wishes.seed if seed is None else seed, speed=speed or self._wishes.speed
            )
            outcome = carry_out(loaded, wishes, self._run)
            self._done[question] = Drilled(outcome.folder, outcome.result)
        return self._done[question]
