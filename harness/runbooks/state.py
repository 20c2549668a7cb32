"""What a stack is like at one moment, as plain facts by name: so that two moments can be held against each other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString

import httpx
import psycopg

from harness.errors import HarnessError
from harness.stack.embedded import EmbeddedStack
from harness.stack.postgres import PostgresServer

Facts = dict[str, str]

_OF_SERVICES = ("state", "replicas", "version", "environment", "labels", "present", "defect")
_OF_DATASTORES = ("state", "replicas", "role")
_OF_ADDRESSES = ("selector", "instance")
_WORKLOADS = ("Deployment", "StatefulSet", "Service")  # /state tells what is true of them, a manifest what was applied
_ENGINE = "engine/"  # images that were built, containers that were removed: they stay on the machine and change nothing
_HELM = "helm.sh/release.v1"  # the secrets in which helm keeps its revisions: going back makes one more
_ANSWERS_WITHIN_S = 5.0
_QUERIES: dict[str, LiteralString] = {
    "setting": "SELECT name, coalesce(setting, '') FROM pg_settings WHERE source NOT IN ('default', 'client', 'override', 'session')",
    "pending restart": "SELECT name, setting FROM pg_settings WHERE pending_restart",
    "limit": "SELECT name, value::text FROM risk_settings",
    "halt": "SELECT 'trading', halted::text FROM trading_halt",
    "table": "SELECT schemaname || '.' || relname, 'there' FROM pg_stat_user_tables WHERE relname <> 'alembic_version'",  # its own notes
    "database": "SELECT datname, 'there' FROM pg_database WHERE NOT datistemplate",
}


async def facts(stack: EmbeddedStack, control: str) -> Facts:
    """Everything that a rollback should bring back. What cannot be asked now is missing."""
    found: Facts = {}
    async with httpx.AsyncClient(base_url=f"http://{control}", trust_env=False, timeout=_ANSWERS_WITHIN_S) as http:
        found |= dict(of_state(await _asked(http, "/state")))
        found |= dict(of_objects(await _asked(http, "/objects")))
    return found | await _of_postgres(stack)


async def _asked(http: httpx.AsyncClient, path: str) -> Mapping[str, Any]:
    try:
        answer = await http.get(path)
        body = answer.json() if answer.status_code == 200 else {}
    except (httpx.HTTPError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def of_state(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Facts in an answer of /state."""
    for group, kind, keys in (
        ("services", "service", _OF_SERVICES), ("datastores", "datastore", _OF_DATASTORES), ("addresses", "address", _OF_ADDRESSES),
    ):  # fmt: skip
        for name, row in state.get(group, {}).items():
            for key in ("present",) if row.get("present") is False else keys:  # a standby that is not there: nothing else counts
                if row.get(key) not in (None, "", {}, []):
                    yield f"{kind} {name}: {key}", _said(row[key])


def of_objects(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Facts in an answer of /objects."""
    for each in answer.get("objects", []):
        if each.get("kind") in _WORKLOADS or each.get("type") == _HELM or str(each.get("apiVersion", "")).startswith(_ENGINE):
            continue
        metadata = each.get("metadata", {})
        place = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}".lstrip("/")
        yield f"object {each.get('kind')} {place}", _said({key: each[key] for key in each if key not in ("status", "metadata")})


async def _of_postgres(stack: EmbeddedStack) -> Facts:
    try:
        server = stack.serving("postgres")
    except (HarnessError, KeyError):
        return {}
    if not isinstance(server, PostgresServer) or not server.running:
        return {}
    found: Facts = {}
    try:
        async with await psycopg.AsyncConnection.connect(server.dsn(), autocommit=True) as connection:
            for kind, query in _QUERIES.items():
                try:
                    cursor = await connection.execute(query)
                except psycopg.Error:
                    continue
                found |= {f"postgres {kind} {name}": str(value) for name, value in await cursor.fetchall()}
    except (psycopg.Error, OSError):
        return found
    return found


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What is not the same, a line each: `service risk-manager: state: running -> stopped`."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            lines.append(f"{name}: {_short(old)} -> {_short(new)}")
    return lines


def _short(value: str | None) -> str:
    text = "not there" if value is None else value
    return text if len(text) <= 120 else f"{text[:119]}…"
