"""What executions come to: profit, drawdown and Sharpe ratio."""

from __future__ import annotations

import pytest

from fakes.services.performance import performance_of


def test_nothing_executed_is_the_capital() -> None:
    """And no ratio of nothing."""
    found = performance_of([], 1000.0)
    assert (found.executions, found.equity, found.sharpe_ratio, found.drawdown) == (0, 1000.0, None, 0.0)


def test_a_position_is_worth_its_latest_price() -> None:
    """Bought 100 at 1.0; the next execution, ten periods later, is at 1.2: 20 dollars."""
    found = performance_of([(0, "EURUSD", 1, 100.0, -100.0, 1.0), (10, "EURUSD", 1, 1.0, -1.2, 1.2)], 1000.0)
    assert found.equity == pytest.approx(1020.0)
    assert (found.executions, found.periods) == (2, 11)


def test_other_currencies_are_converted_at_the_prices_of_the_executions() -> None:
    """Yen by USDJPY, pounds by GBPUSD."""
    yen = performance_of([(0, "USDJPY", 1, 100.0, -15_000.0, 150.0), (1, "USDJPY", 1, -100.0, 16_500.0, 165.0)], 1000.0)
    assert yen.equity == pytest.approx(1000.0 + 1500 / 165)
    rows = [(0, "EURGBP", 1, 100.0, -80.0, 0.8), (1, "GBPUSD", 1, 0.0, 0.0, 1.25), (2, "EURGBP", 1, -100.0, 90.0, 0.9)]
    assert performance_of(rows, 1000.0).equity == pytest.approx(1000.0 + 10 * 1.25)


def test_a_drawdown_is_a_share_of_the_peak_and_the_deepest_is_kept() -> None:
    """Up to 1100, down to 880, back to 990."""
    prices = [(0, 1.0), (1, 2.0), (2, -0.2), (3, 0.9)]
    rows = [
        (period, "EURUSD", 1, 100.0 if period == 0 else 0.0, -100.0 if period == 0 else 0.0, price) for period, price in prices
    ]
    found = performance_of(rows, 1000.0)
    assert found.max_drawdown == pytest.approx(0.2)
    assert found.drawdown == pytest.approx(0.1)


@pytest.mark.parametrize(("prices", "sign"), [([1.0, 1.1, 1.3, 1.4], 1), ([1.0, 0.9, 0.7, 0.6], -1), ([1.0, 1.0, 1.0, 1.0], 0)])
def test_the_ratio_has_the_sign_of_what_was_won(prices: list[float], sign: int) -> None:
    """More, less, nothing."""
    rows = [
        (period, "EURUSD", 1, 100.0 if period == 0 else 0.0, -100.0 if period == 0 else 0.0, price)
        for period, price in enumerate(prices)
    ]
    ratio = performance_of(rows, 1000.0).sharpe_ratio
    assert ratio is not None
    assert (ratio > 0) - (ratio < 0) == sign
