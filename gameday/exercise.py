"""An exercise with people: what its terminal shows while nobody may know the fault, and how people are called to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from gameday.progress import Progress
from harness.history import Event
from reports.words import clock_text, duration_text
from scenarios.loader import LoadedScenario

LONGEST_S = 7200.0  # documented: people may take so long, where the scenario allows less
# Which procedure answers, and how its steps are called, tells what broke.
_SECRET = ("fault.", "condition.", "check.", "procedure.", "step.", "rate")


@dataclass(frozen=True)
class Exercise:
    """How people respond. Documented seconds."""

    surprise_s: float = 0.0  # the fault comes at a random moment within so long
    give_up_after_s: float | None = None  # after the fault; None: two hours, or what the scenario says if that is more
    reveal: bool = False  # the terminal is the facilitator's own: it shows everything


class Participants:
    """What everybody may see. All of it is told when the drill is over."""

    def __init__(self, console: Console, out: Path, exercise: Exercise) -> None:
        """`out` is where the drill lies."""
        self._console, self._out, self._exercise = console, out, exercise
        self._progress = Progress(console)

    def __call__(self, event: Event) -> None:
        if event.kind == "drill.started":
            for warning in event.data.get("warnings", ()):
                self._console.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)
            self._console.print(Text("An exercise with people. What breaks is told at the end.", "bold"))
        elif event.kind == "exercise.opened":
            self._call()
        elif event.kind == "alert.firing":
            self._progress(replace(event, data={**event.data, "expected": True}))
        elif (line := _line(event)) is not None:
            self._console.print(Text.assemble((f"{clock_text(event.at_s):>7}  ", "dim"), line), soft_wrap=True)
        elif not event.kind.startswith(_SECRET):
            self._progress(event)

    def _call(self) -> None:
        where = "" if self._out == Path("drills") else f" --out {self._out}"
        if self._exercise.surprise_s:
            self._console.print(f"It breaks within {duration_text(self._exercise.surprise_s)}; who is on call will be paged.")
        self._console.print(
            Text(
                "Open. From any terminal:\n"
                f"  gameday status{where}        alerts, pages, people, notes\n"
                f"  gameday ack{where}           acknowledge the page\n"
                f"  gameday shell{where}         the on-call engineer's shell: the runbook's commands, as written\n"
                f"  gameday note|update|step|detected|mitigated|cause|resolve{where}\n"
                f"  gameday pause|resume|abort{where}",
            ),
            soft_wrap=True,
        )


def _line(event: Event) -> str | None:
    """What only exercises have."""
    data, who = event.data, event.subject
    match event.kind:
        case "people.joined":
            return f"{who} is here, as {data['role']}"
        case "note":
            return f"{who}: {data['text']}"
        case "hint.given":
            return f"hint of {who}: {data['text']}"
        case "milestone":
            return f"{who} ({data['by']})" + (f": {data['text']}" if data.get("text") else "")
        case "step.finished" if "by" in data:
            return f"step {data['index']} {data['state']} ({data['by']})" + (f": {data['why']}" if data.get("why") else "")
        case "shell.opened":
            return f"{data['by']} opens {who}"
        case "shell.closed":
            return f"{data['by']} leaves {who}"
        case "exercise.paused":
            return f"paused by {who}"
        case "exercise.resumed":
            return f"{who} goes on"
        case "exercise.aborted":
            return f"aborted by {who}" + (f": {data['why']}" if data.get("why") else "")
    return None


def for_people(loaded: LoadedScenario, exercise: Exercise) -> LoadedScenario:
    """The scenario with the time that people are given."""
    longest = exercise.give_up_after_s or max(loaded.scenario.give_up_after_s, LONGEST_S)
    return replace(loaded, scenario=loaded.scenario.model_copy(update={"give_up_after_s": longest}))
