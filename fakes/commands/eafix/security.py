"""`eafix-cli security`: what the audit trail tells of an incident, and whether the platform's guards stand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from fakes.commands.eafix import audit, scan
from fakes.commands.eafix.incident_report import BEFORE_S, not_ready
from fakes.commands.eafix.platform import GATEWAY, Check, Platform, SqlFailed, attempt, report
from fakes.commands.eafix.trail import Incident, changed, entry, incident, literal, moment, rows
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Flag, Parsed
from fakes.commands.processes import capture
from fakes.commands.wire import Unreachable, request

INCIDENT_FLAGS = (Flag("incident-id"),)
UPDATES_FLAGS = (Flag("check-only", "", "switch"),)
VERIFY_FLAGS = (Flag("comprehensive", "", "switch"),)
AFTER_S = 3600.0
_METRIC, _MOST = "failed_login_attempts", 10.0  # a second over 5 minutes: 002:752
_UPDATES = "EAFIX_UPDATES"  # host:port of whoever knows the newest versions: GET /updates.json, program to version
_TITLES = {
    "login_failed": "failed logins",
    "login_succeeded": "logins",
    "token_refused": "refused tokens",
    "admin_refused": "refused attempts",
    "admin_action": "admin actions",
    "operator_action": "operators' actions",
    "order_placed": "orders",
}


def analyze(line: Parsed, platform: Platform) -> int:
    """What the trail has of the hour before and after an incident was opened. Accounts that were taken over are marked so."""
    found = incident(line, platform)
    since_s, until_s, within = _window(platform, found)
    print(f"incident            {found.name}: {found.title}")
    print(f"window              {moment(platform.state, since_s)} to {moment(platform.state, until_s)}")
    _print_counts(platform, within)
    _print_tokens(platform, since_s, until_s)
    signs = audit.suspicious(platform, since_s, until_s)
    for text in signs:
        print(f"sign                {text}")
    if not signs:
        print("sign                none in the audit trail; what is not written there can't be seen")
    for taken in audit.taken_over(platform, since_s, until_s):
        _mark(platform, taken, found)
    return 0


def _window(platform: Platform, found: Incident) -> tuple[float, float, str]:
    since_s, until_s = found.opened_at_s - BEFORE_S, min(found.opened_at_s + AFTER_S, platform.state.now_s)
    return since_s, until_s, f"at_s BETWEEN {since_s!r} AND {until_s!r}"


def _print_counts(platform: Platform, within: str) -> None:
    """Each kind of entry that could belong to an attack, by who did it and from where."""
    found = rows(
        platform,
        f"SELECT event_type, actor, address, count(*) AS number FROM audit_log WHERE {within} GROUP BY 1, 2, 3 ORDER BY 4 DESC, 2, 3",
    )
    print(f"audit trail         {sum(row['number'] for row in found)} entries")
    for event_type, title in _TITLES.items():
        own = [row for row in found if row["event_type"] == event_type]
        shown = ", ".join(f"{row['actor']} from {row['address']} {row['number']}" for row in own)
        print(f"{title:<20}{sum(row['number'] for row in own)}{f': {shown}' if shown else ''}")


def _print_tokens(platform: Platform, since_s: float, until_s: float) -> None:
    """A token's last use is known, and how often it was used in all."""
    found = rows(
        platform,
        f"SELECT * FROM api_tokens WHERE last_used_at_s BETWEEN {since_s!r} AND {until_s!r} ORDER BY last_used_at_s",
    )
    print(f"tokens used last    {len(found)}")
    for row in found:
        state = "revoked" if row["revoked_at_s"] is not None else "valid"
        print(
            f"  {row['name']:<18}of {row['user_id']}, {row['uses']} uses in all, last {moment(platform.state, row['last_used_at_s'])}, {state}"
        )


def _mark(platform: Platform, taken: dict[str, Any], found: Incident) -> None:
    """Unless it was reset since that login."""
    user, now_s = literal(taken["user_id"]), platform.state.now_s
    reset = f"SELECT FROM audit_log WHERE event_type = 'account_reset' AND target = {user} AND at_s >= {taken['at_s']!r}"
    marked = changed(
        platform,
        marked=f"UPDATE users SET compromised_at_s = {now_s!r} WHERE user_id = {user} AND compromised_at_s IS NULL"
        f" AND NOT EXISTS ({reset}) RETURNING user_id",
        written=entry(now_s, "account_marked", "mark", taken["user_id"], "ok", detail=found.name, source="marked"),
    )
    print(f"compromised         {taken['user_id']}: {'marked' if marked else 'marked before, or reset since'}")


def impact(line: Parsed, platform: Platform) -> int:
    """Whose accounts are affected, what was done with them, and what of the platform isn't ready."""
    found = incident(line, platform)
    since_s, until_s, within = _window(platform, found)
    taken = [row["user_id"] for row in audit.taken_over(platform, since_s, until_s)]
    marked = f"compromised_at_s BETWEEN {since_s!r} AND {until_s!r} OR locked_at_s BETWEEN {since_s!r} AND {until_s!r}"
    users = sorted({row["user_id"] for row in rows(platform, f"SELECT user_id FROM users WHERE {marked}")} | set(taken))
    print(f"incident            {found.name}: {found.title}")
    print(f"window              {moment(platform.state, since_s)} to {moment(platform.state, until_s)}")
    print(f"affected users      {len(users)}{': ' + ', '.join(users) if users else ''}")
    for user in users:
        _print_user(platform, user, within)
    print("data read           not recorded: reading is not in the audit trail")
    print(f"platform at opening {found.found}")
    print(f"platform now        not ready: {', '.join(not_ready(platform.state)) or 'nothing'}")
    return 0


def _print_user(platform: Platform, user: str, within: str) -> None:
    name = literal(user)
    own = f"event_type = 'order_placed' AND actor = {name} AND {within}"
    [known] = rows(
        platform,
        f"SELECT (SELECT locked_at_s IS NOT NULL FROM users WHERE user_id = {name}) AS locked,"
        f" (SELECT count(*) FROM api_tokens WHERE user_id = {name} AND revoked_at_s IS NULL) AS tokens,"
        f" (SELECT count(*) FROM audit_log WHERE {own}) AS orders,"
        f" (SELECT count(*) FROM audit_log WHERE event_type = 'admin_action' AND actor = {name} AND {within}) AS admin",
    )
    locked = "locked" if known["locked"] else "not locked"
    print(f"  {user:<18}{locked}, {known['tokens']} valid tokens, {known['orders']} orders, {known['admin']} admin actions")
    for row in rows(
        platform,
        "SELECT symbol, side, count(*) AS number, sum(quantity) AS quantity FROM executions WHERE client_order_id IN"
        f" (SELECT target FROM audit_log WHERE {own}) GROUP BY 1, 2 ORDER BY 1, 2",
    ):
        print(f"  {'':<18}executed: {row['side']} {row['quantity']} {row['symbol']} in {row['number']} orders")


def updates(line: Parsed, platform: Platform) -> int:
    """The versions that run, against the newest. 1 when something is old, and also when who knows it does not answer."""
    if not line.on("check-only"):
        raise not_modelled("eafix-cli", "installing updates (security updates without --check-only)")
    running = dict(_versions(platform))
    source = os.environ.get(_UPDATES)
    for name, version in running.items():
        print(f"{name:<20}{version}")
    if not source:
        raise not_modelled("eafix-cli", f"asking whoever knows the newest versions ({_UPDATES} names nobody)")
    try:
        reply = request(source, "GET", "/updates.json")
    except Unreachable as error:
        return report([Check("updates", False, f"NOT checked: no answer from {error}")])
    newest = reply.json()
    if reply.status != 200 or not isinstance(newest, dict):
        return report([Check("updates", False, f"NOT checked: {source} answers with HTTP status {reply.status}, and no list")])
    return report(
        Check(name, newest.get(name) == version, f"{version}, newest {newest.get(name, 'unknown')}")
        for name, version in running.items()
    )


def _versions(platform: Platform) -> Iterator[tuple[str, str]]:
    """Of what really runs. What doesn't answer has no version."""
    try:
        yield "postgres", platform.sql("SHOW server_version")[0][0].split()[0]
    except SqlFailed as error:
        yield "postgres", f"unknown: {error}"
    try:
        with platform.redis() as redis:
            found = dict(each.split(":", 1) for each in str(redis.call("INFO", "server")).split() if ":" in each)
        yield "redis", found["redis_version"]
    except Unreachable as error:
        yield "redis", f"unknown: {error}"
    ran = capture(["openssl", "version"], os.environ, within_s=5.0)
    if ran.code == 0:
        yield "openssl", ran.out.split()[1]
    for unit in platform.state.services():
        yield unit.name, unit.version or "unknown"


def verify(line: Parsed, platform: Platform) -> int:
    """Whether what contains and prevents an incident is in force; with --comprehensive everything that can be scanned too."""
    checks = list(_guards(platform))
    if line.on("comprehensive"):
        checks += [Check(f"scan: {each.name}", each.ok, each.seen) for each in scan.examined(platform)]
        checks += detection(platform)
    return report(checks)


def _guards(platform: Platform) -> Iterator[Check]:
    left = [row["user_id"] for row in rows(platform, "SELECT user_id FROM users WHERE compromised_at_s IS NOT NULL ORDER BY 1")]
    yield Check("compromised accounts", not left, f"to be reset: {', '.join(left)}" if left else "none")
    open_ones = rows(
        platform,
        "SELECT name, user_id FROM api_tokens JOIN users USING (user_id)"
        " WHERE revoked_at_s IS NULL AND locked_at_s IS NOT NULL ORDER BY 1, 2",
    )
    names = ", ".join(f"{row['name']} of {row['user_id']}" for row in open_ones)
    yield Check("tokens of locked users", not open_ones, names or "none")
    yield attempt("a false login", lambda: _refuses(platform))
    yield attempt("audit trail", lambda: _writes(platform))


def _refuses(platform: Platform) -> Check:
    """Try one that nobody has. The trail knows by its hash that it was a trial."""
    from fakes.services.passwords import digest, new_token

    false = new_token()
    platform.sql(entry(platform.state.now_s, "token_tried", "security verify", digest(false)[:12], "ok"))
    address = f"127.0.0.1:{platform.service(GATEWAY).port}"
    reply = request(address, "GET", "/auth/me", headers={"Authorization": f"Bearer {false}"})
    return Check("a false login", reply.status == 401, f"{GATEWAY} answers with HTTP status {reply.status}")


def _writes(platform: Platform) -> Check:
    before = platform.sql("SELECT count(*) FROM audit_log")[0][0]
    platform.sql(entry(platform.state.now_s, "audit_verified", "security verify", "audit_log", "ok"))
    after = platform.sql("SELECT count(*) FROM audit_log")[0][0]
    return Check("audit trail", int(after) > int(before), f"takes entries, {after} now")


def ids_status(_line: Parsed, platform: Platform) -> int:
    """Failed logins of the last hour by address, and whether anybody would be told of an attack. 0 when all is watched and quiet."""
    since_s = platform.state.now_s - 3600
    found = rows(
        platform,
        "SELECT address, count(*) AS number FROM audit_log WHERE event_type = 'login_failed'"
        f" AND at_s >= {since_s!r} GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    print(f"failed logins       {sum(row['number'] for row in found)} in the last hour")
    for row in found:
        print(f"  {row['address']:<18}{row['number']}")
    return report(detection(platform))


def detection(platform: Platform) -> list[Check]:
    """The gateway counts, the monitoring reads the count, a rule looks at it, and the rate is below the limit."""
    return [
        attempt("counting", lambda: _counted(platform)),
        _monitored("scraping", lambda: _scraped(platform)),
        _monitored("rule", _ruled),
        _monitored("rate", lambda: _rate(platform)),
    ]


def _monitored(name: str, look: Any) -> Check:
    try:
        return attempt(name, look)
    except Failure as failure:
        return Check(name, False, failure.message)


def _counted(platform: Platform) -> Check:
    found = platform.scraped(GATEWAY, _METRIC)
    return Check("counting", bool(found), f"{GATEWAY} has {_METRIC} {sum(found.values()):.0f}" if found else "no such metric")


def _scraped(platform: Platform) -> Check:
    series = platform.query(_METRIC)["result"]
    return Check("scraping", bool(series), f"the monitoring has {len(series)} series of {_METRIC}")


def _ruled() -> Check:
    address = os.environ.get("EAFIX_PROMETHEUS", "127.0.0.1:9090")
    reply = request(address, "GET", "/api/v1/rules", timeout_s=5.0)
    body = reply.json()
    if reply.status != 200 or not isinstance(body, dict):
        return Check("rule", False, f"the monitoring tells no rules: HTTP status {reply.status}")
    rules = [rule for group in body["data"]["groups"] for rule in group["rules"] if _METRIC in rule.get("query", "")]
    names = ", ".join(f"{rule['name']} is {rule.get('state', '?')}" for rule in rules)
    quiet = bool(rules) and not any(rule.get("state") == "firing" for rule in rules)
    return Check("rule", quiet, names or f"no alert rule looks at {_METRIC}")


def _rate(platform: Platform) -> Check:
    series = platform.query(f"sum(rate({_METRIC}[5m]))")["result"]
    if not series:
        return Check("rate", False, "unknown: fewer than two scrapes in 5 minutes")
    rate = float(series[0]["value"][1])
    return Check("rate", rate <= _MOST, f"{rate:.3g} failed logins a second over 5 minutes, the limit is {_MOST:g}")
