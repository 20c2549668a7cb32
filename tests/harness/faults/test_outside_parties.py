"""Claims about faults of price providers, the rate gate and the broker, on a booted AI trading platform."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.errors import FaultError
from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform
from tests.harness.faults.struck import buy, fault_of, in_force, trading

pytestmark = [pytest.mark.real, pytest.mark.slow]
PROVIDER = "alphavantage"


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with trading("ai-trading") as found:
        yield found


def age_s(platform: Platform) -> float:
    return platform.metric("data-ingestor", "market_data_age_seconds") or 0.0


def stream(platform: Platform) -> list[dict[str, str]]:
    """What the ingestor put on the bus last, newest first."""
    with platform.redis() as client:
        found: Any = client.xrevrange("ticks", count=200)
    return [fields for _, fields in found]


def counted(platform: Platform, metric: str) -> float:
    """A counter of the ingestor, over all symbols."""
    text = platform.get("data-ingestor", "/metrics").text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{metric}{{"))


def held_at(platform: Platform) -> dict[str, Any]:
    """The broker's positions against the platform's."""
    found: dict[str, Any] = platform.get("gui-gateway", "/api/reconcile/positions").json()
    return found


@contextmanager
def at_the_broker(platform: Platform, kind: str, **fields: Any) -> Iterator[None]:
    """A fault of the broker, which bites when there is an order; each verb is given once more than needed."""
    fault = fault_of(platform, kind, **fields)
    platform.call(fault.heal())
    try:
        platform.call(fault.inject())
        platform.call(fault.inject())
        yield
        assert platform.call(fault.bitten())
    finally:
        platform.call(fault.heal())
        platform.call(fault.heal())
    assert platform.call(fault.bitten()) is None
    eventually(lambda: buy(platform).status_code == 201 or None)


@pytest.mark.parametrize("kind", ["feed.stopped", "feed.stale"])
def test_market_data_ages_while_a_feed_gives_no_news(platform: Platform, kind: str) -> None:
    """The metric of the alert for stale data grows second by second, with nothing coming and with the same coming again."""
    ticks = f'rate_gate_ticks_total{{provider="{PROVIDER}"}}'
    with in_force(platform, kind):
        eventually(lambda: age_s(platform) > 1.5 or None)
        before = platform.metric("rate-gate", ticks)
        older_s = age_s(platform)
        eventually(lambda: age_s(platform) > older_s + 0.5 or None)
        assert (platform.metric("rate-gate", ticks) == before) == (kind == "feed.stopped")
    eventually(lambda: age_s(platform) < 0.5 or None)


def test_an_order_at_a_stale_price_is_refused(platform: Platform) -> None:
    """After a documented minute the risk manager takes no more orders, though ticks go on coming; they are taken again afterwards."""
    with in_force(platform, "feed.stale"):
        platform.clock.set_rate(20)
        try:
            refused = eventually(lambda: found if (found := buy(platform)).status_code == 409 else None)
        finally:
            platform.clock.set_rate(1)
        assert refused.json()["reason"] == "stale_market_data"
    eventually(lambda: buy(platform).status_code == 201 or None)


def test_the_older_price_remains_when_ticks_come_out_of_order(platform: Platform) -> None:
    """The ingestor counts those that came late, and the latest price that others read is not the newest that there was."""

    def went_back() -> bool | None:
        times = [float(tick["at_s"]) for tick in stream(platform) if tick["symbol"] == "EURUSD"]
        return any(newer < older for newer, older in itertools.pairwise(times)) or None

    late = "market_data_ticks_out_of_order_total"
    with in_force(platform, "feed.out-of-order"):
        eventually(went_back)
        before = counted(platform, late)
        eventually(lambda: counted(platform, late) > before or None)
    quiet(platform, late)


def quiet(platform: Platform, metric: str) -> None:
    """Twenty ticks come, and the counter stands still."""

    def still() -> bool | None:
        before, ticks = counted(platform, metric), counted(platform, "market_data_ticks_total")
        eventually(lambda: counted(platform, "market_data_ticks_total") > ticks + 20 or None)
        return counted(platform, metric) == before or None

    eventually(still)


def test_duplicated_ticks_reach_the_bus_twice(platform: Platform) -> None:
    """They are counted, and the stream has the same tick id more than once."""
    twice = "market_data_ticks_duplicated_total"

    def repeated() -> bool:
        ids = [tick["tick_id"] for tick in stream(platform)]
        return len(set(ids)) < len(ids)

    with in_force(platform, "feed.duplicated", share=0.5):
        eventually(lambda: counted(platform, twice) > 2 or None)
        eventually(lambda: repeated() or None)
    quiet(platform, twice)


def test_a_spike_is_a_price_beyond_reason_that_others_see(platform: Platform) -> None:
    """Now and then a price on the bus is a hundred times the one before; afterwards none is."""

    def spikes() -> list[float]:
        prices = [float(tick["price"]) for tick in stream(platform)[:24] if tick["symbol"] in ("EURUSD", "GBPUSD", "AUDUSD")]
        return [price for price in prices if price > 50]

    with in_force(platform, "feed.spikes", factor=100):
        eventually(lambda: spikes() or None)
        prices = [float(tick["price"]) for tick in stream(platform)]
        assert sum(price < 50 for price in prices) > len(prices) / 2
    eventually(lambda: not spikes() or None)


def test_a_refusing_provider_is_backed_off_from(platform: Platform) -> None:
    """Its 429 comes through the gate, whose count of them is what the alert watches, and market data age."""
    backoffs = f'rate_gate_backoff_count{{provider="{PROVIDER}"}}'
    before = platform.metric("rate-gate", backoffs) or 0
    with in_force(platform, "provider.refuses"):
        eventually(lambda: (platform.metric("rate-gate", backoffs) or 0) > before + 10 or None)
        refused = platform.get("rate-gate", f"/providers/{PROVIDER}/ticks")
        assert (refused.status_code, refused.json()["error"], refused.headers["Retry-After"]) == (
            429,
            "the provider refuses",
            "2",
        )
        eventually(lambda: age_s(platform) > 1 or None)
        eventually(lambda: platform.get("rate-gate", "/status").json()["providers"][PROVIDER]["state"].startswith("down") or None)
    eventually(lambda: age_s(platform) < 0.5 or None)


def test_a_used_up_quota_ends_when_it_is_reset(platform: Platform) -> None:
    """The gate answers 429; a reset by hand mends it as healing does, and healing takes nothing from what was used since."""
    with in_force(platform, "provider.quota", provider=PROVIDER) as fault:
        assert platform.get("rate-gate", f"/providers/{PROVIDER}/ticks").json()["error"] == "the quota is used up"
        eventually(lambda: age_s(platform) > 1 or None)
        assert platform.get("rate-gate", "/status").json()["status"] == "backoff"
        platform.post("rate-gate", f"/reset/{PROVIDER}")
        assert platform.call(fault.bitten()) is None
        eventually(lambda: age_s(platform) < 0.5 or None)
        used = platform.get("rate-gate", "/status").json()["providers"][PROVIDER]["used"]
        platform.call(fault.heal())
        assert platform.get("rate-gate", "/status").json()["providers"][PROVIDER]["used"] >= used
    with in_force(platform, "provider.quota"):
        states = platform.get("rate-gate", "/status").json()["providers"]
        assert {each["state"] for each in states.values()} == {"backoff"}
    eventually(lambda: platform.get("rate-gate", "/status").json()["status"] == "ok" or None)


def test_what_somebody_else_uses_of_a_quota_counts(platform: Platform) -> None:
    """As much as is said, and no nonsense."""

    def used() -> int:
        return int(platform.get("rate-gate", "/status").json()["providers"][PROVIDER]["used"])

    before = used()
    told = platform.post("rate-gate", f"/use/{PROVIDER}", {"amount": 1000}).json()
    assert (told["used"], used() >= before + 1000) == (1000, True)
    for amount in (-1, "all", True, 1.5):
        assert platform.post("rate-gate", f"/use/{PROVIDER}", {"amount": amount}).status_code == 400
    assert platform.get("rate-gate", "/status").json()["status"] == "ok"


def test_a_rejected_order_is_a_failed_one(platform: Platform) -> None:
    """The client hears why, the platform has no position from it, and the metric of failed orders counts it."""
    failed = platform.metric("gui-gateway", "trading_orders_failed_total") or 0
    with at_the_broker(platform, "broker.rejects"):
        refused = buy(platform)
        assert (refused.status_code, refused.json()["reason"]) == (409, "broker_rejected")
        assert platform.metric("gui-gateway", "trading_orders_failed_total") == failed + 1
        assert held_at(platform)["status"] == "matched"


def test_an_order_without_an_answer_is_in_doubt_until_the_broker_is_back(platform: Platform) -> None:
    """Whether it was filled is unknown; it is settled afterwards, one way or the other, and the books agree."""
    doubt = "trading_orders_in_doubt"
    with at_the_broker(platform, "broker.disconnects"):
        for _ in range(4):
            answer = buy(platform)
            assert answer.status_code == 503
        eventually(lambda: (platform.metric("execution-engine", doubt) or 0) >= 1 or None)
        eventually(lambda: platform.get("execution-engine", "/healthz").json()["dependencies"]["broker"] != "ok" or None)
    eventually(lambda: platform.metric("execution-engine", doubt) == 0 or None)
    eventually(lambda: held_at(platform)["status"] == "matched" or None)


def test_a_slow_broker_is_given_up_on(platform: Platform) -> None:
    """Its health check is in time, its fills are not: the outcome of an order is unknown until it is settled."""
    with at_the_broker(platform, "broker.slow", delay="3s"):
        answer = buy(platform)
        assert (answer.status_code, answer.json()["outcome"]) == (503, "unknown")
        assert platform.get("broker", "/healthz").elapsed.total_seconds() < 1
    eventually(lambda: platform.metric("execution-engine", "trading_orders_in_doubt") == 0 or None)


def test_what_a_broker_filled_twice_is_found_by_reconciling(platform: Platform) -> None:
    """The client sees nothing; the broker's position is off by the order, and stays so when the fault is healed."""
    with at_the_broker(platform, "broker.double-fills"):
        placed = buy(platform)
        assert placed.status_code == 201
        eventually(lambda: held_at(platform)["status"] == "different" or None)
        order_id = placed.json()["client_order_id"]
        fills = [fill for fill in platform.get("broker", "/fills").json() if fill["client_order_id"] == order_id]
        assert len({fill["fill_id"] for fill in fills}) == 2
    assert held_at(platform)["status"] == "different"
    even = {"client_order_id": f"even-{order_id}", "symbol": "EURUSD", "side": "sell", "quantity": 100, "price": 1.0}
    assert platform.post("broker", "/orders", even).status_code == 201
    eventually(lambda: held_at(platform)["status"] == "matched" or None)


def test_a_party_that_is_none_is_one_sentence(platform: Platform) -> None:
    """A fault of a provider needs a provider, and one of the gate a provider that it knows."""
    with pytest.raises(FaultError, match="broker is no price-provider of this stack; there are price-primary, price-backup"):
        fault_of(platform, "feed.stale", process="broker")
    with pytest.raises(FaultError, match=r"rate-gate refused: 404 .*bloomberg"):
        platform.call(fault_of(platform, "provider.quota", provider="bloomberg").inject())
