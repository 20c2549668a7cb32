"""Releases and their revisions: Secrets in the cluster, `sh.helm.release.v1.NAME.vN`, as helm itself keeps them.

The platform is a release from the start. What was deployed without an operator (the fault `service.version`) is a revision of
it too: it is read from the services' own revisions, those with the cause `deployment`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from fakes.commands.control import Control, State, Unit
from fakes.commands.helming import charts

DEPLOYMENT = "deployment"  # the cause of a revision that somebody deployed
_TYPE = "helm.sh/release.v1"
_SAME_S = 2.0  # services deployed so close together are one release


class Revision(NamedTuple):
    """One revision of a release. `services` is the revision of each service that it came with, `manifest` what its chart made."""

    release: str
    namespace: str
    number: int
    at_s: float
    status: str
    description: str
    chart: str
    app_version: str
    config: dict[str, Any]
    computed: dict[str, Any]
    manifest: list[dict[str, Any]] | None
    hooks: list[dict[str, Any]]
    services: dict[str, int]
    tests: Sequence[dict[str, Any]] = ()
    before: list[dict[str, Any]] | None = None  # of one that no chart was seen of: its objects as they were before the next one


class Releases:
    """All releases, read from the cluster; `save` writes one back. Raises Unreachable, Refused."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.state = control.state()
        self._found: dict[tuple[str, str], list[Revision]] = {}
        for stored in control.objects("Secret"):
            if stored.get("type") == _TYPE:
                revision = _read(stored)
                self._found.setdefault((revision.namespace, revision.release), []).append(revision)
        for rows in self._found.values():
            rows.sort(key=lambda row: row.number)
        if self.state.helm:
            self._complete(self.state.helm)

    def history(self, release: str, namespace: str) -> list[Revision]:
        """Its revisions, oldest first; none when there is no such release."""
        return list(self._found.get((namespace, release), ()))

    def all(self, namespace: str | None) -> list[list[Revision]]:
        """The revisions of each release."""
        return [rows for (space, _), rows in sorted(self._found.items()) if namespace in (None, space)]

    def save(self, revision: Revision) -> None:
        rows = [row for row in self.history(revision.release, revision.namespace) if row.number != revision.number]
        self._found[revision.namespace, revision.release] = sorted([*rows, revision], key=lambda row: row.number)
        self.control.put_object(_stored(revision))

    def supersede(self, release: str, namespace: str) -> None:
        """What was deployed is so no longer."""
        for row in self.history(release, namespace):
            if row.status == "deployed":
                self.save(row._replace(status="superseded"))

    def _complete(self, release: str) -> None:
        """Add the revisions that nobody made with helm: the first, and what was deployed since the last one."""
        namespace = self.state.namespace
        rows = self.history(release, namespace)
        if not rows:
            chart = charts.beside(release)
            units = members(self.state)
            version = next((str(unit.revisions[0]["version"]) for unit in units if unit.revisions), "")
            shown, application = (
                (chart.shown, chart.app_version) if chart else (f"{release}-{version.removeprefix('v')}", version)
            )
            self.save(
                Revision(release, namespace, 1, 0.0, "deployed", "Install complete", shown, application, {}, chart.values if chart else {}, None, [],
                         {unit.name: 1 for unit in units})
            )  # fmt: skip
        for at_s, made in _deployments(self.state):
            last = self.history(release, namespace)[-1]
            fresh = {name: number for name, number in made.items() if number > last.services.get(name, 0) and at_s >= last.at_s}
            if fresh:
                self.supersede(release, namespace)
                self.save(
                    last._replace(number=last.number + 1, at_s=at_s, status="deployed", description="Upgrade complete", manifest=None, before=None,
                                  services={**last.services, **fresh}, tests=())
                )  # fmt: skip


def members(state: State) -> list[Unit]:
    """The services of the platform's release: those in its namespace."""
    return [unit for unit in state.services() if unit.deployment and unit.namespace == state.namespace]


def current(state: State) -> dict[str, int]:
    return {unit.name: unit.revision for unit in members(state)}


def _deployments(state: State) -> list[tuple[float, dict[str, int]]]:
    """When somebody deployed, and which revision of which services that made."""
    rows = sorted(
        (float(row.get("at_s") or 0.0), unit.name, int(row["revision"]))
        for unit in members(state)
        for row in unit.revisions
        if row.get("cause") == DEPLOYMENT
    )
    found: list[tuple[float, dict[str, int]]] = []
    for at_s, name, number in rows:
        if found and at_s - found[-1][0] < _SAME_S and name not in found[-1][1]:
            found[-1][1][name] = number
        else:
            found.append((at_s, {name: number}))
    return found


def _stored(revision: Revision) -> dict[str, Any]:
    text = base64.b64encode(json.dumps(revision._asdict()).encode()).decode()
    name = f"sh.helm.release.v1.{revision.release}.v{revision.number}"
    labels = {"name": revision.release, "owner": "helm", "status": revision.status, "version": str(revision.number)}
    metadata = {"name": name, "namespace": revision.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": _TYPE, "data": {"release": text}}


def _read(stored: dict[str, Any]) -> Revision:
    return Revision(**json.loads(base64.b64decode(stored["data"]["release"])))
