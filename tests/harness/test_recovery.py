"""When a drill is over: after the last of the outages, not after the first."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.recovery import Recovery
from harness.steady import outages
from harness.workload.ledger import Operation
from scenarios.model import SteadyState
from tests.harness.histories import Story

STEADY = SteadyState.model_validate({"settle": "10s", "hold": "5s"})


class Seen:
    """An observer that has seen all operations due before `horizon_s`."""

    def __init__(self, operations: list[Operation], horizon_s: float) -> None:
        self.ops = [each for each in operations if each.intended_s < horizon_s]
        self.horizon_s = horizon_s


class Told:
    """A recorder that keeps what it is told of."""

    def __init__(self) -> None:
        self.facts: list[dict[str, Any]] = []

    def record(self, _kind: str, _subject: str, **facts: Any) -> None:
        self.facts.append(facts)


def test_recovery_is_proven_once_every_outage_has_ended_and_never_between_two() -> None:
    """A fail-back refuses clients a second time. Looked at every 20 ms where it ends: proven only where all outages have an end by then."""
    operations = Story().load(0, 60, [(15, 18), (33, 36)]).operations()
    first_proven: list[float] = []
    for step in [*range(28 * 50, 44 * 50, 50), *range(44 * 50, 48 * 50)]:
        seen, told = Seen(operations, step / 50), Told()
        proven = Recovery(cast("Any", seen), STEADY, cast("Any", None), cast("Any", None), cast("Any", told)).proven(14.9)
        found = outages(seen.ops, STEADY, after_s=14.9, until_s=seen.horizon_s)
        assert not proven or all(each.end is not None for each in found), step / 50
        if proven and len(found) == 2:
            first_proven.append(step / 50)
            assert told.facts == [
                {"recovered_at_s": pytest.approx(18.0, abs=0.5)}
            ]  # of the first: that is what the target is about
    assert first_proven[0] == pytest.approx(46.0, abs=0.5)
