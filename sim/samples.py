"""What live drills tell of the simulation's figures: the durations in their histories, by the name of the figure they stand for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness.history import Event, History
from harness.measure import measure, scenario_of
from scenarios.loader import load_stack
from scenarios.model import Stack
from sim.effects import actions_of
from sim.parts import Act
from sim.plan import slowest

_LEAST_S = 0.001
_RISES = (("orders_failed", "detection.rise-orders-failed"), ("trading_system_failure", "detection.rise-orders-failed"),
          ("high_error_rate", "detection.rise-error-rate"), ("high_response_time", "detection.rise-latency"))  # fmt: skip


def samples_of(histories: Iterator[History]) -> dict[str, list[float]]:
    """Every sample of these drills, seconds, by figure."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    stacks: dict[str, Stack] = {}
    for history in histories:
        name = str(scenario_of(history).get("stack", "eafix"))
        stack = stacks.setdefault(name, load_stack(name))
        for figure, value in _of_drill(history, stack):
            if value >= _LEAST_S:
                found[figure].append(value)
    return dict(found)


def _of_drill(history: History, stack: Stack) -> Iterator[tuple[str, float]]:
    yield from _commands(history, stack)
    yield from _pages(history)
    yield from _rises(history)
    yield from _latencies(history)
    yield from _mending(history, stack)
    for event in history.of_kind("backup.shipped"):
        if isinstance(took_s := event.data.get("took_s"), int | float):
            yield "stack.ship-takes", float(took_s)


def _acts(event: Event, stack: Stack) -> tuple[Act, ...]:
    found = actions_of(str(event.data.get("command", "")), stack, verification=False)
    return tuple(Act(each.verb, frozenset(each.subjects), each.if_down, each.off_site) for each in found)


def _commands(history: History, stack: Stack) -> Iterator[tuple[str, float]]:
    for event in history.of_kind("command.finished"):
        if not event.data.get("timed_out") and isinstance(took_s := event.data.get("duration_s"), int | float):
            yield f"procedures.{slowest(_acts(event, stack))}", float(took_s)


def _pages(history: History) -> Iterator[tuple[str, float]]:
    """From an alert to its first page."""
    for fired in history.of_kind("alert.firing"):
        page = history.first("page.sent", after_s=fired.at_s, subject=fired.subject)
        if page is not None and fired.data.get("expected", True):
            yield "detection.page-delivery", page.at_s - fired.at_s
            return


def _rises(history: History) -> Iterator[tuple[str, float]]:
    """From the fault until an alert's condition was seen to hold; only of alerts that do not look at `up`."""
    injected = history.first("fault.injected")
    if injected is None:
        return
    for name, figure in _RISES:
        alert = next(
            (event for event in history.of_kind("alert.firing") if event.subject == name and event.at_s > injected.at_s), None
        )
        if alert is not None and isinstance(since_s := alert.data.get("since_s"), int | float) and since_s > injected.at_s:
            yield figure, float(since_s) - injected.at_s


def _latencies(history: History) -> Iterator[tuple[str, float]]:
    """One a drill and kind: the median of what was answered before the fault."""
    injected = history.first("fault.injected")
    until_s = injected.at_s if injected else float("inf")
    answered = [event for event in history.of_kind("op.ok") if event.at_s < until_s]
    for figure, op in (("stack.order-latency", "order"), ("stack.canary-latency", "canary")):
        found = sorted(
            float(event.data["latency_ms"]) / 1000
            for event in answered
            if event.data.get("op") == op and "latency_ms" in event.data
        )
        if found:
            yield figure, found[len(found) // 2]


def _mending(history: History, stack: Stack) -> Iterator[tuple[str, float]]:
    """From what mended it to the first order in time: after a cut-over, or after any other command or healing."""
    injected, took_s = history.first("fault.injected"), measure(history).time_to_recover_s
    if injected is None or not took_s:
        return
    ended = injected.at_s + took_s
    cut = next((event.at_s for event in reversed(history.events) if event.kind == "cutover" and event.at_s <= ended), None)
    if cut is not None:
        yield "stack.reconnect", ended - cut
        return
    mended = [event.at_s for event in history.of_kind("command.finished") if event.at_s <= ended and any(
        act.verb not in {"look", "verify", "other"} for act in _acts(event, stack))]  # fmt: skip
    mended += [event.at_s for event in history.of_kind("fault.healed") if event.at_s <= ended]
    if mended:
        yield "stack.settle-again", ended - max(mended)
