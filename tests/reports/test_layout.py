"""Labels that never overlap, ticks at round times, text cut and wrapped to its room."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reports.layout import cut, rows_of, spread, ticks, wrap

PLACES = st.lists(st.tuples(st.floats(-50, 150), st.floats(0.1, 12)), max_size=12)


@given(PLACES)
def test_no_two_labels_overlap(labels: list[tuple[float, float]]) -> None:
    """Whatever is wanted, labels stand side by side in their order and within the picture, or it says that they cannot."""
    wanted, widths = sorted(want for want, _ in labels), [width for _, width in labels]
    places = spread(wanted, widths, 0.0, 100.0)
    if places is None:
        assert sum(widths) > 100.0
        return
    edges = [(place - width / 2, place + width / 2) for place, width in zip(places, widths, strict=True)]
    assert all(left >= -1e-9 and right <= 100 + 1e-9 for left, right in edges)
    assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(edges))


def test_labels_that_do_not_clash_stay_where_they_are_wanted() -> None:
    """Nothing is moved without need, and two that clash share the push."""
    assert spread([10, 50, 52, 90], [4, 4, 4, 4], 0, 100) == [10, 49, 53, 90]


def test_says_when_labels_cannot_fit() -> None:
    """More labels than there is room for give None, not a heap."""
    assert spread([1, 2, 3], [40, 40, 40], 0, 100) is None


@given(st.floats(-5000, 0), st.floats(0.5, 200_000))
def test_ticks_stand_at_round_times_within_the_span(start: float, span: float) -> None:
    """Never more than fifteen, never outside, and zero is one of them when it is inside."""
    found = ticks(start, start + span)
    assert len(found) <= 15
    assert all(start - 1e-6 <= tick <= start + span + 1e-6 for tick in found)
    assert 0 in found or start + span < 0


def test_cuts_a_text_to_its_room() -> None:
    """A text that fits is left alone; one that does not ends in an ellipsis and fits."""
    assert cut("promote", 7, len) == "promote"
    assert cut("promote the  replica\nnow", 12, len) == "promote the…"


def test_wraps_without_parting_a_number_from_its_unit() -> None:
    """Lines fit, and `30 min` is never torn."""
    assert wrap("recovered in 30 min flat", 15, len) == ["recovered in", "30 min flat"]


def test_breaks_chips_into_rows() -> None:
    """Like words into lines; one that is wider than the room has a row of its own."""
    assert rows_of([4, 4, 4, 20, 1], 10, 1) == [[0, 1], [2], [3], [4]]
