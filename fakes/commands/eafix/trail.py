"""The platform's audit trail, as `eafix-cli` writes and reads it; and what its modules that keep records share."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from typing import Any, NamedTuple

from fakes.commands.control import Control, Refused, State
from fakes.commands.eafix.platform import Platform, SqlFailed
from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed
from fakes.commands.wire import Unreachable

_WRITE_WITHIN_S = 2.0  # wall: nobody waits long for it while the database is what is broken
_HEX = "encode(convert_to(row_to_json({})::text, 'UTF8'), 'hex')"  # clients choose what is in it: any character
_AT_ONCE = "SET synchronous_commit = local; "  # not waiting for a standby, which may be what is broken
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

# What changes something is written down. A test asks that every subcommand stands in one of the two.
CHANGING = frozenset({
    "auth mark", "auth reset", "auth revoke", "cache clear", "data-feed restart", "data-feed switch", "database optimize",
    "database reindex", "database vacuum", "incident create", "orders cleanup", "postmortem create", "risk limits reset",
    "security analyze", "security scan", "services start", "services stop", "test trading", "tokens revoke", "trading enable",
    "trading start", "trading stop", "training schedule",
    "benchmark run", "broker reconnect", "change-request create", "logs cleanup", "maintenance disable", "maintenance enable",
    "monitoring enhance", "test integration",
})  # fmt: skip


class Incident(NamedTuple):
    """An incident as it was opened. Times are documented seconds."""

    number: int
    title: str
    severity: str
    kind: str
    description: str
    opened_by: str
    opened_at_s: float
    found: str

    @property
    def name(self) -> str:
        return f"INC-{self.number}"


def operator() -> str:
    """Who works at this workstation."""
    return os.environ.get("EAFIX_USER") or os.environ.get("USER") or "operator"


def write_down(name: str, rest: list[str], code: int) -> None:
    """Put what an operator did into the audit trail. What can't be written is told, and hinders nothing.

    Without PGHOST this is no operator's workstation, and there is nothing to write to.
    """
    if "PGHOST" not in os.environ:
        return
    outcome = "ok" if code == 0 else f"failed, exit code {code}"
    try:
        platform = Platform(Control.from_environment())
        _turn_to_site(platform.state, next((each.partition("=")[2] for each in rest if each.startswith("--site=")), ""))
        written = entry(platform.state.now_s, "operator_action", name, " ".join(rest), outcome)
        platform.sql(_AT_ONCE + written, within_s=_WRITE_WITHIN_S)
    except (Unreachable, Refused, SqlFailed) as error:
        print(f"eafix-cli: warning: {name} is not in the audit trail: {error}", file=sys.stderr)


def _turn_to_site(state: State, site: str) -> None:
    """What is done at a site stands in the database there: the other one may be what is lost."""
    for address in state.addresses if site else ():
        unit = state.unit(address.instance) if address.instance else None
        if unit is not None and unit.kind == "postgres" and address.selector.get("role") == site:
            os.environ["PGPORT"] = str(address.port)


def entry(at_s: float, event_type: str, action: str, target: str, outcome: str, *, detail: str = "", source: str = "") -> str:
    """The statement that adds one entry of this operator; with `source` one for each row of that."""
    given = (event_type, operator(), "workstation", action, target, outcome, detail)
    return (
        "INSERT INTO audit_log (at_s, event_type, actor, address, action, target, outcome, detail)"
        f" SELECT {at_s!r}, {', '.join(map(literal, given))}{f' FROM {source} RETURNING target' if source else ''}"
    )


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def rows(platform: Platform, query: str, *, within_s: float = 5.0) -> list[dict[str, Any]]:
    """Rows of a query by column, whatever characters are in them. Raises Failure when the database doesn't answer."""
    try:
        found = platform.sql(f"SELECT {_HEX.format('_row')} FROM ({query}) AS _row", within_s=within_s)
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} does not answer: {error}") from error
    return [json.loads(bytes.fromhex(row[0])) for row in found]


def changed(platform: Platform, **steps: str) -> list[dict[str, Any]]:
    """Carry out statements that end in RETURNING, all or none; each may read from those before it. What the last returns. Raises Failure."""
    named = ", ".join(f"{name} AS ({statement})" for name, statement in steps.items())
    last = list(steps)[-1]
    try:
        found = platform.sql(f"WITH {named} SELECT {_HEX.format(last)} FROM {last}")
    except SqlFailed as error:
        raise Failure(f"database at {platform.database()} refuses: {error}") from error
    return [json.loads(bytes.fromhex(row[0])) for row in found]


def span(line: Parsed, flag: str, default: str = "") -> float | None:
    """`--since=24h` in seconds, None without it. Raises Failure."""
    text = line.text(flag, default)
    if not text and not line.has(flag):
        return None
    found = re.fullmatch(r"([1-9]\d{0,8})([smhdw])", text)
    if found is None:
        raise Failure(f"eafix-cli: --{flag}={text}: expected a number and s, m, h, d or w, such as 24h", 2)
    return float(int(found[1]) * _UNITS_S[found[2]])


def since(line: Parsed, platform: Platform) -> float:
    """The documented second at which `--since` begins; that of the beginning without it."""
    seconds = span(line, "since")
    return -1.0 if seconds is None else platform.state.now_s - seconds


def incident(line: Parsed, platform: Platform) -> Incident:
    """The incident of `--incident-id`. Raises Failure: 2 for a senseless id, 1 when there is none of that id."""
    text = line.text("incident-id")
    found = re.fullmatch(r"(?:INC-)?([1-9]\d{0,8})", text)
    if found is None:
        raise Failure(f"eafix-cli: --incident-id={text}: expected an incident's id, such as INC-1", 2)
    known = rows(platform, f"SELECT * FROM incidents WHERE number = {found[1]}")
    if not known:
        raise Failure(f"eafix-cli: no incident INC-{found[1]}")
    return Incident(**known[0])


def moment(state: State, at_s: float) -> str:
    """A documented second as calendar time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(state.epoch_s + at_s))
