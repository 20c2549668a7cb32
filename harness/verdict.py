"""Verdicts: what a history says about each target and each invariant. Pure functions; the rules are in `docs/history.md`.

PASS needs evidence. A fault that never bit, a drill that did not run to its end, a reading that is missing, a check that crashed
and a list of nothing are UNKNOWN.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from pydantic import ValidationError

from harness.errors import BadHistory
from harness.history import History
from harness.measure import Measures, scenario_of
from harness.workload.check import Check
from harness.workload.invariants import check_all
from scenarios.model import Target

COMPLETED, ABORTED, ERRORED = "completed", "aborted", "errored"
_LOSSES = ("recovery_point_s", "lost_writes")


class Verdict(Enum):
    """The three answers."""

    PASS = "pass"  # noqa: S105 -- no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict for one target or invariant, and why where it is not a plain comparison.

    `name` is the measure or the invariant; `target` is the target's name in the catalogue.
    """

    name: str
    kind: Literal["target", "invariant"]
    verdict: Verdict
    limit: float | None = None
    measured: float | None = None
    unit: str | None = None
    source: str | None = None
    why: str = ""
    target: str | None = None
    known: bool = False  # the scenario says that it goes wrong: PASS is then missed or broken, FAIL met or held


def judge(history: History, measures: Measures, targets: Mapping[str, Target]) -> list[Judgement]:
    """A judgement for each target that the scenario names or that is given, then one for each invariant.

    A target that the scenario names and that is not among `targets` is UNKNOWN.
    """
    named = [str(name) for name in scenario_of(history).get("targets", ()) if str(name) not in targets]
    missing = [Judgement(name, "target", Verdict.UNKNOWN, why="no target of this name is known", target=name) for name in named]
    judged = [judge_target(name, target, measures, status_of(history)) for name, target in targets.items()]
    expect = scenario_of(history).get("expect") or {}
    known = {**(expect.get("miss") or {}), **(expect.get("broken") or {})}
    found = [*judged, *missing, *_pages(history, measures), *_invariants(history, measures)]
    return [_expected(each, str(known[name])) if (name := each.target or each.name) in known else each for each in found]


def _expected(judgement: Judgement, reason: str) -> Judgement:
    """This is known to go wrong: going wrong passes, and going well means that something is not as it was known to be."""
    verdict, why = judgement.verdict, f"{judgement.why}; " if judgement.why else ""
    wrong, well = (
        ("missed", "met, and the scenario expects a miss")
        if judgement.kind == "target"
        else ("broken", "held, and the scenario expects it broken")
    )
    if verdict is Verdict.FAIL:
        return replace(judgement, verdict=Verdict.PASS, known=True, why=f"{why}{wrong}, as the scenario expects: {reason}")
    if verdict is Verdict.PASS:
        return replace(judgement, verdict=Verdict.FAIL, known=True, why=f"{why}{well}: {reason}")
    return judgement


def judge_target(name: str, target: Target, measures: Measures, status: str) -> Judgement:
    """Compare one measure with its limit."""
    measured: float | None = getattr(measures, target.measure)
    verdict, why = _compared(target, measured, measures, status)
    return Judgement(target.measure, "target", verdict, target.limit, measured, target.unit, target.source, why, name)


def _compared(target: Target, measured: float | None, measures: Measures, status: str) -> tuple[Verdict, str]:
    if measured is None:
        return _unfinished(target, measures, status)
    if measured > target.limit:
        return Verdict.FAIL, ""
    if target.measure in _LOSSES and target.limit == 0 and measures.lost_writes:
        return Verdict.FAIL, f"{measures.lost_writes} acknowledged writes were lost, and the limit of 0 allows none"
    return _doubted(target, measures)


def _doubted(target: Target, measures: Measures) -> tuple[Verdict, str]:
    """PASS, unless something says that staying within the limit proves nothing."""
    if not measures.bitten:
        return Verdict.UNKNOWN, "the fault is not known to have taken effect"
    if target.measure in _LOSSES and measures.witnesses == 0:
        return Verdict.UNKNOWN, "no write was acknowledged shortly before the fault, so no loss could have shown"
    if target.measure in ("time_to_recover_s", "time_to_roll_back_s") and measures.out_at_end:
        return Verdict.UNKNOWN, "clients were served again in time, and then no more when the drill ended"
    if target.measure == "longest_update_gap_s" and measures.updates_due_s <= target.limit:
        over_s = f"{measures.updates_due_s:.0f} s"
        return Verdict.UNKNOWN, f"not applicable: it was over {over_s} after the first update, before the next one was due"
    return Verdict.PASS, ""


def _unfinished(target: Target, measures: Measures, status: str) -> tuple[Verdict, str]:
    """What did not come to its end has failed when it had already lasted for longer than the limit."""
    why = measures.why.get(target.measure, "not measured")
    at_least_s = measures.at_least_s.get(target.measure)
    if at_least_s is None or at_least_s <= target.limit:
        return Verdict.UNKNOWN, why
    if not measures.bitten:
        return Verdict.UNKNOWN, f"{why}; the fault is not known to have taken effect"
    if status == ERRORED:
        return Verdict.UNKNOWN, f"{why}; the drill broke off with an error of its own"
    return Verdict.FAIL, f"{why}: at least {at_least_s:.1f} s"


def _pages(history: History, measures: Measures) -> Iterator[Judgement]:
    """Of planned work: whether it was done, and nobody was paged for it."""
    if not (scenario_of(history).get("detection") or {}).get("must-not-page"):
        return
    pages, change = [event.subject for event in history.of_kind("page.sent")], history.last("change.finished")
    problem = next(iter(history.of_kind("monitor.problem")), None)
    verdict, why = Verdict.UNKNOWN, ""
    if pages:
        verdict, why = Verdict.FAIL, f"somebody was paged: {', '.join(dict.fromkeys(pages))}"
    elif not measures.bitten:
        why = "the fault is not known to have taken effect"
    elif change is None or change.data.get("outcome") != "done":
        why = "the planned work was not done to its end"
    elif problem is not None:
        why = f"the monitor could not do its work: {problem.subject}: {problem.data.get('message', '')}"
    else:
        verdict, why = Verdict.PASS, "nobody was paged"
    yield Judgement("nobody-paged", "invariant", verdict, why=why)


def _invariants(history: History, measures: Measures) -> Iterator[Judgement]:
    """Checks are run again where the history holds what they look at; others count as they were recorded."""
    recorded = {
        event.subject: Check(event.subject, event.data.get("ok"), str(event.data.get("detail", "")), event.data.get("counts", {}))
        for event in history.of_kind("check.finished")
    }
    checks = recorded | {check.name: check for check in check_all(history)}
    if not checks:
        yield Judgement(
            "data-read-back", "invariant", Verdict.UNKNOWN, why=measures.why.get("lost_writes", "no check was recorded")
        )
    for check in checks.values():
        verdict = Verdict.UNKNOWN if check.ok is None else Verdict.PASS if check.ok else Verdict.FAIL
        yield Judgement(check.name, "invariant", verdict, why=check.detail)


def overall(judgements: Sequence[Judgement], history: History) -> Verdict:
    """The worst: FAIL before UNKNOWN before PASS.

    UNKNOWN at best: an empty list, a drill that did not complete, and one in which a fault could not be injected or healed, or
    waited for a moment that never came.
    """
    found = {judgement.verdict for judgement in judgements}
    if Verdict.FAIL in found:
        return Verdict.FAIL
    injected = len(list(history.of_kind("fault.injected")))
    whole = (
        status_of(history) == COMPLETED
        and history.first("fault.failed") is None
        and injected >= len(scenario_of(history).get("faults", ()))
    )
    return Verdict.PASS if found == {Verdict.PASS} and whole else Verdict.UNKNOWN


def status_of(history: History) -> str:
    """How the drill ended: completed, aborted or errored. A history that just stops was aborted."""
    finished = history.last("drill.finished")
    status = str(finished.data.get("status", ABORTED)) if finished else ABORTED
    return status if status in (COMPLETED, ABORTED) else ERRORED


def exit_code(verdict: Verdict, history: History) -> int:
    """0 pass, 1 fail, 3 unknown, 4 errored, 128 + the signal that aborted the drill (130 Ctrl-C, 143 SIGTERM)."""
    status = status_of(history)
    if status == ERRORED:
        return 4
    finished = history.last("drill.finished")
    number = _signal_number(finished.data.get("signal")) if finished and status == ABORTED else None
    if number is not None:
        return 128 + number
    return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 3}[verdict]


def _signal_number(recorded: object) -> int | None:
    if isinstance(recorded, int) and not isinstance(recorded, bool):
        return recorded
    return signal.Signals[recorded].value if isinstance(recorded, str) and recorded in signal.Signals.__members__ else None


def targets_of(history: History) -> dict[str, Target]:
    """The targets that stood in the catalogue when the drill was run, by name. Raises BadHistory."""
    started = history.first("drill.started")
    found: dict[str, Target] = {}
    try:
        for row in started.data.get("targets", ()) if started else ():
            found[str(row["name"])] = Target.model_validate({key: value for key, value in row.items() if key != "name"})
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise BadHistory(f"The targets in the history can't be read: {error}") from error
    return found
