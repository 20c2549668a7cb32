"""Claims about the price provider."""

from __future__ import annotations

import json
import signal
from itertools import islice, pairwise
from typing import Any

import pytest

from fakes.services.price_provider import SYMBOLS, price_of
from tests.fakes.services.stack import Stack


def test_a_price_is_a_function_of_seed_symbol_and_number() -> None:
    """The same for everybody who asks; another seed or symbol has another path."""
    path = [price_of(7, "EURUSD", number) for number in range(200)]
    assert path == [price_of(7, "EURUSD", number) for number in range(200)]
    assert path != [price_of(8, "EURUSD", number) for number in range(200)]
    assert len(set(path)) > 50


def test_a_price_moves_in_small_steps_and_stays_in_range() -> None:
    """It looks like a market: steps of a few pips, days within a few per cent."""
    path = [price_of(7, "EURUSD", number) for number in range(5000)]
    assert max(abs(after - before) for before, after in pairwise(path)) < 0.001
    assert 1.08 * 0.95 < min(path) < max(path) < 1.08 * 1.05


def ticks(stack: Stack, count: int, query: str = "") -> list[dict[str, Any]]:
    with stack.client.stream("GET", stack.url("price-primary", f"/ticks{query}")) as stream:
        return [json.loads(line) for line in islice(stream.iter_lines(), count)]


@pytest.mark.real
def test_a_stream_opens_with_every_symbol_and_has_no_gaps(stack: Stack) -> None:
    """The latest of each symbol at once; then tick after tick, stamped in documented time."""
    stack.settings["feed.ticks_per_s"] = 100
    stack.start("price-primary")
    asked_at_s = stack.clock.now()
    found = ticks(stack, 20)
    at_once = found[: len(SYMBOLS)]
    assert {tick["symbol"] for tick in at_once} == set(SYMBOLS)
    assert at_once[0]["at_s"] <= asked_at_s
    assert [tick["seq"] for tick in found] == list(range(found[0]["seq"], found[0]["seq"] + 20))
    assert all(tick["price"] == price_of(7, tick["symbol"], tick["seq"] // len(SYMBOLS)) for tick in found)
    assert found[0]["at_s"] <= found[-1]["at_s"] <= stack.clock.now()


@pytest.mark.real
def test_a_stream_can_be_resumed(stack: Stack) -> None:
    """After a tick that is kept come exactly those that followed it."""
    stack.settings["feed.ticks_per_s"] = 100
    stack.start("price-primary")
    first = ticks(stack, 5)
    assert ticks(stack, 5, f"?after={first[1]['seq']}")[:3] == first[2:]
    assert stack.client.get(stack.url("price-primary", "/ticks?after=soon")).status_code == 400


@pytest.mark.real
def test_a_restarted_provider_goes_on_where_it_would_be(stack: Stack) -> None:
    """Numbers never go back, so whoever resumes neither misses nor repeats."""
    stack.settings["feed.ticks_per_s"] = 100
    stack.start("price-primary")
    before = ticks(stack, 5)
    stack.restart("price-primary", signal.SIGKILL)
    assert ticks(stack, 1)[0]["seq"] > before[0]["seq"]
