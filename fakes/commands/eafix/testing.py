"""`eafix-cli test` and `contracts`: does the platform do what it is there for."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

from fakes.commands.eafix import database, trading
from fakes.commands.eafix.configuration import require_namespace
from fakes.commands.eafix.environments import gateway_of, units_of
from fakes.commands.eafix.health import of_service, redis_check
from fakes.commands.eafix.platform import (
    EXECUTION,
    GATEWAY,
    INGESTOR,
    RISK,
    SIGNALS,
    Check,
    Platform,
    SqlFailed,
    attempt,
    refuse_other_environment,
    report,
)  # fmt: skip
from fakes.commands.eafix.trail import literal
from fakes.commands.flags import Flag, Parsed

TEST_FLAGS = (Flag("environment"),)
INTEGRATION_FLAGS = (Flag("namespace"),)
VALIDATE_FLAGS = (Flag("full", "", "switch"),)
_CANARY_S = 5.0
_POLL_S = 0.02
_HEALTH = {"status": str, "service": str, "version": str, "dependencies": dict}
# What the documents' own commands rely on: service, path, the fields of the answer (of each row where it is a list).
_CONTRACTS = (
    (GATEWAY, "/health", {"status": str, "services": dict}),
    (GATEWAY, "/api/positions", {"symbol": str, "quantity": int, "status": str}),
    (SIGNALS, "/api/signals?limit=5", {"signal_id": str, "tick_id": str, "symbol": str, "side": str, "at_s": float}),
    (EXECUTION, "/api/executions?since=1h&limit=5", {"execution_id": str, "client_order_id": str, "symbol": str, "price": float}),
    (INGESTOR, "/admin/feed", {"active": str, "age_s": float, "providers": dict, "latest": dict}),
)  # fmt: skip


def smoke(line: Parsed, platform: Platform) -> int:
    """Every service of the environment does its work, the datastores answer, and its gateway can read positions."""
    return report(_smoke(platform, line.text("environment")))


def _smoke(platform: Platform, environment: str) -> Iterator[Check]:
    units, gateway = units_of(platform, environment), gateway_of(platform, environment)
    for unit in units:
        yield from of_service(platform, unit, comprehensive=False)
    yield attempt("postgres", lambda: _postgres(platform))
    yield attempt("redis", lambda: redis_check(platform))
    yield attempt("positions", lambda: _positions(platform, gateway.name))


def _postgres(platform: Platform) -> Check:
    ((recovering,),) = platform.sql("SELECT pg_is_in_recovery()")
    return Check("postgres", recovering == "f", f"{platform.database()}, {'primary' if recovering == 'f' else 'in recovery'}")


def _positions(platform: Platform, gateway: str) -> Check:
    reply = platform.ask(gateway, "GET", "/api/positions")
    body = reply.json()
    count = f", {len(body)} positions" if isinstance(body, list) else ""
    return Check("positions", reply.status == 200, f"HTTP status {reply.status}{count}")


def trade(line: Parsed, platform: Platform) -> int:
    """Trading works up to the order: a canary tick becomes a signal, orders would be let through, the books agree."""
    refuse_other_environment(line.text("environment"))
    return report(_trade(platform))


def _trade(platform: Platform) -> Iterator[Check]:
    yield attempt("trading", lambda: trading.halted(platform))
    yield attempt("pipeline", lambda: _canary(platform))
    yield from trading.broker_checks(platform)
    yield attempt("reconciliation", lambda: _reconciled(platform))


def _canary(platform: Platform) -> Check:
    """A tick of the symbol that nobody trades, from the ingestor to the signals."""
    tick, began = f"c-cli-{uuid.uuid4().hex[:12]}", time.monotonic()
    reply = platform.ask(INGESTOR, "POST", "/test/simulate-tick", {"symbol": "CANARY", "tick_id": tick})
    if reply.status >= 400:
        return Check("pipeline", False, f"{INGESTOR} did not take the tick: HTTP status {reply.status}")
    while time.monotonic() - began < _CANARY_S:
        signals = platform.ask(SIGNALS, "GET", "/api/signals?limit=50").json()
        if isinstance(signals, list) and any(row.get("tick_id") == tick for row in signals):
            return Check("pipeline", True, f"tick to signal in {(time.monotonic() - began) * 1000:.0f} ms")
        time.sleep(_POLL_S)
    return Check("pipeline", False, f"tick {tick} became no signal within {_CANARY_S:g} s")


def _reconciled(platform: Platform) -> Check:
    reply = platform.ask(GATEWAY, "GET", "/api/reconcile/positions", within_s=15.0)
    body = reply.json()
    status = body.get("status", body.get("error")) if isinstance(body, dict) else reply.text[:80]
    return Check("reconciliation", reply.status == 200 and status == "matched", f"HTTP status {reply.status}, {status}")


def integration(line: Parsed, platform: Platform) -> int:
    """From a tick to a signal, from an order to its decision, and the books; of another namespace what runs there."""
    namespace = line.text("namespace")
    if namespace in ("", platform.state.namespace):
        return report(_integration(platform))
    require_namespace(platform, namespace)
    return report(_of_namespace(platform, namespace))


def _integration(platform: Platform) -> Iterator[Check]:
    yield from _smoke(platform, "")
    yield from _trade(platform)
    yield attempt("risk check", lambda: _decided(platform))
    yield from _contracts(platform)


def _decided(platform: Platform) -> Check:
    """A decision on one unit, of which nothing is executed; its room is given back."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    order = {"client_order_id": name, "symbol": "EURUSD", "side": "buy", "quantity": 1}
    reply = platform.ask(RISK, "POST", "/api/risk/check", order)
    body = reply.json() if isinstance(reply.json(), dict) else {}
    if reply.status == 200:
        platform.ask(RISK, "POST", "/api/risk/release", {"client_order_id": name})
    return Check(
        "risk check", reply.status == 200, "approved" if reply.status == 200 else str(body.get("why") or body.get("error"))
    )


def _of_namespace(platform: Platform, namespace: str) -> Iterator[Check]:
    """What a restore has put there: services, and databases named after the namespace."""
    units = [unit for unit in platform.state.services() if unit.namespace == namespace]
    for unit in units:
        yield from of_service(platform, unit, comprehensive=True)
    names = [namespace, namespace.replace("-", "_")]
    try:
        quoted = ", ".join(literal(name) for name in names)
        databases = [name for (name,) in platform.sql(f"SELECT datname FROM pg_database WHERE datname IN ({quoted})")]
    except SqlFailed as error:
        yield Check("databases", False, str(error))
        return
    for name in databases:
        yield from (
            Check(f"database {name} {each.name}", each.ok, each.seen) for each in database.checks(platform.at(name), full=True)
        )
    if not units and not databases:
        yield Check(namespace, False, f"nothing is there to be tested: no service, and no database {' or '.join(names)}")


def contracts(_line: Parsed, platform: Platform) -> int:
    """The services' answers have the fields that the documented commands read."""
    return report(_contracts(platform))


def _contracts(platform: Platform) -> Iterator[Check]:
    for unit in platform.state.services():
        yield attempt(f"{unit.name} /healthz", lambda name=unit.name: _fields(platform, name, "/healthz", _HEALTH))
    for name, path, fields in _CONTRACTS:
        yield attempt(f"{name} {path}", lambda row=(name, path, fields): _fields(platform, *row))


def _fields(platform: Platform, name: str, path: str, fields: dict[str, Any]) -> Check:
    reply = platform.ask(name, "GET", path)
    title, body = f"{name} {path}", reply.json()
    rows = body if isinstance(body, list) else [body]
    if not all(isinstance(row, dict) for row in rows) or (reply.status >= 400 and not path.startswith("/health")):
        return Check(title, False, f"HTTP status {reply.status}, no such answer: {reply.text[:80]}")
    wrong = {
        key
        for row in rows
        for key, kind in fields.items()
        if not isinstance(row.get(key), (kind, int) if kind is float else kind)
    }
    return Check(
        title, not wrong, f"{len(rows)} rows" if not wrong else f"missing or of another type: {', '.join(sorted(wrong))}"
    )
