"""What a procedure as a whole came to: are clients served, is what it promised there, are the data whole, is everything back?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.history import Event
from harness.loss import lost_orders, read_back_event
from harness.runbooks.cases import Case
from harness.runbooks.commands import program_of
from harness.runbooks.plan import Unit
from harness.runbooks.state import differences
from harness.runbooks.story import Ran, Story
from harness.workload.ledger import Ledger
from scenarios.lint import Finding
from scenarios.lint.executed import (
    breaks_invariant,
    does_not_recover,
    leaves_stopped,
    leaves_unhealthy,
    loses_writes,
    no_stated_effect,
    over_budget,
    rollback_incomplete,
    unsafe_again,
)  # fmt: skip

_STOPS = re.compile(
    r"emergency[/-]stop|stop-trading|\btrading (?:stop|halt|disable)|services stop|maintenance (?:enable|on)|\b(?:compose|pm2|systemctl|docker)\b.*\b(?:stop|down|kill)\b"
    r"|docker-down|--replicas[= ]0\b|replicas\"?: *0\b|\bkubectl\b.*\b(?:delete|drain|cordon)\b|\bhelm (?:uninstall|delete)\b|\bpg_ctl\b.*\bstop\b|\bdropdb\b"
    r"|\bhalt\b|\bshutdown\b|\bisolate\b|\bufw (?:deny|enable|default deny)\b|\bauth revoke|\bpause\b|\bsuspend\b",
    re.IGNORECASE,
)  # fmt: skip
_UNDOES = re.compile(
    r"\b(?:trading|services|orders) (?:start|resume|enable)|start-trading|resume|maintenance (?:disable|off)|\b(?:compose|pm2|systemctl|docker)\b.*\b(?:start|restart|up|reload)\b"
    r"|docker-up|--replicas[= ][1-9]|replicas\"?: *[1-9]|\bhelm (?:install|upgrade|rollback)\b|\bcreatedb\b|\bpg_restore\b|\buncordon\b",
    re.IGNORECASE,
)  # fmt: skip
_HALTS = re.compile(r"emergency[/-]stop|stop-trading|\btrading[ /](?:stop|halt|disable|emergency-stop)", re.IGNORECASE)
_RESUMES = re.compile(r"\btrading[ /](?:start|resume|enable)|(?:start|resume)-trading", re.IGNORECASE)
_NUMBERED = re.compile(r"(?:step|phase|stage|part)?\s*\d+\b", re.IGNORECASE)
_BUDGET = re.compile(
    r"\((?:<|under|within|up to|max\.?)?\s*(?:(\d+)\s*(?:-|–|to)\s*)?(\d+)\s*(seconds?|secs?|s|minutes?|mins?|m)\b[^)]*\)",
    re.IGNORECASE,
)
_MOST_SHOWN = 12
_NOTICED_WITHIN_S = 5.0  # documented
_LOST = "lost-acknowledged-writes"
_FILLS = "executions-equal-fills"


def outcomes(case: Case, story: Story) -> Iterator[Finding]:
    """Findings that no single command shows by its own output."""
    yield from _served(case, story)
    yield from _effects(case, story)
    yield from _data(case, story)
    yield from _times(case, story)
    yield from _again(case, story)
    yield from _rolled_back(case, story)


# --- health ------------------------------------------------------------------------------------------------------


def _served(case: Case, story: Story) -> Iterator[Finding]:
    after = "first"
    if story.served_after(after) is not False:
        yield from _ended(case, story)
        return
    evidence = _seen(story, story.finished_s(after) or 0.0)
    if case.incident is not None:
        if case.plan.owes == "recovers":
            message = f"carried out in the incident {case.incident.name}, it ends and clients are still not served"
            yield does_not_recover.finding(case.book, _heading(case), message, evidence)
        return
    yield from _unserved(case, story, evidence)


def _unserved(case: Case, story: Story, evidence: str) -> Iterator[Finding]:
    """Clients were served before, and are not any more."""
    halted = "trading_halted" in evidence
    culprit = (_halting(story) if halted else None) or _stopping(story, _culprit(story, "first"))
    if culprit is None:
        return
    unit = culprit.unit
    undoes = _RESUMES if halted else _UNDOES  # what starts services leaves trading as it is
    undone = next(
        (each.unit for each in story.of("first") if each.unit.number > unit.number and undoes.search(each.unit.text)), None
    )
    if _STOPS.search(unit.text) and undone is None:
        if case.plan.rollback or _undone_next(case, undoes):
            return  # the runbook says how it ends; whether that works is judged with it
        message = f"{program_of(unit)} stops what clients use, and it is not started again when this procedure is over"
        yield leaves_stopped.finding(case.book, (unit.line, unit.column), message, evidence)
        return
    still = f", although line {undone.line} should undo it" if _STOPS.search(unit.text) and undone is not None else ""
    message = f"from this command on clients were not served any more, and are not when the procedure is over{still}"
    yield leaves_unhealthy.finding(case.book, (unit.line, unit.column), message, evidence)


def _undone_next(case: Case, undoes: re.Pattern[str]) -> bool:
    """Whether a later step or phase of the same chapter starts it again: to whoever carries it out it is one procedure."""
    section = case.procedure.section
    chapter = [each for each in case.book.procedures if each.section.path[:-1] == section.path[:-1]]
    later = [each for each in chapter if each.section.line > section.line and _NUMBERED.match(each.section.title)]
    return any(undoes.search(command.text) for each in later for command in each.commands)


def _culprit(story: Story, phase: str) -> Ran | None:
    """The command during or after which the outage began that had no end."""
    runs = story.of(phase)
    started_s = story.started_s(phase)
    if not runs or started_s is None:
        return None
    out = [each for each in story.outages(started_s - 0.5) if each.end is None] or story.outages(started_s - 0.5)
    if not out:
        return _last_change(runs)
    began = [each for each in runs if each.began_s <= out[-1].start_s + 0.15]
    return _last_change(began) if began else runs[0]


def _halting(story: Story) -> Ran | None:
    """The last command that stops trading: services that are restarted after it serve clients no more than before."""
    return next((each for each in reversed(story.of("first")) if _HALTS.search(each.unit.text)), None)


def _stopping(story: Story, culprit: Ran | None) -> Ran | None:
    """The stop on purpose that was not undone before the culprit: clients notice it a little later, when the next command runs already."""
    for each in reversed(story.of("first")):
        if culprit is None or each.unit.number > culprit.unit.number:
            continue
        if _UNDOES.search(each.unit.text):
            return culprit
        if _STOPS.search(each.unit.text) and culprit.began_s - each.ended_s <= _NOTICED_WITHIN_S:
            return each
    return culprit


def _last_change(runs: Sequence[Ran]) -> Ran:
    """The last of them that changes something: a look does no harm."""
    return next((each for each in reversed(runs) if each.unit.changes), runs[-1])


def _seen(story: Story, from_s: float) -> str:
    """What clients saw last."""
    bad = story.bad_after(from_s)
    texts = dict.fromkeys(f"{each.op}: {each.error or each.outcome.value}" for each in bad[-50:])
    changed = differences(story.facts("before") or {}, story.facts("after first") or {})
    lines = [*list(texts)[:4], *(each for each in changed if each.startswith(("service", "datastore", "address")))]
    return "\n".join(lines[:_MOST_SHOWN])


def _ended(case: Case, story: Story) -> Iterator[Finding]:
    """Clients are served, and yet something that ran before does not run any more."""
    if case.incident is not None:
        return
    before, after = story.facts("before"), story.facts("after first")
    if not before or not after:
        return
    for name, state in before.items():
        if not name.endswith(": state") or state != "running" or after.get(name, "running") == "running":
            continue
        what = name.removesuffix(": state")
        if _taken_over(case, what.split()[-1], after):
            continue
        stopping = next((each for each in story.of("first") if _stops(each.unit, _names(case, what.split()[-1]))), None)
        culprit = stopping or next((each for each in reversed(story.of("first")) if each.unit.changes), None)
        if culprit is None:
            continue
        if stopping and case.plan.rollback:
            continue
        rule = leaves_stopped if stopping else leaves_unhealthy
        message = f"{what} ran before, and does not run when the procedure is over"
        yield rule.finding(case.book, (culprit.unit.line, culprit.unit.column), message, f"{name}: running -> {after[name]}")


def _taken_over(case: Case, name: str, after: Mapping[str, str]) -> bool:
    """Whether the other side of blue and green runs for it: clients are served, by that one."""
    others = (other for other, each in case.stack.services.items() if each.standby_for == name)
    return any(after.get(f"service {other}: state") == "running" for other in others)


def _stops(unit: Unit, names: set[str]) -> bool:
    """Whether that is what it is for: it names what it stops, or stops all."""
    if not _STOPS.search(unit.text):
        return False
    return any(name in unit.text for name in names) or re.search(r"--all\b|\bdown\b|\ball\b|docker-down", unit.text) is not None


def _names(case: Case, name: str) -> set[str]:
    """What a process of the stack is called by those who operate it."""
    service, store = case.stack.services.get(name), case.stack.datastores.get(name)
    called: set[str | None] = {name}
    if service is not None:
        called |= {service.deployment, service.compose, service.pm2, *service.aliases}
    if store is not None:
        called |= {store.statefulset, store.compose, store.systemd}
    return {each for each in called if each}


# --- effects -----------------------------------------------------------------------------------------------------


def _effects(case: Case, story: Story) -> Iterator[Finding]:
    before, after = story.facts("before") or {}, story.facts("after first") or {}
    for name, value in after.items():
        if name.startswith("postgres pending restart ") and name not in before:
            setting = name.rpartition(" ")[2]
            unit = _about(story, setting)
            if unit is not None:
                message = f"{setting} is set, and the running server still has {value}: it takes effect only after a restart, which nothing here does"
                yield no_stated_effect.finding(
                    case.book, (unit.line, unit.column), message, f"pg_settings: {setting} = {value}, pending_restart = t"
                )
    for name in before:
        if name.startswith("address ") and name.endswith(": instance") and after and name not in after:
            address = name.split()[1].rstrip(":")
            unit = _about(story, "selector") or _about(story, address)
            if unit is not None and not _STOPS.search(unit.text):
                message = f"the service address {address} leads to nothing after it"
                selector = after.get(f"address {address}: selector", "")
                yield no_stated_effect.finding(
                    case.book, (unit.line, unit.column), message, f"selector: {selector}; no instance matches it"
                )


def _about(story: Story, word: str) -> Unit | None:
    """The last command that names something and changes things."""
    found = [each.unit for each in story.of("first") if word in f"{each.unit.text}\n{each.unit.input}"]
    return next(
        (each for each in reversed(found) if re.search(r"\bSET\b|patch|selector|=", f"{each.text}\n{each.input}", re.IGNORECASE)),
        None,
    )


# --- data --------------------------------------------------------------------------------------------------------


def _data(case: Case, story: Story) -> Iterator[Finding]:
    failed = [each for each in story.history.of_kind("check.finished") if each.data.get("ok") is False]
    losing = any(each.subject == _LOST for each in failed)
    for event in failed:
        lost = event.subject == _LOST
        unit = _losing(story) if lost else _changing(story)
        if unit is None or (lost and not _lost_by_procedure(story)) or (losing and not lost):
            continue  # books that lack orders do not add up: that is one thing
        if case.incident is not None and _only_unbooked(event):
            continue  # the broker filled it as the incident began, nobody was told, and the books that were lost with it are not the procedure's
        rule = loses_writes if lost else breaks_invariant
        message = (
            "orders that clients were told are placed are gone after it"
            if lost
            else f"after the procedure {event.subject.replace('-', ' ')} does not hold any more"
        )
        yield rule.finding(case.book, (unit.line, unit.column), message, str(event.data.get("detail", "")))


def _only_unbooked(event: Event) -> bool:
    """Whether books differ from the broker's by nothing but what they lack."""
    counts = event.data.get("counts")
    counts = counts if isinstance(counts, Mapping) else {}
    return (
        event.subject == _FILLS
        and bool(counts.get("not_booked"))
        and not counts.get("without_fill")
        and not counts.get("different")
    )


def _lost(story: Story) -> list[float]:
    readback = read_back_event(story.history)
    if readback is None:
        return []
    return sorted(each.done_s for each in lost_orders(Ledger.of(story.history), readback) if each.done_s is not None)


def _lost_by_procedure(story: Story) -> bool:
    """What was acknowledged while an incident's fault was in may be lost by the fault; what was before it, or on a healthy stack, is not."""
    injected = next(story.history.of_kind("fault.injected"), None)
    lost = _lost(story)
    return bool(lost) and (injected is None or any(each > (story.started_s("first") or 0.0) for each in lost))


def _losing(story: Story) -> Unit | None:
    """The first command that ended after the last lost order was acknowledged."""
    lost = _lost(story)
    runs = [each for each in story.ran if each.unit.changes]
    if not lost or not runs:
        return None
    return next((each.unit for each in runs if each.ended_s >= lost[-1]), runs[-1].unit)


def _changing(story: Story) -> Unit | None:
    return next((each.unit for each in reversed(story.of("first")) if each.unit.changes), None)


# --- time --------------------------------------------------------------------------------------------------------


def _times(case: Case, story: Story) -> Iterator[Finding]:
    limit_s = documented_s(case.procedure.section.title)
    began, ended = story.started_s("first"), story.finished_s("first")
    if limit_s is None or began is None or ended is None or ended - began <= limit_s:
        return
    slowest = max(story.of("first"), key=lambda each: each.ended_s - each.began_s, default=None)
    told = f"line {slowest.unit.line} alone takes {slowest.ended_s - slowest.began_s:.0f} s" if slowest else ""
    yield over_budget.finding(
        case.book,
        _heading(case),
        f"its commands take longer than the {limit_s:g} s that its heading gives it",
        f"{ended - began:.0f} s; {told}",
    )


def documented_s(title: str) -> float | None:
    """`Mitigation (5-15 minutes)` -> 900; the upper end is what it may take."""
    found = _BUDGET.search(title)
    if found is None:
        return None
    return float(found[2]) * (60 if found[3].lower().startswith("m") else 1)


# --- again, and back ---------------------------------------------------------------------------------------------


def _again(case: Case, story: Story) -> Iterator[Finding]:
    if story.served_after("first") and story.served_after("again") is False:
        culprit = _culprit(story, "again")
        if culprit is not None:
            unit = culprit.unit
            evidence = _seen(story, story.finished_s("again") or 0.0)
            yield unsafe_again.finding(
                case.book, (unit.line, unit.column), "carried out a second time, clients are not served any more", evidence
            )


def _rolled_back(case: Case, story: Story) -> Iterator[Finding]:
    before, after = story.facts("before"), story.facts("after rollback")
    if before is None or after is None:
        return
    lines = differences(before, after)
    if lines:
        message = "after the procedure and its rollback the stack is not what it was before"
        yield rollback_incomplete.finding(case.book, _heading(case), message, "\n".join(lines[:_MOST_SHOWN]))


def _heading(case: Case) -> tuple[int, int]:
    return case.procedure.section.line, 1
