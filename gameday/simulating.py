"""`gameday simulate`: campaigns with their progress, tables, files and one exit code."""

from __future__ import annotations

import json
import math
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from gameday import __version__
from gameday.campaign_tables import print_campaign, print_night, print_overview, print_year
from gameday.exits import FAILED, PASSED, TERMINATED, UNKNOWN, worst
from gameday.listing import make_console
from harness.errors import HarnessError
from scenarios.errors import InvalidInput, Problem
from scenarios.loader import LoadedScenario, catalogue, find_scenarios, load_scenario
from scenarios.suggestions import hint
from sim.assumptions import Assumptions, load_assumptions, load_calibration, read_change
from sim.campaign import Wish, missing_states, simulate_on, summary
from sim.chunk import NIGHTS as CHUNK
from sim.engines import WorkerLost, open_engine, warm
from sim.histories import simulate_night, write_history
from sim.judgeable import NotSimulated
from sim.parts import STATES
from sim.plan import Plan, make_plan
from sim.sensitivity import tornado
from sim.store import Nights
from sim.whatif import compared
from sim.year import Kind, year

NIGHTS_FILE, CAMPAIGN_FILE = "nights.parquet", "campaign.json"
_SETTING = "settings."


@dataclass(frozen=True)
class SimulateWishes:
    """What the command line asks for."""

    names: Sequence[str]
    everything: bool = False
    runs: int = 10_000
    seed: int = 7
    workers: int = 1
    out: Path | None = None
    what_ifs: Sequence[str] = ()
    until_width: float | None = None
    reached: Sequence[str] = ()
    tornado: int = 0
    people: str = "rota"
    calibration: Path | None = None
    night: int | None = None
    trace: bool = False
    validate_with: Path | None = None
    engine: str = "processes"
    scheduler: str | None = None
    rates: Sequence[str] = ()  # incidents a year: SCENARIO=NUMBER, or NUMBER for each
    keep: bool = True  # what is in `out`, in the store as well
    executor: Executor | None = None  # the workers, once they are there


def run_simulate(wishes: SimulateWishes) -> int:
    """Do what is wished; the worst exit code. Raises InvalidInput before the first night."""
    console = make_console()
    _warm(wishes)
    assumptions = load_assumptions()
    if wishes.calibration is not None:
        assumptions = load_calibration(wishes.calibration, assumptions)
    assumptions = assumptions.of(wishes.people)
    _all_states(wishes.reached)
    plans, left_out = _plans(wishes, assumptions, console)
    rates = _a_year(wishes, [*(plan.name for _, plan in plans), *left_out], assumptions)
    for text in wishes.what_ifs:  # a mistake in one is told before the first campaign
        for loaded, _ in plans:
            _changed(text, loaded, assumptions, wishes.seed)
    if not plans:
        return UNKNOWN
    if wishes.validate_with is not None:
        from gameday.validating import validate

        return validate(wishes.validate_with, [loaded for loaded, _ in plans], wishes, console)
    if wishes.night is not None:
        for _, plan in plans:
            _one_night(plan, wishes, console)
        return PASSED
    with _ended_in_order(), tempfile.TemporaryDirectory(prefix="gameday-nights-") as scratch:
        out = wishes.out or Path(scratch)
        try:
            with open_engine(wishes.workers, engine=wishes.engine, scheduler=wishes.scheduler) as executor:
                kinds, rows = _campaigns(plans, replace(wishes, executor=executor), assumptions, rates, out, console)
        except WorkerLost as error:
            raise HarnessError(str(error)) from error
        if len(rows) + len(left_out) > 1:
            print_overview(console, [found for found, _ in rows], left_out)
        if len(kinds) > 1:
            print_year(console, _year(kinds, assumptions, plans[0][1], wishes.seed))
    if wishes.out is not None and wishes.keep:
        _keep(wishes.out, [wishes.out / plan.name for _, plan in plans], console)
    return worst([*(code for _, code in rows), *(UNKNOWN for _ in left_out)])


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM unwinds as Ctrl-C does: half a file is removed, and no worker is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _warm(wishes: SimulateWishes) -> None:
    if wishes.engine == "processes" and wishes.runs > CHUNK and wishes.night is None and wishes.validate_with is None:
        warm(wishes.workers)


def _all_states(names: Sequence[str]) -> None:
    problems = [
        Problem(Path("--reached"), 0, 0, f"'{each}' is no state{hint(each, list(STATES))}")
        for each in names
        if each not in STATES
    ]
    if problems:
        raise InvalidInput(problems)


def _a_year(wishes: SimulateWishes, names: Sequence[str], assumptions: Assumptions) -> dict[str, float]:
    """Incidents a year of each scenario. Raises InvalidInput for a rate that is none, and for a scenario that is not simulated."""
    found = dict.fromkeys(names, assumptions["year.incidents"])
    for text in sorted(wishes.rates, key=lambda each: "=" in each):  # what is said of one counts more than what is said of all
        name, sign, number = text.rpartition("=")
        try:
            rate = float(number)
        except ValueError:
            rate = math.nan
        if not 0 <= rate < math.inf:
            raise InvalidInput(
                [Problem(Path("--a-year"), 0, 0, f"'{text}' is not a number of incidents a year, such as service-failure=2")]
            )
        if sign and name not in names:
            raise InvalidInput([Problem(Path("--a-year"), 0, 0, f"'{name}' is not simulated here{hint(name, names)}")])
        found.update({name: rate} if sign else dict.fromkeys(names, rate))
    return found


def _plans(
    wishes: SimulateWishes, assumptions: Assumptions, console: Console
) -> tuple[list[tuple[LoadedScenario, Plan]], dict[str, str]]:
    """The plans of what is asked for, and what the model can't carry out, with the reason: that is unknown, not wrong."""
    plans, left_out = [], {}
    for path in dict.fromkeys(find_scenarios([*wishes.names, *(catalogue() if wishes.everything else ())])):
        loaded = load_scenario(path)
        try:
            plans.append((loaded, make_plan(loaded, assumptions, seed=wishes.seed, version=__version__)))
        except NotSimulated as error:
            left_out[loaded.name] = str(error)
            if not wishes.everything:
                console.print(Text.assemble(("UNKNOWN", "bold yellow"), f"  {error}"), soft_wrap=True)
    return plans, left_out


def _campaigns(
    plans: list[tuple[LoadedScenario, Plan]],
    wishes: SimulateWishes,
    assumptions: Assumptions,
    rates: Mapping[str, float],
    out: Path,
    console: Console,
) -> tuple[list[Kind], list[tuple[dict[str, Any], int]]]:
    """Each campaign: for the year of all that can be judged, and as its document with its exit code."""
    kinds, rows = [], []
    for loaded, plan in plans:
        folder = out / plan.name
        nights = _simulated(plan, wishes, folder / NIGHTS_FILE, plan.name, console)
        found = summary(plan, nights)
        found["people"] = wishes.people
        found["what_if"] = [
            compared(text, changed, nights, _simulated(changed, replace(wishes, runs=nights.count, until_width=None), folder / f"what-if-{number}.parquet", text, console))
            for number, text in enumerate(wishes.what_ifs, start=1)
            for changed in (_changed(text, loaded, assumptions, wishes.seed),)
        ]  # fmt: skip
        if wishes.tornado:
            found["tornado"] = _tornado(loaded, wishes, assumptions, console)
        kind = Kind(plan.name, nights, rates[plan.name], plan.give_up_after_s)
        found["year"] = _year([kind], assumptions, plan, wishes.seed)
        found["never_reached"] = missing_states(plan, nights, tuple(wishes.reached))
        rows.append((found, _code(plan, found["never_reached"], wishes)))
        if not plan.unjudged:
            kinds.append(kind)
        if not wishes.everything:
            print_campaign(console, found)
        (folder / CAMPAIGN_FILE).write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        if wishes.out is not None:
            from reports.campaign import write_campaign

            write_campaign(folder)
            if not wishes.everything:
                console.print(f"report   {folder / 'report.md'}\nnights   {folder / NIGHTS_FILE}", soft_wrap=True)
    return kinds, rows


def _code(plan: Plan, never_reached: list[str], wishes: SimulateWishes) -> int:
    """What the model can't judge is unknown, unless the caller asked for a state that it did not reach."""
    if plan.unjudged:
        return FAILED if set(never_reached) & set(wishes.reached) else UNKNOWN
    return FAILED if never_reached else PASSED


def _keep(out: Path, folders: list[Path], console: Console) -> None:
    """Put campaigns into the store; one that is there already stays once. A store that fails never fails a campaign."""
    try:
        from reports.store import Store

        problem = "; ".join(Store.open(out).import_folders(folders).problems)
    except Exception as error:  # noqa: BLE001 -- whatever is wrong with the store, the campaign is done
        problem = str(error)
    if problem:
        warning = f"warning: not in the store: {problem} Later: gameday store import {out}"
        console.print(Text(warning, "yellow"), soft_wrap=True)


def _changed(text: str, loaded: LoadedScenario, assumptions: Assumptions, seed: int) -> Plan:
    """The plan with what one --what-if changes: figures, and settings of the stack. Raises InvalidInput."""
    changes: dict[str, float] = {}
    settings: dict[str, str] = {}
    for part in text.split(","):
        if part.strip().startswith(_SETTING):
            key, sign, value = part.strip().removeprefix(_SETTING).partition("=")
            if not sign:
                raise InvalidInput([Problem(Path("--what-if"), 0, 0, f"'{part}' is not settings.KEY=VALUE")])
            settings[key] = value
        else:
            name, number = read_change(part, assumptions)
            changes[name] = number
    changed = load_scenario(loaded.path, overrides=settings) if settings else loaded
    return make_plan(changed, assumptions.changed(changes), seed=seed, version=__version__)


def _tornado(loaded: LoadedScenario, wishes: SimulateWishes, assumptions: Assumptions, console: Console) -> list[dict[str, Any]]:
    console.print("[dim]tornado: each figure from its low to its high end ...[/]")
    bars = tornado(
        lambda changed: make_plan(loaded, changed, seed=wishes.seed),
        assumptions,
        wishes.tornado,
        wishes.executor,
        workers=wishes.workers,
    )
    return [bar.to_json() for bar in bars]


def _year(kinds: list[Kind], assumptions: Assumptions, plan: Plan, seed: int) -> dict[str, Any]:
    return year(kinds, seed=seed, success_ratio=plan.load.success_ratio, loss_per_minute=assumptions["market.loss-per-minute"])


def _one_night(plan: Plan, wishes: SimulateWishes, console: Console) -> None:
    """One night alone; traced: every event on the terminal, and a folder as a live drill leaves it."""
    from harness.measure import measure
    from harness.result import write_result
    from reports.write import write_reports

    night, history = simulate_night(plan, wishes.night or 0)
    print_night(console, night, history, measure(history), trace=wishes.trace)
    if wishes.trace:
        folder = (wishes.out or Path("campaigns")) / plan.name / f"night-{wishes.night}"
        write_history(history, folder)
        result = write_result(folder)
        write_reports(folder, result)
        console.print(
            f"history  {folder / 'history.jsonl'}\nreport   {folder / 'report.md'}\npicture  {folder / 'timeline.png'}",
            soft_wrap=True,
        )


def _simulated(plan: Plan, wishes: SimulateWishes, path: Path, title: str, console: Console) -> Nights:
    wish = Wish(wishes.runs, wishes.workers, wishes.until_width, wishes.engine, wishes.scheduler)
    with _progress(title, wishes.runs, console) as told:
        return simulate_on(wishes.executor, plan, wish, path, told=told)


class _Rate(ProgressColumn):
    """Nights a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


@contextmanager
def _progress(title: str, runs: int, console: Console) -> Iterator[Callable[[int], None]]:
    """A bar with rate and remaining time, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=runs)
        yield lambda done: bar.update(task, completed=done)
