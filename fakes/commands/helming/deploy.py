"""`helm upgrade` and `helm rollback`: what changes the cluster."""

from __future__ import annotations

import json
import time
from typing import Any

from fakes.commands.control import Control
from fakes.commands.entry import Failure
from fakes.commands.flags import Parsed
from fakes.commands.helming import charts
from fakes.commands.helming.releases import Releases, Revision, current, members
from fakes.commands.helming.show import print_status
from fakes.commands.helming.values import over, told
from fakes.commands.kube import act, kinds, live
from fakes.commands.kube.apply import merged
from fakes.commands.kube.cluster import Cluster

UPGRADE = (
    "set", "set-string", "values", "wait", "timeout", "atomic", "install", "reuse-values", "reset-values", "reset-then-reuse-values",
    "description", "create-namespace", "cleanup-on-fail", "no-hooks", "hide-notes",
)  # fmt: skip
ROLLBACK = ("wait", "timeout", "cleanup-on-fail", "no-hooks")
_POLL_S = 0.05
_TIMEOUT_S = 300.0
_DEADLINE = "context deadline exceeded"


def upgrade(line: Parsed, control: Control, namespace: str) -> int:
    name, path = line.words
    releases = Releases(control)
    rows = releases.history(name, namespace)
    installs = not rows
    if installs and line.on("install"):
        print(f'Release "{name}" does not exist. Installing it now.', flush=True)
    chart, given = charts.load(path), told(line)
    if installs and not line.on("install"):
        raise Failure(f'Error: UPGRADE FAILED: "{name}" has no deployed releases')
    if installs:
        _space(control, namespace, create=line.on("create-namespace"))
    last = rows[-1] if rows else None
    made = _rendered(line, releases, chart, last, given, namespace)
    if last and last.manifest is None:  # what the chart would have made of the values that are deployed
        assumed, _ = charts.manifests(chart, name, namespace, last.config, last.number)
        last = last._replace(manifest=assumed, before=_as_they_are(Cluster(control), made.manifest or [], namespace))
        releases.save(last)
    objects = made.manifest or []
    failed = _bring_about(control, last.manifest or [] if last else [], objects, namespace)
    if not failed and (line.on("wait") or line.on("atomic")):
        failed = _waited(control, objects, namespace, line.seconds("timeout", _TIMEOUT_S))
    made = made._replace(services=current(control.state()))
    if failed:
        _fail(line, control, releases, made, failed)
    releases.supersede(name, namespace)
    releases.save(made._replace(status="deployed"))
    if not installs:
        print(f'Release "{name}" has been upgraded. Happy Helming!')
    print_status(releases.state, made._replace(status="deployed"))
    return 0


def _rendered(
    line: Parsed, releases: Releases, chart: charts.Chart, last: Revision | None, given: dict[str, Any], namespace: str
) -> Revision:
    """The revision that an upgrade is about to make."""
    name = line.words[0]
    config, base = _config(line, chart, last, given)
    number = last.number + 1 if last else 1
    objects, hooks = charts.manifests(chart._replace(values=base), name, namespace, config, number)
    said = line.text("description") or ("Upgrade complete" if last else "Install complete")
    return Revision(
        release=name, namespace=namespace, number=number, at_s=releases.state.now_s, status="pending-upgrade", description=said,
        chart=chart.shown, app_version=chart.app_version, config=config, computed=over(base, config, keep_null=False),
        manifest=objects, hooks=hooks, services={},
    )  # fmt: skip


def _config(
    line: Parsed, chart: charts.Chart, last: Revision | None, given: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values that count as the operator's own, and those of the chart below them, as helm decides it."""
    if last is None or line.on("reset-values"):
        return given, chart.values
    if line.on("reuse-values"):
        return over(last.config, given), last.computed or chart.values
    if line.on("reset-then-reuse-values"):
        return over(last.config, given), chart.values
    return (given or last.config), chart.values


def _space(control: Control, namespace: str, *, create: bool) -> None:
    cluster = Cluster(control)
    if cluster.get(kinds.named("namespaces"), "", namespace) is not None:
        return
    if not create:
        raise Failure(f'Error: create: failed to create: namespaces "{namespace}" not found')
    control.put_object({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


def _as_they_are(cluster: Cluster, objects: list[dict[str, Any]], namespace: str) -> list[dict[str, Any]]:
    """The objects that a chart is about to change, as they were: what going back means."""
    found = []
    for wanted in objects:
        kind = kinds.of_manifest(str(wanted.get("kind")), str(wanted.get("apiVersion")))
        thing = (
            cluster.get(kind, _namespace(wanted, namespace) if kind.namespaced else "", str(wanted["metadata"]["name"]))
            if kind
            else None
        )
        if thing is not None:
            metadata = {
                key: thing.object["metadata"][key]
                for key in ("name", "namespace", "labels", "annotations")
                if key in thing.object["metadata"]
            }
            found.append({key: value for key, value in thing.object.items() if key != "status"} | {"metadata": metadata})
    return found


def _namespace(wanted: dict[str, Any], namespace: str) -> str:
    return str((wanted.get("metadata") or {}).get("namespace") or namespace)


def _bring_about(control: Control, before: list[dict[str, Any]], objects: list[dict[str, Any]], namespace: str) -> str:
    """Make the cluster be as the manifests say, by helm's three-way merge; what went wrong, or nothing."""
    earlier = {_key(row, namespace): row for row in before}
    try:
        for wanted in objects:
            kind = kinds.of_manifest(str(wanted.get("kind")), str(wanted.get("apiVersion")))
            if kind is None:
                return f'unable to build kubernetes objects: resource mapping not found: no matches for kind "{wanted.get("kind")}" in version "{wanted.get("apiVersion")}"'
            placed = {
                **wanted,
                "metadata": {**wanted["metadata"], **({"namespace": _namespace(wanted, namespace)} if kind.namespaced else {})},
            }
            cluster = Cluster(control)
            thing = cluster.get(kind, placed["metadata"].get("namespace", ""), str(placed["metadata"]["name"]))
            if thing is None:
                act.put(cluster, placed)
            else:
                old = earlier.get(_key(wanted, namespace))
                act.become(cluster, thing, merged(thing, placed, json.dumps(old) if old else None))
        wanted_keys = {_key(row, namespace) for row in objects}
        for key, row in earlier.items():
            _take_away(control, row, namespace) if key not in wanted_keys else None
    except Failure as failure:
        if failure.code != 1:
            raise
        return f"cannot patch: {failure.message.removeprefix('Error from server ')}"
    return ""


def _key(row: dict[str, Any], namespace: str) -> tuple[str, str, str]:
    return str(row["kind"]), _namespace(row, namespace), str(row["metadata"]["name"])


def _take_away(control: Control, row: dict[str, Any], namespace: str) -> None:
    """An object of the manifest before, that the new one lacks. What runs stays: the stack cannot lose a part of itself."""
    kind = kinds.of_manifest(str(row["kind"]), str(row["apiVersion"]))
    thing = Cluster(control).get(kind, _namespace(row, namespace), str(row["metadata"]["name"])) if kind else None
    if thing is not None and thing.unit is None and thing.address is None and thing.stored is not None:
        control.delete_object(thing.kind.kind, thing.namespace or "_", thing.name)


def _waited(control: Control, objects: list[dict[str, Any]], namespace: str, within_s: float) -> str:
    deadline = time.monotonic() + within_s
    names = {(row["kind"], _namespace(row, namespace), row["metadata"]["name"]) for row in objects}
    while True:
        cluster = Cluster(control)
        things = [
            thing
            for thing in cluster.things
            if (thing.kind.kind, thing.namespace, thing.name) in names and thing.kind.kind in ("Deployment", "StatefulSet")
        ]
        if all(
            live.available(thing.unit) if thing.unit else not (thing.object.get("spec") or {}).get("replicas", 1)
            for thing in things
        ):
            return ""
        if time.monotonic() >= deadline:
            return _DEADLINE
        time.sleep(_POLL_S)


def _fail(line: Parsed, control: Control, releases: Releases, made: Revision, why: str) -> None:
    """Record a failed upgrade, go back when that is wanted, and say so. Raises Failure."""
    releases.save(made._replace(status="failed", description=f'Upgrade "{made.release}" failed: {why}'))
    if line.on("atomic"):
        good = [row for row in releases.history(made.release, made.namespace) if row.status in ("deployed", "superseded")]
        if good:
            _go_back(control, releases, good[-1])
            raise Failure(
                f"Error: UPGRADE FAILED: release {made.release} failed, and has been rolled back due to atomic being set: {why}"
            )
    raise Failure(f"Error: UPGRADE FAILED: {why}")


def rollback(line: Parsed, control: Control, namespace: str) -> int:
    name = line.words[0]
    wanted = _number(line.words[1]) if line.words[1:] else 0
    if wanted < 0:
        raise Failure("Error: invalid release revision")
    releases = Releases(control)
    rows = releases.history(name, namespace)
    if not rows:
        raise Failure("Error: release: not found")
    target = wanted or rows[-1].number - 1
    found = next((row for row in rows if row.number == target), None)
    if found is None:
        raise Failure(f"Error: release has no {target} version")
    made = _go_back(control, releases, found)
    if line.on("wait"):
        failed = _waited(control, made.manifest or _deployments(control), namespace, line.seconds("timeout", _TIMEOUT_S))
        if failed:
            releases.save(made._replace(status="failed", description=f'Rollback "{name}" failed: {failed}'))
            raise Failure(f"Error: {failed}")
    print("Rollback was a success! Happy Helming!")
    return 0


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Failure(f'Error: could not convert revision to a number: strconv.Atoi: parsing "{text}": invalid syntax') from None


def _deployments(control: Control) -> list[dict[str, Any]]:
    return [live.workload(control.state(), unit) for unit in members(control.state())]


def _go_back(control: Control, releases: Releases, target: Revision) -> Revision:
    """A new revision that is as `target` was: its services' versions, and the objects of its manifest."""
    rows = releases.history(target.release, target.namespace)
    for unit in members(control.state()):
        there = {int(row["revision"]): row for row in unit.revisions}
        old = there.get(target.services.get(unit.name, 0))
        if old and (str(old["version"]), str(old.get("defect") or "")) != (unit.version, unit.defect):
            control.undo(unit, int(old["revision"]))
    wanted = target.before if target.before is not None else target.manifest
    if wanted is not None:
        failed = _bring_about(control, rows[-1].manifest or [], wanted, target.namespace)
        if failed:
            raise Failure(f"Error: {failed}")
    releases.supersede(target.release, target.namespace)
    state = control.state()
    made = target._replace(
        number=rows[-1].number + 1, at_s=state.now_s, status="deployed", description=f"Rollback to {target.number}", services=current(state), tests=()
    )  # fmt: skip
    releases.save(made)
    return made
