"""sim/assumptions.py: the figures that nobody measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.errors import InvalidInput
from sim.assumptions import load_assumptions, load_calibration, read_change


def test_every_figure_has_a_source_and_a_range_that_holds_it() -> None:
    """No figure comes from nowhere, and each lies within what is called plausible."""
    for figure in load_assumptions().figures.values():
        assert figure.source.startswith(("measured", "assumed", "0", "stacks", "hour of the week")), figure.name
        assert figure.low <= figure.value <= figure.high, figure.name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("people.hans=2", "did you mean 'people.hands'"),
        ("people.hands", "is not KEY=VALUE"),
        ("people.hands=many", "neither a number nor a duration"),
        ("people.hands=-1", "is not 0 or more"),
    ],
)
def test_a_what_if_that_can_not_be_used_says_what_would_be_right(text: str, said: str) -> None:
    """A name that is no figure and a value that is no number are told, each in one message."""
    with pytest.raises(InvalidInput, match=said):
        read_change(text, load_assumptions())


def test_a_what_if_takes_numbers_and_durations() -> None:
    """30s is 30 seconds, 2 is 2."""
    assumptions = load_assumptions()
    assert read_change("detection.group-wait=30s", assumptions) == ("detection.group-wait", 30.0)
    assert read_change("people.hands=2", assumptions) == ("people.hands", 2.0)


def test_a_changed_median_keeps_the_shape_of_its_spread() -> None:
    """Twice the median is twice the 95th percentile: the standard deviation of the logarithm stays."""
    assumptions = load_assumptions()
    changed = assumptions.changed({"people.wrong-turn-time": 180.0})
    before, after = (each.figures["people.wrong-turn-time"] for each in (assumptions, changed))
    assert after.sigma == pytest.approx(before.sigma)
    assert after.value == 2 * before.value


def test_a_file_with_a_mistake_says_where(tmp_path: Path) -> None:
    """A figure with two kinds of values, and one that the simulation does not have, are told with file and line."""
    both = tmp_path / "both.yaml"
    both.write_text('assumptions:\n  people:\n    hands: {value: 1, median: 1s, p95: 2s, source: "x"}\n')
    with pytest.raises(InvalidInput, match=r"both\.yaml:3:"):
        load_assumptions(both)
    unknown = tmp_path / "unknown.yaml"
    unknown.write_text('assumptions:\n  people:\n    feet: {value: 1, source: "x"}\n')
    with pytest.raises(InvalidInput, match=r"unknown\.yaml:3:.*people\.feet"):
        load_calibration(unknown, load_assumptions())
