"""What the platform knows of an incident: its record, the audit trail around it, and how things are now. Nothing is made up."""

from __future__ import annotations

import json
import os
from typing import Any

from fakes.commands.control import State
from fakes.commands.eafix.platform import Platform
from fakes.commands.eafix.trail import Incident, moment, rows
from fakes.commands.entry import Failure
from fakes.commands.wire import Unreachable, request

BEFORE_S = 3600.0  # the evidence that is looked at begins an hour before an incident was opened (002:667-668)
_MOST = 200  # rows of the timeline
_SAME = ("event_type", "actor", "address", "action", "target", "outcome")


def not_ready(state: State) -> list[str]:
    """Services and datastores that aren't ready."""
    return [unit.name for unit in (*state.services(), *state.datastores()) if not (unit.running and unit.ready)]


def firing() -> list[str]:
    """Alerts that fire now, as the monitoring says. Raises Unreachable, Failure."""
    reply = request(os.environ.get("EAFIX_PROMETHEUS", "127.0.0.1:9090"), "GET", "/api/v1/alerts", timeout_s=5.0)
    body = reply.json()
    if reply.status != 200 or not isinstance(body, dict):
        raise Failure(f"the monitoring answers with HTTP status {reply.status}")
    return sorted({each["labels"]["alertname"] for each in body["data"]["alerts"] if each["state"] == "firing"})


def gather(platform: Platform, incident: Incident) -> dict[str, Any]:
    """Raises Failure."""
    state = platform.state
    began_s = incident.opened_at_s - BEFORE_S
    counts = rows(
        platform,
        f"SELECT event_type, count(*) AS number FROM audit_log WHERE at_s >= {began_s!r} GROUP BY 1 ORDER BY 1",
    )
    entries = rows(
        platform,
        f"SELECT * FROM audit_log WHERE at_s >= {began_s!r} AND event_type <> 'order_placed' ORDER BY at_s, entry",
    )
    [fills] = rows(platform, f"SELECT count(*) AS number FROM executions WHERE executed_at_s >= {incident.opened_at_s!r}")
    try:
        alerts = firing()
    except (Unreachable, Failure) as error:
        alerts = [f"unknown: {getattr(error, 'message', error)}"]
    return {
        "id": incident.name,
        "title": incident.title,
        "severity": incident.severity,
        "type": incident.kind,
        "description": incident.description,
        "opened": moment(state, incident.opened_at_s),
        "opened_by": incident.opened_by,
        "found_at_opening": incident.found,
        "reported": moment(state, state.now_s),
        "not_ready_now": not_ready(state),
        "alerts_firing_now": alerts,
        "orders_executed_since_opening": fills["number"],
        "audited_since": moment(state, began_s),
        "audited": {row["event_type"]: row["number"] for row in counts},
        "timeline": _timeline(state, entries),
    }


def _timeline(state: State, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries in their order; what follows the same again becomes one row that counts it."""
    found: list[dict[str, Any]] = []
    for each in entries:
        same = {key: each[key] for key in _SAME}
        if found and all(found[-1][key] == value for key, value in same.items()):
            found[-1]["times"] += 1
            found[-1]["last"] = moment(state, each["at_s"])
        else:
            at = moment(state, each["at_s"])
            found.append({"first": at, "last": at, "times": 1, **same, "detail": each["detail"]})
    return found


def rendered(report: dict[str, Any], form: str) -> str:
    """As text, markdown or json."""
    if form == "json":
        return json.dumps(report, indent=2)
    markdown = form == "markdown"
    lines = [f"# {report['id']}: {report['title']}" if markdown else f"INCIDENT {report['id']}: {report['title']}", ""]
    item = "- {}: {}" if markdown else "{:<20}{}"
    lines += [item.format(title, value) for title, value in _facts(report)]
    lines += ["", "## In the audit trail" if markdown else f"AUDIT TRAIL since {report['audited_since']}", ""]
    lines += [item.format(kind, number) for kind, number in report["audited"].items()] or ["nothing"]
    lines += ["", "## Timeline" if markdown else "TIMELINE", ""]
    shown = report["timeline"][:_MOST]
    lines += [("- " if markdown else "") + _told(each) for each in shown] or ["nothing"]
    if len(report["timeline"]) > _MOST:
        lines.append(f"and {len(report['timeline']) - _MOST} rows more: eafix-cli audit export")
    return "\n".join(lines)


def _facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Severity", report["severity"]),
        ("Type", report["type"]),
        ("Description", report["description"] or "none"),
        ("Opened", f"{report['opened']} by {report['opened_by']}"),
        ("Found at opening", report["found_at_opening"]),
        ("Reported", report["reported"]),
        ("Not ready now", ", ".join(report["not_ready_now"]) or "nothing"),
        ("Alerts firing now", ", ".join(report["alerts_firing_now"]) or "none"),
        ("Executed since", f"{report['orders_executed_since_opening']} orders"),
    ]


def _told(each: dict[str, Any]) -> str:
    times = f" ({each['times']} times, until {each['last']})" if each["times"] > 1 else ""
    detail = f": {each['detail']}" if each["detail"] else ""
    return (
        f"{each['first']}  {each['event_type']}  {each['actor']} from {each['address']}:"
        f" {each['action']} {each['target']} [{each['outcome']}]{detail}{times}"
    )
