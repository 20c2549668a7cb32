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
    "time_to_roll_back_s": "decision to roll back, to service",
    "time_to_first_update_s": "time to the first status update",
    "longest_update_gap_s": "longest time between status updates",
    "time_to_resolution_update_s": "recovery to the news of it",
}
_WORDS = {Verdict.PASS: "met", Verdict.FAIL: "MISSED", Verdict.UNKNOWN: "UNKNOWN"}
_KNOWN = {Verdict.PASS: "missed, as expected", Verdict.FAIL: "MET, which was not expected", Verdict.UNKNOWN: "UNKNOWN"}
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
    if (
        measured == limit
        and judgement.measured is not None
        and judgement.limit is not None
        and judgement.measured > judgement.limit
    ):
        return amount(judgement.measured, unit, exact=True), limit
    return measured, limit


def headline(history: History, measures: Measures, judgements: Sequence[Judgement]) -> str:
    """What a person should know of this drill, in one or two plain sentences."""
    return " ".join(_sentences(history, measures, judgements)) or "Nothing was measured."


def _sentences(history: History, measures: Measures, judgements: Sequence[Judgement]) -> Iterator[str]:
    if ended := _unhappy(history):
        yield ended
    if chronicle.first_fault_s(history) is None:
        yield "No fault was injected, so nothing was tested." if history.events else "Nothing was recorded."
        return
    targets = _one_of_each(judgements)
    yield from _recovery(measures, targets.pop("time_to_recover_s", None))
    yield from _loss(measures, targets.pop("lost_writes", None), targets.pop("recovery_point_s", None))
    for judgement in targets.values():
        if judgement.limit is None:  # not a measure's name: a target that nobody knows
            yield f"Target {judgement.name}: {_word(judgement)}."
        elif judgement.verdict is not Verdict.PASS or judgement.known:
            measured, limit = compared(judgement)
            yield f"{_capital(measure_name(judgement.name))} {measured}; target {limit}: {_word(judgement)}."
    yield from _invariants([judgement for judgement in judgements if judgement.kind == "invariant"])


def _one_of_each(judgements: Sequence[Judgement]) -> dict[str, Judgement]:
    """By measure: where several targets limit one measure, the one that came out worst, then the strictest."""
    worst = (Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL)
    found: dict[str, Judgement] = {}
    for each in sorted(
        (judgement for judgement in judgements if judgement.kind == "target"),
        key=lambda judgement: (worst.index(judgement.verdict), -(judgement.limit or 0.0)),
    ):
        found[each.name] = each
    return found


def _word(judgement: Judgement) -> str:
    """`met`, `MISSED`, or `UNKNOWN` with its reason."""
    word = _bare_word(judgement)
    return f"{word} ({judgement.why})" if judgement.verdict is Verdict.UNKNOWN and judgement.why else word


def _bare_word(judgement: Judgement) -> str:
    return (_KNOWN if judgement.known else _WORDS)[judgement.verdict]


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


def _recovery(measures: Measures, target: Judgement | None) -> Iterator[str]:
    text = _recovered(measures)
    if target is None:
        yield f"{text}."
        return
    measured, limit = compared(target)
    if target.measured is not None:  # as exact as the comparison needs
        text = text.replace(duration_text(target.measured), measured)
    word = _bare_word(target) if target.why in text else _word(target)
    yield f"{text}; target {limit}: {word}."


def _recovered(measures: Measures) -> str:
    outage, recover = measures.outage_s, measures.time_to_recover_s
    if recover is None:
        return _not_recovered(measures)
    if outage is None or abs(outage - recover) <= max(_NEAR * recover, 0.1):
        return f"Service was lost for {duration_text(recover)}" if recover else "Clients lost no service"
    if outage == 0:
        return f"Clients lost no service; all was well {duration_text(recover)} after the fault"
    return f"Service was lost for {duration_text(outage)}; all was well again {duration_text(recover)} after the fault"


def _not_recovered(measures: Measures) -> str:
    least, why = measures.at_least_s.get("time_to_recover_s"), measures.why.get("time_to_recover_s", "")
    if measures.out_at_end and least:
        return f"Service did not recover within {duration_text(least)}"
    return "The time to recover could not be measured" + (f" ({why})" if why else "")


def _loss(measures: Measures, count: Judgement | None, point: Judgement | None) -> Iterator[str]:
    if measures.lost_writes is None:
        if judged := count or point:
            why = measures.why.get("lost_writes", "")
            yield "Lost orders could not be counted" + (f" ({why})" if why else "") + f": {_bare_word(judged)}."
        return
    text = _lost(measures.lost_writes)
    if count:
        text += f"; target {amount(count.limit, 'writes')}: {_word(count)}"
    if point:
        measured, limit = compared(point)
        text += f"; recovery point {measured}, target {limit}: {_word(point)}"
    yield f"{text}."


def _lost(number: int) -> str:
    if number == 0:
        return "No acknowledged order was lost"
    return f"{counted(number, 'acknowledged order')} {'was' if number == 1 else 'were'} lost"


def _invariants(found: Sequence[Judgement]) -> Iterator[str]:
    broken = [judgement.name for judgement in found if judgement.verdict is Verdict.FAIL and not judgement.known]
    known = [each for each in found if each.known and each.verdict is not Verdict.UNKNOWN]
    unjudged = sum(judgement.verdict is Verdict.UNKNOWN for judgement in found)
    if broken:
        names = ", ".join(measure_name(name) for name in broken)
        yield f"{len(broken)} of {counted(len(found), 'invariant')} broken: {names}."
    for verdict, words in ((Verdict.PASS, "Broken, as expected"), (Verdict.FAIL, "HELD, which was not expected")):
        if names := ", ".join(measure_name(each.name) for each in known if each.verdict is verdict):
            yield f"{words}: {names}."
    if unjudged:
        yield f"{_capital(counted(unjudged, 'invariant'))} could not be judged."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
