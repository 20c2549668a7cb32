"""`kubectl rollout`: status, restart, history and undo. The revisions of a deployment are those of its service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from fakes.commands.control import Control, Refused
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed
from fakes.commands.kube import live
from fakes.commands.kube.act import CAUSE
from fakes.commands.kube.apply import checked_dry, say
from fakes.commands.kube.cluster import Cluster, Thing
from fakes.commands.kube.selecting import select

COMMON = ("selector", "filename", "recursive")
FLAGS = {
    "status": (*COMMON, "timeout", "watch", "revision"),
    "restart": (*COMMON, "output"),
    "history": (*COMMON, "revision"),
    "undo": (*COMMON, "to-revision", "dry-run", "output"),
}
_POLL_S = 0.03
_DOING = {"restart": "restarting", "status": "rollout status", "history": "history viewer", "undo": "rollbacker"}


def rollout(verb: str, line: Parsed, control: Control) -> int:
    if not line.words and not line.text("selector") and not line.texts("filename"):
        raise Failure("error: required resource not specified")
    things = select(Cluster(control), line).must()
    for thing in things:
        _check(thing, verb)
    for thing in things:
        {"restart": _restart, "status": _status, "history": _history, "undo": _undo}[verb](line, control, thing)
    return 0


def _check(thing: Thing, verb: str) -> None:
    if thing.kind.plural in ("deployments", "statefulsets", "daemonsets"):
        return
    if verb == "restart":
        raise Failure(f'error: {thing.kind.plural} "{thing.name}" restarting is not supported')
    raise Failure(f"error: no {_DOING[verb]} has been implemented for {thing.kind.kind}")


def _restart(line: Parsed, control: Control, thing: Thing) -> None:
    if thing.unit is not None and thing.unit.wanted:  # a workload scaled to nothing has no pod to replace
        control.act(thing.unit, "restart", wait=False)
    say(line, thing.kind.short, thing.name, thing.object, "restarted")


def revisions(thing: Thing) -> list[tuple[int, str, Mapping[str, Any] | None]]:
    """Number, change-cause and what it was, of each revision that kubectl shows.

    A revision that was gone back to is shown once, by its newest number: it is the same template.
    """
    unit = thing.unit
    if unit is None:
        return [(1, "<none>", None)]
    rows = list(unit.revisions)
    if not rows:  # a datastore: each restart made one
        return [(number, "<none>", None) for number in range(1, unit.restarts + 2)]
    newest: dict[str, tuple[int, str, Mapping[str, Any]]] = {}
    for row in rows:
        digest = live.template_hash(unit, str(row["version"]), row.get("environment") or {}, str(row.get("defect") or ""))
        newest.pop(digest, None)
        newest[digest] = (int(row["revision"]), str(row.get("cause") or "<none>"), row)
    said = thing.annotations.get(CAUSE)
    found = sorted(newest.values())
    return [*found[:-1], (found[-1][0], said, found[-1][2])] if said else list(found)


def _history(line: Parsed, _control: Control, thing: Thing) -> None:
    rows = revisions(thing)
    wanted = line.number("revision", 0)
    if not wanted:
        print(f"{thing.kind.short}/{thing.name} ")
        print("REVISION  CHANGE-CAUSE")
        for number, cause, _ in rows:
            print(f"{number:<10}{cause}")
        print()
        return
    row = next((row for row in rows if row[0] == wanted), None)
    if row is None:
        raise Failure("error: unable to find the specified revision")
    print(f"{thing.kind.short}/{thing.name} with revision #{wanted}")
    print("Pod Template:")
    for part in _template(thing, row[2]):
        print(f"  {part}")


def _template(thing: Thing, row: Mapping[str, Any] | None) -> list[str]:
    from fakes.commands.kube.act import containers

    found = ["Labels:\t" + ",".join(f"{key}={value}" for key, value in thing.labels.items() if key != "version"), "Containers:"]
    for container in containers(thing.object):
        image = str(container["image"])
        environment = {one["name"]: one.get("value", "") for one in container.get("env") or []}
        if row is not None:
            image, environment = f"{image.rpartition(':')[0]}:{row['version']}", dict(row.get("environment") or {})
        found += [f" {container['name']}:", f"  Image:\t{image}", "  Environment:" + ("" if environment else "\t<none>")]
        found += [f"   {key}:\t{value}" for key, value in sorted(environment.items())]
    return found


def _undo(line: Parsed, control: Control, thing: Thing) -> None:
    unit = thing.unit
    if unit is None or unit.kind != "service":
        raise not_modelled("kubectl", f"rollout undo of {thing.kind.short}/{thing.name}")
    rows, wanted = revisions(thing), line.number("to-revision", 0)
    if wanted < 0:
        raise Failure("error: revision must be non-negative")
    if wanted and wanted not in [number for number, _, _ in rows]:
        raise Failure(f"error: unable to find specified revision {wanted} in history")
    if not wanted and len(rows) < 2:
        raise Failure(f'error: no rollout history found for deployment "{thing.name}"')
    target = wanted or rows[-2][0]
    if target == rows[-1][0]:
        say(
            line,
            thing.kind.short,
            thing.name,
            thing.object,
            f"skipped rollback (current template already matches revision {target})",
        )
        return
    if checked_dry(line) == "none":
        try:
            control.undo(unit, target)
        except Refused as error:
            raise Failure(f"error: {error}") from error
    say(line, thing.kind.short, thing.name, thing.object, "rolled back")


def _status(line: Parsed, control: Control, thing: Thing) -> None:
    """Wait, as kubectl does without --watch=false, until the workload's process is there and ready."""
    limit_s = line.seconds("timeout", 0.0)
    deadline = time.monotonic() + limit_s if limit_s else float("inf")
    watching = line.text("watch", "true") == "true"
    said = ""
    while True:
        thing = Cluster(control).find(thing.kind, thing.namespace, thing.name)
        done, message = _progress(thing)
        if message != said:
            print(message, flush=True)
            said = message
        if done or not watching:
            return
        if time.monotonic() >= deadline:
            raise Failure("error: timed out waiting for the condition")
        time.sleep(_POLL_S)


def _progress(thing: Thing) -> tuple[bool, str]:
    unit, spec = thing.unit, thing.object.get("spec") or {}
    wanted = int(spec.get("replicas", 1))
    done = wanted == 0 if unit is None else live.available(unit)
    if thing.kind.plural == "statefulsets":
        if done:
            digest = live.current_hash(unit) if unit else live.letters(thing.name, 10)
            return True, f"statefulset rolling update complete {wanted} pods at revision {thing.name}-{digest}..."
        return False, "Waiting for 1 pods to be ready..."
    if done:
        return True, f'deployment "{thing.name}" successfully rolled out'
    return (
        False,
        f'Waiting for deployment "{thing.name}" rollout to finish: 0 of {max(wanted, 1)} updated replicas are available...',
    )
