"""What people did in an exercise: when they reached which milestone against its documented limit, and everything that they typed and said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.history import Event, History
from harness.measure import Measures
from harness.verdict import Judgement
from reports.escape import code, folded, prose, table
from reports.words import clock_text, duration_text

DID = ("command.finished", "step.finished", "note", "hint.given", "milestone", "page.acknowledged")
_LEVELS = ("p0", "p1", "p2", "p3")


@dataclass(frozen=True, slots=True)
class Milestone:
    """A point of the response. `after_s` counts from the injection, documented; None: never reached. `limit_s` None: none documented."""

    name: str
    after_s: float | None = None
    by: str = ""
    text: str = ""
    counted_s: float | None = None  # what the limit speaks of, where that counts from another moment
    limit_s: float | None = None
    source: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it was reached within its limit; None where there is none, or nothing to hold against it."""
        found = self.after_s if self.counted_s is None else self.counted_s
        return None if self.limit_s is None or found is None else found <= self.limit_s


def responded(history: History) -> bool:
    """Whether people responded, and not the harness."""
    return history.first("exercise.opened") is not None


def milestones(
    history: History, measures: Measures, judgements: Sequence[Judgement], limits: Mapping[str, tuple[float, str]]
) -> list[Milestone]:
    """Detected, acknowledged, first action, mitigated, cause named, resolved, in this order.

    `limits`: of names of targets, seconds and source: what is documented of resolving, by severity. Those that the drill was judged by
    come from its judgements.
    """
    injected = history.first("fault.injected")
    if injected is None:
        return []
    zero_s = injected.at_s
    said = {event.subject: event for event in reversed(list(history.of_kind("milestone"))) if event.at_s >= zero_s}
    acknowledged = history.first("page.acknowledged", after_s=zero_s)
    acted = next((each for each in history.of_kind("command.finished", "step.finished") if _begun_s(each) >= zero_s), None)

    def at(name: str, event: Event | None, **more: object) -> Milestone:
        if event is None:
            return Milestone(name, **more)  # type: ignore[arg-type]
        by = str(event.data.get("by") or event.subject)
        return Milestone(name, _begun_s(event) - zero_s, by, str(event.data.get("text") or ""), **more)  # type: ignore[arg-type]

    judged = {each.name: each for each in judgements if each.kind == "target"}

    def limit_of(measure: str) -> dict[str, object]:
        found = judged.get(measure)
        return {} if found is None or found.limit is None else {"limit_s": found.limit, "source": found.source or ""}

    detected = min([each for each in (said.get("detected"), acknowledged) if each], key=lambda each: each.at_s, default=None)
    level = next((each for each in _LEVELS if each in _tags(history)), "")
    resolving = limits.get(f"resolve-{level}")
    return [
        at("detected by people", detected, **limit_of("time_to_detect_s")),
        at("acknowledged", acknowledged, counted_s=measures.time_to_acknowledge_s, **limit_of("time_to_acknowledge_s")),
        at("first action", acted),
        at("mitigated", said.get("mitigated"), **limit_of("time_to_mitigate_s")),
        at("cause named", said.get("cause-named")),
        at("resolved", said.get("resolved"), **({"limit_s": resolving[0], "source": resolving[1]} if resolving else {})),
    ]


def _begun_s(event: Event) -> float:
    """A command is an action from its first moment on."""
    began = event.data.get("began_s")
    return float(began) if isinstance(began, int | float) else event.at_s


def _tags(history: History) -> list[str]:
    started = history.first("drill.started")
    scenario = started.data.get("scenario") if started else None
    return [str(tag) for tag in scenario.get("tags") or ()] if isinstance(scenario, dict) else []


def section(
    history: History, measures: Measures, judgements: Sequence[Judgement], limits: Mapping[str, tuple[float, str]]
) -> Iterator[str]:
    """The part of the report; nothing where the harness responded."""
    if not responded(history):
        return
    yield "## People"
    present = ", ".join(f"{each.subject} ({each.data.get('role')})" for each in history.of_kind("people.joined"))
    hints, pauses = len(list(history.of_kind("hint.given"))), len(list(history.of_kind("exercise.paused")))
    yield prose(f"Present: {present or 'nobody'}. Hints: {hints}. Pauses: {pauses}; documented time stood still in them.")
    rows = [_row(each) for each in milestones(history, measures, judgements, limits)]
    if rows:
        yield table(["milestone", "since the fault", "by", "limit", "", "source"], rows)
    named = next((each for each in history.of_kind("milestone") if each.subject == "cause-named"), None)
    faults = ", ".join(f"{each.subject} ({each.data.get('fault')})" for each in history.of_kind("fault.injected"))
    if faults:
        what = prose(f"“{named.data.get('text')}”") if named else "nothing"
        yield f"What was broken: {prose(faults)}. What people named as the cause: {what}."
    yield from _did(history)


def _row(each: Milestone) -> list[str]:
    when = "never" if each.after_s is None else clock_text(each.after_s)
    if each.counted_s is not None:
        when += f" ({duration_text(each.counted_s)} after the alert)"
    limit = "none documented" if each.limit_s is None else duration_text(each.limit_s)
    return [each.name, when, prose(each.by), limit, {True: "met", False: "missed", None: ""}[each.met], prose(each.source)]


def _did(history: History) -> Iterator[str]:
    injected = history.first("fault.injected")
    zero_s = injected.at_s if injected else 0.0
    rows, outputs = [], []
    for event in sorted(history.of_kind(*DID), key=_begun_s):
        who = str(event.data.get("by") or event.subject)
        if event.kind == "command.finished":
            what = f"{code(str(event.data.get('command')))} (exit {event.data.get('exit_code')})"
            if output := str(event.data.get("output") or "").strip():
                outputs.append(
                    folded(f"{clock_text(_begun_s(event) - zero_s)} {who}: {event.data.get('command')}", output, opened=False)
                )
        else:
            what = prose(_told(event))
        rows.append([clock_text(_begun_s(event) - zero_s), prose(who), what])
    if rows:
        yield table(["since the fault", "who", "what"], rows)
    yield from outputs


def _told(event: Event) -> str:
    text = str(event.data.get("text") or event.data.get("why") or "")
    head = {
        "step.finished": f"step {event.subject}: {event.data.get('state', 'done')}", "note": "note", "hint.given": "hint",
        "milestone": event.subject.replace("-", " "), "page.acknowledged": f"acknowledged {event.subject}",
    }[event.kind]  # fmt: skip
    return f"{head}: {text}" if text else head
