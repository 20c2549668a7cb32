"""The one sentence of a drill."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.history import History
from harness.measure import Measures
from harness.verdict import Judgement, Verdict
from reports.chips import verdict_chips
from reports.verdicts import compared, headline
from tests.reports.histories import Story, database_failure
from tests.reports.judgements import FAIL, JUDGEMENTS, MEASURES, PASS, UNKNOWN, UNTESTED, invariant, target, without_recovery

HISTORY = database_failure()


def test_says_what_was_lost_and_whether_that_was_promised() -> None:
    """Outage, loss and recovery point, each beside its target."""
    assert headline(HISTORY, MEASURES, JUDGEMENTS) == (
        "Service was lost for 1 min 48 s; target 30 min: met. "
        "3 acknowledged orders were lost; target 0: MISSED; recovery point 21 ms, target 0 s: MISSED."
    )


@pytest.mark.parametrize(
    ("lost", "text"),
    [(0, "No acknowledged order was lost"), (1, "1 acknowledged order was lost"), (2, "2 acknowledged orders were lost")],
)
def test_counts_lost_orders_in_words(lost: int, text: str) -> None:
    """None, one and many."""
    assert f"{text}; target 0: met." in headline(
        HISTORY, replace(MEASURES, lost_writes=lost), [target("lost_writes", 0, lost, PASS, unit="writes")]
    )


def test_a_limit_missed_by_a_hair_does_not_read_like_one_that_was_met() -> None:
    """300.2 s against 5 min is told with its tenths."""
    judged = [target("time_to_recover_s", 300, 300.2, FAIL)]
    assert headline(HISTORY, replace(MEASURES, time_to_recover_s=300.2, outage_s=300.2, lost_writes=None), judged) == (
        "Service was lost for 5 min 0.2 s; target 5 min: MISSED."
    )
    assert compared(judged[0]) == ("5 min 0.2 s", "5 min")


def test_tells_an_outage_apart_from_the_time_to_recover() -> None:
    """A service that came and went was lost for less than it took to be well again."""
    measures = replace(MEASURES, outage_s=5.0, lost_writes=None)
    assert headline(HISTORY, measures, []) == "Service was lost for 5 s; all was well again 1 min 48 s after the fault."


def test_says_that_service_never_came_back() -> None:
    """With how long it had been gone, and without calling that a measure."""
    text = headline(HISTORY, without_recovery(MEASURES), [target("time_to_recover_s", 300, None, FAIL, why="at least 312.0 s")])
    assert text.startswith("Service did not recover within 5 min 12 s; target 5 min: MISSED.")


def test_an_unknown_verdict_says_why() -> None:
    """UNKNOWN without a reason would be read as a pass."""
    judged = [target("time_to_recover_s", 300, 0.0, UNKNOWN, why="the fault is not known to have taken effect")]
    measures = replace(MEASURES, time_to_recover_s=0.0, outage_s=0.0, lost_writes=None)
    assert headline(HISTORY, measures, judged) == (
        "Clients lost no service; target 5 min: UNKNOWN (the fault is not known to have taken effect)."
    )


def test_a_target_that_nobody_knows_is_called_by_its_name() -> None:
    """There is neither a measure nor a limit to tell."""
    judged = [Judgement("no-such-target", "target", UNKNOWN, why="no target of this name is known")]
    text = headline(HISTORY, replace(MEASURES, lost_writes=None), judged)
    assert text.endswith("Target no-such-target: UNKNOWN (no target of this name is known).")


@pytest.mark.parametrize(
    ("verdict", "told", "chip"),
    [(PASS, "target 5 min: missed, as expected.", "(missed, as expected)"), (FAIL, "target 5 min: MET, which was not expected.", "(met, unexpectedly)")],
)  # fmt: skip
def test_what_is_known_to_be_missed_is_never_called_met(verdict: Verdict, told: str, chip: str) -> None:
    """Nor is what was met against all expectation called missed."""
    judged = [replace(target("time_to_recover_s", 300, 300.2, verdict), known=True)]
    assert told in headline(HISTORY, replace(MEASURES, time_to_recover_s=300.2, outage_s=300.2), judged)
    assert compared(judged[0]) == ("5 min 0.2 s", "5 min")
    [[drawn]] = verdict_chips(judged, 10.0)
    assert drawn.text.endswith(chip)


@pytest.mark.parametrize(
    ("verdict", "told"),
    [(PASS, "Broken, as expected: duplicates."), (FAIL, "HELD, which was not expected: duplicates.")],
)
def test_invariants_that_are_known_to_be_broken_are_not_counted_as_held(verdict: Verdict, told: str) -> None:
    """In the sentence and among the chips."""
    judged = [replace(invariant("duplicates", verdict), known=True), invariant("no-stale-order", PASS)]
    text = headline(HISTORY, MEASURES, judged)
    assert told in text
    assert " of 2 invariants broken" not in text
    [[first, second]] = verdict_chips(judged, 20.0)
    assert (first.text.startswith("duplicates "), second.text) == (True, "1 invariant held")


def test_names_broken_invariants() -> None:
    """Which, of how many; and how many could not be judged."""
    judged = [invariant("no-duplicates", FAIL), invariant("limits-held"), invariant("no-stale-orders", UNKNOWN)]
    text = headline(HISTORY, replace(MEASURES, lost_writes=None), judged)
    assert text.endswith("1 of 3 invariants broken: no duplicates. 1 invariant could not be judged.")


def test_of_several_targets_for_one_measure_the_worst_is_told() -> None:
    """The reader hears of the one that was missed."""
    judged = [target("time_to_recover_s", 60, 108.4, FAIL), target("time_to_recover_s", 1800, 108.4, PASS)]
    assert (
        headline(HISTORY, replace(MEASURES, lost_writes=None), judged) == "Service was lost for 1 min 48 s; target 1 min: MISSED."
    )


@pytest.mark.parametrize(
    ("status", "begins"),
    [("aborted", "The drill was aborted at 0:09: SIGINT."), ("errored", "The drill broke off with an error at 0:09: SIGINT.")],
)
def test_an_unhappy_end_comes_first(status: str, begins: str) -> None:
    """Whatever was measured, that the drill did not run to its end is said before it."""
    story = Story()
    story.begin()
    story.add(9.0, "drill.finished", "x", status=status, error="SIGINT")
    assert headline(story.history(), UNTESTED, []) == f"{begins} No fault was injected, so nothing was tested."


@pytest.mark.parametrize("judged", [[], list(JUDGEMENTS)])
def test_an_empty_history_says_so(judged: list[Judgement]) -> None:
    """Nothing breaks where nothing was recorded."""
    assert headline(History(()), Measures(), judged).startswith("Nothing was recorded.")
