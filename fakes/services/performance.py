"""How trading goes, computed from the executions in Postgres: profit, Sharpe ratio, drawdown of the equity curve.

Every execution changes cash and position of its symbol; positions are valued at the price of the symbol's latest execution.
The equity is what they are worth at the end of each period of ten documented seconds, in US dollars, on top of the capital
(setting trading.capital). Amounts in another currency are converted at the prices of the executions themselves.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

PERIOD_S = 10.0
CAPITAL = 1_000_000.0
_YEAR_S = 365.25 * 86_400
_FEWEST = 3  # returns, from which on a ratio says anything

BY_PERIOD: LiteralString = """
    -- period, symbol, executions, change of the position and of the cash, latest price
    SELECT floor(executed_at_s / %s)::bigint, symbol, count(*),
           sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END)::float8,
           sum(CASE side WHEN 'buy' THEN -quantity ELSE quantity END * price)::float8,
           (array_agg(price ORDER BY executed_at_s DESC))[1]
    FROM executions GROUP BY 1, 2 ORDER BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Performance:
    """What came of all executions so far. A ratio is None while there are too few periods; drawdowns are shares of the peak."""

    executions: int
    periods: int
    capital: float
    equity: float
    sharpe_ratio: float | None
    drawdown: float
    max_drawdown: float

    def to_json(self) -> dict[str, object]:
        return {
            "executions": self.executions,
            "periods": self.periods,
            "period_s": PERIOD_S,
            "capital": self.capital,
            "equity": round(self.equity, 2),
            "profit": round(self.equity - self.capital, 2),
            "sharpe_ratio": None if self.sharpe_ratio is None else round(self.sharpe_ratio, 4),
            "drawdown": round(self.drawdown, 8),
            "max_drawdown": round(self.max_drawdown, 8),
        }


def performance_of(rows: Iterable[tuple[Any, ...]], capital: float = CAPITAL) -> Performance:
    """The performance, from what BY_PERIOD found."""
    curve, executions = _equity_curve(rows, capital)
    peak, deepest, now = capital, 0.0, 0.0
    for equity in curve:
        peak = max(peak, equity)
        now = (peak - equity) / peak
        deepest = max(deepest, now)
    return Performance(executions, len(curve), capital, curve[-1] if curve else capital, _sharpe(curve, capital), now, deepest)


def _equity_curve(rows: Iterable[tuple[Any, ...]], capital: float) -> tuple[list[float], int]:
    """The equity at the end of each period from the first to the last, also of those in which nothing was executed."""
    positions: dict[str, float] = {}
    cash: dict[str, float] = {}
    prices: dict[str, float] = {}
    curve: list[float] = []
    last: int | None = None
    executions = 0
    for row in rows:
        period, symbol, count, position, moved, price = row
        if last is not None and period > last:
            curve += [_equity(positions, cash, prices, capital)] * (period - last)
        last = period
        positions[symbol] = positions.get(symbol, 0.0) + position
        cash[symbol] = cash.get(symbol, 0.0) + moved
        prices[symbol] = price
        executions += count
    if last is not None:
        curve.append(_equity(positions, cash, prices, capital))
    return curve, executions


def _equity(positions: dict[str, float], cash: dict[str, float], prices: dict[str, float], capital: float) -> float:
    return capital + sum((cash[name] + positions[name] * prices[name]) * _dollars(name, prices) for name in positions)


def _dollars(symbol: str, prices: dict[str, float]) -> float:
    """What one unit of the symbol's second currency is worth; 1 where the executions do not tell."""
    base, quote = symbol[:3], symbol[3:]
    if quote == "USD":
        return 1.0
    if base == "USD":
        return 1 / prices[symbol]
    if (direct := prices.get(f"{quote}USD")) is not None:
        return direct
    inverse = prices.get(f"USD{quote}")
    return 1.0 if inverse is None else 1 / inverse


def _sharpe(curve: list[float], capital: float) -> float | None:
    """Of the returns of all periods, per year, without a riskless rate."""
    returns = [(after - before) / capital for before, after in zip([capital, *curve], curve, strict=False)]
    if len(returns) < _FEWEST:
        return None
    spread = statistics.pstdev(returns)
    return statistics.fmean(returns) / spread * math.sqrt(_YEAR_S / PERIOD_S) if spread else 0.0
