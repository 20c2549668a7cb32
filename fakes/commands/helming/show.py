"""`helm history`, `list`, `status`, `get values` and `get manifest`, and `test`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from fakes.commands.control import Control, State
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.helming.releases import Releases, Revision, members
from fakes.commands.wire import Unreachable, request

HISTORY = ("max", "output")
LIST = (
    "all-namespaces",
    "all",
    "short",
    "no-headers",
    "output",
    "filter",
    "deployed",
    "failed",
    "superseded",
    "reverse",
    "date",
    "max",
)
STATUS = ("revision", "output", "show-desc")
VALUES = ("all", "revision", "output")
MANIFEST = ("revision",)
TEST = ("timeout", "logs", "filter", "hide-notes")
_PROBE_S = 5.0


def _date(state: State, at_s: float) -> str:
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(state.epoch_s + at_s))


def _table(rows: Sequence[Sequence[str]]) -> None:
    """Columns padded, a tab between them, as helm's tables are."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("\t".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)))


def _printed(form: str, value: Any) -> bool:
    """Whether it was printed as JSON or YAML. Raises Failure."""
    if form in ("", "table"):
        return False
    if form == "json":
        print(json.dumps(value, separators=(",", ":")))
    elif form == "yaml":
        from fakes.commands.yaml_text import dump

        print(dump(value), end="")
    else:
        raise Failure(f'Error: invalid argument "{form}" for "-o, --output" flag: invalid format type')
    return True


def found(releases: Releases, name: str, namespace: str, number: int = 0) -> Revision:
    """A revision of a release, the newest when none is named. Raises Failure."""
    rows = releases.history(name, namespace)
    row = next((row for row in rows if row.number == number), None) if number else (rows[-1] if rows else None)
    if row is None:
        raise Failure("Error: release: not found")
    return row


def history(line: Parsed, control: Control, namespace: str) -> int:
    releases = Releases(control)
    found(releases, line.words[0], namespace)
    rows = releases.history(line.words[0], namespace)[-line.number("max", 256) :]
    items = [
        {"revision": row.number, "updated": _date(releases.state, row.at_s), "status": row.status, "chart": row.chart, "app_version": row.app_version, "description": row.description}
        for row in rows
    ]  # fmt: skip
    if not _printed(line.text("output"), items):
        _table(
            [
                ["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"],
                *([str(value) for value in item.values()] for item in items),
            ]
        )
    return 0


def list_releases(line: Parsed, control: Control, namespace: str) -> int:
    import re

    releases = Releases(control)
    rows = [rows[-1] for rows in releases.all(None if line.on("all-namespaces") else namespace)]
    wanted = [status for status in ("deployed", "failed", "superseded") if line.on(status)] or ["deployed", "failed"]
    rows = [row for row in rows if (row.status in wanted or line.on("all")) and re.search(line.text("filter"), row.release)]
    if line.on("reverse"):
        rows.reverse()
    if line.on("short"):
        print("".join(f"{row.release}\n" for row in rows), end="")
        return 0
    stamp = "%Y-%m-%d %H:%M:%S.000000000 +0000 UTC"
    items = [
        {"name": row.release, "namespace": row.namespace, "revision": str(row.number), "updated": time.strftime(stamp, time.gmtime(releases.state.epoch_s + row.at_s)),
         "status": row.status, "chart": row.chart, "app_version": row.app_version}
        for row in rows
    ]  # fmt: skip
    if not _printed(line.text("output"), items):
        heads = [] if line.on("no-headers") else [["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"]]
        _table([*heads, *(list(item.values()) for item in items)] or [[""]])
    return 0


def status(line: Parsed, control: Control, namespace: str) -> int:
    releases = Releases(control)
    row = found(releases, line.words[0], namespace, line.number("revision", 0))
    if line.text("output") not in ("", "table"):
        raise not_modelled("helm", "status --output")
    print_status(releases.state, row, description=line.on("show-desc"))
    return 0


def print_status(state: State, row: Revision, *, description: bool = False) -> None:
    """As helm prints it after an upgrade and a test, and when it is asked for."""
    print(f"NAME: {row.release}\nLAST DEPLOYED: {_date(state, row.at_s)}\nNAMESPACE: {row.namespace}")
    print(f"STATUS: {row.status}\nREVISION: {row.number}")
    if description:
        print(f"DESCRIPTION: {row.description}")
    if not row.tests:
        print("TEST SUITE: None")
    for test in row.tests:
        print(f"TEST SUITE:     {test['name']}\nLast Started:   {_date(state, test['started_s'])}")
        print(f"Last Completed: {_date(state, test['ended_s'])}\nPhase:          {test['phase']}")


def values(line: Parsed, control: Control, namespace: str) -> int:
    row = found(Releases(control), line.words[0], namespace, line.number("revision", 0))
    told = row.computed if line.on("all") else row.config
    if not _printed(line.text("output"), told):
        from fakes.commands.yaml_text import dump

        print("COMPUTED VALUES:" if line.on("all") else "USER-SUPPLIED VALUES:")
        print(dump(told) if told else "null\n", end="")
    return 0


def manifest(line: Parsed, control: Control, namespace: str) -> int:
    from fakes.commands.yaml_text import dump

    row = found(Releases(control), line.words[0], namespace, line.number("revision", 0))
    if row.manifest is None:
        raise not_modelled("helm", "the manifest of a revision that was not made from a chart in the checkout")
    print("".join(f"---\n{dump(item)}" for item in row.manifest))
    return 0


def test(line: Parsed, control: Control, namespace: str) -> int:
    """The smoke check: every service of the release is asked for its health."""
    releases = Releases(control)
    row = found(releases, line.words[0], namespace)
    if line.on("logs") or line.has("filter"):
        raise not_modelled("helm", "test --logs and --filter")
    began_s = releases.state.now_s
    bad = [
        text for unit in members(releases.state) if unit.wanted if (text := _unhealthy(unit.deployment or unit.name, unit.port))
    ]
    name = next((str(hook["metadata"]["name"]) for hook in row.hooks if hook.get("kind") == "Pod"), f"{row.release}-test-health")
    done = {"name": name, "started_s": began_s, "ended_s": control.state().now_s, "phase": "Failed" if bad else "Succeeded"}
    row = row._replace(tests=[done])
    releases.save(row)
    print_status(releases.state, row)
    if bad:
        raise Failure(f"Error: 1 error occurred:\n\t* pod {name} failed\n\n")
    return 0


def _unhealthy(name: str, port: int) -> str:
    try:
        reply = request(f"127.0.0.1:{port}", "GET", "/healthz", timeout_s=_PROBE_S)
    except Unreachable as error:
        return f"{name}: {error.reason}"
    return "" if reply.status == 200 else f"{name}: {reply.status}"
