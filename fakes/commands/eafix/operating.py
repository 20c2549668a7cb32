"""`eafix-cli maintenance`, `trading enable`, `account` and `broker reconnect`: what the gateway, the engine and the broker do when told."""

from __future__ import annotations

import time
from typing import Any

from fakes.commands.control import State, Unit
from fakes.commands.eafix.environments import refuse_other_site
from fakes.commands.eafix.platform import BROKER, EXECUTION, GATEWAY, Platform
from fakes.commands.eafix.trading import accepted, accepted_rows
from fakes.commands.entry import Failure
from fakes.commands.flags import Flag, Parsed

ENABLE_FLAGS = (Flag("message"), Flag("scheduled", "", "switch"))
DISABLE_FLAGS = (Flag("security-incident", "", "switch"),)
TRADING_FLAGS = (Flag("site"), Flag("confirm-dr", "", "switch"))
BALANCE_FLAGS = (Flag("all", "", "switch"), Flag("account"))
RECONNECT_FLAGS = (Flag("broker"),)
_PATH = "/api/maintenance"
_WITHIN_S = 15.0


def enable(line: Parsed, platform: Platform) -> int:
    """Every gateway that runs refuses orders when this returns 0."""
    kind = "scheduled" if line.on("scheduled") else ""
    message = line.text("message") or ("scheduled maintenance" if kind else "")
    found = _change(platform, {"active": True, "kind": kind, "message": message})
    print(f"maintenance mode is on: {found['message'] or 'no message'}; orders are refused with status 503")
    if kind:
        print(_window(platform.state))
    return 0


def disable(line: Parsed, platform: Platform) -> int:
    """Orders are taken again, unless trading is halted too. Ending what is not on changes nothing and is no error."""
    before = _now(platform)
    if not before["active"]:
        print("maintenance mode was not on")
        return 0
    incident = line.on("security-incident")
    _change(platform, {"active": False, "kind": "security" * incident, "message": "after a security incident" * incident})
    lasted_s = platform.state.now_s - float(before["since_s"])
    print(f"maintenance mode is off{' after the security incident' * incident}; it lasted {lasted_s:.0f} s")
    return 0


def status(_line: Parsed, platform: Platform) -> int:
    """0 whichever it is: both are states that an operator may want."""
    found = _now(platform)
    if not found["active"]:
        print("maintenance mode is off")
        return 0
    age_s = platform.state.now_s - float(found["since_s"])
    kind = f" ({found['kind']})" if found["kind"] else ""
    print(f"maintenance mode is on{kind} for {age_s:.0f} s: {found['message'] or 'no message'}")
    return 0


def _now(platform: Platform) -> dict[str, Any]:
    return accepted(platform.ask(GATEWAY, "GET", _PATH), GATEWAY)


def _change(platform: Platform, body: dict[str, object]) -> dict[str, Any]:
    """Tell every gateway that runs: the one that is asked knows at once. Raises Failure, Unreachable."""
    gateways = [unit for unit in platform.state.services() if unit.running and _is_gateway(unit)]
    if not gateways:
        raise Failure("eafix-cli: no gateway runs; nobody could refuse or take orders")
    answers = [accepted(platform.ask(unit.name, "POST", _PATH, body, within_s=_WITHIN_S), unit.name) for unit in gateways]
    return answers[0]


def _is_gateway(unit: Unit) -> bool:
    return GATEWAY in (unit.name, unit.standby_for, unit.twin_of)


def _window(state: State) -> str:
    """Where the stack's calendar stands against the documented windows, 002:552 and 002:583."""
    now = time.gmtime(state.epoch_s + state.now_s)
    weekly = now.tm_wday == 6 and 2 <= now.tm_hour < 4
    monthly = now.tm_wday == 6 and now.tm_mday <= 7 and 1 <= now.tm_hour < 5
    shown = time.strftime("%A %H:%M UTC", now)
    if weekly or monthly:
        return f"it is {shown}: within the {'weekly' if weekly else 'monthly'} window"
    return f"warning: it is {shown}, outside the windows (Sunday 02:00-04:00, the month's first Sunday 01:00-05:00 UTC)"


def trading_enable(line: Parsed, platform: Platform) -> int:
    """Orders are let through again; on another site only where there is one, and with --confirm-dr."""
    site = line.text("site")
    refuse_other_site(platform, site)
    if site and not line.on("confirm-dr"):
        raise Failure(f"eafix-cli: trading enable --site={site} moves live trading to another site; repeat it with --confirm-dr")
    name = GATEWAY
    for unit in platform.state.services():
        if site and unit.labels.get("site") == site and _is_gateway(unit):
            name = unit.name
    accepted(platform.ask(name, "POST", "/emergency/resume-trading", within_s=_WITHIN_S), name)
    print(f"trading started{f' on site {site}' if site else ''}")
    return 0


def balance(line: Parsed, platform: Platform) -> int:
    """The balances as the broker keeps them, and what the fills have moved since the account was opened."""
    if line.on("all") == bool(line.text("account")):
        raise Failure("eafix-cli: account balance needs either --account=NAME or --all", 2)
    accounts = accepted_rows(platform.ask(BROKER, "GET", "/accounts"), BROKER)
    wanted = [row for row in accounts if line.on("all") or row["account"] == line.text("account")]
    if not wanted:
        raise Failure(
            f"eafix-cli: no account {line.text('account')!r}; there are {', '.join(row['account'] for row in accounts)}"
        )
    for row in wanted:
        print(f"account {row['account']}, {row['fills']} fills")
        for currency, amount in sorted(row["balances"].items()):
            moved = amount - row["opening"].get(currency, 0.0)
            print(f"  {currency:<6}{amount:>20,.2f}  {moved:+,.2f} by fills")
    return 0


def reconnect(line: Parsed, platform: Platform) -> int:
    """The engine drops its connections to the broker and has an answer on new ones when this returns 0."""
    name = line.text("broker")
    if not name:
        raise Failure("eafix-cli: broker reconnect needs --broker=NAME", 2)
    known = [row["account"] for row in accepted_rows(platform.ask(BROKER, "GET", "/accounts"), BROKER)]
    if name not in (BROKER, *known):
        raise Failure(f"eafix-cli: no broker {name!r}; there are {', '.join(known)}")
    done = accepted(platform.ask(EXECUTION, "POST", "/admin/broker/reconnect", within_s=_WITHIN_S), EXECUTION)
    print(f"{EXECUTION}: connections to {name} made anew, it answered in {done['took_ms']:g} ms")
    return 0
