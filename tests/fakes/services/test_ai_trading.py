"""The AI trading platform, booted: every endpoint that its runbook (004) names answers from what the platform really does."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import psycopg
import pytest

from tests.fakes.services.live import eventually
from tests.fakes.services.platforms import Platform, booted

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def platform(memory_folder: Path) -> Iterator[Platform]:
    with tempfile.TemporaryDirectory(dir=memory_folder, prefix="ats-") as folder:
        Path(folder).chmod(0o755)
        with booted("ai-trading", Path(folder), {"gate.quota": 20_000}) as made:
            eventually(lambda: made.order("first").status_code == 201 or None, within_s=30)
            yield made


def test_the_api_tells_how_it_and_all_behind_it_are(platform: Platform) -> None:
    """004:171: curl -f must fail when something is missing."""
    eventually(lambda: platform.get("gui-gateway", "/api/health").status_code == 200 or None, within_s=30)
    platform.call(platform.stack.services["indicator-engine"].stop())
    try:
        eventually(lambda: platform.get("gui-gateway", "/api/health").status_code == 503 or None, within_s=30)
    finally:
        platform.call(platform.stack.services["indicator-engine"].start())


def test_trades_are_the_executions_newest_first(platform: Platform) -> None:
    """004:106, and the same rows stand in the hypertable."""
    for number in range(3):
        assert platform.order(f"trade-{number}", quantity=100 + number).status_code == 201
    found = platform.get("gui-gateway", "/api/trades?limit=1000").json()["trades"]
    ours = [trade["order_id"] for trade in found if trade["order_id"].startswith("trade-")]
    assert ours == ["trade-2", "trade-1", "trade-0"]
    assert len(platform.get("gui-gateway", "/api/trades?limit=2").json()["trades"]) == 2
    known = {trade["trade_id"] for trade in found if trade["order_id"].startswith("trade-")}
    assert known <= {row[0] for row in platform.sql("SELECT trade_id FROM trades")}


def test_performance_is_computed_from_the_executions(platform: Platform) -> None:
    """004:103. One more order is one more execution."""
    before = platform.get("gui-gateway", "/api/metrics/performance").json()
    assert platform.order("performance", quantity=500).status_code == 201
    after = platform.get("gui-gateway", "/api/metrics/performance").json()
    assert after["executions"] > before["executions"]
    assert {"sharpe_ratio", "drawdown", "max_drawdown", "profit"} <= set(after)


def test_models_are_what_the_signal_generator_works_with(platform: Platform) -> None:
    """004:109, with the registry's part; without the registry the rest still answers."""
    eventually(lambda: platform.get("gui-gateway", "/api/models/status").json()["models"][0]["status"] == "active" or None)
    body = platform.get("gui-gateway", "/api/models/status").json()
    assert [model["name"] for model in body["registry"]["models"]] == [body["models"][0]["name"]]
    assert platform.get("mlflow", "/health").text == "OK"
    missing = platform.get("mlflow", "/api/2.0/mlflow/registered-models/get?name=other")
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    platform.call(platform.stack.services["mlflow"].stop())
    try:
        found = platform.get("gui-gateway", "/api/models/status")
        assert found.status_code == 200
        assert found.json()["registry"]["state"].startswith("down")
    finally:
        platform.call(platform.stack.services["mlflow"].start())


def test_memory_is_that_of_the_process(platform: Platform) -> None:
    """004:258: what the kernel says of it."""
    found = platform.get("gui-gateway", "/api/metrics/memory").json()
    pid = platform.stack.services["gui-gateway"].pid
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    assert found["rss"] == pytest.approx(pages * 4096, rel=0.2)


def test_ticks_are_streamed_and_connections_counted(platform: Platform) -> None:
    """004:283-286."""

    async def listen() -> tuple[list[str], int]:
        async with aiohttp.ClientSession() as session, session.ws_connect(platform.url("gui-gateway", "/ws/market")) as socket:
            ticks = [json.loads(await socket.receive_str(timeout=20)) for _ in range(3)]
            async with session.get(platform.url("gui-gateway", "/api/metrics/websockets")) as counted:
                return [tick["type"] for tick in ticks], int((await counted.json())["active"])

    assert asyncio.run(listen()) == (["tick"] * 3, 1)
    eventually(lambda: platform.get("gui-gateway", "/api/metrics/websockets").json()["active"] == 0 or None)
    assert platform.get("gui-gateway", "/ws/market").status_code == 426


def test_disabling_stops_signals_and_the_emergency_stop_stops_everybody(platform: Platform) -> None:
    """004:112, 004:318; and there is a way back."""
    assert platform.post("gui-gateway", "/api/trading/disable").json()["status"] == "disabled"
    assert platform.order("while-disabled").status_code == 201
    assert platform.post("gui-gateway", "/api/trading/emergency-stop").json()["status"] == "halted"
    refused = platform.order("while-halted")
    assert (refused.status_code, refused.json()["reason"]) == (409, "trading_halted")
    assert platform.post("gui-gateway", "/api/trading/enable").json()["status"] == "enabled"
    assert platform.order("after-it").status_code == 201


def test_signals_lead_to_no_order_while_auto_trading_is_disabled(platform: Platform) -> None:
    """A signal is refused with the reason, and traded again afterwards."""
    platform.post("gui-gateway", "/api/trading/disable")
    signal = {"signal_id": "t-off", "tick_id": "x", "symbol": "EURUSD", "side": "buy", "price": "1", "at_s": "0"}
    fields = {**signal, "tick_at_s": repr(platform.clock.now())}
    with platform.redis() as client:
        client.xadd("signals", fields)
        series = 'risk_signals_total{result="auto_trading_disabled"}'
        eventually(lambda: platform.metric("risk-manager", series))
        platform.post("gui-gateway", "/api/trading/enable")
        client.xadd("signals", {**fields, "signal_id": "t-on", "tick_at_s": repr(platform.clock.now())})
    eventually(lambda: platform.sql("SELECT 1 FROM orders WHERE client_order_id = 'sig-t-on'") or None)
    assert not platform.sql("SELECT 1 FROM orders WHERE client_order_id = 'sig-t-off'")


def test_a_used_up_quota_stops_the_prices_and_a_reset_brings_them_back(platform: Platform) -> None:
    """004:64-78, 004:302. What stops is seen by the ingestor, and counted as a backoff."""
    set_quota(platform, "1")  # the operator's own setting
    eventually(lambda: platform.get("rate-gate", "/status").json()["status"] == "backoff" or None)
    eventually(lambda: (platform.metric("rate-gate", 'rate_gate_backoff_count{provider="alphavantage"}') or 0) > 10 or None)
    eventually(lambda: "429" in feed(platform) or None)
    set_quota(platform, "100")
    for provider in ("/alphavantage", ""):  # what there is of 100 is used up in some seconds, and comes back by a reset alone
        eventually(lambda: "429" in feed(platform) or None, within_s=40)
        given = platform.post("rate-gate", f"/reset{provider}").json()
        assert given["status"] == "reset"
        assert "alphavantage" in given["providers"]
        eventually(lambda: feed(platform) == "ok" or None)
    set_quota(platform, None)


def test_a_provider_that_the_gate_does_not_know_is_404(platform: Platform) -> None:
    """And the answer says which there are."""
    unknown = platform.post("rate-gate", "/reset/bloomberg")
    assert (unknown.status_code, unknown.json()["providers"]) == (404, ["alphavantage", "finnhub"])
    assert platform.post("rate-gate", "/reset").json()["providers"] == ["alphavantage", "finnhub"]
    assert "rate_gate_quota_remaining" in platform.get("rate-gate", "/metrics").text


def feed(platform: Platform) -> str:
    return str(platform.get("data-ingestor", "/admin/feed").json()["providers"]["primary"]["state"])


def set_quota(platform: Platform, quota: str | None) -> None:
    """By the environment of the rate gate, which is restarted with it; None: back to the stack's own."""
    change = {"environment": {"RATE_GATE_QUOTA": quota}}
    assert platform.client.post(f"{platform.control}/services/rate-gate/configure", json=change).status_code == 200
    platform.call(platform.stack.services["rate-gate"].wait_healthy(platform.stack.http, within_s=30))


def test_what_a_provider_sends_goes_through_the_gate(platform: Platform) -> None:
    """Its ticks are counted there, one by one."""
    series = 'rate_gate_ticks_total{provider="alphavantage"}'
    eventually(lambda: platform.metric("rate-gate", series))
    before = platform.metric("rate-gate", series) or 0
    eventually(lambda: (platform.metric("rate-gate", series) or 0) > before + 5 or None)


def test_loki_takes_in_what_the_services_log(platform: Platform) -> None:
    """004:86-89: ready, with metrics of its ingester, and a line that was just written is found."""
    eventually(lambda: platform.get("loki", "/ready").text == "ready\n" or None)
    platform.post("gui-gateway", "/api/trading/emergency-stop", {"reason": "a word for loki"})
    platform.post("gui-gateway", "/api/trading/enable")
    query = '/loki/api/v1/query_range?query={job="gui-gateway"} |= "a word for loki"'

    def lines() -> list[str] | None:
        found = platform.get("loki", query).json()["data"]["result"]
        return [text for stream in found for _, text in stream["values"]] or None

    assert "CRITICAL gui-gateway trading is halted" in eventually(lines)[0]
    metrics = platform.get("loki", "/metrics").text
    assert "loki_ingester_memory_streams" in metrics
    assert platform.metric("loki", "loki_ingestion_lag") is not None
    assert platform.get("loki", "/loki/api/v1/query_range?query=rate(x)").status_code == 400


def test_a_slow_loki_lags_and_says_so(platform: Platform) -> None:
    """004:81: lines that come faster than its limit wait."""
    service = platform.stack.services["loki"]
    for rate in ("0.0000001", None):
        platform.client.post(
            f"{platform.control}/services/loki/configure", json={"environment": {"LOKI_INGESTION_RATE_MB": rate}}
        )
        platform.call(service.wait_healthy(platform.stack.http, within_s=30))
        if rate:
            eventually(lambda: (platform.metric("loki", "loki_ingestion_lag") or 0) > 0.5 or None)
            assert platform.get("loki", "/ready").status_code == 503
    eventually(lambda: platform.metric("loki", "loki_ingestion_lag") == 0 or None)


def test_hypertables_are_those_of_timescaledb_2(platform: Platform) -> None:
    """004:132 answers; 004:274 names columns that TimescaleDB has not, and fails as it does there."""
    eventually(lambda: platform.sql("SELECT 1 FROM market_data LIMIT 1") or None)
    rows = platform.sql(
        "SELECT hypertable_schema, hypertable_name, num_dimensions, num_chunks FROM timescaledb_information.hypertables"
    )
    assert sorted(rows) == [("public", "market_data", 1, 3), ("public", "trades", 1, 3)]
    sizes = platform.sql(
        "SELECT hypertable_size(format('%I.%I', hypertable_schema, hypertable_name)) FROM timescaledb_information.hypertables"
    )
    assert all(size > 0 for (size,) in sizes)
    with pytest.raises(psycopg.errors.UndefinedColumn, match='column "schema_name" does not exist'):
        platform.sql(
            "SELECT hypertable_name, hypertable_size(format('%I.%I', schema_name, table_name))"
            " FROM timescaledb_information.hypertables ORDER BY 2 DESC"
        )


def test_migrations_are_those_that_were_applied(platform: Platform) -> None:
    """004:180, newest first."""
    rows = platform.sql("SELECT version, name, applied_at FROM schema_migrations ORDER BY version DESC LIMIT 5")
    assert [row[1] for row in rows] == [
        "hypertable_information",
        "trades_hypertable",
        "market_data_hypertable",
        "orders_executions_positions",
    ]
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)


def test_statements_are_measured_where_the_server_can(platform: Platform) -> None:
    """004:129, 004:271, 004:277; with the column of Postgres 12 and before it fails (001:107)."""
    if not platform.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_stat_statements'"):
        pytest.skip("the Postgres in use has no pg_stat_statements")
    found = platform.sql("SELECT query, mean_exec_time, calls FROM pg_stat_statements ORDER BY mean_exec_time DESC LIMIT 10")
    assert len(found) == 10
    with pytest.raises(psycopg.errors.UndefinedColumn, match='column "total_time" does not exist'):
        platform.sql("SELECT query, total_time FROM pg_stat_statements")
    platform.sql("SELECT pg_stat_statements_reset()")


def test_the_recovery_database_is_not_there_at_first(platform: Platform) -> None:
    """004:352 fails, as it would the first time anybody follows the document."""
    with pytest.raises(psycopg.errors.InvalidCatalogName):
        platform.sql("DROP DATABASE trading_db_recovery")
