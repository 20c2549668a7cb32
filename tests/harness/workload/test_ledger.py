"""Operations, put together from events."""

from __future__ import annotations

import pytest

from harness.history import Event
from harness.workload.ledger import Ledger, Outcome


def event(at_s: float, kind: str, **data: object) -> Event:
    return Event(at_s, at_s / 20, kind, "o-1", data)


INVOKE = event(10, "op.invoke", op="order", intended_s=9.0, intended_wall_s=0.45)


@pytest.mark.parametrize(("kind", "outcome"), [("op.ok", Outcome.OK), ("op.fail", Outcome.FAIL), ("op.info", Outcome.INFO)])
def test_an_operation_has_both_times_of_its_due_instant_and_of_its_end(kind: str, outcome: Outcome) -> None:
    """Documented and wall, from the invocation's data and the end's event."""
    ledger = Ledger([INVOKE])
    done = ledger.add(event(12, kind, op="order", latency_ms=150.0, error="why"))
    assert done is not None
    assert (done.intended_s, done.intended_wall_s, done.done_s, done.done_wall_s) == (9.0, 0.45, 12, 0.6)
    assert (done.outcome, done.latency_ms, done.error) == (outcome, 150.0, "why")
    assert (ledger.done, ledger.open) == ([done], {})


def test_an_operation_without_an_end_stays_open() -> None:
    """It counts, and it is not done."""
    ledger = Ledger([INVOKE])
    assert [(one.id, one.outcome, one.done_s) for one in ledger.operations] == [("o-1", Outcome.OPEN, None)]
    assert not ledger.operations[0].within(1000)


def test_an_end_without_an_invocation_is_no_operation() -> None:
    """Nobody knows when it was due; events of other kinds are none either."""
    assert Ledger([event(12, "op.ok"), event(13, "alert.firing")]).operations == []


def test_only_an_acknowledgement_in_time_is_a_success() -> None:
    """Exactly at the limit counts; later, or failed however fast, does not."""
    for kind, latency_ms, success in (("op.ok", 500.0, True), ("op.ok", 500.1, False), ("op.fail", 1.0, False)):
        ledger = Ledger([INVOKE, event(12, kind, latency_ms=latency_ms)])
        assert ledger.operations[0].within(500) is success


def test_the_latency_is_counted_from_the_due_instant_where_it_was_not_recorded() -> None:
    """Wall time of the end less the intended wall time."""
    assert Ledger([INVOKE, event(12, "op.ok")]).operations[0].latency_ms == pytest.approx(150)
