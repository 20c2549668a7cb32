"""PagerDuty: pages through its Events API v2, and what a responder does through its REST API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from fakes.clock import Clock
from harness.monitor.errors import PagingFailed
from harness.monitor.rules import Alert
from harness.monitor.values import number_text

_TIMEOUT_WALL_S = 2.0
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # documented, between attempts
_SEVERITIES = ("critical", "error", "warning", "info")


def dedup_key(alert: Alert) -> str:
    """The same for every change of one alert, so that its resolution closes its own incident."""
    identity = json.dumps(sorted(alert.labels.items()))
    return f"{alert.rule}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def page_of(alert: Alert, routing_key: str) -> dict[str, Any]:
    """The event that is sent for an alert, as the Events API v2 wants it."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if alert.state == "resolved" else "trigger",
        "dedup_key": dedup_key(alert),
    }
    if event["event_action"] == "trigger":
        source = alert.labels.get("job") or alert.labels.get("instance") or "monitor"
        event["payload"] = {
            "summary": f"{alert.rule}: {source} ({alert.expr} is {number_text(alert.value)})"[:1024],
            "severity": alert.severity if alert.severity in _SEVERITIES else "error",
            "source": source,
            "component": source,
            "class": alert.rule,
            "custom_details": {
                "labels": dict(alert.labels),
                "expr": alert.expr,
                "value": number_text(alert.value),
                "since_s": alert.since_s,
                "fired_at_s": alert.at_s,
            },
        }
    return event


class _Http:
    """A session that is made inside the running loop."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self, method: str, path: str, *, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and body of the answer. Raises PagingFailed when there is none."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_WALL_S))
        try:
            async with self._session.request(method, self._url + path, json=body, headers=headers) as response:
                text = await response.text()
                return response.status, _json_or_text(text)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PagingFailed(f"{method} {self._url}{path}: no answer ({str(error) or type(error).__name__})") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class PagerDutyNotifier:
    """Sends firing and resolved alerts. An attempt that fails is repeated, with growing pauses, at most six times."""

    def __init__(self, url: str, routing_key: str, clock: Clock, *, on_paged: Callable[[Alert, str], None] | None = None) -> None:
        """`on_paged` hears of each event that was taken, with the incident's dedup key."""
        self._http = _Http(url)
        self._routing_key = routing_key
        self._clock = clock
        self._on_paged = on_paged

    async def notify(self, alert: Alert) -> None:
        """Raises PagingFailed when the event was refused, or the pager could not be told in all attempts."""
        event = page_of(alert, self._routing_key)
        await self._deliver(event)
        if self._on_paged is not None and (event["event_action"] == "resolve" or await self._opened(event["dedup_key"])):
            self._on_paged(alert, event["dedup_key"])

    async def report(self, title: str) -> str:
        """An incident that a person opens, and no alert; its dedup key. Raises PagingFailed."""
        key = f"by-hand-{hashlib.sha256(title.encode()).hexdigest()[:16]}"
        payload = {"summary": title, "severity": "critical", "source": "people"}
        await self._deliver({"routing_key": self._routing_key, "event_action": "trigger", "dedup_key": key, "payload": payload})
        return key

    async def _opened(self, key: str) -> bool:
        """Whether the event has opened an incident, or belongs to an open one: in a maintenance window the pager takes events and calls nobody."""
        try:
            status, answer = await self._http.request("GET", f"/incidents?incident_key={key}&limit=100")
        except PagingFailed:
            return True
        return status != 200 or any(row["status"] != "resolved" for row in answer["incidents"])

    async def _deliver(self, event: Mapping[str, Any]) -> None:
        for pause_s in (*_PAUSES_S, None):
            try:
                await self._send(event)
                break
            except _TryAgain as error:
                if pause_s is None:
                    raise PagingFailed(f"gave up after {len(_PAUSES_S) + 1} attempts: {error}") from error
                await self._clock.sleep(pause_s)

    async def _send(self, event: Mapping[str, Any]) -> None:
        try:
            status, answer = await self._http.request("POST", "/v2/enqueue", body=event)
        except PagingFailed as error:
            raise _TryAgain(str(error)) from error
        if status == 202:
            return
        if status == 429 or status >= 500:
            raise _TryAgain(f"the pager answered {status}: {answer}")
        raise PagingFailed(f"the pager refused the event with {status}: {answer}")

    async def close(self) -> None:
        await self._http.close()


class _TryAgain(PagingFailed):
    """An attempt failed in a way that may pass."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as the REST API shows it. `key` is the dedup key of the alert that opened it."""

    id: str
    key: str
    title: str
    status: str
    acknowledged_by: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Incident:
        people = tuple(str(entry["acknowledger"]["summary"]) for entry in row.get("acknowledgements", ()))
        return cls(row["id"], row.get("incident_key") or "", row.get("title", ""), row["status"], people)


class PagerDutyClient:
    """What a responder does: look at incidents, acknowledge and resolve them. Use it as an async context or close it."""

    def __init__(self, url: str, *, sender: str) -> None:
        """`sender` is the responder's e-mail address, which the API wants in the From header."""
        self._http = _Http(url)
        self._headers = {"From": sender, "Accept": "application/vnd.pagerduty+json;version=2"}

    async def triggered(self) -> list[Incident]:
        """Incidents that nobody has acknowledged, oldest first. Raises PagingFailed, as all methods do."""
        answer = await self._call("GET", "/incidents?statuses[]=triggered&limit=100&sort_by=created_at:asc")
        return [Incident.of(row) for row in answer["incidents"]]

    async def incident(self, incident_id: str) -> Incident:
        return Incident.of((await self._call("GET", f"/incidents/{incident_id}"))["incident"])

    async def acknowledge(self, incident_id: str) -> Incident:
        return await self._set_status(incident_id, "acknowledged")

    async def resolve(self, incident_id: str) -> Incident:
        return await self._set_status(incident_id, "resolved")

    async def _set_status(self, incident_id: str, status: str) -> Incident:
        change = {"incident": {"type": "incident_reference", "status": status}}
        return Incident.of((await self._call("PUT", f"/incidents/{incident_id}", change))["incident"])

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        status, answer = await self._http.request(method, path, body=body, headers=self._headers)
        if status != 200:
            raise PagingFailed(f"{method} {path}: the pager answered {status}: {answer}")
        return answer

    async def close(self) -> None:
        await self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
