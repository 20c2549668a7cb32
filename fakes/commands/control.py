"""Client of the control API: what a cluster's own API would be to `kubectl`. The server is `harness/stack/control.py`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from fakes.commands.wire import Reply, request

DEFAULT_ADDRESS = "127.0.0.1:6443"
_ACT_TIMEOUT_S = 120.0  # starting a datastore after a crash may have to replay its log


class Refused(Exception):
    """The control API answered with an error. `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Unit(NamedTuple):
    """One process of the stack that can be started and stopped: a service, or an instance of a datastore."""

    name: str
    path: str  # where the control API has it: /services/NAME or /datastores/NAME
    kind: str  # "service", "postgres" or "redis"
    deployment: str | None
    statefulset: str | None
    compose: str | None
    state: str  # "running" or "stopped"
    ready: bool
    wanted: int  # replicas asked for: 0 after it was stopped on purpose
    port: int
    pid: int | None
    version: str  # empty where the API does not tell
    restarts: int
    started_s: float
    role: str
    app: str  # the label; a deployment's is its own name
    inside: bool  # part of the platform, not a party outside it
    replica_of: str | None
    exit_code: int | None  # of the process that ended last
    ended_s: float | None  # when it did
    aliases: tuple[str, ...] = ()  # further names of its deployment
    labels: Mapping[str, str] = {}  # of its pod, beside `app`
    standby_for: str | None = None  # of a standby: the service beside which it may be brought up
    present: bool = True  # False: a standby that nobody has created
    twin_of: str | None = None  # at the second site: the service of the first that it is there
    pm2: str | None = None
    systemd: str | None = None
    namespace: str = "default"
    image: str | None = None
    environment: Mapping[str, str] = {}
    defect: str = ""
    revision: int = 1
    revisions: tuple[Mapping[str, Any], ...] = ()  # oldest first: revision, version, environment, defect, cause, at_s
    selector: Mapping[str, str] | None = None  # of its service address; None where it has none of its own
    leads_to: str | None = None  # the service that its address leads to now

    @property
    def running(self) -> bool:
        return self.state == "running"


class Address(NamedTuple):
    """A service address, and the instance it leads to now."""

    name: str
    port: int
    kubernetes: str | None
    selector: Mapping[str, str]
    instance: str | None


class State(NamedTuple):
    """The stack at one moment. `now_s` is documented time."""

    units: tuple[Unit, ...]
    addresses: tuple[Address, ...]
    now_s: float
    epoch_s: float  # the calendar time at which the drill's clocks stood at 0
    prefix: str = "eafix"
    namespace: str = "default"
    helm: str | None = None  # the release that the platform belongs to
    ingress: Mapping[str, Any] | None = None  # name, namespace, hosts: host name to service

    def services(self) -> list[Unit]:
        """The services of the platform itself, without the parties outside it."""
        return [
            unit
            for unit in self.units
            if unit.kind == "service" and unit.inside and unit.present and (unit.deployment or unit.compose)
        ]

    def datastores(self) -> list[Unit]:
        return [unit for unit in self.units if unit.kind != "service"]

    def unit(self, name: str) -> Unit | None:
        return next((unit for unit in self.units if unit.name == name), None)

    def address(self, name: str) -> Address | None:
        return next((address for address in self.addresses if address.name == name), None)


class Logs(NamedTuple):
    """Lines of a log; `next` is where the following ones will begin, None where the server does not tell."""

    lines: list[str]
    next: int | None


class Control:
    """The control API at `host:port`. Every call raises Unreachable or Refused."""

    def __init__(self, address: str) -> None:
        self.address = address

    @classmethod
    def from_environment(cls) -> Control:
        return cls(os.environ.get("GAMEDAY_CONTROL", DEFAULT_ADDRESS))

    def state(self) -> State:
        body = _checked(request(self.address, "GET", "/state"))
        units = [_unit(name, "services", row) for name, row in body["services"].items()]
        units += [_unit(name, "datastores", row) for name, row in body["datastores"].items()]
        addresses = tuple(_address(name, row) for name, row in body["addresses"].items())
        return State(
            tuple(units), addresses, float(body["now_s"]), float(body["epoch_s"]), str(body.get("prefix", "eafix")),
            str(body.get("namespace", "default")), body.get("helm"), body.get("ingress"),
        )  # fmt: skip

    def act(self, unit: Unit, verb: str, *, wait: bool) -> None:
        """`start`, `stop`, `restart` or, for a datastore, `promote` and `wipe`. With `wait` it returns when that is done."""
        self._post(f"{unit.path}/{verb}", {"wait": wait})

    def label(self, unit: Unit, role: str) -> None:
        """Set the role by which service addresses select an instance."""
        self._post(f"{unit.path}/role", {"role": role})

    def point(self, address: str, selector: Mapping[str, str | None]) -> str | None:
        """Merge a selector into that of a service address, or of a service: what matches, and it leads to now; None: nothing."""
        found: str | None = self._post(f"/addresses/{address}/selector", {"selector": dict(selector)}).get("instance")
        return found

    def scale(self, unit: Unit, replicas: int) -> None:
        """0 stops a service. However many are asked for, one process runs."""
        self._post(f"{unit.path}/scale", {"replicas": replicas})

    def configure(
        self, unit: Unit, *, version: str | None = None, environment: Mapping[str, str | None] | None = None, cause: str = ""
    ) -> int:
        """Make a new revision of a service, which restarts it when it runs; the revision's number. None removes a variable."""
        body: dict[str, object] = {"environment": dict(environment or {}), "cause": cause}
        if version is not None:
            body["version"] = version
        return int(self._post(f"{unit.path}/configure", body)["revision"])

    def undo(self, unit: Unit, revision: int | None = None) -> int:
        """Back to a revision, or the one before; the number of the revision that this makes. Raises Refused (409) when there is none."""
        return int(self._post(f"{unit.path}/undo", {"revision": revision})["revision"])

    def create(self, unit: Unit) -> None:
        """A standby comes into being, and starts."""
        self._post(f"{unit.path}/create", {})

    def delete(self, unit: Unit) -> None:
        """A standby is removed. Raises Refused (409) for what belongs to the platform."""
        self._post(f"{unit.path}/delete", {})

    def objects(self, kind: str | None = None, namespace: str | None = None) -> list[dict[str, Any]]:
        """Other objects of the cluster, as manifests. What belongs to no namespace is in `_`."""
        asked = "&".join(f"{key}={value}" for key, value in (("kind", kind), ("namespace", namespace)) if value)
        found: list[dict[str, Any]] = _checked(request(self.address, "GET", "/objects" + (f"?{asked}" if asked else "")))[
            "objects"
        ]
        return found

    def put_object(self, manifest: Mapping[str, Any]) -> tuple[bool, bool]:
        """Store an object: whether it is new, and whether it differs from what was there."""
        body = _checked(request(self.address, "PUT", "/objects", dict(manifest)))
        return bool(body["created"]), bool(body["changed"])

    def delete_object(self, kind: str, namespace: str, name: str) -> None:
        """Remove an object; with a Namespace all that is in it. Raises Refused (404) when there is none."""
        _checked(request(self.address, "DELETE", f"/objects/{kind}/{namespace}/{name}"))

    def events(self) -> list[dict[str, Any]]:
        """What happened to workloads, oldest first: at_s, type, reason, object, message, namespace."""
        found: list[dict[str, Any]] = _checked(request(self.address, "GET", "/events"))["events"]
        return found

    def backups(self) -> dict[str, Any]:
        """The backups of Postgres: bases, log, reaches_s. Raises Refused (409) where none are taken."""
        found: dict[str, Any] = _checked(request(self.address, "GET", "/backups"))
        return found

    def ship(self) -> dict[str, Any]:
        """Bring the transaction log up to now off site; the backups that there are then."""
        found: dict[str, Any] = self._post("/backups/ship", {})
        return found

    def restore(self, unit: Unit, source: str, to: str) -> dict[str, Any]:
        """Bring a Postgres back from `on-site` or `off-site`, to an ISO time or `latest`; what came of it. Returns when it takes writes."""
        found: dict[str, Any] = self._post(f"{unit.path}/restore", {"source": source, "to": to})
        return found

    def logs(self, unit: Unit, start: int | None = None) -> Logs:
        """The lines of a unit's log, from place `start` on where that is given."""
        query = "tail=-1" if start is None else f"from={start}"
        body = _checked(request(self.address, "GET", f"{unit.path}/logs?{query}", timeout_s=15.0))
        return Logs([str(line) for line in body["lines"]], body.get("next"))

    def _post(self, path: str, body: dict[str, object]) -> Any:
        return _checked(request(self.address, "POST", path, body, timeout_s=_ACT_TIMEOUT_S))


def _checked(reply: Reply) -> Any:
    body = reply.json()
    if reply.status >= 400:
        raise Refused(reply.status, str(body["error"]) if isinstance(body, dict) and "error" in body else reply.text.strip())
    return body


def _unit(name: str, path: str, row: Mapping[str, Any]) -> Unit:
    return Unit(
        name=name,
        path=f"/{path}/{name}",
        kind=str(row.get("kind", "service")),
        deployment=row.get("deployment"),
        statefulset=row.get("statefulset"),
        compose=row.get("compose"),
        state=str(row["state"]),
        ready=bool(row["ready"]),
        wanted=int(row.get("replicas", 1)),
        port=int(row["port"]),
        pid=row.get("pid"),
        version=str(row.get("version") or ""),
        restarts=int(row.get("restarts") or 0),
        started_s=float(row.get("started_s") or 0.0),
        role=str(row.get("role") or ""),
        app=str(
            row.get("app") or (row.get("labels") or {}).get("app") or row.get("deployment") or row.get("statefulset") or name
        ),
        inside=bool(row.get("inside", True)),
        replica_of=row.get("replica_of"),
        exit_code=row.get("exit_code"),
        ended_s=row.get("ended_s"),
        aliases=tuple(row.get("aliases") or ()),
        labels=dict(row.get("labels") or {}),
        standby_for=row.get("standby_for"),
        present=bool(row.get("present", True)),
        twin_of=row.get("twin_of"),
        pm2=row.get("pm2"),
        systemd=row.get("systemd"),
        namespace=str(row.get("namespace") or "default"),
        image=row.get("image"),
        environment=dict(row.get("environment") or {}),
        defect=str(row.get("defect") or ""),
        revision=int(row.get("revision") or 1),
        revisions=tuple(row.get("revisions") or ()),
        selector=row.get("selector"),
        leads_to=row.get("leads_to"),
    )


def _address(name: str, row: Mapping[str, Any]) -> Address:
    return Address(name, int(row["port"]), row.get("kubernetes"), dict(row.get("selector") or {}), row.get("instance"))
