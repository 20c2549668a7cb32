"""Times and amounts as a person reads them."""

from __future__ import annotations

import pytest

from reports.words import clock_text, counted, duration_text, latency_text


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [
        (0, 0, "0:00"),
        (232, 0, "3:52"),
        (59.6, 0, "1:00"),
        (3599.6, 0, "1:00:00"),
        (7325, 0, "2:02:05"),
        (-20, 0, "−0:20"),
        (-0.2, 0, "0:00"),
        (3.44, 1, "0:03.4"),
        (59.96, 1, "1:00.0"),
    ],
)
def test_reads_a_time_like_a_stop_watch(seconds: float, decimals: int, text: str) -> None:
    """Minutes and seconds, hours where there are any; rounding carries over and never shows :60."""
    assert clock_text(seconds, decimals=decimals) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0001, "under 1 ms"),
        (0.0424, "42 ms"),
        (0.9996, "1 s"),
        (3.94, "3.9 s"),
        (52, "52 s"),
        (59.97, "1 min"),
        (232.2, "3 min 52 s"),
        (300, "5 min"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
        (7529, "2 h 5 min"),
        (-2, "−2 s"),
    ],
)
def test_tells_a_duration_in_the_unit_that_fits(seconds: float, text: str) -> None:
    """From milliseconds to hours, no more figures than matter."""
    assert duration_text(seconds) == text


def test_tells_tenths_where_they_decide() -> None:
    """An exact duration keeps the tenths that a rounded one drops."""
    assert (duration_text(300.2), duration_text(300.2, exact=True)) == ("5 min", "5 min 0.2 s")


@pytest.mark.parametrize(("milliseconds", "text"), [(0.41, "0.41 ms"), (4, "4 ms"), (123.4, "123 ms"), (1500, "1.5 s")])
def test_tells_a_latency(milliseconds: float, text: str) -> None:
    """Milliseconds below a second, seconds above."""
    assert latency_text(milliseconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "no orders"), (1, "1 order"), (3, "3 orders")])
def test_counts(number: int, text: str) -> None:
    """One is singular, none is a word."""
    assert counted(number, "order") == text
