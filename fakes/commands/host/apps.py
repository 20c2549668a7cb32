"""pm2's processes: the stack's services that have a name in pm2, with what pm2 remembers of them beside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from fakes.commands.control import Control, Refused, State, Unit
from fakes.commands.processes import usage

_DELETED, _RESET, _DUMP = "Pm2Deleted", "Pm2Reset", "Pm2Dump"
_PLACE = "_"  # the store's name for what belongs to no namespace
_SAMPLE_S = 0.1


class App(NamedTuple):
    """One process of pm2's list."""

    unit: Unit
    number: int  # pm_id
    restarts: int

    @property
    def name(self) -> str:
        return str(self.unit.pm2)

    @property
    def status(self) -> str:
        """`errored`: it ended without being asked to, and doesn't come back."""
        if self.unit.running:
            return "online"
        return "errored" if self.unit.wanted else "stopped"

    @property
    def environment(self) -> dict[str, str]:
        """What a file may say and change nothing: NODE_ENV and PORT, which its ecosystem file gave it at its start, and what came since."""
        return {"NODE_ENV": "production", "PORT": str(self.unit.port)} | dict(self.unit.environment)


class Apps:
    """The list, as it is now."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.refresh()

    def refresh(self) -> None:
        self.state: State = self.control.state()
        self._deleted = set(self._kept(_DELETED))
        resets = self._kept(_RESET)
        units = [unit for unit in self.state.units if unit.pm2 and unit.present]
        self._all = [App(unit, number, max(unit.restarts - resets.get(unit.name, 0), 0)) for number, unit in enumerate(units)]

    @property
    def listed(self) -> list[App]:
        """In the order of their names, as pm2 shows them."""
        return sorted((app for app in self._all if not self._is_deleted(app)), key=lambda app: app.name)

    def _is_deleted(self, app: App) -> bool:
        return app.unit.name in self._deleted and not app.unit.running

    def deleted(self, name: str) -> App | None:
        """One that was deleted and could be started again."""
        return next((app for app in self._all if app.name == name and self._is_deleted(app)), None)

    def named(self, word: str) -> list[App]:
        """By name, number, namespace or `all`."""
        if word in ("all", "default"):
            return self.listed
        return [app for app in self.listed if word in (app.name, str(app.number))]

    def delete(self, app: App) -> None:
        if app.unit.running:
            self.control.act(app.unit, "stop", wait=True)
        self._keep(_DELETED, app.unit.name, 0)

    def bring_back(self, app: App) -> None:
        try:
            self.control.delete_object(_DELETED, _PLACE, app.unit.name)
        except Refused as error:
            if error.status != 404:  # it was listed all along
                raise

    def reset(self, app: App) -> None:
        self._keep(_RESET, app.unit.name, app.unit.restarts)

    def save(self) -> None:
        self._keep(_DUMP, "dump", 0, [app.name for app in self.listed])

    def saved(self) -> list[str] | None:
        """The names at the last `pm2 save`; None when there was none."""
        found = self.control.objects(_DUMP)
        return [str(name) for name in found[0]["spec"]["names"]] if found else None

    def _kept(self, kind: str) -> dict[str, int]:
        return {str(each["metadata"]["name"]): int(each["spec"]["count"]) for each in self.control.objects(kind)}

    def _keep(self, kind: str, name: str, count: int, names: list[str] | None = None) -> None:
        spec: dict[str, object] = {"count": count, "names": names or []}
        self.control.put_object(
            {"apiVersion": "pm2/v5", "kind": kind, "metadata": {"name": name, "namespace": _PLACE}, "spec": spec}
        )


def changed_environment(app: App, said: Mapping[str, str], *, known: bool) -> dict[str, str]:
    """What a restart brings that the process hasn't: what an ecosystem file `said`, and the API keys of the operator's environment.

    With `known` also the variables that the process has already, as they are in that environment now.
    """
    names = {name for name in os.environ if name.endswith("_API_KEY")}
    names |= {name for name in app.unit.environment if known and name in os.environ}
    wanted = {name: os.environ[name] for name in sorted(names)} | dict(said)
    return {name: value for name, value in wanted.items() if app.environment.get(name) != value}


class Use(NamedTuple):
    """Processor share in per cent, and bytes."""

    cpu: float
    memory: int


def used(apps: list[App]) -> dict[int, Use]:
    """Of each that runs, by number; from /proc, over a tenth of a second."""
    import time

    before = {app.number: usage(app.unit.pid) for app in apps if app.unit.running and app.unit.pid}
    if before:
        time.sleep(_SAMPLE_S)
    found: dict[int, Use] = {}
    for app in apps:
        first, last = before.get(app.number), usage(app.unit.pid) if app.number in before and app.unit.pid else None
        if first and last:
            found[app.number] = Use(max(last.cpu_s - first.cpu_s, 0.0) / _SAMPLE_S * 100, last.memory)
    return found
