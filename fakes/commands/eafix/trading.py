"""`eafix-cli trading`, `risk`, `orders` and `broker`: is the platform trading, and within its limits."""

from __future__ import annotations

from typing import Any

from fakes.commands.eafix.platform import EXECUTION, GATEWAY, RISK, Check, Platform, report
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed
from fakes.commands.wire import Reply, Unreachable

STOP_FLAGS = (Flag("graceful", "", "switch"), Flag("reason"))
RESET_FLAGS = (Flag("confirm", "", "switch"),)
LIST_FLAGS = (Flag("status"), Flag("limit", "", "int"))
BROKER_FLAGS = (Flag("all", "", "switch"),)
_BROKER = "broker"


def stop(line: Parsed, platform: Platform) -> int:
    """Trading is halted when this returns 0: the gateway answers when no order can be executed any more."""
    reason = {"reason": line.text("reason")} if line.text("reason") else None
    accepted(platform.ask(GATEWAY, "POST", "/emergency/stop-trading", reason, within_s=15.0), GATEWAY)
    print("trading stopped")
    return 0


def start(_line: Parsed, platform: Platform) -> int:
    accepted(platform.ask(GATEWAY, "POST", "/emergency/resume-trading", within_s=15.0), GATEWAY)
    print("trading started")
    return 0


def status(_line: Parsed, platform: Platform) -> int:
    return report([halted(platform)])


def halted(platform: Platform) -> Check:
    """Well while orders are let through."""
    found = _risk(platform)
    return Check("trading", not found["halted"], "halted" if found["halted"] else "enabled")


def risk_status(_line: Parsed, platform: Platform) -> int:
    """0 when the risk manager can decide and trading is not halted."""
    well, dependencies = platform.health(RISK)
    checks = [Check(name, state == "ok", state) for name, state in sorted(dependencies.items())]
    checks.insert(0, Check(RISK, well, "can decide" if well else "cannot decide: it refuses every order"))
    if well:
        found = _risk(platform)
        checks += [halted(platform), Check("orders in flight", True, str(found["in_flight"]))]
    return report(checks)


def risk_limits(_line: Parsed, platform: Platform) -> int:
    """The limits, and how much of the position limit each symbol takes."""
    limits = _risk(platform)["limits"]
    for name, value in sorted(limits.items()):
        print(f"{name:<20}{value:.0f}")
    most = limits.get("max_position")
    breached = 0
    for row in accepted_rows(platform.ask(GATEWAY, "GET", "/api/positions"), GATEWAY):
        share = f"{abs(row['quantity']) / most * 100:.1f} % of max_position" if most else "no limit"
        breached += bool(most and abs(row["quantity"]) > most)
        print(f"{row['symbol']:<20}{row['quantity']} ({share})")
    return 1 if breached else 0


def risk_reset(line: Parsed, platform: Platform) -> int:
    """Back to the configured limits."""
    if not line.on("confirm"):
        raise Failure("eafix-cli: risk limits reset changes the limits of live trading; repeat it with --confirm")
    body = accepted(platform.ask(RISK, "POST", "/api/risk/limits/reset"), RISK)
    print("limits reset: " + ", ".join(f"{name} {value:.0f}" for name, value in sorted(body["limits"].items())))
    return 0


def orders(line: Parsed, platform: Platform) -> int:
    """The newest orders: those executed, as the execution engine has them, or those that failed, as the gateway does."""
    wanted, limit = line.text("status", "filled"), max(line.number("limit", 20), 0)
    if wanted not in ("filled", "failed"):
        raise Failure(f"eafix-cli: no status {wanted!r}; there are filled and failed", 2)
    if wanted == "filled":
        found = accepted_rows(platform.ask(EXECUTION, "GET", f"/api/executions?limit={limit}"), EXECUTION)
    else:
        found = accepted_rows(platform.ask(GATEWAY, "GET", f"/api/orders?status=failed&limit={limit}"), GATEWAY)
    for row in found[:limit]:
        result = f"at {row['price']}" if wanted == "filled" else str(row["error"])
        print(f"{row['client_order_id']}  {row['side']} {row['quantity']} {row['symbol']}  {row['status']} {result}")
    print(f"{len(found[:limit])} {wanted} orders")
    return 0


def broker(_line: Parsed, platform: Platform) -> int:
    """Ask the broker itself, and the execution engine what it gets from it."""
    return report(broker_checks(platform))


def broker_checks(platform: Platform) -> list[Check]:
    checks = []
    try:
        reply = platform.ask(_BROKER, "GET", "/status", within_s=3.0)
        body = reply.json()
        well = reply.status == 200 and isinstance(body, dict)
        seen = f"{body['fills']} fills, {body['open_positions']} open positions" if well else f"HTTP status {reply.status}"
        checks.append(Check(_BROKER, well, seen))
    except Unreachable as error:
        checks.append(Check(_BROKER, False, str(error)))
    try:
        state = platform.health(EXECUTION)[1].get(_BROKER, "unknown to it")
    except Unreachable as error:
        state = f"{EXECUTION} does not answer: {error.reason}"
    return [*checks, Check(f"{EXECUTION} to {_BROKER}", state == "ok", state)]


def _risk(platform: Platform) -> dict[str, Any]:
    return accepted(platform.ask(RISK, "GET", "/api/risk/status"), RISK)


def accepted(reply: Reply, name: str) -> dict[str, Any]:
    """The body of an answer that says yes. Raises Failure."""
    body = reply.json()
    if reply.status >= 400 or not isinstance(body, dict):
        raise _refusal(reply, name)
    return body


def accepted_rows(reply: Reply, name: str) -> list[dict[str, Any]]:
    """The rows of an answer that says yes. Raises Failure."""
    body = reply.json()
    if reply.status >= 400 or not isinstance(body, list):
        raise _refusal(reply, name)
    return body


def _refusal(reply: Reply, name: str) -> Failure:
    body = reply.json()
    why = body.get("why") or body.get("error") if isinstance(body, dict) else reply.text
    return Failure(f"eafix-cli: {name} refused with status {reply.status}: {why}")
