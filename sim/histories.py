"""A night as the history that a live drill leaves: the same events, and the observer's ledger, ready to be measured and judged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.history import HISTORY_FILE, LEDGER_FILE, Event, History
from sim.night import Night
from sim.plan import Plan
from sim.served import Service, Stream
from sim.tally import AFTER_END_S, lost_numbers, observation, readable, sent, served_until_s
from sim.updates import Posted

_FAILED_MS = 5.0  # a refused order is told so at once


def simulate_night(plan: Plan, number: int) -> tuple[Night, History]:
    """One night of a campaign, alone, with everything that happened in it."""
    events: list[Event] = []

    def note(at_s: float, kind: str, subject: str, data: dict[str, Any]) -> None:
        events.append(Event(at_s, at_s, kind, subject, data))

    night = Night(plan, plan.draws.rows(number, 1)[0], note).run()
    return night, History.of([*_frame(night, number, events), *_ledger(night)])


def write_history(history: History, folder: Path) -> None:
    """Write both files of a drill's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, ledger in ((HISTORY_FILE, False), (LEDGER_FILE, True)):
        lines = (event.to_line() for event in history.events if event.kind.startswith("op.") is ledger)
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _frame(night: Night, number: int, events: list[Event]) -> Iterator[Event]:
    """What the conductor records around the night; nothing after its end."""
    plan, served_s = night.plan, served_until_s(night)
    end_s, updates = observation(night)
    drill = f"simulated-{plan.name}-{plan.seed}-{number}"
    command = f"gameday simulate {plan.name} --seed {plan.seed} --night {number} --trace"
    yield _event(
        0.0, "drill.started", plan.name, {**plan.started, "drill": drill, "seed": plan.seed, "night": number, "command": command}
    )
    yield _event(0.0, "stack.booted", str(plan.started.get("scenario", {}).get("stack", "")), {"boot_s": 0.0, "memory_mb": 0.0})
    yield _event(plan.load.lead_s, "steady.proven", "observer", {"since_s": 0.0})
    yield from (event for event in events if event.at_s <= end_s)
    orders, _ = sent(night, end_s)
    yield from _updates(updates)
    outages = Service(*sent(night, served_s), plan.load.settle_s).outages(night.injected_s)
    if outages and outages[-1][1] is not None:
        yield _event(served_s, "recovery.proven", "observer", {"recovered_at_s": outages[-1][1]})
    elif outages:
        yield _event(end_s, "recovery.given_up", "observer", {"after_s": end_s - night.injected_s})
    yield from _read_back(night, orders, end_s + AFTER_END_S)
    yield _event(end_s + AFTER_END_S, "drill.finished", plan.name, {"status": "completed"})


def _updates(updates: Posted) -> Iterator[Event]:
    for number, at_s in enumerate(updates.at_s, start=1):
        resolved = updates.resolved and number == len(updates.at_s)
        yield _event(
            at_s,
            "update.posted",
            "S1",
            {"status": "resolved" if resolved else "identified", "by": "simulated responder", "text": ""},
        )


def _read_back(night: Night, orders: Stream, at_s: float) -> Iterator[Event]:
    if not readable(night):
        yield _event(at_s, "readback.failed", "postgres", {"error": "simulated: the database was never brought back"})
        return
    lost = {number for numbers in lost_numbers(night, orders) for number in numbers}
    present = [_order(number) for number in _good(orders) if number not in lost]
    yield _event(at_s, "readback.orders", "postgres", {"began_s": at_s, "present": present})
    missing = sum(number in lost for number in _good(orders))
    about = {"ok": not missing, "detail": f"{missing} acknowledged, and not there", "counts": {"lost": missing}}
    yield _event(at_s, "check.finished", "lost-acknowledged-writes", about)


def _ledger(night: Night) -> Iterator[Event]:
    orders, canaries = sent(night, observation(night)[0])
    yield from _operations(orders, "order", "o")
    yield from _operations(canaries, "canary", "c")


def _operations(stream: Stream, op: str, letter: str) -> Iterator[Event]:
    good = set(_good(stream))
    for number in range(stream.count):
        due_s, name = stream.due_s(number), f"{letter}-{number:06d}"
        yield _event(due_s, "op.invoke", name, {"op": op, "intended_s": due_s, "intended_wall_s": due_s})
        if number in good:
            yield _event(
                due_s + stream.latency_s, "op.ok", name, {"op": op, "latency_ms": stream.latency_s * 1000, "status": 200}
            )
        else:
            yield _event(
                due_s + _FAILED_MS / 1000, "op.fail", name, {"op": op, "latency_ms": _FAILED_MS, "error": "simulated: not served"}
            )


def _good(stream: Stream) -> Iterator[int]:
    first = 0
    for start, end in [*stream.runs, (stream.count, stream.count)]:
        yield from range(first, start)
        first = end


def _order(number: int) -> str:
    return f"o-{number:06d}"


def _event(at_s: float, kind: str, subject: str, data: dict[str, Any]) -> Event:
    return Event(at_s, at_s, kind, subject, data)
