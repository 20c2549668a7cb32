"""Claims about the price provider."""

from __future__ import annotations

import json
import signal
from itertools import islice, pairwise
from typing import Any

import pytest

from fakes.services.price_provider import SYMBOLS, price_of
from tests.fakes.services.live import eventually
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


def told(stack: Stack, **behaviours: float | None) -> dict[str, Any]:
    """What the provider does wrong from now on."""
    given = {name.replace("_", "-"): value for name, value in behaviours.items()}
    answer = stack.post("price-primary", "/admin/behaviours", given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.real
def test_a_stopped_feed_sends_nothing_and_never_what_was_missed(stack: Stack) -> None:
    """A stream that was opened before goes on where the feed is, with a gap; one that asks from before gets no more than it does."""
    stack.settings["feed.ticks_per_s"] = 100
    stack.start("price-primary")
    with stack.client.stream("GET", stack.url("price-primary", "/ticks")) as stream:
        lines = stream.iter_lines()
        before = [json.loads(line) for line in islice(lines, len(SYMBOLS))][-1]
        told(stack, stopped=1)
        eventually(lambda: told(stack, stopped=1)["stopped"]["acts"] > 50 or None)
        told(stack, stopped=None)
        seqs = [json.loads(line)["seq"] for line in islice(lines, 40)]
    jumps = [after - earlier for earlier, after in pairwise([before["seq"], *seqs])]
    assert max(jumps) > 50
    assert sorted(jumps)[:-1] == [1] * 39
    assert ticks(stack, 1, f"?after={before['seq']}")[0]["seq"] > before["seq"] + 50


@pytest.mark.real
def test_a_stale_feed_repeats_price_and_time_under_new_numbers(stack: Stack) -> None:
    """Two rounds are alike but for their numbers; told again it goes on as it was."""
    stack.settings["feed.ticks_per_s"] = 100
    stack.start("price-primary")
    found: list[dict[str, Any]] = []
    for _ in range(2):
        told(stack, stale=1)
        latest = stack.get("price-primary", "/status")["latest"]
        found = ticks(stack, 4 * len(SYMBOLS), f"?after={latest}")[len(SYMBOLS) :]
        assert len({(tick["symbol"], tick["price"], tick["at_s"]) for tick in found}) == len(SYMBOLS)
        assert [tick["seq"] for tick in found] == list(range(found[0]["seq"], found[0]["seq"] + len(found)))
    told(stack, stale=None)
    latest = stack.get("price-primary", "/status")["latest"]
    assert ticks(stack, 2, f"?after={latest}")[1]["at_s"] > found[-1]["at_s"]


@pytest.mark.real
def test_out_of_order_ticks_all_come(stack: Stack) -> None:
    """Two rounds backwards, and again: none is lost, none comes twice, also when it ends."""
    stack.settings["feed.ticks_per_s"] = 100
    stack.start("price-primary")
    with stack.client.stream("GET", stack.url("price-primary", "/ticks")) as stream:
        lines = stream.iter_lines()
        next(lines)
        told(stack, out_of_order=1)
        seqs = [json.loads(line)["seq"] for line in islice(lines, 60)]
        told(stack, out_of_order=None)
        seqs += [json.loads(line)["seq"] for line in islice(lines, 100)]
    assert sum(after < before for before, after in pairwise(seqs)) > 30
    assert sorted(seqs[:128]) == list(range(min(seqs), min(seqs) + 128))
    assert seqs[-20:] == list(range(seqs[-20], seqs[-20] + 20))


@pytest.mark.real
def test_every_symbol_has_its_turn_to_spike(stack: Stack) -> None:
    """One tick in 21 is so many times what it should be; the others are what they should be."""
    stack.settings["feed.ticks_per_s"] = 400
    stack.start("price-primary")
    told(stack, spikes=7)
    latest = stack.get("price-primary", "/status")["latest"]
    found = ticks(stack, 21 * len(SYMBOLS), f"?after={latest}")
    right = [price_of(7, tick["symbol"], tick["seq"] // len(SYMBOLS)) for tick in found]
    spiked = [tick["symbol"] for tick, price in zip(found, right, strict=True) if tick["price"] == round(price * 7, 5)]
    assert sorted(spiked) == sorted(SYMBOLS)
    assert sum(tick["price"] == price for tick, price in zip(found, right, strict=True)) == 20 * len(SYMBOLS)


@pytest.mark.real
def test_a_refusing_provider_ends_its_streams(stack: Stack) -> None:
    """The stream that is open ends, the next one is a 429 that says when to come again; afterwards there are streams."""
    stack.start("price-primary")
    with stack.client.stream("GET", stack.url("price-primary", "/ticks")) as stream:
        lines = stream.iter_lines()
        next(lines)
        told(stack, refuses=1)
        assert len(list(lines)) < 100
    refused = stack.client.get(stack.url("price-primary", "/ticks"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    told(stack, refuses=None)
    assert ticks(stack, 1)


@pytest.mark.real
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"stopped": 1, "dead": 1}, "unknown behaviour 'dead'; there are stopped, stale,"),
        ({"stopped": 1, "duplicated": 1.5}, "duplicated: expected a number above 0, 1 at most, or null, found 1.5"),
        ({"stopped": 1, "stale": True}, "stale: expected a number above 0, 1 at most, or null, found True"),
    ],
)
def test_a_senseless_behaviour_changes_nothing(stack: Stack, given: dict[str, Any], why: str) -> None:
    """It is a 400 in words, and what was right in the same request is not done either."""
    stack.start("price-primary")
    answer = stack.post("price-primary", "/admin/behaviours", given)
    assert (answer.status_code, why in answer.json()["error"]) == (400, True)
    assert stack.get("price-primary", "/admin/behaviours") == {}
