"""From what was recorded to findings: a pure function of a history, which can be asked again of an old one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.runbooks.cases import Case
from harness.runbooks.check import Checked
from harness.runbooks.commands import Said, judged
from harness.runbooks.consequences import Trail
from harness.runbooks.outcome import outcomes
from harness.runbooks.plan import Unit
from harness.runbooks.spec import STEADY
from harness.runbooks.story import Ran, Story
from harness.steady import Outage
from scenarios.lint import Finding, Related
from scenarios.lint.executed import command_hangs, unsafe_again
from scenarios.lint.report import Broken, Carried, CarriedOut
from scenarios.model import SteadyState
from scenarios.reading import Class, Command

_BACK_WITHIN_S = 5.0  # documented: a service says that it is well a little after the first client was served again


@dataclass(frozen=True, slots=True)
class Judged:
    """What one check came to. `broken` when it did not come to its end."""

    findings: tuple[Finding, ...]
    carried: tuple[Carried, ...]
    broken: Broken | None = None


def judge(checked: Checked, steady: SteadyState = STEADY) -> Judged:
    """All findings of one procedure, and what became of each of its commands."""
    case = checked.case
    story = Story(case.plan, checked.history, steady)
    if checked.problem and not story.ran and story.interrupted is None:
        return Judged((), tuple(_carried(case, story, checked.problem)), _broken(case, None, checked))
    broken = _broken(case, story.interrupted, checked) if checked.problem else None
    carried_out = tuple(_carried(case, story, checked.problem))
    lost = [each for each in carried_out if each.status == "unknown"]
    if lost and broken is None:  # nothing that was not seen to run passes for checked
        reason = f"its record does not tell what became of {len(lost)} of {len(carried_out)} commands"
        broken = Broken(case.book.path, lost[0].line, case.procedure.section.anchor, reason, checked.log)
    return Judged(tuple(_findings(case, story)), carried_out, broken)


def _broken(case: Case, unit: Unit | None, checked: Checked) -> Broken:
    section = case.procedure.section
    where = f" while line {unit.line} was carried out" if unit is not None else ""
    return Broken(case.book.path, unit.line if unit else section.line, section.anchor, f"{checked.problem}{where}", checked.log)


def _findings(case: Case, story: Story) -> Iterator[Finding]:
    first = list(_told(story, "first"))
    trail = Trail(case.plan.units, story.of("first"))
    yield from _commands(case, first, trail)
    judgeable = not any(each.not_offered or each.outside for each in story.of("first"))
    worked = {each.unit.number for each in story.of("first")} - {each.ran.unit.number for each in first}
    for said in _told(story, "again"):
        if judgeable and said.ran.unit.number in worked and said.ran.unit.changes and case.plan.again != "unsafe":
            message = f"carried out a second time, {said.message}"
            yield unsafe_again.finding(case.book, place(said.ran.unit), message, said.evidence, severity="info")
            break  # what fails after it fails because of it, as often as not
    yield from _commands(case, list(_told(story, "rollback")), Trail(case.plan.rollback, story.of("rollback")))
    yield from outcomes(case, story)


def _told(story: Story, phase: str) -> Iterator[Said]:
    began_s = story.started_s(phase) or 0.0
    served_s, out = _served_again_s(story), story.outages(began_s)
    refused = [each.intended_s for each in story.bad_after(began_s)]
    for ran in story.of(phase):
        said = judged(ran, in_incident=ran.began_s < served_s or _during(ran, out) or _just_refused(ran, refused))
        if said is not None:
            yield said


def _during(ran: Ran, out: Sequence[Outage]) -> bool:
    """Whether clients were not served while it ran, or just before: a look then tells that, and what ended the service is told by itself."""
    return any(each.start_s <= ran.ended_s and ran.began_s <= each.least_end_s + _BACK_WITHIN_S for each in out)


def _just_refused(ran: Ran, refused_s: Sequence[float]) -> bool:
    """Whether a client was refused while it ran, or just before: a restart of a second is no outage, and a look in the middle of it fails."""
    return any(ran.began_s - _BACK_WITHIN_S <= each <= ran.ended_s for each in refused_s)


def _served_again_s(story: Story) -> float:
    """Until when the incident is on, for whoever looks at the stack; minus infinity when there is none."""
    injected = next(story.history.of_kind("fault.injected"), None)
    if injected is None:
        return float("-inf")
    ends = [each.end_s for each in story.outages(injected.at_s - 1.0)]
    return max((end if end is not None else float("inf") for end in ends), default=float("inf"))


def _commands(case: Case, all_said: list[Said], trail: Trail) -> Iterator[Finding]:
    """A finding for each command that is wrong by itself; what follows from it is told with it."""
    behind: dict[int, list[Said]] = {}
    own: list[Said] = []
    for said in all_said:
        cause = trail.cause(said.ran, [each.ran for each in own])
        if cause is None:
            own.append(said)
        elif cause.number in {each.ran.unit.number for each in own}:
            behind.setdefault(cause.number, []).append(said)
    for said in own:
        related = [
            Related(case.book.path, each.ran.unit.line, f"fails in consequence: {each.message}")
            for each in behind.get(said.ran.unit.number, ())
        ]
        if said.ran.ended_by == "shell" or said.rule is command_hangs:
            left = [each for each in trail.units if each.number in trail.unreached(said.ran)]
            related += [Related(case.book.path, each.line, "is not reached any more") for each in left[:3]]
        yield said.rule.finding(case.book, place(said.ran.unit), said.message, said.evidence, tuple(related))


def place(unit: Unit) -> tuple[int, int]:
    return unit.line, unit.column


# --- coverage ----------------------------------------------------------------------------------------------------


def _carried(case: Case, story: Story, problem: str) -> Iterator[Carried]:
    by_line = {line: unit for unit in case.plan.units for line in unit.commands}
    ran = {each.unit.number: each for each in story.of("first")}
    for command in case.procedure.commands:
        unit = by_line[command.line]
        status, reason = _status(case, unit, ran.get(unit.number), story, problem)
        yield carried(case, command, status, reason)


def carried(case: Case, command: Command, status: CarriedOut, reason: str) -> Carried:
    line = command.text.partition("\n")[0]
    return Carried(case.book.path, command.line, command.column, line, case.procedure.section.anchor, status, reason)


def _status(case: Case, unit: Unit, ran: Ran | None, story: Story, problem: str) -> tuple[CarriedOut, str]:
    if case.plan.skip:
        return "not executed", case.plan.skip
    if unit.skip:
        return ("needs a binding" if unit.skip_class is Class.NEEDS_BINDING else "cannot be executed"), unit.skip
    if ran is None:
        if unit.number in story.unreached:
            return "not reached", "the procedure, or its script, ended before it"
        return "unknown", problem or "the check ended before it"
    if ran.not_offered:
        return "not judged", ran.not_offered
    if ran.outside:
        return "not judged", f"it goes to {ran.outside}, and nothing outside the stack is reached here"
    return "executed", "stopped after its time, as it runs until then" if ran.ended_by == "stop" else ""
