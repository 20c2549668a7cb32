"""What a team should take from a drill: what went well, what did not, and an action item for each thing that is to be mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.history import History
from harness.measure import Measures
from harness.verdict import Judgement, Verdict
from reports import chronicle
from reports.chronicle import Step
from reports.verdicts import compared, measure_name
from reports.words import counted, duration_text

_TIGHT = 0.2  # a target met with less than this share of it to spare is told


def went_well(judgements: Sequence[Judgement], steps: Sequence[Step]) -> Iterator[str]:
    """Targets met with room, invariants that held, steps that worked."""
    for each in judgements:
        if each.kind == "target" and each.verdict is Verdict.PASS and not each.known and not _tight(each):
            measured, limit = compared(each)
            yield f"{_capital(measure_name(each.name))}: {measured}, of {limit} allowed."
    invariants = [each for each in judgements if each.kind == "invariant"]
    held = sum(each.verdict is Verdict.PASS and not each.known for each in invariants)
    if held:
        yield f"{held} of {counted(len(invariants), 'invariant')} of the data held."
    done = sum(step.ok is True for step in steps)
    if done:
        yield f"{done} of {counted(len(steps), 'step')} of the runbook did what they promise."


def to_improve(history: History, measures: Measures, judgements: Sequence[Judgement], steps: Sequence[Step]) -> Iterator[str]:
    """Targets missed or met narrowly, what could not be judged, and where the time went."""
    for each in judgements:
        measured, limit = compared(each)
        name = _capital(measure_name(each.name))
        if each.known and each.verdict is Verdict.PASS:
            yield f"{name}: {each.why}."
        elif each.verdict is Verdict.FAIL:
            yield (
                f"{name}: {measured}, of {limit} allowed."
                if each.kind == "target" and each.limit is not None
                else f"{name}: {each.why}."
            )
        elif each.verdict is Verdict.UNKNOWN:
            yield f"{name} could not be judged: {each.why}."
        elif _tight(each):
            yield f"{name} was met narrowly: {measured}, of {limit} allowed."
    if longest := _longest(history, measures, steps):
        yield longest


def _tight(each: Judgement) -> bool:
    return bool(each.limit) and each.measured is not None and each.limit is not None and each.measured > (1 - _TIGHT) * each.limit


def _longest(history: History, measures: Measures, steps: Sequence[Step]) -> str | None:
    """The longest single stretch on the way to recovery."""
    fault_s = chronicle.first_fault_s(history)
    if fault_s is None or not measures.time_to_recover_s:
        return None
    end_s = fault_s + measures.time_to_recover_s
    stretches = [("detection", measures.time_to_detect_s or 0.0), ("acknowledgement", measures.time_to_acknowledge_s or 0.0)]
    stretches += [
        (f"the step “{step.name}”", min(step.ended_s, end_s) - step.at_s)
        for step in steps
        if step.ended_s is not None and step.at_s < end_s
    ]
    name, took_s = max(stretches, key=lambda each: each[1])
    share = took_s / measures.time_to_recover_s
    return (
        f"The longest stretch of the time to recover was {name}: {duration_text(took_s)}, {share * 100:.0f} % of it."
        if 0 < share <= 1
        else None
    )


def actions(history: History, judgements: Sequence[Judgement], steps: Sequence[Step], findings: Sequence[str]) -> Iterator[str]:
    """One item for each thing to mend, from what was recorded: steps, alerts, targets, invariants, doubts, findings."""
    yield from _of_steps(history, steps)
    yield from _of_alerts(history)
    for each in judgements:
        measured, limit = compared(each)
        name = measure_name(each.name)
        if each.verdict is Verdict.FAIL and each.known:
            yield f"Look at the scenario's `expect`: {name} is {each.why}"
        elif each.verdict is Verdict.FAIL and each.kind == "target":
            yield f"Bring the {name} from {measured} to at most {limit} ({each.source or each.target})"
        elif each.verdict is Verdict.FAIL:
            yield f"Find out why the invariant “{name}” was broken: {each.why}"
        elif each.verdict is Verdict.UNKNOWN:
            yield f"Make it possible to judge the {name}: {each.why}"
    yield from (f"Mend the runbook: {finding}" for finding in findings)


def _of_steps(history: History, steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        if step.ok is False:
            yield f"Mend step {step.number} of the runbook, “{step.name}”" + (f": {step.why}" if step.why else "")
        elif step.ok is None:
            yield f"Step {step.number} of the runbook, “{step.name}”, was begun and never finished: find out why"
    for event in history.of_kind("step.finished"):
        if (state := event.data.get("state")) in ("failed", "skipped"):  # as people said of it
            why = event.data.get("text") or event.data.get("why")
            yield f"Step {event.subject} of the runbook was {state}" + (f": {why}" if why else "")
    ended = history.last("procedure.finished")
    if ended and ended.data.get("outcome") == "stopped":
        yield f"Steps after the last one were not carried out: {ended.subject} was stopped"


def _of_alerts(history: History) -> Iterator[str]:
    """Expected alerts that stayed silent, and others that spoke first."""
    fault_s = chronicle.first_fault_s(history)
    started = history.first("drill.started")
    if fault_s is None or started is None:
        return
    scenario = started.data.get("scenario")
    detection = scenario.get("detection") if isinstance(scenario, dict) else None
    expected = list(detection.get("alerts", ())) if isinstance(detection, dict) else []
    firing = [event for event in history.of_kind("alert.firing") if event.at_s >= fault_s]
    fired = {event.subject for event in firing}
    for name in expected:
        if name not in fired:
            yield f"The expected alert {name} never fired: look at its rule, or at what the scenario expects"
    first = next((event.at_s for event in firing if event.subject in expected), None)
    for event in firing:
        if event.subject not in expected and first is not None and event.at_s < first:
            yield f"{event.subject} fired before any expected alert: should it page?"
            return


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
