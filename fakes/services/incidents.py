"""Incidents of the fake PagerDuty, and what makes an event of its Events API v2 valid."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fakes.clock import Clock

Json = dict[str, Any]

ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "warning", "error", "info")
STATUSES = ("triggered", "acknowledged", "resolved")
_KEY_LENGTH = 32  # of a routing key
_LONGEST_DEDUP_KEY = 255

_log = logging.getLogger(__name__)


def event_errors(event: object, routing_key: str | None = None) -> list[str]:
    """What PagerDuty finds wrong with an event; with a routing key, only that one is known."""
    if not isinstance(event, dict):
        return ["Event object is not a JSON object"]
    errors = _envelope_errors(event, routing_key)
    if event.get("event_action") == "trigger":
        payload = event.get("payload")
        errors += _payload_errors(payload) if isinstance(payload, dict) and payload else ["'payload' is missing or blank"]
    return errors


def _envelope_errors(event: Json, routing_key: str | None) -> list[str]:
    errors = []
    key, action, dedup_key = event.get("routing_key"), event.get("event_action"), event.get("dedup_key")
    if not key:
        errors.append("'routing_key' is missing or blank")
    elif not isinstance(key, str) or len(key) != _KEY_LENGTH:
        errors.append(f"Length of 'routing_key' is incorrect (should be {_KEY_LENGTH} characters)")
    elif routing_key is not None and key != routing_key:
        errors.append("Invalid routing key")
    if not action:
        errors.append("'event_action' is missing or blank")
    elif action not in ACTIONS:
        errors.append("'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')")
    if not dedup_key and action in ("acknowledge", "resolve"):
        errors.append("'dedup_key' is missing or blank")
    elif dedup_key and not isinstance(dedup_key, str):
        errors.append("'dedup_key' is invalid (must be a string)")
    elif dedup_key and len(dedup_key) > _LONGEST_DEDUP_KEY:
        errors.append(f"'dedup_key' is too long (maximum is {_LONGEST_DEDUP_KEY} characters)")
    return errors


def _payload_errors(payload: Json) -> list[str]:
    errors = [f"'payload.{name}' is missing or blank" for name in ("summary", "source", "severity") if not payload.get(name)]
    if payload.get("severity") and payload["severity"] not in SEVERITIES:
        allowed = "'critical', 'warning', 'error' or 'info'"
        errors.append(f"'payload.severity' is invalid (must be one of the following: {allowed})")
    return errors


class Incidents:
    """All incidents, in memory and in a file."""

    def __init__(self, path: Path, clock: Clock, epoch_s: float) -> None:
        self._path, self._clock, self._epoch_s = path, clock, epoch_s
        self.rows: dict[str, Json] = {}
        self.windows: dict[str, Json] = {}  # of maintenance, as the REST API shows them
        if path.exists():
            self.rows = {row["id"]: row for row in json.loads(path.read_text(encoding="utf-8"))}

    def take(self, event: Json) -> str:
        """Process a valid event and return its dedup key. What there is no open incident for is accepted and changes nothing."""
        action = event["event_action"]
        key = event.get("dedup_key") or f"{len(self.rows) + 1:032x}"
        row = next((row for row in self.rows.values() if row["incident_key"] == key and row["status"] != "resolved"), None)
        if action == "trigger":
            self._trigger(row, key, event)
        elif row is not None and action == "resolve":
            self.set_status(row, "resolved", str(event.get("client") or "Events API v2"))
        elif row is not None and row["status"] == "triggered":
            self.set_status(row, "acknowledged", str(event.get("client") or "Events API v2"))
        return key

    def _trigger(self, row: Json | None, key: str, event: Json) -> None:
        if row is None:
            if self.silent:
                _log.info("in a maintenance window, so nobody is called: %s", event["payload"]["summary"])
                return
            row = self._open(key, event["payload"])
        row["alert_counts"]["all"] += 1
        row["last_event"] = event["payload"]
        self._save()

    def _open(self, key: str, payload: Json) -> Json:
        number = len(self.rows) + 1
        identity = f"Q{number:013d}"
        now = self._stamp()
        row = {
            "id": identity,
            "type": "incident",
            "summary": f"[#{number}] {payload['summary']}",
            "incident_number": number,
            "title": payload["summary"],
            "status": "triggered",
            "incident_key": key,
            "urgency": "high" if payload["severity"] in ("critical", "error") else "low",
            "created_at": now,
            "created_s": round(self._clock.now(), 6),
            "updated_at": now,
            "resolved_at": None,
            "last_status_change_at": now,
            "acknowledgements": [],
            "alert_counts": {"all": 0, "triggered": 1, "resolved": 0},
            "body": {"type": "incident_body", "details": payload.get("custom_details", {})},
        }
        self.rows[identity] = row
        _log.info("incident %s triggered: %s", identity, payload["summary"])
        return row

    def set_status(self, row: Json, status: str, by: str) -> None:
        """Acknowledge or resolve an incident that is open."""
        now, now_s = self._stamp(), round(self._clock.now(), 6)
        if status == "acknowledged":
            who = {"type": "user_reference", "summary": by}
            row["acknowledgements"].append({"at": now, "at_s": now_s, "acknowledger": who})
        else:
            row |= {"resolved_at": now, "resolved_s": now_s, "resolved_by": by}
            row["alert_counts"] |= {"triggered": 0, "resolved": 1}
        row |= {"status": status, "updated_at": now, "last_status_change_at": now}
        _log.info("incident %s %s by %s", row["id"], status, by)
        self._save()

    def open_window(self, wanted: Json) -> Json:
        """A maintenance window, as asked for. Raises KeyError, TypeError or ValueError where its times are missing or wrong."""
        start, end = (datetime.fromisoformat(wanted[key]) for key in ("start_time", "end_time"))
        if end <= start or end <= self._now():
            raise ValueError("the window would be over before it begins")
        identity = f"M{len(self.windows) + 1:013d}"
        row = {"id": identity, **{key: wanted.get(key) for key in ("type", "start_time", "end_time", "description", "services")}}
        self.windows[identity] = row
        _log.info("maintenance window %s from %s to %s", identity, row["start_time"], row["end_time"])
        return row

    def end_window(self, identity: str) -> bool:
        """End a window at once; False when there is none of that name."""
        return self.windows.pop(identity, None) is not None

    @property
    def silent(self) -> bool:
        """Whether a maintenance window is open now."""
        now = self._now()
        times = ((datetime.fromisoformat(row[key]) for key in ("start_time", "end_time")) for row in self.windows.values())
        return any(start <= now < end for start, end in times)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._epoch_s + self._clock.now(), UTC)

    def counts(self) -> Mapping[tuple[str, ...], float]:
        return {(status,): float(sum(row["status"] == status for row in self.rows.values())) for status in STATUSES}

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _save(self) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(list(self.rows.values())), encoding="utf-8")
        draft.replace(self._path)
