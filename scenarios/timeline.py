"""Whether the times in a scenario can come true together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from scenarios.errors import Problem
from scenarios.faults import Fault, backup, postgres, redis
from scenarios.faults.network import SiteLost
from scenarios.faults.outside import Intrusion, OutsideFault
from scenarios.faults.process import (
    ProcessCpuHog,
    ProcessCrashLoop,
    ProcessFileDescriptors,
    ProcessKill,
    ProcessMemoryLeak,
    ProcessPause,
    ProcessSlowStart,
)
from scenarios.fields import format_duration
from scenarios.model import HumanDelay, Scenario
from scenarios.yaml_source import Location, Source

_Strains = ProcessSlowStart | ProcessMemoryLeak | ProcessCpuHog | ProcessFileDescriptors
_Ends = ProcessKill | ProcessCrashLoop | ProcessSlowStart  # they end a run of the process


def timeline_problems(source: Source, scenario: Scenario) -> Iterator[Problem]:
    """Everything that can never happen as it is written."""
    yield from _windows(source, scenario)
    first_s = min((fault.at_s for fault in scenario.faults if fault.after is None), default=0.0)
    yield from _noticing(source, scenario)
    first = (None,) if scenario.change is None else (None, "change", "change-done")
    if not any(fault.after in first for fault in scenario.faults):
        yield source.problem(
            "every fault waits for a moment that only another fault can bring about; one has to come first",
            ("faults", 0, "after"),
        )
    for index, fault in enumerate(scenario.faults):
        yield from _fault(source, ("faults", index), fault, scenario.give_up_after_s + first_s)
    yield from _overlaps(source, scenario.faults)
    yield from _twice(source, scenario.faults)
    yield from _held_twice(source, scenario.faults)
    for index, condition in enumerate(scenario.conditions):
        never = {
            "at": condition.at_s != 0,
            "until": condition.until_s,
            "after": condition.after,
            "heal-after": condition.heal_after_s is not None,
        }
        for key, given in never.items():
            if given:
                message = f"a condition is in force from the start to the end; '{key}' belongs to a fault"
                yield source.problem(message, ("conditions", index, key), key=True)
    for key, delay in (("acknowledge", scenario.response.acknowledge), ("step", scenario.response.step)):
        yield from _delay(source, ("response", key), delay)
    if scenario.change is not None:
        yield from _delay(source, ("change", "step"), scenario.change.step)
    if (updates := scenario.response.updates) is not None:
        for key, delay in (("first", updates.first), ("every", updates.every), ("resolution", updates.resolution)):
            yield from _delay(source, ("response", "updates", key), delay)


def _noticing(source: Source, scenario: Scenario) -> Iterator[Problem]:
    """Whether somebody can come to know of the fault, and what waits for planned work has some to wait for."""
    detection = scenario.detection
    if detection.must_not_page:
        for key, given in (("alerts", detection.alerts), ("reported-after", detection.reported_after_s)):
            if given:
                yield source.problem(
                    f"nobody may be paged, so nothing is to notice it; leave '{key}' out", ("detection", key), key=True
                )
        if scenario.change is None:
            yield source.problem(
                "nobody may be paged during planned work; say which work: change: {procedure: ...}",
                ("detection", "must-not-page"),
                key=True,
            )
    elif not (detection.alerts or detection.reported_after_s or scenario.change):
        yield source.problem("nobody would notice it; name 'alerts', or say when people do: reported-after", ("detection",))
    for index, fault in enumerate(scenario.faults):
        if fault.after in ("change", "change-done") and scenario.change is None:
            yield source.problem("no work is planned in this scenario; add change: {procedure: ...}", ("faults", index, "after"))


def _windows(source: Source, scenario: Scenario) -> Iterator[Problem]:
    limit_s, steady = scenario.give_up_after_s, scenario.steady_state
    for key, seconds in (("hold", steady.hold_s), ("settle", steady.settle_s)):
        if seconds > limit_s:
            message = f"{key}: {format_duration(seconds)} is longer than give-up-after, {format_duration(limit_s)}; the drill would always give up"
            yield source.problem(message, ("steady-state", key))


def _fault(source: Source, at: Location, fault: Fault, end_s: float) -> Iterator[Problem]:
    if fault.at_s >= end_s:
        message = f"at: {format_duration(fault.at_s)} is when the drill has given up already (give-up-after counts from the first fault)"
        yield source.problem(message, (*at, "at"))
    if fault.until_s is not None and fault.until_s <= fault.at_s:
        message = f"until: {format_duration(fault.until_s)} is not later than at, {format_duration(fault.at_s)}; the time is drawn between them"
        yield source.problem(message, (*at, "until"))
    if fault.heal_after_s is None:
        return
    if isinstance(fault, ProcessKill):
        message = "a killed process is not healed: somebody must start it; leave heal-after out"
        yield source.problem(message, (*at, "heal-after"), key=True)
    elif isinstance(fault, (*backup.NEVER_HEALED, *postgres.NEVER_HEALED, *redis.NEVER_HEALED, SiteLost)):
        message = "what it destroys is not healed: somebody must restore it; leave heal-after out"
        yield source.problem(message, (*at, "heal-after"), key=True)
    elif fault.heal_after_s == 0:
        yield source.problem(
            "heal-after: the fault would end as it begins; leave it out for a fault that stays", (*at, "heal-after")
        )
    elif fault.at_s < end_s <= fault.at_s + fault.heal_after_s:
        message = f"heal-after: {format_duration(fault.heal_after_s)} is when the drill has given up already; leave it out for a fault that stays"
        yield source.problem(message, (*at, "heal-after"))


def _overlaps(source: Source, faults: Sequence[Fault]) -> Iterator[Problem]:
    """Two faults of one process: nothing can be killed twice at once, paused twice, or be anything when it is dead."""
    struck = [
        (index, fault)
        for index, fault in enumerate(faults)
        if isinstance(fault, ProcessKill | ProcessPause | ProcessCrashLoop | _Strains)
    ]
    for (first, one), (second, other) in combinations(struck, 2):
        if one.process == other.process and _contrary(one, other):
            message = f"{other.process} is struck by entry {first + 1} of faults at that time already"
            yield source.problem(message, ("faults", second, "process"))


def _contrary(one: Fault, other: Fault) -> bool:
    """Whether the one leaves nothing for the other to strike. Times that count from different moments can't be compared."""
    if one.after != other.after:
        return False
    if one.at_s == other.at_s and any(isinstance(each, _Ends | ProcessPause) for each in (one, other)):
        return True
    if type(one) is type(other) and not isinstance(one, ProcessKill):
        return _meet(one, other)
    return any(
        isinstance(loop, ProcessCrashLoop) and loop.at_s <= each.at_s < _end_s(loop)
        for loop, each in ((one, other), (other, one))
    )


def _twice(source: Source, faults: Sequence[Fault]) -> Iterator[Problem]:
    """Two faults of one kind that set the same thing outside: the end of the first would end the second, too."""
    held = [
        (index, fault)
        for index, fault in enumerate(faults)
        if isinstance(fault, OutsideFault) and not isinstance(fault, Intrusion)
    ]
    for (first, one), (second, other) in combinations(held, 2):
        of = getattr(other, "process", getattr(other, "address", None))
        same = type(one) is type(other) and of == getattr(one, "process", getattr(one, "address", None))
        if same and one.after == other.after and _meet(one, other):
            message = f"{other.fault}{f' of {of}' if of else ''} is in force by entry {first + 1} of faults at that time already"
            yield source.problem(message, ("faults", second, "fault"))


def _held_twice(source: Source, faults: Sequence[Fault]) -> Iterator[Problem]:
    """Two faults that set or hold the same thing of one datastore: neither would find what was there before."""
    held = [(index, fault, of) for index, fault in enumerate(faults) if (of := _held(fault)) is not None]
    for (first, one, this), (second, other, that) in combinations(held, 2):
        if this == that and one.after == other.after and _meet(one, other):
            message = f"entry {first + 1} of faults, {one.fault}, holds the same of {that[0]} at that time already"
            yield source.problem(message, ("faults", second, "fault"))


def _held(fault: Fault) -> tuple[str, str] | None:
    """What a fault sets or holds until it is healed: of which datastore, and what."""
    match fault:
        case redis.Eviction() | redis.MemoryFull():
            return fault.process, "memory"
        case postgres.LockPileUp():
            return fault.process, f"table {fault.table}"
        case postgres.IndexCorruption():
            return fault.process, f"index {fault.index}"
        case postgres.ReplicationLag() | postgres.ConnectionsUsedUp() | postgres.DiskFull() | postgres.SlowQueries():
            return fault.process, fault.fault
        case postgres.ArchiveFailing() | redis.AofTruncated() | redis.StaleCache():
            return fault.process, fault.fault
        case _:
            return None


def _meet(one: Fault, other: Fault) -> bool:
    return one.at_s < _end_s(other) and other.at_s < _end_s(one)


def _end_s(fault: Fault) -> float:
    return math.inf if fault.heal_after_s is None else fault.at_s + fault.heal_after_s


def _delay(source: Source, at: Location, delay: HumanDelay) -> Iterator[Problem]:
    if delay.p95_s < delay.median_s:
        message = f"p95: {format_duration(delay.p95_s)} is shorter than the median, {format_duration(delay.median_s)}"
        yield source.problem(message, (*at, "p95"))
    elif delay.median_s == 0 < delay.p95_s:
        yield source.problem(
            "median: a delay that is sometimes there has a median above 0; for none at all make p95 0s too", (*at, "median")
        )
