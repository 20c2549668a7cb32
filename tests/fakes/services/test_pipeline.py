"""Claims about the pipeline: ticks, indicators, signals and the orders they lead to, on live services."""

from __future__ import annotations

import signal

import pytest

from tests.fakes.services.live import eventually
from tests.fakes.services.stack import Stack

pytestmark = pytest.mark.real

FEEDS = ("price-primary", "price-backup")
PIPELINE = ("data-ingestor", "indicator-engine", "signal-generator")
TRADING = ("broker", "execution-engine", "risk-manager")


def start(stack: Stack, *more: str, ticks_per_s: float = 200) -> None:
    stack.settings |= {"feed.ticks_per_s": ticks_per_s, "indicator.fast_ticks": 2, "indicator.slow_ticks": 4}
    stack.start(*more, *FEEDS, *PIPELINE)


def tick_ids(stack: Stack, stream: str) -> list[str]:
    return [entry["tick_id"] for entry in stack.redis.stream(stream)]


def quiet(stack: Stack) -> bool | None:
    """Whether everything that was quoted has gone all the way."""
    latest = stack.get("data-ingestor", "/admin/feed")["latest"]
    ticks, indicators = tick_ids(stack, "ticks"), tick_ids(stack, "indicators")
    with stack.redis.client() as client:
        groups = [group for stream in ("ticks", "indicators") for group in client.xinfo_groups(stream)]
        done = all(group["pending"] == 0 for group in groups)
        done = done and all(client.xinfo_stream(name)["last-generated-id"] == group["last-delivered-id"]
                            for name, group in zip(("ticks", "indicators"), groups, strict=True))  # fmt: skip
    return (latest and done and ticks == indicators) or None


def expected_signals(stack: Stack) -> list[str]:
    """What the signals must be, by arithmetic on the ticks that were published."""
    averages: dict[str, tuple[float, float]] = {}
    sides: dict[str, bool] = {}
    found = []
    for tick in stack.redis.stream("ticks"):
        symbol, price = tick["symbol"], float(tick["price"])
        fast, slow = averages.get(symbol, (price, price))
        averages[symbol] = fast, slow = fast + 2 / 3 * (price - fast), slow + 2 / 5 * (price - slow)
        if sides.setdefault(symbol, fast >= slow) != (fast >= slow):
            sides[symbol] = fast >= slow
            found.append(f"s-{tick['tick_id']}")
    return found


def test_a_canary_tick_comes_out_as_a_signal(stack: Stack) -> None:
    """A simulated tick goes through ingestor, indicators and signals, keeps its id, and is traded by nobody."""
    start(stack, *TRADING)
    assert stack.post("data-ingestor", "/test/simulate-tick", {"tick_id": "c-1"}).json() == {"tick_id": "c-1", "symbol": "CANARY"}
    canary = eventually(lambda: next((s for s in stack.get("signal-generator", "/api/signals") if s["tick_id"] == "c-1"), None))
    assert canary["symbol"] == "CANARY"
    assert 0 <= canary["at_s"] - canary["tick_at_s"] < 10
    eventually(lambda: stack.metric("risk-manager", 'risk_signals_total{result="canary"}') == 1 or None)
    assert stack.sql("SELECT count(*) FROM orders WHERE symbol = 'CANARY'") == [(0,)]


def test_signals_are_listed_newest_first_within_limits(stack: Stack) -> None:
    """`limit` counts, `since` is documented time back from now; neither needs a body or a symbol from the caller."""
    start(stack)
    for number in range(3):
        assert stack.post("data-ingestor", "/test/simulate-tick", {"tick_id": f"c-{number}"}).status_code == 200

    def canaries(query: str) -> list[str]:
        return [s["tick_id"] for s in stack.get("signal-generator", f"/api/signals{query}") if s["symbol"] == "CANARY"]

    eventually(lambda: canaries("?since=1h") == ["c-2", "c-1", "c-0"] or None)
    assert len(stack.get("signal-generator", "/api/signals?limit=1")) == 1
    assert canaries("?since=0s") == []


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_any_service_loses_and_repeats_nothing(stack: Stack, end: int) -> None:
    """Each service of the pipeline is ended while 200 ticks a second go through it: what comes out is what should have."""
    start(stack, *TRADING)
    for name in (*PIPELINE, "risk-manager"):
        before = len(stack.redis.stream("signals"))
        eventually(lambda before=before: len(stack.redis.stream("signals")) > before or None)  # type: ignore[misc]
        stack.restart(name, end)
    for name in FEEDS:
        stack.stop(name)
    eventually(lambda: quiet(stack))
    numbers = [int(tick_id.rpartition("-")[2]) for tick_id in tick_ids(stack, "ticks")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    signals = [entry["signal_id"] for entry in stack.redis.stream("signals")]
    assert signals == expected_signals(stack)
    traded = eventually(lambda: orders if len(orders := traded_signals(stack)) == len(signals) else None)
    assert sorted(traded) == sorted(signals)
    shown = [entry["signal_id"] for entry in reversed(stack.get("signal-generator", "/api/signals"))]
    assert shown == signals[-len(shown) :]


def traded_signals(stack: Stack) -> list[str]:
    return [row[0].removeprefix("sig-") for row in stack.sql("SELECT client_order_id FROM orders WHERE source = 'signal'")]


def test_ticks_wait_for_redis_and_arrive_once(stack: Stack) -> None:
    """What the ingestor received while Redis was away is published when it is back, in order."""
    gate = stack.gate("data-ingestor", "redis")
    start(stack)
    gate.shut()
    received = stack.metric("data-ingestor", 'market_data_ticks_total{provider="primary"}')
    eventually(lambda: stack.metric("data-ingestor", "market_data_ticks_waiting") > 20 or None)
    assert stack.post("data-ingestor", "/test/simulate-tick").status_code == 503
    gate.open()
    eventually(lambda: stack.metric("data-ingestor", "market_data_ticks_waiting") < 5 or None)
    for name in FEEDS:
        stack.stop(name)
    eventually(lambda: quiet(stack))
    numbers = [int(tick_id.rpartition("-")[2]) for tick_id in tick_ids(stack, "ticks")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) > received + 20


def test_a_silent_feed_is_noticed_and_left_to_people(stack: Stack) -> None:
    """The age of the market data grows with documented time, health says what is wrong, and the feed is not switched."""
    gate = stack.gate("data-ingestor", "price-primary")
    start(stack, ticks_per_s=20)
    gate.hush()
    stack.clock.set_rate(20)
    eventually(lambda: stack.metric("data-ingestor", "market_data_age_seconds") > 20 or None)
    assert stack.metric("data-ingestor", 'market_data_age_seconds{symbol="EURUSD"}') > 20
    health = stack.client.get(stack.url("data-ingestor", "/healthz"))
    assert health.status_code == 503
    assert "stale market data" in health.json()["dependencies"]["price-primary"]
    assert stack.get("data-ingestor", "/admin/feed")["active"] == "primary"
    gate.speak()
    eventually(lambda: stack.metric("data-ingestor", "market_data_age_seconds") < 15 or None)
    eventually(lambda: stack.healthy("data-ingestor") or None)


def test_the_feed_is_switched_and_stays_so(stack: Stack) -> None:
    """The backup takes over, prices go on from it, and a restarted ingestor still reads it; then back again."""
    gate = stack.gate("data-ingestor", "price-primary")
    start(stack)
    gate.shut()
    eventually(lambda: not stack.healthy("data-ingestor") or None)
    assert stack.post("data-ingestor", "/admin/feed", {"action": "switch", "to": "backup"}).json()["active"] == "backup"
    eventually(lambda: stack.healthy("data-ingestor") or None)
    eventually(lambda: tick_ids(stack, "ticks")[-1].startswith("price-backup-") or None)
    with stack.redis.client() as client:
        assert client.hget("price:EURUSD", "provider") == "price-backup"
    stack.restart("data-ingestor")
    assert stack.get("data-ingestor", "/admin/feed")["active"] == "backup"
    gate.open()
    stack.post("data-ingestor", "/admin/feed", {"action": "switch", "to": "primary"})
    eventually(lambda: tick_ids(stack, "ticks")[-1].startswith("price-primary-") or None)


def test_a_restarted_feed_connection_goes_on_where_it_was(stack: Stack) -> None:
    """`restart` opens a new connection without a gap and without a repetition."""
    start(stack)
    for _ in range(3):
        stack.post("data-ingestor", "/admin/feed", {"action": "restart"})
        before = len(tick_ids(stack, "ticks"))
        eventually(lambda before=before: len(tick_ids(stack, "ticks")) > before or None)  # type: ignore[misc]
    numbers = [int(tick_id.rpartition("-")[2]) for tick_id in tick_ids(stack, "ticks")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_senseless_request_changes_nothing(stack: Stack) -> None:
    """Unknown actions, providers and prices are told."""
    start(stack)
    for path, body, error in (
        ("/admin/feed", {"action": "dance"}, "action: expected switch or restart, found 'dance'"),
        ("/admin/feed", {"action": "switch", "to": "tertiary"}, "to: expected primary or backup, found 'tertiary'"),
        ("/test/simulate-tick", {"price": -1}, "price: expected a number above 0, found -1"),
    ):
        answer = stack.post("data-ingestor", path, body)
        assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_dead_feed_is_old_also_to_a_restarted_ingestor(stack: Stack) -> None:
    """The age of the market data goes on from what Redis knows."""
    start(stack)
    for name in FEEDS:
        stack.stop(name)
    stack.clock.set_rate(20)
    eventually(lambda: stack.metric("data-ingestor", "market_data_age_seconds") > 10 or None)
    stack.stop("data-ingestor")
    stack.start_unready("data-ingestor")
    age = 'market_data_age_seconds{symbol="EURUSD"}'
    assert eventually(lambda: stack.metric("data-ingestor", age)) > 10
    assert stack.metric("data-ingestor", "market_data_age_seconds") > 10
