"""Verdicts in words: the one sentence of a drill, and a line for each judgement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.history import History
from harness.measure import Measures
from harness.verdict import Judgement, Verdict
from reports import chronicle
from reports.words import clock_text, counted, duration_text

_NAMES = {
    "time_to_detect_s": "time to detect",
    "time_to_acknowledge_s": "time to acknowledge",
    "time_to_mitigate_s": "time to mitigate",
    "time_to_recover_s": "time to recover (RTO)",
    "recovery_point_s": "recovery point (RPO)",
    "lost_writes": "lost acknowledged writes",
    "outage_s": "outage, as clients saw it",
}
_WORDS = {Verdict.PASS: "met", Verdict.FAIL: "MISSED", Verdict.UNKNOWN: "UNKNOWN"}
_NEAR = 0.05  # an outage within this share of the time to recover is the same to a reader


def measure_name(name: str) -> str:
    """What a person calls a measure or an invariant."""
    return _NAMES.get(name, name.removesuffix("_s").replace("_", " ").replace("-", " "))


def amount(value: float | None, unit: str, *, exact: bool = False) -> str:
    """A measured value or a limit with its unit (a count stands bare); a dash where there is none."""
    if value is None:
        return "–"
    if unit == "s":
        return duration_text(value, exact=exact)
    return f"{value:g}" if unit in ("", "writes") else f"{value:g} {unit}"


def compared(judgement: Judgement) -> tuple[str, str]:
    """Measured value and limit as texts, exact enough that a missed limit never reads like a met one."""
    unit = judgement.unit or ""
    measured, limit = amount(judgement.measured, unit), amount(judgement.limit, unit)
    if measured == limit and judgement.verdict is Verdict.FAIL:
        return amount(judgement.measured, unit, exact=True), limit
    return measured, limit


def overall(judgements: Sequence[Judgement]) -> Verdict:
    """The worst: FAIL before UNKNOWN before PASS. Of nothing, UNKNOWN."""
    found = {judgement.verdict for judgement in judgements}
    return next(
        (verdict for verdict in (Verdict.FAIL, Verdict.UNKNOWN) if verdict in found), Verdict.PASS if found else Verdict.UNKNOWN
    )


def headline(history: History, measures: Measures, judgements: Sequence[Judgement]) -> str:
    """What a person should know of this drill, in one or two plain sentences."""
    return " ".join(_sentences(history, measures, judgements)) or "Nothing was measured."


def _sentences(history: History, measures: Measures, judgements: Sequence[Judgement]) -> Iterator[str]:
    if ended := _unhappy(history):
        yield ended
    by_name = {judgement.name: judgement for judgement in judgements if judgement.kind == "target"}
    yield from _recovery(history, measures, by_name.pop("time_to_recover_s", None))
    yield from _loss(measures, by_name.pop("lost_writes", None), by_name.pop("recovery_point_s", None))
    for judgement in by_name.values():
        if judgement.verdict is not Verdict.PASS:
            measured, limit = compared(judgement)
            yield f"{_capital(measure_name(judgement.name))}: {measured}; target {limit}: {_WORDS[judgement.verdict]}."
    yield from _invariants([judgement for judgement in judgements if judgement.kind == "invariant"])


def _unhappy(history: History) -> str | None:
    """What to say first of a drill that did not run to its end."""
    finished = history.last("drill.finished")
    if finished is None:
        return f"The drill was cut short at {clock_text(history.events[-1].at_s)}." if history.events else None
    if finished.data.get("status") == "completed":
        return None
    why = " ".join(str(finished.data.get("error") or "").split()).rstrip(".")
    how = "broke off with an error" if finished.data.get("status") == "errored" else "was aborted"
    return f"The drill {how} at {clock_text(finished.at_s)}" + (f": {why}." if why else ".")


def _recovery(history: History, measures: Measures, target: Judgement | None) -> Iterator[str]:
    outage, recover = measures.outage_s, measures.time_to_recover_s
    if chronicle.first_fault_s(history) is None:
        yield "No fault was injected, so nothing was tested." if history.events else "Nothing was recorded."
        return
    if recover is None:
        text = "Service did not recover" if history.first("recovery.given_up") else "Recovery was not measured"
    elif outage is None or abs(outage - recover) <= max(_NEAR * recover, 0.1):
        text = f"Service was lost for {duration_text(recover)}"
    elif outage == 0:
        text = f"Clients lost no service; all was well again {duration_text(recover)} after the fault"
    else:
        text = f"Service was lost for {duration_text(outage)}; all was well again {duration_text(recover)} after the fault"
    if target is None:
        yield f"{text}."
        return
    measured, limit = compared(target)
    if target.verdict is Verdict.FAIL and recover is not None and duration_text(recover) != measured:
        text = text.replace(duration_text(recover), measured)
    yield f"{text}; target {limit}: {_WORDS[target.verdict]}."


def _loss(measures: Measures, count: Judgement | None, point: Judgement | None) -> Iterator[str]:
    lost = measures.lost_writes
    if lost is None:
        judged = [judgement for judgement in (count, point) if judgement]
        if judged:
            yield f"Lost writes could not be counted: {_WORDS[judged[0].verdict]}."
        return
    number = int(lost)
    text = f"{counted(number, 'acknowledged order')} {'was' if number in (0, 1) else 'were'} lost"
    text = text.replace("no acknowledged order" + "s", "no acknowledged order")
    if count:
        text += f"; target {count.limit:g}: {_WORDS[count.verdict]}"
    if point:
        measured, limit = compared(point)
        text += f"; recovery point {measured}, target {limit}: {_WORDS[point.verdict]}"
    yield _capital(f"{text}.")


def _invariants(found: Sequence[Judgement]) -> Iterator[str]:
    broken = [judgement.name for judgement in found if judgement.verdict is Verdict.FAIL]
    unjudged = sum(judgement.verdict is Verdict.UNKNOWN for judgement in found)
    if broken:
        names = ", ".join(measure_name(name) for name in broken)
        yield f"{len(broken)} of {counted(len(found), 'invariant')} broken: {names}."
    if unjudged:
        yield f"{_capital(counted(unjudged, 'invariant'))} could not be judged."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
