"""A drill as test cases: one for the drill itself, one for each verdict, one for each step of its runbook. Every CI output is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from harness.verdict import Judgement, Verdict
from reports import chronicle
from reports.escape import plain
from reports.rehearsal import Rehearsal
from reports.verdicts import compared, measure_name
from reports.words import clock_text, duration_text
from scenarios.errors import shown
from scenarios.loader import LoadedScenario
from scenarios.model import Invariant
from scenarios.places import locate
from scenarios.runbook import Step
from scenarios.yaml_source import read_source

Kind = Literal["drill", "target", "invariant", "step", "regression"]
State = Literal["passed", "failed", "error", "skipped"]
CARRIED_OUT = "carried out"
_QUOTED_LINES = 12  # of a command's output, its last


@dataclass(frozen=True, slots=True)
class Planned:
    """A case that a scenario will have, known before its drill. `line` (from 1) is where the file names it."""

    kind: Kind
    name: str
    path: Path
    line: int

    @property
    def title(self) -> str:
        """What a test of it is called; it has no `::`, which pytest divides names by."""
        return f"{self.kind}: {self.name}".replace("::", ":")


@dataclass(frozen=True, slots=True)
class Case:
    """What a case came to: `failed` is a target missed, an invariant broken or a step not as expected, `error` not judged, `skipped` not run.

    `message` is one line, `detail` all that a person needs to see why.
    """

    planned: Planned
    state: State
    message: str = ""
    detail: str = ""
    took_s: float = 0.0  # wall

    @property
    def bad(self) -> bool:
        return self.state in ("failed", "error")


def planned_cases(loaded: LoadedScenario) -> list[Planned]:
    """The drill, its targets in the scenario's order, every invariant, and the steps of its procedure."""
    source = read_source(loaded.path)
    runbook = locate(loaded.procedure.document, loaded.path)

    def line(*at: str | int) -> int:
        return source.problem("", at).line or 1

    return [
        Planned("drill", CARRIED_OUT, loaded.path, 1),
        *(Planned("target", each, loaded.path, line("targets", number)) for number, each in enumerate(loaded.scenario.targets)),
        *(Planned("invariant", each, loaded.path, 1) for each in get_args(Invariant)),
        *(Planned("step", name, runbook, step.line) for name, step in _numbered(loaded.procedure.steps)),
    ]


def cases_of(rehearsal: Rehearsal) -> list[Case]:
    """What each planned case came to; then verdicts that nobody planned. Raises BadHistory.

    Where the drill did not come to PASS, at least one case is `failed` or `error`.
    """
    planned = planned_cases(rehearsal.loaded)
    if rehearsal.result is None:
        return [_not_run(each, rehearsal.error) for each in planned]
    judged: dict[tuple[Kind, str], Judgement] = {
        (each.kind, each.target or each.name): each for each in rehearsal.result.judgements
    }
    steps = dict(zip((name for name, _ in _numbered(rehearsal.loaded.procedure.steps)), _carried(rehearsal), strict=True))
    found = [
        steps[each.name].at(each)
        if each.kind == "step"
        else _of_verdict(each, judged.pop((each.kind, each.name), None), rehearsal)
        for each in planned[1:]
    ]
    found += [_of_verdict(Planned(kind, name, planned[0].path, 1), each, rehearsal) for (kind, name), each in judged.items()]
    worse = [
        Case(
            Planned("regression", each.measure, planned[0].path, 1),
            "failed",
            f"{measure_name(each.measure)} {each.told}",
            "\n".join(_where(rehearsal)),
        )
        for each in rehearsal.worse
    ]
    return [_of_drill(planned[0], rehearsal, found), *found, *worse]


def _not_run(planned: Planned, error: str) -> Case:
    if planned.kind == "drill" and error:
        return Case(planned, "error", f"the harness broke: {_line(error)}", plain(error))
    return Case(planned, "skipped", "not run: the harness broke first" if error else "not run: the run was stopped before")


def _of_drill(planned: Planned, rehearsal: Rehearsal, others: Sequence[Case]) -> Case:
    """It came to its end, and if it is no PASS some case says why: this one where no other does."""
    result = rehearsal.result
    assert result is not None
    took_s, detail = rehearsal.took_s, "\n".join(_where(rehearsal))
    if not rehearsal.completed:
        how = "the harness broke" if result.status == "errored" else f"the drill was {result.status}"
        return Case(planned, "error", f"{how}: {_line(result.error or 'no reason was recorded')}", detail, took_s)
    if result.verdict is Verdict.PASS or any(each.bad for each in others if each.planned.kind != "step"):
        return Case(planned, "passed", took_s=took_s)
    failed = rehearsal.history.first("fault.failed")
    why = (
        f"{failed.subject}: {failed.data.get('verb')} failed: {_line(str(failed.data.get('error', '')))}"
        if failed
        else "nothing was judged"
        if not result.judgements
        else "not every fault of the scenario was injected"
    )
    return Case(planned, "error", f"could not be judged: {why}", detail, took_s)


def _of_verdict(planned: Planned, judgement: Judgement | None, rehearsal: Rehearsal) -> Case:
    if judgement is None:
        return _without_verdict(planned, rehearsal)
    if judgement.verdict is Verdict.PASS:
        return Case(planned, "passed", judgement.why)
    if judgement.verdict is Verdict.UNKNOWN and not rehearsal.completed:
        return Case(planned, "skipped", f"not judged: the drill did not come to its end ({_line(judgement.why)})")
    failed = judgement.verdict is Verdict.FAIL
    return Case(planned, "failed" if failed else "error", _message(judgement), "\n".join(_told(judgement, rehearsal)))


def _without_verdict(planned: Planned, rehearsal: Rehearsal) -> Case:
    """An invariant that only other scenarios are judged by was not run; none at all, and the data were not read back."""
    assert rehearsal.result is not None
    judged = {each.name for each in rehearsal.result.judgements if each.kind == "invariant"} & set(get_args(Invariant))
    if planned.kind == "invariant" and judged:
        return Case(planned, "skipped", "not run: it is not among the checks of this drill")
    return Case(planned, "error" if rehearsal.completed else "skipped", "could not be judged: the data were not read back")


def _message(judgement: Judgement) -> str:
    name, why = measure_name(judgement.name), _line(judgement.why)
    if judgement.verdict is Verdict.UNKNOWN:
        return f"{name} could not be judged: {why or 'no reason was recorded'}"
    if judgement.kind == "invariant":
        return f"{name}: {'held, which was not expected' if judgement.known else 'broken'}" + (f": {why}" if why else "")
    if judgement.known:
        return f"{name}: {why}"
    measured, limit = compared(judgement)
    return (
        f"{name}: {why} (target {limit})"
        if judgement.measured is None
        else f"{name} {measured}, target {limit}" + (f": {why}" if why else "")
    )


def _told(judgement: Judgement, rehearsal: Rehearsal) -> Iterator[str]:
    """Measure, target, source and the moment in the history, a line each."""
    yield f"scenario  {rehearsal.loaded.name}: {_line(rehearsal.loaded.scenario.title)}"
    if judgement.kind == "target":
        measured, limit = compared(judgement)
        yield f"measure   {measure_name(judgement.name)}: {measured if judgement.measured is not None else 'not measured'}"
        yield f"target    {judgement.target}: {limit}"
        yield f"source    {_line(judgement.source or 'none is recorded')}"
    else:
        yield f"invariant {judgement.name}"
    if judgement.why:
        yield f"why       {_line(judgement.why)}"
    if (fault := rehearsal.history.first("fault.injected")) is not None:
        yield f"fault     {clock_text(fault.at_s)} {fault.subject}"
    if (found := rehearsal.moment(judgement)) is not None:
        event, line = found
        place = f" ({_history(rehearsal)}:{line})" if line else ""
        at_s = float(event.data.get("recovered_at_s", event.at_s))  # it was recovered before that was proven
        since = f", {duration_text(at_s - fault.at_s)} after the fault" if fault and at_s > fault.at_s else ""
        yield f"moment    {clock_text(at_s)} {event.kind} {event.subject}{since}{place}"
    yield from _where(rehearsal)


def _where(rehearsal: Rehearsal) -> Iterator[str]:
    if rehearsal.folder is not None:
        yield f"report    {shown(rehearsal.folder / 'report.md')}"
    if rehearsal.result is not None and (again := rehearsal.result.started.data.get("command")):
        yield f"again     {_line(str(again))}"


def _history(rehearsal: Rehearsal) -> str:
    assert rehearsal.folder is not None
    return shown(rehearsal.folder / "history.jsonl")


# --- steps -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Carried:
    """What became of a step, before it is known which case stands for it."""

    state: State
    message: str = ""
    detail: str = ""
    took_s: float = 0.0

    def at(self, planned: Planned) -> Case:
        return Case(planned, self.state, self.message, self.detail, self.took_s)


def _numbered(steps: Sequence[Step]) -> list[tuple[str, Step]]:
    """Each step with its name; the number tells those of one name apart."""
    return [(f"{number} {step.name}", step) for number, step in enumerate(steps, start=1)]


def _carried(rehearsal: Rehearsal) -> Iterator[_Carried]:
    """What became of each step of the procedure, in its order."""
    done = {each.number: each for each in chronicle.steps(rehearsal.history)}
    stopped = ""
    for number, step in enumerate(rehearsal.loaded.procedure.steps, start=1):
        found = done.get(number)
        if found is None or found.ok is None:
            broken = found is not None and rehearsal.completed
            reason = stopped or ("the procedure was not begun" if not done else "the drill ended before")
            yield (
                _Carried("error", "what came of it was not recorded") if broken else _Carried("skipped", f"not reached: {reason}")
            )
            continue
        took_s = sum(each.duration_s or 0.0 for each in found.commands)
        if found.ok:
            yield _Carried("passed", took_s=took_s)
        elif step.on_failure == "continue":
            yield _Carried("passed", f"not as expected, and the runbook goes on: {_line(found.why)}", took_s=took_s)
        else:
            stopped = stopped or f"step {number} was not as expected"
            yield _Carried("failed", f"{step.name}: {_line(found.why)}", "\n".join(_step_told(step, found, rehearsal)), took_s)


def _step_told(step: Step, found: chronicle.Step, rehearsal: Rehearsal) -> Iterator[str]:
    yield f"scenario  {rehearsal.loaded.name}: {_line(rehearsal.loaded.scenario.title)}"
    yield f"step      {found.number} {step.name} ({rehearsal.loaded.procedure.reference}, line {step.line})"
    yield f"why       {_line(found.why)}"
    ended_s = found.ended_s if found.ended_s is not None else found.at_s
    line = rehearsal.lines.get((round(ended_s, 6), "step.finished", step.name))
    yield f"moment    {clock_text(ended_s)} step.finished" + (f" ({_history(rehearsal)}:{line})" if line else "")
    if found.commands:
        last = found.commands[-1]
        yield f"command   exit {last.exit_code}: {_line(last.command)}"
        yield from (f"          {each}" for each in plain(last.output).rstrip().split("\n")[-_QUOTED_LINES:] if each.strip())
    yield from _where(rehearsal)


def _line(text: str) -> str:
    return " ".join(plain(text).split())
