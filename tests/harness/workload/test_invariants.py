"""Each check against data that it must reject, data that it must accept, and nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from harness.history import History
from harness.workload import invariants
from harness.workload.check import Check
from harness.workload.invariants import CHECKS, Evidence, check_all
from harness.workload.one_writer import SITE_CHECKS
from scenarios.model import Invariant
from tests.harness.histories import Story, drill, ended

Rows = dict[str, list[list[Any]]]


def checked(change: Callable[[Rows], object] = lambda _: None, **of_drill: Any) -> dict[str, Check]:
    """The checks of a drill whose data were changed before they were read back."""
    story = ended(drill(**of_drill))
    readback = next(event for event in story.events if event.kind == "readback.orders")
    change(readback.data["rows"])
    return {check.name: check for check in check_all(story.history())}


def test_a_drill_without_damage_holds_every_invariant() -> None:
    """All nine, in a fixed order."""
    found = checked()
    assert list(found) == list(CHECKS)
    assert {check.ok for check in found.values()} == {True}


def test_nothing_written_is_nothing_proven() -> None:
    """Over no writes at all every check is None, never True."""
    found = checked(out=(0, 1000))
    assert {check.ok for check in found.values()} == {None}
    assert {check.detail for check in found.values()} == {"nothing was written", "nothing was acknowledged"}


def test_nothing_read_back_is_nothing_checked() -> None:
    """Without a reading there is no check to report."""
    assert check_all(drill().history()) == []


def execution(name: str, quantity: int = 1000, side: str = "buy", at_s: float = 20.0, symbol: str = "EURUSD") -> list[Any]:
    return [f"E-{name}", name, f"F-{name}", symbol, side, quantity, at_s, at_s]


def fill(name: str, quantity: int = 1000, side: str = "buy", at_s: float = 20.0, symbol: str = "EURUSD") -> list[Any]:
    return [f"F-{name}", name, symbol, side, quantity, at_s]


def add(name: str, **more: Any) -> Callable[[Rows], None]:
    """An execution with its fill, order and position."""

    def change(rows: Rows) -> None:
        rows["executions"].append(execution(name, **more))
        rows["fills"].append(fill(name, **more))
        rows["orders"].append([name, "client", 1000, 19.0, 20.0])
        rows["positions"][0][1] += 1000

    return change


def alter(table: str, row: int, column: int, value: Any) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[table][row][column] = value

    return change


def append(table: str, *rows_added: list[Any]) -> Callable[[Rows], None]:
    return lambda rows: rows[table].extend(rows_added)


# The first order of the drill is d1-o-000001: a buy of 1000 EURUSD, due at 0 s; there are 700, so EURUSD stands at 0.
REJECTED: list[tuple[str, Callable[[Rows], object], str]] = [
    ("unexpected-writes", add("d1-o-999999"), "d1-o-999999"),
    ("unexpected-writes", add("d1-o-000151"), "d1-o-000151"),  # due at 30 s, and reported as failed
    ("duplicates", append("executions", execution("d1-o-000001")), "d1-o-000001"),
    ("duplicates", append("fills", fill("d1-o-000001")), "d1-o-000001"),
    ("duplicates", alter("executions", 0, 2, "F-d1-o-000002"), "F-d1-o-000002"),
    ("positions-equal-executions", alter("positions", 0, 1, 1), "EURUSD: 1, executions 0"),
    ("positions-equal-executions", append("positions", ["USDJPY", 5]), "USDJPY: 5, executions 0"),
    ("positions-equal-executions", lambda rows: rows["executions"].pop(), "EURUSD: 0, executions 1000"),
    ("executions-equal-fills", lambda rows: rows["fills"].pop(), "not the same at the broker"),
    ("executions-equal-fills", lambda rows: rows["executions"].pop(), "not the same at the broker"),
    ("executions-equal-fills", alter("fills", 0, 4, 1001), "d1-o-000001"),
    ("executions-equal-fills", alter("fills", 0, 3, "sell"), "d1-o-000001"),
    ("nothing-executed-while-halted", append("halts", [10.1, True], [10.3, False]), "d1-o-000052"),
    ("nothing-executed-while-halted", append("halts", [259.7, True]), "d1-o-001300"),
    ("no-stale-order", alter("orders", 1, 3, 0.2 - 30.001), "d1-o-000002"),
    ("risk-limit-held", alter("limits", 0, 1, 999.0), "d1-o-000001"),
    ("risk-limit-held", alter("limits", 1, 1, 999.0), "d1-o-000001"),
]


@pytest.mark.parametrize(("name", "change", "seen"), REJECTED)
def test_damage_is_found_and_named(name: str, change: Callable[[Rows], object], seen: str) -> None:
    """Each kind of damage fails the check that is there for it, and the answer names the row."""
    check = checked(change)[name]
    assert check.ok is False
    assert seen in check.detail


ACCEPTED: list[tuple[str, Callable[[Rows], object]]] = [
    ("unexpected-writes", add("sig-s-17")),  # the stack's own signals trade as well
    ("executions-equal-fills", append("fills_meanwhile", fill("sig-s-18"))),  # filled while we read, booked later
    ("nothing-executed-while-halted", append("halts", [10.01, True], [10.19, False])),  # between two orders
    ("nothing-executed-while-halted", append("halts", [40, True], [50, True], [60, False])),  # in the outage
    ("no-stale-order", alter("orders", 1, 3, 0.2 - 30.0)),  # exactly at the limit when it was due
    ("risk-limit-held", alter("limits", 1, 1, 1000.0)),  # exactly at the limit
]


@pytest.mark.parametrize(("name", "change"), ACCEPTED)
def test_what_is_in_order_is_not_called_damage(name: str, change: Callable[[Rows], object]) -> None:
    """The other side of each limit."""
    assert checked(change)[name].ok is True


def test_a_halt_that_is_ordered_twice_began_with_the_first() -> None:
    """Halted at 10.1 and again at 10.5, on at 10.9: the orders of 10.2, 10.4, 10.6 and 10.8 s were executed in it."""
    check = checked(append("halts", [10.1, True], [10.5, True], [10.9, False]))["nothing-executed-while-halted"]
    assert check.counts == {"executions": 700, "halts": 1, "while_halted": 4}


def test_a_fill_may_have_come_while_the_data_were_read() -> None:
    """An execution whose fill only the later look at the broker shows is in order."""
    check = checked(lambda rows: rows["fills_meanwhile"].append(rows["fills"].pop()))["executions-equal-fills"]
    assert check.ok is True


def test_an_execution_that_brings_a_position_back_is_not_beyond_the_limit() -> None:
    """3000 exceed the limit of 1500; the sale that leaves 2000 does not."""

    def change(rows: Rows) -> None:
        rows["limits"][1][1] = 1500.0
        rows["executions"].append(execution("sig-1", quantity=3000, at_s=259.9))
        rows["executions"].append(execution("sig-2", quantity=1000, side="sell", at_s=259.95))

    check = checked(change)["risk-limit-held"]
    assert (check.ok, check.counts["beyond"]) == (False, 1)


def test_an_order_of_the_stacks_own_is_given_the_time_of_its_way() -> None:
    """At speed 20 one wall second between risk check and engine is twenty documented ones: stale only beyond 50 s."""
    for age_s, ok in ((49.0, True), (51.0, False)):
        story = ended(drill())
        started = next(event for event in story.events if event.kind == "drill.started")
        assert isinstance(started.data, dict)
        started.data["speed"] = 20.0
        rows = next(event for event in story.events if event.kind == "readback.orders").data["rows"]
        rows["executions"].append(execution("sig-1"))
        rows["orders"].append(["sig-1", "signal", 1000, 20.0 - age_s, 20.0])
        found = {check.name: check.ok for check in check_all(story.history())}
        assert found["no-stale-order"] is ok


def test_the_limit_of_staleness_is_that_of_the_drills_settings() -> None:
    """Where `risk.stale_after_s` was set, that is what counts."""
    story = ended(drill())
    started = next(event for event in story.events if event.kind == "drill.started")
    started.data["settings"]["risk.stale_after_s"] = 0.4  # the drill's prices are half a second old
    found = {check.name: check.counts for check in check_all(story.history())}
    assert found["no-stale-order"] == {"executed": 700, "stale": 700}


def test_orders_without_an_answer_are_looked_up_and_never_called_lost() -> None:
    """Two orders nobody answered: one was done, one was not; neither breaks an invariant."""
    story = drill()
    done = story.operation(20.01, "order", "info", 2.0)
    story.operation(20.02, "order", "open", 0)
    ended(story)
    rows = next(event for event in story.events if event.kind == "readback.orders").data["rows"]
    add(done)(rows)
    found = {check.name: check for check in check_all(story.history())}
    assert found["recovered-unknowns"].counts == {"unknown": 2, "recovered": 1}
    assert {check.ok for check in found.values()} == {True}


def test_limits_that_were_not_read_make_no_verdict() -> None:
    """Without limits nobody knows whether they held."""
    assert checked(lambda rows: rows["limits"].clear())["risk-limit-held"].ok is None


def test_a_check_that_crashes_judges_nothing_and_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """One broken check: its answer is None with the error, the rest answer."""

    def broken(_seen: Evidence) -> Check:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(invariants, "CHECKS", {**CHECKS, "duplicates": broken})
    found = checked()
    assert (found["duplicates"].ok, found["duplicates"].detail) == (None, "the check crashed: ZeroDivisionError('boom')")
    assert [check.ok for name, check in found.items() if name != "duplicates"] == [True] * 8


def test_rows_that_make_no_sense_make_no_verdict() -> None:
    """A reading of another shape: nine times None, and no exception."""
    story = Story().at(1, "readback.orders", "postgres", began_s=1.0, present=[], rows={"executions": [[1, 2]]})
    assert [check.ok for check in check_all(History.of(story.events))] == [None] * 9


def test_many_wrong_rows_are_counted_and_a_few_are_named() -> None:
    """A detail stays readable: five names and how many more."""
    check = checked(lambda rows: rows["fills"].clear())["executions-equal-fills"]
    assert check.detail.endswith("and 695 more")


def test_a_scenario_can_name_each_of_them() -> None:
    """In `expect: broken`; what is written there must be known before a drill is run."""
    assert set(get_args(Invariant)) == {*CHECKS, *SITE_CHECKS}
