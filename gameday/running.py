"""`gameday run`: scenarios one after another or side by side, live progress, reports, and one exit code."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console
from rich.text import Text

from gameday.ci import Log, Outputs, rehearsal_of
from gameday.exercise import Exercise, Participants, for_people
from gameday.exits import BROKEN, FAILED, INTERRUPTED, TERMINATED, worst
from gameday.listing import VERDICT_STYLES, make_console, print_rows, print_summary
from gameday.notices import Receiver, receivers, tell_all
from gameday.progress import Progress
from gameday.regressing import Compared, compare_all
from gameday.reporting import after_drill
from harness.errors import HarnessError
from harness.history import Event
from harness.run import DrillOptions, Outcome, run_drill
from harness.side_by_side import Done, Turn, most_at_once, run_side_by_side
from reports.listing import drills
from reports.words import duration_text
from scenarios.errors import InvalidInput, Problem
from scenarios.loader import LoadedScenario, catalogue, find_scenarios, load_scenario
from scenarios.model import MonitorWish
from scenarios.suggestions import hint

_LARGEST_SEED = 2**31


@dataclass(frozen=True)
class RunWishes:
    """What the command line asks for. `monitor` None: what each scenario says; `jobs` None: one, or with `all` what the machine bears."""

    names: Sequence[str]
    speed: float = 1.0
    seed: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    stack: str = "embedded"
    monitor: MonitorWish | None = None
    out: Path = Path("drills")
    all: bool = False
    jobs: int | None = None
    tags: Sequence[str] = ()
    only: Sequence[str] = ()
    since_last_failure: bool = False
    shuffle: int | None = None
    outputs: Outputs = field(default_factory=Outputs)
    notices: Path | None = None  # the file that says who is told; None: the environment's, else nobody
    exercise: Exercise | None = None  # people respond; None: the harness does
    keep: bool = True  # in the store
    fail_on: str | None = None  # `regression`: what is worse than the last drills fails too


def run_all(wishes: RunWishes) -> int:
    """Run what is wished; the worst exit code. Raises InvalidInput before the first starts."""
    scenarios = choose(wishes)
    if wishes.fail_on and not wishes.keep:
        raise InvalidInput([Problem(Path("--fail-on"), 0, 0, "compares with the drills in the store; leave --no-store out")])
    wishes.outputs.check()
    console = make_console()
    told = _Told(receivers(wishes.notices), wishes.outputs.link, console, wishes.keep)
    if not scenarios:
        console.print("nothing to run: every scenario that was chosen passed when it was last run")
        wishes.outputs.write([])
        return 0
    if wishes.exercise is not None:
        scenarios = [for_people(each, wishes.exercise) for each in scenarios]
    turns = [Turn(each, _options(wishes, console)) for each in scenarios]
    at_once = min(wishes.jobs or (most_at_once() if wishes.all else 1), len(turns))
    done: list[Done] = []
    found: dict[str, Compared] = {}
    try:
        with wishes.outputs.log() as log:
            if at_once == 1:
                hear = (
                    None
                    if wishes.exercise is None or wishes.exercise.reveal
                    else Participants(console, wishes.out, wishes.exercise)
                )
                number = _in_turn(turns, console, done, told, log, hear)
            else:
                done, number = _side_by_side(turns, at_once, console, told)
            if len(turns) > 1:
                print_rows(console, [(each.turn.loaded.name, _code(each), each.outcome) for each in done])
            if wishes.fail_on:
                found = compare_all(done, wishes.out, console)
    finally:
        wishes.outputs.write([*done, *(Done(each) for each in turns[len(done) :])], found)
    codes = [code for code in map(_code, done) if code is not None]
    codes += [FAILED for each in found.values() if each.worse]
    return worst([*codes, *([128 + number] if number else [])])


def choose(wishes: RunWishes) -> list[LoadedScenario]:
    """The scenarios to run, in their order. Raises InvalidInput, also for a name or a tag that chooses none."""
    names = [*wishes.names, *(catalogue() if wishes.all else ())]
    scenarios = [load_scenario(path, overrides=wishes.settings) for path in find_scenarios(names)]
    _all_known("--tag", wishes.tags, sorted({tag for each in scenarios for tag in each.scenario.tags}))
    _all_known("--only", wishes.only, [each.name for each in scenarios])
    if wishes.tags:
        scenarios = [each for each in scenarios if set(wishes.tags) & set(each.scenario.tags)]
    if wishes.only:
        scenarios = [each for each in scenarios if any(fnmatchcase(each.name, pattern) for pattern in wishes.only)]
    if not scenarios:
        raise InvalidInput([Problem(Path("gameday run"), 0, 0, "no scenario has all of what --tag and --only ask for")])
    if wishes.since_last_failure:
        scenarios = [each for each in scenarios if each.name not in _passed_last(wishes.out)]
    if wishes.shuffle is not None:
        random.Random(wishes.shuffle).shuffle(scenarios)
    return scenarios


def _all_known(option: str, asked: Sequence[str], known: Sequence[str]) -> None:
    problems = [
        Problem(Path(option), 0, 0, f"'{each}' chooses no scenario{hint(each, known)}")
        for each in asked
        if not any(fnmatchcase(name, each) for name in known)
    ]
    if problems:
        raise InvalidInput(problems)


def _passed_last(out: Path) -> set[str]:
    """Scenarios of which the newest drill that is kept has passed."""
    newest: dict[str, str] = {}
    for row in drills(out):
        newest.setdefault(row.scenario, row.verdict if row.status == "completed" else row.status)
    return {name for name, verdict in newest.items() if verdict == "pass"}


def _options(wishes: RunWishes, console: Console) -> DrillOptions:
    seed = secrets.randbelow(_LARGEST_SEED) if wishes.seed is None else wishes.seed
    return DrillOptions(
        seed=seed, speed=wishes.speed, out=wishes.out, stack=wishes.stack, overrides=wishes.settings, monitor=wishes.monitor,
        tell=console.print, respond="human" if wishes.exercise else "auto",
        surprise_s=wishes.exercise.surprise_s if wishes.exercise else 0.0,
    )  # fmt: skip


@dataclass(frozen=True)
class _Told:
    """Who hears of each drill as it ends, and where it is kept."""

    to: Sequence[Receiver]
    link: str
    console: Console
    keep: bool

    def of(self, done: Done) -> None:
        if done.outcome is not None:
            after_drill(self.console, done.outcome.folder, done.outcome.result, keep=self.keep)
        tell_all(self.to, rehearsal_of(done), self.link)


def _in_turn(
    turns: Sequence[Turn], console: Console, done: list[Done], told: _Told, log: Log, hear: Callable[[Event], None] | None
) -> int | None:
    """One after another, all that matters on the terminal; fills `done`. HarnessError of the first is everybody's."""
    for turn in turns:
        try:
            with log.section(turn.loaded.name):
                outcome = run_drill(turn.loaded, turn.options, hear or Progress(console))
                _report(outcome)
        except HarnessError as error:
            done.append(Done(turn, error=error))
            told.of(done[-1])
            raise
        done.append(Done(turn, outcome))
        print_summary(console, outcome.folder, outcome.result)
        told.of(done[-1])
        if outcome.signal:
            done += [Done(each) for each in turns[len(done) :]]
            return outcome.signal
    return None


def _side_by_side(turns: Sequence[Turn], at_once: int, console: Console, told: _Told) -> tuple[list[Done], int | None]:
    """A line for each drill as it ends."""
    console.print(f"{len(turns)} drills, {at_once} at once")
    turn, ended, warned = threading.Lock(), 0, set[str]()

    def hear(_turn: Turn, event: Event) -> None:
        for warning in event.data.get("warnings", ()):
            with turn:
                if warning not in warned:
                    warned.add(warning)
                    console.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)

    def tell(done: Done) -> None:
        nonlocal ended
        ended += 1
        if done.outcome is not None:
            _report(done.outcome)
        word, about = _line(done)
        place = f"{ended:>{len(str(len(turns)))}}/{len(turns)}"
        name = done.turn.loaded.name
        console.print(
            Text.assemble((f"{place}  ", "dim"), (f"{word:<8}", VERDICT_STYLES.get(word, "yellow")), f"{name}  {about}"),
            soft_wrap=True,
        )
        told.of(done)

    return run_side_by_side(turns, at_once, hear, tell)


def _line(done: Done) -> tuple[str, str]:
    if done.outcome is None:
        return "broken", str(done.error)
    result = done.outcome.result
    recovered = result.measures.time_to_recover_s
    about = [f"recovered after {duration_text(recovered)}"] if recovered is not None else []
    about += [f"{each.name}: {each.why}" for each in result.judgements if each.verdict.value != "pass" and each.why]
    return result.verdict.value if result.status == "completed" else result.status, "; ".join(about)


def _report(outcome: Outcome) -> None:
    from reports.write import write_reports  # matplotlib: only when a drill is over

    write_reports(outcome.folder, outcome.result)


def _code(done: Done) -> int | None:
    """None: it was not started."""
    if done.outcome is None:
        return BROKEN if done.error else None
    if done.outcome.signal:
        return INTERRUPTED if done.outcome.signal == INTERRUPTED - 128 else TERMINATED
    return done.outcome.result.exit_code
