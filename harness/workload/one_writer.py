"""What must hold of a stack with two sites: one database takes writes, and what was shipped off site is there after a restore.

Pure functions of a history. Timelines tell who is right: each promotion and each restore begins a new one (Postgres counts them).
A booking on an older timeline than one that was written on before, or on the same one by another server, is in a history that is
not the platform's any more: nobody will ever see it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.history import History
from harness.loss import acknowledged, lost_orders, read_back_event, read_from_s
from harness.workload.check import Check
from harness.workload.ledger import Ledger

WROTE = "database.wrote"


@dataclass(frozen=True, slots=True)
class Writes:
    """Bookings that one look found new in one database. Times are documented, those of the bookings themselves."""

    server: str
    timeline: int
    first_s: float
    last_s: float
    bookings: int


def writes_of(history: History) -> list[Writes]:
    """Every look that found any, in the order of the looks."""
    return [
        Writes(event.subject, int(event.data["timeline"]), float(event.data["first_s"]), float(event.data["last_s"]), int(event.data["bookings"]))
        for event in history.of_kind(WROTE)
    ]  # fmt: skip


def one_writer(history: History) -> Check:
    """Once a database has taken over and was written to, no other one is, unless it took over from that one in turn."""
    seen = writes_of(history)
    servers = sorted({each.server for each in seen})
    counts = {"looks": len(seen), "databases": len(servers)}
    if len(servers) < 2:
        who = servers[0] if servers else "nobody"
        return Check("one-writer", None, f"only {who} was seen to take writes: there was nothing to split", counts)
    began_s: dict[tuple[str, int], float] = {}
    for each in seen:
        began_s[each.server, each.timeline] = min(each.first_s, began_s.get((each.server, each.timeline), each.first_s))
    wrong = [
        each for each in seen if any(_superseded(each, server, timeline, at_s) for (server, timeline), at_s in began_s.items())
    ]
    counts["beside"] = sum(each.bookings for each in wrong)
    if not wrong:
        return Check("one-writer", True, f"{', '.join(servers)} took writes one after another, never side by side", counts)
    first = min(wrong, key=lambda each: each.last_s)
    detail = f"split brain: {first.server} (timeline {first.timeline}) took writes up to {max(each.last_s for each in wrong):.1f} s, beside"
    beside = sorted({server for server, timeline in began_s if server != first.server and timeline >= first.timeline})
    return Check(
        "one-writer",
        False,
        f"{detail} {', '.join(beside)}; in all about {counts['beside']} bookings that one of them lacks",
        counts,
    )


def _superseded(each: Writes, server: str, timeline: int, began_s: float) -> bool:
    """Whether another database had been written to, on a newer timeline or on the same one, before the last of these bookings."""
    if server == each.server or began_s >= each.last_s:
        return False
    return timeline > each.timeline or timeline == each.timeline


def shipped_is_there(history: History) -> Check:
    """What was acknowledged before the last shipment of the log reached off site survived the restore from there."""
    restored = next((event for event in history.of_kind("backup.restored") if event.data.get("source") == "off-site"), None)
    readback = read_back_event(history)
    if restored is None or readback is None:
        return Check("shipped-is-there", None, "nothing was restored from off site, or nothing was read back")
    shipped = [
        float(event.data["reaches_s"])
        for event in history.of_kind("backup.shipped")
        if "reaches_s" in event.data and event.at_s <= restored.at_s
    ]
    if not shipped:
        return Check("shipped-is-there", None, "no log had been shipped before the restore")
    reaches_s, ledger = max(shipped), Ledger.of(history)
    held = acknowledged(ledger, before_s=min(reaches_s, read_from_s(readback)))
    missing = [order.id for order in lost_orders(ledger, readback) if (order.done_s or 0.0) <= reaches_s]
    counts = {"acknowledged": len(held), "missing": len(missing)}
    if not held:
        return Check("shipped-is-there", None, "nothing was acknowledged before the last shipment", counts)
    if missing:
        return Check(
            "shipped-is-there",
            False,
            f"{len(missing)} orders of before the last shipment are lost: {', '.join(missing[:5])}",
            counts,
        )
    return Check(
        "shipped-is-there", True, f"all {len(held)} orders of before the last shipment, at {reaches_s:.1f} s, are there", counts
    )


SITE_CHECKS: Mapping[str, Callable[[History], Check]] = {"one-writer": one_writer, "shipped-is-there": shipped_is_there}


def site_checks(history: History) -> Sequence[tuple[str, Callable[[History], Check]]]:
    """Those that a history can answer: it is of two sites when it says who wrote."""
    started = history.first("drill.started")
    two = started is not None and "site.fed_by" in (started.data.get("settings") or {})
    if not two:
        return ()
    restored = any(event.data.get("source") == "off-site" for event in history.of_kind("backup.restored"))
    return [(name, check) for name, check in SITE_CHECKS.items() if name != "shipped-is-there" or restored]
