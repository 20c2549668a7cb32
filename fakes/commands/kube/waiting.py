"""`kubectl wait`: until a condition holds, an object is gone, or a field has a value."""

from __future__ import annotations

import re
import time

from fakes.commands.control import Control
from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed
from fakes.commands.kube import jsonpath, live
from fakes.commands.kube.cluster import Cluster, Thing
from fakes.commands.kube.selecting import NO_RESOURCE, needs_name, select

WAIT = ("for", "timeout", "selector", "all", "all-namespaces", "field-selector", "filename", "recursive", "output")
_POLL_S = 0.03
_PATH = re.compile(r"jsonpath=(?P<path>'?\{[^}]*\}'?)(?:=(?P<value>.*))?", re.DOTALL)


def wait(line: Parsed, control: Control) -> int:
    condition = line.text("for")
    kind, _, expected = condition.partition("=")
    if kind == "jsonpath" and not _PATH.fullmatch(condition):
        raise Failure(f'error: unrecognized condition: "{condition}"')
    if condition not in ("delete", "create") and kind != "jsonpath" and (kind != "condition" or not expected):
        raise Failure(f'error: unrecognized condition: "{condition}"')
    if not line.words and not line.texts("filename"):
        raise Failure(NO_RESOURCE)
    needs_name(line)
    deadline = time.monotonic() + line.seconds("timeout", 30.0)
    selected = select(Cluster(control), line)
    if condition == "create":
        while selected.missing or not selected.things:
            _pause(deadline, "the condition on " + " ".join(line.words))
            selected = select(Cluster(control), line)
    found = selected.things if condition == "delete" else selected.must()
    if not found and condition != "delete":
        raise Failure("error: no matching resources found")
    for thing in found:
        while not _holds(Cluster(control), thing, condition):
            _pause(
                deadline,
                f"the condition on {thing.kind.plural}/{thing.name}"
                if not thing.kind.group
                else f"the condition on {thing.kind.qualified}/{thing.name}",
            )
        print(f"{thing.short} condition met", flush=True)
    return 0


def _pause(deadline: float, what: str) -> None:
    if time.monotonic() >= deadline:
        raise Failure(f"error: timed out waiting for {what}")
    time.sleep(_POLL_S)


def _holds(cluster: Cluster, thing: Thing, condition: str) -> bool:
    now = cluster.get(thing.kind, thing.namespace, thing.name)
    if condition == "delete":
        return now is None
    if condition == "create":
        return now is not None
    if now is None:
        raise Failure(f'Error from server (NotFound): {thing.kind.qualified} "{thing.name}" not found')
    if read := _PATH.fullmatch(condition):
        values = jsonpath.found(read["path"].strip("'"), now.object)
        wanted = (read["value"] or "").strip("'\"")
        return bool(values) and (read["value"] is None or str(values[0]) == wanted)
    name, _, expected = condition.removeprefix("condition=").partition("=")
    return _condition(now, name, expected or "true")


def _condition(thing: Thing, name: str, expected: str) -> bool:
    if thing.unit is not None and thing.kind.plural == "deployments" and name.lower() == "available":
        return live.available(thing.unit) == (expected.lower() != "false")
    for row in (thing.object.get("status") or {}).get("conditions") or []:
        if str(row.get("type", "")).lower() == name.lower():
            return str(row.get("status", "")).lower() == expected.lower()
    return False  # a condition that the object never has
